// bpftime-vm: the table that sets contenders against the best native code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>

namespace bpftime::vm::benchmark {

namespace {

constexpr std::string_view run_prefix = "run/";
constexpr std::string_view native_prefix = "native";

double median(std::vector<double> values) {
    std::ranges::sort(values);
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

void comparing_reporter::ReportRuns(const std::vector<Run> &runs) {
    ConsoleReporter::ReportRuns(runs);
    for (const Run &run : runs) {
        const std::string_view name = run.run_name.function_name;
        if (run.run_type != Run::RT_Iteration or run.error_occurred or
            not name.starts_with(run_prefix))
            continue;
        const auto slash = name.find('/', run_prefix.size());
        const std::string program{name.substr(run_prefix.size(), slash - run_prefix.size())};
        times_by_program_[program][std::string{name.substr(slash + 1)}].push_back(
            run.GetAdjustedRealTime());
    }
}

void comparing_reporter::print_table() const {
    std::set<std::string> contenders;
    for (const auto &[program, by_contender] : times_by_program_) {
        for (const auto &[contender, values] : by_contender) {
            if (not contender.starts_with(native_prefix)) contenders.insert(contender);
        }
    }
    fmt::print("\n{:<24} {:>12}", "program", "native ns");
    for (const std::string &c : contenders) fmt::print(" {:>18}", c);
    fmt::print("\n");

    std::map<std::string, std::vector<double>> logs;
    for (const auto &[program, by_contender] : times_by_program_) {
        double native = std::numeric_limits<double>::infinity();
        for (const auto &[contender, values] : by_contender) {
            if (contender.starts_with(native_prefix)) native = std::min(native, median(values));
        }
        fmt::print("{:<24} {:>12.1f}", program, native);
        for (const std::string &c : contenders) {
            const auto it = by_contender.find(c);
            if (it == by_contender.end() or not std::isfinite(native)) {
                fmt::print(" {:>18}", "-");
                continue;
            }
            const double ratio = median(it->second) / native;
            logs[c].push_back(std::log(ratio));
            fmt::print(" {:>17.2f}x", ratio);
        }
        fmt::print("\n");
    }
    fmt::print("{:<24} {:>12}", "geometric mean", "");
    for (const std::string &c : contenders) {
        double sum = 0;
        for (const double log : logs[c]) sum += log;
        fmt::print(" {:>17.2f}x",
                   std::exp(sum / static_cast<double>(std::max<std::size_t>(1, logs[c].size()))));
    }
    fmt::print("\n");
}

}  // namespace bpftime::vm::benchmark
