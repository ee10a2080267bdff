// bpftime-vm: what a backend does that does not override a function
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bpftime_vm_compat.hpp"
#include "compat/last_error.hpp"

namespace bpftime::vm::compat {

namespace {
/// Whether this thread's last register_external_function() was the default one, which cannot return
/// that it failed.
thread_local bool helper_refused = false;
}  // namespace

program_source::program_source() = default;
program_source::~program_source() = default;

bpftime_vm_impl::bpftime_vm_impl() = default;
bpftime_vm_impl::~bpftime_vm_impl() = default;

int64_t bpftime_vm_impl::set_error(int64_t code, const std::string &message) const {
    set_last_error(message);
    try {
        if (error_print_ != nullptr) error_print_(stderr, "%s\n", message.c_str());
    } catch (...) {
        return code;  // the error itself must not get lost
    }
    return code;
}

int bpftime_vm_impl::not_supported(const char *feature) const {
    return static_cast<int>(
        set_error(EBPF_ERROR_UNSUPPORTED,
                  std::string{feature} + " is not supported by backend " + backend_name_));
}

std::string bpftime_vm_impl::get_error_message() { return last_error(); }

void bpftime_vm_impl::register_error_print_callback(int (*fn)(FILE *, const char *, ...)) {
    error_print_ = fn;
}

precompiled_ebpf_function bpftime_vm_impl::compile() {
    not_supported("compile");
    return nullptr;
}

void bpftime_vm_impl::unload_code() { not_supported("unload_code"); }

void bpftime_vm_impl::register_external_function(size_t, const std::string &, external_function_t) {
    not_supported("register_external_function");
    helper_refused = true;
}

int bpftime_vm_impl::register_helper(const ebpf_helper &helper) {
    if (helper.ctx_fn != nullptr) return not_supported("a helper with a context");
    helper_refused = false;
    register_external_function(helper.id, helper.name == nullptr ? "" : helper.name, helper.fn);
    return helper_refused ? EBPF_ERROR_UNSUPPORTED : EBPF_OK;
}

int bpftime_vm_impl::register_helper_bitcode(size_t, const std::string &,
                                             const std::vector<uint8_t> &) {
    return not_supported("register_helper_bitcode");
}
int bpftime_vm_impl::unregister_external_function(size_t) {
    return not_supported("unregister_external_function");
}
int bpftime_vm_impl::set_unwind_function_index(size_t) {
    return not_supported("set_unwind_function_index");
}
int bpftime_vm_impl::set_lddw_helpers(const lddw_helpers &) {
    return not_supported("set_lddw_helpers");
}
int bpftime_vm_impl::set_inline_map(int, void *) { return not_supported("set_inline_map"); }
int bpftime_vm_impl::set_inline_map(int, void *, const ebpf_inline_map &) {
    return not_supported("set_inline_map");
}

bool bpftime_vm_impl::toggle_bounds_check(bool) {
    not_supported("toggle_bounds_check");
    return false;
}

int bpftime_vm_impl::set_pointer_secret(uint64_t) { return not_supported("set_pointer_secret"); }
int bpftime_vm_impl::set_limit(vm_limit, uint64_t) { return not_supported("set_limit"); }
int bpftime_vm_impl::optimize(const ebpf_optimize_options &) { return EBPF_OK; }
int bpftime_vm_impl::register_region(const ebpf_region &) {
    return not_supported("register_region");
}
int bpftime_vm_impl::unregister_region(void *) { return not_supported("unregister_region"); }
int bpftime_vm_impl::set_jump_targets(const uint32_t *, size_t) {
    return not_supported("set_jump_targets");
}

int bpftime_vm_impl::declare_input(const ebpf_input *) { return not_supported("declare_input"); }

int64_t bpftime_vm_impl::exec_regions(void *mem, size_t mem_len, const ebpf_region *,
                                      size_t region_count, int64_t &result) {
    if (region_count != 0) return not_supported("exec_regions");
    return exec(mem, mem_len, result);
}

int bpftime_vm_impl::interrupt() { return not_supported("interrupt"); }
int bpftime_vm_impl::verify(ebpf_verify_level, verify_report &) { return not_supported("verify"); }
void bpftime_vm_impl::set_source(std::shared_ptr<const program_source>) {}
int bpftime_vm_impl::compile_stats(std::vector<compile_stat> &stats) {
    stats.clear();
    return EBPF_OK;
}

std::vector<uint8_t> bpftime_vm_impl::do_aot_compile() {
    not_supported("do_aot_compile");
    return {};
}

std::vector<uint8_t> bpftime_vm_impl::do_aot_compile_with(const ebpf_aot_options &) {
    return do_aot_compile();
}

precompiled_ebpf_function bpftime_vm_impl::load_aot_object(const std::vector<uint8_t> &) {
    not_supported("load_aot_object");
    return nullptr;
}

std::optional<std::vector<std::string>> bpftime_vm_impl::do_get_ptx() {
    not_supported("do_get_ptx");
    return std::nullopt;
}

}  // namespace bpftime::vm::compat
