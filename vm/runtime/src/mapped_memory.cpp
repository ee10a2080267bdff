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

void mapped_memory::ask_for_large_pages(std::size_t offset) const noexcept {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t from = (offset + page - 1) / page * page;
    // A system that has none says no, and nothing is lost.
    if (from < bytes_) madvise(data_ + from, bytes_ - from, MADV_HUGEPAGE);
}

mapped_memory mapped_memory::of_file(int fd, std::size_t bytes, std::size_t twice) noexcept {
    mapped_memory all;
    if (bytes > most_bytes or twice > bytes) return all;
    auto *const place = static_cast<uint8_t *>(map_pages(
        nullptr, bytes + twice, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (place == nullptr) return all;
    all.data_ = place;
    all.bytes_ = bytes + twice;
    constexpr int access = PROT_READ | PROT_WRITE;
    const bool whole =
        map_pages(place, bytes, access, MAP_SHARED | MAP_FIXED, fd, 0) != nullptr and
        (twice == 0 or map_pages(place + bytes, twice, access, MAP_SHARED | MAP_FIXED, fd,
                                 static_cast<off_t>(bytes - twice)) != nullptr);
    if (not whole) all = mapped_memory{};
    return all;
}

mapped_memory mapped_memory::wrapping(std::size_t head, std::size_t body) noexcept {
    if (body > most_bytes) return {};
    const int fd = memfd_create("bpf_ringbuf", MFD_CLOEXEC);
    if (fd < 0) return {};
    mapped_memory all;
    if (ftruncate(fd, static_cast<off_t>(head + body)) == 0) all = of_file(fd, head + body, body);
    close(fd);
    return all;
}

}  // namespace bpftime::vm::runtime
