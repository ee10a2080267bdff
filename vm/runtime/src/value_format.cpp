// bpftime-vm: values as text, as the kernel writes them for programs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "value_format.hpp"

#include "kernel_characters.hpp"
#include "probe_helpers.hpp"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

namespace bpftime::vm::runtime {

using object::btf;
using object::btf_kind;
using object::btf_member;
using object::btf_type;

void cut_text::append(std::string_view more) {
    begin += more.substr(0, most - begin.size());
    length += more.size();
}

namespace {

constexpr unsigned word_bits = 64;

__extension__ using wide = unsigned __int128;  // the longest numbers

uint64_t low_word(wide number) noexcept { return static_cast<uint64_t>(number); }

std::string hexadecimal(wide number) {
    const auto high = low_word(number >> word_bits);
    return high == 0 ? fmt::format("0x{:x}", low_word(number))
                     : fmt::format("0x{:x}{:016x}", high, low_word(number));
}

/// The low `bits` of a word as a number, for people.
std::string decimal(uint64_t word, unsigned bits, bool is_signed) {
    const unsigned unused = word_bits - bits;
    return is_signed ? fmt::format("{}", static_cast<int64_t>(word << unused) >> unused)
                     : fmt::format("{}", word << unused >> unused);
}

/// One format_value(). Types may contain themselves: depth and work are bounded.
class value_formatter {
public:
    value_formatter(const btf &types, uint64_t flags, cut_text &text)
        : types_{types}, flags_{flags}, text_{text} {}

    int run(uint32_t id, uint64_t address) {
        show(id, types_.resolve(id), address);
        return failed_;
    }

private:
    static constexpr unsigned most_depth = 32;
    static constexpr uint64_t most_work = 1 << 20;

    [[nodiscard]] bool has(uint64_t flag) const noexcept { return (flags_ & flag) != 0; }

    // --- values

    /// One step of the work; false if there was too much of it, or nothing is to be done any more.
    bool pay() {
        if (failed_ == 0 and ++work_ > most_work) failed_ = -E2BIG;
        return failed_ == 0;
    }

    /// `id` is what the type is called by, `resolved` what it is.
    void show(uint32_t id, uint32_t resolved, uint64_t address) {
        if (depth_ > most_depth) failed_ = -E2BIG;
        if (not pay()) return;
        const btf_type &t = types_.type(resolved);
        switch (t.kind) {
        case btf_kind::integer: return integer(id, t, address);
        case btf_kind::pointer: return pointer(id, address);
        case btf_kind::enumeration:
        case btf_kind::enumeration64: return enumeration(id, t, address);
        case btf_kind::array: return array(id, resolved, address);
        case btf_kind::structure:
        case btf_kind::union_: return structure(id, t, address);
        default: emit(fmt::format("<unsupported kind:{}>", std::to_underlying(t.kind)));
        }
    }

    /// `first`: where in the byte it begins, of bit fields whose width is their type's.
    void integer(uint32_t id, const btf_type &t, uint64_t address, unsigned first = 0) {
        const unsigned bits = t.bits();
        const unsigned offset = first + t.bits_offset();
        const bool is_plain =
            offset == 0 and (bits == 8 or bits == 16 or bits == 32 or bits == word_bits);
        const auto read = read_bits(address, offset, bits);
        if (not read) return;
        if (not is_plain) return value(id, hexadecimal(*read), *read == 0);
        const uint64_t word = low_word(*read);
        if (bits == 8 and shows_characters_ and character(id, static_cast<char>(word))) return;
        value(id, decimal(word, bits, t.is_signed()), word == 0);
    }

    /// Whether an element of an array of bytes is done with.
    bool character(uint32_t id, char c) {
        text_has_ended_ |= c == '\0';
        if (not text_has_ended_ and not is_printed(c)) return false;
        if (not text_has_ended_) value(id, fmt::format("'{}'", c), false);
        return true;
    }

    void pointer(uint32_t id, uint64_t address) {
        if (const auto read = read_bits(address, 0, word_bits))
            value(id, fmt::format("0x{:016x}", low_word(*read)), *read == 0);
    }

