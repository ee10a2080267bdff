// bpftime-vm: tests that what is found of programs is true of all their runs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "concrete.hpp"
#include "isa/text.hpp"
#include "number.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace bpftime::vm::analysis::test {
namespace {

using isa::insn_id;
using isa::instruction;

/// A random program made of what compilers make, with constants that are off by a little.
class generator {
public:
    /// `is_tangled`: of what no compiler makes, with paths that meet and cross all over.
    generator(std::mt19937_64 &random, bool has_packet, bool is_tangled)
        : random_{random}, has_packet_{has_packet}, is_tangled_{is_tangled} {
        for (int32_t &n : favourites_) n = static_cast<int32_t>(roll(16)) - 2;
    }

    struct result {
        std::vector<uint8_t> code;
        std::map<uint32_t, wide_value> wides;
    };

    result make() {
        const uint64_t functions = 1 + roll(3);
        for (uint64_t f = 0; f < functions; ++f) {
            entries_.push_back(static_cast<uint32_t>(insns_.size()));
            make_function(f == 0);
        }
        for (const auto &[at, callee] : calls_) {
            const uint32_t to = entries_[callee % entries_.size()];
            insns_[at].imm = static_cast<int32_t>(to) - static_cast<int32_t>(at) - 1;
        }
        result out{{}, wides_};
        for (const instruction &i : insns_) {
            std::array<uint8_t, isa::slot_size> slot{};
            if (i.id == insn_id::none)
                isa::write_slot({.imm = i.imm}, slot);
            else
                isa::write_slot(isa::encode(i), slot);
            out.code.insert(out.code.end(), slot.begin(), slot.end());
        }
        return out;
    }

private:
    uint64_t roll(uint64_t sides) { return random_() % sides; }
    template <typename T>
    T pick(std::initializer_list<T> choices) {
        return choices.begin()[roll(choices.size())];
    }
    uint8_t any_register() { return static_cast<uint8_t>(roll(10)); }
    uint8_t kept_register() { return static_cast<uint8_t>(6 + roll(4)); }
    int32_t near(int32_t value) {
        return roll(3) == 0 ? value + static_cast<int32_t>(roll(5)) - 2 : value;
    }
    int32_t small() {
        return pick({0, 1, 2, 3, 4, 7, 8, 12, 16, 24, 31, 32, 63, 64, -1, -2, -8, -16, 255});
    }
    int16_t slot() { return static_cast<int16_t>(-8 * static_cast<int>(1 + roll(8))); }

    void put(const instruction &i) { insns_.push_back(i); }
    [[nodiscard]] uint32_t here() const { return static_cast<uint32_t>(insns_.size()); }
    void put_wide(uint8_t dst, const wide_value &given) {
        wides_[here()] = given;
        put({.id = insn_id::lddw, .dst = dst, .imm = small()});
        put({.id = insn_id::none});
    }
    /// Jumps to the function's end, or to some instruction later or earlier.
    void put_branch(insn_id id, uint8_t dst, uint8_t src, int32_t imm) {
        branches_.push_back(here());
        put({.id = id, .dst = dst, .src = src, .imm = imm});
    }

    insn_id any_branch(bool with_imm) {
        return with_imm ? pick({insn_id::jeq64_imm, insn_id::jne64_imm, insn_id::jgt64_imm,
                                insn_id::jge64_imm, insn_id::jlt64_imm, insn_id::jle64_imm,
                                insn_id::jset64_imm, insn_id::jsgt64_imm, insn_id::jsge64_imm,
                                insn_id::jslt64_imm, insn_id::jsle64_imm, insn_id::jeq32_imm,
                                insn_id::jne32_imm, insn_id::jgt32_imm, insn_id::jlt32_imm,
                                insn_id::jset32_imm, insn_id::jsgt32_imm, insn_id::jslt32_imm})
                        : pick({insn_id::jeq64_reg, insn_id::jne64_reg, insn_id::jgt64_reg,
                                insn_id::jge64_reg, insn_id::jlt64_reg, insn_id::jle64_reg,
                                insn_id::jset64_reg, insn_id::jsgt64_reg, insn_id::jsge64_reg,
                                insn_id::jslt64_reg, insn_id::jsle64_reg, insn_id::jeq32_reg,
                                insn_id::jne32_reg, insn_id::jgt32_reg, insn_id::jlt32_reg,
                                insn_id::jle32_reg, insn_id::jslt32_reg});
    }
    insn_id any_loop_end() {
        return pick({insn_id::jne64_reg, insn_id::jne64_reg, insn_id::jlt64_reg, insn_id::jlt64_reg,
                     insn_id::jle64_reg, insn_id::jslt64_reg, insn_id::jlt32_reg,
                     insn_id::jne32_reg});
    }

