// bpftime-vm: types as C writes them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object/type_name.hpp"

#include "elf_reader.hpp"

#include <fmt/format.h>

namespace bpftime::vm::object {

namespace {

/// A declaration grows around its name from the inside: pointers to the left, arrays and functions
/// to the right.
class namer {
public:
    explicit namer(const btf &types) : types_{types} {}

    /// The type `id` of what is written as `inner`.
    std::string name(uint32_t id, std::string inner, unsigned depth) {
        if (depth > btf::longest_chain or left_ == 0) return spaced("...", inner);
        --left_;
        const btf_type &t = types_.type(id);
        switch (t.kind) {
        case btf_kind::void_: return spaced("void", inner);
        case btf_kind::structure: return spaced(tagged("struct", t), inner);
        case btf_kind::union_: return spaced(tagged("union", t), inner);
        case btf_kind::enumeration:
        case btf_kind::enumeration64: return spaced(tagged("enum", t), inner);
        case btf_kind::forward: return spaced(tagged(t.flag ? "union" : "struct", t), inner);
        case btf_kind::const_:
        case btf_kind::volatile_:
        case btf_kind::restrict_: return qualified(id, inner, depth);
        case btf_kind::pointer: return name(t.type, "*" + inner, depth + 1);
        case btf_kind::array:
            return name(t.type, fmt::format("{}[{}]", in_brackets(inner), t.extra), depth + 1);
        case btf_kind::function_prototype:
            return name(t.type, fmt::format("{}({})", in_brackets(inner), parameters(t, depth)),
                        depth + 1);
        case btf_kind::type_tag:
        case btf_kind::declaration_tag:
        case btf_kind::variable:
        case btf_kind::function: return name(t.type, std::move(inner), depth + 1);
        case btf_kind::integer:
        case btf_kind::floating:
        case btf_kind::type_definition:
        case btf_kind::section: break;
        }
        return spaced(printable(t.name), inner);
    }

private:
    static constexpr unsigned most_types = 256;

    static std::string spaced(const std::string &type, const std::string &inner) {
        return inner.empty() or inner.front() == '[' ? type + inner : type + ' ' + inner;
    }

    static std::string tagged(const char *keyword, const btf_type &t) {
        return fmt::format("{} {}", keyword, t.name.empty() ? "{...}" : printable(t.name));
    }

    /// What points to arrays and functions.
    static std::string in_brackets(const std::string &inner) {
        return inner.starts_with('*') ? fmt::format("({})", inner) : inner;
    }

    static std::string_view qualifier(btf_kind kind) {
        switch (kind) {
        case btf_kind::const_: return "const";
        case btf_kind::volatile_: return "volatile";
        case btf_kind::restrict_: return "restrict";
        default: return "";
        }
    }

    /// Qualifiers of pointers stand behind the star.
    std::string qualified(uint32_t id, const std::string &inner, unsigned depth) {
        std::string words;
        for (; depth <= btf::longest_chain; ++depth, id = types_.type(id).type) {
            const std::string_view word = qualifier(types_.type(id).kind);
            if (word.empty()) break;
            words += words.empty() ? "" : " ";
            words += word;
        }
        const btf_type &t = types_.type(id);
        if (t.kind != btf_kind::pointer) return words + ' ' + name(id, inner, depth);
        return name(t.type, '*' + (inner.empty() ? words : words + ' ' + inner), depth + 1);
    }

    std::string parameters(const btf_type &t, unsigned depth) {
        std::string list;
        for (const btf_parameter &p : types_.parameters(t)) {
            if (left_ == 0) return list + ", ...";
            const bool is_rest = p.type == 0 and p.name.empty();
            if (not list.empty()) list += ", ";
            list += is_rest ? "..." : name(p.type, "", depth + 1);
        }
        return list.empty() ? "void" : list;
    }

    const btf &types_;
    unsigned left_ = most_types;
};

}  // namespace

std::string type_name(const btf &types, uint32_t id) { return namer{types}.name(id, "", 0); }

}  // namespace bpftime::vm::object
