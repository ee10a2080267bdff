// bpftime-vm: what the tests of programs share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

#include "isa/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <stdexcept>

namespace bpftime::vm::test {

std::vector<uint8_t> bytes_of(std::span<const isa::instruction> insns) {
    std::vector<uint8_t> code(insns.size() * isa::slot_size);
    for (std::size_t pc = 0; pc < insns.size(); ++pc) {
        const isa::instruction &i = insns[pc];
        const isa::slot s = i.id == isa::insn_id::none ? isa::slot{.imm = i.imm} : isa::encode(i);
        isa::write_slot(s, std::span{code}.subspan(pc * isa::slot_size).first<isa::slot_size>());
    }
    return code;
}

result<program> load_text(std::string_view assembly, const program_options &options) {
    const auto code = isa::assemble(assembly);
    if (not code) throw std::runtime_error{code.error().message};
    return program::load(*code, options);
}

program load_valid(std::string_view assembly, const program_options &options) {
    auto p = load_text(assembly, options);
    if (not p) throw std::runtime_error{p.error().message};
    return std::move(*p);
}

std::string error_of(const result<program> &r) {
    return r ? "no error" : std::string{name_of(r.error().code)} + ": " + r.error().message;
}

std::string draw(const program &p) {
    std::string text;
    for (const function &f : p.functions()) {
        text += fmt::format("{}-{} weight {}", f.begin, f.end, f.weight);
        if (f.callee_count != 0) text += fmt::format(" calls {}", fmt::join(p.callees_of(f), " "));
        text += f.reachable ? "\n" : " dead\n";
        for (const basic_block &b : p.blocks().subspan(f.first_block, f.block_count)) {
            text += fmt::format("  {}-{}", b.begin, b.end);
            if (b.successor_count != 0)
                text += fmt::format(" -> {}", fmt::join(p.successors_of(b), " "));
            text += b.reachable ? "\n" : " dead\n";
        }
    }
    return text;
}

}  // namespace bpftime::vm::test
