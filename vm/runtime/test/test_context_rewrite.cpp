// bpftime-vm: which accesses are to the context, and what becomes of them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/text.hpp"
#include "programs.hpp"
#include "runtime/context.hpp"
#include "support.hpp"

#include <fmt/format.h>

#include <cstddef>

namespace bpftime::vm::runtime::test {

using object::program_type;

namespace {

result<std::vector<uint8_t>> rewrite(std::string_view text, program_type type) {
    const auto code = vm::test::assemble(text);
    const auto p = program::load(code);
    if (not p) return std::unexpected{p.error()};
    auto adapted = rewrite_context_accesses(code, *p, type);
    if (not adapted) return std::unexpected{std::move(adapted.error())};
    return std::move(adapted->code);
}

/// The instruction at each pc of the rewritten program; everywhere the message if it is refused.
std::vector<std::string> rewritten(std::string_view text, program_type type = program_type::xdp) {
    const auto code = rewrite(text, type);
    constexpr std::size_t enough = 16;
    if (not code) return std::vector<std::string>(enough, code.error().message);
    const auto p = program::load(*code);
    std::vector<std::string> lines;
    for (uint32_t pc = 0; pc < p->size(); ++pc)
        lines.push_back(p->insn(pc).id == isa::insn_id::none ? "" : p->text_at(pc));
    return lines;
}

std::string refusal(std::string_view text, program_type type = program_type::xdp,
                    error_code code = error_code::unclear_context) {
    const auto changed = rewrite(text, type);
    if (changed) return "rewritten";
    EXPECT_EQ(changed.error().code, code);
    return changed.error().message.substr(0, changed.error().message.find(": "));
}

/// A load of xdp_md::rx_queue_index by `base`, and what it becomes.
std::string queue_load(std::string_view base = "%r1") {
    return fmt::format("ldxw %r0, [{}+16]", base);
}
std::string queue_loaded(std::string_view base = "%r1") {
    return fmt::format("ldxw %r0, [{}+{}]", base, offsetof(xdp_context, rx_queue_index));
}

}  // namespace

// --- what an access becomes

TEST(context_rewrite, addresses_are_whole) {
    const auto lines = rewritten("ldxw %r2, [%r1]\nldxw %r3, [%r1+4]\nldxw %r4, [%r1+8]\nexit");
    EXPECT_EQ(lines[0], "ldxdw %r2, [%r1]");
    EXPECT_EQ(lines[1], "ldxdw %r3, [%r1+8]");
    EXPECT_EQ(lines[2], "ldxdw %r4, [%r1+16]");
    EXPECT_EQ(lines[3], "exit");
}

TEST(context_rewrite, narrow_loads_take_the_same_bytes_of_the_field) {
    const auto at = offsetof(skb_context, protocol);
    const auto lines = rewritten(
        "ldxb %r2, [%r1+17]\nldxh %r3, [%r1+18]\nldxsh %r4, [%r1+16]\nldxw %r5, [%r1+16]\nexit",
        program_type::sched_cls);
    EXPECT_EQ(lines[0], fmt::format("ldxb %r2, [%r1+{}]", at + 1));
    EXPECT_EQ(lines[1], fmt::format("ldxh %r3, [%r1+{}]", at + 2));
    EXPECT_EQ(lines[2], fmt::format("ldxsh %r4, [%r1+{}]", at));
    EXPECT_EQ(lines[3], fmt::format("ldxw %r5, [%r1+{}]", at));
}

TEST(context_rewrite, stores_go_to_writable_fields) {
    const auto cb = offsetof(skb_context, cb);
    const auto lines = rewritten(
        "mov %r2, 1\nstxw [%r1+8], %r2\nstxb [%r1+67], %r2\nstxdw [%r1+56], %r2\nstw [%r1+48], "
        "3\nexit",
        program_type::sched_cls);
    EXPECT_EQ(lines[1], fmt::format("stxw [%r1+{}], %r2", offsetof(skb_context, mark)));
    EXPECT_EQ(lines[2], fmt::format("stxb [%r1+{}], %r2", cb + 19));
    EXPECT_EQ(lines[3], fmt::format("stxdw [%r1+{}], %r2", cb + 8));
    EXPECT_EQ(lines[4], fmt::format("stw [%r1+{}], 3", cb));
}

TEST(context_rewrite, other_memory_and_other_types_stay) {
    const std::string text =
        "ldxw %r2, [%r1]\nldxw %r3, [%r2+4]\nstxw [%r10-4], %r3\nldxw %r0, [%r10-4]\nexit";
    EXPECT_EQ(rewritten(text)[1], "ldxw %r3, [%r2+4]");
    EXPECT_EQ(rewritten(text)[2], "stxw [%r10-4], %r3");
    EXPECT_EQ(rewritten(text)[3], "ldxw %r0, [%r10-4]");
    EXPECT_EQ(rewritten(text, program_type::kprobe)[0], "ldxw %r2, [%r1]");
}

TEST(context_rewrite, dead_code_stays) {
    EXPECT_EQ(rewritten("mov %r0, 0\nexit\nldxw %r0, [%r1+999]\nexit")[2], "ldxw %r0, [%r1+999]");
}

// --- ways of the context

TEST(context_rewrite, follows_copies) {
    EXPECT_EQ(rewritten("mov %r6, %r1\nmov %r1, 0\n" + queue_load("%r6") + "\nexit")[2],
              queue_loaded("%r6"));
}

TEST(context_rewrite, follows_constant_offsets) {
    EXPECT_EQ(rewritten("add %r1, 12\nldxw %r0, [%r1+4]\nexit")[1],
              fmt::format("ldxw %r0, [%r1+{}]", offsetof(xdp_context, rx_queue_index) - 12));
    EXPECT_EQ(rewritten("mov %r2, 16\nadd %r2, %r1\nldxw %r0, [%r2]\nexit")[2],
              fmt::format("ldxw %r0, [%r2+{}]", offsetof(xdp_context, rx_queue_index) - 16));
    EXPECT_EQ(rewritten("add %r1, 12\nsub %r1, 12\n" + queue_load() + "\nexit")[2], queue_loaded());
}

TEST(context_rewrite, follows_the_stack) {
    EXPECT_EQ(
        rewritten("stxdw [%r10-8], %r1\nldxdw %r3, [%r10-8]\n" + queue_load("%r3") + "\nexit")[2],
        queue_loaded("%r3"));
    // The slot is used again, for something else.
    EXPECT_EQ(rewritten("stxdw [%r10-8], %r1\nstxw [%r10-4], %r2\nldxdw %r3, [%r10-8]\n" +
                        queue_load("%r3") + "\nexit")[3],
              queue_load("%r3"));
}

TEST(context_rewrite, follows_joins_and_loops) {
    const auto lines = rewritten("mov %r6, %r1\njeq %r2, 0, +1\nmov %r6, %r1\n" +
                                 queue_load("%r6") + "\njeq %r0, 7, -2\nexit");
    EXPECT_EQ(lines[3], queue_loaded("%r6"));
}

TEST(context_rewrite, follows_arguments_of_calls) {
    const auto lines =
        rewritten("mov %r2, %r1\nmov %r1, 0\ncall local +1\nexit\n" + queue_load("%r2") + "\nexit");
    EXPECT_EQ(lines[4], queue_loaded("%r2"));
}

TEST(context_rewrite, follows_results_of_calls) {
    const auto lines =
        rewritten("call local +2\n" + queue_load("%r0") + "\nexit\nmov %r0, %r1\nexit");
    EXPECT_EQ(lines[1], queue_loaded("%r0"));
}

TEST(context_rewrite, follows_structs_of_callers) {
    // { ctx } at r10-8 goes to a function by address, which reads it twice over another one.
    const auto lines = rewritten(
        "stxdw [%r10-8], %r1\nmov %r1, %r10\nadd %r1, -8\ncall local +1\nexit\n"
        "call local +1\nexit\n"
        "ldxdw %r2, [%r1]\n" +
        queue_load("%r2") + "\nexit");
    EXPECT_EQ(lines[8], queue_loaded("%r2"));
}

/// { ctx } of one function and { 0 } of another go to a third, which reads the first alone.
TEST(context_rewrite, follows_structs_of_several_callers) {
    const std::string program =
        "stxdw [%r10-8], %r1\nmov %r1, %r10\nadd %r1, -8\ncall local +8\ncall local +1\nexit\n"
        "stdw [%r10-{}], 0\nmov %r1, %r10\nadd %r1, -{}\ncall local +2\nmov %r0, 0\nexit\n"
        "ldxdw %r2, [%r1]\njeq %r2, 0, +1\n" +
        queue_load("%r2") + "\nexit";
    EXPECT_EQ(rewritten(fmt::format(fmt::runtime(program), 8, 8))[14], queue_loaded("%r2"));
    EXPECT_EQ(refusal(fmt::format(fmt::runtime(program), 16, 16)),
              "r2 is the context on one path and something else on another at pc 14 (`" +
                  queue_load("%r2") + "`)")
        << "at different places of their frames";
}

TEST(context_rewrite, follows_what_is_written_to_one_of_several_callers) {
    // The third function overwrites what may be { ctx } with a number.
    EXPECT_EQ(refusal("mov %r6, %r1\nstxdw [%r10-8], %r1\nmov %r1, %r10\nadd %r1, -8\n"
                      "call local +9\ncall local +3\nldxdw %r1, [%r10-8]\n" +
                      queue_load() +
                      "\nexit\nstdw [%r10-8], 0\nmov %r1, %r10\nadd %r1, -8\ncall local +1\n"
                      "exit\nstdw [%r1], 5\nmov %r0, 0\nexit"),
              "r1 is the context on one path and something else on another at pc 7 (`" +
                  queue_load() + "`)");
}

TEST(context_rewrite, follows_what_callees_write_to_callers) {
    const auto lines = rewritten(
        "mov %r2, %r10\nadd %r2, -8\nmov %r6, %r1\ncall local +5\n"
        "ldxdw %r1, [%r10-8]\n" +
        queue_load("%r6") + "\n" + "mov %r0, 0\nexit\nexit\n" + "stxdw [%r2], %r3\nexit");
    EXPECT_EQ(lines[5], queue_loaded("%r6"));
    EXPECT_EQ(refusal("stxdw [%r10-8], %r1\nmov %r2, %r10\nadd %r2, -8\ncall local +3\n"
                      "ldxdw %r1, [%r10-8]\n" +
                      queue_load() + "\nexit\nstxdw [%r2], %r3\nexit"),
              "r1 is the context on one path and something else on another at pc 5 (`" +
                  queue_load() + "`)");
}

TEST(context_rewrite, keeps_spills_over_calls_of_one_function_from_two_places) {
    const auto lines = rewritten(
        "mov %r6, %r1\nmov %r1, 1\ncall local +6\nstxdw [%r10-8], %r6\n"
        "mov %r1, 2\ncall local +3\nldxdw %r1, [%r10-8]\n" +
        queue_load() + "\nexit\nmov %r0, %r1\nexit");
    EXPECT_EQ(lines[7], queue_loaded());
}

TEST(context_rewrite, follows_callbacks_of_helpers) {
    // bpf_loop(3, callback, ctx, 0)
    const auto lines = rewritten(
        "mov %r3, %r1\nmov %r1, 3\nlddw %r2, code_addr(+5)\nmov %r4, 0\n"
        "call 181\nmov %r0, 0\nexit\n" +
        queue_load("%r2") + "\nexit");
    EXPECT_EQ(lines[8], queue_loaded("%r2"));
}

TEST(context_rewrite, follows_callx) {
    const auto lines =
        rewritten("lddw %r6, code_addr(+3)\ncallx %r6\nexit\n" + queue_load() + "\nexit");
    EXPECT_EQ(lines[4], queue_loaded());
}

// --- refusals

TEST(context_rewrite, refuses_what_the_fields_refuse) {
    constexpr auto bad = error_code::bad_context_access;
    EXPECT_EQ(refusal("ldxw %r0, [%r1+24]\nexit", program_type::xdp, bad),
              "reads 4 bytes at offset 24 of struct xdp_md, where it has no field at pc 0 (`ldxw "
              "%r0, [%r1+24]`)");
    EXPECT_EQ(refusal("add %r1, 8\nstxw [%r1-8], %r2\nexit", program_type::xdp, bad),
              "writes field `data` of struct xdp_md, which this type of program only reads at pc 1 "
              "(`stxw [%r1-8], %r2`)");
    EXPECT_EQ(refusal("mov %r2, 1\nlock add32 [%r1+48], %r2\nexit", program_type::sched_cls, bad),
              "atomic access to the context at pc 1 (`lock add32 [%r1+48], %r2`)");
}

TEST(context_rewrite, refuses_offsets_that_are_not_constant) {
    EXPECT_EQ(refusal("ldxw %r2, [%r1+16]\nadd %r1, %r2\nldxw %r0, [%r1]\nexit"),
              "r1 is the context and an offset that is not constant at pc 2 (`ldxw %r0, [%r1]`)");
    EXPECT_EQ(refusal("and %r1, -8\nldxw %r0, [%r1]\nexit"),
              "r1 is the context and an offset that is not constant at pc 1 (`ldxw %r0, [%r1]`)");
}

TEST(context_rewrite, refuses_the_context_on_one_path_only) {
    EXPECT_EQ(
        refusal("mov %r6, %r1\njeq %r2, 0, +1\nmov %r6, %r10\n" + queue_load("%r6") + "\nexit"),
        "r6 is the context on one path and something else on another at pc 3 (`" +
            queue_load("%r6") + "`)");
    // Two offsets are two fields.
    EXPECT_EQ(refusal("jeq %r2, 0, +1\nadd %r1, 4\nldxw %r0, [%r1]\nexit"),
              "r1 is the context on one path and something else on another at pc 2 (`ldxw %r0, "
              "[%r1]`)");
}

TEST(context_rewrite, takes_the_context_or_null) {
    EXPECT_EQ(
        rewritten("mov %r6, %r1\njeq %r2, 0, +1\nmov %r6, 0\n" + queue_load("%r6") + "\nexit")[3],
        queue_loaded("%r6"));
    // From a slot of the stack that one path clears.
    EXPECT_EQ(rewritten("stxdw [%r10-8], %r1\njeq %r2, 0, +1\nstdw [%r10-8], 0\n"
                        "ldxdw %r6, [%r10-8]\n" +
                        queue_load("%r6") + "\nexit")[4],
              queue_loaded("%r6"));
    EXPECT_EQ(refusal("mov %r6, %r1\njeq %r2, 0, +1\nmov %r6, 1\n" + queue_load("%r6") + "\nexit"),
              "r6 is the context on one path and something else on another at pc 3 (`" +
                  queue_load("%r6") + "`)");
}

TEST(context_rewrite, takes_the_context_on_one_path_where_nobody_uses_it) {
    EXPECT_EQ(rewritten("mov %r6, %r1\njeq %r2, 0, +1\nmov %r6, 5\n" + queue_load() + "\nexit")[3],
              queue_loaded());
}

TEST(context_rewrite, refuses_what_cannot_be_followed) {
    EXPECT_EQ(
        refusal("ldxw %r2, [%r1+16]\nadd %r2, %r10\nstxdw [%r2-64], %r1\nexit"),
        "stores the context at a place of the stack that is not known, or beyond 512 bytes at "
        "pc 2 (`stxdw [%r2-64], %r1`)");
    EXPECT_EQ(refusal("ldxw %r2, [%r1+16]\ncallx %r2\nexit"),
              "hands the context to a function that is not known at pc 1 (`callx %r2`)");
    EXPECT_EQ(refusal("call local +1\nexit\ncall local -1\nexit", program_type::xdp,
                      error_code::unsupported),
              "calls a function that calls itself, in a program of the kernel's, at pc 2 (`call "
              "local -1`)");
}

TEST(context_rewrite, knows_who_has_legacy_packet_loads) {
    using enum program_type;
    for (const program_type type : {socket_filter, sched_cls, sched_act})
        EXPECT_TRUE(rewrite("ldabsb 0\nexit", type)) << static_cast<unsigned>(type);
    for (const program_type type : {xdp, cgroup_skb, sk_skb, lwt_in, lwt_out, lwt_xmit}) {
        EXPECT_EQ(refusal("ldabsb 0\nexit", type, error_code::bad_context_access),
                  "legacy packet loads are for socket filters and traffic control alone at pc 0 "
                  "(`ldabsb 0`)");
    }
}

TEST(context_rewrite, remedies_are_named) {
    const auto refused = rewrite("ldxw %r0, [%r1+24]\nexit", program_type::xdp);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().pc, 0U);
    EXPECT_TRUE(refused.error().message.ends_with(
        "`): read and write the fields of the context as linux/bpf.h declares them, with the type "
        "of program that the section names"))
        << refused.error().message;
}

}  // namespace bpftime::vm::runtime::test
