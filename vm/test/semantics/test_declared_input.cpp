// bpftime-vm: runs whose input memory the host has said something of (ebpf_declare_input())
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Engines may rely on what was said, so each run has to see to it: and where a program might write
// what was believed, the write has to fault.
#include "compat/run.hpp"
#include "ebpf-vm.h"
#include "vm_fixture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <initializer_list>
#include <stdexcept>
#include <string>

namespace bpftime::vm::test {

namespace {

constexpr uint32_t move_id = 60;
constexpr uint32_t fill_id = 61;
constexpr uint32_t go_on_id = 62;
constexpr uint32_t call_id = 63;
constexpr uint32_t throw_id = 64;

/// What programs get: where their packet is, and a word of their own.
struct context {
    uint64_t data = 0;
    uint64_t end = 0;
    uint64_t meta = 0;
    uint64_t number = 0;
};

constexpr ebpf_input read_only{.least_size = sizeof(context),
                               .permission = EBPF_PERM_READ,
                               .alignment = 8,
                               .packet_permission = 0,
                               .data_offset = 0,
                               .data_end_offset = 0,
                               .data_meta_offset = EBPF_NO_OFFSET};

ebpf_input with_packet(uint32_t permission = EBPF_PERM_READ_WRITE) {
    ebpf_input input = read_only;
    input.packet_permission = permission;
    input.data_offset = offsetof(context, data);
    input.data_end_offset = offsetof(context, end);
    input.data_meta_offset = offsetof(context, meta);
    return input;
}

uint64_t address_of(const void *p) { return reinterpret_cast<uintptr_t>(p); }

class declared_input : public vm_fixture {
public:
    /// As a helper does it: four bytes, elsewhere.
    void move_packet() {
        context_.meta = context_.data = address_of(other_.data());
        context_.end = context_.data + 4;
        EXPECT_EQ(ebpf_grant(other_.data(), 4, EBPF_PERM_READ_WRITE), EBPF_OK);
    }

protected:
    void declare(const ebpf_input &input) {
        ASSERT_EQ(vm().declare_input(&input), EBPF_OK) << vm().error_message();
    }
    void add_helper(uint32_t id, ebpf_ctx_helper_fn fn, std::initializer_list<ebpf_argument> takes,
                    ebpf_result_kind result = EBPF_RESULT_SCALAR, uint32_t result_size = 0) {
        ebpf_helper h{};
        h.id = id;
        h.name = "helper";
        h.ctx_fn = fn;
        h.context = this;
        std::ranges::copy(takes, h.arguments);
        h.result = result;
        h.result_size = result_size;
        ASSERT_EQ(vm().register_helper(h), EBPF_OK) << vm().error_message();
    }

    void place_packet(std::size_t size, std::size_t meta_bytes = 0) {
        context_.meta = address_of(packet_.data());
        context_.data = context_.meta + meta_bytes;
        context_.end = context_.data + size;
    }
    /// A run with the packet's bytes as its region.
    int64_t run(ebpf_vm &on, uint64_t &r0, unsigned permission = EBPF_PERM_READ_WRITE) {
        const ebpf_region region{packet_.data(), packet_.size(), permission};
        int64_t result = 0;
        const int64_t code = on.exec_regions(&context_, sizeof context_, &region, 1, result);
        r0 = static_cast<uint64_t>(result);
        return code;
    }
    uint64_t packet_result() {
        uint64_t r0 = 0;
        EXPECT_EQ(run(vm(), r0), EBPF_OK) << vm().error_message();
        return r0;
    }
    fault_place packet_fault(unsigned permission = EBPF_PERM_READ_WRITE) {
        uint64_t r0 = 0;
        EXPECT_EQ(run(vm(), r0, permission), EBPF_ERROR_FAULT);
        return place_of(compat::last_fault());
    }
    std::span<uint8_t> context_bytes() {
        return {reinterpret_cast<uint8_t *>(&context_), sizeof context_};
    }

