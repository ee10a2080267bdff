// bpftime-vm: programs over the entries of a map, linked objects and bytecode with maps, in C
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include <array>
#include <vector>

namespace runtime_c_api {

namespace {

constexpr std::string_view dumping = R"(
static long (*print)(void *seq, const char *format, u32 size, const void *data, u32 bytes) = (void *)126;
static long (*write)(void *seq, const void *data, u32 bytes) = (void *)127;
struct meta { void *seq; u64 session_id, seq_num; };
struct context { struct meta *meta; void *map; u32 *key; u64 *value; };
SEC("iter/bpf_map_elem") int dump(struct context *ctx) {
    if (!ctx->key) return write(ctx->meta->seq, "\0!", 2);
    static const char format[] = "%llu: %llu\n";
    u64 words[] = {*ctx->key, *ctx->value};
    return print(ctx->meta->seq, format, sizeof format, words, sizeof words);
}
SEC("iter/bpf_map_elem") int stops(struct context *ctx) { return 1; }
SEC("iter/bpf_map_elem") int faults(struct context *ctx) { return *(int *)0x10; }
SEC("raw_tp") int other(void *ctx) { return 0; }
)";

class iterators : public on_engines {
protected:
    void SetUp() override {
        object_ = load(dumping);
        map_ = create(define(EBPF_MAP_TYPE_ARRAY, 2));
        ASSERT_EQ(update(map_.get(), 1, 5), 0);
    }
    int iterate(const char *program, ebpf_map *map, std::size_t *size = nullptr) {
        char *text = nullptr;
        const int code = ebpf_program_iterate(ebpf_object_find_program(object_.get(), program), map,
                                              &text, size);
        text_.reset(text);
        return code;
    }
    object_ptr object_;
    map_ptr map_;
    text_ptr text_;
};
ON_ENGINES(iterators);

TEST_P(iterators, give_text) {
    std::size_t size = 0;
    ASSERT_EQ(iterate("dump", map_.get(), &size), 0) << ebpf_last_error();
    EXPECT_EQ((std::string{text_.get(), size}), (std::string{"0: 0\n1: 5\n\0!", 12}));
    EXPECT_EQ(text_.get()[size], '\0');
    ASSERT_EQ(iterate("dump", map_.get()), 0) << "nobody has to know the size";
}

TEST_P(iterators, fail_as_in_the_kernel) {
    EXPECT_FAILS(iterate("stops", map_.get()), EBPF_ERROR_LIMIT_EXCEEDED, EAGAIN, "EAGAIN");
    EXPECT_EQ(text_, nullptr);
    EXPECT_FAILS(iterate("faults", map_.get()), EBPF_ERROR_FAULT, EINVAL, "out_of_bounds_read");
    EXPECT_FAILS(iterate("other", map_.get()), EBPF_ERROR_UNSUPPORTED, EINVAL,
                 "does not iterate over the entries of a map");
    const auto queue = create([] {
        auto d = define(EBPF_MAP_TYPE_QUEUE, 2);
        d.key_size = 0;
        return d;
    }());
    EXPECT_FAILS(iterate("dump", queue.get()), EBPF_ERROR_UNSUPPORTED, EINVAL, "queue");
    EXPECT_FAILS(iterate("dump", nullptr), EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "map is NULL");
    EXPECT_FAILS(ebpf_program_iterate(ebpf_object_find_program(object_.get(), "dump"), map_.get(),
                                      nullptr, nullptr),
                 EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "text is NULL");
    const object_ptr unloaded = open(dumping);
    char *text = nullptr;
    EXPECT_FAILS(ebpf_program_iterate(ebpf_object_find_program(unloaded.get(), "dump"), map_.get(),
                                      &text, nullptr),
                 EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "program 'dump' is not loaded");
}

// --- linking

TEST_P(iterators, of_other_objects_are_linked) {
    const object_ptr first = open(
        "extern int twice(int x); u32 begin = 20;\n"
        "SEC(\"raw_tp\") int f(void *ctx) { return twice(begin); }");
    const object_ptr second = open("int twice(int x) { return x * 2; }");
    const uint32_t begin = 21;
    ASSERT_EQ(ebpf_object_set_global(first.get(), "begin", &begin, sizeof begin), 0);
    const std::array<ebpf_object *, 2> both{first.get(), second.get()};
    const object_ptr linked{ebpf_object_link(both.data(), both.size())};
    ASSERT_NE(linked, nullptr) << ebpf_last_error();
    const auto o = options();
    ASSERT_EQ(ebpf_object_load(linked.get(), &o), 0) << ebpf_last_error();
    EXPECT_EQ(run(linked, "f"), 42);
    EXPECT_LT(ebpf_object_load(first.get(), &o), 0) << "alone it lacks a function";
    const std::array<ebpf_object *, 2> twice{second.get(), second.get()};
    EXPECT_FAILS(ebpf_object_link(twice.data(), 2), nullptr, EINVAL, "twice");
    const std::array<ebpf_object *, 2> loaded{linked.get(), second.get()};
    EXPECT_FAILS(ebpf_object_link(loaded.data(), 2), nullptr, EINVAL, "loaded already");
    EXPECT_FAILS(ebpf_object_link(nullptr, 1), nullptr, EINVAL, "no objects");
    const std::array<ebpf_object *, 1> none{};
    EXPECT_FAILS(ebpf_object_link(none.data(), 1), nullptr, EINVAL, "an object is NULL");
}

// --- bytecode

class lists_of_maps : public on_engines {};
ON_ENGINES(lists_of_maps);

TEST_P(lists_of_maps, are_for_bytecode) {
    const map_ptr map = create(define(EBPF_MAP_TYPE_ARRAY, 2));
    ASSERT_EQ(update(map.get(), 0, 40), 0);
    ebpf_map *const maps[] = {map.get()};
    ebpf_map_list *const list = ebpf_map_list_create(maps, 1);
    ASSERT_NE(list, nullptr) << ebpf_last_error();
    ebpf_vm *const vm = ebpf_create(GetParam());
    ASSERT_NE(vm, nullptr);
    ASSERT_EQ(ebpf_map_list_attach(list, vm), 0) << ebpf_last_error();
    // lddw r1, map_by_idx(0); stw [r10-4], 0; mov r2, r10; add r2, -4; call 1; ldxdw r0, [r0]; exit
    constexpr auto code = std::to_array<uint64_t>(
        {0x5118, 0, 0xfffc0a62, 0xa2bf, 0xfffffffc00000207, 0x100000085, 0x79, 0x95});
    ASSERT_EQ(ebpf_load(vm, code.data(), sizeof code, nullptr), 0) << ebpf_last_error();
    int64_t r0 = 0;
    EXPECT_EQ(ebpf_exec(vm, nullptr, 0, &r0), 0) << ebpf_last_error();
    EXPECT_EQ(r0, 40);
    ebpf_destroy(vm);
    ebpf_map_list_close(list);
    ebpf_map *const nothing[] = {nullptr};
    EXPECT_FAILS(ebpf_map_list_create(nothing, 1), nullptr, EINVAL, "map 0 is NULL");
    EXPECT_FAILS(ebpf_map_list_create(nullptr, 1), nullptr, EINVAL, "map 0 is NULL");
    EXPECT_FAILS(ebpf_map_list_attach(nullptr, nullptr), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "list is NULL");
    ebpf_map_list_close(nullptr);
}

}  // namespace

}  // namespace runtime_c_api
