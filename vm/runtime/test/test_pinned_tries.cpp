// bpftime-vm: tries that processes share, against those of one process
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "models.hpp"
#include "pinned_folder.hpp"
#include "runtime/cpu.hpp"
#include "runtime/read_section.hpp"
#include "threads.hpp"

#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <optional>
#include <random>
#include <thread>
#include <utility>

namespace bpftime::vm::runtime::test {

using vm::test::on_all_threads;

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
using pinned_tries = pinned_maps;

bytes prefix(uint32_t length, const bytes &bits) {
    bytes k = key(length);
    k.insert(k.end(), bits.begin(), bits.end());
    return k;
}

map_definition define_trie(uint32_t max_entries, uint32_t key_size = 8) {
    map_definition d = define(map_type::lpm_trie, max_entries);
    d.key_size = key_size;
    return d;
}

/// What a program finds; nothing if that is nothing.
std::optional<uint64_t> find(map &m, const bytes &k) {
    const read_section reading;
    const auto *const value = static_cast<const std::atomic<uint64_t> *>(m.lookup_elem(k.data()));
    return value == nullptr ? std::nullopt : std::optional{value->load(std::memory_order_relaxed)};
}

std::vector<bytes> sorted(std::vector<bytes> keys) {
    std::ranges::sort(keys);
    return keys;
}

/// Keys and values by lookup_batch(), sorted.
std::vector<bytes> batches_of(map &m, std::size_t most) {
    std::vector<bytes> entries;
    for (bytes from;;) {
        const auto batch = m.lookup_batch(from, most);
        EXPECT_TRUE(batch) << batch.error().message;
        if (not batch) break;
        const std::size_t key_size = m.definition().key_size;
        for (std::size_t i = 0; i < batch->count; ++i) {
            bytes entry(batch->keys.data() + i * key_size, batch->keys.data() + (i + 1) * key_size);
            entry.insert(entry.end(), batch->values.data() + i * 8,
                         batch->values.data() + (i + 1) * 8);
            entries.push_back(std::move(entry));
        }
        from = batch->next;
        if (from.empty()) break;
    }
    return sorted(std::move(entries));
}

// --- the meaning

TEST_F(pinned_tries, find_the_longest_prefix) {
    const auto m = create(map_type::lpm_trie, 8);
    ASSERT_EQ(errno_of(m->update(prefix(0, {0, 0, 0, 0}), word(1))), 0);
    ASSERT_EQ(errno_of(m->update(prefix(8, {10, 0, 0, 0}), word(2))), 0);
    ASSERT_EQ(errno_of(m->update(prefix(25, {10, 1, 2, 128}), word(3))), 0);
    EXPECT_EQ(find(*m, prefix(32, {10, 1, 2, 200})), 3U);
    EXPECT_EQ(find(*m, prefix(24, {10, 1, 2, 200})), 2U);
    EXPECT_EQ(find(*m, prefix(32, {10, 1, 2, 100})), 2U);
    EXPECT_EQ(find(*m, prefix(32, {11, 1, 2, 200})), 1U);
    EXPECT_EQ(find(*m, prefix(33, {10, 1, 2, 200})), std::nullopt);
}

TEST_F(pinned_tries, keep_keys_as_they_were_given) {
    const auto m = create(map_type::lpm_trie, 8);
    ASSERT_EQ(errno_of(m->update(prefix(12, {10, 0x1f, 3, 4}), word(1))), 0);
    EXPECT_THAT(keys_of(*open()), ElementsAre(prefix(12, {10, 0x1f, 3, 4})));
    ASSERT_EQ(errno_of(m->update(prefix(12, {10, 0x1a, 7, 7}), word(2))), 0);
    EXPECT_THAT(keys_of(*open()), ElementsAre(prefix(12, {10, 0x1a, 7, 7})));
    EXPECT_EQ(errno_of(m->next_key(prefix(12, {10, 0x10, 0, 0}))), ENOENT);
    EXPECT_EQ(errno_of(m->remove(prefix(12, {10, 0x11, 0, 0}))), 0);
    EXPECT_THAT(keys_of(*m), ElementsAre());
}

/// Any sequence of operations gives what it gives on a trie of one process.
class a_pinned_trie : public pinned_maps, public testing::WithParamInterface<uint32_t> {};

TEST_P(a_pinned_trie, is_as_one_of_one_process) {
    const uint32_t key_size = GetParam();
    const uint32_t bits = (key_size - 4) * 8;
    constexpr uint32_t most = 12;
    check_steps("pinned trie", [&](auto more, auto pick) {
        std::filesystem::remove(path());
        const auto pinned = map::create_pinned(define_trie(most, key_size), path()).value();
        const auto own = make(define_trie(most, key_size));
        // Of all prefixes some are alike, and most begin alike.
        const auto pick_key = [&] {
            bytes data(key_size - 4, 0xa5);
            const uint32_t other = pick(4) == 0 ? pick(bits) : pick(std::min(bits, 12U));
            data[other / 8] = static_cast<uint8_t>(data[other / 8] ^ 0x80U >> other % 8);
            const uint32_t length = pick(4) == 0 ? pick(bits + 2) : pick(std::min(bits, 14U));
            return prefix(length, data);
        };
        while (more()) {
            const bytes k = pick_key();
            switch (pick(3)) {
            case 0: {
                const bytes value = word(pick(1000));
                const uint64_t flags = pick(4);
                RC_ASSERT(errno_of(pinned->update(k, value, flags)) ==
                          errno_of(own->update(k, value, flags)));
                break;
            }
            case 1: RC_ASSERT(pinned->delete_elem(k.data()) == own->delete_elem(k.data())); break;
            default: {
                RC_ASSERT(find(*pinned, k) == find(*own, k));
                const auto value = pinned->lookup(k);
                RC_ASSERT(errno_of(value) == errno_of(own->lookup(k)));
                if (value) RC_ASSERT(*value == own->lookup(k).value());
            }
            }
            RC_ASSERT(sorted(keys_of(*pinned)) == sorted(keys_of(*own)));
        }
        RC_ASSERT(batches_of(*pinned, 5) == batches_of(*own, 5));
        RC_ASSERT(batches_of(*map::open_pinned(path()).value(), 3) == batches_of(*own, 3));
    });
}

INSTANTIATE_TEST_SUITE_P(key_sizes, a_pinned_trie, testing::Values(5, 7, 8, 12, 20, 24, 260));

/// Of all lengths, every second one that of an address.
TEST_F(pinned_tries, route_as_those_of_one_process) {
    constexpr uint32_t routes = 20'000;
    for (const uint32_t address_bytes : {4U, 16U}) {
        std::mt19937 random{address_bytes};
        const auto made =
            map::create_pinned(define_trie(routes, 4 + address_bytes), path("routes"));
        ASSERT_TRUE(made) << made.error().message;
        map &pinned = **made;
        const auto own = make(define_trie(routes, 4 + address_bytes));
        const auto any_address = [&] {
            bytes a(address_bytes);
            // Few first bytes, so that prefixes lie in prefixes.
            for (uint8_t &byte : a) byte = static_cast<uint8_t>(random());
            for (uint32_t i = 0; i < address_bytes / 2; ++i) a[i] &= 0x11;
            return a;
        };
        std::vector<bytes> keys;
        for (uint32_t i = 0; i < routes; ++i) {
            const uint32_t bits = 8 * address_bytes;
            const uint32_t length = std::min(static_cast<uint32_t>(random() % (2 * bits)), bits);
            keys.push_back(prefix(length, any_address()));
            ASSERT_EQ(pinned.update_elem(keys.back().data(), word(i).data(), update_any), 0);
            ASSERT_EQ(own->update_elem(keys.back().data(), word(i).data(), update_any), 0);
        }
        for (uint32_t i = 0; i < routes; ++i) {
            const bytes wanted = prefix(8 * address_bytes, any_address());
            ASSERT_EQ(find(pinned, wanted), find(*own, wanted));
            ASSERT_EQ(find(pinned, keys[i]), find(*own, keys[i]));
            if (i % 3 != 0) continue;
            ASSERT_EQ(pinned.delete_elem(keys[i].data()), own->delete_elem(keys[i].data()));
        }
        ASSERT_EQ(sorted(keys_of(pinned)), sorted(keys_of(*own)));
        std::filesystem::remove(path("routes"));
    }
}

TEST_F(pinned_tries, cannot_do_what_those_of_one_process_cannot) {
    const auto pinned = create(map_type::lpm_trie, 8);
    const auto own = make(map_type::lpm_trie, 8);
    for (map *const m : {pinned.get(), own.get()}) {
        ASSERT_EQ(errno_of(m->update(prefix(8, {1, 0, 0, 0}), word(1))), 0);
        const auto visit = [](void *, const void *, void *) { return true; };
        EXPECT_EQ(m->for_each_elem(visit, nullptr), -EOPNOTSUPP);
        bytes value = word(0);
        EXPECT_EQ(errno_of(m->lookup_and_delete(prefix(8, {1, 0, 0, 0}), value)), not_supported);
        EXPECT_EQ(errno_of(m->lookup_and_delete_batch(1)), not_supported);
        EXPECT_EQ(m->lookup_percpu_elem(prefix(8, {1, 0, 0, 0}).data(), 0), nullptr);
        EXPECT_EQ(m->push_elem(value.data(), 0), -EOPNOTSUPP);
        EXPECT_EQ(keys_of(*m).size(), 1U);
    }
}

TEST_F(pinned_tries, are_refused_where_others_are) {
    map_definition d = define_trie(8);
    d.flags = 0;
    EXPECT_EQ(errno_of(map::create_pinned(d, path())), EINVAL) << "not without NO_PREALLOC";
    EXPECT_EQ(errno_of(map::create_pinned(define_trie(8, 4), path())), EINVAL);
    EXPECT_EQ(errno_of(map::create_pinned(define_trie(8, 261), path())), EINVAL);
    EXPECT_EQ(errno_of(map::create_pinned(define_trie(~0U), path())), E2BIG)
        << "room is reserved at once";
    EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(pinned_tries, have_to_be_as_they_are_declared) {
    ASSERT_TRUE(map::open_or_create_pinned(define_trie(8), path()));
    ASSERT_TRUE(map::open_or_create_pinned(define_trie(8), path()));
    const auto refused = map::open_or_create_pinned(define_trie(9, 20), path());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kernel_errno, EINVAL);
    EXPECT_THAT(refused.error().message, HasSubstr("key_size 8, not 20; max_entries 8, not 9"));
}

TEST_F(pinned_tries, allow_what_their_flags_allow) {
    map_definition d = define_trie(8);
    d.flags |= map_rdonly_prog;
    const auto made = map::create_pinned(d, path());
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(open()->program_access(), permission::read);
    EXPECT_EQ(errno_of(open()->update(prefix(8, {1, 0, 0, 0}), word(1))), 0);
    ASSERT_EQ(errno_of(open()->freeze()), 0);
    EXPECT_EQ(errno_of((*made)->update(prefix(8, {2, 0, 0, 0}), word(1))), EPERM);
    d.flags = map_no_prealloc | map_wronly;
    const auto written = map::create_pinned(d, path("written"));
    ASSERT_TRUE(written) << written.error().message;
    EXPECT_EQ(errno_of((*written)->update(prefix(8, {2, 0, 0, 0}), word(1))), 0);
    EXPECT_EQ(errno_of((*written)->lookup(prefix(8, {2, 0, 0, 0}))), EPERM);
}

// --- threads and processes

TEST_F(pinned_tries, are_looked_up_in_while_they_change) {
    const auto made = map::create_pinned(define_trie(1000, 20), path());
    ASSERT_TRUE(made) << made.error().message;
    map &m = **made;
    on_all_threads([&](unsigned thread) {
        for (uint32_t i = 0; i < 10'000; ++i) {
            const uint32_t number = i % 500;
            bytes bits(16);
            for (std::size_t at = 0; at < 16; ++at)
                bits[at] = static_cast<uint8_t>(number % (3 + at) << 6);
            const bytes k = prefix(thread < 4 ? 8 + number % 121 : 128, bits);
            if (thread >= 4) {
                static_cast<void>(find(m, k));
            } else if (i / 500 % 2 == 0 or number % 5 == 0) {
                ASSERT_EQ(m.update_elem(k.data(), word(i).data(), update_any), 0);
            } else {
                m.delete_elem(k.data());
            }
        }
    });
    // What is left is found, and what was deleted makes room.
    for (const bytes &k : keys_of(m)) {
        ASSERT_TRUE(find(m, k).has_value());
        ASSERT_EQ(m.delete_elem(k.data()), 0);
    }
    EXPECT_EQ(keys_of(m).size(), 0U);
    for (uint32_t i = 0; i < 1000; ++i) {
        bytes bits = key(i);
        bits.resize(16);
        ASSERT_EQ(errno_of(m.update(prefix(128, bits), word(i))), 0) << i;
    }
}

TEST_F(pinned_tries, keep_each_thread_s_own_prefixes) {
    const auto m = create(map_type::lpm_trie, 16 * vm::test::thread_count);
    on_all_threads([&](unsigned thread) {
        const auto first = static_cast<uint8_t>(thread);
        for (uint32_t i = 0; i < 20'000; ++i) {
            const bytes k = prefix(8 + i % 16, {first, 0, 0, 0});
            const uint64_t value = uint64_t{thread} << 32 | i;
            ASSERT_EQ(m->update_elem(k.data(), &value, update_any), 0);
            ASSERT_EQ(find(*m, k), value);
            ASSERT_EQ(find(*m, prefix(32, {first, 0, 0, 0})).value() >> 32, thread);
            if (i % 3 != 0) continue;
            ASSERT_EQ(m->delete_elem(k.data()), 0);
            ASSERT_EQ(m->delete_elem(k.data()), -ENOENT);
        }
    });
}

/// There is one at any time: the longer one is added before the shorter one is deleted, and the
/// other way round. A lookup asks for all lengths between them.
TEST_F(pinned_tries, have_what_is_replaced_by_longer_or_shorter_prefixes_at_any_time) {
    const auto made = map::create_pinned(define_trie(256, 20), path());
    ASSERT_TRUE(made) << made.error().message;
    map &m = **made;
    for (uint32_t length = 2; length < 128; ++length)
        ASSERT_EQ(errno_of(m.update(prefix(length, bytes(16)), word(0))), 0);
    const bytes address = prefix(128, bytes(16, 0xff));
    const std::array replaced{prefix(1, bytes(16, 0xff)), address};
    ASSERT_EQ(errno_of(m.update(replaced[0], word(1))), 0);
    const pid_t child = start(path(), [&](map &mine) {
        const uint64_t value = 1;
        for (std::size_t i = 0; i < 100'000; ++i) {
            mine.update_elem(replaced[(i + 1) % 2].data(), &value, update_any);
            mine.delete_elem(replaced[i % 2].data());
        }
        return true;
    });
    uint64_t lookups = 0;
    uint64_t misses = 0;
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        for (int i = 0; i < 100; ++i, ++lookups) misses += find(m, address).has_value() ? 0 : 1;
    }
    EXPECT_TRUE(WIFEXITED(status) and WEXITSTATUS(status) == 0);
    EXPECT_EQ(misses, 0U) << "of " << lookups;
}

