// bpftime-vm: tries that find the longest prefix of a key
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/read_section.hpp"
#include "support.hpp"

namespace bpftime::vm::runtime::test {

namespace {

bytes prefix(uint32_t length, uint8_t a, uint8_t b = 0, uint8_t c = 0, uint8_t d = 0) {
    bytes k = key(length);
    for (const uint8_t byte : {a, b, c, d}) k.push_back(byte);
    return k;
}

uint64_t found(map &m, const bytes &k) {
    const void *const value = m.lookup_elem(k.data());
    return value == nullptr ? 0 : *static_cast<const uint64_t *>(value);
}

TEST(lpm_trie, finds_the_longest_prefix) {
    const auto m = make(map_type::lpm_trie, 10);
    ASSERT_EQ(errno_of(m->update(prefix(8, 10), word(1))), 0);
    ASSERT_EQ(errno_of(m->update(prefix(16, 10, 1), word(2))), 0);
    ASSERT_EQ(errno_of(m->update(prefix(32, 10, 1, 2, 3), word(3))), 0);
    const read_section reading;
    EXPECT_EQ(found(*m, prefix(32, 10, 9, 9, 9)), 1U);
    EXPECT_EQ(found(*m, prefix(32, 10, 1, 9, 9)), 2U);
    EXPECT_EQ(found(*m, prefix(32, 10, 1, 2, 3)), 3U);
    EXPECT_EQ(found(*m, prefix(32, 11, 1, 2, 3)), 0U);
    EXPECT_EQ(found(*m, prefix(12, 10, 1)), 1U);
}

TEST(lpm_trie, has_a_default_of_length_0) {
    const auto m = make(map_type::lpm_trie, 10);
    ASSERT_EQ(errno_of(m->update(prefix(0, 0), word(9))), 0);
    const read_section reading;
    EXPECT_EQ(found(*m, prefix(32, 1, 2, 3, 4)), 9U);
}

TEST(lpm_trie, refuses_prefixes_longer_than_its_keys) {
    const auto m = make(map_type::lpm_trie, 10);
    EXPECT_EQ(errno_of(m->update(prefix(33, 1), word(1))), EINVAL);
    EXPECT_EQ(errno_of(m->remove(prefix(33, 1))), EINVAL);
    EXPECT_EQ(errno_of(m->lookup(prefix(33, 1))), ENOENT);
}

TEST(lpm_trie, counts_its_entries) {
    const auto m = make(map_type::lpm_trie, 2);
    ASSERT_EQ(errno_of(m->update(prefix(8, 1), word(1))), 0);
    ASSERT_EQ(errno_of(m->update(prefix(8, 2), word(1))), 0);
    EXPECT_EQ(errno_of(m->update(prefix(8, 3), word(1))), ENOSPC);
    EXPECT_EQ(errno_of(m->update(prefix(8, 2), word(2))), 0);
    EXPECT_EQ(errno_of(m->update(prefix(8, 3), word(1), update_exist)), ENOENT);
    EXPECT_EQ(errno_of(m->update(prefix(8, 2), word(1), update_noexist)), EEXIST);
    EXPECT_EQ(errno_of(m->remove(prefix(8, 1))), 0);
    EXPECT_EQ(errno_of(m->update(prefix(8, 3), word(1))), 0);
}

TEST(lpm_trie, gives_more_specific_keys_first) {
    const auto m = make(map_type::lpm_trie, 10);
    const std::vector<bytes> in_order{prefix(24, 192, 168, 0), prefix(24, 192, 168, 128),
                                      prefix(16, 192, 168), prefix(24, 192, 170, 1)};
    for (const bytes &k : {in_order[2], in_order[3], in_order[1], in_order[0]})
        ASSERT_EQ(errno_of(m->update(k, word(1))), 0);
    EXPECT_EQ(keys_of(*m), in_order);
    EXPECT_EQ(m->next_key(prefix(8, 1)).value(), in_order.front());
}

TEST(lpm_trie, keeps_a_deleted_value_for_readers) {
    const auto m = make(map_type::lpm_trie, 10);
    ASSERT_EQ(errno_of(m->update(prefix(8, 1), word(77))), 0);
    const read_section reading;
    const auto *const value = static_cast<const uint64_t *>(m->lookup_elem(prefix(8, 1).data()));
    ASSERT_EQ(errno_of(m->remove(prefix(8, 1))), 0);
    for (uint8_t i = 0; i < 10; ++i) ASSERT_EQ(errno_of(m->update(prefix(8, i), word(0))), 0);
    EXPECT_EQ(*value, 77U);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
