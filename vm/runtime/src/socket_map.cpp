// bpftime-vm: maps of sockets, by number
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "socket_map.hpp"

#include "helper_sockets.hpp"
#include "index_key.hpp"
#include "map_types.hpp"
#include "mapped_memory.hpp"
#include "shared_bytes.hpp"
#include "word_table.hpp"

#include <cerrno>
#include <climits>
#include <cstring>
#include <mutex>
#include <new>

namespace bpftime::vm::runtime {

// --- what all of them do

void *socket_map::lookup_elem(const void *key) noexcept {
    if (definition().type == map_type::reuseport_sockarray) return nullptr;  // not for programs
    const auto socket = find(key);
    if (not socket) return nullptr;
    try {
        return reinterpret_cast<void *>(give_socket(*socket));
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

namespace {

/// A TCP socket has to listen or to be connected; a packet's own is of no kind.
bool is_in_fitting_state(const network_socket &s) noexcept {
    if (s.view.type == 0 and s.view.protocol == 0) return false;
    constexpr uint32_t tcp = 6;
    return s.view.protocol != tcp or s.view.state == tcp_state::established or
           s.view.state == tcp_state::listens;
}

/// What no file descriptor can be; arrays of reuseport groups look at all else before.
int bad_number(const map_definition &d, const void *key, uint64_t flags) noexcept {
    if (d.type != map_type::reuseport_sockarray or flags > update_exist) return -EINVAL;
    if (index_of(key) >= d.max_entries) return -E2BIG;
    return d.value_size == sizeof(uint32_t) ? -EBADF : -EINVAL;
}

}  // namespace

int socket_map::put_socket(const void *key, uint64_t word, uint64_t flags) {
    const auto owner = socket_of(word);
    if (owner == nullptr or definition().type == map_type::reuseport_sockarray) return -EINVAL;
    const network_socket *const s = socket_at(word);
    if (s != nullptr and not is_in_fitting_state(*s)) return -EOPNOTSUPP;
    return put(key, owner->number, flags);
}

int socket_map::update_elem(const void *key, const void *socket, uint64_t flags) noexcept {
    try {
        return put_socket(key, reinterpret_cast<uint64_t>(socket), flags);
    } catch (const std::bad_alloc &) {
        return -ENOMEM;
    }
}

int socket_map::host_lookup(const void *key, void *value) noexcept {
    if (definition().value_size != sizeof(uint64_t)) return -ENOSPC;
    const auto socket = find(key);
    if (not socket) return -ENOENT;
    const uint64_t number = *socket;
    std::memcpy(value, &number, sizeof number);
    return 0;
}

int socket_map::host_update(const void *key, const void *value, uint64_t flags) noexcept {
    uint64_t number = 0;
    std::memcpy(&number, value, definition().value_size);
    if (number > INT_MAX) return bad_number(definition(), key, flags);
    return put(key, static_cast<uint32_t>(number), flags);
}

namespace {

/// 0 or why an entry that is there, or not, cannot be updated.
int check_presence(bool is_there, uint64_t flags) noexcept {
    if (is_there and flags == update_noexist) return -EEXIST;
    return not is_there and flags == update_exist ? -ENOENT : 0;
}

// --- by index

class socket_array final : public socket_map {
public:
    explicit socket_array(const map_definition &d)
        : socket_map{d}, memory_{sizeof(uint64_t) * d.max_entries} {}

    [[nodiscard]] bool has_memory() const noexcept { return static_cast<bool>(memory_); }

    std::optional<uint32_t> find(const void *key) noexcept override {
        const uint32_t index = index_of(key);
        const uint64_t word = index < definition().max_entries ? load_word(at(index)) : 0;
        return word == 0 ? std::nullopt : std::optional{static_cast<uint32_t>(word - 1)};
    }

    int put(const void *key, uint32_t socket, uint64_t flags) noexcept override {
        const uint32_t index = index_of(key);
        if (flags > update_exist) return -EINVAL;
        if (index >= definition().max_entries) return -E2BIG;
        const std::lock_guard guard{writers_};
        if (const int failed = check_presence(load_word(at(index)) != 0, flags)) return failed;
        store_word(at(index), uint64_t{socket} + 1);
        return 0;
    }

    int delete_elem(const void *key) noexcept override {
        const bool is_reuseport = definition().type == map_type::reuseport_sockarray;
        const uint32_t index = index_of(key);
        if (index >= definition().max_entries) return is_reuseport ? -E2BIG : -EINVAL;
        const std::lock_guard guard{writers_};
        if (load_word(at(index)) == 0) return is_reuseport ? -ENOENT : -EINVAL;
        store_word(at(index), 0);
        return 0;
    }

private:
    [[nodiscard]] uint8_t *at(uint32_t index) const noexcept {
        return memory_.data() + index * sizeof(uint64_t);
    }

    int host_next_key(const void *key, void *next) const noexcept override {
        return next_index(key, next, definition().max_entries);
    }

    const mapped_memory memory_;  ///< a word for each: number + 1, or 0
    std::mutex writers_;
};

// --- by any key

class socket_hash final : public socket_map {
public:
    explicit socket_hash(const map_definition &d) : socket_map{d}, numbers_{d} {}

    [[nodiscard]] bool has_memory() const noexcept { return numbers_.has_memory(); }

    std::optional<uint32_t> find(const void *key) noexcept override {
        const auto word = numbers_.find(key);
        return word ? std::optional{static_cast<uint32_t>(*word)} : std::nullopt;
    }

    int put(const void *key, uint32_t socket, uint64_t flags) noexcept override {
        return numbers_.put(key, socket, flags);
    }

    int delete_elem(const void *key) noexcept override { return numbers_.remove(key); }

private:
    int host_next_key(const void *key, void *next) const noexcept override {
        return numbers_.next_key(key, next);
    }

    const word_table numbers_;
};

}  // namespace

socket_map *as_socket_map(map *m) noexcept {
    return m != nullptr and m->gives_sockets() ? static_cast<socket_map *>(m) : nullptr;
}

map_ptr make_socket_array(const map_definition &d) {
    auto made = std::make_shared<socket_array>(d);
    return made->has_memory() ? made : nullptr;
}

map_ptr make_socket_hash(const map_definition &d) {
    auto made = std::make_shared<socket_hash>(d);
    return made->has_memory() ? made : nullptr;
}

}  // namespace bpftime::vm::runtime
