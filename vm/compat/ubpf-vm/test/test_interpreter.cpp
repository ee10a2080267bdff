// bpftime-vm: what the interpreter does in ways of its own: registers that code knows, sequences
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/fault.hpp"
#include "ebpf-vm.h"
#include "isa/arithmetic.hpp"
#include "programs.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace bpftime::vm::ubpf::test {

namespace {

using isa::insn_id;
using isa::instruction;
using isa::operation_kind;
using vm::test::assemble;

constexpr unsigned changeable = isa::frame_pointer;  ///< registers that instructions can change

/// How a part of a sequence uses the result of the one before it, and whether it jumps back.
struct part {
    insn_id id;
    enum { plain, on, by } link;
    bool back;
};
using parts = std::vector<part>;

#define PLAIN(id) \
    part { insn_id::id, part::plain, false }
#define ON(id) \
    part { insn_id::id, part::on, false }
#define BY(id) \
    part { insn_id::id, part::by, false }
#define BACK(id) \
    part { insn_id::id, part::plain, true }
#define ON_BACK(id) \
    part { insn_id::id, part::on, true }
#define BY_BACK(id) \
    part { insn_id::id, part::by, true }

const std::vector<parts> &all_sequences() {
    static const std::vector<parts> all{
#define FUSION(...) {__VA_ARGS__},
#include "fusions.def"
#undef FUSION
    };
    return all;
}

// --- programs

/// Where a jump goes, before its offset is known.
enum class label { none, back, forward };

struct line {
    instruction insn;
    label to = label::none;
};

/// A program whose registers are loaded from the input memory, which it leaves to a sequence, and
/// mixes into r0 at its end. Between the instructions of the sequence there is nothing, or a jump
/// to the next one, which makes them single instructions.
class sequence_program {
public:
    sequence_program(const std::vector<line> &sequence, std::size_t first, bool split) {
        add(insn_id::ja, 0, 0, 2);
        const std::size_t back = size();
        add(insn_id::add64_imm, 0, 0, 0, 77);
        const std::size_t back_to_end = add(insn_id::ja, 0, 0, 0);
        for (const uint8_t reg : std::to_array<uint8_t>({0, 2, 3, 4, 5, 6, 7, 8, 9, 1}))
            add(insn_id::ldxdw, reg, 1, static_cast<int16_t>(8 * reg));
        const std::size_t entry = add(insn_id::ja, 0, 0, 0);
        std::vector<std::pair<std::size_t, label>> jumps;
        for (std::size_t i = 0; i < sequence.size(); ++i) {
            if (i == first) set_target(entry, size());
            pcs_.push_back(static_cast<uint32_t>(size()));
            if (sequence[i].to != label::none) jumps.emplace_back(size(), sequence[i].to);
            add(sequence[i].insn);
            if (split) add(insn_id::ja, 0, 0, 0);
        }
        add(insn_id::add64_imm, 0, 0, 0, 11);
        add(insn_id::ja, 0, 0, 1);
        const std::size_t forward = size();
        add(insn_id::add64_imm, 0, 0, 0, 33);
        set_target(back_to_end, size());
        for (const auto &[at, to] : jumps) set_target(at, to == label::back ? back : forward);
        for (uint8_t reg = 1; reg < changeable; ++reg) {
            add(insn_id::mul64_imm, 0, 0, 0, 1'000'003);
            add(insn_id::xor64_reg, 0, reg, 0);
        }
        add(insn_id::exit_, 0, 0, 0);
    }

    [[nodiscard]] std::vector<uint8_t> code() const {
        std::vector<uint8_t> bytes;
        for (const isa::slot &s : slots_) {
            std::array<uint8_t, isa::slot_size> raw{};
            isa::write_slot(s, raw);
            bytes.insert(bytes.end(), raw.begin(), raw.end());
        }
        return bytes;
    }
    /// The slot of the sequence's instruction number `i`.
    [[nodiscard]] uint32_t pc_of(std::size_t i) const { return pcs_[i]; }

private:
    [[nodiscard]] std::size_t size() const { return slots_.size(); }

