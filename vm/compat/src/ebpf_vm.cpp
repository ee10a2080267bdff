// bpftime-vm: struct ebpf_vm: argument checks in front of a backend
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "analysis/environment.hpp"
#include "bpftime_vm_compat.hpp"
#include "compat/memory_map.hpp"
#include "fault_of_thread.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>

using namespace bpftime::vm::compat;

namespace {

struct limit_range {
    std::string_view name;
    uint64_t least;
    uint64_t most;
    uint64_t multiple_of;
};

/// By vm_limit.
constexpr auto limit_ranges = std::to_array<limit_range>({
    {"instruction limit", 0, std::numeric_limits<uint64_t>::max(), 1},
    {"number of instructions", 1, EBPF_MOST_INSTS, 1},
    {"number of helpers", 1, std::numeric_limits<uint32_t>::max(), 1},
    {"stack size", 16, EBPF_MOST_STACK_SIZE, 16},
    {"call depth", 1, EBPF_MOST_CALL_DEPTH, 1},
    {"optimization level", 0, EBPF_MOST_OPTIMIZATION_LEVEL, 1},
    {"constant blinding", 0, 1, 1},
    {"check elimination", 0, 1, 1},
    {"speculation barriers", 0, 1, 1},
    {"compile time limit", 0, std::numeric_limits<uint64_t>::max(), 1},
    {"compile memory limit", 0, std::numeric_limits<uint64_t>::max(), 1},
});

bool is_sound(const void *ptr, size_t len) noexcept {
    return can_be_memory(reinterpret_cast<uintptr_t>(ptr), len);
}

/// What is wrong with this memory; "" if nothing.
std::string check_memory(const void *ptr, size_t len) {
    if (is_sound(ptr, len)) return {};
    if (ptr == nullptr) return fmt::format("memory is NULL but has {} bytes", len);
    return fmt::format("memory of {} bytes goes beyond the end of the address space", len);
}

/// Apart from what runs programs, which keeps nothing on the stack then.
[[gnu::cold, gnu::noinline]] int64_t refuse_memory(const ebpf_vm &vm, const void *ptr, size_t len) {
    return vm.fail(EBPF_ERROR_INVALID_ARGUMENT, check_memory(ptr, len));
}

std::string check_region(const ebpf_region &region) {
    if (region.ptr == nullptr) return "region is NULL";
    if (region.permission == 0 or region.permission > EBPF_PERM_READ_WRITE) {
        return fmt::format("permission {} is none of EBPF_PERM_READ, _WRITE, _READ_WRITE",
                           region.permission);
    }
    return check_memory(region.ptr, region.len);
}

/// What is wrong with the offset of an address in the input memory; "" if nothing.
std::string check_offset(const ebpf_input &input, std::string_view what, uint32_t offset) {
    if (input.least_size >= sizeof(uint64_t) and offset <= input.least_size - sizeof(uint64_t))
        return {};
    return fmt::format("{} is {}: the 8 bytes there go beyond least_size, which is {}", what,
                       offset, input.least_size);
}

std::string check_packet(const ebpf_input &input) {
    if (input.packet_permission > EBPF_PERM_READ_WRITE or
        (input.packet_permission & EBPF_PERM_READ) == 0) {
        return fmt::format(
            "packet_permission {} is none of EBPF_PERM_READ, EBPF_PERM_READ_WRITE, 0",
            input.packet_permission);
    }
    if (input.permission != EBPF_PERM_READ)
        return "input memory that names a packet has to be EBPF_PERM_READ";
    auto why = check_offset(input, "data_offset", input.data_offset);
    if (why.empty()) why = check_offset(input, "data_end_offset", input.data_end_offset);
    if (why.empty() and input.data_meta_offset != EBPF_NO_OFFSET)
        why = check_offset(input, "data_meta_offset", input.data_meta_offset);
    return why;
}

std::string check_input(const ebpf_input &input) {
    if (input.least_size > bpftime::vm::analysis::most_bytes)
        return fmt::format("least_size {} is more than any memory has", input.least_size);
    if (input.permission != 0 and input.permission != EBPF_PERM_READ and
        input.permission != EBPF_PERM_READ_WRITE) {
        return fmt::format("permission {} is none of EBPF_PERM_READ, EBPF_PERM_READ_WRITE, 0",
                           input.permission);
    }
    constexpr uint32_t most_alignment = 16;
    if (input.alignment > most_alignment or (input.alignment & (input.alignment - 1)) != 0)
        return fmt::format("alignment {} is none of 1, 2, 4, 8, 16, 0", input.alignment);
    return input.packet_permission == 0 ? std::string{} : check_packet(input);
}

constexpr ebpf_optimize_options default_options EBPF_OPTIMIZE_DEFAULTS;

/// What is wrong with these options whatever the backend is; "" if nothing.
std::string check_options(const ebpf_optimize_options &options) {
    if (options.level > EBPF_MOST_OPTIMIZATION_LEVEL) {
        return fmt::format("optimization level {} is not allowed: from 0 to {}", options.level,
                           EBPF_MOST_OPTIMIZATION_LEVEL);
    }
    if (options.cpu != nullptr and *options.cpu == '\0')
        return "cpu is empty: NULL is this machine's";
    return {};
}

constexpr uint32_t array_type = 2;  // BPF_MAP_TYPE_ARRAY

/// What is wrong with an inline map that is an array; "" if nothing.
std::string check_inline_array(const ebpf_inline_map &map) {
    constexpr uint32_t known_flags = 1U << 7 | 1U << 8;  // BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG
    constexpr uint32_t most_value_bytes = 1U << 30;
    if (map.key_size != sizeof(uint32_t))
        return fmt::format("key_size {} is not 4, as that of every array", map.key_size);
    if (map.value_size == 0 or map.value_size > most_value_bytes)
        return fmt::format("value_size {} is not from 1 to {}", map.value_size, most_value_bytes);
    if (map.max_entries == 0) return "max_entries is 0";
    if ((map.flags & ~known_flags) != 0 or map.flags == known_flags)
        return fmt::format("flags {} are none of 0, BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG",
                           map.flags);
    return {};
}

bool is_memory(const ebpf_argument &argument) {
    return argument.kind == EBPF_ARG_MEMORY_READ or argument.kind == EBPF_ARG_MEMORY_WRITE or
           argument.kind == EBPF_ARG_MEMORY_READ_WRITE;
}

/// Memory has a size of its own or is followed by an argument that is its size; a size belongs to
/// such memory.
std::string check_sizes(const ebpf_helper &h) {
    bool wants_size = false;
    for (std::size_t i = 0; i < std::size(h.arguments); ++i) {
        const bool is_size = h.arguments[i].kind == EBPF_ARG_MEMORY_SIZE;
        if (is_size and not wants_size)
            return fmt::format("argument {} is the size of no memory", i + 1);
        if (wants_size and not is_size)
            return fmt::format("argument {} is memory without a size", i);
        wants_size = is_memory(h.arguments[i]) and h.arguments[i].size == 0;
    }
    return wants_size ? fmt::format("argument {} is memory without a size", std::size(h.arguments))
                      : "";
}

/// Keys and values belong to a map argument before them, and so does such a result.
std::string check_maps(const ebpf_helper &h) {
    bool has_map = false;
    for (std::size_t i = 0; i < std::size(h.arguments); ++i) {
        const uint32_t kind = h.arguments[i].kind;
        const bool is_part = kind == EBPF_ARG_MAP_KEY or kind == EBPF_ARG_MAP_VALUE or
                             kind == EBPF_ARG_MAP_VALUE_WRITE;
        if (is_part and not has_map)
            return fmt::format("argument {} is a key or value of no map", i + 1);
        if (kind == EBPF_ARG_MAP and std::exchange(has_map, true))
            return fmt::format("argument {} is a second map", i + 1);
    }
    return h.result == EBPF_RESULT_MAP_VALUE_OR_NULL and not has_map
               ? "the result is a value of no map"
               : "";
}

bool runs_code(const ebpf_helper &h) {
    const auto is_function = [](const ebpf_argument &a) { return a.kind == EBPF_ARG_FUNCTION; };
    return h.result == EBPF_RESULT_TAIL_CALL or h.result == EBPF_RESULT_ENDS_RUN or
           std::ranges::any_of(h.arguments, is_function);
}

/// Instructions call this one, and give it no more than two numbers.
std::string check_packet_load(const ebpf_helper &h) {
    if (h.id != EBPF_PACKET_LOAD_HELPER) return "";
    const auto is_plain = [](const ebpf_argument &a) { return a.kind <= EBPF_ARG_SCALAR; };
    return h.result == EBPF_RESULT_SCALAR and std::ranges::all_of(h.arguments, is_plain)
               ? ""
               : "legacy packet loads call it, with scalars and for a scalar";
}

std::string check_helper(const ebpf_helper &h) {
    if (h.fn == nullptr and h.ctx_fn == nullptr) return "function is NULL";
    if (h.fn != nullptr and h.ctx_fn != nullptr) return "fn and ctx_fn are both set";
    for (std::size_t i = 0; i < std::size(h.arguments); ++i) {
        if (h.arguments[i].kind > EBPF_ARG_FUNCTION) {
            return fmt::format("kind {} of argument {} is unknown", h.arguments[i].kind, i + 1);
        }
    }
    if (h.result > EBPF_RESULT_ENDS_RUN) return fmt::format("result kind {} is unknown", h.result);
    if (h.purity > EBPF_PURE_CONSTANT) return fmt::format("purity {} is unknown", h.purity);
    if (h.purity != EBPF_IMPURE and runs_code(h)) return "a helper that runs programs is not pure";
    if (auto why = check_maps(h); not why.empty()) return why;
    if (auto why = check_packet_load(h); not why.empty()) return why;
    return check_sizes(h);
}

std::string check_id(size_t index) {
    if (index <= std::numeric_limits<uint32_t>::max()) return {};
    return fmt::format("helper id {} does not fit 32 bits", index);
}

}  // namespace

