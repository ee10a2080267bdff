// bpftime-vm: programs in all the forms in which they come
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "input.hpp"

#include "capture.hpp"
#include "isa/text.hpp"
#include "log.hpp"
#include "memory.hpp"
#include "runtime/context.hpp"
#include "runtime/helpers.hpp"

#include <elf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace bpftime::vm::cli {

namespace {

constexpr std::size_t largest_program = std::size_t{1} << 29;  // the largest program as text

std::unexpected<failure> cannot_read(const std::string &path, int cause) {
    return fail(exit_code::io, "cannot read '{}': {}", display_name(path), std::strerror(cause));
}

std::string_view as_text(const std::vector<uint8_t> &bytes) {
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

/// Text has no control characters but white space; bytecode always has some.
bool is_text(std::string_view bytes) {
    return std::ranges::all_of(bytes, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= ' ' ? byte != 0x7f : byte >= '\t' and byte <= '\r';
    });
}

/// Whether the first line that is no comment could be hexadecimal digits.
bool looks_like_hex(std::string_view text) {
    while (not text.empty()) {
        const auto end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        line = line.substr(0, std::min(line.find_first_of("#;"), line.find("//")));
        const auto first = line.find_first_not_of(" \t\r\v\f");
        if (first == line.npos) continue;
        return line.find_first_not_of("0123456789abcdefABCDEFxX,: \t\r\v\f") == line.npos;
    }
    return false;
}

std::optional<program_format> format_by_name(std::string_view path) {
    struct row {
        std::string_view ending;
        program_format format;
    };
    constexpr auto rows = std::to_array<row>({{".c", program_format::c},
                                              {".s", program_format::assembly},
                                              {".asm", program_format::assembly},
                                              {".hex", program_format::hex}});
    const auto found =
        std::ranges::find_if(rows, [&](const row &r) { return path.ends_with(r.ending); });
    return found == rows.end() ? std::nullopt : std::optional{found->format};
}

program_format format_by_contents(const std::vector<uint8_t> &bytes) {
    const std::string_view text = as_text(bytes);
    if (text.starts_with("\x7f"
                         "ELF"))
        return program_format::elf;
    if (text.empty() or not is_text(text)) return program_format::raw;
    return looks_like_hex(text) ? program_format::hex : program_format::assembly;
}

outcome<std::vector<uint8_t>> read_bytes(const std::string &path) {
    if (path == "-") return read_file(stdin, display_name(path), largest_program);
    const file_handle file{std::fopen(path.c_str(), "rb")};
    if (not file) return cannot_read(path, errno);
    return read_file(file.get(), path, largest_program);
}

outcome<object::object_file> parse_object(const std::string &path, std::span<const uint8_t> bytes) {
    auto parsed = object::object_file::parse(bytes);
    if (not parsed) return fail(display_name(path), parsed.error());
    return std::move(*parsed);
}

outcome<program_file> interpret_object(program_file file, std::span<const uint8_t> bytes,
                                       const std::string &target) {
    auto parsed = parse_object(file.path, bytes);
    if (not parsed) return std::unexpected{std::move(parsed.error())};
    file.object = std::move(*parsed);
    if (target.empty()) return file;
    if (const file_handle there{std::fopen(target.c_str(), "rb")}; not there)
        return cannot_read(target, errno);
    auto types = object::btf::read_file(target);
    if (not types) return fail(target, types.error());
    file.target = std::make_shared<const object::btf>(std::move(*types));
    return file;
}

/// Fills in what the bytes of the file mean.
outcome<program_file> interpret(program_file file, std::vector<uint8_t> bytes,
                                const program_options &options) {
    file.size = bytes.size();
    if (file.format == program_format::elf or file.format == program_format::c)
        return interpret_object(std::move(file), bytes, options.target);
    if (not options.target.empty()) {
        return fail(exit_code::usage, "--btf is for objects, but '{}' is {}",
                    display_name(file.path), info(file.format).noun);
    }
    if (file.format == program_format::raw) {
        file.code = std::move(bytes);
        return file;
    }
    if (file.format == program_format::hex) {
        auto code = parse_hex(as_text(bytes), display_name(file.path));
        if (not code) return std::unexpected{std::move(code.error())};
        file.code = std::move(*code);
        return file;
    }
    auto code = isa::assemble(as_text(bytes));
    if (not code) return fail(display_name(file.path), code.error());
    file.code = std::move(*code);
    return file;
}

std::string list_programs(std::span<const object::function_info *const> programs) {
    std::size_t width = 0;
    for (const auto *p : programs) width = std::max(width, p->section.size());
    std::string text;
    for (const auto *p : programs)
        text += fmt::format("\n  --section {:<{}} --program {}", p->section, width, p->name);
    return text;
}

}  // namespace

