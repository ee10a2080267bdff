// bpftime-vm: how long things took, in bounded memory
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace bpftime::vm::cli {

/// Durations in nanoseconds, counted in buckets that are 1/64 of their value wide: percentiles are
/// exact to 1.6 %.
class histogram {
public:
    void add(uint64_t nanoseconds) noexcept;

    [[nodiscard]] uint64_t count() const noexcept { return count_; }
    [[nodiscard]] uint64_t total() const noexcept { return total_; }
    [[nodiscard]] uint64_t least() const noexcept { return count_ == 0 ? 0 : least_; }
    [[nodiscard]] uint64_t most() const noexcept { return most_; }
    [[nodiscard]] double mean() const noexcept;
    /// The smallest duration that `fraction` (0 to 1) of all do not exceed; 0 if there are none.
    [[nodiscard]] uint64_t percentile(double fraction) const noexcept;

private:
    static constexpr unsigned precision_bits = 6;
    static constexpr std::size_t bucket_count = (64 - precision_bits + 1) << precision_bits;

    [[nodiscard]] static std::size_t bucket_of(uint64_t value) noexcept;
    [[nodiscard]] static uint64_t middle_of(std::size_t bucket) noexcept;

    std::array<uint64_t, bucket_count> buckets_{};
    uint64_t count_ = 0;
    uint64_t total_ = 0;
    uint64_t least_ = UINT64_MAX;
    uint64_t most_ = 0;
};

/// Chooses which of many things to time, when nobody knows how many will come: always as many from
/// each stretch of them. The first most_kept are all timed; later every second one, every fourth
/// and so on, each at a random place of its stretch, so that no rhythm of the things is followed.
class sampler {
public:
    static constexpr std::size_t most_kept = std::size_t{1} << 14;

    /// Whether the thing that comes is to be timed: then add() is next.
    [[nodiscard]] bool wants_next() noexcept { return --until_next_ == 0; }
    void add(uint64_t nanoseconds);
    [[nodiscard]] histogram times() const;

private:
    std::vector<uint64_t> kept_;
    uint64_t stretch_ = 1;
    uint64_t place_ = 0;  ///< in its stretch, of the last one
    uint64_t until_next_ = 1;
    std::minstd_rand random_;
};

}  // namespace bpftime::vm::cli
