# bpftime-vm: toolchain file for aarch64
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT

set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(BPFTIME_VM_CROSS_TRIPLET aarch64-linux-gnu)
set(BPFTIME_VM_CROSS_LIBRARIES aarch64-linux-gnu)
set(BPFTIME_VM_CROSS_QEMU qemu-aarch64-static)
include("${CMAKE_CURRENT_LIST_DIR}/debian.cmake")
