// bpftime-vm: the helpers of packets, compared with the kernel's
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet_program.hpp"
#include "programs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <initializer_list>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace bpftime::vm::runtime::test {

using object::program_type;
using vm::test::engine;

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
    {"xdp_zero_sums", program_type::xdp, R"(
        static long (*diff)(void *, unsigned, void *, unsigned, unsigned) = (void *)28;
        SEC("xdp") int prog(struct xdp_md *ctx) {
            unsigned n = ctx->rx_queue_index, sum = 0;  // 0, which clang does not know
            unsigned zero[2] = {n, n}, ones[2] = {~n, ~n}, halves[2] = {n + 0xffff, n + 0xffff0000};
            unsigned seeds[4] = {n, ~n, n + 0xffff, n + 1};
            for (int i = 0; i < 4; i++) {
                unsigned s = seeds[i];
                sum = sum * 31 + diff(zero, 8, 0, 0, s);
                sum = sum * 31 + diff(0, 0, zero, 8, s);
                sum = sum * 31 + diff(zero, 8, zero, 8, s);
                sum = sum * 31 + diff(ones, 8, 0, 0, s);
                sum = sum * 31 + diff(ones, 4, halves, 8, s);
                sum = sum * 31 + diff(halves, 8, 0, 0, s);
                sum = sum * 31 + diff(halves, 4, ones, 8, s);
            }
            return sum;
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
            int refused = -clone(skb, 1, 2) - clone(skb, 0, 0) * 3 - clone(skb, 54321, 0) * 5;
            return refused * 1000 + redirect(7, 0) * 100 + redirect(7, 1) * 10 + redirect(7, 2);
        })"},
});

