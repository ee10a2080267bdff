// bpftime-vm: a program that was compiled to native code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "native_program.hpp"

#include <limits>

namespace bpftime::vm::llvm_jit {

bool native_program::execute(compat::run &r, uint64_t &r0) const {
    compat::stack_layout &stack = r.stack();
    stack.mark_frames();
    const run_state state{.input_begin = r.input().begin,
                          .input_len = r.input().len,
                          .last_frame = stack.frame_top(stack.depth() - 1),
                          .run = &r};
    const outcome out = code_.main()(&state, r.budget().slice(), stack.frame_top(0),
                                     state.input_begin, state.input_len);
    r0 = out.r0;
    return out.slice >= 0 or r.fault().kind == compat::fault_kind::none;
}

uint64_t native_program::enter(void *mem, std::size_t mem_len) const {
    const compat::memory_span input{reinterpret_cast<uint64_t>(mem), mem == nullptr ? 0 : mem_len};
    compat::run r{input_.config, input_.linked, input_.interrupts, stack_, input, {}};
    uint64_t r0 = 0;
    return execute(r, r0) ? r0 : std::numeric_limits<uint64_t>::max();
}

}  // namespace bpftime::vm::llvm_jit
