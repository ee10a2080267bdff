// bpftime-vm: the code that native code on x86-64 shares
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "jit.hpp"
#include "machine.hpp"
#include "unwind_table.hpp"

#include <utility>

namespace bpftime::vm::ubpf {

namespace {

using asmjit::Label;

/// Bytes between exit_stack and the stack pointer of the host's code before it called enter: six
/// registers, eight bytes that keep the stack aligned, and where to return to.
constexpr unsigned entry_bytes = 64;

class maker : public stub_maker<maker, x86::Assembler, asmjit::Arch::kX64> {
public:
    maker() { make_all(); }

private:
    friend stub_maker;

    static constexpr std::array<x86::Gp, 6> caller_saved{x86::rax, x86::rcx, x86::rdx,
                                                         x86::rsi, x86::rdi, x86::r8};

    template <typename Function>
    void call(Function *fn) {
        a_.mov(x86::rax, reinterpret_cast<uint64_t>(fn));
        a_.call(x86::rax);
    }

    /// What a call of the host does not keep.
    void put_back_own() {
        a_.mov(slice_reg, state_word(offsetof(jit_state, slice)));
        a_.mov(minus_input_reg, state_word(offsetof(jit_state, minus_input)));
    }
    void save() {
        for (const x86::Gp &r : caller_saved) a_.push(r);
    }
    void put_back() {
        for (std::size_t n = caller_saved.size(); n-- > 0;) a_.pop(caller_saved[n]);
    }
    void forget_recent() {
        static_assert(offsetof(jit_state, recent_writes) ==
                      offsetof(jit_state, recent_reads) + sizeof(access_starts));
        a_.xorps(x86::xmm0, x86::xmm0);
        for (std::size_t at = 0; at < 2 * sizeof(access_starts); at += 16)
            a_.movups(state_word(offsetof(jit_state, recent_reads) + at), x86::xmm0);
    }
    static x86::Mem word(unsigned i) { return state_word(offsetof(jit_state, words) + 8 * i); }
    void store_words() {
        a_.mov(word(0), x86::rdi);
        a_.mov(word(1), x86::rsi);
        a_.mov(word(2), x86::rdx);
        a_.mov(word(3), x86::rcx);
        a_.mov(word(4), x86::r8);
    }
    void load_words() {
        a_.mov(x86::rdi, word(0));
        a_.mov(x86::rsi, word(1));
        a_.mov(x86::rdx, word(2));
        a_.mov(x86::rcx, word(3));
        a_.mov(x86::r8, word(4));
    }

    void make_enter() {
        static constexpr std::array<x86::Gp, 6> kept{x86::rbp, x86::rbx, x86::r12,
                                                     x86::r13, x86::r14, x86::r15};
        begin(stub::enter);
        for (const x86::Gp &r : kept) a_.push(r);
        a_.sub(x86::rsp, 8);
        a_.mov(state_reg, x86::rsi);
        a_.mov(x86::rax, x86::rdi);
        a_.mov(frame_reg, x86::rdx);
        a_.mov(state_word(offsetof(jit_state, exit_stack)), x86::rsp);
        put_back_own();
        load_words();
        a_.call(x86::rax);
        a_.mov(word(0), x86::rax);
        a_.mov(state_word(offsetof(jit_state, slice)), slice_reg);
        a_.mov(x86::eax, 1);
        const Label leave = a_.newLabel();
        a_.bind(leave);
        a_.add(x86::rsp, 8);
        for (std::size_t n = kept.size(); n-- > 0;) a_.pop(kept[n]);
        a_.ret();

        begin(stub::end_run);
        a_.bind(end_run_);
        a_.mov(x86::rsp, state_word(offsetof(jit_state, exit_stack)));
        a_.xor_(x86::eax, x86::eax);
        a_.jmp(leave);
    }

