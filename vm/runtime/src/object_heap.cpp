// bpftime-vm: objects that programs make, own, and put into lists, trees and values
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object_heap.hpp"

#include "runtime/cpu.hpp"
#include "runtime/read_section.hpp"
#include "shared_bytes.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

using kind = value_field::kind;

/// About what is beside an object.
constexpr std::size_t object_overhead = 256;

bool counts_owners(const object_type &type) noexcept {
    return std::ranges::find(type.fields, kind::refcount, &value_field::what) != type.fields.end();
}

}  // namespace

object_heap::~object_heap() {
    for (auto &[begin, o] : objects_) retire(std::move(o));
}

// --- finding

object_heap::object *object_heap::object_at(uint64_t begin) const noexcept {
    const auto at = objects_.find(begin);
    return at == objects_.end() ? nullptr : at->second.get();
}

object_heap::object *object_heap::object_around(uint64_t address) const noexcept {
    auto at = objects_.upper_bound(address);
    if (at == objects_.begin()) return nullptr;
    --at;
    return address - at->first < at->second->bytes ? at->second.get() : nullptr;
}

object_heap::node *object_heap::node_at(uint64_t address, kind wanted) const noexcept {
    object *const o = object_around(address);
    if (o == nullptr) return nullptr;
    const auto is_it = [&](const node &n) {
        return n.offset == address - o->begin() and n.kind == wanted;
    };
    const auto found = std::ranges::find_if(o->nodes, is_it);
    return found == o->nodes.end() ? nullptr : &*found;
}

const object_heap::container *object_heap::container_at(uint64_t head) const noexcept {
    const auto at = containers_.find(head);
    return at == containers_.end() ? nullptr : &at->second;
}

object_heap::place object_heap::place_of(const object &o, uint64_t offset) noexcept {
    return {o.begin() + offset, o.begin(), o.bytes};
}

object_heap::place object_heap::place_of(const node *n) noexcept {
    return n == nullptr ? place{} : place_of(*n->of, n->offset);
}

object_heap::place object_heap::find(uint64_t address) const noexcept {
    const std::lock_guard guard{lock_};
    const object *const o = object_around(address);
    return o == nullptr ? place{} : place_of(*o, address - o->begin());
}

object_heap::place object_heap::part_of_cpu(uint64_t begin, uint64_t cpu) const noexcept {
    const std::lock_guard guard{lock_};
    const object *const o = object_at(begin);
    if (o == nullptr or not o->per_cpu or cpu >= cpu_count()) return {};
    return place_of(*o, cpu * round_up(o->type->size, 8));
}

// --- objects

object_heap::place object_heap::make(uint64_t type, bool per_cpu) {
    if (type >= types_.size() or types_[type].size == 0) return {};
    const object_type &t = types_[type];
    if (t.size > most_object_bytes) return {};
    const std::size_t bytes =
        per_cpu ? std::size_t{round_up(t.size, 8)} * cpu_count() : std::size_t{t.size};
    const std::lock_guard guard{lock_};
    if (bytes + object_overhead > most_bytes - bytes_) return {};
    auto made = std::make_unique<object>();
    made->type = &t;
    made->memory = std::make_unique<uint64_t[]>((bytes + 7) / 8);
    made->bytes = bytes;
    made->per_cpu = per_cpu;
    for (const value_field &f : t.fields) {
        if (per_cpu or (f.what != kind::list_node and f.what != kind::rb_node)) continue;
        node &n = made->nodes.emplace_back();
        n.offset = f.offset;
        n.kind = f.what;
    }
    for (node &n : made->nodes) n.of = made.get();
    const place whole = place_of(*made, 0);
    objects_.emplace(whole.begin, std::move(made));
    bytes_ += bytes + object_overhead;
    return whole;
}

object_heap::place object_heap::acquire(uint64_t begin) noexcept {
    const std::lock_guard guard{lock_};
    object *const o = object_at(begin);
    if (o == nullptr or not counts_owners(*o->type)) return {};
    ++o->owners;
    return place_of(*o, 0);
}

bool object_heap::release(uint64_t begin) noexcept {
    const std::lock_guard guard{lock_};
    object *const o = object_at(begin);
    return o != nullptr and give_up(*o);
}

/// Whether it is gone.
bool object_heap::give_up(object &o) noexcept {
    if (--o.owners != 0) return false;
    destroy(o);
    return true;
}

/// With all that it alone owns, however long the chain is.
void object_heap::destroy(object &first) noexcept {
    for (object *gone = &first; gone != nullptr;) {
        object &o = *gone;
        gone = o.next_gone;
        let_go(o.begin(), o.bytes, gone);
        bytes_ -= o.bytes + object_overhead;
        const auto at = objects_.find(o.begin());
        std::unique_ptr<object> last = std::move(at->second);
        objects_.erase(at);
        retire(std::move(last));
    }
}

/// Lists, trees and pointers in this memory give up what they own; those that nobody owns then come
/// to `gone`.
void object_heap::let_go(uint64_t begin, uint64_t size, object *&gone) noexcept {
    const uint64_t end = begin + size;
    const auto give = [&gone](object &o) {
        if (--o.owners != 0) return;
        o.next_gone = gone;
        gone = &o;
    };
    for (auto at = containers_.lower_bound(begin); at != containers_.end() and at->first < end;
         at = containers_.erase(at)) {
        container &c = at->second;
        while (node *const n = c.first != nullptr ? c.first : static_cast<node *>(c.tree.root())) {
            unlink(c, *n);
            give(*n->of);
        }
    }
    for (auto at = pointers_.lower_bound(begin); at != pointers_.end() and at->first < end;
         at = pointers_.erase(at))
        give(*at->second);
}

