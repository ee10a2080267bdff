// bpftime-vm: the benchmark programs as native functions, the measure of every engine
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bench_programs.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace bpftime::vm::benchmark {

using native_entry = std::uint64_t (*)(void *memory, std::uint64_t size);

/// One program, compiled natively from the source that also makes the eBPF objects.
struct native_program {
    std::string_view name;
    native_entry o2;  ///< clang -O2
    native_entry o3;  ///< clang -O3 -march=native
};

extern "C" {
#define BENCH_DECLARE(name)                                \
    std::uint64_t native_o2_##name(void *, std::uint64_t); \
    std::uint64_t native_o3_##name(void *, std::uint64_t);
BENCH_PROGRAMS(BENCH_DECLARE)
#undef BENCH_DECLARE
}

#define BENCH_ROW(name) native_program{#name, native_o2_##name, native_o3_##name},
inline constexpr std::array native_programs{BENCH_PROGRAMS(BENCH_ROW)};
#undef BENCH_ROW

}  // namespace bpftime::vm::benchmark
