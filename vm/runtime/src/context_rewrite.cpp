// bpftime-vm: accesses to the kernel's contexts become accesses to ours
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "context_flow.hpp"
#include "packet_load.hpp"
#include "runtime/context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

class rewriter {
public:
    rewriter(std::span<const uint8_t> code, const program &p, const context_layout &layout,
             object::program_type type)
        : made_{{code.begin(), code.end()}}, p_{p}, layout_{layout}, type_{type} {}

    result<adapted_code> rewrite() && {
        if (auto e = check_packet_loads()) return std::unexpected{std::move(*e)};
        const auto sites = find_context_sites(p_);
        if (not sites) return std::unexpected{sites.error()};
        for (const context_site &site : *sites) {
            if (auto e = rewrite(site)) return std::unexpected{std::move(*e)};
        }
        return std::move(made_);
    }

private:
    using maybe_error = std::optional<error>;

    [[nodiscard]] error fail(error_code code, uint32_t pc, std::string_view detail) const {
        return make_error(code, pc, p_.text_at(pc), detail);
    }

    [[nodiscard]] maybe_error check_packet_loads() const {
        if (has_packet_loads(type_)) return {};
        for (uint32_t pc = 0; pc < p_.size(); ++pc) {
            const isa::insn_id id = p_.insn(pc).id;
            if (id == isa::insn_id::none or isa::kind_of(id) != isa::operation_kind::packet)
                continue;
            return fail(error_code::bad_context_access, pc,
                        "legacy packet loads are for socket filters and traffic control alone");
        }
        return {};
    }

    static bool is_store(const isa::instruction &i) {
        return isa::kind_of(i.id) == isa::operation_kind::store;
    }

    maybe_error rewrite(const context_site &site) {
        const isa::instruction &i = p_.insn(site.pc);
        const unsigned base = isa::kind_of(i.id) == isa::operation_kind::load ? i.src : i.dst;
        switch (site.base.from) {
        case origin::context: break;
        case origin::modified:
            return fail(error_code::unclear_context, site.pc,
                        fmt::format("r{} is the context and an offset that is not constant", base));
        default:
            return fail(
                error_code::unclear_context, site.pc,
                fmt::format("r{} is the context on one path and something else on another", base));
        }
        if (isa::kind_of(i.id) == isa::operation_kind::atomic)
            return fail(error_code::bad_context_access, site.pc, "atomic access to the context");
        const isa::insn_info &row = isa::info(i.id);
        const context_access access{.offset = site.base.offset + i.offset,
                                    .width = isa::bytes_of(row.width),
                                    .write = is_store(i),
                                    .sign_extends = row.operation == isa::operation::load_sx};
        if (const auto why = why_refused(layout_, type_, access); not why.empty())
            return fail(error_code::bad_context_access, site.pc, why);
        made_.use = std::max(made_.use, access.write ? context_use::writes : context_use::reads);
        return redirect(site, access);
    }

    maybe_error redirect(const context_site &site, const context_access &access) {
        const context_field &f = *layout_.find(access.offset);
        const int64_t offset = f.host_offset + (access.offset - f.offset) - site.base.offset;
        using limits = std::numeric_limits<int16_t>;
        if (offset < limits::min() or offset > limits::max()) {
            return fail(error_code::unclear_context, site.pc,
                        "the context is too far from its register");
        }
        isa::instruction changed = p_.insn(site.pc);
        changed.offset = static_cast<int16_t>(offset);
        if (f.wide_pointer) changed.id = isa::insn_id::ldxdw;
        isa::write_slot(
            isa::encode(changed),
            std::span{made_.code}.subspan(site.pc * isa::slot_size).first<isa::slot_size>());
        return {};
    }

    adapted_code made_;
    const program &p_;
    const context_layout &layout_;
    object::program_type type_;
};

}  // namespace

result<adapted_code> rewrite_context_accesses(std::span<const uint8_t> code, const program &p,
                                              object::program_type type) {
    const context_layout *const layout = context_layout_of(type);
    if (layout == nullptr) return adapted_code{{code.begin(), code.end()}};
    return rewriter{code, p, *layout, type}.rewrite();
}

}  // namespace bpftime::vm::runtime
