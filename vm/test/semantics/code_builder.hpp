// bpftime-vm: test programs made instruction by instruction
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/isa.hpp"
#include "reference.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace bpftime::vm::test {

/// One instruction with register and immediate operands; jumps and memory accesses take an offset.
[[nodiscard]] constexpr isa::instruction make(isa::insn_id id, unsigned dst, unsigned src = 0,
                                              int32_t imm = 0, int16_t offset = 0) {
    return {id, static_cast<uint8_t>(dst), static_cast<uint8_t>(src), offset, imm};
}

/// dst = *(u64 *)(base + offset)
[[nodiscard]] constexpr isa::instruction load64(unsigned dst, unsigned base, int offset) {
    return make(isa::insn_id::ldxdw, dst, base, 0, static_cast<int16_t>(offset));
}

/// *(u64 *)(base + offset) = src
[[nodiscard]] constexpr isa::instruction store64(unsigned base, int offset, unsigned src) {
    return make(isa::insn_id::stxdw, base, src, 0, static_cast<int16_t>(offset));
}

[[nodiscard]] constexpr isa::instruction move(unsigned dst, unsigned src) {
    return make(isa::insn_id::mov64_reg, dst, src);
}

[[nodiscard]] constexpr isa::instruction set(unsigned dst, int32_t value) {
    return make(isa::insn_id::mov64_imm, dst, 0, value);
}

[[nodiscard]] constexpr isa::instruction increase(unsigned dst, int32_t by) {
    return make(isa::insn_id::add64_imm, dst, 0, by);
}

/// Jumps over the next `slots` instructions.
[[nodiscard]] constexpr isa::instruction skip(int slots) {
    return make(isa::insn_id::ja, 0, 0, 0, static_cast<int16_t>(slots));
}

[[nodiscard]] constexpr isa::instruction leave() { return make(isa::insn_id::exit_, 0); }

/// Bytecode under construction.
class code_builder {
public:
    code_builder &add(const isa::instruction &i) {
        const std::size_t at = bytes_.size();
        bytes_.resize(at + isa::slot_size);
        isa::write_slot(isa::encode(i), std::span{bytes_}.subspan(at).first<isa::slot_size>());
        return *this;
    }

    code_builder &add(std::initializer_list<isa::instruction> insns) {
        for (const isa::instruction &i : insns) add(i);
        return *this;
    }

    /// Slots so far: the pc of what comes next.
    [[nodiscard]] uint32_t size() const {
        return static_cast<uint32_t>(bytes_.size() / isa::slot_size);
    }
    [[nodiscard]] const std::vector<uint8_t> &bytes() const { return bytes_; }

private:
    std::vector<uint8_t> bytes_;
};

/// What the reference model needs to know of an instruction.
[[nodiscard]] inline reference::encoded encoding_of(const isa::instruction &i) {
    const isa::slot s = isa::encode(i);
    return {s.opcode, s.offset, s.imm};
}

/// The rows of the opcode table that `wanted` says yes to.
template <typename Predicate>
[[nodiscard]] std::vector<isa::insn_id> rows_where(Predicate wanted) {
    std::vector<isa::insn_id> rows;
    for (std::size_t n = 0; n < isa::insn_count; ++n) {
        if (const auto id = static_cast<isa::insn_id>(n); wanted(id)) rows.push_back(id);
    }
    return rows;
}

[[nodiscard]] inline std::string name_of(isa::insn_id id) {
    return std::string{isa::info(id).name};
}

}  // namespace bpftime::vm::test
