// bpftime-vm: generators of fixed eBPF programs of any size
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "generators.hpp"

#include "encoder.hpp"
#include "fixed_random.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <stdexcept>
#include <string>

namespace bpftime::vm::benchmark {
namespace {

constexpr std::uint8_t frame = 10;

void require_size(std::string_view name, std::size_t n) {
    if (n < min_generated_instructions) {
        throw std::invalid_argument(std::string(name) + ": " + std::to_string(n) +
                                    " instructions are too few; ask for at least " +
                                    std::to_string(min_generated_instructions));
    }
}

/// Chooses what a generator emits next. Each member makes its choices one after the other, because
/// the order in which a compiler evaluates arguments is not fixed.
class chooser {
public:
    explicit chooser(std::uint64_t seed) : random_(seed) {}

    std::uint64_t below(std::uint64_t limit) { return random_.below(limit); }
    std::size_t between(std::size_t low, std::size_t high) { return low + below(high - low + 1); }
    bool one_in(std::uint64_t chance) { return below(chance) == 0; }
    std::uint8_t reg(std::uint8_t count) { return static_cast<std::uint8_t>(below(count)); }
    std::int32_t imm() { return static_cast<std::int32_t>(random_.next() >> 32); }
    std::int32_t odd_imm() { return imm() | 1; }
    width any_width() { return one_in(2) ? width::w32 : width::w64; }
    access any_access() { return static_cast<access>(below(4)); }

private:
    fixed_random random_;
};

/// Loads r0 to r9 from the input; r1 comes last, since it holds the address.
void load_registers(encoder &code) {
    constexpr std::array<std::uint8_t, 10> order{0, 2, 3, 4, 5, 6, 7, 8, 9, 1};
    for (const std::uint8_t reg : order) {
        code.load(access::dword, reg, 1, static_cast<std::int16_t>(8 * reg));
    }
}

/// Folds r1 up to the last register into r0 and returns.
void fold_and_exit(encoder &code, std::uint8_t last) {
    for (std::uint8_t reg = 1; reg <= last; reg++) {
        code.alu_imm(alu::mul, width::w64, 0, 31);
        code.alu_reg(alu::xor_, width::w64, 0, reg);
    }
    code.exit();
}

constexpr std::size_t fold_size(std::uint8_t last) { return 2U * last + 1; }

// --- single instructions
// ---------------------------------------------------------------------------

void emit_shift(encoder &code, chooser &choose, std::uint8_t dst, std::uint8_t registers) {
    constexpr std::array shifts{alu::lsh, alu::rsh, alu::arsh};
    const alu op = shifts[choose.below(shifts.size())];
    const width w = choose.any_width();
    if (choose.one_in(2)) {
        code.alu_reg(op, w, dst, choose.reg(registers));
    } else {
        code.alu_imm(op, w, dst,
                     static_cast<std::int32_t>(choose.below(w == width::w32 ? 32 : 64)));
    }
}

/// div, mod, and with offset 1 their signed forms.
void emit_division(encoder &code, chooser &choose, std::uint8_t dst, std::uint8_t registers) {
    const alu op = choose.one_in(2) ? alu::div : alu::mod;
    const width w = choose.any_width();
    const std::int16_t is_signed = choose.one_in(2) ? 1 : 0;
    if (choose.one_in(2)) {
        code.alu_reg(op, w, dst, choose.reg(registers), is_signed);
    } else {
        code.alu_imm(op, w, dst, choose.odd_imm(), is_signed);
    }
}

void emit_swap(encoder &code, chooser &choose, std::uint8_t dst) {
    const auto bits = static_cast<std::int32_t>(16U << choose.below(3));
    const std::uint64_t kind = choose.below(3);
    code.swap(kind == 2 ? width::w64 : width::w32, kind == 1, dst, bits);
}

void emit_sign_extension(encoder &code, chooser &choose, std::uint8_t dst, std::uint8_t registers) {
    const width w = choose.any_width();
    const auto bits = static_cast<std::int16_t>(8U << choose.below(w == width::w64 ? 3 : 2));
    code.alu_reg(alu::mov, w, dst, choose.reg(registers), bits);
}

/// One ALU instruction on r0 up to the given number of registers.
void emit_alu(encoder &code, chooser &choose, std::uint8_t registers) {
    constexpr std::array plain{alu::add,  alu::sub,  alu::mul, alu::or_,
                               alu::and_, alu::xor_, alu::mov};
    const std::uint8_t dst = choose.reg(registers);
    if (choose.one_in(32)) {
        return emit_division(code, choose, dst, registers);
    }
    const std::uint64_t kind = choose.below(13);
    if (kind < plain.size()) {
        const width w = choose.any_width();
        return choose.one_in(2) ? code.alu_imm(plain[kind], w, dst, choose.imm())
                                : code.alu_reg(plain[kind], w, dst, choose.reg(registers));
    }
    switch (kind) {
    case 7: return code.alu_imm(alu::neg, choose.any_width(), dst, 0);
    case 8: return emit_swap(code, choose, dst);
    case 9: return emit_sign_extension(code, choose, dst, registers);
    default: return emit_shift(code, choose, dst, registers);
    }
}

/// A cheap instruction that keeps its operands' entropy, for the shapes in which ALU work is
/// filler.
void emit_filler(encoder &code, chooser &choose, std::uint8_t registers) {
    const std::uint8_t dst = choose.reg(registers);
    const std::uint8_t src = choose.reg(registers);
    const width w = choose.any_width();
    switch (choose.below(5)) {
    case 0: return code.alu_reg(alu::add, width::w64, dst, src);
    case 1: return code.alu_reg(alu::xor_, w, dst, src);
    case 2: return code.alu_imm(alu::add, w, dst, choose.imm());
    case 3: return code.alu_imm(alu::mul, width::w64, dst, choose.odd_imm());
    default: return code.alu_reg(alu::sub, width::w64, dst, src);
    }
}

void emit_filler(encoder &code, chooser &choose, std::uint8_t registers, std::size_t count) {
    for (std::size_t i = 0; i < count; i++) {
        emit_filler(code, choose, registers);
    }
}

// --- straight lines
// --------------------------------------------------------------------------------

void emit_cycle_step(encoder &code, std::size_t step, std::int32_t factor, std::int32_t shift) {
    switch (step) {
    case 0: return code.alu_reg(alu::add, width::w64, 2, 3);
    case 1: return code.alu_reg(alu::xor_, width::w64, 4, 2);
    case 2: return code.alu_imm(alu::mul, width::w32, 5, factor);
    case 3: return code.alu_reg(alu::xor_, width::w64, 3, 5);
    case 4: return code.alu_reg(alu::sub, width::w64, 6, 4);
    case 5: return code.mov(7, 6);
    case 6: return code.alu_imm(alu::rsh, width::w64, 7, shift);
    default: return code.alu_reg(alu::add, width::w32, 5, 7);
    }
}

std::vector<std::uint8_t> straight_repeating(std::size_t n, std::uint64_t seed) {
    return straight_line(n, seed, pattern::repeating);
}

std::vector<std::uint8_t> straight_random(std::size_t n, std::uint64_t seed) {
    return straight_line(n, seed, pattern::random);
}

// --- branches
// --------------------------------------------------------------------------------------

/// A conditional jump over `distance` instructions.
void emit_branch(encoder &code, chooser &choose, std::uint8_t registers, std::size_t distance) {
    constexpr std::array conditions{jump::eq,  jump::gt, jump::ge, jump::set, jump::ne, jump::sgt,
                                    jump::sge, jump::lt, jump::le, jump::slt, jump::sle};
    const jump on = conditions[choose.below(conditions.size())];
    const width w = choose.any_width();
    const std::uint8_t dst = choose.reg(registers);
    if (choose.one_in(2)) {
        code.jump_reg(on, w, dst, choose.reg(registers), distance);
    } else {
        code.jump_imm(on, w, dst, choose.imm(), distance);
    }
}

/// A condition with one arm, or with two; at most 16 instructions.
void emit_condition(encoder &code, chooser &choose, std::uint8_t registers) {
    emit_filler(code, choose, registers, choose.between(1, 4));
    const std::size_t taken = choose.between(1, 5);
    if (choose.one_in(2)) {
        emit_branch(code, choose, registers, taken);
        return emit_filler(code, choose, registers, taken);
    }
    const std::size_t other = choose.between(1, 5);
    emit_branch(code, choose, registers, taken + 1);
    emit_filler(code, choose, registers, taken);
    code.jump_over(other);
    emit_filler(code, choose, registers, other);
}

// --- memory
// ----------------------------------------------------------------------------------------

constexpr std::uint8_t input_reg = 9;
constexpr std::uint8_t memory_registers = 9;
constexpr std::size_t stack_bytes = 128;
constexpr std::size_t half_input = generated_input_size / 2;

std::int16_t aligned_offset(chooser &choose, access size, std::size_t bytes) {
    return static_cast<std::int16_t>(choose.below(bytes / bytes_of(size)) * bytes_of(size));
}

std::int16_t stack_offset(chooser &choose, access size) {
    const auto from_bottom = aligned_offset(choose, size, stack_bytes);
    return static_cast<std::int16_t>(from_bottom - static_cast<std::int16_t>(stack_bytes));
}

void emit_load(encoder &code, chooser &choose) {
    const std::uint8_t dst = choose.reg(memory_registers);
    const access size = choose.any_access();
    const bool on_stack = choose.one_in(2);
    const std::uint8_t base = on_stack ? frame : input_reg;
    const std::int16_t offset =
        on_stack ? stack_offset(choose, size) : aligned_offset(choose, size, half_input);
    if (size != access::dword && choose.one_in(4)) {
        return code.load_signed(size, dst, base, offset);
    }
    code.load(size, dst, base, offset);
}

void emit_store(encoder &code, chooser &choose) {
    const access size = choose.any_access();
    const bool on_stack = choose.one_in(2);
    const std::uint8_t base = on_stack ? frame : input_reg;
    const auto above = static_cast<std::int16_t>(on_stack ? 0 : half_input);
    const std::int16_t within =
        on_stack ? stack_offset(choose, size) : aligned_offset(choose, size, half_input);
    const auto offset = static_cast<std::int16_t>(within + above);
    if (choose.one_in(3)) {
        return code.store_imm(size, base, offset, choose.imm());
    }
    code.store(size, base, offset, choose.reg(memory_registers));
}

/// A load whose offset is computed: four instructions. The address never survives them.
void emit_computed_load(encoder &code, chooser &choose) {
    const std::uint8_t reg = choose.reg(memory_registers);
    const access size = choose.any_access();
    code.mov(reg, choose.reg(memory_registers));
    const std::size_t mask = half_input - bytes_of(size);
    code.alu_imm(alu::and_, width::w64, reg, static_cast<std::int32_t>(mask));
    code.alu_reg(alu::add, width::w64, reg, input_reg);
    code.load(size, reg, reg, 0);
}

/// At most four instructions.
void emit_memory_work(encoder &code, chooser &choose) {
    switch (choose.below(8)) {
    case 0:
    case 1: return emit_load(code, choose);
    case 2:
    case 3: return emit_store(code, choose);
    case 4: return emit_computed_load(code, choose);
    default: return emit_filler(code, choose, memory_registers);
    }
}

// --- functions
// -------------------------------------------------------------------------------------

constexpr std::size_t max_frames = 8;
constexpr std::size_t call_size = 4;
constexpr std::size_t function_overhead = 6;
constexpr std::size_t entry_overhead = 5;

struct planned_function {
    std::size_t filler;
    std::vector<std::size_t> callees;
    std::size_t start = 0;