/// Whatever a process was doing: prefixes that are there are found.
TEST_F(pinned_tries, find_all_that_processes_leave_that_are_killed) {
    std::mt19937 random{5};
    const auto m = create(map_type::lpm_trie, 256);
    // One of each length that stays, in a part of its own.
    const auto staying = [](uint32_t length) { return prefix(length, {0xff, 0xff, 0xff, 0xff}); };
    for (uint32_t length = 8; length <= 32; ++length)
        ASSERT_EQ(errno_of(m->update(staying(length), word(length))), 0);
    for (int kill_number = 0; kill_number < 40; ++kill_number) {
        const pid_t child = start(path(), [](map &mine) {
            const uint64_t value = 7;
            for (uint32_t i = 0;; ++i) {
                const bytes k = prefix(1 + i % 32, {static_cast<uint8_t>(i % 3), 0, 0, 0});
                mine.update_elem(k.data(), &value, update_any);
                if (i % 3 != 0) mine.delete_elem(k.data());
            }
            return true;
        });
        std::this_thread::sleep_for(std::chrono::microseconds{500 + random() % 3000});
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
        for (uint32_t kept = 8; kept <= 32; ++kept) ASSERT_EQ(find(*m, staying(kept)), kept);
        for (const bytes &k : keys_of(*m)) ASSERT_TRUE(find(*m, k).has_value());
        const auto length = static_cast<uint32_t>(1 + random() % 7);
        const bytes fresh = prefix(length, {1, 2, 3, 4});
        ASSERT_EQ(errno_of(m->update(fresh, word(1))), 0);
        ASSERT_EQ(find(*m, fresh), 1U);
    }
    EXPECT_NE(open(), nullptr);
}

