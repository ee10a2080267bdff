// bpftime-vm: the helpers of programs that decide about a sysctl
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"
#include "helper_words.hpp"
#include "runtime/cgroup_site.hpp"

#include <linux/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace bpftime::vm::runtime {

namespace {

sysctl_access *current_access() noexcept {
    cgroup_site *const site = scoped_cgroup_site::current();
    return site == nullptr ? nullptr : site->sysctl;
}

/// Copies as much as there is room for, and fills up with zeros; how long the text is.
uint64_t copy_value(std::span<uint8_t> to, std::string_view text) noexcept {
    if (to.empty()) return word_of(-E2BIG);
    const std::size_t copied = std::min(text.size(), to.size());
    std::ranges::copy(text.substr(0, copied), to.begin());
    std::ranges::fill(to.subspan(copied), uint8_t{0});
    if (copied < to.size() and not text.empty()) return copied;
    to.back() = 0;
    return word_of(text.empty() ? -EINVAL : -E2BIG);
}

}  // namespace

uint64_t helper::sysctl_get_name(uint64_t, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    const auto to = bytes_at(r2, r3);
    const sysctl_access *const access = current_access();
    if (access == nullptr) {
        std::ranges::fill(to, uint8_t{0});
        return word_of(-EINVAL);
    }
    std::string_view name = access->name;
    if ((r4 & BPF_F_SYSCTL_BASE_NAME) != 0) name.remove_prefix(name.rfind('/') + 1);
    return copy_value(to, name);
}

uint64_t helper::sysctl_get_current_value(uint64_t, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    const sysctl_access *const access = current_access();
    return copy_value(bytes_at(r2, r3), access == nullptr ? std::string_view{} : access->value);
}

uint64_t helper::sysctl_get_new_value(uint64_t, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    const sysctl_access *const access = current_access();
    if (access != nullptr and access->written)
        return copy_value(bytes_at(r2, r3), *access->written);
    std::ranges::fill(bytes_at(r2, r3), uint8_t{0});
    return word_of(-EINVAL);
}

uint64_t helper::sysctl_set_new_value(uint64_t, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    sysctl_access *const access = current_access();
    if (access == nullptr or not access->written or access->written->empty() or r3 == 0)
        return word_of(-EINVAL);
    if (r3 > static_cast<uint64_t>(getpagesize()) - 1) return word_of(-E2BIG);
    access->written->assign(pointer<const char>(r2), r3);
    access->is_changed = true;
    return 0;
}

}  // namespace bpftime::vm::runtime
