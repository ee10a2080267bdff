// bpftime-vm: the memory that a program is run with
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "failure.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::cli {

/// Bytes of a memory argument, and how to get back to them after a run has changed them.
class memory_image {
public:
    /// No memory.
    memory_image() = default;
    [[nodiscard]] static memory_image of(std::vector<uint8_t> bytes);
    /// `size` zero bytes, which cost nothing until they are touched.
    [[nodiscard]] static outcome<memory_image> zeros(uint64_t size);

    memory_image(memory_image &&) noexcept = default;
    memory_image &operator=(memory_image &&) noexcept = default;

    [[nodiscard]] std::span<uint8_t> bytes() noexcept;
    /// Undoes what runs have written.
    void restore() noexcept;

private:
    struct unmap {
        std::size_t size;
        void operator()(uint8_t *mapping) const noexcept;
    };

    std::vector<uint8_t> original_;
    std::vector<uint8_t> working_;
    std::unique_ptr<uint8_t, unmap> zeros_{nullptr, unmap{0}};
};

/// Whether a memory argument is "@N" or "hex:...", not the name of a file.
[[nodiscard]] bool is_memory_literal(std::string_view argument);

/// The memory that "@N" (with K, M or G) or "hex:..." describes.
[[nodiscard]] outcome<memory_image> parse_memory_literal(std::string_view argument);

/// Bytes written as hexadecimal digits in pairs; between pairs may be blanks, commas, colons, "0x"
/// and comments (from
/// '#', ';' or "//" to the end of the line). `subject` names the text in messages.
[[nodiscard]] outcome<std::vector<uint8_t>> parse_hex(std::string_view text,
                                                      std::string_view subject);

}  // namespace bpftime::vm::cli
