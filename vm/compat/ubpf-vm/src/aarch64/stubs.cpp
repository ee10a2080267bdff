// bpftime-vm: the code that native code on AArch64 shares
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "generator.hpp"
#include "unwind_table.hpp"

#include <cstring>
#include <utility>

namespace bpftime::vm::ubpf {

namespace {

using asmjit::Label;

/// Bytes between exit_stack and the stack pointer of the host's code before it called enter: x19 to
/// x30.
constexpr unsigned entry_bytes = 96;

class maker : public stub_maker<maker, a64::Assembler, asmjit::Arch::kAArch64> {
public:
    maker() { make_all(); }

private:
    friend stub_maker;

    template <typename Function>
    void call(Function *fn) {
        a_.mov(way_reg, reinterpret_cast<uint64_t>(fn));
        a_.blr(way_reg);
    }

    /// What a call of the host does not keep, or changes in the state.
    void put_back_own() {
        a_.ldr(slice_reg, state_word(offsetof(jit_state, slice)));
        a_.ldp(input_starts_regs[0], input_starts_regs[1],
               state_word(offsetof(jit_state, input_starts)));
    }
    void store_slice() { a_.str(slice_reg, state_word(offsetof(jit_state, slice))); }

    void save_link() { a_.str(link_reg, a64::ptr_pre(a64::sp, -16)); }
    void put_back_link() { a_.ldr(link_reg, a64::ptr_post(a64::sp, 16)); }

    /// All that a call of the host does not keep: r0 to r5, and where to return to.
    void save() {
        a_.stp(a64::x0, a64::x1, a64::ptr_pre(a64::sp, -64));
        a_.stp(a64::x2, a64::x3, a64::ptr(a64::sp, 16));
        a_.stp(a64::x4, gp64(0), a64::ptr(a64::sp, 32));
        a_.str(link_reg, a64::ptr(a64::sp, 48));
    }
    void put_back() {
        a_.ldr(link_reg, a64::ptr(a64::sp, 48));
        a_.ldp(a64::x4, gp64(0), a64::ptr(a64::sp, 32));
        a_.ldp(a64::x2, a64::x3, a64::ptr(a64::sp, 16));
        a_.ldp(a64::x0, a64::x1, a64::ptr_post(a64::sp, 64));
        put_back_own();
    }

    void forget_recent() {
        static_assert(offsetof(jit_state, recent_writes) ==
                      offsetof(jit_state, recent_reads) + sizeof(access_starts));
        for (std::size_t at = 0; at < 2 * sizeof(access_starts); at += 16)
            a_.stp(a64::xzr, a64::xzr, state_word(offsetof(jit_state, recent_reads) + at));
    }
    static a64::Mem word(unsigned i) { return state_word(offsetof(jit_state, words) + 8 * i); }
    void store_words() {
        a_.stp(a64::x0, a64::x1, word(0));
        a_.stp(a64::x2, a64::x3, word(2));
        a_.str(a64::x4, word(4));
    }
    void load_words() {
        a_.ldp(a64::x0, a64::x1, word(0));
        a_.ldp(a64::x2, a64::x3, word(2));
        a_.ldr(a64::x4, word(4));
    }

    void make_enter() {
        begin(stub::enter);
        const auto kept = [](unsigned n) { return a64::GpX{19 + n}; };
        for (unsigned n = 0; n < 12; n += 2) {
            const auto at = static_cast<int32_t>(8 * n);
            a_.stp(kept(n), kept(n + 1),
                   n == 0 ? a64::ptr_pre(a64::sp, -int32_t{entry_bytes}) : a64::ptr(a64::sp, at));
        }
        a_.mov(state_reg, a64::x1);
        a_.mov(temp_reg, a64::x0);
        a_.mov(frame_reg, a64::x2);
        a_.mov(other_temp_reg, a64::sp);
        a_.str(other_temp_reg, state_word(offsetof(jit_state, exit_stack)));
        a_.ldr(minus_input_reg, state_word(offsetof(jit_state, minus_input)));
        a_.ldp(input_starts_regs[2], input_starts_regs[3],
               state_word(offsetof(jit_state, input_starts) + 16));
        put_back_own();
        load_words();
        a_.blr(temp_reg);
        a_.str(gp64(0), word(0));
        store_slice();
        a_.mov(a64::w0, 1);
        const Label leave = a_.newLabel();
        a_.bind(leave);
        for (unsigned n = 12; n > 0; n -= 2) {
            const auto at = static_cast<int32_t>(8 * (n - 2));
            a_.ldp(kept(n - 2), kept(n - 1),
                   n == 2 ? a64::ptr_post(a64::sp, int32_t{entry_bytes}) : a64::ptr(a64::sp, at));
        }
        a_.ret(link_reg);

        begin(stub::end_run);
        a_.bind(end_run_);
        a_.ldr(temp_reg, state_word(offsetof(jit_state, exit_stack)));
        a_.mov(a64::sp, temp_reg);
        a_.mov(a64::w0, 0);
        a_.b(leave);
    }

