// bpftime-vm: runs the tests of maps, with 500 cases for each property
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdlib>

int main(int argc, char **argv) {
    testing::InitGoogleTest(&argc, argv);
    constexpr int keep_what_the_user_set = 0;
    setenv("RC_PARAMS", "max_success=500", keep_what_the_user_set);
    return RUN_ALL_TESTS();
}
