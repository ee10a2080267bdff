// bpftime-vm: programs that walk their input record by record, so that no engine can fold operands
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "records.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

namespace bpftime::vm::test {

namespace {

std::vector<uint64_t> make_edge_values() {
    // clang-format off
    std::vector<uint64_t> values{
        0, 1, 2, 7, 31, 32, 63, 64,
        0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000,
        0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff,
        0x100000000, 0x180000000, 0x1ffffffff, 0x0123456789abcdef,
        0x7fffffffffffffff, 0x8000000000000000, 0xffffffff7fffffff, 0xffffffff80000000,
        0xfffffffffffffffe, 0xffffffffffffffff};
    // clang-format on
    std::mt19937_64 random{20260101};
    for (int i = 0; i < 6; ++i) values.push_back(random());
    return values;
}

std::vector<uint64_t> make_edge_values_with_garbage() {
    std::vector<uint64_t> values = make_edge_values();
    const std::size_t count = values.size();
    for (std::size_t i = 0; i < count; ++i)
        values.push_back(0xa5c3'96b1'0000'0000 | (values[i] & 0xffffffff));
    return values;
}

std::string words_as_text(std::span<const uint64_t> words) {
    return fmt::format("{:#x}", fmt::join(words, " "));
}

}  // namespace

std::vector<uint8_t> for_each_record(std::span<const isa::instruction> body, unsigned words) {
    using enum isa::insn_id;
    code_builder code;
    code.add({move(record_register, 1), move(end_register, 1), make(add64_reg, end_register, 2)});
    const auto loop = code.size();
    for (const isa::instruction &i : body) code.add(i);
    code.add(increase(record_register, static_cast<int32_t>(8 * words)));
    const auto back = static_cast<int>(loop) - static_cast<int>(code.size()) - 1;
    code.add({make(jlt64_reg, record_register, end_register, 0, static_cast<int16_t>(back)),
              set(0, 0), leave()});
    return code.bytes();
}

void expect_records(const engine &e, const std::string &what, std::span<const uint8_t> code,
                    std::span<const uint64_t> before, std::span<const uint64_t> expected,
                    unsigned words, const run_options &options) {
    const outcome o = run(e, code, bytes_of(before), options);
    ASSERT_EQ(o.error, "") << what;
    const std::vector<uint64_t> got = words_of(o.memory);
    ASSERT_EQ(got.size(), expected.size()) << what;
    const auto [wrong, right] = std::ranges::mismatch(got, expected);
    if (wrong == got.end()) return;
    const auto record = static_cast<std::size_t>(wrong - got.begin()) / words * words;
    ADD_FAILURE() << what << ": word " << static_cast<std::size_t>(wrong - got.begin()) - record
                  << " of a record is " << words_as_text({wrong, 1}) << ", must be "
                  << words_as_text({right, 1})
                  << "\nbefore:   " << words_as_text(before.subspan(record, words))
                  << "\nafter:    " << words_as_text(std::span{got}.subspan(record, words))
                  << "\nexpected: " << words_as_text(expected.subspan(record, words));
}

std::span<const uint64_t> edge_values() {
    static const auto values = make_edge_values();
    return values;
}

std::span<const uint64_t> edge_values_with_garbage() {
    static const auto values = make_edge_values_with_garbage();
    return values;
}

std::span<const int32_t> edge_immediates() {
    // clang-format off
    static constexpr auto values = std::to_array<int32_t>({
        0, 1, -1, 2, -2, 7, 10, 31, 32, 33, 63, 64, 127, 128, -128, 255,
        0x7fff, 0x8000, -0x8000, 0xffff, 0x10000, 1000000007, 0x55555555, -0x55555556,
        INT32_MAX, INT32_MIN, INT32_MIN + 1});
    // clang-format on
    return values;
}

std::vector<uint64_t> words_of(std::span<const uint8_t> bytes) {
    std::vector<uint64_t> words(bytes.size() / 8);
    for (std::size_t i = 0; i < words.size(); ++i)
        words[i] = reference::little_endian(bytes.subspan(8 * i, 8));
    return words;
}

}  // namespace bpftime::vm::test
