// bpftime-vm: the socket of a packet
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

#include <linux/tcp.h>

#include <bpf/bpf_core_read.h>

struct {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, __u64, 32);
} seen SEC(".maps");
struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, __u64);
} values SEC(".maps");
struct {
    MAP(BPF_MAP_TYPE_SOCKMAP, __u32, __u64, 2);
} sockets SEC(".maps");
struct {
    MAP(BPF_MAP_TYPE_CGROUP_ARRAY, __u32, __u32, 2);
} groups SEC(".maps");

static __always_inline void put(__u32 index, __u64 value) {
    bpf_map_update_elem(&seen, &index, &value, BPF_ANY);
}

/// What every program may read.
static __always_inline struct bpf_sock *look(struct __sk_buff *skb) {
    struct bpf_sock *sk = skb->sk;
    put(0, sk != 0);
    put(1, bpf_get_socket_uid(skb));
    put(2, bpf_get_socket_cookie(skb) != 0);
    if (!sk) return 0;
    put(3, sk->family);
    put(4, sk->state);
    put(5, sk->src_ip4);
    put(6, sk->dst_ip4);
    put(7, sk->src_ip6[0] + 3 * sk->src_ip6[3]);
    put(8, sk->dst_ip6[1] + 3 * sk->dst_ip6[2]);
    put(9, sk->src_port + sk->dst_port);
    return sk;
}

static __always_inline void look_closer(struct __sk_buff *skb) {
    struct bpf_sock *sk = look(skb);
    if (!sk) return;
    sk = bpf_sk_fullsock(sk);
    put(10, sk != 0);
    if (!sk) return;
    put(11, sk->type + sk->protocol + sk->mark + sk->priority + sk->bound_dev_if);
    put(12, sk->rx_queue_mapping);
    put(13, bpf_tcp_sock(sk) != 0);
    put(14, bpf_get_listener_sock(sk) != 0);
    for (int i = 0; i < 2; i++) {
        __u64 *value = bpf_sk_storage_get(&values, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
        if (value) put(15 + i, ++*value);
    }
    put(17, bpf_sk_storage_delete(&values, sk));
    put(18, bpf_sk_storage_get(&values, sk, 0, 0) != 0);
}

SEC("socket") int filters(struct __sk_buff *skb) {
    look(skb);
    return skb->len;
}

SEC("tc") int judges(struct __sk_buff *skb) {
    look_closer(skb);
    put(19, bpf_get_socket_cookie(skb) == bpf_get_socket_cookie(skb));
    if (!skb->sk) return TC_ACT_SHOT;
    put(20, bpf_sk_assign(skb, skb->sk, 0));
    return TC_ACT_OK;
}

SEC("cgroup_skb/egress") int passes(struct __sk_buff *skb) {
    look_closer(skb);
    return 1;
}

/// The socket is in the root of the control groups.
SEC("tc") int is_in_groups(struct __sk_buff *skb) {
    put(21, bpf_skb_cgroup_id(skb));
    for (int level = -1; level < 2; level++)
        put(23 + level, bpf_skb_ancestor_cgroup_id(skb, level));
    put(25, bpf_skb_cgroup_classid(skb));
    put(26, bpf_skb_under_cgroup(skb, &groups, 0));
    put(27, bpf_skb_under_cgroup(skb, &groups, 2));
    return TC_ACT_OK;
}

SEC("cgroup_skb/egress") int knows_its_groups(struct __sk_buff *skb) {
    struct bpf_sock *sk = skb->sk;
    put(21, bpf_skb_cgroup_id(skb));
    put(22, bpf_skb_ancestor_cgroup_id(skb, 0));
    sk = sk ? bpf_sk_fullsock(sk) : 0;
    if (!sk) return 0;
    put(28, bpf_sk_cgroup_id(sk));
    for (int level = -1; level < 2; level++) put(30 + level, bpf_sk_ancestor_cgroup_id(sk, level));
    return 1;
}

/// It is no listening one of TCP.
SEC("tc") int makes_no_cookies(struct __sk_buff *skb) {
    struct iphdr ip = {.version = 4, .ihl = 5, .protocol = IPPROTO_TCP};
    struct tcphdr tcp = {.doff = 5, .ack = 1};
    struct bpf_sock *sk = skb->sk;
    if (!sk) return TC_ACT_SHOT;
    put(0, bpf_tcp_check_syncookie(sk, &ip, sizeof ip, &tcp, sizeof tcp));
    put(1, bpf_tcp_check_syncookie(sk, &ip, 4, &tcp, sizeof tcp));
    put(2, bpf_tcp_check_syncookie(sk, &ip, sizeof ip, &tcp, 4));
    tcp.ack = 0;
    tcp.syn = 1;
    put(3, bpf_tcp_check_syncookie(sk, &ip, sizeof ip, &tcp, sizeof tcp));
    put(4, bpf_tcp_gen_syncookie(sk, &ip, sizeof ip, &tcp, sizeof tcp));
    put(5, bpf_tcp_gen_syncookie(sk, &ip, 4, &tcp, sizeof tcp));
    put(6, bpf_tcp_gen_syncookie(sk, &ip, sizeof ip, &tcp, 4));
    return TC_ACT_OK;
}

SEC("lwt_xmit") int leaves(struct __sk_buff *skb) {
    struct bpf_sock *sk = skb->sk;
    return sk && sk->state ? BPF_OK : BPF_DROP;
}

SEC("tc") int keeps(struct __sk_buff *skb) {
    struct bpf_sock *sk = skb->sk;
    __u32 index = 1;
    sk = sk ? bpf_sk_fullsock(sk) : 0;
    return sk ? -bpf_map_update_elem(&sockets, &index, sk, BPF_ANY) : 99;
}

struct sock {
    __u16 sk_protocol;
    __u32 sk_mark;
} __attribute__((preserve_access_index));
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym;

SEC("tc") int looks_at_the_kernel_s(struct __sk_buff *skb) {
    if (!skb->sk) return TC_ACT_SHOT;
    const struct sock *whole = bpf_rdonly_cast(skb->sk, bpf_core_type_id_kernel(struct sock));
    put(0, 7 + whole->sk_protocol);
    put(1, 7 + whole->sk_mark);
    return TC_ACT_OK;
}
