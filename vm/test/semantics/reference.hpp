// bpftime-vm: the meaning of single instructions, written from RFC 9669 for the tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Shares nothing with the library, not even the opcode table: it reads the fields of the encoding
// as the RFC's tables do and computes with numbers that are too wide to overflow. Slow and plain on
// purpose.
#pragma once

#include "wide_integer.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace bpftime::vm::test::reference {

/// The fields of an encoded instruction that decide what it does (section 3); registers are the
/// caller's business.
struct encoded {
    uint8_t opcode = 0;
    int16_t offset = 0;
    int32_t imm = 0;
};

/// Wide enough for every product and shift of two 64-bit values.
using integer = wide_integer;

[[nodiscard]] constexpr integer two_to(unsigned bits) { return integer{1} << bits; }

/// `value` modulo 2^bits, from 0 on.
[[nodiscard]] constexpr integer as_unsigned(integer value, unsigned bits) {
    const integer rest = value % two_to(bits);
    return rest < 0 ? rest + two_to(bits) : rest;
}

/// `value` modulo 2^bits, from -2^(bits-1) on.
[[nodiscard]] constexpr integer as_signed(integer value, unsigned bits) {
    const integer rest = as_unsigned(value, bits);
    return rest < two_to(bits - 1) ? rest : rest - two_to(bits);
}

[[nodiscard]] constexpr uint64_t as_register(integer value, unsigned bits) {
    return static_cast<uint64_t>(as_unsigned(value, bits));
}

// --- fields of the opcode byte (sections 4 and 5)

enum instruction_class : unsigned {
    ld = 0,
    ldx = 1,
    st = 2,
    stx = 3,
    alu = 4,
    jmp = 5,
    jmp32 = 6,
    alu64 = 7
};

[[nodiscard]] constexpr unsigned class_of(uint8_t opcode) { return opcode & 0x07; }
[[nodiscard]] constexpr unsigned code_of(uint8_t opcode) { return opcode >> 4; }
[[nodiscard]] constexpr unsigned mode_of(uint8_t opcode) { return opcode & 0xe0; }
[[nodiscard]] constexpr bool has_register_source(uint8_t opcode) { return (opcode & 0x08) != 0; }

/// Bytes that a load or store moves.
[[nodiscard]] constexpr unsigned size_of(uint8_t opcode) {
    switch (opcode & 0x18) {
    case 0x00: return 4;
    case 0x08: return 2;
    case 0x10: return 1;
    default: return 8;
    }
}

// --- arithmetic and byte order (sections 4.1 and 4.2)

[[nodiscard]] constexpr uint64_t with_bytes_reversed(uint64_t value, unsigned bytes) {
    uint64_t reversed = 0;
    for (unsigned i = 0; i < bytes; ++i) {
        reversed = reversed * 256 + value % 256;
        value /= 256;
    }
    return reversed;
}

/// dst after LE, BE or BSWAP; nothing if there is no such instruction. The program runs in
/// little-endian byte order.
[[nodiscard]] constexpr std::optional<uint64_t> byte_order(const encoded &i, uint64_t dst) {
    if (i.offset != 0 or (i.imm != 16 and i.imm != 32 and i.imm != 64)) return {};
    const auto bits = static_cast<unsigned>(i.imm);
    const bool to_big_endian = has_register_source(i.opcode);
    if (class_of(i.opcode) == alu and not to_big_endian) return as_register(dst, bits);
    if (class_of(i.opcode) == alu64 and to_big_endian) return {};
    return with_bytes_reversed(as_register(dst, bits), bits / 8);
}

