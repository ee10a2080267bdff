// bpftime-vm: the inputs of fuzz_entries: what users write of variables and maps
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "entries_input.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace bpftime::vm::fuzz {

namespace {

constexpr auto words = std::to_array<std::string_view>({"table",
                                                        "list",
                                                        "counts",
                                                        "routes",
                                                        "jobs",
                                                        "calls",
                                                        "bytes",
                                                        ".data",
                                                        ".rodata",
                                                        "limit",
                                                        "pair",
                                                        "name",
                                                        "=",
                                                        ":",
                                                        "x00112233",
                                                        "0x11",
                                                        "-1",
                                                        "4294967296",
                                                        "18446744073709551616",
                                                        "1e999",
                                                        "0.5",
                                                        "f",
                                                        "{",
                                                        "}",
                                                        "[",
                                                        "]",
                                                        ",",
                                                        "\"",
                                                        "null",
                                                        "true",
                                                        "\"key\": ",
                                                        "\"value\": ",
                                                        "\"values\": ",
                                                        "\"entries\": ",
                                                        "\"variables\": ",
                                                        "\"maps\": ",
                                                        "\"name\": ",
                                                        "\"count\": ",
                                                        "\"one\": ",
                                                        "\"more\": ",
                                                        "\"paint\": ",
                                                        "\"green\"",
                                                        "\"high\": ",
                                                        "\"wide\": ",
                                                        "\"either\": ",
                                                        "\"text\": ",
                                                        "\"ratio\": ",
                                                        "\"set\": ",
                                                        "\"place\": ",
                                                        "\"grid\": ",
                                                        "\"id\": ",
                                                        "\"part\": ",
                                                        "\"mac\": ",
                                                        "\"number\": ",
                                                        "\"interfaces\": ",
                                                        "\"routes\": ",
                                                        "\"sockets\": ",
                                                        "\"neighbours\": ",
                                                        "\"index\": ",
                                                        "\"prefix\": ",
                                                        "\"::/0\"",
                                                        "\"10.0.0.1\"",
                                                        "\\u0000",
                                                        "\\ud800",
                                                        "\xff"});

std::string some_change(std::string text, random_source &random) {
    const std::size_t at = random.below(text.size() + 1);
    if (random.chance(70)) return text.insert(at, random.pick(words));
    const std::size_t bytes = random.below(8) + 1;
    if (random.chance(50)) return text.erase(at, bytes);
    const std::size_t from = random.below(text.size() + 1);
    return text.insert(at, text.substr(from, bytes * 4));
}

}  // namespace

std::size_t mutate_entries_input(uint8_t *data, std::size_t size, std::size_t max_size,
                                 unsigned seed) {
    random_source random{seed};
    if (random.chance(25)) return LLVMFuzzerMutate(data, size, max_size);
    std::string text{reinterpret_cast<const char *>(data), size};
    for (uint64_t n = random.below(3) + 1; n != 0; --n) text = some_change(std::move(text), random);
    return replace_input(data, max_size,
                         {reinterpret_cast<const uint8_t *>(text.data()), text.size()});
}

}  // namespace bpftime::vm::fuzz