ebpf_vm::ebpf_vm(const std::string &vm_name) : impl_{create_vm_instance(vm_name)} {}

ebpf_vm::ebpf_vm(std::unique_ptr<bpftime_vm_impl> impl) : impl_{std::move(impl)} {
    if (impl_ == nullptr) throw std::runtime_error("ebpf_vm: the backend is null");
}

ebpf_vm::~ebpf_vm() = default;

int64_t ebpf_vm::fail(int64_t code, const std::string &message) const {
    return impl_->set_error(code, message);
}

int ebpf_vm::refuse(const std::string &message) const {
    return static_cast<int>(fail(EBPF_ERROR_INVALID_ARGUMENT, message));
}

const std::string &ebpf_vm::name() const noexcept { return impl_->backend_name(); }
std::string ebpf_vm::error_message() const { return impl_->get_error_message(); }

int ebpf_vm::load_code(const void *code, size_t code_len) {
    if (code == nullptr and code_len != 0)
        return refuse(fmt::format("code is NULL but has {} bytes", code_len));
    return impl_->load_code(code, code_len);
}

void ebpf_vm::unload_code() { impl_->unload_code(); }

int64_t ebpf_vm::exec(void *mem, size_t mem_len, int64_t &result) {
    forget_fault();
    if (not is_sound(mem, mem_len)) [[unlikely]]
        return refuse_memory(*this, mem, mem_len);
    return impl_->exec(mem, mem_len, result);
}

