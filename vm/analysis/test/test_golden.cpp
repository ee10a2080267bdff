// bpftime-vm: what is found of small programs, against golden/*.facts
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// To write the files again after a wanted change, and then review the difference:
//   BPFTIME_VM_BLESS=1 build/vm/analysis/test/test_analysis --gtest_filter='*golden*'
// A program is golden/<name>.s; its comments may say "# packet: yes", "# effort: quick", "# least
// size: 16" and "# states: yes", which shows what is known before each instruction. Maps are
// map_by_idx(0), memory is map_val(map_by_idx(1)); helpers are those of concrete.hpp.
#include "concrete.hpp"
#include "isa/text.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace bpftime::vm::analysis::test {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path &path) {
    std::ifstream in{path};
    return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

std::vector<std::string> programs() {
    std::vector<std::string> names;
    for (const auto &entry : fs::directory_iterator{BPFTIME_VM_ANALYSIS_GOLDEN_DIR}) {
        if (entry.path().extension() == ".s") names.push_back(entry.path().stem().string());
    }
    std::ranges::sort(names);
    return names;
}

std::string setting(const std::string &text, std::string_view key) {
    const auto at = text.find("# " + std::string{key} + ": ");
    if (at == text.npos) return {};
    const auto begin = at + key.size() + 4;
    return text.substr(begin, text.find('\n', at) - begin);
}

void name_objects(const program &p, test_world &world) {
    for (uint32_t pc = 0; pc < p.size(); ++pc) {
        const isa::instruction &i = p.insn(pc);
        if (i.id == isa::insn_id::lddw_map_idx)
            world.wides[pc] = {.what = wide_value::kind::map,
                               .index = static_cast<uint32_t>(i.imm)};
        if (i.id == isa::insn_id::lddw_map_idx_val)
            world.wides[pc] = {.what = wide_value::kind::memory,
                               .index = static_cast<uint32_t>(i.imm),
                               .size = memory_bytes,
                               .offset = static_cast<uint64_t>(p.insn(pc + 1).imm),
                               .allowed = permission::read_write,
                               .alignment = 8};
    }
}

std::string facts_of(const std::string &source) {
    const auto code = isa::assemble(source);
    if (not code) return code.error().message;
    const auto p = program::load(*code);
    if (not p) return p.error().message;
    test_world world;
    world.has_packet = setting(source, "packet") == "yes";
    if (const std::string size = setting(source, "least size"); not size.empty())
        world.least_size = std::stoull(size);
    name_objects(*p, world);
    const facts f = facts::analyse(
        *p, world, setting(source, "effort") == "quick" ? effort::quick : effort::full);
    std::string text;
    const bool shows_states = setting(source, "states") == "yes";
    for (uint32_t pc = 0; pc < p->size(); ++pc) {
        if (p->insn(pc).id == isa::insn_id::none) continue;
        if (shows_states) {
            const auto s = f.before(pc);
            text += s ? to_text(*s) : "not reached\n";
        }
        const std::string found = f.explain(pc);
        text += fmt::format("{}: {}{}{}\n", pc, p->text_at(pc), found.empty() ? "" : "; ", found);
        if (const auto trips = f.trip_bound(pc))
            text += fmt::format("   goes back {} times at most\n", *trips);
        if (const uint8_t proven = f.proven_arguments(pc))
            text += fmt::format("   arguments without a check: {:05b}\n", proven);
    }
    text += f.rely_on_hidden_frames() ? "" : "frames are not hidden\n";
    return text;
}

struct golden : testing::TestWithParam<std::string> {};

TEST_P(golden, facts_are_as_before) {
    const fs::path folder{BPFTIME_VM_ANALYSIS_GOLDEN_DIR};
    const std::string found = facts_of(read(folder / (GetParam() + ".s")));
    const fs::path expected = folder / (GetParam() + ".facts");
    if (std::getenv("BPFTIME_VM_BLESS") != nullptr) std::ofstream{expected} << found;
    EXPECT_EQ(found, read(expected));
}

INSTANTIATE_TEST_SUITE_P(programs, golden, testing::ValuesIn(programs()),
                         [](const auto &program) { return program.param; });

}  // namespace
}  // namespace bpftime::vm::analysis::test
