// bpftime-vm: LLVM IR to native code in this process
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "native_code_gen.hpp"

#include "compiler.hpp"
#include "constant_maps.hpp"
#include "helper_bodies.hpp"
#include "host_functions.hpp"
#include "optimizer.hpp"

#include <fmt/format.h>
#include <llvm/ExecutionEngine/JITLink/EHFrameSupport.h>
#include <llvm/ExecutionEngine/Orc/ExecutionUtils.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/DataExtractor.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace bpftime::vm::llvm_jit {

namespace {

using machine_ptr = std::unique_ptr<llvm::TargetMachine>;

error internal_error(std::string_view what, llvm::Error e) {
    return make_error(error_code::internal,
                      fmt::format("{}: {}", what, llvm::toString(std::move(e))));
}

/// What the linker last said on this thread.
thread_local std::string reported;

/// Why code that was compiled cannot be had.
error link_error(llvm::Error e) {
    const std::string text = reported + "; " + llvm::toString(std::move(e));
    if (text.find(std::generic_category().message(ENOMEM)) == std::string::npos)
        return make_error(error_code::internal,
                          fmt::format("compiled code cannot be linked: {}", text));
    return make_error(error_code::out_of_memory,
                      "no memory for compiled code: each program takes two mappings of the process "
                      "(on Linux, sysctl vm.max_map_count raises how many it may have)");
}

bool is_set(const char *variable) {
    const char *const text = std::getenv(variable);
    return text != nullptr and text[0] != '\0' and std::strcmp(text, "0") != 0;
}

template <typename Function>
llvm::orc::ExecutorSymbolDef symbol_of(Function *function) {
    return {llvm::orc::ExecutorAddr::fromPtr(function),
            llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
}

llvm::CodeGenOptLevel codegen_level(unsigned level) {
    switch (level) {
    case 0: return llvm::CodeGenOptLevel::None;
    case 1: return llvm::CodeGenOptLevel::Less;
    case 2: return llvm::CodeGenOptLevel::Default;
    default: return llvm::CodeGenOptLevel::Aggressive;
    }
}

/// Sets one of LLVM's switches, which are global: to this copy of LLVM, which nobody else uses.
void set_switch(llvm::StringRef name, llvm::StringRef value) {
    const auto &all = llvm::cl::getRegisteredOptions();
    const auto it = all.find(name);
    // Switches come and go with LLVM's versions and targets.
    if (it != all.end()) it->second->addOccurrence(0, name, value);
}

/// A target machine and the passes that make its code: neither is thread-safe, and making them
/// takes longer than compiling a small program, so they are used again.
class code_generator {
public:
    /// What one is made for. `cpu`: empty is this machine's.
    struct purpose {
        unsigned level;
        std::string cpu;

        friend bool operator==(const purpose &, const purpose &) = default;
    };

    static result<std::unique_ptr<code_generator>> make(machine_ptr machine, purpose what_for) {
        auto made = std::unique_ptr<code_generator>{
            new code_generator{std::move(machine), std::move(what_for)}};
        if (made->machine_ == nullptr or
            made->machine_->addPassesToEmitFile(made->passes_, made->out_, nullptr,
                                                llvm::CodeGenFileType::ObjectFile)) {
            return std::unexpected{
                make_error(error_code::internal, "LLVM cannot make object files for this machine")};
        }
        return made;
    }

    [[nodiscard]] llvm::TargetMachine &machine() noexcept { return *machine_; }
    [[nodiscard]] const purpose &made_for() const noexcept { return purpose_; }

    /// The module's object file.
    std::unique_ptr<llvm::MemoryBuffer> emit(llvm::Module &module) {
        bytes_.clear();
        passes_.run(module);
        return llvm::MemoryBuffer::getMemBufferCopy({bytes_.data(), bytes_.size()}, "bpf");
    }

private:
    code_generator(machine_ptr machine, purpose what_for)
        : machine_{std::move(machine)}, purpose_{std::move(what_for)} {
        if (machine_ == nullptr) return;
        machine_->setOptLevel(codegen_level(purpose_.level));
        machine_->setFastISel(purpose_.level == 0);
    }

    machine_ptr machine_;
    purpose purpose_;
    llvm::SmallVector<char, 0> bytes_;
    llvm::raw_svector_ostream out_{bytes_};
    llvm::legacy::PassManager passes_;
};
using generator_ptr = std::unique_ptr<code_generator>;

/// Everything of LLVM that is made once per process and never taken down: at exit, other threads
/// may still run compiled code.
class code_service {
public:
    static result<code_service *> get() {
        static const result<code_service *> service = make();
        return service;
    }

    /// A generator for one compilation at a time.
    result<generator_ptr> take_generator(const code_generator::purpose &what_for) {
        {
            const std::lock_guard lock{generators_lock_};
            const auto it = std::ranges::find(generators_, what_for, &code_generator::made_for);
            if (it != generators_.end()) {
                generator_ptr found = std::move(*it);
                generators_.erase(it);
                return found;
            }
        }
        return code_generator::make(make_machine(what_for.cpu), what_for);
    }

    void give_back(generator_ptr generator) {
        const std::lock_guard lock{generators_lock_};
        generators_.push_back(std::move(generator));
        if (generators_.size() > most_idle_generators) generators_.erase(generators_.begin());
    }

    /// `cpu`: empty is this machine's.
    [[nodiscard]] machine_ptr make_machine(const std::string &cpu = {}) const;
    [[nodiscard]] result<void> check_processor(const std::string &name) const;
    [[nodiscard]] const llvm::DataLayout &layout() const noexcept { return *layout_; }
    [[nodiscard]] const std::string &triple() const noexcept { return triple_; }

    /// `others`: what the object needs of the process beside the helpers.
    result<loaded_code> load(std::unique_ptr<llvm::MemoryBuffer> object,
                             const compat::build_input &input, const native_program *program,
                             std::span<const host_address> others);

private:
    class library_memory final : public loaded_code::memory {
    public:
        library_memory(llvm::orc::LLJIT &jit, llvm::orc::JITDylib &library)
            : jit_{jit}, library_{library} {}
        ~library_memory() override {
            llvm::consumeError(jit_.getExecutionSession().removeJITDylib(library_));
        }

    private:
        llvm::orc::LLJIT &jit_;
        llvm::orc::JITDylib &library_;
    };

    static result<code_service *> make() {
        llvm::install_bad_alloc_error_handler(
            [](void *, const char *, bool) { throw std::bad_alloc{}; });
        llvm::InitializeNativeTarget();
        llvm::InitializeNativeTargetAsmPrinter();
        // It takes quadratic time, to gain what mask registers give to scalar code: nothing.
        set_switch("disable-x86-domain-reassignment", "true");
        // Some processors are said to like loops of 512 instructions. What that gains over fewer,
        // measured over the benchmark programs, is less than noise; it is a tenth of the time that
        // compiling takes.
        set_switch("unroll-partial-threshold", "120");
        // What these gain, measured over the benchmark programs, is less than noise: clang has done
        // it once, and our own passes once more. They are a tenth of the time that compiling takes.
        for (const char *const pass : {"disable-lsr", "disable-machine-cse",
                                       "disable-postra-machine-licm", "disable-machine-sink"}) {
            set_switch(pass, "true");
        }
        auto service = std::unique_ptr<code_service>{new code_service};
        if (llvm::Error e = service->start())
            return std::unexpected{internal_error("the LLVM JIT cannot start", std::move(e))};
        return service.release();
    }

    llvm::Error start();
    llvm::Error add_wrappers();
    [[nodiscard]] llvm::orc::SymbolMap symbols_of(const compat::build_input &input,
                                                  const native_program *program);

    const llvm::Target *target_ = nullptr;
    std::string triple_;
    std::string cpu_;
    std::string features_;
    std::optional<llvm::DataLayout> layout_;
    static constexpr std::size_t most_idle_generators = 4;

    std::mutex generators_lock_;
    std::vector<generator_ptr> generators_;
    std::unique_ptr<llvm::orc::LLJIT> jit_;
    llvm::orc::JITDylib *runtime_ = nullptr;
    std::atomic<uint64_t> next_library_ = 0;
};

machine_ptr code_service::make_machine(const std::string &cpu) const {
    llvm::TargetOptions options;
    options.EmitStackSizeSection = true;
    // What processors fetch or keep decoded at a time: how fast a loop of branches is depends on
    // it.
    options.LoopAlignment = 32;
    const bool is_own = cpu.empty();
    return machine_ptr{target_->createTargetMachine(
        triple_, is_own ? cpu_ : cpu, is_own ? features_ : "", options, llvm::Reloc::PIC_,
        llvm::CodeModel::Small, llvm::CodeGenOptLevel::Aggressive, true)};
}

/// Instructions of x86 for kernels, or that code has where it asks for them by name: compilers make
/// them of nothing else, and virtual machines hide some of those that their machine has.
constexpr auto asked_for_by_name = std::to_array<std::string_view>(
    {"cldemote", "clzero", "enqcmd",  "fsgsbase", "hreset",    "invpcid", "kl",
     "lwp",      "mwaitx", "pconfig", "pku",      "prefetchi", "ptwrite", "rdpid",
     "rdpru",    "rdrnd",  "rdseed",  "rtm",      "serialize", "sgx",     "shstk",
     "tsxldtrk", "uintr",  "waitpkg", "wbnoinvd", "widekl",    "xsaves"});

/// The first thing that code for a CPU may use and this machine has not; "" if there is none. `cpu`
/// and `own` say what they have, `found` what was looked for here.
std::string first_missing(const llvm::MCSubtargetInfo &cpu, const llvm::MCSubtargetInfo &own,
                          const llvm::StringMap<bool> &found) {
    // On x86 what was not found is there as false, and what is not there is about how fast things
    // are; elsewhere only what was found is there.
    const bool tells_absence = std::ranges::any_of(
        found, [](const llvm::StringMapEntry<bool> &f) { return not f.second; });
    for (const llvm::SubtargetFeatureKV &feature : cpu.getEnabledProcessorFeatures()) {
        if (std::ranges::find(asked_for_by_name, std::string_view{feature.Key}) !=
            asked_for_by_name.end())
            continue;
        const auto it = found.find(feature.Key);
        const bool is_missing =
            it != found.end() ? not it->second
                              : not tells_absence and not own.getFeatureBits().test(feature.Value);
        if (is_missing) return feature.Key;
    }
    return {};
}

result<void> code_service::check_processor(const std::string &name) const {
    const auto describe = [&](const std::string &cpu, const std::string &features) {
        return std::unique_ptr<llvm::MCSubtargetInfo>{
            target_->createMCSubtargetInfo(triple_, cpu, features)};
    };
    const auto own = describe(cpu_, features_);
    if (own == nullptr or not own->isCPUStringValid(name)) {
        return std::unexpected{make_error(
            error_code::invalid_argument,
            fmt::format("CPU '{}' is none that LLVM {} knows for {}", name, LLVM_VERSION_STRING,
                        llvm::Triple{triple_}.getArchName().str()))};
    }
    const auto cpu = describe(name, "");
    const auto refuse = [&](std::string_view what) {
        return std::unexpected{
            make_error(error_code::unsupported,
                       fmt::format("code for CPU '{}' cannot run here: {}", name, what))};
    };
    if (llvm::Triple{triple_}.getArch() == llvm::Triple::x86_64 and
        not cpu->checkFeatures("+64bit"))
        return refuse("the CPU has no 64-bit mode");
    const std::string missing = first_missing(*cpu, *own, llvm::sys::getHostCPUFeatures());
    if (missing.empty()) return {};
    return refuse(fmt::format("this machine has no {}", missing));
}

llvm::Error code_service::start() {
    triple_ = llvm::sys::getProcessTriple();
    cpu_ = llvm::sys::getHostCPUName();
    for (const auto &feature : llvm::sys::getHostCPUFeatures()) {
        features_ += fmt::format("{}{}{}", features_.empty() ? "" : ",", feature.second ? '+' : '-',
                                 feature.first().str());
    }
    std::string why;
    target_ = llvm::TargetRegistry::lookupTarget(triple_, why);
    if (target_ == nullptr) return llvm::createStringError(why);
    const machine_ptr machine = make_machine();
    if (machine == nullptr) return llvm::createStringError("no code generator for " + triple_);

    llvm::orc::LLJITBuilder builder;
    builder.setJITTargetMachineBuilder(
        llvm::orc::JITTargetMachineBuilder{llvm::Triple{triple_}}.setCPU(cpu_));
    layout_ = machine->createDataLayout();
    builder.setDataLayout(layout_);
    builder.setLinkProcessSymbolsByDefault(false);
    builder.setPlatformSetUp(llvm::orc::setUpInactivePlatform);
    builder.setObjectLinkingLayerCreator(
        [](llvm::orc::ExecutionSession &session,
           const llvm::Triple &) -> llvm::Expected<std::unique_ptr<llvm::orc::ObjectLayer>> {
            auto memory = llvm::jitlink::InProcessMemoryManager::Create();
            if (not memory) return memory.takeError();
            auto layer =
                std::make_unique<llvm::orc::ObjectLinkingLayer>(session, std::move(*memory));
            layer->addPlugin(std::make_shared<llvm::orc::EHFrameRegistrationPlugin>(
                session, std::make_unique<llvm::jitlink::InProcessEHFrameRegistrar>()));
            return layer;
        });
    auto jit = builder.create();
    if (not jit) return jit.takeError();
    jit_ = std::move(*jit);
    // What goes wrong is returned to whoever asked, sometimes without the reason; nothing is
    // printed.
    jit_->getExecutionSession().setErrorReporter(
        [](llvm::Error e) { reported = llvm::toString(std::move(e)); });

    runtime_ = &jit_->getExecutionSession().createBareJITDylib("runtime");
    llvm::orc::SymbolMap symbols;
    const auto add = [&](const char *name, auto *function) {
        symbols[jit_->mangleAndIntern(name)] = symbol_of(function);
    };
    add("ebpf_rt_call_helper", ebpf_rt_call_helper);
    add("ebpf_rt_call_running_helper", ebpf_rt_call_running_helper);
    add("ebpf_rt_call_value", ebpf_rt_call_value);
    add("ebpf_rt_check_arguments", ebpf_rt_check_arguments);
    add("ebpf_rt_enter", ebpf_rt_enter);
    add("ebpf_rt_enter_quietly", ebpf_rt_enter_quietly);
    add("memcpy", static_cast<void *(*)(void *, const void *, size_t)>(std::memcpy));
    add("memmove", static_cast<void *(*)(void *, const void *, size_t)>(std::memmove));
    add("memset", static_cast<void *(*)(void *, int, size_t)>(std::memset));
    add("memcmp", static_cast<int (*)(const void *, const void *, size_t)>(std::memcmp));
    add("bcmp", static_cast<int (*)(const void *, const void *, size_t)>(std::memcmp));
    for (const host_address &host : rare_function_addresses()) {
        symbols[jit_->mangleAndIntern(host.symbol)] = {
            llvm::orc::ExecutorAddr::fromPtr(host.address),
            llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
    }
    if (llvm::Error e = runtime_->define(llvm::orc::absoluteSymbols(std::move(symbols)))) return e;
    return add_wrappers();
}

llvm::Error code_service::add_wrappers() {
    auto generator = code_generator::make(make_machine(), {.level = 0, .cpu = {}});
    if (not generator) return llvm::createStringError(generator.error().message);
    const llvm::TargetMachine &machine = (*generator)->machine();
    llvm::LLVMContext context;
    const std::unique_ptr<llvm::Module> module = make_wrappers(context);
    module->setDataLayout(machine.createDataLayout());
    module->setTargetTriple(triple_);
    return jit_->addObjectFile(*runtime_, (*generator)->emit(*module));
}

llvm::orc::SymbolMap code_service::symbols_of(const compat::build_input &input,
                                              const native_program *program) {
    llvm::orc::SymbolMap symbols;
    const auto add = [&](const std::string &name, uint64_t address) {
        symbols[jit_->mangleAndIntern(name)] = {llvm::orc::ExecutorAddr{address},
                                                llvm::JITSymbolFlags::Exported};
    };
    add(program_symbol, reinterpret_cast<uint64_t>(program));
    input.linked.for_each_helper([&](uint32_t id, const compat::helper_binding &helper) {
        // With a secret, code calls helpers through their bindings alone, and no address is to lie
        // about.
        if (input.config.pointer_secret == 0 and helper.code(0) != 0)
            add(helper_symbol(id), helper.code(0));
        add(helper_context_symbol(id), reinterpret_cast<uint64_t>(helper.context()));
        add(helper_binding_symbol(id), reinterpret_cast<uint64_t>(&helper));
    });
    return symbols;
}

result<loaded_code> code_service::load(std::unique_ptr<llvm::MemoryBuffer> object,
                                       const compat::build_input &input,
                                       const native_program *program,
                                       std::span<const host_address> others) {
    reported.clear();
    llvm::orc::ExecutionSession &session = jit_->getExecutionSession();
    llvm::orc::JITDylib &library =
        session.createBareJITDylib(fmt::format("program{}", next_library_.fetch_add(1)));
    auto owner = std::make_unique<library_memory>(*jit_, library);
    library.addToLinkOrder(*runtime_);
    llvm::orc::SymbolMap symbols = symbols_of(input, program);
    for (const host_address &other : others) {
        symbols[jit_->mangleAndIntern(other.symbol)] = {
            llvm::orc::ExecutorAddr::fromPtr(other.address), llvm::JITSymbolFlags::Exported};
    }
    if (llvm::Error e = library.define(llvm::orc::absoluteSymbols(std::move(symbols))))
        return std::unexpected{internal_error("compiled code cannot be linked", std::move(e))};
    if (llvm::Error e = jit_->addObjectFile(library, std::move(object)))
        return std::unexpected{internal_error("compiled code cannot be loaded", std::move(e))};
    llvm::orc::SymbolLookupSet wanted;
    const auto main = jit_->mangleAndIntern(main_symbol);
    const auto entry = jit_->mangleAndIntern(entry_symbol);
    const auto call_back = jit_->mangleAndIntern(call_back_symbol);
    wanted.add(main).add(entry);
    wanted.add(call_back, llvm::orc::SymbolLookupFlags::WeaklyReferencedSymbol);
    auto found = session.lookup({{&library, llvm::orc::JITDylibLookupFlags::MatchAllSymbols}},
                                std::move(wanted));
    if (not found) return std::unexpected{link_error(found.takeError())};
    return loaded_code{std::move(owner), (*found)[main].getAddress().toPtr<entry_function>(),
                       (*found)[entry].getAddress().toPtr<compat::precompiled_ebpf_function>(),
                       (*found)[call_back].getAddress().toPtr<call_back_function>()};
}

/// Of the functions in an object file.
struct code_size {
    std::size_t largest_frame = 0;
    uint64_t bytes = 0;
};

code_size size_in(const llvm::MemoryBuffer &object) {
    code_size size;
    auto file = llvm::object::ObjectFile::createELFObjectFile(object.getMemBufferRef());
    if (not file) {
        llvm::consumeError(file.takeError());
        return size;
    }
    for (const llvm::object::SectionRef &section : (*file)->sections()) {
        if (section.isText()) size.bytes += section.getSize();
        auto name = section.getName();
        if (not name or *name != ".stack_sizes") {
            llvm::consumeError(name.takeError());
            continue;
        }
        auto contents = section.getContents();
        if (not contents) {
            llvm::consumeError(contents.takeError());
            continue;
        }
        const llvm::DataExtractor rows{*contents, true, sizeof(void *)};
        uint64_t at = 0;
        while (rows.isValidOffset(at)) {
            rows.getAddress(&at);
            size.largest_frame = std::max<std::size_t>(size.largest_frame, rows.getULEB128(&at));
        }
    }
    return size;
}

void dump(const llvm::Module &module, const char *when) {
    if (not is_set("LLVM_JIT_DUMP_IR")) return;
    std::string text = fmt::format("; --- {} optimization\n", when);
    llvm::raw_string_ostream{text} << module;
    std::fwrite(text.data(), 1, text.size(), stderr);
}

void dump_assembly(const llvm::Module &module, llvm::TargetMachine &machine) {
    if (not is_set("LLVM_JIT_DUMP_ASM")) return;
    llvm::SmallVector<char, 0> text;
    llvm::raw_svector_ostream out{text};
    llvm::legacy::PassManager passes;
    if (machine.addPassesToEmitFile(passes, out, nullptr, llvm::CodeGenFileType::AssemblyFile))
        return;
    passes.run(*llvm::CloneModule(module));
    std::fwrite(text.data(), 1, text.size(), stderr);
}

void set_target(llvm::Module &module, const llvm::TargetMachine &machine) {
    for (llvm::Function &fn : module.functions()) {
        if (fn.isDeclaration()) continue;
        fn.addFnAttr("target-cpu", machine.getTargetCPU());
        fn.addFnAttr("target-features", machine.getTargetFeatureString());
        // Frames larger than a page touch each of their pages: none skips the one that guards the
        // host's stack.
        fn.addFnAttr("probe-stack", "inline-asm");
    }
}

/// Whether the machine's CPU has all that bodies of helpers were compiled for, beyond what every
/// CPU of its kind has: LLVM ends the process at instructions that it cannot select.
result<void> check_bodies(llvm::Module &module, const llvm::TargetMachine &machine) {
    const llvm::MCSubtargetInfo &cpu = *machine.getMCSubtargetInfo();
    const bool is_x86 = machine.getTargetTriple().getArch() == llvm::Triple::x86_64;
    const std::unique_ptr<llvm::MCSubtargetInfo> least{machine.getTarget().createMCSubtargetInfo(
        machine.getTargetTriple().str(), is_x86 ? "x86-64" : "generic", "")};
    for (llvm::Function &fn : module.functions()) {
        const llvm::Attribute wanted = fn.getFnAttribute(body_features);
        if (not wanted.isStringAttribute()) continue;
        llvm::SmallVector<llvm::StringRef, 64> features;
        wanted.getValueAsString().split(features, ',');
        for (const llvm::SubtargetFeatureKV &known : cpu.getAllProcessorFeatures()) {
            const bool is_wanted = std::ranges::any_of(features, [&](llvm::StringRef f) {
                return f.consume_front("+") and f == known.Key;
            });
            if (not is_wanted or cpu.getFeatureBits().test(known.Value) or
                least->getFeatureBits().test(known.Value))
                continue;
            return std::unexpected{make_error(
                error_code::unsupported,
                fmt::format("{} was compiled for a CPU with {}, which '{}' has not: compile the "
                            "bitcode without it, or choose another CPU",
                            fn.getName().str(), known.Key, machine.getTargetCPU().str()))};
        }
        fn.removeFnAttr(body_features);
    }
    return {};
}

/// Lets blocks that branch weights say are rare be moved out of loops, which is done in functions
/// with a profile alone. How often the functions are said to be called makes no difference.
void move_rare_blocks_away(llvm::Module &module) {
    constexpr uint64_t calls = 1000;
    for (llvm::Function &fn : module.functions()) {
        if (not fn.isDeclaration()) fn.setEntryCount(calls);
    }
}

/// What LLVM works on for one program.
struct compilation {
    deadline until;
    llvm::LLVMContext context;
    llvm::Module module{"bpf", context};
    generator_ptr generator;
    std::unique_ptr<llvm::MemoryBuffer> object;

    result<loaded_code> run(code_service &service, const compat::build_input &input,
                            const native_program *program,
                            const std::function<void(llvm::Module &)> &change);
    [[nodiscard]] result<void> take_generator(code_service &service,
                                              const compat::vm_config &config, unsigned level);
};

result<void> compilation::take_generator(code_service &service, const compat::vm_config &config,
                                         unsigned level) {
    auto taken = service.take_generator({.level = level, .cpu = config.cpu});
    if (not taken) return std::unexpected{std::move(taken.error())};
    generator = std::move(*taken);
    return {};
}

/// When to stop optimising what is compiled from now on.
deadline deadline_for(const compat::vm_config &config) {
    using std::chrono::microseconds;
    constexpr auto day = static_cast<uint64_t>(microseconds{std::chrono::days{1}}.count());
    if (config.compile_microseconds == 0 or config.compile_microseconds > day) return no_deadline;
    return deadline::clock::now() +
           microseconds{static_cast<microseconds::rep>(config.compile_microseconds)};
}

result<loaded_code> compilation::run(code_service &service, const compat::build_input &input,
                                     const native_program *program,
                                     const std::function<void(llvm::Module &)> &change) {
    // Names of blocks and values are for who reads a dump: of large programs, they are a tenth of
    // the IR.
    context.setDiscardValueNames(not is_set("LLVM_JIT_DUMP_IR") and
                                 not is_set("LLVM_JIT_DUMP_ASM"));
    module.setDataLayout(service.layout());
    module.setTargetTriple(service.triple());
    counters counted;
    compile_to_ir(input, module, counted);
    const auto others = link_helper_bodies(input, module, counted);
    if (not others) return std::unexpected{others.error()};
    counted.add(counter::constant_maps, fold_constant_maps(input.linked, module));
    const unsigned level = level_for(input.config.optimization_level, size_of(module));
    if (auto taken = take_generator(service, input.config, level); not taken)
        return std::unexpected{std::move(taken.error())};
    if (auto fit = check_bodies(module, generator->machine()); not fit) {
        service.give_back(std::move(generator));
        return std::unexpected{std::move(fit.error())};
    }
    set_target(module, generator->machine());
    dump(module, "before");
    counted.add(counter::ir_before, module.getInstructionCount());
    optimize(module, generator->machine(),
             {.level = level, .for_size = input.config.prefers_size, .until = until}, counted);
    counted.add(counter::ir_after, module.getInstructionCount());
    if (level > 0 and deadline::clock::now() >= until) {
        // The other ways to make code take more than linear time in what was not optimised.
        service.give_back(std::move(generator));
        if (auto taken = take_generator(service, input.config, 0); not taken)
            return std::unexpected{std::move(taken.error())};
    }
    move_rare_blocks_away(module);
    dump(module, "after");
    dump_assembly(module, generator->machine());
    if (change) change(module);
    object = generator->emit(module);
    service.give_back(std::move(generator));
    const code_size size = size_in(*object);
    counted.add(counter::code_bytes, size.bytes);
    auto code = service.load(std::move(object), input, program, *others);
    if (code) {
        code->set_largest_frame(size.largest_frame);
        code->set_counted(counted);
    }
    return code;
}

}  // namespace

result<void> check_processor(const std::string &name) {
    const auto service = code_service::get();
    if (not service) return std::unexpected{service.error()};
    return (*service)->check_processor(name);
}

result<loaded_code> generate_native_code(const compat::build_input &input,
                                         const native_program *program,
                                         const std::function<void(llvm::Module &)> &change) {
    const auto service = code_service::get();
    if (not service) return std::unexpected{service.error()};
    auto compiling = std::make_unique<compilation>(deadline_for(input.config));
    try {
        return compiling->run(**service, input, program, change);
    } catch (const std::bad_alloc &) {
        // LLVM is built without exceptions, so what it was doing is half done and cannot be taken
        // down: it is left alone.
        static_cast<void>(compiling.release());
        return std::unexpected{
            make_error(error_code::out_of_memory,
                       fmt::format("no memory to compile {} instructions", input.code.size()))};
    }
}

}  // namespace bpftime::vm::llvm_jit