std::string display_name(const std::string &path) { return path == "-" ? "standard input" : path; }

std::string whole_name(const program_file &file) {
    std::string name = display_name(file.path);
    for (const std::string &path : file.linked) name += " + " + display_name(path);
    return name;
}

std::optional<program_format> find_format(std::string_view name) noexcept {
    const auto row = std::ranges::find(format_table, name, &format_info::name);
    return row == format_table.end() ? std::nullopt : std::optional{row->format};
}

const format_info &info(program_format format) noexcept {
    return *std::ranges::find(format_table, format, &format_info::format);
}

std::string cpu_of(std::string_view argument) {
    if (argument.starts_with("cpu=")) argument.remove_prefix(4);
    return std::string{argument};
}

std::string program_image::title() const {
    return name.empty() ? display_name(path)
                        : fmt::format("{}: program '{}'", display_name(path), name);
}

std::string_view program_image::function_at(uint32_t pc) const noexcept {
    const auto found = std::ranges::find(functions, pc, &object::linked_function::begin);
    return found == functions.end() ? std::string_view{} : found->name;
}

std::string_view program_image::kernel_function(uint32_t index) const noexcept {
    return index < kernel_functions.size() ? kernel_functions[index] : std::string_view{};
}

outcome<std::vector<uint8_t>> read_file(std::FILE *file, const std::string &name,
                                        std::size_t most) {
    std::vector<uint8_t> bytes;
    for (std::size_t chunk = 1 << 16; not feof(file);
         chunk = std::min(2 * chunk, std::size_t{1} << 24)) {
        const std::size_t filled = bytes.size();
        bytes.resize(filled + chunk);
        bytes.resize(filled + fread(bytes.data() + filled, 1, chunk, file));
        if (ferror(file)) return cannot_read(name, errno);
        if (bytes.size() > most) {
            return fail(exit_code::bad_input, "'{}' is larger than {} bytes", name, most);
        }
    }
    return bytes;
}

outcome<program_file> read_program_file(const program_options &options) {
    program_file file{.path = options.path,
                      .format = program_format::raw,
                      .linked = {},
                      .size = 0,
                      .code = {},
                      .object = {},
                      .target = {}};
    std::optional<program_format> format = options.format;
    const auto by_name = format_by_name(options.path);
    if (not format and by_name == program_format::c) format = by_name;
    if (format == program_format::c) {
        file.format = *format;
        if (const file_handle there{options.path == "-" ? nullptr
                                                        : std::fopen(options.path.c_str(), "rb")};
            not there and options.path != "-") {
            return cannot_read(options.path, errno);
        }
        auto bytes = compile_c(options.path, options.compile);
        if (not bytes) return std::unexpected{std::move(bytes.error())};
        return interpret(std::move(file), std::move(*bytes), options);
    }
    auto bytes = read_bytes(options.path);
    if (not bytes) return std::unexpected{std::move(bytes.error())};
    const program_format by_contents = format_by_contents(*bytes);
    // The name decides only between kinds of text.
    const bool binary = by_contents == program_format::elf or by_contents == program_format::raw;
    file.format = format.value_or(binary ? by_contents : by_name.value_or(by_contents));
    log_debug(fmt::format("reading {} as {}", display_name(options.path), info(file.format).noun));
    return interpret(std::move(file), std::move(*bytes), options);
}

bool is_object(const std::string &path) {
    // What can be read only once is memory; opening a pipe may take for ever.
    std::error_code none;
    if (not std::filesystem::is_regular_file(path, none)) return false;
    const file_handle file{std::fopen(path.c_str(), "rb")};
    Elf64_Ehdr header{};
    return file and fread(&header, sizeof header, 1, file.get()) == 1 and
           std::string_view{reinterpret_cast<const char *>(header.e_ident), SELFMAG} == ELFMAG and
           header.e_type == ET_REL and header.e_machine == EM_BPF;
}

outcome<void> link_objects(program_file &file, std::span<const std::string> paths,
                           const program_options &options) {
    std::vector<object::object_file> objects;
    const auto add = [&objects](program_file &one) -> outcome<void> {
        if (not one.object) {
            return fail(exit_code::usage, "only objects can be linked, but '{}' is {}",
                        display_name(one.path), info(one.format).noun);
        }
        objects.push_back(std::move(*one.object));
        return {};
    };
    if (auto done = add(file); not done) return done;
    for (const std::string &path : paths) {
        program_options of_it = options;
        of_it.path = path;
        of_it.target.clear();
        of_it.format.reset();
        auto one = read_program_file(of_it);
        if (not one) return std::unexpected{std::move(one.error())};
        if (auto done = add(*one); not done) return done;
        file.size += one->size;
        file.linked.push_back(path);
    }
    auto whole = object::object_file::combine(objects);
    if (not whole) return fail(whole_name(file), whole.error());
    file.object = std::move(*whole);
    return {};
}

