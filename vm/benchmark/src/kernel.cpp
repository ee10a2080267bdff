// bpftime-vm: the kernel's JIT as a contender: a program loaded by bpf(2) and run by BPF_PROG_RUN
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "kernel.hpp"

#include <fmt/format.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string_view>

namespace bpftime::vm::benchmark {

namespace {

int bpf(bpf_cmd command, bpf_attr &attr) {
    return static_cast<int>(syscall(SYS_bpf, command, &attr, sizeof attr));
}

/// A cleared attribute of bpf(2): it must be zero, padding included, where a command says nothing.
bpf_attr no_attr() {
    bpf_attr attr;
    std::memset(&attr, 0, sizeof attr);
    return attr;
}

uint64_t address(const void *pointer) { return reinterpret_cast<uint64_t>(pointer); }

std::string error_text() { return std::strerror(errno); }

// --- maps
// -----------------------------------------------------------------------------------------

[[noreturn]] void fail(std::string_view what) {
    throw std::runtime_error(fmt::format("bpf(2): {}: {}", what, error_text()));
}

kernel_object make_array(std::size_t size, uint32_t flags) {
    bpf_attr attr = no_attr();
    attr.map_type = BPF_MAP_TYPE_ARRAY;
    attr.key_size = sizeof(uint32_t);
    attr.value_size = static_cast<uint32_t>(size);
    attr.max_entries = 1;
    attr.map_flags = flags;
    const int fd = bpf(BPF_MAP_CREATE, attr);
    if (fd < 0) fail("an array map cannot be made");
    return kernel_object{fd};
}

/// Reads (BPF_MAP_LOOKUP_ELEM) or writes (BPF_MAP_UPDATE_ELEM) the only value of an array map.
void transfer(bpf_cmd command, const kernel_object &map, const void *value) {
    const uint32_t key = 0;
    bpf_attr attr = no_attr();
    attr.map_fd = static_cast<uint32_t>(map.fd());
    attr.key = address(&key);
    attr.value = address(value);
    if (bpf(command, attr) < 0) fail("the map cannot be read or written");
}

void freeze(const kernel_object &map) {
    bpf_attr attr = no_attr();
    attr.map_fd = static_cast<uint32_t>(map.fd());
    if (bpf(BPF_MAP_FREEZE, attr) < 0) fail("the map cannot be frozen");
}

// --- programs
// -------------------------------------------------------------------------------------

/// One slot of a program; no instruction of ours has an offset.
constexpr uint64_t insn(uint64_t opcode, uint64_t dst, uint64_t src, int32_t imm) {
    return opcode | dst << 8 | src << 12 | uint64_t{static_cast<uint32_t>(imm)} << 32;
}

void append_map_value(std::vector<uint64_t> &out, uint64_t dst, const kernel_object &map) {
    out.push_back(insn(BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_VALUE, map.fd()));
    out.push_back(insn(0, 0, 0, 0));
}

/// The program behind its caller: r1 = memory, r2 = size, and r0 to the other map.
std::vector<uint64_t> with_caller(std::span<const uint8_t> code, const kernel_object &memory,
                                  std::size_t size, const kernel_object &r0) {
    constexpr int32_t behind_the_call = 5;
    std::vector<uint64_t> out;
    append_map_value(out, BPF_REG_1, memory);
    out.push_back(insn(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, static_cast<int32_t>(size)));
    out.push_back(insn(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, behind_the_call));
    append_map_value(out, BPF_REG_1, r0);
    out.push_back(insn(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_0, 0));
    out.push_back(insn(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, XDP_PASS));
    out.push_back(insn(BPF_JMP | BPF_EXIT, 0, 0, 0));
    const std::size_t caller = out.size();
    out.resize(caller + code.size() / sizeof(uint64_t));
    std::memcpy(&out[caller], code.data(), code.size());
    return out;
}

/// The first line of the verifier's log that speaks of the program.
std::string reason_of(std::string_view log) {
    constexpr std::string_view statistics[] = {"processed ", "verification time ", "stack depth "};
    while (not log.empty()) {
        const std::string_view line = log.substr(0, log.find('\n'));
        log.remove_prefix(std::min(log.size(), line.size() + 1));
        if (not line.empty() and std::ranges::none_of(statistics, [line](std::string_view start) {
                return line.starts_with(start);
            }))
            return std::string{line};
    }
    return {};
}

std::expected<kernel_object, std::string> load_program(const std::vector<uint64_t> &code) {
    constexpr uint32_t messages_without_instructions = 4;
    std::string log(64 << 10, '\0');
    bpf_attr attr = no_attr();
    attr.prog_type = BPF_PROG_TYPE_XDP;
    attr.insns = address(code.data());
    attr.insn_cnt = static_cast<uint32_t>(code.size());
    attr.license = address("GPL");
    attr.log_level = messages_without_instructions;
    attr.log_buf = address(log.data());
    attr.log_size = static_cast<uint32_t>(log.size());
    const int fd = bpf(BPF_PROG_LOAD, attr);
    if (fd >= 0) return kernel_object{fd};
    const std::string error = error_text();
    log.resize(std::strlen(log.c_str()));
    const std::string reason = reason_of(log);
    return std::unexpected{reason.empty() ? error : reason};
}

std::expected<uint32_t, std::string> run_program(const kernel_object &program, uint32_t times) {
    const std::vector<uint8_t> packet(64);
    bpf_attr attr = no_attr();
    attr.test.prog_fd = static_cast<uint32_t>(program.fd());
    attr.test.data_in = address(packet.data());
    attr.test.data_size_in = static_cast<uint32_t>(packet.size());
    attr.test.repeat = times;
    if (bpf(BPF_PROG_TEST_RUN, attr) < 0) return std::unexpected{error_text()};
    return attr.test.duration;
}

}  // namespace

std::string why_no_kernel() {
    int enabled = 0;
    std::ifstream{"/proc/sys/net/core/bpf_jit_enable"} >> enabled;
    if (enabled == 0) return "this kernel has no JIT, or it is off (net.core.bpf_jit_enable)";
    const auto program = load_program(
        {insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, XDP_PASS), insn(BPF_JMP | BPF_EXIT, 0, 0, 0)});
    if (not program) return "bpf(2) loads no program: " + program.error();
    const auto duration = run_program(*program, 1);
    if (not duration) return "bpf(2) runs no program: " + duration.error();
    return {};
}

