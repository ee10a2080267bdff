// bpftime-vm: one program in all engines, over the same memory
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "engines_set.hpp"

#include "facts_engine.hpp"
#include "isa/text.hpp"

#include <algorithm>
#include <cstring>
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

/// Memory of a run beside input and stack. One object per process, as callbacks get no context.
struct arena {
    guarded_memory map_value{24};
    guarded_memory variable{13};
    guarded_memory read_only{32};
    guarded_memory write_only{17};
    guarded_memory returned{40};
    guarded_memory granted{21};

    [[nodiscard]] std::array<const guarded_memory *, 6> all() const {
        return {&map_value, &variable, &read_only, &write_only, &returned, &granted};
    }
};

arena &shared() {
    static auto &all = *new arena;
    return all;
}

/// The same bytes for the same number; number 0 counts, so that each byte tells its place.
void refill(std::span<uint8_t> bytes, uint64_t contents) {
    if (contents == 0) {
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 37 + 5);
        return;
    }
    random_source random{contents};
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(uint64_t)) {
        const uint64_t word = random.interesting();
        std::memcpy(&bytes[i], &word, std::min(sizeof word, bytes.size() - i));
    }
}

// --- helpers

uint64_t weigh(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    return r1 + 2 * r2 + 3 * r3 + 4 * r4 + 5 * r5;
}

uint64_t first(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) { return r1; }

uint64_t square(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) { return r1 * r1; }

/// A byte of memory that programs can write through grant() and lddw.
uint64_t peek(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const std::span bytes = shared().granted.bytes();
    return bytes[r1 % bytes.size()];
}

uint64_t give(void *context, uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    return r1 % 4 == 0 ? 0 : static_cast<const arena *>(context)->returned.address();
}

uint64_t grant(void *context, uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const guarded_memory &b = static_cast<const arena *>(context)->granted;
    ebpf_grant(b.bytes().data(), b.bytes().size(), static_cast<unsigned>(r1 % 5));
    return b.address();
}

uint64_t sum(uint64_t address, uint64_t size, uint64_t, uint64_t, uint64_t) {
    const auto *const bytes = reinterpret_cast<const uint8_t *>(address);
    uint64_t total = 0;
    for (uint64_t i = 0; i < size; ++i) total += bytes[i];
    return total;
}

constexpr uint32_t written_size = 16;

uint64_t fill(uint64_t address, uint64_t value, uint64_t, uint64_t, uint64_t) {
    if (address != 0) {
        std::fill_n(reinterpret_cast<uint8_t *>(address), written_size,
                    static_cast<uint8_t>(value));
    }
    return address;
}

constexpr uint32_t unwind_helper = 5;

/// The ids are those of the playground's helpers that take and give the same kinds of words.
std::vector<ebpf_helper> make_helpers() {
    const auto plain = [](uint32_t id, const char *name, external_function_t fn) {
        ebpf_helper h{};
        h.id = id;
        h.name = name;
        h.fn = fn;
        return h;
    };
    const auto pure = [&](uint32_t id, const char *name, external_function_t fn, uint32_t purity) {
        ebpf_helper h = plain(id, name, fn);
        h.arguments[0].kind = EBPF_ARG_SCALAR;
        h.purity = purity;
        return h;
    };
    const auto with_arena = [&](uint32_t id, const char *name, ebpf_ctx_helper_fn fn) {
        ebpf_helper h = plain(id, name, nullptr);
        h.ctx_fn = fn;
        h.context = &shared();
        return h;
    };
    ebpf_helper gives = with_arena(6, "give", give);
    gives.result = EBPF_RESULT_POINTER_OR_NULL;
    gives.result_size = static_cast<uint32_t>(shared().returned.bytes().size());
    ebpf_helper sums = pure(8, "sum", sum, EBPF_PURE_READS);
    sums.arguments[0].kind = EBPF_ARG_MEMORY_READ;
    sums.arguments[1].kind = EBPF_ARG_MEMORY_SIZE;
    ebpf_helper fills = plain(9, "fill", fill);
    fills.arguments[0] = {.kind = EBPF_ARG_MEMORY_WRITE, .size = written_size, .may_be_null = 1};
    fills.arguments[1].kind = EBPF_ARG_SCALAR;
    return {plain(1, "weigh", weigh),
            pure(2, "square", square, EBPF_PURE_CONSTANT),
            pure(3, "peek", peek, EBPF_PURE_READS),
            plain(unwind_helper, "unwind", first),
            gives,
            with_arena(7, "grant", grant),
            sums,
            fills};
}

// --- lddw callbacks

