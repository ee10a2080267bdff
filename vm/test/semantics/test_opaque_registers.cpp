// bpftime-vm: every register in every place of an instruction, all other registers left alone
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Machines have odd registers (shift counts in one, quotients in two, addresses that need an extra
// byte) and engines keep eBPF registers in them. So all registers get values, one instruction runs,
// and all registers and the memory around its cell are compared with the model in reference.hpp.
#include "isa/text.hpp"
#include "programs.hpp"
#include "records.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace bpftime::vm::test {

namespace {

using isa::insn_id;
using isa::operation_kind;

constexpr unsigned general = 10;  // r0 to r9
constexpr unsigned fp = isa::frame_pointer;

// The input memory: register values, r10 as the program reports it, then one block for each case.
constexpr unsigned header_words = general + 1;
constexpr unsigned cell_word = general + 1;  // in a block: r0 to r9 afterwards, guard, cell, guard
constexpr unsigned block_words = general + 3;
constexpr int cell_offset = 8 * static_cast<int>(cell_word);

// The stack of the program.
constexpr int stack_cell = -16;  // with guards on both sides
constexpr int saved_r0 = -32;
constexpr int block_pointer = -40;
constexpr int register_values = -120;

/// One instruction under test.
struct probe {
    isa::instruction insn;
    std::optional<unsigned>
        base;  ///< register that holds the cell's address minus the instruction's offset
    std::optional<isa::instruction> then = {};  ///< what a jump jumps over
    bool cell_meets_r0 = false;  ///< whether the cell holds what cmpxchg compares it with
};

using registers = std::array<uint64_t, general + 1>;

int slot_of(unsigned reg) { return register_values + 8 * static_cast<int>(reg); }

void add_prologue(code_builder &code) {
    code.add(store64(1, 8 * general, fp));
    for (unsigned reg = 0; reg < general; ++reg) {
        code.add({load64(2, 1, 8 * static_cast<int>(reg)), store64(fp, slot_of(reg), 2)});
    }
    code.add({increase(1, 8 * header_words), store64(fp, block_pointer, 1)});
}

void add_probe(code_builder &code, const probe &p) {
    if (p.base == fp) {
        code.add(
            {load64(0, fp, block_pointer), load64(0, 0, cell_offset), store64(fp, stack_cell, 0)});
    }
    for (unsigned reg = 0; reg < general; ++reg) code.add(load64(reg, fp, slot_of(reg)));
    if (p.base and p.base != fp) {
        code.add(
            {load64(*p.base, fp, block_pointer), increase(*p.base, cell_offset - p.insn.offset)});
    }
    code.add(p.insn);
    if (p.then) code.add(*p.then);
    code.add({store64(fp, saved_r0, 0), load64(0, fp, block_pointer)});
    for (unsigned reg = 1; reg < general; ++reg)
        code.add(store64(0, 8 * static_cast<int>(reg), reg));
    code.add({load64(1, fp, saved_r0), store64(0, 0, 1)});
    if (p.base == fp) code.add({load64(1, fp, stack_cell), store64(0, cell_offset, 1)});
    code.add({increase(0, 8 * block_words), store64(fp, block_pointer, 0)});
}

// --- what must come out

void apply_atomic(const isa::instruction &i, registers &r, uint64_t &cell) {
    const unsigned bits = isa::bits_of(isa::info(i.id).width);
    const uint64_t low = reference::as_register(cell, bits);
    const auto after =
        reference::atomic(encoding_of(i), {.cell = low, .src = r[i.src], .r0 = r[0]}).value();
    cell = cell - low + after.cell;
    if (after.loads) {
        r[i.dst] = after.loaded;
    } else if (isa::info(i.id).shape == isa::shape::atomic_compare) {
        r[0] = after.r0;
    } else {
        r[i.src] = after.src;
    }
}

/// Applies `p` to the registers and its cell as the RFC says.
void apply(const probe &p, registers &r, uint64_t &cell) {
    const isa::instruction &i = p.insn;
    const reference::encoded e = encoding_of(i);
    auto bytes = bytes_of({&cell, 1});
    switch (isa::kind_of(i.id)) {
    case operation_kind::load: r[i.dst] = reference::load(e.opcode, bytes).value(); break;
    case operation_kind::store:
        ASSERT_TRUE(reference::store(e, bytes, r[i.src]));
        cell = reference::little_endian(bytes);
        break;
    case operation_kind::atomic: apply_atomic(i, r, cell); break;
    case operation_kind::branch:
        if (not reference::is_taken(e, r[i.dst], r[i.src]).value()) apply({*p.then, {}}, r, cell);
        break;
    default: r[i.dst] = reference::arithmetic(e, r[i.dst], r[i.src]).value();
    }
}

// --- running

class opaque_registers : public testing::TestWithParam<engine> {
protected:
    /// Runs all of `probes`, which are forms of the row `id`, with several sets of register values.
    void check(insn_id id, std::span<const probe> probes) {
        auto program = static_cast<std::size_t>(id);
        while (not probes.empty() and not HasFatalFailure()) {
            const auto some = probes.first(std::min(probes.size(), probes_of_a_program));
            if (program++ % every_program_of(GetParam()) == 0) check_in_one_program(id, some);
            probes = probes.subspan(some.size());
        }
    }

private:
    using value_set = std::array<uint64_t, general>;

    /// LLVM chooses registers itself, and with sanitizers takes three times as long: then some
    /// programs stand for all.
    static std::size_t every_program_of(const engine &e) {
#ifdef __SANITIZE_ADDRESS__
        return std::string_view{e.backend} == "llvm" ? 6 : 1;
#else
        static_cast<void>(e);
        return 1;
#endif
    }

    /// Optimising compilers need more than twice the time for twice the code.
    static constexpr std::size_t probes_of_a_program = 16;

    void check_in_one_program(insn_id id, std::span<const probe> probes) {
        code_builder code;
        add_prologue(code);
        for (const probe &p : probes) add_probe(code, p);
        code.add({set(0, 0), leave()});
        const auto vm = make_vm(GetParam());
        ASSERT_EQ(vm->load_code(code.bytes().data(), code.bytes().size()), 0)
            << vm->error_message();
        for (const auto &values : value_sets) check_once(*vm, id, probes, values);
    }

    static constexpr auto value_sets = std::to_array<value_set>({
        {0x1'0000'0007, ~12ULL, 33, 1ULL << 63, 5, ~0ULL, 0x8000000000000003, 1ULL << 32, 0x7f,
         0xdeadbeefcafef00d},
        {0x80000000, 0xffffffff, 0, 63, 0xfffffffffffffff7, 2, 0x123456789abcdef0, 64,
         0xffffffff80000000, 1},
    });

    static void check_once(ebpf_vm &vm, insn_id id, std::span<const probe> probes,
                           const value_set &values) {
        std::vector<uint64_t> memory(values.begin(), values.end());
        memory.resize(header_words + block_words * probes.size());
        for (std::size_t n = 0; n < probes.size(); ++n) {
            const auto block = block_of(memory, n);
            block[cell_word - 1] = block[cell_word + 1] = 0x4747474747474747;
            block[cell_word] = initial_cell(probes[n], n, values, block);
        }
        const std::vector<uint64_t> before = memory;
        int64_t r0 = 0;
        ASSERT_EQ(vm.exec(memory.data(), 8 * memory.size(), r0), 0) << vm.error_message();
        for (std::size_t n = 0; n < probes.size(); ++n) {
            registers r{};
            std::ranges::copy(values, r.begin());
            r[fp] = memory[general];
            const auto block = block_of(memory, n);
            if (probes[n].base) r[*probes[n].base] = base_address(probes[n], block, r[fp]);
            uint64_t cell = before[header_words + block_words * n + cell_word];
            apply(probes[n], r, cell);
            for (unsigned reg = 0; reg < general; ++reg) {
                ASSERT_EQ(block[reg], r[reg])
                    << "r" << reg << " after " << isa::to_text(probes[n].insn);
            }
            ASSERT_EQ(block[cell_word], cell)
                << "cell after " << isa::to_text(probes[n].insn) << name_of(id);
            ASSERT_EQ(block[cell_word - 1], 0x4747474747474747U) << isa::to_text(probes[n].insn);
            ASSERT_EQ(block[cell_word + 1], 0x4747474747474747U) << isa::to_text(probes[n].insn);
        }
    }

    static std::span<uint64_t> block_of(std::vector<uint64_t> &memory, std::size_t n) {
        return std::span{memory}.subspan(header_words + block_words * n, block_words);
    }

    static uint64_t base_address(const probe &p, std::span<uint64_t> block, uint64_t frame_top) {
        if (p.base == fp) return frame_top;
        return reinterpret_cast<uintptr_t>(&block[cell_word]) -
               static_cast<uint64_t>(int64_t{p.insn.offset});
    }

    static uint64_t initial_cell(const probe &p, std::size_t n, const value_set &values,
                                 std::span<uint64_t> block) {
        if (not p.cell_meets_r0) return 0xc0ffee00'80c0ffe0 + 0x0101010101010101 * n;
        return p.base == 0U ? base_address(p, block, 0) : values[0];
    }
};

/// Displacements that machines encode differently.
int16_t displacement(unsigned n, unsigned base) {
    static constexpr std::array<int16_t, 9> all{0, 8, -8, 127, 128, -128, -129, 1024, -32768};
    return base == fp ? int16_t{stack_cell} : all[n % all.size()];
}

TEST_P(opaque_registers, arithmetic_on_every_pair) {
    using enum insn_id;
    for (const insn_id id :
         {add64_reg, sub32_reg, mul64_reg, mul32_reg, div64_reg, sdiv32_reg, mod32_reg, smod64_reg,
          lsh64_reg, rsh32_reg, arsh64_reg, arsh32_reg, xor32_reg, mov32_reg, movsx8_64}) {
        std::vector<probe> probes;
        for (unsigned dst = 0; dst < general; ++dst) {
            for (unsigned src = 0; src <= fp; ++src) probes.push_back({make(id, dst, src), {}});
        }
        check(id, probes);
    }
}

TEST_P(opaque_registers, arithmetic_with_an_immediate_or_nothing_on_every_register) {
    for (const insn_id id : rows_where([](insn_id row) {
             const auto s = isa::info(row).shape;
             return s == isa::shape::alu_imm or s == isa::shape::mov_imm or
                    s == isa::shape::negate or s == isa::shape::byte_order;
         })) {
        const bool has_imm = isa::info(isa::info(id).shape).imm == isa::imm_role::value;
        std::vector<probe> probes;
        for (unsigned dst = 0; dst < general; ++dst) {
            for (const int32_t imm : {-13, 33, 1})
                probes.push_back({make(id, dst, 0, has_imm ? imm : 0), {}});
        }
        check(id, probes);
    }
}

TEST_P(opaque_registers, jumps_on_every_pair) {
    using enum insn_id;
    const isa::instruction mark = make(stdw, fp, 0, 7, stack_cell);
    for (const insn_id id : {jeq64_reg, jset32_reg, jsgt64_reg, jle32_reg}) {
        std::vector<probe> probes;
        for (unsigned dst = 0; dst <= fp; ++dst) {
            for (unsigned src = 0; src <= fp; ++src) {
                probes.push_back({make(id, dst, src, 0, 1), fp, mark});
            }
        }
        check(id, probes);
    }
    for (const insn_id id :
         rows_where([](insn_id row) { return isa::info(row).shape == isa::shape::branch_imm; })) {
        std::vector<probe> probes;
        for (unsigned dst = 0; dst <= fp; ++dst)
            probes.push_back({make(id, dst, 0, 5, 1), fp, mark});
        check(id, probes);
    }
}

TEST_P(opaque_registers, loads_on_every_pair) {
    using enum insn_id;
    for (const insn_id id : {ldxb, ldxw, ldxdw, ldxsb, ldxsw, load_acquire64, load_acquire8}) {
        std::vector<probe> probes;
        for (unsigned dst = 0; dst < general; ++dst) {
            for (unsigned base = 0; base <= fp; ++base) {
                probes.push_back({make(id, dst, base, 0, displacement(dst + base, base)), base});
            }
        }
        check(id, probes);
    }
}

TEST_P(opaque_registers, stores_on_every_pair) {
    using enum insn_id;
    for (const insn_id id : {stxb, stxh, stxw, stxdw, store_release64, store_release8, stb, stdw}) {
        const bool has_imm = isa::info(id).shape == isa::shape::store_imm;
        std::vector<probe> probes;
        for (unsigned base = 0; base <= fp; ++base) {
            for (unsigned src = 0; src <= (has_imm ? 0 : fp); ++src) {
                probes.push_back(
                    {make(id, base, src, has_imm ? -2 : 0, displacement(src + base, base)), base});
            }
        }
        check(id, probes);
    }
}

// r0 as the address of a fetching operation, and as the address and the comparand of cmpxchg, is
// among these.
TEST_P(opaque_registers, atomics_on_every_pair) {
    for (const insn_id id : rows_where([](insn_id row) {
             return isa::kind_of(row) == operation_kind::atomic and
                    isa::info(row).group != isa::group::post_rfc;
         })) {
        const bool compares = isa::info(id).shape == isa::shape::atomic_compare;
        const bool writes_src = isa::info(isa::info(id).shape).src == isa::register_role::update;
        std::vector<probe> probes;
        for (unsigned base = 0; base <= fp; ++base) {
            for (unsigned src = 0; src < (writes_src ? general : general + 1); ++src) {
                const auto insn = make(id, base, src, 0, displacement(src + base, base));
                probes.push_back({insn, base});
                if (compares) probes.push_back({.insn = insn, .base = base, .cell_meets_r0 = true});
            }
        }
        check(id, probes);
    }
}

INSTANTIATE_TEST_SUITE_P(all, opaque_registers, testing::ValuesIn(engines()), engine_name{});

}  // namespace

}  // namespace bpftime::vm::test