    void put_load(uint8_t dst, uint8_t src, int32_t offset) {
        put({.id = pick({insn_id::ldxb, insn_id::ldxh, insn_id::ldxw, insn_id::ldxdw,
                         insn_id::ldxsb, insn_id::ldxsh, insn_id::ldxsw}),
             .dst = dst,
             .src = src,
             .offset = static_cast<int16_t>(offset)});
    }
    void put_access(uint8_t base, int32_t offset) {
        const auto at = static_cast<int16_t>(offset);
        switch (roll(6)) {
        case 0:
            put({.id = pick({insn_id::stxb, insn_id::stxh, insn_id::stxw, insn_id::stxdw}),
                 .dst = base,
                 .src = any_register(),
                 .offset = at});
            return;
        case 1:
            put({.id = pick({insn_id::stb, insn_id::stw, insn_id::stdw}),
                 .dst = base,
                 .offset = at,
                 .imm = small()});
            return;
        case 2:
            put({.id = pick({insn_id::lock_fetch_add64, insn_id::lock_xchg64, insn_id::lock_add32,
                             insn_id::lock_cmpxchg64, insn_id::lock_xchg32}),
                 .dst = base,
                 .src = any_register(),
                 .offset = at});
            return;
        default: put_load(static_cast<uint8_t>(roll(6)), base, offset);
        }
    }

    void any_arithmetic() {
        const uint8_t dst = any_register();
        switch (roll(4)) {
        case 0:
            put({.id = pick({insn_id::add64_imm, insn_id::sub64_imm, insn_id::and64_imm,
                             insn_id::or64_imm, insn_id::lsh64_imm, insn_id::rsh64_imm,
                             insn_id::arsh64_imm, insn_id::mul64_imm, insn_id::div64_imm,
                             insn_id::mod64_imm, insn_id::xor64_imm, insn_id::add32_imm,
                             insn_id::and32_imm, insn_id::sub32_imm, insn_id::mov64_imm,
                             insn_id::mov32_imm, insn_id::lsh32_imm, insn_id::rsh32_imm}),
                 .dst = dst,
                 .imm = shift_safe(small())});
            return;
        case 1:
            put({.id = pick({insn_id::add64_reg, insn_id::sub64_reg, insn_id::mov64_reg,
                             insn_id::mov64_reg, insn_id::mov32_reg, insn_id::and64_reg,
                             insn_id::or64_reg, insn_id::mul64_reg, insn_id::div64_reg,
                             insn_id::mod64_reg, insn_id::sdiv64_reg, insn_id::smod32_reg,
                             insn_id::lsh64_reg, insn_id::rsh32_reg, insn_id::arsh32_reg,
                             insn_id::add32_reg, insn_id::sub32_reg, insn_id::xor64_reg}),
                 .dst = dst,
                 .src = roll(8) == 0 ? uint8_t{10} : any_register()});
            return;
        case 2: put({.id = pick({insn_id::neg64, insn_id::neg32}), .dst = dst}); return;
        default:
            put({.id = pick({insn_id::movsx8_64, insn_id::movsx16_32, insn_id::movsx32_64}),
                 .dst = dst,
                 .src = any_register()});
        }
    }
    static int32_t shift_safe(int32_t imm) { return imm; }