constexpr uint64_t first_map = 0x1000;
constexpr uint64_t map_count = 4;

uint64_t map_of(uint32_t id) { return first_map + id; }
bool is_map(uint64_t map) { return map - first_map < map_count; }
uint64_t map_value(uint64_t map) { return is_map(map) ? shared().map_value.address() : 0; }
uint64_t map_value_size(uint64_t map) {
    return is_map(map) ? shared().map_value.bytes().size() : 0;
}
uint64_t variable(uint32_t id) {
    const arena &all = shared();
    const std::array blocks{&all.variable, &all.read_only, &all.write_only, &all.granted};
    return id < blocks.size() ? blocks[id]->address() : 0;
}
uint64_t variable_size(uint32_t id) { return id == 0 ? shared().variable.bytes().size() : 0; }

// --- runs

/// One run on refilled memory. What cannot be compiled cannot run either, and says so then. Not
/// inlined, so that the stacks of all runs begin at one place.
[[gnu::noinline]] engine_set::observed run_on(ebpf_vm *vm, std::span<uint8_t> memory,
                                              uint64_t contents, bool with_region,
                                              bool compiles_first) {
    if (compiles_first) ebpf_compile(vm, nullptr);
    refill(memory, contents);
    for (const guarded_memory *b : shared().all()) refill(b->bytes(), contents);
    const std::span sink = shared().write_only.bytes();
    const ebpf_region region{sink.data(), sink.size(), EBPF_PERM_WRITE};
    uint8_t *const mem = memory.empty() ? nullptr : memory.data();
    engine_set::observed o;
    o.result = 0x5eed;
    o.code = ebpf_exec_regions(vm, mem, memory.size(), &region, with_region ? 1 : 0, &o.result);
    ebpf_last_fault(&o.fault);
    o.memory.assign(memory.begin(), memory.end());
    for (const guarded_memory *b : shared().all())
        o.memory.insert(o.memory.end(), b->bytes().begin(), b->bytes().end());
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
    static const auto helpers = make_helpers();
    const settings &s = settings_.how;
    vm_ptr vm{ebpf_create(c.row.backend)};
    require(vm != nullptr, "all backends are there");
    const auto set = [](int code) { require(code == EBPF_OK, "the VM can be configured so"); };
    set(ebpf_set_max_insns(vm.get(), s.max_insns));
    set(ebpf_set_instruction_limit(vm.get(), s.instruction_limit));
    set(ebpf_set_stack_size(vm.get(), s.stack_size));
    set(ebpf_set_call_depth(vm.get(), s.call_depth));
    set(ebpf_set_optimization_level(vm.get(), settings_.optimization_level));
    set(ebpf_set_constant_blinding(vm.get(), settings_.blinds_constants));
    if (not c.is_reference) {
        set(ebpf_set_check_elimination(vm.get(), settings_.eliminates_checks));
        set(ebpf_set_speculation_barriers(vm.get(), settings_.bars_speculation));
        set(ebpf_set_pointer_secret(vm.get(), settings_.pointer_secret));
    }
    ebpf_toggle_bounds_check(vm.get(), c.checks);
    set(ebpf_set_jump_targets(vm.get(), s.jump_targets.data(), s.jump_targets.size()));
    const std::span constants = shared().read_only.bytes();
    set(ebpf_register_region(vm.get(), constants.data(), constants.size(), EBPF_PERM_READ));
    if (s.helpers) {
        for (const ebpf_helper &h : helpers) set(ebpf_register_typed(vm.get(), &h));
        set(ebpf_set_unwind_function_index(vm.get(), unwind_helper));
    }
    if (s.lddw_callbacks) {
        set(ebpf_set_lddw_helpers(vm.get(), map_of, map_of, map_value, variable, nullptr));
        set(ebpf_set_lddw_size_helpers(vm.get(), nullptr, nullptr, map_value_size, variable_size,
                                       nullptr));
    }
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

engine_set::observed engine_set::run(const contender &c, uint64_t contents) {
    ++runs_[c.row.counter];
    return run_on(c.vm.get(), memory_.bytes(), contents, settings_.how.regions,
                  c.row.compiles_first);
}

/// All runs are called from one place, so that their stacks lie there, too.
std::optional<std::string> engine_set::difference(bool exact, uint64_t contents) {
    for (const contender &c : all_) {
        // What a check would end may do anything without.
        if (not c.checks and reference_.code != EBPF_OK) continue;
        observed b = run(c, contents);
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
           where_memory_differs(reference_.memory, other.memory);
}

}  // namespace bpftime::vm::fuzz
