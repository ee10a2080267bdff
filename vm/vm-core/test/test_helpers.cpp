// bpftime-vm: helpers by id, with a context, with types; grants; the unwind helper; C++ exceptions
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cstring>
#include <new>
#include <stdexcept>

namespace {

using namespace c_api;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// A helper with a context that gives the context back as a number.
uint64_t context_value(void *context, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return address_of(context);
}

int register_number(ebpf_vm *vm, uint32_t id, uint64_t number) {
    return ebpf_register_ctx(vm, id, "number", context_value, reinterpret_cast<void *>(number));
}

std::string calls(uint32_t id) { return "call " + std::to_string(id) + "\nexit"; }

class helpers : public c_api_test {};

// --- calling

TEST_F(helpers, get_r1_to_r5_and_give_r0) {
    static std::array<uint64_t, 5> seen;
    ASSERT_EQ(ebpf_register(
                  vm(), 1, "look",
                  +[](uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
                      seen = {a, b, c, d, e};
                      return uint64_t{0x1122'3344'5566'7788};
                  }),
              0);
    load(
        "lddw %r1, 0x8000000000000001\nmov %r2, -2\nmov32 %r3, -3\nmov %r4, 4\nmov %r5, 0\n"
        "call 1\nexit");
    EXPECT_EQ(run(vm()), 0x1122'3344'5566'7788U);
    EXPECT_THAT(seen,
                ::testing::ElementsAre(0x8000'0000'0000'0001U, ~uint64_t{1}, 0xffff'fffdU, 4U, 0U));
}

TEST_F(helpers, leave_nothing_of_the_host_in_r1_to_r5) {
    ASSERT_EQ(register_number(vm(), 1, 1), 0);
    for (const char *const reg : {"%r1", "%r2", "%r3", "%r4", "%r5"}) {
        load(std::string{"mov "} + reg + ", 77\ncall 1\nmov %r0, " + reg + "\nexit");
        EXPECT_EQ(run(vm()), 0U) << reg;
    }
}

TEST_F(helpers, keep_r6_to_r10) {
    ASSERT_EQ(register_number(vm(), 1, 1), 0);
    load(
        "mov %r6, 1\nmov %r7, 2\nmov %r8, 4\nmov %r9, %r10\ncall 1\nsub %r9, %r10\nmov %r0, %r6\n"
        "add %r0, %r7\nadd %r0, %r8\nadd %r0, %r9\nexit");
    EXPECT_EQ(run(vm()), 7U);
}

TEST_F(helpers, with_a_context_get_it_before_r1) {
    static std::array<uint64_t, 6> seen;
    uint64_t context = 0;
    ASSERT_EQ(ebpf_register_ctx(
                  vm(), 1, "look",
                  [](void *c, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
                      seen = {address_of(c), r1, r2, r3, r4, r5};
                      return ++*static_cast<uint64_t *>(c);
                  },
                  &context),
              0);
    load("mov %r1, 1\nmov %r2, 2\nmov %r3, 3\nmov %r4, 4\nmov %r5, 5\ncall 1\nexit");
    EXPECT_EQ(run(vm()), 1U);
    EXPECT_EQ(run(vm()), 2U);
    EXPECT_THAT(seen, ::testing::ElementsAre(address_of(&context), 1U, 2U, 3U, 4U, 5U));
}

TEST_F(helpers, with_a_context_that_is_null) {
    ASSERT_EQ(ebpf_register_ctx(vm(), 1, "null", context_value, nullptr), 0);
    load(calls(1));
    EXPECT_EQ(run(vm()), 0U);
}

// --- ids

TEST_F(helpers, have_any_id) {
    const auto ids = std::to_array<uint32_t>(
        {0, 1, 64, 65, 8191, 8192, 0x7fff'ffff, 0x8000'0000, 0xffff'fffe, 0xffff'ffff});
    for (const uint32_t id : ids) ASSERT_EQ(register_number(vm(), id, uint64_t{id} ^ 1), 0) << id;
    for (const uint32_t id : ids) {
        load(calls(id));
        EXPECT_EQ(run(vm()), uint64_t{id} ^ 1) << id;
    }
}

TEST_F(helpers, are_8192_by_default) {
    constexpr uint32_t stride = 500'000;  // sparse
    for (uint32_t i = 0; i < EBPF_MAX_EXT_FUNCS; ++i)
        ASSERT_EQ(register_number(vm(), i * stride, i), 0) << i;
    EXPECT_EQ(register_number(vm(), 7, 7), EBPF_ERROR_LIMIT_EXCEEDED);
    EXPECT_STREQ(
        ebpf_last_error(),
        "helper 7 would be one more than the limit of 8192: raise it with ebpf_set_max_helpers()");
    for (const uint32_t i : {0U, 1U, 4095U, 8190U, 8191U}) {
        load(calls(i * stride));
        EXPECT_EQ(run(vm()), i);
    }
    EXPECT_EQ(register_number(vm(), 5 * stride, 99), 0) << "replacing one is no one more";
    load(calls(5 * stride));
    EXPECT_EQ(run(vm()), 99U);

    ASSERT_EQ(ebpf_unregister(vm(), 0), 0);
    EXPECT_EQ(register_number(vm(), 7, 7), 0) << "one has gone";
    EXPECT_EQ(register_number(vm(), 8, 8), EBPF_ERROR_LIMIT_EXCEEDED);
    ASSERT_EQ(ebpf_set_max_helpers(vm(), EBPF_MAX_EXT_FUNCS + 1), 0);
    EXPECT_EQ(register_number(vm(), 8, 8), 0);
    EXPECT_EQ(register_number(vm(), 9, 9), EBPF_ERROR_LIMIT_EXCEEDED);
}

TEST_F(helpers, stay_when_the_limit_sinks_below_their_number) {
    for (uint32_t id = 1; id <= 3; ++id) ASSERT_EQ(register_number(vm(), id, id), 0);
    ASSERT_EQ(ebpf_set_max_helpers(vm(), 1), 0);
    load("call 1\nmov %r6, %r0\ncall 3\nadd %r0, %r6\nexit");
    EXPECT_EQ(run(vm()), 4U);
    EXPECT_EQ(register_number(vm(), 4, 4), EBPF_ERROR_LIMIT_EXCEEDED);
}

// --- when they are registered

TEST_F(helpers, that_are_missing_are_named) {
    load("mov %r0, 1\ncall 4294967295\nexit");
    int64_t result = 9;
    EXPECT_EQ(ebpf_exec(vm(), nullptr, 0, &result), EBPF_ERROR_UNRESOLVED);
    EXPECT_STREQ(
        ebpf_last_error(),
        "helper 4294967295 is not registered at pc 1 (`call 4294967295`): register it with "
        "ebpf_register() before compiling or running");
    EXPECT_EQ(result, 9);
    EXPECT_EQ(ebpf_last_fault(nullptr), 0);

    char *raw = nullptr;
    EXPECT_EQ(ebpf_compile(vm(), &raw), nullptr);
    const message_ptr message{raw};
    EXPECT_THAT(message.get(), StartsWith("helper 4294967295 is not registered at pc 1"));
}

TEST_F(helpers, may_come_after_the_program) {
    load(calls(3));
    int64_t result = 0;
    EXPECT_EQ(ebpf_exec(vm(), nullptr, 0, &result), EBPF_ERROR_UNRESOLVED);
    ASSERT_EQ(register_number(vm(), 3, 33), 0);
    EXPECT_EQ(run(vm()), 33U);
}

TEST_F(helpers, that_are_unregistered_are_missing_again) {
    ASSERT_EQ(register_number(vm(), 3, 33), 0);
    load(calls(3));
    EXPECT_EQ(run(vm()), 33U);
    ASSERT_EQ(ebpf_unregister(vm(), 3), 0);
    int64_t result = 0;
    EXPECT_EQ(ebpf_exec(vm(), nullptr, 0, &result), EBPF_ERROR_UNRESOLVED);
    ASSERT_EQ(register_number(vm(), 3, 34), 0);
    EXPECT_EQ(run(vm()), 34U);
}

TEST_F(helpers, of_the_same_id_replace_each_other) {
    load(calls(3));
    for (uint64_t number = 0; number < 10; ++number) {
        ASSERT_EQ(register_number(vm(), 3, number), 0);
        EXPECT_EQ(run(vm()), number);
    }
    ASSERT_EQ(ebpf_register(
                  vm(), 3, "plain",
                  +[](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return uint64_t{5}; }),
              0);
    EXPECT_EQ(run(vm()), 5U) << "one without a context in the place of one with";
}

TEST_F(helpers, survive_changes_of_the_pointer_secret) {
    ASSERT_EQ(register_number(vm(), 1, 11), 0);
    ASSERT_EQ(ebpf_set_pointer_secret(vm(), 0xdead'beef'0bad'f00d), 0);
    ASSERT_EQ(register_number(vm(), 2, 22), 0);
    ASSERT_EQ(ebpf_set_pointer_secret(vm(), UINT64_MAX), 0);
    load("call 1\nmov %r6, %r0\ncall 2\nadd %r0, %r6\nexit");
    EXPECT_EQ(run(vm()), 33U);
    ASSERT_EQ(register_number(vm(), 2, 23), 0);
    EXPECT_EQ(run(vm()), 34U) << "registered while a program is loaded";
    ebpf_unload_code(vm());
    ASSERT_EQ(ebpf_set_pointer_secret(vm(), 0), 0);
    load(calls(1));
    EXPECT_EQ(run(vm()), 11U);
}

// --- other signatures

int32_t sum_of_three(int32_t a, int32_t b, int32_t c) { return a + b + c; }
const char *noted = nullptr;
void note(const char *text) { noted = text; }
uint64_t count(const char *format, ...) { return strlen(format); }

TEST_F(helpers, may_have_other_signatures) {
    if (sizeof(void *) < 8)
        GTEST_SKIP() << "arguments of another size lie elsewhere on this machine";
    ASSERT_EQ(ebpf_register(vm(), 1, "sum", sum_of_three), 0);
    ASSERT_EQ(ebpf_register(vm(), 2, "note", reinterpret_cast<void *>(note)), 0);
    ASSERT_EQ(ebpf_register(vm(), 3, "count", count), 0);
    load(
        "mov %r6, %r1\nmov %r1, 1\nmov %r2, -3\nmov %r3, 5\ncall 1\nmov32 %r7, %r0\nmov %r1, %r6\n"
        "call 2\nmov %r1, %r6\ncall 3\nadd %r0, %r7\nexit");
    char text[] = "four";
    EXPECT_EQ(run(vm(), text, sizeof text), 7U);
    EXPECT_EQ(noted, text);
}

// --- types: arguments

class typed_helpers : public c_api_test {
protected:
    /// Helper 1 with r1 declared as `memory`, and r2 as its size if it has none itself.
    void declare(ebpf_argument memory) {
        ebpf_helper helper =
            typed_helper(1, [](uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) -> uint64_t {
                ++calls_;
                last_r1_ = r1;
                last_r2_ = r2;
                return calls_;
            });
        helper.arguments[0] = memory;
        if (memory.size == 0) helper.arguments[1].kind = EBPF_ARG_MEMORY_SIZE;
        ASSERT_EQ(ebpf_register_typed(vm(), &helper), 0) << ebpf_last_error();
        calls_ = 0;
    }

    /// The fault of running `text` over the block; the helper must not have been called.
    place refused(std::string_view text) {
        load(text);
        const place p = place_of(run_to_fault(vm(), block_.data(), block_.size()));
        EXPECT_EQ(calls_, 0U);
        return p;
    }

    void accepted(std::string_view text) {
        load(text);
        const uint64_t before = calls_;
        EXPECT_EQ(run(vm(), block_.data(), block_.size()), before + 1);
    }

    static inline uint64_t calls_ = 0;
    static inline uint64_t last_r1_ = 0;
    static inline uint64_t last_r2_ = 0;
    std::array<uint8_t, 16> block_{};
};

TEST_F(typed_helpers, read_memory_of_a_declared_size) {
    declare({EBPF_ARG_MEMORY_READ, 8, 0});
    EXPECT_EQ(refused("add %r1, 9\ncall 1\nexit"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 1, EBPF_REGION_INPUT, 0, 9, 8}));
    EXPECT_EQ(refused("add %r1, -1\ncall 1\nexit"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 1, EBPF_REGION_INPUT, 0, -1, 8}));
    accepted("add %r1, 8\ncall 1\nexit");
    EXPECT_EQ(last_r1_, address_of(block_.data() + 8));
}

TEST_F(typed_helpers, read_memory_whose_size_is_the_next_argument) {
    declare({EBPF_ARG_MEMORY_READ, 0, 0});
    EXPECT_EQ(refused("mov %r2, 17\ncall 1\nexit"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 1, EBPF_REGION_INPUT, 0, 0, 17}));
    EXPECT_EQ(refused("mov %r2, -1\ncall 1\nexit"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 1, EBPF_REGION_INPUT, 0, 0, UINT64_MAX}));
    EXPECT_EQ(refused("add %r1, 15\nmov %r2, 2\ncall 1\nexit"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 2, EBPF_REGION_INPUT, 0, 15, 2}));
    accepted("mov %r2, 16\ncall 1\nexit");
    EXPECT_EQ(last_r2_, 16U);
}

