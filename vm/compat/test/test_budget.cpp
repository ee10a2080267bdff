// bpftime-vm: the budget, compared with one that counts without slices
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/run.hpp"
#include "wide_integer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <limits>
#include <random>
#include <vector>

namespace {

using namespace bpftime::vm::compat;

constexpr uint64_t slice = budget::slice_units;
using wide = bpftime::vm::test::wide_integer;

/// What a budget is: a sum that must not exceed a limit.
class plain_budget {
public:
    explicit plain_budget(uint64_t limit) : limit_{limit} {}

    fault_kind charge(uint32_t units) {
        if (limit_ != 0 and spent_ + units > limit_) return fault_kind::instruction_limit;
        spent_ += units;
        return fault_kind::none;
    }

private:
    uint64_t limit_;
    wide spent_ = 0;
};

/// Charges until one of them refuses, and both must.
void expect_same(uint64_t limit, const std::vector<uint32_t> &charges) {
    const std::atomic<uint32_t> interrupts = 0;
    budget actual{limit, interrupts};
    plain_budget model{limit};
    for (size_t i = 0; i < charges.size(); ++i) {
        const fault_kind expected = model.charge(charges[i]);
        ASSERT_EQ(actual.charge(charges[i]), expected)
            << "limit " << limit << ", charge " << i << " of " << charges[i] << " units";
        if (expected != fault_kind::none) return;
    }
}

/// Numbers around each boundary of a slice.
std::vector<uint64_t> around_slices() {
    std::vector<uint64_t> numbers = {1, 2, 3, 4, 5};
    for (uint64_t n = 1; n <= 3; ++n) {
        for (uint64_t distance = 0; distance <= 3; ++distance) {
            numbers.push_back(n * slice - distance);
            numbers.push_back(n * slice + distance);
        }
    }
    return numbers;
}

TEST(slice_boundaries, are_nothing_that_a_run_sees) {
    auto limits = around_slices();
    constexpr uint64_t most = std::numeric_limits<uint64_t>::max();
    limits.insert(limits.end(), {0, most, most - 1, uint64_t{1} << 63, (uint64_t{1} << 63) - 1,
                                 uint64_t{1} << 32});
    const auto charges = around_slices();
    for (const uint64_t limit : limits) {
        for (const uint64_t first : charges) {
            for (const uint64_t second : charges) {
                expect_same(limit,
                            {static_cast<uint32_t>(first), static_cast<uint32_t>(second), 1, 1});
                expect_same(limit,
                            {1, static_cast<uint32_t>(first), 1, static_cast<uint32_t>(second), 1});
            }
        }
    }
}

TEST(slice_boundaries, can_be_met_from_any_side) {
    // Small steps up to the last unit, then one step more.
    for (const uint64_t limit : around_slices()) {
        for (const uint32_t step : {1U, 2U, 3U, 7U, 4096U, 65'537U}) {
            if (limit / step > 4 * slice / 2) continue;
            expect_same(limit, std::vector(static_cast<std::size_t>(limit / step + 2), step));
        }
    }
}

TEST(slice_boundaries, may_be_overstepped_by_the_largest_charge) {
    constexpr uint32_t largest = std::numeric_limits<uint32_t>::max();
    for (const uint64_t limit :
         {uint64_t{0}, uint64_t{1}, uint64_t{largest} - 1, uint64_t{largest}, uint64_t{largest} + 1,
          2 * uint64_t{largest}, 2 * uint64_t{largest} - 1}) {
        expect_same(limit, {largest, largest, largest});
        expect_same(limit, {1, largest, 1, largest});
    }
}

TEST(random_charges, are_counted_exactly) {
    std::mt19937_64 random{3};
    for (int round = 0; round < 2000; ++round) {
        std::vector<uint32_t> charges(50);
        for (uint32_t &c : charges)
            c = static_cast<uint32_t>(1 + (random() >> (40 + random() % 24)));
        expect_same(random() % 5 == 0 ? 0 : random() % (4 * slice), charges);
    }
}

// --- interrupts

TEST(interrupt, before_the_run_does_not_count) {
    const std::atomic<uint32_t> interrupts = 5;
    budget b{0, interrupts};
    for (uint64_t spent = 0; spent < 4 * slice; spent += 4096)
        ASSERT_EQ(b.charge(4096), fault_kind::none);
}

TEST(interrupt, ends_the_run_within_a_slice) {
    for (const uint64_t limit : {uint64_t{0}, uint64_t{1} << 40}) {
        for (const uint64_t before : around_slices()) {
            for (const uint32_t step : {1U, 1000U, 65'536U}) {
                std::atomic<uint32_t> interrupts = 0;
                budget b{limit, interrupts};
                ASSERT_EQ(b.charge(static_cast<uint32_t>(before)), fault_kind::none);
                ++interrupts;
                uint64_t more = 0;
                fault_kind why = fault_kind::none;
                while (more <= slice + step and why == fault_kind::none) {
                    why = b.charge(step);
                    more += step;
                }
                EXPECT_EQ(why, fault_kind::interrupted) << before << ", " << step;
                EXPECT_LE(more, slice + step)
                    << "at the latest by the first charge that more than a slice comes to";
            }
        }
    }
}

TEST(interrupt, is_not_lost_when_there_are_many) {
    std::atomic<uint32_t> interrupts = 0;
    budget b{0, interrupts};
    interrupts += 1000;
    ASSERT_EQ(b.charge(static_cast<uint32_t>(slice + 1)), fault_kind::interrupted);
}

TEST(interrupt, does_not_come_before_the_limit_that_is_spent_first) {
    std::atomic<uint32_t> interrupts = 0;
    budget b{100, interrupts};
    ++interrupts;
    EXPECT_EQ(b.charge(100), fault_kind::none) << "still in the first slice";
}

}  // namespace
