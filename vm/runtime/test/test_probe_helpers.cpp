// bpftime-vm: the helpers for programs that watch other ones
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "emulation.hpp"
#include "packet_program.hpp"
#include "programs.hpp"
#include "runtime/map_set.hpp"
#include "runtime/probe.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>

namespace bpftime::vm::runtime::test {

using object::program_type;
using vm::test::engine;

namespace {

/// Two pages, of which the second cannot be touched.
class half_there {
public:
    half_there()
        : memory_{static_cast<char *>(
              mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))} {
        mprotect(memory_ + page, page, PROT_NONE);
        std::fill_n(memory_, page, 'x');
    }
    ~half_there() { munmap(memory_, bytes); }
    half_there(const half_there &) = delete;
    half_there &operator=(const half_there &) = delete;

    [[nodiscard]] char *end() const noexcept { return memory_ + page; }

private:
    static constexpr std::size_t page = 4096;
    static constexpr std::size_t bytes = 2 * page;
    char *memory_;
};

/// A program that calls one of the helpers for each of some addresses of this process.
std::string probe_program(std::initializer_list<const void *> addresses) {
    std::string text = R"(
static long (*user)(void *, unsigned, const void *) = (void *)112;
static long (*kernel)(void *, unsigned, const void *) = (void *)113;
static long (*user_str)(void *, unsigned, const void *) = (void *)114;
static long (*kernel_str)(void *, unsigned, const void *) = (void *)115;
static NOINLINE unsigned look(unsigned sum, unsigned long address) {
    unsigned to[8];
    for (int size = 1; size < 32; size += 6) {
        for (int i = 0; i < 8; i++) to[i] = 0x77777777;
        sum = (sum ^ user(to, size, (void *)address)) * 0x01000193u;
        for (int i = 0; i < 8; i++) sum = (sum ^ to[i]) * 0x01000193u;
        for (int i = 0; i < 8; i++) to[i] = 0x77777777;
        sum = (sum ^ user_str(to, size, (void *)address)) * 0x01000193u;
        // Behind the end of a text there may be anything.
        for (int i = 0; i < 32; i++) {
            unsigned char byte = ((unsigned char *)to)[i];
            sum = (sum ^ byte) * 0x01000193u;
            if (!byte) break;
        }
    }
    return sum;
}
SEC("xdp") int prog(struct xdp_md *ctx) {
    unsigned sum = 7;
    unsigned words[] = {0x64636261, 0x00666564, 0x6867}, to[4] = {};
    sum -= kernel(to, 12, words) * 3 + kernel(to + 1, 0, words) * 5;
    for (int i = 0; i < 4; i++) sum = sum * 31 + to[i];
    sum += kernel_str(to, 5, words) * 7 + kernel_str(to + 2, 8, words) * 11 + kernel_str(to, 0, words) * 13;
    for (int i = 0; i < 4; i++) sum = sum * 31 + (i < 3 ? to[i] : 0);
    sum -= kernel(to, 16, 0) * 17 + kernel_str(to, 16, (void *)1) * 19;
    for (int i = 0; i < 4; i++) sum = sum * 31 + to[i];
)";
    for (const void *const address : addresses)
        text += fmt::format("    sum = look(sum, {}ULL);\n", reinterpret_cast<uint64_t>(address));
    return text + "    return sum & 0x7fffffff;\n}\n";
}

TEST(probe_helpers, read_what_those_of_the_kernel_read) {
    const half_there memory;
    std::memcpy(memory.end() - 12, "some text\0zz", 12);
    static constexpr std::string_view text = "a text that is longer than what there is room for";
    const std::string source =
        probe_program({memory.end() - 12, memory.end() - 30, memory.end() - 2, memory.end() - 1,
                       memory.end(), memory.end() + 1, text.data(), nullptr});
    compare_with_kernel({"probe", program_type::xdp, source.c_str()}, {},
                        [](ebpf_vm &vm) { EXPECT_TRUE(allow_process_memory(vm)); });
}

class probe_helper : public testing::TestWithParam<engine> {
protected:
    /// r0 of a program whose input is 16 bytes, of which it can touch nothing else.
    int64_t run(std::string_view text, bool reaches_process) {
        const auto vm = load(GetParam(), vm::test::assemble(text));
        if (reaches_process) {
            EXPECT_TRUE(allow_process_memory(*vm));
        }
        int64_t r0 = 0;
        EXPECT_EQ(vm->exec(input_.data(), input_.size(), r0), 0) << vm->error_message();
        return r0;
    }

