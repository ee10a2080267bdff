// bpftime-vm: properties of loaded programs, by random walks and plain searches
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// A failure prints the program, made as small as it can be, and the RC_PARAMS that repeat it.
#include "isa/text.hpp"
#include "random_program.hpp"
#include "support.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace bpftime::vm::test {

namespace {

constexpr int walks_of_each = 20;
constexpr std::size_t longest_walk = 1000;

program any_program() {
    const auto [code, jump_targets] = *valid_program();
    RC_LOG() << isa::disassemble(code).value_or("not disassembled") << "jump targets "
             << rc::toString(jump_targets) << '\n';
    auto p = program::load(code, {.max_insns = default_max_insns, .jump_targets = jump_targets});
    if (not p) RC_FAIL(p.error().message);
    RC_ASSERT(p->bytes() == code);
    return std::move(*p);
}

/// Calls `visit` for every step of some random walks through `p`.
void walk_often(const program &p, const std::function<void(const walk_state &)> &visit) {
    for (int i = 0; i < walks_of_each; ++i) {
        std::minstd_rand chance{*rc::gen::inRange(1U, 1'000'000U)};
        walk(p, chance, longest_walk, visit);
    }
}

const basic_block &block_at(const program &p, uint32_t pc) {
    const auto after = std::ranges::upper_bound(p.blocks(), pc, {}, &basic_block::begin);
    return *(after - 1);
}

uint32_t index_of(const program &p, const basic_block &b) {
    return static_cast<uint32_t>(&b - p.blocks().data());
}

bool has_jump_target(isa::insn_id id) {
    const isa::shape_info &form = isa::info(isa::info(id).shape);
    return form.offset == isa::offset_role::jump or form.imm == isa::imm_role::jump;
}

/// Slots that a plain search over instructions reaches from the entry.
std::vector<bool> reachable_slots(const program &p) {
    std::vector<bool> reached(p.size());
    std::vector<uint32_t> pending{0};
    const auto reach = [&](uint32_t pc) {
        if (not reached[pc]) pending.push_back(pc);
        reached[pc] = true;
    };
    reached[0] = true;
    while (not pending.empty()) {
        const uint32_t pc = pending.back();
        pending.pop_back();
        const isa::insn_id id = p.insn(pc).id;
        if (has_jump_target(id)) reach(p.jump_target(pc));
        if (id == isa::insn_id::call_local or id == isa::insn_id::lddw_code) reach(p.callee_pc(pc));
        if (id == isa::insn_id::gotox) {
            for (const uint32_t target : p.jump_targets()) {
                if (p.function_at(target) == p.function_at(pc)) reach(target);
            }
        }
        if (not isa::ends_flow(id)) reach(pc + (isa::is_wide(id) ? 2 : 1));
    }
    return reached;
}

}  // namespace

// The claim that class program makes: engines need no other counter to stop a run in time.
RC_GTEST_PROP(properties, a_run_executes_no_more_than_it_was_charged_and_the_entry_function_weighs,
              ()) {
    const program p = any_program();
    const uint64_t head_start = p.functions()[0].weight;
    walk_often(p, [&](const walk_state &s) {
        RC_ASSERT(s.executed <= s.charged_before + head_start);
        RC_ASSERT(s.charged_before <= s.charged);
    });
}

RC_GTEST_PROP(properties, weights_are_positive_and_no_more_than_their_function, ()) {
    const program p = any_program();
    for (const function &f : p.functions()) {
        RC_ASSERT(f.weight >= 1U);
        RC_ASSERT(f.weight <= f.end - f.begin);
    }
    walk_often(p, [&](const walk_state &s) {
        if (not s.stays or s.ended or not program::is_back_edge(s.pc, s.next_pc)) return;
        const uint32_t weight = p.loop_weight(s.next_pc);
        RC_ASSERT(weight >= 1U);
        RC_ASSERT(weight <= p.functions()[p.function_at(s.pc)].weight);
    });
}

