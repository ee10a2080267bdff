// bpftime-vm: what a program may touch, to the byte
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include <gmock/gmock.h>

#include <array>

namespace {

using namespace c_api;

std::string number(uint64_t value) { return std::to_string(value); }

std::string lddw(const char *reg, const void *ptr) {
    return std::string{"lddw "} + reg + ", " + number(address_of(ptr)) + "\n";
}

class memory : public c_api_test {
protected:
    /// Runs `text` (r1 = block, r2 = its size) and gives its fault.
    place fault_of(const std::string &text) {
        load(text + "\nexit");
        return place_of(run_to_fault(vm(), block_.data(), block_.size()));
    }

    uint64_t result_of(const std::string &text) {
        load(text + "\nexit");
        return run(vm(), block_.data(), block_.size());
    }

    int64_t exec_regions(std::initializer_list<ebpf_region> regions, int64_t *result = nullptr) {
        const std::vector<ebpf_region> list{regions};
        return ebpf_exec_regions(vm(), nullptr, 0, list.data(), list.size(), result);
    }

    std::array<uint8_t, 32> block_{};
    std::array<uint8_t, 32> other_{};
};

// --- input memory

TEST_F(memory, of_the_input_is_readable_and_writable_from_first_to_last_byte) {
    for (const auto &[name, size] : {std::pair{"b", 1}, {"h", 2}, {"w", 4}, {"dw", 8}}) {
        const std::string last = number(static_cast<uint64_t>(32 - size));
        EXPECT_EQ(result_of(std::string{"st"} + name + " [%r1], 5\nldx" + name + " %r0, [%r1]"),
                  5U);
        EXPECT_EQ(result_of(std::string{"st"} + name + " [%r1+" + last + "], 6\nldx" + name +
                            " %r0, [%r1+" + last + "]"),
                  6U);
    }
}

TEST_F(memory, of_the_input_ends_at_its_bounds) {
    for (const auto &[name, size] : {std::pair{"b", 1}, {"h", 2}, {"w", 4}, {"dw", 8}}) {
        const auto width = static_cast<uint64_t>(size);
        const auto expect = [&](int64_t offset) {
            const std::string at =
                "[%r1" + std::string{offset < 0 ? "" : "+"} + std::to_string(offset) + "]";
            EXPECT_EQ(
                fault_of(std::string{"ldx"} + name + " %r0, " + at),
                (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 0, EBPF_REGION_INPUT, 0, offset, width}));
            EXPECT_EQ(
                fault_of(std::string{"stx"} + name + " " + at + ", %r2"),
                (place{EBPF_FAULT_OUT_OF_BOUNDS_WRITE, 0, EBPF_REGION_INPUT, 0, offset, width}));
        };
        expect(-1);
        expect(-size);
        expect(32);
        expect(32 - size + 1);
        expect(1000);
    }
    EXPECT_THAT(block_, ::testing::Each(0)) << "a refused write wrote";
}

TEST_F(memory, of_the_input_does_not_wrap_around) {
    const auto stray = [&](const std::string &address) {
        const place p = fault_of("lddw %r3, " + address + "\nldxdw %r0, [%r3]");
        EXPECT_EQ(p.kind, uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ}) << address;
        EXPECT_EQ(p.size, 8U);
    };
    for (const char *const address : {"0", "1", "-1", "-7", "-8", "0x7fffffffffffffff",
                                      "0x8000000000000000", "0xffffffff", "0x100000000"}) {
        stray(address);
    }
    stray(number(address_of(block_.data()) ^ uint64_t{1} << 63));
    stray(number(address_of(block_.data()) + (uint64_t{1} << 32)));
}

TEST_F(memory, of_the_longest_input_does_not_wrap_around) {
    load("mov %r3, -1\nldxdw %r0, [%r3]\nexit");
    const size_t longest = longest_at(block_.data());
    EXPECT_EQ(run_to_fault(vm(), block_.data(), longest).kind,
              uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ});
}

TEST_F(memory, that_there_is_none_of) {
    load("ldxb %r0, [%r1]\nexit");
    EXPECT_EQ(place_of(run_to_fault(vm())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 0, EBPF_REGION_NONE, 0, 0, 1}));
}

TEST_F(memory, the_fault_tells_the_raw_address_too) {
    load("ldxb %r0, [%r1+32]\nexit");
    EXPECT_EQ(run_to_fault(vm(), block_.data(), 32).address, address_of(block_.data() + 32));
}