constexpr auto shape_programs = std::to_array<source_program>({
    {"xdp_bytes", program_type::xdp, R"(
        static long (*load)(void *, unsigned, void *, unsigned) = (void *)189;
        static long (*store)(void *, unsigned, void *, unsigned) = (void *)190;
        SEC("xdp") int prog(struct xdp_md *ctx) {
            unsigned char b[8] = {};
            unsigned size = ctx->data_end - ctx->data;
            asm volatile("" : "+r"(size));
            int sum = -load(ctx, 30, b, 8) * 3 - load(ctx, size - 4, b, 4) * 5 - load(ctx, size - 3, b, 4);
            for (int i = 0; i < 8; i++) sum = sum * 3 + b[i];
            sum -= store(ctx, 6, b, 5) * 7 + store(ctx, size - 2, b, 4) * 9 + store(ctx, 0x10000, b, 4) * 11;
            return sum & 0xffffff;
        })"},
    {"tc_length", program_type::sched_cls, R"(
        static long (*pull)(void *, unsigned) = (void *)39;
        static long (*tail)(void *, unsigned, unsigned long) = (void *)38;
        static long (*head)(void *, unsigned, unsigned long) = (void *)43;
        SEC("tc") int prog(struct __sk_buff *skb) {
            unsigned size = skb->len;
            int sum = -pull(skb, 0) - pull(skb, size) * 3 - pull(skb, size + 1) * 5;
            sum -= tail(skb, 16065, 0) * 7 + tail(skb, 16064, 0) * 11 + head(skb, 1, 0) * 13;
            sum -= head(skb, 0, 0) * 17 + tail(skb, 13, 0) * 19 + tail(skb, 14, 0) * 23 + tail(skb, 70, 0) * 29;
            sum -= tail(skb, 80, 1) * 31 + head(skb, 8, 1) * 37 + head(skb, 0x80000000, 0) * 41 + head(skb, 8, 0) * 43;
            unsigned char *at = (void *)(long)skb->data;
            if (at + 9 > (unsigned char *)(long)skb->data_end) return 1;
            at[0] = 5;
            at[8] += 3;
            return (sum + skb->len) & 0xffffff;
        })"},
    {"xmit_length", program_type::lwt_xmit, R"(
        static long (*tail)(void *, unsigned, unsigned long) = (void *)38;
        static long (*head)(void *, unsigned, unsigned long) = (void *)43;
        SEC("lwt_xmit") int prog(struct __sk_buff *skb) {
            int sum = -tail(skb, 1, 0) * 3 - head(skb, 22, 0) * 5;
            sum -= tail(skb, 13, 0) * 7 + tail(skb, 22, 0) * 11 + tail(skb, 60, 0) * 13;
            return (sum + skb->len) & 0xffffff;
        })"},
    {"tc_levels", program_type::sched_cls, R"(
        static long (*update)(void *, unsigned) = (void *)40;
        static long (*level)(void *, unsigned long) = (void *)135;
        SEC("tc") int prog(struct __sk_buff *skb) {
            int sum = -update(skb, 5) - level(skb, 0) * 3 - level(skb, 4) * 5;
            unsigned long steps = 0x1d695aa86556;  // two bits each
            for (; steps; steps >>= 2) {
                level(skb, steps & 3);
                sum = sum * 3 + level(skb, 0);
            }
            return sum & 0xffffff;
        })"},
    {"tc_marks", program_type::sched_cls, R"(
        static long (*mark)(void *) = (void *)97;
        static long (*stamp)(void *, unsigned long, unsigned) = (void *)192;
        static long (*proto)(void *, unsigned short, unsigned long) = (void *)31;
        SEC("tc") int prog(struct __sk_buff *skb) {
            int sum = 0;
            for (int i = 0; i < 4; i++) {
                unsigned char *at = (void *)(long)skb->data;
                if (at + 26 > (unsigned char *)(long)skb->data_end) break;
                at[15] = at[15] & 0xcc | i * 0x11;
                if (i == 2) at[24] = at[25] = 0xff;
                sum = sum * 3 + mark(skb);
            }
            sum -= stamp(skb, 77, 0) * 5 + stamp(skb, 0, 1) * 7 + stamp(skb, 78, 1) * 11 + stamp(skb, 79, 3) * 13;
            sum += skb->tstamp_type * 17 + skb->tstamp * 3;
            sum -= stamp(skb, 80, 2) * 19;
            return (sum + skb->tstamp_type * 17 + skb->tstamp) & 0xffffff;
        })"},
    {"xdp_mtu", program_type::xdp, R"(
        static long (*mtu)(void *, unsigned, unsigned *, int, unsigned long) = (void *)163;
        static long (*fib)(void *, void *, int, unsigned) = (void *)69;
        SEC("xdp") int prog(struct xdp_md *ctx) {
            int sum = 0;
            unsigned lengths[] = {0, 65536, 65537, 0xfffffff0, 100, 0};
            for (int i = 0; i < 6; i++) {
                unsigned n = lengths[i];
                int result = mtu(ctx, i & 1, &n, i == 4 ? 70000 : i == 5 ? -70000 : 0, 0);
                sum = (sum * 7 - result) * 3 + n;
            }
            unsigned n = 0, m = 7;
            sum -= mtu(ctx, 99, &n, 0, 0) * 11 + mtu(ctx, 1, &n, 0, 2) * 13 + mtu(ctx, 1, &m, 0, 1) * 17;
            sum -= mtu(ctx, 1, &n, 1, 1) * 19 + mtu(ctx, 1, &n, 0, 1) * 23;
            struct bpf_fib_lookup p = {.family = 2, .ifindex = 1}, q = {.family = 10, .ifindex = 99}, r = {.family = 3};
            sum -= fib(ctx, &p, 64, 0) * 29 + fib(ctx, &q, 64, 0) * 31 + fib(ctx, &r, 64, 0) * 37;
            sum -= fib(ctx, &p, 63, 0) * 41 + fib(ctx, &p, 64, 64) * 43;
            return (sum + n + m) & 0xffffff;
        })"},
    {"tc_mtu", program_type::sched_cls, R"(
        static long (*mtu)(void *, unsigned, unsigned *, int, unsigned long) = (void *)163;
        static long (*fib)(void *, void *, int, unsigned) = (void *)69;
        SEC("tc") int prog(struct __sk_buff *ctx) {
            int sum = 0;
            unsigned lengths[] = {0, 65536, 65537, 0xfffffff0, 100, 0};
            for (int i = 0; i < 6; i++) {
                unsigned n = lengths[i];
                int result = mtu(ctx, i & 1, &n, i == 4 ? 70000 : i == 5 ? -70000 : 0, 0);
                sum = (sum * 7 - result) * 3 + n;
            }
            unsigned n = 0, m = 7;
            sum -= mtu(ctx, 99, &n, 0, 0) * 11 + mtu(ctx, 1, &n, 0, 2) * 13 + mtu(ctx, 1, &m, 0, 1) * 17;
            sum -= mtu(ctx, 1, &n, 1, 1) * 19 + mtu(ctx, 1, &n, 0, 1) * 23;
            struct bpf_fib_lookup p = {.family = 2, .ifindex = 1}, q = {.family = 10, .ifindex = 99}, r = {.family = 3};
            sum -= fib(ctx, &p, 64, 0) * 29 + fib(ctx, &q, 64, 0) * 31 + fib(ctx, &r, 64, 0) * 37;
            sum -= fib(ctx, &p, 63, 0) * 41 + fib(ctx, &p, 64, 64) * 43;
            return (sum + n + m) & 0xffffff;
        })"},
    {"tc_redirect_on", program_type::sched_cls, R"(
        static long (*neigh)(unsigned, void *, int, unsigned long) = (void *)152;
        static long (*peer)(unsigned, unsigned long) = (void *)155;
        SEC("tc") int prog(struct __sk_buff *skb) {
            struct bpf_redir_neigh to = {.nh_family = 2};
            int sum = neigh(1, &to, sizeof to, 0) + neigh(1, &to, 19, 0) * 10 + neigh(1, 0, 0, 0) * 100;
            return sum + neigh(1, 0, 0, 1) * 1000 + peer(1, 0) * 10000 + peer(1, 1) * 100000;
        })"},
    {"tc_tunnel", program_type::sched_cls, R"(
        static long (*get)(void *, void *, unsigned, unsigned long) = (void *)20;
        static long (*set)(void *, void *, unsigned, unsigned long) = (void *)21;
        static long (*get_opt)(void *, void *, unsigned) = (void *)29;
        static long (*set_opt)(void *, void *, unsigned) = (void *)30;
        static unsigned sum_of(const void *p, unsigned n, unsigned sum) {
            for (unsigned i = 0; i < n; i++) sum = (sum ^ ((unsigned char *)p)[i]) * 0x01000193u;
            return sum;
        }
        static NOINLINE unsigned look(struct __sk_buff *skb, unsigned sum) {
            struct bpf_tunnel_key k;
            unsigned char options[64];
            unsigned flags[] = {0, 1, 16, 17, 2};
            for (int i = 0; i < 5; i++) {
                __builtin_memset(&k, 7, sizeof k);
                sum = (sum ^ get(skb, &k, sizeof k, flags[i])) * 31;
                sum = sum_of(&k, sizeof k, sum);
            }
            unsigned sizes[] = {8, 22, 24, 28, 12};
            for (int i = 0; i < 2; i++) {
                sum = (sum ^ get(skb, &k, 8, i)) * 31;
                sum = (sum ^ get(skb, &k, 22, i)) * 31;
                sum = (sum ^ get(skb, &k, 24, i)) * 31;
                sum = (sum ^ get(skb, &k, 28, i)) * 31;
                sum = (sum ^ get(skb, &k, 12, i)) * 31;
                sum = sum_of(&k, sizeof k, sum);
            }
            __builtin_memset(options, 7, sizeof options);
            sum = (sum ^ get_opt(skb, options, 64)) * 31;
            sum = sum_of(options, 64, sum);
            sum = (sum ^ get_opt(skb, options, 4)) * 31;
            return sum_of(options, 4, sum);
        }
        SEC("tc") int prog(struct __sk_buff *skb) {
            struct bpf_tunnel_key k = {.tunnel_id = 77, .remote_ipv4 = 0x01020304, .tunnel_tos = 5, .tunnel_ttl = 6,
                                       .local_ipv4 = 0x05060708};
            unsigned words[] = {1, 2, 3, 4};
            unsigned sum = look(skb, 7);
            sum = (sum ^ set_opt(skb, words, 8)) * 31;
            for (int i = 0; i < 6; i++) {
                sum = (sum ^ set(skb, &k, sizeof k, 1 << i & 0x3e)) * 31;
                sum = look(skb, sum);
            }
            sum = (sum ^ set(skb, &k, 28, 0)) * 31;
            sum = look(skb, sum);
            sum = (sum ^ set_opt(skb, words, 8)) * 31;
            sum = look(skb, sum);
            sum = (sum ^ set_opt(skb, words, 7)) * 31;
            for (int i = 0; i < 4; i++) k.remote_ipv6[i] = i * 0x01010101, k.local_ipv6[i] = i * 0x11111111;
            k.tunnel_label = 0xfff12345;
            sum = (sum ^ set(skb, &k, sizeof k, 0)) * 31;
            sum = (sum ^ set(skb, &k, sizeof k, 1)) * 31;
            sum = look(skb, sum);
            sum = (sum ^ set(skb, &k, 12, 1)) * 31;
            k.tunnel_ext = 1;
            sum = (sum ^ set(skb, &k, sizeof k, 1)) * 31;
            return look(skb, sum) & 0x7fffffff;
        })"},
    {"tc_hash", program_type::sched_cls, R"(
        static unsigned (*recalc)(void *) = (void *)34;
        static unsigned (*set)(void *, unsigned) = (void *)48;
        static void (*forget)(void *) = (void *)41;
        static long (*store)(void *, unsigned, void *, unsigned, unsigned long) = (void *)9;
        SEC("tc") int prog(struct __sk_buff *skb) {
            int sum = skb->hash + (recalc(skb) == skb->hash) * 3 + (skb->hash != 0) * 5;
            set(skb, 77);
            sum += recalc(skb) * 7 + skb->hash * 11;
            store(skb, 0, &sum, 1, 2);
            sum += skb->hash * 13;
            set(skb, 0);
            sum += recalc(skb) * 17;
            set(skb, 78);
            forget(skb);
            return (sum + skb->hash * 19) & 0xffffff;
        })"},
});

