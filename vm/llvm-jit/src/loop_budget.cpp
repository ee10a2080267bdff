// bpftime-vm: loops that pay for all their rounds before the first
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "loop_budget.hpp"

#include "compat/run.hpp"
#include "host_functions.hpp"
#include "loop_reach.hpp"

#include <llvm/Analysis/DomTreeUpdater.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Analysis/TargetTransformInfo.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PatternMatch.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/Cloning.h>
#include <llvm/Transforms/Utils/Local.h>
#include <llvm/Transforms/Utils/LoopUtils.h>
#include <llvm/Transforms/Utils/ScalarEvolutionExpander.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace bpftime::vm::llvm_jit {

namespace {

/// Loops of one function that get a second version. Each costs a new dominator tree.
constexpr std::size_t most_loops = 64;
/// Instructions of a loop that is worth having twice, without its memory checks.
constexpr std::size_t most_instructions = 128;
/// How much computing the number of rounds may cost, as LLVM counts it.
constexpr unsigned most_expansion_cost = 16;

/// Where a loop pays for a round: the branch that goes to the refill when the slice is spent.
struct charge {
    llvm::BranchInst *branch;
    unsigned spent_successor;
    uint64_t units;
};

/// A loop that can pay in advance.
struct candidate {
    std::vector<charge> charges;
    llvm::PHINode *slice;  ///< what is left of it, in the loop's header
    known_rounds rounds;
    loop_checks checked;
};

/// The refill that this block begins with.
llvm::CallInst *refill_in(llvm::BasicBlock &block) {
    for (llvm::Instruction &i : block) {
        auto *const call = llvm::dyn_cast<llvm::CallInst>(&i);
        if (call == nullptr) continue;
        return is_call_of(*call, rare_function::refill) ? call : nullptr;
    }
    return nullptr;
}

std::optional<charge> charge_in(llvm::BasicBlock &block) {
    auto *const branch = llvm::dyn_cast<llvm::BranchInst>(block.getTerminator());
    if (branch == nullptr or not branch->isConditional()) return std::nullopt;
    for (const unsigned s : {0U, 1U}) {
        const llvm::CallInst *const refill = refill_in(*branch->getSuccessor(s));
        if (refill == nullptr) continue;
        const auto *const units = llvm::dyn_cast<llvm::ConstantInt>(refill->getArgOperand(2));
        if (units != nullptr) return charge{branch, s, units->getZExtValue()};
    }
    return std::nullopt;
}

/// Whether the branch asks if `left`, which it pays with, is negative.
bool compares_sign(const charge &paying, const llvm::Value *left) {
    namespace match = llvm::PatternMatch;
    llvm::CmpInst::Predicate predicate{};
    const bool is_refilled =
        refill_in(*paying.branch->getSuccessor(paying.spent_successor))->getArgOperand(1) == left;
    if (not is_refilled or paying.spent_successor != 1) return false;
    llvm::Value *const condition = paying.branch->getCondition();
    if (match::match(condition,
                     match::m_ICmp(predicate, match::m_Specific(left), match::m_AllOnes())))
        return predicate == llvm::CmpInst::ICMP_SGT;
    return match::match(condition,
                        match::m_ICmp(predicate, match::m_Specific(left), match::m_Zero())) and
           predicate == llvm::CmpInst::ICMP_SGE;
}

/// What is left of the slice: the phi of the loop's header that `paying` compares, or has
/// subtracted from.
llvm::PHINode *slice_of(const llvm::Loop &loop, const charge &paying) {
    auto *const compared = llvm::dyn_cast<llvm::ICmpInst>(paying.branch->getCondition());
    if (compared == nullptr) return nullptr;
    for (llvm::Value *operand : compared->operands()) {
        auto *const i = llvm::dyn_cast<llvm::Instruction>(operand);
        if (i == nullptr) continue;
        llvm::Value *const from =
            i->getOpcode() == llvm::Instruction::Add or i->getOpcode() == llvm::Instruction::Sub
                ? i->getOperand(0)
                : i;
        auto *const phi = llvm::dyn_cast<llvm::PHINode>(from);
        if (phi != nullptr and phi->getParent() == loop.getHeader() and
            phi->getType()->isIntegerTy(64))
            return phi;
    }
    return nullptr;
}

class versioner {
public:
    versioner(llvm::Function &fn, llvm::FunctionAnalysisManager &analyses)
        : fn_{fn},
          loops_{analyses.getResult<llvm::LoopAnalysis>(fn)},
          tree_{analyses.getResult<llvm::DominatorTreeAnalysis>(fn)},
          evolution_{analyses.getResult<llvm::ScalarEvolutionAnalysis>(fn)},
          costs_{analyses.getResult<llvm::TargetIRAnalysis>(fn)},
          expander_{evolution_, fn.getParent()->getDataLayout(), "rounds"},
          reaches_{evolution_, tree_, costs_, expander_} {}