    context context_;
    std::array<uint8_t, 64> packet_{};
    std::array<uint8_t, 16> other_{};
};

constexpr fault_place refused{.kind = fault_kind::bad_input,
                              .pc = 0,
                              .region = region_kind::input,
                              .index = 0,
                              .offset = 0,
                              .size = sizeof(context)};

TEST_P(declared_input, refuses_runs_with_less_memory) {
    load("mov r0, 7\nexit");
    declare(read_only);
    EXPECT_EQ(result(context_bytes()), 7U);
    EXPECT_EQ(fault(context_bytes().first(sizeof(context) - 1)), refused);
    EXPECT_NE(vm().error_message().find("ebpf_declare_input"), std::string::npos);
    EXPECT_NE(vm().error_message().find("it has 31 bytes, and was said to have at least 32"),
              std::string::npos)
        << vm().error_message();
    EXPECT_EQ(fault(), refused);
    ASSERT_EQ(vm().declare_input(nullptr), EBPF_OK);
    EXPECT_EQ(result(), 7U);
}

TEST_P(declared_input, refuses_runs_with_memory_at_other_places) {
    load("mov r0, 7\nexit");
    declare(read_only);
    alignas(8) std::array<uint8_t, sizeof(context) + 8> bytes{};
    EXPECT_EQ(result(std::span{bytes}.subspan(8)), 7U);
    EXPECT_EQ(fault(std::span{bytes}.subspan(4)), refused);
}

TEST_P(declared_input, refuses_calls_of_native_code) {
    load("mov r0, 7\nexit");
    declare(read_only);
    const compat::precompiled_ebpf_function entry = vm().compile();
    if (entry == nullptr) GTEST_SKIP() << "no native code";
    EXPECT_EQ(entry(&context_, sizeof context_), 7U);
    EXPECT_EQ(entry(&context_, 8), UINT64_MAX);
    EXPECT_EQ(place_of(compat::last_fault()), refused);
}

/// What it relies on is what was said when it was made.
TEST_P(declared_input, is_looked_at_by_native_code_that_was_made_for_it) {
    load("ldxdw r0, [r1+24]\nexit");
    declare(read_only);
    const compat::precompiled_ebpf_function entry = vm().compile();
    if (entry == nullptr) GTEST_SKIP() << "no native code";
    context_.number = 9;
    ASSERT_EQ(vm().declare_input(nullptr), EBPF_OK);
    EXPECT_EQ(entry(&context_, sizeof context_), 9U);
    EXPECT_EQ(entry(&context_, 8), UINT64_MAX);
    EXPECT_EQ(place_of(compat::last_fault()), refused);
}

/// No memory is so long, or at the end of all addresses: what is proven reckons with that.
TEST_P(declared_input, is_refused_if_it_cannot_be_memory) {
    load("mov r0, 7\nexit");
    const compat::precompiled_ebpf_function entry = vm().compile();
    if (entry == nullptr) GTEST_SKIP() << "no native code";
    constexpr std::size_t most = std::size_t{1} << 56;
    EXPECT_EQ(entry(&context_, most), 7U);
    EXPECT_EQ(entry(nullptr, most + 1), 7U) << "that is no memory";
    const auto expect_refused = [&](void *memory, std::size_t bytes) {
        EXPECT_EQ(entry(memory, bytes), UINT64_MAX);
        EXPECT_EQ(place_of(compat::last_fault()), (fault_place{.kind = fault_kind::bad_input,
                                                               .pc = 0,
                                                               .region = region_kind::input,
                                                               .index = 0,
                                                               .offset = 0,
                                                               .size = bytes}));
    };
    expect_refused(&context_, most + 1);
    expect_refused(&context_, SIZE_MAX);
    expect_refused(reinterpret_cast<void *>(UINTPTR_MAX), 0);
    int64_t r0 = 0;
    EXPECT_EQ(vm().exec(reinterpret_cast<void *>(UINTPTR_MAX), 0, r0), EBPF_ERROR_INVALID_ARGUMENT);
}

/// r6 = the context, as a number that no compiler knows: the context has it.
constexpr std::string_view hidden = "ldxdw r6, [r1+24]\n";

TEST_P(declared_input, that_is_read_only_is_not_written) {
    context_.number = address_of(&context_);
    declare(read_only);
    const fault_place at_8{.kind = fault_kind::read_only_write,
                           .pc = 1,
                           .region = region_kind::input,
                           .index = 0,
                           .offset = 8,
                           .size = 8};
    for (const std::string_view base : {"r1", "r6"}) {
        const std::string to = "[" + std::string{base} + "+8]";
        for (const std::string &write :
             {"stxdw " + to + ", r2", "stdw " + to + ", 1", "lock add " + to + ", r2",
              "lock or " + to + ", r2", "lock and " + to + ", r2", "lock xor " + to + ", r2",
              "lock fetch add " + to + ", r2", "lock fetch xor " + to + ", r2",
              "lock xchg " + to + ", r2", "lock cmpxchg " + to + ", r2",
              "store_release64 " + to + ", r2"}) {
            load(std::string{hidden} + write + "\nmov r0, 0\nexit");
            EXPECT_EQ(fault(context_bytes()), at_8) << write;
        }
        // A check that lets read lets nobody write.
        load(std::string{hidden} + "ldxdw r0, " + to + "\nstxdw " + to + ", r2\nexit");
        fault_place later = at_8;
        later.pc = 2;
        EXPECT_EQ(fault(context_bytes()), later) << base;
    }
    EXPECT_EQ(context_.end, 0U);
    load(std::string{hidden} + "ldxdw r0, [r6+24]\nsub r0, r1\nexit");
    EXPECT_EQ(result(context_bytes()), 0U);
}

/// What is read around a place lets nobody write there, before it or behind.
TEST_P(declared_input, that_is_read_only_is_not_written_where_it_is_read) {
    context_.number = address_of(&context_);
    declare(read_only);
    load(std::string{hidden} + R"(
        ldxdw r2, [r6+0]
        ldxdw r3, [r6+8]
        ldxdw r4, [r6+24]
        add r2, r3
        stxdw [r6+16], r2
        ldxdw r5, [r6+16]
        exit)");
    fault_place at{.kind = fault_kind::read_only_write,
                   .pc = 5,
                   .region = region_kind::input,
                   .index = 0,
                   .offset = 16,
                   .size = 8};
    EXPECT_EQ(fault(context_bytes()), at);
    load(std::string{hidden} + R"(
        mov r3, 0
        again: ldxb r4, [r6+0]
        ldxb r5, [r6+1]
        add r4, r5
        jlt r3, 7, over
        stxb [r6+1], r4
        over: ldxb r5, [r6+2]
        add r6, 1
        add r3, 1
        jlt r3, 20, again
        exit)");
    at.pc = 6;
    at.offset = 8;
    at.size = 1;
    EXPECT_EQ(fault(context_bytes()), at);
    EXPECT_EQ(context_.end, 0U);
}

TEST_P(declared_input, that_is_read_only_is_not_written_in_loops) {
    declare(read_only);
    load(R"(
        mov r3, 0
        again: stxb [r1+0], r3
        add r1, 1
        add r3, 1
        jlt r3, 8, again
        exit)");
    EXPECT_EQ(fault(context_bytes()).kind, fault_kind::read_only_write);
    EXPECT_EQ(context_.data, 0U);
}

TEST_P(declared_input, that_is_read_only_is_not_written_by_helpers) {
    declare(read_only);
    add_helper(fill_id,
               [](void *, uint64_t at, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t {
                   std::memset(reinterpret_cast<void *>(at), 0xff, 8);
                   return 0;
               },
               {{EBPF_ARG_MEMORY_WRITE, 8, 0}});
    load("call 61\nexit");
    EXPECT_EQ(fault(context_bytes()).kind, fault_kind::read_only_write);
    EXPECT_EQ(context_.data, 0U);
    add_helper(fill_id,
               [](void *, uint64_t, uint64_t at, uint64_t size, uint64_t, uint64_t) -> uint64_t {
                   std::memset(reinterpret_cast<void *>(at), 0xff, size);
                   return 0;
               },
               {{EBPF_ARG_MEMORY_READ, 8, 0},
                {EBPF_ARG_MEMORY_READ_WRITE, 0, 0},
                {EBPF_ARG_MEMORY_SIZE, 0, 0}});
    load("mov r2, r1\nmov r3, 1\ncall 61\nexit");
    EXPECT_EQ(fault(context_bytes()).kind, fault_kind::read_only_write);
    EXPECT_EQ(context_.data, 0U);
    load("mov r2, r1\nmov r3, 0\ncall 61\nexit");
    EXPECT_EQ(result(context_bytes()), 0U);
}

/// r2 = data, r3 = data_end; out: r0 = 77.
constexpr std::string_view bounded = R"(
        ldxdw r2, [r1+0]
        ldxdw r3, [r1+8]
        mov r0, 77
        mov r4, r2
        add r4, 8
        jgt r4, r3, out
        )";

TEST_P(declared_input, has_a_packet_that_is_read_and_written_as_far_as_it_goes) {
    declare(with_packet());
    load(std::string{bounded} + "ldxdw r0, [r2+0]\nstdw [r2+0], 5\nout: exit");
    packet_[0] = 9;
    place_packet(8);
    EXPECT_EQ(packet_result(), 9U);
    EXPECT_EQ(packet_[0], 5);
    place_packet(7);
    EXPECT_EQ(packet_result(), 77U);
    // What was not compared is in the run's memory all the same, up to its end.
    load("ldxdw r2, [r1+0]\nldxdw r0, [r2+56]\nldxb r0, [r2+64]\nexit");
    EXPECT_EQ(packet_fault(), (fault_place{.kind = fault_kind::out_of_bounds_read,
                                           .pc = 2,
                                           .region = region_kind::run,
                                           .index = 0,
                                           .offset = 64,
                                           .size = 1}));
}

TEST_P(declared_input, has_a_packet_that_may_be_read_only) {
    declare(with_packet(EBPF_PERM_READ));
    load(std::string{bounded} + "ldxdw r0, [r2+0]\nstdw [r2+0], 5\nout: exit");
    place_packet(8);
    const fault_place at = packet_fault(EBPF_PERM_READ);
    EXPECT_EQ(at.kind, fault_kind::read_only_write);
    EXPECT_EQ(at.pc, 7U);
}

TEST_P(declared_input, has_metadata_before_the_packet) {
    declare(with_packet());
    load(R"(
        ldxdw r2, [r1+16]
        ldxdw r3, [r1+0]
        mov r0, 77
        mov r4, r2
        add r4, 4
        jgt r4, r3, out
        ldxw r0, [r2+0]
        out: exit)");
    packet_[0] = 3;
    place_packet(20, 4);
    EXPECT_EQ(packet_result(), 3U);
    place_packet(20, 3);
    EXPECT_EQ(packet_result(), 77U);
}

TEST_P(declared_input, refuses_packets_that_are_not_there) {
    const fault_place no_packet{.kind = fault_kind::bad_input,
                                .pc = 0,
                                .region = region_kind::input,
                                .index = 0,
                                .offset = 0,
                                .size = 8};
    declare(with_packet());
    load("mov r0, 7\nexit");
    place_packet(packet_.size());
    EXPECT_EQ(packet_result(), 7U);
    place_packet(packet_.size() + 1);
    EXPECT_EQ(packet_fault(), no_packet);
    place_packet(8);
    std::swap(context_.data, context_.end);
    EXPECT_EQ(packet_fault(), no_packet);
    place_packet(8);
    context_.meta += 1;
    EXPECT_EQ(packet_fault(), no_packet);
    place_packet(8);
    EXPECT_EQ(packet_fault(EBPF_PERM_READ), no_packet);
    place_packet(0);
    EXPECT_EQ(packet_result(), 7U);
    // Nobody is in two pieces of memory.
    place_packet(8);
    const std::array regions{ebpf_region{packet_.data(), 4, EBPF_PERM_READ_WRITE},
                             ebpf_region{packet_.data() + 4, 4, EBPF_PERM_READ_WRITE}};
    int64_t r0 = 0;
    EXPECT_EQ(vm().exec_regions(&context_, sizeof context_, regions.data(), regions.size(), r0),
              EBPF_ERROR_FAULT);
    EXPECT_EQ(place_of(compat::last_fault()), no_packet);
}

/// Behind the end of an empty packet addresses are greater ones.
TEST_P(declared_input, refuses_empty_packets_at_the_end_of_all_addresses) {
    declare(with_packet());
    load("mov r0, 7\nexit");
    for (const uint64_t at : {uint64_t{0}, uint64_t{1} << 63, ~uint64_t{0} - (uint64_t{1} << 58)}) {
        context_.meta = context_.data = context_.end = at;
        EXPECT_EQ(packet_result(), 7U) << at;
    }
    for (const uint64_t at : {~uint64_t{0}, ~uint64_t{0} - (uint64_t{1} << 58) + 1}) {
        context_.meta = context_.data = context_.end = at;
        EXPECT_EQ(packet_fault().kind, fault_kind::bad_input) << at;
    }
}

TEST_P(declared_input, refuses_words_that_programs_could_write) {
    declare(with_packet());
    load("mov r0, 7\nexit");
    place_packet(8);
    ASSERT_EQ(vm().register_region(&context_.data, 1, EBPF_PERM_READ), EBPF_OK);
    EXPECT_EQ(packet_result(), 7U);
    ASSERT_EQ(vm().register_region(&context_.number, 1, EBPF_PERM_WRITE), EBPF_OK);
    EXPECT_EQ(packet_fault().kind, fault_kind::bad_input);
    ASSERT_EQ(vm().unregister_region(&context_.number), EBPF_OK);
    EXPECT_EQ(packet_result(), 7U);
}

/// What was compared with the old end says nothing of the new packet, which is shorter.
TEST_P(declared_input, has_another_packet_behind_helpers_that_take_it) {
    declare(with_packet());
    const auto move = [](void *fixture, uint64_t, uint64_t, uint64_t, uint64_t,
                         uint64_t) -> uint64_t {
        static_cast<declared_input *>(fixture)->move_packet();
        return 0;
    };
    constexpr std::string_view moves = R"(
        mov r6, r1
        ldxdw r2, [r1+0]
        ldxdw r3, [r1+8]
        mov r0, 77
        mov r4, r2
        add r4, 8
        jgt r4, r3, out
        call 60
        ldxdw r2, [r6+0]
        ldxb r0, [r2+3]
        ldxb r0, [r2+4]
        out: exit)";
    const auto expect_another = [&] {
        load(moves);
        place_packet(8);
        const fault_place at = packet_fault();
        EXPECT_EQ(at.kind, fault_kind::out_of_bounds_read);
        EXPECT_EQ(at.pc, 10U);
    };
    add_helper(move_id, move, {{EBPF_ARG_CONTEXT, 0, 0}});
    expect_another();
    // Of what is not declared nobody knows what it is: here only the result is.
    add_helper(move_id, move, {}, EBPF_RESULT_POINTER_OR_NULL, 8);
    expect_another();
}

// --- other programs in the same run

class declared_for_two : public declared_input {
protected:
    declared_for_two() : other_vm_{make_vm(GetParam())} {
        add_helper(
            go_on_id,
            [](void *fixture, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t {
                return address_of(static_cast<declared_for_two *>(fixture)->other_vm_.get());
            },
            {{EBPF_ARG_CONTEXT, 0, 0}}, EBPF_RESULT_TAIL_CALL);
    }
    void load_other(std::string_view text) {
        const auto code = assemble(text);
        ASSERT_EQ(other_vm_->load_code(code.data(), code.size()), EBPF_OK)
            << other_vm_->error_message();
    }

    std::unique_ptr<ebpf_vm> other_vm_;
};

TEST_P(declared_for_two, the_next_program_s_input_is_looked_at_when_it_begins) {
    const ebpf_input input = with_packet();
    ASSERT_EQ(other_vm_->declare_input(&input), EBPF_OK);
    load_other("mov r0, 5\nexit");
    load("stxdw [r1+8], r10\ncall 62\nmov r0, 1\nexit");
    place_packet(8);
    EXPECT_EQ(packet_fault().kind, fault_kind::bad_input);
    load("stdw [r1+24], 1\ncall 62\nmov r0, 1\nexit");
    place_packet(8);
    EXPECT_EQ(packet_result(), 5U);
}

TEST_P(declared_for_two, the_next_program_may_not_write_what_it_relies_on) {
    const ebpf_input input = with_packet();
    ASSERT_EQ(other_vm_->declare_input(&input), EBPF_OK);
    load_other("stdw [r1+0], 5\nmov r0, 5\nexit");
    load("stdw [r1+24], 1\ncall 62\nmov r0, 1\nexit");
    place_packet(8);
    const fault_place at = packet_fault();
    EXPECT_EQ(at.kind, fault_kind::read_only_write);
    EXPECT_EQ(at.pc, 0U);
}

/// A function that calls another program goes on behind it, in a program that relies on the words.
TEST_P(declared_for_two, what_another_program_writes_is_noticed) {
    declare(with_packet());
    load_other("stdw [r1+8], 5\nmov r0, 5\nexit");
    load(R"(
        mov r6, r1
        call local f
        ldxdw r2, [r6+0]
        ldxdw r3, [r6+8]
        mov r0, 1
        exit
        f: call 62
        mov r0, 2
        exit)");
    place_packet(8);
    const fault_place at = packet_fault();
    EXPECT_EQ(at.kind, fault_kind::bad_input);
    EXPECT_EQ(at.pc, 6U);
}

/// Where the words are only written by another program, whose input memory is not read-only: a
/// function with the address of a frame, or whatever number it likes, gets it to write them.
class misled : public declared_for_two {
protected:
    misled() {
        add_helper(call_id,
                   [](void *fixture, uint64_t function, uint64_t, uint64_t, uint64_t,
                      uint64_t) -> uint64_t {
                       auto &lent = static_cast<misled *>(fixture)->lent_;
                       compat::scoped_loan loan{compat::run::current()->memory(),
                                                {address_of(lent.data()), lent.size()}};
                       const std::array<uint64_t, 5> arguments{};
                       try {
                           ebpf_call_back(function, arguments.data(), nullptr);
                       } catch (const std::runtime_error &) {
                           // The program goes on.
                       }
                       return 0;
                   },
                   {{EBPF_ARG_FUNCTION, 0, 0}});
        other_vm_->register_external_function(
            throw_id, "throws", [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t {
                throw std::runtime_error{"from a helper"};
            });
        declare(with_packet());
        place_packet(8);
    }

    std::array<uint8_t, 64> lent_{};
};

/// The packet lies where the program has something else: what it knows of that would be wrong.
TEST_P(misled, by_a_packet_in_a_frame) {
    load_other(R"(
        ldxdw r2, [r1+0]
        ldxdw r3, [r2+0]
        stxdw [r1+8], r3
        sub r3, 8
        stxdw [r1+0], r3
        stxdw [r1+16], r3
        exit)");
    load(R"(
        mov r6, r1
        ldxdw r2, [r1+0]
        ldxdw r3, [r1+8]
        mov r4, r2
        add r4, 8
        jgt r4, r3, out
        stxdw [r2+0], r10
        call local f
        ldxdw r2, [r6+0]
        ldxdw r3, [r6+8]
        mov r4, r2
        add r4, 8
        jgt r4, r3, out
        stdw [r10-8], 0
        stdw [r2+0], 4096
        ldxdw r5, [r10-8]
        add r6, r5
        ldxb r0, [r6+0]
        out: exit
        f: call 62
        mov r0, 2
        exit)");
    const fault_place at = packet_fault();
    EXPECT_EQ(at.kind, fault_kind::bad_input);
    EXPECT_EQ(at.pc, 19U);
}

/// r1 + 24: where loans are.
constexpr std::string_view names_loan = R"(
        ldxdw r3, [r1+24]
        stxdw [r1+0], r3
        stxdw [r1+16], r3
        add r3, 16
        stxdw [r1+8], r3
        )";
constexpr std::string_view calls_back = R"(
        mov r6, r1
        lddw r1, code_addr(f)
        call 63
        ldxdw r2, [r6+0]
        ldxdw r3, [r6+8]
        mov r4, r2
        add r4, 8
        jgt r4, r3, out
        stdw [r2+0], 1
        out: exit
        f: call 62
        mov r0, 2
        exit)";

TEST_P(misled, by_a_packet_in_memory_that_is_taken_back) {
    context_.number = address_of(lent_.data());
    load_other(std::string{names_loan} + "exit");
    load(calls_back);
    EXPECT_EQ(packet_fault().kind, fault_kind::bad_input);
    EXPECT_EQ(lent_[0], 0);
}

TEST_P(misled, by_a_program_that_does_not_return) {
    context_.number = address_of(lent_.data());
    load_other(std::string{names_loan} + "call 64\nexit");
    load(calls_back);
    EXPECT_EQ(packet_fault().kind, fault_kind::bad_input);
    EXPECT_EQ(lent_[0], 0);
}

/// An offset so large that the address is a small one: of whatever memory the program likes.
TEST_P(declared_for_two, the_next_program_s_packet_does_not_reach_around_all_addresses) {
    constexpr uint64_t end = uint64_t{0xff80} << 48;
    uint64_t secret = 99;
    const ebpf_input input = with_packet();
    ASSERT_EQ(other_vm_->declare_input(&input), EBPF_OK);
    load_other(fmt::format(R"(
        ldxdw r2, [r1+0]
        ldxdw r3, [r1+8]
        lddw r4, {}
        add r2, r4
        mov r4, r2
        add r4, 8
        mov r0, 0
        jgt r4, r3, out
        ldxdw r0, [r2+0]
        out: exit)",
                           address_of(&secret) - end));
    load(fmt::format(R"(
        lddw r2, {}
        stxdw [r1+0], r2
        stxdw [r1+8], r2
        stxdw [r1+16], r2
        call 62
        exit)",
                     end));
    EXPECT_EQ(packet_fault().kind, fault_kind::bad_input);
}

INSTANTIATE_TEST_SUITE_P(all, declared_input, testing::ValuesIn(engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(proving, declared_input, testing::ValuesIn(proving_engines()),
                         engine_name{});
INSTANTIATE_TEST_SUITE_P(barring, declared_input, testing::ValuesIn(barring_engines()),
                         engine_name{});
INSTANTIATE_TEST_SUITE_P(all, declared_for_two, testing::ValuesIn(engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(proving, declared_for_two, testing::ValuesIn(proving_engines()),
                         engine_name{});
INSTANTIATE_TEST_SUITE_P(all, misled, testing::ValuesIn(engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(proving, misled, testing::ValuesIn(proving_engines()), engine_name{});

}  // namespace

}  // namespace bpftime::vm::test
