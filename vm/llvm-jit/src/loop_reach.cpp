// bpftime-vm: which memory the checked accesses of a loop reach in all its rounds
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Addresses are numbers of 64 bits that may wrap. What is computed here does not: a loop's rounds
// are no more than a slice has units, steps and bytes are small, and what lies inside of the input
// memory does not reach around the end of all addresses.
#include "loop_reach.hpp"

#include <llvm/IR/Intrinsics.h>

#include <algorithm>
#include <cstdlib>

namespace bpftime::vm::llvm_jit {

namespace {

/// Bytes that an access may be from one of the same round, or of the one before.
constexpr int64_t most_bytes = int64_t{1} << 20;
/// Places that are compared before a loop begins.
constexpr std::size_t most_reaches = 6;
/// How much computing one of them may cost, as LLVM counts it.
constexpr unsigned most_reach_cost = 8;

}  // namespace

/// The number that is an address in a term, where only the term is made in the loop.
const llvm::SCEV *reach_finder::number_in(const llvm::SCEV &term) {
    const auto *const cast = llvm::dyn_cast<llvm::SCEVPtrToIntExpr>(&term);
    const auto *const unknown =
        cast == nullptr ? nullptr : llvm::dyn_cast<llvm::SCEVUnknown>(cast->getOperand());
    auto *const made =
        unknown == nullptr ? nullptr : llvm::dyn_cast<llvm::IntToPtrInst>(unknown->getValue());
    if (made == nullptr or made->getOperand(0)->getType() != term.getType()) return nullptr;
    return evolution_.getSCEV(made->getOperand(0));
}

/// Adds a term of an address to what is known of the others. False if it is not bounded.
bool reach_finder::add(const llvm::SCEV &term, const llvm::Loop &loop, reach &to) {
    if (evolution_.isLoopInvariant(&term, &loop)) {
        to.first = evolution_.getAddExpr(to.first, &term);
        return true;
    }
    if (const auto *const sum = llvm::dyn_cast<llvm::SCEVAddExpr>(&term)) {
        return std::ranges::all_of(sum->operands(),
                                   [&](const llvm::SCEV *s) { return add(*s, loop, to); });
    }
    if (const llvm::SCEV *const number = number_in(term)) return add(*number, loop, to);
    const auto *const recurrence = llvm::dyn_cast<llvm::SCEVAddRecExpr>(&term);
    if (recurrence != nullptr and recurrence->getLoop() == &loop and recurrence->isAffine()) {
        const auto *const step =
            llvm::dyn_cast<llvm::SCEVConstant>(recurrence->getStepRecurrence(evolution_));
        if (step == nullptr or step->getAPInt().abs().ugt(most_bytes)) return false;
        to.first = evolution_.getAddExpr(to.first, recurrence->getStart());
        to.step += step->getAPInt().getSExtValue();
        return std::abs(to.step) <= most_bytes;
    }
    // Any other number: between bounds, as what a byte or a masked index is.
    const llvm::ConstantRange range = evolution_.getUnsignedRange(&term);
    if (range.isFullSet() or range.isEmptySet()) return false;
    const llvm::APInt width = range.getUpper() - range.getLower() - 1;
    if (width.ugt(most_bytes)) return false;
    to.first = evolution_.getAddExpr(to.first, evolution_.getConstant(range.getLower()));
    to.bytes += width.getZExtValue();
    return to.bytes <= static_cast<uint64_t>(most_bytes);
}

std::optional<reach> reach_finder::reach_of(const memory_check &check, const llvm::Loop &loop) {
    llvm::Type *const type = check.address()->getType();
    reach r{.first = evolution_.getZero(type),
            .step = 0,
            .bytes = check.size(),
            .in_last_round = false};
    if (not add(*evolution_.getSCEV(check.address()), loop, r)) return std::nullopt;
    return r;
}

/// Puts what one check reaches to what others do. False if it is more, and that may not be.
bool reach_finder::join(const reach &one, std::vector<reach> &all, bool may_grow) {
    for (reach &r : all) {
        if (r.step != one.step or (one.in_last_round and not r.in_last_round and not may_grow))
            continue;
        const auto *const distance =
            llvm::dyn_cast<llvm::SCEVConstant>(evolution_.getMinusSCEV(one.first, r.first));
        if (distance == nullptr or distance->getAPInt().abs().ugt(most_bytes)) continue;
        const int64_t begin = distance->getAPInt().getSExtValue();
        const int64_t end = begin + static_cast<int64_t>(one.bytes);
        const int64_t bytes =
            std::max(end, static_cast<int64_t>(r.bytes)) - std::min<int64_t>(begin, 0);
        // What is between one round's accesses and the next's belongs to the round.
        const bool is_inside = bytes <= std::max(static_cast<int64_t>(r.bytes), std::abs(r.step));
        if (bytes > most_bytes or not(is_inside or may_grow)) continue;
        if (begin < 0) r.first = one.first;
        r.bytes = static_cast<uint64_t>(bytes);
        r.in_last_round = r.in_last_round or one.in_last_round;
        return true;
    }
    if (not may_grow or all.size() == most_reaches) return false;
    all.push_back(one);
    return true;
}

bool reach_finder::is_cheap(const llvm::SCEV *first, llvm::Loop &loop) const {
    const llvm::Instruction *const at = loop.getLoopPreheader()->getTerminator();
    return expander_.isSafeToExpandAt(first, at) and
           not expander_.isHighCostExpansion(first, &loop, most_reach_cost, &costs_, at);
}

loop_checks reach_finder::find(llvm::Loop &loop, const known_rounds &rounds) {
    loop_checks found;
    std::vector<memory_check> rare;
    for (llvm::BasicBlock *const block : loop.blocks()) {
        const auto check = check_in(*block);
        if (not check) continue;
        if (tree_.dominates(block, loop.getLoopLatch()))
            found.checks.push_back(*check);
        else
            rare.push_back(*check);
    }
    const auto joins = [&](const memory_check &check, bool may_grow) {
        auto r = reach_of(check, loop);
        if (not r or not is_cheap(r->first, loop)) return false;
        if (r->step != 0 and not rounds.is_likely_reached) return false;
        r->in_last_round = not tree_.dominates(rounds.exiting, check.branch->getParent());
        return join(*r, found.reaches, may_grow);
    };
    std::erase_if(found.checks, [&](const memory_check &check) { return not joins(check, true); });
    // What is not accessed in each round may be out of reach whenever it is not.
    for (const memory_check &check : rare) {
        if (joins(check, false)) found.checks.push_back(check);
    }
    return found;
}

llvm::Value *reach_finder::are_in_input(const std::vector<reach> &reaches, llvm::Value *count,
                                        llvm::Instruction *at) {
    llvm::IRBuilder<> b{at};
    llvm::Value *const one = b.getInt64(1);
    llvm::Value *all = b.getTrue();
    for (const reach &r : reaches) {
        llvm::Value *first = expander_.expandCodeFor(r.first, r.first->getType(), at);
        llvm::Value *bytes = b.getInt64(r.bytes);
        if (r.step != 0) {
            llvm::Value *const last =
                r.in_last_round ? count
                                : b.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, count, one);
            llvm::Value *const way =
                b.CreateMul(last, b.getInt64(static_cast<uint64_t>(std::abs(r.step))));
            if (r.step < 0) first = b.CreateSub(first, way);
            bytes = b.CreateAdd(bytes, way);
        }
        all = b.CreateAnd(all, is_in_input(b, first, 0, bytes));
    }
    return all;
}

}  // namespace bpftime::vm::llvm_jit
