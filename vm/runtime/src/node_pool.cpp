// bpftime-vm: the nodes of tries: where they are, and which are free
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "node_pool.hpp"

#include <bit>
#include <cstdint>
#include <limits>
#include <mutex>
#include <new>

namespace bpftime::vm::runtime {

namespace {

/// AddressSanitizer watches over memory that is allocated node by node.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool has_places = false;
#elif defined(__has_feature)
constexpr bool has_places = not __has_feature(address_sanitizer);
#else
constexpr bool has_places = true;
#endif

constexpr std::size_t line_bytes = 64;
/// So much lies in small pages: tries with few nodes take little memory.
constexpr std::size_t small_bytes = std::size_t{2} << 20;

/// Small nodes lie in one line of the cache, the head of any node does.
std::size_t stride_of(std::size_t node_bytes) {
    return node_bytes <= line_bytes ? std::bit_ceil(node_bytes)
                                    : (node_bytes + line_bytes - 1) / line_bytes * line_bytes;
}

std::size_t places_for(std::size_t stride, std::size_t count) {
    const bool fits = count <= std::numeric_limits<std::size_t>::max() / stride;
    return has_places and fits ? stride * count : 0;
}

}  // namespace

node_pool::node_pool(std::size_t node_bytes, std::size_t count)
    : stride_{stride_of(node_bytes)}, memory_{places_for(stride_, count)} {}

void node_pool::leave() noexcept {
    if (users_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

void *node_pool::take_place() noexcept {
    const std::lock_guard guard{lock_};
    if (free_node *const node = free_; node != nullptr) {
        free_ = node->next;
        return node;
    }
    if (memory_.bytes() - untouched_ < stride_) return nullptr;
    uint8_t *const place = memory_.data() + untouched_;
    untouched_ += stride_;
    if (untouched_ - stride_ < small_bytes and untouched_ >= small_bytes)
        memory_.ask_for_large_pages(untouched_);
    return place;
}

void *node_pool::take() noexcept {
    void *const place = take_place();
    void *const node = place != nullptr ? place : ::operator new(stride_, std::nothrow);
    if (node != nullptr) users_.fetch_add(1, std::memory_order_relaxed);
    return node;
}

bool node_pool::has_place(const void *node) const noexcept {
    const uint64_t offset =
        reinterpret_cast<uint64_t>(node) - reinterpret_cast<uint64_t>(memory_.data());
    return offset < memory_.bytes();
}

void node_pool::give(void *node) noexcept {
    if (has_place(node)) {
        const std::lock_guard guard{lock_};
        free_ = new (node) free_node{free_};
    } else {
        ::operator delete(node);
    }
    leave();
}

}  // namespace bpftime::vm::runtime
