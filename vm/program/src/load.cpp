// bpftime-vm: from bytes to a program: functions, control flow, calls, budget weights
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/text.hpp"
#include "isa/validate.hpp"
#include "program/program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <optional>
#include <span>
#include <utility>

namespace bpftime::vm {

namespace {

constexpr uint32_t no_index = std::numeric_limits<uint32_t>::max();

/// What an instruction does to control. All steps ask it of all instructions, so it is one byte a
/// row; the last row is that of second slots.
enum : uint8_t { jumps = 1, refers = 2, branches = 4, ends = 8 };

constexpr auto control_of_rows = [] {
    std::array<uint8_t, isa::insn_count + 1> all{};
    for (std::size_t i = 0; i < isa::insn_count; ++i) {
        const auto id = static_cast<isa::insn_id>(i);
        const isa::shape_info &form = isa::info(isa::info(id).shape);
        const bool has_target =
            form.offset == isa::offset_role::jump or form.imm == isa::imm_role::jump;
        const bool is_reference = id == isa::insn_id::call_local or id == isa::insn_id::lddw_code;
        all[i] =
            static_cast<uint8_t>((has_target ? jumps : 0) | (is_reference ? refers : 0) |
                                 (isa::kind_of(id) == isa::operation_kind::branch ? branches : 0) |
                                 (isa::ends_flow(id) ? ends : 0));
    }
    return all;
}();

bool does(const isa::instruction &i, unsigned what) noexcept {
    return (control_of_rows[static_cast<std::size_t>(i.id)] & what) != 0;
}
bool has_jump_target(const isa::instruction &i) noexcept { return does(i, jumps); }
bool refers_to_function(const isa::instruction &i) noexcept { return does(i, refers); }
bool ends_flow(const isa::instruction &i) noexcept { return does(i, ends); }

static_assert(std::ranges::none_of(control_of_rows,
                                   [](uint8_t row) {
                                       return (row & jumps) != 0 and (row & (branches | ends)) == 0;
                                   }),
              "jumps end blocks");

}  // namespace

/// Fills a program step by step; each step relies on what the ones before it have checked.
class program_builder {
public:
    result<program> build(std::span<const uint8_t> code, const program_options &options) && {
        using step = maybe_error (program_builder::*)();
        if (auto e = decode(code, options)) return std::unexpected{std::move(*e)};
        for (const step s : {&program_builder::find_functions, &program_builder::check_jumps,
                             &program_builder::check_ends, &program_builder::find_blocks}) {
            if (auto e = (this->*s)()) return std::unexpected{std::move(*e)};
        }
        link_blocks();
        link_calls();
        measure_depths();
        weigh_loops();
        mark_reachable();
        return std::move(p_);
    }

private:
    using maybe_error = std::optional<error>;

    error fail(error_code code, uint32_t pc, std::string_view detail) const {
        return make_error(code, pc, p_.text_at(pc), detail);
    }

    bool is_slot(int64_t pc) const { return pc >= 0 and pc < std::ssize(p_.insns_); }
    bool is_second_slot(uint32_t pc) const { return p_.insns_[pc].id == isa::insn_id::none; }

    maybe_error decode(std::span<const uint8_t> code, const program_options &options) {
        const uint32_t most = std::min(options.max_insns, most_max_insns);
        if (const std::size_t slots = code.size() / isa::slot_size; slots > most) {
            return make_error(
                error_code::too_many_insns,
                fmt::format("program of {} instructions exceeds the limit of {}", slots, most));
        }
        auto insns = isa::decode_all(code);
        if (not insns) return std::move(insns.error());
        p_.insns_ = std::move(*insns);
        p_.jump_targets_ = options.jump_targets;
        std::ranges::sort(p_.jump_targets_);
        const auto extra = std::ranges::unique(p_.jump_targets_);
        p_.jump_targets_.erase(extra.begin(), extra.end());
        for (const uint32_t target : p_.jump_targets_) {
            if (not is_slot(target) or is_second_slot(target)) {
                return make_error(
                    error_code::bad_jump_table,
                    fmt::format("jump table entry {} is no instruction of the program of {}",
                                target, p_.size()));
            }
        }
        return {};
    }

