// bpftime-vm: one eBPF function to one LLVM function: control flow and registers
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// SSA form is made directly. Blocks are compiled in the order of their addresses, so that when a
// block is compiled all forward jumps to it have been; only loops need phis that are completed
// later.
#include "function_compiler.hpp"

#include <llvm/IR/MDBuilder.h>

#include <algorithm>
#include <cassert>

namespace bpftime::vm::llvm_jit {

namespace {

bool has_may_goto(const program &p, const vm::function &f) {
    for (uint32_t pc = f.begin; pc < f.end; ++pc) {
        if (p.insn(pc).id != isa::insn_id::none and
            isa::info(p.insn(pc).id).operation == isa::operation::may_goto)
            return true;
    }
    return false;
}

}  // namespace

function_compiler::function_compiler(module_parts &parts, uint32_t index)
    : code_builder{parts, *parts.functions[index]},
      index_{index},
      range_{parts.input.code.functions()[index]},
      facts_{parts.facts.of_function(index)},
      p_{parts.input.code},
      frame_size_{parts.input.config.stack_size},
      blocks_(range_.block_count),
      edges_(range_.block_count),
      headers_(range_.block_count),
      is_header_(range_.block_count),
      innermost_(range_.block_count, no_block),
      has_may_goto_{has_may_goto(p_, range_)} {}

void function_compiler::compile() {
    for (uint32_t i = 0; i < range_.block_count; ++i) {
        const basic_block &from = p_.blocks()[range_.first_block + i];
        if (not from.reachable) continue;
        blocks_[i] = new_block("");
        for (const uint32_t to : p_.successors_of(from)) {
            const uint32_t target = to - range_.first_block;
            if (target > i) continue;
            is_header_[target] = true;
            headers_[target].last_source = i;
        }
    }
    find_loops();
    enter();
    find_meeting_point();
    for (uint32_t i = 0; i < range_.block_count; ++i) {
        current_ = i;
        if (blocks_[i] != nullptr) compile_block(i);
    }
    for (uint32_t i = 0; i < range_.block_count; ++i) {
        for (const latch &from : headers_[i].latches) compile_latch(i, from);
    }
    if (uses_frame_ and not facts_.frame_in_memory) parts_.counted.add(counter::stack_promotion);
    // Whoever appended blocks did so at the end; the one that ends the run reads best there, too.
    end_run_->moveAfter(&fn_.back());
}

void function_compiler::enter() {
    b_.SetInsertPoint(&fn_.getEntryBlock());
    input_begin_ = state_word(state_word::input_begin);
    input_len_ = state_word(state_word::input_len);
    if (facts_.frame_in_memory) {
        frame_top_ = b_.CreateIntToPtr(frame_, b_.getPtrTy(), "r10");
        const auto size = static_cast<uint64_t>(frame_size_);
        b_.CreateMemSet(b_.CreateConstGEP1_64(b_.getInt8Ty(), frame_top_, 0 - size), b_.getInt8(0),
                        size, llvm::Align{16});
        b_.CreateStore(word(1), b_.CreateConstGEP1_64(b_.getInt8Ty(), frame_top_, 0 - 2 * size));
    } else {
        auto *const type = llvm::ArrayType::get(b_.getInt8Ty(), static_cast<uint64_t>(frame_size_));
        auto *const frame = b_.CreateAlloca(type, nullptr, "frame");
        frame->setAlignment(llvm::Align{16});
        b_.CreateMemSet(frame, b_.getInt8(0), static_cast<uint64_t>(frame_size_), llvm::Align{16});
        frame_top_ = b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), frame,
                                                   static_cast<uint64_t>(frame_size_), "r10");
    }
    reg_.fill(word(0));
    for (unsigned r = 1; r <= max_helper_arguments; ++r) {
        value argument = fn_.getArg(2 + r);
        if (has(facts_.addresses, r)) argument = b_.CreateIntToPtr(argument, b_.getPtrTy());
        set(r, argument);
    }
    origin_ = parts_.facts.of_block(range_.first_block).at_entry;
    if (has_may_goto_) tries_ = word(may_goto_tries);
    edges_[0].push_back(here());
    b_.CreateBr(blocks_[0]);
}

uint32_t function_compiler::block_at(uint32_t pc) const {
    const auto all = p_.blocks().subspan(range_.first_block, range_.block_count);
    const auto it = std::ranges::lower_bound(all, pc, {}, &basic_block::begin);
    return static_cast<uint32_t>(it - all.begin());
}

llvm::Type *function_compiler::phi_type(const block_facts &facts, unsigned reg) const {
    const bool is_pointer = has(facts.addresses, reg) and not facts.at_entry[reg].is_frame();
    auto &context = fn_.getContext();
    if (is_pointer) return llvm::PointerType::getUnqual(context);
    return llvm::Type::getInt64Ty(context);
}

