// bpftime-vm: the functions of an object, and which of them are programs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object/object.hpp"

#include "elf_reader.hpp"
#include "isa/isa.hpp"
#include "linker.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace bpftime::vm::object {

namespace {

/// Sections whose functions are called by programs, not run themselves.
bool holds_subprograms(std::string_view section) {
    return section == ".text" or section.starts_with(".text.");
}

auto place_of(const function_info &f) { return std::pair{f.section_index, f.offset}; }

std::optional<error> check(const function_info &f, const elf_section &s) {
    const uint64_t room = s.bytes.size();
    const bool aligned = f.offset % isa::slot_size == 0 and f.size % isa::slot_size == 0;
    if (f.offset < room and f.size <= room - f.offset and aligned and f.size != 0) return {};
    return make_error(
        error_code::bad_object,
        fmt::format("function '{}' ({} bytes at {}) does not fit section '{}' of {} bytes", f.name,
                    f.size, f.offset, f.section, room));
}

/// Hand-written assembly may leave sizes out: such a function ends where the next one begins.
void complete_sizes(std::span<function_info> functions, const elf_object &elf) {
    uint64_t end = 0;
    for (std::size_t i = functions.size(); i-- > 0;) {
        function_info &f = functions[i];
        const bool last =
            i + 1 == functions.size() or functions[i + 1].section_index != f.section_index;
        if (last)
            end = elf.sections[f.section_index].bytes.size();
        else if (functions[i + 1].offset > f.offset)
            end = functions[i + 1].offset;
        if (f.size == 0 and end > f.offset) f.size = end - f.offset;
    }
}

result<std::vector<function_info>> find_functions(const elf_object &elf) {
    std::vector<function_info> functions;
    for (const elf_symbol &symbol : elf.symbols) {
        const elf_section *section = elf.section_of(symbol);
        if (symbol.type != STT_FUNC or section == nullptr or not section->is_executable()) continue;
        functions.push_back({printable(symbol.name), printable(section->name), symbol.section,
                             symbol.value, symbol.size, symbol.binding != STB_LOCAL, false});
    }
    std::ranges::stable_sort(functions, {}, place_of);
    complete_sizes(functions, elf);
    for (const function_info &f : functions) {
        if (auto e = check(f, elf.sections[f.section_index])) return std::unexpected{std::move(*e)};
    }
    return functions;
}

void mark_programs(std::span<function_info> functions) {
    const auto outside = [](const function_info &f) { return not holds_subprograms(f.section); };
    const bool any_outside = std::ranges::any_of(functions, outside);
    const bool any_global = std::ranges::any_of(functions, &function_info::global);
    for (function_info &f : functions) {
        f.is_program = any_outside ? outside(f) : any_global ? f.global : true;
    }
}

}  // namespace

object_file::object_file() = default;
object_file::object_file(object_file &&) noexcept = default;
object_file &object_file::operator=(object_file &&) noexcept = default;
object_file::~object_file() = default;

result<object_file> object_file::parse(std::span<const uint8_t> bytes) {
    auto elf = read_elf(bytes);
    if (not elf) return std::unexpected{std::move(elf.error())};
    auto functions = find_functions(*elf);
    if (not functions) return std::unexpected{std::move(functions.error())};
    mark_programs(*functions);

    object_file file;
    for (const elf_section &s : std::span{elf->sections}.subspan(1)) {
        file.sections_.push_back(
            {printable(s.name), s.size, s.is_executable(), s.type != SHT_NOBITS});
    }
    file.functions_ = std::move(*functions);
    file.elf_ = std::make_unique<const elf_object>(std::move(*elf));
    return file;
}

result<bytecode> object_file::link(const function_info &program) const {
    return link_program(*elf_, functions_, program);
}

}  // namespace bpftime::vm::object
