// bpftime-vm: what a register or stack slot may hold, as far as the context goes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <span>

namespace bpftime::vm::runtime {

/// Where a word comes from.
enum class origin : uint8_t {
    other,     ///< anything but what follows
    number,    ///< the constant `offset`
    code,      ///< the function at slot `offset`
    stack,     ///< `offset` bytes from the top of the frame of `function`, or of one of several
    context,   ///< `offset` bytes from the begin of the context; on another path perhaps null
    modified,  ///< the context, and an offset that is not constant
    mixed,     ///< the context on one path, something else on another
};

inline constexpr uint32_t several_functions = ~uint32_t{0};
inline constexpr int64_t any_offset = INT64_MAX;

struct context_value {
    origin from = origin::other;
    /// Of a stack address: on another path it is no stack address.
    bool perhaps = false;
    uint32_t function = 0;
    int64_t offset = 0;
    uint64_t among = 0;  ///< the several functions, bit by bit; the last is all from 63 on

    friend bool operator==(const context_value &, const context_value &) = default;

    /// Whether it may be the context or have been made of it.
    [[nodiscard]] bool of_context() const noexcept { return from >= origin::context; }
    /// Whether a stack address may be one of the frame of this function.
    [[nodiscard]] bool may_be_in(uint32_t of) const noexcept {
        return function == of or (among & bit_of(of)) != 0;
    }
    [[nodiscard]] static constexpr uint64_t bit_of(uint32_t function) noexcept {
        return uint64_t{1} << (function < 63 ? function : 63);
    }
};

/// What is known of a word that is `a` on one path and `b` on another.
[[nodiscard]] context_value join(const context_value &a, const context_value &b) noexcept;
/// The sum of two words; `sign` -1: their difference.
[[nodiscard]] context_value sum(const context_value &a, const context_value &b, int sign) noexcept;

/// The words of one frame that are neither `other` nor numbers but 0, by their offset from its top.
/// What a program writes at offsets that are not constant does not count: programs that the kernel
/// takes do not overwrite the context so, and what others then do with it meets the checks of the
/// run.
using frame_words = std::map<int64_t, context_value>;

/// The frames that are followed have so many bytes, as the kernel's.
inline constexpr int64_t followed_frame = 512;

/// Everything at one point of a program.
struct context_state {
    bool reached = false;
    context_value registers[11];
    /// By function. A frame that is not there is not known to be live.
    std::map<uint32_t, frame_words> frames;

    friend bool operator==(const context_state &, const context_state &) = default;

    /// Adds what arrives on another path; whether that changed anything.
    bool merge(const context_state &arriving);
    /// The word at `address`.
    [[nodiscard]] context_value load(const context_value &address) const;
    /// Puts the low `width` bytes of `value` there. False if it may be the context and cannot be
    /// followed there.
    bool store(const context_value &address, const context_value &value, unsigned width);
    /// What the frames of `arguments` hold, and those that these point to, and so on.
    [[nodiscard]] std::map<uint32_t, frame_words> frames_of(
        std::span<const context_value> arguments) const;
};

}  // namespace bpftime::vm::runtime
