// bpftime-vm: one named test for each way in which userspace eBPF machines are known to have failed
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "code_builder.hpp"
#include "records.hpp"
#include "vm_fixture.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <random>
#include <thread>

namespace bpftime::vm::test {

namespace {

using testing::Each;
using testing::HasSubstr;

class lessons : public vm_fixture {
protected:
    /// Loading must fail as an invalid program, for this reason.
    void expect_invalid(std::span<const uint8_t> code, std::string_view reason) {
        EXPECT_EQ(vm().load_code(code.data(), code.size()), EBPF_ERROR_INVALID_PROGRAM) << reason;
        EXPECT_THAT(vm().error_message(), HasSubstr(std::string{reason}));
    }
    void expect_invalid(std::string_view assembly, std::string_view reason) {
        expect_invalid(assemble(assembly), reason);
    }

    /// r0 of `assembly` on memory that holds `words`.
    uint64_t value_of(std::string_view assembly, std::vector<uint64_t> words = {}) {
        load(assembly);
        return result(memory_of(words));
    }
};

constexpr uint64_t smallest64 = uint64_t{1} << 63;
constexpr uint64_t smallest32 = 0x80000000;
constexpr uint64_t minus(uint64_t n) { return 0 - n; }

// --- addresses

TEST_P(lessons, address_plus_size_does_not_wrap_around) {
    for (const std::string_view load_insn : {"ldxb", "ldxh", "ldxw", "ldxdw"}) {
        const uint64_t size = load_insn == "ldxb"   ? 1
                              : load_insn == "ldxh" ? 2
                              : load_insn == "ldxw" ? 4
                                                    : 8;
        load(fmt::format("ldxdw r2, [r1]\n{} r0, [r2]\nexit", load_insn));
        for (uint64_t below_end = 1; below_end <= 9; ++below_end) {
            std::vector<uint64_t> memory{minus(below_end)};
            EXPECT_EQ(fault(memory_of(memory)),
                      (fault_place{.kind = fault_kind::out_of_bounds_read, .pc = 1, .size = size}));
        }
    }
}

TEST_P(lessons, displacement_that_wraps_to_address_zero_faults) {
    load("ldxdw r2, [r1]\nstdw [r2+8], 1\nexit");
    for (const uint64_t base : {minus(8), minus(7), minus(4), minus(1)}) {
        std::vector<uint64_t> memory{base};
        EXPECT_EQ(fault(memory_of(memory)),
                  (fault_place{.kind = fault_kind::out_of_bounds_write, .pc = 1, .size = 8}));
    }
    load("mov r2, 0\nldxb r0, [r2-1]\nexit");
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::out_of_bounds_read, .pc = 1, .size = 1}));
}

TEST_P(lessons, address_arithmetic_that_wraps_back_is_legal) {
    EXPECT_EQ(value_of("lddw r2, 0x8000000000000000\nadd r1, r2\nadd r1, r2\nadd r1, -4096\n"
                       "ldxdw r0, [r1+4096]\nexit",
                       {42}),
              42U);
}

