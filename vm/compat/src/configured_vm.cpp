// bpftime-vm: what all of our own backends do the same way
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/configured_vm.hpp"

#include "analysis/verification.hpp"
#include "compat/linked_world.hpp"
#include "log.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace bpftime::vm::compat {

namespace {

ebpf_proof proof_of(analysis::verdict v) noexcept {
    switch (v) {
    case analysis::verdict::unreachable: return EBPF_PROOF_NONE;
    case analysis::verdict::check: return EBPF_PROOF_CHECKED;
    case analysis::verdict::covered: return EBPF_PROOF_COVERED;
    case analysis::verdict::proven: return EBPF_PROOF_PROVEN;
    case analysis::verdict::faults: return EBPF_PROOF_FAULTS;
    }
    return EBPF_PROOF_NONE;
}

verify_report to_report(analysis::verification &&found) {
    verify_report report{.safety = static_cast<ebpf_safety>(found.what),
                         .fault_pc = found.fault ? found.fault->pc : 0,
                         .accesses = found.accesses.accesses,
                         .proven = found.accesses.proven,
                         .covered = found.accesses.covered,
                         .checked = found.accesses.checked,
                         .faulting = found.accesses.faults,
                         .other_checks = found.other_checks,
                         .loops = found.loops,
                         .unbounded_loops = found.unbounded_loops,
                         .is_complete = found.is_complete,
                         .summary = found.summary(),
                         .notes = {}};
    report.notes.reserve(found.notes.size());
    for (analysis::note &n : found.notes)
        report.notes.push_back({n.pc, proof_of(n.what), std::move(n.text)});
    return report;
}

}  // namespace

static_assert(static_cast<int>(analysis::safety::faults) == EBPF_CERTAINLY_FAULTS);
static_assert(static_cast<int>(error_class::invalid_argument) + EBPF_ERROR_INVALID_ARGUMENT == -1);
static_assert(-1 - static_cast<int>(error_class::internal) == EBPF_ERROR_INTERNAL);

configured_vm::~configured_vm() = default;

int64_t configured_vm::fail(const error &e) const {
    return set_error(-1 - static_cast<int>(class_of(e.code)), e.message);
}

void configured_vm::drop_prepared() {
    ready_.store(nullptr, std::memory_order_release);
    if (entry_is_out_) retired_.push_back(std::move(prepared_));
    entry_is_out_ = false;
    prepared_.reset();
}

int configured_vm::load_code(const void *code, size_t code_len) {
    auto loaded =
        program::load({static_cast<const uint8_t *>(code), code_len},
                      {.max_insns = config_.max_insns, .jump_targets = config_.jump_targets});
    if (not loaded) return static_cast<int>(fail(loaded.error()));
    unload_code();
    program_ = std::move(*loaded);
    log::debug("{}: loaded a program of {} instructions, {} functions", backend_name(),
               program_->size(), program_->functions().size());
    return EBPF_OK;
}

void configured_vm::unload_code() {
    drop_prepared();
    retired_.clear();
    is_native_ = false;
    program_.reset();
    config_.source.reset();
}

std::expected<const prepared_program *, int64_t> configured_vm::prepare() {
    if (const prepared_program *const ready = ready_.load(std::memory_order_acquire)) return ready;
    return prepare_first();
}

std::expected<const prepared_program *, int64_t> configured_vm::prepare_first() {
    const std::lock_guard lock{build_lock_};
    if (const prepared_program *const ready = ready_.load(std::memory_order_relaxed)) return ready;
    return adopt(make_prepared(is_native_));
}

std::expected<const prepared_program *, int64_t> configured_vm::prepare_native() {
    const auto is_native = [](const prepared_program *p) {
        return p != nullptr and p->code->entry() != nullptr;
    };
    if (const auto *const ready = ready_.load(std::memory_order_acquire); is_native(ready))
        return ready;
    const std::lock_guard lock{build_lock_};
    const prepared_program *const ready = ready_.load(std::memory_order_relaxed);
    if (is_native(ready) or (ready != nullptr and is_native_)) return ready;
    auto made = make_prepared(true);
    if (made) is_native_ = true;
    return adopt(std::move(made));
}

