// bpftime-vm: programs of the running kernel, for comparison
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "kernel_program.hpp"

#include "isa/isa.hpp"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bpftime::vm::runtime::test {

namespace {

int call(bpf_cmd command, bpf_attr &attr) {
    const long result = syscall(SYS_bpf, command, &attr, sizeof attr);
    return result < 0 ? -errno : static_cast<int>(result);
}

}  // namespace

kernel_program::~kernel_program() {
    if (fd_ >= 0) close(fd_);
}

std::string kernel_program::why_unavailable() {
    // mov %r0, 0; exit
    constexpr uint64_t code[] = {0xb7, 0x95};
    kernel_program probe;
    const int failed = probe.load(object::program_type::xdp, object::attach_type::none,
                                  {reinterpret_cast<const uint8_t *>(code), sizeof code});
    return failed == 0 ? ""
                       : std::string{"bpf(2) takes no programs here: "} + std::strerror(-failed);
}

int kernel_program::load(object::program_type type, object::attach_type attach,
                         std::span<const uint8_t> code) {
    bpf_attr attr{};
    attr.prog_type = static_cast<uint32_t>(type);
    attr.expected_attach_type = static_cast<uint32_t>(attach);
    attr.insns = reinterpret_cast<uint64_t>(code.data());
    attr.insn_cnt = static_cast<uint32_t>(code.size() / isa::slot_size);
    attr.license = reinterpret_cast<uint64_t>("GPL");
    const int fd = call(BPF_PROG_LOAD, attr);
    if (fd < 0) {
        explain(attr);
        return fd;
    }
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
    return 0;
}

/// Asks again, this time for words.
void kernel_program::explain(bpf_attr &attr) {
    constexpr std::size_t most_log_bytes = 1 << 20;
    log_.assign(most_log_bytes, '\0');
    attr.log_level = 1;
    attr.log_buf = reinterpret_cast<uint64_t>(log_.data());
    attr.log_size = most_log_bytes;
    if (const int fd = call(BPF_PROG_LOAD, attr); fd >= 0) close(fd);
    log_.resize(std::strlen(log_.c_str()));
}

int kernel_program::run(std::vector<uint8_t> &packet, uint32_t &result) const {
    constexpr std::size_t room_to_grow = 32 << 10;
    std::vector<uint8_t> out(packet.size() + room_to_grow);
    bpf_attr attr{};
    attr.test.prog_fd = static_cast<uint32_t>(fd_);
    attr.test.data_in = reinterpret_cast<uint64_t>(packet.data());
    attr.test.data_size_in = static_cast<uint32_t>(packet.size());
    attr.test.data_out = reinterpret_cast<uint64_t>(out.data());
    attr.test.data_size_out = static_cast<uint32_t>(out.size());
    const int failed = call(BPF_PROG_TEST_RUN, attr);
    if (failed != 0) return failed;
    out.resize(attr.test.data_size_out);
    packet = std::move(out);
    result = attr.test.retval;
    return 0;
}

int kernel_program::run(uint32_t &result) const {
    bpf_attr attr{};
    attr.test.prog_fd = static_cast<uint32_t>(fd_);
    const int failed = call(BPF_PROG_TEST_RUN, attr);
    result = attr.test.retval;
    return failed;
}

}  // namespace bpftime::vm::runtime::test
