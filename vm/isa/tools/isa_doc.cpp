// bpftime-vm: writes docs/isa.md, the page about the instruction set, from the opcode table
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
//   isa_doc > docs/isa.md         writes the page
//   isa_doc --check docs/isa.md   fails, saying where, if the page is not what would be written
#include "example.hpp"
#include "isa/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::isa {

namespace {

// --- one line about each row

struct meaning {
    operation op;
    std::string_view text;
};

constexpr auto meanings = std::to_array<meaning>({
#define MEANING(name, text) {operation::name, text},
#include "meanings.def"
#undef MEANING
});

constexpr bool every_operation_has_one_meaning() {
    for (std::size_t i = 0; i < detail::operation_table.size(); ++i) {
        if (std::ranges::count(meanings, static_cast<operation>(i), &meaning::op) != 1)
            return false;
    }
    return true;
}
static_assert(every_operation_has_one_meaning(), "meanings.def has to follow operations.def");

void replace_all(std::string &text, std::string_view what, std::string_view with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += with.size()) {
        text.replace(at, what.size(), with);
    }
}

std::string memory_operand(const insn_info &row) {
    const bool loads = info(row.operation).kind == operation_kind::load or
                       row.operation == operation::load_acquire;
    return fmt::format("`*({}{} *)({} + offset)`", row.operation == operation::load_sx ? 's' : 'u',
                       bits_of(row.width), loads ? "src" : "dst");
}

std::string meaning_of(const insn_info &row) {
    const shape_info &form = info(row.shape);
    std::string text{std::ranges::find(meanings, row.operation, &meaning::op)->text};
    replace_all(text, "$operand", form.imm == imm_role::value ? "imm" : "src");
    replace_all(text, "$target", form.imm == imm_role::jump ? "imm" : "offset");
    replace_all(text, "$from", form.src == register_role::none ? "imm" : "src + imm");
    replace_all(text, "$callee", form.imm == imm_role::reg ? "register imm" : "dst");
    replace_all(text, "$bits", fmt::to_string(bits_of(row.width)));
    replace_all(text, "$mask", row.width == width::w32 ? "31" : "63");
    replace_all(text, "$at", memory_operand(row));
    return text;
}

// --- topics: a table each

struct topic {
    std::string_view title;
    std::string_view text;
    bool (*has)(const insn_info &);
};

bool is_arithmetic(const insn_info &row) {
    const operation_kind kind = info(row.operation).kind;
    return (kind == operation_kind::alu or kind == operation_kind::convert) and
           row.shape != shape::byte_order and row.shape != shape::space_cast;
}

bool compares(const insn_info &row) {
    return info(row.operation).kind == operation_kind::branch and
           row.operation != operation::may_goto;
}

constexpr auto topics = std::to_array<topic>({
    {"Arithmetic on 64 bits", "RFC 9669, section 4.1.",
     [](const insn_info &row) { return is_arithmetic(row) and row.width == width::w64; }},
    {"Arithmetic on 32 bits",
     "RFC 9669, section 4.1. Operands are the low halves of the registers; the result is "
     "zero-extended to 64 bits.",
     [](const insn_info &row) { return is_arithmetic(row) and row.width == width::w32; }},
    {"Byte order", "RFC 9669, section 4.2. The upper bits of the result are zero.",
     [](const insn_info &row) { return row.shape == shape::byte_order; }},
    {"Jumps that compare 64 bits",
     "RFC 9669, section 4.3. Jumps go `offset` slots from the next one.",
     [](const insn_info &row) { return compares(row) and row.width == width::w64; }},
    {"Jumps that compare 32 bits",
     "RFC 9669, section 4.3. Operands are the low halves of the registers; jumps go `offset` slots "
     "from the next one.",
     [](const insn_info &row) { return compares(row) and row.width == width::w32; }},
    {"Other jumps",
     "RFC 9669, section 4.3; `may_goto` (Linux 6.9) and `gotox` (Linux 6.19) came later.",
     [](const insn_info &row) {
         return info(row.operation).kind == operation_kind::jump or
                row.operation == operation::may_goto;
     }},
    {"Calls and exit",
     "RFC 9669, sections 4.3.1 and 4.3.2; `callx` is an extension of LLVM and GCC.",
     [](const insn_info &row) {
         const operation_kind kind = info(row.operation).kind;
         return kind == operation_kind::call or kind == operation_kind::exit;
     }},
    {"Loads and stores",
     "RFC 9669, sections 5.1 and 5.2. Loads zero-extend to 64 bits unless they say otherwise.",
     [](const insn_info &row) {
         const operation_kind kind = info(row.operation).kind;
         return kind == operation_kind::load or kind == operation_kind::store;
     }},
    {"Atomic operations",
     "RFC 9669, section 5.3; `load_acquire` and `store_release` (Linux 6.15) came later. What "
     "32-bit and narrower "
     "operations read is zero-extended to 64 bits.",
     [](const insn_info &row) { return info(row.operation).kind == operation_kind::atomic; }},
    {"64-bit immediates",
     "RFC 9669, section 5.4. Two slots; `next_imm` is the immediate of the second.",
     [](const insn_info &row) { return info(row.operation).kind == operation_kind::wide; }},
    {"Legacy packet loads", "RFC 9669, section 5.5.",
     [](const insn_info &row) { return info(row.operation).kind == operation_kind::packet; }},
    {"Address spaces", "Linux 6.9.",
     [](const insn_info &row) { return row.shape == shape::space_cast; }},
});

