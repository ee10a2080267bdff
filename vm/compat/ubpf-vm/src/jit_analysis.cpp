// bpftime-vm: what native code need not do: registers and stack bytes that nobody reads as zero
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "jit_analysis.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace bpftime::vm::ubpf {

namespace {

using isa::operation;
using isa::operation_kind;
using isa::register_role;

/// What an instruction does with its registers.
struct row {
    operation_kind kind;
    isa::operation operation;
    uint8_t bytes;
    bool reads_dst;
    bool writes_dst;
    bool reads_src;
    bool writes_src;
};

constexpr auto make_rows() {
    std::array<row, isa::insn_count> rows{};
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const isa::insn_info &from = isa::insn_table[i];
        const isa::shape_info &form = isa::info(from.shape);
        const auto reads = [](register_role r) {
            return r == register_role::read or r == register_role::update;
        };
        const auto writes = [](register_role r) {
            return r == register_role::write or r == register_role::update;
        };
        rows[i] = {isa::info(from.operation).kind,
                   from.operation,
                   static_cast<uint8_t>(isa::bytes_of(from.width)),
                   reads(form.dst),
                   writes(form.dst),
                   reads(form.src),
                   writes(form.src)};
    }
    return rows;
}
constexpr auto rows = make_rows();

const row &row_of(const isa::instruction &i) noexcept {
    return rows[static_cast<std::size_t>(i.id)];
}

constexpr reg_set arguments = 0x3e;     // r1 to r5
constexpr reg_set call_results = 0x3f;  // what a call gives values
constexpr reg_set saved = 0x3c0;        // r6 to r9
constexpr reg_set cleared = saved | 1;  // what a function begins with as zero

constexpr int64_t slot_bytes = 8;
constexpr int64_t known_bytes = 64 * slot_bytes;

/// The register that an access of memory starts from.
uint8_t base_of(const isa::instruction &i, const row &r) noexcept {
    const bool is_load = r.kind == operation_kind::load or r.operation == operation::load_acquire;
    return is_load ? i.src : i.dst;
}

/// The slots with bytes of [offset, offset + bytes), which lies in the frame's top known_bytes.
uint64_t slots_of(int64_t offset, int64_t bytes) noexcept {
    const auto first = static_cast<unsigned>(-(offset + bytes) / slot_bytes);
    const auto last = static_cast<unsigned>((-offset - 1) / slot_bytes);
    return (~uint64_t{0} >> (63 - (last - first))) << first;
}

}  // namespace

void jit_analysis::analyse(const compat::build_input &input) {
    input_ = &input;
    const program &p = input.code;
    keeps_frames_ = false;
    functions_.assign(p.functions().size(), {});
    at_.assign(p.size(), 0);
    for (uint32_t f = 0; f < functions_.size(); ++f) {
        if (p.functions()[f].reachable) scan(f);
    }
    for (uint32_t f = 0; f < functions_.size(); ++f) {
        if (p.functions()[f].reachable) find_live(f);
    }
}

void jit_analysis::scan(uint32_t index) {
    const program &p = input_->code;
    const vm::function &f = p.functions()[index];
    for (const basic_block &b : p.blocks().subspan(f.first_block, f.block_count)) {
        if (not b.reachable) continue;
        for (uint32_t pc = b.begin; pc < b.end; ++pc) {
            if (p.insn(pc).id != isa::insn_id::none) scan(pc, functions_[index]);
        }
        if (p.insn(b.end - 1).id != isa::insn_id::gotox) continue;
        for (const uint32_t to : p.successors_of(b)) at_[p.blocks()[to].begin] |= target_bit;
    }
}

void jit_analysis::scan(uint32_t pc, function_facts &f) {
    const isa::instruction &i = input_->code.insn(pc);
    const row &r = row_of(i);
    if (r.writes_dst) f.changed |= static_cast<reg_set>(bit_of(i.dst) & saved);
    if (r.writes_src) f.changed |= static_cast<reg_set>(bit_of(i.src) & saved);
    bool uses_frame = (r.reads_dst and i.dst == isa::frame_pointer) or
                      (r.reads_src and i.src == isa::frame_pointer) or
                      (i.id == isa::insn_id::callx_imm and i.imm == isa::frame_pointer);
    switch (r.kind) {
    case operation_kind::load:
    case operation_kind::store:
    case operation_kind::atomic: {
        f.needs_frame = true;
        const uint8_t base = base_of(i, r);
        const bool both = i.dst == isa::frame_pointer and i.src == isa::frame_pointer and
                          r.reads_dst and r.reads_src;
        if (base != isa::frame_pointer or both) break;
        // An access of the own frame tells nobody where it is.
        const int64_t bottom = -int64_t{input_->config.stack_size};
        uses_frame = i.offset < bottom or i.offset > -int64_t{r.bytes};
        // What lies deeper than slots are counted is not followed.
        if (r.kind != operation_kind::store and i.offset < -known_bytes) f.zeroes_frame = true;
        break;
    }
    case operation_kind::packet:
    case operation_kind::call: f.needs_frame = true; break;
    case operation_kind::branch:
    case operation_kind::jump:
        if (r.operation == operation::may_goto) f.has_may_goto = true;
        if (i.id != isa::insn_id::gotox) at_[input_->code.jump_target(pc)] |= target_bit;
        break;
    default: break;
    }
    if (uses_frame) f.needs_frame = keeps_frames_ = true;
}

