// bpftime-vm: the maps of an object that runs: what is put in before, what is in them afterwards
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "failure.hpp"
#include "object/object.hpp"
#include "output.hpp"
#include "runtime/loaded_object.hpp"
#include "runtime/ring_buffer.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::cli {

/// Gives variables of the object other values; each text is "variable=value".
[[nodiscard]] outcome<void> set_variables(object::object_file &file,
                                          std::span<const std::string> texts);

/// What a host wants of the maps of an object before they are made.
struct map_wishes {
    std::map<std::string, uint32_t, std::less<>> max_entries;  ///< by name
    std::vector<uint32_t> maps;  ///< that are made though no program may reach them, by index
    /// Programs that are to be loaded with the others, for arrays of programs.
    std::vector<const object::function_info *> targets;

    /// What of the object is to be there for `value` to be in the map, by name.
    [[nodiscard]] outcome<void> add_object(const object::object_file &file, uint32_t map,
                                           std::string_view value);
};

/// `sizes`: "map=number of entries"; `entries`: as set_entries() takes them; `over`: a map, or "".
[[nodiscard]] outcome<map_wishes> read_wishes(const object::object_file &file,
                                              std::span<const std::string> sizes,
                                              std::span<const std::string> entries,
                                              std::string_view over);

/// The map that programs iterate over: of this name or, if that is empty, the only one there is.
[[nodiscard]] outcome<uint32_t> choose_iterated(const object::object_file &file,
                                                std::string_view over);

/// What programs sent to the host.
class record_log {
public:
    /// Of the map with index `map`; of one that the host has to provide a ring buffer for, too.
    struct stream {
        uint32_t map = 0;
        runtime::ring_buffer *ring = nullptr;
        uint64_t count = 0;
        std::vector<std::vector<uint8_t>> first{};  ///< of all, most_kept at most
        std::vector<uint32_t> types{};              ///< that its records may have
        std::vector<uint32_t> guessed{};  ///< that they might have, if there are no others
        bool has_named_types = false;     ///< by set_types()
        bool has_packets = false;         ///< bytes of a packet may follow

        struct record_type {
            std::optional<uint32_t> id;
            bool is_guess = false;
        };
        /// The type of records of this size; nothing if that cannot be told.
        [[nodiscard]] record_type type_of(std::size_t size, const object::btf &known) const;
    };
    static constexpr std::size_t most_kept = 1024;

    /// Finds the ring buffers of `object`, and gives its perf event arrays one each.
    [[nodiscard]] outcome<void> watch(const runtime::loaded_object &object);
    /// Names structs of records; each text is "map=struct". Without, records have the types that
    /// `unused` pointers of the object point to, if their size tells which; of objects without such
    /// pointers, the only struct of their size among those of variables, maps and functions.
    [[nodiscard]] outcome<void> set_types(const object::object_file &file,
                                          std::span<const std::string> texts);
    /// Takes what is there, so that there is room for more.
    void drain();
    [[nodiscard]] const stream *find(uint32_t map) const noexcept;

private:
    std::vector<stream> streams_;
};

/// Which of the object's maps has this name.
[[nodiscard]] std::optional<uint32_t> index_of(const object::object_file &file,
                                               std::string_view name);

/// Puts entries into maps; each text is "map=key:value", of maps without keys "map=:value".
[[nodiscard]] outcome<void> set_entries(const object::object_file &file,
                                        const runtime::loaded_object &object,
                                        std::span<const std::string> texts);

/// Which maps to show: "all", "none", or names with commas; empty: those that programs can write.
class map_choice {
public:
    [[nodiscard]] static outcome<map_choice> of(std::string_view text,
                                                const object::object_file &file,
                                                const runtime::loaded_object &object);

    [[nodiscard]] const std::vector<uint32_t> &maps() const noexcept { return maps_; }
    /// Whether they were named: then all of them is shown.
    [[nodiscard]] bool in_full() const noexcept { return in_full_; }

private:
    std::vector<uint32_t> maps_;
    bool in_full_ = false;
};

/// One map of which no types are known. A failure says why what was printed is not all.
[[nodiscard]] outcome<void> print_map(runtime::map &m);
[[nodiscard]] outcome<void> print_map_as_json(runtime::map &m);
/// Warns of maps of which it is not all.
void print_maps(const object::object_file &file, const runtime::loaded_object &object,
                const record_log &records, const map_choice &chosen);
[[nodiscard]] json maps_to_json(const object::object_file &file,
                                const runtime::loaded_object &object, const record_log &records,
                                const map_choice &chosen);

}  // namespace bpftime::vm::cli
