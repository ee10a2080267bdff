// bpftime-vm: maps whose values are objects of the host
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/object_map.hpp"

#include "index_key.hpp"
#include "map_types.hpp"
#include "object/program_name.hpp"
#include "runtime/read_section.hpp"
#include "runtime/ring_buffer.hpp"
#include "shared_bytes.hpp"
#include "word_table.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace bpftime::vm::runtime {

namespace {

/// Keeps an object for as long as it can be found.
struct box {
    std::shared_ptr<void> object;
    uint32_t id;
};

/// What the kernel compares before a map may become the inner map of another.
bool is_like(const map &m, const map_definition &wanted) noexcept {
    const map_definition &d = m.definition();
    const bool same_entries = d.max_entries == wanted.max_entries or d.type != map_type::array or
                              (wanted.flags & map_inner_map) != 0;
    return d.type == wanted.type and d.key_size == wanted.key_size and
           d.value_size == wanted.value_size and d.flags == wanted.flags and same_entries;
}

class object_array final : public object_map {
public:
    explicit object_array(const map_definition &d, const map_ptr &inner = nullptr)
        : object_map{d},
          inner_{inner == nullptr ? map_definition{} : inner->definition()},
          slots_(d.max_entries) {}
    ~object_array() override {
        for (const std::atomic<box *> &slot : slots_) delete slot.load();
    }

    void *lookup_elem(const void *key) noexcept override {
        read_until_run_ends();
        const box *const found = find(key);
        return found == nullptr ? nullptr : found->object.get();
    }

    [[nodiscard]] std::optional<uint32_t> object_id(const void *key) const noexcept override {
        const read_section reading;
        const box *const found = find(key);
        return found == nullptr ? std::nullopt : std::optional{found->id};
    }

    result<void> set_map(std::span<const uint8_t> key, std::shared_ptr<map> object,
                         uint64_t flags) override {
        if (object == nullptr or not takes_map(*object))
            return std::unexpected{fail(-EINVAL, "update of")};
        const uint32_t id = object->id();
        return put(key, std::move(object), id, flags);
    }

    result<void> set_object(std::span<const uint8_t> key, std::shared_ptr<void> object,
                            uint32_t id) override {
        if (object == nullptr or definition().type != map_type::cgroup_array)
            return std::unexpected{fail(-EINVAL, "update of")};
        return put(key, std::move(object), id, update_any);
    }

    result<void> set_program(std::span<const uint8_t> key, std::shared_ptr<void> vm, uint32_t id,
                             const array_user &program) override {
        if (vm == nullptr or definition().type != map_type::prog_array)
            return std::unexpected{fail(-EINVAL, "update of")};
        if (const int refused = check_place(key, update_any))
            return std::unexpected{fail(refused, "update of")};
        if (auto done = admit(program); not done) return done;
        return put(key, std::move(vm), id, update_any);
    }

    result<void> admit(const array_user &program) override {
        if (definition().type != map_type::prog_array) return {};
        const std::lock_guard guard{first_lock_};
        if (not first_) first_ = first_user{program.type, std::string{program.name}};
        if (first_->type == program.type) return {};
        error e = make_error(
            error_code::invalid_argument,
            fmt::format("program '{}' is of type {}, but map '{}' is for tail calls between "
                        "programs of type {}, as '{}' is, its first one (EINVAL)",
                        program.name, object::kernel_name(program.type), definition().name,
                        object::kernel_name(first_->type), first_->name));
        e.kernel_errno = EINVAL;
        return std::unexpected{std::move(e)};
    }

    [[nodiscard]] std::optional<object::program_type> admitted_type() const override {
        const std::lock_guard guard{first_lock_};
        return first_ ? std::optional{first_->type} : std::nullopt;
    }

    void take_out(const void *object) noexcept override {
        const read_section reading;
        for (std::atomic<box *> &slot : slots_) {
            box *found = slot.load(std::memory_order_acquire);
            if (found == nullptr or found->object.get() != object) continue;
            if (slot.compare_exchange_strong(found, nullptr, std::memory_order_acq_rel))
                retire(std::unique_ptr<box>{found});
        }
    }

private:
    [[nodiscard]] bool takes_map(const map &m) const noexcept {
        switch (definition().type) {
        case map_type::array_of_maps: return is_like(m, inner_);
        case map_type::perf_event_array: return m.definition().type == map_type::ringbuf;
        default: return false;
        }
    }

    [[nodiscard]] const box *find(const void *key) const noexcept {
        const uint32_t index = index_of(key);
        return index < slots_.size() ? slots_[index].load(std::memory_order_acquire) : nullptr;
    }

    [[nodiscard]] int check_place(std::span<const uint8_t> key, uint64_t flags) const noexcept {
        if (const int refused = check_access(permission::write)) return refused;
        if (key.size() != sizeof(uint32_t) or flags != update_any) return -EINVAL;
        return index_of(key.data()) < slots_.size() ? 0 : -E2BIG;
    }

    result<void> put(std::span<const uint8_t> key, std::shared_ptr<void> object, uint32_t id,
                     uint64_t flags) {
        if (const int refused = check_place(key, flags))
            return std::unexpected{fail(refused, "update of")};
        exchange(index_of(key.data()), std::make_unique<box>(std::move(object), id));
        return {};
    }

    bool exchange(uint32_t index, std::unique_ptr<box> fresh) {
        std::unique_ptr<box> old{
            slots_[index].exchange(fresh.release(), std::memory_order_acq_rel)};
        const bool was_there = old != nullptr;
        retire(std::move(old));
        return was_there;
    }

