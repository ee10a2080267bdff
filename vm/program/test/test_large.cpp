// bpftime-vm: tests of programs of a million slots, in shapes that need linear time
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>

namespace bpftime::vm::test {

namespace {

using isa::insn_id;
using isa::instruction;

constexpr uint32_t million = 1'000'000;

program load_large(const std::vector<instruction> &insns, std::vector<uint32_t> jump_targets = {}) {
    const auto code = bytes_of(insns);
    auto p = program::load(code, {.max_insns = million, .jump_targets = std::move(jump_targets)});
    if (not p) throw std::runtime_error{p.error().message};
    if (p->bytes() != code) throw std::runtime_error{"other bytes than were loaded"};
    return std::move(*p);
}

/// `count` copies of `unit`, and `end` in the last place.
std::vector<instruction> repeat(const std::vector<instruction> &unit, uint32_t slots,
                                const instruction &end) {
    std::vector<instruction> insns;
    insns.reserve(slots);
    while (insns.size() < slots) insns.insert(insns.end(), unit.begin(), unit.end());
    insns.back() = end;
    return insns;
}

constexpr instruction leave{.id = insn_id::exit_};
constexpr instruction plain{.id = insn_id::mov64_imm};

std::size_t reachable_blocks(const program &p) {
    std::size_t count = 0;
    for (const basic_block &b : p.blocks()) count += b.reachable;
    return count;
}

TEST(large, straight_code) {
    const program p = load_large(repeat({plain}, million, leave));
    EXPECT_EQ(p.functions().size(), 1U);
    EXPECT_EQ(p.blocks().size(), 1U);
    EXPECT_EQ(p.functions()[0].weight, million);
}

TEST(large, lddw_only) {
    auto insns =
        repeat({{.id = insn_id::lddw}, {.id = insn_id::none}}, million - 2, {.id = insn_id::none});
    insns.insert(insns.end(), {plain, leave});
    const program p = load_large(insns);
    EXPECT_EQ(p.blocks().size(), 1U);
    EXPECT_EQ(p.functions()[0].weight, million);
}

TEST(large, branches_to_the_next_but_one) {
    auto insns = repeat({{.id = insn_id::jeq64_imm, .offset = 1}}, million, leave);
    insns[million - 2] = plain;
    const program p = load_large(insns);
    // The two last slots are a block each: the last branch but one jumps between them.
    EXPECT_EQ(p.blocks().size(), million);
    EXPECT_EQ(reachable_blocks(p), million);
    EXPECT_EQ(p.functions()[0].weight, million);
}

TEST(large, branches_back_to_the_start) {
    std::vector<instruction> insns{plain};
    for (uint32_t pc = 1; pc + 1 < million; ++pc) {
        // As far back as an offset reaches.
        const auto back = static_cast<int16_t>(-static_cast<int>(std::min(pc + 1, 32768U)));
        insns.push_back({.id = insn_id::jne64_imm, .offset = back});
    }
    insns.push_back(leave);
    const program p = load_large(insns);
    EXPECT_EQ(reachable_blocks(p), p.blocks().size());
    EXPECT_EQ(p.loop_weight(0), 32768U) << "slot 32767 is the last that reaches so far back";
    EXPECT_EQ(p.loop_weight(million - 1 - 32768), 32768U);
}

TEST(large, jumps_from_the_start_to_everywhere_and_back) {
    std::vector<instruction> insns;
    const auto distance = static_cast<int32_t>(million);
    // The first half jumps to its mirror image in the second, which jumps to the next slot of the
    // first.
    for (int32_t pc = 0; pc < distance / 2; ++pc)
        insns.push_back({.id = insn_id::ja32, .imm = distance - 2 * pc - 2});
    for (int32_t pc = distance / 2; pc < distance; ++pc) {
        insns.push_back({.id = insn_id::ja32, .imm = distance - 2 * pc - 1});
    }
    const program p = load_large(insns);
    EXPECT_EQ(p.jump_target(0), million - 1);
    EXPECT_EQ(p.jump_target(million - 1), 1U);
    EXPECT_EQ(p.blocks().size(), million);
    EXPECT_EQ(reachable_blocks(p), million);
}

TEST(large, functions_that_call_the_next) {
    auto insns = repeat({{.id = insn_id::call_local, .src = 1, .imm = 1}, leave}, million, leave);
    insns[million - 2] = plain;
    const program p = load_large(insns);
    ASSERT_EQ(p.functions().size(), million / 2);
    for (uint32_t n = 0; n < million / 2; n += 49'999) {
        EXPECT_EQ(p.functions()[n].begin, 2 * n);
        EXPECT_EQ(p.functions()[n].weight, 2U);
        EXPECT_TRUE(p.functions()[n].reachable);
        EXPECT_EQ(p.function_at(2 * n + 1), n);
    }
}

TEST(large, one_function_that_calls_all_others) {
    constexpr uint32_t callees = million / 2 - 1;
    std::vector<instruction> insns;
    for (uint32_t pc = 0; pc < callees; ++pc) {
        insns.push_back(
            {.id = insn_id::call_local, .src = 1, .imm = static_cast<int32_t>(callees)});
    }
    insns.push_back(leave);
    insns.insert(insns.end(), callees, leave);
    // Call number n goes to function n + 1.
    const program p = load_large(insns);
    ASSERT_EQ(p.functions().size(), callees + 1);
    EXPECT_EQ(p.functions()[0].callee_count, callees);
    EXPECT_TRUE(p.functions().back().reachable);
}

TEST(large, functions_that_all_call_each_other) {
    std::vector<instruction> insns;
    for (uint32_t pc = 0; pc < million; pc += 2) {
        const auto target =
            static_cast<int32_t>((uint64_t{pc} * 7919 + 2) % million & ~uint64_t{1});
        insns.push_back(
            {.id = insn_id::call_local, .src = 1, .imm = target - static_cast<int32_t>(pc) - 1});
        insns.push_back(leave);
    }
    const program p = load_large(insns);
    for (const function &f : p.functions()) ASSERT_GE(f.callee_count, 1U);
    EXPECT_TRUE(p.functions()[0].reachable);
}

TEST(large, gotox_with_every_slot_in_the_table) {
    std::vector<uint32_t> targets(million);
    std::iota(targets.begin(), targets.end(), 0U);
    const program p = load_large(repeat({{.id = insn_id::gotox}}, million, leave), targets);
    EXPECT_EQ(p.blocks().size(), million);
    EXPECT_EQ(reachable_blocks(p), million);
    EXPECT_EQ(p.successors_of(p.blocks()[0]).size(), million);
    EXPECT_EQ(p.successors_of(p.blocks()[million - 2]).size(), million);
    EXPECT_EQ(p.functions()[0].weight, million);
}

TEST(large, functions_with_a_table_each) {
    // Function n: call the next one, then gotox to either of its own two slots.
    constexpr instruction call{.id = insn_id::call_local, .src = 1, .imm = 1};
    auto insns = repeat({call, {.id = insn_id::gotox}}, million, {.id = insn_id::gotox});
    insns[million - 2] = plain;
    std::vector<uint32_t> targets(million);
    std::iota(targets.rbegin(), targets.rend(), 0U);
    const program p = load_large(insns, targets);
    ASSERT_EQ(p.functions().size(), million / 2);
    EXPECT_EQ(reachable_blocks(p), million);
    for (uint32_t n = 0; n < million; n += 99'991)
        EXPECT_EQ(p.successors_of(p.blocks()[n | 1]).size(), 2U);
}

TEST(large, dead_code) {
    auto insns = repeat({{.id = insn_id::ja, .offset = -1}}, million, leave);
    insns[0] = leave;
    const program p = load_large(insns);
    EXPECT_EQ(p.blocks().size(), million);
    EXPECT_EQ(reachable_blocks(p), 1U);
}

}  // namespace

}  // namespace bpftime::vm::test
