// bpftime-vm: what a helper is declared to take, give and do
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "program/region.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace bpftime::vm {

inline constexpr unsigned max_helper_arguments = 5;

/// What one argument of a helper is.
enum class argument_kind : uint8_t {
    unused,             ///< beyond the helper's arity
    scalar,             ///< any 64-bit word
    memory_read,        ///< pointer to memory that the helper reads
    memory_write,       ///< pointer to memory that the helper writes
    memory_read_write,  ///< both
    memory_size,        ///< bytes of the memory argument before it
    context,            ///< the context that the run was entered with
    map,                ///< a map, as an lddw callback gave it
    map_key,            ///< pointer to a key of the map argument before it, which the helper reads
    map_value,          ///< pointer to a value of that map, which the helper reads
    map_value_write,    ///< pointer to memory for a value of that map, which the helper writes
    function,           ///< handle of a function of the program, which the helper calls
};

/// Whether an argument of this kind is checked before the helper is called.
[[nodiscard]] constexpr bool is_checked(argument_kind kind) noexcept {
    switch (kind) {
    case argument_kind::memory_read:
    case argument_kind::memory_write:
    case argument_kind::memory_read_write:
    case argument_kind::map:
    case argument_kind::map_key:
    case argument_kind::map_value:
    case argument_kind::map_value_write: return true;
    default: return false;
    }
}

/// What the helper does with the memory of an argument of this kind.
[[nodiscard]] constexpr permission permission_of(argument_kind kind) noexcept {
    switch (kind) {
    case argument_kind::memory_read:
    case argument_kind::map_key:
    case argument_kind::map_value: return permission::read;
    case argument_kind::memory_write:
    case argument_kind::map_value_write: return permission::write;
    case argument_kind::memory_read_write: return permission::read_write;
    default: return permission::none;
    }
}

/// Whether checking it takes the sizes of the map argument before it.
[[nodiscard]] constexpr bool depends_on_map(argument_kind kind) noexcept {
    return kind == argument_kind::map_key or kind == argument_kind::map_value or
           kind == argument_kind::map_value_write;
}

struct argument_declaration {
    argument_kind kind = argument_kind::unused;
    bool may_be_null = false;
    /// Bytes of a memory argument that no memory_size argument follows; 0: it has one.
    uint32_t size = 0;
};

/// What r0 holds after the helper.
enum class result_kind : uint8_t {
    scalar,
    pointer,  ///< to `result_size` bytes that the program may then read and write during this run
    pointer_or_null,    ///< the same, or 0
    map_value_or_null,  ///< to a value of the helper's map argument, or 0
    never,              ///< calling it is the fault `unavailable`
    tail_call,          ///< the VM whose program takes the calling function's place, or 0
    ends_run,           ///< what the run gives: it ends
};

/// What calling the helper can do besides giving its result.
enum class helper_purity : uint8_t {
    impure,    ///< anything
    reads,     ///< reads memory, writes none: same memory, same arguments, same result
    constant,  ///< same arguments, same result
};

/// One helper. An undeclared helper is five opaque words in, one out: always callable, never
/// assumed.
struct helper_declaration {
    uint32_t id = 0;
    std::string name;
    bool typed = false;  ///< whether the fields below were declared
    std::array<argument_declaration, max_helper_arguments> arguments{};
    result_kind result = result_kind::scalar;
    uint32_t result_size = 0;
    helper_purity purity = helper_purity::impure;

    /// Whether it is known what the helper gets.
    [[nodiscard]] constexpr bool declares_arguments() const noexcept {
        for (const argument_declaration &a : arguments) {
            if (a.kind != argument_kind::unused) return typed;
        }
        return false;
    }
    /// How many of r1 to r5 the helper gets; the others read 0. Five, if no argument is declared.
    [[nodiscard]] constexpr unsigned arity() const noexcept {
        for (unsigned i = max_helper_arguments; i > 0; --i) {
            if (arguments[i - 1].kind != argument_kind::unused) return i;
        }
        return max_helper_arguments;
    }

    /// Whether it calls functions of the program.
    [[nodiscard]] constexpr bool calls_back() const noexcept {
        for (const argument_declaration &a : arguments) {
            if (a.kind == argument_kind::function) return true;
        }
        return false;
    }
    /// Whether programs run while it is called, and spend from the run's budget.
    [[nodiscard]] constexpr bool runs_code() const noexcept {
        return result == result_kind::tail_call or result == result_kind::ends_run or calls_back();
    }
};

}  // namespace bpftime::vm
