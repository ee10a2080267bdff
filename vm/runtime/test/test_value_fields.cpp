// bpftime-vm: values with fields that only helpers use, compared with the kernel's
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compile.hpp"
#include "engines.hpp"
#include "kernel_map.hpp"
#include "object/object.hpp"
#include "programs.hpp"
#include "runtime/loaded_object.hpp"
#include "runtime/map_set.hpp"
#include "support.hpp"
#include "threads.hpp"

#include <array>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <string_view>

namespace bpftime::vm::runtime::test {

using vm::test::engine;
using vm::test::on_all_threads;
using vm::test::thread_count;
using kind = value_field::kind;

namespace {

// --- BTF

/// struct value { u64; struct FIELD field; u32; u64; }: what maps of the kernel must be told.
class value_types {
public:
    value_types(const char *field, uint32_t field_bytes) {
        const uint32_t u32 = 1;
        const uint32_t field_struct = 3;
        const uint32_t u64 = 4;
        integer(32);
        structure("value", 4, 8 + field_bytes + (field_bytes % 8 == 0 ? 8 : 4) + 8);
        member("first", u64, 0);
        member("field", field_struct, 8);
        member("second", u32, 8 + field_bytes);
        member("third", u64, field_bytes % 8 == 0 ? 16 + field_bytes : 12 + field_bytes);
        structure(field, 1, field_bytes);
        member("opaque", field_bytes == 4 ? u32 : u64, 0);
        integer(64);
    }

    [[nodiscard]] bytes take() const {
        bytes all;
        const auto add = [&](const std::vector<uint32_t> &words) {
            for (const uint32_t w : words) {
                for (unsigned shift = 0; shift < 32; shift += 8)
                    all.push_back(static_cast<uint8_t>(w >> shift));
            }
        };
        const uint32_t size = word_bytes(types_);
        add({0x0001eb9f, 24, 0, size, size, static_cast<uint32_t>(strings_.size())});
        add(types_);
        all.insert(all.end(), strings_.begin(), strings_.end());
        return all;
    }

private:
    static uint32_t word_bytes(const std::vector<uint32_t> &words) {
        return static_cast<uint32_t>(words.size() * sizeof(uint32_t));
    }
    uint32_t name(const char *text) {
        const auto at = static_cast<uint32_t>(strings_.size());
        strings_ += text;
        strings_ += '\0';
        return at;
    }
    void integer(uint32_t bits) {
        const uint32_t named = name(bits == 32 ? "u32" : "u64");
        types_.insert(types_.end(), {named, 1U << 24, bits / 8, bits});
    }
    void structure(const char *text, uint32_t members, uint32_t size) {
        const uint32_t named = name(text);
        types_.insert(types_.end(), {named, 4U << 24 | members, size});
    }
    void member(const char *text, uint32_t type, uint32_t offset) {
        const uint32_t named = name(text);
        types_.insert(types_.end(), {named, type, offset * 8});
    }

    std::vector<uint32_t> types_;
    std::string strings_{'\0'};
};

struct field_case {
    const char *name;
    const char *type;
    kind what;
    uint32_t bytes;