    int host_lookup(const void *key, void *value) noexcept override {
        const map_type type = definition().type;
        if (type == map_type::perf_event_array or type == map_type::cgroup_array)
            return -not_supported;
        const box *const found = find(key);
        if (found == nullptr) return -ENOENT;
        std::memcpy(value, &found->id, sizeof found->id);
        return 0;
    }

    int host_update(const void *key, const void * /*value*/, uint64_t flags) noexcept override {
        if (flags != update_any) return -EINVAL;
        return index_of(key) >= slots_.size() ? -E2BIG : -EBADF;
    }

    int host_delete(const void *key) noexcept override {
        const uint32_t index = index_of(key);
        if (index >= slots_.size()) return -E2BIG;
        return exchange(index, nullptr) ? 0 : -ENOENT;
    }

    int host_next_key(const void *key, void *next) const noexcept override {
        return next_index(key, next, definition().max_entries);
    }

    struct first_user {
        object::program_type type;
        std::string name;
    };

    const map_definition inner_;
    std::vector<std::atomic<box *>> slots_;
    mutable std::mutex first_lock_;
    std::optional<first_user> first_;
};

class hash_of_maps final : public object_map {
public:
    hash_of_maps(const map_definition &d, const map_ptr &inner)
        : object_map{d}, inner_{inner->definition()}, boxes_{d} {}

    ~hash_of_maps() override {
        const auto destroy = [](void *, const void *, void *value) {
            delete box_of(load_word(value));
            return false;
        };
        if (boxes_.has_memory()) boxes_.words().for_each_elem(destroy, nullptr);
    }

    [[nodiscard]] bool has_memory() const noexcept { return boxes_.has_memory(); }

    void *lookup_elem(const void *key) noexcept override {
        read_until_run_ends();
        const box *const found = find(key);
        return found == nullptr ? nullptr : found->object.get();
    }

    result<void> set_map(std::span<const uint8_t> key, std::shared_ptr<map> object,
                         uint64_t flags) override {
        if (const int refused = check_access(permission::write))
            return std::unexpected{fail(refused, "update of")};
        if (object == nullptr or not is_like(*object, inner_) or
            key.size() != definition().key_size) {
            return std::unexpected{fail(-EINVAL, "update of")};
        }
        const uint32_t id = object->id();
        box *const fresh = new box{std::move(object), id};
        const auto word = reinterpret_cast<uint64_t>(fresh);
        const std::lock_guard guard{writers_};
        box *const old = find(key.data());
        const int failed = boxes_.put(key.data(), word, flags);
        if (failed != 0) {
            delete fresh;
            return std::unexpected{fail(failed, "update of")};
        }
        retire(std::unique_ptr<box>{old});
        return {};
    }

    result<void> set_object(std::span<const uint8_t> /*key*/, std::shared_ptr<void> /*object*/,
                            uint32_t /*id*/) override {
        return std::unexpected{fail(-EINVAL, "update of")};
    }

private:
    static box *box_of(uint64_t word) noexcept { return reinterpret_cast<box *>(word); }

    [[nodiscard]] box *find(const void *key) const noexcept {
        return box_of(boxes_.find(key).value_or(0));
    }

    int host_lookup(const void *key, void *value) noexcept override {
        const box *const found = find(key);
        if (found == nullptr) return -ENOENT;
        std::memcpy(value, &found->id, sizeof found->id);
        return 0;
    }

    int host_update(const void * /*key*/, const void * /*value*/,
                    uint64_t /*flags*/) noexcept override {
        return -EBADF;
    }

    int host_delete(const void *key) noexcept override {
        const std::lock_guard guard{writers_};
        std::unique_ptr<box> old{find(key)};
        if (old == nullptr) return -ENOENT;
        const int failed = boxes_.remove(key);
        retire(std::move(old));
        return failed;
    }

    int host_next_key(const void *key, void *next) const noexcept override {
        return boxes_.next_key(key, next);
    }

    const map_definition inner_;
    const word_table boxes_;  ///< addresses
    std::mutex writers_;
};

}  // namespace

result<void> object_map::set_program(std::span<const uint8_t> /*key*/, std::shared_ptr<void> /*vm*/,
                                     uint32_t /*id*/, const array_user & /*program*/) {
    return std::unexpected{fail(-EINVAL, "update of")};
}

result<std::shared_ptr<ring_buffer>> collect_events(object_map &events, uint32_t bytes) {
    map_definition d;
    d.name = events.definition().name;
    d.type = map_type::ringbuf;
    d.max_entries = bytes;
    auto made = map::create(d);
    if (not made) return std::unexpected{std::move(made.error())};
    for (uint32_t slot = 0; slot < events.definition().max_entries; ++slot) {
        const std::span key{reinterpret_cast<const uint8_t *>(&slot), sizeof slot};
        if (auto done = events.set_map(key, *made); not done)
            return std::unexpected{std::move(done.error())};
    }
    return std::static_pointer_cast<ring_buffer>(std::move(*made));
}

map_ptr make_object_array(const map_definition &d) { return std::make_shared<object_array>(d); }

map_ptr make_map_array(const map_definition &d, const map_ptr &inner) {
    return std::make_shared<object_array>(d, inner);
}

map_ptr make_map_hash(const map_definition &d, const map_ptr &inner) {
    auto made = std::make_shared<hash_of_maps>(d, inner);
    return made->has_memory() ? made : nullptr;
}

}  // namespace bpftime::vm::runtime
