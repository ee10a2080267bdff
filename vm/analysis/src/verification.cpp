// bpftime-vm: what facts say of a program as a whole: safe, safe with checks, or at fault
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "analysis/verification.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace bpftime::vm::analysis {

namespace {

using isa::operation;
using isa::operation_kind;

/// How often functions are looked at again because those that they call fault for sure. What is
/// not found out then stays "checked".
constexpr unsigned most_rounds = 8;

class verifier {
public:
    verifier(const program &p, const environment &world, const facts &f, uint32_t call_depth)
        : p_{p},
          world_{world},
          f_{f},
          call_depth_{call_depth},
          never_returns_(p.functions().size()) {}

    verification run() && {
        out_.accesses = f_.summary();
        out_.is_complete = f_.is_complete();
        may_be_too_deep_ = not is_shallow();
        for (uint32_t b = 0; b < p_.blocks().size(); ++b) {
            if (is_executed(b)) note_block(p_.blocks()[b]);
        }
        find_certain_fault();
        out_.what = out_.fault           ? safety::faults
                    : out_.checks() != 0 ? safety::checked
                                         : safety::proven;
        return std::move(out_);
    }

private:
    [[nodiscard]] bool is_executed(uint32_t block) const {
        return p_.blocks()[block].reachable and f_.is_reachable(block);
    }

    // --- notes

    void add(uint32_t pc, verdict what, std::string text) {
        out_.notes.push_back({pc, what, std::move(text)});
    }
    void add_check(uint32_t pc, std::string text) {
        ++out_.other_checks;
        add(pc, verdict::check, std::move(text));
    }

    void note_block(const basic_block &block) {
        for (uint32_t pc = block.begin; pc < block.end; ++pc) {
            const isa::instruction &i = p_.insn(pc);
            if (i.id == isa::insn_id::none) continue;
            if (std::string text = f_.explain(pc); not text.empty())
                add(pc, f_.access(pc).what, std::move(text));
            note_control(pc, i);
        }
        note_loop(block);
    }

    void note_control(uint32_t pc, const isa::instruction &i) {
        switch (isa::info(i.id).operation) {
        case operation::call_helper: return note_helper(pc, static_cast<uint32_t>(i.imm));
        case operation::call_local:
            if (may_be_too_deep_) add_check(pc, "checked: the depth of calls");
            return;
        case operation::callx:
            return add_check(pc, "checked: whether the register holds a function or a helper");
        case operation::gotox:
            return add_check(pc, "checked: whether the register holds a target of its table");
        default: return;
        }
    }

    void note_helper(uint32_t pc, uint32_t id) {
        const helper_declaration *const d = world_.helper(id);
        if (d == nullptr) return;
        if (d->result == result_kind::never)
            return add(pc, verdict::faults, "faults: " + d->name + " cannot be called");
        unsigned wanted = 0;
        unsigned missing = 0;
        std::string which;
        for (unsigned n = 0; n < max_helper_arguments; ++n) {
            if (not is_checked(d->arguments[n].kind)) continue;
            ++wanted;
            if ((f_.proven_arguments(pc) >> n & 1) != 0) continue;
            ++missing;
            which += (which.empty() ? "r" : ", r") + std::to_string(n + 1);
        }
        if (missing != 0)
            add_check(pc, "checked: " + which + " of " + name_of_helper(*d));
        else if (wanted != 0)
            add(pc, verdict::proven, "proven: the arguments of " + name_of_helper(*d));
    }

    static std::string name_of_helper(const helper_declaration &d) {
        return d.name.empty() ? "helper " + std::to_string(d.id) : d.name;
    }

    void note_loop(const basic_block &block) {
        const uint32_t last = last_of(block);
        for (const uint32_t next : p_.successors_of(block)) {
            const uint32_t to = p_.blocks()[next].begin;
            if (not program::is_back_edge(last, to) or not goes(block, next)) continue;
            ++out_.loops;
            const auto bound = f_.trip_bound(last);
            out_.unbounded_loops += not bound;
            add(last, verdict::unreachable,
                bound ? "loop: goes back " + std::to_string(*bound) + " times at most"
                      : std::string{"loop: only the instruction limit ends it for sure"});
        }
    }

    // --- control flow

    [[nodiscard]] uint32_t last_of(const basic_block &block) const {
        const uint32_t last = block.end - 1;
        return p_.insn(last).id == isa::insn_id::none ? last - 1 : last;
    }

    /// Whether control may go from the end of `block` to block `next`, one of its successors.
    [[nodiscard]] bool goes(const basic_block &block, uint32_t next) const {
        if (not is_executed(next)) return false;
        const uint32_t last = last_of(block);
        const branch_facts branch = f_.branch(last);
        if (branch != branch_facts::always and branch != branch_facts::never) return true;
        const uint32_t to = p_.jump_target(last);
        return p_.blocks()[next].begin == (branch == branch_facts::always ? to : block.end);
    }

