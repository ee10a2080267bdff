// bpftime-vm: tries that find the longest prefix of a key
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "map_types.hpp"
#include "node_pool.hpp"
#include "runtime/read_section.hpp"
#include "shared_bytes.hpp"
#include "spin_lock.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <mutex>

namespace bpftime::vm::runtime {

namespace {

/// A prefix: its length in bits, and the bytes that it is the beginning of, most significant bit
/// first.
struct prefix {
    uint32_t length;
    const uint8_t *data;

    static prefix of_key(const void *key) noexcept {
        uint32_t length = 0;
        std::memcpy(&length, key, sizeof length);
        return {length, static_cast<const uint8_t *>(key) + sizeof length};
    }
    [[nodiscard]] unsigned bit(uint32_t index) const noexcept {
        return data[index / 8] >> (7 - index % 8) & 1U;
    }
};

/// How many bits two prefixes begin with in common.
uint32_t common_bits(const prefix &a, const prefix &b) noexcept {
    const uint32_t most = std::min(a.length, b.length);
    uint32_t bits = 0;
    for (uint32_t at = 0; bits < most; ++at, bits += 8) {
        const auto different = static_cast<uint8_t>(a.data[at] ^ b.data[at]);
        if (different != 0)
            return std::min(most, bits + static_cast<uint32_t>(std::countl_zero(different)));
    }
    return most;
}

/// A node never changes but for its children and for becoming a mere branch. Its data are a prefix,
/// padded with zeros to words of 32 bits; its value follows, aligned to 8.
struct trie_node {
    std::atomic<trie_node *> child[2] = {nullptr, nullptr};
    uint16_t length;
    /// Stands for no entry: it is there because its children are.
    std::atomic<bool> is_branch;

    static constexpr std::size_t data_offset = 20;

    trie_node(uint32_t prefix_length, bool branch) noexcept
        : length{static_cast<uint16_t>(prefix_length)}, is_branch{branch} {}

    [[nodiscard]] uint8_t *data() noexcept {
        return reinterpret_cast<uint8_t *>(this) + data_offset;
    }
    [[nodiscard]] runtime::prefix prefix() noexcept { return {length, data()}; }
    [[nodiscard]] trie_node *get(unsigned bit) const noexcept {
        return child[bit].load(std::memory_order_acquire);
    }
};

constexpr uint32_t most_data_bytes = 256;

/// The number whose most significant bit is the first one of these 4 bytes.
uint32_t bits_at(const uint8_t *data) noexcept {
    uint32_t word = 0;
    std::memcpy(&word, data, sizeof word);
    return std::endian::native == std::endian::little ? std::byteswap(word) : word;
}

/// A key to look up, of `Words` words of 32 bits; 0: of any number.
template <uint32_t Words>
class wanted_prefix {
public:
    wanted_prefix(const prefix &p, uint32_t data_bytes) noexcept
        : words_{Words != 0 ? Words : (data_bytes + 3) / 4} {
        std::array<uint8_t, sizeof bits_> data;
        std::memset(data.data() + words_ * std::size_t{4} - 4, 0, 8);
        std::memcpy(data.data(), p.data, data_bytes);
        for (uint32_t i = 0; i <= words_; ++i) bits_[i] = bits_at(&data[i * std::size_t{4}]);
    }

    /// How many bits a node's data begin with in common.
    [[nodiscard]] uint32_t common_with(const uint8_t *data) const noexcept {
        for (uint32_t i = 0; i < words_; ++i) {
            const uint32_t different = bits_[i] ^ bits_at(data + i * std::size_t{4});
            if (different != 0) return i * 32 + static_cast<uint32_t>(std::countl_zero(different));
        }
        return words_ * 32;
    }
    /// 0 behind its end.
    [[nodiscard]] unsigned bit(uint32_t index) const noexcept {
        return bits_[index / 32] << index % 32 >> 31;
    }

private:
    uint32_t words_;
    /// Zeros follow.
    std::array<uint32_t, (Words != 0 ? Words : most_data_bytes / 4) + 1> bits_;
};

using link = std::atomic<trie_node *>;

/// All but the lookup of programs.
class lpm_trie : public map {
public:
    explicit lpm_trie(const map_definition &d)
        : map{d},
          data_bytes_{data_bytes_of(d)},
          // Half of the nodes are branches at most.
          nodes_{node_pool::make(value_offset() + round_up(d.value_size, 8),
                                 std::size_t{2} * d.max_entries)} {}

    ~lpm_trie() override { destroy_below(root_.load()); }

    [[nodiscard]] static uint32_t data_bytes_of(const map_definition &d) noexcept {
        return d.key_size - uint32_t{sizeof(uint32_t)};
    }

