// bpftime-vm: CO-RE: what an instruction becomes on a target
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "core_relocation.hpp"

#include "core_value.hpp"
#include "elf_reader.hpp"
#include "isa/isa.hpp"
#include "isa/text.hpp"
#include "object/object.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bpftime::vm::object {

namespace {

using isa::slot_size;

constexpr uint8_t class_mask = 0x07;
constexpr uint8_t source_mask = 0x08;
constexpr uint8_t size_mask = 0x18;
constexpr uint8_t opcode_wide = isa::info(isa::insn_id::lddw).opcode;
constexpr uint8_t opcode_call = isa::info(isa::insn_id::call).opcode;

/// Bytes of a load or store, by the two bits of its opcode.
constexpr std::array<uint32_t, 4> access_sizes{4, 2, 1, 8};

enum class insn_class : uint8_t { ld = 0, ldx = 1, st = 2, stx = 3, alu = 4, alu64 = 7 };

/// An instruction as it is changed.
class patcher {
public:
    patcher(std::span<uint8_t> code, const core_answer &answer)
        : code_{code}, answer_{answer}, insn_{isa::read_slot(code, 0)} {}

    /// What is wrong with the instruction; nothing if it was changed. "poison": see `poisoned`.
    std::optional<std::string> patch() {
        if (answer_.poison) return poison();
        switch (insn_class{static_cast<uint8_t>(insn_.opcode & class_mask)}) {
        case insn_class::alu:
        case insn_class::alu64: return patch_immediate();
        case insn_class::ldx:
        case insn_class::st:
        case insn_class::stx: return patch_access();
        case insn_class::ld: return patch_wide();
        }
        return "is no arithmetic, load, store or lddw";
    }

    bool poisoned() const { return poisoned_; }

private:
    std::optional<std::string> poison() {
        poisoned_ = true;
        const isa::slot call{
            .opcode = opcode_call, .dst = 0, .src = 0, .offset = 0, .imm = poisoned_helper};
        const bool wide = insn_.opcode == opcode_wide and code_.size() >= 2 * slot_size;
        for (std::size_t slot = 0; slot < (wide ? 2 : 1); ++slot) write(slot, call);
        return {};
    }

    void write(std::size_t slot, const isa::slot &insn) {
        isa::write_slot(insn, code_.subspan(slot * slot_size).first<slot_size>());
    }

    std::optional<std::string> expected(uint64_t found) const {
        return fmt::format("holds {} where {} is expected", static_cast<int64_t>(found),
                           static_cast<int64_t>(answer_.original));
    }

    std::optional<std::string> patch_immediate() {
        if ((insn_.opcode & source_mask) != 0) return "has no immediate";
        if (answer_.checked and insn_.imm != static_cast<int32_t>(answer_.original))
            return expected(static_cast<uint64_t>(int64_t{insn_.imm}));
        insn_.imm = static_cast<int32_t>(answer_.value);
        write(0, insn_);
        return {};
    }

    std::optional<std::string> patch_access() {
        if (answer_.checked and static_cast<uint64_t>(insn_.offset) != answer_.original)
            return expected(static_cast<uint64_t>(insn_.offset));
        if (answer_.value > INT16_MAX)
            return fmt::format("has no room for the offset {}", answer_.value);
        if (not answer_.resizable) return poison();
        insn_.offset = static_cast<int16_t>(answer_.value);
        if (answer_.size != answer_.original_size) {
            if (auto wrong = resize()) return wrong;
        }
        write(0, insn_);
        return {};
    }

    std::optional<std::string> resize() {
        const uint32_t size = access_sizes[(insn_.opcode & size_mask) >> 3];
        if (size != answer_.original_size)
            return fmt::format("accesses {} bytes of a field of {}", size, answer_.original_size);
        const auto wanted = std::ranges::find(access_sizes, answer_.size);
        if (wanted == access_sizes.end())
            return fmt::format("cannot access the {} bytes that the field has", answer_.size);
        const auto bits = static_cast<unsigned>(wanted - access_sizes.begin()) << 3;
        insn_.opcode = static_cast<uint8_t>((insn_.opcode & ~unsigned{size_mask}) | bits);
        return {};
    }

    std::optional<std::string> patch_wide() {
        if (insn_.opcode != opcode_wide or insn_.src != 0 or code_.size() < 2 * slot_size)
            return "is no lddw of a number";
        isa::slot next = isa::read_slot(code_, 1);
        const uint64_t found =
            uint64_t{static_cast<uint32_t>(next.imm)} << 32 | static_cast<uint32_t>(insn_.imm);
        if (answer_.checked and found != answer_.original) return expected(found);
        insn_.imm = static_cast<int32_t>(answer_.value);
        next.imm = static_cast<int32_t>(answer_.value >> 32);
        write(0, insn_);
        write(1, next);
        return {};
    }

