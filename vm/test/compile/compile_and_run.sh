# bpftime-vm: compiles a program that uses the library, and runs it
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
#
# usage: compile_and_run.sh <program> <compiler> <argument>...

set -eu
program=$1
shift
"$@" -o "$program"
exec "$program"