    /// Functions begin at 0 and wherever a local call or a function address points.
    maybe_error find_functions() {
        std::vector<uint32_t> entries{0};
        for (uint32_t pc = 0; pc < p_.size(); ++pc) {
            const isa::instruction &i = p_.insns_[pc];
            if (not does(i, jumps | refers | branches | ends)) continue;
            control_.push_back(pc);
            if (not refers_to_function(i)) continue;
            const int64_t target = int64_t{pc} + 1 + i.imm;
            if (not is_slot(target)) {
                return fail(error_code::bad_call_target, pc,
                            fmt::format("call target {} outside the program of {} instructions",
                                        target, p_.size()));
            }
            if (is_second_slot(static_cast<uint32_t>(target))) {
                return fail(error_code::bad_call_target, pc,
                            fmt::format("call target {} goes into the middle of lddw", target));
            }
            entries.push_back(static_cast<uint32_t>(target));
        }
        std::ranges::sort(entries);
        const auto extra = std::ranges::unique(entries);
        entries.erase(extra.begin(), extra.end());
        for (const uint32_t entry : entries) {
            if (not p_.functions_.empty()) p_.functions_.back().end = entry;
            p_.functions_.push_back({.begin = entry, .end = p_.size()});
        }
        return {};
    }

    /// The instructions of the function that do something to control.
    std::span<const uint32_t> control_of(const function &f) const {
        const auto first = std::ranges::lower_bound(control_, f.begin);
        return {first, std::ranges::lower_bound(first, control_.end(), f.end)};
    }

    maybe_error check_jump(uint32_t pc, const function &f) const {
        const isa::instruction &i = p_.insns_[pc];
        const bool in_imm = isa::info(isa::info(i.id).shape).imm == isa::imm_role::jump;
        const int64_t target = int64_t{pc} + 1 + (in_imm ? i.imm : i.offset);
        if (not is_slot(target)) {
            return fail(error_code::bad_jump_target, pc,
                        fmt::format("jump target {} outside the program of {} instructions", target,
                                    p_.size()));
        }
        if (is_second_slot(static_cast<uint32_t>(target))) {
            return fail(error_code::bad_jump_target, pc,
                        fmt::format("jump target {} goes into the middle of lddw", target));
        }
        if (target < f.begin or target >= f.end) {
            return fail(
                error_code::bad_jump_target, pc,
                fmt::format(
                    "jump from one function into another: target {} outside function at {}..{}",
                    target, f.begin, f.end - 1));
        }
        return {};
    }

    maybe_error check_jumps() {
        for (const function &f : p_.functions_) {
            for (const uint32_t pc : control_of(f)) {
                if (not has_jump_target(p_.insns_[pc])) continue;
                if (auto e = check_jump(pc, f)) return e;
            }
        }
        return {};
    }

    maybe_error check_ends() {
        for (const function &f : p_.functions_) {
            const uint32_t last = is_second_slot(f.end - 1) ? f.end - 2 : f.end - 1;
            if (not ends_flow(p_.insns_[last])) {
                return fail(error_code::falls_off_end, last,
                            fmt::format("control falls off the end of the function at {}..{}",
                                        f.begin, f.end - 1));
            }
        }
        return {};
    }

    maybe_error find_blocks() {
        std::vector<uint64_t> leads(p_.insns_.size() / 64 + 1);
        const auto lead = [&](uint32_t pc) { leads[pc / 64] |= uint64_t{1} << pc % 64; };
        for (const function &f : p_.functions_) lead(f.begin);
        for (const uint32_t target : p_.jump_targets_) lead(target);
        for (const uint32_t pc : control_) {
            const isa::instruction &i = p_.insns_[pc];
            if (has_jump_target(i)) lead(p_.jump_target(pc));
            if (does(i, branches | ends) and pc + 1 < p_.size()) lead(pc + 1);
        }
        block_at_.resize(p_.insns_.size());
        uint32_t function = 0;
        for (std::size_t word = 0; word < leads.size(); ++word) {
            for (uint64_t rest = leads[word]; rest != 0; rest &= rest - 1) {
                const auto pc = static_cast<uint32_t>(64 * word) +
                                static_cast<uint32_t>(std::countr_zero(rest));
                if (pc == p_.functions_[function].end) ++function;
                begin_block(pc, function);
            }
        }
        end_block(p_.size());
        return {};
    }

