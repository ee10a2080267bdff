// bpftime-vm: user ring buffers: samples from the host to programs, in order
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/user_ring_buffer.hpp"

#include "dynptr.hpp"
#include "map_types.hpp"
#include "ring_memory.hpp"
#include "spin_lock.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

namespace bpftime::vm::runtime {

namespace {

class user_ring final : public without_entries<user_ring_buffer> {
public:
    explicit user_ring(const map_definition &d)
        : without_entries{d},
          memory_{d.max_entries},
          event_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {}
    ~user_ring() override {
        if (event_ >= 0) close(event_);
    }

    [[nodiscard]] bool has_memory() const noexcept { return memory_ and event_ >= 0; }

    // --- producers

    std::span<uint8_t> reserve(uint32_t size) noexcept override {
        std::span<uint8_t> sample;
        static_cast<void>(reserve(size, sample));
        return sample;
    }

    void submit(void *sample) noexcept override { finish(sample, 0); }
    void discard(void *sample) noexcept override { finish(sample, ring_buffer::discard_bit); }

    int output(std::span<const uint8_t> from) noexcept override {
        if (from.size() > ring_buffer::most_record_bytes) return -E2BIG;
        std::span<uint8_t> sample;
        if (const int failed = reserve(static_cast<uint32_t>(from.size()), sample)) return failed;
        std::ranges::copy(from, sample.begin());
        submit(sample.data());
        return 0;
    }

    int event_fd() const noexcept override { return event_; }
    std::span<uint8_t> memory() noexcept override { return memory_.whole(); }

    // --- the consumer

    bool begin() noexcept override {
        return not is_busy_.exchange(true, std::memory_order_acquire);
    }

    void end(bool wakes) noexcept override {
        is_busy_.store(false, std::memory_order_release);
        if (wakes) eventfd_write(event_, 1);
    }

    int peek(std::span<uint8_t> &sample) noexcept override {
        const uint64_t produced = memory_.producer_position().load(std::memory_order_acquire);
        if (produced % alignment != 0) return -EINVAL;
        if (consumed_ >= produced) return -ENODATA;
        record_header *const header = memory_.header_at(consumed_);
        const uint32_t word = header->length.load(std::memory_order_acquire);
        const uint32_t length = ring_memory::length_of(word);
        const uint64_t bytes = ring_memory::bytes_of(length);
        if (bytes > produced - consumed_) return -EINVAL;
        if (bytes > memory_.bytes() or length > dynptr::most_bytes) return -E2BIG;
        if ((word & ring_buffer::discard_bit) != 0) {
            skip(bytes);
            return -EAGAIN;
        }
        if ((word & ring_buffer::busy_bit) != 0) return -ENODATA;
        sample = {reinterpret_cast<uint8_t *>(header + 1), length};
        return 0;
    }

    void release(std::span<const uint8_t> sample) noexcept override {
        skip(ring_memory::bytes_of(static_cast<uint32_t>(sample.size())));
    }

private:
    static constexpr uint64_t alignment = 8;

    int reserve(uint32_t size, std::span<uint8_t> &sample) noexcept {
        const uint64_t bytes = ring_memory::bytes_of(size);
        if (size > ring_buffer::most_record_bytes or bytes > memory_.bytes()) return -E2BIG;
        const std::lock_guard guard{producers_};
        const uint64_t from = memory_.producer_position().load(std::memory_order_relaxed);
        const uint64_t consumed = memory_.consumer_position().load(std::memory_order_acquire);
        if (from - consumed > memory_.bytes() or bytes > memory_.bytes() - (from - consumed))
            return -ENOSPC;
        record_header *const header = memory_.header_at(from / alignment * alignment);
        header->length.store(size | ring_buffer::busy_bit, std::memory_order_relaxed);
        header->page = 0;
        memory_.producer_position().store(from + bytes, std::memory_order_release);
        sample = {reinterpret_cast<uint8_t *>(header + 1), size};
        return 0;
    }

    static void finish(void *sample, uint32_t bit) noexcept {
        auto *const header = static_cast<record_header *>(sample) - 1;
        const uint32_t word = header->length.load(std::memory_order_relaxed);
        header->length.store(ring_memory::length_of(word) | bit, std::memory_order_release);
    }

    void skip(uint64_t bytes) noexcept {
        consumed_ += bytes;
        memory_.consumer_position().store(consumed_, std::memory_order_release);
    }

    const ring_memory memory_;
    const int event_;
    spin_lock producers_;
    std::atomic<bool> is_busy_ = false;
    /// What the page says is for producers; it might be changed by whoever has the memory.
    uint64_t consumed_ = 0;
};

}  // namespace

map_ptr make_user_ring_buffer(const map_definition &d) {
    auto made = std::make_shared<user_ring>(d);
    return made->has_memory() ? made : nullptr;
}

}  // namespace bpftime::vm::runtime
