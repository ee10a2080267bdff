// bpftime-vm: one run of a program: its budget, memory and fault
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/config.hpp"
#include "compat/executable.hpp"
#include "compat/fault.hpp"
#include "compat/memory_map.hpp"
#include "compat/speculation.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace bpftime::vm::compat {

/// Units that a run may still spend. Spent in slices, so that the hot path is one subtraction; the
/// interrupt flag is looked at when a slice is refilled only. Every engine charges the same weights
/// at the same pcs, so all of them stop at the same pc.
class EBPF_EXPORT budget {
public:
    static constexpr uint64_t slice_units = uint64_t{1} << 20;

    /// limit 0: none. `interrupts` counts ebpf_interrupt() calls; it must outlive the run.
    budget(uint64_t limit, const std::atomic<uint32_t> &interrupts) noexcept
        : slice_{static_cast<int64_t>(limit == 0 ? slice_units : std::min(limit, slice_units))},
          reserve_{limit == 0 ? 0 : limit - static_cast<uint64_t>(slice_)},
          unlimited_{limit == 0},
          interrupts_{&interrupts},
          interrupts_at_start_{interrupts.load(std::memory_order_relaxed)} {}

    /// Spends `units`; none if the run may go on, else why it must not.
    [[nodiscard]] fault_kind charge(uint32_t units) noexcept {
        slice_ -= units;
        return slice_ >= 0 ? fault_kind::none : refill(units);
    }

    /// Units of the current slice. Compiled code keeps them in a register: it takes them when it
    /// begins, and hands them to refill() when they are spent.
    [[nodiscard]] int64_t slice() const noexcept { return slice_; }

    /// Goes on with a new slice after a charge of `units` has left `slice`, which is negative.
    [[nodiscard]] fault_kind refill(int64_t slice, uint32_t units) noexcept {
        slice_ = slice;
        return refill(units);
    }

    /// What is left of a slice, and as much more as makes a full one; unchanged if the run is to
    /// be interrupted.
    [[nodiscard]] int64_t top_up(int64_t slice) noexcept;

    /// Compiled code gives back what it took, so that others can spend it.
    void put_back(int64_t slice) noexcept { slice_ = slice; }
    /// Goes on with what is left of another one.
    void take_over(const budget &other) noexcept {
        slice_ = other.slice_;
        reserve_ = other.reserve_;
    }

private:
    fault_kind refill(uint32_t units) noexcept;

    int64_t slice_;
    uint64_t reserve_;
    bool unlimited_;
    const std::atomic<uint32_t> *interrupts_;
    uint32_t interrupts_at_start_;
};

/// What the caller of a helper does next.
enum class after_call : uint8_t {
    ends,     ///< ends the run: with a fault, or without one (an unwinding helper)
    goes_on,  ///< goes on behind the call
    returns,  ///< returns the helper's result to its own caller
};

/// The host side of one run. Lives on the host's stack for as long as the run; while it does,
/// ebpf_grant() on this thread adds to its memory.
///
/// A run begins with the program of one VM and may go on with that of another: by a tail call,
/// which keeps what belongs to the run (input, budget, granted memory) and changes what belongs to
/// the program (stack, registered memory, checks).
class EBPF_EXPORT run {
public:
    /// Tail calls that may follow each other, as in the kernel (MAX_TAIL_CALL_CNT).
    static constexpr uint32_t most_tail_calls = 33;

    /// The memory that r1 and r2 tell. Two words, which calls pass in registers: written to memory
    /// and read as one they would stall each run.
    using input_memory = std::span<uint8_t>;
    /// No memory is not memory at address 0.
    [[nodiscard]] static input_memory memory_at(void *mem, std::size_t len) noexcept {
        return {static_cast<uint8_t *>(mem), mem == nullptr ? 0 : len};
    }

    /// `stack`: what the code was made for; compiled code may outlive the VM's setting.
    run(const build_input &program, const stack_layout &stack, input_memory input,
        std::span<const memory_span> regions);
    ~run();
    run(const run &) = delete;
    run &operator=(const run &) = delete;

    /// Runs `code` and what it goes on with. True and r0, or false with a fault.
    [[nodiscard]] bool execute(const executable &code, uint64_t &r0) {
        so_far_.code = &code;
        if (not begins() or not code.execute(*this, r0)) return false;
        return (so_far_.next == nullptr and not early_result_) or finish(r0);
    }
    /// The same, but for one function of `code` that its helpers may call, by its handle.
    [[nodiscard]] bool execute(const executable &code, uint64_t function,
                               const uint64_t arguments[5], uint64_t &r0);

