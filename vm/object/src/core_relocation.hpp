// bpftime-vm: CO-RE: what an instruction becomes on a target
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "core_match.hpp"

#include <map>
#include <string>

namespace bpftime::vm::object {

/// What the target answers.
struct core_answer {
    bool poison = false;  ///< nothing: the instruction must not be reached
    bool checked = true;  ///< whether the instruction holds `original` now
    uint64_t original = 0;
    uint64_t value = 0;
    uint32_t original_size = 0;  ///< bytes of the field, if it may be loaded and stored; else 0
    uint32_t size = 0;
    bool resizable = true;  ///< whether a load or store of another size does the same
};

class core_relocator {
public:
    /// `target` may be `local` itself.
    core_relocator(const btf &local, const btf &target);

    /// Changes the instruction at the beginning of `code` (of one slot; lddw: of two) to what
    /// `record` asks for. Gives why the instruction is poisoned, if it is. Errors: bad_object,
    /// unsupported, limit_exceeded; their messages are details, without place and remedy.
    [[nodiscard]] result<std::optional<std::string>> apply(const core_record &record,
                                                           std::span<uint8_t> code);

private:
    result<core_answer> answer(const core_spec &spec);
    const std::vector<uint32_t> &candidates(uint32_t local);
    std::vector<uint32_t> find_candidates(uint32_t local) const;

    const btf &local_;
    const btf &target_;
    core_matcher matcher_;
    std::map<uint32_t, std::vector<uint32_t>> candidates_;  ///< by local type
};

}  // namespace bpftime::vm::object
