// bpftime-vm: the helpers about texts, compared with the kernel's
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet_program.hpp"
#include "programs.hpp"
#include "runtime/helpers.hpp"

#include <fmt/format.h>

#include <array>
#include <limits>

namespace bpftime::vm::runtime::test {

using object::program_type;
using vm::test::engine;

namespace {

/// Texts as C literals, with what numbers are written like and what they are not.
constexpr auto numbers = std::to_array<const char *>({
    "42",
    " \\t\\n\\r\\v\\f42",
    "\\xa0\" \"42",
    "-42",
    "- 42",
    "--42",
    "+42",
    "0",
    "-0",
    "010",
    "08",
    "0x1F",
    "0Xffg",
    "0x",
    "0xg",
    "x1",
    "",
    " ",
    "-",
    "12ab",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999",
    "1777777777777777777777",
    "2000000000000000000000",
    "0x10000000000000000",
    "12\\0\" \"34",
    "00000000000000000000000000000000000000000000000000000000000000000000000000000001",
});

/// A program that reads each of `numbers` in several bases, and adds up all results.
std::string number_program(std::string_view helper, int number) {
    std::string text = fmt::format(
        "static long (*read)(const char *, unsigned long, unsigned long, unsigned long *) = "
        "(void *){};\n"
        "static unsigned long sum;\n"
        "static NOINLINE unsigned mix(unsigned a, unsigned long b) {{\n"
        "    return (a ^ (unsigned)b ^ (unsigned)(b >> 32)) * 0x01000193u;\n"
        "}}\n"
        "SEC(\"xdp\") int {}(struct xdp_md *ctx) {{\n"
        "    unsigned all = 7;\n"
        "    unsigned long to;\n",
        number, helper);
    // The helpers want constants in maps, or the stack.
    for (const char *const literal : numbers) {
        text += fmt::format("    {{ char t[] = \"{}\";\n", literal);
        for (const char *const base : {"0", "8", "10", "16", "2", "0x20"}) {
            text += fmt::format(
                "        to = 5; all = mix(all, read(t, sizeof t - (sizeof t > 1), {}, &to)); "
                "all = mix(all, to);\n",
                base);
        }
        text += "    }\n";
    }
    return text + "    return all & 0x7fffffff;\n}\n";
}

TEST(text_helpers, read_numbers_as_the_kernel_does) {
    const std::string with_sign = number_program("signed_numbers", 105);
    compare_with_kernel({"strtol", program_type::xdp, with_sign.c_str()});
    const std::string without = number_program("unsigned_numbers", 106);
    compare_with_kernel({"strtoul", program_type::xdp, without.c_str()});
}

class text_helper : public testing::TestWithParam<engine> {
protected:
    /// r0 of a program whose input memory is `memory`.
    uint64_t run(std::string_view text, bytes memory = {}) {
        const auto vm = load(GetParam(), vm::test::assemble(text));
        int64_t r0 = 0;
        EXPECT_EQ(vm->exec(memory.data(), memory.size(), r0), 0) << vm->error_message();
        memory_ = std::move(memory);
        return static_cast<uint64_t>(r0);
    }
    static bytes text(std::string_view s) { return {s.begin(), s.end()}; }

    bytes memory_;
};

INSTANTIATE_TEST_SUITE_P(engines, text_helper, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

TEST_P(text_helper, a_number_needs_8_bytes) {
    const auto vm = load(GetParam(), vm::test::assemble("mov %r2, 2\nmov %r3, 10\nmov %r4, %r1\n"
                                                        "call 105\nexit"));
    bytes memory = text("42\0\0\0\0\0");
    memory.resize(7);
    int64_t r0 = 0;
    EXPECT_EQ(vm->exec(memory.data(), memory.size(), r0), EBPF_ERROR_FAULT);
    EXPECT_EQ(compat::last_fault().kind, compat::fault_kind::out_of_bounds_write);
}

TEST_P(text_helper, texts_are_compared_up_to_their_end) {
    // The input: 4 bytes to compare, then a text.
    constexpr std::string_view compare = "mov %r2, 4\nmov %r3, %r1\nadd %r3, 4\ncall 182\nexit";
    const auto with = [&](std::string_view both) {
        return static_cast<int64_t>(run(compare, text(both)));
    };
    EXPECT_EQ(with("abcdabcd"), 0);
    EXPECT_EQ(with("abcdabce"), -1);
    EXPECT_EQ(with("abcdabbz"), 1);
    EXPECT_EQ(with(std::string_view{"ab\0dab\0z", 8}), 0);
    EXPECT_EQ(with(std::string_view{"abcdab\0", 7}), 1);
    EXPECT_EQ(with("\xff\x01\x01\x01\x01\x01\x01\x01"), 1);
    EXPECT_EQ(with("abcdab"), -EFAULT);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
