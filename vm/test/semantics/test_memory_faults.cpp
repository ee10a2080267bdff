// bpftime-vm: what a program may touch, and how every other access is reported
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "ebpf-vm.h"
#include "vm_fixture.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>

namespace bpftime::vm::test {

namespace {

using enum fault_kind;
constexpr auto nowhere = region_kind::none;
constexpr auto input = region_kind::input;
constexpr auto stack = region_kind::stack;
constexpr auto registered = region_kind::registered;
constexpr auto of_run = region_kind::run;
constexpr auto granted = region_kind::granted;

class memory_faults : public vm_fixture {
protected:
    static constexpr std::size_t input_size = 16;

    /// The program must fault at `place` on 16 bytes of input memory, which stay as they are.
    void expect_fault(std::string_view assembly, const fault_place &place) {
        load(assembly);
        std::vector<uint8_t> memory(input_size, 0x11);
        EXPECT_EQ(fault(memory), place) << assembly;
        EXPECT_EQ(memory, std::vector<uint8_t>(input_size, 0x11)) << assembly;
    }

    /// The program must end well on 16 bytes of input memory.
    uint64_t value_of(std::string_view assembly) {
        load(assembly);
        std::vector<uint8_t> memory(input_size, 0x11);
        return result(memory);
    }
};

// --- input memory

TEST_P(memory_faults, input_memory_ends_where_it_ends) {
    EXPECT_EQ(value_of("ldxb r0, [r1+15]\nldxdw r0, [r1+8]\nldxw r0, [r1+12]\nstdw [r1+8], 0\n"
                       "ldxh r0, [r1+14]\nexit"),
              0U);
    expect_fault("ldxb r0, [r1+16]\nexit", {out_of_bounds_read, 0, input, 0, 16, 1});
    expect_fault("ldxh r0, [r1+15]\nexit", {out_of_bounds_read, 0, input, 0, 15, 2});
    expect_fault("ldxw r0, [r1+13]\nexit", {out_of_bounds_read, 0, input, 0, 13, 4});
    expect_fault("ldxsw r0, [r1+14]\nexit", {out_of_bounds_read, 0, input, 0, 14, 4});
    expect_fault("mov r0, 0\nldxdw r0, [r1+9]\nexit", {out_of_bounds_read, 1, input, 0, 9, 8});
    expect_fault("stb [r1+16], 1\nexit", {out_of_bounds_write, 0, input, 0, 16, 1});
    expect_fault("stxdw [r1+12], r1\nexit", {out_of_bounds_write, 0, input, 0, 12, 8});
    expect_fault("ldxdw r0, [r1+32767]\nexit", {out_of_bounds_read, 0, input, 0, 32767, 8});
}

TEST_P(memory_faults, input_memory_begins_where_it_begins) {
    expect_fault("ldxb r0, [r1-1]\nexit", {out_of_bounds_read, 0, input, 0, -1, 1});
    expect_fault("ldxdw r0, [r1-4]\nexit", {out_of_bounds_read, 0, input, 0, -4, 8});
    expect_fault("stxh [r1-1], r1\nexit", {out_of_bounds_write, 0, input, 0, -1, 2});
    expect_fault("stdw [r1-8], 1\nexit", {out_of_bounds_write, 0, input, 0, -8, 8});
    expect_fault("lock add32 [r1-4], r1\nexit", {out_of_bounds_write, 0, input, 0, -4, 4});
}

TEST_P(memory_faults, far_from_every_region_is_nowhere) {
    for (const std::string_view address :
         {"0", "1", "4096", "0x7fffffffffffffff", "0x8000000000000000", "0xffffffffffffffff",
          "0xfffffffffffffff8"}) {
        expect_fault(fmt::format("lddw r2, {}\nldxdw r0, [r2]\nexit", address),
                     {out_of_bounds_read, 2, nowhere, 0, 0, 8});
        expect_fault(fmt::format("lddw r2, {}\nstb [r2], 1\nexit", address),
                     {out_of_bounds_write, 2, nowhere, 0, 0, 1});
    }
    expect_fault("mov r2, 0\nldxb r0, [r2+100]\nexit", {out_of_bounds_read, 1, nowhere, 0, 0, 1});
    expect_fault("lddw r2, 0x100000000\nadd r2, r1\nldxb r0, [r2]\nexit",
                 {out_of_bounds_read, 3, nowhere, 0, 0, 1});
}

// "Narrowly missed" is up to 64 KiB for the input memory, and up to half a frame for a frame.
TEST_P(memory_faults, near_miss_is_told_by_its_distance) {
    const auto at = [](std::string_view base, int64_t offset) {
        return fmt::format("mov r2, {}\nadd r2, {}\nldxb r0, [r2]\nexit", base, offset);
    };
    expect_fault(at("r1", 16 + 0xffff), {out_of_bounds_read, 2, input, 0, 16 + 0xffff, 1});
    expect_fault(at("r1", 16 + 0x10000), {out_of_bounds_read, 2, nowhere, 0, 0, 1});
    expect_fault(at("r1", -0xffff), {out_of_bounds_read, 2, input, 0, -0xffff, 1});
    expect_fault(at("r1", -0x10000), {out_of_bounds_read, 2, nowhere, 0, 0, 1});
    expect_fault(at("r10", 255), {out_of_bounds_read, 2, stack, 0, 512 + 255, 1});
    expect_fault(at("r10", 256), {out_of_bounds_read, 2, nowhere, 0, 0, 1});
    expect_fault(at("r10", -512 - 256), {out_of_bounds_read, 2, stack, 0, -256, 1});
    expect_fault(at("r10", -512 - 257), {out_of_bounds_read, 2, nowhere, 0, 0, 1});
    const auto in_callee = [&at](int64_t offset) {
        return "call local f\nexit\nf: " + at("r10", offset);
    };
    expect_fault(in_callee(255), {out_of_bounds_read, 4, stack, 1, 512 + 255, 1});
    expect_fault(in_callee(256), {out_of_bounds_read, 4, stack, 0, -256, 1});
    expect_fault(in_callee(-512 - 256), {out_of_bounds_read, 4, stack, 1, -256, 1});
    expect_fault(in_callee(-512 - 257), {out_of_bounds_read, 4, nowhere, 0, 0, 1});
}

TEST_P(memory_faults, every_kind_of_access_is_checked) {
    for (const std::string_view text :
         {"ldxb r0, [r2]", "ldxsb r0, [r2]", "load_acquire8 r0, [r2]"}) {
        expect_fault(fmt::format("mov r2, 0\n{}\nexit", text),
                     {out_of_bounds_read, 1, nowhere, 0, 0, 1});
    }
    for (const std::string_view text :
         {"stb [r2], 1", "stxb [r2], r3", "store_release8 [r2], r3"}) {
        expect_fault(fmt::format("mov r2, 0\n{}\nexit", text),
                     {out_of_bounds_write, 1, nowhere, 0, 0, 1});
    }
    for (const std::string_view op : {"add", "fetch add", "or", "fetch or", "and", "fetch and",
                                      "xor", "fetch xor", "xchg", "cmpxchg"}) {
        expect_fault(fmt::format("mov r2, 0\nlock {} [r2], r3\nexit", op),
                     {out_of_bounds_write, 1, nowhere, 0, 0, 8});
        expect_fault(fmt::format("mov r2, 0\nlock {}32 [r2], r3\nexit", op),
                     {out_of_bounds_write, 1, nowhere, 0, 0, 4});
    }
}

TEST_P(memory_faults, a_run_without_memory_has_none_at_address_0) {
    load("ldxb r0, [r1]\nexit");
    EXPECT_EQ(fault(), (fault_place{out_of_bounds_read, 0, nowhere, 0, 0, 1}));
    load("mov r0, r1\nor r0, r2\nexit");
    EXPECT_EQ(result(), 0U);
    uint8_t byte = 0;
    load("ldxb r0, [r1]\nexit");
    EXPECT_EQ(fault({&byte, 0}).kind, out_of_bounds_read) << "0 bytes";
}

TEST_P(memory_faults, input_memory_may_begin_at_any_address) {
    alignas(16) std::array<uint8_t, 32> bytes{};
    load(
        "ldxdw r2, [r1]\nadd r2, 1\nstxdw [r1], r2\nldxw r0, [r1+4]\nldxh r3, [r1+7]\nadd r0, "
        "r3\nexit");
    for (std::size_t start = 0; start < 16; ++start) {
        bytes.fill(0xff);
        EXPECT_EQ(result(std::span{bytes}.subspan(start, 9)), 0xff00U) << start;
        EXPECT_EQ(bytes[start + 8], 0xff);
        EXPECT_EQ(fault(std::span{bytes}.subspan(start, 7)),
                  (fault_place{out_of_bounds_read, 0, input, 0, 0, 8}));
    }
}

TEST_P(memory_faults, stores_before_a_fault_stay) {
    load("stdw [r1], 7\nstdw [r1+8], 8\nstdw [r1+16], 9\nexit");
    std::vector<uint64_t> memory(2);
    EXPECT_EQ(fault(memory_of(memory)), (fault_place{out_of_bounds_write, 2, input, 0, 16, 8}));
    EXPECT_EQ(memory, (std::vector<uint64_t>{7, 8}));
}

TEST_P(memory_faults, load_into_its_own_base_register_faults_before_it_writes) {
    // The fault has the address that the base held, wherever the engine keeps it.
    for (int reg = 0; reg < 10; ++reg) {
        expect_fault(fmt::format("mov r{0}, r1\nldxdw r{0}, [r{0}+12]\nexit", reg),
                     {out_of_bounds_read, 1, input, 0, 12, 8});
    }
}

// --- stack frames

TEST_P(memory_faults, frame_of_the_entry_function_has_edges) {
    EXPECT_EQ(
        value_of(
            "ldxb r0, [r10-512]\nldxdw r0, [r10-512]\nldxb r0, [r10-1]\nldxdw r0, [r10-8]\nexit"),
        0U);
    expect_fault("ldxb r0, [r10]\nexit", {out_of_bounds_read, 0, stack, 0, 512, 1});
    expect_fault("stb [r10+0], 1\nexit", {out_of_bounds_write, 0, stack, 0, 512, 1});
    expect_fault("ldxdw r0, [r10-4]\nexit", {out_of_bounds_read, 0, stack, 0, 508, 8});
    expect_fault("stdw [r10-7], 1\nexit", {out_of_bounds_write, 0, stack, 0, 505, 8});
    expect_fault("ldxb r0, [r10-513]\nexit", {out_of_bounds_read, 0, stack, 0, -1, 1});
    expect_fault("stxdw [r10-516], r1\nexit", {out_of_bounds_write, 0, stack, 0, -4, 8});
    expect_fault("stw [r10-516], 1\nexit", {out_of_bounds_write, 0, stack, 0, -4, 4});
}

TEST_P(memory_faults, frame_edges_move_with_the_frame_size) {
    for (const int size : {16, 64, 4096, 65536}) {
        set_limit(vm_limit::stack_size, static_cast<uint64_t>(size));
        EXPECT_EQ(value_of(fmt::format(
                      "mov r2, r10\nadd r2, -{}\nstdw [r2], 4\nldxdw r0, [r2]\nexit", size)),
                  4U);
        expect_fault(fmt::format("mov r2, r10\nadd r2, -{}\nldxb r0, [r2-1]\nexit", size),
                     {out_of_bounds_read, 2, stack, 0, -1, 1});
        expect_fault("ldxb r0, [r10]\nexit", {out_of_bounds_read, 0, stack, 0, size, 1});
    }
}

TEST_P(memory_faults, frame_of_a_callee_has_edges) {
    const auto in_callee = [](std::string_view text) {
        return fmt::format("call local f\nexit\nf: {}\nexit", text);
    };
    EXPECT_EQ(value_of(in_callee("stdw [r10-512], 1\nstdw [r10-8], 2\nldxdw r0, [r10-512]")), 1U);
    expect_fault(in_callee("ldxb r0, [r10]"), {out_of_bounds_read, 2, stack, 1, 512, 1});
    expect_fault(in_callee("ldxdw r0, [r10-1]"), {out_of_bounds_read, 2, stack, 1, 511, 8});
    expect_fault(in_callee("stb [r10-513], 1"), {out_of_bounds_write, 2, stack, 1, -1, 1});
    expect_fault(in_callee("stdw [r10-516], 1"), {out_of_bounds_write, 2, stack, 1, -4, 8});
    expect_fault(in_callee("call local g\nexit\ng: ldxb r0, [r10-513]"),
                 {out_of_bounds_read, 4, stack, 2, -1, 1});
}

TEST_P(memory_faults, callee_reaches_its_callers_frame_through_a_pointer) {
    EXPECT_EQ(value_of(R"(
        stdw [r10-512], 1
        mov r1, r10
        call local f
        ldxdw r0, [r10-512]
        exit
        f: ldxdw r2, [r1-512]
        add r2, 41
        stxdw [r1-512], r2
        lock add [r1-8], r2
        exit)"),
              42U);
}

TEST_P(memory_faults, callee_misses_its_callers_frame_by_a_byte) {
    const auto with_caller = [](std::string_view text) {
        return fmt::format("mov r1, r10\ncall local f\nexit\nf: {}\nexit", text);
    };
    expect_fault(with_caller("ldxb r0, [r1]"), {out_of_bounds_read, 3, stack, 0, 512, 1});
    expect_fault(with_caller("ldxdw r0, [r1-4]"), {out_of_bounds_read, 3, stack, 0, 508, 8});
    expect_fault(with_caller("stb [r1-513], 1"), {out_of_bounds_write, 3, stack, 0, -1, 1});
    expect_fault(with_caller("stdw [r1-516], 1"), {out_of_bounds_write, 3, stack, 0, -4, 8});
}

TEST_P(memory_faults, frame_dies_with_its_function) {
    expect_fault("call local f\nldxdw r1, [r0-8]\nexit\nf: mov r0, r10\nstdw [r0-8], 1\nexit",
                 {out_of_bounds_read, 1, nowhere, 0, 0, 8});
    // While another function lives at the same depth, the address is that one's.
    EXPECT_EQ(
        value_of(
            "call local f\nmov r1, r0\ncall local g\nexit\nf: mov r0, r10\nstdw [r0-8], 1\nexit\n"
            "g: ldxdw r0, [r1-8]\nexit"),
        0U);
}

TEST_P(memory_faults, deeper_frames_are_not_there_before_their_call) {
    // 512 bytes of gap below each frame: 1,536 bytes below r10 lies the frame that a callee would
    // get.
    expect_fault("mov r2, r10\nadd r2, -1536\nldxb r0, [r2]\nexit",
                 {out_of_bounds_read, 2, nowhere, 0, 0, 1});
    expect_fault("mov r2, r10\nadd r2, -1536\nstdw [r2], 1\ncall local f\nexit\nf: exit",
                 {out_of_bounds_write, 2, nowhere, 0, 0, 8});
}

// --- pointers that were forged

TEST_P(memory_faults, slot_is_reached_from_a_packet_pointer) {
    EXPECT_EQ(value_of(R"(
        stdw [r10-8], 1
        mov r2, r10
        add r2, -8
        mov r3, r2
        sub r3, r1              # slot - packet
        mov r4, r1
        add r4, r3              # packet + (slot - packet)
        stdw [r4], 42
        ldxdw r0, [r10-8]
        stdw [r10-8], 43
        ldxdw r5, [r4]
        mul r0, 100
        add r0, r5
        exit)"),
              4243U);
}

TEST_P(memory_faults, packet_is_reached_from_a_slot_pointer) {
    EXPECT_EQ(value_of(R"(
        mov r3, r1
        sub r3, r10
        stdw [r1], 5
        mov r4, r10
        add r4, r3
        ldxdw r0, [r4]
        stdw [r4+8], 6
        ldxdw r5, [r1+8]
        add r0, r5
        exit)"),
              11U);
}

TEST_P(memory_faults, pointer_survives_memory_xor_and_helpers) {
    EXPECT_EQ(value_of(R"(
        mov r6, r1
        stdw [r10-16], 7
        mov r2, r10
        add r2, -16
        stxw [r6], r2           # in halves through the packet
        rsh r2, 32
        stxw [r6+4], r2
        ldxdw r3, [r6]
        lddw r4, 0x5555555555555555
        xor r3, r4
        stxdw [r10-8], r3
        ldxdw r1, [r10-8]
        xor r1, r4
        call 2
        ldxdw r1, [r0]
        stdw [r0], 1
        ldxdw r0, [r10-16]
        mul r1, 10
        add r0, r1
        exit)"),
              71U);
}

TEST_P(memory_faults, forged_pointer_beyond_its_slot_is_checked_as_any_other) {
    expect_fault("mov r3, r10\nsub r3, r1\nadd r3, r1\nldxb r0, [r3]\nexit",
                 {out_of_bounds_read, 3, stack, 0, 512, 1});
    expect_fault("mov r3, r1\nsub r3, r10\nadd r3, r10\nldxdw r0, [r3+9]\nexit",
                 {out_of_bounds_read, 3, input, 0, 9, 8});
}

TEST_P(memory_faults, index_from_memory_is_checked_at_run_time) {
    load("ldxdw r2, [r1]\nmov r3, r1\nadd r3, r2\nldxdw r0, [r3]\nstxdw [r3], r2\nexit");
    for (int64_t index = -20; index <= 40; ++index) {
        std::array<uint64_t, 4> memory{static_cast<uint64_t>(index), 1, 2, 3};
        if (index >= 0 and index <= 24) {
            result(memory_of(memory));
            uint64_t stored = 0;
            std::memcpy(&stored, reinterpret_cast<const char *>(memory.data()) + index, 8);
            EXPECT_EQ(stored, static_cast<uint64_t>(index));
        } else {
            EXPECT_EQ(fault(memory_of(memory)),
                      (fault_place{out_of_bounds_read, 3, input, 0, index, 8}));
        }
    }
}

// --- registered memory, memory of a run

/// Loads through the address in the first word of the input memory.
constexpr std::string_view read_there = "ldxdw r2, [r1]\nldxdw r0, [r2]\nexit";
constexpr std::string_view write_there = "ldxdw r2, [r1]\nstdw [r2], 5\nexit";

/// Input memory with one address in it.
struct address_in_memory {
    explicit address_in_memory(const void *at, int64_t offset = 0)
        : words{reinterpret_cast<uintptr_t>(at) + static_cast<uint64_t>(offset)} {}
    std::array<uint64_t, 1> words;
    operator std::span<uint8_t>() { return memory_of(words); }
};

TEST_P(memory_faults, registered_region_is_read_and_written) {
    std::vector<uint64_t> region{1, 2};
    load(read_there);
    EXPECT_EQ(fault(address_in_memory{region.data()}),
              (fault_place{out_of_bounds_read, 1, nowhere, 0, 0, 8}));
    ASSERT_EQ(vm().register_region(region.data(), 16, EBPF_PERM_READ_WRITE), 0);
    EXPECT_EQ(result(address_in_memory{region.data(), 8}), 2U);
    EXPECT_EQ(fault(address_in_memory{region.data(), 9}),
              (fault_place{out_of_bounds_read, 1, registered, 0, 9, 8}));
    load(write_there);
    result(address_in_memory{region.data()});
    EXPECT_EQ(region[0], 5U);
    ASSERT_EQ(vm().unregister_region(region.data()), 0);
    EXPECT_EQ(fault(address_in_memory{region.data()}),
              (fault_place{out_of_bounds_write, 1, nowhere, 0, 0, 8}));
    EXPECT_EQ(vm().unregister_region(region.data()), EBPF_ERROR_NOT_FOUND);
}

TEST_P(memory_faults, read_only_memory_is_not_written) {
    std::vector<uint64_t> first(1), second{3, 4};
    ASSERT_EQ(vm().register_region(first.data(), 8, EBPF_PERM_READ_WRITE), 0);
    ASSERT_EQ(vm().register_region(second.data(), 16, EBPF_PERM_READ), 0);
    load(read_there);
    EXPECT_EQ(result(address_in_memory{second.data(), 8}), 4U);
    load(write_there);
    EXPECT_EQ(fault(address_in_memory{second.data(), 8}),
              (fault_place{read_only_write, 1, registered, 1, 8, 8}));
    EXPECT_EQ(fault(address_in_memory{second.data(), 12}),
              (fault_place{out_of_bounds_write, 1, registered, 1, 12, 8}));
    for (const std::string_view op : {"add", "fetch add", "xchg", "cmpxchg"}) {
        load(fmt::format("ldxdw r2, [r1]\nlock {} [r2], r3\nexit", op));
        EXPECT_EQ(fault(address_in_memory{second.data()}),
                  (fault_place{read_only_write, 1, registered, 1, 0, 8}));
    }
    EXPECT_EQ(second, (std::vector<uint64_t>{3, 4}));
    load("ldxdw r2, [r1]\nload_acquire64 r0, [r2]\nexit");
    EXPECT_EQ(result(address_in_memory{second.data()}), 3U) << "an atomic that only reads";
}

TEST_P(memory_faults, write_only_memory_is_not_read) {
    std::vector<uint64_t> region{3};
    ASSERT_EQ(vm().register_region(region.data(), 8, EBPF_PERM_WRITE), 0);
    load(read_there);
    EXPECT_EQ(fault(address_in_memory{region.data()}),
              (fault_place{out_of_bounds_read, 1, registered, 0, 0, 8}));
    load("ldxdw r2, [r1]\nlock add [r2], r2\nexit");
    EXPECT_EQ(fault(address_in_memory{region.data()}),
              (fault_place{out_of_bounds_read, 1, registered, 0, 0, 8}));
    EXPECT_EQ(region[0], 3U);
    load(write_there);
    result(address_in_memory{region.data()});
    EXPECT_EQ(region[0], 5U);
}

TEST_P(memory_faults, access_across_two_adjacent_regions_belongs_to_neither) {
    std::vector<uint64_t> both{1, 2};
    ASSERT_EQ(vm().register_region(&both[0], 8, EBPF_PERM_READ_WRITE), 0);
    ASSERT_EQ(vm().register_region(&both[1], 8, EBPF_PERM_READ_WRITE), 0);
    load(read_there);
    EXPECT_EQ(result(address_in_memory{&both[1]}), 2U);
    EXPECT_EQ(fault(address_in_memory{both.data(), 4}),
              (fault_place{out_of_bounds_read, 1, registered, 0, 4, 8}));
}

TEST_P(memory_faults, regions_of_a_run_are_that_runs_alone) {
    std::vector<uint64_t> a{1}, b{2};
    const ebpf_region regions[] = {{a.data(), 8, EBPF_PERM_READ},
                                   {b.data(), 8, EBPF_PERM_READ_WRITE}};
    const auto exec = [&](address_in_memory memory, int64_t &r0) {
        return vm().exec_regions(memory.words.data(), 8, regions, 2, r0);
    };
    int64_t r0 = 0;
    load(read_there);
    EXPECT_EQ(exec(address_in_memory{a.data()}, r0), 0);
    EXPECT_EQ(r0, 1);
    EXPECT_EQ(exec(address_in_memory{b.data()}, r0), 0);
    EXPECT_EQ(r0, 2);
    EXPECT_EQ(exec(address_in_memory{b.data(), 4}, r0), EBPF_ERROR_FAULT);
    EXPECT_EQ(place_of(compat::last_fault()),
              (fault_place{out_of_bounds_read, 1, of_run, 1, 4, 8}));
    load(write_there);
    EXPECT_EQ(exec(address_in_memory{a.data()}, r0), EBPF_ERROR_FAULT);
    EXPECT_EQ(place_of(compat::last_fault()), (fault_place{read_only_write, 1, of_run, 0, 0, 8}));
    EXPECT_EQ(fault(address_in_memory{b.data()}),
              (fault_place{out_of_bounds_write, 1, nowhere, 0, 0, 8}));
    EXPECT_EQ(exec(address_in_memory{b.data()}, r0), 0);
    EXPECT_EQ(b[0], 5U);
}

// --- granted memory

/// A helper that grants `bytes` bytes at `at` to the program that calls it, and returns the
/// address.
struct granting_helper {
    void *at;
    size_t bytes;
    unsigned permission;

