// bpftime-vm: the nodes of tries: where they are, and which are free
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "mapped_memory.hpp"
#include "spin_lock.hpp"

#include <atomic>
#include <cstddef>
#include <memory>

namespace bpftime::vm::runtime {

/// Nodes of one size, close together: who walks through many of them waits for fewer lines and
/// pages than if each were allocated by itself. Any thread may take and give.
class node_pool {
public:
    /// Nobody takes nodes any more. The pool is gone when the last node has been given back.
    struct closing {
        void operator()(node_pool *pool) const noexcept { pool->leave(); }
    };
    using handle = std::unique_ptr<node_pool, closing>;

    /// Of nodes that programs may have `count` of at a time; if more are taken, as old ones are
    /// still looked at, they lie elsewhere. Address space is reserved, memory taken with the nodes.
    [[nodiscard]] static handle make(std::size_t node_bytes, std::size_t count) {
        return handle{new node_pool{node_bytes, count}};
    }
    node_pool(const node_pool &) = delete;
    node_pool &operator=(const node_pool &) = delete;

    /// Memory for a node, aligned to 8; null: there is none.
    [[nodiscard]] void *take() noexcept;
    void give(void *node) noexcept;

private:
    struct free_node {
        free_node *next;
    };

    node_pool(std::size_t node_bytes, std::size_t count);
    ~node_pool() = default;
    void leave() noexcept;
    [[nodiscard]] void *take_place() noexcept;
    [[nodiscard]] bool has_place(const void *node) const noexcept;

    const std::size_t stride_;            ///< from one node to the next
    const mapped_memory memory_;          ///< may not be there: all nodes lie elsewhere
    std::atomic<std::size_t> users_ = 1;  ///< nodes that are taken, and who takes them
    spin_lock lock_;                      ///< of what follows
    free_node *free_ = nullptr;
    std::size_t untouched_ = 0;  ///< where the first place is that was never taken
};

}  // namespace bpftime::vm::runtime
