// bpftime-vm: one program in all engines, over the same memory
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "engines_set.hpp"

#include "facts_engine.hpp"
#include "isa/text.hpp"
#include "scene.hpp"

#include <algorithm>
#include <ranges>
#include <string_view>
#include <utility>
#include <vector>

namespace bpftime::vm::fuzz {

namespace {

struct engine_row {
    const char *name;
    const char *backend;
    bool compiles_first;  ///< by ebpf_compile(), where ebpf_exec() alone would not
    std::size_t counter;  ///< in engine_set::run_counts
};

constexpr auto engines = std::to_array<engine_row>({
    {"ubpf", "ubpf", false, 0},
#ifdef FUZZ_UBPF_JIT
    {"ubpf-jit", "ubpf", true, 1},
#endif
#ifdef FUZZ_LLVM
    {"llvm", "llvm", false, 2},
#endif
});

constexpr engine_row facts_row{"facts", test::facts_backend, false, 3};

bool is_llvm(const engine_row &e) { return std::string_view{e.backend} == "llvm"; }

/// One run on refilled memory. What cannot be compiled cannot run either, and says so then. Not
/// inlined, so that the stacks of all runs begin at one place.
[[gnu::noinline]] engine_set::observed run_on(ebpf_vm *vm, std::span<uint8_t> memory,
                                              uint64_t contents, bool with_region,
                                              bool compiles_first) {
    if (compiles_first) ebpf_compile(vm, nullptr);
    refill(memory, contents);
    refill_scene(contents);
    const ebpf_region region = scene_write_only();
    uint8_t *const mem = memory.empty() ? nullptr : memory.data();
    engine_set::observed o;
    o.result = 0x5eed;
    o.code = ebpf_exec_regions(vm, mem, memory.size(), &region, with_region ? 1 : 0, &o.result);
    ebpf_last_fault(&o.fault);
    o.memory.assign(memory.begin(), memory.end());
    append_scene(o.memory);
    return o;
}

std::string to_text(const ebpf_fault &f) {
    return "kind " + std::to_string(f.kind) + ", pc " + std::to_string(f.pc) + ", region " +
           std::to_string(f.region) + " #" + std::to_string(f.region_index) + ", offset " +
           std::to_string(f.offset) + ", size " + std::to_string(f.size) + ", address " +
           std::to_string(f.address);
}

std::string to_text(const engine_set::observed &o) {
    return "code " + std::to_string(o.code) + ", r0 " +
           std::to_string(static_cast<uint64_t>(o.result)) + ", fault {" + to_text(o.fault) + "}";
}

bool same_fault(const ebpf_fault &a, const ebpf_fault &b, bool exact) {
    return a.kind == b.kind and a.pc == b.pc and a.region == b.region and
           a.region_index == b.region_index and a.offset == b.offset and a.size == b.size and
           (not exact or a.address == b.address);
}

std::string where_memory_differs(const byte_vector &a, const byte_vector &b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i] == b[i]) continue;
        return "; byte " + std::to_string(i) + " of memory is " + std::to_string(a[i]) + " or " +
               std::to_string(b[i]);
    }
    return "";
}

}  // namespace

bool stacks_agree() {
    engine_set pair{{}};
    const auto code = isa::assemble("mov %r0, %r10\nexit");
    require(code and pair.load(*code), "the probe loads");
    for (int round = 0; round < 4; ++round) {
        if (pair.difference()) return false;
    }
    return true;
}

/// One VM, and how it is told from the others.
struct engine_set::contender {
    engine_row row;
    bool is_reference = false;
    bool checks = true;
    vm_ptr vm = nullptr;
};

engine_set::engine_set(engine_settings s)
    : settings_{std::move(s)}, memory_{settings_.how.memory_size, settings_.input_guard} {
    const auto takes_part = [&](const engine_row &e) {
        return settings_.has_llvm or not is_llvm(e);
    };
    add({.row = engines.front(), .is_reference = true});
    for (const engine_row &e : engines | std::views::filter(takes_part)) {
        // The same as the reference tells nothing.
        const bool differs = settings_.eliminates_checks or settings_.bars_speculation or
                             settings_.pointer_secret != 0 or e.name != engines.front().name;
        if (differs) add({.row = e});
    }
    if (settings_.asserts_facts) {
        static const bool registered = [] {
            test::register_facts_engine();
            return true;
        }();
        static_cast<void>(registered);
        add({.row = facts_row});
    }
    if (not settings_.also_unchecked) return;
    for (const engine_row &e : engines | std::views::filter(takes_part))
        add({.row = e, .checks = false});
}

