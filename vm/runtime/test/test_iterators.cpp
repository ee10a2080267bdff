// bpftime-vm: programs that iterate over the entries of maps
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object_program.hpp"
#include "runtime/cpu.hpp"
#include "runtime/iterator.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <sstream>

namespace bpftime::vm::runtime::test {

namespace {

using compat::fault_kind;
using testing::HasSubstr;

constexpr std::string_view iterator_prologue = R"(
static long (*seq_printf)(void *seq, const char *format, u32 size, const void *data, u32 bytes) = (void *)126;
static long (*seq_write)(void *seq, const void *data, u32 bytes) = (void *)127;
struct bpf_iter_meta { void *seq; u64 session_id; u64 seq_num; };
struct bpf_iter__bpf_map_elem { struct bpf_iter_meta *meta; void *map; u32 *key; u64 *value; };
#define PRINT(format, ...)                                             \
    ({                                                                 \
        static const char text[] = format;                             \
        u64 words[] = {__VA_ARGS__};                                   \
        seq_printf(ctx->meta->seq, text, sizeof text, words, sizeof words); \
    })
)";

constexpr std::string_view dump = R"(
SEC("iter/bpf_map_elem") int f(struct bpf_iter__bpf_map_elem *ctx) {
    if (!ctx->key) {
        PRINT("last %llu\n", ctx->meta->seq_num);
        return 0;
    }
    PRINT("%u: %llu\n", *ctx->key, *ctx->value);
    *ctx->value += 100;
    return 0;
}
)";

class iterators : public object_test {
protected:
    static loaded_object load(std::string_view body) {
        return object_test::load(std::string{iterator_prologue} + std::string{body});
    }
    static result<std::string> iterate(const loaded_object &object,
                                       const std::shared_ptr<map> &over) {
        return runtime::iterate(*object.find_program("f"), over);
    }
    static result<std::string> iterate(std::string_view body) {
        return iterate(load(body), filled(map_type::array));
    }
    static std::shared_ptr<map> filled(map_type type) {
        const auto m = make(type, 3);
        for (uint32_t k = 0; k < 3; ++k) {
            bytes value;
            for (std::size_t at = 0; at < m->host_value_size(); at += 8)
                std::ranges::copy(word(10 * k + at / 8), std::back_inserter(value));
            EXPECT_EQ(errno_of(m->update(key(k), value)), 0);
        }
        return m;
    }
    static std::set<std::string> lines_of(const std::string &text) {
        std::set<std::string> lines;
        std::istringstream in{text};
        for (std::string line; std::getline(in, line);) lines.insert(line);
        return lines;
    }
};

INSTANTIATE_TEST_SUITE_P(engines, iterators, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

TEST_P(iterators, write_about_every_entry_and_the_end) {
    const loaded_object object = load(dump);
    for (const map_type type : {map_type::array, map_type::hash, map_type::lru_hash}) {
        const auto m = filled(type);
        const auto text = iterate(object, m);
        ASSERT_TRUE(text) << text.error().message;
        if (type == map_type::array) {
            EXPECT_EQ(*text, "0: 0\n1: 10\n2: 20\nlast 2\n");
        }
        EXPECT_EQ(lines_of(*text), (std::set<std::string>{"0: 0", "1: 10", "2: 20", "last 2"}));
        EXPECT_EQ(number_of(m->lookup(key(2)).value()), 120U);
    }
    EXPECT_EQ(iterate(object, make(map_type::hash, 4)).value(), "last 0\n");
}

TEST_P(iterators, get_the_values_of_all_cpus) {
    const loaded_object object = load(R"(
u32 cpus;
SEC("iter/bpf_map_elem") int f(struct bpf_iter__bpf_map_elem *ctx) {
    if (!ctx->key) return 0;
    u64 sum = 0;
    for (u32 i = 0; i < cpus; ++i) sum += ctx->value[i];
    PRINT("%u: %llu\n", *ctx->key, sum);
    return 0;
}
)");
    const uint64_t cpus = cpu_count();
    const auto last = cpus * (cpus - 1) / 2;
    std::set<std::string> expected;
    for (uint64_t k = 0; k < 3; ++k)
        expected.insert(std::to_string(k) + ": " + std::to_string(10 * k * cpus + last));
    for (const map_type type :
         {map_type::percpu_array, map_type::percpu_hash, map_type::lru_percpu_hash}) {
        ASSERT_TRUE(object.find_map(".bss")->update(key(0), key(cpu_count())));
        EXPECT_EQ(lines_of(iterate(object, filled(type)).value()), expected);
        ASSERT_TRUE(object.find_map(".bss")->update(key(0), key(cpu_count() + 1)));
        EXPECT_THAT(iterate(object, filled(type)).error().message, HasSubstr("read"));
        EXPECT_EQ(compat::last_fault().kind, fault_kind::out_of_bounds_read);
    }
}

TEST_P(iterators, of_values_of_all_cpus_that_the_host_may_not_read_are_refused) {
    const auto over = make(map_type::percpu_array, 1, map_wronly);
    const auto text = iterate(load(dump), over);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().kernel_errno, EPERM);
}