    void enumeration(uint32_t id, const btf_type &t, uint64_t address) {
        const unsigned bits = 8 * std::min<unsigned>(t.size, sizeof(uint64_t));
        const auto read = read_bits(address, 0, bits);
        if (not read or bits == 0) return;
        const uint64_t word = low_word(*read);
        const auto is_it = [&](const object::btf_enumerator &e) {
            return not pay() or ((e.value ^ word) << (word_bits - bits)) == 0;
        };
        const auto all = types_.enumerators(t);
        const auto known = std::ranges::find_if(all, is_it);
        if (failed_ != 0) return;
        if (known != all.end())
            value(id, known->name, false);
        else
            value(id, decimal(word, bits, t.is_signed()), word == 0);
    }

    void structure(uint32_t id, const btf_type &t, uint64_t address) {
        composite(id, "}", [&] {
            for (const btf_member &m : types_.members(t)) {
                if (not pay()) return;
                member_ = &m;
                const uint64_t place = address + m.bit_offset / 8;
                const uint32_t resolved = types_.resolve(m.type);
                if (m.bit_size != 0)
                    bit_field(m, place);
                else if (m.bit_offset % 8 != 0 and types_.type(resolved).kind == btf_kind::integer)
                    integer(m.type, types_.type(resolved), place, m.bit_offset % 8);
                else
                    show(m.type, resolved, place);
                member_ = nullptr;
            }
        });
    }

    void bit_field(const btf_member &m, uint64_t address) {
        if (const auto read = read_bits(address, m.bit_offset % 8, m.bit_size))
            value(m.type, hexadecimal(*read), *read == 0);
    }

    void array(uint32_t id, uint32_t resolved, uint64_t address) {
        const btf_type &t = types_.type(resolved);
        const uint32_t element = types_.resolve(t.type);
        const auto size = types_.size_of(element);
        if (not size) {
            failed_ = -EINVAL;
            return;
        }
        composite(id, "]", [&] {
            shows_characters_ = types_.type(element).kind == btf_kind::integer and * size == 1;
            text_has_ended_ = false;
            for (uint64_t i = 0; i < t.extra and not text_has_ended_ and failed_ == 0; ++i) {
                member_ = nullptr;
                is_in_array_ = true;
                show(t.type, element, address + i * *size);
                is_in_array_ = false;
            }
            shows_characters_ = text_has_ended_ = false;
        });
    }

    /// What has parts is shown if one of them would be: they are looked at first.
    template <typename Parts>
    void composite(uint32_t id, std::string_view end, const Parts &parts) {
        const btf_member *const member = member_;
        if (depth_ > 0 and not has(BTF_F_ZERO)) {
            if (looks_from_ == 0) {
                looks_from_ = depth_ + 1;
                deepest_value_ = 0;
            }
            with_frame(id, end, parts);
            member_ = member;
            if (looks_from_ != depth_ + 1) return;
            looks_from_ = 0;
            if (deepest_value_ <= depth_) return;
        }
        with_frame(id, end, parts);
    }

    template <typename Parts>
    void with_frame(uint32_t id, std::string_view end, const Parts &parts) {
        emit(fmt::format("{}{}{}", indent(), name(id), new_line()));
        ++depth_;
        parts();
        --depth_;
        emit(fmt::format("{}{}{}{}", indent(), end, delimiter(), new_line()));
    }

    void value(uint32_t id, std::string_view text, bool is_zero) {
        if (is_zero and not has(BTF_F_ZERO) and depth_ != 0) return;
        emit(fmt::format("{}{}{}{}{}", indent(), name(id), text, delimiter(), new_line()));
        deepest_value_ = std::max(deepest_value_, depth_);
    }

    void emit(std::string_view text) {
        if (looks_from_ == 0 and failed_ == 0) text_.append(text);
    }

    // --- what stands around them

    [[nodiscard]] std::string indent() const {
        constexpr unsigned most_blanks = 32;
        return std::string(has(BTF_F_COMPACT) ? 0 : std::min(depth_, most_blanks), ' ');
    }
    [[nodiscard]] std::string_view new_line() const noexcept {
        return has(BTF_F_COMPACT) ? "" : "\n";
    }
    [[nodiscard]] std::string_view delimiter() const noexcept { return depth_ == 0 ? "" : ","; }

    /// Types with all of their pointers and arrays, up to a name.
    struct chain {
        std::string_view name;
        btf_kind end = btf_kind::void_;
        bool is_renamed = false;
        unsigned pointers = 0;
        unsigned arrays = 0;
    };

