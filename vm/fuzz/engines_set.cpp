// bpftime-vm: one program in all engines, over the same memory
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "engines_set.hpp"

#include "isa/text.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace bpftime::vm::fuzz {

namespace {

struct engine_row {
    const char *name;
    const char *backend;
    bool compiles_first;  ///< by ebpf_compile(), where ebpf_exec() alone would not
};

constexpr auto engines = std::to_array<engine_row>({
    {"ubpf", "ubpf", false},
#ifdef FUZZ_UBPF_JIT
    {"ubpf-jit", "ubpf", true},
#endif
#ifdef FUZZ_LLVM
    {"llvm", "llvm", false},
#endif
});

/// Memory of a run beside input and stack. One object per process, as callbacks get no context;
/// each part a heap block of its own, so that a sanitizer sees the first byte beyond it.
struct arena {
    struct block {
        std::size_t size;
        std::unique_ptr<uint8_t[]> data = std::make_unique<uint8_t[]>(size);

        [[nodiscard]] uint64_t address() const noexcept {
            return reinterpret_cast<uintptr_t>(data.get());
        }
    };

    block map_value{24};
    block variable{13};
    block read_only{32};
    block write_only{17};
    block returned{40};
    block granted{21};

    [[nodiscard]] std::array<const block *, 6> all() const {
        return {&map_value, &variable, &read_only, &write_only, &returned, &granted};
    }
};

arena &shared() {
    static auto &all = *new arena;
    return all;
}

void refill(std::span<uint8_t> bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 37 + 5);
}

// --- helpers

uint64_t weigh(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    return r1 + 2 * r2 + 3 * r3 + 4 * r4 + 5 * r5;
}

uint64_t first(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) { return r1; }

uint64_t square(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) { return r1 * r1; }

/// A byte of memory that programs can write through grant() and lddw.
uint64_t peek(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const arena::block &b = shared().granted;
    return b.data[r1 % b.size];
}

uint64_t give(void *context, uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    return r1 % 4 == 0 ? 0 : static_cast<const arena *>(context)->returned.address();
}

uint64_t grant(void *context, uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const arena::block &b = static_cast<const arena *>(context)->granted;
    ebpf_grant(b.data.get(), b.size, static_cast<unsigned>(r1 % 5));
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
    gives.result_size = static_cast<uint32_t>(shared().returned.size);
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
uint64_t map_value_size(uint64_t map) { return is_map(map) ? shared().map_value.size : 0; }
uint64_t variable(uint32_t id) {
    const arena &all = shared();
    const std::array blocks{&all.variable, &all.read_only, &all.write_only, &all.granted};
    return id < blocks.size() ? blocks[id]->address() : 0;
}
uint64_t variable_size(uint32_t id) { return id == 0 ? shared().variable.size : 0; }

// --- runs

/// One run on refilled memory. What cannot be compiled cannot run either, and says so then. Not
/// inlined, so that the stacks of all runs begin at one place.
[[gnu::noinline]] engine_set::observed run_on(ebpf_vm *vm, std::span<uint8_t> memory,
                                              bool with_region, bool compiles_first) {
    if (compiles_first) ebpf_compile(vm, nullptr);
    refill(memory);
    for (const arena::block *b : shared().all()) refill({b->data.get(), b->size});
    const arena::block &sink = shared().write_only;
    const ebpf_region region{sink.data.get(), sink.size, EBPF_PERM_WRITE};
    uint8_t *const mem = memory.empty() ? nullptr : memory.data();
    engine_set::observed o;
    o.result = 0x5eed;
    o.code = ebpf_exec_regions(vm, mem, memory.size(), &region, with_region ? 1 : 0, &o.result);
    ebpf_last_fault(&o.fault);
    o.memory.assign(memory.begin(), memory.end());
    for (const arena::block *b : shared().all())
        o.memory.insert(o.memory.end(), b->data.get(), b->data.get() + b->size);
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
    : settings_{std::move(s)}, memory_{std::make_unique<uint8_t[]>(settings_.how.memory_size)} {
    add({.row = engines.front(), .is_reference = true});
    for (const engine_row &e : engines) {
        // The same as the reference tells nothing.
        const bool differs = settings_.eliminates_checks or settings_.bars_speculation or
                             settings_.pointer_secret != 0 or e.name != engines.front().name;
        if (differs) add({.row = e});
    }
    if (not settings_.also_unchecked) return;
    for (const engine_row &e : engines) add({.row = e, .checks = false});
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
    const arena::block &constants = shared().read_only;
    set(ebpf_register_region(vm.get(), constants.data.get(), constants.size, EBPF_PERM_READ));
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

engine_set::observed engine_set::run(const contender &c) const {
    const std::span memory{memory_.get(), settings_.how.memory_size};
    return run_on(c.vm.get(), memory, settings_.how.regions, c.row.compiles_first);
}

/// All runs are called from one place, so that their stacks lie there, too.
std::optional<std::string> engine_set::difference(bool exact) {
    for (const contender &c : all_) {
        // What a check would end may do anything without.
        if (not c.checks and reference_.code != EBPF_OK) continue;
        observed b = run(c);
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
