// bpftime-vm: which line of source each instruction was compiled from
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object/source_map.hpp"

#include <algorithm>
#include <iterator>

namespace bpftime::vm::object {

std::optional<source_place> source_map::find(uint32_t pc) const {
    const auto after = std::ranges::upper_bound(rows_, pc, {}, &row::pc);
    if (after == rows_.begin()) return {};
    const row &r = *std::prev(after);
    if (r.line == 0) return {};
    return source_place{strings_[r.file], r.line, r.column, strings_[r.text]};
}

uint32_t source_map::keep(std::string_view text) {
    const auto [entry, added] =
        indexes_.try_emplace(std::string{text}, static_cast<uint32_t>(strings_.size()));
    if (added) strings_.emplace_back(text);
    return entry->second;
}

void source_map::add(const row &r) {
    if (not rows_.empty() and rows_.back().pc == r.pc)
        rows_.back() = r;
    else
        rows_.push_back(r);
}

void source_map::add(uint32_t pc, const source_place &place) {
    add(row{pc, keep(place.file), keep(place.text), place.line, place.column});
}

void source_map::add_unknown(uint32_t pc) { add(row{pc, 0, 0, 0, 0}); }

}  // namespace bpftime::vm::object
