// bpftime-vm: the inputs of fuzz_capture: packet captures
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "capture_input.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace bpftime::vm::fuzz {

namespace {

void put(byte_vector &to, uint32_t word) {
    const auto bytes = std::bit_cast<std::array<uint8_t, sizeof word>>(word);
    to.insert(to.end(), bytes.begin(), bytes.end());
}

/// A .pcap of either byte order and either resolution.
byte_vector some_capture(random_source &random) {
    constexpr auto magics = std::to_array<uint32_t>({0xa1b2c3d4, 0xa1b23c4d});
    const bool is_swapped = random.chance(30);
    const auto word = [&](uint32_t value) { return is_swapped ? std::byteswap(value) : value; };
    byte_vector made;
    put(made, word(random.pick(magics)));
    put(made, is_swapped ? 0x0400'0200 : 0x0004'0002);  // version 2.4
    put(made, 0);
    put(made, 0);
    put(made, word(random.chance(80) ? 65535 : 8));
    put(made, word(random.chance(80) ? 1 : static_cast<uint32_t>(random.below(300))));
    for (uint64_t n = random.below(5); n != 0; --n) {
        const auto size = static_cast<uint32_t>(random.below(40));
        put(made, word(static_cast<uint32_t>(random.next())));
        put(made, word(static_cast<uint32_t>(random.below(1'000'000))));
        put(made, word(size));
        put(made, word(size + static_cast<uint32_t>(random.below(3))));
        for (uint32_t i = 0; i < size; ++i) made.push_back(static_cast<uint8_t>(random.next()));
    }
    return made;
}

}  // namespace

std::size_t mutate_capture_input(uint8_t *data, std::size_t size, std::size_t max_size,
                                 unsigned seed) {
    random_source random{seed};
    if (size < sizeof(uint32_t) or random.chance(5))
        return replace_input(data, max_size, some_capture(random));
    if (random.chance(50)) return LLVMFuzzerMutate(data, size, max_size);
    const auto word = static_cast<uint32_t>(random.interesting());
    std::memcpy(data + random.below(size / sizeof word) * sizeof word, &word, sizeof word);
    return size;
}

}  // namespace bpftime::vm::fuzz
