// bpftime-vm: a VM with everything that a program can meet
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "playground.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace bpftime::vm::fuzz {

namespace {

constexpr uint64_t first_map = 0x1000;  // what callbacks call a map: no address
constexpr uint64_t map_count = 4;

/// Memory beside the input and the stack, one heap block each, so that a sanitizer sees the first
/// byte beyond it.
struct block {
    explicit block(std::size_t bytes) : size{bytes}, data{std::make_unique<uint8_t[]>(bytes)} {}

    uint64_t address() const noexcept { return reinterpret_cast<uintptr_t>(data.get()); }
    /// What no run has changed yet: an input's outcome must not depend on the inputs before it.
    void refill() noexcept {
        for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<uint8_t>(i * 37 + 5);
    }

    std::size_t size;
    std::unique_ptr<uint8_t[]> data;
};

struct blocks {
    block map_value{24};
    block variable{13};
    block read_only{32};
    block write_only{17};
    block returned{40};
    block granted{21};

    void refill() noexcept {
        for (block *b : {&map_value, &variable, &read_only, &write_only, &returned, &granted})
            b->refill();
    }
};

/// Lives as long as the process: callbacks of the C API get no context.
blocks &shared_blocks() {
    static auto &all = *new blocks;
    return all;
}

// --- helpers

uint64_t weigh(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    return r1 + 2 * r2 + 3 * r3 + 4 * r4 + 5 * r5;
}
uint64_t first(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) { return r1; }
uint64_t zero(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }

uint64_t give_block(void *context, uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    return r1 % 4 == 0 ? 0 : static_cast<blocks *>(context)->returned.address();
}

uint64_t grant_block(void *context, uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const block &b = static_cast<blocks *>(context)->granted;
    ebpf_grant(b.data.get(), b.size, static_cast<unsigned>(r1 % 5));
    return b.address();
}

uint64_t sum_bytes(uint64_t address, uint64_t size, uint64_t, uint64_t, uint64_t) {
    const auto *const bytes = reinterpret_cast<const uint8_t *>(address);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < size; ++i) sum += bytes[i];
    return sum;
}

constexpr uint32_t written_size = 16;

uint64_t write_bytes(uint64_t address, uint64_t value, uint64_t, uint64_t, uint64_t) {
    if (address != 0)
        std::fill_n(reinterpret_cast<uint8_t *>(address), written_size,
                    static_cast<uint8_t>(value));
    return address;
}

constexpr uint32_t unwind_helper = 5;

ebpf_helper helper(uint32_t id, const char *name, external_function_t fn) {
    ebpf_helper h{};
    h.id = id;
    h.name = name;
    h.fn = fn;
    return h;
}

std::vector<ebpf_helper> make_helpers() {
    std::vector<ebpf_helper> all{helper(1, "weigh", weigh), helper(2, "first", first),
                                 helper(3, "zero", zero), helper(unwind_helper, "unwind", first)};
    ebpf_helper give = helper(6, "give_block", nullptr);
    give.ctx_fn = give_block;
    give.context = &shared_blocks();
    give.result = EBPF_RESULT_POINTER_OR_NULL;
    give.result_size = static_cast<uint32_t>(shared_blocks().returned.size);
    ebpf_helper grant = helper(7, "grant_block", nullptr);
    grant.ctx_fn = grant_block;
    grant.context = &shared_blocks();
    ebpf_helper sum = helper(8, "sum_bytes", sum_bytes);
    sum.arguments[0] = {.kind = EBPF_ARG_MEMORY_READ, .size = 0, .may_be_null = 0};
    sum.arguments[1] = {.kind = EBPF_ARG_MEMORY_SIZE, .size = 0, .may_be_null = 0};
    ebpf_helper write = helper(9, "write_bytes", write_bytes);
    write.arguments[0] = {.kind = EBPF_ARG_MEMORY_WRITE, .size = written_size, .may_be_null = 1};
    write.arguments[1] = {.kind = EBPF_ARG_SCALAR, .size = 0, .may_be_null = 0};
    for (const ebpf_helper &h : {give, grant, sum, write}) all.push_back(h);
    return all;
}

// --- lddw callbacks

uint64_t map_of(uint32_t id) { return first_map + id; }
bool is_map(uint64_t map) { return map - first_map < map_count; }
uint64_t map_value(uint64_t map) { return is_map(map) ? shared_blocks().map_value.address() : 0; }
uint64_t map_value_size(uint64_t map) { return is_map(map) ? shared_blocks().map_value.size : 0; }

