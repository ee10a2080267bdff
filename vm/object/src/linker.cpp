// bpftime-vm: copies the functions that a program reaches behind it and fixes what refers to them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "linker.hpp"

#include "builtins.hpp"
#include "core_relocation.hpp"
#include "isa/isa.hpp"
#include "isa/text.hpp"
#include "missing.hpp"
#include "program/program.hpp"
#include "wire.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <set>
#include <utility>

namespace bpftime::vm::object {

namespace {

using isa::insn_id;
using isa::slot_size;

constexpr uint32_t not_placed = std::numeric_limits<uint32_t>::max();
constexpr uint64_t pointer_size = 8;
constexpr std::size_t most_jump_targets = std::size_t{1} << 20;

/// What exceptions are called by, and what they become in programs that have a callback for them.
constexpr std::string_view throw_name = "bpf_throw";
constexpr std::string_view throw_to_name = "bpf_throw_to";
constexpr std::string_view callback_tag = "exception_callback:";

constexpr uint8_t opcode_of(insn_id id) { return isa::info(id).opcode; }
constexpr uint8_t source_of(insn_id id) {
    return static_cast<uint8_t>(isa::info(id).selector_value);
}

constexpr uint8_t opcode_call = opcode_of(insn_id::call_local);
constexpr uint8_t opcode_wide = opcode_of(insn_id::lddw);

bool is_local_call(const isa::slot &insn) {
    return insn.opcode == opcode_call and insn.src == source_of(insn_id::call_local);
}

class linker {
public:
    linker(const image &object, const link_options &options)
        : object_{object},
          elf_{object.elf},
          options_{options},
          placed_(object.functions.size() + builtins().size() + 1, not_placed),
          data_requested_(object.maps.size()) {
        if (not object.types) return;
        relocator_.emplace(*object.types,
                           options.target != nullptr ? *options.target : *object.types);
    }

    result<bytecode> link(const function_info &program) && {
        program_ = &program;
        if (auto e = find_exception_callback()) return std::unexpected{std::move(*e)};
        request(static_cast<std::size_t>(&program - object_.functions.data()));
        for (std::size_t code = 0, data = 0; code < order_.size() or data < data_order_.size();) {
            auto e = code < order_.size() ? place(order_[code++]) : scan(data_order_[data++]);
            if (e) return std::unexpected{std::move(*e)};
        }
        if (auto e = missing_.report(program.name)) return std::unexpected{std::move(*e)};
        finish();
        return std::move(out_);
    }

private:
    using maybe_error = std::optional<error>;

    /// An instruction whose immediate becomes the distance to a function.
    struct reference {
        uint32_t pc;
        std::size_t function;
    };

    /// Eight bytes of data that become the address of a slot: `delta` slots after the beginning of
    /// a function.
    struct code_pointer {
        uint32_t map;
        uint32_t offset;
        std::size_t function;
        uint32_t delta;
        bool jump_target;
    };

    /// The instruction under examination: where it is in the object and in the linked code.
    struct place_in_object {
        const function_info &function;
        const elf_section &section;
        uint64_t offset;  ///< bytes from the start of the section
        uint32_t pc;
    };

    error bad(const place_in_object &at, std::string_view detail,
              error_code code = error_code::bad_object) const {
        return make_error(code, fmt::format("{} at instruction {} of function '{}' (section '{}')",
                                            detail, (at.offset - at.function.offset) / slot_size,
                                            at.function.name, at.function.section));
    }

    static error bad(const elf_section &s, uint64_t offset, std::string_view detail,
                     error_code code = error_code::bad_object) {
        return make_error(code, fmt::format("{} at offset {} of section '{}'", detail, offset,
                                            printable(s.name)));
    }

    // --- functions

    void request(std::size_t function) {
        if (placed_[function] != not_placed) return;
        placed_[function] = 0;
        order_.push_back(function);
    }

