// bpftime-vm: a signed integer that holds products and shifts of two 64-bit values, for tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#ifndef __SIZEOF_INT128__
#include <boost/multiprecision/cpp_int.hpp>
#endif

namespace bpftime::vm::test {

#ifdef __SIZEOF_INT128__
__extension__ using wide_integer = __int128;
#else
// Compilers for machines of 32 bits have none of their own. Bitwise operations are for numbers that
// are not negative.
using wide_integer = boost::multiprecision::number<
    boost::multiprecision::cpp_int_backend<256, 256, boost::multiprecision::signed_magnitude,
                                           boost::multiprecision::unchecked, void>,
    boost::multiprecision::et_off>;
#endif

}  // namespace bpftime::vm::test