TEST_F(typed_helpers, take_any_pointer_to_no_bytes) {
    declare({EBPF_ARG_MEMORY_READ, 0, 0});
    accepted("mov %r1, 0\nmov %r2, 0\ncall 1\nexit");
    accepted("mov %r1, -1\nmov %r2, 0\ncall 1\nexit");
}

TEST_F(typed_helpers, take_null_only_where_it_is_declared) {
    declare({EBPF_ARG_MEMORY_READ, 8, 0});
    EXPECT_EQ(refused("mov %r1, 0\ncall 1\nexit"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 1, EBPF_REGION_NONE, 0, 0, 8}));
    declare({EBPF_ARG_MEMORY_READ, 8, 1});
    accepted("mov %r1, 0\ncall 1\nexit");
    calls_ = 0;
    EXPECT_EQ(refused("mov %r1, 1\ncall 1\nexit"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 1, EBPF_REGION_NONE, 0, 0, 8}));
}

TEST_F(typed_helpers, do_not_wrap_at_the_end_of_the_address_space) {
    declare({EBPF_ARG_MEMORY_READ, 0, 0});
    // r1 + r2 is the first byte of the input memory, and one that is in it.
    EXPECT_EQ(refused("mov %r2, %r1\nmov %r1, -8\nadd %r2, 8\ncall 1\nexit").region,
              uint32_t{EBPF_REGION_NONE});
    EXPECT_EQ(refused("mov %r2, -1\nadd %r1, 1\ncall 1\nexit"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 2, EBPF_REGION_INPUT, 0, 1, UINT64_MAX}));
}

