// bpftime-vm: objects in C: opened, loaded, their programs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

using testing::HasSubstr;

namespace runtime_c_api {

namespace {

constexpr std::string_view counting = R"(
struct { __uint(type, 1); __uint(max_entries, 8); __type(key, u32); __type(value, u64); } seen SEC(".maps");
u64 total = 5;
SEC("raw_tp") int count(void *ctx) {
    u32 key = 3;
    u64 one = 1, *value = lookup(&seen, &key);
    if (value) *value += 1; else update(&seen, &key, &one, 0);
    return total++;
}
SEC("raw_tp") int read(u64 *ctx) { return total + ctx[0]; }
SEC("?raw_tp") int optional(void *ctx) { return 7; }
SEC("license") char _license[] = "Dual MIT/GPL";
)";

class objects : public on_engines {};
ON_ENGINES(objects);

TEST_P(objects, run_their_programs) {
    const object_ptr object = load(counting);
    EXPECT_EQ(run(object, "count"), 5);
    EXPECT_EQ(run(object, "count"), 6);
    EXPECT_EQ(value_of(ebpf_object_find_map(object.get(), "seen"), 3), 2U);
    uint64_t memory = 100;
    int64_t r0 = 0;
    ebpf_program *const read = ebpf_object_find_program(object.get(), "read");
    EXPECT_EQ(ebpf_program_run(read, &memory, sizeof memory, &r0), 0) << ebpf_last_error();
    EXPECT_EQ(r0, 107);
    EXPECT_STREQ(ebpf_get_vm_name(ebpf_program_vm(read)), GetParam());
    EXPECT_STREQ(ebpf_object_license(object.get()), "Dual MIT/GPL");
}

TEST_P(objects, are_read_from_files) {
    const auto path = std::filesystem::temp_directory_path() /
                      ("bpftime-vm-c-api-" + std::to_string(getpid()) + ".o");
    const bytes &file = compiled(counting);
    std::ofstream{path, std::ios::binary}.write(reinterpret_cast<const char *>(file.data()),
                                                static_cast<std::streamsize>(file.size()));
    const object_ptr object{ebpf_object_open_file(path.c_str())};
    std::filesystem::remove(path);
    ASSERT_NE(object, nullptr) << ebpf_last_error();
    const auto o = options();
    ASSERT_EQ(ebpf_object_load(object.get(), &o), 0) << ebpf_last_error();
    EXPECT_EQ(run(object, "count"), 5);
}

TEST_P(objects, fault_where_programs_do) {
    const object_ptr object = load(counting);
    ebpf_program *const read = ebpf_object_find_program(object.get(), "read");
    int64_t r0 = 77;
    EXPECT_FAILS(ebpf_program_run(read, nullptr, 0, &r0), EBPF_ERROR_FAULT, EINVAL,
                 "out_of_bounds_read");
    EXPECT_EQ(r0, 77);
    ebpf_fault fault{};
    EXPECT_EQ(ebpf_last_fault(&fault), 1);
    EXPECT_EQ(fault.kind, uint32_t{EBPF_FAULT_OUT_OF_BOUNDS_READ});
}

TEST_P(objects, tell_where_in_the_source_programs_fault) {
    const object_ptr object = load(R"(
static __attribute__((noinline)) int parse(volatile u32 *at) { return *at; }
SEC("raw_tp") int f(void *ctx) { return parse((void *)8); }
SEC("raw_tp") int g(void *ctx) { return 1; }
)");
    EXPECT_FAILS(ebpf_program_run(ebpf_object_find_program(object.get(), "f"), nullptr, 0, nullptr),
                 EBPF_ERROR_FAULT, EINVAL, "in function parse (");
    ebpf_fault_source source{};
    ASSERT_EQ(ebpf_last_fault_source(&source), 1);
    EXPECT_STREQ(source.function, "parse");
    EXPECT_THAT(source.text, HasSubstr("return *at; }"));
    EXPECT_THAT(source.file, HasSubstr("/"));
    EXPECT_GT(source.line, 1U);
    EXPECT_GT(source.column, 1U);
    EXPECT_STREQ(source.note, "");
    EXPECT_EQ(ebpf_last_fault_source(nullptr), 1);
    EXPECT_EQ(run(object, "g"), 1);
    EXPECT_EQ(ebpf_last_fault_source(&source), 0);
    EXPECT_STREQ(source.function, "");
}

TEST_P(objects, say_what_the_target_lacks) {
    const object_ptr object = load(R"(
extern int bpf_weak_thing(int) SEC(".ksyms") __attribute__((weak));
SEC("raw_tp") int f(void *ctx) { return bpf_weak_thing(1); }
)");
    ebpf_program *const f = ebpf_object_find_program(object.get(), "f");
    EXPECT_FAILS(ebpf_program_run(f, nullptr, 0, nullptr), EBPF_ERROR_FAULT, EINVAL,
                 "bpf_weak_thing");
    ebpf_fault fault{};
    EXPECT_EQ(ebpf_last_fault(&fault), 1);
    EXPECT_EQ(fault.kind, uint32_t{EBPF_FAULT_UNAVAILABLE});
    EXPECT_THAT(ebpf_program_why_unavailable(f, fault.pc), HasSubstr("bpf_weak_thing"));
    ebpf_fault_source source{};
    EXPECT_EQ(ebpf_last_fault_source(&source), 1);
    EXPECT_THAT(source.note, HasSubstr("bpf_weak_thing"));
    EXPECT_STREQ(ebpf_program_why_unavailable(f, fault.pc + 1), "");
}

TEST_P(objects, take_limits_and_helpers_of_the_host) {
    const object_ptr object = open(R"(
SEC("raw_tp") int f(void *ctx) { return ((long (*)(u64))4321)(8); }
SEC("raw_tp") int spin(void *ctx) { for (;;) ; }
)");
    auto o = options();
    EXPECT_FAILS(ebpf_object_load(object.get(), &o), EBPF_ERROR_UNSUPPORTED, EINVAL, "helper 4321");
    ebpf_helper twice{};
    twice.id = 4321;
    twice.name = "twice";
    twice.fn = [](uint64_t n, uint64_t, uint64_t, uint64_t, uint64_t) { return 2 * n; };
    o.helpers = &twice;
    o.helper_count = 1;
    o.instruction_limit = 1000;
    int configured = 0;
    o.configure_context = &configured;
    o.configure = [](void *context, ebpf_vm *vm) {
        ++*static_cast<int *>(context);
        return ebpf_set_call_depth(vm, 4);
    };
    ASSERT_EQ(ebpf_object_load(object.get(), &o), 0)
        << "a failure leaves it as it was: " << ebpf_last_error();
    EXPECT_EQ(configured, 2);
    EXPECT_EQ(run(object, "f"), 16);
    ebpf_program *const spin = ebpf_object_find_program(object.get(), "spin");
    EXPECT_FAILS(ebpf_program_run(spin, nullptr, 0, nullptr), EBPF_ERROR_FAULT, EINVAL,
                 "instruction_limit");
}

TEST_P(objects, are_not_loaded_if_the_host_does_not_want_to) {
    const object_ptr object = open(counting);
    auto o = options();
    o.configure = [](void *, ebpf_vm *) { return -5; };
    EXPECT_FAILS(ebpf_object_load(object.get(), &o), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "configure() gave -5");
    o = options();
    o.max_insns = EBPF_MOST_INSTS + 1;
    EXPECT_FAILS(ebpf_object_load(object.get(), &o), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "number of instructions 16777217");
    o = options();
    o.backend = "no-such-backend";
    EXPECT_FAILS(ebpf_object_load(object.get(), &o), EBPF_ERROR_UNSUPPORTED, EINVAL,
                 "no-such-backend");
}

TEST_P(objects, tell_what_programs_print) {
    const object_ptr object = open(R"(
SEC("raw_tp") int f(void *ctx) { char format[] = "seen %d"; return trace(format, sizeof format, 7); }
)");
    std::string printed;
    auto o = options();
    o.trace_context = &printed;
    o.trace = [](void *context, const char *text, size_t size) {
        static_cast<std::string *>(context)->append(text, size);
    };
    ASSERT_EQ(ebpf_object_load(object.get(), &o), 0) << ebpf_last_error();
    run(object, "f");
    EXPECT_EQ(printed, "seen 7");
}

TEST_P(objects, run_timers_when_the_host_says_so) {
    constexpr std::string_view source = R"(
struct bpf_timer { u64 opaque[2]; } __attribute__((aligned(8)));
struct element { struct bpf_timer timer; };
struct { __uint(type, 2); __uint(max_entries, 1); __type(key, u32); __type(value, struct element); } timers SEC(".maps");
u64 total;
static int called(void *map, u32 *key, struct element *e) { total++; return 0; }
SEC("raw_tp") int start(void *ctx) {
    struct element *e = lookup(&timers, &(u32){0});
    if (!e) return -1;
    ((long (*)(void *, void *, u64))169)(&e->timer, &timers, 1);
    ((long (*)(void *, void *))170)(&e->timer, called);
    return ((long (*)(void *, u64, u64))171)(&e->timer, 0, 0);
}
)";
    const object_ptr object = open(source);
    uint64_t wait = 77;
    EXPECT_FAILS(ebpf_object_run_timers(object.get()), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "the object is not loaded");
    EXPECT_FAILS(ebpf_object_next_timer(object.get(), &wait), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "the object is not loaded");
    const auto o = options();
    ASSERT_EQ(ebpf_object_load(object.get(), &o), 0) << ebpf_last_error();
    EXPECT_EQ(ebpf_object_next_timer(object.get(), &wait), 0);
    EXPECT_EQ(ebpf_object_run_timers(object.get()), 0);
    EXPECT_EQ(run(object, "start"), 0);
    EXPECT_EQ(ebpf_object_next_timer(object.get(), &wait), 1);
    EXPECT_EQ(wait, 0U);
    EXPECT_EQ(ebpf_object_run_timers(object.get()), 1);
    uint64_t total = 0;
    ASSERT_EQ(ebpf_object_get_global(object.get(), "total", &total, sizeof total), 0);
    EXPECT_EQ(total, 1U);
    EXPECT_EQ(ebpf_object_next_timer(object.get(), nullptr), 0);
}