    std::optional<error> check_room(uint64_t slots) const {
        if (out_.code.size() / slot_size + slots <= most_max_insns) return {};
        return make_error(error_code::limit_exceeded,
                          fmt::format("program '{}' and what it calls exceed {} instructions",
                                      program_->name, most_max_insns));
    }

    /// Appends a function and notes what its instructions refer to.
    maybe_error place(std::size_t index) {
        if (index == throw_stub()) return place_throw_stub();
        if (index >= object_.functions.size())
            return place_builtin(index, builtins()[index - object_.functions.size()]);
        const function_info &f = object_.functions[index];
        if (auto e = check_room(f.size / slot_size)) return e;
        const elf_section &s = elf_.sections[f.section_index];
        begin_function(index, f.name, s.bytes.subspan(f.offset, f.size));
        const auto described =
            btf_ext::within(object_.debug.functions, s.name, f.offset, f.offset + 1);
        if (not described.empty()) out_.functions.back().type = described.front().type;
        copy_lines(f, s);
        if (auto e = relocate_types(f, s, placed_[index])) return e;
        return follow(f, s, placed_[index]);
    }

    /// Applies the CO-RE relocations of a function.
    maybe_error relocate_types(const function_info &f, const elf_section &s, uint32_t begin) {
        const uint64_t end = f.offset + f.size;
        for (const core_record &r :
             btf_ext::within(object_.debug.relocations, s.name, f.offset, end)) {
            const place_in_object at{
                f, s, r.offset, begin + static_cast<uint32_t>((r.offset - f.offset) / slot_size)};
            if (r.offset % slot_size != 0) return bad(at, "CO-RE relocation in the middle");
            const auto rest = std::span{out_.code}.subspan(at.pc * slot_size);
            auto done = relocator_->apply(r, rest.first(std::min(rest.size(), 2 * slot_size)));
            if (not done) return bad(at, done.error().message, done.error().code);
            if (*done) out_.poisoned.push_back({at.pc, std::move(**done)});
        }
        return {};
    }

    maybe_error place_builtin(std::size_t index, const builtin &b) {
        const auto code = isa::assemble(b.text);
        if (not code) return code.error();
        if (auto e = check_room(code->size() / slot_size)) return e;
        begin_function(index, std::string{b.name}, *code);
        out_.lines.add_unknown(placed_[index]);
        return {};
    }

    // --- exceptions

    /// The function that a tag of the program names.
    maybe_error find_exception_callback() {
        if (not object_.types) return {};
        const btf &types = *object_.types;
        const auto program = types.find(program_->name, btf_kind::function);
        if (not program) return {};
        for (const btf_type &t : types.types()) {
            if (t.kind != btf_kind::declaration_tag or t.type != *program or
                not t.name.starts_with(callback_tag))
                continue;
            const std::string name = printable(t.name.substr(callback_tag.size()));
            const auto found = std::ranges::find(object_.functions, name, &function_info::name);
            if (found == object_.functions.end() or exception_callback_) {
                return make_error(
                    error_code::bad_object,
                    fmt::format(
                        "the exception callback '{}' of program '{}' is {}", name, program_->name,
                        exception_callback_ ? "a second one" : "no function of the object"));
            }
            exception_callback_ = static_cast<std::size_t>(found - object_.functions.begin());
        }
        return {};
    }

    /// The index of the function that calls of bpf_throw become.
    [[nodiscard]] std::size_t throw_stub() const {
        return object_.functions.size() + builtins().size();
    }

    /// Hands the callback over: code that calls bpf_throw has no room for a second argument.
    maybe_error place_throw_stub() {
        constexpr builtin stub{throw_name, "lddw %r2, 0\ncall 0\nexit"};
        if (auto e = place_builtin(throw_stub(), stub)) return e;
        const uint32_t begin = placed_[throw_stub()];
        request(*exception_callback_);
        (void)set_wide(begin, source_of(insn_id::lddw_code), 0, 0);
        references_.push_back({begin, *exception_callback_});
        call_kernel(begin + 2, *find_name(options_.kernel_functions, throw_to_name));
        return {};
    }

