// bpftime-vm: maps that processes share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "pinned_folder.hpp"
#include "runtime/cpu.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <set>
#include <thread>

namespace bpftime::vm::runtime::test {

namespace {

using testing::HasSubstr;

void count_in(void *value, uint64_t by = 1) {
    static_cast<std::atomic<uint64_t> *>(value)->fetch_add(by, std::memory_order_relaxed);
}

/// The sum over all CPUs.
uint64_t total(map &m, uint32_t number) {
    const auto value = m.lookup(key(number));
    if (not value) return 0;
    uint64_t sum = 0;
    for (std::size_t at = 0; at < value->size(); at += 8) sum += number_of(*value, at);
    return sum;
}

TEST_F(pinned_maps, keep_what_they_hold) {
    for (const map_type type : pinnable_types) {
        if (type == map_type::ringbuf) continue;  // has records instead of entries
        {
            const auto m = create(type, 8);
            ASSERT_NE(m, nullptr);
            for (uint32_t i = 0; i < 5; ++i) {
                const bytes value(m->host_value_size(), static_cast<uint8_t>(i + 1));
                ASSERT_EQ(errno_of(m->update(key_for(*m, i), value)), 0);
            }
        }
        const auto m = open();
        ASSERT_NE(m, nullptr);
        EXPECT_EQ(m->definition().type, type);
        EXPECT_EQ(m->definition().max_entries, 8U);
        bytes first(m->host_value_size(), 1);
        EXPECT_EQ(errno_of(m->lookup(key_for(*m, 0), first)), 0) << name_of(type);
        EXPECT_EQ(first[0], type == map_type::stack ? 5 : 1) << name_of(type);
        std::filesystem::remove(path());
    }
}

TEST_F(pinned_maps, keep_their_records) {
    const uint64_t value = 5;
    {
        ASSERT_EQ(as_ring_buffer(create(map_type::ringbuf, 4096).get())->output(&value, 8, 0), 0);
    }
    uint64_t found = 0;
    const auto take = [&](std::span<const uint8_t> record) {
        found = number_of(record);
        return true;
    };
    EXPECT_EQ(as_ring_buffer(open().get())->consume(take), 1U);
    EXPECT_EQ(found, value);
}

TEST_F(pinned_maps, are_one_map_to_all_who_open_them) {
    for (const map_type type :
         {map_type::hash, map_type::array, map_type::lru_hash, map_type::lpm_trie}) {
        const auto one = create(type, 64);
        const auto other = open();
        const auto nth = [&](uint32_t i) { return key_for(*one, i); };
        for (uint32_t i = 0; i < 64; ++i) ASSERT_EQ(errno_of(one->update(nth(i), word(i))), 0);
        for (uint32_t i = 0; i < 64; ++i) EXPECT_EQ(number_of(*other->lookup(nth(i))), i);
        if (type != map_type::array) {
            EXPECT_EQ(errno_of(other->remove(nth(3))), 0);
            EXPECT_EQ(errno_of(one->lookup(nth(3))), ENOENT);
        }
        // A value is at the place that both look at.
        count_in(one->lookup_elem(nth(7).data()), 100);
        EXPECT_EQ(number_of(*other->lookup(nth(7))), 107U);
        EXPECT_NE(other->lookup_elem(nth(7).data()), nullptr);
        std::filesystem::remove(path());
    }
}

TEST_F(pinned_maps, outlive_their_names) {
    const auto one = create(map_type::hash, 8);
    const auto other = open();
    std::filesystem::remove(path());
    ASSERT_EQ(errno_of(one->update(key(1), word(5))), 0);
    EXPECT_EQ(program_value(*other, 1), 5U);
    EXPECT_EQ(errno_of(map::open_pinned(path())), ENOENT);
    EXPECT_NE(create(map_type::hash, 8), nullptr);
    EXPECT_EQ(errno_of(open()->lookup(key(1))), ENOENT);
}

TEST_F(pinned_maps, leave_no_other_files) {
    const auto m = create(map_type::hash, 8);
    EXPECT_EQ(errno_of(map::create_pinned(define(map_type::hash, 8), path())), EEXIST);
    std::set<std::string> names;
    for (const auto &file : std::filesystem::directory_iterator{folder_})
        names.insert(file.path().filename());
    EXPECT_EQ(names, std::set<std::string>{"map"});
}

TEST_F(pinned_maps, are_filled_before_others_find_them) {
    const auto fill = [&](map &m) -> result<void> {
        EXPECT_EQ(errno_of(map::open_pinned(path())), ENOENT);
        if (auto done = m.update(key(0), word(7)); not done) return done;
        return m.freeze();
    };
    for (int i = 0; i < 2; ++i) {
        const auto m = map::open_or_create_pinned(define(map_type::array, 1), path(), fill);
        ASSERT_TRUE(m) << m.error().message;
        EXPECT_EQ(program_value(**m, 0), 7U);
        EXPECT_EQ(errno_of((*m)->update(key(0), word(8))), EPERM);
    }
    const auto refuse = [](map &m) { return m.update(key(1), word(7)); };
    EXPECT_EQ(errno_of(map::create_pinned(define(map_type::array, 1), path("other"), refuse)),
              E2BIG);
    EXPECT_FALSE(std::filesystem::exists(path("other")));
}

TEST_F(pinned_maps, are_frozen_for_all) {
    const auto one = create(map_type::array, 2);
    const auto other = open();
    ASSERT_EQ(errno_of(one->freeze()), 0);
    EXPECT_EQ(errno_of(other->update(key(0), word(1))), EPERM);
    EXPECT_EQ(errno_of(open()->freeze()), EPERM);
}

/// Who wrote the file may write it again.
TEST_F(pinned_maps, are_never_constants) {
    auto d = define(map_type::array, 2);
    d.flags |= map_rdonly_prog;
    const auto m = map::create_pinned(d, path());
    ASSERT_TRUE(m) << m.error().message;
    ASSERT_EQ(errno_of((*m)->freeze()), 0);
    EXPECT_EQ((*m)->shape().is_constant, 0U);
}

TEST_F(pinned_maps, have_to_be_as_they_are_declared) {
    const auto made = map::open_or_create_pinned(define(map_type::hash, 8), path());
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_TRUE(map::open_or_create_pinned(define(map_type::hash, 8), path()));
    const auto refused = map::open_or_create_pinned(define(map_type::lru_hash, 16), path());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kernel_errno, EINVAL);
    EXPECT_THAT(refused.error().message, HasSubstr("type 1, not 9; max_entries 8, not 16"));
}

TEST_F(pinned_maps, of_other_types_are_refused_by_name) {
    for (uint32_t number = 0; number < 40; ++number) {
        const auto type = static_cast<map_type>(number);
        const bool can_be_pinned = std::ranges::find(pinnable_types, type) != pinnable_types.end();
        EXPECT_EQ(map::can_be_pinned(type), can_be_pinned) << number;
        if (can_be_pinned) continue;
        const auto refused = map::create_pinned(define(type, 4096), path());
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, error_code::unsupported);
        EXPECT_THAT(refused.error().message,
                    HasSubstr("of type " + std::string{name_of(type)} + " cannot be pinned"));
    }
    map_definition d = define(map_type::array, 4);
    d.fields = {{value_field::kind::spin_lock, 0, 4}};
    const auto refused = map::create_pinned(d, path());
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("locks, timers and pointers"));
    EXPECT_FALSE(std::filesystem::exists(path()));
}

