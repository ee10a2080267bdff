// bpftime-vm: programs compiled for the kernel, on packets, compared with the kernel
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "engines.hpp"
#include "kernel_program.hpp"
#include "packet_program.hpp"
#include "programs.hpp"
#include "runtime/helpers.hpp"
#include "runtime/map_set.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <cstddef>

namespace bpftime::vm::runtime::test {

using object::attach_type;
using object::program_type;
using vm::test::engine;

namespace {

constexpr auto source_programs = std::to_array<source_program>({
    {"xdp_ports", program_type::xdp, R"(
        SEC("xdp") int prog(struct xdp_md *ctx) {
            void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
            struct ethhdr *eth = data;
            if (data + sizeof *eth > end) return XDP_ABORTED;
            __u16 proto = eth->h_proto;
            void *l3 = eth + 1;
            if (proto == ntohs(ETH_P_8021Q)) {
                if (l3 + 4 > end) return XDP_DROP;
                proto = *(__u16 *)(l3 + 2);
                l3 += 4;
            }
            if (proto == ntohs(ETH_P_IP)) {
                struct iphdr *ip = l3;
                if ((void *)(ip + 1) > end) return XDP_DROP;
                __u16 *ports = (void *)(ip + 1);
                if ((void *)(ports + 2) > end) return XDP_PASS;
                return ip->protocol == IPPROTO_TCP && ports[1] == ntohs(80) ? XDP_TX : XDP_REDIRECT;
            }
            if (proto == ntohs(ETH_P_IPV6)) {
                struct ipv6hdr *ip = l3;
                if ((void *)(ip + 1) > end) return XDP_DROP;
                return ip->nexthdr == IPPROTO_UDP ? XDP_PASS : XDP_DROP;
            }
            return XDP_ABORTED;
        })"},
    {"xdp_swaps_addresses", program_type::xdp, R"(
        SEC("xdp") int prog(struct xdp_md *ctx) {
            struct ethhdr *eth = (void *)(long)ctx->data;
            if ((void *)(eth + 1) > (void *)(long)ctx->data_end) return XDP_DROP;
            for (int i = 0; i < ETH_ALEN; i++) {
                __u8 byte = eth->h_dest[i];
                eth->h_dest[i] = eth->h_source[i] + i;
                eth->h_source[i] = byte ^ ctx->ingress_ifindex;
            }
            return XDP_TX;
        })"},
    {"xdp_functions", program_type::xdp, R"(
        struct cursor { void *at; struct xdp_md *ctx; long count; };
        static NOINLINE int next(struct cursor *c, int bytes) {
            void *end = (void *)(long)c->ctx->data_end;
            char *begin = (void *)(long)c->ctx->data;
            begin += c->count & 63;
            if (begin + 4 > (char *)end) return -1;
            c->count += bytes;
            return begin[0] + begin[3];
        }
        static NOINLINE int length(struct xdp_md *ctx) { return ctx->data_end - ctx->data; }
        SEC("xdp") int prog(struct xdp_md *ctx) {
            struct cursor c = {0, ctx, 1};
            int sum = 0;
            for (int i = 1; i < 9; i++) sum = sum * 3 + next(&c, i);
            sum += length(ctx) + ctx->rx_queue_index + (ctx->data_meta == ctx->data);
            return sum & 3;
        })"},
    {"tc_fields", program_type::sched_cls, R"(
        SEC("tc") int prog(struct __sk_buff *skb) {
            skb->mark = skb->len;
            skb->cb[1] = skb->protocol;
            skb->tstamp = 77;
            skb->priority += 5;
            if (skb->protocol == ntohs(ETH_P_IP)) return skb->mark & 1 ? TC_ACT_SHOT : TC_ACT_OK;
            return skb->cb[1] + skb->pkt_type * 7 + skb->tstamp + skb->priority + skb->ifindex * 1000;
        })"},
    {"tc_packet", program_type::sched_cls, R"(
        static NOINLINE unsigned sum(struct __sk_buff *skb, unsigned from) {
            unsigned char *at = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
            unsigned total = 0;
            at += from & 15;
            for (int i = 0; i < 24; i++) {
                if (at + 1 > end) break;
                total = total * 31 + *at++;
            }
            return total;
        }
        SEC("tc") int prog(struct __sk_buff *skb) {
            unsigned char *data = (void *)(long)skb->data;
            if (data + 14 > (unsigned char *)(long)skb->data_end) return TC_ACT_SHOT;
            unsigned first = sum(skb, data[13]);
            data = (void *)(long)skb->data;
            if (data + 14 > (unsigned char *)(long)skb->data_end) return TC_ACT_SHOT;
            data[0] = first;
            return (sum(skb, 3) ^ first) & 0xffffff;
        })"},
    {"tc_narrow", program_type::sched_cls, R"(
        SEC("tc") int prog(struct __sk_buff *skb) {
            volatile unsigned char *b = (void *)skb;
            volatile unsigned short *h = (void *)skb;
            return b[16] + b[17] * 3 + h[8] * 5 + b[0] * 7 + h[1] * 11 + b[180];
        })"},
    {"tc_loads", program_type::sched_cls, R"(
        unsigned long long byte(void *, unsigned long long) asm("llvm.bpf.load.byte");
        unsigned long long half(void *, unsigned long long) asm("llvm.bpf.load.half");
        unsigned long long word(void *, unsigned long long) asm("llvm.bpf.load.word");
        SEC("tc") int prog(struct __sk_buff *skb) {
            int sum = half(skb, 12) + byte(skb, SKF_NET_OFF + 9) + word(skb, SKF_LL_OFF + 2);
            return sum * 31 + word(skb, skb->len - 4) + half(skb, skb->len - 2) * 3;
        })"},
    {"tc_loads_nothing", program_type::sched_cls, R"(
        unsigned long long byte(void *, unsigned long long) asm("llvm.bpf.load.byte");
        SEC("tc") int prog(struct __sk_buff *skb) {
            skb->mark = 7;
            return byte(skb, skb->len) + 1;
        })"},
});

class compiled : public testing::TestWithParam<source_program> {};

INSTANTIATE_TEST_SUITE_P(programs, compiled, testing::ValuesIn(source_programs),
                         vm::test::engine_name{});

/// Every processor version of clang's, every engine, every packet.
TEST_P(compiled, gives_the_verdicts_and_packets_of_the_kernel) {
    if (const auto why = kernel_program::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    const auto [name, type, source] = GetParam();
    for (const char *const options :
         {"-O2 -mcpu=v1", "-O2 -g -mcpu=v2", "-O2 -g -mcpu=v3", "-Os -mcpu=v4", "-O1 -mcpu=v3"}) {
        SCOPED_TRACE(options);
        const bytes code = compile(source, options);
        kernel_program theirs;
        ASSERT_EQ(theirs.load(type, attach_type::none, code), 0) << theirs.log();
        for (const engine &e : vm::test::engines()) {
            const auto vm = load(e, rewrite(code, type));
            for (const bytes &frame : frames()) {
                ran expected{.frame = frame};
                const int failed = theirs.run(expected.frame, expected.verdict);
                if (failed == -EINVAL) continue;  // its test runs want whole IP headers
                ASSERT_EQ(failed, 0);
                const ran got = run(*vm, type, frame);
                EXPECT_EQ(got.verdict, expected.verdict) << e << ", " << frame.size() << " bytes";
                EXPECT_EQ(got.frame, expected.frame) << e << ", " << frame.size() << " bytes";
            }
        }
    }
}

// --- values of fields

struct subject {
    const char *name;
    program_type type;
    attach_type attach = attach_type::none;

    friend std::ostream &operator<<(std::ostream &out, const subject &s) { return out << s.name; }
};

constexpr auto subjects = std::to_array<subject>({
    {"xdp", program_type::xdp},
    {"socket_filter", program_type::socket_filter},
    {"sched_cls", program_type::sched_cls},
    {"sched_act", program_type::sched_act},
    {"cgroup_skb", program_type::cgroup_skb, attach_type::cgroup_inet_egress},
    {"lwt_in", program_type::lwt_in},
    {"lwt_out", program_type::lwt_out},
    {"lwt_xmit", program_type::lwt_xmit},
});

class fields_of : public testing::TestWithParam<subject> {};

INSTANTIATE_TEST_SUITE_P(types, fields_of, testing::ValuesIn(subjects), vm::test::engine_name{});

/// Whether a program reads `value` in the 32 bits at `offset`.
std::string question(uint32_t offset, uint32_t value) {
    return fmt::format(
        "ldxw %r2, [%r1+{}]\nmov %r0, 1\nmov32 %r3, {}\njeq %r2, %r3, +1\nmov %r0, 0\nexit", offset,
        static_cast<int32_t>(value));
}

TEST_P(fields_of, have_the_values_of_the_kernel) {
    if (const auto why = kernel_program::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    const auto [name, type, attach] = GetParam();
    const context_layout &layout = *context_layout_of(type);
    const engine &e = vm::test::engines().front();
    for (const bytes &original : frames()) {
        bytes frame = original;
        if (frame.size() < 50) continue;
        for (uint32_t offset = 0; offset < layout.size; offset += 4) {
            const context_field *const field = layout.find(offset);
            const bool is_asked = field != nullptr and not field->wide_pointer and
                                  field->name != "egress_ifindex" and
                                  why_refused(layout, type, {.offset = offset, .width = 4}).empty();
            if (not is_asked) continue;
            const auto reader = vm::test::assemble(fmt::format("ldxw %r0, [%r1+{}]\nexit", offset));
            const uint32_t value = run(*load(e, rewrite(reader, type)), type, frame).verdict;
            kernel_program theirs;
            ASSERT_EQ(theirs.load(type, attach, vm::test::assemble(question(offset, value))), 0);
            uint32_t is_equal = 0;
            ASSERT_EQ(theirs.run(frame, is_equal), 0);
            EXPECT_EQ(is_equal, 1U) << field->name << " at " << offset << " is not " << value;
        }
    }
}

// --- on every engine

class packet : public testing::TestWithParam<engine> {};

INSTANTIATE_TEST_SUITE_P(engines, packet, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

/// Loads the first byte after the packet.
constexpr std::string_view too_far = "ldxw %r2, [%r1+4]\nldxb %r0, [%r2]\nexit";

TEST_P(packet, ends_where_it_ends) {
    const auto vm = load(GetParam(), rewrite(vm::test::assemble(too_far), program_type::xdp));
    bytes frame = frames().front();
    auto context = packet_context::create(program_type::xdp, frame);
    int64_t r0 = 0;
    EXPECT_EQ(context->exec(*vm, r0), EBPF_ERROR_FAULT);
    EXPECT_EQ(compat::last_fault().kind, compat::fault_kind::out_of_bounds_read);
    // The host's word does not move it.
    context->xdp()->data_end += 1;
    EXPECT_EQ(context->exec(*vm, r0), EBPF_ERROR_FAULT);
}

TEST_P(packet, faults_tell_how_far_outside_it_they_are) {
    constexpr std::size_t size = 64;
    bytes frame(size);
    const std::string remedy = ": the program has to compare with data and data_end before";
    for (const auto &[load_it, what] : std::initializer_list<std::pair<const char *, const char *>>{
             {"ldxb %r0, [%r2]", ": 1 bytes at offset 64 of region 0 of this run, right behind"},
             {"ldxb %r0, [%r2+2]", "offset 66 of region 0 of this run, 2 bytes behind its end"},
             {"ldxdw %r0, [%r2-3]", "offset 61 of region 0 of this run, 5 of them behind its end"},
             {"ldxb %r0, [%r2-70]", "offset -6 of region 0 of this run, 6 bytes before it"}}) {
        const auto code =
            vm::test::assemble(std::string{"ldxw %r2, [%r1+4]\n"} + load_it + "\nexit");
        const auto vm = load(GetParam(), rewrite(code, program_type::xdp));
        auto context = packet_context::create(program_type::xdp, frame);
        int64_t r0 = 0;
        EXPECT_EQ(context->exec(*vm, r0), EBPF_ERROR_FAULT);
        EXPECT_EQ(compat::last_fault().region, region_kind::run);
        EXPECT_THAT(vm->error_message(), testing::HasSubstr(what));
        EXPECT_THAT(vm->error_message(),
                    testing::HasSubstr(": that is the packet, which has 64 bytes" + remedy));
    }
    const auto write = vm::test::assemble("ldxw %r2, [%r1+76]\nmov %r0, 0\nstxb [%r2], %r0\nexit");
    const auto vm = load(GetParam(), rewrite(write, program_type::cgroup_skb));
    auto context = packet_context::create(program_type::cgroup_skb, frame);
    int64_t r0 = 0;
    EXPECT_EQ(context->exec(*vm, r0), EBPF_ERROR_FAULT);
    EXPECT_THAT(vm->error_message(), testing::Not(testing::HasSubstr(remedy)))
        << "it is in the packet, but may not be written";
}

TEST_P(packet, is_read_only_where_the_kernel_says_so) {
    const auto code = vm::test::assemble("ldxw %r2, [%r1+76]\nmov %r0, 0\nstxb [%r2], %r0\nexit");
    bytes frame = frames().front();
    for (const auto type : {program_type::lwt_in, program_type::cgroup_skb}) {
        const auto vm = load(GetParam(), rewrite(code, type));
        auto context = packet_context::create(type, frame);
        int64_t r0 = 0;
        EXPECT_EQ(context->exec(*vm, r0), EBPF_ERROR_FAULT);
        EXPECT_EQ(compat::last_fault().kind, compat::fault_kind::read_only_write);
    }
    EXPECT_EQ(run(*load(GetParam(), rewrite(code, program_type::sched_cls)),
                  program_type::sched_cls, frame)
                  .verdict,
              0U);
}

TEST_P(packet, keeps_what_the_program_writes_to_its_context) {
    const auto code = vm::test::assemble("stw [%r1+8], 17\nstb [%r1+52], 3\nmov %r0, 0\nexit");
    const auto vm = load(GetParam(), rewrite(code, program_type::sched_cls));
    bytes frame = frames().front();
    auto context = packet_context::create(program_type::sched_cls, frame);
    int64_t r0 = 0;
    ASSERT_EQ(context->exec(*vm, r0), 0);
    EXPECT_EQ(context->skb()->mark, 17U);
    EXPECT_EQ(context->skb()->cb[1], 3U);
    EXPECT_EQ(context->xdp(), nullptr);
}

TEST_P(packet, has_its_own_socket_in_each_run) {
    // Programs can write to it here, where the kernel refuses them.
    const auto vm =
        load(GetParam(),
             vm::test::assemble(fmt::format("ldxdw %r2, [%r1+{}]\nldxw %r0, [%r2+{}]\n"
                                            "stw [%r2+{}], 77\nexit",
                                            offsetof(skb_context, sk), offsetof(socket_view, state),
                                            offsetof(socket_view, state))));
    bytes frame = frames().front();
    auto context = packet_context::create(program_type::sched_cls, frame);
    for (int runs = 0; runs < 2; ++runs) {
        int64_t r0 = 0;
        ASSERT_EQ(context->exec(*vm, r0), 0);
        EXPECT_EQ(r0, 7) << "TCP_CLOSE";
    }
}

// --- events

/// Of two bytes and, as flags say, of the packet; what the call gave.
int64_t send_event(const engine &e, map_set &maps, packet_context &context, uint64_t flags) {
    const auto vm = vm::test::make_vm(e);
    EXPECT_EQ(errno_of(maps.attach(*vm)), 0);
    const auto code = vm::test::assemble(
        fmt::format("lddw %r2, map_by_idx(0)\nlddw %r3, {}\nsth [%r10-2], 0x2211\nmov %r4, %r10\n"
                    "add %r4, -2\nmov %r5, 2\ncall 25\nexit",
                    flags));
    EXPECT_EQ(vm->load_code(code.data(), code.size()), 0) << vm->error_message();
    int64_t r0 = 0;
    EXPECT_EQ(context.exec(*vm, r0), 0) << vm->error_message();
    return r0;
}

TEST_P(packet, follows_the_record_of_an_event) {
    map_set maps{{make(map_type::perf_event_array, 1)}};
    map_definition ring = define(map_type::ringbuf, 4096);
    const auto records = make(ring);
    ASSERT_EQ(errno_of(as_object_map(maps[0].get())->set_map(key(0), records)), 0);
    bytes frame = frames().front();
    auto context = *packet_context::create(program_type::socket_filter, frame);
    const uint64_t size = context.packet().size();
    EXPECT_EQ(send_event(GetParam(), maps, context, 0), 0);
    EXPECT_EQ(send_event(GetParam(), maps, context, 3ULL << 32), 0);
    EXPECT_EQ(send_event(GetParam(), maps, context, size << 32), 0);
    EXPECT_EQ(send_event(GetParam(), maps, context, (size + 1) << 32), -EFAULT);
    EXPECT_EQ(send_event(GetParam(), maps, context, 1ULL << 52), -EINVAL);
    std::vector<bytes> got;
    as_ring_buffer(records.get())->consume([&](std::span<const uint8_t> r) {
        got.emplace_back(r.begin(), r.end());
        return true;
    });
    const bytes record{0x11, 0x22};
    const bytes whole(frame.begin() + 14, frame.end());
    EXPECT_EQ(got, (std::vector<bytes>{record, join({record, {whole.begin(), whole.begin() + 3}}),
                                       join({record, whole})}));
}

// --- targets

class targets : public packet {
protected:
    /// Redirects by map 0 with these flags and key; its verdict.
    uint32_t redirect(const std::shared_ptr<map> &m, uint32_t key, uint64_t flags) {
        maps_ = map_set{{m}};
        const auto vm = vm::test::make_vm(GetParam());
        EXPECT_EQ(errno_of(maps_.attach(*vm)), 0);
        EXPECT_EQ(errno_of(register_packet_helpers(*vm)), 0);
        const auto code = vm::test::assemble(fmt::format(
            "lddw %r1, map_by_idx(0)\nmov %r2, {}\nmov %r3, {}\ncall 51\nexit", key, flags));
        EXPECT_EQ(vm->load_code(code.data(), code.size()), 0);
        int64_t r0 = 0;
        EXPECT_EQ(context_.exec(*vm, r0), 0) << vm->error_message();
        return static_cast<uint32_t>(r0);
    }

    bytes frame_ = frames().front();
    packet_context context_ = *packet_context::create(program_type::xdp, frame_);
    map_set maps_;
};

INSTANTIATE_TEST_SUITE_P(engines, targets, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

map_definition devices() {
    map_definition d = define(map_type::devmap, 4);
    d.value_size = 4;
    return d;
}

TEST_P(targets, are_entries_of_maps) {
    const auto m = make(devices());
    ASSERT_EQ(errno_of(m->update(key(2), bytes_of(uint32_t{9}))), 0);
    EXPECT_EQ(redirect(m, 2, 2), 4U);
    EXPECT_EQ(context_.target(), (packet_target{.through = m.get(), .key = 2, .flags = 2}));
    EXPECT_EQ(redirect(m, 1, 2), 2U) << "no entry: what the flags say";
    EXPECT_EQ(context_.target(), std::nullopt);
    EXPECT_EQ(redirect(m, 1, 8), 4U) << "all of them, whatever the key is";
    EXPECT_EQ(context_.target(), (packet_target{.through = m.get(), .key = 1, .flags = 8}));
    EXPECT_EQ(redirect(m, 2, 4), 0U) << "no such flag";
    EXPECT_EQ(context_.target(), std::nullopt);
}

TEST_P(targets, need_a_map_that_says_where) {
    EXPECT_EQ(redirect(make(map_type::array, 4), 1, 2), 0U);
    map_definition cpus = devices();
    cpus.type = map_type::cpumap;
    const auto m = make(cpus);
    ASSERT_EQ(errno_of(m->update(key(0), bytes_of(uint32_t{64}))), 0);
    EXPECT_EQ(redirect(m, 0, 1), 4U);
    EXPECT_EQ(redirect(m, 0, 8), 0U) << "no flag of this map's";
}

TEST_P(targets, say_how_a_packet_gets_there) {
    const auto how = [&](std::string_view text) {
        const auto vm = load(GetParam(), vm::test::assemble(text));
        auto context = packet_context::create(program_type::sched_cls, frame_);
        int64_t r0 = 0;
        EXPECT_EQ(context->exec(*vm, r0), 0) << vm->error_message();
        EXPECT_EQ(r0, 7);
        return context->target().value();
    };
    EXPECT_EQ(how("mov %r1, 5\nmov %r2, 0\nmov %r3, 0\nmov %r4, 0\ncall 152\nexit"),
              (packet_target{.key = 5, .how = packet_target::way::neighbour}));
    EXPECT_EQ(how("mov %r1, 5\nmov %r2, 0\ncall 155\nexit"),
              (packet_target{.key = 5, .how = packet_target::way::peer}));
}

TEST_P(targets, of_copies_are_counted_and_bounded) {
    const auto code = vm::test::assemble(
        "mov %r6, %r1\nmov %r7, 2000\nmov %r1, %r6\nmov %r2, 5\nmov %r3, 1\ncall 13\n"
        "add %r8, %r0\nsub %r7, 1\njne %r7, 0, -7\nmov %r0, %r8\nexit");
    const auto vm = load(GetParam(), code);
    auto context = packet_context::create(program_type::sched_cls, frame_);
    int64_t r0 = 0;
    ASSERT_EQ(context->exec(*vm, r0), 0) << vm->error_message();
    EXPECT_EQ(r0, -EINVAL * int64_t{2000}) << "there is no interface 5";
    EXPECT_TRUE(context->copies().empty());
    network net;
    net.add(network_interface{.index = 5});
    context->set_network(net);
    ASSERT_EQ(context->exec(*vm, r0), 0) << vm->error_message();
    EXPECT_EQ(r0, -ENOMEM * int64_t{2000 - packet_context::most_copies});
    ASSERT_EQ(context->copies().size(), packet_context::most_copies);
    EXPECT_EQ(context->copies().front(), (packet_target{.key = 5, .flags = 1}));
    const auto quiet = load(GetParam(), vm::test::assemble("mov %r0, 0\nexit"));
    ASSERT_EQ(context->exec(*quiet, r0), 0);
    EXPECT_TRUE(context->copies().empty());
}

}  // namespace

TEST(packet_context, refuses_what_is_no_packet) {
    bytes frame(13);
    const auto small = packet_context::create(program_type::xdp, frame);
    ASSERT_FALSE(small);
    EXPECT_EQ(small.error().message,
              "a packet of 13 bytes has no Ethernet header: give at least 14");
    const auto other = packet_context::create(program_type::kprobe, frame);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().message, "programs of type 2 get no packet");
}

TEST(packet_context, may_be_empty_beyond_its_header) {
    bytes frame(14);
    EXPECT_TRUE(packet_context::create(program_type::lwt_in, frame)->packet().empty());
}

}  // namespace bpftime::vm::runtime::test
