// bpftime-vm: the LLVM passes that compiled programs go through
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "optimizer.hpp"

#include "check_merging.hpp"
#include "compiler.hpp"
#include "dead_fields.hpp"
#include "loop_budget.hpp"
#include "memory_checks.hpp"

#include <llvm/Analysis/InlineCost.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/TargetParser/Triple.h>
#include <llvm/Transforms/AggressiveInstCombine/AggressiveInstCombine.h>
#include <llvm/Transforms/IPO/DeadArgumentElimination.h>
#include <llvm/Transforms/IPO/GlobalDCE.h>
#include <llvm/Transforms/IPO/Inliner.h>
#include <llvm/Transforms/IPO/ModuleInliner.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/BDCE.h>
#include <llvm/Transforms/Scalar/CorrelatedValuePropagation.h>
#include <llvm/Transforms/Scalar/DeadStoreElimination.h>
#include <llvm/Transforms/Scalar/DivRemPairs.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/GVN.h>
#include <llvm/Transforms/Scalar/IndVarSimplify.h>
#include <llvm/Transforms/Scalar/JumpThreading.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopDeletion.h>
#include <llvm/Transforms/Scalar/LoopIdiomRecognize.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/LoopRotation.h>
#include <llvm/Transforms/Scalar/LoopUnrollPass.h>
#include <llvm/Transforms/Scalar/SCCP.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimpleLoopUnswitch.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Utils/LCSSA.h>
#include <llvm/Transforms/Utils/LoopSimplify.h>
#include <llvm/Transforms/Vectorize/LoopVectorize.h>
#include <llvm/Transforms/Vectorize/SLPVectorizer.h>
#include <llvm/Transforms/Vectorize/VectorCombine.h>

#include <algorithm>
#include <cassert>
#include <memory>
#include <new>

namespace bpftime::vm::llvm_jit {

namespace {

/// Modules of more instructions get fewer passes: some, and the better register allocator, take
/// more than linear time in the size of a function. What is left for the largest is code generation
/// alone, at about 10 us for an eBPF instruction. Memory checks count, as they become instructions.
constexpr uint64_t most_for_all_passes = 10'000;
constexpr uint64_t most_for_some_passes = 30'000;

llvm::OptimizationLevel pipeline_level(unsigned level) {
    switch (level) {
    case 0: return llvm::OptimizationLevel::O0;
    case 1: return llvm::OptimizationLevel::O1;
    case 2: return llvm::OptimizationLevel::O2;
    default: return llvm::OptimizationLevel::O3;
    }
}

/// The only library functions that loops may be turned into: those that the code is linked with.
llvm::TargetLibraryInfoImpl library_of(const llvm::Triple &triple) {
    llvm::TargetLibraryInfoImpl library{triple};
    library.disableAllFunctions();
    for (const llvm::LibFunc f : {llvm::LibFunc_memcpy, llvm::LibFunc_memmove, llvm::LibFunc_memset,
                                  llvm::LibFunc_memcmp, llvm::LibFunc_bcmp}) {
        library.setAvailable(f);
    }
    return library;
}

/// What straightens the code that the compiler made, where spilled registers are no memory.
void add_simplification(llvm::FunctionPassManager &passes) {
    passes.addPass(llvm::EarlyCSEPass{});
    passes.addPass(llvm::SimplifyCFGPass{});
    passes.addPass(llvm::InstCombinePass{});
}

void add_cleanup(llvm::FunctionPassManager &passes) {
    passes.addPass(llvm::SROAPass{llvm::SROAOptions::ModifyCFG});
    add_simplification(passes);
}

/// Calls of subprograms become their bodies where that pays.
void add_inlining(llvm::ModulePassManager &modules) {
    llvm::ModuleInlinerWrapperPass inliner{llvm::getInlineParams(250)};
    llvm::FunctionPassManager passes;
    add_cleanup(passes);
    inliner.getPM().addPass(llvm::createCGSCCToFunctionPassAdaptor(std::move(passes)));
    modules.addPass(std::move(inliner));
    modules.addPass(llvm::DeadArgumentEliminationPass{});
    modules.addPass(llvm::GlobalDCEPass{});
}

template <typename... Passes>
void add_loop_passes(llvm::FunctionPassManager &functions, bool memory_ssa, Passes... passes) {
    llvm::LoopPassManager loops;
    (loops.addPass(std::move(passes)), ...);
    functions.addPass(llvm::createFunctionToLoopPassAdaptor(std::move(loops), memory_ssa, false));
}

bool has_subprograms(const llvm::Module &module) {
    return std::ranges::any_of(module.functions(), [](const llvm::Function &fn) {
        return fn.hasInternalLinkage() and not fn.isDeclaration();
    });
}

/// Whether `v` is computed from `phi` in the same round by a product of 64 bits, and little else.
bool multiplies(const llvm::Value *v, const llvm::PHINode &phi, const llvm::Loop &loop,
                bool multiplied = false, unsigned depth = 0) {
    constexpr unsigned most_depth = 8;
    if (v == &phi) return multiplied;
    const auto *const i = llvm::dyn_cast<llvm::Instruction>(v);
    if (i == nullptr or depth == most_depth or not loop.contains(i) or llvm::isa<llvm::PHINode>(i))
        return false;
    multiplied |= i->getOpcode() == llvm::Instruction::Mul;
    return std::ranges::any_of(i->operands(), [&](const llvm::Use &operand) {
        return multiplies(operand, phi, loop, multiplied, depth + 1);
    });
}

/// Whether a loop carries several 64-bit values that it multiplies in each round, as the lanes of a
/// hash.
bool has_product_lanes(const llvm::LoopInfo &loops) {
    return std::ranges::any_of(loops.getLoopsInPreorder(), [](const llvm::Loop *loop) {
        const llvm::BasicBlock *const latch = loop->getLoopLatch();
        if (latch == nullptr or not loop->isInnermost()) return false;
        return std::ranges::count_if(loop->getHeader()->phis(), [&](const llvm::PHINode &phi) {
                   return phi.getType()->isIntegerTy(64) and
                          multiplies(phi.getIncomingValueForBlock(latch), phi, *loop);
               }) > 1;
    });
}

/// LLVM's pass, except where it would make loops wait: a vector of 64-bit products takes five times
/// as long as one product, which LLVM 19 does not count.
struct slp_pass : llvm::PassInfoMixin<slp_pass> {
    static llvm::PreservedAnalyses run(llvm::Function &fn,
                                       llvm::FunctionAnalysisManager &analyses) {
        if (has_product_lanes(analyses.getResult<llvm::LoopAnalysis>(fn)))
            return llvm::PreservedAnalyses::all();
        return llvm::SLPVectorizerPass{}.run(fn, analyses);
    }
};

/// Takes budget and memory checks out of what is run often. What is not done any more is gone
/// before other passes look at the shape of the code.
class own_passes : public llvm::PassInfoMixin<own_passes> {
public:
    explicit own_passes(counters &counted) : counted_{&counted} {}

