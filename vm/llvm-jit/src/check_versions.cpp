// bpftime-vm: code that makes a memory check for what follows, or else as it goes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "check_versions.hpp"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>
#include <llvm/Transforms/Utils/Cloning.h>
#include <llvm/Transforms/Utils/SSAUpdater.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace bpftime::vm::llvm_jit {

namespace {

/// Regions of a function that get a second version. Each costs a new dominator tree.
constexpr unsigned most_versions = 16;
/// Runs of checks that one is made for at most.
constexpr std::size_t most_runs = 64;
/// Instructions that are worth having twice: for each comparison that is not made, in one region,
/// in all of them.
constexpr std::size_t instructions_per_check = 32;
constexpr std::size_t most_instructions = 400;
constexpr std::size_t most_in_all = 800;

/// Blocks, in an order that does not depend on where they are in memory.
class region {
public:
    [[nodiscard]] bool contains(const llvm::BasicBlock *block) const {
        return known_.contains(block);
    }
    void add(llvm::BasicBlock *block) {
        if (known_.insert(block).second) blocks_.push_back(block);
    }
    [[nodiscard]] const std::vector<llvm::BasicBlock *> &blocks() const { return blocks_; }
    /// Those that are not checks.
    [[nodiscard]] std::size_t instructions() const {
        std::size_t n = 0;
        for (llvm::BasicBlock *const block : blocks_) n += size_without_check(*block);
        return n;
    }

private:
    std::vector<llvm::BasicBlock *> blocks_;
    std::set<const llvm::BasicBlock *> known_;
};

/// What the first of some runs can check for others.
struct version {
    std::vector<run_of_checks> covered;  ///< parts of runs behind the first
    spans together;
    region code;  ///< from behind the first check to the last
};

class version_maker {
public:
    version_maker(llvm::Function &fn, llvm::DominatorTree &tree, llvm::LoopInfo &loops,
                  counters &counted)
        : fn_{fn}, tree_{tree}, loops_{loops}, counted_{counted} {}

    /// The runs that are still checked.
    std::vector<run_of_checks> make() {
        split_blocks();
        find_runs();
        for (unsigned made = 0; made < most_versions and make_next(); ++made) find_runs();
        return std::move(runs_);
    }

private:
    /// Whether the loop has a second version itself, and is not the one that is optimised.
    static bool is_rare(const llvm::Loop *loop) {
        return loop != nullptr and llvm::getBooleanLoopAttribute(loop, "llvm.loop.unroll.disable");
    }

    /// A block ends where it has accessed what was checked. What comes after the last access of a
    /// region is not in it then: it is not there twice, and can be the base of checks behind it.
    void split_blocks() {
        std::vector<llvm::Instruction *> behind;
        for (llvm::BasicBlock &block : fn_) {
            const auto check = check_in(block);
            if (not check) continue;
            const auto *const address = llvm::dyn_cast<llvm::PtrToIntInst>(check->address());
            if (address == nullptr) continue;
            const auto access = llvm::find_if(*check->fine(), [&](const llvm::Instruction &i) {
                return llvm::getLoadStorePointerOperand(&i) == address->getPointerOperand();
            });
            if (access != check->fine()->end() and not access->getNextNode()->isTerminator())
                behind.push_back(access->getNextNode());
        }
        for (llvm::Instruction *const i : behind)
            llvm::SplitBlock(i->getParent(), i, &tree_, &loops_);
    }

    /// What the code behind a region works with has other names once there are two versions of it.
    void find_runs() {
        runs_ = run_finder{fn_, tree_}.find();
        std::erase_if(runs_, [&](const run_of_checks &run) {
            return rare_.contains(run.front().check.branch->getParent());
        });
    }

    bool make_next() {
        for (std::size_t first = 0; first < runs_.size(); ++first) {
            if (not tried_.insert(runs_[first].front().check.branch).second or
                is_rare(loops_.getLoopFor(block_of(first))))
                continue;
            const auto found = find(first);
            if (not found or instructions_ + found->code.instructions() > most_in_all) continue;
            instructions_ += found->code.instructions();
            make(first, *found);
            return true;
        }
        return false;
    }

