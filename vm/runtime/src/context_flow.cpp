// bpftime-vm: which instructions access the context, by data flow
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "context_flow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

constexpr unsigned argument_count = 5;
constexpr unsigned word_bytes = 8;

/// A helper that calls a function of the program, and hands it one of its own arguments.
struct callback_helper {
    uint32_t id;
    uint8_t function;  ///< registers of the helper's call
    uint8_t argument;
    uint8_t parameter;  ///< register of the callback
};

constexpr auto callback_helpers = std::to_array<callback_helper>({
    {164, 2, 3, 4},  // for_each_map_elem
    {180, 3, 4, 3},  // find_vma
    {181, 2, 3, 2},  // loop
    {209, 2, 3, 2},  // user_ringbuf_drain
});

/// What callers need to know of a function.
struct function_summary {
    bool returns = false;
    context_value result;
    /// What it may write to the frames of others, by function and offset.
    std::map<std::pair<uint32_t, int64_t>, context_value> writes;
    std::set<uint32_t> calling_blocks;
};

class flow {
public:
    explicit flow(const program &p)
        : p_{p},
          entries_(p.blocks().size()),
          waiting_(p.blocks().size()),
          summaries_(p.functions().size()) {}

    result<std::vector<context_site>> find() && {
        if (auto e = check_recursion()) return std::unexpected{std::move(*e)};
        context_state start;
        start.registers[1] = {.from = origin::context};
        enter(0, start);
        settle();
        // Only now: what a helper hands to its callback must not meet "anything" there.
        for (uint32_t f = 1; f < p_.functions().size(); ++f) {
            if (first_entry(f).reached) continue;
            enter(f, {});
            settle();
        }
        report();
        if (error_) return std::unexpected{std::move(*error_)};
        return std::move(sites_);
    }

private:
    [[nodiscard]] context_state &first_entry(uint32_t function) {
        return entries_[p_.functions()[function].first_block];
    }

    // --- walking

    void wait(uint32_t block) {
        if (waiting_[block]) return;
        waiting_[block] = true;
        worklist_.push_back(block);
    }

    void settle() {
        while (not worklist_.empty()) {
            const uint32_t block = worklist_.front();
            worklist_.pop_front();
            waiting_[block] = false;
            context_state s = entries_[block];
            if (not walk(block, s)) continue;
            for (const uint32_t next : p_.successors_of(p_.blocks()[block])) arrive(next, s);
        }
    }

    void arrive(uint32_t block, const context_state &s) {
        if (entries_[block].merge(s)) wait(block);
    }

    /// Once nothing changes any more, every instruction has one state.
    void report() {
        reporting_ = true;
        for (uint32_t block = 0; block < p_.blocks().size(); ++block) {
            context_state s = entries_[block];
            if (s.reached) walk(block, s);
        }
    }

    /// The state after the block; false if control is not known to get there.
    bool walk(uint32_t block, context_state &s) {
        const basic_block &b = p_.blocks()[block];
        block_ = block;
        function_ = b.function;
        for (uint32_t pc = b.begin; pc < b.end; ++pc) {
            if (p_.insn(pc).id == isa::insn_id::none) continue;
            if (not step(pc, s)) return false;
        }
        return true;
    }

    /// Begins a function with the registers and frames of `s`.
    void enter(uint32_t function, context_state s) {
        s.reached = true;
        s.registers[isa::frame_pointer] = {.from = origin::stack, .function = function};
        s.frames[function] = {};
        arrive(p_.functions()[function].first_block, s);
    }

    // --- instructions

    bool step(uint32_t pc, context_state &s) {
        const isa::instruction &i = p_.insn(pc);
        switch (isa::kind_of(i.id)) {
        case isa::operation_kind::alu: alu(i, s); break;
        case isa::operation_kind::convert: convert(i, s); break;
        case isa::operation_kind::load: load(pc, s); break;
        case isa::operation_kind::store: store(pc, s); break;
        case isa::operation_kind::atomic: atomic(pc, s); break;
        case isa::operation_kind::wide: wide(pc, s); break;
        case isa::operation_kind::packet: set_result({}, s); break;
        case isa::operation_kind::call: return call(pc, s);
        case isa::operation_kind::exit: leave(s); break;
        case isa::operation_kind::branch:
        case isa::operation_kind::jump: break;
        }
        return true;
    }

    static bool has_register_source(const isa::instruction &i) {
        return isa::info(isa::info(i.id).shape).src == isa::register_role::read;
    }

    static context_value number(int64_t value) { return {.from = origin::number, .offset = value}; }

    static void alu(const isa::instruction &i, context_state &s) {
        const isa::insn_info &row = isa::info(i.id);
        context_value &dst = s.registers[i.dst];
        const context_value src =
            has_register_source(i) ? s.registers[i.src] : number(int64_t{i.imm});
        if (row.width == isa::width::w32) {
            const bool is_number =
                row.operation == isa::operation::mov and src.from == origin::number;
            dst = is_number ? number(static_cast<uint32_t>(src.offset)) : context_value{};
            return;
        }
        switch (row.operation) {
        case isa::operation::mov: dst = src; break;
        case isa::operation::add: dst = sum(dst, src, 1); break;
        case isa::operation::sub: dst = sum(dst, src, -1); break;
        default: dst = sum(sum(dst, src, 1), {}, 1); break;  // some unknown distance from both
        }
    }

