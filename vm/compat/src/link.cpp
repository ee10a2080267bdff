// bpftime-vm: resolving what a program refers to outside itself
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace bpftime::vm::compat {

namespace {

std::array<argument_declaration, max_helper_arguments> copy_arguments(const ebpf_helper &helper) {
    std::array<argument_declaration, max_helper_arguments> arguments;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const ebpf_argument &from = helper.arguments[i];
        arguments[i] = {static_cast<argument_kind>(from.kind), from.may_be_null != 0, from.size};
    }
    return arguments;
}

/// Whether instructions of a row may need something that the program does not have; most do not.
/// The last row is that of second slots.
constexpr auto may_refer = [] {
    std::array<bool, isa::insn_count + 1> all{};
    for (std::size_t i = 0; i < isa::insn_count; ++i) {
        const isa::operation operation = isa::insn_table[i].operation;
        const isa::operation_kind kind = isa::info(operation).kind;
        all[i] = kind == isa::operation_kind::call or kind == isa::operation_kind::packet or
                 kind == isa::operation_kind::jump or kind == isa::operation_kind::wide or
                 operation == isa::operation::addr_space_cast;
    }
    return all;
}();

bool declares_types(const ebpf_helper &helper) {
    return helper.result != EBPF_RESULT_SCALAR or helper.purity != EBPF_IMPURE or
           std::ranges::any_of(helper.arguments,
                               [](const ebpf_argument &a) { return a.kind != EBPF_ARG_UNUSED; });
}

}  // namespace

static_assert(static_cast<int>(argument_kind::map) == EBPF_ARG_MAP);
static_assert(static_cast<int>(argument_kind::function) == EBPF_ARG_FUNCTION);
static_assert(static_cast<int>(argument_kind::memory_size) == EBPF_ARG_MEMORY_SIZE);
static_assert(static_cast<int>(result_kind::ends_run) == EBPF_RESULT_ENDS_RUN);
static_assert(static_cast<int>(helper_purity::constant) == EBPF_PURE_CONSTANT);
static_assert(static_cast<int>(permission::read_write) == EBPF_PERM_READ_WRITE);
static_assert(static_cast<int>(region_kind::granted) == EBPF_REGION_GRANTED);

helper_binding::helper_binding(const ebpf_helper &helper, uint64_t secret)
    : declaration_{.id = helper.id,
                   .name = helper.name == nullptr ? "" : helper.name,
                   .typed = declares_types(helper),
                   .arguments = copy_arguments(helper),
                   .result = static_cast<result_kind>(helper.result),
                   .result_size = helper.result_size,
                   .purity = static_cast<helper_purity>(helper.purity)},
      context_{helper.context},
      has_context_{helper.ctx_fn != nullptr} {
    code_ = secret ^ (has_context_ ? reinterpret_cast<uintptr_t>(helper.ctx_fn)
                                   : reinterpret_cast<uintptr_t>(helper.fn));
    for (uint8_t i = 0; i < max_helper_arguments; ++i) {
        const argument_kind kind = declaration_.arguments[i].kind;
        if (is_checked(kind)) checked_[checked_count_++] = i;
        if (kind == argument_kind::map and map_argument_ == max_helper_arguments) map_argument_ = i;
    }
    if (declaration_.typed) arity_ = static_cast<uint8_t>(declaration_.arity());
}

/// Walks the reachable code once.
class linker {
public:
    linker(const program &p, const vm_config &config) : p_{p}, config_{config} {}

    result<linkage> run() && {
        for (const basic_block &b : p_.blocks()) {
            if (not b.reachable) continue;
            for (uint32_t pc = b.begin; pc < b.end; ++pc) {
                if (not may_refer[static_cast<std::size_t>(p_.insn(pc).id)]) continue;
                if (auto e = resolve(pc)) return std::unexpected{std::move(*e)};
            }
        }
        if (first_cast_ and out_.arena_ == nullptr)
            return std::unexpected{
                fail(error_code::unsupported, *first_cast_,
                     "addr_space_cast needs an arena, and the program names none")};
        return std::move(out_);
    }

private:
    using maybe_error = std::optional<error>;

    error fail(error_code code, uint32_t pc, std::string_view detail) const {
        return make_error(code, pc, p_.text_at(pc), detail);
    }