class helpers_of_packets : public testing::TestWithParam<source_program> {};

INSTANTIATE_TEST_SUITE_P(programs, helpers_of_packets, testing::ValuesIn(helper_programs),
                         vm::test::engine_name{});

TEST_P(helpers_of_packets, do_what_those_of_the_kernel_do) { compare_with_kernel(GetParam()); }

INSTANTIATE_TEST_SUITE_P(shapes, helpers_of_packets, testing::ValuesIn(shape_programs),
                         vm::test::engine_name{});

/// A program that calls so many helpers at random, and tells of everything that they can change.
std::string random_program(unsigned seed, program_type type) {
    std::mt19937 random{seed};
    const auto one_of = [&](std::initializer_list<const char *> all) {
        return *(all.begin() + random() % all.size());
    };
    // When the kernel moves a packet it forgets that it knows no transport header. So packets are
    // made shorter only before they grow.
    const auto call = [&](bool is_first) {
        const auto flags = [&] { return one_of({"0", "0", "0", "0", "1", "32", "512"}); };
        switch (random() % (type == program_type::sched_cls ? 8 : 2)) {
        case 0:
            return fmt::format(
                "tail(skb, skb->len + {}, 0)",
                is_first ? one_of({"-1", "-7", "-30"}) : one_of({"0", "1", "9", "200", "20000"}));
        case 1: return fmt::format("head(skb, {}, 0)", one_of({"0", "1", "14", "40", "20000"}));
        case 2:
            return fmt::format("proto(skb, ntohs({}), 0)", one_of({"0x800", "0x86dd", "0x806"}));
        case 3: return fmt::format("type(skb, {})", one_of({"0", "1", "2", "3", "4"}));
        case 4:
            return fmt::format("push(skb, ntohs({}), {})", one_of({"0x8100", "0x88a8", "0x800"}),
                               one_of({"0", "7", "0x1fff", "0xffff"}));
        case 5: return std::string{"pop(skb)"};
        case 6:
            return fmt::format("room(skb, {}, {}, {})",
                               one_of({"0", "1", "8", "-1", "-8", "-20", "-40", "4095", "4096"}),
                               one_of({"0", "1", "2"}), flags());
        default:
            return fmt::format(
                "room(skb, {}, {}, {} | {} | {} | {})",
                one_of({"20", "28", "36", "50", "-20", "-28", "-40", "8"}), one_of({"0", "1"}),
                one_of({"0", "2", "4", "6", "128", "256", "384"}), one_of({"0", "8", "16", "24"}),
                one_of({"0", "0", "64"}), one_of({"0", "14ULL << 56", "4ULL << 56"}));
        }
    };
    constexpr std::string_view begin = R"(
static long (*tail)(void *, unsigned, unsigned long) = (void *)38;
static long (*head)(void *, unsigned, unsigned long) = (void *)43;
static long (*proto)(void *, unsigned short, unsigned long) = (void *)31;
static long (*type)(void *, unsigned) = (void *)32;
static long (*push)(void *, unsigned short, unsigned short) = (void *)18;
static long (*pop)(void *) = (void *)19;
static long (*room)(void *, int, unsigned, unsigned long) = (void *)50;
static unsigned add(unsigned sum, unsigned more) {
    return (sum ^ more) * 0x01000193u;
}
static NOINLINE unsigned look(struct __sk_buff *skb, unsigned sum) {
    unsigned at[4];
    sum = add(sum, skb->len);
    sum = add(sum, skb->protocol);
    sum = add(sum, skb->pkt_type);
    sum = add(sum, skb->vlan_present);
    sum = add(sum, skb->vlan_tci);
    sum = add(sum, skb->vlan_present ? skb->vlan_proto : 0);
    sum = add(sum, -relative(skb, 0, at, 16, 0));
    for (int i = 0; i < 4; i++) sum = add(sum, at[i]);
    sum = add(sum, -relative(skb, 0, at, 4, 1));
    sum = add(sum, at[0]);
    sum = add(sum, -relative(skb, skb->len - 16, at, 4, 1));
    return add(sum, at[0]);
}
)";
    std::string text{
        type == program_type::sched_cls
            ? "static long (*relative)(void *, unsigned, void *, unsigned, unsigned) = "
              "(void *)68;\n"
            : "static long (*load)(void *, unsigned, void *, unsigned) = (void *)26;\n"
              "#define relative(skb, at, to, n, header) load(skb, at, to, n)\n"};
    text += begin;
    text += fmt::format("SEC(\"{}\") int prog(struct __sk_buff *skb) {{\n    unsigned sum = 7;\n",
                        type == program_type::sched_cls ? "tc" : "lwt_xmit");
    for (int i = 0; i < 6; ++i)
        text += fmt::format("    sum = look(skb, add(sum, -{}));\n", call(i == 0));
    return text + "    return sum & 0x7fffffff;\n}\n";
}

