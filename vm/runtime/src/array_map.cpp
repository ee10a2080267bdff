// bpftime-vm: arrays and per-CPU arrays
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/map_probe.hpp"
#include "index_key.hpp"
#include "map_memory.hpp"
#include "map_types.hpp"
#include "runtime/cpu.hpp"
#include "value_layout.hpp"

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace bpftime::vm::runtime {

namespace {

class array_map final : public map {
public:
    array_map(const map_definition &d, map_memory memory)
        : map{d},
          max_entries_{d.max_entries},
          stride_{round_up(d.value_size, 8)},
          memory_{std::move(memory)},
          values_{memory_.data()} {
        set_indexed(values_, stride_);
        share(memory_);
    }

    void *lookup_elem(const void *key) noexcept override {
        const uint32_t index = index_of(key);
        return index < max_entries_ ? values_ + index * stride_ : nullptr;
    }

    int update_elem(const void *key, const void *value, uint64_t flags) noexcept override {
        const uint32_t index = index_of(key);
        const uint64_t how = flags & ~uint64_t{update_lock};
        if (const int failed = check_index_update(index, max_entries_, how)) return failed;
        uint8_t *const to = values_ + index * stride_;
        if ((flags & update_lock) != 0) {
            if (const int failed = update_locked(to, value)) return failed;
        } else {
            store_value(layout(), to, value, definition().value_size);
        }
        forget_fields(to);
        return 0;
    }

    int64_t for_each_elem(visitor visit, void *context) noexcept override {
        for (uint32_t index = 0; index < max_entries_; ++index) {
            if (visit(context, &index, values_ + index * stride_)) return int64_t{index} + 1;
        }
        return max_entries_;
    }

    std::optional<value_place> locate(const void *place) const override {
        const uint64_t offset =
            reinterpret_cast<uint64_t>(place) - reinterpret_cast<uint64_t>(values_);
        const uint64_t index = offset / stride_;
        if (index >= max_entries_ or offset % stride_ >= definition().value_size) return {};
        value_place found{.value = values_ + index * stride_,
                          .key = std::vector<uint8_t>(sizeof(uint32_t))};
        const auto key = static_cast<uint32_t>(index);
        std::memcpy(found.key.data(), &key, sizeof key);
        return found;
    }

private:
    int host_next_key(const void *key, void *next) const noexcept override {
        return next_index(key, next, max_entries_);
    }

    const uint32_t max_entries_;
    const std::size_t stride_;
    const map_memory memory_;
    uint8_t *const values_;
};

/// As check_index_update(), but update_lock is refused last: values of each CPU have no lock.
int check_percpu_update(uint32_t index, uint32_t max_entries, uint64_t flags) noexcept {
    const uint64_t locks = flags & update_lock;
    if (const int failed = check_index_update(index, max_entries, flags - locks)) return failed;
    return locks != 0 ? -EINVAL : 0;
}

class percpu_array_map : public map {
public:
    percpu_array_map(const map_definition &d, map_memory memory)
        : map{d, round_up(d.value_size, 8) * cpu_count()},
          max_entries_{d.max_entries},
          stride_{round_up(d.value_size, 8)},
          cpu_stride_{stride_of_cpus(d)},
          memory_{std::move(memory)},
          cpus_{memory_},
          values_{memory_.data()} {
        share(memory_);
        if (memory_.file() != nullptr) return;
        set_probe({.by = ebpf_map_probe::kind::index,
                   .cpus = {.stride = cpu_stride_, .cpu = cpu_of_threads()},
                   .index = {.values = reinterpret_cast<uint64_t>(values_),
                             .stride = stride_,
                             .count = max_entries_},
                   .hash = {}});
    }

    static std::size_t stride_of_cpus(const map_definition &d) noexcept {
        return round_up(round_up(d.value_size, 8) * d.max_entries, 64);
    }

    void *lookup_percpu_elem(const void *key, uint32_t cpu) noexcept override {
        const uint32_t index = index_of(key);
        return index < max_entries_ and cpu < cpu_count() ? value(index, cpu) : nullptr;
    }

    int update_elem(const void *key, const void *from, uint64_t flags) noexcept override {
        const uint32_t index = index_of(key);
        if (const int failed = check_percpu_update(index, max_entries_, flags)) return failed;
        store_value(layout(), value(index, cpus_.current()), from, definition().value_size);
        return 0;
    }

    int64_t for_each_elem(visitor visit, void *context) noexcept override {
        for (uint32_t index = 0; index < max_entries_; ++index) {
            if (visit(context, &index, value(index, cpus_.current()))) return int64_t{index} + 1;
        }
        return max_entries_;
    }

protected:
    /// `Shared`: other processes may have the map.
    template <bool Shared>
    [[nodiscard]] void *find(const void *key) const noexcept {
        const uint32_t index = index_of(key);
        if (index >= max_entries_) return nullptr;
        return value(index, Shared ? cpus_.current() : current_cpu());
    }

private:
    [[nodiscard]] uint8_t *value(uint32_t index, uint32_t cpu) const noexcept {
        return values_ + cpu * cpu_stride_ + index * stride_;
    }

    int host_lookup(const void *key, void *to) noexcept override {
        const uint32_t index = index_of(key);
        if (index >= max_entries_) return -ENOENT;
        for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu)
            load_value(layout(), static_cast<uint8_t *>(to) + cpu * stride_, value(index, cpu),
                       stride_);
        return 0;
    }

    int host_update(const void *key, const void *from, uint64_t flags) noexcept override {
        const uint32_t index = index_of(key);
        if (const int failed = check_index_update(index, max_entries_, flags)) return failed;
        for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu) {
            store_value(layout(), value(index, cpu),
                        static_cast<const uint8_t *>(from) + cpu * stride_, stride_);
        }
        return 0;
    }

    int host_next_key(const void *key, void *next) const noexcept override {
        return next_index(key, next, max_entries_);
    }

    const uint32_t max_entries_;
    const std::size_t stride_;
    const std::size_t cpu_stride_;
    const map_memory memory_;
    const cpu_slots cpus_;
    uint8_t *const values_;
};

/// All of it but what programs do most.
template <bool Shared>
class percpu_array_of final : public percpu_array_map {
public:
    using percpu_array_map::percpu_array_map;
    void *lookup_elem(const void *key) noexcept override { return find<Shared>(key); }
};

}  // namespace

std::size_t bytes_of_array(const map_definition &d) {
    return round_up(d.value_size, 8) * d.max_entries;
}
map_ptr make_array(const map_definition &d, map_memory memory) {
    return std::make_shared<array_map>(d, std::move(memory));
}

std::size_t bytes_of_percpu_array(const map_definition &d) {
    return percpu_array_map::stride_of_cpus(d) * cpu_count();
}
map_ptr make_percpu_array(const map_definition &d, map_memory memory) {
    if (memory.file() != nullptr)
        return std::make_shared<percpu_array_of<true>>(d, std::move(memory));
    return std::make_shared<percpu_array_of<false>>(d, std::move(memory));
}

}  // namespace bpftime::vm::runtime
