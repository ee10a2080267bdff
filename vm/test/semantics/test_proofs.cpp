// bpftime-vm: programs that once were proven to do what they do not
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Each of them faults. Where checks that are proven to pass are left out, a wrong proof would have
// let it through, to memory of the host.
#include "ebpf-vm.h"
#include "vm_fixture.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

namespace bpftime::vm::test {

namespace {

constexpr uint32_t find_id = 40;
constexpr uint32_t poke_id = 41;
constexpr uint32_t plain_id = 42;
constexpr uint32_t each_id = 43;

/// Gives its argument, as functions do that search in memory.
uint64_t find(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) { return r1; }

/// Writes to where a number says.
uint64_t poke(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    std::memcpy(reinterpret_cast<void *>(r1), reinterpret_cast<const void *>(r2),
                static_cast<std::size_t>(r3));
    return 0;
}

int refused = EBPF_OK;

/// Calls r1(r2), whether it may or not.
uint64_t call_first(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    const std::array<uint64_t, 5> arguments{r2};
    uint64_t r0 = 0;
    refused = ebpf_call_back(r1, arguments.data(), &r0);
    return r0;
}

class proofs : public vm_fixture {
protected:
    void declare(uint32_t id, external_function_t fn,
                 std::initializer_list<ebpf_argument> arguments,
                 ebpf_result_kind result = EBPF_RESULT_SCALAR, uint32_t result_size = 0) {
        ebpf_helper h{};
        h.id = id;
        h.fn = fn;
        std::ranges::copy(arguments, h.arguments);
        h.result = result;
        h.result_size = result_size;
        EXPECT_EQ(vm().register_helper(h), EBPF_OK) << vm().error_message();
    }

    /// A fault of a read or write of memory at `pc`.
    void expect_out_of_bounds(uint32_t pc, std::span<uint8_t> memory = {}) {
        const fault_place at = fault(memory);
        EXPECT_EQ(at.pc, pc);
        EXPECT_TRUE(at.kind == fault_kind::out_of_bounds_read or
                    at.kind == fault_kind::out_of_bounds_write)
            << at;
    }

    std::array<uint8_t, 300> memory_{};
};

TEST_P(proofs, a_check_4_gib_away_is_none) {
    load(R"(
        mov r3, r1
        add r3, -2147483648
        ldxb r0, [r1+0]
        add r3, -2147483648
        ldxb r0, [r3+0]
        exit)");
    expect_out_of_bounds(4, memory_);
}

TEST_P(proofs, a_write_is_not_covered_by_a_check_4_gib_away) {
    load(R"(
        mov r3, r1
        add r3, -2147483648
        stxb [r1+0], r2
        add r3, -2147483648
        stxb [r3+0], r2
        exit)");
    expect_out_of_bounds(4, memory_);
}

TEST_P(proofs, what_is_known_of_an_address_that_may_be_null_is_not_known_of_the_word) {
    load(R"(
        jlt r2, 100, out
        mov r6, r2
        sub r6, 100
        ldxb r4, [r1+0]
        jgt r4, r6, out
        jeq r2, 205, a
        jeq r2, 206, b
        ja l
        a: mov r3, r1
        mov r4, 0
        ja c
        b: mov r3, 0
        mov r4, 0
        ja c
        l: mov r3, r1
        add r3, r4
        c: add r3, 8
        jeq r4, 77, out
        jsle r3, 65536, out
        add r1, r3
        ldxb r0, [r1+0]
        exit
        out: mov r0, 1
        exit)");
    expect_out_of_bounds(20, memory_);
}

/// Leads an access behind `call`, which has r10 - 8 in r1, to where the frame's word at r10 - 8
/// says.
constexpr std::string_view use_of_the_word = R"(
        ldxdw r2, [r10-8]
        mov r3, r10
        add r3, r2
        ldxb r0, [r3-16]
        exit)";

TEST_P(proofs, helpers_write_where_numbers_point) {
    declare(poke_id, poke,
            {{EBPF_ARG_SCALAR, 0, 0}, {EBPF_ARG_MEMORY_READ, 0, 0}, {EBPF_ARG_MEMORY_SIZE, 0, 0}});
    load(std::string{R"(
        stdw [r10-8], 0
        lddw r7, 0x414141414141
        stxdw [r10-48], r7
        mov r1, r10
        add r1, -8
        mov r2, r10
        add r2, -48
        mov r3, 8
        call 41)"} +
         std::string{use_of_the_word});
    expect_out_of_bounds(13);
}

TEST_P(proofs, what_helpers_give_may_be_what_they_got) {
    declare(find_id, find, {{EBPF_ARG_MEMORY_READ, 8, 0}}, EBPF_RESULT_POINTER_OR_NULL, 8);
    load(std::string{R"(
        stdw [r10-8], 0
        mov r1, r10
        add r1, -8
        call 40
        jeq r0, 0, out
        lddw r7, 0x414141414141
        stxdw [r0+0], r7
        out: mov r6, 0)"} +
         std::string{use_of_the_word});
    expect_out_of_bounds(12);
}

TEST_P(proofs, only_helpers_that_are_declared_so_call_functions) {
    EXPECT_EQ(vm().register_external_function(plain_id, "plain", call_first), EBPF_OK);
    declare(each_id, call_first, {{EBPF_ARG_FUNCTION, 0, 0}, {EBPF_ARG_SCALAR, 0, 0}});
    load(R"(
        mov r1, 0
        call local f
        jeq r0, 7, other
        lddw r1, 0xebfc00000000000b
        lddw r2, 0x414141414141
        call 42
        exit
        other: call 43
        exit
        f: mov r3, r10
        add r3, r1
        ldxb r0, [r3-16]
        exit)");
    EXPECT_EQ(result(), 0U) << "f must not have been called";
    EXPECT_EQ(refused, EBPF_ERROR_INVALID_ARGUMENT);
}

TEST_P(proofs, a_length_of_runs_that_cannot_be_is_none) {
    // Where r3 is at most 100, r6 is not 107 or more: it is the same word by another name. That
    // path and the next one come to the loop first.
    load(R"(
        jlt r2, 64, out
        ldxb r7, [r1+0]
        mov r3, r2
        sub r3, 4
        mov r6, r2
        and r6, -1
        jlt r6, 64, out
        mov r5, r6
        sub r5, 3
        mov r8, 0
        jgt r3, 100, there
        jlt r6, 107, out
        jeq r7, 1, loop
        mov r8, 1
        ja loop
        there: mov r8, 2
        loop: jeq r8, 77, out
        jeq r5, r3, out
        mov r4, r1
        add r4, r5
        ldxb r0, [r4+3]
        jset r0, 128, loop
        exit
        out: mov r0, 1
        exit)");
    expect_out_of_bounds(20, memory_);
}

TEST_P(proofs, a_word_that_branches_leave_is_that_word) {
    // Both halves of what is known of r4 say that it is 87; as a number with a sign it is 0 to 87.
    memory_[0] = 87;
    load(R"(
        jlt r2, 8, out
        ldxdw r4, [r1+0]
        jlt r4, 87, out
        jsgt r4, 1000, out
        jslt r4, -1000, out
        jgt32 r4, 87, out
        add r1, r4
        ldxb r0, [r1+0]
        exit
        out: mov r0, 1
        exit)");
    expect_out_of_bounds(7, std::span{memory_}.first(8));
}

INSTANTIATE_TEST_SUITE_P(all, proofs, testing::ValuesIn(engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(proving, proofs, testing::ValuesIn(proving_engines()), engine_name{});

}  // namespace

}  // namespace bpftime::vm::test
