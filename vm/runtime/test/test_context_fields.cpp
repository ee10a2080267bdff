// bpftime-vm: the fields of contexts against linux/bpf.h and the running kernel
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "kernel_program.hpp"
#include "programs.hpp"
#include "runtime/context.hpp"
#include "support.hpp"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <array>
#include <cstddef>

namespace bpftime::vm::runtime::test {

using object::attach_type;
using object::program_type;

namespace {

struct subject {
    const char *name;
    program_type type;
    attach_type attach = attach_type::none;

    friend std::ostream &operator<<(std::ostream &out, const subject &s) { return out << s.name; }
};

constexpr auto subjects = std::to_array<subject>({
    {"xdp", program_type::xdp, attach_type::xdp_devmap},
    {"socket_filter", program_type::socket_filter},
    {"sched_cls", program_type::sched_cls},
    {"sched_act", program_type::sched_act},
    {"cgroup_skb", program_type::cgroup_skb, attach_type::cgroup_inet_egress},
    {"lwt_in", program_type::lwt_in},
    {"lwt_out", program_type::lwt_out},
    {"lwt_xmit", program_type::lwt_xmit},
    {"lwt_seg6local", program_type::lwt_seg6local},
    {"sk_skb", program_type::sk_skb, attach_type::sk_skb_stream_verdict},
});

class context_of : public testing::TestWithParam<subject> {};

INSTANTIATE_TEST_SUITE_P(types, context_of, testing::ValuesIn(subjects), vm::test::engine_name{});

std::string access_text(const context_access &a) {
    static constexpr std::array<const char *, 9> suffixes{"", "b", "h", "", "w", "", "", "", "dw"};
    return a.write
               ? fmt::format("mov %r2, 0\nstx{} [%r1+{}], %r2\nmov %r0, 0\nexit", suffixes[a.width],
                             a.offset)
               : fmt::format("ldx{} %r2, [%r1+{}]\nmov %r0, 0\nexit", suffixes[a.width], a.offset);
}

/// Every access that there is: all offsets, widths, and both directions.
TEST_P(context_of, accesses_are_refused_as_in_the_kernel) {
    if (const auto why = kernel_program::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    const auto [name, type, attach] = GetParam();
    const context_layout &layout = *context_layout_of(type);
    kernel_program theirs;
    for (const bool write : {false, true}) {
        for (const uint32_t width : {1U, 2U, 4U, 8U}) {
            for (int64_t offset = 0; offset < int64_t{layout.size} + 8; ++offset) {
                const context_access a{.offset = offset, .width = width, .write = write};
                const auto code = vm::test::assemble(access_text(a));
                const bool accepted = theirs.load(type, attach, code) == 0;
                EXPECT_EQ(why_refused(layout, type, a).empty(), accepted)
                    << access_text(a) << "\nours: " << why_refused(layout, type, a)
                    << "\ntheirs: " << theirs.log();
            }
        }
    }
}

std::string refusal(program_type type, const context_access &a) {
    return why_refused(*context_layout_of(type), type, a);
}

}  // namespace

TEST(context_fields, stand_where_the_header_says) {
#define XDP_FIELD(name, offset, size, ...)             \
    static_assert(offsetof(xdp_md, name) == (offset)); \
    static_assert(sizeof(xdp_md::name) == (size));
#define SKB_FIELD(name, offset, size, ...)                \
    static_assert(offsetof(__sk_buff, name) == (offset)); \
    static_assert(sizeof(__sk_buff::name) == (size));
#include "../src/context_fields.def"
#undef XDP_FIELD
#undef SKB_FIELD
    EXPECT_EQ(context_layout_of(program_type::xdp)->size, sizeof(xdp_md));
    EXPECT_EQ(context_layout_of(program_type::sched_cls)->size, sizeof(__sk_buff));
}

TEST(context_fields, other_types_have_the_context_of_the_host) {
    for (const auto type : {program_type::generic, program_type::kprobe, program_type::tracing})
        EXPECT_EQ(context_layout_of(type), nullptr);
}

TEST(context_fields, refusals_name_field_and_offset) {
    EXPECT_EQ(refusal(program_type::xdp, {.offset = 24, .width = 4}),
              "reads 4 bytes at offset 24 of struct xdp_md, where it has no field");
    EXPECT_EQ(refusal(program_type::xdp, {.offset = -4, .width = 4}),
              "reads 4 bytes at offset -4 of struct xdp_md, where it has no field");
    EXPECT_EQ(refusal(program_type::xdp, {.offset = 0, .width = 8}),
              "reads 8 bytes of field `data` of struct xdp_md, at offset 0, which has 4");
    EXPECT_EQ(refusal(program_type::xdp, {.offset = 0, .width = 4, .write = true}),
              "writes field `data` of struct xdp_md, which this type of program only reads");
    EXPECT_EQ(refusal(program_type::sched_cls, {.offset = 2, .width = 4}),
              "reads 4 bytes at offset 2 of struct __sk_buff, which is no multiple of 4");
    EXPECT_EQ(refusal(program_type::socket_filter, {.offset = 76, .width = 4}),
              "reads field `data` of struct __sk_buff, which this type of program does not have");
    EXPECT_EQ(refusal(program_type::xdp, {.offset = 0, .width = 4, .sign_extends = true}),
              "reads field `data` of struct xdp_md, an address, as a signed number");
}

}  // namespace bpftime::vm::runtime::test
