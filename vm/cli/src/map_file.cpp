// bpftime-vm: a JSON file with values of variables and entries of maps
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "map_file.hpp"

#include "capture.hpp"
#include "input.hpp"
#include "runtime_json/maps.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace bpftime::vm::cli {

namespace {

constexpr std::size_t largest_file = std::size_t{1} << 30;

/// The array of maps of a whole document, of an array alone, or of an object by names.
json maps_of(json document) {
    if (document.is_array()) return document;
    if (const auto maps = document.find("maps"); maps != document.end() and maps->is_array())
        return std::move(*maps);
    json maps = json::array();
    for (const auto &[name, entries] : document.items()) {
        maps.push_back({{"name", name}, {"entries", runtime_json::as_entries(entries)}});
    }
    return maps;
}

outcome<void> set_variable(object::object_file &file, const std::string &name, const json &value) {
    const auto place = file.global(name);
    if (not place) return fail("", place.error());
    const auto read =
        runtime_json::from_json(file.types(), place->type, value, place->size,
                                fmt::format("variable '{}'", runtime_json::printable(name)));
    if (not read) return fail("", read.error());
    auto done = file.set(name, *read);
    return done ? outcome<void>{} : fail("", done.error());
}

bool holds_objects(map_type type) noexcept {
    return type == map_type::prog_array or type == map_type::array_of_maps or
           type == map_type::hash_of_maps;
}

outcome<void> with_subject(const std::string &path, outcome<void> done) {
    if (not done) done.error().message = fmt::format("{}: {}", path, done.error().message);
    return done;
}

}  // namespace

map_file::map_file(const std::string &path)
    : path_{path}, maps_{std::make_unique<json>(json::array())} {}
map_file::map_file(map_file &&) noexcept = default;
map_file &map_file::operator=(map_file &&) noexcept = default;
map_file::~map_file() = default;

outcome<json> read_json_file(const std::string &path) {
    const file_handle file{std::fopen(path.c_str(), "rb")};
    if (not file) return fail(exit_code::io, "cannot read '{}': {}", path, std::strerror(errno));
    const auto text = read_file(file.get(), path, largest_file);
    if (not text) return std::unexpected{text.error()};
    auto document =
        runtime_json::parse({reinterpret_cast<const char *>(text->data()), text->size()});
    return document ? outcome<json>{std::move(*document)} : fail(path, document.error());
}

outcome<map_file> map_file::read(const std::string &path) {
    auto document = read_json_file(path);
    if (not document) return std::unexpected{std::move(document.error())};
    return of(path, std::move(*document));
}

outcome<map_file> map_file::of(const std::string &path, json document) {
    map_file made{path};
    const bool is_structured = document.is_structured();
    if (is_structured) *made.maps_ = maps_of(std::move(document));
    const bool are_maps = std::ranges::all_of(*made.maps_, [](const json &m) {
        return m.is_object() and m.contains("name") and m["name"].is_string() and
               (not m.contains("entries") or m["entries"].is_array()) and
               (not m.contains("variables") or m["variables"].is_object());
    });
    if (is_structured and are_maps) return made;
    return fail(exit_code::bad_input,
                "{}: neither what `run --json` prints of maps, nor an object of entries by map",
                path);
}

outcome<void> map_file::set_variables(object::object_file &file) const {
    for (const json &m : *maps_) {
        if (not m.contains("variables")) continue;
        for (const auto &[name, value] : m["variables"].items()) {
            if (auto done = with_subject(path_, set_variable(file, name, value)); not done)
                return done;
        }
    }
    return {};
}

outcome<void> map_file::add_wishes(const object::object_file &file, map_wishes &wishes) const {
    for (const json &m : *maps_) {
        const auto entries = m.find("entries");
        if (entries == m.end() or entries->empty()) continue;
        const auto index = index_of(file, m["name"].get_ref<const std::string &>());
        if (not index or not holds_objects(file.maps()[*index].definition.type)) continue;
        wishes.maps.push_back(*index);
        for (const json &entry : *entries) {
            const auto value = entry.is_object() ? entry.find("value") : entry.end();
            if (value == entry.end() or not value->is_string()) continue;
            auto done = wishes.add_object(file, *index, value->get_ref<const std::string &>());
            if (not done) return with_subject(path_, std::move(done));
        }
    }
    return {};
}

outcome<void> map_file::fill(const object::object_file &file,
                             const runtime::loaded_object &object) const {
    for (const json &m : *maps_) {
        if (not m.contains("entries")) continue;
        const auto &name = m["name"].get_ref<const std::string &>();
        const auto index = index_of(file, name);
        if (not index)
            return fail(exit_code::bad_input, "{}: the object has no map '{}'", path_,
                        runtime_json::printable(name));
        runtime::map *const made = object.maps()[*index].get();
        if (made == nullptr) continue;
        const runtime_json::typed_map map{*made,
                                          runtime_json::map_types::of(file, *index, &object)};
        for (const json &entry : m["entries"]) {
            if (auto done = map.add(entry); not done) return fail(path_, done.error());
        }
    }
    return {};
}

}  // namespace bpftime::vm::cli
