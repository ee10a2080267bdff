/* bpftime-vm: a C caller written for the header of another runtime
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 *
 * uint64_t results, const VMs, helpers as void * and of other signatures.
 */
#include <ebpf-vm.h>
#include <string.h>

#define CHECK(condition)                                                                   \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, ebpf_last_error()); \
            exit(1);                                                                       \
        }                                                                                  \
    } while (0)

static const uint8_t return_minus_one[] = {
    0xb7, 0x00, 0, 0, 0xff, 0xff, 0xff, 0xff, /* r0 = -1 */
    0x95, 0,    0, 0, 0,    0,    0,    0,    /* exit */
};

static const uint8_t call_helper_7[] = {
    0x85, 0, 0, 0, 7, 0, 0, 0, /* call 7 */
    0x95, 0, 0, 0, 0, 0, 0, 0, /* exit */
};

static uint64_t of_five_words(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
    (void)b, (void)c, (void)d, (void)e;
    return a + 1;
}
static uint64_t of_one_pointer(const uint8_t *packet) { return packet[0]; }
static uint64_t of_nothing(void) { return 44; }
static uint64_t of_any_number(const uint8_t *packet, ...) { return packet[1]; }

struct filter {
    const struct ebpf_vm *vm;
    uint64_t results[2];
};

static void results_are_words_of_either_sign(struct ebpf_vm *vm) {
    uint8_t packet[4] = {0};
    uint64_t without_sign = 0;
    int64_t with_sign = 0;
    CHECK(ebpf_exec(vm, packet, sizeof(packet), &without_sign) == 0 && without_sign == UINT64_MAX);
    CHECK(ebpf_exec(vm, packet, sizeof(packet), &with_sign) == 0 && with_sign == -1);
    CHECK(ebpf_exec(vm, packet, sizeof(packet), NULL) == 0);
    CHECK(ebpf_exec(vm, NULL, 0, &without_sign) == 0);
    CHECK(ebpf_exec(NULL, NULL, 0, &without_sign) == EBPF_ERROR_INVALID_ARGUMENT);
    CHECK(ebpf_exec(vm, NULL, 1, &with_sign) == EBPF_ERROR_INVALID_ARGUMENT);
}

static void vms_may_be_const(const struct ebpf_vm *vm) {
    const struct ebpf_vm *const fixed = vm;
    struct filter filter = {vm, {0, 0}};
    struct filter *const pointer = &filter;
    uint8_t packet[4] = {0};
    uint64_t without_sign = 0;
    int64_t with_sign = 0;
    CHECK(ebpf_exec(vm, packet, sizeof(packet), &without_sign) == 0 && without_sign == UINT64_MAX);
    CHECK(ebpf_exec(fixed, packet, sizeof(packet), &with_sign) == 0 && with_sign == -1);
    CHECK(ebpf_exec(pointer->vm, packet, sizeof(packet), pointer->results) == 0);
    CHECK(ebpf_exec(filter.vm, packet, sizeof(packet), &filter.results[1]) == 0);
    CHECK(filter.results[0] == UINT64_MAX && filter.results[1] == UINT64_MAX);
    CHECK(ebpf_exec(vm, packet, sizeof(packet), NULL) == 0);
    CHECK(strcmp(ebpf_get_vm_name(vm), "") != 0);
}

static int evaluations;
static struct ebpf_vm *count(struct ebpf_vm *vm) { return evaluations++, vm; }

static void arguments_are_evaluated_once(struct ebpf_vm *vm) {
    uint64_t results[2] = {0, 0};
    uint64_t *next = results;
    unsigned int id = 7;
    CHECK(ebpf_exec(count(vm), evaluations++ ? NULL : NULL, 0, next++) == 0);
    CHECK(evaluations == 2 && next == results + 1 && results[0] == UINT64_MAX && results[1] == 0);
    CHECK(ebpf_register(count(vm), id++, "f", of_five_words) == 0);
    CHECK(evaluations == 3 && id == 8);
}

static uint64_t result_of_helper(struct ebpf_vm *vm) {
    uint8_t packet[4] = {42, 43, 0, 0};
    uint64_t result = 0;
    CHECK(ebpf_exec(vm, packet, sizeof(packet), &result) == 0);
    return result;
}

static void helpers_are_functions_of_any_kind(struct ebpf_vm *vm) {
    void *const pointer = (void *)(uintptr_t)of_one_pointer;
    CHECK(ebpf_load(vm, call_helper_7, sizeof(call_helper_7), NULL) == 0);
    CHECK(ebpf_register(vm, 7, "f", pointer) == 0 && result_of_helper(vm) == 42);
    CHECK(ebpf_register(vm, 7, "f", of_one_pointer) == 0 && result_of_helper(vm) == 42);
    CHECK(ebpf_register(vm, 7, "f", &of_any_number) == 0 && result_of_helper(vm) == 43);
    CHECK(ebpf_register(vm, 7, "f", of_nothing) == 0 && result_of_helper(vm) == 44);
    CHECK(ebpf_register(vm, 7, NULL, of_five_words) == 0);
    CHECK(ebpf_register(vm, 8, "f", NULL) == EBPF_ERROR_INVALID_ARGUMENT);
    CHECK(ebpf_unregister(vm, 7) == 0);
}

/* Names that are macros are functions, too. */
static void functions_have_addresses(struct ebpf_vm *vm) {
    int64_t (*const exec)(struct ebpf_vm *, void *, size_t, int64_t *) = ebpf_exec;
    int (*const add)(struct ebpf_vm *, unsigned int, const char *, external_function_t) =
        &ebpf_register;
    int64_t result = 0;
    CHECK(ebpf_load(vm, return_minus_one, sizeof(return_minus_one), NULL) == 0);
    CHECK(exec(vm, NULL, 0, &result) == 0 && result == -1);
    CHECK((ebpf_exec)(vm, NULL, 0, &result) == 0);
    CHECK(exec == (ebpf_exec));
    CHECK(add(vm, 9, "f", of_five_words) == 0);
    CHECK((ebpf_register)(vm, 9, "f", of_five_words) == 0);
}

int main(void) {
    char *errmsg = NULL;
    struct ebpf_vm *const vm = ebpf_create("ubpf");
    CHECK(vm != NULL);
    CHECK(ebpf_load(vm, return_minus_one, sizeof(return_minus_one), &errmsg) == 0 &&
          errmsg == NULL);
    results_are_words_of_either_sign(vm);
    vms_may_be_const(vm);
    arguments_are_evaluated_once(vm);
    helpers_are_functions_of_any_kind(vm);
    functions_have_addresses(vm);
    ebpf_destroy(vm);
    return 0;
}
