// bpftime-vm: objects that programs make, in lists, trees and values
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet.h"

#define __contains(name, node) __attribute__((btf_decl_tag("contains:" #name ":" #node)))
#define private(name) SEC(".data." #name) __attribute__((visibility("hidden"), aligned(8)))
#define new(type) ((type *)bpf_obj_new_impl(__builtin_btf_type_id(*(type *)0, 0), 0))
#define drop(object) bpf_obj_drop_impl(object, 0)

struct bpf_list_head {
    __u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_list_node {
    __u64 opaque[3];
} __attribute__((aligned(8)));
struct bpf_rb_root {
    __u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_rb_node {
    __u64 opaque[4];
} __attribute__((aligned(8)));
struct bpf_refcount {
    __u32 opaque[1];
} __attribute__((aligned(4)));

extern void *bpf_obj_new_impl(__u64 type, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *object, void *meta) __ksym;
extern void *bpf_refcount_acquire_impl(void *object, void *meta) __ksym;
extern int bpf_list_push_front_impl(struct bpf_list_head *head, struct bpf_list_node *node,
                                    void *meta, __u64 off) __ksym;
extern int bpf_list_push_back_impl(struct bpf_list_head *head, struct bpf_list_node *node,
                                   void *meta, __u64 off) __ksym;
extern struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *head) __ksym;
extern struct bpf_list_node *bpf_list_pop_back(struct bpf_list_head *head) __ksym;
extern int bpf_rbtree_add_impl(struct bpf_rb_root *root, struct bpf_rb_node *node,
                               _Bool(less)(struct bpf_rb_node *a, const struct bpf_rb_node *b),
                               void *meta, __u64 off) __ksym;
extern struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *root,
                                             struct bpf_rb_node *node) __ksym;
extern struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *root) __ksym;

struct item {
    struct bpf_list_node in_list;
    struct bpf_rb_node in_tree;
    struct bpf_refcount owners;
    __u64 key;
};

struct items {
    struct bpf_spin_lock lock;
    struct bpf_list_head list __contains(item, in_list);
};

struct {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, struct items, 1);
} lists SEC(".maps");

private(B) struct bpf_spin_lock tree_lock;
private(B) struct bpf_rb_root tree __contains(item, in_tree);

struct kept {
    struct item __kptr *item;
    __u64 sum;
};

struct {
    MAP(BPF_MAP_TYPE_ARRAY, __u32, struct kept, 2);
} keepers SEC(".maps");

/// Each packet's object takes the place of the one before it; every third one takes it away.
SEC("tc") int in_values(struct __sk_buff *skb) {
    __u32 which = skb->len & 1;
    struct kept *value = bpf_map_lookup_elem(&keepers, &which);
    struct item *i = 0;
    if (!value) return -3;
    if (skb->len % 3) {
        i = new (struct item);
        if (!i) return -1;
        i->key = skb->len;
    }
    i = bpf_kptr_xchg(&value->item, i);
    if (!i) return -2;
    value->sum += i->key;
    __u32 key = i->key;
    drop(i);
    return key;
}

/// Items come in at the front or the back; the third one from the front comes out.
SEC("tc") int in_lists(struct __sk_buff *skb) {
    __u32 zero = 0;
    struct items *all = bpf_map_lookup_elem(&lists, &zero);
    if (!all) return -3;
    struct bpf_list_node *n;
    struct item *i = new (struct item);
    __u32 r = 0;
    if (!i) return -1;
    i->key = skb->len;
    bpf_spin_lock(&all->lock);
    if (skb->len & 1)
        r = bpf_list_push_front_impl(&all->list, &i->in_list, 0, 0);
    else
        r = bpf_list_push_back_impl(&all->list, &i->in_list, 0, 0);
    bpf_spin_unlock(&all->lock);
    for (int k = 0; k < 2; k++) {
        bpf_spin_lock(&all->lock);
        n = k ? bpf_list_pop_back(&all->list) : bpf_list_pop_front(&all->list);
        bpf_spin_unlock(&all->lock);
        if (!n) return r;
        i = container_of(n, struct item, in_list);
        r = r * 3 + i->key;
        if (k) {
            drop(i);
            continue;
        }
        bpf_spin_lock(&all->lock);
        bpf_list_push_back_impl(&all->list, &i->in_list, 0, 0);
        bpf_spin_unlock(&all->lock);
    }
    return r;
}

static _Bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b) {
    return container_of(a, struct item, in_tree)->key < container_of(b, struct item, in_tree)->key;
}

static __always_inline int insert(__u64 key) {
    struct item *i = new (struct item);
    if (!i) return -1;
    i->key = key;
    bpf_spin_lock(&tree_lock);
    int r = bpf_rbtree_add_impl(&tree, &i->in_tree, less, 0, 0);
    bpf_spin_unlock(&tree_lock);
    return r;
}

SEC("tc") int in_trees(struct __sk_buff *skb) {
    __u64 r = 0;
    r += insert(skb->len);
    r += insert(skb->len * 7 % 64);
    r += insert(skb->protocol);
    for (int k = 0; k < 2; k++) {
        bpf_spin_lock(&tree_lock);
        struct bpf_rb_node *n = bpf_rbtree_first(&tree);
        if (!n) {
            bpf_spin_unlock(&tree_lock);
            return r;
        }
        n = bpf_rbtree_remove(&tree, n);
        bpf_spin_unlock(&tree_lock);
        if (!n) return -2;
        struct item *i = container_of(n, struct item, in_tree);
        r = r * 11 + i->key;
        drop(i);
    }
    return r;
}

SEC("tc") int in_both(struct __sk_buff *skb) {
    __u32 zero = 0;
    struct items *all = bpf_map_lookup_elem(&lists, &zero);
    if (!all) return -3;
    struct item *i = new (struct item);
    if (!i) return -1;
    i->key = skb->len;
    struct item *j = bpf_refcount_acquire_impl(i, 0);
    bpf_spin_lock(&all->lock);
    bpf_list_push_back_impl(&all->list, &i->in_list, 0, 0);
    bpf_spin_unlock(&all->lock);
    bpf_spin_lock(&tree_lock);
    bpf_rbtree_add_impl(&tree, &j->in_tree, less, 0, 0);
    bpf_spin_unlock(&tree_lock);
    bpf_spin_lock(&all->lock);
    struct bpf_list_node *n = bpf_list_pop_front(&all->list);
    bpf_spin_unlock(&all->lock);
    if (!n) return -2;
    i = container_of(n, struct item, in_list);
    bpf_spin_lock(&tree_lock);
    struct bpf_rb_node *t = bpf_rbtree_remove(&tree, &i->in_tree);
    bpf_spin_unlock(&tree_lock);
    __u32 r = i->key + !t;
    drop(i);
    if (t) drop(container_of(t, struct item, in_tree));
    return r;
}
