// bpftime-vm: one eBPF function to one LLVM function: the instructions
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Compilers evaluate arguments in an order of their own. For the same IR from all of them, no call
// has two arguments that append instructions.
#include "compiler.hpp"
#include "function_compiler.hpp"
#include "memory_checks.hpp"

#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/MDBuilder.h>

#include <bit>
#include <set>
#include <utility>

namespace bpftime::vm::llvm_jit {

namespace {

using compat::fault_kind;
using isa::insn_id;
using isa::operation;
using isa::operation_kind;
using isa::width;
using llvm::CmpInst;

CmpInst::Predicate predicate_of(operation op) {
    switch (op) {
    case operation::jeq: return CmpInst::ICMP_EQ;
    case operation::jgt: return CmpInst::ICMP_UGT;
    case operation::jge: return CmpInst::ICMP_UGE;
    case operation::jlt: return CmpInst::ICMP_ULT;
    case operation::jle: return CmpInst::ICMP_ULE;
    case operation::jsgt: return CmpInst::ICMP_SGT;
    case operation::jsge: return CmpInst::ICMP_SGE;
    case operation::jslt: return CmpInst::ICMP_SLT;
    case operation::jsle: return CmpInst::ICMP_SLE;
    default: return CmpInst::ICMP_NE;  // jne, and jset's comparison with 0
    }
}

/// Whether a call has to go through the host, which checks arguments and grants results.
bool needs_host(const compat::helper_binding &helper, const compat::vm_config &config) {
    const helper_declaration &d = helper.declaration();
    // A body of bitcode is called at no address.
    if (config.pointer_secret != 0 and not config.bitcode.contains(d.id)) return true;
    if (not d.typed) return false;
    if (d.result != result_kind::scalar) return true;
    return config.bounds_checks and
           std::ranges::any_of(d.arguments, is_checked, &argument_declaration::kind);
}

}  // namespace

void function_compiler::compile_instruction(uint32_t pc) {
    const isa::instruction &i = p_.insn(pc);
    switch (isa::kind_of(i.id)) {
    case operation_kind::alu: return compile_alu(pc);
    case operation_kind::convert: return compile_convert(pc);
    case operation_kind::branch: return compile_branch(pc);
    case operation_kind::jump:
        return i.id == insn_id::gotox ? compile_gotox(pc) : go_to(pc, p_.jump_target(pc));
    case operation_kind::call: return compile_call(pc);
    case operation_kind::exit: return leave(get(0));
    case operation_kind::load: return compile_load(pc);
    case operation_kind::store: return compile_store(pc);
    case operation_kind::atomic: return compile_atomic(pc);
    case operation_kind::packet: return compile_packet(pc);
    case operation_kind::wide:
        return set(i.dst, constant(b_.getInt64Ty(), parts_.input.linked.lddw_value(p_, pc)));
    }
}

// --- arithmetic

function_compiler::value function_compiler::operand(uint32_t pc, llvm::Type *type) {
    const isa::instruction &i = p_.insn(pc);
    if (isa::info(isa::info(i.id).shape).imm == isa::imm_role::value)
        return constant(type, static_cast<uint64_t>(int64_t{i.imm}));
    return narrow(get(i.src), type);
}

/// A constant that the program chose, hidden if that is wanted. Short ones, too: stores of them are
/// joined.
function_compiler::value function_compiler::constant(llvm::Type *type, uint64_t v) {
    const unsigned bits = type->getIntegerBitWidth();
    const llvm::APInt plain = llvm::APInt{64, v}.trunc(bits);
    if (not parts_.keys) return b_.getInt(plain);
    if (bits < 32) return b_.CreateTrunc(constant(b_.getInt32Ty(), v), type);
    const llvm::APInt key = llvm::APInt{64, parts_.keys->next()}.trunc(bits);
    // The optimiser does not look into it, so it can not put the halves together.
    llvm::InlineAsm *const opaque =
        llvm::InlineAsm::get(llvm::FunctionType::get(type, {type}, false), "", "=r,0", false);
    return b_.CreateXor(b_.CreateCall(opaque, {b_.getInt(plain ^ key)}), b_.getInt(key));
}

/// Additions that keep an address an address. False if `pc` is not one.
bool function_compiler::compile_address(uint32_t pc) {
    const isa::instruction &i = p_.insn(pc);
    if (i.id == insn_id::mov64_reg) {
        set(i.dst, reg_[i.src]);
        return true;
    }
    const bool adds = i.id == insn_id::add64_imm or i.id == insn_id::add64_reg;
    const bool subtracts = i.id == insn_id::sub64_imm or i.id == insn_id::sub64_reg;
    if (not adds and not subtracts) return false;
    const bool from_source =
        i.id == insn_id::add64_reg and
        (origin_[i.dst].is_frame() or origin_[i.src].is_frame() ? origin_[i.src].is_frame()
                                                                : parts_.facts.base_is_source(pc));
    const uint8_t base = from_source ? i.src : i.dst;
    const auto distance = [&]() -> value {
        const value by = from_source ? get(i.dst) : operand(pc, b_.getInt64Ty());
        return subtracts ? b_.CreateNeg(by) : by;
    };
    const origin after = parts_.facts.step(pc, origin_)[i.dst];
    if (after.is_frame()) {
        if (after.exact) {
            set(i.dst, nullptr);
            return true;
        }
        const origin &from = origin_[base];
        const value offset =
            from.exact ? word(static_cast<uint64_t>(int64_t{from.offset})) : reg_[base];
        set(i.dst, b_.CreateAdd(offset, distance()));
        return true;
    }
    if (not parts_.facts.result_is_address(pc)) return false;
    const value by = distance();
    set(i.dst, b_.CreateGEP(b_.getInt8Ty(), get_pointer(base), by));
    return true;
}

void function_compiler::compile_alu(uint32_t pc) {
    const isa::instruction &i = p_.insn(pc);
    if (compile_address(pc)) return;
    const isa::insn_info &row = isa::info(i.id);
    llvm::Type *const type = row.width == width::w32 ? b_.getInt32Ty() : b_.getInt64Ty();
    const value b = operand(pc, type);
    const value a = row.operation == operation::mov ? b : narrow(get(i.dst), type);
    set(i.dst, b_.CreateZExt(arithmetic(row.operation, a, b), b_.getInt64Ty()));
}

function_compiler::value function_compiler::arithmetic(operation op, value a, value b) {
    const auto count = [&] {
        return b_.CreateAnd(
            b, llvm::ConstantInt::get(b->getType(), b->getType()->getIntegerBitWidth() - 1));
    };
    switch (op) {
    case operation::add: return b_.CreateAdd(a, b);
    case operation::sub: return b_.CreateSub(a, b);
    case operation::mul: return b_.CreateMul(a, b);
    case operation::or_: return b_.CreateOr(a, b);
    case operation::and_: return b_.CreateAnd(a, b);
    case operation::xor_: return b_.CreateXor(a, b);
    case operation::lsh: return b_.CreateShl(a, count());
    case operation::rsh: return b_.CreateLShr(a, count());
    case operation::arsh: return b_.CreateAShr(a, count());
    case operation::mov: return b;
    default: return divide(op, a, b);
    }
}

/// Division by a divisor that is made harmless first: what a division by zero, or INT_MIN by -1,
/// would do must not be left to the optimiser.
function_compiler::value function_compiler::divide(operation op, value a, value b) {
    llvm::Type *const type = a->getType();
    const auto constant = [&](int64_t v) { return llvm::ConstantInt::getSigned(type, v); };
    const value is_zero = b_.CreateICmpEQ(b, constant(0));
    const bool is_division = op == operation::div or op == operation::sdiv;
    if (op == operation::div or op == operation::mod) {
        const value safe = b_.CreateSelect(is_zero, constant(1), b);
        return is_division ? b_.CreateSelect(is_zero, constant(0), b_.CreateUDiv(a, safe))
                           : b_.CreateSelect(is_zero, a, b_.CreateURem(a, safe));
    }
    const value is_minus_one = b_.CreateICmpEQ(b, constant(-1));
    const value safe = b_.CreateSelect(b_.CreateOr(is_zero, is_minus_one), constant(1), b);
    if (is_division) {
        const value divided = b_.CreateSDiv(a, safe);
        const value quotient = b_.CreateSelect(is_minus_one, b_.CreateNeg(a), divided);
        return b_.CreateSelect(is_zero, constant(0), quotient);
    }
    // By 1 the remainder is 0, as it is by -1.
    return b_.CreateSelect(is_zero, a, b_.CreateSRem(a, safe));
}

/// See compat::cast_into_arena().
function_compiler::value function_compiler::cast_into_arena(value v) {
    const value low = b_.CreateAnd(v, word(0xffff'ffff));
    const value inside = b_.CreateOr(low, word(parts_.input.linked.arena()->window));
    return b_.CreateSelect(b_.CreateICmpEQ(low, word(0)), word(0), inside);
}

void function_compiler::compile_convert(uint32_t pc) {
    const isa::instruction &i = p_.insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const bool unary = isa::info(row.shape).src == isa::register_role::none;
    const value word_value = get(unary ? i.dst : i.src);
    const auto low = [&](unsigned bits) { return narrow(word_value, b_.getIntNTy(bits)); };
    llvm::Type *const type = b_.getIntNTy(isa::bits_of(row.width));
    value v = nullptr;
    switch (row.operation) {
    case operation::neg: v = b_.CreateNeg(low(isa::bits_of(row.width))); break;
    case operation::movsx8: v = b_.CreateSExt(low(8), type); break;
    case operation::movsx16: v = b_.CreateSExt(low(16), type); break;
    case operation::movsx32: v = b_.CreateSExt(low(32), type); break;
    case operation::le: v = low(isa::bits_of(row.width)); break;
    case operation::be:
    case operation::bswap:
        v = b_.CreateUnaryIntrinsic(llvm::Intrinsic::bswap, low(isa::bits_of(row.width)));
        break;
    case operation::addr_space_cast: v = cast_into_arena(word_value); break;
    default: std::unreachable();
    }
    set(i.dst, b_.CreateZExt(v, b_.getInt64Ty()));
}

// --- jumps

void function_compiler::compile_branch(uint32_t pc) {
    const isa::instruction &i = p_.insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    if (row.operation == operation::may_goto) {
        const value tries = tries_;
        const value spent = b_.CreateICmpEQ(tries, word(0));
        const block taken = jump_to(pc, p_.jump_target(pc));
        tries_ = b_.CreateSub(tries, word(1));
        const block next = new_block("tries");
        b_.CreateCondBr(spent, taken, next);
        b_.SetInsertPoint(next);
        return go_to(pc, pc + 1);
    }
    const auto predicate = predicate_of(row.operation);
    value a = reg_[i.dst];
    const bool is_reg = isa::info(row.shape).src != isa::register_role::none;
    value b = is_reg ? reg_[i.src] : nullptr;
    const bool are_pointers = is_reg and row.width == width::w64 and a != nullptr and
                              b != nullptr and a->getType()->isPointerTy() and
                              b->getType()->isPointerTy() and row.operation != operation::jset and
                              not CmpInst::isSigned(predicate);
    if (not are_pointers) {
        llvm::Type *const type = b_.getIntNTy(isa::bits_of(row.width));
        a = narrow(get(i.dst), type);
        b = operand(pc, type);
        if (row.operation == operation::jset) {
            a = b_.CreateAnd(a, b);
            b = llvm::ConstantInt::get(type, 0);
        }
    }
    branch(pc, b_.CreateICmp(predicate, a, b), p_.jump_target(pc));
}

void function_compiler::compile_gotox(uint32_t pc) {
    const value target = get(p_.insn(pc).dst);
    if (meets_) return meet(pc, target);
    jump_through_table(b_.getInt32(pc), target, [&](uint32_t to) { go_to(pc, to); });
}

/// `go`: goes to a target from the block that is being filled.
template <typename Go>
void function_compiler::jump_through_table(value pc, value target, Go &&go) {
    const block bad = new_block("bad_target");
    llvm::SwitchInst *const jump = b_.CreateSwitch(target, bad);
    for (const uint32_t to : p_.jump_targets()) {
        if (to < range_.begin or to >= range_.end) continue;
        const block on_the_way = new_block("target");
        jump->addCase(word(code_handle(to)), on_the_way);
        b_.SetInsertPoint(on_the_way);
        bar_speculation();
        go(to);
    }
    b_.SetInsertPoint(bad);
    const value where = b_.CreateShl(b_.CreateZExt(pc, b_.getInt64Ty()), 32);
    fault(b_.CreateOr(where, word(pack_fault(0, fault_kind::bad_jump_target))), target);
    b_.CreateBr(end_run_);
}

void function_compiler::find_meeting_point() {
    constexpr uint64_t most_ways = 1024;
    if (p_.jump_targets().empty()) return;
    uint64_t jumps = 0;
    uint64_t targets = 0;
    for (uint32_t i = 0; i < range_.block_count; ++i) {
        if (blocks_[i] == nullptr) continue;
        const basic_block &from = p_.blocks()[range_.first_block + i];
        const uint32_t last = from.end - 1;  // gotox has one slot
        if (p_.insn(last).id != insn_id::gotox) continue;
        origins at_end = facts_of(i).at_entry;
        for (uint32_t pc = from.begin; pc < last; ++pc) {
            if (p_.insn(pc).id != insn_id::none) at_end = parts_.facts.step(pc, at_end);
        }
        for (unsigned r = 0; r < isa::register_count; ++r) {
            origin &all = meeting_.facts.at_entry[r];
            all = merge(all, at_end[r]);
        }
        if (jumps++ == 0) meeting_.first = last;
        meeting_.last = last;
        targets = from.successor_count;
    }
    meets_ = jumps * targets > most_ways;
    if (not meets_) return;
    for (const uint32_t to : p_.jump_targets()) {
        if (to < range_.begin or to >= range_.end) continue;
        meeting_.facts.live |= facts_of(block_at(to)).live;
        meeting_.facts.addresses |= facts_of(block_at(to)).addresses;
    }
}

/// The gotox at `pc` goes where all do.
void function_compiler::meet(uint32_t pc, value target) {
    const bool is_first = meeting_.at == nullptr;
    if (is_first) {
        meeting_.at = new_block("gotox");
        const llvm::IRBuilderBase::InsertPointGuard back{b_};
        b_.SetInsertPoint(meeting_.at);
        meeting_.phis = make_phis(meeting_.facts);
        meeting_.pc = b_.CreatePHI(b_.getInt32Ty(), 2, "pc");
        meeting_.target = b_.CreatePHI(b_.getInt64Ty(), 2, "target");
    }
    b_.CreateBr(meeting_.at);
    add_incoming(meeting_.phis, here(), meeting_.facts);
    meeting_.pc->addIncoming(b_.getInt32(pc), b_.GetInsertBlock());
    meeting_.target->addIncoming(target, b_.GetInsertBlock());
    if (is_first) part();
}

/// From where all gotox meet to their targets. Comes with the first gotox, so that what is behind
/// it has this way in; those to come complete the phis.
void function_compiler::part() {
    b_.SetInsertPoint(meeting_.at);
    for (unsigned r = 0; r < isa::frame_pointer; ++r) {
        origin_[r] = meeting_.facts.at_entry[r];
        reg_[r] = meeting_.phis.reg[r];
        if (reg_[r] == nullptr and not(origin_[r].is_frame() and origin_[r].exact)) {
            reg_[r] = word(0);
            origin_[r] = {.kind = origin_kind::integer};
        }
    }
    slice_ = meeting_.phis.slice;
    tries_ = meeting_.phis.tries;
    jump_through_table(meeting_.pc, meeting_.target, [&](uint32_t to) {
        const bool forward = meeting_.first < to;
        const bool backward = program::is_back_edge(meeting_.last, to);
        if (forward and backward) {
            const block ahead = new_block("ahead");
            const block behind = new_block("behind");
            b_.CreateCondBr(b_.CreateICmpULT(meeting_.pc, b_.getInt32(to)), ahead, behind);
            b_.SetInsertPoint(behind);
            b_.CreateBr(jump_back(meeting_.pc, block_at(to)));
            b_.SetInsertPoint(ahead);
        }
        b_.CreateBr(forward ? jump_to(meeting_.first, to) : jump_back(meeting_.pc, block_at(to)));
    });
}

// --- calls

void function_compiler::compile_call(uint32_t pc) {
    const isa::instruction &i = p_.insn(pc);
    switch (isa::info(i.id).operation) {
    case operation::call_local: call_local(pc); break;
    case operation::call_helper: call_helper(pc); break;
    case operation::callx: call_value(pc); break;
    default: std::unreachable();  // call_kfunc: linkage refuses it
    }
    clear_arguments();
}

void function_compiler::call_local(uint32_t pc) {
    const uint32_t callee = p_.function_at(p_.callee_pc(pc));
    slice_ = charge(slice_, p_.functions()[callee].weight, b_.getInt32(pc));
    check_depth(word(pack_fault(pc, fault_kind::call_depth_exceeded)));
    std::vector<value> arguments{
        b_.CreateSub(frame_, word(2 * static_cast<uint64_t>(frame_size_)))};
    for (unsigned r = 1; r <= max_helper_arguments; ++r) {
        const bool used = has(parts_.facts.of_function(callee).arguments, r);
        arguments.push_back(used ? get(r) : word(0));
    }
    const value result = call_function(parts_.functions[callee], slice_, arguments);
    set(0, b_.CreateExtractValue(result, 0));
    slice_ = b_.CreateExtractValue(result, 1);
    go_on_if(b_.CreateICmpSGE(slice_, word(0)), end_run_, "returned");
}

void function_compiler::call_value(uint32_t pc) {
    const isa::instruction &i = p_.insn(pc);
    const auto reg = i.id == insn_id::callx_imm ? static_cast<unsigned>(i.imm) : i.dst;
    std::vector<value> arguments{frame_};
    for (unsigned r = 1; r <= max_helper_arguments; ++r) arguments.push_back(get(r));
    arguments.push_back(get(reg));
    arguments.push_back(b_.getInt32(pc));
    const value result = call_function(parts_.call_value, slice_, arguments);
    set(0, b_.CreateExtractValue(result, 0));
    slice_ = b_.CreateExtractValue(result, 1);
    go_on_if(b_.CreateICmpSGE(slice_, word(0)), end_run_, "returned");
}

void function_compiler::call_helper(uint32_t pc) {
    const auto id = static_cast<uint32_t>(p_.insn(pc).imm);
    const compat::helper_binding &helper = *parts_.input.linked.helper(id);
    if (helper.declaration().runs_code())
        call_running_helper(pc, helper);
    else if (parts_.facts.is_own_lookup(pc, origin_))
        set(0, look_up());
    else if (is_proven(helper))
        set(0, call_helper_directly(helper));
    else
        call_plain_helper(pc, helper);
    if (parts_.input.config.unwind_helper == id)
        go_on_if(b_.CreateICmpNE(new_r0(), word(0)), end_run_, "stays");
}

void function_compiler::call_plain_helper(uint32_t pc, const compat::helper_binding &helper) {
    if (not needs_host(helper, parts_.input.config)) return set(0, call_helper_directly(helper));
    const helper_declaration &d = helper.declaration();
    const bool has_body = parts_.input.config.bitcode.contains(d.id);
    if (not has_body or d.result != result_kind::scalar)
        return set(0, call_through_runtime(pc, helper));
    check_arguments(pc, helper);
    set(0, call_helper_directly(helper));
}

/// Whether all that the host would check and grant is known to be fine: the map, keys and values in
/// the own frame, and a result that the program may touch anyway.
bool function_compiler::is_proven(const compat::helper_binding &helper) const {
    const helper_declaration &d = helper.declaration();
    if (parts_.input.config.pointer_secret != 0 or d.result == result_kind::never) return false;
    const unsigned at = helper.map_argument();
    if (at == max_helper_arguments or origin_[1 + at].kind != origin_kind::map) return false;
    const ebpf_map_shape &shape = *parts_.input.linked.maps()[origin_[1 + at].map].shape;
    const bool gives_known_value = d.result == result_kind::map_value_or_null and
                                   parts_.facts.values_stay_known(origin_[1 + at].map);
    if (d.result != result_kind::scalar and not gives_known_value) return false;
    return std::ranges::all_of(helper.checked(), [&](uint8_t i) {
        const argument_kind kind = d.arguments[i].kind;
        if (kind == argument_kind::map) return true;
        const uint32_t size = kind == argument_kind::map_key ? shape.key_size : shape.value_size;
        return depends_on_map(kind) and parts_.facts.is_in_frame(origin_[1 + i], size);
    });
}

function_compiler::value function_compiler::call_helper_directly(
    const compat::helper_binding &helper) {
    const helper_declaration &d = helper.declaration();
    std::vector<value> arguments;
    if (helper.has_context()) {
        arguments.push_back(
            parts_.module.getOrInsertGlobal(helper_context_symbol(d.id), b_.getInt8Ty()));
    }
    for (unsigned r = 1; r <= max_helper_arguments; ++r) {
        arguments.push_back(r <= d.arity() ? get(r) : word(0));
    }
    std::vector<llvm::Type *> types;
    types.reserve(arguments.size());
    for (const value a : arguments) types.push_back(a->getType());
    const llvm::FunctionCallee callee =
        declare_host_function(parts_.module, helper_symbol(d.id), b_.getInt64Ty(), types);
    llvm::CallInst *const call = b_.CreateCall(callee, arguments);
    if (d.purity != helper_purity::impure) {
        // A pure helper gives its result and does nothing else, so it does not throw either.
        call->setDoesNotThrow();
        call->addFnAttr(llvm::Attribute::WillReturn);
        if (d.purity == helper_purity::constant)
            call->setDoesNotAccessMemory();
        else
            call->setOnlyReadsMemory();
    }
    return call;
}

/// r1 to r5 in memory, for the host.
void function_compiler::store_words(const helper_declaration &d) {
    if (call_words_ == nullptr) {
        llvm::IRBuilder<> entry{&fn_.getEntryBlock(), fn_.getEntryBlock().begin()};
        call_words_ = entry.CreateAlloca(
            llvm::ArrayType::get(entry.getInt64Ty(), max_helper_arguments), nullptr, "words");
    }
    for (unsigned r = 1; r <= max_helper_arguments; ++r) {
        const value at = b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), call_words_, r - 1);
        b_.CreateStore(r <= d.arity() ? get(r) : word(0), at);
    }
}

function_compiler::value function_compiler::call_through_runtime(
    uint32_t pc, const compat::helper_binding &helper) {
    store_words(helper.declaration());
    const value binding = binding_of(helper);
    const auto callee = declare_host_function(
        parts_.module, "ebpf_rt_call_helper", b_.getInt64Ty(),
        {b_.getPtrTy(), b_.getPtrTy(), b_.getInt32Ty(), b_.getPtrTy(), b_.getInt64Ty()});
    const value ok = b_.CreateCall(callee, {state_, binding, b_.getInt32(pc), call_words_, frame_});
    go_on_if(b_.CreateICmpNE(ok, word(0)), end_run_, "called");
    return b_.CreateLoad(b_.getInt64Ty(), call_words_);
}

/// Before a call that the code makes itself.
void function_compiler::check_arguments(uint32_t pc, const compat::helper_binding &helper) {
    store_words(helper.declaration());
    const auto callee = declare_host_function(
        parts_.module, "ebpf_rt_check_arguments", b_.getInt64Ty(),
        {b_.getPtrTy(), b_.getPtrTy(), b_.getInt32Ty(), b_.getPtrTy(), b_.getInt64Ty()});
    const value fine =
        b_.CreateCall(callee, {state_, binding_of(helper), b_.getInt32(pc), call_words_, frame_});
    go_on_if(b_.CreateICmpNE(fine, word(0)), end_run_, "fine");
}

function_compiler::value function_compiler::binding_of(const compat::helper_binding &helper) {
    return parts_.module.getOrInsertGlobal(helper_binding_symbol(helper.declaration().id),
                                           b_.getInt8Ty());
}

/// What runs in the helper spends from the budget, and may take the place of this function.
void function_compiler::call_running_helper(uint32_t pc, const compat::helper_binding &helper) {
    store_words(helper.declaration());
    const auto callee = declare_host_function(parts_.module, "ebpf_rt_call_running_helper",
                                              outcome_type(fn_.getContext()),
                                              {b_.getPtrTy(), b_.getPtrTy(), b_.getInt32Ty(),
                                               b_.getPtrTy(), b_.getInt64Ty(), b_.getInt64Ty()});
    const value outcome = b_.CreateCall(
        callee, {state_, binding_of(helper), b_.getInt32(pc), call_words_, frame_, slice_});
    const value next = b_.CreateExtractValue(outcome, 0);
    const auto is = [&](compat::after_call what) {
        return b_.CreateICmpEQ(next, word(static_cast<uint64_t>(what)));
    };
    go_on_if(b_.CreateNot(is(compat::after_call::ends)), end_run_, "called");
    slice_ = b_.CreateExtractValue(outcome, 1);
    set(0, b_.CreateLoad(b_.getInt64Ty(), call_words_));
    if (helper.declaration().result != result_kind::tail_call) return;
    const block returns = new_block("returns");
    go_on_if(b_.CreateNot(is(compat::after_call::returns)), returns, "stays");
    const llvm::IRBuilderBase::InsertPointGuard guard{b_};
    b_.SetInsertPoint(returns);
    leave(new_r0());
}

// --- memory

/// One more than the highest offset in the input memory that an access of `size` bytes may have.
function_compiler::value function_compiler::input_limit(uint64_t size) {
    value &limit = input_limits_[size];
    if (limit == nullptr) {
        llvm::IRBuilder<> entry{fn_.getEntryBlock().getTerminator()};
        limit = entry.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, input_len_, word(size - 1));
    }
    return limit;
}

