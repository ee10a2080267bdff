// bpftime-vm: bpf_tail_call, bpf_loop and bpf_for_each_map_elem in programs that clang makes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object_program.hpp"
#include "runtime/object_map.hpp"

#include <algorithm>

namespace bpftime::vm::runtime::test {

using compat::fault_kind;

namespace {

constexpr std::string_view calling_helpers = R"(
static long (*tail_call)(void *context, void *map, u32 index) = (void *)12;
static long (*for_each)(void *map, void *fn, void *context, u64 flags) = (void *)164;
static long (*loop)(u32 rounds, void *fn, void *context, u64 flags) = (void *)181;
)";

class calling : public object_test {
protected:
    static loaded_object load(std::string_view source) {
        return object_test::load(std::string{calling_helpers} + std::string{source});
    }
};

INSTANTIATE_TEST_SUITE_P(engines, calling, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

constexpr std::string_view chain = R"(
int first(void *ctx);
int second(void *ctx);
struct {
    __uint(type, 3);
    __uint(max_entries, 4);
    __uint(key_size, 4);
    __array(values, int(void *));
} jumps SEC(".maps") = {.values = {[1] = (void *)&second, [2] = (void *)&first}};
u32 at = 1;
u64 calls;
SEC("socket") int first(void *ctx) {
    calls++;
    tail_call(ctx, &jumps, at);
    return 1000 + calls;
}
SEC("socket") int second(void *ctx) { return 7; }
static __attribute__((noinline)) int sub(void *ctx) {
    tail_call(ctx, &jumps, at);
    return 50 + (calls == 12345);  // not a constant, which callers would know
}
SEC("socket") int nested(void *ctx) { return sub(ctx) + 100; }
)";

}  // namespace

TEST_P(calling, tail_calls_go_to_the_program_in_the_slot) {
    const loaded_object object = load(chain);
    EXPECT_EQ(run(object, "first"), 7);
    EXPECT_EQ(run(object, "nested"), 107);
}

TEST_P(calling, tail_calls_of_empty_slots_and_beyond_the_last_one_go_on) {
    const loaded_object object = load(chain);
    const auto set_at = [&](uint32_t index) {
        auto value = object.find_map(".data")->lookup(key(0)).value();
        std::memcpy(value.data(), &index, sizeof index);
        ASSERT_TRUE(object.find_map(".data")->update(key(0), value));
    };
    for (const uint32_t index : {0U, 3U, 4U, ~0U}) {
        set_at(index);
        EXPECT_EQ(run(object, "nested"), 150) << index;
    }
    set_at(2);  // the program itself, which goes on after 33 calls
    EXPECT_EQ(run(object, "first"), 1034);
    ASSERT_TRUE(object.find_map("jumps")->remove(key(2)));
    EXPECT_EQ(run(object, "first"), 1035);
}

TEST_P(calling, programs_are_put_into_slots_by_the_host) {
    const loaded_object object = load(chain);
    const loaded_object other = load("SEC(\"socket\") int g(void *ctx) { return 99; }");
    auto *const jumps = as_object_map(object.find_map("jumps").get());
    ASSERT_NE(jumps, nullptr);
    ASSERT_TRUE(jumps->set_program(key(1), other.find_program("g")->vm, 1,
                                   other.find_program("g")->as_user()));
    EXPECT_EQ(run(object, "first"), 99);
}

TEST_P(calling, what_a_program_in_place_of_a_function_has_stays_for_the_run) {
    const loaded_object object = load(R"(
u64 owner(void *ctx);
struct { __uint(type, 3); __uint(max_entries, 1); __uint(key_size, 4); __array(values, u64(void *)); }
    jumps SEC(".maps") = {.values = {[0] = (void *)&owner}};
struct { __uint(type, 19); __type(key, u64); __type(value, u64); } own SEC(".maps");
static u64 *(*storage)(void *map, u64 flags) = (void *)81;
SEC("socket") u64 owner(void *ctx) {
    u64 *value = storage(&own, 0);
    *value = 42;
    return (u64)value;
}
static __attribute__((noinline)) u64 *find(void *ctx) {
    u64 found = 0;
    tail_call(ctx, &jumps, 0);
    asm volatile("" : "+r"(found));
    return (u64 *)found;
}
SEC("socket") int f(void *ctx) {
    u64 *value = find(ctx);
    u64 first = *value;
    *value = 7;
    u64 *again = storage(&own, 0);
    return first * 100 + (again == value) * 10 + *again;
}
)");
    EXPECT_EQ(run(object, "f"), 4217);
}

