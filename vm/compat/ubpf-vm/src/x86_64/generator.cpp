// bpftime-vm: eBPF to x86-64, in one pass: functions, jumps and calls
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "generator.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

namespace bpftime::vm::ubpf {

namespace {

using isa::insn_id;
using isa::operation;
using isa::operation_kind;
using isa::width;

/// Bytes that the code of an instruction takes at most, but for what is out of line.
constexpr uint32_t most_bytes(insn_id id) noexcept {
    if (id == insn_id::none) return 0;
    const operation op = isa::info(id).operation;
    switch (isa::kind_of(id)) {
    case operation_kind::alu:
        switch (op) {
        case operation::div:
        case operation::mod:
        case operation::sdiv:
        case operation::smod: return 120;
        case operation::lsh:
        case operation::rsh:
        case operation::arsh: return 16;
        default: return 10;
        }
    case operation_kind::convert: return 14;
    case operation_kind::branch:
    case operation_kind::jump: return 48;
    case operation_kind::load:
    case operation_kind::store: return 44;
    case operation_kind::wide: return 10;
    default: return 250;
    }
}

constexpr auto make_most_bytes() {
    std::array<uint8_t, isa::insn_count + 1> all{};
    for (std::size_t i = 0; i < all.size(); ++i)
        all[i] = static_cast<uint8_t>(most_bytes(static_cast<insn_id>(i)));
    return all;
}
constexpr auto most_bytes_of = make_most_bytes();

/// Where loops begin. Decoders and branch predictors look at pieces of code of this size.
constexpr uint32_t loop_alignment = 32;

constexpr std::array saved_registers{6U, 7U, 8U, 9U};

}  // namespace

machine_features machine_features::of_host() {
    return {.bmi2 = asmjit::CpuInfo::host().features().x86().hasBMI2()};
}

bool generator::generate(const compat::build_input &input, machine_features machine,
                         const native_program *program, native_code &out) {
    begin(input);
    machine_ = machine;
    keys_.reset();
    if (input.config.blinding_seed) keys_.emplace(*input.config.blinding_seed);
    // most_bytes() says when a short jump reaches its target; if it should be wrong, there are
    // none.
    for (const bool short_jumps : {not keys_, false}) {
        short_jumps_ = short_jumps;
        if (try_generate(program, out)) return true;
        if (e_.has_error()) break;
    }
    return false;
}

bool generator::try_generate(const native_program *program, native_code &out) {
    e_.restart();
    calls_.clear();
    stub_calls_.clear();
    if (not generate_functions(out)) return false;
    for (const function_call &c : calls_) {
        if (not e_.close(c.jump, out.functions[c.callee])) return false;
    }
    if (program != nullptr) {
        out.entry = e_.offset();
        make_entry(program);
    }
    return not e_.has_error();
}

/// ebpf_jit_fn: (mem, len) become the arguments of rt_enter().
void generator::make_entry(const native_program *program) {
    e_.op(Inst::kIdMov, x86::rdx, x86::rsi);
    e_.op(Inst::kIdMov, x86::rsi, x86::rdi);
    e_.op(Inst::kIdMov, x86::rdi, asmjit::imm(reinterpret_cast<uint64_t>(program)));
    e_.op(Inst::kIdMov, x86::rax, asmjit::imm(reinterpret_cast<uint64_t>(&rt_enter)));
    e_.op(Inst::kIdJmp, x86::rax);
}

// --- functions

bool generator::generate_function(const vm::function &f, uint32_t &offset) {
    slow_paths_.clear();
    jumps_.clear();
    table_jumps_.clear();
    e_.align(16);
    offset = e_.offset();
    enter_function();
    generate_blocks(f);
    return finish_function();
}

void generator::enter_function() {
    if (facts_->needs_frame) e_.op(Inst::kIdSub, frame_reg, asmjit::imm(2 * frame_size_));
    unsigned saved = 0;
    for (const unsigned r : saved_registers) {
        if (not has(facts_->changed, r)) continue;
        e_.op(Inst::kIdPush, gp64(r));
        ++saved;
    }
    // The stack is aligned with the address to return to, what was pushed, and this.
    stack_words_ = facts_->has_may_goto ? 1 : 0;
    if ((1 + saved + stack_words_) % 2 != 0) ++stack_words_;
    if (stack_words_ != 0) e_.op(Inst::kIdSub, x86::rsp, asmjit::imm(8 * stack_words_));
    if (facts_->has_may_goto)
        e_.op(Inst::kIdMov, x86::dword_ptr(x86::rsp), asmjit::imm(may_goto_tries));
    zero_frame();
    for (unsigned r = 0; r < isa::frame_pointer; ++r) {
        if (has(facts_->zeroed, r)) zero(r);
    }
}

void generator::zero_frame() {
    constexpr int few_slots = 12;
    constexpr int32_t small_frame = 128;
    const uint64_t slots = facts_->zeroed_slots;
    if (not facts_->zeroes_frame and std::popcount(slots) <= few_slots) {
        for (uint64_t rest = slots; rest != 0; rest &= rest - 1) {
            const int32_t at = -8 * (std::countr_zero(rest) + 1);
            e_.op(Inst::kIdMov, x86::qword_ptr(frame_reg, at), asmjit::imm(0));
        }
    } else if (frame_size_ <= small_frame) {
        e_.op(Inst::kIdXorps, x86::xmm0, x86::xmm0);
        for (int32_t at = -frame_size_; at < 0; at += 16)
            e_.op(Inst::kIdMovaps, x86::ptr(frame_reg, at), x86::xmm0);
    } else {
        e_.op(Inst::kIdMov, temp_reg, asmjit::imm(-frame_size_));
        call(stub::zero_frame);
    }
}

void generator::leave() {
    if (stack_words_ != 0) e_.op(Inst::kIdAdd, x86::rsp, asmjit::imm(8 * stack_words_));
    for (std::size_t n = saved_registers.size(); n-- > 0;) {
        if (has(facts_->changed, saved_registers[n])) e_.op(Inst::kIdPop, gp64(saved_registers[n]));
    }
    if (facts_->needs_frame) e_.op(Inst::kIdAdd, frame_reg, asmjit::imm(2 * frame_size_));
    e_.op(Inst::kIdRet);
}

void generator::place_block(uint32_t pc) {
    if (p_->loop_weight(pc) != 0) e_.align(loop_alignment);
    zero_flag_at_ = no_pc;
    // Jumps come to the block's first instruction alone.
    offsets_[pc] = e_.offset();
}

/// How many instructions from `pc` on were made as one; 0: none.
uint32_t generator::generate_together(uint32_t pc, uint32_t end) {
    if (pc + 1 >= end) return 0;
    switch (insn(pc).id) {
    case insn_id::add64_imm:
    case insn_id::add64_reg: return load_from_sum(pc, insn(pc).dst) ? 2 : 0;
    case insn_id::mov64_reg:
        if (pc + 2 < end and insn(pc + 1).dst == insn(pc).dst and
            load_from_sum(pc + 1, insn(pc).src))
            return 3;
        [[fallthrough]];
    case insn_id::mov32_reg: return operate_on_copy(pc) ? 2 : 0;
    default: return 0;
    }
}

bool generator::finish_function() {
    for (const pc_jump &j : jumps_) {
        if (not e_.close(j.jump, offsets_[j.target])) return false;
    }
    for (const slow_path &s : slow_paths_) {
        if (not e_.close(s.from)) return false;
        finish(s);
    }
    for (const table_jump &j : table_jumps_) {
        if (not e_.close(j.bad)) return false;
        finish(j);
    }
    return e_.offset() < uint32_t{std::numeric_limits<int32_t>::max()};
}

void generator::finish(const slow_path &s) {
    switch (s.kind) {
    case slow_path::what::check:
        ask_about(s.check);
        e_.jump_back(s.back);
        break;
    case slow_path::what::frame_check: finish_frame_check(s); break;
    case slow_path::what::misaligned:
        e_.push_imm(s.site);
        call(stub::misaligned);
        break;
    case slow_path::what::go_back:
        e_.op(Inst::kIdSub, slice_reg, asmjit::imm(s.units));
        e_.jump_back_if(condition::not_below, s.back);
        [[fallthrough]];
    case slow_path::what::refill:
        e_.push_imm(s.site);
        e_.mov_imm32(temp_reg, s.units);
        call(stub::refill);
        e_.jump_back(s.back);
        break;
    case slow_path::what::too_deep:
        e_.mov_imm32(x86::eax, s.site);
        jump_to(stub::too_deep);
        break;
    case slow_path::what::unwind: jump_to(stub::unwind); break;
    }
}

open_jump generator::add_slow_path(slow_path::what kind, condition c, uint32_t site,
                                   const access_check &check) {
    const open_jump from = e_.jump_if(c, false);
    slow_paths_.push_back({kind, from, e_.offset(), site, 0, check});
    return from;
}

void generator::call(stub which) {
    stub_calls_.push_back({e_.call().at, which});
    e_.name_target(name_of(which));
}

void generator::jump_to(stub which) {
    stub_calls_.push_back({e_.jump(false).at, which});
    e_.name_target(name_of(which));
}

// --- instructions

/// Whether nobody is to find the immediate value in the code. What has one byte is of no use to
/// anybody.
bool generator::hides(const isa::instruction &i) const noexcept {
    return keys_ and has_imm(i.id) and i.imm != static_cast<int8_t>(i.imm);
}

/// The register, of 32 or 64 bits, becomes the value, whose halves are in the code.
void generator::set_hidden(const x86::Gp &reg, int32_t value) {
    const auto key = static_cast<int32_t>(keys_->next());
    e_.op(Inst::kIdMov, reg, asmjit::imm(value ^ key));
    e_.op(Inst::kIdXor, reg, asmjit::imm(key));
}

/// The value in a register that is free until the next instruction.
x86::Gp generator::hidden(bool wide, int32_t value) {
    const x86::Gp reg = wide ? x86::Gp{temp_reg} : x86::Gp{temp_reg.r32()};
    set_hidden(reg, value);
    return reg;
}

void generator::set_constant(unsigned reg, uint64_t value) {
    const bool is_short = value == static_cast<uint64_t>(int64_t{static_cast<int32_t>(value)});
    if (value == 0) {
        zero(reg);
    } else if (keys_ and is_short) {
        set_hidden(gp64(reg), static_cast<int32_t>(value));
    } else if (keys_) {
        const uint64_t key = keys_->next();
        e_.op(Inst::kIdMov, gp64(reg), asmjit::imm(value ^ key));
        e_.op(Inst::kIdMov, temp_reg, asmjit::imm(key));
        e_.op(Inst::kIdXor, gp64(reg), temp_reg);
    } else if (value <= UINT32_MAX) {
        e_.mov_imm32(gp32(reg), static_cast<uint32_t>(value));
    } else {
        e_.op(Inst::kIdMov, gp64(reg), asmjit::imm(value));
    }
}

void generator::zero(unsigned reg) { e_.op(Inst::kIdXor, gp32(reg), gp32(reg)); }

// --- jumps

/// Compares, and gives the condition under which the branch is taken.
condition generator::compare(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const bool wide = row.width == width::w64;
    const x86::Gp a = wide ? gp64(i.dst) : gp32(i.dst);
    const bool is_set = row.operation == operation::jset;
    const Inst::Id how = is_set ? Inst::kIdTest : Inst::kIdCmp;
    if (isa::info(row.shape).src != isa::register_role::none)
        e_.op(how, a, wide ? gp64(i.src) : gp32(i.src));
    else if (hides(i))
        e_.op(how, a, hidden(wide, i.imm));
    else if (i.imm != 0 or is_set)
        e_.op(how, a, asmjit::imm(i.imm));
    else if (not has_zero_flag(pc))
        e_.op(Inst::kIdTest, a, a);
    switch (row.operation) {
    case operation::jeq: return condition::equal;
    case operation::jgt: return condition::above;
    case operation::jge: return condition::not_below;
    case operation::jlt: return condition::below;
    case operation::jle: return condition::not_above;
    case operation::jsgt: return condition::greater;
    case operation::jsge: return condition::not_less;
    case operation::jslt: return condition::less;
    case operation::jsle: return condition::not_greater;
    default: return condition::not_equal;  // jne, and jset's result
    }
}

/// Whether arithmetic has just said if what is compared for equality with 0 at `pc` is 0.
bool generator::has_zero_flag(uint32_t pc) const {
    if (zero_flag_at_ != pc) return false;
    const isa::instruction &i = insn(pc);
    const isa::instruction &before = insn(pc - 1);
    const isa::insn_info &row = isa::info(i.id);
    return before.dst == i.dst and isa::info(before.id).width == row.width and
           (row.operation == operation::jeq or row.operation == operation::jne);
}

void generator::branch(uint32_t pc) {
    const uint32_t target = p_->jump_target(pc);
    if (target == pc + 1) return;
    const condition c = compare(pc);
    jump_if(c, pc, target);
}

void generator::may_goto(uint32_t pc) {
    const x86::Mem tries = x86::dword_ptr(x86::rsp);
    e_.op(Inst::kIdCmp, tries, asmjit::imm(0));
    jump_if(condition::equal, pc, p_->jump_target(pc));
    e_.op(Inst::kIdDec, tries);
}

bool generator::is_near(uint32_t pc, uint32_t target) const {
    if (not short_jumps_) return false;
    const auto padding = [&](uint32_t at) {
        return p_->loop_weight(at) == 0 ? 0 : loop_alignment - 1;
    };
    uint32_t bytes = padding(target);
    for (uint32_t at = pc + 1; at < target and bytes <= 127; ++at)
        bytes += most_bytes_of[static_cast<std::size_t>(insn(at).id)] + padding(at);
    return bytes <= 127;
}

void generator::jump(uint32_t pc, uint32_t target) {
    if (program::is_back_edge(pc, target)) return go_back(pc, target);
    note_jump_to(target);
    if (target != pc + 1) jumps_.push_back({e_.jump(is_near(pc, target)), target});
    // What comes next is reached from elsewhere alone.
    near_frame_ = all_registers;
}

void generator::jump_if(condition c, uint32_t pc, uint32_t target) {
    if (not program::is_back_edge(pc, target)) {
        note_jump_to(target);
        jumps_.push_back({e_.jump_if(c, is_near(pc, target)), target});
        return;
    }
    if (analysis_.is_rare(pc)) {
        add_slow_path(slow_path::what::go_back, c, pc);
        slow_paths_.back().back = offsets_[target];
        slow_paths_.back().units = p_->loop_weight(target);
        return;
    }
    const open_jump not_taken = e_.jump_if(opposite(c), true);
    go_back(pc, target);
    static_cast<void>(e_.close(not_taken));
}

/// A jump backwards, which is charged. The slice is never negative, so the subtraction borrows
/// when it is spent.
void generator::go_back(uint32_t pc, uint32_t target) {
    const uint32_t units = p_->loop_weight(target);
    e_.op(Inst::kIdSub, slice_reg, asmjit::imm(units));
    e_.jump_back_if(condition::not_below, offsets_[target]);
    slow_paths_.push_back(
        {slow_path::what::refill, e_.jump(false), offsets_[target], pc, units, {}});
}

void generator::jump_through_host(uint32_t pc) {
    e_.push_imm(pc);
    set_temp_to(insn(pc).dst);
    jump_to(stub::jump_value);
}

/// For values that are handles of slots from `first` on. The table says how far from it the code
/// for each is.
void generator::jump_by_table(uint32_t pc, uint32_t first, uint32_t count) {
    e_.op(Inst::kIdMov, temp_reg, asmjit::imm(0 - code_handle(first)));
    e_.op(Inst::kIdAdd, temp_reg, gp64(insn(pc).dst));
    e_.op(Inst::kIdCmp, temp_reg, asmjit::imm(count));
    const open_jump bad = e_.jump_if(condition::not_below, false);
    const open_jump table = e_.lea_r11();
    e_.op(Inst::kIdMovsxd, temp_reg, x86::dword_ptr(x86::r11, temp_reg, 2));
    e_.op(Inst::kIdAdd, temp_reg, x86::r11);
    if (checks_) e_.op(Inst::kIdMov, minus_input_reg, state_word(offsetof(jit_state, minus_input)));
    e_.op(Inst::kIdJmp, temp_reg);
    table_jumps_.push_back({pc, first, count, bad, table});
}

/// The table, in which slots that are no targets are like bad values; before it what becomes of
/// those, behind it jumps backwards, which are charged.
void generator::finish(const table_jump &j) {
    const uint32_t bad = e_.offset();
    jump_through_host(j.pc);
    const uint32_t table = e_.offset();
    static_cast<void>(e_.close(j.table));
    e_.words(j.count, bad - table);
    for (const uint32_t block : table_blocks()) {
        const uint32_t target = p_->blocks()[block].begin;
        uint32_t to = offsets_[target];
        if (program::is_back_edge(j.pc, target)) {
            to = e_.offset();
            finish(slow_path{.kind = slow_path::what::go_back,
                             .from = {},
                             .back = offsets_[target],
                             .site = j.pc,
                             .units = p_->loop_weight(target),
                             .check = {}});
        }
        e_.set_word(table + 4 * (target - j.first), to - table);
    }
}

// --- calls

void generator::call_local(uint32_t pc) {
    const uint32_t callee = p_->function_at(p_->callee_pc(pc));
    const uint32_t units = p_->functions()[callee].weight;
    e_.op(Inst::kIdSub, slice_reg, asmjit::imm(units));
    add_slow_path(slow_path::what::refill, condition::below, pc);
    slow_paths_.back().units = units;
    e_.op(Inst::kIdCmp, frame_reg, state_word(offsetof(jit_state, last_frame)));
    add_slow_path(slow_path::what::too_deep, condition::equal, pc);
    calls_.push_back({e_.call(), callee});
    after_call(pc);
}

void generator::call_for(uint32_t pc, stub which) {
    e_.mov_imm32(x86::eax, pc);
    call(which);
}

void generator::unwind_if_zero(uint32_t pc) {
    e_.op(Inst::kIdTest, gp64(0), gp64(0));
    add_slow_path(slow_path::what::unwind, condition::equal, pc);
}

void generator::call_directly(const compat::helper_binding &helper) {
    e_.op(Inst::kIdMov, state_word(offsetof(jit_state, slice)), slice_reg);
    for (unsigned r = helper.arity() + 1; r <= max_helper_arguments; ++r) zero(r);
    if (helper.has_context()) {
        e_.op(Inst::kIdMov, x86::r9, x86::r8);
        e_.op(Inst::kIdMov, x86::r8, x86::rcx);
        e_.op(Inst::kIdMov, x86::rcx, x86::rdx);
        e_.op(Inst::kIdMov, x86::rdx, x86::rsi);
        e_.op(Inst::kIdMov, x86::rsi, x86::rdi);
        e_.op(Inst::kIdMov, x86::rdi, asmjit::imm(reinterpret_cast<uint64_t>(helper.context())));
    }
    e_.op(Inst::kIdMov, temp_reg, asmjit::imm(helper.code(0)));
    call(stub::call_direct);
}

void generator::leave_if_equal() {
    const open_jump stays = e_.jump_if(condition::not_equal, true);
    leave();
    static_cast<void>(e_.close(stays));
}

/// Where the packet load is to be made.
void generator::set_temp_to_offset(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    if (isa::info(i.id).shape == isa::shape::packet_ind) {
        e_.op(Inst::kIdMov, temp_reg.r32(), gp32(i.src));
        if (hides(i)) {
            set_hidden(x86::eax, i.imm);  // r0 is what is loaded
            e_.op(Inst::kIdAdd, temp_reg.r32(), x86::eax);
        } else {
            e_.op(Inst::kIdAdd, temp_reg.r32(), asmjit::imm(i.imm));
        }
        e_.op(Inst::kIdMovsxd, temp_reg, temp_reg.r32());
    } else if (hides(i)) {
        set_hidden(temp_reg, i.imm);
    } else {
        e_.op(Inst::kIdMov, temp_reg, asmjit::imm(i.imm));
    }
}

// --- the whole

void generator::copy_to(std::span<std::byte> out, std::ptrdiff_t to_stubs) const {
    std::ranges::copy(e_.bytes(), out.begin());
    for (const stub_call &c : stub_calls_) {
        const auto distance =
            static_cast<int32_t>(to_stubs + stub_offset(c.callee) - (std::ptrdiff_t{c.at} + 4));
        std::memcpy(&out[c.at], &distance, sizeof distance);
    }
}

}  // namespace bpftime::vm::ubpf
