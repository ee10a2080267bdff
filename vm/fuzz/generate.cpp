// bpftime-vm: programs out of random numbers
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "generate.hpp"

#include "helper_arguments.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <utility>

namespace bpftime::vm::fuzz {

namespace {

using isa::insn_id;
using isa::operation;
using isa::operation_kind;

/// A target that is chosen when all statements are there.
constexpr std::size_t open_target = std::numeric_limits<std::size_t>::max();

// r6 holds the input memory in every function, r10 the stack; the others hold data.
constexpr uint8_t memory_register = 6;
constexpr uint8_t arena_register = 8;
constexpr auto data_registers = std::to_array<uint8_t>({0, 1, 2, 3, 4, 5, 7, 8, 9});
constexpr auto handle_registers = std::to_array<uint8_t>({2, 3, 4, 5, 7, 8, 9});
constexpr auto kept_registers = std::to_array<uint8_t>({7, 8, 9});

/// How often each kind of instruction is chosen, relative to the others.
constexpr unsigned weight_of(operation_kind kind) {
    switch (kind) {
    case operation_kind::alu: return 30;
    case operation_kind::convert: return 8;
    case operation_kind::branch: return 16;
    case operation_kind::jump: return 3;
    case operation_kind::call: return 8;
    case operation_kind::exit: return 1;
    case operation_kind::load: return 14;
    case operation_kind::store: return 12;
    case operation_kind::atomic: return 10;
    case operation_kind::packet: return 2;
    case operation_kind::wide: return 5;
    }
    return 0;
}

const isa::shape_info &form_of(insn_id id) { return isa::info(isa::info(id).shape); }

std::vector<insn_id> rows_where(auto &&condition) {
    std::vector<insn_id> rows;
    for (std::size_t i = 0; i < isa::insn_count; ++i) {
        if (condition(static_cast<insn_id>(i))) rows.push_back(static_cast<insn_id>(i));
    }
    return rows;
}

const std::vector<insn_id> &rows_of(operation_kind kind) {
    static const auto rows = [] {
        std::array<std::vector<insn_id>, static_cast<std::size_t>(operation_kind::wide) + 1>
            by_kind;
        for (std::size_t i = 0; i < by_kind.size(); ++i) {
            by_kind[i] = rows_where(
                [&](insn_id id) { return isa::kind_of(id) == static_cast<operation_kind>(i); });
        }
        return by_kind;
    }();
    return rows[static_cast<std::size_t>(kind)];
}

operation_kind choose_kind(random_source &random) {
    constexpr auto last = static_cast<unsigned>(operation_kind::wide);
    unsigned total = 0;
    for (unsigned k = 0; k <= last; ++k) total += weight_of(static_cast<operation_kind>(k));
    auto left = static_cast<unsigned>(random.below(total));
    for (unsigned k = 0; k < last; ++k) {
        const unsigned weight = weight_of(static_cast<operation_kind>(k));
        if (left < weight) return static_cast<operation_kind>(k);
        left -= weight;
    }
    return operation_kind::wide;
}

/// Writes statements whose targets are still open.
class writer {
public:
    writer(random_source &random, const generator_options &options)
        : random_{random}, options_{options} {}

    std::vector<statement> take() { return std::exchange(out_, {}); }

    void write_prologue() {
        put({.id = insn_id::mov64_reg, .dst = memory_register, .src = 1});
        if (options_.confine_pointers) put({.id = insn_id::mov64_imm, .dst = 1});
        if (options_.arena_map) {
            put({.insn = {.id = insn_id::lddw_map_fd_val,
                          .dst = arena_register,
                          .imm = static_cast<int32_t>(*options_.arena_map)},
                 .next_imm = static_cast<int32_t>(random_.below(16))});
        }
    }

