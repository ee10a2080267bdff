// bpftime-vm: tests that the analysis ends within its steps
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "concrete.hpp"
#include "isa/text.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace bpftime::vm::analysis::test {
namespace {

facts analyse(const std::string &assembly) {
    const auto code = isa::assemble(assembly);
    EXPECT_TRUE(code.has_value());
    const auto p = program::load(*code);
    EXPECT_TRUE(p.has_value());
    return facts::analyse(*p, test_world{});
}

/// r2 is 0 or all ones, even, and above 15: no word, which nobody sees until it is multiplied.
TEST(effort, divides_where_no_run_goes) {
    EXPECT_TRUE(analyse(R"(
        ldxw %r2, [%r1]
        arsh32 %r2, 31
        jset %r2, 1, out
        jle %r2, 15, out
        mul32 %r2, -1
        ldxw %r3, [%r1+4]
        div %r3, %r2
        jeq %r3, 0, out
        out: mov %r0, 0
        exit)")
                    .is_complete());
}

/// A caller goes on where it called, not from its begin on.
TEST(effort, many_calls_in_a_row) {
    constexpr unsigned calls = 1000;
    std::string caller;
    std::string callees;
    for (unsigned i = 0; i < calls; ++i) {
        caller += fmt::format("call local f{}\n", i);
        callees += fmt::format("f{}:\nmov %r0, {}\nexit\n", i, i);
    }
    EXPECT_TRUE(analyse(caller + "exit\n" + callees).is_complete());
}

/// What is called is known before its callers go on.
TEST(effort, deep_chain_of_calls) {
    constexpr unsigned functions = 1000;
    std::string chain = "call local f0\nexit\n";
    for (unsigned i = 0; i + 1 < functions; ++i)
        chain += fmt::format("f{}:\ncall local f{}\nadd %r0, 1\nexit\n", i, i + 1);
    chain += fmt::format("f{}:\nmov %r0, 0\nexit\n", functions - 1);
    EXPECT_TRUE(analyse(chain).is_complete());
}

/// A loop around a call that never returns, beside one that does.
TEST(effort, calls_that_do_not_return) {
    const facts found = analyse(R"(
        mov %r6, 10
    again:
        jeq %r6, 1, bad
        call local good
        add %r6, -1
        jne %r6, 0, again
        exit
    bad:
        call local endless
        ldxb %r0, [%r1]
        exit
    good:
        mov %r0, 1
        exit
    endless:
        ja endless
    )");
    EXPECT_TRUE(found.is_complete());
    EXPECT_EQ(found.access(7).what, verdict::unreachable);
}

}  // namespace
}  // namespace bpftime::vm::analysis::test
