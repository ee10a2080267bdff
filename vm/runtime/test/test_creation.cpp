// bpftime-vm: creating maps: what is refused, and with which errno
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "kernel_map.hpp"
#include "runtime/cpu.hpp"
#include "support.hpp"

#include <rapidcheck.h>

#include <ostream>

namespace bpftime::vm::runtime::test {

namespace {

struct refusal {
    const char *name;
    map_definition definition;
    int number;

    friend std::ostream &operator<<(std::ostream &out, const refusal &r) { return out << r.name; }
};

map_definition with_sizes(map_type type, uint32_t key_size, uint32_t value_size,
                          uint32_t max_entries, uint32_t flags = 0) {
    return {.name = "test",
            .type = type,
            .key_size = key_size,
            .value_size = value_size,
            .max_entries = max_entries,
            .flags = flags};
}

std::vector<refusal> refusals() {
    using enum map_type;
    map_definition extra = define(hash, 1);
    extra.map_extra = 1;
    map_definition bad_name = define(hash, 1);
    bad_name.name = "a name";
    return {
        {"unspec", define(unspec, 1), EINVAL},
        {"unknown_type", define(map_type{1000}, 1), EINVAL},
        {"bad_name", bad_name, EINVAL},
        {"extra", extra, EINVAL},
        {"both_host_accesses", define(array, 1, map_rdonly | map_wronly), EINVAL},
        {"both_program_accesses", define(array, 1, map_rdonly_prog | map_wronly_prog), EINVAL},
        {"array_without_entries", define(array, 0), EINVAL},
        {"array_key", with_sizes(array, 8, 8, 1), EINVAL},
        {"array_no_prealloc", define(array, 1, map_no_prealloc), EINVAL},
        {"array_value_too_large", with_sizes(array, 4, 1U << 31, 1), E2BIG},
        {"percpu_value_too_large", with_sizes(percpu_array, 4, (32 << 10) + 1, 1), E2BIG},
        {"percpu_array_on_a_node", define(percpu_array, 1, map_numa_node), EINVAL},
        {"hash_without_value", with_sizes(hash, 4, 0, 1), EINVAL},
        {"hash_element_too_large", with_sizes(hash, 4, (4 << 20) - 4 - 48, 1), E2BIG},
        {"hash_of_too_many", define(hash, (1U << 27) + 1), E2BIG},
        {"hash_without_common_lru", define(hash, 1, map_no_common_lru), EINVAL},
        {"lru_without_prealloc", define(lru_hash, 0, map_no_prealloc), not_supported},
        {"lpm_with_prealloc", with_sizes(lpm_trie, 8, 8, 1), EINVAL},
        {"lpm_key_too_short", with_sizes(lpm_trie, 4, 8, 1, map_no_prealloc), EINVAL},
        {"lpm_key_too_long", with_sizes(lpm_trie, 261, 8, 1, map_no_prealloc), EINVAL},
        {"queue_with_key", with_sizes(queue, 4, 8, 1), EINVAL},
        {"queue_value_too_large", with_sizes(queue, 0, (4 << 20) + 1, 1), E2BIG},
        {"ring_not_of_pages", define(ringbuf, 2048), EINVAL},
        {"ring_no_power_of_two", define(ringbuf, 3 * 4096), EINVAL},
        {"prog_array_value", with_sizes(prog_array, 4, 8, 1), EINVAL},
        {"devmap_value", with_sizes(devmap, 4, 5, 1), EINVAL},
        {"cpumap_of_too_many", define(cpumap, 1U << 20), E2BIG},
    };
}

class creation : public testing::TestWithParam<refusal> {};

TEST_P(creation, is_refused) {
    const auto made = map::create(GetParam().definition);
    EXPECT_EQ(errno_of(made), GetParam().number);
}

INSTANTIATE_TEST_SUITE_P(bad, creation, testing::ValuesIn(refusals()),
                         [](const auto &instance) { return std::string{instance.param.name}; });

TEST(creating, says_what_and_why) {
    map_definition d = define(map_type::hash, 0);
    d.name = "flows";
    const auto made = map::create(d);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, error_code::invalid_argument);
    EXPECT_EQ(made.error().message,
              "making map flows of type hash: an argument does not fit the map (EINVAL)");
}

TEST(creating, gives_each_map_an_id) {
    EXPECT_NE(make(map_type::array, 1)->id(), make(map_type::array, 1)->id());
}

TEST(creating, takes_memory_when_it_is_used) {
    const auto large = make(define(map_type::hash, 1U << 26, map_no_prealloc));
    EXPECT_EQ(errno_of(large->update(key(1), word(1))), 0);
}

// --- the same as the kernel

rc::Gen<map_definition> any_definition() {
    using enum map_type;
    // Maps of maps need an inner map, local storage needs types; neither is about checks.
    const auto types =
        rc::gen::element(hash, array, prog_array, perf_event_array, percpu_hash, percpu_array,
                         cgroup_array, sockmap, sockhash, reuseport_sockarray, cgroup_storage,
                         percpu_cgroup_storage, lru_hash, lru_percpu_hash, lpm_trie, devmap, cpumap,
                         xskmap, queue, stack, devmap_hash, ringbuf, user_ringbuf, bloom_filter);
    const auto bit = rc::gen::weightedElement<uint32_t>({{20, 0},
                                                         {4, map_no_prealloc},
                                                         {1, map_no_common_lru},
                                                         {1, map_numa_node},
                                                         {1, map_rdonly},
                                                         {1, map_wronly},
                                                         {1, map_zero_seed},
                                                         {1, map_rdonly_prog},
                                                         {1, map_wronly_prog},
                                                         {1, map_mmapable},
                                                         {1, map_preserve_elems},
                                                         {1, map_inner_map}});
    return rc::gen::exec([=] {
        map_definition d{.name = "test", .type = *types};
        d.key_size = *rc::gen::weightedElement<uint32_t>({{8, 4},
                                                          {4, 0},
                                                          {2, 8},
                                                          {2, 16},
                                                          {1, 5},
                                                          {1, 260},
                                                          {1, 261},
                                                          {1, 512},
                                                          {1, 513},
                                                          {1, 13}});
        d.value_size = *rc::gen::weightedElement<uint32_t>({{8, 4},
                                                            {8, 8},
                                                            {4, 0},
                                                            {2, 13},
                                                            {1, 32 << 10},
                                                            {1, (32 << 10) + 1},
                                                            {1, 65407},
                                                            {1, 65408},
                                                            {1, 4 << 20},
                                                            {1, (4 << 20) - 57},
                                                            {1, (4 << 20) + 1},
                                                            {1, 1U << 31}});
        d.max_entries =
            *rc::gen::weightedElement<uint32_t>({{8, 1}, {2, 0}, {4, 7}, {4, 4096}, {1, 8192}});
        d.flags = *bit | *bit;
        d.map_extra = *rc::gen::weightedElement<uint64_t>({{20, 0}, {1, 3}, {1, 16}});
        return d;
    });
}

TEST(creating, refuses_what_the_kernel_refuses) {
    if (const auto why = kernel_map::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    const auto same = [](const map_definition &d) {
        // Some of these take gigabytes in the kernel.
        RC_PRE(uint64_t{d.value_size} * d.max_entries < 64U << 20);
        // How many CPUs a kernel can have is configured.
        RC_PRE(d.type != map_type::cpumap or d.max_entries < 10);
        kernel_map theirs;
        const int expected = -theirs.create(d);
        RC_TAG(expected);
        RC_ASSERT(errno_of(map::create(d)) == expected);
    };
    EXPECT_TRUE(rc::check("creation", [&] {
        const auto d = *any_definition();
        RC_LOG() << "type " << static_cast<uint32_t>(d.type) << " key " << d.key_size << " value "
                 << d.value_size << " entries " << d.max_entries << " flags " << d.flags
                 << " extra " << d.map_extra << '\n';
        same(d);
    }));
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
