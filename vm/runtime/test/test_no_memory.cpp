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

#include <atomic>
#include <cstdlib>
#include <functional>
#include <latch>
#include <new>
#include <optional>
#include <string>
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
        load_into(*vm_, text, step_);
    }
    /// The same into a VM whose runs are within those of the other one.
    void load_inner(std::string_view text, step what) {
        inner_step_ = std::move(what);
        load_into(*inner_, text, inner_step_);
    }
    void load_into(ebpf_vm &vm, std::string_view text, step &what) {
        ebpf_helper make_step{};
        make_step.id = 1000;
        make_step.context = &what;
        make_step.ctx_fn = [](void *s, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
            return (*static_cast<step *>(s))();
        };
        ASSERT_EQ(vm.register_helper(make_step), 0);
        ASSERT_EQ(errno_of(maps_.attach(vm)), 0);
        const auto code = vm::test::assemble(text);
        ASSERT_EQ(vm.load_code(code.data(), code.size()), 0) << vm.error_message();
    }
    int64_t run_inner() {
        int64_t r0 = 0;
        EXPECT_EQ(inner_->exec(nullptr, 0, r0), 0) << inner_->error_message();
        return r0;
    }
    /// The program, where no earlier run has left memory.
    int64_t run_on_new_thread() {
        int64_t r0 = 0;
        std::thread{[&] {
            EXPECT_EQ(vm_->exec(nullptr, 0, r0), 0) << vm_->error_message();
        }}.join();
        return r0;
    }
    int64_t run(packet_context &packet) {
        int64_t r0 = 0;
        EXPECT_EQ(packet.exec(*vm_, r0), 0) << vm_->error_message();
        return r0;
    }

    std::unique_ptr<ebpf_vm> vm_ = vm::test::make_vm(GetParam());
    std::unique_ptr<ebpf_vm> inner_ = vm::test::make_vm(GetParam());
    map_set maps_{{make(map_type::sockhash, 4), make(map_type::ringbuf, 4096),
                   make(map_type::lpm_trie, 4, map_no_prealloc), make(with_lock())}};
    step step_;
    step inner_step_;

private:
    static map_definition with_lock() {
        map_definition d = define(map_type::array, 1);
        d.fields = {{value_field::kind::spin_lock, 0, 4}};
        return d;
    }
};

