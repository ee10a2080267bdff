// bpftime-vm: native code as text, for tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "listing.hpp"

#include <fmt/format.h>

#include <cstring>

namespace bpftime::vm::ubpf {

namespace {

/// Where a jump with these bytes, behind which `end` is, goes.
int64_t target_of(std::span<const std::byte> bytes, uint32_t end) {
    if (bytes.size() == 2) return end + int64_t{static_cast<int8_t>(bytes[1])};
    int32_t distance = 0;
    std::memcpy(&distance, bytes.last(4).data(), sizeof distance);
    return end + int64_t{distance};
}

}  // namespace

void listing::add(uint32_t offset, const asmjit::BaseInst &instruction,
                  std::span<const asmjit::Operand_> operands) {
    asmjit::String text;
    asmjit::Formatter::formatInstruction(text, asmjit::FormatFlags::kNone, nullptr,
                                         asmjit::Arch::kX64, instruction, operands.data(),
                                         operands.size());
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
        if (l.jumps) out += fmt::format(" {:x}", target_of(bytes, end));
        out += '\n';
    }
    return out;
}

}  // namespace bpftime::vm::ubpf