namespace {

/// One program, of this name if that is not empty.
outcome<const object::function_info *> choose(const program_file &file, std::string_view section,
                                              std::string_view wanted) {
    std::vector<const object::function_info *> programs;
    std::vector<const object::function_info *> matching;
    for (const object::function_info &f : file.object->functions()) {
        const bool named = not wanted.empty() and f.name == wanted;
        if (f.is_program) programs.push_back(&f);
        if (not f.is_program and not named) continue;
        const bool fits = (section.empty() or f.section == section) and (wanted.empty() or named);
        if (fits) matching.push_back(&f);
    }
    const std::string name = display_name(file.path);
    if (matching.size() == 1) return matching.front();
    if (programs.empty()) {
        return fail(exit_code::bad_input,
                    "{}: the object holds no program: no function in an executable section", name);
    }
    if (matching.empty()) {
        const std::string what = (wanted.empty() ? "" : fmt::format(" named '{}'", wanted)) +
                                 (section.empty() ? "" : fmt::format(" in section '{}'", section));
        return fail(exit_code::bad_input, "{}: no program{}; there are:{}", name, what,
                    list_programs(programs));
    }
    return fail(exit_code::bad_input, "{}: {} programs to choose from; say which:{}", name,
                matching.size(), list_programs(matching));
}

}  // namespace

outcome<std::vector<const object::function_info *>> choose_programs(
    const program_file &file, const program_options &options) {
    std::vector<const object::function_info *> chosen;
    const std::vector<std::string> any{""};
    for (const std::string &name : options.programs.empty() ? any : options.programs) {
        const auto one = choose(file, options.section, name);
        if (not one) return std::unexpected{one.error()};
        chosen.push_back(*one);
    }
    return chosen;
}

outcome<const object::function_info *> choose_program(const program_file &file,
                                                      const program_options &options) {
    const auto chosen = choose_programs(file, options);
    if (not chosen) return std::unexpected{chosen.error()};
    if (chosen->size() == 1) return chosen->front();
    return fail(exit_code::usage, "one --program at a time");
}

namespace {

/// Those that programs of this type may call when they run here.
std::vector<std::string> kernel_functions_for(object::program_type type) {
    const bool takes_packets = runtime::context_layout_of(type) != nullptr;
    std::vector<std::string> names;
    for (const runtime::helper_row &row : runtime::kernel_function_table()) {
        if (takes_packets or not runtime::needs_packet(row)) names.push_back(row.declaration.name);
    }
    return names;
}

}  // namespace

outcome<program_image> link(const program_file &file, const object::function_info &chosen,
                            bool maps) {
    const object::link_options options{
        .maps = maps,
        .kernel_functions = kernel_functions_for(chosen.type.program),
        .target = file.target.get()};
    auto linked = file.object->link(chosen, options);
    if (not linked) return fail(display_name(file.path), linked.error());
    if (not maps and not linked->kernel_calls.empty()) {
        return fail(exit_code::unsupported,
                    "{}: program '{}' calls kernel functions, which bytecode alone cannot name",
                    display_name(file.path), chosen.name);
    }
    return program_image{file.path,
                         file.format,
                         chosen.name,
                         chosen.section,
                         chosen.type.program,
                         std::move(linked->code),
                         std::move(linked->functions),
                         std::move(linked->maps),
                         std::move(linked->jump_targets),
                         std::move(linked->poisoned),
                         options.kernel_functions};
}

outcome<program_image> select_program(const program_file &file, const program_options &options,
                                      bool maps) {
    if (file.object) {
        const auto chosen = choose_program(file, options);
        if (not chosen) return std::unexpected{chosen.error()};
        return link(file, **chosen, maps);
    }
    if (not options.section.empty() or not options.programs.empty()) {
        return fail(exit_code::usage,
                    "--section and --program choose from an object, but '{}' is {}",
                    display_name(file.path), info(file.format).noun);
    }
    return program_image{file.path, file.format, "", "", {}, file.code, {}, {}, {}, {}, {}};
}

outcome<program_image> read_program(const program_options &options, bool maps) {
    const auto file = read_program_file(options);
    if (not file) return std::unexpected{file.error()};
    return select_program(*file, options, maps);
}

}  // namespace bpftime::vm::cli
