// bpftime-vm: the memory that native code lies in
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "code_arena.hpp"
#include "engines.hpp"
#include "programs.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace bpftime::vm::ubpf::test {

using vm::test::assemble;

namespace {

/// Memory that is told from other memory by what is in it.
struct marked_memory {
    code_memory memory;
    std::byte mark;

    marked_memory(std::size_t size, unsigned n) : mark{static_cast<std::byte>(n)} {
        auto made = code_memory::allocate(size);
        EXPECT_TRUE(made);
        if (not made) return;
        memory = std::move(*made);
        std::ranges::fill(memory.writable(), mark);
    }
    [[nodiscard]] bool is_whole() const {
        return std::all_of(memory.code(), memory.code() + memory.size(),
                           [this](std::byte b) { return b == mark; });
    }
};

std::unique_ptr<ebpf_vm> compiled(std::string_view assembly) {
    auto vm = std::make_unique<ebpf_vm>("ubpf");
    const auto code = assemble(assembly);
    EXPECT_EQ(vm->load_code(code.data(), code.size()), 0) << vm->error_message();
    EXPECT_NE(vm->compile(), nullptr) << vm->error_message();
    return vm;
}

int64_t result_of(ebpf_vm &vm) {
    int64_t r0 = -1;
    EXPECT_EQ(vm.exec(nullptr, 0, r0), 0) << vm.error_message();
    return r0;
}

std::string returns(int value) { return "mov r0, " + std::to_string(value) + "\nexit"; }

/// Lines of /proc/self/maps whose permissions contain all of `wanted`.
std::vector<std::string> mappings_with(std::string_view wanted) {
    std::ifstream file{"/proc/self/maps"};
    std::vector<std::string> found;
    for (std::string line; std::getline(file, line);) {
        const std::string permissions = line.substr(line.find(' ') + 1, 4);
        const auto has = [&](char c) { return permissions.find(c) != std::string::npos; };
        if (std::ranges::all_of(wanted, has)) found.push_back(line);
    }
    return found;
}

bool holds(const std::string &mapping, uint64_t address) {
    std::size_t used = 0;
    const uint64_t begin = std::stoull(mapping, &used, 16);
    const uint64_t end = std::stoull(mapping.substr(used + 1), nullptr, 16);
    return begin <= address and address < end;
}

}  // namespace

TEST(code_arena, gives_what_is_written_where_it_runs) {
    const marked_memory m{100, 7};
    EXPECT_TRUE(m.is_whole());
    EXPECT_GE(m.memory.size(), 100U);
    EXPECT_LT(m.memory.size(), 100U + 64) << "rounded a little";
}

TEST(code_arena, gives_everybody_memory_of_their_own) {
    std::vector<marked_memory> all;
    for (unsigned n = 0; n < 300; ++n) all.emplace_back(1 + n * 37 % 5000, n);
    for (const marked_memory &m : all) EXPECT_TRUE(m.is_whole());
}

TEST(code_arena, takes_back_what_is_freed) {
    const std::size_t before = code_arena_usage().used;
    {
        const marked_memory a{5000, 1};
        EXPECT_GE(code_arena_usage().used, before + 5000);
    }
    EXPECT_EQ(code_arena_usage().used, before);
}

TEST(code_arena, stays_in_order_through_any_sequence) {
    std::mt19937 random{42};  // NOLINT: the same each time
    const std::size_t before = code_arena_usage().used;
    std::vector<marked_memory> all;
    for (unsigned n = 0; n < 5000; ++n) {
        if (all.size() > 200 or (not all.empty() and random() % 3 == 0)) {
            std::swap(all[random() % all.size()], all.back());
            ASSERT_TRUE(all.back().is_whole());
            all.pop_back();
        } else {
            all.emplace_back(1 + random() % 20000, n);
        }
    }
    for (const marked_memory &m : all) EXPECT_TRUE(m.is_whole());
    all.clear();
    EXPECT_EQ(code_arena_usage().used, before);
    EXPECT_LE(code_arena_usage().mapped, std::size_t{4} << 20) << "one chunk and what others hold";
}

TEST(code_arena, has_room_for_more_than_a_chunk) {
    const std::size_t before = code_arena_usage().mapped;
    {
        const marked_memory large{std::size_t{3} << 20, 9};
        EXPECT_TRUE(large.is_whole());
        EXPECT_GT(code_arena_usage().mapped, before);
    }
    EXPECT_LE(code_arena_usage().mapped, before + (std::size_t{4} << 20));
}

TEST(code_arena, serves_threads_at_once) {
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t) {
        threads.emplace_back([t] {
            for (unsigned n = 0; n < 400; ++n) {
                const marked_memory a{1 + n * 31 % 3000, t};
                const marked_memory b{1 + n * 17 % 3000, t + 100};
                ASSERT_TRUE(a.is_whole() and b.is_whole());
            }
        });
    }
    for (std::thread &t : threads) t.join();
}

