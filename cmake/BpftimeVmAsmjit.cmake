# bpftime-vm: AsmJit in a shared library
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT

# bpftime_vm_link_asmjit(<target>)
#
# Links AsmJit's archive, whose code is made for programs: it reads the variable stderr, for the message of an
# assertion, where shared libraries cannot have it. In our copy that is a variable of our own. Everything else in it
# can be anywhere.
function(bpftime_vm_link_asmjit target)
    get_target_property(archive asmjit::asmjit LOCATION)
    set(copy "${PROJECT_BINARY_DIR}/asmjit/libasmjit.a")
    set(stderr "${PROJECT_BINARY_DIR}/asmjit/stderr.c")
    file(
        CONFIGURE
        OUTPUT "${stderr}"
        CONTENT
            "#include <stdio.h>\nextern FILE *bpftime_vm_asmjit_stderr;\nFILE *bpftime_vm_asmjit_stderr;\n__attribute__((constructor)) static void set(void) { bpftime_vm_asmjit_stderr = stderr; }\n"
        @ONLY
    )
    add_custom_command(
        OUTPUT "${copy}"
        COMMAND ${CMAKE_OBJCOPY} --redefine-sym stderr=bpftime_vm_asmjit_stderr "${archive}" "${copy}"
        DEPENDS "${archive}"
        COMMENT "Making AsmJit fit for shared libraries"
        VERBATIM
    )
    add_custom_target(${target}_asmjit DEPENDS "${copy}")
    add_dependencies(${target} ${target}_asmjit)
    target_sources(${target} PRIVATE "${stderr}")
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:${copy}>)
endfunction()