TEST_P(lessons, memory_argument_that_wraps_is_refused) {
    ebpf_helper helper{};
    helper.id = 9;
    helper.fn = [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t { return 1; };
    helper.arguments[0].kind = EBPF_ARG_MEMORY_READ;
    helper.arguments[1].kind = EBPF_ARG_MEMORY_SIZE;
    ASSERT_EQ(vm().register_helper(helper), 0);
    load("ldxdw r2, [r1]\ncall 9\nexit");
    for (const uint64_t size : {0U, 1U, 8U}) {
        std::vector<uint64_t> memory{size};
        EXPECT_EQ(result(memory_of(memory)), 1U);
    }
    for (const uint64_t size : {uint64_t{9}, ~uint64_t{0}, minus(8), smallest64}) {
        std::vector<uint64_t> memory{size};
        EXPECT_EQ(fault(memory_of(memory)), (fault_place{.kind = fault_kind::out_of_bounds_read,
                                                         .pc = 1,
                                                         .region = region_kind::input,
                                                         .size = size}));
    }
}

TEST_P(lessons, memory_of_a_run_that_wraps_is_refused) {
    load("mov r0, 0\nexit");
    uint8_t byte = 0;
    int64_t r0 = 0;
    EXPECT_EQ(vm().exec(&byte, SIZE_MAX, r0), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(vm().exec(nullptr, 1, r0), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(vm().register_region(&byte, SIZE_MAX, EBPF_PERM_READ), EBPF_ERROR_INVALID_ARGUMENT);
}

// --- division

TEST_P(lessons, division_by_an_opaque_zero_is_zero) {
    for (const std::string_view op : {"div", "sdiv", "div32", "sdiv32"}) {
        const auto text = fmt::format("ldxdw r0, [r1]\nldxdw r2, [r1+8]\n{} r0, r2\nexit", op);
        EXPECT_EQ(value_of(text, {77, 0}), 0U) << op;
        EXPECT_EQ(value_of(fmt::format("ldxdw r0, [r1]\n{} r0, 0\nexit", op), {77}), 0U) << op;
    }
    // Zero on the bits that count, garbage above.
    EXPECT_EQ(value_of("ldxdw r0, [r1]\nldxdw r2, [r1+8]\ndiv32 r0, r2\nexit", {77, 0x5'0000'0000}),
              0U);
    EXPECT_EQ(
        value_of("ldxdw r0, [r1]\nldxdw r2, [r1+8]\nsdiv32 r0, r2\nexit", {77, 0x5'0000'0000}), 0U);
}

TEST_P(lessons, modulo_by_an_opaque_zero_is_the_dividend) {
    for (const std::string_view op : {"mod", "smod", "mod32", "smod32"}) {
        const auto text = fmt::format("ldxdw r0, [r1]\nldxdw r2, [r1+8]\n{} r0, r2\nexit", op);
        const bool narrow = op.ends_with("32");
        const uint64_t dividend = 0x7'0000'0077;
        EXPECT_EQ(value_of(text, {dividend, 0}), narrow ? 0x77 : dividend) << op;
        EXPECT_EQ(value_of(fmt::format("ldxdw r0, [r1]\n{} r0, 0\nexit", op), {dividend}),
                  narrow ? 0x77 : dividend);
    }
}

TEST_P(lessons, smallest_number_divided_by_minus_one_does_not_trap) {
    const auto both = [](std::string_view op) {
        return fmt::format("ldxdw r0, [r1]\nldxdw r2, [r1+8]\n{} r0, r2\nexit", op);
    };
    EXPECT_EQ(value_of(both("sdiv"), {smallest64, minus(1)}), smallest64);
    EXPECT_EQ(value_of(both("smod"), {smallest64, minus(1)}), 0U);
    EXPECT_EQ(value_of(both("sdiv32"), {smallest32, 0xffffffff}), smallest32);
    EXPECT_EQ(value_of(both("smod32"), {smallest32, 0xffffffff}), 0U);
    EXPECT_EQ(value_of("ldxdw r0, [r1]\nsdiv r0, -1\nexit", {smallest64}), smallest64);
    EXPECT_EQ(value_of("ldxdw r0, [r1]\nsmod r0, -1\nexit", {smallest64}), 0U);
    EXPECT_EQ(value_of("ldxdw r0, [r1]\nsdiv32 r0, -1\nexit", {smallest32}), smallest32);
    EXPECT_EQ(value_of("ldxdw r0, [r1]\nsmod32 r0, -1\nexit", {smallest32}), 0U);
}

TEST_P(lessons, divisor_of_two_to_the_32_keeps_its_upper_half) {
    const auto both = [](std::string_view op) {
        return fmt::format("ldxdw r0, [r1]\nldxdw r2, [r1+8]\n{} r0, r2\nexit", op);
    };
    const uint64_t divisor = uint64_t{1} << 32;
    EXPECT_EQ(value_of(both("sdiv"), {minus(7) << 32 | 5, divisor}), minus(6));
    EXPECT_EQ(value_of(both("div"), {7 * divisor + 5, divisor}), 7U);
    EXPECT_EQ(value_of(both("smod"), {minus(7 * divisor + 5), divisor}), minus(5));
    EXPECT_EQ(value_of(both("mod"), {7 * divisor + 5, divisor}), 5U);
}

TEST_P(lessons, signed_division_and_sign_extension_are_not_their_plain_siblings) {
    const auto both = [](std::string_view op) {
        return fmt::format("ldxdw r0, [r1]\nldxdw r2, [r1+8]\n{} r0, r2\nexit", op);
    };
    EXPECT_EQ(value_of(both("sdiv"), {minus(13), 3}), minus(4));
    EXPECT_EQ(value_of(both("smod"), {minus(13), 3}), minus(1));
    EXPECT_EQ(value_of(both("smod"), {13, minus(3)}), 1U);
    EXPECT_EQ(value_of(both("sdiv32"), {0xfffffff3, 3}), 0xfffffffcU);
    EXPECT_EQ(value_of(both("smod32"), {0xfffffff3, 3}), 0xffffffffU);
    EXPECT_EQ(value_of("ldxdw r2, [r1]\nmovsx864 r0, r2\nexit", {0x1234'56f0}), minus(16));
    EXPECT_EQ(value_of("ldxdw r2, [r1]\nmovsx1664 r0, r2\nexit", {0x1234'8000}), minus(0x8000));
    EXPECT_EQ(value_of("ldxdw r2, [r1]\nmovsx3264 r0, r2\nexit", {0x5'8000'0000}),
              minus(smallest32));
    EXPECT_EQ(value_of("ldxdw r2, [r1]\nmovsx832 r0, r2\nexit", {minus(1) << 8 | 0x80}),
              0xffffff80U);
    EXPECT_EQ(value_of("ldxdw r2, [r1]\nmovsx1632 r0, r2\nexit", {minus(1) << 16 | 0x8000}),
              0xffff8000U);
}

// --- frames

TEST_P(lessons, callees_frame_does_not_overlap_its_callers) {
    std::string fill_and_check;
    for (int at = 8; at <= EBPF_STACK_SIZE; at += 8)
        fill_and_check += fmt::format("stdw [r10-{}], {}\n", at, at);
    fill_and_check += "call local f\nmov r0, 0\n";
    for (int at = 8; at <= EBPF_STACK_SIZE; at += 8) {
        fill_and_check += fmt::format("ldxdw r1, [r10-{}]\nxor r1, {}\nor r0, r1\n", at, at);
    }
    std::string callee = "exit\nf:\n";
    for (int at = 8; at <= EBPF_STACK_SIZE; at += 8)
        callee += fmt::format("stdw [r10-{}], -1\n", at);
    EXPECT_EQ(value_of(fill_and_check + callee + "exit"), 0U);
}

TEST_P(lessons, every_nested_frame_keeps_its_own_bytes) {
    // Each level writes its depth to its whole frame, calls the next one, and checks its frame when
    // that has returned.
    std::string text = "mov r1, 1\ncall local f\nexit\nf: mov r6, r1\n";
    for (int at = 8; at <= EBPF_STACK_SIZE; at += 8)
        text += fmt::format("stxdw [r10-{}], r6\n", at);
    text +=
        fmt::format("mov r0, 0\njeq r6, {}, check\nmov r1, r6\nadd r1, 1\ncall local f\ncheck:\n",
                    EBPF_CALL_DEPTH - 1);
    for (int at = 8; at <= EBPF_STACK_SIZE; at += 8) {
        text += fmt::format("ldxdw r1, [r10-{}]\nxor r1, r6\nor r0, r1\n", at);
    }
    EXPECT_EQ(value_of(text + "exit"), 0U);
}

TEST_P(lessons, recursion_without_end_is_stopped) {
    load("call local f\nexit\nf: call local f\nexit");
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::call_depth_exceeded, .pc = 2}));
    set_limit(vm_limit::instructions, 0);
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::call_depth_exceeded, .pc = 2}));
}

TEST_P(lessons, mutual_recursion_through_many_functions_is_stopped) {
    load("f0: call local f1\nexit\nf1: call local f2\nexit\nf2: call local f1\nexit");
    // Frames: f0 at depth 0, then f1, f2, f1, ...: the last of EBPF_CALL_DEPTH (even) is f1.
    static_assert(EBPF_CALL_DEPTH % 2 == 0);
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::call_depth_exceeded, .pc = 2}));
}

// --- control flow

TEST_P(lessons, jump_out_of_the_program_is_refused) {
    expect_invalid("ja +1\nexit", "jump target 2 outside the program of 2");
    expect_invalid("ja -2\nexit", "jump target -1 outside the program of 2");
    expect_invalid("jeq r0, 0, +1\nexit", "jump target 2 outside the program of 2");
    expect_invalid("jslt32 r0, r1, -32768\nexit", "jump target -32767 outside");
    expect_invalid("ja32 +2147483647\nexit", "jump target 2147483648 outside");
    expect_invalid("ja32 -2147483648\nexit", "jump target -2147483647 outside");
    expect_invalid("may_goto +1\nexit", "jump target 2 outside");
}

TEST_P(lessons, jump_into_the_middle_of_lddw_is_refused) {
    expect_invalid("ja +1\nlddw r0, 1\nexit", "jump target 2 goes into the middle of lddw");
    expect_invalid("lddw r0, 1\njeq r0, r0, -2\nexit",
                   "jump target 1 goes into the middle of lddw");
    expect_invalid("ja32 +1\nlddw r0, 1\nexit", "jump target 2 goes into the middle of lddw");
    expect_invalid("call local +2\nexit\nlddw r0, 1\nexit",
                   "call target 3 goes into the middle of lddw");
}