    static void convert(const isa::instruction &i, context_state &s) {
        const isa::insn_info &row = isa::info(i.id);
        const context_value from = has_register_source(i) ? s.registers[i.src] : s.registers[i.dst];
        if (row.operation == isa::operation::addr_space_cast) {
            s.registers[i.dst] = from;
        } else {
            const bool whole = row.width == isa::width::w64;
            s.registers[i.dst] = whole and from.of_context() ? sum(from, {}, 1) : context_value{};
        }
    }

    void wide(uint32_t pc, context_state &s) {
        const isa::instruction &i = p_.insn(pc);
        context_value &dst = s.registers[i.dst];
        if (i.id == isa::insn_id::lddw) {
            dst = number(static_cast<int64_t>(p_.wide_imm(pc)));
        } else if (i.id == isa::insn_id::lddw_code) {
            dst = {.from = origin::code, .offset = p_.callee_pc(pc)};
        } else {
            dst = {};
        }
    }

    static context_value address(const isa::instruction &i, unsigned base, const context_state &s) {
        return sum(s.registers[base], number(i.offset), 1);
    }

    context_value load_from(uint32_t pc, unsigned base, const context_state &s) {
        note_access(pc, s.registers[base]);
        const isa::instruction &i = p_.insn(pc);
        const bool whole = isa::info(i.id).width == isa::width::w64;
        return whole ? s.load(address(i, base, s)) : context_value{};
    }

    void store_to(uint32_t pc, const context_value &value, context_state &s) {
        const isa::instruction &i = p_.insn(pc);
        note_access(pc, s.registers[i.dst]);
        const context_value to = address(i, i.dst, s);
        const unsigned width = isa::bytes_of(isa::info(i.id).width);
        if (not s.store(to, value, width)) {
            fail(pc, fmt::format("stores the context at a place of the stack that is not known, or "
                                 "beyond {} bytes",
                                 followed_frame));
        }
        if (to.from != origin::stack or to.offset == any_offset) return;
        for (const auto &[function, words] : s.frames) {
            if (function == function_ or not to.may_be_in(function)) continue;
            note_write({.from = origin::stack, .function = function, .offset = to.offset}, value,
                       width);
        }
    }

    void load(uint32_t pc, context_state &s) {
        const isa::instruction &i = p_.insn(pc);
        s.registers[i.dst] = load_from(pc, i.src, s);
    }

    void store(uint32_t pc, context_state &s) {
        const isa::instruction &i = p_.insn(pc);
        store_to(pc, has_register_source(i) ? s.registers[i.src] : number(int64_t{i.imm}), s);
    }

    void atomic(uint32_t pc, context_state &s) {
        const isa::instruction &i = p_.insn(pc);
        switch (isa::info(i.id).operation) {
        case isa::operation::load_acquire: return load(pc, s);
        case isa::operation::store_release: return store(pc, s);
        default: break;
        }
        const context_value before = load_from(pc, i.dst, s);
        const context_value &src = s.registers[i.src];
        store_to(pc, src.of_context() ? context_value{.from = origin::modified} : context_value{},
                 s);
        if (isa::info(isa::info(i.id).shape).src == isa::register_role::update) {
            s.registers[i.src] = before;
        } else if (isa::info(i.id).operation == isa::operation::atomic_cmpxchg) {
            s.registers[0] = before;
        }
    }

    // --- calls

    bool call(uint32_t pc, context_state &s) {
        const isa::instruction &i = p_.insn(pc);
        bool returns = true;
        context_value result;
        switch (i.id) {
        case isa::insn_id::call_local:
            returns = call_function(p_.function_at(p_.callee_pc(pc)), s, result);
            break;
        case isa::insn_id::call: call_helper(static_cast<uint32_t>(i.imm), s); break;
        case isa::insn_id::callx: returns = call_register(pc, i.dst, s, result); break;
        case isa::insn_id::callx_imm:
            returns = call_register(pc, static_cast<unsigned>(i.imm), s, result);
            break;
        default: break;
        }
        set_result(result, s);
        return returns;
    }

    /// As every call leaves the registers.
    static void set_result(const context_value &result, context_state &s) {
        s.registers[0] = result;
        for (unsigned r = 1; r <= argument_count; ++r) s.registers[r] = {};
    }

    bool call_register(uint32_t pc, unsigned target_register, context_state &s,
                       context_value &result) {
        const context_value target = s.registers[target_register];
        if (target.from == origin::code)
            return call_function(p_.function_at(static_cast<uint32_t>(target.offset)), s, result);
        if (target.from == origin::number) {
            call_helper(static_cast<uint32_t>(target.offset), s);
            return true;
        }
        const auto arguments = std::span{s.registers}.subspan(1, argument_count);
        if (std::ranges::any_of(arguments, &context_value::of_context))
            fail(pc, "hands the context to a function that is not known");
        return true;
    }

