// bpftime-vm: eBPF to LLVM IR: the module
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compiler.hpp"

#include "function_compiler.hpp"
#include "memory_checks.hpp"
#include "state_words.hpp"

#include <fmt/format.h>
#ifdef __aarch64__
#include <llvm/IR/IntrinsicsAArch64.h>
#else
#include <llvm/IR/IntrinsicsX86.h>
#endif
#include <llvm/IR/MDBuilder.h>

#include <algorithm>

namespace bpftime::vm::llvm_jit {

std::string helper_symbol(uint32_t id) { return fmt::format("bpf_helper_{}", id); }
std::string helper_context_symbol(uint32_t id) { return fmt::format("bpf_helper_context_{}", id); }
std::string helper_binding_symbol(uint32_t id) { return fmt::format("bpf_helper_binding_{}", id); }

llvm::StructType *outcome_type(llvm::LLVMContext &context) {
    llvm::Type *const word = llvm::Type::getInt64Ty(context);
    return llvm::StructType::get(context, {word, word});
}

llvm::FunctionType *function_type(llvm::LLVMContext &context) {
    llvm::Type *const word = llvm::Type::getInt64Ty(context);
    std::vector<llvm::Type *> parameters(3 + max_helper_arguments, word);
    parameters[0] = llvm::PointerType::getUnqual(context);
    return llvm::FunctionType::get(outcome_type(context), parameters, false);
}

// --- what IR for any compiled function needs

code_builder::code_builder(module_parts &parts, llvm::Function &fn)
    : parts_{parts},
      fn_{fn},
      b_{llvm::BasicBlock::Create(fn.getContext(), "", &fn)},
      state_{fn.getArg(0)},
      slice_{fn.getArg(1)},
      frame_{fn.getArg(2)},
      end_run_{new_block("end_run")},
      likely_{llvm::MDBuilder{fn.getContext()}.createLikelyBranchWeights()} {
    const llvm::IRBuilderBase::InsertPointGuard guard{b_};
    b_.SetInsertPoint(end_run_);
    return_outcome(word(0), word(~uint64_t{0}));
}

code_builder::block code_builder::new_block(const char *name) {
    return llvm::BasicBlock::Create(fn_.getContext(), name, &fn_);
}

void code_builder::go_on_if(value condition, block otherwise, const char *name) {
    const block next = new_block(name);
    b_.CreateCondBr(condition, next, otherwise, likely_);
    b_.SetInsertPoint(next);
}

code_builder::value code_builder::charge(value slice, uint32_t units, value pc) {
    const block pays = b_.GetInsertBlock();
    const block refills = new_block("refill");
    const block paid = new_block("paid");
    // Not said to be without overflow: LLVM would compare what was there before with the units,
    // which takes two instructions more than the sign of what is left.
    const value left = b_.CreateSub(slice, word(units));
    b_.CreateCondBr(b_.CreateICmpSGE(left, word(0)), paid, refills, likely_);
    b_.SetInsertPoint(refills);
    const value more =
        call_rarely(b_, rare_function::refill, {state_, left, b_.getInt32(units), pc});
    b_.CreateCondBr(b_.CreateICmpSGE(more, word(0)), paid, end_run_, likely_);
    b_.SetInsertPoint(paid);
    llvm::PHINode *const now = b_.CreatePHI(b_.getInt64Ty(), 2);
    now->addIncoming(left, pays);
    now->addIncoming(more, refills);
    return now;
}

void code_builder::fault(value pc_and_kind, value operand) {
    call_rarely(b_, rare_function::fault, {state_, pc_and_kind, operand});
}

void code_builder::check_depth(value pc_and_kind) {
    if (not parts_.checks_depth) return;
    const block too_deep = new_block("too_deep");
    const value last = state_word(state_word::last_frame);
    go_on_if(b_.CreateICmpNE(frame_, last), too_deep, "deeper");
    const llvm::IRBuilderBase::InsertPointGuard guard{b_};
    b_.SetInsertPoint(too_deep);
    fault(pc_and_kind, word(0));
    b_.CreateBr(end_run_);
}

code_builder::value code_builder::state_word(llvm_jit::state_word which) {
    return load_state_word(b_, state_, which);
}

void code_builder::bar_speculation() {
    using namespace llvm::Intrinsic;
    if (not parts_.input.config.bars_speculation) return;
#ifdef __aarch64__
    constexpr uint32_t non_shareable = 7;
    constexpr uint32_t whole_system = 15;
    b_.CreateIntrinsic(b_.getVoidTy(), aarch64_dsb, {b_.getInt32(non_shareable)});
    b_.CreateIntrinsic(b_.getVoidTy(), aarch64_isb, {b_.getInt32(whole_system)});
#else
    b_.CreateIntrinsic(b_.getVoidTy(), x86_sse2_lfence, {});
#endif
}

void code_builder::return_outcome(value r0, value slice) {
    const value empty = llvm::PoisonValue::get(outcome_type(fn_.getContext()));
    b_.CreateRet(b_.CreateInsertValue(b_.CreateInsertValue(empty, r0, 0), slice, 1));
}

code_builder::value code_builder::call_function(llvm::Function *callee, value slice,
                                                llvm::ArrayRef<value> arguments) {
    std::vector<value> all{state_, slice};
    all.insert(all.end(), arguments.begin(), arguments.end());
    llvm::CallInst *const call = b_.CreateCall(callee, all);
    call->setCallingConv(callee->getCallingConv());
    return call;
}

namespace {

/// callx: a switch over the handles of all functions, once per module.
class value_caller : code_builder {
public:
    value_caller(module_parts &parts, llvm::Function &fn) : code_builder{parts, fn} {}

