// bpftime-vm: accesses whose checks an engine may make at once, or before a loop begins
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "ebpf-vm.h"
#include "vm_fixture.hpp"

#include <fmt/format.h>

#include <cstring>
#include <string>

namespace bpftime::vm::test {

namespace {

/// Programs are run on input memory of each size, with memory behind it that is registered, or not.
/// Word 0 of the input says where they look, word 1 how often. What comes out must be what the
/// engine comes to that decides about each access when it is made: result or fault, and memory.
class checks_together : public vm_fixture {
protected:
    static constexpr std::size_t most_bytes = 96;

    void expect_same(std::string_view assembly) {
        const auto reference = make_vm(engines()[0]);
        register_test_helpers(*reference);
        const auto code = assemble(assembly);
        ASSERT_EQ(reference->load_code(code.data(), code.size()), EBPF_OK);
        load_bytes(code);
        for (const bool has_more : {false, true}) {
            if (has_more) {
                for (ebpf_vm *const each : {reference.get(), &vm()}) {
                    ASSERT_EQ(each->register_region(memory_.data() + most_bytes, most_bytes,
                                                    EBPF_PERM_READ),
                              0);
                }
            }
            for (const int64_t where : {0, 1, 8, 16, 40, 64, 88, 96, 100, -1, -8, -40}) {
                for (const uint64_t often : {0U, 1U, 2U, 5U, 9U, 40U, 3'000'000U}) {
                    for (std::size_t size = 16; size <= most_bytes; size += 5)
                        expect_same_run(*reference, size, static_cast<uint64_t>(where), often);
                    expect_same_run(*reference, most_bytes, static_cast<uint64_t>(where), often);
                }
            }
        }
        ASSERT_EQ(vm().unregister_region(memory_.data() + most_bytes), 0);
        EXPECT_GT(results_, 0U) << assembly;
        EXPECT_GT(faults_, 0U) << assembly;
    }

private:
    struct outcome {
        int64_t r0 = 0;
        fault_place fault;
        std::vector<uint8_t> memory;

        friend bool operator==(const outcome &, const outcome &) = default;
    };

    outcome run(ebpf_vm &vm, std::size_t size, uint64_t where, uint64_t often) {
        for (std::size_t i = 0; i < memory_.size(); ++i) memory_[i] = static_cast<uint8_t>(i * 37);
        // The input memory ends where what may be registered begins.
        uint8_t *const input = memory_.data() + most_bytes - size;
        std::memcpy(input, &where, sizeof(where));
        std::memcpy(input + 8, &often, sizeof(often));
        outcome out;
        const bool ended = vm.exec(input, size, out.r0) == EBPF_OK;
        if (not ended) {
            out.r0 = 0;
            out.fault = place_of(compat::last_fault());
        }
        (ended ? results_ : faults_) += 1;
        out.memory = memory_;
        return out;
    }

    void expect_same_run(ebpf_vm &reference, std::size_t size, uint64_t where, uint64_t often) {
        const outcome expected = run(reference, size, where, often);
        const outcome actual = run(vm(), size, where, often);
        EXPECT_EQ(actual.r0, expected.r0);
        EXPECT_EQ(actual.fault, expected.fault);
        EXPECT_EQ(actual.memory, expected.memory);
        EXPECT_EQ(actual, expected)
            << size << " bytes, " << static_cast<int64_t>(where) << ", " << often << " times";
    }

