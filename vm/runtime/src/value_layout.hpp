// bpftime-vm: values of maps with parts that copies leave out
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "program/map.hpp"
#include "shared_bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace bpftime::vm::runtime {

/// What of a map's values updates write and lookups tell: all but the fields that programs use by
/// helpers alone.
class value_layout {
public:
    explicit value_layout(const map_definition &definition);

    /// Copies to a value; its fields stay as they are.
    void store(void *value, const void *from) const noexcept;
    /// Copies from a value; its fields read as zeros.
    void load(void *to, const void *value) const noexcept;
    /// Zeroes the fields of a value.
    void clear_fields(void *value) const noexcept;
    /// Where the lock of a value is; none: it has none.
    [[nodiscard]] std::optional<uint32_t> lock_offset() const noexcept { return lock_; }

private:
    struct part {
        std::size_t offset;
        std::size_t size;
    };

    std::size_t size_;
    std::vector<part> plain_;
    std::vector<part> fields_;
    std::optional<uint32_t> lock_;
};

// Most maps have no layout: null.

inline void store_value(const value_layout *layout, void *value, const void *from,
                        std::size_t size) noexcept {
    if (layout == nullptr) return store_shared(value, from, size);
    layout->store(value, from);
}
inline void load_value(const value_layout *layout, void *to, const void *value,
                       std::size_t size) noexcept {
    if (layout == nullptr) return load_shared(to, value, size);
    layout->load(to, value);
}
inline void clear_fields(const value_layout *layout, void *value) noexcept {
    if (layout != nullptr) layout->clear_fields(value);
}

}  // namespace bpftime::vm::runtime
