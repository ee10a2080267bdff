// bpftime-vm: maps as JSON, with the types that their object knows
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/error.hpp"
#include "object/object.hpp"
#include "runtime/loaded_object.hpp"
#include "runtime/map.hpp"
#include "runtime/object_map.hpp"
#include "runtime_json/values.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::runtime_json {

/// What is known of a map's keys and values besides their bytes.
struct map_types {
    const object::btf *known = nullptr;  ///< null: nothing
    uint32_t key = 0;                    ///< ids in it; 0: not known
    uint32_t value = 0;
    bool is_section = false;  ///< the only value is a section of variables
    /// Whose programs and maps are known by name, for maps that hold such; null: nobody's.
    const runtime::loaded_object *owner = nullptr;

    /// Those of the map with that index in object_file::maps().
    [[nodiscard]] static map_types of(const object::object_file &file, uint32_t index,
                                      const runtime::loaded_object *owner = nullptr);
};

/// Values of per-CPU maps are those of all CPUs.
struct map_entry {
    std::vector<uint8_t> key;
    std::vector<uint8_t> value;
};

struct map_listing {
    std::vector<map_entry> entries;
    /// Why these are not all: the host may not read the map, or others damage or change it.
    std::optional<error> stopped_by{};
    /// What of maps of this type no host can read, in words; empty: nothing.
    std::string_view hidden{};
};

/// Puts an entry into a map; per-CPU maps get the value for every CPU.
result<void> put(runtime::map &m, std::span<const uint8_t> key, std::span<const uint8_t> value);

/// A map seen through its types. Other threads may use the map meanwhile.
///
/// As JSON it is {"name": .., "type": .., .., "entries": [{"key": .., "value": ..}]}; per-CPU maps
/// have "values" in entries, one for each CPU; queues and stacks have no keys; sections whose types
/// are known have "variables" with values by name instead of entries. Values of maps that hold
/// programs or maps are the names of those, or their numbers if nobody knows the names. Where these
/// entries are not all, "stopped_by" says why, or "hidden" what no host can read.
class typed_map {
public:
    /// Both must outlive it.
    typed_map(runtime::map &m, const map_types &types) : map_{m}, types_{types} {}

    [[nodiscard]] const map_definition &definition() const noexcept { return map_.definition(); }
    [[nodiscard]] bool is_section() const noexcept { return types_.is_section; }

    /// By key: all, but of arrays only those that are not zero. Of queues and stacks what they
    /// hold, the oldest value first, so that it can be put into another one in this order. None of
    /// Bloom filters, which do not know what was put into them.
    [[nodiscard]] map_listing entries() const;
    [[nodiscard]] json key(const map_entry &e) const;
    [[nodiscard]] json value(std::span<const uint8_t> raw) const;
    /// The name of the object that is there; nothing: none is, or nobody knows its name.
    [[nodiscard]] std::optional<std::string> object_name(std::span<const uint8_t> key) const;
    /// One, or one for each CPU.
    [[nodiscard]] std::vector<json> values(const map_entry &e) const;
    /// Those of a section, as far as types tell; empty: they tell nothing.
    [[nodiscard]] json variables() const;

    /// Name, type and sizes.
    [[nodiscard]] json describe() const;
    /// All of it.
    [[nodiscard]] json to_json() const;
    /// The same with these entries, and without variables.
    [[nodiscard]] json to_json(const map_listing &listing) const;

    /// Puts one entry: {"key": .., "value": ..}; "value" of maps without keys; "values" of per-CPU
    /// maps, of which "value" is for all CPUs. Errors: invalid_argument, and those of
    /// map::update().
    result<void> add(const json &entry) const;
    /// Puts an object of the owner, as value() says it, into a map of objects; of control groups,
    /// the kernel's number. Errors: not_found, and those of object_map.
    result<void> put_object(std::span<const uint8_t> key, const json &value) const;
    /// Puts what to_json() gave, entries alone, or {"key": value, ..} by hand; what else is in the
    /// map stays. Stops at the first error.
    result<void> load(const json &document) const;

private:
    [[nodiscard]] result<std::vector<uint8_t>> read_value(const json &value) const;
    result<void> add_for_cpus(std::span<const uint8_t> key, const json &values) const;
    result<void> set_variable(std::string_view name, const json &value) const;
    result<void> put_program(runtime::object_map &array, std::span<const uint8_t> key,
                             std::string_view name) const;
    result<void> put_map(runtime::object_map &outer, std::span<const uint8_t> key,
                         std::string_view name) const;

    runtime::map &map_;
    map_types types_;
};

/// The entries in what stands for a map's entries: an array of them, or {"key": value, ..}.
[[nodiscard]] json as_entries(const json &entries);

}  // namespace bpftime::vm::runtime_json
