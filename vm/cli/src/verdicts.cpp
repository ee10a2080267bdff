// bpftime-vm: what programs say of packets, by their types
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "verdicts.hpp"

#include "table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace bpftime::vm::cli {

namespace {

constexpr auto xdp_verdicts = std::to_array<verdict_info>({
    {0, "XDP_ABORTED", fate::dropped},
    {1, "XDP_DROP", fate::dropped},
    {2, "XDP_PASS", fate::passes},
    {3, "XDP_TX", fate::sent},
    {4, "XDP_REDIRECT", fate::redirected},
});

constexpr auto tc_verdicts = std::to_array<verdict_info>({
    {0xffff'ffff, "TC_ACT_UNSPEC", fate::passes},
    {0, "TC_ACT_OK", fate::passes},
    {1, "TC_ACT_RECLASSIFY", fate::passes},
    {2, "TC_ACT_SHOT", fate::dropped},
    {3, "TC_ACT_PIPE", fate::passes},
    {4, "TC_ACT_STOLEN", fate::dropped},
    {5, "TC_ACT_QUEUED", fate::passes},
    {6, "TC_ACT_REPEAT", fate::passes},
    {7, "TC_ACT_REDIRECT", fate::redirected},
    {8, "TC_ACT_TRAP", fate::dropped},
});

constexpr auto lwt_verdicts = std::to_array<verdict_info>({
    {0, "BPF_OK", fate::passes},
    {2, "BPF_DROP", fate::dropped},
    {7, "BPF_REDIRECT", fate::redirected},
    {128, "BPF_LWT_REROUTE", fate::passes},
});

constexpr auto sk_skb_verdicts = std::to_array<verdict_info>({
    {0, "SK_DROP", fate::dropped},
    {1, "SK_PASS", fate::passes},
});

const verdict_info *find(program_type type, uint64_t verdict) noexcept {
    const auto known = verdicts_of(type);
    const auto found = std::ranges::find(known, verdict, &verdict_info::value);
    return found == known.end() ? nullptr : &*found;
}

}  // namespace

std::optional<program_type> find_type(std::string_view name) noexcept {
    const auto *const row = std::ranges::find(type_names, name, &type_name::name);
    return row == type_names.end() ? std::nullopt : std::optional{row->type};
}

std::string_view name_of(program_type type) noexcept {
    const auto *const row = std::ranges::find(type_names, type, &type_name::type);
    return row == type_names.end() ? type_names.front().name : row->name;
}

std::span<const verdict_info> verdicts_of(program_type type) noexcept {
    switch (type) {
    case program_type::xdp: return xdp_verdicts;
    case program_type::sched_cls:
    case program_type::sched_act: return tc_verdicts;
    case program_type::lwt_in:
    case program_type::lwt_out:
    case program_type::lwt_xmit: return lwt_verdicts;
    case program_type::sk_skb: return sk_skb_verdicts;
    default: return {};
    }
}

std::string verdict_name(program_type type, uint64_t verdict) {
    if (verdicts_of(type).empty()) return format_word(verdict);
    const verdict_info *const known = find(type, verdict);
    return known != nullptr ? std::string{known->name} : fmt::format("invalid action {}", verdict);
}

fate fate_of(program_type type, uint64_t verdict) noexcept {
    if (const verdict_info *const known = find(type, verdict)) return known->then;
    switch (type) {
    case program_type::cgroup_skb: return (verdict & 1) != 0 ? fate::passes : fate::dropped;
    case program_type::sched_cls:
    case program_type::sched_act: return fate::passes;  // as TC_ACT_UNSPEC
    default: return verdicts_of(type).empty() and verdict != 0 ? fate::passes : fate::dropped;
    }
}

}  // namespace bpftime::vm::cli
