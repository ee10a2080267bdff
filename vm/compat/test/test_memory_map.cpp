// bpftime-vm: spans, stack frames and memory maps, compared with models that cannot wrap
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/memory_map.hpp"
#include "wide_integer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <random>
#include <vector>

namespace {

using namespace bpftime::vm;
using namespace bpftime::vm::compat;

using wide = test::wide_integer;
constexpr uint64_t top = std::numeric_limits<uint64_t>::max();

// --- memory_span

/// What holds() promises, in arithmetic of 128 bits.
bool holds_by_model(const memory_span &s, uint64_t address, uint64_t size) {
    return address >= s.begin and wide{address} + size <= wide{s.begin} + s.len;
}

TEST(memory_span, does_not_wrap_anywhere) {
    constexpr auto corners = std::to_array<uint64_t>(
        {0, 1, 2, 7, 8, 9, 0x1000, uint64_t{1} << 32, (uint64_t{1} << 63) - 1, uint64_t{1} << 63,
         (uint64_t{1} << 63) + 1, top - 9, top - 8, top - 7, top - 1, top});
    for (const uint64_t begin : corners) {
        for (const uint64_t len : corners) {
            if (len > top - begin)
                continue;  // no such memory, and refused by every function that takes memory
            for (const uint64_t address : corners) {
                for (const uint64_t size : corners) {
                    const memory_span s{begin, len};
                    ASSERT_EQ(s.holds(address, size), holds_by_model(s, address, size))
                        << std::hex << begin << ' ' << len << ' ' << address << ' ' << size;
                }
            }
        }
    }
}

TEST(memory_span, does_not_wrap_at_random) {
    std::mt19937_64 random{1};
    // Values of any magnitude, not almost always of the largest.
    const auto number = [&] { return random() >> (random() % 64); };
    for (int i = 0; i < 1'000'000; ++i) {
        const uint64_t begin = number();
        const memory_span s{begin, std::min(number(), top - begin)};
        const uint64_t address = i % 2 == 0 ? number() : begin + number() % 16 - 8;
        const uint64_t size = i % 3 == 0 ? number() : number() % 16;
        ASSERT_EQ(s.holds(address, size), holds_by_model(s, address, size));
    }
}

// --- stack_layout

struct layout_case {
    uint32_t frame_size;
    uint32_t depth;
};

class stack_layouts : public ::testing::TestWithParam<layout_case> {
protected:
    stack_layouts() { layout_.place(reinterpret_cast<void *>(base)); }

    static constexpr uint64_t base = 0x10'0000;
    stack_layout layout_{GetParam().frame_size, GetParam().depth};
};

TEST_P(stack_layouts, have_frames_with_gaps_inside_their_bytes) {
    const auto [frame_size, depth] = GetParam();
    EXPECT_EQ(layout_.bytes(), size_t{2} * frame_size * depth);
    for (uint32_t d = 0; d < depth; ++d) {
        const memory_span frame = layout_.frame(d);
        EXPECT_EQ(frame.len, frame_size);
        EXPECT_EQ(frame.begin + frame.len, layout_.frame_top(d));
        EXPECT_EQ(frame.begin % 16, base % 16) << "r10 is aligned";
        EXPECT_GE(frame.begin, base + frame_size) << "there is a gap below the deepest frame, too";
        EXPECT_LE(layout_.frame_top(d), base + layout_.bytes());
        if (d != 0) {
            EXPECT_EQ(layout_.frame_top(d) + frame_size, layout_.frame(d - 1).begin)
                << "a gap below each";
        }
    }
    EXPECT_EQ(layout_.frame_top(0), base + layout_.bytes()) << "frame 0 is highest";
}

TEST_P(stack_layouts, know_the_frame_that_an_address_is_in_or_misses) {
    const auto [frame_size, depth] = GetParam();
    const int64_t half = frame_size / 2;
    for (uint64_t address = base - 2 * frame_size;
         address < base + layout_.bytes() + 2 * frame_size; ++address) {
        std::optional<uint32_t> expected;
        for (uint32_t d = 0; d < depth; ++d) {
            const memory_span frame = layout_.frame(d);
            const auto below = static_cast<int64_t>(frame.begin - address);  // bytes, if positive
            const auto above =
                static_cast<int64_t>(address + 1 - layout_.frame_top(d));  // the same
            if (below <= half and above <= half) expected = d;
        }
        ASSERT_EQ(layout_.nearest(address), expected)
            << "offset " << static_cast<int64_t>(address - base);
    }
}

TEST_P(stack_layouts, are_far_from_far_addresses) {
    for (const uint64_t address :
         {uint64_t{0}, uint64_t{1}, uint64_t{8}, top, top - 8, uint64_t{1} << 63,
          (uint64_t{1} << 63) + base, base + (uint64_t{1} << 32), base / 2}) {
        EXPECT_EQ(layout_.nearest(address), std::nullopt) << std::hex << address;
    }
}

INSTANTIATE_TEST_SUITE_P(compat, stack_layouts,
                         ::testing::Values(layout_case{16, 1}, layout_case{16, 8},
                                           layout_case{512, 1}, layout_case{512, 8},
                                           layout_case{48, 256}),
                         [](const auto &c) {
                             return std::to_string(c.param.frame_size) + "_x_" +
                                    std::to_string(c.param.depth);
                         });

// --- memory_map

/// A map of made-up addresses, and a model that looks at every span.
class memory_maps : public ::testing::Test {
protected:
    static constexpr uint64_t stack_base = 0x1000;

