// bpftime-vm: random programs in all engines, which must agree
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Other seeds: BPFTIME_VM_FUZZ_SEEDS=<first>:<count> build/vm/fuzz/test_fuzz_engines. What is found
// is printed with as few statements as show it.
#include "compat/speculation.hpp"
#include "engines_generate.hpp"
#include "engines_set.hpp"
#include "generate.hpp"
#include "isa/text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

namespace bpftime::vm::fuzz::test {

namespace {

constexpr const char *seeds_variable = "BPFTIME_VM_FUZZ_SEEDS";

struct seed_range {
    uint64_t first = 0;
    uint64_t count = 200;
};

seed_range seeds() {
    seed_range range;
    if (const char *const text = std::getenv(seeds_variable)) {
        char *end = nullptr;
        range.first = std::strtoull(text, &end, 10);
        range.count = *end == ':' ? std::strtoull(end + 1, nullptr, 10) : 1;
    }
    return range;
}

/// One program and how it is run.
struct trial {
    engine_settings how;
    draft program;
    bool exact;
};

/// What the engines make of it; nothing if they agree or refuse it. `ended`: whether it ran to
/// its end.
std::optional<std::string> difference_of(const trial &t, bool *ended = nullptr) {
    const bytecode b = lay_out(t.program);
    engine_settings how = t.how;
    how.how.jump_targets = b.jump_targets;
    engine_set engines{how};
    if (not engines.load(b.code)) return std::nullopt;
    auto difference = engines.difference(t.exact);
    if (ended != nullptr) *ended = engines.reference().code == EBPF_OK;
    return difference;
}

/// Takes out every statement that the difference does not need.
trial shrink(trial t) {
    for (bool smaller = true; smaller;) {
        smaller = false;
        for (std::size_t i = t.program.statements.size(); i-- > 0;) {
            trial less{t};
            less.program.erase(i);
            if (not difference_of(less)) continue;
            t = std::move(less);
            smaller = true;
        }
    }
    return t;
}

std::string describe(const trial &t) {
    const settings &s = t.how.how;
    std::string text = isa::disassemble(lay_out(t.program).code).value_or("does not decode");
    text += "memory " + std::to_string(s.memory_size) + ", stack " + std::to_string(s.stack_size) +
            ", call depth " + std::to_string(s.call_depth) + ", limit " +
            std::to_string(s.instruction_limit) + ", jump targets";
    for (const uint32_t pc : lay_out(t.program).jump_targets) text += ' ' + std::to_string(pc);
    return text + '\n' + difference_of(t).value_or("no difference");
}

/// All levels are tried, and sizes that are not the defaults.
trial make_trial(random_source &random, bool exact) {
    trial t{.how = {}, .program = {}, .exact = exact};
    constexpr auto levels = std::to_array<uint32_t>({0, 1, 1, 2, 3, 3});
    t.how.optimization_level = random.pick(levels);
    t.how.blinds_constants = random.chance(10);
    t.how.eliminates_checks = not random.chance(20);
    t.how.bars_speculation = compat::has_speculation_barrier and random.chance(10);
    t.how.also_unchecked = random.chance(20);
    if (random.chance(10)) t.how.pointer_secret = random.next();
    settings &s = t.how.how;
    s.instruction_limit = 1 + random.below(5'000);
    if (random.chance(3)) s.instruction_limit += uint64_t{1} << 20;
    if (random.chance(30)) s.memory_size = random.below(100);
    if (random.chance(30)) s.stack_size = 16 * static_cast<uint32_t>(1 + random.below(64));
    if (random.chance(30)) s.call_depth = static_cast<uint32_t>(1 + random.below(8));
    return t;
}

trial any_instructions(random_source &random, bool exact) {
    trial t = make_trial(random, exact);
    generator_options options{.memory_size = t.how.how.memory_size,
                              .stack_size = t.how.how.stack_size};
    options.most_statements = 1 + random.below(40);
    options.confine_pointers = not exact;
    const auto ids = exact ? all_helpers() : scalar_helpers();
    options.helpers.assign(ids.begin(), ids.end());
    t.program = generate(random, options);
    return t;
}

trial busy_program(random_source &random) {
    trial t = make_trial(random, true);
    t.program = generate_busy(random, {.most_statements = 1 + random.below(25),
                                       .memory_size = t.how.how.memory_size,
                                       .stack_size = t.how.how.stack_size});
    return t;
}

void expect_agreement(trial (*make)(random_source &)) {
    const auto [first, count] = seeds();
    uint64_t ended = 0;
    for (uint64_t seed = first; seed < first + count; ++seed) {
        random_source random{seed};
        const trial t = make(random);
        // Named before it runs, so that whoever sees a long run crash knows which it was.
        if (std::getenv(seeds_variable) != nullptr)
            std::fprintf(stderr, "\rseed %llu ", static_cast<unsigned long long>(seed));
        bool went_well = false;
        const auto difference = difference_of(t, &went_well);
        EXPECT_FALSE(difference) << "seed " << seed << ":\n" << describe(shrink(t));
        ended += went_well;
    }
    EXPECT_GT(ended, count / 6) << "too few programs run to their end to tell anything";
}

}  // namespace

/// Addresses stay out of data, so it does not matter where memory lies.
TEST(engines, agree_on_programs_that_confine_pointers) {
    expect_agreement([](random_source &random) { return any_instructions(random, false); });
}

/// Programs whose data are addresses, too.
class engines_at_one_place : public testing::Test {
protected:
    void SetUp() override {
        if (not stacks_agree())
            GTEST_SKIP() << "stacks move (the sanitizer's detect_stack_use_after_return is set)";
    }
};

TEST_F(engines_at_one_place, agree_on_any_instructions) {
    expect_agreement([](random_source &random) { return any_instructions(random, true); });
}

TEST_F(engines_at_one_place, agree_on_loops_and_moving_pointers) { expect_agreement(busy_program); }

}  // namespace bpftime::vm::fuzz::test