    // --- idioms

    /// r6: input, r7: its length, r8: its end.
    void prologue() {
        if (has_packet_) {
            put({.id = insn_id::mov64_reg, .dst = 9, .src = 1});
            load_packet();
            return;
        }
        put({.id = insn_id::mov64_reg, .dst = 6, .src = 1});
        put({.id = insn_id::mov64_reg, .dst = 7, .src = 2});
        put({.id = insn_id::mov64_reg, .dst = 8, .src = 1});
        if (roll(3) == 0) {
            put({.id = insn_id::and64_imm, .dst = 2, .imm = pick({-2, -4, -8})});
            put({.id = insn_id::mov64_reg, .dst = 7, .src = 2});
        }
        put({.id = insn_id::add64_reg, .dst = 8, .src = 2});
    }
    void load_packet() {
        put({.id = insn_id::ldxdw, .dst = 6, .src = 9, .offset = 0});
        put({.id = insn_id::ldxdw, .dst = 8, .src = 9, .offset = 8});
        if (roll(2) == 0) {
            put({.id = insn_id::mov64_reg, .dst = 7, .src = 8});
            put({.id = insn_id::sub64_reg, .dst = 7, .src = 6});
        } else {
            put({.id = insn_id::ldxdw, .dst = 7, .src = 9, .offset = 16});
        }
    }

    void check_length() {
        const int32_t bytes = static_cast<int32_t>(1 + roll(24));
        if (roll(2) == 0) {
            put_branch(pick({insn_id::jlt64_imm, insn_id::jle64_imm, insn_id::jslt64_imm,
                             insn_id::jlt32_imm}),
                       7, 0, bytes);
        } else {
            const auto r = static_cast<uint8_t>(1 + roll(5));
            put({.id = insn_id::mov64_reg, .dst = r, .src = 6});
            put({.id = insn_id::add64_imm, .dst = r, .imm = near(bytes)});
            put_branch(pick({insn_id::jgt64_reg, insn_id::jge64_reg}), r, 8, 0);
            if (roll(2) == 0) put_access(r, -bytes + near(0));
        }
        put_access(6, near(bytes) - pick({1, 2, 4, 8}));
    }

    void index_loop() {
        const auto i = static_cast<uint8_t>(1 + roll(2));
        const auto p = static_cast<uint8_t>(3 + roll(2));
        const uint8_t limit = roll(4) == 0 ? 5 : 7;
        const int32_t step = pick({1, 1, 1, 2, 4});
        if (limit == 5) {
            put({.id = insn_id::mov64_reg, .dst = 5, .src = 7});
            put({.id = insn_id::rsh64_imm, .dst = 5, .imm = pick({1, 2, 3})});
        }
        if (roll(4) != 0) put_branch(insn_id::jeq64_imm, limit, 0, near(0));
        put({.id = insn_id::mov64_imm, .dst = i, .imm = near(0)});
        const bool moves = roll(3) == 0;
        if (moves) put({.id = insn_id::mov64_reg, .dst = p, .src = 6});
        const uint32_t head = here();
        if (not moves) {
            put({.id = insn_id::mov64_reg, .dst = p, .src = 6});
            if (roll(3) == 0) {
                put({.id = insn_id::mov64_reg, .dst = 0, .src = i});
                put({.id = insn_id::lsh64_imm, .dst = 0, .imm = pick({1, 2, 3})});
                put({.id = insn_id::add64_reg, .dst = p, .src = 0});
            } else {
                put({.id = insn_id::add64_reg, .dst = p, .src = i});
            }
        }
        put_load(0, p, near(0));
        if (roll(3) == 0) any_statement();
        if (moves) put({.id = insn_id::add64_imm, .dst = p, .imm = pick({1, 2, 4, 8})});
        put({.id = roll(6) == 0 ? insn_id::add32_imm : insn_id::add64_imm, .dst = i, .imm = step});
        if (roll(4) == 0)
            put_back(any_branch(true), i, 0, pick({4, 8, 16, 17}), head);
        else
            put_back(any_loop_end(), i, limit, 0, head);
    }

