// bpftime-vm: eBPF to AArch64, in one pass
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "emitter.hpp"
#include "one_pass.hpp"
#include "open_branches.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bpftime::vm::ubpf::inline aarch64 {

/// What code is generated for.
struct machine_features {
    bool lse = false;  ///< atomics in one instruction, else in loops
    branch_reach reach;

    [[nodiscard]] static machine_features of_host();
};

/// A call of a stub or a jump to it, whose distance is known when the code has its place.
struct stub_call {
    uint32_t at;
    stub callee;
    bool is_anywhere;  ///< a jump_anywhere(), else a branch
};

/// Makes the code of one program. To be used for many: it keeps its memory.
class generator : one_pass<generator> {
public:
    /// Puts code into the emitter, and tells where things are in it. `program`: for the native
    /// entry point; null: without one.
    [[nodiscard]] bool generate(const compat::build_input &input, machine_features machine,
                                const native_program *program, native_code &out);

    [[nodiscard]] emitter &code() noexcept { return e_; }
    /// What the last generate() made, where it can run: `to_stubs` bytes before the arena's code.
    void copy_to(std::span<std::byte> out, std::ptrdiff_t to_stubs) const;

private:
    friend one_pass<generator>;
    using opcodes = machine_opcodes;

    static constexpr uint32_t no_pc = UINT32_MAX;
    static constexpr isa::instruction no_copy{.dst = isa::register_count};

    /// Out of line, behind the function: what rarely happens.
    struct slow_path {
        enum class what : uint8_t {
            check,
            frame_check,
            misaligned,
            go_back,
            refill,
            bad_value,
            too_deep,
            unwind
        };
        what kind;
        uint32_t back;   ///< where it goes on
        uint32_t site;   ///< access_site, or pc
        uint32_t units;  ///< of go_back or a refill
        uint32_t at;     ///< where it is itself
        access_check check;
    };

    /// The table of a gotox, right behind it.
    struct jump_table {
        uint32_t at;
        uint32_t pc;
        uint32_t first;  ///< the first slot that it is for
        uint32_t count;  ///< of slots
        /// What becomes of values that are none of theirs; the next ones are its jumps backwards,
        /// which are charged.
        uint32_t slow_path;
    };

    /// Where an access goes.
    struct place {
        a64::Gp base;
        int32_t offset;
    };

    bool generate_function(const vm::function &f, uint32_t &offset);
    static void place_block(uint32_t) noexcept {}
    void begin_instruction(uint32_t pc) {
        keep_in_reach();
        offsets_[pc] = e_.offset();
        begun_pc_ = pc;
    }
    uint32_t generate_together(uint32_t pc, uint32_t end);
    void enter_function(const vm::function &f);
    /// Where the tries of may_goto are.
    [[nodiscard]] a64::Mem tries() const noexcept {
        return a64::ptr(a64::sp, 8 * static_cast<int32_t>(saved_.size()));
    }
    void zero_frame();
    void leave();
    bool finish_function();
    void finish(const slow_path &s);
    void finish_frame_check(const slow_path &s);
    void finish_misaligned(const slow_path &s);
    void make_entry(const native_program *program);

    void go(branch_insn b, branch_target target);
    void go_to(branch_insn b, uint32_t offset);
    /// Branches that wait can do so for `bytes` more.
    void keep_in_reach(uint32_t bytes = 0) {
        if (e_.offset() + bytes >= branches_.island_at()) make_island(bytes);
    }
    [[nodiscard]] uint32_t jump_anywhere(branch_insn b);
    void make_island(uint32_t bytes = 0);
    [[nodiscard]] bool is_known(branch_target target) const noexcept;
    [[nodiscard]] uint32_t place_of(branch_target target) const noexcept;
    void close(const open_branches::open &b);
    void go_to_stub(branch_insn b, stub which);
    void call(stub which) { go_to_stub(branch_insn::call(), which); }
    void jump_to(stub which) { go_to_stub(branch_insn::always(), which); }