TEST_P(lessons, call_out_of_the_program_is_refused) {
    expect_invalid("call local +1\nexit", "call target 2 outside the program of 2");
    expect_invalid("call local -2\nexit", "call target -1 outside");
    expect_invalid("call local +2147483647\nexit", "call target 2147483648 outside");
    expect_invalid("lddw r1, code_addr(+2)\nexit", "call target 3 outside");
}

TEST_P(lessons, jump_into_another_function_is_refused) {
    expect_invalid("call local f\nja +1\nf: mov r0, 0\nexit",
                   "jump from one function into another");
    expect_invalid("call local f\nexit\nf: ja -2", "jump from one function into another");
}

TEST_P(lessons, running_off_the_end_is_refused) {
    expect_invalid("mov r0, 0", "control falls off the end");
    expect_invalid("again: jne r0, 0, again", "control falls off the end");
    expect_invalid("lddw r0, 1", "control falls off the end");
    expect_invalid("call local f\nexit\nf: mov r0, 0",
                   "control falls off the end of the function at 2..2");
    expect_invalid("call local f\nf: mov r0, 0\nexit",
                   "control falls off the end of the function at 0..0");
    expect_invalid("may_goto +0\ncall 1", "control falls off the end");
}

TEST_P(lessons, half_of_lddw_is_refused) {
    auto code = assemble("mov r0, 0\nlddw r0, 1");
    code.resize(2 * isa::slot_size);
    expect_invalid(code, "truncated lddw");
    const auto whole = assemble("lddw r0, 1\nexit");
    std::vector<uint8_t> other(whole.begin(), whole.begin() + isa::slot_size);
    other.insert(other.end(), whole.begin() + 2 * isa::slot_size, whole.end());
    expect_invalid(other, "truncated lddw");
}

TEST_P(lessons, jump_to_itself_does_not_hang_the_host) {
    set_limit(vm_limit::instructions, 1'000'000);
    load("ja -1");
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::instruction_limit, .pc = 0}));
    load("ja32 -1");
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::instruction_limit, .pc = 0}));
    load("mov r0, 0\njeq r0, 0, -1\nexit");
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::instruction_limit, .pc = 1}));
}

TEST_P(lessons, function_that_ends_in_goto_is_accepted) {
    EXPECT_EQ(value_of("ja +2\nback: mov r0, 5\nexit\nja back"), 5U);
    EXPECT_EQ(value_of("call local f\nadd r0, 1\nexit\nf: ja +2\nback: mov r0, 5\nexit\nja32 back"),
              6U);
    EXPECT_EQ(value_of("mov r0, 3\nja +1\nout: exit\nsub r0, 1\njeq r0, 0, out\nja -3"), 0U);
}

