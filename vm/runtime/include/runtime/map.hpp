// bpftime-vm: maps: what programs and their host share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "ebpf-types.h"
#include "isa/error.hpp"
#include "program/map.hpp"
#include "program/region.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bpftime::vm::runtime {

class map_memory;
class timer_list;
class value_layout;

/// How an update treats what is there, with the kernel's values.
enum update_flag : uint64_t {
    update_any = 0,
    update_noexist = 1,
    update_exist = 2,
    update_lock = 4,
};

/// The kernel's ENOTSUPP, which libc does not know.
inline constexpr int not_supported = 524;

/// Whether keys have a value for each CPU.
[[nodiscard]] constexpr bool is_percpu(map_type type) noexcept {
    return type == map_type::percpu_array or type == map_type::percpu_hash or
           type == map_type::lru_percpu_hash or type == map_type::percpu_cgroup_storage;
}

/// What a lookup of many entries gives.
struct map_batch {
    std::vector<uint8_t> keys;
    std::vector<uint8_t> values;
    std::size_t count = 0;
    /// Key to go on from; empty at the end.
    std::vector<uint8_t> next;
};

/// A value of a map, and its key.
struct value_place {
    void *value = nullptr;
    std::vector<uint8_t> key;
};

/// Is told of values that are gone: deleted, or replaced.
class value_watcher {
public:
    virtual ~value_watcher() = default;
    virtual void forget(const void *value, std::size_t size) noexcept = 0;
};

/// A map, with the kernel's meaning of each operation. All of it may be called from any number of
/// threads at once.
class map {
public:
    /// A new map. Refuses what the kernel refuses: `error::kernel_errno` is its errno. Maps of maps
    /// take maps that are like `inner`.
    [[nodiscard]] static result<std::shared_ptr<map>> create(
        const map_definition &definition, const std::shared_ptr<map> &inner = nullptr);
    /// Whether there are maps of the type.
    [[nodiscard]] static bool is_supported(map_type type) noexcept;

    // --- maps in files
    //
    // A pinned map is a file: every process that opens it has the same map. Deleting the file
    // takes the name away, not the map from those who have it. Files are untrusted, and so is who
    // else writes to them: what is read there is checked each time. At worst a map has other
    // entries than one put in, or makes one wait; see the README for the rest.

    /// Fills a new map before anybody else can open it.
    using filler = std::function<result<void>(map &)>;
    /// Whether maps of the type can be pinned.
    [[nodiscard]] static bool can_be_pinned(map_type type) noexcept;
    /// A new map that is the file `path`, which must not be there yet (EEXIST).
    [[nodiscard]] static result<std::shared_ptr<map>> create_pinned(
        const map_definition &definition, const std::string &path, const filler &fill = {});
    /// The map that is the file `path`, with the definition that it was made with.
    [[nodiscard]] static result<std::shared_ptr<map>> open_pinned(const std::string &path);
    /// The map that is there, if it is as the definition says (EINVAL), or a new one.
    [[nodiscard]] static result<std::shared_ptr<map>> open_or_create_pinned(
        const map_definition &definition, const std::string &path, const filler &fill = {});

    virtual ~map();
    map(const map &) = delete;
    map &operator=(const map &) = delete;

    [[nodiscard]] const map_definition &definition() const noexcept { return definition_; }
    /// A number that no other map of this process has, from 1 on.
    [[nodiscard]] uint32_t id() const noexcept { return id_; }

    // --- for programs, and for hosts that hold a read_section
    //
    // Keys and values are as large as the definition says, and memory of the caller. Results are 0
    // or a negative errno.

    /// Where the value is (per-CPU maps: that of the calling thread's CPU); null if there is none.
    /// It stays there until the run, or read_section, ends.
    [[nodiscard]] virtual void *lookup_elem(const void *key) noexcept;
    [[nodiscard]] virtual void *lookup_percpu_elem(const void *key, uint32_t cpu) noexcept;
    virtual int update_elem(const void *key, const void *value, uint64_t flags) noexcept;
    virtual int delete_elem(const void *key) noexcept;
    virtual int push_elem(const void *value, uint64_t flags) noexcept;
    virtual int pop_elem(void *value) noexcept;
    virtual int peek_elem(void *value) noexcept;

