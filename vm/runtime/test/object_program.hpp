// bpftime-vm: a fixture for tests of C programs in objects, on every engine
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/fault.hpp"
#include "compile.hpp"
#include "engines.hpp"
#include "runtime/loaded_object.hpp"
#include "support.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace bpftime::vm::runtime::test {

/// What every program may use.
inline constexpr std::string_view object_prologue = R"(
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name
#define __array(name, value) typeof(value) *name[]
#define __ksym __attribute__((section(".ksyms")))
#define __weak __attribute__((weak))
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long s64;
static void *(*lookup)(void *map, const void *key) = (void *)1;
static long (*update)(void *map, const void *key, const void *value, u64 flags) = (void *)2;
static long (*delete)(void *map, const void *key) = (void *)3;
)";

class object_test : public testing::TestWithParam<vm::test::engine> {
protected:
    static object::object_file parse(std::string_view source) {
        auto file = object::object_file::parse(object::test::compile(
            std::string{object_prologue} + std::string{source}, "-O2 -g -mcpu=v3", "c"));
        if (not file) throw std::runtime_error{file.error().message};
        return std::move(*file);
    }
    static loaded_object load(std::string_view source, load_options options = {}) {
        options.backend = GetParam().backend;
        auto object = loaded_object::load(parse(source), options);
        if (not object) throw std::runtime_error{object.error().message};
        return std::move(*object);
    }
    /// r0 of a program without input.
    static int64_t run(const loaded_object &object, std::string_view name) {
        const loaded_program *const program = object.find_program(name);
        EXPECT_NE(program, nullptr) << name;
        int64_t r0 = 0;
        EXPECT_EQ(program->vm->exec(nullptr, 0, r0), 0) << program->vm->error_message();
        return r0;
    }
    static int64_t run(std::string_view source) { return run(load(source), "f"); }
    /// The fault that it ends with.
    static compat::fault_kind fault(const loaded_object &object, std::string_view name) {
        int64_t r0 = 0;
        EXPECT_EQ(object.find_program(name)->vm->exec(nullptr, 0, r0), EBPF_ERROR_FAULT);
        return compat::last_fault().kind;
    }
    static compat::fault_kind fault(std::string_view source) { return fault(load(source), "f"); }
};

}  // namespace bpftime::vm::runtime::test