    std::span<uint8_t> code_;
    const core_answer &answer_;
    isa::slot insn_;
    bool poisoned_ = false;
};

/// Without place and remedy: who knows the instruction adds them.
error fail(error_code code, std::string detail) { return {code, {}, std::move(detail)}; }

/// Loads zero-extend, so that pointers and unsigned integers may have another size.
bool is_resizable(const btf_type &a, const btf_type &b) {
    const bool pointers = a.kind == btf_kind::pointer and b.kind == btf_kind::pointer;
    const bool integers = a.kind == btf_kind::integer and b.kind == btf_kind::integer;
    return pointers or (integers and not a.is_signed() and not b.is_signed());
}

}  // namespace

core_relocator::core_relocator(const btf &local, const btf &target)
    : local_{local}, target_{target}, matcher_{local, target} {}

const std::vector<uint32_t> &core_relocator::candidates(uint32_t local) {
    const auto [entry, added] = candidates_.try_emplace(local);
    if (added) entry->second = find_candidates(local);
    return entry->second;
}

/// An object's own types stand for a kernel's, which has no flavours: those only say what other
/// kernels are like.
std::vector<uint32_t> core_relocator::find_candidates(uint32_t local) const {
    const btf_type &wanted = local_.type(local);
    const std::string_view name = essential_name(wanted.name);
    const bool own = &local_ == &target_;
    std::vector<uint32_t> found;
    for (uint32_t id = 1; id < target_.size() and not name.empty(); ++id) {
        const btf_type &t = target_.type(id);
        if (not t.name.starts_with(name) or not kinds_fit(wanted, t)) continue;
        if (own ? t.name == name : essential_name(t.name) == name) found.push_back(id);
    }
    if (own and found.empty()) found.push_back(local);
    return found;
}

result<core_answer> core_relocator::answer(const core_spec &spec) {
    const auto original = value_of(local_, spec);
    if (not original) return std::unexpected{original.error()};
    core_answer out{.poison = false,
                    .checked = original->certain,
                    .original = original->number,
                    .value = original->number,
                    .original_size = original->size,
                    .size = original->size,
                    .resizable = true};
    if (spec.kind == core_kind::type_id_local) return out;
    const bool own = &local_ == &target_;
    if (local_.type(spec.root).name.empty() and not own) {
        return std::unexpected{
            fail(error_code::unsupported,
                 fmt::format("CO-RE asks about {}: types without name have no match in other types",
                             spec.describe(local_)))};
    }
    std::optional<core_spec> first;
    matcher_.begin();
    for (const uint32_t id : candidates(spec.root)) {
        auto match = matcher_.match(spec, id);
        if (not match) continue;
        const auto value = value_of(target_, *match);
        if (not value) return std::unexpected{value.error()};
        if (not first) {
            out.value = value->number;
            out.size = value->size;
            out.resizable = value->size == original->size or
                            is_resizable(local_.type(original->type), target_.type(value->type));
            first = std::move(match);
        } else if (first->bit_offset != match->bit_offset or out.value != value->number) {
            return std::unexpected{
                fail(error_code::unsupported,
                     fmt::format(
                         "CO-RE asks about {}, which is ambiguous in the target: types {} and {} "
                         "of that name differ",
                         spec.describe(local_), first->root, match->root))};
        }
    }
    if (matcher_.exhausted()) {
        return std::unexpected{
            fail(error_code::limit_exceeded,
                 fmt::format("CO-RE asks about {}, whose types are too deep to be compared",
                             spec.describe(local_)))};
    }
    if (first) return out;
    const auto nothing = value_of_nothing(spec.kind);
    out.poison = not nothing;
    out.value = nothing.value_or(0);
    return out;
}

result<std::optional<std::string>> core_relocator::apply(const core_record &record,
                                                         std::span<uint8_t> code) {
    const auto spec = read_core_spec(local_, record);
    if (not spec) return std::unexpected{spec.error()};
    const auto found = answer(*spec);
    if (not found) return std::unexpected{found.error()};
    const std::string before = isa::describe(code, 0);
    patcher p{code, *found};
    if (const auto wrong = p.patch()) {
        return std::unexpected{
            fail(error_code::bad_object, fmt::format("CO-RE asks about {}, but `{}` {}",
                                                     spec->describe(local_), before, *wrong))};
    }
    if (not p.poisoned()) return std::nullopt;
    return found->poison ? fmt::format("`{}` needs {}, which the target does not have", before,
                                       spec->describe(local_))
                         : fmt::format(
                               "`{}` accesses {} bytes of {}, which has {} on the target and is no "
                               "pointer or unsigned integer",
                               before, found->original_size, spec->describe(local_), found->size);
}

}  // namespace bpftime::vm::object