    llvm::PreservedAnalyses run(llvm::Function &fn, llvm::FunctionAnalysisManager &analyses) {
        const auto changes = [&](const llvm::PreservedAnalyses &kept) {
            if (kept.areAllPreserved()) return false;
            analyses.invalidate(fn, kept);
            return true;
        };
        // What was inlined loads what others get as arguments.
        if (fn.getName() == main_symbol) name_input_by_arguments(fn);
        const bool has_versions =
            not fn.hasOptSize() and changes(loop_budget_pass{*counted_}.run(fn, analyses));
        const bool has_merged = changes(check_merging_pass{*counted_}.run(fn, analyses));
        assert(not llvm::verifyFunction(fn, &llvm::errs()));
        if (has_versions or has_merged) llvm::SimplifyCFGPass{}.run(fn, analyses);
        return llvm::PreservedAnalyses::none();
    }

private:
    counters *counted_;
};

/// The passes of LLVM's own pipeline that make a difference for code which a compiler has already
/// optimised once, each as often as it does. Whole programs are small, so that the time goes into
/// how many passes there are. For size without those that copy code, or make vectors of it.
llvm::FunctionPassManager optimizing_passes(const optimizing &how, counters &counted) {
    const auto level = static_cast<int>(how.level);
    const bool copies = not how.for_size;
    llvm::FunctionPassManager passes;
    passes.addPass(llvm::LoopSimplifyPass{});
    passes.addPass(llvm::LCSSAPass{});
    passes.addPass(own_passes{counted});

    add_loop_passes(passes, true, llvm::LoopRotatePass{copies}, llvm::LICMPass{llvm::LICMOptions{}},
                    llvm::SimpleLoopUnswitchPass{copies and level >= 3});
    passes.addPass(llvm::SimplifyCFGPass{});
    // Finds what machines have instructions for, as population counts.
    passes.addPass(llvm::AggressiveInstCombinePass{});
    add_loop_passes(passes, false, llvm::LoopIdiomRecognizePass{}, llvm::IndVarSimplifyPass{},
                    llvm::LoopDeletionPass{}, llvm::LoopFullUnrollPass{level});
    passes.addPass(llvm::SROAPass{llvm::SROAOptions::ModifyCFG});
    passes.addPass(llvm::GVNPass{});
    passes.addPass(llvm::SCCPPass{});
    passes.addPass(llvm::BDCEPass{});
    passes.addPass(llvm::InstCombinePass{});
    passes.addPass(llvm::JumpThreadingPass{});
    passes.addPass(llvm::CorrelatedValuePropagationPass{});
    passes.addPass(llvm::DSEPass{});
    passes.addPass(llvm::SimplifyCFGPass{
        llvm::SimplifyCFGOptions{}.hoistCommonInsts(true).sinkCommonInsts(true)});

    add_loop_passes(passes, false, llvm::LoopRotatePass{copies}, llvm::LoopDeletionPass{});
    if (copies) passes.addPass(llvm::LoopVectorizePass{});
    passes.addPass(llvm::InstCombinePass{});
    passes.addPass(llvm::SimplifyCFGPass{llvm::SimplifyCFGOptions{}
                                             .forwardSwitchCondToPhi(true)
                                             .convertSwitchRangeToICmp(true)
                                             .convertSwitchToLookupTable(true)
                                             .needCanonicalLoops(false)
                                             .hoistCommonInsts(true)
                                             .sinkCommonInsts(true)});
    if (copies) passes.addPass(slp_pass{});
    passes.addPass(llvm::VectorCombinePass{});
    if (copies) passes.addPass(llvm::LoopUnrollPass{llvm::LoopUnrollOptions{level}});
    passes.addPass(llvm::SROAPass{llvm::SROAOptions::PreserveCFG});
    add_loop_passes(passes, true, llvm::LICMPass{llvm::LICMOptions{}});
    passes.addPass(llvm::DivRemPairsPass{});
    passes.addPass(llvm::SimplifyCFGPass{
        llvm::SimplifyCFGOptions{}.convertSwitchRangeToICmp(true).speculateBlocks(true)});
    passes.addPass(slice_sign_pass{});
    return passes;
}

/// From what is before a jump table to what is behind it: passes look at each way.
uint64_t ways_through_tables(const llvm::Module &module) {
    uint64_t ways = 0;
    for (const llvm::Function &fn : module.functions()) {
        for (const llvm::BasicBlock &block : fn) {
            const auto *const jump = llvm::dyn_cast<llvm::SwitchInst>(block.getTerminator());
            if (jump != nullptr) ways += uint64_t{llvm::pred_size(&block)} * jump->getNumCases();
        }
    }
    return ways;
}

}  // namespace

uint64_t size_of(const llvm::Module &module) {
    return module.getInstructionCount() + ways_through_tables(module);
}

unsigned level_for(unsigned wanted, uint64_t size) noexcept {
    if (size > most_for_some_passes) return 0;
    if (size > most_for_all_passes) return std::min(wanted, 1U);
    return wanted;
}

namespace {

/// The passes and what they know of a module.
struct pipeline {
    llvm::PassInstrumentationCallbacks watchers;
    llvm::LoopAnalysisManager loops;
    llvm::FunctionAnalysisManager functions;
    llvm::CGSCCAnalysisManager call_graph;
    llvm::ModuleAnalysisManager modules;
    llvm::ModulePassManager passes;

