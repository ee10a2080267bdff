// bpftime-vm: tables and numbers for people
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "table.hpp"

#include "output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bpftime::vm::cli {

std::string table::line(const std::vector<std::string> &cells,
                        const std::vector<std::size_t> &widths, unsigned indent) const {
    std::string text(indent, ' ');
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (i != 0) text += "  ";
        text += columns_[i].alignment == align::left ? fmt::format("{:<{}}", cells[i], widths[i])
                                                     : fmt::format("{:>{}}", cells[i], widths[i]);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

std::string table::text(std::FILE *stream, unsigned indent) const {
    std::vector<std::string> titles;
    std::vector<std::size_t> widths;
    for (const column &c : columns_) {
        titles.push_back(c.title);
        widths.push_back(c.title.size());
    }
    for (const auto &row : rows_) {
        for (std::size_t i = 0; i < widths.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    }
    std::string lines = paint(colour::bold, line(titles, widths, indent), stream) + "\n";
    for (const auto &row : rows_) lines += line(row, widths, indent) + "\n";
    return lines;
}

void table::print(unsigned indent) const { write_out(text(stdout, indent)); }

std::string format_duration(double nanoseconds) {
    constexpr auto units = std::to_array<std::string_view>({"ns", "us", "ms", "s"});
    std::size_t unit = 0;
    for (; nanoseconds >= 1000 and unit + 1 < units.size(); ++unit) nanoseconds /= 1000;
    return fmt::format("{:.{}f} {}", nanoseconds, unit == 0 ? 0 : 2, units[unit]);
}

std::string format_rate(double per_second) {
    constexpr auto units = std::to_array<std::string_view>({"", " k", " M", " G"});
    std::size_t unit = 0;
    for (; per_second >= 1000 and unit + 1 < units.size(); ++unit) per_second /= 1000;
    return fmt::format("{:.{}f}{}", per_second, unit == 0 ? 0 : 2, units[unit]);
}

std::string format_word(uint64_t value) {
    const auto as_signed = static_cast<int64_t>(value);
    return as_signed < 0 ? fmt::format("{} (0x{:x}, {})", value, value, as_signed)
                         : fmt::format("{} (0x{:x})", value, value);
}

}  // namespace bpftime::vm::cli
