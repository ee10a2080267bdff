// bpftime-vm: one eBPF function to one LLVM function
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "abi.hpp"
#include "compat/blinding_keys.hpp"
#include "compat/configured_vm.hpp"
#include "compat/map_probe.hpp"
#include "compat/proofs.hpp"
#include "counters.hpp"
#include "host_functions.hpp"
#include "provenance.hpp"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <vector>

namespace bpftime::vm::llvm_jit {

/// What the functions of one module share.
struct module_parts {
    const compat::build_input &input;
    const provenance &facts;
    llvm::Module &module;
    counters &counted;
    /// By index of the eBPF function; null: not reachable.
    std::vector<llvm::Function *> functions;
    /// callx: calls the function or helper that a value names. Null when there is no callx.
    llvm::Function *call_value = nullptr;
    /// Whether a chain of local calls can be longer than the call depth allows.
    bool checks_depth = true;
    /// What hides constants; none: they are not hidden.
    std::optional<compat::blinding_keys> keys = std::nullopt;
    compat::proofs proofs;
};

/// The parameters of every compiled function: run_state, slice, r10, r1 to r5.
[[nodiscard]] llvm::FunctionType *function_type(llvm::LLVMContext &context);
/// struct outcome
[[nodiscard]] llvm::StructType *outcome_type(llvm::LLVMContext &context);

/// What IR for any compiled function needs: blocks that end the run, the budget.
class code_builder {
public:
    code_builder(module_parts &parts, llvm::Function &fn);

protected:
    using value = llvm::Value *;
    using block = llvm::BasicBlock *;

    [[nodiscard]] llvm::ConstantInt *word(uint64_t v) { return b_.getInt64(v); }
    block new_block(const char *name);
    /// Branches to a new block if `condition` is likely true, else to `otherwise`; goes on in it.
    void go_on_if(value condition, block otherwise, const char *name);
    /// What is left of `slice`, or of a new one, after paying `units` for the jump or call at `pc`.
    value charge(value slice, uint32_t units, value pc);
    /// Ends the run with a fault.
    void fault(value pc_and_kind, value operand);
    /// Whether the frame is not the last that the call depth allows; ends the run otherwise.
    void check_depth(value pc_and_kind);
    value state_word(state_word which);
    /// See vm_config::bars_speculation.
    void bar_speculation();
    void return_outcome(value r0, value slice);
    value call_function(llvm::Function *callee, value slice, llvm::ArrayRef<value> arguments);

    module_parts &parts_;
    llvm::Function &fn_;
    llvm::IRBuilder<> b_;
    value state_;
    value slice_;
    value frame_;  ///< r10 as a number
    block end_run_;
    llvm::MDNode *likely_;
};

/// The alignment of the byte at this distance from r10, which is aligned to 16.
inline llvm::Align alignment_at(int64_t offset) {
    const auto known = std::countr_zero(static_cast<uint64_t>(offset) | 16U);
    return llvm::Align{uint64_t{1} << known};
}

class function_compiler : code_builder {
public:
    function_compiler(module_parts &parts, uint32_t index);
    void compile();

private:
    using registers = std::array<value, isa::register_count>;

    /// A jump that has been compiled: what the registers hold on it.
    struct edge {
        block from;
        registers reg;
        origins origin;
        value slice;
        value tries;
    };

    /// A backward jump.
    struct back_edge {
        edge jump;
        value pc;
    };

    /// What differs from one way into a block to the next.
    struct block_phis {
        std::array<llvm::PHINode *, isa::register_count> reg{};
        llvm::PHINode *slice = nullptr;
        llvm::PHINode *tries = nullptr;
    };

    /// Where backward jumps to a block meet and pay.
    struct latch {
        block at;
        uint32_t source;  ///< the block that they come from; no_block: from several
        std::vector<back_edge> back_edges;
    };

    /// A block that backward jumps go to.
    struct loop_header {
        block_phis phis;
        std::vector<latch> latches;
        uint32_t last_source = 0;  ///< the last block that jumps back to it
    };
    static constexpr uint32_t no_block = ~uint32_t{0};

    struct address {
        value pointer;
        llvm::Align align;
    };

    /// Where all gotox of a function meet that has many with many targets: one jump for each way
    /// from one to the other would be too many.
    struct meeting_point {
        block at = nullptr;
        uint32_t first = 0;  ///< pc of the first gotox that can be reached
        uint32_t last = 0;
        block_facts facts;
        block_phis phis;
        llvm::PHINode *pc = nullptr;
        llvm::PHINode *target = nullptr;
    };

    // --- control flow
    void enter();
    void begin_block(uint32_t index);
    void merge_edges(uint32_t index);
    void begin_loop(uint32_t index);
    void compile_block(uint32_t index);
    block jump_to(uint32_t pc, uint32_t target);
    block jump_back(value pc, uint32_t index);
    latch &latch_for(uint32_t index);
    void find_loops();
    void compile_latch(uint32_t index, const latch &from_here);
    void go_to(uint32_t pc, uint32_t target);
    void branch(uint32_t pc, value condition, uint32_t target);
    void leave(value r0);
    [[nodiscard]] edge here() const { return {b_.GetInsertBlock(), reg_, origin_, slice_, tries_}; }
    value on_edge(const edge &e, unsigned reg, const block_facts &target);
    /// Phis for what a block needs, in the block that is being filled.
    block_phis make_phis(const block_facts &facts);
    void add_incoming(block_phis &phis, const edge &e, const block_facts &target);
    [[nodiscard]] llvm::Type *phi_type(const block_facts &facts, unsigned reg) const;
    [[nodiscard]] const block_facts &facts_of(uint32_t index) const {
        return parts_.facts.of_block(range_.first_block + index);
    }
    [[nodiscard]] uint32_t block_at(uint32_t pc) const;