    bool run(counters &counted) {
        std::vector<llvm::Loop *> innermost;
        for (llvm::Loop *const loop : loops_.getLoopsInPreorder()) {
            if (loop->isInnermost()) innermost.push_back(loop);
        }
        std::size_t made = 0;
        for (llvm::Loop *const loop : innermost) {
            if (made == most_loops) break;
            const auto found = find(*loop);
            if (not found) continue;
            make(*loop, *found);
            counted.add(counter::check_merging, found->checked.checks.size());
            ++made;
        }
        counted.add(counter::loop_budgets, made);
        return made != 0;
    }

private:
    std::optional<candidate> find(llvm::Loop &loop) {
        if (not loop.isLoopSimplifyForm() or not loop.isLCSSAForm(tree_)) return std::nullopt;
        if (size_of(loop) > most_instructions) return std::nullopt;

        candidate c{.charges = {}, .slice = nullptr, .rounds = {}, .checked = {}};
        for (llvm::BasicBlock *const block : loop.blocks()) {
            if (const auto paying = charge_in(*block)) {
                llvm::PHINode *const slice = slice_of(loop, *paying);
                if (slice == nullptr or (c.slice != nullptr and c.slice != slice))
                    return std::nullopt;
                c.slice = slice;
                c.charges.push_back(*paying);
            } else if (c.rounds.count == nullptr and loop.isLoopExiting(block) and
                       refill_in(*block) == nullptr) {
                c.rounds = rounds_until(loop, *block);
            }
        }
        if (c.charges.empty() or c.rounds.count == nullptr) return std::nullopt;
        c.checked = reaches_.find(loop, c.rounds);
        return c;
    }

    static std::size_t size_of(const llvm::Loop &loop) {
        std::size_t size = 0;
        for (llvm::BasicBlock *const block : loop.blocks()) size += size_without_check(*block);
        return size;
    }

    /// How often the loop goes on at most before it ends at `exiting`; no count if that is not
    /// known in advance, or dear to know.
    known_rounds rounds_until(llvm::Loop &loop, llvm::BasicBlock &exiting) {
        const llvm::SCEV *const count = evolution_.getExitCount(&loop, &exiting);
        if (llvm::isa<llvm::SCEVCouldNotCompute>(count))
            return {bound_of(loop, exiting), &exiting, false};
        if (count->getType()->getIntegerBitWidth() > 64) return {};
        const llvm::Instruction *const at = loop.getLoopPreheader()->getTerminator();
        if (not expander_.isSafeToExpandAt(count, at) or
            expander_.isHighCostExpansion(count, &loop, most_expansion_cost, &costs_, at))
            return {};
        return {count, &exiting, true};
    }

    /// The same as a constant, where the number itself depends on data: a word has 64 bits that can
    /// be shifted out or cleared.
    const llvm::SCEV *bound_of(llvm::Loop &loop, llvm::BasicBlock &exiting) {
        constexpr uint64_t most_rounds = 1024;
        if (clears_bits(loop, exiting))
            return evolution_.getConstant(llvm::Type::getInt64Ty(fn_.getContext()), 64);
        const auto *const count = llvm::dyn_cast<llvm::SCEVConstant>(
            evolution_.getExitCount(&loop, &exiting, llvm::ScalarEvolution::ConstantMaximum));
        return count != nullptr and count->getAPInt().ule(most_rounds) ? count : nullptr;
    }