int64_t ebpf_vm::exec_regions(void *mem, size_t mem_len, const ebpf_region *regions,
                              size_t region_count, int64_t &result) {
    forget_fault();
    if (not is_sound(mem, mem_len)) [[unlikely]]
        return refuse_memory(*this, mem, mem_len);
    if (regions == nullptr and region_count != 0) {
        return refuse(fmt::format("regions is NULL but there are {}", region_count));
    }
    for (size_t i = 0; i < region_count; ++i) {
        if (const auto why = check_region(regions[i]); not why.empty()) {
            return refuse(fmt::format("region {} of this run: {}", i, why));
        }
    }
    return impl_->exec_regions(mem, mem_len, regions, region_count, result);
}

precompiled_ebpf_function ebpf_vm::compile() { return impl_->compile(); }
int ebpf_vm::interrupt() { return impl_->interrupt(); }

int ebpf_vm::register_external_function(size_t index, const std::string &name,
                                        external_function_t fn) {
    ebpf_helper helper{};
    helper.id = static_cast<uint32_t>(index);
    helper.name = name.c_str();
    helper.fn = fn;
    if (const auto why = check_id(index); not why.empty()) return refuse(why);
    return register_helper(helper);
}

int ebpf_vm::register_helper(const ebpf_helper &helper) {
    if (const auto why = check_helper(helper); not why.empty()) {
        return refuse(fmt::format("helper {} cannot be registered: {}", helper.id, why));
    }
    return impl_->register_helper(helper);
}

