// bpftime-vm: runs programs on words, to compare with what was found of sets of words
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "concrete.hpp"

#include "isa/arithmetic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace bpftime::vm::analysis::test {

using isa::operation;
using isa::operation_kind;
using isa::width;

// --- the world

const helper_declaration *test_world::helper(uint32_t id) const noexcept {
    using k = argument_kind;
    static const std::map<uint32_t, helper_declaration> all{
        {lookup,
         {.id = lookup,
          .name = "lookup",
          .typed = true,
          .arguments = {{{k::map}, {k::map_key}}},
          .result = result_kind::map_value_or_null,
          .purity = helper_purity::reads}},
        {fill,
         {.id = fill,
          .name = "fill",
          .typed = true,
          .arguments = {{{k::memory_write}, {k::memory_size}}}}},
        {give,
         {.id = give,
          .name = "give",
          .typed = true,
          .result = result_kind::pointer_or_null,
          .result_size = object_bytes}},
        {drop, {.id = drop, .name = "drop", .typed = true, .arguments = {{{k::scalar}}}}},
        {resize,
         {.id = resize,
          .name = "resize",
          .typed = true,
          .arguments = {{{k::context}, {k::scalar}}}}},
        {sum,
         {.id = sum,
          .name = "sum",
          .typed = true,
          .arguments = {{{k::memory_read}, {k::memory_size}}},
          .purity = helper_purity::reads}},
        {tick,
         {.id = tick,
          .name = "tick",
          .typed = true,
          .arguments = {{{k::scalar}}},
          .purity = helper_purity::reads}},
    };
    const auto it = all.find(id);
    return it == all.end() ? nullptr : &it->second;
}

wide_value test_world::wide(uint32_t pc) const noexcept {
    const auto it = wides.find(pc);
    return it == wides.end() ? wide_value{.what = wide_value::kind::constant} : it->second;
}

map_facts test_world::map(uint32_t) const noexcept {
    return {.key_size = key_bytes,
            .value_size = value_bytes,
            .result_size = value_bytes,
            .allowed = permission::read_write,
            .alignment = 8};
}

input_facts test_world::input() const noexcept {
    if (has_packet) return {.least_size = 24, .allowed = permission::read, .alignment = 8};
    return {.least_size = least_size,
            .allowed = writes_input ? permission::read_write : permission::read,
            .alignment = 1};
}

std::span<const packet_field> test_world::packet_fields() const noexcept {
    static constexpr packet_field fields[] = {
        {0, packet_edge::data}, {8, packet_edge::end}, {16, packet_edge::meta}};
    return has_packet ? std::span<const packet_field>{fields} : std::span<const packet_field>{};
}

packet_facts test_world::packet() const noexcept { return {.allowed = permission::read_write}; }

const state *known_states::before(uint32_t pc) {
    if (not states_[pc]) states_[pc] = found.before(pc);
    return *states_[pc] ? &**states_[pc] : nullptr;
}

namespace {

template <operation Op>
uint64_t alu_of_width(width w, uint64_t a, uint64_t b) {
    return w == width::w32 ? isa::alu<Op, width::w32>(a, b) : isa::alu<Op, width::w64>(a, b);
}

}  // namespace

uint64_t evaluate(operation op, width w, uint64_t a, uint64_t b) {
    switch (op) {
    case operation::add: return alu_of_width<operation::add>(w, a, b);
    case operation::sub: return alu_of_width<operation::sub>(w, a, b);
    case operation::mul: return alu_of_width<operation::mul>(w, a, b);
    case operation::div: return alu_of_width<operation::div>(w, a, b);
    case operation::sdiv: return alu_of_width<operation::sdiv>(w, a, b);
    case operation::mod: return alu_of_width<operation::mod>(w, a, b);
    case operation::smod: return alu_of_width<operation::smod>(w, a, b);
    case operation::or_: return alu_of_width<operation::or_>(w, a, b);
    case operation::and_: return alu_of_width<operation::and_>(w, a, b);
    case operation::xor_: return alu_of_width<operation::xor_>(w, a, b);
    case operation::lsh: return alu_of_width<operation::lsh>(w, a, b);
    case operation::rsh: return alu_of_width<operation::rsh>(w, a, b);
    case operation::arsh: return alu_of_width<operation::arsh>(w, a, b);
    default: return alu_of_width<operation::mov>(w, a, b);
    }
}