    [[nodiscard]] llvm::BasicBlock *block_of(std::size_t run) const {
        return runs_[run].front().check.branch->getParent();
    }

    /// Runs that the first one of can check, too, if that saves anything.
    std::optional<version> find(std::size_t first) {
        version v;
        add_spans(runs_[first], v.together);
        if (not are_small(v.together) or not reach_back(runs_[first], first, v.code))
            return std::nullopt;
        std::size_t comparisons = v.together.size();
        for (run_of_checks &one : behind(first)) {
            spans with = v.together;
            add_spans(one, with);
            region code = v.code;
            if (not are_small(with) or not reach_back(one, first, code)) continue;
            spans alone;
            add_spans(one, alone);
            comparisons += alone.size();
            v.together = std::move(with);
            v.code = std::move(code);
            v.covered.push_back(std::move(one));
        }
        const std::size_t saved = comparisons - v.together.size();
        if (saved == 0 or v.code.instructions() > saved * instructions_per_check)
            return std::nullopt;
        return v;
    }

    /// What of the runs behind the first, in the same round of a loop, is at bases that are known
    /// there and that more than one run has.
    [[nodiscard]] std::vector<run_of_checks> behind(std::size_t first) const {
        const llvm::BranchInst *const at = runs_[first].front().check.branch;
        std::vector<run_of_checks> all;
        std::map<const llvm::Value *, unsigned> runs_at;
        for (const llvm::Value *const base : bases_of(runs_[first])) ++runs_at[base];
        const std::size_t end = std::min(runs_.size(), first + most_runs);
        for (std::size_t i = first + 1; i < end; ++i) {
            if (not tree_.properlyDominates(block_of(first), block_of(i)) or
                loops_.getLoopFor(block_of(first)) != loops_.getLoopFor(block_of(i)))
                continue;
            run_of_checks known = runs_[i];
            std::erase_if(known, [&](const placed_check &one) {
                return not is_known_at(one.at.base, at, tree_);
            });
            for (const llvm::Value *const base : bases_of(known)) ++runs_at[base];
            all.push_back(std::move(known));
        }
        for (run_of_checks &one : all) {
            std::erase_if(one, [&](const placed_check &c) { return runs_at.at(c.at.base) < 2; });
        }
        std::erase_if(all, [](const run_of_checks &one) { return one.empty(); });
        return all;
    }

    static std::set<const llvm::Value *> bases_of(const run_of_checks &run) {
        std::set<const llvm::Value *> bases;
        for (const placed_check &one : run) bases.insert(one.at.base);
        return bases;
    }

    /// Whether the block does not end a round of its loop.
    [[nodiscard]] bool is_left_forwards(llvm::BasicBlock &block) const {
        return llvm::none_of(llvm::successors(&block), [&](const llvm::BasicBlock *next) {
            return loops_.isLoopHeader(next);
        });
    }

    /// Adds the blocks that lead from the first run to behind these checks. False if there are
    /// loops or too many.
    bool reach_back(const run_of_checks &checks, std::size_t first, region &to) const {
        std::vector<llvm::BasicBlock *> open;
        for (const placed_check &one : checks) {
            open.push_back(one.check.branch->getParent());
            if (is_left_forwards(*one.check.fine())) open.push_back(one.check.fine());
        }
        while (not open.empty()) {
            llvm::BasicBlock *const block = open.back();
            open.pop_back();
            if (block == block_of(first) or to.contains(block)) continue;
            if (loops_.isLoopHeader(block) or block->isEHPad() or
                not tree_.dominates(block_of(first), block))
                return false;
            to.add(block);
            for (llvm::BasicBlock *const before : llvm::predecessors(block)) open.push_back(before);
        }
        return to.instructions() <= most_instructions;
    }

