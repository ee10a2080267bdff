// bpftime-vm: types of several objects as those of one
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "btf_combine.hpp"

namespace bpftime::vm::object {

btf_combiner::btf_combiner(std::span<const btf *const> types) {
    // Names are views: the strings must not move once there are any.
    std::size_t size = 1;
    for (const btf *t : types) size += t->strings_.size();
    out_.strings_.reserve(size);
    out_.strings_.push_back('\0');
    out_.types_.emplace_back();
}

std::string_view btf_combiner::text(const btf &from, std::string_view view) const {
    if (view.data() == nullptr) return {};
    const auto offset = static_cast<std::size_t>(view.data() - from.strings_.data());
    return {out_.strings_.data() + strings_at_ + offset, view.size()};
}

void btf_combiner::add(const btf &types, const relocate &place) {
    strings_at_ = out_.strings_.size();
    out_.strings_.insert(out_.strings_.end(), types.strings_.begin(), types.strings_.end());
    shift_ = out_.size() - 1;
    const auto id = [&](uint32_t type) { return type == 0 ? 0 : type + shift_; };
    const auto append = [&](auto &to, const auto &parts) {
        const auto first = static_cast<uint32_t>(to.size());
        for (auto part : parts) {
            part.name = text(types, part.name);
            if constexpr (requires { part.type; }) part.type = id(part.type);
            to.push_back(part);
        }
        return first;
    };
    for (btf_type t : types.types().subspan(1)) {
        const btf_type &from = types.types()[out_.size() - shift_];
        t.name = text(types, t.name);
        t.type = id(t.type);
        t.index = id(t.index);
        if (t.is_composite()) t.first = append(out_.members_, types.members(from));
        if (t.is_enum()) t.first = append(out_.enumerators_, types.enumerators(from));
        if (t.kind == btf_kind::function_prototype)
            t.first = append(out_.parameters_, types.parameters(from));
        if (t.kind == btf_kind::section) {
            add_variables(types, from, place);
            // What held them is no type any more; its id stays taken.
            t = btf_type{};
        }
        out_.types_.push_back(t);
    }
}

void btf_combiner::add_variables(const btf &types, const btf_type &section, const relocate &place) {
    std::vector<btf_variable> &all = sections_[text(types, section.name)];
    for (btf_variable v : types.variables(section)) {
        const auto offset = place(section.name, v.offset, types.type(v.type).name);
        if (not offset or v.type == 0) continue;
        v.type += shift_;
        v.offset = static_cast<uint32_t>(*offset);
        all.push_back(v);
    }
}

void btf_combiner::add(const btf_ext &debug, const btf &types, const relocate &place) {
    const auto append = [&](auto &to, const auto &from) {
        for (const auto &[section, records] : from) {
            auto &all = to[text(types, section)];
            for (auto r : records) {
                const auto offset = place(section, r.offset, {});
                if (not offset) continue;
                r.offset = static_cast<uint32_t>(*offset);
                if constexpr (requires { r.type; }) r.type = r.type == 0 ? 0 : r.type + shift_;
                if constexpr (requires { r.access; }) r.access = text(types, r.access);
                if constexpr (requires { r.file; }) {
                    r.file = text(types, r.file);
                    r.text = text(types, r.text);
                }
                all.push_back(r);
            }
        }
    };
    append(debug_.functions, debug.functions);
    append(debug_.lines, debug.lines);
    append(debug_.relocations, debug.relocations);
}

btf btf_combiner::take_types() && {
    for (const auto &[name, variables] : sections_) {
        btf_type t;
        t.kind = btf_kind::section;
        t.name = name;
        t.first = static_cast<uint32_t>(out_.variables_.size());
        t.count = static_cast<uint32_t>(variables.size());
        out_.variables_.insert(out_.variables_.end(), variables.begin(), variables.end());
        out_.types_.push_back(t);
    }
    return std::move(out_);
}

}  // namespace bpftime::vm::object
