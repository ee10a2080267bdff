// bpftime-vm test: uBPF's API, over an interpreter that always answers 1 and a compiler of crashes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define EXPORT __attribute__((visibility("default")))

struct ubpf_vm {
    bool loaded;
};
typedef uint64_t (*ubpf_jit_fn)(void *mem, size_t mem_len);

EXPORT struct ubpf_vm *ubpf_create(void);
EXPORT void ubpf_destroy(struct ubpf_vm *vm);
EXPORT int ubpf_load(struct ubpf_vm *vm, const void *code, uint32_t code_len, char **errmsg);
EXPORT void ubpf_unload_code(struct ubpf_vm *vm);
EXPORT int ubpf_exec(const struct ubpf_vm *vm, void *mem, size_t mem_len, uint64_t *result);
EXPORT ubpf_jit_fn ubpf_compile(struct ubpf_vm *vm, char **errmsg);
EXPORT bool ubpf_toggle_bounds_check(struct ubpf_vm *vm, bool enable);

struct ubpf_vm *ubpf_create(void) { return calloc(1, sizeof(struct ubpf_vm)); }

void ubpf_destroy(struct ubpf_vm *vm) { free(vm); }

int ubpf_load(struct ubpf_vm *vm, const void *code, uint32_t code_len, char **errmsg) {
    (void)code, (void)code_len, (void)errmsg;
    if (vm->loaded) return -1;
    vm->loaded = true;
    return 0;
}

void ubpf_unload_code(struct ubpf_vm *vm) { vm->loaded = false; }

int ubpf_exec(const struct ubpf_vm *vm, void *mem, size_t mem_len, uint64_t *result) {
    (void)vm, (void)mem, (void)mem_len;
    *result = 1;
    return 0;
}

static uint64_t crash(void *mem, size_t mem_len) {
    (void)mem, (void)mem_len;
    abort();
}

ubpf_jit_fn ubpf_compile(struct ubpf_vm *vm, char **errmsg) {
    (void)vm, (void)errmsg;
    return crash;
}

bool ubpf_toggle_bounds_check(struct ubpf_vm *vm, bool enable) {
    (void)vm;
    return enable;
}