    /// Whether the loop goes on while x &= x - 1 leaves a bit: asked in each round.
    bool clears_bits(llvm::Loop &loop, llvm::BasicBlock &exiting) const {
        if (not tree_.dominates(&exiting, loop.getLoopLatch())) return false;
        namespace match = llvm::PatternMatch;
        llvm::Value *left = nullptr;
        llvm::Value *x = nullptr;
        llvm::CmpInst::Predicate predicate{};
        if (not match::match(
                exiting.getTerminator(),
                match::m_Br(match::m_ICmp(predicate, match::m_Value(left), match::m_Zero()),
                            match::m_BasicBlock(), match::m_BasicBlock())) or
            not llvm::ICmpInst::isEquality(predicate) or
            not match::match(left,
                             match::m_c_And(match::m_Add(match::m_Value(x), match::m_AllOnes()),
                                            match::m_Deferred(x))))
            return false;
        const bool goes_on_at_zero = predicate == llvm::CmpInst::ICMP_EQ
                                         ? loop.contains(exiting.getTerminator()->getSuccessor(0))
                                         : loop.contains(exiting.getTerminator()->getSuccessor(1));
        const auto *const phi = llvm::dyn_cast<llvm::PHINode>(x);
        return phi != nullptr and phi->getParent() == loop.getHeader() and not goes_on_at_zero and
               phi->getIncomingValueForBlock(loop.getLoopLatch()) == left;
    }

    /// How often the loop goes on, but no more often than a slice can pay for: fewer rounds do not
    /// overflow what is computed from them.
    llvm::Value *count_of(const candidate &c, llvm::Instruction *at) {
        llvm::IRBuilder<> b{at};
        const llvm::SCEV *const count = c.rounds.count;
        llvm::Value *const rounds =
            b.CreateZExt(expander_.expandCodeFor(count, count->getType(), at), b.getInt64Ty());
        return b.CreateBinaryIntrinsic(llvm::Intrinsic::umin, rounds,
                                       b.getInt64(compat::budget::slice_units));
    }

    /// What all rounds cost, as long as that is no more than a slice can hold; else more.
    static llvm::Value *price_of(const candidate &c, llvm::Value *count, llvm::Instruction *at) {
        uint64_t units = 0;
        for (const charge &paying : c.charges) units = std::max(units, paying.units);
        llvm::IRBuilder<> b{at};
        return b.CreateMul(count, b.getInt64(units), "price", true, true);
    }

    /// The branch before the loop that pays for what was before it, if nothing but phis is between:
    /// it ends in `asks`, or asks for a refill and then does.
    std::optional<charge> charge_before(const candidate &c, llvm::BasicBlock &asks) {
        const auto *const slice =
            llvm::dyn_cast<llvm::PHINode>(c.slice->getIncomingValueForBlock(&asks));
        if (slice == nullptr or slice->getParent() != &asks or slice->getNumIncomingValues() != 2)
            return std::nullopt;
        for (llvm::BasicBlock *const from : slice->blocks()) {
            const auto paying = charge_in(*from);
            if (not paying or paying->branch->getSuccessor(1 - paying->spent_successor) != &asks)
                continue;
            const llvm::BasicBlock *const refills =
                paying->branch->getSuccessor(paying->spent_successor);
            if (slice->getBasicBlockIndex(refills) < 0 or refills->getSinglePredecessor() != from or
                not compares_sign(*paying, slice->getIncomingValueForBlock(from)))
                continue;
            if (loops_.getLoopFor(from) != loops_.getLoopFor(&asks)) continue;
            if (not expander_.isSafeToExpandAt(c.rounds.count, paying->branch)) continue;
            return paying;
        }
        return std::nullopt;
    }