    void pointer_loop() {
        const auto p = static_cast<uint8_t>(1 + roll(5));
        put({.id = insn_id::mov64_reg, .dst = p, .src = 6});
        if (roll(3) == 0)
            put({.id = insn_id::add64_imm, .dst = p, .imm = static_cast<int32_t>(roll(4))});
        if (roll(4) != 0) put_branch(pick({insn_id::jeq64_reg, insn_id::jge64_reg}), p, 8, 0);
        const uint32_t head = here();
        put_load(0, p, near(0));
        const int32_t step = pick({1, 1, 2, 4, 8});
        put({.id = insn_id::add64_imm, .dst = p, .imm = step});
        if (roll(4) == 0) any_statement();
        put_back(pick({insn_id::jne64_reg, insn_id::jlt64_reg, insn_id::jle64_reg}), p, 8, 0, head);
    }

    /// Bytes left, counted down.
    void countdown_loop() {
        put({.id = insn_id::mov64_reg, .dst = 1, .src = 6});
        put({.id = insn_id::mov64_reg, .dst = 2, .src = 7});
        const int32_t step = pick({1, 4, 8});
        put_branch(insn_id::jlt64_imm, 2, 0, near(step));
        const uint32_t head = here();
        put_load(0, 1, near(0));
        put({.id = insn_id::add64_imm, .dst = 1, .imm = step});
        put({.id = insn_id::add64_imm, .dst = 2, .imm = -step});
        put_back(insn_id::jgt64_imm, 2, 0, near(step - 1), head);
    }

    void put_back(insn_id id, uint8_t dst, uint8_t src, int32_t imm, uint32_t head) {
        put({.id = id,
             .dst = dst,
             .src = src,
             .offset = static_cast<int16_t>(static_cast<int>(head) - static_cast<int>(here()) - 1),
             .imm = imm});
    }

    void spill() {
        const int16_t at = slot();
        put({.id = insn_id::stxdw, .dst = 10, .src = any_register(), .offset = at});
        for (uint64_t n = roll(3); n > 0; --n) any_statement();
        put({.id = insn_id::ldxdw, .dst = any_register(), .src = 10, .offset = at});
    }

    void call_any_helper() {
        const int16_t at = slot();
        switch (roll(8)) {
        case 0:
        case 1: {
            put_wide(1, {.what = wide_value::kind::map, .index = 0});
            put({.id = insn_id::mov64_reg, .dst = 2, .src = 10});
            put({.id = insn_id::add64_imm, .dst = 2, .imm = near(at)});
            put({.id = insn_id::call, .imm = lookup});
            if (roll(4) != 0) put_branch(insn_id::jeq64_imm, 0, 0, 0);
            put_access(0, pick({0, 4, 8, 12, 14, 16}));
            if (roll(3) == 0) put({.id = insn_id::mov64_reg, .dst = kept_register(), .src = 0});
            return;
        }
        case 2:
        case 3:
            put({.id = insn_id::mov64_reg,
                 .dst = 1,
                 .src = roll(3) == 0 ? kept_register() : uint8_t{10}});
            put({.id = insn_id::add64_imm, .dst = 1, .imm = near(at)});
            if (roll(2) == 0)
                put({.id = insn_id::mov64_imm, .dst = 2, .imm = near(8)});
            else
                put({.id = insn_id::and64_imm, .dst = 2, .imm = 15});
            put({.id = insn_id::call,
                 .imm = static_cast<int32_t>(pick<uint32_t>({fill, fill, sum}))});
            return;
        case 4:
            put({.id = insn_id::call, .imm = give});
            if (roll(4) != 0) put_branch(insn_id::jeq64_imm, 0, 0, 0);
            put_access(0, pick({0, 8, 16, 20, 24}));
            if (roll(2) == 0) put({.id = insn_id::mov64_reg, .dst = kept_register(), .src = 0});
            return;
        case 5:
            put({.id = insn_id::mov64_reg, .dst = 1, .src = any_register()});
            put({.id = insn_id::call,
                 .imm = static_cast<int32_t>(pick<uint32_t>({drop, tick, resize}))});
            if (has_packet_ and roll(2) == 0) load_packet();
            return;
        case 6: put({.id = insn_id::call, .imm = opaque}); return;
        default:
            put_wide(static_cast<uint8_t>(1 + roll(5)), {.what = wide_value::kind::memory,
                                                         .index = 1,
                                                         .size = memory_bytes,
                                                         .offset = roll(5) * 8,
                                                         .allowed = permission::read_write});
            put_access(static_cast<uint8_t>(1 + roll(5)), pick({0, 8, 16, 24, 28, -4}));
        }
    }

