/* bpftime-vm: the specification's prototypes beside those of ebpf-vm.h, for a C compiler
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 */
#include <ebpf-vm.h>

/* Functions of these names are meant, not the macros that convert their arguments. */
#undef ebpf_exec
#undef ebpf_register

#include "snippets/core_functions.c"
#include "snippets/creating_and_destroying.c"
#include "snippets/helper_management.c"
#include "snippets/loading_and_executing.c"

/* Three functions deviate on purpose, each in types alone: they are declared under other names
 * here. */
#define ebpf_set_pointer_secret specified_set_pointer_secret
#define ebpf_toggle_bounds_check specified_toggle_bounds_check
#include "snippets/compilation.c"
#undef ebpf_set_pointer_secret
#undef ebpf_toggle_bounds_check

#define ebpf_set_lddw_helpers specified_set_lddw_helpers
#include "snippets/advanced_operations.c"
#undef ebpf_set_lddw_helpers

#define HAS_TYPE(function, ...) _Generic(&(function), __VA_ARGS__: 1, default: 0)

_Static_assert(HAS_TYPE(specified_set_pointer_secret, void (*)(struct ebpf_vm *, uint64_t)),
               "as specified");
_Static_assert(HAS_TYPE(ebpf_set_pointer_secret, int (*)(struct ebpf_vm *, uint64_t)),
               "returns an error code");

_Static_assert(HAS_TYPE(specified_toggle_bounds_check, void (*)(struct ebpf_vm *, bool)),
               "as specified");
_Static_assert(HAS_TYPE(ebpf_toggle_bounds_check, bool (*)(struct ebpf_vm *, bool)),
               "returns the state before");

_Static_assert(HAS_TYPE(ebpf_set_lddw_helpers,
                        int (*)(struct ebpf_vm *, uint64_t (*)(uint32_t), uint64_t (*)(uint32_t),
                                uint64_t (*)(uint64_t), uint64_t (*)(uint32_t),
                                uint64_t (*)(uint32_t))),
               "callbacks give addresses, which do not fit an int; returns an error code");

/* "Selecting a Backend" declares `vm` twice; here each line has its own. */
#define NAME_OF_LINE(line) vm_of_line_##line
#define NAME_AT(line) NAME_OF_LINE(line)

void select_backends(struct ebpf_vm **llvm, struct ebpf_vm **ubpf);

void select_backends(struct ebpf_vm **llvm, struct ebpf_vm **ubpf) {
#define vm NAME_AT(__LINE__)
#include "snippets/selecting_a_backend.c"
#undef vm
    *llvm = vm_of_line_2;
    *ubpf = vm_of_line_3;
}