result<std::unique_ptr<const executable>> configured_vm::build_in_limits(const build_input &input,
                                                                         bool native) {
    // What is proven is found out first, and kept while code is made.
    constexpr uint64_t analysis_bytes_per_slot = 1024;
    const uint64_t per_slot =
        build_bytes_per_slot(native) + (config_.eliminates_checks ? analysis_bytes_per_slot : 0);
    const uint64_t expected = per_slot * input.code.size();
    if (config_.compile_bytes == 0 or expected <= config_.compile_bytes)
        return native ? build_native(input) : build(input);
    return std::unexpected{make_error(
        error_code::limit_exceeded,
        fmt::format("compiling {} instructions may take {} bytes, the limit is {}: raise it with "
                    "ebpf_set_compile_memory_limit()",
                    input.code.size(), expected, config_.compile_bytes))};
}

std::expected<std::unique_ptr<const prepared_program>, int64_t> configured_vm::make_prepared(
    bool native) {
    if (not program_)
        return std::unexpected{fail(make_error(error_code::no_program, "no program is loaded"))};
    auto linked = linkage::resolve(*program_, config_);
    if (not linked) return std::unexpected{fail(linked.error())};
    // Another for each program: who finds out one key knows those that follow.
    if (config_.blinding_seed) {
        if (const int error = draw_blinding_seed(); error != EBPF_OK) return std::unexpected{error};
    }
    auto made =
        std::make_unique<prepared_program>(std::move(*linked), *program_, config_, interrupts_);
    auto code = build_in_limits(made->input, native);
    if (not code) return std::unexpected{fail(code.error())};
    made->code = std::move(*code);
    return made;
}

std::expected<const prepared_program *, int64_t> configured_vm::adopt(
    std::expected<std::unique_ptr<const prepared_program>, int64_t> made) {
    if (not made) return std::unexpected{made.error()};
    // Somebody may be running what was there.
    if (prepared_ != nullptr) retired_.push_back(std::move(prepared_));
    prepared_ = std::move(*made);
    ready_.store(prepared_.get(), std::memory_order_release);
    return prepared_.get();
}

precompiled_ebpf_function configured_vm::compile() {
    const auto ready = prepare_native();
    if (not ready) return nullptr;
    const precompiled_ebpf_function entry = (*ready)->code->entry();
    if (entry == nullptr)
        not_supported("ebpf_compile (native code)");
    else
        entry_is_out_ = true;
    return entry;
}

int configured_vm::verify(ebpf_verify_level level, verify_report &report) {
    if (not program_)
        return static_cast<int>(fail(make_error(error_code::no_program, "no program is loaded")));
    const auto linked = linkage::resolve(*program_, config_);
    if (not linked) return static_cast<int>(fail(linked.error()));
    const linked_world world{*program_, *linked, config_};
    const auto effort =
        level == EBPF_VERIFY_QUICK ? analysis::effort::quick : analysis::effort::full;
    const auto facts = analysis::facts::analyse(*program_, world, effort);
    report = to_report(analysis::verify(*program_, world, facts, config_.call_depth));
    return EBPF_OK;
}

/// Only faults look at it: what is prepared stays.
void configured_vm::set_source(std::shared_ptr<const program_source> source) {
    config_.source = std::move(source);
}

int configured_vm::compile_stats(std::vector<compile_stat> &stats) {
    stats.clear();
    if (not program_)
        return static_cast<int>(fail(make_error(error_code::no_program, "no program is loaded")));
    if (const prepared_program *const ready = ready_.load(std::memory_order_acquire))
        stats = ready->code->stats();
    return EBPF_OK;
}

