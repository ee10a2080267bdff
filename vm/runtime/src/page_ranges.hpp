// bpftime-vm: which pages are free, in ranges
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace bpftime::vm::runtime {

/// A set of numbers, kept as ranges that do not touch.
class page_ranges {
public:
    explicit page_ranges(uint32_t count) {
        if (count != 0) insert(0, count);
    }

    /// Whether all of [begin, begin + count) are in the set.
    [[nodiscard]] bool has(uint32_t begin, uint32_t count) const noexcept {
        const auto at = find(begin);
        return at != ranges_.end() and count <= at->second - (begin - at->first);
    }
    /// The begin of the smallest range of at least so many; among those the lowest.
    [[nodiscard]] std::optional<uint32_t> find_room(uint32_t count) const noexcept {
        const auto at = by_size_.lower_bound({count, 0});
        return at == by_size_.end() ? std::nullopt : std::optional{at->second};
    }

    /// Takes out what has() says is there. Throws std::bad_alloc, and then changes nothing.
    void take(uint32_t begin, uint32_t count) {
        const auto at = find(begin);
        const auto [first, size] = *at;
        const uint32_t behind = begin + count;
        const uint32_t after = first + size - behind;
        if (after != 0) insert(behind, after);
        if (begin == first) return erase(first, size);
        resize(first, size, begin - first);
    }
    /// Puts them all in, whether some are there already or not.
    void give(uint32_t begin, uint32_t count) {
        uint32_t end = begin + count;
        auto at = ranges_.upper_bound(begin);
        if (at != ranges_.begin() and std::prev(at)->first + std::prev(at)->second >= begin) --at;
        while (at != ranges_.end() and at->first <= end) {
            const auto [first, size] = *at++;
            begin = std::min(begin, first);
            end = std::max(end, first + size);
            erase(first, size);
        }
        insert(begin, end - begin);
    }

private:
    using range_map = std::map<uint32_t, uint32_t>;

    [[nodiscard]] range_map::const_iterator find(uint32_t page) const noexcept {
        auto at = ranges_.upper_bound(page);
        if (at == ranges_.begin()) return ranges_.end();
        --at;
        return page - at->first < at->second ? at : ranges_.end();
    }
    void insert(uint32_t begin, uint32_t count) {
        const auto sized = by_size_.emplace(count, begin).first;
        try {
            ranges_.emplace(begin, count);
        } catch (...) {
            by_size_.erase(sized);
            throw;
        }
    }
    void erase(uint32_t begin, uint32_t count) {
        by_size_.erase({count, begin});
        ranges_.erase(begin);
    }
    /// Without new memory.
    void resize(uint32_t begin, uint32_t from, uint32_t to) {
        auto node = by_size_.extract({from, begin});
        node.value().first = to;
        by_size_.insert(std::move(node));
        ranges_[begin] = to;
    }

    range_map ranges_;                                 ///< how many from each begin on
    std::set<std::pair<uint32_t, uint32_t>> by_size_;  ///< the same: how many, begin
};

}  // namespace bpftime::vm::runtime
