// bpftime-vm: tests of functions, blocks, reachability and weights on drawn programs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// The expected text is that of draw(): see support.hpp. Slots are numbered in the comments on the
// right.
#include "support.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace bpftime::vm::test {

namespace {

program load_with_targets(std::string_view text, std::vector<uint32_t> jump_targets) {
    return load_valid(text,
                      {.max_insns = default_max_insns, .jump_targets = std::move(jump_targets)});
}

std::vector<uint32_t> list(std::span<const uint32_t> values) {
    return {values.begin(), values.end()};
}

// --- blocks

TEST(structure, straight_code_is_one_block) {
    EXPECT_EQ(draw(load_valid("mov %r0, 0\n"
                              "call 1\n"
                              "call kfunc 2\n"
                              "call %r3\n"
                              "exit")),
              "0-5 weight 5\n"
              "  0-5\n");
}

TEST(structure, branches_end_blocks_and_targets_begin_them) {
    EXPECT_EQ(draw(load_valid("     jeq %r1, 0, else\n"  // 0
                              "     mov %r0, 1\n"        // 1
                              "     ja end\n"            // 2
                              "else: mov %r0, 2\n"       // 3
                              "     mov %r0, 3\n"        // 4
                              "end: exit")),             // 5
              "0-6 weight 4\n"
              "  0-1 -> 1 2\n"
              "  1-3 -> 3\n"
              "  3-5 -> 3\n"
              "  5-6\n");
}

TEST(structure, a_loop_is_an_edge_back) {
    EXPECT_EQ(draw(load_valid("      mov %r0, 9\n"        // 0
                              "loop: sub %r0, 1\n"        // 1
                              "      jne %r0, 0, loop\n"  // 2
                              "      exit")),             // 3
              "0-4 weight 4\n"
              "  0-1 -> 1\n"
              "  1-3 -> 2 1\n"
              "  3-4\n");
}

TEST(structure, code_that_nothing_reaches_is_dead) {
    EXPECT_EQ(draw(load_valid("      ja32 end\n"    // 0
                              "dead: mov %r0, 1\n"  // 1
                              "      ja dead\n"     // 2
                              "end:  exit\n"        // 3
                              "      exit")),       // 4
              "0-5 weight 3\n"
              "  0-1 -> 2\n"
              "  1-3 -> 1 dead\n"
              "  3-4\n"
              "  4-5 dead\n");
}

TEST(structure, lddw_counts_as_two_slots_of_one_block) {
    EXPECT_EQ(draw(load_valid("      lddw %r1, 5\n"    // 0, 1
                              "loop: lddw %r2, 6\n"    // 2, 3
                              "      may_goto loop\n"  // 4
                              "      exit")),          // 5
              "0-6 weight 6\n"
              "  0-2 -> 1\n"
              "  2-5 -> 2 1\n"
              "  5-6\n");
}

TEST(structure, gotox_goes_to_the_targets_of_its_own_function) {
    EXPECT_EQ(draw(load_with_targets("     call local f\n"  // 0
                                     "     gotox %r1\n"     // 1
                                     "     mov %r0, 1\n"    // 2
                                     "     gotox %r2\n"     // 3
                                     "     exit\n"          // 4
                                     "f:   gotox %r1\n"     // 5
                                     "     exit\n"          // 6
                                     "     exit",           // 7
                                     {2, 4, 7})),
              "0-5 weight 5 calls 1\n"
              "  0-2 -> 1 2\n"
              "  2-4 -> 1 2\n"
              "  4-5\n"
              "5-8 weight 2\n"
              "  5-6 -> 5\n"
              "  6-7 dead\n"
              "  7-8\n");
}

TEST(structure, jump_targets_begin_blocks_even_without_gotox) {
    EXPECT_EQ(draw(load_with_targets("mov %r0, 1\nmov %r0, 2\nexit", {1})),
              "0-3 weight 3\n"
              "  0-1 -> 1\n"
              "  1-3\n");
}

TEST(structure, gotox_without_targets_goes_nowhere) {
    EXPECT_EQ(draw(load_valid("gotox %r1\nexit")),
              "0-2 weight 2\n"
              "  0-1\n"
              "  1-2 dead\n");
}

// --- functions

TEST(structure, calls_and_addresses_make_functions) {
    EXPECT_EQ(draw(load_valid("     call local a\n"            // 0
                              "     call local a\n"            // 1
                              "     exit\n"                    // 2
                              "a:   lddw %r1, code_addr(c)\n"  // 3, 4
                              "     call %r1\n"                // 5
                              "     call local a\n"            // 6
                              "     exit\n"                    // 7
                              "b:   call local c\n"            // 8
                              "     exit\n"                    // 9
                              "c:   exit\n")),                 // 10
              "0-3 weight 3 calls 1\n"
              "  0-3\n"
              "3-10 weight 7 calls 1 2\n"
              "  3-8\n"
              "  8-10 dead\n"
              "10-11 weight 1\n"
              "  10-11\n");
}

TEST(structure, functions_that_only_dead_code_calls_are_dead) {
    EXPECT_EQ(draw(load_valid("   exit\n"          // 0
                              "   call local f\n"  // 1
                              "   exit\n"          // 2
                              "f: call local g\n"  // 3
                              "   exit\n"          // 4
                              "g: call local f\n"  // 5
                              "   exit")),         // 6
              "0-3 weight 3 calls 1\n"
              "  0-1\n"
              "  1-3 dead\n"
              "3-5 weight 2 calls 2 dead\n"
              "  3-5 dead\n"
              "5-7 weight 2 calls 1 dead\n"
              "  5-7 dead\n");
}

TEST(structure, recursion_is_allowed) {
    EXPECT_EQ(draw(load_valid("   call local f\n"     // 0
                              "   exit\n"             // 1
                              "f: jeq %r1, 0, end\n"  // 2
                              "   call local g\n"     // 3
                              "end: exit\n"           // 4
                              "g: call local f\n"     // 5
                              "   exit")),            // 6
              "0-2 weight 2 calls 1\n"
              "  0-2\n"
              "2-5 weight 3 calls 2\n"
              "  2-3 -> 2 3\n"
              "  3-4 -> 3\n"
              "  4-5\n"
              "5-7 weight 2 calls 1\n"
              "  5-7\n");
}

TEST(structure, a_program_may_call_itself) {
    EXPECT_EQ(draw(load_valid("call local -1\nexit")),
              "0-2 weight 2 calls 0\n"
              "  0-2\n");
}

TEST(structure, callees_are_listed_once_and_sorted) {
    const program p = load_valid(
        "   call local h\n   call local f\n   call local h\n   lddw %r1, code_addr(g)\n   exit\n"
        "f: exit\ng: exit\nh: exit");
    EXPECT_EQ(list(p.callees_of(p.functions()[0])), (std::vector<uint32_t>{1, 2, 3}));
}

// --- questions about one slot

TEST(structure, tells_functions_and_targets_of_slots) {
    const program p = load_valid(
        "     call local f\n"            // 0
        "     jeq %r0, 0, end\n"         // 1
        "     lddw %r1, code_addr(g)\n"  // 2, 3
        "end: ja32 end\n"                // 4
        "f:   exit\n"                    // 5
        "g:   ja -1\n");                 // 6
    for (const auto &[pc, function] : {std::pair{0, 0}, {3, 0}, {4, 0}, {5, 1}, {6, 2}}) {
        EXPECT_EQ(p.function_at(static_cast<uint32_t>(pc)), static_cast<uint32_t>(function)) << pc;
    }
    for (uint32_t pc = 0; pc < p.size(); ++pc)
        EXPECT_EQ(p.is_entry(pc), pc == 0 or pc == 5 or pc == 6) << pc;
    EXPECT_FALSE(p.is_entry(7));
    EXPECT_EQ(p.jump_target(1), 4U);
    EXPECT_EQ(p.jump_target(4), 4U);
    EXPECT_EQ(p.jump_target(6), 6U);
    EXPECT_EQ(p.callee_pc(0), 5U);
    EXPECT_EQ(p.callee_pc(2), 6U);
}

// --- budget weights

TEST(weights, back_edges_are_those_that_do_not_go_forward) {
    EXPECT_TRUE(program::is_back_edge(5, 5));
    EXPECT_TRUE(program::is_back_edge(5, 0));
    EXPECT_FALSE(program::is_back_edge(5, 6));
}

TEST(weights, a_loop_costs_its_slots) {
    const program p = load_valid(
        "      mov %r0, 9\n"        // 0
        "loop: lddw %r1, 5\n"       // 1, 2
        "      sub %r0, 1\n"        // 3
        "      jne %r0, 0, loop\n"  // 4
        "self: ja self");           // 5
    EXPECT_EQ(p.loop_weight(1), 4U);
    EXPECT_EQ(p.loop_weight(5), 1U);
    EXPECT_EQ(p.functions()[0].weight, 6U);
}

TEST(weights, a_loop_costs_its_longest_way_around) {
    const program p = load_valid(
        "loop:  jeq %r1, 0, short\n"  // 0
        "       mov %r0, 1\n"         // 1
        "       mov %r0, 2\n"         // 2
        "       mov %r0, 3\n"         // 3
        "short: jne %r1, 9, loop\n"   // 4
        "       exit");               // 5
    EXPECT_EQ(p.loop_weight(0), 5U);
}

TEST(weights, all_jumps_back_to_a_slot_cost_the_same) {
    const program p = load_valid(
        "loop: jeq %r1, 0, on\n"    // 0
        "      ja loop\n"           // 1
        "on:   mov %r0, 1\n"        // 2
        "      jne %r1, 9, loop\n"  // 3
        "      exit");              // 4
    EXPECT_EQ(p.loop_weight(0), 3U) << "0, 2, 3; slot 2 is one jump away from 0";
    EXPECT_EQ(p.loop_weight(2), 0U) << "nothing jumps back to it";
}

TEST(weights, loops_inside_loops_cost_their_own_slots) {
    const program p = load_valid(
        "outer: mov %r1, 9\n"         // 0
        "inner: sub %r1, 1\n"         // 1
        "       jne %r1, 0, inner\n"  // 2
        "       sub %r2, 1\n"         // 3
        "       jne %r2, 0, outer\n"  // 4
        "       exit");               // 5
    EXPECT_EQ(p.loop_weight(1), 2U);
    EXPECT_EQ(p.loop_weight(0), 5U);
}

TEST(weights, code_before_a_loop_does_not_make_it_heavier) {
    const program p = load_valid(
        "      mov %r0, 1\n"        // 0
        "      mov %r0, 2\n"        // 1
        "      ja loop\n"           // 2
        "back: mov %r0, 3\n"        // 3: only reached from below
        "loop: sub %r0, 1\n"        // 4
        "      jne %r0, 0, back\n"  // 5
        "      exit");              // 6
    EXPECT_EQ(p.loop_weight(3), 3U);
    EXPECT_EQ(p.functions()[0].weight, 7U)
        << "the back edge pays for slot 3, so it may count as if it came after 2";
}

TEST(weights, a_function_weighs_its_longest_way_forward) {
    const program p = load_valid(
        "     call local f\n"   // 0
        "     exit\n"           // 1
        "f:   jeq %r1, 0, b\n"  // 2
        "     mov %r0, 1\n"     // 3
        "     exit\n"           // 4
        "b:   lddw %r0, 5\n"    // 5, 6
        "     exit");           // 7
    EXPECT_EQ(p.functions()[0].weight, 2U);
    EXPECT_EQ(p.functions()[1].weight, 4U);
}

TEST(weights, gotox_goes_forward_to_later_targets) {
    const program p = load_with_targets(
        "gotox %r1\n"   // 0
        "exit\n"        // 1
        "mov %r0, 1\n"  // 2
        "gotox %r1\n"   // 3
        "mov %r0, 2\n"  // 4
        "exit",         // 5
        {1, 2, 4});
    // 0, 2, 3, 4, 5 is the longest way, and slot 2 counts as if it came after 1.
    EXPECT_EQ(p.functions()[0].weight, 5U);
    EXPECT_EQ(p.loop_weight(2), 2U);
    EXPECT_EQ(p.loop_weight(1), 2U);
}

TEST(weights, are_never_zero) {
    const program p = load_valid(
        "      ja down\n"     // 0
        "up:   mov %r0, 1\n"  // 1
        "      mov %r0, 2\n"  // 2
        "      exit\n"        // 3
        "down: ja up");       // 4: at depth 1, below up
    EXPECT_GE(p.loop_weight(1), 1U);
}

}  // namespace

}  // namespace bpftime::vm::test