void jit_analysis::find_live(uint32_t index) {
    constexpr unsigned most_passes = 8;
    const program &p = input_->code;
    const vm::function &f = p.functions()[index];
    live_in_.assign(f.block_count, {});
    bool changed = true;
    for (unsigned pass = 0; changed; ++pass) {
        if (pass == most_passes) return assume_all_live(index);
        changed = false;
        for (uint32_t i = f.block_count; i-- > 0;) {
            const basic_block &b = p.blocks()[f.first_block + i];
            if (not b.reachable) continue;
            live_set out;
            for (const uint32_t to : p.successors_of(b)) {
                const live_set &in = live_in_[to - f.first_block];
                out.regs |= in.regs;
                out.slots |= in.slots;
            }
            const live_set in = live_before(b, out);
            // Only what jumps back to a block has been looked at before the block.
            changed = changed or (in != live_in_[i] and at_[b.begin] >= target_bit);
            live_in_[i] = in;
        }
    }
    function_facts &facts = functions_[index];
    facts.zeroed = live_in_[0].regs & cleared;
    facts.changed |= facts.zeroed & saved;
    facts.zeroed_slots = live_in_[0].slots;
    facts.zeroes_frame = facts.zeroes_frame or (keeps_frames_ and facts.needs_frame);
}

/// For functions whose loops nest so deeply that finding out would take long.
void jit_analysis::assume_all_live(uint32_t index) {
    const vm::function &f = input_->code.functions()[index];
    functions_[index].zeroed = cleared;
    functions_[index].changed = saved;
    functions_[index].zeroes_frame = functions_[index].needs_frame;
    for (uint32_t pc = f.begin; pc < f.end; ++pc) at_[pc] |= argument_bits;
}

jit_analysis::live_set jit_analysis::live_before(const basic_block &block, live_set live) {
    for (uint32_t pc = block.end; pc-- > block.begin;) {
        if (input_->code.insn(pc).id != isa::insn_id::none) step_back(pc, live);
    }
    return live;
}

void jit_analysis::step_back(uint32_t pc, live_set &live) {
    const isa::instruction &i = input_->code.insn(pc);
    const row &r = row_of(i);
    switch (r.kind) {
    case operation_kind::exit: live = {.regs = bit_of(0)}; return;
    case operation_kind::call:
    case operation_kind::packet:
        at_[pc] = static_cast<uint8_t>((at_[pc] & ~argument_bits) | (live.regs & arguments) >> 1);
        live.regs &= static_cast<reg_set>(~call_results);
        if (r.kind == operation_kind::call) live.regs |= arguments_of(i);
        if (i.id == isa::insn_id::callx_imm) live.regs |= bit_of(static_cast<unsigned>(i.imm));
        break;
    case operation_kind::load:
    case operation_kind::atomic:
        if (base_of(i, r) == isa::frame_pointer) read_frame(pc, live);
        break;
    case operation_kind::store:
        if (i.dst == isa::frame_pointer) write_frame(pc, live);
        break;
    default: break;
    }
    if (r.writes_dst) live.regs &= static_cast<reg_set>(~bit_of(i.dst));
    if (r.writes_src) live.regs &= static_cast<reg_set>(~bit_of(i.src));
    if (r.reads_dst) live.regs |= bit_of(i.dst);
    if (r.reads_src) live.regs |= bit_of(i.src);
    if (r.operation == operation::atomic_cmpxchg) live.regs |= bit_of(0);
}

reg_set jit_analysis::arguments_of(const isa::instruction &i) const noexcept {
    if (i.id != isa::insn_id::call) return arguments;
    const unsigned arity = input_->linked.helper(static_cast<uint32_t>(i.imm))->arity();
    return static_cast<reg_set>(arguments & ((2U << arity) - 1));
}

void jit_analysis::read_frame(uint32_t pc, live_set &live) const noexcept {
    const isa::instruction &i = input_->code.insn(pc);
    if (keeps_frames_ or i.offset < -known_bytes) return;
    live.slots |= slots_of(i.offset, row_of(i).bytes);
}

void jit_analysis::write_frame(uint32_t pc, live_set &live) const noexcept {
    const isa::instruction &i = input_->code.insn(pc);
    const bool is_whole_slot = row_of(i).bytes == slot_bytes and i.offset % slot_bytes == 0;
    if (keeps_frames_ or not is_whole_slot or i.offset < -known_bytes) return;
    live.slots &= ~slots_of(i.offset, slot_bytes);
}

}  // namespace bpftime::vm::ubpf
