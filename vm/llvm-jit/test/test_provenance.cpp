// bpftime-vm: tests of where values come from, and of which frames must be in memory
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "provenance.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace bpftime::vm::llvm_jit::test {

namespace {

/// The facts of a program given as text.
class facts_of {
public:
    explicit facts_of(std::string_view assembly)
        : program_{assembly}, facts_{program_.code(), program_.linked(), EBPF_STACK_SIZE} {}

    [[nodiscard]] const function_facts &function(uint32_t index = 0) const {
        return facts_.of_function(index);
    }
    /// What a register holds where the block that contains `pc` begins.
    [[nodiscard]] origin at_block(uint32_t pc, unsigned reg) const {
        const auto blocks = program_.code().blocks();
        uint32_t b = 0;
        while (blocks[b].end <= pc) ++b;
        return facts_.of_block(b).at_entry[reg];
    }
    /// What a register holds before `pc` in the first block.
    [[nodiscard]] origin before(uint32_t pc, unsigned reg) const {
        origins now = facts_.of_block(0).at_entry;
        for (uint32_t i = 0; i < pc; ++i) {
            if (program_.code().insn(i).id != isa::insn_id::none) now = facts_.step(i, now);
        }
        return now[reg];
    }
    [[nodiscard]] const provenance &all() const { return facts_; }

private:
    linked_program program_;
    provenance facts_;
};

origin frame_at(int32_t offset) {
    return {.kind = origin_kind::frame, .exact = true, .offset = offset};
}
constexpr origin somewhere_in_frame{.kind = origin_kind::frame};

struct snippet {
    const char *what;
    const char *assembly;
};

// --- frames that escape

TEST(provenance, sees_frames_escape) {
    constexpr auto all = std::to_array<snippet>({
        {"stored", "stxdw [%r1], %r10\nmov %r0, 0\nexit"},
        {"stored at an offset", "mov %r2, %r10\nadd %r2, -8\nstxdw [%r1], %r2\nmov %r0, 0\nexit"},
        {"half of it stored", "stxw [%r1], %r10\nmov %r0, 0\nexit"},
        {"stored into the frame itself", "stxdw [%r10-8], %r10\nmov %r0, 0\nexit"},
        {"stored through itself", "mov %r2, %r10\nstxdw [%r2-8], %r2\nmov %r0, 0\nexit"},
        {"given to a helper", "mov %r1, %r10\ncall 1\nexit"},
        {"given to a typed helper", "mov %r1, %r10\nadd %r1, -8\nmov %r2, 8\ncall 4\nexit"},
        {"given to a subprogram", "mov %r1, %r10\ncall local f\nexit\nf: ldxdw %r0, [%r1-8]\nexit"},
        {"given to an unknown function", "mov %r1, %r10\ncallx %r2\nexit"},
        {"what is called", "callx %r10\nexit"},
        {"compared with a number", "mov %r0, 0\njeq %r10, 5, +0\nexit"},
        {"compared with a register", "mov %r0, 0\njgt %r2, %r10, +0\nexit"},
        {"its bits tested", "mov %r0, 0\njset %r10, 8, +0\nexit"},
        {"returned", "mov %r0, %r10\nexit"},
        {"multiplied", "mov %r0, %r10\nmul %r0, 3\nmov %r0, 0\nexit"},
        {"masked", "mov %r2, %r10\nand %r2, -16\nstdw [%r2-16], 1\nmov %r0, 0\nexit"},
        {"cut", "mov32 %r2, %r10\nmov %r0, 0\nexit"},
        {"subtracted from", "sub %r2, %r10\nmov %r0, 0\nexit"},
        {"the difference of two", "mov %r2, %r10\nsub %r2, %r10\nmov %r0, 0\nexit"},
        {"the sum of two", "mov %r2, %r10\nadd %r2, %r10\nmov %r0, 0\nexit"},
        {"swapped", "mov %r0, %r10\nlock xchg [%r1], %r0\nexit"},
        {"expected by cmpxchg", "mov %r0, %r10\nlock cmpxchg [%r1], %r2\nmov %r0, 0\nexit"},
        {"expected by cmpxchg at itself",
         "mov %r0, %r10\nadd %r0, -8\nlock cmpxchg [%r0], %r2\nmov %r0, 0\nexit"},
        {"met by a number",
         "mov %r3, %r10\njeq %r2, 0, meet\nmov %r3, 5\nmeet: ldxb %r0, [%r3-8]\nexit"},
    });
    for (const auto &[what, assembly] : all) {
        const facts_of f{assembly};
        EXPECT_TRUE(f.function().frame_escapes) << what;
        EXPECT_TRUE(f.function().frame_in_memory) << what;
    }
}

TEST(provenance, keeps_other_frames_out_of_memory) {
    constexpr auto all = std::to_array<snippet>({
        {"not used", "mov %r0, 0\nexit"},
        {"loaded and stored", "stdw [%r10-8], 1\nldxdw %r0, [%r10-8]\nexit"},
        {"an alias of it",
         "mov %r2, %r10\nadd %r2, -16\nstdw [%r2+8], 1\nsub %r2, 8\nldxdw %r0, [%r2+16]\nexit"},
        {"an offset that is not known",
         "and %r2, 0x38\nmov %r3, %r10\nsub %r3, %r2\nstdw [%r3-8], 7\nmov %r0, 0\nexit"},
        {"the number first", "or %r2, -64\nadd %r2, %r10\nstdw [%r2+0], 7\nmov %r0, 0\nexit"},
        {"two offsets that meet",
         "mov %r3, %r10\njeq %r2, 0, meet\nadd %r3, -8\nmeet: ldxb %r0, [%r3-8]\nexit"},
        {"atomics", "mov %r0, 1\nlock fetch add [%r10-8], %r0\nexit"},
        {"a register that nobody reads",
         "mov %r3, %r10\njeq %r2, 0, meet\nmov %r3, 5\nmeet: mov %r0, 0\nexit"},
        {"an argument that nobody reads", "mov %r1, %r10\ncall local f\nexit\nf: mov %r0, 1\nexit"},
        {"beyond a helper's arity", "mov %r2, %r10\nmov %r1, 1\ncall 2\nexit"},
        {"overwritten by a call", "mov %r1, 1\nmov %r0, %r10\ncall 2\nexit"},
    });
    for (const auto &[what, assembly] : all) {
        const facts_of f{assembly};
        EXPECT_FALSE(f.function().frame_escapes) << what;
        EXPECT_FALSE(f.function().frame_in_memory) << what;
    }
}

TEST(provenance, puts_all_frames_into_memory_when_one_escapes) {
    const facts_of f{"stdw [%r10-8], 1\ncall local f\nexit\nf: mov %r0, %r10\nexit"};
    EXPECT_FALSE(f.function(0).frame_escapes);
    EXPECT_TRUE(f.function(0).frame_in_memory);
}

TEST(provenance, puts_callers_of_what_leaves_its_frame_into_memory) {
    const facts_of f{
        "stdw [%r10-8], 1\ncall local f\ncall local h\nexit\n"
        "f: call local g\nexit\n"
        "g: ldxdw %r0, [%r10+600]\nexit\n"
        "h: stdw [%r10-8], 1\nmov %r0, 0\nexit"};
    EXPECT_TRUE(f.function(2).leaves_frame);
    EXPECT_TRUE(f.function(0).frame_in_memory) << "calls f, which calls g";
    EXPECT_TRUE(f.function(1).frame_in_memory) << "calls g";
    EXPECT_FALSE(f.function(2).frame_in_memory) << "nothing that it calls leaves";
    EXPECT_FALSE(f.function(3).frame_in_memory) << "cannot be reached";
}

TEST(provenance, puts_frames_of_recursive_functions_that_leave_into_memory) {
    const facts_of f{"call local f\nexit\nf: ldxdw %r0, [%r10+600]\ncall local f\nexit"};
    EXPECT_TRUE(f.function(1).frame_in_memory);
}

TEST(provenance, takes_callx_for_a_call_of_anything) {
    const facts_of f{
        "lddw %r6, code_addr(f)\nstdw [%r10-8], 1\ncallx %r6\nexit\nf: ldxdw %r0, "
        "[%r10+600]\nexit"};
    EXPECT_TRUE(f.function(0).calls_values);
    EXPECT_TRUE(f.function(0).frame_in_memory);
}

TEST(provenance, puts_huge_frames_into_memory) {
    const linked_program p{"stdw [%r10-8], 1\nmov %r0, 0\nexit"};
    EXPECT_TRUE((provenance{p.code(), p.linked(), 64U << 10}).of_function(0).frame_in_memory);
    EXPECT_FALSE((provenance{p.code(), p.linked(), 4096}).of_function(0).frame_in_memory);
}

// --- offsets

TEST(provenance, knows_offsets_into_the_frame) {
    const facts_of f{
        "mov %r2, %r10\nadd %r2, -16\nmov %r3, %r2\nsub %r3, -8\nadd %r3, 4\nmov %r0, 0\nexit"};
    EXPECT_EQ(f.before(1, 2), frame_at(0));
    EXPECT_EQ(f.before(2, 2), frame_at(-16));
    EXPECT_EQ(f.before(4, 3), frame_at(-8));
    EXPECT_EQ(f.before(5, 3), frame_at(-4));
    EXPECT_EQ(f.before(5, 2), frame_at(-16)) << "the alias moved alone";
}

TEST(provenance, loses_an_offset_that_grows_too_large) {
    std::string assembly = "mov %r2, %r10\n";
    for (int i = 0; i < 3; ++i) assembly += "add %r2, 0x7fffffff\n";
    const facts_of f{assembly + "ldxb %r0, [%r2]\nexit"};
    EXPECT_EQ(f.before(4, 2), somewhere_in_frame);
    EXPECT_TRUE(f.function().leaves_frame);
}

TEST(provenance, joins_offsets) {
    const facts_of same{
        "mov %r3, %r10\njeq %r2, 0, other\nadd %r3, -8\nja meet\nother: sub %r3, 8\n"
        "meet: ldxb %r0, [%r3]\nexit"};
    EXPECT_EQ(same.at_block(5, 3), frame_at(-8));
    const facts_of different{
        "mov %r3, %r10\njeq %r2, 0, meet\nadd %r3, -8\nmeet: ldxb %r0, [%r3-8]\nexit"};
    EXPECT_EQ(different.at_block(3, 3), somewhere_in_frame);
}

TEST(provenance, loses_an_offset_that_a_loop_changes) {
    const facts_of f{
        "mov %r3, %r10\nagain: add %r3, -8\nstdw [%r3], 1\nsub %r2, 1\njne %r2, 0, again\n"
        "mov %r0, 0\nexit"};
    EXPECT_EQ(f.at_block(1, 3), somewhere_in_frame);
    EXPECT_TRUE(f.function().leaves_frame);
    EXPECT_FALSE(f.function().frame_in_memory) << "there is no caller";
}

/// packet + (slot - packet) is a pointer to the slot, whatever it looks like.
TEST(provenance, follows_the_frame_through_differences_with_other_pointers) {
    const facts_of f{
        "mov %r3, %r10\nadd %r3, -8\nsub %r3, %r1\nmov %r4, %r1\nadd %r4, %r3\nstdw [%r4], 1\n"
        "mov %r0, 0\nexit"};
    EXPECT_EQ(f.before(3, 3), somewhere_in_frame) << "slot - packet";
    EXPECT_EQ(f.before(5, 4), somewhere_in_frame) << "packet + (slot - packet)";
}

TEST(provenance, takes_the_input_memory_for_a_pointer) {
    const facts_of f{"mov %r3, %r1\nadd %r3, %r2\nldxb %r0, [%r3]\nexit"};
    EXPECT_EQ(f.before(0, 1).kind, origin_kind::pointer);
    EXPECT_EQ(f.before(2, 3).kind, origin_kind::pointer);
    EXPECT_TRUE(f.all().result_is_address(1));
    EXPECT_FALSE(f.all().base_is_source(1));
    const facts_of turned{"mov %r3, 8\nadd %r3, %r1\nldxb %r0, [%r3]\nexit"};
    EXPECT_TRUE(turned.all().base_is_source(1));
}

TEST(provenance, takes_only_what_is_accessed_for_an_address) {
    const facts_of f{"ldxdw %r3, [%r1]\nldxdw %r4, [%r1+8]\nadd %r4, 1\nldxb %r0, [%r3]\nexit"};
    EXPECT_TRUE(f.all().result_is_address(0));
    EXPECT_FALSE(f.all().result_is_address(1));
    EXPECT_FALSE(f.all().result_is_address(2));
    EXPECT_EQ(f.function().addresses, reg_bit(1));
}

// --- liveness

TEST(provenance, knows_which_arguments_are_read) {
    const facts_of f{
        "mov %r1, 1\nmov %r3, 3\ncall local f\nexit\nf: mov %r0, %r3\nadd %r0, %r2\nexit"};
    EXPECT_EQ(f.function(1).arguments, reg_bit(2) | reg_bit(3));
    const facts_of none{"call local f\nexit\nf: mov %r0, 0\nexit"};
    EXPECT_EQ(none.function(1).arguments, 0U);
}

TEST(provenance, knows_which_arguments_are_read_by_functions_that_call_themselves) {
    const facts_of one{
        "call local f\nexit\n"
        "f: mov %r0, %r1\njlt %r1, 2, end\nadd %r1, -1\ncall local f\nend: exit"};
    EXPECT_EQ(one.function(1).arguments, reg_bit(1));
    const facts_of two{
        "call local f\nexit\n"
        "f: jlt %r1, 2, f_end\nadd %r1, -1\ncall local g\nf_end: mov %r0, 0\nexit\n"
        "g: mov %r0, %r3\njlt %r1, 2, g_end\ncall local f\ng_end: exit"};
    EXPECT_EQ(two.function(1).arguments, reg_bit(1) | reg_bit(3));
    EXPECT_EQ(two.function(2).arguments, reg_bit(1) | reg_bit(3));
}

/// Each function calls the one before it.
TEST(provenance, knows_what_is_read_through_many_calls_backwards) {
    constexpr int count = 30;
    std::string text = "call local f" + std::to_string(count) + "\nexit\nf0: mov %r0, %r3\nexit\n";
    for (int i = 1; i <= count; ++i) {
        text += "f" + std::to_string(i) + ": call local f" + std::to_string(i - 1) + "\nexit\n";
    }
    const facts_of f{text};
    for (uint32_t i = 1; i <= count + 1; ++i)
        EXPECT_NE(f.function(i).arguments & reg_bit(3), 0) << i;
}

TEST(provenance, knows_what_helpers_read) {
    const facts_of f{"call local f\nexit\nf: call 2\nexit"};
    EXPECT_EQ(f.function(1).arguments, reg_bit(1)) << "helper 2 has one argument";
    const facts_of all{"call local f\nexit\nf: call 1\nexit"};
    EXPECT_EQ(all.function(1).arguments, argument_regs) << "helper 1 declares none";
}

}  // namespace

