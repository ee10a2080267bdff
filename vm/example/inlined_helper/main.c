/* bpftime-vm: a helper that becomes a part of the programs that call it
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 *
 * Usage: inlined_helper [backend]
 */
#include "fold.h"
#include "helpers_bitcode.h"

#include <ebpf-vm.h>
#include <inttypes.h>
#include <stdio.h>

enum { fold_id = 7 };

/** r0 = fold_checksum(*(u64 *)r1) */
static const uint8_t program[] = {
    0x79, 0x11, 0, 0, 0,       0, 0, 0, /* ldxdw r1, [r1] */
    0x85, 0,    0, 0, fold_id, 0, 0, 0, /* call 7 */
    0x95, 0,    0, 0, 0,       0, 0, 0, /* exit */
};

static int complain(const char *what) {
    fprintf(stderr, "%s: %s\n", what, ebpf_last_error());
    return 1;
}

static int run(struct ebpf_vm *vm, uint64_t sum) {
    int64_t checksum = 0;
    if (ebpf_exec(vm, &sum, sizeof sum, &checksum) != 0) return complain("exec");
    printf("%#" PRIx64 " -> %#" PRIx64 "\n", sum, (uint64_t)checksum);
    return 0;
}

static int run_all(struct ebpf_vm *vm) {
    /* Backends that do not compile bitcode call the function. */
    if (ebpf_register(vm, fold_id, "fold_checksum", fold_checksum) != 0) return complain("helper");
    if (ebpf_register_helper_bitcode(vm, fold_id, "fold_checksum", helpers_bitcode,
                                     helpers_bitcode_size) != 0)
        return complain("bitcode");
    if (ebpf_load(vm, program, sizeof program, NULL) != 0) return complain("load");
    return run(vm, 0) + run(vm, 0x2fffd) + run(vm, 0x123456789a);
}

int main(int argc, char **argv) {
    struct ebpf_vm *vm = ebpf_create(argc > 1 ? argv[1] : "");
    if (vm == NULL) return complain("create");
    const int failed = run_all(vm);
    ebpf_destroy(vm);
    return failed;
}
