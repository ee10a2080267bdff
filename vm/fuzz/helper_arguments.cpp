// bpftime-vm: what a program does before it calls a helper that declares its arguments
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_arguments.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace bpftime::vm::fuzz {

namespace {

using isa::insn_id;

constexpr uint8_t memory_register = 6;

class preparation {
public:
    preparation(const ebpf_helper &helper, const passed_registers &passed, random_source &random)
        : helper_{helper}, passed_{passed}, random_{random} {}

    std::vector<isa::instruction> take() {
        for (std::size_t i = 0; i < std::size(helper_.arguments); ++i) prepare(i);
        return std::move(out_);
    }

private:
    void put(const isa::instruction &insn) { out_.push_back(insn); }
    void copy(uint8_t dst, uint8_t src) { put({.id = insn_id::mov64_reg, .dst = dst, .src = src}); }
    int32_t small(uint64_t bound) { return static_cast<int32_t>(random_.below(bound)); }

    void prepare(std::size_t i) {
        const auto reg = static_cast<uint8_t>(i + 1);
        switch (helper_.arguments[i].kind) {
        case EBPF_ARG_UNUSED: break;
        case EBPF_ARG_SCALAR: put_number(i, reg); break;
        case EBPF_ARG_MEMORY_SIZE:
            put({.id = insn_id::mov64_imm, .dst = reg, .imm = small(20)});
            break;
        case EBPF_ARG_CONTEXT: copy(reg, memory_register); break;
        case EBPF_ARG_MAP:
            put({.id = random_.chance(50) ? insn_id::lddw_map_fd : insn_id::lddw_map_idx,
                 .dst = reg,
                 .imm = random_.chance(70) ? small(2) : small(5)});
            break;
        case EBPF_ARG_MAP_KEY: put_key(reg); break;
        case EBPF_ARG_FUNCTION: put({.id = insn_id::lddw_code, .dst = reg}); break;
        default: put_memory(reg);
        }
    }

    /// What the function that the helper calls is passed, and that alone, may be a pointer.
    void put_number(std::size_t i, uint8_t reg) {
        if (calls_function() and i == first_passed()) return copy(reg, passed_.first);
        if (calls_function() and i == first_passed() + 1) return copy(reg, passed_.second);
        if (random_.chance(70)) put({.id = insn_id::mov64_imm, .dst = reg, .imm = small(8)});
    }

    [[nodiscard]] bool calls_function() const {
        return std::ranges::any_of(
            helper_.arguments, [](const ebpf_argument &a) { return a.kind == EBPF_ARG_FUNCTION; });
    }
    [[nodiscard]] std::size_t first_passed() const {
        return helper_.result == EBPF_RESULT_ENDS_RUN ? 0 : 2;
    }

    void put_key(uint8_t reg) {
        if (random_.chance(10)) return copy(reg, memory_register);
        const int16_t slot = frame_slot(1);
        put({.id = insn_id::stdw, .dst = isa::frame_pointer, .offset = slot, .imm = small(5)});
        point_to(reg, slot);
    }

    void put_memory(uint8_t reg) {
        if (random_.chance(40)) return copy(reg, memory_register);
        point_to(reg, frame_slot(4));
    }

    int16_t frame_slot(uint64_t nearest) {
        return static_cast<int16_t>(-8 * static_cast<int64_t>(nearest + random_.below(4)));
    }
    void point_to(uint8_t reg, int16_t slot) {
        copy(reg, isa::frame_pointer);
        put({.id = insn_id::add64_imm, .dst = reg, .imm = slot});
    }

    const ebpf_helper &helper_;
    const passed_registers &passed_;
    random_source &random_;
    std::vector<isa::instruction> out_;
};

}  // namespace

std::vector<isa::instruction> prepare_arguments(const ebpf_helper &helper,
                                                const passed_registers &passed,
                                                random_source &random) {
    return preparation{helper, passed, random}.take();
}

}  // namespace bpftime::vm::fuzz
