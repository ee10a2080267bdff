// bpftime-vm: callx, gotox and the unwind helper: control that goes where a register says
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "program/program.hpp"
#include "vm_fixture.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>

namespace bpftime::vm::test {

namespace {

/// Programs here find the value to go to in the first word of their memory.
class indirect : public vm_fixture {
protected:
    uint64_t result_with(uint64_t value) {
        std::vector<uint64_t> memory{value};
        return result(memory_of(memory));
    }

    /// The value must not be callable or a place to jump to; the fault reports it.
    void expect_bad(fault_kind kind, uint32_t pc, uint64_t value) {
        std::vector<uint64_t> memory{value};
        EXPECT_EQ(fault(memory_of(memory)), (fault_place{.kind = kind, .pc = pc}))
            << std::hex << value;
        EXPECT_EQ(compat::last_fault().address, value);
    }

    int set_jump_targets(std::vector<uint32_t> pcs) {
        return vm().set_jump_targets(pcs.data(), pcs.size());
    }
};

// --- callx

constexpr std::string_view call_what_memory_says = R"(
    ldxdw r6, [r1]
    mov r1, 7
    mov r2, 0
    mov r3, 0
    mov r4, 0
    mov r5, 0
    call r6
    add r0, 100
    exit
    f: mov r0, 1
    add r0, r1
    exit
    lddw r0, code_addr(f)
    exit
    g: lddw r0, code_addr(g)
    exit)";
constexpr uint32_t callx_pc = 6, f_pc = 9, after_f_pc = 12, g_pc = 15;

// f is reached by the handle that main really takes; the code after f's exit is dead, and g is only
// named by dead code.
std::string with_f_taken() {
    return "lddw r9, code_addr(f)\n" + std::string{call_what_memory_says};
}
constexpr uint32_t shift = 2;  // slots of that lddw

TEST_P(indirect, callx_calls_a_local_function_by_its_handle) {
    load(with_f_taken());
    EXPECT_EQ(result_with(code_handle(f_pc + shift)), 108U);
    load("lddw r6, code_addr(f)\nmov r1, 20\ncallx r6\nexit\nf: mov r0, r1\nexit");
    EXPECT_EQ(result(), 20U) << "with the register in imm";
}

TEST_P(indirect, callx_calls_a_registered_helper_by_its_id) {
    load(call_what_memory_says);
    EXPECT_EQ(result_with(1), 107U);
    EXPECT_EQ(result_with(2), 107U);
    EXPECT_EQ(result_with(3), 100U);
    ASSERT_EQ(vm().register_external_function(
                  0xffffffff, "last",
                  [](uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) { return 2 * r1; }),
              0);
    EXPECT_EQ(result_with(0xffffffff), 114U);
}

TEST_P(indirect, callx_of_an_unregistered_helper_faults) {
    load(call_what_memory_says);
    expect_bad(fault_kind::bad_call_target, callx_pc, 4);
    expect_bad(fault_kind::bad_call_target, callx_pc, 0xffffffff);
    ASSERT_EQ(vm().unregister_external_function(2), 0);
    expect_bad(fault_kind::bad_call_target, callx_pc, 2);
}

TEST_P(indirect, callx_of_garbage_faults) {
    load(with_f_taken());
    const uint32_t pc = callx_pc + shift;
    for (const uint64_t value :
         {uint64_t{0}, ~uint64_t{0}, uint64_t{1} << 32 | 1, uint64_t{1} << 63,
          uint64_t{reinterpret_cast<uintptr_t>(&callx_pc)}, uint64_t{code_handle(0) >> 1}}) {
        expect_bad(fault_kind::bad_call_target, pc, value);
    }
}

TEST_P(indirect, callx_of_a_forged_handle_faults) {
    load(with_f_taken());
    const uint32_t pc = callx_pc + shift;
    for (const uint32_t target : {1U, f_pc + shift + 1, f_pc + shift - 1, after_f_pc + shift,
                                  g_pc + shift + 1, 100U, 0xffffffffU}) {
        expect_bad(fault_kind::bad_call_target, pc, code_handle(target));
    }
    expect_bad(fault_kind::bad_call_target, pc, code_handle(f_pc + shift) ^ uint64_t{1} << 32);
}

TEST_P(indirect, callx_of_a_function_that_only_dead_code_names_faults) {
    load(with_f_taken());
    expect_bad(fault_kind::bad_call_target, callx_pc + shift, code_handle(g_pc + shift));
    load(call_what_memory_says);  // here nothing but dead code names f
    expect_bad(fault_kind::bad_call_target, callx_pc, code_handle(f_pc));
}

TEST_P(indirect, entry_function_is_callable_by_its_handle) {
    // Runs with r1 = 0 first; calls itself with 1, 2 and 3.
    load(fmt::format(
        "jeq r1, 3, out\nadd r1, 1\nmov r6, r1\nlddw r2, {:#x}\ncall r2\nadd r0, r6\nexit\n"
        "out: mov r0, 10\nexit",
        code_handle(0)));
    EXPECT_EQ(result(), 16U);
}

TEST_P(indirect, callx_in_either_encoding_takes_every_register) {
    for (int reg = 0; reg < 10; ++reg) {
        for (const std::string_view mnemonic : {"call", "callx"}) {
            if (reg == 0 and mnemonic == "callx")
                continue;  // not encodable: imm 0 means the register in dst
            load(fmt::format("lddw r{0}, code_addr(f)\n{1} r{0}\nexit\nf: mov r0, 5\nexit", reg,
                             mnemonic));
            EXPECT_EQ(result(), 5U) << mnemonic << " r" << reg;
        }
    }
    load("callx r10\nexit");
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::bad_call_target, .pc = 0}));
}

