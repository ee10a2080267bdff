# bpftime-vm: a shared library exports what its headers promise, and needs no library but those that are named
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
#
# usage: symbols.sh <library> <C++ names> <needed libraries> <C header>...
#
# C++ names: a pattern of those that it exports; needed libraries: besides the C++ run time, with '|' between; "-": none

set -euo pipefail
library=$1 cxx=$2 needed=$3
shift 3
status=0

# complain <what is wrong> <list>: says nothing and stays well if the list is empty.
complain() {
    if [ -n "$2" ]; then
        printf '%s:\n%s\n' "$1" "$2"
        status=1
    fi
}

exported=$(nm --dynamic --defined-only --demangle "$library" | cut -d ' ' -f 3-)
public="^(ebpf_[a-z0-9_]+$|$cxx)"
complain "$library exports names that are not public; see its version script" \
    "$(echo "$exported" | grep -Ev "$public" || true)"

declared=$(cat "$@" | grep -E '^EBPF_EXPORT ' | grep -Eo '\bebpf_[a-z0-9_]+\(' | tr -d '(' | sort -u)
[ -n "$declared" ] || complain "no declarations found in" "$*"
complain "declared in $*, but not exported by $library" \
    "$(echo "$declared" | grep -Fvxf <(echo "$exported") || true)"

runtime='lib(stdc\+\+|gcc_s|c|m|dl|pthread|asan|ubsan|tsan|'$needed')\.so\.[0-9]+|ld-linux[a-z0-9_-]*\.so\.[0-9]+'
complain "$library needs libraries that its users may not have" \
    "$(readelf --dynamic "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
        grep -Evx "$runtime" || true)"
exit $status
