// bpftime-vm: the locks in values of maps
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "value_lock.hpp"

#include "spin_lock.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace bpftime::vm::runtime {

namespace {

/// Values share these. Who waits for another value's holder waits as for its own.
constexpr std::size_t lock_count = 1024;
struct alignas(64) padded_lock {
    spin_lock lock;
};
std::array<padded_lock, lock_count> locks;

spin_lock &lock_of(const void *field) noexcept {
    constexpr uint64_t golden = 0x9e3779b97f4a7c15;
    constexpr unsigned shift = 64 - 10;
    static_assert(lock_count == std::size_t{1} << (64 - shift));
    return locks[reinterpret_cast<uint64_t>(field) * golden >> shift].lock;
}

thread_local const void *held = nullptr;

}  // namespace

bool lock_value(const void *field) noexcept {
    if (held != nullptr) return false;
    lock_of(field).lock();
    held = field;
    return true;
}

bool unlock_value(const void *field) noexcept {
    if (held != field) return false;
    held = nullptr;
    lock_of(field).unlock();
    return true;
}

}  // namespace bpftime::vm::runtime
