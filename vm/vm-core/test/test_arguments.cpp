// bpftime-vm: every C function with NULL, absurd and boundary arguments
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include <gmock/gmock.h>

#include <array>
#include <climits>
#include <cstdarg>
#include <cstring>
#include <functional>
#include <limits>
#include <thread>

namespace {

using namespace c_api;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

uint64_t forty_two(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 42; }
uint64_t forty_two_with_context(void *, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return 42;
}

// --- a VM that is NULL

struct null_vm_case {
    const char *function;
    std::function<int64_t()> call;

    friend std::ostream &operator<<(std::ostream &out, const null_vm_case &c) {
        return out << c.function;
    }
};

ebpf_vm *const no_vm = nullptr;
std::array<uint8_t, 8> some_memory{};
int64_t some_result = 0;
uint8_t *some_buffer = nullptr;
size_t some_size = 0;
const uint32_t some_pc = 0;
ebpf_region some_region = {some_memory.data(), some_memory.size(), EBPF_PERM_READ};
ebpf_helper some_helper = typed_helper(1, forty_two);

const auto null_vm_cases = std::to_array<null_vm_case>({
    {"ebpf_load", [] { return ebpf_load(no_vm, some_memory.data(), 8, nullptr); }},
    {"ebpf_set_jump_targets", [] { return ebpf_set_jump_targets(no_vm, &some_pc, 1); }},
    {"ebpf_register", [] { return ebpf_register(no_vm, 1, "f", forty_two); }},
    {"ebpf_register_ctx",
     [] { return ebpf_register_ctx(no_vm, 1, "f", forty_two_with_context, nullptr); }},
    {"ebpf_register_typed", [] { return ebpf_register_typed(no_vm, &some_helper); }},
    {"ebpf_unregister", [] { return ebpf_unregister(no_vm, 1); }},
    {"ebpf_set_unwind_function_index", [] { return ebpf_set_unwind_function_index(no_vm, 1); }},
    {"ebpf_set_lddw_helpers",
     [] { return ebpf_set_lddw_helpers(no_vm, nullptr, nullptr, nullptr, nullptr, nullptr); }},
    {"ebpf_set_map_shape_helper", [] { return ebpf_set_map_shape_helper(no_vm, nullptr); }},
    {"ebpf_set_lddw_size_helpers",
     [] { return ebpf_set_lddw_size_helpers(no_vm, nullptr, nullptr, nullptr, nullptr, nullptr); }},
    {"ebpf_register_region",
     [] { return ebpf_register_region(no_vm, some_memory.data(), 8, EBPF_PERM_READ); }},
    {"ebpf_unregister_region", [] { return ebpf_unregister_region(no_vm, some_memory.data()); }},
    {"ebpf_set_instruction_limit", [] { return ebpf_set_instruction_limit(no_vm, 1); }},
    {"ebpf_set_max_insns", [] { return ebpf_set_max_insns(no_vm, 1); }},
    {"ebpf_set_max_helpers", [] { return ebpf_set_max_helpers(no_vm, 1); }},
    {"ebpf_set_stack_size", [] { return ebpf_set_stack_size(no_vm, 16); }},
    {"ebpf_set_call_depth", [] { return ebpf_set_call_depth(no_vm, 1); }},
    {"ebpf_declare_input", [] { return ebpf_declare_input(no_vm, nullptr); }},
    {"ebpf_set_compile_time_limit", [] { return ebpf_set_compile_time_limit(no_vm, 1); }},
    {"ebpf_optimize", [] { return ebpf_optimize(no_vm, nullptr); }},
    {"ebpf_compile_stats", [] { return ebpf_compile_stats(no_vm, nullptr, 0); }},
    {"ebpf_set_compile_memory_limit", [] { return ebpf_set_compile_memory_limit(no_vm, 1); }},
    {"ebpf_set_pointer_secret", [] { return ebpf_set_pointer_secret(no_vm, 1); }},
    {"ebpf_exec", [] { return ebpf_exec(no_vm, some_memory.data(), 8, &some_result); }},
    {"ebpf_exec_regions",
     [] { return ebpf_exec_regions(no_vm, some_memory.data(), 8, &some_region, 1, &some_result); }},
    {"ebpf_interrupt", [] { return ebpf_interrupt(no_vm); }},
    {"ebpf_aot_compile", [] { return ebpf_aot_compile(no_vm, nullptr, &some_buffer, &some_size); }},
});

class null_vm : public ::testing::TestWithParam<null_vm_case> {};

TEST_P(null_vm, is_an_invalid_argument) {
    EXPECT_EQ(GetParam().call(), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(ebpf_last_error(), "vm is NULL");
}

INSTANTIATE_TEST_SUITE_P(c_api, null_vm, ::testing::ValuesIn(null_vm_cases),
                         [](const auto &c) { return std::string{c.param.function}; });

TEST(null_vm, gives_no_name) {
    EXPECT_EQ(ebpf_get_vm_name(nullptr), nullptr);
    EXPECT_STREQ(ebpf_last_error(), "vm is NULL");
}

TEST(null_vm, compiles_nothing_and_says_why) {
    char *raw = nullptr;
    EXPECT_EQ(ebpf_compile(nullptr, &raw), nullptr);
    const message_ptr message{raw};
    EXPECT_STREQ(message.get(), "vm is NULL");
    EXPECT_EQ(ebpf_compile(nullptr, nullptr), nullptr);
}

TEST(null_vm, loads_no_image) {
    EXPECT_EQ(ebpf_load_aot_object(nullptr, some_memory.data(), some_memory.size()), nullptr);
    EXPECT_STREQ(ebpf_last_error(), "vm is NULL");
}

TEST(null_vm, has_no_checks_on) { EXPECT_FALSE(ebpf_toggle_bounds_check(nullptr, true)); }

TEST(null_vm, is_fine_where_nothing_is_returned) {
    ebpf_destroy(nullptr);
    ebpf_unload_code(nullptr);
    ebpf_set_error_print(nullptr, nullptr);
    ebpf_free(nullptr);
}

TEST(null_vm, is_reported_by_load_in_errmsg_too) {
    char *raw = nullptr;
    EXPECT_EQ(ebpf_load(nullptr, some_memory.data(), 8, &raw), EBPF_ERROR_INVALID_ARGUMENT);
    const message_ptr message{raw};
    EXPECT_STREQ(message.get(), "vm is NULL");
}

// --- the library

TEST(library, has_a_version) {
    EXPECT_THAT(ebpf_version(), MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

TEST(library, names_every_error) {
    EXPECT_STREQ(ebpf_error_name(EBPF_OK), "ok");
    EXPECT_STREQ(ebpf_error_name(EBPF_ERROR_INVALID_ARGUMENT), "invalid argument");
    EXPECT_STREQ(ebpf_error_name(EBPF_ERROR_INVALID_PROGRAM), "invalid program");
    EXPECT_STREQ(ebpf_error_name(EBPF_ERROR_UNSUPPORTED), "not supported");
    EXPECT_STREQ(ebpf_error_name(EBPF_ERROR_UNRESOLVED), "unresolved helper or lddw callback");
    EXPECT_STREQ(ebpf_error_name(EBPF_ERROR_NO_PROGRAM), "no program loaded");
    EXPECT_STREQ(ebpf_error_name(EBPF_ERROR_ALREADY_EXISTS), "already exists");
    EXPECT_STREQ(ebpf_error_name(EBPF_ERROR_NOT_FOUND), "not found");
    EXPECT_STREQ(ebpf_error_name(EBPF_ERROR_LIMIT_EXCEEDED), "limit exceeded");
    EXPECT_STREQ(ebpf_error_name(EBPF_ERROR_OUT_OF_MEMORY), "out of memory");
    EXPECT_STREQ(ebpf_error_name(EBPF_ERROR_FAULT), "program fault");
    EXPECT_STREQ(ebpf_error_name(EBPF_ERROR_INTERNAL), "internal error");
}

TEST(library, names_numbers_that_are_no_error) {
    for (const int number : {1, 2, INT_MAX, EBPF_ERROR_INTERNAL - 1, -1000, INT_MIN}) {
        EXPECT_STREQ(ebpf_error_name(number), "unknown error") << number;
    }
}

TEST(library, frees_what_malloc_made) {
    ebpf_free(malloc(16));
    ebpf_free(strdup("a message"));
}

TEST(library, lists_its_backends) {
    const size_t count = ebpf_list_vms(nullptr, 0);
    ASSERT_GE(count, 1U);
    EXPECT_EQ(ebpf_list_vms(nullptr, 100), count) << "NULL has no room, whatever capacity says";

    std::vector<const char *> names(count + 1, nullptr);
    EXPECT_EQ(ebpf_list_vms(names.data(), names.size()), count);
    EXPECT_THAT(names, ::testing::Contains(::testing::StrEq(backend)));
    EXPECT_EQ(names[count], nullptr) << "written beyond the names that there are";
}

TEST(library, lists_no_more_backends_than_there_is_room_for) {
    const char *names[] = {"untouched"};
    EXPECT_GE(ebpf_list_vms(names, 0), 1U);
    EXPECT_STREQ(names[0], "untouched");
}

TEST(library, gives_names_of_backends_that_stay) {
    const char *first = nullptr;
    const char *again = nullptr;
    ebpf_list_vms(&first, 1);
    ebpf_list_vms(&again, 1);
    EXPECT_EQ(first, again) << "the strings live as long as the process, so there need not be two";
}

TEST(library, has_no_error_on_a_new_thread) {
    EXPECT_EQ(ebpf_unregister(nullptr, 1), EBPF_ERROR_INVALID_ARGUMENT);
    std::thread{[] {
        EXPECT_STREQ(ebpf_last_error(), "");
        EXPECT_EQ(ebpf_last_fault(nullptr), 0);
    }}.join();
    EXPECT_STREQ(ebpf_last_error(), "vm is NULL");
}

// --- creating

TEST(create, best_backend_has_a_name) {
    for (const char *const name : {"", static_cast<const char *>(nullptr)}) {
        const vm_ptr vm{ebpf_create(name)};
        ASSERT_NE(vm, nullptr) << ebpf_last_error();
        const char *best = nullptr;
        ASSERT_GE(ebpf_list_vms(&best, 1), 1U);
        EXPECT_STREQ(ebpf_get_vm_name(vm.get()), best);
    }
}

TEST(create, name_stays_while_the_vm_lives) {
    std::string name = backend;
    const vm_ptr vm = make_vm(name.c_str());
    name = "****";
    EXPECT_STREQ(ebpf_get_vm_name(vm.get()), backend);
    EXPECT_EQ(ebpf_get_vm_name(vm.get()), ebpf_get_vm_name(vm.get()));
}

TEST(create, unknown_name_lists_the_known_ones) {
    EXPECT_EQ(ebpf_create("no_such_backend"), nullptr);
    EXPECT_THAT(ebpf_last_error(), AllOf(HasSubstr("unknown backend 'no_such_backend'"),
                                         HasSubstr("there are: "), HasSubstr(backend)));
}

TEST(create, name_is_no_path) {
    for (const char *const name : {"/", "../ubpf", "a/b", "./ubpf", ".", "..", ".hidden", " ",
                                   "ubpf ", "ubpf\n", "%s%n", "u\xc3\xbc", "\x01"}) {
        EXPECT_EQ(ebpf_create(name), nullptr) << name;
        EXPECT_THAT(ebpf_last_error(),
                    HasSubstr("a name has letters, digits, '_', '-' and '.' only"))
            << name;
    }
}

TEST(create, names_are_case_sensitive) { EXPECT_EQ(ebpf_create("UBPF"), nullptr); }

TEST(create, name_of_a_megabyte_is_unknown) {
    EXPECT_EQ(ebpf_create(std::string(1 << 20, 'a').c_str()), nullptr);
    EXPECT_THAT(ebpf_last_error(), HasSubstr("unknown backend"));
}

// --- loading

const std::string largest = std::to_string(SIZE_MAX);

class arguments : public c_api_test {
protected:
    /// What one call with a bad argument gives: its code; the text is in ebpf_last_error().
    void expect_invalid(int64_t code, const char *text) const {
        EXPECT_EQ(code, EBPF_ERROR_INVALID_ARGUMENT) << text;
        EXPECT_STREQ(ebpf_last_error(), text);
    }
};

TEST_F(arguments, load_without_code) {
    expect_invalid(ebpf_load(vm(), nullptr, 8, nullptr), "code is NULL but has 8 bytes");
    EXPECT_EQ(ebpf_load(vm(), nullptr, 0, nullptr), EBPF_ERROR_INVALID_PROGRAM)
        << "no bytes need no pointer";
}

TEST_F(arguments, load_of_no_bytes) {
    const uint8_t code[8] = {0x95};
    EXPECT_EQ(ebpf_load(vm(), code, 0, nullptr), EBPF_ERROR_INVALID_PROGRAM);
    EXPECT_STREQ(ebpf_last_error(),
                 "empty program: give at least one instruction; the shortest program is `exit`");
}

TEST_F(arguments, load_of_incomplete_slots) {
    const uint8_t code[16] = {0x95, 0, 0, 0, 0, 0, 0, 0, 0x95};
    for (const uint32_t length : {1U, 7U, 9U, 15U}) {
        EXPECT_EQ(ebpf_load(vm(), code, length, nullptr), EBPF_ERROR_INVALID_PROGRAM);
        EXPECT_THAT(ebpf_last_error(), StartsWith("program length " + std::to_string(length) +
                                                  " is not a multiple of 8"));
    }
}

TEST_F(arguments, load_of_absurd_length_reads_nothing) {
    const uint8_t code[8] = {0x95};
    EXPECT_EQ(ebpf_load(vm(), code, UINT32_MAX, nullptr), EBPF_ERROR_INVALID_PROGRAM);
    EXPECT_STREQ(
        ebpf_last_error(),
        "program of 536870911 instructions exceeds the limit of 65536: raise the limit with "
        "ebpf_set_max_insns() or build with a larger EBPF_MAX_INSTS");
    ASSERT_EQ(ebpf_set_max_insns(vm(), EBPF_MOST_INSTS), 0);
    EXPECT_EQ(ebpf_load(vm(), code, UINT32_MAX, nullptr), EBPF_ERROR_INVALID_PROGRAM);
}

TEST_F(arguments, load_at_any_alignment) {
    std::array<uint8_t, 17> storage{};
    for (size_t shift = 0; shift < 8; ++shift) {
        storage.fill(0);
        storage[shift] = 0x95;
        EXPECT_EQ(ebpf_load(vm(), storage.data() + shift, 8, nullptr), 0);
        EXPECT_EQ(run(vm()), 0U);
    }
}

TEST_F(arguments, load_copies_the_bytes) {
    auto code = assemble("mov %r0, 7\nexit");
    ASSERT_EQ(ebpf_load(vm(), code.data(), static_cast<uint32_t>(code.size()), nullptr), 0);
    std::ranges::fill(code, 0xff);
    EXPECT_EQ(run(vm()), 7U);
}

// --- errmsg

TEST_F(arguments, errmsg_is_null_after_success) {
    char not_ours[] = "set by somebody else";
    char *errmsg = not_ours;
    EXPECT_EQ(c_api::load(vm(), "exit", &errmsg), 0);
    EXPECT_EQ(errmsg, nullptr);
}

TEST_F(arguments, errmsg_is_the_last_error_in_memory_of_its_own) {
    char *raw = nullptr;
    EXPECT_EQ(c_api::load(vm(), "mov %r0, 1", &raw), EBPF_ERROR_INVALID_PROGRAM);
    const message_ptr message{raw};
    ASSERT_NE(message, nullptr);
    EXPECT_NE(message.get(), ebpf_last_error());
    EXPECT_STREQ(message.get(), ebpf_last_error());
    EXPECT_STREQ(message.get(),
                 "control falls off the end of the function at 0..0 at pc 0 (`mov %r0, 1`): the "
                 "last instruction of every function is `exit`, `ja` or `gotox`");
    ebpf_unregister(nullptr, 0);
    EXPECT_THAT(message.get(), StartsWith("control falls off"))
        << "the message belongs to the caller";
}

TEST_F(arguments, errmsg_may_be_freed_with_ebpf_free) {
    char *errmsg = nullptr;
    EXPECT_LT(c_api::load(vm(), "mov %r0, 1", &errmsg), 0);
    ebpf_free(errmsg);
}

TEST_F(arguments, errmsg_may_be_null) {
    EXPECT_EQ(c_api::load(vm(), "mov %r0, 1", nullptr), EBPF_ERROR_INVALID_PROGRAM);
    EXPECT_EQ(c_api::load(vm(), "exit", nullptr), 0);
}

TEST_F(arguments, compile_without_program) {
    char *raw = nullptr;
    EXPECT_EQ(ebpf_compile(vm(), &raw), nullptr);
    const message_ptr message{raw};
    EXPECT_STREQ(message.get(), "no program is loaded: load a program with ebpf_load() first");
}

// --- running

TEST_F(arguments, exec_without_program) {
    int64_t result = 5;
    EXPECT_EQ(ebpf_exec(vm(), nullptr, 0, &result), EBPF_ERROR_NO_PROGRAM);
    EXPECT_STREQ(ebpf_last_error(), "no program is loaded: load a program with ebpf_load() first");
    EXPECT_EQ(result, 5);
    EXPECT_EQ(ebpf_last_fault(nullptr), 0);
    EXPECT_EQ(ebpf_exec_regions(vm(), nullptr, 0, nullptr, 0, &result), EBPF_ERROR_NO_PROGRAM);
}

TEST_F(arguments, exec_without_result) {
    load("mov %r0, 3\nexit");
    int64_t *const no_result = nullptr;
    EXPECT_EQ(ebpf_exec(vm(), nullptr, 0, no_result), 0);
    EXPECT_EQ(ebpf_exec_regions(vm(), nullptr, 0, nullptr, 0, nullptr), 0);
}

TEST_F(arguments, exec_of_null_memory_with_a_length) {
    load("mov %r0, %r2\nexit");
    int64_t result = 5;
    expect_invalid(ebpf_exec(vm(), nullptr, 1, &result), "memory is NULL but has 1 bytes");
    expect_invalid(ebpf_exec(vm(), nullptr, SIZE_MAX, &result),
                   ("memory is NULL but has " + largest + " bytes").c_str());
    expect_invalid(ebpf_exec_regions(vm(), nullptr, 1, nullptr, 0, &result),
                   "memory is NULL but has 1 bytes");
    EXPECT_EQ(result, 5);
}

TEST_F(arguments, exec_of_memory_beyond_the_address_space) {
    load("mov %r0, %r2\nexit");
    expect_invalid(
        ebpf_exec(vm(), some_memory.data(), SIZE_MAX, &some_result),
        ("memory of " + largest + " bytes goes beyond the end of the address space").c_str());
    EXPECT_EQ(ebpf_exec_regions(vm(), some_memory.data(), SIZE_MAX, nullptr, 0, &some_result),
              EBPF_ERROR_INVALID_ARGUMENT);
    // The longest memory that there can be, of which this program touches nothing.
    const size_t longest = c_api::longest_at(some_memory.data());
    EXPECT_EQ(run(vm(), some_memory.data(), longest), longest);
    EXPECT_EQ(ebpf_exec(vm(), some_memory.data(), longest + 1, &some_result),
              EBPF_ERROR_INVALID_ARGUMENT);
}

TEST_F(arguments, exec_gives_address_and_length) {
    load("mov %r0, %r1\nexit");
    EXPECT_EQ(run(vm()), 0U);
    EXPECT_EQ(run(vm(), some_memory.data(), 8), address_of(some_memory.data()));
    EXPECT_EQ(run(vm(), some_memory.data(), 0), address_of(some_memory.data()));
    load("mov %r0, %r2\nexit");
    EXPECT_EQ(run(vm()), 0U);
    EXPECT_EQ(run(vm(), some_memory.data(), 3), 3U);
}

TEST_F(arguments, exec_of_no_bytes_gives_no_byte) {
    load("ldxb %r0, [%r1]\nexit");
    EXPECT_EQ(run_to_fault(vm(), some_memory.data(), 0).kind,
              uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ});
}

TEST_F(arguments, exec_regions_with_bad_regions) {
    load("exit");
    expect_invalid(ebpf_exec_regions(vm(), nullptr, 0, nullptr, 2, &some_result),
                   "regions is NULL but there are 2");
    expect_invalid(ebpf_exec_regions(vm(), nullptr, 0, nullptr, SIZE_MAX, &some_result),
                   ("regions is NULL but there are " + largest).c_str());

    const auto refusal = [&](ebpf_region bad) {
        const ebpf_region regions[] = {some_region, bad};
        EXPECT_EQ(ebpf_exec_regions(vm(), nullptr, 0, regions, 2, &some_result),
                  EBPF_ERROR_INVALID_ARGUMENT);
        EXPECT_THAT(ebpf_last_error(), StartsWith("region 1 of this run: "));
        return std::string{ebpf_last_error()};
    };
    EXPECT_THAT(refusal({nullptr, 8, EBPF_PERM_READ}), EndsWith("region is NULL"));
    EXPECT_THAT(refusal({nullptr, 0, EBPF_PERM_READ}), EndsWith("region is NULL"));
    EXPECT_THAT(refusal({some_memory.data(), 8, 0}),
                EndsWith("permission 0 is none of EBPF_PERM_READ, _WRITE, _READ_WRITE"));
    EXPECT_THAT(refusal({some_memory.data(), 8, 4}),
                EndsWith("permission 4 is none of EBPF_PERM_READ, _WRITE, _READ_WRITE"));
    EXPECT_THAT(refusal({some_memory.data(), 8, UINT32_MAX}), HasSubstr("permission 4294967295"));
    EXPECT_THAT(refusal({some_memory.data(), SIZE_MAX, EBPF_PERM_READ}),
                EndsWith("goes beyond the end of the address space"));
}

TEST_F(arguments, exec_regions_without_regions_is_exec) {
    load("ldxb %r0, [%r1+7]\nexit");
    some_memory[7] = 9;
    int64_t result = 0;
    EXPECT_EQ(ebpf_exec_regions(vm(), some_memory.data(), 8, nullptr, 0, &result), 0);
    EXPECT_EQ(result, 9);
    EXPECT_EQ(ebpf_exec_regions(vm(), some_memory.data(), 8, &some_region, 0, &result), 0);
}

// --- helpers

TEST_F(arguments, helper_without_function) {
    expect_invalid(ebpf_register(vm(), 7, "f", static_cast<external_function_t>(nullptr)),
                   "helper 7 cannot be registered: function is NULL");
    expect_invalid(ebpf_register_ctx(vm(), UINT32_MAX, "f", nullptr, &some_memory),
                   "helper 4294967295 cannot be registered: function is NULL");
    expect_invalid(ebpf_register_typed(vm(), nullptr), "helper is NULL");
    const ebpf_helper nothing{};
    expect_invalid(ebpf_register_typed(vm(), &nothing),
                   "helper 0 cannot be registered: function is NULL");
}

TEST_F(arguments, helper_with_two_functions) {
    ebpf_helper helper = some_helper;
    helper.ctx_fn = forty_two_with_context;
    expect_invalid(ebpf_register_typed(vm(), &helper),
                   "helper 1 cannot be registered: fn and ctx_fn are both set");
}

TEST_F(arguments, helper_without_name) {
    load("call 1\nexit");
    EXPECT_EQ(ebpf_register(vm(), 1, nullptr, forty_two), 0);
    EXPECT_EQ(run(vm()), 42U);
    EXPECT_EQ(ebpf_register(vm(), 1, "", forty_two), 0);
    EXPECT_EQ(ebpf_register_ctx(vm(), 1, nullptr, forty_two_with_context, nullptr), 0);
    EXPECT_EQ(run(vm()), 42U);
}

TEST_F(arguments, helper_name_of_a_megabyte_is_copied) {
    std::string name(1 << 20, 'n');
    EXPECT_EQ(ebpf_register(vm(), 1, name.c_str(), forty_two), 0);
    name.assign(name.size(), '*');
    load("call 1\nexit");
    EXPECT_EQ(run(vm()), 42U);
}

TEST_F(arguments, helper_with_keys_and_values_of_no_map) {
    const auto refusal = [&](const auto &change) {
        ebpf_helper helper = some_helper;
        change(helper);
        EXPECT_EQ(ebpf_register_typed(vm(), &helper), EBPF_ERROR_INVALID_ARGUMENT);
        return std::string{ebpf_last_error()};
    };
    EXPECT_EQ(refusal([](auto &h) {
                  h.arguments[0].kind = EBPF_ARG_MAP_KEY;
                  h.arguments[1].kind = EBPF_ARG_MAP;
              }),
              "helper 1 cannot be registered: argument 1 is a key or value of no map");
    EXPECT_EQ(refusal([](auto &h) {
                  h.arguments[0].kind = EBPF_ARG_MAP;
                  h.arguments[1].kind = EBPF_ARG_MAP;
              }),
              "helper 1 cannot be registered: argument 2 is a second map");
    EXPECT_EQ(refusal([](auto &h) { h.result = EBPF_RESULT_MAP_VALUE_OR_NULL; }),
              "helper 1 cannot be registered: the result is a value of no map");
}

TEST_F(arguments, helper_of_unknown_kinds) {
    const auto refusal = [&](const auto &change) {
        ebpf_helper helper = some_helper;
        change(helper);
        EXPECT_EQ(ebpf_register_typed(vm(), &helper), EBPF_ERROR_INVALID_ARGUMENT);
        return std::string{ebpf_last_error()};
    };
    EXPECT_EQ(refusal([](auto &h) { h.arguments[0].kind = EBPF_ARG_FUNCTION + 1; }),
              "helper 1 cannot be registered: kind 12 of argument 1 is unknown");
    EXPECT_EQ(refusal([](auto &h) { h.arguments[4].kind = UINT32_MAX; }),
              "helper 1 cannot be registered: kind 4294967295 of argument 5 is unknown");
    EXPECT_EQ(refusal([](auto &h) { h.result = EBPF_RESULT_ENDS_RUN + 1; }),
              "helper 1 cannot be registered: result kind 7 is unknown");
    EXPECT_EQ(refusal([](auto &h) {
                  h.result = EBPF_RESULT_TAIL_CALL;
                  h.purity = EBPF_PURE_READS;
              }),
              "helper 1 cannot be registered: a helper that runs programs is not pure");
    EXPECT_EQ(refusal([](auto &h) { h.purity = EBPF_PURE_CONSTANT + 1; }),
              "helper 1 cannot be registered: purity 3 is unknown");
    EXPECT_EQ(refusal([](auto &h) {
                  h.id = EBPF_PACKET_LOAD_HELPER;
                  h.result = EBPF_RESULT_NEVER;
              }),
              "helper 3958374401 cannot be registered: legacy packet loads call it, with scalars "
              "and for a scalar");
    EXPECT_EQ(ebpf_unregister(vm(), 1), EBPF_ERROR_NOT_FOUND)
        << "a refused helper is not registered";
}

TEST_F(arguments, helper_whose_memory_has_no_size_is_refused) {
    ebpf_helper helper = some_helper;
    const auto refusal = [&] {
        EXPECT_EQ(ebpf_register_typed(vm(), &helper), EBPF_ERROR_INVALID_ARGUMENT);
        return std::string{ebpf_last_error()};
    };
    for (const uint32_t kind :
         {EBPF_ARG_MEMORY_READ, EBPF_ARG_MEMORY_WRITE, EBPF_ARG_MEMORY_READ_WRITE}) {
        helper.arguments[1] = {kind, 0, 0};
        EXPECT_THAT(refusal(), HasSubstr("argument 2 is memory without a size"));
    }
    helper.arguments[1] = {};
    helper.arguments[4] = {EBPF_ARG_MEMORY_READ, 0, 0};
    EXPECT_THAT(refusal(), HasSubstr("argument 5 is memory without a size"));
    helper.arguments[4] = {};
    helper.arguments[0] = {EBPF_ARG_MEMORY_SIZE, 0, 0};
    EXPECT_THAT(refusal(), HasSubstr("argument 1 is the size of no memory"));
    helper.arguments[0] = {EBPF_ARG_SCALAR, 0, 0};
    helper.arguments[1] = {EBPF_ARG_MEMORY_SIZE, 0, 0};
    EXPECT_THAT(refusal(), HasSubstr("argument 2 is the size of no memory"));
    helper.arguments[0] = {EBPF_ARG_MEMORY_READ, 8, 0};
    EXPECT_THAT(refusal(), HasSubstr("argument 2 is the size of no memory"))
        << "argument 1 has a size of its own";
    helper.arguments[0] = {EBPF_ARG_MEMORY_READ, 0, 0};
    EXPECT_EQ(ebpf_register_typed(vm(), &helper), 0) << ebpf_last_error();
}

TEST_F(arguments, unregistering_what_is_not_there) {
    EXPECT_EQ(ebpf_unregister(vm(), 77), EBPF_ERROR_NOT_FOUND);
    EXPECT_STREQ(ebpf_last_error(), "helper 77 is not registered");
    EXPECT_EQ(ebpf_unregister(vm(), UINT32_MAX), EBPF_ERROR_NOT_FOUND);
    ASSERT_EQ(ebpf_register(vm(), 77, "f", forty_two), 0);
    EXPECT_EQ(ebpf_unregister(vm(), 77), 0);
    EXPECT_EQ(ebpf_unregister(vm(), 77), EBPF_ERROR_NOT_FOUND);
}

TEST_F(arguments, unwind_index_may_name_any_id) {
    for (const uint32_t id : {0U, 1U, 0x8000'0000U, UINT32_MAX}) {
        EXPECT_EQ(ebpf_set_unwind_function_index(vm(), id), 0);
    }
}

TEST_F(arguments, grant_outside_of_helpers) {
    const char *const text =
        "ebpf_grant() works inside a helper only: no program is running on this thread";
    expect_invalid(ebpf_grant(some_memory.data(), 8, EBPF_PERM_READ), text);
    load("exit");
    run(vm());
    expect_invalid(ebpf_grant(some_memory.data(), 8, EBPF_PERM_READ), text);
}

TEST_F(arguments, lddw_callbacks_may_all_be_null) {
    EXPECT_EQ(ebpf_set_lddw_helpers(vm(), nullptr, nullptr, nullptr, nullptr, nullptr), 0);
    EXPECT_EQ(ebpf_set_lddw_size_helpers(vm(), nullptr, nullptr, nullptr, nullptr, nullptr), 0);
    load("mov %r0, 1\nexit");
    EXPECT_EQ(run(vm()), 1U);
}

// --- regions

TEST_F(arguments, region_that_is_none) {
    expect_invalid(ebpf_register_region(vm(), nullptr, 8, EBPF_PERM_READ), "region is NULL");
    expect_invalid(ebpf_register_region(vm(), nullptr, 0, EBPF_PERM_READ), "region is NULL");
    expect_invalid(ebpf_register_region(vm(), some_memory.data(), 8, 0),
                   "permission 0 is none of EBPF_PERM_READ, _WRITE, _READ_WRITE");
    expect_invalid(ebpf_register_region(vm(), some_memory.data(), 8, 4),
                   "permission 4 is none of EBPF_PERM_READ, _WRITE, _READ_WRITE");
    expect_invalid(
        ebpf_register_region(vm(), some_memory.data(), SIZE_MAX, EBPF_PERM_READ),
        ("memory of " + largest + " bytes goes beyond the end of the address space").c_str());
    EXPECT_EQ(ebpf_register_region(vm(), some_memory.data(), 8, UINT32_MAX),
              EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(ebpf_unregister_region(vm(), some_memory.data()), EBPF_ERROR_NOT_FOUND);
    EXPECT_STREQ(ebpf_last_error(), "no region with this address is registered");
    EXPECT_EQ(ebpf_unregister_region(vm(), nullptr), EBPF_ERROR_NOT_FOUND);
}

TEST_F(arguments, region_of_no_bytes_gives_no_byte) {
    ASSERT_EQ(ebpf_register_region(vm(), some_memory.data(), 0, EBPF_PERM_READ), 0);
    load("ldxb %r0, [%r1]\nexit");
    EXPECT_EQ(run_to_fault(vm(), some_memory.data(), 0).kind,
              uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ});
    EXPECT_EQ(ebpf_unregister_region(vm(), some_memory.data()), 0);
}

// --- numbers

struct range_case {
    const char *name;
    int (*set)(ebpf_vm *vm, uint32_t value);
    uint32_t least;
    uint32_t most;
    const char *text;  ///< what follows "NAME VALUE is not allowed: "

    friend std::ostream &operator<<(std::ostream &out, const range_case &c) {
        return out << c.name;
    }
};

const auto range_cases = std::to_array<range_case>({
    {"number of instructions", ebpf_set_max_insns, 1, EBPF_MOST_INSTS, "from 1 to 16777216"},
    {"number of helpers", ebpf_set_max_helpers, 1, UINT32_MAX, "from 1 to 4294967295"},
    {"stack size", ebpf_set_stack_size, 16, EBPF_MOST_STACK_SIZE,
     "from 16 to 65536, a multiple of 16"},
    {"call depth", ebpf_set_call_depth, 1, EBPF_MOST_CALL_DEPTH, "from 1 to 256"},
});

class range : public ::testing::TestWithParam<range_case> {};

TEST_P(range, bounds_belong_to_it) {
    const auto vm = make_vm();
    EXPECT_EQ(GetParam().set(vm.get(), GetParam().least), 0) << ebpf_last_error();
    EXPECT_EQ(GetParam().set(vm.get(), GetParam().most), 0) << ebpf_last_error();
}

TEST_P(range, what_lies_outside_is_refused_by_name) {
    const auto vm = make_vm();
    std::vector<uint32_t> outside = {0, GetParam().least - 1};
    if (GetParam().most != UINT32_MAX)
        outside.insert(outside.end(), {GetParam().most + 1, UINT32_MAX, 0x8000'0000U});
    for (const uint32_t value : outside) {
        EXPECT_EQ(GetParam().set(vm.get(), value), EBPF_ERROR_INVALID_ARGUMENT) << value;
        EXPECT_EQ(std::string{ebpf_last_error()}, std::string{GetParam().name} + ' ' +
                                                      std::to_string(value) +
                                                      " is not allowed: " + GetParam().text);
    }
}

INSTANTIATE_TEST_SUITE_P(c_api, range, ::testing::ValuesIn(range_cases), [](const auto &c) {
    std::string name = c.param.name;
    std::ranges::replace(name, ' ', '_');
    return name;
});

TEST_F(arguments, stack_size_is_a_multiple_of_16) {
    for (const uint32_t bytes : {17U, 24U, 31U, 511U, 520U, EBPF_MOST_STACK_SIZE - 1}) {
        EXPECT_EQ(ebpf_set_stack_size(vm(), bytes), EBPF_ERROR_INVALID_ARGUMENT) << bytes;
        EXPECT_THAT(ebpf_last_error(), EndsWith("a multiple of 16"));
    }
}

TEST_F(arguments, instruction_limit_may_be_any_number) {
    load("mov %r0, 1\nexit");
    for (const uint64_t limit :
         {uint64_t{0}, uint64_t{1}, uint64_t{1} << 20, uint64_t{1} << 63, UINT64_MAX}) {
        EXPECT_EQ(ebpf_set_instruction_limit(vm(), limit), 0);
        EXPECT_EQ(run(vm()), 1U);
    }
}

TEST_F(arguments, compile_limits_may_be_any_number) {
    load("mov %r0, 1\nexit");
    for (const uint64_t limit : {uint64_t{0}, uint64_t{1} << 40, UINT64_MAX}) {
        EXPECT_EQ(ebpf_set_compile_time_limit(vm(), limit), 0);
        EXPECT_EQ(ebpf_set_compile_memory_limit(vm(), limit), 0);
        EXPECT_EQ(run(vm()), 1U);
    }
}

TEST_F(arguments, optimize_options_are_checked_whatever_the_backend) {
    load("mov %r0, 1\nexit");
    ebpf_optimize_options options = EBPF_OPTIMIZE_DEFAULTS;
    options.level = 4;
    EXPECT_EQ(ebpf_optimize(vm(), &options), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(ebpf_last_error(), "optimization level 4 is not allowed: from 0 to 3");
    options = EBPF_OPTIMIZE_DEFAULTS;
    options.cpu = "";
    EXPECT_EQ(ebpf_optimize(vm(), &options), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_STREQ(ebpf_last_error(), "cpu is empty: NULL is this machine's");
    EXPECT_EQ(run(vm()), 1U);
}

TEST_F(arguments, optimize_options_change_no_result) {
    load("mov %r0, 1\nexit");
    for (const uint32_t level : {0U, 1U, 2U, 3U}) {
        for (const char *const cpu : {static_cast<const char *>(nullptr), "generic"}) {
            for (const uint64_t limit : {uint64_t{0}, uint64_t{1}, UINT64_MAX}) {
                const ebpf_optimize_options options{level, level % 2, cpu, limit};
                EXPECT_EQ(ebpf_optimize(vm(), &options), 0) << ebpf_last_error();
                EXPECT_EQ(run(vm()), 1U);
            }
        }
    }
    EXPECT_EQ(ebpf_optimize(vm(), nullptr), 0);
    EXPECT_EQ(run(vm()), 1U);
}

// --- what compiling did

TEST_F(arguments, compile_stats_need_a_program) {
    EXPECT_EQ(ebpf_compile_stats(vm(), nullptr, 0), EBPF_ERROR_NO_PROGRAM);
    load("mov %r0, 1\nexit");
    ebpf_compile_stat stat{"untouched", "", 7};
    EXPECT_EQ(ebpf_compile_stats(vm(), &stat, 1), 0) << "nothing is compiled";
    EXPECT_EQ(run(vm()), 1U);
    EXPECT_EQ(ebpf_compile_stats(vm(), nullptr, 100), 0) << "it counts nothing";
    EXPECT_STREQ(stat.name, "untouched");
}

// --- what is said of the input memory

constexpr ebpf_input some_input{.least_size = 16,
                                .permission = EBPF_PERM_READ,
                                .alignment = 8,
                                .packet_permission = EBPF_PERM_READ,
                                .data_offset = 0,
                                .data_end_offset = 8,
                                .data_meta_offset = EBPF_NO_OFFSET};

struct bad_input_case {
    const char *name;
    void (*change)(ebpf_input &input);
    const char *message;

    friend std::ostream &operator<<(std::ostream &out, const bad_input_case &c) {
        return out << c.name;
    }
};

const auto bad_input_cases = std::to_array<bad_input_case>({
    {"size", [](ebpf_input &i) { i.least_size = (uint64_t{1} << 56) + 1; }, "least_size"},
    {"permission", [](ebpf_input &i) { i.permission = EBPF_PERM_WRITE; }, "permission 2"},
    {"permissions", [](ebpf_input &i) { i.permission = 4; }, "permission 4"},
    {"alignment", [](ebpf_input &i) { i.alignment = 3; }, "alignment 3"},
    {"page", [](ebpf_input &i) { i.alignment = 4096; }, "alignment 4096"},
    {"packet", [](ebpf_input &i) { i.packet_permission = EBPF_PERM_WRITE; }, "packet_permission 2"},
    {"packets", [](ebpf_input &i) { i.packet_permission = 8; }, "packet_permission 8"},
    {"written", [](ebpf_input &i) { i.permission = EBPF_PERM_READ_WRITE; }, "EBPF_PERM_READ"},
    {"data", [](ebpf_input &i) { i.data_offset = 9; }, "data_offset is 9"},
    {"end", [](ebpf_input &i) { i.data_end_offset = UINT32_MAX; }, "data_end_offset is 4294967295"},
    {"meta", [](ebpf_input &i) { i.data_meta_offset = 12; }, "data_meta_offset is 12"},
    {"short", [](ebpf_input &i) { i.least_size = 7; }, "data_offset is 0"},
});

class bad_input : public ::testing::TestWithParam<bad_input_case> {};

TEST_P(bad_input, is_refused_by_name_and_changes_nothing) {
    const auto vm = make_vm();
    ebpf_input input = some_input;
    ASSERT_EQ(ebpf_declare_input(vm.get(), &input), 0) << ebpf_last_error();
    GetParam().change(input);
    EXPECT_EQ(ebpf_declare_input(vm.get(), &input), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(ebpf_last_error(), HasSubstr(GetParam().message));
    ASSERT_EQ(load(vm.get(), "mov %r0, 1\nexit"), 0);
    EXPECT_EQ(run_to_fault(vm.get()).kind, uint32_t{EBPF_FAULT_BAD_INPUT});
}

INSTANTIATE_TEST_SUITE_P(c_api, bad_input, ::testing::ValuesIn(bad_input_cases),
                         [](const auto &c) { return std::string{c.param.name}; });

TEST_F(arguments, a_refused_number_changes_nothing) {
    ASSERT_EQ(ebpf_set_call_depth(vm(), 1), 0);
    ASSERT_LT(ebpf_set_call_depth(vm(), 0), 0);
    load("call local f\nexit\nf: exit");
    EXPECT_EQ(run_to_fault(vm()).kind, uint32_t{EBPF_FAULT_CALL_DEPTH_EXCEEDED});
}

TEST_F(arguments, pointer_secret_is_set_before_loading) {
    EXPECT_EQ(ebpf_set_pointer_secret(vm(), UINT64_MAX), 0);
    load("exit");
    expect_invalid(
        ebpf_set_pointer_secret(vm(), 1),
        "the pointer secret must be set before a program is loaded: call ebpf_unload_code() first");
    ebpf_unload_code(vm());
    EXPECT_EQ(ebpf_set_pointer_secret(vm(), 0), 0);
}

TEST_F(arguments, jump_targets) {
    expect_invalid(ebpf_set_jump_targets(vm(), nullptr, 1), "pcs is NULL but there are 1");
    EXPECT_EQ(ebpf_set_jump_targets(vm(), nullptr, 0), 0);
    const uint32_t outside[] = {0, UINT32_MAX};
    EXPECT_EQ(ebpf_set_jump_targets(vm(), outside, 2), 0)
        << "they are about programs loaded from now on";
    EXPECT_EQ(c_api::load(vm(), "exit"), EBPF_ERROR_INVALID_PROGRAM);
    EXPECT_THAT(ebpf_last_error(),
                StartsWith("jump table entry 4294967295 is no instruction of the program of 1"));
    EXPECT_EQ(ebpf_set_jump_targets(vm(), nullptr, 0), 0);
    EXPECT_EQ(c_api::load(vm(), "exit"), 0);
}

// --- ahead of time

TEST_F(arguments, aot_compile_without_room_for_the_answer) {
    load("exit");
    uint8_t *buffer = nullptr;
    size_t size = 0;
    expect_invalid(ebpf_aot_compile(vm(), nullptr, nullptr, &size),
                   "elf_buffer or elf_size is NULL");
    expect_invalid(ebpf_aot_compile(vm(), nullptr, &buffer, nullptr),
                   "elf_buffer or elf_size is NULL");
}

TEST_F(arguments, aot_compile_where_it_is_not_supported) {
    load("exit");
    uint8_t nothing = 0;
    uint8_t *buffer = &nothing;
    size_t size = 99;
    ebpf_aot_options options{};
    for (ebpf_aot_options *const o : {static_cast<ebpf_aot_options *>(nullptr), &options}) {
        EXPECT_EQ(ebpf_aot_compile(vm(), o, &buffer, &size), EBPF_ERROR_UNSUPPORTED);
        EXPECT_STREQ(ebpf_last_error(), "do_aot_compile is not supported by backend ubpf");
        EXPECT_EQ(buffer, nullptr);
        EXPECT_EQ(size, 0U);
    }
}

TEST_F(arguments, aot_image_that_is_none) {
    EXPECT_EQ(ebpf_load_aot_object(vm(), nullptr, 10), nullptr);
    EXPECT_STREQ(ebpf_last_error(), "the image is NULL or empty");
    EXPECT_EQ(ebpf_load_aot_object(vm(), some_memory.data(), 0), nullptr);
    EXPECT_STREQ(ebpf_last_error(), "the image is NULL or empty");
    EXPECT_EQ(ebpf_load_aot_object(vm(), some_memory.data(), some_memory.size()), nullptr);
    EXPECT_STREQ(ebpf_last_error(), "load_aot_object is not supported by backend ubpf");
}

// --- ebpf_set_error_print

thread_local std::vector<std::string> printed;

int record(FILE *stream, const char *format, ...) {
    EXPECT_EQ(stream, stderr);
    EXPECT_STREQ(format, "%s\n");
    std::va_list values;
    va_start(values, format);
    printed.emplace_back(va_arg(values, const char *));
    va_end(values);
    return 0;
}

int throw_up(FILE *, const char *, ...) { throw 1; }

class error_print : public c_api_test {
protected:
    error_print() {
        printed.clear();
        ebpf_set_error_print(vm(), record);
    }
};

TEST_F(error_print, gets_every_message_of_its_vm) {
    const auto expect_printed = [](const char *what) {
        EXPECT_EQ(printed, std::vector<std::string>{ebpf_last_error()}) << what;
        printed.clear();
    };
    c_api::load(vm(), "mov %r0, 1");
    expect_printed("load");
    ebpf_exec(vm(), nullptr, 0, &some_result);
    expect_printed("no program");
    ebpf_exec(vm(), nullptr, 1, &some_result);
    expect_printed("bad argument");
    ebpf_register_typed(vm(), nullptr);
    expect_printed("helper is NULL");
    ebpf_aot_compile(vm(), nullptr, nullptr, nullptr);
    expect_printed("no room for the image");
    ebpf_load_aot_object(vm(), nullptr, 0);
    expect_printed("no image");
    ebpf_unregister(vm(), 9);
    expect_printed("not found");
    load("ldxb %r0, [%r0]\nexit");
    ebpf_exec(vm(), nullptr, 0, &some_result);
    expect_printed("fault");
}

TEST_F(error_print, gets_nothing_when_all_is_well) {
    load("exit");
    run(vm());
    EXPECT_THAT(printed, ::testing::IsEmpty());
}

TEST_F(error_print, gets_nothing_of_other_vms) {
    const auto other = make_vm();
    ebpf_exec(other.get(), nullptr, 0, &some_result);
    EXPECT_THAT(printed, ::testing::IsEmpty());
}

TEST_F(error_print, can_be_taken_back) {
    ebpf_set_error_print(vm(), nullptr);
    ebpf_exec(vm(), nullptr, 0, &some_result);
    EXPECT_THAT(printed, ::testing::IsEmpty());
}

TEST_F(error_print, that_throws_does_no_harm) {
    ebpf_set_error_print(vm(), throw_up);
    EXPECT_EQ(ebpf_exec(vm(), nullptr, 0, &some_result), EBPF_ERROR_NO_PROGRAM);
    EXPECT_STREQ(ebpf_last_error(), "no program is loaded: load a program with ebpf_load() first");
}

}  // namespace
