// bpftime-vm: maps of call stacks
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "kernel_map.hpp"
#include "runtime/stack_trace_map.hpp"
#include "support.hpp"

#include <array>
#include <vector>

namespace bpftime::vm::runtime::test {

namespace {

map_definition stacks(uint32_t max_entries, uint32_t depth = 4) {
    map_definition d = define(map_type::stack_trace, max_entries);
    d.value_size = depth * 8;
    return d;
}

int64_t put(map &m, std::vector<uint64_t> stack, uint64_t flags = 0) {
    return as_stack_trace_map(&m)->put(stack, flags);
}

TEST(stack_traces, keep_a_stack_once) {
    const auto m = make(stacks(1000));
    const int64_t a = put(*m, {1, 2, 3});
    const int64_t b = put(*m, {1, 2, 4});
    ASSERT_GE(a, 0);
    ASSERT_GE(b, 0);
    EXPECT_NE(a, b);
    EXPECT_EQ(put(*m, {1, 2, 3}), a);
    EXPECT_EQ(m->lookup(key(static_cast<uint32_t>(a))).value(),
              bytes_of(std::array<uint64_t, 4>{1, 2, 3, 0}));
    EXPECT_EQ(keys_of(*m).size(), 2U);
    EXPECT_EQ(errno_of(m->remove(key(static_cast<uint32_t>(a)))), 0);
    EXPECT_EQ(errno_of(m->lookup(key(static_cast<uint32_t>(a)))), ENOENT);
    EXPECT_EQ(keys_of(*m).size(), 1U);
}

TEST(stack_traces, are_cut_to_their_depth) {
    const auto m = make(stacks(8, 2));
    const int64_t number = put(*m, {1, 2, 3});
    EXPECT_EQ(put(*m, {1, 2, 9}), number);
    EXPECT_EQ(m->lookup(key(static_cast<uint32_t>(number))).value(),
              bytes_of(std::array<uint64_t, 2>{1, 2}));
}

TEST(stack_traces, of_one_number_replace_each_other_if_asked_to) {
    const auto m = make(stacks(1));
    EXPECT_EQ(put(*m, {1}), 0);
    EXPECT_EQ(put(*m, {2}), -EEXIST);
    EXPECT_EQ(put(*m, {2}, stack_replace), -ENOMEM) << "there is one place, as in the kernel";
    EXPECT_EQ(errno_of(m->remove(key(0))), 0);
    EXPECT_EQ(put(*m, {2}, stack_replace), 0);
}

TEST(stack_traces, fill_their_places) {
    const auto m = make(stacks(3));  // four numbers
    int kept = 0;
    for (uint64_t i = 0; i < 200; ++i) kept += put(*m, {i}) >= 0 ? 1 : 0;
    EXPECT_EQ(kept, 3);
    for (const bytes &k : keys_of(*m)) EXPECT_EQ(errno_of(m->remove(k)), 0);
    EXPECT_GE(put(*m, {1}), 0);
    EXPECT_EQ(errno_of(m->remove(key(4))), E2BIG);
}

TEST(stack_traces, do_for_the_host_what_those_of_the_kernel_do) {
    if (const auto why = kernel_map::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    const map_definition d = stacks(3);
    kernel_map theirs;
    ASSERT_EQ(theirs.create(d), 0);
    const auto ours = make(d);
    bytes value(d.value_size);
    for (uint32_t k = 0; k < 6; ++k) {
        EXPECT_EQ(errno_of(ours->lookup(key(k))), -theirs.lookup(key(k), value));
        EXPECT_EQ(errno_of(ours->remove(key(k))), -theirs.remove(key(k)));
        EXPECT_EQ(errno_of(ours->update(key(k), value)), -theirs.update(key(k), value, 0));
        bytes next(4);
        EXPECT_EQ(errno_of(ours->next_key(key(k))), -theirs.next_key(key(k), next));
    }
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