// --- regions of the VM

TEST_F(memory, of_registered_regions_is_there_in_every_run) {
    ASSERT_EQ(ebpf_register_region(vm(), other_.data(), other_.size(), EBPF_PERM_READ_WRITE), 0);
    load(lddw("%r1", other_.data()) + "ldxb %r0, [%r1+31]\nadd %r0, 1\nstxb [%r1+31], %r0\nexit");
    for (uint64_t i = 1; i <= 3; ++i) EXPECT_EQ(run(vm()), i);
    EXPECT_EQ(other_[31], 3);
}

TEST_F(memory, of_registered_regions_ends_at_their_bounds) {
    ASSERT_EQ(ebpf_register_region(vm(), other_.data() + 8, 8, EBPF_PERM_READ_WRITE), 0);
    EXPECT_EQ(fault_of(lddw("%r3", other_.data()) + "ldxdw %r0, [%r3+9]"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 2, EBPF_REGION_REGISTERED, 0, 1, 8}));
    EXPECT_EQ(fault_of(lddw("%r3", other_.data()) + "stxb [%r3+15], %r2\nstxh [%r3+15], %r2"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_WRITE, 3, EBPF_REGION_REGISTERED, 0, 7, 2}));
    EXPECT_EQ(fault_of(lddw("%r3", other_.data()) + "ldxb %r0, [%r3+7]").kind,
              uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ});
    EXPECT_EQ(fault_of(lddw("%r3", other_.data()) + "ldxb %r0, [%r3+16]").kind,
              uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ});
}

TEST_F(memory, of_regions_for_reading_cannot_be_written) {
    ASSERT_EQ(ebpf_register_region(vm(), other_.data(), 32, EBPF_PERM_READ), 0);
    EXPECT_EQ(result_of(lddw("%r3", other_.data()) + "ldxdw %r0, [%r3+8]"), 0U);
    EXPECT_EQ(fault_of(lddw("%r3", other_.data()) + "stdw [%r3+8], 1"),
              (place{EBPF_FAULT_READ_ONLY_WRITE, 2, EBPF_REGION_REGISTERED, 0, 8, 8}));
    EXPECT_EQ(fault_of(lddw("%r3", other_.data()) + "lock add [%r3+8], %r2"),
              (place{EBPF_FAULT_READ_ONLY_WRITE, 2, EBPF_REGION_REGISTERED, 0, 8, 8}));
    EXPECT_EQ(fault_of(lddw("%r3", other_.data()) + "stdw [%r3+25], 1"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_WRITE, 2, EBPF_REGION_REGISTERED, 0, 25, 8}))
        << "beyond the end it is no matter of permission";
    EXPECT_THAT(other_, ::testing::Each(0));
}

TEST_F(memory, of_regions_for_writing_cannot_be_read) {
    ASSERT_EQ(ebpf_register_region(vm(), other_.data(), 32, EBPF_PERM_WRITE), 0);
    result_of(lddw("%r3", other_.data()) + "stdw [%r3+8], 1");
    EXPECT_EQ(other_[8], 1);
    EXPECT_EQ(fault_of(lddw("%r3", other_.data()) + "ldxdw %r0, [%r3+8]"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 2, EBPF_REGION_REGISTERED, 0, 8, 8}));
    EXPECT_EQ(fault_of(lddw("%r3", other_.data()) + "lock fetch add [%r3+8], %r2"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 2, EBPF_REGION_REGISTERED, 0, 8, 8}))
        << "what is missing is the permission to read";
}

TEST_F(memory, of_unregistered_regions_is_gone) {
    ASSERT_EQ(ebpf_register_region(vm(), other_.data(), 32, EBPF_PERM_READ), 0);
    load(lddw("%r3", other_.data()) + "ldxb %r0, [%r3]\nexit");
    run(vm());
    ASSERT_EQ(ebpf_unregister_region(vm(), other_.data()), 0);
    EXPECT_EQ(place_of(run_to_fault(vm())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 2, EBPF_REGION_NONE, 0, 0, 1}));
    EXPECT_EQ(ebpf_unregister_region(vm(), other_.data()), EBPF_ERROR_NOT_FOUND);
}

TEST_F(memory, of_regions_is_unregistered_by_its_first_byte_only) {
    ASSERT_EQ(ebpf_register_region(vm(), other_.data(), 32, EBPF_PERM_READ), 0);
    EXPECT_EQ(ebpf_unregister_region(vm(), other_.data() + 1), EBPF_ERROR_NOT_FOUND);
    EXPECT_EQ(result_of(lddw("%r3", other_.data()) + "ldxb %r0, [%r3]"), 0U);
}

