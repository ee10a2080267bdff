// bpftime-vm: the table that sets contenders against the best native code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <vector>

namespace bpftime::vm::benchmark {

enum class table_format { text, csv, json };

/// Prints as the console reporter does, and keeps the times of run/PROGRAM/CONTENDER benchmarks.
/// If the table is for programs to read, it alone goes to stdout.
class comparing_reporter : public ::benchmark::ConsoleReporter {
public:
    explicit comparing_reporter(table_format format);

    void ReportRuns(const std::vector<Run> &runs) override;

    /// Per program: nanoseconds of the best native build, and each contender's ratio to it; medians
    /// of repetitions. Then geometric means, over how many programs, and what has no figure and
    /// why.
    void print_table() const;

    /// What one contender made of one program.
    struct measured {
        std::vector<double> nanoseconds;  ///< empty if there is an error
        std::string note;                 ///< the benchmark's label
        std::string error;
    };
    using by_contender = std::map<std::string, measured>;

private:
    table_format format_;
    std::map<std::string, by_contender> by_program_;
};

}  // namespace bpftime::vm::benchmark
