// bpftime-vm: which programs may be in an array with which others, compared with the running kernel
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compile.hpp"
#include "engines.hpp"
#include "kernel_side.hpp"
#include "runtime/loaded_object.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include <bpf/libbpf.h>

namespace bpftime::vm::differential {

namespace {

constexpr std::string_view source = R"c(
#include "packet.h"
int target(void *ctx);
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 2);
    __uint(key_size, 4);
    __array(values, int(void *));
} jumps SEC(".maps") = {.values = {[1] = (void *)&target}};
SEC(CALLER) int caller(void *ctx) { bpf_tail_call(ctx, &jumps, 1); return 1; }
SEC(TARGET) int target(void *ctx) { return 1; }
char _license[] SEC("license") = "GPL";
)c";

bool loads_in_kernel(const bytes &image) {
    libbpf_set_print(nullptr);
    const std::unique_ptr<bpf_object, void (*)(bpf_object *)> object{
        bpf_object__open_mem(image.data(), image.size(), nullptr), bpf_object__close};
    return object != nullptr and bpf_object__load(object.get()) == 0;
}

TEST(arrays_of_programs, are_for_the_types_that_they_are_for_in_the_kernel) {
    if (const auto why = why_no_kernel(); not why.empty()) GTEST_SKIP() << why;
    constexpr const char *sections[] = {"xdp",      "tc",     "action",     "socket", "cgroup/skb",
                                        "lwt_xmit", "raw_tp", "perf_event", "kprobe"};
    for (const std::string caller : sections) {
        for (const std::string target : sections) {
            const bytes image = object::test::compile(
                "#define CALLER \"" + caller + "\"\n#define TARGET \"" + target + "\"\n" +
                    std::string{source},
                "-O2 -g -mcpu=v3 -I " DIFFERENTIAL_PROGRAMS " -isystem " BPF_INCLUDES);
            const bool expected = loads_in_kernel(image);
            EXPECT_EQ(expected, caller == target) << caller << " to " << target;
            const auto file = object::object_file::parse(image);
            ASSERT_TRUE(file) << file.error().message;
            for (const vm::test::engine &e : vm::test::engines()) {
                const auto object = runtime::loaded_object::load(*file, {.backend = e.backend});
                EXPECT_EQ(object.has_value(), expected)
                    << caller << " to " << target << " on " << e.name << ": "
                    << (object ? "loaded" : object.error().message);
            }
        }
    }
}

}  // namespace

}  // namespace bpftime::vm::differential
