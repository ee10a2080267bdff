# bpftime-vm: what a project that brings its own backend needs; used in-tree and by the installed package
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT

# A backend registers itself from a constructor that nothing references, so a linker would leave it in
# its archive. When the consumer's tree is complete, every STATIC library that links
# bpftime::vm::compat directly is marked to be linked as a whole by whoever links it.
# Set the target property BPFTIME_VM_NO_BACKEND on a library that should be left alone.
function(bpftime_vm_register_static_backends)
    get_property(scheduled GLOBAL PROPERTY BPFTIME_VM_STATIC_BACKENDS_SCHEDULED)
    if(NOT scheduled)
        set_property(GLOBAL PROPERTY BPFTIME_VM_STATIC_BACKENDS_SCHEDULED TRUE)
        cmake_language(
            DEFER
            DIRECTORY "${CMAKE_SOURCE_DIR}"
            CALL _bpftime_vm_mark_static_backends "${CMAKE_SOURCE_DIR}"
        )
    endif()
endfunction()

function(_bpftime_vm_mark_static_backends directory)
    get_property(targets DIRECTORY "${directory}" PROPERTY BUILDSYSTEM_TARGETS)
    foreach(target IN LISTS targets)
        get_target_property(type ${target} TYPE)
        get_target_property(libraries ${target} LINK_LIBRARIES)
        get_target_property(excluded ${target} BPFTIME_VM_NO_BACKEND)
        if(type STREQUAL "STATIC_LIBRARY" AND "bpftime::vm::compat" IN_LIST libraries AND NOT excluded)
            _bpftime_vm_link_whole(${target})
        endif()
    endforeach()
    get_property(children DIRECTORY "${directory}" PROPERTY SUBDIRECTORIES)
    foreach(child IN LISTS children)
        _bpftime_vm_mark_static_backends("${child}")
    endforeach()
endfunction()

# One single option: CMake drops repeated options, so separate ones would lose the second backend.
# The library itself stays on the link line too, which makes it a dependency of the link.
function(_bpftime_vm_link_whole target)
    set_property(
        TARGET ${target}
        APPEND
        PROPERTY
            INTERFACE_LINK_OPTIONS
                "LINKER:--push-state,--whole-archive,$<TARGET_FILE:${target}>,--pop-state"
    )
endfunction()

# bpftime_vm_add_plugin(<name> SOURCES <file>... [LIBRARIES <target>...])
#
# Makes the plugin libbpftime-vm-<name>.so (target bpftime-vm-<name>), which ebpf_create("<name>")
# loads from BPFTIME_VM_PLUGIN_PATH or the installed plugin directory.
function(bpftime_vm_add_plugin name)
    cmake_parse_arguments(PARSE_ARGV 1 plugin "" "" "SOURCES;LIBRARIES")
    if(NOT plugin_SOURCES OR plugin_UNPARSED_ARGUMENTS)
        message(
            FATAL_ERROR
            "bpftime_vm_add_plugin(${name} ${ARGN}): "
            "the form is bpftime_vm_add_plugin(<name> SOURCES <file>... [LIBRARIES <target>...])"
        )
    endif()
    if(BPFTIME_VM_STATIC)
        message(
            FATAL_ERROR
            "bpftime_vm_add_plugin(${name}): this bpftime-vm is a static library and loads no plugins; "
            "make the backend a STATIC library that links bpftime::vm::compat"
        )
    endif()
    set(target bpftime-vm-${name})
    add_library(${target} MODULE ${plugin_SOURCES})
    set_target_properties(
        ${target}
        PROPERTIES
            PREFIX "lib"
            SUFFIX ".so"
            OUTPUT_NAME "${target}"
            C_VISIBILITY_PRESET hidden
            CXX_VISIBILITY_PRESET hidden
            VISIBILITY_INLINES_HIDDEN ON
    )
    target_link_libraries(${target} PRIVATE bpftime::vm::compat ${plugin_LIBRARIES})
endfunction()
