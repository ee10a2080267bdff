// bpftime-vm: instructions to text, by the patterns of shapes.def
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/text.hpp"
#include "isa/validate.hpp"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace bpftime::vm::isa {

namespace {

/// Expands one pattern for one instruction.
class printer {
public:
    printer(const instruction &insn, int32_t next_imm, syntax style)
        : insn_{insn}, row_{info(insn.id)}, next_imm_{next_imm}, style_{style} {}

    std::string print() && {
        const shape_info &form = info(row_.shape);
        if (style_ == syntax::assembly) {
            text_ = row_.mnemonic;
            if (not form.assembly.empty()) text_ += ' ';
        }
        for (const char c : style_ == syntax::assembly ? form.assembly : form.c_like) put(c);
        return std::move(text_);
    }

private:
    template <typename... Args>
    void append(fmt::format_string<Args...> format, Args &&...args) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    }

    /// c_like names the 32-bit half of a register w, where the whole instruction works on halves.
    void put_register(unsigned number) {
        const auto kind = kind_of(insn_.id);
        const bool half = row_.width == width::w32 and row_.shape != shape::byte_order and
                          (kind == operation_kind::alu or kind == operation_kind::convert or
                           kind == operation_kind::branch);
        append("{}{}", style_ == syntax::assembly ? "%r" : half ? "w" : "r", number);
    }

    void put_offset(std::string_view plus, std::string_view minus, bool zero) {
        const int offset = insn_.offset;
        if (offset == 0 and not zero) return;
        append("{}{}", offset < 0 ? minus : plus, offset < 0 ? -offset : offset);
    }

    uint64_t wide_imm() const {
        return static_cast<uint64_t>(static_cast<uint32_t>(next_imm_)) << 32 |
               static_cast<uint32_t>(insn_.imm);
    }

    void put(char c) {
        const auto imm = static_cast<uint32_t>(insn_.imm);
        switch (c) {
        case 'D': put_register(insn_.dst); break;
        case 'S': put_register(insn_.src); break;
        case 'I': append("{}", insn_.imm); break;
        case 'U': append("{}", imm); break;
        case 'R': put_register(imm); break;
        case 'J': append("{:+}", insn_.offset); break;
        case 'L': append("{:+}", insn_.imm); break;
        case 'O': put_offset("+", "-", false); break;
        case 'P': put_offset(" + ", " - ", true); break;
        case 'W': append("0x{:x}", wide_imm()); break;
        case 'N': append("{:+}", next_imm_); break;
        case 'X':
            if (insn_.offset != 0) append(", {}", insn_.offset);
            break;
        case 'A': append("{}", imm >> 16); break;
        case 'Z': append("{}", imm & 0xffff); break;
        case 'T':
            append("{}{}", row_.operation == operation::load_sx ? "s" : "u", bits_of(row_.width));
            break;
        case 'B': append("{}", bits_of(row_.width)); break;
        case 'V': append("{}", info(row_.operation).symbol); break;
        default: text_ += c;
        }
    }

    const instruction &insn_;
    const insn_info &row_;
    int32_t next_imm_;
    syntax style_;
    std::string text_;
};

std::string hex_bytes(std::span<const uint8_t> bytes) {
    return fmt::format("{:02x}", fmt::join(bytes, " "));
}

}  // namespace

std::string to_text(const instruction &insn, int32_t next_imm, syntax style) {
    if (insn.id == insn_id::none) return "second slot of lddw";
    return printer{insn, next_imm, style}.print();
}

std::string describe(std::span<const uint8_t> code, std::size_t index) {
    const slot s = read_slot(code, index);
    const insn_id id = find_row(s);
    const bool has_next = (index + 2) * slot_size <= code.size();
    if (id == insn_id::none or (is_wide(id) and not has_next)) {
        return hex_bytes(code.subspan(index * slot_size, slot_size));
    }
    const int32_t next_imm = is_wide(id) ? read_slot(code, index + 1).imm : 0;
    return to_text({id, s.dst, s.src, s.offset, s.imm}, next_imm);
}

result<std::string> disassemble(std::span<const uint8_t> code, syntax style) {
    const auto insns = decode_all(code);
    if (not insns) return std::unexpected{insns.error()};
    std::string text;
    for (std::size_t pc = 0; pc < insns->size(); ++pc) {
        const instruction &insn = (*insns)[pc];
        const bool wide = is_wide(insn.id);
        text += to_text(insn, wide ? (*insns)[pc + 1].imm : 0, style);
        text += '\n';
        pc += wide;
    }
    return text;
}

}  // namespace bpftime::vm::isa
