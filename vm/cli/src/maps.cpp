// bpftime-vm: the maps of an object that runs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "maps.hpp"

#include "runtime/iterator.hpp"
#include "runtime/object_map.hpp"
#include "runtime/ring_buffer.hpp"
#include "runtime_json/maps.hpp"
#include "table.hpp"
#include "values.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

namespace bpftime::vm::cli {

namespace {

using object::btf;
using object::btf_kind;
using object::object_file;
using runtime::is_percpu;
using runtime::loaded_object;
using runtime_json::map_entry;
using runtime_json::map_listing;
using runtime_json::map_types;
using runtime_json::typed_map;
using byte_vector = std::vector<uint8_t>;
using bytes_view = std::span<const uint8_t>;

/// Rows of a map that was not named.
constexpr std::size_t most_shown = 64;

bool is_array(map_type type) { return type == map_type::array or type == map_type::percpu_array; }

bool is_zero(bytes_view value) {
    return std::ranges::all_of(value, [](uint8_t byte) { return byte == 0; });
}

struct assignment {
    std::string_view name;
    std::string_view value;
};

outcome<assignment> split(std::string_view text, std::string_view form) {
    const auto at = text.find('=');
    if (at == text.npos or at == 0)
        return fail(exit_code::usage, "'{}' is not written as {}", text, form);
    return assignment{text.substr(0, at), text.substr(at + 1)};
}

std::string list_maps(const loaded_object &object) {
    std::vector<std::string_view> names;
    for (uint32_t i = 0; i < object.maps().size(); ++i) {
        if (object.maps()[i] != nullptr) names.push_back(object.maps()[i]->definition().name);
    }
    return names.empty() ? "it uses none" : fmt::format("there are: {}", fmt::join(names, ", "));
}

outcome<std::shared_ptr<runtime::map>> find_map(const loaded_object &object,
                                                std::string_view name) {
    auto found = object.find_map(name);
    if (found != nullptr) return found;
    return fail(exit_code::bad_input, "the program uses no map '{}'; {}", name, list_maps(object));
}

struct entry_text {
    std::string_view key;
    std::string_view value;
};

outcome<entry_text> split_entry(std::string_view name, std::string_view entry) {
    const auto colon = end_of_key(entry);
    if (colon != entry.npos) return entry_text{entry.substr(0, colon), entry.substr(colon + 1)};
    return fail(exit_code::usage, "entry '{}' of map '{}' is not written as KEY:VALUE", entry,
                name);
}

/// Puts a program or map of the object, or the number of a control group, into a map of such.
outcome<void> set_object(const loaded_object &object, runtime::map &m, bytes_view key,
                         std::string_view value) {
    const typed_map map{m, {.owner = &object}};
    auto done = map.put_object(key, std::string{value});
    return done ? outcome<void>{} : fail("", done.error());
}

outcome<void> set_entry(const loaded_object &object, runtime::map &m, const map_types &types,
                        std::string_view entry) {
    const map_definition &d = m.definition();
    const auto parts = split_entry(d.name, entry);
    if (not parts) return std::unexpected{parts.error()};
    byte_vector key;
    if (d.key_size == 0 and not parts->key.empty()) {
        return fail(exit_code::usage, "map '{}' is a {}, which has no keys: write --map {}=:VALUE",
                    d.name, name_of(d.type), d.name);
    }
    if (d.key_size != 0) {
        auto parsed = parse_value(parts->key, d.key_size, fmt::format("key of map '{}'", d.name),
                                  {types.known, types.key});
        if (not parsed) return std::unexpected{std::move(parsed.error())};
        key = std::move(*parsed);
    }
    if (runtime::as_object_map(&m) != nullptr) return set_object(object, m, key, parts->value);
    auto value = parse_value(parts->value, d.value_size, fmt::format("value of map '{}'", d.name),
                             {types.known, types.value});
    if (not value) return std::unexpected{std::move(value.error())};
    auto done = runtime_json::put(m, key, *value);
    return done ? outcome<void>{} : fail("", done.error());
}

// --- types of records

/// The struct or union of this name, or what a typedef of this name is.
std::optional<uint32_t> find_struct(const btf *types, std::string_view name) {
    if (types == nullptr) return {};
    for (const btf_kind kind : {btf_kind::structure, btf_kind::union_, btf_kind::type_definition}) {
        const auto found = types->find(name, kind);
        if (found and types->size_of(*found) and types->type(types->resolve(*found)).is_composite())
            return found;
    }
    return {};
}

/// What global variables point to whose names begin with "unused": so programs get the structs of
/// their records into the object's types (`const struct event *unused;`).
std::vector<uint32_t> unused_types(const btf *types) {
    std::vector<uint32_t> found;
    if (types == nullptr) return found;
    for (const object::btf_type &t : types->types()) {
        if (t.kind != btf_kind::variable or not t.name.starts_with("unused")) continue;
        const object::btf_type &pointer = types->type(types->resolve(t.type));
        const bool is_pointer = pointer.kind == btf_kind::pointer;
        if (is_pointer and types->type(types->resolve(pointer.type)).is_composite())
            found.push_back(pointer.type);
    }
    return found;
}

/// Structs that a record may be, by what the object says of its variables, maps and functions.
class record_types {
public:
    explicit record_types(const object_file &file) : file_{file}, types_{file.types()} {}