    /// Whether no chain of calls needs more frames than there are, and none is called by value.
    [[nodiscard]] bool is_shallow() const {
        // Callees are not sorted in any way: a depth-first walk, with the depth below each
        // function.
        const auto functions = p_.functions();
        constexpr uint32_t unknown = 0;
        constexpr uint32_t open = ~uint32_t{0};
        std::vector<uint32_t> depth(functions.size(), unknown);
        std::vector<std::pair<uint32_t, uint32_t>> walk{{0, 0}};  // function, next callee
        depth[0] = open;
        while (not walk.empty()) {
            auto &[at, next] = walk.back();
            const auto callees = p_.callees_of(functions[at]);
            if (next < callees.size()) {
                const uint32_t callee = callees[next++];
                if (depth[callee] == open) return false;  // recursion
                if (depth[callee] == unknown) {
                    depth[callee] = open;
                    walk.emplace_back(callee, 0);
                }
                continue;
            }
            uint32_t below = 0;
            for (const uint32_t callee : callees) below = std::max(below, depth[callee]);
            depth[at] = below + 1;
            walk.pop_back();
        }
        return depth[0] <= call_depth_;
    }

    // --- faults that no run avoids

    /// What a walk through a function meets.
    struct outcomes {
        bool returns = false;
        std::optional<uint32_t> fault;  ///< the first pc that faults for sure
    };

    void find_certain_fault() {
        for (unsigned round = 0; round < most_rounds; ++round) {
            bool changed = false;
            for (auto f = static_cast<uint32_t>(p_.functions().size()); f-- > 0;) {
                if (never_returns_[f] or not p_.functions()[f].reachable) continue;
                const outcomes met = walk(f);
                if (met.returns or not met.fault) continue;
                never_returns_[f] = met.fault;
                changed = true;
            }
            if (not changed) break;
        }
        if (never_returns_[0]) out_.fault = why(*never_returns_[0]);
    }

    [[nodiscard]] note why(uint32_t pc) const {
        std::string text = fmt::format("`{}` ", p_.text_at(pc));
        if (f_.access(pc).what != verdict::faults)
            text += "calls a helper that cannot be called here";
        else if (f_.access(pc).region > value_kind::scalar)
            text += f_.explain(pc) + " (outside, or not allowed): compare the offset first";
        else
            text +=
                "accesses an address that is no memory's: test for null, or give the memory with "
                "ebpf_register_region()";
        return {pc, verdict::faults, std::move(text)};
    }

    [[nodiscard]] outcomes walk(uint32_t function) const {
        const vm::function &f = p_.functions()[function];
        outcomes met;
        std::vector<bool> seen(f.block_count);
        std::vector<uint32_t> open{f.first_block};
        if (not is_executed(f.first_block)) return {.returns = true, .fault = {}};
        seen[0] = true;
        while (not open.empty()) {
            const basic_block &block = p_.blocks()[open.back()];
            open.pop_back();
            if (ends_in(block, met)) continue;
            for (const uint32_t next : p_.successors_of(block)) {
                if (not goes(block, next) or seen[next - f.first_block]) continue;
                seen[next - f.first_block] = true;
                open.push_back(next);
            }
        }
        return met;
    }

    [[nodiscard]] bool never_called(uint32_t helper) const {
        const helper_declaration *const d = world_.helper(helper);
        return d != nullptr and d->result == result_kind::never;
    }
    [[nodiscard]] bool may_end_run(uint32_t helper) const {
        const helper_declaration *const d = world_.helper(helper);
        return d == nullptr or d->runs_code() or world_.unwinds(helper);
    }

    /// Whether the block ends the function, or the run.
    bool ends_in(const basic_block &block, outcomes &met) const {
        const auto note_fault = [&met](uint32_t pc) {
            if (not met.fault or pc < *met.fault) met.fault = pc;
            return true;
        };
        for (uint32_t pc = block.begin; pc < block.end; ++pc) {
            const isa::instruction &i = p_.insn(pc);
            if (i.id == isa::insn_id::none) continue;
            if (f_.access(pc).what == verdict::faults) return note_fault(pc);
            switch (isa::info(i.id).operation) {
            case operation::exit_: met.returns = true; return true;
            case operation::load_packet: met.returns = true; break;  // where there is no packet
            case operation::call_local:
                if (const auto &fault = never_returns_[p_.function_at(p_.callee_pc(pc))])
                    return note_fault(*fault);
                break;
            case operation::call_helper:
                if (const auto id = static_cast<uint32_t>(i.imm); never_called(id))
                    return note_fault(pc);
                else
                    met.returns |= may_end_run(id);
                break;
            case operation::callx: met.returns = true; break;
            default: break;
            }
        }
        return false;
    }

    const program &p_;
    const environment &world_;
    const facts &f_;
    const uint32_t call_depth_;
    bool may_be_too_deep_ = false;
    verification out_;
    /// By function: where each run of it that ends faults first, if it never returns.
    std::vector<std::optional<uint32_t>> never_returns_;
};

}  // namespace

verification verify(const program &p, const environment &world, const facts &f,
                    uint32_t call_depth) {
    return verifier{p, world, f, call_depth}.run();
}

std::string_view name_of(safety s) noexcept {
    switch (s) {
    case safety::proven: return "proven safe";
    case safety::checked: return "safe with checks";
    case safety::faults: return "certainly faults";
    }
    return "";
}

std::string verification::summary() const {
    switch (what) {
    case safety::proven: return "proven safe";
    case safety::checked: {
        const uint32_t n = checks();
        return "safe with " + std::to_string(n) + (n == 1 ? " check" : " checks") + " at run time";
    }
    case safety::faults:
        return "certainly faults at pc " + std::to_string(fault->pc) + ": " + fault->text;
    }
    return "";
}

}  // namespace bpftime::vm::analysis
