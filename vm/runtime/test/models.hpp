// bpftime-vm: what the tests of maps against models share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdint>
#include <vector>

namespace bpftime::vm::runtime::test {

/// Runs `steps(more, pick)` for random choices: as long as more() is true; pick(n) is one below n.
template <typename Steps>
void check_steps(const char *what, Steps &&steps) {
    EXPECT_TRUE(rc::check(what, [&] {
        const auto choices =
            *rc::gen::container<std::vector<uint32_t>>(rc::gen::inRange<uint32_t>(0, 1 << 20));
        std::size_t at = 0;
        steps([&] { return at < choices.size(); },
              [&](uint32_t n) { return at < choices.size() ? choices[at++] % n : 0; });
    }));
}

}  // namespace bpftime::vm::runtime::test
