// bpftime-vm: a C++ caller written for the header of another runtime
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// uint64_t results, const VMs, helpers as void * and of other signatures.

// Some callers wrap every C header, whether it needs it or not.
extern "C" {
#include <ebpf-vm.h>
}

#include <bpftime_vm_compat.hpp>

#include <iostream>
#include <memory>
#include <stdexcept>

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (not(condition))                                                               \
            throw std::runtime_error(std::string{#condition} + ": " + ebpf_last_error()); \
    } while (false)

namespace {

constexpr uint8_t return_minus_one[] = {
    0xb7, 0x00, 0, 0, 0xff, 0xff, 0xff, 0xff,  // r0 = -1
    0x95, 0,    0, 0, 0,    0,    0,    0,     // exit
};

constexpr uint8_t call_helper_7[] = {
    0x85, 0, 0, 0, 7, 0, 0, 0,  // call 7
    0x95, 0, 0, 0, 0, 0, 0, 0,  // exit
};

uint64_t of_five_words(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 41; }
uint64_t of_one_pointer(const uint8_t *packet) { return packet[0]; }
uint64_t of_one_pointer_without_exceptions(const uint8_t *packet) noexcept { return packet[1]; }
uint64_t of_nothing() { return 44; }
uint64_t of_any_number(const uint8_t *packet, ...) { return packet[2]; }

void results_are_words_of_either_sign(ebpf_vm *vm) {
    uint8_t packet[4] = {};
    uint64_t without_sign = 0;
    int64_t with_sign = 0;
    CHECK(ebpf_exec(vm, packet, sizeof(packet), &without_sign) == 0 and without_sign == UINT64_MAX);
    CHECK(ebpf_exec(vm, packet, sizeof(packet), &with_sign) == 0 and with_sign == -1);
    CHECK(ebpf_exec(vm, packet, sizeof(packet), nullptr) == 0);
    CHECK(ebpf_exec(vm, nullptr, 0, NULL) == 0);
    CHECK(ebpf_exec(nullptr, nullptr, 0, &with_sign) == EBPF_ERROR_INVALID_ARGUMENT);
    CHECK(ebpf_exec(nullptr, nullptr, 0, &without_sign) == EBPF_ERROR_INVALID_ARGUMENT);
    CHECK(ebpf_exec(nullptr, nullptr, 0, nullptr) == EBPF_ERROR_INVALID_ARGUMENT);
    CHECK(ebpf_exec(NULL, NULL, 0, &with_sign) == EBPF_ERROR_INVALID_ARGUMENT);
}

void vms_may_be_const(const ebpf_vm *vm) {
    uint64_t without_sign = 0;
    int64_t with_sign = 0;
    CHECK(ebpf_exec(vm, nullptr, 0, &without_sign) == 0 and without_sign == UINT64_MAX);
    CHECK(ebpf_exec(vm, nullptr, 0, &with_sign) == 0 and with_sign == -1);
    CHECK(ebpf_exec(vm, nullptr, 0, nullptr) == 0);
    CHECK(std::string(ebpf_get_vm_name(vm)) == "ubpf");
}

uint64_t result_of_helper(ebpf_vm *vm) {
    uint8_t packet[4] = {42, 43, 45, 0};
    uint64_t result = 0;
    CHECK(ebpf_exec(vm, packet, sizeof(packet), &result) == 0);
    return result;
}

void helpers_are_functions_of_any_kind(ebpf_vm *vm) {
    CHECK(ebpf_load(vm, call_helper_7, sizeof(call_helper_7), nullptr) == 0);
    CHECK(ebpf_register(vm, 7, "f", of_five_words) == 0 and result_of_helper(vm) == 41);
    CHECK(ebpf_register(vm, 7, "f", &of_five_words) == 0 and result_of_helper(vm) == 41);
    CHECK(ebpf_register(vm, 7, "f", reinterpret_cast<void *>(of_one_pointer)) == 0 and
          result_of_helper(vm) == 42);
    CHECK(ebpf_register(vm, 7, "f", of_one_pointer) == 0 and result_of_helper(vm) == 42);
    CHECK(ebpf_register(vm, 7, "f", of_one_pointer_without_exceptions) == 0 and
          result_of_helper(vm) == 43);
    CHECK(ebpf_register(vm, 7, "f", of_nothing) == 0 and result_of_helper(vm) == 44);
    CHECK(ebpf_register(vm, 7, nullptr, of_any_number) == 0 and result_of_helper(vm) == 45);
    CHECK(ebpf_register(vm, 7, "f",
                        [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
                            return uint64_t{46};
                        }) == 0 and
          result_of_helper(vm) == 46);
    CHECK(ebpf_register(vm, 8, "f", nullptr) == EBPF_ERROR_INVALID_ARGUMENT);
    CHECK(ebpf_register(vm, 8, "f", NULL) == EBPF_ERROR_INVALID_ARGUMENT);
}

// The overloads take nothing away from the functions.
void functions_have_addresses(ebpf_vm *vm) {
    int64_t (*const exec)(ebpf_vm *, void *, size_t, int64_t *) = &ebpf_exec;
    int (*const add)(ebpf_vm *, unsigned int, const char *, external_function_t) = &ebpf_register;
    int64_t result = 0;
    CHECK(ebpf_load(vm, return_minus_one, sizeof(return_minus_one), nullptr) == 0);
    CHECK(exec(vm, nullptr, 0, &result) == 0 and result == -1);
    CHECK((ebpf_exec)(vm, nullptr, 0, &result) == 0);
    CHECK(add(vm, 9, "f", of_five_words) == 0);
}

void c_and_cpp_hold_the_same_object() {
    auto vm = std::make_unique<ebpf_vm>("ubpf");
    CHECK(ebpf_load(vm.get(), return_minus_one, sizeof(return_minus_one), nullptr) == 0);
    int64_t result = 0;
    CHECK(vm->exec(nullptr, 0, result) == 0 and result == -1);
    ebpf_destroy(vm.release());
}

}  // namespace

int main() try {
    const std::unique_ptr<ebpf_vm, decltype(&ebpf_destroy)> vm(ebpf_create("ubpf"), &ebpf_destroy);
    CHECK(vm != nullptr);
    CHECK(ebpf_load(vm.get(), return_minus_one, sizeof(return_minus_one), nullptr) == 0);
    results_are_words_of_either_sign(vm.get());
    vms_may_be_const(vm.get());
    helpers_are_functions_of_any_kind(vm.get());
    functions_have_addresses(vm.get());
    c_and_cpp_hold_the_same_object();
} catch (const std::exception &e) {
    std::cerr << e.what() << '\n';
    return 1;
}
