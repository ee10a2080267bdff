// bpftime-vm: what every benchmark program includes: types, sections, memory views, rotations
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;

/// Views of the input memory. They may alias anything, and every access through them is naturally
/// aligned as long as the caller aligns the memory itself to 8 bytes.
typedef uint16_t __attribute__((may_alias)) mem_u16;
typedef uint32_t __attribute__((may_alias)) mem_u32;
typedef uint64_t __attribute__((may_alias)) mem_u64;
typedef int8_t __attribute__((may_alias)) mem_s8;
typedef int16_t __attribute__((may_alias)) mem_s16;
typedef int32_t __attribute__((may_alias)) mem_s32;

/// The ELF section of a function. Only eBPF objects have it: a native build keeps its usual
/// `.text`.
#ifdef __bpf__
#define SEC(name) __attribute__((section(name), used))
#else
#define SEC(name)
#endif

/// A function that is always part of its caller.
#define BENCH_INLINE static inline __attribute__((always_inline))
/// A function that is really called, in eBPF by a local call. It is put into the section of the
/// entry, so that the section is the whole program and needs no relocation.
#define BENCH_LOCAL SEC("bench") static __attribute__((noinline))

BENCH_INLINE uint32_t rotl32(uint32_t value, uint32_t count) {
    return (value << (count & 31)) | (value >> (-count & 31));
}

BENCH_INLINE uint64_t rotl64(uint64_t value, uint64_t count) {
    return (value << (count & 63)) | (value >> (-count & 63));
}

/// Reads network byte order.
BENCH_INLINE uint16_t load_be16(const void *at) { return __builtin_bswap16(*(const mem_u16 *)at); }
BENCH_INLINE uint32_t load_be32(const void *at) { return __builtin_bswap32(*(const mem_u32 *)at); }

/// Folds one more value into a result, so that order and value of every step count.
BENCH_INLINE uint64_t mix(uint64_t result, uint64_t value) {
    return (rotl64(result, 5) ^ value) * 0x9e3779b97f4a7c15ULL;
}

BENCH_INLINE uint64_t magnitude64(int64_t value) {
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

/// Signed division and remainder. eBPF before -mcpu=v4 has no instruction for them, so there they
/// are built from the unsigned ones. The divisor is not zero, and INT_MIN is not divided by -1.
BENCH_INLINE int64_t signed_div64(int64_t dividend, int64_t divisor) {
#if defined(__bpf__) && !defined(__BPF_FEATURE_SDIV_SMOD)
    uint64_t quotient = magnitude64(dividend) / magnitude64(divisor);
    return (int64_t)((dividend ^ divisor) < 0 ? 0 - quotient : quotient);
#else
    return dividend / divisor;
#endif
}

BENCH_INLINE int64_t signed_mod64(int64_t dividend, int64_t divisor) {
#if defined(__bpf__) && !defined(__BPF_FEATURE_SDIV_SMOD)
    uint64_t remainder = magnitude64(dividend) % magnitude64(divisor);
    return (int64_t)(dividend < 0 ? 0 - remainder : remainder);
#else
    return dividend % divisor;
#endif
}

BENCH_INLINE int32_t signed_div32(int32_t dividend, int32_t divisor) {
#if defined(__bpf__) && !defined(__BPF_FEATURE_SDIV_SMOD)
    return (int32_t)signed_div64(dividend, divisor);
#else
    return dividend / divisor;
#endif
}