    memory_maps() { stack_.place(reinterpret_cast<void *>(stack_base)); }

    memory_map make_map(uint32_t live = 1) {
        memory_map map{input_, stack_, program_, run_};
        map.set_live_frames(live);
        return map;
    }

    std::vector<memory_span> all_spans(uint32_t live) const {
        std::vector<memory_span> all{input_};
        for (const auto *const list : {&registered_, &run_, &linked_, &granted_}) {
            all.insert(all.end(), list->begin(), list->end());
        }
        for (uint32_t d = 0; d < live; ++d) all.push_back(stack_.frame(d));
        return all;
    }

    stack_layout stack_{16, 4};
    memory_span input_{8, 8};
    std::vector<memory_span> registered_ = {
        {20, 10, permission::read}, {26, 10, permission::write}, {24, 4, permission::read_write}};
    std::vector<memory_span> run_ = {{50, 8, permission::read}, {58, 2, permission::read}};
    std::vector<memory_span> linked_ = {{60, 4, permission::read_write}};
    program_memory program_{registered_, linked_};
    std::vector<memory_span> granted_ = {
        {70, 6, permission::read}, {72, 6, permission::write}, {70, 3, permission::read_write}};
};

struct memory_access {
    uint64_t address;
    uint64_t size;
    permission wanted;
};

TEST_F(memory_maps, allow_what_one_span_gives_and_nothing_else) {
    std::vector<memory_access> accesses;
    for (const permission wanted : {permission::read, permission::write, permission::read_write}) {
        for (uint64_t size = 1; size <= 20; ++size) {
            for (uint64_t address = 0; address < 90; ++address)
                accesses.push_back({address, size, wanted});
            for (uint64_t address = stack_base - 20; address < stack_base + stack_.bytes() + 20;
                 ++address) {
                accesses.push_back({address, size, wanted});
            }
        }
    }
    // In several orders: an answer must not depend on what was asked before.
    std::mt19937 random{2};
    for (uint32_t live = 1; live <= 4; ++live) {
        memory_map map = make_map(live);
        for (const memory_span &s : granted_) map.grant(s);
        const auto spans = all_spans(live);
        std::ranges::shuffle(accesses, random);
        for (const auto &[address, size, wanted] : accesses) {
            const bool expected = std::ranges::any_of(spans, [&](const memory_span &s) {
                return holds_by_model(s, address, size) and allows(s.allowed, wanted);
            });
            ASSERT_EQ(map.allows(address, size, wanted), expected)
                << "address " << address << ", size " << size << ", permission "
                << static_cast<int>(wanted);
        }
    }
}

TEST_F(memory_maps, allow_nothing_that_wraps) {
    registered_ = {{top - 63, 63}};
    input_ = {top - 200, 100};
    memory_map map = make_map();
    map.grant({top - 300, 50});
    for (const uint64_t address : {top - 300, top - 200, top - 63, top - 7, top - 1, top}) {
        for (const uint64_t size :
             {uint64_t{1} << 63, (uint64_t{1} << 63) + 1, top, top - 8, uint64_t{1} << 62}) {
            EXPECT_FALSE(map.allows(address, size, permission::read))
                << std::hex << address << ' ' << size;
        }
    }
    EXPECT_TRUE(map.allows(top - 8, 8, permission::read))
        << "[2^64 - 9, 2^64 - 1) is the end of the region";
    EXPECT_FALSE(map.allows(top - 7, 8, permission::read));
    EXPECT_FALSE(map.allows(top, 1, permission::read));
    EXPECT_FALSE(map.allows(0, 8, permission::read));
}

TEST_F(memory_maps, allow_half_the_address_space) {
    registered_ = {{uint64_t{1} << 63, uint64_t{1} << 62, permission::read}};
    input_ = {};
    memory_map map = make_map();
    EXPECT_TRUE(map.allows(uint64_t{1} << 63, uint64_t{1} << 62, permission::read));
    EXPECT_FALSE(map.allows(uint64_t{1} << 63, (uint64_t{1} << 62) + 1, permission::read));
    EXPECT_FALSE(map.allows((uint64_t{1} << 63) - 1, 1, permission::read));
    EXPECT_FALSE(map.allows(0, uint64_t{1} << 63, permission::read));
}

TEST_F(memory_maps, follow_the_live_frames) {
    memory_map map = make_map(1);
    const auto reach = [&](uint32_t depth) {
        return map.allows(stack_.frame_top(depth) - 8, 8, permission::write);
    };
    EXPECT_TRUE(reach(0));
    EXPECT_FALSE(reach(1));
    map.set_live_frames(3);
    EXPECT_TRUE(reach(0) and reach(1) and reach(2));
    EXPECT_FALSE(reach(3));
    map.set_live_frames(1);
    EXPECT_FALSE(reach(1)) << "it was allowed before, which must not be remembered";
    EXPECT_FALSE(reach(2));
}

TEST_F(memory_maps, do_not_remember_a_permission_that_was_not_asked) {
    memory_map map = make_map();
    EXPECT_TRUE(map.allows(20, 4, permission::read));
    EXPECT_FALSE(map.allows(20, 4, permission::write));
    EXPECT_TRUE(map.allows(30, 4, permission::write));
    EXPECT_FALSE(map.allows(30, 4, permission::read));
}

TEST_F(memory_maps, keep_their_grants) {
    memory_map map = make_map();
    for (uint64_t i = 0; i < 1000; ++i) map.grant({0x10'0000 + 16 * i, 8, permission::read});
    for (uint64_t i = 0; i < 1000; ++i) {
        EXPECT_TRUE(map.allows(0x10'0000 + 16 * i, 8, permission::read)) << i;
        EXPECT_FALSE(map.allows(0x10'0000 + 16 * i, 8, permission::write)) << i;
        EXPECT_FALSE(map.allows(0x10'0000 + 16 * i + 1, 8, permission::read)) << i;
    }
}

TEST_F(memory_maps, take_grants_back) {
    memory_map map = make_map();
    for (const uint64_t count : {uint64_t{4}, uint64_t{1000}, uint64_t{10}}) {
        for (uint64_t i = 0; i < count; ++i) map.grant({0x10'0000 + 16 * i, 8});
        for (uint64_t i = 0; i < count; i += 2) map.revoke(0x10'0000 + 16 * i);
        for (uint64_t i = 0; i < count; ++i)
            EXPECT_EQ(map.allows(0x10'0000 + 16 * i, 8, permission::write), i % 2 == 1) << i;
        map.revoke(0x10'0000 + 8);
        for (uint64_t i = 1; i < count; i += 2) map.revoke(0x10'0000 + 16 * i);
        EXPECT_FALSE(map.allows(0x10'0010, 1, permission::read));
    }
}

TEST_F(memory_maps, lend_again_and_again) {
    memory_map map = make_map();
    for (uint64_t i = 0; i < 100; ++i) map.grant({0x10'0000 + 16 * i, 8});
    for (uint64_t i = 0; i < 10'000; ++i) {
        map.grant({0x20'0000 + 16 * i, 8});
        EXPECT_TRUE(map.allows(0x20'0000 + 16 * i, 8, permission::write));
        map.revoke(0x20'0000 + 16 * i);
        EXPECT_FALSE(map.allows(0x20'0000 + 16 * i, 8, permission::write));
        EXPECT_TRUE(map.allows(0x10'0000 + 16 * (i % 100), 8, permission::write));
    }
}

TEST_F(memory_maps, are_not_narrowed_by_a_lesser_grant) {
    memory_map map = make_map();
    map.grant({100, 16, permission::read_write});
    map.grant({100, 8, permission::read});
    EXPECT_TRUE(map.allows(100, 16, permission::read_write));
    EXPECT_TRUE(map.allows(100, 8, permission::write));
    map.grant({100, 0, permission::read_write});
    EXPECT_TRUE(map.allows(108, 8, permission::write));
}

// --- faults

struct explain_case {
    const char *name;
    uint64_t address;
    uint64_t size;
    permission wanted;
    fault_kind kind;
    region_kind region;
    uint32_t index;
    int64_t offset;
};

TEST_F(memory_maps, explain_what_they_refused) {
    constexpr auto read = permission::read;
    constexpr auto write = permission::write;
    constexpr auto read_write = permission::read_write;
    using enum fault_kind;
    input_ = {0x10'0000, 64};
    registered_ = {{0x20'0000, 16, read}, {0x30'0000, 16, write}};
    run_ = {{0x40'0000, 16, read}, {0x50'0000, 16, read_write}};
    linked_ = {{0x60'0000, 16, read_write}};
    memory_map map = make_map(2);
    map.grant({0x70'0000, 16, read});
    const uint64_t r10 = stack_.frame_top(1);
    for (const auto &c : std::to_array<explain_case>({
             {"end of input", 0x10'003c, 8, read, out_of_bounds_read, region_kind::input, 0, 0x3c},
             {"beyond input", 0x10'0040, 1, write, out_of_bounds_write, region_kind::input, 0,
              0x40},
             {"before input", 0x0f'ffff, 1, read, out_of_bounds_read, region_kind::input, 0, -1},
             {"far beyond input", 0x10'0040 + 0x10000, 1, read, out_of_bounds_read,
              region_kind::none, 0, 0},
             {"far before input", 0x10'0000 - 0x10000, 1, read, out_of_bounds_read,
              region_kind::none, 0, 0},
             {"above frame 1", r10, 1, read, out_of_bounds_read, region_kind::stack, 1, 16},
             {"below frame 1", r10 - 17, 1, write, out_of_bounds_write, region_kind::stack, 1, -1},
             {"across the end of frame 1", r10 - 1, 2, write, out_of_bounds_write,
              region_kind::stack, 1, 15},
             {"frame 2, which is not live", r10 - 32 - 8, 8, read, out_of_bounds_read,
              region_kind::none, 0, 0},
             {"read-only region", 0x20'0008, 8, write, read_only_write, region_kind::registered, 0,
              8},
             {"read-only region, both", 0x20'0008, 8, read_write, read_only_write,
              region_kind::registered, 0, 8},
             {"read-only region, beyond", 0x20'000c, 8, write, out_of_bounds_write,
              region_kind::registered, 0, 12},
             {"write-only region", 0x30'0008, 8, read, out_of_bounds_read, region_kind::registered,
              1, 8},
             {"write-only region, both", 0x30'0008, 8, read_write, out_of_bounds_read,
              region_kind::registered, 1, 8},
             {"region of the run", 0x40'0001, 1, write, read_only_write, region_kind::run, 0, 1},
             {"second region of the run", 0x50'000f, 2, write, out_of_bounds_write,
              region_kind::run, 1, 15},
             {"size companion", 0x60'000f, 2, write, out_of_bounds_write, region_kind::granted, 0,
              15},
             {"grant", 0x70'0000, 4, write, read_only_write, region_kind::granted, 0, 0},
             {"nowhere", 0, 8, write, out_of_bounds_write, region_kind::none, 0, 0},
             {"the last byte", top, 8, read, out_of_bounds_read, region_kind::none, 0, 0},
         })) {
        ASSERT_FALSE(map.allows(c.address, c.size, c.wanted)) << c.name;
        const fault f = map.explain(123, c.address, c.size, c.wanted);
        EXPECT_EQ(f.kind, c.kind) << c.name;
        EXPECT_EQ(f.pc, 123U);
        EXPECT_EQ(f.region, c.region) << c.name;
        EXPECT_EQ(f.region_index, c.index) << c.name;
        EXPECT_EQ(f.offset, c.offset) << c.name;
        EXPECT_EQ(f.size, c.size);
        EXPECT_EQ(f.address, c.address);
    }
}

}  // namespace