    bool call_function(uint32_t callee, context_state &s, context_value &result) {
        context_state arriving;
        std::copy_n(s.registers + 1, argument_count, arriving.registers + 1);
        start(callee, s, std::move(arriving));
        result = summaries_[callee].result;
        return summaries_[callee].returns;
    }

    void call_helper(uint32_t id, context_state &s) {
        const auto helper = std::ranges::find(callback_helpers, id, &callback_helper::id);
        if (helper == callback_helpers.end()) return;
        const context_value &callback = s.registers[helper->function];
        if (callback.from != origin::code) return;
        context_state arriving;
        arriving.registers[helper->parameter] = s.registers[helper->argument];
        start(p_.function_at(static_cast<uint32_t>(callback.offset)), s, std::move(arriving));
    }

    /// Enters a function with these registers, and does to the caller's state what it does to
    /// frames.
    void start(uint32_t callee, context_state &s, context_state arriving) {
        arriving.frames =
            s.frames_of(std::span{std::as_const(arriving.registers)}.subspan(1, argument_count));
        enter(callee, std::move(arriving));
        summaries_[callee].calling_blocks.insert(block_);
        for (const auto &[where, value] : summaries_[callee].writes) {
            const context_value to{.from = origin::stack,
                                   .perhaps = true,
                                   .function = where.first,
                                   .offset = where.second};
            s.store(to, value, word_bytes);
            if (where.first != function_) note_write(to, value, word_bytes);
        }
    }

    void leave(const context_state &s) {
        function_summary &mine = summaries_[function_];
        const context_value joined =
            mine.returns ? join(mine.result, s.registers[0]) : s.registers[0];
        if (mine.returns and joined == mine.result) return;
        mine.returns = true;
        mine.result = joined;
        wake_callers();
    }

    void note_write(const context_value &to, const context_value &value, unsigned width) {
        function_summary &mine = summaries_[function_];
        const int64_t first = to.offset & ~int64_t{word_bytes - 1};
        const bool whole = width == word_bytes and first == to.offset;
        bool changed = false;
        for (int64_t at = first; at < to.offset + int64_t{width}; at += word_bytes) {
            const context_value written = whole ? value : context_value{};
            const auto [entry, is_new] = mine.writes.try_emplace({to.function, at}, written);
            const context_value joined = join(entry->second, written);
            changed = changed or is_new or joined != entry->second;
            entry->second = joined;
        }
        if (changed) wake_callers();
    }

    void wake_callers() {
        for (const uint32_t block : summaries_[function_].calling_blocks) wait(block);
    }

    // --- what comes of it

    void note_access(uint32_t pc, const context_value &base) {
        if (reporting_ and base.of_context() and (sites_.empty() or sites_.back().pc != pc))
            sites_.push_back({pc, base});
    }

    void fail(uint32_t pc, std::string_view detail) {
        if (reporting_ and not error_)
            error_ = make_error(error_code::unclear_context, pc, p_.text_at(pc), detail);
    }

    /// Two live frames of one function could not be told apart.
    std::optional<error> check_recursion() const {
        const auto count = p_.functions().size();
        std::vector<std::vector<std::pair<uint32_t, uint32_t>>> calls(count);
        std::vector<uint32_t> open(count);  // calls of it that are not yet done
        for (uint32_t pc = 0; pc < p_.size(); ++pc) {
            if (p_.insn(pc).id != isa::insn_id::call_local) continue;
            const uint32_t callee = p_.function_at(p_.callee_pc(pc));
            calls[p_.function_at(pc)].emplace_back(callee, pc);
            ++open[callee];
        }
        std::vector<uint32_t> ready;
        for (uint32_t f = 0; f < count; ++f) {
            if (open[f] == 0) ready.push_back(f);
        }
        while (not ready.empty()) {
            const uint32_t f = ready.back();
            ready.pop_back();
            for (const auto &[callee, pc] : calls[f]) {
                if (--open[callee] == 0) ready.push_back(callee);
            }
            calls[f].clear();
        }
        for (uint32_t f = 0; f < count; ++f) {
            for (const auto &[callee, pc] : calls[f]) {
                if (open[callee] == 0) continue;
                return make_error(
                    error_code::unsupported, pc, p_.text_at(pc),
                    "calls a function that calls itself, in a program of the kernel's,");
            }
        }
        return {};
    }

    const program &p_;
    std::vector<context_state> entries_;  ///< by block
    std::deque<uint32_t> worklist_;       ///< blocks
    std::vector<bool> waiting_;           ///< by block: whether it is in the list
    std::vector<function_summary> summaries_;
    uint32_t block_ = 0;  ///< that is being walked
    uint32_t function_ = 0;
    bool reporting_ = false;
    std::vector<context_site> sites_;
    std::optional<error> error_;
};

}  // namespace

result<std::vector<context_site>> find_context_sites(const program &p) { return flow{p}.find(); }

}  // namespace bpftime::vm::runtime
