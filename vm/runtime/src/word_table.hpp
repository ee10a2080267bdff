// bpftime-vm: plain hash maps that keep the entries of others: a word for each key
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "map_types.hpp"
#include "shared_bytes.hpp"

#include <cstdint>
#include <optional>
#include <utility>

namespace bpftime::vm::runtime {

/// A hash map with the keys of `d`, whose values are words. Results are 0 or a negative errno.
class word_table {
public:
    explicit word_table(map_definition d) : words_{make_hash(with_words(std::move(d)))} {}

    [[nodiscard]] bool has_memory() const noexcept { return words_ != nullptr; }

    [[nodiscard]] std::optional<uint64_t> find(const void *key) const noexcept {
        const void *const value = words_->lookup_elem(key);
        return value == nullptr ? std::nullopt : std::optional{load_word(value)};
    }
    int put(const void *key, uint64_t word, uint64_t flags) const noexcept {
        return words_->update_elem(key, &word, flags);
    }
    int remove(const void *key) const noexcept { return words_->delete_elem(key); }

    int next_key(const void *key, void *next) const noexcept {
        return words_->next_elem(key, next);
    }

    [[nodiscard]] map &words() const noexcept { return *words_; }

private:
    static map_definition with_words(map_definition d) {
        d.type = map_type::hash;
        d.value_size = sizeof(uint64_t);
        return d;
    }

    map_ptr words_;
};

}  // namespace bpftime::vm::runtime