    /// Whether the slice pays for the loop, asked together with whether it pays for what is before
    /// it: one comparison where it does.
    llvm::Value *pays_for_both(const charge &before, const candidate &c, llvm::Value *price,
                               llvm::BasicBlock &asks) {
        llvm::BasicBlock *const first = before.branch->getParent();
        llvm::BasicBlock *const refills = before.branch->getSuccessor(before.spent_successor);
        const auto *const slice =
            llvm::cast<llvm::PHINode>(c.slice->getIncomingValueForBlock(&asks));
        llvm::LLVMContext &context = fn_.getContext();
        llvm::BasicBlock *const second =
            llvm::BasicBlock::Create(context, "pays_once", &fn_, refills);
        if (llvm::Loop *const around = loops_.getLoopFor(first))
            around->addBasicBlockToLoop(second, loops_);
        llvm::Value *const left = slice->getIncomingValueForBlock(first);
        llvm::IRBuilder<> b{before.branch};
        // Neither the price nor what is left is so large that its sign is lost.
        b.CreateCondBr(b.CreateICmpSGE(left, price), &asks, second,
                       llvm::MDBuilder{context}.createLikelyBranchWeights());
        before.branch->removeFromParent();
        before.branch->insertInto(second, second->end());
        refills->replacePhiUsesWith(first, second);
        for (llvm::PHINode &phi : asks.phis())
            phi.addIncoming(phi.getIncomingValueForBlock(first), second);
        b.SetInsertPoint(refills->getTerminator());
        llvm::Value *const refilled =
            b.CreateICmpSGE(slice->getIncomingValueForBlock(refills), price);
        b.SetInsertPoint(&asks, asks.begin());
        llvm::PHINode *const pays = b.CreatePHI(b.getInt1Ty(), 3, "pays");
        pays->addIncoming(b.getTrue(), first);
        pays->addIncoming(b.getFalse(), second);
        pays->addIncoming(refilled, refills);
        return pays;
    }

    llvm::BasicBlock *new_block_before(llvm::BasicBlock &where, const char *name) {
        llvm::BasicBlock *const block =
            llvm::BasicBlock::Create(fn_.getContext(), name, &fn_, &where);
        if (llvm::Loop *const around = loops_.getLoopFor(&where))
            around->addBasicBlockToLoop(block, loops_);
        return block;
    }

    void make(llvm::Loop &loop, const candidate &c) {
        llvm::BasicBlock *const asks = loop.getLoopPreheader();
        const auto before = charge_before(c, *asks);
        llvm::Instruction *const at = before ? before->branch : asks->getTerminator();
        llvm::Value *const count = count_of(c, at);
        llvm::Value *const price = price_of(c, count, at);
        llvm::Value *const slice = c.slice->getIncomingValueForBlock(asks);
        llvm::Value *const pays =
            before ? pays_for_both(*before, c, price, *asks)
                   : llvm::IRBuilder<>{asks->getTerminator()}.CreateICmpULE(price, slice);
        llvm::Value *const reaches =
            reaches_.are_in_input(c.checked.reaches, count, asks->getTerminator());

        llvm::BasicBlock *const slow_entry = llvm::SplitBlock(asks, asks->getTerminator(), &tree_,
                                                              &loops_, nullptr, "round_by_round");
        llvm::SmallVector<llvm::BasicBlock *, 16> exits;
        loop.getUniqueExitBlocks(exits);
        llvm::ValueToValueMapTy clones;
        llvm::SmallVector<llvm::BasicBlock *, 16> blocks;
        llvm::Loop *const fast = llvm::cloneLoopWithPreheader(slow_entry, asks, &loop, clones,
                                                              ".paid", &loops_, &tree_, blocks);
        llvm::remapInstructionsInBlocks(blocks, clones);
        join_exits(loop, exits, clones);
        for (const charge &paying : c.charges) {
            auto *const branch = llvm::cast<llvm::BranchInst>(clones[paying.branch]);
            llvm::Value *const pays_now = branch->getCondition();
            branch->setCondition(
                llvm::ConstantInt::getBool(fn_.getContext(), paying.spent_successor == 1));
            if (c.rounds.is_likely_reached) charge_before_leaving(*pays_now, *branch, *fast);
        }
        for (const memory_check &check : c.checked.checks) {
            const memory_check clone{llvm::cast<llvm::BranchInst>(clones[check.branch]),
                                     check.ask_successor, nullptr};
            clone.set_condition(llvm::ConstantInt::getTrue(fn_.getContext()));
        }
        leave_alone(loop);
        choose(*asks, *fast->getLoopPreheader(), *slow_entry,
               {.slice = slice, .price = price, .pays = pays, .reaches = reaches},
               *llvm::cast<llvm::PHINode>(clones[c.slice]), *c.slice, c.checked.reaches.size());
        evolution_.forgetAllLoops();
        expander_.clear();
        tree_.recalculate(fn_);
    }

