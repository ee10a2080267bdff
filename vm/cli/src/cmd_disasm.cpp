// bpftime-vm: `bpftime-cli disasm`: any form of a program to text
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/isa.hpp"
#include "isa/text.hpp"
#include "isa/validate.hpp"
#include "options.hpp"
#include "output.hpp"

#include <nlohmann/json.hpp>

#include <memory>

namespace bpftime::vm::cli {

namespace {

struct disasm_options {
    program_options program;
    std::string style = "assembly";
    bool with_pc = false;
    bool as_json = false;
};

struct line {
    uint32_t pc;
    std::string text;
    std::span<const uint8_t> bytes;
    std::string_view kernel_function;  ///< that it calls; empty: none, or none that has a name
};

result<std::vector<line>> to_lines(const program_image &program, isa::syntax style) {
    const std::span code{program.code};
    const auto insns = isa::decode_all(code);
    if (not insns) return std::unexpected{insns.error()};
    std::vector<line> lines;
    for (uint32_t pc = 0; pc < insns->size();) {
        const isa::instruction &insn = (*insns)[pc];
        const uint32_t slots = isa::is_wide(insn.id) ? 2 : 1;
        const bool calls_kernel = insn.id == isa::insn_id::call_kfunc;
        lines.push_back({pc, isa::to_text(insn, slots == 2 ? (*insns)[pc + 1].imm : 0, style),
                         code.subspan(pc * isa::slot_size, slots * isa::slot_size),
                         calls_kernel ? program.kernel_function(static_cast<uint32_t>(insn.imm))
                                      : std::string_view{}});
        pc += slots;
    }
    return lines;
}

/// Functions, also those of the kernel, are named in comments, so that the text can be assembled
/// again.
void print_text(const std::vector<line> &lines, const program_image &program, bool with_pc) {
    const std::size_t width = fmt::formatted_size("{}", lines.back().pc);
    for (const line &l : lines) {
        const std::string_view name = program.function_at(l.pc);
        if (not name.empty())
            print("{}\n", paint(colour::green, fmt::format("# {}", name), stdout));
        if (with_pc) print("{:>{}}: ", l.pc, width);
        const std::string_view called = l.kernel_function;
        print("{}{}\n", l.text,
              called.empty() ? "" : paint(colour::green, fmt::format("  # {}", called), stdout));
    }
}

void print_as_json(const std::vector<line> &lines, const program_image &program) {
    json instructions = json::array();
    for (const line &l : lines) {
        json row = {{"pc", l.pc},
                    {"text", l.text},
                    {"bytes", fmt::format("{:02x}", fmt::join(l.bytes, " "))}};
        const std::string_view name = program.function_at(l.pc);
        if (not name.empty()) row["function"] = name;
        if (not l.kernel_function.empty()) row["kernel_function"] = l.kernel_function;
        instructions.push_back(std::move(row));
    }
    print_json({{"path", program.path}, {"instructions", std::move(instructions)}});
}

outcome<void> disassemble(const disasm_options &options) {
    const auto program = read_program(options.program);
    if (not program) return std::unexpected{program.error()};
    const auto style = options.style == "c" ? isa::syntax::c_like : isa::syntax::assembly;
    const auto lines = to_lines(*program, style);
    if (not lines) return fail(program->title(), lines.error());
    if (options.as_json)
        print_as_json(*lines, *program);
    else
        print_text(*lines, *program, options.with_pc);
    return {};
}

}  // namespace

void add_disasm(CLI::App &app, context &ctx) {
    const auto options = std::make_shared<disasm_options>();
    command c{app, ctx, "disasm", "Disassemble a program", options->as_json, [options] {
                  return disassemble(*options);
              }};
    c.program(options->program);
    c.choice("--style", {"assembly", "c"},
             "assembly (default): what `asm` reads; c: as llvm-objdump prints it",
             [options](const std::string &style) { options->style = style; });
    c.flag("--pc", options->with_pc, "Number the instruction slots");
}

}  // namespace bpftime::vm::cli
