// bpftime-vm: eBPF to native code, in one pass: what is the same for every machine
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "access_group.hpp"
#include "compat/proofs.hpp"
#include "effort.hpp"
#include "jit.hpp"
#include "jit_analysis.hpp"
#include "stubs.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace bpftime::vm::ubpf {

/// What is known of a register's value: as much as the sets of registers say that have a fact.
struct known_value {
    int32_t offset;    ///< it is r10 + this
    byte_range one;    ///< one access of all these bytes was allowed
    byte_range group;  ///< all accesses of them before `group_end` are allowed
    uint32_t group_end;
};

/// What is to be checked before an access is made.
struct access_check {
    uint32_t pc;
    unsigned base;       ///< a register
    uint32_t group_end;  ///< access_group::end; 0: of one access
    uint32_t starts;     ///< where jit_state has in how many places of the input they may begin
    byte_range bytes;    ///< from the register on
    byte_range last;     ///< those of the last access

    [[nodiscard]] bool is_group() const noexcept { return group_end != 0; }
    [[nodiscard]] uint32_t size() const noexcept { return bytes.size(); }
    /// What a stub is told of it.
    [[nodiscard]] uint32_t site() const noexcept {
        return access_site{pc, is_group() ? 0 : size(), bytes.allowed}.pack();
    }
    [[nodiscard]] stub callee() const noexcept {
        return is_group() ? group_stub(bytes.allowed) : check_stub(size(), bytes.allowed);
    }
};

/// Whether a call has to go through the host, which checks arguments and grants results.
[[nodiscard]] inline bool needs_host(const compat::helper_binding &helper,
                                     const compat::vm_config &config) noexcept {
    const helper_declaration &d = helper.declaration();
    if (config.pointer_secret != 0 or d.runs_code()) return true;
    if (not d.typed) return false;
    return d.result != result_kind::scalar or
           (config.bounds_checks and not helper.checked().empty());
}

/// What is asked of each instruction, without a look at the large rows of the table.
struct insn_form {
    isa::operation operation;
    bool is_64;
    bool has_imm;  ///< an operand
};
inline constexpr auto form_of_rows = [] {
    std::array<insn_form, isa::insn_count> all{};
    for (std::size_t i = 0; i < all.size(); ++i) {
        const isa::insn_info &row = isa::insn_table[i];
        all[i] = {row.operation, row.width == isa::width::w64,
                  isa::info(row.shape).imm == isa::imm_role::value};
    }
    return all;
}();
[[nodiscard]] inline const insn_form &form_of(isa::insn_id id) noexcept {
    return form_of_rows[static_cast<std::size_t>(id)];
}
[[nodiscard]] inline bool is_64(isa::insn_id id) noexcept { return form_of(id).is_64; }
[[nodiscard]] inline bool has_imm(isa::insn_id id) noexcept { return form_of(id).has_imm; }

inline constexpr reg_set all_registers = (1U << isa::register_count) - 1;

/// Goes through a program and keeps what is known on the way. `Generator` derives from this, and
/// has the code of each operation; `Generator::opcodes` names the machine's instructions that do
/// the same as an operation.
template <typename Generator>
class one_pass {
protected:
    using operation = isa::operation;

    void begin(const compat::build_input &input) {
        input_ = &input;
        p_ = &input.code;
        analysis_.analyse(input);
        checks_ = input.asks_for_places();
        bars_speculation_ = checks_ and input.config.bars_speculation;
        proofs_.emplace(input, not analysis_.keeps_frames(), effort_for(input.code));
        frame_size_ = static_cast<int32_t>(input.config.stack_size);
        offsets_.resize(p_->size());
        near_frame_at_.resize(p_->size());
    }

    /// Makes the code of all functions, and tells where they are.
    [[nodiscard]] bool generate_functions(native_code &out) {
        const auto functions = p_->functions();
        out.keeps_frames = analysis_.keeps_frames();
        group_sizes_.clear();
        // The host has a barrier between what it finds and who jumps there.
        table_slots_left_ = bars_speculation_ ? 0 : 64 + 8 * p_->size();
        out.functions.assign(functions.size(), 0);
        for (uint32_t f = 0; f < functions.size(); ++f) {
            if (not functions[f].reachable) continue;
            begin_function(f);
            if (not generator().generate_function(functions[f], out.functions[f])) return false;
        }
        out.jump_targets.clear();
        for (const uint32_t pc : p_->jump_targets()) out.jump_targets.push_back(offsets_[pc]);
        out.group_sizes = group_sizes_;
        proofs_.reset();
        return true;
    }