    friend std::ostream &operator<<(std::ostream &out, const field_case &f) {
        return out << f.name;
    }
    [[nodiscard]] uint32_t value_bytes() const { return bytes % 8 == 0 ? bytes + 24 : bytes + 20; }
    [[nodiscard]] map_definition define(map_type type_of_map, uint32_t flags = 0) const {
        return {.name = "fields",
                .type = type_of_map,
                .key_size = 4,
                .value_size = value_bytes(),
                .max_entries = 3,
                .flags = flags,
                .fields = {{what, 8, bytes}}};
    }
};

constexpr field_case lock_case{"lock", "bpf_spin_lock", kind::spin_lock, 4};
constexpr auto field_cases = std::to_array<field_case>({
    lock_case,
    {"timer", "bpf_timer", kind::timer, 16},
});

// --- creation

class fields : public testing::TestWithParam<field_case> {};

INSTANTIATE_TEST_SUITE_P(kinds, fields, testing::ValuesIn(field_cases), vm::test::engine_name{});

TEST_P(fields, are_taken_by_the_types_of_maps_that_take_them_in_the_kernel) {
    if (const auto why = kernel_map::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    const field_case &f = GetParam();
    const bytes types = value_types{f.type, f.bytes}.take();
    for (const auto type :
         {map_type::hash, map_type::array, map_type::percpu_hash, map_type::percpu_array,
          map_type::lru_hash, map_type::lru_percpu_hash, map_type::hash_of_maps}) {
        for (const uint32_t flags : {0U, uint32_t{map_rdonly_prog}, uint32_t{map_wronly_prog}}) {
            const map_definition d = f.define(type, flags);
            kernel_map theirs;
            const int expected = theirs.create(d, types);
            EXPECT_EQ(errno_of(map::create(d)), -expected)
                << static_cast<unsigned>(type) << ", flags " << flags;
        }
    }
}

TEST_P(fields, lie_in_the_value) {
    map_definition d = GetParam().define(map_type::hash);
    d.fields[0].offset = d.value_size;
    EXPECT_EQ(errno_of(map::create(d)), EINVAL);
    d.fields[0].offset = 6;
    EXPECT_EQ(errno_of(map::create(d)), EINVAL);
}

// --- copies

class field_copies : public testing::TestWithParam<std::tuple<field_case, map_type>> {};

INSTANTIATE_TEST_SUITE_P(kinds, field_copies,
                         testing::Combine(testing::ValuesIn(field_cases),
                                          testing::Values(map_type::hash, map_type::array)),
                         [](const auto &p) {
                             return std::string{std::get<0>(p.param).name} + "_in_" +
                                    std::string{name_of(std::get<1>(p.param))};
                         });

/// The same operations on both sides; values are full of ones, so that what is left out shows.
TEST_P(field_copies, leave_out_what_those_of_the_kernel_leave_out) {
    if (const auto why = kernel_map::why_unavailable(); not why.empty()) GTEST_SKIP() << why;
    const auto &[f, type] = GetParam();
    const map_definition d = f.define(type);
    kernel_map theirs;
    ASSERT_EQ(theirs.create(d, value_types{f.type, f.bytes}.take()), 0);
    const auto ours = make(d);
    std::mt19937 random{7};
    for (int i = 0; i < 400; ++i) {
        const bytes k = key(random() % 4);
        const uint64_t flags = random() % 3 == 0 ? random() % 9 : random() % 2 * 4;
        switch (random() % 3) {
        case 0: {
            bytes v(f.value_bytes());
            for (uint8_t &b : v) b = static_cast<uint8_t>(random() | 1U);
            EXPECT_EQ(errno_of(ours->update(k, v, flags)), -theirs.update(k, v, flags))
                << "flags " << flags;
            break;
        }
        case 1: {
            bytes a(f.value_bytes(), 9);
            bytes b = a;
            EXPECT_EQ(errno_of(ours->lookup(k, a, flags)), -theirs.lookup(k, b, flags))
                << "flags " << flags;
            EXPECT_EQ(a, b);
            break;
        }
        default:
            if (type == map_type::hash and random() % 2 == 0) {
                EXPECT_EQ(errno_of(ours->remove(k)), -theirs.remove(k));
            }
        }
    }
}

TEST(copies_of_values, leave_the_field_to_programs) {
    for (const map_type type : {map_type::hash, map_type::array}) {
        const auto m = make(lock_case.define(type));
        ASSERT_EQ(errno_of(m->update(key(1), bytes(24, 0xff))), 0);
        auto *const value = static_cast<uint8_t *>(m->lookup_elem(key(1).data()));
        EXPECT_EQ(number_of<uint32_t>({value, 24}, 8), 0U) << "zero at first";
        value[8] = 5;
        ASSERT_EQ(errno_of(m->update(key(1), bytes(24, 0xee), update_lock)), 0);
        EXPECT_EQ(number_of<uint32_t>({value, 24}, 8), 5U);
        EXPECT_EQ(number_of<uint32_t>({value, 24}, 12), 0xeeeeeeeeU);
        EXPECT_EQ(number_of<uint32_t>(m->lookup(key(1)).value(), 8), 0U);
    }
}

TEST(copies_of_values, per_cpu_leave_out_pointers) {
    for (const map_type type :
         {map_type::percpu_array, map_type::percpu_hash, map_type::lru_hash}) {
        map_definition d = define(type, 4);
        d.value_size = 24;
        d.fields = {{kind::pointer, 8, 8}};
        const auto m = make(d);
        ASSERT_EQ(errno_of(m->update(key(1), bytes(m->host_value_size(), 0xff))), 0);
        const bytes found = m->lookup(key(1)).value();
        EXPECT_EQ(number_of(found, 0), ~uint64_t{0});
        EXPECT_EQ(number_of(found, 8), 0U);
        EXPECT_EQ(number_of(found, 16), ~uint64_t{0});
    }
}

// --- programs

class value_lock : public testing::TestWithParam<engine> {
protected:
    std::unique_ptr<ebpf_vm> load(std::string_view text) {
        auto vm = vm::test::make_vm(GetParam());
        EXPECT_EQ(errno_of(maps_.attach(*vm)), 0);
        const auto code = vm::test::assemble(std::string{find} + std::string{text});
        EXPECT_EQ(vm->load_code(code.data(), code.size()), 0) << vm->error_message();
        return vm;
    }
    static int64_t run(ebpf_vm &vm, int64_t &r0) { return vm.exec(nullptr, 0, r0); }
    int64_t run(std::string_view text) {
        const auto vm = load(text);
        int64_t r0 = 0;
        EXPECT_EQ(run(*vm, r0), 0) << vm->error_message();
        return r0;
    }

    /// The value in r6, the place of its lock in r7.
    static constexpr std::string_view find =
        "stw [%r10-4], 1\nmov %r2, %r10\nadd %r2, -4\nlddw %r1, map_by_idx(0)\ncall 1\n"
        "mov %r6, %r0\nmov %r7, %r0\nadd %r7, 8\n";
    static constexpr std::string_view lock = "mov %r1, %r7\ncall 93\n";
    static constexpr std::string_view unlock = "mov %r1, %r7\ncall 94\n";
    static constexpr std::string_view add = "ldxdw %r1, [%r6]\nadd %r1, 1\nstxdw [%r6], %r1\n";

    std::shared_ptr<map> map_ = make(lock_case.define(map_type::array));
    map_set maps_{{map_}};
};

INSTANTIATE_TEST_SUITE_P(engines, value_lock, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

TEST_P(value_lock, lets_threads_count_without_atomics) {
    constexpr int rounds = 2000;
    const std::string text = "mov %r8, " + std::to_string(rounds) + "\n" + std::string{lock} +
                             std::string{add} + std::string{unlock} +
                             "sub %r8, 1\njne %r8, 0, -9\nmov %r0, 0\nexit";
    const auto vm = load(text);
    on_all_threads([&](unsigned) {
        int64_t r0 = 0;
        EXPECT_EQ(run(*vm, r0), 0);
    });
    EXPECT_EQ(number_of(map_->lookup(key(1)).value()), uint64_t{rounds} * thread_count);
}

TEST_P(value_lock, is_given_back_when_the_run_ends) {
    const auto faults = load(std::string{lock} + "ldxdw %r0, [%r6+4096]\nexit");
    int64_t r0 = 0;
    EXPECT_EQ(run(*faults, r0), EBPF_ERROR_FAULT);
    EXPECT_EQ(run(std::string{lock} + "mov %r0, 3\nexit"), 3);
    EXPECT_EQ(errno_of(map_->update(key(1), bytes(24), update_lock)), 0);
}

TEST_P(value_lock, is_taken_once_and_is_the_only_one) {
    EXPECT_EQ(run(std::string{lock} + std::string{lock} + "mov %r1, %r6\ncall 93\n" +
                  std::string{unlock} + std::string{unlock} + std::string{lock} +
                  std::string{unlock} + "mov %r0, 7\nexit"),
              7);
}

TEST_P(value_lock, cannot_be_forged_by_writing_to_it) {
    EXPECT_EQ(run("stw [%r7], 1\n" + std::string{lock} + std::string{unlock} + "mov %r0, 7\nexit"),
              7);
}

TEST_P(value_lock, is_not_waited_for_by_who_holds_one) {
    EXPECT_EQ(run(std::string{lock} +
                  "mov %r2, %r10\nadd %r2, -4\nmov %r3, %r6\nmov %r4, 4\nlddw %r1, map_by_idx(0)\n"
                  "call 2\nexit"),
              -EBUSY);
}

TEST_P(value_lock, is_memory_of_the_program) {
    const auto vm = load("mov %r1, 4096\ncall 93\nmov %r0, 0\nexit");
    int64_t r0 = 0;
    EXPECT_EQ(run(*vm, r0), EBPF_ERROR_FAULT);
}

TEST_P(value_lock, pointers_in_values_are_exchanged) {
    EXPECT_EQ(run("mov %r1, %r6\nmov %r2, 5\ncall 194\nmov %r8, %r0\nmov %r1, %r6\nmov %r2, 0\n"
                  "call 194\nlsh %r8, 8\nor %r0, %r8\nexit"),
              5);
}

/// An object as clang makes it.
TEST_P(value_lock, is_found_in_the_types_of_an_object) {
    const auto elf = object::test::compile(R"(
        #define SEC(name) __attribute__((section(name), used))
        #define __uint(name, value) int (*name)[value]
        #define __type(name, value) typeof(value) *name
        struct bpf_spin_lock { unsigned val; };
        struct counter { unsigned long count; struct { int pad; struct bpf_spin_lock lock; } in; };
        struct {
            __uint(type, 1); __uint(max_entries, 4); __type(key, int); __type(value, struct counter);
        } counters SEC(".maps");
        static void *(*lookup)(void *, const void *) = (void *)1;
        static void (*spin_lock)(void *) = (void *)93;
        static void (*spin_unlock)(void *) = (void *)94;
        SEC("xdp") int prog(void *ctx) {
            int key = 1;
            struct counter *c = lookup(&counters, &key);
            if (!c) return 0;
            spin_lock(&c->in.lock);
            c->count++;
            spin_unlock(&c->in.lock);
            return 1;
        })",
                                           "-O2 -g -mcpu=v3");
    const auto file = object::object_file::parse(elf);
    ASSERT_TRUE(file);
    auto object = loaded_object::load(*file, {.backend = GetParam().backend});
    ASSERT_TRUE(object) << object.error().message;
    const auto m = object->find_map("counters");
    EXPECT_EQ(m->definition().fields, (std::vector<value_field>{{kind::spin_lock, 12, 4}}));
    ASSERT_EQ(errno_of(m->update(key(1), bytes(16))), 0);
    int64_t r0 = 0;
    uint8_t memory = 0;
    EXPECT_EQ(object->find_program("prog")->vm->exec(&memory, 1, r0), 0);
    EXPECT_EQ(number_of(m->lookup(key(1)).value()), 1U);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
