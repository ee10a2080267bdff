# bpftime-vm: toolchain file for riscv64
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT

set(CMAKE_SYSTEM_PROCESSOR riscv64)
set(BPFTIME_VM_CROSS_TRIPLET riscv64-linux-gnu)
set(BPFTIME_VM_CROSS_LIBRARIES riscv64-linux-gnu)
set(BPFTIME_VM_CROSS_QEMU qemu-riscv64-static)
include("${CMAKE_CURRENT_LIST_DIR}/debian.cmake")

# GCC calls functions for atomic operations on single bytes there.
set(CMAKE_CXX_STANDARD_LIBRARIES_INIT "-latomic")

# Debian 12 has no libraries built for it: GoogleTest is built from its source, RapidCheck is not.
set(BPFTIME_VM_NO_RAPIDCHECK ON)
# The headers of these are the building machine's.
foreach(package IN ITEMS fmt spdlog)
    set(${package}_DIR "/usr/lib/${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu/cmake/${package}")
endforeach()
