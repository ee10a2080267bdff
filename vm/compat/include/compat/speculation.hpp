// bpftime-vm: what keeps processors from running ahead of checks
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

namespace bpftime::vm::compat {

// What comes after a barrier begins when all branches before it are decided: on x86 by LFENCE
// (AMD: dispatch serialising, as Linux sets it; Intel SDM, LFENCE), on AArch64 by DSB and ISB.

#if defined(__SSE2__) or defined(__aarch64__)
inline constexpr bool has_speculation_barrier = true;
#else
inline constexpr bool has_speculation_barrier = false;
#endif

inline void speculation_barrier() noexcept {
#if defined(__SSE2__)
    asm volatile("lfence" ::: "memory");
#elif defined(__aarch64__)
    asm volatile("dsb nsh\n\tisb" ::: "memory");
#endif
}

}  // namespace bpftime::vm::compat
