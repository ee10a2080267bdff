// bpftime-vm: memory at whose ends nobody gets any further unseen
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "guarded_memory.hpp"

#include "common.hpp"

#include <sys/mman.h>
#include <unistd.h>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) \
    (static_cast<void>(address), static_cast<void>(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) \
    (static_cast<void>(address), static_cast<void>(size))
#endif

namespace bpftime::vm::fuzz {

namespace {

std::size_t page_size() {
    static const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return size;
}

}  // namespace

guarded_memory::guarded_memory(std::size_t size, guarded_end end) {
    const std::size_t page = page_size();
    const std::size_t inner = (size + page - 1) / page * page;
    void *const base = mmap(nullptr, inner + 2 * page, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    require(base != MAP_FAILED, "there is address space for a few pages");
    mapped_ = {static_cast<uint8_t *>(base), inner + 2 * page};
    const std::span open = mapped_.subspan(page, inner);
    require(inner == 0 or mprotect(open.data(), inner, PROT_READ | PROT_WRITE) == 0,
            "pages can be opened");
    ASAN_POISON_MEMORY_REGION(open.data(), inner);
    bytes_ = end == guarded_end::first ? open.first(size) : open.last(size);
    ASAN_UNPOISON_MEMORY_REGION(bytes_.data(), size);
}

guarded_memory::~guarded_memory() {
    ASAN_UNPOISON_MEMORY_REGION(mapped_.data(), mapped_.size());
    munmap(mapped_.data(), mapped_.size());
}

}  // namespace bpftime::vm::fuzz
