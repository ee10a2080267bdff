// bpftime-vm: the C API: struct ebpf_vm's functions without exceptions
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "ebpf-vm.h"

#include "bpftime_vm_compat.hpp"
#include "compat/c_boundary.hpp"
#include "compat/fault.hpp"
#include "compat/last_error.hpp"
#include "compat/run.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <mutex>
#include <new>
#include <string_view>
#include <type_traits>

using namespace bpftime::vm;
using compat::vm_limit;

namespace {

/// Apart from what runs programs, which keeps little on the stack then.
[[gnu::cold, gnu::noinline]] int refuse(std::string message) {
    compat::set_last_error(std::move(message));
    return EBPF_ERROR_INVALID_ARGUMENT;
}

/// Runs `body` without letting exceptions out. They are errors of `vm` if there is one.
template <typename Body>
auto guarded(Body &&body, const ebpf_vm *vm = nullptr) noexcept {
    return compat::guarded(std::forward<Body>(body), [vm](int code, const char *what) {
        if (vm != nullptr)
            vm->fail(code, what);
        else
            compat::set_last_error(what);
    });
}

[[gnu::cold, gnu::noinline]] int refuse_null() { return refuse("vm is NULL"); }

/// The same for functions of a VM, which must not be NULL.
template <typename Body>
auto with(ebpf_vm *vm, Body &&body) noexcept -> std::invoke_result_t<Body, ebpf_vm &> {
    if (vm == nullptr)
        return compat::failed_value<std::invoke_result_t<Body, ebpf_vm &>>(refuse_null());
    return guarded([&] { return body(*vm); }, vm);
}

int refuse(const ebpf_vm &vm, const char *message) {
    return static_cast<int>(vm.fail(EBPF_ERROR_INVALID_ARGUMENT, message));
}

void report(char **errmsg, bool failed) noexcept {
    if (errmsg == nullptr) return;
    *errmsg = failed ? strdup(compat::last_error().c_str()) : nullptr;
}

/// The string in storage that lives as long as the process.
const char *keep_forever(const std::string &text) {
    static auto &lock = *new std::mutex;
    static auto &kept = *new std::deque<std::string>;
    const std::lock_guard guard{lock};
    const auto it = std::ranges::find(kept, text);
    return it != kept.end() ? it->c_str() : kept.emplace_back(text).c_str();
}

/// What ebpf_verify() gives: the report for C over the words that it points to.
struct kept_report : ebpf_verify_report {
    explicit kept_report(compat::verify_report &&found)
        : ebpf_verify_report{.safety = static_cast<uint32_t>(found.safety),
                             .fault_pc = found.fault_pc,
                             .accesses = found.accesses,
                             .proven = found.proven,
                             .covered = found.covered,
                             .checked = found.checked,
                             .faulting = found.faulting,
                             .other_checks = found.other_checks,
                             .loops = found.loops,
                             .unbounded_loops = found.unbounded_loops,
                             .is_complete = found.is_complete,
                             .summary = nullptr,
                             .notes = nullptr,
                             .note_count = found.notes.size()},
          words{std::move(found)} {
        rows.reserve(words.notes.size());
        for (const auto &n : words.notes)
            rows.push_back({n.pc, static_cast<uint32_t>(n.proof), n.text.c_str()});
        summary = words.summary.c_str();
        notes = rows.data();
    }
    kept_report(const kept_report &) = delete;
    kept_report &operator=(const kept_report &) = delete;

    const compat::verify_report words;
    std::vector<ebpf_verify_note> rows;
};

constexpr auto error_names = std::to_array<const char *>(
    {"ok", "invalid argument", "invalid program", "not supported",
     "unresolved helper or lddw callback", "no program loaded", "already exists", "not found",
     "limit exceeded", "out of memory", "program fault", "internal error"});
static_assert(error_names.size() == 1 - EBPF_ERROR_INTERNAL);

}  // namespace

