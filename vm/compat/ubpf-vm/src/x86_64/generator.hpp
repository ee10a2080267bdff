// bpftime-vm: eBPF to x86-64, in one pass
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "emitter.hpp"
#include "one_pass.hpp"

#include <cstdint>
#include <vector>

namespace bpftime::vm::ubpf {

/// What code is generated for.
struct machine_features {
    bool bmi2 = false;  ///< shifts by any register, products in any registers

    [[nodiscard]] static machine_features of_host();
};

/// A call of a stub, whose distance is known when the code has its place.
struct stub_call {
    uint32_t at;
    stub callee;
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

    /// Out of line, behind the function: what rarely happens.
    struct slow_path {
        enum class what : uint8_t { check, frame_check, misaligned, refill, too_deep, unwind };
        what kind;
        stub callee;     ///< of a check
        open_jump from;  ///< what comes here
        uint32_t back;   ///< where it goes on
        uint32_t site;   ///< access_site, or pc
        uint32_t units;  ///< of a refill
    };
    struct pc_jump {
        open_jump jump;
        uint32_t target;
    };
    struct function_call {
        open_jump jump;
        uint32_t callee;
    };

    bool try_generate(const native_program *program, native_code &out);
    bool generate_function(const vm::function &f, uint32_t &offset);
    void begin_instruction(uint32_t pc) noexcept { offsets_[pc] = e_.offset(); }
    static uint32_t generate_together(uint32_t, uint32_t) noexcept { return 0; }
    void enter_function();
    void zero_frame();
    void leave();
    bool finish_function();
    void finish(const slow_path &s);
    void finish_frame_check(const slow_path &s);
    void make_entry(const native_program *program);

    void alu(uint32_t pc, x86::Inst::Id id);
    void move(uint32_t pc);
    void cast_into_arena(uint32_t pc);
    void multiply(uint32_t pc);
    void shift(uint32_t pc, shift_opcodes ids);
    void shift_by_cl(x86::Inst::Id id, bool wide, unsigned dst, unsigned src);
    void divide(uint32_t pc, bool is_signed, bool is_division);
    void divide_by_register(bool wide, unsigned dst, const x86::Gp &divisor, bool is_signed,
                            bool is_division);
    void divide_unsigned(bool wide, unsigned dst, int32_t imm, bool is_division);
    void divide_signed(bool wide, unsigned dst, int32_t imm, bool is_division);
    void signed_quotient(const x86::Gp &n, int64_t divisor);
    void high_product(const x86::Gp &factor, uint64_t by, bool is_signed);
    void convert(uint32_t pc);
    void swap_bytes(unsigned dst, isa::width w);

    void branch(uint32_t pc);
    [[nodiscard]] condition compare(uint32_t pc);
    void may_goto(uint32_t pc);
    void jump(uint32_t pc, uint32_t target);
    void jump_if(condition c, uint32_t pc, uint32_t target);
    void go_back(uint32_t pc, uint32_t target);
    void jump_value(uint32_t pc);
    [[nodiscard]] bool is_near(uint32_t pc, uint32_t target) const;

    void call_local(uint32_t pc);
    void call_value(uint32_t pc);
    void call_helper(uint32_t pc);
    void call_directly(const compat::helper_binding &helper);
    void call_through_host(uint32_t pc, const compat::helper_binding &helper);
    void after_call(uint32_t pc);
    void load_packet(uint32_t pc);
    void call(stub which);
    void jump_to(stub which);
    void leave_if_equal();

    [[nodiscard]] x86::Mem access(uint32_t pc, unsigned base, permission wanted, bool atomic);
    [[nodiscard]] x86::Mem access_with_arena(uint32_t pc, unsigned base, permission wanted,
                                             bool atomic);
    void check(uint32_t pc, unsigned base, permission wanted);
    void check_in_frame(uint32_t pc, unsigned base, permission wanted);
    void check_alignment(uint32_t pc, unsigned base, permission wanted);
    void load(uint32_t pc);
    void store(uint32_t pc);
    void atomic(uint32_t pc);
    void atomic_fetch(uint32_t pc, x86::Inst::Id id);
    void exchange(uint32_t pc);
    void compare_exchange(uint32_t pc);

    void set_constant(unsigned reg, uint64_t value);
    void zero(unsigned reg);
    open_jump add_slow_path(slow_path::what kind, condition c, uint32_t site, stub callee = {});

    emitter e_;
    machine_features machine_;
    bool short_jumps_ = true;
    // of the function:
    unsigned stack_words_ = 0;  ///< below the saved registers
    std::vector<slow_path> slow_paths_;
    std::vector<pc_jump> jumps_;
    // of the program:
    std::vector<function_call> calls_;
    std::vector<stub_call> stub_calls_;
};

}  // namespace bpftime::vm::ubpf
