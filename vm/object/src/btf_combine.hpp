// bpftime-vm: types of several objects as those of one
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "btf_ext.hpp"

#include <functional>

namespace bpftime::vm::object {

/// Appends the types of one object after another. Nothing is merged but sections of one name.
class btf_combiner {
public:
    /// Where byte `offset` of section `section` of the object comes to lie; nothing if what is
    /// there is left out.
    using relocate = std::function<std::optional<uint64_t>(std::string_view section,
                                                           uint64_t offset, std::string_view name)>;

    /// `types` must be all that add() gets, in that order.
    explicit btf_combiner(std::span<const btf *const> types);

    void add(const btf &types, const relocate &place);
    void add(const btf_ext &debug, const btf &types, const relocate &place);

    [[nodiscard]] btf take_types() &&;
    [[nodiscard]] btf_ext take_debug() { return std::move(debug_); }

private:
    [[nodiscard]] std::string_view text(const btf &from, std::string_view view) const;
    void add_variables(const btf &types, const btf_type &section, const relocate &place);

    btf out_;
    btf_ext debug_;
    std::size_t strings_at_ = 0;  ///< where the strings of the object that is being added begin
    uint32_t shift_ = 0;          ///< what its type ids grow by
    /// By name; they become types when all are known.
    std::map<std::string_view, std::vector<btf_variable>> sections_;
};

}  // namespace bpftime::vm::object