TEST_F(memory, of_overlapping_regions_is_what_any_of_them_gives) {
    ASSERT_EQ(ebpf_register_region(vm(), other_.data(), 24, EBPF_PERM_READ), 0);
    ASSERT_EQ(ebpf_register_region(vm(), other_.data() + 16, 16, EBPF_PERM_READ_WRITE), 0);
    const auto at = [&](const char *access) { return lddw("%r3", other_.data()) + access; };
    EXPECT_EQ(fault_of(at("stdw [%r3+8], 1")),
              (place{EBPF_FAULT_READ_ONLY_WRITE, 2, EBPF_REGION_REGISTERED, 0, 8, 8}));
    result_of(at("stdw [%r3+16], 1\nldxdw %r0, [%r3+24]"));
    ASSERT_EQ(ebpf_unregister_region(vm(), other_.data()), 0);
    result_of(at("stdw [%r3+16], 1"));
    EXPECT_EQ(fault_of(at("ldxdw %r0, [%r3]")).kind, uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ});
}

TEST_F(memory, of_neighbouring_regions_is_not_one) {
    ASSERT_EQ(ebpf_register_region(vm(), other_.data(), 16, EBPF_PERM_READ), 0);
    ASSERT_EQ(ebpf_register_region(vm(), other_.data() + 16, 16, EBPF_PERM_READ), 0);
    EXPECT_EQ(fault_of(lddw("%r3", other_.data()) + "ldxdw %r0, [%r3+12]"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 2, EBPF_REGION_REGISTERED, 0, 12, 8}));
}

TEST_F(memory, of_regions_is_told_by_the_order_of_registration) {
    std::array<std::array<uint8_t, 8>, 3> blocks{};
    for (auto &b : blocks) ASSERT_EQ(ebpf_register_region(vm(), b.data(), 8, EBPF_PERM_READ), 0);
    for (uint32_t i = 0; i < 3; ++i) {
        EXPECT_EQ(fault_of(lddw("%r3", blocks[i].data()) + "stb [%r3], 1"),
                  (place{EBPF_FAULT_READ_ONLY_WRITE, 2, EBPF_REGION_REGISTERED, i, 0, 1}));
    }
}

TEST_F(memory, of_a_hundred_regions) {
    std::vector<std::array<uint8_t, 8>> blocks(100);
    for (auto &b : blocks)
        ASSERT_EQ(ebpf_register_region(vm(), b.data(), 8, EBPF_PERM_READ_WRITE), 0);
    for (auto &b : blocks) result_of(lddw("%r3", b.data()) + "stb [%r3+7], 1");
    EXPECT_THAT(blocks, ::testing::Each(::testing::ElementsAre(0, 0, 0, 0, 0, 0, 0, 1)));
}

// --- regions of one run

TEST_F(memory, of_a_run_is_there_in_that_run_only) {
    load(lddw("%r1", other_.data()) + "ldxb %r0, [%r1+31]\nexit");
    other_[31] = 4;
    int64_t result = 0;
    EXPECT_EQ(exec_regions({{other_.data(), 32, EBPF_PERM_READ}}, &result), 0) << ebpf_last_error();
    EXPECT_EQ(result, 4);
    EXPECT_EQ(place_of(run_to_fault(vm())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 2, EBPF_REGION_NONE, 0, 0, 1}));
}

TEST_F(memory, of_a_run_is_told_by_its_position) {
    load(lddw("%r1", other_.data()) + "stb [%r1+9], 1\nexit");
    EXPECT_EQ(exec_regions({{block_.data(), 32, EBPF_PERM_READ_WRITE},
                            {other_.data() + 8, 8, EBPF_PERM_READ}}),
              EBPF_ERROR_FAULT);
    EXPECT_EQ(place_of(last_fault()),
              (place{EBPF_FAULT_READ_ONLY_WRITE, 2, EBPF_REGION_RUN, 1, 1, 1}));
}

