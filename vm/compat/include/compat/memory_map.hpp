// bpftime-vm: the memory that one run may touch
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "analysis/environment.hpp"
#include "compat/arena.hpp"
#include "compat/fault.hpp"
#include "ebpf-types.h"
#include "program/region.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace bpftime::vm::compat {

/// Bytes from `begin` on that a program may touch.
struct memory_span {
    uint64_t begin = 0;
    uint64_t len = 0;
    permission allowed = permission::read_write;

    friend bool operator==(const memory_span &, const memory_span &) = default;

    /// Whether [address, address + size) lies inside; nothing wraps.
    [[nodiscard]] constexpr bool holds(uint64_t address, uint64_t size) const noexcept {
        return address - begin <= len and size <= len - (address - begin);
    }
};

/// Whether there can be `len` bytes of memory at an address.
[[nodiscard]] constexpr bool can_be_memory(uint64_t begin, uint64_t len) noexcept {
    constexpr uint64_t last =
        std::min<uint64_t>(std::numeric_limits<uintptr_t>::max(), analysis::last_address);
    return (begin != 0 or len == 0) and len <= analysis::most_bytes and begin <= last - len;
}

[[nodiscard]] inline memory_span span_of(const ebpf_region &region) noexcept {
    return {reinterpret_cast<uintptr_t>(region.ptr), region.len,
            static_cast<permission>(region.permission)};
}

/// The stack frames of one run: `depth` frames of `frame_size` bytes, a gap of the same size below
/// each, so that an access that narrowly misses its frame meets no other one. Frame 0 is highest,
/// as on machines.
class stack_layout {
public:
    stack_layout(uint32_t frame_size, uint32_t depth) noexcept
        : frame_size_{frame_size}, depth_{depth} {}

    /// Bytes that the whole stack takes.
    [[nodiscard]] std::size_t bytes() const noexcept {
        return std::size_t{2} * frame_size_ * depth_;
    }
    [[nodiscard]] uint32_t frame_size() const noexcept { return frame_size_; }
    [[nodiscard]] uint32_t depth() const noexcept { return depth_; }
    void place(void *base) noexcept { top_ = reinterpret_cast<uintptr_t>(base) + bytes(); }
    /// The value of r10 in the frame at `depth`: one past its highest byte.
    [[nodiscard]] uint64_t frame_top(uint32_t depth) const noexcept {
        return top_ - uint64_t{2} * frame_size_ * depth;
    }
    [[nodiscard]] memory_span frame(uint32_t depth) const noexcept {
        return {frame_top(depth) - frame_size_, frame_size_};
    }
    /// From now on only frames with a mark hold their function's stack: an engine may keep a frame
    /// whose address nobody can learn in registers. No frame has a mark yet. No more than `live`
    /// frames will be live.
    void mark_frames(uint32_t live) noexcept {
        present_ = presence::marked;
        for (uint32_t d = 0; d < live; ++d) *mark(d) = 0;
    }
    /// From now on no frame is where programs can look: nobody can learn the address of any.
    void hide_frames() noexcept { present_ = presence::none; }
    /// Where the mark of the frame at `depth` is: in the gap below it, which no program can touch.
    [[nodiscard]] uint64_t *mark(uint32_t depth) const noexcept {
        return reinterpret_cast<uint64_t *>(frame_top(depth) - uint64_t{2} * frame_size_);
    }
    [[nodiscard]] bool is_present(uint32_t depth) const noexcept {
        return present_ == presence::all or (present_ == presence::marked and mark(depth)[0] != 0);
    }
    /// The depth of the frame with this top.
    [[nodiscard]] uint32_t depth_of(uint64_t top) const noexcept {
        if (top == frame_top(0)) return 0;  // most often so, and a division takes long
        return static_cast<uint32_t>((frame_top(0) - top) / (uint64_t{2} * frame_size_));
    }
    /// The frame whose bytes, or whose half of the gaps around it, `address` is in, live or not.
    [[nodiscard]] std::optional<uint32_t> nearest(uint64_t address) const noexcept;

private:
    enum class presence : uint8_t { all, marked, none };

    uint32_t frame_size_;
    uint32_t depth_;
    presence present_ = presence::all;
    uint64_t top_ = 0;
};

/// Memory that comes with a program: registered by the host, and what its lddw name.
struct program_memory {
    const std::vector<memory_span> &registered;
    std::span<const memory_span> linked;
    const ebpf_arena *arena = nullptr;
    permission input = permission::read_write;  ///< what the program may do with the input memory
};

/// What was added during the run, in a list of its own: most runs have none.
struct EBPF_EXPORT given_memory {
    std::vector<memory_span> lent;
    std::vector<memory_span> granted;
    /// Once they are many, for programs that look at thousands of values: a hash table by where
    /// they begin, of places in the list and 1 more. What it says is looked up there, so it may
    /// be out of date.
    std::vector<uint32_t> granted_index;
    std::size_t index_used = 0;  ///< its slots that are not free

    /// Words, so that `recent_` is not read back from where the span was just written.
    void add(uint64_t begin, uint64_t len, permission allowed);

    /// Empty, for a run: what one of this thread's earlier runs had, if that is there.
    [[nodiscard]] static given_memory *take();
    /// For a later run of this thread, unless it is large.
    struct give_back {
        EBPF_EXPORT void operator()(given_memory *given) const noexcept;
    };

private:
    [[nodiscard]] bool is_granted(const memory_span &span) const noexcept;
    [[nodiscard]] std::size_t index_slot(uint64_t begin) const noexcept;
    void index_grants();
};