    void generate_blocks(const vm::function &f) {
        for (const basic_block &b : p_->blocks().subspan(f.first_block, f.block_count)) {
            if (b.reachable) generate_block(b);
        }
    }

    void generate_instruction(uint32_t pc) {
        using opcodes = Generator::opcodes;
        Generator &g = generator();
        const isa::instruction &i = insn(pc);
        switch (form_of(i.id).operation) {
        case operation::add: return g.alu(pc, opcodes::add);
        case operation::sub: return g.alu(pc, opcodes::sub);
        case operation::mul: return g.multiply(pc);
        case operation::div: return g.divide(pc, false, true);
        case operation::sdiv: return g.divide(pc, true, true);
        case operation::mod: return g.divide(pc, false, false);
        case operation::smod: return g.divide(pc, true, false);
        case operation::or_: return g.alu(pc, opcodes::bit_or);
        case operation::and_: return g.alu(pc, opcodes::bit_and);
        case operation::xor_: return g.alu(pc, opcodes::bit_xor);
        case operation::lsh: return g.shift(pc, opcodes::lsh);
        case operation::rsh: return g.shift(pc, opcodes::rsh);
        case operation::arsh: return g.shift(pc, opcodes::arsh);
        case operation::mov: return g.move(pc);
        case operation::neg:
        case operation::movsx8:
        case operation::movsx16:
        case operation::movsx32:
        case operation::le:
        case operation::be:
        case operation::bswap: return g.convert(pc);
        case operation::jeq:
        case operation::jne:
        case operation::jgt:
        case operation::jge:
        case operation::jlt:
        case operation::jle:
        case operation::jsgt:
        case operation::jsge:
        case operation::jslt:
        case operation::jsle:
        case operation::jset: return g.branch(pc);
        case operation::may_goto: return g.may_goto(pc);
        case operation::ja: return g.jump(pc, p_->jump_target(pc));
        case operation::gotox: return jump_value(pc);
        case operation::call_helper: return call_helper(pc);
        case operation::call_local: return g.call_local(pc);
        case operation::callx: return call_value(pc);
        case operation::exit_:
            g.leave();
            near_frame_ = all_registers;
            return;
        case operation::load:
        case operation::load_sx: return g.load(pc);
        case operation::store: return g.store(pc);
        case operation::atomic_add:
        case operation::atomic_or:
        case operation::atomic_and:
        case operation::atomic_xor:
        case operation::atomic_fetch_add:
        case operation::atomic_fetch_or:
        case operation::atomic_fetch_and:
        case operation::atomic_fetch_xor:
        case operation::atomic_xchg:
        case operation::atomic_cmpxchg:
        case operation::load_acquire:
        case operation::store_release: return g.atomic(pc);
        case operation::load_packet: return load_packet(pc);
        case operation::lddw:
        case operation::lddw_map_fd:
        case operation::lddw_map_fd_val:
        case operation::lddw_var:
        case operation::lddw_code:
        case operation::lddw_map_idx:
        case operation::lddw_map_idx_val:
            g.set_constant(i.dst, input_->linked.lddw_value(*p_, pc));
            return forget(i.dst);
        case operation::addr_space_cast: return g.cast_into_arena(pc);
        case operation::call_kfunc: std::unreachable();  // linkage refuses programs that reach one
        }
    }

    /// Where all gotox of the function go, sorted.
    [[nodiscard]] std::span<const uint32_t> table_blocks() const {
        return p_->successors_of(*facts_->table);
    }

    /// A jump from here.
    void note_jump_to(uint32_t pc) {
        reg_set &seen = near_frame_at_[pc];
        seen = seen == 0 ? near_frame_ : static_cast<reg_set>(seen & near_frame_);
    }

