// bpftime-vm: where a run of a C host happens, for as long as it does
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "ebpf-host.h"
#include "isa/error.hpp"
#include "runtime/cgroup_site.hpp"
#include "runtime/probe.hpp"
#include "runtime/socket_site.hpp"

#include <optional>

namespace bpftime::vm::runtime_capi {

/// The sites that a host gave, entered until this ends.
class entered_sites {
public:
    /// `given` may be null: nowhere.
    result<void> enter(const ebpf_sites *given);
    /// Writes what the program wants to the host's structs; in the read section of the run.
    void give_back();

private:
    result<void> enter_probe();
    result<void> enter_cgroup();
    result<void> enter_socket();

    ebpf_sites given_{};
    ebpf_probe_site probe_values_{};
    ebpf_cgroup_site cgroup_values_{};
    ebpf_socket_site socket_values_{};
    runtime::probe_site probe_;
    runtime::cgroup_site cgroup_;
    runtime::sysctl_access sysctl_;
    runtime::socket_site socket_;
    std::optional<runtime::scoped_probe_site> in_probe_;
    std::optional<runtime::scoped_cgroup_site> in_cgroup_;
    std::optional<runtime::scoped_socket_site> in_socket_;
};

}  // namespace bpftime::vm::runtime_capi
