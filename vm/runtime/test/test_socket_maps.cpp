// bpftime-vm: maps of sockets, compared with the kernel's, and the helpers about them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "engines.hpp"
#include "kernel_map.hpp"
#include "packet_program.hpp"
#include "programs.hpp"
#include "runtime/helpers.hpp"
#include "runtime/map_set.hpp"
#include "runtime/socket_site.hpp"
#include "runtime/storage_owner.hpp"
#include "support.hpp"

#include <fmt/format.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <ostream>
#include <random>

namespace bpftime::vm::runtime::test {

using object::program_type;
using vm::test::engine;

namespace {

// --- the commands of bpf(2)

struct socket_map_case {
    map_type type;
    uint32_t value_size;

    friend std::ostream &operator<<(std::ostream &out, const socket_map_case &c) {
        return out << name_of(c.type) << "_of_" << c.value_size;
    }
};

class socket_maps : public testing::TestWithParam<socket_map_case> {};

INSTANTIATE_TEST_SUITE_P(types, socket_maps,
                         testing::Values(socket_map_case{map_type::sockmap, 4},
                                         socket_map_case{map_type::sockmap, 8},
                                         socket_map_case{map_type::sockhash, 4},
                                         socket_map_case{map_type::sockhash, 8},
                                         socket_map_case{map_type::reuseport_sockarray, 4},
                                         socket_map_case{map_type::reuseport_sockarray, 8}),
                         [](const auto &p) { return testing::PrintToString(p.param); });

/// A socket that maps of each type take, in a group of those that share a port.
int open_socket() {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    const int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr *>(&address), sizeof address), 0);
    return fd;
}