engine_set::~engine_set() = default;

void engine_set::add(const contender &c) {
    all_.push_back({c.row, c.is_reference, c.checks, make(c)});
}

engine_set::vm_ptr engine_set::make(const contender &c) const {
    const settings &s = settings_.how;
    vm_ptr vm{ebpf_create(c.row.backend)};
    require(vm != nullptr, "all backends are there");
    const auto set = [](int code) { require(code == EBPF_OK, "the VM can be configured so"); };
    set(ebpf_set_max_insns(vm.get(), s.max_insns));
    set(ebpf_set_instruction_limit(vm.get(), s.instruction_limit));
    set(ebpf_set_stack_size(vm.get(), s.stack_size));
    set(ebpf_set_call_depth(vm.get(), s.call_depth));
    const ebpf_optimize_options optimize{settings_.optimization_level,
                                         settings_.prefers_size ? 1U : 0U,
                                         settings_.is_for_any_cpu ? "generic" : nullptr, 0};
    set(ebpf_optimize(vm.get(), &optimize));
    set(ebpf_set_constant_blinding(vm.get(), settings_.blinds_constants));
    if (not c.is_reference) {
        set(ebpf_set_check_elimination(vm.get(), settings_.eliminates_checks));
        set(ebpf_set_speculation_barriers(vm.get(), settings_.bars_speculation));
        set(ebpf_set_pointer_secret(vm.get(), settings_.pointer_secret));
    }
    ebpf_toggle_bounds_check(vm.get(), c.checks);
    set(ebpf_set_jump_targets(vm.get(), s.jump_targets.data(), s.jump_targets.size()));
    const ebpf_region constants = scene_read_only();
    set(ebpf_register_region(vm.get(), constants.ptr, constants.len, constants.permission));
    if (s.helpers) register_scene_helpers(vm.get());
    if (settings_.has_bodies) register_scene_bodies(vm.get());
    if (settings_.has_packet_helper) register_packet_load(vm.get());
    if (s.lddw_callbacks) set_scene_callbacks(vm.get());
    return vm;
}

bool engine_set::load(std::span<const uint8_t> code) {
    const auto load_in = [&](const contender &c) {
        return ebpf_load(c.vm.get(), code.data(), static_cast<uint32_t>(code.size()), nullptr);
    };
    const int first = load_in(all_.front());
    for (const contender &c : all_)
        require(c.is_reference or load_in(c) == first, "all engines load the same programs");
    return first == EBPF_OK;
}

engine_set::observed engine_set::run(const contender &c, bool exact, uint64_t contents) {
    ++runs_[c.row.counter];
    // Tail calls lead to the same program, in this engine or in the first one.
    const std::array<ebpf_vm *, 2> successors{c.vm.get(), all_.front().vm.get()};
    set_successors(successors, not exact);
    return run_on(c.vm.get(), memory_.bytes(), contents, settings_.how.regions,
                  c.row.compiles_first);
}

/// All runs are called from one place, so that their stacks lie there, too.
std::optional<std::string> engine_set::difference(bool exact, uint64_t contents) {
    for (const contender &c : all_) {
        // What a check would end may do anything without.
        if (not c.checks and reference_.code != EBPF_OK) continue;
        observed b = run(c, exact, contents);
        if (c.is_reference) {
            reference_ = std::move(b);
            continue;
        }
        const observed &a = reference_;
        if (a.code != b.code or a.result != b.result or not same_fault(a.fault, b.fault, exact) or
            a.memory != b.memory)
            return describe(b, c);
    }
    return std::nullopt;
}

std::string engine_set::describe(const observed &other, const contender &c) const {
    return "reference: " + to_text(reference_) + '\n' + c.row.name +
           (c.checks ? "" : ", unchecked") + ": " + to_text(other) + "\nlevel " +
           std::to_string(settings_.optimization_level) +
           (settings_.prefers_size ? ", for size" : "") +
           (settings_.is_for_any_cpu ? ", for any CPU" : "") +
           where_memory_differs(reference_.memory, other.memory);
}

}  // namespace bpftime::vm::fuzz
