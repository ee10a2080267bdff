// bpftime-vm: arrays and per-CPU arrays
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/cpu.hpp"
#include "support.hpp"
#include "threads.hpp"

#include <numeric>
#include <set>

namespace bpftime::vm::runtime::test {

namespace {

TEST(array, begins_with_zeroes) {
    const auto m = make(map_type::array, 3);
    for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(program_value(*m, i), 0U);
}

TEST(array, has_the_indexes_below_its_size) {
    const auto m = make(map_type::array, 3);
    EXPECT_EQ(m->lookup_elem(key(3).data()), nullptr);
    EXPECT_EQ(errno_of(m->lookup(key(3))), ENOENT);
    EXPECT_EQ(errno_of(m->update(key(3), word(1))), E2BIG);
    EXPECT_EQ(errno_of(m->update(key(0xffff'ffff), word(1))), E2BIG);
}

TEST(array, cannot_add_or_delete) {
    const auto m = make(map_type::array, 3);
    EXPECT_EQ(errno_of(m->update(key(1), word(1), update_noexist)), EEXIST);
    EXPECT_EQ(errno_of(m->remove(key(1))), EINVAL);
    EXPECT_EQ(errno_of(m->update(key(1), word(1), update_exist)), 0);
    EXPECT_EQ(errno_of(m->update(key(1), word(1), 3)), EINVAL);
}

TEST(array, gives_its_keys_in_order) {
    const auto m = make(map_type::array, 3);
    EXPECT_EQ(keys_of(*m), (std::vector{key(0), key(1), key(2)}));
    EXPECT_EQ(m->next_key(key(77)).value(), key(0));
    EXPECT_EQ(errno_of(m->next_key(key(2))), ENOENT);
}

TEST(array, shares_its_values_with_programs) {
    const auto m = make(map_type::array, 2);
    auto *const value = static_cast<uint64_t *>(m->lookup_elem(key(1).data()));
    *value = 5;
    EXPECT_EQ(m->lookup(key(1)).value(), word(5));
    ASSERT_EQ(errno_of(m->update(key(1), word(6))), 0);
    EXPECT_EQ(*value, 6U);
}

TEST(array, gives_and_takes_parts_of_values) {
    map_definition d = define(map_type::array, 2);
    d.value_size = 19;
    const auto m = make(d);
    for (std::size_t offset = 0; offset <= 19; ++offset) {
        for (std::size_t size = 0; size <= 19 - offset; ++size) {
            bytes whole(19);
            std::iota(whole.begin(), whole.end(), uint8_t{1});
            ASSERT_EQ(errno_of(m->update(key(1), whole)), 0);
            bytes part(size);
            ASSERT_EQ(errno_of(m->read_part(key(1), offset, part)), 0);
            const auto begin = whole.begin() + static_cast<std::ptrdiff_t>(offset);
            const auto end = begin + static_cast<std::ptrdiff_t>(size);
            EXPECT_TRUE(std::equal(begin, end, part.begin(), part.end()));
            std::fill(begin, end, uint8_t{0xee});
            ASSERT_EQ(errno_of(m->write_part(key(1), offset, bytes(size, 0xee))), 0);
            EXPECT_EQ(m->lookup(key(1)).value(), whole);
        }
    }
    EXPECT_EQ(m->lookup(key(0)).value(), bytes(19)) << "the other value";
}

TEST(array, refuses_parts_that_are_not_there) {
    const auto m = make(map_type::array, 2);
    bytes part(4);
    EXPECT_EQ(errno_of(m->read_part(key(2), 0, part)), ENOENT);
    EXPECT_EQ(errno_of(m->read_part(key(0), 5, part)), EINVAL);
    EXPECT_EQ(errno_of(m->read_part(key(0), SIZE_MAX, part)), EINVAL);
    EXPECT_EQ(errno_of(m->read_part({}, 0, part)), EINVAL);
    EXPECT_EQ(errno_of(make(map_type::hash, 2)->read_part(key(0), 0, part)), EOPNOTSUPP);
    ASSERT_EQ(errno_of(m->freeze()), 0);
    EXPECT_EQ(errno_of(m->read_part(key(0), 4, part)), 0);
    EXPECT_EQ(errno_of(m->write_part(key(0), 4, part)), EPERM);
}

TEST(array, keeps_hosts_from_writing_locks_of_values) {
    map_definition d = define(map_type::array, 1);
    d.value_size = 12;
    d.fields = {{.what = value_field::kind::spin_lock, .offset = 4, .size = 4}};
    const auto m = make(d);
    EXPECT_EQ(errno_of(m->write_part(key(0), 0, bytes(4))), 0);
    EXPECT_EQ(errno_of(m->write_part(key(0), 8, bytes(4))), 0);
    EXPECT_EQ(errno_of(m->write_part(key(0), 7, bytes(1))), EINVAL);
    EXPECT_EQ(errno_of(m->write_part(key(0), 0, bytes(12))), EINVAL);
}

TEST(array, rounds_the_distance_of_values_up_to_8) {
    map_definition d = define(map_type::array, 2);
    d.value_size = 5;
    const auto m = make(d);
    const auto *const first = static_cast<uint8_t *>(m->lookup_elem(key(0).data()));
    const auto *const second = static_cast<uint8_t *>(m->lookup_elem(key(1).data()));
    EXPECT_EQ(second - first, 8);
    EXPECT_EQ(m->host_value_size(), 5U);
}

TEST(array, visits_its_values_in_order_until_told_to_stop) {
    const auto m = make(map_type::array, 4);
    std::vector<uint32_t> seen;
    const auto visit = [](void *context, const void *k, void * /*value*/) {
        auto &numbers = *static_cast<std::vector<uint32_t> *>(context);
        numbers.push_back(*static_cast<const uint32_t *>(k));
        return numbers.size() == 3;
    };
    EXPECT_EQ(m->for_each_elem(visit, &seen), 3);
    EXPECT_EQ(seen, (std::vector<uint32_t>{0, 1, 2}));
}

TEST(array, refuses_updates_of_programs_in_the_order_of_the_kernel) {
    const uint64_t value = 9;
    for (const map_type type : {map_type::array, map_type::percpu_array}) {
        const auto m = make(type, 2);
        const auto update = [&](uint32_t index, uint64_t flags) {
            return m->update_elem(key(index).data(), &value, flags);
        };
        EXPECT_EQ(update(1, update_lock), -EINVAL);
        EXPECT_EQ(update(1, update_lock | update_noexist), -EEXIST);
        EXPECT_EQ(update(2, update_lock), -E2BIG);
        EXPECT_EQ(update(2, update_noexist), -E2BIG);
        EXPECT_EQ(update(2, 3), -EINVAL);
        EXPECT_EQ(update(2, 8), -EINVAL);
    }
}

TEST(percpu_array, gives_the_host_one_value_for_each_cpu) {
    const auto m = make(map_type::percpu_array, 2);
    ASSERT_EQ(m->host_value_size(), 8 * cpu_count());
    bytes all(m->host_value_size());
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu) all[cpu * 8] = static_cast<uint8_t>(cpu + 1);
    ASSERT_EQ(errno_of(m->update(key(1), all)), 0);
    EXPECT_EQ(m->lookup(key(1)).value(), all);
    EXPECT_EQ(program_value(*m, 1), current_cpu() + 1);
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu) {
        const void *const value = m->lookup_percpu_elem(key(1).data(), cpu);
        EXPECT_EQ(*static_cast<const uint64_t *>(value), cpu + 1);
    }
    EXPECT_EQ(m->lookup_percpu_elem(key(1).data(), cpu_count()), nullptr);
    EXPECT_EQ(m->lookup_percpu_elem(key(2).data(), 0), nullptr);
}

TEST(percpu_array, is_updated_by_programs_on_one_cpu) {
    const auto m = make(map_type::percpu_array, 1);
    const uint64_t value = 9;
    ASSERT_EQ(m->update_elem(key(0).data(), &value, update_any), 0);
    const bytes all = m->lookup(key(0)).value();
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu)
        EXPECT_EQ(number_of(all, cpu * 8), cpu == current_cpu() ? 9U : 0U);
}

TEST(cpu, is_another_for_each_thread_while_there_are_enough) {
    const uint32_t mine = current_cpu();
    EXPECT_LT(mine, cpu_count());
    EXPECT_EQ(current_cpu(), mine);
    if (cpu_count() == 1) return;
    uint32_t other = mine;
    std::thread{[&] { other = current_cpu(); }}.join();
    EXPECT_NE(other, mine);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
