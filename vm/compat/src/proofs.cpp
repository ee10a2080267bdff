// bpftime-vm: which checks an engine may leave out
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/proofs.hpp"

#include "compat/linked_world.hpp"

namespace bpftime::vm::compat {

proofs::proofs(const build_input &input, bool hides_frames, analysis::effort how) {
    const vm_config &config = input.config;
    // Pages of an arena come and go, and proofs rest on branches that processors may run ahead of.
    if (not config.eliminates_checks or not config.bounds_checks or config.bars_speculation or
        input.linked.arena() != nullptr)
        return;
    const linked_world world{input.code, input.linked, config};
    auto facts = analysis::facts::analyse(input.code, world, how);
    if (hides_frames or not facts.rely_on_hidden_frames()) facts_ = std::move(facts);
}

}  // namespace bpftime::vm::compat