    /// What one step of for_each_elem() is to do; true ends it.
    using visitor = bool (*)(void *context, const void *key, void *value);
    /// Visits all entries in some order; the number of visits or a negative errno. Where others add
    /// and delete meanwhile, an entry may be missed or come twice, as in the kernel.
    virtual int64_t for_each_elem(visitor visit, void *context) noexcept;

    /// What programs may do with values, as BPF_F_RDONLY_PROG and BPF_F_WRONLY_PROG say.
    [[nodiscard]] permission program_access() const noexcept;
    /// What checks of helper calls need to know of the map.
    [[nodiscard]] const ebpf_map_shape &shape() const noexcept { return shape_; }
    /// What lookup_elem() gives is a value, and not another object of the host's: object_map.
    [[nodiscard]] bool gives_values() const noexcept { return gives_values_; }
    /// It gives and takes sockets.
    [[nodiscard]] bool gives_sockets() const noexcept;

    // --- timers in values

    /// Null: values have none.
    [[nodiscard]] timer_list *timers() const noexcept { return timers_.get(); }
    /// The value that the byte at `place` is in; nothing if that is in none which the map has now.
    [[nodiscard]] virtual std::optional<value_place> locate(const void *place) const;

    /// From now on it is told, as long as it lives.
    void add_watcher(const std::shared_ptr<value_watcher> &watcher);

    // --- for the host: the commands of bpf(2)
    //
    // Values of per-CPU maps are those of all CPUs, each rounded up to 8 bytes. Errors carry the
    // kernel's errno in `error::kernel_errno`.

    /// Bytes of a value for the functions below.
    [[nodiscard]] std::size_t host_value_size() const noexcept { return host_value_size_; }

    result<void> lookup(std::span<const uint8_t> key, std::span<uint8_t> value, uint64_t flags = 0);
    [[nodiscard]] result<std::vector<uint8_t>> lookup(std::span<const uint8_t> key);
    result<void> update(std::span<const uint8_t> key, std::span<const uint8_t> value,
                        uint64_t flags = update_any);
    result<void> remove(std::span<const uint8_t> key);
    /// Bytes of an array's value, or of an arena, from `offset` on; programs may use the others
    /// meanwhile. Numbers that are aligned in the value are read and written as one. Of other maps:
    /// unsupported.
    result<void> read_part(std::span<const uint8_t> key, std::size_t offset,
                           std::span<uint8_t> bytes);
    result<void> write_part(std::span<const uint8_t> key, std::size_t offset,
                            std::span<const uint8_t> bytes);
    result<void> lookup_and_delete(std::span<const uint8_t> key, std::span<uint8_t> value,
                                   uint64_t flags = 0);
    /// The key after `key`; the first if that is empty or not in the map. EUCLEAN: another process
    /// has damaged the map, so that it would go on for ever.
    [[nodiscard]] result<std::vector<uint8_t>> next_key(std::span<const uint8_t> key) const;
    /// The same for maps whose entries are those of this one: 0 or a negative errno. `key` is null
    /// for the first.
    int next_elem(const void *key, void *next) const noexcept;
    /// What a queue or a stack holds, the oldest value first; all of it stays there. Of other maps:
    /// EOPNOTSUPP.
    [[nodiscard]] result<std::vector<std::vector<uint8_t>>> queued_values() const;
    /// From now on the host cannot change the map.
    result<void> freeze();

    /// Up to `most` entries from after the key `from` on; from the first if that is empty.
    [[nodiscard]] result<map_batch> lookup_batch(std::span<const uint8_t> from, std::size_t most);
    result<map_batch> lookup_and_delete_batch(std::size_t most);
    /// One entry after the other; how many, or the first error.
    result<std::size_t> update_batch(std::span<const uint8_t> keys, std::span<const uint8_t> values,
                                     uint64_t flags = update_any);
    result<std::size_t> delete_batch(std::span<const uint8_t> keys);

protected:
    /// `host_value_size`: 0 for that of the definition.
    explicit map(const map_definition &definition, std::size_t host_value_size = 0);

