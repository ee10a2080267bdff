// bpftime-vm: programs in their VMs, for the command line
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "failure.hpp"
#include "input.hpp"
#include "isa/isa.hpp"
#include "maps.hpp"
#include "runtime/loaded_object.hpp"
#include "runtime/network.hpp"
#include "runtime/packet.hpp"
#include "verdicts.hpp"

#include <ebpf-vm.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::cli {

struct runner_options {
    std::string vm;  ///< empty: the best backend there is
    std::optional<uint64_t> instruction_limit;
    uint32_t max_insns = EBPF_MAX_INSTS;
    bool bounds_check = true;
    std::string cpu;            ///< that native code is for; empty: this machine's
    bool prefers_size = false;  ///< small native code rather than fast code
    /// What the programs are; empty: what their sections say.
    std::optional<program_type> type;
    /// Where pinned maps are; empty: no map is pinned.
    std::string pin_folder;
    std::vector<std::string> pinned_maps;  ///< besides those that the object declares so
    bool keep_trace = false;               ///< instead of printing it at once
};

/// A fault, and where in its source a program had it, as far as that is known.
struct fault_values : ebpf_fault {
    std::string function;
    std::string file;
    std::string text;   ///< of the line
    uint32_t line = 0;  ///< 0: not known, nor file and text
};

/// Of the last run on this thread.
[[nodiscard]] fault_values last_fault();

/// A run that ended in a fault.
struct run_fault {
    fault_values fault;
    std::string message;
};

/// r0, or the fault.
using run_result = std::expected<uint64_t, run_fault>;

/// A program in its VM.
class runnable {
public:
    /// From no object.
    runnable(program_type type, std::size_t slots, std::shared_ptr<ebpf_vm> vm)
        : type_{type}, slots_{slots}, vm_{std::move(vm)} {}
    explicit runnable(const runtime::loaded_program &loaded)
        : type_{loaded.type},
          slots_{loaded.linked.code.size() / isa::slot_size},
          vm_{loaded.vm},
          loaded_{&loaded} {}

    [[nodiscard]] program_type type() const noexcept { return type_; }
    [[nodiscard]] std::size_t slots() const noexcept { return slots_; }
    /// The function's name in the object; empty if it is from none.
    [[nodiscard]] std::string_view name() const noexcept;
    [[nodiscard]] std::string_view section() const noexcept;
    /// Whether it judges packets; other programs get memory.
    [[nodiscard]] bool takes_packets() const noexcept {
        return runtime::context_layout_of(type_) != nullptr;
    }
    [[nodiscard]] ebpf_vm &vm() const noexcept { return *vm_; }
    /// What compiling it did; none if it was not compiled, or its backend counts nothing.
    [[nodiscard]] std::vector<compat::compile_stat> compile_stats() const;

    /// One run with r1 = memory and r2 = its size. A failure is what no further run would mend, as
    /// a missing helper.
    [[nodiscard]] outcome<run_result> run(std::span<uint8_t> memory) const;
    /// One run over a packet; r0 is cut to the 32 bits that verdicts have.
    [[nodiscard]] outcome<run_result> run(runtime::packet_context &packet) const;
    /// What it writes about the entries of a map; of a program of an object.
    [[nodiscard]] outcome<std::string> iterate(const std::shared_ptr<runtime::map> &over) const;

private:
    [[nodiscard]] outcome<run_result> explain(int64_t error) const;

    program_type type_;
    std::size_t slots_;
    std::shared_ptr<ebpf_vm> vm_;
    const runtime::loaded_program *loaded_ = nullptr;
};

/// What programs print: to stderr at once, or kept.
class trace_log {
public:
    static constexpr std::size_t most_kept = 1024;

    explicit trace_log(bool keep) : keep_{keep} {}
    void take(std::string_view text);
    [[nodiscard]] const std::vector<std::string> &lines() const noexcept { return lines_; }
    /// How many lines were printed, kept or not.
    [[nodiscard]] uint64_t count() const noexcept { return count_; }

private:
    bool keep_;
    std::vector<std::string> lines_;
    uint64_t count_ = 0;
};

/// Programs that run, one after the other, with what they share.
class runner {
public:
    /// A VM with the bytecode loaded and the helpers that need no maps.
    [[nodiscard]] static outcome<runner> create(const runner_options &options,
                                                std::span<const uint8_t> code);
    /// A VM for each of some programs of an object, their maps and all helpers.
    [[nodiscard]] static outcome<runner> create(
        const runner_options &options, const program_file &file,
        const std::vector<const object::function_info *> &programs, const map_wishes &wishes);

    [[nodiscard]] std::span<const runnable> programs() const noexcept { return programs_; }
    /// Programs that write about the entries of a map, when the others have run.
    [[nodiscard]] std::span<const runnable> iterators() const noexcept { return iterators_; }
    [[nodiscard]] std::string vm_name() const {
        return (programs_.empty() ? iterators_ : programs_).front().vm().name();
    }

    /// Runs the timers that are due, and takes the records that programs sent; not part of a run's
    /// time.
    void finish_run();

    [[nodiscard]] outcome<void> set_record_types(const object::object_file &file,
                                                 std::span<const std::string> texts) {
        return records_.set_types(file, texts);
    }

    /// The object that the programs are from; null if they are from none.
    [[nodiscard]] const runtime::loaded_object *object() const noexcept {
        return object_ ? &*object_ : nullptr;
    }
    [[nodiscard]] const record_log &records() const noexcept { return records_; }
    /// That packets are in.
    [[nodiscard]] runtime::network &network() const noexcept { return *network_; }
    [[nodiscard]] const trace_log &trace() const noexcept { return *trace_; }
    /// All that ran after runs.
    [[nodiscard]] const runtime::timer_runs &timers() const noexcept { return timers_; }

private:
    explicit runner(const runner_options &options);

    // At one place, for helpers.
    std::unique_ptr<trace_log> trace_;
    std::unique_ptr<runtime::trace_sink> sink_;
    std::unique_ptr<runtime::network> network_ = std::make_unique<runtime::network>();
    std::optional<runtime::loaded_object> object_;  // before the VMs, which use its maps
    std::vector<runnable> programs_;
    std::vector<runnable> iterators_;
    record_log records_;
    runtime::timer_runs timers_;
};

/// What the library's last function gave, and its message, as a failure.
[[nodiscard]] std::unexpected<failure> library_failure(int64_t error);

/// The names of the backends, best first.
[[nodiscard]] std::vector<std::string> list_vms();

/// "out_of_bounds_read" and the like.
[[nodiscard]] std::string_view fault_name(uint32_t kind) noexcept;
/// "input", "stack" and the like.
[[nodiscard]] std::string_view region_name(uint32_t kind) noexcept;

}  // namespace bpftime::vm::cli
