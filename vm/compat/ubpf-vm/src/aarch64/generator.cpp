// bpftime-vm: eBPF to AArch64, in one pass: functions, branches and calls
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "generator.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <optional>
#include <utility>

namespace bpftime::vm::ubpf::inline aarch64 {

namespace {

using isa::insn_id;
using isa::operation;
using isa::width;

constexpr std::array saved_registers{6U, 7U, 8U, 9U};

}  // namespace

std::string branch_insn::text() const {
    constexpr std::array<const char *, 16> conditions{"eq", "ne", "hs", "lo", "mi", "pl",
                                                      "vs", "vc", "hi", "ls", "ge", "lt",
                                                      "gt", "le", "al", "nv"};
    const unsigned reg = word_ & 31;
    const std::string name = (word_ >> 31 != 0 ? 'x' : 'w') + std::to_string(reg);
    if (is_on_flags()) return std::string{"b."} + conditions[word_ & 15];
    const bool if_set = (word_ >> 24 & 1) != 0;
    switch (range()) {
    case reach::test: {
        const unsigned bit = (word_ >> 31) << 5 | (word_ >> 19 & 31);
        return (if_set ? "tbnz x" : "tbz x") + std::to_string(reg) + ", " + std::to_string(bit) +
               ",";
    }
    case reach::conditional: return (if_set ? "cbnz " : "cbz ") + name + ",";
    case reach::far: break;
    }
    return is_call() ? "bl" : "b";
}

bool generator::generate(const compat::build_input &input, machine_features machine,
                         const native_program *program, native_code &out) {
    begin(input);
    machine_ = machine;
    e_.restart();
    branches_.restart(machine.reach);
    stub_calls_.clear();
    joined_pc_ = no_pc;
    out_ = &out;
    if (not generate_functions(out)) return false;
    branches_.close_calls([&](const auto &b) { close(b); },
                          [&](const auto &b) { e_.set_distance(b.at, place_of(b.target)); });
    if (program != nullptr) {
        out.entry = e_.offset();
        make_entry(program);
    }
    return not e_.has_error();
}

/// ebpf_jit_fn: (mem, len) become the arguments of rt_enter().
void generator::make_entry(const native_program *program) {
    e_.op(Inst::kIdMov, a64::x2, a64::x1);
    e_.op(Inst::kIdMov, a64::x1, a64::x0);
    e_.move(a64::x0, reinterpret_cast<uint64_t>(program));
    e_.move(way_reg, reinterpret_cast<uint64_t>(&rt_enter));
    e_.op(Inst::kIdBr, way_reg);
}

// --- functions

bool generator::generate_function(const vm::function &f, uint32_t &offset) {
    slow_paths_.clear();
    tables_.clear();
    finished_ = 0;
    begun_pc_ = f.begin;
    keep_in_reach();
    e_.align(16);
    offset = e_.offset();
    enter_function(f);
    generate_blocks(f);
    begun_pc_ = f.end;
    return finish_function();
}

void generator::enter_function(const vm::function &f) {
    if (facts_->needs_frame) e_.add(frame_reg, frame_reg, -2 * int64_t{frame_size_});
    saved_.clear();
    // Calls that are out of line change it, too: those of checks, and of refills behind loops.
    const bool has_loop =
        std::ranges::any_of(p_->blocks().subspan(f.first_block, f.block_count),
                            [this](const basic_block &b) { return p_->loop_weight(b.begin) != 0; });
    const bool calls = facts_->needs_frame or facts_->has_may_goto or has_loop;
    if (calls) saved_.push_back(link_reg);
    for (const unsigned r : saved_registers) {
        if (has(facts_->changed, r)) saved_.push_back(gp64(r));
    }
    const auto words = static_cast<int32_t>(saved_.size()) + (facts_->has_may_goto ? 1 : 0);
    saved_bytes_ = (words + 1) / 2 * 16;
    for (std::size_t n = 0; n < saved_.size(); n += 2) {
        const auto at = n == 0 ? a64::ptr_pre(a64::sp, -saved_bytes_)
                               : a64::ptr(a64::sp, 8 * static_cast<int32_t>(n));
        if (n + 1 < saved_.size())
            e_.op(Inst::kIdStp, saved_[n], saved_[n + 1], at);
        else
            e_.op(Inst::kIdStr, saved_[n], at);
    }
    if (facts_->has_may_goto) {
        e_.move(temp_reg, may_goto_tries);
        e_.op(Inst::kIdStr, temp_reg, tries());
    }
    zero_frame();
    for (unsigned r = 0; r < isa::frame_pointer; ++r) {
        if (has(facts_->zeroed, r)) zero(r);
    }
}

void generator::zero_frame() {
    constexpr int few_pairs = 8;
    uint64_t pairs = 0;  // of slots, from the top
    for (uint64_t slots = facts_->zeroed_slots; slots != 0; slots &= slots - 1)
        pairs |= uint64_t{1} << (std::countr_zero(slots) / 2);
    if (facts_->zeroes_frame) pairs = ~uint64_t{0};
    if (facts_->zeroes_frame and frame_size_ <= few_pairs * 16) pairs >>= 64 - frame_size_ / 16;
    if (std::popcount(pairs) > few_pairs) {
        e_.move(temp_reg, static_cast<uint64_t>(frame_size_));
        return call(stub::zero_frame);
    }
    for (; pairs != 0; pairs &= pairs - 1) {
        const int32_t at = -16 * (std::countr_zero(pairs) + 1);
        e_.op(Inst::kIdStp, a64::xzr, a64::xzr, a64::ptr(frame_reg, at));
    }
}

void generator::leave() {
    for (std::size_t n = (saved_.size() + 1) / 2 * 2; n > 0; n -= 2) {
        const std::size_t first = n - 2;
        const auto at = first == 0 ? a64::ptr_post(a64::sp, saved_bytes_)
                                   : a64::ptr(a64::sp, 8 * static_cast<int32_t>(first));
        if (first + 1 < saved_.size())
            e_.op(Inst::kIdLdp, saved_[first], saved_[first + 1], at);
        else
            e_.op(Inst::kIdLdr, saved_[first], at);
    }
    if (facts_->needs_frame) e_.add(frame_reg, frame_reg, 2 * int64_t{frame_size_});
    e_.op(Inst::kIdRet, link_reg);
}

bool generator::finish_function() {
    for (slow_path &s : slow_paths_) {
        keep_in_reach();
        s.at = e_.offset();
        ++finished_;
        finish(s);
    }
    for (const jump_table &t : tables_) fill(t);
    branches_.close_local([&](const auto &b) { close(b); },
                          [&](const auto &b) { e_.set_distance(b.at, place_of(b.target)); });
    return e_.offset() < uint32_t{std::numeric_limits<int32_t>::max()};
}

void generator::finish(const slow_path &s) {
    switch (s.kind) {
    case slow_path::what::check:
        ask_about(s.check);
        go_to(branch_insn::always(), s.back);
        break;
    case slow_path::what::frame_check: finish_frame_check(s); break;
    case slow_path::what::misaligned: finish_misaligned(s); break;
    case slow_path::what::go_back:
        charge(s.units);
        go_to(branch_insn::if_(condition::not_below), s.back);
        [[fallthrough]];
    case slow_path::what::refill:
        e_.move(temp_reg, s.units);
        e_.move(site_reg, s.site);
        call(stub::refill);
        go_to(branch_insn::always(), s.back);
        break;
    case slow_path::what::bad_value: jump_through_host(s.site); break;
    case slow_path::what::too_deep:
        e_.move(site_reg, s.site);
        jump_to(stub::too_deep);
        break;
    case slow_path::what::unwind: jump_to(stub::unwind); break;
    }
}

void generator::add_slow_path(slow_path::what kind, branch_insn b, uint32_t site,
                              const access_check &check) {
    go(b, {branch_target::what::slow_path, static_cast<uint32_t>(slow_paths_.size())});
    slow_paths_.push_back({kind, e_.offset(), site, 0, 0, check});
}

// --- where branches go

/// Forwards, to what is not there yet.
void generator::go(branch_insn b, branch_target target) {
    const uint32_t at = e_.jump(b);
    branches_.add(b.range(), {at, target});
}

/// Backwards.
void generator::go_to(branch_insn b, uint32_t offset) {
    const uint32_t distance = e_.offset() - offset;
    if (distance <= machine_.reach.of(b.range())) return e_.jump(b, -int64_t{distance});
    if (b.range() != reach::far) {
        const uint32_t not_taken = e_.jump(b.opposite());
        go_to(branch_insn::always(), offset);
        return e_.close(not_taken);
    }
    e_.set_distance(jump_anywhere(b), offset);
}

/// Where its distance has to be set.
uint32_t generator::jump_anywhere(branch_insn b) {
    if (not b.is_call()) return e_.jump_anywhere();
    e_.jump(b, 8);
    const uint32_t called = e_.jump(branch_insn::always());
    const uint32_t at = e_.jump_anywhere();
    e_.close(called);
    return at;
}

/// `bytes`: of what follows it and has no branches.
void generator::make_island(uint32_t bytes) {
    std::optional<uint32_t> over;
    const auto offset = [&] { return e_.offset() + bytes; };
    branches_.make_island(offset, [&](open_branches::queue q, const open_branches::open &b) {
        if (is_known(b.target)) return close(b);
        if (not over) over = e_.jump(branch_insn::always());
        e_.close(b.at);
        if (q == open_branches::queue::test or q == open_branches::queue::conditional)
            go(branch_insn::always(), b.target);
        else
            branches_.add_anywhere({e_.jump_anywhere(), b.target});
    });
    if (over) e_.close(*over);
}

bool generator::is_known(branch_target target) const noexcept {
    switch (target.kind) {
    case branch_target::what::pc: return target.index <= begun_pc_;
    case branch_target::what::slow_path: return target.index < finished_;
    case branch_target::what::function: break;
    }
    // The first one is at 0, before all calls.
    return target.index == 0 or out_->functions[target.index] != 0;
}

uint32_t generator::place_of(branch_target target) const noexcept {
    switch (target.kind) {
    case branch_target::what::pc: return offsets_[target.index];
    case branch_target::what::slow_path: return slow_paths_[target.index].at;
    case branch_target::what::function: break;
    }
    return out_->functions[target.index];
}

void generator::close(const open_branches::open &b) { e_.close(b.at, place_of(b.target)); }

void generator::go_to_stub(branch_insn b, stub which) {
    // The stubs are before the code, but other code may be between.
    const bool is_near = e_.offset() < machine_.reach.far / 2;
    const uint32_t at = is_near ? e_.jump(b) : jump_anywhere(b);
    e_.name_target(name_of(which));
    stub_calls_.push_back({at, which, not is_near});
}

// --- branches

/// The branch that is taken if one of the bits is set.
branch_insn generator::test_bits(const a64::Gp &reg, uint64_t bits) {
    if (std::has_single_bit(bits))
        return branch_insn::if_clear(reg, static_cast<unsigned>(std::countr_zero(bits))).opposite();
    if (a64::Utils::isLogicalImm(bits, reg.size() * 8)) {
        e_.op(Inst::kIdTst, reg, asmjit::Imm{bits});
    } else {
        e_.move(temp_reg, bits);
        e_.op(Inst::kIdTst, reg, sized(reg.isGpX(), temp_reg));
    }
    return branch_insn::if_(condition::not_equal);
}

namespace {

condition condition_of(operation op) noexcept {
    switch (op) {
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

/// A comparison that a branch does by itself; none: it takes one more instruction.
std::optional<branch_insn> whole_comparison(operation op, const a64::Gp &reg, int32_t imm) {
    const auto is_not_negative = branch_insn::if_clear(reg, reg.size() * 8 - 1);
    const auto is_zero = branch_insn::if_zero(reg);
    const auto only_if = [](bool it_is, branch_insn b) {
        return it_is ? std::optional{b} : std::nullopt;
    };
    switch (op) {
    case operation::jeq:
    case operation::jle: return only_if(imm == 0, is_zero);
    case operation::jne:
    case operation::jgt: return only_if(imm == 0, is_zero.opposite());
    case operation::jlt: return only_if(imm == 1, is_zero);
    case operation::jge: return only_if(imm == 1, is_zero.opposite());
    case operation::jsge: return only_if(imm == 0, is_not_negative);
    case operation::jsgt: return only_if(imm == -1, is_not_negative);
    case operation::jslt: return only_if(imm == 0, is_not_negative.opposite());
    case operation::jsle: return only_if(imm == -1, is_not_negative.opposite());
    default: return std::nullopt;
    }
}

}  // namespace

void generator::compare_with(const a64::Gp &reg, uint64_t value) {
    const bool wide = reg.isGpX();
    const uint64_t negated = wide ? 0 - value : static_cast<uint32_t>(0 - value);
    if (is_sum_operand(value)) {
        e_.op(Inst::kIdCmp, reg, asmjit::Imm{value});
    } else if (is_sum_operand(negated)) {
        e_.op(Inst::kIdCmn, reg, asmjit::Imm{negated});
    } else {
        e_.move(other_temp_reg, value);
        e_.op(Inst::kIdCmp, reg, sized(wide, other_temp_reg));
    }
}

/// Compares as far as the branch does not do that itself.
branch_insn generator::compare(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    const isa::insn_info &row = isa::info(i.id);
    const bool wide = row.width == width::w64;
    const bool is_set = row.operation == operation::jset;
    const a64::Gp a = gp(wide, i.dst);
    if (not has_imm(i.id)) {
        e_.op(is_set ? Inst::kIdTst : Inst::kIdCmp, a, gp(wide, i.src));
        return branch_insn::if_(condition_of(row.operation));
    }
    const uint64_t value =
        wide ? static_cast<uint64_t>(int64_t{i.imm}) : static_cast<uint32_t>(i.imm);
    if (is_set) return test_bits(a, value);
    if (const auto whole = whole_comparison(row.operation, a, i.imm)) return *whole;
    compare_with(a, value);
    return branch_insn::if_(condition_of(row.operation));
}

void generator::branch(uint32_t pc) {
    const uint32_t target = p_->jump_target(pc);
    if (target == pc + 1 or pc == joined_pc_) return;
    if (joins_next(pc)) return join_next(pc);
    jump_if(compare(pc), pc, target);
}

/// Whether the branch after this one goes to the same place for as simple a reason.
bool generator::joins_next(uint32_t pc) const {
    const isa::instruction &first = insn(pc);
    const isa::instruction &second = insn(pc + 1);
    if (second.id == insn_id::none or isa::kind_of(second.id) != isa::operation_kind::branch)
        return false;
    const operation op = isa::info(first.id).operation;
    if (op != isa::info(second.id).operation) return false;
    if (op != operation::jeq and op != operation::jne) return false;
    const uint32_t target = p_->jump_target(pc);
    if (p_->jump_target(pc + 1) != target or target <= pc + 2) return false;
    if (analysis_.is_target(pc + 1)) return false;
    // Comparisons with 0 take no instruction of their own.
    return (not has_imm(first.id) or first.imm != 0) and
           (not has_imm(second.id) or (second.imm != 0 and second.imm > -32 and second.imm < 32));
}

/// Compares for both: the second time if the first result does not decide.
void generator::join_next(uint32_t pc) {
    const isa::instruction &i = insn(pc + 1);
    const bool wide = isa::info(i.id).width == width::w64;
    const bool if_equal = isa::info(i.id).operation == operation::jeq;
    const branch_insn decided = compare(pc);
    const asmjit::Imm flags{if_equal ? 4 : 0};  // equal, or not
    const asmjit::Imm goes_on = imm_of(if_equal ? condition::not_equal : condition::equal);
    if (not has_imm(i.id))
        e_.op(Inst::kIdCcmp, gp(wide, i.dst), gp(wide, i.src), flags, goes_on);
    else if (i.imm > 0)
        e_.op(Inst::kIdCcmp, gp(wide, i.dst), asmjit::Imm{i.imm}, flags, goes_on);
    else
        e_.op(Inst::kIdCcmn, gp(wide, i.dst), asmjit::Imm{-i.imm}, flags, goes_on);
    joined_pc_ = pc + 1;
    jump_if(decided, pc, p_->jump_target(pc));
}

void generator::may_goto(uint32_t pc) {
    e_.op(Inst::kIdLdr, temp_reg, tries());
    jump_if(branch_insn::if_zero(temp_reg), pc, p_->jump_target(pc));
    e_.op(Inst::kIdSub, temp_reg, temp_reg, asmjit::Imm{1});
    e_.op(Inst::kIdStr, temp_reg, tries());
}

void generator::jump(uint32_t pc, uint32_t target) {
    if (program::is_back_edge(pc, target)) return go_back(pc, target);
    note_jump_to(target);
    if (target != pc + 1) go(branch_insn::always(), {branch_target::what::pc, target});
    // What comes next is reached from elsewhere alone.
    near_frame_ = all_registers;
}

void generator::jump_if(branch_insn b, uint32_t pc, uint32_t target) {
    if (not program::is_back_edge(pc, target)) {
        note_jump_to(target);
        return go(b, {branch_target::what::pc, target});
    }
    const uint32_t not_taken = e_.jump(b.opposite());
    go_back(pc, target);
    e_.close(not_taken);
}

/// The slice is never negative, so the subtraction borrows when it is spent.
void generator::charge(uint32_t units) {
    if (is_sum_operand(units)) {
        e_.op(Inst::kIdSubs, slice_reg, slice_reg, asmjit::Imm{units});
    } else {
        e_.move(temp_reg, units);
        e_.op(Inst::kIdSubs, slice_reg, slice_reg, temp_reg);
    }
}

/// A jump backwards, which is charged.
void generator::go_back(uint32_t pc, uint32_t target) {
    const uint32_t units = p_->loop_weight(target);
    charge(units);
    go_to(branch_insn::if_(condition::not_below), offsets_[target]);
    add_slow_path(slow_path::what::refill, branch_insn::always(), pc);
    slow_paths_.back().units = units;
    slow_paths_.back().back = offsets_[target];
}

void generator::jump_through_host(uint32_t pc) {
    set_temp_to(insn(pc).dst);
    e_.move(site_reg, pc);
    jump_to(stub::jump_value);
}

/// For values that are handles of slots from `first` on. The table says how far from it the code
/// for each is.
void generator::jump_by_table(uint32_t pc, uint32_t first, uint32_t count) {
    set_temp(0 - code_handle(first));
    e_.op(Inst::kIdAdd, temp_reg, temp_reg, gp64(insn(pc).dst));
    compare_with(temp_reg, count);
    const auto bad = static_cast<uint32_t>(slow_paths_.size());
    add_slow_path(slow_path::what::bad_value, branch_insn::if_(condition::not_below), pc);
    for (const uint32_t block : table_blocks()) {
        const uint32_t target = p_->blocks()[block].begin;
        if (not program::is_back_edge(pc, target)) continue;
        slow_paths_.push_back(
            {slow_path::what::go_back, offsets_[target], pc, p_->loop_weight(target), 0, {}});
    }
    keep_in_reach(emitter::table_jump_bytes + 4 * count);
    e_.jump_by_table(temp_reg, other_temp_reg);
    tables_.push_back({e_.offset(), pc, first, count, bad});
    e_.words(count, 0);
}

/// All that the table goes to is there.
void generator::fill(const jump_table &t) {
    const uint32_t bad = slow_paths_[t.slow_path].at;
    for (uint32_t n = 0; n < t.count; ++n) e_.set_word(t.at + 4 * n, bad - t.at);
    uint32_t next = t.slow_path;
    for (const uint32_t block : table_blocks()) {
        const uint32_t target = p_->blocks()[block].begin;
        const bool is_back = program::is_back_edge(t.pc, target);
        const uint32_t to = is_back ? slow_paths_[++next].at : offsets_[target];
        e_.set_word(t.at + 4 * (target - t.first), to - t.at);
    }
}

// --- calls

void generator::call_local(uint32_t pc) {
    const uint32_t callee = p_->function_at(p_->callee_pc(pc));
    const uint32_t units = p_->functions()[callee].weight;
    charge(units);
    add_slow_path(slow_path::what::refill, branch_insn::if_(condition::below), pc);
    slow_paths_.back().units = units;
    e_.op(Inst::kIdLdr, temp_reg, state_word(offsetof(jit_state, last_frame)));
    e_.op(Inst::kIdCmp, frame_reg, temp_reg);
    add_slow_path(slow_path::what::too_deep, branch_insn::if_(condition::equal), pc);
    const branch_target target{branch_target::what::function, callee};
    if (is_known(target))
        go_to(branch_insn::call(), place_of(target));
    else
        go(branch_insn::call(), target);
    after_call(pc);
}

void generator::call_for(uint32_t pc, stub which) {
    e_.move(site_reg, pc);
    call(which);
}

void generator::unwind_if_zero(uint32_t pc) {
    add_slow_path(slow_path::what::unwind, branch_insn::if_zero(gp64(0)), pc);
}

void generator::call_directly(const compat::helper_binding &helper) {
    for (unsigned r = helper.arity() + 1; r <= max_helper_arguments; ++r) zero(r);
    if (helper.has_context()) {
        for (unsigned r = max_helper_arguments; r > 0; --r)
            e_.op(Inst::kIdMov, a64::GpX{r}, a64::GpX{r - 1});
        e_.move(a64::x0, reinterpret_cast<uint64_t>(helper.context()));
    }
    e_.move(temp_reg, helper.code(0));
    call(stub::call_direct);
}

void generator::leave_if_equal() {
    const uint32_t stays = e_.jump(branch_insn::if_(condition::not_equal));
    leave();
    e_.close(stays);
}

/// Where the packet load is to be made.
void generator::set_temp_to_offset(uint32_t pc) {
    const isa::instruction &i = insn(pc);
    if (isa::info(i.id).shape == isa::shape::packet_ind) {
        e_.add(temp_reg.w(), gp32(i.src), i.imm);
        e_.op(Inst::kIdSxtw, temp_reg, temp_reg.w());
    } else {
        set_temp(static_cast<uint64_t>(int64_t{i.imm}));
    }
}

}  // namespace bpftime::vm::ubpf::inline aarch64
