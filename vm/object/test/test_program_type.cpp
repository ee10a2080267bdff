// bpftime-vm: tests of what section names say
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object/program_type.hpp"

#include <gtest/gtest.h>

namespace bpftime::vm::object::test {

namespace {

void expect(std::string_view name, program_type program, attach_type attach = attach_type::none,
            bool sleepable = false) {
    const section_type type = type_of_section(name);
    EXPECT_EQ(type.program, program) << name;
    EXPECT_EQ(type.attach, attach) << name;
    EXPECT_EQ(type.sleepable, sleepable) << name;
    EXPECT_TRUE(type.load) << name;
}

}  // namespace

TEST(program_type, exact_names) {
    expect("xdp", program_type::xdp, attach_type::xdp);
    expect("tc", program_type::sched_cls);
    expect("xdp/devmap", program_type::xdp, attach_type::xdp_devmap);
    expect("syscall", program_type::syscall, attach_type::none, true);
    expect("cgroup/connect6", program_type::cgroup_sock_addr, attach_type::cgroup_inet6_connect);
    expect("cgroup_skb/egress", program_type::cgroup_skb, attach_type::cgroup_inet_egress);
}

TEST(program_type, names_with_a_target) {
    expect("kprobe/do_unlinkat", program_type::kprobe);
    expect("kprobe", program_type::kprobe);
    expect("kprobe.multi/tcp_*", program_type::kprobe, attach_type::trace_kprobe_multi);
    expect("tp/syscalls/sys_enter_open", program_type::tracepoint);
    expect("fentry.s/vfs_read", program_type::tracing, attach_type::trace_fentry, true);
    expect("lsm_cgroup/socket_bind", program_type::lsm, attach_type::lsm_cgroup);
    expect("struct_ops.s/init", program_type::struct_ops, attach_type::none, true);
}

TEST(program_type, names_from_before_libbpf_1) {
    expect("xdp_pass", program_type::xdp, attach_type::xdp);
    expect("xdp/router", program_type::xdp, attach_type::xdp);
    expect("classifier/1", program_type::sched_cls);
    expect("socket2", program_type::socket_filter);
    expect("sk_skb/stream_parser/x", program_type::sk_skb, attach_type::sk_skb_stream_parser);
}

TEST(program_type, other_names_are_generic) {
    for (const auto *name : {"", "?", "2/1", "from-netdev", ".text", "tcp", "kprobes", "fentry_x"})
        EXPECT_EQ(type_of_section(name).program, program_type::generic) << name;
}

TEST(program_type, question_marks) {
    const section_type type = type_of_section("?fexit/vfs_read");
    EXPECT_EQ(type.program, program_type::tracing);
    EXPECT_EQ(type.attach, attach_type::trace_fexit);
    EXPECT_FALSE(type.load);
}

}  // namespace bpftime::vm::object::test
