/* bpftime-vm test: helpers in C and C++ give the same as functions and as bitcode
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 */
#include "helpers.h"
#include "my_helpers_bitcode.h"

#include <ebpf-vm.h>
#include <stdio.h>

/* r0 = scale(add(*(u64 *)r1, 5)) */
static const uint8_t program[] = {
    0x79, 0x11, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* ldxdw %r1, [%r1] */
    0xb7, 0x02, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, /* mov %r2, 5       */
    0x85, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, /* call 1           */
    0xbf, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* mov %r1, %r0     */
    0x85, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, /* call 2           */
    0x95, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* exit             */
};

static int complain(const char *what) {
    fprintf(stderr, "%s: %s\n", what, ebpf_last_error());
    return 1;
}

static int give(struct ebpf_vm *vm, unsigned id, const char *name, external_function_t fn) {
    if (ebpf_register(vm, id, name, fn) != 0) return complain("ebpf_register");
    if (ebpf_register_helper_bitcode(vm, id, name, my_helpers_bitcode, my_helpers_bitcode_size) !=
        0)
        return complain("ebpf_register_helper_bitcode");
    return 0;
}

static int try_backend(const char *backend) {
    struct ebpf_vm *vm = ebpf_create(backend);
    if (vm == NULL) return complain("ebpf_create");
    int failed = give(vm, 1, "add", add) + give(vm, 2, "scale", scale);
    if (ebpf_load(vm, program, sizeof program, NULL) != 0) failed += complain("ebpf_load");
    for (uint64_t a = 0; a < 8 && failed == 0; ++a) {
        int64_t result = 0;
        const uint64_t expected = scale(add(a, 5, 0, 0, 0), 0, 0, 0, 0);
        if (ebpf_exec(vm, &a, sizeof a, &result) != 0 || (uint64_t)result != expected)
            failed += complain("ebpf_exec");
    }
    ebpf_destroy(vm);
    return failed;
}

int main(void) { return try_backend("") + try_backend("ubpf"); }
