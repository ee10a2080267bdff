// bpftime-vm: fuzz target: any text as what users write of variables and maps: --set, --map, map
// files, networks Copyright (c) 2026 The bpftime-vm authors SPDX-License-Identifier: MIT
#include "common.hpp"
#include "entries_input.hpp"
#include "map_file.hpp"
#include "maps.hpp"
#include "object/object.hpp"
#include "runtime/loaded_object.hpp"
#include "runtime/object_map.hpp"
#include "runtime_json/maps.hpp"
#include "runtime_json/network.hpp"
#include "values.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>

using namespace bpftime::vm;
using namespace bpftime::vm::fuzz;

namespace {

tally counts{"fuzz_entries"};

const byte_vector &object_bytes() {
    static const byte_vector all = [] {
        std::ifstream in{FUZZ_ENTRIES_OBJECT, std::ios::binary};
        return byte_vector{std::istreambuf_iterator<char>{in}, {}};
    }();
    return all;
}

object::object_file parse_object() {
    auto file = object::object_file::parse(object_bytes());
    require(file.has_value(), "entries.bpf.o is an object");
    return std::move(*file);
}

/// The object whose maps are filled, and emptied again.
struct subject {
    object::object_file file = parse_object();
    runtime::loaded_object object = runtime::loaded_object::load(file, {.backend = "ubpf"}).value();

    runtime_json::typed_map map(uint32_t index) const {
        return {*object.maps()[index], runtime_json::map_types::of(file, index)};
    }
    void clear() const {
        for (uint32_t i = 0; i < object.maps().size(); ++i) {
            runtime::map &m = *object.maps()[i];
            for (auto key = m.next_key({}); key; key = m.next_key({})) {
                if (not m.remove(*key)) break;
            }
            std::vector<uint8_t> value(m.host_value_size());
            while (m.definition().key_size == 0 and m.lookup_and_delete({}, value)) {
            }
        }
    }
};

const subject &loaded() {
    static const subject only;
    return only;
}

void check_message(std::string_view message) {
    require(not message.empty() and
                std::ranges::all_of(message, [](char c) { return c >= ' ' or c == '\n'; }),
            "messages can be shown on a terminal");
}

/// Whether it went well; if not, it is the fault of whoever wrote the text. Messages repeat what
/// was on the command line as it was.
bool check(const cli::outcome<void> &done, bool is_of_command_line) {
    if (done) return true;
    require(done.error().code == cli::exit_code::bad_input or
                done.error().code == cli::exit_code::usage or
                done.error().code == cli::exit_code::unsupported,
            "what users write is no defect");
    if (not is_of_command_line) check_message(done.error().message);
    require(not done.error().message.empty(), "messages say something");
    return false;
}

/// What is printed of a map can be read, and is what the map is then, too.
void check_round_trip(uint32_t index) {
    runtime::map &m = *loaded().object.maps()[index];
    if (runtime::as_object_map(&m) != nullptr or m.definition().key_size == 0) return;
    const auto map = loaded().map(index);
    const auto text = runtime_json::to_text(map.to_json());
    const auto document = runtime_json::parse(text);
    require(document.has_value(), "what is printed is JSON");
    if (loaded().file.maps()[index].frozen) return;
    const auto done = map.load(*document);
    require(done.has_value(), done ? "" : done.error().message);
    require(runtime_json::to_text(map.to_json()) == text, "what is printed is what is read");
}

void check_arguments(const std::string &text) {
    const std::vector<std::string> one{text};
    auto file = parse_object();
    if (check(cli::set_variables(file, one), true)) counts.count("--set");
    const auto wishes = cli::read_wishes(file, one, {}, "");
    require(wishes.has_value() or not wishes.error().message.empty(), "messages say something");
    if (check(cli::set_entries(loaded().file, loaded().object, one), true)) counts.count("--map");
}

void check_document(std::string_view text) {
    auto document = runtime_json::parse(text);
    if (not document) return check_message(document.error().message);
    counts.count("JSON");
    const auto again = runtime_json::parse(runtime_json::to_text(*document));
    require(again.has_value() and runtime_json::to_text(*again) == runtime_json::to_text(*document),
            "JSON stays the same");
    static_cast<void>(cli::to_line(*document));
    runtime::network network;
    if (const auto done = runtime_json::add_to(network, *document); not done)
        check_message(done.error().message);
    for (uint32_t i = 0; i < loaded().object.maps().size(); ++i) {
        if (const auto done = loaded().map(i).load(*document); not done)
            check_message(done.error().message);
    }
    auto file = parse_object();
    const auto read = cli::map_file::of("maps.json", std::move(*document));
    if (not read) return check_message(read.error().message);
    counts.count("map file");
    static_cast<void>(check(read->set_variables(file), false));
    if (check(read->fill(loaded().file, loaded().object), false)) counts.count("filled");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, std::size_t size) {
    counts.count_input();
    const std::string text{reinterpret_cast<const char *>(data), size};
    check_arguments(text);
    check_document(text);
    for (uint32_t i = 0; i < loaded().object.maps().size(); ++i) check_round_trip(i);
    loaded().clear();
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(uint8_t *data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
    return mutate_entries_input(data, size, max_size, seed);
}