TEST_P(indirect, callx_nests_only_so_deep) {
    load("call local f\nexit\nf: lddw r2, code_addr(f)\ncall r2\nexit");
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::call_depth_exceeded, .pc = 4}));
}

TEST_P(indirect, handles_survive_memory_and_arithmetic) {
    load(R"(
        lddw r6, code_addr(f)
        stxdw [r10-8], r6
        ldxw r2, [r10-8]
        ldxw r3, [r10-4]
        lsh r3, 32
        or r3, r2
        call r3
        exit
        f: mov r0, 3
        exit)");
    EXPECT_EQ(result(), 3U);
}

TEST_P(indirect, handle_is_no_address) {
    load("lddw r1, code_addr(f)\nldxb r0, [r1]\nexit\nf: mov r0, 0\nexit");
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::out_of_bounds_read, .pc = 2, .size = 1}));
}

// --- the unwind helper

TEST_P(indirect, unwind_helper_ends_the_whole_run_when_it_returns_0) {
    constexpr std::string_view text = R"(
        mov r6, r1
        ldxdw r1, [r1]
        call local f
        stdw [r6+8], 1
        mov r0, 5
        exit
        f: call local g
        add r0, 1
        exit
        g: {} 5
        mov r0, 9
        exit)";
    for (const bool direct : {true, false}) {
        load(direct ? fmt::format(fmt::runtime(text), "call")
                    : fmt::format(fmt::runtime(text), "mov r6, 5\ncall r6\nmov r6,"));
        std::vector<uint64_t> memory{0, 0};
        EXPECT_EQ(result(memory_of(memory)), 0U);
        EXPECT_EQ(memory[1], 0U) << "nothing runs after it";
        memory = {1, 0};
        EXPECT_EQ(result(memory_of(memory)), 5U);
        EXPECT_EQ(memory[1], 1U);
    }
    EXPECT_EQ((load("mov r1, 0\ncall 3\nadd r0, 4\nexit"), result()), 4U)
        << "other helpers may return 0";
}

// --- gotox

// Each place that the tests jump to gives its own pc.
constexpr std::string_view jump_where_memory_says = R"(
    ldxdw r2, [r1]
    gotox r2
    mov r0, 2
    exit
    mov r0, 4
    exit
    lddw r0, 6
    exit
    mov r0, 9
    call local f
    exit
    f: mov r0, 12
    exit)";
constexpr uint32_t gotox_pc = 1;

TEST_P(indirect, gotox_goes_where_its_table_says) {
    ASSERT_EQ(set_jump_targets({9, 2, 4, 2, 6}), 0);
    load(jump_where_memory_says);
    EXPECT_EQ(result_with(code_handle(2)), 2U);
    EXPECT_EQ(result_with(code_handle(4)), 4U);
    EXPECT_EQ(result_with(code_handle(6)), 6U);
    EXPECT_EQ(result_with(code_handle(9)), 12U);
}

TEST_P(indirect, gotox_goes_nowhere_else) {
    ASSERT_EQ(set_jump_targets({2, 4, 12}), 0);
    load(jump_where_memory_says);
    // In the program but not in the table; the table's place in another function; out of the
    // program; no handles.
    for (const uint64_t value :
         {code_handle(0), code_handle(1), code_handle(3), code_handle(6), code_handle(7),
          code_handle(12), code_handle(11), code_handle(1000), code_handle(0xffffffff), uint64_t{0},
          uint64_t{2}, uint64_t{4}, ~uint64_t{0}, code_handle(2) ^ uint64_t{1} << 32,
          code_handle(2) << 1}) {
        expect_bad(fault_kind::bad_jump_target, gotox_pc, value);
    }
    EXPECT_EQ(result_with(code_handle(4)), 4U);
}

