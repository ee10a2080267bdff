// bpftime-vm: helpers with a body of bitcode: every engine gives what their functions give
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "body_texts.hpp"
#include "ebpf-vm.h"
#include "vm_fixture.hpp"

#include <gmock/gmock.h>

#include <array>
#include <numeric>
#include <string_view>

namespace bpftime::vm::test {

namespace {

using testing::HasSubstr;

constexpr uint32_t mix_id = 40;
constexpr uint32_t sum_id = 41;
constexpr uint32_t count_id = 42;

uint64_t mix(uint64_t a, uint64_t b, uint64_t, uint64_t, uint64_t) { return a * 31 ^ b; }
constexpr std::string_view mix_body = R"(
    define i64 @mix(i64 %a, i64 %b) noinline {
      %product = mul i64 %a, 31
      %mixed = xor i64 %product, %b
      ret i64 %mixed
    })";

uint64_t sum(uint64_t address, uint64_t size, uint64_t, uint64_t, uint64_t) {
    const auto *const bytes = reinterpret_cast<const uint8_t *>(address);
    return std::accumulate(bytes, bytes + size, uint64_t{0});
}

/// Adds r1 to the context.
uint64_t count(void *context, uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    return *static_cast<uint64_t *>(context) += r1;
}
constexpr std::string_view count_body = R"(
    define i64 @count(ptr %counter, i64 %by) {
      %before = load i64, ptr %counter
      %after = add i64 %before, %by
      store i64 %after, ptr %counter
      ret i64 %after
    })";

class helper_bodies : public vm_fixture {
protected:
    void give_body(uint32_t id, const char *name, std::string_view ir) {
        ASSERT_EQ(ebpf_register_helper_bitcode(&vm(), id, name, ir.data(), ir.size()), EBPF_OK)
            << vm().error_message();
    }

    void register_sum() {
        ebpf_helper h{};
        h.id = sum_id;
        h.name = "sum";
        h.fn = sum;
        h.arguments[0].kind = EBPF_ARG_MEMORY_READ;
        h.arguments[1].kind = EBPF_ARG_MEMORY_SIZE;
        ASSERT_EQ(vm().register_helper(h), EBPF_OK) << vm().error_message();
    }

    uint64_t result_with(std::vector<uint64_t> memory) { return result(memory_of(memory)); }
};

TEST_P(helper_bodies, give_what_the_function_gives) {
    ASSERT_EQ(ebpf_register(&vm(), mix_id, "mix", mix), EBPF_OK);
    give_body(mix_id, "mix", mix_body);
    load("mov r6, r1\nldxdw r1, [r6]\nldxdw r2, [r6+8]\ncall 40\nadd r0, r1\nadd r0, r2\nexit");
    for (const uint64_t a : {uint64_t{0}, uint64_t{5}, ~uint64_t{0}, uint64_t{1} << 63}) {
        for (const uint64_t b : {uint64_t{0}, uint64_t{7}, ~uint64_t{0}})
            EXPECT_EQ(result_with({a, b}), mix(a, b, 0, 0, 0)) << a << ' ' << b;
    }
}

TEST_P(helper_bodies, are_checked_as_the_function) {
    register_sum();
    give_body(sum_id, "sum", sum_body);
    load(R"(
        ldxdw r2, [r1]
        stdw [r10-8], 0x01020304
        stdw [r10-16], 0x01010101
        mov r1, r10
        add r1, -16
        call 41
        exit)");
    EXPECT_EQ(result_with({0}), 0U);
    EXPECT_EQ(result_with({16}), 14U);
    EXPECT_EQ(result_with({9}), 8U);
    std::array<uint64_t, 1> too_much{17};
    const fault_place f = fault(memory_of(too_much));
    EXPECT_EQ(f.kind, fault_kind::out_of_bounds_read);
    EXPECT_EQ(f.pc, 5U);
    EXPECT_EQ(f.region, region_kind::stack);
}