/// The value of a register on an edge, as the target block wants it; a frame's address is its
/// distance from r10.
function_compiler::value function_compiler::on_edge(const edge &e, unsigned reg,
                                                    const block_facts &target) {
    const origin &wanted = target.at_entry[reg];
    llvm::IRBuilder<> before_end{e.from->getTerminator()};
    if (wanted.is_frame()) {
        return e.origin[reg].exact ? word(static_cast<uint64_t>(int64_t{e.origin[reg].offset}))
                                   : e.reg[reg];
    }
    llvm::Type *const type = phi_type(target, reg);
    value v = e.reg[reg];
    if (e.origin[reg].is_frame()) {
        v = e.origin[reg].exact ? word(static_cast<uint64_t>(int64_t{e.origin[reg].offset})) : v;
        v = before_end.CreateAdd(frame_, v);
    }
    if (v->getType() == type) return v;
    return type->isPointerTy() ? before_end.CreateIntToPtr(v, type)
                               : before_end.CreatePtrToInt(v, type);
}

function_compiler::block_phis function_compiler::make_phis(const block_facts &facts) {
    block_phis phis;
    for (unsigned r = 0; r < isa::frame_pointer; ++r) {
        const origin &o = facts.at_entry[r];
        const bool needed = has(facts.live, r) and not(o.is_frame() and o.exact);
        if (needed) phis.reg[r] = b_.CreatePHI(phi_type(facts, r), 2);
    }
    phis.slice = b_.CreatePHI(b_.getInt64Ty(), 2);
    if (has_may_goto_) phis.tries = b_.CreatePHI(b_.getInt64Ty(), 2);
    return phis;
}

void function_compiler::add_incoming(block_phis &phis, const edge &e, const block_facts &target) {
    for (unsigned r = 0; r < isa::frame_pointer; ++r) {
        if (phis.reg[r] != nullptr) phis.reg[r]->addIncoming(on_edge(e, r, target), e.from);
    }
    phis.slice->addIncoming(e.slice, e.from);
    if (phis.tries != nullptr) phis.tries->addIncoming(e.tries, e.from);
}

void function_compiler::begin_loop(uint32_t index) {
    loop_header &h = headers_[index];
    b_.SetInsertPoint(blocks_[index]);
    h.phis = make_phis(facts_of(index));
    for (const edge &e : edges_[index]) add_incoming(h.phis, e, facts_of(index));
    std::ranges::copy(h.phis.reg, reg_.begin());
    slice_ = h.phis.slice;
    tries_ = h.phis.tries;
}

void function_compiler::merge_edges(uint32_t index) {
    const block_facts &facts = facts_of(index);
    const std::vector<edge> &edges = edges_[index];
    b_.SetInsertPoint(blocks_[index]);
    const auto merge = [&](auto &&value_on, llvm::Type *type) -> value {
        const value first = value_on(edges.front());
        if (std::ranges::all_of(edges, [&](const edge &e) { return value_on(e) == first; }))
            return first;
        llvm::PHINode *const phi = b_.CreatePHI(type, static_cast<unsigned>(edges.size()));
        for (const edge &e : edges) phi->addIncoming(value_on(e), e.from);
        return phi;
    };
    registers merged{};
    for (unsigned r = 0; r < isa::frame_pointer; ++r) {
        const origin &o = facts.at_entry[r];
        if (not has(facts.live, r) or (o.is_frame() and o.exact)) continue;
        const value first = edges.front().reg[r];
        const bool same = std::ranges::all_of(
            edges, [&](const edge &e) { return e.reg[r] == first and not e.origin[r].is_frame(); });
        merged[r] =
            same ? first
                 : merge([&](const edge &e) { return on_edge(e, r, facts); }, phi_type(facts, r));
    }
    slice_ = merge([](const edge &e) { return e.slice; }, b_.getInt64Ty());
    if (tries_ != nullptr) tries_ = merge([](const edge &e) { return e.tries; }, b_.getInt64Ty());
    reg_ = merged;
}

void function_compiler::begin_block(uint32_t index) {
    if (is_header_[index])
        begin_loop(index);
    else
        merge_edges(index);
    origin_ = parts_.facts.of_block(range_.first_block + index).at_entry;
    // What is not live here is not read; an integer nevertheless, so that nothing is without value.
    for (unsigned r = 0; r < isa::frame_pointer; ++r) {
        const bool is_known_frame = origin_[r].is_frame() and origin_[r].exact;
        if (reg_[r] == nullptr and not is_known_frame) {
            reg_[r] = word(0);
            origin_[r] = {.kind = origin_kind::integer};
        }
    }
    edges_[index] = {};
}

void function_compiler::compile_block(uint32_t index) {
    begin_block(index);
    const basic_block &range = p_.blocks()[range_.first_block + index];
    uint32_t last = range.begin;
    for (uint32_t pc = range.begin; pc < range.end; ++pc) {
        if (p_.insn(pc).id == isa::insn_id::none) continue;
        compile_instruction(pc);
        origin_ = parts_.facts.step(pc, origin_);
        last = pc;
    }
    if (b_.GetInsertBlock()->getTerminator() == nullptr) go_to(last, range.end);
}

