// bpftime-vm: dynptrs, among them such that programs made up
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object_program.hpp"
#include "runtime/packet.hpp"
#include "runtime/ring_buffer.hpp"

namespace bpftime::vm::runtime::test {

namespace {

using compat::fault_kind;

constexpr std::string_view dynptr_prologue = R"(
struct bpf_dynptr { u64 opaque[2]; };
struct forged { u64 data; u32 size; u32 offset; };
enum { LOCAL = 1 << 28, RECORD = 2 << 28, SKB = 3 << 28, XDP = 4 << 28 };
static void *(*reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static long (*from_mem)(void *data, u32 size, u64 flags, struct bpf_dynptr *d) = (void *)197;
static long (*reserve_dynptr)(void *ring, u32 size, u64 flags, struct bpf_dynptr *d) = (void *)198;
static void (*submit_dynptr)(struct bpf_dynptr *d, u64 flags) = (void *)199;
static void (*discard_dynptr)(struct bpf_dynptr *d, u64 flags) = (void *)200;
static long (*read)(void *to, u32 size, const void *d, u32 offset, u64 flags) = (void *)201;
static long (*write)(const void *d, u32 offset, const void *from, u32 size, u64 flags) = (void *)202;
static void *(*data)(const void *d, u32 offset, u32 size) = (void *)203;
int bpf_dynptr_from_skb(void *ctx, u64 flags, struct bpf_dynptr *d) __ksym;
int bpf_dynptr_from_xdp(void *ctx, u64 flags, struct bpf_dynptr *d) __ksym;
void *bpf_dynptr_slice(const void *d, u32 offset, void *buffer, u32 size) __ksym;
void *bpf_dynptr_slice_rdwr(const void *d, u32 offset, void *buffer, u32 size) __ksym;
int bpf_dynptr_adjust(const void *d, u32 start, u32 end) __ksym;
_Bool bpf_dynptr_is_null(const void *d) __ksym;
_Bool bpf_dynptr_is_rdonly(const void *d) __ksym;
u32 bpf_dynptr_size(const void *d) __ksym;
int bpf_dynptr_clone(const void *d, struct bpf_dynptr *clone) __ksym;
int bpf_dynptr_copy(void *to, u32 to_offset, void *from, u32 from_offset, u32 size) __ksym;
int bpf_dynptr_memset(void *d, u32 offset, u32 size, u8 value) __ksym;
struct { __uint(type, 27); __uint(max_entries, 4096); } ring SEC(".maps");
struct { __uint(type, 2); __uint(max_entries, 4); __type(key, u32); __type(value, u8[64]); } values SEC(".maps");
static u8 *value(u32 i) { return lookup(&values, &i); }
#define FAIL_IF(x) if (x) return __LINE__
)";

/// Programs return 0, or the line of what they did not expect.
class dynptrs : public object_test {
protected:
    static loaded_object load(std::string_view body) {
        return object_test::load(std::string{dynptr_prologue} + "#line 1\n" + std::string{body});
    }
    static int64_t run(std::string_view body) { return object_test::run(load(body), "f"); }
    static fault_kind fault(std::string_view body) { return object_test::fault(load(body), "f"); }
    static std::vector<bytes> consume(const loaded_object &object) {
        std::vector<bytes> records;
        as_ring_buffer(object.find_map("ring").get())->consume([&](auto r) {
            records.emplace_back(r.begin(), r.end());
            return true;
        });
        return records;
    }
    static int64_t run_on(const loaded_object &object, bytes &frame) {
        const loaded_program &p = *object.find_program("f");
        auto packet = packet_context::create(p.type, frame);
        int64_t r0 = -1;
        EXPECT_EQ(packet->exec(*p.vm, r0), 0) << p.vm->error_message();
        return r0;
    }
};

INSTANTIATE_TEST_SUITE_P(engines, dynptrs, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

// --- local memory

TEST_P(dynptrs, to_memory_read_and_write_it) {
    EXPECT_EQ(run(R"(
SEC("socket") int f(void *ctx) {
    struct bpf_dynptr d;
    u8 *v = value(1), b[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    if (!v) return 1;
    FAIL_IF(from_mem(v, 64, 0, &d));
    FAIL_IF(write(&d, 56, b, 8, 0));
    FAIL_IF(v[56] != 1 || v[63] != 8);
    FAIL_IF(write(&d, 57, b, 8, 0) != -7);
    FAIL_IF(write(&d, ~0U, b, 8, 0) != -7);
    FAIL_IF(write(&d, 0, b, 8, 1) != -22);
    FAIL_IF(read(b, 4, &d, 58, 0));
    FAIL_IF(b[0] != 3 || b[3] != 6 || b[4] != 5);
    FAIL_IF(read(b, 4, &d, 61, 0) != -7);
    FAIL_IF(read(b, 4, &d, 0, 1) != -22);
    u8 *slice = data(&d, 60, 4);
    FAIL_IF(slice != v + 60);
    slice[3] = 99;
    FAIL_IF(v[63] != 99);
    FAIL_IF(data(&d, 60, 5));
    FAIL_IF(read(v + 1, 62, &d, 0, 0));  // they overlap
    FAIL_IF(v[57] != 1);
    return 0;
}
)"),
              0);
}

TEST_P(dynptrs, are_null_when_they_could_not_be_made) {
    EXPECT_EQ(run(R"(
SEC("socket") int f(void *ctx) {
    struct bpf_dynptr d;
    u8 *v = value(1), b[8];
    if (!v) return 1;
    FAIL_IF(from_mem(v, 64, 1, &d) != -22);
    FAIL_IF(!bpf_dynptr_is_null(&d));
    FAIL_IF(read(b, 1, &d, 0, 0) != -22);
    FAIL_IF(write(&d, 0, b, 1, 0) != -22);
    FAIL_IF(data(&d, 0, 0));
    FAIL_IF(reserve_dynptr(&ring, 8, 1, &d) != -22);
    FAIL_IF(reserve_dynptr(&ring, 8192, 0, &d) != -22);
    FAIL_IF(reserve_dynptr(&ring, 1 << 24, 0, &d) != -7);
    submit_dynptr(&d, 0);
    discard_dynptr(&d, 0);
    FAIL_IF(bpf_dynptr_size(&d) != -22U);
    FAIL_IF(bpf_dynptr_adjust(&d, 0, 0) != -22);
    FAIL_IF(bpf_dynptr_is_rdonly(&d));
    FAIL_IF(bpf_dynptr_slice(&d, 0, b, 8));
    FAIL_IF(bpf_dynptr_clone(&d, &d) != -22);
    return 0;
}
)"),
              0);
}

TEST_P(dynptrs, are_adjusted_cloned_copied_and_set) {
    EXPECT_EQ(run(R"(
SEC("socket") int f(void *ctx) {
    struct bpf_dynptr d, e, g;
    u8 *v = value(1), *w = value(2);
    if (!v || !w) return 1;
    for (int i = 0; i < 64; ++i) v[i] = i;
    FAIL_IF(from_mem(v, 64, 0, &d) || from_mem(w, 32, 0, &g));
    FAIL_IF(bpf_dynptr_clone(&d, &e));
    FAIL_IF(bpf_dynptr_adjust(&e, 60, 65) != -34 || bpf_dynptr_adjust(&e, 5, 4) != -22);
    FAIL_IF(bpf_dynptr_adjust(&e, 10, 30) || bpf_dynptr_adjust(&e, 5, 15));
    FAIL_IF(bpf_dynptr_size(&e) != 10 || bpf_dynptr_size(&d) != 64);
    u8 *slice = bpf_dynptr_slice_rdwr(&e, 1, 0, 9);
    FAIL_IF(slice != v + 16 || bpf_dynptr_slice(&e, 1, 0, 10));
    FAIL_IF(bpf_dynptr_copy(&g, 22, &e, 0, 10) || w[22] != 15 || w[31] != 24);
    FAIL_IF(bpf_dynptr_copy(&g, 23, &e, 0, 10) != -7 || bpf_dynptr_copy(&g, 0, &e, 1, 10) != -7);
    FAIL_IF(bpf_dynptr_memset(&e, 8, 2, 200) || v[23] != 200 || v[24] != 200 || v[25] != 25);
    FAIL_IF(bpf_dynptr_memset(&e, 9, 2, 200) != -7);
    FAIL_IF(bpf_dynptr_adjust(&e, 10, 10) || bpf_dynptr_size(&e) || bpf_dynptr_is_null(&e));
    return 0;
}
)"),
              0);
}

TEST_P(dynptrs, give_slices_that_end_where_they_end) {
    EXPECT_EQ(fault(R"(
SEC("socket") int f(void *ctx) {
    struct bpf_dynptr d;
    u8 *v = value(3);
    if (!v || from_mem(v, 64, 0, &d)) return 1;
    u8 *slice = data(&d, 60, 4);
    return slice ? *(volatile u8 *)(slice + 4) : 2;
}
)"),
              fault_kind::out_of_bounds_read);
}

// --- records

TEST_P(dynptrs, to_records_are_submitted_and_discarded) {
    const loaded_object object = load(R"(
SEC("socket") int f(void *ctx) {
    struct bpf_dynptr d, e;
    FAIL_IF(reserve_dynptr(&ring, 5, 0, &d) || reserve_dynptr(&ring, 3, 0, &e));
    FAIL_IF(write(&d, 0, "hello", 5, 0));
    u8 *r = data(&e, 0, 3);
    FAIL_IF(!r);
    r[1] = 7;
    discard_dynptr(&e, 0);
    submit_dynptr(&d, 0);
    FAIL_IF(!bpf_dynptr_is_null(&d) || !bpf_dynptr_is_null(&e));
    submit_dynptr(&d, 0);
    FAIL_IF(write(&d, 0, "again", 5, 0) != -22);
    return 0;
}
)");
    EXPECT_EQ(object_test::run(object, "f"), 0);
    EXPECT_EQ(consume(object), (std::vector<bytes>{{'h', 'e', 'l', 'l', 'o'}}));
}

TEST_P(dynptrs, to_records_are_of_no_use_after_these_were_submitted) {
    EXPECT_EQ(run(R"(
SEC("socket") int f(void *ctx) {
    struct bpf_dynptr d, copy;
    u8 b[4] = {};
    FAIL_IF(reserve_dynptr(&ring, 4, 0, &d));
    copy = d;
    submit_dynptr(&d, 0);
    FAIL_IF(write(&copy, 0, b, 4, 0) != -22 || read(b, 4, &copy, 0, 0) != -22);
    FAIL_IF(data(&copy, 0, 4) || !bpf_dynptr_is_null(&copy));
    submit_dynptr(&copy, 0);
    discard_dynptr(&copy, 0);
    return 0;
}
)"),
              0);
    EXPECT_EQ(fault(R"(
SEC("socket") int f(void *ctx) {
    struct bpf_dynptr d;
    FAIL_IF(reserve_dynptr(&ring, 4, 0, &d));
    u8 *r = data(&d, 0, 4);
    FAIL_IF(!r);
    submit_dynptr(&d, 0);
    r[0] = 1;
    return 0;
}
)"),
              fault_kind::out_of_bounds_write);
}

TEST_P(dynptrs, to_records_that_are_forgotten_discard_them) {
    const loaded_object object = load(R"(
SEC("socket") int f(void *ctx) {
    struct bpf_dynptr d;
    return reserve_dynptr(&ring, 4, 0, &d);
}
)");
    EXPECT_EQ(object_test::run(object, "f"), 0);
    EXPECT_TRUE(consume(object).empty());
    EXPECT_EQ(as_ring_buffer(object.find_map("ring").get())->query(0), 0U);
}

// --- made up

TEST_P(dynptrs, that_programs_made_up_reach_what_they_may_touch_only) {
    EXPECT_EQ(run(R"(
SEC("socket") int f(void *ctx) {
    struct bpf_dynptr d;
    struct forged *forged = (void *)&d;
    u8 b[16] = {}, *v = value(1);
    if (!v) return 1;
    u64 places[] = {4096, ~0ULL, ~0ULL - 4, (u64)&values, (u64)v + 64, (u64)v - 1, (u64)&ring, 0};
    for (u32 kind = 0; kind < 8; ++kind) {
        for (u32 i = 0; i < 8; ++i) {
            *forged = (struct forged){places[i], kind << 28 | 16, 0};
            FAIL_IF(read(b, 16, &d, 0, 0) != -22);
            FAIL_IF(write(&d, 0, b, 16, 0) != -22);
            FAIL_IF(data(&d, 0, 16) || bpf_dynptr_slice(&d, 0, b, 16) || bpf_dynptr_slice_rdwr(&d, 0, 0, 8));
            FAIL_IF(!bpf_dynptr_is_null(&d) || bpf_dynptr_adjust(&d, 0, 4) != -22);
            FAIL_IF(bpf_dynptr_memset(&d, 0, 16, 1) != -22 || bpf_dynptr_copy(&d, 0, &d, 0, 16) != -22);
            submit_dynptr(&d, 0);
        }
    }
    *forged = (struct forged){(u64)v, LOCAL | 64, 0};  // what it has anyway
    FAIL_IF(write(&d, 0, b, 16, 0));
    *forged = (struct forged){(u64)v, LOCAL | 64, ~0U};
    FAIL_IF(write(&d, 0, b, 16, 0) != -22);
    *forged = (struct forged){(u64)v, LOCAL | 65, 0};
    FAIL_IF(write(&d, 64, b, 1, 0) != -22);
    *forged = (struct forged){(u64)v, RECORD | 64, 0};  // no record
    submit_dynptr(&d, 0);
    *forged = (struct forged){(u64)v, 1U << 31 | LOCAL | 64, 0};
    FAIL_IF(write(&d, 0, b, 16, 0) != -22 || data(&d, 0, 1) || !bpf_dynptr_is_rdonly(&d));
    return 0;
}
)"),
              0);
}

TEST_P(dynptrs, that_were_never_made_are_null) {
    EXPECT_EQ(run(R"(
SEC("socket") int f(void *ctx) {
    struct bpf_dynptr d;
    u8 b[4];
    asm volatile("" : "=m"(d));
    FAIL_IF(!bpf_dynptr_is_null(&d) || read(b, 4, &d, 0, 0) != -22);
    submit_dynptr(&d, 0);
    return 0;
}
)"),
              0);
}

TEST_P(dynptrs, lie_in_memory_of_the_program) {
    EXPECT_EQ(
        fault(R"(SEC("socket") int f(void *ctx) { submit_dynptr((void *)4096, 0); return 0; })"),
        fault_kind::out_of_bounds_write);
    EXPECT_EQ(fault(R"(SEC("socket") int f(void *ctx) { return bpf_dynptr_size((void *)4096); })"),
              fault_kind::out_of_bounds_read);
    EXPECT_EQ(fault(R"(SEC("socket") int f(void *ctx) {
        struct bpf_dynptr d;
        return from_mem((void *)4096, 16, 0, &d);
    })"),
              fault_kind::out_of_bounds_write);
}

TEST_P(dynptrs, to_a_frame_that_is_gone_are_null) {
    EXPECT_EQ(run(R"(
static __attribute__((noinline)) int make(struct bpf_dynptr *d) {
    volatile u8 local[64] = {};
    return from_mem((void *)local, 64, 0, d) || bpf_dynptr_is_null(d);
}
SEC("socket") int f(void *ctx) {
    struct bpf_dynptr d;
    FAIL_IF(make(&d));
    FAIL_IF(!bpf_dynptr_is_null(&d));
    return 0;
}
)"),
              0);
}

// --- packets

constexpr std::string_view both = R"(
    u8 b[4];
    FAIL_IF(FROM(ctx, 1, &d) != -22 || !bpf_dynptr_is_null(&d));
    FAIL_IF(FROM(ctx, 0, &d) || bpf_dynptr_size(&d) != 40 || bpf_dynptr_is_rdonly(&d));
    FAIL_IF(read(b, 4, &d, 36, 0) || b[0] != 36 || b[3] != 39);
    FAIL_IF(read(b, 4, &d, 37, 0) != -7);
    u8 *slice = bpf_dynptr_slice(&d, 14, b, 4);
    FAIL_IF(!slice || slice[1] != 15 || bpf_dynptr_slice(&d, 37, b, 4));
    FAIL_IF(data(&d, 0, 4));
    FAIL_IF(bpf_dynptr_adjust(&d, 20, 30) || write(&d, 6, "abcd", 4, 0) || write(&d, 7, "abcd", 4, 0) != -7);
    slice = bpf_dynptr_slice_rdwr(&d, 1, b, 4);
    FAIL_IF(!slice);
    slice[0] = 77;
    return 0;
)";

bytes counting_frame() {
    bytes frame(40);
    for (std::size_t i = 0; i < frame.size(); ++i) frame[i] = static_cast<uint8_t>(i);
    return frame;
}

TEST_P(dynptrs, to_packets_read_and_write_them) {
    for (const char *const head : {"#define FROM bpf_dynptr_from_xdp\nSEC(\"xdp\")",
                                   "#define FROM bpf_dynptr_from_skb\nSEC(\"tc\")"}) {
        bytes frame = counting_frame();
        const loaded_object object =
            load(std::string{head} + " int f(void *ctx) { struct bpf_dynptr d;" +
                 std::string{both} + "}");
        EXPECT_EQ(run_on(object, frame), 0);
        EXPECT_EQ(frame[21], 77);
        EXPECT_EQ(frame[26], 'a');
        EXPECT_EQ(frame[29], 'd');
        EXPECT_EQ(frame[30], 30);
    }
}

TEST_P(dynptrs, to_packets_that_programs_may_not_write_are_read_only) {
    const loaded_object object = load(R"(
SEC("socket") int f(void *ctx) {
    struct bpf_dynptr d;
    struct forged *forged = (void *)&d;
    u8 b[4] = {};
    FAIL_IF(bpf_dynptr_from_skb(ctx, 0, &d) || !bpf_dynptr_is_rdonly(&d) || bpf_dynptr_size(&d) != 26);
    FAIL_IF(write(&d, 0, b, 4, 0) != -22 || bpf_dynptr_slice_rdwr(&d, 0, b, 4));
    u8 *slice = bpf_dynptr_slice(&d, 20, b, 4);
    FAIL_IF(!slice || slice[3] != 37);
    forged->size &= ~(1U << 31);
    FAIL_IF(write(&d, 0, b, 4, 0) != -1 || bpf_dynptr_slice_rdwr(&d, 0, b, 4));
    return 0;
}
)");
    bytes frame = counting_frame();
    EXPECT_EQ(run_on(object, frame), 0);
    EXPECT_EQ(frame, counting_frame());
}

TEST_P(dynptrs, to_packets_that_became_shorter_end_there) {
    const loaded_object object = load(R"(
static long (*adjust_tail)(void *ctx, int by) = (void *)65;
SEC("xdp") int f(void *ctx) {
    struct bpf_dynptr d;
    u8 b[4] = {1, 1, 1, 1};
    FAIL_IF(bpf_dynptr_from_xdp(ctx, 0, &d));
    FAIL_IF(adjust_tail(ctx, -20));
    FAIL_IF(read(b, 4, &d, 18, 0) != -14 || b[0]);
    FAIL_IF(write(&d, 18, b, 4, 0) != -14 || bpf_dynptr_slice(&d, 18, b, 4));
    FAIL_IF(read(b, 4, &d, 16, 0) || b[3] != 19);
    return 0;
}
)");
    bytes frame = counting_frame();
    EXPECT_EQ(run_on(object, frame), 0);
}

TEST_P(dynptrs, to_packets_are_of_their_own_context) {
    const loaded_object object = load(R"(
SEC("xdp") int f(void *ctx) {
    struct bpf_dynptr d;
    u8 b[4];
    FAIL_IF(bpf_dynptr_from_skb(ctx, 0, &d) != -22);
    FAIL_IF(bpf_dynptr_from_xdp(b, 0, &d) != -22);
    *(struct forged *)&d = (struct forged){(u64)ctx, SKB | 20, 0};
    FAIL_IF(read(b, 4, &d, 0, 0) != -22);
    *(struct forged *)&d = (struct forged){(u64)ctx, XDP | 0xffffff, ~0U};
    FAIL_IF(read(b, 4, &d, 0, 0) != -14);
    *(struct forged *)&d = (struct forged){(u64)ctx, XDP | 0xffffff, 0};
    FAIL_IF(read(b, 4, &d, 38, 0) != -14 || read(b, 4, &d, 36, 0));
    return 0;
}
)");
    bytes frame = counting_frame();
    EXPECT_EQ(run_on(object, frame), 0);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
