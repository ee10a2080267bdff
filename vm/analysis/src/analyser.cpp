// bpftime-vm: runs a program on what is known, until nothing changes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "analyser.hpp"

#include <algorithm>
#include <utility>

namespace bpftime::vm::analysis {

namespace {

using isa::operation_kind;

/// Steps for each instruction until the quick way is gone, and for the program.
constexpr uint64_t steps_per_insn = 32;
constexpr uint64_t more_steps = 16384;
/// Programs with more slots are analysed quickly.
constexpr uint32_t most_slots_of_programs = 1U << 18;
/// Paths that arrive where a loop or function begins before what grows is made to grow at once: to
/// constants of the program, then as far as it can.
constexpr uint32_t loop_patience = 1;
constexpr uint32_t function_patience = 6;
constexpr uint32_t threshold_rounds = 3;
constexpr std::size_t most_thresholds = 4096;

bool is_conditional(const isa::instruction &i) noexcept {
    return isa::kind_of(i.id) == operation_kind::branch and i.id != isa::insn_id::may_goto;
}

/// Whether r10 is used for something else than an access inside of the frame.
bool uses_frame_address(const isa::instruction &i, int64_t frame_size) noexcept {
    const isa::insn_info &row = isa::info(i.id);
    const isa::shape_info &form = isa::info(row.shape);
    const bool reads_dst = i.dst == isa::frame_pointer and form.dst != isa::register_role::none;
    const bool reads_src = i.src == isa::frame_pointer and form.src != isa::register_role::none;
    if (i.id == isa::insn_id::callx_imm) return i.imm == isa::frame_pointer;
    if (not reads_dst and not reads_src) return false;
    if (form.offset != isa::offset_role::memory) return true;
    const bool is_load = form.dst == isa::register_role::write;
    if (is_load ? reads_dst : reads_src) return true;
    return i.offset < -frame_size or i.offset + int64_t{isa::bytes_of(row.width)} > 0;
}

}  // namespace

analyser::analyser(const program &p, const environment &world, effort how)
    : code_{p},
      world_{world},
      effort_{p.size() > most_slots_of_programs ? effort::quick : how},
      frames_may_escape_{uses_frame_addresses()},
      needs_{p, frames_may_escape_},
      found_{p.functions().size()},
      transfer_{p, world, needs_, frames_may_escape_, found_},
      callers_(p.functions().size()),
      waiting_(p.functions().size()) {
    find_heads();
    if (effort_ == effort::full) find_thresholds();
}

bool analyser::uses_frame_addresses() const {
    for (const basic_block &b : code_.blocks()) {
        if (not b.reachable) continue;
        for (uint32_t pc = b.begin; pc < b.end; ++pc) {
            const isa::instruction &i = code_.insn(pc);
            if (i.id != isa::insn_id::none and uses_frame_address(i, world_.frame_size()))
                return true;
        }
    }
    return false;
}

std::vector<uint32_t> analyser::callees_first() const {
    const auto functions = code_.functions();
    std::vector<uint32_t> order;
    std::vector<bool> seen(functions.size());
    struct entered {
        uint32_t function;
        std::size_t next_callee;
    };
    std::vector<entered> path;
    const auto enter = [&](uint32_t f) {
        if (seen[f]) return;
        seen[f] = true;
        path.push_back({f, 0});
    };
    order.reserve(functions.size());
    for (uint32_t f = 0; f < functions.size(); ++f) {
        enter(f);
        while (not path.empty()) {
            const auto callees = code_.callees_of(functions[path.back().function]);
            if (path.back().next_callee < callees.size()) {
                enter(callees[path.back().next_callee++]);
                continue;
            }
            order.push_back(path.back().function);
            path.pop_back();
        }
    }
    return order;
}

void analyser::find_heads() {
    const auto blocks = code_.blocks();
    constexpr uint32_t nobody = no_head - 1;
    head_of_block_.assign(blocks.size(), no_head);
    before_block_.assign(blocks.size(), nobody);
    is_loop_head_.assign(blocks.size(), false);
    const auto make_head = [&](uint32_t b) { head_of_block_[b] = 0; };
    for (uint32_t b = 0; b < blocks.size(); ++b) {
        if (not blocks[b].reachable) continue;
        for (const uint32_t to : code_.successors_of(blocks[b])) {
            if (before_block_[to] != nobody) make_head(to);
            before_block_[to] = b;
            if (not program::is_back_edge(blocks[b].end - 1, blocks[to].begin)) continue;
            is_loop_head_[to] = true;
            make_head(to);
        }
        // A branch to the next instruction gets there twice.
        const isa::instruction &last = code_.insn(blocks[b].end - 1);
        if (last.id != isa::insn_id::none and is_conditional(last) and last.offset == 0 and
            b + 1 < blocks.size())
            make_head(b + 1);
    }
    for (const function &f : code_.functions()) {
        if (f.reachable) make_head(f.first_block);
    }
    for (const uint32_t f : callees_first()) {
        const function &of = code_.functions()[f];
        for (uint32_t b = of.first_block; b < of.first_block + of.block_count; ++b) {
            if (head_of_block_[b] == no_head) continue;
            head_of_block_[b] = static_cast<uint32_t>(head_blocks_.size());
            head_blocks_.push_back(b);
        }
    }
    heads_.resize(head_blocks_.size());
}

void analyser::find_thresholds() {
    for (const isa::instruction &i : code_.insns()) {
        if (i.id == isa::insn_id::none or not is_conditional(i)) continue;
        if (isa::info(isa::info(i.id).shape).imm != isa::imm_role::value) continue;
        for (int64_t by = -1; by <= 1; ++by) thresholds_.push_back(int64_t{i.imm} + by);
        if (thresholds_.size() > most_thresholds) break;
    }
    std::ranges::sort(thresholds_);
    const auto rest = std::ranges::unique(thresholds_);
    thresholds_.erase(rest.begin(), rest.end());
}

// --- states

join_options analyser::options_of(uint32_t head_index) const {
    const uint32_t block = head_blocks_[head_index];
    const basic_block &b = code_.blocks()[block];
    const bool is_function = code_.functions()[b.function].begin == b.begin;
    join_options how{.begin = b.begin, .kept = needs_.at(block)};
    how.least_lengths.fill(0);
    if (not is_loop_head_[block] and not is_function) return how;
    const uint32_t patience = is_function ? function_patience : loop_patience;
    const uint32_t changes = heads_[head_index].changes;
    how.widens = changes >= patience;
    if (changes < patience + threshold_rounds) how.thresholds = thresholds_;
    return how;
}

void analyser::enqueue(uint32_t head_index) {
    head &h = heads_[head_index];
    if (h.is_queued) return;
    h.is_queued = true;
    queue_.push_back(head_index);
    std::ranges::push_heap(queue_, std::greater{});
}

uint32_t analyser::dequeue() {
    std::ranges::pop_heap(queue_, std::greater{});
    const uint32_t head_index = queue_.back();
    queue_.pop_back();
    heads_[head_index].is_queued = false;
    return head_index;
}

void analyser::pend(uint32_t head_index) {
    heads_[head_index].is_pending = true;
    enqueue(head_index);
}

void analyser::reach(uint32_t head_index, const state &s, const join_options &how) {
    head &h = heads_[head_index];
    if (not h.is_reached) {
        h.is_reached = true;
        h.at = s;
        std::erase_if(h.at.slots, [&](const stack_slot &slot) {
            return not needs_.has_slot(head_blocks_[head_index], slot.index);
        });
        arrive(h.at, how);
    } else {
        if (not join_into(h.at, s, how)) return;
        ++h.changes;
    }
    pend(head_index);
}

bool analyser::enter_callee(uint32_t pc, const state &s) {
    const uint32_t callee = code_.function_at(code_.callee_pc(pc));
    auto &callers = callers_[callee];
    if (callers.empty() or callers.back() != current_) callers.push_back(current_);
    const uint32_t to = head_of_block_[code_.functions()[callee].first_block];
    join_options how = options_of(to);
    how.renames = true;
    reach(to, transfer_.callee_state(pc, s), how);
    return found_.functions[callee].returns;
}

void analyser::wake_callers(uint32_t f) {
    for (waiting_call &call : waiting_[f]) {
        head &h = heads_[call.head];
        if (h.walks != call.walks) continue;
        h.ready.push_back(std::move(call.where));
        enqueue(call.head);
    }
    waiting_[f].clear();
}

/// Functions that anybody may call.
void analyser::enter_called_by_value() {
    const auto enter = [&](uint32_t f) {
        const uint32_t to = head_of_block_[code_.functions()[f].first_block];
        join_options how = options_of(to);
        how.renames = true;
        reach(to, transfer_.any_entry_state(f), how);
    };
    for (; entered_by_value_ < found_.called_by_value.size(); ++entered_by_value_)
        enter(found_.called_by_value[entered_by_value_]);
    if (not found_.anything_called_by_value or everything_entered_) return;
    everything_entered_ = true;
    for (uint32_t f = 0; f < code_.functions().size(); ++f) {
        if (code_.functions()[f].reachable) enter(f);
    }
}

// --- walks

bool analyser::walk_block(const basic_block &b, uint32_t from, state &s) {
    const auto insns = code_.insns();
    const bool enters_callees = observer_ != nullptr and effort_ == effort::full;
    for (uint32_t pc = from; pc < b.end; ++pc) {
        const isa::insn_id id = insns[pc].id;
        if (id == isa::insn_id::none) continue;
        ++steps_;
        if (id == isa::insn_id::call_local and enters_callees and not enter_callee(pc, s)) {
            const auto block = static_cast<uint32_t>(&b - code_.blocks().data());
            waiting_[code_.function_at(code_.callee_pc(pc))].push_back(
                {current_, heads_[current_].walks, {block, pc, std::move(s)}});
            return false;
        }
        if (not transfer_.step(pc, b.function, s)) return false;
    }
    return true;
}

/// Goes from a block to another one, where paths meet.
void analyser::go_to_head(const basic_block &from, uint32_t to, const state &s) {
    const uint32_t to_head = head_of_block_[to];
    const uint32_t pc = from.end - 1;
    const uint32_t begin = code_.blocks()[to].begin;
    const bool is_back = program::is_back_edge(pc, begin);
    const head &h = heads_[to_head];
    if (is_back and h.is_reached) observer_->jump_back(pc, begin, s, h.at);
    // Nothing is known there, and that is there already.
    if (effort_ == effort::quick and is_loop_head_[to]) return;
    join_options how = options_of(to_head);
    how.renames = is_back;
    how.renamed_from = begin;
    reach(to_head, s, how);
}

uint32_t analyser::leave_block(const basic_block &b, state &s) {
    const uint32_t pc = b.end - 1;
    const isa::instruction &last = code_.insn(pc);
    const auto next = code_.successors_of(b);
    uint32_t on = no_block;
    const auto go_on_to = [&](uint32_t to) {
        if (head_of_block_[to] != no_head)
            go_to_head(b, to, s);
        else if (on == no_block)
            on = to;
        else
            stops_.push_back({to, code_.blocks()[to].begin, s});
    };
    if (last.id == isa::insn_id::none or not is_conditional(last)) {
        for (const uint32_t to : next) go_on_to(to);
        return on;
    }
    state taken = s;
    const bool may_be_taken = transfer_.follow(pc, true, taken);
    const bool may_go_on = transfer_.follow(pc, false, s);
    observer_->branch(pc, may_be_taken, may_go_on);
    const uint32_t target = code_.jump_target(pc);
    const auto block_at = [&](uint32_t begin) {
        return std::ranges::find(next, begin,
                                 [&](uint32_t to) { return code_.blocks()[to].begin; });
    };
    if (const auto to = block_at(target); may_be_taken and to != next.end()) {
        if (head_of_block_[*to] != no_head)
            go_to_head(b, *to, taken);
        else
            stops_.push_back({*to, target, std::move(taken)});
    }
    if (const auto to = block_at(pc + 1); may_go_on and to != next.end()) go_on_to(*to);
    return on;
}

void analyser::walk_from(stop &at) {
    while (at.block != no_block) {
        const basic_block &b = code_.blocks()[at.block];
        observer_->block(at.block);
        at.block = walk_block(b, at.pc, at.at) ? leave_block(b, at.at) : no_block;
        if (at.block != no_block) at.pc = code_.blocks()[at.block].begin;
    }
}

void analyser::walk(uint32_t head_index) {
    current_ = head_index;
    head &from = heads_[head_index];
    const uint32_t first = head_blocks_[head_index];
    const uint32_t f = code_.blocks()[first].function;
    const function_summary before = found_.functions[f];
    stops_ = std::exchange(from.ready, {});
    if (from.is_pending) {
        from.is_pending = false;
        ++from.walks;
        stops_.clear();
        stop at{first, code_.blocks()[first].begin, from.at};
        walk_from(at);
    }
    while (not stops_.empty()) {
        stop at = std::move(stops_.back());
        stops_.pop_back();
        walk_from(at);
    }
    const function_summary &after = found_.functions[f];
    if (after == before or not after.returns) return;
    if (not before.returns) {
        wake_callers(f);
    } else {
        for (const uint32_t caller : callers_[f]) pend(caller);
    }
}

void analyser::run_pending() {
    const uint64_t most_steps = code_.size() * steps_per_insn + more_steps;
    while (not queue_.empty()) {
        walk(dequeue());
        enter_called_by_value();
        if (effort_ == effort::full and steps_ > most_steps) return;
    }
}

bool analyser::run(observer &what) {
    observer_ = &what;
    transfer_.set_recorder(&what);
    what.start();
    bool complete = true;
    if (effort_ == effort::full) {
        start();
        run_pending();
        complete = queue_.empty();
        waiting_.assign(waiting_.size(), {});
    }
    if (effort_ == effort::quick or not complete) start_quickly();
    transfer_.set_recorder(nullptr);
    observer_ = nullptr;
    return complete;
}

void analyser::start() {
    const uint32_t entry = head_of_block_[code_.functions()[0].first_block];
    join_options how = options_of(entry);
    how.renames = true;
    reach(entry, transfer_.entry_state(), how);
}

/// Knows nothing where loops and functions begin, and of what calls do.
void analyser::start_quickly() {
    effort_ = effort::quick;
    observer_->start();
    found_ = findings{code_.functions().size()};
    transfer_.distrust_calls();
    std::ranges::fill(heads_, head{});
    queue_.clear();
    everything_entered_ = true;
    const bool first_is_called = [&] {
        for (const basic_block &b : code_.blocks()) {
            for (uint32_t pc = b.begin; pc < b.end and b.reachable; ++pc) {
                const isa::instruction &i = code_.insn(pc);
                if (i.id == isa::insn_id::callx or i.id == isa::insn_id::callx_imm) return true;
                if (i.id == isa::insn_id::lddw_code or i.id == isa::insn_id::call_local) {
                    if (code_.callee_pc(pc) == 0) return true;
                } else if (i.id == isa::insn_id::call) {
                    const auto *const helper = world_.helper(static_cast<uint32_t>(i.imm));
                    if (helper != nullptr and helper->runs_code()) return true;
                }
            }
        }
        return false;
    }();
    for (uint32_t i = 0; i < heads_.size(); ++i) {
        const basic_block &b = code_.blocks()[head_blocks_[i]];
        const function &f = code_.functions()[b.function];
        const bool is_function = f.begin == b.begin;
        if (not is_function and not is_loop_head_[head_blocks_[i]]) continue;
        head &h = heads_[i];
        h.is_reached = true;
        pend(i);
        if (is_loop_head_[head_blocks_[i]])
            h.at = transfer_.any_state(b.begin);
        else if (b.begin != 0 or first_is_called)
            h.at = transfer_.any_entry_state(b.function);
        else
            h.at = transfer_.entry_state();
    }
    entered_by_value_ = 0;
    while (not queue_.empty()) walk(dequeue());
}

bool analyser::take_edge(const basic_block &from, uint32_t to, state &s) {
    const uint32_t pc = from.end - 1;
    const isa::instruction &last = code_.insn(pc);
    if (last.id == isa::insn_id::none or not is_conditional(last)) return true;
    const bool taken = code_.blocks()[to].begin == code_.jump_target(pc);
    return transfer_.follow(pc, taken, s);
}

std::optional<state> analyser::before(uint32_t pc) {
    const auto blocks = code_.blocks();
    const auto after = std::ranges::upper_bound(blocks, pc, {}, &basic_block::begin);
    auto block = static_cast<uint32_t>(after - blocks.begin() - 1);
    std::vector<uint32_t> path{block};
    if (not blocks[block].reachable) return std::nullopt;
    while (head_of_block_[block] == no_head) {
        block = before_block_[block];
        path.push_back(block);
    }
    const head &h = heads_[head_of_block_[block]];
    if (not h.is_reached) return std::nullopt;
    state s = h.at;
    bool is_reached = true;
    for (; path.size() > 1 and is_reached; path.pop_back()) {
        const basic_block &b = blocks[path.back()];
        is_reached = walk_block(b, b.begin, s) and take_edge(b, path[path.size() - 2], s);
    }
    const uint32_t f = blocks[path.front()].function;
    for (uint32_t at = blocks[path.front()].begin; at < pc and is_reached; ++at) {
        if (code_.insn(at).id != isa::insn_id::none) is_reached = transfer_.step(at, f, s);
    }
    return is_reached ? std::optional{std::move(s)} : std::nullopt;
}

}  // namespace bpftime::vm::analysis
