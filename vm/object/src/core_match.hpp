// bpftime-vm: CO-RE: finds in the types of a target what an object asks about
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "core_spec.hpp"

namespace bpftime::vm::object {

/// Compares types of an object with types of a target by libbpf's rules. Hostile types may contain
/// themselves in many ways, so the work is bounded; see exhausted().
class core_matcher {
public:
    core_matcher(const btf &local, const btf &target) : local_{local}, target_{target} {}

    /// Starts counting anew: what follows is about one instruction.
    void begin() noexcept {
        total_ += steps_;
        steps_ = 0;
    }

    /// `spec` in the target's type `candidate`; nothing if it has no such field or enumerator, or
    /// is another type.
    [[nodiscard]] std::optional<core_spec> match(const core_spec &spec, uint32_t candidate);

    /// Whether a question was too deep: its answer was no for that reason.
    [[nodiscard]] bool exhausted() const noexcept {
        return steps_ > most_steps or total_ > most_steps_of_all;
    }

private:
    static constexpr unsigned most_steps = 1U << 20;
    static constexpr uint64_t most_steps_of_all = uint64_t{1} << 28;
    static constexpr unsigned deepest = 32;

    bool work() noexcept { return ++steps_ <= most_steps; }

    std::optional<core_spec> match_enumerator(const core_spec &spec, core_spec found, uint32_t id);
    std::optional<core_spec> match_field(const core_spec &spec, core_spec found, uint32_t id);
    bool match_element(const core_step &step, bool first, core_spec &found, uint32_t &id);
    bool match_member(const core_step &step, core_spec &found, uint32_t &id, unsigned depth);

    bool fields_fit(uint32_t local, uint32_t target);
    bool types_fit(uint32_t local, uint32_t target, unsigned depth);
    bool prototypes_fit(const btf_type &l, const btf_type &t, unsigned depth);
    bool types_match(uint32_t local, uint32_t target, bool behind_pointer, unsigned depth);
    bool forwards_match(const btf_type &l, const btf_type &t, bool behind_pointer) const;
    bool enums_match(const btf_type &l, const btf_type &t);
    bool composites_match(const btf_type &l, const btf_type &t, bool behind_pointer,
                          unsigned depth);
    bool prototypes_match(const btf_type &l, const btf_type &t, bool behind_pointer,
                          unsigned depth);

    const btf &local_;
    const btf &target_;
    unsigned steps_ = 0;
    uint64_t total_ = 0;
};

/// Whether types of the two kinds can stand for each other at all.
[[nodiscard]] bool kinds_fit(const btf_type &a, const btf_type &b) noexcept;

}  // namespace bpftime::vm::object
