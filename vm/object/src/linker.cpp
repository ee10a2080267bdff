// bpftime-vm: copies the functions that a program reaches behind it and fixes what refers to them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "linker.hpp"

#include "isa/isa.hpp"
#include "isa/text.hpp"
#include "program/program.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

namespace bpftime::vm::object {

namespace {

using isa::slot_size;

constexpr uint32_t not_placed = std::numeric_limits<uint32_t>::max();
constexpr std::size_t most_names_shown = 8;

constexpr uint8_t opcode_call = isa::info(isa::insn_id::call_local).opcode;
constexpr uint8_t opcode_wide = isa::info(isa::insn_id::lddw).opcode;
constexpr uint8_t source_local_call = isa::info(isa::insn_id::call_local).selector_value;
constexpr uint8_t source_code_address = isa::info(isa::insn_id::lddw_code).selector_value;

/// What a program needs but cannot have yet.
enum class missing : uint8_t { maps, data, functions, variables };

struct missing_info {
    std::string_view noun;
    std::string_view reason;
};

constexpr auto missing_table = std::to_array<missing_info>({
    {"map", "maps are not supported yet"},
    {"global data",
     "global data is not supported yet: keep it on the stack or pass it in the memory"},
    {"external function", "the object does not define it: kernel functions are not supported"},
    {"external variable", "the object does not define it: kernel symbols are not supported"},
});

bool is_map_section(std::string_view name) {
    return name == ".maps" or name == "maps" or name.starts_with("maps/");
}

class linker {
public:
    linker(const elf_object &elf, std::span<const function_info> functions)
        : elf_{elf}, functions_{functions}, placed_(functions.size(), not_placed) {}

    result<bytecode> link(const function_info &program) && {
        program_ = &program;
        request(static_cast<std::size_t>(&program - functions_.data()));
        for (std::size_t next = 0; next < order_.size(); ++next) {
            if (auto e = place(order_[next])) return std::unexpected{std::move(*e)};
        }
        if (auto e = report_missing()) return std::unexpected{std::move(*e)};
        for (const reference &r : references_) patch(r);
        return std::move(out_);
    }

private:
    using maybe_error = std::optional<error>;

    /// An instruction whose immediate becomes the distance to a function.
    struct reference {
        uint32_t pc;
        std::size_t function;
    };

    /// The instruction under examination: where it is in the object and in the linked code.
    struct place_in_object {
        const function_info &function;
        const elf_section &section;
        uint64_t offset;  ///< bytes from the start of the section
        uint32_t pc;
    };

    error bad(const place_in_object &at, std::string_view detail) const {
        return make_error(error_code::bad_object,
                          fmt::format("{} at instruction {} of function '{}' (section '{}')",
                                      detail, (at.offset - at.function.offset) / slot_size,
                                      at.function.name, at.function.section));
    }

    void request(std::size_t function) {
        if (placed_[function] != not_placed) return;
        placed_[function] = 0;
        order_.push_back(function);
    }

    /// Appends a function and notes what its instructions refer to.
    maybe_error place(std::size_t index) {
        const function_info &f = functions_[index];
        const elf_section &s = elf_.sections[f.section_index];
        const std::size_t begin = out_.code.size();
        if (begin / slot_size + f.size / slot_size > most_max_insns) {
            return make_error(error_code::limit_exceeded,
                              fmt::format("program '{}' and what it calls exceed {} instructions",
                                          program_->name, most_max_insns));
        }
        const auto bytes = s.bytes.subspan(f.offset, f.size);
        out_.code.insert(out_.code.end(), bytes.begin(), bytes.end());
        placed_[index] = static_cast<uint32_t>(begin / slot_size);
        out_.functions.push_back(
            {f.name, placed_[index], static_cast<uint32_t>(out_.code.size() / slot_size)});
        return resolve(f, s, placed_[index]);
    }