// --- two processes at once

constexpr uint64_t rounds = 200'000;

TEST_F(pinned_maps, count_what_two_processes_do) {
    const auto work = [](map &mine) {
        for (uint64_t i = 0; i < rounds; ++i) {
            const bytes k = key_for(mine, static_cast<uint32_t>(i % 16));
            void *value = mine.lookup_elem(k.data());
            if (value == nullptr) {
                const uint64_t zero = 0;
                mine.update_elem(k.data(), &zero, update_noexist);
                value = mine.lookup_elem(k.data());
            }
            if (value == nullptr) return false;
            count_in(value);
        }
        return true;
    };
    for (const map_type type : {map_type::hash, map_type::lpm_trie}) {
        const auto m = create(type, 16);
        const std::array children{start(path(), work), start(path(), work)};
        for (const pid_t child : children) EXPECT_TRUE(succeeds(child));
        uint64_t sum = 0;
        for (uint32_t i = 0; i < 16; ++i) sum += number_of(*m->lookup(key_for(*m, i)));
        EXPECT_EQ(sum, 2 * rounds) << name_of(type);
        std::filesystem::remove(path());
    }
}

TEST_F(pinned_maps, give_each_process_a_cpu_of_its_own) {
    if (cpu_count() < 2) GTEST_SKIP() << "needs two CPUs";
    for (const map_type type : {map_type::percpu_array, map_type::percpu_hash}) {
        const auto m = create(type, 1);
        const bytes zeros(m->host_value_size());
        ASSERT_EQ(errno_of(m->update(key(0), zeros)), 0);
        const auto work = [](map &mine) {
            const uint32_t number = 0;
            for (uint64_t i = 0; i < rounds; ++i) {
                auto *const value = static_cast<volatile uint64_t *>(mine.lookup_elem(&number));
                if (value == nullptr) return false;
                *value = *value + 1;  // not atomic
            }
            return true;
        };
        const std::array children{start(path(), work), start(path(), work)};
        for (const pid_t child : children) EXPECT_TRUE(succeeds(child));
        EXPECT_EQ(total(*m, 0), 2 * rounds);
        std::filesystem::remove(path());
    }
}

