// bpftime-vm: memory arguments: zeros, hexadecimal text
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

namespace bpftime::vm::cli {

namespace {

int digit_of(char c) {
    if (c >= '0' and c <= '9') return c - '0';
    if (c >= 'a' and c <= 'f') return c - 'a' + 10;
    if (c >= 'A' and c <= 'F') return c - 'A' + 10;
    return -1;
}

bool separates(char c) {
    return c == ' ' or c == '\t' or c == '\r' or c == '\v' or c == '\f' or c == ',' or c == ':';
}

/// Reads one line; knows nothing of line ends.
class hex_line {
public:
    hex_line(std::string_view line, std::vector<uint8_t> &bytes)
        : text_{line.substr(0, std::min(line.find_first_of("#;"), line.find("//")))},
          bytes_{bytes} {}

    /// What is wrong, with its column; nothing if all is well.
    std::optional<std::string> read() {
        while (position_ < text_.size()) {
            if (separates(text_[position_])) {
                ++position_;
            } else if (rest().starts_with("0x") or rest().starts_with("0X")) {
                position_ += 2;
            } else if (auto problem = read_byte()) {
                return problem;
            }
        }
        return {};
    }

private:
    std::string_view rest() const { return text_.substr(position_); }

    std::optional<std::string> read_byte() {
        for (const std::size_t i : {position_, position_ + 1}) {
            if (i < text_.size() and not separates(text_[i]) and digit_of(text_[i]) < 0) {
                return fmt::format("byte 0x{:02x} is no hexadecimal digit, column {}",
                                   static_cast<unsigned char>(text_[i]), i + 1);
            }
        }
        if (position_ + 1 >= text_.size() or separates(text_[position_ + 1])) {
            return fmt::format("hexadecimal digits come in pairs, the one in column {} is alone",
                               position_ + 1);
        }
        bytes_.push_back(
            static_cast<uint8_t>(digit_of(text_[position_]) << 4 | digit_of(text_[position_ + 1])));
        position_ += 2;
        return {};
    }

    std::string_view text_;
    std::vector<uint8_t> &bytes_;
    std::size_t position_ = 0;
};

uint64_t multiplier_of(std::string_view suffix) {
    if (suffix.empty()) return 1;
    if (suffix == "K" or suffix == "k") return uint64_t{1} << 10;
    if (suffix == "M") return uint64_t{1} << 20;
    if (suffix == "G") return uint64_t{1} << 30;
    return 0;
}

outcome<memory_image> parse_zeros(std::string_view argument) {
    std::string_view digits = argument.substr(1);
    const bool hexadecimal = digits.starts_with("0x");
    if (hexadecimal) digits.remove_prefix(2);
    uint64_t count = 0;
    const char *const first = digits.data();
    const char *const last = first + digits.size();
    const auto [end, code] = std::from_chars(first, last, count, hexadecimal ? 16 : 10);
    const uint64_t multiplier = multiplier_of({end, last});
    if (code == std::errc::invalid_argument or multiplier == 0) {
        return fail(exit_code::usage,
                    "memory '{}': after '@' comes a number of bytes, as @4096 or @64K", argument);
    }
    uint64_t size = 0;
    if (code != std::errc{} or __builtin_mul_overflow(count, multiplier, &size)) {
        return fail(exit_code::bad_input, "memory '{}' is larger than the address space", argument);
    }
    return memory_image::zeros(size);
}

}  // namespace

memory_image memory_image::of(std::vector<uint8_t> bytes) {
    memory_image image;
    image.working_ = bytes;
    image.original_ = std::move(bytes);
    return image;
}

outcome<memory_image> memory_image::zeros(uint64_t size) {
    memory_image image;
    if (size == 0) return image;
    void *const mapping = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) {
        return fail(exit_code::bad_input, "cannot provide {} bytes of memory: {}", size,
                    std::strerror(errno));
    }
    image.zeros_ = {static_cast<uint8_t *>(mapping), unmap{size}};
    return image;
}

void memory_image::unmap::operator()(uint8_t *mapping) const noexcept { munmap(mapping, size); }

std::span<uint8_t> memory_image::bytes() noexcept {
    if (zeros_) return {zeros_.get(), zeros_.get_deleter().size};
    return working_;
}

void memory_image::restore() noexcept {
    // Dropped pages of a private anonymous mapping come back as zeros.
    if (zeros_) madvise(zeros_.get(), zeros_.get_deleter().size, MADV_DONTNEED);
    std::ranges::copy(original_, working_.begin());
}

bool is_memory_literal(std::string_view argument) {
    return argument.starts_with('@') or argument.starts_with("hex:");
}

outcome<memory_image> parse_memory_literal(std::string_view argument) {
    if (argument.starts_with('@')) return parse_zeros(argument);
    auto bytes = parse_hex(argument.substr(argument.find(':') + 1), "memory");
    if (not bytes) return std::unexpected{std::move(bytes.error())};
    return memory_image::of(std::move(*bytes));
}

outcome<std::vector<uint8_t>> parse_hex(std::string_view text, std::string_view subject) {
    std::vector<uint8_t> bytes;
    for (std::size_t number = 1; not text.empty(); ++number) {
        const auto end = text.find('\n');
        if (const auto problem = hex_line{text.substr(0, end), bytes}.read()) {
            return fail(exit_code::bad_input, "{}: {} (line {})", subject, *problem, number);
        }
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    return bytes;
}

}  // namespace bpftime::vm::cli