class random_changes : public testing::TestWithParam<unsigned> {};

INSTANTIATE_TEST_SUITE_P(seeds, random_changes, testing::Range(0U, 32U));

TEST_P(random_changes, leave_what_those_of_the_kernel_leave) {
    for (const auto type : {program_type::sched_cls, program_type::lwt_xmit}) {
        const std::string source = random_program(GetParam(), type);
        SCOPED_TRACE(source.substr(source.find("SEC(")));
        compare_with_kernel({"random", type, source.c_str()});
    }
}

// --- what the kernel has no test runs of

class packet_helper : public testing::TestWithParam<engine> {
protected:
    /// The result of a program on a packet that has so much room.
    int64_t run(std::string_view text, program_type type, packet_room room = {}) {
        const auto vm = load(GetParam(), rewrite(vm::test::assemble(text), type));
        memory_.assign(room.before + frame_bytes + room.after, 1);
        auto context = packet_context::create(
            type, std::span{memory_}.subspan(room.before, frame_bytes), room);
        int64_t r0 = 0;
        EXPECT_EQ(context->exec(*vm, r0), 0) << vm->error_message();
        size_ = context->packet().size();
        return r0;
    }

    static constexpr std::size_t frame_bytes = 60;
    bytes memory_;
    std::size_t size_ = 0;
};

