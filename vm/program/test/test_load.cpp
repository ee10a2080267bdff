// bpftime-vm: tests of what program::load() rejects, with exact messages, and accepts
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/text.hpp"
#include "support.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <stdexcept>

namespace bpftime::vm::test {

namespace {

// The remedies, spelled out: a change of wording is a change that users see.
constexpr std::string_view jump_remedy =
    ": a jump goes to the first slot of an instruction of its own function";
constexpr std::string_view call_remedy =
    ": a local call goes to the first instruction of a function of this program";
constexpr std::string_view end_remedy =
    ": the last instruction of every function is `exit`, `ja` or `gotox`";
constexpr std::string_view table_remedy = ": jump targets are instruction indexes of this program";
constexpr std::string_view many_remedy =
    ": raise the limit with ebpf_set_max_insns() or build with a larger EBPF_MAX_INSTS";

/// A program and what is said about it, without the remedy.
struct rejected {
    std::string_view text;
    std::string_view detail;
};

void expect_rejected(std::span<const rejected> cases, std::string_view code,
                     std::string_view remedy) {
    for (const auto &[text, detail] : cases) {
        EXPECT_EQ(error_of(load_text(text)), fmt::format("{}: {}{}", code, detail, remedy)) << text;
    }
}

void expect_valid(std::string_view text, const program_options &options = {}) {
    EXPECT_EQ(error_of(load_text(text, options)), "no error") << text;
}

// --- bytes

TEST(load, accepts_the_shortest_program) {
    const program p = load_valid("exit");
    EXPECT_EQ(p.size(), 1U);
    EXPECT_EQ(draw(p), "0-1 weight 1\n  0-1\n");
}

TEST(load, rejects_what_decode_all_rejects) {
    EXPECT_EQ(error_of(program::load({})),
              "empty_program: empty program: give at least one instruction; the shortest program "
              "is `exit`");
    const std::vector<uint8_t> short_code(12, 0x95);
    EXPECT_EQ(error_of(program::load(short_code)),
              "bad_length: program length 12 is not a multiple of 8: eBPF instructions are 8 bytes "
              "each: check that the "
              "file is raw bytecode and complete");
    expect_rejected(std::to_array<rejected>(
                        {{"exit\nadd %r10, 1", "r10 is read-only at pc 1 (`add %r10, 1`)"}}),
                    "read_only_register",
                    ": r10 is the frame pointer: copy it to another register first");
}

TEST(load, keeps_the_bytes) {
    const auto code = isa::assemble(
        "lddw %r1, 0x123456789abcdef0\nlddw %r2, map_val(map_by_fd(3))-4\ncall kfunc 7, 2\n"
        "lock fetch add [%r1-8], %r2\ncallx %r3\nmovsx832 %r1, %r2\njeq %r1, -5, +0\nexit");
    ASSERT_TRUE(code) << code.error().message;
    const auto p = program::load(*code);
    ASSERT_TRUE(p) << p.error().message;
    EXPECT_EQ(p->bytes(), *code);
    EXPECT_EQ(p->wide_imm(0), 0x123456789abcdef0U);
    EXPECT_EQ(p->wide_imm(2), 0xfffffffc00000003U);
    EXPECT_EQ(p->text_at(4), "call kfunc 7, 2");
    EXPECT_EQ(p->text_at(0), "lddw %r1, 0x123456789abcdef0");
    EXPECT_EQ(p->insn(1), (isa::instruction{.id = isa::insn_id::none, .imm = 0x12345678}));
}

// --- size

std::vector<uint8_t> straight_code(std::size_t slots) {
    std::vector<isa::instruction> insns(slots, {.id = isa::insn_id::mov64_imm});
    insns.back() = {.id = isa::insn_id::exit_};
    return bytes_of(insns);
}

TEST(load, accepts_exactly_the_limit) {
    const auto p = program::load(straight_code(default_max_insns));
    ASSERT_TRUE(p) << p.error().message;
    EXPECT_EQ(p->size(), default_max_insns);
    EXPECT_EQ(p->functions().front().weight, default_max_insns);
}

TEST(load, has_a_limit_of_65536_unless_built_with_another) {
#if EBPF_MAX_INSTS == 65536
    EXPECT_TRUE(program::load(straight_code(65536)));
    EXPECT_EQ(
        error_of(program::load(straight_code(65537))),
        fmt::format("too_many_insns: program of 65537 instructions exceeds the limit of 65536{}",
                    many_remedy));
#else
    GTEST_SKIP() << "built with EBPF_MAX_INSTS=" << EBPF_MAX_INSTS;
#endif
}

TEST(load, obeys_the_limit_that_it_is_given) {
    const auto code = straight_code(10);
    EXPECT_EQ(error_of(program::load(code, {.max_insns = 10, .jump_targets = {}})), "no error");
    EXPECT_EQ(error_of(program::load(code, {.max_insns = 9, .jump_targets = {}})),
              fmt::format("too_many_insns: program of 10 instructions exceeds the limit of 9{}",
                          many_remedy));
    EXPECT_EQ(error_of(program::load(code, {.max_insns = 0, .jump_targets = {}})),
              fmt::format("too_many_insns: program of 10 instructions exceeds the limit of 0{}",
                          many_remedy));
}

/// Zero bytes that take no memory until they are written.
class zeros {
public:
    explicit zeros(std::size_t size)
        : size_{size}, bytes_{mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)} {
        if (bytes_ == MAP_FAILED) throw std::runtime_error{"mmap failed"};
    }
    ~zeros() { munmap(bytes_, size_); }
    zeros(const zeros &) = delete;
    zeros &operator=(const zeros &) = delete;

