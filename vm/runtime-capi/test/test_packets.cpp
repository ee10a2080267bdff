// bpftime-vm: programs that judge packets, in C
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace runtime_c_api {

namespace {

/// A frame of some bytes with room around it.
struct stage {
    std::array<uint8_t, 256> memory{};
    ebpf_packet packet = sized<ebpf_packet>();

    explicit stage(std::size_t bytes) {
        for (std::size_t i = 0; i < bytes; ++i) memory[64 + i] = static_cast<uint8_t>(i);
        packet.frame = memory.data() + 64;
        packet.frame_size = bytes;
        packet.head_room = 64;
        packet.tail_room = memory.size() - 64 - bytes;
    }
    [[nodiscard]] std::ptrdiff_t begin() const {
        return static_cast<const uint8_t *>(packet.data) - memory.data();
    }
};

constexpr std::string_view judges = R"(
struct xdp_md { u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index; };
struct __sk_buff { u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto, priority,
                   ingress_ifindex, ifindex, tc_index, cb[5], hash, tc_classid, data, data_end; };
struct { __uint(type, 14); __uint(max_entries, 4); __type(key, u32); __type(value, u32); } ways SEC(".maps");
static long (*adjust_head)(void *ctx, int by) = (void *)44;
static long (*adjust_meta)(void *ctx, int by) = (void *)54;
static long (*adjust_tail)(void *ctx, int by) = (void *)65;
static long (*clone)(void *ctx, u32 index, u64 flags) = (void *)13;
static long (*redirect_map)(void *map, u64 key, u64 flags) = (void *)51;
SEC("xdp") int first_byte(struct xdp_md *ctx) {
    u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    if (data + 1 > end) return 0;
    data[1] = 0xaa;
    return data[0] + 2;
}
SEC("xdp") int grow(struct xdp_md *ctx) {
    return adjust_head(ctx, -8) | adjust_tail(ctx, 4) | adjust_meta(ctx, -4);
}
SEC("xdp") int place(struct xdp_md *ctx) { return ctx->ingress_ifindex * 100 + ctx->rx_queue_index; }
SEC("xdp") int away(struct xdp_md *ctx) { return redirect_map(&ways, 2, 0); }
SEC("tc") int mark(struct __sk_buff *ctx) {
    ctx->mark += 1;
    ctx->priority = 9;
    clone(ctx, 1, 1);
    clone(ctx, 1, 0);
    clone(ctx, 8, 0);
    return redirect(3, 0);
}
SEC("cgroup_skb/egress") int length(struct __sk_buff *ctx) { return ctx->len; }
SEC("xdp") int careless(struct xdp_md *ctx) { return *(u8 *)(long)ctx->data_end; }
SEC("raw_tp") int plain(void *ctx) { return 1; }
)";

class packets : public on_engines {
protected:
    void SetUp() override {
        object_ = load(judges);
        const uint32_t key = 2;
        const uint32_t interface = 5;
        ASSERT_EQ(ebpf_map_update_elem(ebpf_object_find_map(object_.get(), "ways"), &key, 4,
                                       &interface, 4, 0),
                  0)
            << ebpf_last_error();
    }
    int judge(const char *program, ebpf_packet &p) const {
        return ebpf_program_run_packet(ebpf_object_find_program(object_.get(), program), &p);
    }
    object_ptr object_;
};
ON_ENGINES(packets);

TEST_P(packets, are_judged_in_place) {
    stage s{60};
    ASSERT_EQ(judge("first_byte", s.packet), 0) << ebpf_last_error();
    EXPECT_EQ(s.packet.verdict, 2U);
    EXPECT_EQ(s.memory[65], 0xaa);
    EXPECT_EQ(s.begin(), 64);
    EXPECT_EQ(s.packet.data_size, 60U);
    EXPECT_EQ(s.packet.redirect.kind, uint32_t{EBPF_REDIRECT_NONE});
    const auto info = info_of(ebpf_object_find_program(object_.get(), "first_byte"));
    EXPECT_EQ(info.takes_packets, 1U);
    EXPECT_EQ(info.type, 6U);
}

TEST_P(packets, grow_into_their_room) {
    stage s{60};
    ASSERT_EQ(judge("grow", s.packet), 0) << ebpf_last_error();
    EXPECT_EQ(s.packet.verdict, 0U);
    EXPECT_EQ(s.begin(), 56);
    EXPECT_EQ(s.packet.data_size, 72U);
    EXPECT_EQ(s.packet.metadata_size, 4U);
    stage tight{60};
    tight.packet.head_room = tight.packet.tail_room = 0;
    ASSERT_EQ(judge("grow", tight.packet), 0) << ebpf_last_error();
    EXPECT_EQ(tight.packet.verdict, static_cast<uint32_t>(-EINVAL)) << "there is no room";
}

TEST_P(packets, come_in_somewhere) {
    stage s{60};
    ASSERT_EQ(judge("place", s.packet), 0);
    EXPECT_EQ(s.packet.verdict, 100U);
    s.packet.ifindex = 4;
    s.packet.rx_queue = 2;
    ASSERT_EQ(judge("place", s.packet), 0);
    EXPECT_EQ(s.packet.verdict, 402U);
}

TEST_P(packets, are_redirected) {
    stage s{60};
    ASSERT_EQ(judge("away", s.packet), 0) << ebpf_last_error();
    EXPECT_EQ(s.packet.verdict, 4U);
    EXPECT_EQ(s.packet.redirect.kind, uint32_t{EBPF_REDIRECT_MAP});
    EXPECT_EQ(s.packet.redirect.key, 2U);
    EXPECT_EQ(s.packet.redirect.ifindex, 5U) << "as the map says";
    EXPECT_EQ(s.packet.redirect.map_id, info_of(ebpf_object_find_map(object_.get(), "ways")).id);
}

TEST_P(packets, are_marked_and_copied) {
    stage s{60};
    s.packet.mark = 40;
    std::array<ebpf_redirect, 1> copies{};
    s.packet.copies = copies.data();
    s.packet.copy_capacity = copies.size();
    ASSERT_EQ(judge("mark", s.packet), 0) << ebpf_last_error();
    EXPECT_EQ(s.packet.verdict, 7U);
    EXPECT_EQ(s.packet.mark, 41U);
    EXPECT_EQ(s.packet.priority, 9U);
    EXPECT_EQ(s.packet.redirect.kind, uint32_t{EBPF_REDIRECT_INTERFACE});
    EXPECT_EQ(s.packet.redirect.key, 3U);
    EXPECT_EQ(s.packet.redirect.ifindex, 3U);
    EXPECT_EQ(s.packet.copy_count, 2U) << "interface 8 is not there";
    EXPECT_EQ(copies[0].key, 1U);
    EXPECT_EQ(copies[0].flags, 1U);
}

TEST_P(packets, are_what_programs_see) {
    stage s{60};
    ASSERT_EQ(judge("length", s.packet), 0) << ebpf_last_error();
    EXPECT_EQ(s.packet.verdict, 46U);
    EXPECT_EQ(s.begin(), 64 + 14);
    EXPECT_EQ(s.packet.data_size, 46U);
}

TEST_P(packets, have_no_bytes_beyond) {
    stage s{60};
    s.packet.verdict = 77;
    EXPECT_FAILS(judge("careless", s.packet), EBPF_ERROR_FAULT, EINVAL, "out_of_bounds_read");
    EXPECT_EQ(s.packet.verdict, 77U) << "a run that faults has no verdict";
}

TEST_P(packets, are_refused) {
    const auto refused = [&](auto change, const char *message) {
        stage s{60};
        change(s.packet);
        EXPECT_FAILS(judge("first_byte", s.packet), EBPF_ERROR_INVALID_ARGUMENT, EINVAL, message);
    };
    refused([](ebpf_packet &p) { p.frame = nullptr; }, "packet->frame is NULL");
    refused([](ebpf_packet &p) { p.frame_size = 13; }, "a packet of 13 bytes");
    refused([](ebpf_packet &p) { p.copy_capacity = 1; }, "packet->copies is NULL");
    refused([](ebpf_packet &p) { p.size = 0; }, "packet->size is 0: set it to sizeof *packet");
    stage s{60};
    EXPECT_FAILS(judge("plain", s.packet), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "program 'plain' (section raw_tp) judges no packets");
    ebpf_program *const judging = ebpf_object_find_program(object_.get(), "first_byte");
    EXPECT_FAILS(ebpf_program_run_packet(judging, nullptr), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "packet is NULL");
    EXPECT_FAILS(ebpf_program_run(judging, s.memory.data(), 60, nullptr),
                 EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "program 'first_byte' judges packets");
}

TEST_P(packets, are_memory_to_plain_programs) {
    const object_ptr object = open("SEC(\"xdp\") int f(u8 *memory) { return memory[2]; }");
    auto o = options();
    o.program_type = EBPF_PROGRAM_TYPE_PLAIN;
    ASSERT_EQ(ebpf_object_load(object.get(), &o), 0) << ebpf_last_error();
    std::array<uint8_t, 3> memory{1, 2, 3};
    int64_t r0 = 0;
    EXPECT_EQ(ebpf_program_run(ebpf_object_find_program(object.get(), "f"), memory.data(), 3, &r0),
              0);
    EXPECT_EQ(r0, 3);
}

TEST_P(packets, are_for_programs_of_the_type_that_the_host_says) {
    const object_ptr object = open(R"(
struct xdp_md { u32 data, data_end; };
SEC("raw_tp") int f(struct xdp_md *ctx) { return (u8 *)(long)ctx->data_end - (u8 *)(long)ctx->data; }
)");
    auto o = options();
    o.program_type = 99;
    EXPECT_FAILS(ebpf_object_load(object.get(), &o), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "program_type 99 is none of the kernel's");
    o.program_type = 6;
    ASSERT_EQ(ebpf_object_load(object.get(), &o), 0) << ebpf_last_error();
    stage s{60};
    ASSERT_EQ(ebpf_program_run_packet(ebpf_object_find_program(object.get(), "f"), &s.packet), 0);
    EXPECT_EQ(s.packet.verdict, 60U);
}

/// Hosts that were built before a member was added, or after.
TEST_P(packets, may_be_shorter_or_longer_structs) {
    struct {
        ebpf_packet packet = sized<ebpf_packet>();
        uint64_t later = 0;
    } grown;
    const stage s{60};
    grown.packet = s.packet;
    grown.packet.size = sizeof grown;
    EXPECT_EQ(judge("first_byte", grown.packet), 0) << ebpf_last_error();
    EXPECT_EQ(grown.packet.size, sizeof grown);
    grown.later = 1;
    EXPECT_FAILS(judge("first_byte", grown.packet), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "that this version of the library does not know");
    stage shorter{60};
    shorter.packet.size = offsetof(ebpf_packet, verdict);
    shorter.packet.verdict = 77;
    EXPECT_EQ(judge("first_byte", shorter.packet), 0) << ebpf_last_error();
    EXPECT_EQ(shorter.packet.data_size, 60U);
    EXPECT_EQ(shorter.packet.verdict, 77U) << "beyond the struct that the caller knows";
}

}  // namespace

}  // namespace runtime_c_api
