// bpftime-vm: the same operations on the kernel's maps and on ours
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "kernel_map.hpp"
#include "runtime/cpu.hpp"
#include "support.hpp"

#include <algorithm>
#include <ostream>
#include <random>
#include <string>

namespace bpftime::vm::runtime::test {

namespace {

struct subject {
    const char *name;
    map_type type;
    uint32_t key_size;
    uint32_t value_size;
    uint32_t max_entries;
    uint32_t flags = 0;
    bool ordered_keys = false;  ///< next_key() gives one order

    friend std::ostream &operator<<(std::ostream &out, const subject &s) { return out << s.name; }
};

/// Both maps, and the operations on both at once.
class differential : public testing::TestWithParam<subject> {
protected:
    void SetUp() override {
        if (const auto why = kernel_map::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
        const subject &s = GetParam();
        const map_definition d{.name = "test",
                               .type = s.type,
                               .key_size = s.key_size,
                               .value_size = s.value_size,
                               .max_entries = s.max_entries,
                               .flags = s.flags};
        ASSERT_EQ(theirs_.create(d), 0);
        ours_ = make(d);
        ASSERT_NE(ours_, nullptr);
    }

    [[nodiscard]] uint32_t below(uint32_t limit) {
        return std::uniform_int_distribution<uint32_t>{0, limit - 1}(random_);
    }

    /// Few different keys, so that they meet.
    [[nodiscard]] bytes random_key() {
        const subject &s = GetParam();
        bytes k(s.key_size);
        if (s.type == map_type::lpm_trie) {
            const uint32_t length = below(s.key_size * 8 - 32 + 4);
            std::memcpy(k.data(), &length, sizeof length);
            for (std::size_t i = 4; i < k.size(); ++i) k[i] = below(3) == 0 ? 0x80 : 0;
        } else if (not k.empty()) {
            k[0] = static_cast<uint8_t>(below(s.max_entries + 3));
            if (s.key_size > 8) k.back() = k[0];
        }
        return k;
    }

    [[nodiscard]] bytes random_value() {
        bytes v(ours_->host_value_size());
        for (uint8_t &b : v) b = static_cast<uint8_t>(below(256));
        if (GetParam().type == map_type::bloom_filter) std::ranges::fill(v, v[0] % 16);
        // The only device that is everywhere.
        if (GetParam().type == map_type::devmap or GetParam().type == map_type::devmap_hash)
            v = below(4) == 0 ? key(0) : key(1);
        return v;
    }

    void update() {
        const bytes k = random_key();
        const bytes v = random_value();
        const uint64_t flags = below(4) != 0 ? 0 : below(6);
        EXPECT_EQ(errno_of(ours_->update(k, v, flags)), -theirs_.update(k, v, flags))
            << "update, flags " << flags;
    }

    void lookup() {
        const bytes k = random_key();
        bytes mine = random_value();
        bytes other = mine;
        EXPECT_EQ(errno_of(ours_->lookup(k, mine)), -theirs_.lookup(k, other)) << "lookup";
        EXPECT_EQ(mine, other);
    }

    void remove() {
        const bytes k = random_key();
        EXPECT_EQ(errno_of(ours_->remove(k)), -theirs_.remove(k)) << "delete";
    }

    void take() {
        const bytes k = random_key();
        bytes mine(ours_->host_value_size());
        bytes other = mine;
        EXPECT_EQ(errno_of(ours_->lookup_and_delete(k, mine)), -theirs_.lookup_and_delete(k, other))
            << "lookup and delete";
        EXPECT_EQ(mine, other);
    }

    void next() {
        if (GetParam().key_size == 0) return;
        const bytes k = random_key();
        bytes other(k.size());
        const auto mine = ours_->next_key(k);
        const int failed = theirs_.next_key(k, other);
        if (not GetParam().ordered_keys) return;
        EXPECT_EQ(errno_of(mine), -failed) << "next key";
        if (mine) {
            EXPECT_EQ(*mine, other);
        }
    }

    void compare_keys() {
        std::vector<std::string> mine;
        for (const bytes &k : keys_of(*ours_)) mine.emplace_back(k.begin(), k.end());
        std::vector<std::string> other;
        bytes next(GetParam().key_size);
        for (bytes from; theirs_.next_key(from, next) == 0; from = next)
            other.emplace_back(next.begin(), next.end());
        if (not GetParam().ordered_keys) {
            std::ranges::sort(mine);
            std::ranges::sort(other);
        }
        EXPECT_EQ(mine, other);
    }

    void compare_contents() {
        if (GetParam().key_size == 0) return;
        compare_keys();
        for (const bytes &k : keys_of(*ours_)) {
            bytes mine(ours_->host_value_size());
            bytes other(mine.size());
            EXPECT_EQ(errno_of(ours_->lookup(k, mine)), -theirs_.lookup(k, other));
            EXPECT_EQ(mine, other);
        }
    }

    void step() {
        switch (below(10)) {
        case 0:
        case 1:
        case 2:
        case 3: return update();
        case 4:
        case 5: return lookup();
        case 6:
        case 7: return remove();
        case 8: return take();
        default: return next();
        }
    }

    kernel_map theirs_;
    std::shared_ptr<map> ours_;
    std::mt19937 random_{GetParam().key_size * 1000 + static_cast<uint32_t>(GetParam().type)};
};

TEST_P(differential, operations_have_the_kernel_s_results) {
    for (int i = 0; i < 20'000 and not HasFailure(); ++i) {
        step();
        if (i % 1000 == 0) compare_contents();
    }
    compare_contents();
}

TEST_P(differential, frozen_maps_have_the_kernel_s_results) {
    for (int i = 0; i < 100; ++i) step();
    EXPECT_EQ(errno_of(ours_->freeze()), -theirs_.freeze());
    EXPECT_EQ(errno_of(ours_->freeze()), -theirs_.freeze());
    for (int i = 0; i < 200 and not HasFailure(); ++i) step();
}

INSTANTIATE_TEST_SUITE_P(
    types, differential,
    testing::Values(
        subject{"array", map_type::array, 4, 8, 10, 0, true},
        subject{"array_of_odd_values", map_type::array, 4, 13, 10, 0, true},
        subject{"array_read_only", map_type::array, 4, 8, 10, map_rdonly, true},
        subject{"array_write_only", map_type::array, 4, 8, 10, map_wronly, true},
        subject{"percpu_array", map_type::percpu_array, 4, 8, 10, 0, true},
        subject{"hash", map_type::hash, 4, 8, 10},
        subject{"hash_of_odd_keys", map_type::hash, 13, 5, 10},
        subject{"hash_no_prealloc", map_type::hash, 8, 16, 10, map_no_prealloc},
        subject{"percpu_hash", map_type::percpu_hash, 4, 8, 10},
        subject{"percpu_hash_no_prealloc", map_type::percpu_hash, 4, 8, 10, map_no_prealloc},
        subject{"lpm_trie", map_type::lpm_trie, 8, 8, 20, map_no_prealloc, true},
        subject{"lpm_trie_of_odd_keys", map_type::lpm_trie, 7, 3, 20, map_no_prealloc, true},
        subject{"queue", map_type::queue, 0, 8, 10}, subject{"stack", map_type::stack, 0, 12, 10},
        subject{"prog_array", map_type::prog_array, 4, 4, 10, 0, true},
        subject{"perf_event_array", map_type::perf_event_array, 4, 4, 10, 0, true},
        subject{"cgroup_array", map_type::cgroup_array, 4, 4, 10, 0, true},
        subject{"devmap", map_type::devmap, 4, 4, 10, 0, true},
        subject{"devmap_hash", map_type::devmap_hash, 4, 4, 10},
        subject{"cpumap", map_type::cpumap, 4, 4, 10, 0, true},
        subject{"cgroup_storage", map_type::cgroup_storage, 16, 8, 0},
        subject{"percpu_cgroup_storage", map_type::percpu_cgroup_storage, 8, 8, 0},
        subject{"ringbuf", map_type::ringbuf, 0, 0, 4096}),
    [](const auto &instance) { return std::string{instance.param.name}; });

}  // namespace

}  // namespace bpftime::vm::runtime::test
