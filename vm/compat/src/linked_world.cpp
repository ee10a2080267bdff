// bpftime-vm: the world that a program was linked to, as the analysis wants to know it
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/linked_world.hpp"

#include <algorithm>
#include <bit>

namespace bpftime::vm::compat {

namespace {

using analysis::wide_value;

/// The largest power of two that divides an address, as far as programs can make use of it.
uint32_t alignment_of(uint64_t address) noexcept {
    constexpr uint64_t most = 16;
    return uint32_t{1} << std::countr_zero(address | most);
}

}  // namespace

linked_world::linked_world(const program &p, const linkage &linked,
                           const vm_config &config) noexcept
    : p_{p}, linked_{linked}, config_{config} {
    using analysis::packet_edge;
    if (not config.input or config.input->packet_permission == 0) return;
    const ebpf_input &input = *config.input;
    packet_fields_ = {{{input.data_offset, packet_edge::data},
                       {input.data_end_offset, packet_edge::end},
                       {input.data_meta_offset, packet_edge::meta}}};
    packet_field_count_ = input.data_meta_offset == EBPF_NO_OFFSET ? 2 : 3;
}

analysis::input_facts linked_world::input() const noexcept {
    if (not config_.input) return {};
    return {.least_size = config_.input->least_size,
            .allowed = config_.input_permission(),
            .alignment = config_.input->alignment};
}

analysis::packet_facts linked_world::packet() const noexcept {
    if (not config_.input) return {};
    return {.allowed = static_cast<permission>(config_.input->packet_permission)};
}

bool linked_world::moves_packet(uint32_t id) const noexcept {
    const helper_declaration *const declared = helper(id);
    if (declared == nullptr) return true;
    if (not declared->declares_arguments()) return declared->purity == helper_purity::impure;
    return std::ranges::any_of(declared->arguments, [](const argument_declaration &a) {
        return a.kind == argument_kind::context;
    });
}

/// Undeclared types are no promise.
const helper_declaration *linked_world::helper(uint32_t id) const noexcept {
    const helper_binding *const binding = linked_.helper(id);
    return binding == nullptr or not binding->declaration().typed ? nullptr
                                                                  : &binding->declaration();
}

wide_value linked_world::wide(uint32_t pc) const noexcept {
    const isa::operation op = isa::info(p_.insn(pc).id).operation;
    const bool is_handle = op == isa::operation::lddw_code and not config_.lddw.code_addr;
    if (op == isa::operation::lddw or is_handle) return {.what = wide_value::kind::constant};
    if (const auto map = linked_.map_at(pc)) return {.what = wide_value::kind::map, .index = *map};
    const auto place = linked_.place_at(pc);
    if (not place) return {};
    const memory_span &memory = linked_.regions()[place->region];
    return {.what = wide_value::kind::memory,
            .index = place->region,
            .size = memory.len,
            .offset = place->offset,
            .allowed = memory.allowed,
            .alignment = alignment_of(memory.begin)};
}

analysis::map_facts linked_world::map(uint32_t index) const noexcept {
    const ebpf_map_shape &shape = *linked_.maps()[index].shape;
    // Values of arrays are where the host says; of others nobody knows.
    const bool is_array = shape.index_count != 0;
    return {.key_size = shape.key_size,
            .value_size = shape.value_size,
            .result_size = shape.result_size,
            .allowed = static_cast<permission>(shape.permission),
            .index_count = shape.index_count,
            .alignment = is_array ? alignment_of(shape.values | shape.value_stride) : 1};
}

}  // namespace bpftime::vm::compat
