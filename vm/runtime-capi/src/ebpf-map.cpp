// bpftime-vm: the C API of maps
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "ebpf-map.h"

#include "boundary.hpp"
#include "handles.hpp"
#include "runtime/arena.hpp"
#include "runtime/cpu.hpp"
#include "runtime/object_map.hpp"
#include "runtime/ring_buffer.hpp"
#include "runtime/user_ring_buffer.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdlib>

using namespace bpftime::vm;
using namespace bpftime::vm::runtime_capi;
using runtime::object_map;
using runtime::ring_buffer;
using runtime::user_ring_buffer;

static_assert(EBPF_MAP_TYPE_HASH == static_cast<int>(map_type::hash));
static_assert(EBPF_MAP_TYPE_ARRAY == static_cast<int>(map_type::array));
static_assert(EBPF_MAP_TYPE_PROG_ARRAY == static_cast<int>(map_type::prog_array));
static_assert(EBPF_MAP_TYPE_PERF_EVENT_ARRAY == static_cast<int>(map_type::perf_event_array));
static_assert(EBPF_MAP_TYPE_PERCPU_HASH == static_cast<int>(map_type::percpu_hash));
static_assert(EBPF_MAP_TYPE_PERCPU_ARRAY == static_cast<int>(map_type::percpu_array));
static_assert(EBPF_MAP_TYPE_STACK_TRACE == static_cast<int>(map_type::stack_trace));
static_assert(EBPF_MAP_TYPE_CGROUP_ARRAY == static_cast<int>(map_type::cgroup_array));
static_assert(EBPF_MAP_TYPE_LRU_HASH == static_cast<int>(map_type::lru_hash));
static_assert(EBPF_MAP_TYPE_LRU_PERCPU_HASH == static_cast<int>(map_type::lru_percpu_hash));
static_assert(EBPF_MAP_TYPE_LPM_TRIE == static_cast<int>(map_type::lpm_trie));
static_assert(EBPF_MAP_TYPE_ARRAY_OF_MAPS == static_cast<int>(map_type::array_of_maps));
static_assert(EBPF_MAP_TYPE_HASH_OF_MAPS == static_cast<int>(map_type::hash_of_maps));
static_assert(EBPF_MAP_TYPE_DEVMAP == static_cast<int>(map_type::devmap));
static_assert(EBPF_MAP_TYPE_SOCKMAP == static_cast<int>(map_type::sockmap));
static_assert(EBPF_MAP_TYPE_CPUMAP == static_cast<int>(map_type::cpumap));
static_assert(EBPF_MAP_TYPE_XSKMAP == static_cast<int>(map_type::xskmap));
static_assert(EBPF_MAP_TYPE_SOCKHASH == static_cast<int>(map_type::sockhash));
static_assert(EBPF_MAP_TYPE_CGROUP_STORAGE == static_cast<int>(map_type::cgroup_storage));
static_assert(EBPF_MAP_TYPE_REUSEPORT_SOCKARRAY == static_cast<int>(map_type::reuseport_sockarray));
static_assert(EBPF_MAP_TYPE_PERCPU_CGROUP_STORAGE ==
              static_cast<int>(map_type::percpu_cgroup_storage));
static_assert(EBPF_MAP_TYPE_QUEUE == static_cast<int>(map_type::queue));
static_assert(EBPF_MAP_TYPE_STACK == static_cast<int>(map_type::stack));
static_assert(EBPF_MAP_TYPE_SK_STORAGE == static_cast<int>(map_type::sk_storage));
static_assert(EBPF_MAP_TYPE_DEVMAP_HASH == static_cast<int>(map_type::devmap_hash));
static_assert(EBPF_MAP_TYPE_RINGBUF == static_cast<int>(map_type::ringbuf));
static_assert(EBPF_MAP_TYPE_INODE_STORAGE == static_cast<int>(map_type::inode_storage));
static_assert(EBPF_MAP_TYPE_TASK_STORAGE == static_cast<int>(map_type::task_storage));
static_assert(EBPF_MAP_TYPE_BLOOM_FILTER == static_cast<int>(map_type::bloom_filter));
static_assert(EBPF_MAP_TYPE_USER_RINGBUF == static_cast<int>(map_type::user_ringbuf));
static_assert(EBPF_MAP_TYPE_CGRP_STORAGE == static_cast<int>(map_type::cgrp_storage));
static_assert(EBPF_MAP_TYPE_ARENA == static_cast<int>(map_type::arena));

