// bpftime-vm: properties of decoder, assembler and disassembler over random input
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// A failure prints the input, made as small as it can be, and the RC_PARAMS that repeat it.
#include "generators.hpp"
#include "isa/text.hpp"
#include "isa/validate.hpp"
#include "support.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace bpftime::vm::isa::test {

namespace {

/// The number N of "... (line N)" at the end of a message; 0 if there is none.
std::size_t line_of(std::string_view message) {
    const auto at = message.rfind("(line ");
    if (at == message.npos) return 0;
    const std::string_view number = message.substr(at + 6);
    std::size_t line = 0;
    const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), line);
    return code == std::errc{} and std::string_view{end, number.data() + number.size()} == ")"
               ? line
               : 0;
}

void check_round_trip(const std::vector<uint8_t> &code) {
    const auto text = disassemble(code);
    RC_ASSERT(text.has_value());
    RC_LOG() << *text;
    const auto again = assemble(*text);
    RC_ASSERT(again.has_value());
    RC_ASSERT(to_hex(*again) == to_hex(code));
}

}  // namespace

RC_GTEST_PROP(properties, valid_instructions_decode_to_themselves, ()) {
    const auto [insn, next_imm] = *valid_insn();
    const auto code = bytes_of(insn, next_imm);
    RC_LOG() << to_hex(code) << "  " << to_text(insn, next_imm);
    const auto decoded = decode(code, 0);
    RC_ASSERT(decoded.has_value());
    RC_ASSERT(*decoded == insn);
    RC_ASSERT(bytes_of(*decoded, next_imm) == code);
}

RC_GTEST_PROP(properties, assembling_undoes_disassembling, ()) { check_round_trip(*valid_code()); }

RC_GTEST_PROP(properties, both_styles_have_one_line_for_each_instruction, ()) {
    const auto code = *valid_code();
    const auto insns = decode_all(code);
    RC_ASSERT(insns.has_value());
    const auto seconds = std::ranges::count(*insns, insn_id::none, &instruction::id);
    for (const syntax style : {syntax::assembly, syntax::c_like}) {
        const auto text = disassemble(code, style);
        RC_ASSERT(text.has_value());
        RC_ASSERT(std::ranges::count(*text, '\n') == std::ssize(*insns) - seconds);
    }
}

RC_GTEST_PROP(properties, any_bytes_are_decoded_or_rejected, ()) {
    const auto code = *rc::gen::oneOf(dubious_code(), rc::gen::arbitrary<std::vector<uint8_t>>());
    RC_LOG() << to_hex(code);
    const auto insns = decode_all(code);
    for (const syntax style : {syntax::assembly, syntax::c_like}) {
        const auto text = disassemble(code, style);
        RC_ASSERT(text.has_value() == insns.has_value());
        if (not text) RC_ASSERT(text.error().message == insns.error().message);
    }
    RC_CLASSIFY(insns.has_value(), "valid");
    if (insns) {
        RC_ASSERT(insns->size() * slot_size == code.size());
        check_round_trip(code);
    } else {
        RC_ASSERT(class_of(insns.error().code) == error_class::invalid_program);
        RC_ASSERT(not insns.error().message.empty());
        RC_ASSERT(insns.error().pc.value_or(0) * slot_size <= code.size());
    }
}

RC_GTEST_PROP(properties, an_error_is_at_the_first_instruction_that_decode_rejects, ()) {
    const auto code = *dubious_code();
    const auto insns = decode_all(code);
    if (insns or not insns.error().pc) return;
    for (std::size_t pc = 0; pc < code.size() / slot_size;) {
        const auto insn = decode(code, pc);
        if (not insn) {
            RC_ASSERT(insn.error().message == insns.error().message);
            return;
        }
        pc += is_wide(insn->id) ? 2 : 1;
    }
    RC_FAIL("decode() accepts each instruction of a program that decode_all() rejects");
}

RC_GTEST_PROP(properties, any_text_is_assembled_or_rejected_with_its_line, ()) {
    const std::string text = *dubious_text();
    const auto code = assemble(text);
    RC_CLASSIFY(code.has_value(), "assembles");
    if (code) {
        RC_ASSERT(code->size() % slot_size == 0U);
        if (decode_all(*code)) check_round_trip(*code);
        return;
    }
    RC_LOG() << code.error().message;
    RC_ASSERT(code.error().code == error_code::bad_text);
    const std::size_t line = line_of(code.error().message);
    const auto lines = 1 + static_cast<std::size_t>(std::ranges::count(text, '\n'));
    RC_ASSERT(line >= 1U);
    RC_ASSERT(line <= lines);
}

}  // namespace bpftime::vm::isa::test