int configured_vm::interrupt() {
    interrupts_.fetch_add(1, std::memory_order_relaxed);
    return EBPF_OK;
}

void configured_vm::register_external_function(size_t index, const std::string &name,
                                               external_function_t fn) {
    register_helper({.id = static_cast<uint32_t>(index),
                     .name = name.c_str(),
                     .fn = fn,
                     .ctx_fn = nullptr,
                     .context = nullptr,
                     .arguments = {},
                     .result = EBPF_RESULT_SCALAR,
                     .result_size = 0,
                     .purity = EBPF_IMPURE});
}

int configured_vm::register_helper(const ebpf_helper &helper) {
    if (not config_.helpers.contains(helper.id) and config_.helpers.size() >= config_.max_helpers) {
        return static_cast<int>(fail(make_error(
            error_code::limit_exceeded, fmt::format("helper {} would be one more than the limit of "
                                                    "{}: raise it with ebpf_set_max_helpers()",
                                                    helper.id, config_.max_helpers))));
    }
    config_.helpers.insert_or_assign(helper.id, helper_binding{helper, config_.pointer_secret});
    drop_prepared();
    return EBPF_OK;
}

int configured_vm::register_helper_bitcode(size_t index, const std::string &name,
                                           const std::vector<uint8_t> &bitcode) {
    helper_bitcode body{static_cast<uint32_t>(index), name, bitcode};
    if (const auto fits = check_bitcode(body); not fits)
        return static_cast<int>(fail(fits.error()));
    config_.bitcode.insert_or_assign(body.id, std::move(body));
    drop_prepared();
    return EBPF_OK;
}

int configured_vm::unregister_external_function(size_t index) {
    const auto id = static_cast<uint32_t>(index);
    if (config_.helpers.erase(id) + config_.bitcode.erase(id) == 0) {
        return static_cast<int>(fail(
            make_error(error_code::not_found, fmt::format("helper {} is not registered", index))));
    }
    drop_prepared();
    return EBPF_OK;
}

int configured_vm::set_unwind_function_index(size_t index) {
    config_.unwind_helper = static_cast<uint32_t>(index);
    drop_prepared();
    return EBPF_OK;
}

int configured_vm::set_lddw_helpers(const lddw_helpers &helpers) {
    host_lddw_ = helpers;
    config_.lddw = inline_maps_.before(host_lddw_);
    drop_prepared();
    return EBPF_OK;
}

int configured_vm::set_inline_map(int map_fd, void *map_ptr) {
    const auto word = reinterpret_cast<uintptr_t>(map_ptr);
    if (not host_lddw_.map_shape or host_lddw_.map_shape(word) == nullptr) {
        return static_cast<int>(fail(
            make_error(error_code::invalid_argument,
                       fmt::format("what the map {} is like is not known: the callback of "
                                   "ebpf_set_map_shape_helper() does not say; describe the map",
                                   map_fd))));
    }
    inline_maps_.add(map_fd, word);
    return set_lddw_helpers(lddw_helpers{host_lddw_});
}

int configured_vm::set_inline_map(int map_fd, void *map_ptr, const ebpf_inline_map &map) {
    if (not config_.helpers.contains(inline_maps::lookup_id)) {
        if (const int error = register_helper(inline_maps_.lookup_helper()); error != EBPF_OK)
            return error;
    }
    inline_maps_.add_array(map_fd, reinterpret_cast<uintptr_t>(map_ptr), map);
    return set_lddw_helpers(lddw_helpers{host_lddw_});
}

bool configured_vm::toggle_bounds_check(bool enable) {
    const bool before = std::exchange(config_.bounds_checks, enable);
    if (before != enable) drop_prepared();
    return before;
}

