// bpftime-vm: what ebpf_verify() says of programs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <span>

namespace {

using namespace c_api;
using ::testing::HasSubstr;
using ::testing::StrEq;

struct free_report {
    void operator()(ebpf_verify_report *r) const noexcept { ebpf_free_verify_report(r); }
};
using report_ptr = std::unique_ptr<ebpf_verify_report, free_report>;

class verify : public c_api_test {
protected:
    [[nodiscard]] report_ptr verified(std::string_view text, unsigned level = EBPF_VERIFY_FULL) {
        load(text);
        ebpf_verify_report *report = nullptr;
        EXPECT_EQ(ebpf_verify(vm(), level, &report), EBPF_OK) << ebpf_last_error();
        EXPECT_NE(report, nullptr);
        return report_ptr{report == nullptr ? new ebpf_verify_report{} : report};
    }

    /// The proofs that the report has of the instruction at `pc`.
    static std::vector<uint32_t> proofs_at(const ebpf_verify_report &r, uint32_t pc) {
        std::vector<uint32_t> all;
        for (const ebpf_verify_note &n : std::span{r.notes, r.note_count}) {
            if (n.pc == pc and n.proof != EBPF_PROOF_NONE) all.push_back(n.proof);
        }
        return all;
    }
};

TEST_F(verify, proves_a_program_that_looks_at_the_length_first) {
    const auto r =
        verified("mov %r0, 0\njlt %r2, 14, +2\nldxh %r0, [%r1+12]\nldxb %r0, [%r1+13]\nexit");
    EXPECT_EQ(r->safety, EBPF_PROVEN_SAFE);
    EXPECT_THAT(r->summary, StrEq("proven safe"));
    EXPECT_EQ(r->accesses, 2U);
    EXPECT_EQ(r->proven, 2U);
    EXPECT_THAT(proofs_at(*r, 2), ::testing::ElementsAre(EBPF_PROOF_PROVEN));
}

TEST_F(verify, counts_what_is_left_to_check) {
    const auto r =
        verified("mov %r0, 0\njlt %r2, 14, +2\nldxh %r0, [%r1+13]\nldxb %r0, [%r1+13]\nexit");
    EXPECT_EQ(r->safety, EBPF_SAFE_WITH_CHECKS);
    EXPECT_THAT(r->summary, StrEq("safe with 1 check at run time"));
    EXPECT_EQ(r->checked, 1U);
    EXPECT_THAT(proofs_at(*r, 2), ::testing::ElementsAre(EBPF_PROOF_CHECKED));
}

TEST_F(verify, tells_of_a_fault_that_no_run_avoids) {
    const auto r = verified("mov %r3, 0\nldxdw %r0, [%r3+8]\nexit");
    EXPECT_EQ(r->safety, EBPF_CERTAINLY_FAULTS);
    EXPECT_EQ(r->fault_pc, 1U);
    EXPECT_THAT(r->summary, HasSubstr("certainly faults at pc 1"));
    EXPECT_EQ(place_of(run_to_fault(vm())).pc, r->fault_pc);
}

TEST_F(verify, a_fault_on_one_way_is_none_that_is_certain) {
    const auto r = verified("mov %r0, 0\njeq %r2, 0, +2\nmov %r3, 0\nldxdw %r0, [%r3+8]\nexit");
    EXPECT_EQ(r->safety, EBPF_SAFE_WITH_CHECKS);
    EXPECT_EQ(r->faulting, 1U);
    EXPECT_EQ(run(vm()), 0U);
}

TEST_F(verify, a_function_that_always_faults_makes_its_caller_fault) {
    const auto r =
        verified("call local +1\nexit\nmov %r3, 0\nstxdw [%r3+0], %r3\nmov %r0, 0\nexit");
    EXPECT_EQ(r->safety, EBPF_CERTAINLY_FAULTS);
    EXPECT_EQ(r->fault_pc, 3U);
    EXPECT_EQ(place_of(run_to_fault(vm())).pc, r->fault_pc);
}

uint64_t zero(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }

TEST_F(verify, a_helper_that_may_end_the_run_comes_before_the_fault) {
    ASSERT_EQ(ebpf_register(vm(), 7, "unwind", zero), 0);
    ASSERT_EQ(ebpf_set_unwind_function_index(vm(), 7), 0);
    const auto r = verified("call 7\nmov %r3, 0\nldxdw %r0, [%r3+8]\nexit");
    EXPECT_EQ(r->safety, EBPF_SAFE_WITH_CHECKS);
    EXPECT_EQ(run(vm()), 0U);
}

TEST_F(verify, calls_and_jumps_are_checked_too) {
    const auto r = verified("lddw %r3, code_addr(one)\ncallx %r3\nexit\none: mov %r0, 1\nexit");
    EXPECT_GE(r->other_checks, 1U);
    EXPECT_EQ(r->safety, EBPF_SAFE_WITH_CHECKS);
}

TEST_F(verify, recursion_is_checked_for_its_depth) {
    const auto r = verified("mov %r0, 0\ncall local +1\nexit\ncall local -1\nexit");
    EXPECT_GE(r->other_checks, 1U);
}

TEST_F(verify, tells_loops_that_have_an_end_from_others) {
    const auto bounded =
        verified("mov %r0, 0\nmov %r3, 10\nadd %r0, 1\nsub %r3, 1\njne %r3, 0, -3\nexit");
    EXPECT_EQ(bounded->loops, 1U);
    const auto endless = verified("mov %r0, 0\nadd %r0, 1\nja -2\nexit");
    EXPECT_EQ(endless->loops, 1U);
    EXPECT_EQ(endless->unbounded_loops, 1U);
}

TEST_F(verify, quick_knows_nothing_of_loops) {
    constexpr auto text =
        "mov %r0, 0\nmov %r3, 0\njge %r3, %r2, +5\nmov %r4, %r1\nadd %r4, %r3\nldxb %r0, [%r4]\n"
        "add %r3, 1\nja -6\nexit";
    EXPECT_EQ(verified(text, EBPF_VERIFY_FULL)->safety, EBPF_PROVEN_SAFE);
    EXPECT_EQ(verified(text, EBPF_VERIFY_QUICK)->safety, EBPF_SAFE_WITH_CHECKS);
}

TEST_F(verify, refuses_wrong_arguments_by_name) {
    ebpf_verify_report *report = nullptr;
    EXPECT_EQ(ebpf_verify(vm(), EBPF_VERIFY_FULL, &report), EBPF_ERROR_NO_PROGRAM);
    EXPECT_EQ(report, nullptr);
    load("mov %r0, 0\nexit");
    EXPECT_EQ(ebpf_verify(vm(), 2, &report), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(ebpf_last_error(), HasSubstr("level"));
    EXPECT_EQ(ebpf_verify(vm(), EBPF_VERIFY_FULL, nullptr), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(ebpf_verify(nullptr, EBPF_VERIFY_FULL, &report), EBPF_ERROR_INVALID_ARGUMENT);
    ebpf_free_verify_report(nullptr);
}

TEST_F(verify, tells_what_is_missing_from_what_is_wrong) {
    ebpf_verify_report *report = nullptr;
    load("call 77\nexit");
    EXPECT_EQ(ebpf_verify(vm(), EBPF_VERIFY_FULL, &report), EBPF_ERROR_UNRESOLVED);
    EXPECT_THAT(ebpf_last_error(), HasSubstr("helper 77 is not registered"));
    EXPECT_EQ(report, nullptr);
}

}  // namespace