TEST_P(calling, loop_calls_its_function_with_the_round) {
    const loaded_object object = load(R"(
u32 rounds = 10;
u32 last = 1000;
u64 flags;
static long add(u32 i, u64 *sum) {
    *sum += i;
    return i == last;
}
SEC("socket") int sum_up(void *ctx) {
    u64 sum = 0;
    long n = loop(rounds, add, &sum, flags);
    return n < 0 ? n : n * 1000 + sum;
}
)");
    const auto set = [&](uint32_t rounds, uint32_t last) {
        auto value = object.find_map(".data")->lookup(key(0)).value();
        std::memcpy(value.data(), &rounds, sizeof rounds);
        std::memcpy(value.data() + 4, &last, sizeof last);
        ASSERT_TRUE(object.find_map(".data")->update(key(0), value));
    };
    EXPECT_EQ(run(object, "sum_up"), 10'045);
    set(10, 3);
    EXPECT_EQ(run(object, "sum_up"), 4'006);
    set(0, 3);
    EXPECT_EQ(run(object, "sum_up"), 0);
    set((1U << 23) + 1, 3);
    EXPECT_EQ(static_cast<int32_t>(run(object, "sum_up")), -E2BIG);
    ASSERT_TRUE(object.find_map(".bss")->update(key(0), word(1)));
    EXPECT_EQ(static_cast<int32_t>(run(object, "sum_up")), -EINVAL);
}

TEST_P(calling, for_each_map_elem_visits_all_entries) {
    for (const char *const type : {"1", "2", "5", "6", "9", "10"}) {
        const loaded_object object = load(std::string{"#define TYPE "} + type + R"(
struct { __uint(type, TYPE); __uint(max_entries, 8); __type(key, u32); __type(value, u64); } m SEC(".maps");
struct sums { u64 keys, values; };
static long visit(void *map, const u32 *key, u64 *value, struct sums *s) {
    s->keys += *key;
    s->values += *value;
    *value += 1;
    return map != &m;
}
SEC("socket") int count(void *ctx) {
    struct sums s = {};
    for (u32 i = 0; i < 8; ++i) {
        u64 v = 10 * i;
        update(&m, &i, &v, 0);
    }
    long n = for_each(&m, visit, &s, 0);
    if (n != 8 || s.keys != 28 || s.values != 280) return 1;
    if (for_each(&m, visit, &s, 1) != -22) return 2;
    u64 *value = lookup(&m, &(u32){3});
    return value && *value == 31 ? 100 : 3;
}
)");
        EXPECT_EQ(run(object, "count"), 100) << "type " << type;
    }
}

TEST_P(calling, callbacks_of_for_each_map_elem_may_delete_and_stop) {
    const loaded_object object = load(R"(
struct { __uint(type, 1); __uint(max_entries, 64); __type(key, u32); __type(value, u64); } m SEC(".maps");
static long drop(void *map, const u32 *key, u64 *value, void *c) {
    u32 k = *key;
    delete(map, &k);
    return 0;
}
static long stop(void *map, const u32 *key, u64 *value, void *c) { return 1; }
SEC("socket") int f(void *ctx) {
    for (u32 i = 0; i < 64; ++i) update(&m, &i, &(u64){i}, 0);
    if (for_each(&m, stop, 0, 0) != 1) return 1;
    if (for_each(&m, drop, 0, 0) != 64) return 2;
    return for_each(&m, drop, 0, 0);
}
)");
    EXPECT_EQ(run(object, "f"), 0);
}

TEST_P(calling, keys_are_read_only_and_gone_after_the_callback) {
    const loaded_object object = load(R"(
struct { __uint(type, 1); __uint(max_entries, 4); __type(key, u32); __type(value, u64); } m SEC(".maps");
u32 writes;
static long visit(void *map, u32 *key, u64 *value, u32 **kept) {
    *kept = key;
    if (writes) *key = 5;
    return 0;
}
SEC("socket") int f(void *ctx) {
    u32 *kept = 0;
    update(&m, &(u32){1}, &(u64){2}, 0);
    for_each(&m, visit, &kept, 0);
    return *kept;
}
)");
    const auto &vm = object.find_program("f")->vm;
    int64_t r0 = 0;
    EXPECT_EQ(vm->exec(nullptr, 0, r0), EBPF_ERROR_FAULT);
    EXPECT_EQ(compat::last_fault().kind, fault_kind::out_of_bounds_read);
    ASSERT_TRUE(object.find_map(".bss")->update(key(0), key(1)));
    EXPECT_EQ(vm->exec(nullptr, 0, r0), EBPF_ERROR_FAULT);
    EXPECT_EQ(compat::last_fault().kind, fault_kind::read_only_write);
}

TEST_P(calling, for_each_map_elem_may_visit_the_same_map_inside) {
    const loaded_object object = load(R"(
struct { __uint(type, 1); __uint(max_entries, 4); __type(key, u32); __type(value, u64); } m SEC(".maps");
static long add(void *map, const u32 *key, u64 *value, u64 *sum) {
    *sum += *key * 10 + *value;
    return 0;
}
static long visit(void *map, const u32 *key, u64 *value, u64 *sum) {
    for_each(&m, add, sum, 0);
    *sum += *key * 1000 + *value * 10000;
    return 0;
}
SEC("socket") int f(void *ctx) {
    u64 sum = 0;
    update(&m, &(u32){1}, &(u64){3}, 0);
    update(&m, &(u32){2}, &(u64){4}, 0);
    for_each(&m, visit, &sum, 0);
    return sum;
}
)");
    EXPECT_EQ(run(object, "f"), 73'074);
}

TEST_P(calling, for_each_map_elem_of_maps_without_entries_to_visit_is_an_error) {
    const loaded_object object = load(R"(
struct { __uint(type, 22); __uint(max_entries, 4); __uint(key_size, 0); __type(value, u64); } m SEC(".maps");
static long visit(void *map, u32 *key, u64 *value, void *c) { return 0; }
SEC("socket") int f(void *ctx) { return for_each(&m, visit, 0, 0); }
)");
    EXPECT_LT(static_cast<int32_t>(run(object, "f")), 0);
}

}  // namespace bpftime::vm::runtime::test
