// bpftime-vm: the helpers that bpftime-cli adds to those of the runtime
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include "runtime/helpers.hpp"

#include <ebpf-vm.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <span>
#include <string>

namespace bpftime::vm::cli {

namespace {

constexpr uint64_t failed(int cause) { return static_cast<uint64_t>(-int64_t{cause}); }

/// Expands a printk format with up to three words. Pointers are printed, never followed: %s is
/// refused.
class printk_formatter {
public:
    printk_formatter(std::string_view format, std::span<const uint64_t, 3> words)
        : format_{format}, words_{words} {}

    /// Whether the format was legal; the text is in text().
    bool run() {
        while (not format_.empty()) {
            const auto percent = std::min(format_.find('%'), format_.size());
            text_ += format_.substr(0, percent);
            format_.remove_prefix(percent);
            if (not format_.empty() and not conversion()) return false;
        }
        return true;
    }
    const std::string &text() const { return text_; }

private:
    bool conversion() {
        format_.remove_prefix(1);
        unsigned longs = 0;
        for (; format_.starts_with('l') and longs < 2; ++longs) format_.remove_prefix(1);
        if (format_.empty()) return false;
        const char kind = format_.front();
        format_.remove_prefix(1);
        if (kind == '%') {
            text_ += '%';
            return longs == 0;
        }
        if (used_ == words_.size()) return false;
        return append(kind, longs != 0, words_[used_++]);
    }

    bool append(char kind, bool is_long, uint64_t word) {
        const uint64_t bits = is_long ? word : static_cast<uint32_t>(word);
        switch (kind) {
        case 'd':
        case 'i':
            text_ += fmt::format("{}",
                                 is_long ? static_cast<int64_t>(bits) : static_cast<int32_t>(bits));
            break;
        case 'u': text_ += fmt::format("{}", bits); break;
        case 'x': text_ += fmt::format("{:x}", bits); break;
        case 'X': text_ += fmt::format("{:X}", bits); break;
        case 'p': text_ += fmt::format("0x{:x}", word); break;
        case 'c': text_ += static_cast<char>(bits); break;
        default: return false;
        }
        return true;
    }

    std::string_view format_;
    std::span<const uint64_t, 3> words_;
    std::size_t used_ = 0;
    std::string text_;
};

uint64_t trace_printk(uint64_t format, uint64_t size, uint64_t a, uint64_t b, uint64_t c) {
    // The VM has checked that the program may read these bytes.
    const std::string_view bytes{reinterpret_cast<const char *>(format),
                                 static_cast<std::size_t>(size)};
    const auto end = bytes.find('\0');
    if (end == bytes.npos) return failed(EINVAL);
    const std::array words{a, b, c};
    printk_formatter formatter{bytes.substr(0, end), words};
    if (not formatter.run()) return failed(EINVAL);
    fwrite(formatter.text().data(), 1, formatter.text().size(), stderr);
    if (not formatter.text().ends_with('\n')) fputc('\n', stderr);
    return formatter.text().size();
}

}  // namespace

bool is_provided(uint32_t id) noexcept {
    const auto is_it = [id](const runtime::helper_row &row) {
        return row.declaration.id == id and not runtime::needs_packet(row);
    };
    return std::ranges::any_of(runtime::helper_table(), is_it) or
           std::ranges::any_of(own_helpers(), [id](const ebpf_helper &h) { return h.id == id; });
}

std::vector<ebpf_helper> own_helpers() {
    ebpf_helper printk{};
    printk.id = 6;
    printk.name = "bpf_trace_printk";
    printk.fn = trace_printk;
    printk.arguments[0].kind = EBPF_ARG_MEMORY_READ;
    printk.arguments[1].kind = EBPF_ARG_MEMORY_SIZE;
    for (const int i : {2, 3, 4}) printk.arguments[i].kind = EBPF_ARG_SCALAR;
    return {printk};
}

}  // namespace bpftime::vm::cli
