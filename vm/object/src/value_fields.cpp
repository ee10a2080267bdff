// bpftime-vm: the parts of map values that only helpers use
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object/value_fields.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace bpftime::vm::object {

namespace {

using kind = value_field::kind;

/// Structs that are such a part, by name.
struct field_row {
    std::string_view name;
    kind what;
};
constexpr auto field_rows = std::to_array<field_row>({
    {"bpf_spin_lock", kind::spin_lock},
    {"bpf_res_spin_lock", kind::other},
    {"bpf_timer", kind::timer},
    {"bpf_wq", kind::other},
    {"bpf_list_head", kind::list_head},
    {"bpf_list_node", kind::list_node},
    {"bpf_rb_root", kind::rb_root},
    {"bpf_rb_node", kind::rb_node},
    {"bpf_refcount", kind::refcount},
    {"bpf_task_work", kind::other},
});

/// Walks one type. Hostile ones contain themselves, or are very large.
class field_finder {
public:
    explicit field_finder(const btf &types) : types_{types} {}

    std::vector<value_field> run(uint32_t type) && {
        size_ = types_.size_of(type).value_or(0);
        visit(type, 0, 0);
        std::ranges::sort(found_, {}, &value_field::offset);
        return std::move(found_);
    }

private:
    static constexpr unsigned deepest = 8;
    static constexpr unsigned most_visits = 1 << 14;

    void visit(uint32_t id, uint64_t offset, unsigned depth) {
        if (depth > deepest or ++visits_ > most_visits) return;
        const uint32_t resolved = types_.resolve(id);
        const btf_type &t = types_.type(resolved);
        if (const auto what = kind_of(t)) {
            add(*what, offset, types_.size_of(resolved).value_or(0));
        } else if (t.is_composite()) {
            for (const btf_member &m : types_.members(t)) {
                if (m.bit_size == 0) visit(m.type, offset + m.bit_offset / 8, depth + 1);
            }
        } else if (t.kind == btf_kind::array) {
            const uint64_t each = types_.size_of(t.type).value_or(0);
            for (uint32_t i = 0; each != 0 and i < t.extra and visits_ < most_visits; ++i)
                visit(t.type, offset + i * each, depth + 1);
        }
    }

    [[nodiscard]] std::optional<kind> kind_of(const btf_type &t) const noexcept {
        if (t.kind == btf_kind::structure) {
            const auto row = std::ranges::find(field_rows, t.name, &field_row::name);
            return row == field_rows.end() ? std::nullopt : std::optional{row->what};
        }
        // __kptr is a tag of what is pointed to.
        if (t.kind != btf_kind::pointer) return {};
        const btf_type &to = types_.type(t.type);
        const bool is_tagged =
            to.kind == btf_kind::type_tag and
            (to.name == "kptr" or to.name == "kptr_untrusted" or to.name == "percpu_kptr");
        return is_tagged ? std::optional{kind::pointer} : std::nullopt;
    }

    void add(kind what, uint64_t offset, uint64_t bytes) {
        constexpr uint64_t alignment = 4;
        const bool is_inside = bytes != 0 and bytes <= size_ and offset <= size_ - bytes;
        if (not is_inside or offset % alignment != 0 or bytes % alignment != 0) return;
        found_.push_back({what, static_cast<uint32_t>(offset), static_cast<uint32_t>(bytes)});
    }

    const btf &types_;
    uint64_t size_ = 0;
    unsigned visits_ = 0;
    std::vector<value_field> found_;
};

}  // namespace

std::vector<value_field> find_value_fields(const btf &types, uint32_t type) {
    return field_finder{types}.run(type);
}

}  // namespace bpftime::vm::object