int ebpf_vm::unregister_external_function(size_t index) {
    if (const auto why = check_id(index); not why.empty()) return refuse(why);
    return impl_->unregister_external_function(index);
}

int ebpf_vm::set_unwind_function_index(size_t index) {
    if (const auto why = check_id(index); not why.empty()) return refuse(why);
    return impl_->set_unwind_function_index(index);
}

int ebpf_vm::set_lddw_helpers(const lddw_helpers &helpers) {
    lddw_ = helpers;
    return impl_->set_lddw_helpers(lddw_);
}

int ebpf_vm::set_lddw_helpers(std::function<uint64_t(uint32_t)> map_by_fd,
                              std::function<uint64_t(uint32_t)> map_by_idx,
                              std::function<uint64_t(uint64_t)> map_val,
                              std::function<uint64_t(uint32_t)> var_addr,
                              std::function<uint64_t(uint32_t)> code_addr) {
    lddw_.map_by_fd = std::move(map_by_fd);
    lddw_.map_by_idx = std::move(map_by_idx);
    lddw_.map_val = std::move(map_val);
    lddw_.var_addr = std::move(var_addr);
    lddw_.code_addr = std::move(code_addr);
    return impl_->set_lddw_helpers(lddw_);
}

int ebpf_vm::set_lddw_size_helpers(std::function<uint64_t(uint32_t)> map_by_fd,
                                   std::function<uint64_t(uint32_t)> map_by_idx,
                                   std::function<uint64_t(uint64_t)> map_val,
                                   std::function<uint64_t(uint32_t)> var_addr,
                                   std::function<uint64_t(uint32_t)> code_addr) {
    lddw_.map_by_fd_size = std::move(map_by_fd);
    lddw_.map_by_idx_size = std::move(map_by_idx);
    lddw_.map_val_size = std::move(map_val);
    lddw_.var_addr_size = std::move(var_addr);
    lddw_.code_addr_size = std::move(code_addr);
    return impl_->set_lddw_helpers(lddw_);
}

int ebpf_vm::set_map_shape_helper(std::function<const ebpf_map_shape *(uint64_t)> map_shape) {
    lddw_.map_shape = std::move(map_shape);
    return impl_->set_lddw_helpers(lddw_);
}

bool ebpf_vm::toggle_bounds_check(bool enable) { return impl_->toggle_bounds_check(enable); }
int ebpf_vm::set_pointer_secret(uint64_t secret) { return impl_->set_pointer_secret(secret); }

int ebpf_vm::set_limit(vm_limit limit, uint64_t value) {
    const auto index = static_cast<std::size_t>(limit);
    if (index >= limit_ranges.size()) return refuse(fmt::format("limit {} is unknown", index));
    const limit_range &range = limit_ranges[index];
    if (value < range.least or value > range.most or value % range.multiple_of != 0) {
        return refuse(fmt::format(
            "{} {} is not allowed: from {} to {}{}", range.name, value, range.least, range.most,
            range.multiple_of == 1 ? "" : fmt::format(", a multiple of {}", range.multiple_of)));
    }
    return impl_->set_limit(limit, value);
}