uint64_t variable(uint32_t id) {
    const blocks &all = shared_blocks();
    const std::array addresses{all.variable.address(), all.read_only.address(),
                               all.write_only.address(), all.granted.address()};
    return id < addresses.size() ? addresses[id] : 0;
}
uint64_t variable_size(uint32_t id) { return id == 0 ? shared_blocks().variable.size : 0; }

bool is_error(int64_t code) { return code < EBPF_OK and code > EBPF_ERROR_INTERNAL; }

}  // namespace

std::span<const uint32_t> all_helpers() noexcept {
    static constexpr auto ids = std::to_array<uint32_t>({1, 2, 3, unwind_helper, 6, 7, 8, 9});
    return ids;
}

std::span<const uint32_t> scalar_helpers() noexcept { return all_helpers().first(4); }

playground::playground(settings how) : settings_{std::move(how)}, vm_{ebpf_create("ubpf")} {
    const settings &s = settings_;
    require(vm_ != nullptr, "the light backend is there");
    require(ebpf_set_max_insns(vm_.get(), s.max_insns) == EBPF_OK, "ebpf_set_max_insns");
    require(ebpf_set_instruction_limit(vm_.get(), s.instruction_limit) == EBPF_OK,
            "ebpf_set_instruction_limit");
    require(ebpf_set_stack_size(vm_.get(), s.stack_size) == EBPF_OK, "ebpf_set_stack_size");
    require(ebpf_set_call_depth(vm_.get(), s.call_depth) == EBPF_OK, "ebpf_set_call_depth");
    require(
        ebpf_set_jump_targets(vm_.get(), s.jump_targets.data(), s.jump_targets.size()) == EBPF_OK,
        "ebpf_set_jump_targets");
    const block &constants = shared_blocks().read_only;
    require(ebpf_register_region(vm_.get(), constants.data.get(), constants.size, EBPF_PERM_READ) ==
                EBPF_OK,
            "ebpf_register_region");
    if (s.helpers) register_helpers();
    if (s.lddw_callbacks) set_callbacks();
}

void playground::register_helpers() {
    static const auto helpers = make_helpers();
    for (const ebpf_helper &h : helpers) {
        require(ebpf_register_typed(vm_.get(), &h) == EBPF_OK, "ebpf_register_typed");
    }
    require(ebpf_set_unwind_function_index(vm_.get(), unwind_helper) == EBPF_OK,
            "ebpf_set_unwind_function_index");
}

void playground::set_callbacks() {
    require(
        ebpf_set_lddw_helpers(vm_.get(), map_of, map_of, map_value, variable, nullptr) == EBPF_OK,
        "ebpf_set_lddw_helpers");
    require(ebpf_set_lddw_size_helpers(vm_.get(), nullptr, nullptr, map_value_size, variable_size,
                                       nullptr) == EBPF_OK,
            "ebpf_set_lddw_size_helpers");
}

int playground::load(std::span<const uint8_t> code) {
    char *message = nullptr;
    const int loaded =
        ebpf_load(vm_.get(), code.data(), static_cast<uint32_t>(code.size()), &message);
    require(loaded == EBPF_OK or is_error(loaded), "ebpf_load gives a known error");
    require((loaded == EBPF_OK) == (message == nullptr), "ebpf_load gives a message if it fails");
    require(message == nullptr or *message != '\0', "messages say something");
    ebpf_free(message);
    return loaded;
}

outcome playground::run() {
    shared_blocks().refill();
    block memory{settings_.memory_size};
    memory.refill();
    uint8_t *const mem = memory.size == 0 ? nullptr : memory.data.get();
    const block &sink = shared_blocks().write_only;
    const ebpf_region region{sink.data.get(), sink.size, EBPF_PERM_WRITE};
    outcome out;
    out.code = settings_.regions
                   ? ebpf_exec_regions(vm_.get(), mem, memory.size, &region, 1, &out.result)
                   : ebpf_exec(vm_.get(), mem, memory.size, &out.result);
    out.faulted = ebpf_last_fault(&out.fault) == 1;
    out.memory.assign(memory.data.get(), memory.data.get() + memory.size);
    require(out.code == EBPF_OK or is_error(out.code), "ebpf_exec gives a known error");
    require(out.code == EBPF_OK or *ebpf_last_error() != '\0', "messages say something");
    return out;
}

}  // namespace bpftime::vm::fuzz
