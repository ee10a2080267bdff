// bpftime-vm: memory checks that could be made at once
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "check_runs.hpp"

#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PatternMatch.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace bpftime::vm::llvm_jit {

namespace {

/// How many operations make an address of values that are known earlier.
constexpr unsigned most_operations = 6;

/// A step over a number that is added, if it is between bounds. Null base: it is not.
place step_over(const place &p, llvm::Value *from, llvm::Value *number,
                const llvm::DataLayout &layout) {
    const llvm::KnownBits known = llvm::computeKnownBits(number, layout);
    const llvm::APInt least = known.getMinValue();
    const llvm::APInt room = known.getMaxValue() - least;
    if (room.ugt(static_cast<uint64_t>(most_room - p.room)) or least.ugt(most_bytes_at_once))
        return {nullptr, 0};
    return {from, p.offset + static_cast<int64_t>(least.getZExtValue()),
            p.room + static_cast<int64_t>(room.getZExtValue())};
}

/// One step from an address to what it is computed from; the same if there is none.
place step_from(const place &p, const llvm::DataLayout &layout) {
    namespace match = llvm::PatternMatch;
    const llvm::APInt *distance = nullptr;
    llvm::Value *from = nullptr;
    if (match::match(p.base, match::m_Add(match::m_Value(from), match::m_APInt(distance))) and
        distance->abs().ule(most_bytes_at_once))
        return {from, p.offset + distance->getSExtValue(), p.room};
    llvm::Value *number = nullptr;
    if (match::match(p.base, match::m_Add(match::m_Value(from), match::m_Value(number)))) {
        for (const auto &[x, y] : {std::pair{from, number}, std::pair{number, from}}) {
            if (const place next = step_over(p, x, y, layout); next.base != nullptr) return next;
        }
        return p;
    }
    if (match::match(p.base, match::m_PtrToInt(match::m_Value(from))) or
        match::match(p.base, match::m_IntToPtr(match::m_Value(from))))
        return {from, p.offset, p.room};
    auto *const gep = llvm::dyn_cast<llvm::GEPOperator>(p.base);
    if (gep == nullptr) return p;
    llvm::APInt steps{64, 0};
    if (gep->accumulateConstantOffset(layout, steps)) {
        if (steps.abs().ugt(most_bytes_at_once)) return p;
        return {gep->getPointerOperand(), p.offset + steps.getSExtValue(), p.room};
    }
    if (gep->getNumIndices() != 1 or not gep->getSourceElementType()->isIntegerTy(8)) return p;
    const place next = step_over(p, gep->getPointerOperand(), gep->getOperand(1), layout);
    return next.base == nullptr ? p : next;
}

place place_of(llvm::Value *address, const llvm::DataLayout &layout) {
    place p{address, 0};
    for (;;) {
        const place next = step_from(p, layout);
        if (next.base == p.base or std::abs(next.offset) > most_bytes_at_once) return p;
        p = next;
    }
}

/// Frames that are not in memory end with their function.
bool writes_own_frame(const llvm::Instruction &i) {
    const auto *const store = llvm::dyn_cast<llvm::StoreInst>(&i);
    return store != nullptr and store->isSimple() and
           llvm::isa<llvm::AllocaInst>(llvm::getUnderlyingObject(store->getPointerOperand()));
}

/// The check that comes after this one whatever the program does; whether something between them
/// can be seen from outside.
std::optional<memory_check> next_after(const memory_check &check, bool &is_seen_outside) {
    const llvm::BasicBlock *from = check.branch->getParent();
    for (llvm::BasicBlock *block = check.fine(); block != nullptr;
         from = block, block = block->getSingleSuccessor()) {
        const bool is_only_way =
            llvm::all_of(llvm::predecessors(block),
                         [&](const llvm::BasicBlock *p) { return p == from or p == check.ask(); });
        if (not is_only_way) return std::nullopt;
        is_seen_outside |= std::ranges::any_of(*block, [](const llvm::Instruction &i) {
            return i.mayHaveSideEffects() and not writes_own_frame(i);
        });
        if (auto next = check_in(*block)) return next;
    }
    return std::nullopt;
}

}  // namespace

void add_spans(const run_of_checks &run, spans &to) {
    for (const auto &[check, at] : run) {
        const int64_t end = at.offset + at.room + static_cast<int64_t>(check.size());
        const auto same = std::ranges::find(to, at.base, &span::base);
        if (same == to.end()) {
            to.push_back({at.base, at.offset, end});
            continue;
        }
        same->begin = std::min(same->begin, at.offset);
        same->end = std::max(same->end, end);
    }
}