int ebpf_vm::optimize(const ebpf_optimize_options *options) {
    if (options == nullptr) return impl_->optimize(default_options);
    if (const auto why = check_options(*options); not why.empty()) return refuse(why);
    return impl_->optimize(*options);
}

int ebpf_vm::register_region(void *ptr, size_t len, unsigned permission) {
    const ebpf_region region{ptr, len, permission};
    if (const auto why = check_region(region); not why.empty()) return refuse(why);
    return impl_->register_region(region);
}

int ebpf_vm::unregister_region(void *ptr) { return impl_->unregister_region(ptr); }

int ebpf_vm::set_jump_targets(const uint32_t *pcs, size_t count) {
    if (pcs == nullptr and count != 0)
        return refuse(fmt::format("pcs is NULL but there are {}", count));
    return impl_->set_jump_targets(pcs, count);
}

int ebpf_vm::register_helper_bitcode(size_t index, const std::string &name,
                                     const std::vector<uint8_t> &bitcode) {
    if (const auto why = check_id(index); not why.empty()) return refuse(why);
    if (name.empty()) return refuse("the bitcode of a helper needs the name of its function");
    if (bitcode.empty()) return refuse("the bitcode of a helper is empty");
    return impl_->register_helper_bitcode(index, name, bitcode);
}

int ebpf_vm::set_inline_map(int map_fd, void *map_ptr) {
    if (map_ptr == nullptr) return refuse("an inline map needs an address");
    return impl_->set_inline_map(map_fd, map_ptr);
}

int ebpf_vm::set_inline_map(int map_fd, void *map_ptr, const ebpf_inline_map &map) {
    if (map_ptr == nullptr) return refuse("an inline map needs the address of its values");
    if (map.type != array_type) {
        return static_cast<int>(
            fail(EBPF_ERROR_UNSUPPORTED,
                 fmt::format("inline maps of type {} are not supported: arrays (type {}) are",
                             map.type, array_type)));
    }
    if (const auto why = check_inline_array(map); not why.empty()) return refuse(why);
    const uint64_t bytes = (uint64_t{map.value_size} + 7) / 8 * 8 * map.max_entries;
    constexpr uint64_t most = std::numeric_limits<std::size_t>::max();
    const auto len = static_cast<std::size_t>(std::min(bytes, most));
    if (const auto why = check_memory(map_ptr, len); not why.empty()) return refuse(why);
    return impl_->set_inline_map(map_fd, map_ptr, map);
}

int ebpf_vm::declare_input(const ebpf_input *input) {
    if (input != nullptr) {
        if (const auto why = check_input(*input); not why.empty()) return refuse(why);
    }
    return impl_->declare_input(input);
}

int ebpf_vm::verify(ebpf_verify_level level, verify_report &report) {
    if (level != EBPF_VERIFY_QUICK and level != EBPF_VERIFY_FULL)
        return refuse("the level of verification is not one of enum ebpf_verify_level");
    return impl_->verify(level, report);
}

void ebpf_vm::set_source(std::shared_ptr<const program_source> source) {
    impl_->set_source(std::move(source));
}

int ebpf_vm::compile_stats(std::vector<compile_stat> &stats) { return impl_->compile_stats(stats); }

std::vector<uint8_t> ebpf_vm::do_aot_compile() { return impl_->do_aot_compile(); }
std::vector<uint8_t> ebpf_vm::do_aot_compile(const ebpf_aot_options &options) {
    return impl_->do_aot_compile_with(options);
}

precompiled_ebpf_function ebpf_vm::load_aot_object(const std::vector<uint8_t> &image) {
    return impl_->load_aot_object(image);
}

std::optional<std::vector<std::string>> ebpf_vm::do_get_ptx() { return impl_->do_get_ptx(); }

void ebpf_vm::register_error_print_callback(int (*fn)(FILE *, const char *, ...)) {
    impl_->register_error_print_callback(fn);
}
