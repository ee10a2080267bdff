# bpftime-vm: the command line of the specification: bpftime-cli <path to ebpf instructions> [path to memory]
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
#
# usage: run_cli.sh <bpftime-cli> <folder for files>

set -eu
cli=$1 folder=$2
mkdir -p "$folder"

printf '\277\040\0\0\0\0\0\0\225\0\0\0\0\0\0\0' >"$folder/packet_length.bin" # r0 = r2; exit
printf 'seven..' >"$folder/memory.bin"

"$cli" "$folder/packet_length.bin" "$folder/memory.bin"
"$cli" "$folder/packet_length.bin"
