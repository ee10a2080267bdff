# bpftime-vm: helpers as functions and as bitcode, from one source
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT

set(_bpftime_vm_helpers_dir "${CMAKE_CURRENT_LIST_DIR}")

# bpftime_vm_add_helper_library(<name> SOURCES <file>... [INCLUDES <folder>...] [OPTIONS <option>...])
#
# Compiles helpers, in C or C++, twice: to the static library <name>, whose functions are for
# ebpf_register() and its like, and with clang to bitcode for ebpf_register_helper_bitcode(). The library has
# the bitcode in it; <name>_bitcode.h, which who links the library can include, declares it:
#
#   extern const unsigned char <name>_bitcode[];
#   extern const unsigned long <name>_bitcode_size;
#
# INCLUDES and OPTIONS are for both compilers. clang must not be newer than the LLVM that backend llvm was
# built with; BPFTIME_VM_HELPER_CLANG says which one it is. Several sources need llvm-link, too.
function(bpftime_vm_add_helper_library name)
    cmake_parse_arguments(PARSE_ARGV 1 helper "" "" "SOURCES;INCLUDES;OPTIONS")
    if(NOT helper_SOURCES OR helper_UNPARSED_ARGUMENTS)
        message(
            FATAL_ERROR
            "bpftime_vm_add_helper_library(${name} ${ARGN}): the form is bpftime_vm_add_helper_library(<name> "
            "SOURCES <file>... [INCLUDES <folder>...] [OPTIONS <option>...])"
        )
    endif()
    find_program(BPFTIME_VM_HELPER_CLANG NAMES clang-19 clang DOC "clang that compiles helpers to bitcode")
    if(NOT BPFTIME_VM_HELPER_CLANG)
        message(
            FATAL_ERROR
            "bpftime_vm_add_helper_library(${name}): clang is not there, which makes bitcode; install clang-19, "
            "or configure with -DBPFTIME_VM_HELPER_CLANG=<clang>"
        )
    endif()
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/${name}_bitcode")
    file(MAKE_DIRECTORY "${folder}")
    set(includes "")
    foreach(include IN LISTS helper_INCLUDES)
        cmake_path(ABSOLUTE_PATH include BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
        list(APPEND includes "-I${include}")
    endforeach()
    set(parts "")
    foreach(source IN LISTS helper_SOURCES)
        cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
        cmake_path(GET source FILENAME file)
        set(part "${folder}/${file}.bc")
        add_custom_command(
            OUTPUT "${part}"
            COMMAND
                "${BPFTIME_VM_HELPER_CLANG}" -O2 -fPIC -fno-stack-protector ${includes} ${helper_OPTIONS} -emit-llvm
                -c "${source}" -MD -MF "${part}.d" -o "${part}"
            DEPENDS "${source}"
            DEPFILE "${part}.d"
            COMMENT "Compiling ${file} to bitcode"
            VERBATIM
        )
        list(APPEND parts "${part}")
    endforeach()
    _bpftime_vm_link_bitcode(bitcode)
    set(embedded "${folder}/${name}_bitcode.c")
    add_custom_command(
        OUTPUT "${embedded}"
        COMMAND
            "${CMAKE_COMMAND}" "-DNAME=${name}" "-DBITCODE=${bitcode}" "-DSOURCE=${embedded}" -P
            "${_bpftime_vm_helpers_dir}/BpftimeVmEmbedBitcode.cmake"
        DEPENDS "${bitcode}" "${_bpftime_vm_helpers_dir}/BpftimeVmEmbedBitcode.cmake"
        COMMENT "Embedding the bitcode of ${name}"
        VERBATIM
    )
    file(
        CONFIGURE
        OUTPUT "${folder}/${name}_bitcode.h"
        CONTENT
            "/* The bitcode of the helpers in library @name@, for ebpf_register_helper_bitcode(). */
#pragma once

#ifdef __cplusplus
extern \"C\" {
#endif

extern const unsigned char @name@_bitcode[];
extern const unsigned long @name@_bitcode_size;

#ifdef __cplusplus
}
#endif
"
        @ONLY
    )
    add_library(${name} STATIC ${helper_SOURCES} "${embedded}")
    target_include_directories(${name} PUBLIC "${folder}" PRIVATE ${helper_INCLUDES})
    target_compile_options(${name} PRIVATE ${helper_OPTIONS})
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endfunction()

# Gives the one file of `parts`, or makes one of them.
macro(_bpftime_vm_link_bitcode variable)
    list(LENGTH parts count)
    if(count EQUAL 1)
        set(${variable} "${parts}")
    else()
        find_program(BPFTIME_VM_LLVM_LINK NAMES llvm-link-19 llvm-link DOC "llvm-link, for helpers of several files")
        if(NOT BPFTIME_VM_LLVM_LINK)
            message(FATAL_ERROR "bpftime_vm_add_helper_library(${name}): several sources need llvm-link (llvm-19)")
        endif()
        set(${variable} "${folder}/${name}.bc")
        add_custom_command(
            OUTPUT "${folder}/${name}.bc"
            COMMAND "${BPFTIME_VM_LLVM_LINK}" ${parts} -o "${folder}/${name}.bc"
            DEPENDS ${parts}
            COMMENT "Linking the bitcode of ${name}"
            VERBATIM
        )
    endif()
endmacro()
