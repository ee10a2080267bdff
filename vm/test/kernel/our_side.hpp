// bpftime-vm: a program on one of our engines
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "observation.hpp"
#include "runtime/loaded_object.hpp"
#include "subject.hpp"

#include <expected>
#include <memory>
#include <string>

namespace bpftime::vm::differential {

class our_side {
public:
    /// Links, loads and compiles it; on failure, why not.
    [[nodiscard]] static std::expected<our_side, std::string> load(const subject &s,
                                                                   const std::string &backend);

    void fill_maps();
    /// `shift`: how many bytes further than usual the packet lies; a small multiple of 8.
    [[nodiscard]] observation run(const bytes &frame, std::size_t shift = 0);
    [[nodiscard]] std::map<std::string, map_contents> maps();

    /// How the refusal of a run begins that reached what we do not have, and the kernel has.
    static constexpr std::string_view unavailable = "reaches what is not supported yet: ";

private:
    our_side(const subject &s, runtime::loaded_object object, std::shared_ptr<ebpf_vm> vm)
        : subject_{&s}, object_{std::move(object)}, vm_{std::move(vm)} {}

    [[nodiscard]] std::string why_not(const std::string &message) const;

    const subject *subject_;
    runtime::loaded_object object_;
    std::shared_ptr<ebpf_vm> vm_;
};

}  // namespace bpftime::vm::differential
