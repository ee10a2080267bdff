// bpftime-vm: the helpers that write text
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "text_helpers.hpp"

#include "helper_functions.hpp"
#include "helper_words.hpp"
#include "runtime/helpers.hpp"
#include "sequence_text.hpp"
#include "text_format.hpp"
#include "value_format.hpp"

#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace bpftime::vm::runtime {

namespace {

/// What the kernel has room for.
constexpr std::size_t most_text = 1023;
constexpr uint64_t most_words = 12;

/// The format that ends with a NUL in these bytes, which were checked before the call.
std::optional<std::string_view> format_in(uint64_t address, uint64_t size) noexcept {
    const std::string_view all{reinterpret_cast<const char *>(address),
                               static_cast<std::size_t>(size)};
    const auto end = all.find('\0');
    return end == all.npos ? std::nullopt : std::optional{all.substr(0, end)};
}

/// The format at an address of which nothing is known.
std::optional<std::string_view> format_at(uint64_t address, compat::memory_map &memory) noexcept {
    std::size_t size = 0;
    for (;; ++size) {
        if (not memory.allows(address + size, 1, permission::read)) return {};
        if (*reinterpret_cast<const char *>(address + size) == '\0') break;
    }
    return std::string_view{reinterpret_cast<const char *>(address), size};
}

/// An array of words; nothing if the kernel does not take it.
std::optional<std::vector<uint64_t>> words_in(uint64_t address, uint64_t bytes) {
    constexpr uint64_t each = sizeof(uint64_t);
    if (bytes % each != 0 or bytes > most_words * each or (bytes != 0 and address == 0)) return {};
    std::vector<uint64_t> words(bytes / each);
    if (bytes != 0) std::memcpy(words.data(), reinterpret_cast<const void *>(address), bytes);
    return words;
}

/// Prints to the host; how many characters the text has, or a negative errno.
uint64_t trace(const trace_sink *sink, std::optional<std::string_view> format,
               std::span<const uint64_t> words) {
    compat::run *const run = compat::run::current();
    if (run == nullptr or not format) return word_of(-EINVAL);
    std::string text;
    if (const int failed = format_text(*format, words, run->memory(), text)) return word_of(failed);
    const std::size_t whole = text.size();
    if (sink != nullptr and *sink)
        (*sink)(std::string_view{text}.substr(0, std::min(whole, most_text)));
    return whole;
}

uint64_t printk_to(void *sink, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    return trace(static_cast<const trace_sink *>(sink), format_in(r1, r2), std::array{r3, r4, r5});
}

uint64_t vprintk_to(void *sink, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    const auto words = words_in(r3, r4);
    if (not words) return word_of(-EINVAL);
    return trace(static_cast<const trace_sink *>(sink), format_in(r1, r2), *words);
}

// --- values of the types of a target

/// What a program asks to have printed; `failed` tells what is wrong with it.
struct printed_value {
    int failed = -EINVAL;
    uint64_t address = 0;
    uint32_t type = 0;
};

printed_value value_in(const object::btf &types, uint64_t address, uint64_t size, uint64_t flags) {
    constexpr uint64_t all_flags = BTF_F_COMPACT | BTF_F_NONAME | BTF_F_PTR_RAW | BTF_F_ZERO;
    if ((flags & ~all_flags) != 0 or size != sizeof(btf_ptr)) return {};
    btf_ptr asked;
    std::memcpy(&asked, pointer(address), sizeof asked);
    if (asked.type_id == 0) return {};
    if (asked.type_id >= types.size()) return {.failed = -ENOENT};
    return {0, word_of(asked.ptr), asked.type_id};
}

uint64_t snprintf_typed(void *types, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
                        uint64_t r5) {
    const auto &known = *static_cast<const object::btf *>(types);
    const printed_value v = value_in(known, r3, r4, r5);
    if (v.failed != 0) return word_of(v.failed);
    cut_text text{.most = r2 == 0 ? 0 : static_cast<std::size_t>(r2 - 1)};
    const int failed = format_value(known, v.type, v.address, r5, text);
    if (r2 != 0 and text.length != 0)
        std::memcpy(pointer(r1), text.begin.c_str(), text.begin.size() + 1);
    return failed != 0 ? word_of(failed) : text.length;
}

uint64_t seq_printf_typed(void *types, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
                          uint64_t) {
    const auto &known = *static_cast<const object::btf *>(types);
    sequence_text *const to = sequence_text::of(r1);
    const printed_value v = value_in(known, r2, r3, r4);
    if (to == nullptr or v.failed != 0) return word_of(to == nullptr ? -EINVAL : v.failed);
    cut_text text{.most = sequence_text::most_bytes};
    const int failed = format_value(known, v.type, v.address, r4, text);
    to->append(text.begin);
    return word_of(failed);
}

}  // namespace

uint64_t helper::trace_printk(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    return printk_to(nullptr, r1, r2, r3, r4, r5);
}

uint64_t helper::trace_vprintk(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    return vprintk_to(nullptr, r1, r2, r3, r4, 0);
}

uint64_t helper::snprintf(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    compat::run *const run = compat::run::current();
    const auto words = words_in(r4, r5);
    if (run == nullptr or not words) return word_of(-EINVAL);
    const auto format = format_at(r3, run->memory());
    if (not format) return word_of(-EFAULT);
    std::string text;
    if (const int failed = format_text(*format, *words, run->memory(), text))
        return word_of(failed);
    if (r2 != 0) {
        auto *const to = reinterpret_cast<char *>(r1);
        const std::size_t copied = std::min<std::size_t>(text.size(), r2 - 1);
        std::memcpy(to, text.data(), copied);
        to[copied] = '\0';
    }
    return text.size() + 1;
}

uint64_t helper::seq_printf(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    sequence_text *const to = sequence_text::of(r1);
    const auto format = format_in(r2, r3);
    const auto words = words_in(r4, r5);
    if (to == nullptr or not format or not words) return word_of(-EINVAL);
    std::string text;
    const int failed = format_text(*format, *words, compat::run::current()->memory(), text);
    return word_of(failed != 0 ? failed : to->append(text));
}

uint64_t helper::seq_write(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    sequence_text *const to = sequence_text::of(r1);
    if (to == nullptr) return word_of(-EINVAL);
    return word_of(to->append({pointer<const char>(r2), static_cast<std::size_t>(r3)}));
}

uint64_t helper::snprintf_btf(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EINVAL);
}
uint64_t helper::seq_printf_btf(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EINVAL);
}

ebpf_ctx_helper_fn typed_function(external_function_t function) noexcept {
    if (function == helper::snprintf_btf) return snprintf_typed;
    return function == helper::seq_printf_btf ? seq_printf_typed : nullptr;
}

ebpf_ctx_helper_fn traced_function(external_function_t function) noexcept {
    if (function == helper::trace_printk) return printk_to;
    return function == helper::trace_vprintk ? vprintk_to : nullptr;
}

}  // namespace bpftime::vm::runtime
