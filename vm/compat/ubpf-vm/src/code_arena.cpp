// bpftime-vm: memory for native code, shared by all programs of the process
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "code_arena.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

// Of the C++ runtime: tells the unwinder of code that no file describes.
extern "C" void __register_frame(void *table);
extern "C" void __deregister_frame(void *table);

namespace bpftime::vm::ubpf {

namespace {

/// Programs are rounded up to this: small, as most of them are.
constexpr std::size_t granule = 32;
constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

constexpr std::size_t round_up(std::size_t n, std::size_t to) noexcept {
    return (n + to - 1) / to * to;
}

struct range {
    std::size_t begin;
    std::size_t end;
};

int make_memory_file() noexcept {
#ifdef MFD_EXEC
    const int fd = memfd_create("bpftime-vm-code", MFD_CLOEXEC | MFD_EXEC);
    if (fd >= 0 or errno != EINVAL) return fd;
#endif
    return memfd_create("bpftime-vm-code", MFD_CLOEXEC);
}

/// One piece of memory, seen from two addresses.
class dual_mapping {
public:
    dual_mapping() = default;
    dual_mapping(const dual_mapping &) = delete;
    dual_mapping &operator=(const dual_mapping &) = delete;
    ~dual_mapping() {
        if (writable_ != nullptr) munmap(writable_, size_);
        if (executable_ != nullptr) munmap(executable_, size_);
    }

    /// What failed; null if nothing did.
    [[nodiscard]] const char *map(std::size_t size) noexcept {
        size_ = size;
        const int fd = make_memory_file();
        if (fd < 0) return "memfd_create";
        const char *failed = nullptr;
        if (ftruncate(fd, static_cast<off_t>(size_)) != 0) {
            failed = "ftruncate";
        } else {
            writable_ = place(fd, PROT_READ | PROT_WRITE);
            executable_ = place(fd, PROT_READ | PROT_EXEC);
            if (writable_ == nullptr or executable_ == nullptr) failed = "mmap";
        }
        const int why = errno;
        close(fd);
        errno = why;
        return failed;
    }

