// bpftime-vm: helpers that do what the kernel's do
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/helpers.hpp"

#include "helper_functions.hpp"
#include "helper_words.hpp"
#include "object_helpers.hpp"
#include "packet_load.hpp"
#include "probe_helpers.hpp"
#include "run_scope.hpp"
#include "runtime/cpu.hpp"
#include "runtime/map.hpp"
#include "runtime/object_map.hpp"
#include "runtime/packet.hpp"
#include "runtime/probe.hpp"
#include "runtime/ring_buffer.hpp"
#include "signal_helpers.hpp"
#include "text_helpers.hpp"
#include "timer_helpers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <expected>
#include <span>
#include <vector>

namespace bpftime::vm::runtime {

namespace {

/// Whether programs may change the map, or its values. Where they may not read values, lookups
/// still find them: an access decides.
bool may(const map &m, permission wanted) noexcept {
    return allows(static_cast<permission>(m.shape().permission), wanted);
}

}  // namespace

namespace helper {

// --- maps

uint64_t map_lookup_elem(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    map &m = map_of(r1);
    void *const found = m.lookup_elem(pointer(r2));
    if (m.gives_values()) return word_of(found);
    const map_type type = m.definition().type;
    if (found != nullptr and (type == map_type::array_of_maps or type == map_type::hash_of_maps)) {
        if (run_scope *const scope = run_scope::current_or_throw())
            scope->add_map(static_cast<const map *>(found));
        return word_of(found);
    }
    return 0;
}

uint64_t map_update_elem(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    map &m = map_of(r1);
    if (not may(m, permission::write)) return word_of(-EPERM);
    return word_of(m.update_elem(pointer(r2), pointer(r3), r4));
}

uint64_t map_delete_elem(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    map &m = map_of(r1);
    return word_of(may(m, permission::write) ? m.delete_elem(pointer(r2)) : -EPERM);
}

uint64_t map_push_elem(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    map &m = map_of(r1);
    return word_of(may(m, permission::write) ? m.push_elem(pointer(r2), r3) : -EPERM);
}

uint64_t map_pop_elem(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    map &m = map_of(r1);
    return word_of(may(m, permission::write) ? m.pop_elem(pointer(r2)) : -EPERM);
}

uint64_t map_peek_elem(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    return word_of(map_of(r1).peek_elem(pointer(r2)));
}

uint64_t map_lookup_percpu_elem(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    if (r3 >= cpu_count()) return 0;
    return word_of(map_of(r1).lookup_percpu_elem(pointer(r2), static_cast<uint32_t>(r3)));
}

// --- records to the host

/// The begin of the packet that the upper half of the flags of bpf_perf_event_output() asks for, or
/// a negative errno.
std::expected<std::span<const uint8_t>, int> packet_part(uint64_t flags) noexcept {
    constexpr unsigned size_shift = 32;
    constexpr uint64_t most_bytes = 0xf'ffff;
    const packet_context *const packet = packet_context::running();
    const uint64_t bytes = flags >> size_shift;
    if (bytes > (packet == nullptr ? 0 : most_bytes)) return std::unexpected{-EINVAL};
    if (bytes == 0) return {};
    if (bytes > packet->packet().size()) return std::unexpected{-EFAULT};
    return packet->packet().first(bytes);
}

/// A record that is `data` and then `more`.
int output(ring_buffer &ring, std::span<const uint8_t> data,
           std::span<const uint8_t> more) noexcept {
    auto *const record = static_cast<uint8_t *>(ring.reserve(data.size() + more.size(), 0));
    if (record == nullptr) return -ENOSPC;
    std::ranges::copy(data, record);
    std::ranges::copy(more, record + data.size());
    ring.submit(record, 0);
    return 0;
}

uint64_t perf_event_output(uint64_t, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    constexpr uint64_t index_mask = 0xffff'ffff;
    map &m = map_of(r2);
    if (m.definition().type != map_type::perf_event_array) return word_of(-EINVAL);
    const auto packet = packet_part(r3);
    if (not packet) return word_of(packet.error());
    const auto wanted = static_cast<uint32_t>(r3);
    const uint32_t index = wanted == index_mask ? current_cpu() : wanted;
    if (index >= m.definition().max_entries) return word_of(-E2BIG);
    auto *const ring = as_ring_buffer(static_cast<map *>(m.lookup_elem(&index)));
    if (ring == nullptr) return word_of(-ENOENT);
    const std::span data{static_cast<const uint8_t *>(pointer(r4)), static_cast<std::size_t>(r5)};
    return word_of(output(*ring, data, *packet));
}

uint64_t skb_output(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    return perf_event_output(r1, r2, r3, r4, r5);
}

uint64_t xdp_output(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    return perf_event_output(r1, r2, r3, r4, r5);
}

uint64_t perf_event_read(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    constexpr uint64_t index_mask = 0xffff'ffff;
    map &m = map_of(r1);
    if (m.definition().type != map_type::perf_event_array or (r2 & ~index_mask) != 0)
        return word_of(-EINVAL);
    const uint32_t index = r2 == index_mask ? current_cpu() : static_cast<uint32_t>(r2);
    if (index >= m.definition().max_entries) return word_of(-E2BIG);
    return word_of(m.lookup_elem(&index) == nullptr ? -ENOENT : -EINVAL);
}

uint64_t perf_event_read_value(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    constexpr std::size_t value_bytes = 24;  // counter, time enabled, time running
    const auto to = bytes_at(r3, r4);
    std::ranges::fill(to, uint8_t{0});
    return to.size() == value_bytes ? perf_event_read(r1, r2, 0, 0, 0) : word_of(-EINVAL);
}

uint64_t ringbuf_output(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    ring_buffer *const ring = as_ring_buffer(&map_of(r1));
    return word_of(ring != nullptr ? ring->output(pointer(r2), r3, r4) : -EINVAL);
}

uint64_t ringbuf_reserve(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    ring_buffer *const ring = as_ring_buffer(&map_of(r1));
    compat::run *const run = compat::run::current();
    run_scope *const scope = run == nullptr ? nullptr : run_scope::of(*run);
    if (ring == nullptr or scope == nullptr) return 0;
    void *const record = ring->reserve(r2, r3);
    if (record == nullptr) return 0;
    try {
        scope->add_record(record, *ring);
    } catch (...) {
        ring->discard(record, 0);
        throw;
    }
    run->memory().grant({word_of(record), r2});
    return word_of(record);
}

/// The ring of a record that this run reserved, whose memory the program then no longer has.
static ring_buffer *take_record(uint64_t record) noexcept {
    compat::run *const run = compat::run::current();
    run_scope *const scope = run == nullptr ? nullptr : run_scope::of(*run);
    ring_buffer *const ring = scope == nullptr ? nullptr : scope->take_record(pointer(record));
    if (ring != nullptr) run->memory().revoke(record);
    return ring;
}

uint64_t ringbuf_submit(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    if (ring_buffer *const ring = take_record(r1)) ring->submit(pointer(r1), r2);
    return 0;
}

uint64_t ringbuf_discard(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    if (ring_buffer *const ring = take_record(r1)) ring->discard(pointer(r1), r2);
    return 0;
}

uint64_t ringbuf_query(uint64_t r1, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    const ring_buffer *const ring = as_ring_buffer(&map_of(r1));
    return ring == nullptr ? 0 : ring->query(r2);
}

}  // namespace helper

namespace {

// --- the table

/// An argument of a row: its kind alone, or what the functions below make of it.
struct argument {
    // NOLINTNEXTLINE(google-explicit-constructor): rows name kinds.
    argument(argument_kind kind) : declared{.kind = kind} {}
    argument_declaration declared;
};

argument or_null(argument a) {
    a.declared.may_be_null = true;
    return a;
}

argument of_bytes(argument a, uint32_t size) {
    a.declared.size = size;
    return a;
}

helper_declaration declare(uint32_t id, const char *name, result_kind result,
                           std::initializer_list<argument> arguments) {
    helper_declaration d{.id = id, .name = name, .typed = true, .result = result};
    std::size_t at = 0;
    for (const argument &a : arguments) d.arguments[at++] = a.declared;
    return d;
}

std::vector<helper_row> make_kernel_functions() {
    using enum argument_kind;
    std::vector<helper_row> rows{
#define ROW(name, result, meaning, of_packet, ...)                                                 \
    {declare(0, "bpf_" #name, result_kind::result, {__VA_ARGS__}), meaning, kernel_function::name, \
     of_packet},
#define KERNEL_FUNCTION(name, result, meaning, ...) \
    ROW(name, result, meaning, false __VA_OPT__(, ) __VA_ARGS__)
#define PACKET_KERNEL_FUNCTION(name, result, meaning, ...) \
    ROW(name, result, meaning, true __VA_OPT__(, ) __VA_ARGS__)
#include "kernel_functions.def"
#undef ROW
    };
    for (std::size_t i = 0; i < rows.size(); ++i) {
        helper_declaration &d = rows[i].declaration;
        d.id = first_kernel_function + static_cast<uint32_t>(i);
        if (d.name.ends_with('_')) d.name.pop_back();
    }
    return rows;
}

std::vector<helper_row> make_table() {
    using enum argument_kind;
    return {
#define ROW(id, name, result, meaning, of_packet, ...)                                     \
    {declare(id, "bpf_" #name, result_kind::result, {__VA_ARGS__}), meaning, helper::name, \
     of_packet},
#define HELPER(id, name, result, meaning, ...) \
    ROW(id, name, result, meaning, false __VA_OPT__(, ) __VA_ARGS__)
#define PACKET_HELPER(id, name, result, meaning, ...) \
    ROW(id, name, result, meaning, true __VA_OPT__(, ) __VA_ARGS__)
#include "helpers.def"
#undef ROW
    };
}

ebpf_helper registration_of(const helper_row &row) {
    ebpf_helper helper{};
    helper.id = row.declaration.id;
    helper.name = row.declaration.name.c_str();
    helper.fn = row.function;
    for (std::size_t i = 0; i < max_helper_arguments; ++i) {
        const argument_declaration &a = row.declaration.arguments[i];
        helper.arguments[i] = {static_cast<uint32_t>(a.kind), a.size, a.may_be_null ? 1U : 0U};
    }
    helper.result = static_cast<uint32_t>(row.declaration.result);
    return helper;
}

}  // namespace

std::span<const helper_row> helper_table() {
    static const std::vector<helper_row> table = make_table();
    return table;
}

std::span<const helper_row> kernel_function_table() {
    static const std::vector<helper_row> table = make_kernel_functions();
    return table;
}

std::string_view helper_name(uint32_t id) noexcept {
    switch (id) {
#define HELPER_NAME(id, name) \
    case id: return "bpf_" #name;
#include "helper_names.def"
#undef HELPER_NAME
    default: return {};
    }
}

namespace {

result<void> register_rows(ebpf_vm &vm, bool with_packet) {
    for (const auto table : {helper_table(), kernel_function_table()}) {
        for (const helper_row &row : table) {
            if (needs_packet(row) != with_packet) continue;
            if (vm.register_helper(registration_of(row)) == EBPF_OK) continue;
            return std::unexpected{make_error(error_code::invalid_argument, vm.error_message())};
        }
    }
    return {};
}

}  // namespace

result<void> register_helpers(ebpf_vm &vm) { return register_rows(vm, false); }
result<void> register_packet_helpers(ebpf_vm &vm) {
    if (vm.register_helper(packet_load_helper()) != EBPF_OK)
        return std::unexpected{make_error(error_code::invalid_argument, vm.error_message())};
    return register_rows(vm, true);
}

namespace {

/// Registers those helpers once more of which `other` knows another function, which gets `context`.
result<void> register_others(ebpf_vm &vm, ebpf_ctx_helper_fn (*other)(external_function_t) noexcept,
                             void *context) {
    for (const auto table : {helper_table(), kernel_function_table()}) {
        for (const helper_row &row : table) {
            const ebpf_ctx_helper_fn function = other(row.function);
            if (function == nullptr) continue;
            ebpf_helper helper = registration_of(row);
            helper.fn = nullptr;
            helper.ctx_fn = function;
            helper.context = context;
            if (vm.register_helper(helper) == EBPF_OK) continue;
            return std::unexpected{make_error(error_code::invalid_argument, vm.error_message())};
        }
    }
    return {};
}

}  // namespace

result<void> register_trace(ebpf_vm &vm, const trace_sink &sink) {
    // Helpers get their context as it was given, and read it only.
    return register_others(vm, traced_function, const_cast<trace_sink *>(&sink));
}

result<void> register_types(ebpf_vm &vm, const object::btf &types) {
    return register_others(vm, typed_function, const_cast<object::btf *>(&types));
}

result<void> register_signals(ebpf_vm &vm, const signal_sink &sink) {
    return register_others(vm, sending_function, const_cast<signal_sink *>(&sink));
}

result<void> register_timers(ebpf_vm &vm, const timer_host &host) {
    return register_others(vm, function_with_timers, const_cast<timer_host *>(&host));
}

result<void> register_objects(ebpf_vm &vm, object_heap &heap) {
    return register_others(vm, function_with_objects, &heap);
}

result<void> allow_process_memory(ebpf_vm &vm) {
    return register_others(vm, function_for_process, nullptr);
}

}  // namespace bpftime::vm::runtime
