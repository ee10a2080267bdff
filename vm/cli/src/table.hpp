// bpftime-vm: tables for people
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace bpftime::vm::cli {

enum class align : uint8_t { left, right };

struct column {
    std::string title;
    align alignment = align::left;
};

/// Rows of text under titles; columns are as wide as their widest cell.
class table {
public:
    explicit table(std::vector<column> columns) : columns_{std::move(columns)} {}

    /// As many cells as there are columns.
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

    /// Its lines, each after `indent` blanks, for this stream.
    [[nodiscard]] std::string text(std::FILE *stream, unsigned indent = 0) const;
    /// Prints to stdout.
    void print(unsigned indent = 0) const;

private:
    [[nodiscard]] std::string line(const std::vector<std::string> &cells,
                                   const std::vector<std::size_t> &widths, unsigned indent) const;

    std::vector<column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// "1.23 us" and the like.
[[nodiscard]] std::string format_duration(double nanoseconds);
/// "2.56 M", "950": a number with three digits and a unit prefix.
[[nodiscard]] std::string format_rate(double per_second);
/// "r0 = 42 (0x2a)" without the name: decimal, hexadecimal, and signed where that differs.
[[nodiscard]] std::string format_word(uint64_t value);

}  // namespace bpftime::vm::cli