    /// Subtracts what `compares` compares in front of the branch that leaves the loop or goes on to
    /// `charges`, so that the loop ends there: passes that find nothing behind it need not take the
    /// first round apart. What is left at the end is then computed from the number of rounds. Where
    /// that depends on data, the first round is better apart: so loops that count bits are found.
    static void charge_before_leaving(llvm::Value &compares, llvm::BranchInst &charges,
                                      const llvm::Loop &loop) {
        const auto *const compared = llvm::dyn_cast<llvm::ICmpInst>(&compares);
        llvm::BasicBlock *const leaves = charges.getParent()->getSinglePredecessor();
        if (compared == nullptr or leaves == nullptr or not loop.isLoopExiting(leaves)) return;
        auto *const left = llvm::dyn_cast<llvm::BinaryOperator>(compared->getOperand(0));
        if (left == nullptr or left->getParent() != charges.getParent()) return;
        left->moveBefore(leaves->getTerminator());
        llvm::RecursivelyDeleteTriviallyDeadInstructions(&compares);
    }

    /// What decides which version of a loop is run.
    struct decision {
        llvm::Value *slice;
        llvm::Value *price;
        llvm::Value *pays;     ///< whether the slice does
        llvm::Value *reaches;  ///< whether all accesses are inside of what needs no check
    };

    /// From `asks` to the version that has paid, if the slice does, or does when it is topped up.
    void choose(llvm::BasicBlock &asks, llvm::BasicBlock &fast, llvm::BasicBlock &slow,
                const decision &how, llvm::PHINode &fast_slice, llvm::PHINode &slow_slice,
                std::size_t comparisons) {
        llvm::MDNode *const likely = llvm::MDBuilder{fn_.getContext()}.createLikelyBranchWeights();
        const bool is_reached = llvm::isa<llvm::ConstantInt>(how.reaches) and
                                llvm::cast<llvm::ConstantInt>(how.reaches)->isOne();
        llvm::BasicBlock *const lacks = new_block_before(slow, "lacks");
        llvm::BasicBlock *const tops_up = new_block_before(slow, "tops_up");

        llvm::Instruction *const end = asks.getTerminator();
        llvm::IRBuilder<> b{end};
        llvm::BasicBlock *last = &asks;
        llvm::BranchInst *chooses = nullptr;
        if (is_reached) {
            chooses = b.CreateCondBr(how.pays, &fast, lacks, likely);
        } else {
            last = new_block_before(fast, "reaches");
            b.CreateCondBr(how.pays, last, lacks, likely);
            b.SetInsertPoint(last);
            chooses = b.CreateCondBr(how.reaches, &fast, &slow, likely);
        }
        end->eraseFromParent();
        note_comparisons(*chooses, comparisons);

        b.SetInsertPoint(lacks);
        llvm::Value *const helps = b.CreateAnd(
            b.CreateICmpULE(how.price, b.getInt64(compat::budget::slice_units)), how.reaches);
        b.CreateCondBr(helps, tops_up, &slow);
        b.SetInsertPoint(tops_up);
        llvm::Value *const topped =
            call_rarely(b, rare_function::top_up, {fn_.getArg(0), how.slice});
        b.CreateCondBr(b.CreateICmpULE(how.price, topped), &fast, &slow);

        llvm::Type *const word = b.getInt64Ty();
        b.SetInsertPoint(&fast, fast.begin());
        llvm::PHINode *const paid = b.CreatePHI(word, 2, "slice");
        paid->addIncoming(how.slice, last);
        paid->addIncoming(topped, tops_up);
        fast_slice.setIncomingValueForBlock(&fast, paid);
        b.SetInsertPoint(&slow, slow.begin());
        llvm::PHINode *const unpaid = b.CreatePHI(word, 3, "slice");
        unpaid->addIncoming(how.slice, lacks);
        unpaid->addIncoming(topped, tops_up);
        if (not is_reached) unpaid->addIncoming(how.slice, last);
        slow_slice.setIncomingValueForBlock(&slow, unpaid);
    }

