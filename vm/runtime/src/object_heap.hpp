// bpftime-vm: objects that programs make, own, and put into lists, trees and values
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "program/map.hpp"
#include "red_black_tree.hpp"
#include "runtime/map.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace bpftime::vm::runtime {

/// A struct of the program's object.
struct object_type {
    uint32_t size = 0;
    std::vector<value_field> fields;
};

/// The objects of the programs of one loaded_object: memory that is bounded, and everything that
/// the kernel has in the fields of objects and values. Here it is beside them: nothing that
/// programs write there means anything, whatever they write.
///
/// Everybody who has an object owns it once: a run, a list or tree, a pointer in a value. The last
/// one who gives it up destroys it; its memory stays until those runs have ended that may know it.
/// Lists and trees belong to the address of their head.
class object_heap final : public value_watcher {
public:
    /// By BTF type id; those without size cannot be made.
    explicit object_heap(std::vector<object_type> types) : types_{std::move(types)} {}
    ~object_heap() override;

    /// Larger ones the kernel does not make.
    static constexpr std::size_t most_object_bytes = 4096 - 8;
    /// What objects may take in all.
    static constexpr std::size_t most_bytes = std::size_t{64} << 20;

    /// Where some bytes of an object are, for a run to be granted them.
    struct place {
        uint64_t address = 0;  ///< what the program asked for; 0: nothing
        uint64_t begin = 0;    ///< of the object that it is in
        uint64_t size = 0;
    };

    // --- objects; the caller owns what it gets

    /// A zeroed object of the type; nothing if there is no such type, or no memory. `per_cpu`: one
    /// for each CPU.
    [[nodiscard]] place make(uint64_t type, bool per_cpu);
    /// One more owner of an object that counts its owners.
    [[nodiscard]] place acquire(uint64_t object) noexcept;
    /// The caller no longer owns it. Whether it is gone.
    bool release(uint64_t object) noexcept;
    /// The object that an address is in.
    [[nodiscard]] place find(uint64_t address) const noexcept;
    /// A CPU's part of an object that has one for each; nothing for others.
    [[nodiscard]] place part_of_cpu(uint64_t object, uint64_t cpu) const noexcept;

    // --- lists and trees; `node` is the address of a field of an object

    /// 0 and the list owns the object in the caller's place; -EINVAL if it cannot.
    int push(uint64_t head, uint64_t node, bool at_back);
    /// Takes the first or last one out; the caller owns it then.
    [[nodiscard]] place pop(uint64_t head, bool at_back) noexcept;
    [[nodiscard]] place end_of_list(uint64_t head, bool at_back) const noexcept;

    /// Whether the node at `a` comes before the one at `b`; nothing: the run is about to end.
    using node_order = std::function<std::optional<bool>(place a, place b)>;
    /// 0 and the tree owns the object in the caller's place; -EINVAL if it cannot; nothing if the
    /// run ends. Calls `less` while others may use the heap; nobody else may release what the
    /// caller owns meanwhile.
    [[nodiscard]] std::optional<int> add(uint64_t root, uint64_t node, const node_order &less);
    [[nodiscard]] place remove(uint64_t root, uint64_t node) noexcept;
    enum class tree_step : uint8_t { first, root, left, right };
    /// `node`: for the steps from one, which is in the tree.
    [[nodiscard]] place step(uint64_t root, uint64_t node, tree_step where) const noexcept;

    // --- pointers in values

    struct exchanged {
        uint64_t word;  ///< that was in the field
        place object;   ///< that it was the address of; the caller owns it
    };
    /// The field gets `word`; `owns`: which is an object that it owns in the caller's place.
    [[nodiscard]] exchanged exchange(uint64_t field, uint64_t word, bool owns);

    /// The value is gone, with all that it had.
    void forget(const void *value, std::size_t size) noexcept override;

private:
    struct object;

    /// A field of an object by which it is in a list or tree.
    struct node : tree_node {
        object *of = nullptr;
        uint32_t offset = 0;
        value_field::kind kind = value_field::kind::other;
        uint64_t head = 0;  ///< of the list or tree that it is in; 0: none
        node *next = nullptr;
        node *previous = nullptr;

        [[nodiscard]] bool is_free() const noexcept { return head == 0; }
    };

    struct object {
        const object_type *type = nullptr;
        std::unique_ptr<uint64_t[]> memory;
        std::size_t bytes = 0;
        bool per_cpu = false;
        uint64_t owners = 1;
        std::vector<node> nodes;
        object *next_gone = nullptr;  ///< of those that nobody owns any more

        [[nodiscard]] uint64_t begin() const noexcept {
            return reinterpret_cast<uint64_t>(memory.get());
        }
    };

    struct container {
        node *first = nullptr;  ///< of a list
        node *last = nullptr;
        red_black_tree tree;
        uint64_t changes = 0;  ///< another number for each form that a tree has
    };
    struct tree_place;
    enum class search_end : uint8_t { tree_changed, run_ends };

    [[nodiscard]] object *object_at(uint64_t begin) const noexcept;
    [[nodiscard]] object *object_around(uint64_t address) const noexcept;
    [[nodiscard]] node *node_at(uint64_t address, value_field::kind kind) const noexcept;
    [[nodiscard]] const container *container_at(uint64_t head) const noexcept;
    [[nodiscard]] static place place_of(const object &o, uint64_t offset) noexcept;
    [[nodiscard]] static place place_of(const node *n) noexcept;
    void unlink(container &from, node &n) noexcept;
    bool give_up(object &o) noexcept;
    void destroy(object &first) noexcept;
    void let_go(uint64_t begin, uint64_t size, object *&gone) noexcept;
    [[nodiscard]] static bool is_linked(const container &c, const node &n) noexcept;
    std::expected<tree_place, search_end> search(uint64_t root, const node &n,
                                                 const node_order &less,
                                                 std::unique_lock<std::mutex> &guard);

    const std::vector<object_type> types_;
    mutable std::mutex lock_;
    std::map<uint64_t, std::unique_ptr<object>> objects_;  ///< by their begin
    std::map<uint64_t, container> containers_;             ///< by the address of their head
    std::map<uint64_t, object *> pointers_;                ///< by the address of their field
    std::size_t bytes_ = 0;
    uint64_t changes_ = 0;
};

}  // namespace bpftime::vm::runtime
