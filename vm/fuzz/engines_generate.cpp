// bpftime-vm: random programs with what optimisers care about: loops that count, moving pointers
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "engines_generate.hpp"

#include "helper_arguments.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace bpftime::vm::fuzz {

namespace {

using isa::insn_id;

constexpr uint8_t memory_register = 6;
constexpr uint8_t stack_register = isa::frame_pointer;
constexpr auto general = std::to_array<uint8_t>({0, 1, 2, 3, 4, 5, 7, 8, 9});
constexpr auto loads =
    std::to_array({insn_id::ldxb, insn_id::ldxh, insn_id::ldxw, insn_id::ldxdw, insn_id::ldxdw,
                   insn_id::ldxsb, insn_id::ldxsh, insn_id::ldxsw});
constexpr auto stores =
    std::to_array({insn_id::stxb, insn_id::stxh, insn_id::stxw, insn_id::stxdw, insn_id::stxdw});
constexpr auto arithmetic =
    std::to_array({insn_id::add64_reg, insn_id::sub64_reg, insn_id::mul64_reg, insn_id::xor64_reg,
                   insn_id::and64_reg, insn_id::or64_reg, insn_id::lsh64_reg, insn_id::rsh64_reg,
                   insn_id::add32_reg, insn_id::mov32_reg, insn_id::div64_reg, insn_id::smod64_reg,
                   insn_id::arsh32_reg, insn_id::mov64_reg});
constexpr auto comparisons =
    std::to_array({insn_id::jeq64_reg, insn_id::jne64_reg, insn_id::jgt64_reg, insn_id::jge64_reg,
                   insn_id::jlt64_reg, insn_id::jsgt64_reg, insn_id::jsle64_reg,
                   insn_id::jset64_reg, insn_id::jeq32_reg, insn_id::jlt32_reg});
constexpr auto atomics =
    std::to_array({insn_id::lock_add64, insn_id::lock_fetch_add64, insn_id::lock_fetch_or32,
                   insn_id::lock_xchg64, insn_id::lock_cmpxchg64, insn_id::lock_cmpxchg32,
                   insn_id::lock_xor32, insn_id::load_acquire64, insn_id::store_release32});

/// What a register is believed to point at: bytes that lie around it. Nothing: a number.
struct belief {
    int64_t below = 0;
    int64_t above = 0;

    [[nodiscard]] bool is_pointer() const noexcept { return below + above != 0; }
};

class writer {
public:
    writer(random_source &random, const busy_options &options, draft &d)
        : random_{random}, options_{options}, d_{d} {}

    /// `function` of `count`; calls go to later ones, mostly, and are closed by the caller.
    void write_function(std::size_t function, std::size_t count) {
        function_ = function;
        functions_ = count;
        known_ = {};
        // The entry function has the input memory in r1, the others get it in r2.
        const uint8_t memory = function == 0 ? 1 : 2;
        put({.id = insn_id::mov64_reg, .dst = memory_register, .src = memory});
        known_[memory_register] = {0, static_cast<int64_t>(options_.memory_size)};
        known_[stack_register] = {static_cast<int64_t>(options_.stack_size), 0};
        if (function != 0) known_[1] = {16, 16};
        for (std::size_t n = 1 + random_.below(options_.most_statements); n > 0; --n) write_any(2);
        if (random_.chance(70))
            put({.id = insn_id::mov64_reg, .dst = 0, .src = random_.pick(general)});
        put({.id = insn_id::exit_});
    }

    /// Calls: statement, and the function that it calls.
    std::vector<std::pair<std::size_t, std::size_t>> calls;

private:
    void put(const isa::instruction &insn) { d_.statements.push_back({.insn = insn}); }
    [[nodiscard]] std::size_t here() const { return d_.statements.size(); }

    uint8_t any() { return random_.pick(general); }

    uint8_t pointer() {
        std::vector<uint8_t> pointers;
        for (std::size_t r = 0; r < known_.size(); ++r) {
            if (known_[r].is_pointer()) pointers.push_back(static_cast<uint8_t>(r));
        }
        return random_.chance(97) ? random_.pick(pointers) : any();
    }

