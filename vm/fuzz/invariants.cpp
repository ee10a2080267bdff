// bpftime-vm: what holds of every program that loads, and of every fault
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "invariants.hpp"

#include "common.hpp"

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace bpftime::vm::fuzz {

namespace {

using isa::operation;
using isa::operation_kind;

void check_functions(const program &p) {
    uint32_t slot = 0;
    uint32_t block = 0;
    for (const function &f : p.functions()) {
        require(f.begin == slot and f.end > f.begin, "functions follow each other");
        require(f.first_block == block and f.block_count > 0, "functions own consecutive blocks");
        require(f.weight > 0 and f.weight <= f.end - f.begin,
                "a function weighs no more than its slots");
        require(p.is_entry(f.begin) and p.function_at(f.end - 1) == p.function_at(f.begin),
                "slots belong to functions");
        require(std::ranges::is_sorted(p.callees_of(f)), "callees are sorted");
        for (const uint32_t callee : p.callees_of(f)) {
            require(callee < p.functions().size(), "callees are functions");
        }
        slot = f.end;
        block += f.block_count;
    }
    require(slot == p.size() and block == p.blocks().size(), "functions cover the program");
}

void check_blocks(const program &p) {
    uint32_t slot = 0;
    for (const basic_block &b : p.blocks()) {
        require(b.begin == slot and b.end > b.begin, "blocks follow each other");
        require(p.insn(b.begin).id != isa::insn_id::none, "blocks begin with an instruction");
        require(p.function_at(b.begin) == b.function, "blocks lie in their function");
        for (const uint32_t next : p.successors_of(b)) {
            require(next < p.blocks().size() and p.blocks()[next].function == b.function,
                    "successors are of the function");
            require(not b.reachable or p.blocks()[next].reachable,
                    "successors of reachable blocks are reachable");
        }
        slot = b.end;
    }
    require(slot == p.size(), "blocks cover the program");
}

void check_targets(const program &p) {
    for (uint32_t pc = 0; pc < p.size(); ++pc) {
        const isa::instruction &i = p.insn(pc);
        if (i.id == isa::insn_id::none) continue;
        const isa::shape_info &form = isa::info(isa::info(i.id).shape);
        if (form.imm == isa::imm_role::function)
            require(p.is_entry(p.callee_pc(pc)), "calls go to functions");
        if (form.offset != isa::offset_role::jump and form.imm != isa::imm_role::jump) continue;
        const uint32_t target = p.jump_target(pc);
        require(target < p.size() and p.function_at(target) == p.function_at(pc),
                "jumps stay in their function");
        if (not program::is_back_edge(pc, target)) continue;
        const uint32_t weight = p.loop_weight(target);
        require(weight > 0 and weight <= p.functions()[p.function_at(pc)].weight,
                "loops have a weight");
    }
}

/// Whether an instruction can end a run in this way.
bool can_fault(const isa::instruction &i, uint32_t kind) {
    const operation op = isa::info(i.id).operation;
    const operation_kind of = isa::kind_of(i.id);
    const bool callx = op == operation::callx;
    const bool helper = op == operation::call_helper or callx;
    switch (kind) {
    case EBPF_FAULT_OUT_OF_BOUNDS_READ:
        // Atomics: of memory that the program may only write.
        return of == operation_kind::load or of == operation_kind::atomic or helper;
    case EBPF_FAULT_OUT_OF_BOUNDS_WRITE:
    case EBPF_FAULT_READ_ONLY_WRITE:
        return of == operation_kind::store or
               (of == operation_kind::atomic and op != operation::load_acquire) or helper;
    case EBPF_FAULT_MISALIGNED_ATOMIC: return of == operation_kind::atomic;
    case EBPF_FAULT_CALL_DEPTH_EXCEEDED: return op == operation::call_local or callx;
    case EBPF_FAULT_INSTRUCTION_LIMIT:
        return of == operation_kind::branch or of == operation_kind::jump or
               op == operation::call_local or callx;
    case EBPF_FAULT_BAD_CALL_TARGET: return callx;
    case EBPF_FAULT_BAD_JUMP_TARGET: return op == operation::gotox;
    case EBPF_FAULT_BAD_MAP:
    case EBPF_FAULT_UNAVAILABLE: return helper;
    default: return false;
    }
}

bool is_about_memory(uint32_t kind) {
    return kind >= EBPF_FAULT_OUT_OF_BOUNDS_READ and kind <= EBPF_FAULT_MISALIGNED_ATOMIC;
}

/// Whether the access lies wholly in a region of `size` bytes.
bool lies_inside(const ebpf_fault &f, uint64_t size) {
    return f.offset >= 0 and static_cast<uint64_t>(f.offset) <= size and
           f.size <= size - static_cast<uint64_t>(f.offset);
}

/// Prints the fault that it finds wrong.
class fault_checker {
public:
    explicit fault_checker(const ebpf_fault &f) : fault{f} {}

    void operator()(bool holds, std::string_view what) const {
        if (not holds) {
            std::fprintf(
                stderr,
                "fault of kind %u at pc %u: %llu bytes at offset %lld of region %u (index %u)\n",
                fault.kind, fault.pc, static_cast<unsigned long long>(fault.size),
                static_cast<long long>(fault.offset), fault.region, fault.region_index);
        }
        require(holds, what);
    }

    const ebpf_fault &fault;
};

void check_place(const fault_checker &check, const run_shape &shape) {
    const ebpf_fault &f = check.fault;
    const bool out_of_bounds =
        f.kind == EBPF_FAULT_OUT_OF_BOUNDS_READ or f.kind == EBPF_FAULT_OUT_OF_BOUNDS_WRITE;
    switch (f.region) {
    case EBPF_REGION_NONE:
        check(f.offset == 0 and f.region_index == 0, "no region, no offset");
        check(out_of_bounds, "only accesses to no region have none");
        break;
    case EBPF_REGION_INPUT:
        check(f.region_index == 0, "there is one input memory");
        check(out_of_bounds != lies_inside(f, shape.memory_size),
              "an access inside the input memory is in bounds");
        break;
    case EBPF_REGION_STACK:
        check(f.region_index < shape.call_depth, "frames are as many as calls");
        check(out_of_bounds != lies_inside(f, shape.stack_size),
              "an access inside a stack frame is in bounds");
        break;
    default: check(f.region <= EBPF_REGION_GRANTED, "the region is known");
    }
}

}  // namespace

void check_program(const program &p, std::span<const uint8_t> code) {
    check_functions(p);
    check_blocks(p);
    check_targets(p);
    require(std::ranges::equal(p.bytes(), code), "a program gives its bytes back");
    require(p.functions()[0].reachable and p.blocks()[0].reachable, "the entry is reachable");
}

void check_fault(const ebpf_fault &f, const program &p, const run_shape &shape) {
    const fault_checker check{f};
    check(f.pc < p.size(), "a fault is at a slot of the program");
    const isa::instruction &i = p.insn(f.pc);
    check(i.id != isa::insn_id::none, "a fault is at an instruction");
    check(can_fault(i, f.kind), "the instruction can fault so");
    if (is_about_memory(f.kind)) {
        const bool call = isa::kind_of(i.id) == operation_kind::call;
        check(call or f.size == isa::bytes_of(isa::info(i.id).width),
              "the access is as wide as the instruction");
        check_place(check, shape);
    } else {
        check(f.region == EBPF_REGION_NONE and f.offset == 0 and f.size == 0,
              "only memory faults have a place");
    }
}

}  // namespace bpftime::vm::fuzz
