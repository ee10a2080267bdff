// bpftime-vm: texts that programs make, compared with the kernel's
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "engines.hpp"
#include "kernel_map.hpp"
#include "kernel_program.hpp"
#include "programs.hpp"
#include "runtime/helpers.hpp"
#include "runtime/map_set.hpp"
#include "support.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <array>

namespace bpftime::vm::runtime::test {

using vm::test::engine;

namespace {

// --- one call of bpf_snprintf: the format in one map, everything else in another

constexpr uint32_t format_bytes = 1024;
constexpr std::size_t most_words = 12;
constexpr std::size_t text_at = 8 * most_words;
constexpr std::size_t text_bytes = 600;
constexpr std::size_t target_at = text_at + text_bytes;  ///< of pointers
constexpr std::size_t target_bytes = 600;
constexpr std::size_t work_bytes = target_at + target_bytes;

constexpr uint64_t pattern = 0x8877'6655'f234'5678;

/// A format, and its words: n the pattern, m -1, z 0, p a pointer.
struct format_case {
    std::string_view format;
    std::string_view words;
    std::string_view target = "some text";  ///< what p points to
    std::size_t size = text_bytes;          ///< of the text's memory

    friend std::ostream &operator<<(std::ostream &out, const format_case &c) {
        return out << '"' << c.format << "\" of " << c.words;
    }
};

const std::string hundred(100, 'x');
const std::string six_hundred(599, 'y');
const std::string ipv6 = "\xfe\x80\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e";

const auto format_cases = std::to_array<format_case>({
    {"", ""},
    {"plain 100%%\t\n", ""},
    {"%d %i %u %x %X", "nnnnn"},
    {"%ld %li %lu %lx %lX", "nnnnn"},
    {"%lld %lli %llu %llx %llX", "nnnnn"},
    {"%d %u %lld %llu", "mmmm"},
    {"%d%u%x%lld", "zzzz"},
    {"[%5d] [%-5d] [%05d] [%+d] [% d] [%+05d] [%-05d]", "zzzzzzz"},
    {"[%12d] [%-12d] [%012d] [%+d] [% d] [%0 12d] [%-+12d]", "nnnnnnn"},
    {"[%3d] [%20x] [%020x] [%-20llx] [%+u]", "nnnnn"},
    {"%c%c|%5c|%-5c|", "nnnn"},
    {"%s|%20s|%-20s|%020s|%2s", "ppppp"},
    {"%s", "z"},
    {"%s %d", "mn"},
    {"%s", "p", ""},
    {"%s%s", "pp", hundred},
    {"%s", "p", six_hundred},
    {"%s%s", "pp", six_hundred},
    {"%s%d", "pn", six_hundred},
    {"%s%c", "pn", six_hundred},
    {"%s %s %s %s %s %s", "pppppp", hundred},
    {"%pI4 %pi4 %pI6 %pi6", "pppp", ipv6},
    {"%pI4abc %pI6c, %20pI4.", "ppp", ipv6},
    {"%pI4 %pI6", "zm"},
    {"%px|%pxyz|%25px|%-25px|%025px|%3px", "nnnnnn"},
    {"%p %pK", "zz"},
    {"%ps %pS %pB", "zzz"},
    {"%pS|%20ps|%-20pS|%20pB", "zzzz"},
    {"%pks|%20pks|%pks", "ppz"},
    {"%d%d%d%d%d%d%d%d%d%d%d%d", "nnnnnnnnnnnn"},
    {"cut %d", "n", "", 6},
    {"cut", "", "", 1},
    {"cut", "", "", 4},
    {"fits", "", "", 5},
    // Refused:
    {"%", "n"},
    {"%d", ""},
    {"%d %d", "n"},
    {"%q", "n"},
    {"%f", "n"},
    {"%ls", "p"},
    {"%lld%lllld", "nn"},
    {"%5.2d", "n"},
    {"%#x", "n"},
    {"%*d", "nn"},
    {"%hd", "n"},
    {"%n", "n"},
    {"%sx", "p"},
    {"%pz", "n"},
    {"%pI5", "p"},
    {"%pM", "p"},
    {"%pksx", "p"},
    {"%5", "n"},
    {"%l", "n"},
    {"a\x01", ""},
    {"\x80", ""},
    {"%d\xff", "n"},
    {"%s\x80", "p"},
    {"%s\xa1 %p\xf7 %s\xa0", "pzp"},
    {"%s\xc3", "p"},
    {"%px\xc3z|%px\x9fz", "nn"},
    {"%pI", "p"},
    {"%pks", ""},
});

std::string program_text(const format_case &c, int format_map, int work_map) {
    std::string text = fmt::format("lddw %r6, map_val(map_by_fd({}))\n", work_map);
    for (std::size_t i = 0; i < c.words.size(); ++i) {
        if (c.words[i] != 'p') continue;
        text += fmt::format("mov %r2, %r6\nadd %r2, {}\nstxdw [%r6+{}], %r2\n", target_at, 8 * i);
    }
    return text + fmt::format(
                      "mov %r1, %r6\nadd %r1, {}\nmov %r2, {}\nlddw %r3, map_val(map_by_fd({}))\n"
                      "mov %r4, %r6\nmov %r5, {}\ncall 165\nexit",
                      text_at, c.size, format_map, 8 * c.words.size());
}

bytes work_of(const format_case &c) {
    bytes work(work_bytes);
    for (std::size_t i = 0; i < c.words.size(); ++i) {
        const uint64_t word = c.words[i] == 'n' ? pattern : c.words[i] == 'm' ? ~uint64_t{0} : 0;
        std::memcpy(work.data() + 8 * i, &word, sizeof word);
    }
    std::ranges::copy(c.target, work.begin() + target_at);
    return work;
}

bytes format_value(const format_case &c) {
    bytes value(format_bytes);
    std::ranges::copy(c.format, value.begin());
    return value;
}

map_definition format_map() {
    map_definition d = define(map_type::array, 1, map_rdonly_prog);
    d.value_size = format_bytes;
    return d;
}

map_definition work_map() {
    map_definition d = define(map_type::array, 1);
    d.value_size = work_bytes;
    return d;
}

/// What the call gave, and the memory that it wrote to.
struct outcome {
    int64_t result = 0;
    std::string text;

