// bpftime-vm: tests of the language of assemble(): labels, comments, numbers, exact messages
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/text.hpp"
#include "support.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>

namespace bpftime::vm::isa::test {

namespace {

/// The assembled bytes as hexadecimal text, or the error.
std::string assembled(std::string_view text) {
    const auto code = assemble(text);
    return code ? to_hex(*code) : error_of(code);
}

/// What disassembling the assembled text gives: the text as the library would write it.
std::string normal(std::string_view text) {
    const auto code = assemble(text);
    if (not code) return error_of(code);
    const auto again = disassemble(*code);
    return again ? *again : error_of(again);
}

/// A text and its error message.
struct rejected_text {
    std::string_view text;
    std::string_view message;
};

void expect_rejected(std::span<const rejected_text> cases) {
    for (const auto &[text, message] : cases)
        EXPECT_EQ(assembled(text), fmt::format("bad_text: {}", message)) << text;
}

// --- lines

TEST(assemble, reads_one_instruction_a_line) {
    EXPECT_EQ(assembled("mov %r0, 1\nexit\n"), "b7 00 00 00 01 00 00 00 95 00 00 00 00 00 00 00");
    EXPECT_EQ(assembled("mov %r0, 1\nexit"), "b7 00 00 00 01 00 00 00 95 00 00 00 00 00 00 00");
}

TEST(assemble, makes_nothing_of_nothing) {
    for (const std::string_view text :
         {"", "\n", "\n\n\r\n", "   ", "# only\n; comments\n// here", "label:\n"}) {
        EXPECT_EQ(assembled(text), "") << text;
    }
}

TEST(assemble, ignores_comments) {
    constexpr std::string_view text =
        "# all of the line\n"
        "  ; all of the line\n"
        "mov %r0, 1 # the rest\n"
        "mov %r1, 2;the rest\n"
        "mov %r2, 3// the rest ; # //\n"
        "exit //";
    EXPECT_EQ(normal(text), "mov %r0, 1\nmov %r1, 2\nmov %r2, 3\nexit\n");
}

TEST(assemble, reads_windows_line_ends) {
    EXPECT_EQ(normal("mov %r0, 1\r\nhere:\r\n\r\nja here\r\nexit\r\n"),
              "mov %r0, 1\nja -1\nexit\n");
}

TEST(assemble, ignores_space_between_operands) {
    EXPECT_EQ(normal("\t mov\t%r0 ,\t1  \n  ldxw %r1,[ %r2 + 8 ]\nlock   fetch\tadd [%r1 - 8],%r2\n"
                     "lddw %r1 , map_val ( map_by_fd ( 7 ) ) + 16\ncall   local   -1\n"),
              "mov %r0, 1\nldxw %r1, [%r2+8]\nlock fetch add [%r1-8], %r2\n"
              "lddw %r1, map_val(map_by_fd(7))+16\ncall local -1\n");
}

TEST(assemble, does_not_join_words) {
    expect_rejected(std::to_array<rejected_text>({
        {"mov %r0, 1 2", "Invalid operand ' 2' in 'mov %r0, 1 2' (line 1)"},
        {"mov %r 0, 1",
         "Invalid register '%r 0': registers are %r0 to %r10 in 'mov %r 0, 1' (line 1)"},
        {"ja to where",
         "Invalid jump target 'to where': write a label, +N or -N in 'ja to where' (line 1)"},
    }));
}

// --- labels

TEST(assemble, resolves_labels_in_both_directions) {
    EXPECT_EQ(normal("start: mov %r0, 0\n"
                     "lddw %r1, 5\n"
                     "jeq %r0, %r1, done\n"
                     "ja start\n"
                     "ja32 start\n"
                     "may_goto done\n"
                     "done:\n"
                     "exit"),
              "mov %r0, 0\nlddw %r1, 0x5\njeq %r0, %r1, +3\nja -5\nja32 -6\nmay_goto +0\nexit\n");
}

TEST(assemble, resolves_labels_of_functions) {
    EXPECT_EQ(normal("call local function\n"
                     "lddw %r1, code_addr(function)\n"
                     "exit\n"
                     "function: exit"),
              "call local +3\nlddw %r1, code_addr(+2)\nexit\nexit\n");
}

TEST(assemble, accepts_several_labels_at_one_place) {
    EXPECT_EQ(normal("a: b:\nc: .L$1:d: ja a\nja b\nja c\nja d\nja .L$1\n"),
              "ja -1\nja -2\nja -3\nja -4\nja -5\n");
}

TEST(assemble, accepts_a_label_at_the_end) { EXPECT_EQ(normal("ja end\nend:"), "ja +0\n"); }

TEST(assemble, knows_the_label_exit) {
    EXPECT_EQ(normal("jeq %r0, 0, exit\nmov %r0, 1\nexit\nexit\n"),
              "jeq %r0, 0, +1\nmov %r0, 1\nexit\nexit\n");
    EXPECT_EQ(normal("exit\nja exit\n"), "exit\nja -2\n");
    EXPECT_EQ(normal("ja exit\nexit\nexit: mov %r0, 1\n"), "ja +1\nexit\nmov %r0, 1\n")
        << "a label of the text wins";
}

TEST(assemble, rejects_labels_that_are_wrong) {
    expect_rejected(std::to_array<rejected_text>({
        {"ja NOT_A_LABEL\nexit", "Undefined label 'NOT_A_LABEL' (line 1)"},
        {"exit\n\nja32 nowhere", "Undefined label 'nowhere' (line 3)"},
        {"call local nowhere", "Undefined label 'nowhere' (line 1)"},
        {"lddw %r1, code_addr(nowhere)", "Undefined label 'nowhere' (line 1)"},
        {"ja exit", "Undefined label 'exit' (line 1)"},
        {"ja 5", "Undefined label '5' (line 1)"},
        {"a:\nexit\na:\nexit", "Duplicate label 'a', first defined on line 1 (line 3)"},
        {"a: a: exit", "Duplicate label 'a', first defined on line 1 (line 1)"},
        {"ja (a)", "Invalid jump target '(': write a label, +N or -N in 'ja (a)' (line 1)"},
        {"jeq %r1, 2, %r3",
         "Invalid jump target '%r3': write a label, +N or -N in 'jeq %r1, 2, %r3' (line 1)"},
    }));
}

/// `slots` instructions.
std::string filler(std::size_t slots) {
    std::string text;
    while (slots-- != 0) text += "mov %r0, 0\n";
    return text;
}

TEST(assemble, reaches_32767_slots_forward_and_32768_backward) {
    EXPECT_TRUE(assemble("ja far\n" + filler(32767) + "far: exit"));
    EXPECT_TRUE(assemble("far: " + filler(32767) + "ja far\n"));
}

TEST(assemble, rejects_labels_beyond_16_bits_unless_the_jump_has_32) {
    EXPECT_EQ(
        assembled("exit\nja far\n" + filler(32768) + "far: exit"),
        "bad_text: Offset out of 16-bit range: label 'far' is 32768 slots away; use ja32 (line 2)");
    EXPECT_EQ(assembled("far: " + filler(32768) + "jeq %r0, 0, far\n"),
              "bad_text: Offset out of 16-bit range: label 'far' is -32769 slots away; use ja32 "
              "(line 32769)");
    EXPECT_TRUE(assemble("ja32 far\ncall local far\nlddw %r1, code_addr(far)\n" + filler(32768) +
                         "far: exit"));
}

// --- numbers: decimal in the signed range, hexadecimal also in the unsigned one

TEST(assemble, reads_numbers_to_the_bounds) {
    for (const auto &[text, normal_text] :
         std::to_array<std::pair<std::string_view, std::string_view>>({
             {"mov %r0, 2147483647", "mov %r0, 2147483647\n"},
             {"mov %r0, -2147483648", "mov %r0, -2147483648\n"},
             {"mov %r0, 0xffffffff", "mov %r0, -1\n"},
             {"mov %r0, 0X80000000", "mov %r0, -2147483648\n"},
             {"mov %r0, -0x80000000", "mov %r0, -2147483648\n"},
             {"mov %r0, +5", "mov %r0, 5\n"},
             {"mov %r0, -0", "mov %r0, 0\n"},
             {"mov %r0, 007", "mov %r0, 7\n"},
             {"mov %r0, 0xAbC", "mov %r0, 2748\n"},
             {"stw [%r1+32767], 0", "stw [%r1+32767], 0\n"},
             {"stw [%r1-32768], 0", "stw [%r1-32768], 0\n"},
             {"stw [%r1+0xffff], 0", "stw [%r1-1], 0\n"},
             {"stw [%r1-0x8000], 0", "stw [%r1-32768], 0\n"},
             {"stw [%r1+0], 0", "stw [%r1], 0\n"},
             {"ja +32767", "ja +32767\n"},
             {"ja -32768", "ja -32768\n"},
             {"ja32 +2147483647", "ja32 +2147483647\n"},
             {"ja32 -2147483648", "ja32 -2147483648\n"},
             {"call 4294967295", "call 4294967295\n"},
             {"call -1", "call 4294967295\n"},
             {"lddw %r1, 18446744073709551615", "lddw %r1, 0xffffffffffffffff\n"},
             {"lddw %r1, -9223372036854775808", "lddw %r1, 0x8000000000000000\n"},
             {"lddw %r1, 0xffffffffffffffff", "lddw %r1, 0xffffffffffffffff\n"},
             {"lddw %r1, -1", "lddw %r1, 0xffffffffffffffff\n"},
             {"lddw %r1, map_by_fd(4294967295)", "lddw %r1, map_by_fd(4294967295)\n"},
             {"lddw %r1, map_val(map_by_idx(1))+0xffffffff",
              "lddw %r1, map_val(map_by_idx(1))-1\n"},
             {"lddw %r1, map_val(map_by_idx(1))", "lddw %r1, map_val(map_by_idx(1))+0\n"},
         })) {
        EXPECT_EQ(normal(text), normal_text) << text;
    }
}

TEST(assemble, rejects_numbers_beyond_the_bounds) {
    expect_rejected(std::to_array<rejected_text>({
        {"mov32 %r0, 2147483648",
         "Immediate out of 32-bit range: '2147483648' in 'mov32 %r0, 2147483648' (line 1)"},
        {"mov32 %r0, 0x100000000",
         "Immediate out of 32-bit range: '0x100000000' in 'mov32 %r0, 0x100000000' (line 1)"},
        {"mov %r0, -2147483649",
         "Immediate out of 32-bit range: '-2147483649' in 'mov %r0, -2147483649' (line 1)"},
        {"mov %r0, -0x80000001",
         "Immediate out of 32-bit range: '-0x80000001' in 'mov %r0, -0x80000001' (line 1)"},
        {"mov %r0, 99999999999999999999",
         "Immediate out of 64-bit range: '99999999999999999999' in 'mov %r0, 99999999999999999999' "
         "(line 1)"},
        {"ldxb %r0, [%r1+0x10000]",
         "Offset out of 16-bit range: '+0x10000' in 'ldxb %r0, [%r1+0x10000]' (line 1)"},
        {"ldxb %r0, [%r1+32768]",
         "Offset out of 16-bit range: '+32768' in 'ldxb %r0, [%r1+32768]' (line 1)"},
        {"ldxb %r0, [%r1-32769]",
         "Offset out of 16-bit range: '-32769' in 'ldxb %r0, [%r1-32769]' (line 1)"},
        {"ja +32768", "Offset out of 16-bit range: '+32768' in 'ja +32768' (line 1)"},
        {"jeq %r1, 2, -32769",
         "Offset out of 16-bit range: '-32769' in 'jeq %r1, 2, -32769' (line 1)"},
        {"ja32 +2147483648",
         "Immediate out of 32-bit range: '+2147483648' in 'ja32 +2147483648' (line 1)"},
        {"call local -2147483649",
         "Immediate out of 32-bit range: '-2147483649' in 'call local -2147483649' (line 1)"},
        {"call 4294967296",
         "Immediate out of 32-bit range: '4294967296' in 'call 4294967296' (line 1)"},
        {"call -2147483649",
         "Immediate out of 32-bit range: '-2147483649' in 'call -2147483649' (line 1)"},
        {"call kfunc 1, 32768",
         "Offset out of 16-bit range: '32768' in 'call kfunc 1, 32768' (line 1)"},
        {"lddw %r1, 18446744073709551616",
         "Immediate out of 64-bit range: '18446744073709551616' in 'lddw %r1, "
         "18446744073709551616' (line 1)"},
        {"lddw %r1, 0x10000000000000000",
         "Immediate out of 64-bit range: '0x10000000000000000' in 'lddw %r1, 0x10000000000000000' "
         "(line 1)"},
        {"lddw %r1, -9223372036854775809",
         "Immediate out of 64-bit range: '-9223372036854775809' in 'lddw %r1, "
         "-9223372036854775809' (line 1)"},
        {"lddw %r1, map_by_fd(4294967296)",
         "Immediate out of 32-bit range: '4294967296' in 'lddw %r1, map_by_fd(4294967296)' (line "
         "1)"},
        {"addr_space_cast %r1, %r2, 32768, 0",
         "Address space out of 16-bit range: '32768' in 'addr_space_cast %r1, %r2, 32768, 0' (line "
         "1)"},
    }));
}

TEST(assemble, rejects_what_is_no_number) {
    expect_rejected(std::to_array<rejected_text>({
        {"mov %r0, 0x", "Invalid operand '0x': expected a number in 'mov %r0, 0x' (line 1)"},
        {"mov %r0, --1", "Invalid operand '--1': expected a number in 'mov %r0, --1' (line 1)"},
        {"mov %r0, +-1", "Invalid operand '+-1': expected a number in 'mov %r0, +-1' (line 1)"},
        {"mov %r0, 1.5", "Invalid operand '1.5': expected a number in 'mov %r0, 1.5' (line 1)"},
        {"mov %r0, 12ab", "Invalid operand '12ab': expected a number in 'mov %r0, 12ab' (line 1)"},
        {"mov %r0, 5)", "Invalid operand ')' in 'mov %r0, 5)' (line 1)"},
        {"ja +x", "Invalid operand '+x': expected a number in 'ja +x' (line 1)"},
        {"call range", "Invalid operand 'range': expected a number in 'call range' (line 1)"},
        {"lddw %r1, foo(3)",
         "Invalid operand 'foo': expected a number in 'lddw %r1, foo(3)' (line 1)"},
    }));
}

// --- mnemonics, registers, operands

TEST(assemble, knows_other_spellings) {
    for (const auto &[text, normal_text] :
         std::to_array<std::pair<std::string_view, std::string_view>>({
             {"add64 %r1, 2", "add %r1, 2\n"},
             {"sdiv64 %r1, %r2", "sdiv %r1, %r2\n"},
             {"neg64 %r1", "neg %r1\n"},
             {"mov64 %r1, %r2", "mov %r1, %r2\n"},
             {"bswap32 %r1", "swap32 %r1\n"},
             {"goto +1", "ja +1\n"},
             {"gotol -1", "ja32 -1\n"},
             {"call helper 5", "call 5\n"},
             {"call runtime 5", "call kfunc 5\n"},
             {"mov r1, r2", "mov %r1, %r2\n"},
             {"ldxw r1, [r10-4]", "ldxw %r1, [%r10-4]\n"},
             {"call r3", "call %r3\n"},
         })) {
        EXPECT_EQ(normal(text), normal_text) << text;
    }
}

TEST(assemble, rejects_unknown_mnemonics) {
    expect_rejected(std::to_array<rejected_text>({
        {"ldxq %r0, %r1\nexit", "Invalid mnemonic 'ldxq' in 'ldxq %r0, %r1' (line 1)"},
        {"exit\n-- Unknown directive", "Invalid mnemonic '--' in '-- Unknown directive' (line 2)"},
        {"MOV %r0, 1", "Invalid mnemonic 'MOV' in 'MOV %r0, 1' (line 1)"},
        {"%r0 = 1", "Invalid mnemonic '%r0' in '%r0 = 1' (line 1)"},
        {": exit", "Invalid mnemonic ':' in ': exit' (line 1)"},
        {"a-b: exit", "Invalid mnemonic 'a-b:' in 'a-b: exit' (line 1)"},
    }));
}

TEST(assemble, rejects_a_wrong_number_of_operands) {
    expect_rejected(std::to_array<rejected_text>({
        {"lddw %r0\nexit", "Invalid number of operands for lddw: 1 in 'lddw %r0' (line 1)"},
        {"mov %r0", "Invalid number of operands for mov: 1 in 'mov %r0' (line 1)"},
        {"mov", "Invalid number of operands for mov: 0 in 'mov' (line 1)"},
        {"mov %r0,, 1", "Invalid number of operands for mov: 3 in 'mov %r0,, 1' (line 1)"},
        {"mov %r0, 1,", "Invalid number of operands for mov: 3 in 'mov %r0, 1,' (line 1)"},
        {"neg %r0, 1", "Invalid number of operands for neg: 2 in 'neg %r0, 1' (line 1)"},
        {"exit 1", "Invalid number of operands for exit: 1 in 'exit 1' (line 1)"},
        {"jeq %r0, 1", "Invalid number of operands for jeq: 2 in 'jeq %r0, 1' (line 1)"},
        {"ja", "Invalid number of operands for ja: 0 in 'ja' (line 1)"},
        {"call", "Invalid number of operands for call: 0 in 'call' (line 1)"},
        {"call local", "Invalid number of operands for call: 0 in 'call local' (line 1)"},
    }));
}

TEST(assemble, rejects_incomplete_lock) {
    expect_rejected(std::to_array<rejected_text>({
        {"lock\nexit", "Invalid number of operands for lock: 'lock' (line 1)"},
        {"lock or [%r10-8]\nexit",
         "Invalid number of operands for lock: 1 in 'lock or [%r10-8]' (line 1)"},
        {"lock fetch add %r1",
         "Invalid number of operands for lock: 1 in 'lock fetch add %r1' (line 1)"},
        {"lock nand [%r1], %r2", "Invalid mnemonic 'lock' in 'lock nand [%r1], %r2' (line 1)"},
        {"lock fetch", "Invalid mnemonic 'lock' in 'lock fetch' (line 1)"},
    }));
}

TEST(assemble, rejects_wrong_registers) {
    expect_rejected(std::to_array<rejected_text>({
        {"or %r0, %r50\nexit",
         "Invalid register '%r50': registers are %r0 to %r10 in 'or %r0, %r50' (line 1)"},
        {"mov %r11, 1",
         "Invalid register '%r11': registers are %r0 to %r10 in 'mov %r11, 1' (line 1)"},
        {"mov r11, 1",
         "Invalid register 'r11': registers are %r0 to %r10 in 'mov r11, 1' (line 1)"},
        {"mov %rax, 1",
         "Invalid register '%rax': registers are %r0 to %r10 in 'mov %rax, 1' (line 1)"},
        {"mov %r, 1", "Invalid register '%r': registers are %r0 to %r10 in 'mov %r, 1' (line 1)"},
        {"mov %R1, 1",
         "Invalid register '%R1': registers are %r0 to %r10 in 'mov %R1, 1' (line 1)"},
        {"mov %r99999999999999999999, 1",
         "Invalid register '%r99999999999999999999': registers are %r0 to %r10 in 'mov "
         "%r99999999999999999999, 1' "
         "(line 1)"},
        {"mov 5, 1",
         "Invalid operand '5': expected a register, %r0 to %r10 in 'mov 5, 1' (line 1)"},
        {"ldxb %r0, [8]",
         "Invalid operand '8': expected a register, %r0 to %r10 in 'ldxb %r0, [8]' (line 1)"},
        {"callx 5", "Invalid operand '5': expected a register, %r0 to %r10 in 'callx 5' (line 1)"},
        {"callx %r0",
         "Invalid operand '%r0': callx with the register in imm cannot name r0 in 'callx %r0' "
         "(line 1)"},
    }));
}

TEST(assemble, rejects_wrong_memory_operands) {
    expect_rejected(std::to_array<rejected_text>({
        {"ldxb %r0, %r1\nexit",
         "Invalid operand '%r1': expected memory like [%r1+8] in 'ldxb %r0, %r1' (line 1)"},
        {"ldxb %r0, [%r1", "Invalid operand '': expected ']' in 'ldxb %r0, [%r1' (line 1)"},
        {"ldxb %r0, [%r1+]",
         "Invalid operand '+': expected a number in 'ldxb %r0, [%r1+]' (line 1)"},
        {"ldxb %r0, [%r1+8]]", "Invalid operand ']' in 'ldxb %r0, [%r1+8]]' (line 1)"},
        {"stw %r1+8, 1",
         "Invalid operand '%r1+8': expected memory like [%r1+8] in 'stw %r1+8, 1' (line 1)"},
        {"lddw %r1, map_by_fd(7",
         "Invalid operand '': expected ')' in 'lddw %r1, map_by_fd(7' (line 1)"},
    }));
}

TEST(assemble, counts_lines_from_one) {
    EXPECT_EQ(assembled("exit\n\n# comment\nlabel:\n\tbogus 1\n"),
              "bad_text: Invalid mnemonic 'bogus' in 'bogus 1' (line 5)");
    EXPECT_EQ(assemble("exit\nbogus").error().pc, std::nullopt);
}

// --- describe(), the text in messages

TEST(describe, shows_text_or_bytes) {
    const auto code = from_hex(
        "07 31 00 00 07 00 00 00 18 01 00 00 07 00 00 00 00 00 00 00 10 00 00 00 "
        "fe 01 02 03 04 05 06 07 18 01 00 00 07 00 00 00");
    EXPECT_EQ(isa::describe(code, 0), "add %r1, 7");
    EXPECT_EQ(isa::describe(code, 1), "lddw %r1, 0x1000000007");
    EXPECT_EQ(isa::describe(code, 2), "00 00 00 00 10 00 00 00");
    EXPECT_EQ(isa::describe(code, 3), "fe 01 02 03 04 05 06 07");
    EXPECT_EQ(isa::describe(code, 4), "18 01 00 00 07 00 00 00") << "its second slot is missing";
}

TEST(to_text, names_the_second_slot) {
    EXPECT_EQ(to_text({.id = insn_id::none, .imm = 7}), "second slot of lddw");
}

TEST(disassemble, rejects_what_decode_rejects) {
    for (const auto style : {syntax::assembly, syntax::c_like}) {
        EXPECT_EQ(error_of(disassemble({}, style)),
                  "empty_program: empty program: give at least one instruction; the shortest "
                  "program is `exit`");
        EXPECT_EQ(error_of(disassemble(from_hex("95 00 00 00 00 00 00 00 07 0a 00 00 01 00 00 00"),
                                       style)),
                  "read_only_register: r10 is read-only at pc 1 (`add %r10, 1`): r10 is the frame "
                  "pointer: copy it to "
                  "another register first");
    }
}

}  // namespace

}  // namespace bpftime::vm::isa::test
