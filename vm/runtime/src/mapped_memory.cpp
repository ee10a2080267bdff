// bpftime-vm: memory of maps, straight from the operating system
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "mapped_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace bpftime::vm::runtime {

namespace {

constexpr std::size_t most_bytes = std::size_t{1} << 46;

void *map_pages(void *at, std::size_t bytes, int protection, int flags, int fd, off_t from) {
    void *const pages = mmap(at, bytes, protection, flags, fd, from);
    return pages == MAP_FAILED ? nullptr : pages;
}

}  // namespace

mapped_memory::mapped_memory(std::size_t bytes) noexcept {
    if (bytes == 0 or bytes > most_bytes) return;
    data_ = static_cast<uint8_t *>(map_pages(nullptr, bytes, PROT_READ | PROT_WRITE,
                                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (data_ != nullptr) bytes_ = bytes;
}

mapped_memory::~mapped_memory() {
    if (data_ != nullptr) munmap(data_, bytes_);
}

mapped_memory mapped_memory::wrapping(std::size_t head, std::size_t body) noexcept {
    mapped_memory all;
    if (body > most_bytes) return all;
    const int fd = memfd_create("bpf_ringbuf", MFD_CLOEXEC);
    if (fd < 0) return all;
    constexpr int access = PROT_READ | PROT_WRITE;
    const std::size_t bytes = head + 2 * body;
    auto *const place = static_cast<uint8_t *>(
        map_pages(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (place != nullptr) {
        all.data_ = place;
        all.bytes_ = bytes;
        const bool whole =
            ftruncate(fd, static_cast<off_t>(head + body)) == 0 and
            map_pages(place, head + body, access, MAP_SHARED | MAP_FIXED, fd, 0) != nullptr and
            map_pages(place + head + body, body, access, MAP_SHARED | MAP_FIXED, fd,
                      static_cast<off_t>(head)) != nullptr;
        if (not whole) all = mapped_memory{};
    }
    close(fd);
    return all;
}

}  // namespace bpftime::vm::runtime
