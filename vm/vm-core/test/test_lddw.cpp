// bpftime-vm: the 64-bit immediates of every kind, their callbacks and size companions, callx
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include <gmock/gmock.h>

#include <array>
#include <stdexcept>

namespace {

using namespace c_api;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Which callback was called, with what.
struct call {
    std::string callback;
    uint64_t argument;

    friend bool operator==(const call &, const call &) = default;
    friend void PrintTo(const call &c, std::ostream *out) {
        *out << c.callback << '(' << c.argument << ')';
    }
};

std::vector<call> called;
std::array<uint8_t, 64> memory{};
uint64_t size_of_memory = 0;

uint64_t note(const char *callback, uint64_t argument, uint64_t value) {
    called.push_back({callback, argument});
    return value;
}

// Each gives another value, so that none can stand for another.
uint64_t map_by_fd(uint32_t fd) { return note("map_by_fd", fd, 0x1000'0000'0000 + fd); }
uint64_t map_by_idx(uint32_t idx) { return note("map_by_idx", idx, 0x2000'0000'0000 + idx); }
uint64_t map_val(uint64_t map) { return note("map_val", map, map + 0x0100'0000'0000); }
uint64_t var_addr(uint32_t idx) { return note("var_addr", idx, 0x3000'0000'0000 + idx); }
uint64_t code_addr(uint32_t idx) { return note("code_addr", idx, 0x4000'0000'0000 + idx); }

uint64_t address_of_memory(uint32_t) { return address_of(memory.data()); }
uint64_t value_of_map(uint64_t) { return address_of(memory.data()); }
uint64_t size_by_id(uint32_t id) { return note("size_by_id", id, size_of_memory); }
uint64_t size_by_map(uint64_t map) { return note("size_by_map", map, size_of_memory); }

class lddw : public c_api_test {
protected:
    lddw() {
        called.clear();
        memory.fill(7);
        size_of_memory = 0;
    }

    void set_all() {
        ASSERT_EQ(ebpf_set_lddw_helpers(vm(), map_by_fd, map_by_idx, map_val, var_addr, code_addr),
                  0);
    }

