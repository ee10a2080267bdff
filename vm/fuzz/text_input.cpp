// bpftime-vm: the inputs of fuzz_text: assembly text, or bytecode
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "text_input.hpp"

#include "generate.hpp"
#include "isa/text.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace bpftime::vm::fuzz {

namespace {

draft some_program(random_source &random) {
    return generate(random, {.most_functions = 2,
                             .most_statements = 1 + random.index_below(12),
                             .helpers = {1, 0xffff'fff0}});
}

/// Bytecode of a random program, every other one with a few odd changes.
byte_vector some_code(random_source &random) {
    draft d = some_program(random);
    if (random.chance(50)) mutate(d, random, {});
    return lay_out(d).code;
}

std::string some_text(random_source &random) {
    return isa::disassemble(some_code(random)).value_or("exit\n");
}

/// A line of text that a user could write.
std::string some_line(random_source &random) {
    constexpr auto lines =
        std::to_array<std::string_view>({"a:",
                                         "b: exit",
                                         "ja a",
                                         "jeq %r1, 0, b",
                                         "call local a",
                                         "ja32 exit",
                                         "lddw %r1, code_addr(a)",
                                         "# a comment",
                                         "goto +0",
                                         "bswap32 r1",
                                         "call helper 7",
                                         "call runtime 1, 2",
                                         "mov %r1, 0xffffffff",
                                         "ldxw %r1, [%r2 - 0x10]",
                                         "lddw %r0, -0x8000000000000000",
                                         "lddw %r1, map_val(map_by_fd(0xfffffff0))-1",
                                         "stdw [%r10-8], 0x80000000",
                                         "\t lock   fetch add  [ r1 + 8 ] , r2 // spaces",
                                         "mov %r10, 1",
                                         "addr_space_cast %r1, %r2, 5, 6"});
    if (random.chance(30)) return std::string{random.pick(lines)} + "\n";
    const std::string text = some_text(random);
    const std::size_t begin = text.rfind('\n', random.index_below(text.size())) + 1;
    return text.substr(begin, text.find('\n', begin) + 1 - begin);
}

/// The text with one of its numbers, from `at` on, replaced by an interesting one.
std::string with_changed_number(std::string text, std::size_t at, random_source &random) {
    constexpr std::string_view digits = "0123456789";
    const std::size_t begin = text.find_first_of(digits, at);
    if (begin == text.npos) return text + some_line(random);
    const std::size_t end = std::min(text.find_first_not_of(digits, begin), text.size());
    const uint64_t number = random.chance(50) ? random.below(64) : random.interesting();
    return text.replace(begin, end - begin, std::to_string(number));
}

/// The text with a line put in or taken out, or with another number in it.
std::string with_change(std::string text, random_source &random) {
    const std::size_t somewhere = text.empty() ? 0 : random.index_below(text.size());
    const std::size_t line = text.empty() ? 0 : text.rfind('\n', somewhere) + 1;
    if (random.chance(50)) return text.insert(line, some_line(random));
    if (random.chance(30))
        return text.erase(line, std::min(text.find('\n', line), text.size()) + 1 - line);
    return with_changed_number(std::move(text), somewhere, random);
}

std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

}  // namespace

bool is_expressible(error_code code) noexcept {
    return code == error_code::empty_program or code == error_code::read_only_register or
           code == error_code::reserved_field;
}

std::size_t mutate_text_input(uint8_t *data, std::size_t size, std::size_t max_size,
                              unsigned seed) {
    random_source random{seed};
    if (random.chance(25)) return LLVMFuzzerMutate(data, size, max_size);
    if (random.chance(10)) return replace_input(data, max_size, some_code(random));
    if (size == 0 or random.chance(10))
        return replace_input(data, max_size, bytes_of(some_text(random)));
    std::string text{reinterpret_cast<const char *>(data), size};
    return replace_input(data, max_size, bytes_of(with_change(std::move(text), random)));
}

}  // namespace bpftime::vm::fuzz
