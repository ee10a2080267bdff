// bpftime-vm: which line of source each instruction was compiled from
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace bpftime::vm::object {

/// A line of source; the views live as long as the source_map. Texts come from the object: they may
/// hold any bytes.
struct source_place {
    std::string_view file;
    uint32_t line = 0;
    uint32_t column = 0;
    std::string_view text;  ///< of the line, as it was compiled
};

/// Lines by slot of linked bytecode.
class source_map {
public:
    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
    /// Where the instruction at slot `pc` comes from; nothing if the object does not say.
    [[nodiscard]] std::optional<source_place> find(uint32_t pc) const;

    /// Slots from `pc` on are from `place`, until another call says otherwise; `pc` never falls.
    void add(uint32_t pc, const source_place &place);
    /// Nothing is known of slots from `pc` on.
    void add_unknown(uint32_t pc);

private:
    struct row {
        uint32_t pc;
        uint32_t file;
        uint32_t text;
        uint32_t line;  ///< 0: not known
        uint32_t column;
    };

    uint32_t keep(std::string_view text);
    void add(const row &r);

    std::vector<row> rows_;
    std::vector<std::string> strings_;
    std::unordered_map<std::string, uint32_t> indexes_;  ///< of strings_
};

}  // namespace bpftime::vm::object
