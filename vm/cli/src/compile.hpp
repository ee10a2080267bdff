// bpftime-vm: C to eBPF objects, by clang
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "failure.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace bpftime::vm::cli {

/// What older CPU versions lack, kernels from 5.3 on have.
inline constexpr auto default_cpu = "v3";

struct compile_options {
    std::string cpu = default_cpu;   ///< -mcpu
    std::vector<std::string> extra;  ///< further arguments for clang
};

/// The object that clang makes of the C file `path`; "-": of stdin. clang's messages go to stderr.
/// Fails with unsupported if there is no clang that can do it, with bad_input if clang refuses the
/// file.
///
/// clang is BPFTIME_VM_CLANG, or clang-19, clang-20, ..., clang-18, clang: the first that is there.
[[nodiscard]] outcome<std::vector<uint8_t>> compile_c(const std::string &path,
                                                      const compile_options &options);

}  // namespace bpftime::vm::cli
