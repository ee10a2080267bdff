// bpftime-vm: legacy packet loads that a helper does
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "vm_fixture.hpp"

#include <vector>

namespace bpftime::vm::test {

namespace {

struct packet_call {
    uint64_t offset = 0;
    uint64_t bytes = 0;
    uint64_t rest = 0;  ///< the other arguments

    friend bool operator==(const packet_call &, const packet_call &) = default;
};

thread_local std::vector<packet_call> calls;

/// A packet whose number at each offset is 1000 more; it begins at -5 and ends at 100.
uint64_t load_packet(uint64_t offset, uint64_t bytes, uint64_t r3, uint64_t r4, uint64_t r5) {
    calls.push_back({offset, bytes, r3 | r4 | r5});
    const auto at = static_cast<int64_t>(offset);
    return at < -5 or at >= 100 ? static_cast<uint64_t>(-14) : offset + 1000;
}

class packet_loads : public vm_fixture {
protected:
    packet_loads() {
        calls.clear();
        EXPECT_EQ(vm().register_external_function(EBPF_PACKET_LOAD_HELPER, "load", load_packet),
                  EBPF_OK);
    }
};

TEST_P(packet_loads, call_the_helper) {
    load(R"(
        mov r7, 7
        lddw r3, 0x100000002
        ldindh r3, 40
        mov r6, r0
        ldabsb 0
        add r6, r0
        ldindw r7, -9
        add r6, r0
        mov r0, r6
        exit)");
    EXPECT_EQ(result(), 1042U + 1000U + 998U);
    EXPECT_EQ(calls, (std::vector<packet_call>{{42, 2, 0}, {0, 1, 0}, {uint64_t(-2), 4, 0}}));
}

TEST_P(packet_loads, clear_the_arguments) {
    load(
        "mov r1, 1\nmov r2, 2\nmov r3, 3\nmov r4, 4\nmov r5, 5\nldabsw 8\n"
        "or r1, r2\nor r1, r3\nor r1, r4\nor r1, r5\nlsh r1, 32\nadd r0, r1\nexit");
    EXPECT_EQ(result(), 1008U);
}

TEST_P(packet_loads, end_the_running_function_where_there_is_nothing) {
    load("call local +2\nadd r0, 5\nexit\nmov r0, 9\nldabsb 100\nmov r0, 3\nexit");
    EXPECT_EQ(result(), 5U);
    load("mov r0, 9\nldabsh -6\nmov r0, 3\nexit");
    EXPECT_EQ(result(), 0U);
    EXPECT_EQ(calls, (std::vector<packet_call>{{100, 1, 0}, {uint64_t(-6), 2, 0}}));
}

TEST_P(packet_loads, do_not_depend_on_addresses_in_registers) {
    load("mov r0, r10\nmov r1, r10\nmov r2, r10\nstxdw [r10-8], r10\nldabsb 8\nexit");
    EXPECT_EQ(result(), 1008U);
    EXPECT_EQ(calls, (std::vector<packet_call>{{8, 1, 0}}));
    load("mov r0, r10\nstxdw [r10-8], r10\nldabsb 100\nmov r0, 3\nexit");
    EXPECT_EQ(result(), 0U);
}

TEST_P(packet_loads, read_the_input_memory_without_it) {
    std::vector<uint64_t> memory{0x0807060504030201};
    load("ldabsh 2\nexit");
    EXPECT_EQ(result(memory_of(memory)), 1002U);
    ASSERT_EQ(vm().unregister_external_function(EBPF_PACKET_LOAD_HELPER), EBPF_OK);
    EXPECT_EQ(result(memory_of(memory)), 0x0304U);
}

TEST_P(packet_loads, work_with_hidden_code_pointers) {
    ASSERT_EQ(vm().set_pointer_secret(0x1234567890abcdef), EBPF_OK);
    ASSERT_EQ(vm().register_external_function(EBPF_PACKET_LOAD_HELPER, "load", load_packet),
              EBPF_OK);
    load("ldabsh 2\nexit");
    EXPECT_EQ(result(), 1002U);
}

INSTANTIATE_TEST_SUITE_P(engines, packet_loads, testing::ValuesIn(engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(barring, packet_loads, testing::ValuesIn(barring_engines()),
                         engine_name{});

}  // namespace

}  // namespace bpftime::vm::test