    /// An object that is used, given back or not, and used again.
    void use_object() {
        const uint8_t kept = kept_register();
        put({.id = insn_id::call, .imm = give});
        put_branch(insn_id::jeq64_imm, 0, 0, 0);
        put({.id = insn_id::mov64_reg, .dst = kept, .src = 0});
        put_access(kept, 8);
        put({.id = insn_id::mov64_reg, .dst = 1, .src = roll(3) == 0 ? any_register() : kept});
        put({.id = insn_id::call, .imm = static_cast<int32_t>(pick<uint32_t>({drop, drop, tick}))});
        put_access(kept, 8);
    }

    void call_function() {
        if (roll(2) == 0) {
            put({.id = insn_id::mov64_reg,
                 .dst = 1,
                 .src = roll(2) == 0 ? uint8_t{10} : uint8_t{6}});
            if (roll(2) == 0) put({.id = insn_id::add64_imm, .dst = 1, .imm = slot()});
            put({.id = insn_id::mov64_reg,
                 .dst = 2,
                 .src = roll(2) == 0 ? uint8_t{7} : uint8_t{8}});
        }
        calls_.emplace_back(here(), static_cast<uint32_t>(roll(3)));
        put({.id = insn_id::call_local, .src = 1});
    }

    /// packet + (slot - packet), and the like.
    void forge() {
        const auto r = static_cast<uint8_t>(1 + roll(5));
        put({.id = insn_id::mov64_reg, .dst = r, .src = 10});
        put({.id = insn_id::sub64_reg, .dst = r, .src = 6});
        const int16_t at = slot();
        put({.id = insn_id::add64_imm, .dst = r, .imm = at});
        put({.id = insn_id::add64_reg, .dst = r, .src = 6});
        // What is in the slot is known, and then it is not.
        if (roll(2) == 0) put({.id = insn_id::stdw, .dst = 10, .offset = at, .imm = small()});
        put_access(r, 0);
        if (roll(2) == 0)
            put({.id = insn_id::ldxdw, .dst = any_register(), .src = 10, .offset = at});
    }

    // --- what no compiler makes

    /// Often one of few, so that words are compared with the same number in many ways.
    int32_t length_or_so() {
        if (roll(2) == 0) return favourites_[roll(favourites_.size())];
        return roll(3) == 0 ? small()
                            : static_cast<int32_t>(roll(48)) - static_cast<int32_t>(roll(8));
    }

    void put_extreme(uint8_t dst) {
        const uint64_t word =
            pick({uint64_t{1} << 63, (uint64_t{1} << 63) - 1, uint64_t{1} << 32,
                  (uint64_t{1} << 32) - 1, uint64_t{1} << 31, (uint64_t{1} << 31) - 1,
                  uint64_t{1} << 56, uint64_t{1} << 57, ~uint64_t{0}, ~uint64_t{0} - 7}) +
            (roll(2) == 0 ? roll(9) : 0);
        put({.id = insn_id::lddw, .dst = dst, .imm = static_cast<int32_t>(word)});
        put({.id = insn_id::none, .imm = static_cast<int32_t>(word >> 32)});
    }

