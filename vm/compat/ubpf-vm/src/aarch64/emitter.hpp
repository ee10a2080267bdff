// bpftime-vm: AsmJit's assembler with branches that we place ourselves
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "code_emitter.hpp"
#include "machine.hpp"

#include <asmjit/arm/a64utils.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string>

namespace bpftime::vm::ubpf::inline aarch64 {

/// A condition of the flags, as the machine numbers them; its low bit negates it.
enum class condition : uint8_t {
    equal = 0,
    not_equal = 1,
    not_below = 2,
    below = 3,
    above = 8,
    not_above = 9,
    not_less = 10,
    less = 11,
    greater = 12,
    not_greater = 13,
};
[[nodiscard]] constexpr condition opposite(condition c) noexcept {
    return static_cast<condition>(static_cast<uint8_t>(c) ^ 1);
}
/// The same for operands of AsmJit.
[[nodiscard]] constexpr asmjit::Imm imm_of(condition c) noexcept {
    return asmjit::Imm{(static_cast<uint32_t>(c) + 2) & 15};
}

/// How far a branch may go, by the bits that it has for the distance.
enum class reach : uint8_t { test, conditional, far };

/// A branch without its distance.
class branch_insn {
public:
    [[nodiscard]] static constexpr branch_insn always() noexcept { return branch_insn{0x14000000}; }
    [[nodiscard]] static constexpr branch_insn call() noexcept { return branch_insn{0x94000000}; }
    [[nodiscard]] static constexpr branch_insn if_(condition c) noexcept {
        return branch_insn{0x54000000U | static_cast<uint32_t>(c)};
    }
    [[nodiscard]] static branch_insn if_zero(const a64::Gp &reg) noexcept {
        return branch_insn{0x34000000U | wide_bit(reg) | reg.id()};
    }
    [[nodiscard]] static branch_insn if_clear(const a64::Gp &reg, unsigned bit) noexcept {
        return branch_insn{0x36000000U | (bit >> 5) << 31 | (bit & 31) << 19 | reg.id()};
    }
    /// A branch that is in code already.
    [[nodiscard]] static constexpr branch_insn in_code(uint32_t word) noexcept {
        const branch_insn b{word};
        switch (b.range()) {
        case reach::test: return branch_insn{word & ~(0x3fffU << 5)};
        case reach::conditional: return branch_insn{word & ~(0x7ffffU << 5)};
        case reach::far: break;
        }
        return branch_insn{word & ~0x3ffffffU};
    }

    /// Taken where this is not.
    [[nodiscard]] constexpr branch_insn opposite() const noexcept {
        return branch_insn{word_ ^ (is_on_flags() ? 1U : 1U << 24)};
    }
    [[nodiscard]] constexpr reach range() const noexcept {
        if ((word_ & 0x7e000000) == 0x36000000) return reach::test;
        return is_on_flags() or (word_ & 0x7e000000) == 0x34000000 ? reach::conditional
                                                                   : reach::far;
    }
    [[nodiscard]] constexpr bool is_call() const noexcept { return word_ >> 26 == 0x25; }

    /// The instruction that goes `distance` bytes from itself.
    [[nodiscard]] constexpr uint32_t with_distance(int64_t distance) const noexcept {
        const auto words = static_cast<uint32_t>(distance >> 2);
        switch (range()) {
        case reach::test: return word_ | (words & 0x3fff) << 5;
        case reach::conditional: return word_ | (words & 0x7ffff) << 5;
        case reach::far: break;
        }
        return word_ | (words & 0x3ffffff);
    }
    /// The distance of an instruction that is in code.
    [[nodiscard]] static constexpr int64_t distance_of(uint32_t word) noexcept {
        switch (branch_insn{word}.range()) {
        case reach::test: return int64_t{static_cast<int32_t>(word << 13) >> 18} * 4;
        case reach::conditional: return int64_t{static_cast<int32_t>(word << 8) >> 13} * 4;
        case reach::far: break;
        }
        return int64_t{static_cast<int32_t>(word << 6) >> 6} * 4;
    }

    /// As text, without where it goes.
    [[nodiscard]] std::string text() const;

private:
    explicit constexpr branch_insn(uint32_t word) noexcept : word_{word} {}

    [[nodiscard]] static uint32_t wide_bit(const a64::Gp &reg) noexcept {
        return reg.isGpX() ? 1U << 31 : 0;
    }
    [[nodiscard]] constexpr bool is_on_flags() const noexcept { return word_ >> 24 == 0x54; }

