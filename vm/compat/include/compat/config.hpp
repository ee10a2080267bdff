// bpftime-vm: the configuration that all backends of our own share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"
#include "compat/memory_map.hpp"
#include "program/helper.hpp"
#include "program/program.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace bpftime::vm::compat {

/// A helper's declaration and what to call. The code pointer is kept XORed with the VM's pointer
/// secret.
class helper_binding {
public:
    helper_binding() = default;
    helper_binding(const ebpf_helper &helper, uint64_t secret);

    [[nodiscard]] const helper_declaration &declaration() const noexcept { return declaration_; }
    [[nodiscard]] bool has_context() const noexcept { return has_context_; }
    /// The function's address.
    [[nodiscard]] uint64_t code(uint64_t secret) const noexcept { return code_ ^ secret; }
    [[nodiscard]] void *context() const noexcept { return context_; }

    [[nodiscard]] uint64_t call(uint64_t secret, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
                                uint64_t r5) const {
        const uint64_t address = code(secret);
        if (has_context_)
            return reinterpret_cast<ebpf_ctx_helper_fn>(address)(context_, r1, r2, r3, r4, r5);
        return reinterpret_cast<external_function_t>(address)(r1, r2, r3, r4, r5);
    }

    /// Places of the arguments that are checked before a call.
    [[nodiscard]] std::span<const uint8_t> checked() const noexcept {
        return {checked_.data(), checked_count_};
    }
    /// Where the map argument is; none: max_helper_arguments.
    [[nodiscard]] unsigned map_argument() const noexcept { return map_argument_; }
    [[nodiscard]] unsigned arity() const noexcept { return arity_; }

    void change_secret(uint64_t from, uint64_t to) noexcept { code_ ^= from ^ to; }

private:
    helper_declaration declaration_;
    uint64_t code_ = 0;
    void *context_ = nullptr;
    bool has_context_ = false;
    // What every call needs of the declaration:
    std::array<uint8_t, max_helper_arguments> checked_{};
    uint8_t checked_count_ = 0;
    uint8_t map_argument_ = max_helper_arguments;
    uint8_t arity_ = max_helper_arguments;
};

/// A helper's body in LLVM bitcode or IR.
struct helper_bitcode {
    uint32_t id;
    std::string function;  ///< which one of the code's it is
    std::vector<uint8_t> code;
};

/// Everything that is set on a VM besides its program.
struct vm_config {
    uint32_t max_insns = default_max_insns;
    uint32_t max_helpers = EBPF_MAX_EXT_FUNCS;
    uint32_t stack_size = EBPF_STACK_SIZE;
    uint32_t call_depth = EBPF_CALL_DEPTH;
    uint32_t optimization_level = EBPF_OPTIMIZATION_LEVEL;
    uint64_t instruction_limit = EBPF_INSTRUCTION_LIMIT;  ///< 0: none
    uint64_t pointer_secret = 0;
    /// What hides constants in native code; none: they are not hidden.
    std::optional<uint64_t> blinding_seed;
    bool bounds_checks = true;
    /// Whether checks that are proven to pass may be left out.
    bool eliminates_checks = false;
    /// Whether nothing that a check guards is begun before the check is decided.
    bool bars_speculation = false;
    std::string cpu;                    ///< that native code is for; empty: this machine's
    bool prefers_size = false;          ///< small code rather than fast code
    uint64_t compile_microseconds = 0;  ///< after so many, no more optimising; 0: no limit
    uint64_t compile_bytes = 0;  ///< most that compiling may be expected to take; 0: no limit
    std::optional<uint32_t> unwind_helper;
    /// What the host says of the input memory, all of it meant: no member is a default.
    std::optional<ebpf_input> input;
    lddw_helpers lddw;
    std::unordered_map<uint32_t, helper_binding> helpers;
    /// Bodies of helpers, which may have no function in `helpers`.
    std::unordered_map<uint32_t, helper_bitcode> bitcode;
    bool compiles_bitcode = false;  ///< whether a body alone is enough
    std::vector<memory_span> regions;
    std::vector<uint32_t> jump_targets;

    /// What the program may do with its input memory.
    [[nodiscard]] permission input_permission() const noexcept {
        return input ? static_cast<permission>(input->permission) : permission::read_write;
    }
    /// Of the loaded program; null: not known.
    std::shared_ptr<const program_source> source;
};

/// A map that the program names.
struct linked_map {
    uint64_t word;
    const ebpf_map_shape *shape;
};

/// Where the address that an lddw gives lies in the memory that came with it.
struct linked_place {
    uint32_t region;  ///< which of linkage::regions()
    uint64_t offset;
};

/// What a program refers to outside itself, resolved: the values of its lddw, and its helpers.
class EBPF_EXPORT linkage {
public:
    /// Resolves what the reachable code of `p` needs. Errors name the pc: missing_helper,
    /// missing_lddw, unsupported.
    [[nodiscard]] static result<linkage> resolve(const program &p, const vm_config &config);

    /// The value of the lddw at `pc`.
    [[nodiscard]] uint64_t lddw_value(const program &p, uint32_t pc) const noexcept;
    /// The helper of this id; null if it is not bound.
    [[nodiscard]] const helper_binding *helper(uint32_t id) const noexcept;
    /// visit(id, binding) for each helper that is bound; bindings stay where they are.
    template <typename Visit>
    void for_each_helper(Visit &&visit) const {
        for (const auto &[id, binding] : helpers_) visit(id, binding);
    }
    /// Memory that the size companions of the lddw callbacks grant.
    [[nodiscard]] std::span<const memory_span> regions() const noexcept { return regions_; }
    /// Maps that lddw names and map_shape knows.
    [[nodiscard]] std::span<const linked_map> maps() const noexcept { return maps_; }
    /// Memory of maps that the program names, which nobody changes any more.
    [[nodiscard]] std::span<const memory_span> constants() const noexcept { return constants_; }
    /// The arena that the program names; null: none.
    [[nodiscard]] const ebpf_arena *arena() const noexcept { return arena_; }
    /// The index in maps() of the map that the lddw at `pc` names; none: it names no such map.
    [[nodiscard]] std::optional<uint32_t> map_at(uint32_t pc) const noexcept;
    /// The memory that the lddw at `pc` gives an address of; none: none came with it.
    [[nodiscard]] std::optional<linked_place> place_at(uint32_t pc) const noexcept;

private:
    friend class linker;
    std::unordered_map<uint32_t, uint64_t> lddw_values_;  // by pc; kind 0 is not here
    std::unordered_map<uint32_t, helper_binding> helpers_;
    std::vector<memory_span> regions_;
    std::vector<linked_map> maps_;
    std::vector<memory_span> constants_;
    const ebpf_arena *arena_ = nullptr;
    std::unordered_map<uint32_t, uint32_t> map_indices_;  // by pc
    std::unordered_map<uint32_t, linked_place> places_;   // by pc
};

}  // namespace bpftime::vm::compat
