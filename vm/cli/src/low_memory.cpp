// bpftime-vm: finds room for a mapping below 4 GiB
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "low_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bpftime::vm::cli {

namespace {

constexpr uint64_t end_of_low_memory = uint64_t{1} << 32;
// Where to look: the lowest pages are reserved (vm.mmap_min_addr), executables may lie at 4 MiB.
constexpr uint64_t first_hint = uint64_t{16} << 20;
constexpr uint64_t hint_step = uint64_t{16} << 20;

void *map_at(uint64_t hint, std::size_t size, int extra_flags) {
    return mmap(reinterpret_cast<void *>(hint), size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | extra_flags, -1, 0);
}

/// Null if the mapping failed or lies elsewhere.
uint8_t *keep_if_low(void *mapping, std::size_t size) {
    if (mapping == MAP_FAILED) return nullptr;
    if (reinterpret_cast<uint64_t>(mapping) + size <= end_of_low_memory)
        return static_cast<uint8_t *>(mapping);
    munmap(mapping, size);
    return nullptr;
}

uint8_t *find_room(std::size_t size) {
#ifdef MAP_32BIT
    if (uint8_t *found = keep_if_low(map_at(0, size, MAP_32BIT), size)) return found;
#endif
    for (uint64_t hint = first_hint; hint + size <= end_of_low_memory; hint += hint_step) {
        if (uint8_t *found = keep_if_low(map_at(hint, size, MAP_FIXED_NOREPLACE), size))
            return found;
    }
    return nullptr;
}

}  // namespace

outcome<low_memory> low_memory::map(std::size_t size) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t rounded = (size + page - 1) / page * page;
    if (uint8_t *found = find_room(rounded)) return low_memory{std::span{found, rounded}};
    return fail(exit_code::unsupported,
                "an XDP program's packet pointers have 32 bits, but {} bytes below 4 GiB cannot be "
                "mapped ({}): "
                "use smaller packets, or a system that leaves that address range free",
                size, std::strerror(errno));
}

low_memory::~low_memory() {
    if (not bytes_.empty()) munmap(bytes_.data(), bytes_.size());
}

}  // namespace bpftime::vm::cli