namespace {

uint64_t zero_extended(uint64_t word, width w) {
    return w == width::w64 ? word : word & ((uint64_t{1} << isa::bits_of(w)) - 1);
}

uint64_t sign_extended(uint64_t word, width w) {
    const unsigned unused = 64 - isa::bits_of(w);
    return static_cast<uint64_t>(static_cast<int64_t>(word << unused) >> unused);
}

}  // namespace

uint64_t converted(operation op, width w, uint64_t word) {
    switch (op) {
    case operation::neg: return zero_extended(0 - word, w);
    case operation::movsx8: return zero_extended(sign_extended(word, width::w8), w);
    case operation::movsx16: return zero_extended(sign_extended(word, width::w16), w);
    case operation::movsx32: return zero_extended(sign_extended(word, width::w32), w);
    case operation::le: return zero_extended(word, w);
    default: return __builtin_bswap64(word << (64 - isa::bits_of(w)));
    }
}

namespace {

template <operation Op>
bool is_taken_of_width(width w, uint64_t a, uint64_t b) {
    return w == width::w32 ? isa::is_taken<Op, width::w32>(a, b)
                           : isa::is_taken<Op, width::w64>(a, b);
}

}  // namespace

bool is_taken(operation op, width w, uint64_t a, uint64_t b) {
    switch (op) {
    case operation::jeq: return is_taken_of_width<operation::jeq>(w, a, b);
    case operation::jne: return is_taken_of_width<operation::jne>(w, a, b);
    case operation::jgt: return is_taken_of_width<operation::jgt>(w, a, b);
    case operation::jge: return is_taken_of_width<operation::jge>(w, a, b);
    case operation::jlt: return is_taken_of_width<operation::jlt>(w, a, b);
    case operation::jle: return is_taken_of_width<operation::jle>(w, a, b);
    case operation::jsgt: return is_taken_of_width<operation::jsgt>(w, a, b);
    case operation::jsge: return is_taken_of_width<operation::jsge>(w, a, b);
    case operation::jslt: return is_taken_of_width<operation::jslt>(w, a, b);
    case operation::jsle: return is_taken_of_width<operation::jsle>(w, a, b);
    default: return is_taken_of_width<operation::jset>(w, a, b);
    }
}

namespace {

/// Bytes at an address of the test's own address space, where they can be anywhere.
struct block {
    uint64_t begin;
    std::vector<uint8_t> bytes;
    permission allowed = permission::read_write;

    [[nodiscard]] bool has(uint64_t address, uint64_t size) const {
        return address >= begin and size <= bytes.size() and address - begin <= bytes.size() - size;
    }
};

constexpr uint32_t most_depth = 4;
constexpr uint64_t most_steps = 600;

class runner {
public:
    runner(known_states &known, const test_world &world, std::mt19937_64 &random,
           comparison &counts)
        : known_{known}, world_{world}, random_{random}, counts_{counts} {}

    std::string run() {
        place_memory();
        enter(0);
        registers_[1] = input_.begin;
        registers_[2] = input_.bytes.size();
        while (counts_.steps < limit_) {
            ++counts_.steps;
            if (not compare() or not step()) break;
        }
        return difference_;
    }

private:
    struct frame {
        block memory;
        uint32_t return_to;
        std::array<uint64_t, 5> saved;  ///< r6 to r9, r10
        std::map<uint32_t, uint64_t> trips{};
    };

    uint64_t roll(uint64_t sides) { return random_() % sides; }

    [[nodiscard]] uint64_t frame_top(std::size_t depth) const {
        return stack_top_ - 2 * world_.frame_bytes * depth;
    }

    /// Frames that nobody can know the address of are far away; others are near everything else.
    void place_memory() {
        limit_ = counts_.steps + most_steps;
        uint64_t next = 0x10000;
        const auto place = [&](uint64_t size, permission allowed) {
            block b{next, std::vector<uint8_t>(static_cast<std::size_t>(size)), allowed};
            for (uint8_t &byte : b.bytes)
                byte = static_cast<uint8_t>(roll(3) == 0 ? roll(256) : roll(4));
            next += (size + 15) / 8 * 8;
            return b;
        };
        input_ =
            place(world_.has_packet ? 24 : world_.least_size + (roll(3) == 0 ? roll(4) : roll(48)),
                  world_.input().allowed);
        if (input_.bytes.empty() and roll(2) == 0) input_.begin = 0;
        memory_ = place(memory_bytes, permission::read_write);
        for (int i = 0; i < 2; ++i) values_.push_back(place(value_bytes, permission::read_write));
        for (const block &v : values_) value_starts_.push_back(v.begin);
        stack_top_ = next + 2 * world_.frame_bytes * most_depth;
        next = stack_top_;
        if (known_.found.rely_on_hidden_frames()) stack_top_ += uint64_t{1} << 44;
        next_ = next;
        if (world_.has_packet) make_packet();
    }

