// bpftime-vm: an object that can run: its maps made, its programs linked to them, a VM for each
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"
#include "object/object.hpp"
#include "runtime/context.hpp"
#include "runtime/helpers.hpp"
#include "runtime/map_set.hpp"
#include "runtime/object_map.hpp"
#include "runtime/timers.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::runtime {

class object_heap;
struct timer_host;

/// What of an object is to run, and what its host has.
struct load_options {
    /// Elements of object_file::functions(); none: all programs that the object would have loaded.
    std::vector<const object::function_info *> programs{};
    /// Whether the programs that the object itself puts into arrays which those can reach are
    /// loaded, too, and what these reach in turn: behind the others in loaded_object::programs().
    /// Without, the slots of programs that are not loaded stay empty.
    bool load_targets = false;
    std::string backend{};  ///< of the VMs; empty: the best there is
    /// Helpers besides those of helper_table(), or instead of them.
    std::vector<ebpf_helper> helpers{};
    /// Kernel functions besides those of kernel_function_table(), or instead of them: by name.
    /// Their ids do not matter.
    std::vector<ebpf_helper> kernel_functions{};
    /// Sets limits and the like on each VM before its program is loaded.
    std::function<result<void>(ebpf_vm &)> configure{};
    /// Changes what the object says of a map, or of the maps in one, before it is made: hosts
    /// choose sizes that the object does not know.
    std::function<void(map_definition &)> adjust{};
    /// Maps of the host in place of those of the object, by their index in object_file::maps(): so
    /// objects share maps. They are as the object declares, or load() refuses them; what is in them
    /// stays.
    std::map<uint32_t, std::shared_ptr<runtime::map>> maps{};
    /// Maps of the object, by index, that are made though no program that is loaded reaches them.
    std::vector<uint32_t> wanted_maps{};
    /// Maps that the object declares pinned (LIBBPF_PIN_BY_NAME), and those of `pinned_maps`, are
    /// the files of their names in this folder: those that are there, or new ones. Empty: no map is
    /// pinned.
    std::string pin_folder{};
    std::vector<std::string> pinned_maps{};
    /// The types of the target: those of CO-RE, and of values that programs print
    /// (bpf_snprintf_btf); null: those of the object.
    std::shared_ptr<const object::btf> target{};
    /// Gets what the programs print, on the threads that run them.
    trace_sink trace{};
    /// Decides about signals that they send; empty: they may not.
    signal_sink signals{};
    /// The time that timers go by; the system's if there is none. Programs that ask for the time
    /// get the system's.
    clock_reader clock{};
    /// What all programs are, whatever their sections say; generic: they get the host's memory.
    std::optional<object::program_type> type{};
};

/// A program in its VM.
struct loaded_program {
    object::function_info info;
    /// That it was loaded as: if nothing says what it is (see object::type_of_section()), as
    /// programs that it shares an array of programs with.
    object::program_type type;
    /// Its code is what the VM runs: accesses to the context go to where ours is. Its lines are
    /// those of `source`.
    object::bytecode linked;
    context_use uses_context = context_use::none;
    std::shared_ptr<ebpf_vm> vm;
    /// Where its instructions come from; also what the VM's messages tell.
    std::shared_ptr<const compat::program_source> source;

    /// Whether packet_context::exec() runs it; others get memory by ebpf_vm::exec().
    [[nodiscard]] bool takes_packets() const noexcept { return context_layout_of(type) != nullptr; }
    [[nodiscard]] array_user as_user() const noexcept { return {type, info.name}; }
    /// Why the instruction at `pc` is one that cannot be run here; empty if it can.
    [[nodiscard]] std::string_view why_unavailable(uint32_t pc) const noexcept;
};

/// Programs of one object with the maps that they share. Outlives the runs of its VMs that its host
/// begins. When it ends, its programs leave the arrays of programs among its maps and its timers
/// call nobody; runs of other objects that are in one of its programs then finish first.
class loaded_object {
public:
    loaded_object(loaded_object &&) noexcept;
    loaded_object &operator=(loaded_object &&other) noexcept;
    loaded_object(const loaded_object &) = delete;
    loaded_object &operator=(const loaded_object &) = delete;
    ~loaded_object();

    /// Makes the maps that the programs can reach, or the host wants, as the object declares and
    /// fills them, and loads each program into a VM of its own. Programs with a context_layout are
    /// made for it. Instructions that only another host could run (see
    /// object::poisoned_instruction) are the fault `unavailable` when they are reached. Errors:
    /// those of object_file::link(), rewrite_context_accesses(), map::create() and
    /// object_map::admit(); unsupported,
    /// naming all helpers and types of maps that a program needs and nobody has.
    [[nodiscard]] static result<loaded_object> load(const object::object_file &file,
                                                    const load_options &options = {});

    [[nodiscard]] std::span<const loaded_program> programs() const noexcept {
        return parts_->programs;
    }
    /// Null if there is none.
    [[nodiscard]] const loaded_program *find_program(std::string_view name) const noexcept;
    /// By index in object_file::maps(); null: no program can reach the map.
    [[nodiscard]] const map_set &maps() const noexcept { return parts_->maps; }
    /// Null if there is none.
    [[nodiscard]] std::shared_ptr<map> find_map(std::string_view name) const noexcept {
        return parts_->maps.find(name);
    }

    /// What a variable of the object (object_file::global()) is now: as many bytes as it has.
    /// Errors: not_found (no program can reach it).
    result<void> read(const object::global_variable &variable, std::span<uint8_t> bytes) const;
    /// Gives it other bytes, also while programs run. Errors: invalid_argument too (a constant).
    result<void> write(const object::global_variable &variable,
                       std::span<const uint8_t> bytes) const;

    /// Runs the callbacks of the timers in its maps that are due, on this thread, the one that is
    /// due the longest first. Timers that they start wait for the next call. From any thread.
    timer_runs run_timers() const;
    /// How many nanoseconds it is until a timer is due; 0: one is. Nothing: none waits.
    [[nodiscard]] std::optional<uint64_t> next_timer() const;

private:
    friend class object_loader;
    loaded_object();

    /// Stays where it is, as VMs know the places, and as long as others run its programs.
    struct parts {
        std::shared_ptr<char> alive = std::make_shared<char>();  ///< until the object ends
        map_set maps;
        trace_sink trace;
        signal_sink signals;
        clock_reader clock;
        std::shared_ptr<const object::btf> types;  ///< null: there are none
        std::shared_ptr<object_heap> objects;
        std::vector<std::unique_ptr<const timer_host>> timer_hosts;  ///< one for each program
        std::vector<loaded_program> programs;
    };
    std::unique_ptr<parts> parts_;
};

}  // namespace bpftime::vm::runtime