/// Asks the memory map about an access that the code itself cannot tell to be fine. Gives where it
/// is to be made if that may be elsewhere (in programs with an arena); null: there.
function_compiler::value function_compiler::check(value number, value is_likely, uint64_t packed,
                                                  bool compares_with_input) {
    const block before = b_.GetInsertBlock();
    const block ask = new_block("ask");
    const block fine = new_block("fine");
    b_.CreateCondBr(is_likely, fine, ask, likely_);
    b_.SetInsertPoint(ask);
    llvm::CallInst *const to =
        call_rarely(b_, rare_function::check, {state_, number, word(packed), frame_});
    // A check that is not marked stays where it is.
    if (compares_with_input and not parts_.input.config.bars_speculation) mark_input_check(*to);
    b_.CreateCondBr(b_.CreateICmpNE(to, word(0)), fine, end_run_, likely_);
    b_.SetInsertPoint(fine);
    if (parts_.input.linked.arena() == nullptr) {
        bar_speculation();
        return nullptr;
    }
    llvm::PHINode *const place = b_.CreatePHI(b_.getInt64Ty(), 2, "place");
    place->addIncoming(number, before);
    place->addIncoming(to, ask);
    bar_speculation();
    return b_.CreateIntToPtr(place, b_.getPtrTy());
}

