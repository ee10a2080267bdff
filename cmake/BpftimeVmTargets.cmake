# bpftime-vm: functions that declare a room, a test and a directory that may be absent
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)

# Neither fmt nor spdlog may become a dependency of our users, so no library of theirs is linked.
# fmt header-only costs seconds in each source that formats, a minute under sanitizers; where we know
# how (version 9, and not in a static library, whose strong symbols could meet a user's own fmt), its
# body is compiled once. Sources that format link bpftime_vm_fmt, those that log bpftime_vm_logging.
if(fmt_VERSION MATCHES "^9\\." AND NOT BPFTIME_VM_STATIC)
    add_library(bpftime_vm_fmt STATIC "${CMAKE_CURRENT_LIST_DIR}/fmt_once.cpp")
    target_include_directories(
        bpftime_vm_fmt
        SYSTEM
        PUBLIC $<TARGET_PROPERTY:fmt::fmt-header-only,INTERFACE_INCLUDE_DIRECTORIES>
    )
else()
    add_library(bpftime_vm_fmt INTERFACE)
    target_link_libraries(bpftime_vm_fmt INTERFACE fmt::fmt-header-only)
endif()

add_library(bpftime_vm_logging INTERFACE)
target_compile_definitions(
    bpftime_vm_logging
    INTERFACE
        $<FILTER:$<TARGET_PROPERTY:spdlog::spdlog_header_only,INTERFACE_COMPILE_DEFINITIONS>,EXCLUDE,^FMT_>
)
target_include_directories(
    bpftime_vm_logging
    SYSTEM
    INTERFACE $<TARGET_PROPERTY:spdlog::spdlog_header_only,INTERFACE_INCLUDE_DIRECTORIES>
)
target_link_libraries(bpftime_vm_logging INTERFACE bpftime_vm_fmt Threads::Threads)

# What is local to one source is no concern of the next one.
add_library(bpftime_vm_united INTERFACE)
target_compile_options(
    bpftime_vm_united
    INTERFACE -Wno-shadow $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>
)

# bpftime_vm_unite(<target>)
#
# Compiles several sources of a large test as one: reading headers is most of the time that each takes. For tests
# alone: a function in the anonymous namespace of one source may fit a call in the next one better than what
# that means, without a word of any compiler.
#
# After the target has its libraries, whose options come first.
function(bpftime_vm_unite target)
    if(NOT BPFTIME_VM_UNITY)
        return()
    endif()
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    target_link_libraries(${target} PRIVATE bpftime_vm_united)
endfunction()

# bpftime_vm_add_room(NAME <room> [STANDALONE] SOURCES <file>... [DEPENDS <room>...] [LIBRARIES <target>...])
#
# Makes the OBJECT library bpftime_vm_<room>: include/ is for everyone, src/ for the room alone.
# DEPENDS names the rooms that this one may know; nothing else is on its include path.
# The room becomes part of libbpftime-vm unless it is STANDALONE.
function(bpftime_vm_add_room)
    cmake_parse_arguments(PARSE_ARGV 0 room "STANDALONE" "NAME" "SOURCES;DEPENDS;LIBRARIES")
    _bpftime_vm_check_arguments(bpftime_vm_add_room room NAME SOURCES)
    set(target bpftime_vm_${room_NAME})
    add_library(${target} OBJECT ${room_SOURCES})
    foreach(scope_and_folder IN ITEMS PUBLIC/include PRIVATE/src)
        string(REPLACE "/" ";" pair ${scope_and_folder})
        list(GET pair 0 scope)
        list(GET pair 1 folder)
        if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}")
            target_include_directories(${target} ${scope} "${CMAKE_CURRENT_SOURCE_DIR}/${folder}")
        endif()
    endforeach()
    target_compile_definitions(
        ${target}
        PUBLIC ${BPFTIME_VM_PUBLIC_DEFINITIONS}
        PRIVATE
            BPFTIME_VM_VERSION="${PROJECT_VERSION}"
            BPFTIME_VM_PLUGIN_SUBDIR="bpftime-vm"
            $<$<BOOL:${BPFTIME_VM_STATIC}>:BPFTIME_VM_STATIC_BUILD=1>
    )
    target_compile_options(${target} PRIVATE ${BPFTIME_VM_SANITIZED_LIBRARY_OPTIONS})
    list(TRANSFORM room_DEPENDS PREPEND bpftime_vm_)
    target_link_libraries(
        ${target}
        PUBLIC ${room_DEPENDS}
        PRIVATE bpftime_vm_options bpftime_vm_fmt ${room_LIBRARIES}
    )
    if(NOT room_STANDALONE)
        set_property(GLOBAL APPEND PROPERTY BPFTIME_VM_ROOMS ${room_NAME})
    endif()
