// bpftime-vm: native code as text, for tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <asmjit/core.h>

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
    /// Where a jump with these bytes, behind which `end` is, goes.
    using jump_target_function = int64_t (*)(std::span<const std::byte> bytes, uint32_t end);

    /// Whose code it is.
    void set_machine(asmjit::Arch arch, jump_target_function jump_target) noexcept {
        arch_ = arch;
        jump_target_ = jump_target;
    }
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
    asmjit::Arch arch_ = asmjit::Arch::kUnknown;
    jump_target_function jump_target_ = nullptr;
    std::vector<line> lines_;
};

}  // namespace bpftime::vm::ubpf