    /// Leaves where the access goes in r10. Likely places first: the own frame, and the memory that
    /// was found last.
    void make_check(stub first, unsigned log_size) {
        begin(static_cast<stub>(std::to_underlying(first) + log_size));
        const auto size = static_cast<int32_t>(1U << log_size);
        const std::size_t recent = first == stub::read1 ? offsetof(jit_state, recent_reads)
                                                        : offsetof(jit_state, recent_writes);
        const Label fine = a_.newLabel();
        a_.sub(temp_reg, minus_input_reg);
        a_.mov(x86::r11, frame_reg);
        a_.sub(x86::r11, temp_reg);
        a_.sub(x86::r11, size);
        a_.cmp(x86::r11, state_word(offsetof(jit_state, frame_starts) + 8 * log_size));
        a_.jb(fine);
        a_.mov(x86::r11, temp_reg);
        a_.sub(x86::r11, state_word(offsetof(jit_state, recent_begin)));
        a_.cmp(x86::r11, state_word(recent + 8 * log_size));
        a_.jb(fine);
        ask_about_access(rt_check);
        a_.mov(temp_reg, x86::rax);
        a_.test(x86::rax, x86::rax);
        put_back();
        a_.mov(slice_reg, state_word(offsetof(jit_state, slice)));
        a_.jz(end_run_);
        a_.bind(fine);
        a_.mov(minus_input_reg, state_word(offsetof(jit_state, minus_input)));
        a_.ret(8);
    }

    /// The same with the size in r11.
    void make_group_check(stub which) {
        begin(which);
        const std::size_t recent = which == stub::read_group ? offsetof(jit_state, recent_reads)
                                                             : offsetof(jit_state, recent_writes);
        const Label elsewhere = a_.newLabel();
        const Label asks = a_.newLabel();
        const Label fine = a_.newLabel();
        a_.sub(temp_reg, state_word(offsetof(jit_state, minus_input)));
        a_.push(x86::rax);
        a_.mov(x86::rax, frame_reg);
        a_.sub(x86::rax, temp_reg);
        a_.cmp(x86::rax, x86::r11);
        a_.jb(elsewhere);
        a_.cmp(x86::rax, state_word(offsetof(jit_state, frame_starts)));
        a_.jbe(fine);
        a_.bind(elsewhere);
        a_.mov(x86::rax, temp_reg);
        a_.sub(x86::rax, state_word(offsetof(jit_state, recent_begin)));
        a_.add(x86::rax, x86::r11);
        a_.jc(asks);
        a_.cmp(x86::rax, state_word(recent));
        a_.ja(asks);
        a_.bind(fine);
        a_.pop(x86::rax);
        a_.mov(minus_input_reg, state_word(offsetof(jit_state, minus_input)));
        a_.ret(8);
        a_.bind(asks);
        a_.pop(x86::rax);
        for (unsigned r = 0; r < isa::register_count; ++r)
            a_.mov(state_word(offsetof(jit_state, registers) + 8 * r), gp64(r));
        ask_about_access(rt_check_group);
        a_.test(x86::rax, x86::rax);
        put_back();
        a_.mov(slice_reg, state_word(offsetof(jit_state, slice)));
        a_.jz(end_run_);
        a_.mov(minus_input_reg, state_word(offsetof(jit_state, minus_input)));
        a_.ret(8);
    }

    /// Calls with the address in r10 and the site on the stack; what may be in r11 is the fifth
    /// argument. The stack is aligned here, as the site and the address to return to are on it.
    template <typename Function>
    void ask_about_access(Function *fn) {
        a_.mov(state_word(offsetof(jit_state, slice)), slice_reg);
        save();
        a_.mov(x86::rdi, state_reg);
        a_.mov(x86::rsi, temp_reg);
        a_.mov(x86::edx,
               x86::dword_ptr(x86::rsp, 8 + 8 * static_cast<int32_t>(caller_saved.size())));
        a_.mov(x86::rcx, frame_reg);
        a_.mov(x86::r8, x86::r11);
        call(fn);
    }

    void make_misaligned() {
        begin(stub::misaligned);
        ask_about_access(rt_misaligned);
        a_.jmp(end_run_);
    }

    void make_refill() {
        begin(stub::refill);
        save();
        a_.mov(x86::rdi, state_reg);
        a_.mov(x86::rsi, slice_reg);
        a_.mov(x86::edx, temp_reg.r32());
        a_.mov(x86::ecx,
               x86::dword_ptr(x86::rsp, 8 + 8 * static_cast<int32_t>(caller_saved.size())));
        call(rt_refill);
        a_.mov(slice_reg, x86::rax);
        a_.test(x86::rax, x86::rax);
        put_back();
        a_.mov(minus_input_reg, state_word(offsetof(jit_state, minus_input)));
        a_.js(end_run_);
        a_.ret(8);
    }