RC_GTEST_PROP(properties, control_follows_the_edges_between_blocks, ()) {
    const program p = any_program();
    walk_often(p, [&](const walk_state &s) {
        const basic_block &from = block_at(p, s.pc);
        RC_ASSERT(from.reachable);
        RC_ASSERT(p.functions()[from.function].reachable);
        if (s.ended) return;
        const basic_block &to = block_at(p, s.next_pc);
        const bool goes_on = s.next_pc > s.pc and s.next_pc < from.end;
        if (not s.stays or goes_on) return;
        RC_ASSERT(s.next_pc == to.begin);
        RC_ASSERT(to.function == from.function);
        const auto successors = p.successors_of(from);
        RC_ASSERT(std::ranges::find(successors, index_of(p, to)) != successors.end());
    });
}

RC_GTEST_PROP(properties, blocks_and_functions_cover_every_slot_once_in_order, ()) {
    const program p = any_program();
    uint32_t slot = 0;
    uint32_t block = 0;
    for (uint32_t n = 0; n < p.functions().size(); ++n) {
        const function &f = p.functions()[n];
        RC_ASSERT(f.begin == slot);
        RC_ASSERT(f.first_block == block);
        for (const basic_block &b : p.blocks().subspan(f.first_block, f.block_count)) {
            RC_ASSERT(b.begin == slot);
            RC_ASSERT(b.end > b.begin);
            RC_ASSERT(b.function == n);
            slot = b.end;
        }
        RC_ASSERT(f.end == slot);
        block += f.block_count;
    }
    RC_ASSERT(slot == p.size());
    RC_ASSERT(block == p.blocks().size());
}

RC_GTEST_PROP(properties, blocks_are_entered_at_the_top_and_left_at_the_bottom, ()) {
    const program p = any_program();
    for (const basic_block &b : p.blocks()) {
        for (uint32_t pc = b.begin; pc + 1 < b.end; ++pc) {
            const isa::insn_id id = p.insn(pc).id;
            if (id == isa::insn_id::none) continue;
            RC_ASSERT(not isa::ends_flow(id));
            RC_ASSERT(isa::kind_of(id) != isa::operation_kind::branch);
        }
        for (const uint32_t next : p.successors_of(b))
            RC_ASSERT(p.blocks()[next].function == b.function);
    }
}

RC_GTEST_PROP(properties, reachable_is_what_a_search_over_slots_reaches, ()) {
    const program p = any_program();
    const auto reached = reachable_slots(p);
    for (const basic_block &b : p.blocks()) RC_ASSERT(b.reachable == reached[b.begin]);
    for (const function &f : p.functions()) RC_ASSERT(f.reachable == reached[f.begin]);
}

RC_GTEST_PROP(properties, functions_begin_where_something_refers_to, ()) {
    const program p = any_program();
    std::vector<uint32_t> entries{0};
    for (uint32_t pc = 0; pc < p.size(); ++pc) {
        const isa::insn_id id = p.insn(pc).id;
        if (id != isa::insn_id::call_local and id != isa::insn_id::lddw_code) continue;
        entries.push_back(p.callee_pc(pc));
        const auto callees = p.callees_of(p.functions()[p.function_at(pc)]);
        RC_ASSERT(std::ranges::binary_search(callees, p.function_at(p.callee_pc(pc))));
    }
    std::ranges::sort(entries);
    entries.erase(std::ranges::unique(entries).begin(), entries.end());
    RC_ASSERT(p.functions().size() == entries.size());
    for (std::size_t n = 0; n < entries.size(); ++n)
        RC_ASSERT(p.functions()[n].begin == entries[n]);
    for (uint32_t pc = 0; pc < p.size(); ++pc) {
        const auto after = std::ranges::upper_bound(entries, pc);
        RC_ASSERT(p.function_at(pc) == static_cast<uint32_t>(after - entries.begin() - 1));
        RC_ASSERT(p.is_entry(pc) == std::ranges::binary_search(entries, pc));
    }
}

}  // namespace bpftime::vm::test
