// bpftime-vm: what facts say of a program as a whole: safe, safe with checks, or at fault
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "analysis/facts.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::analysis {

enum class safety : uint8_t {
    proven,   ///< no access, argument or target has to be checked while the program runs
    checked,  ///< what was not proven is checked; a run ends with a fault where a check fails
    faults,   ///< every run that ends, ends with a fault
};

/// What is known of one instruction.
struct note {
    uint32_t pc = 0;
    verdict what = verdict::unreachable;  ///< unreachable: not about a check
    std::string text;
};

struct verification {
    safety what = safety::proven;
    facts_summary accesses;
    /// Instructions other than accesses at which something is checked: arguments of helpers,
    /// targets of callx and gotox, the depth of calls.
    uint32_t other_checks = 0;
    uint32_t loops = 0;            ///< jumps backwards that can be reached
    uint32_t unbounded_loops = 0;  ///< of them, those that only the instruction limit ends for sure
    bool is_complete = true;       ///< whether the analysis ended within its steps
    /// The first instruction at which runs fault for sure, and why.
    std::optional<note> fault;
    std::vector<note> notes;  ///< by pc: of all that there is something to say of

    /// How many instructions need a check at run time.
    [[nodiscard]] uint32_t checks() const noexcept {
        return accesses.checked + accesses.faults + other_checks;
    }
    /// "proven safe", "safe with 3 checks at run time", "certainly faults at pc 7: ...".
    [[nodiscard]] std::string summary() const;
};

/// What `f`, which were found for `p` in `world`, come to. `call_depth`: frames that a run may
/// have.
[[nodiscard]] verification verify(const program &p, const environment &world, const facts &f,
                                  uint32_t call_depth);

[[nodiscard]] std::string_view name_of(safety s) noexcept;

}  // namespace bpftime::vm::analysis
