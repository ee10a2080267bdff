// bpftime-vm: every engine x every conformance case: the public suite's and our own
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// The public suite's data is not part of this project: BPFTIME_VM_CONFORMANCE_DIR names the folder
// that has it. Without it the run says so; with BPFTIME_VM_REQUIRE_CONFORMANCE=1 that is a failure.
#include "case_file.hpp"
#include "ebpf-types.h"
#include "isa/text.hpp"
#include "programs.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>

namespace bpftime::vm::test {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t public_cases = 313;
constexpr std::size_t public_reserved_field_cases = 45;
constexpr std::size_t own_cases_at_least = 313;

fs::path public_folder() {
    const char *const folder = std::getenv("BPFTIME_VM_CONFORMANCE_DIR");
    return folder == nullptr ? fs::path{} : fs::path{folder};
}

bool requires_public_suite() {
    const char *const value = std::getenv("BPFTIME_VM_REQUIRE_CONFORMANCE");
    return value != nullptr and std::string_view{value} == "1";
}

// Programs that must not assemble, with the whole message.
const std::map<std::string, std::string, std::less<>> assembler_messages = {
    {"empty", "a case has asm or raw"},
    {"empty_instructions", "a case has asm or raw"},
    {"invalid_unknown_directive", "Unknown directive 'Unknown directive'"},
    {"invalid_imm32_dec_range",
     "Immediate out of 32-bit range: '2147483648' in 'mov32 %r0, 2147483648' (line 2)"},
    {"invalid_imm32_hex_range",
     "Immediate out of 32-bit range: '0x100000000' in 'mov32 %r0, 0x100000000' (line 2)"},
    {"invalid_label", "Undefined label 'NOT_A_LABEL' (line 1)"},
    {"invalid_lock", "Invalid number of operands for lock: 1 in 'lock or [%r10-8]' (line 1)"},
    {"invalid_lock2", "Invalid number of operands for lock: 'lock' (line 1)"},
    {"invalid_mnemonic", "Invalid mnemonic 'ldxq' in 'ldxq %r0, %r1' (line 2)"},
    {"invalid_offset",
     "Invalid operand '%r1': expected memory like [%r1+8] in 'ldxb %r0, %r1' (line 1)"},
    {"invalid_offset_range",
     "Offset out of 16-bit range: '+0x10000' in 'ldxb %r0, [%r1+0x10000]' (line 2)"},
    {"invalid_operand_count", "Invalid number of operands for lddw: 1 in 'lddw %r0' (line 1)"},
    {"invalid_register",
     "Invalid register '%r50': registers are %r0 to %r10 in 'or %r0, %r50' (line 1)"},
};

/// A test whose body is a function, for suites that are made of files.
class file_test : public testing::Test {
public:
    explicit file_test(std::function<void()> body) : body_{std::move(body)} {}
    void TestBody() override { body_(); }

private:
    std::function<void()> body_;
};

std::string as_test_name(std::string name) {
    std::ranges::replace_if(name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return name;
}

void add(const std::string &suite, const std::string &name, std::function<void()> body) {
    testing::RegisterTest(
        suite.c_str(), as_test_name(name).c_str(), nullptr, nullptr, __FILE__, __LINE__,
        [body = std::move(body)]() -> file_test * { return new file_test{body}; });
}

case_file must_read(const fs::path &file) {
    auto c = read_case(file);
    if (c) return std::move(*c);
    ADD_FAILURE() << file << ": " << c.error();
    return {};
}

/// The case on the engine, and its program through the disassembler and back.
void expect_case(const fs::path &file, const engine &e) {
    const case_file c = must_read(file);
    EXPECT_EQ(check_case(c, e), "") << file;
    const auto code = code_of(c);
    const auto text = code ? isa::disassemble(*code) : result<std::string>{""};
    if (not code or not text) return;  // a program that is wrong on purpose
    const auto again = isa::assemble(*text);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, *code) << *text;
    EXPECT_TRUE(isa::disassemble(*code, isa::syntax::c_like));
}

void add_cases(const std::string &suite, const std::vector<fs::path> &files, const fs::path &root) {
    const auto add_all = [&](const engine &e, const std::string &as) {
        for (const fs::path &file : files) {
            add(as + "_" + suite, fs::relative(file, root).replace_extension().string(),
                [file, e] { expect_case(file, e); });
        }
    };
    for (const engine &e : engines()) add_all(e, e.name);
    for (const engine &e : proving_engines()) add_all(e, std::string{"proving_"} + e.name);
}

/// The file sets one reserved field: it must be refused for that, and accepted with the field
/// cleared.
void expect_reserved_field(const fs::path &file, const engine &e) {
    std::vector<uint8_t> code = must_read(file).raw.value_or(std::vector<uint8_t>(isa::slot_size));
    const outcome refused = run(e, code);
    EXPECT_EQ(refused.code, EBPF_ERROR_INVALID_PROGRAM);
    EXPECT_NE(refused.error.find("reserved field"), std::string::npos) << refused.error;

    const std::string name = file.stem().string();
    isa::slot s = isa::read_slot(code, 0);
    const std::string field = name.substr(name.rfind('-') + 1);
    if (field == "dst")
        s.dst = 0;
    else if (field == "src")
        s.src = 0;
    else if (field == "offset")
        s.offset = 0;
    else if (field == "imm")
        s.imm = 0;
    else
        FAIL() << "no field in the name of " << file;
    isa::write_slot(s, std::span{code}.first<isa::slot_size>());
    const auto vm = make_vm(e);
    EXPECT_EQ(vm->load_code(code.data(), code.size()), 0) << vm->error_message();
}

/// The suite's own assembler made `prog` from the same text.
void expect_same_bytes(const fs::path &folder) {
    std::ifstream in{folder / "assembled.jsonl"};
    std::size_t compared = 0;
    for (std::string line; std::getline(in, line); ++compared) {
        const auto row = nlohmann::json::parse(line);
        const case_file c =
            must_read(folder / "tests" / (row.at("name").get<std::string>() + ".data"));
        const auto code = code_of(c);
        ASSERT_TRUE(code) << c.name << ": " << code.error();
        EXPECT_EQ(fmt::format("{:02x}", fmt::join(*code, "")), row.at("prog").get<std::string>())
            << c.name;
    }
    EXPECT_EQ(compared, public_cases);
}

void expect_assembler_message(const fs::path &file, const std::string &message) {
    const auto c = read_case(file);
    if (not c) {
        EXPECT_EQ(c.error(), message);
        return;
    }
    const auto code = code_of(*c);
    ASSERT_FALSE(code) << "assembled, but must not";
    EXPECT_EQ(code.error(), message);
    if (c->error) {
        EXPECT_NE(code.error().find(*c->error), std::string::npos);
    }
}

void add_public_suite() {
    const fs::path folder = public_folder();
    if (folder.empty()) {
        add("public_suite", "is_there", [] {
            if (requires_public_suite()) FAIL() << "BPFTIME_VM_CONFORMANCE_DIR is not set";
            GTEST_SKIP() << "the public conformance suite is missing: set "
                            "BPFTIME_VM_CONFORMANCE_DIR to its folder";
        });
        return;
    }
    const auto files = find_cases(folder / "tests");
    const auto negatives = find_cases(folder / "negative");
    add("public_suite", "is_complete", [files, negatives] {
        EXPECT_EQ(files.size(), public_cases);
        const auto reserved = std::ranges::count_if(negatives, [](const fs::path &file) {
            return file.stem().string().starts_with("unused-");
        });
        EXPECT_EQ(static_cast<std::size_t>(reserved), public_reserved_field_cases);
    });
    add("public_suite", "assembles_to_the_same_bytes", [folder] { expect_same_bytes(folder); });
    add_cases("public", files, folder / "tests");
    for (const fs::path &file : negatives) {
        const std::string name = file.stem().string();
        if (name.starts_with("unused-")) {
            for (const engine &e : engines()) {
                add(std::string{e.name} + "_reserved_field", name,
                    [file, e] { expect_reserved_field(file, e); });
            }
        } else if (const auto it = assembler_messages.find(name); it != assembler_messages.end()) {
            add("assembler_refuses", name,
                [file, it] { expect_assembler_message(file, it->second); });
        } else {
            // Wrong expectations on purpose: a runner that reports no failure is broken.
            for (const engine &e : engines()) {
                add(std::string{e.name} + "_runner_notices", name, [file, e] {
                    EXPECT_NE(check_case(must_read(file), e), "")
                        << "wrong expectation went unnoticed";
                });
            }
        }
    }
}

void add_own_suite() {
    const fs::path folder = BPFTIME_VM_CASES_DIR;
    const auto files = find_cases(folder);
    add("own_suite", "is_complete", [files] { EXPECT_GE(files.size(), own_cases_at_least); });
    add_cases("own", files, folder);
}

}  // namespace

}  // namespace bpftime::vm::test

int main(int argc, char **argv) {
    testing::InitGoogleTest(&argc, argv);
    bpftime::vm::test::add_own_suite();
    bpftime::vm::test::add_public_suite();
    return RUN_ALL_TESTS();
}
