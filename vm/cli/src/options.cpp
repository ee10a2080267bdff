// bpftime-vm: commands and their options
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <charconv>
#include <utility>

namespace bpftime::vm::cli {

namespace {

/// All of `text` as a number. CLI11 would read "-1" as the largest one.
std::optional<uint64_t> parse_number(std::string_view text) {
    const bool hexadecimal = text.starts_with("0x");
    if (hexadecimal) text.remove_prefix(2);
    uint64_t number = 0;
    const char *const first = text.data();
    const char *const last = first + text.size();
    const auto [end, code] = std::from_chars(first, last, number, hexadecimal ? 16 : 10);
    return code == std::errc{} and end == last ? std::optional{number} : std::nullopt;
}

}  // namespace

command::command(CLI::App &app, context &ctx, const std::string &name,
                 const std::string &description, bool &as_json,
                 std::function<outcome<void>()> action)
    : app_{*app.add_subcommand(name, description)} {
    app_.add_flag("--json", as_json, "Print JSON instead of text");
    app_.callback([&ctx, action = std::move(action)] { ctx.action = action; });
}

void command::positional(const std::string &name, std::string &target,
                         const std::string &description) {
    app_.add_option(name, target, description);
}

void command::positionals(const std::string &name, std::vector<std::string> &target,
                          const std::string &description) {
    app_.add_option(name, target, description);
}

void command::required(const std::string &name, std::string &target, const std::string &description,
                       const std::vector<std::string> &values) {
    CLI::Option *const option = app_.add_option(name, target, description)->required();
    if (not values.empty()) option->check(CLI::IsMember{values});
}

void command::flag(const std::string &names, bool &target, const std::string &description) {
    app_.add_flag(names, target, description);
}

void command::text(const std::string &names, std::string &target, const std::string &kind,
                   const std::string &description) {
    app_.add_option(names, target, description)->type_name(kind);
}

void command::texts(const std::string &names, std::vector<std::string> &target,
                    const std::string &kind, const std::string &description) {
    // One text each time: what follows is the program or its memory.
    app_.add_option(names, target, description)->type_name(kind)->allow_extra_args(false);
}

void command::choice(const std::string &names, const std::vector<std::string> &values,
                     const std::string &description,
                     const std::function<void(const std::string &)> &store) {
    app_.add_option_function<std::string>(names, store, description)->check(CLI::IsMember{values});
}

void command::number(const std::string &names, uint64_t least, uint64_t most,
                     const std::string &description, std::function<void(uint64_t)> store) {
    const auto parse = [=, store = std::move(store)](const std::string &text) {
        const auto number = parse_number(text);
        if (not number or *number < least or *number > most) {
            throw CLI::ValidationError{
                names, fmt::format("'{}' is no number from {} to {}", text, least, most)};
        }
        store(*number);
    };
    app_.add_option_function<std::string>(names, parse, description)->type_name("N");
}

void command::cpu(compile_options &options) {
    const auto store = [&options](const std::string &cpu) { options.cpu = cpu_of(cpu); };
    app_.add_option_function<std::string>(
            "-m,--mcpu", store,
            "CPU version for a C file: v1 to v4, also written -mcpu=v4 (default v3)")
        ->type_name("VERSION");
}

void command::program(program_options &options) {
    required("PROGRAM", options.path,
             "eBPF program: bytecode, hex or assembly text, object, C; - for stdin");
    std::vector<std::string> formats;
    formats.reserve(format_table.size());
    for (const format_info &row : format_table) formats.emplace_back(row.name);
    choice("-f,--format", formats, "What PROGRAM is, if its name and contents do not tell",
           [&options](const std::string &name) { options.format = find_format(name); });
    text("-s,--section", options.section, "NAME", "Section of the object that the program is in");
    texts("-p,--program", options.programs, "NAME", "Function of the object that is the program");
    text(
        "--btf", options.target, "FILE",
        "Types of the target, for CO-RE: BTF or an ELF file that holds it (default: the object's)");
    cpu(options.compile);
}

void command::footer(const std::string &text) { app_.footer(text); }

}  // namespace bpftime::vm::cli
