// bpftime-vm: random programs in all engines, which must agree
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Other seeds: BPFTIME_VM_FUZZ_SEEDS=<first>:<count> build/vm/fuzz/test_fuzz_engines. What is found
// is printed with as few statements as show it. Millions of them: campaign.cpp.
#include "trials.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

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

void expect_agreement(trial_maker make) {
    const auto [first, count] = seeds();
    uint64_t ended = 0;
    for (uint64_t seed = first; seed < first + count; ++seed) {
        random_source random{seed};
        trial t = make(random);
        t.how.asserts_facts = true;
        // Named before it runs, so that whoever sees a long run crash knows which it was.
        if (std::getenv(seeds_variable) != nullptr)
            std::fprintf(stderr, "\rseed %llu ", static_cast<unsigned long long>(seed));
        const verdict v = judge(t);
        EXPECT_FALSE(v.difference) << "seed " << seed << ":\n" << describe(shrink(t));
        ended += v.ended;
    }
    EXPECT_GT(ended, count / 6) << "too few programs run to their end to tell anything";
}

}  // namespace

/// Addresses stay out of data, so it does not matter where memory lies.
TEST(engines, agree_on_programs_that_confine_pointers) { expect_agreement(confined_program); }

/// Programs whose data are addresses, too.
class engines_at_one_place : public testing::Test {
protected:
    void SetUp() override {
        if (not stacks_agree())
            GTEST_SKIP() << "stacks move (the sanitizer's detect_stack_use_after_return is set)";
    }
};

TEST_F(engines_at_one_place, agree_on_any_instructions) { expect_agreement(any_program); }

TEST_F(engines_at_one_place, agree_on_changed_programs) { expect_agreement(mutated_program); }

TEST_F(engines_at_one_place, agree_on_loops_and_moving_pointers) { expect_agreement(busy_program); }

}  // namespace bpftime::vm::fuzz::test
