// bpftime-vm: what C callers hold
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "ebpf-object.h"
#include "object/object.hpp"
#include "runtime/loaded_object.hpp"
#include "runtime/network.hpp"
#include "runtime/storage_owner.hpp"
#include "runtime_json/maps.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

/// A map that the host made, or one of an object, which is made when that is loaded.
struct ebpf_map {
    std::shared_ptr<bpftime::vm::runtime::map> made;  ///< null: not yet, or no program reaches it
    /// The object file that declares it; null: none does.
    std::shared_ptr<const bpftime::vm::object::object_file> file{};
    uint32_t index = 0;            ///< in its maps
    ebpf_object *owner = nullptr;  ///< closes it; null: the caller does

    // What hosts ask for before it is made.
    std::optional<uint32_t> max_entries{};
    bool autocreate = false;
    std::shared_ptr<bpftime::vm::runtime::map> reused{};

    [[nodiscard]] bpftime::vm::map_definition definition() const;
    [[nodiscard]] bpftime::vm::runtime_json::map_types types() const;
};

struct ebpf_program {
    ebpf_object *owner = nullptr;
    const bpftime::vm::object::function_info *info = nullptr;
    bool autoload = true;
    const bpftime::vm::runtime::loaded_program *loaded = nullptr;  ///< null: it is not

    [[nodiscard]] ebpf_vm *vm() const noexcept {
        return loaded == nullptr ? nullptr : loaded->vm.get();
    }
};

struct ebpf_network {
    bpftime::vm::runtime::network values;
};

struct ebpf_owner {
    std::shared_ptr<const bpftime::vm::runtime::storage_owner> made;
};

struct ebpf_map_list {
    bpftime::vm::runtime::map_set maps;
};

struct ebpf_object {
    explicit ebpf_object(bpftime::vm::object::object_file opened);
    ~ebpf_object();
    ebpf_object(const ebpf_object &) = delete;
    ebpf_object &operator=(const ebpf_object &) = delete;

    [[nodiscard]] bool is_loaded() const noexcept { return loaded.has_value(); }
    /// Remembers an array that one of its programs is in.
    void note_array(const std::shared_ptr<bpftime::vm::runtime::map> &array);

    std::shared_ptr<bpftime::vm::object::object_file> file;
    std::string license;
    std::vector<std::string> globals;  ///< names
    /// In the order of the file; handles are addresses, so that neither grows.
    std::vector<ebpf_program> programs;
    std::vector<ebpf_map> maps;
    std::optional<bpftime::vm::runtime::loaded_object> loaded;

private:
    std::mutex arrays_lock_;
    std::vector<std::weak_ptr<bpftime::vm::runtime::map>> arrays_;
};

namespace bpftime::vm::runtime_capi {

/// For what only a loaded program, or a map that is there, can do.
int not_loaded(const ebpf_program &p);
[[nodiscard]] error not_made(const ebpf_map &map);

}  // namespace bpftime::vm::runtime_capi
