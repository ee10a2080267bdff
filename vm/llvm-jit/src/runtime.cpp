// bpftime-vm: what compiled code calls
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "abi.hpp"
#include "compat/last_error.hpp"
#include "native_program.hpp"

#include <exception>
#include <limits>

namespace bpftime::vm::llvm_jit {

namespace {

using compat::fault_kind;

/// The memory of the run, with the frames live that are so in the function with this frame.
compat::memory_map &memory_at(const run_state &state, uint64_t frame) noexcept {
    compat::run &run = *state.run;
    run.memory().set_live_frames(run.stack().depth_of(frame) + 1);
    return run.memory();
}

}  // namespace

uint64_t ebpf_rt_check(const run_state *state, uint64_t address, uint64_t access,
                       uint64_t frame) noexcept {
    const auto [pc, size, wanted] = access_word::unpack(access);
    // What is not the input is most often what the last one was, too.
    if (state->run->memory().allows_again(address, size, wanted)) return address;
    memory_at(*state, frame);
    return state->run->place_of_access(pc, address, size, wanted);
}

void ebpf_rt_misaligned(const run_state *state, uint64_t address, uint64_t access,
                        uint64_t frame) noexcept {
    const auto [pc, size, wanted] = access_word::unpack(access);
    compat::fault f = memory_at(*state, frame).explain(pc, address, size, wanted);
    f.kind = fault_kind::misaligned_atomic;
    state->run->fail(f);
}

void ebpf_rt_fault(const run_state *state, uint64_t pc_and_kind, uint64_t value) noexcept {
    state->run->fail({.kind = static_cast<fault_kind>(pc_and_kind & 0xff),
                      .pc = static_cast<uint32_t>(pc_and_kind >> 32),
                      .address = value});
}

int64_t ebpf_rt_refill(const run_state *state, int64_t slice, uint32_t units,
                       uint32_t pc) noexcept {
    compat::budget &budget = state->run->budget();
    const fault_kind why = budget.refill(slice, units);
    if (why == fault_kind::none) return budget.slice();
    state->run->fail(why, pc);
    return -1;
}

int64_t ebpf_rt_top_up(const run_state *state, int64_t slice) noexcept {
    return state->run->budget().top_up(slice);
}

uint64_t ebpf_rt_call_helper(const run_state *state, const compat::helper_binding *helper,
                             uint32_t pc, uint64_t *words, uint64_t frame) {
    memory_at(*state, frame);
    return state->run->call_helper(pc, *helper, words, words[0]) == compat::after_call::goes_on;
}

outcome ebpf_rt_call_running_helper(const run_state *state, const compat::helper_binding *helper,
                                    uint32_t pc, uint64_t *words, uint64_t frame, int64_t slice) {
    memory_at(*state, frame);
    compat::budget &budget = state->run->budget();
    budget.put_back(slice);
    const compat::after_call next = state->run->call_helper(pc, *helper, words, words[0]);
    return {static_cast<uint64_t>(next), budget.slice()};
}

uint64_t ebpf_rt_check_arguments(const run_state *state, const compat::helper_binding *helper,
                                 uint32_t pc, const uint64_t *words, uint64_t frame) {
    memory_at(*state, frame);
    return state->run->check_call(pc, *helper, words);
}

uint64_t ebpf_rt_call_value(const run_state *state, uint64_t value, uint32_t pc, uint64_t *words,
                            uint64_t frame) {
    compat::run &run = *state->run;
    const auto *const helper = run.callable_helper(value);
    if (helper == nullptr) {
        run.fail({.kind = fault_kind::bad_call_target, .pc = pc, .address = value});
        return 0;
    }
    if (ebpf_rt_call_helper(state, helper, pc, words, frame) == 0) return 0;
    const bool unwinds = words[0] == 0 and run.config().unwind_helper == helper->declaration().id;
    return unwinds ? 2 : 1;
}

uint64_t ebpf_rt_enter(const native_program *program, void *mem, size_t mem_len) {
    return program->enter(mem, mem_len);
}

uint64_t ebpf_rt_enter_quietly(const native_program *program, void *mem, size_t mem_len) noexcept {
    try {
        return program->enter(mem, mem_len);
    } catch (const std::exception &e) {
        // No helper is called: there was no memory for the stack.
        compat::set_last_error(e.what());
        return std::numeric_limits<uint64_t>::max();
    }
}

}  // namespace bpftime::vm::llvm_jit
