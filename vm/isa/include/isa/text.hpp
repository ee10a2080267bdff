// bpftime-vm: eBPF programs as text
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/error.hpp"
#include "isa/isa.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::isa {

/// The two ways in which eBPF is written.
enum class syntax : uint8_t {
    assembly,  ///< `add %r0, 1`: what assemble() reads
    c_like,    ///< `r0 += 1`: as llvm-objdump and the kernel print it
};

/// The bytecode of `text`: one instruction, label (`name:`) or comment (from `#`, `;` or `//`) a
/// line. Jump and call targets are labels or `+N`/`-N` slots relative to the next instruction; the
/// first `exit` can be jumped to by the label `exit` unless the text defines one. Does not validate
/// the program: it may be wrong on purpose. Errors (bad_text) name the line.
[[nodiscard]] result<std::vector<uint8_t>> assemble(std::string_view text);

/// One instruction as text. `next_imm` is the immediate of the second slot of lddw, ignored
/// elsewhere.
[[nodiscard]] std::string to_text(const instruction &insn, int32_t next_imm = 0,
                                  syntax style = syntax::assembly);

/// The slot at `index` of `code` as text; hexadecimal bytes if it is no instruction. For messages.
[[nodiscard]] std::string describe(std::span<const uint8_t> code, std::size_t index);

/// A whole program, one instruction a line, such that assemble(disassemble(code)) == code.
/// Fails on bytes that are no instruction or have reserved fields set.
[[nodiscard]] result<std::string> disassemble(std::span<const uint8_t> code,
                                              syntax style = syntax::assembly);

}  // namespace bpftime::vm::isa
