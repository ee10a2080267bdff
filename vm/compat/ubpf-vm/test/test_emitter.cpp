// bpftime-vm: what the emitter encodes itself, beside AsmJit
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "emitter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace bpftime::vm::ubpf::test {

namespace {

constexpr Inst::Id arithmetic[] = {Inst::kIdAdd, Inst::kIdOr,  Inst::kIdAnd, Inst::kIdSub,
                                   Inst::kIdXor, Inst::kIdCmp, Inst::kIdMov, Inst::kIdTest};
constexpr Inst::Id shifts[] = {Inst::kIdShl, Inst::kIdShr, Inst::kIdSar};
constexpr int32_t numbers[] = {0,
                               1,
                               -1,
                               8,
                               127,
                               128,
                               -128,
                               -129,
                               0x12345678,
                               std::numeric_limits<int32_t>::max(),
                               std::numeric_limits<int32_t>::min()};

/// Both make the same of one instruction.
class emitter_encoding : public testing::Test {
protected:
    emitter_encoding() {
        code_.init(asmjit::Environment{asmjit::Arch::kX64});
        code_.attach(&asmjit_);
    }

    template <typename... Operands>
    void expect_the_same(Inst::Id id, const Operands &...operands) {
        ours_.restart();
        ours_.op(id, operands...);
        asmjit_.setOffset(0);
        ASSERT_EQ(asmjit_.emit(id, operands...), asmjit::kErrorOk);
        ASSERT_EQ(ours_.error(), asmjit::kErrorOk);
        const auto *const theirs = reinterpret_cast<const std::byte *>(asmjit_.bufferData());
        ASSERT_TRUE(std::ranges::equal(ours_.bytes(), std::span{theirs, asmjit_.offset()}))
            << "instruction " << id;
    }

    /// Calls `body` with places of every form.
    template <typename Body>
    void for_each_place(uint32_t size, const Body &body) {
        for (uint32_t base = 0; base < 16; ++base) {
            for (const int32_t distance : numbers) {
                body(x86::Mem{x86::gpq(base), distance, size});
                for (uint32_t index = 0; index < 16; ++index) {
                    if (index == x86::Gp::kIdSp) continue;
                    for (const uint32_t shift : {0U, 2U})
                        body(x86::Mem{x86::gpq(base), x86::gpq(index), shift, distance, size});
                }
            }
        }
    }

    emitter ours_;
    asmjit::CodeHolder code_;
    x86::Assembler asmjit_;
};

x86::Gp reg_of(uint32_t size, uint32_t id) {
    switch (size) {
    case 1: return x86::gpb_lo(id);
    case 2: return x86::gpw(id);
    case 4: return x86::gpd(id);
    default: return x86::gpq(id);
    }
}

TEST_F(emitter_encoding, of_registers) {
    for (const Inst::Id id : arithmetic) {
        for (const uint32_t size : {1U, 2U, 4U, 8U}) {
            for (uint32_t to = 0; to < 16; ++to) {
                for (uint32_t from = 0; from < 16; ++from)
                    expect_the_same(id, reg_of(size, to), reg_of(size, from));
            }
        }
    }
}

TEST_F(emitter_encoding, of_immediate_operands) {
    for (const uint32_t size : {4U, 8U}) {
        for (uint32_t to = 0; to < 16; ++to) {
            for (const Inst::Id id : arithmetic) {
                for (const int32_t value : numbers) {
                    expect_the_same(id, reg_of(size, to), asmjit::imm(value));
                    if (size == 4)
                        expect_the_same(id, reg_of(size, to),
                                        asmjit::imm(static_cast<uint32_t>(value)));
                }
            }
            for (const Inst::Id id : shifts) {
                for (uint32_t count = 0; count < 8 * size; ++count)
                    expect_the_same(id, reg_of(size, to), asmjit::imm(count));
            }
        }
    }
}

TEST_F(emitter_encoding, of_what_reads_memory) {
    for (uint32_t to = 0; to < 16; ++to) {
        for_each_place(8, [&](const x86::Mem &from) {
            for (const Inst::Id id : {Inst::kIdMov, Inst::kIdCmp, Inst::kIdAdd, Inst::kIdLea})
                expect_the_same(id, x86::gpq(to), from);
        });
        for_each_place(4, [&](const x86::Mem &from) {
            expect_the_same(Inst::kIdMov, x86::gpd(to), from);
            expect_the_same(Inst::kIdMovsxd, x86::gpq(to), from);
        });
        for (const uint32_t size : {1U, 2U}) {
            for_each_place(size, [&](const x86::Mem &from) {
                expect_the_same(Inst::kIdMovzx, x86::gpd(to), from);
                expect_the_same(Inst::kIdMovsx, x86::gpq(to), from);
            });
        }
    }
}

TEST_F(emitter_encoding, of_what_writes_memory) {
    for (const uint32_t size : {1U, 2U, 4U, 8U}) {
        for (uint32_t from = 0; from < 16; ++from) {
            for_each_place(size, [&](const x86::Mem &to) {
                expect_the_same(Inst::kIdMov, to, reg_of(size, from));
            });
        }
    }
}

TEST_F(emitter_encoding, goes_on_when_the_buffer_grows) {
    constexpr uint32_t count = 100'000;
    for (uint32_t i = 0; i < count; ++i)
        ours_.op(Inst::kIdAdd, x86::gpd(i % 16), asmjit::imm(static_cast<int32_t>(i << 8 | 255)));
    const std::vector<std::byte> code{ours_.bytes().begin(), ours_.bytes().end()};
    for (uint32_t i = 0; i < count; ++i)
        asmjit_.add(x86::gpd(i % 16), asmjit::imm(static_cast<int32_t>(i << 8 | 255)));
    const auto *const theirs = reinterpret_cast<const std::byte *>(asmjit_.bufferData());
    EXPECT_TRUE(std::ranges::equal(code, std::span{theirs, asmjit_.offset()}));
}

}  // namespace

}  // namespace bpftime::vm::ubpf::test
