# bpftime-vm: a static library with the LLVM backend says what is missing where LLVM's archives are not
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT
#
# PACKAGE: the installed folder of bpftime-vm-config.cmake; COPY: where to make one that looks elsewhere

file(REMOVE_RECURSE "${COPY}")
file(READ "${PACKAGE}/bpftime-vm-config.cmake" config)
string(REGEX REPLACE "[^;\"]*/libLLVM" "/no/such/folder/libLLVM" config "${config}")
file(WRITE "${COPY}/bpftime-vm-config.cmake" "${config}")

include("${COPY}/bpftime-vm-config.cmake")
string(
    CONCAT
    expected
    "^libbpftime-vm.a was built with LLVM [0-9.]+, and /no/such/folder/libLLVM[A-Za-z0-9]+.a is not there; install "
    "LLVM's development files \\(llvm-19-dev\\), or a bpftime-vm built with -DBPFTIME_VM_LLVM=OFF$"
)
if(bpftime-vm_FOUND OR NOT bpftime-vm_NOT_FOUND_MESSAGE MATCHES "${expected}")
    message(FATAL_ERROR "unexpected message: '${bpftime-vm_NOT_FOUND_MESSAGE}'")
endif()
