// bpftime-vm: branches that wait for their targets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "emitter.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace bpftime::vm::ubpf::inline aarch64 {

/// How many bytes branches go, forwards and backwards. Tests pretend less.
struct branch_reach {
    uint32_t test = 1U << 15;
    uint32_t conditional = 1U << 20;
    uint32_t far = 1U << 27;

    [[nodiscard]] constexpr uint32_t of(reach r) const noexcept {
        return r == reach::test ? test : r == reach::conditional ? conditional : far;
    }
};

/// What a branch goes to.
struct branch_target {
    enum class what : uint8_t { pc, slow_path, function };
    what kind;
    uint32_t index;  ///< a pc, or a number of the others
};

/// Branches forwards, in the order in which they are in the code, until their targets are known.
/// One that could not wait longer goes to an island of further branches, near enough to it.
class open_branches {
public:
    struct open {
        uint32_t at;
        branch_target target;
    };
    /// Those of one reach. Calls wait longer than the function that they are in.
    enum class queue : uint8_t { test, conditional, far, call };
    static constexpr std::size_t queue_count = 4;

    void restart(branch_reach reach) noexcept {
        reach_ = reach;
        for (branches &q : queues_) q.clear();
        anywhere_.clear();
        note_island();
    }
    [[nodiscard]] const branch_reach &range() const noexcept { return reach_; }

    void add(reach r, const open &branch) {
        const queue q = branch.target.kind == branch_target::what::function ? queue::call
                                                                            : static_cast<queue>(r);
        of(q).all.push_back(branch);
        island_at_ = std::min(island_at_, latest_island(q));
    }
    /// A jump_anywhere(), which can wait.
    void add_anywhere(const open &jump) { anywhere_.push_back(jump); }

    /// Where the next island has to be, at the latest; a little later is fine.
    [[nodiscard]] uint32_t island_at() const noexcept { return island_at_; }

    /// Gives the branches that are to be in an island at `offset` (called for each) to `place`.
    template <typename Offset, typename Place>
    void make_island(const Offset &offset, const Place &place) {
        for (std::size_t i = 0; i < queue_count; ++i) {
            const auto q = static_cast<queue>(i);
            // Some more than there need be, so that islands are few.
            const uint32_t more = range_of(q) / 8;
            while (not of(q).is_empty() and offset() + more >= latest_island(q)) {
                const open branch = of(q).all[of(q).first++];
                place(q, branch);
            }
        }
        note_island();
    }

    /// Takes those that need not wait when a function ends.
    template <typename Close, typename CloseAnywhere>
    void close_local(const Close &close, const CloseAnywhere &close_anywhere) {
        for (const queue q : {queue::test, queue::conditional, queue::far}) {
            for (const open &b : of(q).waiting()) close(b);
            of(q).clear();
        }
        std::erase_if(anywhere_, [&](const open &b) {
            if (b.target.kind == branch_target::what::function) return false;
            close_anywhere(b);
            return true;
        });
        note_island();
    }
    /// Takes calls when the program ends.
    template <typename Close, typename CloseAnywhere>
    void close_calls(const Close &close, const CloseAnywhere &close_anywhere) {
        for (const open &b : of(queue::call).waiting()) close(b);
        for (const open &b : anywhere_) close_anywhere(b);
    }

private:
    struct branches {
        std::vector<open> all;
        std::size_t first = 0;  ///< that waits

        [[nodiscard]] std::span<const open> waiting() const noexcept {
            return std::span{all}.subspan(first);
        }
        [[nodiscard]] bool is_empty() const noexcept { return first == all.size(); }
        void clear() noexcept {
            all.clear();
            first = 0;
        }
    };

    [[nodiscard]] branches &of(queue q) noexcept { return queues_[static_cast<std::size_t>(q)]; }
    [[nodiscard]] uint32_t range_of(queue q) const noexcept {
        return reach_.of(q == queue::call ? reach::far : static_cast<reach>(q));
    }

    /// The first branch that waits has to reach its place in an island, behind the places of
    /// shorter branches, and those that follow it, too, however many they are.
    [[nodiscard]] uint32_t latest_island(queue q) noexcept {
        constexpr std::size_t between_looks = 1024;  // at most, code of one instruction
        const auto size_of = [&](queue which, std::size_t each) {
            return of(which).waiting().size() * each;
        };
        std::size_t less = between_looks;
        if (q == queue::test) {
            less += size_of(q, 4);
        } else if (q == queue::conditional) {
            less += reach_.test + size_of(q, 4);
        } else {
            less += std::size_t{reach_.test} + reach_.conditional +
                    size_of(queue::far, emitter::jump_anywhere_bytes) +
                    size_of(queue::call, emitter::jump_anywhere_bytes);
        }
        const std::size_t end = of(q).waiting().front().at + std::size_t{range_of(q)};
        return end < less ? 0
                          : static_cast<uint32_t>(std::min<std::size_t>(
                                end - less, std::numeric_limits<uint32_t>::max()));
    }
    void note_island() noexcept {
        island_at_ = std::numeric_limits<uint32_t>::max();
        for (std::size_t i = 0; i < queue_count; ++i) {
            const auto q = static_cast<queue>(i);
            if (not of(q).is_empty()) island_at_ = std::min(island_at_, latest_island(q));
        }
    }

    branch_reach reach_;
    std::array<branches, queue_count> queues_;
    std::vector<open> anywhere_;
    uint32_t island_at_ = std::numeric_limits<uint32_t>::max();
};

}  // namespace bpftime::vm::ubpf::inline aarch64