[[nodiscard]] constexpr integer divide_rounding_down(integer a, integer b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

/// MOVSX: the low `i.offset` bits of src, sign-extended.
[[nodiscard]] constexpr std::optional<integer> move(const encoded &i, integer b, unsigned bits) {
    if (i.offset == 0) return b;
    const bool has_width = i.offset == 8 or i.offset == 16 or (i.offset == 32 and bits == 64);
    if (not has_width or not has_register_source(i.opcode)) return {};
    return as_signed(b, static_cast<unsigned>(i.offset));
}

/// DIV, SDIV, MOD, SMOD: truncating; by zero 0, respectively dst.
[[nodiscard]] constexpr std::optional<integer> quotient(const encoded &i, integer a, integer b,
                                                        unsigned bits) {
    if (i.offset != 0 and i.offset != 1) return {};
    const bool wants_rest = code_of(i.opcode) == 0x9;
    const integer x = i.offset == 0 ? as_unsigned(a, bits) : as_signed(a, bits);
    const integer y = i.offset == 0 ? as_unsigned(b, bits) : as_signed(b, bits);
    if (y == 0) return wants_rest ? x : integer{0};
    return wants_rest ? x % y : x / y;
}

/// dst after an instruction of class ALU or ALU64; nothing if there is no such instruction.
[[nodiscard]] constexpr std::optional<uint64_t> arithmetic(const encoded &i, uint64_t dst,
                                                           uint64_t src) {
    if (class_of(i.opcode) != alu and class_of(i.opcode) != alu64) return {};
    if (code_of(i.opcode) == 0xd) return byte_order(i, dst);
    const unsigned bits = class_of(i.opcode) == alu64 ? 64 : 32;
    const integer a = as_unsigned(dst, bits);
    const integer b =
        as_unsigned(has_register_source(i.opcode) ? integer{src} : integer{i.imm}, bits);
    const auto count = static_cast<unsigned>(b % bits);
    const bool may_have_offset =
        code_of(i.opcode) == 0x3 or code_of(i.opcode) == 0x9 or code_of(i.opcode) == 0xb;
    if (i.offset != 0 and not may_have_offset) return {};
    std::optional<integer> result;
    switch (code_of(i.opcode)) {
    case 0x0: result = a + b; break;
    case 0x1: result = a - b; break;
    case 0x2: result = as_signed(a, bits) * as_signed(b, bits); break;
    case 0x3:
    case 0x9: result = quotient(i, a, b, bits); break;
    case 0x4: result = a | b; break;
    case 0x5: result = a & b; break;
    case 0x6: result = a * two_to(count); break;
    case 0x7: result = a / two_to(count); break;
    case 0x8: result = has_register_source(i.opcode) ? std::optional<integer>{} : -a; break;
    case 0xa: result = a ^ b; break;
    case 0xb: result = move(i, b, bits); break;
    case 0xc: result = divide_rounding_down(as_signed(a, bits), two_to(count)); break;
    default: break;
    }
    return result ? std::optional{as_register(*result, bits)} : std::nullopt;
}

// --- comparing jumps (section 4.3)

/// Whether the jump is taken; nothing if the instruction is no comparing jump.
[[nodiscard]] constexpr std::optional<bool> is_taken(const encoded &i, uint64_t dst, uint64_t src) {
    if (class_of(i.opcode) != jmp and class_of(i.opcode) != jmp32) return {};
    const unsigned bits = class_of(i.opcode) == jmp ? 64 : 32;
    const integer other = has_register_source(i.opcode) ? integer{src} : integer{i.imm};
    const integer a = as_unsigned(dst, bits);
    const integer b = as_unsigned(other, bits);
    const integer sa = as_signed(a, bits);
    const integer sb = as_signed(b, bits);
    switch (code_of(i.opcode)) {
    case 0x1: return a == b;
    case 0x2: return a > b;
    case 0x3: return a >= b;
    case 0x4: return (a & b) != 0;
    case 0x5: return a != b;
    case 0x6: return sa > sb;
    case 0x7: return sa >= sb;
    case 0xa: return a < b;
    case 0xb: return a <= b;
    case 0xc: return sa < sb;
    case 0xd: return sa <= sb;
    default: return {};
    }
}

// --- loads and stores (sections 5.1 and 5.2)

/// The value of `bytes` in little-endian order.
[[nodiscard]] constexpr uint64_t little_endian(std::span<const uint8_t> bytes) {
    uint64_t value = 0;
    for (std::size_t i = bytes.size(); i > 0; --i) value = value * 256 + bytes[i - 1];
    return value;
}

/// Writes the low `size` bytes of `value` to `to`.
constexpr void put_little_endian(std::span<uint8_t> to, uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) {
        to[i] = static_cast<uint8_t>(value % 256);
        value /= 256;
    }
}

