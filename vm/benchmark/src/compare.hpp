// bpftime-vm: the table that sets contenders against the best native code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <vector>

namespace bpftime::vm::benchmark {

/// Prints as the console reporter does, and keeps the times of run/PROGRAM/CONTENDER benchmarks.
class comparing_reporter : public ::benchmark::ConsoleReporter {
public:
    void ReportRuns(const std::vector<Run> &runs) override;

    /// Per program: nanoseconds of the best native build, and each contender's ratio to it; medians
    /// of repetitions. The last line has the geometric means.
    void print_table() const;

private:
    using times = std::map<std::string, std::vector<double>>;  // by contender
    std::map<std::string, times> times_by_program_;
};

}  // namespace bpftime::vm::benchmark