    maybe_error resolve(uint32_t pc) {
        const isa::instruction &i = p_.insn(pc);
        switch (isa::info(i.id).operation) {
        case isa::operation::call_helper: return bind_helper(pc, static_cast<uint32_t>(i.imm));
        case isa::operation::callx: bind_all_helpers(); return {};
        case isa::operation::call_kfunc:
            return fail(
                error_code::unsupported, pc,
                fmt::format("call of kernel function with BTF id {} is not supported", i.imm));
        case isa::operation::addr_space_cast:
            if (not first_cast_) first_cast_ = pc;
            return {};
        case isa::operation::gotox: return check_jump_table(pc);
        case isa::operation::load_packet: bind_packet_load(); return {};
        default: return isa::is_wide(i.id) ? resolve_lddw(pc, i) : maybe_error{};
        }
    }

    maybe_error bind_helper(uint32_t pc, uint32_t id) {
        const auto it = config_.helpers.find(id);
        if (it == config_.helpers.end()) return bind_body(pc, id);
        if (not config_.lddw.map_shape and needs_map_shape(it->second.declaration()))
            return missing(pc, "map_shape");
        out_.helpers_.insert(*it);
        return {};
    }

    /// A helper without a function.
    maybe_error bind_body(uint32_t pc, uint32_t id) {
        const auto body = config_.bitcode.find(id);
        if (body == config_.bitcode.end()) {
            return fail(error_code::missing_helper, pc,
                        fmt::format("helper {} is not registered", id));
        }
        if (not config_.compiles_bitcode) {
            return fail(error_code::missing_helper, pc,
                        fmt::format("of helper {} bitcode alone is registered, which this backend "
                                    "does not compile: register its function, too",
                                    id));
        }
        ebpf_helper helper{};
        helper.id = id;
        helper.name = body->second.function.c_str();
        out_.helpers_.insert_or_assign(id, helper_binding{helper, config_.pointer_secret});
        return {};
    }

    void bind_packet_load() {
        const auto it = config_.helpers.find(EBPF_PACKET_LOAD_HELPER);
        if (it != config_.helpers.end()) out_.helpers_.insert(*it);
    }

    static bool needs_map_shape(const helper_declaration &d) {
        return d.result == result_kind::map_value_or_null or
               std::ranges::any_of(d.arguments, depends_on_map, &argument_declaration::kind);
    }

    /// Once: copying them for every callx would take time in the product of both numbers.
    void bind_all_helpers() {
        if (binds_all_) return;
        out_.helpers_.insert(config_.helpers.begin(), config_.helpers.end());
        binds_all_ = true;
    }

    maybe_error check_jump_table(uint32_t pc) const {
        const function &f = p_.functions()[p_.function_at(pc)];
        const auto first = std::ranges::lower_bound(p_.jump_targets(), f.begin);
        if (first != p_.jump_targets().end() and *first < f.end) return {};
        return fail(error_code::unsupported, pc,
                    "gotox is not supported without a jump table: give its entries with "
                    "ebpf_set_jump_targets() "
                    "before loading");
    }

    error missing(uint32_t pc, std::string_view what) const {
        return fail(error_code::missing_lddw, pc,
                    fmt::format("{} needs the callback {}, which is not set",
                                isa::is_wide(p_.insn(pc).id) ? "lddw" : "the helper", what));
    }