    int update_elem(const void *key, const void *value, uint64_t flags) noexcept override {
        const prefix added = prefix::of_key(key);
        if (flags > update_exist or added.length > most_bits()) return -EINVAL;
        trie_node *const fresh = make_node(added, value);
        if (fresh == nullptr) return -ENOMEM;
        const std::lock_guard guard{lock_};
        const int failed = add(fresh, flags);
        if (failed != 0) nodes_->give(fresh);
        return failed;
    }

    int delete_elem(const void *key) noexcept override {
        const prefix deleted = prefix::of_key(key);
        if (deleted.length > most_bits()) return -EINVAL;
        const std::lock_guard guard{lock_};
        const place at = find(deleted);
        trie_node *const node = at.node;
        if (node == nullptr or node->length != deleted.length or at.common != node->length or
            node->is_branch.load(std::memory_order_relaxed)) {
            return -ENOENT;
        }
        --entries_;
        take_out(at);
        return 0;
    }

protected:
    /// `Words` of 32 bits in a key's data; 0: any number.
    template <uint32_t Words>
    [[nodiscard]] void *find_longest(const void *key) const noexcept {
        read_until_run_ends();
        const prefix asked = prefix::of_key(key);
        if (asked.length > most_bits()) return nullptr;
        const wanted_prefix<Words> wanted{asked, Words != 0 ? Words * 4 : data_bytes_};
        trie_node *found = nullptr;
        trie_node *node = root_.load(std::memory_order_acquire);
        while (node != nullptr) {
            const uint32_t length = node->length;
            if (length > asked.length or length > wanted.common_with(node->data())) break;
            if (not node->is_branch.load(std::memory_order_acquire)) found = node;
            node = node->get(wanted.bit(length));
        }
        return found == nullptr ? nullptr : value_of(found);
    }

private:
    struct place {
        link *slot = nullptr;
        trie_node *node = nullptr;    ///< in `slot`
        link *parent_slot = nullptr;  ///< where the node with `slot` is
        trie_node *parent = nullptr;
        uint32_t common = 0;  ///< bits of `node` and the prefix looked for
    };

    [[nodiscard]] uint32_t most_bits() const noexcept { return data_bytes_ * 8; }
    [[nodiscard]] std::size_t value_offset() const noexcept {
        return round_up(trie_node::data_offset + round_up(data_bytes_, 4), 8);
    }
    [[nodiscard]] uint8_t *value_of(trie_node *node) const noexcept {
        return reinterpret_cast<uint8_t *>(node) + value_offset();
    }

    /// A node without children; a branch if `value` is null.
    trie_node *make_node(const prefix &p, const void *value) noexcept {
        void *const memory = nodes_->take();
        if (memory == nullptr) return nullptr;
        auto *const node = new (memory) trie_node{p.length, value == nullptr};
        std::memset(node->data(), 0, round_up(data_bytes_, 4));
        std::memcpy(node->data(), p.data, data_bytes_);
        if (value != nullptr) std::memcpy(value_of(node), value, definition().value_size);
        return node;
    }

    /// Down to where the prefix is, or would be put.
    place find(const prefix &p) noexcept {
        place at{.slot = &root_};
        while ((at.node = at.slot->load(std::memory_order_relaxed)) != nullptr) {
            at.common = common_bits(at.node->prefix(), p);
            if (at.common != at.node->length or at.node->length == p.length) break;
            at.parent_slot = at.slot;
            at.parent = at.node;
            at.slot = &at.node->child[p.bit(at.node->length)];
        }
        return at;
    }

    [[nodiscard]] int count_one_more(uint64_t flags) noexcept {
        if (flags == update_exist) return -ENOENT;
        if (entries_ == definition().max_entries) return -ENOSPC;
        ++entries_;
        return 0;
    }

    int add(trie_node *fresh, uint64_t flags) noexcept {
        const place at = find(fresh->prefix());
        trie_node *const node = at.node;
        const bool same = node != nullptr and at.common == node->length;
        if (same and not node->is_branch.load(std::memory_order_relaxed)) {
            if (flags == update_noexist) return -EEXIST;
        } else if (const int failed = count_one_more(flags)) {
            return failed;
        }
        if (node == nullptr) {
            at.slot->store(fresh, std::memory_order_release);
            return 0;
        }
        return same ? put_in_place_of(at, fresh) : put_above(at, fresh);
    }

    /// Gives the node back once nobody looks at it any more.
    void retire_node(trie_node *node) noexcept {
        retire(
            node, [](void *n, void *pool) { static_cast<node_pool *>(pool)->give(n); },
            nodes_.get());
    }

