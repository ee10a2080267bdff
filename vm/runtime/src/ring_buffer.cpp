// bpftime-vm: ring buffers: records from programs to their host, in order
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/ring_buffer.hpp"

#include "map_types.hpp"
#include "ring_memory.hpp"
#include "robust_lock.hpp"

#include <linux/futex.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <mutex>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

/// Before the pages of the ring, in a page that no program sees.
struct ring_control {
    robust_lock producers;
    robust_lock consumer;           ///< of all processes
    std::atomic<uint64_t> pending;  ///< position of the first record that its producer still writes
    std::atomic<uint32_t> sleepers;
    std::atomic<uint32_t> wakeups;
};

/// Not where the positions are in their pages: to a processor, a load from there would seem to
/// depend on what was just written here.
constexpr std::size_t control_at = 1024;

/// How the host sleeps: on a file descriptor, or, with other processes, on a word of the memory.
class ring_sleep {
public:
    ring_sleep(ring_control &state, bool is_shared)
        : state_{state}, event_{is_shared ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {}
    ~ring_sleep() {
        if (event_ >= 0) close(event_);
    }
    ring_sleep(const ring_sleep &) = delete;
    ring_sleep &operator=(const ring_sleep &) = delete;

    [[nodiscard]] int event_fd() const noexcept { return event_; }

    void wake() const noexcept {
        if (event_ >= 0) {
            eventfd_write(event_, 1);
            return;
        }
        state_.wakeups.fetch_add(1, std::memory_order_seq_cst);
        syscall(SYS_futex, &state_.wakeups, FUTEX_WAKE, std::numeric_limits<int>::max());
    }
    /// To be asked before the ring is: a wake() since then ends wait() at once.
    [[nodiscard]] uint32_t wakeups() const noexcept {
        return state_.wakeups.load(std::memory_order_seq_cst);
    }
    void wait(uint32_t seen, std::chrono::milliseconds timeout) const noexcept {
        return event_ >= 0 ? wait_for_event(timeout) : wait_for_word(seen, timeout);
    }
    void clear() const noexcept {
        eventfd_t ignored = 0;
        if (event_ >= 0) eventfd_read(event_, &ignored);
    }

private:
    void wait_for_event(std::chrono::milliseconds timeout) const noexcept {
        pollfd event{event_, POLLIN, 0};
        const auto most = std::chrono::milliseconds{std::numeric_limits<int>::max()};
        const int wait =
            timeout.count() < 0 ? -1 : static_cast<int>(std::min(timeout, most).count());
        if (::poll(&event, 1, wait) > 0) clear();
    }

    void wait_for_word(uint32_t seen, std::chrono::milliseconds timeout) const noexcept {
        const timespec time{timeout.count() / 1000, timeout.count() % 1000 * 1'000'000};
        syscall(SYS_futex, &state_.wakeups, FUTEX_WAIT, seen, &time);
    }

    ring_control &state_;
    const int event_;
};

class ring final : public without_entries<ring_buffer> {
public:
    ring(const map_definition &d, map_memory memory)
        : without_entries{d},
          whole_{std::move(memory)},
          holder_{whole_.holder()},
          owner_{is_shared() ? holder_.short_token() << owner_shift : 0},
          state_{*reinterpret_cast<ring_control *>(whole_.data() + control_at)},
          memory_{whole_.data() + ring_memory::page_bytes(), d.max_entries},
          sleep_{state_, is_shared()} {
        share(whole_);
    }

    [[nodiscard]] bool is_sound() const noexcept override {
        constexpr int most_tries = 100;
        for (int tries = 0; tries < most_tries; ++tries) {
            const uint64_t consumed = consumer_position();
            const uint64_t produced = producer_position();
            if (consumed % 8 != 0 or produced % 8 != 0 or state_.pending % 8 != 0) return false;
            // Others may be at work: what was read together tells something.
            if (consumer_position() == consumed) return produced - consumed <= memory_.bytes();
        }
        return true;
    }

    // --- producers

    void *reserve(uint64_t size, uint64_t flags) noexcept override {
        if (flags != 0 or size > most_record_bytes) return nullptr;
        const auto length = static_cast<uint32_t>(size);
        const uint64_t bytes = ring_memory::bytes_of(length);
        if (bytes > memory_.bytes()) return nullptr;
        const scoped_robust_lock guard{state_.producers, holder_};
        const uint64_t from = producer_position().load(std::memory_order_relaxed);
        const uint64_t to = from + bytes;
        skip_finished(from);
        // As the kernel does, one never fills it whole.
        if (to - consumer_position().load(std::memory_order_acquire) >= memory_.bytes() or
            to - state_.pending.load(std::memory_order_relaxed) >= memory_.bytes()) {
            return nullptr;
        }
        record_header *const header = memory_.header_at(from);
        header->length.store(length | busy_bit, std::memory_order_relaxed);
        header->page = memory_.page_of(header) | owner_;
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
        if (fd_is_out_.load(std::memory_order_relaxed)) sleep_.clear();
        return consume_all(take);
    }

    std::size_t poll(const callback &take, std::chrono::milliseconds timeout) override {
        const std::lock_guard guard{consumers_};
        const std::size_t taken = consume_all(take);
        if (taken != 0) return taken;
        state_.sleepers.fetch_add(1, std::memory_order_seq_cst);
        wait_for_record(timeout);
        state_.sleepers.fetch_sub(1, std::memory_order_relaxed);
        return consume_all(take);
    }

    void wake() noexcept override { sleep_.wake(); }

    int event_fd() noexcept override {
        if (not is_shared() and not fd_is_out_.exchange(true, std::memory_order_acq_rel)) {
            // Somebody may sleep from now on.
            state_.sleepers.fetch_add(1, std::memory_order_seq_cst);
            if (has_record()) wake();
        }
        return sleep_.event_fd();
    }

