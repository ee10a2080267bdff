// bpftime-vm: helpers that come as bitcode, and become a part of the programs that call them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_bodies.hpp"

#include "compiler.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Verifier.h>
#include <llvm/IRReader/IRReader.h>
#include <llvm/Linker/Linker.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/Triple.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace bpftime::vm::llvm_jit {

namespace {

using module_ptr = std::unique_ptr<llvm::Module>;

std::string text_of(const llvm::Type &type) {
    std::string text;
    llvm::raw_string_ostream{text} << type;
    return text;
}

/// LLVM reports some errors to its context alone, and ends the process if nobody listens there.
class listener {
public:
    explicit listener(llvm::LLVMContext &context) : context_{context} {
        context_.setDiagnosticHandlerCallBack(hear, this);
    }
    ~listener() { context_.setDiagnosticHandlerCallBack(nullptr); }
    listener(const listener &) = delete;
    listener &operator=(const listener &) = delete;

    [[nodiscard]] const std::string &heard() const noexcept { return heard_; }

private:
    static void hear(const llvm::DiagnosticInfo *what, void *self) {
        if (what->getSeverity() != llvm::DS_Error) return;
        std::string text;
        llvm::raw_string_ostream out{text};
        llvm::DiagnosticPrinterRawOStream printer{out};
        what->print(printer);
        static_cast<listener *>(self)->heard_ += text;
    }

    llvm::LLVMContext &context_;
    std::string heard_;
};

/// Reads one body, and says what is wrong with it.
class body_reader {
public:
    body_reader(const compat::helper_bitcode &body, llvm::LLVMContext &context)
        : body_{body}, context_{context} {}

    result<module_ptr> read() && {
        const listener listening{context_};
        const auto bytes = llvm::MemoryBuffer::getMemBufferCopy(
            {reinterpret_cast<const char *>(body_.code.data()), body_.code.size()}, "helper");
        llvm::SMDiagnostic why;
        // Text is read by the names of its values.
        const bool discards = context_.shouldDiscardValueNames();
        context_.setDiscardValueNames(false);
        module_ = llvm::parseIR(bytes->getMemBufferRef(), why, context_);
        context_.setDiscardValueNames(discards);
        if (module_ == nullptr) {
            return fail(fmt::format("is neither LLVM bitcode nor IR that LLVM {} reads: {}",
                                    LLVM_VERSION_STRING, why.getMessage().str()));
        }
        std::string broken;
        llvm::raw_string_ostream out{broken};
        if (llvm::verifyModule(*module_, &out)) return fail("is broken: " + broken);
        for (const auto check : {&body_reader::check_machine, &body_reader::check_function,
                                 &body_reader::check_variables}) {
            if (const auto wrong = (this->*check)()) return fail(*wrong);
        }
        return std::move(module_);
    }

private:
    using complaint = std::optional<std::string>;

    std::unexpected<error> fail(std::string_view why) const {
        return std::unexpected{
            make_error(error_code::invalid_argument,
                       fmt::format("the bitcode of helper {} {}", body_.id, why))};
    }

    complaint check_machine() {
        const llvm::Triple theirs{module_->getTargetTriple()};
        const llvm::Triple ours{llvm::sys::getProcessTriple()};
        if (not module_->getTargetTriple().empty() and theirs.getArch() != ours.getArch()) {
            return fmt::format("is for {}, and this machine is {}: compile it for that",
                               theirs.str(), ours.str());
        }
        if (not module_->getModuleInlineAsm().empty())
            return "has assembly outside of functions, which cannot become a part of programs";
        return {};
    }

    complaint check_function() {
        const llvm::Function *const fn = module_->getFunction(body_.function);
        if (fn == nullptr or fn->isDeclaration())
            return fmt::format("defines no function '{}'; it defines {}", body_.function,
                               defined());
        const llvm::FunctionType &type = *fn->getFunctionType();
        const auto is_word = [](const llvm::Type *t) {
            return t->isIntegerTy(64) or t->isPointerTy();
        };
        constexpr std::size_t most_parameters = 1 + max_helper_arguments;
        if (type.isVarArg() or not is_word(type.getReturnType()) or
            type.getNumParams() > most_parameters or
            not std::ranges::all_of(type.params(), is_word)) {
            return fmt::format(
                "has '{}' as {}: a helper takes up to five words of 64 bits, or "
                "pointers, and gives one",
                body_.function, text_of(type));
        }
        return {};
    }

