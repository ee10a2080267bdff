// bpftime-vm: maps of local storage: values that go when what they belong to goes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "runtime/map.hpp"
#include "runtime/storage_owner.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace bpftime::vm::runtime {

struct storage_owner::record {
    owner_kind kind;
    uint64_t word;
    uint32_t number = 0;
    std::atomic<bool> is_gone = false;
};
using owner_record = storage_owner::record;

/// The one that programs know by the word; null if there is none of the kind.
[[nodiscard]] std::shared_ptr<owner_record> find_owner(owner_kind kind, uint64_t word) noexcept;
/// The one with the number, of any kind; null if there is none.
[[nodiscard]] std::shared_ptr<owner_record> find_owner(uint32_t number) noexcept;

/// Programs reach values by the helpers of their kind alone.
class storage_map final : public map {
public:
    explicit storage_map(const map_definition &definition);
    ~storage_map() override;

    [[nodiscard]] owner_kind kind() const noexcept { return kind_; }
    /// An owner's value, which stays until the run or read_section ends; null if it has none.
    [[nodiscard]] void *find(const owner_record &owner) noexcept;
    /// The same; if there is none, a new one that is a copy of `initial`, or zeros if that is null.
    /// Null if there is no memory for it.
    [[nodiscard]] void *find_or_add(const owner_record &owner, const void *initial) noexcept;
    /// 0 or -ENOENT.
    int remove(const owner_record &owner) noexcept;

    /// Values that nobody finds any more, to be freed once all locks have been given back.
    struct value_chain;
    /// Takes the value of an owner that is gone out, in front of `others`.
    void forget(const owner_record &owner, std::unique_ptr<value_chain> &others) noexcept;

private:
    using value_ptr = std::unique_ptr<value_chain>;
    struct alignas(64) shard {
        std::mutex lock;
        std::unordered_map<uint32_t, value_ptr> values;  ///< by number of owner
    };
    static constexpr std::size_t shard_count = 64;

    [[nodiscard]] shard &shard_of(const owner_record &owner) noexcept {
        return shards_[owner.number % shard_count];
    }
    [[nodiscard]] value_ptr make_value(const void *initial) const;
    [[nodiscard]] static void *find_in(const shard &s, const owner_record &owner) noexcept;
    int put(const owner_record &owner, const void *value, uint64_t flags);
    [[nodiscard]] std::shared_ptr<owner_record> owner_at(const void *key) const noexcept;
    [[nodiscard]] int missing_owner(const void *key) const noexcept;

    void *host_find(const void *key) noexcept override;
    int host_lookup(const void *key, void *value) noexcept override;
    int host_update(const void *key, const void *value, uint64_t flags) noexcept override;
    int host_delete(const void *key) noexcept override;
    int host_next_key(const void *key, void *next) const noexcept override;

    const owner_kind kind_;
    std::array<shard, shard_count> shards_;
};

/// The map as one of local storage; null if it is none.
[[nodiscard]] storage_map *as_storage_map(map *m) noexcept;

}  // namespace bpftime::vm::runtime
