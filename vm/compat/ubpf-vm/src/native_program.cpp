// bpftime-vm: a program that was compiled by the light JIT
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "native_program.hpp"

#include "interpreter.hpp"
#include "machine.hpp"

#include <algorithm>

namespace bpftime::vm::ubpf {

namespace {

/// While a helper calls a function of the program, the run has the state of that call.
class scoped_state {
public:
    scoped_state(compat::run &r, jit_state &state) : run_{r}, outer_{r.engine_state()} {
        r.set_engine_state(&state);
    }
    ~scoped_state() { run_.set_engine_state(outer_); }
    scoped_state(const scoped_state &) = delete;
    scoped_state &operator=(const scoped_state &) = delete;

private:
    compat::run &run_;
    void *outer_;
};

}  // namespace

void native_program::adopt(native_code code) noexcept {
    code_ = std::move(code);
    begin_ = code_.memory.code();
    enter_ = reinterpret_cast<enter_stub>(
        reinterpret_cast<uintptr_t>(code_.memory.shared_code() + stub_offset(stub::enter)));
    if (code_.keeps_frames) frame_starts_ = starts_in(stack_.frame_size());
}

jit_state native_program::state_of(compat::run &r) const noexcept {
    if (not code_.keeps_frames) r.stack().hide_frames();
    jit_state state{r, *this, frame_starts_};
    for (std::size_t i = 0; i < code_.group_sizes.size(); ++i)
        state.group_starts[i] = starts_in(r.input().len, code_.group_sizes[i]);
    return state;
}

const compat::executable &native_program::interpreter() const {
    std::call_once(has_interpreter_, [this] {
        // The VM's settings may be others by now.
        auto config = std::make_unique<compat::vm_config>(input_.config);
        config->bounds_checks = true;
        config->eliminates_checks = false;
        config->stack_size = static_cast<uint32_t>(stack_.frame_size());
        interpreter_config_ = std::move(config);
        interpreter_ = make_interpreter(
            {input_.code, input_.linked, *interpreter_config_, input_.interrupts, input_.memory});
    });
    return *interpreter_;
}

const std::byte *native_program::function_code(uint32_t pc) const noexcept {
    return begin_ + code_.functions[input_.code.function_at(pc)];
}

/// Runs a function, whose caller has the frame, with the run's budget.
bool native_program::enter_function(compat::run &r, jit_state &state, const std::byte *function,
                                    uint64_t frame, uint64_t &r0) const {
    state.slice = r.budget().slice();
    r.set_engine_state(&state);
    if (not enter_(function, &state, frame)) {
        r0 = 0;
        return false;
    }
    r.budget().put_back(state.slice);
    r0 = state.words[0];
    return true;
}

bool native_program::execute(compat::run &r, uint64_t &r0) const {
    jit_state state = state_of(r);
    state.words[0] = r.input().begin;
    state.words[1] = r.input().len;
    std::fill_n(state.words + 2, 3, 0);
    // The entry function goes down by a frame as all functions do.
    const uint64_t above = r.frame_top(0) + uint64_t{2} * stack_.frame_size();
    return enter_function(r, state, begin_ + code_.functions.front(), above, r0) or
           not r.has_fault();
}

bool native_program::call_back(compat::run &r, uint32_t pc, uint64_t function,
                               const uint64_t arguments[5], uint64_t &r0) const {
    const program &p = input_.code;
    const uint32_t target = handle_pc(function);
    const auto why = r.budget().charge(p.functions()[p.function_at(target)].weight);
    if (why != compat::fault_kind::none) return r.fail(why, pc);
    jit_state state = *static_cast<const jit_state *>(r.engine_state());
    state.forget_recent();
    const uint64_t frame = r.frame_top(r.memory().live_frames() - 1);
    if (frame == state.last_frame) return r.fail(compat::fault_kind::call_depth_exceeded, pc);
    std::copy_n(arguments, 5, state.words);
    const scoped_state while_it_runs{r, state};
    return enter_function(r, state, function_code(target), frame, r0);
}

bool native_program::call(compat::run &r, uint64_t function, const uint64_t arguments[5],
                          uint64_t &r0) const {
    jit_state state = state_of(r);
    const scoped_state of_run{r, state};
    r.enter_frame(0);
    return call_back(r, 0, function, arguments, r0);
}

compat::precompiled_ebpf_function native_program::entry() const noexcept {
    return reinterpret_cast<compat::precompiled_ebpf_function>(
        reinterpret_cast<uintptr_t>(begin_ + code_.entry));
}

uint64_t native_program::enter(void *mem, std::size_t mem_len) const {
    return compat::run::enter(*this, input_, stack_, mem, mem_len);
}

result<std::unique_ptr<const compat::executable>> make_native_program(
    const compat::build_input &input) {
    auto program = std::make_unique<native_program>(input);
    auto code = generate_code(input, program.get());
    if (not code) return std::unexpected{std::move(code.error())};
    program->adopt(std::move(*code));
    return program;
}

}  // namespace bpftime::vm::ubpf
