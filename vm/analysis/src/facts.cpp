// bpftime-vm: what is proven of a program before it runs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "analysis/facts.hpp"

#include "analyser.hpp"
#include "wide.hpp"

#include <algorithm>
#include <unordered_map>

namespace bpftime::vm::analysis {

struct facts::kept {
    analyser states;
};

namespace {

/// How often a loop can go back if a word that is one of `from` where it begins moves by `step`
/// each time, and is one of `at_jump` when it does. Nothing if it may wrap on its way.
std::optional<uint64_t> trips(const number &from, const number &at_jump, int64_t step) {
    const auto count = [step](wide least, wide most, wide least_at_jump,
                              wide most_at_jump) -> std::optional<uint64_t> {
        constexpr auto limit = wide{most_bytes};
        if (least < -limit or most > limit or step > limit or step < -limit) return std::nullopt;
        const wide distance = step > 0 ? most_at_jump - least : most - least_at_jump;
        return distance < 0 ? 0 : static_cast<uint64_t>(distance / (step > 0 ? step : -wide{step}));
    };
    const auto plain = count(from.umin, from.umax, at_jump.umin, at_jump.umax);
    return plain ? plain : count(from.smin, from.smax, at_jump.smin, at_jump.smax);
}

}  // namespace

/// Writes down what is found.
class facts_writer final : public observer {
public:
    facts_writer(const program &p, facts &to) : code_{p}, to_{to} {}

    void start() override {
        to_.accesses_.assign(code_.size(), {});
        to_.branches_.assign(code_.size(), {});
        to_.reachable_.assign(code_.blocks().size(), false);
        arguments_.clear();
        jumps_.clear();
    }

    void access(uint32_t pc, const access_facts &a) override { to_.accesses_[pc] = a; }
    void proven_arguments(uint32_t pc, uint8_t arguments) override { arguments_[pc] = arguments; }
    void block(uint32_t index) override { to_.reachable_[index] = true; }
    void branch(uint32_t pc, bool may_be_taken, bool may_go_on) override {
        to_.branches_[pc] = not may_be_taken ? branch_facts::never
                            : may_go_on      ? branch_facts::both
                                             : branch_facts::always;
    }

    void jump_back(uint32_t pc, uint32_t head, const state &at_jump,
                   const state &at_head) override {
        jumps_[pc] = {head, trips_of(head, at_jump, at_head)};
    }

    /// A loop whose every jump back moves one word by the same step ends when that runs out of
    /// values. With more than one jump, each of them would have to move it.
    void finish() {
        for (const auto &[pc, proven] : arguments_) {
            if (proven != 0) to_.proven_arguments_.emplace_back(pc, proven);
        }
        std::ranges::sort(to_.proven_arguments_);
        std::unordered_map<uint32_t, uint32_t> of_head;
        for (const auto &[pc, back] : jumps_) ++of_head[back.head];
        for (const auto &[pc, back] : jumps_) {
            if (back.trips and of_head[back.head] == 1)
                to_.trip_bounds_.emplace_back(pc, *back.trips);
        }
        std::ranges::sort(to_.trip_bounds_);
    }

private:
    struct jump {
        uint32_t head;
        std::optional<uint64_t> trips;
    };

    static std::optional<uint64_t> trips_of(uint32_t head, const state &at_jump,
                                            const state &at_head) {
        std::optional<uint64_t> least;
        for (unsigned r = 0; r < isa::frame_pointer; ++r) {
            const value &h = at_head.registers[r];
            const value &j = at_jump.registers[r];
            if (not h.is_scalar() or not j.is_scalar() or h.id == 0 or h.id != j.id) continue;
            if (origin_of(h.id) != head) continue;
            const auto step = static_cast<int64_t>(static_cast<uint64_t>(j.delta) -
                                                   static_cast<uint64_t>(h.delta));
            if (step == 0) continue;
            const auto bound = trips(h.offset, j.offset, step);
            if (bound and (not least or *bound < *least)) least = bound;
        }
        return least;
    }

    const program &code_;
    facts &to_;
    std::unordered_map<uint32_t, uint8_t> arguments_;
    std::unordered_map<uint32_t, jump> jumps_;
};

facts::facts() = default;
facts::facts(facts &&) noexcept = default;
facts &facts::operator=(facts &&) noexcept = default;
facts::~facts() = default;

facts facts::analyse(const program &p, const environment &world, effort how) {
    facts f;
    f.kept_.reset(new kept{.states{p, world, how}});
    analyser &states = f.kept_->states;
    facts_writer writer{p, f};
    f.complete_ = states.run(writer);
    writer.finish();
    f.rely_on_hidden_frames_ = not states.frames_may_escape();
    return f;
}

std::optional<uint64_t> facts::trip_bound(uint32_t pc) const noexcept {
    const auto found =
        std::ranges::lower_bound(trip_bounds_, pc, {}, &std::pair<uint32_t, uint64_t>::first);
    if (found == trip_bounds_.end() or found->first != pc) return std::nullopt;
    return found->second;
}

uint8_t facts::proven_arguments(uint32_t pc) const noexcept {
    const auto found =
        std::ranges::lower_bound(proven_arguments_, pc, {}, &std::pair<uint32_t, uint8_t>::first);
    return found == proven_arguments_.end() or found->first != pc ? uint8_t{0} : found->second;
}

facts_summary facts::summary() const noexcept {
    facts_summary sum;
    for (const access_facts &a : accesses_) {
        sum.accesses += a.what != verdict::unreachable;
        sum.proven += a.what == verdict::proven;
        sum.covered += a.what == verdict::covered;
        sum.checked += a.what == verdict::check;
        sum.faults += a.what == verdict::faults;
    }
    return sum;
}

std::optional<state> facts::before(uint32_t pc) const { return kept_->states.before(pc); }

}  // namespace bpftime::vm::analysis
