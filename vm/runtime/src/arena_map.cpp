// bpftime-vm: arenas: memory that programs and their host share page by page
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"
#include "helper_words.hpp"
#include "map_types.hpp"
#include "page_ranges.hpp"
#include "runtime/arena.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

namespace bpftime::vm::runtime {

namespace {

constexpr uint64_t window_bytes = uint64_t{1} << 32;
constexpr uint64_t window_mask = window_bytes - 1;
/// Room on both sides that nothing is in, as large as the offset of an instruction reaches.
constexpr uint64_t guard_bytes = uint64_t{64} << 10;
constexpr uint64_t reserved_bytes = window_bytes + 2 * guard_bytes;

/// 4 GiB of addresses that begin at a multiple of 4 GiB, for nothing else in this process.
class address_window {
public:
    /// At `wanted` if that is free.
    explicit address_window(uint64_t wanted) noexcept {
        if (wanted >= window_bytes) reserve_at(wanted);
        if (place_ == nullptr) reserve_anywhere();
    }
    ~address_window() {
        if (place_ != nullptr) munmap(place_, reserved_bytes);
    }
    address_window(const address_window &) = delete;
    address_window &operator=(const address_window &) = delete;

    [[nodiscard]] bool is_there() const noexcept { return place_ != nullptr; }
    [[nodiscard]] uint8_t *begin() const noexcept { return place_ + guard_bytes; }

private:
    static uint8_t *reserve(uint64_t at, uint64_t bytes, int flags) noexcept {
        void *const place = mmap(reinterpret_cast<void *>(at), bytes, PROT_NONE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
        return place == MAP_FAILED ? nullptr : static_cast<uint8_t *>(place);
    }

    void reserve_at(uint64_t window) noexcept {
        uint8_t *const place = reserve(window - guard_bytes, reserved_bytes, MAP_FIXED_NOREPLACE);
        if (place == nullptr) return;
        if (reinterpret_cast<uint64_t>(place) == window - guard_bytes)
            place_ = place;
        else
            munmap(place, reserved_bytes);  // a system that does not know the flag
    }

    /// Reserves twice as much, and gives the rest back.
    void reserve_anywhere() noexcept {
        const uint64_t bytes = window_bytes + reserved_bytes;
        uint8_t *const place = reserve(0, bytes, 0);
        if (place == nullptr) return;
        const auto from = reinterpret_cast<uint64_t>(place);
        const uint64_t window = (from + guard_bytes + window_mask) & ~window_mask;
        const uint64_t before = window - guard_bytes - from;
        place_ = place + before;
        if (before != 0) munmap(place, before);
        if (before != window_bytes) munmap(place_ + reserved_bytes, window_bytes - before);
    }

    uint8_t *place_ = nullptr;
};

class arena_map final : public arena {
public:
    explicit arena_map(const map_definition &d)
        : arena{d},
          page_size_{static_cast<uint32_t>(getpagesize())},
          window_{d.map_extra & ~window_mask},
          free_{d.max_entries},
          is_there_((d.max_entries + 63) / 64) {
        const uint64_t low = first_byte(d);
        if (not window_.is_there()) return;
        if (mprotect(window_.begin() + low, bytes(), PROT_READ | PROT_WRITE) != 0) return;
        begin_ = window_.begin() + low;
        shown_ = {.window = word_of(window_.begin()),
                  .first_page = static_cast<uint32_t>(low / page_size_),
                  .page_count = d.max_entries,
                  .page_size = page_size_,
                  .is_there = is_there_.data()};
        set_arena(&shown_);
    }

    [[nodiscard]] bool has_memory() const noexcept { return begin_ != nullptr; }

    [[nodiscard]] uint8_t *address() const noexcept override { return begin_; }
    [[nodiscard]] std::size_t bytes() const noexcept override {
        return uint64_t{definition().max_entries} * page_size_;
    }
    [[nodiscard]] std::size_t page_size() const noexcept override { return page_size_; }

    [[nodiscard]] uint8_t *touch(std::size_t offset, std::size_t size) noexcept override {
        if (offset > bytes() or size > bytes() - offset) return nullptr;
        const auto first = static_cast<uint32_t>(offset / page_size_);
        const auto end = static_cast<uint32_t>((offset + size + page_size_ - 1) / page_size_);
        const std::lock_guard guard{lock_};
        for (uint32_t page = first; page < end; ++page) {
            if (not is_there(page) and not make(page, 1)) return nullptr;
        }
        return begin_ + offset;
    }
    [[nodiscard]] bool has_page(std::size_t offset) const noexcept override {
        return offset < bytes() and is_there(static_cast<uint32_t>(offset / page_size_));
    }

