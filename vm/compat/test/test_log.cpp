// bpftime-vm: BPFTIME_LOG_LEVEL, and that nothing but stderr is written to
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "subprocess.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>

namespace {

using bpftime::vm::compat::test::run_process;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// log_probe loads a program, which is logged as debug, and registers a name twice, which is a
// warning.
constexpr const char *debug_message = "ubpf: loaded a program of 1 instructions, 1 functions";
constexpr const char *warning = "backend 'ubpf' cannot be registered: the name is taken";

struct level_case {
    const char *name;
    const char *value;
    bool debug;
    bool warn;

    friend std::ostream &operator<<(std::ostream &out, const level_case &c) {
        return out << c.name;
    }
};

class log_level : public ::testing::TestWithParam<level_case> {};

TEST_P(log_level, says_what_is_written_to_stderr) {
    const auto probe = run_process({LOG_PROBE}, {{"BPFTIME_LOG_LEVEL", GetParam().value}});
    EXPECT_EQ(probe.exit_code, 0) << probe.err;
    EXPECT_THAT(probe.out, IsEmpty());
    EXPECT_EQ(probe.err.find(debug_message) != probe.err.npos, GetParam().debug) << probe.err;
    EXPECT_EQ(probe.err.find(warning) != probe.err.npos, GetParam().warn) << probe.err;
    EXPECT_EQ(probe.err.empty(), not GetParam().debug and not GetParam().warn) << probe.err;
}

constexpr auto level_cases = std::to_array<level_case>({
    {"trace", "TRACE", true, true},
    {"debug", "DEBUG", true, true},
    {"info", "INFO", false, true},
    {"warn", "WARN", false, true},
    {"warning", "WARNING", false, true},
    {"error", "ERROR", false, false},
    {"critical", "CRITICAL", false, false},
    {"off", "OFF", false, false},
    {"empty", "", false, true},
    {"lower_case", "debug", true, true},
    {"mixed_case", "oFf", false, false},
});
INSTANTIATE_TEST_SUITE_P(compat, log_level, ::testing::ValuesIn(level_cases),
                         [](const auto &c) { return std::string{c.param.name}; });

TEST(log_levels, are_warnings_by_default) {
    // The test may itself run with the variable set.
    const auto probe = run_process({LOG_PROBE}, {{"BPFTIME_LOG_LEVEL", std::nullopt}});
    EXPECT_EQ(probe.exit_code, 0) << probe.err;
    EXPECT_THAT(probe.out, IsEmpty());
    EXPECT_THAT(probe.err, HasSubstr(warning));
    EXPECT_THAT(probe.err, Not(HasSubstr(debug_message)));
}

TEST(log_levels, that_do_not_exist_are_named) {
    for (const char *const value : {"verbose", "3", "DEBUG ", "%s%n"}) {
        const auto probe = run_process({LOG_PROBE}, {{"BPFTIME_LOG_LEVEL", value}});
        EXPECT_EQ(probe.exit_code, 0) << probe.err;
        EXPECT_THAT(probe.out, IsEmpty());
        EXPECT_THAT(probe.err, HasSubstr("BPFTIME_LOG_LEVEL=" + std::string{value} +
                                         " is unknown: use TRACE, DEBUG"));
        EXPECT_THAT(probe.err, HasSubstr(warning)) << "the default level counts";
    }
}

}  // namespace