    int put_in_place_of(const place &at, trie_node *fresh) noexcept {
        for (unsigned bit = 0; bit < 2; ++bit)
            fresh->child[bit].store(at.node->get(bit), std::memory_order_relaxed);
        at.slot->store(fresh, std::memory_order_release);
        retire_node(at.node);
        return 0;
    }

    /// The old node becomes a child of the new one, or both become children of a branch.
    int put_above(const place &at, trie_node *fresh) noexcept {
        trie_node *top = fresh;
        if (at.common != fresh->length) {
            top = make_node({at.common, at.node->data()}, nullptr);
            if (top == nullptr) {
                --entries_;
                return -ENOMEM;
            }
            top->child[fresh->prefix().bit(at.common)].store(fresh, std::memory_order_relaxed);
        }
        top->child[at.node->prefix().bit(at.common)].store(at.node, std::memory_order_relaxed);
        at.slot->store(top, std::memory_order_release);
        return 0;
    }

    void take_out(const place &at) noexcept {
        trie_node *const left = at.node->get(0);
        trie_node *const right = at.node->get(1);
        if (left != nullptr and right != nullptr) {
            at.node->is_branch.store(true, std::memory_order_release);
            return;
        }
        const bool is_leaf = left == nullptr and right == nullptr;
        if (is_leaf and at.parent != nullptr and
            at.parent->is_branch.load(std::memory_order_relaxed)) {
            // A branch with one child left is none.
            const unsigned other = at.slot == &at.parent->child[0] ? 1 : 0;
            at.parent_slot->store(at.parent->get(other), std::memory_order_release);
            retire_node(at.parent);
        } else {
            at.slot->store(left != nullptr ? left : right, std::memory_order_release);
        }
        retire_node(at.node);
    }

    /// Entries come in post-order: more specific ones before those that contain them.
    static trie_node *first_below(trie_node *node) noexcept {
        trie_node *found = nullptr;
        while (node != nullptr) {
            if (not node->is_branch.load(std::memory_order_acquire)) found = node;
            trie_node *const left = node->get(0);
            node = left != nullptr ? left : node->get(1);
        }
        return found;
    }

    /// What follows an entry is below the nearest node on the way to it that the way leaves to the
    /// left, on its right; or it is that node, if nothing is there.
    [[nodiscard]] trie_node *entry_after(const prefix &p) const noexcept {
        trie_node *const root = root_.load(std::memory_order_acquire);
        trie_node *beside = nullptr;
        trie_node *above = nullptr;
        for (trie_node *node = p.length > most_bits() ? nullptr : root; node != nullptr;) {
            if (common_bits(node->prefix(), p) != node->length) break;
            const bool is_entry = not node->is_branch.load(std::memory_order_acquire);
            if (node->length == p.length) {
                if (not is_entry) break;
                return beside != nullptr ? first_below(beside) : above;
            }
            const unsigned bit = p.bit(node->length);
            trie_node *const right = bit == 0 ? node->get(1) : nullptr;
            if (right != nullptr or is_entry) {
                beside = right;
                above = node;
            }
            node = node->get(bit);
        }
        return first_below(root);
    }

    int host_next_key(const void *key, void *next) const noexcept override {
        trie_node *const found = key == nullptr ? first_below(root_.load(std::memory_order_acquire))
                                                : entry_after(prefix::of_key(key));
        if (found == nullptr) return -ENOENT;
        const uint32_t length = found->length;
        std::memcpy(next, &length, sizeof length);
        std::memcpy(static_cast<uint8_t *>(next) + sizeof length, found->data(), data_bytes_);
        return 0;
    }

    void destroy_below(trie_node *node) noexcept {
        if (node == nullptr) return;
        destroy_below(node->get(0));
        destroy_below(node->get(1));
        nodes_->give(node);
    }

    const uint32_t data_bytes_;
    const node_pool::handle nodes_;
    link root_ = nullptr;
    spin_lock lock_;
    uint32_t entries_ = 0;
};

template <uint32_t Words>
class lpm_trie_of final : public lpm_trie {
public:
    using lpm_trie::lpm_trie;
    void *lookup_elem(const void *key) noexcept override { return find_longest<Words>(key); }
};

}  // namespace

map_ptr make_lpm_trie(const map_definition &d) {
    switch (lpm_trie::data_bytes_of(d)) {
    case 4: return std::make_shared<lpm_trie_of<1>>(d);   // IPv4
    case 16: return std::make_shared<lpm_trie_of<4>>(d);  // IPv6
    default: return std::make_shared<lpm_trie_of<0>>(d);
    }
}

}  // namespace bpftime::vm::runtime
