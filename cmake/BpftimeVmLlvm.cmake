# bpftime-vm: LLVM's static libraries as files, for users of libbpftime-vm.a
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT

# bpftime_vm_llvm_archives(<variable> <component>...)
#
# Lists the archives of LLVM's components and of all that they need, each before those that it needs,
# then the system's libraries. Files, not LLVM's own targets: these would make every user search for all
# that any part of LLVM needs, and link Z3 and libxml2, which no part of ours does.
function(bpftime_vm_llvm_archives variable)
    llvm_map_components_to_libnames(libraries ${ARGN})
    set(visited "")
    set(archives "")
    foreach(library IN LISTS libraries)
        _bpftime_vm_visit_llvm(${library})
    endforeach()
    set(system rt dl m)
    if(LLVM_ENABLE_ZLIB)
        list(APPEND system z)
    endif()
    if(LLVM_ENABLE_ZSTD)
        list(APPEND system zstd)
    endif()
    set(${variable} ${archives} ${system} PARENT_SCOPE)
endfunction()

# Puts the library before `archives`, after those that it needs.
function(_bpftime_vm_visit_llvm library)
    if(library IN_LIST visited)
        return()
    endif()
    list(APPEND visited ${library})
    get_target_property(needed ${library} INTERFACE_LINK_LIBRARIES)
    foreach(other IN LISTS needed)
        string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" other "${other}")
        if(other MATCHES "^LLVM" AND TARGET ${other})
            _bpftime_vm_visit_llvm(${other})
        endif()
    endforeach()
    get_target_property(archive ${library} LOCATION)
    list(PREPEND archives "${archive}")
    set(visited "${visited}" PARENT_SCOPE)
    set(archives "${archives}" PARENT_SCOPE)
endfunction()