    uint32_t word_;
};

/// A register as an operand that is shifted on its way.
[[nodiscard]] inline asmjit::Imm left(int count) noexcept {
    return asmjit::Imm{a64::lsl(static_cast<uint32_t>(count))};
}
[[nodiscard]] inline asmjit::Imm right(unsigned count) noexcept {
    return asmjit::Imm{a64::lsr(count)};
}

/// Whether add and sub have this as an operand.
[[nodiscard]] constexpr bool is_sum_operand(uint64_t value) noexcept {
    return value < 4096 or ((value & 0xfff) == 0 and value < uint64_t{4096} << 12);
}

class emitter : public code_emitter<a64::Assembler, asmjit::Arch::kAArch64> {
public:
    /// What is appended from now on is listed, too.
    void list_in(listing *l) noexcept { code_emitter::list_in(l, branch_target); }

    /// reg = value, in up to four instructions.
    void move(const a64::Gp &reg, uint64_t value) {
        op(Inst::kIdMov, sized(value > UINT32_MAX, reg), asmjit::Imm{value});
    }

    /// to = from + value.
    void add(const a64::Gp &to, const a64::Gp &from, int64_t value) {
        const bool negative = value < 0;
        const uint64_t size =
            negative ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
        const Inst::Id id = negative ? Inst::kIdSub : Inst::kIdAdd;
        if (is_sum_operand(size)) return op(id, to, from, asmjit::Imm{size});
        move(other_temp_reg, static_cast<uint64_t>(value));
        op(Inst::kIdAdd, to, from, sized(to.isGpX(), other_temp_reg));
    }

    /// Stores with release order: AsmJit has the opcodes of other instructions for these.
    void store_release(const a64::Gp &from, const a64::Gp &at, unsigned log_bytes) {
        if (list() != nullptr) {
            list()->add(offset(), "stlr (" + std::to_string(8U << log_bytes) + " bits) x" +
                                      std::to_string(from.id()) + ", [x" + std::to_string(at.id()) +
                                      "]");
        }
        put32(0x089ffc00U | log_bytes << 30 | at.id() << 5 | from.id());
    }

    // --- branches

    /// Appends a branch over `distance` bytes.
    void jump(branch_insn b, int64_t distance) {
        list_branch(b);
        put32(b.with_distance(distance));
    }
    /// Appends a branch to where code is already, near enough.
    void jump_back(branch_insn b, uint32_t target) { jump(b, int64_t{target} - offset()); }
    /// Appends a branch whose distance is not known yet; gives where it is.
    [[nodiscard]] uint32_t jump(branch_insn b) {
        const uint32_t at = offset();
        jump(b, 0);
        return at;
    }
    /// The branch that is there goes to `target`, which it reaches.
    void close(uint32_t at, uint32_t target) noexcept {
        set_word(at, branch_insn::in_code(read(at)).with_distance(int64_t{target} - at));
    }
    /// The branch comes here.
    void close(uint32_t at) noexcept { close(at, offset()); }

    /// Appends a jump of any distance, which is filled in by set_distance(); gives where it is.
    [[nodiscard]] uint32_t jump_anywhere() {
        const uint32_t at = offset();
        if (list() != nullptr) list()->add(at, "jump over a distance:");
        put32(0x10000000U | way_reg.id());                 // adr way, .
        put32(0x98000000U | 3U << 5 | distance_reg.id());  // ldrsw distance, .+12
        put32(0x8b000000U | distance_reg.id() << 16 | way_reg.id() << 5 | way_reg.id());  // add
        put32(0xd61f0000U | way_reg.id() << 5);                                           // br way
        put32(0);  // the distance
        return at;
    }
    static constexpr uint32_t jump_anywhere_bytes = 20;
    /// Where jump_anywhere() has its distance.
    static constexpr uint32_t distance_at = 16;
    void set_distance(uint32_t at, uint32_t target) noexcept {
        set_word(at + distance_at, target - at);
    }

    /// Appends a jump to where the table says, which has to follow it: entry `index` is a distance
    /// from the table. Changes both registers.
    void jump_by_table(const a64::Gp &index, const a64::Gp &table) {
        if (list() != nullptr)
            list()->add(offset(), "adr x" + std::to_string(table.id()) + ", table");
        put32(0x10000000U | table_jump_bytes / 4 << 5 | table.id());
        op(Inst::kIdLdrsw, index, a64::ptr(table, index, a64::lsl(2)));
        op(Inst::kIdAdd, table, table, index);
        op(Inst::kIdBr, table);
    }
    static constexpr uint32_t table_jump_bytes = 16;

private:
    static int64_t branch_target(std::span<const std::byte> bytes, uint32_t end) {
        uint32_t word = 0;
        std::memcpy(&word, bytes.data(), sizeof word);
        return int64_t{end} - 4 + branch_insn::distance_of(word);
    }
    void list_branch(branch_insn b) {
        if (list() != nullptr) list()->add_jump(offset(), b.text());
    }

    [[nodiscard]] uint32_t read(uint32_t at) noexcept {
        uint32_t word = 0;
        if (const uint8_t *const place = written(at, sizeof word))
            std::memcpy(&word, place, sizeof word);
        return word;
    }
};

}  // namespace bpftime::vm::ubpf::inline aarch64
