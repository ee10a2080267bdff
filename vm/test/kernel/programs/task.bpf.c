// bpftime-vm: the thread that a program runs on, and memory that it may not touch itself
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

struct {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, char[32], 1);
} texts SEC(".maps");

SEC("tc") int process(struct __sk_buff *skb) {
    char name[16] = {};
    __u32 sum = bpf_get_current_pid_tgid() >> 32;
    sum = sum * 31 + bpf_get_current_uid_gid();
    sum = sum * 31 - bpf_get_current_comm(name, sizeof name);
    for (int i = 0; i < sizeof name; i++) sum = sum * 31 + name[i];
    struct bpf_pidns_info ids = {};
    return sum * 31 - bpf_get_ns_current_pid_tgid(0, 0, &ids, sizeof ids) + ids.pid;
}

/// Words that stand for the task, and the control groups that it is in.
SEC("tc") int thread(struct __sk_buff *skb) {
    __u64 task = bpf_get_current_task();
    __u64 group = bpf_get_current_cgroup_id();
    __u32 sum = (task != 0) + 2 * (task == bpf_get_current_task());
    sum = sum * 31 + (task == (__u64)bpf_get_current_task_btf());
    sum = sum * 31 + group;
    for (int level = -1; level < 3; level++)
        sum = sum * 31 + bpf_get_current_ancestor_cgroup_id(level);
    return sum;
}

SEC("tc") int memory(struct __sk_buff *skb) {
    __u32 zero = 0, sum = 0;
    char *text = bpf_map_lookup_elem(&texts, &zero), copy[24] = {};
    if (!text) return 99;
    __builtin_memcpy(text, "a text\0and more", 15);
    text[2] = skb->len;
    sum = sum * 31 - bpf_probe_read_kernel(copy, sizeof copy, text + 1);
    for (int i = 0; i < sizeof copy; i++) sum = sum * 31 + copy[i];
    sum = sum * 31 - bpf_probe_read_kernel_str(copy, sizeof copy, text);
    sum = sum * 31 - bpf_probe_read_kernel_str(copy, 4, text);
    for (int i = 0; i < sizeof copy; i++) sum = sum * 31 + copy[i];
    sum = sum * 31 - bpf_probe_read_kernel(copy, sizeof copy, 0);
    sum = sum * 31 - bpf_probe_read_kernel_str(copy, sizeof copy, 0);
    sum = sum * 31 - bpf_probe_read_user(copy, sizeof copy, 0);
    sum = sum * 31 - bpf_probe_read_user_str(copy, sizeof copy, 0);
    for (int i = 0; i < sizeof copy; i++) sum = sum * 31 + copy[i];
    return sum;
}

SEC("tc") int text(struct __sk_buff *skb) {
    static const char format[] = "%d %x %d %s";
    char name[] = "name";
    __u64 words[] = {skb->len, 17, skb->protocol, (unsigned long)name};
    return bpf_trace_vprintk(format, sizeof format, words, sizeof words) * 31 -
           bpf_trace_vprintk(format, sizeof format, words, 8);
}

SEC("tc") int clocks(struct __sk_buff *skb) {
    __u64 now = bpf_ktime_get_tai_ns();
    return (now != 0) + (now <= bpf_ktime_get_tai_ns()) * 2;
}