    /// One random instruction, with those before it that give it something to work with.
    void write_any() {
        const insn_id id = choose_row();
        switch (isa::info(id).operation) {
        case operation::callx: write_callx(id); break;
        case operation::gotox: write_gotox(); break;
        case operation::call_helper: write_helper_call(id); break;
        case operation::call_local:
            pass_memory();
            put(fill(id));
            break;
        default: put(fill(id));
        }
    }

    /// A jump through the table, to a place of its own.
    void write_gotox() {
        const uint8_t reg = random_.pick(handle_registers);
        out_.push_back({.insn = {.id = insn_id::lddw, .dst = reg}, .target = open_target});
        put({.id = insn_id::gotox, .dst = reg});
    }

    void write_exit() {
        if (random_.chance(70))
            put({.id = insn_id::mov64_reg, .src = random_.pick(data_registers)});
        put({.id = insn_id::exit_});
    }

private:
    void put(const isa::instruction &insn) { put(statement{.insn = insn}); }

    void put(statement s) {
        if (has_jump_offset(s.insn.id) or has_relative_imm(s.insn.id)) s.target = open_target;
        out_.push_back(s);
    }

    insn_id choose_row() {
        for (;;) {
            const insn_id id = random_.pick(rows_of(choose_kind(random_)));
            const operation op = isa::info(id).operation;
            // No engine runs these: programs that have them are refused, and that is soon known.
            const bool refused = op == operation::call_kfunc or
                                 (op == operation::addr_space_cast and not options_.arena_map);
            const bool has_address =
                isa::is_wide(id) and op != operation::lddw and op != operation::lddw_code;
            if (refused and not random_.chance(2)) continue;
            if (op == operation::call_helper and options_.helpers.empty()) continue;
            if (has_address and options_.confine_pointers) continue;
            return id;
        }
    }

    uint8_t choose_register(bool written) {
        if (options_.confine_pointers or random_.chance(90)) return random_.pick(data_registers);
        return static_cast<uint8_t>(
            random_.below(written ? isa::frame_pointer : isa::register_count));
    }

    statement fill(insn_id id) {
        statement s{.insn = {.id = id}};
        const isa::shape_info &form = form_of(id);
        if (form.dst != isa::register_role::none)
            s.insn.dst = choose_register(form.dst != isa::register_role::read);
        if (form.src != isa::register_role::none)
            s.insn.src = choose_register(form.src != isa::register_role::read);
        if (form.offset == isa::offset_role::memory) choose_place(s.insn);
        if (form.offset == isa::offset_role::index)
            s.insn.offset = static_cast<int16_t>(random_.below(3));
        fill_imm(s, form.imm);
        return s;
    }

    void fill_imm(statement &s, isa::imm_role role) {
        const bool packet = isa::kind_of(s.insn.id) == operation_kind::packet;
        switch (role) {
        case isa::imm_role::value:
            s.insn.imm = static_cast<int32_t>(packet ? random_.below(options_.memory_size + 2)
                                                     : random_.interesting());
            break;
        case isa::imm_role::helper: s.insn.imm = choose_helper(); break;
        case isa::imm_role::kfunc: s.insn.imm = static_cast<int32_t>(random_.interesting()); break;
        case isa::imm_role::spaces: s.insn.imm = random_.chance(50) ? 1 : 0x10000; break;
        case isa::imm_role::wide: {
            const uint64_t value = random_.interesting();
            s.insn.imm = static_cast<int32_t>(value);
            s.next_imm = static_cast<int32_t>(value >> 32);
            break;
        }
        case isa::imm_role::object_offset:
            s.next_imm = static_cast<int32_t>(random_.below(16));
            [[fallthrough]];
        case isa::imm_role::object: s.insn.imm = static_cast<int32_t>(random_.below(5)); break;
        default: break;
        }
    }

    int32_t choose_helper() {
        const bool unknown = options_.helpers.empty() or random_.chance(1);
        return static_cast<int32_t>(unknown ? random_.interesting()
                                            : random_.pick(options_.helpers));
    }

