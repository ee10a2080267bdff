// bpftime-vm: what every fuzz target needs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "common.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace bpftime::vm::fuzz {

void require(bool holds, std::string_view what, std::source_location where) {
    if (holds) return;
    std::fprintf(stderr, "finding: %.*s (%s:%u)\n", static_cast<int>(what.size()), what.data(),
                 where.file_name(), static_cast<unsigned>(where.line()));
    std::abort();
}

uint8_t input_reader::byte() noexcept {
    if (rest_.empty()) return 0;
    const uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
}

uint16_t input_reader::half() noexcept {
    const uint8_t low = byte();
    return static_cast<uint16_t>(low | byte() << 8);
}

// SplitMix64: one addition and a mix of the state.
uint64_t random_source::next() noexcept {
    state_ += 0x9e37'79b9'7f4a'7c15;
    uint64_t mixed = state_;
    mixed = (mixed ^ mixed >> 30) * 0xbf58'476d'1ce4'e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d0'49bb'1331'11eb;
    return mixed ^ mixed >> 31;
}

uint64_t random_source::interesting() noexcept {
    switch (below(5)) {
    case 0: return below(16);
    case 1: return 0 - below(16);
    case 2: return uint64_t{1} << below(64);
    case 3: {
        constexpr auto ends =
            std::to_array<uint64_t>({0x7f, 0xff, 0x7fff, 0xffff, 0x7fff'ffff, 0xffff'ffff,
                                     0x7fff'ffff'ffff'ffff, 0x8000'0000, 0x8000'0000'0000'0000});
        return pick(ends) + below(3) - 1;
    }
    default: return next();
    }
}

tally::~tally() {
    std::fprintf(stderr, "%s: %llu inputs", target_.c_str(),
                 static_cast<unsigned long long>(inputs_));
    for (const auto &[what, count] : counts_) {
        const double share = 100.0 * static_cast<double>(count) /
                             static_cast<double>(std::max<uint64_t>(inputs_, 1));
        std::fprintf(stderr, ", %s %.1f%%", what.c_str(), share);
    }
    std::fprintf(stderr, "\n");
}

std::size_t replace_input(uint8_t *data, std::size_t max_size,
                          std::span<const uint8_t> bytes) noexcept {
    const auto kept = bytes.first(std::min(max_size, bytes.size()));
    std::ranges::copy(kept, data);
    return kept.size();
}

}  // namespace bpftime::vm::fuzz
