// bpftime-vm: writes the eBPF instructions that the generators need, eight bytes each
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace bpftime::vm::benchmark {

/// The instruction class of an ALU operation or a conditional jump, RFC 9669 section 3.
enum class width : std::uint8_t { w32, w64 };

/// Upper four bits of an ALU opcode, RFC 9669 section 4.1.
enum class alu : std::uint8_t {
    add,
    sub,
    mul,
    div,
    or_,
    and_,
    lsh,
    rsh,
    neg,
    mod,
    xor_,
    mov,
    arsh,
    end
};

/// Upper four bits of a jump opcode, RFC 9669 section 4.3.
enum class jump : std::uint8_t {
    always,
    eq,
    gt,
    ge,
    set,
    ne,
    sgt,
    sge,
    call,
    exit,
    lt,
    le,
    slt,
    sle
};

/// Memory access size, bits 3 and 4 of the opcode, RFC 9669 section 5.
enum class access : std::uint8_t { word, half, byte, dword };

/// Bytes of an access.
constexpr std::size_t bytes_of(access size) noexcept {
    constexpr std::size_t bytes[]{4, 2, 1, 8};
    return bytes[std::to_underlying(size)];
}

/// One instruction; fields as in RFC 9669 section 3.
struct instruction {
    std::uint8_t opcode;
    std::uint8_t dst = 0;
    std::uint8_t src = 0;
    std::int16_t offset = 0;
    std::int32_t imm = 0;
};

/// Appends instructions; knows encodings, not meanings.
class encoder {
public:
    [[nodiscard]] std::size_t size() const noexcept { return code_.size(); }

    void put(instruction insn) { code_.push_back(insn); }

    void alu_imm(alu op, width w, std::uint8_t dst, std::int32_t imm, std::int16_t offset = 0) {
        put({opcode(op, w, false), dst, 0, offset, imm});
    }
    void alu_reg(alu op, width w, std::uint8_t dst, std::uint8_t src, std::int16_t offset = 0) {
        put({opcode(op, w, true), dst, src, offset, 0});
    }
    void mov(std::uint8_t dst, std::uint8_t src) { alu_reg(alu::mov, width::w64, dst, src); }

    /// Byte swaps: with w32 le or be, by the flag; with w64 and no flag the unconditional bswap.
    void swap(width w, bool to_big_endian, std::uint8_t dst, std::int32_t bits) {
        put({opcode(alu::end, w, to_big_endian), dst, 0, 0, bits});
    }

    void load(access size, std::uint8_t dst, std::uint8_t base, std::int16_t offset) {
        put({static_cast<std::uint8_t>(0x61 | std::to_underlying(size) << 3), dst, base, offset});
    }
    void load_signed(access size, std::uint8_t dst, std::uint8_t base, std::int16_t offset) {
        put({static_cast<std::uint8_t>(0x81 | std::to_underlying(size) << 3), dst, base, offset});
    }
    void store(access size, std::uint8_t base, std::int16_t offset, std::uint8_t src) {
        put({static_cast<std::uint8_t>(0x63 | std::to_underlying(size) << 3), base, src, offset});
    }
    void store_imm(access size, std::uint8_t base, std::int16_t offset, std::int32_t imm) {
        put({static_cast<std::uint8_t>(0x62 | std::to_underlying(size) << 3), base, 0, offset,
             imm});
    }

    /// Skips `distance` instructions.
    void jump_over(std::size_t distance) {
        put(jump_insn(jump::always, width::w64, false, distance));
    }
    void jump_imm(jump on, width w, std::uint8_t dst, std::int32_t imm, std::size_t distance) {
        auto insn = jump_insn(on, w, false, distance);
        insn.dst = dst;
        insn.imm = imm;
        put(insn);
    }
    void jump_reg(jump on, width w, std::uint8_t dst, std::uint8_t src, std::size_t distance) {
        auto insn = jump_insn(on, w, true, distance);
        insn.dst = dst;
        insn.src = src;
        put(insn);
    }

    /// Calls the function at instruction `target`.
    void call(std::size_t target) {
        const auto next = static_cast<std::int64_t>(code_.size()) + 1;
        put({0x85, 0, 1, 0, static_cast<std::int32_t>(static_cast<std::int64_t>(target) - next)});
    }
    void exit() { put({0x95}); }

    /// The bytecode, little endian.
    [[nodiscard]] std::vector<std::uint8_t> bytes() const {
        std::vector<std::uint8_t> out;
        out.reserve(code_.size() * 8);
        for (const auto &insn : code_) {
            const auto offset = static_cast<std::uint16_t>(insn.offset);
            const auto imm = static_cast<std::uint32_t>(insn.imm);
            out.push_back(insn.opcode);
            out.push_back(static_cast<std::uint8_t>(insn.src << 4 | insn.dst));
            for (int shift = 0; shift < 16; shift += 8) {
                out.push_back(static_cast<std::uint8_t>(offset >> shift));
            }
            for (int shift = 0; shift < 32; shift += 8) {
                out.push_back(static_cast<std::uint8_t>(imm >> shift));
            }
        }
        return out;
    }

private:
    template <typename Operation>
    static constexpr unsigned high_bits(Operation op) noexcept {
        return static_cast<unsigned>(std::to_underlying(op)) << 4;
    }
    static constexpr unsigned source_bit(bool reg) noexcept { return reg ? 0x08 : 0; }
    static std::uint8_t opcode(alu op, width w, bool reg) noexcept {
        const unsigned cls = w == width::w64 ? 0x07 : 0x04;
        return static_cast<std::uint8_t>(high_bits(op) | source_bit(reg) | cls);
    }
    static instruction jump_insn(jump on, width w, bool reg, std::size_t distance) noexcept {
        const unsigned cls = w == width::w64 ? 0x05 : 0x06;
        const unsigned op = high_bits(on) | source_bit(reg) | cls;
        return {static_cast<std::uint8_t>(op), 0, 0, static_cast<std::int16_t>(distance)};
    }

    std::vector<instruction> code_;
};

}  // namespace bpftime::vm::benchmark
