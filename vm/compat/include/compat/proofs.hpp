// bpftime-vm: which checks an engine may leave out
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "analysis/facts.hpp"
#include "compat/executable.hpp"

#include <cstdint>
#include <optional>

namespace bpftime::vm::compat {

/// What is proven of the accesses of a program, for the engine that makes code of it.
class EBPF_EXPORT proofs {
public:
    /// Proves as much as the configuration asks for: nothing, unless checks are to be left out
    /// where they can. `hides_frames`: the code calls stack_layout::hide_frames(), or marks none of
    /// its frames.
    proofs(const build_input &input, bool hides_frames, analysis::effort how);

    /// Whether the access at `pc` is known to be allowed wherever control gets there.
    [[nodiscard]] bool is_proven(uint32_t pc) const noexcept {
        if (not facts_) return false;
        const analysis::verdict known = facts_->access(pc).what;
        return known == analysis::verdict::proven or known == analysis::verdict::covered;
    }
    /// Whether its address is a multiple of its size then.
    [[nodiscard]] bool is_aligned(uint32_t pc) const noexcept {
        return facts_ and facts_->access(pc).is_aligned;
    }
    /// Whether the access at `pc` is proven to be one of the running function's frame.
    [[nodiscard]] bool is_in_frame(uint32_t pc, int64_t size, int64_t frame_size) const noexcept {
        if (not facts_) return false;
        const analysis::access_facts &known = facts_->access(pc);
        return known.what == analysis::verdict::proven and
               known.region == analysis::value_kind::frame and known.index == 0 and
               known.least_offset >= -frame_size and known.most_offset <= -size;
    }

private:
    std::optional<analysis::facts> facts_;
};

}  // namespace bpftime::vm::compat
