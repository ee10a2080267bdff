// bpftime-vm: the kernel's functions that need nothing else: loops, and those that do nothing here
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"
#include "helper_sockets.hpp"
#include "helper_words.hpp"

#include <array>
#include <cerrno>
#include <cstring>

namespace bpftime::vm::runtime::kernel_function {

namespace {

/// A struct bpf_iter_num. It lies in memory of the program, which may write there what it likes.
struct number_iterator {
    int32_t current = 0;
    int32_t end = 0;

    static number_iterator at(uint64_t word) noexcept {
        number_iterator it;
        std::memcpy(&it, pointer(word), sizeof it);
        return it;
    }
    void put(uint64_t word) const noexcept { std::memcpy(pointer(word), this, sizeof *this); }
};
static_assert(sizeof(number_iterator) == 8);

}  // namespace

uint64_t iter_num_new(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    constexpr int64_t most_rounds = 1 << 23;  // the kernel's BPF_MAX_LOOPS
    const auto from = static_cast<int32_t>(r2);
    const auto end = static_cast<int32_t>(r3);
    number_iterator{}.put(r1);
    if (from > end) return word_of(-EINVAL);
    if (int64_t{end} - from > most_rounds) return word_of(-E2BIG);
    // One before the first, even if that is the least.
    number_iterator{static_cast<int32_t>(static_cast<uint32_t>(from) - 1), end}.put(r1);
    return 0;
}

uint64_t iter_num_next(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    number_iterator it = number_iterator::at(r1);
    const auto next = static_cast<int32_t>(static_cast<uint32_t>(it.current) + 1);
    if (next >= it.end) {
        number_iterator{}.put(r1);
        return 0;
    }
    it.current = next;
    it.put(r1);
    return r1;
}

uint64_t iter_num_destroy(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    number_iterator{}.put(r1);
    return 0;
}

uint64_t rcu_read_lock(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t rcu_read_unlock(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t preempt_disable(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t preempt_enable(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t local_irq_save(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t local_irq_restore(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }

uint64_t xdp_metadata_rx_timestamp(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EOPNOTSUPP);
}
uint64_t xdp_metadata_rx_hash(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EOPNOTSUPP);
}
uint64_t xdp_metadata_rx_vlan_tag(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EOPNOTSUPP);
}

/// A socket is here what programs may see of it: the kernel's struct has other fields there.
uint64_t rdonly_cast(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    static constexpr std::array<uint8_t, 4096> kernel_socket{};
    if (socket_at(r1) == nullptr) return r1;
    const uint64_t begin = word_of(kernel_socket.data());
    compat::run::current()->memory().grant({begin, sizeof kernel_socket, permission::read});
    return begin;
}

}  // namespace bpftime::vm::runtime::kernel_function
