// bpftime-vm: every arithmetic and comparing row x edge operands that are first seen at run time
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Operands come from the input memory and results go back to it, so that no engine can fold them
// away; what must come out is computed by the model in reference.hpp.
#include "compat/fault.hpp"
#include "isa/text.hpp"
#include "programs.hpp"
#include "records.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

namespace bpftime::vm::test {

namespace {

using isa::insn_id;
using isa::operation_kind;
using isa::shape;

constexpr unsigned a = 8;  // the registers of these tests
constexpr unsigned b = 9;

/// Rows that have no operands to vary, or no meaning in the RFC; each has tests of its own.
// clang-format off
const std::set<insn_id> rows_without_operands = {
    insn_id::ja, insn_id::ja32, insn_id::gotox, insn_id::may_goto,
    insn_id::call, insn_id::call_local, insn_id::call_kfunc, insn_id::callx, insn_id::callx_imm,
    insn_id::exit_, insn_id::addr_space_cast,
    insn_id::lddw, insn_id::lddw_map_fd, insn_id::lddw_map_fd_val, insn_id::lddw_var,
    insn_id::lddw_code, insn_id::lddw_map_idx, insn_id::lddw_map_idx_val};
// clang-format on

/// Whether the reference model knows the row, by the kind that the table gives it.
bool is_in_model(insn_id id) {
    static constexpr std::array<uint8_t, 8> zeros{};
    std::array<uint8_t, 8> scratch{};
    const reference::encoded i = encoding_of(make(id, 1, 2));
    switch (isa::kind_of(id)) {
    case operation_kind::alu:
    case operation_kind::convert: return reference::arithmetic(i, 1, 1).has_value();
    case operation_kind::branch: return reference::is_taken(i, 1, 1).has_value();
    case operation_kind::load: return reference::load(i.opcode, zeros).has_value();
    case operation_kind::store: return reference::store(i, scratch, 0);
    case operation_kind::atomic: return reference::atomic(i, {}).has_value();
    case operation_kind::packet: return reference::packet_load(i, 0, zeros).has_value();
    default: return false;
    }
}

bool is_alu_reg(insn_id id) {
    return isa::info(id).shape == shape::alu_reg or isa::info(id).shape == shape::mov_reg or
           isa::info(id).shape == shape::movsx;
}
bool is_alu_imm(insn_id id) {
    return isa::info(id).shape == shape::alu_imm or isa::info(id).shape == shape::mov_imm;
}
bool is_unary(insn_id id) {
    return isa::info(id).shape == shape::negate or isa::info(id).shape == shape::byte_order;
}
bool is_branch_reg(insn_id id) { return isa::info(id).shape == shape::branch_reg; }
bool is_branch_imm(insn_id id) { return isa::info(id).shape == shape::branch_imm; }

uint64_t arithmetic(const isa::instruction &i, uint64_t dst, uint64_t src) {
    const auto value = reference::arithmetic(encoding_of(i), dst, src);
    EXPECT_TRUE(value) << name_of(i.id) << " is not in the reference model";
    return value.value_or(0);
}

bool is_taken(const isa::instruction &i, uint64_t dst, uint64_t src) {
    const auto taken = reference::is_taken(encoding_of(i), dst, src);
    EXPECT_TRUE(taken) << name_of(i.id) << " is not in the reference model";
    return taken.value_or(false);
}

/// The instruction `i` as a body between loads of its operands and stores of both registers.
std::vector<isa::instruction> between_memory(const isa::instruction &i) {
    return {load64(a, record_register, 0), load64(b, record_register, 8), i,
            store64(record_register, 16, a), store64(record_register, 24, b)};
}

/// Appends "r4 = whether `jump` (without offset) was taken", once forward and once backward, and
/// stores both.
void add_jump(std::vector<isa::instruction> &body, isa::instruction jump, int store_at) {
    jump.offset = 1;
    body.insert(body.end(), {set(4, 1), jump, set(4, 0), store64(record_register, store_at, 4)});
    jump.offset = -3;
    body.insert(body.end(), {set(4, 0), skip(2), set(4, 1), skip(1), jump,  //
                             store64(record_register, store_at + 8, 4)});
}

/// Instructions of a row that change register `dst`: with each of the sources, or immediates.
std::vector<isa::instruction> all_forms(insn_id id, unsigned dst, std::span<const unsigned> sources,
                                        std::span<const int32_t> immediates) {
    std::vector<isa::instruction> forms;
    if (is_alu_reg(id)) {
        for (const unsigned src : sources) forms.push_back(make(id, dst, src));
    } else if (is_alu_imm(id)) {
        for (const int32_t imm : immediates) forms.push_back(make(id, dst, 0, imm));
    } else {
        forms.push_back(make(id, dst));
    }
    return forms;
}

class opaque_operands : public testing::TestWithParam<engine> {};

// The model itself, where its numbers can be read off the RFC.
static_assert(reference::arithmetic({0x3c, 1, 0}, 0x80000000, 0xffffffff) == 0x80000000);
static_assert(reference::arithmetic({0x3f, 1, 0}, 1ULL << 63, ~0ULL) == 1ULL << 63);
static_assert(reference::arithmetic({0x9f, 1, 0}, static_cast<uint64_t>(-13), 3) == ~0ULL);
static_assert(reference::arithmetic({0x97, 0, 0}, 77, 0) == 77 and
              reference::arithmetic({0x37, 0, 0}, 77, 0) == 0);
static_assert(reference::arithmetic({0x94, 0, 0}, 0x1'0000'0005, 0) == 5);
static_assert(reference::arithmetic({0xc7, 0, 4}, static_cast<uint64_t>(-17), 0) ==
              static_cast<uint64_t>(-2));
static_assert(reference::arithmetic({0xbc, 8, 0}, 0, 0x80) == 0xffffff80);
static_assert(reference::arithmetic({0xdc, 0, 32}, 0xff11223344, 0) == 0x44332211);
static_assert(not reference::arithmetic({0x8c, 0, 0}, 0, 0) and
              not reference::arithmetic({0x07, 1, 0}, 0, 0));
static_assert(reference::is_taken({0xc6, 0, 0}, 0x80000000, 0) == true);
static_assert(not reference::is_taken({0x05, 0, 0}, 0, 0));

}  // namespace

TEST(opcode_table, every_row_has_an_expectation) {
    for (const insn_id id : rows_where([](insn_id) { return true; })) {
        EXPECT_NE(is_in_model(id), rows_without_operands.contains(id))
            << name_of(id)
            << " needs a line in reference.hpp, or tests of its own and a place in the "
               "list";
    }
}

TEST(opcode_table, every_row_of_the_model_is_run) {
    for (const insn_id id : rows_where(is_in_model)) {
        const auto kind = isa::kind_of(id);
        if (kind == operation_kind::alu or kind == operation_kind::convert) {
            EXPECT_EQ(is_alu_reg(id) + is_alu_imm(id) + is_unary(id), 1) << name_of(id);
        } else if (kind == operation_kind::branch) {
            EXPECT_EQ(is_branch_reg(id) + is_branch_imm(id), 1) << name_of(id);
        }
    }
}

TEST_P(opaque_operands, arithmetic_of_two_registers) {
    for (const insn_id id : rows_where(is_alu_reg)) {
        const isa::instruction i = make(id, a, b);
        std::vector<uint64_t> before, expected;
        for (const uint64_t x : edge_values_with_garbage()) {
            for (const uint64_t y : edge_values_with_garbage()) {
                before.insert(before.end(), {x, y, 0, 0});
                expected.insert(expected.end(), {x, y, arithmetic(i, x, y), y});
            }
        }
        expect_records(GetParam(), name_of(id), for_each_record(between_memory(i), 4), before,
                       expected, 4);
    }
}

TEST_P(opaque_operands, arithmetic_of_a_register_with_itself) {
    for (const insn_id id : rows_where(is_alu_reg)) {
        const isa::instruction i = make(id, a, a);
        std::vector<uint64_t> before, expected;
        for (const uint64_t x : edge_values_with_garbage()) {
            before.insert(before.end(), {x, ~x, 0, 0});
            expected.insert(expected.end(), {x, ~x, arithmetic(i, x, x), ~x});
        }
        expect_records(GetParam(), name_of(id), for_each_record(between_memory(i), 4), before,
                       expected, 4);
    }
}

TEST_P(opaque_operands, arithmetic_with_immediates) {
    const auto imms = edge_immediates();
    const auto words = static_cast<unsigned>(1 + imms.size());
    for (const insn_id id : rows_where(is_alu_imm)) {
        std::vector<isa::instruction> body;
        for (std::size_t n = 0; n < imms.size(); ++n) {
            const int at = static_cast<int>(8 * (n + 1));
            body.insert(body.end(), {load64(a, record_register, 0), make(id, a, 0, imms[n]),
                                     store64(record_register, at, a)});
        }
        std::vector<uint64_t> before, expected;
        for (const uint64_t x : edge_values_with_garbage()) {
            before.push_back(x);
            before.resize(before.size() + imms.size());
            expected.push_back(x);
            for (const int32_t imm : imms)
                expected.push_back(arithmetic(make(id, a, 0, imm), x, 0));
        }
        expect_records(GetParam(), name_of(id), for_each_record(body, words), before, expected,
                       words);
    }
}

TEST_P(opaque_operands, negation_and_byte_order) {
    for (const insn_id id : rows_where(is_unary)) {
        const isa::instruction i = make(id, a);
        std::vector<uint64_t> before, expected;
        for (const uint64_t x : edge_values_with_garbage()) {
            before.insert(before.end(), {x, ~x, 0, 0});
            expected.insert(expected.end(), {x, ~x, arithmetic(i, x, 0), ~x});
        }
        expect_records(GetParam(), name_of(id), for_each_record(between_memory(i), 4), before,
                       expected, 4);
    }
}

// What comes out of one instruction goes into the next: shows upper halves that were left dirty.
TEST_P(opaque_operands, chains_of_32_bit_results) {
    for (const insn_id id : rows_where(is_alu_reg)) {
        const std::array chain = {make(id, a, b), make(insn_id::xor64_reg, b, a), make(id, b, a),
                                  make(insn_id::add64_reg, a, b)};
        std::vector<isa::instruction> body{load64(a, record_register, 0),
                                           load64(b, record_register, 8)};
        body.insert(body.end(), chain.begin(), chain.end());
        body.insert(body.end(), {store64(record_register, 16, a), store64(record_register, 24, b)});
        std::vector<uint64_t> before, expected;
        for (const uint64_t x : edge_values_with_garbage()) {
            for (const uint64_t y : edge_values()) {
                uint64_t r[] = {x, y};
                for (const auto &i : chain)
                    r[i.dst - a] = arithmetic(i, r[i.dst - a], r[i.src - a]);
                before.insert(before.end(), {x, y, 0, 0});
                expected.insert(expected.end(), {x, y, r[0], r[1]});
            }
        }
        expect_records(GetParam(), name_of(id), for_each_record(body, 4), before, expected, 4);
    }
}

// Machines whose instructions have three operands do both at once.
TEST_P(opaque_operands, arithmetic_on_a_copy) {
    constexpr unsigned c = 5;
    std::vector<int32_t> imms{1, 3, 33, 65, 0xff, 0xffff};
    imms.insert(imms.end(), edge_immediates().begin(), edge_immediates().end());
    for (const insn_id copy_id : {insn_id::mov64_reg, insn_id::mov32_reg}) {
        const isa::instruction copy = make(copy_id, c, a);
        for (const insn_id id : rows_where(
                 [](insn_id row) { return is_alu_reg(row) or is_alu_imm(row) or is_unary(row); })) {
            const auto forms = all_forms(id, c, std::array{a, b, c}, imms);
            const auto words = static_cast<unsigned>(2 + forms.size());
            std::vector<isa::instruction> body{load64(a, record_register, 0),
                                               load64(b, record_register, 8)};
            for (std::size_t n = 0; n < forms.size(); ++n) {
                const int at = static_cast<int>(8 * (2 + n));
                body.insert(body.end(), {copy, forms[n], store64(record_register, at, c)});
            }
            // Neither operand has changed.
            body.insert(body.end(),
                        {store64(record_register, 0, a), store64(record_register, 8, b)});
            std::vector<uint64_t> before, expected;
            for (const uint64_t x : edge_values_with_garbage()) {
                const uint64_t y = x * 0x9e37'79b9'7f4a'7c15;
                const uint64_t copied = arithmetic(copy, 0, x);
                before.insert(before.end(), {x, y});
                before.resize(before.size() + forms.size());
                expected.insert(expected.end(), {x, y});
                for (const isa::instruction &i : forms) {
                    const uint64_t src = i.src == a ? x : i.src == b ? y : copied;
                    expected.push_back(arithmetic(i, copied, src));
                }
            }
            expect_records(GetParam(), isa::to_text(copy) + "; " + name_of(id),
                           for_each_record(body, words), before, expected, words);
        }
    }
}

// Machines have flags that tell of the result already.
TEST_P(opaque_operands, jumps_comparing_a_new_result_with_0) {
    const std::array jumps{
        make(insn_id::jeq64_imm, a, 0, 0, 1),  make(insn_id::jne64_imm, a, 0, 0, 1),
        make(insn_id::jeq32_imm, a, 0, 0, 1),  make(insn_id::jne32_imm, a, 0, 0, 1),
        make(insn_id::jsgt64_imm, a, 0, 0, 1), make(insn_id::jeq64_imm, b, 0, 0, 1)};
    for (const insn_id id : rows_where(is_alu_reg)) {
        const isa::instruction i = make(id, a, b);
        std::vector<isa::instruction> body{load64(b, record_register, 8)};
        for (std::size_t n = 0; n < jumps.size(); ++n) {
            body.insert(body.end(),
                        {load64(a, record_register, 0), set(4, 1), i, jumps[n], set(4, 0),
                         store64(record_register, static_cast<int>(8 * (2 + n)), 4)});
        }
        std::vector<uint64_t> before, expected;
        for (const uint64_t x : edge_values_with_garbage()) {
            for (const uint64_t y : {x, 0 - x, uint64_t{0}, x ^ uint64_t{1} << 32}) {
                before.insert(before.end(), {x, y});
                before.resize(before.size() + jumps.size());
                expected.insert(expected.end(), {x, y});
                const uint64_t result = arithmetic(i, x, y);
                for (const isa::instruction &jump : jumps)
                    expected.push_back(is_taken(jump, jump.dst == a ? result : y, 0));
            }
        }
        const auto words = static_cast<unsigned>(2 + jumps.size());
        expect_records(GetParam(), name_of(id), for_each_record(body, words), before, expected,
                       words);
    }
}

TEST_P(opaque_operands, jumps_comparing_two_registers) {
    for (const insn_id id : rows_where(is_branch_reg)) {
        for (const unsigned other : {a, b}) {
            const isa::instruction jump = make(id, a, other);
            std::vector<isa::instruction> body{load64(a, record_register, 0),
                                               load64(b, record_register, 8)};
            add_jump(body, jump, 16);
            body.insert(body.end(),
                        {store64(record_register, 32, a), store64(record_register, 40, b)});
            std::vector<uint64_t> before, expected;
            for (const uint64_t x : edge_values_with_garbage()) {
                for (const uint64_t y : edge_values_with_garbage()) {
                    const uint64_t taken = is_taken(jump, x, other == a ? x : y);
                    before.insert(before.end(), {x, y, 2, 2, 2, 2});
                    expected.insert(expected.end(), {x, y, taken, taken, x, y});
                }
            }
            expect_records(GetParam(), name_of(id), for_each_record(body, 6), before, expected, 6);
        }
    }
}

TEST_P(opaque_operands, jumps_comparing_with_immediates) {
    const auto imms = edge_immediates();
    const auto words = static_cast<unsigned>(2 + 2 * imms.size());
    for (const insn_id id : rows_where(is_branch_imm)) {
        std::vector<isa::instruction> body{load64(a, record_register, 0)};
        for (std::size_t n = 0; n < imms.size(); ++n) {
            add_jump(body, make(id, a, 0, imms[n]), static_cast<int>(16 + 16 * n));
        }
        body.push_back(store64(record_register, 8, a));
        std::vector<uint64_t> before, expected;
        for (const uint64_t x : edge_values_with_garbage()) {
            before.push_back(x);
            before.resize(before.size() + words - 1, 2);
            expected.insert(expected.end(), {x, x});
            for (const int32_t imm : imms)
                expected.insert(expected.end(), 2, is_taken(make(id, a, 0, imm), x, 0));
        }
        expect_records(GetParam(), name_of(id), for_each_record(body, words), before, expected,
                       words);
    }
}

// The value of lddw is a constant to every engine, but all 64 bits of it must arrive.
TEST_P(opaque_operands, wide_immediates) {
    std::string text;
    std::size_t offset = 0;
    for (const uint64_t value : edge_values_with_garbage()) {
        text += fmt::format("lddw r2, {:#x}\nstxdw [r1+{}], r2\n", value, offset);
        offset += 8;
    }
    const outcome o = run(GetParam(), text + "mov r0, 0\nexit\n", std::vector<uint8_t>(offset));
    ASSERT_EQ(o.error, "");
    EXPECT_TRUE(std::ranges::equal(words_of(o.memory), edge_values_with_garbage()));
}

INSTANTIATE_TEST_SUITE_P(all, opaque_operands, testing::ValuesIn(engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(blinded, opaque_operands, testing::ValuesIn(blinding_engines()),
                         engine_name{});

}  // namespace bpftime::vm::test