TEST_F(typed_helpers, write_memory_that_may_be_written) {
    std::array<uint8_t, 8> constant{};
    ASSERT_EQ(ebpf_register_region(vm(), constant.data(), constant.size(), EBPF_PERM_READ), 0);
    const std::string pass =
        "lddw %r1, " + std::to_string(address_of(constant.data())) + "\ncall 1\nexit";
    for (const uint32_t kind : {EBPF_ARG_MEMORY_WRITE, EBPF_ARG_MEMORY_READ_WRITE}) {
        declare({kind, 8, 0});
        EXPECT_EQ(refused(pass),
                  (place{EBPF_FAULT_READ_ONLY_WRITE, 2, EBPF_REGION_REGISTERED, 0, 0, 8}));
        accepted("call 1\nexit");
    }
    declare({EBPF_ARG_MEMORY_READ, 8, 0});
    accepted(pass);
}

TEST_F(typed_helpers, take_memory_of_the_stack) {
    declare({EBPF_ARG_MEMORY_WRITE, 16, 0});
    accepted("mov %r1, %r10\nadd %r1, -16\ncall 1\nexit");
    calls_ = 0;
    EXPECT_EQ(
        refused("mov %r1, %r10\nadd %r1, -8\ncall 1\nexit"),
        (place{EBPF_FAULT_OUT_OF_BOUNDS_WRITE, 2, EBPF_REGION_STACK, 0, EBPF_STACK_SIZE - 8, 16}));
}

