// bpftime-vm: the inputs of fuzz_map_file: what a map is, then what is done with it and its file
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "map_file_input.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace bpftime::vm::fuzz {

namespace {

constexpr std::size_t head_bytes = 5;
constexpr std::size_t most_steps = 100;

constexpr auto types = std::to_array<map_type>(
    {map_type::hash, map_type::array, map_type::percpu_hash, map_type::percpu_array,
     map_type::lru_hash, map_type::lru_percpu_hash, map_type::queue, map_type::stack,
     map_type::bloom_filter, map_type::ringbuf, map_type::lpm_trie});

map_definition definition_of(input_reader &input) {
    map_definition d;
    d.name = "fuzz";
    d.type = types[input.byte() % types.size()];
    d.max_entries = 1U + input.byte() % 40;
    d.key_size = 1U + input.byte() % 20;
    d.value_size = 1U + input.byte() % 40;
    const bool is_hash = d.type == map_type::hash or d.type == map_type::percpu_hash;
    if (is_hash and input.byte() % 2 == 1) d.flags = map_no_prealloc;
    switch (d.type) {
    case map_type::array:
    case map_type::percpu_array: d.key_size = 4; break;
    case map_type::queue:
    case map_type::stack:
    case map_type::bloom_filter: d.key_size = 0; break;
    case map_type::lpm_trie:
        d.key_size += 4;
        d.flags = map_no_prealloc;
        break;
    case map_type::ringbuf:
        d.key_size = d.value_size = 0;
        d.max_entries = 4096;
        break;
    default: break;
    }
    return d;
}

/// A number that leads somewhere: a link or index, the head of a chain, a position.
void make_up(uint8_t *step, random_source &random) {
    const auto kind = static_cast<uint8_t>(random.chance(50) ? map_step::count - 1
                                                             : random.below(map_step::count));
    const auto place =
        static_cast<uint16_t>(random.chance(70) ? 512 + random.below(256) : random.interesting());
    const auto number =
        static_cast<uint32_t>(random.chance(50) ? random.below(1024) : random.interesting());
    step[0] = kind;
    step[1] = random.pick(std::array<uint8_t, 4>{0, 0, 20, 32});
    std::memcpy(step + 2, &place, sizeof place);
    std::memcpy(step + 4, &number, sizeof number);
}

}  // namespace

map_file_input parse_map_file_input(std::span<const uint8_t> bytes) {
    input_reader head{bytes.first(std::min(bytes.size(), head_bytes))};
    map_file_input input{.map = definition_of(head), .steps = {}};
    for (std::size_t at = head_bytes;
         at + map_step::bytes <= bytes.size() and input.steps.size() < most_steps;
         at += map_step::bytes) {
        map_step step{.kind = static_cast<map_step::what>(bytes[at] % map_step::count),
                      .shift = static_cast<uint8_t>(bytes[at + 1] % 64),
                      .place = 0,
                      .number = 0};
        std::memcpy(&step.place, &bytes[at + 2], sizeof step.place);
        std::memcpy(&step.number, &bytes[at + 4], sizeof step.number);
        input.steps.push_back(step);
    }
    return input;
}

std::size_t mutate_map_file_input(uint8_t *data, std::size_t size, std::size_t max_size,
                                  unsigned seed) {
    random_source random{seed};
    if (size < head_bytes or random.chance(20)) return LLVMFuzzerMutate(data, size, max_size);
    byte_vector input(data, data + size);
    const std::size_t steps = (size - head_bytes) / map_step::bytes;
    const auto at = [&](std::size_t step) {
        return input.begin() + static_cast<std::ptrdiff_t>(head_bytes + step * map_step::bytes);
    };
    std::array<uint8_t, map_step::bytes> step{};
    make_up(step.data(), random);
    if (steps == 0 or random.chance(50)) {
        input.insert(at(random.below(steps + 1)), step.begin(), step.end());
        return replace_input(data, max_size, input);
    }
    const std::size_t chosen = random.below(steps);
    switch (random.below(3)) {
    case 0: std::ranges::copy(step, at(chosen)); break;
    case 1: input.erase(at(chosen), at(chosen + 1)); break;
    default:
        std::copy(at(chosen), at(chosen + 1), step.begin());
        input.insert(at(chosen), step.begin(), step.end());
    }
    return replace_input(data, max_size, input);
}

}  // namespace bpftime::vm::fuzz
