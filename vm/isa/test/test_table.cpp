// bpftime-vm: tests of the opcode table against itself, a search and a list by hand
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "example.hpp"
#include "isa/validate.hpp"
#include "support.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>

namespace bpftime::vm::isa::test {

namespace {

// --- the table and its readers

TEST(table, every_row_decodes_to_itself) {
    for (const insn_id id : all_rows()) {
        const auto [insn, next_imm] = example_of(id);
        const auto code = bytes_of(insn, next_imm);
        EXPECT_EQ(find_row(read_slot(code, 0)), id) << info(id).name;
        const auto decoded = decode(code, 0);
        ASSERT_TRUE(decoded) << info(id).name << ": " << decoded.error().message;
        EXPECT_EQ(*decoded, insn) << info(id).name;
    }
}

/// The rows that match `s` by the words of the legend of instructions.def.
std::vector<insn_id> search(std::span<const insn_id> rows, const slot &s) {
    std::vector<insn_id> found;
    for (const insn_id id : rows) {
        const insn_info &row = info(id);
        const bool matches =
            row.selector == selector::none or
            (row.selector == selector::offset and row.selector_value == s.offset) or
            (row.selector == selector::imm and row.selector_value == s.imm) or
            (row.selector == selector::imm_nonzero and s.imm != 0) or
            (row.selector == selector::src and row.selector_value == s.src);
        if (row.opcode == s.opcode and matches) found.push_back(id);
    }
    return found;
}

std::vector<insn_id> rows_with(uint8_t opcode) {
    std::vector<insn_id> rows = all_rows();
    std::erase_if(rows, [&](insn_id id) { return info(id).opcode != opcode; });
    return rows;
}

/// Empty if find_row() and the search agree on `s`.
std::string disagreement(std::span<const insn_id> rows, const slot &s) {
    const auto expected = search(rows, s);
    const insn_id found = find_row(s);
    if (expected.empty() ? found == insn_id::none
                         : expected.size() == 1 and found == expected.front())
        return {};
    return fmt::format(
        "opcode 0x{:02x} src {} offset {} imm {}: the search has {} rows, find_row() row {}",
        s.opcode, s.src, s.offset, s.imm, expected.size(), static_cast<int>(found));
}

TEST(table, find_row_agrees_with_a_search_over_all_selectors) {
    std::set<int32_t> imms{0,
                           1,
                           -1,
                           2,
                           7,
                           8,
                           15,
                           16,
                           17,
                           31,
                           32,
                           33,
                           63,
                           64,
                           65,
                           0x101,
                           0x111,
                           0x10000,
                           std::numeric_limits<int32_t>::min(),
                           std::numeric_limits<int32_t>::max()};
    for (const insn_info &row : insn_table) {
        if (row.selector == selector::imm) imms.insert(row.selector_value);
    }
    for (unsigned opcode = 0; opcode < 256; ++opcode) {
        const auto rows = rows_with(static_cast<uint8_t>(opcode));
        for (const int offset : {-1, 0, 1, 8, 16, 32}) {
            for (const int32_t imm : imms) {
                for (uint8_t src = 0; src < 16; ++src) {
                    const slot s{static_cast<uint8_t>(opcode), 3, src, static_cast<int16_t>(offset),
                                 imm};
                    if (const auto text = disagreement(rows, s); not text.empty()) FAIL() << text;
                }
            }
        }
    }
}

TEST(table, find_row_agrees_with_a_search_over_all_offsets) {
    for (unsigned opcode = 0; opcode < 256; ++opcode) {
        const auto rows = rows_with(static_cast<uint8_t>(opcode));
        EXPECT_EQ(is_known_opcode(static_cast<uint8_t>(opcode)), not rows.empty()) << opcode;
        if (rows.empty()) continue;
        for (int offset = -0x8000; offset < 0x8000; ++offset) {
            const slot s{.opcode = static_cast<uint8_t>(opcode),
                         .offset = static_cast<int16_t>(offset)};
            if (const auto text = disagreement(rows, s); not text.empty()) FAIL() << text;
        }
    }
}

TEST(table, slots_keep_every_field) {
    constexpr auto registers = std::to_array<uint8_t>({0, 1, 10, 15});
    constexpr auto offsets = std::to_array<int16_t>({-0x8000, -1, 0, 1, 0x1234, 0x7fff});
    constexpr auto imms =
        std::to_array<int32_t>({-0x7fffffff - 1, -1, 0, 1, 0x12345678, 0x7fffffff});
    for (const uint8_t dst : registers) {
        for (const uint8_t src : registers) {
            for (const int16_t offset : offsets) {
                for (const int32_t imm : imms) {
                    const slot s{0xa5, dst, src, offset, imm};
                    EXPECT_EQ(read_slot(bytes_of(std::array{s}), 0), s);
                }
            }
        }
    }
}

TEST(table, slots_are_little_endian) {
    const slot s{.opcode = 0x12, .dst = 3, .src = 4, .offset = 0x5678, .imm = 0x1a2b3c4d};
    EXPECT_EQ(to_hex(bytes_of(std::array{slot{}, s})),
              "00 00 00 00 00 00 00 00 12 43 78 56 4d 3c 2b 1a");
    EXPECT_EQ(read_slot(bytes_of(std::array{slot{}, s}), 1), s);
}

// --- a second list of the instruction set, from RFC 9669 and the kernel's documentation

/// One encoding and what it does; how the table is compared with the list below.
struct encoding {
    unsigned opcode;
    selector field;
    int value;
    operation op;
    unsigned bits;
    bool reads_src;

