// bpftime-vm: maps of local storage, compared with the kernel's
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compile.hpp"
#include "engines.hpp"
#include "kernel_map.hpp"
#include "kernel_program.hpp"
#include "object/object.hpp"
#include "packet_program.hpp"
#include "programs.hpp"
#include "runtime/loaded_object.hpp"
#include "runtime/map_set.hpp"
#include "runtime/storage_owner.hpp"
#include "support.hpp"
#include "threads.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/mount.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <ostream>
#include <random>
#include <thread>

namespace bpftime::vm::runtime::test {

using object::program_type;
using vm::test::engine;
using vm::test::on_all_threads;

namespace {

constexpr auto storage_types = std::to_array<map_type>({
    map_type::sk_storage,
    map_type::inode_storage,
    map_type::task_storage,
    map_type::cgrp_storage,
});

owner_kind kind_of(map_type type) {
    switch (type) {
    case map_type::sk_storage: return owner_kind::socket;
    case map_type::inode_storage: return owner_kind::inode;
    case map_type::task_storage: return owner_kind::task;
    default: return owner_kind::cgroup;
    }
}

/// Types of a key of 4 bytes, and of a value that is an array of bytes.
bytes types_of(uint32_t value_size) {
    const std::vector<uint32_t> types{
        1, 1U << 24, 4, 32,                 // 1: integer
        0, 3U << 24, 0, 3,  1, value_size,  // 2: array of 3, its index 1
        1, 1U << 24, 1, 8,                  // 3: integer
    };
    const auto size = static_cast<uint32_t>(types.size() * sizeof types[0]);
    const bytes names{0, 't', 0};
    const std::vector<uint32_t> header{0x0001eb9f, 24,   0,
                                       size,       size, static_cast<uint32_t>(names.size())};
    bytes all;
    for (const auto *words : {&header, &types}) {
        for (const uint32_t w : *words) all = join({all, bytes_of(w)});
    }
    return join({all, names});
}

// --- creation

TEST(local_storage, is_made_as_in_the_kernel) {
    if (const auto why = kernel_map::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    for (const map_type type : storage_types) {
        const auto same = [&](const map_definition &d) {
            kernel_map theirs;
            const int expected = -theirs.create(d, types_of(d.value_size));
            EXPECT_EQ(errno_of(map::create(d)), expected)
                << name_of(type) << " key " << d.key_size << " value " << d.value_size
                << " entries " << d.max_entries << " flags " << d.flags;
            return expected;
        };
        map_definition d = define(type, 0);
        EXPECT_EQ(same(d), 0);
        for (unsigned bit = 0; bit < 14; ++bit) {
            d.flags = 1U << bit;
            same(d);
            d.flags |= map_no_prealloc;
            same(d);
        }
        d = define(type, 0);
        for (const uint32_t size : {0U, 1U, 8U}) {
            d.key_size = size;
            EXPECT_EQ(same(d), EINVAL);
        }
        d = define(type, 1);
        EXPECT_EQ(same(d), EINVAL);
        d = define(type, 0);
        for (const uint32_t size : {1U, 13U, 65407U, 65408U, 70000U}) {
            d.value_size = size;
            same(d);
        }
        d.max_entries = 1;
        EXPECT_EQ(same(d), EINVAL) << "before the size";
    }
}

// --- the commands of bpf(2)

/// The root of the control groups, whether they are mounted or not.
int open_control_group() {
    const auto context = static_cast<int>(syscall(SYS_fsopen, "cgroup2", 0));
    if (context < 0) return -1;
    const bool made = syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0;
    const int root = made ? static_cast<int>(syscall(SYS_fsmount, context, 0, 0)) : -1;
    close(context);
    return root;
}

/// A thing of the kernel's with a file descriptor, -1: there is none here.
int open_owner(map_type type) {
    switch (type) {
    case map_type::sk_storage: return socket(AF_INET, SOCK_DGRAM, 0);
    case map_type::inode_storage: return open("/proc/self/exe", O_RDONLY);
    case map_type::task_storage: return static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
    default: return open_control_group();
    }
}

class local_storage : public testing::TestWithParam<map_type> {};

constexpr auto type_name = [](const auto &p) { return std::string{name_of(p.param)}; };
INSTANTIATE_TEST_SUITE_P(types, local_storage, testing::ValuesIn(storage_types), type_name);

TEST_P(local_storage, does_for_hosts_what_that_of_the_kernel_does) {
    if (const auto why = kernel_map::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    const map_definition d = define(GetParam(), 0);
    kernel_map theirs;
    ASSERT_EQ(theirs.create(d, types_of(d.value_size)), 0);
    const auto ours = make(d);
    const int fd = open_owner(GetParam());
    const int other = open("/dev/null", O_RDONLY);
    const storage_owner owner{kind_of(GetParam())};
    const storage_owner stranger{owner.kind() == owner_kind::task ? owner_kind::inode
                                                                  : owner_kind::task};
    bytes nothing(8);
    if (theirs.lookup(key(static_cast<uint32_t>(fd)), nothing) == -EBADF)
        GTEST_SKIP() << "there is nothing to keep values for";
    std::mt19937 random{5};
    for (int i = 0; i < 2000 and not HasFailure(); ++i) {
        bytes their_key = key(static_cast<uint32_t>(fd));
        bytes our_key = key(owner.number());
        if (random() % 8 == 0) their_key = our_key = key(~uint32_t{0});
        // Every file has an inode.
        if (random() % 8 == 0 and owner.kind() != owner_kind::inode) {
            their_key = key(static_cast<uint32_t>(other));
            our_key = key(stranger.number());
        }
        switch (random() % 4) {
        case 0: {
            const bytes v = word(random());
            const uint64_t flags = random() % 3 == 0 ? random() % 6 : 0;
            EXPECT_EQ(errno_of(ours->update(our_key, v, flags)),
                      -theirs.update(their_key, v, flags))
                << "update, flags " << flags;
            break;
        }
        case 1: {
            bytes mine(8, 9);
            bytes their_value = mine;
            const uint64_t flags = random() % 8 == 0 ? random() % 6 : 0;
            EXPECT_EQ(errno_of(ours->lookup(our_key, mine, flags)),
                      -theirs.lookup(their_key, their_value, flags))
                << "lookup, flags " << flags;
            EXPECT_EQ(mine, their_value);
            break;
        }
        case 2:
            EXPECT_EQ(errno_of(ours->remove(our_key)), -theirs.remove(their_key)) << "delete";
            break;
        default: {
            bytes next(4);
            EXPECT_EQ(errno_of(ours->next_key({})), -theirs.next_key({}, next)) << "next key";
            EXPECT_EQ(errno_of(ours->lookup_and_delete(our_key, next = bytes(8))),
                      -theirs.lookup_and_delete(their_key, next))
                << "lookup and delete";
        }
        }
    }
    close(fd);
    close(other);
}

TEST_P(local_storage, goes_with_its_owner) {
    const auto m = make(define(GetParam(), 0));
    std::optional<storage_owner> owner{kind_of(GetParam())};
    const uint32_t number = owner->number();
    ASSERT_EQ(errno_of(m->update(key(number), word(5))), 0);
    EXPECT_EQ(number_of(m->lookup(key(number)).value()), 5U);
    const storage_owner other{kind_of(GetParam())};
    EXPECT_NE(other.number(), number);
    EXPECT_EQ(errno_of(m->lookup(key(other.number()))), ENOENT);
    owner.reset();
    EXPECT_EQ(errno_of(m->lookup(key(number))), EBADF);
}

TEST(local_storage, says_that_a_number_names_nothing) {
    const auto m = make(define(map_type::task_storage, 0));
    const auto failed = m->update(key(0), word(1));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().message,
              "update of map test: a number names no object of the host: give the map the object "
              "(EBADF)");
}

TEST(local_storage, outlives_neither_thread_nor_map) {
    const auto m = make(define(map_type::task_storage, 0));
    uint32_t number = 0;
    std::thread{[&] {
        number = storage_owner::current_task().number();
        EXPECT_EQ(errno_of(m->update(key(number), word(5))), 0);
        const auto other = make(define(map_type::task_storage, 0));
        EXPECT_EQ(errno_of(other->update(key(number), word(6))), 0);
    }}.join();
    EXPECT_EQ(errno_of(m->lookup(key(number))), EBADF);
}

// --- programs

/// Get or delete a value, by helpers with these ids.
struct helper_pair {
    map_type type;
    uint32_t get;
    uint32_t remove;

    friend std::ostream &operator<<(std::ostream &out, const helper_pair &p) {
        return out << name_of(p.type);
    }
};
constexpr auto helper_pairs = std::to_array<helper_pair>({
    {map_type::sk_storage, 107, 108},
    {map_type::inode_storage, 145, 146},
    {map_type::task_storage, 156, 157},
    {map_type::cgrp_storage, 210, 211},
});

class storage_helper : public testing::TestWithParam<std::tuple<engine, helper_pair>> {
protected:
    [[nodiscard]] const helper_pair &helpers() const { return std::get<1>(GetParam()); }

    /// Runs with the owner's word in r6, and 9 in the 8 bytes below r10.
    int64_t run(uint64_t owner, std::string_view text) {
        const auto vm = vm::test::make_vm(std::get<0>(GetParam()));
        EXPECT_EQ(errno_of(maps_.attach(*vm)), 0);
        const auto code =
            vm::test::assemble(fmt::format("lddw %r6, {}\nstdw [%r10-8], 9\n{}", owner, text));
        EXPECT_EQ(vm->load_code(code.data(), code.size()), 0) << vm->error_message();
        int64_t r0 = 0;
        code_ = vm->exec(nullptr, 0, r0);
        return r0;
    }
    [[nodiscard]] std::string get(uint64_t flags, std::string_view initial = "mov %r3, 0",
                                  unsigned map = 0) const {
        return fmt::format("lddw %r1, map_by_idx({})\nmov %r2, %r6\n{}\nlddw %r4, {}\ncall {}\n",
                           map, initial, flags, helpers().get);
    }
    [[nodiscard]] std::string remove(unsigned map = 0) const {
        return fmt::format("lddw %r1, map_by_idx({})\nmov %r2, %r6\ncall {}\n", map,
                           helpers().remove);
    }
    static constexpr std::string_view nine = "mov %r3, %r10\nadd %r3, -8";
    static constexpr std::string_view value = "jeq %r0, 0, +1\nldxdw %r0, [%r0]\nexit";

    storage_owner owner_{kind_of(helpers().type)};
    std::shared_ptr<map> map_ = make(define(helpers().type, 0));
    map_set maps_{{map_, make(map_type::array, 1),
                   make(define(helpers().type == map_type::task_storage ? map_type::inode_storage
                                                                        : map_type::task_storage,
                               0))}};
    int64_t code_ = 0;
};

INSTANTIATE_TEST_SUITE_P(engines, storage_helper,
                         testing::Combine(testing::ValuesIn(vm::test::engines()),
                                          testing::ValuesIn(helper_pairs)),
                         [](const auto &p) {
                             return std::string{std::get<0>(p.param).name} + "_" +
                                    std::string{name_of(std::get<1>(p.param).type)};
                         });

TEST_P(storage_helper, keeps_a_value_for_an_owner) {
    const uint64_t owner = owner_.word();
    EXPECT_EQ(run(owner, get(0) + "exit"), 0);
    EXPECT_EQ(run(owner, get(1, nine) + std::string{value}), 9);
    EXPECT_EQ(number_of(map_->lookup(key(owner_.number())).value()), 9U);
    EXPECT_EQ(run(owner, get(1) + "stdw [%r0], 7\nexit") != 0, true);
    EXPECT_EQ(code_, 0);
    EXPECT_EQ(run(owner, get(0) + std::string{value}), 7)
        << "and not what another call begins with";
    const storage_owner other{owner_.kind()};
    EXPECT_EQ(run(other.word(), get(0) + "exit"), 0);
    EXPECT_NE(run(other.word(), get(1) + "ldxdw %r1, [%r0]\nadd %r1, 1\nmov %r0, %r1\nexit"), 0);
    EXPECT_EQ(run(owner, remove() + "exit"), 0);
    EXPECT_EQ(run(owner, remove() + "exit"), -ENOENT);
    EXPECT_EQ(run(owner, get(0) + "exit"), 0);
    EXPECT_EQ(errno_of(map_->update(key(owner_.number()), word(3))), 0);
    EXPECT_EQ(run(owner, get(0) + std::string{value}), 3);
}

TEST_P(storage_helper, a_value_has_its_size) {
    run(owner_.word(), get(1) + "ldxb %r0, [%r0+8]\nexit");
    EXPECT_EQ(code_, EBPF_ERROR_FAULT);
    run(owner_.word(), get(1, "mov %r3, %r10\nadd %r3, -4") + "exit");
    EXPECT_EQ(code_, EBPF_ERROR_FAULT) << "half of the first value is not the program's";
}

TEST_P(storage_helper, stays_until_the_run_ends) {
    EXPECT_EQ(run(owner_.word(),
                  get(1, nine) + "mov %r7, %r0\n" + remove() + get(1) + "ldxdw %r0, [%r7]\nexit"),
              9);
    EXPECT_EQ(code_, 0);
    EXPECT_EQ(run(owner_.word(), get(0) + std::string{value}), 0);
}

TEST_P(storage_helper, other_words_name_nothing) {
    const storage_owner wrong_kind{owner_.kind() == owner_kind::task ? owner_kind::socket
                                                                     : owner_kind::task};
    uint64_t gone = 0;
    {
        const storage_owner owner{owner_.kind()};
        gone = owner.word();
    }
    const auto memory = reinterpret_cast<uint64_t>(&gone);
    for (const uint64_t word :
         {uint64_t{0}, uint64_t{1}, ~uint64_t{0}, gone, memory, wrong_kind.word(),
          owner_.word() + 1000, reinterpret_cast<uint64_t>(map_.get())}) {
        EXPECT_EQ(run(word, get(1) + "exit"), 0) << word;
        EXPECT_EQ(run(word, remove() + "exit"), -EINVAL) << word;
        EXPECT_EQ(code_, 0);
    }
}

TEST_P(storage_helper, other_maps_and_flags_give_nothing) {
    for (const unsigned map : {1U, 2U}) {
        EXPECT_EQ(run(owner_.word(), get(1, "mov %r3, 0", map) + "exit"), 0);
        EXPECT_EQ(run(owner_.word(), remove(map) + "exit"), -EINVAL);
    }
    for (const uint64_t flags : {uint64_t{2}, uint64_t{3}, uint64_t{1} << 32})
        EXPECT_EQ(run(owner_.word(), get(flags) + "exit"), 0);
    run(owner_.word(), "lddw %r1, 4096\nmov %r2, %r6\nmov %r3, 0\nmov %r4, 1\n" +
                           fmt::format("call {}\nexit", helpers().get));
    EXPECT_EQ(code_, EBPF_ERROR_FAULT) << "it is no map";
    EXPECT_EQ(run(owner_.word(),
                  "stw [%r10-8], 1\nlddw %r1, map_by_idx(0)\nmov %r2, %r10\n"
                  "add %r2, -8\ncall 1\nexit"),
              0)
        << "lookups by key are the host's";
}

TEST_P(storage_helper, an_owner_can_be_what_the_program_sees_of_it) {
    const std::array<uint64_t, 4> shown{1, 2, 3, 4};
    const auto address = reinterpret_cast<uint64_t>(&shown);
    EXPECT_EQ(run(address, get(1) + "exit"), 0);
    const storage_owner owner{owner_.kind(), &shown};
    EXPECT_EQ(owner.word(), address);
    EXPECT_EQ(run(address, get(1, nine) + std::string{value}), 9);
    EXPECT_EQ(number_of(map_->lookup(key(owner.number())).value()), 9U);
}

class storage_program : public testing::TestWithParam<engine> {};
INSTANTIATE_TEST_SUITE_P(engines, storage_program, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

constexpr std::string_view task_counter = R"(
    #define SEC(name) __attribute__((section(name), used))
    #define __uint(name, value) int (*name)[value]
    #define __type(name, value) typeof(value) *name
    struct bpf_spin_lock { unsigned val; };
    struct counted { unsigned long calls; struct bpf_spin_lock lock; };
    struct {
        __uint(type, 29); __uint(map_flags, 1); __type(key, int); __type(value, struct counted);
    } calls SEC(".maps");
    static void *(*current_task)(void) = (void *)158;
    static void *(*get)(void *, void *, void *, unsigned long) = (void *)156;
    static void (*lock)(void *) = (void *)93;
    static void (*unlock)(void *) = (void *)94;
    SEC("fentry/something") int prog(void *ctx) {
        struct counted *c = get(&calls, current_task(), 0, 1);
        if (!c) return -1;
        lock(&c->lock);
        unsigned long now = ++c->calls;
        unlock(&c->lock);
        return now;
    }
)";

TEST_P(storage_program, counts_for_each_thread) {
    const auto file =
        object::object_file::parse(object::test::compile(task_counter, "-O2 -g -mcpu=v3"));
    ASSERT_TRUE(file);
    auto object = loaded_object::load(*file, {.backend = GetParam().backend});
    ASSERT_TRUE(object) << object.error().message;
    const auto m = object->find_map("calls");
    on_all_threads([&](unsigned) {
        int64_t r0 = 0;
        for (int64_t i = 1; i <= 500; ++i) {
            EXPECT_EQ(object->find_program("prog")->vm->exec(nullptr, 0, r0), 0);
            EXPECT_EQ(r0, i);
        }
        const auto number = storage_owner::current_task().number();
        EXPECT_EQ(number_of(m->lookup(key(number)).value()), 500U);
        bytes changed(16, 0xff);
        EXPECT_EQ(errno_of(m->update(key(number), changed, update_lock)), 0);
        EXPECT_EQ(errno_of(m->lookup(key(number), changed, update_lock)), 0);
        EXPECT_EQ(number_of<uint32_t>(changed, 8), 0U) << "the lock is not copied";
        EXPECT_EQ(number_of<uint32_t>(changed, 12), ~uint32_t{0});
    });
}

TEST_P(storage_program, owners_come_and_go_while_programs_run) {
    const map_set maps{{make(define(map_type::inode_storage, 0))}};
    const auto vm = vm::test::make_vm(GetParam());
    ASSERT_EQ(errno_of(maps.attach(*vm)), 0);
    const auto code = vm::test::assemble(
        "ldxdw %r6, [%r1]\nlddw %r1, map_by_idx(0)\nmov %r2, %r6\nmov %r3, 0\nmov %r4, 1\n"
        "call 145\njeq %r0, 0, +3\nstdw [%r0], 1\nldxdw %r0, [%r0]\nexit\nexit");
    ASSERT_EQ(vm->load_code(code.data(), code.size()), 0);
    std::atomic<uint64_t> shared = 0;
    on_all_threads([&](unsigned) {
        for (int i = 0; i < 300; ++i) {
            const storage_owner mine{owner_kind::inode};
            shared = mine.word();
            for (uint64_t w : {mine.word(), shared.load()}) {
                int64_t r0 = 0;
                EXPECT_EQ(vm->exec(&w, sizeof w, r0), 0) << vm->error_message();
            }
        }
    });
}

// --- sockets of a packet's network

TEST_P(storage_program, keeps_values_for_sockets_of_a_network) {
    const map_set maps{{make(define(map_type::sk_storage, 0))}};
    network net;
    network_socket whole;
    whole.view.family = AF_INET;
    whole.view.protocol = IPPROTO_UDP;
    whole.view.state = 7;
    whole.view.src_ip4 = 0x0100007f;
    whole.view.src_port = 53;
    net.add(whole);
    network_socket ending = whole;
    ending.view.protocol = IPPROTO_TCP;
    ending.view.state = 6;  // TIME_WAIT
    net.add(ending);
    bytes frame = frames().front();
    auto packet = packet_context::create(program_type::sched_cls, frame);
    packet->set_network(net);
    const auto run = [&](unsigned lookup, std::string_view text) {
        // Of 10.0.0.1:4000 to 127.0.0.1:53.
        const auto code = vm::test::assemble(
            fmt::format("stw [%r10-12], 0x0100000a\nstw [%r10-8], 0x0100007f\n"
                        "mov32 %r3, 0x3500a00f\nstxw [%r10-4], %r3\nmov %r2, %r10\n"
                        "add %r2, -12\nmov %r3, 12\nmov %r4, -1\nmov %r5, 0\ncall {}\n"
                        "mov %r2, %r0\nlddw %r1, map_by_idx(0)\nmov %r3, 0\nmov %r4, 1\n{}",
                        lookup, text));
        const auto vm = vm::test::make_vm(GetParam());
        EXPECT_EQ(errno_of(maps.attach(*vm)), 0);
        EXPECT_EQ(errno_of(register_packet_helpers(*vm)), 0);
        EXPECT_EQ(vm->load_code(code.data(), code.size()), 0) << vm->error_message();
        int64_t r0 = 0;
        EXPECT_EQ(packet->exec(*vm, r0), 0) << vm->error_message();
        return r0;
    };
    EXPECT_EQ(run(85, "call 107\nstdw [%r0], 6\nldxdw %r0, [%r0]\nexit"), 6);
    network_connection to{.protocol = IPPROTO_UDP,
                          .local = *ip_address::parse("127.0.0.1"),
                          .remote = *ip_address::parse("10.0.0.1"),
                          .local_port = 53,
                          .remote_port = 4000,
                          .interface = 1};
    const network_socket *const found = net.find_socket(to);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(number_of(maps[0]->lookup(key(found->owner->number())).value()), 6U);
    EXPECT_EQ(run(85, "call 108\nexit"), 0);
    EXPECT_EQ(run(85, "call 108\nexit"), -ENOENT);
    EXPECT_EQ(run(99, "call 107\nexit"), 0) << "no whole socket";
    EXPECT_EQ(run(99, "call 108\nexit"), -EINVAL);
    // The owner alone, in programs without packets.
    const auto owner = found->owner;
    ASSERT_EQ(errno_of(maps[0]->update(key(owner->number()), word(8))), 0);
    net = network{};
    EXPECT_EQ(number_of(maps[0]->lookup(key(owner->number())).value()), 8U);
}

// --- programs of the kernel

/// Calls about the storage of the running thread in a map, {0}: the task in r2, the first value in
/// r3, flags in r4. The sum of what they gave is in r7.
constexpr std::string_view storage_calls = R"(
    mov %r7, 1
    call 158
    mov %r6, %r0
    stdw [%r10-8], 11
    mov %r8, 0
    lddw %r1, {0}
    mov %r2, %r6
    mov %r3, 0
    mov %r4, 0
    call 156
    jeq %r0, 0, +1
    add %r7, 3
    lddw %r1, {0}
    mov %r2, %r6
    call 157
    add %r7, %r0
    mul %r7, 5
    lddw %r1, {0}
    mov %r2, %r6
    mov %r3, %r10
    add %r3, -8
    mov %r4, 2
    call 156
    jeq %r0, 0, +1
    add %r7, 7
    lddw %r1, {0}
    mov %r2, %r6
    mov %r3, %r10
    add %r3, -8
    mov %r4, 1
    call 156
    jeq %r0, 0, +4
    ldxdw %r1, [%r0]
    add %r7, %r1
    add %r1, 1
    stxdw [%r0], %r1
    lddw %r1, {0}
    mov %r2, %r6
    mov %r3, %r10
    add %r3, -8
    mov %r4, 1
    call 156
    jeq %r0, 0, +3
    ldxdw %r1, [%r0]
    mul %r7, 13
    add %r7, %r1
    lddw %r1, {0}
    mov %r2, %r6
    call 157
    mul %r7, 13
    add %r7, %r0
    lddw %r1, {0}
    mov %r2, %r6
    mov %r3, 0
    mov %r4, 1
    call 156
    jeq %r0, 0, +3
    ldxdw %r1, [%r0]
    mul %r7, 13
    add %r7, %r1
    mov %r0, %r7
    exit
)";

/// Both keep values for the thread that runs them, and end with a number of 32 bits.
TEST_P(storage_program, has_the_kernel_s_results) {
    if (const auto why = kernel_map::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    const map_definition d = define(map_type::task_storage, 0);
    kernel_map theirs;
    ASSERT_EQ(theirs.create(d, types_of(d.value_size)), 0);
    kernel_program program;
    ASSERT_EQ(program.load(program_type::raw_tracepoint, object::attach_type::none,
                           vm::test::assemble(fmt::format(
                               storage_calls, fmt::format("map_by_fd({})", theirs.fd())))),
              0)
        << program.log();
    uint32_t expected = 0;
    ASSERT_EQ(program.run(expected), 0);

    const map_set maps{{make(d)}};
    const auto vm = vm::test::make_vm(GetParam());
    ASSERT_EQ(errno_of(maps.attach(*vm)), 0);
    const auto code = vm::test::assemble(fmt::format(storage_calls, "map_by_idx(0)"));
    ASSERT_EQ(vm->load_code(code.data(), code.size()), 0) << vm->error_message();
    int64_t r0 = 0;
    ASSERT_EQ(vm->exec(nullptr, 0, r0), 0) << vm->error_message();
    EXPECT_EQ(static_cast<uint32_t>(r0), expected);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
