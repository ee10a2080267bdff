// bpftime-vm: tests of both text forms of every row against golden/instructions.txt
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// To write the file again after a wanted change, and then review the difference:
//   BPFTIME_VM_BLESS=1 build/vm/isa/test/test_isa --gtest_filter='golden.*'
// The first column is kept and the others are made from it, so `add %r1, 7` is enough for a new
// line. A row that has no line gets one.
#include "example.hpp"
#include "isa/text.hpp"
#include "support.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

namespace bpftime::vm::isa::test {

namespace {

/// One line of the file: `assembly | bytes | C-like | row`, or a comment, which is kept.
struct golden_line {
    std::string assembly;
    std::string bytes;
    std::string c_like;
    std::string row;
    std::string comment;
};

std::string trim(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    if (first == text.npos) return {};
    return std::string{text.substr(first, text.find_last_not_of(' ') - first + 1)};
}

golden_line parse(std::string_view line) {
    if (line.empty() or line.front() == '#') return {{}, {}, {}, {}, std::string{line}};
    std::vector<std::string> columns;
    for (std::size_t begin = 0; begin <= line.size();) {
        const auto end = std::min(line.find(" | ", begin), line.size());
        columns.push_back(trim(line.substr(begin, end - begin)));
        begin = end + 3;
    }
    columns.resize(4);
    return {columns[0], columns[1], columns[2], columns[3], {}};
}

std::vector<golden_line> read_golden() {
    std::ifstream file{BPFTIME_VM_ISA_GOLDEN};
    std::vector<golden_line> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(parse(line));
    return lines;
}

/// One line of disassembly, without its newline; or what is wrong with it.
std::string disassemble_one(std::span<const uint8_t> code, syntax style) {
    auto text = disassemble(code, style);
    if (not text) return text.error().message;
    if (text->ends_with('\n')) text->pop_back();
    return *text;
}

/// The line as the library would have it.
golden_line actual(const golden_line &line) {
    if (line.assembly.empty()) return line;
    const auto code = assemble(line.assembly);
    if (not code) return {line.assembly, code.error().message, {}, {}, {}};
    const insn_id id = find_row(read_slot(*code, 0));
    return {.assembly = disassemble_one(*code, syntax::assembly),
            .bytes = to_hex(*code),
            .c_like = disassemble_one(*code, syntax::c_like),
            .row = id == insn_id::none ? "none" : std::string{info(id).name},
            .comment = {}};
}

std::string print(const golden_line &line) {
    if (line.assembly.empty()) return line.comment;
    return fmt::format("{:<44} | {:<23} | {:<43} | {}", line.assembly, line.bytes, line.c_like,
                       line.row);
}

/// The file with its columns made anew, and a line for each row that has none.
void bless() {
    std::vector<golden_line> lines = read_golden();
    std::ranges::transform(lines, lines.begin(), actual);
    for (const insn_id id : all_rows()) {
        if (std::ranges::find(lines, info(id).name, &golden_line::row) != lines.end()) continue;
        const auto [insn, next_imm] = example_of(id);
        lines.push_back(actual({to_text(insn, next_imm), {}, {}, {}, {}}));
    }
    std::ofstream file{BPFTIME_VM_ISA_GOLDEN};
    for (const golden_line &line : lines) file << print(line) << '\n';
}

class golden : public testing::Test {
protected:
    static void SetUpTestSuite() {
        if (std::getenv("BPFTIME_VM_BLESS") != nullptr) bless();
        lines_ = read_golden();
    }

    static inline std::vector<golden_line> lines_;
};

TEST_F(golden, every_line_is_what_the_library_makes_of_it) {
    for (const golden_line &line : lines_) EXPECT_EQ(print(actual(line)), print(line));
}

TEST_F(golden, every_row_has_a_line) {
    std::set<std::string> rows;
    for (const golden_line &line : lines_) rows.insert(line.row);
    for (const insn_id id : all_rows())
        EXPECT_TRUE(rows.contains(std::string{info(id).name})) << info(id).name;
}

TEST_F(golden, the_whole_file_is_one_program) {
    std::string assembly;
    std::vector<uint8_t> code;
    for (const golden_line &line : lines_) {
        if (line.assembly.empty()) continue;
        assembly += line.assembly + '\n';
        std::ranges::copy(from_hex(line.bytes), std::back_inserter(code));
    }
    const auto assembled = assemble(assembly);
    ASSERT_TRUE(assembled) << assembled.error().message;
    EXPECT_EQ(to_hex(*assembled), to_hex(code));
    const auto text = disassemble(code);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(*text, assembly);
}

}  // namespace

}  // namespace bpftime::vm::isa::test
