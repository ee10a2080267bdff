// bpftime-vm: what is proven of a program before it runs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "analysis/facts.hpp"

#include <algorithm>

namespace bpftime::vm::analysis {

struct facts::kept {
    const program &code;
    const environment &world;
};

facts::facts() = default;
facts::facts(facts &&) noexcept = default;
facts &facts::operator=(facts &&) noexcept = default;
facts::~facts() = default;

facts facts::analyse(const program &p, const environment &world, effort) {
    facts f;
    f.accesses_.resize(p.size());
    f.branches_.resize(p.size());
    f.escaping_frames_.assign(p.functions().size(), true);
    f.reachable_.resize(p.blocks().size());
    for (std::size_t b = 0; b < p.blocks().size(); ++b) {
        const basic_block &block = p.blocks()[b];
        f.reachable_[b] = block.reachable;
        for (uint32_t pc = block.begin; pc < block.end and block.reachable; ++pc) {
            const isa::instruction &i = p.insn(pc);
            if (i.id == isa::insn_id::none) continue;
            const isa::shape_info &form = isa::info(isa::info(i.id).shape);
            if (form.offset == isa::offset_role::memory) f.accesses_[pc].what = verdict::check;
            if (form.offset == isa::offset_role::jump and form.dst == isa::register_role::read)
                f.branches_[pc] = branch_facts::both;
        }
    }
    f.kept_ = std::make_unique<kept>(p, world);
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

std::optional<state> facts::before(uint32_t pc) const {
    const program &p = kept_->code;
    const auto blocks = p.blocks();
    const auto after = std::ranges::upper_bound(blocks, pc, {}, &basic_block::begin);
    if (after == blocks.begin() or not(after - 1)->reachable) return std::nullopt;
    state s;
    s.registers[isa::frame_pointer].kind = value_kind::frame;
    s.registers[isa::frame_pointer].offset = number::constant(0);
    return s;
}

}  // namespace bpftime::vm::analysis
