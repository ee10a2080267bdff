// bpftime-vm: the helpers that need a packet
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace bpftime::vm::runtime {

/// Rows of helpers.def under "packets". They look at the packet_context that runs on this thread,
/// never at addresses in the context, which a program might have changed.
uint64_t skb_store_bytes(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5);
uint64_t l3_csum_replace(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5);
uint64_t l4_csum_replace(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5);
uint64_t skb_load_bytes(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t);
uint64_t csum_diff(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5);
uint64_t xdp_adjust_head(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t);
uint64_t xdp_adjust_meta(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t);
uint64_t xdp_adjust_tail(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t);
uint64_t xdp_get_buff_len(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t);
uint64_t redirect(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t);
uint64_t redirect_map(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t);
uint64_t clone_redirect(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t);

}  // namespace bpftime::vm::runtime