    [[nodiscard]] std::string defined() const {
        std::string names;
        for (const llvm::Function &fn : module_->functions()) {
            if (fn.isDeclaration()) continue;
            names += fmt::format("{}'{}'", names.empty() ? "" : ", ", fn.getName().str());
        }
        return names.empty() ? "none" : names;
    }

    complaint check_variables() {
        for (const char *const list : {"llvm.global_ctors", "llvm.global_dtors"}) {
            if (module_->getNamedGlobal(list) != nullptr)
                return "has constructors or destructors, which nobody would call";
        }
        if (not module_->alias_empty() or not module_->ifunc_empty())
            return "has aliases, which cannot become a part of programs";
        for (const llvm::GlobalVariable &v : module_->globals()) {
            if (v.isThreadLocal())
                return fmt::format(
                    "uses the variable '{}' of each thread, which compiled programs "
                    "cannot reach: call a function of the host for it",
                    v.getName().str());
            const bool is_own = not v.isDeclaration() and not v.getName().starts_with("llvm.");
            if (is_own and not v.isConstant())
                return fmt::format(
                    "defines the variable '{}', which would be another one in each "
                    "program and in the helper's function: declare it `extern` and "
                    "define it in the host, or make it const",
                    v.getName().str());
        }
        return {};
    }

    const compat::helper_bitcode &body_;
    llvm::LLVMContext &context_;
    module_ptr module_;
};

std::string body_symbol(uint32_t id) { return fmt::format("bpf_helper_body_{}", id); }

/// Of the compiler's command line, nothing stays that would keep code from becoming a part of ours.
void adapt(llvm::Function &fn) {
    if (const llvm::Attribute features = fn.getFnAttribute("target-features");
        features.isStringAttribute())
        fn.addFnAttr(body_features, features.getValueAsString());
    for (const char *const attribute :
         {"target-cpu", "target-features", "tune-cpu", "probe-stack", "stack-probe-size",
          "stack-protector-buffer-size", "frame-pointer"}) {
        fn.removeFnAttr(attribute);
    }
    for (const llvm::Attribute::AttrKind attribute :
         {llvm::Attribute::NoInline, llvm::Attribute::OptimizeNone,
          llvm::Attribute::OptimizeForSize, llvm::Attribute::MinSize, llvm::Attribute::StackProtect,
          llvm::Attribute::StackProtectReq, llvm::Attribute::StackProtectStrong}) {
        fn.removeFnAttr(attribute);
    }
    if (not fn.doesNotThrow()) fn.setUWTableKind(llvm::UWTableKind::Default);
}

/// Nothing of it is seen from outside but the function.
void hide(llvm::Module &module, llvm::Function &function) {
    llvm::StripDebugInfo(module);
    for (const char *const list : {"llvm.used", "llvm.compiler.used"}) {
        if (llvm::GlobalVariable *const used = module.getNamedGlobal(list)) used->eraseFromParent();
    }
    for (llvm::GlobalObject &object : module.global_objects()) {
        if (object.isDeclaration()) {
            object.setDSOLocal(false);
            continue;
        }
        object.setComdat(nullptr);
        object.setSection("");
        if (&object != &function) object.setLinkage(llvm::GlobalValue::InternalLinkage);
    }
    for (llvm::Function &fn : module.functions()) {
        if (not fn.isDeclaration()) adapt(fn);
    }
    function.setLinkage(llvm::GlobalValue::ExternalLinkage);
    function.setVisibility(llvm::GlobalValue::DefaultVisibility);
}

class body_linker {
public:
    body_linker(const compat::build_input &input, llvm::Module &module, counters &counted)
        : input_{input}, module_{module}, counted_{counted} {}

