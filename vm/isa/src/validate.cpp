// bpftime-vm: the checks that need to see one instruction only
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/validate.hpp"

#include "isa/text.hpp"
#include "opcode_index.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace bpftime::vm::isa {

namespace {

/// One instruction under examination; errors describe it by its place.
class checker {
public:
    checker(std::span<const uint8_t> code, std::size_t index)
        : code_{code}, index_{index}, slot_{read_slot(code, index)} {}

    result<instruction> check() const {
        const insn_id id = find_row(slot_);
        if (id == insn_id::none) return std::unexpected{unknown()};
        const instruction insn{id, slot_.dst, slot_.src, slot_.offset, slot_.imm};
        const shape_info &form = info(info(id).shape);
        const selector fixed = info(id).selector;
        if (auto e = check_register("dst", form.dst, slot_.dst)) return std::unexpected{*e};
        if (fixed != selector::src) {
            if (auto e = check_register("src", form.src, slot_.src)) return std::unexpected{*e};
        }
        if (fixed != selector::offset and form.offset == offset_role::none and slot_.offset != 0) {
            return std::unexpected{reserved("offset", slot_.offset)};
        }
        if (auto e = check_imm(form.imm, fixed)) return std::unexpected{*e};
        return insn;
    }

    /// The second slot of lddw: only its immediate may be set, and that only where the kind has a
    /// use for it.
    result<instruction> check_second(const instruction &first) const {
        const std::pair<std::string_view, int> reserved_fields[] = {{"opcode", slot_.opcode},
                                                                    {"dst", slot_.dst},
                                                                    {"src", slot_.src},
                                                                    {"offset", slot_.offset}};
        for (const auto &[field, value] : reserved_fields) {
            if (value == 0) continue;
            return std::unexpected{fail(
                error_code::truncated_lddw,
                fmt::format("truncated lddw: reserved field {} of its second slot is {}, not zero",
                            field, value))};
        }
        const imm_role role = info(info(first.id).shape).imm;
        if (role != imm_role::wide and role != imm_role::object_offset and slot_.imm != 0) {
            return std::unexpected{reserved("next_imm", slot_.imm)};
        }
        return instruction{.id = insn_id::none, .imm = slot_.imm};
    }

private:
    using maybe_error = std::optional<error>;

    error fail(error_code code, std::string_view detail) const {
        return make_error(code, static_cast<uint32_t>(index_), describe(code_, index_), detail);
    }

    error reserved(std::string_view field, int64_t value) const {
        return fail(error_code::reserved_field,
                    fmt::format("reserved field {} is {}, not zero", field, value));
    }

    /// No row: either the opcode byte is unknown, or its selector field has a value that no row
    /// has.
    error unknown() const {
        if (not is_known_opcode(slot_.opcode)) {
            return fail(error_code::unknown_opcode,
                        fmt::format("unknown opcode 0x{:02x}", slot_.opcode));
        }
        for (const insn_info &row : insn_table) {
            if (row.opcode != slot_.opcode) continue;
            switch (row.selector) {
            case selector::offset: return undefined("offset", slot_.offset);
            case selector::src: return undefined("src", slot_.src);
            default: return undefined("imm", slot_.imm);
            }
        }
        return fail(error_code::internal, "opcode table out of step");
    }

    error undefined(std::string_view field, int64_t value) const {
        return fail(error_code::unknown_opcode,
                    fmt::format("unknown opcode 0x{:02x} with reserved field {} = {}", slot_.opcode,
                                field, value));
    }

    maybe_error check_register(std::string_view field, register_role role, uint8_t number) const {
        if (role == register_role::none) {
            return number == 0 ? maybe_error{} : reserved(field, number);
        }
        if (number >= register_count) {
            return fail(error_code::bad_register,
                        fmt::format("{} register r{} out of range", field, number));
        }
        if (number == frame_pointer and role != register_role::read) {
            return fail(error_code::read_only_register, "r10 is read-only");
        }
        return {};
    }

