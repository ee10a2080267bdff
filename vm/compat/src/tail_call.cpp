// bpftime-vm: runs that go on with the program of another VM
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// A tail call of the entry function ends the program, and the run goes on in execute(): so chains
// of them take no stack. A local function is replaced where it is, in a run inside the run.
#include "compat/configured_vm.hpp"
#include "compat/run.hpp"
#include "log.hpp"

#include <utility>

namespace bpftime::vm::compat {

namespace {

/// The program of the VM that a helper gave, ready to run; null if it cannot.
const prepared_program *prepare(uint64_t vm) {
    auto &given = *reinterpret_cast<ebpf_vm *>(vm);
    auto *const ours = dynamic_cast<configured_vm *>(&given.impl());
    if (ours == nullptr) {
        log::warn("tail call: backend {} runs only whole programs", given.name());
        return nullptr;
    }
    const auto ready = ours->prepare();
    if (ready) return *ready;
    log::warn("tail call: {}", given.error_message());
    return nullptr;
}

}  // namespace

bool run::finish(uint64_t &r0) {
    while (so_far_.next != nullptr) {
        go_on_with(*std::exchange(so_far_.next, nullptr));
        if (not begins() or not so_far_.code->execute(*this, r0)) return false;
    }
    return not early_result_ or settle(r0);
}

void run::go_on_with(const prepared_program &callee) {
    program_ = &callee.input;
    so_far_.code = callee.code.get();
    stack_ = callee.stack;
    place_stack();
    memory_.change_program(program_->memory);
}

after_call run::tail_call(uint32_t pc, uint64_t vm, uint64_t &result) {
    result = 0;
    if (vm == 0 or so_far_.tail_calls == most_tail_calls) return after_call::goes_on;
    const prepared_program *const callee = prepare(vm);
    if (callee == nullptr) {
        fail(fault_kind::unavailable, pc);
        return after_call::ends;
    }
    ++so_far_.tail_calls;
    if (memory_.live_frames() != 1) return run_in_place(pc, *callee, result);
    so_far_.next = callee;
    return after_call::returns;
}

/// After another program has returned, or thrown.
struct run::back_in_caller {
    run &of;
    run &inner;
    uint32_t pc;

    ~back_in_caller() {
        of.budget_.take_over(inner.budget_);
        of.so_far_.tail_calls = inner.so_far_.tail_calls;
        of.memory_.exchange_grants(inner.memory_);
        // The other program may have been allowed to write what this one relies on.
        if (not inner.has_ended() and of.program_->declared_input)
            static_cast<void>(of.has_declared_input(pc));
    }
};

after_call run::run_in_place(uint32_t pc, const prepared_program &callee, uint64_t &result) {
    run inner{*this, callee};
    {
        const back_in_caller when_done{*this, inner, pc};
        static_cast<void>(inner.execute(*callee.code, result));
    }
    if (not inner.has_ended()) return has_fault() ? after_call::ends : after_call::returns;
    fault_ = inner.fault_;
    so_far_.faulted_in = &inner.faulted_in();
    if (inner.early_result_) early_result_ = {inner.early_result_->value, 0, 0};
    has_ended_ = true;
    return after_call::ends;
}

run::run(run &caller, const prepared_program &callee)
    : run{callee.input, callee.stack,
          memory_at(reinterpret_cast<void *>(caller.input().begin),
                    static_cast<std::size_t>(caller.input().len)),
          caller.memory_.of_run()} {
    budget_ = caller.budget_;
    so_far_.whole = &caller.whole();
    so_far_.tail_calls = caller.so_far_.tail_calls;
    memory_.exchange_grants(caller.memory_);
}

}  // namespace bpftime::vm::compat
