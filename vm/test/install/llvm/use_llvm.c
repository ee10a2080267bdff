// bpftime-vm test: the LLVM backend is there by name, compiles, and checks memory accesses
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT

#include <ebpf-vm.h>

/* Sums the bytes of the memory: r0 = 0; while (r2 != 0) r0 += *r1++, r2--. */
static const uint8_t sum[] = {
    0x15, 0x02, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, /* jeq %r2, 0, +5   */
    0x71, 0x13, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* ldxb %r3, [%r1]  */
    0x0f, 0x30, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* add %r0, %r3     */
    0x07, 0x01, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, /* add %r1, 1       */
    0x07, 0x02, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, /* add %r2, -1      */
    0x05, 0x00, 0xfa, 0xff, 0x00, 0x00, 0x00, 0x00, /* ja -6            */
    0x95, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* exit             */
};

static const uint8_t past_the_end[] = {
    0x71, 0x10, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, /* ldxb %r0, [%r1+4] */
    0x95, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* exit              */
};

static int complain(const char *what) {
    fprintf(stderr, "%s: %s\n", what, ebpf_last_error());
    return 1;
}

int main(void) {
    uint8_t memory[4] = {1, 2, 3, 36};
    int64_t result = 0;
    struct ebpf_vm *vm = ebpf_create("llvm");
    if (vm == NULL) return complain("ebpf_create");

    if (ebpf_load(vm, sum, sizeof sum, NULL) != 0) return complain("ebpf_load");
    ebpf_jit_fn compiled = ebpf_compile(vm, NULL);
    if (compiled == NULL) return complain("ebpf_compile");
    if (compiled(memory, sizeof memory) != 42) return complain("the compiled sum");
    if (ebpf_exec(vm, memory, sizeof memory, &result) != 0 || result != 42)
        return complain("the sum");

    if (ebpf_load(vm, past_the_end, sizeof past_the_end, NULL) != 0) return complain("ebpf_load");
    if (ebpf_exec(vm, memory, sizeof memory, &result) >= 0 || ebpf_last_fault(NULL) != 1)
        return complain("reading past the end");
    ebpf_destroy(vm);
    return 0;
}
