// bpftime-vm: queues, stacks and Bloom filters
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

namespace bpftime::vm::runtime::test {

namespace {

class queue_or_stack : public testing::TestWithParam<map_type> {};

TEST_P(queue_or_stack, knows_neither_keys_nor_deletes) {
    const auto m = make(GetParam(), 2);
    EXPECT_EQ(errno_of(m->remove({})), EINVAL);
    EXPECT_EQ(errno_of(m->next_key({})), EINVAL);
    EXPECT_EQ(errno_of(m->update(key(1), word(1))), EINVAL);
}

TEST_P(queue_or_stack, has_its_own_flags) {
    const auto m = make(GetParam(), 1);
    EXPECT_EQ(errno_of(m->update({}, word(1), update_noexist)), EINVAL);
    EXPECT_EQ(errno_of(m->update({}, word(1))), 0);
    EXPECT_EQ(errno_of(m->update({}, word(2))), E2BIG);
    EXPECT_EQ(errno_of(m->update({}, word(3), update_exist)), 0);
    EXPECT_EQ(m->lookup({}).value(), word(3));
}

TEST_P(queue_or_stack, shows_its_values_and_keeps_them) {
    const auto m = make(GetParam(), 3);
    EXPECT_TRUE(m->queued_values().value().empty());
    for (uint64_t i = 1; i <= 4; ++i) ASSERT_EQ(errno_of(m->update({}, word(i), update_exist)), 0);
    const std::vector<bytes> expected{word(2), word(3), word(4)};
    for (int times = 0; times < 2; ++times) EXPECT_EQ(m->queued_values().value(), expected);
    bytes value(8);
    ASSERT_EQ(errno_of(m->lookup_and_delete({}, value)), 0);
    EXPECT_EQ(m->queued_values().value().size(), 2U);
    const auto hidden = make(GetParam(), 1, map_wronly);
    EXPECT_EQ(errno_of(hidden->queued_values()), EPERM);
}

TEST_P(queue_or_stack, gives_zeroes_when_empty) {
    const auto m = make(GetParam(), 1);
    bytes value = word(5);
    EXPECT_EQ(errno_of(m->lookup_and_delete({}, value)), ENOENT);
    uint64_t popped = 5;
    EXPECT_EQ(m->pop_elem(&popped), -ENOENT);
    EXPECT_EQ(popped, 0U);
}

INSTANTIATE_TEST_SUITE_P(types, queue_or_stack, testing::Values(map_type::queue, map_type::stack),
                         [](const auto &instance) {
                             return std::string{instance.param == map_type::queue ? "queue"
                                                                                  : "stack"};
                         });

TEST(queue, is_first_in_first_out_and_a_stack_is_not) {
    const auto queue = make(map_type::queue, 3);
    const auto stack = make(map_type::stack, 3);
    for (uint64_t i = 1; i <= 3; ++i) {
        ASSERT_EQ(queue->push_elem(&i, 0), 0);
        ASSERT_EQ(stack->push_elem(&i, 0), 0);
    }
    uint64_t value = 0;
    ASSERT_EQ(queue->pop_elem(&value), 0);
    EXPECT_EQ(value, 1U);
    ASSERT_EQ(stack->pop_elem(&value), 0);
    EXPECT_EQ(value, 3U);
}

TEST(bloom_filter, has_no_false_negatives_and_few_false_positives) {
    const auto m = make(map_type::bloom_filter, 1000);
    for (uint64_t i = 0; i < 1000; ++i) ASSERT_EQ(m->push_elem(&i, 0), 0);
    for (uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(m->peek_elem(&i), 0);
    int wrong = 0;
    for (uint64_t i = 1000; i < 11'000; ++i) wrong += m->peek_elem(&i) == 0 ? 1 : 0;
    EXPECT_LT(wrong, 500);
}

TEST(bloom_filter, can_do_nothing_else) {
    const auto m = make(map_type::bloom_filter, 10);
    EXPECT_EQ(errno_of(m->update({}, word(1), update_exist)), EINVAL);
    EXPECT_EQ(errno_of(m->remove({})), EOPNOTSUPP);
    EXPECT_EQ(errno_of(m->next_key({})), EOPNOTSUPP);
    EXPECT_EQ(errno_of(m->queued_values()), EOPNOTSUPP);
    uint64_t value = 0;
    EXPECT_EQ(m->pop_elem(&value), -EOPNOTSUPP);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