TEST_P(lessons, null_and_odd_code_is_refused) {
    const auto code = assemble("mov r0, 0\nexit");
    EXPECT_EQ(vm().load_code(nullptr, code.size()), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_LT(vm().load_code(nullptr, 0), 0);
    expect_invalid(std::span{code}.first(0), "empty program");
    for (const std::size_t length : {1U, 7U, 9U, 15U}) {
        expect_invalid(std::span{code}.first(length), "not a multiple of 8");
    }
    expect_refusal(EBPF_ERROR_NO_PROGRAM, "no program is loaded");
}

// --- large programs

/// `mov r0, 0`, then `r0 += 1` up to an `exit` in the last of `slots` slots.
std::vector<uint8_t> straight_program(uint32_t slots) {
    code_builder code;
    code.add(set(0, 0));
    while (code.size() + 1 < slots) code.add(increase(0, 1));
    return code.add(leave()).bytes();
}

TEST_P(lessons, program_of_exactly_the_most_instructions_runs) {
    load_bytes(straight_program(EBPF_MAX_INSTS));
    EXPECT_EQ(result(), EBPF_MAX_INSTS - 2U);
    expect_invalid(straight_program(EBPF_MAX_INSTS + 1),
                   fmt::format("exceeds the limit of {}", EBPF_MAX_INSTS));
    set_limit(vm_limit::insns, EBPF_MAX_INSTS + 1);
    load_bytes(straight_program(EBPF_MAX_INSTS + 1));
    EXPECT_EQ(result(), EBPF_MAX_INSTS - 1U);
    set_limit(vm_limit::insns, 2);
    load("mov r0, 9\nexit");
    EXPECT_EQ(result(), 9U);
    expect_invalid("mov r0, 9\nmov r0, 9\nexit",
                   "program of 3 instructions exceeds the limit of 2");
}

TEST_P(lessons, loop_around_65536_instructions_ends) {
    set_limit(vm_limit::insns, 65536);
    code_builder code;
    code.add({set(0, 0), set(2, 3)});
    while (code.size() < 65536 - 4) code.add(increase(0, 1));
    code.add({increase(2, -1), make(isa::insn_id::jeq64_imm, 2, 0, 0, 1),
              make(isa::insn_id::ja32, 0, 0, 2 - 65535), leave()});
    ASSERT_EQ(code.size(), 65536U);
    load_bytes(code.bytes());
    EXPECT_EQ(result(), 3U * (65536 - 6));
}

TEST_P(lessons, jumps_reach_as_far_as_their_fields) {
    set_limit(vm_limit::insns, 65536);
    using enum isa::insn_id;
    // Forward over 32767 slots, on over 30000 more, back by 32768, out.
    code_builder code;
    code.add({set(0, 1), make(jne64_imm, 0, 0, 0, 32767)});
    while (code.size() < 2 + 32767) code.add(set(0, 99));
    code.add({increase(0, 2), make(ja32, 0, 0, 30000)});
    while (code.size() < 2 + 32767 + 2 + 30000) code.add(leave());
    // The jump back lands on the slot after the next one.
    code.add({increase(0, 4), make(jgt64_imm, 0, 0, 0, -32768), set(0, 98), leave()});
    auto bytes = code.bytes();
    const uint32_t target = 2 + 32767 + 2 + 30000 + 2 - 32768;
    isa::write_slot(isa::encode(increase(0, 8)),
                    std::span{bytes}.subspan(target * isa::slot_size).first<isa::slot_size>());
    isa::write_slot(
        isa::encode(leave()),
        std::span{bytes}.subspan((target + 1) * isa::slot_size).first<isa::slot_size>());
    load_bytes(bytes);
    EXPECT_EQ(result(), 1U + 2 + 4 + 8);
}

TEST_P(lessons, function_60000_slots_away_is_called) {
    set_limit(vm_limit::insns, 65536);
    std::string text = R"(
        mov r1, 2
        call local f
        mov r6, r0
        mov r1, 5
        lddw r2, code_addr(f)
        call r2
        add r0, r6
        exit
)";
    for (int i = 0; i < 60'000; ++i) text += "mov r0, 99\n";
    EXPECT_EQ(value_of(text + "exit\nf: mov r0, 7\nadd r0, r1\nexit"), 9U + 12);
}

/// Arithmetic in random registers, and what it makes of `r`.
std::vector<uint8_t> random_arithmetic(uint32_t slots, std::array<uint64_t, 10> &r) {
    static const auto rows = rows_where([](isa::insn_id id) {
        const auto s = isa::info(id).shape;
        return s == isa::shape::alu_reg or s == isa::shape::alu_imm or s == isa::shape::negate or
               s == isa::shape::byte_order or s == isa::shape::movsx;
    });
    std::mt19937 random{slots};
    const auto below = [&random](std::size_t n) { return static_cast<unsigned>(random() % n); };
    code_builder code;
    for (unsigned reg = 2; reg < 10; ++reg) code.add(load64(reg, 1, static_cast<int>(8 * reg)));
    code.add({load64(0, 1, 0), move(1, 2)});
    r[1] = r[2];
    while (code.size() + 31 < slots) {
        const isa::insn_id id = rows[below(rows.size())];
        const isa::shape_info &form = isa::info(isa::info(id).shape);
        const unsigned src = form.src == isa::register_role::none ? 0 : below(10);
        const bool has_imm = form.imm == isa::imm_role::value;
        const isa::instruction i =
            make(id, below(10), src, has_imm ? static_cast<int32_t>(random()) : 0);
        code.add(i);
        r[i.dst] = reference::arithmetic(encoding_of(i), r[i.dst], r[i.src]).value();
    }
    // Mix everything into r0 so that nothing was in vain.
    for (unsigned reg = 1; reg < 10; ++reg) {
        code.add(
            {make(isa::insn_id::mul64_imm, 0, 0, 1000003), make(isa::insn_id::xor64_reg, 0, reg)});
        r[0] = r[0] * 1000003 ^ r[reg];
    }
    return code.add(leave()).bytes();
}

TEST_P(lessons, programs_of_10000_to_65000_instructions_compute_what_they_say) {
    set_limit(vm_limit::insns, 65536);
    for (const uint32_t slots : {10'000U, 20'000U, 40'000U, 60'000U, 65'000U}) {
        std::array<uint64_t, 10> r{};
        std::mt19937_64 random{slots};
        std::ranges::generate(r, random);
        std::vector<uint64_t> memory(r.begin(), r.end());
        load_bytes(random_arithmetic(slots, r));
        EXPECT_EQ(result(memory_of(memory)), r[0]) << slots;
    }
}

TEST_P(lessons, program_of_12000_calls_and_divisions_fits) {
    set_limit(vm_limit::insns, 65536);
    using enum isa::insn_id;
    code_builder code;
    code.add(set(0, 0));
    for (int i = 0; i < 12'000; ++i) {
        code.add(
            {move(1, 0), increase(1, 1), make(call, 0, 0, 2), set(2, 1), make(div64_reg, 0, 2)});
    }
    load_bytes(code.add(leave()).bytes());
    EXPECT_EQ(result(), 12'000U);
}

// --- registers and the machine's calling convention

// Machine registers whose encoding has a special meaning as a base appear with every displacement
// form.
TEST_P(lessons, every_register_is_a_base_with_and_without_displacement) {
    for (int reg = 0; reg < 10; ++reg) {
        for (const int offset : {0, 8, -8, 120, 128, -128, -136, 1016}) {
            const auto text = fmt::format(
                "add r1, {0}\nmov r{1}, r1\nldxdw r{1}, [r{1}{2:+}]\nmov r0, r{1}\nexit",
                1024 - offset, reg, offset);
            std::vector<uint64_t> memory(256, 1);
            memory[128] = 42;
            EXPECT_EQ(value_of(text, memory), 42U) << text;
        }
    }
}

TEST_P(lessons, shift_by_a_register_leaves_all_others_alone) {
    for (int counter = 0; counter < 10; ++counter) {
        std::string text = "mov r0, r1\nldxdw r1, [r1+8]\n";
        for (int reg = 2; reg < 10; ++reg)
            text += fmt::format("ldxdw r{}, [r0+{}]\n", reg, 8 * reg);
        text += "ldxdw r0, [r0]\n";
        const int shifted = (counter + 3) % 10;
        text += fmt::format("lsh r{}, r{}\narsh32 r{}, r{}\n", shifted, counter, (counter + 5) % 10,
                            counter);
        for (int reg = 1; reg < 10; ++reg) text += fmt::format("mul r0, 31\nadd r0, r{}\n", reg);
        std::vector<uint64_t> r{7, 11, 33, 4, 0x80000005, 6, 0xfffffffff, 8, 9, 10};
        std::vector<uint64_t> memory = r;
        r[static_cast<std::size_t>(shifted)] <<= r[static_cast<std::size_t>(counter)] % 64;
        auto &other = r[static_cast<std::size_t>((counter + 5) % 10)];
        other = static_cast<uint32_t>(static_cast<int32_t>(other) >>
                                      (r[static_cast<std::size_t>(counter)] % 32));
        uint64_t expected = r[0];
        for (std::size_t reg = 1; reg < 10; ++reg) expected = expected * 31 + r[reg];
        EXPECT_EQ(value_of(text + "exit", memory), expected) << "count in r" << counter;
    }
}

/// How far the stack is from the alignment that the machine's calling convention promises.
[[gnu::noinline]] uint64_t stack_misalignment(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    alignas(16) volatile char local[16] = {};
    auto where = reinterpret_cast<uintptr_t>(&local[0]);
    asm volatile("" : "+r"(where));  // else the compiler knows the answer that it hopes for
    // Machines of 32 bits have other things at the beginning of a frame, too.
    constexpr bool is_plain = sizeof(void *) == 8;
    const auto frame = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    return where % 16 + (is_plain ? frame % 16 : 0);
}

TEST_P(lessons, stack_is_aligned_at_every_helper_call) {
    ASSERT_EQ(vm().register_external_function(90, "stack_misalignment", stack_misalignment), 0);
    EXPECT_EQ(value_of("call 90\nmov r6, r0\ncall 90\nor r0, r6\nexit"), 0U);
    EXPECT_EQ(value_of("mov r9, 90\ncall r9\nexit"), 0U);
    // At every depth; odd and even numbers of registers that the function must save.
    for (int saved = 6; saved <= 10; ++saved) {
        std::string text = "mov r1, 6\ncall local f\nexit\nf:\n";
        for (int reg = 6; reg < saved; ++reg) text += fmt::format("mov r{}, r1\n", reg);
        text +=
            "stxdw [r10-8], r1\ncall 90\nstxdw [r10-16], r0\nldxdw r1, [r10-8]\njeq r1, 0, +4\n"
            "sub r1, 1\n"
            "call local f\nldxdw r1, [r10-16]\nor r0, r1\n";
        for (int reg = 6; reg < saved; ++reg) text += fmt::format("mov r1, r{}\n", reg);
        EXPECT_EQ(value_of(text + "exit"), 0U) << saved;
    }
}

// --- helpers

TEST_P(lessons, every_helper_gets_five_arguments_whatever_its_id) {
    for (const uint32_t id :
         {0U,    1U,    2U,     3U,     4U,          6U,          7U,         8U,   12U,
          14U,   25U,   51U,    63U,    64U,         65U,         112U,       181U, 211U,
          8191U, 8192U, 65535U, 65536U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
        const external_function_t weigh = [](uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
                                             uint64_t r5) {
            return r1 + 10 * r2 + 100 * r3 + 1000 * r4 + 10000 * r5;
        };
        ASSERT_EQ(vm().register_external_function(id, "weigh", weigh), 0);
        const auto text = fmt::format(
            "mov r5, 5\nmov r4, 4\nmov r3, 3\nmov r2, 2\nldxdw r1, [r1]\ncall {}\nexit", id);
        EXPECT_EQ(value_of(text, {1}), 54321U) << id;
    }
}

TEST_P(lessons, helper_is_called_with_64_bit_words_and_its_result_is_one) {
    EXPECT_EQ(value_of("ldxdw r1, [r1]\ncall 2\nexit", {0xfedcba9876543210}), 0xfedcba9876543210U);
}

TEST_P(lessons, subprograms_call_helpers) {
    EXPECT_EQ(value_of(R"(
        mov r6, 1000
        mov r1, 1
        mov r2, 2
        mov r3, 3
        call local f
        add r0, r6
        exit
        f: mov r6, r1
        mov r4, 4
        mov r5, 5
        call 1
        mov r7, r0
        mov r1, r6
        call local g
        add r0, r7
        exit
        g: add r1, 100
        call 2
        exit)"),
              1000U + (1 + 4 + 9 + 16 + 25) + 101);
}

TEST_P(lessons, missing_helper_is_named_when_the_program_first_runs) {
    load("mov r0, 0\ncall 77\nexit");
    expect_refusal(EBPF_ERROR_UNRESOLVED, "helper 77 is not registered");
    ASSERT_EQ(vm().register_external_function(
                  77, "late",
                  [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t { return 5; }),
              0);
    EXPECT_EQ(result(), 5U);
    ASSERT_EQ(vm().unregister_external_function(77), 0);
    expect_refusal(EBPF_ERROR_UNRESOLVED, "helper 77 is not registered");
    load("mov r0, 3\nexit\ncall 77\nexit");  // never reached
    EXPECT_EQ(result(), 3U);
}

// --- lddw

TEST_P(lessons, lddw_callbacks_are_distinct_for_each_kind) {
    const auto tagged = [](uint64_t tag) {
        return [tag](auto id) -> uint64_t { return tag << 32 | id; };
    };
    ASSERT_EQ(vm().set_lddw_helpers(
                  tagged(1), tagged(2), [](uint64_t map) { return 3ULL << 60 | map; }, tagged(4),
                  tagged(5)),
              0);
    std::vector<uint64_t> memory(7);
    load(R"(
        lddw r2, map_by_fd(11)
        stxdw [r1], r2
        lddw r2, map_val(map_by_fd(12))+7
        stxdw [r1+8], r2
        lddw r2, var_addr(13)
        stxdw [r1+16], r2
        lddw r2, code_addr(f)        # 12 slots after its first one's successor
        stxdw [r1+24], r2
        lddw r2, map_by_idx(15)
        stxdw [r1+32], r2
        lddw r2, map_val(map_by_idx(16))+9
        stxdw [r1+40], r2
        lddw r2, 17
        stxdw [r1+48], r2
        exit
        f: exit)");
    result(memory_of(memory));
    EXPECT_THAT(memory, testing::ElementsAre(1ULL << 32 | 11, (3ULL << 60 | 1ULL << 32 | 12) + 7,
                                             4ULL << 32 | 13, 5ULL << 32 | 12, 2ULL << 32 | 15,
                                             (3ULL << 60 | 2ULL << 32 | 16) + 9, 17));
}

TEST_P(lessons, missing_lddw_callback_is_named) {
    const auto any = [](auto id) -> uint64_t { return id; };
    load("lddw r0, map_by_fd(1)\nexit");
    expect_refusal(EBPF_ERROR_UNRESOLVED, "map_by_fd");
    load("lddw r0, var_addr(1)\nexit");
    expect_refusal(EBPF_ERROR_UNRESOLVED, "var_addr");
    load("lddw r0, map_by_idx(1)\nexit");
    expect_refusal(EBPF_ERROR_UNRESOLVED, "map_by_idx");
    ASSERT_EQ(vm().set_lddw_helpers(any, any), 0);
    load("lddw r0, map_val(map_by_fd(1))+2\nexit");
    expect_refusal(EBPF_ERROR_UNRESOLVED, "map_val");
    load("lddw r0, map_val(map_by_idx(1))+2\nexit");
    expect_refusal(EBPF_ERROR_UNRESOLVED, "map_val");
    ASSERT_EQ(vm().set_lddw_helpers(any, any, any), 0);
    EXPECT_EQ(result(), 3U);
}

TEST_P(lessons, lddw_value_is_memory_only_where_a_size_companion_says_so) {
    alignas(8) static std::array<uint8_t, 24> values{};
    values.fill(0);
    values[8] = 42;
    ASSERT_EQ(
        vm().set_lddw_helpers([](uint32_t) -> uint64_t { return 0; }, nullptr,
                              [](uint64_t) { return reinterpret_cast<uintptr_t>(values.data()); }),
        0);
    load(
        "lddw r1, map_val(map_by_fd(1))+8\nldxb r0, [r1]\nadd r0, 1\nstxb [r1], r0\n"
        "ldxdw r2, [r1+8]\nexit");
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::out_of_bounds_read, .pc = 2, .size = 1}));
    ASSERT_EQ(vm().set_lddw_size_helpers(nullptr, nullptr, [](uint64_t) -> uint64_t { return 16; }),
              0);
    EXPECT_EQ(fault(), (fault_place{.kind = fault_kind::out_of_bounds_read, .pc = 5, .size = 8}));
    EXPECT_EQ(values[8], 43);
    ASSERT_EQ(vm().set_lddw_size_helpers(nullptr, nullptr, [](uint64_t) -> uint64_t { return 24; }),
              0);
    EXPECT_EQ(result(), 44U);
}

// --- atomics

TEST_P(lessons, fetching_32_bit_atomics_clear_the_upper_half) {
    for (const std::string_view op :
         {"fetch add32", "fetch or32", "fetch and32", "fetch xor32", "xchg32"}) {
        EXPECT_EQ(value_of(fmt::format("ldxdw r0, [r1]\nlock {} [r1+8], r0\nexit", op),
                           {~0ULL, 0x5'8000'0001}),
                  0x80000001U)
            << op;
    }
    const std::string_view cmpxchg = "ldxdw r0, [r1]\nmov r2, 1\nlock cmpxchg32 [r1+8], r2\nexit";
    EXPECT_EQ(value_of(cmpxchg, {0x7'8000'0001, 0x5'8000'0001}), 0x80000001U)
        << "the comparison holds";
    EXPECT_EQ(value_of(cmpxchg, {0x5'8000'0000, 0x5'8000'0001}), 0x80000001U)
        << "the comparison fails";
}

TEST_P(lessons, fetching_atomics_take_r0_as_their_address) {
    for (const std::string_view op : {"fetch add", "fetch or", "fetch and", "fetch xor", "xchg"}) {
        const auto text = fmt::format(
            "mov r0, r1\nmov r2, 12\nlock {} [r0], r2\nsub r0, r1\nadd r0, r2\nexit", op);
        EXPECT_EQ(value_of(text, {10}), 10U) << op;
    }
    // cmpxchg compares the cell with its own address.
    std::vector<uint64_t> memory{10};
    load("mov r0, r1\nmov r2, 12\nlock cmpxchg [r0], r2\nexit");
    EXPECT_EQ(result(memory_of(memory)), 10U);
    EXPECT_EQ(memory[0], 10U);
    memory[0] = reinterpret_cast<uintptr_t>(memory.data());
    EXPECT_EQ(result(memory_of(memory)), reinterpret_cast<uintptr_t>(memory.data()));
    EXPECT_EQ(memory[0], 12U);
}

TEST_P(lessons, unaligned_atomics_fault) {
    const auto rows =
        rows_where([](isa::insn_id id) { return isa::kind_of(id) == isa::operation_kind::atomic; });
    for (const isa::insn_id id : rows) {
        const int bytes = static_cast<int>(isa::bytes_of(isa::info(id).width));
        const bool loads = isa::info(id).shape == isa::shape::atomic_load;
        for (int at = 8; at < 8 + bytes; ++at) {
            code_builder code;
            code.add({set(2, 1),
                      loads ? make(id, 2, 1, 0, static_cast<int16_t>(at))
                            : make(id, 1, 2, 0, static_cast<int16_t>(at)),
                      leave()});
            load_bytes(code.bytes());
            std::vector<uint64_t> memory{~0ULL, ~0ULL, ~0ULL};
            if (at == 8) {
                result(memory_of(memory));
                continue;
            }
            EXPECT_EQ(fault(memory_of(memory)),
                      (fault_place{fault_kind::misaligned_atomic, 1, region_kind::input, 0, at,
                                   static_cast<uint64_t>(bytes)}))
                << name_of(id);
            EXPECT_THAT(memory, Each(~0ULL)) << name_of(id);
        }
    }
}

TEST_P(lessons, unaligned_atomic_out_of_bounds_is_out_of_bounds) {
    std::vector<uint64_t> memory(1);
    load("mov r2, 1\nlock fetch add [r1+1], r2\nexit");
    EXPECT_EQ(fault(memory_of(memory)),
              (fault_place{fault_kind::out_of_bounds_write, 1, region_kind::input, 0, 1, 8}));
    load("load_acquire64 r0, [r1+1]\nexit");
    EXPECT_EQ(fault(memory_of(memory)),
              (fault_place{fault_kind::out_of_bounds_read, 0, region_kind::input, 0, 1, 8}));
}

/// Runs the loaded program on `threads` threads at once, all on the same memory.
void run_on_threads(ebpf_vm &vm, std::span<uint8_t> memory, int threads) {
    std::vector<std::thread> all;
    for (int n = 0; n < threads; ++n) {
        all.emplace_back([&vm, memory] {
            int64_t r0 = 0;
            EXPECT_EQ(vm.exec(memory.data(), memory.size(), r0), 0) << vm.error_message();
        });
    }
    for (std::thread &t : all) t.join();
}

TEST_P(lessons, cmpxchg_is_one_step) {
    for (const std::string_view width : {"32", ""}) {
        load(fmt::format(R"(
            mov r6, 20000
            again: load_acquire{1} r0, [r1]
            retry: mov r3, r0
            mov r2, r0
            add r2, 1
            lock cmpxchg{0} [r1], r2
            jne r0, r3, retry
            sub r6, 1
            jne r6, 0, again
            exit)",
                         width, width.empty() ? "64" : width));
        std::vector<uint64_t> memory(1);
        run_on_threads(vm(), memory_of(memory), 4);
        EXPECT_EQ(memory[0], 80'000U) << "width " << width;
    }
}

TEST_P(lessons, every_atomic_is_one_step) {
    // Counters that are added to with and without fetching, bits that are flipped an even number of
    // times, and a lock that is taken by exchange around a plain counter.
    load(R"(
        mov r6, 10000
        again: mov r2, 1
        lock add [r1], r2
        lock fetch add32 [r1+8], r2
        mov r2, 0x55
        lock xor [r1+16], r2
        lock fetch xor32 [r1+16], r2
        take: mov r2, 1
        lock xchg32 [r1+24], r2
        jne r2, 0, take
        ldxdw r3, [r1+32]
        add r3, 1
        stxdw [r1+32], r3
        mov r2, 0
        store_release32 [r1+24], r2
        sub r6, 1
        jne r6, 0, again
        exit)");
    std::vector<uint64_t> memory(5);
    run_on_threads(vm(), memory_of(memory), 4);
    EXPECT_THAT(memory, testing::ElementsAre(40'000, 40'000, 0, 0, 40'000));
}

// --- loading and unloading

TEST_P(lessons, unloaded_code_does_not_run_again) {
    load("mov r0, 1\nexit");
    EXPECT_EQ(result(), 1U);
    vm().unload_code();
    expect_refusal(EBPF_ERROR_NO_PROGRAM, "no program is loaded");
    load("mov r0, 2\nexit");
    EXPECT_EQ(result(), 2U);
    load("mov r0, 3\nexit");  // without unloading
    EXPECT_EQ(result(), 3U);
    expect_invalid("mov r0, 4", "falls off");
    EXPECT_EQ(result(), 3U) << "a load that fails leaves what was there";
    vm().unload_code();
    vm().unload_code();
    expect_refusal(EBPF_ERROR_NO_PROGRAM, "no program is loaded");
}

TEST_P(lessons, nothing_is_printed_to_stdout) {
    testing::internal::CaptureStdout();
    {
        const auto other = make_vm(GetParam());
        int64_t r0 = 0;
        const auto wrong = assemble("mov r0, 4");
        EXPECT_NE(other->load_code(wrong.data(), wrong.size()), 0);
        EXPECT_NE(other->exec(nullptr, 0, r0), 0);
        for (const std::string_view text :
             {"mov r0, 0\nexit", "call 77\nexit", "ldxb r0, [r1]\nexit", "ja -1"}) {
            const auto code = assemble(text);
            EXPECT_EQ(other->set_limit(vm_limit::instructions, 100), 0);
            EXPECT_EQ(other->load_code(code.data(), code.size()), 0);
            EXPECT_EQ(other->exec(nullptr, 0, r0) == 0, text.starts_with("mov"));
        }
        other->compile();
        other->unload_code();
    }
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

// --- what a program can see of the host

/// Text that stores registers `first` to `last` at [r1+at..] and adds what that takes to `at`.
std::string store_registers(int first, int last, int &at) {
    std::string text;
    for (int reg = first; reg <= last; ++reg, at += 8)
        text += fmt::format("stxdw [r1+{}], r{}\n", at, reg);
    return text;
}

/// Text that copies the whole frame of `bytes` to [r1+at..] by way of r5.
std::string store_frame(int bytes, int &at) {
    std::string text;
    for (int slot = 8; slot <= bytes; slot += 8, at += 8) {
        text += fmt::format("ldxdw r5, [r10-{}]\nstxdw [r1+{}], r5\n", slot, at);
    }
    return text;
}

/// Leaves garbage in all registers and all frames.
constexpr std::string_view dirty_program = R"(
    mov r1, 7
    call local f
    mov r6, r10
    mov r7, r10
    mov r8, r10
    mov r9, r10
    mov r1, r10
    mov r2, r10
    mov r3, r10
    mov r4, r10
    mov r5, r10
    call 2
    mov r1, r10
    mov r2, r10
    mov r3, r10
    mov r4, r10
    mov r5, r10
    mov r0, r10
    exit
    f: mov r6, -1
    mov r7, -1
    mov r8, -1
    mov r9, -1
    mov r2, r10
    mov r3, 64
    fill: add r2, -8
    stdw [r2], -1
    sub r3, 1
    jne r3, 0, fill
    sub r1, 1
    jeq r1, 0, out
    call local f
    out: mov r0, -1
    exit)";

TEST_P(lessons, registers_and_stack_of_the_entry_function_begin_as_zero) {
    int at = 0;
    std::string text =
        store_registers(0, 0, at) + store_registers(3, 9, at) + store_frame(EBPF_STACK_SIZE, at);
    const auto clean = assemble(text + "mov r0, 0\nexit");
    for (int round = 0; round < 3; ++round) {
        load(dirty_program);
        result();
        load_bytes(clean);
        std::vector<uint64_t> memory(static_cast<std::size_t>(at) / 8, ~0ULL);
        result(memory_of(memory));
        EXPECT_THAT(memory, Each(0U));
    }
}

TEST_P(lessons, registers_and_stack_of_a_callee_begin_as_zero) {
    int at = 0;
    const std::string dump =
        store_registers(0, 0, at) + store_registers(6, 9, at) + store_frame(EBPF_STACK_SIZE, at);
    // g dirties the frame that f gets next; main's own r6 to r9 are set, r0 comes back from g.
    const std::string text = R"(
        mov r6, r1
        mov r7, r10
        mov r8, r10
        mov r9, r10
        stxdw [r10-8], r10
        call local g
        mov r1, r6
        call local f
        mov r0, 0
        exit
        g: mov r2, r10
        mov r3, 64
        fill: add r2, -8
        stxdw [r2], r10
        sub r3, 1
        jne r3, 0, fill
        mov r6, r10
        mov r7, r10
        mov r8, r10
        mov r9, r10
        mov r0, r10
        exit
        f:
)";
    load(text + dump + "exit");
    for (int round = 0; round < 2; ++round) {
        std::vector<uint64_t> memory(static_cast<std::size_t>(at) / 8, ~0ULL);
        result(memory_of(memory));
        EXPECT_THAT(memory, Each(0U));
    }
}

TEST_P(lessons, frames_of_any_size_begin_as_zero) {
    for (const uint32_t bytes : {16U, 512U, 4096U, 65536U}) {
        set_limit(vm_limit::stack_size, bytes);
        // f ors its whole frame into r0, then fills it with ones; called twice at two depths, in
        // two runs.
        load(fmt::format(R"(
            call local f
            mov r6, r0
            call local g
            or r6, r0
            call local f
            or r0, r6
            exit
            g: call local f
            mov r6, r0
            call local f
            or r0, r6
            exit
            f: mov r2, r10
            mov r3, {}
            next: add r2, -8
            ldxdw r4, [r2]
            or r0, r4
            stdw [r2], -1
            sub r3, 1
            jne r3, 0, next
            exit)",
                         bytes / 8));
        EXPECT_EQ(result(), 0U) << bytes;
        EXPECT_EQ(result(), 0U) << bytes;
    }
}

/// Sums r1 to r5 into r0's neighbours: text that gives r0 = r1 | ... | r5.
constexpr std::string_view or_arguments =
    "mov r0, r1\nor r0, r2\nor r0, r3\nor r0, r4\nor r0, r5\n";
constexpr std::string_view set_arguments =
    "mov r1, r10\nmov r2, r10\nmov r3, r10\nmov r4, r10\nmov r5, r10\n";

TEST_P(lessons, argument_registers_are_zero_after_every_call) {
    const std::string before{set_arguments}, after = std::string{or_arguments} + "exit\n";
    EXPECT_EQ(value_of(before + "call 2\n" + after), 0U) << "helper";
    EXPECT_EQ(value_of(before + "mov r6, 2\ncall r6\n" + after), 0U) << "helper, callx";
    EXPECT_EQ(value_of(before + "call local f\n" + after + "f: mov r0, 0\nexit"), 0U) << "local";
    EXPECT_EQ(value_of(before + "call local f\n" + after + "f: mov r1, r10\nmov r5, r10\nexit"), 0U)
        << "dirty callee";
    EXPECT_EQ(value_of(before + "lddw r6, code_addr(f)\ncall r6\n" + after + "f: mov r3, -1\nexit"),
              0U)
        << "callx";
    EXPECT_EQ(
        value_of("mov r2, r10\nmov r3, r10\nmov r4, r10\nmov r5, r10\nldabsb 0\n" + after, {1}), 0U)
        << "packet";
}

TEST_P(lessons, callee_saved_registers_survive_every_call) {
    const std::string fill = "mov r6, 6\nmov r7, 7\nmov r8, 8\nmov r9, 9\n";
    const std::string sum =
        "mov r0, r6\nmul r0, 10\nadd r0, r7\nmul r0, 10\nadd r0, r8\nmul r0, 10\nadd r0, r9\n"
        "exit\n";
    const std::string spoil = "f: mov r6, -1\nmov r7, -1\nmov r8, -1\nmov r9, -1\nmov r0, -1\nexit";
    EXPECT_EQ(value_of(fill + "call 2\n" + sum), 6789U);
    EXPECT_EQ(value_of(fill + "call local f\n" + sum + spoil), 6789U);
    EXPECT_EQ(value_of(fill + "lddw r1, code_addr(f)\ncall r1\n" + sum + spoil), 6789U);
}

TEST_P(lessons, callee_sees_its_callers_arguments) {
    EXPECT_EQ(value_of("mov r1, 1\nmov r2, 2\nmov r3, 3\nmov r4, 4\nmov r5, 5\ncall local f\n"
                       "exit\nf: call 1\nexit"),
              1U + 4 + 9 + 16 + 25);
}

/// A loop that clears bits ends after 64 rounds only if each round asks whether any is left.
TEST_P(lessons, clearing_bits_in_an_endless_loop_reaches_the_limit) {
    vm().set_limit(vm_limit::instructions, 100'000);
    for (const bool checked : {true, false}) {
        vm().toggle_bounds_check(checked);
        load(R"(
            mov r0, 0
            again: mov r3, r2
            sub r3, 1
            and r2, r3
            add r0, 1
            ldxb r4, [r1]
            jeq r4, 0, skip
            stxb [r1+1], r0
            jeq r2, 0, end
            skip: ja again
            end: exit)");
        std::vector<uint64_t> memory{0};
        EXPECT_EQ(fault(memory_of(memory)).kind, fault_kind::instruction_limit);
    }
}

/// Native code of large functions has large frames, of which few fit a small stack.
TEST_P(lessons, recursion_of_a_large_function_on_a_small_stack_is_a_fault) {
    vm().set_limit(vm_limit::optimization_level, 0);
    std::string text = "call local f\nexit\nf: mov r6, r1\nmov r7, 1\n";
    for (unsigned i = 0; i < 8'000; ++i)
        text += fmt::format("lock fetch add [r6], r{}\n", 7 + i % 2);
    load(text + "mov r1, r6\ncall local f\nexit");
    fault_place found;
    const auto run_there = [&] {
        std::vector<uint64_t> memory{0};
        found = fault(memory_of(memory));
    };
    pthread_attr_t small;
    ASSERT_EQ(pthread_attr_init(&small), 0);
    ASSERT_EQ(pthread_attr_setstacksize(&small, 256 << 10), 0);
    pthread_t thread;
    ASSERT_EQ(pthread_create(
                  &thread, &small,
                  [](void *run) -> void * {
                      (*static_cast<const decltype(run_there) *>(run))();
                      return nullptr;
                  },
                  const_cast<void *>(static_cast<const void *>(&run_there))),
              0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&small);
    EXPECT_EQ(found, (fault_place{.kind = fault_kind::call_depth_exceeded, .pc = 8'005}));
}

TEST_P(lessons, a_callers_frame_is_where_its_callee_finds_it_without_checks) {
    vm().toggle_bounds_check(false);
    EXPECT_EQ(value_of(R"(
        stdw [r10-8], 1
        call local f
        ldxdw r0, [r10-8]
        exit
        f: stdw [r10+1016], 9
        mov r0, 0
        exit)"),
              9U);
}

/// Two checks of one address: who fails the first one goes on to the second one, which looked as if
/// that were its own failing.
TEST_P(lessons, a_check_that_fails_is_not_taken_for_one_that_passes) {
    for (const uint64_t level : {1, 2, 3}) {
        set_limit(vm_limit::optimization_level, level);
        load(R"(
            again: mov r6, r1
            mov r1, 0
            and32 r3, 7
            mod r4, 15
            movsx1632 r1, r2
            jsle r7, 1, +0
            may_goto -1
            or r7, r2
            stdw [r6], -9
            load_acquire64 r7, [r6]
            mov r3, 2
            callx r3
            mul r9, r1
            div r5, r7
            sub r1, r7
            stw [r6], 0
            arsh r0, r9
            call 2
            add r4, 5
            jlt32 r0, -1097816924, again
            stxh [r6+6], r8
            mov r8, 2
            callx r8
            mov r0, r2
            exit)");
        alignas(8) std::array<uint8_t, 9> memory{};
        const fault_place at = fault(memory);
        EXPECT_EQ(at.kind, fault_kind::out_of_bounds_write) << "level " << level;
        EXPECT_EQ(at.pc, 8U) << "level " << level;
    }
}

/// Loads that nobody wants are gone, and what is left of their checks became part of the
/// program's own conditions.
TEST_P(lessons, a_check_is_made_only_where_the_program_gets_there) {
    for (const uint64_t level : {1, 2, 3}) {
        set_limit(vm_limit::optimization_level, level);
        std::array<uint8_t, 4> memory{};
        load(R"(
            jne r2, 3, other
            ldxdw r4, [r1]
            other: mov r0, 5
            exit)");
        EXPECT_EQ(result(memory), 5U) << "level " << level;
        load(R"(
            ldxb r3, [r1]
            ldxb r4, [r1+1]
            jeq r3, 0, +1
            ldxdw r5, [r1]
            ldxb r5, [r1+2]
            add r4, r5
            mov r0, r4
            exit)");
        EXPECT_EQ(result(memory), 0U) << "level " << level;
    }
}

/// What follows the call of a function is not what a check says.
TEST_P(lessons, a_fault_in_a_callee_comes_before_one_behind_the_call) {
    for (const uint64_t level : {1, 2, 3}) {
        set_limit(vm_limit::optimization_level, level);
        load(R"(
            mov r6, r1
            again: call local f
            stw [r6-4], 7
            ja again
            exit
            f: stxw [r8+8], r2
            exit)");
        std::array<uint8_t, 4> memory{};
        EXPECT_EQ(fault(memory).pc, 5U) << "level " << level;
    }
}

/// r0 held an address of the frame, for which the result was taken then.
TEST_P(lessons, unwinding_depends_on_what_the_call_gives) {
    load("ldxdw r1, [r1]\nmov r0, r10\nstxdw [r10-8], r10\ncall 5\nmov r0, 7\nexit");
    std::array<uint64_t, 1> memory{0};
    EXPECT_EQ(result(memory_of(memory)), 0U);
    memory = {1};
    EXPECT_EQ(result(memory_of(memory)), 7U);
}

INSTANTIATE_TEST_SUITE_P(all, lessons, testing::ValuesIn(engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(proving, lessons, testing::ValuesIn(proving_engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(barring, lessons, testing::ValuesIn(barring_engines()), engine_name{});

}  // namespace

}  // namespace bpftime::vm::test
