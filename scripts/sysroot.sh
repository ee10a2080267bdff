#!/usr/bin/env bash
# bpftime-vm: unpacks Debian's libraries for another machine into a folder, for cross builds
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
#
# Nothing of the system is changed, and nobody needs to be root: apt gets lists and a cache of its own.

set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/sysroot.sh <architecture> <folder> <package>...

Downloads the packages for a Debian architecture (arm64, i386, ...), and what they depend on, from the
places that this system gets its own from, and unpacks them into the folder. Does nothing if the folder
holds them already.
TEXT
}

main() {
    (($# >= 3)) || { usage >&2 && exit 2; }
    local architecture=$1 folder wanted="$*"
    folder=$(realpath -m "$2") # apt takes relative paths for its own
    shift 2
    local done_file="$folder/.unpacked"
    [[ -f $done_file && $(<"$done_file") == "$wanted" ]] && return
    rm -rf "$folder"
    local state="$folder/.apt"
    mkdir -p "$state/lists/partial" "$state/archives/partial"
    : >"$state/status"
    local apt=(
        apt-get -qq
        -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture"
        -o "Dir::State=$state" -o "Dir::State::lists=$state/lists" -o "Dir::State::status=$state/status"
        -o "Dir::Cache=$state" -o "Dir::Cache::archives=$state/archives"
        -o APT::Install-Recommends=false -o APT::Sandbox::User=root -o Debug::NoLocking=true
    )
    echo "sysroot: downloading packages of $architecture: $*"
    "${apt[@]}" update ||
        echo "sysroot: not all lists of packages came; the packages may be in those that did"
    "${apt[@]}" install --download-only --yes "$@" >/dev/null
    local archive
    for archive in "$state"/archives/*.deb; do
        dpkg-deb --extract "$archive" "$folder"
    done
    rm -rf "$state"
    # Links to absolute paths would lead out of the folder.
    local link target
    while IFS= read -r -d '' link; do
        target=$(readlink "$link")
        ln -sfn "$(realpath --relative-to="$(dirname "$link")" "$folder")$target" "$link"
    done < <(find "$folder" -type l -lname '/*' -print0)
    echo "$wanted" >"$done_file"
}

main "$@"