    void make_packet() {
        const uint64_t meta = roll(3) * 4;
        packet_ = {next_, std::vector<uint8_t>(static_cast<std::size_t>(meta + roll(40))),
                   permission::read_write};
        for (uint8_t &byte : packet_.bytes) byte = static_cast<uint8_t>(roll(4));
        next_ += packet_.bytes.size() + 8;
        const uint64_t fields[] = {packet_.begin + meta, packet_.begin + packet_.bytes.size(),
                                   packet_.begin};
        std::memcpy(input_.bytes.data(), fields, sizeof(fields));
    }

    void enter(uint32_t return_to) {
        frames_.push_back(
            {{frame_top(frames_.size()) - world_.frame_bytes,
              std::vector<uint8_t>(world_.frame_bytes)},
             return_to,
             {registers_[6], registers_[7], registers_[8], registers_[9], registers_[10]}});
        std::fill_n(&registers_[6], 4, 0);
        registers_[0] = 0;
        registers_[10] = frame_top(frames_.size() - 1);
    }

    block *find(uint64_t address, uint64_t size, permission wanted) {
        const auto fits = [&](block &b) {
            return b.has(address, size) and allows(b.allowed, wanted);
        };
        if (fits(input_)) return &input_;
        if (fits(memory_)) return &memory_;
        if (world_.has_packet and fits(packet_)) return &packet_;
        for (frame &f : frames_) {
            if (fits(f.memory)) return &f.memory;
        }
        for (block &v : values_) {
            if (granted_values_.contains(v.begin) and fits(v)) return &v;
        }
        for (auto &[pc, o] : objects_) {
            if (fits(o)) return &o;
        }
        return nullptr;
    }

    bool fail(const std::string &what) {
        difference_ = fmt::format("at {}: `{}`: {}", pc_, known_.code.text_at(pc_), what);
        return false;
    }

    // --- comparing

    bool compare() {
        const state *const known = known_.before(pc_);
        if (known == nullptr) return fail("is executed, but not reachable");
        std::vector<uint64_t> tops;
        for (std::size_t d = 0; d < frames_.size(); ++d) tops.push_back(frame_top(d));
        const concretisation where{
            .input = input_.begin,
            .input_length = input_.bytes.size(),
            .packet_meta = word_at(16),
            .packet = word_at(0),
            .packet_end = word_at(8),
            .frame_tops = tops,
            .map_word = [](uint32_t) { return map_word; },
            .map_values = [&](uint32_t) { return std::span<const uint64_t>{value_starts_}; },
            .memory_start = [&](uint32_t) { return memory_.begin; },
            .granted = [&](uint32_t at) { return std::span<const uint64_t>{object_starts_[at]}; }};
        const auto slot = [&](uint32_t index) {
            uint64_t word = 0;
            const std::size_t offset = world_.frame_bytes - 8 * (index + 1);
            std::memcpy(&word, &frames_.back().memory.bytes[offset], sizeof(word));
            return word;
        };
        if (holds(*known, registers_, slot, where)) return true;
        std::string words;
        for (unsigned r = 0; r < isa::register_count; ++r)
            words += fmt::format(" r{} = {:#x}", r, registers_[r]);
        return fail(fmt::format("does not hold:{}\n{}", words, to_text(*known)));
    }

    [[nodiscard]] uint64_t word_at(std::size_t offset) const {
        uint64_t word = 0;
        if (world_.has_packet) std::memcpy(&word, &input_.bytes[offset], sizeof(word));
        return word;
    }

    bool compare_access(bool is_allowed, uint64_t address, uint64_t size) {
        const access_facts &a = known_.found.access(pc_);
        if (a.what == verdict::unreachable) return fail("is an access that cannot be reached");
        if (not is_allowed and a.what == verdict::proven) return fail("proven, and not allowed");
        if (not is_allowed and a.what == verdict::covered) return fail("covered, and not allowed");
        if (is_allowed and a.is_aligned and address % size != 0) return fail("aligned, and is not");
        counts_.proven += a.what == verdict::proven;
        counts_.covered += a.what == verdict::covered;
        counts_.checked += a.what == verdict::check;
        return is_allowed;
    }

    // --- executing

