// bpftime-vm: compiling and running on many threads, interrupts, exceptions through compiled code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"
#include "threads.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <new>
#include <ostream>
#include <stdexcept>
#include <thread>
#include <vector>

namespace bpftime::vm::llvm_jit::test {

namespace {

using vm::test::on_all_threads;
using vm::test::thread_count;

/// Sums its input memory byte by byte, over its stack and a local call.
constexpr const char *summing =
    "mov %r6, %r1\nmov %r7, %r2\nstdw [%r10-8], 0\nagain: jeq %r7, 0, end\nldxb %r1, [%r6]\n"
    "mov %r2, %r10\nadd %r2, -8\ncall local f\nadd %r6, 1\nsub %r7, 1\nja again\n"
    "end: ldxdw %r0, [%r10-8]\nexit\nf: lock add [%r2], %r1\nmov %r0, 0\nexit";

TEST(threads, compile_and_run_one_vm) {
    for (int round = 0; round < 10; ++round) {
        const vm_ptr vm = load(summing);
        std::array<ebpf_jit_fn, thread_count> entries{};
        on_all_threads([&](unsigned i) {
            std::array<uint8_t, 64> input{};
            input.fill(static_cast<uint8_t>(i));
            if (i % 2 == 0) entries[i] = ebpf_compile(vm.get(), nullptr);
            for (int n = 0; n < 20; ++n)
                EXPECT_EQ(run(vm.get(), input.data(), input.size()), 64U * i);
            if (i % 2 == 1) entries[i] = ebpf_compile(vm.get(), nullptr);
            ASSERT_NE(entries[i], nullptr);
            EXPECT_EQ(entries[i](input.data(), input.size()), 64U * i);
        });
        for (const ebpf_jit_fn entry : entries) EXPECT_EQ(entry, entries[0]) << "compiled once";
    }
}

TEST(threads, create_compile_and_destroy_vms_of_their_own) {
    on_all_threads([](unsigned i) {
        for (uint64_t n = 0; n < 10; ++n) {
            const uint64_t number = n << 8 | i;
            const vm_ptr vm = load("lddw %r0, " + std::to_string(number) + "\nadd %r0, %r2\nexit");
            std::array<uint8_t, 3> input{};
            EXPECT_EQ(run(vm.get(), input.data(), input.size()), number + 3);
            const ebpf_jit_fn entry = ebpf_compile(vm.get(), nullptr);
            ASSERT_NE(entry, nullptr);
            EXPECT_EQ(entry(nullptr, 0), number);
        }
    });
}

/// Half of the threads make VMs, compile or run them or do neither, and destroy them; meanwhile the
/// others do `work` again and again.
template <typename Work>
void while_vms_come_and_go(Work &&work) {
    std::atomic<unsigned> makers = thread_count / 2;
    on_all_threads([&](unsigned i) {
        if (i % 2 == 0) {
            do work();
            while (makers != 0);
            return;
        }
        for (unsigned n = 0; n < 20; ++n) {
            const vm_ptr vm = load("mov %r0, 7\nexit");
            EXPECT_EQ(ebpf_set_optimization_level(vm.get(), n % 4), 0);
            if (n % 3 == 1) {
                EXPECT_EQ(run(vm.get(), nullptr, 0), 7U);
            }
            if (n % 3 == 2) {
                EXPECT_NE(ebpf_compile(vm.get(), nullptr), nullptr);
            }
        }
        --makers;
    });
}

TEST(threads, run_a_vm_while_others_come_and_go) {
    const vm_ptr busy = load(summing);
    while_vms_come_and_go([&] {
        std::array<uint8_t, 64> input{};
        input.fill(3);
        EXPECT_EQ(run(busy.get(), input.data(), input.size()), 3U * 64U);
    });
}

/// Unwinding looks for the code of the frames that it meets, where code comes and goes.
TEST(threads, unwind_while_others_come_and_go) {
    const vm_ptr busy = load("call local f\nexit\nf: call 1\nexit");
    ASSERT_EQ(ebpf_register(
                  busy.get(), 1, "throw",
                  +[](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t {
                      throw std::runtime_error("the helper has had enough");
                  }),
              0);
    while_vms_come_and_go([&] {
        int64_t result = 0;
        EXPECT_EQ(ebpf_exec(busy.get(), nullptr, 0, &result), EBPF_ERROR_INTERNAL);
    });
}

// --- interrupts

void expect_interrupt(const char *assembly) {
    const vm_ptr vm = load(assembly);
    ASSERT_EQ(ebpf_set_instruction_limit(vm.get(), 0), 0);
    // Compiled first, so that the interrupt meets the run.
    ASSERT_NE(ebpf_compile(vm.get(), nullptr), nullptr);
    std::atomic<bool> ended = false;
    std::thread interrupts{[&] {
        // Those before the run begins do not count, so again until it has ended.
        while (not ended) {
            EXPECT_EQ(ebpf_interrupt(vm.get()), 0);
            std::this_thread::sleep_for(std::chrono::milliseconds{1});
        }
    }};
    int64_t r0 = 0;
    EXPECT_EQ(ebpf_exec(vm.get(), nullptr, 0, &r0), EBPF_ERROR_FAULT);
    ebpf_fault fault{};
    EXPECT_EQ(ebpf_last_fault(&fault), 1);
    EXPECT_EQ(fault.kind, uint32_t{EBPF_FAULT_INTERRUPTED});
    ended = true;
    interrupts.join();
}

TEST(interrupt, ends_an_empty_endless_loop) { expect_interrupt("ja -1\nexit"); }

TEST(interrupt, ends_an_endless_loop_that_computes) {
    expect_interrupt("mov %r0, 1\nagain: mul %r0, 5\nadd %r0, 1\nja again\nexit");
}

/// The inner loop can pay in advance; then the outer one has to notice.
TEST(interrupt, ends_an_endless_loop_around_one_that_ends) {
    expect_interrupt(
        "outer: mov %r3, 1000\ninner: sub %r3, 1\nadd %r0, %r3\njne %r3, 0, inner\nja outer\nexit");
}

TEST(interrupt, ends_a_loop_that_counts_very_far) {
    expect_interrupt(
        "lddw %r3, 0xfffffffffffffff\nagain: sub %r3, 1\nxor %r0, %r3\n"
        "jne %r3, 0, again\nexit");
}

TEST(interrupt, ends_an_endless_loop_of_calls) {
    expect_interrupt("again: call local f\nja again\nexit\nf: mov %r0, 1\nexit");
}

// --- exceptions of helpers

uint64_t throw_exception(uint64_t what, uint64_t, uint64_t, uint64_t, uint64_t) {
    switch (what) {
    case 0: return 5;
    case 1: throw std::runtime_error("the helper has had enough");
    case 2: throw std::bad_alloc();
    default: throw 17;
    }
}

struct thrower {
    const char *name;
    const char *assembly;
    bool typed = false;
};

void PrintTo(const thrower &t, std::ostream *out) { *out << t.name; }

/// Ways from the host to a helper: direct, from a subprogram, by callx, through the runtime.
constexpr auto throwers = std::to_array<thrower>({
    {"direct", "ldxdw %r1, [%r1]\ncall 1\nexit"},
    {"subprogram", "ldxdw %r1, [%r1]\ncall local f\nexit\nf: call 1\nexit"},
    {"deep",
     "ldxdw %r1, [%r1]\ncall local f\nexit\nf: mov %r6, %r10\nstxdw [%r10-8], %r6\n"
     "call local g\nexit\ng: call 1\nexit"},
    {"callx", "ldxdw %r1, [%r1]\nmov %r3, 1\ncallx %r3\nexit"},
    {"typed", "mov %r2, 8\nmov %r3, %r1\nldxdw %r1, [%r1]\ncall 1\nexit", true},
});

class throwing_helper : public testing::TestWithParam<thrower> {
protected:
    void SetUp() override {
        ebpf_helper h{};
        h.id = 1;
        h.name = "throw";
        h.fn = throw_exception;
        if (GetParam().typed) {
            h.arguments[0].kind = EBPF_ARG_SCALAR;
            h.arguments[1].kind = EBPF_ARG_SCALAR;
            h.arguments[2] = {.kind = EBPF_ARG_MEMORY_READ, .size = 8, .may_be_null = 0};
        }
        for (const char *const backend : {"llvm", "ubpf"}) {
            vms_.push_back(load(GetParam().assembly, backend));
            ASSERT_EQ(ebpf_register_typed(vms_.back().get(), &h), 0);
        }
    }

    /// The run's code, which is the same in both engines.
    int64_t exec(uint64_t what) {
        std::array<int64_t, 2> codes{};
        std::array<std::string, 2> messages;
        for (std::size_t i = 0; i < 2; ++i) {
            int64_t result = 99;
            codes[i] = ebpf_exec(vms_[i].get(), &what, sizeof what, &result);
            EXPECT_EQ(result, codes[i] == 0 ? 5 : 99);
            messages[i] = codes[i] == 0 ? "" : ebpf_last_error();
            EXPECT_EQ(ebpf_last_fault(nullptr), 0);
        }
        EXPECT_EQ(codes[0], codes[1]);
        EXPECT_EQ(messages[0], messages[1]);
        return codes[0];
    }

    std::vector<vm_ptr> vms_;
};

TEST_P(throwing_helper, throws_through_compiled_code) {
    for (int round = 0; round < 20; ++round) {
        EXPECT_EQ(exec(1), EBPF_ERROR_INTERNAL);
        EXPECT_EQ(exec(2), EBPF_ERROR_OUT_OF_MEMORY);
        EXPECT_EQ(exec(3), EBPF_ERROR_INTERNAL);
        EXPECT_EQ(exec(0), 0);
    }
}

/// Who calls the native entry point is C++, and catches what the helper threw.
TEST_P(throwing_helper, throws_out_of_the_native_entry) {
    const ebpf_jit_fn entry = ebpf_compile(vms_[0].get(), nullptr);
    ASSERT_NE(entry, nullptr);
    uint64_t what = 1;
    EXPECT_THROW(entry(&what, sizeof what), std::runtime_error);
    what = 3;
    EXPECT_THROW(entry(&what, sizeof what), int);
    what = 0;
    EXPECT_EQ(entry(&what, sizeof what), 5U);
    EXPECT_EQ(ebpf_grant(&what, 1, EBPF_PERM_READ), EBPF_ERROR_INVALID_ARGUMENT)
        << "no run is left on this thread";
}

INSTANTIATE_TEST_SUITE_P(ways, throwing_helper, testing::ValuesIn(throwers),
                         [](const auto &test) { return test.param.name; });

}  // namespace

}  // namespace bpftime::vm::llvm_jit::test
