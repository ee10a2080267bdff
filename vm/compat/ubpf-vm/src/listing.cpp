// bpftime-vm: native code as text, for tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "listing.hpp"

#include <fmt/format.h>

namespace bpftime::vm::ubpf {

void listing::add(uint32_t offset, const asmjit::BaseInst &instruction,
                  std::span<const asmjit::Operand_> operands) {
    asmjit::String text;
    asmjit::Formatter::formatInstruction(text, asmjit::FormatFlags::kNone, nullptr, arch_,
                                         instruction, operands.data(), operands.size());
    lines_.push_back({offset, {text.data(), text.size()}, false});
}

void listing::add_jump(uint32_t offset, std::string_view mnemonic) {
    lines_.push_back({offset, std::string{mnemonic}, true});
}

void listing::add(uint32_t offset, std::string_view text) {
    lines_.push_back({offset, std::string{text}, false});
}

void listing::name_target(std::string_view name) {
    lines_.back().text += fmt::format(" {}", name);
    lines_.back().jumps = false;
}

std::string listing::text(std::span<const std::byte> code) const {
    std::string out;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        const line &l = lines_[i];
        const auto end =
            i + 1 < lines_.size() ? lines_[i + 1].offset : static_cast<uint32_t>(code.size());
        const auto bytes = code.subspan(l.offset, end - l.offset);
        std::string hex;
        for (const std::byte b : bytes) hex += fmt::format("{:02x} ", static_cast<unsigned>(b));
        out += fmt::format("{:4x}: {:<33}{}", l.offset, hex, l.text);
        if (l.jumps) out += fmt::format(" {:x}", jump_target_(bytes, end));
        out += '\n';
    }
    return out;
}

}  // namespace bpftime::vm::ubpf