    friend bool operator==(const outcome &, const outcome &) = default;
    friend std::ostream &operator<<(std::ostream &out, const outcome &o) {
        return out << o.result << " \"" << o.text << '"';
    }
};

outcome outcome_of(int64_t result, const bytes &work) {
    const auto *const text = reinterpret_cast<const char *>(work.data() + text_at);
    return {result, result < 0 ? "" : std::string{text}};
}

outcome run_here(const format_case &c, const engine &e) {
    map_set maps{{make(format_map()), make(work_map())}};
    EXPECT_EQ(errno_of(maps[0]->update(key(0), format_value(c))), 0);
    EXPECT_EQ(errno_of(maps[1]->update(key(0), work_of(c))), 0);
    const auto vm = vm::test::make_vm(e);
    EXPECT_EQ(errno_of(maps.attach(*vm)), 0);
    const auto code = vm::test::assemble(program_text(c, 0, 1));
    EXPECT_EQ(vm->load_code(code.data(), code.size()), 0) << vm->error_message();
    int64_t r0 = 0;
    EXPECT_EQ(vm->exec(nullptr, 0, r0), 0) << vm->error_message();
    return outcome_of(r0, maps[1]->lookup(key(0)).value());
}

/// The kernel refuses what is wrong with a format before anything runs.
outcome run_in_kernel(const format_case &c) {
    kernel_map format;
    kernel_map work;
    EXPECT_EQ(format.create(format_map()), 0);
    EXPECT_EQ(work.create(work_map()), 0);
    EXPECT_EQ(format.update(key(0), format_value(c), 0), 0);
    EXPECT_EQ(format.freeze(), 0);
    EXPECT_EQ(work.update(key(0), work_of(c), 0), 0);
    kernel_program program;
    const auto code = vm::test::assemble(program_text(c, format.fd(), work.fd()));
    if (program.load(object::program_type::xdp, {}, code) != 0) {
        EXPECT_THAT(program.log(), testing::HasSubstr("Invalid format string"));
        return {-EINVAL, ""};
    }
    bytes packet(64);
    uint32_t result = 0;
    EXPECT_EQ(program.run(packet, result), 0);
    bytes left(work_bytes);
    EXPECT_EQ(work.lookup(key(0), left), 0);
    return outcome_of(static_cast<int32_t>(result), left);
}

class text : public testing::TestWithParam<engine> {};

INSTANTIATE_TEST_SUITE_P(engines, text, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

TEST_P(text, is_what_the_kernel_makes) {
    if (const auto why = kernel_program::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    const bool takes_all = run_in_kernel({"\x80", ""}).result >= 0;  // since Linux 6.17
    for (const format_case &c : format_cases) {
        if (not takes_all and not std::ranges::all_of(c.format, is_ascii)) continue;
        EXPECT_EQ(run_here(c, GetParam()), run_in_kernel(c)) << c;
    }
}

/// Where the kernel hashes addresses.
TEST_P(text, shows_addresses) {
    EXPECT_EQ(run_here({"%p|%pK|%px|%20p", "nnnn"}, GetParam()).text,
              "88776655f2345678|88776655f2345678|88776655f2345678|    88776655f2345678");
    EXPECT_EQ(run_here({"%pS %ps %pB", "nnn"}, GetParam()).text,
              "0x88776655f2345678 0x88776655f2345678 0x88776655f2345678");
}

// --- for the host

class trace : public testing::TestWithParam<engine> {
protected:
    /// Runs `rest` with r1 and r2 the format and its size, and map 0 an array of words.
    int64_t run(std::string format, std::string_view rest, bool checks = true) {
        format += '\0';
        const auto vm = vm::test::make_vm(GetParam());
        EXPECT_EQ(errno_of(register_helpers(*vm)), 0);
        EXPECT_EQ(errno_of(register_trace(*vm, sink_)), 0);
        vm->toggle_bounds_check(checks);
        const auto code = vm::test::assemble(rest);
        EXPECT_EQ(vm->load_code(code.data(), code.size()), 0) << vm->error_message();
        int64_t r0 = 0;
        EXPECT_EQ(vm->exec(format.data(), format.size(), r0), 0) << vm->error_message();
        return r0;
    }

    std::vector<std::string> lines_;
    trace_sink sink_ = [this](std::string_view line) { lines_.emplace_back(line); };
};

INSTANTIATE_TEST_SUITE_P(engines, trace, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

TEST_P(trace, printk_has_three_words) {
    constexpr std::string_view call = "mov %r3, -7\nmov %r4, 255\nmov %r5, 65\ncall 6\nexit";
    EXPECT_EQ(run("a=%d b=%x c=%c\n", call), 14);
    EXPECT_EQ(run("%d %d %d %d", call), -EINVAL);
    EXPECT_EQ(run("%q", call), -EINVAL);
    EXPECT_THAT(lines_, testing::ElementsAre("a=-7 b=ff c=A\n"));
}

TEST_P(trace, printk_wants_an_end) {
    EXPECT_EQ(run("no end", "sub %r2, 1\ncall 6\nexit"), -EINVAL);
    EXPECT_EQ(run("", "mov %r2, 0\ncall 6\nexit"), -EINVAL);
    EXPECT_TRUE(lines_.empty());
}

TEST_P(trace, lines_are_cut) {
    EXPECT_EQ(run(std::string(2000, 'z'), "call 6\nexit"), 2000);
    EXPECT_THAT(lines_, testing::ElementsAre(std::string(1023, 'z')));
}

TEST_P(trace, strings_are_read_where_the_program_may) {
    constexpr std::string_view call = "mov %r3, %r1\nmov %r4, %r1\nadd %r4, 100\ncall 6\nexit";
    EXPECT_EQ(run("<%s> <%s>", call), 9 + 5);
    EXPECT_EQ(run("<%s> <%s>", call, false), 9 + 5) << "without checks, too";
    EXPECT_THAT(lines_, testing::ElementsAre("<<%s> <%s>> <>", "<<%s> <%s>> <>"));
}

TEST_P(trace, vprintk_has_twelve_words) {
    const auto call = [](std::size_t bytes) {
        std::string text = "mov %r3, %r10\nadd %r3, -104\n";
        for (std::size_t i = 0; i < 13; ++i)
            text += fmt::format("stdw [%r10-{}], {}\n", 104 - 8 * i, i + 1);
        return text + fmt::format("mov %r4, {}\ncall 177\nexit", bytes);
    };
    EXPECT_EQ(run("%d%d%d%d%d%d%d%d%d%d%d%d", call(96)), 15);
    EXPECT_EQ(run("%d%d%d%d%d%d%d%d%d%d%d%d%d", call(104)), -EINVAL);
    EXPECT_EQ(run("%d", call(7)), -EINVAL);
    EXPECT_EQ(run("nothing", "mov %r3, 0\nmov %r4, 0\ncall 177\nexit"), 7);
    EXPECT_EQ(run("%d", "mov %r3, 0\nmov %r4, 0\ncall 177\nexit"), -EINVAL);
    EXPECT_THAT(lines_, testing::ElementsAre("123456789101112", "nothing"));
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
