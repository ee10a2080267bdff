// bpftime-vm: eBPF objects as clang makes them: their programs, and each program as one piece of
// bytecode Copyright (c) 2026 The bpftime-vm authors SPDX-License-Identifier: MIT
#pragma once

#include "isa/error.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace bpftime::vm::object {

/// A section of the object, for people to read.
struct section_info {
    std::string name;
    uint64_t size = 0;  ///< bytes, in memory
    bool executable = false;
    bool has_contents = false;  ///< false for .bss
};

/// A function symbol in an executable section.
struct function_info {
    std::string name;
    std::string section;
    uint32_t section_index = 0;
    uint64_t offset = 0;  ///< bytes from the start of the section; a multiple of 8
    uint64_t size = 0;    ///< bytes; a multiple of 8
    bool global = false;
    /// Whether it is an entry point: every function outside .text; where there is none, the global
    /// ones of .text, or all of them.
    bool is_program = false;
};

/// Where a function lies in linked bytecode, in slots.
struct linked_function {
    std::string name;
    uint32_t begin = 0;
    uint32_t end = 0;  ///< one past the last slot
};

/// A program with everything that it calls, ready for program::load().
struct bytecode {
    std::vector<uint8_t> code;
    std::vector<linked_function> functions;  ///< in the order of the code; the program comes first
};

struct elf_object;

/// A parsed object. Immutable; independent of the bytes that it was parsed from.
///
/// Names come from the object, with unprintable bytes written as \xNN and cut after 512 bytes.
class object_file {
public:
    /// Parses an ELF relocatable for eBPF (64 bits, little-endian). The bytes may be hostile.
    /// Errors: bad_object, unsupported (big-endian and the like).
    [[nodiscard]] static result<object_file> parse(std::span<const uint8_t> bytes);

    object_file(object_file &&) noexcept;
    object_file &operator=(object_file &&) noexcept;
    ~object_file();

    [[nodiscard]] std::span<const section_info> sections() const noexcept { return sections_; }
    /// All functions, in the order of sections and offsets.
    [[nodiscard]] std::span<const function_info> functions() const noexcept { return functions_; }

    /// `program` followed by the functions that it reaches by calls or by taking their address,
    /// calls and addresses fixed. `program` is an element of functions(). Errors: unsupported (the
    /// program needs maps, global data, functions or variables that are not in the object: the
    /// message names them), bad_object, limit_exceeded (more than most_max_insns slots).
    [[nodiscard]] result<bytecode> link(const function_info &program) const;

private:
    object_file();

    std::unique_ptr<const elf_object> elf_;
    std::vector<section_info> sections_;
    std::vector<function_info> functions_;
};

}  // namespace bpftime::vm::object
