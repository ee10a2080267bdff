// bpftime-vm: maps of the host's that programs reach without a call
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "ebpf-vm.h"
#include "vm_fixture.hpp"

#include <gmock/gmock.h>

#include <array>

namespace bpftime::vm::test {

namespace {

using compat::lddw_helpers;
using testing::HasSubstr;

constexpr int map_fd = 7;

class inline_maps : public vm_fixture {
protected:
    /// Id 1 is free for the lookup.
    inline_maps() { ebpf_unregister(&vm(), 1); }

    /// Values of 12 bytes lie 16 bytes apart.
    static constexpr ebpf_inline_map described{
        .type = 2, .key_size = 4, .value_size = 12, .max_entries = 4, .flags = 0};

    void set(const ebpf_inline_map &map = described) {
        ASSERT_EQ(vm().set_inline_map(map_fd, values_.data(), map), EBPF_OK)
            << vm().error_message();
    }

    void expect_invalid(ebpf_inline_map map, std::string_view why) {
        EXPECT_EQ(vm().set_inline_map(map_fd, values_.data(), map), EBPF_ERROR_INVALID_ARGUMENT);
        EXPECT_THAT(vm().error_message(), HasSubstr(why));
    }

    uint64_t result_with(std::vector<uint64_t> memory) { return result(memory_of(memory)); }