TEST_F(memory, of_a_run_comes_beside_input_and_registered_regions) {
    std::array<uint8_t, 8> third{};
    ASSERT_EQ(ebpf_register_region(vm(), third.data(), 8, EBPF_PERM_READ_WRITE), 0);
    load(lddw("%r3", other_.data()) + lddw("%r4", third.data()) +
         "stb [%r1], 1\nstb [%r3], 2\nstb [%r4], 3\nexit");
    const ebpf_region region = {other_.data(), 32, EBPF_PERM_READ_WRITE};
    EXPECT_EQ(ebpf_exec_regions(vm(), block_.data(), 32, &region, 1, nullptr), 0)
        << ebpf_last_error();
    EXPECT_EQ(block_[0], 1);
    EXPECT_EQ(other_[0], 2);
    EXPECT_EQ(third[0], 3);
}

// --- checks off

TEST_F(memory, is_not_checked_when_checks_are_off) {
    EXPECT_TRUE(ebpf_toggle_bounds_check(vm(), false)) << "checks are on by default";
    EXPECT_FALSE(ebpf_toggle_bounds_check(vm(), false));
    result_of(lddw("%r3", other_.data()) + "stb [%r3], 5");
    EXPECT_EQ(other_[0], 5);
    EXPECT_FALSE(ebpf_toggle_bounds_check(vm(), true));
    EXPECT_TRUE(ebpf_toggle_bounds_check(vm(), true));
    EXPECT_EQ(fault_of(lddw("%r3", other_.data()) + "stb [%r3], 6").kind,
              uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_WRITE});
    EXPECT_EQ(other_[0], 5);
}

TEST_F(memory, without_checks_still_has_call_depth_and_budget) {
    ebpf_toggle_bounds_check(vm(), false);
    EXPECT_EQ(fault_of("call local f\nexit\nf: call local f").kind,
              uint32_t{EBPF_FAULT_CALL_DEPTH_EXCEEDED});
    ASSERT_EQ(ebpf_set_instruction_limit(vm(), 1000), 0);
    EXPECT_EQ(fault_of("ja -1").kind, uint32_t{EBPF_FAULT_INSTRUCTION_LIMIT});
}

// --- atomics

TEST_F(memory, of_atomics_is_aligned) {
    for (const char *const op : {"lock add [%r3+1], %r2", "lock fetch or [%r3+4], %r2",
                                 "lock xchg [%r3+2], %r2", "lock cmpxchg [%r3+7], %r2",
                                 "load_acquire64 %r0, [%r3+4]", "store_release64 [%r3+4], %r2"}) {
        const place p = fault_of("mov %r3, %r10\nadd %r3, -64\n" + std::string{op});
        EXPECT_EQ(p.kind, uint32_t{EBPF_FAULT_MISALIGNED_ATOMIC}) << op;
        EXPECT_EQ(p.size, 8U);
        EXPECT_EQ(p.region, uint32_t{EBPF_REGION_STACK});
    }
    EXPECT_EQ(
        fault_of("lock add32 [%r10-6], %r2"),
        (place{EBPF_FAULT_MISALIGNED_ATOMIC, 0, EBPF_REGION_STACK, 0, EBPF_STACK_SIZE - 6, 4}));
    result_of("lock add32 [%r10-4], %r2\nload_acquire8 %r0, [%r10-1]");
}

// --- the stack

TEST_F(memory, of_the_stack_is_512_bytes_below_r10) {
    for (const int offset : {-8, -256, -512}) {
        const std::string at = "[%r10" + std::to_string(offset) + "]";
        EXPECT_EQ(result_of("ldxdw %r6, " + at + "\nstdw " + at + ", 7\nldxdw %r0, " + at +
                            "\nadd %r0, %r6"),
                  7U)
            << offset;
    }
    const auto expect = [&](int offset, int64_t in_frame) {
        const std::string at =
            "[%r10" + std::string{offset < 0 ? "" : "+"} + std::to_string(offset) + "]";
        EXPECT_EQ(fault_of("stdw " + at + ", 1"),
                  (place{EBPF_FAULT_OUT_OF_BOUNDS_WRITE, 0, EBPF_REGION_STACK, 0, in_frame, 8}));
    };
    expect(0, 512);
    expect(-1, 511);
    expect(-7, 505);
    expect(-513, -1);
    expect(-520, -8);
    EXPECT_EQ(fault_of("ldxb %r0, [%r10]").kind, uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ});
}