    friend auto operator<=>(const encoding &, const encoding &) = default;
};

std::string describe(const encoding &e) {
    return fmt::format("opcode 0x{:02x} selector {} = {}: {} on {} bits, {}", e.opcode,
                       static_cast<int>(e.field), e.value, info(e.op).name, e.bits,
                       e.reads_src ? "register" : "immediate");
}

/// RFC 9669, section 4.1: opcode bytes for immediate and register, 32 bits, then 64 bits; offset
/// where it selects.
struct arithmetic_row {
    operation op;
    uint8_t imm32, reg32, imm64, reg64;
    selector field = selector::none;
    int value = 0;
};

constexpr auto arithmetic_rows = std::to_array<arithmetic_row>({
    {operation::add, 0x04, 0x0c, 0x07, 0x0f},
    {operation::sub, 0x14, 0x1c, 0x17, 0x1f},
    {operation::mul, 0x24, 0x2c, 0x27, 0x2f},
    {operation::div, 0x34, 0x3c, 0x37, 0x3f, selector::offset, 0},
    {operation::sdiv, 0x34, 0x3c, 0x37, 0x3f, selector::offset, 1},
    {operation::or_, 0x44, 0x4c, 0x47, 0x4f},
    {operation::and_, 0x54, 0x5c, 0x57, 0x5f},
    {operation::lsh, 0x64, 0x6c, 0x67, 0x6f},
    {operation::rsh, 0x74, 0x7c, 0x77, 0x7f},
    {operation::mod, 0x94, 0x9c, 0x97, 0x9f, selector::offset, 0},
    {operation::smod, 0x94, 0x9c, 0x97, 0x9f, selector::offset, 1},
    {operation::xor_, 0xa4, 0xac, 0xa7, 0xaf},
    {operation::arsh, 0xc4, 0xcc, 0xc7, 0xcf},
});

/// RFC 9669, section 4.3: 64-bit comparison with immediate and register, then 32-bit.
struct branch_row {
    operation op;
    uint8_t imm64, reg64, imm32, reg32;
};

constexpr auto branch_rows = std::to_array<branch_row>({
    {operation::jeq, 0x15, 0x1d, 0x16, 0x1e},
    {operation::jgt, 0x25, 0x2d, 0x26, 0x2e},
    {operation::jge, 0x35, 0x3d, 0x36, 0x3e},
    {operation::jset, 0x45, 0x4d, 0x46, 0x4e},
    {operation::jne, 0x55, 0x5d, 0x56, 0x5e},
    {operation::jsgt, 0x65, 0x6d, 0x66, 0x6e},
    {operation::jsge, 0x75, 0x7d, 0x76, 0x7e},
    {operation::jlt, 0xa5, 0xad, 0xa6, 0xae},
    {operation::jle, 0xb5, 0xbd, 0xb6, 0xbe},
    {operation::jslt, 0xc5, 0xcd, 0xc6, 0xce},
    {operation::jsle, 0xd5, 0xdd, 0xd6, 0xde},
});

/// RFC 9669, section 5.3: the immediates of the atomics 0xc3 (32 bits) and 0xdb (64 bits).
constexpr auto atomic_rows = std::to_array<std::pair<int, operation>>({
    {0x00, operation::atomic_add},
    {0x01, operation::atomic_fetch_add},
    {0x40, operation::atomic_or},
    {0x41, operation::atomic_fetch_or},
    {0x50, operation::atomic_and},
    {0x51, operation::atomic_fetch_and},
    {0xa0, operation::atomic_xor},
    {0xa1, operation::atomic_fetch_xor},
    {0xe1, operation::atomic_xchg},
    {0xf1, operation::atomic_cmpxchg},
});

using enum selector;

constexpr auto other_rows = std::to_array<encoding>({
    // moves and sign extensions
    {0xb4, none, 0, operation::mov, 32, false},
    {0xb7, none, 0, operation::mov, 64, false},
    {0xbc, offset, 0, operation::mov, 32, true},
    {0xbf, offset, 0, operation::mov, 64, true},
    {0xbc, offset, 8, operation::movsx8, 32, true},
    {0xbc, offset, 16, operation::movsx16, 32, true},
    {0xbf, offset, 8, operation::movsx8, 64, true},
    {0xbf, offset, 16, operation::movsx16, 64, true},
    {0xbf, offset, 32, operation::movsx32, 64, true},
    {0xbf, offset, 1, operation::addr_space_cast, 64, true},
    // one operand
    {0x84, none, 0, operation::neg, 32, false},
    {0x87, none, 0, operation::neg, 64, false},
    {0xd4, imm, 16, operation::le, 16, false},
    {0xd4, imm, 32, operation::le, 32, false},
    {0xd4, imm, 64, operation::le, 64, false},
    {0xdc, imm, 16, operation::be, 16, false},
    {0xdc, imm, 32, operation::be, 32, false},
    {0xdc, imm, 64, operation::be, 64, false},
    {0xd7, imm, 16, operation::bswap, 16, false},
    {0xd7, imm, 32, operation::bswap, 32, false},
    {0xd7, imm, 64, operation::bswap, 64, false},
    // jumps, calls, exit
    {0x05, none, 0, operation::ja, 0, false},
    {0x06, none, 0, operation::ja, 0, false},
    {0x0d, none, 0, operation::gotox, 0, false},
    {0xe5, src, 0, operation::may_goto, 0, false},
    {0x85, src, 0, operation::call_helper, 0, false},
    {0x85, src, 1, operation::call_local, 0, false},
    {0x85, src, 2, operation::call_kfunc, 0, false},
    {0x8d, imm, 0, operation::callx, 0, false},
    {0x8d, imm_nonzero, 0, operation::callx, 0, false},
    {0x95, none, 0, operation::exit_, 0, false},
    // loads and stores
    {0x71, none, 0, operation::load, 8, true},
    {0x69, none, 0, operation::load, 16, true},
    {0x61, none, 0, operation::load, 32, true},
    {0x79, none, 0, operation::load, 64, true},
    {0x91, none, 0, operation::load_sx, 8, true},
    {0x89, none, 0, operation::load_sx, 16, true},
    {0x81, none, 0, operation::load_sx, 32, true},
    {0x72, none, 0, operation::store, 8, false},
    {0x6a, none, 0, operation::store, 16, false},
    {0x62, none, 0, operation::store, 32, false},
    {0x7a, none, 0, operation::store, 64, false},
    {0x73, none, 0, operation::store, 8, true},
    {0x6b, none, 0, operation::store, 16, true},
    {0x63, none, 0, operation::store, 32, true},
    {0x7b, none, 0, operation::store, 64, true},
    {0xd3, imm, 0x100, operation::load_acquire, 8, true},
    {0xcb, imm, 0x100, operation::load_acquire, 16, true},
    {0xc3, imm, 0x100, operation::load_acquire, 32, true},
    {0xdb, imm, 0x100, operation::load_acquire, 64, true},
    {0xd3, imm, 0x110, operation::store_release, 8, true},
    {0xcb, imm, 0x110, operation::store_release, 16, true},
    {0xc3, imm, 0x110, operation::store_release, 32, true},
    {0xdb, imm, 0x110, operation::store_release, 64, true},
    // packet data
    {0x20, none, 0, operation::load_packet, 32, false},
    {0x28, none, 0, operation::load_packet, 16, false},
    {0x30, none, 0, operation::load_packet, 8, false},
    {0x40, none, 0, operation::load_packet, 32, true},
    {0x48, none, 0, operation::load_packet, 16, true},
    {0x50, none, 0, operation::load_packet, 8, true},
    // 64-bit immediates
    {0x18, src, 0, operation::lddw, 64, false},
    {0x18, src, 1, operation::lddw_map_fd, 64, false},
    {0x18, src, 2, operation::lddw_map_fd_val, 64, false},
    {0x18, src, 3, operation::lddw_var, 64, false},
    {0x18, src, 4, operation::lddw_code, 64, false},
    {0x18, src, 5, operation::lddw_map_idx, 64, false},
    {0x18, src, 6, operation::lddw_map_idx_val, 64, false},
});

std::vector<encoding> encodings_by_hand() {
    std::vector<encoding> list{other_rows.begin(), other_rows.end()};
    for (const arithmetic_row &r : arithmetic_rows) {
        list.push_back({r.imm32, r.field, r.value, r.op, 32, false});
        list.push_back({r.reg32, r.field, r.value, r.op, 32, true});
        list.push_back({r.imm64, r.field, r.value, r.op, 64, false});
        list.push_back({r.reg64, r.field, r.value, r.op, 64, true});
    }
    for (const branch_row &r : branch_rows) {
        list.push_back({r.imm64, none, 0, r.op, 64, false});
        list.push_back({r.reg64, none, 0, r.op, 64, true});
        list.push_back({r.imm32, none, 0, r.op, 32, false});
        list.push_back({r.reg32, none, 0, r.op, 32, true});
    }
    for (const auto &[value, op] : atomic_rows) {
        list.push_back({0xc3, imm, value, op, 32, true});
        list.push_back({0xdb, imm, value, op, 64, true});
    }
    std::ranges::sort(list);
    return list;
}

std::vector<encoding> encodings_of_the_table() {
    std::vector<encoding> list;
    for (const insn_info &row : insn_table) {
        list.push_back({row.opcode, row.selector, row.selector_value, row.operation,
                        bits_of(row.width), info(row.shape).src != register_role::none});
    }
    std::ranges::sort(list);
    return list;
}

/// What `a` has and `b` has not, a line each.
std::string missing_from(std::span<const encoding> b, std::span<const encoding> a) {
    std::vector<encoding> rest;
    std::ranges::set_difference(a, b, std::back_inserter(rest));
    std::string text;
    for (const encoding &e : rest) text += describe(e) + '\n';
    return text;
}

TEST(table, has_every_encoding_of_the_list_by_hand) {
    EXPECT_EQ(missing_from(encodings_of_the_table(), encodings_by_hand()), "");
}

TEST(table, has_no_encoding_that_the_list_by_hand_lacks) {
    EXPECT_EQ(missing_from(encodings_by_hand(), encodings_of_the_table()), "");
}

TEST(table, lists_no_encoding_twice) {
    for (const auto &list : {encodings_by_hand(), encodings_of_the_table()}) {
        const auto same = std::ranges::adjacent_find(list);
        EXPECT_EQ(same, list.end()) << describe(*same);
    }
}

// --- the bits of the opcode byte (RFC 9669, section 3)

TEST(table, opcode_bits_say_class_source_size_and_mode) {
    for (const insn_id id : all_rows()) {
        const insn_info &row = info(id);
        const operation_kind kind = kind_of(id);
        const unsigned opcode_class = row.opcode & 7;
        const bool from_register = (row.opcode & 8) != 0;
        const bool reads_src = info(row.shape).src != register_role::none;
        const bool swaps_bytes = row.shape == shape::byte_order;
        if ((kind == operation_kind::alu or kind == operation_kind::convert) and not swaps_bytes) {
            EXPECT_EQ(opcode_class, row.width == width::w32 ? 4U : 7U) << row.name;
            EXPECT_EQ(from_register, reads_src) << row.name;
        } else if (kind == operation_kind::branch and row.operation != operation::may_goto) {
            EXPECT_EQ(opcode_class, row.width == width::w32 ? 6U : 5U) << row.name;
            EXPECT_EQ(from_register, reads_src) << row.name;
        } else if (row.width != width::none and not swaps_bytes) {
            constexpr std::array size_of_bits{32, 16, 8, 64};
            EXPECT_EQ(bits_of(row.width),
                      static_cast<unsigned>(size_of_bits.at(row.opcode >> 3 & 3)))
                << row.name;
            constexpr unsigned mode_mem = 3, mode_memsx = 4, mode_atomic = 6;
            const unsigned mode = row.opcode >> 5;
            EXPECT_EQ(mode == mode_memsx, row.operation == operation::load_sx) << row.name;
            EXPECT_EQ(mode == mode_atomic, kind == operation_kind::atomic) << row.name;
            EXPECT_EQ(mode == mode_mem,
                      row.operation == operation::load or row.operation == operation::store)
                << row.name;
        }
    }
}

TEST(table, kinds_tell_wide_and_final_instructions) {
    for (const insn_id id : all_rows()) {
        EXPECT_EQ(is_wide(id), info(id).opcode == 0x18) << info(id).name;
        const auto final_opcodes = {0x05, 0x06, 0x0d, 0x95};
        EXPECT_EQ(ends_flow(id),
                  std::ranges::find(final_opcodes, info(id).opcode) != final_opcodes.end())
            << info(id).name;
    }
    EXPECT_FALSE(is_wide(insn_id::none));
    EXPECT_FALSE(ends_flow(insn_id::none));
}

}  // namespace

}  // namespace bpftime::vm::isa::test
