// bpftime-vm: the host's functions in a module
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "host_functions.hpp"

#include "abi.hpp"

#include <fmt/format.h>
#include <llvm/IR/Function.h>
#include <llvm/Support/ModRef.h>

#include <array>
#include <utility>

namespace bpftime::vm::llvm_jit {

namespace {

/// What of memory a function touches, as far as the program can see.
enum class touches : uint8_t {
    nothing,   ///< its own bookkeeping alone
    frames,    ///< the same, but it reads which frames are in memory
    anything,  ///< as if anything
};

struct rare_row {
    const char *name;
    void *address;
    const char *signature;  ///< result and parameters: v void, p pointer, w 64 bits, h 32 bits
    touches memory;
};

template <typename Function>
void *address_of(Function *function) {
    return reinterpret_cast<void *>(function);
}

/// In the order of rare_function.
const std::array<rare_row, 5> &rare_table() {
    static const std::array<rare_row, 5> table{{
        {"ebpf_rt_check", address_of(ebpf_rt_check), "wpwww", touches::frames},
        {"ebpf_rt_misaligned", address_of(ebpf_rt_misaligned), "vpwww", touches::frames},
        {"ebpf_rt_fault", address_of(ebpf_rt_fault), "vpww", touches::nothing},
        {"ebpf_rt_refill", address_of(ebpf_rt_refill), "wpwhh", touches::anything},
        {"ebpf_rt_top_up", address_of(ebpf_rt_top_up), "wpw", touches::nothing},
    }};
    return table;
}

const rare_row &row_of(rare_function which) { return rare_table()[std::to_underlying(which)]; }

std::string host_symbol(const rare_row &row) { return fmt::format("{}_in_c", row.name); }

llvm::FunctionType *type_of(const rare_row &row, llvm::LLVMContext &context) {
    const auto type = [&context](char c) -> llvm::Type * {
        switch (c) {
        case 'v': return llvm::Type::getVoidTy(context);
        case 'p': return llvm::PointerType::getUnqual(context);
        case 'h': return llvm::Type::getInt32Ty(context);
        default: return llvm::Type::getInt64Ty(context);
        }
    };
    std::vector<llvm::Type *> parameters;
    for (const char *c = row.signature + 1; *c != '\0'; ++c) parameters.push_back(type(*c));
    return llvm::FunctionType::get(type(row.signature[0]), parameters, false);
}

llvm::Function *declare(llvm::Module &module, const rare_row &row) {
    auto *const fn = llvm::cast<llvm::Function>(
        module.getOrInsertFunction(row.name, type_of(row, module.getContext())).getCallee());
    const auto own = llvm::MemoryEffects::inaccessibleMemOnly();
    switch (row.memory) {
    case touches::nothing: fn->setMemoryEffects(own); break;
    case touches::frames: fn->setMemoryEffects(own | llvm::MemoryEffects::readOnly()); break;
    case touches::anything: break;
    }
    fn->setCallingConv(llvm::CallingConv::PreserveMost);
    fn->setDoesNotThrow();
    fn->setWillReturn();
    fn->addFnAttr(llvm::Attribute::Cold);
    fn->addFnAttr(llvm::Attribute::NoCallback);
    fn->addFnAttr(llvm::Attribute::NonLazyBind);
    return fn;
}

void define_wrapper(llvm::Module &module, const rare_row &row) {
    llvm::LLVMContext &context = module.getContext();
    llvm::FunctionType *const type = type_of(row, context);
    auto *const fn =
        llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, row.name, module);
    fn->setCallingConv(llvm::CallingConv::PreserveMost);
    fn->setDoesNotThrow();
    llvm::IRBuilder<> b{llvm::BasicBlock::Create(context, "", fn)};
    std::vector<llvm::Value *> arguments;
    for (llvm::Argument &a : fn->args()) arguments.push_back(&a);
    llvm::CallInst *const call =
        b.CreateCall(module.getOrInsertFunction(host_symbol(row), type), arguments);
    call->setDoesNotThrow();
    if (type->getReturnType()->isVoidTy())
        b.CreateRetVoid();
    else
        b.CreateRet(call);
}

}  // namespace

llvm::FunctionCallee declare_host_function(llvm::Module &module, llvm::StringRef name,
                                           llvm::Type *result,
                                           llvm::ArrayRef<llvm::Type *> parameters) {
    llvm::FunctionCallee callee =
        module.getOrInsertFunction(name, llvm::FunctionType::get(result, parameters, false));
    llvm::cast<llvm::Function>(callee.getCallee())->addFnAttr(llvm::Attribute::NonLazyBind);
    return callee;
}

llvm::CallInst *call_rarely(llvm::IRBuilderBase &builder, rare_function which,
                            llvm::ArrayRef<llvm::Value *> arguments) {
    llvm::Function *const callee = declare(*builder.GetInsertBlock()->getModule(), row_of(which));
    llvm::CallInst *const call = builder.CreateCall(callee, arguments);
    call->setCallingConv(callee->getCallingConv());
    return call;
}

bool is_call_of(const llvm::CallInst &call, rare_function which) {
    const llvm::Function *const callee = call.getCalledFunction();
    return callee != nullptr and callee->getName() == row_of(which).name;
}

std::unique_ptr<llvm::Module> make_wrappers(llvm::LLVMContext &context) {
    auto module = std::make_unique<llvm::Module>("wrappers", context);
    for (const rare_row &row : rare_table()) define_wrapper(*module, row);
    return module;
}

std::vector<host_address> rare_function_addresses() {
    std::vector<host_address> all;
    for (const rare_row &row : rare_table()) all.push_back({host_symbol(row), row.address});
    return all;
}

}  // namespace bpftime::vm::llvm_jit
