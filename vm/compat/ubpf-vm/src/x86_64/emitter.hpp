// bpftime-vm: AsmJit's assembler with jumps that we place ourselves
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "code_emitter.hpp"
#include "machine.hpp"

#include <asmjit/x86.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>

namespace bpftime::vm::ubpf {

/// A condition of jcc; its low bit negates it.
enum class condition : uint8_t {
    below = 2,
    not_below = 3,
    equal = 4,
    not_equal = 5,
    not_above = 6,
    above = 7,
    sign = 8,
    less = 12,
    not_less = 13,
    not_greater = 14,
    greater = 15,
};
[[nodiscard]] constexpr condition opposite(condition c) noexcept {
    return static_cast<condition>(static_cast<uint8_t>(c) ^ 1);
}

/// A distance in the code that is not known yet.
struct open_jump {
    uint32_t at;    ///< where the distance is; it counts from behind it
    bool is_short;  ///< one byte, else four
};

/// How the most frequent instructions are encoded, by AsmJit's numbers of them: AsmJit itself takes
/// some hundred instructions for each.
struct short_encoding {
    enum class what : uint8_t { none, arithmetic, other, shift, load, address };
    what kind = what::none;
    uint8_t opcode = 0;  ///< of "r/m, reg"; of "reg, r/m" for what only loads
    uint8_t digit = 0;   ///< of immediate operands, in the place of a register
};
inline constexpr auto short_encodings = [] {
    using enum short_encoding::what;
    std::array<short_encoding, Inst::_kIdCount> all{};
    all[Inst::kIdAdd] = {arithmetic, 0x01, 0};
    all[Inst::kIdOr] = {arithmetic, 0x09, 1};
    all[Inst::kIdAnd] = {arithmetic, 0x21, 4};
    all[Inst::kIdSub] = {arithmetic, 0x29, 5};
    all[Inst::kIdXor] = {arithmetic, 0x31, 6};
    all[Inst::kIdCmp] = {arithmetic, 0x39, 7};
    all[Inst::kIdMov] = {other, 0x89, 0};
    all[Inst::kIdTest] = {other, 0x85, 0};
    all[Inst::kIdShl] = {shift, 0xc1, 4};
    all[Inst::kIdShr] = {shift, 0xc1, 5};
    all[Inst::kIdSar] = {shift, 0xc1, 7};
    all[Inst::kIdMovzx] = {load, 0xb6, 0};
    all[Inst::kIdMovsx] = {load, 0xbe, 0};
    all[Inst::kIdMovsxd] = {address, 0x63, 0};
    all[Inst::kIdLea] = {address, 0x8d, 0};
    return all;
}();

class emitter : public code_emitter<x86::Assembler, asmjit::Arch::kX64> {
public:
    emitter() { assembler().addEncodingOptions(asmjit::EncodingOptions::kOptimizedAlign); }

    /// What is appended from now on is listed, too.
    void list_in(listing *l) noexcept { code_emitter::list_in(l, jump_target); }

    /// Appends an instruction.
    template <typename... Operands>
    void op(Inst::Id id, const Operands &...operands) {
        if constexpr (requires { encode(id, operands...); }) {
            if (encode(id, operands...)) return;
        }
        code_emitter::op(id, operands...);
    }

    /// Appends an instruction with a lock prefix.
    template <typename... Operands>
    void op_locked(x86::Inst::Id id, const Operands &...operands) {
        assembler().lock();
        op(id, operands...);
    }

    // --- jumps