// --- files that others write to

/// A trie of 8 prefixes of IPv4 at most, and the words of its file.
class written_tries : public pinned_maps {
protected:
    written_tries() : m_{create(map_type::lpm_trie, 8)}, file_{path(), modes} {}

    static constexpr auto modes = std::ios::binary | std::ios::in | std::ios::out;
    static constexpr std::size_t element_bytes = 16 + 8 + 8 + 8;  // key, what was given, value

    static std::size_t page() { return static_cast<std::size_t>(getpagesize()); }
    /// Behind a control block, a block for each CPU and the heads of 8 chains.
    static std::size_t elements_at() {
        return page() + (64 + std::size_t{64} * cpu_count() + 64 + 63) / 64 * 64;
    }
    /// What tells which lengths there are follows the elements, of which each CPU has one more.
    static std::size_t lengths_at() {
        return elements_at() + (element_bytes * (8 + cpu_count()) + 63) / 64 * 64;
    }
    static std::size_t used_at() { return lengths_at() + 8; }
    static std::size_t entries_at(uint32_t length) { return used_at() + 8 + 4 * length; }

    template <typename T>
    T read(std::size_t at) {
        T value{};
        file_.seekg(static_cast<std::streamoff>(at));
        file_.read(reinterpret_cast<char *>(&value), sizeof value);
        return value;
    }
    template <typename T>
    void write_at(std::size_t at, T value) {
        file_.seekp(static_cast<std::streamoff>(at));
        file_.write(reinterpret_cast<const char *>(&value), sizeof value);
        file_.flush();
    }

