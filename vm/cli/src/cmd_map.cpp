// bpftime-vm: `bpftime-cli map`: looks into pinned maps, and changes them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "maps.hpp"
#include "options.hpp"
#include "output.hpp"
#include "runtime/map.hpp"
#include "runtime_json/maps.hpp"
#include "values.hpp"

#include <nlohmann/json.hpp>

#include <memory>

namespace bpftime::vm::cli {

namespace {

using byte_vector = std::vector<uint8_t>;

struct map_options {
    std::string action;
    std::string path;
    std::string key;
    std::string value;
    bool as_json = false;
};

/// An argument that the action takes, or does not take.
outcome<byte_vector> parse(const std::string &text, const char *what, bool wanted, std::size_t size,
                           const map_options &options) {
    if (text.empty() != wanted)
        return wanted ? parse_value(text, size, fmt::format("{} of the map", what)) : byte_vector{};
    return fail(exit_code::usage, "`map {}` of '{}' {} a {}", options.action, options.path,
                wanted ? "needs" : "takes no", what);
}

outcome<void> lookup(runtime::map &m, const byte_vector &key, bool as_json) {
    const auto value = m.lookup(key);
    if (not value) return fail("", value.error());
    const runtime_json::typed_map view{m, {}};
    const auto values = view.values({key, *value});
    if (as_json)
        print_json(values.size() == 1 ? json{{"value", values.front()}} : json{{"values", values}});
    else
        print("{}\n", to_line(values.size() == 1 ? values.front() : json(values)));
    return {};
}

outcome<void> in_words(result<void> done) {
    return done ? outcome<void>{} : fail("", done.error());
}

outcome<void> run(const map_options &options) {
    const auto opened = runtime::map::open_pinned(options.path);
    if (not opened) return fail("", opened.error());
    runtime::map &m = **opened;
    const map_definition &d = m.definition();
    const bool updates = options.action == "update";
    const bool has_key = options.action != "dump" and d.key_size != 0;
    // Maps without keys take a value where others take a key.
    const std::string &key_text = d.key_size != 0 or not updates ? options.key : options.value;
    const std::string &value_text =
        d.key_size == 0 and options.value.empty() ? options.key : options.value;
    const auto key = parse(key_text, "key", has_key, d.key_size, options);
    if (not key) return std::unexpected{key.error()};
    const auto value =
        parse(updates ? value_text : options.value, "value", updates, d.value_size, options);
    if (not value) return std::unexpected{value.error()};
    if (options.action == "dump") return options.as_json ? print_map_as_json(m) : print_map(m);
    if (options.action == "lookup") return lookup(m, *key, options.as_json);
    if (updates) return in_words(runtime_json::put(m, *key, *value));
    return in_words(m.remove(*key));
}

}  // namespace

void add_map(CLI::App &app, context &ctx) {
    const auto options = std::make_shared<map_options>();
    command c{app, ctx, "map", "Look into a pinned map, or change it", options->as_json, [options] {
                  return run(*options);
              }};
    c.required("ACTION", options->action, "What to do", {"dump", "lookup", "update", "delete"});
    c.required("FILE", options->path, "The map, as `run --pin` or a host pinned it");
    c.positional("KEY", options->key,
                 "A number, or bytes as x00112233; of maps without keys, none");
    c.positional("VALUE", options->value, "The same; per-CPU maps get it for every CPU");
}

}  // namespace bpftime::vm::cli
