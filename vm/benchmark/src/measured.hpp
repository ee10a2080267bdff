// bpftime-vm: what the benchmark measures: the programs and their answers
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "native.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::benchmark {

/// A benchmark program in one of its forms.
struct bench_program {
    std::string name;
    std::vector<uint8_t> code;  ///< eBPF bytecode
    native_program native;
};

/// Every program as compiled for `cpu` ("v3" or "v4"). Throws std::runtime_error if an object
/// cannot be used.
[[nodiscard]] std::vector<bench_program> load_programs(std::string_view cpu);

/// What is wrong with r0 and the memory after a run of the program on its fixed input, or "".
[[nodiscard]] std::string judge(std::string_view program, uint64_t r0,
                                std::span<const uint8_t> memory);

}  // namespace bpftime::vm::benchmark
