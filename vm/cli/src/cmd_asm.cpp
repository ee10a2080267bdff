// bpftime-vm: `bpftime-cli asm`: any form of a program to bytecode
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/isa.hpp"
#include "options.hpp"
#include "output.hpp"
#include "program/program.hpp"

#include <nlohmann/json.hpp>

#include <memory>

namespace bpftime::vm::cli {

namespace {

struct asm_options {
    program_options program;
    std::string out;
    bool as_hex = false;
    bool as_json = false;
};

/// One instruction slot a line.
std::string to_hex_text(std::span<const uint8_t> code) {
    std::string text;
    for (std::size_t i = 0; i < code.size(); i += isa::slot_size) {
        const auto slot = code.subspan(i, std::min(isa::slot_size, code.size() - i));
        text += fmt::format("{:02x}\n", fmt::join(slot, " "));
    }
    return text;
}

void print_as_json(const program_image &program, const asm_options &options,
                   const std::optional<std::string> &warning) {
    json document = {{"path", program.path},
                     {"slots", program.code.size() / isa::slot_size},
                     {"hex", fmt::format("{:02x}", fmt::join(program.code, ""))},
                     {"valid", not warning.has_value()}};
    if (warning) document["warning"] = *warning;
    if (not options.out.empty()) document["out"] = options.out;
    print_json(document);
}

outcome<void> write(std::span<const uint8_t> bytes, const asm_options &options) {
    if (not options.out.empty()) return write_file(options.out, bytes);
    if (not options.as_json) write_out(bytes);
    return {};
}

outcome<void> assemble(const asm_options &options) {
    const auto program = read_program(options.program, false);
    if (not program) return std::unexpected{program.error()};
    // Wrong programs are wanted at times, for tests: say so, but write them.
    const auto loaded = bpftime::vm::program::load(
        program->code, {.max_insns = most_max_insns, .jump_targets = {}});
    const auto warning = loaded ? std::nullopt : std::optional{loaded.error().message};
    if (warning) warn(fmt::format("{}: will not load: {}", program->title(), *warning));

    // Bytes would only upset a terminal.
    const bool as_hex = options.as_hex or (options.out.empty() and is_terminal(stdout));
    const std::string text = as_hex ? to_hex_text(program->code) : "";
    const std::span text_bytes{reinterpret_cast<const uint8_t *>(text.data()), text.size()};
    if (auto done = write(as_hex ? text_bytes : std::span{program->code}, options); not done)
        return done;
    if (options.as_json) print_as_json(*program, options, warning);
    return {};
}

}  // namespace

void add_asm(CLI::App &app, context &ctx) {
    const auto options = std::make_shared<asm_options>();
    command c{app, ctx, "asm", "Assemble a program to bytecode", options->as_json, [options] {
                  return assemble(*options);
              }};
    c.program(options->program);
    c.text("-o,--out", options->out, "FILE", "Write to this file (default: stdout)");
    c.flag("--hex", options->as_hex,
           "Write hexadecimal text, one slot a line (default on a terminal)");
}

}  // namespace bpftime::vm::cli