TEST_F(pinned_maps, pass_values_through_a_queue) {
    const auto m = create(map_type::queue, 64);
    const pid_t producer = start(path(), [](map &mine) {
        for (uint64_t i = 1; i <= rounds / 10;) {
            if (mine.push_elem(&i, update_any) == 0) ++i;
        }
        return true;
    });
    for (uint64_t i = 1; i <= rounds / 10;) {
        uint64_t value = 0;
        if (m->pop_elem(&value) != 0) continue;
        ASSERT_EQ(value, i);
        ++i;
    }
    EXPECT_TRUE(succeeds(producer));
}

/// Every key can be changed, and a walk ends.
void expect_usable(map &m, uint32_t keys) {
    for (uint32_t i = 0; i < keys; ++i) {
        const bytes value(m.host_value_size(), 7);
        ASSERT_EQ(errno_of(m.update(key_for(m, i), value)), 0);
        ASSERT_EQ(errno_of(m.lookup(key_for(m, i))), 0);
    }
    EXPECT_GE(keys_of(m).size(), keys);
    if (m.definition().type == map_type::lpm_trie) return;
    std::size_t steps = 0;
    const auto count = [](void *n, const void *, void *) {
        return ++*static_cast<std::size_t *>(n) > 10'000;
    };
    m.for_each_elem(count, &steps);
    EXPECT_LE(steps, 10'000U);
    EXPECT_GE(steps, keys / 2);
}

TEST_F(pinned_maps, survive_processes_that_are_killed) {
    std::mt19937 random{5};
    for (const map_type type :
         {map_type::hash, map_type::lru_hash, map_type::percpu_hash, map_type::lpm_trie}) {
        // Room for elements that processes die with.
        const auto m = create(type, 128);
        for (int kill_number = 0; kill_number < 30; ++kill_number) {
            const pid_t child = start(path(), [](map &mine) {
                const bytes value(mine.host_value_size(), 1);
                for (uint32_t i = 0;; ++i) {
                    const bytes k = key_for(mine, i % 8);
                    mine.update_elem(k.data(), value.data(), update_any);
                    if (i % 3 == 0) mine.delete_elem(k.data());
                }
                return true;
            });
            std::this_thread::sleep_for(std::chrono::microseconds{500 + random() % 3000});
            kill(child, SIGKILL);
            waitpid(child, nullptr, 0);
            expect_usable(*m, 8);
        }
        EXPECT_NE(open(), nullptr);
        std::filesystem::remove(path());
    }
}

/// A map of the type, and the file behind it, in which locks can be left as by a process that died:
/// one that was the second to open the map.
struct map_with_ghost {
    std::shared_ptr<map> m;
    std::fstream file;
    static constexpr uint64_t token = 1U << 8 | 2;

    map_with_ghost(std::shared_ptr<map> made, const std::string &path)
        : m{std::move(made)}, file{path, std::ios::binary | std::ios::in | std::ios::out} {
        EXPECT_TRUE(succeeds(start(path, [](map &) { return true; })));
    }
    template <typename T>
    void change(std::size_t at, T bits) {
        const auto place =
            static_cast<std::streamoff>(static_cast<std::size_t>(getpagesize()) + at);
        T value{};
        file.seekg(place);
        file.read(reinterpret_cast<char *>(&value), sizeof value);
        value |= bits;
        file.seekp(place);
        file.write(reinterpret_cast<const char *>(&value), sizeof value);
        file.flush();
    }
};

TEST_F(pinned_maps, take_locks_from_a_process_that_was_killed_with_one) {
    const auto m = create(map_type::ringbuf, 4096);
    ring_buffer &ring = *as_ring_buffer(m.get());
    const uint64_t value = 5;
    for (int i = 0; i < 2; ++i) ASSERT_EQ(ring.output(&value, sizeof value, 0), 0);
    // Records are handed over under the lock of consumers.
    const pid_t child = start(path(), [](map &mine) {
        as_ring_buffer(&mine)->consume([](auto) { return kill(getpid(), SIGKILL) == 0; });
        return true;
    });
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) and WTERMSIG(status) == SIGKILL);
    // It had not said that it was done with the first one.
    EXPECT_EQ(ring.consume([](auto) { return true; }), 2U);
}

