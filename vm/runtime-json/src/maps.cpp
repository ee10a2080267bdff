// bpftime-vm: maps as JSON, with the types that their object knows
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime_json/maps.hpp"

#include "runtime/cpu.hpp"
#include "runtime/read_section.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

namespace bpftime::vm::runtime_json {

namespace {

using runtime::is_percpu;
using bytes = std::vector<uint8_t>;
using bytes_view = std::span<const uint8_t>;

bool is_array(map_type type) { return type == map_type::array or type == map_type::percpu_array; }

bool is_zero(bytes_view value) {
    return std::ranges::all_of(value, [](uint8_t byte) { return byte == 0; });
}

/// Numbers in their order, other keys in that of their bytes.
bool comes_before(const map_entry &a, const map_entry &b) {
    if (a.key.size() > sizeof(uint64_t)) return a.key < b.key;
    return std::ranges::lexicographical_compare(a.key.rbegin(), a.key.rend(), b.key.rbegin(),
                                                b.key.rend());
}

/// A value for each CPU, or the only one.
bytes for_all_cpus(const runtime::map &m, bytes_view value) {
    const std::size_t whole = m.host_value_size();
    if (not is_percpu(m.definition().type)) return {value.begin(), value.end()};
    const std::size_t stride = whole / runtime::cpu_count();
    bytes all(whole);
    for (std::size_t at = 0; at + stride <= whole; at += stride)
        std::ranges::copy(value, all.begin() + static_cast<std::ptrdiff_t>(at));
    return all;
}

constexpr uint32_t first = 0;
bytes_view first_key() { return {reinterpret_cast<const uint8_t *>(&first), sizeof first}; }

const json &part(const json &entry, const char *name) {
    static const json nothing;
    const auto found = entry.find(name);
    return found == entry.end() ? nothing : *found;
}

std::unexpected<error> refuse(std::string_view what) {
    return std::unexpected{make_error(error_code::invalid_argument, what)};
}

}  // namespace

map_types map_types::of(const object::object_file &file, uint32_t index,
                        const runtime::loaded_object *owner) {
    const object::object_map &declared = file.maps()[index];
    const bool is_section = declared.origin != object::map_origin::declared and
                            declared.origin != object::map_origin::legacy;
    return {file.types(), declared.key_type, declared.value_type, is_section, owner};
}

result<void> put(runtime::map &m, bytes_view key, bytes_view value) {
    return m.update(key, for_all_cpus(m, value));
}

// --- from maps

namespace {

/// Whether maps of the type cannot do it, whatever is in them: also as sockets' numbers do not fit.
bool is_of_type(const error &e) {
    return e.code == error_code::unsupported or e.kernel_errno == ENOSPC;
}

/// Of arrays of objects the numbers, which the kernel keeps for itself of some.
result<bytes> lookup(runtime::map &m, bytes_view key) {
    auto value = m.lookup(key);
    if (value or not is_of_type(value.error())) return value;
    const runtime::object_map *const objects = runtime::as_object_map(&m);
    if (objects == nullptr) return value;
    const runtime::read_section reading;
    const auto id = objects->object_id(key.data());
    if (not id) return std::unexpected{make_error(error_code::not_found, "there is no object")};
    bytes number(sizeof *id);
    std::memcpy(number.data(), &*id, sizeof *id);
    return number;
}

error too_many_keys(const map_definition &d) {
    return make_error(error_code::invalid_argument,
                      fmt::format("next key of map {}: it gave more keys than it has room for, "
                                  "as others changed it meanwhile, or damaged it",
                                  d.name));
}

}  // namespace

map_listing typed_map::entries() const {
    map_listing listing;
    if (auto queued = map_.queued_values()) {
        for (bytes &value : *queued) listing.entries.push_back({{}, std::move(value)});
        return listing;
    }
    // A map that others change meanwhile may give keys again, one that they damaged without an end.
    const std::size_t most = definition().max_entries == 0 ? std::numeric_limits<std::size_t>::max()
                                                           : definition().max_entries;
    std::size_t steps = 0;
    auto key = map_.next_key({});
    for (; key and steps < most; key = map_.next_key(*key), ++steps) {
        auto value = lookup(map_, *key);
        if (not value and is_of_type(value.error())) {
            listing.hidden = "no host can read values of maps of this type and size";
            return listing;
        }
        if (value and not(is_array(definition().type) and is_zero(*value)))
            listing.entries.push_back({*key, std::move(*value)});
    }
    if (key)
        listing.stopped_by = too_many_keys(definition());
    else if (is_of_type(key.error()))
        listing.hidden = "no host can list what is in maps of this type";
    else if (key.error().kernel_errno != ENOENT)
        listing.stopped_by = std::move(key.error());
    std::ranges::sort(listing.entries, comes_before);
    return listing;
}

json typed_map::key(const map_entry &e) const {
    return runtime_json::to_json(types_.known, types_.key, e.key);
}

json typed_map::value(bytes_view raw) const {
    return runtime_json::to_json(types_.known, types_.value, raw);
}

std::optional<std::string> typed_map::object_name(bytes_view key) const {
    runtime::object_map *const objects = runtime::as_object_map(&map_);
    if (objects == nullptr or types_.owner == nullptr) return {};
    const runtime::read_section reading;
    const void *const found = objects->lookup_elem(key.data());
    if (found == nullptr) return {};
    for (const runtime::loaded_program &p : types_.owner->programs()) {
        if (p.vm.get() == found) return p.info.name;
    }
    for (uint32_t i = 0; i < types_.owner->maps().size(); ++i) {
        const auto &m = types_.owner->maps()[i];
        if (m != nullptr and m.get() == found) return m->definition().name;
    }
    return {};
}

std::vector<json> typed_map::values(const map_entry &e) const {
    const std::size_t size = definition().value_size;
    if (auto name = object_name(e.key)) return {std::move(*name)};
    if (not is_percpu(definition().type))
        return {value(bytes_view{e.value}.first(std::min(size, e.value.size())))};
    std::vector<json> all;
    const std::size_t stride = e.value.size() / runtime::cpu_count();
    for (std::size_t at = 0; at + stride <= e.value.size(); at += stride)
        all.push_back(value(bytes_view{e.value}.subspan(at, size)));
    return all;
}

json typed_map::variables() const {
    json all = json::object();
    if (not types_.is_section or types_.known == nullptr or types_.value == 0) return all;
    const auto section = map_.lookup(first_key());
    if (not section) return all;
    for (const auto &v : types_.known->variables(types_.known->type(types_.value))) {
        const auto &variable = types_.known->type(v.type);
        if (v.offset > section->size() or v.size > section->size() - v.offset) continue;
        all[std::string{variable.name}] = runtime_json::to_json(
            types_.known, variable.type, bytes_view{*section}.subspan(v.offset, v.size));
    }
    return all;
}

json typed_map::describe() const {
    const map_definition &d = definition();
    return {{"name", d.name},
            {"type", name_of(d.type)},
            {"key_size", d.key_size},
            {"value_size", d.value_size},
            {"max_entries", d.max_entries}};
}

json typed_map::to_json() const {
    json all = variables();
    if (all.empty()) return to_json(entries());
    json document = describe();
    document["variables"] = std::move(all);
    return document;
}

json typed_map::to_json(const map_listing &listing) const {
    json document = describe();
    json rows = json::array();
    for (const map_entry &e : listing.entries) {
        auto all = values(e);
        json row = json::object();
        if (definition().key_size != 0) row["key"] = key(e);
        if (is_percpu(definition().type))
            row["values"] = std::move(all);
        else
            row["value"] = std::move(all.front());
        rows.push_back(std::move(row));
    }
    document["entries"] = std::move(rows);
    if (listing.stopped_by) document["stopped_by"] = listing.stopped_by->message;
    if (not listing.hidden.empty()) document["hidden"] = listing.hidden;
    return document;
}

// --- to maps

json as_entries(const json &entries) {
    if (not entries.is_object()) return entries;
    json rows = json::array();
    for (const auto &[key, value] : entries.items())
        rows.push_back({{"key", key}, {"value", value}});
    return rows;
}

result<bytes> typed_map::read_value(const json &value) const {
    const map_definition &d = definition();
    return from_json(types_.known, types_.value, value, d.value_size,
                     fmt::format("value of map '{}'", d.name));
}

result<void> typed_map::add_for_cpus(bytes_view key, const json &values) const {
    const std::size_t whole = map_.host_value_size();
    const std::size_t stride = whole / runtime::cpu_count();
    if (not is_percpu(definition().type) or not values.is_array() or
        values.size() > runtime::cpu_count()) {
        return refuse(fmt::format("map '{}' takes no {} values for one key", definition().name,
                                  values.size()));
    }
    bytes all(whole);
    for (std::size_t cpu = 0; cpu < values.size(); ++cpu) {
        const auto value = read_value(values[cpu]);
        if (not value) return std::unexpected{value.error()};
        std::ranges::copy(*value, all.begin() + static_cast<std::ptrdiff_t>(cpu * stride));
    }
    return map_.update(key, all);
}

result<void> typed_map::put_program(runtime::object_map &array, bytes_view key,
                                    std::string_view name) const {
    const auto *const p = types_.owner == nullptr ? nullptr : types_.owner->find_program(name);
    if (p == nullptr) {
        return std::unexpected{make_error(
            error_code::not_found, fmt::format("map '{}': no program '{}' of its object is loaded",
                                               definition().name, printable(name)))};
    }
    const auto id = static_cast<uint32_t>(p - types_.owner->programs().data()) + 1;
    return array.set_program(key, p->vm, id, p->as_user());
}

result<void> typed_map::put_map(runtime::object_map &outer, bytes_view key,
                                std::string_view name) const {
    auto inner = types_.owner == nullptr ? nullptr : types_.owner->find_map(name);
    if (inner != nullptr) return outer.set_map(key, std::move(inner));
    return std::unexpected{
        make_error(error_code::not_found, fmt::format("map '{}': its object has made no map '{}'",
                                                      definition().name, printable(name)))};
}

result<void> typed_map::put_object(bytes_view key, const json &value) const {
    runtime::object_map *const objects = runtime::as_object_map(&map_);
    const map_type type = definition().type;
    if (objects == nullptr or key.size() != definition().key_size)
        return refuse(fmt::format("map '{}' holds no objects", definition().name));
    const auto number = from_json(nullptr, 0, value, sizeof(uint32_t), "");
    if (number and type == map_type::cgroup_array) {
        uint32_t group = 0;
        std::memcpy(&group, number->data(), sizeof group);
        // Groups are known by their numbers alone; the object is what keeps the place taken.
        return objects->set_object(key, std::make_shared<uint32_t>(group), group);
    }
    // What was read from this map is still there.
    if (const auto there = lookup(map_, key); number and there and *there == *number) return {};
    if (value.is_string() and type == map_type::prog_array)
        return put_program(*objects, key, value.get_ref<const std::string &>());
    if (value.is_string() and type != map_type::cgroup_array)
        return put_map(*objects, key, value.get_ref<const std::string &>());
    return refuse(fmt::format("map '{}' takes {}, and {} is none", definition().name,
                              type == map_type::prog_array     ? "the names of programs"
                              : type == map_type::cgroup_array ? "the numbers of control groups"
                                                               : "the names of maps",
                              to_text(value)));
}

result<void> typed_map::add(const json &entry) const {
    const map_definition &d = definition();
    bytes key;
    if (d.key_size != 0) {
        auto read = from_json(types_.known, types_.key, part(entry, "key"), d.key_size,
                              fmt::format("key of map '{}'", d.name));
        if (not read) return std::unexpected{std::move(read.error())};
        key = std::move(*read);
    }
    if (runtime::as_object_map(&map_) != nullptr) return put_object(key, part(entry, "value"));
    if (entry.contains("values")) return add_for_cpus(key, entry["values"]);
    const auto value = read_value(part(entry, "value"));
    if (not value) return std::unexpected{value.error()};
    return put(map_, key, *value);
}

result<void> typed_map::set_variable(std::string_view name, const json &value) const {
    if (types_.is_section and types_.known != nullptr and types_.value != 0) {
        for (const auto &v : types_.known->variables(types_.known->type(types_.value))) {
            const auto &variable = types_.known->type(v.type);
            if (variable.name != name) continue;
            const auto read = from_json(types_.known, variable.type, value, v.size,
                                        fmt::format("variable '{}'", printable(name)));
            if (not read) return std::unexpected{read.error()};
            return map_.write_part(first_key(), v.offset, *read);
        }
    }
    return std::unexpected{make_error(
        error_code::not_found,
        fmt::format("map '{}' has no variable '{}'", definition().name, printable(name)))};
}

result<void> typed_map::load(const json &document) const {
    const bool is_whole = document.contains("entries") or document.contains("variables");
    if (not document.is_structured())
        return refuse(fmt::format("map '{}': neither entries nor variables", definition().name));
    const json &variables = part(document, "variables");
    for (const auto &[name, value] : variables.items()) {
        if (auto done = set_variable(name, value); not done) return done;
    }
    for (const json &entry : as_entries(is_whole ? part(document, "entries") : document)) {
        if (auto done = add(entry); not done) return done;
    }
    return {};
}

}  // namespace bpftime::vm::runtime_json
