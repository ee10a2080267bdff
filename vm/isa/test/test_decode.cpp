// bpftime-vm: tests of decode(): every reserved field, register and second slot, exact messages
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "example.hpp"
#include "isa/text.hpp"
#include "isa/validate.hpp"
#include "support.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace bpftime::vm::isa::test {

namespace {

// The remedies, spelled out: a change of wording is a change that users see.
constexpr std::string_view zero_remedy =
    ": reserved fields must be zero (RFC 9669, section 3): regenerate the bytecode";
constexpr std::string_view opcode_remedy =
    ": compile for -mcpu=v4 or lower, without kernel-internal instructions";
constexpr std::string_view register_remedy = ": registers are r0 to r10";
constexpr std::string_view write_remedy =
    ": r10 is the frame pointer: copy it to another register first";
constexpr std::string_view lddw_remedy =
    ": lddw takes two 8-byte slots, the second with opcode, registers and offset zero";

std::string decode_error(std::string_view hex, std::size_t index = 0) {
    return error_of(decode(from_hex(hex), index));
}

/// A rejected program and what is said about it, without the remedy.
struct rejected {
    std::string_view hex;
    std::string_view detail;
};

void expect_rejected(std::span<const rejected> cases, std::string_view code,
                     std::string_view remedy) {
    for (const auto &[hex, detail] : cases) {
        EXPECT_EQ(decode_error(hex), fmt::format("{}: {}{}", code, detail, remedy)) << hex;
    }
}

// --- reserved fields, by hand: each field that each shape does not use

TEST(decode, rejects_reserved_fields) {
    constexpr auto cases = std::to_array<rejected>({
        // alu_imm, alu_reg
        {"07 31 00 00 07 00 00 00", "reserved field src is 3, not zero at pc 0 (`add %r1, 7`)"},
        {"07 01 05 00 07 00 00 00", "reserved field offset is 5, not zero at pc 0 (`add %r1, 7`)"},
        {"0f 21 ff ff 00 00 00 00",
         "reserved field offset is -1, not zero at pc 0 (`add %r1, %r2`)"},
        {"0f 21 00 00 07 00 00 00", "reserved field imm is 7, not zero at pc 0 (`add %r1, %r2`)"},
        {"3f 21 01 00 00 00 00 80",
         "reserved field imm is -2147483648, not zero at pc 0 (`sdiv %r1, %r2`)"},
        {"34 f1 01 00 02 00 00 00", "reserved field src is 15, not zero at pc 0 (`sdiv32 %r1, 2`)"},
        // mov_imm, mov_reg, movsx
        {"b4 11 00 00 07 00 00 00", "reserved field src is 1, not zero at pc 0 (`mov32 %r1, 7`)"},
        {"b7 01 08 00 07 00 00 00", "reserved field offset is 8, not zero at pc 0 (`mov %r1, 7`)"},
        {"bf 21 00 00 01 00 00 00", "reserved field imm is 1, not zero at pc 0 (`mov %r1, %r2`)"},
        {"bf 21 20 00 01 00 00 00",
         "reserved field imm is 1, not zero at pc 0 (`movsx3264 %r1, %r2`)"},
        // negate, byte_order, space_cast
        {"87 11 00 00 00 00 00 00", "reserved field src is 1, not zero at pc 0 (`neg %r1`)"},
        {"87 01 01 00 00 00 00 00", "reserved field offset is 1, not zero at pc 0 (`neg %r1`)"},
        {"84 01 00 00 01 00 00 00", "reserved field imm is 1, not zero at pc 0 (`neg32 %r1`)"},
        {"d7 11 00 00 10 00 00 00", "reserved field src is 1, not zero at pc 0 (`swap16 %r1`)"},
        {"dc 01 01 00 40 00 00 00", "reserved field offset is 1, not zero at pc 0 (`be64 %r1`)"},
        {"bf 21 01 00 02 00 00 00",
         "reserved field imm is 2: address spaces are (0, 1) or (1, 0) at pc 0 (`addr_space_cast "
         "%r1, %r2, 0, 2`)"},
        {"bf 21 01 00 00 00 00 00",
         "reserved field imm is 0: address spaces are (0, 1) or (1, 0) at pc 0 (`addr_space_cast "
         "%r1, %r2, 0, 0`)"},
        {"bf 21 01 00 01 00 01 00",
         "reserved field imm is 65537: address spaces are (0, 1) or (1, 0) at pc 0 "
         "(`addr_space_cast %r1, %r2, 1, 1`)"},
        // branch_imm, branch_reg, branch_budget
        {"15 21 03 00 07 00 00 00", "reserved field src is 2, not zero at pc 0 (`jeq %r1, 7, +3`)"},
        {"ae 21 fd ff 01 00 00 00",
         "reserved field imm is 1, not zero at pc 0 (`jlt32 %r1, %r2, -3`)"},
        {"e5 01 03 00 00 00 00 00", "reserved field dst is 1, not zero at pc 0 (`may_goto +3`)"},
        {"e5 00 03 00 01 00 00 00", "reserved field imm is 1, not zero at pc 0 (`may_goto +3`)"},
        // jump, jump_wide, jump_reg
        {"05 01 03 00 00 00 00 00", "reserved field dst is 1, not zero at pc 0 (`ja +3`)"},
        {"05 20 03 00 00 00 00 00", "reserved field src is 2, not zero at pc 0 (`ja +3`)"},
        {"05 00 03 00 04 00 00 00", "reserved field imm is 4, not zero at pc 0 (`ja +3`)"},
        {"06 01 00 00 03 00 00 00", "reserved field dst is 1, not zero at pc 0 (`ja32 +3`)"},
        {"06 20 00 00 03 00 00 00", "reserved field src is 2, not zero at pc 0 (`ja32 +3`)"},
        {"06 00 04 00 03 00 00 00", "reserved field offset is 4, not zero at pc 0 (`ja32 +3`)"},
        {"0d 21 00 00 00 00 00 00", "reserved field src is 2, not zero at pc 0 (`gotox %r1`)"},
        {"0d 01 01 00 00 00 00 00", "reserved field offset is 1, not zero at pc 0 (`gotox %r1`)"},
        {"0d 01 00 00 01 00 00 00", "reserved field imm is 1, not zero at pc 0 (`gotox %r1`)"},
        // call_id, call_func, call_btf, call_reg, call_reg_imm, leave
        {"85 01 00 00 07 00 00 00", "reserved field dst is 1, not zero at pc 0 (`call 7`)"},
        {"85 00 01 00 07 00 00 00", "reserved field offset is 1, not zero at pc 0 (`call 7`)"},
        {"85 11 00 00 07 00 00 00", "reserved field dst is 1, not zero at pc 0 (`call local +7`)"},
        {"85 10 ff ff 07 00 00 00",
         "reserved field offset is -1, not zero at pc 0 (`call local +7`)"},
        {"85 21 04 00 07 00 00 00",
         "reserved field dst is 1, not zero at pc 0 (`call kfunc 7, 4`)"},
        {"8d 21 00 00 00 00 00 00", "reserved field src is 2, not zero at pc 0 (`call %r1`)"},
        {"8d 01 03 00 00 00 00 00", "reserved field offset is 3, not zero at pc 0 (`call %r1`)"},
        {"8d 01 00 00 07 00 00 00", "reserved field dst is 1, not zero at pc 0 (`callx %r7`)"},
        {"8d 20 00 00 07 00 00 00", "reserved field src is 2, not zero at pc 0 (`callx %r7`)"},
        {"8d 00 03 00 07 00 00 00", "reserved field offset is 3, not zero at pc 0 (`callx %r7`)"},
        {"95 01 00 00 00 00 00 00", "reserved field dst is 1, not zero at pc 0 (`exit`)"},
        {"95 20 00 00 00 00 00 00", "reserved field src is 2, not zero at pc 0 (`exit`)"},
        {"95 00 03 00 00 00 00 00", "reserved field offset is 3, not zero at pc 0 (`exit`)"},
        {"95 00 00 00 07 00 00 00", "reserved field imm is 7, not zero at pc 0 (`exit`)"},
        // load, store_imm, store_reg
        {"79 21 08 00 07 00 00 00",
         "reserved field imm is 7, not zero at pc 0 (`ldxdw %r1, [%r2+8]`)"},
        {"81 21 f8 ff 07 00 00 00",
         "reserved field imm is 7, not zero at pc 0 (`ldxsw %r1, [%r2-8]`)"},
        {"72 21 08 00 07 00 00 00", "reserved field src is 2, not zero at pc 0 (`stb [%r1+8], 7`)"},
        {"63 21 08 00 07 00 00 00",
         "reserved field imm is 7, not zero at pc 0 (`stxw [%r1+8], %r2`)"},
        // packet_abs, packet_ind
        {"20 01 00 00 07 00 00 00", "reserved field dst is 1, not zero at pc 0 (`ldabsw 7`)"},
        {"20 20 00 00 07 00 00 00", "reserved field src is 2, not zero at pc 0 (`ldabsw 7`)"},
        {"20 00 08 00 07 00 00 00", "reserved field offset is 8, not zero at pc 0 (`ldabsw 7`)"},
        {"48 21 00 00 07 00 00 00", "reserved field dst is 1, not zero at pc 0 (`ldindh %r2, 7`)"},
        {"48 20 08 00 07 00 00 00",
         "reserved field offset is 8, not zero at pc 0 (`ldindh %r2, 7`)"},
        // wide and its kin
        {"18 01 08 00 07 00 00 00 00 00 00 00 10 00 00 00",
         "reserved field offset is 8, not zero at pc 0 (`lddw %r1, 0x1000000007`)"},
        {"18 11 08 00 07 00 00 00 00 00 00 00 00 00 00 00",
         "reserved field offset is 8, not zero at pc 0 (`lddw %r1, map_by_fd(7)`)"},
        {"18 21 08 00 07 00 00 00 00 00 00 00 10 00 00 00",
         "reserved field offset is 8, not zero at pc 0 (`lddw %r1, map_val(map_by_fd(7))+16`)"},
        {"18 31 08 00 07 00 00 00 00 00 00 00 00 00 00 00",
         "reserved field offset is 8, not zero at pc 0 (`lddw %r1, var_addr(7)`)"},
        {"18 41 08 00 07 00 00 00 00 00 00 00 00 00 00 00",
         "reserved field offset is 8, not zero at pc 0 (`lddw %r1, code_addr(+7)`)"},
        {"18 51 08 00 07 00 00 00 00 00 00 00 00 00 00 00",
         "reserved field offset is 8, not zero at pc 0 (`lddw %r1, map_by_idx(7)`)"},
        {"18 61 08 00 07 00 00 00 00 00 00 00 10 00 00 00",
         "reserved field offset is 8, not zero at pc 0 (`lddw %r1, map_val(map_by_idx(7))+16`)"},
    });
    expect_rejected(cases, "reserved_field", zero_remedy);
}

// --- reserved fields, by the table: each field of each of the rows

/// A field of a slot that a row may leave unused.
struct field_access {
    std::string_view name;
    bool (*is_reserved)(const insn_info &);
    void (*set)(slot &, int64_t);
    std::array<int64_t, 3> values;
};

constexpr auto fields = std::to_array<field_access>({
    {"dst",
     [](const insn_info &row) { return info(row.shape).dst == register_role::none; },
     [](slot &s, int64_t value) { s.dst = static_cast<uint8_t>(value); },
     {1, 10, 15}},
    {"src",
     [](const insn_info &row) {
         return info(row.shape).src == register_role::none and row.selector != selector::src;
     },
     [](slot &s, int64_t value) { s.src = static_cast<uint8_t>(value); },
     {1, 10, 15}},
    {"offset",
     [](const insn_info &row) {
         return info(row.shape).offset == offset_role::none and row.selector != selector::offset;
     },
     [](slot &s, int64_t value) { s.offset = static_cast<int16_t>(value); },
     {1, -1, -32768}},
    {"imm",
     [](const insn_info &row) {
         return info(row.shape).imm == imm_role::none and row.selector != selector::imm and
                row.selector != selector::imm_nonzero;
     },
     [](slot &s, int64_t value) { s.imm = static_cast<int32_t>(value); },
     {1, -1, -2147483648}},
});

/// Whether `value` in `field` of a slot of row `id` makes it another row: then the field is no
/// reserved one.
bool selects_another_row(insn_id id, const field_access &field, int64_t value) {
    slot s = encode(example_of(id).insn);
    field.set(s, value);
    return find_row(s) != id;
}

/// The example of row `id`, one of its fields changed.
std::vector<uint8_t> changed(insn_id id, const field_access &field, int64_t value) {
    const auto [insn, next_imm] = example_of(id);
    std::vector<slot> slots{encode(insn)};
    if (is_wide(insn.id)) slots.push_back({.imm = next_imm});
    field.set(slots.front(), value);
    return bytes_of(slots);
}

TEST(decode, rejects_values_in_the_reserved_fields_of_every_row) {
    for (const insn_id id : all_rows()) {
        const auto [insn, next_imm] = example_of(id);
        for (const field_access &field : fields) {
            if (not field.is_reserved(info(id))) continue;
            for (const int64_t value : field.values) {
                ASSERT_FALSE(selects_another_row(id, field, value))
                    << info(id).name << ' ' << field.name;
                EXPECT_EQ(error_of(decode(changed(id, field, value), 0)),
                          fmt::format(
                              "reserved_field: reserved field {} is {}, not zero at pc 0 (`{}`){}",
                              field.name, value, to_text(insn, next_imm), zero_remedy));
            }
        }
    }
}

/// The register fields of a row that are operands.
std::vector<std::pair<const field_access *, register_role>> register_operands(insn_id id) {
    std::vector<std::pair<const field_access *, register_role>> operands;
    const shape_info &form = info(info(id).shape);
    if (form.dst != register_role::none) operands.emplace_back(&fields[0], form.dst);
    if (form.src != register_role::none) operands.emplace_back(&fields[1], form.src);
    return operands;
}

TEST(decode, rejects_registers_that_do_not_exist_in_every_row) {
    for (const insn_id id : all_rows()) {
        for (const auto &[field, role] : register_operands(id)) {
            for (int64_t number = 11; number < 16; ++number) {
                const auto code = changed(id, *field, number);
                EXPECT_EQ(
                    error_of(decode(code, 0)),
                    fmt::format("bad_register: {} register r{} out of range at pc 0 (`{}`){}",
                                field->name, number, isa::describe(code, 0), register_remedy));
            }
        }
    }
}

TEST(decode, rejects_r10_in_every_row_unless_it_is_only_read) {
    for (const insn_id id : all_rows()) {
        for (const auto &[field, role] : register_operands(id)) {
            const auto code = changed(id, *field, frame_pointer);
            const std::string expected =
                role == register_role::read
                    ? "no error"
                    : fmt::format("read_only_register: r10 is read-only at pc 0 (`{}`){}",
                                  isa::describe(code, 0), write_remedy);
            EXPECT_EQ(error_of(decode(code, 0)), expected) << info(id).name;
        }
    }
}

// --- registers, by hand

TEST(decode, rejects_registers_that_do_not_exist) {
    constexpr auto cases = std::to_array<rejected>({
        {"07 0b 00 00 07 00 00 00", "dst register r11 out of range at pc 0 (`add %r11, 7`)"},
        {"0f b1 00 00 00 00 00 00", "src register r11 out of range at pc 0 (`add %r1, %r11`)"},
        {"79 f1 08 00 00 00 00 00",
         "src register r15 out of range at pc 0 (`ldxdw %r1, [%r15+8]`)"},
        {"8d 0c 00 00 00 00 00 00", "dst register r12 out of range at pc 0 (`call %r12`)"},
        {"8d 00 00 00 0b 00 00 00", "callx register r11 out of range at pc 0 (`callx %r11`)"},
        {"8d 00 00 00 ff ff ff ff",
         "callx register r4294967295 out of range at pc 0 (`callx %r4294967295`)"},
        {"0d 0d 00 00 00 00 00 00", "dst register r13 out of range at pc 0 (`gotox %r13`)"},
        {"40 e0 00 00 00 00 00 00", "src register r14 out of range at pc 0 (`ldindw %r14, 0`)"},
        {"18 0b 00 00 01 00 00 00 00 00 00 00 00 00 00 00",
         "dst register r11 out of range at pc 0 (`lddw %r11, 0x1`)"},
    });
    expect_rejected(cases, "bad_register", register_remedy);
}

TEST(decode, rejects_writes_to_the_frame_pointer) {
    constexpr auto cases = std::to_array<rejected>({
        {"07 0a 00 00 08 00 00 00", "r10 is read-only at pc 0 (`add %r10, 8`)"},
        {"bf 1a 00 00 00 00 00 00", "r10 is read-only at pc 0 (`mov %r10, %r1`)"},
        {"b4 0a 00 00 01 00 00 00", "r10 is read-only at pc 0 (`mov32 %r10, 1`)"},
        {"bc 1a 08 00 00 00 00 00", "r10 is read-only at pc 0 (`movsx832 %r10, %r1`)"},
        {"87 0a 00 00 00 00 00 00", "r10 is read-only at pc 0 (`neg %r10`)"},
        {"d7 0a 00 00 40 00 00 00", "r10 is read-only at pc 0 (`swap64 %r10`)"},
        {"bf 1a 01 00 01 00 00 00", "r10 is read-only at pc 0 (`addr_space_cast %r10, %r1, 0, 1`)"},
        {"71 1a 00 00 00 00 00 00", "r10 is read-only at pc 0 (`ldxb %r10, [%r1]`)"},
        {"91 1a 00 00 00 00 00 00", "r10 is read-only at pc 0 (`ldxsb %r10, [%r1]`)"},
        {"db a1 00 00 01 00 00 00", "r10 is read-only at pc 0 (`lock fetch add [%r1], %r10`)"},
        {"c3 a1 00 00 a1 00 00 00", "r10 is read-only at pc 0 (`lock fetch xor32 [%r1], %r10`)"},
        {"db a1 00 00 e1 00 00 00", "r10 is read-only at pc 0 (`lock xchg [%r1], %r10`)"},
        {"cb 1a 00 00 00 01 00 00", "r10 is read-only at pc 0 (`load_acquire16 %r10, [%r1]`)"},
        {"18 0a 00 00 01 00 00 00 00 00 00 00 00 00 00 00",
         "r10 is read-only at pc 0 (`lddw %r10, 0x1`)"},
        {"18 1a 00 00 01 00 00 00 00 00 00 00 00 00 00 00",
         "r10 is read-only at pc 0 (`lddw %r10, map_by_fd(1)`)"},
    });
    expect_rejected(cases, "read_only_register", write_remedy);
}

TEST(decode, accepts_reads_of_the_frame_pointer) {
    for (const std::string_view hex : {
             "bf a1 00 00 00 00 00 00",  // mov %r1, %r10
             "1d aa 00 00 00 00 00 00",  // jeq %r10, %r10, +0
             "61 a1 fc ff 00 00 00 00",  // ldxw %r1, [%r10-4]
             "7b aa f8 ff 00 00 00 00",  // stxdw [%r10-8], %r10
             "db aa f8 ff 00 00 00 00",  // lock add [%r10-8], %r10
             "db aa f8 ff f1 00 00 00",  // lock cmpxchg [%r10-8], %r10: writes r0
             "db aa f8 ff 10 01 00 00",  // store_release64 [%r10-8], %r10
             "8d 00 00 00 0a 00 00 00",  // callx %r10
             "0d 0a 00 00 00 00 00 00",  // gotox %r10
         }) {
        EXPECT_EQ(decode_error(hex), "no error") << hex;
    }
}

// --- unknown instructions

TEST(decode, rejects_unknown_opcodes) {
    constexpr auto cases = std::to_array<rejected>({
        {"00 00 00 00 00 00 00 00", "unknown opcode 0x00 at pc 0 (`00 00 00 00 00 00 00 00`)"},
        {"ff 00 00 00 00 00 00 00", "unknown opcode 0xff at pc 0 (`ff 00 00 00 00 00 00 00`)"},
        {"8c 21 00 00 00 00 00 00",
         "unknown opcode 0x8c at pc 0 (`8c 21 00 00 00 00 00 00`)"},  // neg32 by register
        {"38 00 00 00 00 00 00 00",
         "unknown opcode 0x38 at pc 0 (`38 00 00 00 00 00 00 00`)"},  // 64-bit packet load
        {"0e 00 00 00 00 00 00 00", "unknown opcode 0x0e at pc 0 (`0e 00 00 00 00 00 00 00`)"},
        {"86 00 00 00 01 00 00 00",
         "unknown opcode 0x86 at pc 0 (`86 00 00 00 01 00 00 00`)"},  // call in JMP32
        {"df 01 00 00 10 00 00 00", "unknown opcode 0xdf at pc 0 (`df 01 00 00 10 00 00 00`)"},
    });
    expect_rejected(cases, "unknown_opcode", opcode_remedy);
}

TEST(decode, rejects_forms_of_the_kernel_itself) {
    constexpr auto cases = std::to_array<rejected>({
        // mov to a per-CPU address
        {"bf 21 ff ff 00 00 00 00",
         "unknown opcode 0xbf with reserved field offset = -1 at pc 0 (`bf 21 ff ff 00 00 00 00`)"},
        // loads that the kernel may recover from: PROBE_MEM, PROBE_MEMSX, PROBE_MEM32, PROBE_ATOMIC
        {"39 21 00 00 00 00 00 00", "unknown opcode 0x39 at pc 0 (`39 21 00 00 00 00 00 00`)"},
        {"59 21 00 00 00 00 00 00", "unknown opcode 0x59 at pc 0 (`59 21 00 00 00 00 00 00`)"},
        {"a1 21 00 00 00 00 00 00", "unknown opcode 0xa1 at pc 0 (`a1 21 00 00 00 00 00 00`)"},
        {"bb 21 00 00 00 00 00 00", "unknown opcode 0xbb at pc 0 (`bb 21 00 00 00 00 00 00`)"},
        {"fb 21 00 00 00 00 00 00", "unknown opcode 0xfb at pc 0 (`fb 21 00 00 00 00 00 00`)"},
        // a sign-extending load of 64 bits; calls with arguments and tail calls as the kernel keeps
        // them
        {"99 21 00 00 00 00 00 00", "unknown opcode 0x99 at pc 0 (`99 21 00 00 00 00 00 00`)"},
        {"f5 00 00 00 00 00 00 00", "unknown opcode 0xf5 at pc 0 (`f5 00 00 00 00 00 00 00`)"},
    });
    expect_rejected(cases, "unknown_opcode", opcode_remedy);
}

TEST(decode, rejects_unknown_values_of_selectors) {
    constexpr auto cases = std::to_array<rejected>({
        {"bc 21 20 00 00 00 00 00",
         "unknown opcode 0xbc with reserved field offset = 32 at pc 0 (`bc 21 20 00 00 00 00 00`)"},
        {"bf 21 02 00 00 00 00 00",
         "unknown opcode 0xbf with reserved field offset = 2 at pc 0 (`bf 21 02 00 00 00 00 00`)"},
        {"3c 21 02 00 00 00 00 00",
         "unknown opcode 0x3c with reserved field offset = 2 at pc 0 (`3c 21 02 00 00 00 00 00`)"},
        {"97 01 ff ff 02 00 00 00",
         "unknown opcode 0x97 with reserved field offset = -1 at pc 0 (`97 01 ff ff 02 00 00 00`)"},
        {"d4 01 00 00 08 00 00 00",
         "unknown opcode 0xd4 with reserved field imm = 8 at pc 0 (`d4 01 00 00 08 00 00 00`)"},
        {"dc 01 00 00 00 00 00 00",
         "unknown opcode 0xdc with reserved field imm = 0 at pc 0 (`dc 01 00 00 00 00 00 00`)"},
        {"d7 01 00 00 f0 ff ff ff",
         "unknown opcode 0xd7 with reserved field imm = -16 at pc 0 (`d7 01 00 00 f0 ff ff ff`)"},
        {"c3 21 00 00 10 00 00 00",
         "unknown opcode 0xc3 with reserved field imm = 16 at pc 0 (`c3 21 00 00 10 00 00 00`)"},
        {"db 21 00 00 e0 00 00 00",  // xchg without fetch
         "unknown opcode 0xdb with reserved field imm = 224 at pc 0 (`db 21 00 00 e0 00 00 00`)"},
        {"db 21 00 00 f0 00 00 00",
         "unknown opcode 0xdb with reserved field imm = 240 at pc 0 (`db 21 00 00 f0 00 00 00`)"},
        {"d3 21 00 00 00 00 00 00",  // atomic add of 8 bits
         "unknown opcode 0xd3 with reserved field imm = 0 at pc 0 (`d3 21 00 00 00 00 00 00`)"},
        {"cb 21 00 00 01 01 00 00",
         "unknown opcode 0xcb with reserved field imm = 257 at pc 0 (`cb 21 00 00 01 01 00 00`)"},
        {"85 30 00 00 01 00 00 00",
         "unknown opcode 0x85 with reserved field src = 3 at pc 0 (`85 30 00 00 01 00 00 00`)"},
        {"e5 10 01 00 00 00 00 00",
         "unknown opcode 0xe5 with reserved field src = 1 at pc 0 (`e5 10 01 00 00 00 00 00`)"},
        {"18 71 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
         "unknown opcode 0x18 with reserved field src = 7 at pc 0 (`18 71 00 00 00 00 00 00`)"},
    });
    expect_rejected(cases, "unknown_opcode", opcode_remedy);
}

TEST(decode, rejects_every_opcode_that_no_row_has) {
    for (unsigned opcode = 0; opcode < 256; ++opcode) {
        if (is_known_opcode(static_cast<uint8_t>(opcode))) continue;
        const auto hex = fmt::format("{:02x} 21 03 00 07 00 00 00", opcode);
        EXPECT_EQ(decode_error(hex),
                  fmt::format("unknown_opcode: unknown opcode 0x{:02x} at pc 0 (`{}`){}", opcode,
                              hex, opcode_remedy));
    }
}

// --- lddw's second slot

TEST(decode, rejects_truncated_lddw) {
    EXPECT_EQ(
        decode_error("b7 00 00 00 00 00 00 00 18 01 00 00 07 00 00 00", 1),
        fmt::format("truncated_lddw: truncated lddw: the program ends after its first slot at pc 1 "
                    "(`18 01 00 00 07 00 00 00`){}",
                    lddw_remedy));
    constexpr auto cases = std::to_array<rejected>({
        {"18 01 00 00 07 00 00 00 95 00 00 00 00 00 00 00",
         "truncated lddw: reserved field opcode of its second slot is 149, not zero at pc 1 "
         "(`exit`)"},
        {"18 01 00 00 07 00 00 00 00 01 00 00 00 00 00 00",
         "truncated lddw: reserved field dst of its second slot is 1, not zero at pc 1 (`00 01 00 "
         "00 00 00 00 00`)"},
        {"18 01 00 00 07 00 00 00 00 f0 00 00 00 00 00 00",
         "truncated lddw: reserved field src of its second slot is 15, not zero at pc 1 (`00 f0 00 "
         "00 00 00 00 00`)"},
        {"18 01 00 00 07 00 00 00 00 00 ff ff 00 00 00 00",
         "truncated lddw: reserved field offset of its second slot is -1, not zero at pc 1 "
         "(`00 00 ff ff 00 00 00 00`)"},
        {"18 41 00 00 07 00 00 00 18 01 00 00 00 00 00 00",
         "truncated lddw: reserved field opcode of its second slot is 24, not zero at pc 1 "
         "(`18 01 00 00 00 00 00 00`)"},
    });
    expect_rejected(cases, "truncated_lddw", lddw_remedy);
}

TEST(decode, needs_both_slots_of_every_lddw) {
    for (const insn_id id : all_rows()) {
        if (not is_wide(id)) continue;
        const auto [insn, next_imm] = example_of(id);
        const auto code = bytes_of(insn, next_imm);
        const auto first = std::span{code}.first(slot_size);
        EXPECT_EQ(error_of(decode(first, 0)),
                  fmt::format("truncated_lddw: truncated lddw: the program ends after its first "
                              "slot at pc 0 (`{}`){}",
                              to_hex(first), lddw_remedy));
    }
}

TEST(decode, rejects_next_imm_where_the_kind_has_no_use_for_it) {
    for (const int kind : {1, 3, 4, 5}) {
        EXPECT_EQ(
            decode_error(fmt::format("18 {}1 00 00 07 00 00 00 00 00 00 00 ff ff ff ff", kind)),
            fmt::format("reserved_field: reserved field next_imm is -1, not zero at pc 1 "
                        "(`00 00 00 00 ff ff ff ff`){}",
                        zero_remedy));
    }
    for (const int kind : {0, 2, 6}) {
        EXPECT_EQ(
            decode_error(fmt::format("18 {}1 00 00 07 00 00 00 00 00 00 00 ff ff ff ff", kind)),
            "no error");
    }
}

// --- whole programs

TEST(decode_all, gives_one_element_for_each_slot) {
    const auto code = from_hex(
        "b7 01 00 00 01 00 00 00 18 02 00 00 07 00 00 00 00 00 00 00 09 00 00 00 "
        "95 00 00 00 00 00 00 00");
    const auto insns = decode_all(code);
    ASSERT_TRUE(insns) << insns.error().message;
    const std::vector<instruction> expected{{insn_id::mov64_imm, 1, 0, 0, 1},
                                            {insn_id::lddw, 2, 0, 0, 7},
                                            {.id = insn_id::none, .imm = 9},
                                            {.id = insn_id::exit_}};
    EXPECT_EQ(*insns, expected);
}

TEST(decode_all, rejects_empty_programs) {
    EXPECT_EQ(error_of(decode_all({})),
              "empty_program: empty program: give at least one instruction; the shortest program "
              "is `exit`");
}

TEST(decode_all, rejects_lengths_that_are_no_multiple_of_8) {
    for (const std::size_t length : {1U, 7U, 9U, 15U, 17U}) {
        EXPECT_EQ(error_of(decode_all(std::vector<uint8_t>(length, 0x95))),
                  fmt::format("bad_length: program length {} is not a multiple of 8: eBPF "
                              "instructions are 8 bytes "
                              "each: check that the file is raw bytecode and complete",
                              length));
    }
}

TEST(decode_all, says_where_the_error_is) {
    const auto insns = decode_all(
        from_hex("18 01 00 00 07 00 00 00 00 00 00 00 00 00 00 00 95 00 00 00 01 00 00 00"));
    EXPECT_EQ(error_of(insns),
              fmt::format("reserved_field: reserved field imm is 1, not zero at pc 2 (`exit`){}",
                          zero_remedy));
    EXPECT_EQ(insns.error().pc, 2U);
}

TEST(decode_all, says_nothing_of_the_place_when_the_whole_program_is_wrong) {
    EXPECT_EQ(decode_all({}).error().pc, std::nullopt);
    EXPECT_EQ(class_of(decode_all({}).error().code), error_class::invalid_program);
}

}  // namespace

}  // namespace bpftime::vm::isa::test
