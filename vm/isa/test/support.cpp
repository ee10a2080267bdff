// bpftime-vm: what the tests of the instruction set share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <stdexcept>

namespace bpftime::vm::isa::test {

std::vector<uint8_t> bytes_of(std::span<const slot> slots) {
    std::vector<uint8_t> code(slots.size() * slot_size);
    for (std::size_t i = 0; i < slots.size(); ++i) {
        write_slot(slots[i], std::span{code}.subspan(i * slot_size).first<slot_size>());
    }
    return code;
}

std::vector<uint8_t> bytes_of(const instruction &insn, int32_t next_imm) {
    std::vector<slot> slots{encode(insn)};
    if (is_wide(insn.id)) slots.push_back({.imm = next_imm});
    return bytes_of(slots);
}

std::vector<uint8_t> from_hex(std::string_view hex) {
    std::vector<uint8_t> bytes;
    for (std::size_t at = 0; at < hex.size(); at += 3) {
        uint8_t byte = 0;
        const char *const first = hex.data() + at;
        const bool complete = at + 2 == hex.size() or (at + 2 < hex.size() and hex[at + 2] == ' ');
        if (not complete or std::from_chars(first, first + 2, byte, 16).ptr != first + 2) {
            throw std::runtime_error{fmt::format("not hexadecimal bytes: '{}'", hex)};
        }
        bytes.push_back(byte);
    }
    return bytes;
}

std::string to_hex(std::span<const uint8_t> bytes) {
    return fmt::format("{:02x}", fmt::join(bytes, " "));
}

std::vector<insn_id> all_rows() {
    std::vector<insn_id> rows;
    for (std::size_t i = 0; i < insn_count; ++i) rows.push_back(static_cast<insn_id>(i));
    return rows;
}

}  // namespace bpftime::vm::isa::test
