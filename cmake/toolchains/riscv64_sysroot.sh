#!/usr/bin/env bash
# bpftime-vm: GoogleTest for RISC-V, which Debian 12 has as source alone
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
#
# usage: riscv64_sysroot.sh <folder>       fills it, if it is not full already

set -euo pipefail
folder=$(realpath -m "$1")
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
[[ ! -f $folder/.built ]] || exit 0

echo "sysroot: building GoogleTest for riscv64"
mkdir -p "$folder/lib"
# The compiler's own libraries are what the programs run with.
ln -sfn /usr/riscv64-linux-gnu/lib/* "$folder/lib/"
cmake -S /usr/src/googletest -B "$folder/googletest" --log-level=WARNING \
    -DCMAKE_TOOLCHAIN_FILE="$here/riscv64.cmake" -DBPFTIME_VM_SYSROOT="$folder" \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$folder/usr" -DCMAKE_INSTALL_LIBDIR=lib
cmake --build "$folder/googletest" --parallel "$(nproc)" >/dev/null
cmake --install "$folder/googletest" >/dev/null
rm -rf "$folder/googletest"
touch "$folder/.built"