int configured_vm::set_pointer_secret(uint64_t secret) {
    if (program_) {
        return static_cast<int>(
            fail(make_error(error_code::invalid_argument,
                            "the pointer secret must be set before a program is loaded: call "
                            "ebpf_unload_code() first")));
    }
    for (auto &[id, helper] : config_.helpers) helper.change_secret(config_.pointer_secret, secret);
    config_.pointer_secret = secret;
    return EBPF_OK;
}

int configured_vm::draw_blinding_seed() {
    uint64_t seed = 0;
    if (getentropy(&seed, sizeof seed) != 0) {
        return static_cast<int>(
            fail(make_error(error_code::unsupported,
                            fmt::format("constant blinding: the system gives no random numbers: {}",
                                        std::strerror(errno)))));
    }
    config_.blinding_seed = seed;
    return EBPF_OK;
}

int configured_vm::set_constant_blinding(bool enable) {
    if (not enable) {
        config_.blinding_seed.reset();
    } else if (const int error = draw_blinding_seed(); error != EBPF_OK) {
        return error;
    }
    drop_prepared();
    return EBPF_OK;
}

int configured_vm::set_limit(vm_limit limit, uint64_t value) {
    switch (limit) {
    case vm_limit::instructions: config_.instruction_limit = value; break;
    case vm_limit::insns: config_.max_insns = static_cast<uint32_t>(value); break;
    case vm_limit::helpers: config_.max_helpers = static_cast<uint32_t>(value); break;
    case vm_limit::stack_size: config_.stack_size = static_cast<uint32_t>(value); break;
    case vm_limit::call_depth: config_.call_depth = static_cast<uint32_t>(value); break;
    case vm_limit::optimization_level:
        config_.optimization_level = static_cast<uint32_t>(value);
        break;
    case vm_limit::constant_blinding: return set_constant_blinding(value != 0);
    case vm_limit::check_elimination: config_.eliminates_checks = value != 0; break;
    case vm_limit::speculation_barriers:
        if (value != 0 and not has_speculation_barrier) {
            return static_cast<int>(fail(make_error(
                error_code::unsupported, "speculation barriers: none are known for this machine")));
        }
        config_.bars_speculation = value != 0;
        break;
    case vm_limit::compile_time: config_.compile_microseconds = value; break;
    case vm_limit::compile_memory: config_.compile_bytes = value; break;
    }
    drop_prepared();
    return EBPF_OK;
}

int configured_vm::optimize(const ebpf_optimize_options &options) {
    std::string cpu = options.cpu == nullptr ? "" : options.cpu;
    if (not cpu.empty()) {
        if (const auto fits = check_cpu(cpu); not fits) return static_cast<int>(fail(fits.error()));
    }
    config_.optimization_level = options.level;
    config_.prefers_size = options.prefer_size != 0;
    config_.cpu = std::move(cpu);
    config_.compile_microseconds = options.compile_microseconds;
    drop_prepared();
    return EBPF_OK;
}

int configured_vm::register_region(const ebpf_region &region) {
    config_.regions.push_back(span_of(region));
    return EBPF_OK;
}

int configured_vm::unregister_region(void *ptr) {
    const auto it =
        std::ranges::find(config_.regions, reinterpret_cast<uintptr_t>(ptr), &memory_span::begin);
    if (it == config_.regions.end()) {
        return static_cast<int>(
            fail(make_error(error_code::not_found, "no region with this address is registered")));
    }
    config_.regions.erase(it);
    return EBPF_OK;
}

int configured_vm::set_jump_targets(const uint32_t *pcs, size_t count) {
    config_.jump_targets.assign(pcs, pcs + count);
    return EBPF_OK;
}

int configured_vm::declare_input(const ebpf_input *input) {
    config_.input.reset();
    if (input != nullptr) {
        config_.input = *input;
        if (input->permission == 0) config_.input->permission = EBPF_PERM_READ_WRITE;
        config_.input->alignment = std::max(input->alignment, 1U);
    }
    drop_prepared();
    return EBPF_OK;
}

}  // namespace bpftime::vm::compat
