// bpftime-vm: what functions that throw nothing do when there is no memory
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "engines.hpp"
#include "programs.hpp"
#include "runtime/map_set.hpp"
#include "runtime/network.hpp"
#include "runtime/packet.hpp"
#include "runtime/read_section.hpp"
#include "runtime/storage_owner.hpp"
#include "support.hpp"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>
#include <functional>
#include <new>
#include <thread>
#include <utility>

namespace {

/// Whether this thread's next request for memory fails.
thread_local bool next_fails = false;

void *allocate(std::size_t size) noexcept {
    return std::exchange(next_fails, false) ? nullptr : std::malloc(size | 1);
}

}  // namespace

void *operator new(std::size_t size) {
    void *const memory = allocate(size);
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}
// Sanitizers have one of their own.
void *operator new(std::size_t size, const std::nothrow_t & /*tag*/) noexcept {
    return allocate(size);
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t /*size*/) noexcept { std::free(memory); }

namespace bpftime::vm::runtime::test {

using vm::test::engine;

namespace {

/// Whether a request for memory has failed since `next_fails` was set.
bool has_failed() { return not std::exchange(next_fails, false); }

class without_memory : public testing::TestWithParam<engine> {
protected:
    using step = std::function<uint64_t()>;

    /// Loads a program that makes a step wherever it calls helper 1000.
    void load(std::string_view text, step what) {
        step_ = std::move(what);
        ebpf_helper make_step{};
        make_step.id = 1000;
        make_step.context = &step_;
        make_step.ctx_fn = [](void *s, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
            return (*static_cast<step *>(s))();
        };
        ASSERT_EQ(vm_->register_helper(make_step), 0);
        ASSERT_EQ(errno_of(maps_.attach(*vm_)), 0);
        const auto code = vm::test::assemble(text);
        ASSERT_EQ(vm_->load_code(code.data(), code.size()), 0) << vm_->error_message();
    }
    int64_t run(packet_context &packet) {
        int64_t r0 = 0;
        EXPECT_EQ(packet.exec(*vm_, r0), 0) << vm_->error_message();
        return r0;
    }

    std::unique_ptr<ebpf_vm> vm_ = vm::test::make_vm(GetParam());
    map_set maps_{{make(map_type::sockhash, 4), make(map_type::ringbuf, 4096),
                   make(map_type::lpm_trie, 4, map_no_prealloc)}};
    step step_;
};

INSTANTIATE_TEST_SUITE_P(engines, without_memory, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

TEST_P(without_memory, a_packet_s_own_socket_is_not_put_into_a_map) {
    bytes frame(64);
    auto packet = packet_context::create(object::program_type::sk_skb, frame).value();
    bool fails = true;
    load("call 1000\nexit", [&] {
        const uint32_t number = 1;
        next_fails = fails;
        const int done =
            maps_[0]->update_elem(&number, packet_context::running()->own_view(), update_any);
        EXPECT_EQ(has_failed(), true);
        return static_cast<uint64_t>(done);
    });
    EXPECT_EQ(run(packet), -ENOMEM);
    fails = false;
    EXPECT_EQ(run(packet), -EOPNOTSUPP) << "it is of no kind";
}

TEST_P(without_memory, a_socket_is_not_found_in_a_map) {
    network_socket s;
    s.view.family = AF_INET;
    s.view.protocol = IPPROTO_UDP;
    s.owner = std::make_shared<const storage_owner>(owner_kind::socket);
    network net;
    net.add(s);
    ASSERT_EQ(errno_of(maps_[0]->update(key(1), key(s.owner->number()))), 0);
    bytes frame(64);
    auto packet = packet_context::create(object::program_type::sk_skb, frame).value();
    packet.set_network(net);
    load("call 1000\nexit", [&] {
        const uint32_t number = 1;
        next_fails = true;
        EXPECT_EQ(maps_[0]->lookup_elem(&number), nullptr);
        EXPECT_TRUE(has_failed());
        return uint64_t{maps_[0]->lookup_elem(&number) != nullptr};
    });
    EXPECT_EQ(run(packet), 1);
}

/// On a thread of its own, which has no memory left from earlier runs. The run begins to remember
/// things with a lookup that lasts.
TEST_P(without_memory, a_record_that_cannot_be_remembered_is_discarded) {
    auto *const ring = as_ring_buffer(maps_[1].get());
    load(
        "stdw [%r10-8], 0\nlddw %r1, map_by_idx(2)\nmov %r2, %r10\nadd %r2, -8\ncall 1\n"
        "call 1000\nlddw %r1, map_by_idx(1)\nmov %r2, 8\nmov %r3, 0\ncall 131\nexit",
        [] {
            next_fails = true;
            return 0;
        });
    std::thread{[&] {
        int64_t r0 = 0;
        EXPECT_THROW(vm_->exec(nullptr, 0, r0), std::bad_alloc);
        EXPECT_TRUE(has_failed());
    }}.join();
    ASSERT_EQ(ring->output("x", 1, 0), 0);
    std::size_t records = 0;
    ring->consume([&records](std::span<const uint8_t>) { return ++records != 0; });
    EXPECT_EQ(records, 1U);
}

TEST(keys, are_found_without_memory) {
    const std::pair<map_type, bytes> maps[] = {{map_type::sockhash, key(1)},
                                               {map_type::devmap_hash, key(1)},
                                               {map_type::lpm_trie, word(32)}};
    for (const auto &[type, first] : maps) {
        map_definition d =
            define(type, 4, type == map_type::lpm_trie ? uint32_t{map_no_prealloc} : 0);
        if (type == map_type::devmap_hash) d.value_size = 4;
        const auto m = make(d);
        bytes second = first;
        second.back() = 2;
        for (const bytes &k : {first, second}) {
            bytes value(m->host_value_size());
            value.front() = 1;
            ASSERT_EQ(errno_of(m->update(k, value)), 0) << name_of(type);
        }
        bytes at(first.size());
        int found[3];
        next_fails = true;
        found[0] = m->next_elem(nullptr, at.data());
        found[1] = m->next_elem(at.data(), at.data());
        found[2] = m->next_elem(at.data(), at.data());
        EXPECT_FALSE(has_failed()) << name_of(type);
        EXPECT_THAT(found, testing::ElementsAre(0, 0, -ENOENT)) << name_of(type);
    }
}

TEST(retired_objects, that_cannot_be_remembered_stay) {
    static int destroyed = 0;
    int object = 0;
    int stayed = 0;
    constexpr int objects = 100;
    {
        const read_section reading;
        for (int i = 0; i < objects; ++i) {
            next_fails = true;
            retire(&object, [](void *) { ++destroyed; });
            stayed += has_failed() ? 1 : 0;
        }
        EXPECT_EQ(destroyed, 0);
    }
    EXPECT_GT(stayed, 0);
    EXPECT_EQ(destroyed, objects - stayed);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
