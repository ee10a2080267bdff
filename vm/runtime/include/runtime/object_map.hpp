// bpftime-vm: maps whose values are objects of the host: programs, ring buffers, cgroups, maps
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "object/program_type.hpp"
#include "runtime/map.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace bpftime::vm::runtime {

/// A program, as arrays of programs tell it from others.
struct array_user {
    object::program_type type;
    std::string_view name;  ///< for messages
};

/// Programs find the object itself where other maps give a value. The host puts objects in by
/// set_map(), set_object() or set_program(); lookup() gives it the object's id, where the kernel
/// does.
class object_map : public map {
public:
    /// Of maps of maps (one that is like the inner map), or a ring buffer of a
    /// map_type::perf_event_array.
    virtual result<void> set_map(std::span<const uint8_t> key, std::shared_ptr<map> object,
                                 uint64_t flags = update_any) = 0;
    /// Of a map_type::cgroup_array: `id` is the kernel's of the group.
    virtual result<void> set_object(std::span<const uint8_t> key, std::shared_ptr<void> object,
                                    uint32_t id) = 0;
    /// Of a map_type::prog_array: `vm` is what runs the program. Errors: those of admit(), too.
    virtual result<void> set_program(std::span<const uint8_t> key, std::shared_ptr<void> vm,
                                     uint32_t id, const array_user &program);
    /// Before a program is run that may call those of a map_type::prog_array: they all get its
    /// context. As in the kernel, an array is for programs of one type, for as long as it lives:
    /// that of the first which it admits. EINVAL, naming both types: it is for others.
    virtual result<void> admit(const array_user & /*program*/) { return {}; }
    /// What an array of programs is for; none: it has admitted nobody, or is no such array.
    [[nodiscard]] virtual std::optional<object::program_type> admitted_type() const { return {}; }
    /// Takes what set_object() or set_program() put in out of all places that it is in, also if the
    /// map is frozen: for owners of objects that end.
    virtual void take_out(const void * /*object*/) noexcept {}
    /// For programs: the id of the object that an array has there; none: it has none.
    [[nodiscard]] virtual std::optional<uint32_t> object_id(const void * /*key*/) const noexcept {
        return {};
    }

protected:
    using map::map;
};

class ring_buffer;

/// A new ring buffer of `bytes` (a power of two, pages) which gets all that programs send to a
/// map_type::perf_event_array, whatever CPU they name.
[[nodiscard]] result<std::shared_ptr<ring_buffer>> collect_events(object_map &events,
                                                                  uint32_t bytes);

/// The map as one of objects; null if it is none.
[[nodiscard]] inline object_map *as_object_map(map *m) noexcept {
    return m == nullptr or m->gives_values() ? nullptr : static_cast<object_map *>(m);
}

}  // namespace bpftime::vm::runtime