    /// What native entry points do: a run on memory that nobody has looked at yet. Its r0, or
    /// UINT64_MAX and a fault of this thread.
    [[nodiscard]] static uint64_t enter(const executable &code, const build_input &program,
                                        const stack_layout &stack, void *mem, std::size_t mem_len);

    [[nodiscard]] const memory_span &input() const noexcept { return memory_.input(); }
    [[nodiscard]] const vm_config &config() const noexcept { return program_->config; }
    [[nodiscard]] const linkage &linked() const noexcept { return program_->linked; }
    /// See build_input.
    [[nodiscard]] bool asks_for_places() const noexcept { return program_->asks_for_places(); }
    [[nodiscard]] memory_map &memory() noexcept { return memory_; }
    [[nodiscard]] compat::budget &budget() noexcept { return budget_; }
    [[nodiscard]] stack_layout &stack() noexcept { return stack_; }

    /// Makes the frame at `depth` the running function's: zeroed, and the deepest live one. Gives
    /// its r10.
    uint64_t enter_frame(uint32_t depth) noexcept {
        return enter_frame(depth, stack_.frame_size());
    }
    /// The same for functions that look at no more than these bytes of it, from the top on.
    uint64_t enter_frame(uint32_t depth, std::size_t zeroed_bytes) noexcept {
        const uint64_t top = stack_.frame_top(depth);
        if (zeroed_bytes != 0)
            std::memset(reinterpret_cast<void *>(top - zeroed_bytes), 0, zeroed_bytes);
        memory_.set_live_frames(depth + 1);
        return top;
    }
    /// r10 of the frame at `depth`.
    [[nodiscard]] uint64_t frame_top(uint32_t depth) const noexcept {
        return stack_.frame_top(depth);
    }
    /// Back to the frame at `depth`.
    void leave_to_frame(uint32_t depth) noexcept { memory_.set_live_frames(depth + 1); }

    /// Call it between a check and what the check guards.
    void bar_speculation() const noexcept {
        if (config().bars_speculation) speculation_barrier();
    }

    /// Where the access of the instruction at `pc` is to be made: at this address, or at the one
    /// that is meant by it (memory_map::redirect()). 0 on a fault.
    [[nodiscard]] uint64_t place_of_access(uint32_t pc, uint64_t address, uint64_t size,
                                           permission wanted) noexcept {
        if (memory_.allows(address, size, wanted)) {
            bar_speculation();
            return address;
        }
        if (const uint64_t meant = memory_.redirect(address, size, wanted)) {
            bar_speculation();
            return meant;
        }
        // Code of programs without an arena comes here only if it was made to be checked.
        if (linked().arena() != nullptr and not config().bounds_checks) return address;
        fail(memory_.explain(pc, address, size, wanted));
        return 0;
    }

    /// Calls a helper for the instruction at `pc`: checks declared arguments, grants a declared
    /// pointer result. Compiled code has put the budget back if helper_declaration::runs_code().
    [[nodiscard]] after_call call_helper(uint32_t pc, const helper_binding &helper,
                                         const uint64_t arguments[5], uint64_t &result);
    /// Checks what such a call would, for code that calls the helper itself. False: the run ends.
    [[nodiscard]] bool check_call(uint32_t pc, const helper_binding &helper,
                                  const uint64_t arguments[5]);
    /// The helper that callx of `value` calls; null: none. Those that run code, or have no
    /// function, have to be called by name.
    [[nodiscard]] const helper_binding *callable_helper(uint64_t value) const noexcept;

    /// Whether the helper that is running is one that may call functions of the program.
    [[nodiscard]] bool may_call_back() const noexcept { return so_far_.after_caller != 0; }
    /// For those helpers: calls a function of the program. False if the run ends, which the helper
    /// then lets happen by returning.
    [[nodiscard]] bool call_back(uint64_t function, const uint64_t arguments[5], uint64_t &r0);