    /// Nothing of types that the kernel finds too long.
    [[nodiscard]] std::optional<chain> follow(uint32_t id) const {
        constexpr unsigned most_steps = 10;
        chain c;
        for (unsigned step = 0; step < most_steps; ++step) {
            const btf_type &t = types_.type(id);
            switch (t.kind) {
            case btf_kind::type_definition:
                if (not c.is_renamed) c.name = t.name;
                c.is_renamed = true;
                break;
            case btf_kind::pointer: ++c.pointers; break;
            case btf_kind::array: ++c.arrays; break;
            default: return ended(c, t);
            }
            if (t.type == 0) return ended(c, t);
            id = unqualified(t.type);
        }
        return {};
    }
    [[nodiscard]] static chain ended(chain c, const btf_type &t) {
        c.end = t.kind;
        if (not c.is_renamed) c.name = t.name;
        return c;
    }

    [[nodiscard]] uint32_t unqualified(uint32_t id) const noexcept {
        const auto is_qualifier = [](btf_kind kind) {
            return kind == btf_kind::const_ or kind == btf_kind::volatile_ or
                   kind == btf_kind::restrict_ or kind == btf_kind::type_tag;
        };
        for (unsigned step = 0; step < btf::longest_chain; ++step) {
            if (not is_qualifier(types_.type(id).kind)) return id;
            id = types_.type(id).type;
        }
        return 0;
    }

    [[nodiscard]] static std::string_view keyword_of(btf_kind kind) noexcept {
        switch (kind) {
        case btf_kind::structure: return "struct";
        case btf_kind::union_: return "union";
        case btf_kind::enumeration:
        case btf_kind::enumeration64: return "enum";
        default: return "";
        }
    }

    /// ".member = (struct name){", as much of it as there is.
    [[nodiscard]] std::string name(uint32_t id) const {
        if (is_in_array_) return "";
        const auto c = follow(id);
        if (not c) return "";
        const std::string_view keyword = keyword_of(c->end);
        const bool has_members = keyword == "struct" or keyword == "union";
        const std::string_view opening = c->pointers != 0 ? ""
                                         : c->arrays != 0 ? "["
                                         : has_members    ? "{"
                                                          : "";
        if (has(BTF_F_NONAME)) return std::string{opening};
        std::string text;
        constexpr std::size_t most_name = 79;
        if (member_ != nullptr and not member_->name.empty())
            text = fmt::format(".{} = ", member_->name.substr(0, most_name));
        text += '(';
        if (not c->is_renamed) text += keyword;
        if (not c->is_renamed and not keyword.empty() and not c->name.empty()) text += ' ';
        text += c->name.substr(0, most_name);
        if (c->pointers != 0) text += ' ' + std::string(c->pointers, '*');
        for (unsigned i = 0; i < c->arrays; ++i) text += "[]";
        text += ')';
        text += opening;
        return text.substr(0, most_name);
    }

    // --- memory

    std::optional<wide> read_bits(uint64_t address, unsigned offset, unsigned bits) {
        address += offset / 8;
        offset %= 8;
        std::array<uint8_t, sizeof(wide)> bytes{};
        const std::size_t size = (offset + bits + 7) / 8;
        if (size > bytes.size())
            failed_ = -EINVAL;
        else if (not read_own_memory(std::span{bytes}.first(size), address))
            failed_ = -EFAULT;
        if (failed_ != 0) return {};
        wide number = 0;
        std::memcpy(&number, bytes.data(), sizeof number);
        number >>= offset;
        return bits < 2 * word_bits ? number & ((wide{1} << bits) - 1) : number;
    }

    const btf &types_;
    uint64_t flags_;
    cut_text &text_;
    int failed_ = 0;
    unsigned depth_ = 0;
    uint64_t work_ = 0;
    const btf_member *member_ = nullptr;  ///< that is being shown
    bool is_in_array_ = false;
    bool shows_characters_ = false;  ///< the array is one of bytes
    bool text_has_ended_ = false;    ///< at a 0 in it
    unsigned looks_from_ = 0;     ///< not 0: nothing is shown, only looked for from this depth on
    unsigned deepest_value_ = 0;  ///< that was found
};

}  // namespace

int format_value(const btf &types, uint32_t type, uint64_t address, uint64_t flags,
                 cut_text &text) {
    return value_formatter{types, flags, text}.run(type, address);
}

}  // namespace bpftime::vm::runtime