function_compiler::block function_compiler::jump_to(uint32_t pc, uint32_t target) {
    const uint32_t index = block_at(target);
    if (program::is_back_edge(pc, target)) return jump_back(b_.getInt32(pc), index);
    edges_[index].push_back(here());
    return blocks_[index];
}

function_compiler::block function_compiler::jump_back(value pc, uint32_t index) {
    latch &meets = latch_for(index);
    meets.back_edges.push_back({here(), pc});
    return meets.at;
}

/// Backward jumps to a block become one, so that what chooses between them can be computed without
/// branches. Jumps that leave a loop within have a latch of their own: where they come from, which
/// a fault is to tell, would else be kept in a register, and set in the loop that they leave.
function_compiler::latch &function_compiler::latch_for(uint32_t index) {
    constexpr std::size_t most_latches = 5;
    std::vector<latch> &all = headers_[index].latches;
    const bool leaves_loop = innermost_[current_] != no_block and innermost_[current_] > index;
    uint32_t source = leaves_loop ? current_ : no_block;
    const auto it = std::ranges::find(all, source, &latch::source);
    if (it != all.end()) return *it;
    if (all.size() + 1 >= most_latches) {
        const auto common = std::ranges::find(all, no_block, &latch::source);
        if (common != all.end()) return *common;
        source = no_block;
    }
    return all.emplace_back(new_block("latch"), source, std::vector<back_edge>{});
}

/// Loops as blocks follow each other: from a header to the last block that jumps back to it.
void function_compiler::find_loops() {
    std::vector<uint32_t> around;
    for (uint32_t i = 0; i < range_.block_count; ++i) {
        while (not around.empty() and headers_[around.back()].last_source < i) around.pop_back();
        if (is_header_[i]) around.push_back(i);
        if (not around.empty()) innermost_[i] = around.back();
    }
}

/// Pays the loop's weight, from a new slice if it must.
void function_compiler::compile_latch(uint32_t index, const latch &from_here) {
    loop_header &h = headers_[index];
    b_.SetInsertPoint(from_here.at);
    block_phis phis = make_phis(facts_of(index));
    llvm::PHINode *const pc = b_.CreatePHI(b_.getInt32Ty(), 2, "pc");
    for (const back_edge &back : from_here.back_edges) {
        add_incoming(phis, back.jump, facts_of(index));
        pc->addIncoming(back.pc, back.jump.from);
    }
    const value paid =
        charge(phis.slice, p_.loop_weight(p_.blocks()[range_.first_block + index].begin), pc);
    const block from = b_.GetInsertBlock();
    b_.CreateBr(blocks_[index]);
    for (unsigned r = 0; r < isa::frame_pointer; ++r) {
        if (phis.reg[r] != nullptr) h.phis.reg[r]->addIncoming(phis.reg[r], from);
    }
    h.phis.slice->addIncoming(paid, from);
    if (phis.tries != nullptr) h.phis.tries->addIncoming(phis.tries, from);
}

void function_compiler::go_to(uint32_t pc, uint32_t target) {
    const block to = jump_to(pc, target);
    b_.CreateBr(to);
}

void function_compiler::branch(uint32_t pc, value condition, uint32_t target) {
    if (target == pc + 1) return go_to(pc, target);
    const block taken = jump_to(pc, target);
    const block next = jump_to(pc, pc + 1);
    b_.CreateCondBr(condition, taken, next);
}

void function_compiler::leave(value r0) {
    if (facts_.frame_in_memory) {
        b_.CreateStore(word(0), b_.CreateConstGEP1_64(b_.getInt8Ty(), frame_top_,
                                                      0 - 2 * static_cast<uint64_t>(frame_size_)));
    }
    return_outcome(r0, slice_);
}

function_compiler::value function_compiler::get(unsigned reg) {
    const origin &o = origin_[reg];
    if (not o.is_frame()) return to_word(reg_[reg]);
    const value offset = o.exact ? word(static_cast<uint64_t>(int64_t{o.offset})) : reg_[reg];
    return b_.CreateAdd(frame_, offset);
}

function_compiler::value function_compiler::get_pointer(unsigned reg) {
    const value v = origin_[reg].is_frame() ? get(reg) : reg_[reg];
    return v->getType()->isPointerTy() ? v : b_.CreateIntToPtr(v, b_.getPtrTy());
}

function_compiler::value function_compiler::narrow(value v, llvm::Type *type) {
    const auto *const extended = llvm::dyn_cast<llvm::ZExtInst>(v);
    if (extended != nullptr and extended->getSrcTy() == type) return extended->getOperand(0);
    return b_.CreateTrunc(v, type);
}

void function_compiler::clear_arguments() {
    for (unsigned r = 1; r <= max_helper_arguments; ++r) set(r, word(0));
}

}  // namespace bpftime::vm::llvm_jit