/// The rows of the table that are in `t`.
std::vector<insn_id> rows_of(const topic &t) {
    std::vector<insn_id> rows;
    for (std::size_t i = 0; i < insn_count; ++i) {
        if (t.has(insn_table[i])) rows.push_back(static_cast<insn_id>(i));
    }
    return rows;
}

/// Empty if every row is in exactly one topic.
std::string misplaced_rows() {
    std::string names;
    for (const insn_info &row : insn_table) {
        const auto count =
            std::ranges::count_if(topics, [&](const topic &t) { return t.has(row); });
        if (count != 1) names += fmt::format(" {} ({} topics)", row.name, count);
    }
    return names;
}

// --- cells

constexpr std::array group_names{"base32",   "base64", "divmul32", "divmul64", "atomic32",
                                 "atomic64", "packet", "callx",    "post-RFC"};
static_assert(group_names.size() == static_cast<std::size_t>(group::post_rfc) + 1);

std::string selector_text(const insn_info &row) {
    // As instructions.def writes them: atomics are hexadecimal.
    const bool hexadecimal = info(row.operation).kind == operation_kind::atomic;
    switch (row.selector) {
    case selector::none: return "";
    case selector::offset: return fmt::format("offset = {}", row.selector_value);
    case selector::imm:
        return fmt::format(fmt::runtime(hexadecimal ? "imm = {:#x}" : "imm = {}"),
                           row.selector_value);
    case selector::imm_nonzero: return "imm not 0";
    case selector::src: return fmt::format("src = {}", row.selector_value);
    }
    return "";
}

/// A vertical bar would end the cell of a Markdown table, in code too.
std::string cell(std::string_view text) {
    std::string escaped{text};
    replace_all(escaped, "|", "\\|");
    return escaped;
}

std::string table_row(insn_id id) {
    const insn_info &row = info(id);
    const auto [insn, next_imm] = example_of(id);
    return fmt::format(
        "| `{}` | `{}` | 0x{:02x} | {} | {} | v{} | {} |\n", cell(to_text(insn, next_imm)),
        cell(to_text(insn, next_imm, syntax::c_like)), row.opcode, selector_text(row),
        group_names[static_cast<std::size_t>(row.group)], row.cpu_version, cell(meaning_of(row)));
}

// --- which fields a form uses

std::string_view text_of(register_role role) {
    switch (role) {
    case register_role::none: return "0";
    case register_role::read: return "read";
    case register_role::write: return "written";
    case register_role::update: return "read, written";
    }
    return "";
}

std::string_view text_of(offset_role role) {
    switch (role) {
    case offset_role::none: return "0";
    case offset_role::jump: return "slots from the next one";
    case offset_role::memory: return "bytes";
    case offset_role::index: return "index of a BTF file descriptor";
    }
    return "";
}

std::string_view text_of(imm_role role) {
    switch (role) {
    case imm_role::none: return "0";
    case imm_role::value: return "operand";
    case imm_role::jump:
    case imm_role::function: return "slots from the next one";
    case imm_role::helper: return "helper id";
    case imm_role::kfunc: return "BTF id";
    case imm_role::reg: return "register, 1 to 10";
    case imm_role::spaces: return "address spaces: 1 or 0x10000";
    case imm_role::wide: return "low half; next_imm is the high half";
    case imm_role::object: return "id; next_imm is 0";
    case imm_role::object_offset: return "id; next_imm is a byte offset";
    }
    return "";
}

/// "`add`, `sub`, ..": the mnemonics of a form, each once.
std::string mnemonics_of(shape form) {
    std::vector<std::string_view> names;
    for (const insn_info &row : insn_table) {
        if (row.shape == form and std::ranges::find(names, row.mnemonic) == names.end())
            names.push_back(row.mnemonic);
    }
    return fmt::format("`{}`", fmt::join(names, "`, `"));
}

