// bpftime-vm: maps that say where packets go: devices, CPUs, sockets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "index_key.hpp"
#include "map_types.hpp"
#include "mapped_memory.hpp"
#include "runtime/cpu.hpp"
#include "shared_bytes.hpp"
#include "word_table.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace bpftime::vm::runtime {

namespace {

/// What the values of such maps begin with; a map may leave the program out.
struct redirect_value {
    uint32_t target;  ///< interface index, queue size of a CPU, or socket; 0: none
    uint32_t program;

    static redirect_value of(const void *bytes, uint32_t size) noexcept {
        redirect_value value{};
        std::memcpy(&value, bytes, std::min<std::size_t>(size, sizeof value));
        return value;
    }
};

// --- checks of single types: 0 or a negative errno

using value_check = int (*)(uint32_t index, const redirect_value &value) noexcept;

int check_device(uint32_t /*index*/, const redirect_value &value) noexcept {
    return value.target == 0 and value.program != 0 ? -EINVAL : 0;
}

int check_cpu(uint32_t index, const redirect_value &value) noexcept {
    constexpr uint32_t most_queue_entries = 16384;
    if (value.target > most_queue_entries) return -EOVERFLOW;
    return index >= cpu_count() ? -ENODEV : 0;
}

int check_socket(uint32_t /*index*/, const redirect_value &value) noexcept {
    return value.target == 0 ? -EBADF : 0;
}

/// Programs may read what the kernel decides by, and not change it.
map_definition read_only(map_definition d) {
    d.flags |= map_rdonly_prog;
    return d;
}

/// An array of which entries may be missing: those with target 0.
class redirect_array final : public map {
public:
    redirect_array(const map_definition &d, value_check check)
        : map{d}, check_{check}, memory_{sizeof(redirect_value) * d.max_entries} {}

    [[nodiscard]] bool has_memory() const noexcept { return static_cast<bool>(memory_); }

    void *lookup_elem(const void *key) noexcept override {
        const uint32_t index = index_of(key);
        if (index >= definition().max_entries) return nullptr;
        uint8_t *const value = at(index);
        return static_cast<uint32_t>(load_word(value)) == 0 ? nullptr : value;
    }

    int update_elem(const void *key, const void *value, uint64_t flags) noexcept override {
        const uint32_t index = index_of(key);
        if (const int failed = check_index_update(index, definition().max_entries, flags))
            return failed;
        const auto fresh = redirect_value::of(value, definition().value_size);
        if (const int failed = check_(index, fresh)) return failed;
        store_shared(at(index), &fresh, sizeof fresh);
        return 0;
    }

    int delete_elem(const void *key) noexcept override {
        const uint32_t index = index_of(key);
        if (index >= definition().max_entries) return -EINVAL;
        store_word(at(index), 0);
        return 0;
    }

private:
    [[nodiscard]] uint8_t *at(uint32_t index) const noexcept {
        return memory_.data() + index * sizeof(redirect_value);
    }

    int host_lookup(const void *key, void *value) noexcept override {
        if (definition().type == map_type::xskmap) return -EOPNOTSUPP;
        return map::host_lookup(key, value);
    }

    int host_next_key(const void *key, void *next) const noexcept override {
        return next_index(key, next, definition().max_entries);
    }

    const value_check check_;
    const mapped_memory memory_;
};

/// A plain hash map behind the checks of its kind.
class devmap_hash final : public map {
public:
    explicit devmap_hash(const map_definition &d)
        : map{read_only(d)}, devices_{make_hash(table_definition(d))} {}

    [[nodiscard]] bool has_memory() const noexcept { return devices_ != nullptr; }

    void *lookup_elem(const void *key) noexcept override { return devices_->lookup_elem(key); }

    int update_elem(const void *key, const void *value, uint64_t flags) noexcept override {
        const auto fresh = redirect_value::of(value, definition().value_size);
        if (flags > update_exist or fresh.target == 0) return -EINVAL;
        return devices_->update_elem(key, value, flags & update_noexist);
    }

    int delete_elem(const void *key) noexcept override { return devices_->delete_elem(key); }

private:
    static map_definition table_definition(map_definition d) {
        d.type = map_type::hash;
        return d;
    }

    int host_next_key(const void *key, void *next) const noexcept override {
        return devices_->next_elem(key, next);
    }

    const map_ptr devices_;
};

map_ptr make_redirect_array(const map_definition &d, value_check check) {
    auto made = std::make_shared<redirect_array>(d, check);
    return made->has_memory() ? made : nullptr;
}

}  // namespace

map_ptr make_devmap(const map_definition &d) {
    return make_redirect_array(read_only(d), check_device);
}
map_ptr make_cpumap(const map_definition &d) { return make_redirect_array(d, check_cpu); }
map_ptr make_xskmap(const map_definition &d) { return make_redirect_array(d, check_socket); }

map_ptr make_devmap_hash(const map_definition &d) {
    auto made = std::make_shared<devmap_hash>(d);
    return made->has_memory() ? made : nullptr;
}

}  // namespace bpftime::vm::runtime
