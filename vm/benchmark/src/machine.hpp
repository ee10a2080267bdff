// bpftime-vm: what can run programs in this process: a backend, another library's backend, uBPF
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bpftime::vm::benchmark {

/// Holds at most one program. load() and compile() throw std::runtime_error with the machine's own
/// message.
class machine {
public:
    machine() = default;
    machine(const machine &) = delete;
    machine &operator=(const machine &) = delete;
    virtual ~machine() = default;

    /// Replaces the program.
    virtual void load(const std::vector<uint8_t> &code) = 0;
    /// Makes native code of the program.
    virtual void compile() = 0;
    /// Runs the program, which may compile it first; false if the run failed.
    virtual bool run(void *mem, size_t len, uint64_t &r0) = 0;
    /// Why the last run failed.
    [[nodiscard]] virtual std::string last_error() const = 0;
};

/// A kind of machine, in one configuration.
struct contender {
    std::string name;  ///< in benchmark names: "ubpf", "ubpf-unchecked", "libother:llvm"
    bool standard;     ///< in the configuration in which loading is measured, too
    bool compiles;     ///< whether compile() gives native code
    bool foreign;      ///< of another library, which may crash
    std::function<std::unique_ptr<machine>()> make;  ///< throws std::runtime_error

    /// A machine with the program loaded.
    [[nodiscard]] std::unique_ptr<machine> load(const std::vector<uint8_t> &code) const {
        auto m = make();
        m->load(code);
        return m;
    }
};

}  // namespace bpftime::vm::benchmark