TEST_P(iterators, write_bytes) {
    EXPECT_EQ(iterate(R"(
SEC("iter/bpf_map_elem") int f(struct bpf_iter__bpf_map_elem *ctx) {
    return ctx->key ? seq_write(ctx->meta->seq, "ab", 2) : seq_write(ctx->meta->seq, "c", 1);
}
)")
                  .value(),
              "abababc");
}

TEST_P(iterators, that_give_something_else_than_0_end) {
    const auto text = iterate(R"(
SEC("iter/bpf_map_elem") int f(struct bpf_iter__bpf_map_elem *ctx) {
    return ctx->meta->seq_num == 1;
}
)");
    EXPECT_EQ(errno_of(text), EAGAIN);
}

TEST_P(iterators, that_write_too_much_end) {
    const loaded_object object = load(R"(
u32 failed;
SEC("iter/bpf_map_elem") int f(struct bpf_iter__bpf_map_elem *ctx) {
    u8 some[256] = {};
    for (int i = 0; i < 128; ++i) {
        long e = seq_write(ctx->meta->seq, some, sizeof some - (i == 127));
        if (e) failed = e;
    }
    if (ctx->key && PRINT("%d", 1)) failed = 1;
    return 0;
}
)");
    EXPECT_EQ(errno_of(iterate(object, filled(map_type::array))), E2BIG);
    EXPECT_EQ(number_of<uint32_t>(object.find_map(".bss")->lookup(key(0)).value()), 1U);
    EXPECT_EQ(iterate(object, make(map_type::hash, 1)).value().size(), 32767U);
}

TEST_P(iterators, give_the_kernel_s_errors_for_bad_formats) {
    EXPECT_EQ(iterate(R"(
SEC("iter/bpf_map_elem") int f(struct bpf_iter__bpf_map_elem *ctx) {
    u64 words[13] = {};
    void *seq = ctx->meta->seq;
    if (seq_printf(seq, "%d", 3, words, 7) != -22) return 1;
    if (seq_printf(seq, "%d", 3, words, 104) != -22) return 2;
    if (seq_printf(seq, "%d", 3, 0, 8) != -22) return 3;
    if (seq_printf(seq, "%d", 2, words, 8) != -22) return 4;
    if (seq_printf(seq, "%d", 3, 0, 0) != -22) return 5;
    if (seq_printf(seq, "x", 2, 0, 0)) return 6;
    return 0;
}
)")
                  .value(),
              "xxxx");
}

// --- hostile programs

TEST_P(iterators, write_nowhere_but_to_their_own_text) {
    EXPECT_EQ(iterate(R"(
SEC("iter/bpf_map_elem") int f(struct bpf_iter__bpf_map_elem *ctx) {
    if (seq_write((void *)4096, "x", 1) != -22 || seq_write(ctx, "x", 1) != -22) return 1;
    if (seq_write(0, "x", 1) != -22 || seq_write((char *)ctx->meta->seq + 8, "x", 1) != -22) return 2;
    ctx->map = ctx->value = 0;  // it is a copy
    return 0;
}
)")
                  .value(),
              "");
    EXPECT_EQ(fault(std::string{iterator_prologue} + R"(
SEC("socket") int f(void *ctx) { return seq_write(ctx, "x", 1) == -22 ? *(volatile int *)8 : 0; }
)"),
              fault_kind::out_of_bounds_read);
}

TEST_P(iterators, keep_their_hands_off_what_they_get) {
    for (const auto &[what, kind] :
         {std::pair{"*ctx->key = 1", fault_kind::read_only_write},
          {"ctx->meta->seq_num = 1", fault_kind::read_only_write},
          {"*(volatile u64 *)ctx->meta->seq", fault_kind::out_of_bounds_read},
          {"*(volatile u64 *)ctx->map", fault_kind::out_of_bounds_read},
          {"ctx->value[1] = 1", fault_kind::out_of_bounds_write},
          {"*(volatile u32 *)(ctx->key + 1)", fault_kind::out_of_bounds_read},
          // Behind it may be something else that programs may read.
          {"*(volatile u64 *)((u32 *)(ctx->meta + 1) - 1)", fault_kind::out_of_bounds_read}}) {
        const auto text = iterate(
            std::string{"SEC(\"iter/bpf_map_elem\") int f(struct bpf_iter__bpf_map_elem *ctx) { "} +
            what + "; return 0; }");
        EXPECT_FALSE(text) << what;
        EXPECT_EQ(compat::last_fault().kind, kind) << what;
    }
}

TEST_P(iterators, are_programs_that_iterate_over_maps_that_can_be) {
    const loaded_object object = load(std::string{dump} + R"(
SEC("socket") int g(void *ctx) { return 0; }
)");
    EXPECT_THAT(
        runtime::iterate(*object.find_program("g"), filled(map_type::array)).error().message,
        HasSubstr("does not iterate"));
    EXPECT_THAT(iterate(object, make(map_type::lpm_trie, 1, map_no_prealloc)).error().message,
                HasSubstr("lpm_trie"));
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