void function_compiler::check_alignment(value number, uint64_t packed) {
    const uint64_t size = access_word::unpack(packed).size;
    if (size == 1) return;
    const block misaligned = new_block("misaligned");
    const block aligned = new_block("aligned");
    b_.CreateCondBr(b_.CreateICmpEQ(b_.CreateAnd(number, word(size - 1)), word(0)), aligned,
                    misaligned, likely_);
    b_.SetInsertPoint(misaligned);
    call_rarely(b_, rare_function::misaligned, {state_, number, word(packed), frame_});
    b_.CreateBr(end_run_);
    b_.SetInsertPoint(aligned);
}

function_compiler::address function_compiler::access_frame(uint32_t pc, unsigned base,
                                                           uint64_t packed, bool atomic) {
    uses_frame_ = true;
    const origin &o = origin_[base];
    const int64_t size = access_word::unpack(packed).size;
    const int64_t at = (o.exact ? int64_t{o.offset} : 0) + p_.insn(pc).offset;
    const value distance = o.exact ? word(static_cast<uint64_t>(at))
                                   : b_.CreateAdd(reg_[base], word(static_cast<uint64_t>(at)));
    const bool is_known = o.exact and at >= -frame_size_ and at <= -size;
    const bool is_proven = not is_known and parts_.proofs.is_in_frame(pc, size, frame_size_);
    const bool inside = is_known or is_proven;
    if (is_proven) parts_.counted.add(counter::check_elimination);
    const value pointer = b_.CreateGEP(b_.getInt8Ty(), frame_top_, distance);
    const llvm::Align align = o.exact ? alignment_at(at) : llvm::Align{1};
    // Other frames are where the memory map has them.
    if (not checks() and (inside or not o.exact or facts_.frame_in_memory)) return {pointer, align};
    const value number = b_.CreateAdd(frame_, distance);
    if (not checks()) return {b_.CreateIntToPtr(number, b_.getPtrTy()), align};
    value result = pointer;
    if (not inside) {
        const value from_bottom = b_.CreateAdd(distance, word(static_cast<uint64_t>(frame_size_)));
        const value is_inside =
            size > frame_size_
                ? static_cast<value>(b_.getFalse())
                : b_.CreateICmpULE(from_bottom, word(static_cast<uint64_t>(frame_size_ - size)));
        const value elsewhere = check(number, is_inside, packed, false);
        // Outside of a frame that is not in memory, the memory map has found other memory.
        if (elsewhere != nullptr or not facts_.frame_in_memory) {
            const value outside =
                elsewhere != nullptr ? elsewhere : b_.CreateIntToPtr(number, b_.getPtrTy());
            result = b_.CreateSelect(is_inside, pointer, outside);
        }
    }
    const bool is_aligned = o.exact and align.value() >= static_cast<uint64_t>(size);
    if (atomic and not is_aligned and not parts_.proofs.is_aligned(pc))
        check_alignment(number, packed);
    return {result, align};
}