TEST_P(objects, take_kernel_functions_of_the_host) {
    const object_ptr object = open(R"(
extern u64 host_thrice(u64 n) SEC(".ksyms");
SEC("raw_tp") int f(void *ctx) { return host_thrice(5); }
)");
    auto o = options();
    EXPECT_FAILS(ebpf_object_load(object.get(), &o), EBPF_ERROR_UNSUPPORTED, EINVAL, "host_thrice");
    ebpf_helper thrice{};
    thrice.name = "host_thrice";
    thrice.fn = [](uint64_t n, uint64_t, uint64_t, uint64_t, uint64_t) { return 3 * n; };
    o.kernel_function_count = 1;
    EXPECT_FAILS(ebpf_object_load(object.get(), &o), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "kernel_functions is NULL");
    o.kernel_functions = &thrice;
    ASSERT_EQ(ebpf_object_load(object.get(), &o), 0) << ebpf_last_error();
    EXPECT_EQ(run(object, "f"), 15);
}

TEST_P(objects, have_the_types_of_a_target) {
    constexpr std::string_view reader = R"(
struct task { u32 pid; } __attribute__((preserve_access_index));
SEC("raw_tp") int f(struct task *task) { return task->pid; }
)";
    const bytes &target = compiled(
        "struct task { u64 before; u32 pid; }; struct task task; "
        "SEC(\"raw_tp\") int g(void *ctx) { return task.pid; }");
    struct {
        uint64_t before = 1;
        uint32_t pid = 2;
    } task;
    const object_ptr object = open(reader);
    auto o = options();
    o.target_btf = target.data();
    o.target_btf_size = target.size();
    o.target_btf_path = "/nowhere";
    EXPECT_FAILS(ebpf_object_load(object.get(), &o), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "target_btf and target_btf_path are both given");
    o.target_btf = nullptr;
    EXPECT_FAILS(ebpf_object_load(object.get(), &o), EBPF_ERROR_NOT_FOUND, EINVAL, "/nowhere");
    o.target_btf = target.data();
    o.target_btf_path = nullptr;
    o.target_btf_size = 30;
    EXPECT_LT(ebpf_object_load(object.get(), &o), 0);
    o.target_btf_size = target.size();
    ASSERT_EQ(ebpf_object_load(object.get(), &o), 0) << ebpf_last_error();
    int64_t r0 = 0;
    EXPECT_EQ(
        ebpf_program_run(ebpf_object_find_program(object.get(), "f"), &task, sizeof task, &r0), 0);
    EXPECT_EQ(r0, 2);
}

