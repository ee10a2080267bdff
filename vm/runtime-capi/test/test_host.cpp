// bpftime-vm: what programs learn of their host and decide for it, in C
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"
#include "ebpf-host.h"
#include "emulation.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace runtime_c_api {

namespace {

struct close_owner {
    void operator()(ebpf_owner *owner) const noexcept { ebpf_owner_close(owner); }
};
using owner_ptr = std::unique_ptr<ebpf_owner, close_owner>;

constexpr std::string_view watching = R"(
struct { __uint(type, 29); __uint(map_flags, 1); __type(key, u32); __type(value, u64); } tasks SEC(".maps");
struct { __uint(type, 19); __type(key, u64); __type(value, u64); } groups SEC(".maps");
struct { __uint(type, 15); __uint(max_entries, 2); __type(key, u32); __type(value, u32); } sockets SEC(".maps");
struct msg { u64 data, data_end; };
static u64 (*cookie)(void *ctx) = (void *)174;
static u64 (*function)(void *ctx) = (void *)173;
static long (*argument)(void *ctx, u32 n, u64 *value) = (void *)183;
static long (*returned)(void *ctx, u64 *value) = (void *)184;
static long (*replace)(void *ctx, u64 value) = (void *)58;
static long (*stack)(void *ctx, void *to, u32 size, u64 flags) = (void *)67;
static long (*read)(void *to, u32 size, const void *from) = (void *)4;
static u64 *(*task_storage)(void *map, void *task, void *value, u64 flags) = (void *)156;
static void *(*current_task)(void) = (void *)158;
static u64 *(*local_storage)(void *map, u64 flags) = (void *)81;
static long (*get_retval)(void) = (void *)186;
static long (*set_retval)(int value) = (void *)187;
static long (*set_new_value)(void *ctx, const char *value, u64 size) = (void *)104;
static long (*apply)(void *msg, u32 bytes) = (void *)61;
static long (*to_socket)(void *msg, void *map, u32 key, u64 flags) = (void *)60;
static long (*setsockopt)(void *ctx, int level, int name, void *value, int size) = (void *)49;
static long (*getsockopt)(void *ctx, int level, int name, void *value, int size) = (void *)57;
static long (*bind_to)(void *ctx, void *address, int size) = (void *)64;
static long (*signal)(u32 number) = (void *)109;
static long (*signal_thread)(u32 number) = (void *)117;
u64 values[8];
SEC("kprobe/f") int probe(void *ctx) {
    u64 frames[2] = {};
    values[0] = cookie(ctx);
    values[1] = function(ctx);
    values[2] = stack(ctx, frames, sizeof frames, 0);
    values[3] = frames[1];
    return replace(ctx, 99);
}
SEC("fexit/f") int end(void *ctx) {
    argument(ctx, 1, &values[0]);
    return returned(ctx, &values[1]);
}
SEC("kprobe/g") int peek(u64 *ctx) { return read(&values[0], 8, (void *)ctx[0]); }
SEC("kprobe/h") int mine(u64 *ctx) {
    u64 *value = task_storage(&tasks, (void *)ctx[0], 0, 1), *own = task_storage(&tasks, current_task(), 0, 1);
    if (!value || !own) return 1;
    *value += 3;
    *own += 8;
    return 0;
}
SEC("cgroup/sysctl") int sysctl(void *ctx) {
    u64 *value = local_storage(&groups, 0);
    *value += 1;
    set_new_value(ctx, "4 5", 3);
    set_retval(get_retval() - 12);
    return *value;
}
SEC("sk_msg") int message(void *ctx) {
    apply(ctx, 300);
    return to_socket(ctx, &sockets, 1, 1);
}
SEC("cgroup/connect4") int options(void *ctx) {
    int value = 4;
    values[0] = setsockopt(ctx, 6, 13, &value, 4);
    values[1] = getsockopt(ctx, 6, 14, &value, 4);
    values[2] = value;
    u64 address[2] = {2};  // AF_INET
    return bind_to(ctx, address, sizeof address);
}
SEC("kprobe/s") int signals(void *ctx) { return signal(12) * 100 + signal_thread(10); }
)";

class hosts : public on_engines {
protected:
    void SetUp() override {
        object_ = open(watching);
        auto o = options();
        o.signal = [](void *context, int number, bool to_thread) {
            *static_cast<int *>(context) += number + (to_thread ? 1000 : 0);
            return to_thread ? -7 : 0;
        };
        o.signal_context = &signalled_;
        ASSERT_EQ(ebpf_object_load(object_.get(), &o), 0) << ebpf_last_error();
    }
    ebpf_program *program(const char *name) const {
        return ebpf_object_find_program(object_.get(), name);
    }
    int64_t run(const char *name, void *memory = nullptr, std::size_t size = 0) {
        int64_t r0 = 0;
        EXPECT_EQ(ebpf_program_run_at(program(name), &here_, memory, size, &r0), 0)
            << ebpf_last_error();
        return r0;
    }
    std::array<uint64_t, 8> values() const {
        std::array<uint64_t, 8> all{};
        EXPECT_EQ(ebpf_object_get_global(object_.get(), "values", &all, sizeof all), 0);
        return all;
    }