INSTANTIATE_TEST_SUITE_P(engines, without_memory, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

/// Runs `body` on a thread that is no reader yet, when each record of one is in use.
void on_thread_without_reader(const std::function<void()> &body) {
    std::thread{[&] {
        bool has_none = false;
        next_fails = true;
        {
            const read_section reading;
            has_none = has_failed();
        }
        has_none ? body() : on_thread_without_reader(body);
    }}.join();
}

constexpr std::string_view look_up_in_trie =
    "stdw [%r10-8], 0\nlddw %r1, map_by_idx(2)\nmov %r2, %r10\nadd %r2, -8\ncall 1\n";
/// Gives 1, or 0 if there was no record.
const std::string reserve_and_discard =
    "lddw %r1, map_by_idx(1)\nmov %r2, 8\nmov %r3, 0\ncall 131\njeq %r0, 0, +4\n"
    "mov %r1, %r0\nmov %r2, 0\ncall 133\nmov %r0, 1\n";

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

/// On a thread of its own, which has no memory left from earlier runs.
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
    std::thread{[&] { EXPECT_EQ(run(packet), 1); }}.join();
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

/// What somebody else takes out of a map: counts how often it was destroyed.
class taken_out {
public:
    void retire_elsewhere() {
        std::thread{[this] {
            retire(this, [](void *o, void *) { ++static_cast<taken_out *>(o)->destroyed_; });
        }}.join();
    }
    [[nodiscard]] int destroyed() const { return destroyed_; }

private:
    std::atomic<int> destroyed_ = 0;
};

const std::string look_up_between_steps =
    "call 1000\n" + std::string{look_up_in_trie} +
    "mov %r6, %r0\ncall 1000\njeq %r6, 0, +1\nldxdw %r0, [%r6]\nexit";

/// Neither what its thread is as a reader nor what a run keeps needs memory.
TEST_P(without_memory, what_a_run_looks_up_stays_until_it_ends) {
    taken_out object;
    int calls = 0;
    int destroyed_in_run = -1;
    ASSERT_EQ(errno_of(maps_[2]->update(word(0), word(77))), 0);
    load(look_up_between_steps, [&] {
        if (++calls == 1) {
            next_fails = true;
            return 0;
        }
        EXPECT_TRUE(has_failed());
        object.retire_elsewhere();
        destroyed_in_run = object.destroyed();
        return 0;
    });
    on_thread_without_reader([&] {
        int64_t r0 = 0;
        EXPECT_EQ(vm_->exec(nullptr, 0, r0), 0) << vm_->error_message();
        EXPECT_EQ(r0, 77);
        EXPECT_EQ(calls, 2);
    });
    EXPECT_EQ(destroyed_in_run, 0);
    EXPECT_EQ(object.destroyed(), 1);
}

TEST_P(without_memory, what_a_run_within_a_run_looks_up_stays_until_both_end) {
    taken_out object;
    int calls = 0;
    int destroyed_in_run = -1;
    ASSERT_EQ(errno_of(maps_[2]->update(word(0), word(77))), 0);
    load_inner(look_up_between_steps, [&] {
        if (++calls == 1) {
            next_fails = true;
            return 0;
        }
        EXPECT_TRUE(has_failed());
        object.retire_elsewhere();
        return 0;
    });
    load(reserve_and_discard + "call 1000\nexit", [&] {
        const int64_t found = run_inner();
        destroyed_in_run = object.destroyed();
        return found;
    });
    EXPECT_EQ(run_on_new_thread(), 77);
    EXPECT_EQ(destroyed_in_run, 0);
    EXPECT_EQ(object.destroyed(), 1);
}

/// There is nowhere to remember the record.
TEST_P(without_memory, runs_within_runs_reserve_nothing) {
    bool fails = true;
    load_inner("call 1000\n" + reserve_and_discard + "exit", [&] {
        next_fails = fails;
        return 0;
    });
    load(std::string{look_up_in_trie} + "call 1000\nexit", [&] {
        EXPECT_EQ(run_inner(), 0);
        EXPECT_TRUE(has_failed());
        fails = false;
        return run_inner();
    });
    EXPECT_EQ(run_on_new_thread(), 1) << "with memory";
}

/// There is nowhere to remember it, to give it back where the program does not.
TEST_P(without_memory, runs_within_runs_take_no_lock) {
    bool fails = true;
    load_inner(
        "call 1000\nstw [%r10-4], 0\nlddw %r1, map_by_idx(3)\nmov %r2, %r10\nadd %r2, -4\n"
        "call 1\nmov %r6, %r0\nmov %r1, %r0\ncall 93\nmov %r1, %r6\ncall 94\nmov %r0, 1\nexit",
        [&] {
            next_fails = fails;
            return 0;
        });
    load(std::string{look_up_in_trie} + "call 1000\nexit", [&] {
        int64_t r0 = 0;
        EXPECT_THROW(inner_->exec(nullptr, 0, r0), std::bad_alloc);
        EXPECT_TRUE(has_failed());
        fails = false;
        return run_inner();
    });
    EXPECT_EQ(run_on_new_thread(), 1) << "nobody holds it";
}

TEST(read_sections, that_begin_without_memory_keep_what_is_read_until_the_last_ends) {
    on_thread_without_reader([] {
        taken_out object;
        next_fails = true;
        std::optional<read_section> outer{std::in_place};
        EXPECT_TRUE(has_failed());
        object.retire_elsewhere();
        {
            const read_section nested;
        }
        EXPECT_EQ(object.destroyed(), 0);
        std::latch has_begun{1};
        std::latch may_end{1};
        std::thread other{[&] {
            next_fails = true;
            const read_section reading;
            EXPECT_TRUE(has_failed());
            has_begun.count_down();
            may_end.wait();
        }};
        has_begun.wait();
        outer.reset();
        EXPECT_EQ(object.destroyed(), 0);
        may_end.count_down();
        other.join();
        EXPECT_EQ(object.destroyed(), 1);
        // A later one has memory, and from then on the thread needs no more.
        {
            const read_section with_memory;
        }
        {
            next_fails = true;
            const read_section reading;
            EXPECT_FALSE(has_failed());
            object.retire_elsewhere();
            EXPECT_EQ(object.destroyed(), 1);
        }
        EXPECT_EQ(object.destroyed(), 2);
    });
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
            retire(&object, [](void *, void *) { ++destroyed; });
            stayed += has_failed() ? 1 : 0;
        }
        EXPECT_EQ(destroyed, 0);
    }
    EXPECT_GT(stayed, 0);
    EXPECT_EQ(destroyed, objects - stayed);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