void object_heap::forget(const void *value, std::size_t size) noexcept {
    const std::lock_guard guard{lock_};
    object *gone = nullptr;
    let_go(reinterpret_cast<uint64_t>(value), size, gone);
    if (gone != nullptr) destroy(*gone);
}

// --- lists

void object_heap::unlink(container &from, node &n) noexcept {
    if (n.kind == kind::rb_node) {
        from.tree.erase(&n);
        from.changes = ++changes_;
    } else {
        (n.previous == nullptr ? from.first : n.previous->next) = n.next;
        (n.next == nullptr ? from.last : n.next->previous) = n.previous;
        n.next = n.previous = nullptr;
    }
    n.head = 0;
}

int object_heap::push(uint64_t head, uint64_t address, bool at_back) {
    const std::lock_guard guard{lock_};
    node *const n = node_at(address, kind::list_node);
    if (n == nullptr or not n->is_free()) return -EINVAL;
    container &c = containers_[head];
    n->head = head;
    n->previous = at_back ? c.last : nullptr;
    n->next = at_back ? nullptr : c.first;
    (n->previous == nullptr ? c.first : n->previous->next) = n;
    (n->next == nullptr ? c.last : n->next->previous) = n;
    return 0;
}

object_heap::place object_heap::pop(uint64_t head, bool at_back) noexcept {
    const std::lock_guard guard{lock_};
    const auto at = containers_.find(head);
    if (at == containers_.end()) return {};
    node *const n = at_back ? at->second.last : at->second.first;
    if (n != nullptr) unlink(at->second, *n);
    return place_of(n);
}

object_heap::place object_heap::end_of_list(uint64_t head, bool at_back) const noexcept {
    const std::lock_guard guard{lock_};
    const container *const c = container_at(head);
    if (c == nullptr) return {};
    return place_of(at_back ? c->last : c->first);
}

// --- trees

bool object_heap::is_linked(const container &c, const node &n) noexcept {
    return n.parent != nullptr or c.tree.root() == &n;
}

/// Where in a tree a search for a node's place has ended.
struct object_heap::tree_place {
    node *parent = nullptr;
    bool to_left = true;
};

/// Nothing: the tree is another one by now.
std::expected<object_heap::tree_place, object_heap::search_end> object_heap::search(
    uint64_t root, const node &n, const node_order &less, std::unique_lock<std::mutex> &guard) {
    const container &c = containers_[root];
    const uint64_t changes = c.changes;
    tree_place found;
    for (tree_node *at = c.tree.root(); at != nullptr; at = found.to_left ? at->left : at->right) {
        found.parent = static_cast<node *>(at);
        const place mine = place_of(&n);
        const place other = place_of(found.parent);
        guard.unlock();
        const auto is_less = less(mine, other);
        guard.lock();
        if (not is_less) return std::unexpected{search_end::run_ends};
        const auto now = containers_.find(root);
        if (now == containers_.end() or now->second.changes != changes)
            return std::unexpected{search_end::tree_changed};
        found.to_left = *is_less;
    }
    return found;
}

/// The tree may change while `less` runs, if programs do not lock it: then the search begins anew.
std::optional<int> object_heap::add(uint64_t root, uint64_t address, const node_order &less) {
    std::unique_lock guard{lock_};
    node *const n = node_at(address, kind::rb_node);
    if (n == nullptr or not n->is_free()) return -EINVAL;
    n->head = root;  // nobody can put it anywhere else, and it is in no tree yet
    try {
        for (;;) {
            const auto found = search(root, *n, less, guard);
            if (found) {
                container &c = containers_[root];
                c.tree.insert(n, found->parent, found->to_left);
                c.changes = ++changes_;
                return 0;
            }
            if (found.error() == search_end::tree_changed) continue;
            n->head = 0;
            return std::nullopt;
        }
    } catch (...) {
        if (not guard.owns_lock()) guard.lock();
        n->head = 0;
        throw;
    }
}

object_heap::place object_heap::remove(uint64_t root, uint64_t address) noexcept {
    const std::lock_guard guard{lock_};
    node *const n = node_at(address, kind::rb_node);
    const auto at = containers_.find(root);
    if (n == nullptr or n->head != root or at == containers_.end() or not is_linked(at->second, *n))
        return {};
    unlink(at->second, *n);
    return place_of(n);
}

object_heap::place object_heap::step(uint64_t root, uint64_t address,
                                     tree_step where) const noexcept {
    const std::lock_guard guard{lock_};
    const container *const c = container_at(root);
    if (c == nullptr) return {};
    const auto at = [](const tree_node *n) { return place_of(static_cast<const node *>(n)); };
    if (where == tree_step::first) return at(c->tree.first());
    if (where == tree_step::root) return at(c->tree.root());
    const node *const from = node_at(address, kind::rb_node);
    if (from == nullptr or from->head != root or not is_linked(*c, *from)) return {};
    return at(where == tree_step::left ? from->left : from->right);
}

// --- pointers in values

object_heap::exchanged object_heap::exchange(uint64_t field, uint64_t word, bool owns) {
    const std::lock_guard guard{lock_};
    object *const fresh = owns ? object_at(word) : nullptr;
    if (fresh != nullptr) pointers_.try_emplace(field, nullptr);
    const uint64_t before =
        reinterpret_cast<std::atomic<uint64_t> *>(field)->exchange(word, std::memory_order_seq_cst);
    const auto at = pointers_.find(field);
    if (at == pointers_.end()) return {before, {}};
    object *const old = std::exchange(at->second, fresh);
    if (fresh == nullptr) pointers_.erase(at);
    if (old == nullptr) return {before, {}};
    if (old->begin() == before) return {before, place_of(*old, 0)};
    give_up(*old);  // the program has written something else there
    return {before, {}};
}

}  // namespace bpftime::vm::runtime