    /// Ends the run with a fault; always false, so that engines can return it.
    bool fail(const fault &f) noexcept {
        fault_ = f;
        return false;
    }
    bool fail(fault_kind kind, uint32_t pc) noexcept { return fail({.kind = kind, .pc = pc}); }
    [[nodiscard]] bool has_fault() const noexcept { return fault_.has_value(); }
    /// Kind none if there is none.
    [[nodiscard]] const compat::fault &fault() const noexcept {
        return fault_ ? *fault_ : no_fault;
    }
    /// A helper has ended the run without a fault.
    void unwind() noexcept { has_ended_ = true; }
    /// The program that has the fault.
    [[nodiscard]] const build_input &faulted_in() const noexcept {
        return so_far_.faulted_in != nullptr ? *so_far_.faulted_in : *program_;
    }

    /// What the engine that runs keeps to be able to call_back().
    void set_engine_state(void *state) noexcept { so_far_.engine_state = state; }
    [[nodiscard]] void *engine_state() const noexcept { return so_far_.engine_state; }

    /// The run that this one is a part of: itself, but for programs that local functions
    /// tail-called.
    [[nodiscard]] run &whole() noexcept {
        return so_far_.whole != nullptr ? *so_far_.whole : *this;
    }

    /// What is to be done when this run ends: one thing, and the room that keeps what programs look
    /// up says what.
    void at_end(void (*what)() noexcept) noexcept { so_far_.at_end = what; }

    /// The innermost run on this thread, null outside of runs.
    [[nodiscard]] static run *current() noexcept;

private:
    /// `map`: what is known of the map argument, null: nothing.
    bool check_arguments(uint32_t pc, const helper_binding &helper, const uint64_t arguments[5],
                         const ebpf_map_shape *map) noexcept;
    [[nodiscard]] const ebpf_map_shape *find_map(const helper_binding &helper,
                                                 const uint64_t arguments[5]) const;
    void grant_result(const helper_declaration &helper, uint64_t result, const ebpf_map_shape *map);

    /// A part of the run `caller`, whose function calls another program in the place of itself.
    run(run &caller, const prepared_program &callee);

    struct back_in_helper;
    struct back_in_caller;

    /// A helper has ended the run with a result.
    struct early_result {
        uint64_t value;
        uint64_t function;  ///< the handle of one that makes the result of it; 0: none
        uint32_t pc;        ///< of the helper's call
    };

    void place_stack() {
        if (stack_.bytes() > inline_stack_bytes)
            place_large_stack();
        else
            stack_.place(small_stack_);
    }
    /// Whether the input memory is what the host said of it; else the run has a fault.
    [[nodiscard]] bool begins() noexcept {
        return not program_->declared_input.has_value() or has_declared_input(0);
    }
    /// The same, for an instruction that relies on it.
    [[nodiscard]] bool has_declared_input(uint32_t pc) noexcept;
    [[nodiscard]] bool has_declared_packet(uint32_t pc) noexcept;
    void place_large_stack();
    void leave_large_stack() noexcept;
    void go_on_with(const prepared_program &callee);
    [[nodiscard]] bool has_ended() const noexcept { return has_ended_ or has_fault(); }
    after_call end_with(uint32_t pc, const helper_declaration &helper, const uint64_t arguments[5],
                        uint64_t value) noexcept;
    /// Runs what the code that has ended goes on with.
    bool finish(uint64_t &r0);
    /// What the code gives in the end, which a helper has ended with a result. False on a fault.
    bool settle(uint64_t &r0);
    after_call tail_call(uint32_t pc, uint64_t vm, uint64_t &result);
    after_call run_in_place(uint32_t pc, const prepared_program &callee, uint64_t &result);

    static constexpr std::size_t inline_stack_bytes = 16 << 10;

    static constexpr compat::fault no_fault{};

    const build_input *program_;
    stack_layout stack_;
    memory_map memory_;
    compat::budget budget_;
    run *outer_;
    std::optional<compat::fault> fault_;
    std::optional<early_result> early_result_;
    bool has_ended_ = false;  ///< without a fault
    /// One struct without initialisers of its members, as compilers make it zero in few stores.
    struct progress {
        const prepared_program *next;  ///< what the entry function has tail-called
        const executable *code;
        void *engine_state;
        void (*at_end)() noexcept;
        /// Where the running helper was called that is declared to call functions, plus 1; 0: none
        /// is running, or the program is.
        uint32_t after_caller;
        uint32_t tail_calls;
        run *whole;                     ///< null: this one
        const build_input *faulted_in;  ///< null: the one that runs
    };
    progress so_far_{};
    std::unique_ptr<std::vector<std::byte>> large_stack_;
    alignas(16) std::byte
        small_stack_[inline_stack_bytes];  // not initialised: frames are zeroed when entered
};

}  // namespace bpftime::vm::compat
