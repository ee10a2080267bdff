// bpftime-vm: what the host's commands do for every type of map
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

namespace bpftime::vm::runtime::test {

namespace {

TEST(host_command, checks_sizes) {
    const auto m = make(map_type::hash, 2);
    EXPECT_EQ(errno_of(m->update(bytes(3), word(1))), EINVAL);
    EXPECT_EQ(errno_of(m->update(key(1), bytes(7))), EINVAL);
    EXPECT_EQ(errno_of(m->lookup(bytes(5))), EINVAL);
    EXPECT_EQ(errno_of(m->remove({})), EINVAL);
    EXPECT_EQ(errno_of(m->next_key(bytes(5))), EINVAL);
}

TEST(host_command, knows_no_flags_of_lookups) {
    const auto m = make(map_type::array, 2);
    bytes value(8);
    EXPECT_EQ(errno_of(m->lookup(key(0), value, 1)), EINVAL);
    EXPECT_EQ(errno_of(m->lookup(key(0), value, update_lock)), EINVAL);
}

TEST(host_command, cannot_change_a_frozen_map) {
    const auto m = make(map_type::hash, 2);
    ASSERT_EQ(errno_of(m->update(key(1), word(1))), 0);
    EXPECT_EQ(errno_of(m->freeze()), 0);
    EXPECT_EQ(errno_of(m->freeze()), EPERM);
    EXPECT_EQ(errno_of(m->update(key(1), word(2))), EPERM);
    EXPECT_EQ(errno_of(m->remove(key(1))), EPERM);
    bytes value(8);
    EXPECT_EQ(errno_of(m->lookup_and_delete(key(1), value)), EPERM);
    EXPECT_EQ(m->lookup(key(1)).value(), word(1));
    const uint64_t fresh = 3;
    EXPECT_EQ(m->update_elem(key(1).data(), &fresh, update_any), 0);
}

TEST(host_command, makes_constants_of_what_nobody_can_write) {
    const auto read_by_programs = make(map_type::array, 2, map_rdonly_prog);
    EXPECT_EQ(read_by_programs->shape().is_constant, 0U);
    ASSERT_EQ(errno_of(read_by_programs->freeze()), 0);
    EXPECT_EQ(read_by_programs->shape().is_constant, 1U);
    const auto written_by_programs = make(map_type::array, 2);
    ASSERT_EQ(errno_of(written_by_programs->freeze()), 0);
    EXPECT_EQ(written_by_programs->shape().is_constant, 0U);
}

TEST(host_command, heeds_the_access_flags) {
    const auto reads = make(map_type::array, 1, map_rdonly);
    EXPECT_EQ(errno_of(reads->update(key(0), word(1))), EPERM);
    EXPECT_EQ(errno_of(reads->lookup(key(0))), 0);
    const auto writes = make(map_type::array, 1, map_wronly);
    EXPECT_EQ(errno_of(writes->update(key(0), word(1))), 0);
    EXPECT_EQ(errno_of(writes->lookup(key(0))), EPERM);
    EXPECT_EQ(errno_of(writes->next_key({})), EPERM);
}

TEST(host_command, tells_programs_what_they_may) {
    EXPECT_EQ(make(map_type::array, 1)->program_access(), permission::read_write);
    EXPECT_EQ(make(map_type::array, 1, map_rdonly_prog)->program_access(), permission::read);
    EXPECT_EQ(make(map_type::array, 1, map_wronly_prog)->program_access(), permission::write);
}

TEST(host_command, names_map_and_errno) {
    map_definition d = define(map_type::hash, 2);
    d.name = "flows";
    const auto failed = make(d)->lookup(key(1));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, error_code::not_found);
    EXPECT_EQ(failed.error().message, "lookup in map flows: there is no such entry (ENOENT)");
}

TEST(host_command, walks_in_batches) {
    const auto m = make(map_type::hash, 10);
    bytes keys;
    bytes values;
    for (uint32_t i = 0; i < 10; ++i) {
        for (const uint8_t b : key(i)) keys.push_back(b);
        for (const uint8_t b : word(i * 2)) values.push_back(b);
    }
    EXPECT_EQ(m->update_batch(keys, values).value(), 10U);
    std::size_t seen = 0;
    bytes from;
    do {
        const map_batch batch = m->lookup_batch(from, 3).value();
        for (std::size_t i = 0; i < batch.count; ++i) {
            EXPECT_EQ(number_of(batch.values, i * 8),
                      number_of<uint32_t>(batch.keys, i * 4) * uint64_t{2});
        }
        seen += batch.count;
        from = batch.next;
    } while (not from.empty());
    EXPECT_EQ(seen, 10U);
    EXPECT_EQ(m->lookup_and_delete_batch(4).value().count, 4U);
    EXPECT_EQ(m->lookup_and_delete_batch(100).value().count, 6U);
    EXPECT_EQ(errno_of(m->delete_batch(keys)), ENOENT);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
