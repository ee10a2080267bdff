// bpftime-vm: a histogram with buckets of constant relative width
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "statistics.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace bpftime::vm::cli {

// Values below 2^precision_bits have a bucket each; every further power of two is cut into
// 2^precision_bits parts.
std::size_t histogram::bucket_of(uint64_t value) noexcept {
    const auto bits = static_cast<unsigned>(std::bit_width(value));
    if (bits <= precision_bits) return value;
    const unsigned shift = bits - precision_bits - 1;
    return (std::size_t{shift} << precision_bits) + (value >> shift);
}

uint64_t histogram::middle_of(std::size_t bucket) noexcept {
    constexpr std::size_t parts = std::size_t{1} << precision_bits;
    if (bucket < 2 * parts) return bucket;
    const std::size_t shift = bucket / parts - 1;
    const uint64_t low = uint64_t{parts + bucket % parts} << shift;
    return low + (uint64_t{1} << shift) / 2;
}

void histogram::add(uint64_t nanoseconds) noexcept {
    ++buckets_[bucket_of(nanoseconds)];
    ++count_;
    total_ += nanoseconds;
    least_ = std::min(least_, nanoseconds);
    most_ = std::max(most_, nanoseconds);
}

double histogram::mean() const noexcept {
    return count_ == 0 ? 0 : static_cast<double>(total_) / static_cast<double>(count_);
}

uint64_t histogram::percentile(double fraction) const noexcept {
    if (count_ == 0) return 0;
    const auto wanted = std::max<uint64_t>(
        1, static_cast<uint64_t>(std::ceil(fraction * static_cast<double>(count_))));
    uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        seen += buckets_[i];
        if (seen >= wanted) return std::clamp(middle_of(i), least_, most_);
    }
    return most_;
}

void sampler::add(uint64_t nanoseconds) {
    kept_.push_back(nanoseconds);
    uint64_t next = stretch_ - place_;  // to the begin of the next stretch
    if (kept_.size() == most_kept) {
        for (std::size_t i = 0; i < most_kept / 2; ++i) kept_[i] = kept_[2 * i];
        kept_.resize(most_kept / 2);
        stretch_ *= 2;
    }
    place_ = random_() % stretch_;
    next += place_;
    until_next_ = next;
}

histogram sampler::times() const {
    histogram all;
    for (const uint64_t t : kept_) all.add(t);
    return all;
}

}  // namespace bpftime::vm::cli
