// bpftime-vm: exceptions: bpf_throw and what becomes of it
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object_program.hpp"

#include <gmock/gmock.h>

namespace bpftime::vm::runtime::test {

namespace {

using testing::HasSubstr;

class exceptions : public object_test {};

INSTANTIATE_TEST_SUITE_P(engines, exceptions, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

constexpr std::string_view exception_prologue = R"(
#define __exception_cb(name) __attribute__((btf_decl_tag("exception_callback:" #name)))
#define __noinline __attribute__((noinline))
void bpf_throw(u64 cookie) __ksym;
static long (*loop)(u32 count, void *callback, void *context, u64 flags) = (void *)181;
int done;
)";

std::string source(std::string_view programs) {
    return std::string{exception_prologue} + std::string{programs};
}

TEST_P(exceptions, end_the_program_with_the_cookie) {
    const loaded_object object = load(source(R"(
__noinline int deeper(u64 n) { if (n > 2) bpf_throw(n * 100); done++; return n; }
__noinline int deep(u64 n) { int r = deeper(n); done++; return r + 1; }
SEC("socket") int f(void *ctx) { int r = deep((u64)(long)lookup != 0 ? 3 + done : 0); done = 77; return r; }
SEC("socket") int at_once(void *ctx) { bpf_throw(5); return 6; }
SEC("socket") int zero(void *ctx) { bpf_throw(0); return 6; }
SEC("socket") int none(void *ctx) { return deep(2); }
)"));
    EXPECT_EQ(run(object, "f"), 300);
    EXPECT_EQ(number_of<uint32_t>(object.find_map(".bss")->lookup(key(0)).value()), 0);
    EXPECT_EQ(run(object, "at_once"), 5);
    EXPECT_EQ(run(object, "zero"), 0);
    EXPECT_EQ(run(object, "none"), 3);
}

TEST_P(exceptions, leave_callbacks_of_helpers) {
    const loaded_object object = load(source(R"(
static int step(u32 i, void *context) { if (i == 3) bpf_throw(40 + i); done++; return 0; }
SEC("socket") int f(void *ctx) { loop(10, step, 0, 0); done = 100; return 1; }
)"));
    EXPECT_EQ(run(object, "f"), 43);
    EXPECT_EQ(number_of<uint32_t>(object.find_map(".bss")->lookup(key(0)).value()), 3);
}

TEST_P(exceptions, go_to_the_callback_of_their_program) {
    const loaded_object object = load(source(R"(
__noinline int caught(u64 cookie) { return cookie + done; }
__noinline int other(u64 cookie) { return cookie * 2; }
__noinline int deep(u64 n) { if (n) bpf_throw(n); return 9; }
static int step(u32 i, void *context) { bpf_throw(i + 1000); return 0; }
SEC("socket") __exception_cb(caught) int f(void *ctx) { done = 7; deep(10); return 1; }
SEC("socket") __exception_cb(other) int g(void *ctx) { deep(10); return 1; }
SEC("socket") int h(void *ctx) { deep(10); return 1; }
SEC("socket") __exception_cb(other) int quiet(void *ctx) { return deep(done & 0); }
SEC("socket") __exception_cb(other) int looping(void *ctx) { loop(2, step, 0, 0); return 1; }
)"));
    EXPECT_EQ(run(object, "f"), 17);
    EXPECT_EQ(run(object, "g"), 20);
    EXPECT_EQ(run(object, "h"), 10);
    EXPECT_EQ(run(object, "quiet"), 9);
    EXPECT_EQ(run(object, "looping"), 2000);
}

TEST_P(exceptions, go_to_a_callback_from_any_depth) {
    EXPECT_EQ(run(source(R"(
__noinline int caught(u64 cookie) { return cookie + 1; }
__noinline int f7(u64 n) { if (n) bpf_throw(n); return n; }
__noinline int f6(u64 n) { return f7(n) + 1; }
__noinline int f5(u64 n) { return f6(n) + 1; }
__noinline int f4(u64 n) { return f5(n) + 1; }
__noinline int f3(u64 n) { return f4(n) + 1; }
__noinline int f2(u64 n) { return f3(n) + 1; }
__noinline int f1(u64 n) { return f2(n) + 1; }
SEC("socket") __exception_cb(caught) int f(void *ctx) { return f1(30) + 1; }
)")),
              31);
}

TEST_P(exceptions, release_what_the_run_holds) {
    const loaded_object object = load(source(R"(
struct { u32 lock; } lock;
static long (*spin_lock)(void *lock) = (void *)93;
SEC("socket") int f(void *ctx) { spin_lock(&lock); bpf_throw(1); return 0; }
)"));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(run(object, "f"), 1);
}

TEST_P(exceptions, of_a_program_with_a_callback_that_is_not_there_are_refused) {
    const auto object = loaded_object::load(parse(source(R"(
SEC("socket") __exception_cb(nowhere) int f(void *ctx) { bpf_throw(1); return 0; }
)")),
                                            {.backend = GetParam().backend});
    ASSERT_FALSE(object);
    EXPECT_THAT(object.error().message, HasSubstr("the exception callback 'nowhere'"));
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