// --- behaviour of programs that forge pointers

namespace {

struct forged {
    const char *what;
    const char *assembly;
    uint64_t r0;
};

TEST(forged_pointers, reach_what_they_point_at) {
    constexpr auto all = std::to_array<forged>({
        {"packet + (slot - packet)",
         "stdw [%r10-8], 5\nmov %r3, %r10\nadd %r3, -8\nsub %r3, %r1\nadd %r1, %r3\n"
         "stdw [%r1], 9\nldxdw %r0, [%r10-8]\nexit",
         9},
        {"slot + (packet - slot)",
         "mov %r3, %r10\nadd %r3, -8\nmov %r4, %r1\nsub %r4, %r3\nadd %r3, %r4\nstdw [%r3], 9\n"
         "ldxdw %r0, [%r1]\nexit",
         9},
        {"a slot's address out of memory",
         "mov %r3, %r10\nadd %r3, -8\nstxdw [%r1], %r3\nldxdw %r4, [%r1]\nstdw [%r4], 9\n"
         "ldxdw %r0, [%r10-8]\nexit",
         9},
        {"a slot's address out of two halves",
         "mov %r3, %r10\nadd %r3, -8\nmov32 %r4, %r3\nrsh %r3, 32\nlsh %r3, 32\nor %r3, %r4\n"
         "stdw [%r3], 9\nldxdw %r0, [%r10-8]\nexit",
         9},
        {"the caller's slot, from the callee's frame",
         "stdw [%r10-8], 9\ncall local f\nexit\nf: mov %r1, %r10\nadd %r1, 1016\n"
         "ldxdw %r0, [%r1]\nexit",
         9},
        {"the caller's slot, written by the callee",
         "stdw [%r10-8], 1\ncall local f\nldxdw %r0, [%r10-8]\nexit\n"
         "f: stdw [%r10+1016], 9\nmov %r0, 0\nexit",
         9},
        {"its own slot through a slot of the caller's",
         "mov %r1, %r10\nadd %r1, -8\ncall local f\nexit\n"
         "f: stdw [%r10-16], 9\nmov %r2, %r10\nadd %r2, -16\nstxdw [%r1], %r2\n"
         "ldxdw %r3, [%r1]\nldxdw %r0, [%r3]\nexit",
         9},
    });
    for (const auto &[what, assembly, r0] : all) {
        for (uint32_t level = 0; level <= 3; ++level) {
            const auto vm = load(assembly);
            ASSERT_EQ(ebpf_set_optimization_level(vm.get(), level), 0);
            std::array<uint64_t, 4> memory{};
            EXPECT_EQ(run(vm.get(), memory.data(), sizeof memory), r0)
                << what << " at level " << level;
        }
    }
}

}  // namespace

}  // namespace bpftime::vm::llvm_jit::test