    /// Walks the instructions of a function and its relocations side by side.
    maybe_error resolve(const function_info &f, const elf_section &s, uint32_t begin) {
        auto relocation =
            std::ranges::lower_bound(s.relocations, f.offset, {}, &elf_relocation::offset);
        const uint64_t end = f.offset + f.size;
        for (uint64_t offset = f.offset; offset < end;) {
            const place_in_object at{
                f, s, offset, begin + static_cast<uint32_t>((offset - f.offset) / slot_size)};
            const isa::slot insn = isa::read_slot(out_.code, at.pc);
            const bool wide = insn.opcode == opcode_wide;
            const uint64_t next = offset + (wide ? 2 : 1) * slot_size;
            if (next > end) return bad(at, "truncated lddw");
            if (relocation != s.relocations.end() and relocation->offset < next) {
                if (relocation->offset != offset) {
                    return bad(at,
                               fmt::format("relocation in the middle of an instruction (offset {})",
                                           relocation->offset));
                }
                if (auto e = relocate(at, insn, *relocation)) return e;
                ++relocation;
            } else if (auto e = relink(at, insn)) {
                return e;
            }
            offset = next;
        }
        return {};
    }

    /// A call or function address without relocation: relative to its own place in its own section.
    maybe_error relink(const place_in_object &at, const isa::slot &insn) {
        const bool call = insn.opcode == opcode_call and insn.src == source_local_call;
        const bool address = insn.opcode == opcode_wide and insn.src == source_code_address;
        if (not call and not address) return {};
        const int64_t slot = static_cast<int64_t>(at.offset / slot_size) + 1 + insn.imm;
        return refer(at, at.function.section_index, slot * int64_t{slot_size});
    }

    maybe_error relocate(const place_in_object &at, const isa::slot &insn,
                         const elf_relocation &r) {
        switch (static_cast<relocation_type>(r.type)) {
        case relocation_type::none: return relink(at, insn);
        case relocation_type::call_imm: return relocate_call(at, insn, elf_.symbols[r.symbol]);
        case relocation_type::wide_imm: return relocate_wide(at, insn, elf_.symbols[r.symbol]);
        }
        return bad(at, fmt::format("relocation of unknown type {} against '{}'", r.type,
                                   printable(elf_.symbols[r.symbol].name)));
    }

    maybe_error relocate_call(const place_in_object &at, const isa::slot &insn,
                              const elf_symbol &symbol) {
        if (insn.opcode != opcode_call or insn.src != source_local_call) {
            return bad(at, fmt::format("call relocation on `{}`, which is no local call",
                                       isa::describe(out_.code, at.pc)));
        }
        const elf_section *target = elf_.section_of(symbol);
        if (target == nullptr) return need(missing::functions, printable(symbol.name));
        if (not target->is_executable()) {
            return bad(at, fmt::format("call of '{}', which lies in the section '{}' without code",
                                       printable(symbol.name), printable(target->name)));
        }
        // The immediate of a call to a symbol is its distance in slots, less the one that every
        // call counts.
        return refer(at, symbol.section, symbol.value,
                     (int64_t{insn.imm} + 1) * int64_t{slot_size});
    }

    maybe_error relocate_wide(const place_in_object &at, const isa::slot &insn,
                              const elf_symbol &symbol) {
        if (insn.opcode != opcode_wide) {
            return bad(at, fmt::format("address relocation on `{}`, which is no lddw",
                                       isa::describe(out_.code, at.pc)));
        }
        const auto high =
            static_cast<uint32_t>(isa::read_slot(out_.code, at.pc + std::size_t{1}).imm);
        const auto addend =
            static_cast<int64_t>(uint64_t{high} << 32 | static_cast<uint32_t>(insn.imm));
        const elf_section *target = elf_.section_of(symbol);
        if (target == nullptr) {
            const bool common = symbol.section == SHN_COMMON;
            return need(common ? missing::data : missing::variables, printable(symbol.name));
        }
        if (target->is_executable()) return refer(at, symbol.section, symbol.value, addend);
        const uint64_t place = symbol.value + static_cast<uint64_t>(addend);
        return need(is_map_section(target->name) ? missing::maps : missing::data,
                    object_name(symbol, *target, place));
    }

    /// The variable or map that a relocation against `symbol` means: a section symbol stands for
    /// what lies at `place`.
    std::string object_name(const elf_symbol &symbol, const elf_section &section, uint64_t place) {
        if (symbol.type != STT_SECTION and not symbol.name.empty()) return printable(symbol.name);
        if (objects_.empty()) list_objects();
        const auto after =
            std::ranges::upper_bound(objects_, std::pair{symbol.section, place}, {}, place_of);
        if (after == objects_.begin()) return printable(section.name);
        const elf_symbol &last = **std::prev(after);
        const bool holds = last.section == symbol.section and
                           place - last.value < std::max<uint64_t>(last.size, 1);
        return printable(holds ? last.name : section.name);
    }

