// bpftime-vm: objects that programs make, in lists, trees and values
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object_program.hpp"

#include <atomic>
#include <thread>

namespace bpftime::vm::runtime::test {

namespace {

class objects : public object_test {};

INSTANTIATE_TEST_SUITE_P(engines, objects, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

constexpr std::string_view owned_prologue = R"C(
#define __contains(name, node) __attribute__((btf_decl_tag("contains:" #name ":" #node)))
#define __kptr __attribute__((btf_type_tag("kptr")))
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#define private(name) SEC(".bss." #name) __attribute__((aligned(8)))
#define container_of(p, type, member) ((type *)((void *)(p) - __builtin_offsetof(type, member)))
#define type_id(type) __builtin_btf_type_id(*(typeof(type) *)0, 0)
struct bpf_spin_lock { u32 val; };
struct bpf_list_head { u64 opaque[2]; } __attribute__((aligned(8)));
struct bpf_list_node { u64 opaque[3]; } __attribute__((aligned(8)));
struct bpf_rb_root { u64 opaque[2]; } __attribute__((aligned(8)));
struct bpf_rb_node { u64 opaque[4]; } __attribute__((aligned(8)));
struct bpf_refcount { u32 opaque[1]; } __attribute__((aligned(4)));
void *bpf_obj_new_impl(u64 type, void *meta) __ksym;
void bpf_obj_drop_impl(void *object, void *meta) __ksym;
void *bpf_percpu_obj_new_impl(u64 type, void *meta) __ksym;
void bpf_percpu_obj_drop_impl(void *object, void *meta) __ksym;
void *bpf_refcount_acquire_impl(void *object, void *meta) __ksym;
int bpf_list_push_front_impl(void *head, void *node, void *meta, u64 off) __ksym;
int bpf_list_push_back_impl(void *head, void *node, void *meta, u64 off) __ksym;
struct bpf_list_node *bpf_list_pop_front(void *head) __ksym;
struct bpf_list_node *bpf_list_pop_back(void *head) __ksym;
struct bpf_list_node *bpf_list_front(void *head) __ksym;
struct bpf_list_node *bpf_list_back(void *head) __ksym;
int bpf_rbtree_add_impl(void *root, void *node, void *less, void *meta, u64 off) __ksym;
struct bpf_rb_node *bpf_rbtree_remove(void *root, void *node) __ksym;
struct bpf_rb_node *bpf_rbtree_first(void *root) __ksym;
struct bpf_rb_node *bpf_rbtree_root(void *root) __ksym;
struct bpf_rb_node *bpf_rbtree_left(void *root, void *node) __ksym;
struct bpf_rb_node *bpf_rbtree_right(void *root, void *node) __ksym;
static void *(*kptr_xchg)(void *field, void *object) = (void *)194;
static void *(*per_cpu_ptr)(void *object, u32 cpu) = (void *)153;
static void *(*this_cpu_ptr)(void *object) = (void *)154;
#define new(type) ((type *)bpf_obj_new_impl(type_id(type), 0))
#define drop(object) bpf_obj_drop_impl(object, 0)
#define push_front(head, node) bpf_list_push_front_impl(head, node, 0, 0)
#define push_back(head, node) bpf_list_push_back_impl(head, node, 0, 0)
#define add(root, node, less) bpf_rbtree_add_impl(root, node, less, 0, 0)
struct item {
    u64 key;
    struct bpf_list_node in_list;
    struct bpf_rb_node in_tree;
    struct bpf_refcount owners;
    u64 value;
};
struct plain { u64 key; struct bpf_list_node in_list; };
private(A) struct bpf_spin_lock lock;
private(A) struct bpf_list_head list __contains(item, in_list);
private(A) struct bpf_rb_root tree __contains(item, in_tree);
#define item_of_list(n) container_of(n, struct item, in_list)
#define item_of_tree(n) container_of(n, struct item, in_tree)
static int less(struct bpf_rb_node *a, const struct bpf_rb_node *b) {
    return item_of_tree(a)->key < item_of_tree(b)->key;
}
)C";

std::string source(std::string_view programs) {
    return std::string{owned_prologue} + std::string{programs};
}

TEST_P(objects, are_zeroed_memory_until_they_are_dropped) {
    const loaded_object object = load(source(R"C(
SEC("socket") int f(void *ctx) {
    struct item *i = new(struct item);
    if (!i) return 1;
    if (i->key || i->value) return 2;
    i->key = 40;
    i->value = 2;
    int r = i->key + i->value;
    drop(i);
    return r;
}
SEC("socket") int after(void *ctx) {
    struct item *i = new(struct item);
    if (!i) return 1;
    drop(i);
    i->key = 1;
    return 0;
}
SEC("socket") int beyond(void *ctx) {
    struct item *i = new(struct item);
    if (!i) return 1;
    return ((volatile u64 *)i)[sizeof *i / 8];
}
SEC("socket") int twice(void *ctx) {
    struct item *i = new(struct item);
    if (!i) return 1;
    drop(i);
    drop(i);
    drop((void *)8);
    drop(0);
    return 5;
}
SEC("socket") int forever(void *ctx) {
    int n = 0;
    while (n < 1000000 && new(struct item)) n++;
    return n;
}
SEC("socket") int unknown(void *ctx) {
    return bpf_obj_new_impl(0, 0) || bpf_obj_new_impl(100000, 0) || bpf_obj_new_impl(~0ull, 0);
}
)C"));
    EXPECT_EQ(run(object, "f"), 42);
    EXPECT_EQ(fault(object, "after"), compat::fault_kind::out_of_bounds_write);
    EXPECT_EQ(fault(object, "beyond"), compat::fault_kind::out_of_bounds_read);
    EXPECT_EQ(run(object, "twice"), 5);
    EXPECT_EQ(run(object, "unknown"), 0);
    const int64_t most = run(object, "forever");
    EXPECT_GT(most, 1000);
    EXPECT_LT(most, 1000000);
    EXPECT_EQ(run(object, "forever"), most) << "runs give back what they own";
}

TEST_P(objects, are_in_lists) {
    const loaded_object object = load(source(R"C(
static struct item *make(u64 key) {
    struct item *i = new(struct item);
    if (i) i->key = key;
    return i;
}
SEC("socket") int fill(void *ctx) {
    for (int k = 1; k <= 3; k++) {
        struct item *i = make(k);
        if (!i || push_back(&list, &i->in_list)) return 1;
    }
    struct item *i = make(9);
    if (!i || push_front(&list, &i->in_list)) return 2;
    return item_of_list(bpf_list_front(&list))->key * 10 + item_of_list(bpf_list_back(&list))->key;
}
SEC("socket") int empty(void *ctx) {
    int r = 0;
    struct bpf_list_node *n = bpf_list_pop_back(&list);
    if (!n) return 0;
    r = item_of_list(n)->key;
    drop(item_of_list(n));
    while ((n = bpf_list_pop_front(&list))) {
        r = r * 10 + item_of_list(n)->key;
        drop(item_of_list(n));
    }
    return bpf_list_front(&list) || bpf_list_pop_back(&list) ? -1 : r;
}
)C"));
    EXPECT_EQ(run(object, "fill"), 93);
    EXPECT_EQ(run(object, "empty"), 3912);
    EXPECT_EQ(run(object, "empty"), 0);
}

TEST_P(objects, are_put_only_where_their_owner_may) {
    EXPECT_EQ(run(source(R"C(
SEC("socket") int f(void *ctx) {
    struct item *i = new(struct item);
    struct plain *p = new(struct plain);
    if (!i || !p) return 1;
    if (push_back(&list, &i->in_list)) return 2;
    if (push_back(&list, &i->in_list) != -22) return 3;     // it is the list's
    drop(i);                                                // likewise
    if (add(&tree, &i->in_tree, less) != -22) return 4;
    if (push_back(&list, (void *)p + 1) != -22) return 5;   // no node: it is dropped
    if (push_back(&list, &p->in_list) != -22) return 6;
    if (push_back(&list, (void *)8) != -22) return 7;
    if (push_back(&list, ctx) != -22) return 8;
    if (bpf_rbtree_remove(&tree, &i->in_tree)) return 9;
    if (bpf_list_pop_front(&list) != &i->in_list) return 10;
    return bpf_list_pop_front(&list) ? 11 : 42;
}
)C")),
              42);
}

TEST_P(objects, have_no_links_that_programs_could_change) {
    EXPECT_EQ(run(source(R"C(
SEC("socket") int f(void *ctx) {
    struct item *a = new(struct item), *b = new(struct item);
    if (!a || !b) return 1;
    push_back(&list, &a->in_list);
    push_back(&list, &b->in_list);
    for (int i = 0; i < 3; i++) a->in_list.opaque[i] = b->in_list.opaque[i] = ~0ull;
    list.opaque[0] = list.opaque[1] = 12345;
    if (bpf_list_pop_front(&list) != &a->in_list) return 2;
    if (bpf_list_pop_front(&list) != &b->in_list) return 3;
    add(&tree, &a->in_tree, less);
    add(&tree, &b->in_tree, less);
    for (int i = 0; i < 4; i++) a->in_tree.opaque[i] = b->in_tree.opaque[i] = (u64)a;
    tree.opaque[0] = tree.opaque[1] = 1;
    if (bpf_rbtree_remove(&tree, &a->in_tree) != &a->in_tree) return 4;
    if (bpf_rbtree_first(&tree) != &b->in_tree) return 5;
    return 42;
}
)C")),
              42);
}

TEST_P(objects, are_in_trees_in_order) {
    const loaded_object object = load(source(R"C(
SEC("socket") int fill(void *ctx) {
    u64 key = 1;
    for (int k = 0; k < 100; k++) {
        key = key * 2 % 101;                                // each from 1 to 100 once
        struct item *i = new(struct item);
        if (!i) return 1;
        i->key = key;
        if (add(&tree, &i->in_tree, less)) return 2;
    }
    return item_of_tree(bpf_rbtree_first(&tree))->key;
}
SEC("socket") int evens(void *ctx) {                        // takes them out
    int n = 0;
    for (int k = 0; k < 50; k++) {
        struct bpf_rb_node *at = bpf_rbtree_root(&tree);
        while (at && item_of_tree(at)->key != 2 * (k + 1))
            at = item_of_tree(at)->key > 2 * (k + 1) ? bpf_rbtree_left(&tree, at) : bpf_rbtree_right(&tree, at);
        if (!at) return -1;
        at = bpf_rbtree_remove(&tree, at);
        if (!at) return -2;
        drop(item_of_tree(at));
        n++;
    }
    return n;
}
SEC("socket") int drain(void *ctx) {
    u64 last = 0, sum = 0;
    struct bpf_rb_node *n;
    while ((n = bpf_rbtree_first(&tree))) {
        n = bpf_rbtree_remove(&tree, n);
        if (!n) return -1;
        if (item_of_tree(n)->key <= last) return -2;
        last = item_of_tree(n)->key;
        sum += last;
        drop(item_of_tree(n));
    }
    return sum;
}
)C"));
    EXPECT_EQ(run(object, "fill"), 1);
    EXPECT_EQ(run(object, "evens"), 50);
    EXPECT_EQ(run(object, "drain"), 2500);
}

TEST_P(objects, that_an_order_drops_are_not_in_its_hands) {
    EXPECT_EQ(run(source(R"C(
struct item *mine;
static int hostile(struct bpf_rb_node *a, const struct bpf_rb_node *b) {
    drop(item_of_tree(a));
    push_back(&list, &item_of_tree(a)->in_list);
    struct bpf_rb_node *out = bpf_rbtree_remove(&tree, (void *)b);
    if (out) drop(item_of_tree(out));
    return 1;
}
SEC("socket") int f(void *ctx) {
    for (int k = 0; k < 3; k++) {
        struct item *i = new(struct item);
        if (!i) return 1;
        i->key = k;
        if (add(&tree, &i->in_tree, less)) return 2;
    }
    struct item *i = new(struct item);
    if (!i) return 3;
    i->key = 77;
    if (add(&tree, &i->in_tree, hostile)) return 4;
    struct bpf_rb_node *n = bpf_rbtree_first(&tree);
    return n ? item_of_tree(n)->key : 5;
}
)C")),
              77);
}

TEST_P(objects, may_have_several_owners) {
    EXPECT_EQ(run(source(R"C(
SEC("socket") int f(void *ctx) {
    struct item *i = new(struct item);
    struct plain *p = new(struct plain);
    if (!i || !p) return 1;
    if (bpf_refcount_acquire_impl(p, 0)) return 2;
    struct item *j = bpf_refcount_acquire_impl(i, 0);
    if (j != i) return 3;
    i->key = 5;
    if (push_back(&list, &i->in_list)) return 4;
    if (add(&tree, &j->in_tree, less)) return 5;
    struct bpf_list_node *l = bpf_list_pop_front(&list);
    if (!l) return 6;
    drop(item_of_list(l));
    struct bpf_rb_node *t = bpf_rbtree_first(&tree);
    if (!t || item_of_tree(t)->key != 5) return 7;
    t = bpf_rbtree_remove(&tree, t);
    if (!t) return 8;
    drop(item_of_tree(t));
    return bpf_refcount_acquire_impl(i, 0) ? 9 : 42;
}
)C")),
              42);
}

constexpr std::string_view stash = R"C(
struct value { struct item __kptr *kept; struct bpf_list_head items __contains(item, in_list); u64 other; };
struct { __uint(type, 1); __type(key, u32); __type(value, struct value); __uint(max_entries, 4); } map SEC(".maps");
SEC("socket") int keep(void *ctx) {
    u32 key = 1;
    struct value zero = {};
    update(&map, &key, &zero, 0);
    struct value *v = lookup(&map, &key);
    struct item *i = new(struct item), *j = new(struct item);
    if (!v || !i || !j) return 1;
    i->key = 40;
    if (kptr_xchg(&v->kept, i)) return 2;
    return push_back(&v->items, &j->in_list);
}
SEC("socket") int take(void *ctx) {
    u32 key = 1;
    struct value *v = lookup(&map, &key);
    if (!v) return 1;
    struct item *i = kptr_xchg(&v->kept, 0);
    if (!i) return 2;
    struct bpf_list_node *n = bpf_list_pop_front(&v->items);
    int r = i->key + (n != 0);
    drop(i);
    if (n) drop(item_of_list(n));
    return kptr_xchg(&v->kept, 0) ? 3 : r;
}
SEC("socket") int forge(void *ctx) {
    u32 key = 1;
    struct value *v = lookup(&map, &key);
    if (!v) return 1;
    *(volatile u64 *)&v->kept = 4096;
    struct item *i = kptr_xchg(&v->kept, 0);
    return *(volatile u64 *)i;
}
SEC("socket") int delete_it(void *ctx) {
    u32 key = 1;
    return delete(&map, &key);
}
SEC("socket") int room(void *ctx) {
    int n = 0;
    while (n < 1000000 && new(struct item)) n++;
    return n;
}
)C";

TEST_P(objects, are_kept_in_values) {
    const loaded_object object = load(source(stash));
    EXPECT_EQ(run(object, "keep"), 0);
    EXPECT_EQ(run(object, "take"), 41);
    EXPECT_EQ(run(object, "keep"), 0);
    EXPECT_EQ(fault(object, "forge"), compat::fault_kind::out_of_bounds_read);
}

TEST_P(objects, go_with_the_value_that_owns_them) {
    const loaded_object object = load(source(stash));
    const int64_t room = run(object, "room");
    EXPECT_EQ(run(object, "keep"), 0);
    EXPECT_EQ(run(object, "room"), room - 2);
    EXPECT_EQ(run(object, "delete_it"), 0);
    EXPECT_EQ(run(object, "room"), room);
    EXPECT_EQ(run(object, "keep"), 0);
    EXPECT_EQ(run(object, "keep"), 0) << "an update forgets, too";
    EXPECT_EQ(run(object, "room"), room - 2);
    ASSERT_TRUE(object.find_map("map")->remove(key(1)));
    EXPECT_EQ(run(object, "room"), room);
}

TEST_P(objects, may_own_objects) {
    const loaded_object object = load(source(R"C(
struct tower { u64 n; struct bpf_list_head below __contains(tower, node); struct bpf_list_node node; };
SEC("socket") int f(void *ctx) {
    struct tower *top = 0;
    for (int i = 0; i < 10000; i++) {
        struct tower *t = new(struct tower);
        if (!t) return 1;
        if (top && push_back(&t->below, &top->node)) return 2;
        top = t;
    }
    drop(top);
    return 42;
}
SEC("socket") int room(void *ctx) {
    int n = 0;
    while (n < 1000000 && new(struct tower)) n++;
    return n;
}
)C"));
    const int64_t room = run(object, "room");
    EXPECT_EQ(run(object, "f"), 42);
    EXPECT_EQ(run(object, "room"), room);
}

TEST_P(objects, may_have_a_part_for_each_cpu) {
    EXPECT_EQ(run(source(R"C(
struct counts { u64 a, b; };
SEC("socket") int f(void *ctx) {
    struct counts *c = bpf_percpu_obj_new_impl(type_id(struct counts), 0);
    if (!c) return 1;
    struct counts *here = this_cpu_ptr(c), *first = per_cpu_ptr(c, 0);
    if (!here || !first) return 2;
    here->a = 0;
    first->b = 7;
    if (per_cpu_ptr(c, 100000)) return 3;
    if (per_cpu_ptr((void *)8, 0)) return 4;
    int r = first->b * 6;
    bpf_percpu_obj_drop_impl(c, 0);
    return r;
}
)C")),
              42);
}

TEST_P(objects, may_be_used_by_many_threads) {
    const loaded_object object = load(source(R"C(
static long (*spin_lock)(void *lock) = (void *)93;
static long (*spin_unlock)(void *lock) = (void *)94;
SEC("socket") int f(void *ctx) {
    for (int k = 0; k < 20; k++) {
        struct item *i = new(struct item);
        if (!i) return 1;
        i->key = k * 7 % 20;
        if (k & 1) spin_lock(&lock);
        add(&tree, &i->in_tree, less);
        struct bpf_rb_node *n = bpf_rbtree_first(&tree);
        if (n) n = bpf_rbtree_remove(&tree, n);
        if (k & 1) spin_unlock(&lock);
        if (n && push_front(&list, &item_of_tree(n)->in_list)) return 2;
        struct bpf_list_node *l = bpf_list_pop_back(&list);
        if (l) item_of_list(l)->value++;
        if (l) drop(item_of_list(l));
    }
    return 0;
}
)C"));
    std::atomic<int64_t> wrong = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 200; ++i) {
                int64_t r0 = 0;
                if (object.find_program("f")->vm->exec(nullptr, 0, r0) != 0 or r0 != 0) ++wrong;
            }
        });
    }
    for (std::thread &t : threads) t.join();
    EXPECT_EQ(wrong, 0);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
