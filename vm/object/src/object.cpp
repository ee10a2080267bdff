// bpftime-vm: the functions of an object, and which of them are programs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object/object.hpp"

#include "combine.hpp"
#include "core_spec.hpp"
#include "elf_reader.hpp"
#include "globals.hpp"
#include "image.hpp"
#include "isa/isa.hpp"
#include "linker.hpp"
#include "maps.hpp"
#include "wire.hpp"

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
                             symbol.value, symbol.size, symbol.binding != STB_LOCAL, false,
                             type_of_section(section->name)});
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

/// The types of the object, with the places of its variables filled in: compilers leave those to
/// relocations.
result<std::shared_ptr<const btf>> read_types(const elf_object &elf) {
    const elf_section *section = elf.find(btf_section);
    if (section == nullptr or section->bytes.empty()) return nullptr;
    std::vector<uint8_t> bytes{section->bytes.begin(), section->bytes.end()};
    for (const elf_relocation &r : section->relocations) {
        if (not wire::fits(r.offset, sizeof(uint32_t), bytes.size())) {
            return std::unexpected{
                make_error(error_code::bad_object,
                           fmt::format("damaged BTF: relocation at offset {} of {} bytes", r.offset,
                                       bytes.size()))};
        }
        const auto value = static_cast<uint32_t>(elf.symbols[r.symbol].value);
        wire::write(bytes, r.offset, wire::read<uint32_t>(bytes, r.offset) + value);
    }
    auto types = btf::parse(bytes);
    if (not types) return std::unexpected{std::move(types.error())};
    return std::make_shared<const btf>(std::move(*types));
}

std::optional<error> read_debug(image &out) {
    auto types = read_types(out.elf);
    if (not types) return std::move(types.error());
    out.types = std::move(*types);
    const elf_section *section = out.elf.find(btf_ext_section);
    if (section == nullptr or section->bytes.empty() or not out.types) return {};
    auto debug = parse_btf_ext(section->bytes, *out.types);
    if (not debug) return std::move(debug.error());
    out.debug = std::move(*debug);
    return {};
}

std::optional<error> read_functions(image &out) {
    auto functions = find_functions(out.elf);
    if (not functions) return std::move(functions.error());
    mark_programs(*functions);
    out.functions = std::move(*functions);
    for (const elf_section &s : std::span{out.elf.sections}.subspan(1)) {
        out.sections.push_back(
            {printable(s.name), s.size, s.is_executable(), s.type != SHT_NOBITS});
    }
    return {};
}

}  // namespace

uint32_t image::declared_map(uint32_t section, uint64_t offset) const {
    const auto found = maps_by_place.find({section, offset});
    return found == maps_by_place.end() ? no_map : found->second;
}

std::optional<uint32_t> image::find_map(std::string_view name) const {
    const auto found = maps_by_name.find(name);
    if (found == maps_by_name.end()) return {};
    return found->second;
}

std::optional<std::size_t> image::function_at(uint32_t section, uint64_t offset) const {
    const auto wanted = std::pair{section, offset};
    const auto found = std::ranges::lower_bound(functions, wanted, {}, place_of);
    if (found == functions.end() or place_of(*found) != wanted) return {};
    return static_cast<std::size_t>(found - functions.begin());
}

object_file::object_file(std::unique_ptr<image> contents) : image_{std::move(contents)} {}
object_file::object_file(object_file &&) noexcept = default;
object_file &object_file::operator=(object_file &&) noexcept = default;
object_file::~object_file() = default;

std::span<const section_info> object_file::sections() const noexcept { return image_->sections; }
std::span<const function_info> object_file::functions() const noexcept { return image_->functions; }
std::span<const object_map> object_file::maps() const noexcept { return image_->maps; }

std::string object_file::license() const {
    const elf_section *section = image_->elf.find("license");
    if (section == nullptr) return {};
    const std::string_view text{reinterpret_cast<const char *>(section->bytes.data()),
                                section->bytes.size()};
    return printable(text.substr(0, text.find('\0')));
}

std::size_t object_file::core_relocation_count() const noexcept {
    std::size_t count = 0;
    for (const auto &[section, records] : image_->debug.relocations) count += records.size();
    return count;
}

std::vector<core_relocation> object_file::core_relocations() const {
    std::vector<core_relocation> all;
    for (const auto &[section, records] : image_->debug.relocations) {
        for (const core_record &r : records) {
            const auto spec = read_core_spec(*image_->types, r);
            core_relocation row{std::string{section}, r.offset, fmt::format("kind {}", r.kind),
                                image_->types->describe(r.type)};
            if (spec) {
                row.kind = name_of(spec->kind);
                row.subject = spec->describe(*image_->types);
            }
            all.push_back(std::move(row));
        }
    }
    return all;
}

std::vector<std::string> object_file::variables() const { return list_globals(*image_); }

const btf *object_file::types() const noexcept { return image_->types.get(); }
std::shared_ptr<const btf> object_file::shared_types() const noexcept { return image_->types; }

result<object_file> object_file::parse(std::span<const uint8_t> bytes) {
    auto elf = read_elf(bytes);
    if (not elf) return std::unexpected{std::move(elf.error())};
    auto contents = std::make_unique<image>();
    contents->elf = std::move(*elf);
    for (const auto step : {read_functions, read_debug, read_maps, read_externals}) {
        if (auto e = step(*contents)) return std::unexpected{std::move(*e)};
    }
    return object_file{std::move(contents)};
}

result<object_file> object_file::combine(std::span<const object_file> files) {
    std::vector<const object_file *> places;
    places.reserve(files.size());
    for (const object_file &file : files) places.push_back(&file);
    return combine(places);
}

result<object_file> object_file::combine(std::span<const object_file *const> files) {
    if (files.empty())
        return std::unexpected{make_error(error_code::invalid_argument, "no objects to combine")};
    std::vector<const image *> objects;
    objects.reserve(files.size());
    for (const object_file *const file : files) objects.push_back(file->image_.get());
    auto combined = combine_images(objects);
    if (not combined) return std::unexpected{std::move(combined.error())};
    auto contents = std::make_unique<image>(std::move(*combined));
    for (const auto step : {read_functions, read_maps, read_externals}) {
        if (auto e = step(*contents)) return std::unexpected{std::move(*e)};
    }
    return object_file{std::move(contents)};
}

result<void> object_file::configure(std::string_view name, std::string_view value) {
    if (auto e = object::configure(*image_, name, value)) return std::unexpected{std::move(*e)};
    return {};
}

result<global_variable> object_file::global(std::string_view name) const {
    return find_global(*image_, name);
}

result<std::vector<uint8_t>> object_file::value_of(std::string_view name) const {
    return read_global(*image_, name);
}

result<void> object_file::set(std::string_view name, std::span<const uint8_t> bytes) {
    return write_global(*image_, name, bytes);
}

result<void> object_file::set(std::string_view name, int64_t number) {
    return write_global(*image_, name, number);
}

result<bytecode> object_file::link(const function_info &program,
                                   const link_options &options) const {
    return link_program(*image_, program, options);
}

}  // namespace bpftime::vm::object
