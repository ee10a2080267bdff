// bpftime-vm: a program in the running kernel
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "observation.hpp"
#include "subject.hpp"

#include <array>
#include <expected>
#include <memory>
#include <string>
#include <vector>

struct bpf_object;

namespace bpftime::vm::differential {

/// Why the kernel takes no programs here; "" if it does.
[[nodiscard]] std::string why_no_kernel();

/// Keeps the thread on the first CPU: where values of each CPU are compared, both sides count
/// there.
void stay_on_one_cpu();

/// Memory of the kernel's that packets would be in otherwise, as long as this lives.
class taken_memory {
public:
    taken_memory();
    ~taken_memory();
    taken_memory(const taken_memory &) = delete;
    taken_memory &operator=(const taken_memory &) = delete;

private:
    std::array<int, 2> sockets_{-1, -1};
};

/// Owns file descriptors of the kernel's.
class descriptors {
public:
    descriptors() = default;
    descriptors(descriptors &&other) noexcept = default;
    descriptors &operator=(descriptors &&) = delete;
    ~descriptors();
    int add(int fd);

private:
    std::vector<int> all_;
};

class kernel_side {
public:
    /// Loads it by libbpf, as its own authors do; on failure, why not.
    [[nodiscard]] static std::expected<kernel_side, std::string> load(const subject &s);
    /// Loads what our linker made of it, for objects that libbpf is too new for.
    [[nodiscard]] static std::expected<kernel_side, std::string> load_linked(const subject &s);
    kernel_side(kernel_side &&) noexcept;
    ~kernel_side();

    void fill_maps();
    [[nodiscard]] observation run(const bytes &frame) const;
    [[nodiscard]] std::map<std::string, map_contents> maps();

private:
    explicit kernel_side(const subject &s);
    void find_maps();

    const subject *subject_;
    std::unique_ptr<bpf_object, void (*)(bpf_object *)> object_;  ///< null if libbpf has none
    descriptors owned_;
    int program_ = -1;
    std::map<uint32_t, int> maps_;  ///< by index in object_file::maps()
};

}  // namespace bpftime::vm::differential