    bool step() {
        const isa::instruction &i = known_.code.insn(pc_);
        const isa::insn_info &row = isa::info(i.id);
        const isa::shape_info &form = isa::info(row.shape);
        const uint64_t source = form.imm == isa::imm_role::value
                                    ? static_cast<uint64_t>(int64_t{i.imm})
                                    : registers_[i.src];
        uint64_t &dst = registers_[i.dst];
        switch (isa::kind_of(i.id)) {
        case operation_kind::alu: dst = evaluate(row.operation, row.width, dst, source); break;
        case operation_kind::convert:
            dst = converted(row.operation, row.width,
                            form.src == isa::register_role::read ? registers_[i.src] : dst);
            break;
        case operation_kind::wide: load_wide(i); return true;
        case operation_kind::load: return load(i, row);
        case operation_kind::store: return store(i, row, source);
        case operation_kind::atomic: return atomic(i, row);
        case operation_kind::branch: return branch(row, dst, source);
        case operation_kind::jump: pc_ = known_.code.jump_target(pc_); return true;
        case operation_kind::call: return call(i);
        case operation_kind::exit: return leave();
        default: return false;
        }
        ++pc_;
        return true;
    }

    void load_wide(const isa::instruction &i) {
        const wide_value given = world_.wide(pc_);
        uint64_t word = known_.code.wide_imm(pc_);
        if (given.what == wide_value::kind::map) word = map_word;
        if (given.what == wide_value::kind::memory) word = memory_.begin + given.offset;
        registers_[i.dst] = word;
        pc_ += 2;
    }

    static uint64_t read(const block &b, uint64_t address, uint64_t size) {
        uint64_t word = 0;
        std::memcpy(&word, b.bytes.data() + (address - b.begin), static_cast<std::size_t>(size));
        return word;
    }
    static void write(block &b, uint64_t address, uint64_t size, uint64_t word) {
        std::memcpy(b.bytes.data() + (address - b.begin), &word, static_cast<std::size_t>(size));
    }

    bool load(const isa::instruction &i, const isa::insn_info &row) {
        const uint64_t address = registers_[i.src] + static_cast<uint64_t>(int64_t{i.offset});
        const uint64_t size = isa::bytes_of(row.width);
        const block *const b = find(address, size, permission::read);
        if (not compare_access(b != nullptr, address, size)) return false;
        const uint64_t word = read(*b, address, size);
        registers_[i.dst] =
            row.operation == operation::load_sx ? sign_extended(word, row.width) : word;
        ++pc_;
        return true;
    }

    bool store(const isa::instruction &i, const isa::insn_info &row, uint64_t word) {
        const uint64_t address = registers_[i.dst] + static_cast<uint64_t>(int64_t{i.offset});
        const uint64_t size = isa::bytes_of(row.width);
        block *const b = find(address, size, permission::write);
        if (not compare_access(b != nullptr, address, size)) return false;
        write(*b, address, size, word);
        ++pc_;
        return true;
    }

    bool atomic(const isa::instruction &i, const isa::insn_info &row) {
        const uint64_t address = registers_[i.dst] + static_cast<uint64_t>(int64_t{i.offset});
        const uint64_t size = isa::bytes_of(row.width);
        block *const b = find(address, size, permission::read_write);
        if (not compare_access(b != nullptr, address, size) or address % size != 0) return false;
        const uint64_t old = read(*b, address, size);
        const uint64_t word = registers_[i.src];
        switch (row.operation) {
        case operation::atomic_xchg: write(*b, address, size, word); break;
        case operation::atomic_cmpxchg:
            if (zero_extended(registers_[0], row.width) == old) write(*b, address, size, word);
            registers_[0] = old;
            break;
        default: write(*b, address, size, old + word); break;
        }
        if (isa::info(row.shape).src == isa::register_role::update) registers_[i.src] = old;
        ++pc_;
        return true;
    }

    bool branch(const isa::insn_info &row, uint64_t a, uint64_t b) {
        const bool taken = is_taken(row.operation, row.width, a, b);
        const branch_facts known = known_.found.branch(pc_);
        if (known == branch_facts::unreachable or
            known == (taken ? branch_facts::never : branch_facts::always))
            return fail(taken ? "is taken, and never should" : "is not taken, and always should");
        const uint32_t target = known_.code.jump_target(pc_);
        if (taken and program::is_back_edge(pc_, target)) {
            // From another loop's end on this loop is entered anew; the test's loops do not nest
            // so that it would not be noticed.
            uint64_t &trips = frames_.back().trips[pc_];
            ++trips;
            const auto bound = known_.found.trip_bound(pc_);
            if (bound and trips > *bound) return fail("goes back more often than it should");
        } else if (program::is_back_edge(pc_, target)) {
            frames_.back().trips[pc_] = 0;
        }
        pc_ = taken ? target : pc_ + 1;
        return true;
    }

