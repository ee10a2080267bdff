// bpftime-vm: random instructions for property tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "generators.hpp"

#include "isa/text.hpp"
#include "support.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

namespace bpftime::vm::isa::test {

namespace {

/// Any number, the bounds more often than others.
template <typename T>
T any_number() {
    return *rc::gen::oneOf(
        rc::gen::arbitrary<T>(),
        rc::gen::inRange<T>(std::numeric_limits<T>::min(), std::numeric_limits<T>::max()),
        rc::gen::element<T>(0, 1, -1, std::numeric_limits<T>::min(),
                            std::numeric_limits<T>::max()));
}

uint8_t any_register(register_role role) {
    if (role == register_role::none) return 0;
    const auto first_refused =
        static_cast<int>(role == register_role::read ? register_count : frame_pointer);
    return static_cast<uint8_t>(*rc::gen::inRange(0, first_refused));
}

int32_t any_imm(imm_role role) {
    switch (role) {
    case imm_role::none: return 0;
    case imm_role::reg: return *rc::gen::inRange(1, static_cast<int>(register_count));
    case imm_role::spaces: return *rc::gen::element(1, 0x10000);
    default: return any_number<int32_t>();
    }
}

random_insn any_insn() {
    const auto id = static_cast<insn_id>(*rc::gen::inRange(0, static_cast<int>(insn_count)));
    const insn_info &row = info(id);
    const shape_info &form = info(row.shape);
    instruction insn{
        .id = id,
        .dst = any_register(form.dst),
        .src = any_register(form.src),
        .offset = form.offset == offset_role::none ? int16_t{0} : any_number<int16_t>(),
        .imm = any_imm(form.imm)};
    if (row.selector == selector::offset) insn.offset = static_cast<int16_t>(row.selector_value);
    if (row.selector == selector::imm) insn.imm = row.selector_value;
    if (row.selector == selector::src) insn.src = static_cast<uint8_t>(row.selector_value);
    const bool has_next_imm = form.imm == imm_role::wide or form.imm == imm_role::object_offset;
    return {insn, has_next_imm ? any_number<int32_t>() : 0};
}

std::vector<uint8_t> any_code(int most) {
    std::vector<uint8_t> code;
    for (int n = *rc::gen::inRange(1, most + 1); n > 0; --n) {
        const auto [insn, next_imm] = any_insn();
        std::ranges::copy(bytes_of(insn, next_imm), std::back_inserter(code));
    }
    return code;
}

char any_char() {
    return *rc::gen::oneOf(rc::gen::arbitrary<char>(),
                           rc::gen::element('%', '[', ']', ',', ':', '\n'));
}

/// Words of the language in any order.
std::string any_words() {
    static constexpr std::string_view words[] = {
        "add", "mov32", "lock", "fetch", "lddw", "call", "local", "kfunc",    "exit",
        "ja",  "%r1",   "%r11", "r2",    "[%r3", "+8]",  ",",     "map_val(", "code_addr(",
        ")",   "+1",    "-0x1", "0x",    "a:",   "a",    "\n",    " ",        "99999999999"};
    std::string text;
    for (int n = *rc::gen::inRange(0, 30); n > 0; --n) {
        text += words[*rc::gen::inRange<std::size_t>(0, std::size(words))];
        if (*rc::gen::inRange(0, 3) != 0) text += ' ';
    }
    return text;
}

/// A correct text with some characters changed.
std::string any_typos() {
    std::string text = disassemble(any_code(5)).value_or("");
    for (int n = *rc::gen::inRange(0, 4); n > 0 and not text.empty(); --n) {
        text[*rc::gen::inRange<std::size_t>(0, text.size())] = any_char();
    }
    return text;
}

}  // namespace

rc::Gen<random_insn> valid_insn() { return rc::gen::exec(any_insn); }

rc::Gen<std::vector<uint8_t>> valid_code() {
    return rc::gen::exec([] { return any_code(20); });
}

rc::Gen<std::vector<uint8_t>> dubious_code() {
    return rc::gen::exec([] {
        std::vector<uint8_t> code = any_code(6);
        const int changes = *rc::gen::inRange(0, 3);
        for (int i = 0; i < changes; ++i) {
            code[*rc::gen::inRange<std::size_t>(0, code.size())] = *rc::gen::arbitrary<uint8_t>();
        }
        if (*rc::gen::inRange(0, 4) == 0)
            code.resize(*rc::gen::inRange<std::size_t>(0, code.size()));
        if (*rc::gen::inRange(0, 4) == 0)
            std::ranges::copy(*rc::gen::arbitrary<std::vector<uint8_t>>(),
                              std::back_inserter(code));
        return code;
    });
}

rc::Gen<std::string> dubious_text() {
    return rc::gen::oneOf(rc::gen::arbitrary<std::string>(), rc::gen::exec(any_words),
                          rc::gen::exec(any_typos));
}

}  // namespace bpftime::vm::isa::test