    /// The same word, or nearly, by another name.
    void rename_word() {
        const uint8_t dst = any_register();
        put({.id = insn_id::mov64_reg, .dst = dst, .src = any_register()});
        switch (roll(7)) {
        case 0:
            put({.id = insn_id::and64_imm, .dst = dst, .imm = pick({-1, -1, -2, -4, 63})});
            return;
        case 1: put({.id = insn_id::mov32_reg, .dst = dst, .src = dst}); return;
        case 2: put({.id = insn_id::rsh64_imm, .dst = dst, .imm = pick({0, 1, 2, 3})}); return;
        case 3:
            put({.id = insn_id::lsh64_imm, .dst = dst, .imm = pick({0, 1, 2, 3, 32, 63})});
            return;
        case 4:
            put({.id = pick({insn_id::mul64_imm, insn_id::div64_imm, insn_id::mod64_imm,
                             insn_id::div32_imm, insn_id::mul32_imm}),
                 .dst = dst,
                 .imm = pick({1, 2, 3, 4, 8, 12})});
            return;
        case 5:
            if (roll(2) == 0)
                put({.id = pick({insn_id::le16, insn_id::le32, insn_id::be16, insn_id::swap64}),
                     .dst = dst});
            else
                put({.id = pick({insn_id::movsx32_64, insn_id::movsx8_64}),
                     .dst = dst,
                     .src = dst});
            return;
        default: put({.id = insn_id::or64_imm, .dst = dst, .imm = pick({0, 1, 7})});
        }
    }

    void step_word() {
        const uint8_t dst = any_register();
        if (roll(2) == 0)
            put({.id = pick({insn_id::add64_imm, insn_id::sub64_imm, insn_id::add32_imm,
                             insn_id::sub32_imm}),
                 .dst = dst,
                 .imm = length_or_so()});
        else
            put({.id = pick({insn_id::add64_reg, insn_id::sub64_reg}),
                 .dst = dst,
                 .src = any_register()});
    }

    void compare_words() {
        if (roll(2) == 0)
            put_branch(any_branch(true), any_register(), 0, length_or_so());
        else
            put_branch(any_branch(false), any_register(), any_register(), 0);
    }

    /// A word of which nothing is known, until branches leave few, of which one is `left`.
    void squeeze() {
        const uint8_t word = any_register();
        const auto left = static_cast<int32_t>(roll(20)) - 4;
        put({.id = insn_id::call, .imm = tick});
        if (word != 0) put({.id = insn_id::mov64_reg, .dst = word, .src = 0});
        for (uint64_t n = 2 + roll(8); n > 0; --n) {
            const insn_id id = any_branch(true);
            const int32_t with =
                left + (roll(3) == 0 ? pick({-1000, 1000}) : static_cast<int32_t>(roll(3)) - 1);
            number a = number::constant(static_cast<uint64_t>(int64_t{left}));
            number b = number::constant(static_cast<uint64_t>(int64_t{with}));
            if (refine(isa::info(id).operation, isa::info(id).width, a, b, false))
                put_branch(id, word, 0, with);
        }
        put({.id = insn_id::mov64_reg, .dst = 1, .src = 6});
        put({.id = insn_id::add64_reg, .dst = 1, .src = word});
        put_access(1, pick({0, 0, 1, -1, 8, -8}));
    }

    void use_half_a_slot() {
        const int16_t at = slot();
        put({.id = insn_id::stxdw, .dst = 10, .src = any_register(), .offset = at});
        if (roll(2) == 0) any_tangled_statement();
        if (roll(2) == 0)
            put({.id = pick({insn_id::stxb, insn_id::stxw, insn_id::stxh, insn_id::lock_add32,
                             insn_id::lock_xchg64, insn_id::lock_cmpxchg32}),
                 .dst = 10,
                 .src = any_register(),
                 .offset = static_cast<int16_t>(at + pick({0, 4, -4}))});
        put({.id = pick({insn_id::ldxdw, insn_id::ldxdw, insn_id::ldxw, insn_id::ldxsw,
                         insn_id::ldxh, insn_id::ldxsb}),
             .dst = any_register(),
             .src = 10,
             .offset = at});
    }

