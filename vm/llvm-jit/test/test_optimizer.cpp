// bpftime-vm: what the optimiser must make of programs, for one CPU with vectors
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "optimizer.hpp"
#include "support.hpp"

#include <gtest/gtest.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

#include <algorithm>
#include <array>

namespace bpftime::vm::llvm_jit::test {

namespace {

compat::vm_config without_checks() {
    compat::vm_config config = test_config();
    config.bounds_checks = false;
    return config;
}

/// Sums the words of the input memory.
constexpr const char *sum_words =
    "mov %r0, 0\nrsh %r2, 2\njeq %r2, 0, end\n"
    "again: ldxw %r3, [%r1]\nadd %r0, %r3\nadd %r1, 4\nsub %r2, 1\njne %r2, 0, again\nend: exit";

class optimizer : public testing::Test {
protected:
    void SetUp() override {
        machine_ = make_machine();
        if (machine_ == nullptr) GTEST_SKIP() << "this LLVM has no x86 target";
    }

    /// The functions of the optimised program, in `module()`.
    void optimize(std::string_view assembly, compat::vm_config how = test_config(),
                  const optimizing &options = {}) {
        module_ = linked_program{assembly, std::move(how)}.optimize(context_, *machine_, options);
        EXPECT_TRUE(is_valid(*module_));
    }

    [[nodiscard]] std::string text() const { return to_text(*module_); }

    /// Instructions of all functions for which `wanted` holds.
    template <typename Wanted>
    [[nodiscard]] unsigned count(Wanted wanted) const {
        unsigned n = 0;
        for (const llvm::Function &fn : *module_) {
            for (const llvm::Instruction &i : llvm::instructions(fn)) n += wanted(i) ? 1U : 0U;
        }
        return n;
    }

    template <typename Instruction>
    [[nodiscard]] unsigned count() const {
        return count([](const llvm::Instruction &i) { return llvm::isa<Instruction>(i); });
    }

    [[nodiscard]] unsigned calls_of(std::string_view name) const {
        return count([&](const llvm::Instruction &i) {
            const auto *const call = llvm::dyn_cast<llvm::CallInst>(&i);
            return call != nullptr and call->getCalledFunction() != nullptr and
                   call->getCalledFunction()->getName() == llvm::StringRef{name};
        });
    }

    /// Loads of vectors, which only vectorisers make.
    [[nodiscard]] unsigned vector_loads() const {
        return count([](const llvm::Instruction &i) {
            return llvm::isa<llvm::LoadInst>(i) and i.getType()->isVectorTy();
        });
    }

    /// Stores between which the code does not ask whether it may go on.
    [[nodiscard]] std::ptrdiff_t most_stores_in_a_row() const {
        std::ptrdiff_t most = 0;
        for (const llvm::Function &fn : *module_) {
            for (const llvm::BasicBlock &block : fn) {
                most = std::max(most, std::ranges::count_if(block, [](const llvm::Instruction &i) {
                                    return llvm::isa<llvm::StoreInst>(i);
                                }));
            }
        }
        return most;
    }

    /// Branches that lead to asking the memory map.
    [[nodiscard]] unsigned checks() const {
        return count([](const llvm::Instruction &i) {
            return i.isTerminator() and i.getNumSuccessors() == 2 and
                   std::ranges::any_of(std::array{i.getSuccessor(0), i.getSuccessor(1)},
                                       [](const llvm::BasicBlock *next) {
                                           return std::ranges::any_of(*next, is_check);
                                       });
        });
    }

