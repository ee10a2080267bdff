// bpftime-vm: making maps, and what the commands of bpf(2) do for every type
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/map.hpp"

#include "check_definition.hpp"
#include "compat/map_probe.hpp"
#include "map_types.hpp"
#include "runtime/arena.hpp"
#include "runtime/read_section.hpp"
#include "shared_bytes.hpp"
#include "timer_list.hpp"
#include "value_layout.hpp"
#include "value_lock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

namespace bpftime::vm::runtime {

namespace {

// --- errors

struct errno_row {
    int number;
    const char *name;
    error_code code;
    const char *meaning;
};

constexpr auto errno_rows = std::to_array<errno_row>({
    {EINVAL, "EINVAL", error_code::invalid_argument, "an argument does not fit the map"},
    {EPERM, "EPERM", error_code::invalid_argument, "the map is frozen or its flags forbid this"},
    {EACCES, "EACCES", error_code::invalid_argument, "its flags do not go with fields of values"},
    {ENOENT, "ENOENT", error_code::not_found, "there is no such entry"},
    {EEXIST, "EEXIST", error_code::already_exists, "the entry is there already"},
    {E2BIG, "E2BIG", error_code::limit_exceeded, "the map is full, or the index or size too large"},
    {ERANGE, "ERANGE", error_code::invalid_argument, "its addresses cross a multiple of 4 GiB"},
    {ENOSPC, "ENOSPC", error_code::limit_exceeded, "the map is full"},
    {ENOMEM, "ENOMEM", error_code::out_of_memory, "there is not enough memory"},
    {EBUSY, "EBUSY", error_code::limit_exceeded, "the map is in use"},
    {ENODEV, "ENODEV", error_code::not_found, "there is no such device or CPU"},
    {EOVERFLOW, "EOVERFLOW", error_code::limit_exceeded, "the value is too large"},
    {EBADF, "EBADF", error_code::invalid_argument,
     "a number names no object of the host: give the map the object"},
    {ENOTSOCK, "ENOTSOCK", error_code::invalid_argument, "the number is not that of a socket"},
    {EUCLEAN, "EUCLEAN", error_code::invalid_argument, "another process has damaged the map"},
    {EOPNOTSUPP, "EOPNOTSUPP", error_code::unsupported, "maps of this type cannot do it"},
    {not_supported, "ENOTSUPP", error_code::unsupported, "maps of this type cannot do it"},
});

error kernel_error(int negative_errno, std::string_view what) {
    const auto row = std::ranges::find(errno_rows, -negative_errno, &errno_row::number);
    if (row == errno_rows.end())
        return make_error(error_code::internal, fmt::format("{}: errno {}", what, -negative_errno));
    error e = make_error(row->code, fmt::format("{}: {} ({})", what, row->meaning, row->name));
    e.kernel_errno = row->number;
    return e;
}

// --- making maps

struct maker_row {
    map_type type;
    map_ptr (*make)(const map_definition &);
};

constexpr auto makers = std::to_array<maker_row>({
    {map_type::prog_array, make_object_array},
    {map_type::perf_event_array, make_object_array},
    {map_type::stack_trace, make_stack_trace},
    {map_type::cgroup_array, make_object_array},
    {map_type::lpm_trie, make_lpm_trie},
    {map_type::devmap, make_devmap},
    {map_type::cpumap, make_cpumap},
    {map_type::xskmap, make_xskmap},
    {map_type::sockmap, make_socket_array},
    {map_type::sockhash, make_socket_hash},
    {map_type::cgroup_storage, make_cgroup_storage},
    {map_type::reuseport_sockarray, make_socket_array},
    {map_type::percpu_cgroup_storage, make_cgroup_storage},
    {map_type::sk_storage, make_storage},
    {map_type::devmap_hash, make_devmap_hash},
    {map_type::inode_storage, make_storage},
    {map_type::task_storage, make_storage},
    {map_type::user_ringbuf, make_user_ring_buffer},
    {map_type::cgrp_storage, make_storage},
    {map_type::arena, make_arena},
});

constexpr auto pinnable_types = std::to_array<pinnable_type>({
    {map_type::hash, bytes_of_hash, make_hash},
    {map_type::array, bytes_of_array, make_array},
    {map_type::percpu_hash, bytes_of_hash, make_hash},
    {map_type::percpu_array, bytes_of_percpu_array, make_percpu_array},
    {map_type::lru_hash, bytes_of_hash, make_hash},
    {map_type::lru_percpu_hash, bytes_of_hash, make_hash},
    {map_type::lpm_trie, bytes_of_pinned_trie, make_pinned_trie},
    {map_type::queue, bytes_of_queue, make_queue},
    {map_type::stack, bytes_of_queue, make_queue},
    {map_type::bloom_filter, bytes_of_bloom_filter, make_bloom_filter},
    {map_type::ringbuf, bytes_of_ring_buffer, make_ring_buffer},
});

/// Its name, or its number where there is none.
std::string type_text(map_type type) {
    const bool is_known = type != map_type::unspec and name_of(type) != "unknown";
    return is_known ? std::string{name_of(type)} : std::to_string(static_cast<uint32_t>(type));
}

bool holds_maps(map_type type) noexcept {
    return type == map_type::array_of_maps or type == map_type::hash_of_maps;
}

error no_inner_map(const map_definition &d, const map *inner) {
    auto e = make_error(error_code::invalid_argument,
                        fmt::format("map {} of type {}: {}", d.name, type_text(d.type),
                                    inner == nullptr ? "a map of maps needs an inner map to be like"
                                                     : "an inner map is no map of maps"));
    e.kernel_errno = inner == nullptr ? EBADF : EINVAL;
    return e;
}

result<map_ptr> make_map_of_maps(const map_definition &d, const map_ptr &inner) {
    if (inner == nullptr or holds_maps(inner->definition().type))
        return std::unexpected{no_inner_map(d, inner.get())};
    return d.type == map_type::array_of_maps ? make_map_array(d, inner) : make_map_hash(d, inner);
}

map_ptr make_in_own_memory(const pinnable_type &row, const map_definition &d) {
    const std::size_t twice = row.twice(d);
    map_memory memory = twice == 0 ? map_memory{row.bytes(d)} : map_memory{row.bytes(d), twice};
    return memory ? row.make(d, std::move(memory)) : nullptr;
}

result<map_ptr> make_plain(const map_definition &d) {
    // What is in both tables is made otherwise where no other process has it.
    const auto row = std::ranges::find(makers, d.type, &maker_row::type);
    if (row != makers.end()) return row->make(d);
    if (const pinnable_type *const type = find_pinnable(d.type))
        return make_in_own_memory(*type, d);
    return std::unexpected{kernel_error(
        -not_supported, fmt::format("making map {} of type {}", d.name, type_text(d.type)))};
}

bool has_timers(const map_definition &d) noexcept {
    return std::ranges::find(d.fields, value_field::kind::timer, &value_field::what) !=
           d.fields.end();
}

bool has_values(map_type type) noexcept {
    switch (type) {
    case map_type::prog_array:
    case map_type::perf_event_array:
    case map_type::cgroup_array:
    case map_type::array_of_maps:
    case map_type::hash_of_maps: return false;
    default: return true;
    }
}

/// How many keys of a batch may be gone when one looks at them. More than others can delete in the
/// meantime: then the memory is damaged.
constexpr std::size_t most_misses = 1U << 16;

std::atomic<uint32_t> last_id = 0;

}  // namespace

result<map_ptr> map::create(const map_definition &definition, const map_ptr &inner) {
    const auto refuse = [&](int number) {
        return std::unexpected{kernel_error(
            number,
            fmt::format("making map {} of type {}", definition.name, type_text(definition.type)))};
    };
    if (const int failed = check_definition(definition)) return refuse(failed);
    auto made =
        holds_maps(definition.type) ? make_map_of_maps(definition, inner) : make_plain(definition);
    if (made and *made == nullptr) return refuse(-ENOMEM);
    return made;
}

const pinnable_type *find_pinnable(map_type type) noexcept {
    const auto row = std::ranges::find(pinnable_types, type, &pinnable_type::type);
    return row == pinnable_types.end() ? nullptr : &*row;
}

bool map::is_supported(map_type type) noexcept {
    return holds_maps(type) or find_pinnable(type) != nullptr or
           std::ranges::find(makers, type, &maker_row::type) != makers.end();
}

map::map(const map_definition &definition, std::size_t host_value_size)
    : definition_{definition},
      host_value_size_{host_value_size == 0 ? definition.value_size : host_value_size},
      gives_values_{has_values(definition.type)},
      shape_{.key_size = definition.key_size,
             .value_size = definition.value_size,
             .result_size = gives_values_ and not gives_sockets() ? definition.value_size : 0,
             .permission = static_cast<uint32_t>(program_access()),
             .value_stride = 0,
             .index_count = 0,
             .values = 0,
             .arena = nullptr,
             .is_constant = 0,
             .probe = nullptr},
      layout_{definition.fields.empty() ? nullptr
                                        : std::make_unique<const value_layout>(definition)},
      timers_{has_timers(definition) ? std::make_unique<timer_list>() : nullptr},
      id_{last_id.fetch_add(1, std::memory_order_relaxed) + 1} {}

map::~map() = default;

void map::set_indexed(const void *first, std::size_t stride) noexcept {
    if (stride > std::numeric_limits<uint32_t>::max()) return;
    shape_.value_stride = static_cast<uint32_t>(stride);
    shape_.index_count = definition_.max_entries;
    shape_.values = reinterpret_cast<uint64_t>(first);
}

void map::set_probe(const ebpf_map_probe &probe) {
    if (probe.cpus.stride != 0 and probe.cpus.cpu == nullptr) return;
    probe_ = std::make_unique<const ebpf_map_probe>(probe);
    shape_.probe = probe_.get();
}

void map::share(const map_memory &memory) noexcept {
    if (memory.file() != nullptr) frozen_ = &memory.file()->state().frozen;
}

error map::fail(int negative_errno, const char *operation) const {
    return kernel_error(negative_errno, fmt::format("{} map {}", operation, definition_.name));
}

// --- what a type of map need not have

void *map::lookup_elem(const void * /*key*/) noexcept { return nullptr; }
void *map::lookup_percpu_elem(const void * /*key*/, uint32_t /*cpu*/) noexcept { return nullptr; }
int map::update_elem(const void * /*key*/, const void * /*value*/, uint64_t /*flags*/) noexcept {
    return -EINVAL;
}
int map::delete_elem(const void * /*key*/) noexcept { return -EINVAL; }
int map::push_elem(const void * /*value*/, uint64_t /*flags*/) noexcept { return -EOPNOTSUPP; }
int map::pop_elem(void * /*value*/) noexcept { return -EOPNOTSUPP; }
int map::peek_elem(void * /*value*/) noexcept { return -EOPNOTSUPP; }
int64_t map::for_each_elem(visitor /*visit*/, void * /*context*/) noexcept { return -EOPNOTSUPP; }

bool map::gives_sockets() const noexcept {
    switch (definition_.type) {
    case map_type::sockmap:
    case map_type::sockhash:
    case map_type::reuseport_sockarray: return true;
    default: return false;
    }
}

permission map::program_access() const noexcept {
    if ((definition_.flags & map_rdonly_prog) != 0) return permission::read;
    if ((definition_.flags & map_wronly_prog) != 0) return permission::write;
    return permission::read_write;
}

int map::host_lookup(const void *key, void *value) noexcept {
    const void *const found = host_find(key);
    if (found == nullptr) return -ENOENT;
    load_value(layout(), value, found, host_value_size_);
    return 0;
}

int map::host_lookup_locked(const void *key, void *value) noexcept {
    const void *const found = host_find(key);
    if (found == nullptr) return -ENOENT;
    const scoped_value_lock lock{lock_of(found)};
    if (not lock.owns()) return -EBUSY;
    load_value(layout(), value, found, host_value_size_);
    return 0;
}

int map::update_locked(void *value, const void *from) noexcept {
    if (not has_locks()) return -EINVAL;
    const scoped_value_lock lock{lock_of(value)};
    if (not lock.owns()) return -EBUSY;
    layout_->store(value, from);
    return 0;
}

const void *map::lock_of(const void *value) const noexcept {
    if (layout_ == nullptr or not layout_->lock_offset()) return nullptr;
    return static_cast<const uint8_t *>(value) + *layout_->lock_offset();
}

std::optional<value_place> map::locate(const void * /*place*/) const { return {}; }

void map::forget_known_fields(const void *value) noexcept {
    if (timers_ != nullptr) timers_->forget(value, definition_.value_size);
    if (not is_watched_.load(std::memory_order_acquire)) return;
    const std::lock_guard guard{watchers_lock_};
    for (const std::weak_ptr<value_watcher> &w : watchers_) {
        if (const auto watcher = w.lock()) watcher->forget(value, host_value_size_);
    }
}

void map::add_watcher(const std::shared_ptr<value_watcher> &watcher) {
    const std::lock_guard guard{watchers_lock_};
    std::erase_if(watchers_, [](const auto &w) { return w.expired(); });
    watchers_.push_back(watcher);
    is_watched_.store(true, std::memory_order_release);
}

bool map::has_locks() const noexcept { return layout_ != nullptr and layout_->lock_offset(); }

int map::host_update(const void *key, const void *value, uint64_t flags) noexcept {
    return update_elem(key, value, flags);
}

int map::host_delete(const void *key) noexcept { return delete_elem(key); }
int map::host_lookup_and_delete(const void * /*key*/, void * /*value*/) noexcept {
    return -not_supported;
}
int map::host_next_key(const void * /*key*/, void * /*next*/) const noexcept { return -EOPNOTSUPP; }
int map::host_queued_values(std::vector<uint8_t> & /*values*/) const { return -EOPNOTSUPP; }

// --- checks before the commands

int map::check_access(permission wanted) const noexcept {
    auto granted = permission::read_write;
    if ((definition_.flags & map_rdonly) != 0) granted = permission::read;
    if ((definition_.flags & map_wronly) != 0) granted = permission::write;
    if (not allows(granted, wanted)) return -EPERM;
    return allows_write(wanted) and frozen_->load(std::memory_order_acquire) != 0 ? -EPERM : 0;
}

int map::check_key(std::span<const uint8_t> key) const noexcept {
    return key.size() == definition_.key_size ? 0 : -EINVAL;
}

int map::try_lookup(std::span<const uint8_t> key, std::span<uint8_t> value,
                    uint64_t flags) noexcept {
    if (const int refused = check_access(permission::read)) return refused;
    const bool locks = flags == update_lock and has_locks();
    if ((flags != 0 and not locks) or check_key(key) != 0 or value.size() != host_value_size_)
        return -EINVAL;
    const read_section reading;
    return locks ? host_lookup_locked(key.data(), value.data())
                 : host_lookup(key.data(), value.data());
}

int map::try_update(std::span<const uint8_t> key, std::span<const uint8_t> value,
                    uint64_t flags) noexcept {
    if (const int refused = check_access(permission::write)) return refused;
    if ((flags & update_lock) != 0 and not has_locks()) return -EINVAL;
    if (check_key(key) != 0 or value.size() != host_value_size_) return -EINVAL;
    const read_section reading;
    return host_update(key.data(), value.data(), flags);
}

int map::try_delete(std::span<const uint8_t> key) noexcept {
    if (const int refused = check_access(permission::write)) return refused;
    if (const int refused = check_key(key)) return refused;
    const read_section reading;
    return host_delete(key.data());
}

int map::try_take(std::span<const uint8_t> key, std::span<uint8_t> value, uint64_t flags) noexcept {
    if (flags != 0 and not(flags == update_lock and has_locks())) return -EINVAL;
    if (const int refused = check_access(permission::read_write)) return refused;
    if (check_key(key) != 0 or value.size() != host_value_size_) return -EINVAL;
    const read_section reading;
    return host_lookup_and_delete(key.data(), value.data());
}

/// Fields that only helpers may change are not for hosts to write.
int map::find_part(std::span<const uint8_t> key, std::size_t offset, std::size_t size,
                   permission wanted, uint8_t *&part) noexcept {
    if (const int refused = check_access(wanted)) return refused;
    if (definition_.type == map_type::arena) {
        part = static_cast<arena *>(this)->touch(offset, size);
        return part == nullptr ? -EINVAL : 0;
    }
    if (definition_.type != map_type::array) return -EOPNOTSUPP;
    if (check_key(key) != 0 or offset > definition_.value_size or
        size > definition_.value_size - offset)
        return -EINVAL;
    const auto overlaps = [&](const value_field &f) {
        return f.offset < offset + size and offset < std::size_t{f.offset} + f.size;
    };
    if (allows_write(wanted) and std::ranges::any_of(definition_.fields, overlaps)) return -EINVAL;
    auto *const value = static_cast<uint8_t *>(lookup_elem(key.data()));
    if (value == nullptr) return -ENOENT;
    part = value + offset;
    return 0;
}

// --- the commands

result<void> map::lookup(std::span<const uint8_t> key, std::span<uint8_t> value, uint64_t flags) {
    if (const int failed = try_lookup(key, value, flags))
        return std::unexpected{fail(failed, "lookup in")};
    return {};
}

result<std::vector<uint8_t>> map::lookup(std::span<const uint8_t> key) {
    std::vector<uint8_t> value(host_value_size_);
    if (const int failed = try_lookup(key, value, 0))
        return std::unexpected{fail(failed, "lookup in")};
    return value;
}

result<void> map::update(std::span<const uint8_t> key, std::span<const uint8_t> value,
                         uint64_t flags) {
    if (const int failed = try_update(key, value, flags))
        return std::unexpected{fail(failed, "update of")};
    return {};
}

result<void> map::remove(std::span<const uint8_t> key) {
    if (const int failed = try_delete(key)) return std::unexpected{fail(failed, "delete from")};
    return {};
}

result<void> map::read_part(std::span<const uint8_t> key, std::size_t offset,
                            std::span<uint8_t> bytes) {
    uint8_t *part = nullptr;
    if (const int failed = find_part(key, offset, bytes.size(), permission::read, part))
        return std::unexpected{fail(failed, "reading a part of")};
    load_part(bytes.data(), part, bytes.size());
    return {};
}

result<void> map::write_part(std::span<const uint8_t> key, std::size_t offset,
                             std::span<const uint8_t> bytes) {
    uint8_t *part = nullptr;
    if (const int failed = find_part(key, offset, bytes.size(), permission::write, part))
        return std::unexpected{fail(failed, "writing a part of")};
    store_part(part, bytes.data(), bytes.size());
    return {};
}

result<void> map::lookup_and_delete(std::span<const uint8_t> key, std::span<uint8_t> value,
                                    uint64_t flags) {
    if (const int failed = try_take(key, value, flags))
        return std::unexpected{fail(failed, "lookup and delete from")};
    return {};
}

result<std::vector<uint8_t>> map::next_key(std::span<const uint8_t> key) const {
    std::vector<uint8_t> next(definition_.key_size);
    int failed = check_access(permission::read);
    if (failed == 0 and not key.empty()) failed = check_key(key);
    if (failed == 0) failed = next_elem(key.empty() ? nullptr : key.data(), next.data());
    if (failed != 0) return std::unexpected{fail(failed, "next key of")};
    return next;
}

int map::next_elem(const void *key, void *next) const noexcept {
    const read_section reading;
    return host_next_key(key, next);
}

result<std::vector<std::vector<uint8_t>>> map::queued_values() const {
    std::vector<uint8_t> all;
    int failed = check_access(permission::read);
    if (failed == 0) failed = host_queued_values(all);
    if (failed != 0) return std::unexpected{fail(failed, "values of")};
    std::vector<std::vector<uint8_t>> values;
    for (auto at = all.begin(); at != all.end(); at += definition_.value_size)
        values.emplace_back(at, at + definition_.value_size);
    return values;
}

result<void> map::freeze() {
    const int refused = check_access(permission::write);
    if (refused != 0 or frozen_->exchange(1, std::memory_order_acq_rel) != 0)
        return std::unexpected{fail(-EPERM, "freezing")};
    // Other processes may write to the memory of a file, whatever it says.
    const bool is_own = frozen_ == &own_frozen_;
    if (is_own and program_access() == permission::read)
        __atomic_store_n(&shape_.is_constant, 1U, __ATOMIC_RELEASE);
    return {};
}

result<map_batch> map::lookup_batch(std::span<const uint8_t> from, std::size_t most) {
    map_batch batch;
    std::vector<uint8_t> value(host_value_size_);
    auto key = next_key(from);
    for (std::size_t misses = 0; key and batch.count < most; key = next_key(*key)) {
        batch.next = *key;
        if (const int failed = try_lookup(*key, value, 0)) {
            if (failed == -ENOENT and ++misses < most_misses) continue;
            return std::unexpected{fail(failed, "lookup of a batch in")};
        }
        batch.keys.insert(batch.keys.end(), key->begin(), key->end());
        batch.values.insert(batch.values.end(), value.begin(), value.end());
        ++batch.count;
    }
    if (not key) {
        if (key.error().kernel_errno != ENOENT) return std::unexpected{std::move(key.error())};
        batch.next.clear();
    }
    return batch;
}

result<map_batch> map::lookup_and_delete_batch(std::size_t most) {
    map_batch batch;
    std::vector<uint8_t> value(host_value_size_);
    for (std::size_t misses = 0; batch.count < most;) {
        const auto key = next_key({});
        if (not key and key.error().kernel_errno == ENOENT) break;
        const int failed = key ? try_take(*key, value, 0) : -key.error().kernel_errno;
        if (failed == -ENOENT and ++misses < most_misses) continue;
        if (failed != 0) return std::unexpected{fail(failed, "lookup and delete of a batch from")};
        batch.keys.insert(batch.keys.end(), key->begin(), key->end());
        batch.values.insert(batch.values.end(), value.begin(), value.end());
        ++batch.count;
    }
    return batch;
}

result<std::size_t> map::update_batch(std::span<const uint8_t> keys,
                                      std::span<const uint8_t> values, uint64_t flags) {
    const std::size_t key_size = definition_.key_size;
    const std::size_t count = key_size == 0 ? 0 : keys.size() / key_size;
    if (keys.size() != count * key_size or values.size() != count * host_value_size_)
        return std::unexpected{fail(-EINVAL, "update of a batch of")};
    for (std::size_t i = 0; i < count; ++i) {
        const auto key = keys.subspan(i * key_size, key_size);
        const auto value = values.subspan(i * host_value_size_, host_value_size_);
        if (const int failed = try_update(key, value, flags))
            return std::unexpected{fail(failed, "update of a batch of")};
    }
    return count;
}

result<std::size_t> map::delete_batch(std::span<const uint8_t> keys) {
    const std::size_t key_size = definition_.key_size;
    const std::size_t count = key_size == 0 ? 0 : keys.size() / key_size;
    if (keys.size() != count * key_size)
        return std::unexpected{fail(-EINVAL, "delete of a batch from")};
    for (std::size_t i = 0; i < count; ++i) {
        if (const int failed = try_delete(keys.subspan(i * key_size, key_size)))
            return std::unexpected{fail(failed, "delete of a batch from")};
    }
    return count;
}

}  // namespace bpftime::vm::runtime