    void call_kernel(uint32_t pc, uint32_t function) {
        set_call(pc, source_of(insn_id::call_kfunc), static_cast<int32_t>(function));
        out_.kernel_calls.push_back(pc);
    }

    /// Whether a call of the external function `name` becomes one of the stub.
    [[nodiscard]] bool throws_to_callback(std::string_view name) const {
        return name == throw_name and exception_callback_ and
               find_name(options_.kernel_functions, throw_to_name);
    }

    void begin_function(std::size_t index, std::string name, std::span<const uint8_t> code) {
        placed_[index] = static_cast<uint32_t>(out_.code.size() / slot_size);
        out_.code.insert(out_.code.end(), code.begin(), code.end());
        out_.functions.push_back({std::move(name), placed_[index],
                                  static_cast<uint32_t>(out_.code.size() / slot_size), 0});
    }

    void copy_lines(const function_info &f, const elf_section &s) {
        const uint32_t begin = out_.functions.back().begin;
        out_.lines.add_unknown(begin);
        const auto lines =
            btf_ext::within(object_.debug.lines, s.name, f.offset, f.offset + f.size);
        for (const line_record &r : lines) {
            const auto slot = static_cast<uint32_t>((r.offset - f.offset) / slot_size);
            out_.lines.add(begin + slot, {r.file, r.line, r.column, r.text});
        }
    }

