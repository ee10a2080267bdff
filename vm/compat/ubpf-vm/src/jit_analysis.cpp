// bpftime-vm: what native code need not do: registers and stack bytes that nobody reads as zero
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "jit_analysis.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <ranges>

namespace bpftime::vm::ubpf {

namespace {

using isa::operation;
using isa::operation_kind;
using isa::register_role;

/// What an instruction does with its registers. Reads and writes are no registers or all, so that
/// most instructions are looked at without branches.
struct row {
    reg_set reads_dst;
    reg_set writes_dst;
    reg_set reads_src;
    reg_set writes_src;
    operation_kind kind;
    isa::operation operation;
    uint8_t bytes;
    bool is_arithmetic;  ///< all that it does is to read registers and to write dst
    bool is_plain;       ///< all that it does is in the fields above
    bool is_memory;
    bool is_access;  ///< a load or a store: what it does elsewhere than in the own frame is plain
    bool starts_from_src;  ///< the access of memory, else from dst

    [[nodiscard]] reg_set reads(const isa::instruction &i) const noexcept {
        return static_cast<reg_set>((reads_dst & bit_of(i.dst)) | (reads_src & bit_of(i.src)));
    }
    [[nodiscard]] reg_set writes(const isa::instruction &i) const noexcept {
        return static_cast<reg_set>((writes_dst & bit_of(i.dst)) | (writes_src & bit_of(i.src)));
    }
    [[nodiscard]] uint8_t base(const isa::instruction &i) const noexcept {
        return starts_from_src ? i.src : i.dst;
    }
    /// Whether nothing matters but which registers it reads and writes.
    [[nodiscard]] bool is_about_registers(const isa::instruction &i) const noexcept {
        return is_arithmetic or (is_access and base(i) != isa::frame_pointer);
    }
};

constexpr row make_row(const isa::insn_info &from) {
    const isa::shape_info &form = isa::info(from.shape);
    constexpr reg_set all = 0xffff;
    const auto reads = [](register_role r) -> reg_set {
        return r == register_role::read or r == register_role::update ? all : 0;
    };
    const auto writes = [](register_role r) -> reg_set {
        return r == register_role::write or r == register_role::update ? all : 0;
    };
    const operation_kind kind = isa::info(from.operation).kind;
    const bool is_memory = kind == operation_kind::load or kind == operation_kind::store or
                           kind == operation_kind::atomic;
    const bool is_arithmetic = kind == operation_kind::alu or kind == operation_kind::convert or
                               kind == operation_kind::wide;
    return {.reads_dst = reads(form.dst),
            .writes_dst = writes(form.dst),
            .reads_src = reads(form.src),
            .writes_src = writes(form.src),
            .kind = kind,
            .operation = from.operation,
            .bytes = static_cast<uint8_t>(isa::bytes_of(from.width)),
            .is_arithmetic = is_arithmetic,
            .is_plain = is_arithmetic or is_memory,
            .is_memory = is_memory,
            .is_access = kind == operation_kind::load or kind == operation_kind::store,
            .starts_from_src =
                kind == operation_kind::load or from.operation == operation::load_acquire};
}

/// The last row is that of the second slot of lddw.
constexpr auto make_rows() {
    std::array<row, isa::insn_count + 1> rows{};
    for (std::size_t i = 0; i < isa::insn_count; ++i) rows[i] = make_row(isa::insn_table[i]);
    rows.back().is_arithmetic = true;
    rows.back().is_plain = true;
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
    const basic_block *&table = functions_[index].table;
    back_edges_.clear();
    reg_set written = 0;
    bool has_access = false;
    for (const basic_block &b : p.blocks().subspan(f.first_block, f.block_count)) {
        if (not b.reachable) continue;
        for (uint32_t pc = b.begin; pc < b.end; ++pc) {
            const isa::instruction &i = p.insn(pc);
            const row &r = row_of(i);
            written |= r.writes(i);
            has_access |= r.is_access;
            if (not r.is_about_registers(i) or has(r.reads(i), isa::frame_pointer))
                scan(pc, functions_[index]);
        }
        // All gotox of a function go to the same places.
        if (p.insn(b.end - 1).id != isa::insn_id::gotox or table != nullptr) continue;
        table = &b;
        for (const uint32_t to : p.successors_of(b)) at_[p.blocks()[to].begin] |= target_bit;
    }
    functions_[index].changed = written & saved;
    functions_[index].needs_frame = functions_[index].needs_frame or has_access;
    find_rare_jumps();
}

void jit_analysis::scan(uint32_t pc, function_facts &f) {
    const isa::instruction &i = input_->code.insn(pc);
    const row &r = row_of(i);
    const bool uses_frame = has(r.reads(i), isa::frame_pointer);
    if (uses_frame and not is_own_access(i, f)) keeps_frames_ = true;
    f.needs_frame = f.needs_frame or uses_frame or r.is_memory;
    if (r.is_plain) return;
    switch (r.kind) {
    case operation_kind::packet: f.needs_frame = true; break;
    case operation_kind::call:
        f.needs_frame = true;
        if (i.id == isa::insn_id::callx_imm and i.imm == isa::frame_pointer) keeps_frames_ = true;
        break;
    case operation_kind::branch:
    case operation_kind::jump:
        if (r.operation == operation::may_goto) f.has_may_goto = true;
        if (i.id != isa::insn_id::gotox) note_jump(pc, input_->code.jump_target(pc));
        break;
    default: break;
    }
}

void jit_analysis::note_jump(uint32_t from, uint32_t to) {
    at_[to] |= target_bit;
    if (program::is_back_edge(from, to)) back_edges_.push_back({from, to});
}

/// Looks at the jumps from the last to the first, and marks those inside of what a later one
/// repeats.
void jit_analysis::find_rare_jumps() {
    open_loops_.clear();
    for (const auto [from, to] : std::views::reverse(back_edges_)) {
        while (not open_loops_.empty() and open_loops_.back() > from) open_loops_.pop_back();
        if (open_loops_.empty() or open_loops_.back() < to)
            open_loops_.push_back(to);
        else if (not repeats_loop(from))
            at_[from] |= rare_bit;
    }
}

/// A branch is how a loop ends if what comes next leaves the loop.
bool jit_analysis::repeats_loop(uint32_t from) const noexcept {
    const program &p = input_->code;
    if (row_of(p.insn(from)).kind != operation_kind::branch) return true;
    const row &next = row_of(p.insn(from + 1));
    return next.kind == operation_kind::exit or
           (next.operation == operation::ja and p.jump_target(from + 1) > from);
}

/// Whether r10 is used for an access of the own frame, which tells nobody where it is.
bool jit_analysis::is_own_access(const isa::instruction &i, function_facts &f) const noexcept {
    const row &r = row_of(i);
    const bool stores_it =
        not r.starts_from_src and r.reads_src != 0 and i.src == isa::frame_pointer;
    if (not r.is_memory or r.base(i) != isa::frame_pointer or stores_it) return false;
    // What lies deeper than slots are counted is not followed.
    if (r.kind != operation_kind::store and i.offset < -known_bytes) f.zeroes_frame = true;
    const int64_t bottom = -int64_t{input_->config.stack_size};
    return i.offset >= bottom and i.offset <= -int64_t{r.bytes};
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
        const basic_block *const table = functions_[index].table;
        const live_set at_targets = table == nullptr ? live_set{} : live_after(*table, f);
        for (uint32_t i = f.block_count; i-- > 0;) {
            const basic_block &b = p.blocks()[f.first_block + i];
            if (not b.reachable) continue;
            const bool jumps_by_table = p.insn(b.end - 1).id == isa::insn_id::gotox;
            const live_set in = live_before(b, jumps_by_table ? at_targets : live_after(b, f));
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

/// What is live where the block goes.
jit_analysis::live_set jit_analysis::live_after(const basic_block &b, const vm::function &f) const {
    live_set out;
    for (const uint32_t to : input_->code.successors_of(b)) {
        const live_set &in = live_in_[to - f.first_block];
        out.regs |= in.regs;
        out.slots |= in.slots;
    }
    return out;
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
    const auto insns = input_->code.insns();
    for (uint32_t pc = block.end; pc-- > block.begin;) {
        const isa::instruction &i = insns[pc];
        const row &r = row_of(i);
        if (r.is_about_registers(i))
            live.regs = static_cast<reg_set>((live.regs & ~r.writes(i)) | r.reads(i));
        else
            step_back(pc, live);
    }
    return live;
}

void jit_analysis::step_back(uint32_t pc, live_set &live) {
    const isa::instruction &i = input_->code.insn(pc);
    const row &r = row_of(i);
    if (not r.is_plain) step_back_over_control(pc, live);
    live.regs = static_cast<reg_set>((live.regs & ~r.writes(i)) | r.reads(i));
    if (r.is_memory and r.base(i) == isa::frame_pointer) {
        if (r.kind == operation_kind::store)
            write_frame(pc, live);
        else
            read_frame(pc, live);
    }
    if (r.operation == operation::atomic_cmpxchg) live.regs |= bit_of(0);
}

void jit_analysis::step_back_over_control(uint32_t pc, live_set &live) {
    const isa::instruction &i = input_->code.insn(pc);
    const operation_kind kind = row_of(i).kind;
    if (kind == operation_kind::exit) {
        live = {.regs = bit_of(0)};
    } else if (kind == operation_kind::call or kind == operation_kind::packet) {
        at_[pc] = static_cast<uint8_t>((at_[pc] & ~argument_bits) | (live.regs & arguments) >> 1);
        live.regs &= static_cast<reg_set>(~call_results);
        if (kind == operation_kind::call) live.regs |= arguments_of(i);
        if (i.id == isa::insn_id::callx_imm) live.regs |= bit_of(static_cast<unsigned>(i.imm));
    }
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
