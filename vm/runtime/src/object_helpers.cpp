// bpftime-vm: what programs call to make objects, and to put them into lists and trees
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// What a run owns is kept in its run_scope: it can put nothing anywhere, and give nothing back,
// that it does not own.
#include "object_helpers.hpp"

#include "helper_functions.hpp"
#include "helper_words.hpp"
#include "run_scope.hpp"
#include "runtime/cpu.hpp"
#include "runtime/helpers.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace bpftime::vm::runtime {

namespace {

using place = object_heap::place;

object_heap &heap_of(void *context) noexcept { return *static_cast<object_heap *>(context); }

/// The program may use the object that this is in until its run ends, whoever destroys it.
uint64_t grant(const place &p) {
    if (p.address == 0) return 0;
    compat::run::current()->memory().grant({p.begin, p.size});
    return p.address;
}

/// The run owns the object.
uint64_t own(object_heap &heap, const place &p) {
    if (p.address == 0) return 0;
    try {
        run_scope::current()->own_object(p.begin, heap);
    } catch (...) {
        heap.release(p.begin);
        throw;
    }
    return grant(p);
}

/// The run does not own the object any more, and nobody does in its place.
void drop(object_heap &heap, uint64_t object) {
    if (heap.release(object)) compat::run::current()->memory().revoke(object);
}

/// Before anything is looked at: what the run finds stays until it ends, and what it owns can be
/// remembered.
void begin() { run_scope::current_or_throw()->read(); }

/// Takes what owns the object of a node from the run; false if it does not own it.
bool take(object_heap &heap, uint64_t node, place &out) {
    out = heap.find(node);
    return out.address != 0 and run_scope::current()->take_object(out.begin);
}

// --- objects

uint64_t obj_new(void *context, uint64_t type, uint64_t, uint64_t, uint64_t, uint64_t) {
    begin();
    return own(heap_of(context), heap_of(context).make(type, false));
}

uint64_t percpu_obj_new(void *context, uint64_t type, uint64_t, uint64_t, uint64_t, uint64_t) {
    begin();
    return own(heap_of(context), heap_of(context).make(type, true));
}

uint64_t obj_drop(void *context, uint64_t object, uint64_t, uint64_t, uint64_t, uint64_t) {
    run_scope *const scope = run_scope::current();
    if (scope != nullptr and scope->take_object(object)) drop(heap_of(context), object);
    return 0;
}

uint64_t refcount_acquire(void *context, uint64_t object, uint64_t, uint64_t, uint64_t, uint64_t) {
    begin();
    return own(heap_of(context), heap_of(context).acquire(object));
}

uint64_t kptr_xchg(void *context, uint64_t field, uint64_t word, uint64_t, uint64_t, uint64_t) {
    if (field % sizeof(uint64_t) != 0) return 0;
    begin();
    object_heap &heap = heap_of(context);
    const auto was = heap.exchange(field, word, run_scope::current()->take_object(word));
    own(heap, was.object);
    return was.word;
}

uint64_t per_cpu_ptr(void *context, uint64_t object, uint64_t cpu, uint64_t, uint64_t, uint64_t) {
    begin();
    return grant(heap_of(context).part_of_cpu(object, static_cast<uint32_t>(cpu)));
}

uint64_t this_cpu_ptr(void *context, uint64_t object, uint64_t, uint64_t, uint64_t, uint64_t) {
    begin();
    return grant(heap_of(context).part_of_cpu(object, current_cpu()));
}

// --- lists

template <bool AtBack>
uint64_t list_push(void *context, uint64_t head, uint64_t node, uint64_t, uint64_t, uint64_t) {
    begin();
    object_heap &heap = heap_of(context);
    place object;
    if (not take(heap, node, object)) return word_of(-EINVAL);
    const int result = heap.push(head, node, AtBack);
    if (result != 0) drop(heap, object.begin);
    return word_of(result);
}

template <bool AtBack>
uint64_t list_pop(void *context, uint64_t head, uint64_t, uint64_t, uint64_t, uint64_t) {
    begin();
    return own(heap_of(context), heap_of(context).pop(head, AtBack));
}

template <bool AtBack>
uint64_t list_end(void *context, uint64_t head, uint64_t, uint64_t, uint64_t, uint64_t) {
    begin();
    return grant(heap_of(context).end_of_list(head, AtBack));
}

// --- trees

/// Whether a function of the program says that one node comes before another.
std::optional<bool> is_less(uint64_t function, const place &a, const place &b) {
    compat::run &run = *compat::run::current();
    const compat::scoped_loan first{run.memory(), {a.begin, a.size}};
    const compat::scoped_loan second{run.memory(), {b.begin, b.size}};
    const uint64_t arguments[5] = {a.address, b.address};
    uint64_t r0 = 0;
    if (not run.call_back(function, arguments, r0)) return std::nullopt;
    return r0 != 0;
}

uint64_t rbtree_add(void *context, uint64_t root, uint64_t node, uint64_t less, uint64_t,
                    uint64_t) {
    begin();
    object_heap &heap = heap_of(context);
    place object;
    if (not take(heap, node, object)) return word_of(-EINVAL);
    const auto result = heap.add(
        root, node, [less](const place &a, const place &b) { return is_less(less, a, b); });
    if (result != 0) drop(heap, object.begin);
    return word_of(result.value_or(0));
}

uint64_t rbtree_remove(void *context, uint64_t root, uint64_t node, uint64_t, uint64_t, uint64_t) {
    begin();
    return own(heap_of(context), heap_of(context).remove(root, node));
}

template <object_heap::tree_step Where>
uint64_t rbtree_step(void *context, uint64_t root, uint64_t node, uint64_t, uint64_t, uint64_t) {
    begin();
    return grant(heap_of(context).step(root, node, Where));
}

// --- the functions of programs without a heap

struct with_objects {
    external_function_t plain;
    ebpf_ctx_helper_fn function;
};

constexpr auto functions = std::to_array<with_objects>({
    {helper::kptr_xchg, kptr_xchg},
    {helper::per_cpu_ptr, per_cpu_ptr},
    {helper::this_cpu_ptr, this_cpu_ptr},
    {kernel_function::obj_new_impl, obj_new},
    {kernel_function::obj_drop_impl, obj_drop},
    {kernel_function::percpu_obj_new_impl, percpu_obj_new},
    {kernel_function::percpu_obj_drop_impl, obj_drop},
    {kernel_function::refcount_acquire_impl, refcount_acquire},
    {kernel_function::list_push_front_impl, list_push<false>},
    {kernel_function::list_push_back_impl, list_push<true>},
    {kernel_function::list_pop_front, list_pop<false>},
    {kernel_function::list_pop_back, list_pop<true>},
    {kernel_function::list_front, list_end<false>},
    {kernel_function::list_back, list_end<true>},
    {kernel_function::rbtree_add_impl, rbtree_add},
    {kernel_function::rbtree_remove, rbtree_remove},
    {kernel_function::rbtree_first, rbtree_step<object_heap::tree_step::first>},
    {kernel_function::rbtree_root, rbtree_step<object_heap::tree_step::root>},
    {kernel_function::rbtree_left, rbtree_step<object_heap::tree_step::left>},
    {kernel_function::rbtree_right, rbtree_step<object_heap::tree_step::right>},
});

}  // namespace

ebpf_ctx_helper_fn function_with_objects(external_function_t function) noexcept {
    for (const with_objects &row : functions) {
        if (row.plain == function) return row.function;
    }
    return nullptr;
}

bool is_making_objects(uint32_t id) noexcept {
    const auto is_it = [id](const helper_row &row) {
        return row.declaration.id == id and (row.function == kernel_function::obj_new_impl or
                                             row.function == kernel_function::percpu_obj_new_impl);
    };
    return std::ranges::any_of(kernel_function_table(), is_it);
}

namespace kernel_function {

// Each has an address of its own, which tells what it is with objects.

uint64_t obj_new_impl(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t obj_drop_impl(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t percpu_obj_new_impl(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t percpu_obj_drop_impl(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t refcount_acquire_impl(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t list_push_front_impl(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EINVAL);
}
uint64_t list_push_back_impl(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EINVAL);
}
uint64_t list_pop_front(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t list_pop_back(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t list_front(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t list_back(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t rbtree_add_impl(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EINVAL);
}
uint64_t rbtree_remove(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t rbtree_first(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t rbtree_root(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t rbtree_left(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }
uint64_t rbtree_right(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }

}  // namespace kernel_function

}  // namespace bpftime::vm::runtime
