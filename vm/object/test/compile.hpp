// bpftime-vm: C to eBPF objects, at test time
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::object::test {

/// The object that clang makes of `source`; throws if it does not compile. `language` is clang's
/// -x.
[[nodiscard]] std::vector<uint8_t> compile(std::string_view source,
                                           const std::string &options = "-O2 -g -mcpu=v3",
                                           std::string_view language = "c");

}  // namespace bpftime::vm::object::test
