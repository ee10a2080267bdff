// bpftime-vm: accesses that one check is enough for
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "access_group.hpp"

#include "program/access.hpp"

#include <algorithm>
#include <array>

namespace bpftime::vm::ubpf {

namespace {

using isa::insn_id;
using isa::operation;
using isa::operation_kind;
using isa::register_role;

/// What an instruction does to registers and memory, as far as it matters here.
struct row {
    uint8_t bytes = 0;  ///< of an access; 0: it is none
    permission wanted = permission::none;
    bool starts_from_src = false;  ///< the access, else from dst
    bool writes_dst = false;
    bool writes_src = false;
    bool writes_r0 = false;
    int8_t adds = 0;  ///< so many times its immediate to dst, and does nothing else
    bool ends = false;
    bool is_special = false;  ///< it matters to registers that it does not name

    [[nodiscard]] uint8_t base(const isa::instruction &i) const noexcept {
        return starts_from_src ? i.src : i.dst;
    }
    [[nodiscard]] bool writes(const isa::instruction &i, unsigned reg) const noexcept {
        return (writes_dst and i.dst == reg) or (writes_src and i.src == reg) or
               (writes_r0 and reg == 0);
    }
};

constexpr row make_row(insn_id id) {
    const isa::insn_info &from = isa::info(id);
    const isa::shape_info &form = isa::info(from.shape);
    const auto writes = [](register_role r) {
        return r == register_role::write or r == register_role::update;
    };
    row out;
    out.writes_dst = writes(form.dst);
    out.writes_src = writes(form.src);
    out.writes_r0 = out.is_special = from.operation == operation::atomic_cmpxchg;
    if (id == insn_id::add64_imm) out.adds = 1;
    if (id == insn_id::sub64_imm) out.adds = -1;
    switch (isa::kind_of(id)) {
    case operation_kind::load:
    case operation_kind::store:
    case operation_kind::atomic: break;
    case operation_kind::alu:
    case operation_kind::convert:
    case operation_kind::wide: return out;
    default: out.ends = out.is_special = true; return out;
    }
    out.bytes = static_cast<uint8_t>(isa::bytes_of(from.width));
    out.wanted = permission_of(from.operation);
    out.starts_from_src =
        isa::kind_of(id) == operation_kind::load or from.operation == operation::load_acquire;
    return out;
}

/// The last row is that of the second slot of lddw.
constexpr auto rows = [] {
    std::array<row, isa::insn_count + 1> all{};
    for (std::size_t i = 0; i < isa::insn_count; ++i) all[i] = make_row(static_cast<insn_id>(i));
    return all;
}();

const row &row_of(const isa::instruction &i) noexcept {
    return rows[static_cast<std::size_t>(i.id)];
}

/// Slots from an access to the next one of its group, and to the last, at most.
constexpr uint32_t near_slots = 16;
constexpr uint32_t most_slots = 96;
/// Bytes from the first access's register to the others, at most.
constexpr int64_t most_bytes = 1 << 16;

/// Calls `add(pc, access)` for each access of the group. Where it ends.
template <typename Add>
uint32_t walk_group(const program &p, uint32_t pc, uint32_t end, Add add) {
    const unsigned base = row_of(p.insn(pc)).base(p.insn(pc));
    int64_t distance = 0;
    const uint32_t far = std::min(end, pc + most_slots);
    for (uint32_t limit = pc + 1; pc < limit; ++pc) {
        const isa::instruction &i = p.insn(pc);
        const row &r = row_of(i);
        if (i.dst != base and i.src != base and not r.is_special) continue;
        if (r.ends) break;
        if (r.bytes != 0 and r.base(i) == base) {
            const int64_t begin = i.offset + distance;
            if (begin <= -most_bytes or begin >= most_bytes) break;
            const auto at = static_cast<int32_t>(begin);
            add(pc, byte_range{at, at + r.bytes, r.wanted});
            limit = std::min(far, pc + near_slots);
        }
        if (not r.writes(i, base)) continue;
        if (r.adds == 0) return pc + 1;
        distance += int64_t{r.adds} * i.imm;
    }
    return pc;
}

}  // namespace

access_group find_group(const program &p, uint32_t pc, uint32_t end, const compat::proofs *proofs) {
    access_group g;
    g.end = walk_group(p, pc, end, [&](uint32_t at, const byte_range &access) {
        if (g.last.allowed == permission::none) g.all = access;
        g.last = access;
        const auto both =
            static_cast<uint8_t>(g.all.allowed) | static_cast<uint8_t>(access.allowed);
        g.all = {std::min(g.all.begin, access.begin), std::max(g.all.end, access.end),
                 static_cast<permission>(both)};
        g.count += proofs != nullptr and proofs->is_proven(at) ? 0 : 1;
    });
    return g;
}

std::vector<byte_range> members_of_group(const program &p, uint32_t pc, uint32_t end) {
    std::vector<byte_range> members;
    static_cast<void>(walk_group(
        p, pc, end, [&members](uint32_t, const byte_range &access) { members.push_back(access); }));
    return members;
}

}  // namespace bpftime::vm::ubpf
