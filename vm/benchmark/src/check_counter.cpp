// bpftime-vm: how many memory checks the code of backend "llvm" makes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "check_counter.hpp"

#include "memory_checks.hpp"
#include "native_code_gen.hpp"
#include "native_program.hpp"

#include <llvm/IR/Module.h>

namespace bpftime::vm::benchmark {

namespace {

/// Counts at each branch that compares, in the code as it is after all passes.
void add_counters(llvm::Module &module, check_counts &counts) {
    for (llvm::Function &fn : module.functions()) {
        for (llvm::BasicBlock &block : fn) {
            const auto [places, is_shared] = llvm_jit::comparisons_of(*block.getTerminator());
            if (places == 0) continue;
            llvm::IRBuilder<> b{block.getTerminator()};
            const uint64_t &count = is_shared ? counts.shared : counts.own;
            llvm::Value *const at =
                b.CreateIntToPtr(b.getInt64(reinterpret_cast<uint64_t>(&count)), b.getPtrTy());
            b.CreateStore(b.CreateAdd(b.CreateLoad(b.getInt64Ty(), at), b.getInt64(places)), at);
        }
    }
}

class check_counting_jit final : public compat::configured_vm {
public:
    explicit check_counting_jit(check_counts &counts) : counts_{counts} {}

private:
    result<std::unique_ptr<const compat::executable>> build(
        const compat::build_input &input) override {
        auto program = std::make_unique<llvm_jit::native_program>(input);
        auto code = llvm_jit::generate_native_code(
            input, program.get(), [this](llvm::Module &module) { add_counters(module, counts_); });
        if (not code) return std::unexpected{std::move(code.error())};
        program->adopt(std::move(*code));
        return program;
    }

    check_counts &counts_;
};

}  // namespace

std::unique_ptr<compat::configured_vm> make_check_counter(check_counts &counts) {
    return std::make_unique<check_counting_jit>(counts);
}

}  // namespace bpftime::vm::benchmark