TEST_F(typed_helpers, with_a_context_are_checked_too) {
    ebpf_helper helper{};
    helper.id = 1;
    helper.ctx_fn = context_value;
    helper.context = &block_;
    helper.arguments[4] = {EBPF_ARG_MEMORY_READ, 4, 0};
    ASSERT_EQ(ebpf_register_typed(vm(), &helper), 0);
    load("mov %r5, %r1\ncall 1\nexit");
    EXPECT_EQ(run(vm(), block_.data(), 4), address_of(&block_));
    EXPECT_EQ(place_of(run_to_fault(vm(), block_.data(), 3)),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 1, EBPF_REGION_INPUT, 0, 0, 4}));
}

TEST_F(typed_helpers, are_not_checked_when_checks_are_off) {
    declare({EBPF_ARG_MEMORY_READ, 8, 0});
    EXPECT_TRUE(ebpf_toggle_bounds_check(vm(), false));
    accepted("mov %r1, 1\ncall 1\nexit");
    EXPECT_FALSE(ebpf_toggle_bounds_check(vm(), true));
    calls_ = 0;
    EXPECT_EQ(refused("mov %r1, 1\ncall 1\nexit").kind, uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ});
}

// --- types: results

class pointer_results : public c_api_test {
protected:
    void declare(uint32_t result, uint32_t size) {
        ebpf_helper helper{};
        helper.id = 1;
        helper.ctx_fn = context_value;
        helper.context = value_.data();
        helper.result = result;
        helper.result_size = size;
        ASSERT_EQ(ebpf_register_typed(vm(), &helper), 0) << ebpf_last_error();
    }

