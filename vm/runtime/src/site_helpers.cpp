// bpftime-vm: the helpers that tell where a program is attached
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"
#include "helper_words.hpp"
#include "runtime/probe.hpp"
#include "runtime/stack_trace_map.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

thread_local probe_site *innermost_probe = nullptr;

void store(uint64_t address, uint64_t value) noexcept {
    std::memcpy(pointer(address), &value, sizeof value);
}

}  // namespace

scoped_probe_site::scoped_probe_site(probe_site &site) noexcept
    : outer_{std::exchange(innermost_probe, &site)} {}
scoped_probe_site::~scoped_probe_site() { innermost_probe = outer_; }
probe_site *scoped_probe_site::current() noexcept { return innermost_probe; }

uint64_t helper::get_attach_cookie(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return innermost_probe == nullptr ? 0 : innermost_probe->cookie;
}

uint64_t helper::get_func_ip(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return innermost_probe == nullptr ? 0 : innermost_probe->function;
}

uint64_t helper::get_func_arg_cnt(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return innermost_probe == nullptr ? 0 : innermost_probe->arguments.size();
}

uint64_t helper::get_func_arg(uint64_t, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    const auto index = static_cast<uint32_t>(r2);
    if (innermost_probe == nullptr or index >= innermost_probe->arguments.size())
        return word_of(-EINVAL);
    store(r3, innermost_probe->arguments[index]);
    return 0;
}

uint64_t helper::get_func_ret(uint64_t, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    if (innermost_probe == nullptr or not innermost_probe->result) return word_of(-EOPNOTSUPP);
    store(r2, *innermost_probe->result);
    return 0;
}

uint64_t helper::override_return(uint64_t, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    if (innermost_probe == nullptr) return word_of(-EOPNOTSUPP);
    innermost_probe->override_result = r2;
    return 0;
}

// --- stacks

namespace {

constexpr uint64_t skip_mask = 0xff;
constexpr uint64_t user_stack = 1 << 8;
constexpr uint64_t user_build_id = 1 << 11;

/// The callers that a program asks for.
std::span<const uint64_t> callers(uint64_t flags) noexcept {
    if (innermost_probe == nullptr) return {};
    const std::size_t skipped =
        std::min<std::size_t>(flags & skip_mask, innermost_probe->stack.size());
    return innermost_probe->stack.subspan(skipped);
}

uint64_t copy_stack(std::span<uint8_t> to, uint64_t flags) noexcept {
    const bool is_known = (flags & ~(skip_mask | user_stack | user_build_id)) == 0;
    // Build ids would need the files that the addresses are in.
    const bool is_plain = (flags & user_build_id) == 0 and to.size() % sizeof(uint64_t) == 0;
    if (not is_known or not is_plain) {
        std::ranges::fill(to, uint8_t{0});
        return word_of(-EINVAL);
    }
    const auto found = callers(flags);
    if (found.empty()) {
        std::ranges::fill(to, uint8_t{0});
        return word_of(-EFAULT);
    }
    const std::size_t bytes = std::min(found.size_bytes(), to.size());
    std::memcpy(to.data(), found.data(), bytes);
    std::ranges::fill(to.subspan(bytes), uint8_t{0});
    return bytes;
}

}  // namespace

uint64_t helper::get_stack(uint64_t, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    return copy_stack(bytes_at(r2, r3), r4);
}

uint64_t helper::get_stackid(uint64_t, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    constexpr uint64_t known = skip_mask | user_stack | stack_compare_hash | stack_replace;
    stack_trace_map *const stacks = as_stack_trace_map(&map_of(r2));
    if (stacks == nullptr or (r3 & ~known) != 0) return word_of(-EINVAL);
    if ((stacks->definition().flags & map_stack_build_id) != 0) return word_of(-EOPNOTSUPP);
    const auto found = callers(r3);
    return found.empty() ? word_of(-EFAULT) : static_cast<uint64_t>(stacks->put(found, r3));
}

uint64_t helper::get_task_stack(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    if (is_current_task(r1)) return copy_stack(bytes_at(r2, r3), r4);
    std::ranges::fill(bytes_at(r2, r3), uint8_t{0});
    return word_of(-EFAULT);
}

}  // namespace bpftime::vm::runtime