kernel_object::~kernel_object() {
    if (fd_ >= 0) close(fd_);
}

std::expected<kernel_program, std::string> kernel_program::load(std::span<const uint8_t> code,
                                                                std::span<const uint8_t> memory) {
    auto program = load_with(code, memory, false);
    if (program) return program;
    auto frozen = load_with(code, memory, true);
    return frozen ? std::move(frozen) : std::move(program);
}

std::expected<kernel_program, std::string> kernel_program::load_with(
    std::span<const uint8_t> code, std::span<const uint8_t> memory, bool frozen) {
    kernel_object map = make_array(memory.size(), frozen ? BPF_F_RDONLY_PROG : 0);
    transfer(BPF_MAP_UPDATE_ELEM, map, memory.data());
    if (frozen) freeze(map);
    kernel_object r0 = make_array(sizeof(uint64_t), 0);
    auto program = load_program(with_caller(code, map, memory.size(), r0));
    if (not program) return std::unexpected{program.error()};
    return kernel_program{std::move(*program), std::move(map), std::move(r0), memory.size(),
                          frozen};
}

std::expected<uint32_t, std::string> kernel_program::run(uint32_t times) const {
    return run_program(program_, times);
}

uint64_t kernel_program::r0() const {
    uint64_t value = 0;
    transfer(BPF_MAP_LOOKUP_ELEM, r0_, &value);
    return value;
}

std::vector<uint8_t> kernel_program::memory() const {
    std::vector<uint8_t> value(size_);
    transfer(BPF_MAP_LOOKUP_ELEM, memory_, value.data());
    return value;
}

}  // namespace bpftime::vm::benchmark
