// bpftime-vm: arenas: memory that programs and their host share page by page
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "emulation.hpp"
#include "object_program.hpp"
#include "runtime/arena.hpp"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <atomic>
#include <thread>

namespace bpftime::vm::runtime::test {

namespace {

using testing::HasSubstr;

#if defined(__SANITIZE_THREAD__)
constexpr bool under_tsan = true;
#elif defined(__has_feature)
constexpr bool under_tsan = __has_feature(thread_sanitizer);
#else
constexpr bool under_tsan = false;
#endif

/// Why no arena can be made here; null: it can.
const char *why_no_room() {
    if (under_tsan) return "ThreadSanitizer leaves no room for 4 GiB where it is asked";
    if (vm::test::is_emulated()) return "emulators take memory for each page of an arena's 4 GiB";
    return nullptr;
}

class arenas : public object_test {
protected:
    void SetUp() override {
        if (const char *const why = why_no_room()) GTEST_SKIP() << why;
    }
    static arena &arena_of(const loaded_object &object) {
        return *as_arena(object.find_map("arena").get());
    }
};

INSTANTIATE_TEST_SUITE_P(engines, arenas, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

/// An arena of 100 pages, where the kernel's own tests have theirs.
constexpr std::string_view arena_prologue = R"(
#define __arena __attribute__((address_space(1)))
#define __ulong(name, value) enum { ___bpf_concat_##name = value } name
#define PAGE 4096
void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr, u32 count, int node, u64 flags) __ksym;
void bpf_arena_free_pages(void *map, void __arena *ptr, u32 count) __ksym;
int bpf_arena_reserve_pages(void *map, void __arena *ptr, u32 count) __ksym;
struct {
    __uint(type, 33);
    __uint(map_flags, 1 << 10);
    __uint(max_entries, 100);
    __ulong(map_extra, 0x1ull << 44);
} arena SEC(".maps");
)";

std::string with_arena(std::string_view source) {
    return std::string{arena_prologue} + std::string{source};
}

TEST_P(arenas, pages_are_allocated_and_freed) {
    EXPECT_EQ(run(with_arena(R"(
SEC("socket") int f(void *ctx) {
    int __arena *a = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0);
    int __arena *b = bpf_arena_alloc_pages(&arena, 0, 2, -1, 0);
    if (!a || !b) return 1;
    if (*a || *b || b[2 * PAGE / 4 - 1]) return 2;
    *a = 1;
    b[2 * PAGE / 4 - 1] = 2;
    if (*a != 1 || b[2 * PAGE / 4 - 1] != 2) return 3;
    bpf_arena_free_pages(&arena, b, 2);
    int __arena *c = bpf_arena_alloc_pages(&arena, b, 2, -1, 0);
    if (c != b) return 4;
    if (c[2 * PAGE / 4 - 1]) return 5;
    if (*a != 1) return 6;
    return 42;
}
)")),
              42);
}

TEST_P(arenas, refuse_what_the_kernel_refuses) {
    EXPECT_EQ(run(with_arena(R"(
#define alloc(at, count, flags) bpf_arena_alloc_pages(&arena, (void __arena *)(at), count, -1, flags)
SEC("socket") int f(void *ctx) {
    char __arena *first = alloc(0, 1, 0);
    if (alloc(0, 0, 0)) return 1;
    if (alloc(0, 100, 0)) return 2;
    if (alloc(0, 1, 1)) return 3;
    if (alloc(first, 1, 0)) return 4;
    if (alloc(first + 1, 1, 0)) return 5;
    if (alloc(first + 100 * PAGE, 1, 0)) return 6;
    if (alloc(first + 98 * PAGE, 3, 0)) return 7;
    if (bpf_arena_reserve_pages(&arena, first, 1) != -16) return 8;
    if (bpf_arena_reserve_pages(&arena, first + 99 * PAGE, 2) != -22) return 9;
    if (bpf_arena_reserve_pages(&arena, first + PAGE, 98)) return 10;
    if (alloc(0, 2, 0)) return 11;
    if (alloc(first + PAGE, 1, 0)) return 12;
    if (alloc(0, 1, 0) != first + 99 * PAGE) return 13;
    if (alloc(0, 1, 0)) return 14;
    bpf_arena_free_pages(&arena, first + PAGE, 1000);
    if (alloc(0, 99, 0) != first + PAGE) return 15;
    return 42;
}
)")),
              42);
}

TEST_P(arenas, pages_that_are_not_there_read_as_zeros_and_lose_what_is_written) {
    const loaded_object object = load(with_arena(R"(
SEC("socket") int f(void *ctx) {
    u64 __arena *page = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0);
    volatile u64 __arena *p = page;
    if (!p) return 1;
    p[0] = 7;
    p[PAGE / 8] = 8;                                    // behind it
    if (p[PAGE / 8]) return 2;
    p[10000 * PAGE / 8] = 8;                            // behind the arena
    if (p[10000 * PAGE / 8]) return 3;
    if (*(volatile u64 __arena *)((u64)page + PAGE - 4)) return 4;  // half of it
    *(volatile u64 __arena *)((u64)page + PAGE - 4) = ~0ull;
    if (p[PAGE / 8 - 1]) return 5;
    if (__sync_fetch_and_add(&page[PAGE / 8], 5)) return 6;
    if (__sync_fetch_and_add(&page[PAGE / 8], 5)) return 7;
    bpf_arena_free_pages(&arena, page, 1);
    if (p[0]) return 8;
    p[0] = 9;
    if (bpf_arena_alloc_pages(&arena, page, 1, -1, 0) != page) return 9;
    if (p[0]) return 10;
    return 42;
}
)"));
    EXPECT_EQ(run(object, "f"), 42);
    EXPECT_TRUE(arena_of(object).has_page(0));
    EXPECT_FALSE(arena_of(object).has_page(arena_of(object).page_size()));
}

TEST_P(arenas, keep_pointers_that_the_host_can_follow) {
    const loaded_object object = load(with_arena(R"(
struct node { struct node __arena *next; u64 value; };
struct node __arena *head;
SEC("socket") int f(void *ctx) {
    struct node __arena *n = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0);
    if (!n) return 0;
    for (int i = 0; i < 10; i++) {
        n[i].value = i;
        n[i].next = head;
        head = &n[i];
    }
    return 1;
}
SEC("socket") int sum(void *ctx) {
    int s = 0, i = 0;
    asm volatile("" :: "r"(&arena));
    for (struct node __arena *n = head; n && i < 100; n = n->next, i++) s += n->value;
    return s;
}
)"));
    ASSERT_EQ(run(object, "f"), 1);
    EXPECT_EQ(run(object, "sum"), 45);
    struct node {
        node *next;
        uint64_t value;
    };
    node *at = number_of<node *>(object.find_map(".bss")->lookup(key(0)).value());
    uint64_t sum = 0;
    for (; at != nullptr; at = at->next) sum += at->value;
    EXPECT_EQ(sum, 45);
}

constexpr std::string_view variables = R"(
int __arena counter = 41;
u64 __arena zeros[1000];
int __arena *where = &counter;
SEC("socket") int f(void *ctx) {
    counter++;
    zeros[999] = 5;
    return *where;
}
)";

TEST_P(arenas, hold_variables) {
    const object::object_file file = parse(with_arena(variables));
    load_options options{.backend = GetParam().backend};
    const auto object = loaded_object::load(file, options);
    ASSERT_TRUE(object) << object.error().message;
    const auto counter = file.global("counter");
    const auto zeros = file.global("zeros");
    ASSERT_TRUE(counter and zeros);
    EXPECT_EQ(run(*object, "f"), 42);
    bytes now(4);
    ASSERT_TRUE(object->read(*counter, now));
    EXPECT_EQ(number_of<uint32_t>(now), 42);
    ASSERT_TRUE(object->write(*counter, key(6)));
    EXPECT_EQ(run(*object, "f"), 7);
    bytes all(zeros->size);
    ASSERT_TRUE(object->read(*zeros, all));
    EXPECT_EQ(number_of(all, 999 * 8), 5);
    arena &a = arena_of(*object);
    EXPECT_TRUE(a.has_page(0));
    EXPECT_EQ(a.touch(0, 4), a.address());
}

TEST_P(arenas, get_variables_from_the_host_before_they_are_made) {
    object::object_file file = parse(with_arena(variables));
    ASSERT_TRUE(file.set("counter", 9));
    load_options options{.backend = GetParam().backend};
    const auto object = loaded_object::load(file, options);
    ASSERT_TRUE(object) << object.error().message;
    EXPECT_EQ(run(*object, "f"), 10);
}

TEST_P(arenas, are_known_by_the_low_half_of_addresses) {
    EXPECT_EQ(run(with_arena(R"C(
SEC("socket") int f(void *ctx) {
    u64 __arena *page = bpf_arena_alloc_pages(&arena, 0, 2, -1, 0);
    if (!page) return 1;
    u64 low = (u32)(u64)page, value = 0;
    page[3] = 33;
    asm volatile("%0 = *(u64 *)(%1 + 24)" : "=r"(value) : "r"(low));
    if (value != 33) return 2;
    asm volatile("*(u64 *)(%0 + 24) = %1" :: "r"(low), "r"(value + 1) : "memory");
    if (page[3] != 34) return 3;
    asm volatile("%0 = *(u64 *)(%1 + 16384)" : "=r"(value) : "r"(low));
    return value ? 4 : 42;
}
)C")),
              42);
}

TEST_P(arenas, are_where_they_are_without_checks) {
    constexpr std::string_view source = R"C(
u64 host;
SEC("socket") int f(void *ctx) {
    u64 __arena *page = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0);
    if (!page) return 1;
    u64 low = (u32)(u64)page, value = 1;
    page[3] = 33;
    asm volatile("%0 = *(u64 *)(%1 + 24)" : "=r"(value) : "r"(low));
    if (value != 33) return 2;
    asm volatile("%0 = *(u64 *)(%1 + 16384)" : "=r"(value) : "r"(low));
    if (value) return 3;
    bpf_arena_free_pages(&arena, page, 1);
    u64 null = low - (u32)(u64)page;
    asm volatile("*(u64 *)(%0 + 0) = %1" :: "r"(null), "r"(null + 7) : "memory");
    asm volatile("%0 = *(u64 *)(%1 + 0)" : "=r"(value) : "r"(null));
    if (value) return 4;
    asm volatile("%0 = *(u64 *)(%1 - 8)" : "=r"(value) : "r"(null));
    if (value || page[3]) return 5;
    if (__sync_fetch_and_add((u64 __arena *)null, 5)) return 6;
    return *(u64 *)host;
}
)C";
    object::object_file file = parse(with_arena(source));
    const uint64_t of_host = 42;
    ASSERT_TRUE(file.set("host", static_cast<int64_t>(reinterpret_cast<uintptr_t>(&of_host))));
    load_options options{.backend = GetParam().backend};
    options.configure = [](ebpf_vm &vm) -> result<void> {
        vm.toggle_bounds_check(false);
        return {};
    };
    const auto object = loaded_object::load(file, options);
    ASSERT_TRUE(object) << object.error().message;
    EXPECT_EQ(run(*object, "f"), 42);
}

