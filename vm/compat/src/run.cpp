// bpftime-vm: the host side of one run
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/run.hpp"

#include "analysis/environment.hpp"

#include <algorithm>

namespace bpftime::vm::compat {

namespace {

/// Bytes of the memory argument `i`.
uint64_t size_of(const helper_declaration &helper, std::size_t i, const uint64_t arguments[5],
                 const ebpf_map_shape *map) noexcept {
    const argument_declaration &declared = helper.arguments[i];
    if (declared.kind == argument_kind::map_key) return map->key_size;
    if (depends_on_map(declared.kind)) return map->value_size;
    const bool has_size =
        i + 1 < max_helper_arguments and helper.arguments[i + 1].kind == argument_kind::memory_size;
    return declared.size != 0 or not has_size ? declared.size : arguments[i + 1];
}

}  // namespace

fault_kind budget::refill(uint32_t units) noexcept {
    if (interrupts_->load(std::memory_order_relaxed) != interrupts_at_start_)
        return fault_kind::interrupted;
    const uint64_t wanted = std::max<uint64_t>(units, slice_units);
    if (unlimited_) {
        slice_ = static_cast<int64_t>(wanted - units);
        return fault_kind::none;
    }
    // What is left: the reserve, and the rest of the slice before this charge.
    const uint64_t left = reserve_ + static_cast<uint64_t>(slice_ + int64_t{units});
    if (left < units) return fault_kind::instruction_limit;
    const uint64_t slice = std::min(left, wanted);
    reserve_ = left - slice;
    slice_ = static_cast<int64_t>(slice - units);
    return fault_kind::none;
}

int64_t budget::top_up(int64_t slice) noexcept {
    constexpr auto full = static_cast<int64_t>(slice_units);
    if (slice >= full or interrupts_->load(std::memory_order_relaxed) != interrupts_at_start_)
        return slice;
    if (unlimited_) return full;
    const uint64_t more = std::min(reserve_, static_cast<uint64_t>(full - slice));
    reserve_ -= more;
    return slice + static_cast<int64_t>(more);
}

/// What is known of the map argument; null: nothing.
const ebpf_map_shape *run::find_map(const helper_binding &helper,
                                    const uint64_t arguments[5]) const {
    const unsigned at = helper.map_argument();
    if (at == max_helper_arguments) return nullptr;
    for (const linked_map &m : linked().maps()) {
        if (m.word == arguments[at]) return m.shape;
    }
    const auto &map_shape = config().lddw.map_shape;
    return map_shape ? map_shape(arguments[at]) : nullptr;
}

bool run::check_arguments(uint32_t pc, const helper_binding &helper, const uint64_t arguments[5],
                          const ebpf_map_shape *map) noexcept {
    for (const uint8_t i : helper.checked()) {
        const argument_declaration &declared = helper.declaration().arguments[i];
        const bool asks_for_map =
            depends_on_map(declared.kind) or
            (declared.kind == argument_kind::map and config().lddw.map_shape != nullptr);
        if (asks_for_map and map == nullptr)
            return fail({.kind = fault_kind::bad_map, .pc = pc, .address = arguments[i]});
        const permission wanted = permission_of(declared.kind);
        if (wanted == permission::none or (declared.may_be_null and arguments[i] == 0)) continue;
        const uint64_t size = size_of(helper.declaration(), i, arguments, map);
        if (size != 0 and not memory_.allows(arguments[i], size, wanted)) {
            return fail(memory_.explain(pc, arguments[i], size, wanted));
        }
    }
    bar_speculation();
    return true;
}

void run::grant_result(const helper_declaration &helper, uint64_t result,
                       const ebpf_map_shape *map) {
    if (helper.result == result_kind::scalar or result == 0) return;
    if (helper.result != result_kind::map_value_or_null)
        memory_.grant({result, helper.result_size});
    else if (map != nullptr)
        memory_.grant({result, map->result_size, static_cast<permission>(map->permission)});
}

bool run::check_call(uint32_t pc, const helper_binding &helper, const uint64_t arguments[5]) {
    return not config().bounds_checks or
           check_arguments(pc, helper, arguments, find_map(helper, arguments));
}

after_call run::call_helper(uint32_t pc, const helper_binding &helper, const uint64_t a[5],
                            uint64_t &result) {
    const helper_declaration &declared = helper.declaration();
    if (declared.result == result_kind::never) {
        fail(fault_kind::unavailable, pc);
        return after_call::ends;
    }
    const bool checks = declared.typed and config().bounds_checks;
    const ebpf_map_shape *const map = checks ? find_map(helper, a) : nullptr;
    if (checks and not check_arguments(pc, helper, a, map)) return after_call::ends;
    const unsigned arity = helper.arity();
    const auto word = [&](unsigned i) { return i < arity ? a[i] : 0; };
    // Whoever is not declared to calls no functions: the code around its call does not reckon with
    // it.
    const uint32_t outer = std::exchange(so_far_.after_caller, declared.calls_back() ? pc + 1 : 0);
    result = helper.call(config().pointer_secret, word(0), word(1), word(2), word(3), word(4));
    so_far_.after_caller = outer;
    if (not declared.typed) return after_call::goes_on;
    if (declared.result == result_kind::tail_call) return tail_call(pc, result, result);
    if (has_ended()) {
        result = 0;
        return after_call::ends;
    }
    if (declared.result == result_kind::ends_run) return end_with(pc, declared, a, result);
    grant_result(declared, result, map);
    return after_call::goes_on;
}

after_call run::end_with(uint32_t pc, const helper_declaration &helper, const uint64_t arguments[5],
                         uint64_t value) noexcept {
    early_result_ = {value, 0, pc};
    for (unsigned i = 0; i < max_helper_arguments; ++i) {
        if (helper.arguments[i].kind == argument_kind::function)
            early_result_->function = arguments[i];
    }
    has_ended_ = true;
    return after_call::ends;
}

/// The function is called when the whole program has been left, in its place: so it has all of the
/// stack, however deep the program was.
bool run::settle(uint64_t &r0) {
    const auto [value, function, pc] = *early_result_;
    r0 = value;
    if (function == 0) return true;
    if (not program_->code.is_callable(function))
        return fail({.kind = fault_kind::bad_call_target, .pc = pc, .address = function});
    const uint64_t arguments[5] = {value};
    early_result_.reset();
    has_ended_ = false;
    static_cast<void>(so_far_.code->call(*this, function, arguments, r0));
    // It may have ended the run itself, but by no function once more.
    if (early_result_) r0 = early_result_->value;
    early_result_ = {r0, 0, 0};
    has_ended_ = true;
    return not has_fault();
}

// --- what the host said of the input memory

bool run::has_declared_input(uint32_t pc) noexcept {
    const ebpf_input &declared = *program_->declared_input;
    const memory_span &input = memory_.input();
    if (input.len < declared.least_size or input.begin % declared.alignment != 0) {
        return fail({.kind = fault_kind::bad_input,
                     .pc = pc,
                     .region = region_kind::input,
                     .size = declared.least_size,
                     .address = input.begin,
                     .region_bytes = input.len});
    }
    return declared.packet_permission == 0 or has_declared_packet(pc);
}

bool run::has_declared_packet(uint32_t pc) noexcept {
    const ebpf_input &declared = *program_->declared_input;
    const memory_span &input = memory_.input();
    const auto word = [&](uint32_t offset) {
        uint64_t value = 0;
        std::memcpy(&value, reinterpret_cast<const void *>(input.begin + offset), sizeof value);
        return value;
    };
    const uint64_t data = word(declared.data_offset);
    const uint64_t end = word(declared.data_end_offset);
    const uint64_t meta =
        declared.data_meta_offset == EBPF_NO_OFFSET ? data : word(declared.data_meta_offset);
    const bool is_ordered = meta <= data and data <= end;
    const auto wanted = static_cast<permission>(declared.packet_permission);
    // Another program may have written the words. An empty packet is anywhere, but where addresses
    // behind it are none before it.
    const bool is_there =
        meta == end ? end <= analysis::last_address : memory_.keeps({meta, end - meta}, wanted);
    if (is_ordered and is_there and not memory_.is_writable_elsewhere(input)) return true;
    return fail({.kind = fault_kind::bad_input,
                 .pc = pc,
                 .region = region_kind::input,
                 .offset = declared.data_offset,
                 .size = sizeof(uint64_t),
                 .address = input.begin + declared.data_offset,
                 .region_bytes = input.len});
}

const helper_binding *run::callable_helper(uint64_t value) const noexcept {
    const helper_binding *const helper =
        value <= UINT32_MAX ? linked().helper(static_cast<uint32_t>(value)) : nullptr;
    if (helper == nullptr or helper->declaration().runs_code()) return nullptr;
    return helper->code(config().pointer_secret) == 0 ? nullptr : helper;
}

bool run::execute(const executable &code, uint64_t function, const uint64_t arguments[5],
                  uint64_t &r0) {
    so_far_.code = &code;
    bool calls_back = false;
    linked().for_each_helper([&](uint32_t, const helper_binding &helper) {
        calls_back = calls_back or helper.declaration().calls_back();
    });
    if (not calls_back or not program_->code.is_callable(function))
        return fail({.kind = fault_kind::bad_call_target, .address = function});
    if (not code.call(*this, function, arguments, r0) and has_fault()) return false;
    return not early_result_ or settle(r0);
}

/// After a function that a helper called has returned, or thrown.
struct run::back_in_helper {
    run &of;
    uint32_t caller;
    uint32_t after_caller;

    ~back_in_helper() {
        of.leave_to_frame(caller);
        of.so_far_.after_caller = after_caller;
    }
};

bool run::call_back(uint64_t function, const uint64_t arguments[5], uint64_t &r0) {
    if (has_ended() or not may_call_back()) return false;
    const uint32_t pc = so_far_.after_caller - 1;
    if (not program_->code.is_callable(function))
        return fail({.kind = fault_kind::bad_call_target, .pc = pc, .address = function});
    const back_in_helper when_done{*this, memory_.live_frames() - 1,
                                   std::exchange(so_far_.after_caller, 0)};
    has_ended_ = not so_far_.code->call_back(*this, pc, function, arguments, r0);
    return not has_ended_;
}

}  // namespace bpftime::vm::compat
