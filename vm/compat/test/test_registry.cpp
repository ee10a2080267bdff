// bpftime-vm: registering backends and creating their instances
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/last_error.hpp"
#include "ebpf-vm.h"
#include "minimal_vm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

using namespace bpftime::vm::compat;
using bpftime::vm::compat::test::minimal_vm;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

/// A name that no other test uses.
std::string new_name() {
    static int count = 0;
    return "test-registry-" + std::to_string(++count);
}

vm_factory answering(int64_t answer) {
    return [answer] { return std::make_unique<minimal_vm>(answer); };
}

int64_t answer_of(const std::string &backend) {
    const auto vm = create_vm_instance(backend);
    int64_t result = -1;
    EXPECT_EQ(vm->exec(nullptr, 0, result), 0);
    return result;
}

/// The text with which a backend is refused.
std::string refusal_of(const std::string &backend) {
    try {
        create_vm_instance(backend);
    } catch (const std::runtime_error &e) {
        return e.what();
    }
    ADD_FAILURE() << backend << " was created";
    return "";
}

// --- registering

TEST(registry, makes_a_backend_known_by_its_name) {
    const std::string name = new_name();
    ASSERT_EQ(register_vm_factory(name, answering(42)), 0);
    EXPECT_EQ(answer_of(name), 42);
    EXPECT_EQ(create_vm_instance(name)->backend_name(), name);
    EXPECT_THAT(list_vm_backends(), Contains(name));
}

TEST(registry, keeps_what_a_factory_captures) {
    const std::string name = new_name();
    auto count = std::make_shared<int>(0);
    ASSERT_EQ(register_vm_factory(name, [count] { return std::make_unique<minimal_vm>(++*count); }),
              0);
    EXPECT_EQ(answer_of(name), 1);
    EXPECT_EQ(answer_of(name), 2) << "each instance is a new one";
    EXPECT_EQ(*count, 2);
}

TEST(registry, keeps_the_first_of_two_of_the_same_name) {
    const std::string name = new_name();
    ASSERT_EQ(register_vm_factory(name, answering(1)), 0);
    EXPECT_EQ(register_vm_factory(name, answering(2)), EBPF_ERROR_ALREADY_EXISTS);
    EXPECT_EQ(last_error(),
              "backend '" + name +
                  "' cannot be registered: the name is taken; the first registration stays");
    EXPECT_EQ(answer_of(name), 1);
    EXPECT_EQ(std::ranges::count(list_vm_backends(), name), 1);
}

TEST(registry, keeps_the_names_of_its_own_backends) {
    EXPECT_EQ(register_vm_factory("ubpf", answering(2)), EBPF_ERROR_ALREADY_EXISTS);
}

TEST(registry, refuses_bad_names) {
    for (const std::string &name :
         {std::string{}, std::string{"a/b"}, std::string{"/"}, std::string{"../ubpf"},
          std::string{"."}, std::string{".a"}, std::string{"a b"}, std::string{"a\n"},
          std::string{"a\0b", 3}, std::string{"\0", 1}, std::string{"\xc3\xbc"}, std::string{"a:b"},
          std::string{"%s"}}) {
        EXPECT_EQ(register_vm_factory(name, answering(1)), EBPF_ERROR_INVALID_ARGUMENT) << name;
        EXPECT_THAT(
            last_error(),
            HasSubstr("a name has letters, digits, '_', '-' and '.' only, and does not begin with "
                      "'.'"));
        EXPECT_THAT(list_vm_backends(), ::testing::Not(Contains(name)));
    }
}