    void make_call_direct() {
        begin(stub::call_direct);
        a_.sub(x86::rsp, 8);
        forget_recent();
        a_.call(temp_reg);
        a_.add(x86::rsp, 8);
        put_back_own();
        a_.ret();
    }

    /// Calls the host with state, r10, pc and frame.
    template <typename Function>
    void call_with_words(Function *fn) {
        a_.mov(state_word(offsetof(jit_state, slice)), slice_reg);
        store_words();
        a_.sub(x86::rsp, 8);
        a_.mov(x86::rdi, state_reg);
        a_.mov(x86::rsi, temp_reg);
        a_.mov(x86::edx, x86::eax);
        a_.mov(x86::rcx, frame_reg);
        call(fn);
        a_.add(x86::rsp, 8);
    }

    /// What rt_call_helper() and rt_load_packet() give.
    void go_on_after_call() {
        static_assert(std::to_underlying(compat::after_call::ends) == 0);
        a_.test(x86::eax, x86::eax);
        a_.jz(end_run_);
        a_.cmp(x86::eax, std::to_underlying(compat::after_call::returns));
        put_back_own();
        a_.mov(x86::rax, word(0));
        a_.ret();
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
        a_.cmp(x86::rax, 1);
        a_.jb(end_run_);
        put_back_own();
        a_.je(called);
        load_words();
        a_.jmp(x86::rax);
        a_.bind(called);
        a_.mov(x86::rax, word(0));
        a_.ret();
    }

    void make_jump_value() {
        begin(stub::jump_value);
        a_.mov(state_word(offsetof(jit_state, slice)), slice_reg);
        save();
        a_.sub(x86::rsp, 8);
        a_.mov(x86::rdi, state_reg);
        a_.mov(x86::rsi, temp_reg);
        a_.mov(x86::edx,
               x86::dword_ptr(x86::rsp, 8 + 8 * static_cast<int32_t>(caller_saved.size())));
        call(rt_jump_value);
        a_.add(x86::rsp, 8);
        a_.mov(temp_reg, x86::rax);
        put_back();
        a_.add(x86::rsp, 8);
        put_back_own();
        a_.test(temp_reg, temp_reg);
        a_.jz(end_run_);
        a_.jmp(temp_reg);
    }

    void make_too_deep() {
        begin(stub::too_deep);
        a_.mov(x86::rdi, state_reg);
        a_.mov(x86::esi, x86::eax);
        call(rt_too_deep);
        a_.jmp(end_run_);
    }

    void make_unwind() {
        begin(stub::unwind);
        a_.mov(x86::rdi, state_reg);
        call(rt_unwind);
        a_.jmp(end_run_);
    }

    void make_zero_frame() {
        begin(stub::zero_frame);
        const Label by64 = a_.newLabel();
        const Label by16 = a_.newLabel();
        const auto clear = [&](int32_t at) {
            a_.movaps(x86::ptr(frame_reg, temp_reg, 0, at), x86::xmm0);
        };
        a_.xorps(x86::xmm0, x86::xmm0);
        a_.test(temp_reg.r32(), 63);
        a_.jz(by64);
        a_.bind(by16);
        clear(0);
        a_.add(temp_reg, 16);
        a_.jnz(by16);
        a_.ret();
        a_.bind(by64);
        for (int32_t at = 0; at < 64; at += 16) clear(at);
        a_.add(temp_reg, 64);
        a_.jnz(by64);
        a_.ret();
    }
};

const maker &stubs() {
    static const auto &made = *new maker;
    return made;
}

// --- exceptions of helpers

std::size_t write_table(std::span<std::byte> out, const std::byte *begin, std::size_t size) {
    enum : uint8_t { rbx = 3, rbp = 6, r12 = 12, r13, r14, r15, return_address };
    static constexpr std::array<uint8_t, 7> kept{return_address, rbp, rbx, r12, r13, r14, r15};
    return write_unwind_table(
        out, begin, size,
        {.state = r13, .return_address = return_address, .entry_bytes = entry_bytes, .kept = kept});
}

}  // namespace

uint32_t stub_offset(stub which) { return stubs().offset(which); }

const shared_code &the_shared_code() {
    static const shared_code shared{stubs().bytes(), std::size_t{1} << 30, write_table};
    return shared;
}

}  // namespace bpftime::vm::ubpf