    std::shared_ptr<map> m_;
    std::fstream file_;
};

TEST_F(written_tries, know_the_lengths_that_there_are) {
    ASSERT_EQ(errno_of(m_->update(prefix(8, {1, 0, 0, 0}), word(1))), 0);
    ASSERT_EQ(errno_of(m_->update(prefix(8, {2, 0, 0, 0}), word(1))), 0);
    ASSERT_EQ(errno_of(m_->update(prefix(32, {2, 0, 0, 0}), word(1))), 0);
    EXPECT_EQ(read<uint64_t>(used_at()), uint64_t{1} << 8 | uint64_t{1} << 32);
    EXPECT_EQ(read<uint32_t>(entries_at(8)), 2U);
    EXPECT_EQ(read<uint32_t>(entries_at(32)), 1U);
    // What fails or replaces a value changes nothing.
    ASSERT_EQ(errno_of(m_->update(prefix(8, {2, 0, 0, 0}), word(2))), 0);
    ASSERT_EQ(errno_of(m_->update(prefix(8, {2, 0, 0, 0}), word(2), update_noexist)), EEXIST);
    ASSERT_EQ(errno_of(m_->update(prefix(9, {2, 0, 0, 0}), word(2), update_exist)), ENOENT);
    ASSERT_EQ(errno_of(m_->remove(prefix(9, {2, 0, 0, 0}))), ENOENT);
    for (uint8_t i = 0; i < 5; ++i)
        ASSERT_EQ(errno_of(m_->update(prefix(32, {3, i, 0, 0}), word(1))), 0);
    ASSERT_EQ(errno_of(m_->update(prefix(7, {3, 0, 0, 0}), word(1))), ENOSPC);
    EXPECT_EQ(read<uint64_t>(used_at()), uint64_t{1} << 8 | uint64_t{1} << 32);
    for (const bytes &k : keys_of(*m_)) ASSERT_EQ(errno_of(m_->remove(k)), 0);
    EXPECT_EQ(read<uint64_t>(used_at()), 0U);
    for (uint32_t length = 0; length <= 32; ++length)
        EXPECT_EQ(read<uint32_t>(entries_at(length)), 0U);
}