    bool leave() {
        const frame f = std::move(frames_.back());
        frames_.pop_back();
        if (frames_.empty()) return false;
        std::copy_n(f.saved.begin(), 5, &registers_[6]);
        std::fill_n(&registers_[1], 5, 0);
        pc_ = f.return_to;
        return true;
    }

    bool call(const isa::instruction &i) {
        if (i.id == isa::insn_id::call_local) {
            if (frames_.size() == most_depth) return false;
            const uint32_t to = known_.code.callee_pc(pc_);
            enter(pc_ + 1);
            pc_ = to;
            return true;
        }
        if (not call_helper(static_cast<uint32_t>(i.imm))) return false;
        std::fill_n(&registers_[1], 5, 0);
        ++pc_;
        return true;
    }

    bool check_argument(unsigned argument, uint64_t size, permission wanted) {
        const bool is_allowed =
            size == 0 or find(registers_[1 + argument], size, wanted) != nullptr;
        if (not is_allowed and (known_.found.proven_arguments(pc_) >> argument & 1) != 0)
            return fail("an argument is proven, and not allowed");
        return is_allowed;
    }

    bool call_helper(uint32_t id) {
        switch (id) {
        case lookup: {
            if (registers_[1] != map_word) {
                if ((known_.found.proven_arguments(pc_) & 1) != 0) return fail("no map");
                return false;
            }
            if (not check_argument(1, key_bytes, permission::read)) return false;
            const auto which = static_cast<std::size_t>(roll(3));
            registers_[0] = which == 2 ? 0 : values_[which].begin;
            if (registers_[0] != 0) granted_values_.insert(registers_[0]);
            return true;
        }
        case fill: {
            const uint64_t size = registers_[2];
            if (not check_argument(0, size, permission::write)) return false;
            if (size != 0) {
                block &b = *find(registers_[1], size, permission::write);
                for (uint64_t n = 0; n < size; ++n) write(b, registers_[1] + n, 1, roll(256));
            }
            registers_[0] = roll(5);
            return true;
        }
        case sum:
            if (not check_argument(0, registers_[2], permission::read)) return false;
            registers_[0] = random_();
            return true;
        case give: give_object(); return true;
        case drop:
            std::erase_if(objects_, [&](const auto &o) { return o.second.begin == registers_[1]; });
            registers_[0] = 0;
            return true;
        case resize:
            if (world_.has_packet) make_packet();
            registers_[0] = roll(2);
            return true;
        case tick: registers_[0] = roll(3) == 0 ? random_() : roll(20) - 4; return true;
        case opaque: return do_anything();
        default: return false;
        }
    }

    void give_object() {
        registers_[0] = 0;
        if (roll(4) == 0) return;
        objects_.emplace_back(pc_, block{next_, std::vector<uint8_t>(object_bytes)});
        object_starts_[pc_].push_back(next_);
        registers_[0] = next_;
        next_ += object_bytes + 8;
    }

    /// Writes what it can know the address of: all that helpers and programs gave away.
    bool do_anything() {
        if (not known_.found.rely_on_hidden_frames()) {
            for (frame &f : frames_) {
                for (uint8_t &byte : f.memory.bytes) byte = static_cast<uint8_t>(roll(256));
            }
        }
        if (not world_.has_packet) {
            for (uint8_t &byte : input_.bytes) byte = static_cast<uint8_t>(roll(256));
        }
        if (roll(2) == 0) objects_.clear();
        registers_[0] = random_();
        return true;
    }

    static constexpr uint64_t map_word = 0x4d41'5000;

    known_states &known_;
    const test_world &world_;
    std::mt19937_64 &random_;
    comparison &counts_;
    uint64_t limit_ = 0;
    std::string difference_;
    uint32_t pc_ = 0;
    std::array<uint64_t, isa::register_count> registers_{};
    block input_{};
    block memory_{};
    block packet_{};
    std::vector<block> values_;
    std::vector<uint64_t> value_starts_;
    std::set<uint64_t> granted_values_;
    std::vector<std::pair<uint32_t, block>> objects_;
    std::map<uint32_t, std::vector<uint64_t>> object_starts_;
    std::vector<frame> frames_;
    uint64_t stack_top_ = 0;
    uint64_t next_ = 0;
};

}  // namespace

std::string compare_run(known_states &known, const test_world &world, std::mt19937_64 &random,
                        comparison &counts) {
    return runner{known, world, random, counts}.run();
}

}  // namespace bpftime::vm::analysis::test