TEST_F(memory, of_the_stack_is_as_large_as_set) {
    for (const uint32_t size : {16U, 32U, 1024U, 4096U, 32752U}) {
        ASSERT_EQ(ebpf_set_stack_size(vm(), size), 0);
        const std::string lowest = "[%r10-" + number(size) + "]";
        EXPECT_EQ(result_of("stdw " + lowest + ", 3\nldxdw %r0, " + lowest), 3U) << size;
        EXPECT_EQ(fault_of("stb [%r10-" + number(size + 1) + "], 3"),
                  (place{EBPF_FAULT_OUT_OF_BOUNDS_WRITE, 0, EBPF_REGION_STACK, 0, -1, 1}));
    }
}

TEST_F(memory, of_the_largest_stack_at_the_largest_depth) {
    ASSERT_EQ(ebpf_set_stack_size(vm(), EBPF_MOST_STACK_SIZE), 0);
    ASSERT_EQ(ebpf_set_call_depth(vm(), EBPF_MOST_CALL_DEPTH), 0);
    // 255 calls deep; each frame is zero at both ends before it is written there.
    load(
        "mov %r1, 254\ncall local f\nadd %r0, 1\nexit\nf: mov %r2, %r10\nadd %r2, -65536\n"
        "ldxdw %r3, [%r2]\nldxdw %r4, [%r10-8]\nor %r3, %r4\njne %r3, 0, bad\nstdw [%r2], 1\n"
        "stdw [%r10-8], 1\njeq %r1, 0, last\nsub %r1, 1\ncall local f\nadd %r0, 1\nexit\n"
        "last: mov %r0, 1\nexit\nbad: mov %r0, -1000\nexit");
    EXPECT_EQ(run(vm()), 256U);
    load("mov %r2, %r10\nadd %r2, -65537\nldxb %r0, [%r2]\nexit");
    EXPECT_EQ(place_of(run_to_fault(vm())),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 2, EBPF_REGION_STACK, 0, -1, 1}));
}

TEST_F(memory, of_the_stack_is_zero_in_every_frame) {
    // Called twice: the second call must not see what the first one left.
    EXPECT_EQ(result_of("mov %r1, 5\ncall local f\nmov %r6, %r0\nmov %r1, 5\ncall local f\n"
                        "add %r0, %r6\nexit\nf: ldxdw %r0, [%r10-8]\nldxdw %r2, [%r10-512]\n"
                        "add %r0, %r2\nstxdw [%r10-8], %r1\nstxdw [%r10-512], %r1"),
              0U);
}

TEST_F(memory, of_a_caller_is_its_callees_too) {
    EXPECT_EQ(result_of("mov %r1, %r10\nadd %r1, -8\ncall local f\nldxdw %r0, [%r10-8]\nexit\n"
                        "f: stdw [%r1], 6"),
              6U);
}

TEST_F(memory, of_a_callee_is_gone_when_it_returns) {
    EXPECT_EQ(fault_of("call local f\nldxb %r0, [%r0]\nexit\nf: mov %r0, %r10\nadd %r0, -8"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 1, EBPF_REGION_NONE, 0, 0, 1}));
}

TEST_F(memory, of_frames_do_not_touch_each_other) {
    // From its own frame, a callee walks up 8 bytes at a time: between the frames there is memory
    // of nobody.
    const place p = fault_of(
        "call local f\nexit\nf: mov %r1, %r10\nagain: stdw [%r1], 1\nadd %r1, 8\nja again");
    EXPECT_EQ(p,
              (place{EBPF_FAULT_OUT_OF_BOUNDS_WRITE, 3, EBPF_REGION_STACK, 1, EBPF_STACK_SIZE, 8}));
}

TEST_F(memory, of_frames_is_told_by_their_depth) {
    EXPECT_EQ(fault_of("call local f\nexit\nf: call local g\nexit\ng: stb [%r10], 1"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_WRITE, 4, EBPF_REGION_STACK, 2, EBPF_STACK_SIZE, 1}));
    EXPECT_EQ(fault_of("mov %r1, %r10\ncall local f\nexit\nf: stb [%r1], 1"),
              (place{EBPF_FAULT_OUT_OF_BOUNDS_WRITE, 3, EBPF_REGION_STACK, 0, EBPF_STACK_SIZE, 1}));
}

TEST_F(memory, of_the_stack_may_be_reached_by_way_of_the_packet) {
    // packet + (slot - packet) is a legal way to a slot.
    EXPECT_EQ(
        result_of(
            "mov %r3, %r10\nadd %r3, -16\nmov %r4, %r3\nsub %r4, %r1\nmov %r5, %r1\nadd %r5, %r4\n"
            "stdw [%r5], 9\nldxdw %r0, [%r10-16]"),
        9U);
}

}  // namespace
