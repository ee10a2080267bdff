// bpftime-vm: what programs find beside their input and stack: memory, maps, helpers, an arena
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"
#include "ebpf-vm.h"

#include <cstdint>
#include <span>

namespace bpftime::vm::fuzz {

// One scene for each process, as callbacks of the C API get no context. Its blocks of memory end at
// pages that end the process when they are touched (guarded_memory).

/// The same bytes for the same number; number 0 counts, so that each byte tells its place.
void refill(std::span<uint8_t> bytes, uint64_t contents);

/// Fills all memory of the scene.
void refill_scene(uint64_t contents);
/// Adds all that programs may have changed.
void append_scene(byte_vector &to);

/// Memory that programs can write and not read, where runs are given it.
[[nodiscard]] ebpf_region scene_write_only() noexcept;
/// Memory that programs can read and not write, where VMs are given it.
[[nodiscard]] ebpf_region scene_read_only() noexcept;

/// The helpers. Those with the ids 1 to 9 take and give the same kinds of words as the
/// playground's; what the others take is declared.
[[nodiscard]] std::span<const ebpf_helper> scene_helpers();
/// Those of them that neither take, keep nor return pointers, but to functions.
[[nodiscard]] std::span<const ebpf_helper> scalar_scene_helpers();
/// Registers the helpers, and which of them unwinds.
void register_scene_helpers(ebpf_vm *vm);
/// Gives some of them bodies, which do the same.
void register_scene_bodies(ebpf_vm *vm);
/// Makes a helper of legacy packet loads.
void register_packet_load(ebpf_vm *vm);
/// Gives lddw its values: maps 0 to 4, which are an array, something else with keys, one with an
/// arena, no map at all, and an array of constants; variables.
void set_scene_callbacks(ebpf_vm *vm);
inline constexpr uint32_t arena_map = 2;

/// The VMs that helper `leave` goes on with: not 0, by its second word. `in_functions`: also where
/// it is called in a function of the program. Where the stack of the other program lies is then
/// another address in each engine.
void set_successors(std::span<ebpf_vm *const> vms, bool in_functions);

}  // namespace bpftime::vm::fuzz