    void forget(unsigned reg) noexcept {
        const auto others = static_cast<reg_set>(~bit_of(reg));
        in_frame_ &= others;
        checked_ &= others;
        grouped_ &= others;
        near_frame_ &= others;
    }
    void forget_memory() noexcept { checked_ = grouped_ = 0; }
    /// The register has been made larger.
    void move_known(unsigned reg, int64_t by) noexcept {
        if (not has(in_frame_ | checked_ | grouped_, reg)) return;
        constexpr int64_t far = 1 << 24;
        known_value &k = known_[reg];
        const auto moves = [by](byte_range &b) {
            if (b.begin - by <= -far or b.end - by >= far) return false;
            b.begin -= static_cast<int32_t>(by);
            b.end -= static_cast<int32_t>(by);
            return true;
        };
        const int64_t offset = k.offset + by;
        if (has(in_frame_, reg) and (offset <= -far or offset >= far)) return forget(reg);
        if (has(checked_, reg) and not moves(k.one)) return forget(reg);
        if (has(grouped_, reg) and not moves(k.group)) return forget(reg);
        if (has(in_frame_, reg)) k.offset = static_cast<int32_t>(offset);
    }
    /// The instruction has copied a register.
    void know_copy(const isa::instruction &i) noexcept {
        if (not is_64(i.id)) return forget(i.dst);
        const auto copy = [&i](reg_set &all) {
            const unsigned is_src = all >> i.src & 1U;
            all = static_cast<reg_set>((all & ~bit_of(i.dst)) | is_src << i.dst);
        };
        if (has(in_frame_ | checked_, i.src)) known_[i.dst] = known_[i.src];
        copy(in_frame_);
        copy(checked_);
        grouped_ &= static_cast<reg_set>(~bit_of(i.dst));
        copy(near_frame_);
    }
    /// The instruction has done arithmetic.
    void know_result(const isa::instruction &i) noexcept {
        if (i.id == isa::insn_id::add64_imm) return move_known(i.dst, i.imm);
        if (i.id == isa::insn_id::sub64_imm) return move_known(i.dst, -int64_t{i.imm});
        const auto guess = i.id == isa::insn_id::add64_reg
                               ? near_frame_ >> i.dst | near_frame_ >> i.src
                           : i.id == isa::insn_id::sub64_reg ? near_frame_ >> i.dst
                                                             : 0;
        forget(i.dst);
        near_frame_ |= static_cast<reg_set>((guess & 1) << i.dst);
    }

    /// What has to be checked before the access at `pc` is made: of that alone, or of its group;
    /// nothing, if it is known to be allowed.
    [[nodiscard]] std::optional<access_check> check_before(uint32_t pc, unsigned base,
                                                           permission wanted) {
        const isa::instruction &i = insn(pc);
        const uint32_t size = isa::bytes_of(isa::info(i.id).width);
        const byte_range own{i.offset, i.offset + static_cast<int32_t>(size), wanted};
        const known_value &k = known_[base];
        if (has(checked_, base) and k.one.holds(own)) return {};
        if (has(grouped_, base) and pc < k.group_end and k.group.holds(own)) return {};
        if (not has(in_frame_, base)) {
            const access_group group = find_group(*p_, pc, block_end_, &*proofs_);
            const auto starts =
                group.count > 1 ? starts_of(group.all.size()) : std::optional<uint32_t>{};
            if (starts) return access_check{pc, base, group.end, *starts, group.all, group.last};
        }
        if (proofs_->is_proven(pc)) return {};
        return access_check{pc, base, 0, *starts_of(size), own, own};
    }
    /// The check has been made.
    void know_checked(const access_check &c) {
        known_value &k = known_[c.base];
        k.one = c.last;
        checked_ |= bit_of(c.base);
        if (not c.is_group()) return;
        k.group = c.bytes;
        k.group_end = c.group_end;
        grouped_ |= bit_of(c.base);
    }

    /// r1 to r5 are zero, and memory may have been taken back.
    void after_call(uint32_t pc) {
        for (unsigned r = 0; r <= max_helper_arguments; ++r) {
            forget(r);
            if (has(analysis_.zeroed_after(pc), r)) generator().zero(r);
        }
        forget_memory();
    }

    /// Whether it is allowed for being in the input memory.
    [[nodiscard]] bool may_touch_input(permission wanted) const noexcept {
        return allows(input_->config.input_permission(), wanted);
    }

    [[nodiscard]] const isa::instruction &insn(uint32_t pc) const noexcept { return p_->insn(pc); }

    const compat::build_input *input_ = nullptr;
    const program *p_ = nullptr;
    jit_analysis analysis_;
    bool checks_ = true;
    bool bars_speculation_ = false;
    std::optional<compat::proofs> proofs_;
    int32_t frame_size_ = 0;
    // of the function:
    const function_facts *facts_ = nullptr;
    std::array<known_value, isa::register_count> known_{};
    reg_set in_frame_ = 0;  ///< known_value::offset is known
    reg_set checked_ = 0;   ///< known_value::one
    reg_set grouped_ = 0;   ///< known_value::group
    /// Registers that are probably addresses in the own frame. A guess: it decides what an access
    /// is compared with first.
    reg_set near_frame_ = 0;
    std::vector<reg_set> near_frame_at_;  ///< the same where jumps go, by pc; none: unknown
    std::vector<uint32_t> offsets_;       ///< of the code, by pc

private:
    friend Generator;
    one_pass() = default;