    std::span<uint8_t> memory() noexcept override { return memory_.whole(); }

private:
    [[nodiscard]] ring_memory::position &consumer_position() const noexcept {
        return memory_.consumer_position();
    }
    [[nodiscard]] ring_memory::position &producer_position() const noexcept {
        return memory_.producer_position();
    }

    [[nodiscard]] bool is_shared() const noexcept { return whole_.file() != nullptr; }

    // Where other processes produce, the page of a record's header has who reserved it in its upper
    // bits: a process that died will not finish its records.
    static constexpr unsigned owner_shift = 20;

    /// Whether the record is to come no more; then it is discarded.
    [[nodiscard]] bool discard_abandoned(record_header &header) const noexcept {
        if (not is_shared() or not holder_.is_short_gone(header.page >> owner_shift)) return false;
        uint32_t word = header.length.load(std::memory_order_acquire);
        if ((word & busy_bit) == 0) return true;
        return header.length.compare_exchange_strong(word, (word & ~busy_bit) | discard_bit);
    }

    /// A record that its producer still writes must not be overwritten, even if the consumer's
    /// position says so.
    void skip_finished(uint64_t end) noexcept {
        uint64_t pending = state_.pending.load(std::memory_order_relaxed);
        // Another process may write a position that is none of a record that is still there.
        if (end - pending > memory_.bytes()) pending = end;
        while (pending < end) {
            const uint32_t word =
                memory_.header_at(pending)->length.load(std::memory_order_acquire);
            if ((word & busy_bit) != 0) break;
            pending += ring_memory::bytes_of(ring_memory::length_of(word));
        }
        state_.pending.store(pending, std::memory_order_relaxed);
    }

    void finish(void *record, uint32_t bit, uint64_t flags) noexcept {
        auto *const header = static_cast<record_header *>(record) - 1;
        const uint32_t length =
            ring_memory::length_of(header->length.load(std::memory_order_relaxed));
        if ((flags & (ring_force_wakeup | ring_no_wakeup)) != 0) {
            // It does not matter who sleeps.
            header->length.store(length | bit, std::memory_order_release);
            if ((flags & ring_force_wakeup) != 0) wake();
            return;
        }
        // Either this sees who sleeps, or who is about to sleep sees the record.
        header->length.exchange(length | bit, std::memory_order_seq_cst);
        const uint64_t consumed = consumer_position().load(std::memory_order_acquire);
        if (memory_.header_at(consumed) == header and
            state_.sleepers.load(std::memory_order_seq_cst) != 0)
            wake();
    }

    [[nodiscard]] bool has_record() const noexcept {
        const uint64_t consumed = consumer_position().load(std::memory_order_relaxed);
        return consumed != producer_position().load(std::memory_order_seq_cst) and
               (memory_.header_at(consumed)->length.load(std::memory_order_seq_cst) & busy_bit) ==
                   0;
    }

    /// Until there is a record, or wake() is called.
    void wait_for_record(std::chrono::milliseconds timeout) noexcept {
        // Nobody tells of processes that died with a record: look now and then.
        constexpr std::chrono::milliseconds look_after{50};
        const bool for_ever = timeout.count() < 0;
        const uint32_t seen = sleep_.wakeups();
        for (;;) {
            if (has_record()) return;
            if (not is_shared()) return sleep_.wait(seen, timeout);
            const auto time = for_ever ? look_after : std::min(timeout, look_after);
            sleep_.wait(seen, time);
            if (sleep_.wakeups() != seen) return;
            if (not for_ever and (timeout -= time).count() <= 0) return;
            const uint64_t consumed = consumer_position().load(std::memory_order_relaxed);
            if (consumed != producer_position().load(std::memory_order_acquire) and
                discard_abandoned(*memory_.header_at(consumed)))
                return;
        }
    }

    std::size_t consume_all(const callback &take) {
        const scoped_robust_lock guard{state_.consumer, holder_};
        std::size_t taken = 0;
        uint64_t at = consumer_position().load(std::memory_order_relaxed);
        for (bool more = true; more;) {
            const uint64_t produced = producer_position().load(std::memory_order_acquire);
            // The same goes for this one.
            if (at == produced or produced - at > memory_.bytes()) break;
            record_header *const header = memory_.header_at(at);
            uint32_t word = header->length.load(std::memory_order_acquire);
            if ((word & busy_bit) != 0) {
                if (not discard_abandoned(*header)) break;
                word = header->length.load(std::memory_order_acquire);
            }
            const uint64_t bytes = ring_memory::bytes_of(ring_memory::length_of(word));
            if (bytes > produced - at) break;
            if ((word & discard_bit) == 0) {
                more = take(
                    {reinterpret_cast<const uint8_t *>(header + 1), ring_memory::length_of(word)});
                ++taken;
            }
            at += bytes;
            consumer_position().store(at, std::memory_order_release);
        }
        return taken;
    }

    const map_memory whole_;
    const lock_holder &holder_;
    const uint32_t owner_;  ///< beside the page of a record's header
    ring_control &state_;
    const ring_memory memory_;
    const ring_sleep sleep_;
    std::mutex consumers_;  ///< of this process
    std::atomic<bool> fd_is_out_ = false;
};

}  // namespace

std::size_t bytes_of_ring_buffer(const map_definition &d) {
    return 3 * ring_memory::page_bytes() + d.max_entries;
}

map_ptr make_ring_buffer(const map_definition &d, map_memory memory) {
    return std::make_shared<ring>(d, std::move(memory));
}

}  // namespace bpftime::vm::runtime
