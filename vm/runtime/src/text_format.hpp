// bpftime-vm: texts as the kernel formats them for programs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/memory_map.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace bpftime::vm::runtime {

/// Puts into `text` what a format makes of some words; 0 or a negative errno.
///
/// Conversions: d i u x X with l or ll, c, s, %; p and pK, px (the address in 16 digits; the kernel
/// shows p and pK as a hash of it), pS, ps and pB (the address, as of what has no symbol), pks and
/// pus (as s), pI4, pi4, pI6, pi6; each with flags (0 + - blank) and width where the kernel minds
/// them. Strings and IP addresses are read where `memory` allows it, and empty or zeros elsewhere.
int format_text(std::string_view format, std::span<const uint64_t> words,
                compat::memory_map &memory, std::string &text);

}  // namespace bpftime::vm::runtime
