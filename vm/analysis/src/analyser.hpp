// bpftime-vm: runs a program on what is known, until nothing changes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "join.hpp"
#include "transfer.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace bpftime::vm::analysis {

/// Gets what is found on each walk. What was found of an instruction before is then out of date:
/// the last walk was with states that are final.
class observer : public recorder {
public:
    /// All that was found is void.
    virtual void start() = 0;
    /// Before the block is executed.
    virtual void block(uint32_t index) = 0;
    virtual void branch(uint32_t pc, bool may_be_taken, bool may_go_on) = 0;
    /// A jump backwards to `head` with this state, and the state that is known there.
    virtual void jump_back(uint32_t pc, uint32_t head, const state &at_jump,
                           const state &at_head) = 0;
};

/// States are kept where paths meet: at the beginning of functions, of blocks that several blocks
/// go to, and of those that a jump backwards goes to. From there to the next such blocks there is
/// one path to each instruction, which is walked each time.
class analyser {
public:
    analyser(const program &p, const environment &world, effort how);
    analyser(const analyser &) = delete;
    analyser &operator=(const analyser &) = delete;

    /// Finds the states, and tells `what` on its way. False: that took too many steps, and the
    /// quick way was gone instead.
    bool run(observer &what);

    /// What is known before the instruction at `pc`.
    [[nodiscard]] std::optional<state> before(uint32_t pc);

    /// Whether anything but accesses to the own frame is done with r10. If so, what is known of
    /// frames is true even if writes through guessed addresses find them.
    [[nodiscard]] bool frames_may_escape() const noexcept { return frames_may_escape_; }

private:
    /// Where a walk is to go on: before the instruction at `pc`, with what is known there.
    struct stop {
        uint32_t block;
        uint32_t pc;
        state at;
    };
    struct head {
        bool is_reached = false;
        bool is_pending = false;  ///< has grown since it was walked
        bool is_queued = false;
        uint32_t changes = 0;
        uint32_t walks = 0;
        std::vector<stop> ready;  ///< at calls whose callees did not return when it was walked
        state at;
    };
    /// A call of a function that does not return yet.
    struct waiting_call {
        uint32_t head;
        uint32_t walks;  ///< of the head: what an earlier walk left is void
        stop where;
    };

    /// All functions, as far as it goes each behind those that it calls.
    [[nodiscard]] std::vector<uint32_t> callees_first() const;
    void find_heads();
    void find_thresholds();
    [[nodiscard]] bool uses_frame_addresses() const;

    void start();
    void start_quickly();
    void enter_called_by_value();
    void run_pending();
    void reach(uint32_t head_index, const state &s, const join_options &how);
    void pend(uint32_t head_index);
    void enqueue(uint32_t head_index);
    [[nodiscard]] uint32_t dequeue();
    [[nodiscard]] join_options options_of(uint32_t head_index) const;

    /// Walks from a head to the next ones.
    void walk(uint32_t head_index);
    void walk_from(stop &at);
    [[nodiscard]] bool walk_block(const basic_block &b, uint32_t from, state &s);
    /// Whether the call_local at `pc` returns, as far as is known; if not, the walk waits there.
    [[nodiscard]] bool enter_callee(uint32_t pc, const state &s);
    /// Function `f` returns: those that wait for it go on.
    void wake_callers(uint32_t f);
    /// Gives the block where the walk goes on with what `s` is then; no_block: nowhere.
    [[nodiscard]] uint32_t leave_block(const basic_block &b, state &s);
    void go_to_head(const basic_block &from, uint32_t to, const state &s);
    [[nodiscard]] bool take_edge(const basic_block &from, uint32_t to, state &s);

    static constexpr uint32_t no_head = ~uint32_t{0};
    static constexpr uint32_t no_block = ~uint32_t{0};

    const program &code_;
    const environment &world_;
    effort effort_;
    bool frames_may_escape_;
    needs needs_;
    findings found_;
    transfer transfer_;
    std::vector<head> heads_;
    std::vector<uint32_t> head_blocks_;    ///< by head
    std::vector<uint32_t> head_of_block_;  ///< by block; no_head: none
    std::vector<uint32_t> before_block_;   ///< by block that is no head: the one that goes there
    std::vector<bool> is_loop_head_;       ///< by block
    std::vector<int64_t> thresholds_;
    std::vector<std::vector<uint32_t>> callers_;      ///< heads, by function
    std::vector<std::vector<waiting_call>> waiting_;  ///< by function
    std::vector<stop> stops_;
    std::vector<uint32_t> queue_;  ///< heads that are to be walked: a heap, the least index first
    std::size_t entered_by_value_ = 0;  ///< of findings::called_by_value
    bool everything_entered_ = false;
    uint32_t current_ = 0;  ///< the head that is walked from
    uint64_t steps_ = 0;
    observer *observer_ = nullptr;  ///< null after run()
};

}  // namespace bpftime::vm::analysis