    int16_t offset_for(uint8_t base, int64_t size) {
        const belief b = known_[base];
        const int64_t room = b.below + b.above - size;
        int64_t at = 0;
        if (room >= 0) {
            at = static_cast<int64_t>(random_.below(static_cast<uint64_t>(room) + 1)) - b.below;
            // Aligned, mostly, so that atomics succeed and slots are met again.
            if (random_.chance(90)) at -= (at % 8 + 8) % 8;
            at = std::max(at, -b.below);
        }
        if (random_.chance(2)) at += static_cast<int64_t>(random_.below(32)) - 16;
        return static_cast<int16_t>(at);
    }

    void forget(uint8_t reg) {
        if (reg != stack_register and reg != memory_register) known_[reg] = {};
    }

    void write_any(unsigned depth) {
        switch (random_.below(depth != 0 ? 16 : 12)) {
        case 0: return write_pointer();
        case 1: return move_pointer();
        case 2:
        case 3: return write_load();
        case 4:
        case 5: return write_store();
        case 6: return spill_pointer();
        case 7: return write_number();
        case 8:
        case 9: return write_arithmetic();
        case 10: return write_atomic();
        case 11: return write_variable_offset();
        case 12: return write_branch(depth);
        case 13: return write_loop(depth);
        case 14: return write_call();
        default: return write_helper();
        }
    }

    void write_pointer() {
        const uint8_t dst = any();
        const uint8_t src = random_.chance(60) ? stack_register : memory_register;
        put({.id = insn_id::mov64_reg, .dst = dst, .src = src});
        known_[dst] = known_[src];
        if (random_.chance(80)) {
            const int16_t by = offset_for(src, 8);
            put({.id = insn_id::add64_imm, .dst = dst, .imm = by});
            known_[dst] = {known_[src].below + by, known_[src].above - by};
        }
    }

    void move_pointer() {
        const uint8_t src = pointer();
        const uint8_t dst = any();
        put({.id = insn_id::mov64_reg, .dst = dst, .src = src});
        known_[dst] = known_[src];
    }

    void write_load() {
        const insn_id id = random_.pick(loads);
        const uint8_t src = pointer();
        const uint8_t dst = any();
        const int16_t offset = offset_for(src, isa::bytes_of(isa::info(id).width));
        put({.id = id, .dst = dst, .src = src, .offset = offset});
        known_[dst] = {};
    }

    void write_store() {
        const insn_id id = random_.pick(stores);
        const uint8_t dst = pointer();
        const int16_t offset = offset_for(dst, isa::bytes_of(isa::info(id).width));
        const uint8_t src = random_.chance(85) ? any() : stack_register;
        put({.id = id, .dst = dst, .src = src, .offset = offset});
    }

    /// A pointer into memory and, mostly, back.
    void spill_pointer() {
        const uint8_t value = pointer();
        const uint8_t base = random_.chance(70) ? stack_register : pointer();
        const int16_t offset = offset_for(base, 8);
        put({.id = insn_id::stxdw, .dst = base, .src = value, .offset = offset});
        if (random_.chance(30)) write_any(0);
        const uint8_t dst = any();
        put({.id = insn_id::ldxdw, .dst = dst, .src = base, .offset = offset});
        known_[dst] = known_[value];
    }

    void write_number() {
        const uint8_t dst = any();
        put({.id = insn_id::mov64_imm,
             .dst = dst,
             .imm = static_cast<int32_t>(random_.interesting())});
        known_[dst] = {};
    }

    void write_arithmetic() {
        const insn_id id = random_.pick(arithmetic);
        const uint8_t dst = any();
        const uint8_t src = random_.chance(80) ? any() : stack_register;
        put({.id = id, .dst = dst, .src = src});
        known_[dst] = id == insn_id::mov64_reg ? known_[src] : belief{};
    }

    void write_atomic() {
        const insn_id id = random_.pick(atomics);
        const bool is_load = isa::info(id).operation == isa::operation::load_acquire;
        const uint8_t base = pointer();
        const uint8_t value = any();
        const int16_t offset = offset_for(base, isa::bytes_of(isa::info(id).width));
        put({.id = id,
             .dst = is_load ? value : base,
             .src = is_load ? base : value,
             .offset = offset});
        forget(value);
        forget(0);
    }