TEST(registry, accepts_good_names) {
    for (const char *const name : {"t", "T.est-registry_9", "-", "_", "0", "a..b"}) {
        EXPECT_EQ(register_vm_factory(name, answering(5)), 0) << name;
        EXPECT_EQ(answer_of(name), 5);
    }
    const std::string long_name(10'000, 'x');
    EXPECT_EQ(register_vm_factory(long_name, answering(6)), 0);
    EXPECT_EQ(answer_of(long_name), 6);
}

TEST(registry, refuses_an_empty_factory) {
    const std::string name = new_name();
    EXPECT_EQ(register_vm_factory(name, vm_factory{}), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(last_error(), "backend '" + name + "' cannot be registered: its factory is empty");
    EXPECT_EQ(register_vm_factory(name, nullptr), EBPF_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(register_vm_factory(name, answering(1)), 0) << "the name is still free";
}

// --- creating

TEST(create_vm_instance, of_an_unknown_name_lists_the_known_ones) {
    const std::string known = new_name();
    ASSERT_EQ(register_vm_factory(known, answering(1)), 0);
    EXPECT_THAT(refusal_of("nope"),
                AllOf(HasSubstr("unknown backend 'nope'"), HasSubstr("there are: "),
                      HasSubstr("ubpf"), HasSubstr(known)));
    EXPECT_THAT(refusal_of("a/b"), HasSubstr("a name has letters, digits"));
    EXPECT_THAT(refusal_of(std::string{"ubpf\0", 5}), HasSubstr("a name has letters, digits"));
}

TEST(create_vm_instance, whose_factory_gives_nothing) {
    const std::string name = new_name();
    ASSERT_EQ(register_vm_factory(name, [] { return nullptr; }), 0);
    EXPECT_EQ(refusal_of(name), "backend '" + name + "' cannot start here");
    EXPECT_EQ(ebpf_create(name.c_str()), nullptr);
    EXPECT_EQ(std::string{ebpf_last_error()}, "backend '" + name + "' cannot start here");
}

TEST(create_vm_instance, whose_factory_throws) {
    const std::string name = new_name();
    ASSERT_EQ(
        register_vm_factory(
            name, []() -> std::unique_ptr<bpftime_vm_impl> { throw std::logic_error("no CPU"); }),
        0);
    EXPECT_EQ(refusal_of(name), "backend '" + name + "' cannot start here: no CPU");
    EXPECT_EQ(ebpf_create(name.c_str()), nullptr);
    EXPECT_THAT(ebpf_last_error(), HasSubstr("no CPU"));
}

TEST(create_vm_instance, whose_factory_throws_anything) {
    const std::string name = new_name();
    ASSERT_EQ(register_vm_factory(name, []() -> std::unique_ptr<bpftime_vm_impl> { throw 5; }), 0);
    EXPECT_THAT(refusal_of(name), HasSubstr("backend '" + name + "' cannot start here"));
    EXPECT_EQ(ebpf_create(name.c_str()), nullptr);
}

TEST(create_vm_instance, whose_factory_runs_out_of_memory) {
    const std::string name = new_name();
    ASSERT_EQ(register_vm_factory(
                  name, []() -> std::unique_ptr<bpftime_vm_impl> { throw std::bad_alloc(); }),
              0);
    EXPECT_THROW(create_vm_instance(name), std::bad_alloc);
    EXPECT_EQ(ebpf_create(name.c_str()), nullptr);
    EXPECT_STREQ(ebpf_last_error(), "out of memory");
}

TEST(create_vm_instance, that_failed_once_may_work_later) {
    const std::string name = new_name();
    static bool ready = false;
    ASSERT_EQ(
        register_vm_factory(name, [] { return ready ? std::make_unique<minimal_vm>(3) : nullptr; }),
        0);
    refusal_of(name);
    ready = true;
    EXPECT_EQ(answer_of(name), 3);
}

TEST(create_vm_instance, of_the_best_backend_passes_over_what_cannot_start) {
    static bool works = false;
    if (register_vm_factory(
            "tiered", [] { return works ? std::make_unique<minimal_vm>(77) : nullptr; }) != 0) {
        GTEST_SKIP() << "this build has a backend \"tiered\" of its own";
    }
    EXPECT_EQ(list_vm_backends().front(), "tiered") << "it is best by its name";
    EXPECT_NE(create_vm_instance("")->backend_name(), "tiered");
    works = true;
    EXPECT_EQ(create_vm_instance("")->backend_name(), "tiered");
    works = false;
}

TEST(list_vm_backends, has_its_own_backends_before_others) {
    const std::string name = new_name();
    ASSERT_EQ(register_vm_factory(name, answering(1)), 0);
    const auto all = list_vm_backends();
    EXPECT_LT(std::ranges::find(all, "ubpf"), std::ranges::find(all, name));
}

TEST(list_vm_backends, has_others_in_the_order_of_their_registration) {
    const std::string first = new_name();
    const std::string second = new_name();
    ASSERT_EQ(register_vm_factory(first, answering(1)), 0);
    ASSERT_EQ(register_vm_factory(second, answering(1)), 0);
    const auto all = list_vm_backends();
    EXPECT_EQ(std::ranges::find(all, first) + 1, std::ranges::find(all, second));
}

// --- threads

TEST(registry, lets_one_thread_win) {
    for (int round = 0; round < 20; ++round) {
        const std::string name = new_name();
        std::atomic<int> won = 0;
        std::vector<std::thread> threads;
        for (int64_t i = 0; i < 8; ++i) {
            threads.emplace_back([&, i] {
                won += register_vm_factory(name, answering(i)) == 0;
                EXPECT_GE(answer_of(name), 0);
                EXPECT_THAT(list_vm_backends(), Contains(name));
            });
        }
        for (std::thread &t : threads) t.join();
        EXPECT_EQ(won, 1);
    }
}

}  // namespace
