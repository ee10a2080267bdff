// bpftime-vm: packets, and programs in C that run on them here and in the kernel
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet_program.hpp"

#include "compile.hpp"
#include "kernel_program.hpp"
#include "object/object.hpp"
#include "program/program.hpp"
#include "runtime/context.hpp"
#include "runtime/helpers.hpp"

#include <algorithm>
#include <stdexcept>

namespace bpftime::vm::runtime::test {

using object::attach_type;
using object::program_type;
using vm::test::engine;

bytes join(std::initializer_list<bytes> parts) {
    bytes all;
    for (const bytes &part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

namespace {

bytes ethernet(uint8_t first_byte, uint16_t type) {
    bytes header(14, first_byte);
    header[12] = static_cast<uint8_t>(type >> 8);
    header[13] = static_cast<uint8_t>(type);
    return header;
}

bytes ipv4(uint8_t protocol) {
    return {0x45, 0, 0, 40, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 1, 2, 3, 10, 4, 5, 6};
}

bytes ipv6(uint8_t next) {
    bytes header(40);
    header[0] = 0x60;
    header[6] = next;
    for (uint8_t i = 8; i < 40; ++i) header[i] = i;
    return header;
}

bytes ports(uint16_t to) {
    return {0x30,
            0x39,
            static_cast<uint8_t>(to >> 8),
            static_cast<uint8_t>(to),
            0,
            12,
            0,
            0,
            1,
            2,
            3,
            4,
            5,
            6,
            7,
            8};
}

std::vector<bytes> make_frames() {
    constexpr uint8_t tcp = 6;
    constexpr uint8_t udp = 17;
    std::vector<bytes> frames{
        join({ethernet(0, 0x0800), ipv4(tcp), ports(80)}),
        join({ethernet(0xff, 0x0800), ipv4(udp), ports(53)}),
        join({ethernet(0x01, 0x86dd), ipv6(udp), ports(5353)}),
        join({ethernet(0x02, 0x86dd), ipv6(tcp), ports(443)}),
        join({ethernet(0x02, 0x8100), {0, 7, 8, 0}, ipv4(udp), ports(99)}),
        join({ethernet(0, 0x0806), bytes(28, 1)}),
        join({ethernet(0, 0x0020), bytes(40, 0xff)}),
        join({ethernet(0, 0x0020), bytes(40, 0x42)}),
    };
    const std::size_t whole = frames.size();
    for (std::size_t i = 0; i < whole; ++i) {
        for (const std::size_t size : {15U, 20U, 33U, 34U, 37U, 41U})
            frames.emplace_back(frames[i].begin(), frames[i].begin() + static_cast<long>(size));
    }
    return frames;
}

}  // namespace

const std::vector<bytes> &frames() {
    static const std::vector<bytes> all = make_frames();
    return all;
}

// --- programs

namespace {

constexpr std::string_view packet_prologue = R"(
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>
#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))
#define ntohs(x) __builtin_bswap16(x)
)";

constexpr std::size_t ethernet_bytes = 14;

bool sees_ethernet(program_type type) {
    return type == program_type::xdp or type == program_type::sched_cls or
           type == program_type::sched_act;
}

}  // namespace

bytes compile(std::string_view source, const std::string &options) {
    const auto object = object::test::compile(std::string{packet_prologue} + std::string{source},
                                              options + " -isystem " BPF_INCLUDES);
    const auto file = object::object_file::parse(object);
    if (not file) throw std::runtime_error{file.error().message};
    const auto main = std::ranges::find_if(file->functions(), &object::function_info::is_program);
    auto linked = file->link(*main);
    if (not linked) throw std::runtime_error{linked.error().message};
    return std::move(linked->code);
}

bytes rewrite(const bytes &code, program_type type) {
    const auto p = program::load(code);
    if (not p) throw std::runtime_error{p.error().message};
    auto changed = rewrite_context_accesses(code, *p, type);
    if (not changed) throw std::runtime_error{changed.error().message};
    return std::move(changed->code);
}

ran run(ebpf_vm &vm, program_type type, bytes frame) {
    auto context = packet_context::create(type, frame);
    if (not context) throw std::runtime_error{context.error().message};
    int64_t r0 = -1;
    EXPECT_EQ(context->exec(vm, r0), 0) << vm.error_message();
    return {static_cast<uint32_t>(r0), std::move(frame)};
}

std::unique_ptr<ebpf_vm> load(const engine &e, const bytes &code) {
    auto vm = vm::test::make_vm(e);
    EXPECT_EQ(errno_of(register_helpers(*vm)), 0);
    EXPECT_EQ(errno_of(register_packet_helpers(*vm)), 0);
    EXPECT_EQ(vm->load_code(code.data(), code.size()), 0) << vm->error_message();
    return vm;
}

namespace {

/// A packet of an skb grows as its programs like, one of XDP within its page.
struct kernel_room {
    std::size_t before = 0;
    std::size_t most_bytes = 0;  ///< of the packet, if nothing is put before it
};
kernel_room room_of(program_type type) {
    constexpr std::size_t plenty = 32 << 10;
    if (type == program_type::xdp) return {.before = 256, .most_bytes = 3520};
    return {.before = plenty, .most_bytes = plenty};
}

}  // namespace

ran run_with_room(ebpf_vm &vm, program_type type, const bytes &frame, const preparation &prepare) {
    const auto [before, most_bytes] = room_of(type);
    bytes memory(before + most_bytes);
    std::ranges::copy(frame, memory.begin() + static_cast<long>(before));
    auto context = packet_context::create(type, std::span{memory}.subspan(before, frame.size()),
                                          {.before = before, .after = most_bytes - frame.size()});
    if (not context) throw std::runtime_error{context.error().message};
    if (prepare) prepare(*context);
    int64_t r0 = -1;
    EXPECT_EQ(context->exec(vm, r0), 0) << vm.error_message();
    const auto metadata = context->metadata();
    const auto packet = context->packet();
    const bytes hidden(sees_ethernet(type) ? 0 : ethernet_bytes);
    return {static_cast<uint32_t>(r0),
            join({hidden, {metadata.begin(), metadata.end()}, {packet.begin(), packet.end()}})};
}

void compare_with_kernel(const source_program &p, const preparation &prepare,
                         const std::function<void(ebpf_vm &)> &configure) {
    if (const auto why = kernel_program::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    const bytes code = compile(p.source, "-O2 -g -mcpu=v3");
    kernel_program theirs;
    ASSERT_EQ(theirs.load(p.type, attach_type::none, code), 0) << theirs.log();
    for (const engine &e : vm::test::engines()) {
        const auto vm = load(e, rewrite(code, p.type));
        if (configure) configure(*vm);
        for (const bytes &frame : frames()) {
            ran expected{.frame = frame};
            const int failed = theirs.run(expected.frame, expected.verdict);
            if (failed == -EINVAL) continue;  // its test runs want whole IP headers
            ASSERT_EQ(failed, 0);
            const ran got = run_with_room(*vm, p.type, frame, prepare);
            EXPECT_EQ(got.verdict, expected.verdict) << e << ", " << frame.size() << " bytes";
            EXPECT_EQ(got.frame, expected.frame) << e << ", " << frame.size() << " bytes";
        }
    }
}

}  // namespace bpftime::vm::runtime::test
