// bpftime-vm: tries that processes share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "hash_map.hpp"
#include "map_types.hpp"
#include "prefix_lengths.hpp"
#include "shared_bytes.hpp"

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

namespace bpftime::vm::runtime {

// No trie, but a hash map of prefixes, and the lengths that they have: a lookup asks for the key's
// prefix of each of these lengths, the longest one first. Nodes that processes share could not be
// freed, as nobody knows who still looks at them; elements of hash maps need not be.

namespace {

constexpr uint32_t length_bits = 32;  ///< before a prefix's own bits
constexpr uint32_t most_key_bytes = 4 + 256;
constexpr std::size_t most_key_words = words_of(most_key_bytes);
constexpr uint32_t most_entries = uint32_t{1} << 27;  // as of hash maps

[[nodiscard]] uint32_t length_of(const void *key) noexcept {
    uint32_t length = 0;
    std::memcpy(&length, key, sizeof length);
    return length;
}

/// The first `bits` of a word's 64, as they are in memory: the most significant one of its first
/// byte is the first.
[[nodiscard]] constexpr uint64_t first_bits(uint32_t bits) noexcept {
    static_assert(std::endian::native == std::endian::little);
    return bits == 0 ? 0 : std::byteswap(~uint64_t{0} << (64 - bits));
}

/// A key in words, its length included, zeros behind it.
struct prefix_words {
    std::array<uint64_t, most_key_words> words;

    [[nodiscard]] uint32_t length() const noexcept { return length_of(words.data()); }

    /// `count` is that of the key's words.
    void read(const void *key, std::size_t key_bytes, std::size_t count) noexcept {
        words[count - 1] = 0;
        std::memcpy(words.data(), key, key_bytes);
    }
    /// Makes it one of so many bits, which it is not shorter than.
    void cut(uint32_t length, std::size_t count) noexcept {
        const uint32_t bits = length_bits + length;
        const std::size_t at = bits / 64;
        if (at < count) words[at] &= first_bits(bits % 64);
        for (std::size_t i = at + 1; i < count; ++i) words[i] = 0;
        std::memcpy(words.data(), &length, sizeof length);
    }
};

/// The hash map. Its keys are prefixes, cut to their length; beside each is what was given.
class prefix_table final : public hash_map {
public:
    prefix_table(const map_definition &trie, map_memory memory)
        : hash_map{definition_for(trie), std::move(memory), beside(trie)} {}

    [[nodiscard]] static std::size_t bytes_for(const map_definition &trie) {
        return hash_layout{definition_for(trie), beside(trie)}.bytes_to_reserve();
    }

    using hash_map::memory;
    using hash_map::value_of;
    /// Null if it is not there. `size` is that of all keys.
    [[nodiscard]] element *find_prefix(const prefix_words &p, std::size_t size) const noexcept {
        return find<true>(p.words.data(), size);
    }
    /// The words that were given for the prefix of the element: others may have written anything.
    void read_given(element *e, prefix_words &given) const noexcept {
        const std::size_t size = definition().key_size;
        load_shared(given.words.data(), e->key() + size, size);
    }

private:
    static std::size_t beside(const map_definition &trie) noexcept {
        return words_of(trie.key_size) * 8;
    }
    static map_definition definition_for(const map_definition &trie) {
        return {.name = trie.name,
                .type = map_type::hash,
                .key_size = static_cast<uint32_t>(words_of(trie.key_size) * 8),
                .value_size = trie.value_size,
                .max_entries = trie.max_entries};
    }
};

/// All but the lookup of programs.
class pinned_trie : public map {
public:
    pinned_trie(const map_definition &d, map_memory memory)
        : map{d},
          words_{words_of(d.key_size)},
          table_{d, std::move(memory)},
          lengths_{table_.memory().data() + lengths_at(d), most_bits(), table_.memory().holder()} {
        share(table_.memory());
    }

    [[nodiscard]] static std::size_t bytes_for(const map_definition &d) {
        return lengths_at(d) + prefix_lengths::bytes_for(bits_of(d));
    }

    [[nodiscard]] bool is_sound() const noexcept override {
        return table_.is_sound() and lengths_.is_sound();
    }

    int update_elem(const void *key, const void *value, uint64_t flags) noexcept override {
        const uint32_t length = length_of(key);
        if (flags > update_exist or length > most_bits()) return -EINVAL;
        // The key that the table compares, and behind it the one to keep.
        std::array<uint64_t, 2 * most_key_words> both;
        prefix_words p;
        p.read(key, definition().key_size, words_);
        std::memcpy(&both[words_], p.words.data(), words_ * 8);
        p.cut(length, words_);
        std::memcpy(both.data(), p.words.data(), words_ * 8);
        return put(both.data(), length, value, flags);
    }

