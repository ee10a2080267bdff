// bpftime-vm: which lengths the prefixes of a pinned trie have
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "prefix_lengths.hpp"

namespace bpftime::vm::runtime {

prefix_lengths::prefix_lengths(uint8_t *memory, uint32_t most, const lock_holder &holder) noexcept
    : most_{most},
      holder_{holder},
      head_{*reinterpret_cast<head *>(memory)},
      used_{reinterpret_cast<std::atomic<uint64_t> *>(memory + sizeof(head))},
      entries_{reinterpret_cast<relaxed<uint32_t> *>(memory + entries_at(most))} {}

bool prefix_lengths::is_sound() const noexcept {
    const uint64_t known = ~uint64_t{0} >> (63 - most_ % 64);
    return (used_[words_for(most_) - 1].load(std::memory_order_relaxed) & ~known) == 0;
}

// A length has its bit as long as its count is not 0: so the bit is set first and cleared last.

void prefix_lengths::add(uint32_t length) noexcept {
    const scoped_robust_lock guard{head_.lock, holder_};
    std::atomic<uint64_t> &word = used_[length / 64];
    const uint64_t bits = word.load(std::memory_order_relaxed) | uint64_t{1} << length % 64;
    word.store(bits, std::memory_order_release);
    entries_[length] = entries_[length] + 1;
}

void prefix_lengths::remove(uint32_t length) noexcept {
    const scoped_robust_lock guard{head_.lock, holder_};
    if (entries_[length] > 1) {
        entries_[length] = entries_[length] - 1;
        return;
    }
    entries_[length] = 0;
    std::atomic<uint64_t> &word = used_[length / 64];
    const uint64_t bits = word.load(std::memory_order_relaxed) & ~(uint64_t{1} << length % 64);
    word.store(bits, std::memory_order_release);
}

}  // namespace bpftime::vm::runtime
