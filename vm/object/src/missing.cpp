// bpftime-vm: what a program needs and nobody has, collected so that one message names it all
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "missing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace bpftime::vm::object {

namespace {

constexpr std::size_t most_names_shown = 8;

struct missing_info {
    std::string_view one;
    std::string_view several;
    std::string_view reason;  ///< {0}: the first name
};

constexpr auto missing_table = std::to_array<missing_info>({
    {"map", "maps", "bytecode alone has none"},
    {"global data", "global data",
     "bytecode alone has no data: keep it on the stack or pass it in the memory"},
    {"external function", "external functions",
     "the object does not define it, and it is no kernel function that is supported"},
    {"external variable", "external variables",
     "the object does not define it: kernel symbols are not supported"},
    {"kernel configuration", "kernel configuration",
     "it has no value: set it (bpftime-cli run --set {0}=VALUE, ebpf_object_set_kconfig()), or "
     "declare it __weak to read zero"},
});
static_assert(missing_table.size() == missing_count);

std::string enumerate(const missing_info &info, std::span<const std::string> names) {
    const auto shown = names.first(std::min(names.size(), most_names_shown));
    return fmt::format("the {} '{}'{}", names.size() > 1 ? info.several : info.one,
                       fmt::join(shown, "', '"), names.size() > shown.size() ? " and more" : "");
}

}  // namespace

void missing_names::add(missing kind, std::string name) {
    std::vector<std::string> &names = names_[static_cast<std::size_t>(kind)];
    if (names.size() <= most_names_shown and std::ranges::find(names, name) == names.end())
        names.push_back(std::move(name));
}

std::optional<error> missing_names::report(std::string_view program) const {
    std::vector<std::string> needs;
    std::vector<std::string> reasons;
    for (std::size_t kind = 0; kind < names_.size(); ++kind) {
        if (names_[kind].empty()) continue;
        needs.push_back(enumerate(missing_table[kind], names_[kind]));
        reasons.push_back(
            fmt::format(fmt::runtime(missing_table[kind].reason), names_[kind].front()));
    }
    if (needs.empty()) return {};
    return make_error(error_code::unsupported,
                      fmt::format("program '{}' needs {}: {}", program, fmt::join(needs, " and "),
                                  fmt::join(reasons, "; ")));
}

}  // namespace bpftime::vm::object