TEST_F(written_tries, take_the_lock_of_their_lengths_over) {
    ASSERT_TRUE(succeeds(start(path(), [](map &) { return true; })));
    const uint32_t second_member = 1U << 8 | 2;
    write_at(lengths_at(), second_member);
    ASSERT_EQ(errno_of(m_->update(prefix(8, {1, 0, 0, 0}), word(1))), 0);
    write_at(lengths_at(), second_member);
    ASSERT_EQ(errno_of(m_->remove(prefix(8, {1, 0, 0, 0}))), 0);
    EXPECT_EQ(read<uint32_t>(lengths_at()), 0U);
}

/// As a process leaves it that dies before it adds a prefix, or after it deleted one.
TEST_F(written_tries, may_have_lengths_that_no_prefix_has) {
    write_at(used_at(), ~uint64_t{0} >> 31);
    for (uint32_t length = 0; length <= 32; ++length) write_at(entries_at(length), 1U);
    const auto m = open();
    EXPECT_EQ(find(*m, prefix(32, {1, 2, 3, 4})), std::nullopt);
    ASSERT_EQ(errno_of(m->update(prefix(8, {1, 0, 0, 0}), word(1))), 0);
    EXPECT_EQ(find(*m, prefix(32, {1, 2, 3, 4})), 1U);
    ASSERT_EQ(errno_of(m->remove(prefix(8, {1, 0, 0, 0}))), 0);
    EXPECT_EQ(find(*m, prefix(32, {1, 2, 3, 4})), std::nullopt);
}

