// bpftime-vm: what all C functions of the runtime share: errors, structs that may grow
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/c_boundary.hpp"
#include "isa/error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace bpftime::vm::runtime_capi {

/// Makes the error this thread's last one; its code, for C.
int report(const error &e) noexcept;
int refuse(std::string_view what);

/// A failed operation in C: its code, or null.
template <typename Value = int>
[[nodiscard]] Value failed(const error &e) {
    return compat::failed_value<Value>(report(e));
}

inline int to_c(const result<void> &done) { return done ? 0 : report(done.error()); }

/// Runs `body` without letting exceptions out.
template <typename Body>
auto guarded(Body &&body) noexcept {
    return compat::guarded(std::forward<Body>(body), [](int code, const char *what) {
        report({code == EBPF_ERROR_OUT_OF_MEMORY ? error_code::out_of_memory : error_code::internal,
                {},
                what,
                code == EBPF_ERROR_OUT_OF_MEMORY ? ENOMEM : 0});
    });
}

/// The same with a handle, which must not be NULL; `name` is for the message.
template <typename Handle, typename Body>
auto with(Handle *handle, const char *name, Body &&body) noexcept {
    using value = std::invoke_result_t<Body, Handle &>;
    return guarded([&]() -> value {
        if (handle != nullptr) return body(*handle);
        return compat::failed_value<value>(refuse(std::string{name} + " is NULL"));
    });
}

/// Bytes that a C caller passes; empty for NULL.
inline std::span<const uint8_t> bytes(const void *data, std::size_t size) {
    return {static_cast<const uint8_t *>(data), data == nullptr ? 0 : size};
}
inline std::span<uint8_t> bytes(void *data, std::size_t size) {
    return {static_cast<uint8_t *>(data), data == nullptr ? 0 : size};
}

// --- structs that begin with their size: callers may know fewer members than we, or more

result<void> check_struct(const void *given, std::size_t known, const char *name);

/// What the caller gave, with zeros for members that it does not know. Refused: no struct, no size,
/// members that we do not know and that are not zero.
template <typename Struct>
[[nodiscard]] result<Struct> read_struct(const Struct *given, const char *name) {
    if (auto done = check_struct(given, sizeof(Struct), name); not done)
        return std::unexpected{std::move(done.error())};
    Struct read{};
    std::memcpy(&read, given, std::min(given->size, sizeof(Struct)));
    return read;
}

/// Gives the caller the members that it knows. The struct was read before.
template <typename Struct>
void write_struct(Struct *to, Struct values) {
    values.size = to->size;
    std::memcpy(to, &values, std::min(to->size, sizeof(Struct)));
}

/// Fills a struct that only the callee writes.
template <typename Struct>
int fill_struct(Struct *to, const char *name, const Struct &values) {
    const auto known = read_struct(to, name);
    if (not known) return report(known.error());
    write_struct(to, values);
    return 0;
}

}  // namespace bpftime::vm::runtime_capi
