// bpftime-vm: the helpers about what only a kernel has: they say that it is not here
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"
#include "helper_words.hpp"

#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>

namespace bpftime::vm::runtime {

// --- variables of each CPU

uint64_t helper::per_cpu_ptr(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t helper::this_cpu_ptr(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }

// --- structs of the kernel

uint64_t helper::d_path(uint64_t, uint64_t, uint64_t r3, uint64_t, uint64_t) {
    return word_of(r3 == 0 ? 0 : -EFAULT);
}

uint64_t helper::find_vma(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t r5) {
    return word_of(r5 != 0 ? -EINVAL : -ENOENT);
}

uint64_t helper::bprm_opts_set(uint64_t, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    return word_of((r2 & ~uint64_t{BPF_F_BPRM_SECUREEXEC}) != 0 ? -EINVAL : -EOPNOTSUPP);
}

uint64_t helper::ima_inode_hash(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EOPNOTSUPP);
}
uint64_t helper::ima_file_hash(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EOPNOTSUPP);
}

// --- counters and branches of the machine

uint64_t helper::perf_prog_read_value(uint64_t, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    std::ranges::fill(bytes_at(r2, r3), uint8_t{0});
    return word_of(-EINVAL);
}

uint64_t helper::read_branch_records(uint64_t, uint64_t, uint64_t, uint64_t r4, uint64_t) {
    return word_of((r4 & ~uint64_t{BPF_F_GET_BRANCH_RECORDS_SIZE}) != 0 ? -EINVAL : -ENOENT);
}

uint64_t helper::get_branch_snapshot(uint64_t, uint64_t, uint64_t r3, uint64_t, uint64_t) {
    return word_of(r3 != 0 ? -EINVAL : -ENOENT);
}

// --- devices

uint64_t helper::rc_repeat(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EOPNOTSUPP);
}
uint64_t helper::rc_keydown(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EOPNOTSUPP);
}
uint64_t helper::rc_pointer_rel(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EOPNOTSUPP);
}

// --- segment routing

uint64_t helper::lwt_seg6_store_bytes(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EINVAL);
}
uint64_t helper::lwt_seg6_adjust_srh(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EINVAL);
}
uint64_t helper::lwt_seg6_action(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EINVAL);
}

// --- the kernel's TCP

uint64_t helper::tcp_send_ack(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EOPNOTSUPP);
}
uint64_t helper::load_hdr_opt(uint64_t, uint64_t, uint64_t, uint64_t r4, uint64_t) {
    return word_of((r4 & ~uint64_t{BPF_LOAD_HDR_OPT_TCP_SYN}) != 0 ? -EINVAL : -EPERM);
}
uint64_t helper::store_hdr_opt(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EPERM);
}
uint64_t helper::reserve_hdr_opt(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EPERM);
}

}  // namespace bpftime::vm::runtime
