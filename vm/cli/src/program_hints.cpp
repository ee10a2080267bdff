// bpftime-vm: what to say about programs of which nothing says what they are
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "program_hints.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bpftime::vm::cli {

using object::btf;
using object::btf_kind;

bool lacks_type(const object::function_info &program) noexcept {
    return program.type.program == object::program_type::generic and program.section != ".text";
}

std::string_view context_struct(const object::object_file &file,
                                const object::function_info &program) {
    const btf *const types = file.types();
    if (types == nullptr) return "";
    const auto function = types->find(program.name, btf_kind::function);
    if (not function) return "";
    const auto parameters = types->parameters(types->type(types->type(*function).type));
    if (parameters.empty()) return "";
    const object::btf_type &pointer = types->type(types->resolve(parameters.front().type));
    if (pointer.kind != btf_kind::pointer) return "";
    const std::string_view name = types->type(types->resolve(pointer.type)).name;
    for (const std::string_view known : {"__sk_buff", "xdp_md"}) {
        if (name == known) return known;
    }
    return "";
}

bool has_name_for_packets(std::string_view section) noexcept {
    constexpr auto beginnings = std::to_array<std::string_view>(
        {"from-", "to-", "ingress", "egress", "filter", "cls", "act"});
    const auto slash = section.find('/');
    const auto is_digit = [](char c) { return c >= '0' and c <= '9'; };
    const bool is_slot = slash != section.npos and slash != 0 and slash + 1 != section.size() and
                         std::ranges::all_of(section.substr(0, slash), is_digit) and
                         std::ranges::all_of(section.substr(slash + 1), is_digit);
    return is_slot or std::ranges::any_of(
                          beginnings, [&](std::string_view b) { return section.starts_with(b); });
}

std::string hint_of_type(const object::object_file &file, const object::function_info &program) {
    const std::string_view context = context_struct(file, program);
    return fmt::format("section '{}' does not say of which type program '{}' is{}: --type {} does",
                       program.section, program.name,
                       context.empty() ? "" : fmt::format(", which takes a struct {}", context),
                       context == "xdp_md"      ? "xdp"
                       : context == "__sk_buff" ? "tc (or action, socket, cgroup_skb, ..)"
                                                : "tc (or socket, xdp, ..)");
}

}  // namespace bpftime::vm::cli