    // --- registers
    value get(unsigned reg);
    value get32(unsigned reg) { return narrow(get(reg), b_.getInt32Ty()); }
    /// The low bits of a word: what it was extended from, where that is known.
    value narrow(value v, llvm::Type *type);
    value get_pointer(unsigned reg);
    value to_word(value v) {
        return v->getType()->isPointerTy() ? b_.CreatePtrToInt(v, b_.getInt64Ty()) : v;
    }
    /// What is known of the register is still what was known before the instruction: get() may take
    /// it for what it was. The value that r0 was set to is new_r0().
    void set(unsigned reg, value v) { reg_[reg] = v; }
    [[nodiscard]] value new_r0() const { return reg_[0]; }
    void clear_arguments();

    // --- instructions
    void compile_instruction(uint32_t pc);
    void compile_alu(uint32_t pc);
    value arithmetic(isa::operation op, value a, value b);
    value divide(isa::operation op, value a, value b);
    bool compile_address(uint32_t pc);
    void compile_convert(uint32_t pc);
    value cast_into_arena(value v);
    void compile_branch(uint32_t pc);
    void compile_gotox(uint32_t pc);
    void find_meeting_point();
    void meet(uint32_t pc, value target);
    void part();
    template <typename Go>
    void jump_through_table(value pc, value target, Go &&go);
    void compile_call(uint32_t pc);
    void call_local(uint32_t pc);
    void call_helper(uint32_t pc);
    void call_plain_helper(uint32_t pc, const compat::helper_binding &helper);
    value call_helper_directly(const compat::helper_binding &helper);
    value look_up();
    value look_up_index(const compat::index_probe &map);
    value look_up_hash(const ebpf_map_probe &map, uint32_t key_size);
    std::vector<value> key_words(uint32_t key_size);
    value bucket_of(const compat::hash_probe &table, llvm::ArrayRef<value> key);
    value load_key_word(uint32_t at, uint32_t bytes);
    value load_shared(value place, llvm::AtomicOrdering order);
    value of_this_cpu(value place, const compat::percpu_values &cpus);
    [[nodiscard]] bool is_proven(const compat::helper_binding &helper) const;
    value call_through_runtime(uint32_t pc, const compat::helper_binding &helper);
    void check_arguments(uint32_t pc, const compat::helper_binding &helper);
    void call_running_helper(uint32_t pc, const compat::helper_binding &helper);
    void store_words(const helper_declaration &d);
    value binding_of(const compat::helper_binding &helper);
    void call_value(uint32_t pc);
    void compile_load(uint32_t pc);
    void compile_store(uint32_t pc);
    void compile_atomic(uint32_t pc);
    value atomic_result(uint32_t pc, const address &at, value v);
    void compile_packet(uint32_t pc);
    /// Ends the function with 0 where a legacy packet load finds nothing.
    void leave_unless(value is_inside);
    void call_packet_load(uint32_t pc, const compat::helper_binding &helper, value offset);
    void load_input(uint32_t pc, value offset);
    value operand(uint32_t pc, llvm::Type *type);
    value constant(llvm::Type *type, uint64_t v);

    // --- memory
    address access(uint32_t pc, unsigned base, permission wanted, bool atomic);
    address access_frame(uint32_t pc, unsigned base, uint64_t packed, bool atomic);
    value known_offset(const origin &o) { return word(static_cast<uint64_t>(int64_t{o.offset})); }
    value check(value number, value is_likely, uint64_t packed, bool compares_with_input);
    void check_alignment(value number, uint64_t packed);
    value input_limit(uint64_t size);
    [[nodiscard]] bool checks() const { return parts_.input.asks_for_places(); }

    uint32_t index_;
    const vm::function &range_;
    const function_facts &facts_;
    const program &p_;
    int64_t frame_size_;

    std::vector<block> blocks_;
    std::vector<std::vector<edge>> edges_;
    std::vector<loop_header> headers_;
    std::vector<bool> is_header_;
    std::vector<uint32_t> innermost_;  ///< for each block, the last header of a loop around it
    uint32_t current_ = 0;             ///< the block that is being compiled
    meeting_point meeting_;
    bool meets_ = false;
    bool uses_frame_ = false;
    bool has_may_goto_;

    registers reg_{};
    origins origin_{};
    value tries_ = nullptr;      ///< may_goto: how often it still falls through
    value frame_top_ = nullptr;  ///< r10 as a pointer
    value input_begin_ = nullptr;
    value input_len_ = nullptr;
    std::array<value, 9> input_limits_{};
    value call_words_ = nullptr;
};

}  // namespace bpftime::vm::llvm_jit
