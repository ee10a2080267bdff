// bpftime-vm: what the tests of the C API share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "ebpf-vm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace c_api {

/// The backend that every build has.
inline constexpr const char *backend = "ubpf";

struct destroy_vm {
    void operator()(ebpf_vm *vm) const noexcept { ebpf_destroy(vm); }
};
using vm_ptr = std::unique_ptr<ebpf_vm, destroy_vm>;

struct free_memory {
    void operator()(void *ptr) const noexcept { free(ptr); }
};
/// A message that the library handed out.
using message_ptr = std::unique_ptr<char, free_memory>;

/// A new VM; the test fails if there is none.
[[nodiscard]] vm_ptr make_vm(const char *name = backend);

/// The bytecode of `text`; the test fails if it is not assembly text.
[[nodiscard]] std::vector<uint8_t> assemble(std::string_view text);

/// ebpf_load() of assembly text.
int load(ebpf_vm *vm, std::string_view text, char **errmsg = nullptr);

/// Loads `text` and gives the message with which it is refused, now or when it is first run.
[[nodiscard]] std::string refusal_of(ebpf_vm *vm, std::string_view text);

/// r0 of one run that must go well.
uint64_t run(ebpf_vm *vm, void *mem = nullptr, size_t mem_len = 0);

/// The fault of one run that must fault.
ebpf_fault run_to_fault(ebpf_vm *vm, void *mem = nullptr, size_t mem_len = 0);

/// The fault that ebpf_last_fault() tells; kind EBPF_FAULT_NONE if it tells of none.
[[nodiscard]] ebpf_fault last_fault();

/// A fault without its raw address, which engines need not agree on.
struct place {
    uint32_t kind = EBPF_FAULT_NONE;
    uint32_t pc = 0;
    uint32_t region = EBPF_REGION_NONE;
    uint32_t region_index = 0;
    int64_t offset = 0;
    uint64_t size = 0;

    friend bool operator==(const place &, const place &) = default;
};
[[nodiscard]] place place_of(const ebpf_fault &fault);
void PrintTo(const place &p, std::ostream *out);

[[nodiscard]] inline uint64_t address_of(const void *ptr) {
    return reinterpret_cast<uintptr_t>(ptr);
}

/// The most bytes that memory at `ptr` may be said to have: 2^56, unless addresses end before.
[[nodiscard]] inline size_t longest_at(const void *ptr) {
    const uint64_t to_the_end = SIZE_MAX - reinterpret_cast<uintptr_t>(ptr);
    return static_cast<size_t>(std::min(to_the_end, uint64_t{1} << 56));
}

/// A helper by its members, zero-initialised as ebpf-types.h asks for.
[[nodiscard]] ebpf_helper typed_helper(uint32_t id, external_function_t fn);

/// A test with one VM.
class c_api_test : public ::testing::Test {
protected:
    [[nodiscard]] ebpf_vm *vm() const { return vm_.get(); }

    void load(std::string_view text) { ASSERT_EQ(c_api::load(vm(), text), 0) << ebpf_last_error(); }

private:
    vm_ptr vm_ = make_vm();
};

}  // namespace c_api