    [[nodiscard]] uint64_t allocate(uint64_t place, uint64_t count) noexcept override {
        const uint32_t most = definition().max_entries;
        if (count == 0 or count > most) return 0;
        const auto pages = static_cast<uint32_t>(count);
        const std::lock_guard guard{lock_};
        std::optional<uint32_t> first;
        if (place == 0)
            first = free_.find_room(pages);
        else if (place % page_size_ == 0 and page_of(place) <= most - pages)
            first = page_of(place);
        if (not first or not make(*first, pages)) return 0;
        return word_of(begin_ + uint64_t{*first} * page_size_);
    }

    void free(uint64_t place, uint64_t count) noexcept override {
        const uint32_t first = page_of(place);
        if (first >= definition().max_entries) return;
        const auto pages =
            static_cast<uint32_t>(std::min<uint64_t>(count, definition().max_entries - first));
        if (pages == 0) return;
        const std::lock_guard guard{lock_};
        for (uint32_t page = first; page < first + pages; ++page) set_there(page, false);
        madvise(begin_ + uint64_t{first} * page_size_, uint64_t{pages} * page_size_, MADV_DONTNEED);
        try {
            free_.give(first, pages);
        } catch (const std::bad_alloc &) {
            return;  // they are lost
        }
    }

    [[nodiscard]] int reserve(uint64_t place, uint64_t count) noexcept override {
        const uint32_t most = definition().max_entries;
        if (count == 0) return 0;
        if (place % page_size_ != 0 or count > most or page_of(place) > most - count)
            return -EINVAL;
        const auto pages = static_cast<uint32_t>(count);
        const std::lock_guard guard{lock_};
        return take(page_of(place), pages) ? 0 : -EBUSY;
    }

    void *lookup_elem(const void * /*key*/) noexcept override { return nullptr; }
    int update_elem(const void *, const void *, uint64_t) noexcept override { return -EOPNOTSUPP; }
    int delete_elem(const void *) noexcept override { return -EOPNOTSUPP; }

protected:
    int host_lookup(const void *, void *) noexcept override { return -EINVAL; }

private:
    /// Where the arena begins in its window. Null pointers of hosts that do not say lead nowhere.
    [[nodiscard]] uint64_t first_byte(const map_definition &d) const noexcept {
        if (d.map_extra != 0) return d.map_extra & window_mask;
        return std::min(guard_bytes, window_bytes - bytes());
    }
    /// The page that a place is in, by its low 32 bits; what is before the arena is far behind it.
    [[nodiscard]] uint32_t page_of(uint64_t place) const noexcept {
        return static_cast<uint32_t>(place / page_size_ - shown_.first_page) & page_mask();
    }
    [[nodiscard]] uint32_t page_mask() const noexcept {
        return static_cast<uint32_t>(window_bytes / page_size_ - 1);
    }

    [[nodiscard]] bool is_there(uint32_t page) const noexcept {
        return (__atomic_load_n(&is_there_[page / 64], __ATOMIC_ACQUIRE) >> page % 64 & 1) != 0;
    }
    void set_there(uint32_t page, bool there) noexcept {
        const uint64_t bit = uint64_t{1} << page % 64;
        if (there)
            __atomic_fetch_or(&is_there_[page / 64], bit, __ATOMIC_RELEASE);
        else
            __atomic_fetch_and(&is_there_[page / 64], ~bit, __ATOMIC_RELEASE);
    }

    [[nodiscard]] bool take(uint32_t first, uint32_t pages) noexcept {
        if (not free_.has(first, pages)) return false;
        try {
            free_.take(first, pages);
        } catch (const std::bad_alloc &) {
            return false;
        }
        return true;
    }
    /// Makes pages be there, which were given back as zeros; false if some are taken.
    [[nodiscard]] bool make(uint32_t first, uint32_t pages) noexcept {
        if (not take(first, pages)) return false;
        for (uint32_t page = first; page < first + pages; ++page) set_there(page, true);
        return true;
    }

    const uint32_t page_size_;
    const address_window window_;
    std::mutex lock_;
    page_ranges free_;
    std::vector<uint64_t> is_there_;
    uint8_t *begin_ = nullptr;
    ebpf_arena shown_{};
};

}  // namespace

map_ptr make_arena(const map_definition &d) {
    auto made = std::make_shared<arena_map>(d);
    return made->has_memory() ? std::move(made) : nullptr;
}

namespace kernel_function {

uint64_t arena_alloc_pages(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t r5) {
    arena *const a = as_arena(&map_of(r1));
    const auto count = static_cast<uint32_t>(r3);
    return a == nullptr or r5 != 0 ? 0 : a->allocate(r2, count);
}

uint64_t arena_free_pages(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    arena *const a = as_arena(&map_of(r1));
    if (a != nullptr and r2 != 0) a->free(r2, static_cast<uint32_t>(r3));
    return 0;
}

uint64_t arena_reserve_pages(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    arena *const a = as_arena(&map_of(r1));
    return word_of(a == nullptr ? -EINVAL : a->reserve(r2, static_cast<uint32_t>(r3)));
}

}  // namespace kernel_function

}  // namespace bpftime::vm::runtime
