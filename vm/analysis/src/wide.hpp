// bpftime-vm: integers that hold what words, of either sign, add up to
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#ifndef __SIZEOF_INT128__
#include <boost/multiprecision/cpp_int.hpp>
#endif

namespace bpftime::vm::analysis {

/// Integers that no sum of words, multiplied by scales of bounds and links, wraps in.
#ifdef __SIZEOF_INT128__
__extension__ using wide = __int128;
#else
using wide = boost::multiprecision::int128_t;  // machines of 32 bits
#endif

}  // namespace bpftime::vm::analysis
