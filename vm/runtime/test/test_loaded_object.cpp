// bpftime-vm: objects that clang makes, run with their maps on every engine
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/fault.hpp"
#include "compile.hpp"
#include "engines.hpp"
#include "programs.hpp"
#include "runtime/loaded_object.hpp"
#include "runtime/packet.hpp"
#include "support.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace bpftime::vm::runtime::test {

using compat::fault_kind;
using object::object_file;
using testing::HasSubstr;
using vm::test::engine;

namespace {

constexpr std::string_view loader_prologue = R"(
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name
#define __array(name, value) typeof(value) *name[]
typedef unsigned int u32;
typedef unsigned long long u64;
static void *(*lookup)(void *map, const void *key) = (void *)1;
static long (*update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*output)(void *ring, void *data, u64 size, u64 flags) = (void *)130;
)";

object_file parse(std::string_view source) {
    auto file = object_file::parse(object::test::compile(
        std::string{loader_prologue} + std::string{source}, "-O2 -g -mcpu=v3", "c"));
    if (not file) throw std::runtime_error{file.error().message};
    return std::move(*file);
}

class loaded : public testing::TestWithParam<engine> {
protected:
    loaded_object load(const object_file &file, load_options options = {}) {
        options.backend = GetParam().backend;
        auto object = loaded_object::load(file, options);
        if (not object) throw std::runtime_error{object.error().message};
        return std::move(*object);
    }
    std::string refusal(const object_file &file) {
        const auto object = loaded_object::load(file, {.backend = GetParam().backend});
        return object ? "" : object.error().message;
    }
    static uint64_t run(const loaded_object &object, std::string_view name) {
        const loaded_program *const program = object.find_program(name);
        EXPECT_NE(program, nullptr) << name;
        int64_t r0 = 0;
        EXPECT_EQ(program->vm->exec(nullptr, 0, r0), 0) << program->vm->error_message();
        return static_cast<uint64_t>(r0);
    }
};

INSTANTIATE_TEST_SUITE_P(engines, loaded, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

constexpr std::string_view counting = R"(
struct { __uint(type, 1); __uint(max_entries, 8); __type(key, u32); __type(value, u64); } seen SEC(".maps");
struct { __uint(type, 15); __uint(max_entries, 8); __type(key, u32); __type(value, u32); } sockets SEC(".maps");
volatile const u32 step = 1;
u64 total = 5;
u64 zeros;
SEC("socket") int count(void *ctx) {
    u32 key = 3;
    u64 one = step, *value = lookup(&seen, &key);
    if (value) *value += step; else update(&seen, &key, &one, 0);
    zeros++;
    return total += step;
}
SEC("socket") int read(void *ctx) { return total; }
)";

}  // namespace

TEST_P(loaded, makes_maps_that_the_host_wants) {
    const object_file file = parse(R"(
struct { __uint(type, 1); __uint(max_entries, 4); __type(key, u32); __type(value, u64); } used SEC(".maps");
struct { __uint(type, 2); __uint(max_entries, 4); __type(key, u32); __type(value, u64); } unused SEC(".maps");
SEC("raw_tp") int f(void *ctx) { return lookup(&used, &(u32){0}) != 0; }
)");
    uint32_t index = 0;
    while (file.maps()[index].definition.name != "unused") ++index;
    EXPECT_EQ(load(file).find_map("unused"), nullptr);
    load_options options;
    options.wanted_maps = {index};
    const loaded_object object = load(file, options);
    ASSERT_NE(object.find_map("unused"), nullptr);
    EXPECT_EQ(object.find_map("unused")->definition().max_entries, 4U);
    const auto none = static_cast<uint32_t>(file.maps().size());
    const auto refused = loaded_object::load(file, {.wanted_maps = {none}});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("the object has no map with index"));
}

