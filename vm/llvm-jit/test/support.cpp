// bpftime-vm: what the tests of the LLVM backend share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

#include "compiler.hpp"
#include "constant_maps.hpp"
#include "helper_bodies.hpp"
#include "isa/text.hpp"
#include "optimizer.hpp"

#include <gtest/gtest.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>

#include <mutex>
#include <stdexcept>

namespace bpftime::vm::llvm_jit::test {

namespace {

uint64_t nothing(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return 0; }

void add_helper(compat::vm_config &config, uint32_t id, uint32_t purity,
                std::initializer_list<uint32_t> arguments) {
    ebpf_helper h{};
    h.id = id;
    h.fn = nothing;
    h.purity = purity;
    std::size_t n = 0;
    for (const uint32_t kind : arguments) h.arguments[n++].kind = kind;
    config.helpers.insert_or_assign(id, compat::helper_binding{h, 0});
}

}  // namespace

compat::vm_config test_config() {
    compat::vm_config config;
    add_helper(config, 1, EBPF_IMPURE, {});
    add_helper(config, 2, EBPF_PURE_CONSTANT, {EBPF_ARG_SCALAR});
    add_helper(config, 3, EBPF_PURE_READS, {EBPF_ARG_SCALAR});
    add_helper(config, 4, EBPF_IMPURE, {EBPF_ARG_MEMORY_READ, EBPF_ARG_MEMORY_SIZE});
    add_helper(config, 5, EBPF_IMPURE, {EBPF_ARG_SCALAR});
    config.unwind_helper = 5;
    config.lddw.map_by_fd = [](uint32_t fd) { return uint64_t{0x1000} + fd; };
    config.lddw.map_by_idx = [](uint32_t idx) { return uint64_t{0x2000} + idx; };
    config.lddw.map_val = [](uint64_t map) { return map << 16; };
    config.lddw.var_addr = [](uint32_t idx) { return uint64_t{0x3000} + idx; };
    return config;
}

linked_program::linked_program(std::string_view assembly, compat::vm_config how)
    : config_{std::move(how)} {
    auto code = program::load(assemble(assembly), {.jump_targets = config_.jump_targets});
    if (not code) throw std::invalid_argument{code.error().message};
    code_ = std::move(*code);
    auto linked = compat::linkage::resolve(*code_, config_);
    if (not linked) throw std::invalid_argument{linked.error().message};
    linked_ = std::move(*linked);
}

std::unique_ptr<llvm::Module> linked_program::compile(llvm::LLVMContext &context) const {
    const llvm::DataLayout any_machine{"e-i64:64-i128:128-n8:16:32:64-S128"};
    auto module = std::make_unique<llvm::Module>("bpf", context);
    module->setDataLayout(any_machine);
    counted_ = {};
    compile_to_ir({*code_, *linked_, config_, interrupts_, {config_.regions, {}}}, *module,
                  counted_);
    return module;
}

std::unique_ptr<llvm::Module> linked_program::optimize(llvm::LLVMContext &context,
                                                       llvm::TargetMachine &machine,
                                                       const optimizing &how) const {
    auto module = std::make_unique<llvm::Module>("bpf", context);
    module->setDataLayout(machine.createDataLayout());
    module->setTargetTriple(machine.getTargetTriple().str());
    const compat::build_input input{*code_, *linked_, config_, interrupts_, {config_.regions, {}}};
    counted_ = {};
    compile_to_ir(input, *module, counted_);
    EXPECT_TRUE(link_helper_bodies(input, *module, counted_));
    counted_.add(counter::constant_maps, fold_constant_maps(*linked_, *module));
    for (llvm::Function &fn : module->functions()) {
        if (fn.isDeclaration()) continue;
        fn.addFnAttr("target-cpu", machine.getTargetCPU());
        fn.addFnAttr("target-features", machine.getTargetFeatureString());
    }
    llvm_jit::optimize(*module, machine, how, counted_);
    return module;
}

std::unique_ptr<llvm::TargetMachine> make_machine() {
    static std::once_flag once;
    std::call_once(once, [] {
        llvm::InitializeAllTargetInfos();
        llvm::InitializeAllTargets();
        llvm::InitializeAllTargetMCs();
    });
    const std::string triple = "x86_64-unknown-linux-gnu";
    std::string why;
    const llvm::Target *const target = llvm::TargetRegistry::lookupTarget(triple, why);
    if (target == nullptr) return nullptr;
    return std::unique_ptr<llvm::TargetMachine>{
        target->createTargetMachine(triple, "x86-64-v3", "", {}, llvm::Reloc::PIC_)};
}

std::string to_text(const llvm::Module &module) {
    std::string text;
    llvm::raw_string_ostream{text} << module;
    return text;
}

bool is_valid(const llvm::Module &module) { return not llvm::verifyModule(module, &llvm::errs()); }

std::vector<uint8_t> assemble(std::string_view text) {
    auto code = isa::assemble(text);
    if (not code) {
        ADD_FAILURE() << code.error().message << " in:\n" << text;
        return {};
    }
    return std::move(*code);
}

vm_ptr load(std::string_view assembly, const char *backend) {
    vm_ptr vm{ebpf_create(backend)};
    if (vm == nullptr) {
        ADD_FAILURE() << ebpf_last_error();
        return vm;
    }
    const auto code = assemble(assembly);
    EXPECT_EQ(ebpf_load(vm.get(), code.data(), static_cast<uint32_t>(code.size()), nullptr), 0)
        << ebpf_last_error();
    return vm;
}

uint64_t run(ebpf_vm *vm, void *mem, std::size_t mem_len) {
    int64_t result = 0;
    EXPECT_EQ(ebpf_exec(vm, mem, mem_len, &result), 0) << ebpf_last_error();
    return static_cast<uint64_t>(result);
}

std::map<std::string, uint64_t> stats_of(ebpf_vm *vm) {
    std::vector<ebpf_compile_stat> stats(counter_count);
    const int count = ebpf_compile_stats(vm, stats.data(), stats.size());
    EXPECT_GE(count, 0) << ebpf_last_error();
    EXPECT_LE(count, static_cast<int>(counter_count));
    std::map<std::string, uint64_t> by_name;
    for (int i = 0; i < count; ++i) {
        const ebpf_compile_stat &stat = stats[static_cast<std::size_t>(i)];
        by_name.emplace(stat.name, stat.count);
    }
    return by_name;
}

}  // namespace bpftime::vm::llvm_jit::test
