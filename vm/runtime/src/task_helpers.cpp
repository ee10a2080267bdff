// bpftime-vm: the helpers that tell of the thread that runs the program, and of its CPU
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "control_group.hpp"
#include "helper_functions.hpp"
#include "helper_words.hpp"
#include "runtime/cpu.hpp"
#include "runtime/object_map.hpp"
#include "runtime/storage_owner.hpp"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>

namespace bpftime::vm::runtime {

namespace {

uint64_t halves(uint32_t high, uint32_t low) noexcept { return uint64_t{high} << 32 | low; }

uint32_t thread_id() noexcept {
    static thread_local const auto id = static_cast<uint32_t>(gettid());
    return id;
}

}  // namespace

uint64_t helper::get_prandom_u32(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    static thread_local std::minstd_rand random{std::random_device{}()};
    return (uint64_t{random()} << 16 ^ random()) & 0xffff'ffff;
}

uint64_t helper::get_smp_processor_id(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return current_cpu();
}

uint64_t helper::get_numa_node_id(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    unsigned node = 0;
    syscall(SYS_getcpu, nullptr, &node, nullptr);
    return node;
}

uint64_t helper::get_current_pid_tgid(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return halves(static_cast<uint32_t>(getpid()), thread_id());
}

uint64_t helper::get_current_uid_gid(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return halves(getgid(), getuid());
}

uint64_t helper::get_current_comm(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    constexpr std::size_t name_bytes = 16;
    std::array<char, name_bytes> name{};
    prctl(PR_GET_NAME, name.data());
    const auto to = bytes_at(r1, r2);
    if (to.empty()) return word_of(-EINVAL);
    const std::size_t length = std::min(std::strlen(name.data()), to.size() - 1);
    std::ranges::fill(std::ranges::copy_n(name.begin(), static_cast<long>(length), to.begin()).out,
                      to.end(), uint8_t{0});
    return 0;
}

uint64_t helper::get_ns_current_pid_tgid(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
                                         uint64_t) {
    struct numbers {
        uint32_t pid;
        uint32_t tgid;
    };
    const auto to = bytes_at(r3, r4);
    struct stat ours{};
    const bool is_ours = to.size() == sizeof(numbers) and stat("/proc/self/ns/pid", &ours) == 0 and
                         r1 == ours.st_dev and r2 == ours.st_ino;
    if (not is_ours) {
        std::ranges::fill(to, uint8_t{0});
        return word_of(-EINVAL);
    }
    const numbers found{.pid = thread_id(), .tgid = static_cast<uint32_t>(getpid())};
    std::memcpy(to.data(), &found, sizeof found);
    return 0;
}

uint64_t helper::get_current_cgroup_id(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    const auto groups = current_control_groups();
    return groups.empty() ? 0 : groups.back();
}

uint64_t helper::get_current_ancestor_cgroup_id(uint64_t r1, uint64_t, uint64_t, uint64_t,
                                                uint64_t) {
    const auto groups = current_control_groups();
    const auto level = static_cast<int32_t>(r1);
    return level < 0 or level >= std::ssize(groups) ? 0 : groups[static_cast<std::size_t>(level)];
}

uint64_t helper::get_cgroup_classid(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }

uint64_t helper::get_current_task(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return storage_owner::current_task().word();
}

uint64_t helper::get_current_task_btf(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return storage_owner::current_task().word();
}

uint64_t helper::task_pt_regs(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }

uint64_t helper::current_task_under_cgroup(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    map &m = map_of(r1);
    if (m.definition().type != map_type::cgroup_array) return word_of(-EINVAL);
    const auto index = static_cast<uint32_t>(r2);
    if (index >= m.definition().max_entries) return word_of(-E2BIG);
    const auto id = as_object_map(&m)->object_id(&index);
    if (not id) return word_of(-EAGAIN);
    const auto groups = current_control_groups();
    return std::ranges::any_of(groups, [&](uint64_t g) { return g == *id; }) ? 1 : 0;
}

}  // namespace bpftime::vm::runtime
