// bpftime-vm: memory of maps, straight from the operating system
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace bpftime::vm::runtime {

/// Zeroed pages that take memory when first touched. Not there (`data()` is null) if the system
/// refuses.
class mapped_memory {
public:
    mapped_memory() = default;
    explicit mapped_memory(std::size_t bytes) noexcept;
    /// A file of `head + body` bytes in memory, its last `body` bytes mapped a second time behind
    /// it, so that what wraps around lies in one piece. Both are multiples of the page size.
    [[nodiscard]] static mapped_memory wrapping(std::size_t head, std::size_t body) noexcept;
    /// The first `bytes` bytes of a file, shared with who else maps it; the last `twice` of them
    /// once more behind. All are multiples of the page size.
    [[nodiscard]] static mapped_memory of_file(int fd, std::size_t bytes,
                                               std::size_t twice) noexcept;
    ~mapped_memory();
    mapped_memory(mapped_memory &&other) noexcept
        : data_{std::exchange(other.data_, nullptr)}, bytes_{std::exchange(other.bytes_, 0)} {}
    mapped_memory &operator=(mapped_memory &&other) noexcept {
        std::swap(data_, other.data_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }

    [[nodiscard]] uint8_t *data() const noexcept { return data_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] explicit operator bool() const noexcept { return data_ != nullptr; }

    /// From the byte at `offset` on, more memory at once may be taken, in larger pages: for what is
    /// read at random.
    void ask_for_large_pages(std::size_t offset) const noexcept;

private:
    uint8_t *data_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace bpftime::vm::runtime