    /// r6 + some word.
    void look_behind_start() {
        const auto r = static_cast<uint8_t>(roll(6));
        put({.id = insn_id::mov64_reg,
             .dst = r,
             .src = roll(6) == 0 ? any_register() : uint8_t{6}});
        put({.id = insn_id::add64_reg, .dst = r, .src = any_register()});
        if (roll(2) == 0) compare_words();
        if (roll(3) == 0) put_branch(any_branch(false), r, 8, 0);
        put_access(r, pick({0, 0, 1, 3, 4, 7, -1, -4, -8}));
    }

    /// What was checked once, from elsewhere, after this and that.
    void use_again() {
        const uint8_t from = roll(3) == 0 ? any_register() : uint8_t{6};
        const uint8_t first = any_register();
        const uint8_t second = roll(2) == 0 ? first : any_register();
        const int32_t at = pick({0, 1, 4, 8, -4});
        put({.id = insn_id::mov64_reg, .dst = first, .src = from});
        if (roll(2) == 0) {
            put({.id = insn_id::and64_imm, .dst = 7, .imm = 15});
            put({.id = insn_id::add64_reg, .dst = first, .src = 7});
        }
        put_access(first, at);
        if (second != first) put({.id = insn_id::mov64_reg, .dst = second, .src = first});
        if (roll(3) == 0) any_tangled_statement();
        const int32_t step = roll(2) == 0 ? 0 : length_or_so();
        if (step != 0) put({.id = insn_id::add64_imm, .dst = second, .imm = step});
        if (roll(4) == 0) any_statement();
        put_access(second, at - near(step));
    }

    void any_tangled_statement() {
        switch (roll(18)) {
        case 15: use_again(); return;
        case 0: put_extreme(any_register()); return;
        case 1:
        case 2:
        case 3: rename_word(); return;
        case 4:
        case 5:
        case 6: step_word(); return;
        case 7:
        case 8:
        case 9:
        case 10: compare_words(); return;
        case 11: use_half_a_slot(); return;
        case 12: look_behind_start(); return;
        case 13: put_access(any_register(), small()); return;
        case 14:
            put({.id = insn_id::mov64_reg, .dst = any_register(), .src = kept_register()});
            return;
        case 16: squeeze(); return;
        default: any_statement();
        }
    }

    void any_statement() {
        switch (roll(25)) {
        case 0: check_length(); return;
        case 1: index_loop(); return;
        case 2: pointer_loop(); return;
        case 3: spill(); return;
        case 4:
        case 5: call_any_helper(); return;
        case 6: call_function(); return;
        case 7: forge(); return;
        case 8: put_branch(any_branch(true), any_register(), 0, small()); return;
        case 9:
            put_branch(any_branch(false), any_register(),
                       roll(8) == 0 ? uint8_t{10} : any_register(), 0);
            return;
        case 10: put_access(any_register(), small()); return;
        case 11: put_access(10, slot() + near(0)); return;
        case 12: check_length(); return;
        case 13: countdown_loop(); return;
        case 14: use_object(); return;
        default: any_arithmetic();
        }
    }

    void make_function(bool is_entry) {
        const uint32_t begin = here();
        branches_.clear();
        if (is_entry) {
            prologue();
        } else {
            put({.id = insn_id::mov64_reg, .dst = 6, .src = 1});
            put({.id = insn_id::mov64_reg, .dst = 8, .src = 2});
            if (roll(2) == 0) put({.id = insn_id::mov64_reg, .dst = 7, .src = 2});
        }
        if (is_tangled_) {
            for (uint64_t n = 8 + roll(24); n > 0; --n) any_tangled_statement();
        } else {
            for (uint64_t n = 2 + roll(12); n > 0; --n) any_statement();
        }
        const uint32_t end = here();
        put({.id = insn_id::exit_});
        for (const uint32_t at : branches_) {
            uint32_t to = end;
            const uint64_t where = roll(6);
            if (where == 0 or (is_tangled_ and where > 2))
                to = at + 1 +
                     static_cast<uint32_t>(roll(is_tangled_ ? std::min(end - at, 12U) : end - at));
            if (where == 1) to = begin + static_cast<uint32_t>(roll(end - begin));
            while (insns_[to].id == insn_id::none) ++to;
            insns_[at].offset =
                static_cast<int16_t>(static_cast<int>(to) - static_cast<int>(at) - 1);
        }
    }