static_assert(uint64_t{EBPF_UPDATE_ANY} == runtime::update_any);
static_assert(uint64_t{EBPF_UPDATE_NOEXIST} == runtime::update_noexist);
static_assert(uint64_t{EBPF_UPDATE_EXIST} == runtime::update_exist);
static_assert(uint64_t{EBPF_UPDATE_LOCK} == runtime::update_lock);

map_definition ebpf_map::definition() const {
    if (made != nullptr) return made->definition();
    map_definition d = file->maps()[index].definition;
    if (max_entries) d.max_entries = *max_entries;
    return reused == nullptr ? d : reused->definition();
}

runtime_json::map_types ebpf_map::types() const {
    if (file == nullptr) return {};
    const bool has_owner = owner != nullptr and owner->is_loaded();
    return runtime_json::map_types::of(*file, index, has_owner ? &*owner->loaded : nullptr);
}

error bpftime::vm::runtime_capi::not_made(const ebpf_map &map) {
    const bool is_loaded = map.owner != nullptr and map.owner->is_loaded();
    return make_error(error_code::not_found,
                      fmt::format("map '{}' is not there: {}", map.definition().name,
                                  is_loaded ? "no program that was loaded can reach it"
                                            : "its object is not loaded yet"));
}

namespace {

/// For functions of what is in a map: `body` gets it.
template <typename Body>
auto with_made(ebpf_map *map, Body &&body) noexcept {
    using value = std::invoke_result_t<Body, runtime::map &>;
    return with(map, "map", [&](ebpf_map &m) -> value {
        return m.made == nullptr ? failed<value>(not_made(m)) : body(*m.made);
    });
}

error wrong_type(const runtime::map &m, const char *wanted) {
    error e = make_error(error_code::unsupported,
                         fmt::format("map '{}' is a {}, not {}", m.definition().name,
                                     name_of(m.definition().type), wanted));
    e.kernel_errno = EOPNOTSUPP;
    return e;
}

error has_no_fd(const runtime::map &m) {
    error e = make_error(error_code::unsupported,
                         fmt::format("map '{}' is pinned, and has no file descriptor: "
                                     "ebpf_map_poll() waits for records of other processes",
                                     m.definition().name));
    e.kernel_errno = EOPNOTSUPP;
    return e;
}

template <typename Body>
auto with_ring(ebpf_map *map, Body &&body) noexcept {
    using value = std::invoke_result_t<Body, ring_buffer &>;
    return with_made(map, [&](runtime::map &m) -> value {
        ring_buffer *const ring = runtime::as_ring_buffer(&m);
        return ring == nullptr ? failed<value>(wrong_type(m, "a ring buffer")) : body(*ring);
    });
}

template <typename Body>
auto with_user_ring(ebpf_map *map, Body &&body) noexcept {
    using value = std::invoke_result_t<Body, user_ring_buffer &>;
    return with_made(map, [&](runtime::map &m) -> value {
        user_ring_buffer *const ring = runtime::as_user_ring_buffer(&m);
        return ring == nullptr ? failed<value>(wrong_type(m, "a user ring buffer")) : body(*ring);
    });
}

error no_room(const runtime::map &m, std::size_t size, int number) {
    error e = make_error(error_code::limit_exceeded,
                         fmt::format("map '{}' has no room for {} bytes{}", m.definition().name,
                                     size, number == ENOSPC ? " now" : ""));
    e.kernel_errno = number;
    return e;
}

/// Keys may be empty, if the map has none; otherwise NULL is never a key.
int check_key(const runtime::map &m, const void *key) {
    return key == nullptr and m.definition().key_size != 0 ? refuse("key is NULL") : 0;
}
int check(const runtime::map &m, const void *key, const void *value) {
    if (const int failed = check_key(m, key)) return failed;
    return value == nullptr ? refuse("value is NULL") : 0;
}

/// For values that have no keys.
int check_value(const runtime::map &m, const void *value) {
    if (value == nullptr) return refuse("value is NULL");
    const map_type type = m.definition().type;
    const bool has_none =
        type == map_type::queue or type == map_type::stack or type == map_type::bloom_filter;
    return has_none ? 0 : report(wrong_type(m, "a queue, a stack or a Bloom filter"));
}

ring_buffer::callback calling(ebpf_record_fn take, void *context) {
    return [take, context](std::span<const uint8_t> record) {
        return take(context, record.data(), record.size()) == 0;
    };
}

ebpf_map *own_handle(std::shared_ptr<runtime::map> made) { return new ebpf_map{std::move(made)}; }

std::size_t host_value_size(const ebpf_map &map, const map_definition &d) {
    if (map.made != nullptr) return map.made->host_value_size();
    if (not runtime::is_percpu(d.type)) return d.value_size;
    return (std::size_t{d.value_size} + 7) / 8 * 8 * runtime::cpu_count();
}

ebpf_map_info info_of(const ebpf_map &map) {
    const map_definition d = map.definition();
    ebpf_map_info info{};
    info.name = map.file != nullptr ? map.file->maps()[map.index].definition.name.c_str()
                                    : map.made->definition().name.c_str();
    info.type_name = name_of(d.type).data();  // of a literal
    info.id = map.made == nullptr ? 0 : map.made->id();
    info.type = static_cast<uint32_t>(d.type);
    info.key_size = d.key_size;
    info.value_size = d.value_size;
    info.max_entries = d.max_entries;
    info.flags = d.flags;
    info.map_extra = d.map_extra;
    info.host_value_size = host_value_size(map, d);
    info.is_section = map.types().is_section;
    return info;
}

void copy_out(const std::vector<uint8_t> &from, void *to) {
    if (not from.empty()) std::memcpy(to, from.data(), from.size());
}

int lookup_batch(runtime::map &m, const void *in, void *out, void *keys, void *values,
                 size_t &count) {
    const auto batch = m.lookup_batch(bytes(in, m.definition().key_size), count);
    count = 0;
    if (not batch) return report(batch.error());
    count = batch->count;
    copy_out(batch->keys, keys);
    copy_out(batch->values, values);
    copy_out(batch->next, out);
    return batch->next.empty() ? 0 : 1;
}

map_definition definition_of(const ebpf_map_definition &d) {
    map_definition definition;
    definition.name = d.name == nullptr ? "" : d.name;
    definition.type = map_type{d.type};
    definition.key_size = d.key_size;
    definition.value_size = d.value_size;
    definition.max_entries = d.max_entries;
    definition.flags = d.flags;
    definition.numa_node = d.numa_node;
    definition.map_extra = d.map_extra;
    return definition;
}

result<std::shared_ptr<runtime::map>> create(const ebpf_map_definition &d) {
    if (d.inner != nullptr and d.inner->made == nullptr) return std::unexpected{not_made(*d.inner)};
    return runtime::map::create(definition_of(d), d.inner == nullptr ? nullptr : d.inner->made);
}

/// A handle of what `get` gives.
template <typename Get>
ebpf_map *pinned(const char *path, Get &&get) {
    if (path == nullptr) {
        return failed<ebpf_map *>(make_error(error_code::invalid_argument, "path is NULL"));
    }
    auto made = get(std::string{path});
    return made ? own_handle(std::move(*made)) : failed<ebpf_map *>(made.error());
}

char *to_c_string(const std::string &text) {
    char *const copy = strdup(text.c_str());
    if (copy == nullptr) throw std::bad_alloc{};
    return copy;
}

}  // namespace

