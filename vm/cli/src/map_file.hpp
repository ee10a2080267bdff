// bpftime-vm: a JSON file with values of variables and entries of maps
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "failure.hpp"
#include "maps.hpp"
#include "object/object.hpp"
#include "output.hpp"
#include "runtime/loaded_object.hpp"

#include <memory>
#include <string>

namespace bpftime::vm::cli {

/// A file with one JSON document.
[[nodiscard]] outcome<json> read_json_file(const std::string &path);

/// What `run --json` prints of maps, or {"map": {"key": value, ..}} by hand.
class map_file {
public:
    [[nodiscard]] static outcome<map_file> read(const std::string &path);
    /// Of a document that was read already; `path` is for messages.
    [[nodiscard]] static outcome<map_file> of(const std::string &path, json document);

    /// Gives the variables in it to an object that is not loaded yet.
    [[nodiscard]] outcome<void> set_variables(object::object_file &file) const;
    /// Wishes for what its entries hold: maps and programs of the object, by name.
    [[nodiscard]] outcome<void> add_wishes(const object::object_file &file,
                                           map_wishes &wishes) const;
    /// Puts the entries in it into the maps that the programs use; those of other maps of the
    /// object are left out.
    [[nodiscard]] outcome<void> fill(const object::object_file &file,
                                     const runtime::loaded_object &object) const;

    map_file(map_file &&) noexcept;
    map_file &operator=(map_file &&) noexcept;
    ~map_file();

private:
    explicit map_file(const std::string &path);

    std::string path_;
    std::unique_ptr<json> maps_;  ///< an array as `run --json` prints it
};

}  // namespace bpftime::vm::cli
