// bpftime-vm: one program in all engines, over the same memory, compared in all that can be seen
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "common.hpp"
#include "ebpf-vm.h"
#include "guarded_memory.hpp"
#include "playground.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bpftime::vm::fuzz {

/// How engines run programs.
struct engine_settings {
    /// Helpers and callbacks are the scene's.
    settings how = {};
    uint32_t optimization_level = EBPF_OPTIMIZATION_LEVEL;
    bool prefers_size = false;
    /// Code is for a CPU that has little, not for this machine's.
    bool is_for_any_cpu = false;
    bool blinds_constants = false;
    bool eliminates_checks = true;
    bool bars_speculation = false;
    /// Some helpers have bodies, which engines may take in place of calls.
    bool has_bodies = false;
    /// Legacy packet loads are done by a helper, not from the input memory.
    bool has_packet_helper = false;
    /// Programs that end well are run without checks, too.
    bool also_unchecked = false;
    /// Without it only the engines take part whose code is made in microseconds.
    bool has_llvm = true;
    /// One more takes part, which asks before each instruction whether what the analysis says is
    /// true, and ends the process if it is not. That takes its time.
    bool asserts_facts = false;
    uint64_t pointer_secret = 0;
    /// Which end of the input memory has a page behind it that nobody may touch.
    guarded_end input_guard = guarded_end::last;
};

/// Whether all engines put the stack at the same address when they are called from the same
/// place. They do, unless the sanitizer moves locals to the heap: then only programs whose
/// pointers are confined can be compared.
[[nodiscard]] bool stacks_agree();

/// The interpreter, which makes all checks and has no secrets, and the engines that are compared
/// with it: itself, the light JIT and the LLVM backend, as far as they are there, configured as the
/// settings say. Helpers, maps and memory beside input and stack are the scene's. All memory that
/// programs are given ends at a page that ends the process when it is touched, and lies between
/// bytes that a sanitizer knows to be nobody's.
class engine_set {
public:
    explicit engine_set(engine_settings s);
    ~engine_set();
    engine_set(const engine_set &) = delete;
    engine_set &operator=(const engine_set &) = delete;

    /// Loads the program in all; a finding if they do not agree. Whether it loaded.
    [[nodiscard]] bool load(std::span<const uint8_t> code);

    /// What a run looks like from outside.
    struct observed {
        int64_t code = EBPF_OK;
        int64_t result = 0;
        ebpf_fault fault{};
        byte_vector memory;  ///< input memory, then all other memory that programs can reach
    };

    /// Runs the program in all, from the same memory, whose contents follow from the number.
    /// Nothing if they agree, else what they made of it. Addresses in faults count only if `exact`.
    [[nodiscard]] std::optional<std::string> difference(bool exact = true, uint64_t contents = 0);
    /// What the interpreter made of the last run.
    [[nodiscard]] const observed &reference() const noexcept { return reference_; }

    /// How many runs each engine has made, with and without checks, the reference's among them.
    using run_counts = std::array<uint64_t, 4>;
    static constexpr std::array<const char *, 4> counted{"ubpf", "ubpf-jit", "llvm", "facts"};
    [[nodiscard]] const run_counts &runs() const noexcept { return runs_; }

private:
    struct destroy {
        void operator()(ebpf_vm *vm) const noexcept { ebpf_destroy(vm); }
    };
    using vm_ptr = std::unique_ptr<ebpf_vm, destroy>;

    struct contender;

    void add(const contender &c);
    [[nodiscard]] vm_ptr make(const contender &c) const;
    [[nodiscard]] observed run(const contender &c, bool exact, uint64_t contents);
    [[nodiscard]] std::string describe(const observed &other, const contender &c) const;

    engine_settings settings_;
    guarded_memory memory_;
    run_counts runs_{};
    std::vector<contender> all_;  ///< the reference first, those without checks last
    observed reference_;
};

}  // namespace bpftime::vm::fuzz
