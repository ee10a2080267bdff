# bpftime-vm: toolchain file for i386
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT

set(CMAKE_SYSTEM_PROCESSOR i686)
set(BPFTIME_VM_CROSS_TRIPLET i686-linux-gnu)
set(BPFTIME_VM_CROSS_LIBRARIES i386-linux-gnu)
set(BPFTIME_VM_CROSS_QEMU qemu-i386-static)
include("${CMAKE_CURRENT_LIST_DIR}/debian.cmake")