    std::array<uint8_t, 24> value_{};
};

TEST_F(pointer_results, are_granted_for_reading_and_writing) {
    declare(EBPF_RESULT_POINTER, 16);
    load("call 1\nstdw [%r0+8], 77\nldxdw %r0, [%r0+8]\nexit");
    EXPECT_EQ(run(vm()), 77U);
    EXPECT_EQ(value_[8], 77);
}

TEST_F(pointer_results, are_granted_as_far_as_declared) {
    declare(EBPF_RESULT_POINTER_OR_NULL, 16);
    load("call 1\nldxb %r0, [%r0+15]\nexit");
    run(vm());
    load("call 1\nldxb %r0, [%r0+16]\nexit");
    EXPECT_EQ(place_of(run_to_fault(vm())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 1, EBPF_REGION_NONE, 0, 0, 1}));
    load("call 1\nstdw [%r0+12], 1\nexit");
    EXPECT_EQ(place_of(run_to_fault(vm())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_WRITE, 1, EBPF_REGION_GRANTED, 0, 12, 8}));
}

// --- maps

class map_arguments : public helpers {
protected:
    void SetUp() override {
        static uint64_t value = 5;
        ebpf_helper helper{};
        helper.id = 1;
        helper.fn = [](uint64_t, uint64_t key, uint64_t, uint64_t, uint64_t) {
            return *reinterpret_cast<const uint64_t *>(key) == 0 ? address_of(&value) : 0;
        };
        helper.arguments[0].kind = EBPF_ARG_MAP;
        helper.arguments[1].kind = EBPF_ARG_MAP_KEY;
        helper.result = EBPF_RESULT_MAP_VALUE_OR_NULL;
        ASSERT_EQ(ebpf_register_typed(vm(), &helper), 0);
    }
    void know_maps() {
        const auto shape_of = [](uint64_t map) -> const ebpf_map_shape * {
            static const ebpf_map_shape shape{8, 8,       8, EBPF_PERM_READ, 0, 0,
                                              0, nullptr, 0, nullptr};
            return map == 0x1234 ? &shape : nullptr;
        };
        ASSERT_EQ(ebpf_set_map_shape_helper(vm(), shape_of), 0);
    }
    void call_with(const char *map, int key_offset, std::string_view rest) {
        load("mov %r1, " + std::string{map} + "\nmov %r2, %r10\nadd %r2, " +
             std::to_string(key_offset) + "\ncall 1\n" + std::string{rest} + "\nexit");
    }
};

TEST_F(map_arguments, have_keys_and_values_as_large_as_the_map_says) {
    know_maps();
    call_with("0x1234", -8, "ldxdw %r0, [%r0]");
    EXPECT_EQ(run(vm()), 5U);
    call_with("0x1234", -8, "ldxdw %r0, [%r0+1]");
    EXPECT_EQ(run_to_fault(vm()).kind, uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ});
    call_with("0x1234", -8, "stdw [%r0], 1");
    EXPECT_EQ(run_to_fault(vm()).kind, uint32_t{EBPF_FAULT_READ_ONLY_WRITE});
    call_with("0x1234", -4, "");
    EXPECT_EQ(place_of(run_to_fault(vm())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 3, EBPF_REGION_STACK, 0, 508, 8}));
}

TEST_F(map_arguments, that_are_no_maps_are_faults) {
    know_maps();
    call_with("0x1235", -8, "");
    EXPECT_EQ(place_of(run_to_fault(vm())), (place{EBPF_FAULT_BAD_MAP, 3}));
    EXPECT_EQ(last_fault().address, 0x1235U);
}

TEST_F(map_arguments, need_the_callback_that_knows_maps) {
    EXPECT_THAT(refusal_of(vm(), "call 1\nexit"), HasSubstr("needs the callback map_shape"));
    know_maps();
    ASSERT_EQ(ebpf_set_map_shape_helper(vm(), nullptr), 0);
    EXPECT_THAT(refusal_of(vm(), "call 1\nexit"), HasSubstr("needs the callback map_shape"));
}

// --- pointers that are null

