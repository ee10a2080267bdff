// bpftime-vm: a program of an object, with all that belongs to it on either side
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "subject.hpp"

#include "isa/isa.hpp"
#include "runtime/helpers.hpp"

#include <algorithm>
#include <cstring>

namespace bpftime::vm::differential {

using object::attach_type;
using object::function_info;
using object::program_type;

namespace {

const function_info *find_program(const object::object_file &file, std::string_view name) {
    const auto at = std::ranges::find_if(file.functions(), [name](const function_info &f) {
        return f.is_program and f.name == name;
    });
    return at == file.functions().end() ? nullptr : &*at;
}

bool is_hash(map_type type) noexcept {
    switch (type) {
    case map_type::hash:
    case map_type::percpu_hash:
    case map_type::lru_hash:
    case map_type::lru_percpu_hash:
    case map_type::lpm_trie: return true;
    default: return false;
    }
}

/// The kernel has no test run for programs that are attached to maps of XDP.
attach_type runnable(attach_type attach) noexcept {
    const bool is_of_map = attach == attach_type::xdp_devmap or attach == attach_type::xdp_cpumap;
    return is_of_map ? attach_type::xdp : attach;
}

subject without_maps(const bytes &image, const object::object_file &file,
                     const function_info &program, const object::btf *target) {
    return {.image = &image,
            .file = &file,
            .program = &program,
            .type = program.type.program,
            .attach = runnable(program.type.attach),
            .target = target,
            .programs = {&program},
            .maps = {}};
}

/// Adds what `linked` can call through program arrays.
void add_slots(subject &s, const object::bytecode &linked) {
    for (const uint32_t i : linked.maps) {
        adjust(s.maps.emplace(i, s.file->maps()[i].definition).first->second);
        for (const object::map_slot &slot : s.file->maps()[i].slots) {
            const auto *const p = slot.is_program ? find_program(*s.file, slot.name) : nullptr;
            if (p != nullptr and std::ranges::find(s.programs, p) == s.programs.end())
                s.programs.push_back(p);
        }
    }
}

// FNV-1a
constexpr uint64_t hash_start = 0xcbf29ce484222325;
void add_to_hash(uint64_t &hash, uint8_t byte) noexcept { hash = (hash ^ byte) * 0x100000001b3; }

int32_t number_of(std::string_view name) noexcept {
    uint64_t hash = hash_start;
    for (const char c : name) add_to_hash(hash, static_cast<uint8_t>(c));
    return static_cast<int32_t>(hash);
}

}  // namespace

result<object::bytecode> link(const object::object_file &file, const function_info &program,
                              const object::btf *target) {
    std::vector<std::string> names;
    for (const runtime::helper_row &row : runtime::kernel_function_table())
        names.push_back(row.declaration.name);
    auto linked = file.link(program, {.kernel_functions = names, .target = target});
    if (not linked) return linked;
    const std::span code{linked->code};
    for (const uint32_t pc : linked->kernel_calls) {
        isa::slot call = isa::read_slot(code, pc);
        call.imm = number_of(names[static_cast<uint32_t>(call.imm)]);
        const std::size_t at = std::size_t{pc} * isa::slot_size;
        isa::write_slot(call, code.subspan(at).first<isa::slot_size>());
    }
    return linked;
}

subject make_unlinked_subject(const bytes &image, const object::object_file &file,
                              const function_info &program, const object::btf *target) {
    subject s = without_maps(image, file, program, target);
    for (uint32_t i = 0; i < file.maps().size(); ++i) {
        if (not is_internal(file.maps()[i]))
            adjust(s.maps.emplace(i, file.maps()[i].definition).first->second);
    }
    return s;
}

result<subject> make_subject(const bytes &image, const object::object_file &file,
                             const function_info &program, const object::btf *target) {
    subject s = without_maps(image, file, program, target);
    for (std::size_t i = 0; i < s.programs.size(); ++i) {
        const auto linked = link(file, *s.programs[i], target);
        if (not linked) return std::unexpected{linked.error()};
        add_slots(s, *linked);
    }
    return s;
}

std::vector<program_type> likely_types(const function_info &program) {
    const auto says = [&program](std::string_view word) {
        return program.name.contains(word) or program.section.contains(word);
    };
    if (says("xdp")) return {program_type::xdp, program_type::sched_cls};
    if (says("cgroup")) return {program_type::cgroup_skb, program_type::sched_cls};
    return {program_type::sched_cls, program_type::socket_filter, program_type::xdp};
}

bool runs_on_packets(program_type type) noexcept {
    switch (type) {
    case program_type::xdp:
    case program_type::socket_filter:
    case program_type::sched_cls:
    case program_type::sched_act:
    case program_type::cgroup_skb:
    case program_type::lwt_in:
    case program_type::lwt_out:
    case program_type::lwt_xmit: return true;
    default: return false;
    }
}

bool sees_ethernet(program_type type) noexcept {
    return type == program_type::xdp or type == program_type::sched_cls or
           type == program_type::sched_act;
}

std::set<int32_t> called_helpers(std::span<const uint8_t> code) {
    constexpr uint8_t lddw = 0x18;
    constexpr uint8_t call = 0x85;
    std::set<int32_t> ids;
    for (std::size_t at = 0; at + isa::slot_size <= code.size(); at += isa::slot_size) {
        const bool is_helper = code[at] == call and code[at + 1] >> 4 == 0;
        int32_t id = 0;
        std::memcpy(&id, &code[at + 4], sizeof id);
        if (is_helper) ids.insert(id);
        if (code[at] == lddw) at += isa::slot_size;
    }
    return ids;
}

uint64_t identity_of(std::span<const uint8_t> code, program_type type) {
    uint64_t hash = hash_start;
    add_to_hash(hash, static_cast<uint8_t>(type));
    for (const uint8_t byte : code) add_to_hash(hash, byte);
    return hash;
}

void adjust(map_definition &definition) {
    constexpr uint32_t few = 64;
    constexpr uint32_t many = 1 << 16;
    constexpr uint32_t ring_bytes = 1 << 18;
    constexpr uint32_t most_cpus = 64;
    constexpr uint32_t most_frames = 127;
    if (definition.type == map_type::cpumap)
        definition.max_entries = std::min(definition.max_entries, most_cpus);
    if (definition.type == map_type::stack_trace and definition.value_size == 0) {
        definition.key_size = sizeof(uint32_t);
        definition.value_size = most_frames * sizeof(uint64_t);
    }
    if (definition.type == map_type::array or definition.type == map_type::percpu_array)
        definition.max_entries = std::min(definition.max_entries, many);
    if (is_hash(definition.type)) definition.max_entries = std::min(definition.max_entries, many);
    if (definition.type == map_type::perf_event_array)
        definition.key_size = definition.value_size = sizeof(uint32_t);
    if (definition.max_entries != 0) return;
    switch (definition.type) {
    case map_type::ringbuf: definition.max_entries = ring_bytes; break;
    case map_type::perf_event_array:  // as many as there are CPUs
    case map_type::sk_storage:
    case map_type::task_storage:
    case map_type::inode_storage:
    case map_type::cgrp_storage:
    case map_type::cgroup_storage:
    case map_type::percpu_cgroup_storage:
    case map_type::struct_ops: break;
    default: definition.max_entries = few; break;
    }
}

bool is_internal(const object::object_map &map) noexcept {
    return map.origin != object::map_origin::declared and map.origin != object::map_origin::legacy;
}

}  // namespace bpftime::vm::differential