    void compile() {
        const value target = fn_.getArg(8);
        const value pc = fn_.getArg(9);
        const block helpers = new_block("helper");
        b_.SetInsertPoint(&fn_.getEntryBlock());
        llvm::SwitchInst *const jump = b_.CreateSwitch(target, helpers);
        const program &p = parts_.input.code;
        for (uint32_t f = 0; f < p.functions().size(); ++f) {
            if (parts_.functions[f] == nullptr) continue;
            const block calls = new_block("function");
            jump->addCase(word(code_handle(p.functions()[f].begin)), calls);
            b_.SetInsertPoint(calls);
            bar_speculation();
            call(f, pc);
        }
        b_.SetInsertPoint(helpers);
        call_helper(target, pc);
    }

private:
    void call(uint32_t f, value pc) {
        using compat::fault_kind;
        const value paid = charge(slice_, parts_.input.code.functions()[f].weight, pc);
        const value high = b_.CreateShl(b_.CreateZExt(pc, b_.getInt64Ty()), word(32));
        check_depth(b_.CreateOr(high, word(pack_fault(0, fault_kind::call_depth_exceeded))));
        const uint64_t step = uint64_t{2} * parts_.input.config.stack_size;
        std::vector<value> arguments{b_.CreateSub(frame_, word(step))};
        for (unsigned r = 1; r <= max_helper_arguments; ++r) arguments.push_back(fn_.getArg(2 + r));
        b_.CreateRet(call_function(parts_.functions[f], paid, arguments));
    }

    void call_helper(value target, value pc) {
        llvm::Type *const type = llvm::ArrayType::get(b_.getInt64Ty(), max_helper_arguments);
        const value words = b_.CreateAlloca(type, nullptr, "words");
        for (unsigned r = 1; r <= max_helper_arguments; ++r) {
            b_.CreateStore(fn_.getArg(2 + r),
                           b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), words, r - 1));
        }
        const auto callee = declare_host_function(
            parts_.module, "ebpf_rt_call_value", b_.getInt64Ty(),
            {b_.getPtrTy(), b_.getInt64Ty(), b_.getInt32Ty(), b_.getPtrTy(), b_.getInt64Ty()});
        const value went = b_.CreateCall(callee, {state_, target, pc, words, frame_});
        go_on_if(b_.CreateICmpEQ(went, word(1)), end_run_, "called");
        return_outcome(b_.CreateLoad(b_.getInt64Ty(), words), slice_);
    }
};

bool hides_frames(const program &p, const provenance &known) {
    for (uint32_t f = 0; f < p.functions().size(); ++f) {
        if (known.of_function(f).frame_in_memory) return false;
    }
    return true;
}

/// Whether lookups in hash maps and per-CPU maps become a part of the code. Addresses that nobody
/// is to know, and keys that nobody is to run ahead with, stay with the host; a call is smaller,
/// and programs of many lookups would become too large for all passes.
bool probes_maps(const compat::build_input &input) {
    constexpr std::ptrdiff_t most_lookups = 64;
    const compat::vm_config &config = input.config;
    if (config.pointer_secret != 0 or config.bars_speculation or config.prefers_size or
        config.optimization_level == 0)
        return false;
    std::ptrdiff_t lookups = 0;
    for (uint32_t pc = 0; pc < input.code.size() and lookups <= most_lookups; ++pc) {
        const isa::instruction &i = input.code.insn(pc);
        if (i.id == isa::insn_id::none or isa::info(i.id).operation != isa::operation::call_helper)
            continue;
        const auto *const helper = input.linked.helper(static_cast<uint32_t>(i.imm));
        if (helper != nullptr and helper->declaration().result == result_kind::map_value_or_null)
            ++lookups;
    }
    return lookups <= most_lookups;
}