bool are_small(const spans &all) {
    return std::ranges::all_of(all,
                               [](const span &s) { return s.end - s.begin <= most_bytes_at_once; });
}

llvm::Value *address_of(llvm::IRBuilderBase &b, const placed_check &one) {
    const place &at = one.at;
    if (not at.is_exact()) return one.check.address();
    llvm::Value *const base =
        at.base->getType()->isPointerTy() ? b.CreatePtrToInt(at.base, b.getInt64Ty()) : at.base;
    return b.CreateAdd(base, b.getInt64(static_cast<uint64_t>(at.offset)));
}

llvm::Value *are_in_input(llvm::IRBuilderBase &b, const spans &all) {
    llvm::Value *together = b.getTrue();
    for (const span &s : all) {
        llvm::Value *const bytes = b.getInt64(static_cast<uint64_t>(s.end - s.begin));
        together = b.CreateAnd(together, is_in_input(b, s.base, s.begin, bytes));
    }
    return together;
}

llvm::BasicBlock *failing_successor(const memory_check &check) {
    const auto *const answer = llvm::dyn_cast<llvm::BranchInst>(check.ask()->getTerminator());
    if (answer == nullptr or not answer->isConditional()) return nullptr;
    llvm::BasicBlock *const a = answer->getSuccessor(0);
    llvm::BasicBlock *const b = answer->getSuccessor(1);
    if ((a == check.fine()) == (b == check.fine())) return nullptr;
    return a == check.fine() ? b : a;
}

bool is_known_at(const llvm::Value *v, const llvm::Instruction *at,
                 const llvm::DominatorTree &tree) {
    const auto *const i = llvm::dyn_cast<llvm::Instruction>(v);
    return i == nullptr or tree.dominates(i, at);
}

std::vector<run_of_checks> run_finder::find() {
    // What dominates others comes before them.
    for (llvm::BasicBlock *const block : llvm::ReversePostOrderTraversal{&fn_}) {
        const auto first = check_in(*block);
        if (first and not seen_.contains(first->branch)) find_from(*first);
    }
    return std::move(found_);
}

/// Runs of checks from `first` on, as far as there is but one way.
void run_finder::find_from(const memory_check &first) {
    run_of_checks now;
    const auto close = [&] {
        if (not now.empty()) found_.push_back(std::move(now));
        now = {};
    };
    std::optional<memory_check> check = first;
    while (check and seen_.insert(check->branch).second) {
        if (not can_join(now, *check)) close();
        if (not now.empty() or can_join(now, *check))
            now.push_back({*check, place_of(check->address(), layout_)});
        bool is_seen_outside = false;
        check = next_after(*check, is_seen_outside);
        if (is_seen_outside) close();
    }
    close();
}

/// Whether the check can be made where the first of the run is.
bool run_finder::can_join(const run_of_checks &run, const memory_check &check) {
    llvm::BasicBlock *const fails = failing_successor(check);
    if (fails == nullptr or not check.call->hasOneUse() or
        llvm::isa<llvm::PHINode>(check.fine()->front()))
        return false;
    llvm::Instruction *const at = run.empty() ? check.branch : run.front().check.branch;
    const place where = place_of(check.address(), layout_);
    return bring(where.base, at, most_operations) and
           (where.is_exact() or bring(check.address(), at, most_operations)) and
           bring(check.call->getArgOperand(3), at, 1) and
           std::ranges::all_of(fails->phis(), [&](const llvm::PHINode &phi) {
               return is_known_at(phi.getIncomingValueForBlock(check.ask()), at, tree_);
           });
}

/// Moves what computes `v` before `at`, unless `v` is known there. False if that cannot be.
bool run_finder::bring(llvm::Value *v, llvm::Instruction *at, unsigned operations) {
    if (is_known_at(v, at, tree_)) return true;
    auto *const i = llvm::cast<llvm::Instruction>(v);
    const bool is_simple = llvm::isa<llvm::GetElementPtrInst>(i) or
                           llvm::isa<llvm::BinaryOperator>(i) or llvm::isa<llvm::CastInst>(i);
    if (operations == 0 or not is_simple or not llvm::isSafeToSpeculativelyExecute(i)) return false;
    if (not std::ranges::all_of(i->operands(), [&](const llvm::Use &operand) {
            return bring(operand.get(), at, operations - 1);
        }))
        return false;
    i->moveBefore(at);
    // What was known of it where it was need not be so here.
    i->dropPoisonGeneratingAnnotations();
    return true;
}

}  // namespace bpftime::vm::llvm_jit
