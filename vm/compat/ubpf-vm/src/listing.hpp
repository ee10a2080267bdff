// bpftime-vm: native code as text, for tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <asmjit/x86.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::ubpf {

/// What was appended to code, instruction by instruction.
class listing {
public:
    /// An instruction that AsmJit has encoded.
    void add(uint32_t offset, const asmjit::BaseInst &instruction,
             std::span<const asmjit::Operand_> operands);
    /// A jump or call within the code.
    void add_jump(uint32_t offset, std::string_view mnemonic);
    /// Anything else.
    void add(uint32_t offset, std::string_view text);
    /// The last one is a jump or call to something with a name.
    void name_target(std::string_view name);
    void clear() noexcept { lines_.clear(); }

    /// One line an instruction: offset, bytes, text.
    [[nodiscard]] std::string text(std::span<const std::byte> code) const;

private:
    struct line {
        uint32_t offset;
        std::string text;
        bool jumps;
    };
    std::vector<line> lines_;
};

}  // namespace bpftime::vm::ubpf