    /// Likely places first: the own frame, and the memory that was found last.
    void make_check(stub first, unsigned log_size) {
        begin(static_cast<stub>(std::to_underlying(first) + log_size));
        const std::size_t recent = first == stub::read1 ? offsetof(jit_state, recent_reads)
                                                        : offsetof(jit_state, recent_writes);
        const Label fine = a_.newLabel();
        const Label asks = a_.newLabel();
        a_.sub(temp_reg, temp_reg, minus_input_reg);
        a_.sub(other_temp_reg, frame_reg, temp_reg);
        a_.sub(other_temp_reg, other_temp_reg, 1U << log_size);
        a_.ldr(third_temp_reg, state_word(offsetof(jit_state, frame_starts) + 8 * log_size));
        a_.cmp(other_temp_reg, third_temp_reg);
        a_.b_lo(fine);
        a_.ldr(other_temp_reg, state_word(offsetof(jit_state, recent_begin)));
        a_.sub(other_temp_reg, temp_reg, other_temp_reg);
        a_.ldr(third_temp_reg, state_word(recent + 8 * log_size));
        a_.cmp(other_temp_reg, third_temp_reg);
        a_.b_hs(asks);
        a_.bind(fine);
        a_.ret(link_reg);
        a_.bind(asks);
        save();
        ask_about_access(rt_check);
        a_.mov(temp_reg, a64::x0);
        put_back();
        a_.cbz(temp_reg, end_run_);
        a_.ret(link_reg);
    }

    /// The same with the size in x11.
    void make_group_check(stub which) {
        begin(which);
        const std::size_t recent = which == stub::read_group ? offsetof(jit_state, recent_reads)
                                                             : offsetof(jit_state, recent_writes);
        const Label elsewhere = a_.newLabel();
        const Label asks = a_.newLabel();
        const Label fine = a_.newLabel();
        a_.sub(temp_reg, temp_reg, minus_input_reg);
        a_.sub(third_temp_reg, frame_reg, temp_reg);
        a_.cmp(third_temp_reg, other_temp_reg);
        a_.b_lo(elsewhere);
        a_.ldr(distance_reg, state_word(offsetof(jit_state, frame_starts)));
        a_.cmp(third_temp_reg, distance_reg);
        a_.b_ls(fine);
        a_.bind(elsewhere);
        a_.ldr(third_temp_reg, state_word(offsetof(jit_state, recent_begin)));
        a_.sub(third_temp_reg, temp_reg, third_temp_reg);
        a_.adds(third_temp_reg, third_temp_reg, other_temp_reg);
        a_.b_hs(asks);
        a_.ldr(distance_reg, state_word(recent));
        a_.cmp(third_temp_reg, distance_reg);
        a_.b_hi(asks);
        a_.bind(fine);
        a_.ret(link_reg);
        a_.bind(asks);
        for (unsigned r = 0; r < isa::register_count; ++r)
            a_.str(gp64(r), state_word(offsetof(jit_state, registers) + 8 * r));
        save();
        ask_about_access(rt_check_group);
        a_.mov(temp_reg, a64::x0);
        put_back();
        a_.cbz(temp_reg, end_run_);
        a_.ret(link_reg);
    }

    /// Calls with the address and the site; what may be in x11 is the fifth argument.
    template <typename Function>
    void ask_about_access(Function *fn) {
        store_slice();
        a_.mov(a64::x0, state_reg);
        a_.mov(a64::x1, temp_reg);
        a_.mov(a64::w2, site_reg.w());
        a_.mov(a64::x3, frame_reg);
        a_.mov(a64::x4, other_temp_reg);
        call(fn);
    }

    void make_misaligned() {
        begin(stub::misaligned);
        ask_about_access(rt_misaligned);
        a_.b(end_run_);
    }

    void make_refill() {
        begin(stub::refill);
        save();
        a_.mov(a64::x0, state_reg);
        a_.mov(a64::x1, slice_reg);
        a_.mov(a64::w2, temp_reg.w());
        a_.mov(a64::w3, site_reg.w());
        call(rt_refill);
        a_.str(a64::x0, state_word(offsetof(jit_state, slice)));
        put_back();
        a_.tbnz(slice_reg, 63, end_run_);
        a_.ret(link_reg);
    }

    void make_call_direct() {
        begin(stub::call_direct);
        save_link();
        store_slice();
        forget_recent();
        a_.blr(temp_reg);
        a_.mov(gp64(0), a64::x0);
        put_back_own();
        put_back_link();
        a_.ret(link_reg);
    }