    int delete_elem(const void *key) noexcept override {
        const uint32_t length = length_of(key);
        if (length > most_bits()) return -EINVAL;
        const prefix_words p = prefix_of(key);
        if (table_.find_prefix(p, words_ * 8) == nullptr) return -ENOENT;
        lengths_.will_delete();
        const int failed = table_.delete_elem(p.words.data());
        if (failed == 0) lengths_.remove(length);
        return failed;
    }

protected:
    /// `Words` of a key; 0: any number.
    template <std::size_t Words>
    [[nodiscard]] void *find_longest(const void *key) const noexcept {
        const std::size_t words = Words == 0 ? words_ : Words;
        const uint32_t most = length_of(key);
        if (most > most_bits()) return nullptr;
        // Others may go on deleting: then it is what was there last, if not the longest there was.
        element *found = nullptr;
        for (int tries = 0; tries < most_tries; ++tries) {
            const uint32_t deletions = lengths_.deletions();
            element *now = nullptr;
            prefix_words p;
            p.read(key, definition().key_size, words);
            lengths_.visit_down_from(most, [&](uint32_t length) {
                p.cut(length, words);
                now = table_.find_prefix(p, words * 8);
                return now != nullptr;
            });
            const bool is_settled = not lengths_.has_deleted_since(deletions);
            if (now != nullptr or is_settled) found = now;
            if (is_settled) break;
        }
        return found == nullptr ? nullptr : table_.value_of(found);
    }

private:
    static constexpr int most_tries = 1024;

    [[nodiscard]] static uint32_t bits_of(const map_definition &d) noexcept {
        return d.key_size * 8 - length_bits;
    }
    [[nodiscard]] uint32_t most_bits() const noexcept { return bits_of(definition()); }
    [[nodiscard]] static std::size_t lengths_at(const map_definition &d) {
        return round_up(prefix_table::bytes_for(d), 64);
    }

    /// Of keys that are not too long.
    [[nodiscard]] prefix_words prefix_of(const void *key) const noexcept {
        prefix_words p;
        p.read(key, definition().key_size, words_);
        p.cut(p.length(), words_);
        return p;
    }

    /// Where the prefix is not there yet, its length has to be known before: that only new ones are
    /// counted, a value is replaced first, and then none is.
    int put(const void *key, uint32_t length, const void *value, uint64_t flags) noexcept {
        for (;;) {
            if (flags != update_noexist) {
                const int replaced = table_.update_elem(key, value, update_exist);
                if (replaced != -ENOENT or flags == update_exist) return replaced;
            }
            lengths_.add(length);
            const int added = table_.update_elem(key, value, update_noexist);
            if (added == 0) return 0;
            lengths_.remove(length);
            if (added == -E2BIG) return -ENOSPC;
            // Another thread may have added it.
            if (added != -EEXIST or flags == update_noexist) return added;
        }
    }

    /// In the order of the table. A key that another process wrote may be no prefix: others would
    /// be found in its place, and following keys not end.
    int host_next_key(const void *key, void *next) const noexcept override {
        const bool is_first = key == nullptr or length_of(key) > most_bits();
        prefix_words p;
        if (not is_first) p = prefix_of(key);
        prefix_words found;
        const int failed =
            table_.next_elem(is_first ? nullptr : p.words.data(), found.words.data());
        if (failed != 0) return failed;
        if (not is_prefix(found)) return -EUCLEAN;
        give_back(found, next);
        return 0;
    }

    [[nodiscard]] bool is_prefix(const prefix_words &found) const noexcept {
        if (found.length() > most_bits()) return false;
        prefix_words cut = found;
        cut.cut(found.length(), words_);
        return std::memcmp(cut.words.data(), found.words.data(), words_ * 8) == 0;
    }

    /// The key as it was given: bits behind the prefix included.
    void give_back(const prefix_words &found, void *key) const noexcept {
        prefix_words whole = found;
        if (element *const e = table_.find_prefix(found, words_ * 8)) {
            prefix_words given;
            table_.read_given(e, given);
            prefix_words cut = given;
            cut.cut(found.length(), words_);
            std::memcpy(given.words.data(), cut.words.data(), sizeof(uint32_t));
            for (std::size_t i = 0; i < words_; ++i)
                whole.words[i] |= given.words[i] ^ cut.words[i];
        }
        std::memcpy(key, whole.words.data(), definition().key_size);
    }

    const std::size_t words_;  ///< of a key
    prefix_table table_;
    prefix_lengths lengths_;
};

template <std::size_t Words>
class pinned_trie_of final : public pinned_trie {
public:
    using pinned_trie::pinned_trie;
    void *lookup_elem(const void *key) noexcept override { return find_longest<Words>(key); }
};

}  // namespace

std::size_t bytes_of_pinned_trie(const map_definition &d) {
    return d.max_entries <= most_entries ? pinned_trie::bytes_for(d)
                                         : std::numeric_limits<std::size_t>::max() / 2;
}

map_ptr make_pinned_trie(const map_definition &d, map_memory memory) {
    switch (words_of(d.key_size)) {
    case 1: return std::make_shared<pinned_trie_of<1>>(d, std::move(memory));  // IPv4
    case 3: return std::make_shared<pinned_trie_of<3>>(d, std::move(memory));  // IPv6
    default: return std::make_shared<pinned_trie_of<0>>(d, std::move(memory));
    }
}

}  // namespace bpftime::vm::runtime
