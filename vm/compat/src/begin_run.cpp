// bpftime-vm: how runs begin and end
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Small programs are done in less time than this takes: so it is in one file, and what hosts call
// is one function, without calls in it.
#include "compat/configured_vm.hpp"
#include "compat/run.hpp"
#include "fault_of_thread.hpp"
#include "spare.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

namespace bpftime::vm::compat {

namespace {

[[gnu::tls_model("initial-exec")]] constinit thread_local run *current_run = nullptr;

memory_span input_span(run::input_memory input) noexcept {
    return {reinterpret_cast<uintptr_t>(input.data()), input.size()};
}

}  // namespace

run::run(const build_input &program, const stack_layout &stack, input_memory input,
         std::span<const memory_span> regions)
    : program_{&program},
      stack_{stack},
      memory_{input_span(input), stack_, program.memory, regions},
      budget_{program.config.instruction_limit, program.interrupts},
      outer_{current_run} {
    place_stack();
    current_run = this;
}

void run::place_large_stack() {
    large_stack_ = spare<std::vector<std::byte>>::take();
    if (large_stack_ == nullptr) large_stack_ = std::make_unique<std::vector<std::byte>>();
    if (large_stack_->size() < stack_.bytes()) large_stack_->resize(stack_.bytes());
    stack_.place(large_stack_->data());
}

void run::leave_large_stack() noexcept {
    constexpr std::size_t most_kept = std::size_t{1} << 20;
    if (large_stack_->size() <= most_kept)
        spare<std::vector<std::byte>>::keep(std::move(large_stack_));
}

run::~run() {
    if (large_stack_ != nullptr) leave_large_stack();
    if (so_far_.at_end != nullptr) so_far_.at_end();
    current_run = outer_;
    // A helper may have run another program on this thread, whose fault is not this run's.
    if (fault_)
        keep_fault(*fault_, faulted_in().config.source);
    else
        forget_fault();
}

uint64_t run::enter(const executable &code, const build_input &program, const stack_layout &stack,
                    void *mem, std::size_t mem_len) {
    run r{program, stack, memory_at(mem, mem_len), {}};
    uint64_t r0 = 0;
    const memory_span &input = r.input();
    if (not can_be_memory(input.begin, input.len)) [[unlikely]]
        r.fail({.kind = fault_kind::bad_input,
                .region = region_kind::input,
                .size = input.len,
                .address = input.begin,
                .region_bytes = input.len});
    else if (r.execute(code, r0))
        return r0;
    return std::numeric_limits<uint64_t>::max();
}

run *run::current() noexcept { return current_run; }

template <typename Execute>
int64_t configured_vm::run_once(run::input_memory input, std::span<const memory_span> regions,
                                int64_t &result, Execute &&execute) {
    const prepared_program *ready = ready_.load(std::memory_order_acquire);
    if (ready == nullptr) {
        const auto made = prepare_first();
        if (not made) {
            forget_fault();
            return made.error();
        }
        ready = *made;
    }
    run r{ready->input, ready->stack, input, regions};
    uint64_t r0 = 0;
    if (execute(r, *ready->code, r0)) {
        result = static_cast<int64_t>(r0);
        return EBPF_OK;
    }
    return set_error(EBPF_ERROR_FAULT, to_message(r.fault(), r.faulted_in().code,
                                                  r.faulted_in().config.source.get()));
}

int64_t configured_vm::run_once(run::input_memory input, std::span<const memory_span> regions,
                                int64_t &result) {
    return run_once(input, regions, result, [](run &r, const executable &code, uint64_t &r0) {
        return r.execute(code, r0);
    });
}

int64_t configured_vm::call(uint64_t function, const uint64_t arguments[5],
                            std::span<const memory_span> regions, int64_t &result) {
    return run_once({}, regions, result, [&](run &r, const executable &code, uint64_t &r0) {
        return r.execute(code, function, arguments, r0);
    });
}

[[gnu::flatten]] int64_t configured_vm::exec(void *mem, size_t mem_len, int64_t &result) {
    return run_once(run::memory_at(mem, mem_len), {}, result);
}

int64_t configured_vm::exec_regions(void *mem, size_t mem_len, const ebpf_region *regions,
                                    size_t region_count, int64_t &result) {
    // Hosts that run on packets give one region, millions of times a second.
    constexpr std::size_t few = 4;
    std::array<memory_span, few> on_stack;
    std::vector<memory_span> on_heap(region_count > few ? region_count : 0);
    const std::span spans{region_count > few ? on_heap.data() : on_stack.data(), region_count};
    std::transform(regions, regions + region_count, spans.begin(), span_of);
    return run_once(run::memory_at(mem, mem_len), spans, result);
}

}  // namespace bpftime::vm::compat
