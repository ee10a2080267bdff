// bpftime-vm: the eBPF instruction set as data
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace bpftime::vm::isa {

/// Registers r0 to r10 (RFC 9669, section 3.2); r10 is the read-only frame pointer.
inline constexpr unsigned register_count = 11;
inline constexpr unsigned frame_pointer = 10;
/// Bytes of one instruction slot; lddw takes two slots.
inline constexpr std::size_t slot_size = 8;

/// How many bits an operation works on.
enum class width : uint8_t { none = 0, w8 = 8, w16 = 16, w32 = 32, w64 = 64 };

[[nodiscard]] constexpr unsigned bits_of(width w) noexcept { return static_cast<unsigned>(w); }
[[nodiscard]] constexpr unsigned bytes_of(width w) noexcept { return bits_of(w) / 8; }

enum class operation_kind : uint8_t {
    alu,
    convert,
    branch,
    jump,
    call,
    exit,
    load,
    store,
    atomic,
    packet,
    wide
};

/// What an instruction does; rows of operations.def.
enum class operation : uint8_t {
#define OPERATION(name, kind, symbol) name,
#include "isa/operations.def"
#undef OPERATION
};

/// Which fields are operands, and how; rows of shapes.def.
enum class shape : uint8_t {
#define SHAPE(name, dst, src, offset, imm, assembly, c_like) name,
#include "isa/shapes.def"
#undef SHAPE
};

/// Which field besides the opcode byte tells instructions apart.
enum class selector : uint8_t { none, offset, imm, imm_nonzero, src };

/// Conformance groups (RFC 9669, section 2.4), and two for what came after it.
enum class group : uint8_t {
    base32,
    base64,
    divmul32,
    divmul64,
    atomic32,
    atomic64,
    packet,
    callx,
    post_rfc
};

/// Every instruction; rows of instructions.def. `none` is no instruction (the second slot of lddw).
enum class insn_id : uint8_t {
#define INSN(id, mnemonic, opcode, selector, value, shape, operation, width, group, cpu) id,
#include "isa/instructions.def"
#undef INSN
    none
};
inline constexpr std::size_t insn_count = static_cast<std::size_t>(insn_id::none);

enum class register_role : uint8_t { none, read, write, update };
enum class offset_role : uint8_t { none, jump, memory, index };
enum class imm_role : uint8_t {
    none,
    value,
    jump,
    function,
    helper,
    kfunc,
    reg,
    spaces,
    wide,
    object,
    object_offset
};

struct operation_info {
    std::string_view name;
    operation_kind kind;
    std::string_view symbol;
};

struct shape_info {
    std::string_view name;
    register_role dst;
    register_role src;
    offset_role offset;
    imm_role imm;
    std::string_view assembly;  ///< operand pattern of the assembly text
    std::string_view c_like;    ///< pattern of the C-like text
};

struct insn_info {
    std::string_view name;
    std::string_view mnemonic;
    uint8_t opcode;
    isa::selector selector;
    int32_t selector_value;
    isa::shape shape;
    isa::operation operation;
    isa::width width;
    isa::group group;
    uint8_t cpu_version;
};

namespace detail {
inline constexpr auto operation_table = std::to_array<operation_info>({
#define OPERATION(name, kind, symbol) {#name, operation_kind::kind, symbol},
#include "isa/operations.def"
#undef OPERATION
});

inline constexpr auto shape_table = std::to_array<shape_info>({
#define SHAPE(name, dst, src, offset, imm, assembly, c_like)                                      \
    {#name, register_role::dst, register_role::src, offset_role::offset, imm_role::imm, assembly, \
     c_like},
#include "isa/shapes.def"
#undef SHAPE
});
}  // namespace detail

/// The opcode table, indexed by insn_id.
inline constexpr auto insn_table = std::to_array<insn_info>({
#define INSN(id, mnemonic, opcode, selector_, value, shape_, operation_, width_, group_, cpu) \
    {#id,                                                                                     \
     mnemonic,                                                                                \
     opcode,                                                                                  \
     selector::selector_,                                                                     \
     value,                                                                                   \
     shape::shape_,                                                                           \
     operation::operation_,                                                                   \
     width::width_,                                                                           \
     group::group_,                                                                           \
     cpu},
#include "isa/instructions.def"
#undef INSN
});

[[nodiscard]] constexpr const insn_info &info(insn_id id) noexcept {
    return insn_table[static_cast<std::size_t>(id)];
}
[[nodiscard]] constexpr const operation_info &info(operation op) noexcept {
    return detail::operation_table[static_cast<std::size_t>(op)];
}
[[nodiscard]] constexpr const shape_info &info(shape s) noexcept {
    return detail::shape_table[static_cast<std::size_t>(s)];
}

/// The fields of one 8-byte slot, little-endian encoding (RFC 9669, section 3).
struct slot {
    uint8_t opcode = 0;
    uint8_t dst = 0;  ///< 0 to 15: the encoding has room for registers that do not exist
    uint8_t src = 0;
    int16_t offset = 0;
    int32_t imm = 0;

    friend constexpr bool operator==(const slot &, const slot &) = default;
};

/// Reads slot `index` of `code`; the caller guarantees that it is there.
[[nodiscard]] slot read_slot(std::span<const uint8_t> code, std::size_t index) noexcept;

/// Writes `s` as 8 bytes to `out`.
void write_slot(const slot &s, std::span<uint8_t, slot_size> out) noexcept;

/// A slot with its row found. In a decoded program, index = pc; the second slot of lddw has id
/// none.
struct instruction {
    insn_id id = insn_id::none;
    uint8_t dst = 0;
    uint8_t src = 0;
    int16_t offset = 0;
    int32_t imm = 0;

    friend constexpr bool operator==(const instruction &, const instruction &) = default;
};

/// The row that `s` is, insn_id::none if there is none. Says nothing about reserved fields.
[[nodiscard]] insn_id find_row(const slot &s) noexcept;

/// Whether any row has this opcode byte.
[[nodiscard]] bool is_known_opcode(uint8_t opcode) noexcept;

/// The slot that encodes `insn` (for lddw: its first slot).
[[nodiscard]] slot encode(const instruction &insn) noexcept;

[[nodiscard]] constexpr operation_kind kind_of(insn_id id) noexcept {
    return info(info(id).operation).kind;
}
/// Whether the instruction takes two slots.
[[nodiscard]] constexpr bool is_wide(insn_id id) noexcept {
    return id != insn_id::none && kind_of(id) == operation_kind::wide;
}
/// Whether control never goes on to the next instruction.
[[nodiscard]] constexpr bool ends_flow(insn_id id) noexcept {
    return id != insn_id::none &&
           (kind_of(id) == operation_kind::jump || kind_of(id) == operation_kind::exit);
}

}  // namespace bpftime::vm::isa
