// bpftime-vm: memory for native code, shared by all programs of the process
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Code lies in chunks of memory that are mapped twice: once to be written, once to be executed. So
// no page is ever writable and executable at once, and what runs in a page does not notice when
// other code is put beside it.
#pragma once

#include "isa/error.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace bpftime::vm::ubpf {

class code_chunk;

/// Bytes of executable memory; free for other code when this is destroyed.
class code_memory {
public:
    code_memory() = default;
    code_memory(code_memory &&other) noexcept
        : chunk_{std::exchange(other.chunk_, nullptr)},
          offset_{other.offset_},
          size_{other.size_},
          forks_{other.forks_} {}
    code_memory &operator=(code_memory &&other) noexcept {
        std::swap(chunk_, other.chunk_);
        std::swap(offset_, other.offset_);
        std::swap(size_, other.size_);
        std::swap(forks_, other.forks_);
        return *this;
    }
    ~code_memory();

    /// Thread-safe. The error is out_of_memory or unsupported (where nothing may be executed).
    [[nodiscard]] static result<code_memory> allocate(std::size_t size);

    /// Where the code runs.
    [[nodiscard]] const std::byte *code() const noexcept;
    /// The same bytes, to be written before the code runs first.
    [[nodiscard]] std::span<std::byte> writable() noexcept;
    /// Where the code that all programs share is, in reach of this code's calls.
    [[nodiscard]] const std::byte *shared_code() const noexcept;
    /// What this takes of the arena.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    code_memory(code_chunk *chunk, std::size_t offset, std::size_t size, uint32_t forks) noexcept
        : chunk_{chunk}, offset_{offset}, size_{size}, forks_{forks} {}

    code_chunk *chunk_ = nullptr;
    std::size_t offset_ = 0;
    std::size_t size_ = 0;
    uint32_t forks_ = 0;  ///< of the process, before it was allocated
};

/// What every chunk begins with: code that programs call, and how exceptions pass through all code
/// of the chunk. Defined for each machine.
struct shared_code {
    std::span<const std::byte> bytes;  ///< the same wherever they lie
    std::size_t reach;                 ///< how far behind it programs may begin
    /// Writes the unwind table for code in [begin, begin + size), as .eh_frame has it; gives its
    /// size. At most `most_unwind_bytes`.
    std::size_t (*write_unwind_table)(std::span<std::byte> out, const std::byte *begin,
                                      std::size_t size);
};
inline constexpr std::size_t most_unwind_bytes = 128;
[[nodiscard]] const shared_code &the_shared_code();

/// Lets the machine run what has been written there. `code` is where it runs.
void clear_instruction_cache(std::span<const std::byte> code) noexcept;

/// How much the arena holds now; for tests.
struct arena_usage {
    std::size_t chunks;
    std::size_t mapped;  ///< bytes, once for both mappings
    std::size_t used;    ///< by programs
};
[[nodiscard]] arena_usage code_arena_usage();

}  // namespace bpftime::vm::ubpf
