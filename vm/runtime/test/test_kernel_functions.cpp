// bpftime-vm: functions of the kernel that programs call by name
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object_program.hpp"

#include <gmock/gmock.h>

#include <array>

namespace bpftime::vm::runtime::test {

namespace {

using testing::HasSubstr;

class kernel_functions : public object_test {};

INSTANTIATE_TEST_SUITE_P(engines, kernel_functions, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

constexpr std::string_view numbers = R"(
struct bpf_iter_num { u64 opaque; };
int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
void bpf_rcu_read_lock(void) __ksym;
void bpf_rcu_read_unlock(void) __ksym;
int start = 2;
int end = 6;
int made;
SEC("socket") int f(void *ctx) {
    struct bpf_iter_num it;
    int *at, sum = 0;
    bpf_rcu_read_lock();
    made = bpf_iter_num_new(&it, start, end);
    while ((at = bpf_iter_num_next(&it))) sum = sum * 10 + *at;
    bpf_iter_num_destroy(&it);
    bpf_rcu_read_unlock();
    return sum;
}
)";

struct range {
    int32_t start;
    int32_t end;
    int32_t sum;
    int32_t made;
};

TEST_P(kernel_functions, bpf_iter_num_counts) {
    const loaded_object object = load(numbers);
    for (const auto &[start, end, sum, made] :
         {range{2, 6, 2345, 0}, range{3, 3, 0, 0}, range{4, 3, 0, -EINVAL}, range{-2, 0, -21, 0},
          range{INT32_MIN, INT32_MIN, 0, 0}, range{INT32_MIN, INT32_MAX, 0, -E2BIG},
          range{0, (1 << 23) + 1, 0, -E2BIG}, range{INT32_MAX - 1, INT32_MAX, INT32_MAX - 1, 0}}) {
        ASSERT_TRUE(object.find_map(".data")->update(key(0), bytes_of(std::array{start, end})));
        EXPECT_EQ(static_cast<int32_t>(run(object, "f")), sum) << start << ".." << end;
        EXPECT_EQ(number_of<int32_t>(object.find_map(".bss")->lookup(key(0)).value()), made);
    }
}

TEST_P(kernel_functions, iterators_that_the_program_made_up_count_too) {
    EXPECT_EQ(run(R"(
int *bpf_iter_num_next(void *it) __ksym;
SEC("socket") int f(void *ctx) {
    int it[2] = {2147483647, 2147483647};
    int *at = bpf_iter_num_next(&it);
    int forged[2] = {6, 9};
    int *seven = bpf_iter_num_next(&forged);
    return (at ? *at == -2147483647 - 1 : 50) * 100 + (seven ? *seven : 50);
}
)"),
              107);
    EXPECT_EQ(fault(R"(
int *bpf_iter_num_next(void *it) __ksym;
SEC("socket") int f(void *ctx) { return bpf_iter_num_next((void *)4096) != 0; }
)"),
              compat::fault_kind::out_of_bounds_write);
}

TEST_P(kernel_functions, that_are_weak_and_not_there_are_null) {
    const loaded_object object = load(R"(
int bpf_not_there(void) __ksym __weak;
void bpf_preempt_disable(void) __ksym __weak;
void bpf_preempt_enable(void) __ksym __weak;
SEC("socket") int f(void *ctx) {
    if (bpf_not_there) return bpf_not_there();
    if (!bpf_preempt_disable) return 1;
    bpf_preempt_disable();
    bpf_preempt_enable();
    return 2;
}
SEC("socket") int calls(void *ctx) { return bpf_not_there(); }
)");
    EXPECT_EQ(run(object, "f"), 2);
    EXPECT_EQ(fault(object, "calls"), compat::fault_kind::unavailable);
}

TEST_P(kernel_functions, that_nobody_has_are_refused_by_name) {
    const auto object = loaded_object::load(parse(R"(
int bpf_not_there(void) __ksym;
SEC("socket") int f(void *ctx) { return bpf_not_there(); }
)"),
                                            {.backend = GetParam().backend});
    ASSERT_FALSE(object);
    EXPECT_THAT(object.error().message, HasSubstr("'bpf_not_there'"));
}

TEST_P(kernel_functions, that_need_a_packet_are_those_of_programs_that_get_one) {
    constexpr std::string_view source = R"(
int bpf_dynptr_from_xdp(void *ctx, u64 flags, void *ptr) __ksym __weak;
SEC("socket") int f(void *ctx) { return bpf_dynptr_from_xdp != 0; }
)";
    EXPECT_EQ(run(load(source, {.type = object::program_type::kprobe}), "f"), 0);
    EXPECT_EQ(run(load(source), "f"), 1);
}

uint64_t add(uint64_t a, uint64_t b, uint64_t, uint64_t, uint64_t) { return a + b; }
uint64_t nine(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 9; }

TEST_P(kernel_functions, of_the_host_are_called_by_name) {
    ebpf_helper sum{};
    sum.name = "host_add";
    sum.fn = add;
    ebpf_helper other{};
    other.name = "bpf_rcu_read_lock";
    other.fn = nine;
    EXPECT_EQ(run(load(R"(
u64 host_add(u64 a, u64 b) __ksym;
int bpf_rcu_read_lock(void) __ksym;
SEC("socket") int f(void *ctx) { return host_add(40, 2) * 10 + bpf_rcu_read_lock(); }
)",
                       {.kernel_functions = {sum, other}}),
                  "f"),
              429);
}

TEST_P(kernel_functions, are_not_called_by_numbers_that_objects_make_up) {
    const auto object = loaded_object::load(parse(R"(
SEC("socket") int f(void *ctx) {
    asm volatile(".byte 0x85, 0x20, 0, 0, 2, 0, 0, 0" ::: "r0", "r1", "r2", "r3", "r4", "r5");
    return 0;
}
)"),
                                            {.backend = GetParam().backend});
    ASSERT_FALSE(object);
    EXPECT_THAT(object.error().message, HasSubstr("the kernel function with BTF id 2"));
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
