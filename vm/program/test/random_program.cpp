// bpftime-vm: random valid programs, and random walks through them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "random_program.hpp"

#include "support.hpp"

#include <algorithm>
#include <iterator>

namespace bpftime::vm::test {

namespace {

using isa::insn_id;
using isa::instruction;

/// What may stand at one place of a random program.
enum class element {
    plain,
    wide,
    branch,
    budget,
    jump,
    wide_jump,
    table_jump,
    call,
    address,
    call_value,
    leave
};

bool takes_two_slots(element e) { return e == element::wide or e == element::address; }

/// Elements by how often they come, and those that may come last.
constexpr element anywhere[] = {
    element::plain,  element::plain,   element::wide,       element::branch,    element::branch,
    element::branch, element::budget,  element::jump,       element::wide_jump, element::table_jump,
    element::call,   element::address, element::call_value, element::leave};
constexpr element last[] = {element::jump, element::wide_jump, element::table_jump, element::leave,
                            element::leave};

template <typename Range>
auto any_of(const Range &choices) {
    return choices[*rc::gen::inRange<std::size_t>(0, std::size(choices))];
}

/// One function: its elements and where each begins.
struct random_function {
    std::vector<element> elements;
    std::vector<uint32_t> begins;
};

random_function any_function(uint32_t begin) {
    random_function f;
    const int length = *rc::gen::inRange(1, 16);
    for (int i = 0; i < length; ++i) {
        const element e = i + 1 < length ? any_of(anywhere) : any_of(last);
        f.elements.push_back(e);
        f.begins.push_back(begin);
        begin += takes_two_slots(e) ? 2 : 1;
    }
    return f;
}

/// Places `e` at `pc`; `target` is where it jumps, `function` what it calls.
void emit(std::vector<instruction> &insns, element e, uint32_t target, uint32_t function) {
    const auto pc = static_cast<int64_t>(insns.size());
    const auto jump = static_cast<int16_t>(target - pc - 1);
    const auto jump32 = static_cast<int32_t>(target - pc - 1);
    const auto call = static_cast<int32_t>(function - pc - 1);
    switch (e) {
    case element::plain: insns.push_back({.id = insn_id::mov64_imm}); break;
    case element::wide: insns.push_back({.id = insn_id::lddw}); break;
    case element::branch: insns.push_back({.id = insn_id::jeq64_imm, .offset = jump}); break;
    case element::budget: insns.push_back({.id = insn_id::may_goto, .offset = jump}); break;
    case element::jump: insns.push_back({.id = insn_id::ja, .offset = jump}); break;
    case element::wide_jump: insns.push_back({.id = insn_id::ja32, .imm = jump32}); break;
    case element::table_jump: insns.push_back({.id = insn_id::gotox}); break;
    case element::call: insns.push_back({.id = insn_id::call_local, .src = 1, .imm = call}); break;
    case element::address:
        insns.push_back({.id = insn_id::lddw_code, .src = 4, .imm = call});
        break;
    case element::call_value: insns.push_back({.id = insn_id::callx}); break;
    case element::leave: insns.push_back({.id = insn_id::exit_}); break;
    }
    if (takes_two_slots(e)) insns.push_back({.id = insn_id::none});
}

random_code any_program() {
    std::vector<random_function> functions;
    uint32_t end = 0;
    for (int n = *rc::gen::inRange(1, 5); n > 0; --n) {
        functions.push_back(any_function(end));
        end = functions.back().begins.back() +
              (takes_two_slots(functions.back().elements.back()) ? 2 : 1);
    }
    std::vector<instruction> insns;
    random_code out;
    // A range of slots is a function only if something calls it; what nothing calls belongs to the
    // one before.
    for (const random_function &f : functions) {
        for (const element e : f.elements) {
            const uint32_t target = any_of(f.begins);
            if (*rc::gen::inRange(0, 3) == 0) out.jump_targets.push_back(any_of(f.begins));
            emit(insns, e, target, any_of(functions).begins.front());
        }
    }
    out.code = bytes_of(insns);
    return out;
}

/// The instructions that a walk may decide about.
class walker {
public:
    walker(const program &p, std::minstd_rand &chance) : p_{p}, chance_{chance} {}

    bool ended() const { return state_.ended; }

    const walk_state &step() {
        const uint32_t pc = state_.next_pc;
        const instruction &i = p_.insn(pc);
        const uint32_t slots = isa::is_wide(i.id) ? 2 : 1;
        state_.pc = pc;
        state_.executed += slots;
        state_.charged_before = state_.charged;
        state_.stays = true;
        switch (isa::kind_of(i.id)) {
        case isa::operation_kind::branch:
            if (chance_() % 2 == 0)
                jump(p_.jump_target(pc));
            else
                state_.next_pc = pc + slots;
            break;
        case isa::operation_kind::jump:
            if (i.id == insn_id::gotox)
                jump_by_table();
            else
                jump(p_.jump_target(pc));
            break;
        case isa::operation_kind::call: call(i); break;
        case isa::operation_kind::exit: leave(); break;
        default: state_.next_pc = pc + slots;
        }
        return state_;
    }

private:
    static constexpr std::size_t most_callers = 7;

    void end() {
        state_.ended = true;
        state_.next_pc = state_.pc;
    }

    void jump(uint32_t target) {
        if (program::is_back_edge(state_.pc, target)) state_.charged += p_.loop_weight(target);
        state_.next_pc = target;
    }

    void jump_by_table() {
        std::vector<uint32_t> targets;
        std::ranges::copy_if(p_.jump_targets(), std::back_inserter(targets), [&](uint32_t target) {
            return p_.function_at(target) == p_.function_at(state_.pc);
        });
        if (targets.empty()) return end();
        jump(targets[chance_() % targets.size()]);
    }

    /// callx may go to any reachable function: handles can be forged.
    void call(const instruction &i) {
        uint32_t callee = 0;
        if (i.id == insn_id::call_local) {
            callee = p_.function_at(p_.callee_pc(state_.pc));
        } else {
            do callee = static_cast<uint32_t>(chance_() % p_.functions().size());
            while (not p_.functions()[callee].reachable);
        }
        state_.charged += p_.functions()[callee].weight;
        if (callers_.size() == most_callers) return end();
        callers_.push_back(state_.pc + 1);
        state_.stays = false;
        state_.next_pc = p_.functions()[callee].begin;
    }

    void leave() {
        if (callers_.empty()) return end();
        state_.stays = false;
        state_.next_pc = callers_.back();
        callers_.pop_back();
    }

    const program &p_;
    std::minstd_rand &chance_;
    walk_state state_;
    std::vector<uint32_t> callers_;
};

}  // namespace

rc::Gen<random_code> valid_program() { return rc::gen::exec(any_program); }

void walk(const program &p, std::minstd_rand &chance, std::size_t steps,
          const std::function<void(const walk_state &)> &visit) {
    walker w{p, chance};
    while (steps-- != 0 and not w.ended()) visit(w.step());
}

}  // namespace bpftime::vm::test
