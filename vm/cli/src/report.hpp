// bpftime-vm: what `bpftime-cli run` says of packets and times
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "input.hpp"
#include "output.hpp"
#include "packets.hpp"
#include "runner.hpp"
#include "statistics.hpp"

#include <string>
#include <string_view>

namespace bpftime::vm::cli {

/// Tables of results and redirections of each program, then sizes and times. `out`: where packets
/// were written to; empty: nowhere.
void print_summary(const packet_summary &s, const runner &vm, const std::string &out);
/// The redirections alone.
void print_redirections(const packet_summary &s);
/// "1000 runs in 1.2 ms: mean .." of runs that were timed one by one.
void print_times(const histogram &times);

/// What compiling did to each program, to stderr.
void print_compile_stats(const runner &vm);

[[nodiscard]] json to_json(const packet_summary &s, const runner &vm, const std::string &out);
/// What one program did: results, faults, redirections.
[[nodiscard]] json to_json(const program_summary &s, const runnable &program);
[[nodiscard]] json redirections_to_json(const program_summary &s);
[[nodiscard]] json to_json(const histogram &times);
[[nodiscard]] json to_json(const fault_values &fault, std::string_view message);

/// Where programs are from: a path, those of objects that are linked to it, and the format.
[[nodiscard]] json describe(const program_file &file);
/// Name, section, type and size.
[[nodiscard]] json describe(const runnable &program);

/// "count (xdp)" for headings; "the program" if it has no name.
[[nodiscard]] std::string title_of(const runnable &program);

}  // namespace bpftime::vm::cli