    [[nodiscard]] std::byte *writable() const noexcept { return writable_; }
    [[nodiscard]] const std::byte *executable() const noexcept { return executable_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    std::byte *place(int fd, int protection) const noexcept {
        void *const p = mmap(nullptr, size_, protection, MAP_SHARED, fd, 0);
        return p == MAP_FAILED ? nullptr : static_cast<std::byte *>(p);
    }

    std::byte *writable_ = nullptr;
    std::byte *executable_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace

/// A mapping, what of it is free, and the code and the unwind table that it begins with.
class code_chunk {
public:
    code_chunk() = default;
    code_chunk(const code_chunk &) = delete;
    code_chunk &operator=(const code_chunk &) = delete;
    ~code_chunk() {
        if (is_registered_) __deregister_frame(unwind_table_.data());
    }

    /// What failed; null if nothing did.
    [[nodiscard]] const char *make(std::size_t size) {
        const std::span<const std::byte> shared = the_shared_code().bytes;
        const std::size_t begin = round_up(shared.size(), granule);
        if (const char *const failed = memory_.map(round_up(begin + size, chunk_bytes)))
            return failed;
        std::ranges::copy(shared, memory_.writable());
        clear_instruction_cache({memory_.executable(), shared.size()});
        free_ = {{begin, memory_.size()}};
        free_bytes_ = longest_free_ = memory_.size() - begin;
        const std::size_t n = the_shared_code().write_unwind_table(
            unwind_table_, memory_.executable(), memory_.size());
        if (n != 0) {
            __register_frame(unwind_table_.data());
            is_registered_ = true;
        }
        return nullptr;
    }

    [[nodiscard]] std::optional<std::size_t> take(std::size_t size) {
        if (size > longest_free_ or is_frozen_) return std::nullopt;
        std::size_t longest = 0;
        for (auto it = free_.begin(); it != free_.end(); ++it) {
            if (it->begin > the_shared_code().reach) break;
            if (it->end - it->begin < size) {
                longest = std::max(longest, it->end - it->begin);
                continue;
            }
            const std::size_t at = it->begin;
            it->begin += size;
            if (it->begin == it->end) free_.erase(it);
            free_bytes_ -= size;
            return at;
        }
        longest_free_ = longest;
        return std::nullopt;
    }

    /// `forks`: those that the chunk had seen when the memory was taken.
    void give_back(std::size_t at, std::size_t size, uint32_t forks) {
        free_bytes_ += size;
        // A child may still run it.
        if (is_frozen_ or forks != forks_) return;
        auto next = std::ranges::lower_bound(free_, at, {}, &range::begin);
        const bool joins_next = next != free_.end() and next->begin == at + size;
        const bool joins_previous = next != free_.begin() and std::prev(next)->end == at;
        std::size_t length = size;
        if (joins_next and joins_previous) {
            std::prev(next)->end = next->end;
            length = next->end - std::prev(next)->begin;
            free_.erase(next);
        } else if (joins_next) {
            next->begin = at;
            length = next->end - at;
        } else if (joins_previous) {
            std::prev(next)->end += size;
            length = std::prev(next)->end - std::prev(next)->begin;
        } else {
            free_.insert(next, {at, at + size});
        }
        longest_free_ = std::max(longest_free_, length);
    }

    // A forked child shares the memory. The parent goes on with what is free, which is nothing to
    // the child; what the child may run is not written again.
    void note_fork() noexcept { ++forks_; }
    [[nodiscard]] uint32_t forks() const noexcept { return forks_; }
    /// In the child: from now on nothing is written.
    void freeze() noexcept { is_frozen_ = true; }
    /// Whether there is memory that nobody will get again.
    [[nodiscard]] bool is_shared() const noexcept { return is_frozen_ or forks_ != 0; }

    [[nodiscard]] const dual_mapping &memory() const noexcept { return memory_; }
    [[nodiscard]] std::size_t used() const noexcept {
        return memory_.size() - free_bytes_ - round_up(the_shared_code().bytes.size(), granule);
    }
    [[nodiscard]] bool is_empty() const noexcept { return used() == 0; }

private:
    dual_mapping memory_;
    std::vector<range> free_;  ///< sorted, no two touch
    std::size_t free_bytes_ = 0;
    std::size_t longest_free_ = 0;  ///< at least
    uint32_t forks_ = 0;
    bool is_registered_ = false;
    bool is_frozen_ = false;
    alignas(8) std::array<std::byte, most_unwind_bytes> unwind_table_{};
};

namespace {

class code_arena {
public:
    code_arena() { pthread_atfork(before_fork, after_fork, in_child); }

    struct place {
        code_chunk *chunk;
        std::size_t offset;
        uint32_t forks;
    };

    result<place> allocate(std::size_t size) {
        const std::lock_guard lock{lock_};
        // The last one first: programs come and go in turns.
        for (auto it = chunks_.rbegin(); it != chunks_.rend(); ++it) {
            if (const auto at = (*it)->take(size)) return place{it->get(), *at, (*it)->forks()};
        }
        auto chunk = std::make_unique<code_chunk>();
        if (const char *const failed = chunk->make(size)) {
            const int why = errno;
            return std::unexpected{make_error(
                why == EPERM or why == EACCES ? error_code::unsupported : error_code::out_of_memory,
                fmt::format("no executable memory for native code: {}: {}", failed,
                            std::strerror(why)))};
        }
        chunks_.push_back(std::move(chunk));
        return place{chunks_.back().get(), *chunks_.back()->take(size), 0};
    }

    void free(code_chunk *chunk, std::size_t at, std::size_t size, uint32_t forks) {
        const std::lock_guard lock{lock_};
        chunk->give_back(at, size, forks);
        // One chunk is kept, so that a program that is made over and over maps memory once.
        if (chunk->is_empty() and (chunk->is_shared() or chunks_.size() > 1))
            std::erase_if(chunks_, [=](const auto &c) { return c.get() == chunk; });
    }

    arena_usage usage() {
        const std::lock_guard lock{lock_};
        arena_usage all{chunks_.size(), 0, 0};
        for (const auto &chunk : chunks_) {
            all.mapped += chunk->memory().size();
            all.used += chunk->used();
        }
        return all;
    }

    static code_arena &the() {
        // Never destroyed: VMs may live longer than static objects.
        static auto &arena = *new code_arena;
        return arena;
    }

private:
    static void before_fork() { the().lock_.lock(); }
    static void after_fork() {
        for (const auto &chunk : the().chunks_) chunk->note_fork();
        the().lock_.unlock();
    }
    static void in_child() {
        for (const auto &chunk : the().chunks_) chunk->freeze();
        the().lock_.unlock();
    }

    std::mutex lock_;
    std::vector<std::unique_ptr<code_chunk>> chunks_;
};

}  // namespace

result<code_memory> code_memory::allocate(std::size_t size) {
    const std::size_t rounded = round_up(std::max<std::size_t>(size, 1), granule);
    const auto place = code_arena::the().allocate(rounded);
    if (not place) return std::unexpected{place.error()};
    return code_memory{place->chunk, place->offset, rounded, place->forks};
}

code_memory::~code_memory() {
    if (chunk_ != nullptr) code_arena::the().free(chunk_, offset_, size_, forks_);
}

const std::byte *code_memory::code() const noexcept {
    return chunk_->memory().executable() + offset_;
}
std::span<std::byte> code_memory::writable() noexcept {
    return {chunk_->memory().writable() + offset_, size_};
}
const std::byte *code_memory::shared_code() const noexcept { return chunk_->memory().executable(); }

void clear_instruction_cache(std::span<const std::byte> code) noexcept {
    // The compiler's function wants bytes that it may change, and changes none.
    auto *const begin = reinterpret_cast<char *>(const_cast<std::byte *>(code.data()));
    __builtin___clear_cache(begin, begin + code.size());
}

arena_usage code_arena_usage() { return code_arena::the().usage(); }

}  // namespace bpftime::vm::ubpf
