// bpftime-vm: ring buffers: records from programs to their host, in order
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/ring_buffer.hpp"

#include "map_types.hpp"
#include "ring_memory.hpp"
#include "spin_lock.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <mutex>

namespace bpftime::vm::runtime {

namespace {

class ring final : public without_entries<ring_buffer> {
public:
    explicit ring(const map_definition &d)
        : without_entries{d},
          memory_{d.max_entries},
          event_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {}
    ~ring() override {
        if (event_ >= 0) close(event_);
    }

    [[nodiscard]] bool has_memory() const noexcept { return memory_ and event_ >= 0; }

    // --- producers

    void *reserve(uint64_t size, uint64_t flags) noexcept override {
        if (flags != 0 or size > most_record_bytes) return nullptr;
        const auto length = static_cast<uint32_t>(size);
        const uint64_t bytes = ring_memory::bytes_of(length);
        if (bytes > memory_.bytes()) return nullptr;
        const std::lock_guard guard{producers_};
        const uint64_t from = producer_position().load(std::memory_order_relaxed);
        const uint64_t to = from + bytes;
        skip_finished(from);
        // As the kernel does, one never fills it whole.
        if (to - consumer_position().load(std::memory_order_acquire) >= memory_.bytes() or
            to - pending_ >= memory_.bytes()) {
            return nullptr;
        }
        record_header *const header = memory_.header_at(from);
        header->length.store(length | busy_bit, std::memory_order_relaxed);
        header->page = memory_.page_of(header);
        producer_position().store(to, std::memory_order_release);
        return header + 1;
    }

    void submit(void *record, uint64_t flags) noexcept override { finish(record, 0, flags); }
    void discard(void *record, uint64_t flags) noexcept override {
        finish(record, discard_bit, flags);
    }

    int output(const void *from, uint64_t size, uint64_t flags) noexcept override {
        if ((flags & ~uint64_t{ring_no_wakeup | ring_force_wakeup}) != 0) return -EINVAL;
        void *const record = reserve(size, 0);
        if (record == nullptr) return -EAGAIN;
        std::memcpy(record, from, size);
        submit(record, flags);
        return 0;
    }

    uint64_t query(uint64_t what) const noexcept override {
        const uint64_t consumed = consumer_position().load(std::memory_order_acquire);
        const uint64_t produced = producer_position().load(std::memory_order_acquire);
        switch (static_cast<ring_query>(what)) {
        case ring_query::available_data: return produced - consumed;
        case ring_query::size: return memory_.bytes();
        case ring_query::consumer_position: return consumed;
        case ring_query::producer_position: return produced;
        }
        return 0;
    }

    // --- the consumer

    std::size_t consume(const callback &take) override {
        const std::lock_guard guard{consumers_};
        // Before the records are looked at: what comes later signals again.
        if (fd_is_out_.load(std::memory_order_relaxed)) clear_event();
        return consume_all(take);
    }

    std::size_t poll(const callback &take, std::chrono::milliseconds timeout) override {
        const std::lock_guard guard{consumers_};
        const std::size_t taken = consume_all(take);
        if (taken != 0) return taken;
        sleepers_.fetch_add(1, std::memory_order_seq_cst);
        if (not has_record()) wait_for_event(timeout);
        sleepers_.fetch_sub(1, std::memory_order_relaxed);
        return consume_all(take);
    }

    void wake() noexcept override { eventfd_write(event_, 1); }

    int event_fd() noexcept override {
        if (not fd_is_out_.exchange(true, std::memory_order_acq_rel)) {
            sleepers_.fetch_add(1, std::memory_order_seq_cst);  // somebody may sleep from now on
            if (has_record()) wake();
        }
        return event_;
    }

    std::span<uint8_t> memory() noexcept override { return memory_.whole(); }

private:
    [[nodiscard]] ring_memory::position &consumer_position() const noexcept {
        return memory_.consumer_position();
    }
    [[nodiscard]] ring_memory::position &producer_position() const noexcept {
        return memory_.producer_position();
    }

    /// A record that its producer still writes must not be overwritten, even if the consumer's
    /// position says so.
    void skip_finished(uint64_t end) noexcept {
        while (pending_ < end) {
            const uint32_t word =
                memory_.header_at(pending_)->length.load(std::memory_order_acquire);
            if ((word & busy_bit) != 0) break;
            pending_ += ring_memory::bytes_of(ring_memory::length_of(word));
        }
    }

    void finish(void *record, uint32_t bit, uint64_t flags) noexcept {
        auto *const header = static_cast<record_header *>(record) - 1;
        const uint32_t length =
            ring_memory::length_of(header->length.load(std::memory_order_relaxed));
        // Either this sees who sleeps, or who is about to sleep sees the record.
        header->length.exchange(length | bit, std::memory_order_seq_cst);
        if ((flags & ring_force_wakeup) != 0) return wake();
        if ((flags & ring_no_wakeup) != 0) return;
        const uint64_t consumed = consumer_position().load(std::memory_order_acquire);
        if (memory_.header_at(consumed) == header and
            sleepers_.load(std::memory_order_seq_cst) != 0)
            wake();
    }

    [[nodiscard]] bool has_record() const noexcept {
        const uint64_t consumed = consumer_position().load(std::memory_order_relaxed);
        return consumed != producer_position().load(std::memory_order_seq_cst) and
               (memory_.header_at(consumed)->length.load(std::memory_order_seq_cst) & busy_bit) ==
                   0;
    }

    void wait_for_event(std::chrono::milliseconds timeout) const noexcept {
        pollfd event{event_, POLLIN, 0};
        const auto most = std::chrono::milliseconds{std::numeric_limits<int>::max()};
        const int wait =
            timeout.count() < 0 ? -1 : static_cast<int>(std::min(timeout, most).count());
        if (::poll(&event, 1, wait) > 0) clear_event();
    }

    void clear_event() const noexcept {
        eventfd_t ignored = 0;
        eventfd_read(event_, &ignored);
    }

    std::size_t consume_all(const callback &take) {
        std::size_t taken = 0;
        uint64_t at = consumer_position().load(std::memory_order_relaxed);
        for (bool more = true; more;) {
            if (at == producer_position().load(std::memory_order_acquire)) break;
            record_header *const header = memory_.header_at(at);
            const uint32_t word = header->length.load(std::memory_order_acquire);
            if ((word & busy_bit) != 0) break;
            if ((word & discard_bit) == 0) {
                more = take(
                    {reinterpret_cast<const uint8_t *>(header + 1), ring_memory::length_of(word)});
                ++taken;
            }
            at += ring_memory::bytes_of(ring_memory::length_of(word));
            consumer_position().store(at, std::memory_order_release);
        }
        return taken;
    }

    const ring_memory memory_;
    const int event_;
    spin_lock producers_;
    uint64_t pending_ = 0;  ///< position of the first record that its producer still writes
    std::mutex consumers_;
    std::atomic<uint32_t> sleepers_ = 0;
    std::atomic<bool> fd_is_out_ = false;
};

}  // namespace

map_ptr make_ring_buffer(const map_definition &d) {
    auto made = std::make_shared<ring>(d);
    return made->has_memory() ? made : nullptr;
}

}  // namespace bpftime::vm::runtime
