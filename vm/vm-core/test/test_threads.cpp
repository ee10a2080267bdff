// bpftime-vm: one VM on many threads, many VMs on many threads
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"
#include "threads.hpp"

#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <thread>

namespace {

using namespace c_api;
using bpftime::vm::test::on_all_threads;
using bpftime::vm::test::thread_count;
using ::testing::HasSubstr;

std::atomic<uint64_t> helper_calls = 0;
uint64_t count_call(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    helper_calls.fetch_add(1, std::memory_order_relaxed);
    return r1;
}

/// Sums its input memory byte by byte, over its stack, a local call and a helper.
constexpr const char *summing =
    "mov %r6, %r1\nmov %r7, %r2\nstdw [%r10-8], 0\nagain: jeq %r7, 0, end\nldxb %r1, [%r6]\n"
    "call local f\nldxdw %r1, [%r10-8]\nadd %r1, %r0\nstxdw [%r10-8], %r1\nadd %r6, 1\n"
    "sub %r7, 1\nja again\nend: ldxdw %r0, [%r10-8]\nexit\nf: call 1\nexit";

TEST(threads, share_a_vm_from_its_first_run_on) {
    for (int round = 0; round < 20; ++round) {
        const auto vm = make_vm();
        ASSERT_EQ(ebpf_register(vm.get(), 1, "count", count_call), 0);
        ASSERT_EQ(load(vm.get(), summing), 0);
        helper_calls = 0;
        on_all_threads([&](unsigned i) {
            std::array<uint8_t, 64> input{};
            input.fill(static_cast<uint8_t>(i));
            for (int n = 0; n < 20; ++n)
                EXPECT_EQ(run(vm.get(), input.data(), input.size()), 64U * i);
        });
        EXPECT_EQ(helper_calls, thread_count * 20U * 64U);
    }
}

std::atomic<uint64_t> callback_calls = 0;

TEST(threads, resolve_a_program_once) {
    for (int round = 0; round < 20; ++round) {
        const auto vm = make_vm();
        callback_calls = 0;
        ASSERT_EQ(ebpf_set_lddw_helpers(
                      vm.get(), nullptr, nullptr, nullptr,
                      [](uint32_t id) { return ++callback_calls, uint64_t{id}; }, nullptr),
                  0);
        ASSERT_EQ(load(vm.get(), "lddw %r0, var_addr(77)\nexit"), 0);
        on_all_threads([&](unsigned) { EXPECT_EQ(run(vm.get()), 77U); });
        EXPECT_EQ(callback_calls, 1U);
    }
}

TEST(threads, are_all_told_what_is_missing) {
    const auto vm = make_vm();
    ASSERT_EQ(load(vm.get(), "call 99\nexit"), 0);
    on_all_threads([&](unsigned) {
        int64_t result = 0;
        EXPECT_EQ(ebpf_exec(vm.get(), nullptr, 0, &result), EBPF_ERROR_UNRESOLVED);
        EXPECT_THAT(ebpf_last_error(), HasSubstr("helper 99 is not registered"));
        EXPECT_EQ(ebpf_compile(vm.get(), nullptr), nullptr);
    });
}

TEST(threads, have_faults_of_their_own) {
    const auto vm = make_vm();
    // Thread i reads at offset 100 + i, the even ones are allowed to.
    ASSERT_EQ(load(vm.get(), "ldxdw %r2, [%r1]\nadd %r1, %r2\nldxb %r0, [%r1]\nexit"), 0);
    on_all_threads([&](unsigned i) {
        for (int n = 0; n < 200; ++n) {
            std::array<uint64_t, 20> input{100 + i};
            const size_t size = i % 2 == 0 ? sizeof input : 64;
            if (i % 2 == 0) {
                EXPECT_EQ(run(vm.get(), input.data(), size), 0U);
            } else {
                EXPECT_EQ(
                    place_of(run_to_fault(vm.get(), input.data(), size)),
                    (place{EBPF_FAULT_OUT_OF_BOUNDS_READ, 2, EBPF_REGION_INPUT, 0, 100 + i, 1}));
            }
        }
    });
}

TEST(threads, give_regions_to_their_own_runs) {
    const auto vm = make_vm();
    ASSERT_EQ(load(vm.get(), "ldxdw %r3, [%r1]\nldxb %r0, [%r3]\nexit"), 0);
    on_all_threads([&](unsigned i) {
        auto own = static_cast<uint8_t>(i);
        const ebpf_region region = {&own, 1, EBPF_PERM_READ};
        uint64_t pointer = address_of(&own);
        for (int n = 0; n < 200; ++n) {
            int64_t result = -1;
            EXPECT_EQ(ebpf_exec_regions(vm.get(), &pointer, sizeof pointer, &region, 1, &result),
                      0);
            EXPECT_EQ(result, i);
            EXPECT_EQ(run_to_fault(vm.get(), &pointer, sizeof pointer).kind,
                      uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ});
        }
    });
}