    /// r0 after one lddw, and what it took to get there.
    uint64_t value_of(const std::string &operand) {
        called.clear();
        load("lddw %r0, " + operand + "\nexit\nexit");
        return run(vm());
    }
};

// --- one callback per kind

TEST_F(lddw, plain_number_needs_no_callback) {
    set_all();
    EXPECT_EQ(value_of("0x8877665544332211"), 0x8877'6655'4433'2211U);
    EXPECT_EQ(value_of("-1"), UINT64_MAX);
    EXPECT_THAT(called, IsEmpty());
}

TEST_F(lddw, map_by_fd_has_its_callback) {
    set_all();
    EXPECT_EQ(value_of("map_by_fd(3)"), 0x1000'0000'0003U);
    EXPECT_THAT(called, ElementsAre(call{"map_by_fd", 3}));
    EXPECT_EQ(value_of("map_by_fd(4294967295)"), 0x1000'ffff'ffffU) << "ids are 32 bits, unsigned";
    EXPECT_THAT(called, ElementsAre(call{"map_by_fd", 0xffff'ffff}));
}

TEST_F(lddw, map_value_by_fd_has_two_callbacks_and_an_offset) {
    set_all();
    EXPECT_EQ(value_of("map_val(map_by_fd(3))+16"), 0x1100'0000'0003U + 16);
    EXPECT_THAT(called, ElementsAre(call{"map_by_fd", 3}, call{"map_val", 0x1000'0000'0003}));
}

TEST_F(lddw, variable_has_its_callback) {
    set_all();
    EXPECT_EQ(value_of("var_addr(5)"), 0x3000'0000'0005U);
    EXPECT_THAT(called, ElementsAre(call{"var_addr", 5}));
}

TEST_F(lddw, code_address_has_its_callback) {
    set_all();
    // RFC 9669, section 5.4: the immediate is a distance in slots; here from pc 1 to the second
    // exit.
    EXPECT_EQ(value_of("code_addr(+2)"), 0x4000'0000'0002U);
    EXPECT_THAT(called, ElementsAre(call{"code_addr", 2}));
}

TEST_F(lddw, map_by_index_has_its_callback) {
    set_all();
    EXPECT_EQ(value_of("map_by_idx(8)"), 0x2000'0000'0008U);
    EXPECT_THAT(called, ElementsAre(call{"map_by_idx", 8}));
}

TEST_F(lddw, map_value_by_index_has_two_callbacks_and_an_offset) {
    set_all();
    EXPECT_EQ(value_of("map_val(map_by_idx(8))+4"), 0x2100'0000'0008U + 4);
    EXPECT_THAT(called, ElementsAre(call{"map_by_idx", 8}, call{"map_val", 0x2000'0000'0008}));
}

TEST_F(lddw, all_kinds_in_one_program) {
    set_all();
    load(
        "lddw %r0, map_by_fd(1)\nlddw %r1, map_by_idx(2)\nlddw %r2, var_addr(3)\n"
        "lddw %r3, map_val(map_by_fd(4))\nlddw %r4, map_val(map_by_idx(5))\nlddw %r5, 6\n"
        "add %r0, %r1\nadd %r0, %r2\nadd %r0, %r3\nadd %r0, %r4\nadd %r0, %r5\nexit");
    EXPECT_EQ(run(vm()), 0x1000'0000'0001U + 0x2000'0000'0002U + 0x3000'0000'0003U +
                             0x1100'0000'0004U + 0x2100'0000'0005U + 6);
    EXPECT_EQ(called.size(), 7U);
}

TEST_F(lddw, same_object_twice_is_asked_for_as_often_as_it_is_named) {
    set_all();
    load("lddw %r0, map_by_fd(1)\nlddw %r1, map_by_fd(2)\nsub %r0, %r1\nexit");
    EXPECT_EQ(run(vm()), UINT64_MAX) << "each of them has its own value";
}

// --- when they are called

TEST_F(lddw, callbacks_are_called_before_the_first_run_and_then_never) {
    set_all();
    load("lddw %r0, var_addr(5)\nexit");
    EXPECT_THAT(called, IsEmpty()) << "loading asks for nothing";
    run(vm());
    EXPECT_EQ(called.size(), 1U);
    for (int i = 0; i < 10; ++i) run(vm());
    EXPECT_EQ(called.size(), 1U);
}

TEST_F(lddw, new_callbacks_give_new_values) {
    set_all();
    load("lddw %r0, var_addr(5)\nexit");
    EXPECT_EQ(run(vm()), 0x3000'0000'0005U);
    ASSERT_EQ(ebpf_set_lddw_helpers(vm(), nullptr, nullptr, nullptr, map_by_fd, nullptr), 0);
    EXPECT_EQ(run(vm()), 0x1000'0000'0005U);
}

TEST_F(lddw, callbacks_set_after_loading_count) {
    load("lddw %r0, var_addr(5)\nexit");
    set_all();
    EXPECT_EQ(run(vm()), 0x3000'0000'0005U);
}

uint64_t throw_up(uint32_t) { throw std::runtime_error("no such map"); }

TEST_F(lddw, callback_that_throws_is_an_error_and_no_more) {
    ASSERT_EQ(ebpf_set_lddw_helpers(vm(), throw_up, nullptr, nullptr, nullptr, nullptr), 0);
    load("lddw %r0, map_by_fd(5)\nexit");
    int64_t result = 0;
    EXPECT_EQ(ebpf_exec(vm(), nullptr, 0, &result), EBPF_ERROR_INTERNAL);
    EXPECT_THAT(ebpf_last_error(), HasSubstr("no such map"));
    set_all();
    EXPECT_EQ(run(vm()), 0x1000'0000'0005U);
}

// --- missing callbacks

struct missing_case {
    const char *name;
    const char *operand;
    const char *callback;
    uint64_t (*map_by_fd)(uint32_t);
    uint64_t (*map_by_idx)(uint32_t);
    uint64_t (*map_val)(uint64_t);
    uint64_t (*var_addr)(uint32_t);

    friend std::ostream &operator<<(std::ostream &out, const missing_case &c) {
        return out << c.name;
    }
};

const auto missing_cases = std::to_array<missing_case>({
    {"map_by_fd", "map_by_fd(3)", "map_by_fd", nullptr, map_by_idx, map_val, var_addr},
    {"map_by_idx", "map_by_idx(3)", "map_by_idx", map_by_fd, nullptr, map_val, var_addr},
    {"var_addr", "var_addr(3)", "var_addr", map_by_fd, map_by_idx, map_val, nullptr},
    {"map_of_value_by_fd", "map_val(map_by_fd(3))+0", "map_by_fd", nullptr, map_by_idx, map_val,
     var_addr},
    {"value_by_fd", "map_val(map_by_fd(3))+0", "map_val", map_by_fd, map_by_idx, nullptr, var_addr},
    {"map_of_value_by_idx", "map_val(map_by_idx(3))+0", "map_by_idx", map_by_fd, nullptr, map_val,
     var_addr},
    {"value_by_idx", "map_val(map_by_idx(3))+0", "map_val", map_by_fd, map_by_idx, nullptr,
     var_addr},
});

class missing_callback : public ::testing::TestWithParam<missing_case> {};

TEST_P(missing_callback, is_named) {
    const missing_case &c = GetParam();
    const auto vm = make_vm();
    ASSERT_EQ(
        ebpf_set_lddw_helpers(vm.get(), c.map_by_fd, c.map_by_idx, c.map_val, c.var_addr, nullptr),
        0);
    ASSERT_EQ(c_api::load(vm.get(), "mov %r1, 0\nlddw %r0, " + std::string{c.operand} + "\nexit"),
              0)
        << "loading needs no callbacks";
    int64_t result = 0;
    EXPECT_EQ(ebpf_exec(vm.get(), nullptr, 0, &result), EBPF_ERROR_UNRESOLVED);
    EXPECT_EQ(std::string{ebpf_last_error()}, "lddw needs the callback " + std::string{c.callback} +
                                                  ", which is not set at pc 1 (`lddw %r0, " +
                                                  c.operand +
                                                  "`): configure it with ebpf_set_lddw_helpers()");
}

INSTANTIATE_TEST_SUITE_P(c_api, missing_callback, ::testing::ValuesIn(missing_cases),
                         [](const auto &c) { return std::string{c.param.name}; });

// --- size companions

struct size_case {
    const char *name;
    const char *operand;
    call asked;  ///< what the companion is asked for

    friend std::ostream &operator<<(std::ostream &out, const size_case &c) { return out << c.name; }
};

class size_companion : public ::testing::TestWithParam<size_case> {
protected:
    size_companion() {
        called.clear();
        memory.fill(7);
        ebpf_set_lddw_helpers(vm_.get(), address_of_memory, address_of_memory, value_of_map,
                              address_of_memory, address_of_memory);
        ebpf_set_lddw_size_helpers(vm_.get(), size_by_id, size_by_id, size_by_map, size_by_id,
                                   size_by_id);
    }

    /// Loads a program with the lddw in r1, and `then`.
    void load(const std::string &then) {
        ASSERT_EQ(c_api::load(vm_.get(), "lddw %r1, " + std::string{GetParam().operand} + "\n" +
                                             then + "\nexit"),
                  0)
            << ebpf_last_error();
    }

    vm_ptr vm_ = make_vm();
};

TEST_P(size_companion, grants_reading_and_writing) {
    size_of_memory = 16;
    load("stb [%r1+15], 8\nldxb %r0, [%r1+15]");
    EXPECT_EQ(run(vm_.get()), 8U);
    EXPECT_THAT(called, ElementsAre(GetParam().asked));
}

TEST_P(size_companion, grants_no_byte_more) {
    size_of_memory = 16;
    load("ldxh %r0, [%r1+15]");
    EXPECT_EQ(place_of(run_to_fault(vm_.get())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 2, EBPF_REGION_GRANTED, 0, 15, 2}));
    load("ldxb %r0, [%r1+16]");
    EXPECT_EQ(place_of(run_to_fault(vm_.get())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 2, EBPF_REGION_NONE, 0, 0, 1}));
    load("stb [%r1-1], 1");
    EXPECT_EQ(place_of(run_to_fault(vm_.get())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_WRITE, 2, EBPF_REGION_NONE, 0, 0, 1}));
}

TEST_P(size_companion, of_0_grants_nothing) {
    size_of_memory = 0;
    load("ldxb %r0, [%r1]");
    EXPECT_EQ(place_of(run_to_fault(vm_.get())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 2, EBPF_REGION_NONE, 0, 0, 1}));
}

TEST_P(size_companion, that_is_not_set_grants_nothing) {
    ebpf_set_lddw_size_helpers(vm_.get(), nullptr, nullptr, nullptr, nullptr, nullptr);
    load("ldxb %r0, [%r1]");
    EXPECT_EQ(place_of(run_to_fault(vm_.get())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 2, EBPF_REGION_NONE, 0, 0, 1}));
    EXPECT_THAT(called, IsEmpty());
}