    std::vector<uint32_t> find() && {
        if (types_ == nullptr) return {};
        for (uint32_t id = 1; id < types_->size(); ++id) {
            const object::btf_type &t = types_->type(id);
            if (t.kind == btf_kind::variable) add(t.type);
            if (t.kind == btf_kind::function) add_parameters(t);
        }
        for (const object::object_map &m : file_.maps()) {
            if (m.origin != object::map_origin::declared) continue;
            add(m.key_type);
            add(m.value_type);
        }
        std::erase_if(found_, [&](uint32_t id) { return contexts_.contains(id); });
        return {found_.begin(), found_.end()};
    }

private:
    /// What a type is, or what it points to.
    [[nodiscard]] uint32_t struct_of(uint32_t id) const {
        uint32_t whole = types_->resolve(id);
        if (types_->type(whole).kind == btf_kind::pointer)
            whole = types_->resolve(types_->type(whole).type);
        return whole;
    }

    void add(uint32_t id) {
        const uint32_t whole = struct_of(id);
        const object::btf_type &t = types_->type(whole);
        if (t.kind == btf_kind::structure and not t.name.empty() and t.size != 0)
            found_.insert(whole);
    }

    /// What programs get is theirs to read, and no record.
    void add_parameters(const object::btf_type &function) {
        const auto is_it = [&](const object::function_info &f) {
            return f.is_program and f.name == function.name;
        };
        const bool is_program = std::ranges::any_of(file_.functions(), is_it);
        for (const auto &p : types_->parameters(types_->type(function.type))) {
            if (is_program)
                contexts_.insert(struct_of(p.type));
            else
                add(p.type);
        }
    }