    [[nodiscard]] std::size_t size() const {
        return function_overhead + filler + call_size * callees.size();
    }
};

/// A tree of functions in preorder; number 0 is the entry. The functions' sizes add up to n.
std::vector<planned_function> plan_functions(std::size_t n, chooser &choose) {
    constexpr std::size_t largest = function_overhead + 24 + call_size;
    std::vector<planned_function> functions(1);
    std::vector<std::size_t> path{0};
    std::size_t total = entry_overhead;
    while (total + largest <= n) {
        const std::size_t depth = choose.between(1, std::min(path.size(), max_frames - 1));
        path.resize(depth);
        functions[path.back()].callees.push_back(functions.size());
        path.push_back(functions.size());
        functions.push_back({choose.between(4, 24), {}});
        total += functions.back().size() + call_size;
    }
    functions.back().filler += n - total;
    std::size_t start = entry_overhead + call_size * functions[0].callees.size();
    for (auto &function : std::span(functions).subspan(1)) {
        function.start = start;
        start += function.size();
    }
    return functions;
}

/// Four instructions: calls with r6 and r7, and folds the result into both.
void emit_calls(encoder &code, const std::vector<planned_function> &functions,
                const planned_function &caller, std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; i++) {
        code.mov(1, 6);
        code.mov(2, 7);
        code.call(functions[caller.callees[i]].start);
        code.alu_reg((i & 1) == 0 ? alu::xor_ : alu::add, width::w64, (i & 1) == 0 ? 6 : 7, 0);
    }
}

/// Fillers of a function: they work on r6 and r7, which outlive its calls.
void emit_local_filler(encoder &code, chooser &choose, std::size_t count) {
    for (std::size_t i = 0; i < count; i++) {
        const auto dst = static_cast<std::uint8_t>(6 + choose.below(2));
        const auto src = static_cast<std::uint8_t>(13 - dst);
        switch (choose.below(4)) {
        case 0: code.alu_reg(alu::add, width::w64, dst, src); break;
        case 1: code.alu_reg(alu::xor_, width::w64, dst, src); break;
        case 2: code.alu_imm(alu::mul, width::w64, dst, choose.odd_imm()); break;
        default: code.alu_imm(alu::add, width::w64, dst, choose.imm()); break;
        }
    }
}

void emit_function(encoder &code, chooser &choose, const std::vector<planned_function> &functions,
                   const planned_function &function) {
    code.mov(6, 1);
    code.mov(7, 2);
    const std::size_t before = function.filler / 2;
    emit_local_filler(code, choose, before);
    code.store(access::dword, frame, -8, 7);
    emit_calls(code, functions, function, 0, function.callees.size());
    emit_local_filler(code, choose, function.filler - before);
    code.load(access::dword, 0, frame, -8);
    code.alu_reg(alu::add, width::w64, 0, 6);
    code.exit();
}

// --- tables
// ----------------------------------------------------------------------------------------

constexpr std::array generator_table{
    generator{"straight_repeating", straight_repeating},
    generator{"straight_random", straight_random},
    generator{"branchy", branchy},
    generator{"with_loads", with_loads},
    generator{"many_functions", many_functions},
};

constexpr std::array golden_table{
    golden_checksum{"straight_repeating", 100, 1, 0x0d72cfbb0f8bee4aU, 0x8990719c81a5ed34U,
                    0xb194111d060d1d65U},
    golden_checksum{"straight_repeating", 1000, 1, 0x55c31e5d38000debU, 0x554ad40395562a73U,
                    0xb194111d060d1d65U},
    golden_checksum{"straight_repeating", 1000, 2, 0xc426c0d964a8f20cU, 0x4ff56833ad8a8130U,
                    0xb194111d060d1d65U},
    golden_checksum{"straight_repeating", 4099, 3, 0xcfbde6ec47ff69adU, 0x39b9c32de032d00aU,
                    0xb194111d060d1d65U},
    golden_checksum{"straight_repeating", 10000, 1, 0x468dbce89277b0faU, 0xe81916f3cd80a100U,
                    0xb194111d060d1d65U},
    golden_checksum{"straight_repeating", 60000, 1, 0x835281b76946e892U, 0x029b30a46c097520U,
                    0xb194111d060d1d65U},
    golden_checksum{"straight_repeating", 65536, 4, 0x66c517cff9050c26U, 0x30c8ec2927f385a5U,
                    0xb194111d060d1d65U},
    golden_checksum{"straight_repeating", 1000000, 1, 0x15754f4d92b86082U, 0xaaed118d8c4b7fceU,
                    0xb194111d060d1d65U},
    golden_checksum{"straight_random", 100, 1, 0xee0692c53feb319cU, 0xbe866abb9dfff3f9U,
                    0xb194111d060d1d65U},
    golden_checksum{"straight_random", 1000, 1, 0x70d10f90f0dd8088U, 0xc812fe5c91054ae7U,
                    0xb194111d060d1d65U},
    golden_checksum{"straight_random", 1000, 2, 0x9d7b2c581c8c3c9bU, 0xd29888c446747cadU,
                    0xb194111d060d1d65U},
    golden_checksum{"straight_random", 4099, 3, 0xc39bf756fd76bc15U, 0x8ab2d2d9d1459bedU,
                    0xb194111d060d1d65U},
    golden_checksum{"straight_random", 10000, 1, 0xb337802230dce258U, 0x344660b027933540U,
                    0xb194111d060d1d65U},
    golden_checksum{"straight_random", 60000, 1, 0xd792da4171d1f906U, 0x9c144cc3ac11e995U,
                    0xb194111d060d1d65U},
    golden_checksum{"straight_random", 65536, 4, 0x6f4db4a2fd68ae0fU, 0xf69ffbdc41e0e10aU,
                    0xb194111d060d1d65U},
    golden_checksum{"straight_random", 1000000, 1, 0x9e0a38495c014a44U, 0x772e6ddb9c756939U,
                    0xb194111d060d1d65U},
    golden_checksum{"branchy", 100, 1, 0x8670ced825a326ccU, 0xec4c271175ef189dU,
                    0xb194111d060d1d65U},
    golden_checksum{"branchy", 1000, 1, 0x32719f1596707662U, 0xf6b0f04180118871U,
                    0xb194111d060d1d65U},
    golden_checksum{"branchy", 1000, 2, 0x33f8908611060460U, 0xabd295961b8c238bU,
                    0xb194111d060d1d65U},
    golden_checksum{"branchy", 4099, 3, 0x3d15b0c85b59cf67U, 0x0c7576dfeac87c7eU,
                    0xb194111d060d1d65U},
    golden_checksum{"branchy", 10000, 1, 0x252789899cf9a567U, 0x759ad7b77700b3afU,
                    0xb194111d060d1d65U},
    golden_checksum{"branchy", 60000, 1, 0xa6fc35d35fe07d4aU, 0xf6fa1bc3eafdf9feU,
                    0xb194111d060d1d65U},
    golden_checksum{"branchy", 65536, 4, 0x95faf02680be2344U, 0x304f55dd6b48471fU,
                    0xb194111d060d1d65U},
    golden_checksum{"branchy", 1000000, 1, 0xb413ed53415043baU, 0xc5772d0df137e190U,
                    0xb194111d060d1d65U},
    golden_checksum{"with_loads", 100, 1, 0x75be3ef68507e882U, 0x0040f3e60ac9f7f0U,
                    0x1db790dd38e4b4eaU},
    golden_checksum{"with_loads", 1000, 1, 0xd2455a4b073f8781U, 0xe58248a272309bffU,
                    0x93dde851afe256dfU},
    golden_checksum{"with_loads", 1000, 2, 0xbbf37ed07948868bU, 0x4046d19e36a40061U,
                    0x9a36275a85bf7cc4U},
    golden_checksum{"with_loads", 4099, 3, 0x464462572cc3ba8aU, 0x460be9995303b3f9U,
                    0x70326073712bb023U},
    golden_checksum{"with_loads", 10000, 1, 0xbacb56451c83e4dbU, 0x8a04ddd277128627U,
                    0x901db239986f6985U},
    golden_checksum{"with_loads", 60000, 1, 0x31438d97dd79f018U, 0x89497ffd17dcfb23U,
                    0xa31ace3a8e5bb568U},
    golden_checksum{"with_loads", 65536, 4, 0x24d43bc9e77c2fd2U, 0x67b3497f25d50e92U,
                    0xb8cd851851ce8979U},
    golden_checksum{"with_loads", 1000000, 1, 0xcfd9774826ee39bbU, 0x3541dc0793029f82U,
                    0x2ca8d1bd4a5f3d7eU},
    golden_checksum{"many_functions", 100, 1, 0xc76145b16de7b132U, 0xf085335738ca2e90U,
                    0xb194111d060d1d65U},
    golden_checksum{"many_functions", 1000, 1, 0x8f1e9f4ec258310dU, 0x1ef407adede7d32bU,
                    0xb194111d060d1d65U},
    golden_checksum{"many_functions", 1000, 2, 0x8e6bf112bf86398dU, 0x10b1c90e9bf51fa8U,
                    0xb194111d060d1d65U},
    golden_checksum{"many_functions", 4099, 3, 0x27f175383ff5798bU, 0x744a618ae9355e9fU,
                    0xb194111d060d1d65U},
    golden_checksum{"many_functions", 10000, 1, 0x5cb3296f588a8ab9U, 0x0299df43eca6dc0dU,
                    0xb194111d060d1d65U},
    golden_checksum{"many_functions", 60000, 1, 0xce192d4ed0797487U, 0x77df91e6e88e7be8U,
                    0xb194111d060d1d65U},
    golden_checksum{"many_functions", 65536, 4, 0xa895136bf120de7cU, 0xfb6d95c4722825b0U,
                    0xb194111d060d1d65U},
    golden_checksum{"many_functions", 1000000, 1, 0x59022c7430abf0aeU, 0xc5600fe2da8b1b3bU,
                    0xb194111d060d1d65U},
};

}  // namespace

