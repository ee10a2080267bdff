// bpftime-vm: what the name of a section says of the programs in it
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object/program_type.hpp"

#include "object/program_name.hpp"

#include <algorithm>
#include <array>

namespace bpftime::vm::object {

namespace {

struct row {
    std::string_view name;
    section_type type;
};

constexpr auto rows = std::to_array<row>({
#define SECTION(name, program, attach, sleepable) \
    {name, {program_type::program, attach_type::attach, sleepable, true}},
#include "section_types.def"
#undef SECTION
});

bool matches(std::string_view pattern, std::string_view name) {
    if (not pattern.ends_with('+')) return name == pattern;
    pattern.remove_suffix(1);
    return name.starts_with(pattern) and
           (name.size() == pattern.size() or name[pattern.size()] == '/');
}

/// Before libbpf 1.0 a name was enough at the beginning: "xdp_pass" is an XDP program, "tcp" is not
/// one of tc.
bool begins(std::string_view pattern, std::string_view name) {
    if (pattern.ends_with('+') or not name.starts_with(pattern)) return false;
    const char next = name.size() > pattern.size() ? name[pattern.size()] : '/';
    return next < 'a' or next > 'z';
}

}  // namespace

std::string_view kernel_name(program_type type) noexcept {
    constexpr auto names = std::to_array<std::string_view>({
        "generic",
        "socket_filter",
        "kprobe",
        "sched_cls",
        "sched_act",
        "tracepoint",
        "xdp",
        "perf_event",
        "cgroup_skb",
        "cgroup_sock",
        "lwt_in",
        "lwt_out",
        "lwt_xmit",
        "sock_ops",
        "sk_skb",
        "cgroup_device",
        "sk_msg",
        "raw_tracepoint",
        "cgroup_sock_addr",
        "lwt_seg6local",
        "lirc_mode2",
        "sk_reuseport",
        "flow_dissector",
        "cgroup_sysctl",
        "raw_tracepoint_writable",
        "cgroup_sockopt",
        "tracing",
        "struct_ops",
        "extension",
        "lsm",
        "sk_lookup",
        "syscall",
        "netfilter",
    });
    static_assert(names.size() == static_cast<std::size_t>(program_type::netfilter) + 1);
    const auto index = static_cast<std::size_t>(type);
    return index < names.size() ? names[index] : names.front();
}

section_type type_of_section(std::string_view name) noexcept {
    const bool load = not name.starts_with('?');
    if (not load) name.remove_prefix(1);
    const row *best = nullptr;
    for (const row &r : rows) {
        if (matches(r.name, name)) {
            best = &r;
            break;
        }
        const bool longer = best == nullptr or r.name.size() > best->name.size();
        if (longer and begins(r.name, name)) best = &r;
    }
    section_type type = best == nullptr ? section_type{} : best->type;
    type.load = load;
    return type;
}

}  // namespace bpftime::vm::object
