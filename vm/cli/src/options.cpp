// bpftime-vm: options that several commands have
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <charconv>
#include <utility>

namespace bpftime::vm::cli {

void add_common(CLI::App &command, context &ctx, bool &as_json, std::function<outcome<void>()> action) {
    command.add_flag("--json", as_json, "Print JSON instead of text");
    command.callback([&ctx, action = std::move(action)] { ctx.action = action; });
}

void add_program_options(CLI::App &command, program_options &options) {
    command.add_option("PROGRAM", options.path, "eBPF program: bytecode, hex or assembly text, object, C; - for stdin")
        ->required();
    std::vector<std::string> formats;
    for (const format_info &row : format_table) formats.emplace_back(row.name);
    command
        .add_option_function<std::string>(
            "-f,--format", [&options](const std::string &name) { options.format = *find_format(name); },
            "What PROGRAM is, if its name and contents do not tell")
        ->check(CLI::IsMember{formats});
    command.add_option("-s,--section", options.section, "Section of the object that the program is in");
    command.add_option("-p,--program", options.program, "Function of the object that is the program");
    command
        .add_option_function<std::string>(
            "-m,--mcpu", [&options](const std::string &cpu) { options.compile.cpu = cpu_of(cpu); },
            "CPU version for a C file: v1 to v4, also written -mcpu=v4 (default v3)")
        ->type_name("VERSION");
}

void add_number(CLI::App &command, const std::string &names, const std::string &description, uint64_t least,
                uint64_t most, std::function<void(uint64_t)> store) {
    // CLI11 would read "-1" as the largest number.
    const auto parse = [=, store = std::move(store)](const std::string &text) {
        std::string_view digits = text;
        const bool hexadecimal = digits.starts_with("0x");
        if (hexadecimal) digits.remove_prefix(2);
        uint64_t number = 0;
        const char *const last = digits.data() + digits.size();
        const auto [end, code] = std::from_chars(digits.data(), last, number, hexadecimal ? 16 : 10);
        if (code != std::errc{} or end != last or number < least or number > most) {
            throw CLI::ValidationError{names, fmt::format("'{}' is no number from {} to {}", text, least, most)};
        }
        store(number);
    };
    command.add_option_function<std::string>(names, parse, description)->type_name("N");
}

}  // namespace bpftime::vm::cli
