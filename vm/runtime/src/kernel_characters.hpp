// bpftime-vm: characters as the kernel's ctype.h sees them, whatever the locale: Latin-1
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

namespace bpftime::vm::runtime {

constexpr unsigned char byte_of(char c) noexcept { return static_cast<unsigned char>(c); }
constexpr bool is_ascii(char c) noexcept { return byte_of(c) < 0x80; }
constexpr bool is_space(char c) noexcept {
    return c == ' ' or (c >= '\t' and c <= '\r') or byte_of(c) == 0xa0;
}
constexpr bool is_digit(char c) noexcept { return c >= '0' and c <= '9'; }
constexpr bool is_alnum(char c) noexcept {
    constexpr unsigned char times = 0xd7;
    constexpr unsigned char divided = 0xf7;
    const unsigned char b = byte_of(c);
    return is_digit(c) or (c >= 'a' and c <= 'z') or (c >= 'A' and c <= 'Z') or
           (b >= 0xc0 and b != times and b != divided);
}
constexpr bool is_printed(char c) noexcept {
    return is_ascii(c) ? c >= ' ' and c <= '~' : byte_of(c) >= 0xa0;
}

}  // namespace bpftime::vm::runtime
