// bpftime-vm: the table that sets contenders against the best native code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <limits>
#include <optional>
#include <set>
#include <string_view>

namespace bpftime::vm::benchmark {

namespace {

constexpr std::string_view run_prefix = "run/";
constexpr std::string_view native_prefix = "native";

// --- from times to a table
// ------------------------------------------------------------------------

struct cell {
    std::optional<double> nanoseconds;
    std::optional<double> ratio;  ///< to the best native build
    std::string note;
    std::string error;
};

struct row {
    std::string program;
    std::optional<double> native;  ///< nanoseconds of the best native build
    std::map<std::string, cell> cells;
};

struct mean {
    double ratio;
    std::size_t programs;
};

struct table {
    std::set<std::string> contenders;
    std::vector<row> rows;
    std::map<std::string, mean> means;
};

std::optional<double> median(std::vector<double> values) {
    if (values.empty()) return std::nullopt;
    std::ranges::sort(values);
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

row make_row(const std::string &program, const comparing_reporter::by_contender &measured) {
    row out{.program = program, .native = {}, .cells = {}};
    for (const auto &[contender, m] : measured) {
        const auto time = median(m.nanoseconds);
        if (not contender.starts_with(native_prefix))
            out.cells[contender] = {time, {}, m.note, m.error};
        else if (time)
            out.native = std::min(*time, out.native.value_or(*time));
    }
    for (auto &[contender, c] : out.cells) {
        if (c.nanoseconds and out.native) c.ratio = *c.nanoseconds / *out.native;
    }
    return out;
}

table make_table(const std::map<std::string, comparing_reporter::by_contender> &by_program) {
    table out;
    std::map<std::string, std::vector<double>> logs;
    for (const auto &[program, measured] : by_program) {
        out.rows.push_back(make_row(program, measured));
        for (const auto &[contender, c] : out.rows.back().cells) {
            out.contenders.insert(contender);
            if (c.ratio) logs[contender].push_back(std::log(*c.ratio));
        }
    }
    for (const auto &[contender, values] : logs) {
        double sum = 0;
        for (const double value : values) sum += value;
        out.means[contender] = {std::exp(sum / static_cast<double>(values.size())), values.size()};
    }
    return out;
}

// --- text
// -----------------------------------------------------------------------------------------

void print_text(const table &t) {
    const auto width = [](const std::string &contender) {
        return std::max<std::size_t>(18, contender.size());
    };
    std::string notes;
    fmt::print("\n{:<24} {:>12}", "program", "native ns");
    for (const std::string &c : t.contenders) fmt::print(" {:>{}}", c, width(c));
    fmt::print("\n");
    for (const row &r : t.rows) {
        fmt::print("{:<24} {:>12}", r.program, r.native ? fmt::format("{:.1f}", *r.native) : "-");
        for (const std::string &c : t.contenders) {
            const auto it = r.cells.find(c);
            const bool there = it != r.cells.end() and it->second.ratio;
            fmt::print(" {:>{}}", there ? fmt::format("{:.2f}x", *it->second.ratio) : "-",
                       width(c));
            if (it == r.cells.end()) continue;
            for (const std::string &text : {it->second.error, it->second.note}) {
                if (not text.empty()) notes += fmt::format("{} {}: {}\n", c, r.program, text);
            }
        }
        fmt::print("\n");
    }
    fmt::print("{:<24} {:>12}", "geometric mean", "");
    for (const std::string &c : t.contenders) {
        const auto it = t.means.find(c);
        fmt::print(" {:>{}}", it == t.means.end() ? "-" : fmt::format("{:.2f}x", it->second.ratio),
                   width(c));
    }
    fmt::print("\n{:<24} {:>12}", "of programs", t.rows.size());
    for (const std::string &c : t.contenders) {
        const auto it = t.means.find(c);
        fmt::print(" {:>{}}", it == t.means.end() ? 0 : it->second.programs, width(c));
    }
    fmt::print("\n{}{}", notes.empty() ? "" : "\n", notes);
}

// --- CSV
// ------------------------------------------------------------------------------------------

std::string csv_number(const std::optional<double> &value) {
    return value ? fmt::format("{:.6g}", *value) : "";
}

std::string csv_text(std::string_view text) {
    std::string out{'"'};
    for (const char c : text) out += c == '"' ? "\"\"" : std::string{c};
    return out + '"';
}

void print_csv(const table &t) {
    fmt::print("program,contender,nanoseconds,native_nanoseconds,ratio,note,error\n");
    for (const row &r : t.rows) {
        for (const auto &[contender, c] : r.cells) {
            fmt::print("{},{},{},{},{},{},{}\n", csv_text(r.program), csv_text(contender),
                       csv_number(c.nanoseconds), csv_number(r.native), csv_number(c.ratio),
                       csv_text(c.note), csv_text(c.error));
        }
    }
}

// --- JSON
// -----------------------------------------------------------------------------------------

std::string json_number(const std::optional<double> &value) {
    return value ? fmt::format("{:.6g}", *value) : "null";
}

std::string json_text(std::string_view text) {
    std::string out{'"'};
    for (const char c : text) {
        if (c == '"' or c == '\\')
            out += {'\\', c};
        else if (static_cast<unsigned char>(c) < ' ')
            out += fmt::format("\\u{:04x}", c);
        else
            out += c;
    }
    return out + '"';
}

/// What `member` makes of each element, with separators between.
template <typename Range, typename Member>
std::string joined(const Range &range, std::string_view separator, const Member &member) {
    std::string out;
    for (const auto &element : range) {
        if (not out.empty()) out += separator;
        out += member(element);
    }
    return out;
}

std::string json_cell(const std::pair<const std::string, cell> &named) {
    const auto &[contender, c] = named;
    std::string out = fmt::format("{}: {{\"nanoseconds\": {}, \"ratio\": {}", json_text(contender),
                                  json_number(c.nanoseconds), json_number(c.ratio));
    if (not c.note.empty()) out += fmt::format(", \"note\": {}", json_text(c.note));
    if (not c.error.empty()) out += fmt::format(", \"error\": {}", json_text(c.error));
    return out + '}';
}

std::string json_row(const row &r) {
    return fmt::format(
        "    {{\"program\": {}, \"native_nanoseconds\": {}, \"contenders\": {{{}}}}}",
        json_text(r.program), json_number(r.native), joined(r.cells, ", ", json_cell));
}

std::string json_mean(const std::pair<const std::string, mean> &named) {
    return fmt::format("    {}: {{\"ratio\": {}, \"programs\": {}}}", json_text(named.first),
                       json_number(named.second.ratio), named.second.programs);
}

void print_json(const table &t) {
    fmt::print("{{\n  \"programs\": [\n{}\n  ],\n  \"geometric_means\": {{\n{}\n  }}\n}}\n",
               joined(t.rows, ",\n", json_row), joined(t.means, ",\n", json_mean));
}

}  // namespace

comparing_reporter::comparing_reporter(table_format format) : format_{format} {
    if (format != table_format::text) SetOutputStream(&std::cerr);
}

void comparing_reporter::ReportRuns(const std::vector<Run> &runs) {
    ConsoleReporter::ReportRuns(runs);
    for (const Run &run : runs) {
        const std::string_view name = run.run_name.function_name;
        if (run.run_type != Run::RT_Iteration or not name.starts_with(run_prefix)) continue;
        const auto slash = name.find('/', run_prefix.size());
        const std::string program{name.substr(run_prefix.size(), slash - run_prefix.size())};
        measured &m = by_program_[program][std::string{name.substr(slash + 1)}];
        m.note = run.report_label;
        if (run.error_occurred)
            m.error = run.error_message;
        else
            m.nanoseconds.push_back(run.GetAdjustedRealTime());
    }
}

void comparing_reporter::print_table() const {
    const table t = make_table(by_program_);
    switch (format_) {
    case table_format::text: return print_text(t);
    case table_format::csv: return print_csv(t);
    case table_format::json: return print_json(t);
    }
}

}  // namespace bpftime::vm::benchmark