    pipeline(const llvm::Module &module, llvm::TargetMachine &machine, const optimizing &how,
             counters &counted) {
        if (how.until != no_deadline) {
            watchers.registerShouldRunOptionalPassCallback([until = how.until](auto &&...) {
                return std::chrono::steady_clock::now() < until;
            });
        }
        llvm::PassBuilder builder{&machine, {}, {}, &watchers};
        functions.registerPass(
            [&] { return llvm::TargetLibraryAnalysis{library_of(machine.getTargetTriple())}; });
        builder.registerModuleAnalyses(modules);
        builder.registerCGSCCAnalyses(call_graph);
        builder.registerFunctionAnalyses(functions);
        builder.registerLoopAnalyses(loops);
        builder.crossRegisterProxies(loops, functions, call_graph, modules);
        if (how.level == 0) {
            passes = builder.buildO0DefaultPipeline(pipeline_level(how.level));
        } else if (how.level == 1) {
            passes.addPass(builder.buildPerModuleDefaultPipeline(pipeline_level(how.level)));
        } else {
            llvm::FunctionPassManager cleanup;
            cleanup.addPass(llvm::SROAPass{llvm::SROAOptions::ModifyCFG});
            cleanup.addPass(dead_fields_pass{counted});
            add_simplification(cleanup);
            passes.addPass(llvm::createModuleToFunctionPassAdaptor(std::move(cleanup)));
            if (has_subprograms(module)) add_inlining(passes);
            passes.addPass(
                llvm::createModuleToFunctionPassAdaptor(optimizing_passes(how, counted)));
        }
    }
};

/// Passes and code generation go by the attributes of functions.
void prefer_size(llvm::Module &module) {
    for (llvm::Function &fn : module.functions()) {
        if (fn.isDeclaration()) continue;
        fn.addFnAttr(llvm::Attribute::OptimizeForSize);
        fn.addFnAttr(llvm::Attribute::MinSize);
    }
}

}  // namespace

void optimize(llvm::Module &module, llvm::TargetMachine &machine, const optimizing &how,
              counters &counted) {
    if (how.for_size) prefer_size(module);
    auto all = std::make_unique<pipeline>(module, machine, how, counted);
    try {
        all->passes.run(module, all->modules);
    } catch (const std::bad_alloc &) {
        static_cast<void>(all.release());  // half done, as what generate_native_code() leaves
        throw;
    }
}

}  // namespace bpftime::vm::llvm_jit
