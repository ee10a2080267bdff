// bpftime-vm: text to instructions, by the mnemonics of instructions.def and the patterns of
// shapes.def Copyright (c) 2026 The bpftime-vm authors SPDX-License-Identifier: MIT
#include "isa/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <map>
#include <unordered_map>
#include <utility>

namespace bpftime::vm::isa {

namespace {

// Other spellings that assemblers accept.
constexpr auto aliases = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"bswap16", "swap16"},
    {"bswap32", "swap32"},
    {"bswap64", "swap64"},
    {"call helper", "call"},
    {"call runtime", "call kfunc"},
    {"goto", "ja"},
    {"gotol", "ja32"},
    {"add64", "add"},
    {"sub64", "sub"},
    {"mul64", "mul"},
    {"div64", "div"},
    {"sdiv64", "sdiv"},
    {"mod64", "mod"},
    {"smod64", "smod"},
    {"or64", "or"},
    {"and64", "and"},
    {"xor64", "xor"},
    {"lsh64", "lsh"},
    {"rsh64", "rsh"},
    {"arsh64", "arsh"},
    {"mov64", "mov"},
    {"neg64", "neg"},
});

constexpr std::size_t longest_mnemonic_words = 3;  // lock fetch add

bool is_space(char c) { return c == ' ' or c == '\t' or c == '\r' or c == '\v' or c == '\f'; }
bool is_label_char(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 or c == '_' or c == '.' or c == '$';
}

/// Rows by mnemonic, aliases included.
const std::multimap<std::string_view, insn_id> &rows_by_mnemonic() {
    static const auto rows = [] {
        std::multimap<std::string_view, insn_id> map;
        for (std::size_t i = 0; i < insn_count; ++i) {
            map.emplace(insn_table[i].mnemonic, static_cast<insn_id>(i));
        }
        for (const auto &[alias, mnemonic] : aliases) {
            const auto [first, last] = map.equal_range(mnemonic);
            std::vector<insn_id> ids;
            for (auto it = first; it != last; ++it) ids.push_back(it->second);
            for (const insn_id id : ids) map.emplace(alias, id);
        }
        return map;
    }();
    return rows;
}

/// Why a pattern did not match, and how far it had come.
struct mismatch {
    std::size_t position = 0;
    std::string detail;
};

/// Matches one operand pattern against one operand text (both without spaces).
class operand_parser {
public:
    explicit operand_parser(std::string_view text) : text_{text} {}

    /// The instruction's fields, or the mismatch.
    std::expected<instruction, mismatch> parse(insn_id id) {
        fields_ = {.id = id};
        for (const char c : info(info(id).shape).assembly) {
            if (is_space(c)) continue;
            if (not take(c)) return std::unexpected{mismatch{position_, std::move(detail_)}};
        }
        if (position_ != text_.size()) {
            return std::unexpected{
                mismatch{position_, fmt::format("Invalid operand '{}'", rest())}};
        }
        return fields_;
    }

    int32_t next_imm() const { return next_imm_; }
    /// The label that the offset (or, with label_in_imm(), the immediate) goes to; empty: none.
    std::string_view label() const { return label_; }
    bool label_in_imm() const { return label_in_imm_; }

private:
    std::string_view rest() const { return text_.substr(position_); }

    bool fail(std::string detail) {
        detail_ = std::move(detail);
        return false;
    }

    /// The text up to the next separator: what a message should quote.
    std::string_view word() const {
        const auto end = rest().find_first_of(",[]()");
        return end == 0 ? rest().substr(0, 1) : rest().substr(0, end);
    }

    bool take(char c) {
        switch (c) {
        case 'D': return take_register(fields_.dst);
        case 'S': return take_register(fields_.src);
        case 'R': return take_register_number();
        case 'I':
        case 'U': return take_imm(fields_.imm);
        case 'W': return take_wide();
        case 'O': return take_displacement();
        case 'J': return take_jump_offset();
        case 'L': return take_jump_imm();
        case 'N': return take_next_imm();
        case 'X': return take_index();
        case 'A': return take_space(16);
        case 'Z': return take_space(0);
        default: return take_literal(c);
        }
    }

    bool take_literal(char c) {
        if (rest().starts_with(c)) {
            ++position_;
            return true;
        }
        if (c == '[')
            return fail(fmt::format("Invalid operand '{}': expected memory like [%r1+8]", word()));
        return fail(fmt::format("Invalid operand '{}': expected '{}'", rest(), c));
    }

