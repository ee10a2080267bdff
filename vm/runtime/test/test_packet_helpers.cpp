// bpftime-vm: the helpers of packets, compared with the kernel's
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet_program.hpp"

#include <array>

namespace bpftime::vm::runtime::test {

using object::program_type;

namespace {

constexpr auto helper_programs = std::to_array<source_program>({
    {"xdp_head", program_type::xdp, R"(
        static long (*adjust_head)(void *, int) = (void *)44;
        static long (*length)(void *) = (void *)188;
        SEC("xdp") int prog(struct xdp_md *ctx) {
            unsigned char *at = (void *)(long)ctx->data;
            if (at + 14 > (unsigned char *)(long)ctx->data_end) return 99;
            int kind = at[0] & 3;
            long failed = adjust_head(ctx, kind == 0 ? -216 : kind == 1 ? -217 : kind == 2 ? 8 : 4000);
            at = (void *)(long)ctx->data;
            if (at + 14 > (unsigned char *)(long)ctx->data_end) return 98;
            at[0] = 7;
            at[13] = at[13] + 1;
            return -failed * 1000 + length(ctx);
        })"},
    {"xdp_tail", program_type::xdp, R"(
        static long (*adjust_tail)(void *, int) = (void *)65;
        SEC("xdp") int prog(struct xdp_md *ctx) {
            long whole = (void *)(long)ctx->data_end - (void *)(long)ctx->data;
            asm volatile("" : "+r"(whole));
            int size = whole;
            int by = size & 1 ? 3520 - size + (size & 2) / 2 : size > 40 ? -9 : 14 - size - (size == 20);
            long failed = adjust_tail(ctx, by);
            unsigned char *at = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
            if (at + 200 <= end) at[199] += 3;
            whole = end - at;
            asm volatile("" : "+r"(whole));
            return -failed * 10000 + whole;
        })"},
    {"xdp_meta", program_type::xdp, R"(
        static long (*adjust_meta)(void *, int) = (void *)54;
        static long (*adjust_head)(void *, int) = (void *)44;
        SEC("xdp") int prog(struct xdp_md *ctx) {
            int sum = -adjust_meta(ctx, -3) * 3 - adjust_meta(ctx, -256) * 5 - adjust_meta(ctx, 4) * 7;
            if (adjust_meta(ctx, -8)) return 99;
            unsigned *meta = (void *)(long)ctx->data_meta;
            if ((void *)(meta + 2) > (void *)(long)ctx->data) return 98;
            meta[0] = 5;
            meta[1] = 6;
            sum -= adjust_head(ctx, -212) * 11 + adjust_head(ctx, -64) * 13;
            meta = (void *)(long)ctx->data_meta;
            if ((void *)(meta + 2) > (void *)(long)ctx->data) return 97;
            return sum * 100 + meta[0] + meta[1] * 10;
        })"},
    {"tc_bytes", program_type::sched_cls, R"(
        static long (*load)(void *, unsigned, void *, unsigned) = (void *)26;
        static long (*store)(void *, unsigned, void *, unsigned, unsigned long) = (void *)9;
        SEC("tc") int prog(struct __sk_buff *skb) {
            unsigned char b[8];
            int failed = -load(skb, 30, b, 8) * 3 - load(skb, skb->len - 4, b, 4);
            for (int i = 0; i < 8; i++) failed = failed * 3 + b[i];
            failed -= store(skb, 6, b, 5, 0) * 5 + store(skb, skb->len - 2, b, 4, 1) * 7 +
                      store(skb, 0, b, 4, 64) * 9;
            return failed & 0xffffff;
        })"},
    {"tc_checksums", program_type::sched_cls, R"(
        static long (*l3)(void *, unsigned, long, long, long) = (void *)10;
        static long (*l4)(void *, unsigned, long, long, long) = (void *)11;
        static long (*diff)(void *, unsigned, void *, unsigned, unsigned) = (void *)28;
        SEC("tc") int prog(struct __sk_buff *skb) {
            unsigned a[3] = {skb->len * 0x12345677, skb->protocol, 0xfffffffe}, b[2] = {77, a[0] * 3};
            int failed = -l3(skb, 16, a[0], b[1], 4) - l3(skb, 18, a[1], b[0], 2) * 3;
            failed -= l4(skb, 20, a[0], b[1], 0x14) * 5 + l4(skb, 22, 0, 0x42, 0x60) * 7;
            failed -= l3(skb, 17, 1, 2, 2) * 9 + l3(skb, 24, 1, 2, 3) * 11 + l4(skb, 3000, 1, 2, 2) * 13;
            failed -= l3(skb, 26, 0, diff(a, 12, b, 8, 9), 0) * 17;
            failed += diff(0, 0, b, 8, 0xffffffff) + diff(a, 8, 0, 0, 3) * 19 + diff(a, 12, b, 8, 70000);
            return failed & 0xffffff;
        })"},
    {"xdp_redirect", program_type::xdp, R"(
        static long (*redirect)(unsigned, unsigned long) = (void *)23;
        SEC("xdp") int prog(struct xdp_md *ctx) {
            return redirect(7, 0) * 100 + redirect(7, 1) * 10 + redirect(0, 0);
        })"},
    {"tc_redirect", program_type::sched_cls, R"(
        static long (*redirect)(unsigned, unsigned long) = (void *)23;
        static long (*clone)(void *, unsigned, unsigned long) = (void *)13;
        SEC("tc") int prog(struct __sk_buff *skb) {
            int refused = -clone(skb, 1, 2) - clone(skb, 0, 0) * 3;
            return refused * 1000 + redirect(7, 0) * 100 + redirect(7, 1) * 10 + redirect(7, 2);
        })"},
});

class helpers_of_packets : public testing::TestWithParam<source_program> {};

INSTANTIATE_TEST_SUITE_P(programs, helpers_of_packets, testing::ValuesIn(helper_programs),
                         vm::test::engine_name{});

TEST_P(helpers_of_packets, do_what_those_of_the_kernel_do) { compare_with_kernel(GetParam()); }

}  // namespace

}  // namespace bpftime::vm::runtime::test
