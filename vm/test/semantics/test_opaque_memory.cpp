// bpftime-vm: loads, stores, atomics and packet loads x edge operands, alignments and boundaries
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "programs.hpp"
#include "records.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

namespace bpftime::vm::test {

namespace {

using isa::insn_id;
using isa::operation_kind;

constexpr unsigned address = 8;  // the registers of these tests
constexpr unsigned value = 9;

std::vector<insn_id> rows_of(operation_kind kind) {
    return rows_where([kind](insn_id id) { return isa::kind_of(id) == kind; });
}

bool is_load_acquire(insn_id id) { return isa::info(id).shape == isa::shape::atomic_load; }

/// The bytes of `words`, for the reference model to work on.
std::vector<uint8_t> bytes_in(std::span<const uint64_t> words) { return bytes_of(words); }

class opaque_memory : public testing::TestWithParam<engine> {};

// Records: index, two words of data, and what each row loads from byte `index` of the data on.
TEST_P(opaque_memory, loads_of_every_width_at_every_alignment) {
    const auto rows = rows_of(operation_kind::load);
    const auto words = static_cast<unsigned>(3 + rows.size());
    std::vector<isa::instruction> body{load64(address, record_register, 0),
                                       make(insn_id::add64_reg, address, record_register)};
    for (std::size_t n = 0; n < rows.size(); ++n) {
        body.push_back(make(rows[n], value, address, 0, 8));
        body.push_back(store64(record_register, static_cast<int>(24 + 8 * n), value));
    }
    std::vector<uint64_t> before, expected;
    for (const uint64_t low : edge_values()) {
        for (uint64_t index = 0; index <= 8; ++index) {
            const std::array record{index, low, ~low};
            before.insert(before.end(), record.begin(), record.end());
            before.resize(before.size() + rows.size(), 0x5555);
            expected.insert(expected.end(), record.begin(), record.end());
            const auto data = bytes_in(std::span{record}.subspan(1));
            const auto at = static_cast<std::size_t>(index);
            for (const insn_id id : rows) {
                const auto opcode = encoding_of(make(id, value, address)).opcode;
                expected.push_back(reference::load(opcode, std::span{data}.subspan(at)).value());
            }
        }
    }
    expect_records(GetParam(), "loads", for_each_record(body, words), before, expected, words);
}

// Records: index, value, and for each row three words of which it writes some in the middle.
/// Instructions that leave an address in `value`, and how far it is from the record.
struct made_address {
    std::vector<isa::instruction> how;
    std::optional<uint64_t> distance;  ///< none: the record's index
};

// Records: index, two words of data, and what one row loads from a byte of the data. The address is
// made in the register that the load changes.
TEST_P(opaque_memory, loads_whose_address_is_a_sum) {
    constexpr unsigned index = 4;
    const isa::instruction copy = move(value, record_register);
    const std::array addresses{
        made_address{{copy, make(insn_id::add64_reg, value, index)}, std::nullopt},
        made_address{{move(value, index), make(insn_id::add64_reg, value, record_register)},
                     std::nullopt},
        made_address{
            {copy, increase(value, 3), make(insn_id::add64_reg, value, index), increase(value, -3)},
            std::nullopt},
        made_address{{copy, increase(value, 5)}, 5},
        // A half of the address, twice.
        made_address{
            {copy, make(insn_id::rsh64_imm, value, 0, 1), make(insn_id::add64_reg, value, value)},
            0},
        made_address{{copy, make(insn_id::rsh64_imm, value, 0, 1), move(address, value),
                      move(value, address), make(insn_id::add64_reg, value, value)},
                     0}};
    for (const insn_id id : rows_of(operation_kind::load)) {
        const isa::instruction load = make(id, value, value, 0, 8);
        for (const auto &[how, distance] : addresses) {
            std::vector<isa::instruction> body{load64(index, record_register, 0)};
            body.insert(body.end(), how.begin(), how.end());
            body.insert(body.end(), {load, store64(record_register, 24, value)});
            std::vector<uint64_t> before, expected;
            for (const uint64_t low : edge_values()) {
                for (uint64_t at = 0; at <= 8; ++at) {
                    const std::array record{at, low, ~low};
                    const auto data = bytes_in(std::span{record}.subspan(1));
                    const auto from =
                        std::span{data}.subspan(static_cast<std::size_t>(distance.value_or(at)));
                    before.insert(before.end(), record.begin(), record.end());
                    before.push_back(0);
                    expected.insert(expected.end(), record.begin(), record.end());
                    expected.push_back(reference::load(encoding_of(load).opcode, from).value());
                }
            }
            for (const bool checked : {true, false}) {
                expect_records(GetParam(), std::string{isa::info(id).name},
                               for_each_record(body, 4), before, expected, 4,
                               {.bounds_checks = checked});
            }
        }
    }
}

TEST_P(opaque_memory, stores_of_every_width_at_every_alignment_leave_neighbours_alone) {
    const auto rows = rows_of(operation_kind::store);
    const auto words = static_cast<unsigned>(2 + 3 * rows.size());
    for (const int32_t imm : edge_immediates()) {
        std::vector<isa::instruction> stores;
        std::vector<isa::instruction> body{load64(address, record_register, 0),
                                           make(insn_id::add64_reg, address, record_register),
                                           load64(value, record_register, 8)};
        for (std::size_t n = 0; n < rows.size(); ++n) {
            const bool is_imm = isa::info(rows[n]).shape == isa::shape::store_imm;
            stores.push_back(make(rows[n], address, is_imm ? 0 : value, is_imm ? imm : 0,
                                  static_cast<int16_t>(16 + 24 * n + 4)));
        }
        body.insert(body.end(), stores.begin(), stores.end());
        std::vector<uint64_t> before, expected;
        for (const uint64_t x : edge_values()) {
            for (uint64_t index = 0; index <= 8; ++index) {
                std::vector<uint64_t> record{index, x};
                record.resize(words, 0x1122334455667788);
                before.insert(before.end(), record.begin(), record.end());
                auto bytes = bytes_in(record);
                for (const auto &i : stores) {
                    const auto at =
                        static_cast<std::size_t>(index + static_cast<uint64_t>(i.offset));
                    ASSERT_TRUE(reference::store(encoding_of(i), std::span{bytes}.subspan(at), x));
                }
                const auto after = words_of(bytes);
                expected.insert(expected.end(), after.begin(), after.end());
            }
        }
        expect_records(GetParam(), fmt::format("stores, imm {}", imm), for_each_record(body, words),
                       before, expected, words);
    }
}

TEST_P(opaque_memory, displacements_reach_both_ends_of_16_bits) {
    std::vector<uint8_t> memory(0x10000 + 8);
    memory.front() = 1;
    memory[0xffff] = 2;
    memory[0x8000] = 4;
    const outcome o = run(GetParam(), R"(
        add r1, 0x8000
        ldxb r0, [r1-32768]
        ldxb r2, [r1+32767]
        add r0, r2
        ldxb r2, [r1]
        add r0, r2
        stxb [r1-32768], r0
        stb [r1+32767], 9
        lock fetch add [r1-32768], r2
        lock add [r1+32760], r2
        exit)",
                          memory);
    ASSERT_EQ(o.error, "");
    EXPECT_EQ(o.r0, 7U);
    EXPECT_EQ(o.memory.front(), 11);
    EXPECT_EQ(o.memory[0xfff8], 7);
    EXPECT_EQ(o.memory[0xffff], 9);
}

// --- atomics

/// Records: guard, cell, guard, source, r0, and after the operation: source (or what was loaded),
/// r0, change of the address register.
constexpr unsigned atomic_words = 8;

std::vector<isa::instruction> atomic_body(const isa::instruction &i) {
    using enum insn_id;
    return {load64(value, record_register, 24),
            load64(0, record_register, 32),
            move(address, record_register),
            i,
            store64(record_register, 40, value),
            store64(record_register, 48, 0),
            make(sub64_reg, address, record_register),
            store64(record_register, 56, address)};
}

/// What is left of `record` after the operation on the `bits` wide cell at byte `at` of its second
/// word.
std::array<uint64_t, atomic_words> after_atomic(const isa::instruction &i, unsigned bits,
                                                unsigned at,
                                                std::array<uint64_t, atomic_words> record) {
    const uint64_t mask = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    const auto after = reference::atomic(
        encoding_of(i), {.cell = record[1] >> 8 * at & mask, .src = record[3], .r0 = record[4]});
    EXPECT_TRUE(after) << name_of(i.id) << " is not in the reference model";
    if (not after) return record;
    record[1] = (record[1] & ~(mask << 8 * at)) | after->cell << 8 * at;
    record[5] = after->loads ? after->loaded : after->src;
    record[6] = after->r0;
    record[7] = 0;
    return record;
}

/// Values of r0 that meet `cell` at byte `at`, and that miss it in the lowest, the highest and a
/// higher bit.
std::array<uint64_t, 4> comparands(uint64_t cell, unsigned bits, unsigned at) {
    const uint64_t c = cell >> 8 * at;
    const uint64_t low = bits == 64 ? c : c & ((uint64_t{1} << bits) - 1);
    return {low, low ^ 1, low ^ uint64_t{1} << (bits - 1), low ^ 0xa5c3'96b1'0000'0000};
}

void check_atomic(const engine &e, insn_id id, unsigned at) {
    const unsigned bits = isa::bits_of(isa::info(id).width);
    const auto offset = static_cast<int16_t>(8 + at);
    const isa::instruction i = is_load_acquire(id) ? make(id, value, address, 0, offset)
                                                   : make(id, address, value, 0, offset);
    std::vector<uint64_t> before, expected;
    for (const uint64_t cell : edge_values()) {
        for (const uint64_t src : edge_values()) {
            for (const uint64_t r0 : comparands(cell, bits, at)) {
                const std::array<uint64_t, atomic_words> record{~cell, cell, ~src, src, r0};
                before.insert(before.end(), record.begin(), record.end());
                const auto after = after_atomic(i, bits, at, record);
                expected.insert(expected.end(), after.begin(), after.end());
            }
        }
    }
    expect_records(e, fmt::format("{} at byte {}", name_of(id), at),
                   for_each_record(atomic_body(i), atomic_words), before, expected, atomic_words);
}

TEST_P(opaque_memory, atomics_leave_neighbours_alone) {
    for (const insn_id id : rows_of(operation_kind::atomic)) {
        const unsigned bytes = isa::bytes_of(isa::info(id).width);
        check_atomic(GetParam(), id, 0);
        if (bytes < 8) check_atomic(GetParam(), id, 8 - bytes);
    }
}

// cmpxchg whose new value is r0 itself, and fetching operations whose operand is the address.
TEST_P(opaque_memory, atomics_whose_operands_are_one_register) {
    std::vector<uint64_t> memory{0x1'0000'0005, 5, 0};
    const outcome o = run(GetParam(), R"(
        ldxdw r0, [r1]
        lock cmpxchg32 [r1+8], r0    # meets on 32 bits: the cell stays 5, r0 loses its upper half
        stxdw [r1+16], r0
        mov r2, r1
        lock xchg [r2], r2           # the cell becomes the address, r2 the old cell
        ldxdw r3, [r1]
        sub r3, r1
        mov r0, r2
        add r0, r3
        exit)",
                          bytes_of(memory));
    ASSERT_EQ(o.error, "");
    EXPECT_EQ(o.r0, 0x1'0000'0005U);
    EXPECT_EQ(words_of(o.memory)[1], 5U);
    EXPECT_EQ(words_of(o.memory)[2], 5U);
}

// --- legacy packet access

/// One packet load: in a function of its own, since a miss ends the function.
struct packet_case {
    insn_id id;
    int32_t imm;
    uint64_t index;
};

bool is_indirect(insn_id id) { return isa::info(id).shape == isa::shape::packet_ind; }

std::vector<packet_case> packet_cases(std::size_t packet_size) {
    const auto n = static_cast<int32_t>(packet_size);
    std::vector<packet_case> cases;
    for (const insn_id id : rows_of(operation_kind::packet)) {
        const auto w = static_cast<int32_t>(isa::bytes_of(isa::info(id).width));
        if (not is_indirect(id)) {
            for (const int32_t imm : {0, 1, n - w - 1, n - w, n - w + 1, n - 1, n, n + 1, -1, -w,
                                      -n, 0x10000, INT32_MAX, INT32_MAX - w, INT32_MIN}) {
                cases.push_back({id, imm, 0});
            }
            continue;
        }
        for (const int32_t imm : {0, 1, -1, n - w, INT32_MAX, INT32_MIN, 0x1000}) {
            for (const int64_t at :
                 {0, 1, n - w - 1, n - w, n - w + 1, n, -1, INT32_MAX, INT32_MIN}) {
                // `at` is where the access goes if nothing wraps; then as the index alone, and with
                // dirty upper bits.
                cases.push_back({id, imm, static_cast<uint64_t>(at - imm)});
                cases.push_back({id, imm, static_cast<uint64_t>(at)});
                cases.push_back({id, imm, static_cast<uint64_t>(at - imm) ^ 0x7'0000'0000});
            }
        }
    }
    return cases;
}

constexpr std::size_t cases_of_a_program = 50;

/// "Not ended by the load": a bit that no loaded value has.
constexpr uint64_t went_on = uint64_t{1} << 40;

/// Calls a function for each case. r6 walks over pairs of index and result; both lie outside the
/// packet.
std::string packet_program(std::span<const packet_case> cases, const void *pairs) {
    std::string text = fmt::format("lddw r6, {:#x}\n", reinterpret_cast<uintptr_t>(pairs));
    for (std::size_t n = 0; n < cases.size(); ++n) {
        text += fmt::format(
            "ldxdw r2, [r6]\nmov r1, -1\nmov r3, -1\nmov r4, -1\nmov r5, -1\ncall local f{}\n"
            "stxdw [r6+8], r0\nadd r6, 16\n",
            n);
    }
    text += "mov r0, 0\nexit\n";
    for (std::size_t n = 0; n < cases.size(); ++n) {
        const std::string_view mnemonic = isa::info(cases[n].id).mnemonic;
        text += fmt::format("f{}:\nmov r0, -1\n{} {}{}\n", n, mnemonic,
                            is_indirect(cases[n].id) ? "r2, " : "", cases[n].imm);
        // r1 to r5 are zero after the load, as after a call.
        text += fmt::format(
            "add r0, r1\nadd r0, r2\nadd r0, r3\nadd r0, r4\nadd r0, r5\nlddw r2, {:#x}\n"
            "or r0, r2\nexit\n",
            went_on);
    }
    return text;
}

void check_packet_loads(const engine &e, std::span<uint8_t> packet,
                        std::span<const packet_case> cases) {
    std::vector<std::array<uint64_t, 2>> pairs;
    for (const packet_case &c : cases) pairs.push_back({c.index, 0x5555});
    const auto code = assemble(packet_program(cases, pairs.data()));
    const auto vm = make_vm(e);
    ASSERT_EQ(vm->register_region(pairs.data(), pairs.size() * 16, EBPF_PERM_READ_WRITE), 0);
    ASSERT_EQ(vm->load_code(code.data(), code.size()), 0) << vm->error_message();
    int64_t r0 = 0;
    ASSERT_EQ(vm->exec(packet.empty() ? nullptr : packet.data(), packet.size(), r0), 0)
        << vm->error_message();
    for (std::size_t n = 0; n < cases.size(); ++n) {
        const auto [id, imm, index] = cases[n];
        const auto effect =
            reference::packet_load(encoding_of(make(id, 0, 2, imm)), index, packet).value();
        EXPECT_EQ(pairs[n][1], effect.ends_function ? 0 : effect.r0 | went_on)
            << name_of(id) << " imm " << imm << " index " << index << " packet of "
            << packet.size();
    }
}

TEST_P(opaque_memory, packet_loads_at_every_boundary) {
    for (const std::size_t size : {0U, 1U, 2U, 3U, 4U, 5U, 8U, 64U}) {
        std::vector<uint8_t> packet(size);
        for (std::size_t i = 0; i < size; ++i) packet[i] = static_cast<uint8_t>(0x81 + 29 * i);
        const auto cases = packet_cases(packet.size());
        // Optimising compilers need more than twice the time for twice the code.
        for (std::size_t done = 0; done < cases.size(); done += cases_of_a_program) {
            const std::size_t some = std::min(cases_of_a_program, cases.size() - done);
            check_packet_loads(GetParam(), packet, std::span{cases}.subspan(done, some));
        }
    }
}

TEST_P(opaque_memory, packet_load_beyond_the_packet_ends_the_program_with_0) {
    const std::vector<uint8_t> packet(4, 0xff);
    const outcome o =
        run(GetParam(), "mov r6, r1\nmov r0, 7\nldabsw 1\nstb [r6], 0\nmov r0, 1\nexit", packet);
    EXPECT_EQ(o.error, "");
    EXPECT_EQ(o.r0, 0U);
    EXPECT_EQ(o.memory, packet);
    EXPECT_EQ(o.fault.kind, compat::fault_kind::none);
}

TEST_P(opaque_memory, packet_loads_keep_their_range_without_bounds_checks) {
    const std::vector<uint8_t> packet(4, 0xff);
    for (const std::string_view text : {"mov r0, 7\nldabsb 4\nmov r0, 1\nexit",
                                        "mov r0, 7\nmov r2, -1\nldindb r2, 0\nmov r0, 1\nexit"}) {
        const outcome o = run(GetParam(), text, packet, {.bounds_checks = false});
        EXPECT_EQ(o.error, "");
        EXPECT_EQ(o.r0, 0U) << text;
    }
}

// The packet stays the packet when r1 is something else, in callees too.
TEST_P(opaque_memory, packet_loads_need_no_pointer) {
    const outcome o = run(GetParam(), R"(
        mov r6, 5
        mov r1, 0
        call local f
        add r0, r6
        exit
        f: mov r6, 1
        ldindh r6, 1
        exit)",
                          std::vector<uint8_t>{1, 2, 3, 4});
    EXPECT_EQ(o.error, "");
    EXPECT_EQ(o.r0, 0x0304U + 5U);
}

INSTANTIATE_TEST_SUITE_P(all, opaque_memory, testing::ValuesIn(engines()), engine_name{});
INSTANTIATE_TEST_SUITE_P(blinded, opaque_memory, testing::ValuesIn(blinding_engines().first(1)),
                         engine_name{});

}  // namespace

}  // namespace bpftime::vm::test