endfunction()

# Tests are compiled without optimisation, which takes half the time: what they test is optimised.
set(BPFTIME_VM_TEST_OPTIONS -O0)

# bpftime_vm_precompile(<target> <header>)
#
# Reads a large header, which the C++ sources of a target include, once: it takes longer than most sources.
# They include it all the same.
function(bpftime_vm_precompile target header)
    get_target_property(sources ${target} SOURCES)
    list(LENGTH sources count)
    if(count GREATER 3)
        target_precompile_headers(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:<${header}$<ANGLE-R>>")
    endif()
endfunction()

# bpftime_vm_add_test(NAME <test> SOURCES <file>... [LIBRARIES <target>...] [LABELS <label>...] [MAIN] [UNITED])
#
# Makes a GoogleTest program over the library's private and public headers, which ctest runs. MAIN says
# that the sources bring their own main(), UNITED that they can be compiled as one (bpftime_vm_unite()).
function(bpftime_vm_add_test)
    cmake_parse_arguments(PARSE_ARGV 0 test "MAIN;UNITED" "NAME" "SOURCES;LIBRARIES;LABELS")
    _bpftime_vm_check_arguments(bpftime_vm_add_test test NAME SOURCES)
    if(NOT BPFTIME_VM_BUILD_TESTS)
        return()
    endif()
    find_package(GTest REQUIRED)
    add_executable(${test_NAME} ${test_SOURCES})
    target_link_libraries(
        ${test_NAME}
        PRIVATE
            bpftime_vm_internal
            bpftime_vm_options
            ${test_LIBRARIES}
            $<IF:$<BOOL:${test_MAIN}>,GTest::gmock,GTest::gmock_main>
            bpftime_vm_fmt
    )
    target_compile_options(${test_NAME} PRIVATE ${BPFTIME_VM_TEST_OPTIONS})
    bpftime_vm_precompile(${test_NAME} gmock/gmock.h)
    if(test_UNITED)
        bpftime_vm_unite(${test_NAME})
    endif()
    bpftime_vm_run_gtest(${test_NAME} LABELS ${test_LABELS})
endfunction()

# bpftime_vm_add_properties(<test> <file>...)
#
# Adds property tests to a test, where RapidCheck is.
function(bpftime_vm_add_properties test)
    if(BPFTIME_VM_NO_RAPIDCHECK)
        message(STATUS "properties of ${test}: skipped, RapidCheck is not there for this machine")
        return()
    endif()
    find_package(rapidcheck REQUIRED)
    target_sources(${test} PRIVATE ${ARGN})
    target_link_libraries(${test} PRIVATE rapidcheck)
endfunction()

# bpftime_vm_run_gtest(<target> [LABELS <label>...])
#
# Makes a GoogleTest program one test of ctest: a process for each of its cases costs more than most
# cases. How each case ended is in test-reports/<target>.xml below the build folder, from where
# scripts/test counts them. GTEST_FILTER chooses cases.
function(bpftime_vm_run_gtest target)
    cmake_parse_arguments(PARSE_ARGV 1 test "" "" "LABELS")
    add_test(
        NAME ${target}
        COMMAND ${target} "--gtest_output=xml:${PROJECT_BINARY_DIR}/test-reports/${target}.xml"
    )
    # Programs that tests start are started by the system, which knows its own machine alone.
    string(REPLACE ";" " " emulator "${CMAKE_CROSSCOMPILING_EMULATOR}")
    set(environment "BPFTIME_VM_TEST_EMULATOR=${emulator}")
    if(emulator)
        # Emulators take ten times as long and more: random cases are fewer.
        list(APPEND environment RC_PARAMS=max_success=20 BPFTIME_VM_ANALYSIS_ROUNDS=500)
    endif()
    set_tests_properties(
        ${target}
        PROPERTIES LABELS "${test_LABELS}" TIMEOUT 1800 ENVIRONMENT "${environment}"
    )
endfunction()

# bpftime_vm_add_subdirectory(<folder>...): those of the folders that hold a CMakeLists.txt.
function(bpftime_vm_add_subdirectory)
    foreach(folder IN LISTS ARGN)
        if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt")
            add_subdirectory(${folder})
        endif()
    endforeach()
endfunction()

function(_bpftime_vm_check_arguments function prefix)
    foreach(required IN LISTS ARGN)
        if("${${prefix}_${required}}" STREQUAL "")
            message(FATAL_ERROR "${function}: ${required} is missing")
        endif()
    endforeach()
    if(${prefix}_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "${function}: unknown arguments: ${${prefix}_UNPARSED_ARGUMENTS}")
    endif()
endfunction()
