// bpftime-vm: where exceptions become error codes, for the C functions of our libraries
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "ebpf-types.h"

#include <cstdint>
#include <exception>
#include <new>
#include <type_traits>
#include <utility>

namespace bpftime::vm::compat {

/// What a C function gives that failed: the code where it gives numbers, else null or false.
template <typename Value>
[[nodiscard]] constexpr Value failed_value(int code) noexcept {
    if constexpr (std::is_same_v<Value, int> or std::is_same_v<Value, int64_t>)
        return code;
    else
        return Value{};
}

/// Runs `body`. What it throws becomes an error of class `code`, of which `report(code, what)`
/// tells whoever asks.
template <typename Body, typename Report>
auto guarded(Body &&body, Report &&report) noexcept -> std::invoke_result_t<Body> {
    const auto failed = [&](int code, const char *what) {
        report(code, what);
        return failed_value<std::invoke_result_t<Body>>(code);
    };
    try {
        return body();
    } catch (const std::bad_alloc &) {
        return failed(EBPF_ERROR_OUT_OF_MEMORY, "out of memory");
    } catch (const std::exception &e) {
        return failed(EBPF_ERROR_INTERNAL, e.what());
    } catch (...) {
        return failed(EBPF_ERROR_INTERNAL,
                      "an exception that is no std::exception reached the C API");
    }
}

}  // namespace bpftime::vm::compat
