// bpftime-vm: making native code where memory ends in the middle of it
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "ebpf-vm.h"
#include "emitter.hpp"
#include "programs.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace bpftime::vm::ubpf::test {

namespace {

void put(std::vector<uint8_t> &code, uint8_t opcode, uint8_t registers, int16_t offset,
         int32_t imm) {
    code.push_back(opcode);
    code.push_back(registers);
    for (int i = 0; i < 2; ++i) code.push_back(static_cast<uint8_t>(uint16_t(offset) >> 8 * i));
    for (int i = 0; i < 4; ++i) code.push_back(static_cast<uint8_t>(uint32_t(imm) >> 8 * i));
}

/// All that is written after what comes behind it: branches forwards, a table with targets that are
/// far apart, calls of functions at the end.
std::vector<uint8_t> with_open_places(uint32_t slots, std::vector<uint32_t> &targets) {
    constexpr int32_t handle_mark = static_cast<int32_t>(0xebfc0000);
    constexpr int16_t far = 30'000;
    std::vector<uint8_t> code;
    put(code, 0xb7, 0, 0, 1);                                    // mov r0, 1
    put(code, 0x18, 3, 0, static_cast<int32_t>(slots / 2 + 3));  // lddw r3, handle
    put(code, 0, 0, 0, handle_mark);
    while (code.size() / 8 < slots / 2 + 2)
        put(code, 0x15, 0, code.size() / 8 + far < slots / 2 ? far : 0, 100);  // jeq r0, 100
    put(code, 0x0d, 3, 0, 0);                                                  // gotox r3
    targets.push_back(static_cast<uint32_t>(code.size() / 8));
    put(code, 0x85, 0x10, 0, static_cast<int32_t>(slots / 2 + 1));  // call the function behind
    while (code.size() / 8 < slots + 4) put(code, 0x07, 0, 0, 1'000'000);
    targets.push_back(static_cast<uint32_t>(code.size() / 8));
    put(code, 0x95, 0, 0, 0);
    put(code, 0xb7, 0, 0, 2);
    put(code, 0x95, 0, 0, 0);
    return code;
}

uint64_t bytes_of_this_process() {
    std::ifstream file{"/proc/self/statm"};
    uint64_t pages = 0;
    file >> pages;
    return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

/// In a process of its own: compiles with so many bytes more than there are. 0: it worked, 1: it
/// was refused for memory, 2: otherwise.
int compile_within(const std::vector<uint8_t> &code, const std::vector<uint32_t> &targets,
                   uint64_t room) {
    const pid_t child = fork();
    if (child == 0) {
        const std::unique_ptr<struct ebpf_vm, decltype(&ebpf_destroy)> vm{ebpf_create("ubpf"),
                                                                          ebpf_destroy};
        ebpf_set_max_insns(vm.get(), 1U << 24);
        ebpf_set_jump_targets(vm.get(), targets.data(), targets.size());
        if (ebpf_load(vm.get(), code.data(), static_cast<uint32_t>(code.size()), nullptr) != 0)
            _exit(3);
        const uint64_t most = bytes_of_this_process() + room;
        const rlimit limit{most, most};
        setrlimit(RLIMIT_AS, &limit);
        if (ebpf_compile(vm.get(), nullptr) != nullptr) _exit(0);
        const std::string why = ebpf_last_error();
        _exit(why.find("memory") != std::string::npos and why.find("defect") == std::string::npos
                  ? 1
                  : 2);
    }
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
    return WEXITSTATUS(status);
}

}  // namespace

TEST(code_without_memory, is_refused_wherever_memory_ends) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "SKIPPED: sanitizers need all of the address space";
#endif
    constexpr uint64_t mebibyte = 1 << 20;
    std::vector<uint32_t> targets;
    const auto code = with_open_places(400'000, targets);
    unsigned refused = 0;
    int last = -1;
    for (uint64_t room = 1; room <= 64 and last != 0; room += room < 24 ? 1 : 4) {
        last = compile_within(code, targets, room * mebibyte);
        ASSERT_LE(last, 1) << room << " MiB";
        refused += last == 1;
    }
    EXPECT_EQ(last, 0) << "64 MiB are enough";
    EXPECT_GT(refused, 3U);
}

TEST(code_without_memory, is_not_changed_where_it_never_was) {
    emitter e;
    e.op(Inst::kIdMov, x86::rax, x86::rcx);
    const std::vector<std::byte> before{e.bytes().begin(), e.bytes().end()};
    EXPECT_FALSE(e.close(open_jump{4096, false}, 0));
    EXPECT_FALSE(e.close(open_jump{2, false}, 0)) << "it would end behind the code";
    e.set_word(1 << 20, 0x12345678);
    e.set_word(0xffff'ffff, 0x12345678);
    EXPECT_TRUE(std::ranges::equal(before, e.bytes()));
}

}  // namespace bpftime::vm::ubpf::test