TEST_F(pointer_results, that_are_null_grant_nothing) {
    ebpf_helper helper{};
    helper.id = 1;
    helper.ctx_fn = context_value;
    helper.result = EBPF_RESULT_POINTER_OR_NULL;
    helper.result_size = 16;
    ASSERT_EQ(ebpf_register_typed(vm(), &helper), 0);
    load("call 1\nldxb %r0, [%r0]\nexit");
    EXPECT_EQ(place_of(run_to_fault(vm())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 1, EBPF_REGION_NONE, 0, 0, 1}));
}

TEST_F(pointer_results, are_not_assumed_of_helpers_that_declare_none) {
    load("call 1\nldxb %r0, [%r0]\nexit");
    ASSERT_EQ(ebpf_register_ctx(vm(), 1, "untyped", context_value, value_.data()), 0);
    EXPECT_EQ(run_to_fault(vm()).region, uint32_t{EBPF_REGION_NONE});
    declare(EBPF_RESULT_SCALAR, 16);
    EXPECT_EQ(run_to_fault(vm()).region, uint32_t{EBPF_REGION_NONE});
    declare(EBPF_RESULT_POINTER, 0);
    EXPECT_EQ(run_to_fault(vm()).region, uint32_t{EBPF_REGION_NONE}) << "a pointer to no bytes";
}

TEST_F(pointer_results, are_granted_until_the_run_ends) {
    declare(EBPF_RESULT_POINTER, 24);
    load(
        "jeq %r2, 0, without\ncall 1\nmov %r6, %r0\ncall 1\nldxb %r0, [%r6]\nexit\n"
        "without: lddw %r1, " +
        std::to_string(address_of(value_.data())) + "\nldxb %r0, [%r1]\nexit");
    uint8_t byte = 0;
    run(vm(), &byte, 1);
    EXPECT_EQ(run_to_fault(vm()).region, uint32_t{EBPF_REGION_NONE}) << "the run before has ended";
}

// --- helpers that must not be reached

TEST_F(typed_helpers, that_never_return_are_faults_where_they_are_reached) {
    static int calls;
    calls = 0;
    ebpf_helper helper{};
    helper.id = 7;
    helper.fn = [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t {
        return static_cast<uint64_t>(++calls);
    };
    helper.result = EBPF_RESULT_NEVER;
    ASSERT_EQ(ebpf_register_typed(vm(), &helper), 0);
    load("jeq %r2, 0, +1\ncall 7\nmov %r0, 3\nexit");
    uint8_t byte = 0;
    for (const bool checks : {true, false}) {
        ebpf_toggle_bounds_check(vm(), checks);
        EXPECT_EQ(run(vm()), 3U);
        int64_t r0 = 0;
        EXPECT_EQ(ebpf_exec(vm(), &byte, 1, &r0), EBPF_ERROR_FAULT);
        EXPECT_EQ(place_of(last_fault()), (place{EBPF_FAULT_UNAVAILABLE, 1}));
        EXPECT_STREQ(ebpf_last_error(),
                     "unavailable: reached what only another host can do at pc 1 (`call 7`)");
    }
    EXPECT_EQ(calls, 0);
}

// --- grants

std::array<uint8_t, 16> granted_block{};
std::array<int, 8> grant_codes{};

uint64_t grant_block(uint64_t permission, uint64_t length, uint64_t, uint64_t, uint64_t) {
    grant_codes[0] = ebpf_grant(granted_block.data(), static_cast<size_t>(length),
                                static_cast<unsigned>(permission));
    return address_of(granted_block.data());
}

class grants : public c_api_test {
protected:
    grants() {
        ebpf_register(vm(), 1, "grant", grant_block);
        granted_block.fill(3);
    }

    /// A program that has `length` bytes granted and then goes on with r0 pointing to them.
    void load_granting(unsigned permission, unsigned length, std::string_view then) {
        load("mov %r1, " + std::to_string(permission) + "\nmov %r2, " + std::to_string(length) +
             "\ncall 1\n" + std::string{then} + "\nexit");
    }
};

TEST_F(grants, let_the_program_read_and_write) {
    load_granting(EBPF_PERM_READ_WRITE, 16, "stb [%r0+15], 9\nldxb %r0, [%r0+15]");
    EXPECT_EQ(run(vm()), 9U);
    EXPECT_EQ(grant_codes[0], 0);
}

TEST_F(grants, of_reading_are_none_of_writing) {
    load_granting(EBPF_PERM_READ, 16, "stb [%r0+15], 9");
    EXPECT_EQ(place_of(run_to_fault(vm())),
              (place{EBPF_FAULT_READ_ONLY_WRITE, 3, EBPF_REGION_GRANTED, 0, 15, 1}));
    EXPECT_EQ(granted_block[15], 3);
}

TEST_F(grants, of_writing_are_none_of_reading) {
    load_granting(EBPF_PERM_WRITE, 16, "stb [%r0], 9");
    run(vm());
    load_granting(EBPF_PERM_WRITE, 16, "ldxb %r0, [%r0]");
    EXPECT_EQ(place_of(run_to_fault(vm())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 3, EBPF_REGION_GRANTED, 0, 0, 1}));
}