    /// Where a load or store goes: mostly into the stack or the input memory, now and then just
    /// outside, or anywhere.
    void choose_place(isa::instruction &insn) {
        const bool loads = form_of(insn.id).dst == isa::register_role::write;
        const std::size_t bytes = isa::bytes_of(isa::info(insn.id).width);
        if (options_.arena_map and random_.chance(30)) {
            (loads ? insn.src : insn.dst) = arena_register;
            insn.offset = static_cast<int16_t>(random_.below(80)) - 8;
            return;
        }
        const bool stack = random_.chance(50);
        const std::size_t size = stack ? options_.stack_size : options_.memory_size;
        if (random_.chance(95))
            (loads ? insn.src : insn.dst) = stack ? isa::frame_pointer : memory_register;
        auto offset = static_cast<int64_t>(size < bytes ? 0 : random_.below(size / bytes) * bytes);
        if (random_.chance(5))
            offset += static_cast<int64_t>(random_.below(2 * bytes)) - static_cast<int64_t>(bytes);
        if (random_.chance(2)) offset = static_cast<int16_t>(random_.interesting());
        insn.offset = static_cast<int16_t>(stack ? offset - static_cast<int64_t>(size) : offset);
    }

    void write_helper_call(insn_id id) {
        const statement call = fill(id);
        prepare_call(call.insn.imm);
        put(call);
    }

    /// Functions get the input memory in r1; what they get in r2 is a number.
    void prepare_call(int32_t id) {
        const auto known =
            std::ranges::find(options_.declared, static_cast<uint32_t>(id), &ebpf_helper::id);
        const bool takes_words =
            known == options_.declared.end() or known->arguments[0].kind == EBPF_ARG_UNUSED;
        if (takes_words) {
            if (not options_.confine_pointers and random_.chance(50)) pass_memory_and_size();
        } else if (random_.chance(90)) {
            const passed_registers passed{.first = memory_register,
                                          .second = random_.pick(data_registers)};
            for (const isa::instruction &insn : prepare_arguments(*known, passed, random_))
                put(insn);
        }
    }

    void pass_memory() { put({.id = insn_id::mov64_reg, .dst = 1, .src = memory_register}); }

    void pass_memory_and_size() {
        pass_memory();
        put({.id = insn_id::mov64_imm,
             .dst = 2,
             .imm = static_cast<int32_t>(random_.below(options_.memory_size + 2))});
    }

    /// callx of a local function or of a helper. The pointer is passed first, so that no jump meets
    /// the call with it.
    void write_callx(insn_id id) {
        const bool local = options_.helpers.empty() or random_.chance(50);
        uint8_t reg = random_.pick(handle_registers);
        if (local) {
            pass_memory();
            put({.id = insn_id::lddw_code, .dst = reg});
        } else {
            const int32_t helper = choose_helper();
            prepare_call(helper);
            reg = random_.pick(kept_registers);
            put({.id = insn_id::mov64_imm, .dst = reg, .imm = helper});
        }
        if (id == insn_id::callx)
            put({.id = id, .dst = reg});
        else
            put({.id = id, .imm = reg});
    }

