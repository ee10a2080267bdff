// bpftime-vm: what the tests of the C API of objects and maps share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include "compile.hpp"

#include <map>

namespace runtime_c_api {

namespace {

constexpr std::string_view prologue = R"(
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name
#define __array(name, value) typeof(value) *name[]
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
static void *(*lookup)(void *map, const void *key) = (void *)1;
static long (*update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*trace)(const char *format, u32 size, ...) = (void *)6;
static long (*tail_call)(void *context, void *map, u32 index) = (void *)12;
static long (*redirect)(u32 index, u64 flags) = (void *)23;
static long (*send_event)(void *context, void *map, u64 flags, void *data, u64 size) = (void *)25;
static long (*output)(void *ring, void *data, u64 size, u64 flags) = (void *)130;
)";

}  // namespace

const bytes &compiled(std::string_view source) {
    static std::map<std::string, bytes, std::less<>> known;
    const auto at = known.find(source);
    if (at != known.end()) return at->second;
    const std::string whole = std::string{prologue} + std::string{source};
    return known.emplace(source, bpftime::vm::object::test::compile(whole)).first->second;
}

object_ptr open(std::string_view source) {
    const bytes &file = compiled(source);
    object_ptr object{ebpf_object_open(file.data(), file.size())};
    EXPECT_NE(object, nullptr) << ebpf_last_error();
    return object;
}

ebpf_map_definition define(uint32_t type, uint32_t max_entries) {
    auto d = sized<ebpf_map_definition>();
    d.name = "test";
    d.type = type;
    d.key_size = 4;
    d.value_size = 8;
    d.max_entries = max_entries;
    return d;
}

map_ptr create(const ebpf_map_definition &definition) {
    map_ptr map{ebpf_map_create(&definition)};
    EXPECT_NE(map, nullptr) << ebpf_last_error();
    return map;
}

ebpf_map_info info_of(const ebpf_map *map) {
    auto info = sized<ebpf_map_info>();
    EXPECT_EQ(ebpf_map_get_info(map, &info), 0) << ebpf_last_error();
    return info;
}

ebpf_program_info info_of(const ebpf_program *program) {
    auto info = sized<ebpf_program_info>();
    EXPECT_EQ(ebpf_program_get_info(program, &info), 0) << ebpf_last_error();
    return info;
}

uint64_t value_of(ebpf_map *map, uint32_t key) {
    uint64_t value = 0;
    EXPECT_EQ(ebpf_map_lookup_elem(map, &key, sizeof key, &value, sizeof value, 0), 0)
        << ebpf_last_error();
    return value;
}

int update(ebpf_map *map, uint32_t key, uint64_t value, uint64_t flags) {
    return ebpf_map_update_elem(map, &key, sizeof key, &value, sizeof value, flags);
}

object_ptr on_engines::load(std::string_view source) {
    object_ptr object = open(source);
    const auto o = options();
    EXPECT_EQ(ebpf_object_load(object.get(), &o), 0) << ebpf_last_error();
    return object;
}

int64_t on_engines::run(const object_ptr &object, const char *program) {
    int64_t r0 = 0;
    EXPECT_EQ(ebpf_program_run(ebpf_object_find_program(object.get(), program), nullptr, 0, &r0), 0)
        << ebpf_last_error();
    return r0;
}

std::vector<const char *> backends() {
#ifdef TEST_LLVM_BACKEND
    return {"ubpf", "llvm"};
#else
    return {"ubpf"};
#endif
}

}  // namespace runtime_c_api
