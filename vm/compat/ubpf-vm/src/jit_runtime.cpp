// bpftime-vm: what native code calls
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "access_group.hpp"
#include "interpreter.hpp"
#include "isa/arithmetic.hpp"
#include "native_program.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace bpftime::vm::ubpf {

namespace {

using compat::after_call;
using compat::fault_kind;

/// The memory of the run, with the frames live that are so in the function with this frame.
compat::memory_map &memory_at(const jit_state &state, uint64_t frame) noexcept {
    compat::run &run = *state.run;
    run.memory().set_live_frames(run.stack().depth_of(frame) + 1);
    return run.memory();
}

/// Native code looks there first from now on.
void remember(jit_state &state, const compat::memory_span &span) noexcept {
    state.forget_recent();
    state.recent_begin = span.begin;
    if (allows(span.allowed, permission::read)) state.recent_reads = starts_in(span.len);
    if (allows(span.allowed, permission::read_write)) state.recent_writes = starts_in(span.len);
}

/// The same, if it is where the memory map has just found an access.
void remember_found(jit_state &state, compat::memory_map &memory, uint64_t address, uint64_t size,
                    permission wanted) noexcept {
    // The entry function's frame lives as long as the run; others may be gone when it is asked.
    const compat::memory_span first = state.run->stack().frame(0);
    const compat::memory_span &recent = memory.recent();
    if (first.holds(address, size))
        remember(state, first);
    else if (recent.holds(address, size) and allows(recent.allowed, wanted))
        remember(state, recent);
}

/// The first access that may not be made of the group that begins at `pc`, with the address of its
/// bytes; size 0: there is none.
compat::memory_span first_refused(const program &p, compat::memory_map &memory, uint32_t pc,
                                  uint64_t address) {
    const auto behind = std::ranges::upper_bound(p.blocks(), pc, {}, &basic_block::begin);
    const basic_block &block = *std::prev(behind);
    const auto members = members_of_group(p, pc, block.end);
    const int32_t begin = std::ranges::min(members, {}, &byte_range::begin).begin;
    for (const byte_range &m : members) {
        const compat::memory_span span{address + static_cast<uint32_t>(m.begin - begin), m.size(),
                                       m.allowed};
        if (not memory.allows(span.begin, span.len, span.allowed)) return span;
    }
    return {};
}

/// Charges the native code's slice.
bool charge(jit_state &state, uint32_t units, uint32_t pc) noexcept {
    state.slice -= units;
    if (state.slice < 0) state.slice = rt_refill(&state, state.slice, units, pc);
    return state.slice >= 0;
}

/// Calls a helper with the words. It may run native code, which uses them, too.
after_call call(jit_state &state, const compat::helper_binding &helper, uint32_t pc,
                uint64_t frame) {
    memory_at(state, frame);
    std::array<uint64_t, 5> words;
    std::ranges::copy(state.words, words.begin());
    state.run->budget().put_back(state.slice);
    const after_call next = state.run->call_helper(pc, helper, words.data(), words[0]);
    state.slice = state.run->budget().slice();
    state.words[0] = words[0];
    state.forget_recent();
    return next;
}

/// The big-endian number of `bytes` bytes there.
uint64_t load_big_endian(uint64_t address, unsigned bytes) noexcept {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) {
        uint8_t byte = 0;
        std::memcpy(&byte, reinterpret_cast<const void *>(address + i), 1);
        value = value << 8 | byte;
    }
    return value;
}

}  // namespace

uint64_t rt_check(jit_state *state, uint64_t address, uint32_t site, uint64_t frame) noexcept {
    const auto [pc, size, wanted] = access_site::unpack(site);
    compat::memory_map &memory = memory_at(*state, frame);
    if (memory.allows(address, size, wanted)) {
        remember_found(*state, memory, address, size, wanted);
        return address;
    }
    return state->run->place_of_access(pc, address, size, wanted);
}

uint64_t rt_check_group(jit_state *state, uint64_t address, uint32_t site, uint64_t frame,
                        uint32_t size) {
    const access_site first = access_site::unpack(site);
    compat::memory_map &memory = memory_at(*state, frame);
    if (memory.allows(address, size, first.wanted)) {
        remember_found(*state, memory, address, size, first.wanted);
        return 1;
    }
    compat::run &run = *state->run;
    const compat::memory_span refused =
        first_refused(state->program->input().code, memory, first.pc, address);
    if (refused.len == 0) return 1;
    run.budget().put_back(state->slice);
    run_into_fault(state->program->interpreter(), run, first.pc, state->registers);
    // Unless its memory has changed meanwhile, the run has its fault.
    if (not run.has_fault())
        run.fail(memory.explain(first.pc, refused.begin, refused.len, refused.allowed));
    return 0;
}