    bool take_register(uint8_t &number) {
        std::string_view name = word();
        if (const auto end = name.find_first_of("+-"); end != name.npos) name = name.substr(0, end);
        std::string_view digits = name;
        if (digits.starts_with('%')) digits.remove_prefix(1);
        const bool named =
            digits.starts_with('r') and digits.size() > 1 and
            std::ranges::all_of(digits.substr(1), [](char d) { return d >= '0' and d <= '9'; });
        unsigned value = register_count;
        if (named) std::from_chars(digits.data() + 1, digits.data() + digits.size(), value);
        if (not named and not name.starts_with('%')) {
            return fail(
                fmt::format("Invalid operand '{}': expected a register, %r0 to %r10", name));
        }
        if (value >= register_count) {
            return fail(fmt::format("Invalid register '{}': registers are %r0 to %r10", name));
        }
        number = static_cast<uint8_t>(value);
        position_ += name.size();
        return true;
    }

    bool take_register_number() {
        uint8_t number = 0;
        if (not take_register(number)) return false;
        fields_.imm = number;
        if (number == 0)
            return fail("Invalid operand '%r0': callx with the register in imm cannot name r0");
        return true;
    }

    /// A number: decimal or 0x hexadecimal with an optional sign. Gives magnitude and sign apart.
    struct literal {
        uint64_t magnitude;
        bool negative;
        bool hexadecimal;
    };

    std::optional<literal> take_number() {
        std::string_view digits = rest();
        literal n{0, digits.starts_with('-'), false};
        if (digits.starts_with('-') or digits.starts_with('+')) digits.remove_prefix(1);
        n.hexadecimal = digits.starts_with("0x") or digits.starts_with("0X");
        if (n.hexadecimal) digits.remove_prefix(2);
        const char *const first = digits.data();
        const char *const last = first + digits.size();
        const auto [end, code] = std::from_chars(first, last, n.magnitude, n.hexadecimal ? 16 : 10);
        if (code == std::errc::result_out_of_range) {
            fail(fmt::format("Immediate out of 64-bit range: '{}'", word()));
            return {};
        }
        const bool complete = code == std::errc{} and (end == last or not is_label_char(*end));
        if (not complete) {
            fail(fmt::format("Invalid operand '{}': expected a number", word()));
            return {};
        }
        position_ = static_cast<std::size_t>(end - text_.data());
        return n;
    }

    /// A number of Bits bits: decimal in the signed range, hexadecimal also in the unsigned one.
    template <typename Signed>
    bool take_bounded(Signed &out, std::string_view field) {
        const std::size_t start = position_;
        const auto n = take_number();
        if (not n) return false;
        constexpr auto most = static_cast<uint64_t>(std::numeric_limits<Signed>::max());
        const bool fits = n->negative ? n->magnitude <= most + 1
                                      : n->magnitude <= (n->hexadecimal ? 2 * most + 1 : most);
        if (not fits) {
            const auto text = text_.substr(start, position_ - start);
            position_ = start;
            return fail(
                fmt::format("{} out of {}-bit range: '{}'", field, 8 * sizeof(Signed), text));
        }
        out = static_cast<Signed>(n->negative ? 0 - n->magnitude : n->magnitude);
        return true;
    }

    bool take_imm(int32_t &imm) {
        // Helper ids and map indexes are unsigned, and printed so.
        const std::size_t start = position_;
        if (take_bounded(imm, "Immediate")) return true;
        const imm_role role = info(info(fields_.id).shape).imm;
        if (role == imm_role::value or not detail_.starts_with("Immediate out of")) return false;
        position_ = start;
        const auto n = take_number();
        if (not n or n->negative or n->magnitude > std::numeric_limits<uint32_t>::max()) {
            position_ = start;
            return fail(fmt::format("Immediate out of 32-bit range: '{}'", word()));
        }
        imm = static_cast<int32_t>(n->magnitude);
        return true;
    }

    bool take_wide() {
        const std::size_t start = position_;
        const auto n = take_number();
        if (not n) return false;
        if (n->negative and n->magnitude > uint64_t{1} << 63) {
            position_ = start;
            return fail(fmt::format("Immediate out of 64-bit range: '{}'", word()));
        }
        const uint64_t value = n->negative ? 0 - n->magnitude : n->magnitude;
        fields_.imm = static_cast<int32_t>(value);
        next_imm_ = static_cast<int32_t>(value >> 32);
        return true;
    }