    std::mt19937_64 &random_;
    bool has_packet_;
    bool is_tangled_;
    std::array<int32_t, 3> favourites_{};
    std::vector<instruction> insns_;
    std::vector<uint32_t> entries_;
    std::vector<uint32_t> branches_;
    std::vector<std::pair<uint32_t, uint32_t>> calls_;
    std::map<uint32_t, wide_value> wides_;
};

std::string text_of(const program &p) {
    std::string text;
    for (uint32_t pc = 0; pc < p.size(); ++pc) {
        if (p.insn(pc).id != insn_id::none) text += fmt::format("{:4} {}\n", pc, p.text_at(pc));
    }
    return text;
}

/// More rounds than usual, for campaigns.
uint64_t rounds_from_environment(uint64_t usual) {
    const char *const rounds = std::getenv("BPFTIME_VM_ANALYSIS_ROUNDS");
    return rounds == nullptr ? usual : std::strtoull(rounds, nullptr, 10);
}
uint64_t first_seed() {
    const char *const seed = std::getenv("BPFTIME_VM_ANALYSIS_SEED");
    return seed == nullptr ? 1 : std::strtoull(seed, nullptr, 10);
}

struct soundness : testing::TestWithParam<effort> {
    void compare_runs(bool is_tangled, uint64_t least_proven);
};

void soundness::compare_runs(bool is_tangled, uint64_t least_proven) {
    comparison counts;
    uint64_t loaded = 0;
    const uint64_t first = first_seed();
    const uint64_t rounds = rounds_from_environment(4000);
    for (uint64_t seed = first; seed < first + rounds; ++seed) {
        std::mt19937_64 random{seed};
        test_world world;
        world.has_packet = random() % 3 == 0;
        world.writes_input = random() % 2 == 0;
        world.least_size = random() % 3 == 0 ? random() % 20 : 0;
        const auto made = generator{random, world.has_packet, is_tangled}.make();
        world.wides = made.wides;
        const auto p = program::load(made.code);
        if (not p) continue;
        ++loaded;
        const facts f = facts::analyse(*p, world, GetParam());
        known_states known{*p, f};
        for (int run = 0; run < 12; ++run) {
            const std::string difference = compare_run(known, world, random, counts);
            ASSERT_EQ(difference, "") << "seed " << seed << "\n" << text_of(*p);
        }
    }
    EXPECT_GT(loaded, rounds / 2);
    std::printf("%llu programs, %llu steps, accesses: %llu proven, %llu covered, %llu checked\n",
                static_cast<unsigned long long>(loaded),
                static_cast<unsigned long long>(counts.steps),
                static_cast<unsigned long long>(counts.proven),
                static_cast<unsigned long long>(counts.covered),
                static_cast<unsigned long long>(counts.checked));
    // The comparison is worth something only if there are proofs to be wrong.
    EXPECT_GT(counts.proven, counts.steps / least_proven);
}

TEST_P(soundness, holds_in_every_run) { compare_runs(false, 50); }
TEST_P(soundness, holds_in_every_run_of_tangled_programs) { compare_runs(true, 200); }

INSTANTIATE_TEST_SUITE_P(efforts, soundness, testing::Values(effort::full, effort::quick),
                         [](const auto &how) {
                             return how.param == effort::full ? "full" : "quick";
                         });

}  // namespace
}  // namespace bpftime::vm::analysis::test