    std::array<char, 16> input_{};
    std::array<char, 16> other_{};
};

INSTANTIATE_TEST_SUITE_P(engines, probe_helper, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

TEST_P(probe_helper, programs_reach_the_process_only_if_the_host_says_so) {
    if (const char *const why = vm::test::why_memory_is_not_copied()) GTEST_SKIP() << why;
    std::memcpy(other_.data(), "secret", 7);
    for (const int id : {4, 112, 113, 148, 45, 114, 115}) {
        const auto text = fmt::format("mov %r2, 7\nlddw %r3, {}\ncall {}\nexit",
                                      reinterpret_cast<uint64_t>(other_.data()), id);
        input_.fill('x');
        EXPECT_EQ(run(text, false), id == 113 or id == 115 ? -ERANGE : -EFAULT) << id;
        EXPECT_EQ(std::string(input_.data(), 8), std::string("\0\0\0\0\0\0\0x", 8)) << id;
        const bool is_text = id == 45 or id == 114 or id == 115;
        EXPECT_EQ(run(text, true), is_text ? 7 : 0) << id;
        EXPECT_STREQ(input_.data(), "secret") << id;
    }
}

TEST_P(probe_helper, programs_reach_what_they_may_touch) {
    if (const char *const why = vm::test::why_memory_is_not_copied()) GTEST_SKIP() << why;
    std::memcpy(input_.data(), "text", 5);
    for (const bool reaches_process : {false, true}) {
        // Of the input to the stack and back, 8 bytes later.
        EXPECT_EQ(run("mov %r6, %r1\nmov %r1, %r10\nadd %r1, -8\nmov %r2, 8\nmov %r3, %r6\n"
                      "call 45\nmov %r7, %r0\nmov %r1, %r6\nadd %r1, 8\nmov %r2, %r10\n"
                      "add %r2, -8\nmov %r3, 5\ncall 36\nadd %r0, %r7\nexit",
                      reaches_process),
                  5);
        EXPECT_STREQ(input_.data() + 8, "text");
        std::fill_n(input_.data() + 8, 8, '\0');
    }
}

TEST_P(probe_helper, a_text_without_end_is_cut) {
    input_.fill('y');
    EXPECT_EQ(run("mov %r3, %r1\nmov %r1, %r10\nadd %r1, -4\nmov %r2, 4\ncall 45\n"
                  "ldxw %r1, [%r10-4]\nlsh %r0, 32\nor %r0, %r1\nexit",
                  false),
              int64_t{4} << 32 | 0x00797979);
    // The input ends without one.
    EXPECT_EQ(run("mov %r3, %r1\nmov %r1, %r10\nadd %r1, -40\nmov %r2, 40\ncall 45\nexit", false),
              -EFAULT);
}

TEST_P(probe_helper, memory_is_written_where_the_host_says_so) {
    if (const char *const why = vm::test::why_memory_is_not_copied()) GTEST_SKIP() << why;
    const auto text = fmt::format("mov %r2, %r1\nlddw %r1, {}\nmov %r3, 6\ncall 36\nexit",
                                  reinterpret_cast<uint64_t>(other_.data()));
    std::memcpy(input_.data(), "bytes", 6);
    EXPECT_EQ(run(text, false), -EFAULT);
    EXPECT_STREQ(other_.data(), "");
    EXPECT_EQ(run(text, true), 0);
    EXPECT_STREQ(other_.data(), "bytes");
    EXPECT_EQ(run("mov %r2, %r1\nmov %r1, 4096\nmov %r3, 6\ncall 36\nexit", true), -EFAULT);
}

TEST_P(probe_helper, without_checks_bad_addresses_are_found_out_too) {
    const auto vm = load(GetParam(), vm::test::assemble("mov %r2, 8\nmov %r3, 4096\ncall 4\nexit"));
    vm->toggle_bounds_check(false);
    int64_t r0 = 0;
    EXPECT_EQ(vm->exec(input_.data(), input_.size(), r0), 0);
    EXPECT_EQ(r0, -EFAULT);
}

TEST_P(probe_helper, another_task_has_no_memory) {
    const auto text = [](int task, int flags) {
        return fmt::format("mov %r3, %r1\nmov %r2, 8\nmov %r4, {}\nmov %r5, {}\ncall 191\nexit",
                           task, flags);
    };
    EXPECT_EQ(run(text(0, 0), false), 0);
    EXPECT_EQ(run(text(0, 1), false), -EINVAL);
    EXPECT_EQ(run(text(1, 0), false), -EFAULT);
}

// --- where a program is attached

class site_helper : public probe_helper {
protected:
    int64_t at_site(std::string_view text) {
        const scoped_probe_site scope{site_};
        return run(text, false);
    }
    /// What a helper gives that writes 8 bytes, and those.
    std::pair<int64_t, uint64_t> asked(std::string_view call) {
        input_.fill('\0');
        const int64_t result = at_site(fmt::format("mov %r6, %r1\n{}\nexit", call));
        uint64_t value = 0;
        std::memcpy(&value, input_.data(), sizeof value);
        return {result, value};
    }

    std::array<uint64_t, 2> arguments_{10, 20};
    std::array<uint64_t, 3> stack_{100, 200, 300};
    probe_site site_{.cookie = 5, .function = 6, .arguments = arguments_, .stack = stack_};
};

INSTANTIATE_TEST_SUITE_P(engines, site_helper, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

TEST_P(site_helper, a_program_knows_what_it_watches) {
    EXPECT_EQ(at_site("call 174\nexit"), 5);
    EXPECT_EQ(at_site("call 173\nexit"), 6);
    EXPECT_EQ(at_site("call 185\nexit"), 2);
    EXPECT_EQ(asked("mov %r2, 1\nmov %r3, %r6\ncall 183"), (std::pair<int64_t, uint64_t>{0, 20}));
    EXPECT_EQ(asked("mov %r2, 2\nmov %r3, %r6\ncall 183").first, -EINVAL);
    EXPECT_EQ(asked("mov %r2, %r6\ncall 184").first, -EOPNOTSUPP);
    site_.result = 77;
    EXPECT_EQ(asked("mov %r2, %r6\ncall 184"), (std::pair<int64_t, uint64_t>{0, 77}));
}

TEST_P(site_helper, a_program_changes_what_is_returned) {
    EXPECT_EQ(at_site("mov %r2, 9\ncall 58\nexit"), 0);
    EXPECT_EQ(site_.override_result, 9U);
}

TEST_P(site_helper, a_program_sees_its_callers) {
    const auto stack = [](int bytes, int flags) {
        return fmt::format("mov %r2, %r1\nmov %r3, {}\nmov %r4, {}\ncall 67\nexit", bytes, flags);
    };
    const auto words = [&] {
        std::array<uint64_t, 2> found{};
        std::memcpy(found.data(), input_.data(), sizeof found);
        return found;
    };
    EXPECT_EQ(at_site(stack(16, 0x100)), 16);
    EXPECT_EQ(words(), (std::array<uint64_t, 2>{100, 200}));
    EXPECT_EQ(at_site(stack(16, 2)), 8);
    EXPECT_EQ(words(), (std::array<uint64_t, 2>{300, 0}));
    EXPECT_EQ(at_site(stack(16, 3)), -EFAULT);
    EXPECT_EQ(at_site(stack(12, 0)), -EINVAL);
    EXPECT_EQ(at_site(stack(16, 0x200)), -EINVAL);
    EXPECT_EQ(at_site(stack(16, 0x900)), -EINVAL);
    EXPECT_EQ(words(), (std::array<uint64_t, 2>{}));
}

TEST_P(site_helper, stacks_have_numbers) {
    map_definition d = define(map_type::stack_trace, 2);
    d.value_size = 16;
    const map_set maps{{make(d), make(map_type::array, 1)}};
    const auto put = [&](unsigned map, unsigned flags) {
        const auto vm = vm::test::make_vm(GetParam());
        EXPECT_EQ(errno_of(maps.attach(*vm)), 0);
        const auto code = vm::test::assemble(
            fmt::format("lddw %r2, map_by_idx({})\nmov %r3, {}\ncall 27\nexit", map, flags));
        EXPECT_EQ(vm->load_code(code.data(), code.size()), 0);
        int64_t r0 = 0;
        EXPECT_EQ(vm->exec(nullptr, 0, r0), 0) << vm->error_message();
        return r0;
    };
    EXPECT_EQ(put(0, 0x100), -EFAULT) << "there is no stack";
    const scoped_probe_site scope{site_};
    EXPECT_EQ(put(0, 0x1000), -EINVAL);
    EXPECT_EQ(put(1, 0x100), -EINVAL);
    EXPECT_EQ(put(0, 0x103), -EFAULT) << "all of it is skipped";
    const int64_t number = put(0, 0x100);
    ASSERT_GE(number, 0);
    EXPECT_EQ(put(0, 0x100), number);
    const bytes stack = maps[0]->lookup(key(static_cast<uint32_t>(number))).value();
    EXPECT_EQ(number_of(stack, 0), 100U);
    EXPECT_EQ(number_of(stack, 8), 200U) << "there is room for two";
}

TEST_P(site_helper, elsewhere_there_is_nothing_to_know) {
    EXPECT_EQ(run("call 174\nexit", false), 0);
    EXPECT_EQ(run("call 173\nexit", false), 0);
    EXPECT_EQ(run("call 185\nexit", false), 0);
    EXPECT_EQ(run("mov %r3, %r1\nmov %r2, 0\ncall 183\nexit", false), -EINVAL);
    EXPECT_EQ(run("mov %r2, 9\ncall 58\nexit", false), -EOPNOTSUPP);
    EXPECT_EQ(run("mov %r2, %r1\nmov %r3, 16\nmov %r4, 0\ncall 67\nexit", false), -EFAULT);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
