// bpftime-vm: runs allocate nothing that a run before them did
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "vm_fixture.hpp"

#include <array>
#include <cstdlib>
#include <new>
#include <string_view>

namespace {

/// How often this thread has asked for memory.
thread_local uint64_t allocations = 0;

}  // namespace

void *operator new(std::size_t size) {
    ++allocations;
    void *const memory = std::malloc(size | 1);
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}
void *operator new(std::size_t size, const std::nothrow_t & /*tag*/) noexcept {
    ++allocations;
    return std::malloc(size | 1);
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t /*size*/) noexcept { std::free(memory); }

namespace bpftime::vm::test {

namespace {

constexpr uint32_t pointer_id = 30;
std::array<uint64_t, 8> values;

/// A pointer to value r1.
uint64_t value_at(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    return reinterpret_cast<uintptr_t>(&values.at(static_cast<std::size_t>(r1)));
}

class allocations_of_runs : public vm_fixture {
protected:
    allocations_of_runs() {
        ebpf_helper h{};
        h.id = pointer_id;
        h.name = "value_at";
        h.fn = value_at;
        h.arguments[0].kind = EBPF_ARG_SCALAR;
        h.result = EBPF_RESULT_POINTER;
        h.result_size = sizeof(uint64_t);
        EXPECT_EQ(vm().register_helper(h), EBPF_OK) << vm().error_message();
    }

    void expect_none(std::string_view assembly, uint64_t wanted) {
        load(assembly);
        EXPECT_EQ(result(), wanted);  // makes the code, and what runs leave for others
        const uint64_t before = allocations;
        int64_t r0 = 0;
        for (int n = 0; n < 10; ++n) static_cast<void>(vm().exec(nullptr, 0, r0));
        const uint64_t made = allocations - before;
        EXPECT_EQ(made, 0U);
        EXPECT_EQ(static_cast<uint64_t>(r0), wanted);
    }
};

constexpr std::string_view calls_deeply = R"(
    mov r1, 14
    call local f
    exit
    f: mov r6, r1
    mov r0, 0
    jeq r1, 0, end
    sub r1, 1
    call local f
    end: add r0, r6
    exit)";

TEST_P(allocations_of_runs, are_none) { expect_none("mov r0, 5\nexit", 5); }

TEST_P(allocations_of_runs, are_none_with_functions) {
    set_limit(vm_limit::call_depth, 16);
    expect_none(calls_deeply, 105);
}

TEST_P(allocations_of_runs, are_none_with_many_frames) {
    set_limit(vm_limit::call_depth, 64);
    expect_none(calls_deeply, 105);
}

TEST_P(allocations_of_runs, are_none_with_large_frames) {
    set_limit(vm_limit::stack_size, 16384);
    expect_none("stdw [r10-16384], 7\nldxdw r0, [r10-16384]\nexit", 7);
}

TEST_P(allocations_of_runs, are_none_for_memory_that_helpers_give) {
    values.fill(3);
    expect_none(R"(
        mov r6, 0
        mov r7, 0
        again: mov r1, r6
        call 30
        ldxdw r0, [r0]
        add r7, r0
        add r6, 1
        jlt r6, 8, again
        mov r0, r7
        exit)",
                24);
}

INSTANTIATE_TEST_SUITE_P(engines, allocations_of_runs, testing::ValuesIn(engines()), engine_name{});

}  // namespace

}  // namespace bpftime::vm::test
