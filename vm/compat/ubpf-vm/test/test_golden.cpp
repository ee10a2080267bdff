// bpftime-vm: the native code of small programs, against golden/*.x86_64 and *.aarch64
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// To write the files again after a wanted change, and then review the difference:
//   BPFTIME_VM_BLESS=1 build/vm/compat/ubpf-vm/test/test_ubpf_jit --gtest_filter='*golden*'
// and the same with test_ubpf_aarch64
// A program is golden/<name>.s; its comments may say "# checks: off", "# bmi2: off", "# lse: off",
// "# blinding: on", "# barriers: on" and "# jump targets: 3 5".
#include "generator.hpp"
#include "isa/text.hpp"
#include "programs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace bpftime::vm::ubpf::test {

namespace fs = std::filesystem;

namespace {

std::string read(const fs::path &path) {
    std::ifstream in{path};
    return {std::istreambuf_iterator<char>{in}, std::istreambuf_iterator<char>{}};
}

/// Names of all programs, sorted.
std::vector<std::string> programs() {
    std::vector<std::string> names;
    for (const auto &entry : fs::directory_iterator{BPFTIME_VM_UBPF_GOLDEN_DIR}) {
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

/// Helpers at addresses that are the same in every process: 1 untyped, 2 with a context, 3 with one
/// argument, 5 unwinds.
compat::vm_config test_config() {
    compat::vm_config config;
    const auto add = [&](uint32_t id, bool has_context, bool is_typed) {
        ebpf_helper h{};
        h.id = id;
        const uint64_t address = 0x1111'2222'0000 + id;
        if (has_context) {
            h.ctx_fn = reinterpret_cast<ebpf_ctx_helper_fn>(address);
            h.context = reinterpret_cast<void *>(0x3333'4444'5555);
        } else {
            h.fn = reinterpret_cast<external_function_t>(address);
        }
        if (is_typed) h.arguments[0].kind = EBPF_ARG_SCALAR;
        config.helpers.insert_or_assign(id, compat::helper_binding{h, 0});
    };
    add(1, false, false);
    add(2, true, false);
    add(3, false, true);
    add(5, false, false);
    config.unwind_helper = 5;
    return config;
}

/// The features of this test's machine that a program asks for.
template <typename Features>
Features features_for(const std::string &text) {
    Features machine;
    if constexpr (requires { machine.bmi2; }) machine.bmi2 = setting(text, "bmi2") != "off";
    if constexpr (requires { machine.lse; }) machine.lse = setting(text, "lse") != "off";
    return machine;
}

/// The code, without the entry point, which has addresses of this process.
std::string code_of(const std::string &text) {
    compat::vm_config config = test_config();
    config.bounds_checks = setting(text, "checks") != "off";
    if (setting(text, "blinding") == "on") config.blinding_seed = 1;
    config.bars_speculation = setting(text, "barriers") == "on";
    std::istringstream targets{setting(text, "jump targets")};
    for (uint32_t pc = 0; targets >> pc;) config.jump_targets.push_back(pc);
    const auto code =
        program::load(vm::test::assemble(text), {.jump_targets = config.jump_targets});
    if (not code) return code.error().message;
    const auto linked = compat::linkage::resolve(*code, config);
    if (not linked) return linked.error().message;
    const std::atomic<uint32_t> interrupts = 0;
    listing lines;
    generator maker;
    maker.code().list_in(&lines);
    ubpf::native_code out;
    EXPECT_TRUE(maker.generate({*code, *linked, config, interrupts, {config.regions, {}}},
                               features_for<machine_features>(text), nullptr, out));
    return lines.text(maker.code().bytes());
}

class golden : public testing::TestWithParam<std::string> {};

TEST_P(golden, code) {
    const fs::path folder{BPFTIME_VM_UBPF_GOLDEN_DIR};
    const std::string code = code_of(read(folder / (GetParam() + ".s")));
    const fs::path expected = folder / (GetParam() + "." BPFTIME_VM_UBPF_MACHINE);
    if (std::getenv("BPFTIME_VM_BLESS") != nullptr) std::ofstream{expected} << code;
    EXPECT_EQ(code, read(expected)) << "if that is wanted: BPFTIME_VM_BLESS=1";
}

INSTANTIATE_TEST_SUITE_P(programs, golden, testing::ValuesIn(programs()),
                         [](const auto &test) { return test.param; });

TEST(golden_files, have_their_programs) {
    for (const auto &entry : fs::directory_iterator{BPFTIME_VM_UBPF_GOLDEN_DIR}) {
        fs::path program = entry.path();
        EXPECT_TRUE(fs::exists(program.replace_extension(".s"))) << entry.path();
    }
    EXPECT_GE(programs().size(), 24U);
}

}  // namespace

}  // namespace bpftime::vm::ubpf::test
