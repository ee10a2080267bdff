// bpftime-vm: the helpers about time, thread and CPU
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "kernel_program.hpp"
#include "packet_program.hpp"
#include "programs.hpp"
#include "runtime/cpu.hpp"
#include "runtime/map_set.hpp"
#include "runtime/storage_owner.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <thread>

namespace bpftime::vm::runtime::test {

using object::attach_type;
using object::program_type;
using vm::test::engine;

namespace {

class machine_helper : public testing::TestWithParam<engine> {
protected:
    uint64_t run(std::string_view text) { return run(text, nullptr, 0); }
    uint64_t run(std::string_view text, void *memory, std::size_t size) {
        const auto vm = load(GetParam(), vm::test::assemble(text));
        int64_t r0 = 0;
        EXPECT_EQ(vm->exec(memory, size, r0), 0) << vm->error_message();
        return static_cast<uint64_t>(r0);
    }
};

INSTANTIATE_TEST_SUITE_P(engines, machine_helper, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

/// The low 32 bits that a program which calls helper `id` returns in the kernel.
uint32_t kernel_answer(uint32_t id) {
    const std::string text = fmt::format("call {}\nexit", id);
    kernel_program p;
    EXPECT_EQ(p.load(program_type::socket_filter, attach_type::none, vm::test::assemble(text)), 0)
        << p.log();
    bytes frame(64);
    uint32_t answer = 0;
    EXPECT_EQ(p.run(frame, answer), 0);
    return answer;
}

TEST_P(machine_helper, clocks_are_those_of_the_kernel) {
    if (const auto why = kernel_program::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    // Between two answers of the kernel, in 32 bits.
    for (const uint32_t id : {5U, 125U, 160U, 208U}) {
        const std::string text = fmt::format("call {}\nexit", id);
        const uint32_t before = kernel_answer(id);
        const auto ours = static_cast<uint32_t>(run(text));
        const uint32_t after = kernel_answer(id);
        EXPECT_LE(ours - before, after - before) << "helper " << id;
    }
}

TEST_P(machine_helper, ticks_are_about_those_of_the_kernel) {
    if (const auto why = kernel_program::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    constexpr int32_t some = 10'000;  // its clock and its ticks do not begin at the same time
    const auto ours = static_cast<uint32_t>(run("call 118\nexit"));
    EXPECT_LT(std::abs(static_cast<int32_t>(ours - kernel_answer(118))), some);
}

TEST_P(machine_helper, a_clock_goes_on) {
    for (const uint32_t id : {5U, 125U, 160U, 208U, 118U}) {
        const auto text = fmt::format("call {0}\nmov %r6, %r0\ncall {0}\nsub %r0, %r6\nexit", id);
        EXPECT_LT(run(text), uint64_t{10'000'000'000}) << "helper " << id;
    }
}

TEST_P(machine_helper, the_thread_has_its_ids) {
    EXPECT_EQ(run("call 14\nexit"),
              uint64_t{static_cast<uint32_t>(getpid())} << 32 | static_cast<uint32_t>(gettid()));
    EXPECT_EQ(run("call 15\nexit"), uint64_t{getgid()} << 32 | getuid());
    EXPECT_EQ(run("call 8\nexit"), current_cpu());
    EXPECT_LT(run("call 42\nexit"), 1024U);
}

TEST_P(machine_helper, the_thread_has_a_word_that_is_its_alone) {
    const uint64_t task = run("call 35\nexit");
    EXPECT_EQ(task, storage_owner::current_task().word());
    EXPECT_EQ(run("call 158\nexit"), task);
    std::thread{[&] { EXPECT_NE(run("call 35\nexit"), task); }}.join();
    uint64_t memory = 7;
    EXPECT_EQ(run("mov %r6, %r1\ncall 35\nmov %r1, %r6\nmov %r2, 8\nmov %r3, %r0\ncall 113\nexit",
                  &memory, sizeof memory),
              static_cast<uint64_t>(-EFAULT));
    EXPECT_EQ(memory, 0U);
}

/// The kernel's registers of a thread are not there, and its structs no memory.
TEST_P(machine_helper, the_thread_has_no_registers_to_read) {
    EXPECT_EQ(run("call 158\nmov %r1, %r0\ncall 175\nexit"), 0);
    EXPECT_EQ(run("mov %r1, 0\ncall 175\nexit"), 0);
}

TEST_P(machine_helper, the_thread_has_its_name) {
    std::string name(16, 'x');
    std::thread{[&] {
        prctl(PR_SET_NAME, "some thread");
        EXPECT_EQ(run("call 16\nexit", name.data(), name.size()), 0U);
        EXPECT_EQ(name, std::string("some thread\0\0\0\0\0", 16));
        EXPECT_EQ(run("mov %r2, 5\ncall 16\nexit", name.data(), name.size()), 0U);
        EXPECT_EQ(name, std::string("some\0thread\0\0\0\0\0", 16).replace(5, 6, "thread"));
    }}.join();
}

TEST_P(machine_helper, the_thread_has_ids_in_its_namespace_alone) {
    struct stat status{};
    ASSERT_EQ(stat("/proc/self/ns/pid", &status), 0);
    const auto ask = [](uint64_t device, uint64_t inode, unsigned bytes) {
        return fmt::format("mov %r3, %r1\nlddw %r1, {}\nlddw %r2, {}\nmov %r4, {}\ncall 120\nexit",
                           device, inode, bytes);
    };
    std::array<uint32_t, 2> found{7, 7};
    EXPECT_EQ(run(ask(status.st_dev, status.st_ino, 8), found.data(), sizeof found), 0U);
    EXPECT_EQ(found,
              (std::array{static_cast<uint32_t>(gettid()), static_cast<uint32_t>(getpid())}));
    const auto refused = static_cast<uint64_t>(-EINVAL);
    EXPECT_EQ(run(ask(status.st_dev, status.st_ino + 1, 8), found.data(), sizeof found), refused);
    EXPECT_EQ(found, (std::array<uint32_t, 2>{}));
    found = {7, 7};
    EXPECT_EQ(run(ask(status.st_dev, status.st_ino, 4), found.data(), sizeof found), refused);
    EXPECT_EQ(found, (std::array<uint32_t, 2>{0, 7}));
}

TEST_P(machine_helper, the_thread_has_control_groups) {
    const uint64_t group = run("call 80\nexit");
    if (group == 0) GTEST_SKIP() << "there are no control groups of version 2 here";
    const auto at = [&](int level) {
        return run(fmt::format("mov %r1, {}\ncall 123\nexit", level));
    };
    EXPECT_NE(at(0), 0U);
    EXPECT_EQ(at(-1), 0U);
    EXPECT_EQ(at(1000), 0U);
    int level = 0;
    while (at(level + 1) != 0) ++level;
    EXPECT_EQ(at(level), group);
}

TEST_P(machine_helper, the_thread_is_under_its_control_groups) {
    const map_set maps{{make(map_type::cgroup_array, 4), make(map_type::array, 4)}};
    const auto ask = [&](unsigned map, unsigned index) {
        const auto vm = vm::test::make_vm(GetParam());
        EXPECT_EQ(errno_of(maps.attach(*vm)), 0);
        const auto code = vm::test::assemble(
            fmt::format("lddw %r1, map_by_idx({})\nmov %r2, {}\ncall 37\nexit", map, index));
        EXPECT_EQ(vm->load_code(code.data(), code.size()), 0);
        int64_t r0 = 0;
        EXPECT_EQ(vm->exec(nullptr, 0, r0), 0) << vm->error_message();
        return r0;
    };
    EXPECT_EQ(ask(0, 1), -EAGAIN);
    EXPECT_EQ(ask(0, 4), -E2BIG);
    EXPECT_EQ(ask(1, 0), -EINVAL);
    const uint64_t group = run("call 80\nexit");
    auto *const groups = as_object_map(maps[0].get());
    const auto object = std::make_shared<int>();
    ASSERT_EQ(errno_of(groups->set_object(key(1), object, static_cast<uint32_t>(group))), 0);
    ASSERT_EQ(errno_of(groups->set_object(key(2), object, ~uint32_t{0})), 0);
    EXPECT_EQ(ask(0, 1), group == 0 ? 0 : 1);
    EXPECT_EQ(ask(0, 2), 0);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