TEST_F(grants, add_to_each_other) {
    load(
        "mov %r1, 1\nmov %r2, 16\ncall 1\nmov %r1, 3\nmov %r2, 8\ncall 1\nstb [%r0], 1\n"
        "ldxb %r1, [%r0+15]\nexit");
    run(vm());
    load("mov %r1, 3\nmov %r2, 16\ncall 1\nmov %r1, 1\nmov %r2, 16\ncall 1\nstb [%r0], 1\nexit");
    run(vm());
    load("mov %r1, 1\nmov %r2, 16\ncall 1\nmov %r1, 3\nmov %r2, 8\ncall 1\nstb [%r0+8], 1\nexit");
    EXPECT_EQ(place_of(run_to_fault(vm())),
              (place{EBPF_FAULT_READ_ONLY_WRITE, 6, EBPF_REGION_GRANTED, 0, 8, 1}));
}

TEST_F(grants, end_with_the_run) {
    load(
        "jeq %r2, 0, without\nmov %r1, 3\nmov %r2, 16\ncall 1\nldxb %r0, [%r0]\nexit\n"
        "without: lddw %r1, " +
        std::to_string(address_of(granted_block.data())) + "\nldxb %r0, [%r1]\nexit");
    uint8_t byte = 0;
    EXPECT_EQ(run(vm(), &byte, 1), 3U);
    EXPECT_EQ(place_of(run_to_fault(vm())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 8, EBPF_REGION_NONE, 0, 0, 1}));
}

TEST_F(grants, outlive_the_function_that_got_them) {
    load("call local f\nldxb %r0, [%r0]\nexit\nf: mov %r1, 1\nmov %r2, 1\ncall 1\nexit");
    EXPECT_EQ(run(vm()), 3U);
}

TEST_F(grants, of_no_bytes_give_nothing) {
    load_granting(EBPF_PERM_READ, 0, "ldxb %r0, [%r0]");
    EXPECT_EQ(run_to_fault(vm()).region, uint32_t{EBPF_REGION_NONE});
    EXPECT_EQ(grant_codes[0], 0);
}

TEST_F(grants, may_be_many) {
    // The same value over and over, as from a map, must stay quick: a list that grew would make
    // this take minutes.
    load(
        "mov %r6, 200000\nagain: mov %r1, 3\nmov %r2, 16\ncall 1\nldxb %r0, [%r0]\nsub %r6, 1\n"
        "jne %r6, 0, again\nexit");
    EXPECT_EQ(run(vm()), 3U);
}

TEST_F(grants, with_absurd_arguments_are_refused) {
    static std::array<std::string, 6> texts;
    static uint8_t byte = 0;
    ASSERT_EQ(ebpf_register(
                  vm(), 2, "absurd",
                  +[](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
                      auto keep = [n = size_t{0}](int code) mutable {
                          grant_codes[n] = code;
                          texts[n++] = ebpf_last_error();
                      };
                      keep(ebpf_grant(nullptr, 8, EBPF_PERM_READ));
                      keep(ebpf_grant(nullptr, 0, EBPF_PERM_READ));
                      keep(ebpf_grant(&byte, SIZE_MAX, EBPF_PERM_READ));
                      keep(ebpf_grant(&byte, 1, 0));
                      keep(ebpf_grant(&byte, 1, 4));
                      keep(ebpf_grant(&byte, 1, UINT32_MAX));
                      return uint64_t{1};
                  }),
              0);
    load("call 2\nexit");
    run(vm());
    for (size_t i = 0; i < 6; ++i) EXPECT_EQ(grant_codes[i], EBPF_ERROR_INVALID_ARGUMENT) << i;
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(texts[i], "memory to grant is NULL or goes beyond the end of the address space")
            << i;
    }
    for (size_t i = 3; i < 6; ++i) {
        EXPECT_EQ(texts[i], "permission is none of EBPF_PERM_READ, _WRITE, _READ_WRITE") << i;
    }
}

