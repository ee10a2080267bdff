// bpftime-vm: programs that iterate over the entries of a map, and write text about them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/error.hpp"
#include "runtime/loaded_object.hpp"
#include "runtime/map.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace bpftime::vm::runtime {

/// Whether programs of the section iterate over the entries of a map.
[[nodiscard]] bool iterates_over_maps(std::string_view section) noexcept;
/// Whether they can iterate over maps of the type.
[[nodiscard]] bool can_be_iterated(map_type type) noexcept;

/// Runs a program of section iter/bpf_map_elem once for each entry of a map, which need not be one
/// of its object, and once at the end; gives what it wrote by bpf_seq_printf() and bpf_seq_write().
/// Keys are read only. Of per-CPU maps the value is a copy of all CPUs' values, each rounded up to
/// 8 bytes. What the context has as the map is only good for helpers.
///
/// Errors: unsupported (another program, or type of map), and with the kernel's errno E2BIG (more
/// than 32 KiB about one entry, or 64 MiB in all), EAGAIN (the program gave another number than 0)
/// and EPERM (a per-CPU map that the host may not read); a run that fails.
[[nodiscard]] result<std::string> iterate(const loaded_program &program,
                                          const std::shared_ptr<map> &over);

}  // namespace bpftime::vm::runtime