TEST_P(objects, run_on_many_threads) {
    const object_ptr object = load(R"(
struct { __uint(type, 2); __uint(max_entries, 1); __type(key, u32); __type(value, u64); } sum SEC(".maps");
u64 total;
SEC("raw_tp") int add(u64 *ctx) {
    u64 *value = lookup(&sum, &(u32){0});
    if (value) __sync_fetch_and_add(value, ctx[0]);
    return __sync_fetch_and_add(&total, 1);
}
)");
    ebpf_program *const add = ebpf_object_find_program(object.get(), "add");
    constexpr uint64_t runs = 2000;
    std::vector<std::thread> threads;
    for (uint64_t n = 1; n <= 4; ++n) {
        threads.emplace_back([add, n] {
            uint64_t memory = n;
            for (uint64_t i = 0; i < runs; ++i)
                EXPECT_EQ(ebpf_program_run(add, &memory, sizeof memory, nullptr), 0);
        });
    }
    for (uint64_t total = 0; total < 4 * runs;) {
        const uint64_t before = total;
        ASSERT_EQ(ebpf_object_get_global(object.get(), "total", &total, sizeof total), 0);
        EXPECT_GE(total, before);
    }
    for (std::thread &t : threads) t.join();
    EXPECT_EQ(value_of(ebpf_object_find_map(object.get(), "sum"), 0), runs * (1 + 2 + 3 + 4));
}