extern "C" {

const char *ebpf_version(void) { return BPFTIME_VM_VERSION; }

const char *ebpf_last_error(void) { return compat::last_error().c_str(); }

const char *ebpf_error_name(int error) {
    const int64_t index = -int64_t{error};
    return index >= 0 and index < std::ssize(error_names)
               ? error_names[static_cast<std::size_t>(index)]
               : "unknown error";
}

size_t ebpf_list_vms(const char **names, size_t capacity) {
    return guarded([&]() -> size_t {
        const auto all = compat::list_vm_backends();
        if (names != nullptr) {
            for (size_t i = 0; i < std::min(capacity, all.size()); ++i)
                names[i] = keep_forever(all[i]);
        }
        return all.size();
    });
}

void ebpf_free(void *ptr) { free(ptr); }

struct ebpf_vm *ebpf_create(const char *vm_name) {
    return guarded([&] { return new ebpf_vm{std::string{vm_name == nullptr ? "" : vm_name}}; });
}

void ebpf_destroy(struct ebpf_vm *vm) { delete vm; }

const char *ebpf_get_vm_name(const struct ebpf_vm *vm) {
    return with(const_cast<ebpf_vm *>(vm), [](ebpf_vm &v) { return v.name().c_str(); });
}

void ebpf_set_error_print(struct ebpf_vm *vm,
                          int (*error_printf)(FILE *stream, const char *format, ...)) {
    with(vm, [&](ebpf_vm &v) {
        v.register_error_print_callback(error_printf);
        return 0;
    });
}

int ebpf_load(struct ebpf_vm *vm, const void *code, uint32_t code_len, char **errmsg) {
    const int code_or_error = with(vm, [&](ebpf_vm &v) { return v.load_code(code, code_len); });
    report(errmsg, code_or_error < 0);
    return code_or_error;
}

void ebpf_unload_code(struct ebpf_vm *vm) {
    with(vm, [](ebpf_vm &v) {
        v.unload_code();
        return 0;
    });
}

int ebpf_set_jump_targets(struct ebpf_vm *vm, const uint32_t *pcs, size_t count) {
    return with(vm, [&](ebpf_vm &v) { return v.set_jump_targets(pcs, count); });
}

int(ebpf_register)(struct ebpf_vm *vm, unsigned int idx, const char *name, external_function_t fn) {
    return with(vm, [&](ebpf_vm &v) {
        return v.register_external_function(idx, name == nullptr ? "" : name, fn);
    });
}

int ebpf_register_ctx(struct ebpf_vm *vm, unsigned int idx, const char *name, ebpf_ctx_helper_fn fn,
                      void *context) {
    ebpf_helper helper{};
    helper.id = idx;
    helper.name = name;
    helper.ctx_fn = fn;
    helper.context = context;
    return ebpf_register_typed(vm, &helper);
}

int ebpf_register_typed(struct ebpf_vm *vm, const struct ebpf_helper *helper) {
    return with(vm, [&](ebpf_vm &v) {
        return helper == nullptr ? refuse(v, "helper is NULL") : v.register_helper(*helper);
    });
}

int ebpf_register_helper_bitcode(struct ebpf_vm *vm, unsigned int idx, const char *name,
                                 const void *bitcode, size_t size) {
    return with(vm, [&](ebpf_vm &v) {
        if (name == nullptr) return refuse(v, "name is NULL");
        if (bitcode == nullptr) return refuse(v, "bitcode is NULL");
        const auto *const bytes = static_cast<const uint8_t *>(bitcode);
        return v.register_helper_bitcode(idx, name, {bytes, bytes + size});
    });
}

int ebpf_set_inline_map(struct ebpf_vm *vm, int map_fd, void *map_ptr,
                        const struct ebpf_inline_map *map) {
    return with(vm, [&](ebpf_vm &v) {
        return map == nullptr ? v.set_inline_map(map_fd, map_ptr)
                              : v.set_inline_map(map_fd, map_ptr, *map);
    });
}

int ebpf_unregister(struct ebpf_vm *vm, unsigned int idx) {
    return with(vm, [&](ebpf_vm &v) { return v.unregister_external_function(idx); });
}

int ebpf_set_unwind_function_index(struct ebpf_vm *vm, unsigned int idx) {
    return with(vm, [&](ebpf_vm &v) { return v.set_unwind_function_index(idx); });
}

int ebpf_call_back(uint64_t function, const uint64_t arguments[5], uint64_t *result) {
    compat::run *const run = compat::run::current();
    if (run == nullptr or arguments == nullptr) {
        return guarded([&] {
            return refuse(run == nullptr ? "ebpf_call_back() works inside a helper only: no "
                                           "program is running on this thread"
                                         : "arguments is NULL");
        });
    }
    if (not run->may_call_back()) {
        return guarded([] {
            return refuse(
                "ebpf_call_back() is for helpers that are declared to take a function "
                "(EBPF_ARG_FUNCTION)");
        });
    }
    uint64_t r0 = 0;
    if (not run->call_back(function, arguments, r0)) return EBPF_ERROR_FAULT;
    if (result != nullptr) *result = r0;
    return EBPF_OK;
}

int ebpf_grant(void *ptr, size_t len, unsigned int permission) {
    return guarded([&]() -> int {
        compat::run *const run = compat::run::current();
        if (run == nullptr)
            return refuse(
                "ebpf_grant() works inside a helper only: no program is running on this thread");
        if (ptr == nullptr or len > UINTPTR_MAX - reinterpret_cast<uintptr_t>(ptr)) {
            return refuse("memory to grant is NULL or goes beyond the end of the address space");
        }
        if (permission == 0 or permission > EBPF_PERM_READ_WRITE) {
            return refuse("permission is none of EBPF_PERM_READ, _WRITE, _READ_WRITE");
        }
        run->memory().grant({reinterpret_cast<uintptr_t>(ptr), len,
                             static_cast<bpftime::vm::permission>(permission)});
        return EBPF_OK;
    });
}

int ebpf_set_lddw_helpers(struct ebpf_vm *vm, uint64_t (*map_by_fd)(uint32_t),
                          uint64_t (*map_by_idx)(uint32_t), uint64_t (*map_val)(uint64_t),
                          uint64_t (*var_addr)(uint32_t), uint64_t (*code_addr)(uint32_t)) {
    return with(vm, [&](ebpf_vm &v) {
        return v.set_lddw_helpers(map_by_fd, map_by_idx, map_val, var_addr, code_addr);
    });
}

int ebpf_set_lddw_size_helpers(struct ebpf_vm *vm, uint64_t (*map_by_fd)(uint32_t),
                               uint64_t (*map_by_idx)(uint32_t), uint64_t (*map_val)(uint64_t),
                               uint64_t (*var_addr)(uint32_t), uint64_t (*code_addr)(uint32_t)) {
    return with(vm, [&](ebpf_vm &v) {
        return v.set_lddw_size_helpers(map_by_fd, map_by_idx, map_val, var_addr, code_addr);
    });
}

int ebpf_set_map_shape_helper(struct ebpf_vm *vm,
                              const struct ebpf_map_shape *(*map_shape)(uint64_t)) {
    return with(vm, [&](ebpf_vm &v) { return v.set_map_shape_helper(map_shape); });
}

bool ebpf_toggle_bounds_check(struct ebpf_vm *vm, bool enable) {
    return with(vm, [&](ebpf_vm &v) { return v.toggle_bounds_check(enable); });
}

int ebpf_register_region(struct ebpf_vm *vm, void *ptr, size_t len, unsigned int permission) {
    return with(vm, [&](ebpf_vm &v) { return v.register_region(ptr, len, permission); });
}

int ebpf_verify(struct ebpf_vm *vm, unsigned int level, struct ebpf_verify_report **report) {
    return with(vm, [&](ebpf_vm &v) -> int {
        if (report == nullptr) return refuse(v, "report is NULL");
        *report = nullptr;
        compat::verify_report found;
        const int error = v.verify(static_cast<ebpf_verify_level>(level), found);
        if (error == EBPF_OK) *report = new kept_report{std::move(found)};
        return error;
    });
}

void ebpf_free_verify_report(struct ebpf_verify_report *report) {
    delete static_cast<kept_report *>(report);
}

int ebpf_unregister_region(struct ebpf_vm *vm, void *ptr) {
    return with(vm, [&](ebpf_vm &v) { return v.unregister_region(ptr); });
}

int ebpf_set_instruction_limit(struct ebpf_vm *vm, uint64_t limit) {
    return with(vm, [&](ebpf_vm &v) { return v.set_limit(vm_limit::instructions, limit); });
}

int ebpf_set_max_insns(struct ebpf_vm *vm, uint32_t count) {
    return with(vm, [&](ebpf_vm &v) { return v.set_limit(vm_limit::insns, count); });
}

int ebpf_set_max_helpers(struct ebpf_vm *vm, uint32_t count) {
    return with(vm, [&](ebpf_vm &v) { return v.set_limit(vm_limit::helpers, count); });
}

int ebpf_set_stack_size(struct ebpf_vm *vm, uint32_t bytes) {
    return with(vm, [&](ebpf_vm &v) { return v.set_limit(vm_limit::stack_size, bytes); });
}

int ebpf_set_call_depth(struct ebpf_vm *vm, uint32_t frames) {
    return with(vm, [&](ebpf_vm &v) { return v.set_limit(vm_limit::call_depth, frames); });
}

int ebpf_set_optimization_level(struct ebpf_vm *vm, uint32_t level) {
    return with(vm, [&](ebpf_vm &v) { return v.set_limit(vm_limit::optimization_level, level); });
}

int ebpf_set_constant_blinding(struct ebpf_vm *vm, bool enable) {
    return with(vm, [&](ebpf_vm &v) { return v.set_limit(vm_limit::constant_blinding, enable); });
}

int ebpf_set_compile_time_limit(struct ebpf_vm *vm, uint64_t microseconds) {
    return with(vm, [&](ebpf_vm &v) { return v.set_limit(vm_limit::compile_time, microseconds); });
}

int ebpf_optimize(struct ebpf_vm *vm, const struct ebpf_optimize_options *options) {
    return with(vm, [&](ebpf_vm &v) { return v.optimize(options); });
}

int ebpf_set_compile_memory_limit(struct ebpf_vm *vm, uint64_t bytes) {
    return with(vm, [&](ebpf_vm &v) { return v.set_limit(vm_limit::compile_memory, bytes); });
}

int ebpf_declare_input(struct ebpf_vm *vm, const struct ebpf_input *input) {
    return with(vm, [&](ebpf_vm &v) { return v.declare_input(input); });
}

int ebpf_set_check_elimination(struct ebpf_vm *vm, bool enable) {
    return with(vm, [&](ebpf_vm &v) { return v.set_limit(vm_limit::check_elimination, enable); });
}

int ebpf_set_speculation_barriers(struct ebpf_vm *vm, bool enable) {
    return with(vm,
                [&](ebpf_vm &v) { return v.set_limit(vm_limit::speculation_barriers, enable); });
}

int ebpf_set_pointer_secret(struct ebpf_vm *vm, uint64_t secret) {
    return with(vm, [&](ebpf_vm &v) { return v.set_pointer_secret(secret); });
}

int64_t(ebpf_exec)(struct ebpf_vm *vm, void *mem, size_t mem_len, int64_t *result) {
    int64_t ignored = 0;
    return with(vm, [&](ebpf_vm &v) {
        return v.exec(mem, mem_len, result == nullptr ? ignored : *result);
    });
}

int64_t ebpf_exec_regions(struct ebpf_vm *vm, void *mem, size_t mem_len,
                          const struct ebpf_region *regions, size_t region_count, int64_t *result) {
    int64_t ignored = 0;
    return with(vm, [&](ebpf_vm &v) {
        return v.exec_regions(mem, mem_len, regions, region_count,
                              result == nullptr ? ignored : *result);
    });
}

int ebpf_interrupt(struct ebpf_vm *vm) {
    return with(vm, [](ebpf_vm &v) { return v.interrupt(); });
}

int ebpf_last_fault(struct ebpf_fault *fault) {
    const compat::fault &last = compat::last_fault();
    if (fault != nullptr) {
        *fault = {.kind = static_cast<uint32_t>(last.kind),
                  .pc = last.pc,
                  .region = static_cast<uint32_t>(last.region),
                  .region_index = last.region_index,
                  .offset = last.offset,
                  .size = last.size,
                  .address = last.address};
    }
    return last.kind != compat::fault_kind::none;
}

int ebpf_last_fault_source(struct ebpf_fault_source *source) {
    return guarded([source] {
        thread_local compat::instruction_source kept;
        kept = compat::last_fault_source();
        if (source != nullptr) {
            *source = {.function = kept.function.c_str(),
                       .file = kept.file.c_str(),
                       .text = kept.text.c_str(),
                       .note = kept.note.c_str(),
                       .line = kept.line,
                       .column = kept.column};
        }
        return static_cast<int>(not kept.function.empty() or kept.line != 0 or
                                not kept.note.empty());
    });
}

ebpf_jit_fn ebpf_compile(struct ebpf_vm *vm, char **errmsg) {
    const ebpf_jit_fn fn = with(vm, [](ebpf_vm &v) { return v.compile(); });
    report(errmsg, fn == nullptr);
    return fn;
}

int ebpf_compile_stats(struct ebpf_vm *vm, struct ebpf_compile_stat *stats, size_t capacity) {
    return with(vm, [&](ebpf_vm &v) {
        std::vector<compat::compile_stat> all;
        if (const int error = v.compile_stats(all); error != EBPF_OK) return error;
        const size_t wanted = stats == nullptr ? 0 : std::min(capacity, all.size());
        for (size_t i = 0; i < wanted; ++i) {
            stats[i] = {.name = keep_forever(all[i].name),
                        .description = keep_forever(all[i].description),
                        .count = all[i].count};
        }
        return static_cast<int>(all.size());
    });
}

int ebpf_aot_compile(struct ebpf_vm *vm, struct ebpf_aot_options *options, uint8_t **elf_buffer,
                     size_t *elf_size) {
    return with(vm, [&](ebpf_vm &v) -> int {
        if (elf_buffer == nullptr or elf_size == nullptr)
            return refuse(v, "elf_buffer or elf_size is NULL");
        *elf_buffer = nullptr;
        *elf_size = 0;
        const auto image = options == nullptr ? v.do_aot_compile() : v.do_aot_compile(*options);
        if (image.empty()) return EBPF_ERROR_UNSUPPORTED;
        auto *const copy = static_cast<uint8_t *>(malloc(image.size()));
        if (copy == nullptr) throw std::bad_alloc{};
        std::ranges::copy(image, copy);
        *elf_buffer = copy;
        *elf_size = image.size();
        return EBPF_OK;
    });
}

ebpf_jit_fn ebpf_load_aot_object(struct ebpf_vm *vm, const void *buf, size_t buf_len) {
    return with(vm, [&](ebpf_vm &v) -> ebpf_jit_fn {
        if (buf == nullptr or buf_len == 0) {
            refuse(v, "the image is NULL or empty");
            return nullptr;
        }
        const auto *const bytes = static_cast<const uint8_t *>(buf);
        return v.load_aot_object({bytes, bytes + buf_len});
    });
}

}  // extern "C"
