// bpftime-vm: what instructions do with memory
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/isa.hpp"
#include "program/region.hpp"

namespace bpftime::vm {

/// What an access by this operation does.
[[nodiscard]] constexpr permission permission_of(isa::operation op) noexcept {
    switch (op) {
    case isa::operation::load:
    case isa::operation::load_sx:
    case isa::operation::load_acquire: return permission::read;
    case isa::operation::store:
    case isa::operation::store_release: return permission::write;
    default: return permission::read_write;
    }
}

}  // namespace bpftime::vm