    bool take_displacement() {
        if (not rest().starts_with('+') and not rest().starts_with('-')) return true;
        return take_bounded(fields_.offset, "Offset");
    }

    bool take_label(bool in_imm) {
        const std::string_view name = word();
        if (name.empty() or not std::ranges::all_of(name, is_label_char)) {
            return fail(fmt::format("Invalid jump target '{}': write a label, +N or -N", name));
        }
        label_ = name;
        label_in_imm_ = in_imm;
        position_ += name.size();
        return true;
    }

    bool is_relative() const { return rest().starts_with('+') or rest().starts_with('-'); }

    bool take_jump_offset() {
        return is_relative() ? take_bounded(fields_.offset, "Offset") : take_label(false);
    }

    bool take_jump_imm() {
        return is_relative() ? take_bounded(fields_.imm, "Immediate") : take_label(true);
    }

    bool take_next_imm() { return not is_relative() or take_bounded(next_imm_, "Immediate"); }

    bool take_index() {
        if (not rest().starts_with(',')) return true;
        ++position_;
        return take_bounded(fields_.offset, "Offset");
    }

    bool take_space(unsigned shift) {
        int16_t space = 0;
        if (not take_bounded(space, "Address space")) return false;
        fields_.imm |= static_cast<int32_t>(uint32_t{static_cast<uint16_t>(space)} << shift);
        return true;
    }

    std::string_view text_;
    std::size_t position_ = 0;
    std::string detail_;
    instruction fields_;
    int32_t next_imm_ = 0;
    std::string_view label_;
    bool label_in_imm_ = false;
};

class assembler {
public:
    result<std::vector<uint8_t>> run(std::string_view text) && {
        while (not text.empty()) {
            const auto end = text.find('\n');
            ++line_;
            if (auto e = read_line(text.substr(0, end))) return std::unexpected{std::move(*e)};
            text.remove_prefix(end == text.npos ? text.size() : end + 1);
        }
        if (auto e = resolve_labels()) return std::unexpected{std::move(*e)};
        return encode_all();
    }

private:
    using maybe_error = std::optional<error>;

    struct statement {
        instruction insn;
        int32_t next_imm;
        std::string label;
        bool label_in_imm;
        std::size_t line;
        std::size_t pc;
    };

    static error fail(std::size_t line, std::string_view detail) {
        return make_error(error_code::bad_text, fmt::format("{} (line {})", detail, line));
    }
    error fail(std::string_view detail) const { return fail(line_, detail); }

    static std::string_view trim(std::string_view s) {
        while (not s.empty() and is_space(s.front())) s.remove_prefix(1);
        while (not s.empty() and is_space(s.back())) s.remove_suffix(1);
        return s;
    }

    maybe_error read_line(std::string_view line) {
        line = line.substr(0, std::min(line.find_first_of("#;"), line.find("//")));
        line = trim(line);
        while (not line.empty()) {
            const auto end = std::ranges::find_if_not(line, is_label_char) - line.begin();
            const auto length = static_cast<std::size_t>(end);
            if (length == 0 or length == line.size() or line[length] != ':') break;
            if (auto e = define_label(line.substr(0, length))) return e;
            line = trim(line.substr(length + 1));
        }
        return line.empty() ? maybe_error{} : read_instruction(line);
    }

    maybe_error define_label(std::string_view name) {
        const auto [it, inserted] = labels_.emplace(name, label_place{pc_, line_});
        if (inserted) return {};
        return fail(
            fmt::format("Duplicate label '{}', first defined on line {}", name, it->second.line));
    }

    /// Splits `line` into the longest known mnemonic and its operands, spaces removed.
    static std::pair<std::string, std::string> split(std::string_view line) {
        std::string mnemonic;
        std::string known;
        std::string_view operands;
        for (std::size_t words = 0; words < longest_mnemonic_words and not line.empty(); ++words) {
            const auto end =
                std::min(std::ranges::find_if(line, is_space) - line.begin(), std::ssize(line));
            if (words != 0) mnemonic += ' ';
            mnemonic += line.substr(0, static_cast<std::size_t>(end));
            line = trim(line.substr(static_cast<std::size_t>(end)));
            if (words == 0 or rows_by_mnemonic().contains(mnemonic)) {
                known = mnemonic;
                operands = line;
            }
        }
        return {std::move(known), pack(operands)};
    }