TEST_P(arenas, are_no_way_to_other_memory) {
    EXPECT_EQ(fault(with_arena(R"C(
SEC("socket") int f(void *ctx) {
    u64 __arena *page = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0);
    u64 far = (u64)page + (1ull << 33);
    asm volatile("*(u64 *)(%0 + 0) = %0" :: "r"(far) : "memory");
    return 0;
}
)C")),
              compat::fault_kind::out_of_bounds_write);
}

TEST_P(arenas, helpers_use_pages_that_are_there) {
    constexpr std::string_view source = R"(
static long (*probe_read)(void *dst, u32 size, const void *from) = (void *)4;
SEC("socket") int f(void *ctx) {
    u64 __arena *page = bpf_arena_alloc_pages(&arena, 0, 2, -1, 0);
    if (!page) return 1;
    page += PAGE / 8;                                   // the first one is null to helpers
    page[PAGE / 8 - 1] = 77;
    u64 value = 0;
    if (probe_read(&value, 8, (void *)&page[PAGE / 8 - 1])) return 2;
    if (probe_read(&value, 8, (void *)&page[PAGE / 8]) != -14) return 3;
    return probe_read((void *)page, 8, (void *)&page[PAGE / 8 - 1]) ? 4 : *page;
}
SEC("socket") int away(void *ctx) {
    u64 __arena *page = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0);
    u64 from = 1;
    return probe_read((void *)&page[PAGE / 8 - 1], 16, &from);
}
)";
    const loaded_object object = load(with_arena(source));
    EXPECT_EQ(run(object, "f"), 77);
    EXPECT_EQ(fault(object, "away"), compat::fault_kind::out_of_bounds_write);
}

