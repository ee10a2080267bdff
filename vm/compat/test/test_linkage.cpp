// bpftime-vm: resolving helpers and 64-bit immediates of the reachable code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/config.hpp"
#include "isa/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

namespace {

using namespace bpftime::vm;
using namespace bpftime::vm::compat;

class linking : public ::testing::Test {
protected:
    program load(std::string_view text, std::vector<uint32_t> jump_targets = {}) {
        const auto code = isa::assemble(text);
        if (not code) throw std::runtime_error(code.error().message);
        auto p = program::load(*code, {.jump_targets = std::move(jump_targets)});
        if (not p) throw std::runtime_error(p.error().message);
        return std::move(*p);
    }

    /// The error of linking `text`.
    error refusal_of(std::string_view text) {
        const program p = load(text);
        const auto linked = linkage::resolve(p, config_);
        EXPECT_FALSE(linked) << "nothing refused:\n" << text;
        return linked ? error{} : linked.error();
    }

    void add_helper(uint32_t id) {
        ebpf_helper h{};
        h.id = id;
        h.fn = [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return uint64_t{0}; };
        config_.helpers.emplace(id, helper_binding{h, 0});
    }

    vm_config config_;
};

void expect_error(const error &e, error_code code, uint32_t pc, const std::string &message) {
    EXPECT_EQ(e.code, code) << e.message;
    EXPECT_EQ(e.pc, pc);
    EXPECT_EQ(e.message, message);
}

// --- what cannot be linked

TEST_F(linking, needs_the_helpers_that_are_called) {
    expect_error(refusal_of("mov %r0, 1\ncall 7\nexit"), error_code::missing_helper, 1,
                 "helper 7 is not registered at pc 1 (`call 7`): register it with ebpf_register() "
                 "before compiling or running");
    EXPECT_EQ(refusal_of("call 4294967295\nexit").code, error_code::missing_helper);
}

TEST_F(linking, tells_the_first_of_two_problems) {
    EXPECT_EQ(refusal_of("call 1\ncall 2\nexit").pc, 0U);
    add_helper(1);
    EXPECT_EQ(refusal_of("call 1\ncall 2\nexit").pc, 1U);
}

TEST_F(linking, needs_no_kernel_functions) {
    expect_error(
        refusal_of("call kfunc 99\nexit"), error_code::unsupported, 0,
        "call of kernel function with BTF id 99 is not supported at pc 0 (`call kfunc 99`)");
}

TEST_F(linking, needs_no_arena) {
    expect_error(
        refusal_of("mov %r1, 0\naddr_space_cast %r1, %r1, 0, 1\nexit"), error_code::unsupported, 1,
        "addr_space_cast needs an arena, and the program names none at pc 1 (`addr_space_cast "
        "%r1, %r1, 0, 1`)");
}

TEST_F(linking, needs_jump_tables_for_gotox) {
    EXPECT_EQ(refusal_of("mov %r1, 0\ngotox %r1").code, error_code::unsupported);
    EXPECT_TRUE(linkage::resolve(load("mov %r1, 0\ngotox %r1\nexit", {2}), config_));
}

TEST_F(linking, needs_jump_tables_in_the_function_of_the_gotox) {
    const program p = load("call local f\nexit\nf: gotox %r1\nexit", {1});
    const auto linked = linkage::resolve(p, config_);
    ASSERT_FALSE(linked);
    EXPECT_EQ(linked.error().pc, 2U);
}

// --- unreachable code

TEST_F(linking, asks_nothing_of_unreachable_code) {
    for (const char *const dead :
         {"call 7", "lddw %r0, map_by_fd(1)", "call kfunc 1", "gotox %r1"}) {
        EXPECT_TRUE(linkage::resolve(
            load("ja +" + std::string{std::string_view{dead}.starts_with("lddw") ? "2" : "1"} +
                 "\n" + dead + "\nexit"),
            config_))
            << dead;
    }
    EXPECT_TRUE(linkage::resolve(load("exit\ncall local f\nexit\nf: call 7\nexit"), config_))
        << "a function that only unreachable code calls";
}

TEST_F(linking, asks_for_what_functions_need_whose_address_is_taken) {
    EXPECT_EQ(refusal_of("lddw %r1, code_addr(f)\nexit\nf: call 7\nexit").pc, 3U);
    EXPECT_EQ(refusal_of("call local f\nexit\nf: lddw %r1, code_addr(g)\nexit\ng: call 7\nexit").pc,
              5U);
}

// --- what is linked

TEST_F(linking, binds_the_helpers_that_are_called) {
    for (const uint32_t id : {1U, 2U, 0xffff'ffffU}) add_helper(id);
    const auto linked = linkage::resolve(load("call 1\ncall 4294967295\nexit"), config_);
    ASSERT_TRUE(linked);
    EXPECT_NE(linked->helper(1), nullptr);
    EXPECT_NE(linked->helper(0xffff'ffff), nullptr);
    EXPECT_EQ(linked->helper(3), nullptr);
}

TEST_F(linking, binds_every_helper_for_callx) {
    for (const uint32_t id : {1U, 2U}) add_helper(id);
    const auto linked = linkage::resolve(load("mov %r1, 2\ncallx %r1\nexit"), config_);
    ASSERT_TRUE(linked);
    EXPECT_NE(linked->helper(1), nullptr);
    EXPECT_NE(linked->helper(2), nullptr);
}

TEST_F(linking, keeps_what_it_bound) {
    add_helper(1);
    const auto linked = linkage::resolve(load("call 1\nexit"), config_);
    config_.helpers.clear();
    ASSERT_NE(linked->helper(1), nullptr);
    EXPECT_EQ(linked->helper(1)->declaration().id, 1U);
}

TEST_F(linking, gives_each_lddw_its_value) {
    config_.lddw.map_by_fd = [](uint32_t fd) { return uint64_t{1000} + fd; };
    config_.lddw.map_val = [](uint64_t map) { return map * 2; };
    const program p = load(
        "lddw %r0, map_by_fd(1)\nlddw %r0, map_val(map_by_fd(1))+5\nlddw %r0, 0x1122334455667788\n"
        "lddw %r0, map_val(map_by_fd(1))-5\nlddw %r0, code_addr(f)\nexit\nf: exit");
    const auto linked = linkage::resolve(p, config_);
    ASSERT_TRUE(linked) << linked.error().message;
    EXPECT_EQ(linked->lddw_value(p, 0), 1001U);
    EXPECT_EQ(linked->lddw_value(p, 2), 2007U);
    EXPECT_EQ(linked->lddw_value(p, 4), 0x1122'3344'5566'7788U);
    EXPECT_EQ(linked->lddw_value(p, 6), 2002U + uint64_t{0xffff'fffb})
        << "the offset has 32 bits without a sign";
    EXPECT_EQ(linked->lddw_value(p, 8), code_handle(11));
}

TEST_F(linking, collects_what_size_companions_grant) {
    config_.lddw.var_addr = [](uint32_t idx) { return uint64_t{0x1000} * idx; };
    config_.lddw.var_addr_size = [](uint32_t idx) { return idx == 2 ? uint64_t{0} : uint64_t{8}; };
    const auto linked = linkage::resolve(
        load("lddw %r0, var_addr(1)\nlddw %r0, var_addr(2)\nlddw %r0, var_addr(3)\nexit"), config_);
    ASSERT_TRUE(linked);
    EXPECT_THAT(linked->regions(),
                ::testing::ElementsAre(memory_span{0x1000, 8}, memory_span{0x3000, 8}));
}

// --- helper_binding

TEST(helper_bindings, call_through_any_secret) {
    ebpf_helper h{};
    h.fn = [](uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
        return a + 2 * b + 3 * c + 4 * d + 5 * e;
    };
    for (const uint64_t secret :
         {uint64_t{0}, uint64_t{1}, ~uint64_t{0}, uint64_t{0xdead'beef'dead'beef}}) {
        helper_binding bound{h, secret};
        EXPECT_EQ(bound.call(secret, 1, 1, 1, 1, 1), 15U);
        bound.change_secret(secret, 12345);
        EXPECT_EQ(bound.call(12345, 1, 2, 0, 0, 0), 5U);
    }
}

TEST(helper_bindings, do_not_hold_the_address_with_a_secret) {
    ebpf_helper h{};
    h.fn = [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return uint64_t{0}; };
    const auto address = reinterpret_cast<uintptr_t>(h.fn);
    const auto holds_address = [&](const helper_binding &b) {
        std::array<uint8_t, sizeof(helper_binding)> bytes;
        std::memcpy(bytes.data(), static_cast<const void *>(&b), sizeof bytes);
        std::array<uint8_t, sizeof(address)> wanted;
        std::memcpy(wanted.data(), &address, sizeof wanted);
        return not std::ranges::search(bytes, wanted).empty();
    };
    EXPECT_TRUE(holds_address(helper_binding{h, 0}));
    helper_binding hidden{h, 0xdead'beef'dead'beef};
    EXPECT_FALSE(holds_address(hidden));
    hidden.change_secret(0xdead'beef'dead'beef, 12345);
    EXPECT_FALSE(holds_address(hidden));
    EXPECT_EQ(hidden.code(12345), address);
}

TEST(helper_bindings, are_typed_when_anything_is_declared) {
    ebpf_helper h{};
    h.fn = [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return uint64_t{0}; };
    EXPECT_FALSE((helper_binding{h, 0}.declaration().typed));
    ebpf_helper with_argument = h;
    with_argument.arguments[3].kind = EBPF_ARG_SCALAR;
    EXPECT_TRUE((helper_binding{with_argument, 0}.declaration().typed));
    ebpf_helper with_result = h;
    with_result.result = EBPF_RESULT_POINTER;
    EXPECT_TRUE((helper_binding{with_result, 0}.declaration().typed));
    ebpf_helper with_purity = h;
    with_purity.purity = EBPF_PURE_READS;
    EXPECT_TRUE((helper_binding{with_purity, 0}.declaration().typed));
}

}  // namespace
