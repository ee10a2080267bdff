// bpftime-vm: the memory of a map: of this process, or in a file that others open
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "map_memory.hpp"

#include <mutex>
#include <utility>

namespace bpftime::vm::runtime {

map_memory::map_memory(std::unique_ptr<shared_file> file, bool is_new)
    : file_{std::move(file)}, is_new_{is_new} {}

cpu_slots::cpu_slots(const map_memory &memory) : file_{memory.file()} {
    if (file_ == nullptr) return;
    slots_ = std::make_unique<std::atomic<uint32_t>[]>(cpu_count());
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu)
        slots_[cpu].store(not_taken, std::memory_order_relaxed);
}

uint32_t cpu_slots::take(uint32_t cpu) const noexcept {
    // More threads than CPUs share a number: one of them takes it.
    static std::mutex takers;
    const std::lock_guard guard{takers};
    uint32_t slot = slots_[cpu].load(std::memory_order_relaxed);
    if (slot != not_taken) return slot;
    slot = file_->take_cpu(cpu);
    slots_[cpu].store(slot, std::memory_order_relaxed);
    return slot;
}

}  // namespace bpftime::vm::runtime