function_compiler::address function_compiler::access(uint32_t pc, unsigned base, permission wanted,
                                                     bool atomic) {
    const isa::instruction &i = p_.insn(pc);
    const uint32_t size = isa::bytes_of(isa::info(i.id).width);
    const uint64_t packed = access_word{pc, size, wanted}.pack();
    if (origin_[base].is_frame()) return access_frame(pc, base, packed, atomic);
    value pointer = b_.CreateGEP(b_.getInt8Ty(), get_pointer(base),
                                 word(static_cast<uint64_t>(int64_t{i.offset})));
    if (not checks()) return {pointer, llvm::Align{1}};
    const value number = b_.CreatePtrToInt(pointer, b_.getInt64Ty());
    if (parts_.proofs.is_proven(pc)) {
        parts_.counted.add(counter::check_elimination);
    } else {
        const value offset = b_.CreateSub(number, input_begin_);
        // A value of a map need only be there.
        const bool in_value = parts_.facts.is_in_value(pc, origin_[base]);
        const bool in_input =
            not in_value and allows(parts_.input.config.input_permission(), wanted);
        const value is_likely = in_value   ? b_.CreateICmpNE(get(base), known_offset(origin_[base]))
                                : in_input ? b_.CreateICmpULT(offset, input_limit(size))
                                           : static_cast<value>(b_.getFalse());
        const value elsewhere = check(number, is_likely, packed, in_input);
        if (elsewhere != nullptr) pointer = elsewhere;
    }
    if (atomic and not parts_.proofs.is_aligned(pc)) check_alignment(number, packed);
    return {pointer, llvm::Align{1}};
}

