// bpftime-vm: random programs, how they are run, and what the engines make of them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "trials.hpp"

#include "compat/speculation.hpp"
#include "engines_generate.hpp"
#include "generate.hpp"
#include "isa/text.hpp"
#include "scene.hpp"

#include <span>
#include <utility>

namespace bpftime::vm::fuzz {

namespace {

/// All levels are tried, and sizes that are not the defaults.
trial make_trial(random_source &random, bool exact) {
    trial t{.how = {}, .program = {}, .exact = exact};
    constexpr auto levels = std::to_array<uint32_t>({0, 1, 1, 2, 3, 3});
    t.how.optimization_level = random.pick(levels);
    t.how.prefers_size = random.chance(20);
    t.how.is_for_any_cpu = random.chance(10);
    t.how.blinds_constants = random.chance(10);
    t.how.eliminates_checks = not random.chance(20);
    t.how.bars_speculation = compat::has_speculation_barrier and random.chance(10);
    t.how.also_unchecked = random.chance(20);
    t.how.has_bodies = random.chance(20);
    t.how.has_packet_helper = random.chance(20);
    if (random.chance(10)) t.how.pointer_secret = random.next();
    settings &s = t.how.how;
    s.instruction_limit = 1 + random.below(5'000);
    if (random.chance(3)) s.instruction_limit += uint64_t{1} << 20;
    if (random.chance(30)) s.memory_size = random.below(100);
    if (random.chance(30)) s.stack_size = 16 * static_cast<uint32_t>(1 + random.below(64));
    if (random.chance(30)) s.call_depth = static_cast<uint32_t>(1 + random.below(8));
    return t;
}

generator_options options_for(const trial &t, random_source &random) {
    generator_options options{.memory_size = t.how.how.memory_size,
                              .stack_size = t.how.how.stack_size};
    options.most_statements = 1 + random.below(40);
    options.confine_pointers = not t.exact;
    options.declared = t.exact ? scene_helpers() : scalar_scene_helpers();
    for (const ebpf_helper &h : options.declared) options.helpers.push_back(h.id);
    if (t.exact and random.chance(5)) options.arena_map = arena_map;
    if (random.chance(1)) options.more_table_jumps = 36;
    return options;
}

}  // namespace

trial confined_program(random_source &random) {
    trial t = make_trial(random, false);
    t.program = generate(random, options_for(t, random));
    return t;
}

trial any_program(random_source &random) {
    trial t = make_trial(random, true);
    t.program = generate(random, options_for(t, random));
    return t;
}

trial mutated_program(random_source &random) {
    trial t = make_trial(random, true);
    const generator_options options = options_for(t, random);
    t.program = generate(random, options);
    for (uint64_t changes = 1 + random.below(4); changes > 0; --changes)
        mutate(t.program, random, options);
    return t;
}

trial busy_program(random_source &random) {
    trial t = make_trial(random, true);
    t.program = generate_busy(random, {.most_statements = 1 + random.below(25),
                                       .memory_size = t.how.how.memory_size,
                                       .stack_size = t.how.how.stack_size,
                                       .helpers = scene_helpers()});
    return t;
}

verdict judge(const trial &t) {
    const bytecode b = lay_out(t.program);
    engine_settings how = t.how;
    how.how.jump_targets = b.jump_targets;
    engine_set engines{how};
    verdict v;
    v.loaded = engines.load(b.code);
    for (uint64_t i = 0; v.loaded and i < t.runs and not v.difference; ++i) {
        v.difference = engines.difference(t.exact, t.first_contents + i);
        v.ended += engines.reference().code == EBPF_OK;
        v.faulted += engines.reference().code == EBPF_ERROR_FAULT;
    }
    v.runs = engines.runs();
    return v;
}

trial shrink(trial t) {
    for (bool smaller = true; smaller;) {
        smaller = false;
        for (std::size_t i = t.program.statements.size(); i-- > 0;) {
            trial less{t};
            less.program.erase(i);
            if (not judge(less).difference) continue;
            t = std::move(less);
            smaller = true;
        }
    }
    return t;
}

std::string describe(const trial &t) {
    const settings &s = t.how.how;
    const bytecode b = lay_out(t.program);
    std::string text = isa::disassemble(b.code).value_or("does not decode");
    text += "memory " + std::to_string(s.memory_size) + ", stack " + std::to_string(s.stack_size) +
            ", call depth " + std::to_string(s.call_depth) + ", limit " +
            std::to_string(s.instruction_limit) + ", jump targets";
    for (const uint32_t pc : b.jump_targets) text += ' ' + std::to_string(pc);
    return text + '\n' + judge(t).difference.value_or("no difference");
}

}  // namespace bpftime::vm::fuzz