    // What the commands do once their arguments were checked; 0 or a negative errno.
    /// The value that the host means; null if there is none.
    [[nodiscard]] virtual void *host_find(const void *key) noexcept { return lookup_elem(key); }
    virtual int host_lookup(const void *key, void *value) noexcept;
    /// The same while nobody else holds the value's lock.
    int host_lookup_locked(const void *key, void *value) noexcept;
    virtual int host_update(const void *key, const void *value, uint64_t flags) noexcept;
    virtual int host_delete(const void *key) noexcept;
    virtual int host_lookup_and_delete(const void *key, void *value) noexcept;
    /// Appends one after the other.
    virtual int host_queued_values(std::vector<uint8_t> &values) const;
    /// `key` is null for the first.
    virtual int host_next_key(const void *key, void *next) const noexcept;

    /// For constructors: keys are the indices of the values from `first` on, `stride` bytes apart.
    void set_indexed(const void *first, std::size_t stride) noexcept;

    /// For constructors of maps that no other process has: how native code finds values.
    void set_probe(const ebpf_map_probe &probe);

    /// For constructors: programs use an arena, which lives as long as the map.
    void set_arena(const ebpf_arena *arena) noexcept { shape_.arena = arena; }
    /// For constructors of maps that can be pinned: what all processes know of a map is there.
    void share(const map_memory &memory) noexcept;
    /// Whether what other processes wrote to the map's memory can be used.
    [[nodiscard]] virtual bool is_sound() const noexcept { return true; }

    [[nodiscard]] error fail(int negative_errno, const char *operation) const;
    /// What copies of values leave out; null: nothing.
    [[nodiscard]] const value_layout *layout() const noexcept { return layout_.get(); }
    /// Whether values have locks.
    [[nodiscard]] bool has_locks() const noexcept;
    /// Copies to a value while nobody else holds its lock; 0 or a negative errno.
    int update_locked(void *value, const void *from) noexcept;
    /// A value is deleted, or replaced: its timers are gone, and what others keep for it.
    void forget_fields(const void *value) noexcept {
        if (timers_ != nullptr or is_watched_.load(std::memory_order_acquire))
            forget_known_fields(value);
    }
    /// Where the lock of a value is; null: values have none.
    [[nodiscard]] const void *lock_of(const void *value) const noexcept;

    /// Whether flags of the map, or freeze(), forbid the host to do it: 0 or -EPERM.
    [[nodiscard]] int check_access(permission wanted) const noexcept;

private:
    void forget_known_fields(const void *value) noexcept;
    [[nodiscard]] int check_key(std::span<const uint8_t> key) const noexcept;
    [[nodiscard]] int try_lookup(std::span<const uint8_t> key, std::span<uint8_t> value,
                                 uint64_t flags) noexcept;
    [[nodiscard]] int try_update(std::span<const uint8_t> key, std::span<const uint8_t> value,
                                 uint64_t flags) noexcept;
    [[nodiscard]] int try_delete(std::span<const uint8_t> key) noexcept;
    [[nodiscard]] int try_take(std::span<const uint8_t> key, std::span<uint8_t> value,
                               uint64_t flags) noexcept;
    [[nodiscard]] int find_part(std::span<const uint8_t> key, std::size_t offset, std::size_t size,
                                permission wanted, uint8_t *&part) noexcept;

    const map_definition definition_;
    const std::size_t host_value_size_;
    const bool gives_values_;
    ebpf_map_shape shape_;
    std::unique_ptr<const ebpf_map_probe> probe_;
    const std::unique_ptr<const value_layout> layout_;
    const std::unique_ptr<timer_list> timers_;
    const uint32_t id_;
    std::atomic<bool> is_watched_ = false;
    std::mutex watchers_lock_;
    std::vector<std::weak_ptr<value_watcher>> watchers_;
    std::atomic<uint32_t> own_frozen_ = 0;
    std::atomic<uint32_t> *frozen_ = &own_frozen_;  ///< or that of the file
};

}  // namespace bpftime::vm::runtime