    void alu(uint32_t pc, Inst::Id id);
    void alu_imm(Inst::Id id, const a64::Gp &dst, const a64::Gp &from, int32_t imm);
    void move(uint32_t pc);
    void cast_into_arena(uint32_t pc);
    void multiply(uint32_t pc);
    void multiply_by(const a64::Gp &dst, const a64::Gp &n, uint64_t value);
    void shift(uint32_t pc, Inst::Id id);
    void divide(uint32_t pc, bool is_signed, bool is_division);
    void keep_or_zero(const a64::Gp &n, bool keeps);
    void take_rest(const a64::Gp &n, const a64::Gp &quotient, uint64_t divisor);
    void divide_unsigned(const a64::Gp &n, uint64_t divisor, bool is_division);
    void divide_by_product(const a64::Gp &quotient, const a64::Gp &n, uint64_t divisor);
    void divide_signed(const a64::Gp &n, int32_t divisor, bool is_division);
    void divide_signed_by_shift(const a64::Gp &quotient, const a64::Gp &n, int32_t divisor,
                                unsigned log);
    void divide_signed_by_product(const a64::Gp &quotient, const a64::Gp &n, int32_t divisor);
    void convert(uint32_t pc);
    void swap_bytes(const a64::Gp &dst, isa::width w);

    void branch(uint32_t pc);
    [[nodiscard]] bool joins_next(uint32_t pc) const;
    void join_next(uint32_t pc);
    void may_goto(uint32_t pc);
    void jump(uint32_t pc, uint32_t target);
    void jump_if(branch_insn b, uint32_t pc, uint32_t target);
    void go_back(uint32_t pc, uint32_t target);
    void jump_through_host(uint32_t pc);
    void jump_by_table(uint32_t pc, uint32_t first, uint32_t count);
    void fill(const jump_table &t);
    [[nodiscard]] branch_insn compare(uint32_t pc);
    void compare_with(const a64::Gp &reg, uint64_t value);
    [[nodiscard]] branch_insn test_bits(const a64::Gp &reg, uint64_t bits);

    void call_local(uint32_t pc);
    void call_directly(const compat::helper_binding &helper);
    void call_for(uint32_t pc, stub which);
    void leave_if_equal();
    void unwind_if_zero(uint32_t pc);
    void set_temp(uint64_t value) { e_.move(temp_reg, value); }
    void set_temp_to(unsigned reg) { e_.op(Inst::kIdMov, temp_reg, gp64(reg)); }
    void set_temp_to_offset(uint32_t pc);
    void charge(uint32_t units);

    [[nodiscard]] place access(uint32_t pc, unsigned base, permission wanted, bool atomic);
    [[nodiscard]] a64::Mem operand(const place &at, uint32_t size);
    [[nodiscard]] a64::Gp address(const place &at);
    void check(const access_check &c);
    void compare_with_starts(const access_check &c);
    void check_in_frame(const access_check &c);
    void ask_about(const access_check &c);
    void check_alignment(uint32_t pc, unsigned base, permission wanted);
    void bar_speculation();
    void address_in_input(unsigned base, int32_t offset);
    void load(uint32_t pc);
    void store(uint32_t pc);
    void atomic(uint32_t pc);
    void load_acquire(uint32_t pc);
    void store_release(uint32_t pc);
    void modify_at_once(isa::operation op, const a64::Gp &at, const a64::Gp &src);
    void modify_in_loop(isa::operation op, const a64::Gp &at, const a64::Gp &src);
    void compare_exchange(const a64::Gp &at, const a64::Gp &expected, const a64::Gp &src);

    /// The register as an operand: after a copy that is yet to be made, what it copies.
    [[nodiscard]] a64::Gp source(bool wide, unsigned reg) const noexcept {
        return gp(wide, reg == copied_.dst ? copied_.src : reg);
    }
    void set_constant(unsigned reg, uint64_t value) { e_.move(gp64(reg), value); }
    void zero(unsigned reg) { set_constant(reg, 0); }
    void add_slow_path(slow_path::what kind, branch_insn b, uint32_t site,
                       const access_check &check = {});

    emitter e_;
    machine_features machine_;
    isa::instruction copied_ = no_copy;  ///< is made with the instruction after it
    uint32_t joined_pc_ = no_pc;         ///< the branch there was made with the one before it
    // of the function:
    std::vector<a64::Gp> saved_;  ///< what it has on the stack
    int32_t saved_bytes_ = 0;     ///< what that takes, with what follows it
    uint32_t begun_pc_ = 0;       ///< the code of what is before it is there
    uint32_t finished_ = 0;       ///< so many slow paths are there
    std::vector<slow_path> slow_paths_;
    std::vector<jump_table> tables_;
    // of the program:
    const native_code *out_ = nullptr;
    open_branches branches_;
    std::vector<stub_call> stub_calls_;
};

}  // namespace bpftime::vm::ubpf::inline aarch64
