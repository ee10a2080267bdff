// bpftime-vm: what programs learn and decide where they are attached to a control group
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace bpftime::vm::runtime {

/// A sysctl that somebody reads or writes.
struct sysctl_access {
    std::string name{};   ///< as "net/ipv4/tcp_mem"
    std::string value{};  ///< that it has
    /// The value that it is to have, which the program may change; none: it is read.
    std::optional<std::string> written{};
    bool is_changed = false;  ///< the program has
};

/// A control group that a program is attached to, at one event in it.
struct cgroup_site {
    uint64_t group = 0;        ///< the kernel's id of it
    uint32_t attach_type = 0;  ///< an object::attach_type
    /// What the operation that the program decides about will give, which the program may change
    /// (bpf_get_retval, bpf_set_retval).
    int32_t result = 0;
    sysctl_access *sysctl = nullptr;  ///< null: the event is not about one
};

/// While one lives, its site is what runs on this thread ask about. They nest.
class scoped_cgroup_site {
public:
    /// `site` must outlive it.
    explicit scoped_cgroup_site(cgroup_site &site) noexcept;
    ~scoped_cgroup_site();
    scoped_cgroup_site(const scoped_cgroup_site &) = delete;
    scoped_cgroup_site &operator=(const scoped_cgroup_site &) = delete;

    /// The innermost on this thread; null if there is none.
    [[nodiscard]] static cgroup_site *current() noexcept;

private:
    cgroup_site *outer_;
};

}  // namespace bpftime::vm::runtime
