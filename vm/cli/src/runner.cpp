// bpftime-vm: a VM with one program
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runner.hpp"

#include "helpers.hpp"
#include "log.hpp"
#include "runtime/helpers.hpp"

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
});
static_assert(fault_names.size() == EBPF_FAULT_UNAVAILABLE + 1);

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

std::unexpected<failure> library_failure(int64_t error) {
    return std::unexpected{failure{exit_code_of(error), ebpf_last_error()}};
}

outcome<void> configure(ebpf_vm *vm, const runner_options &options) {
    if (const int e = ebpf_set_max_insns(vm, options.max_insns); e < 0) return library_failure(e);
    if (options.instruction_limit) {
        const int e = ebpf_set_instruction_limit(vm, *options.instruction_limit);
        if (e < 0) return library_failure(e);
    }
    ebpf_toggle_bounds_check(vm, options.bounds_check);
    return {};
}

outcome<void> register_helpers(ebpf_vm *vm) {
    if (auto done = runtime::register_helpers(*vm); not done) return fail("", done.error());
    for (const ebpf_helper &helper : own_helpers()) {
        if (const int e = ebpf_register_typed(vm, &helper); e < 0) return library_failure(e);
    }
    return {};
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

outcome<runner> runner::create(const runner_options &options, std::span<const uint8_t> code) {
    runner r{std::shared_ptr<ebpf_vm>{ebpf_create(options.vm.c_str()), ebpf_destroy}};
    ebpf_vm *const vm = r.vm_.get();
    if (vm == nullptr) return fail(exit_code::unsupported, "{}", ebpf_last_error());
    log_debug(fmt::format("using backend {}", r.vm_name()));
    for (auto done : {configure(vm, options), register_helpers(vm), load(vm, code)}) {
        if (not done) return std::unexpected{std::move(done.error())};
    }
    // Now, so that times are those of runs. Whatever stands in the way, the first run says.
    ebpf_compile(vm, nullptr);
    return r;
}

outcome<runner> runner::create(const runner_options &options, const object::object_file &file,
                               const object::function_info &program) {
    const auto set_limits = [&](ebpf_vm &vm) -> result<void> {
        auto done = configure(&vm, options);
        if (done) return {};
        return std::unexpected{make_error(error_code::invalid_argument, done.error().message)};
    };
    auto object = runtime::loaded_object::load(file, {.programs = {&program},
                                                      .backend = options.vm,
                                                      .helpers = own_helpers(),
                                                      .configure = set_limits});
    if (not object) return fail("", object.error());
    runner r{object->programs().front().vm};
    r.object_ = std::move(*object);
    log_debug(fmt::format("using backend {}", r.vm_name()));
    if (auto done = r.records_.watch(*r.object_); not done)
        return std::unexpected{std::move(done.error())};
    ebpf_compile(r.vm_.get(), nullptr);
    return r;
}

outcome<run_result> runner::run(std::span<uint8_t> memory, std::span<const ebpf_region> regions) {
    int64_t r0 = 0;
    const int64_t e = ebpf_exec_regions(vm_.get(), memory.data(), memory.size(), regions.data(),
                                        regions.size(), &r0);
    if (e >= 0) return run_result{static_cast<uint64_t>(r0)};
    if (e != EBPF_ERROR_FAULT) return library_failure(e);
    run_fault fault{{}, ebpf_last_error()};
    ebpf_last_fault(&fault.fault);
    if (object_ and fault.fault.kind == EBPF_FAULT_UNAVAILABLE)
        fault.message.append(": ").append(
            object_->programs().front().why_unavailable(fault.fault.pc));
    return run_result{std::unexpected{std::move(fault)}};
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
