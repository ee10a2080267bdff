// bpftime-vm: a VM with one program
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runner.hpp"

#include "helpers.hpp"
#include "log.hpp"

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
});
static_assert(fault_names.size() == EBPF_FAULT_BAD_JUMP_TARGET + 1);

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

}  // namespace

outcome<runner> runner::create(const runner_options &options, std::span<const uint8_t> code) {
    runner r{ebpf_create(options.vm.c_str())};
    if (not r.vm_) return fail(exit_code::unsupported, "{}", ebpf_last_error());
    log_debug(fmt::format("using backend {}", r.vm_name()));
    if (auto done = r.configure(options); not done) return std::unexpected{std::move(done.error())};
    if (auto done = r.load(code); not done) return std::unexpected{std::move(done.error())};
    // Now, so that times are those of runs. Whatever stands in the way, the first run says.
    ebpf_compile(r.vm_.get(), nullptr);
    return r;
}

outcome<void> runner::configure(const runner_options &options) {
    if (const int e = ebpf_set_max_insns(vm_.get(), options.max_insns); e < 0)
        return library_failure(e);
    if (options.instruction_limit) {
        const int e = ebpf_set_instruction_limit(vm_.get(), *options.instruction_limit);
        if (e < 0) return library_failure(e);
    }
    ebpf_toggle_bounds_check(vm_.get(), options.bounds_check);
    return register_helpers(vm_.get());
}

outcome<void> runner::load(std::span<const uint8_t> code) {
    if (code.size() > std::numeric_limits<uint32_t>::max()) {
        return fail(exit_code::bad_input, "a program of {} bytes is too large", code.size());
    }
    char *message = nullptr;
    const int e = ebpf_load(vm_.get(), code.data(), static_cast<uint32_t>(code.size()), &message);
    const std::unique_ptr<char, decltype(&ebpf_free)> owner{message, ebpf_free};
    if (e >= 0) return {};
    return fail(exit_code_of(e), "{}", message == nullptr ? ebpf_last_error() : message);
}

outcome<run_result> runner::run(std::span<uint8_t> memory, std::span<const ebpf_region> regions) {
    int64_t r0 = 0;
    const int64_t e = ebpf_exec_regions(vm_.get(), memory.data(), memory.size(), regions.data(),
                                        regions.size(), &r0);
    if (e >= 0) return run_result{static_cast<uint64_t>(r0)};
    if (e != EBPF_ERROR_FAULT) return library_failure(e);
    run_fault fault{{}, ebpf_last_error()};
    ebpf_last_fault(&fault.fault);
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
