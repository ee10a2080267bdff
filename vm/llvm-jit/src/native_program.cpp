// bpftime-vm: a program that was compiled to native code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "native_program.hpp"

#include "compat/native_stack.hpp"

namespace bpftime::vm::llvm_jit {

namespace {

bool calls_functions(const program &p) noexcept {
    for (uint32_t pc = 0; pc < p.size(); ++pc) {
        if (p.insn(pc).id == isa::insn_id::none) continue;
        const isa::operation what = isa::info(p.insn(pc).id).operation;
        if (what == isa::operation::call_local or what == isa::operation::callx) return true;
    }
    return false;
}

/// Whether compiled code has returned, and not ended the run.
bool goes_on(compat::run &r, const outcome &out) noexcept {
    if (out.slice >= 0)
        r.budget().put_back(out.slice);
    else if (not r.has_fault())
        r.unwind();
    return out.slice >= 0;
}

/// What a run begins with.
run_state state_of(compat::run &r, uint32_t depth) noexcept {
    compat::stack_layout &stack = r.stack();
    stack.mark_frames(depth);
    return {.input_begin = r.input().begin,
            .input_len = r.input().len,
            .last_frame = stack.frame_top(stack.depth() - 1),
            .run = &r};
}

}  // namespace

void native_program::adopt(loaded_code code) noexcept {
    code_ = std::move(code);
    // A call by value takes a frame of its own, and so does the way in. Helpers that call functions
    // are between them.
    constexpr std::size_t return_address = 16;
    constexpr std::size_t helper = 4 << 10;
    depth_ = calls_functions(input_.code) or code_.call_back() != nullptr ? stack_.depth() : 1;
    host_stack_ = (2 * std::size_t{depth_} + 2) * (code_.largest_frame() + return_address) +
                  (code_.call_back() == nullptr ? 0 : depth_ * helper);
}

bool native_program::execute(compat::run &r, uint64_t &r0) const {
    run_state state = state_of(r, depth_);
    r.set_engine_state(&state);
    outcome out{};
    compat::with_stack(host_stack_, [&] {
        out = code_.main()(&state, r.budget().slice(), r.frame_top(0), state.input_begin,
                           state.input_len);
    });
    r0 = out.r0;
    return goes_on(r, out) or not r.has_fault();
}

bool native_program::call_back(compat::run &r, uint32_t pc, uint64_t function,
                               const uint64_t arguments[5], uint64_t &r0) const {
    const auto *const state = static_cast<const run_state *>(r.engine_state());
    const uint64_t frame = r.frame_top(r.memory().live_frames() - 1);
    const outcome out =
        code_.call_back()(state, r.budget().slice(), frame, arguments, function, pc);
    r0 = out.r0;
    return goes_on(r, out);
}

bool native_program::call(compat::run &r, uint64_t function, const uint64_t arguments[5],
                          uint64_t &r0) const {
    run_state state = state_of(r, depth_);
    r.set_engine_state(&state);
    *r.stack().mark(0) = 1;
    r.enter_frame(0);
    bool returned = false;
    compat::with_stack(host_stack_, [&] { returned = call_back(r, 0, function, arguments, r0); });
    return returned;
}

uint64_t native_program::enter(void *mem, std::size_t mem_len) const {
    return compat::run::enter(*this, input_, stack_, mem, mem_len);
}

}  // namespace bpftime::vm::llvm_jit