TEST_P(objects, are_loaded_once) {
    const object_ptr object = load(counting);
    const auto o = options();
    EXPECT_FAILS(ebpf_object_load(object.get(), &o), EBPF_ERROR_ALREADY_EXISTS, EINVAL,
                 "ebpf_object_load(): the object is loaded already");
    EXPECT_FAILS(ebpf_program_set_autoload(ebpf_object_next_program(object.get(), nullptr), false),
                 EBPF_ERROR_ALREADY_EXISTS, EINVAL, "loaded already");
}

TEST_P(objects, load_the_programs_that_are_wanted) {
    const object_ptr object = open(counting);
    ebpf_program *const count = ebpf_object_find_program(object.get(), "count");
    ebpf_program *const optional = ebpf_object_find_program(object.get(), "optional");
    EXPECT_EQ(info_of(count).is_loaded, 1U);
    EXPECT_EQ(info_of(optional).is_loaded, 0U);
    ASSERT_EQ(ebpf_program_set_autoload(count, false), 0);
    ASSERT_EQ(ebpf_program_set_autoload(optional, true), 0);
    const auto o = options();
    ASSERT_EQ(ebpf_object_load(object.get(), &o), 0) << ebpf_last_error();
    EXPECT_EQ(info_of(count).is_loaded, 0U);
    EXPECT_EQ(run(object, "optional"), 7);
    EXPECT_FAILS(ebpf_program_run(count, nullptr, 0, nullptr), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                 "program 'count' is not loaded");
    EXPECT_EQ(ebpf_program_vm(count), nullptr);
    EXPECT_EQ(ebpf_program_why_unavailable(count, 0), nullptr);
    ebpf_map *const seen = ebpf_object_find_map(object.get(), "seen");
    EXPECT_FAILS(update(seen, 1, 1), EBPF_ERROR_NOT_FOUND, EINVAL,
                 "map 'seen' is not there: no program that was loaded can reach it");
}

TEST(programs, are_listed) {
    const object_ptr object = open(counting);
    std::vector<std::string> names;
    for (ebpf_program *p = nullptr; (p = ebpf_object_next_program(object.get(), p)) != nullptr;) {
        names.emplace_back(info_of(p).name);
        EXPECT_EQ(ebpf_object_find_program(object.get(), info_of(p).name), p);
    }
    EXPECT_EQ(names, (std::vector<std::string>{"count", "read", "optional"}));
    const auto info = info_of(ebpf_object_find_program(object.get(), "read"));
    EXPECT_STREQ(info.section, "raw_tp");
    EXPECT_EQ(info.type, 17U);
    EXPECT_GT(info.insn_count, 2U);
    EXPECT_EQ(info.takes_packets, 0U);
    EXPECT_FAILS(ebpf_object_find_program(object.get(), "n\none"), nullptr, EINVAL,
                 "the object has no program 'n\\x0aone'");
    const object_ptr other = open(counting);
    EXPECT_FAILS(
        ebpf_object_next_program(object.get(), ebpf_object_find_program(other.get(), "count")),
        nullptr, EINVAL, "the handle is of another object");
}

TEST(objects_without_programs, are_not_loaded) {
    const object_ptr object = open("u64 total = 5;");
    EXPECT_EQ(ebpf_object_next_program(object.get(), nullptr), nullptr);
    EXPECT_FAILS(ebpf_object_load(object.get(), nullptr), EBPF_ERROR_NOT_FOUND, EINVAL,
                 "no program is to be loaded");
}

TEST(objects_without_options, get_the_best_backend) {
    const object_ptr object = open(counting);
    ASSERT_EQ(ebpf_object_load(object.get(), nullptr), 0) << ebpf_last_error();
    const char *best = nullptr;
    ASSERT_GT(ebpf_list_vms(&best, 1), 0U);
    EXPECT_STREQ(ebpf_get_vm_name(ebpf_program_vm(ebpf_object_find_program(object.get(), "count"))),
                 best);
}

}  // namespace

}  // namespace runtime_c_api