/// The operands of a form by the fields that they are in: the letters of shapes.def, spelled out.
std::string operands_of(const shape_info &form) {
    std::string text;
    for (const char c : form.assembly) {
        switch (c) {
        case 'D': text += "dst"; break;
        case 'S': text += "src"; break;
        case 'I':
        case 'U':
        case 'R':
        case 'L':
        case 'W': text += "imm"; break;
        case 'J': text += "offset"; break;
        case 'O': text += "+offset"; break;
        case 'N': text += "+next_imm"; break;
        case 'X': text += ", offset"; break;
        case 'A': text += "imm >> 16"; break;
        case 'Z': text += "imm & 0xffff"; break;
        default: text += c;
        }
    }
    return text.empty() ? "none" : fmt::format("`{}`", text);
}

std::string fields_table() {
    std::string text = "| operands | dst | src | offset | imm | of |\n|---|---|---|---|---|---|\n";
    for (std::size_t i = 0; i < detail::shape_table.size(); ++i) {
        const shape_info &form = detail::shape_table[i];
        text += fmt::format("| {} | {} | {} | {} | {} | {} |\n", operands_of(form),
                            text_of(form.dst), text_of(form.src), text_of(form.offset),
                            text_of(form.imm), mnemonics_of(static_cast<shape>(i)));
    }
    return text;
}

// --- the page

constexpr std::string_view notes =
#include "isa_notes.inc"
    ;

std::string legend() {
    return fmt::format(
        R"(<!-- Made from vm/isa/include/isa/*.def by vm/isa/tools/isa_doc.cpp: edit those. -->
# The instruction set

All of [RFC 9669](https://www.rfc-editor.org/rfc/rfc9669) and what came after it: {} instructions. An instruction is a slot
of 8 bytes, little-endian: opcode (8 bits), dst (4, the low half of its byte), src (4), offset (16, signed), imm (32,
signed). An opcode byte alone does not always name an instruction: then the column "selector" says which other field
does, and with which value.

- **assembly** and **C-like** are the two text forms (`bpftime-cli asm` reads the first, `bpftime-cli disasm` writes both), for
  an instruction with dst = r{}, src = r{}, imm = {}, an offset of {:+} slots or {:+} bytes, and next_imm = {}.
- **group** is the conformance group of RFC 9669, section 2.4; "callx" and "post-RFC" are ours.
- **cpu** is the first version of the instruction set (clang's `-mcpu=`) that has it; what came after v4 counts as v4.
- **meaning** speaks of the registers dst and src by their values; `imm` is sign-extended.

Registers are r0 to r10; r10, the frame pointer, cannot be written.

)",
        insn_count, example_dst, example_src, example_imm, example_jump, example_memory,
        example_next_imm);
}

std::string page() {
    std::string text = legend();
    for (const topic &t : topics) {
        text += fmt::format(
            "## {}\n\n{}\n\n| assembly | C-like | opcode | selector | group | cpu | meaning |\n"
            "|---|---|---|---|---|---|---|\n",
            t.title, t.text);
        for (const insn_id id : rows_of(t)) text += table_row(id);
        text += '\n';
    }
    text +=
        "## Fields\n\nWhich fields an instruction uses besides its opcode and selector. The others "
        "are reserved: they "
        "must be zero (RFC 9669,\nsection 3).\n\n";
    return text + fields_table() + '\n' + std::string{notes};
}

int check(const char *program, const char *path) {
    std::ifstream file{path, std::ios::binary};
    const std::string found{std::istreambuf_iterator<char>{file}, {}};
    const std::string wanted = page();
    if (found == wanted) return 0;
    const auto difference = std::ranges::mismatch(found, wanted).in1;
    const auto line = 1 + std::ranges::count(found.begin(), difference, '\n');
    fmt::print(stderr,
               "{}:{}: this is not what the opcode table gives; to update the page: {} > {}\n",
               path, line, program, path);
    return 1;
}

}  // namespace

int run(int argc, char **argv) {
    if (const std::string rows = misplaced_rows(); not rows.empty()) {
        fmt::print(stderr, "isa_doc: each row belongs to one topic, but:{}\n", rows);
        return 1;
    }
    if (argc == 1) {
        fmt::print("{}", page());
        return 0;
    }
    if (argc == 3 and std::string_view{argv[1]} == "--check") return check(argv[0], argv[2]);
    fmt::print(stderr, "usage: isa_doc > docs/isa.md\n       isa_doc --check docs/isa.md\n");
    return 2;
}

}  // namespace bpftime::vm::isa

int main(int argc, char **argv) { return bpftime::vm::isa::run(argc, argv); }