INSTANTIATE_TEST_SUITE_P(engines, packet_helper, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

TEST_P(packet_helper, a_packet_grows_into_its_room_alone) {
    constexpr std::string_view head = "mov %r2, 8\nmov %r3, 0\ncall 43\nexit";
    EXPECT_EQ(run(head, program_type::sched_cls), -ENOMEM);
    EXPECT_EQ(run(head, program_type::sched_cls, {.before = 47}), -ENOMEM);
    EXPECT_EQ(size_, frame_bytes);
    EXPECT_EQ(run(head, program_type::sched_cls, {.before = 48}), 0);
    EXPECT_EQ(size_, frame_bytes + 8);
    EXPECT_EQ(std::count(memory_.begin(), memory_.end(), 0), 8);
    constexpr std::string_view tail = "mov %r2, 68\nmov %r3, 0\ncall 38\nexit";
    EXPECT_EQ(run(tail, program_type::sched_cls, {.after = 7}), -ENOMEM);
    EXPECT_EQ(run(tail, program_type::sched_cls, {.after = 8}), 0);
    EXPECT_EQ(size_, frame_bytes + 8);
}

/// A program of a type that does not see the Ethernet header, and so has fewer bytes than one.
TEST_P(packet_helper, a_header_that_is_not_there_is_not_moved) {
    for (const std::string_view text : {"mov %r2, 0xdd86\nmov %r3, 0\ncall 31\nexit",
                                        "mov %r2, 8\nmov %r3, 1\nmov %r4, 0\ncall 50\nexit"}) {
        const auto vm = load(GetParam(), rewrite(vm::test::assemble(text), program_type::lwt_xmit));
        bytes memory(200);
        const std::span frame = std::span{memory}.last(20);
        frame[12] = 8;  // IPv4
        auto context =
            packet_context::create(program_type::lwt_xmit, frame, {.before = 180, .after = 0});
        int64_t r0 = 0;
        EXPECT_EQ(context->exec(*vm, r0), 0) << vm->error_message();
        EXPECT_EQ(r0, -ENOMEM);
    }
}

TEST_P(packet_helper, what_a_program_may_not_write_it_cannot_change) {
    EXPECT_EQ(run("mov %r2, 30\nmov %r3, 0\ncall 38\nexit", program_type::cgroup_skb), -EPERM);
    EXPECT_EQ(run("call 19\nexit", program_type::lwt_in), -EPERM);
    EXPECT_EQ(size_, frame_bytes - 14);
}

TEST_P(packet_helper, a_packet_came_out_of_the_tunnel_that_the_host_says) {
    const auto vm = load(
        GetParam(), rewrite(vm::test::assemble("mov %r2, %r10\nadd %r2, -44\nmov %r3, 44\n"
                                               "mov %r4, 0\ncall 20\nldxw %r0, [%r10-40]\nexit"),
                            program_type::sched_cls));
    bytes frame(60);
    auto context = packet_context::create(program_type::sched_cls, frame);
    context->tunnel() = packet_tunnel{.source = ip_address::parse("1.2.3.4").value()};
    int64_t r0 = 0;
    ASSERT_EQ(context->exec(*vm, r0), 0) << vm->error_message();
    EXPECT_EQ(r0, 0x01020304);
    ASSERT_TRUE(context->renew(frame));
    EXPECT_FALSE(context->tunnel());
}

TEST_P(packet_helper, a_helper_wants_the_context_of_its_kind) {
    EXPECT_EQ(run("call 19\nexit", program_type::xdp), -EINVAL);
    EXPECT_EQ(run("mov %r1, %r10\ncall 19\nexit", program_type::sched_cls), -EINVAL);
    EXPECT_EQ(run("mov %r1, %r10\ncall 188\nexit", program_type::xdp), -EINVAL);
}

TEST_P(packet_helper, streams_have_room_before_them) {
    constexpr std::string_view more = "mov %r2, 8\nmov %r3, 0\nmov %r4, 0\ncall 50\nexit";
    EXPECT_EQ(run(more, program_type::sk_skb, {.before = 100}), 0);
    EXPECT_EQ(size_, frame_bytes - 14 + 8);
    constexpr std::string_view less = "mov %r2, -40\nmov %r3, 0\nmov %r4, 0\ncall 50\nexit";
    EXPECT_EQ(run(less, program_type::sk_skb), 0);
    EXPECT_EQ(size_, frame_bytes - 14 - 40);
    constexpr std::string_view flags = "mov %r2, 8\nmov %r3, 0\nmov %r4, 1\ncall 50\nexit";
    EXPECT_EQ(run(flags, program_type::sk_skb, {.before = 100}), -EINVAL);
}

/// The flow hash of each frame.
std::vector<uint32_t> hashes(const engine &e) {
    const auto vm = load(e, rewrite(vm::test::assemble("call 34\nexit"), program_type::sched_cls));
    std::vector<uint32_t> all;
    for (const bytes &frame : frames())
        all.push_back(test::run(*vm, program_type::sched_cls, frame).verdict);
    return all;
}

TEST_P(packet_helper, a_flow_has_a_hash) {
    const auto all = hashes(GetParam());
    EXPECT_EQ(std::count(all.begin(), all.end(), 0), 0);
    EXPECT_EQ(all, hashes(GetParam()));
    // The first four have different protocols, addresses and ports.
    EXPECT_EQ((std::set<uint32_t>{all.begin(), all.begin() + 4}).size(), 4U);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