extern "C" {

// --- lifecycle

uint32_t ebpf_cpu_count(void) { return runtime::cpu_count(); }

uint32_t ebpf_current_cpu(void) { return runtime::current_cpu(); }

struct ebpf_map *ebpf_map_create(const struct ebpf_map_definition *definition) {
    return guarded([&]() -> ebpf_map * {
        const auto d = read_struct(definition, "definition");
        if (not d) return failed<ebpf_map *>(d.error());
        auto made = create(*d);
        return made ? own_handle(std::move(*made)) : failed<ebpf_map *>(made.error());
    });
}

struct ebpf_map *ebpf_map_create_pinned(const struct ebpf_map_definition *definition,
                                        const char *path) {
    return guarded([&]() -> ebpf_map * {
        const auto d = read_struct(definition, "definition");
        if (not d) return failed<ebpf_map *>(d.error());
        return pinned(path, [&](const std::string &where) {
            return runtime::map::create_pinned(definition_of(*d), where);
        });
    });
}

struct ebpf_map *ebpf_map_open_pinned(const char *path) {
    return guarded([&] { return pinned(path, runtime::map::open_pinned); });
}

struct ebpf_map *ebpf_map_open_or_create_pinned(const struct ebpf_map_definition *definition,
                                                const char *path) {
    return guarded([&]() -> ebpf_map * {
        const auto d = read_struct(definition, "definition");
        if (not d) return failed<ebpf_map *>(d.error());
        return pinned(path, [&](const std::string &where) {
            return runtime::map::open_or_create_pinned(definition_of(*d), where);
        });
    });
}

struct ebpf_map *ebpf_map_dup(const struct ebpf_map *map) {
    return with(map, "map", [](const ebpf_map &m) -> ebpf_map * {
        if (m.made == nullptr) return failed<ebpf_map *>(not_made(m));
        return new ebpf_map{.made = m.made, .file = m.file, .index = m.index};
    });
}

void ebpf_map_close(struct ebpf_map *map) {
    if (map != nullptr and map->owner == nullptr) delete map;
}

int ebpf_map_get_info(const struct ebpf_map *map, struct ebpf_map_info *info) {
    return with(map, "map",
                [&](const ebpf_map &m) { return fill_struct(info, "info", info_of(m)); });
}

// --- entries

int ebpf_map_lookup_elem(struct ebpf_map *map, const void *key, size_t key_size, void *value,
                         size_t value_size, uint64_t flags) {
    return with_made(map, [&](runtime::map &m) {
        if (const int failed = check(m, key, value)) return failed;
        return to_c(m.lookup(bytes(key, key_size), bytes(value, value_size), flags));
    });
}

int ebpf_map_update_elem(struct ebpf_map *map, const void *key, size_t key_size, const void *value,
                         size_t value_size, uint64_t flags) {
    return with_made(map, [&](runtime::map &m) {
        if (const int failed = check(m, key, value)) return failed;
        return to_c(m.update(bytes(key, key_size), bytes(value, value_size), flags));
    });
}

int ebpf_map_delete_elem(struct ebpf_map *map, const void *key, size_t key_size) {
    return with_made(map, [&](runtime::map &m) {
        if (const int failed = check_key(m, key)) return failed;
        return to_c(m.remove(bytes(key, key_size)));
    });
}

int ebpf_map_lookup_and_delete_elem(struct ebpf_map *map, const void *key, size_t key_size,
                                    void *value, size_t value_size, uint64_t flags) {
    return with_made(map, [&](runtime::map &m) {
        if (const int failed = check(m, key, value)) return failed;
        return to_c(m.lookup_and_delete(bytes(key, key_size), bytes(value, value_size), flags));
    });
}

int ebpf_map_get_next_key(struct ebpf_map *map, const void *key, void *next, size_t key_size) {
    return with_made(map, [&](runtime::map &m) -> int {
        if (next == nullptr) return refuse("next is NULL");
        if (key_size != m.definition().key_size) {
            return refuse(fmt::format("keys of map '{}' have {} bytes, not {}", m.definition().name,
                                      m.definition().key_size, key_size));
        }
        const auto found = m.next_key(bytes(key, key_size));
        if (not found) return report(found.error());
        copy_out(*found, next);
        return 0;
    });
}

int ebpf_map_push_elem(struct ebpf_map *map, const void *value, size_t value_size, uint64_t flags) {
    return with_made(map, [&](runtime::map &m) {
        if (const int failed = check_value(m, value)) return failed;
        return to_c(m.update({}, bytes(value, value_size), flags));
    });
}

int ebpf_map_pop_elem(struct ebpf_map *map, void *value, size_t value_size) {
    return with_made(map, [&](runtime::map &m) {
        if (const int failed = check_value(m, value)) return failed;
        return to_c(m.lookup_and_delete({}, bytes(value, value_size)));
    });
}

int ebpf_map_peek_elem(struct ebpf_map *map, void *value, size_t value_size) {
    return with_made(map, [&](runtime::map &m) {
        if (const int failed = check_value(m, value)) return failed;
        return to_c(m.lookup({}, bytes(value, value_size)));
    });
}

int ebpf_map_freeze(struct ebpf_map *map) {
    return with_made(map, [](runtime::map &m) { return to_c(m.freeze()); });
}

// --- many entries at once

int ebpf_map_lookup_batch(struct ebpf_map *map, const void *in_batch, void *out_batch, void *keys,
                          void *values, size_t *count) {
    return with_made(map, [&](runtime::map &m) {
        if (out_batch == nullptr or keys == nullptr or values == nullptr or count == nullptr)
            return refuse("out_batch, keys, values or count is NULL");
        if (*count == 0) return refuse("*count is 0");
        return lookup_batch(m, in_batch, out_batch, keys, values, *count);
    });
}

int ebpf_map_lookup_and_delete_batch(struct ebpf_map *map, void *keys, void *values,
                                     size_t *count) {
    return with_made(map, [&](runtime::map &m) -> int {
        if (keys == nullptr or values == nullptr or count == nullptr)
            return refuse("keys, values or count is NULL");
        const auto batch = m.lookup_and_delete_batch(std::exchange(*count, 0));
        if (not batch) return report(batch.error());
        *count = batch->count;
        copy_out(batch->keys, keys);
        copy_out(batch->values, values);
        return 0;
    });
}

int ebpf_map_update_batch(struct ebpf_map *map, const void *keys, const void *values, size_t count,
                          uint64_t flags) {
    return with_made(map, [&](runtime::map &m) -> int {
        if (keys == nullptr or values == nullptr) return refuse("keys or values is NULL");
        if (count > SIZE_MAX / (m.definition().key_size + m.host_value_size() + 1))
            return refuse(fmt::format("count is {}", count));
        const auto done = m.update_batch(bytes(keys, count * m.definition().key_size),
                                         bytes(values, count * m.host_value_size()), flags);
        return done ? 0 : report(done.error());
    });
}

int ebpf_map_delete_batch(struct ebpf_map *map, const void *keys, size_t count) {
    return with_made(map, [&](runtime::map &m) -> int {
        if (keys == nullptr) return refuse("keys is NULL");
        if (count > SIZE_MAX / (m.definition().key_size + 1))
            return refuse(fmt::format("count is {}", count));
        const auto done = m.delete_batch(bytes(keys, count * m.definition().key_size));
        return done ? 0 : report(done.error());
    });
}

// --- maps of objects

int ebpf_map_set_map(struct ebpf_map *map, const void *key, size_t key_size,
                     const struct ebpf_map *value, uint64_t flags) {
    return with_made(map, [&](runtime::map &m) -> int {
        if (const int failed = check(m, key, value)) return failed;
        if (value->made == nullptr) return report(not_made(*value));
        object_map *const outer = runtime::as_object_map(&m);
        if (outer == nullptr) return report(wrong_type(m, "a map of maps"));
        return to_c(outer->set_map(bytes(key, key_size), value->made, flags));
    });
}

int ebpf_map_set_program(struct ebpf_map *map, uint32_t index, struct ebpf_program *program) {
    return with_made(map, [&](runtime::map &m) -> int {
        if (program == nullptr) return refuse("program is NULL");
        if (program->loaded == nullptr)
            return refuse(fmt::format("program '{}' is not loaded", program->info->name));
        if (m.definition().type != map_type::prog_array)
            return report(wrong_type(m, "an array of programs"));
        const auto id = static_cast<uint32_t>(program - program->owner->programs.data()) + 1;
        program->owner->note_array(map->made);
        return to_c(runtime::as_object_map(&m)->set_program(
            bytes(&index, sizeof index), program->loaded->vm, id, program->loaded->as_user()));
    });
}

int ebpf_map_set_cgroup(struct ebpf_map *map, uint32_t index, uint32_t group) {
    return with_made(map, [&](runtime::map &m) -> int {
        if (m.definition().type != map_type::cgroup_array)
            return report(wrong_type(m, "an array of control groups"));
        // Groups are known by their ids alone; the object is only what keeps the place taken.
        return to_c(runtime::as_object_map(&m)->set_object(
            bytes(&index, sizeof index), std::make_shared<uint32_t>(group), group));
    });
}

// --- ring buffers

int64_t ebpf_map_consume(struct ebpf_map *map, ebpf_record_fn take, void *context) {
    return with_ring(map, [&](ring_buffer &ring) -> int64_t {
        if (take == nullptr) return refuse("take is NULL");
        return static_cast<int64_t>(ring.consume(calling(take, context)));
    });
}

int64_t ebpf_map_poll(struct ebpf_map *map, ebpf_record_fn take, void *context,
                      int64_t timeout_ms) {
    return with_ring(map, [&](ring_buffer &ring) -> int64_t {
        if (take == nullptr) return refuse("take is NULL");
        return static_cast<int64_t>(
            ring.poll(calling(take, context), std::chrono::milliseconds{timeout_ms}));
    });
}

int ebpf_map_wake(struct ebpf_map *map) {
    return with_ring(map, [](ring_buffer &ring) {
        ring.wake();
        return 0;
    });
}

int ebpf_map_event_fd(struct ebpf_map *map) {
    return with_made(map, [](runtime::map &m) -> int {
        if (ring_buffer *const ring = runtime::as_ring_buffer(&m)) {
            const int fd = ring->event_fd();
            return fd >= 0 ? fd : report(has_no_fd(m));
        }
        if (const auto *const ring = runtime::as_user_ring_buffer(&m)) return ring->event_fd();
        return report(wrong_type(m, "a ring buffer"));
    });
}

int ebpf_map_output(struct ebpf_map *map, const void *sample, size_t size) {
    return with_user_ring(map, [&](user_ring_buffer &ring) -> int {
        if (sample == nullptr and size != 0) return refuse("sample is NULL");
        const int number = -ring.output(bytes(sample, size));
        return number == 0 ? 0 : report(no_room(ring, size, number));
    });
}

void *ebpf_map_reserve(struct ebpf_map *map, uint32_t size) {
    return with_user_ring(map, [&](user_ring_buffer &ring) -> void * {
        const auto sample = ring.reserve(size);
        if (sample.data() != nullptr) return sample.data();
        const bool never = size > ring.definition().max_entries - ring_buffer::header_bytes;
        return failed<void *>(no_room(ring, size, never ? E2BIG : ENOSPC));
    });
}

int ebpf_map_submit(struct ebpf_map *map, void *sample) {
    return with_user_ring(map, [&](user_ring_buffer &ring) -> int {
        if (sample == nullptr) return refuse("sample is NULL");
        ring.submit(sample);
        return 0;
    });
}

int ebpf_map_discard(struct ebpf_map *map, void *sample) {
    return with_user_ring(map, [&](user_ring_buffer &ring) -> int {
        if (sample == nullptr) return refuse("sample is NULL");
        ring.discard(sample);
        return 0;
    });
}

int ebpf_map_ring_query(struct ebpf_map *map, uint32_t what, uint64_t *value) {
    return with_ring(map, [&](ring_buffer &ring) -> int {
        if (value == nullptr) return refuse("value is NULL");
        if (what > EBPF_RING_PRODUCER) return refuse(fmt::format("there is no query {}", what));
        *value = ring.query(what);
        return 0;
    });
}

int ebpf_map_ring_memory(struct ebpf_map *map, void **memory, size_t *size) {
    return with_made(map, [&](runtime::map &m) -> int {
        if (memory == nullptr or size == nullptr) return refuse("memory or size is NULL");
        std::span<uint8_t> all;
        if (ring_buffer *const ring = runtime::as_ring_buffer(&m))
            all = ring->memory();
        else if (user_ring_buffer *const user = runtime::as_user_ring_buffer(&m))
            all = user->memory();
        else
            return report(wrong_type(m, "a ring buffer"));
        *memory = all.data();
        *size = all.size();
        return 0;
    });
}

struct ebpf_map *ebpf_map_collect_events(struct ebpf_map *map, uint32_t size) {
    return with_made(map, [&](runtime::map &m) -> ebpf_map * {
        if (m.definition().type != map_type::perf_event_array)
            return failed<ebpf_map *>(wrong_type(m, "an array of perf events"));
        auto ring = runtime::collect_events(*runtime::as_object_map(&m), size);
        return ring ? own_handle(std::move(*ring)) : failed<ebpf_map *>(ring.error());
    });
}

// --- bytecode that is from no object

struct ebpf_map_list *ebpf_map_list_create(struct ebpf_map *const *maps, size_t count) {
    return guarded([&]() -> ebpf_map_list * {
        std::vector<std::shared_ptr<runtime::map>> made;
        for (size_t i = 0; i < count; ++i) {
            if (maps == nullptr or maps[i] == nullptr) {
                return failed<ebpf_map_list *>(
                    make_error(error_code::invalid_argument, fmt::format("map {} is NULL", i)));
            }
            if (maps[i]->made == nullptr) return failed<ebpf_map_list *>(not_made(*maps[i]));
            made.push_back(maps[i]->made);
        }
        return new ebpf_map_list{runtime::map_set{std::move(made)}};
    });
}

void ebpf_map_list_close(struct ebpf_map_list *list) { delete list; }

int ebpf_map_list_attach(const struct ebpf_map_list *list, struct ebpf_vm *vm) {
    return with(list, "list", [&](const ebpf_map_list &l) {
        return vm == nullptr ? refuse("vm is NULL") : to_c(l.maps.attach(*vm));
    });
}

// --- arenas

void *ebpf_map_arena(struct ebpf_map *map, size_t *size) {
    return with_made(map, [&](runtime::map &m) -> void * {
        const auto *const arena = runtime::as_arena(&m);
        if (arena == nullptr) return failed<void *>(wrong_type(m, "an arena"));
        if (size != nullptr) *size = arena->bytes();
        return arena->address();
    });
}

void *ebpf_map_arena_touch(struct ebpf_map *map, size_t offset, size_t size) {
    return with_made(map, [&](runtime::map &m) -> void * {
        auto *const arena = runtime::as_arena(&m);
        if (arena == nullptr) return failed<void *>(wrong_type(m, "an arena"));
        if (void *const place = arena->touch(offset, size)) return place;
        error e = make_error(error_code::limit_exceeded,
                             fmt::format("{} bytes at {} of the arena '{}' cannot be there: it has "
                                         "{}, and programs may have reserved some",
                                         size, offset, m.definition().name, arena->bytes()));
        e.kernel_errno = ENOMEM;
        return failed<void *>(e);
    });
}

// --- JSON

char *ebpf_map_dump_json(struct ebpf_map *map) {
    return with_made(map, [&](runtime::map &m) {
        const runtime_json::typed_map typed{m, map->types()};
        return to_c_string(runtime_json::to_text(typed.to_json()));
    });
}

int ebpf_map_load_json(struct ebpf_map *map, const char *json) {
    return with_made(map, [&](runtime::map &m) -> int {
        if (json == nullptr) return refuse("json is NULL");
        const auto document = runtime_json::parse(json);
        if (not document) return report(document.error());
        return to_c(runtime_json::typed_map{m, map->types()}.load(*document));
    });
}

}  // extern "C"