    void begin_block(uint32_t pc, uint32_t function) {
        end_block(pc);
        vm::function &f = p_.functions_[function];
        if (f.block_count++ == 0) f.first_block = static_cast<uint32_t>(p_.blocks_.size());
        p_.blocks_.push_back({.begin = pc, .end = pc, .function = function});
    }

    void end_block(uint32_t pc) {
        if (p_.blocks_.empty()) return;
        basic_block &b = p_.blocks_.back();
        b.end = pc;
        std::fill(block_at_.begin() + b.begin, block_at_.begin() + pc,
                  static_cast<uint32_t>(p_.blocks_.size() - 1));
    }

    void link_blocks() {
        for (basic_block &b : p_.blocks_) {
            const uint32_t last = is_second_slot(b.end - 1) ? b.end - 2 : b.end - 1;
            const isa::instruction &i = p_.insns_[last];
            if (i.id == isa::insn_id::gotox) {
                link_jump_table(b);
                continue;
            }
            b.first_successor = static_cast<uint32_t>(p_.successors_.size());
            if (not ends_flow(i)) p_.successors_.push_back(block_at_[b.end]);
            if (has_jump_target(i)) p_.successors_.push_back(block_at_[p_.jump_target(last)]);
            b.successor_count = static_cast<uint32_t>(p_.successors_.size()) - b.first_successor;
        }
    }

    /// All gotox of one function share one list of successors, so that the total stays linear.
    void link_jump_table(basic_block &b) {
        if (jump_table_function_ != b.function) {
            const function &f = p_.functions_[b.function];
            jump_table_function_ = b.function;
            jump_table_first_ = static_cast<uint32_t>(p_.successors_.size());
            const auto first = std::ranges::lower_bound(p_.jump_targets_, f.begin);
            for (auto it = first; it != p_.jump_targets_.end() and *it < f.end; ++it) {
                p_.successors_.push_back(block_at_[*it]);
            }
            jump_table_count_ = static_cast<uint32_t>(p_.successors_.size()) - jump_table_first_;
        }
        b.first_successor = jump_table_first_;
        b.successor_count = jump_table_count_;
    }

    void link_calls() {
        for (function &f : p_.functions_) {
            f.first_callee = static_cast<uint32_t>(p_.callees_.size());
            for (const uint32_t pc : control_of(f)) {
                if (refers_to_function(p_.insns_[pc])) {
                    p_.callees_.push_back(p_.blocks_[block_at_[p_.callee_pc(pc)]].function);
                }
            }
            const auto own =
                std::ranges::subrange{p_.callees_.begin() + f.first_callee, p_.callees_.end()};
            std::ranges::sort(own);
            const auto extra = std::ranges::unique(own);
            p_.callees_.erase(extra.begin(), extra.end());
            f.callee_count = static_cast<uint32_t>(p_.callees_.size()) - f.first_callee;
        }
    }

    /// The depth of the block's last slot: within it, every slot is one deeper.
    uint32_t last_depth(uint32_t block) const {
        const basic_block &b = p_.blocks_[block];
        return depths_[block] + (b.end - b.begin) - 1;
    }

    void raise_depth(uint32_t from, uint32_t to) {
        if (to > from) depths_[to] = std::max(depths_[to], last_depth(from) + 1);
    }

    /// Longest forward path to each block. What only backward jumps reach goes on counting from the
    /// line above, so that code before a loop does not make the loop heavier.
    void measure_depths() {
        depths_.assign(p_.blocks_.size(), 0);
        for (function &f : p_.functions_) {
            uint32_t deepest = 0;
            uint32_t deepest_gotox = 0;  // plus one: 0 before the first
            auto target = std::ranges::lower_bound(p_.jump_targets_, f.begin);
            for (uint32_t n = f.first_block; n < f.first_block + f.block_count; ++n) {
                const basic_block &b = p_.blocks_[n];
                const isa::instruction &last = p_.insns_[b.end - 1];
                uint32_t &depth = depths_[n];
                if (target != p_.jump_targets_.end() and *target == b.begin) {
                    depth = std::max(depth, deepest_gotox);
                    ++target;
                }
                if (n > f.first_block and depth == 0) depth = last_depth(n - 1) + 1;
                if (not ends_flow(last) and b.end < f.end) raise_depth(n, n + 1);
                if (has_jump_target(last)) raise_depth(n, block_at_[p_.jump_target(b.end - 1)]);
                if (last.id == isa::insn_id::gotox)
                    deepest_gotox = std::max(deepest_gotox, last_depth(n) + 1);
                deepest = std::max(deepest, last_depth(n));
            }
            f.weight = deepest + 1;
        }
    }

