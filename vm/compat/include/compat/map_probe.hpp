// bpftime-vm: how native code finds values of maps without a call
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace bpftime::vm::compat {

/// Which CPU a thread counts as: a number that is kept with the thread.
struct thread_cpu {
    uint32_t count;               ///< of CPUs
    int64_t offset;               ///< of the number, uint32_t, from the thread pointer
    uint32_t (*take)() noexcept;  ///< where the number is not below `count`: gives the thread one
};

/// Values of each CPU: those of the next one are `stride` bytes behind.
struct percpu_values {
    uint64_t stride;
    const thread_cpu *cpu;  ///< null: there is one value for all CPUs
};

/// Values by the 32-bit index that is the key.
struct index_probe {
    uint64_t values;  ///< the address of the first, of CPU 0
    uint64_t stride;  ///< from one to the next
    uint32_t count;
};

/// Values by key in chains that are read without a lock. Words are read as the C++ memory model's
/// atomics: links with acquire, the rest relaxed. All of it is this process's alone.
///
/// With k the words of the key, the last one filled up with zeros, and mix(a, b) the exclusive or
/// of the halves of the 128-bit product:
///     h = hash_init; for each k: h = mix(h ^ k, hash_factor); bucket = (h ^ h >> 32) & bucket_mask
/// The word `heads` + 8 * bucket holds a link, shifted left by `head_shift`. A link that is even,
/// and not 0, leads to the element at `elements` + 4 * link. The end of a chain is 0 or
/// 2 * bucket + 1; at any other odd link a reader has been led into another chain, and starts
/// again.
struct hash_probe {
    uint64_t hash_init;
    uint64_t hash_factor;
    uint64_t heads;
    uint64_t elements;
    uint32_t bucket_mask;
    uint32_t head_shift;
    uint32_t next_offset;   ///< in an element: the link to the next one
    uint32_t key_offset;    ///< the key's words
    uint32_t value_offset;  ///< the value; or, for values of each CPU, a word, which says how many
                            ///< words behind `percpu` that of CPU 0 is
    uint64_t percpu;
};

}  // namespace bpftime::vm::compat

/// One of both.
struct ebpf_map_probe {
    enum class kind : uint8_t { index, hash };
    kind by;
    bpftime::vm::compat::percpu_values cpus;
    bpftime::vm::compat::index_probe index;
    bpftime::vm::compat::hash_probe hash;
};
