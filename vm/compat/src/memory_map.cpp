// bpftime-vm: looking up memory that a program may touch
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/memory_map.hpp"

#include "spare.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <ranges>
#include <utility>

namespace bpftime::vm::compat {

namespace {

/// An access that misses the memory of the run by less than this is reported as its offset, not as
/// a stray one.
constexpr uint64_t near_distance = 64 << 10;

/// By how much an access may miss memory to be taken for one of that, whatever else is near.
constexpr uint64_t just_missed = 16;

/// Up to so many grants, looking at each is faster than finding one.
constexpr std::size_t few_grants = 16;

}  // namespace

std::optional<uint32_t> stack_layout::nearest(uint64_t address) const noexcept {
    const uint64_t stride = uint64_t{2} * frame_size_;
    const uint64_t below_top = frame_top(0) - address + frame_size_ / 2 - 1;
    const uint64_t depth = below_top / stride;
    if (depth >= depth_) return std::nullopt;
    return static_cast<uint32_t>(depth);
}

bool memory_map::search(uint64_t address, uint64_t size, permission wanted) noexcept {
    if (const auto depth = stack_.nearest(address);
        depth and *depth < live_ and stack_.is_present(*depth)) {
        if (stack_.frame(*depth).holds(address, size)) return true;
    }
    const auto try_all = [&](auto &&spans) {
        for (const memory_span &s : spans) {
            if (s.holds(address, size) and bpftime::vm::allows(s.allowed, wanted)) {
                recent_ = s;
                return true;
            }
        }
        return false;
    };
    // Helpers grant what the program touches next: the newest grant first.
    return (given_ and (try_all(std::views::reverse(given_->lent)) or
                        try_all(std::views::reverse(given_->granted)))) or
           try_all(run_) or try_all(program_->registered) or try_all(program_->linked) or
           arena().holds(address, size);
}

uint64_t memory_map::redirect(uint64_t address, uint64_t size, permission wanted) noexcept {
    static constexpr uint64_t zeros = 0;
    const auto offset = arena().offset_of(address);
    if (not offset) return 0;
    if (arena().has(*offset, size)) return arena().address_of(*offset);
    if (not allows_write(wanted)) return reinterpret_cast<uintptr_t>(&zeros);
    lost_ = 0;
    return reinterpret_cast<uintptr_t>(&lost_);
}

/// The slot of the grant that begins there, or the free one where it would be put.
std::size_t given_memory::index_slot(uint64_t begin) const noexcept {
    constexpr uint64_t odd = 0x9e37'79b9'7f4a'7c15;
    const std::size_t mask = granted_index.size() - 1;
    std::size_t slot = static_cast<std::size_t>(begin * odd >> 32) & mask;
    for (; granted_index[slot] != 0; slot = (slot + 1) & mask) {
        const std::size_t at = granted_index[slot] - 1;
        if (at < granted.size() and granted[at].begin == begin) break;
    }
    return slot;
}

void given_memory::index_grants() {
    granted_index.assign(std::bit_ceil(4 * granted.size()), 0);
    index_used = granted.size();
    for (std::size_t i = 0; i < granted.size(); ++i)
        granted_index[index_slot(granted[i].begin)] = static_cast<uint32_t>(i + 1);
}

given_memory *given_memory::take() {
    auto kept = spare<given_memory>::take();
    return kept != nullptr ? kept.release() : new given_memory;
}

void given_memory::give_back::operator()(given_memory *given) const noexcept {
    constexpr std::size_t most_kept = 1024;
    std::unique_ptr<given_memory> owned{given};
    if (owned->granted.capacity() > most_kept or owned->lent.capacity() > most_kept) return;
    owned->granted.clear();
    owned->lent.clear();
    owned->granted_index.clear();
    owned->index_used = 0;
    spare<given_memory>::keep(std::move(owned));
}

bool given_memory::is_granted(const memory_span &span) const noexcept {
    const auto covers = [&](const memory_span &s) {
        return s.holds(span.begin, span.len) and bpftime::vm::allows(s.allowed, span.allowed);
    };
    if (granted_index.empty()) return std::ranges::any_of(granted, covers);
    const uint32_t found = granted_index[index_slot(span.begin)];
    return found != 0 and covers(granted[found - 1]);
}

void given_memory::add(uint64_t begin, uint64_t len, permission allowed) {
    // A program that looks up the same few values over and over must not make the list grow.
    if (not granted.empty() and is_granted({begin, len, allowed})) return;
    granted.emplace_back(begin, len, allowed);
    if (granted.size() <= few_grants) return;
    if (2 * ++index_used > granted_index.size())
        index_grants();
    else
        granted_index[index_slot(begin)] = static_cast<uint32_t>(granted.size());
}

void memory_map::exchange_grants(memory_map &other) noexcept {
    std::swap(given_, other.given_);
    recent_ = other.recent_ = {.allowed = permission::none};
}

void memory_map::revoke(uint64_t begin) noexcept {
    if (given_ != nullptr) {
        auto &granted = given_->granted;
        // Most often it is the last one, and the only one.
        if (not granted.empty() and granted.back().begin == begin) granted.pop_back();
        if (not granted.empty())
            std::erase_if(granted, [&](const memory_span &s) { return s.begin == begin; });
    }
    if (recent_.begin == begin) recent_ = {.allowed = permission::none};
}

bool memory_map::is_writable_elsewhere(const memory_span &bytes) const noexcept {
    const auto has_some = [&](const memory_span &s) {
        return allows_write(s.allowed) and s.begin < bytes.begin + bytes.len and
               bytes.begin < s.begin + s.len;
    };
    return std::ranges::any_of(run_, has_some) or
           std::ranges::any_of(program_->registered, has_some) or
           std::ranges::any_of(program_->linked, has_some) or
           (given_ != nullptr and (std::ranges::any_of(given_->lent, has_some) or
                                   std::ranges::any_of(given_->granted, has_some)));
}

bool memory_map::keeps(const memory_span &bytes, permission wanted) const noexcept {
    const auto has_all = [&](const memory_span &s) {
        return s.holds(bytes.begin, bytes.len) and bpftime::vm::allows(s.allowed, wanted);
    };
    return has_all(input_) or std::ranges::any_of(run_, has_all) or
           std::ranges::any_of(program_->registered, has_all) or
           std::ranges::any_of(program_->linked, has_all) or
           (given_ != nullptr and std::ranges::any_of(given_->granted, has_all));
}

std::optional<memory_map::place> memory_map::find(uint64_t address) const noexcept {
    if (input_.len != 0 and input_.holds(address, 1)) return place{region_kind::input, 0, input_};
    for (uint32_t depth = 0; depth < live_; ++depth) {
        if (stack_.is_present(depth) and stack_.frame(depth).holds(address, 1))
            return place{region_kind::stack, depth, stack_.frame(depth)};
    }
    const auto in = [&](region_kind kind,
                        std::span<const memory_span> spans) -> std::optional<place> {
        for (uint32_t i = 0; i < spans.size(); ++i) {
            if (spans[i].holds(address, 1)) return place{kind, i, spans[i]};
        }
        return std::nullopt;
    };
    if (auto p = in(region_kind::run, run_)) return p;
    if (auto p = in(region_kind::registered, program_->registered)) return p;
    auto granted = given_ ? in(region_kind::granted, given_->lent) : std::nullopt;
    if (not granted and given_) granted = in(region_kind::granted, given_->granted);
    if (not granted) granted = in(region_kind::granted, program_->linked);
    if (granted) granted->index = 0;
    return granted;
}

std::optional<memory_map::place> memory_map::find_near(uint64_t address) const noexcept {
    if (const auto depth = stack_.nearest(address); depth and *depth < live_) {
        return place{region_kind::stack, *depth, stack_.frame(*depth)};
    }
    std::optional<place> nearest;
    uint64_t least = 0;
    const auto consider = [&](region_kind kind, uint32_t index, const memory_span &span) {
        const uint64_t from_start = address - span.begin;
        const bool is_before = 0 - from_start < near_distance;
        const uint64_t distance = is_before ? 0 - from_start : from_start - span.len;
        if (span.len == 0 or distance >= least) return;
        least = distance;
        nearest = place{kind, index, span};
    };
    const auto consider_run = [&] {
        for (uint32_t i = 0; i < run_.size(); ++i) consider(region_kind::run, i, run_[i]);
    };
    // What only just misses a region was meant for that one. For others it must not matter where
    // the host put its memory: input is what programs have most often.
    least = just_missed;
    consider(region_kind::input, 0, input_);
    consider_run();
    if (nearest) return nearest;
    least = near_distance;
    consider(region_kind::input, 0, input_);
    if (not nearest) consider_run();
    return nearest;
}

fault memory_map::explain(uint32_t pc, uint64_t address, uint64_t size,
                          permission wanted) const noexcept {
    fault f{.pc = pc, .size = size, .address = address};
    f.kind =
        allows_write(wanted) ? fault_kind::out_of_bounds_write : fault_kind::out_of_bounds_read;
    auto where = find(address);
    if (where and where->span.holds(address, size)) {
        // The access is in bounds, so a permission is missing.
        const bool may_write = allows_write(where->span.allowed);
        f.kind = may_write ? fault_kind::out_of_bounds_read : fault_kind::read_only_write;
    }
    if (not where) where = find_near(address);
    if (where) {
        f.region = where->kind;
        f.region_index = where->index;
        f.offset = static_cast<int64_t>(address - where->span.begin);
        f.region_bytes = where->span.len;
    }
    return f;
}

}  // namespace bpftime::vm::compat
