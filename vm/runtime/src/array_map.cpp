// bpftime-vm: arrays and per-CPU arrays
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "index_key.hpp"
#include "map_types.hpp"
#include "mapped_memory.hpp"
#include "runtime/cpu.hpp"
#include "value_layout.hpp"

#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

namespace bpftime::vm::runtime {

namespace {

class array_map final : public map {
public:
    explicit array_map(const map_definition &d)
        : map{d},
          max_entries_{d.max_entries},
          stride_{round_up(d.value_size, 8)},
          memory_{stride_ * d.max_entries},
          values_{memory_.data()} {
        set_indexed(values_, stride_);
    }

    [[nodiscard]] bool has_memory() const noexcept { return values_ != nullptr; }

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
    const mapped_memory memory_;
    uint8_t *const values_;
};

/// As check_index_update(), but update_lock is refused last: values of each CPU have no lock.
int check_percpu_update(uint32_t index, uint32_t max_entries, uint64_t flags) noexcept {
    const uint64_t locks = flags & update_lock;
    if (const int failed = check_index_update(index, max_entries, flags - locks)) return failed;
    return locks != 0 ? -EINVAL : 0;
}

class percpu_array_map final : public map {
public:
    explicit percpu_array_map(const map_definition &d)
        : map{d, round_up(d.value_size, 8) * cpu_count()},
          max_entries_{d.max_entries},
          stride_{round_up(d.value_size, 8)},
          cpu_stride_{round_up(d.max_entries, 8) * stride_},
          memory_{cpu_stride_ * cpu_count()},
          values_{memory_.data()} {}

    [[nodiscard]] bool has_memory() const noexcept { return values_ != nullptr; }

    void *lookup_elem(const void *key) noexcept override {
        const uint32_t index = index_of(key);
        return index < max_entries_ ? value(index, current_cpu()) : nullptr;
    }

    void *lookup_percpu_elem(const void *key, uint32_t cpu) noexcept override {
        const uint32_t index = index_of(key);
        return index < max_entries_ and cpu < cpu_count() ? value(index, cpu) : nullptr;
    }

    int update_elem(const void *key, const void *from, uint64_t flags) noexcept override {
        const uint32_t index = index_of(key);
        if (const int failed = check_percpu_update(index, max_entries_, flags)) return failed;
        store_value(layout(), value(index, current_cpu()), from, definition().value_size);
        return 0;
    }

    int64_t for_each_elem(visitor visit, void *context) noexcept override {
        for (uint32_t index = 0; index < max_entries_; ++index) {
            if (visit(context, &index, value(index, current_cpu()))) return int64_t{index} + 1;
        }
        return max_entries_;
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
    const mapped_memory memory_;
    uint8_t *const values_;
};

template <typename Map>
map_ptr make_if_memory(const map_definition &definition) {
    auto made = std::make_shared<Map>(definition);
    return made->has_memory() ? made : nullptr;
}

}  // namespace

map_ptr make_array(const map_definition &d) { return make_if_memory<array_map>(d); }
map_ptr make_percpu_array(const map_definition &d) { return make_if_memory<percpu_array_map>(d); }

}  // namespace bpftime::vm::runtime
