// bpftime-vm: what programs say of packets, by their types
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "object/program_type.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bpftime::vm::cli {

using object::program_type;

/// The types of programs that the command line knows: those that judge packets, and "plain" for
/// all others, which get memory.
struct type_name {
    program_type type;
    std::string_view name;
};

inline constexpr auto type_names = std::to_array<type_name>({
    {program_type::generic, "plain"},
    {program_type::xdp, "xdp"},
    {program_type::sched_cls, "tc"},
    {program_type::sched_act, "action"},
    {program_type::socket_filter, "socket"},
    {program_type::cgroup_skb, "cgroup_skb"},
    {program_type::sk_skb, "sk_skb"},
    {program_type::lwt_in, "lwt_in"},
    {program_type::lwt_out, "lwt_out"},
    {program_type::lwt_xmit, "lwt_xmit"},
});

[[nodiscard]] std::optional<program_type> find_type(std::string_view name) noexcept;
/// "plain" for types without a name.
[[nodiscard]] std::string_view name_of(program_type type) noexcept;

/// What becomes of a packet.
enum class fate : uint8_t {
    dropped,
    passes,      ///< goes on to the next program, if there is one
    sent,        ///< leaves where it came in
    redirected,  ///< leaves elsewhere
};

/// What a verdict of programs of one type means.
struct verdict_info {
    uint32_t value;
    std::string_view name;
    fate then;
};

/// The verdicts that have names.
[[nodiscard]] std::span<const verdict_info> verdicts_of(program_type type) noexcept;

/// "XDP_PASS", or "invalid action 7"; for types without names the number.
[[nodiscard]] std::string verdict_name(program_type type, uint64_t verdict);

/// What becomes of a packet that got this verdict. Of programs that judge no packets, 0 drops it.
[[nodiscard]] fate fate_of(program_type type, uint64_t verdict) noexcept;

}  // namespace bpftime::vm::cli
