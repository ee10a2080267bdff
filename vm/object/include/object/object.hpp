// bpftime-vm: eBPF objects as clang makes them: maps, programs, each program as one piece of code
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/error.hpp"
#include "object/btf.hpp"
#include "object/map.hpp"
#include "object/program_type.hpp"
#include "object/source_map.hpp"

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
    section_type type;  ///< what the name of the section says
};

/// Where a function lies in linked bytecode, in slots.
struct linked_function {
    std::string name;
    uint32_t begin = 0;
    uint32_t end = 0;   ///< one past the last slot
    uint32_t type = 0;  ///< BTF type id, of kind function; 0: not known
};

/// What a pointer in data points to.
enum class pointer_target : uint8_t {
    function,  ///< slot `target` of the code: its value is program code_handle(target)
    map,       ///< the map with index `target`, as lddw map_by_idx gives it
    data,      ///< byte `addend` of the first element of map `target`
};

/// Eight bytes of a data map that are an address: whoever makes the map writes it there.
struct data_pointer {
    uint32_t map = 0;  ///< the map that holds the pointer, and where in its first element
    uint32_t offset = 0;
    pointer_target kind = pointer_target::data;
    uint32_t target = 0;
    uint64_t addend = 0;
};

/// An instruction that reads a field, type or value that the target does not have: a call of
/// poisoned_helper.
struct poisoned_instruction {
    uint32_t pc = 0;
    std::string reason;
};

/// Helpers that do not exist: calls of them stand where nothing sensible can.
inline constexpr int32_t poisoned_helper = 0xbad2310;
inline constexpr int32_t poisoned_kernel_function = 2002000000;

/// A program with everything that it calls, ready for program::load().
///
/// Maps are named by their index in object_file::maps(): `lddw map_by_idx(i)` is the map itself,
/// `lddw map_val(map_by_idx(i)) + n` is byte n of its first element.
struct bytecode {
    std::vector<uint8_t> code;
    std::vector<linked_function> functions;  ///< in the order of the code; the program comes first
    std::vector<uint32_t> maps;              ///< that the program can reach; sorted
    std::vector<data_pointer> pointers;      ///< in the data that the program can reach
    std::vector<uint32_t> jump_targets;      ///< for program_options::jump_targets
    std::vector<poisoned_instruction> poisoned;  ///< by pc
    std::vector<uint32_t> kernel_calls;          ///< pcs of calls of link_options::kernel_functions
    /// Whether calls of bpf_throw became ones of a function that calls bpf_throw_to with the
    /// program's exception callback (link_options::kernel_functions has both).
    bool has_exception_callback = false;
    source_map lines;
};

/// An instruction that depends on the types of the target (CO-RE), for people to read. Texts may
/// hold any bytes.
struct core_relocation {
    std::string section;
    uint64_t offset = 0;  ///< of the instruction from the start of the section, bytes
    std::string kind;     ///< "field offset" and the like
    std::string subject;  ///< "struct task_struct.mm.pgd", "enum mode::MODE_ON"
};

/// What the host of a program has.
struct link_options {
    /// Whether it can make maps. Without, programs that use maps or global data are refused.
    bool maps = true;
    /// Kernel functions that it has: call_kfunc takes the index of the name.
    std::vector<std::string> kernel_functions{};
    /// Kernel variables that it has: lddw var_addr takes the index of the name.
    std::vector<std::string> kernel_variables{};
    /// The types that fields and types are looked up in (CO-RE); null: those of the object.
    const btf *target = nullptr;
};

struct image;

/// A parsed object, independent of the bytes that it was parsed from.
///
/// Names come from the object, with unprintable bytes written as \xNN and cut after 512 bytes.
class object_file {
public:
    /// Parses an ELF relocatable for eBPF (64 bits, little-endian). The bytes may be hostile.
    /// Errors: bad_object, unsupported (big-endian and the like).
    [[nodiscard]] static result<object_file> parse(std::span<const uint8_t> bytes);

    /// Several objects as one, as a static linker makes it: sections of one name follow each other,
    /// what one object leaves undefined another may define, weak definitions give way, maps of one
    /// name and definition are one. Values that were set are kept, configuration is not. Errors:
    /// invalid_argument (no object, two definitions of one name), limit_exceeded, and those of
    /// parse().
    [[nodiscard]] static result<object_file> combine(std::span<const object_file> files);
    [[nodiscard]] static result<object_file> combine(std::span<const object_file *const> files);

    object_file(object_file &&) noexcept;
    object_file &operator=(object_file &&) noexcept;
    ~object_file();

    [[nodiscard]] std::span<const section_info> sections() const noexcept;
    /// All functions, in the order of sections and offsets.
    [[nodiscard]] std::span<const function_info> functions() const noexcept;
    /// All maps: declared ones in the order of their sections, then sections of data.
    [[nodiscard]] std::span<const object_map> maps() const noexcept;
    /// What section license says; empty: nothing.
    [[nodiscard]] std::string license() const;
    /// How many instructions depend on the types of the target (CO-RE).
    [[nodiscard]] std::size_t core_relocation_count() const noexcept;
    /// These, by the names of their sections and offsets.
    [[nodiscard]] std::vector<core_relocation> core_relocations() const;
    /// The object's types; null if it was compiled without.
    [[nodiscard]] const btf *types() const noexcept;
    /// The same, for those who need them longer than this.
    [[nodiscard]] std::shared_ptr<const btf> shared_types() const noexcept;

    /// Gives the external variable `name` of section .kconfig the value that a kernel configuration
    /// writes as `value` (y, n, m, a number, a string in quotes). Errors: not_found,
    /// invalid_argument.
    [[nodiscard]] result<void> configure(std::string_view name, std::string_view value);

    /// Where the variable `name` lies: of a section of data (global ones before static ones), or of
    /// section .kconfig. Also a part of one, as C names it ("config.limits[2]"), where the object's
    /// types say what it consists of; not a bit field. Errors: not_found, invalid_argument (several
    /// static ones), bad_object.
    [[nodiscard]] result<global_variable> global(std::string_view name) const;
    /// The names of all variables that global() finds, but of no parts of them: of each section
    /// first those that types know.
    [[nodiscard]] std::vector<std::string> variables() const;
    /// The bytes that it has before the first run.
    [[nodiscard]] result<std::vector<uint8_t>> value_of(std::string_view name) const;
    /// Gives it other bytes, as many as it has, or a number in its own size; also if it is constant
    /// to programs. Maps that were already made do not change. Errors: as global(),
    /// invalid_argument.
    [[nodiscard]] result<void> set(std::string_view name, std::span<const uint8_t> bytes);
    [[nodiscard]] result<void> set(std::string_view name, int64_t number);

    /// `program` followed by the functions that it reaches by calls or by taking their address,
    /// calls, addresses and CO-RE relocations resolved. `program` is an element of functions().
    /// Errors: unsupported (the program needs what is neither in the object nor in `options`: the
    /// message names it), bad_object, limit_exceeded (more than most_max_insns slots).
    [[nodiscard]] result<bytecode> link(const function_info &program,
                                        const link_options &options = {}) const;

private:
    explicit object_file(std::unique_ptr<image> contents);

    std::unique_ptr<image> image_;
};

}  // namespace bpftime::vm::object
