// bpftime-vm: eBPF to x86-64, in one pass
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compat/blinding_keys.hpp"
#include "emitter.hpp"
#include "one_pass.hpp"

#include <cstdint>
#include <optional>
#include <span>
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
        enum class what : uint8_t {
            check,
            frame_check,
            misaligned,
            go_back,
            refill,
            too_deep,
            unwind
        };
        what kind;
        open_jump from;  ///< what comes here
        uint32_t back;   ///< where it goes on
        uint32_t site;   ///< access_site, or pc
        uint32_t units;  ///< of go_back or a refill
        access_check check;
    };
    struct pc_jump {
        open_jump jump;
        uint32_t target;
    };
    /// A gotox: behind the function is where it goes.
    struct table_jump {
        uint32_t pc;
        uint32_t first;   ///< the first slot that the table is for
        uint32_t count;   ///< of slots
        open_jump bad;    ///< what jumps when the value is none of theirs
        open_jump table;  ///< where the table's address is needed
    };
    struct function_call {
        open_jump jump;
        uint32_t callee;
    };

    bool try_generate(const native_program *program, native_code &out);
    bool generate_function(const vm::function &f, uint32_t &offset);
    void place_block(uint32_t pc);
    static void begin_instruction(uint32_t) noexcept {}
    uint32_t generate_together(uint32_t pc, uint32_t end);
    void enter_function();
    void zero_frame();
    void leave();
    bool finish_function();
    void finish(const slow_path &s);
    void finish_frame_check(const slow_path &s);
    void make_entry(const native_program *program);

    void alu(uint32_t pc, x86::Inst::Id id);
    void move(uint32_t pc);
    bool operate_on_copy(uint32_t pc);
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
    [[nodiscard]] bool has_zero_flag(uint32_t pc) const;
    void may_goto(uint32_t pc);
    void jump(uint32_t pc, uint32_t target);
    void jump_if(condition c, uint32_t pc, uint32_t target);
    void go_back(uint32_t pc, uint32_t target);
    void jump_through_host(uint32_t pc);
    void jump_by_table(uint32_t pc, uint32_t first, uint32_t count);
    void finish(const table_jump &j);
    [[nodiscard]] bool is_near(uint32_t pc, uint32_t target) const;

    void call_local(uint32_t pc);
    void call_directly(const compat::helper_binding &helper);
    void call_for(uint32_t pc, stub which);
    void call(stub which);
    void jump_to(stub which);
    void leave_if_equal();
    void unwind_if_zero(uint32_t pc);
    void set_temp(uint64_t value) { e_.op(Inst::kIdMov, temp_reg, asmjit::imm(value)); }
    void set_temp_to(unsigned reg) { e_.op(Inst::kIdMov, temp_reg, gp64(reg)); }
    void set_temp_to_offset(uint32_t pc);

    [[nodiscard]] x86::Mem access(uint32_t pc, unsigned base, permission wanted, bool atomic);
    [[nodiscard]] x86::Mem access_with_arena(uint32_t pc, unsigned base, permission wanted,
                                             bool atomic);
    void check(const access_check &c);
    void check_in_frame(const access_check &c);
    void ask_about(const access_check &c);
    void check_alignment(uint32_t pc, unsigned base, permission wanted);
    void load(uint32_t pc);
    bool load_from_sum(uint32_t pc, unsigned base);
    void load_from(uint32_t pc, const x86::Mem &from);
    void store(uint32_t pc);
    void store_hidden(const x86::Mem &to, isa::width w, int32_t value);
    void atomic(uint32_t pc);
    void atomic_fetch(uint32_t pc, x86::Inst::Id id);
    void exchange(uint32_t pc);
    void compare_exchange(uint32_t pc);

    void set_constant(unsigned reg, uint64_t value);
    [[nodiscard]] bool hides(const isa::instruction &i) const noexcept;
    void set_hidden(const x86::Gp &reg, int32_t value);
    [[nodiscard]] x86::Gp hidden(bool wide, int32_t value);
    void zero(unsigned reg);
    open_jump add_slow_path(slow_path::what kind, condition c, uint32_t site,
                            const access_check &check = {});

    emitter e_;
    machine_features machine_;
    bool short_jumps_ = true;
    /// What hides constants; none: they are not hidden.
    std::optional<compat::blinding_keys> keys_;
    // of the function:
    unsigned stack_words_ = 0;  ///< below the saved registers
    static constexpr uint32_t no_pc = UINT32_MAX;
    /// Where the machine's zero flag tells of the result of the instruction before.
    uint32_t zero_flag_at_ = no_pc;
    std::vector<slow_path> slow_paths_;
    std::vector<pc_jump> jumps_;
    std::vector<table_jump> table_jumps_;
    // of the program:
    std::vector<function_call> calls_;
    std::vector<stub_call> stub_calls_;
};

}  // namespace bpftime::vm::ubpf