    /// A loop that falls back by n took at most n + 1 steps: every step forward raises the depth by
    /// at least one.
    void weigh_loop(uint32_t to, uint32_t deepest) {
        const uint32_t depth = depths_[block_at_[to]];
        const uint32_t steps = deepest < depth ? 1 : deepest + 1 - depth;
        p_.loop_weights_[to] = std::max(p_.loop_weights_[to], steps);
    }

    /// All backward jumps to a slot cost the same, which lets compilers take them for one.
    void weigh_loops() {
        p_.loop_weights_.assign(p_.insns_.size(), 0);
        for (const function &f : p_.functions_) {
            std::optional<uint32_t> deepest_gotox;
            for (uint32_t n = f.first_block + f.block_count; n-- > f.first_block;) {
                const basic_block &b = p_.blocks_[n];
                const uint32_t pc = b.end - 1;
                const isa::instruction &last = p_.insns_[pc];
                if (has_jump_target(last) and p_.jump_target(pc) <= pc)
                    weigh_loop(p_.jump_target(pc), last_depth(n));
                if (last.id == isa::insn_id::gotox)
                    deepest_gotox = std::max(deepest_gotox.value_or(0), last_depth(n));
                if (deepest_gotox and std::ranges::binary_search(p_.jump_targets_, b.begin))
                    weigh_loop(b.begin, *deepest_gotox);
            }
        }
    }

    void mark_reachable() {
        std::vector<uint32_t> functions{0};
        p_.functions_[0].reachable = true;
        while (not functions.empty()) {
            const uint32_t n = functions.back();
            functions.pop_back();
            mark_blocks(p_.functions_[n]);
            for (const uint32_t callee : reachable_callees(p_.functions_[n])) {
                if (p_.functions_[callee].reachable) continue;
                p_.functions_[callee].reachable = true;
                functions.push_back(callee);
            }
        }
    }

    /// Whether `b` ends in gotox, and goes wherever the other gotox of its function go.
    bool jumps_by_table(const basic_block &b) const {
        return p_.insns_[b.end - 1].id == isa::insn_id::gotox;
    }

    void mark_blocks(const function &f) {
        std::vector<uint32_t> pending{f.first_block};
        p_.blocks_[f.first_block].reachable = true;
        bool table_is_marked = false;
        while (not pending.empty()) {
            const basic_block &b = p_.blocks_[pending.back()];
            pending.pop_back();
            // Once for each function, or many gotox over a long table would take quadratic time.
            if (jumps_by_table(b) and std::exchange(table_is_marked, true)) continue;
            for (const uint32_t next : p_.successors_of(b)) {
                if (p_.blocks_[next].reachable) continue;
                p_.blocks_[next].reachable = true;
                pending.push_back(next);
            }
        }
    }

    std::vector<uint32_t> reachable_callees(const function &f) const {
        std::vector<uint32_t> callees;
        for (const uint32_t pc : control_of(f)) {
            if (refers_to_function(p_.insns_[pc]) and p_.blocks_[block_at_[pc]].reachable) {
                callees.push_back(p_.blocks_[block_at_[p_.callee_pc(pc)]].function);
            }
        }
        return callees;
    }

    program p_;
    std::vector<uint32_t> control_;  ///< slots that do something to control
    std::vector<uint32_t> block_at_;
    std::vector<uint32_t> depths_;  ///< per block: the longest forward path to it
    uint32_t jump_table_function_ = no_index;
    uint32_t jump_table_first_ = 0;
    uint32_t jump_table_count_ = 0;
};

result<program> program::load(std::span<const uint8_t> code, const program_options &options) {
    return program_builder{}.build(code, options);
}

}  // namespace bpftime::vm
