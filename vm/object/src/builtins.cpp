// bpftime-vm: functions of the C library that compilers call without being asked
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "builtins.hpp"

#include <algorithm>
#include <array>

namespace bpftime::vm::object {

namespace {

constexpr auto table = std::to_array<builtin>({
    {"memcpy", R"(
    mov %r0, %r1
words:
    jlt %r3, 8, bytes
    ldxdw %r4, [%r2]
    stxdw [%r1], %r4
    add %r1, 8
    add %r2, 8
    sub %r3, 8
    ja words
bytes:
    jeq %r3, 0, done
    ldxb %r4, [%r2]
    stxb [%r1], %r4
    add %r1, 1
    add %r2, 1
    sub %r3, 1
    ja bytes
done:
    exit
)"},
    // From the end, if what comes after the source's beginning would be overwritten first.
    {"memmove", R"(
    mov %r0, %r1
    mov %r4, %r1
    sub %r4, %r2
    jlt %r4, %r3, backward
forward:
    jeq %r3, 0, done
    ldxb %r4, [%r2]
    stxb [%r1], %r4
    add %r1, 1
    add %r2, 1
    sub %r3, 1
    ja forward
backward:
    add %r1, %r3
    add %r2, %r3
next:
    jeq %r3, 0, done
    sub %r1, 1
    sub %r2, 1
    sub %r3, 1
    ldxb %r4, [%r2]
    stxb [%r1], %r4
    ja next
done:
    exit
)"},
    {"memset", R"(
    mov %r0, %r1
next:
    jeq %r3, 0, done
    stxb [%r1], %r2
    add %r1, 1
    sub %r3, 1
    ja next
done:
    exit
)"},
    {"memcmp", R"(
    mov %r0, 0
next:
    jeq %r3, 0, done
    ldxb %r0, [%r1]
    ldxb %r4, [%r2]
    sub %r0, %r4
    jne %r0, 0, done
    add %r1, 1
    add %r2, 1
    sub %r3, 1
    ja next
done:
    exit
)"},
});

}  // namespace

std::span<const builtin> builtins() noexcept { return table; }

std::optional<std::size_t> find_builtin(std::string_view name) noexcept {
    const auto found = std::ranges::find(table, name, &builtin::name);
    if (found == table.end()) return {};
    return static_cast<std::size_t>(found - table.begin());
}

}  // namespace bpftime::vm::object
