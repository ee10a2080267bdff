// bpftime-vm: the memory of a map: of this process, or in a file that others open
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "mapped_memory.hpp"
#include "runtime/cpu.hpp"
#include "shared_file.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace bpftime::vm::runtime {

/// All that a map of this process or of others knows, in one piece. Not there (`data()` is null)
/// if the system refuses.
class map_memory {
public:
    /// Zeroed, of this process alone.
    explicit map_memory(std::size_t bytes) : own_{bytes} {}
    /// The same, its last `twice` bytes once more behind; both are whole pages.
    map_memory(std::size_t bytes, std::size_t twice)
        : own_{mapped_memory::wrapping(bytes - twice, twice)} {}
    /// In a file that was mapped; `is_new`: zeroed, and not known to others yet.
    map_memory(std::unique_ptr<shared_file> file, bool is_new);

    [[nodiscard]] uint8_t *data() const noexcept {
        return file_ == nullptr ? own_.data() : file_->memory();
    }
    [[nodiscard]] explicit operator bool() const noexcept { return data() != nullptr; }
    /// Whether its map has to be made; else it is there.
    [[nodiscard]] bool is_new() const noexcept { return is_new_; }
    /// Null: no other process has it.
    [[nodiscard]] shared_file *file() const noexcept { return file_.get(); }
    /// Who this process is to locks in it.
    [[nodiscard]] const lock_holder &holder() const noexcept {
        static constexpr lock_holder alone;
        return file_ == nullptr ? alone : file_->holder();
    }

private:
    mapped_memory own_;
    std::unique_ptr<shared_file> file_;
    bool is_new_ = true;
};

/// Which CPU of a map a thread counts as: its own number where no other process has the map, else
/// one that no other process has.
class cpu_slots {
public:
    explicit cpu_slots(const map_memory &memory);

    [[nodiscard]] uint32_t current() const noexcept {
        const uint32_t cpu = current_cpu();
        if (slots_ == nullptr) return cpu;
        const uint32_t slot = slots_[cpu].load(std::memory_order_relaxed);
        return slot != not_taken ? slot : take(cpu);
    }

private:
    static constexpr uint32_t not_taken = ~uint32_t{0};
    [[nodiscard]] uint32_t take(uint32_t cpu) const noexcept;

    const shared_file *file_;
    std::unique_ptr<std::atomic<uint32_t>[]> slots_;  ///< null: no other process has the map
};

}  // namespace bpftime::vm::runtime