TEST_P(arenas, a_program_can_name_only_one) {
    const auto object = load(with_arena(R"(
struct {
    __uint(type, 33);
    __uint(map_flags, 1 << 10);
    __uint(max_entries, 1);
} other SEC(".maps");
SEC("socket") int f(void *ctx) {
    return bpf_arena_alloc_pages(&arena, 0, 1, -1, 0) == bpf_arena_alloc_pages(&other, 0, 1, -1, 0);
}
)"));
    int64_t r0 = 0;
    const ebpf_vm &vm = *object.find_program("f")->vm;
    EXPECT_EQ(object.find_program("f")->vm->exec(nullptr, 0, r0), EBPF_ERROR_UNSUPPORTED);
    EXPECT_THAT(vm.error_message(), HasSubstr("a program can name one arena, not several"));
}

TEST_P(arenas, variables_without_an_arena_are_refused) {
    const auto bytes = object::test::compile(std::string{object_prologue} + R"(
int __attribute__((address_space(1))) lost;
SEC("socket") int f(void *ctx) { return lost; }
)",
                                             "-O2 -g -mcpu=v3", "c");
    const auto file = object::object_file::parse(bytes);
    ASSERT_FALSE(file);
    EXPECT_THAT(file.error().message, HasSubstr("declares no arena"));
}

