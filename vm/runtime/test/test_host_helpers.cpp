// bpftime-vm: the helpers that a host answers, and those about what only a kernel has
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compile.hpp"
#include "engines.hpp"
#include "kernel_program.hpp"
#include "object/object.hpp"
#include "packet_program.hpp"
#include "programs.hpp"
#include "runtime/cgroup_site.hpp"
#include "runtime/helpers.hpp"
#include "runtime/loaded_object.hpp"
#include "runtime/map_set.hpp"
#include "runtime/socket_site.hpp"
#include "support.hpp"

#include <fmt/format.h>
#include <linux/bpf.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string>
#include <vector>

namespace bpftime::vm::runtime::test {

using object::program_type;
using vm::test::engine;

namespace {

class host_helper : public testing::TestWithParam<engine> {
protected:
    int64_t run(std::string_view text, void *memory = nullptr, std::size_t size = 0) {
        const auto vm = load(GetParam(), vm::test::assemble(text));
        if (signals_) {
            EXPECT_EQ(errno_of(register_signals(*vm, signals_)), 0);
        }
        int64_t r0 = 0;
        code_ = vm->exec(memory, size, r0);
        return r0;
    }

    signal_sink signals_;
    int64_t code_ = 0;
};

INSTANTIATE_TEST_SUITE_P(engines, host_helper, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

// --- signals

TEST_P(host_helper, signals_are_refused_unless_the_host_takes_them) {
    EXPECT_EQ(run("mov %r1, 10\ncall 109\nexit"), -EPERM);
    EXPECT_EQ(run("mov %r1, 10\ncall 117\nexit"), -EPERM);
    std::vector<std::pair<int, signal_target>> sent;
    signals_ = [&](int number, signal_target to) {
        sent.emplace_back(number, to);
        return number == SIGKILL ? -EBUSY : 0;
    };
    EXPECT_EQ(run("mov %r1, 10\ncall 109\nexit"), 0);
    EXPECT_EQ(run("mov %r1, 64\ncall 117\nexit"), 0);
    EXPECT_EQ(run("mov %r1, 65\ncall 117\nexit"), -EINVAL);
    EXPECT_EQ(run("mov %r1, -1\ncall 109\nexit"), -EINVAL);
    EXPECT_EQ(run("mov %r1, 9\ncall 109\nexit"), -EBUSY);
    EXPECT_EQ(sent, (std::vector<std::pair<int, signal_target>>{{10, signal_target::process},
                                                                {64, signal_target::thread},
                                                                {9, signal_target::process}}));
}

TEST_P(host_helper, signals_of_objects_go_to_their_host) {
    const auto elf = object::test::compile(R"(
        #define SEC(name) __attribute__((section(name), used))
        static long (*send)(unsigned) = (void *)109;
        SEC("tracepoint/x/y") int prog(void *ctx) { return send(12) + 5; })",
                                           "-O2 -g -mcpu=v3");
    const auto file = object::object_file::parse(elf);
    ASSERT_TRUE(file);
    int sent = 0;
    const signal_sink sink = [&](int number, signal_target) {
        sent = number;
        return 0;
    };
    int64_t r0 = 0;
    auto object = loaded_object::load(*file, {.backend = GetParam().backend, .signals = sink});
    ASSERT_TRUE(object) << object.error().message;
    EXPECT_EQ(object->find_program("prog")->vm->exec(nullptr, 0, r0), 0);
    EXPECT_EQ(r0, 5);
    EXPECT_EQ(sent, 12);
    object = loaded_object::load(*file, {.backend = GetParam().backend});
    ASSERT_TRUE(object) << object.error().message;
    EXPECT_EQ(object->find_program("prog")->vm->exec(nullptr, 0, r0), 0);
    EXPECT_EQ(r0, 5 - EPERM);
}

// --- sockets

TEST_P(host_helper, options_of_sockets_are_the_host_s) {
    // Level 6, name 13, the value in the input memory.
    constexpr std::string_view option =
        "mov %r4, %r1\nmov %r5, %r2\nmov %r2, 6\nmov %r3, 13\ncall {}\nexit";
    const auto get = fmt::format(fmt::runtime(option), 57);
    const auto set = fmt::format(fmt::runtime(option), 49);
    bytes value{1, 2, 3, 4};
    EXPECT_EQ(run(set, value.data(), value.size()), -EOPNOTSUPP);
    EXPECT_EQ(run(get, value.data(), value.size()), -EOPNOTSUPP);
    EXPECT_EQ(value, bytes(4));
    socket_site site;
    const scoped_socket_site scope{site};
    value = {1, 2, 3, 4};
    EXPECT_EQ(run(set, value.data(), value.size()), -EOPNOTSUPP);
    bytes seen;
    site.set_option = [&](int level, int name, std::span<const uint8_t> from) {
        seen.assign(from.begin(), from.end());
        return level == 6 and name == 13 ? 0 : -ENOPROTOOPT;
    };
    site.get_option = [&](int, int, std::span<uint8_t> to) {
        std::ranges::fill(to, uint8_t{9});
        return to.size() == 4 ? 0 : -EINVAL;
    };
    EXPECT_EQ(run(set, value.data(), value.size()), 0);
    EXPECT_EQ(seen, value);
    EXPECT_EQ(run(get, value.data(), value.size()), 0);
    EXPECT_EQ(value, bytes(4, 9));
    EXPECT_EQ(run(get, value.data(), 3), -EINVAL);
    EXPECT_EQ(value, (bytes{0, 0, 0, 9}));
}

TEST_P(host_helper, sockets_are_bound_by_the_host) {
    constexpr std::string_view bind = "mov %r3, %r2\nmov %r2, %r1\ncall 64\nexit";
    sockaddr_in address{};
    address.sin_family = AF_INET;
    EXPECT_EQ(run(bind, &address, sizeof address), -EOPNOTSUPP);
    EXPECT_EQ(run(bind, &address, 1), -EINVAL);
    socket_site site;
    const scoped_socket_site scope{site};
    std::size_t seen = 0;
    site.bind = [&](std::span<const uint8_t> from) {
        seen = from.size();
        return -EADDRINUSE;
    };
    EXPECT_EQ(run(bind, &address, sizeof address), -EADDRINUSE);
    EXPECT_EQ(seen, sizeof address);
    address.sin_family = AF_UNIX;
    EXPECT_EQ(run(bind, &address, sizeof address), -EAFNOSUPPORT);
}

TEST_P(host_helper, programs_say_what_events_they_want) {
    EXPECT_EQ(run("mov %r2, 1\ncall 59\nexit"), -EINVAL);
    socket_site site;
    const scoped_socket_site scope{site};
    EXPECT_EQ(run("mov %r2, 6\ncall 59\nexit"), 0);
    EXPECT_EQ(site.callbacks, 6U);
    EXPECT_EQ(run("mov %r2, 0x185\ncall 59\nexit"), 0x180);
    EXPECT_EQ(site.callbacks, 5U);
}

TEST_P(host_helper, programs_say_how_much_of_a_message_they_mean) {
    EXPECT_EQ(run("mov %r2, 100\ncall 61\nexit"), -EOPNOTSUPP);
    EXPECT_EQ(run("mov %r2, 100\ncall 62\nexit"), -EOPNOTSUPP);
    socket_site site;
    const scoped_socket_site scope{site};
    EXPECT_EQ(run("mov %r2, 100\ncall 61\nexit"), 0);
    EXPECT_EQ(run("mov %r2, 200\ncall 62\nexit"), 0);
    EXPECT_EQ(site.apply_bytes, 100U);
    EXPECT_EQ(site.cork_bytes, 200U);
}

TEST_P(host_helper, messages_are_there_and_keep_their_length) {
    const std::array<uint64_t, 2> context{0x1000, 0x1010};  // 16 bytes
    const auto ask = [&](unsigned helper, int a, int b, int flags) {
        auto memory = context;
        return run(fmt::format("mov %r2, {}\nmov %r3, {}\nmov %r4, {}\ncall {}\nexit", a, b, flags,
                               helper),
                   memory.data(), sizeof memory);
    };
    EXPECT_EQ(ask(63, 0, 16, 0), 0);
    EXPECT_EQ(ask(63, 15, 16, 0), 0);
    EXPECT_EQ(ask(63, 0, 17, 0), -EINVAL);
    EXPECT_EQ(ask(63, 4, 4, 0), -EINVAL);
    EXPECT_EQ(ask(63, 0, 16, 1), -EINVAL);
    for (const unsigned helper : {90U, 91U}) {
        EXPECT_EQ(ask(helper, 3, 0, 0), 0);
        EXPECT_EQ(ask(helper, 3, 4, 1), -EINVAL);
        EXPECT_EQ(ask(helper, 3, 4, 0), -ENOMEM);
        EXPECT_EQ(ask(helper, 17, 4, 0), -EINVAL);
        EXPECT_EQ(ask(helper, -1, -1, 0), -EINVAL);
    }
    EXPECT_EQ(ask(91, 15, 2, 0), -EINVAL);
    EXPECT_EQ(run("mov %r2, 0\nmov %r3, 1\nmov %r4, 0\ncall 63\nexit"), -EINVAL)
        << "there is no context";
}

// --- control groups of packets

TEST_P(host_helper, packets_have_the_control_groups_that_the_host_says) {
    const map_set maps{{make(map_type::cgroup_array, 3), make(map_type::array, 3)}};
    auto *const groups = as_object_map(maps[0].get());
    for (const uint32_t i : {1U, 2U})
        ASSERT_EQ(errno_of(groups->set_object(key(i), std::make_shared<int>(), i * 10)), 0);
    bytes frame = frames().front();
    auto packet = packet_context::create(program_type::sched_cls, frame);
    const auto ask = [&](std::string_view text) {
        const auto vm = vm::test::make_vm(GetParam());
        EXPECT_EQ(errno_of(maps.attach(*vm)), 0);
        EXPECT_EQ(errno_of(register_packet_helpers(*vm)), 0);
        const auto code = vm::test::assemble(text);
        EXPECT_EQ(vm->load_code(code.data(), code.size()), 0) << vm->error_message();
        int64_t r0 = 0;
        EXPECT_EQ(packet->exec(*vm, r0), 0) << vm->error_message();
        return r0;
    };
    const auto ancestor = [&](int level) {
        return ask(fmt::format("mov %r2, {}\ncall 83\nexit", level));
    };
    const auto is_under = [&](unsigned map, int index) {
        return ask(fmt::format("lddw %r2, map_by_idx({})\nmov %r3, {}\ncall 33\nexit", map, index));
    };
    EXPECT_EQ(ask("call 79\nexit"), 1) << "the root, as in the kernel's test runs";
    EXPECT_EQ(ancestor(0), 1);
    EXPECT_EQ(ancestor(1), 0);
    EXPECT_EQ(is_under(0, 1), 0);
    EXPECT_EQ(is_under(0, 3), -E2BIG);
    packet->set_control_groups({});
    EXPECT_EQ(ask("call 79\nexit"), 0);
    EXPECT_EQ(ancestor(0), 0);
    EXPECT_EQ(is_under(0, 1), -ENOENT);
    packet->set_control_groups({1, 10, 15});
    EXPECT_EQ(ask("call 79\nexit"), 15);
    EXPECT_EQ(ancestor(0), 1);
    EXPECT_EQ(ancestor(2), 15);
    EXPECT_EQ(ancestor(3), 0);
    EXPECT_EQ(ancestor(-1), 0);
    EXPECT_EQ(is_under(0, 1), 1);
    EXPECT_EQ(is_under(0, 2), 0);
    EXPECT_EQ(is_under(0, 0), -EAGAIN);
    EXPECT_EQ(is_under(0, 3), -E2BIG);
    EXPECT_EQ(is_under(1, 0), -EINVAL);
    ASSERT_EQ(errno_of(packet->renew(frame)), 0);
    EXPECT_EQ(ask("call 79\nexit"), 1) << "it is another packet";
}

// --- sysctls

TEST_P(host_helper, sysctls_have_names_and_values) {
    // A buffer in the input memory, flags in r4.
    const auto ask = [&](unsigned helper, bytes &to, int flags = 0) {
        return run(
            fmt::format("mov %r3, %r2\nmov %r2, %r1\nmov %r4, {}\ncall {}\nexit", flags, helper),
            to.data(), to.size());
    };
    const auto text = [](const bytes &from) {
        return std::string{from.begin(), std::ranges::find(from, 0)};
    };
    bytes buffer(20, 7);
    for (const unsigned helper : {101U, 102U, 103U}) {
        std::ranges::fill(buffer, uint8_t{7});
        EXPECT_EQ(ask(helper, buffer), -EINVAL);
        EXPECT_EQ(buffer, bytes(20));
    }
    EXPECT_EQ(ask(104, buffer), -EINVAL);
    sysctl_access access{.name = "net/ipv4/tcp_mem", .value = "1 2 3"};
    cgroup_site site{.sysctl = &access};
    const scoped_cgroup_site scope{site};
    EXPECT_EQ(ask(101, buffer), 16);
    EXPECT_EQ(text(buffer), "net/ipv4/tcp_mem");
    EXPECT_EQ(ask(101, buffer, BPF_F_SYSCTL_BASE_NAME), 7);
    EXPECT_EQ(text(buffer), "tcp_mem");
    bytes small(16, 7);
    EXPECT_EQ(ask(101, small), -E2BIG);
    EXPECT_EQ(text(small), "net/ipv4/tcp_me");
    EXPECT_EQ(ask(102, buffer), 5);
    EXPECT_EQ(buffer,
              bytes({'1', ' ', '2', ' ', '3', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(ask(103, buffer), -EINVAL) << "it is read";
    EXPECT_EQ(ask(104, buffer), -EINVAL);
    access.written = "4 5 6";
    EXPECT_EQ(ask(103, buffer), 5);
    EXPECT_EQ(text(buffer), "4 5 6");
    bytes other{'7', '8'};
    EXPECT_EQ(ask(104, other), 0);
    EXPECT_TRUE(access.is_changed);
    EXPECT_EQ(*access.written, "78");
    EXPECT_EQ(*access.written == "78" and access.value == "1 2 3", true);
    bytes large(5000, 'x');
    EXPECT_EQ(ask(104, large), -E2BIG);
}

// --- what is not here

struct absent_case {
    const char *name;
    const char *code;  ///< r6: the input memory of 32 bytes, which is full of sevens
    int expected;
};

constexpr auto absent_cases = std::to_array<absent_case>({
    {"per_cpu_ptr", "lddw %r1, 0xffffffff81000000\nmov %r2, 0\ncall 153", 0},
    {"this_cpu_ptr", "lddw %r1, 0xffffffff81000000\ncall 154", 0},
    {"d_path", "mov %r1, 0\nmov %r2, %r6\nmov %r3, 32\ncall 147", -EFAULT},
    {"d_path_of_nothing", "mov %r1, 0\nmov %r2, %r6\nmov %r3, 0\ncall 147", 0},
    {"find_vma",
     "call 158\nmov %r1, %r0\nmov %r2, %r6\nmov %r3, 0\nmov %r4, 0\nmov %r5, 0\ncall 180", -ENOENT},
    {"find_vma_flags", "mov %r1, 0\nmov %r2, 0\nmov %r3, 0\nmov %r4, 0\nmov %r5, 1\ncall 180",
     -EINVAL},
    {"snprintf_btf",
     "mov %r1, %r6\nmov %r2, 16\nmov %r3, %r6\nadd %r3, 16\nmov %r4, 16\nmov %r5, 0\ncall 149",
     -EINVAL},
    {"bprm_opts_set", "mov %r1, 0\nmov %r2, 1\ncall 159", -EOPNOTSUPP},
    {"bprm_opts_set_flags", "mov %r1, 0\nmov %r2, 2\ncall 159", -EINVAL},
    {"ima_inode_hash", "mov %r1, 0\nmov %r2, %r6\nmov %r3, 32\ncall 161", -EOPNOTSUPP},
    {"ima_file_hash", "mov %r1, 0\nmov %r2, %r6\nmov %r3, 32\ncall 193", -EOPNOTSUPP},
    {"perf_prog_read_value", "mov %r1, %r6\nmov %r2, %r6\nmov %r3, 24\ncall 56", -EINVAL},
    {"read_branch_records", "mov %r2, %r6\nmov %r3, 24\nmov %r4, 0\ncall 119", -ENOENT},
    {"read_branch_records_size", "mov %r2, 0\nmov %r3, 0\nmov %r4, 1\ncall 119", -ENOENT},
    {"read_branch_records_flags", "mov %r2, 0\nmov %r3, 0\nmov %r4, 2\ncall 119", -EINVAL},
    {"get_branch_snapshot", "mov %r1, %r6\nmov %r2, 24\nmov %r3, 0\ncall 176", -ENOENT},
    {"get_branch_snapshot_flags", "mov %r1, %r6\nmov %r2, 24\nmov %r3, 1\ncall 176", -EINVAL},
    {"rc_repeat", "call 77", -EOPNOTSUPP},
    {"rc_keydown", "call 78", -EOPNOTSUPP},
    {"rc_pointer_rel", "call 92", -EOPNOTSUPP},
    {"lwt_seg6_store_bytes", "mov %r2, 0\nmov %r3, %r6\nmov %r4, 8\ncall 74", -EINVAL},
    {"lwt_seg6_adjust_srh", "mov %r2, 0\nmov %r3, 8\ncall 75", -EINVAL},
    {"lwt_seg6_action", "mov %r2, 1\nmov %r3, %r6\nmov %r4, 8\ncall 76", -EINVAL},
    {"tcp_send_ack", "mov %r1, 0\nmov %r2, 8\ncall 116", -EOPNOTSUPP},
    {"load_hdr_opt", "mov %r2, %r6\nmov %r3, 8\nmov %r4, 0\ncall 142", -EPERM},
    {"load_hdr_opt_flags", "mov %r2, %r6\nmov %r3, 8\nmov %r4, 2\ncall 142", -EINVAL},
    {"store_hdr_opt", "mov %r2, %r6\nmov %r3, 8\nmov %r4, 0\ncall 143", -EPERM},
    {"reserve_hdr_opt", "mov %r2, 8\nmov %r3, 0\ncall 144", -EPERM},
});

TEST_P(host_helper, what_is_not_here_is_said_not_to_be) {
    for (const absent_case &c : absent_cases) {
        bytes memory(32, 7);
        EXPECT_EQ(run(fmt::format("mov %r6, %r1\n{}\nexit", c.code), memory.data(), memory.size()),
                  c.expected)
            << c.name;
        EXPECT_EQ(code_, 0) << c.name;
        const auto is_kept = [](uint8_t byte) { return byte == 7 or byte == 0; };
        EXPECT_TRUE(std::ranges::all_of(memory, is_kept)) << c.name << " makes data up";
    }
}

/// Those of which a kernel that has them says the same of the same arguments.
TEST(absent_helpers, give_what_the_kernel_gives) {
    if (const auto why = kernel_program::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    struct question {
        const char *code;
        int expected;
    };
    for (const auto &[code, expected] : std::to_array<question>({
             {"mov %r1, %r10\nadd %r1, -24\nmov %r2, 24\nmov %r3, 1\ncall 176\nexit", -EINVAL},
             {"mov %r1, 1000\ncall 109\nexit", -EINVAL},
             {"mov %r1, 65\ncall 117\nexit", -EINVAL},
         })) {
        kernel_program p;
        ASSERT_EQ(p.load(program_type::raw_tracepoint, object::attach_type::none,
                         vm::test::assemble(code)),
                  0)
            << p.log();
        uint32_t result = 0;
        ASSERT_EQ(p.run(result), 0);
        EXPECT_EQ(static_cast<int>(result), expected) << code;
    }
}

// --- a header before all

/// A program that puts the input of bpf_lwt_push_encap() together on its stack.
class encapsulation : public testing::TestWithParam<engine> {
protected:
    /// What the packet without its link header becomes, of a header with these first bytes.
    int64_t push(bytes header, unsigned bytes_given, int kind = 2,
                 program_type type = program_type::lwt_in) {
        std::string text = "mov %r6, %r1\n";
        header.resize(64);
        for (std::size_t i = 0; i < header.size(); ++i)
            text += fmt::format("stb [%r10{:+}], {}\n", static_cast<int>(i) - 64, header[i]);
        text += fmt::format(
            "mov %r1, %r6\nmov %r2, {}\nmov %r3, %r10\nadd %r3, -64\nmov %r4, {}\ncall 73\nexit",
            kind, bytes_given);
        const auto vm = load(GetParam(), rewrite(vm::test::assemble(text), type));
        const ran got = run_with_room(*vm, type, frames().front());
        packet_.assign(got.frame.begin() + 14, got.frame.end());
        return static_cast<int32_t>(got.verdict);
    }
    [[nodiscard]] bytes original() const {
        return {frames().front().begin() + 14, frames().front().end()};
    }
    [[nodiscard]] bytes pushed(std::size_t size) const {
        return {packet_.begin(), packet_.begin() + static_cast<long>(size)};
    }

    /// 192.168.0.1 to 192.168.0.199, whose checksum is known.
    const bytes ipv4_{0x45, 0, 0,    0x73, 0, 0, 0x40, 0,    0x40, 0x11,
                      0,    0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,    0xc7};
    bytes packet_;
};

INSTANTIATE_TEST_SUITE_P(engines, encapsulation, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

TEST_P(encapsulation, puts_a_header_with_its_checksum_before_the_packet) {
    bytes summed = ipv4_;
    summed[10] = 0xb8;
    summed[11] = 0x61;
    EXPECT_EQ(push(ipv4_, 20), 0);
    EXPECT_EQ(packet_, join({summed, original()}));
    EXPECT_EQ(push(ipv4_, 20, 2, program_type::lwt_xmit), 0);
    EXPECT_EQ(packet_, join({summed, original()}));
    EXPECT_EQ(push(ipv4_, 28), 0) << "of a tunnel's header, too";
    EXPECT_EQ(packet_, join({summed, bytes(8), original()}));
    summed[11] = 0;  // not 0: it stays
    EXPECT_EQ(push(summed, 20), 0);
    EXPECT_EQ(pushed(20), summed);
    bytes ipv6(40);
    ipv6[0] = 0x60;
    EXPECT_EQ(push(ipv6, 40), 0);
    EXPECT_EQ(packet_, join({ipv6, original()}));
}

TEST_P(encapsulation, takes_whole_headers_of_ip_alone) {
    EXPECT_EQ(push(ipv4_, 19), -EINVAL);
    EXPECT_EQ(push(bytes{0x46}, 20), -EINVAL) << "it has 24 bytes";
    EXPECT_EQ(push(bytes{0x60}, 39), -EINVAL);
    EXPECT_EQ(push(bytes{0x50}, 40), -EINVAL);
    EXPECT_EQ(push(ipv4_, 20, 0), -EINVAL) << "segment routing";
    EXPECT_EQ(push(ipv4_, 20, 2, program_type::lwt_out), -EINVAL);
    EXPECT_EQ(packet_, original());
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
