// bpftime-vm: every engine that the parametrised suites run on
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"

#include <memory>
#include <ostream>
#include <span>
#include <string>

namespace bpftime::vm::test {

/// A way to run programs: a backend, and what is set on it to make it run that way.
struct engine {
    const char *name;     ///< in test names: letters, digits and '_'
    const char *backend;  ///< for ebpf_create()
    bool blinds_constants = false;
    bool eliminates_checks = false;
    bool bars_speculation = false;

    friend std::ostream &operator<<(std::ostream &out, const engine &e) { return out << e.name; }
};

/// All engines of this build. A new engine is one row in engines.cpp, and every suite runs on it.
[[nodiscard]] std::span<const engine> engines();

/// Those that make native code, with constants hidden in it: for what depends on constants.
[[nodiscard]] std::span<const engine> blinding_engines();

/// Those that leave out checks that are proven to pass, and one that asserts what is proven: for
/// what faults, or must not.
[[nodiscard]] std::span<const engine> proving_engines();

/// Those that have barriers behind checks, if this machine has such: for what is checked.
[[nodiscard]] std::span<const engine> barring_engines();

/// All engines, and the one that asserts what is proven, where it is there: for whole programs.
[[nodiscard]] std::span<const engine> engines_and_facts();

[[nodiscard]] std::unique_ptr<ebpf_vm> make_vm(const engine &e);

/// Name of a parametrised test's engine, for INSTANTIATE_TEST_SUITE_P.
struct engine_name {
    template <typename Info>
    std::string operator()(const Info &info) const {
        return info.param.name;
    }
};

}  // namespace bpftime::vm::test
