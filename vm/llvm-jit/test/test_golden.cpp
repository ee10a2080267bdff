// bpftime-vm: the IR of small programs, as the compiler or the optimiser makes it, against
// golden/*.ll Copyright (c) 2026 The bpftime-vm authors SPDX-License-Identifier: MIT
//
// To write the files again after a wanted change, and then review the difference:
//   BPFTIME_VM_BLESS=1 build/vm/llvm-jit/test/test_llvm_jit --gtest_filter='*golden*'
// A program is golden/<name>.s; its comments may say "# checks: off", "# jump targets: 3 5" and
// "# optimised: yes".
#include "support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace bpftime::vm::llvm_jit::test {

namespace fs = std::filesystem;

namespace {

std::string read(const fs::path &path) {
    std::ifstream in{path};
    return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

/// Names of all programs, sorted.
std::vector<std::string> programs() {
    std::vector<std::string> names;
    for (const auto &entry : fs::directory_iterator{BPFTIME_VM_LLVM_GOLDEN_DIR}) {
        if (entry.path().extension() == ".s") names.push_back(entry.path().stem().string());
    }
    std::ranges::sort(names);
    return names;
}

/// What follows `key` on its comment line; empty if there is none.
std::string setting(const std::string &text, std::string_view key) {
    const auto at = text.find("# " + std::string{key} + ": ");
    if (at == text.npos) return {};
    const auto begin = at + key.size() + 4;
    return text.substr(begin, text.find('\n', at) - begin);
}

/// The module without what names machine and file.
std::string ir_of(const std::string &text) {
    compat::vm_config config = test_config();
    config.bounds_checks = setting(text, "checks") != "off";
    std::istringstream targets{setting(text, "jump targets")};
    for (uint32_t pc = 0; targets >> pc;) config.jump_targets.push_back(pc);
    const linked_program p{text, std::move(config)};
    llvm::LLVMContext context;
    const auto machine = make_machine();
    const auto module =
        setting(text, "optimised") == "yes" ? p.optimize(context, *machine) : p.compile(context);
    EXPECT_TRUE(is_valid(*module));
    std::istringstream lines{to_text(*module)};
    std::string kept;
    bool begun = false;
    for (std::string line; std::getline(lines, line);) {
        const bool is_head = line.starts_with("; ModuleID") or
                             line.starts_with("source_filename") or line.starts_with("target ");
        begun = begun or not(is_head or line.empty());
        if (begun) kept += line + '\n';
    }
    return kept;
}

class golden : public testing::TestWithParam<std::string> {};

TEST_P(golden, ir) {
    if (make_machine() == nullptr) GTEST_SKIP() << "this LLVM has no x86 target";
    const fs::path folder{BPFTIME_VM_LLVM_GOLDEN_DIR};
    const std::string ir = ir_of(read(folder / (GetParam() + ".s")));
    const fs::path expected = folder / (GetParam() + ".ll");
    if (std::getenv("BPFTIME_VM_BLESS") != nullptr) std::ofstream{expected} << ir;
    EXPECT_EQ(ir, read(expected)) << "if that is wanted: BPFTIME_VM_BLESS=1";
}

INSTANTIATE_TEST_SUITE_P(programs, golden, testing::ValuesIn(programs()),
                         [](const auto &test) { return test.param; });

TEST(golden_files, have_their_programs) {
    for (const auto &entry : fs::directory_iterator{BPFTIME_VM_LLVM_GOLDEN_DIR}) {
        fs::path program = entry.path();
        EXPECT_TRUE(fs::exists(program.replace_extension(".s"))) << entry.path();
    }
    EXPECT_GE(programs().size(), 12U);
}

}  // namespace

}  // namespace bpftime::vm::llvm_jit::test