    static uint64_t call(void *self, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
        const auto *const g = static_cast<const granting_helper *>(self);
        EXPECT_EQ(ebpf_grant(g->at, g->bytes, g->permission), 0);
        return reinterpret_cast<uintptr_t>(g->at);
    }

    ebpf_helper declaration() {
        ebpf_helper helper{};
        helper.id = 9;
        helper.ctx_fn = call;
        helper.context = this;
        return helper;
    }
};

TEST_P(memory_faults, granted_memory_lasts_for_the_run) {
    std::vector<uint64_t> memory{6, 7};
    granting_helper g{memory.data(), 16, EBPF_PERM_READ_WRITE};
    ASSERT_EQ(vm().register_helper(g.declaration()), 0);
    load("call 9\nmov r6, r0\ncall 3\nldxdw r0, [r6+8]\nstdw [r6], 1\nexit");
    EXPECT_EQ(result(), 7U);
    EXPECT_EQ(memory[0], 1U);
    load("call local f\nldxdw r0, [r0]\nexit\nf: call 9\nexit");
    EXPECT_EQ(result(), 1U) << "granted in a callee";
    load("call 9\nldxb r0, [r0+16]\nexit");
    EXPECT_EQ(fault().kind, out_of_bounds_read);
    load("call 9\nldxdw r0, [r0+12]\nexit");
    EXPECT_EQ(fault(), (fault_place{out_of_bounds_read, 1, granted, 0, 12, 8}));
    load(read_there);
    EXPECT_EQ(fault(address_in_memory{memory.data()}),
              (fault_place{out_of_bounds_read, 1, nowhere, 0, 0, 8}))
        << "the next run";
    EXPECT_EQ(ebpf_grant(memory.data(), 16, EBPF_PERM_READ), EBPF_ERROR_INVALID_ARGUMENT)
        << "outside a run";
}

TEST_P(memory_faults, granted_memory_may_be_read_only) {
    std::vector<uint64_t> memory{6, 7};
    granting_helper g{memory.data(), 16, EBPF_PERM_READ};
    ASSERT_EQ(vm().register_helper(g.declaration()), 0);
    load("call 9\nldxdw r6, [r0]\nstxdw [r0+8], r6\nexit");
    EXPECT_EQ(fault(), (fault_place{read_only_write, 2, granted, 0, 8, 8}));
    EXPECT_EQ(memory[1], 7U);
}

TEST_P(memory_faults, read_only_grant_inside_a_writable_one_takes_nothing_away) {
    std::vector<uint64_t> memory{6, 7};
    granting_helper whole{memory.data(), 16, EBPF_PERM_READ_WRITE};
    ASSERT_EQ(vm().register_helper(whole.declaration()), 0);
    granting_helper part{memory.data(), 8, EBPF_PERM_READ};
    auto second = part.declaration();
    second.id = 10;
    ASSERT_EQ(vm().register_helper(second), 0);
    load("call 9\ncall 10\nstdw [r0], 1\nldxdw r0, [r0]\nexit");
    EXPECT_EQ(result(), 1U);
}

TEST_P(memory_faults, declared_result_of_a_helper_is_granted) {
    static std::array<uint64_t, 2> value{};
    value = {8, 9};
    ebpf_helper helper{};
    helper.id = 9;
    helper.fn = [](uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
        return r1 == 0 ? uint64_t{0} : reinterpret_cast<uintptr_t>(value.data());
    };
    helper.result = EBPF_RESULT_POINTER_OR_NULL;
    helper.result_size = 8;
    ASSERT_EQ(vm().register_helper(helper), 0);
    load("mov r1, 1\ncall 9\nldxdw r6, [r0]\nstdw [r0], 3\nmov r0, r6\nexit");
    EXPECT_EQ(result(), 8U);
    EXPECT_EQ(value[0], 3U);
    load("mov r1, 1\ncall 9\nldxdw r0, [r0+4]\nexit");
    EXPECT_EQ(fault(), (fault_place{out_of_bounds_read, 2, granted, 0, 4, 8}));
    load("mov r1, 0\ncall 9\nldxdw r0, [r0]\nexit");
    EXPECT_EQ(fault(), (fault_place{out_of_bounds_read, 2, nowhere, 0, 0, 8}));
}

TEST_P(memory_faults, declared_memory_arguments_are_checked_at_the_call) {
    ebpf_helper helper{};
    helper.id = 9;
    helper.fn = [](uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t {
        return r1 != 0;
    };
    helper.arguments[0] = {EBPF_ARG_MEMORY_WRITE, 8, 0};
    helper.arguments[1] = {EBPF_ARG_MEMORY_READ, 4, 1};
    ASSERT_EQ(vm().register_helper(helper), 0);
    EXPECT_EQ(value_of("mov r2, 0\ncall 9\nexit"), 1U);
    EXPECT_EQ(value_of("mov r1, r10\nadd r1, -8\nmov r2, r1\ncall 9\nexit"), 1U);
    expect_fault("add r1, 9\nmov r2, 0\ncall 9\nexit", {out_of_bounds_write, 2, input, 0, 9, 8});
    expect_fault("mov r2, r1\nadd r2, 13\ncall 9\nexit", {out_of_bounds_read, 2, input, 0, 13, 4});
    expect_fault("mov r1, 0\nmov r2, 0\ncall 9\nexit", {out_of_bounds_write, 2, nowhere, 0, 0, 8});
    expect_fault("mov r6, 9\nmov r1, 0\ncall r6\nexit", {out_of_bounds_write, 2, nowhere, 0, 0, 8});
}

/// What was last found to be readable says nothing about writing, nor about small addresses.
TEST_P(memory_faults, reading_read_only_memory_allows_no_write) {
    const std::array<uint64_t, 8> constants{7};
    ASSERT_EQ(vm().register_region(const_cast<uint64_t *>(constants.data()), sizeof constants,
                                   EBPF_PERM_READ),
              0);
    load(R"(
        ldxdw r3, [r1]
        ldxdw r4, [r1+8]
        ldxdw r0, [r3]
        ldxdw r0, [r3+8]
        stxdw [r4], r0
        exit)");
    for (const uint64_t at : {uint64_t{0}, uint64_t{1}, uint64_t{40}, ~uint64_t{0},
                              uint64_t{1} << 63, ~uint64_t{0} - 8}) {
        std::vector<uint64_t> memory{reinterpret_cast<uintptr_t>(constants.data()), at};
        EXPECT_EQ(fault(memory_of(memory)),
                  (fault_place{.kind = fault_kind::out_of_bounds_write, .pc = 4, .size = 8}))
            << at;
    }
    std::vector<uint64_t> memory{reinterpret_cast<uintptr_t>(constants.data()),
                                 reinterpret_cast<uintptr_t>(constants.data())};
    EXPECT_EQ(fault(memory_of(memory)).kind, fault_kind::read_only_write);
}

INSTANTIATE_TEST_SUITE_P(all, memory_faults, testing::ValuesIn(engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(proving, memory_faults, testing::ValuesIn(proving_engines()),
                         engine_name{});
INSTANTIATE_TEST_SUITE_P(barring, memory_faults, testing::ValuesIn(barring_engines()),
                         engine_name{});

}  // namespace

}  // namespace bpftime::vm::test
