// bpftime-vm: values that programs print by their types, compared with the kernel's
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "kernel_map.hpp"
#include "kernel_program.hpp"
#include "object_program.hpp"
#include "programs.hpp"
#include "runtime/iterator.hpp"
#include "runtime/map_set.hpp"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>

namespace bpftime::vm::runtime::test {

using object::btf;
using object::btf_kind;
using object::btf_type;
using vm::test::engine;

namespace {

// --- one call of bpf_snprintf_btf, all of it in the value of a map

constexpr std::size_t flags_at = 8;  ///< behind the type
constexpr std::size_t size_at = 16;
constexpr std::size_t text_at = 24;
constexpr std::size_t text_bytes = 8192;
constexpr std::size_t value_at = text_at + text_bytes;
constexpr std::size_t value_bytes = 512;
constexpr std::size_t work_bytes = value_at + value_bytes;

struct asked {
    uint32_t type = 0;
    uint64_t flags = 0;
    bytes value{};
    std::size_t size = text_bytes;  ///< of the text's memory
};

struct outcome {
    int64_t result = 0;
    std::string text;

    friend bool operator==(const outcome &, const outcome &) = default;
    friend std::ostream &operator<<(std::ostream &out, const outcome &o) {
        return out << o.result << " \"" << o.text << '"';
    }
};

map_definition work_map() {
    map_definition d = define(map_type::array, 1);
    d.value_size = work_bytes;
    return d;
}

bytes work_of(const asked &a) {
    bytes work(work_bytes);
    std::memcpy(work.data(), &a.type, sizeof a.type);
    std::memcpy(work.data() + flags_at, &a.flags, sizeof a.flags);
    std::memcpy(work.data() + size_at, &a.size, sizeof a.size);
    std::ranges::copy(a.value, work.begin() + value_at);
    return work;
}

outcome outcome_of(int64_t result, const bytes &work) {
    return {result, reinterpret_cast<const char *>(work.data() + text_at)};
}

std::vector<uint8_t> code_for(int map) {
    return vm::test::assemble(
        fmt::format("lddw %r6, map_val(map_by_fd({}))\n"
                    "mov %r1, %r6\nadd %r1, {}\nstxdw [%r10-16], %r1\n"
                    "ldxw %r1, [%r6]\nstxdw [%r10-8], %r1\n"
                    "mov %r1, %r6\nadd %r1, {}\n"
                    "ldxdw %r2, [%r6+{}]\nmov %r0, 0\njeq %r2, 0, out\njgt %r2, {}, out\n"
                    "mov %r3, %r10\nadd %r3, -16\nmov %r4, 16\n"
                    "ldxdw %r5, [%r6+{}]\ncall 149\nout: exit",
                    map, value_at, text_at, size_at, text_bytes, flags_at));
}

class in_kernel {
public:
    in_kernel() {
        EXPECT_EQ(work_.create(work_map()), 0);
        EXPECT_EQ(program_.load(object::program_type::raw_tracepoint, {}, code_for(work_.fd())), 0)
            << program_.log();
    }
    outcome run(const asked &a) {
        EXPECT_EQ(work_.update(key(0), work_of(a), 0), 0);
        uint32_t result = 0;
        EXPECT_EQ(program_.run(result), 0);
        bytes left(work_bytes);
        EXPECT_EQ(work_.lookup(key(0), left), 0);
        return outcome_of(static_cast<int32_t>(result), left);
    }

private:
    kernel_map work_;
    kernel_program program_;
};

class here {
public:
    here(const engine &e, const btf &types) : vm_{vm::test::make_vm(e)} {
        EXPECT_EQ(errno_of(maps_.attach(*vm_)), 0);
        EXPECT_EQ(errno_of(register_types(*vm_, types)), 0);
        const auto code = code_for(0);
        EXPECT_EQ(vm_->load_code(code.data(), code.size()), 0) << vm_->error_message();
    }
    outcome run(const asked &a) {
        EXPECT_EQ(errno_of(maps_[0]->update(key(0), work_of(a))), 0);
        int64_t r0 = 0;
        EXPECT_EQ(vm_->exec(nullptr, 0, r0), 0) << vm_->error_message();
        return outcome_of(r0, maps_[0]->lookup(key(0)).value());
    }

private:
    map_set maps_{{make(work_map())}};
    std::unique_ptr<ebpf_vm> vm_;
};

class printed_values : public testing::TestWithParam<engine> {};

INSTANTIATE_TEST_SUITE_P(engines, printed_values, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

/// What the kernel shows wrongly, or not at all.
class peculiarities {
public:
    explicit peculiarities(const btf &types) : types_{types} {}

    [[nodiscard]] bool are_in(uint32_t id, unsigned depth = 0) const {
        const btf_type &t = types_.type(types_.resolve(id));
        if (depth > 8) return true;
        switch (t.kind) {
        case btf_kind::integer:
        case btf_kind::pointer: return false;
        case btf_kind::enumeration: return t.size != sizeof(uint32_t);  // reads 4 bytes
        case btf_kind::enumeration64: return false;
        case btf_kind::array: {
            // Elements of these are all the first one.
            const btf_kind element = types_.type(types_.resolve(t.type)).kind;
            return element == btf_kind::pointer or element == btf_kind::array or
                   are_in(t.type, depth + 1);
        }
        case btf_kind::structure:
        case btf_kind::union_:
            return std::ranges::any_of(types_.members(t), [&](const object::btf_member &m) {
                return are_in(m.type, depth + 1);
            });
        default: return true;
        }
    }

private:
    const btf &types_;
};

bytes random_value(std::mt19937_64 &random) {
    bytes value(value_bytes);
    const uint64_t how = random() % 4;  // zeros, a few bytes, letters, anything
    for (uint8_t &byte : value) {
        const uint64_t word = random();
        if (how == 1 and word % 8 == 0) byte = static_cast<uint8_t>(word >> 8 & 3);
        if (how == 2) byte = static_cast<uint8_t>('a' + (word >> 8) % 4);
        if (how == 3) byte = static_cast<uint8_t>(word >> 8);
    }
    return value;
}

TEST_P(printed_values, are_what_the_kernel_prints) {
    if (const auto why = kernel_program::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    const auto types = btf::read_file("/sys/kernel/btf/vmlinux");
    if (not types) GTEST_SKIP() << types.error().message;
    const peculiarities peculiar{*types};
    in_kernel kernel;
    here ours{GetParam(), *types};
    std::mt19937_64 random{1};
    unsigned compared = 0;
    for (uint32_t id = 1; id < types->size(); id += 1 + static_cast<uint32_t>(random() % 64)) {
        const auto size = types->size_of(id);
        if (not size or *size > value_bytes or peculiar.are_in(id)) continue;
        const bytes value = random_value(random);
        for (uint64_t flags = 0; flags < 16; ++flags) {
            if ((flags & BTF_F_PTR_RAW) == 0) continue;
            const asked a{id, flags, value};
            ASSERT_EQ(ours.run(a), kernel.run(a))
                << id << " " << types->describe(id) << " " << flags;
            ++compared;
        }
    }
    EXPECT_GT(compared, 100U);
}

TEST_P(printed_values, are_cut_and_refused_as_by_the_kernel) {
    if (const auto why = kernel_program::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    const auto types = btf::read_file("/sys/kernel/btf/vmlinux");
    if (not types) GTEST_SKIP() << types.error().message;
    in_kernel kernel;
    here ours{GetParam(), *types};
    const uint32_t id = types->find("bpf_insn", btf_kind::structure).value();
    const bytes value(value_bytes, 7);
    for (std::size_t size = 1; size < 100; ++size) {
        const asked a{id, 0, value, size};
        EXPECT_EQ(ours.run(a), kernel.run(a)) << size;
    }
    for (const uint32_t type : {0U, ~0U, types->size() + 1'000'000}) {
        const asked a{type, 0, value};
        EXPECT_EQ(ours.run(a), kernel.run(a)) << type;
    }
    const asked unknown_flag{id, 16, value};
    EXPECT_EQ(ours.run(unknown_flag), kernel.run(unknown_flag));
}

// --- of an object's own types

class printed_values_of_objects : public object_test {
protected:
    static constexpr std::string_view types = R"(
struct btf_ptr { void *ptr; u32 type_id; u32 flags; };
static long (*snprintf_btf)(char *, u32, struct btf_ptr *, u32, u64) = (void *)149;
static long (*seq_printf_btf)(void *, struct btf_ptr *, u32, u64) = (void *)150;
enum colour { red, green = 5 };
struct inner { u32 number; char name[8]; };
typedef struct { unsigned low : 3, high : 7; } bits;
struct outer { struct inner in; enum colour colour; bits bits; void *next; int *rows[2][2]; short list[3]; struct inner none; };
#define ID(type) __builtin_btf_type_id(*(type *)0, 1)
)";
    static loaded_object load(std::string_view source) {
        return object_test::load(std::string{types} + std::string{source});
    }
    static std::string text_in(const loaded_object &object) {
        const bytes text = object.find_map(".bss")->lookup(key(0)).value();
        return reinterpret_cast<const char *>(text.data());
    }
};

INSTANTIATE_TEST_SUITE_P(engines, printed_values_of_objects, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

TEST_P(printed_values_of_objects, are_shown_with_their_names) {
    const loaded_object object = load(R"(
char text[512];
SEC("socket") int f(void *ctx) {
    struct outer v = {{7, "ab\1"}, green, {5, 100}, (void *)0x1234, {{0, (int *)1}, {(int *)2, 0}}, {0, -5, 6}};
    struct btf_ptr p = {.ptr = &v, .type_id = ID(struct outer)};
    return snprintf_btf(text, sizeof text, &p, sizeof p, 1);
}
)");
    const std::string expected =
        "(struct outer){.in = (struct inner){.number = (u32)7,.name = (char[])['a','b',1,],},"
        ".colour = (enum colour)green,.bits = (bits){.low = (unsigned int)0x5,.high = (unsigned "
        "int)0x64,},.next = ( *)0x0000000000001234,.rows = (int *[][])(int *[])0x0000000000000001,"
        "],(int *[])0x0000000000000002,],],.list = (short[])[-5,6,],}";
    EXPECT_EQ(run(object, "f"), static_cast<int64_t>(expected.size()));
    EXPECT_EQ(text_in(object), expected);
}

TEST_P(printed_values_of_objects, must_be_the_programs) {
    const loaded_object object = load(R"(
char text[64];
int of_type(void *at, u32 type) {
    struct btf_ptr p = {.ptr = at, .type_id = type};
    return snprintf_btf(text, sizeof text, &p, sizeof p, 0);
}
SEC("socket") int outside(void *ctx) { return of_type((void *)0x1000, ID(struct outer)); }
SEC("socket") int half(void *ctx) { return of_type(&text[40], ID(struct outer)); }
SEC("socket") int no_type(void *ctx) { return of_type(text, 100000); }
)");
    EXPECT_EQ(run(object, "outside"), -EFAULT);
    EXPECT_EQ(run(object, "half"), -EFAULT);
    EXPECT_EQ(run(object, "no_type"), -ENOENT);
}

TEST_P(printed_values_of_objects, go_to_sequences) {
    const loaded_object object = load(R"(
struct meta { void *seq; u64 session_id; u64 seq_num; };
struct element { struct meta *meta; void *map; void *key; void *value; };
SEC("iter/bpf_map_elem") int f(struct element *ctx) {
    struct btf_ptr p = {.ptr = ctx->value, .type_id = ID(u64)};
    return ctx->value ? seq_printf_btf(ctx->meta->seq, &p, sizeof p, 0) : 0;
}
)");
    const auto over = make(map_type::array, 2);
    ASSERT_EQ(errno_of(over->update(key(1), word(77))), 0);
    EXPECT_EQ(iterate(*object.find_program("f"), over).value(), "(u64)0\n(u64)77\n");
}

/// Types that contain themselves, or have more parts than anybody wants to see.
TEST(printed_values_of_hostile_types, end) {
    constexpr uint32_t structure = 4;
    constexpr uint32_t array = 3;
    constexpr uint32_t integer = 1;
    const auto info = [](uint32_t kind, uint32_t members) { return kind << 24 | members; };
    std::vector<uint32_t> words{
        0, info(integer, 0),   4, 32,                 // 1: an integer
        0, info(structure, 1), 8, 0,  2, 0,           // 2: a struct that is its own member
        0, info(array, 0),     0, 1,  1, 0xffffffff,  // 3: 2^32 - 1 integers
        0, info(structure, 0), 0,                     // 4: nothing
        0, info(array, 0),     0, 4,  1, 0xffffffff,  // 5: 2^32 - 1 times that
    };
    constexpr uint32_t many = 60'000;
    constexpr uint32_t enumeration = 6;
    constexpr uint32_t of_bits = 1U << 31;
    const auto add_type = [&words](std::initializer_list<uint32_t> head) {
        words.insert(words.end(), head);
    };
    add_type({0, info(structure, many) | of_bits, 8});  // 6: bit fields
    for (uint32_t i = 0; i < many; ++i) add_type({0, 1, 1U << 24});
    add_type({0, info(structure, many), 8});  // 7: many of them
    for (uint32_t i = 0; i < many; ++i) add_type({0, 6, 0});
    add_type({0, info(enumeration, many), 4});  // 8: names of numbers
    for (uint32_t i = 0; i < many; ++i) add_type({0, i + 1});
    add_type({0, info(structure, many), 8});  // 9: many of them
    for (uint32_t i = 0; i < many; ++i) add_type({0, 8, 0});
    add_type({0, info(integer, 0), 4, 3});           // 10: an integer of three bits
    add_type({0, info(structure, 1), 4, 0, 10, 5});  // 11: it, as a bit field
    const auto size = static_cast<uint32_t>(4 * words.size());
    bytes raw;
    const auto add = [&raw](const auto &part) {
        const bytes more = bytes_of(part);
        raw.insert(raw.end(), more.begin(), more.end());
    };
    add(uint16_t{0xeb9f});
    add(uint16_t{1});
    for (const uint32_t field : {24U, 0U, size, size, 1U}) add(field);
    for (const uint32_t w : words) add(w);
    raw.push_back(0);
    const auto types = btf::parse(raw);
    ASSERT_TRUE(types) << types.error().message;
    here ours{vm::test::engines().front(), *types};
    EXPECT_EQ(ours.run({2, 0, {}}).result, -E2BIG);
    EXPECT_EQ(ours.run({3, 0, {}}).result, -EFAULT);
    EXPECT_EQ(ours.run({5, BTF_F_ZERO, {}}).result, -E2BIG);
    EXPECT_EQ(ours.run({7, 0, bytes(8)}).result, -E2BIG);
    EXPECT_EQ(ours.run({9, 0, bytes(8)}).result, -E2BIG);
    EXPECT_EQ(ours.run({11, BTF_F_COMPACT | BTF_F_NONAME, {0xa0, 0, 0, 0}}).text, "{0x5,}");
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
