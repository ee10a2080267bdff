// bpftime-vm: BTF, the types that compilers and kernels describe programs with
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "isa/error.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::object {

/// Kinds of types, with the numbers of the format.
enum class btf_kind : uint8_t {
    void_ = 0,
    integer = 1,
    pointer = 2,
    array = 3,
    structure = 4,
    union_ = 5,
    enumeration = 6,
    forward = 7,
    type_definition = 8,
    volatile_ = 9,
    const_ = 10,
    restrict_ = 11,
    function = 12,
    function_prototype = 13,
    variable = 14,
    section = 15,
    floating = 16,
    declaration_tag = 17,
    type_tag = 18,
    enumeration64 = 19,
};

/// How a variable or function is linked, with the numbers of the format.
enum class btf_linkage : uint32_t { static_ = 0, global = 1, external = 2 };

struct btf_type {
    btf_kind kind = btf_kind::void_;
    /// struct, union: bit fields have sizes; enum: signed; forward: a union.
    bool flag = false;
    std::string_view name;
    uint32_t size = 0;   ///< bytes; of integers, composites, enums, floats, sections
    uint32_t type = 0;   ///< what is pointed to, renamed, returned, repeated, ...
    uint32_t extra = 0;  ///< integer: encoding word; array: elements; variable, function: linkage;
                         ///< declaration tag: component
    uint32_t index = 0;  ///< array: type of the index
    uint32_t first = 0;  ///< of its members, parameters, enumerators or variables
    uint32_t count = 0;

    [[nodiscard]] bool is_composite() const noexcept {
        return kind == btf_kind::structure or kind == btf_kind::union_;
    }
    [[nodiscard]] bool is_enum() const noexcept {
        return kind == btf_kind::enumeration or kind == btf_kind::enumeration64;
    }
    [[nodiscard]] btf_linkage linkage() const noexcept { return btf_linkage{extra}; }
    [[nodiscard]] bool is_signed() const noexcept {
        return kind == btf_kind::integer ? (extra >> 24 & 1) != 0 : flag;
    }
    [[nodiscard]] bool is_bool() const noexcept {
        return kind == btf_kind::integer and (extra >> 24 & 4) != 0;
    }
    /// Bits of an integer, and where they begin in its bytes.
    [[nodiscard]] uint32_t bits() const noexcept { return extra & 0xff; }
    [[nodiscard]] uint32_t bits_offset() const noexcept { return extra >> 16 & 0xff; }
};

/// A member of a struct or union.
struct btf_member {
    std::string_view name;
    uint32_t type = 0;
    uint32_t bit_offset = 0;
    uint32_t bit_size = 0;  ///< 0: no bit field
};

struct btf_parameter {
    std::string_view name;
    uint32_t type = 0;
};

struct btf_enumerator {
    std::string_view name;
    uint64_t value = 0;  ///< sign-extended
};

/// A variable in a section.
struct btf_variable {
    uint32_t type = 0;  ///< of kind variable or function
    uint32_t offset = 0;
    uint32_t size = 0;
};

/// Types by id; id 0 is void. Immutable; every id that a type holds is valid, but nothing says that
/// types do not contain themselves: whoever follows them counts steps.
class btf {
public:
    /// Parses the contents of a section .BTF, little-endian. The bytes may be hostile. Errors:
    /// bad_object, unsupported (big-endian, kinds that are not known).
    [[nodiscard]] static result<btf> parse(std::span<const uint8_t> bytes);

    /// Types of a target, for CO-RE: raw BTF (as /sys/kernel/btf/vmlinux), or an ELF file of any
    /// machine with a section .BTF.
    [[nodiscard]] static result<btf> read(std::span<const uint8_t> bytes);
    /// The same from a file. Errors: not_found too.
    [[nodiscard]] static result<btf> read_file(const std::string &path);

    btf(btf &&) noexcept = default;
    btf &operator=(btf &&) noexcept = default;
    btf(const btf &) = delete;
    btf &operator=(const btf &) = delete;
    ~btf() = default;

    [[nodiscard]] uint32_t size() const noexcept { return static_cast<uint32_t>(types_.size()); }
    [[nodiscard]] const btf_type &type(uint32_t id) const noexcept { return types_[id]; }
    [[nodiscard]] std::span<const btf_type> types() const noexcept { return types_; }

    [[nodiscard]] std::span<const btf_member> members(const btf_type &t) const noexcept {
        const bool has = t.is_composite();
        return std::span{members_}.subspan(has ? t.first : 0, has ? t.count : 0);
    }
    [[nodiscard]] std::span<const btf_parameter> parameters(const btf_type &t) const noexcept {
        const bool has = t.kind == btf_kind::function_prototype;
        return std::span{parameters_}.subspan(has ? t.first : 0, has ? t.count : 0);
    }
    [[nodiscard]] std::span<const btf_enumerator> enumerators(const btf_type &t) const noexcept {
        return std::span{enumerators_}.subspan(t.is_enum() ? t.first : 0,
                                               t.is_enum() ? t.count : 0);
    }
    [[nodiscard]] std::span<const btf_variable> variables(const btf_type &t) const noexcept {
        const bool has = t.kind == btf_kind::section;
        return std::span{variables_}.subspan(has ? t.first : 0, has ? t.count : 0);
    }

    /// The first type of that kind and name.
    [[nodiscard]] std::optional<uint32_t> find(std::string_view name, btf_kind kind) const noexcept;
    /// What remains of a type without typedefs, const, volatile, restrict and tags; 0 if more than
    /// `longest_chain` of them stand in a row.
    [[nodiscard]] uint32_t resolve(uint32_t id) const noexcept;
    /// Bytes of a value of the type; nothing for void, functions, forwards and endless chains.
    [[nodiscard]] std::optional<uint64_t> size_of(uint32_t id) const noexcept;
    /// The string at `offset` of the string table; nothing outside.
    [[nodiscard]] std::optional<std::string_view> string_at(uint32_t offset) const noexcept;
    /// "struct task_struct" for messages, printable.
    [[nodiscard]] std::string describe(uint32_t id) const;

    static constexpr unsigned longest_chain = 32;

private:
    friend class btf_parser;
    friend class btf_combiner;
    btf() = default;

    std::vector<char> strings_;  ///< what names point into
    std::vector<btf_type> types_;
    std::vector<btf_member> members_;
    std::vector<btf_parameter> parameters_;
    std::vector<btf_enumerator> enumerators_;
    std::vector<btf_variable> variables_;
};

}  // namespace bpftime::vm::object
