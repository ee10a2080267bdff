// bpftime-vm: reading .BTF.ext, trusting nothing
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "btf_ext.hpp"

#include "elf_reader.hpp"
#include "wire.hpp"

#include <fmt/format.h>

namespace bpftime::vm::object {

namespace {

using maybe_error = std::optional<error>;

constexpr uint16_t magic = 0xeb9f;
constexpr uint32_t header_without_relocations = 24;
constexpr uint32_t header_with_relocations = 32;

error bad(std::string_view detail) {
    return make_error(error_code::bad_object, fmt::format("damaged .BTF.ext: {}", detail));
}

/// One of its tables, as the header places it.
struct part {
    std::string_view noun;
    uint32_t record_size;  ///< at least
    std::span<const uint8_t> bytes;
};

class record_reader {
public:
    record_reader(const btf &types, const part &p) : types_{types}, noun_{p.noun}, part_{p} {}

    template <typename Record>
    maybe_error read_all(records_by_section<Record> &out) {
        std::span<const uint8_t> rest = part_.bytes;
        if (rest.empty()) return {};
        if (rest.size() < 4) return cut_off();
        const auto size = wire::read<uint32_t>(rest, 0);
        if (size < part_.record_size or size % 4 != 0)
            return bad(fmt::format("{} records of {} bytes", noun_, size));
        rest = rest.subspan(4);
        while (not rest.empty()) {
            if (auto e = read_section(rest, size, out)) return e;
        }
        for (auto &[name, records] : out) std::ranges::stable_sort(records, {}, &Record::offset);
        return {};
    }

private:
    error cut_off() const { return bad(fmt::format("its {} records are cut off", noun_)); }

    template <typename Record>
    maybe_error read_section(std::span<const uint8_t> &rest, uint32_t size,
                             records_by_section<Record> &out) {
        if (rest.size() < 8) return cut_off();
        const auto name = types_.string_at(wire::read<uint32_t>(rest, 0));
        const auto count = wire::read<uint32_t>(rest, 4);
        rest = rest.subspan(8);
        if (not name) return bad(fmt::format("a section name of its {} records", noun_));
        if (uint64_t{count} * size > rest.size()) return cut_off();
        for (uint32_t i = 0; i < count; ++i, rest = rest.subspan(size)) {
            Record record;
            if (not read(rest, record)) {
                return bad(fmt::format("{} record {} refers to a type or string that is not there",
                                       noun_, i));
            }
            out[*name].push_back(record);
        }
        return {};
    }

    bool text(uint32_t offset, std::string_view &out) const {
        const auto found = types_.string_at(offset);
        if (found) out = *found;
        return found.has_value();
    }

    static uint32_t word(std::span<const uint8_t> b, std::size_t i) {
        return wire::read<uint32_t>(b, 4 * i);
    }

    bool read(std::span<const uint8_t> b, function_record &r) const {
        r = {word(b, 0), word(b, 1)};
        return r.type < types_.size();
    }

    bool read(std::span<const uint8_t> b, line_record &r) const {
        r.offset = word(b, 0);
        r.line = word(b, 3) >> 10;
        r.column = word(b, 3) & 0x3ff;
        return text(word(b, 1), r.file) and text(word(b, 2), r.text);
    }

    bool read(std::span<const uint8_t> b, core_record &r) const {
        r.offset = word(b, 0);
        r.type = word(b, 1);
        r.kind = word(b, 3);
        return r.type < types_.size() and text(word(b, 2), r.access);
    }

    const btf &types_;
    std::string_view noun_;
    const part &part_;
};

/// The table whose offset and length are words `at` and `at + 1` of the header.
maybe_error place(std::span<const uint8_t> bytes, uint32_t header, std::size_t at, part &out) {
    const auto offset = wire::read<uint32_t>(bytes, 4 * at);
    const auto length = wire::read<uint32_t>(bytes, 4 * at + 4);
    const auto rest = bytes.subspan(header);
    if (not wire::fits(offset, length, rest.size())) {
        return bad(fmt::format("{} records ({} bytes at {}) exceed {} bytes", out.noun, length,
                               offset, rest.size()));
    }
    out.bytes = rest.subspan(offset, length);
    return {};
}

/// One record says it: hostile objects have thousands for one instruction.
template <typename Record>
void keep_first(records_by_section<Record> &all) {
    for (auto &[name, records] : all) {
        const auto rest = std::ranges::unique(records, {}, &Record::offset);
        records.erase(rest.begin(), rest.end());
    }
}

maybe_error check_once(const records_by_section<core_record> &all) {
    for (const auto &[name, records] : all) {
        const auto twice = std::ranges::adjacent_find(records, {}, &core_record::offset);
        if (twice == records.end()) continue;
        return bad(fmt::format("two relocations at offset {} of section '{}'", twice->offset,
                               printable(name)));
    }
    return {};
}

}  // namespace

result<btf_ext> parse_btf_ext(std::span<const uint8_t> bytes, const btf &types) {
    if (bytes.size() < header_without_relocations or wire::read<uint16_t>(bytes, 0) != magic)
        return std::unexpected{bad("it has no header")};
    const auto header = wire::read<uint32_t>(bytes, 4);
    if (header < header_without_relocations or header > bytes.size())
        return std::unexpected{bad(fmt::format("a header of {} bytes", header))};
    part functions{"function", 8, {}};
    part lines{"line", 16, {}};
    part relocations{"relocation", 16, {}};
    btf_ext ext;
    maybe_error e = place(bytes, header, 2, functions);
    if (not e) e = place(bytes, header, 4, lines);
    if (not e and header >= header_with_relocations) e = place(bytes, header, 6, relocations);
    if (not e) e = record_reader{types, functions}.read_all(ext.functions);
    if (not e) e = record_reader{types, lines}.read_all(ext.lines);
    keep_first(ext.functions);
    keep_first(ext.lines);
    if (not e) e = record_reader{types, relocations}.read_all(ext.relocations);
    if (not e) e = check_once(ext.relocations);
    if (e) return std::unexpected{std::move(*e)};
    return ext;
}

}  // namespace bpftime::vm::object