    std::span<const uint8_t> bytes() const { return {static_cast<const uint8_t *>(bytes_), size_}; }

private:
    std::size_t size_;
    void *bytes_;
};

TEST(load, never_accepts_more_than_16_mi_slots) {
    constexpr std::size_t most = 16U << 20;
    const zeros code{(most + 1) * isa::slot_size};
    const program_options options{.max_insns = 0xffffffff, .jump_targets = {}};
    EXPECT_EQ(
        error_of(program::load(code.bytes(), options)),
        fmt::format(
            "too_many_insns: program of 16777217 instructions exceeds the limit of 16777216{}",
            many_remedy));
    const auto p = program::load(code.bytes().first(most * isa::slot_size), options);
    ASSERT_FALSE(p);
    EXPECT_EQ(p.error().code, error_code::unknown_opcode) << "the size is fine, the zeros are not";
}

// --- jumps

TEST(load, rejects_jumps_out_of_the_program) {
    expect_rejected(
        std::to_array<rejected>({
            {"ja +1\nexit",
             "jump target 2 outside the program of 2 instructions at pc 0 (`ja +1`)"},
            {"ja -2\nexit",
             "jump target -1 outside the program of 2 instructions at pc 0 (`ja -2`)"},
            {"ja -32768\nexit",
             "jump target -32767 outside the program of 2 instructions at pc 0 (`ja -32768`)"},
            {"exit\njeq %r1, 2, +32767\nexit",
             "jump target 32769 outside the program of 3 instructions at pc 1 (`jeq %r1, 2, "
             "+32767`)"},
            {"jslt32 %r1, %r2, +1\nexit",
             "jump target 2 outside the program of 2 instructions at pc 0 (`jslt32 %r1, %r2, +1`)"},
            {"ja32 +2147483647\nexit",
             "jump target 2147483648 outside the program of 2 instructions at pc 0 (`ja32 "
             "+2147483647`)"},
            {"ja32 -2147483648\nexit",
             "jump target -2147483647 outside the program of 2 instructions at pc 0 (`ja32 "
             "-2147483648`)"},
            {"may_goto +1\nexit",
             "jump target 2 outside the program of 2 instructions at pc 0 (`may_goto +1`)"},
        }),
        "bad_jump_target", jump_remedy);
}

TEST(load, rejects_jumps_into_the_middle_of_lddw) {
    expect_rejected(std::to_array<rejected>({
                        {"ja +1\nlddw %r1, 5\nexit",
                         "jump target 2 goes into the middle of lddw at pc 0 (`ja +1`)"},
                        {"lddw %r1, 5\njeq %r1, 0, -2\nexit",
                         "jump target 1 goes into the middle of lddw at pc 2 (`jeq %r1, 0, -2`)"},
                        {"ja32 +1\nlddw %r1, map_by_fd(5)\nexit",
                         "jump target 2 goes into the middle of lddw at pc 0 (`ja32 +1`)"},
                        {"may_goto +1\nlddw %r1, 5\nexit",
                         "jump target 2 goes into the middle of lddw at pc 0 (`may_goto +1`)"},
                    }),
                    "bad_jump_target", jump_remedy);
}

TEST(load, rejects_jumps_between_functions) {
    expect_rejected(std::to_array<rejected>({
                        {"call local f\nja f\nexit\nf: exit",
                         "jump from one function into another: target 3 outside function at 0..2 "
                         "at pc 1 (`ja +1`)"},
                        {"call local f\nja inside\nexit\nf: mov %r0, 1\ninside: exit",
                         "jump from one function into another: target 4 outside function at 0..2 "
                         "at pc 1 (`ja +2`)"},
                        {"call local f\nexit\nf: jeq %r1, 0, -2\nexit",
                         "jump from one function into another: target 1 outside function at 2..3 "
                         "at pc 2 (`jeq %r1, 0, -2`)"},
                        {"lddw %r1, code_addr(f)\nja32 f\nf: exit",
                         "jump from one function into another: target 3 outside function at 0..2 "
                         "at pc 2 (`ja32 +0`)"},
                    }),
                    "bad_jump_target", jump_remedy);
}

TEST(load, checks_jumps_in_dead_code) {
    expect_rejected(
        std::to_array<rejected>(
            {{"exit\nja +5\nexit",
              "jump target 7 outside the program of 3 instructions at pc 1 (`ja +5`)"}}),
        "bad_jump_target", jump_remedy);
}

TEST(load, accepts_jumps_to_the_bounds_of_a_function) {
    expect_valid("ja -1");
    expect_valid("ja +0\nexit");
    expect_valid("mov %r0, 0\njeq %r0, 0, -2\nexit");
    expect_valid("call local f\nja -2\nf: ja +0\nja -2");
}

// --- calls

TEST(load, rejects_calls_of_what_is_no_instruction) {
    expect_rejected(
        std::to_array<rejected>({
            {"call local +1\nexit",
             "call target 2 outside the program of 2 instructions at pc 0 (`call local +1`)"},
            {"call local -2\nexit",
             "call target -1 outside the program of 2 instructions at pc 0 (`call local -2`)"},
            {"call local +2147483647\nexit",
             "call target 2147483648 outside the program of 2 instructions at pc 0 (`call local "
             "+2147483647`)"},
            {"exit\ncall local -2147483648\nexit",
             "call target -2147483646 outside the program of 3 instructions at pc 1 (`call local "
             "-2147483648`)"},
            {"lddw %r1, code_addr(+2)\nexit",
             "call target 3 outside the program of 3 instructions at pc 0 (`lddw %r1, "
             "code_addr(+2)`)"},
            {"lddw %r1, code_addr(-2)\nexit",
             "call target -1 outside the program of 3 instructions at pc 0 (`lddw %r1, "
             "code_addr(-2)`)"},
            {"call local +2\nexit\nlddw %r1, 5\nexit",
             "call target 3 goes into the middle of lddw at pc 0 (`call local +2`)"},
            {"lddw %r1, code_addr(+0)\nexit",
             "call target 1 goes into the middle of lddw at pc 0 (`lddw %r1, code_addr(+0)`)"},
        }),
        "bad_call_target", call_remedy);
}

TEST(load, accepts_calls_in_every_direction) {
    expect_valid("call local f\nexit\nf: exit");
    expect_valid("call local -1\nexit");  // of the program itself
    expect_valid("call local f\nexit\nf: call local f\nexit");
    expect_valid("call local f\nexit\ng: exit\nf: call local g\nexit");
}

TEST(load, accepts_helpers_and_values_that_nobody_knows_yet) {
    expect_valid(
        "call 4294967295\ncall kfunc 1, 2\ncall %r3\ncallx %r3\nlddw %r1, map_by_fd(1)\nlddw %r1, "
        "var_addr(2)\nexit");
    expect_valid("addr_space_cast %r1, %r2, 0, 1\ngotox %r1");
}

// --- ends of functions

TEST(load, rejects_functions_that_control_falls_off) {
    expect_rejected(
        std::to_array<rejected>({
            {"mov %r0, 0",
             "control falls off the end of the function at 0..0 at pc 0 (`mov %r0, 0`)"},
            {"exit\nmov %r0, 0",
             "control falls off the end of the function at 0..1 at pc 1 (`mov %r0, 0`)"},
            {"lddw %r0, 5",
             "control falls off the end of the function at 0..1 at pc 0 (`lddw %r0, 0x5`)"},
            {"exit\njeq %r0, 0, -2",
             "control falls off the end of the function at 0..1 at pc 1 (`jeq %r0, 0, -2`)"},
            {"exit\nmay_goto -2",
             "control falls off the end of the function at 0..1 at pc 1 (`may_goto -2`)"},
            {"exit\ncall 1",
             "control falls off the end of the function at 0..1 at pc 1 (`call 1`)"},
            {"call %r1", "control falls off the end of the function at 0..0 at pc 0 (`call %r1`)"},
            {"call local -1",
             "control falls off the end of the function at 0..0 at pc 0 (`call local -1`)"},
            {"ldabsb 0", "control falls off the end of the function at 0..0 at pc 0 (`ldabsb 0`)"},
            // the entry function, into a callee; a callee in the middle; the last callee; one known
            // by its address
            {"call local f\nf: exit",
             "control falls off the end of the function at 0..0 at pc 0 (`call local +0`)"},
            {"call local f\ncall local g\nexit\nf: mov %r0, 1\ng: exit",
             "control falls off the end of the function at 3..3 at pc 3 (`mov %r0, 1`)"},
            {"call local f\nexit\nf: mov %r0, 1\nstxdw [%r10-8], %r0",
             "control falls off the end of the function at 2..3 at pc 3 (`stxdw [%r10-8], %r0`)"},
            {"lddw %r1, code_addr(f)\nexit\nf: lddw %r0, 5",
             "control falls off the end of the function at 3..4 at pc 3 (`lddw %r0, 0x5`)"},
        }),
        "falls_off_end", end_remedy);
}

TEST(load, accepts_every_last_instruction_that_ends_the_flow) {
    for (const std::string_view last : {"exit", "ja -1", "ja -2", "ja32 -1", "gotox %r1"}) {
        expect_valid(fmt::format("mov %r0, 0\n{}", last));
        expect_valid(fmt::format("call local f\nmov %r0, 0\n{}\nf: mov %r0, 0\n{}", last, last));
        expect_valid(
            fmt::format("lddw %r1, code_addr(f)\nmov %r0, 0\n{}\nf: mov %r0, 0\n{}", last, last));
    }
}

// --- jump tables

TEST(load, rejects_jump_targets_that_are_no_instructions) {
    constexpr std::string_view text = "lddw %r1, 5\ngotox %r1\nexit";
    for (const auto &[target, slots] :
         std::to_array<std::pair<uint32_t, int>>({{1, 4}, {4, 4}, {0xffffffff, 4}})) {
        const auto p =
            load_text(text, {.max_insns = default_max_insns, .jump_targets = {0, 3, target}});
        EXPECT_EQ(
            error_of(p),
            fmt::format(
                "bad_jump_table: jump table entry {} is no instruction of the program of {}{}",
                target, slots, table_remedy));
    }
}

TEST(load, sorts_jump_targets) {
    const program p = load_valid("gotox %r1\nexit\nexit\nexit",
                                 {.max_insns = default_max_insns, .jump_targets = {3, 1, 3, 0, 1}});
    EXPECT_EQ(std::vector(p.jump_targets().begin(), p.jump_targets().end()),
              (std::vector<uint32_t>{0, 1, 3}));
}

// --- the order of checks: the first thing that is wrong is reported

TEST(load, reports_fields_before_targets_and_targets_before_ends) {
    EXPECT_EQ(load_text("ja +9\nadd %r10, 1").error().code, error_code::read_only_register);
    EXPECT_EQ(load_text("ja +9\ncall local +9\nexit").error().code, error_code::bad_call_target);
    EXPECT_EQ(load_text("ja +9\nmov %r0, 0").error().code, error_code::bad_jump_target);
}

TEST(load, says_at_which_pc) {
    EXPECT_EQ(load_text("exit\nja +9\nexit").error().pc, 1U);
    EXPECT_EQ(load_text("exit\nmov %r0, 0").error().pc, 1U);
    EXPECT_EQ(program::load({}).error().pc, std::nullopt);
}

// --- code handles

TEST(code_handle, is_recognised_and_gives_its_pc) {
    for (const uint32_t pc : {0U, 1U, 65535U, 0xffffffffU}) {
        const uint64_t handle = code_handle(pc);
        EXPECT_TRUE(is_code_handle(handle));
        EXPECT_EQ(handle_pc(handle), pc);
        EXPECT_NE(handle >> 47, 0U) << "not a canonical user address";
        EXPECT_NE(handle >> 47, 0x1ffffU) << "not a canonical kernel address";
    }
    for (const uint64_t value : {uint64_t{0}, uint64_t{5}, uint64_t{0x7fff'ffff'ffff}, ~uint64_t{0},
                                 code_handle_tag + (uint64_t{1} << 32), code_handle_tag - 1}) {
        EXPECT_FALSE(is_code_handle(value)) << value;
    }
}

}  // namespace

}  // namespace bpftime::vm::test