TEST_P(loaded, says_which_maps_lack_a_number_of_entries) {
    EXPECT_EQ(refusal(parse(R"(
struct { __uint(type, 2); __type(key, u32); __type(value, u64); } sizeless SEC(".maps");
SEC("raw_tp") int f(void *ctx) { return lookup(&sizeless, &(u32){0}) != 0; }
)")),
              "making map sizeless of type array: an argument does not fit the map (EINVAL): the "
              "object leaves the number of its entries to whoever loads it (bpftime-cli run "
              "--max-entries sizeless=NUMBER, ebpf_map_set_max_entries())");
}

TEST_P(loaded, programs_share_maps_and_data) {
    const loaded_object object = load(parse(counting));
    EXPECT_EQ(run(object, "count"), 6U);
    EXPECT_EQ(run(object, "count"), 7U);
    EXPECT_EQ(run(object, "read"), 7U);
    EXPECT_EQ(object.find_map("seen")->lookup(key(3)).value(), word(2));
    EXPECT_EQ(object.find_map(".bss")->lookup(key(0)).value(), word(2));
    EXPECT_EQ(object.find_map("sockets"), nullptr) << "no program can reach it";
    EXPECT_EQ(object.find_program("none"), nullptr);
}

TEST_P(loaded, constants_are_what_the_host_set_and_then_frozen) {
    object_file file = parse(counting);
    ASSERT_TRUE(file.set("step", 10));
    const loaded_object object = load(file);
    EXPECT_EQ(run(object, "count"), 15U);
    EXPECT_EQ(errno_of(object.find_map(".rodata")->update(key(0), bytes_of(uint32_t{1}))), EPERM);
}

TEST_P(loaded, programs_are_chosen) {
    const object_file file = parse(counting);
    const auto &functions = file.functions();
    const auto read = std::ranges::find(functions, "read", &object::function_info::name);
    const loaded_object object = load(file, {.programs = {&*read}});
    EXPECT_EQ(object.programs().size(), 1U);
    EXPECT_EQ(object.find_map("seen"), nullptr);
    EXPECT_EQ(run(object, "read"), 5U);
}

TEST_P(loaded, pointers_in_data_point) {
    const loaded_object object = load(parse(R"(
static u64 numbers[3] = {4, 5, 6};
u64 *middle = &numbers[1];
__attribute__((noinline)) static u64 twice(u64 n) { asm volatile("" : "+r"(n)); return 2 * n; }
u64 (*call)(u64) = twice;
SEC("socket") int f(void *ctx) { asm volatile("" :: "r"(twice)); return call(*middle); }
)"));
    EXPECT_EQ(run(object, "f"), 10U);
}

TEST_P(loaded, pointers_to_functions_belong_to_one_program) {
    EXPECT_THAT(refusal(parse(R"(
__attribute__((noinline)) static u64 twice(u64 n) { asm volatile("" : "+r"(n)); return 2 * n; }
u64 (*call)(u64) = twice;
SEC("socket") int f(void *ctx) { return call(1); }
SEC("socket") int g(void *ctx) { asm volatile("r3 = r4" ::: "r3"); return call(2) + 1; }
)")),
                HasSubstr("program 'g' shares pointers to functions in '.data' with another one"));
}

TEST_P(loaded, maps_of_maps_hold_what_the_object_says) {
    const loaded_object object = load(parse(R"(
struct inner { __uint(type, 2); __uint(max_entries, 1); __type(key, u32); __type(value, u64); };
struct inner first SEC(".maps"), second SEC(".maps");
struct { __uint(type, 12); __uint(max_entries, 4); __uint(key_size, 4); __array(values, struct inner); }
    outer SEC(".maps") = { .values = { [0] = &first, [2] = &second } };
SEC("socket") int f(void *ctx) {
    u32 index = 2, zero = 0;
    void *inner = lookup(&outer, &index);
    if (!inner) return -1;
    u64 *value = lookup(inner, &zero);
    if (!value) return -2;
    *value = 77;
    return 1;
}
)"));
    EXPECT_EQ(run(object, "f"), 1U);
    EXPECT_EQ(object.find_map("second")->lookup(key(0)).value(), word(77));
    EXPECT_EQ(object.find_map("first")->lookup(key(0)).value(), word(0));
}

TEST_P(loaded, ring_buffers_are_as_large_as_pages_allow) {
    const loaded_object object = load(parse(R"(
struct { __uint(type, 27); __uint(max_entries, 5000); } events SEC(".maps");
SEC("socket") int f(void *ctx) { u64 record = 0x11; return output(&events, &record, 8, 0); }
)"));
    EXPECT_EQ(run(object, "f"), 0U);
    std::vector<bytes> records;
    as_ring_buffer(object.find_map("events").get())->consume([&](std::span<const uint8_t> r) {
        records.emplace_back(r.begin(), r.end());
        return true;
    });
    EXPECT_EQ(records, std::vector<bytes>{word(0x11)});
}

TEST_P(loaded, arrays_of_perf_events_may_tell_the_type_of_records) {
    const loaded_object object = load(parse(R"(
struct record { u64 a, b; };
struct { __uint(type, 4); __type(key, u32); __type(value, struct record); } events SEC(".maps");
SEC("socket") int f(void *ctx) { return lookup(&events, &(u32){0}) == 0; }
)"));
    const map_definition &events = object.find_map("events")->definition();
    EXPECT_EQ(events.value_size, 4U);
    EXPECT_GT(events.max_entries, 0U);
}

TEST_P(loaded, the_host_chooses_sizes_that_the_object_leaves_open) {
    const object_file file = parse(R"(
struct { __uint(type, 1); __type(key, u32); __type(value, u64); } flows SEC(".maps");
SEC("socket") int f(void *ctx) { return update(&flows, &(u32){7}, &(u64){9}, 0); }
)");
    EXPECT_THAT(refusal(file), HasSubstr("making map flows"));
    const loaded_object object =
        load(file, {.adjust = [](map_definition &d) { d.max_entries = 3; }});
    EXPECT_EQ(run(object, "f"), 0U);
    EXPECT_EQ(object.find_map("flows")->definition().max_entries, 3U);
    EXPECT_EQ(object.find_map("flows")->lookup(key(7)).value(), word(9));
}

TEST_P(loaded, objects_share_maps_of_the_host) {
    const object_file file = parse(counting);
    const uint32_t seen = 0;
    ASSERT_EQ(file.maps()[seen].definition.name, "seen");
    const loaded_object first = load(file);
    const loaded_object second = load(file, {.maps = {{seen, first.maps()[seen]}}});
    EXPECT_EQ(run(first, "count"), 6U);
    EXPECT_EQ(run(second, "count"), 6U) << "its variables are its own";
    EXPECT_EQ(second.find_map("seen"), first.find_map("seen"));
    EXPECT_EQ(first.find_map("seen")->lookup(key(3)).value(), word(2));
}

TEST_P(loaded, maps_of_the_host_are_as_declared) {
    const object_file file = parse(counting);
    const auto refused = [&](const std::shared_ptr<map> &given) {
        const auto object =
            loaded_object::load(file, {.backend = GetParam().backend, .maps = {{0U, given}}});
        return object ? "" : object.error().message;
    };
    const map_definition like = file.maps()[0].definition;
    const auto changed = [&](auto change) {
        map_definition d = like;
        change(d);
        return refused(make(d));
    };
    constexpr std::string_view prefix = "map 'seen' cannot be what the host gives: ";
    EXPECT_EQ(refused(make(like)), "");
    EXPECT_EQ(refused(nullptr), std::string{prefix} + "that is null");
    EXPECT_EQ(changed([](map_definition &d) { d.type = map_type::array; }),
              std::string{prefix} + "that is a array, not a hash");
    EXPECT_EQ(changed([](map_definition &d) { d.value_size = 4; }),
              std::string{prefix} + "its keys have 4 bytes and its values 4, not 4 and 8");
    EXPECT_EQ(changed([](map_definition &d) { d.max_entries = 9; }),
              std::string{prefix} + "it takes 9 entries, not 8");
    EXPECT_EQ(changed([](map_definition &d) { d.flags = map_no_prealloc; }),
              std::string{prefix} + "its flags are 0x1, not 0x0");
}

TEST_P(loaded, data_with_pointers_is_not_shared) {
    const object_file file = parse(R"(
static u64 numbers[3] = {4, 5, 6};
u64 *middle = &numbers[1];
SEC("socket") int f(void *ctx) { return *middle; }
)");
    const auto place = file.global("middle");
    ASSERT_TRUE(place);
    const auto object = loaded_object::load(
        file, {.backend = GetParam().backend,
               .maps = {{place->map, make(file.maps()[place->map].definition)}}});
    ASSERT_FALSE(object);
    EXPECT_THAT(object.error().message, HasSubstr("the object has pointers in it"));
}

/// A folder for the files of one test.
class pinned : public loaded {
protected:
    pinned() {
        std::string name = (std::filesystem::temp_directory_path() / "pinned-XXXXXX").string();
        folder_ = mkdtemp(name.data());
    }
    ~pinned() override { std::filesystem::remove_all(folder_); }

    std::string refusal_to_pin(const object_file &file, std::vector<std::string> names = {}) {
        const auto object = loaded_object::load(file, {.backend = GetParam().backend,
                                                       .pin_folder = folder_,
                                                       .pinned_maps = std::move(names)});
        return object ? "" : object.error().message;
    }

    std::string folder_;
};

INSTANTIATE_TEST_SUITE_P(engines, pinned, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

constexpr std::string_view pinning = R"(
struct { __uint(type, 1); __uint(max_entries, 8); __type(key, u32); __type(value, u64);
         __uint(pinning, 1); } seen SEC(".maps");
u64 total = 5;
volatile const u64 step = 2;
SEC("socket") int count(void *ctx) {
    u32 key = 3;
    u64 one = 1, *value = lookup(&seen, &key);
    if (value) *value += 1; else update(&seen, &key, &one, 0);
    return total += step;
}
)";

TEST_P(pinned, maps_are_those_that_the_object_declares_so) {
    const object_file file = parse(pinning);
    for (uint64_t run_number = 1; run_number <= 3; ++run_number) {
        const loaded_object object = load(file, {.pin_folder = folder_});
        EXPECT_EQ(run(object, "count"), 7U) << "the object's own data begins anew";
        EXPECT_EQ(program_value(*object.find_map("seen"), 3), run_number);
    }
    const auto seen = map::open_pinned(folder_ + "/seen");
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_EQ(program_value(**seen, 3), 3U);
    EXPECT_EQ(std::ranges::distance(std::filesystem::directory_iterator{folder_}), 1);
    const loaded_object other = load(file);
    EXPECT_EQ(run(other, "count"), 7U);
    EXPECT_EQ(program_value(*other.find_map("seen"), 3), 1U)
        << "nothing is pinned without a folder";
}

TEST_P(pinned, maps_are_those_that_the_host_names) {
    const object_file file = parse(pinning);
    const load_options options{.pin_folder = folder_, .pinned_maps = {".data", ".rodata"}};
    for (const uint64_t total : {7U, 9U, 11U}) EXPECT_EQ(run(load(file, options), "count"), total);
    const auto constants = map::open_pinned(folder_ + "/.rodata");
    ASSERT_TRUE(constants) << constants.error().message;
    EXPECT_EQ(errno_of((*constants)->update(key(0), word(3))), EPERM) << "frozen by who made it";
}

TEST_P(pinned, maps_have_to_be_as_declared) {
    ASSERT_TRUE(map::create_pinned(define(map_type::hash, 9), folder_ + "/seen"));
    EXPECT_THAT(refusal_to_pin(parse(pinning)), HasSubstr("max_entries 9, not 8"));
}

TEST_P(pinned, maps_of_one_process_are_refused_by_name) {
    constexpr std::string_view others = R"(
struct { __uint(type, 7); __uint(max_entries, 8); __uint(key_size, 4); __uint(value_size, 64);
         __uint(pinning, 1); } stacks SEC(".maps");
static u64 target;
u64 *pointer = &target;
SEC("socket") int look(void *ctx) { u32 key = 0; return lookup(&stacks, &key) != 0; }
SEC("socket") int follow(void *ctx) { return *pointer; }
)";
    const object_file file = parse(others);
    EXPECT_THAT(refusal_to_pin(file), HasSubstr("map stacks of type stack_trace cannot be pinned"));
    EXPECT_THAT(refusal_to_pin(file, {".data"}), HasSubstr("cannot be pinned"));
    std::filesystem::remove_all(folder_);
    EXPECT_THAT(refusal_to_pin(parse(pinning)), HasSubstr("there is no such folder"));
}

TEST_P(loaded, variables_are_read_and_written_while_programs_use_them) {
    const object_file file = parse(counting);
    const loaded_object object = load(file);
    const auto total = file.global("total").value();
    const auto zeros = file.global("zeros").value();
    bytes value(8);
    EXPECT_EQ(run(object, "count"), 6U);
    ASSERT_TRUE(object.read(total, value));
    EXPECT_EQ(value, word(6));
    ASSERT_TRUE(object.write(total, word(20)));
    EXPECT_EQ(run(object, "count"), 21U);
    ASSERT_TRUE(object.read(zeros, value));
    EXPECT_EQ(value, word(2));
    EXPECT_EQ(object.read(total, std::span{value}.first(4)).error().message,
              "4 bytes, but the variable has 8");
    EXPECT_EQ(errno_of(object.write(file.global("step").value(), key(1))), EPERM);

    const auto &functions = file.functions();
    const auto read = std::ranges::find(functions, "read", &object::function_info::name);
    EXPECT_THAT(load(file, {.programs = {&*read}}).read(zeros, value).error().message,
                HasSubstr("no program that was loaded can reach the variable"));
}

TEST_P(loaded, what_is_missing_is_named) {
    EXPECT_EQ(refusal(parse(R"(
struct { __uint(type, 26); __uint(max_entries, 1); __type(key, u32); __type(value, u32); } ops SEC(".maps");
SEC("socket") int f(void *ctx) {
    u32 key = 0;
    return ((long (*)(u32))166)(key) + ((long (*)(void))4321)() + update(&ops, &key, &key, 0);
}
)")),
              "program 'f' needs what is not supported yet: helper 166 (bpf_sys_bpf) at pc 2, "
              "helper 4321 at pc 4, map 'ops' of type struct_ops");
    EXPECT_THAT(refusal(parse(R"(
extern int bpf_kernel_thing(void) SEC(".ksyms");
SEC("socket") int f(void *ctx) { return bpf_kernel_thing(); }
)")),
                HasSubstr("needs the external function 'bpf_kernel_thing'"));
}

TEST_P(loaded, helpers_of_the_host_are_there) {
    const object_file file = parse(R"(
SEC("socket") int f(void *ctx) { return ((long (*)(void))4321)(); }
)");
    ebpf_helper helper{};
    helper.id = 4321;
    helper.name = "forty_two";
    helper.fn = [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return uint64_t{42}; };
    EXPECT_EQ(run(load(file, {.helpers = {helper}}), "f"), 42U);
}

TEST_P(loaded, the_host_configures_each_vm) {
    const object_file file = parse("SEC(\"socket\") int f(void *ctx) { for (;;) ; }");
    const loaded_object object = load(file, {.configure = [](ebpf_vm &vm) -> result<void> {
                                          vm.set_limit(compat::vm_limit::instructions, 1000);
                                          return {};
                                      }});
    int64_t r0 = 0;
    EXPECT_EQ(object.programs()[0].vm->exec(nullptr, 0, r0), EBPF_ERROR_FAULT);
    EXPECT_EQ(compat::last_fault().kind, fault_kind::instruction_limit);
}

/// The kernel takes programs that write r10 where its verifier sees that control never comes.
TEST_P(loaded, writes_of_r10_are_faults_where_they_are_reached) {
    const loaded_object object = load(parse(R"(
volatile const u32 which = 0;
u32 reached;
SEC("socket") int f(void *ctx) {
    if (which == 1) asm volatile("r10 = 0");
    return 3;
}
SEC("socket") int g(void *ctx) {
    if (reached == 0) asm volatile("r10 += 8");
    return 3;
}
)"));
    EXPECT_EQ(run(object, "f"), 3U);
    const loaded_program &program = *object.find_program("g");
    int64_t r0 = 0;
    EXPECT_EQ(program.vm->exec(nullptr, 0, r0), EBPF_ERROR_FAULT);
    const compat::fault fault = compat::last_fault();
    EXPECT_EQ(fault.kind, fault_kind::unavailable);
    EXPECT_THAT(std::string{program.why_unavailable(fault.pc)}, HasSubstr("r10 is read-only"));
}

/// What the target lacks is no reason not to run what is never reached.
TEST_P(loaded, unavailable_instructions_are_faults_where_they_are_reached) {
    const loaded_object object = load(parse(R"(
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct task { int pid; int gone; };
#pragma clang attribute pop
extern int bpf_weak_thing(int) SEC(".ksyms") __attribute__((weak));
u32 which;
SEC("socket") int f(void *ctx) {
    if (which == 1) return bpf_weak_thing(1);
    return 3;
}
)"));
    EXPECT_EQ(run(object, "f"), 3U);
    ASSERT_EQ(errno_of(object.find_map(".bss")->update(key(0), bytes_of(uint32_t{1}))), 0);
    const loaded_program &program = object.programs()[0];
    int64_t r0 = 0;
    EXPECT_EQ(program.vm->exec(nullptr, 0, r0), EBPF_ERROR_FAULT);
    const compat::fault fault = compat::last_fault();
    EXPECT_EQ(fault.kind, fault_kind::unavailable);
    EXPECT_THAT(program.vm->error_message(), HasSubstr("bpf_weak_thing"));
    EXPECT_THAT(std::string{program.why_unavailable(fault.pc)}, HasSubstr("bpf_weak_thing"));
    EXPECT_EQ(program.why_unavailable(fault.pc + 1), "");
}

namespace {

constexpr std::string_view faulting = R"(
int other(void *ctx);
struct { __uint(type, 3); __uint(max_entries, 2); __uint(key_size, 4); __uint(value_size, 4); __array(values, int(void *)); }
    others SEC(".maps") = {.values = {[1] = (void *)&other}};
struct { __uint(type, 2); __uint(max_entries, 1); __uint(map_flags, 256); __type(key, u32); __type(value, u64); } sink SEC(".maps");
static long (*tail_call)(void *ctx, void *programs, u32 index) = (void *)12;
static __attribute__((noinline)) int parse(volatile u64 *at) {
    return at[1];
}
static __attribute__((noinline)) int leave(void *ctx) {
    tail_call(ctx, &others, 1);
    return 1;
}
SEC("socket") int f(void *ctx) { return parse((void *)8) + 1; }
SEC("socket") int other(void *ctx) { return *(volatile u32 *)16; }
SEC("socket") int jump(void *ctx) { tail_call(ctx, &others, 1); return 0; }
SEC("socket") int deep(void *ctx) { return leave(ctx) + 2; }
SEC("socket") int peek(void *ctx) {
    volatile u64 *value = lookup(&sink, &(u32){0});
    return value ? *value : 0;
}
SEC("socket") int fine(void *ctx) { return 3; }
)";

std::string fault_of(const loaded_object &object, std::string_view name) {
    int64_t r0 = 0;
    const loaded_program &program = *object.find_program(name);
    EXPECT_EQ(program.vm->exec(nullptr, 0, r0), EBPF_ERROR_FAULT) << name;
    return program.vm->error_message();
}

}  // namespace

TEST_P(loaded, faults_tell_where_in_the_source_they_are) {
    const loaded_object object = load(parse(faulting));
    EXPECT_THAT(
        fault_of(object, "f"),
        testing::ContainsRegex(" at pc [0-9]+ \\(`.*`\\) in function parse "
                               "\\([^/]+:[0-9]+: `return at\\[1\\];`\\): 8 bytes at memory"));
    const compat::instruction_source source = compat::last_fault_source();
    EXPECT_EQ(source.function, "parse");
    EXPECT_EQ(source.text, "    return at[1];");
    EXPECT_THAT(source.file, HasSubstr("/"));
    EXPECT_GT(source.line, 10U);
    EXPECT_GT(source.column, 0U);
    EXPECT_EQ(source.note, "");
    // The program that has the fault need not be the one that the host ran.
    for (const char *const name : {"jump", "deep"}) {
        EXPECT_THAT(fault_of(object, name),
                    HasSubstr(": `SEC(\"socket\") int other(void *ctx) { return *(volatile"));
        EXPECT_EQ(compat::last_fault_source().function, "other");
    }
    EXPECT_EQ(run(object, "fine"), 3U);
    EXPECT_EQ(compat::last_fault_source().function, "");
}

TEST_P(loaded, faults_tell_the_function_where_there_are_no_lines) {
    const auto image = object::test::compile(
        "static __attribute__((noinline)) int parse(volatile int *at) { return *at; }\n"
        "__attribute__((section(\"socket\"), used)) int f(void *ctx) { return parse((void *)8); }",
        "-O2 -mcpu=v3", "c");
    const loaded_object object = load(object_file::parse(image).value());
    EXPECT_THAT(fault_of(object, "f"), HasSubstr("`) in function parse: 4 bytes at memory"));
    EXPECT_EQ(compat::last_fault_source().function, "parse");
    EXPECT_EQ(compat::last_fault_source().line, 0U);
}

/// The VM's next program is from somewhere else.
TEST_P(loaded, the_source_goes_with_the_program) {
    const loaded_object object = load(parse(faulting));
    const loaded_program &program = *object.find_program("f");
    const auto code = vm::test::assemble("ldxb %r0, [%r1]\nexit");
    ASSERT_EQ(program.vm->load_code(code.data(), code.size()), 0);
    EXPECT_THAT(fault_of(object, "f"), testing::Not(HasSubstr("in function")));
    EXPECT_EQ(compat::last_fault_source().function, "");
}

TEST_P(loaded, reads_of_what_may_only_be_written_say_so) {
    const loaded_object object = load(parse(faulting));
    EXPECT_THAT(fault_of(object, "peek"),
                HasSubstr("out_of_bounds_read: read of memory that the program may only write at"));
}

TEST_P(loaded, arrays_of_programs_hold_those_that_are_loaded) {
    const object_file file = parse(R"(
SEC("socket") int other(void *ctx);
struct { __uint(type, 3); __uint(max_entries, 2); __uint(key_size, 4); __array(values, int(void *)); }
    jumps SEC(".maps") = { .values = { [1] = (void *)&other } };
SEC("socket") int other(void *ctx) { return 1; }
SEC("socket") int f(void *ctx) { u32 key = 1; return lookup(&jumps, &key) != 0; }
)");
    const loaded_object object = load(file);
    EXPECT_EQ(object.find_map("jumps")->lookup(key(1)).value(), bytes_of(uint32_t{1}));
    EXPECT_EQ(errno_of(object.find_map("jumps")->lookup(key(0))), ENOENT);
    EXPECT_EQ(run(object, "f"), 0U) << "programs do not see them";
}

TEST_P(loaded, targets_of_tail_calls_are_loaded_if_the_host_wants_it) {
    const object_file file = parse(R"(
SEC("socket") int second(void *ctx);
SEC("socket") int third(void *ctx);
struct { __uint(type, 3); __uint(max_entries, 4); __uint(key_size, 4); __array(values, int(void *)); }
    jumps SEC(".maps") = { .values = { [1] = (void *)&second } },
    more_jumps SEC(".maps") = { .values = { [2] = (void *)&third } };
#define JUMP(ctx, array, slot) ((long (*)(void *, void *, u32))12)(ctx, array, slot)
SEC("socket") int other(void *ctx) { return 5; }
SEC("socket") int third(void *ctx) { JUMP(ctx, &jumps, 0); return 42; }
SEC("socket") int second(void *ctx) { JUMP(ctx, &more_jumps, 2); return 8; }
SEC("socket") int first(void *ctx) { JUMP(ctx, &jumps, 1); return 7; }
)");
    const auto first = std::ranges::find(file.functions(), "first", &object::function_info::name);
    const auto names = [](const loaded_object &object) {
        std::vector<std::string> all;
        for (const loaded_program &p : object.programs()) all.push_back(p.info.name);
        return all;
    };
    const loaded_object alone = load(file, {.programs = {&*first}});
    EXPECT_THAT(names(alone), testing::ElementsAre("first"));
    EXPECT_EQ(run(alone, "first"), 7U);
    const loaded_object all = load(file, {.programs = {&*first}, .load_targets = true});
    EXPECT_THAT(names(all), testing::ElementsAre("first", "second", "third"));
    EXPECT_EQ(run(all, "first"), 42U);
}

constexpr std::string_view of_two_types = R"(
struct xdp_md { u32 data, data_end; };
struct __sk_buff { u32 len; };
SEC("xdp") int judge(struct xdp_md *ctx);
struct { __uint(type, 3); __uint(max_entries, 2); __uint(key_size, 4); __array(values, int(void *)); }
    jumps SEC(".maps") = { .values = { [1] = (void *)&judge } };
SEC("tc") int filter(struct __sk_buff *ctx) { ((long (*)(void *, void *, u32))12)(ctx, &jumps, 1); return ctx->len; }
SEC("xdp") int judge(struct xdp_md *ctx) { return ctx->data_end - ctx->data; }
)";

/// A program of another type would take what is in the context for something else.
TEST_P(loaded, programs_of_an_array_are_of_one_type) {
    const object_file file = parse(of_two_types);
    EXPECT_EQ(refusal(file),
              "program 'judge' is of type xdp, but map 'jumps' is for tail calls between programs "
              "of type sched_cls, as 'filter' is, its first one (EINVAL)");
    const auto named = [&](std::string_view name) {
        return &*std::ranges::find(file.functions(), name, &object::function_info::name);
    };
    const loaded_object judging = load(file, {.programs = {named("judge")}, .wanted_maps = {0}});
    const auto jumps = judging.find_map("jumps");
    ASSERT_NE(jumps, nullptr);
    const auto refused = loaded_object::load(
        file,
        {.programs = {named("filter")}, .backend = GetParam().backend, .maps = {{0U, jumps}}});
    ASSERT_EQ(errno_of(refused), EINVAL);
    EXPECT_THAT(refused.error().message, HasSubstr("program 'filter' is of type sched_cls, but"));
    EXPECT_TRUE(load(file, {.type = object::program_type::sched_cls}).find_program("judge"));
}

uint64_t verdict_of(const loaded_object &object, std::string_view name, std::size_t bytes_sent) {
    const loaded_program &program = *object.find_program(name);
    bytes memory(bytes_sent);
    auto packet = packet_context::create(program.type, memory);
    if (not packet) throw std::runtime_error{packet.error().message};
    int64_t r0 = 0;
    EXPECT_EQ(packet->exec(*program.vm, r0), 0) << program.vm->error_message();
    return static_cast<uint64_t>(r0);
}

constexpr std::string_view free_names = R"(
struct __sk_buff { u32 len; };
struct elf_map { u32 type, key, value, entries, flags, id, pinning; };
struct elf_map SEC("maps") jumps = {3, 4, 4, 4, 0, 2, 0};
struct elf_map SEC("maps") more_jumps = {3, 4, 4, 4, 0, 7, 0};
#define JUMP(array, slot) ((long (*)(void *, void *, u32))12)(skb, array, slot)
SEC("7/0") int last(struct __sk_buff *skb) { return skb->len; }
SEC("2/1") int middle(struct __sk_buff *skb) { JUMP(&more_jumps, 0); return 1; }
SEC("2/0") int other(struct __sk_buff *skb) { return skb->len; }
)";

TEST_P(loaded, programs_with_free_section_names_are_of_the_type_of_their_callers) {
    const object_file file = parse(std::string{free_names} + R"(
SEC("classifier") int first(struct __sk_buff *skb) { JUMP(&jumps, 1); return 2; }
)");
    const loaded_object object = load(file);
    EXPECT_EQ(object.programs().front().info.name, "last") << "the order is the object's";
    for (const loaded_program &p : object.programs())
        EXPECT_EQ(p.type, object::program_type::sched_cls) << p.info.name;
    EXPECT_EQ(verdict_of(object, "first", 60), 60U);
}

TEST_P(loaded, programs_with_free_section_names_are_of_the_type_of_others_in_their_array) {
    const object_file file = parse(std::string{free_names} + R"(
SEC("action") int caller_of_none(struct __sk_buff *skb) { return 3; }
)");
    const loaded_object alone = load(file);
    for (const loaded_program &p : alone.programs()) {
        const bool has_name = p.info.section == "action";
        EXPECT_EQ(p.type,
                  has_name ? object::program_type::sched_act : object::program_type::generic);
    }
    auto array = map::create(file.maps()[0].definition);
    ASSERT_TRUE(array);
    ASSERT_TRUE(as_object_map(array->get())->admit({object::program_type::xdp, "of another one"}));
    const loaded_object among_others = load(file, {.maps = {{0U, *array}}});
    for (const loaded_program &p : among_others.programs()) {
        const bool has_name = p.info.section == "action";
        EXPECT_EQ(p.type, has_name ? object::program_type::sched_act : object::program_type::xdp)
            << p.info.name;
    }
}

/// A tail call to a program whose object is gone would use maps that are gone.
TEST_P(loaded, programs_leave_arrays_when_their_object_ends) {
    const object_file file = parse(R"(
SEC("socket") int other(void *ctx);
struct { __uint(type, 3); __uint(max_entries, 2); __uint(key_size, 4); __array(values, int(void *)); }
    jumps SEC(".maps") = { .values = { [1] = (void *)&other } };
u64 count = 40;
SEC("socket") int other(void *ctx) { return ++count; }
SEC("socket") int f(void *ctx) { ((long (*)(void *, void *, u32))12)(ctx, &jumps, 1); return 7; }
)");
    std::optional<loaded_object> first = load(file);
    const auto jumps = first->find_map("jumps");
    ASSERT_EQ(errno_of(jumps->freeze()), 0);
    const loaded_object second = load(file, {.maps = {{0U, jumps}}});
    EXPECT_EQ(run(second, "f"), 41U);
    EXPECT_EQ(run(*first, "f"), 42U) << "the program in the array is the first object's";
    first.reset();
    EXPECT_EQ(errno_of(jumps->lookup(key(1))), ENOENT);
    EXPECT_EQ(run(second, "f"), 7U);
}

constexpr std::string_view judging = R"(
struct xdp_md { u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex; };
static long (*adjust_head)(void *, int) = (void *)44;
SEC("xdp") int judge(struct xdp_md *ctx) {
    unsigned char *at = (void *)(long)ctx->data;
    if (at + 14 > (unsigned char *)(long)ctx->data_end || adjust_head(ctx, -2)) return 0;
    return at[13];
}
)";

TEST_P(loaded, programs_judge_packets) {
    const loaded_object object = load(parse(judging));
    const loaded_program &program = object.programs()[0];
    ASSERT_TRUE(program.takes_packets());
    EXPECT_EQ(program.type, object::program_type::xdp);
    bytes memory(64 + 20);
    memory[64 + 13] = 77;
    auto packet = packet_context::create(program.type, std::span{memory}.subspan(64), {64, 0});
    ASSERT_TRUE(packet);
    int64_t r0 = 0;
    ASSERT_EQ(packet->exec(*program.vm, r0), 0) << program.vm->error_message();
    EXPECT_EQ(r0, 77);
    EXPECT_EQ(packet->packet().size(), 22U);
}

TEST_P(loaded, the_host_may_say_what_programs_are) {
    const object_file file = parse(judging);
    const auto plain = loaded_object::load(
        file, {.backend = GetParam().backend, .type = object::program_type::generic});
    ASSERT_FALSE(plain);
    EXPECT_THAT(plain.error().message, HasSubstr("helper 44 (bpf_xdp_adjust_head)"));
    const loaded_object object = load(parse("SEC(\"perf_event\") int f(int *ctx) { return *ctx; }"),
                                      {.type = object::program_type::sched_cls});
    EXPECT_TRUE(object.programs()[0].takes_packets());
}

TEST_P(loaded, contexts_are_used_as_the_kernel_wants_it) {
    EXPECT_THAT(refusal(parse("SEC(\"xdp\") int f(int *ctx) { return ctx[20]; }")),
                HasSubstr("program 'f': "));
}

TEST_P(loaded, the_host_gets_what_programs_print) {
    const object_file file = parse(R"(
static long (*print)(const char *, u32, ...) = (void *)6;
SEC("socket") int f(void *ctx) { char text[] = "n=%d\n"; return print(text, sizeof text, 5); }
)");
    std::vector<std::string> lines;
    const auto keep = [&](std::string_view line) { lines.emplace_back(line); };
    const loaded_object object = load(file, {.trace = keep});
    EXPECT_EQ(run(object, "f"), 4U);
    EXPECT_THAT(lines, testing::ElementsAre("n=5\n"));
    EXPECT_EQ(run(load(file), "f"), 4U) << "without a host that listens";
}

TEST(loaded_object, unknown_backends_are_refused) {
    const auto object = loaded_object::load(parse("SEC(\"socket\") int f(void *ctx) { return 1; }"),
                                            {.backend = "nothing"});
    ASSERT_FALSE(object);
    EXPECT_THAT(object.error().message, HasSubstr("nothing"));
}

}  // namespace bpftime::vm::runtime::test
