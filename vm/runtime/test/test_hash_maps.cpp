// bpftime-vm: hash maps, plain, per CPU and such that forget
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/cpu.hpp"
#include "support.hpp"

#include <algorithm>
#include <ostream>

namespace bpftime::vm::runtime::test {

namespace {

struct kind {
    const char *name;
    map_type type;
    uint32_t flags;

    friend std::ostream &operator<<(std::ostream &out, const kind &k) { return out << k.name; }
};

class hash_map : public testing::TestWithParam<kind> {
protected:
    [[nodiscard]] static std::shared_ptr<map> make_map(uint32_t max_entries) {
        return make(GetParam().type, max_entries, GetParam().flags);
    }
    [[nodiscard]] static bool forgets() {
        return GetParam().type == map_type::lru_hash or
               GetParam().type == map_type::lru_percpu_hash;
    }
    /// A value of the host: the same for all CPUs.
    [[nodiscard]] static bytes value(const map &m, uint64_t number) {
        bytes all;
        while (all.size() < m.host_value_size()) {
            const bytes one = word(number);
            all.insert(all.end(), one.begin(), one.end());
        }
        return all;
    }
};

TEST_P(hash_map, adds_finds_and_deletes) {
    const auto m = make_map(4);
    EXPECT_EQ(errno_of(m->lookup(key(1))), ENOENT);
    ASSERT_EQ(errno_of(m->update(key(1), value(*m, 10))), 0);
    EXPECT_EQ(m->lookup(key(1)).value(), value(*m, 10));
    EXPECT_EQ(program_value(*m, 1), 10U);
    ASSERT_EQ(errno_of(m->update(key(1), value(*m, 11))), 0);
    EXPECT_EQ(program_value(*m, 1), 11U);
    EXPECT_EQ(errno_of(m->remove(key(1))), 0);
    EXPECT_EQ(errno_of(m->remove(key(1))), ENOENT);
    EXPECT_EQ(m->lookup_elem(key(1).data()), nullptr);
}

TEST_P(hash_map, heeds_the_flags_of_updates) {
    const auto m = make_map(4);
    EXPECT_EQ(errno_of(m->update(key(1), value(*m, 1), update_exist)), ENOENT);
    EXPECT_EQ(errno_of(m->update(key(1), value(*m, 1), update_noexist)), 0);
    EXPECT_EQ(errno_of(m->update(key(1), value(*m, 2), update_noexist)), EEXIST);
    EXPECT_EQ(errno_of(m->update(key(1), value(*m, 3), update_exist)), 0);
    EXPECT_EQ(errno_of(m->update(key(1), value(*m, 3), 3)), EINVAL);
    EXPECT_EQ(errno_of(m->update(key(1), value(*m, 3), update_lock)), EINVAL);
    EXPECT_EQ(program_value(*m, 1), 3U);
}

TEST_P(hash_map, is_full_or_forgets) {
    const auto m = make_map(8);
    for (uint32_t i = 0; i < 8; ++i) ASSERT_EQ(errno_of(m->update(key(i), value(*m, i))), 0);
    EXPECT_EQ(errno_of(m->update(key(8), value(*m, 8))), forgets() ? 0 : E2BIG);
    EXPECT_LE(keys_of(*m).size(), 8U);
    const bytes there = keys_of(*m).front();
    EXPECT_EQ(errno_of(m->update(there, value(*m, 77))), 0);
    EXPECT_EQ(m->lookup(there).value(), value(*m, 77));
    EXPECT_EQ(errno_of(m->remove(there)), 0);
    EXPECT_EQ(errno_of(m->update(there, value(*m, 78), update_noexist)), 0);
}

TEST_P(hash_map, gives_each_key_once) {
    const auto m = make_map(100);
    std::vector<bytes> expected;
    for (uint32_t i = 0; i < 100; ++i) {
        ASSERT_EQ(errno_of(m->update(key(i), value(*m, i))), 0);
        expected.push_back(key(i));
    }
    auto keys = keys_of(*m);
    EXPECT_EQ(m->next_key(key(1000)).value(), keys.front());
    std::ranges::sort(keys, {}, [](const bytes &b) { return number_of<uint32_t>(b); });
    EXPECT_EQ(keys, expected);
}

TEST_P(hash_map, takes_a_value_out) {
    const auto m = make_map(2);
    ASSERT_EQ(errno_of(m->update(key(1), value(*m, 5))), 0);
    bytes taken(m->host_value_size());
    EXPECT_EQ(errno_of(m->lookup_and_delete(key(1), taken)), 0);
    EXPECT_EQ(taken, value(*m, 5));
    EXPECT_EQ(errno_of(m->lookup_and_delete(key(1), taken)), ENOENT);
}

TEST_P(hash_map, lets_a_visitor_delete) {
    const auto m = make_map(50);
    for (uint32_t i = 0; i < 50; ++i) ASSERT_EQ(errno_of(m->update(key(i), value(*m, i))), 0);
    const auto visit = [](void *context, const void *k, void * /*value*/) {
        EXPECT_EQ(static_cast<map *>(context)->delete_elem(k), 0);
        return false;
    };
    EXPECT_EQ(m->for_each_elem(visit, m.get()), 50);
    EXPECT_TRUE(keys_of(*m).empty());
}

INSTANTIATE_TEST_SUITE_P(
    kinds, hash_map,
    testing::Values(kind{"hash", map_type::hash, 0},
                    kind{"hash_no_prealloc", map_type::hash, map_no_prealloc},
                    kind{"percpu_hash", map_type::percpu_hash, 0},
                    kind{"percpu_hash_no_prealloc", map_type::percpu_hash, map_no_prealloc},
                    kind{"lru_hash", map_type::lru_hash, 0},
                    kind{"lru_hash_no_common", map_type::lru_hash, map_no_common_lru},
                    kind{"lru_percpu_hash", map_type::lru_percpu_hash, 0}),
    [](const auto &instance) { return std::string{instance.param.name}; });

TEST(hash, keys_of_any_size_differ_in_every_byte) {
    for (const uint32_t size : {1U, 3U, 7U, 8U, 9U, 16U, 20U, 300U}) {
        map_definition d = define(map_type::hash, size + 1);
        d.key_size = size;
        const auto m = make(d);
        ASSERT_EQ(errno_of(m->update(bytes(size), word(1000))), 0);
        for (uint32_t i = 0; i < size; ++i) {
            bytes k(size);
            k[i] = 1;
            ASSERT_EQ(errno_of(m->update(k, word(i), update_noexist)), 0) << size;
        }
        EXPECT_EQ(keys_of(*m).size(), size + 1);
        EXPECT_EQ(m->lookup(bytes(size)).value(), word(1000));
    }
}

TEST(hash, an_update_leaves_the_old_value_to_who_looks_at_it) {
    const auto m = make(map_type::hash, 2);
    ASSERT_EQ(errno_of(m->update(key(1), word(10))), 0);
    const auto *const old = static_cast<const uint64_t *>(m->lookup_elem(key(1).data()));
    ASSERT_EQ(errno_of(m->update(key(1), word(11))), 0);
    EXPECT_EQ(*old, 10U);
    EXPECT_EQ(program_value(*m, 1), 11U);
}

TEST(percpu_hash, a_program_adds_a_value_for_its_cpu_and_zeroes_for_others) {
    const auto m = make(map_type::percpu_hash, 1);
    bytes ones(m->host_value_size(), 1);
    ASSERT_EQ(errno_of(m->update(key(1), ones)), 0);
    ASSERT_EQ(errno_of(m->remove(key(1))), 0);
    const uint64_t value = 7;
    ASSERT_EQ(m->update_elem(key(2).data(), &value, update_any), 0);
    const bytes all = m->lookup(key(2)).value();
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu)
        EXPECT_EQ(number_of(all, cpu * 8), cpu == current_cpu() ? 7U : 0U);
    EXPECT_EQ(m->lookup_percpu_elem(key(2).data(), cpu_count()), nullptr);
}

TEST(lru_hash, keeps_what_was_looked_up) {
    const auto m = make(map_type::lru_hash, 4);
    for (uint32_t i = 0; i < 4; ++i) ASSERT_EQ(errno_of(m->update(key(i), word(i))), 0);
    static_cast<void>(m->lookup_elem(key(0).data()));
    static_cast<void>(m->lookup_elem(key(1).data()));
    ASSERT_EQ(errno_of(m->update(key(4), word(4))), 0);
    ASSERT_EQ(errno_of(m->update(key(5), word(5))), 0);
    for (const uint32_t kept : {0U, 1U, 4U, 5U}) EXPECT_EQ(errno_of(m->lookup(key(kept))), 0);
}

TEST(lru_hash, does_not_count_the_host_s_lookups) {
    const auto m = make(map_type::lru_hash, 2);
    for (uint32_t i = 0; i < 2; ++i) ASSERT_EQ(errno_of(m->update(key(i), word(i))), 0);
    static_cast<void>(m->lookup_elem(key(1).data()));
    ASSERT_EQ(errno_of(m->lookup(key(0))), 0);
    ASSERT_EQ(errno_of(m->update(key(2), word(2))), 0);
    EXPECT_EQ(errno_of(m->lookup(key(0))), ENOENT);
}

TEST(lru_hash, works_with_one_entry) {
    const auto m = make(map_type::lru_hash, 1);
    for (uint32_t i = 0; i < 10; ++i) {
        ASSERT_EQ(errno_of(m->update(key(i), word(i))), 0);
        EXPECT_EQ(program_value(*m, i), i);
    }
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