    std::array<uint64_t, 8> values_{10, 11, 20, 21, 30, 31, 40, 41};
};

/// Adds the input's first word to the value at the index in its second one; 999 if there is none.
constexpr std::string_view add_to_value = R"(
    mov r6, r1
    ldxdw r7, [r6+8]
    stxw [r10-4], r7
    lddw r1, map_by_fd(7)
    mov r2, r10
    add r2, -4
    call 1
    mov r1, 999
    jeq r0, 0, end
    ldxdw r1, [r0]
    ldxdw r2, [r6]
    add r1, r2
    stxdw [r0], r1
    end: mov r0, r1
    exit)";

TEST_P(inline_maps, are_looked_up_and_changed) {
    set();
    load(add_to_value);
    EXPECT_EQ(result_with({5, 0}), 15U);
    EXPECT_EQ(result_with({5, 0}), 20U);
    EXPECT_EQ(result_with({1, 3}), 41U);
    EXPECT_EQ(result_with({1, 4}), 999U);
    EXPECT_EQ(result_with({1, 0xffffffff}), 999U);
    EXPECT_EQ(values_, (std::array<uint64_t, 8>{20, 11, 20, 21, 30, 31, 41, 41}));
}

TEST_P(inline_maps, end_with_their_values) {
    set();
    load(R"(
        ldxdw r7, [r1]
        stdw [r10-8], 2
        lddw r1, map_by_fd(7)
        mov r2, r10
        add r2, -8
        call 1
        jeq r0, 0, end
        add r0, r7
        ldxw r0, [r0]
        end: exit)");
    EXPECT_EQ(result_with({0}), 30U);
    EXPECT_EQ(result_with({8}), 31U);
    std::array<uint64_t, 1> beyond{9};
    EXPECT_EQ(fault(memory_of(beyond)).kind, fault_kind::out_of_bounds_read);
}

TEST_P(inline_maps, may_be_read_only) {
    ebpf_inline_map map{described};
    map.flags = 1U << 7;
    set(map);
    load(add_to_value);
    std::array<uint64_t, 2> memory{5, 0};
    EXPECT_EQ(fault(memory_of(memory)).kind, fault_kind::read_only_write);
    EXPECT_EQ(values_[0], 10U);
    std::array<uint64_t, 2> nowhere{5, 9};
    EXPECT_EQ(result(memory_of(nowhere)), 999U);
}

TEST_P(inline_maps, have_addresses_of_values) {
    set();
    load("lddw r1, map_val(map_by_fd(7))+32\nldxdw r0, [r1]\nstdw [r1+16], 8\nexit");
    EXPECT_EQ(result(), 30U);
    EXPECT_EQ(values_[6], 8U);
}

TEST_P(inline_maps, stand_before_the_callbacks_of_the_host) {
    set();
    ASSERT_EQ(ebpf_set_lddw_helpers(
                  &vm(), [](uint32_t fd) -> uint64_t { return 100 + fd; }, nullptr, nullptr,
                  nullptr, nullptr),
              EBPF_OK);
    load("lddw r0, map_by_fd(9)\nexit");
    EXPECT_EQ(result(), 109U);
    load("lddw r0, map_by_fd(7)\nexit");
    EXPECT_EQ(result(), reinterpret_cast<uintptr_t>(values_.data()));
}

TEST_P(inline_maps, leave_the_lookup_of_the_host) {
    ASSERT_EQ(ebpf_register(
                  &vm(), 1, "mine",
                  [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t { return 0; }),
              EBPF_OK);
    set();
    load(add_to_value);
    EXPECT_EQ(result_with({5, 0}), 999U);
}

TEST_P(inline_maps, may_be_what_the_host_knows) {
    EXPECT_EQ(vm().set_inline_map(map_fd, values_.data()), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_THAT(vm().error_message(), HasSubstr("describe the map"));
    static const void *known = nullptr;
    known = values_.data();
    ASSERT_EQ(ebpf_set_map_shape_helper(&vm(),
                                        [](uint64_t map) -> const ebpf_map_shape * {
                                            static ebpf_map_shape shape{};
                                            const auto word = reinterpret_cast<uintptr_t>(known);
                                            shape = {.key_size = 4,
                                                     .value_size = 8,
                                                     .result_size = 8,
                                                     .permission = EBPF_PERM_READ_WRITE,
                                                     .value_stride = 8,
                                                     .index_count = 8,
                                                     .values = word,
                                                     .arena = nullptr,
                                                     .is_constant = 0,
                                                     .probe = nullptr};
                                            return map == word ? &shape : nullptr;
                                        }),
              EBPF_OK);
    ASSERT_EQ(vm().set_inline_map(map_fd, values_.data()), EBPF_OK) << vm().error_message();
    load("lddw r0, map_by_fd(7)\nexit");
    EXPECT_EQ(result(), reinterpret_cast<uintptr_t>(values_.data()));
    EXPECT_EQ(vm().set_inline_map(map_fd, this), EBPF_ERROR_INVALID_ARGUMENT);
}

/// Engines may take what is there for granted.
TEST_P(inline_maps, that_nobody_changes_are_read_as_they_are) {
    static constexpr std::array<uint64_t, 2> settings{0x8807060504030201, 7};
    lddw_helpers lddw;
    lddw.map_by_fd = [](uint32_t) { return reinterpret_cast<uintptr_t>(settings.data()); };
    lddw.map_val = [](uint64_t map) { return map; };
    lddw.map_val_size = [](uint64_t) { return sizeof settings; };
    lddw.map_shape = [](uint64_t) {
        static const ebpf_map_shape shape{.key_size = 4,
                                          .value_size = sizeof settings,
                                          .result_size = sizeof settings,
                                          .permission = EBPF_PERM_READ,
                                          .value_stride = sizeof settings,
                                          .index_count = 1,
                                          .values = reinterpret_cast<uintptr_t>(settings.data()),
                                          .arena = nullptr,
                                          .is_constant = 1,
                                          .probe = nullptr};
        return &shape;
    };
    ASSERT_EQ(vm().set_lddw_helpers(lddw), EBPF_OK);
    load(R"(
        lddw r1, map_val(map_by_fd(1))
        ldxb r0, [r1+7]
        ldxsb r2, [r1+7]
        add r0, r2
        ldxh r2, [r1+1]
        add r0, r2
        ldxsw r2, [r1+4]
        add r0, r2
        ldxdw r2, [r1+8]
        add r0, r2
        ldxdw r2, [r1]
        add r0, r2
        exit)");
    const uint64_t expected = 0x88 + static_cast<uint64_t>(int64_t{static_cast<int8_t>(0x88)}) +
                              0x0302 + static_cast<uint64_t>(int64_t{int32_t(0x88070605)}) + 7 +
                              settings[0];
    EXPECT_EQ(result(), expected);
    for (const std::string_view beyond :
         {"ldxdw r0, [r1+9]", "ldxb r0, [r1+16]", "ldxb r0, [r1-1]"}) {
        load("lddw r1, map_val(map_by_fd(1))\n" + std::string{beyond} + "\nexit");
        EXPECT_EQ(fault().kind, fault_kind::out_of_bounds_read) << beyond;
    }
    load("lddw r1, map_val(map_by_fd(1))\nstb [r1], 1\nexit");
    EXPECT_EQ(fault().kind, fault_kind::read_only_write);
}

TEST_P(inline_maps, that_cannot_be_looked_up_are_not_there) {
    set_limit(vm_limit::helpers, 3);  // those that are registered
    EXPECT_EQ(vm().set_inline_map(map_fd, values_.data(), described), EBPF_ERROR_LIMIT_EXCEEDED);
    EXPECT_THAT(vm().error_message(), HasSubstr("ebpf_set_max_helpers()"));
    load("lddw r0, map_by_fd(7)\nexit");
    expect_refusal(EBPF_ERROR_UNRESOLVED, "map_by_fd");
}

TEST_P(inline_maps, are_refused_where_they_are_none) {
    EXPECT_EQ(ebpf_set_inline_map(&vm(), map_fd, nullptr, &described), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(ebpf_set_inline_map(&vm(), map_fd, nullptr, nullptr), EBPF_ERROR_INVALID_ARGUMENT);
    ebpf_inline_map map{described};
    map.type = 1;
    EXPECT_EQ(vm().set_inline_map(map_fd, values_.data(), map), EBPF_ERROR_UNSUPPORTED);
    EXPECT_THAT(vm().error_message(), HasSubstr("inline maps of type 1 are not supported"));
    map = described;
    map.key_size = 8;
    expect_invalid(map, "key_size 8");
    map = described;
    map.value_size = 0;
    expect_invalid(map, "value_size 0");
    map = described;
    map.max_entries = 0;
    expect_invalid(map, "max_entries is 0");
    map = described;
    map.flags = 1;
    expect_invalid(map, "flags 1");
}

INSTANTIATE_TEST_SUITE_P(engines, inline_maps, testing::ValuesIn(engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(proving, inline_maps, testing::ValuesIn(proving_engines()), engine_name{});

}  // namespace

}  // namespace bpftime::vm::test
