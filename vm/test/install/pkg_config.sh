# bpftime-vm: compiles one file with what pkg-config says and runs it
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
#
# usage: pkg_config.sh <pkg-config> <package> <installed library folder> <compiler and flags> <source> <program>

set -eu
pkg_config=$1 package=$2 libdir=$3 compiler=$4 source=$5 program=$6

PKG_CONFIG_PATH=$libdir/pkgconfig
export PKG_CONFIG_PATH
flags=$("$pkg_config" --cflags --libs "$package")
echo "flags: $flags"
# shellcheck disable=SC2086  # both are lists of words
$compiler -Wall -Wextra -Wpedantic -Werror "$source" $flags -o "$program"
LD_LIBRARY_PATH=$libdir "$program"
