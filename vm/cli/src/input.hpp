// bpftime-vm: programs in all the forms in which they come
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "compile.hpp"
#include "failure.hpp"
#include "object/object.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::cli {

enum class program_format : uint8_t { raw, hex, assembly, elf, c };

struct format_info {
    program_format format;
    std::string_view name;  ///< on the command line
    std::string_view noun;  ///< in sentences
};

inline constexpr auto format_table = std::to_array<format_info>({
    {program_format::raw, "raw", "bytecode"},
    {program_format::hex, "hex", "hexadecimal text"},
    {program_format::assembly, "asm", "assembly text"},
    {program_format::elf, "elf", "object"},
    {program_format::c, "c", "C"},
});

[[nodiscard]] std::optional<program_format> find_format(std::string_view name) noexcept;
[[nodiscard]] const format_info &info(program_format format) noexcept;

/// "v4" of "v4" and of "cpu=v4", which is what remains of "-mcpu=v4" after "-m".
[[nodiscard]] std::string cpu_of(std::string_view argument);

/// For messages: "standard input" for "-".
[[nodiscard]] std::string display_name(const std::string &path);

struct program_options {
    std::string path;
    std::optional<program_format> format;
    std::string section;
    std::vector<std::string> programs;  ///< by name
    std::string target;                 ///< file with the types of the target (CO-RE)
    compile_options compile;
};

/// A program file as it was read: bytecode, or an object that may hold several programs.
struct program_file {
    std::string path;
    program_format format = program_format::raw;
    std::vector<std::string> linked;  ///< paths of the objects that are in it, too
    std::size_t size = 0;             ///< of the files (of a C file: of its object), in bytes
    std::vector<uint8_t> code;        ///< unless there is an object
    std::optional<object::object_file> object;
    std::shared_ptr<const object::btf> target;  ///< types for CO-RE; null: those of the object
};

/// For messages: "a.bpf.o + b.bpf.o".
[[nodiscard]] std::string whole_name(const program_file &file);

/// One program, ready to be loaded.
struct program_image {
    std::string path;
    program_format format = program_format::raw;
    std::string name;     ///< empty if it is not from an object
    std::string section;  ///< the same
    object::program_type type = object::program_type::generic;
    std::vector<uint8_t> code;
    // What follows is empty if it is not from an object.
    std::vector<object::linked_function> functions;
    std::vector<uint32_t> maps;  ///< that it can reach, by index
    std::vector<uint32_t> jump_targets;
    std::vector<object::poisoned_instruction> unavailable;
    std::vector<std::string> kernel_functions;  ///< that its call_kfunc name, by index

    /// "fw.bpf.o: program xdp_firewall" for messages.
    [[nodiscard]] std::string title() const;
    /// The name of the function that begins at slot `pc`; empty if there is none.
    [[nodiscard]] std::string_view function_at(uint32_t pc) const noexcept;
    /// The name of the kernel function that call_kfunc of `index` calls; empty if it is not known.
    [[nodiscard]] std::string_view kernel_function(uint32_t index) const noexcept;
};

/// The rest of `file`, which may have `most` bytes; `name` is for messages.
[[nodiscard]] outcome<std::vector<uint8_t>> read_file(std::FILE *file, const std::string &name,
                                                      std::size_t most);

/// Reads, compiles or assembles the program file that the options name.
[[nodiscard]] outcome<program_file> read_program_file(const program_options &options);

/// Whether the file at `path` is an eBPF object, by its first bytes; a file that cannot be read is
/// none.
[[nodiscard]] bool is_object(const std::string &path);

/// Links the objects at `paths` to `file`, as object_file::combine() says. Failures: `file` or one
/// of them is no object, and those of reading and combining them.
[[nodiscard]] outcome<void> link_objects(program_file &file, std::span<const std::string> paths,
                                         const program_options &options);

/// The programs of `file` that the options choose, in the order of their names there; with none
/// chosen, the only one there is.
[[nodiscard]] outcome<std::vector<const object::function_info *>> choose_programs(
    const program_file &file, const program_options &options);
/// The same for commands that take one.
[[nodiscard]] outcome<const object::function_info *> choose_program(const program_file &file,
                                                                    const program_options &options);

/// `chosen` linked, for a host that has maps or none; `file` has an object.
[[nodiscard]] outcome<program_image> link(const program_file &file,
                                          const object::function_info &chosen, bool maps = true);

/// The program of `file` that the options choose.
[[nodiscard]] outcome<program_image> select_program(const program_file &file,
                                                    const program_options &options,
                                                    bool maps = true);

/// All of the above.
[[nodiscard]] outcome<program_image> read_program(const program_options &options, bool maps = true);

}  // namespace bpftime::vm::cli