    void jump_back(uint32_t target) {
        const int64_t distance = int64_t{target} - (int64_t{offset()} + 2);
        list_jump("jmp");
        if (distance >= -128) {
            put({0xeb, static_cast<uint8_t>(distance)});
        } else {
            put({0xe9});
            put32(static_cast<uint32_t>(distance - 3));
        }
    }
    void jump_back_if(condition c, uint32_t target) {
        const int64_t distance = int64_t{target} - (int64_t{offset()} + 2);
        list_jump(name_of(c));
        if (distance >= -128) {
            put({short_jcc(c), static_cast<uint8_t>(distance)});
        } else {
            put({0x0f, long_jcc(c)});
            put32(static_cast<uint32_t>(distance - 4));
        }
    }
    [[nodiscard]] open_jump jump(bool is_short) {
        list_jump("jmp");
        put({static_cast<uint8_t>(is_short ? 0xeb : 0xe9)});
        return leave_open(is_short);
    }
    [[nodiscard]] open_jump jump_if(condition c, bool is_short) {
        list_jump(name_of(c));
        if (is_short)
            put({short_jcc(c)});
        else
            put({0x0f, long_jcc(c)});
        return leave_open(is_short);
    }
    /// A call; with distance 0 until it is closed.
    [[nodiscard]] open_jump call() {
        list_jump("call");
        put({0xe8});
        return leave_open(false);
    }
    /// r11 = the address of what it is closed with.
    [[nodiscard]] open_jump lea_r11() {
        list_jump("lea r11,");
        put({0x4c, 0x8d, 0x1d});
        return leave_open(false);
    }
    void push_imm(uint32_t value) {
        if (list() != nullptr) list()->add(offset(), "push imm32");
        put({0x68});
        put32(value);
    }
    void mov_imm32(x86::Gp reg, uint32_t value) {
        if (list() != nullptr) list()->add(offset(), "mov reg32, imm32");
        if (reg.id() >= 8) put({0x41});
        put({static_cast<uint8_t>(0xb8 | (reg.id() & 7))});
        put32(value);
    }

    /// The jump goes to `target`. False if that is too far for it.
    [[nodiscard]] bool close(open_jump j, uint32_t target) noexcept {
        uint8_t *const at = written(j.at, j.is_short ? 1 : 4);
        if (at == nullptr) return false;
        if (j.is_short) {
            const int64_t distance = int64_t{target} - (int64_t{j.at} + 1);
            *at = static_cast<uint8_t>(distance);
            return distance == static_cast<int8_t>(distance);
        }
        const uint32_t distance = target - (j.at + 4);
        std::memcpy(at, &distance, sizeof distance);
        return true;
    }
    /// The jump comes here.
    [[nodiscard]] bool close(open_jump j) noexcept { return close(j, offset()); }

private:
    // Encode an instruction if it is one of the most frequent ones.
    [[nodiscard]] bool encode(Inst::Id id, const x86::Gp &to, const x86::Gp &from) {
        using enum short_encoding::what;
        const short_encoding &e = short_encodings[id];
        const bool is_plain = e.kind == arithmetic or e.kind == other;
        if (not is_plain or to.size() != from.size() or to.size() < 4) return false;
        list_op(id, to, from);
        uint8_t *p = begin_insn();
        p = put_rex(p, to.size() == 8, from.id(), 0, to.id());
        *p++ = e.opcode;
        *p++ = static_cast<uint8_t>(0xc0 | (from.id() & 7) << 3 | (to.id() & 7));
        end_insn(p);
        return true;
    }
    [[nodiscard]] bool encode(Inst::Id id, const x86::Gp &to, const asmjit::Imm &operand) {
        using enum short_encoding::what;
        const short_encoding &e = short_encodings[id];
        const bool wide = to.size() == 8;
        const int64_t given = operand.value();
        const auto value = static_cast<int32_t>(given);
        const bool fits = given == value or (not wide and given == static_cast<uint32_t>(value));
        if ((e.kind != arithmetic and e.kind != shift) or not fits or to.size() < 4) return false;
        list_op(id, to, operand);
        uint8_t *p = begin_insn();
        p = put_rex(p, wide, 0, 0, to.id());
        const auto modrm = static_cast<uint8_t>(0xc0U | uint32_t{e.digit} << 3 | (to.id() & 7));
        const bool is_byte = value == static_cast<int8_t>(value);
        if (e.kind == shift) {
            const bool by_one = value == 1;
            *p++ = by_one ? 0xd1 : 0xc1;
            *p++ = modrm;
            if (not by_one) *p++ = static_cast<uint8_t>(value);
        } else if (is_byte) {
            *p++ = 0x83;
            *p++ = modrm;
            *p++ = static_cast<uint8_t>(value);
        } else {
            *p++ = to.id() == 0 ? static_cast<uint8_t>(e.digit << 3 | 5) : 0x81;
            if (to.id() != 0) *p++ = modrm;
            p = put_word(p, value);
        }
        end_insn(p);
        return true;
    }
    [[nodiscard]] bool encode(Inst::Id id, const x86::Gp &to, const x86::Mem &from) {
        using enum short_encoding::what;
        const short_encoding &e = short_encodings[id];
        const bool is_short =
            e.kind == load or e.kind == address or e.kind == arithmetic or id == Inst::kIdMov;
        if (not is_short or to.size() < 4) return false;
        list_op(id, to, from);
        uint8_t *p = begin_insn();
        p = put_rex(p, to.size() == 8, to.id(), from.hasIndex() ? from.indexId() : 0,
                    from.baseId());
        if (e.kind == load) {
            *p++ = 0x0f;
            *p++ = static_cast<uint8_t>(e.opcode + (from.size() == 2 ? 1 : 0));
        } else {
            *p++ = static_cast<uint8_t>(e.kind == address ? e.opcode : e.opcode + 2);
        }
        end_insn(put_place(p, to.id(), from));
        return true;
    }
    [[nodiscard]] bool encode(Inst::Id id, const x86::Mem &to, const x86::Gp &from) {
        if (id != Inst::kIdMov) return false;
        list_op(id, to, from);
        uint8_t *p = begin_insn();
        const uint32_t size = from.size();
        if (size == 2) *p++ = 0x66;
        p = put_rex(p, size == 8, from.id(), to.hasIndex() ? to.indexId() : 0, to.baseId(),
                    size == 1 and from.id() >= 4);
        *p++ = size == 1 ? 0x88 : 0x89;
        end_insn(put_place(p, from.id(), to));
        return true;
    }