TEST_P(socket_maps, do_for_hosts_what_those_of_the_kernel_do) {
    if (const auto why = kernel_map::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    map_definition d = define(GetParam().type, 3);
    d.value_size = GetParam().value_size;
    kernel_map theirs;
    ASSERT_EQ(theirs.create(d), 0);
    const auto ours = make(d);
    std::array<int, 5> sockets{};
    for (int &fd : sockets) fd = open_socket();
    const auto value = [&](uint64_t number) {
        bytes all = word(number);
        all.resize(d.value_size);
        return all;
    };
    // The kernel takes a socket into one such array once: each index has its own.
    const bool is_reuseport = d.type == map_type::reuseport_sockarray;
    std::mt19937 random{3};
    for (int i = 0; i < 3000 and not HasFailure(); ++i) {
        const auto index = static_cast<uint32_t>(random() % 5);
        const bytes k = key(index);
        switch (random() % 4) {
        case 0: {
            uint64_t flags = random() % 2 == 0 ? random() % 5 : 0;
            if (is_reuseport and flags != update_noexist and
                theirs.remove(k) == 0) {  // or it would be busy
                ASSERT_EQ(errno_of(ours->remove(k)), 0);
            }
            uint64_t number = static_cast<uint64_t>(sockets[index]);
            if (random() % 16 == 0) number = uint64_t{1} << 31;
            EXPECT_EQ(errno_of(ours->update(k, value(number), flags)),
                      -theirs.update(k, value(number), flags))
                << "update, flags " << flags << " number " << number;
            break;
        }
        case 1: {
            bytes mine(d.value_size);
            bytes other = mine;
            EXPECT_EQ(errno_of(ours->lookup(k, mine)), -theirs.lookup(k, other)) << "lookup";
            break;
        }
        case 2: EXPECT_EQ(errno_of(ours->remove(k)), -theirs.remove(k)) << "delete"; break;
        default: {
            bytes next(4);
            if (d.type == map_type::sockhash) break;  // the order is the hash's
            EXPECT_EQ(errno_of(ours->next_key(k)), -theirs.next_key(k, next)) << "next key";
        }
        }
    }
    for (const int fd : sockets) close(fd);
}

TEST_P(socket_maps, give_hosts_the_numbers_back) {
    map_definition d = define(GetParam().type, 3);
    d.value_size = 8;
    const auto m = make(d);
    ASSERT_EQ(errno_of(m->update(key(1), word(0))), 0);
    ASSERT_EQ(errno_of(m->update(key(2), word(0x7fffffff))), 0);
    EXPECT_EQ(number_of(m->lookup(key(1)).value()), 0U);
    EXPECT_EQ(number_of(m->lookup(key(2)).value()), 0x7fffffffU);
    EXPECT_EQ(errno_of(m->update(key(2), word(0x80000000))), EINVAL);
    EXPECT_EQ(errno_of(m->lookup(key(0))), ENOENT);
}

// --- programs

class socket_map_helper : public testing::TestWithParam<engine> {
protected:
    /// Runs a program with r6 the context, and a key of 4 bytes, 1, below r10. Of packets, if there
    /// is one.
    int64_t run(std::string_view text) {
        const auto vm = vm::test::make_vm(GetParam());
        EXPECT_EQ(errno_of(maps_.attach(*vm)), 0);
        EXPECT_EQ(errno_of(register_packet_helpers(*vm)), 0);
        const auto code = vm::test::assemble("mov %r6, %r1\nstw [%r10-4], 1\n" + std::string{text});
        EXPECT_EQ(vm->load_code(code.data(), code.size()), 0) << vm->error_message();
        int64_t r0 = 0;
        code_ = packet_ ? packet_->exec(*vm, r0) : vm->exec(nullptr, 0, r0);
        return r0;
    }
    static std::string with_key(unsigned map, uint32_t helper, uint64_t flags = 0) {
        return fmt::format(
            "mov %r1, %r6\nlddw %r2, map_by_idx({})\nmov %r3, %r10\nadd %r3, -4\n"
            "lddw %r4, {}\ncall {}\nexit",
            map, flags, helper);
    }
    static std::string with_index(unsigned map, uint32_t helper, uint64_t flags = 0) {
        return fmt::format(
            "mov %r1, %r6\nlddw %r2, map_by_idx({})\nmov %r3, 1\nlddw %r4, {}\ncall {}\nexit", map,
            flags, helper);
    }
    static std::string lookup(unsigned map, std::string_view then) {
        return fmt::format(
            "lddw %r1, map_by_idx({})\nmov %r2, %r10\nadd %r2, -4\ncall 1\nmov %r7, %r0\n{}", map,
            then);
    }
    void put(unsigned map, uint32_t number) {
        ASSERT_EQ(errno_of(maps_[map]->update(key(1), key(number))), 0);
    }
    void make_packet() {
        packet_ = *packet_context::create(program_type::sk_skb, frame_);
        packet_->set_network(net_);
    }

    static constexpr unsigned by_index = 0;
    static constexpr unsigned by_key = 1;
    static constexpr unsigned reuseport = 2;
    static constexpr unsigned plain = 3;
    map_set maps_{{make(map_type::sockmap, 4), make(map_type::sockhash, 4),
                   make(map_type::reuseport_sockarray, 4), make(map_type::array, 4)}};
    bytes frame_ = frames().front();
    network net_;
    std::optional<packet_context> packet_;
    int64_t code_ = 0;
};

INSTANTIATE_TEST_SUITE_P(engines, socket_map_helper, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

TEST_P(socket_map_helper, a_packet_goes_to_a_socket_that_is_there) {
    make_packet();
    EXPECT_EQ(run(with_index(by_index, 52)), SK_DROP);
    EXPECT_EQ(run(with_key(by_key, 72)), SK_DROP);
    EXPECT_FALSE(packet_->target());
    put(by_index, 40);
    put(by_key, 41);
    EXPECT_EQ(run(with_index(by_index, 52, 2)), SK_DROP);
    EXPECT_EQ(run(with_index(by_key, 52)), SK_DROP);
    EXPECT_FALSE(packet_->target());
    EXPECT_EQ(run(with_index(by_index, 52, BPF_F_INGRESS)), SK_PASS);
    const packet_target expected{
        .through = maps_[by_index].get(), .key = 40, .flags = 1, .how = packet_target::way::socket};
    EXPECT_EQ(packet_->target(), expected);
    EXPECT_TRUE(packet_->target()->is_ingress());
    EXPECT_EQ(run(with_key(by_key, 72)), SK_PASS);
    EXPECT_EQ(packet_->target()->key, 41U);
    EXPECT_FALSE(packet_->target()->is_ingress());
    packet_.reset();
    EXPECT_EQ(run(with_index(by_index, 52)), SK_DROP) << "there is no packet";
}

TEST_P(socket_map_helper, a_message_goes_to_a_socket_that_is_there) {
    put(by_index, 40);
    put(by_key, 41);
    EXPECT_EQ(run(with_index(by_index, 60)), SK_DROP) << "there is no message";
    socket_site site;
    const scoped_socket_site scope{site};
    EXPECT_EQ(run(with_index(by_index, 60)), SK_PASS);
    EXPECT_EQ(site.chosen, (chosen_socket{maps_[by_index].get(), 40, 0}));
    EXPECT_EQ(run(with_key(by_key, 71, 1)), SK_PASS);
    EXPECT_EQ(site.chosen, (chosen_socket{maps_[by_key].get(), 41, 1}));
    EXPECT_EQ(run(with_key(by_key, 71, 2)), SK_DROP);
    EXPECT_EQ(run(with_key(by_index, 71)), SK_DROP);
    ASSERT_EQ(errno_of(maps_[by_key]->remove(key(1))), 0);
    EXPECT_EQ(run(with_key(by_key, 71)), SK_DROP);
}

TEST_P(socket_map_helper, a_connection_goes_to_a_socket_that_is_there) {
    EXPECT_EQ(run(with_key(reuseport, 82)), -ENOENT);
    put(reuseport, 40);
    EXPECT_EQ(run(with_key(reuseport, 82)), -ENOENT) << "there is no connection";
    socket_site site;
    const scoped_socket_site scope{site};
    EXPECT_EQ(run(with_key(reuseport, 82)), 0);
    EXPECT_EQ(site.chosen, (chosen_socket{maps_[reuseport].get(), 40, 0}));
    EXPECT_EQ(run(with_key(reuseport, 82, 1)), -EINVAL);
    EXPECT_EQ(run(with_key(plain, 82)), -EINVAL);
    put(by_key, 41);
    EXPECT_EQ(run(with_key(by_key, 82)), 0);
    EXPECT_EQ(site.chosen->socket, 41U);
}

TEST_P(socket_map_helper, the_socket_of_an_event_goes_into_a_map) {
    EXPECT_EQ(run(with_key(by_index, 53)), -EOPNOTSUPP);
    socket_site site;
    const scoped_socket_site scope{site};
    EXPECT_EQ(run(with_key(by_key, 70)), -EOPNOTSUPP);
    site.socket = 50;
    EXPECT_EQ(run(with_key(by_index, 53)), 0);
    EXPECT_EQ(run(with_key(by_index, 53, update_noexist)), -EEXIST);
    EXPECT_EQ(run(with_key(by_key, 70, update_exist)), -ENOENT);
    EXPECT_EQ(run(with_key(by_key, 70, 3)), -EINVAL);
    EXPECT_EQ(run(with_key(by_key, 70)), 0);
    EXPECT_EQ(run(with_key(by_index, 70)), -EINVAL);
    EXPECT_EQ(run(with_key(plain, 53)), -EINVAL);
    EXPECT_EQ(run(with_index(by_index, 60)), SK_PASS);
    EXPECT_EQ(site.chosen->socket, 50U);
    EXPECT_EQ(run("lddw %r1, map_by_idx(0)\nmov %r2, %r10\nadd %r2, -4\ncall 3\nexit"), 0);
    EXPECT_EQ(run("lddw %r1, map_by_idx(0)\nmov %r2, %r10\nadd %r2, -4\ncall 3\nexit"), -EINVAL);
    EXPECT_EQ(run("lddw %r1, map_by_idx(1)\nmov %r2, %r10\nadd %r2, -4\ncall 3\nexit"), 0);
    EXPECT_EQ(run("lddw %r1, map_by_idx(1)\nmov %r2, %r10\nadd %r2, -4\ncall 3\nexit"), -ENOENT);
}

TEST_P(socket_map_helper, sockets_of_the_network_are_found_and_put_in) {
    network_socket s;
    s.view.family = AF_INET;
    s.view.protocol = IPPROTO_TCP;
    s.view.src_port = 80;
    s.view.state = 10;  // listens
    s.owner = std::make_shared<const storage_owner>(owner_kind::socket);
    net_.add(s);
    network_socket closing = s;
    closing.view.state = 8;  // CLOSE_WAIT
    closing.owner = std::make_shared<const storage_owner>(owner_kind::socket);
    net_.add(closing);
    make_packet();
    EXPECT_EQ(run(lookup(by_index, "exit")), 0);
    put(by_index, 1 << 30);
    EXPECT_EQ(run(lookup(by_index, "exit")), 0) << "there is no such socket";
    put(by_index, s.owner->number());
    put(reuseport, s.owner->number());
    EXPECT_EQ(run(lookup(by_index, "ldxw %r0, [%r7+44]\nexit")), 80);
    EXPECT_EQ(code_, 0);
    run(lookup(by_index, "stw [%r7+44], 81\nexit"));
    EXPECT_EQ(code_, EBPF_ERROR_FAULT);
    EXPECT_EQ(run(lookup(reuseport, "exit")), 0) << "not for programs";
    const auto copy = [](unsigned to) {
        return fmt::format(
            "mov %r3, %r7\nlddw %r1, map_by_idx({})\nmov %r2, %r10\nadd %r2, -4\n"
            "mov %r4, 0\ncall 2\nexit",
            to);
    };
    EXPECT_EQ(run(lookup(by_index, copy(by_key))), 0);
    EXPECT_EQ(run(lookup(by_index, copy(reuseport))), -EINVAL);
    EXPECT_EQ(run(lookup(by_key, "ldxw %r0, [%r7+44]\nexit")), 80);
    EXPECT_EQ(run("mov %r7, %r10\nadd %r7, -4\n" + copy(by_key)), -EINVAL) << "no socket";
    put(by_index, closing.owner->number());
    EXPECT_EQ(run(lookup(by_index, copy(by_key))), -EOPNOTSUPP) << "not in this state";
    EXPECT_EQ(run(lookup(by_index, "mov %r1, %r7\ncall 95\nexit")) != 0, true);
}

TEST_P(socket_map_helper, a_program_without_packet_gives_connections_to_sockets) {
    const storage_owner owner{owner_kind::socket};
    put(by_index, owner.number());
    constexpr std::string_view assign =
        "mov %r1, %r6\nmov %r2, %r7\nmov %r3, {}\ncall 124\nmov %r8, %r0\nmov %r1, %r7\ncall 86\n"
        "mov %r0, %r8\nexit";
    const auto assign_with = [&](int flags) {
        return lookup(by_index, fmt::format(fmt::runtime(assign), flags));
    };
    EXPECT_EQ(run(assign_with(0)), -EINVAL) << "there is no connection";
    socket_site site;
    const scoped_socket_site scope{site};
    EXPECT_EQ(run(assign_with(0)), 0);
    EXPECT_EQ(site.chosen, (chosen_socket{nullptr, owner.number(), 0}));
    EXPECT_EQ(run(assign_with(0)), -EEXIST);
    EXPECT_EQ(run(assign_with(4)), -EINVAL);
    EXPECT_EQ(run(assign_with(BPF_SK_LOOKUP_F_REPLACE)), 0);
    EXPECT_EQ(run("mov %r7, 0\nmov %r2, 0\nmov %r3, 1\ncall 124\nexit"), 0);
    EXPECT_FALSE(site.chosen);
    EXPECT_EQ(run("mov %r2, %r10\nmov %r3, 0\ncall 124\nexit"), -EINVAL);
    EXPECT_EQ(static_cast<uint64_t>(run(lookup(by_index, "mov %r1, %r7\ncall 95\nexit"))),
              owner.word())
        << "it is a whole socket";
}

TEST_P(socket_map_helper, keys_are_memory_of_the_program) {
    socket_site site{.socket = 1};
    const scoped_socket_site scope{site};
    for (const uint32_t helper : {53U, 70U, 71U, 72U, 82U}) {
        run(fmt::format("lddw %r2, map_by_idx(1)\nlddw %r3, 4096\nmov %r4, 0\ncall {}\nexit",
                        helper));
        EXPECT_EQ(code_, EBPF_ERROR_FAULT) << helper;
    }
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