void function_compiler::compile_load(uint32_t pc) {
    const isa::instruction &i = p_.insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const address at = access(pc, i.src, permission::read, false);
    llvm::Type *const type = b_.getIntNTy(isa::bits_of(row.width));
    const value loaded = b_.CreateAlignedLoad(type, at.pointer, at.align);
    const value v = row.operation == operation::load_sx ? b_.CreateSExt(loaded, b_.getInt64Ty())
                                                        : b_.CreateZExt(loaded, b_.getInt64Ty());
    set(i.dst, parts_.facts.result_is_address(pc) ? b_.CreateIntToPtr(v, b_.getPtrTy()) : v);
}

void function_compiler::compile_store(uint32_t pc) {
    const isa::instruction &i = p_.insn(pc);
    llvm::Type *const type = b_.getIntNTy(isa::bits_of(isa::info(i.id).width));
    const value v = operand(pc, type);
    const address at = access(pc, i.dst, permission::write, false);
    b_.CreateAlignedStore(v, at.pointer, at.align);
}

void function_compiler::compile_atomic(uint32_t pc) {
    const isa::instruction &i = p_.insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    llvm::Type *const type = b_.getIntNTy(isa::bits_of(row.width));
    const bool loads = row.operation == operation::load_acquire;
    const value v = loads ? nullptr : narrow(get(i.src), type);
    address at = access(pc, loads ? i.src : i.dst, permission_of(row.operation), true);
    at.align = llvm::Align{isa::bytes_of(row.width)};
    const value result = atomic_result(pc, at, v);
    const reg_set written = parts_.facts.use_of(pc).writes;
    if (written == 0) return;
    const auto reg = static_cast<unsigned>(std::countr_zero(written));
    const value extended = b_.CreateZExt(result, b_.getInt64Ty());
    set(reg,
        parts_.facts.result_is_address(pc) ? b_.CreateIntToPtr(extended, b_.getPtrTy()) : extended);
}

