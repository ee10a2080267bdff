// bpftime-vm: what to say about programs of which nothing says what they are
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "object/object.hpp"

#include <string>
#include <string_view>

namespace bpftime::vm::cli {

/// Whether the section of the program has a name that says nothing ("from-netdev"). Not .text,
/// where programs are that are for no kernel.
[[nodiscard]] bool lacks_type(const object::function_info &program) noexcept;

/// "__sk_buff" or "xdp_md" if the object's types say that the program gets a pointer to one; "" if
/// not.
[[nodiscard]] std::string_view context_struct(const object::object_file &file,
                                              const object::function_info &program);

/// Whether the section has a name that old objects have programs for packets in.
[[nodiscard]] bool has_name_for_packets(std::string_view section) noexcept;

/// "section 'from-netdev' does not say of which type program 'x' is", and which --type does.
[[nodiscard]] std::string hint_of_type(const object::object_file &file,
                                       const object::function_info &program);

}  // namespace bpftime::vm::cli
