// bpftime-vm: what every fuzz target needs: findings, numbers taken off an input, random numbers,
// counts Copyright (c) 2026 The bpftime-vm authors SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What libFuzzer calls for every input, and how it changes inputs; each target defines both.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, std::size_t size);
extern "C" std::size_t LLVMFuzzerCustomMutator(uint8_t *data, std::size_t size,
                                               std::size_t max_size, unsigned int seed);
/// libFuzzer's own mutations, for custom mutators to fall back on.
extern "C" std::size_t LLVMFuzzerMutate(uint8_t *data, std::size_t size, std::size_t max_size);

namespace bpftime::vm::fuzz {

using byte_vector = std::vector<uint8_t>;

/// A finding unless `holds`: prints `what` and ends the process, which keeps the input.
void require(bool holds, std::string_view what,
             std::source_location where = std::source_location::current());

/// Takes numbers off the front of an input; zeros once it is used up.
class input_reader {
public:
    explicit input_reader(std::span<const uint8_t> input) noexcept : rest_{input} {}

    [[nodiscard]] uint8_t byte() noexcept;
    [[nodiscard]] uint16_t half() noexcept;
    /// What has not been taken yet.
    [[nodiscard]] std::span<const uint8_t> rest() const noexcept { return rest_; }

private:
    std::span<const uint8_t> rest_;
};

/// Numbers that follow from a seed, the same on every machine and with every compiler.
class random_source {
public:
    explicit random_source(uint64_t seed) noexcept : state_{seed} {}

    [[nodiscard]] uint64_t next() noexcept;
    /// A number less than `limit`, which must not be 0.
    [[nodiscard]] uint64_t below(uint64_t limit) noexcept { return next() % limit; }
    /// The same for sizes and indices.
    [[nodiscard]] std::size_t index_below(std::size_t limit) noexcept {
        return static_cast<std::size_t>(below(limit));
    }
    [[nodiscard]] bool chance(unsigned percent) noexcept { return below(100) < percent; }
    /// An element of `values`, which must not be empty.
    template <typename Values>
    [[nodiscard]] auto pick(const Values &values) noexcept {
        return values[index_below(std::size(values))];
    }
    /// A number of 64 bits such as programs go wrong at: small, a power of two, near an end of a
    /// range, or any.
    [[nodiscard]] uint64_t interesting() noexcept;

private:
    uint64_t state_;
};

/// How many inputs came how far; printed when the process ends.
class tally {
public:
    explicit tally(std::string_view target) : target_{target} {}
    tally(const tally &) = delete;
    tally &operator=(const tally &) = delete;
    ~tally();

    void count_input() noexcept { ++inputs_; }
    void count(std::string_view what) { ++counts_[std::string{what}]; }

private:
    std::string target_;
    uint64_t inputs_ = 0;
    std::map<std::string, uint64_t> counts_;
};

/// Writes `bytes` over the input of a custom mutator, cut to `max_size`; gives the new size.
[[nodiscard]] std::size_t replace_input(uint8_t *data, std::size_t max_size,
                                        std::span<const uint8_t> bytes) noexcept;

}  // namespace bpftime::vm::fuzz
