// bpftime-vm: texts as the kernel formats them for programs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "text_format.hpp"

#include "kernel_characters.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

/// Whether a conversion may end before this; 0 is the end.
constexpr bool ends_word(char c) noexcept {
    return c == '\0' or is_space(c) or (is_printed(c) and not is_alnum(c));
}

/// What stands between % and the conversion.
struct layout {
    bool zeros = false;
    bool plus = false;
    bool blank = false;
    bool left = false;
    std::size_t width = 0;

    [[nodiscard]] std::string pad(const std::string &text) const {
        const std::size_t missing = width > text.size() ? width - text.size() : 0;
        return left ? text + std::string(missing, ' ') : std::string(missing, ' ') + text;
    }

    [[nodiscard]] std::string number(std::string_view sign, std::string digits) const {
        const std::size_t size = sign.size() + digits.size();
        if (zeros and not left and size < width) digits.insert(0, width - size, '0');
        return pad(std::string{sign} + digits);
    }
};

class formatter {
public:
    formatter(std::string_view format, std::span<const uint64_t> words, compat::memory_map &memory)
        : format_{format}, words_{words}, memory_{memory} {}

    int run() {
        while (at_ < format_.size()) {
            const char c = format_[at_];
            if (is_ascii(c) and not is_printed(c) and not is_space(c)) return -EINVAL;
            if (c != '%') {
                text_ += c;
                ++at_;
            } else if (const int failed = conversion()) {
                return failed;
            }
        }
        return 0;
    }
    std::string take() { return std::move(text_); }

private:
    /// The character `ahead` of here; 0 beyond the end.
    [[nodiscard]] char peek(std::size_t ahead = 0) const noexcept {
        return at_ + ahead < format_.size() ? format_[at_ + ahead] : '\0';
    }

    int conversion() {
        if (peek(1) == '%') {
            text_ += '%';
            at_ += 2;
            return 0;
        }
        if (next_ == words_.size()) return -EINVAL;
        ++at_;
        const layout l = read_layout();
        const uint64_t word = words_[next_++];
        switch (peek()) {
        case 'p': return pointer(l, word);
        case 's': return string(l, word);
        case 'c': return character(l, word);
        default: return number(l, word);
        }
    }

    layout read_layout() {
        constexpr std::size_t most_width = 0x7fff;
        layout l;
        for (char c = peek(); c == '0' or c == '+' or c == '-' or c == ' '; c = peek()) {
            ++at_;
            l.zeros |= c == '0';
            l.plus |= c == '+';
            l.left |= c == '-';
            l.blank |= c == ' ';
        }
        for (; is_digit(peek()); ++at_)
            l.width = std::min(most_width, 10 * l.width + static_cast<std::size_t>(peek() - '0'));
        return l;
    }

    // --- numbers

    int number(const layout &l, uint64_t word) {
        bool is_long = false;
        for (int i = 0; i < 2 and peek() == 'l'; ++i, ++at_) is_long = true;
        const char kind = peek();
        if (kind == '\0' or std::string_view{"diuxX"}.find(kind) == std::string_view::npos)
            return -EINVAL;
        ++at_;
        if (not is_long) word = static_cast<uint32_t>(word);
        const auto as_signed = is_long ? static_cast<int64_t>(word)
                                       : int64_t{static_cast<int32_t>(static_cast<uint32_t>(word))};
        switch (kind) {
        case 'u': text_ += l.number("", fmt::format("{}", word)); break;
        case 'x': text_ += l.number("", fmt::format("{:x}", word)); break;
        case 'X': text_ += l.number("", fmt::format("{:X}", word)); break;
        default: text_ += signed_number(l, as_signed); break;
        }
        return take_room(is_long ? sizeof(uint64_t) : sizeof(uint32_t), sizeof(uint32_t));
    }

    static std::string signed_number(const layout &l, int64_t n) {
        const auto bits = static_cast<uint64_t>(n);
        const std::string_view sign = n < 0 ? "-" : l.plus ? "+" : l.blank ? " " : "";
        return l.number(sign, fmt::format("{}", n < 0 ? 0 - bits : bits));
    }

    int character(const layout &l, uint64_t word) {
        ++at_;
        text_ += l.pad(std::string(1, static_cast<char>(word)));
        return take_room(1, 1);
    }

