// bpftime-vm: values as text, as the kernel writes them for programs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "object/btf.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bpftime::vm::runtime {

/// The begin of a text, and how long all of it is.
struct cut_text {
    std::size_t most = 0;  ///< characters that are kept
    std::string begin{};
    std::size_t length = 0;

    void append(std::string_view more);
};

/// Puts into `text` what the value of type `type` at `address` is, which the running program may or
/// may not touch; 0 or a negative errno (-EFAULT: it may not all be read; -E2BIG: types that go too
/// deep, or have too many parts), with what came before. `flags`: BPF's BTF_F_COMPACT, BTF_F_NONAME
/// and BTF_F_ZERO; pointers are shown as they are in any case.
///
/// The form is the kernel's, which has its own ways: const and void types have no name, members of
/// structs in arrays neither, arrays of bytes end at the first 0. What differs is that elements are
/// all shown where the kernel repeats the first one (pointers, arrays in arrays), and enumerations
/// of all sizes are read whole.
int format_value(const object::btf &types, uint32_t type, uint64_t address, uint64_t flags,
                 cut_text &text);

}  // namespace bpftime::vm::runtime
