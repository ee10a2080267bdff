// bpftime-vm: what the tests of the C API share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include "isa/text.hpp"

#include <ostream>

namespace c_api {

vm_ptr make_vm(const char *name) {
    vm_ptr vm{ebpf_create(name)};
    if (vm == nullptr) ADD_FAILURE() << ebpf_last_error();
    return vm;
}

std::vector<uint8_t> assemble(std::string_view text) {
    auto code = bpftime::vm::isa::assemble(text);
    if (not code) {
        ADD_FAILURE() << code.error().message << " in:\n" << text;
        return {};
    }
    return std::move(*code);
}

int load(ebpf_vm *vm, std::string_view text, char **errmsg) {
    const auto code = assemble(text);
    return ebpf_load(vm, code.data(), static_cast<uint32_t>(code.size()), errmsg);
}

std::string refusal_of(ebpf_vm *vm, std::string_view text) {
    int64_t result = 0;
    const bool accepted = load(vm, text) == 0 and ebpf_exec(vm, nullptr, 0, &result) == 0;
    EXPECT_FALSE(accepted) << "nothing refused:\n" << text;
    return accepted ? "" : ebpf_last_error();
}

uint64_t run(ebpf_vm *vm, void *mem, size_t mem_len) {
    int64_t result = 0;
    EXPECT_EQ(ebpf_exec(vm, mem, mem_len, &result), 0) << ebpf_last_error();
    EXPECT_EQ(ebpf_last_fault(nullptr), 0);
    return static_cast<uint64_t>(result);
}

ebpf_fault run_to_fault(ebpf_vm *vm, void *mem, size_t mem_len) {
    int64_t result = 0x5eed;
    EXPECT_EQ(ebpf_exec(vm, mem, mem_len, &result), EBPF_ERROR_FAULT) << ebpf_last_error();
    EXPECT_EQ(result, 0x5eed) << "a run that faults has no result";
    EXPECT_EQ(ebpf_last_fault(nullptr), 1);
    return last_fault();
}

ebpf_fault last_fault() {
    ebpf_fault fault{};
    const int faulted = ebpf_last_fault(&fault);
    EXPECT_EQ(faulted, fault.kind != EBPF_FAULT_NONE ? 1 : 0);
    return fault;
}

place place_of(const ebpf_fault &f) {
    return {f.kind, f.pc, f.region, f.region_index, f.offset, f.size};
}

void PrintTo(const place &p, std::ostream *out) {
    *out << "{kind " << p.kind << ", pc " << p.pc << ", region " << p.region << " #"
         << p.region_index << ", offset " << p.offset << ", size " << p.size << '}';
}

ebpf_helper typed_helper(uint32_t id, external_function_t fn) {
    ebpf_helper helper{};
    helper.id = id;
    helper.fn = fn;
    return helper;
}

}  // namespace c_api