    maybe_error resolve_lddw(uint32_t pc, const isa::instruction &i) {
        const lddw_helpers &h = config_.lddw;
        const auto id = static_cast<uint32_t>(i.imm);
        const auto put = [&](uint64_t value) { out_.lddw_values_.emplace(pc, value); };
        const auto put_object = [&](const auto &value_of, const auto &size_of) {
            const uint64_t value = value_of(id);
            put(value);
            grant(pc, {value, size_of ? size_of(id) : 0});
            return value;
        };
        const auto put_map = [&](const auto &value_of, const auto &size_of) {
            return note_map(pc, put_object(value_of, size_of));
        };
        const auto put_value = [&](uint64_t map) {
            const uint64_t value = h.map_val(map);
            const auto offset = static_cast<uint32_t>(p_.insn(pc + 1).imm);
            put(value + offset);
            const ebpf_map_shape *const shape = h.map_shape ? h.map_shape(map) : nullptr;
            if (shape != nullptr and shape->arena != nullptr) return note_arena(pc, *shape->arena);
            const permission allowed = shape == nullptr
                                           ? permission::read_write
                                           : static_cast<permission>(shape->permission);
            const uint64_t size = h.map_val_size ? h.map_val_size(map) : 0;
            grant(pc, {value, size, allowed}, offset);
            if (shape != nullptr) note_constants(*shape, {value, size});
            return maybe_error{};
        };
        switch (isa::info(i.id).operation) {
        case isa::operation::lddw_map_fd:
            if (not h.map_by_fd) return missing(pc, "map_by_fd");
            return put_map(h.map_by_fd, h.map_by_fd_size);
        case isa::operation::lddw_map_fd_val:
            if (not h.map_by_fd) return missing(pc, "map_by_fd");
            if (not h.map_val) return missing(pc, "map_val");
            return put_value(h.map_by_fd(id));
        case isa::operation::lddw_var:
            if (not h.var_addr) return missing(pc, "var_addr");
            put_object(h.var_addr, h.var_addr_size);
            break;
        case isa::operation::lddw_code:
            if (h.code_addr)
                put_object(h.code_addr, h.code_addr_size);
            else
                put(code_handle(p_.callee_pc(pc)));
            break;
        case isa::operation::lddw_map_idx:
            if (not h.map_by_idx) return missing(pc, "map_by_idx");
            return put_map(h.map_by_idx, h.map_by_idx_size);
        case isa::operation::lddw_map_idx_val:
            if (not h.map_by_idx) return missing(pc, "map_by_idx");
            if (not h.map_val) return missing(pc, "map_val");
            return put_value(h.map_by_idx(id));
        default: break;
        }
        return {};
    }

    maybe_error note_map(uint32_t pc, uint64_t map) {
        const ebpf_map_shape *const shape =
            config_.lddw.map_shape ? config_.lddw.map_shape(map) : nullptr;
        if (shape == nullptr) return {};
        const auto known = std::ranges::find(out_.maps_, map, &linked_map::word);
        out_.map_indices_.emplace(pc, static_cast<uint32_t>(known - out_.maps_.begin()));
        if (known == out_.maps_.end()) {
            out_.maps_.push_back({map, shape});
            note_constants(*shape,
                           {shape->values, uint64_t{shape->value_stride} * shape->index_count});
        }
        return shape->arena == nullptr ? maybe_error{} : note_arena(pc, *shape->arena);
    }

    void note_constants(const ebpf_map_shape &shape, const memory_span &values) {
        if (values.len != 0 and __atomic_load_n(&shape.is_constant, __ATOMIC_ACQUIRE) != 0)
            out_.constants_.push_back(values);
    }

    /// Casts do not say which arena they are about.
    maybe_error note_arena(uint32_t pc, const ebpf_arena &arena) {
        if (out_.arena_ != nullptr and out_.arena_ != &arena)
            return fail(error_code::unsupported, pc, "a program can name one arena, not several");
        out_.arena_ = &arena;
        return {};
    }

    /// What the lddw at `pc` gives is `offset` behind the start of this memory. Each piece once,
    /// however often the program names it: accesses search the list.
    void grant(uint32_t pc, const memory_span &span, uint64_t offset = 0) {
        if (span.len == 0) return;
        const auto next = static_cast<uint32_t>(out_.regions_.size());
        const auto [known, is_new] = granted_.try_emplace({span.begin, span.len}, next);
        if (is_new) out_.regions_.push_back(span);
        out_.places_.emplace(pc, linked_place{known->second, offset});
    }

    const program &p_;
    const vm_config &config_;
    linkage out_;
    std::optional<uint32_t> first_cast_;
    bool binds_all_ = false;
    std::map<std::pair<uint64_t, uint64_t>, uint32_t> granted_;  ///< places in out_.regions_
};

result<linkage> linkage::resolve(const program &p, const vm_config &config) {
    return linker{p, config}.run();
}

uint64_t linkage::lddw_value(const program &p, uint32_t pc) const noexcept {
    const auto it = lddw_values_.find(pc);
    return it == lddw_values_.end() ? p.wide_imm(pc) : it->second;
}

std::optional<uint32_t> linkage::map_at(uint32_t pc) const noexcept {
    const auto it = map_indices_.find(pc);
    return it == map_indices_.end() ? std::nullopt : std::optional{it->second};
}

std::optional<linked_place> linkage::place_at(uint32_t pc) const noexcept {
    const auto it = places_.find(pc);
    return it == places_.end() ? std::nullopt : std::optional{it->second};
}

const helper_binding *linkage::helper(uint32_t id) const noexcept {
    const auto it = helpers_.find(id);
    return it == helpers_.end() ? nullptr : &it->second;
}

}  // namespace bpftime::vm::compat