    result<std::vector<host_address>> link() && {
        for (const llvm::Function &fn : module_.functions()) {
            if (fn.isDeclaration()) known_.insert(fn.getName().str());
        }
        for (const llvm::GlobalVariable &v : module_.globals()) known_.insert(v.getName().str());
        for (const auto &[id, body] : input_.config.bitcode) {
            llvm::Function *const called = module_.getFunction(helper_symbol(id));
            if (called == nullptr or called->use_empty()) continue;
            if (auto linked = link(body, *called); not linked)
                return std::unexpected{std::move(linked.error())};
        }
        return std::move(needed_);
    }

private:
    result<void> link(const compat::helper_bitcode &body, llvm::Function &called) {
        auto read = body_reader{body, module_.getContext()}.read();
        if (not read) return std::unexpected{std::move(read.error())};
        llvm::Module &theirs = **read;
        theirs.setDataLayout(module_.getDataLayout());
        theirs.setTargetTriple(module_.getTargetTriple());
        llvm::Function &function = *theirs.getFunction(body.function);
        if (auto fits = check_context(body, function); not fits) return fits;
        hide(theirs, function);
        const std::string name = body_symbol(body.id);
        function.setName(name);
        if (auto found = find_needed(body, theirs); not found) return found;
        const listener listening{module_.getContext()};
        if (llvm::Linker::linkModules(module_, std::move(*read))) {
            return std::unexpected{
                make_error(error_code::invalid_argument,
                           fmt::format("the bitcode of helper {} cannot be linked: {}", body.id,
                                       listening.heard()))};
        }
        counted_.add(counter::helper_inlining, called.getNumUses());
        define(called, *module_.getFunction(name));
        return {};
    }

    /// The context of a helper is its first parameter, and a pointer.
    result<void> check_context(const compat::helper_bitcode &body,
                               const llvm::Function &function) const {
        const bool has_context = input_.linked.helper(body.id)->has_context();
        const std::size_t parameters = function.arg_size();
        if (has_context ? parameters > 0 and function.getArg(0)->getType()->isPointerTy()
                        : parameters <= max_helper_arguments)
            return {};
        return std::unexpected{make_error(
            error_code::invalid_argument,
            fmt::format("the bitcode of helper {} has '{}' as {}: the helper has {} context",
                        body.id, body.function, text_of(*function.getFunctionType()),
                        has_context ? "a" : "no"))};
    }

    /// What it leaves open, in this process.
    result<void> find_needed(const compat::helper_bitcode &body, const llvm::Module &theirs) {
        for (const llvm::GlobalObject &object : theirs.global_objects()) {
            const std::string name = object.getName().str();
            if (not object.isDeclaration() or object.use_empty() or name.starts_with("llvm."))
                continue;
            if (not known_.insert(name).second) continue;
            void *const address = dlsym(RTLD_DEFAULT, name.c_str());
            if (address == nullptr) {
                return std::unexpected{make_error(
                    error_code::invalid_argument,
                    fmt::format("the bitcode of helper {} needs '{}', which no library of this "
                                "process has: link the program that defines it with -rdynamic",
                                body.id, name))};
            }
            needed_.push_back({name, address});
        }
        return {};
    }

    /// Makes the declared helper, of words, a call of the body, of words and pointers.
    void define(llvm::Function &called, llvm::Function &body) {
        body.setLinkage(llvm::GlobalValue::InternalLinkage);
        body.addFnAttr(llvm::Attribute::AlwaysInline);
        called.setLinkage(llvm::GlobalValue::InternalLinkage);
        called.addFnAttr(llvm::Attribute::AlwaysInline);
        called.removeFnAttr(llvm::Attribute::NonLazyBind);
        if (not body.doesNotThrow()) called.setUWTableKind(llvm::UWTableKind::Default);
        llvm::IRBuilder<> b{llvm::BasicBlock::Create(module_.getContext(), "", &called)};
        const auto convert = [&](llvm::Value *value, llvm::Type *to) {
            if (value->getType() == to) return value;
            return to->isPointerTy() ? b.CreateIntToPtr(value, to) : b.CreatePtrToInt(value, to);
        };
        std::vector<llvm::Value *> arguments;
        for (llvm::Argument &parameter : body.args()) {
            llvm::Value *const word = called.getArg(parameter.getArgNo());
            arguments.push_back(convert(word, parameter.getType()));
        }
        llvm::CallInst *const call = b.CreateCall(&body, arguments);
        call->setCallingConv(body.getCallingConv());
        b.CreateRet(convert(call, called.getReturnType()));
    }

    const compat::build_input &input_;
    llvm::Module &module_;
    counters &counted_;
    std::set<std::string> known_;  ///< symbols that are there without any body
    std::vector<host_address> needed_;
};

}  // namespace

result<void> check_helper_body(const compat::helper_bitcode &body) {
    llvm::LLVMContext context;
    auto read = body_reader{body, context}.read();
    if (not read) return std::unexpected{std::move(read.error())};
    return {};
}

result<std::vector<host_address>> link_helper_bodies(const compat::build_input &input,
                                                     llvm::Module &module, counters &counted) {
    if (input.config.bitcode.empty()) return std::vector<host_address>{};
    return body_linker{input, module, counted}.link();
}

}  // namespace bpftime::vm::llvm_jit