void rt_misaligned(jit_state *state, uint64_t address, uint32_t site, uint64_t frame) noexcept {
    const auto [pc, size, wanted] = access_site::unpack(site);
    compat::fault f = memory_at(*state, frame).explain(pc, address, size, wanted);
    f.kind = fault_kind::misaligned_atomic;
    state->run->fail(f);
}

int64_t rt_refill(jit_state *state, int64_t slice, uint32_t units, uint32_t pc) noexcept {
    compat::budget &budget = state->run->budget();
    const fault_kind why = budget.refill(slice, units);
    if (why == fault_kind::none) return budget.slice();
    state->run->fail(why, pc);
    return -1;
}

uint64_t rt_call_helper(jit_state *state, const compat::helper_binding *helper, uint32_t pc,
                        uint64_t frame) {
    return static_cast<uint64_t>(call(*state, *helper, pc, frame));
}

uint64_t rt_call_value(jit_state *state, uint64_t value, uint32_t pc, uint64_t frame) {
    compat::run &run = *state->run;
    const program &p = state->program->input().code;
    if (p.is_callable(value)) {
        const uint32_t target = handle_pc(value);
        if (not charge(*state, p.functions()[p.function_at(target)].weight, pc)) return 0;
        if (frame != state->last_frame) {
            run.bar_speculation();
            return reinterpret_cast<uint64_t>(state->program->function_code(target));
        }
        rt_too_deep(state, pc);
        return 0;
    }
    const auto *const helper = run.callable_helper(value);
    if (helper == nullptr) {
        run.fail({.kind = fault_kind::bad_call_target, .pc = pc, .address = value});
        return 0;
    }
    if (call(*state, *helper, pc, frame) != after_call::goes_on) return 0;
    if (state->words[0] != 0 or run.config().unwind_helper != helper->declaration().id) return 1;
    run.unwind();
    return 0;
}

uint64_t rt_jump_value(jit_state *state, uint64_t value, uint32_t pc) noexcept {
    const program &p = state->program->input().code;
    const uint32_t target = handle_pc(value);
    const auto targets = p.jump_targets();
    const auto found = std::ranges::lower_bound(targets, target);
    if (not is_code_handle(value) or found == targets.end() or *found != target or
        p.function_at(target) != p.function_at(pc)) {
        state->run->fail({.kind = fault_kind::bad_jump_target, .pc = pc, .address = value});
        return 0;
    }
    if (program::is_back_edge(pc, target) and not charge(*state, p.loop_weight(target), pc))
        return 0;
    state->run->bar_speculation();
    return reinterpret_cast<uint64_t>(
        state->program->target_code(static_cast<std::size_t>(found - targets.begin())));
}

uint64_t rt_load_packet(jit_state *state, int64_t offset, uint32_t pc, uint64_t frame) {
    const compat::build_input &input = state->program->input();
    const unsigned bytes = isa::bytes_of(isa::info(input.code.insn(pc).id).width);
    if (const auto *const helper = input.linked.helper(EBPF_PACKET_LOAD_HELPER)) {
        std::ranges::fill(state->words, 0);
        state->words[0] = static_cast<uint64_t>(offset);
        state->words[1] = bytes;
        if (call(*state, *helper, pc, frame) == after_call::ends)
            return static_cast<uint64_t>(after_call::ends);
        if (static_cast<int64_t>(state->words[0]) >= 0)
            return static_cast<uint64_t>(after_call::goes_on);
    } else {
        const compat::memory_span &packet = state->run->input();
        const uint64_t address = packet.begin + static_cast<uint64_t>(offset);
        if (offset >= 0 and packet.holds(address, bytes)) {
            state->run->bar_speculation();
            state->words[0] = load_big_endian(address, bytes);
            return static_cast<uint64_t>(after_call::goes_on);
        }
    }
    state->words[0] = 0;
    return static_cast<uint64_t>(after_call::returns);
}

void rt_too_deep(jit_state *state, uint32_t pc) noexcept {
    state->run->fail(fault_kind::call_depth_exceeded, pc);
}

void rt_unwind(jit_state *state) noexcept { state->run->unwind(); }

uint64_t rt_enter(const native_program *program, void *mem, std::size_t mem_len) {
    return program->enter(mem, mem_len);
}

}  // namespace bpftime::vm::ubpf
