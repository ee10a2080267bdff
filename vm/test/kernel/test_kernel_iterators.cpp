// bpftime-vm: programs that iterate over maps, compared with the running kernel
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compile.hpp"
#include "engines.hpp"
#include "kernel_side.hpp"
#include "runtime/iterator.hpp"
#include "runtime/loaded_object.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace bpftime::vm::differential {

namespace {

/// Formats and bytes about each entry, changes to its value, and the end.
constexpr std::string_view source = R"c(
#include "packet.h"
#include <bpf/bpf_core_read.h>
struct seq_file;
struct bpf_map;
struct bpf_iter_meta {
    struct seq_file *seq;
    __u64 session_id;
    __u64 seq_num;
} __attribute__((preserve_access_index));
struct bpf_iter__bpf_map_elem {
    struct bpf_iter_meta *meta;
    struct bpf_map *map;
    void *key;
    void *value;
} __attribute__((preserve_access_index));
struct value { __u32 number; char text[12]; };
/// What a value is printed as, too: a type of the kernel's.
struct timespec64 { long long tv_sec; long tv_nsec; };
struct { MAP(TYPE, __u32, struct value, 8); } values SEC(".maps");
#define PRINT(seq, format, ...)                                        \
    ({                                                                 \
        static const char text[] = format;                             \
        __u64 words[] = {__VA_ARGS__};                                 \
        bpf_seq_printf(seq, text, sizeof text, words, sizeof words);   \
    })
SEC("iter/bpf_map_elem") int f(struct bpf_iter__bpf_map_elem *ctx) {
    struct seq_file *seq = ctx->meta->seq;
    __u32 *key = ctx->key;
    struct value *v = ctx->value;
    if (!key || !v) {
        PRINT(seq, "end after %llu\n", ctx->meta->seq_num);
        return 0;
    }
    __u32 number = v->number;
    static const char name[] = "text";
    PRINT(seq, "%u: %d %5d|%-6x|%08llx %c %s %pI4 %%", *key, number, -number, number,
          (__u64)number << 20, 'a' + *key, (__u64)name, (__u64)&number);
    long failed = bpf_seq_write(seq, v->text, sizeof v->text - 1);
    __u64 word = 7;
    static const char one[] = "%d";
    failed = failed * 100 + bpf_seq_printf(seq, one, sizeof one, &word, 7);
    struct btf_ptr as_time = {.ptr = v, .type_id = bpf_core_type_id_kernel(struct timespec64)};
    failed = failed * 100 + bpf_seq_printf_btf(seq, &as_time, sizeof as_time, BTF_F_COMPACT);
    failed = failed * 100 + bpf_seq_printf_btf(seq, &as_time, sizeof as_time, 1 << 4);
    PRINT(seq, " %d\n", failed);
#if !PERCPU
    v->number += 1000;
#endif
    return 0;
}
)c";

struct value {
    uint32_t number;
    char text[12];
};

value value_of(uint32_t key, uint32_t cpu) {
    value v{.number = key * 77 + cpu, .text = {}};
    std::strcpy(v.text, "bytes");
    v.text[7] = static_cast<char>('0' + key);
    return v;
}

struct iterated {
    std::multiset<std::string> lines;
    std::vector<uint32_t> numbers;  ///< of the keys 0, 1, .. afterwards
};

std::multiset<std::string> lines_of(const std::string &text) {
    std::multiset<std::string> lines;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) lines.insert(line);
    return lines;
}

constexpr uint32_t entries = 6;

/// A value for the host's commands: one for each of so many CPUs.
bytes host_value(uint32_t key, std::size_t size) {
    bytes all(size);
    for (std::size_t at = 0; at + sizeof(value) <= size; at += sizeof(value)) {
        const value v = value_of(key, static_cast<uint32_t>(at / sizeof(value)));
        std::memcpy(&all[at], &v, sizeof v);
    }
    return all;
}

uint32_t number_in(const bytes &value) {
    uint32_t number = 0;
    std::memcpy(&number, value.data(), sizeof number);
    return number;
}

std::string read_all(int fd) {
    std::string text;
    char part[4096];
    for (ssize_t n = 0; (n = read(fd, part, sizeof part)) > 0;)
        text.append(part, static_cast<std::size_t>(n));
    return text;
}

/// Kernels may be configured to take no program of this type from anybody.
struct not_permitted : std::runtime_error {
    using runtime_error::runtime_error;
};

/// What libbpf refused, with the errno.
void require(bool is_there, const char *what) {
    if (not is_there and errno == EPERM)
        throw not_permitted{std::string{what} + ": " + std::strerror(errno)};
    if (not is_there) throw std::runtime_error{std::string{what} + ": " + std::strerror(errno)};
}

