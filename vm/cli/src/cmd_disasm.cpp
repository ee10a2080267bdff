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
};

result<std::vector<line>> to_lines(std::span<const uint8_t> code, isa::syntax style) {
    const auto insns = isa::decode_all(code);
    if (not insns) return std::unexpected{insns.error()};
    std::vector<line> lines;
    for (uint32_t pc = 0; pc < insns->size();) {
        const isa::instruction &insn = (*insns)[pc];
        const uint32_t slots = isa::is_wide(insn.id) ? 2 : 1;
        lines.push_back({pc, isa::to_text(insn, slots == 2 ? (*insns)[pc + 1].imm : 0, style),
                         code.subspan(pc * isa::slot_size, slots * isa::slot_size)});
        pc += slots;
    }
    return lines;
}

/// Functions are named in comments, so that the text can be assembled again.
void print_text(const std::vector<line> &lines, const program_image &program, bool with_pc) {
    const std::size_t width = fmt::formatted_size("{}", lines.back().pc);
    for (const line &l : lines) {
        const std::string_view name = program.function_at(l.pc);
        if (not name.empty())
            print("{}\n", paint(colour::green, fmt::format("# {}", name), stdout));
        if (with_pc) print("{:>{}}: ", l.pc, width);
        print("{}\n", l.text);
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
        instructions.push_back(std::move(row));
    }
    print_json({{"path", program.path}, {"instructions", std::move(instructions)}});
}

outcome<void> disassemble(const disasm_options &options) {
    const auto program = read_program(options.program);
    if (not program) return std::unexpected{program.error()};
    const auto style = options.style == "c" ? isa::syntax::c_like : isa::syntax::assembly;
    const auto lines = to_lines(program->code, style);
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