    /// `text` without its spaces, except that two words stay two: no pattern accepts `1 2` for 12.
    static std::string pack(std::string_view text) {
        std::string packed;
        bool after_space = false;
        for (const char c : text) {
            if (is_space(c)) {
                after_space = true;
                continue;
            }
            const bool splits = after_space and not packed.empty() and is_label_char(packed.back());
            if (splits and is_label_char(c)) packed += ' ';
            packed += c;
            after_space = false;
        }
        return packed;
    }

    static std::size_t count_operands(std::string_view text) {
        return text.empty() ? 0 : 1 + static_cast<std::size_t>(std::ranges::count(text, ','));
    }

    static bool has_optional_operand(insn_id id) { return info(id).shape == shape::call_btf; }

    maybe_error read_instruction(std::string_view line) {
        const auto [mnemonic, operands] = split(line);
        const std::string_view first_word =
            std::string_view{mnemonic}.substr(0, mnemonic.find(' '));
        const auto [first, last] = rows_by_mnemonic().equal_range(mnemonic);
        if (first == last) {
            if (line == "lock") return fail("Invalid number of operands for lock: 'lock'");
            return fail(fmt::format("Invalid mnemonic '{}' in '{}'", first_word, line));
        }
        const std::size_t given = count_operands(operands);
        mismatch best;
        bool count_fits = false;
        for (auto it = first; it != last; ++it) {
            const insn_id id = it->second;
            if (count_operands(info(info(id).shape).assembly) != given and
                not has_optional_operand(id))
                continue;
            count_fits = true;
            operand_parser parser{operands};
            const auto insn = parser.parse(id);
            if (insn) {
                push(*insn, parser);
                return {};
            }
            if (prefers(insn.error(), best)) best = insn.error();
        }
        if (not count_fits) {
            return fail(fmt::format("Invalid number of operands for {}: {} in '{}'", first_word,
                                    given, line));
        }
        return fail(fmt::format("{} in '{}'", best.detail, line));
    }

    /// The mismatch that came furthest explains best; at the same place, a wrong value beats a
    /// wrong form.
    static bool prefers(const mismatch &a, const mismatch &b) {
        const auto rank = [](const mismatch &m) {
            return std::pair{m.position, not m.detail.starts_with("Invalid operand")};
        };
        return b.detail.empty() or rank(a) > rank(b);
    }

    void push(const instruction &insn, const operand_parser &parser) {
        if (insn.id == insn_id::exit_ and not first_exit_) first_exit_ = pc_;
        statements_.push_back({insn, parser.next_imm(), std::string{parser.label()},
                               parser.label_in_imm(), line_, pc_});
        pc_ += is_wide(insn.id) ? 2 : 1;
    }

    std::optional<std::size_t> find_label(const std::string &name) const {
        if (const auto it = labels_.find(name); it != labels_.end()) return it->second.pc;
        return name == "exit" ? first_exit_ : std::nullopt;
    }

    maybe_error resolve_labels() {
        for (statement &s : statements_) {
            if (s.label.empty()) continue;
            const auto target = find_label(s.label);
            if (not target) return fail(s.line, fmt::format("Undefined label '{}'", s.label));
            const int64_t distance = static_cast<int64_t>(*target) - static_cast<int64_t>(s.pc) - 1;
            if (s.label_in_imm) {
                s.insn.imm = static_cast<int32_t>(distance);
            } else if (distance != static_cast<int16_t>(distance)) {
                return fail(
                    s.line,
                    fmt::format("Offset out of 16-bit range: label '{}' is {} slots away; use ja32",
                                s.label, distance));
            } else {
                s.insn.offset = static_cast<int16_t>(distance);
            }
        }
        return {};
    }

    std::vector<uint8_t> encode_all() const {
        std::vector<uint8_t> code(pc_ * slot_size);
        for (const statement &s : statements_) {
            const auto out = std::span{code}.subspan(s.pc * slot_size);
            write_slot(encode(s.insn), out.first<slot_size>());
            if (is_wide(s.insn.id)) {
                write_slot({.imm = s.next_imm}, out.subspan<slot_size, slot_size>());
            }
        }
        return code;
    }

    struct label_place {
        std::size_t pc;
        std::size_t line;
    };

    std::unordered_map<std::string, label_place> labels_;
    std::vector<statement> statements_;
    std::optional<std::size_t> first_exit_;
    std::size_t line_ = 0;
    std::size_t pc_ = 0;
};

}  // namespace

result<std::vector<uint8_t>> assemble(std::string_view text) { return assembler{}.run(text); }

}  // namespace bpftime::vm::isa