TEST(threads, grant_to_their_own_runs) {
    const auto vm = make_vm();
    ASSERT_EQ(ebpf_register(
                  vm.get(), 1, "grant",
                  +[](uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
                      EXPECT_EQ(ebpf_grant(reinterpret_cast<void *>(r1), 1, EBPF_PERM_READ_WRITE),
                                0);
                      return r1;
                  }),
              0);
    ASSERT_EQ(load(vm.get(),
                   "ldxdw %r1, [%r1]\ncall 1\nldxb %r1, [%r0]\nadd %r1, 1\nstxb [%r0], %r1\nexit"),
              0);
    on_all_threads([&](unsigned) {
        uint8_t own = 0;
        uint64_t pointer = address_of(&own);
        for (int n = 0; n < 200; ++n) run(vm.get(), &pointer, sizeof pointer);
        EXPECT_EQ(own, 200);
    });
}

TEST(threads, add_atomically_to_shared_memory) {
    const auto vm = make_vm();
    ASSERT_EQ(
        load(vm.get(),
             "mov %r3, 1000\nmov %r2, 1\nagain: lock add [%r1], %r2\nlock fetch add [%r1+8], %r2\n"
             "mov %r2, 1\nsub %r3, 1\njne %r3, 0, again\nexit"),
        0);
    alignas(8) std::array<uint64_t, 2> shared{};
    on_all_threads([&](unsigned) { run(vm.get(), shared.data(), sizeof shared); });
    EXPECT_EQ(shared[0], thread_count * 1000U);
    EXPECT_EQ(shared[1], thread_count * 1000U);
}

TEST(threads, run_the_vms_of_their_own) {
    on_all_threads([](unsigned i) {
        for (uint64_t n = 0; n < 50; ++n) {
            const auto vm = make_vm();
            ASSERT_EQ(load(vm.get(), "lddw %r0, " + std::to_string(n << 8 | i) + "\nexit"), 0);
            EXPECT_EQ(run(vm.get()), n << 8 | i);
        }
    });
}

TEST(threads, create_and_destroy_under_load) {
    const auto busy = make_vm();
    ASSERT_EQ(ebpf_register(busy.get(), 1, "count", count_call), 0);
    ASSERT_EQ(load(busy.get(), summing), 0);
    on_all_threads([&](unsigned i) {
        std::array<uint8_t, 32> input{};
        input.fill(1);
        for (int n = 0; n < 50; ++n) {
            if (i % 2 == 0) {
                EXPECT_EQ(run(busy.get(), input.data(), input.size()), 32U);
                continue;
            }
            const auto vm = make_vm(n % 2 == 0 ? backend : "");
            EXPECT_EQ(ebpf_create("no_such_backend"), nullptr);
            EXPECT_THAT(ebpf_last_error(), HasSubstr("no_such_backend"));
            const char *names[4] = {};
            EXPECT_GE(ebpf_list_vms(names, 4), 1U);
            EXPECT_LT(load(vm.get(), "mov %r0, 1"), 0);
        }
    });
}

TEST(threads, interrupt_while_others_run) {
    const auto vm = make_vm();
    ASSERT_EQ(ebpf_set_instruction_limit(vm.get(), 0), 0);
    ASSERT_EQ(load(vm.get(), "ja -1\nexit"), 0);
    // One thread interrupts until every other has been seen to end.
    std::atomic<unsigned> ended = 0;
    on_all_threads([&](unsigned i) {
        if (i == 0) {
            while (ended < thread_count - 1) {
                EXPECT_EQ(ebpf_interrupt(vm.get()), 0);
                std::this_thread::yield();
            }
            return;
        }
        EXPECT_EQ(run_to_fault(vm.get()).kind, uint32_t{EBPF_FAULT_INTERRUPTED});
        ++ended;
    });
}

}  // namespace
