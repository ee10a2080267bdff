// bpftime-vm: programs of the running kernel, for comparison
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "object/program_type.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

union bpf_attr;

namespace bpftime::vm::runtime::test {

/// A program in the kernel by bpf(2).
class kernel_program {
public:
    kernel_program() = default;
    ~kernel_program();
    kernel_program(const kernel_program &) = delete;
    kernel_program &operator=(const kernel_program &) = delete;

    /// Why the kernel takes no programs here; "" if it does.
    [[nodiscard]] static std::string why_unavailable();

    /// 0 or a negative errno.
    int load(object::program_type type, object::attach_type attach, std::span<const uint8_t> code);
    /// BPF_PROG_TEST_RUN: 0 or a negative errno; `packet` becomes what the program left.
    int run(std::vector<uint8_t> &packet, uint32_t &result) const;
    /// The same of a program that gets no packet.
    int run(uint32_t &result) const;
    /// What the kernel said of a program that it refused.
    [[nodiscard]] const std::string &log() const noexcept { return log_; }

private:
    void explain(bpf_attr &attr);

    int fd_ = -1;
    std::string log_;
};

}  // namespace bpftime::vm::runtime::test