TEST_P(helper_bodies, get_the_context) {
    uint64_t counter = 100;
    ASSERT_EQ(ebpf_register_ctx(&vm(), count_id, "count", count, &counter), EBPF_OK);
    give_body(count_id, "count", count_body);
    load("ldxdw r1, [r1]\ncall 42\nmov r1, 1\ncall 42\nexit");
    EXPECT_EQ(result_with({20}), 121U);
    EXPECT_EQ(result_with({3}), 125U);
    EXPECT_EQ(counter, 125U);
}

TEST_P(helper_bodies, work_in_loops_and_functions) {
    register_sum();
    give_body(sum_id, "sum", sum_body);
    ASSERT_EQ(ebpf_register(&vm(), mix_id, "mix", mix), EBPF_OK);
    give_body(mix_id, "mix", mix_body);
    load(R"(
        mov r6, r1
        ldxdw r7, [r6]
        mov r8, 0
        again: mov r1, r8
        mov r2, r7
        call local f
        mov r8, r0
        sub r7, 1
        jne r7, 0, again
        mov r0, r8
        exit
        f: call 40
        stxdw [r10-8], r0
        mov r9, r0
        mov r1, r10
        add r1, -8
        mov r2, 8
        call 41
        xor r0, r9
        exit)");
    for (const uint64_t rounds : {1U, 2U, 300U}) {
        uint64_t expected = 0;
        for (uint64_t i = rounds; i > 0; --i) {
            const uint64_t mixed = mix(expected, i, 0, 0, 0);
            expected = mixed ^ sum(reinterpret_cast<uintptr_t>(&mixed), sizeof mixed, 0, 0, 0);
        }
        EXPECT_EQ(result_with({rounds}), expected);
    }
}

TEST_P(helper_bodies, need_a_function_where_calls_name_no_helper) {
    ASSERT_EQ(ebpf_register(&vm(), mix_id, "mix", mix), EBPF_OK);
    give_body(mix_id, "mix", mix_body);
    load("ldxdw r1, [r1]\nmov r2, 3\nmov r3, 40\ncallx r3\nexit");
    EXPECT_EQ(result_with({9}), mix(9, 3, 0, 0, 0));
}

TEST_P(helper_bodies, alone_run_where_they_can_be_compiled) {
    give_body(mix_id, "mix", mix_body);
    load("ldxdw r1, [r1]\nmov r2, 3\ncall 40\nexit");
    if (std::string_view{GetParam().backend} != "llvm")
        return expect_refusal(EBPF_ERROR_UNRESOLVED, "of helper 40 bitcode alone is registered");
    EXPECT_EQ(result_with({9}), mix(9, 3, 0, 0, 0));
    // A value that is called needs a function.
    load("mov r1, 9\ncall 40\nmov r3, 40\ncallx r3\nexit");
    const fault_place f = fault();
    EXPECT_EQ(f.kind, fault_kind::bad_call_target);
    EXPECT_EQ(f.pc, 3U);
}

TEST_P(helper_bodies, go_with_the_helper) {
    ASSERT_EQ(ebpf_register(&vm(), mix_id, "mix", mix), EBPF_OK);
    give_body(mix_id, "mix", mix_body);
    load("call 40\nexit");
    ASSERT_EQ(ebpf_unregister(&vm(), mix_id), EBPF_OK);
    expect_refusal(EBPF_ERROR_UNRESOLVED, "helper 40 is not registered");
    EXPECT_LT(ebpf_unregister(&vm(), mix_id), 0);
}

TEST_P(helper_bodies, need_a_name_and_bytes) {
    EXPECT_EQ(ebpf_register_helper_bitcode(&vm(), 40, nullptr, "x", 1),
              EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(ebpf_register_helper_bitcode(&vm(), 40, "f", nullptr, 1),
              EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(ebpf_register_helper_bitcode(&vm(), 40, "f", "x", 0), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(vm().error_message(), HasSubstr("empty"));
}

INSTANTIATE_TEST_SUITE_P(engines, helper_bodies, testing::ValuesIn(engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(blinding, helper_bodies, testing::ValuesIn(blinding_engines()),
                         engine_name{});
INSTANTIATE_TEST_SUITE_P(proving, helper_bodies, testing::ValuesIn(proving_engines()),
                         engine_name{});

}  // namespace

}  // namespace bpftime::vm::test