    /// Calls the host with state, x9, pc and frame.
    template <typename Function>
    void call_with_words(Function *fn) {
        save_link();
        store_slice();
        store_words();
        a_.mov(a64::x0, state_reg);
        a_.mov(a64::x1, temp_reg);
        a_.mov(a64::w2, site_reg.w());
        a_.mov(a64::x3, frame_reg);
        call(fn);
        put_back_link();
        put_back_own();
    }

    /// What rt_call_helper() and rt_load_packet() give.
    void go_on_after_call() {
        static_assert(std::to_underlying(compat::after_call::ends) == 0);
        a_.cbz(a64::w0, end_run_);
        a_.ldr(gp64(0), word(0));
        a_.cmp(a64::w0, std::to_underlying(compat::after_call::returns));
        a_.ret(link_reg);
    }

    void make_call_helper() {
        begin(stub::call_helper);
        call_with_words(rt_call_helper);
        go_on_after_call();
    }

    void make_load_packet() {
        begin(stub::load_packet);
        call_with_words(rt_load_packet);
        go_on_after_call();
    }

    void make_call_value() {
        begin(stub::call_value);
        call_with_words(rt_call_value);
        const Label called = a_.newLabel();
        a_.cbz(a64::x0, end_run_);
        a_.cmp(a64::x0, 1);
        a_.b_eq(called);
        a_.mov(way_reg, a64::x0);
        load_words();
        a_.br(way_reg);
        a_.bind(called);
        a_.ldr(gp64(0), word(0));
        a_.ret(link_reg);
    }

    void make_jump_value() {
        begin(stub::jump_value);
        store_slice();
        save();
        a_.mov(a64::x0, state_reg);
        a_.mov(a64::x1, temp_reg);
        a_.mov(a64::w2, site_reg.w());
        call(rt_jump_value);
        a_.mov(way_reg, a64::x0);
        put_back();
        a_.cbz(way_reg, end_run_);
        a_.br(way_reg);
    }

    void make_too_deep() {
        begin(stub::too_deep);
        a_.mov(a64::x0, state_reg);
        a_.mov(a64::w1, site_reg.w());
        call(rt_too_deep);
        a_.b(end_run_);
    }

    void make_unwind() {
        begin(stub::unwind);
        a_.mov(a64::x0, state_reg);
        call(rt_unwind);
        a_.b(end_run_);
    }

    void make_zero_frame() {
        begin(stub::zero_frame);
        const Label next = a_.newLabel();
        const Label done = a_.newLabel();
        a_.sub(other_temp_reg, frame_reg, temp_reg);
        a_.tst(temp_reg, 16);
        a_.movi(a64::v0.d2(), 0);
        a_.b_eq(next);
        a_.str(a64::q0, a64::ptr_post(other_temp_reg, 16));
        a_.cmp(other_temp_reg, frame_reg);
        a_.b_eq(done);
        a_.bind(next);
        a_.stp(a64::q0, a64::q0, a64::ptr_post(other_temp_reg, 32));
        a_.cmp(other_temp_reg, frame_reg);
        a_.b_ne(next);
        a_.bind(done);
        a_.ret(link_reg);
    }
};

const maker &stubs() {
    static const auto &made = *new maker;
    return made;
}

// --- exceptions of helpers

std::size_t write_table(std::span<std::byte> out, const std::byte *begin, std::size_t size) {
    static constexpr std::array<uint8_t, entry_bytes / 8> kept{30, 29, 28, 27, 26, 25,
                                                               24, 23, 22, 21, 20, 19};
    return write_unwind_table(
        out, begin, size,
        {.state = 24, .return_address = 30, .entry_bytes = entry_bytes, .kept = kept});
}

}  // namespace

uint32_t aarch64::stub_offset(stub which) { return stubs().offset(which); }

const shared_code &the_shared_code() {
    static const shared_code shared{stubs().bytes(), branch_reach{}.far / 4, write_table};
    return shared;
}

void generator::copy_to(std::span<std::byte> out, std::ptrdiff_t to_stubs) const {
    std::ranges::copy(e_.bytes(), out.begin());
    for (const stub_call &c : stub_calls_) {
        const int64_t distance = int64_t{to_stubs} + stub_offset(c.callee) - c.at;
        const uint32_t at = c.is_anywhere ? c.at + emitter::distance_at : c.at;
        uint32_t word = 0;
        std::memcpy(&word, &out[at], sizeof word);
        word = c.is_anywhere ? static_cast<uint32_t>(distance)
                             : branch_insn::in_code(word).with_distance(distance);
        std::memcpy(&out[at], &word, sizeof word);
    }
}

machine_features machine_features::of_host() {
    return {.lse = asmjit::CpuInfo::host().features().arm().hasLSE(), .reach = {}};
}

}  // namespace bpftime::vm::ubpf
