// bpftime-vm: the inputs of fuzz_load: settings, then bytecode
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "load_input.hpp"

#include "draft.hpp"
#include "generate.hpp"

#include <algorithm>

namespace bpftime::vm::fuzz {

namespace {

// The settings, byte by byte:
//   0     bytes of memory               1     switches, and the number of jump targets
//   2     stack size in units of 16     3     call depth
//   4, 5  instruction limit             6, 7  most instructions
//   8 ..  jump targets, two bytes each
// Numbers that are 0 mean the default.
constexpr std::size_t switches_at = 1;
constexpr std::size_t targets_at = 8;
constexpr std::size_t most_targets = (load_input::settings_size - targets_at) / 2;
constexpr unsigned no_helpers = 1;
constexpr unsigned no_callbacks = 2;
constexpr unsigned no_regions = 4;
constexpr unsigned target_count_shift = 4;

settings read_settings(input_reader &in) {
    const settings defaults;
    const auto or_default = [](auto value, auto otherwise) {
        return value == 0 ? otherwise : value;
    };
    settings s;
    s.memory_size = in.byte();
    const unsigned switches = in.byte();
    s.helpers = (switches & no_helpers) == 0;
    s.lddw_callbacks = (switches & no_callbacks) == 0;
    s.regions = (switches & no_regions) == 0;
    s.stack_size = or_default(in.byte() * 16U, defaults.stack_size);
    s.call_depth = or_default(uint32_t{in.byte()}, defaults.call_depth);
    s.instruction_limit = std::min(or_default(uint64_t{in.half()}, defaults.instruction_limit),
                                   defaults.instruction_limit);
    s.max_insns = or_default(uint32_t{in.half()}, defaults.max_insns);
    const std::size_t count = switches >> target_count_shift;
    for (std::size_t i = 0; i < most_targets; ++i) {
        if (const uint32_t target = in.half(); i < count) s.jump_targets.push_back(target);
    }
    return s;
}

void write_targets(byte_vector &input, std::span<const uint32_t> targets) {
    const std::size_t count = std::min(targets.size(), most_targets);
    input[switches_at] =
        static_cast<uint8_t>((input[switches_at] & 0x0f) | count << target_count_shift);
    for (std::size_t i = 0; i < count; ++i) {
        input[targets_at + 2 * i] = static_cast<uint8_t>(targets[i]);
        input[targets_at + 2 * i + 1] = static_cast<uint8_t>(targets[i] >> 8);
    }
}

byte_vector with_program(std::span<const uint8_t> input, const draft &d) {
    const bytecode program = lay_out(d);
    byte_vector out(load_input::settings_size);
    std::ranges::copy(input.first(std::min(input.size(), out.size())), out.begin());
    write_targets(out, program.jump_targets);
    out.insert(out.end(), program.code.begin(), program.code.end());
    return out;
}

generator_options options_for(const settings &s, random_source &random) {
    generator_options options{.memory_size = s.memory_size, .stack_size = s.stack_size};
    options.most_statements = 1 + random.index_below(24);
    if (s.helpers) options.helpers.assign(all_helpers().begin(), all_helpers().end());
    return options;
}

}  // namespace

load_input::load_input(std::span<const uint8_t> bytes) {
    input_reader in{bytes};
    how = read_settings(in);
    code = in.rest();
}

std::size_t mutate_load_input(uint8_t *data, std::size_t size, std::size_t max_size,
                              unsigned seed) {
    random_source random{seed};
    if (random.chance(15)) return LLVMFuzzerMutate(data, size, max_size);
    if (random.chance(5)) {
        const std::size_t head = std::min(size, load_input::settings_size);
        LLVMFuzzerMutate(data, head, head);
        return size;
    }
    const std::span<const uint8_t> bytes{data, size};
    const load_input input{bytes};
    const generator_options options = options_for(input.how, random);
    draft d = parse(input.code, input.how.jump_targets);
    if (d.statements.empty() or random.chance(10))
        d = generate(random, options);
    else
        mutate(d, random, options);
    const byte_vector changed = with_program(bytes, d);
    return changed.size() <= max_size ? replace_input(data, max_size, changed)
                                      : LLVMFuzzerMutate(data, size, max_size);
}

}  // namespace bpftime::vm::fuzz