// --- the unwind helper

class unwind_helper : public c_api_test {
protected:
    unwind_helper() {
        ebpf_register(
            vm(), 9, "unwind",
            +[](uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) { return r1; });
        ebpf_set_unwind_function_index(vm(), 9);
    }
};

TEST_F(unwind_helper, ends_the_run_with_0_when_it_returns_0) {
    load("mov %r6, 1\nmov %r1, 0\ncall 9\nmov %r0, 55\nexit");
    EXPECT_EQ(run(vm()), 0U);
}

TEST_F(unwind_helper, ends_all_frames_of_the_run) {
    load(
        "call local f\nmov %r0, 55\nexit\nf: call local g\nmov %r0, 66\nexit\ng: mov %r1, 0\n"
        "call 9\nmov %r0, 77\nexit");
    EXPECT_EQ(run(vm()), 0U);
}

TEST_F(unwind_helper, lets_the_run_go_on_after_any_other_result) {
    load("mov %r1, -1\ncall 9\nadd %r0, 3\nexit");
    EXPECT_EQ(run(vm()), 2U);
    load("lddw %r1, 0x100000000\ncall 9\nrsh %r0, 32\nadd %r0, 3\nexit");
    EXPECT_EQ(run(vm()), 4U) << "a result whose lower half is 0 is not 0";
}

TEST_F(unwind_helper, is_the_one_that_was_set_last) {
    ASSERT_EQ(ebpf_set_unwind_function_index(vm(), 8), 0);
    load("mov %r1, 0\ncall 9\nmov %r0, 55\nexit");
    EXPECT_EQ(run(vm()), 55U);
    ASSERT_EQ(ebpf_set_unwind_function_index(vm(), 9), 0);
    EXPECT_EQ(run(vm()), 0U);
}

TEST_F(unwind_helper, is_one_when_called_by_callx_too) {
    load("mov %r2, 9\nmov %r1, 0\ncallx %r2\nmov %r0, 55\nexit");
    EXPECT_EQ(run(vm()), 0U);
}

// --- exceptions

uint64_t throw_exception(uint64_t what, uint64_t, uint64_t, uint64_t, uint64_t) {
    switch (what) {
    case 0: return 5;
    case 1: throw std::runtime_error("the helper has had enough");
    case 2: throw std::bad_alloc();
    default: throw 17;
    }
}

class throwing_helper : public c_api_test {
protected:
    throwing_helper() {
        ebpf_register(vm(), 1, "throw", throw_exception);
        c_api::load(vm(), "ldxdw %r1, [%r1]\ncall local f\nexit\nf: call 1\nexit");
    }

    int64_t exec(uint64_t what) {
        int64_t result = 99;
        const int64_t code = ebpf_exec(vm(), &what, sizeof what, &result);
        EXPECT_EQ(result, code == 0 ? 5 : 99);
        return code;
    }
};

TEST_F(throwing_helper, is_an_internal_error_with_its_text) {
    EXPECT_EQ(exec(1), EBPF_ERROR_INTERNAL);
    EXPECT_THAT(ebpf_last_error(), HasSubstr("the helper has had enough"));
    EXPECT_EQ(ebpf_last_fault(nullptr), 0);
}

TEST_F(throwing_helper, can_be_out_of_memory) {
    EXPECT_EQ(exec(2), EBPF_ERROR_OUT_OF_MEMORY);
    EXPECT_STREQ(ebpf_last_error(), "out of memory");
}

TEST_F(throwing_helper, can_throw_anything) {
    EXPECT_EQ(exec(3), EBPF_ERROR_INTERNAL);
    EXPECT_STREQ(ebpf_last_error(), "an exception that is no std::exception reached the C API");
}

TEST_F(throwing_helper, leaves_the_vm_usable) {
    for (uint64_t round = 0; round < 100; ++round) {
        EXPECT_LT(exec(1 + round % 3), 0);
        EXPECT_EQ(exec(0), 0);
    }
    EXPECT_EQ(ebpf_grant(granted_block.data(), 1, EBPF_PERM_READ), EBPF_ERROR_INVALID_ARGUMENT)
        << "no run is left on this thread";
    load("mov %r0, 8\nexit");
    EXPECT_EQ(run(vm()), 8U);
}

}  // namespace