    /// The version that pays round by round is the rare one: it is not worth unrolling.
    void leave_alone(llvm::Loop &loop) {
        llvm::LLVMContext &context = fn_.getContext();
        const auto node = [&](llvm::StringRef name, llvm::Metadata *value = nullptr) {
            llvm::SmallVector<llvm::Metadata *, 2> parts{llvm::MDString::get(context, name)};
            if (value != nullptr) parts.push_back(value);
            return llvm::MDNode::get(context, parts);
        };
        llvm::Metadata *const no =
            llvm::ConstantAsMetadata::get(llvm::ConstantInt::getFalse(context));
        llvm::MDNode *const id = llvm::MDNode::getDistinct(
            context,
            {nullptr, node("llvm.loop.unroll.disable"), node("llvm.loop.vectorize.enable", no)});
        id->replaceOperandWith(0, id);
        loop.setLoopID(id);
    }

    /// What leaves the loop now also comes from its clone.
    static void join_exits(const llvm::Loop &loop, llvm::ArrayRef<llvm::BasicBlock *> exits,
                           const llvm::ValueToValueMapTy &clones) {
        const auto clone_of = [&](llvm::Value *v) -> llvm::Value * {
            const auto it = clones.find(v);
            return it == clones.end() ? v : static_cast<llvm::Value *>(it->second);
        };
        for (llvm::BasicBlock *const exit : exits) {
            for (llvm::PHINode &phi : exit->phis()) {
                for (unsigned i = 0, n = phi.getNumIncomingValues(); i < n; ++i) {
                    llvm::BasicBlock *const from = phi.getIncomingBlock(i);
                    if (not loop.contains(from)) continue;
                    phi.addIncoming(clone_of(phi.getIncomingValue(i)),
                                    llvm::cast<llvm::BasicBlock>(clone_of(from)));
                }
            }
        }
    }

    llvm::Function &fn_;
    llvm::LoopInfo &loops_;
    llvm::DominatorTree &tree_;
    llvm::ScalarEvolution &evolution_;
    const llvm::TargetTransformInfo &costs_;
    llvm::SCEVExpander expander_;
    reach_finder reaches_;
};

}  // namespace

llvm::PreservedAnalyses loop_budget_pass::run(llvm::Function &fn,
                                              llvm::FunctionAnalysisManager &analyses) {
    return versioner{fn, analyses}.run(*counted_) ? llvm::PreservedAnalyses::none()
                                                  : llvm::PreservedAnalyses::all();
}

llvm::PreservedAnalyses slice_sign_pass::run(llvm::Function &fn,
                                             llvm::FunctionAnalysisManager & /*analyses*/) {
    namespace match = llvm::PatternMatch;
    bool changed = false;
    for (llvm::BasicBlock &block : fn) {
        const auto paying = charge_in(block);
        if (not paying) continue;
        llvm::Value *slice = nullptr;
        llvm::CmpInst::Predicate predicate{};
        if (not match::match(paying->branch->getCondition(),
                             match::m_ICmp(predicate, match::m_Value(slice),
                                           match::m_SpecificInt(paying->units - 1))) or
            (predicate != llvm::CmpInst::ICMP_SGT and predicate != llvm::CmpInst::ICMP_UGT))
            continue;
        const auto left = std::ranges::find_if(block, [&](llvm::Instruction &i) {
            return match::match(
                &i, match::m_Add(match::m_Specific(slice), match::m_SpecificInt(-paying->units)));
        });
        const llvm::CallInst *const refill =
            refill_in(*paying->branch->getSuccessor(paying->spent_successor));
        if (left == block.end() or refill->getArgOperand(1) != &*left or
            paying->spent_successor != 1)
            continue;
        llvm::IRBuilder<> b{paying->branch};
        llvm::Value *const before = paying->branch->getCondition();
        paying->branch->setCondition(b.CreateICmpSGT(&*left, b.getInt64(~uint64_t{0})));
        llvm::RecursivelyDeleteTriviallyDeadInstructions(before);
        changed = true;
    }
    return changed ? llvm::PreservedAnalyses::none() : llvm::PreservedAnalyses::all();
}

}  // namespace bpftime::vm::llvm_jit
