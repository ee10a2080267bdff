// bpftime-vm: running a program given as text, for tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "programs.hpp"

#include "isa/text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

namespace bpftime::vm::test {

namespace {

uint64_t weigh(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    return r1 + 2 * r2 + 3 * r3 + 4 * r4 + 5 * r5;
}
uint64_t first(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) { return r1; }
uint64_t zero(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }

}  // namespace

std::vector<uint8_t> assemble(std::string_view assembly) {
    auto code = isa::assemble(assembly);
    if (not code) {
        ADD_FAILURE() << code.error().message << " in:\n" << assembly;
        return {};
    }
    return std::move(*code);
}

void register_test_helpers(ebpf_vm &vm) {
    vm.register_external_function(1, "weigh", weigh);
    vm.register_external_function(2, "first", first);
    vm.register_external_function(3, "zero", zero);
    vm.register_external_function(5, "unwind", first);
    vm.set_unwind_function_index(5);
}

outcome run(const engine &e, std::span<const uint8_t> code, std::span<const uint8_t> memory,
            const run_options &options) {
    const auto vm = make_vm(e);
    register_test_helpers(*vm);
    vm->toggle_bounds_check(options.bounds_checks);
    if (options.instruction_limit)
        vm->set_limit(compat::vm_limit::instructions, *options.instruction_limit);

    outcome out;
    out.code = vm->load_code(code.data(), code.size());
    if (out.code == 0) {
        // A block of exactly this size, so that a sanitizer sees the first byte beyond it.
        const auto block = std::make_unique<uint8_t[]>(memory.size());
        std::ranges::copy(memory, block.get());
        int64_t result = 0;
        out.code = vm->exec(memory.empty() ? nullptr : block.get(), memory.size(), result);
        out.r0 = static_cast<uint64_t>(result);
        out.fault = compat::last_fault();
        out.memory.assign(block.get(), block.get() + memory.size());
    }
    if (out.code != 0) out.error = vm->error_message();
    return out;
}

outcome run(const engine &e, std::string_view assembly, std::span<const uint8_t> memory,
            const run_options &options) {
    return run(e, assemble(assembly), memory, options);
}

std::vector<uint8_t> bytes_of(std::span<const uint64_t> words) {
    std::vector<uint8_t> bytes;
    for (const uint64_t word : words) {
        for (unsigned shift = 0; shift < 64; shift += 8)
            bytes.push_back(static_cast<uint8_t>(word >> shift));
    }
    return bytes;
}

}  // namespace bpftime::vm::test
