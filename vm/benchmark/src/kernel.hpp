// bpftime-vm: the kernel's JIT as a contender: a program loaded by bpf(2) and run by BPF_PROG_RUN
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bpftime::vm::benchmark {

/// Why the kernel cannot be measured here; "" if it can.
[[nodiscard]] std::string why_no_kernel();

/// A file descriptor of a map or a program.
class kernel_object {
public:
    explicit kernel_object(int fd) noexcept : fd_{fd} {}
    kernel_object(kernel_object &&other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    kernel_object &operator=(kernel_object &&other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~kernel_object();
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    int fd_;
};

/// A benchmark program that the kernel's verifier accepted, with its memory.
///
/// The bytecode is what every engine gets. Before it go a few instructions that call it with r1 =
/// the value of an array map and r2 = its size as a constant, and store its r0 to another map.
///
/// The verifier follows loops round by round and gives up where data decides too much. Programs
/// that only read are then offered once more with a map that is frozen to their input: the verifier
/// knows its contents and follows the one run that is measured. It also removes what that run never
/// reaches, so such figures flatter the kernel a little; frozen() tells.
class kernel_program {
public:
    /// On failure: what the verifier said of the program with memory that is not frozen.
    [[nodiscard]] static std::expected<kernel_program, std::string> load(
        std::span<const uint8_t> code, std::span<const uint8_t> memory);

    /// Runs the program `times` times, at least once; nanoseconds of one run by the kernel's clock.
    [[nodiscard]] std::expected<uint32_t, std::string> run(uint32_t times) const;

    /// r0 of the last run.
    [[nodiscard]] uint64_t r0() const;
    /// The memory after the last run.
    [[nodiscard]] std::vector<uint8_t> memory() const;
    [[nodiscard]] bool frozen() const noexcept { return frozen_; }

private:
    kernel_program(kernel_object program, kernel_object memory, kernel_object r0, std::size_t size,
                   bool frozen) noexcept
        : program_{std::move(program)},
          memory_{std::move(memory)},
          r0_{std::move(r0)},
          size_{size},
          frozen_{frozen} {}

    static std::expected<kernel_program, std::string> load_with(std::span<const uint8_t> code,
                                                                std::span<const uint8_t> memory,
                                                                bool frozen);

    kernel_object program_;
    kernel_object memory_;
    kernel_object r0_;
    std::size_t size_;
    bool frozen_;
};

}  // namespace bpftime::vm::benchmark