    static bool is_check(const llvm::Instruction &i) {
        const auto *const call = llvm::dyn_cast<llvm::CallInst>(&i);
        return call != nullptr and call->getCalledFunction() != nullptr and
               call->getCalledFunction()->getName() == "ebpf_rt_check";
    }

private:
    llvm::LLVMContext context_;
    std::unique_ptr<llvm::TargetMachine> machine_;
    std::unique_ptr<llvm::Module> module_;
};

TEST_F(optimizer, keeps_spilled_locals_out_of_memory) {
    optimize(
        "stxdw [%r10-8], %r2\nstdw [%r10-16], 5\nldxdw %r0, [%r10-8]\nldxdw %r1, [%r10-16]\n"
        "add %r0, %r1\nexit");
    EXPECT_EQ(count<llvm::AllocaInst>(), 0U) << text();
    EXPECT_EQ(count<llvm::StoreInst>(), 0U) << text();
    EXPECT_EQ(count<llvm::MemIntrinsic>(), 0U) << text();
    EXPECT_EQ(count<llvm::LoadInst>(), 0U) << text();
}

TEST_F(optimizer, keeps_spilled_locals_of_loops_out_of_memory) {
    optimize(
        "stdw [%r10-8], 0\njeq %r2, 0, end\n"
        "again: ldxdw %r3, [%r10-8]\nxor %r3, %r2\nadd %r3, 3\nstxdw [%r10-8], %r3\nsub %r2, 1\n"
        "jne %r2, 0, again\nend: ldxdw %r0, [%r10-8]\nexit");
    EXPECT_EQ(count<llvm::AllocaInst>(), 0U) << text();
    EXPECT_EQ(count<llvm::StoreInst>(), 0U) << text();
}

TEST_F(optimizer, stops_behind_its_deadline) {
    constexpr std::string_view spills = "stxdw [%r10-8], %r2\nldxdw %r0, [%r10-8]\nexit";
    for (const unsigned level : {1U, 2U, 3U}) {
        optimize(spills, test_config(), {.level = level});
        EXPECT_EQ(count<llvm::AllocaInst>(), 0U) << text();
        optimize(spills, test_config(), {.level = level, .until = deadline::clock::now()});
        EXPECT_NE(count<llvm::AllocaInst>(), 0U) << text();
    }
}

TEST_F(optimizer, zeroes_no_frame_that_is_not_used) {
    optimize("mov %r0, 1\nexit");
    EXPECT_EQ(count<llvm::AllocaInst>() + count<llvm::MemIntrinsic>() + count<llvm::StoreInst>(),
              0U)
        << text();
}

TEST_F(optimizer, vectorises_a_checksum) {
    optimize(sum_words, without_checks());
    EXPECT_GT(vector_loads(), 0U) << text();
}

/// The sum of RFC 1071 over 1,500 bytes, as clang makes it.
TEST_F(optimizer, vectorises_the_internet_checksum) {
    optimize(
        "mov %r0, 0\njlt %r2, 1500, end\nmov32 %r5, 0\nmov %r6, 0\n"
        "again: mov %r7, %r1\nadd %r7, %r6\nldxh %r7, [%r7]\nadd32 %r5, %r7\nadd %r6, 2\n"
        "jne %r6, 1500, again\nmov32 %r6, %r5\nrsh32 %r6, 16\nand32 %r5, 0xffff\n"
        "add32 %r5, %r6\nmov32 %r6, %r5\nrsh32 %r6, 16\nadd32 %r6, %r5\nxor32 %r6, -1\n"
        "and32 %r6, 0xffff\nmov %r0, %r6\nend: exit",
        without_checks());
    EXPECT_GT(vector_loads(), 0U) << text();
}

/// The first round is as the others: if it stood alone, vectors would leave some of the rest.
TEST_F(optimizer, covers_all_rounds_by_vectors) {
    optimize(
        "mov %r0, 0\nmov %r3, 0\nagain: ldxdw %r4, [%r1]\nadd %r0, %r4\nadd %r1, 8\n"
        "add %r3, 1\njlt %r3, 1024, again\nexit",
        without_checks());
    EXPECT_GT(vector_loads(), 0U) << text();
    // Those of the version that pays round by round, whose first round stands alone.
    EXPECT_EQ(count([](const llvm::Instruction &i) {
                  return llvm::isa<llvm::LoadInst>(i) and i.getType()->isIntegerTy(64);
              }),
              2U)
        << text();
}

/// What tells them apart would be kept in a register.
TEST_F(optimizer, lets_jumps_that_leave_an_inner_loop_pay_for_themselves) {
    optimize(
        "mov %r0, 0\nouter: ldxdw %r3, [%r1]\nadd %r1, 8\n"
        "inner: mul %r0, 31\nadd %r0, %r3\njeq %r0, 5, end\nrsh %r3, 1\njeq %r3, 0, outer\n"
        "jgt %r0, 1000, outer\nja inner\nend: exit",
        without_checks());
    EXPECT_EQ(calls_of("ebpf_rt_refill"), 3U) << text();
    EXPECT_EQ(count([](const llvm::Instruction &i) {
                  const auto *const call = llvm::dyn_cast<llvm::CallInst>(&i);
                  return call != nullptr and call->getCalledFunction() != nullptr and
                         call->getCalledFunction()->getName() == "ebpf_rt_refill" and
                         not llvm::isa<llvm::ConstantInt>(call->getArgOperand(3));
              }),
              0U)
        << text();
}

/// Where LLVM knows that a slice is not negative, it compares with what is subtracted from it.
TEST_F(optimizer, compares_what_is_left_of_a_slice_by_its_sign) {
    optimize(
        "mov %r6, %r1\ncall local f\nagain: ldxb %r3, [%r6]\nadd %r6, 1\nmul %r0, 31\n"
        "add %r0, %r3\njne %r3, 0, again\nexit\nf: mov %r0, 1\nexit",
        without_checks());
    EXPECT_EQ(calls_of("ebpf_rt_refill"), 2U);
    EXPECT_EQ(count([](const llvm::Instruction &i) {
                  const auto *const compare = llvm::dyn_cast<llvm::ICmpInst>(&i);
                  const auto *const with =
                      compare == nullptr
                          ? nullptr
                          : llvm::dyn_cast<llvm::ConstantInt>(compare->getOperand(1));
                  return with != nullptr and with->getType()->isIntegerTy(64) and
                         with->getSExtValue() > 0;
              }),
              0U)
        << text();
}

TEST_F(optimizer, vectorises_no_checksum_at_level_1) {
    optimize(sum_words, without_checks(), {.level = 1});
    EXPECT_EQ(vector_loads(), 0U) << "so the test above can fail: " << text();
}

/// The limit is not known when the program is compiled, so this is the budget of every program.
TEST_F(optimizer, vectorises_a_loop_that_pays_round_by_round) {
    optimize(
        "mov %r0, 0\nmov %r3, 0\n"
        "again: mov %r4, %r1\nadd %r4, %r3\nldxb %r5, [%r4]\nadd %r0, %r5\nadd %r3, 1\n"
        "jlt %r3, %r2, again\nexit",
        without_checks());
    EXPECT_GT(calls_of("ebpf_rt_refill"), 0U) << "there is a budget: " << text();
    EXPECT_GT(vector_loads(), 0U) << text();
}

// --- memory checks

TEST_F(optimizer, vectorises_a_checksum_with_checks) {
    optimize(sum_words);
    EXPECT_GT(calls_of("ebpf_rt_check"), 0U) << "there are checks: " << text();
    EXPECT_GT(vector_loads(), 0U) << text();
}

TEST_F(optimizer, vectorises_a_loop_that_stores_with_checks) {
    optimize(
        "mov %r3, %r1\nadd %r3, 1024\nrsh %r2, 1\njeq %r2, 0, end\n"
        "again: ldxb %r4, [%r1]\nadd %r4, 3\nstxb [%r3], %r4\nadd %r1, 1\nadd %r3, 1\n"
        "sub %r2, 1\njne %r2, 0, again\nend: mov %r0, 0\nexit");
    EXPECT_GT(vector_loads(), 0U) << text();
}

TEST_F(optimizer, makes_no_check_that_the_program_has_made) {
    optimize(
        "mov %r0, 0\njlt %r2, 34, end\nldxw %r0, [%r1+26]\nldxw %r3, [%r1+30]\n"
        "add %r0, %r3\nend: exit");
    EXPECT_EQ(calls_of("ebpf_rt_check"), 0U) << text();
    optimize(
        "mov %r0, 0\njlt %r2, 33, end\nldxw %r0, [%r1+26]\nldxw %r3, [%r1+30]\n"
        "add %r0, %r3\nend: exit");
    EXPECT_GT(calls_of("ebpf_rt_check"), 0U) << text();
}

/// Bytes are read as one word, which no check may come between.
TEST_F(optimizer, checks_loads_in_a_row_together) {
    optimize(
        "ldxw %r6, [%r1]\nadd %r6, %r1\nldxb %r0, [%r6+2]\nldxb %r2, [%r6+3]\n"
        "lsh %r2, 8\nor %r0, %r2\nldxb %r2, [%r6+4]\nlsh %r2, 16\nor %r0, %r2\n"
        "ldxb %r2, [%r6+5]\nlsh %r2, 24\nor %r0, %r2\nexit");
    EXPECT_EQ(count([](const llvm::Instruction &i) {
                  return llvm::isa<llvm::LoadInst>(i) and i.getType()->isIntegerTy(8);
              }),
              0U)
        << text();
}

TEST_F(optimizer, checks_once_for_what_comes_behind_stores) {
    constexpr const char *stores =
        "ldxw %r6, [%r1]\nadd %r6, %r1\nstxb [%r6+2], %r2\nrsh %r2, 8\nstxb [%r6+4], %r2\n"
        "rsh %r2, 8\nstxb [%r6+6], %r2\nrsh %r2, 8\nstxb [%r6+8], %r2\nmov %r0, 0\nexit";
    optimize(stores);
    EXPECT_EQ(most_stores_in_a_row(), 4) << text();
    optimize(stores, test_config(), {.level = 1});
    EXPECT_EQ(most_stores_in_a_row(), 1) << "so this can fail: " << text();
}

TEST_F(optimizer, checks_once_for_what_comes_behind_conditions) {
    optimize(
        "ldxw %r6, [%r1]\nadd %r6, %r1\nldxh %r0, [%r6+12]\njne %r0, 8, end\n"
        "ldxb %r3, [%r6+23]\njne %r3, 6, end\nldxw %r0, [%r6+26]\nend: exit");
    // One at the begin, one for all, and the three of the version in which that was not so.
    EXPECT_EQ(checks(), 4U) << text();
}

TEST_F(optimizer, inlines_subprograms) {
    optimize(
        "mov %r6, %r2\nmov %r1, %r6\ncall local square\nmov %r7, %r0\nmov %r1, 3\n"
        "call local square\nadd %r0, %r7\nexit\nsquare: mov %r0, %r1\nmul %r0, %r1\nexit");
    EXPECT_EQ(count([](const llvm::Instruction &i) {
                  const auto *const call = llvm::dyn_cast<llvm::CallInst>(&i);
                  return call != nullptr and call->getCalledFunction() != nullptr and
                         not call->getCalledFunction()->isDeclaration();
              }),
              0U)
        << text();
}

TEST_F(optimizer, makes_one_memset_of_a_loop) {
    optimize(
        "jeq %r2, 0, end\nagain: stb [%r1], 7\nadd %r1, 1\nsub %r2, 1\njne %r2, 0, again\n"
        "end: mov %r0, 0\nexit",
        without_checks());
    EXPECT_GT(count<llvm::MemSetInst>(), 0U) << text();
}

TEST_F(optimizer, copies_bytes_by_vectors_or_at_once) {
    optimize(
        "mov %r3, %r1\nadd %r3, 1024\nrsh %r2, 1\njeq %r2, 0, end\n"
        "again: ldxb %r4, [%r1]\nstxb [%r3], %r4\nadd %r1, 1\nadd %r3, 1\nsub %r2, 1\n"
        "jne %r2, 0, again\nend: mov %r0, 0\nexit",
        without_checks());
    EXPECT_GT(count<llvm::MemTransferInst>() + vector_loads(), 0U) << text();
}

TEST_F(optimizer, counts_the_bits_of_a_word_without_a_loop) {
    optimize(
        "mov %r0, 0\njeq %r2, 0, end\n"
        "again: add %r0, 1\nmov %r3, %r2\nsub %r3, 1\nand %r2, %r3\njne %r2, 0, again\n"
        "end: exit");
    const auto counts = count([](const llvm::Instruction &i) {
        const auto *const call = llvm::dyn_cast<llvm::IntrinsicInst>(&i);
        return call != nullptr and call->getIntrinsicID() == llvm::Intrinsic::ctpop;
    });
    EXPECT_GT(counts, 0U) << text();
}

/// The step of a binary search jumps back from two places.
TEST_F(optimizer, chooses_between_two_ways_around_a_loop_without_a_branch) {
    optimize(
        "mov %r0, 0\n"
        "again: jle %r2, %r0, end\nmov %r4, %r0\nadd %r4, %r2\nrsh %r4, 1\nmov %r5, %r1\n"
        "add %r5, %r4\nldxb %r5, [%r5]\njlt %r5, 100, up\nmov %r2, %r4\nja again\n"
        "up: mov %r0, %r4\nadd %r0, 1\nja again\nend: exit",
        without_checks());
    EXPECT_GE(count<llvm::SelectInst>(), 2U) << text();
}

TEST_F(optimizer, keeps_lanes_of_products_out_of_vectors) {
    optimize(
        "mov %r6, 1\nmov %r7, 2\nmov %r8, 3\nmov %r9, 4\nrsh %r2, 5\njeq %r2, 0, end\n"
        "again: ldxdw %r3, [%r1]\nadd %r6, %r3\nmul %r6, 0x7feb352d\n"
        "ldxdw %r3, [%r1+8]\nadd %r7, %r3\nmul %r7, 0x7feb352d\n"
        "ldxdw %r3, [%r1+16]\nadd %r8, %r3\nmul %r8, 0x7feb352d\n"
        "ldxdw %r3, [%r1+24]\nadd %r9, %r3\nmul %r9, 0x7feb352d\n"
        "add %r1, 32\nsub %r2, 1\njne %r2, 0, again\n"
        "end: mov %r0, %r6\nxor %r0, %r7\nxor %r0, %r8\nxor %r0, %r9\nexit",
        without_checks());
    EXPECT_EQ(vector_loads(), 0U) << text();
}

// --- helpers

TEST_F(optimizer, drops_a_constant_helper_whose_result_is_not_used) {
    optimize("mov %r1, %r2\ncall 2\nmov %r0, 1\nexit");
    EXPECT_EQ(calls_of("bpf_helper_2"), 0U) << text();
}

TEST_F(optimizer, keeps_an_impure_helper_whose_result_is_not_used) {
    optimize("call 1\nmov %r0, 1\nexit");
    EXPECT_EQ(calls_of("bpf_helper_1"), 1U) << text();
}

constexpr const char *two_calls_of_2 =
    "mov %r6, %r2\nmov %r1, %r6\ncall 2\nmov %r7, %r0\nmov %r1, %r6\ncall 2\nadd %r0, %r7\nexit";

TEST_F(optimizer, calls_a_constant_helper_once_for_the_same_argument) {
    optimize(two_calls_of_2);
    EXPECT_EQ(calls_of("bpf_helper_2"), 1U) << text();
}

TEST_F(optimizer, calls_a_constant_helper_once_around_stores) {
    optimize(
        "mov %r6, %r2\nmov %r8, %r1\nmov %r1, %r6\ncall 2\nmov %r7, %r0\nstdw [%r8], 5\n"
        "mov %r1, %r6\ncall 2\nadd %r0, %r7\nexit",
        without_checks());
    EXPECT_EQ(calls_of("bpf_helper_2"), 1U) << text();
}

TEST_F(optimizer, calls_a_reading_helper_again_after_a_store) {
    optimize(
        "mov %r6, %r2\nmov %r8, %r1\nmov %r1, %r6\ncall 3\nmov %r7, %r0\nstdw [%r8], 5\n"
        "mov %r1, %r6\ncall 3\nadd %r0, %r7\nexit",
        without_checks());
    EXPECT_EQ(calls_of("bpf_helper_3"), 2U) << text();
}

TEST_F(optimizer, loads_again_after_an_impure_helper) {
    optimize(
        "mov %r6, %r1\nldxdw %r7, [%r6]\nmov %r1, 1\ncall 1\nldxdw %r8, [%r6]\nmov %r0, %r7\n"
        "sub %r0, %r8\nexit",
        without_checks());
    const auto loads_of_words = [this] {
        return count([](const llvm::Instruction &i) {
            return llvm::isa<llvm::LoadInst>(i) and i.getType()->isIntegerTy(64) and
                   not i.hasMetadata(llvm::LLVMContext::MD_invariant_load);
        });
    };
    EXPECT_EQ(loads_of_words(), 2U) << text();
    optimize(
        "mov %r6, %r1\nldxdw %r7, [%r6]\nmov %r1, 1\ncall 2\nldxdw %r8, [%r6]\nmov %r0, %r7\n"
        "sub %r0, %r8\nexit",
        without_checks());
    EXPECT_EQ(loads_of_words(), 0U) << "a constant helper changes nothing: " << text();
}

// --- levels

TEST(level_for, is_what_was_wanted_for_programs_of_usual_size) {
    for (unsigned level = 0; level <= 3; ++level) EXPECT_EQ(level_for(level, 1'000), level);
}

TEST(level_for, is_lower_for_large_programs) {
    EXPECT_LE(level_for(3, 60'000), 1U);
    EXPECT_EQ(level_for(0, 60'000), 0U);
    EXPECT_EQ(level_for(3, 1'000'000), 0U);
}

// --- constants that a program chooses

/// Whether a constant, or one that is part of it, has these 32 bits in either half.
bool holds(const llvm::Value &v, uint32_t chosen) {
    if (const auto *const all = llvm::dyn_cast<llvm::ConstantAggregate>(&v)) {
        return std::ranges::any_of(all->operands(),
                                   [chosen](const llvm::Use &u) { return holds(*u, chosen); });
    }
    const auto *const c = llvm::dyn_cast<llvm::ConstantInt>(&v);
    if (c == nullptr or c->getBitWidth() > 64) return false;
    const uint64_t value = c->getZExtValue();
    return static_cast<uint32_t>(value) == chosen or value >> 32 == chosen;
}

/// Whichever way control takes, a barrier lies between a check and what it guards.
TEST_F(optimizer, has_barriers_behind_checks) {
    const auto is_barrier = [](const llvm::Instruction &i) {
        const auto *const call = llvm::dyn_cast<llvm::IntrinsicInst>(&i);
        return call != nullptr and
               (call->getCalledFunction()->getName() == "llvm.x86.sse2.lfence" or
                call->getCalledFunction()->getName() == "llvm.aarch64.isb");
    };
    struct example {
        const char *program;
        unsigned checks;
    };
    for (const auto &[program, checks] : std::to_array<example>({
             {"ldxb %r0, [%r1]\nexit", 1},
             {"ldxb %r3, [%r1]\nldxb %r4, [%r1+64]\nmov %r0, %r3\nadd %r0, %r4\nexit", 2},
             {"stxb [%r1], %r2\nmov %r0, 0\nexit", 1},
             {"mov %r0, 0\nldxb %r3, [%r1]\nadd %r0, %r3\nadd %r1, 1\nsub %r2, 1\n"
              "jne %r2, 0, -5\nexit",
              1},
             {"ldabsw 4\nexit", 1},
             {"stxdw [%r10-8], %r2\nldxdw %r0, [%r10-8]\nexit", 0},
         })) {
        compat::vm_config config;
        optimize(program, config);
        EXPECT_EQ(count(is_barrier), 0U) << program << '\n' << text();
        config.bars_speculation = true;
        optimize(program, config);
        EXPECT_GE(count(is_barrier), checks) << program << '\n' << text();
        EXPECT_EQ(count(is_barrier) == 0, checks == 0) << program << '\n' << text();
    }
}

TEST_F(optimizer, hides_constants) {
    unsigned shown = 0;
    const auto is_chosen = [](const llvm::Instruction &i) {
        return std::ranges::any_of(i.operands(),
                                   [](const llvm::Use &u) { return holds(*u, 0x1badcafe); });
    };
    for (const char *const program :
         {"mov %r0, 0x1badcafe\nexit", "lddw %r0, 0x1badcafe2badbeef\nexit",
          "mov %r0, %r2\nxor32 %r0, 0x1badcafe\nexit", "stw [%r1], 0x1badcafe\nmov %r0, 0\nexit",
          "sth [%r10-8], 0xcafe\nsth [%r10-6], 0x1bad\nsth [%r10-4], 0xbeef\n"
          "sth [%r10-2], 0x2bad\nldxdw %r0, [%r10-8]\nexit",
          "mov %r0, %r10\nadd %r0, 0x1badcafe\nexit",
          "mov %r2, %r10\nadd %r2, 0x1badcafe\nldxb %r0, [%r2]\nexit", "ldabsw 0x1badcafe\nexit",
          "mov %r6, %r2\nldindw %r6, 0x1badcafe\nexit"}) {
        compat::vm_config config = without_checks();
        optimize(program, config);
        shown += count(is_chosen);
        config.blinding_seed = 1;
        optimize(program, config);
        EXPECT_EQ(count(is_chosen), 0U) << program << '\n' << text();
    }
    EXPECT_GE(shown, 6U) << "else the test sees nothing";
}

}  // namespace

}  // namespace bpftime::vm::llvm_jit::test