    std::size_t add(const instruction &i) {
        slots_.push_back(isa::encode(i));
        if (isa::is_wide(i.id)) slots_.push_back({.imm = 0x1234'5678});
        return slots_.size() - 1;
    }
    std::size_t add(insn_id id, uint8_t dst, uint8_t src, int16_t offset, int32_t imm = 0) {
        return add({id, dst, src, offset, imm});
    }
    void set_target(std::size_t at, std::size_t target) {
        slots_[at].offset =
            static_cast<int16_t>(static_cast<int64_t>(target) - static_cast<int64_t>(at) - 1);
    }

    std::vector<isa::slot> slots_;
    std::vector<uint32_t> pcs_;
};

struct outcome {
    int64_t r0 = 0;
    std::vector<uint64_t> memory;
    compat::fault fault;
};

/// Runs a program on memory of 32 words, of which the first are the registers.
outcome run(const sequence_program &program, const std::vector<uint64_t> &memory,
            std::vector<uint64_t> &place, uint64_t limit = 0) {
    ebpf_vm vm{"ubpf"};
    const auto code = program.code();
    EXPECT_EQ(vm.load_code(code.data(), code.size()), 0) << vm.error_message();
    EXPECT_EQ(vm.set_limit(compat::vm_limit::instructions, limit), 0);
    place = memory;
    outcome out;
    vm.exec(place.data(), 8 * place.size(), out.r0);
    out.memory = place;
    out.fault = compat::last_fault();
    return out;
}

class sequences : public testing::TestWithParam<std::size_t> {
protected:
    [[nodiscard]] const parts &row() const { return all_sequences()[GetParam()]; }

    uint64_t random(uint64_t below) { return random_() % below; }

    /// Makes up registers and immediates that the row is about.
    std::vector<line> make_up() {
        std::vector<line> lines;
        uint8_t result = 0;
        for (const part &p : row()) {
            lines.push_back(make_up(p, result));
            result = lines.back().insn.dst;
        }
        return lines;
    }

    line make_up(const part &p, uint8_t result) {
        const isa::shape_info &form = isa::info(isa::info(p.id).shape);
        const operation_kind kind = isa::kind_of(p.id);
        line l{{p.id}};
        instruction &i = l.insn;
        if (form.dst != isa::register_role::none) i.dst = any_register();
        if (form.src != isa::register_role::none) i.src = any_register();
        if (form.imm == isa::imm_role::value) i.imm = static_cast<int32_t>(random(5)) - 2;
        if (isa::is_wide(p.id)) i.imm = 77;
        const bool is_load = kind == operation_kind::load;
        if (p.link == part::on) {
            (is_load ? i.src : i.dst) = result;
            while (not is_load and form.src != isa::register_role::none and i.src == result)
                i.src = any_register();
        } else if (p.link == part::by) {
            i.src = result;
            while (i.dst == result) i.dst = any_register();
        }
        if (is_load or kind == operation_kind::store) {
            i.offset = static_cast<int16_t>(random(24)) - 8;
            // Of plain accesses, some are of the own frame.
            if (p.link != part::on and random(4) == 0) {
                (is_load ? i.src : i.dst) = isa::frame_pointer;
                i.offset = static_cast<int16_t>(-8 - 8 * static_cast<int>(random(3)));
            }
        }
        if (kind == operation_kind::branch or kind == operation_kind::jump)
            l.to = p.back ? label::back : label::forward;
        return l;
    }

    uint8_t any_register() { return static_cast<uint8_t>(random(changeable)); }

    /// What the registers begin with: small numbers, anything, and places in the memory and near
    /// its ends.
    std::vector<uint64_t> make_up_memory(const std::vector<uint64_t> &place) {
        std::vector<uint64_t> memory(place.size());
        const auto begin = reinterpret_cast<uint64_t>(place.data());
        for (uint64_t &word : memory) {
            switch (random(4)) {
            case 0: word = random(6) - 2; break;
            case 1: word = uint64_t{random_()} << 32 | random_(); break;
            case 2: word = begin + 8 * (12 + random(16)); break;
            case 3: word = begin + 8 * random(2) * place.size() + random(16) - 8; break;
            }
        }
        // Pointers that differ are sums of pointers and what makes up for them.
        if (random(2) == 0) memory[any_register()] = 8 * random(8);
        return memory;
    }

    std::mt19937 random_{static_cast<std::mt19937::result_type>(GetParam())};
    std::vector<uint64_t> place_ = std::vector<uint64_t>(32);
};

/// The same fault, but for where split programs have their instructions.
void expect_same_fault(const sequence_program &fused, const compat::fault &f,
                       const sequence_program &split, const compat::fault &g, std::size_t count) {
    ASSERT_EQ(f.kind, g.kind);
    EXPECT_EQ(f.address, g.address);
    EXPECT_EQ(f.offset, g.offset);
    EXPECT_EQ(f.size, g.size);
    if (f.kind == compat::fault_kind::none) return;
    std::optional<std::size_t> at;
    for (std::size_t i = 0; i < count; ++i) {
        if (fused.pc_of(i) == f.pc) at = i;
    }
    ASSERT_TRUE(at) << "a fault at pc " << f.pc;
    EXPECT_EQ(split.pc_of(*at), g.pc);
}

std::string name_of(const parts &row) {
    std::string name;
    for (const part &p : row) {
        if (not name.empty()) name += "__";
        name += std::array{"", "on_", "by_"}[p.link];
        name += isa::info(p.id).name;
    }
    return name;
}

}  // namespace

TEST_P(sequences, do_what_their_instructions_do) {
    std::size_t faults = 0;
    std::size_t returns = 0;
    for (int trial = 0; trial < 300; ++trial) {
        const auto lines = make_up();
        const auto first = static_cast<std::size_t>(trial % 3 == 0 ? random(lines.size()) : 0);
        const sequence_program fused{lines, first, false};
        const sequence_program split{lines, first, true};
        const auto memory = make_up_memory(place_);
        const outcome a = run(fused, memory, place_);
        const outcome b = run(split, memory, place_);
        ++(a.fault.kind == compat::fault_kind::none ? returns : faults);
        ASSERT_EQ(a.r0, b.r0) << "trial " << trial;
        ASSERT_EQ(a.memory, b.memory) << "trial " << trial;
        ASSERT_NO_FATAL_FAILURE(expect_same_fault(fused, a.fault, split, b.fault, lines.size()))
            << "trial " << trial;
    }
    EXPECT_GT(returns, 0U);
    const bool has_access = std::ranges::any_of(row(), [](const part &p) {
        return isa::kind_of(p.id) == operation_kind::load or
               isa::kind_of(p.id) == operation_kind::store;
    });
    EXPECT_EQ(faults != 0, has_access);
}

TEST_P(sequences, charge_their_jumps_back) {
    if (not row().back().back) GTEST_SKIP() << "no jump back";
    std::size_t charged = 0;
    for (int trial = 0; trial < 100; ++trial) {
        const auto lines = make_up();
        const sequence_program program{lines, 0, false};
        const auto code = program.code();
        const auto loaded = vm::program::load(code);
        ASSERT_TRUE(loaded);
        const uint32_t jump = program.pc_of(lines.size() - 1);
        const uint32_t weight = loaded->loop_weights()[loaded->jump_target(jump)];
        const auto memory = make_up_memory(place_);
        const outcome paid = run(program, memory, place_, weight);
        const outcome unpaid = run(program, memory, place_, weight - 1);
        if (unpaid.fault.kind != compat::fault_kind::instruction_limit) {
            EXPECT_EQ(paid.r0, unpaid.r0);
            EXPECT_EQ(paid.fault.kind, unpaid.fault.kind);
            continue;
        }
        ++charged;
        EXPECT_EQ(unpaid.fault.pc, jump);
        EXPECT_EQ(paid.fault.kind, compat::fault_kind::none);
    }
    EXPECT_GT(charged, 0U);
}

INSTANTIATE_TEST_SUITE_P(interpreter, sequences,
                         testing::Range(std::size_t{0}, all_sequences().size()),
                         [](const auto &row) {
                             return std::to_string(row.param) + "_" +
                                    name_of(all_sequences()[row.param]);
                         });

// --- single instructions

namespace {

template <insn_id Id>
void expect_arithmetic_on_all_registers() {
    if constexpr (isa::kind_of(Id) == operation_kind::alu) {
        constexpr isa::insn_info row = isa::info(Id);
        constexpr bool is_imm = isa::info(row.shape).imm == isa::imm_role::value;
        std::mt19937_64 random{static_cast<unsigned>(Id)};
        std::vector<uint64_t> place(32);
        for (uint8_t dst = 0; dst < changeable; ++dst) {
            for (uint8_t src = 0; src < (is_imm ? 1 : changeable); ++src) {
                const instruction insn{Id, dst, src, static_cast<int16_t>(isa::encode({Id}).offset),
                                       is_imm ? static_cast<int32_t>(random()) : 0};
                std::vector<uint64_t> memory(32);
                for (uint64_t &word : memory) word = random();
                auto expected = memory;
                expected[dst] = isa::alu<row.operation, row.width>(
                    memory[dst], is_imm ? static_cast<uint64_t>(int64_t{insn.imm}) : memory[src]);
                const outcome done = run(sequence_program{{{insn}}, 0, false}, memory, place);
                const outcome nothing =
                    run(sequence_program{{{{insn_id::ja}}}, 0, false}, expected, place);
                ASSERT_EQ(done.fault.kind, compat::fault_kind::none);
                ASSERT_EQ(done.r0, nothing.r0) << row.name << " r" << int{dst} << ", r" << int{src};
            }
        }
    }
}

}  // namespace

TEST(interpreter, finds_every_register) {
#define INSN(id, ...) ASSERT_NO_FATAL_FAILURE(expect_arithmetic_on_all_registers<insn_id::id>());
#include "isa/instructions.def"
#undef INSN
}

TEST(interpreter, takes_no_stack_for_long_runs) {
    ebpf_vm vm{"ubpf"};
    const auto code = assemble(
        "mov r0, 0\nmov r1, 3000000\nagain:\nadd r0, 1\nsub r1, 1\n"
        "jne r1, 0, again\nexit");
    ASSERT_EQ(vm.load_code(code.data(), code.size()), 0) << vm.error_message();
    int64_t r0 = 0;
    ASSERT_EQ(vm.exec(nullptr, 0, r0), 0) << vm.error_message();
    EXPECT_EQ(r0, 3'000'000);
}

TEST(interpreter, zeroes_frames_that_are_left_and_entered_again) {
    ebpf_vm vm{"ubpf"};
    // Without the address of a frame getting anywhere, and with it.
    for (const char *const leak : {"mov r3, 0\n", "mov r3, r10\n"}) {
        const auto code =
            assemble(std::string{"call local leaf\nmov r6, r0\ncall local leaf\nor r0, r6\n"
                                 "exit\nleaf:\n"} +
                     leak +
                     "ldxdw r0, [r10-16]\nldxb r1, [r10-1]\nor r0, r1\nstdw [r10-16], 5\n"
                     "stb [r10-1], 9\nexit");
        ASSERT_EQ(vm.load_code(code.data(), code.size()), 0) << vm.error_message();
        int64_t r0 = -1;
        ASSERT_EQ(vm.exec(nullptr, 0, r0), 0) << vm.error_message();
        EXPECT_EQ(r0, 0);
    }
}

}  // namespace bpftime::vm::ubpf::test
