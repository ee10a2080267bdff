// bpftime-vm: the LLVM passes that compiled programs go through
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "optimizer.hpp"

#include "loop_budget.hpp"

#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/TargetParser/Triple.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Utils/LCSSA.h>
#include <llvm/Transforms/Utils/LoopSimplify.h>

#include <algorithm>

namespace bpftime::vm::llvm_jit {

namespace {

/// Above this, a function is too large for the passes of levels 2 and 3.
constexpr uint32_t most_for_all_passes = 8'000;
/// Above this, for all but the passes that are needed.
constexpr uint32_t most_for_some_passes = 200'000;

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

/// Loops as the analyses like them, and their budgets paid in advance where that can be done.
llvm::FunctionPassManager prepare_loops() {
    llvm::FunctionPassManager passes;
    passes.addPass(llvm::SROAPass{llvm::SROAOptions::ModifyCFG});
    passes.addPass(llvm::EarlyCSEPass{});
    passes.addPass(llvm::SimplifyCFGPass{});
    passes.addPass(llvm::InstCombinePass{});
    passes.addPass(llvm::LoopSimplifyPass{});
    passes.addPass(llvm::LCSSAPass{});
    passes.addPass(loop_budget_pass{});
    return passes;
}

}  // namespace

unsigned level_for(unsigned wanted, uint32_t instructions) noexcept {
    if (instructions > most_for_some_passes) return 0;
    if (instructions > most_for_all_passes) return std::min(wanted, 1U);
    return wanted;
}

void optimize(llvm::Module &module, llvm::TargetMachine &machine, unsigned level) {
    llvm::LoopAnalysisManager loops;
    llvm::FunctionAnalysisManager functions;
    llvm::CGSCCAnalysisManager call_graph;
    llvm::ModuleAnalysisManager modules;
    llvm::PipelineTuningOptions tuning;
    tuning.LoopVectorization = level >= 2;
    tuning.SLPVectorization = level >= 2;
    tuning.LoopInterleaving = level >= 2;
    llvm::PassBuilder builder{&machine, tuning};
    functions.registerPass(
        [&] { return llvm::TargetLibraryAnalysis{library_of(machine.getTargetTriple())}; });
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(call_graph);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, call_graph, modules);
    llvm::ModulePassManager passes;
    if (level == 0) {
        passes = builder.buildO0DefaultPipeline(pipeline_level(level));
    } else {
        if (level >= 2) passes.addPass(llvm::createModuleToFunctionPassAdaptor(prepare_loops()));
        passes.addPass(builder.buildPerModuleDefaultPipeline(pipeline_level(level)));
    }
    passes.run(module, modules);
}

}  // namespace bpftime::vm::llvm_jit