    [[nodiscard]] Generator &generator() noexcept { return static_cast<Generator &>(*this); }

    void begin_function(uint32_t index) {
        const vm::function &f = p_->functions()[index];
        facts_ = &analysis_.of_function(index);
        forget_all();
        near_frame_ = bit_of(isa::frame_pointer);
        std::fill(near_frame_at_.begin() + f.begin, near_frame_at_.begin() + f.end, reg_set{0});
    }

    void forget_all() noexcept {
        in_frame_ = bit_of(isa::frame_pointer);
        checked_ = grouped_ = 0;
    }

    void generate_block(const basic_block &b) {
        if (generator().code().has_error()) return;
        block_end_ = b.end;
        generator().place_block(b.begin);
        begin_block(b.begin);
        for (uint32_t pc = b.begin; pc < b.end;) {
            generator().begin_instruction(pc);
            const uint32_t made = generator().generate_together(pc, b.end);
            if (made == 0 and insn(pc).id != isa::insn_id::none) generate_instruction(pc);
            pc += std::max(made, 1U);
        }
    }

    /// What is known where control comes together, and what is guessed: what holds on all ways that
    /// have been seen.
    void begin_block(uint32_t pc) {
        if (not analysis_.is_target(pc)) return;
        forget_all();
        note_jump_to(pc);
        near_frame_ = near_frame_at_[pc];
    }

    /// Where jit_state has in how many places of the input memory this many bytes may begin. If the
    /// program has too many sizes, it is for more bytes; nothing, if there is no such size either.
    [[nodiscard]] std::optional<uint32_t> starts_of(uint32_t size) {
        if (size <= 8 and std::has_single_bit(size))
            return offsetof(jit_state, input_starts) +
                   8 * static_cast<uint32_t>(std::countr_zero(size));
        std::optional<uint32_t> best;
        for (uint32_t i = 0; i < group_sizes_.size(); ++i) {
            if (group_sizes_[i] >= size and (not best or group_sizes_[i] < group_sizes_[*best]))
                best = i;
        }
        const bool is_exact = best and group_sizes_[*best] == size;
        if (not is_exact and group_sizes_.size() < most_group_sizes) {
            best = static_cast<uint32_t>(group_sizes_.size());
            group_sizes_.push_back(size);
        }
        if (not best) return {};
        return offsetof(jit_state, group_starts) + 8 * *best;
    }

    void jump_value(uint32_t pc) {
        const auto blocks = table_blocks();
        const uint32_t first = p_->blocks()[blocks.front()].begin;
        const uint32_t count = p_->blocks()[blocks.back()].begin - first + 1;
        if (count <= table_slots_left_) {
            table_slots_left_ -= count;
            generator().jump_by_table(pc, first, count);
        } else {
            generator().jump_through_host(pc);
        }
        near_frame_ = all_registers;
    }

    void call_helper(uint32_t pc) {
        const auto id = static_cast<uint32_t>(insn(pc).imm);
        const compat::helper_binding &helper = *input_->linked.helper(id);
        if (helper.declaration().result == result_kind::never or needs_host(helper, input_->config))
            call_through_host(pc, helper);
        else
            generator().call_directly(helper);
        if (input_->config.unwind_helper == id) generator().unwind_if_zero(pc);
        after_call(pc);
    }

    void call_through_host(uint32_t pc, const compat::helper_binding &helper) {
        generator().set_temp(reinterpret_cast<uint64_t>(&helper));
        generator().call_for(pc, stub::call_helper);
        if (helper.declaration().result == result_kind::tail_call) generator().leave_if_equal();
    }

    void call_value(uint32_t pc) {
        const isa::instruction &i = insn(pc);
        generator().set_temp_to(i.id == isa::insn_id::callx_imm ? static_cast<unsigned>(i.imm)
                                                                : i.dst);
        generator().call_for(pc, stub::call_value);
        after_call(pc);
    }

    void load_packet(uint32_t pc) {
        generator().set_temp_to_offset(pc);
        generator().call_for(pc, stub::load_packet);
        generator().leave_if_equal();
        after_call(pc);
    }

    uint32_t block_end_ = 0;
    // of the program:
    std::vector<uint32_t> group_sizes_;
    /// Many gotox with many targets could need memory beyond measure: these go through the host.
    uint32_t table_slots_left_ = 0;
};

}  // namespace bpftime::vm::ubpf