    maybe_error follow(const function_info &f, const elf_section &s, uint32_t begin) {
        auto relocation =
            std::ranges::lower_bound(s.relocations, f.offset, {}, &elf_relocation::offset);
        const uint64_t end = f.offset + f.size;
        for (uint64_t offset = f.offset; offset < end;) {
            const uint32_t pc = begin + static_cast<uint32_t>((offset - f.offset) / slot_size);
            const isa::slot insn = isa::read_slot(out_.code, pc);
            const bool wide = insn.opcode == opcode_wide;
            const uint64_t next = offset + (wide ? 2 : 1) * slot_size;
            const place_in_object at{f, s, offset, pc};
            if (next > end) return bad(at, "truncated lddw");
            if (relocation != s.relocations.end() and relocation->offset < next) {
                if (relocation->offset != offset) {
                    return bad(at, fmt::format("relocation in the middle of an instruction (offset "
                                               "{})",
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
        if (insn.opcode == opcode_wide and names_map(insn)) return check_map_index(at, insn);
        const bool address =
            insn.opcode == opcode_wide and insn.src == source_of(insn_id::lddw_code);
        if (not is_local_call(insn) and not address) return {};
        const int64_t slot = static_cast<int64_t>(at.offset / slot_size) + 1 + insn.imm;
        return refer(at, at.function.section_index, slot * int64_t{slot_size});
    }

    static bool names_map(const isa::slot &insn) {
        return insn.src == source_of(insn_id::lddw_map_idx) or
               insn.src == source_of(insn_id::lddw_map_idx_val);
    }

    /// Objects need not name maps by index, but hosts rely on every index.
    maybe_error check_map_index(const place_in_object &at, const isa::slot &insn) {
        if (not options_.maps) return {};
        const auto index = static_cast<uint32_t>(insn.imm);
        if (index >= object_.maps.size()) {
            return bad(at,
                       fmt::format("map {} of an object that has {}", index, object_.maps.size()));
        }
        request_data(index);
        return {};
    }

    maybe_error relocate(const place_in_object &at, const isa::slot &insn,
                         const elf_relocation &r) {
        switch (static_cast<relocation_type>(r.type)) {
        case relocation_type::none: return relink(at, insn);
        case relocation_type::call_imm: return relocate_call(at, insn, r.symbol);
        case relocation_type::wide_imm: return relocate_wide(at, insn, r.symbol);
        case relocation_type::data_64:
        case relocation_type::data_32:
        case relocation_type::no_loader_32:
            return bad(at, fmt::format("relocation of type {}, which is for data, on `{}`", r.type,
                                       isa::describe(out_.code, at.pc)));
        }
        return bad(at, fmt::format("relocation of unknown type {} against '{}'", r.type,
                                   printable(elf_.symbols[r.symbol].name)));
    }

    maybe_error relocate_call(const place_in_object &at, const isa::slot &insn, uint32_t index) {
        const elf_symbol &symbol = elf_.symbols[index];
        if (not is_local_call(insn)) {
            return bad(at, fmt::format("call relocation on `{}`, which is no local call",
                                       isa::describe(out_.code, at.pc)));
        }
        const elf_section *target = elf_.section_of(symbol);
        if (target == nullptr) return call_external(at, index);
        if (not target->is_executable()) {
            return bad(at, fmt::format("call of '{}', which lies in the section '{}' without code",
                                       printable(symbol.name), printable(target->name)));
        }
        // The immediate of a call to a symbol is its distance in slots, less the one that every
        // call counts.
        return refer(at, symbol.section, symbol.value,
                     (int64_t{insn.imm} + 1) * int64_t{slot_size});
    }

    maybe_error relocate_wide(const place_in_object &at, const isa::slot &insn, uint32_t index) {
        const elf_symbol &symbol = elf_.symbols[index];
        if (insn.opcode != opcode_wide) {
            return bad(at, fmt::format("address relocation on `{}`, which is no lddw",
                                       isa::describe(out_.code, at.pc)));
        }
        const auto high =
            static_cast<uint32_t>(isa::read_slot(out_.code, at.pc + std::size_t{1}).imm);
        const auto addend =
            static_cast<int64_t>(uint64_t{high} << 32 | static_cast<uint32_t>(insn.imm));
        const elf_section *target = elf_.section_of(symbol);
        if (target == nullptr) return address_external(at, index, addend);
        if (target->is_executable()) return refer(at, symbol.section, symbol.value, addend);
        const uint64_t place = symbol.value + static_cast<uint64_t>(addend);
        if (is_map_section(target->name)) return refer_to_map(at, symbol, *target, place);
        return refer_to_data(at, symbol, *target, place);
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
        const auto function =
            target < 0 ? std::nullopt : object_.function_at(section, static_cast<uint64_t>(target));
        if (not function) {
            return bad(
                at, fmt::format("reference to offset {} of section '{}', where no function begins,",
                                target, printable(elf_.sections[section].name)));
        }
        request(*function);
        references_.push_back({at.pc, *function});
        return {};
    }

    // --- what the object does not define

    const external *find_external(uint32_t symbol) const {
        const auto found = object_.externals.find(symbol);
        return found == object_.externals.end() ? nullptr : &found->second;
    }

    static std::optional<uint32_t> find_name(std::span<const std::string> names,
                                             std::string_view name) {
        const auto found = std::ranges::find(names, name);
        if (found == names.end()) return {};
        return static_cast<uint32_t>(found - names.begin());
    }

    maybe_error call_external(const place_in_object &at, uint32_t index) {
        const std::string_view name = elf_.symbols[index].name;
        if (throws_to_callback(name)) {
            out_.has_exception_callback = true;
            request(throw_stub());
            references_.push_back({at.pc, throw_stub()});
            return {};
        }
        if (const auto known = find_name(options_.kernel_functions, name)) {
            call_kernel(at.pc, *known);
            return {};
        }
        if (const auto known = find_builtin(name)) {
            const std::size_t function = object_.functions.size() + *known;
            request(function);
            references_.push_back({at.pc, function});
            return {};
        }
        const external *e = find_external(index);
        if (e != nullptr and e->weak) {
            poison(
                at.pc, poisoned_kernel_function,
                fmt::format("call of the weak function '{}', which is not there", printable(name)));
            return {};
        }
        missing_.add(missing::functions, printable(name));
        return {};
    }

    maybe_error address_external(const place_in_object &at, uint32_t index, int64_t addend) {
        const elf_symbol &symbol = elf_.symbols[index];
        const external *e = find_external(index);
        if (e != nullptr and e->kind == external_kind::config)
            return refer_to_config(at, printable(symbol.name), *e, addend);
        if (addend != 0) {
            return bad(at,
                       fmt::format("address {} bytes into '{}', which the object does not define,",
                                   addend, printable(symbol.name)));
        }
        if (const auto known = find_name(options_.kernel_variables, symbol.name))
            return set_wide(at.pc, source_of(insn_id::lddw_var), *known, 0);
        // Programs compare addresses of functions with zero, no more.
        if (const auto known = find_name(options_.kernel_functions, symbol.name))
            return set_wide(at.pc, 0, *known + 1, 0);
        if (e != nullptr and e->weak) return set_wide(at.pc, 0, 0, 0);
        const bool function = e != nullptr and e->kind == external_kind::function;
        const bool common = symbol.section == SHN_COMMON;
        missing_.add(common     ? missing::data
                     : function ? missing::functions
                                : missing::variables,
                     printable(symbol.name));
        return {};
    }

    maybe_error refer_to_config(const place_in_object &at, std::string name, const external &e,
                                int64_t addend) {
        if (not options_.maps) missing_.add(missing::data, name);
        if (not e.resolved and not e.weak) missing_.add(missing::configuration, std::move(name));
        const int64_t place = int64_t{e.offset} + addend;
        const uint32_t size = object_.maps[object_.config_map].definition.value_size;
        if (addend < INT32_MIN or place < 0 or place > size)
            return bad(at, fmt::format("address {} bytes into '{}'", addend, name));
        request_data(object_.config_map);
        return set_wide(at.pc, source_of(insn_id::lddw_map_idx_val), object_.config_map,
                        static_cast<uint32_t>(place));
    }

    // --- maps and data

    void request_data(uint32_t map) {
        if (data_requested_[map]) return;
        data_requested_[map] = true;
        data_order_.push_back(map);
    }

    maybe_error refer_to_map(const place_in_object &at, const elf_symbol &symbol,
                             const elf_section &section, uint64_t place) {
        if (not options_.maps) {
            missing_.add(missing::maps, object_name(symbol, section, place));
            return {};
        }
        const uint32_t map = object_.declared_map(symbol.section, place);
        if (map == no_map) {
            return bad(at,
                       fmt::format("reference to offset {} of section '{}', where no map begins,",
                                   place, printable(section.name)));
        }
        request_data(map);
        return set_wide(at.pc, source_of(insn_id::lddw_map_idx), map, 0);
    }

    maybe_error refer_to_data(const place_in_object &at, const elf_symbol &symbol,
                              const elf_section &section, uint64_t place) {
        if (not options_.maps) {
            missing_.add(missing::data, object_name(symbol, section, place));
            return {};
        }
        const uint32_t map = object_.data_maps[symbol.section];
        if (map == no_map) {
            return bad(at,
                       fmt::format("reference to section '{}', which holds no data of programs,",
                                   printable(section.name)),
                       error_code::unsupported);
        }
        if (place > section.size) {
            return bad(at, fmt::format("reference to byte {} of section '{}', which has {},",
                                       static_cast<int64_t>(place), printable(section.name),
                                       section.size));
        }
        request_data(map);
        if (object_.maps[map].origin == map_origin::jump_tables) {
            if (auto e = add_jump_table(at, symbol, section, map, place)) return e;
        }
        return set_wide(at.pc, source_of(insn_id::lddw_map_idx_val), map,
                        static_cast<uint32_t>(place));
    }

    /// Notes what the pointers in a map of data refer to.
    maybe_error scan(uint32_t map) {
        out_.maps.push_back(map);
        for (const map_slot &slot : object_.maps[map].slots) {
            if (slot.is_program) continue;
            request_data(object_.find_map(slot.name).value_or(map));
        }
        const auto found = std::ranges::find(object_.data_maps, map);
        if (found == object_.data_maps.end() or object_.maps[map].origin == map_origin::jump_tables)
            return {};
        const elf_section &s =
            elf_.sections[static_cast<std::size_t>(found - object_.data_maps.begin())];
        for (const elf_relocation &r : s.relocations) {
            if (auto e = scan_pointer(map, s, r)) return e;
        }
        return {};
    }

    maybe_error scan_pointer(uint32_t map, const elf_section &s, const elf_relocation &r) {
        const auto type = static_cast<relocation_type>(r.type);
        if (type == relocation_type::none) return {};
        if (type != relocation_type::data_64 and type != relocation_type::wide_imm) {
            return bad(s, r.offset,
                       fmt::format("a pointer that is not {} bytes long (relocation of type {})",
                                   pointer_size, r.type),
                       error_code::unsupported);
        }
        if (not wire::fits(r.offset, pointer_size, s.bytes.size()))
            return bad(s, r.offset, "a pointer that exceeds the section");
        const elf_symbol &symbol = elf_.symbols[r.symbol];
        const uint64_t place = symbol.value + wire::read<uint64_t>(s.bytes, r.offset);
        const auto at = static_cast<uint32_t>(r.offset);
        const elf_section *target = elf_.section_of(symbol);
        if (target == nullptr) return point_outside(r.symbol);
        if (target->is_executable()) return point_to_function(map, s, at, symbol.section, place);
        const bool is_map = is_map_section(target->name);
        const uint32_t to = is_map ? object_.declared_map(symbol.section, place)
                                   : object_.data_maps[symbol.section];
        if (to == no_map or (not is_map and place > target->size)) {
            return bad(s, r.offset,
                       fmt::format("a pointer to byte {} of section '{}', where nothing is,",
                                   static_cast<int64_t>(place), printable(target->name)));
        }
        request_data(to);
        out_.pointers.push_back(
            {map, at, is_map ? pointer_target::map : pointer_target::data, to, is_map ? 0 : place});
        return {};
    }

    /// Weak symbols that are nowhere are null pointers, which is what the bytes say.
    maybe_error point_outside(uint32_t index) {
        const external *e = find_external(index);
        if (e == nullptr or not e->weak)
            missing_.add(missing::variables, printable(elf_.symbols[index].name));
        return {};
    }

    maybe_error point_to_function(uint32_t map, const elf_section &s, uint32_t at, uint32_t section,
                                  uint64_t place) {
        const auto function = object_.function_at(section, place);
        if (not function) {
            return bad(
                s, at,
                fmt::format("a pointer to offset {} of section '{}', where no function begins,",
                            place, printable(elf_.sections[section].name)));
        }
        request(*function);
        code_pointers_.push_back({map, at, *function, 0, false});
        return {};
    }

    /// The entries of the jump table at `place` become addresses of slots of the function that uses
    /// it.
    maybe_error add_jump_table(const place_in_object &at, const elf_symbol &symbol,
                               const elf_section &table, uint32_t map, uint64_t place) {
        if (not jump_tables_.insert(place).second) return {};
        const uint64_t rest = table.bytes.size() - std::min(place, uint64_t{table.bytes.size()});
        const uint64_t size = symbol.size != 0 ? std::min(symbol.size, rest) : rest;
        for (uint64_t entry = 0; entry + pointer_size <= size; entry += pointer_size) {
            if (auto e = add_jump_target(at, table, map, place + entry)) return e;
        }
        return {};
    }

    maybe_error add_jump_target(const place_in_object &at, const elf_section &table, uint32_t map,
                                uint64_t offset) {
        uint64_t target = wire::read<uint64_t>(table.bytes, offset);
        const auto r =
            std::ranges::lower_bound(table.relocations, offset, {}, &elf_relocation::offset);
        if (r != table.relocations.end() and r->offset == offset)
            target += elf_.symbols[r->symbol].value;
        const function_info &f = at.function;
        if (target < f.offset or target >= f.offset + f.size or target % slot_size != 0) {
            return bad(table, offset,
                       fmt::format("a jump table of function '{}' goes to byte {}, outside its {} "
                                   "bytes at {},",
                                   f.name, target, f.size, f.offset));
        }
        if (code_pointers_.size() >= most_jump_targets) {
            return bad(at, fmt::format("jump tables of more than {} entries", most_jump_targets),
                       error_code::limit_exceeded);
        }
        code_pointers_.push_back({map, static_cast<uint32_t>(offset),
                                  static_cast<std::size_t>(&f - object_.functions.data()),
                                  static_cast<uint32_t>((target - f.offset) / slot_size), true});
        return {};
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

    // --- the code

    std::span<uint8_t, slot_size> bytes_at(std::size_t pc) {
        return std::span{out_.code}.subspan(pc * slot_size).first<slot_size>();
    }

    void set_call(uint32_t pc, uint8_t source, int32_t imm) {
        isa::write_slot({.opcode = opcode_call, .dst = 0, .src = source, .offset = 0, .imm = imm},
                        bytes_at(pc));
    }

    void poison(uint32_t pc, int32_t helper, std::string reason) {
        set_call(pc, source_of(insn_id::call), helper);
        out_.poisoned.push_back({pc, std::move(reason)});
    }

    maybe_error set_wide(std::size_t pc, uint8_t source, uint32_t low, uint32_t high) {
        isa::slot insn = isa::read_slot(out_.code, pc);
        insn.src = source;
        insn.imm = static_cast<int32_t>(low);
        isa::write_slot(insn, bytes_at(pc));
        isa::write_slot(
            {.opcode = 0, .dst = 0, .src = 0, .offset = 0, .imm = static_cast<int32_t>(high)},
            bytes_at(pc + 1));
        return {};
    }

    void finish() {
        for (const reference &r : references_) patch(r);
        for (const code_pointer &p : code_pointers_) {
            const uint32_t slot = placed_[p.function] + p.delta;
            out_.pointers.push_back({p.map, p.offset, pointer_target::function, slot, 0});
            if (p.jump_target) out_.jump_targets.push_back(slot);
        }
        std::ranges::sort(out_.maps);
        std::ranges::sort(out_.poisoned, {}, &poisoned_instruction::pc);
        std::ranges::sort(out_.pointers, {},
                          [](const data_pointer &p) { return std::pair{p.map, p.offset}; });
    }

    void patch(const reference &r) {
        isa::slot insn = isa::read_slot(out_.code, r.pc);
        const auto distance = static_cast<int32_t>(int64_t{placed_[r.function]} - r.pc - 1);
        if (insn.opcode == opcode_wide) {
            (void)set_wide(r.pc, source_of(insn_id::lddw_code), static_cast<uint32_t>(distance), 0);
        } else {
            insn.imm = distance;
            isa::write_slot(insn, bytes_at(r.pc));
        }
    }

    const image &object_;
    const elf_object &elf_;
    const link_options &options_;
    std::optional<core_relocator> relocator_;  ///< set if there are records that need it
    const function_info *program_ = nullptr;
    std::optional<std::size_t> exception_callback_;  ///< index of the function
    /// First slot of each function and builtin, not_placed if it is not reached.
    std::vector<uint32_t> placed_;
    std::vector<std::size_t> order_;  ///< functions in the order of the code
    std::vector<bool> data_requested_;
    std::vector<uint32_t> data_order_;  ///< maps in the order in which they were found
    std::vector<reference> references_;
    std::vector<code_pointer> code_pointers_;
    std::set<uint64_t> jump_tables_;  ///< the places of those that were read
    std::vector<const elf_symbol *>
        objects_;  ///< variables and maps by place; filled when first asked for
    missing_names missing_;
    bytecode out_;
};

}  // namespace

result<bytecode> link_program(const image &object, const function_info &program,
                              const link_options &options) {
    return linker{object, options}.link(program);
}

}  // namespace bpftime::vm::object