    random_source &random_;
    const generator_options &options_;
    std::vector<statement> out_;
};

/// Statements of one function.
struct range {
    std::size_t begin;
    std::size_t end;
};

/// Chooses the targets that are open in `own`: jumps inside it, calls of `entries`.
void close_targets(draft &d, range own, std::span<const std::size_t> entries,
                   random_source &random) {
    const auto jump_from = [&](std::size_t i) {
        const bool conditional = isa::kind_of(d.statements[i].insn.id) == operation_kind::branch;
        const bool back = i + 1 >= own.end or random.chance(conditional ? 20 : 4);
        return back ? own.begin + random.below(i + 1 - own.begin)
                    : i + 1 + random.below(own.end - i - 1);
    };
    const auto call_from = [&](std::size_t i) {
        const auto later = std::ranges::upper_bound(entries, i);
        const bool deeper = later != entries.end() and random.chance(85);
        return random.pick(deeper ? std::span{later, entries.end()} : entries);
    };
    for (std::size_t i = own.begin; i < own.end; ++i) {
        statement &s = d.statements[i];
        if (s.target != open_target) continue;
        const bool call = form_of(s.insn.id).imm == isa::imm_role::function;
        s.target = call ? call_from(i) : jump_from(i);
        if (s.insn.id == insn_id::lddw) d.jump_table.push_back(*s.target);
    }
}

// --- changes

void insert_some(draft &d, random_source &random, const generator_options &options) {
    writer w{random, options};
    w.write_any();
    // Not behind the last statement: control would fall off the end.
    const std::size_t at = d.statements.empty() ? 0 : random.index_below(d.statements.size());
    std::size_t end = at;
    for (const statement &s : w.take()) d.insert(end++, s);
    std::vector<std::size_t> entries{0};
    for (const statement &s : d.statements) {
        const bool refers = s.target.has_value() and s.target.value() != open_target and
                            form_of(s.insn.id).imm == isa::imm_role::function;
        if (refers) entries.push_back(*s.target);
    }
    std::ranges::sort(entries);
    const auto next = std::ranges::upper_bound(entries, at);
    const range own{*std::prev(next),
                    next == entries.end() ? d.statements.size() : std::max(*next, end)};
    close_targets(d, own, entries, random);
}

/// Another row of the same shape: the fields keep their meaning.
void change_row(statement &s, random_source &random) {
    const auto same =
        rows_where([&](insn_id id) { return isa::info(id).shape == isa::info(s.insn.id).shape; });
    s.insn.id = random.pick(same);
}

void change_field(statement &s, random_source &random) {
    const uint64_t value = random.interesting();
    switch (random.below(5)) {
    case 0: s.insn.dst = static_cast<uint8_t>(value % 16); break;
    case 1: s.insn.src = static_cast<uint8_t>(value % 16); break;
    case 2: s.insn.offset = static_cast<int16_t>(value); break;
    case 3: s.insn.imm = static_cast<int32_t>(value); break;
    default: s.next_imm = static_cast<int32_t>(value); break;
    }
}

}  // namespace

draft generate(random_source &random, const generator_options &options) {
    draft d;
    std::vector<range> functions(1 + random.index_below(options.most_functions));
    std::vector<std::size_t> entries;
    writer w{random, options};
    for (range &f : functions) {
        f.begin = d.statements.size();
        entries.push_back(f.begin);
        w.write_prologue();
        for (std::size_t n = random.index_below(options.most_statements + 1); n > 0; --n)
            w.write_any();
        for (std::size_t n = options.more_table_jumps; n > 0; --n) w.write_gotox();
        w.write_exit();
        const auto body = w.take();
        d.statements.insert(d.statements.end(), body.begin(), body.end());
        f.end = d.statements.size();
    }
    for (const range &f : functions) close_targets(d, f, entries, random);
    return d;
}

void mutate(draft &d, random_source &random, const generator_options &options) {
    for (std::size_t n = 1 + random.index_below(3); n > 0; --n) {
        if (d.statements.empty()) return insert_some(d, random, options);
        const std::size_t at = random.index_below(d.statements.size());
        statement &s = d.statements[at];
        switch (random.below(8)) {
        case 0: d.erase(at); break;
        case 1: change_row(s, random); break;
        case 2:
        case 3: change_field(s, random); break;
        case 4:
            if (s.target) s.target = random.below(d.statements.size() + 1);
            break;
        case 5: d.insert(random.index_below(d.statements.size() + 1), statement{s}); break;
        default: insert_some(d, random, options);
        }
    }
}

}  // namespace bpftime::vm::fuzz
