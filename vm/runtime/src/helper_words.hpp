// bpftime-vm: the words that helpers take and give, as what they are
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/run.hpp"
#include "program/region.hpp"
#include "runtime/map.hpp"
#include "runtime/storage_owner.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace bpftime::vm::runtime {

// Maps, and memory that a row of helpers.def declares, were checked before the call.

inline map &map_of(uint64_t word) noexcept { return *reinterpret_cast<map *>(word); }
template <typename T = void>
T *pointer(uint64_t word) noexcept {
    return reinterpret_cast<T *>(word);
}
inline std::span<uint8_t> bytes_at(uint64_t word, uint64_t size) noexcept {
    return {reinterpret_cast<uint8_t *>(word), static_cast<std::size_t>(size)};
}

inline uint64_t word_of(int result) noexcept { return static_cast<uint64_t>(int64_t{result}); }
inline uint64_t word_of(const void *address) noexcept {
    return reinterpret_cast<uint64_t>(address);
}

/// Whether the running program may do `wanted` with memory that its helper's row does not tell of.
inline bool may_touch(uint64_t address, uint64_t size, permission wanted) noexcept {
    compat::run *const run = compat::run::current();
    if (run == nullptr) return false;
    return not run->config().bounds_checks or run->memory().allows(address, size, wanted);
}

/// Whether the program means the thread that it runs on.
inline bool is_current_task(uint64_t word) {
    return word == 0 or word == storage_owner::current_task().word();
}

}  // namespace bpftime::vm::runtime