    int signalled_ = 0;
    object_ptr object_;
    ebpf_sites here_ = sized<ebpf_sites>();
};
ON_ENGINES(hosts);

TEST_P(hosts, tell_of_calls_that_programs_watch) {
    const std::array<uint64_t, 2> stack{0x1111, 0x2222};
    auto site = sized<ebpf_probe_site>();
    site.cookie = 7;
    site.function = 0x4000;
    site.stack = stack.data();
    site.stack_count = stack.size();
    here_.probe = &site;
    EXPECT_EQ(run("probe"), 0);
    const auto seen = values();
    EXPECT_EQ(seen[0], 7U);
    EXPECT_EQ(seen[1], 0x4000U);
    EXPECT_EQ(seen[2], 16U);
    EXPECT_EQ(seen[3], 0x2222U);
    EXPECT_EQ(site.is_overridden, 1U);
    EXPECT_EQ(site.override_result, 99U);
    const std::array<uint64_t, 2> arguments{5, 6};
    site = sized<ebpf_probe_site>();
    site.arguments = arguments.data();
    site.argument_count = arguments.size();
    EXPECT_EQ(static_cast<int>(run("end")), -EOPNOTSUPP) << "it has not returned";
    EXPECT_EQ(values()[0], 6U);
    site.has_result = 1;
    site.result = 8;
    EXPECT_EQ(run("end"), 0);
    EXPECT_EQ(values()[1], 8U);
    EXPECT_EQ(site.is_overridden, 0U);
    site.stack_count = 1;
    EXPECT_FAILS(ebpf_program_run_at(program("end"), &here_, nullptr, 0, nullptr),
                 EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "stack is NULL");
    site.size = 1;
    EXPECT_FAILS(ebpf_program_run_at(program("end"), &here_, nullptr, 0, nullptr),
                 EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "sites->probe->size is 1");
}

TEST_P(hosts, lend_their_memory) {
    if (const char *const why = bpftime::vm::test::why_memory_is_not_copied()) GTEST_SKIP() << why;
    const uint64_t secret = 0x1234;
    std::array<uint64_t, 1> registers{reinterpret_cast<uint64_t>(&secret)};
    EXPECT_EQ(static_cast<int>(run("peek", registers.data(), sizeof registers)), -EFAULT);
    ASSERT_EQ(ebpf_program_allow_process_memory(program("peek")), 0) << ebpf_last_error();
    EXPECT_EQ(run("peek", registers.data(), sizeof registers), 0);
    EXPECT_EQ(values()[0], secret);
}

TEST_P(hosts, own_storage) {
    const owner_ptr task{ebpf_owner_create(EBPF_OWNER_TASK, nullptr)};
    ASSERT_NE(task, nullptr);
    std::array<uint64_t, 1> registers{ebpf_owner_word(task.get())};
    for (int i = 0; i < 2; ++i) EXPECT_EQ(run("mine", registers.data(), sizeof registers), 0);
    ebpf_map *const tasks = ebpf_object_find_map(object_.get(), "tasks");
    EXPECT_EQ(value_of(tasks, ebpf_owner_number(task.get())), 6U);
    EXPECT_EQ(value_of(tasks, ebpf_current_task_number()), 16U);
    const int shown = 0;
    const owner_ptr other{ebpf_owner_create(EBPF_OWNER_TASK, &shown)};
    EXPECT_EQ(ebpf_owner_word(other.get()), reinterpret_cast<uint64_t>(&shown));
    registers[0] = ebpf_owner_word(other.get());
    EXPECT_EQ(run("mine", registers.data(), sizeof registers), 0);
    EXPECT_EQ(value_of(tasks, ebpf_owner_number(other.get())), 3U);
    EXPECT_FAILS(ebpf_owner_create(4, nullptr), nullptr, EINVAL, "there is no kind 4");
    EXPECT_EQ(ebpf_owner_word(nullptr), 0U);
    EXPECT_EQ(ebpf_owner_number(nullptr), 0U);
}

