// bpftime-vm: programs in their VMs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runner.hpp"

#include "log.hpp"
#include "output.hpp"
#include "runtime/helpers.hpp"
#include "runtime/iterator.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace bpftime::vm::cli {

namespace {

constexpr auto fault_names = std::to_array<std::string_view>({
    "none",
    "out_of_bounds_read",
    "out_of_bounds_write",
    "read_only_write",
    "misaligned_atomic",
    "call_depth_exceeded",
    "instruction_limit",
    "interrupted",
    "bad_call_target",
    "bad_jump_target",
    "bad_map",
    "unavailable",
    "bad_input",
});
static_assert(fault_names.size() == EBPF_FAULT_BAD_INPUT + 1);

constexpr auto region_names = std::to_array<std::string_view>({
    "none",
    "input",
    "stack",
    "registered",
    "run",
    "granted",
});
static_assert(region_names.size() == EBPF_REGION_GRANTED + 1);

exit_code exit_code_of(int64_t error) {
    switch (error) {
    case EBPF_ERROR_UNSUPPORTED: return exit_code::unsupported;
    case EBPF_ERROR_FAULT: return exit_code::fault;
    case EBPF_ERROR_INTERNAL: return exit_code::internal;
    default: return exit_code::bad_input;
    }
}

outcome<void> configure(ebpf_vm *vm, const runner_options &options) {
    if (const int e = ebpf_set_max_insns(vm, options.max_insns); e < 0) return library_failure(e);
    if (options.instruction_limit) {
        const int e = ebpf_set_instruction_limit(vm, *options.instruction_limit);
        if (e < 0) return library_failure(e);
    }
    ebpf_toggle_bounds_check(vm, options.bounds_check);
    ebpf_optimize_options optimize = EBPF_OPTIMIZE_DEFAULTS;
    optimize.prefer_size = options.prefers_size ? 1 : 0;
    if (not options.cpu.empty()) optimize.cpu = options.cpu.c_str();
    if (const int e = ebpf_optimize(vm, &optimize); e < 0) return library_failure(e);
    return {};
}

/// All that a program of this type may call without maps, and what its input is.
outcome<void> register_helpers(ebpf_vm &vm, program_type type, runtime::context_use use,
                               const runtime::trace_sink &sink) {
    if (auto done = runtime::register_helpers(vm); not done) return fail("", done.error());
    if (auto done = runtime::register_trace(vm, sink); not done) return fail("", done.error());
    if (runtime::context_layout_of(type) == nullptr) return {};
    if (auto done = runtime::register_packet_helpers(vm); not done) return fail("", done.error());
    auto done = runtime::declare_context(vm, type, use);
    return done ? outcome<void>{} : fail("", done.error());
}

/// The code as it runs with our contexts.
outcome<runtime::adapted_code> adapt(std::span<const uint8_t> code, program_type type) {
    const auto loaded = program::load(code, {.max_insns = most_max_insns, .jump_targets = {}});
    // What is wrong with it, the VM says.
    if (not loaded) return runtime::adapted_code{{code.begin(), code.end()}};
    auto adapted = runtime::rewrite_context_accesses(code, *loaded, type);
    if (not adapted) return fail("", adapted.error());
    return std::move(*adapted);
}

outcome<void> load(ebpf_vm *vm, std::span<const uint8_t> code) {
    if (code.size() > std::numeric_limits<uint32_t>::max()) {
        return fail(exit_code::bad_input, "a program of {} bytes is too large", code.size());
    }
    char *message = nullptr;
    const int e = ebpf_load(vm, code.data(), static_cast<uint32_t>(code.size()), &message);
    const std::unique_ptr<char, decltype(&ebpf_free)> owner{message, ebpf_free};
    if (e >= 0) return {};
    return fail(exit_code_of(e), "{}", message == nullptr ? ebpf_last_error() : message);
}

}  // namespace

std::unexpected<failure> library_failure(int64_t error) {
    return std::unexpected{failure{exit_code_of(error), ebpf_last_error()}};
}

fault_values last_fault() {
    fault_values last;
    ebpf_last_fault(&last);
    ebpf_fault_source source{};
    if (ebpf_last_fault_source(&source) == 1) {
        last.function = source.function;
        last.file = source.file;
        last.line = source.line;
        last.text = source.text;
    }
    return last;
}

std::string_view runnable::name() const noexcept {
    return loaded_ == nullptr ? std::string_view{} : loaded_->info.name;
}

std::string_view runnable::section() const noexcept {
    return loaded_ == nullptr ? std::string_view{} : loaded_->info.section;
}

std::vector<compat::compile_stat> runnable::compile_stats() const {
    std::vector<compat::compile_stat> stats;
    if (vm_->compile_stats(stats) != EBPF_OK) stats.clear();
    return stats;
}

outcome<run_result> runnable::explain(int64_t error) const {
    if (error != EBPF_ERROR_FAULT) return library_failure(error);
    return run_result{std::unexpected{run_fault{last_fault(), ebpf_last_error()}}};
}