TEST_P(indirect, gotox_without_a_table_is_refused) {
    load(jump_where_memory_says);
    expect_refusal(EBPF_ERROR_UNSUPPORTED, "gotox is not supported without a jump table");
    ASSERT_EQ(set_jump_targets({12}), 0);  // another function's
    load(jump_where_memory_says);
    expect_refusal(EBPF_ERROR_UNSUPPORTED, "gotox is not supported without a jump table");
}

TEST_P(indirect, jump_table_is_checked_when_the_program_is_loaded) {
    const auto code = assemble(jump_where_memory_says);
    for (const uint32_t bad : {7U, 14U, 0xffffffffU}) {
        ASSERT_EQ(set_jump_targets({2, bad}), 0);
        EXPECT_EQ(vm().load_code(code.data(), code.size()), EBPF_ERROR_INVALID_PROGRAM);
        EXPECT_THAT(vm().error_message(),
                    testing::HasSubstr(fmt::format("jump table entry {}", bad)));
    }
}

TEST_P(indirect, every_register_can_be_gone_to) {
    for (int reg = 0; reg < 10; ++reg) {
        ASSERT_EQ(set_jump_targets({4}), 0);
        load(fmt::format("lddw r{0}, {1:#x}\ngotox r{0}\nexit\nmov r0, 6\nexit", reg,
                         code_handle(4)));
        EXPECT_EQ(result(), 6U) << reg;
    }
    ASSERT_EQ(set_jump_targets({1}), 0);
    load("gotox r10\nexit");
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::bad_jump_target, .pc = 0}));
}

TEST_P(indirect, gotox_keeps_all_registers) {
    ASSERT_EQ(set_jump_targets({12}), 0);
    load(fmt::format(R"(
        mov r0, 1
        mov r1, 2
        mov r3, 3
        mov r4, 4
        mov r5, 5
        mov r6, 6
        mov r7, 7
        mov r8, 8
        lddw r9, {:#x}
        gotox r9
        exit
        sub r0, r1
        add r0, r3
        add r0, r4
        add r0, r5
        add r0, r6
        add r0, r7
        add r0, r8
        exit)",
                     code_handle(12)));
    EXPECT_EQ(result(), 1U - 2 + 3 + 4 + 5 + 6 + 7 + 8);
}

TEST_P(indirect, gotox_backwards_is_charged_as_a_loop) {
    ASSERT_EQ(set_jump_targets({3}), 0);
    const std::string text = fmt::format(
        "mov r3, 0\nlddw r2, {:#x}\nadd r3, 1\nstxdw [r1], r3\ngotox r2", code_handle(3));
    const auto p = program::load(assemble(text), {.jump_targets = {3}});
    ASSERT_TRUE(p);
    const uint64_t weight = p->loop_weight(3);
    EXPECT_EQ(weight, 3U);
    load(text);
    for (uint64_t limit = 1; limit < 20; ++limit) {
        set_limit(vm_limit::instructions, limit);
        std::vector<uint64_t> memory(1);
        EXPECT_EQ(fault(memory_of(memory)),
                  (fault_place{.kind = fault_kind::instruction_limit, .pc = 5}));
        EXPECT_EQ(memory[0], limit / weight + 1);
    }
}

// A table for each of them would need memory that grows with the square of the program's size.
TEST_P(indirect, many_gotox_with_many_targets) {
    constexpr uint32_t places = 100;
    constexpr uint32_t slots_of_a_place = 3;
    std::string text;
    std::vector<uint32_t> targets;
    for (uint32_t place = 0; place < places; ++place) {
        text += "ldxdw r2, [r1]\nadd r1, 8\ngotox r2\n";
        targets.push_back(place * slots_of_a_place);
    }
    targets.push_back(places * slots_of_a_place);
    ASSERT_EQ(set_jump_targets(targets), 0);
    load(text + "mov r0, r1\nexit");
    // From place to place, each once, forwards and backwards; then to the end.
    std::vector<uint64_t> memory(places);
    for (uint32_t step = 1; step < places; ++step)
        memory[step - 1] = code_handle(step * 37 % places * slots_of_a_place);
    memory.back() = code_handle(places * slots_of_a_place);
    const auto begin = reinterpret_cast<uint64_t>(memory.data());
    EXPECT_EQ(result(memory_of(memory)) - begin, 8 * places);
    for (uint32_t step = 0; step < places; ++step) {
        const uint64_t right = memory[step];
        memory[step] = right + 1;
        const uint32_t place = step * 37 % places;
        EXPECT_EQ(fault(memory_of(memory)), (fault_place{.kind = fault_kind::bad_jump_target,
                                                         .pc = place * slots_of_a_place + 2}));
        memory[step] = right;
    }
}

