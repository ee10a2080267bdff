// bpftime-vm: helpers that end the run with a result
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/run.hpp"
#include "ebpf-vm.h"
#include "vm_fixture.hpp"

#include <array>

namespace bpftime::vm::test {

namespace {

uint64_t give(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) { return r1 + 1; }

/// Calls r1() until one gives not 0; then 1000.
uint64_t call(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const std::array<uint64_t, 5> none{};
    uint64_t r0 = 0;
    while (ebpf_call_back(r1, none.data(), &r0) == EBPF_OK and r0 == 0) {
    }
    return 1000;
}

/// 50: ends the run with r1 + 1. 51: with what r2() makes of that. 52: calls r1().
class early_results : public vm_fixture {
protected:
    early_results() {
        add(50, give, EBPF_ARG_SCALAR, EBPF_ARG_UNUSED, EBPF_RESULT_ENDS_RUN);
        add(51, give, EBPF_ARG_SCALAR, EBPF_ARG_FUNCTION, EBPF_RESULT_ENDS_RUN);
        add(52, call, EBPF_ARG_FUNCTION, EBPF_ARG_UNUSED, EBPF_RESULT_SCALAR);
    }

    void expect_fault(fault_kind kind, uint32_t pc) {
        const fault_place f = fault();
        EXPECT_EQ(f.kind, kind);
        EXPECT_EQ(f.pc, pc);
    }

private:
    void add(uint32_t id, external_function_t fn, uint32_t first, uint32_t second,
             uint32_t result) {
        ebpf_helper h{};
        h.id = id;
        h.name = "helper";
        h.fn = fn;
        h.arguments[0].kind = first;
        h.arguments[1].kind = second;
        h.result = result;
        EXPECT_EQ(vm().register_helper(h), EBPF_OK) << vm().error_message();
    }
};

TEST_P(early_results, end_the_entry_function) {
    load("mov r1, 41\ncall 50\nmov r0, 1\nexit");
    EXPECT_EQ(result(), 42U);
}

TEST_P(early_results, end_all_functions) {
    load(R"(
        call local f
        mov r0, 1
        exit
        f: call local g
        mov r0, 2
        exit
        g: lddw r1, 0xffffffff00000000
        call 50
        mov r0, 3
        exit)");
    EXPECT_EQ(result(), 0xffff'ffff'0000'0001U);
}

TEST_P(early_results, end_functions_that_helpers_call) {
    load(R"(
        lddw r1, code_addr(f)
        call 52
        exit
        f: mov r1, 6
        call 50
        mov r0, 0
        exit)");
    EXPECT_EQ(result(), 7U);
}

TEST_P(early_results, may_be_made_by_a_function) {
    load(R"(
        mov r6, 3
        stdw [r10-8], 4
        call local f
        exit
        f: mov r1, 9
        lddw r2, code_addr(g)
        call 51
        exit
        g: mov r0, r1
        add r0, r6
        ldxdw r2, [r10-8]
        add r0, r2
        add r0, 100
        exit)");
    EXPECT_EQ(result(), 110U) << "it has a frame and registers of its own";
    EXPECT_EQ(result(), 110U) << "a second time";
}

TEST_P(early_results, may_be_made_by_a_function_at_any_depth) {
    load(R"(
        call local f
        exit
        f: ldxdw r3, [r10-8]
        call local g
        exit
        g: call local h
        exit
        h: call local i
        exit
        i: call local j
        exit
        j: call local k
        exit
        k: call local l
        exit
        l: mov r1, 1
        lddw r2, code_addr(m)
        call 51
        exit
        m: mov r0, 70
        exit)");
    EXPECT_EQ(result(), 70U);
}

TEST_P(early_results, by_a_function_may_end_the_run_in_turn) {
    load(R"(
        mov r1, 1
        lddw r2, code_addr(f)
        call 51
        exit
        f: mov r1, 20
        lddw r2, code_addr(f)
        call 51
        mov r0, 5
        exit)");
    EXPECT_EQ(result(), 21U);
}

TEST_P(early_results, by_a_function_may_fault) {
    load(R"(
        mov r1, 1
        lddw r2, code_addr(f)
        call 51
        exit
        f: ldxb r0, [r1]
        exit)");
    expect_fault(fault_kind::out_of_bounds_read, 5);
}

TEST_P(early_results, by_what_is_no_function_are_faults) {
    load(R"(
        mov r1, 1
        mov r2, 8
        call 51
        lddw r2, code_addr(f)
        exit
        f: mov r0, 1
        exit)");
    expect_fault(fault_kind::bad_call_target, 2);
}

TEST_P(early_results, pay_for_what_was_done) {
    // The loop of the callback has the rest of the budget.
    set_limit(vm_limit::instructions, 1000);
    load(R"(
        mov r6, 100
        back: sub r6, 1
        jne r6, 0, back
        mov r1, 1
        lddw r2, code_addr(f)
        call 51
        exit
        f: mov r6, 1000
        next: sub r6, 1
        jne r6, 0, next
        exit)");
    expect_fault(fault_kind::instruction_limit, 10);
}

INSTANTIATE_TEST_SUITE_P(engines, early_results, testing::ValuesIn(engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(proving, early_results, testing::ValuesIn(proving_engines()),
                         engine_name{});

}  // namespace

}  // namespace bpftime::vm::test