/// Orders as the kernel's: operations that fetch are full barriers, the others order nothing.
function_compiler::value function_compiler::atomic_result(uint32_t pc, const address &at, value v) {
    using enum llvm::AtomicRMWInst::BinOp;
    constexpr auto relaxed = llvm::AtomicOrdering::Monotonic;
    constexpr auto full = llvm::AtomicOrdering::SequentiallyConsistent;
    const isa::insn_info &row = isa::info(p_.insn(pc).id);
    const auto modify = [&](llvm::AtomicRMWInst::BinOp op, llvm::AtomicOrdering order) {
        return b_.CreateAtomicRMW(op, at.pointer, v, at.align, order);
    };
    switch (row.operation) {
    case operation::atomic_add: return modify(Add, relaxed);
    case operation::atomic_or: return modify(Or, relaxed);
    case operation::atomic_and: return modify(And, relaxed);
    case operation::atomic_xor: return modify(Xor, relaxed);
    case operation::atomic_fetch_add: return modify(Add, full);
    case operation::atomic_fetch_or: return modify(Or, full);
    case operation::atomic_fetch_and: return modify(And, full);
    case operation::atomic_fetch_xor: return modify(Xor, full);
    case operation::atomic_xchg: return modify(Xchg, full);
    case operation::atomic_cmpxchg: {
        const value expected = narrow(get(0), v->getType());
        const value pair = b_.CreateAtomicCmpXchg(at.pointer, expected, v, at.align, full, full);
        return b_.CreateExtractValue(pair, 0);
    }
    case operation::load_acquire: {
        llvm::LoadInst *const load =
            b_.CreateAlignedLoad(b_.getIntNTy(isa::bits_of(row.width)), at.pointer, at.align);
        load->setAtomic(llvm::AtomicOrdering::Acquire);
        return load;
    }
    case operation::store_release: {
        llvm::StoreInst *const store = b_.CreateAlignedStore(v, at.pointer, at.align);
        store->setAtomic(llvm::AtomicOrdering::Release);
        return store;
    }
    default: std::unreachable();
    }
}