    // --- pointers

    int pointer(const layout &l, uint64_t word) {
        ++at_;
        const char kind = peek();
        if ((kind == 'k' or kind == 'u') and peek(1) == 's') {
            at_ += 1;
            return string({}, word);
        }
        if (kind == 'i' or kind == 'I') return address(kind, peek(1), word);
        const bool is_symbol = kind == 's' or kind == 'S' or kind == 'B';
        if (not ends_word(kind) and not is_symbol and kind != 'K' and kind != 'x') return -EINVAL;
        skip_word();
        if (is_symbol) {
            const std::string symbol = fmt::format("0x{:x}", word);
            text_ += kind == 'B' ? symbol : l.pad(symbol);
            return kind == 'B' ? take_room(symbol.size() + 1, 1)
                               : take_room(sizeof word, sizeof(uint32_t));
        }
        layout whole = l;
        if (l.width == 0) whole = {.zeros = true, .left = l.left, .width = 2 * sizeof word};
        text_ += whole.number("", fmt::format("{:x}", word));
        return take_room(sizeof word, sizeof(uint32_t));
    }

    /// The kernel takes all letters and digits that follow for part of the conversion.
    void skip_word() noexcept {
        while (is_alnum(peek())) ++at_;
    }

    int address(char kind, char version, uint64_t word) {
        if (version != '4' and version != '6') return -EINVAL;
        std::array<uint8_t, 16> bytes{};
        const std::size_t size = version == '4' ? 4 : bytes.size();
        if (left_ < size) return -ENOSPC;
        if (memory_.allows(word, size, permission::read))
            std::memcpy(bytes.data(), reinterpret_cast<const void *>(word), size);
        const std::string shown = version == '4' ? ipv4(bytes, kind) : ipv6(bytes, kind);
        text_ += shown;
        skip_word();
        return take_room(std::min(left_, shown.size() + 1), 1);
    }

    static std::string ipv4(const std::array<uint8_t, 16> &b, char kind) {
        return kind == 'I' ? fmt::format("{}.{}.{}.{}", b[0], b[1], b[2], b[3])
                           : fmt::format("{:03}.{:03}.{:03}.{:03}", b[0], b[1], b[2], b[3]);
    }

    static std::string ipv6(const std::array<uint8_t, 16> &b, char kind) {
        std::string text;
        for (std::size_t i = 0; i < b.size(); i += 2) {
            if (kind == 'I' and i != 0) text += ':';
            text += fmt::format("{:02x}{:02x}", b[i], b[i + 1]);
        }
        return text;
    }

    // --- strings

    int string(const layout &l, uint64_t word) {
        ++at_;
        if (not ends_word(peek())) return -EINVAL;
        if (left_ == 0) return -ENOSPC;
        const auto found = read_string(word, left_ - 1);
        text_ += l.pad(found.value_or(""));
        return take_room(found ? found->size() + 1 : 1, 1);
    }

    /// At most `most` characters; nothing if it leaves the memory that may be read.
    std::optional<std::string> read_string(uint64_t address, std::size_t most) {
        std::string read;
        for (; read.size() < most; ++address) {
            if (not memory_.allows(address, 1, permission::read)) return {};
            const char c = *reinterpret_cast<const char *>(address);
            if (c == '\0') break;
            read += c;
        }
        return read;
    }

    /// What was printed takes room among the kernel's arguments, of which there is little.
    int take_room(std::size_t bytes, std::size_t alignment) noexcept {
        left_ -= left_ % alignment;
        if (left_ < bytes) return -ENOSPC;
        left_ -= bytes;
        return 0;
    }

    static constexpr std::size_t argument_bytes = 512;

    std::string_view format_;
    std::span<const uint64_t> words_;
    compat::memory_map &memory_;
    std::size_t at_ = 0;
    std::size_t next_ = 0;
    std::size_t left_ = argument_bytes;
    std::string text_;
};

}  // namespace

int format_text(std::string_view format, std::span<const uint64_t> words,
                compat::memory_map &memory, std::string &text) {
    formatter f{format, words, memory};
    const int failed = f.run();
    text = f.take();
    return failed;
}

}  // namespace bpftime::vm::runtime
