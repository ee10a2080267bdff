# bpftime-vm: toolchain file for aarch64
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT

set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(BPFTIME_VM_CROSS_TRIPLET aarch64-linux-gnu)
set(BPFTIME_VM_CROSS_LIBRARIES aarch64-linux-gnu)
set(BPFTIME_VM_CROSS_QEMU qemu-aarch64-static)
include("${CMAKE_CURRENT_LIST_DIR}/debian.cmake")

# See qemu_clear_cache.c, which tests need.
if(BPFTIME_VM_BUILD_TESTS)
    set(BPFTIME_VM_CLEAR_CACHE "${CMAKE_CURRENT_LIST_DIR}/qemu_clear_cache.c")
    string(APPEND CMAKE_EXE_LINKER_FLAGS_INIT " -Wl,--wrap=__clear_cache")
    string(APPEND CMAKE_SHARED_LINKER_FLAGS_INIT " -Wl,--wrap=__clear_cache")
endif()