    const object_file &file_;
    const btf *types_;
    std::set<uint32_t> found_;
    std::set<uint32_t> contexts_;
};

// --- showing maps

typed_map view_of(const object_file &file, const loaded_object &object, uint32_t index) {
    return {*object.maps()[index], map_types::of(file, index, &object)};
}

std::string value_line(const typed_map &map, const map_entry &e) {
    const auto all = map.values(e);
    if (not is_percpu(map.definition().type)) return to_line(all.front());
    const std::size_t stride = e.value.size() / all.size();
    std::vector<std::string> cpus;
    for (std::size_t cpu = 0; cpu < all.size(); ++cpu) {
        if (not is_zero(bytes_view{e.value}.subspan(cpu * stride, stride)))
            cpus.push_back(fmt::format("cpu{} {}", cpu, to_line(all[cpu])));
    }
    return cpus.empty() ? "0" : fmt::format("{}", fmt::join(cpus, ", "));
}

/// A record as the struct that it is, with what follows it as "rest".
json record_to_json(const btf *types, const record_log::stream &stream, bytes_view sent) {
    if (types == nullptr) return to_hex(sent);
    const auto type = stream.type_of(sent.size(), *types).id;
    if (not type) return to_hex(sent);
    const uint64_t size = *types->size_of(*type);
    json shown = to_json(types, *type, sent.first(size));
    if (size < sent.size()) shown["rest"] = to_hex(sent.subspan(size));
    return shown;
}

std::string shape_of(const map_definition &d) {
    if (d.type == map_type::ringbuf or d.type == map_type::user_ringbuf)
        return fmt::format("{} bytes", d.max_entries);
    if (d.type == map_type::arena) return fmt::format("{} pages", d.max_entries);
    if (d.max_entries == 0)  // a value for each of what somebody else has
        return fmt::format("values of {}", d.value_size);
    const std::string keys = d.key_size == 0 ? "" : fmt::format(", keys of {} bytes", d.key_size);
    return fmt::format("{} entries at most{}, values of {}", d.max_entries, keys, d.value_size);
}

void print_rest(std::size_t all, std::size_t shown, const std::string &name) {
    if (all > shown) print("  and {} more (--maps {} shows all)\n", all - shown, name);
}

/// The names of structs that records are taken for as they have their size.
std::set<std::string> guesses(const btf *types, const record_log::stream &stream) {
    std::set<std::string> names;
    if (types == nullptr) return names;
    for (const byte_vector &record : stream.first) {
        const auto type = stream.type_of(record.size(), *types);
        if (type.is_guess) names.insert(printable(types->type(*type.id).name));
    }
    return names;
}

void print_records(const btf *types, const record_log::stream &stream, bool in_full) {
    const auto guessed = guesses(types, stream);
    print("  records: {}{}\n", stream.count,
          guessed.empty() ? ""
                          : fmt::format(" (by their size taken for struct {}; --event tells)",
                                        fmt::join(guessed, ", ")));
    const std::size_t shown =
        std::min(stream.first.size(), in_full ? stream.first.size() : most_shown);
    for (const byte_vector &record : std::span{stream.first}.first(shown))
        print("  {}\n", to_line(record_to_json(types, stream, record)));
    if (stream.count > shown) print("  and {} more\n", stream.count - shown);
}

void print_variables(const json &variables) {
    table t{{{"variable"}, {"value"}}};
    for (const auto &[name, value] : variables.items()) t.add({printable(name), to_line(value)});
    t.print(2);
}

outcome<void> all_of(const map_listing &listing) {
    return listing.stopped_by ? fail("", *listing.stopped_by) : outcome<void>{};
}

void print_entries(const typed_map &view, const map_listing &listing, bool in_full) {
    const auto &entries = listing.entries;
    if (not listing.hidden.empty()) print("  {}\n", listing.hidden);
    if (entries.empty() and not listing.hidden.empty()) return;
    if (entries.empty()) {
        if (not listing.stopped_by)
            print("  {}\n", is_array(view.definition().type) ? "all zero" : "no entries");
        return;
    }
    const std::size_t shown = in_full ? entries.size() : std::min(entries.size(), most_shown);
    const bool has_keys = view.definition().key_size != 0;
    table t{has_keys ? std::vector<column>{{"key"}, {"value"}} : std::vector<column>{{"value"}}};
    for (const map_entry &e : std::span{entries}.first(shown)) {
        if (has_keys)
            t.add({to_line(view.key(e)), value_line(view, e)});
        else
            t.add({value_line(view, e)});
    }
    t.print(2);
    print_rest(entries.size(), shown, view.definition().name);
}

/// Whether that is all, or why not.
outcome<void> print_map(const typed_map &view, const btf *types, const record_log::stream *stream,
                        bool in_full) {
    const map_definition &d = view.definition();
    const json variables = view.variables();
    const std::string what = view.is_section() ? "data" : std::string{name_of(d.type)};
    print("\n{}\n", paint(colour::bold,
                          fmt::format("map {} ({}, {})", d.name, what,
                                      view.is_section() ? fmt::format("{} bytes", d.value_size)
                                                        : shape_of(d)),
                          stdout));
    if (stream != nullptr) {
        print_records(types, *stream, in_full);
        return {};
    }
    if (not variables.empty()) {
        print_variables(variables);
        return {};
    }
    const auto listing = view.entries();
    print_entries(view, listing, in_full);
    return all_of(listing);
}

json map_to_json(const typed_map &view, const btf *types, const record_log::stream *stream) {
    if (stream == nullptr) return view.to_json();
    json document = view.describe();
    json records = json::array();
    for (const byte_vector &record : stream->first)
        records.push_back(record_to_json(types, *stream, record));
    document.update({{"count", stream->count}, {"records", std::move(records)}});
    if (const auto guessed = guesses(types, *stream); not guessed.empty())
        document["guessed_types"] = guessed;
    return document;
}

}  // namespace

outcome<void> print_map(runtime::map &m) {
    return print_map(typed_map{m, {}}, nullptr, nullptr, true);
}

outcome<void> print_map_as_json(runtime::map &m) {
    const typed_map view{m, {}};
    const auto listing = view.entries();
    print_json(view.to_json(listing));
    return all_of(listing);
}

namespace {

/// Whether a variable is one of the kernel's configuration, and got a value as that writes it. An
/// error says why not.
result<bool> configure(object_file &file, const object::global_variable &place,
                       const assignment &wanted) {
    if (file.maps()[place.map].origin != object::map_origin::config) return false;
    const auto done = file.configure(wanted.name, wanted.value);
    return done ? result<bool>{true} : std::unexpected{done.error()};
}

}  // namespace

outcome<void> set_variables(object_file &file, std::span<const std::string> texts) {
    for (const std::string &text : texts) {
        const auto parts = split(text, "VARIABLE=VALUE");
        if (not parts) return std::unexpected{parts.error()};
        const auto place = file.global(parts->name);
        if (not place) return fail("--set", place.error());
        const auto configured = configure(file, *place, *parts);
        if (configured and *configured) continue;
        const auto value =
            parse_value(parts->value, place->size, fmt::format("variable '{}'", parts->name),
                        {file.types(), place->type});
        if (not value and not configured) return fail("--set", configured.error());
        if (not value) return std::unexpected{value.error()};
        if (auto done = file.set(parts->name, *value); not done) return fail("--set", done.error());
    }
    return {};
}

std::optional<uint32_t> index_of(const object_file &file, std::string_view name) {
    for (uint32_t i = 0; i < file.maps().size(); ++i) {
        if (file.maps()[i].definition.name == name) return i;
    }
    return {};
}

outcome<void> set_entries(const object_file &file, const loaded_object &object,
                          std::span<const std::string> texts) {
    for (const std::string &text : texts) {
        const auto parts = split(text, "MAP=KEY:VALUE");
        if (not parts) return std::unexpected{parts.error()};
        const auto m = find_map(object, parts->name);
        if (not m) return std::unexpected{m.error()};
        const auto index = index_of(file, parts->name);
        const map_types types = index ? map_types::of(file, *index) : map_types{};
        if (auto done = set_entry(object, **m, types, parts->value); not done) return done;
    }
    return {};
}

namespace {

std::unexpected<failure> no_map(std::string_view name) {
    return fail(exit_code::bad_input, "the object has no map '{}'", name);
}

outcome<void> read_size(const object_file &file, const std::string &text, map_wishes &wishes) {
    const auto parts = split(text, "MAP=NUMBER");
    if (not parts) return std::unexpected{parts.error()};
    if (not index_of(file, parts->name)) return no_map(parts->name);
    const auto number = parse_value(parts->value, sizeof(uint32_t),
                                    fmt::format("number of entries of map '{}'", parts->name));
    if (not number) return std::unexpected{number.error()};
    uint32_t entries = 0;
    std::memcpy(&entries, number->data(), sizeof entries);
    wishes.max_entries.insert_or_assign(std::string{parts->name}, entries);
    return {};
}

}  // namespace

outcome<void> map_wishes::add_object(const object_file &file, uint32_t map,
                                     std::string_view value) {
    const map_definition &d = file.maps()[map].definition;
    const auto is_it = [value](const object::function_info &f) {
        return f.is_program and f.name == value;
    };
    if (d.type == map_type::prog_array) {
        const auto found = std::ranges::find_if(file.functions(), is_it);
        if (found == file.functions().end()) {
            return fail(exit_code::bad_input, "map '{}': the object has no program '{}'", d.name,
                        value);
        }
        targets.push_back(&*found);
    } else if (d.type == map_type::array_of_maps or d.type == map_type::hash_of_maps) {
        const auto found = index_of(file, value);
        if (not found) return no_map(value);
        maps.push_back(*found);
    }
    return {};
}

namespace {

/// The map of an entry is made, and what of the object is its value.
outcome<void> read_entry(const object_file &file, const std::string &text, map_wishes &wishes) {
    const auto parts = split(text, "MAP=KEY:VALUE");
    if (not parts) return std::unexpected{parts.error()};
    const auto index = index_of(file, parts->name);
    if (not index) return no_map(parts->name);
    wishes.maps.push_back(*index);
    const auto entry = split_entry(parts->name, parts->value);
    if (not entry) return std::unexpected{entry.error()};
    return wishes.add_object(file, *index, entry->value);
}

bool may_be_iterated(const object::object_map &m) {
    return m.origin != object::map_origin::data and m.origin != object::map_origin::config and
           runtime::can_be_iterated(m.definition.type);
}

}  // namespace

outcome<map_wishes> read_wishes(const object_file &file, std::span<const std::string> sizes,
                                std::span<const std::string> entries, std::string_view over) {
    map_wishes wishes;
    for (const std::string &text : sizes) {
        if (auto done = read_size(file, text, wishes); not done)
            return std::unexpected{std::move(done.error())};
    }
    for (const std::string &text : entries) {
        if (auto done = read_entry(file, text, wishes); not done)
            return std::unexpected{std::move(done.error())};
    }
    if (over.empty()) return wishes;
    const auto index = index_of(file, over);
    if (not index) return no_map(over);
    wishes.maps.push_back(*index);
    return wishes;
}

outcome<uint32_t> choose_iterated(const object_file &file, std::string_view over) {
    if (not over.empty()) {
        const auto index = index_of(file, over);
        return index ? outcome<uint32_t>{*index} : no_map(over);
    }
    std::vector<std::string_view> names;
    uint32_t last = 0;
    for (uint32_t i = 0; i < file.maps().size(); ++i) {
        if (not may_be_iterated(file.maps()[i])) continue;
        names.push_back(file.maps()[i].definition.name);
        last = i;
    }
    if (names.size() == 1) return last;
    if (names.empty()) {
        return fail(exit_code::bad_input,
                    "the object has no map whose entries a program could iterate over");
    }
    return fail(exit_code::usage, "say over which map the program iterates: --over {}",
                fmt::join(names, ", --over "));
}

outcome<void> record_log::set_types(const object_file &file, std::span<const std::string> texts) {
    const std::vector<uint32_t> unused = unused_types(file.types());
    const std::vector<uint32_t> guessed = record_types{file}.find();
    for (stream &s : streams_) {
        s.types = unused;
        s.guessed = guessed;
        s.has_packets = file.maps()[s.map].definition.type == map_type::perf_event_array;
    }
    for (const std::string &text : texts) {
        const auto parts = split(text, "MAP=STRUCT");
        if (not parts) return std::unexpected{parts.error()};
        const auto type = find_struct(file.types(), parts->value);
        if (not type) {
            return fail(exit_code::bad_input, "--event {}: the object has no struct '{}'", text,
                        parts->value);
        }
        const auto found = std::ranges::find_if(streams_, [&](const stream &s) {
            return file.maps()[s.map].definition.name == parts->name;
        });
        if (found == streams_.end()) {
            return fail(exit_code::bad_input,
                        "--event {}: the program sends no records to a map '{}'", text,
                        parts->name);
        }
        if (not std::exchange(found->has_named_types, true)) found->types.clear();
        found->types.push_back(*type);
    }
    return {};
}

record_log::stream::record_type record_log::stream::type_of(std::size_t size,
                                                            const btf &known) const {
    const auto has_size = [&](uint32_t type) { return known.size_of(type) == size; };
    const auto only = [&](const std::vector<uint32_t> &all) -> std::optional<uint32_t> {
        if (std::ranges::count_if(all, has_size) != 1) return {};
        return *std::ranges::find_if(all, has_size);
    };
    if (const auto it = only(types)) return {it, false};
    const bool may_be_longer = has_named_types or has_packets;
    if (may_be_longer and types.size() == 1 and known.size_of(types.front()) < size)
        return {types.front(), false};
    if (has_named_types or not types.empty()) return {};
    const auto guess = only(guessed);
    return {guess, guess.has_value()};
}

outcome<void> record_log::watch(const loaded_object &object) {
    constexpr uint32_t ring_bytes = 1 << 20;
    for (uint32_t i = 0; i < object.maps().size(); ++i) {
        auto m = object.maps()[i];
        if (m == nullptr) continue;
        if (m->definition().type == map_type::perf_event_array) {
            auto ring = runtime::collect_events(*runtime::as_object_map(m.get()), ring_bytes);
            if (not ring) return fail(m->definition().name, ring.error());
            m = std::move(*ring);
        }
        if (auto *const ring = runtime::as_ring_buffer(m.get()))
            streams_.push_back({.map = i, .ring = ring});
    }
    return {};
}

void record_log::drain() {
    for (stream &s : streams_) {
        if (s.ring->query(static_cast<uint64_t>(runtime::ring_query::available_data)) == 0)
            continue;
        s.ring->consume([&s](bytes_view record) {
            if (s.first.size() < most_kept) s.first.emplace_back(record.begin(), record.end());
            ++s.count;
            return true;
        });
    }
}

const record_log::stream *record_log::find(uint32_t map) const noexcept {
    const auto found = std::ranges::find(streams_, map, &stream::map);
    return found == streams_.end() ? nullptr : &*found;
}

outcome<map_choice> map_choice::of(std::string_view text, const object_file &file,
                                   const loaded_object &object) {
    map_choice choice;
    const bool all = text == "all";
    if (text == "none") return choice;
    choice.in_full_ = not text.empty();
    if (text.empty() or all) {
        for (uint32_t i = 0; i < object.maps().size(); ++i) {
            if (object.maps()[i] != nullptr and (all or not file.maps()[i].frozen))
                choice.maps_.push_back(i);
        }
        return choice;
    }
    while (not text.empty()) {
        const std::string_view name = text.substr(0, text.find(','));
        const auto m = find_map(object, name);
        if (not m) return std::unexpected{m.error()};
        for (uint32_t i = 0; i < object.maps().size(); ++i) {
            if (object.maps()[i] == *m) choice.maps_.push_back(i);
        }
        text.remove_prefix(std::min(text.size(), name.size() + 1));
    }
    return choice;
}

void print_maps(const object_file &file, const loaded_object &object, const record_log &records,
                const map_choice &chosen) {
    for (const uint32_t i : chosen.maps()) {
        const auto done =
            print_map(view_of(file, object, i), file.types(), records.find(i), chosen.in_full());
        if (not done) warn(done.error().message);
    }
}

json maps_to_json(const object_file &file, const loaded_object &object, const record_log &records,
                  const map_choice &chosen) {
    json all = json::array();
    for (const uint32_t i : chosen.maps()) {
        all.push_back(map_to_json(view_of(file, object, i), file.types(), records.find(i)));
        if (const auto why = all.back().find("stopped_by"); why != all.back().end())
            warn(why->get<std::string>());
    }
    return all;
}

}  // namespace bpftime::vm::cli