std::vector<std::uint8_t> straight_line(std::size_t n, std::uint64_t seed, pattern kind) {
    require_size("straight_line", n);
    chooser choose(seed);
    encoder code;
    load_registers(code);
    const std::size_t end = n - fold_size(9);
    if (kind == pattern::repeating) {
        const std::int32_t factor = choose.odd_imm();
        const auto shift = static_cast<std::int32_t>(choose.between(7, 25));
        for (std::size_t step = 0; code.size() < end; step = (step + 1) % 8) {
            emit_cycle_step(code, step, factor, shift);
        }
    }
    while (code.size() < end) {
        emit_alu(code, choose, 10);
    }
    fold_and_exit(code, 9);
    return code.bytes();
}

std::vector<std::uint8_t> branchy(std::size_t n, std::uint64_t seed) {
    require_size("branchy", n);
    constexpr std::size_t longest_condition = 16;
    chooser choose(seed);
    encoder code;
    load_registers(code);
    const std::size_t end = n - fold_size(9);
    while (code.size() + longest_condition <= end) {
        emit_condition(code, choose, 10);
    }
    emit_filler(code, choose, 10, end - code.size());
    fold_and_exit(code, 9);
    return code.bytes();
}

std::vector<std::uint8_t> with_loads(std::size_t n, std::uint64_t seed) {
    require_size("with_loads", n);
    constexpr std::size_t longest_work = 4;
    chooser choose(seed);
    encoder code;
    code.mov(input_reg, 1);
    for (std::uint8_t reg = 0; reg < memory_registers; reg++) {
        code.load(access::dword, reg, input_reg, static_cast<std::int16_t>(8 * reg));
    }
    for (std::size_t slot = 1; slot <= stack_bytes / 8; slot++) {
        code.store(access::dword, frame, static_cast<std::int16_t>(-8 * static_cast<int>(slot)),
                   static_cast<std::uint8_t>(slot % memory_registers));
    }
    const std::size_t end = n - fold_size(memory_registers - 1);
    while (code.size() + longest_work <= end) {
        emit_memory_work(code, choose);
    }
    emit_filler(code, choose, memory_registers, end - code.size());
    fold_and_exit(code, memory_registers - 1);
    return code.bytes();
}

std::vector<std::uint8_t> many_functions(std::size_t n, std::uint64_t seed) {
    require_size("many_functions", n);
    chooser choose(seed);
    const std::vector<planned_function> functions = plan_functions(n, choose);
    encoder code;
    code.load(access::dword, 6, 1, 0);
    code.load(access::dword, 7, 1, 8);
    emit_calls(code, functions, functions[0], 0, functions[0].callees.size());
    code.mov(0, 6);
    code.alu_reg(alu::xor_, width::w64, 0, 7);
    code.exit();
    for (const auto &function : std::span(functions).subspan(1)) {
        emit_function(code, choose, functions, function);
    }
    return code.bytes();
}

std::vector<std::uint8_t> generated_input() {
    constexpr std::uint64_t input_seed = 0x6270667469;
    fixed_random random(input_seed);
    std::vector<std::uint8_t> memory(generated_input_size);
    std::ranges::generate(memory, [&] { return random.byte(); });
    return memory;
}

std::span<const generator> generators() noexcept { return generator_table; }

std::span<const golden_checksum> golden_checksums() noexcept { return golden_table; }

}  // namespace bpftime::vm::benchmark
