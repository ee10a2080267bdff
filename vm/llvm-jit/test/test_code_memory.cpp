// bpftime-vm: code memory is released with its VM, and never writable and executable at once
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::llvm_jit::test {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) or __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

/// Bytes of this process that are in memory.
int64_t resident_bytes() {
    std::ifstream file{"/proc/self/statm"};
    int64_t total = 0;
    int64_t resident = 0;
    file >> total >> resident;
    return resident * sysconf(_SC_PAGESIZE);
}

void compile_and_destroy(int cycles) {
    for (int n = 0; n < cycles; ++n) {
        // Not the same program each time, so that nothing could be found again.
        const vm_ptr vm = load("mov %r0, " + std::to_string(n) + "\nadd %r0, %r2\nexit");
        ASSERT_EQ(ebpf_set_optimization_level(vm.get(), 0), 0);
        const ebpf_jit_fn entry = ebpf_compile(vm.get(), nullptr);
        ASSERT_NE(entry, nullptr) << ebpf_last_error();
        ASSERT_EQ(entry(nullptr, 0), static_cast<uint64_t>(n));
    }
}

TEST(code_memory, is_released_with_its_vm) {
    // Sanitizers keep freed memory, and find themselves what is not freed.
    if (sanitized) return compile_and_destroy(100);
    compile_and_destroy(1000);
    const int64_t before = resident_bytes();
    compile_and_destroy(9000);
    EXPECT_LT(resident_bytes() - before, 1 << 20);
}

TEST(code_memory, is_released_when_the_program_is_unloaded) {
    if (sanitized) GTEST_SKIP() << "sanitizers keep freed memory";
    const vm_ptr vm{ebpf_create("llvm")};
    const auto code = assemble("mov %r0, 1\nexit");
    ASSERT_EQ(ebpf_set_optimization_level(vm.get(), 0), 0);
    int64_t before = 0;
    for (int n = 0; n < 600; ++n) {
        if (n == 200) before = resident_bytes();
        ASSERT_EQ(ebpf_load(vm.get(), code.data(), static_cast<uint32_t>(code.size()), nullptr), 0);
        ASSERT_NE(ebpf_compile(vm.get(), nullptr), nullptr);
    }
    EXPECT_LT(resident_bytes() - before, 4 << 20);
}

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

TEST(code_memory, is_never_writable_and_executable) {
    std::vector<vm_ptr> vms;
    for (int n = 0; n < 5; ++n) {
        vms.push_back(load("mov %r0, 1\ncall local f\nexit\nf: add %r0, 1\nexit"));
        const ebpf_jit_fn entry = ebpf_compile(vms.back().get(), nullptr);
        ASSERT_NE(entry, nullptr);
        const auto executable = mappings_with("x");
        EXPECT_TRUE(std::ranges::any_of(executable, [&](const std::string &mapping) {
            return holds(mapping, reinterpret_cast<uint64_t>(entry));
        })) << "the code is found among the mappings";
    }
    for (const std::string &mapping : mappings_with("wx")) ADD_FAILURE() << mapping;
}

/// 0: compiling a large program with so many bytes failed as it should, and a small one after it
/// was fine.
int compile_with(rlim_t bytes) {
    std::string text;
    for (unsigned n = 0; n < 60'000; ++n) text += "ldxdw %r3, [%r1+8]\nadd %r1, %r3\n";
    const vm_ptr large{ebpf_create("llvm")};
    const auto code = assemble(text + "exit");
    ebpf_set_max_insns(large.get(), 200'000);
    if (ebpf_load(large.get(), code.data(), static_cast<uint32_t>(code.size()), nullptr) != 0)
        return 1;
    const vm_ptr small = load("mov %r0, 7\nexit");
    if (ebpf_compile(small.get(), nullptr) == nullptr) return 2;

    std::ifstream file{"/proc/self/statm"};
    rlim_t pages = 0;
    file >> pages;
    rlimit limit{};
    getrlimit(RLIMIT_AS, &limit);
    const rlimit tight{pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + bytes, limit.rlim_max};
    if (setrlimit(RLIMIT_AS, &tight) != 0) return 3;
    int64_t r0 = 0;
    if (ebpf_exec(large.get(), nullptr, 0, &r0) != EBPF_ERROR_OUT_OF_MEMORY) return 4;
    // What LLVM was working on is lost.
    if (setrlimit(RLIMIT_AS, &limit) != 0) return 6;
    const vm_ptr another = load("mov %r0, 8\nexit");
    if (ebpf_exec(another.get(), nullptr, 0, &r0) != 0 or r0 != 8) return 5;
    return 0;
}

TEST(code_memory, that_is_not_there_is_an_error) {
    if (sanitized) GTEST_SKIP() << "sanitizers need more memory than any limit leaves them";
    for (const unsigned mebibytes : {4U, 16U, 40U, 80U, 120U, 160U, 200U, 240U}) {
        const pid_t child = fork();
        ASSERT_GE(child, 0);
        if (child == 0) _exit(compile_with(rlim_t{mebibytes} << 20));
        int status = 0;
        ASSERT_EQ(waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status) << ", " << mebibytes;
        EXPECT_EQ(WEXITSTATUS(status), 0) << mebibytes;
    }
}

}  // namespace

}  // namespace bpftime::vm::llvm_jit::test