/// Legacy packet access: big-endian data of the input memory, or what a helper gives; out of range
/// ends the function with r0 = 0.
void function_compiler::compile_packet(uint32_t pc) {
    const isa::instruction &i = p_.insn(pc);
    const bool indirect = isa::info(i.id).shape == isa::shape::packet_ind;
    const value imm = constant(b_.getInt32Ty(), static_cast<uint64_t>(int64_t{i.imm}));
    const value narrow = indirect ? b_.CreateAdd(get32(i.src), imm) : imm;
    const value offset = b_.CreateSExt(narrow, b_.getInt64Ty());
    if (const auto *const helper = parts_.input.linked.helper(EBPF_PACKET_LOAD_HELPER))
        call_packet_load(pc, *helper, offset);
    else
        load_input(pc, offset);
    clear_arguments();
}

void function_compiler::leave_unless(value is_inside) {
    const block inside = new_block("packet");
    const block outside = new_block("no_packet");
    b_.CreateCondBr(is_inside, inside, outside);
    b_.SetInsertPoint(outside);
    leave(word(0));
    b_.SetInsertPoint(inside);
    bar_speculation();
}

void function_compiler::call_packet_load(uint32_t pc, const compat::helper_binding &helper,
                                         value offset) {
    clear_arguments();
    // Not what the program held in them before.
    for (unsigned r = 1; r <= max_helper_arguments; ++r)
        origin_[r] = {.kind = origin_kind::integer};
    set(1, offset);
    set(2, word(isa::bytes_of(isa::info(p_.insn(pc).id).width)));
    call_plain_helper(pc, helper);
    leave_unless(b_.CreateICmpSGE(new_r0(), word(0)));
}

void function_compiler::load_input(uint32_t pc, value offset) {
    const isa::insn_info &row = isa::info(p_.insn(pc).id);
    // A negative offset is a large one, and no input memory is that large.
    const value is_positive = b_.CreateICmpSGE(offset, word(0));
    const value is_inside = b_.CreateICmpULT(offset, input_limit(isa::bytes_of(row.width)));
    leave_unless(b_.CreateAnd(is_positive, is_inside));
    const value begin = b_.CreateIntToPtr(input_begin_, b_.getPtrTy());
    value v = b_.CreateAlignedLoad(b_.getIntNTy(isa::bits_of(row.width)),
                                   b_.CreateGEP(b_.getInt8Ty(), begin, offset), llvm::Align{1});
    if (row.width != width::w8) v = b_.CreateUnaryIntrinsic(llvm::Intrinsic::bswap, v);
    set(0, b_.CreateZExt(v, b_.getInt64Ty()));
}

}  // namespace bpftime::vm::llvm_jit