class module_compiler {
public:
    module_compiler(const compat::build_input &input, llvm::Module &module, counters &counted)
        : input_{input},
          facts_{input.code, input.linked, input.config.stack_size,
                 input.config.blinding_seed ? provenance::short_reach : provenance::most_reach,
                 probes_maps(input)},
          module_{module},
          parts_{.input = input,
                 .facts = facts_,
                 .module = module,
                 .counted = counted,
                 .functions = {},
                 .proofs{input, hides_frames(input.code, facts_), analysis::effort::full}} {
        if (input.config.blinding_seed) parts_.keys.emplace(*input.config.blinding_seed);
    }

    void compile() {
        declare();
        for (uint32_t f = 0; f < parts_.functions.size(); ++f) {
            if (parts_.functions[f] != nullptr) function_compiler{parts_, f}.compile();
        }
        if (parts_.call_value != nullptr) value_caller{parts_, *parts_.call_value}.compile();
        define_main();
        if (calls_back_) define_call_back();
        const bool throws = may_throw();
        define_entry(throws);
        mark_functions(throws);
    }

private:
    llvm::LLVMContext &context() { return module_.getContext(); }

    llvm::Function *declare_internal(llvm::FunctionType *type, const std::string &name) {
        auto *const fn =
            llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, name, module_);
        fn->setCallingConv(llvm::CallingConv::Fast);
        fn->addDereferenceableParamAttr(0, sizeof(run_state));
        fn->addParamAttr(0, llvm::Attribute::NoAlias);
        fn->addParamAttr(0, llvm::Attribute::ReadOnly);
        return fn;
    }

    void declare() {
        const program &p = input_.code;
        parts_.functions.resize(p.functions().size());
        for (uint32_t f = 0; f < p.functions().size(); ++f) {
            const vm::function &range = p.functions()[f];
            if (not range.reachable) continue;
            parts_.functions[f] =
                declare_internal(function_type(context()), fmt::format("f{}", range.begin));
            calls_values_ |= facts_.of_function(f).calls_values;
            calls_back_ |= facts_.of_function(f).calls_back;
        }
        if (calls_values_) {
            std::vector<llvm::Type *> parameters{function_type(context())->params()};
            parameters.push_back(llvm::Type::getInt64Ty(context()));
            parameters.push_back(llvm::Type::getInt32Ty(context()));
            parts_.call_value = declare_internal(
                llvm::FunctionType::get(outcome_type(context()), parameters, false), "call_value");
        }
        parts_.checks_depth = calls_values_ or deepest_call() > input_.config.call_depth;
    }

    /// Frames that the longest chain of calls needs; more than any limit if calls go in a circle.
    [[nodiscard]] uint32_t deepest_call() const {
        constexpr uint32_t unknown = 0;
        constexpr uint32_t endless = EBPF_MOST_CALL_DEPTH + 1;
        std::vector<uint32_t> depth(parts_.functions.size(), unknown);
        std::vector<bool> open(parts_.functions.size());
        std::vector<std::pair<uint32_t, std::size_t>> path{{0, 0}};
        open[0] = true;
        while (not path.empty()) {
            auto &[f, next] = path.back();
            const auto callees = input_.code.callees_of(input_.code.functions()[f]);
            if (next < callees.size()) {
                const uint32_t callee = callees[next];
                if (open[callee]) return endless;
                if (depth[callee] == unknown) {
                    open[callee] = true;
                    path.emplace_back(callee, 0);
                    continue;
                }
                depth[f] = std::max(depth[f], depth[callee]);
                ++next;
                continue;
            }
            ++depth[f];
            open[f] = false;
            path.pop_back();
        }
        return depth[0];
    }

    /// The function that the host calls: the program's entry function, or a call of it where the
    /// program calls it, too.
    void define_main() {
        llvm::Type *const word = llvm::Type::getInt64Ty(context());
        llvm::Type *const pointer = llvm::PointerType::getUnqual(context());
        auto *const fn = llvm::Function::Create(
            llvm::FunctionType::get(outcome_type(context()), {pointer, word, word, pointer, word},
                                    false),
            llvm::GlobalValue::ExternalLinkage, main_symbol, module_);
        fn->addDereferenceableParamAttr(0, sizeof(run_state));
        fn->addParamAttr(0, llvm::Attribute::NoAlias);
        fn->addParamAttr(0, llvm::Attribute::ReadOnly);
        llvm::Function *const callee = parts_.functions[0];
        const bool becomes_main = callee->use_empty();
        if (becomes_main)
            fn->splice(fn->end(), callee);
        else
            llvm::BasicBlock::Create(context(), "", fn);
        llvm::IRBuilder<> b{&fn->getEntryBlock(), fn->getEntryBlock().begin()};
        const std::array<llvm::Value *, 8> arguments{
            fn->getArg(0), fn->getArg(1), fn->getArg(2), b.CreatePtrToInt(fn->getArg(3), word),
            fn->getArg(4), b.getInt64(0), b.getInt64(0), b.getInt64(0)};
        if (becomes_main) {
            for (unsigned i = 0; i < arguments.size(); ++i)
                callee->getArg(i)->replaceAllUsesWith(arguments[i]);
            callee->eraseFromParent();
            parts_.functions[0] = nullptr;
            name_input_by_arguments(*fn);
            return;
        }
        llvm::CallInst *const call = b.CreateCall(callee, arguments);
        call->setCallingConv(llvm::CallingConv::Fast);
        b.CreateRet(call);
    }

    void define_call_back() {
        llvm::Type *const word = llvm::Type::getInt64Ty(context());
        llvm::Type *const pointer = llvm::PointerType::getUnqual(context());
        llvm::Type *const half = llvm::Type::getInt32Ty(context());
        auto *const fn = llvm::Function::Create(
            llvm::FunctionType::get(outcome_type(context()),
                                    {pointer, word, word, pointer, word, half}, false),
            llvm::GlobalValue::ExternalLinkage, call_back_symbol, module_);
        llvm::IRBuilder<> b{llvm::BasicBlock::Create(context(), "", fn)};
        std::vector<llvm::Value *> arguments{fn->getArg(0), fn->getArg(1), fn->getArg(2)};
        for (unsigned r = 0; r < max_helper_arguments; ++r) {
            arguments.push_back(
                b.CreateLoad(word, b.CreateConstInBoundsGEP1_64(word, fn->getArg(3), r)));
        }
        arguments.push_back(fn->getArg(4));
        arguments.push_back(fn->getArg(5));
        llvm::CallInst *const call = b.CreateCall(parts_.call_value, arguments);
        call->setCallingConv(llvm::CallingConv::Fast);
        b.CreateRet(call);
    }

    void define_entry(bool throws) {
        llvm::Type *const word = llvm::Type::getInt64Ty(context());
        llvm::Type *const pointer = llvm::PointerType::getUnqual(context());
        auto *const fn =
            llvm::Function::Create(llvm::FunctionType::get(word, {pointer, word}, false),
                                   llvm::GlobalValue::ExternalLinkage, entry_symbol, module_);
        llvm::IRBuilder<> b{llvm::BasicBlock::Create(context(), "", fn)};
        const auto enter =
            declare_host_function(parts_.module, throws ? "ebpf_rt_enter" : "ebpf_rt_enter_quietly",
                                  word, {pointer, pointer, word});
        llvm::Value *const program =
            module_.getOrInsertGlobal(program_symbol, llvm::Type::getInt8Ty(context()));
        b.CreateRet(b.CreateCall(enter, {program, fn->getArg(0), fn->getArg(1)}));
    }

    /// Only helpers throw.
    [[nodiscard]] bool may_throw() const {
        return calls_values_ or
               std::ranges::any_of(module_.functions(), [](const llvm::Function &f) {
                   return f.getName().starts_with("bpf_helper_") or
                          f.getName() == "ebpf_rt_call_helper" or
                          f.getName() == "ebpf_rt_call_running_helper";
               });
    }

    /// Throwing needs unwind tables. The process has one list of them, which it walks whenever
    /// anything throws: programs without helpers stay out of it.
    void mark_functions(bool throws) {
        for (llvm::Function &fn : module_.functions()) {
            if (fn.isDeclaration()) continue;
            fn.addFnAttr(llvm::Attribute::MustProgress);
            if (throws)
                fn.setUWTableKind(llvm::UWTableKind::Default);
            else
                fn.setDoesNotThrow();
        }
    }

    const compat::build_input &input_;
    provenance facts_;
    llvm::Module &module_;
    module_parts parts_;
    bool calls_values_ = false;
    bool calls_back_ = false;
};

}  // namespace

void compile_to_ir(const compat::build_input &input, llvm::Module &module, counters &counted) {
    module_compiler{input, module, counted}.compile();
}

}  // namespace bpftime::vm::llvm_jit