    void make(std::size_t first, const version &v) {
        counted_.add(counter::check_merging, runs_[first].size());
        for (const run_of_checks &one : v.covered) counted_.add(counter::check_merging, one.size());
        llvm::BranchInst *const at = runs_[first].front().check.branch;
        llvm::ValueToValueMapTy clones;
        std::vector<llvm::BasicBlock *> rare;
        for (llvm::BasicBlock *const block : v.code.blocks()) {
            llvm::BasicBlock *const clone = llvm::CloneBasicBlock(block, clones, ".checked", &fn_);
            clones[block] = clone;
            rare.push_back(clone);
        }
        // The check itself, for the rare version.
        llvm::BasicBlock *const entry = llvm::BasicBlock::Create(fn_.getContext(), "checked", &fn_);
        llvm::Instruction *const enters = at->clone();
        enters->insertInto(entry, entry->end());
        clones[at->getParent()] = entry;
        rare.push_back(entry);
        llvm::remapInstructionsInBlocks(rare, clones);
        join_exits(v.code, clones);

        llvm::IRBuilder<> b{at};
        llvm::BasicBlock *const fine = runs_[first].front().check.fine();
        note_comparisons(
            *b.CreateCondBr(are_in_input(b, v.together), fine, entry,
                            llvm::MDBuilder{fn_.getContext()}.createLikelyBranchWeights()),
            v.together.size());
        for (llvm::BasicBlock *const next : llvm::successors(at)) {
            if (next != fine) next->removePredecessor(at->getParent());
        }
        drop(runs_[first], at);
        for (const run_of_checks &one : v.covered) drop(one, at);
        rare_.insert(rare.begin(), rare.end());
        at->eraseFromParent();
        tree_.recalculate(fn_);
        name_values(v.code, clones);
    }

    /// What leaves the region also comes from its clone.
    static void join_exits(const region &code, const llvm::ValueToValueMapTy &clones) {
        const auto clone_of = [&](llvm::Value *v) -> llvm::Value * {
            const auto it = clones.find(v);
            return it == clones.end() ? v : static_cast<llvm::Value *>(it->second);
        };
        for (llvm::BasicBlock *const block : code.blocks()) {
            for (llvm::BasicBlock *const exit : llvm::successors(block)) {
                if (code.contains(exit)) continue;
                for (llvm::PHINode &phi : exit->phis()) {
                    phi.addIncoming(clone_of(phi.getIncomingValueForBlock(block)),
                                    llvm::cast<llvm::BasicBlock>(clone_of(block)));
                }
            }
        }
    }

    /// Behind the region its values are what either version has made.
    static void name_values(const region &code, llvm::ValueToValueMapTy &clones) {
        for (llvm::BasicBlock *const block : code.blocks()) {
            for (llvm::Instruction &i : *block) {
                std::vector<llvm::Use *> behind;
                for (llvm::Use &use : i.uses()) {
                    auto *const user = llvm::cast<llvm::Instruction>(use.getUser());
                    const auto *const phi = llvm::dyn_cast<llvm::PHINode>(user);
                    const llvm::BasicBlock *const at =
                        phi == nullptr ? user->getParent() : phi->getIncomingBlock(use);
                    if (not code.contains(at)) behind.push_back(&use);
                }
                if (behind.empty()) continue;
                auto *const clone = llvm::cast<llvm::Instruction>(clones[&i]);
                llvm::SSAUpdater names;
                names.Initialize(i.getType(), i.getName());
                names.AddAvailableValue(block, &i);
                names.AddAvailableValue(clone->getParent(), clone);
                for (llvm::Use *const use : behind) names.RewriteUse(*use);
            }
        }
    }

    /// These checks are not made.
    static void drop(const run_of_checks &checks, const llvm::BranchInst *replaced) {
        for (const placed_check &one : checks) {
            if (one.check.branch == replaced) continue;
            one.check.set_condition(llvm::ConstantInt::getTrue(replaced->getContext()));
        }
    }

    llvm::Function &fn_;
    llvm::DominatorTree &tree_;
    llvm::LoopInfo &loops_;
    counters &counted_;
    std::vector<run_of_checks> runs_;
    std::set<const llvm::BranchInst *> tried_;  ///< as the first of a region
    std::set<const llvm::BasicBlock *> rare_;   ///< that make each check
    std::size_t instructions_ = 0;              ///< that have a second version
};

}  // namespace

std::vector<run_of_checks> make_versions(llvm::Function &fn, llvm::DominatorTree &tree,
                                         llvm::LoopInfo &loops, counters &counted) {
    return version_maker{fn, tree, loops, counted}.make();
}

}  // namespace bpftime::vm::llvm_jit