/// What a load from `memory` gives; nothing if the opcode is no load.
[[nodiscard]] constexpr std::optional<uint64_t> load(uint8_t opcode,
                                                     std::span<const uint8_t> memory) {
    const unsigned size = size_of(opcode);
    if (class_of(opcode) != ldx) return {};
    const uint64_t value = little_endian(memory.first(size));
    if (mode_of(opcode) == 0x60) return value;
    if (mode_of(opcode) == 0x80 and size != 8) return as_register(as_signed(value, 8 * size), 64);
    return {};
}

/// Stores to the beginning of `memory`; false if the opcode is no store.
[[nodiscard]] constexpr bool store(const encoded &i, std::span<uint8_t> memory, uint64_t src) {
    if (mode_of(i.opcode) != 0x60) return false;
    if (class_of(i.opcode) != st and class_of(i.opcode) != stx) return false;
    put_little_endian(memory, class_of(i.opcode) == st ? as_register(i.imm, 64) : src,
                      size_of(i.opcode));
    return true;
}

// --- atomic operations (section 5.3; load-acquire and store-release are Linux's)

/// What an atomic operation reads and changes. Load-acquire writes `loaded`, the others leave it
/// alone.
struct atomic_state {
    uint64_t cell = 0;  ///< the memory, zero-extended
    uint64_t src = 0;
    uint64_t r0 = 0;
    uint64_t loaded = 0;
    bool loads = false;

    friend bool operator==(const atomic_state &, const atomic_state &) = default;
};

/// The state after the atomic operation; nothing if there is none of this encoding.
[[nodiscard]] constexpr std::optional<atomic_state> atomic(const encoded &i,
                                                           const atomic_state &before) {
    if (class_of(i.opcode) != stx or mode_of(i.opcode) != 0xc0) return {};
    const unsigned bits = 8 * size_of(i.opcode);
    const uint64_t old = before.cell;
    const uint64_t src = as_register(before.src, bits);
    atomic_state after = before;
    if (i.imm == 0x100) {
        after.loaded = old;
        after.loads = true;
        return after;
    }
    if (i.imm == 0x110) {
        after.cell = src;
        return after;
    }
    if (bits < 32) return {};
    switch (i.imm) {
    case 0x00:
    case 0x01: after.cell = as_register(integer{old} + src, bits); break;
    case 0x40:
    case 0x41: after.cell = old | src; break;
    case 0x50:
    case 0x51: after.cell = old & src; break;
    case 0xa0:
    case 0xa1: after.cell = old ^ src; break;
    case 0xe1: after.cell = src; break;
    case 0xf1:
        if (old == as_register(before.r0, bits)) after.cell = src;
        after.r0 = old;
        return after;
    default: return {};
    }
    if ((i.imm & 0x01) != 0) after.src = old;
    return after;
}

// --- legacy packet access (section 5.5)

/// What became of a packet load: data in host byte order, or the end of the function.
struct packet_effect {
    bool ends_function = false;
    uint64_t r0 = 0;

    friend bool operator==(const packet_effect &, const packet_effect &) = default;
};

/// Nothing if the encoding is no packet load. Index and immediate add up on 32 bits, as a signed
/// number.
[[nodiscard]] constexpr std::optional<packet_effect> packet_load(const encoded &i, uint64_t src,
                                                                 std::span<const uint8_t> packet) {
    const bool indirect = mode_of(i.opcode) == 0x40;
    const unsigned size = size_of(i.opcode);
    if (class_of(i.opcode) != ld or (mode_of(i.opcode) != 0x20 and not indirect) or size == 8)
        return {};
    const integer offset = as_signed(integer{i.imm} + (indirect ? integer{src} : integer{0}), 32);
    if (offset < 0 or offset + size > integer{packet.size()}) return packet_effect{true, 0};
    const uint64_t value = little_endian(packet.subspan(static_cast<std::size_t>(offset), size));
    return packet_effect{false, with_bytes_reversed(value, size)};
}

}  // namespace bpftime::vm::test::reference