/// What one run may touch: input memory, live stack frames, registered and granted memory.
class EBPF_EXPORT memory_map {
public:
    /// What it gets by reference outlives it, or the time with that program.
    memory_map(const memory_span &input, const stack_layout &stack, const program_memory &program,
               std::span<const memory_span> run) noexcept
        : input_{input.begin, input.len, program.input},
          stack_{stack},
          program_{&program},
          run_{run} {}

    [[nodiscard]] const memory_span &input() const noexcept { return input_; }

    /// Frames 0 to live-1 may be touched.
    void set_live_frames(uint32_t live) noexcept {
        live_ = live;
        top_frame_ = stack_.is_present(live - 1) ? stack_.frame(live - 1) : memory_span{};
    }

    /// Whether the program may do `wanted` with [address, address + size).
    [[nodiscard]] bool allows(uint64_t address, uint64_t size, permission wanted) noexcept {
        return top_frame_.holds(address, size) or
               (input_.holds(address, size) and bpftime::vm::allows(input_.allowed, wanted)) or
               allows_again(address, size, wanted) or search(address, size, wanted);
    }
    /// Whether it is certain because of recent(), whichever frames are live.
    [[nodiscard]] bool allows_again(uint64_t address, uint64_t size,
                                    permission wanted) const noexcept {
        return recent_.holds(address, size) and bpftime::vm::allows(recent_.allowed, wanted);
    }

    /// Memory that allows() found, beside input and frames; without permissions if there is none.
    [[nodiscard]] const memory_span &recent() const noexcept { return recent_; }

    /// Frames that may be touched.
    [[nodiscard]] uint32_t live_frames() const noexcept { return live_; }

    /// The run goes on with another program: no frame is live, other memory is registered.
    void change_program(const program_memory &program) noexcept {
        live_ = 0;
        top_frame_ = {};
        program_ = &program;
        input_.allowed = program.input;
        recent_ = {.allowed = permission::none};
    }
    /// Whether there is memory that the program may write, and that has some of these bytes: of
    /// what is there when it begins, beside frames.
    [[nodiscard]] bool is_writable_elsewhere(const memory_span &bytes) const noexcept;
    /// Whether the program may do `wanted` with these bytes of memory that is its own until the run
    /// ends: no frame, and no loan.
    [[nodiscard]] bool keeps(const memory_span &bytes, permission wanted) const noexcept;
    /// Exchanges what was granted with another map.
    void exchange_grants(memory_map &other) noexcept;
    [[nodiscard]] std::span<const memory_span> of_run() const noexcept { return run_; }

    /// Adds memory for the rest of the run.
    void grant(const memory_span &span) {
        if (span.len == 0) return;
        recent_ = span;
        given().add(span.begin, span.len, span.allowed);
    }

    /// Adds memory until take_back() with what this gives; such loans nest.
    [[nodiscard]] std::size_t lend(const memory_span &span) {
        auto &lent = given().lent;
        lent.push_back(span);
        return lent.size() - 1;
    }
    void take_back(std::size_t loan) noexcept {
        if (given_ != nullptr and loan < given_->lent.size()) given_->lent.resize(loan);
        recent_ = {.allowed = permission::none};
    }

    /// Takes back what was granted from exactly this address on.
    void revoke(uint64_t begin) noexcept;

    /// Where an access that allows() refuses goes all the same: one to the arena by the low 32 bits
    /// of its address, or to a page of it that is not there. 0: nowhere.
    [[nodiscard]] uint64_t redirect(uint64_t address, uint64_t size, permission wanted) noexcept;

    /// The fault that an access which allows() refused is.
    [[nodiscard]] fault explain(uint32_t pc, uint64_t address, uint64_t size,
                                permission wanted) const noexcept;

private:
    struct place {
        region_kind kind;
        uint32_t index;
        memory_span span;
    };

    [[nodiscard]] given_memory &given() {
        if (given_ == nullptr) given_.reset(given_memory::take());
        return *given_;
    }
    [[nodiscard]] arena_view arena() const noexcept { return arena_view{program_->arena}; }

    bool search(uint64_t address, uint64_t size, permission wanted) noexcept;
    [[nodiscard]] std::optional<place> find(uint64_t address) const noexcept;
    [[nodiscard]] std::optional<place> find_near(uint64_t address) const noexcept;

    memory_span input_;
    memory_span top_frame_;
    memory_span recent_{.allowed = permission::none};
    const stack_layout &stack_;
    uint32_t live_ = 0;
    const program_memory *program_;
    std::span<const memory_span> run_;
    uint64_t lost_;  ///< what was written to a page of the arena that is not there
    std::unique_ptr<given_memory, given_memory::give_back> given_;
};

/// Memory that a run may touch as long as this lives.
class scoped_loan {
public:
    scoped_loan(memory_map &to, const memory_span &span) : to_{to}, loan_{to.lend(span)} {}
    ~scoped_loan() { to_.take_back(loan_); }
    scoped_loan(const scoped_loan &) = delete;
    scoped_loan &operator=(const scoped_loan &) = delete;

private:
    memory_map &to_;
    const std::size_t loan_;
};

}  // namespace bpftime::vm::compat
