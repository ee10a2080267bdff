// bpftime-vm: what the section .BTF.ext says of code: functions, source lines, CO-RE relocations
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "object/btf.hpp"

#include <algorithm>
#include <map>
#include <string_view>

namespace bpftime::vm::object {

/// Offsets are bytes from the start of the section that the record is about.
struct function_record {
    uint32_t offset = 0;
    uint32_t type = 0;
};

struct line_record {
    uint32_t offset = 0;
    std::string_view file;
    std::string_view text;
    uint32_t line = 0;
    uint32_t column = 0;
};

struct core_record {
    uint32_t offset = 0;
    uint32_t type = 0;
    std::string_view access;
    uint32_t kind = 0;
};

/// Records by the name of the section that they are about; sorted by offset.
template <typename Record>
using records_by_section = std::map<std::string_view, std::vector<Record>>;

struct btf_ext {
    records_by_section<function_record> functions;
    records_by_section<line_record> lines;
    records_by_section<core_record> relocations;

    /// Those of `all` for offsets from `begin` to before `end` of section `name`.
    template <typename Record>
    [[nodiscard]] static std::span<const Record> within(const records_by_section<Record> &all,
                                                        std::string_view name, uint64_t begin,
                                                        uint64_t end) {
        const auto found = all.find(name);
        if (found == all.end()) return {};
        const auto before = [](const Record &r, uint64_t offset) { return r.offset < offset; };
        const auto &records = found->second;
        const auto first = std::lower_bound(records.begin(), records.end(), begin, before);
        return {first, std::lower_bound(first, records.end(), end, before)};
    }
};

/// Parses the contents of a section .BTF.ext; strings stay those of `types`. Every type id in it is
/// valid afterwards. The bytes may be hostile.
[[nodiscard]] result<btf_ext> parse_btf_ext(std::span<const uint8_t> bytes, const btf &types);

}  // namespace bpftime::vm::object
