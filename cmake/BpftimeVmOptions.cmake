# bpftime-vm: build options, the language level, warnings and sanitizers
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT

option(BPFTIME_VM_STATIC "Build libbpftime-vm.a with the backends linked in; plugins are disabled" OFF)
option(BPFTIME_VM_WERROR "Treat warnings as errors" OFF)
option(BPFTIME_VM_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(BPFTIME_VM_BUILD_BENCHMARKS "Build the benchmarks" ${PROJECT_IS_TOP_LEVEL})
option(BPFTIME_VM_BUILD_CLI "Build bpftime-cli" ${PROJECT_IS_TOP_LEVEL})
option(
    BPFTIME_VM_BUILD_RUNTIME
    "Build libbpftime-vm-runtime, objects and maps in C; needs libelf and nlohmann-json"
    ${PROJECT_IS_TOP_LEVEL}
)
option(BPFTIME_VM_BUILD_EXAMPLES "Build the examples" ${PROJECT_IS_TOP_LEVEL})
option(BPFTIME_VM_INSTALL "Install the library, its headers and its package files" ${PROJECT_IS_TOP_LEVEL})
option(BPFTIME_VM_UNITY "Compile several sources of large tests as one, which takes a third of the time" ON)
option(BPFTIME_VM_BUILD_FUZZERS "Build the libFuzzer targets (clang only)" OFF)

set(BPFTIME_VM_LLVM "AUTO" CACHE STRING "Build the LLVM backend: AUTO (when LLVM is there), ON or OFF")
set_property(CACHE BPFTIME_VM_LLVM PROPERTY STRINGS AUTO ON OFF)
option(BPFTIME_VM_JIT "Build the JIT of backend ubpf where there is one (x86-64, AArch64); needs AsmJit" ON)
set(BPFTIME_VM_SANITIZE "" CACHE STRING "Sanitizers, comma separated: address,undefined or thread")

set(EBPF_MAX_INSTS "" CACHE STRING "Instructions a program may have (empty: the default of ebpf-vm.h)")
set(EBPF_STACK_SIZE "" CACHE STRING "Bytes of a stack frame (empty: the default of ebpf-vm.h)")
set(EBPF_MAX_EXT_FUNCS "" CACHE STRING "Helpers a VM may hold (empty: the default of ebpf-vm.h)")

# --- language ----------------------------------------------------------------------------------

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug, RelWithDebInfo or MinSizeRel" FORCE)
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# --- warnings ----------------------------------------------------------------------------------

add_library(bpftime_vm_options INTERFACE)
target_compile_options(
    bpftime_vm_options
    INTERFACE
        -Wall
        -Wextra
        -Wshadow
        -Wconversion
        # libstdc++ 12's stable_sort() calls a function that it deprecates, for which clang blames us. g++
        # reports what we call.
        $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>
        # Nobody replaces our functions by others of the same name: within the library, calls of
        # exported functions go straight there, or are inlined.
        -fno-semantic-interposition
        $<$<BOOL:${BPFTIME_VM_WERROR}>:-Werror>
)

# --- sanitizers: for every target, since the run-time library must be linked everywhere ----------

set(BPFTIME_VM_SANITIZED_LIBRARY_OPTIONS "")
if(BPFTIME_VM_SANITIZE)
    set(_allowed address undefined leak thread)
    string(REPLACE "," ";" _wanted "${BPFTIME_VM_SANITIZE}")
    foreach(_name IN LISTS _wanted)
        if(NOT _name IN_LIST _allowed)
            list(JOIN _allowed ", " _allowed)
            message(
                FATAL_ERROR
                "BPFTIME_VM_SANITIZE names the unknown sanitizer '${_name}'; choose from: ${_allowed}"
            )
        endif()
    endforeach()
    if("thread" IN_LIST _wanted AND NOT BPFTIME_VM_SANITIZE STREQUAL "thread")
        message(FATAL_ERROR "BPFTIME_VM_SANITIZE=${BPFTIME_VM_SANITIZE}: 'thread' goes alone")
    endif()
    add_compile_options(
        -fsanitize=${BPFTIME_VM_SANITIZE}
        -fno-sanitize-recover=all
        -fno-omit-frame-pointer
        -g1  # traces want lines, not types
    )
    # The library executes many millions of instructions. What is around it does not, and g++ 12 compiles it
    # three times as fast without.
    set(BPFTIME_VM_SANITIZED_LIBRARY_OPTIONS -O1)
    add_compile_definitions(_GLIBCXX_ASSERTIONS)
    add_link_options(-fsanitize=${BPFTIME_VM_SANITIZE})
endif()

if(BPFTIME_VM_BUILD_FUZZERS AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(
        FATAL_ERROR
        "BPFTIME_VM_BUILD_FUZZERS=ON needs libFuzzer, that is clang, but the compiler is "
        "${CMAKE_CXX_COMPILER_ID}; configure with -DCMAKE_CXX_COMPILER=clang++-19 or run 'make fuzz'"
    )
endif()

# --- the LLVM backend --------------------------------------------------------------------------

set(BPFTIME_VM_HAVE_LLVM OFF)
if(BPFTIME_VM_LLVM)
    find_package(LLVM 19.1 CONFIG QUIET)
    if(LLVM_FOUND)
        set(BPFTIME_VM_HAVE_LLVM ON)
    elseif(BPFTIME_VM_LLVM STREQUAL "AUTO")
        message(STATUS "LLVM backend: skipped, LLVM 19 is not there (install llvm-19-dev libzstd-dev)")
    else()
        message(
            FATAL_ERROR
            "BPFTIME_VM_LLVM=${BPFTIME_VM_LLVM}: LLVM 19 is not there; run scripts/setup.sh, or configure "
            "with -DLLVM_DIR=<folder of LLVMConfig.cmake>, or with -DBPFTIME_VM_LLVM=OFF"
        )
    endif()
endif()

# --- the JIT of backend ubpf -------------------------------------------------------------------

# Machines are folders of vm/compat/ubpf-vm/src.
set(BPFTIME_VM_JIT_MACHINE "")
if(CMAKE_SIZEOF_VOID_P EQUAL 8)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
        set(BPFTIME_VM_JIT_MACHINE x86_64)
    elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
        set(BPFTIME_VM_JIT_MACHINE aarch64)
    endif()
endif()
set(BPFTIME_VM_HAVE_JIT OFF)
if(NOT BPFTIME_VM_JIT_MACHINE)
    set(BPFTIME_VM_WHY_NO_JIT "${CMAKE_SYSTEM_PROCESSOR}")
elseif(NOT BPFTIME_VM_JIT)
    set(BPFTIME_VM_WHY_NO_JIT "built with -DBPFTIME_VM_JIT=OFF")
else()
    find_package(asmjit CONFIG QUIET)
    if(NOT asmjit_FOUND)
        message(
            FATAL_ERROR
            "AsmJit is not there, with which backend ubpf makes native code; install libasmjit-dev "
            "(scripts/setup.sh), or configure with -DBPFTIME_VM_JIT=OFF for the interpreter alone"
        )
    endif()
    set(BPFTIME_VM_HAVE_JIT ON)
endif()

# What whoever links libbpftime-vm.a has to link, too: what the backends in it are made with.
set(BPFTIME_VM_STATIC_ARCHIVES "")
if(BPFTIME_VM_STATIC AND BPFTIME_VM_HAVE_JIT)
    get_target_property(_asmjit asmjit::asmjit LOCATION)
    list(APPEND BPFTIME_VM_STATIC_ARCHIVES "${_asmjit}" rt)
endif()
if(BPFTIME_VM_STATIC AND BPFTIME_VM_HAVE_LLVM)
    include(BpftimeVmLlvm)
    bpftime_vm_llvm_archives(_llvm_archives orcjit passes native irreader linker)
    list(APPEND BPFTIME_VM_STATIC_ARCHIVES ${_llvm_archives})
endif()

# --- limits that users of the headers must see as the library does ------------------------------

set(BPFTIME_VM_PUBLIC_DEFINITIONS "")
foreach(_limit IN ITEMS EBPF_MAX_INSTS EBPF_STACK_SIZE EBPF_MAX_EXT_FUNCS)
    if(NOT "${${_limit}}" STREQUAL "")
        if(NOT "${${_limit}}" MATCHES "^[1-9][0-9]*$")
            message(FATAL_ERROR "${_limit}=${${_limit}}: give a positive decimal number")
        endif()
        list(APPEND BPFTIME_VM_PUBLIC_DEFINITIONS "${_limit}=${${_limit}}")
    endif()
endforeach()
