// bpftime-vm: what all C functions of the runtime share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "boundary.hpp"

#include "compat/last_error.hpp"

#include <fmt/format.h>

namespace bpftime::vm::runtime_capi {

int report(const error &e) noexcept {
    try {
        compat::set_last_error(e.message);
    } catch (const std::bad_alloc &) {
        compat::set_last_error({});
    }
    errno = e.kernel_errno != 0 ? e.kernel_errno : EINVAL;
    return -1 - static_cast<int>(class_of(e.code));
}

int refuse(std::string_view what) { return report(make_error(error_code::invalid_argument, what)); }

result<void> check_struct(const void *given, std::size_t known, const char *name) {
    const auto refuse = [&](std::string_view what) {
        return std::unexpected{make_error(error_code::invalid_argument, what)};
    };
    if (given == nullptr) return refuse(fmt::format("{} is NULL", name));
    std::size_t size = 0;
    std::memcpy(&size, given, sizeof size);
    constexpr std::size_t most = 4096;
    if (size < sizeof size or size > most)
        return refuse(fmt::format("{0}->size is {1}: set it to sizeof *{0}", name, size));
    const auto *const all = static_cast<const uint8_t *>(given);
    for (std::size_t i = known; i < size; ++i) {
        if (all[i] != 0) {
            return refuse(fmt::format(
                "{} has members, at byte {}, that this version of the library does not know", name,
                i));
        }
    }
    return {};
}

}  // namespace bpftime::vm::runtime_capi