    maybe_error check_imm(imm_role role, selector fixed) const {
        const bool is_fixed = fixed == selector::imm;
        if (role == imm_role::none and not is_fixed and slot_.imm != 0)
            return reserved("imm", slot_.imm);
        if (role == imm_role::reg and static_cast<uint32_t>(slot_.imm) >= register_count) {
            return fail(error_code::bad_register, fmt::format("callx register r{} out of range",
                                                              static_cast<uint32_t>(slot_.imm)));
        }
        // The kernel knows the two casts between address space 1 (arena) and 0 (kernel).
        if (role == imm_role::spaces and slot_.imm != 1 and slot_.imm != 0x10000) {
            return fail(error_code::reserved_field,
                        fmt::format("reserved field imm is {}: address spaces are (0, 1) or (1, 0)",
                                    slot_.imm));
        }
        return {};
    }

    std::span<const uint8_t> code_;
    std::size_t index_;
    slot slot_;
};

/// What the fields of a row's instructions may be, where one look at them tells. checker says what
/// is wrong, and decides about the other rows.
struct field_limits {
    uint64_t reserved = 0;  ///< what of a slot's word has to be 0
    uint8_t dst_end = 0;    ///< 0: no slot is certain
    uint8_t src_end = 0;
};

constexpr uint8_t register_end(register_role role) noexcept {
    switch (role) {
    case register_role::none: return 1;
    case register_role::read: return register_count;
    default: return frame_pointer;
    }
}

/// The last row is insn_id::none.
constexpr auto limits_of_rows = [] {
    std::array<field_limits, insn_count + 1> all{};
    for (std::size_t i = 0; i < insn_count; ++i) {
        const insn_info &row = insn_table[i];
        const shape_info &form = info(row.shape);
        if (form.imm == imm_role::reg or form.imm == imm_role::spaces or
            row.selector == selector::src or info(row.operation).kind == operation_kind::wide)
            continue;
        const bool takes_offset =
            form.offset != offset_role::none or row.selector == selector::offset;
        const bool takes_imm = form.imm != imm_role::none or row.selector == selector::imm;
        all[i] = {.reserved =
                      (takes_offset ? 0 : word_fields::offset) | (takes_imm ? 0 : word_fields::imm),
                  .dst_end = register_end(form.dst),
                  .src_end = register_end(form.src)};
    }
    return all;
}();
static_assert(static_cast<std::size_t>(insn_id::none) == insn_count);

/// Whether the slot is an instruction of the row for certain.
bool is_simply_valid(insn_id id, const slot &s, uint64_t word) noexcept {
    const field_limits &l = limits_of_rows[static_cast<std::size_t>(id)];
    return s.dst < l.dst_end and s.src < l.src_end and (word & l.reserved) == 0;
}

}  // namespace

result<instruction> decode(std::span<const uint8_t> code, std::size_t index) {
    auto insn = checker{code, index}.check();
    if (not insn or not is_wide(insn->id)) return insn;
    if ((index + 2) * slot_size > code.size()) {
        return std::unexpected{make_error(error_code::truncated_lddw, static_cast<uint32_t>(index),
                                          describe(code, index),
                                          "truncated lddw: the program ends after its first slot")};
    }
    if (auto second = checker{code, index + 1}.check_second(*insn); not second) {
        return std::unexpected{second.error()};
    }
    return insn;
}

result<std::vector<instruction>> decode_all(std::span<const uint8_t> code) {
    if (code.empty())
        return std::unexpected{make_error(error_code::empty_program, "empty program")};
    if (code.size() % slot_size != 0) {
        return std::unexpected{
            make_error(error_code::bad_length,
                       fmt::format("program length {} is not a multiple of 8", code.size()))};
    }
    std::vector<instruction> insns(code.size() / slot_size);
    for (std::size_t pc = 0; pc < insns.size(); ++pc) {
        const uint64_t word = read_word(code, pc);
        const slot s = slot_of(word);
        if (const insn_id id = find_row(word); is_simply_valid(id, s, word)) {
            insns[pc] = {id, s.dst, s.src, s.offset, s.imm};
            continue;
        }
        auto insn = decode(code, pc);
        if (not insn) return std::unexpected{std::move(insn.error())};
        insns[pc] = *insn;
        if (is_wide(insn->id)) {
            ++pc;
            insns[pc] = {.id = insn_id::none, .imm = read_slot(code, pc).imm};
        }
    }
    return insns;
}

}  // namespace bpftime::vm::isa