TEST_F(written_tries, lose_prefixes_whose_lengths_are_gone_and_nothing_else) {
    ASSERT_EQ(errno_of(m_->update(prefix(8, {1, 0, 0, 0}), word(1))), 0);
    write_at(used_at(), uint64_t{0});
    write_at(entries_at(8), 0U);
    EXPECT_EQ(find(*m_, prefix(32, {1, 2, 3, 4})), std::nullopt);
    EXPECT_EQ(keys_of(*m_).size(), 1U);
    EXPECT_EQ(errno_of(m_->remove(prefix(8, {1, 0, 0, 0}))), 0);
    EXPECT_EQ(read<uint32_t>(entries_at(8)), 0U);
    // A count that is as large as can be ends at 0: the length is lost once more.
    write_at(entries_at(8), ~0U);
    ASSERT_EQ(errno_of(m_->update(prefix(8, {1, 0, 0, 0}), word(1))), 0);
    EXPECT_EQ(find(*m_, prefix(32, {1, 2, 3, 4})), 1U);
    EXPECT_EQ(errno_of(m_->remove(prefix(8, {1, 0, 0, 0}))), 0);
}

TEST_F(written_tries, do_not_look_for_lengths_beyond_their_keys) {
    write_at(used_at(), ~uint64_t{0});
    ASSERT_EQ(errno_of(m_->update(prefix(32, {1, 2, 3, 4}), word(1))), 0);
    EXPECT_EQ(find(*m_, prefix(32, {1, 2, 3, 4})), 1U);
    EXPECT_EQ(find(*m_, prefix(63, {1, 2, 3, 4})), std::nullopt);
    EXPECT_EQ(errno_of(map::open_pinned(path())), EBADMSG);
}

TEST_F(written_tries, give_no_keys_that_are_no_prefixes) {
    ASSERT_EQ(errno_of(m_->update(prefix(8, {1, 0, 0, 0}), word(1))), 0);
    const std::size_t key_at = elements_at() + 16;
    ASSERT_EQ(read<uint32_t>(key_at), 8U);
    // Whatever chain a key belongs to: all of them have the element.
    const uint64_t link = 2;
    for (std::size_t chain = 0; chain < 8; ++chain)
        write_at(page() + 64 + std::size_t{64} * cpu_count() + chain * 8, link << 20);
    const uint64_t as_it_was = read<uint64_t>(key_at);
    for (const uint64_t no_prefix :
         {as_it_was | uint64_t{1} << 40, as_it_was | 33U, ~uint64_t{0}}) {
        write_at(key_at, no_prefix);
        EXPECT_EQ(errno_of(m_->next_key({})), EUCLEAN);
        EXPECT_EQ(errno_of(m_->lookup_batch({}, 4)), EUCLEAN);
    }
    write_at(key_at, as_it_was);
    // Nor do bits that are not compared make another prefix of one.
    write_at(key_at + 8, ~uint64_t{0});
    EXPECT_EQ(m_->next_key({}).value(), prefix(8, {1, 255, 255, 255}));
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