TEST_P(indirect, gotox_forwards_costs_nothing) {
    ASSERT_EQ(set_jump_targets({2, 4}), 0);
    load(jump_where_memory_says);
    set_limit(vm_limit::instructions, 1);
    EXPECT_EQ(result_with(code_handle(4)), 4U);
}

TEST_P(indirect, gotox_in_a_callee_stays_there) {
    ASSERT_EQ(set_jump_targets({2, 8}), 0);
    load(fmt::format(
        "call local f\nexit\nmov r0, 1\nexit\nf: lddw r2, {:#x}\ngotox r2\nexit\nmov r0, 8\nexit",
        code_handle(8)));
    EXPECT_EQ(result(), 8U);
    load(fmt::format(
        "call local f\nexit\nmov r0, 1\nexit\nf: lddw r2, {:#x}\ngotox r2\nexit\nmov r0, 8\nexit",
        code_handle(2)));
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::bad_jump_target, .pc = 6}));
}

// --- what no engine has a meaning for yet

TEST_P(indirect, kernel_functions_and_address_spaces_are_refused_by_name) {
    load("mov r0, 0\ncall kfunc 55\nexit");
    expect_refusal(EBPF_ERROR_UNSUPPORTED,
                   "call of kernel function with BTF id 55 is not supported");
    load("addr_space_cast r1, r2, 0, 1\nexit");
    expect_refusal(EBPF_ERROR_UNSUPPORTED, "addr_space_cast needs an arena");
    load("mov r0, 6\nexit\ncall kfunc 55\nexit");
    EXPECT_EQ(result(), 6U) << "dead code";
}

/// So many that code for each way from one to another would be too much.
TEST_P(indirect, gotox_between_many_places_keeps_state_and_place) {
    constexpr uint32_t places = 40, first = 6, slots = 8;
    std::string text = "mov r0, 0\nmov r6, r10\nadd r6, -8\nldxdw r2, [r1]\nadd r1, 8\ngotox r2\n";
    std::vector<uint32_t> targets;
    for (uint32_t i = 0; i <= places; ++i) targets.push_back(first + slots * i);
    for (uint32_t i = 0; i < places; ++i) {
        text += fmt::format(
            "mul r0, 31\nadd r0, {}\nldxdw r3, [r6]\nadd r3, 1\nstxdw [r10-8], r3\n"
            "ldxdw r2, [r1]\nadd r1, 8\ngotox r2\n",
            i);
    }
    text += "ldxdw r3, [r6]\nadd r0, r3\nexit";
    ASSERT_EQ(vm().set_jump_targets(targets.data(), targets.size()), EBPF_OK);
    load(text);

    std::vector<uint64_t> way;
    uint64_t expected = 0;
    for (uint32_t n = 0; n < 200; ++n) {
        const uint32_t place = n * 17 % places;
        way.push_back(code_handle(targets[place]));
        expected = expected * 31 + place;
    }
    way.push_back(code_handle(targets[places]));
    EXPECT_EQ(result(memory_of(way)), expected + 200);

    way[150] = code_handle(first + 1);
    const uint32_t last = 149 * 17 % places;
    EXPECT_EQ(fault(memory_of(way)), (fault_place{.kind = fault_kind::bad_jump_target,
                                                  .pc = first + slots * last + slots - 1}));
}

/// Compiling takes time for each gotox and for each target, not for each pair of them.
TEST_P(indirect, thousands_of_gotox_with_thousands_of_targets_are_ready_soon) {
    constexpr uint32_t places = 4'000;
    std::string text;
    std::vector<uint32_t> targets;
    for (uint32_t i = 0; i < places; ++i) {
        targets.push_back(2 * i);
        text += "add r0, 1\ngotox r3\n";
    }
    ASSERT_EQ(vm().set_jump_targets(targets.data(), targets.size()), EBPF_OK);
    load(text + "exit");
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::bad_jump_target, .pc = 1}));
}

INSTANTIATE_TEST_SUITE_P(all, indirect, testing::ValuesIn(engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(proving, indirect, testing::ValuesIn(proving_engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(barring, indirect, testing::ValuesIn(barring_engines()), engine_name{});

}  // namespace

}  // namespace bpftime::vm::test
