// bpftime-vm: the helpers about texts
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"
#include "helper_words.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <expected>
#include <limits>
#include <string_view>

namespace bpftime::vm::runtime {

namespace {

// --- numbers, as the kernel reads them

bool is_space(char c) noexcept {
    constexpr std::string_view spaces = " \t\n\v\f\r\xa0";
    return spaces.contains(c);
}

constexpr uint32_t no_digit = ~uint32_t{0};
uint32_t digit_of(char c) noexcept {
    if (c >= '0' and c <= '9') return static_cast<uint32_t>(c - '0');
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' and lower <= 'f' ? static_cast<uint32_t>(lower - 'a') + 10 : no_digit;
}

bool has_hexadecimal_prefix(std::string_view text) noexcept {
    return text.size() >= 2 and text[0] == '0' and (text[1] | 0x20) == 'x';
}

/// What the digits, of which there may be a prefix, say of their base.
uint32_t guess_base(std::string_view digits) noexcept {
    if (not digits.starts_with('0')) return 10;
    const bool is_hexadecimal =
        has_hexadecimal_prefix(digits) and digits.size() > 2 and digit_of(digits[2]) != no_digit;
    return is_hexadecimal ? 16 : 8;
}

struct parsed_number {
    uint64_t value = 0;
    bool is_negative = false;
    int bytes = 0;  ///< that were read
};

std::expected<uint64_t, int> digits_value(std::string_view digits, uint32_t base,
                                          std::size_t &count) noexcept {
    uint64_t value = 0;
    bool overflows = false;
    for (count = 0; count < digits.size(); ++count) {
        const uint32_t digit = digit_of(digits[count]);
        if (digit >= base) break;
        overflows = overflows or __builtin_mul_overflow(value, uint64_t{base}, &value) or
                    __builtin_add_overflow(value, uint64_t{digit}, &value);
    }
    if (overflows) return std::unexpected{-ERANGE};
    if (count == 0) return std::unexpected{-EINVAL};
    return value;
}

/// A number at the begin of `text`; the error is a negative errno.
std::expected<parsed_number, int> parse(std::string_view text, uint64_t base) noexcept {
    constexpr std::size_t most_digits = 63;
    const bool is_base = base == 0 or base == 8 or base == 10 or base == 16;
    if (text.empty() or not is_base) return std::unexpected{-EINVAL};
    const auto *const begin = std::ranges::find_if_not(text, is_space);
    std::string_view rest = text.substr(static_cast<std::size_t>(begin - text.begin()));
    parsed_number found{.is_negative = rest.starts_with('-')};
    if (found.is_negative) rest.remove_prefix(1);
    rest = rest.substr(0, std::min(most_digits, rest.find('\0')));
    const uint32_t actual = base == 0 ? guess_base(rest) : static_cast<uint32_t>(base);
    if (actual == 16 and has_hexadecimal_prefix(rest)) rest.remove_prefix(2);
    std::size_t count = 0;
    const auto value = digits_value(rest, actual, count);
    if (not value) return std::unexpected{value.error()};
    found.value = *value;
    found.bytes = static_cast<int>(rest.data() + count - text.data());
    return found;
}

std::string_view text_at(uint64_t word, uint64_t size) noexcept {
    return {pointer<const char>(word), static_cast<std::size_t>(size)};
}

void store(uint64_t word, uint64_t value) noexcept {
    std::memcpy(pointer(word), &value, sizeof value);
}

}  // namespace

uint64_t helper::strtol(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    constexpr auto most = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    store(r4, 0);
    const auto found = parse(text_at(r1, r2), r3);
    if (not found) return word_of(found.error());
    if (found->value > most + (found->is_negative ? 1 : 0)) return word_of(-ERANGE);
    store(r4, found->is_negative ? -found->value : found->value);
    return word_of(found->bytes);
}

uint64_t helper::strtoul(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    store(r4, 0);
    const auto found = parse(text_at(r1, r2), r3);
    if (not found) return word_of(found.error());
    if (found->is_negative) return word_of(-EINVAL);
    store(r4, found->value);
    return word_of(found->bytes);
}

uint64_t helper::strncmp(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    const auto first = bytes_at(r1, r2);
    for (std::size_t i = 0; i < first.size(); ++i) {
        if (not may_touch(r3 + i, 1, permission::read)) return word_of(-EFAULT);
        const uint8_t second = pointer<const uint8_t>(r3)[i];
        if (first[i] != second) return word_of(first[i] < second ? -1 : 1);
        if (second == 0) break;
    }
    return 0;
}

}  // namespace bpftime::vm::runtime
