# bpftime-vm: the shared library exports what its headers promise, and needs nothing but the C++ run time
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
#
# usage: symbols.sh <libbpftime-vm.so> <ebpf-vm.h>

set -euo pipefail
library=$1 header=$2
status=0

# complain <what is wrong> <list>: says nothing and stays well if the list is empty.
complain() {
    if [ -n "$2" ]; then
        printf '%s:\n%s\n' "$1" "$2"
        status=1
    fi
}

exported=$(nm --dynamic --defined-only --demangle "$library" | cut -d ' ' -f 3-)
public='^(ebpf_[a-z0-9_]+$|((vtable|typeinfo|typeinfo name) for )?(ebpf_vm|bpftime::vm::compat)(::|$))'
complain "$library exports names that are not public; see vm/vm-core/bpftime-vm.map" \
    "$(echo "$exported" | grep -Ev "$public" || true)"

declared=$(grep -E '^EBPF_EXPORT ' "$header" | grep -Eo '\bebpf_[a-z0-9_]+\(' | tr -d '(' | sort -u)
[ -n "$declared" ] || complain "no declarations found in" "$header"
complain "declared in $header, but not exported by $library" \
    "$(echo "$declared" | grep -Fvxf <(echo "$exported") || true)"

runtime='lib(stdc\+\+|gcc_s|c|m|dl|pthread|asan|ubsan|tsan)\.so\.[0-9]+|ld-linux[a-z0-9_-]*\.so\.[0-9]+'
complain "$library needs libraries that its users may not have" \
    "$(readelf --dynamic "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
        grep -Evx "$runtime" || true)"
exit $status
