// bpftime-vm: what programs learn of the place in a program of the host that they are attached to
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"
#include "isa/error.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace bpftime::vm::runtime {

/// A function that a program watches, at one call of it.
struct probe_site {
    uint64_t cookie = 0;    ///< that it was attached with (bpf_get_attach_cookie)
    uint64_t function = 0;  ///< its address (bpf_get_func_ip)
    std::span<const uint64_t> arguments{};
    /// What it returned, for programs that watch its end.
    std::optional<uint64_t> result{};
    /// Return addresses of its callers, innermost first (bpf_get_stack).
    std::span<const uint64_t> stack{};
    /// What the program wants it to return instead of running (bpf_override_return).
    std::optional<uint64_t> override_result{};
};

/// While one lives, its site is what runs on this thread ask about. They nest.
class scoped_probe_site {
public:
    /// `site` must outlive it.
    explicit scoped_probe_site(probe_site &site) noexcept;
    ~scoped_probe_site();
    scoped_probe_site(const scoped_probe_site &) = delete;
    scoped_probe_site &operator=(const scoped_probe_site &) = delete;

    /// The innermost on this thread; null if there is none.
    [[nodiscard]] static probe_site *current() noexcept;

private:
    probe_site *outer_;
};

/// Lets the programs of a VM read all memory of this process by the helpers that are made for it
/// (bpf_probe_read and the like) and write it by bpf_probe_write_user; what cannot be read is
/// -EFAULT. Without it they reach what the program may touch anyway, and fail beyond. Call it after
/// the helpers were registered.
result<void> allow_process_memory(ebpf_vm &vm);

}  // namespace bpftime::vm::runtime
