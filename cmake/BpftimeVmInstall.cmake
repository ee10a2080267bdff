# bpftime-vm: what 'make install' puts where: libraries, headers, tools, CMake package, pkg-config file
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT

include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/bpftime-vm")
set(pkgconfig_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
set(plugin_dir "${CMAKE_INSTALL_LIBDIR}/bpftime-vm")

# --- libraries, headers, tools ------------------------------------------------------------------

install(
    FILES
        vm/vm-core/include/ebpf-vm.h
        vm/compat/include/bpftime_vm_compat.hpp
        vm/compat/include/ebpf-types.h
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
)

set_target_properties(bpftime_vm PROPERTIES EXPORT_NAME vm_library)
set_target_properties(bpftime_vm_api PROPERTIES EXPORT_NAME vm)
set_target_properties(bpftime_vm_backend_api PROPERTIES EXPORT_NAME vm::compat)
install(TARGETS bpftime_vm bpftime_vm_api bpftime_vm_backend_api EXPORT bpftime-vm)

if(TARGET bpftime_vm_runtime_library)
    install(
        FILES
            vm/runtime-capi/include/ebpf-host.h
            vm/runtime-capi/include/ebpf-map.h
            vm/runtime-capi/include/ebpf-network.h
            vm/runtime-capi/include/ebpf-object.h
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    )
    # Both libraries are in one folder.
    set_target_properties(
        bpftime_vm_runtime_library
        PROPERTIES EXPORT_NAME vm_runtime_library INSTALL_RPATH "$ORIGIN"
    )
    set_target_properties(bpftime_vm_runtime_api PROPERTIES EXPORT_NAME vm::runtime)
    install(TARGETS bpftime_vm_runtime_library bpftime_vm_runtime_api EXPORT bpftime-vm)
endif()

if(TARGET bpftime_vm_runtime_cpp_api)
    foreach(room IN ITEMS isa program object runtime runtime-json)
        install(
            DIRECTORY "vm/${room}/include/"
            DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/bpftime-vm"
            FILES_MATCHING
            PATTERN "*.hpp"
            PATTERN "*.def"
        )
    endforeach()
    set_target_properties(bpftime_vm_runtime_cpp_api PROPERTIES EXPORT_NAME vm::runtime_cpp)
    install(TARGETS bpftime_vm_runtime_cpp_api EXPORT bpftime-vm)
    if(TARGET bpftime_vm_runtime_cpp)
        install(TARGETS bpftime_vm_runtime_cpp EXPORT bpftime-vm)
    endif()
endif()

if(TARGET bpftime-cli)
    # The tool finds the library wherever the tree is moved to.
    file(
        RELATIVE_PATH
        bindir_to_libdir
        "${CMAKE_INSTALL_FULL_BINDIR}"
        "${CMAKE_INSTALL_FULL_LIBDIR}"
    )
    set_target_properties(bpftime-cli PROPERTIES INSTALL_RPATH "$ORIGIN/${bindir_to_libdir}")
    install(TARGETS bpftime-cli)
endif()

# --- CMake package --------------------------------------------------------------------------------

install(
    EXPORT bpftime-vm
    NAMESPACE bpftime::
    FILE bpftime-vm-targets.cmake
    DESTINATION "${package_dir}"
)
configure_package_config_file(
    "${CMAKE_CURRENT_LIST_DIR}/bpftime-vm-config.cmake.in"
    "${PROJECT_BINARY_DIR}/bpftime-vm-config.cmake"
    INSTALL_DESTINATION "${package_dir}"
    PATH_VARS plugin_dir
    NO_SET_AND_CHECK_MACRO
)
# Before version 1 a minor version may change the interface.
write_basic_package_version_file(
    "${PROJECT_BINARY_DIR}/bpftime-vm-config-version.cmake"
    COMPATIBILITY SameMinorVersion
)
install(
    FILES
        "${PROJECT_BINARY_DIR}/bpftime-vm-config.cmake"
        "${PROJECT_BINARY_DIR}/bpftime-vm-config-version.cmake"
        "${CMAKE_CURRENT_LIST_DIR}/BpftimeVmBackends.cmake"
        "${CMAKE_CURRENT_LIST_DIR}/BpftimeVmEmbedBitcode.cmake"
        "${CMAKE_CURRENT_LIST_DIR}/BpftimeVmHelpers.cmake"
    DESTINATION "${package_dir}"
)

# --- pkg-config -----------------------------------------------------------------------------------

file(
    RELATIVE_PATH
    pkgconfig_to_prefix
    "${CMAKE_INSTALL_PREFIX}/${pkgconfig_dir}"
    "${CMAKE_INSTALL_PREFIX}"
)
string(REGEX REPLACE "/$" "" pkgconfig_to_prefix "${pkgconfig_to_prefix}")
list(TRANSFORM BPFTIME_VM_PUBLIC_DEFINITIONS PREPEND " -D" OUTPUT_VARIABLE pkgconfig_definitions)
list(JOIN pkgconfig_definitions "" pkgconfig_definitions)
if(BPFTIME_VM_STATIC)
    # By path, since "-lbpftime-vm" would be dropped or repeated by pkg-config's own sorting.
    list(
        TRANSFORM BPFTIME_VM_STATIC_ARCHIVES
        REPLACE "^([^/].*)$" "-l\\1"
        OUTPUT_VARIABLE pkgconfig_archives
    )
    list(JOIN pkgconfig_archives " " pkgconfig_archives)
    string(
        CONCAT
        pkgconfig_libs
        "-Wl,--push-state,--whole-archive,\${libdir}/libbpftime-vm.a,--pop-state"
        " ${pkgconfig_archives} -lstdc++ -lm -pthread"
    )
else()
    set(pkgconfig_libs "-L\${libdir} -lbpftime-vm")
endif()
configure_file(
    "${CMAKE_CURRENT_LIST_DIR}/bpftime-vm.pc.in"
    "${PROJECT_BINARY_DIR}/bpftime-vm.pc"
    @ONLY
)
install(FILES "${PROJECT_BINARY_DIR}/bpftime-vm.pc" DESTINATION "${pkgconfig_dir}")

if(TARGET bpftime_vm_runtime_library)
    if(BPFTIME_VM_STATIC)
        set(pkgconfig_libs "\${libdir}/libbpftime-vm-runtime.a -lelf")
    else()
        set(pkgconfig_libs "-L\${libdir} -lbpftime-vm-runtime")
    endif()
    configure_file(
        "${CMAKE_CURRENT_LIST_DIR}/bpftime-vm-runtime.pc.in"
        "${PROJECT_BINARY_DIR}/bpftime-vm-runtime.pc"
        @ONLY
    )
    install(FILES "${PROJECT_BINARY_DIR}/bpftime-vm-runtime.pc" DESTINATION "${pkgconfig_dir}")
endif()

if(TARGET bpftime_vm_runtime_cpp_api)
    if(BPFTIME_VM_STATIC)
        set(pkgconfig_requires bpftime-vm-runtime)
        set(pkgconfig_libs "")
    else()
        set(pkgconfig_requires bpftime-vm)
        set(pkgconfig_libs "-L\${libdir} -lbpftime-vm-runtime-cpp -lelf")
    endif()
    configure_file(
        "${CMAKE_CURRENT_LIST_DIR}/bpftime-vm-runtime-cpp.pc.in"
        "${PROJECT_BINARY_DIR}/bpftime-vm-runtime-cpp.pc"
        @ONLY
    )
    install(FILES "${PROJECT_BINARY_DIR}/bpftime-vm-runtime-cpp.pc" DESTINATION "${pkgconfig_dir}")
endif()