TEST_P(hosts, have_control_groups) {
    std::array<char, 3> changed{};
    auto site = sized<ebpf_cgroup_site>();
    site.group = 5;
    site.attach_type = 18;  // BPF_CGROUP_SYSCTL
    site.result = -4;
    site.sysctl_name = "net/ipv4/x";
    site.sysctl_new_value = "1";
    site.changed_value = changed.data();
    site.changed_capacity = changed.size();
    here_.cgroup = &site;
    EXPECT_EQ(run("sysctl"), 1);
    EXPECT_EQ(run("sysctl"), 2) << "its storage stays";
    EXPECT_EQ(site.result, -4 - 12 - 12);
    EXPECT_EQ(site.is_changed, 1U);
    EXPECT_STREQ(changed.data(), "4 ") << "as much as there is room for";
    site.group = 6;
    site.sysctl_new_value = nullptr;
    EXPECT_EQ(run("sysctl"), 1) << "another group";
    EXPECT_EQ(site.is_changed, 0U) << "it is read";
}

TEST_P(hosts, have_sockets) {
    const owner_ptr socket{ebpf_owner_create(EBPF_OWNER_SOCKET, nullptr)};
    const uint32_t number = ebpf_owner_number(socket.get());
    ebpf_map *const sockets = ebpf_object_find_map(object_.get(), "sockets");
    const uint32_t key = 1;
    ASSERT_EQ(ebpf_map_update_elem(sockets, &key, 4, &number, 4, 0), 0) << ebpf_last_error();
    auto site = sized<ebpf_socket_site>();
    here_.socket = &site;
    EXPECT_EQ(run("message"), 1);
    EXPECT_EQ(site.apply_bytes, 300U);
    EXPECT_EQ(site.chosen_socket, number);
    EXPECT_EQ(site.chosen_map_id, info_of(sockets).id);
    EXPECT_EQ(site.chosen_flags, 1U);
    EXPECT_EQ(static_cast<int>(run("options")), -EOPNOTSUPP);
    std::vector<int> calls;
    site.context = &calls;
    site.set_option = [](void *context, int level, int name, const void *value, size_t size) {
        int given = 0;
        if (size == sizeof given) std::memcpy(&given, value, size);
        for (const int word : {level, name, given})
            static_cast<std::vector<int> *>(context)->push_back(word);
        return -5;
    };
    site.get_option = [](void *, int, int name, void *value, size_t size) {
        if (size == sizeof name) std::memcpy(value, &name, size);
        return 0;
    };
    site.bind = [](void *, const void *, size_t size) { return static_cast<int>(size); };
    EXPECT_EQ(run("options"), 16);
    EXPECT_EQ(calls, (std::vector<int>{6, 13, 4}));
    EXPECT_EQ(values()[0], static_cast<uint64_t>(-5));
    EXPECT_EQ(values()[1], 0U);
    EXPECT_EQ(values()[2], 14U);
}

TEST_P(hosts, decide_about_signals) {
    EXPECT_EQ(static_cast<int>(run("signals")), -7);
    EXPECT_EQ(signalled_, 12 + 1010);
}

TEST_P(hosts, have_clocks_for_timers) {
    const object_ptr object = open(R"(
struct bpf_timer { u64 opaque[2]; } __attribute__((aligned(8)));
struct element { struct bpf_timer timer; };
struct { __uint(type, 2); __uint(max_entries, 1); __type(key, u32); __type(value, struct element); } timers SEC(".maps");
u64 calls;
static int called(void *map, u32 *key, struct element *e) { return calls++, 0; }
SEC("raw_tp") int start(void *ctx) {
    struct element *e = lookup(&timers, &(u32){0});
    if (!e) return 1;
    ((long (*)(void *, void *, u64))169)(&e->timer, &timers, 7);
    ((long (*)(void *, void *))170)(&e->timer, called);
    return ((long (*)(void *, u64, u64))171)(&e->timer, 500, 0);
}
)");
    struct {
        int64_t now = 1000;
        uint32_t asked = 99;
    } time;
    auto o = options();
    o.clock = [](void *context, uint32_t clock) {
        auto *const t = static_cast<decltype(time) *>(context);
        t->asked = clock;
        return t->now;
    };
    o.clock_context = &time;
    ASSERT_EQ(ebpf_object_load(object.get(), &o), 0) << ebpf_last_error();
    EXPECT_EQ(on_engines::run(object, "start"), 0);
    EXPECT_EQ(time.asked, 7U);
    uint64_t rest = 0;
    EXPECT_EQ(ebpf_object_next_timer(object.get(), &rest), 1);
    EXPECT_EQ(rest, 500U);
    EXPECT_EQ(ebpf_object_run_timers(object.get()), 0);
    time.now += 500;
    EXPECT_EQ(ebpf_object_run_timers(object.get()), 1);
    uint64_t calls = 0;
    ASSERT_EQ(ebpf_object_get_global(object.get(), "calls", &calls, sizeof calls), 0);
    EXPECT_EQ(calls, 1U);
}

}  // namespace

}  // namespace runtime_c_api
