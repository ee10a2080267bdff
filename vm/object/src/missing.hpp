// bpftime-vm: what a program needs and nobody has, collected so that one message names it all
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/error.hpp"

#include <array>
#include <string>
#include <vector>

namespace bpftime::vm::object {

enum class missing : uint8_t { maps, data, functions, variables, configuration };
inline constexpr std::size_t missing_count = 5;

class missing_names {
public:
    void add(missing kind, std::string name);
    /// The refusal of `program`; nothing if nothing is missing.
    [[nodiscard]] std::optional<error> report(std::string_view program) const;

private:
    std::array<std::vector<std::string>, missing_count> names_;
};

}  // namespace bpftime::vm::object