    /// The prefix that has the high bits of registers, if there are any.
    static uint8_t *put_rex(uint8_t *p, bool wide, uint32_t reg, uint32_t index, uint32_t base,
                            bool always = false) noexcept {
        const uint32_t bits =
            (wide ? 8U : 0U) | (reg & 8) >> 1 | (index & 8) >> 2 | (base & 8) >> 3;
        *p = static_cast<uint8_t>(0x40 | bits);
        return p + (bits != 0 or always ? 1 : 0);
    }
    static uint8_t *put_word(uint8_t *p, int32_t value) noexcept {
        std::memcpy(p, &value, sizeof value);
        return p + sizeof value;
    }
    /// A register and a place in memory, which has a base.
    static uint8_t *put_place(uint8_t *p, uint32_t reg, const x86::Mem &place) noexcept {
        const uint32_t base = place.baseId() & 7;
        const int32_t distance = place.offsetLo32();
        const bool is_byte = distance == static_cast<int8_t>(distance);
        const bool is_there = distance != 0 or base == 5;  // rbp and r13 have one in any case
        const uint32_t mode = not is_there ? 0 : is_byte ? 1 : 2;
        const bool has_index = place.hasIndex();
        const bool has_two = has_index or base == 4;  // rsp and r12 take two bytes
        *p++ = static_cast<uint8_t>(mode << 6 | (reg & 7) << 3 | (has_two ? 4 : base));
        if (has_two) {
            const uint32_t index = has_index ? place.indexId() & 7 : 4;
            *p++ = static_cast<uint8_t>(place.shift() << 6 | index << 3 | base);
        }
        if (mode == 2) return put_word(p, distance);
        if (mode == 1) *p++ = static_cast<uint8_t>(distance);
        return p;
    }

    static int64_t jump_target(std::span<const std::byte> bytes, uint32_t end) {
        if (bytes.size() == 2) return end + int64_t{static_cast<int8_t>(bytes[1])};
        int32_t distance = 0;
        std::memcpy(&distance, bytes.last(4).data(), sizeof distance);
        return end + int64_t{distance};
    }

    static constexpr uint8_t short_jcc(condition c) noexcept {
        return static_cast<uint8_t>(0x70 | static_cast<uint8_t>(c));
    }
    static constexpr uint8_t long_jcc(condition c) noexcept {
        return static_cast<uint8_t>(0x80 | static_cast<uint8_t>(c));
    }

    static constexpr const char *name_of(condition c) noexcept {
        constexpr std::array<const char *, 16> names{"jo",  "jno", "jb",  "jae", "je", "jne",
                                                     "jbe", "ja",  "js",  "jns", "jp", "jnp",
                                                     "jl",  "jge", "jle", "jg"};
        return names[static_cast<std::size_t>(c)];
    }
    void list_jump(const char *mnemonic) {
        if (list() != nullptr) list()->add_jump(offset(), mnemonic);
    }

    open_jump leave_open(bool is_short) {
        const open_jump j{offset(), is_short};
        if (is_short)
            put({0});
        else
            put32(0);
        return j;
    }

    using code_emitter::put;
    void put(std::initializer_list<uint8_t> bytes) { put(bytes.begin(), bytes.size()); }
};

}  // namespace bpftime::vm::ubpf