    /// pointer + number, where the number may be anything, or is forced to be small; or the number
    /// + pointer; or pointer - pointer + pointer.
    void write_variable_offset() {
        const uint8_t base = random_.chance(60) ? stack_register : pointer();
        const uint8_t dst = any();
        uint8_t number = any();
        if (number == dst) number = dst == 9 ? 8 : 9;
        switch (random_.below(3)) {
        case 0:
            put({.id = insn_id::and64_imm, .dst = number, .imm = 0x38});
            put({.id = insn_id::mov64_reg, .dst = dst, .src = base});
            put({.id = random_.chance(50) ? insn_id::sub64_reg : insn_id::add64_reg,
                 .dst = dst,
                 .src = number});
            forget(number);
            break;
        case 1:
            put({.id = insn_id::and64_imm, .dst = number, .imm = 0x38});
            put({.id = insn_id::mov64_reg, .dst = dst, .src = number});
            put({.id = insn_id::add64_reg, .dst = dst, .src = base});
            forget(number);
            break;
        default: {
            const uint8_t other = pointer();
            put({.id = insn_id::mov64_reg, .dst = dst, .src = base});
            put({.id = insn_id::sub64_reg, .dst = dst, .src = other});
            put({.id = insn_id::add64_reg, .dst = dst, .src = other});
        }
        }
        known_[dst] = known_[base];
        if (base == stack_register) known_[dst] = {256, -64};
        known_[dst].below = std::min<int64_t>(known_[dst].below, 256);
    }

    void write_branch(unsigned depth) {
        const std::size_t at = here();
        put({.id = random_.pick(comparisons), .dst = any(), .src = any()});
        for (std::size_t n = 1 + random_.below(3); n > 0; --n) write_any(depth - 1);
        if (random_.chance(30)) {
            const std::size_t skip = here();
            put({.id = insn_id::ja});
            d_.statements[at].target = here();
            for (std::size_t n = 1 + random_.below(3); n > 0; --n) write_any(depth - 1);
            d_.statements[skip].target = here();
        } else {
            d_.statements[at].target = here();
        }
    }

    /// A loop that counts up or down, to a number or to a register, by steps of any size, perhaps
    /// with a second way out. Its body may change the counter.
    void write_loop(unsigned depth) {
        const uint8_t counter = random_.pick(std::to_array<uint8_t>({7, 8, 9}));
        const bool up = random_.chance(60);
        const auto rounds = static_cast<int32_t>(
            random_.chance(90) ? random_.below(40) : random_.interesting() & 0x3fffff);
        const auto step = static_cast<int32_t>(random_.chance(70) ? 1 : 1 + random_.below(4));
        if (random_.chance(85)) {
            put({.id = insn_id::mov64_imm, .dst = counter, .imm = up ? 0 : rounds});
            known_[counter] = {};
        }
        const std::size_t head = here();
        std::size_t way_out = 0;
        for (std::size_t n = random_.below(4); n > 0; --n) write_any(depth - 1);
        if (random_.chance(20)) {
            way_out = here();
            put({.id = random_.pick(comparisons), .dst = any(), .src = any()});
        }
        if (random_.chance(30)) write_walk(counter);
        put({.id = up ? insn_id::add64_imm : insn_id::sub64_imm, .dst = counter, .imm = step});
        close_loop(counter, up, rounds, head);
        if (way_out != 0) d_.statements[way_out].target = here();
    }

    /// Memory at the counter.
    void write_walk(uint8_t counter) {
        const uint8_t base = random_.chance(50) ? stack_register : memory_register;
        const uint8_t at = counter == 9 ? 5 : 9;
        put({.id = insn_id::mov64_reg, .dst = at, .src = base});
        put({.id = base == stack_register ? insn_id::sub64_reg : insn_id::add64_reg,
             .dst = at,
             .src = counter});
        const int16_t offset = base == stack_register ? -8 : 0;
        if (random_.chance(50)) {
            put({.id = random_.pick(loads), .dst = 0, .src = at, .offset = offset});
            put({.id = insn_id::add64_reg, .dst = 4, .src = 0});
            forget(4);
            forget(0);
        } else {
            put({.id = random_.pick(stores), .dst = at, .src = counter, .offset = offset});
        }
        known_[at] = {};
    }

