// bpftime-vm: contexts of packets, between our structs and those of linux/bpf.h
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packet_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace bpftime::vm::runtime_capi {

namespace {

using runtime::context_field;
using runtime::context_layout;

bool is_address(const context_field &f) { return f.wide_pointer or f.name == "sk"; }

bool is_settable(const context_field &f) { return not is_address(f) and f.name != "len"; }

std::span<uint8_t> bytes_of(runtime::packet_context &context) {
    if (auto *const xdp = context.xdp()) return {reinterpret_cast<uint8_t *>(xdp), sizeof *xdp};
    return {reinterpret_cast<uint8_t *>(context.skb()), sizeof *context.skb()};
}

bool is_zero(std::span<const uint8_t> bytes) {
    return std::ranges::all_of(bytes, [](uint8_t byte) { return byte == 0; });
}

/// As much of the field as the struct has.
template <typename Byte>
std::span<Byte> part(std::span<Byte> whole, const context_field &f) {
    if (f.offset >= whole.size()) return {};
    return whole.subspan(f.offset, std::min<std::size_t>(f.size, whole.size() - f.offset));
}

}  // namespace

result<void> read_context(runtime::packet_context &context, std::span<const uint8_t> from) {
    const context_layout &layout = *runtime::context_layout_of(context.type());
    for (std::size_t at = 0; at < from.size(); ++at) {
        if (from[at] == 0) continue;
        const context_field *const f = layout.find(static_cast<int64_t>(at));
        if (f != nullptr and is_settable(*f)) continue;
        return std::unexpected{make_error(
            error_code::invalid_argument,
            fmt::format("the context has something at byte {}, where struct {} has {}", at,
                        layout.name,
                        f == nullptr ? "no field" : fmt::format("`{}`, which is ours", f->name)))};
    }
    const auto ours = bytes_of(context);
    for (const context_field &f : layout.fields) {
        const auto given = part(from, f);
        if (not is_settable(f) or is_zero(given)) continue;
        std::ranges::copy(given, ours.begin() + f.host_offset);
        if (f.name == "hash") context.set_hash(context.skb()->hash);
    }
    return {};
}

void write_context(runtime::packet_context &context, std::span<uint8_t> to) {
    std::ranges::fill(to, uint8_t{0});
    const auto ours = bytes_of(context);
    for (const context_field &f : runtime::context_layout_of(context.type())->fields) {
        const auto place = part(to, f);
        if (not is_address(f))
            std::ranges::copy_n(ours.begin() + f.host_offset,
                                static_cast<std::ptrdiff_t>(place.size()), place.begin());
    }
}

}  // namespace bpftime::vm::runtime_capi