    std::vector<uint8_t> memory_ = std::vector<uint8_t>(2 * most_bytes);
    unsigned results_ = 0;
    unsigned faults_ = 0;
};

/// r6: where they look; r7: how often.
constexpr std::string_view begin = "ldxdw r6, [r1]\nldxdw r7, [r1+8]\nadd r6, r1\nmov r0, 0\n";

std::string program(std::string_view rest) { return fmt::format("{}{}", begin, rest); }

TEST_P(checks_together, loads_in_a_row) {
    expect_same(
        program("ldxb r2, [r6+3]\nadd r0, r2\nldxw r2, [r6-4]\nadd r0, r2\n"
                "ldxdw r2, [r6+8]\nadd r0, r2\nldxh r2, [r6]\nadd r0, r2\nexit"));
}

TEST_P(checks_together, loads_in_a_row_from_two_places) {
    expect_same(
        program("ldxb r2, [r6]\nadd r0, r2\nldxw r2, [r1+20]\nadd r0, r2\n"
                "ldxdw r2, [r6+8]\nadd r0, r2\nldxdw r2, [r1+16]\nadd r0, r2\nexit"));
}

/// Both are known no earlier than the first access; one may be outside of the input.
TEST_P(checks_together, loads_in_a_row_from_two_places_that_were_loaded) {
    expect_same(
        program("add r7, r1\nldxb r2, [r6]\nadd r0, r2\nldxb r2, [r7+20]\nadd r0, r2\n"
                "ldxh r2, [r6+5]\nadd r0, r2\nldxw r2, [r7+16]\nadd r0, r2\nexit"));
}

/// The second address is not known before the first access has been made.
TEST_P(checks_together, loads_of_where_to_load) {
    expect_same(
        program("ldxb r2, [r6]\nadd r0, r2\nmov r3, r1\nand r2, 15\nadd r3, r2\n"
                "ldxw r2, [r3]\nadd r0, r2\nldxb r2, [r6+9]\nadd r0, r2\n"
                "ldxb r2, [r3+21]\nadd r0, r2\nexit"));
}

TEST_P(checks_together, stores_between) {
    expect_same(
        program("stb [r6], 1\nldxw r2, [r6+4]\nstxw [r6+8], r2\nstw [r6-4], 2\n"
                "ldxdw r0, [r6+12]\nstxdw [r6], r0\nexit"));
}

TEST_P(checks_together, copies_of_words) {
    std::string copies;
    for (int i = 0; i < 5; ++i)
        copies += fmt::format("ldxdw r2, [r6+{0}]\nstxdw [r1+{1}], r2\n", 8 * i, 16 + 8 * i);
    expect_same(program(copies + "exit"));
}

TEST_P(checks_together, steps_between) {
    expect_same(
        program("ldxb r2, [r6+1]\nadd r6, 8\nadd r0, r2\nstxw [r6-4], r0\nsub r6, 5\n"
                "ldxdw r2, [r6+2]\nadd r6, 30\nadd r0, r2\nldxh r2, [r6-20]\nadd r0, r2\nexit"));
}

/// Between two accesses that may be of two pieces of memory is one that is of both.
TEST_P(checks_together, looks_between_them_later) {
    expect_same(
        program("ldxw r2, [r6]\nadd r0, r2\nldxw r2, [r6+8]\nadd r0, r2\njeq r7, 1, +2\n"
                "ldxdw r2, [r6+2]\nadd r0, r2\nmov r3, r6\nldxb r2, [r3+5]\nadd r0, r2\nexit"));
}

TEST_P(checks_together, copies_look_between_them) {
    expect_same(
        program("ldxw r2, [r6]\nmov r3, r6\nldxw r4, [r6+8]\nadd r0, r2\n"
                "ldxdw r2, [r3+3]\nadd r0, r2\nadd r0, r4\nexit"));
}

TEST_P(checks_together, atomics_between) {
    expect_same(
        program("mov r2, 3\nstxw [r6+8], r2\nlock fetch add [r6], r2\nadd r0, r2\n"
                "ldxdw r2, [r6+16]\nadd r0, r2\nexit"));
}

/// Where they look is itself what they load, and stores change the registers' sources.
TEST_P(checks_together, loads_of_their_own_register) {
    expect_same(
        program("stxdw [r6+24], r1\nldxb r2, [r6+4]\nldxdw r6, [r6+24]\nadd r0, r2\n"
                "ldxb r2, [r6+16]\nadd r0, r2\nldxdw r2, [r6+88]\nadd r0, r2\nexit"));
}

/// Nothing but accesses knows of the frame.
TEST_P(checks_together, atomics_in_the_frame_between) {
    expect_same(
        program("ldxb r2, [r6+1]\nadd r0, r2\nmov r2, 3\nlock add [r10-40], r2\n"
                "lock fetch add [r10-40], r2\nadd r0, r2\nstxw [r6+8], r0\nexit"));
}

TEST_P(checks_together, misaligned_atomics_in_the_frame_between) {
    expect_same(
        program("ldxb r2, [r6+1]\nadd r0, r2\njne r7, 1, +1\nexit\nldxb r2, [r6+1]\nadd r0, r2\n"
                "load_acquire32 r2, [r10-42]\nstxw [r6+8], r0\nexit"));
}

/// The place is in the own frame, or partly so.
TEST_P(checks_together, loads_and_stores_in_the_frame) {
    expect_same(
        "ldxdw r7, [r1]\nldxdw r8, [r1+8]\nmov r6, r10\nsub r6, 104\nadd r6, r7\n"
        "stxdw [r6+8], r8\nstxb [r6], r7\nldxw r0, [r6+4]\nldxdw r2, [r6+16]\n"
        "add r0, r2\nexit");
}

/// More sizes than are kept at hand.
TEST_P(checks_together, loads_in_rows_of_many_lengths) {
    std::string rest;
    for (int length = 2; length < 40; ++length)
        rest += fmt::format("mov r3, r6\nldxb r2, [r3]\nadd r0, r2\nldxb r2, [r3+{}]\nadd r0, r2\n",
                            length);
    expect_same(program(rest + "exit"));
}

TEST_P(checks_together, conditions_between) {
    expect_same(
        program("ldxb r2, [r6]\njgt r2, 200, end\nldxh r3, [r6+1]\nadd r0, r3\n"
                "jset r3, 8, end\nstb [r6+7], 9\nldxw r3, [r6+14]\nadd r0, r3\n"
                "jlt r7, 5, end\nldxdw r3, [r6-8]\nadd r0, r3\nend: add r0, r2\nexit"));
}

TEST_P(checks_together, helpers_between) {
    expect_same(
        program("mov r8, r6\nldxb r9, [r8]\nmov r1, 1\nmov r2, 2\nmov r3, 3\nmov r4, 4\n"
                "mov r5, 5\ncall 1\nldxb r2, [r8+1]\nadd r9, r2\nstb [r8+2], 4\n"
                "ldxb r2, [r8+40]\nadd r9, r2\nmov r0, r9\nexit"));
}

TEST_P(checks_together, reads_of_what_may_not_be_written) {
    expect_same(
        program("ldxb r0, [r6+8]\nldxb r2, [r6+9]\nadd r0, r2\nstb [r6+9], 3\n"
                "stb [r6+10], 3\nexit"));
}

// --- in loops

TEST_P(checks_together, loops_upwards) {
    for (const int step : {1, 3, 8, 4096}) {
        expect_same(
            program(fmt::format("jeq r7, 0, end\n"
                                "again: ldxb r2, [r6+1]\nadd r0, r2\nadd r6, {}\n"
                                "sub r7, 1\njne r7, 0, again\nend: exit",
                                step)));
    }
}

TEST_P(checks_together, loops_downwards) {
    expect_same(
        program("jeq r7, 0, end\n"
                "again: ldxh r2, [r6+8]\nadd r0, r2\nsub r6, 4\nsub r7, 1\n"
                "jne r7, 0, again\nend: exit"));
}

TEST_P(checks_together, loops_that_ask_first) {
    expect_same(
        program("mov r8, 0\n"
                "again: jge r8, r7, end\nmov r2, r6\nadd r2, r8\nldxb r2, [r2]\n"
                "add r0, r2\nadd r8, 1\nja again\nend: exit"));
}

TEST_P(checks_together, loops_that_store) {
    expect_same(
        program("jeq r7, 0, end\nadd r1, 16\n"
                "again: ldxb r2, [r6]\nadd r2, 7\nstxb [r1+2], r2\nadd r6, 1\nadd r1, 1\n"
                "add r0, r2\nsub r7, 1\njne r7, 0, again\nend: exit"));
}

TEST_P(checks_together, loops_with_an_early_end) {
    expect_same(
        program("jeq r7, 0, end\n"
                "again: ldxb r2, [r6]\njeq r2, 185, end\nadd r0, r2\nadd r6, 1\n"
                "sub r7, 1\njne r7, 0, again\nend: exit"));
}

TEST_P(checks_together, loops_that_look_sideways_at_times) {
    expect_same(
        program("jeq r7, 0, end\n"
                "again: ldxb r2, [r6]\njset r2, 1, odd\nldxb r3, [r6-1]\nadd r0, r3\n"
                "odd: add r0, r2\njsgt r2, 180, far\nja next\nfar: ldxw r3, [r6+30]\n"
                "add r0, r3\nnext: add r6, 1\nsub r7, 1\njne r7, 0, again\nend: exit"));
}

TEST_P(checks_together, loops_over_a_table) {
    expect_same(
        program("jeq r7, 0, end\nmov r4, r1\n"
                "again: ldxb r2, [r6]\nand r2, 7\nlsh r2, 2\nmov r3, r4\nadd r3, r2\n"
                "ldxw r2, [r3+16]\nadd r0, r2\nadd r6, 1\nsub r7, 1\njne r7, 0, again\n"
                "end: exit"));
}

TEST_P(checks_together, loops_in_loops) {
    expect_same(
        program("jgt r7, 9, end\nmov r8, 0\n"
                "rows: mov r9, 0\nmov r3, r6\n"
                "columns: ldxb r2, [r3]\nadd r0, r2\nadd r3, 2\nadd r9, 1\n"
                "jlt r9, r7, columns\nadd r6, 5\nadd r8, 1\njlt r8, r7, rows\nend: exit"));
}

/// Addresses that go around the end of all addresses.
TEST_P(checks_together, loops_around_the_end) {
    expect_same(
        program("jeq r7, 0, end\nlddw r4, 0x7ffffffffffffff8\nmov r5, 0\n"
                "again: mov r3, r6\nadd r3, r5\nldxb r2, [r3]\nadd r0, r2\nadd r5, r4\n"
                "add r5, r4\nadd r5, 17\nsub r7, 1\njne r7, 0, again\nend: exit"));
}

/// The counter has 32 bits and may wrap.
TEST_P(checks_together, loops_with_a_short_counter) {
    expect_same(
        program("jeq r7, 0, end\nmov32 r8, -3\n"
                "again: mov32 r2, r8\nadd32 r2, 3\nmov r3, r6\nadd r3, r2\nldxb r2, [r3]\n"
                "add r0, r2\nadd32 r8, 1\nsub r7, 1\njne r7, 0, again\nend: exit"));
}

INSTANTIATE_TEST_SUITE_P(engines, checks_together, testing::ValuesIn(engines()), engine_name{});

}  // namespace

}  // namespace bpftime::vm::test
