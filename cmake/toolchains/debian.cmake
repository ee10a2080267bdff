# bpftime-vm: cross compilers of Debian, the libraries of scripts/sysroot.sh, and qemu to run what comes out
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
#
# The toolchain files beside this one set CMAKE_SYSTEM_PROCESSOR, BPFTIME_VM_CROSS_TRIPLET (of the
# compilers), BPFTIME_VM_CROSS_LIBRARIES (Debian's folder of the libraries) and BPFTIME_VM_CROSS_QEMU.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER ${BPFTIME_VM_CROSS_TRIPLET}-gcc)
set(CMAKE_CXX_COMPILER ${BPFTIME_VM_CROSS_TRIPLET}-g++)

set(BPFTIME_VM_SYSROOT "${CMAKE_BINARY_DIR}/sysroot" CACHE PATH "What scripts/sysroot.sh made")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES BPFTIME_VM_SYSROOT)

# Packages with headers alone may come from the building machine, others must not.
set(CMAKE_FIND_ROOT_PATH "${BPFTIME_VM_SYSROOT}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
set(CMAKE_LIBRARY_ARCHITECTURE ${BPFTIME_VM_CROSS_LIBRARIES})
set(ENV{PKG_CONFIG_SYSROOT_DIR} "${BPFTIME_VM_SYSROOT}")
set(ENV{PKG_CONFIG_LIBDIR} "${BPFTIME_VM_SYSROOT}/usr/lib/${BPFTIME_VM_CROSS_LIBRARIES}/pkgconfig")

# Shared libraries that shared libraries need, when programs are linked and when they run.
string(
    CONCAT
    CMAKE_EXE_LINKER_FLAGS_INIT
    "-Wl,-rpath-link,${BPFTIME_VM_SYSROOT}/lib/${BPFTIME_VM_CROSS_LIBRARIES}"
    ":${BPFTIME_VM_SYSROOT}/usr/lib/${BPFTIME_VM_CROSS_LIBRARIES}"
)
set(CMAKE_SHARED_LINKER_FLAGS_INIT "${CMAKE_EXE_LINKER_FLAGS_INIT}")
set(CMAKE_CROSSCOMPILING_EMULATOR ${BPFTIME_VM_CROSS_QEMU} -L "${BPFTIME_VM_SYSROOT}")