const auto size_cases = std::to_array<size_case>({
    {"map_by_fd", "map_by_fd(3)", {"size_by_id", 3}},
    {"map_by_idx", "map_by_idx(4)", {"size_by_id", 4}},
    {"var_addr", "var_addr(5)", {"size_by_id", 5}},
    {"code_addr", "code_addr(-1)", {"size_by_id", 0xffff'ffff}},
});
INSTANTIATE_TEST_SUITE_P(c_api, size_companion, ::testing::ValuesIn(size_cases),
                         [](const auto &c) { return std::string{c.param.name}; });

TEST_F(lddw, size_of_a_map_value_is_asked_of_the_map_and_counts_from_its_start) {
    for (const char *const operand : {"map_val(map_by_fd(3))+8", "map_val(map_by_idx(3))+8"}) {
        called.clear();
        size_of_memory = 16;
        ASSERT_EQ(ebpf_set_lddw_helpers(vm(), address_of_memory, address_of_memory, value_of_map,
                                        nullptr, nullptr),
                  0);
        ASSERT_EQ(ebpf_set_lddw_size_helpers(vm(), nullptr, nullptr, size_by_map, nullptr, nullptr),
                  0);
        const auto with = [&](const char *then) {
            load("lddw %r1, " + std::string{operand} + "\n" + then + "\nexit");
        };
        with("ldxb %r0, [%r1-8]");
        EXPECT_EQ(run(vm()), 7U) << "the value begins before the offset";
        EXPECT_THAT(called, ElementsAre(call{"size_by_map", address_of(memory.data())}));
        with("ldxb %r0, [%r1+7]");
        EXPECT_EQ(run(vm()), 7U);
        with("ldxb %r0, [%r1+8]");
        EXPECT_EQ(run_to_fault(vm()).region, uint32_t{EBPF_REGION_NONE});
    }
}

// --- function addresses without a callback

class handles : public c_api_test {};

TEST_F(handles, are_what_callx_calls) {
    load(
        "lddw %r6, code_addr(f)\nmov %r1, 20\ncallx %r6\nadd %r0, 1\nexit\nf: mov %r0, %r1\n"
        "add %r0, %r0\nexit");
    EXPECT_EQ(run(vm()), 41U);
}

TEST_F(handles, are_the_same_in_every_process) {
    load("lddw %r0, code_addr(f)\nexit\nf: exit");
    EXPECT_EQ(run(vm()), 0xebfc'0000'0000'0003U);
}

TEST_F(handles, are_no_memory) {
    load("lddw %r1, code_addr(f)\nldxb %r0, [%r1]\nexit\nf: exit");
    EXPECT_EQ(place_of(run_to_fault(vm())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 2, EBPF_REGION_NONE, 0, 0, 1}));
}

TEST_F(handles, of_both_encodings_of_callx) {
    // GCC and LLVM >= 19.1 name the register in dst, older LLVM in imm.
    for (const bool in_imm : {false, true}) {
        auto code = assemble("lddw %r6, code_addr(f)\ncallx %r6\nexit\nf: mov %r0, 9\nexit");
        uint8_t *const callx = code.data() + 2 * 8;
        ASSERT_EQ(callx[0], 0x8d);
        callx[1] = in_imm ? 0 : 6;
        callx[4] = in_imm ? 6 : 0;
        ASSERT_EQ(ebpf_load(vm(), code.data(), static_cast<uint32_t>(code.size()), nullptr), 0)
            << ebpf_last_error();
        EXPECT_EQ(run(vm()), 9U);
    }
}

TEST_F(handles, may_be_a_helper_id) {
    ASSERT_EQ(ebpf_register(
                  vm(), 0xffff'ffff, "f",
                  +[](uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) { return r1 + 1; }),
              0);
    load("mov32 %r6, -1\nmov %r1, 8\ncallx %r6\nexit");
    EXPECT_EQ(run(vm()), 9U);
    load("mov %r6, -1\nmov %r1, 8\ncallx %r6\nexit");
    const ebpf_fault fault = run_to_fault(vm());
    EXPECT_EQ(place_of(fault), (place{EBPF_FAULT_BAD_CALL_TARGET, 2}))
        << "2^64 - 1 is no helper id";
    EXPECT_EQ(fault.address, UINT64_MAX);
}

TEST_F(handles, of_nothing_are_faults) {
    for (const char *const value :
         {"0", "1", "4", "0xebfc000000000001", "0xebfc000000000003", "0xebfc000000000004",
          "0xebfc000000000006", "0xebfc000000000007", "0xebfc0000ffffffff", "0xebfc000100000004",
          "0xebfd000000000004", "0xffffffffffffffff"}) {
        load("lddw %r6, " + std::string{value} +
             "\ncallx %r6\nexit\nf: lddw %r1, code_addr(f)\nexit");
        EXPECT_EQ(place_of(run_to_fault(vm())), (place{EBPF_FAULT_BAD_CALL_TARGET, 2})) << value;
    }
}

TEST_F(handles, of_the_program_itself_recurse_until_the_stack_ends) {
    load("lddw %r6, 0xebfc000000000000\ncallx %r6\nexit");
    EXPECT_EQ(place_of(run_to_fault(vm())), (place{EBPF_FAULT_CALL_DEPTH_EXCEEDED, 2}));
}

TEST_F(handles, of_functions_that_nothing_refers_to_are_faults) {
    // f is a function of the program, but the reachable code has no way to it: its helper was never
    // resolved.
    load("lddw %r6, 0xebfc000000000006\ncallx %r6\nexit\ncall local f\nexit\nf: call 12345\nexit");
    EXPECT_EQ(run_to_fault(vm()).kind, uint32_t{EBPF_FAULT_BAD_CALL_TARGET});
}

TEST_F(handles, of_jumps_go_where_the_jump_table_says) {
    const uint32_t targets[] = {4, 6};
    ASSERT_EQ(ebpf_set_jump_targets(vm(), targets, 2), 0);
    const auto jump_to = [&](const char *target) {
        load("lddw %r1, " + std::string{target} +
             "\ngotox %r1\nexit\nmov %r0, 1\nexit\nmov %r0, 2\nexit");
    };
    jump_to("0xebfc000000000004");
    EXPECT_EQ(run(vm()), 1U);
    jump_to("0xebfc000000000006");
    EXPECT_EQ(run(vm()), 2U);
    for (const char *const bad :
         {"0xebfc000000000005", "0xebfc000000000000", "4", "0", "0xebfc000000000009"}) {
        jump_to(bad);
        EXPECT_EQ(place_of(run_to_fault(vm())), (place{EBPF_FAULT_BAD_JUMP_TARGET, 2})) << bad;
    }
}

TEST_F(handles, of_jumps_need_a_jump_table) {
    EXPECT_THAT(refusal_of(vm(), "lddw %r1, 0\ngotox %r1"),
                HasSubstr("gotox is not supported without a jump table: give its entries with "
                          "ebpf_set_jump_targets()"));
}

}  // namespace
