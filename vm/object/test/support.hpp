// bpftime-vm: what the tests of the object loader share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compile.hpp"
#include "object/object.hpp"

namespace bpftime::vm::object::test {

/// What libbpf's headers give to programs, as far as the tests need it.
inline constexpr std::string_view prologue = R"(
#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))
#define WEAK __attribute__((weak))
#define KCONFIG __attribute__((section(".kconfig")))
#define KSYM __attribute__((section(".ksyms")))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name
#define __array(name, value) typeof(value) *name[]
#define __ulong(name, value) enum { JOIN(unique_, __COUNTER__) = value } name
#define JOIN(a, b) JOIN_(a, b)
#define JOIN_(a, b) a##b
static long (*use)(const void *) = (void *)1;
)";

/// The object that clang makes of the prologue and `source`. Throws what parse() refuses.
[[nodiscard]] object_file parse(std::string_view source,
                                const std::string &options = "-O2 -g -mcpu=v3");
/// The message with which parse() refuses it.
[[nodiscard]] std::string parse_error(std::string_view source,
                                      const std::string &options = "-O2 -g -mcpu=v3",
                                      error_code code = error_code::bad_object);

[[nodiscard]] const function_info &find(const object_file &file, std::string_view name);
[[nodiscard]] const object_map &find_map(const object_file &file, std::string_view name);

/// The function `name` linked. Throws what link() refuses.
[[nodiscard]] bytecode link(const object_file &file, std::string_view name,
                            const link_options &options = {});
/// The message with which link() refuses it.
[[nodiscard]] std::string link_error(const object_file &file, std::string_view name,
                                     error_code code = error_code::unsupported,
                                     const link_options &options = {});

/// The lddw instructions and the calls of linked code, in assembly.
[[nodiscard]] std::vector<std::string> references_in(const bytecode &linked);

}  // namespace bpftime::vm::object::test
