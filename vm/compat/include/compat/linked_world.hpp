// bpftime-vm: the world that a program was linked to, as the analysis wants to know it
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "analysis/environment.hpp"
#include "compat/config.hpp"
#include "program/program.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bpftime::vm::compat {

/// What a linkage and a configuration tell of a program's world. Both, and the program, outlive it.
class EBPF_EXPORT linked_world final : public analysis::environment {
public:
    linked_world(const program &p, const linkage &linked, const vm_config &config) noexcept;

    [[nodiscard]] const helper_declaration *helper(uint32_t id) const noexcept override;
    [[nodiscard]] analysis::wide_value wide(uint32_t pc) const noexcept override;
    [[nodiscard]] analysis::map_facts map(uint32_t index) const noexcept override;
    [[nodiscard]] uint32_t frame_size() const noexcept override { return config_.stack_size; }
    [[nodiscard]] analysis::input_facts input() const noexcept override;
    [[nodiscard]] std::span<const analysis::packet_field> packet_fields() const noexcept override {
        return {packet_fields_.data(), packet_field_count_};
    }
    [[nodiscard]] analysis::packet_facts packet() const noexcept override;
    [[nodiscard]] bool moves_packet(uint32_t helper) const noexcept override;
    [[nodiscard]] bool unwinds(uint32_t helper) const noexcept override {
        return config_.unwind_helper == helper;
    }
    [[nodiscard]] bool has_arena() const noexcept override { return linked_.arena() != nullptr; }
    [[nodiscard]] bool calls_for_packet_loads() const noexcept override {
        return linked_.helper(EBPF_PACKET_LOAD_HELPER) != nullptr;
    }

private:
    const program &p_;
    const linkage &linked_;
    const vm_config &config_;
    std::array<analysis::packet_field, 3> packet_fields_{};
    std::size_t packet_field_count_ = 0;
};

}  // namespace bpftime::vm::compat