    void close_loop(uint8_t counter, bool up, int32_t rounds, std::size_t head) {
        statement back{.insn = {.dst = counter}, .target = head};
        if (not up) {
            back.insn.id = random_.pick(
                std::to_array({insn_id::jne64_imm, insn_id::jsgt64_imm, insn_id::jgt64_imm}));
        } else if (random_.chance(60)) {
            back.insn.id = random_.pick(
                std::to_array({insn_id::jlt64_imm, insn_id::jslt64_imm, insn_id::jne64_imm,
                               insn_id::jle64_imm, insn_id::jlt32_imm, insn_id::jne32_imm}));
            back.insn.imm = rounds;
        } else {
            back.insn.id = random_.pick(
                std::to_array({insn_id::jlt64_reg, insn_id::jslt64_reg, insn_id::jne64_reg}));
            back.insn.src = any();
        }
        d_.statements.push_back(back);
    }

    void write_call() {
        for (uint8_t r = 1; r <= 5; ++r) {
            if (r != 1 and random_.chance(40)) continue;
            if (random_.chance(60)) {
                put({.id = insn_id::mov64_reg, .dst = r, .src = stack_register});
                const auto by = static_cast<int32_t>(8 * random_.below(8));
                put({.id = insn_id::add64_imm, .dst = r, .imm = -16 - by});
            } else {
                put({.id = insn_id::mov64_reg, .dst = r, .src = pointer()});
            }
        }
        put({.id = insn_id::mov64_reg, .dst = 2, .src = memory_register});
        calls.emplace_back(here(), choose_function());
        if (random_.chance(15)) {
            put({.id = insn_id::lddw_code, .dst = 5});
            put({.id = insn_id::callx, .dst = 5});
        } else {
            put({.id = insn_id::call_local});
        }
        for (uint8_t r = 0; r <= 5; ++r) known_[r] = {};
    }

    std::size_t choose_function() {
        const bool deeper = function_ + 1 < functions_ and random_.chance(90);
        return deeper ? function_ + 1 + random_.below(functions_ - function_ - 1)
                      : random_.below(functions_);
    }

    void write_helper() {
        if (options_.helpers.empty()) return;
        const ebpf_helper &h = random_.pick(options_.helpers);
        const passed_registers passed{.first = pointer(), .second = memory_register};
        for (const isa::instruction &insn : prepare_arguments(h, passed, random_)) {
            if (insn.id == insn_id::lddw_code) calls.emplace_back(here(), choose_function());
            put(insn);
        }
        put({.id = insn_id::call, .imm = static_cast<int32_t>(h.id)});
        for (uint8_t r = 0; r <= 5; ++r) known_[r] = {};
        if (h.result == EBPF_RESULT_POINTER_OR_NULL) known_[0] = {0, h.result_size};
        if (h.ctx_fn != nullptr and h.result == EBPF_RESULT_SCALAR) known_[0] = {0, 21};  // granted
        if (h.result == EBPF_RESULT_MAP_VALUE_OR_NULL) known_[0] = {0, 8};
    }

    random_source &random_;
    const busy_options &options_;
    draft &d_;
    std::array<belief, isa::register_count> known_{};
    std::size_t function_ = 0;
    std::size_t functions_ = 1;
};

}  // namespace

draft generate_busy(random_source &random, const busy_options &options) {
    draft d;
    writer w{random, options, d};
    std::vector<std::size_t> entries;
    const std::size_t count = 1 + random.below(options.most_functions);
    for (std::size_t f = 0; f < count; ++f) {
        entries.push_back(d.statements.size());
        w.write_function(f, count);
    }
    for (const auto &[at, callee] : w.calls) d.statements[at].target = entries[callee];
    return d;
}

}  // namespace bpftime::vm::fuzz