TEST(code_arena, is_never_writable_and_executable) {
    std::vector<std::unique_ptr<ebpf_vm>> vms;
    for (int n = 0; n < 5; ++n) {
        vms.push_back(compiled(returns(n)));
        const auto entry = reinterpret_cast<uint64_t>(vms.back()->compile());
        const auto executable = mappings_with("x");
        EXPECT_TRUE(std::ranges::any_of(executable, [&](const std::string &mapping) {
            return holds(mapping, entry);
        })) << "the code is found among the mappings";
        EXPECT_EQ(result_of(*vms.back()), n);
    }
    for (const std::string &mapping : mappings_with("wx")) ADD_FAILURE() << mapping;
}

TEST(code_arena, is_used_again_when_vms_are_destroyed) {
    const auto keeps_one = compiled(returns(1));
    const arena_usage before = code_arena_usage();
    for (int n = 0; n < 3000; ++n) EXPECT_EQ(result_of(*compiled(returns(n))), n);
    EXPECT_EQ(code_arena_usage().used, before.used);
    EXPECT_EQ(code_arena_usage().mapped, before.mapped);
}

TEST(code_arena, is_used_again_when_programs_are_unloaded) {
    ebpf_vm vm{"ubpf"};
    const std::size_t before = code_arena_usage().used;
    const auto code = assemble(returns(3));
    for (int n = 0; n < 100; ++n) {
        ASSERT_EQ(vm.load_code(code.data(), code.size()), 0);
        ASSERT_NE(vm.compile(), nullptr);
        EXPECT_GT(code_arena_usage().used, before);
    }
    vm.unload_code();
    EXPECT_EQ(code_arena_usage().used, before);
}

TEST(code_arena, parts_from_its_parent_when_a_process_forks) {
    auto kept = compiled(returns(11));
    auto freed = compiled(returns(12));
    int to_child[2];
    ASSERT_EQ(pipe(to_child), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        char go = 0;
        const bool told = read(to_child[0], &go, 1) == 1;
        // The parent has put other code where this program's was.
        const bool own = told and result_of(*freed) == 12 and result_of(*kept) == 11;
        freed.reset();
        const auto other = compiled(returns(13));
        _exit(own and result_of(*other) == 13 and result_of(*kept) == 11 ? 0 : 1);
    }
    freed.reset();
    const auto in_its_place = compiled(returns(14));
    ASSERT_EQ(write(to_child[1], "x", 1), 1);
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(result_of(*in_its_place), 14) << "the child has not changed our code";
    EXPECT_EQ(result_of(*kept), 11);
    close(to_child[0]);
    close(to_child[1]);
}

TEST(code_arena, goes_on_with_what_is_free_after_a_fork) {
    std::vector<std::unique_ptr<ebpf_vm>> kept;
    kept.push_back(compiled(returns(1)));
    const arena_usage before = code_arena_usage();
    for (int n = 2; n < 20; ++n) {
        const pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) _exit(0);
        int status = -1;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        kept.push_back(compiled(returns(n)));
    }
    EXPECT_EQ(code_arena_usage().chunks, before.chunks);
    for (int n = 1; n < 20; ++n) EXPECT_EQ(result_of(*kept[static_cast<std::size_t>(n - 1)]), n);
}

TEST(code_arena, has_no_code_of_settings_that_were_changed) {
    ebpf_vm vm{"ubpf"};
    const auto code = assemble(returns(5));
    ASSERT_EQ(vm.load_code(code.data(), code.size()), 0);
    ASSERT_NE(vm.compile(), nullptr);
    ASSERT_EQ(vm.set_limit(compat::vm_limit::instructions, 1000), 0);
    EXPECT_EQ(result_of(vm), 5);
    const arena_usage before = code_arena_usage();
    for (uint64_t limit = 1001; limit < 1100; ++limit) {
        ASSERT_EQ(vm.set_limit(compat::vm_limit::instructions, limit), 0);
        EXPECT_EQ(result_of(vm), 5);
    }
    EXPECT_EQ(code_arena_usage().used, before.used) << "what nobody can call is freed";
}

TEST(code_arena, keeps_the_code_whose_entry_the_host_has) {
    ebpf_vm vm{"ubpf"};
    const auto code = assemble(returns(6));
    ASSERT_EQ(vm.load_code(code.data(), code.size()), 0);
    const auto entry = vm.compile();
    ASSERT_NE(entry, nullptr);
    ASSERT_EQ(vm.set_limit(compat::vm_limit::instructions, 1000), 0);
    EXPECT_EQ(result_of(vm), 6);
    EXPECT_EQ(entry(nullptr, 0), 6U);
}

}  // namespace bpftime::vm::ubpf::test