iterated in_kernel(const bytes &image, bool percpu) {
    iterated out;
    const std::unique_ptr<bpf_object, void (*)(bpf_object *)> object{
        bpf_object__open_mem(image.data(), image.size(), nullptr), bpf_object__close};
    require(object != nullptr, "opening the object");
    require(bpf_object__load(object.get()) == 0, "loading the object");
    const int map = bpf_object__find_map_fd_by_name(object.get(), "values");
    const std::size_t size =
        sizeof(value) * (percpu ? static_cast<std::size_t>(libbpf_num_possible_cpus()) : 1);
    for (uint32_t key = 0; key < entries; ++key) {
        require(bpf_map_update_elem(map, &key, host_value(key, size).data(), 0) == 0,
                "updating the map");
    }
    bpf_iter_link_info info{};
    info.map.map_fd = static_cast<uint32_t>(map);
    LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info, .link_info_len = sizeof info);
    const std::unique_ptr<bpf_link, int (*)(bpf_link *)> link{
        bpf_program__attach_iter(bpf_object__find_program_by_name(object.get(), "f"), &options),
        bpf_link__destroy};
    require(link != nullptr, "attaching the iterator");
    const int fd = bpf_iter_create(bpf_link__fd(link.get()));
    require(fd >= 0, "making an iterator");
    out.lines = lines_of(read_all(fd));
    close(fd);
    for (uint32_t key = 0; key < entries; ++key) {
        bytes value(size);
        if (bpf_map_lookup_elem(map, &key, value.data()) == 0)
            out.numbers.push_back(number_in(value));
    }
    return out;
}

iterated here(const bytes &image, const std::string &backend) {
    const auto file = object::object_file::parse(image);
    auto target = object::btf::read_file("/sys/kernel/btf/vmlinux");
    if (not target) {
        ADD_FAILURE() << target.error().message;
        return {};
    }
    const auto object = runtime::loaded_object::load(
        *file,
        {.backend = backend, .target = std::make_shared<const object::btf>(std::move(*target))});
    if (not object) {
        ADD_FAILURE() << object.error().message;
        return {};
    }
    // The program does not name it, so the object does not make it.
    const auto declared = std::ranges::find_if(
        file->maps(), [](const auto &m) { return m.definition.name == "values"; });
    const auto map = runtime::map::create(declared->definition).value();
    const auto key_of = [](uint32_t key) {
        bytes k(sizeof key);
        std::memcpy(k.data(), &key, sizeof key);
        return k;
    };
    for (uint32_t key = 0; key < entries; ++key)
        EXPECT_TRUE(map->update(key_of(key), host_value(key, map->host_value_size())));
    const auto text = runtime::iterate(*object->find_program("f"), map);
    EXPECT_TRUE(text) << text.error().message;
    iterated out{.lines = lines_of(text.value_or("")), .numbers = {}};
    for (uint32_t key = 0; key < entries; ++key) {
        if (const auto found = map->lookup(key_of(key))) out.numbers.push_back(number_in(*found));
    }
    return out;
}

void compare_all_types() {
    for (const char *const type : {"HASH", "ARRAY", "LRU_HASH", "PERCPU_HASH", "PERCPU_ARRAY"}) {
        const bool percpu = std::string_view{type}.starts_with("PERCPU");
        const bytes image = object::test::compile(
            std::string{"#define TYPE BPF_MAP_TYPE_"} + type + "\n#define PERCPU " +
                (percpu ? "1" : "0") + std::string{source},
            "-O2 -g -mcpu=v3 -I " DIFFERENTIAL_PROGRAMS " -isystem " BPF_INCLUDES);
        const iterated expected = in_kernel(image, percpu);
        EXPECT_GE(expected.lines.size(), entries + 1);
        for (const vm::test::engine &e : vm::test::engines()) {
            const iterated found = here(image, e.backend);
            EXPECT_EQ(found.lines, expected.lines) << type << " " << e.name;
            EXPECT_EQ(found.numbers, expected.numbers) << type << " " << e.name;
        }
    }
}

TEST(iterators, write_what_they_write_in_the_kernel) {
    if (const auto why = why_no_kernel(); not why.empty()) GTEST_SKIP() << why;
    try {
        compare_all_types();
    } catch (const not_permitted &e) {
        GTEST_SKIP() << "SKIPPED: this kernel takes no iterators: " << e.what();
    }
}

}  // namespace

}  // namespace bpftime::vm::differential