TEST_P(arenas, may_be_used_by_many_threads) {
    const loaded_object object = load(with_arena(R"(
SEC("socket") int f(void *ctx) {
    u64 __arena *page = bpf_arena_alloc_pages(&arena, 0, 3, -1, 0);
    if (!page) return 0;
    if (page[600]) return 1;
    page[600] = 1;
    bpf_arena_free_pages(&arena, page, 3);
    return page[600] > 1;
}
)"));
    std::atomic<int64_t> wrong = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 500; ++i) {
                int64_t r0 = 0;
                if (object.find_program("f")->vm->exec(nullptr, 0, r0) != 0 or r0 != 0) ++wrong;
            }
        });
    }
    for (std::thread &t : threads) t.join();
    EXPECT_EQ(wrong, 0);
}

// --- maps alone

class arena_maps : public testing::Test {
protected:
    void SetUp() override {
        if (vm::test::is_emulated()) GTEST_SKIP() << why_no_room();
    }
};

map_definition definition(uint32_t pages, uint64_t extra = 0) {
    return {.name = "arena",
            .type = map_type::arena,
            .max_entries = pages,
            .flags = map_mmapable,
            .map_extra = extra};
}

TEST_F(arena_maps, begin_where_the_definition_says) {
    const auto m = make(definition(4, (uint64_t{1} << 44) + 0x5000));
    arena &a = *as_arena(m.get());
    EXPECT_EQ(reinterpret_cast<uint64_t>(a.address()) & 0xffff'ffff, 0x5000);
    EXPECT_EQ(a.bytes(), 4 * a.page_size());
    const auto second = make(definition(4, (uint64_t{1} << 44) + 0x5000));
    EXPECT_EQ(reinterpret_cast<uint64_t>(as_arena(second.get())->address()) & 0xffff'ffff, 0x5000);
    EXPECT_NE(as_arena(second.get())->address(), a.address());
}

TEST_F(arena_maps, can_be_as_large_as_all_addresses) {
    const auto m = make(definition(1 << 20));
    arena &a = *as_arena(m.get());
    EXPECT_EQ(reinterpret_cast<uint64_t>(a.address()) & 0xffff'ffff, 0);
    uint8_t *const last = a.touch((uint64_t{1} << 32) - 1, 1);
    ASSERT_NE(last, nullptr);
    *last = 1;
    EXPECT_EQ(a.touch((uint64_t{1} << 32) - 1, 2), nullptr);
    EXPECT_EQ(a.allocate(0, 1 << 20), 0);
    EXPECT_NE(a.allocate(0, (1 << 20) - 1), 0);
}

TEST_F(arena_maps, do_not_know_the_commands_about_entries) {
    const auto m = make(definition(1));
    EXPECT_EQ(errno_of(m->lookup({})), EINVAL);
    EXPECT_EQ(errno_of(m->update({}, {})), EOPNOTSUPP);
    EXPECT_EQ(errno_of(m->remove({})), EOPNOTSUPP);
    EXPECT_EQ(errno_of(m->next_key({})), EOPNOTSUPP);
}

/// What happens to pages at random, as a set of those that are free.
struct page_step {
    int what;
    uint32_t at;
    uint32_t count;
};

rc::Gen<page_step> any_step() {
    return rc::gen::map(
        rc::gen::tuple(rc::gen::inRange(0, 4), rc::gen::inRange(0U, 64U), rc::gen::inRange(1U, 9U)),
        [](const auto &t) { return std::make_from_tuple<page_step>(t); });
}

void expect_pages_are_counted() {
    constexpr uint32_t pages = 64;
    const auto m = map::create(definition(pages));
    RC_ASSERT(m.has_value());
    arena &a = *as_arena(m->get());
    std::array<bool, pages> is_free;
    is_free.fill(true);
    const auto all_free = [&](uint32_t at, uint32_t n) {
        return at + n <= pages and
               std::all_of(&is_free[at], &is_free[at] + n, [](bool b) { return b; });
    };
    const auto mark = [&](uint32_t at, uint32_t n, bool free) {
        std::fill_n(&is_free[at], std::min(n, pages - at), free);
    };
    const auto place_of = [&](uint32_t at) {
        return reinterpret_cast<uint64_t>(a.address()) + at * a.page_size();
    };
    for (const auto &[what, at, count] : *rc::gen::container<std::vector<page_step>>(any_step())) {
        const bool fits = all_free(at, count);
        switch (what) {
        case 0: {
            bool any = false;
            for (uint32_t p = 0; p < pages; ++p) any = any or all_free(p, count);
            const uint64_t got = a.allocate(0, count);
            RC_ASSERT((got != 0) == any);
            if (got == 0) break;
            const auto first = static_cast<uint32_t>((got - place_of(0)) / a.page_size());
            RC_ASSERT(all_free(first, count));
            mark(first, count, false);
            break;
        }
        case 1:
            RC_ASSERT(a.allocate(place_of(at), count) == (fits ? place_of(at) : 0));
            if (fits) mark(at, count, false);
            break;
        case 2:
            a.free(place_of(at), count);
            mark(at, count, true);
            break;
        default:
            RC_ASSERT(a.reserve(place_of(at), count) == (fits                 ? 0
                                                         : at + count > pages ? -EINVAL
                                                                              : -EBUSY));
            if (fits) mark(at, count, false);
        }
        for (uint32_t p = 0; p < pages; ++p)
            RC_ASSERT(not(is_free[p] and a.has_page(p * a.page_size())));
    }
}

TEST_F(arena_maps, keep_count_of_their_pages) { EXPECT_TRUE(rc::check(expect_pages_are_counted)); }

}  // namespace

}  // namespace bpftime::vm::runtime::test
