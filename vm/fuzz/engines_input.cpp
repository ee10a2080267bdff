// bpftime-vm: the inputs of fuzz_engines: how hard to optimise, then an input of fuzz_load
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "engines_input.hpp"

#include "load_input.hpp"

#include <algorithm>
#include <array>

namespace bpftime::vm::fuzz {

namespace {

// The first byte: the level by its low three bits, mostly one that compiles fast; whether to run
// without checks, too, and then whether to assert what the analysis says; the high bits all set add
// more budget than one slice holds, some of them a secret.
constexpr auto levels = std::to_array<uint32_t>({0, 0, 1, 1, 1, 0, 2, 3});
constexpr unsigned also_unchecked = 0x08;
constexpr unsigned with_facts = 0x0c;
constexpr unsigned with_secret = 0x30;
constexpr unsigned long_run = 0xf0;
constexpr uint64_t slice_units = uint64_t{1} << 20;
constexpr uint64_t most_units = 5'000;
/// Larger stacks lie on the heap, where two engines need not find them at the same address.
constexpr uint32_t most_stack_bytes = 16 << 10;

}  // namespace

engines_input::engines_input(std::span<const uint8_t> bytes) {
    input_reader in{bytes};
    const unsigned first = in.byte();
    const load_input rest{in.rest()};
    how.how = rest.how;
    code = rest.code;
    how.optimization_level = levels[first % levels.size()];
    how.also_unchecked = (first & also_unchecked) != 0;
    how.asserts_facts = (first & with_facts) == with_facts;
    if ((first & with_secret) == with_secret) how.pointer_secret = 0x5ec4'e75e'c4e7'5ec4;
    settings &s = how.how;
    s.instruction_limit = std::min(s.instruction_limit, most_units);
    if ((first & long_run) == long_run) s.instruction_limit += slice_units;
    s.call_depth = std::min(s.call_depth, most_stack_bytes / (2 * s.stack_size));
}

std::size_t mutate_engines_input(uint8_t *data, std::size_t size, std::size_t max_size,
                                 unsigned seed) {
    if (max_size < 2) return size;
    random_source random{seed};
    if (size == 0 or random.chance(5)) data[0] = static_cast<uint8_t>(random.next());
    const std::size_t rest = std::max<std::size_t>(size, 1) - 1;
    return 1 +
           mutate_load_input(data + 1, rest, max_size - 1, static_cast<unsigned>(random.next()));
}

}  // namespace bpftime::vm::fuzz