TEST_F(pinned_maps, take_locks_of_queues_over) {
    map_with_ghost ghost{create(map_type::queue, 8), path()};
    ghost.change(0, static_cast<uint32_t>(map_with_ghost::token));
    const uint64_t value = 3;
    EXPECT_EQ(ghost.m->push_elem(&value, update_any), 0);
}

TEST_F(pinned_maps, take_locks_of_chains_over) {
    for (const map_type type : {map_type::hash, map_type::lpm_trie}) {
        map_with_ghost ghost{create(type, 8), path()};
        const auto nth = [&](uint32_t i) { return key_for(*ghost.m, i); };
        for (uint32_t i = 0; i < 8; ++i) ASSERT_EQ(errno_of(ghost.m->update(nth(i), word(i))), 0);
        // The heads of chains follow the control block and a block for each CPU.
        const std::size_t heads = 64 + std::size_t{64} * cpu_count();
        for (std::size_t i = 0; i < 8; ++i) ghost.change(heads + 8 * i, map_with_ghost::token);
        for (uint32_t i = 0; i < 8; ++i) {
            EXPECT_EQ(number_of(*ghost.m->lookup(nth(i))), i);
            EXPECT_EQ(errno_of(ghost.m->update(nth(i), word(i + 1))), 0);
            EXPECT_EQ(number_of(*ghost.m->lookup(nth(i))), i + 1);
        }
        EXPECT_NE(open(), nullptr);
        std::filesystem::remove(path());
    }
}

// --- ring buffers

TEST_F(pinned_maps, send_records_to_another_process) {
    constexpr uint64_t records = 20'000;
    const auto m = create(map_type::ringbuf, 4096);
    ring_buffer &ring = *as_ring_buffer(m.get());
    EXPECT_EQ(ring.event_fd(), -1);
    const auto produce = [](map &mine) {
        for (uint64_t i = 1; i <= records;) {
            if (as_ring_buffer(&mine)->output(&i, sizeof i, 0) == 0) ++i;
        }
        return true;
    };
    const std::array children{start(path(), produce), start(path(), produce)};
    uint64_t sum = 0;
    for (uint64_t taken = 0; taken < 2 * records;) {
        taken += ring.poll(
            [&](std::span<const uint8_t> record) {
                sum += number_of(record);
                return true;
            },
            std::chrono::milliseconds{-1});
    }
    EXPECT_EQ(sum, records * (records + 1));
    for (const pid_t child : children) EXPECT_TRUE(succeeds(child));
}

TEST_F(pinned_maps, go_on_behind_records_of_processes_that_are_gone) {
    const auto m = create(map_type::ringbuf, 4096);
    ring_buffer &ring = *as_ring_buffer(m.get());
    EXPECT_TRUE(succeeds(
        start(path(), [](map &mine) { return as_ring_buffer(&mine)->reserve(8, 0) != nullptr; })));
    const uint64_t value = 5;
    ASSERT_EQ(ring.output(&value, sizeof value, 0), 0);
    uint64_t found = 0;
    const auto take = [&](std::span<const uint8_t> record) {
        found = number_of(record);
        return true;
    };
    EXPECT_EQ(ring.poll(take, std::chrono::milliseconds{-1}), 1U);
    EXPECT_EQ(found, 5U);
    // Its own records are not abandoned.
    void *const mine = ring.reserve(8, 0);
    EXPECT_EQ(ring.consume(take), 0U);
    ring.submit(mine, 0);
    EXPECT_EQ(ring.consume(take), 1U);
}

TEST_F(pinned_maps, do_not_follow_records_that_lead_out) {
    {
        const auto m = create(map_type::ringbuf, 4096);
        const uint64_t value = 5;
        ASSERT_EQ(as_ring_buffer(m.get())->output(&value, sizeof value, 0), 0);
    }
    std::vector<char> altered = content();
    const auto page = static_cast<std::size_t>(getpagesize());
    const uint32_t length = 1U << 29;
    std::memcpy(altered.data() + 4 * page, &length, sizeof length);
    write(altered);
    const auto m = open();
    EXPECT_EQ(as_ring_buffer(m.get())->consume([](auto) { return true; }), 0U);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