    static std::pair<uint32_t, uint64_t> place_of(const elf_symbol *s) {
        return {s->section, s->value};
    }

    void list_objects() {
        for (const elf_symbol &s : elf_.symbols) {
            if (s.type == STT_OBJECT) objects_.push_back(&s);
        }
        std::ranges::sort(objects_, {}, place_of);
    }

    /// Goes on, so that one message can name everything that is missing.
    maybe_error need(missing kind, std::string name) {
        std::vector<std::string> &names = missing_[static_cast<std::size_t>(kind)];
        if (names.size() <= most_names_shown and std::ranges::find(names, name) == names.end()) {
            names.push_back(std::move(name));
        }
        return {};
    }

    maybe_error refer(const place_in_object &at, uint32_t section, uint64_t base, int64_t addend) {
        int64_t target = 0;
        if (base > elf_.sections[section].bytes.size() or
            __builtin_add_overflow(static_cast<int64_t>(base), addend, &target)) {
            target = -1;
        }
        return refer(at, section, target);
    }

    maybe_error refer(const place_in_object &at, uint32_t section, int64_t target) {
        const auto wanted = std::pair{section, static_cast<uint64_t>(target)};
        const auto found = std::ranges::lower_bound(
            functions_, wanted, {},
            [](const function_info &f) { return std::pair{f.section_index, f.offset}; });
        if (target < 0 or found == functions_.end() or found->section_index != section or
            found->offset != static_cast<uint64_t>(target)) {
            return bad(
                at, fmt::format("reference to offset {} of section '{}', where no function begins,",
                                target, printable(elf_.sections[section].name)));
        }
        const auto index = static_cast<std::size_t>(found - functions_.begin());
        request(index);
        references_.push_back({at.pc, index});
        return {};
    }

    void patch(const reference &r) {
        const auto out = std::span{out_.code}.subspan(r.pc * slot_size);
        isa::slot insn = isa::read_slot(out_.code, r.pc);
        insn.imm = static_cast<int32_t>(int64_t{placed_[r.function]} - r.pc - 1);
        if (insn.opcode == opcode_wide) {
            insn.src = source_code_address;
            isa::write_slot({}, out.subspan<slot_size, slot_size>());
        }
        isa::write_slot(insn, out.first<slot_size>());
    }

    static std::string enumerate(std::string_view noun, std::span<const std::string> names) {
        const auto shown = names.first(std::min(names.size(), most_names_shown));
        return fmt::format(
            "the {}{} '{}'{}", noun, names.size() > 1 and noun != "global data" ? "s" : "",
            fmt::join(shown, "', '"), names.size() > shown.size() ? " and more" : "");
    }

    maybe_error report_missing() const {
        std::vector<std::string> needs;
        std::vector<std::string_view> reasons;
        for (std::size_t kind = 0; kind < missing_.size(); ++kind) {
            if (missing_[kind].empty()) continue;
            needs.push_back(enumerate(missing_table[kind].noun, missing_[kind]));
            reasons.push_back(missing_table[kind].reason);
        }
        if (needs.empty()) return {};
        return make_error(error_code::unsupported,
                          fmt::format("program '{}' needs {}: {}", program_->name,
                                      fmt::join(needs, " and "), fmt::join(reasons, "; ")));
    }

    const elf_object &elf_;
    std::span<const function_info> functions_;
    const function_info *program_ = nullptr;
    std::vector<uint32_t>
        placed_;  ///< first slot of each function, not_placed if it is not reached
    std::vector<std::size_t> order_;  ///< functions in the order of the code
    std::vector<reference> references_;
    std::vector<const elf_symbol *>
        objects_;  ///< variables and maps by place; filled when first asked for
    std::array<std::vector<std::string>, missing_table.size()> missing_;
    bytecode out_;
};

}  // namespace

result<bytecode> link_program(const elf_object &elf, std::span<const function_info> functions,
                              const function_info &program) {
    return linker{elf, functions}.link(program);
}

}  // namespace bpftime::vm::object