outcome<run_result> runnable::run(std::span<uint8_t> memory) const {
    int64_t r0 = 0;
    const int64_t e = vm_->exec(memory.data(), memory.size(), r0);
    return e >= 0 ? run_result{static_cast<uint64_t>(r0)} : explain(e);
}

outcome<run_result> runnable::run(runtime::packet_context &packet) const {
    int64_t r0 = 0;
    const int64_t e = packet.exec(*vm_, r0);
    return e >= 0 ? run_result{static_cast<uint32_t>(r0)} : explain(e);
}

outcome<std::string> runnable::iterate(const std::shared_ptr<runtime::map> &over) const {
    auto text = runtime::iterate(*loaded_, over);
    return text ? outcome<std::string>{std::move(*text)} : fail("", text.error());
}

void trace_log::take(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    ++count_;
    if (not keep_)
        fmt::print(stderr, "{}\n", without_controls(text));
    else if (lines_.size() < most_kept)
        lines_.emplace_back(text);
}

runner::runner(const runner_options &options)
    : trace_{std::make_unique<trace_log>(options.keep_trace)},
      sink_{std::make_unique<runtime::trace_sink>(
          [log = trace_.get()](std::string_view text) { log->take(text); })} {}

void runner::finish_run() {
    if (object_) {
        const runtime::timer_runs now = object_->run_timers();
        timers_.ran += now.ran;
        timers_.faulted += now.faulted;
    }
    records_.drain();
}

outcome<runner> runner::create(const runner_options &options, std::span<const uint8_t> code) {
    runner r{options};
    const program_type type = options.type.value_or(program_type::generic);
    const std::shared_ptr<ebpf_vm> vm{ebpf_create(options.vm.c_str()), ebpf_destroy};
    if (vm == nullptr) return fail(exit_code::unsupported, "{}", ebpf_last_error());
    log_debug(fmt::format("using backend {}", vm->name()));
    const auto adapted = adapt(code, type);
    if (not adapted) return std::unexpected{adapted.error()};
    for (auto done :
         {configure(vm.get(), options), register_helpers(*vm, type, adapted->use, *r.sink_),
          load(vm.get(), adapted->code)}) {
        if (not done) return std::unexpected{std::move(done.error())};
    }
    // Now, so that times are those of runs. Whatever stands in the way, the first run says.
    ebpf_compile(vm.get(), nullptr);
    r.programs_.emplace_back(type, code.size() / isa::slot_size, vm);
    return r;
}

outcome<runner> runner::create(const runner_options &options, const program_file &file,
                               const std::vector<const object::function_info *> &programs,
                               const map_wishes &wishes) {
    const auto set_limits = [&](ebpf_vm &vm) -> result<void> {
        auto done = configure(&vm, options);
        if (done) return {};
        return std::unexpected{make_error(error_code::invalid_argument, done.error().message)};
    };
    runner r{options};
    auto all = programs;
    for (const object::function_info *const target : wishes.targets) {
        if (std::ranges::find(all, target) == all.end()) all.push_back(target);
    }
    const auto choose_size = [&](map_definition &d) {
        const auto chosen = wishes.max_entries.find(d.name);
        if (chosen != wishes.max_entries.end()) d.max_entries = chosen->second;
    };
    auto object = runtime::loaded_object::load(*file.object, {.programs = all,
                                                              .load_targets = true,
                                                              .backend = options.vm,
                                                              .configure = set_limits,
                                                              .adjust = choose_size,
                                                              .wanted_maps = wishes.maps,
                                                              .pin_folder = options.pin_folder,
                                                              .pinned_maps = options.pinned_maps,
                                                              .target = file.target,
                                                              .trace = *r.sink_,
                                                              .type = options.type});
    if (not object) return fail("", object.error());
    r.object_ = std::move(*object);
    for (const runtime::loaded_program &p : r.object_->programs()) {
        ebpf_compile(p.vm.get(), nullptr);
        const auto number = static_cast<std::size_t>(&p - r.object_->programs().data());
        if (number >= programs.size()) continue;  // it is there for tail calls
        const bool iterates = not options.type and runtime::iterates_over_maps(p.info.section);
        (iterates ? r.iterators_ : r.programs_).emplace_back(p);
    }
    log_debug(fmt::format("using backend {}", r.vm_name()));
    if (auto done = r.records_.watch(*r.object_); not done)
        return std::unexpected{std::move(done.error())};
    return r;
}

std::vector<std::string> list_vms() {
    std::vector<const char *> names(ebpf_list_vms(nullptr, 0));
    names.resize(std::min(names.size(), ebpf_list_vms(names.data(), names.size())));
    return {names.begin(), names.end()};
}

std::string_view fault_name(uint32_t kind) noexcept {
    return kind < fault_names.size() ? fault_names[kind] : "unknown";
}

std::string_view region_name(uint32_t kind) noexcept {
    return kind < region_names.size() ? region_names[kind] : "unknown";
}

}  // namespace bpftime::vm::cli
