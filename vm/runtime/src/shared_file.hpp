// bpftime-vm: the files that pinned maps are in
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "mapped_memory.hpp"
#include "program/map.hpp"
#include "robust_lock.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace bpftime::vm::runtime {

// A file is a header of one page and the memory of the map. Processes that have it open hold locks
// on bytes far behind its end, which the system gives back when they end, however they do:
//   member m (1 to most_members): the process whose token has this number is there
//   CPU c: a process counts as CPU c in this map
// All locks belong to the open file description, so a process that forks must open the map anew.

/// What a file holds after its definition: changes as long as the map is there.
struct file_state {
    static constexpr unsigned member_bits = 8;
    static constexpr uint32_t most_members = (1U << member_bits) - 1;

    std::atomic<uint32_t> frozen;
    /// How often each member number was given: a part of tokens, so that a lock that one process
    /// left is not taken for that of the next one with its number.
    std::array<std::atomic<uint32_t>, most_members + 1> generations;
};

/// A pinned map's file, open and mapped.
class shared_file {
public:
    /// A new file at `path` for a map of this definition with `bytes` of zeroed memory. Its
    /// name is not known before publish(). 0 or a negative errno: -EEXIST if there is a file.
    static int create(const std::string &path, const map_definition &definition, std::size_t bytes,
                      shared_file &out);
    /// Opens a file and reads its definition; map() follows. 0 or a negative errno: -EBADMSG if
    /// it is not such a file, -ESTALE if it is one of another version or machine.
    static int open(const std::string &path, shared_file &out);
    /// Makes the file's name known, once the memory is filled; another file may be there by then.
    int publish(const std::string &path);

    shared_file() = default;
    shared_file(shared_file &&other) noexcept;
    shared_file &operator=(shared_file &&other) noexcept;
    ~shared_file();

    [[nodiscard]] const map_definition &definition() const noexcept { return definition_; }
    /// Bytes of the map's memory that the file has.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    /// Maps header and memory; its last `twice` bytes once more behind. 0 or a negative errno.
    int map(std::size_t twice = 0);
    [[nodiscard]] uint8_t *memory() const noexcept;
    [[nodiscard]] file_state &state() const noexcept;
    [[nodiscard]] const lock_holder &holder() const noexcept { return holder_; }
    /// A CPU that no other process counts as; `wanted` if there is none left.
    [[nodiscard]] uint32_t take_cpu(uint32_t wanted) const noexcept;

private:
    int read_header();
    [[nodiscard]] int take_room() const;
    int join();
    void close() noexcept;

    int fd_ = -1;
    std::string made_as_;  ///< the name of a file that is not published yet
    map_definition definition_;
    std::size_t bytes_ = 0;
    mapped_memory mapping_;
    lock_holder holder_;
};

}  // namespace bpftime::vm::runtime
