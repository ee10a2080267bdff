// bpftime-vm: helpers that run programs: other ones, or functions of their caller
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/run.hpp"
#include "dynptr.hpp"
#include "helper_functions.hpp"
#include "helper_words.hpp"
#include "runtime/map.hpp"
#include "runtime/ring_buffer.hpp"
#include "runtime/user_ring_buffer.hpp"

#include <cerrno>
#include <exception>

namespace bpftime::vm::runtime {

namespace {

/// A callback of for_each_map_elem. Maps are left without exceptions, which a helper that the
/// callback calls may throw.
struct element_callback {
    map &of;
    uint64_t function;
    uint64_t context;
    std::exception_ptr thrown = nullptr;

    /// Whether to stop.
    bool call(const void *key, void *value) {
        compat::run &run = *compat::run::current();
        const map_definition &d = of.definition();
        const compat::scoped_loan key_memory{run.memory(),
                                             {word_of(key), d.key_size, permission::read}};
        const compat::scoped_loan value_memory{run.memory(),
                                               {word_of(value), of.shape().result_size,
                                                static_cast<permission>(of.shape().permission)}};
        const uint64_t arguments[5] = {word_of(&of), word_of(key), word_of(value), context, 0};
        uint64_t r0 = 0;
        return not run.call_back(function, arguments, r0) or r0 != 0;
    }

    static bool visit(void *context, const void *key, void *value) noexcept {
        auto &callback = *static_cast<element_callback *>(context);
        try {
            return callback.call(key, value);
        } catch (...) {
            callback.thrown = std::current_exception();
            return true;
        }
    }
};

/// The only one who takes samples of a ring.
class scoped_drain {
public:
    scoped_drain(user_ring_buffer &ring, uint64_t flags) noexcept
        : ring_{ring}, flags_{flags}, owns_{ring.begin()} {}
    ~scoped_drain() {
        const bool wakes = (flags_ & ring_no_wakeup) == 0 and taken_ != 0;
        if (owns_) ring_.end(wakes or (flags_ & ring_force_wakeup) != 0);
    }
    scoped_drain(const scoped_drain &) = delete;
    scoped_drain &operator=(const scoped_drain &) = delete;

    [[nodiscard]] bool owns() const noexcept { return owns_; }

    /// Calls the function for samples; how many, or a negative errno.
    int64_t run(uint64_t function, uint64_t context) {
        constexpr uint32_t most_samples = 128 << 10;  // the kernel's BPF_MAX_USER_RINGBUF_SAMPLES
        int64_t discarded = 0;
        for (bool goes_on = true; goes_on and taken_ < most_samples;) {
            std::span<uint8_t> sample;
            const int failed = ring_.peek(sample);
            if (failed == -ENODATA) break;
            if (failed != 0 and failed != -EAGAIN) return failed;
            ++taken_;
            if (failed == -EAGAIN)
                ++discarded;
            else
                goes_on = hand_over(sample, function, context);
        }
        return taken_ - discarded;
    }

private:
    /// Whether to go on. What a program wrote into a sample is lost.
    bool hand_over(std::span<uint8_t> sample, uint64_t function, uint64_t context) {
        compat::run &run = *compat::run::current();
        const dynptr d{dynptr::kind::local, word_of(sample.data()), sample.size()};
        const compat::scoped_loan of_dynptr{run.memory(),
                                            {word_of(&d), sizeof d, permission::read}};
        const compat::scoped_loan of_sample{run.memory(), {word_of(sample.data()), sample.size()}};
        const uint64_t arguments[5] = {word_of(&d), context, 0, 0, 0};
        uint64_t r0 = 0;
        const bool returned = run.call_back(function, arguments, r0);
        ring_.release(sample);
        return returned and r0 == 0;
    }

    user_ring_buffer &ring_;
    const uint64_t flags_;
    const bool owns_;
    int64_t taken_ = 0;
};

}  // namespace

namespace helper {

uint64_t tail_call(uint64_t /*context*/, uint64_t array, uint64_t index, uint64_t, uint64_t) {
    map &m = map_of(array);
    const auto slot = static_cast<uint32_t>(index);
    return m.definition().type == map_type::prog_array ? word_of(m.lookup_elem(&slot)) : 0;
}

uint64_t loop(uint64_t rounds, uint64_t function, uint64_t context, uint64_t flags, uint64_t) {
    constexpr uint32_t most_rounds = 1U << 23;  // the kernel's BPF_MAX_LOOPS
    const auto count = static_cast<uint32_t>(rounds);
    if (flags != 0) return word_of(-EINVAL);
    if (count > most_rounds) return word_of(-E2BIG);
    compat::run &run = *compat::run::current();
    for (uint32_t i = 0; i < count; ++i) {
        const uint64_t arguments[5] = {i, context, 0, 0, 0};
        uint64_t r0 = 0;
        if (not run.call_back(function, arguments, r0) or r0 != 0) return i + 1;
    }
    return count;
}

uint64_t for_each_map_elem(uint64_t map_word, uint64_t function, uint64_t context, uint64_t flags,
                           uint64_t) {
    if (flags != 0) return word_of(-EINVAL);
    element_callback callback{map_of(map_word), function, context};
    const int64_t visits = callback.of.for_each_elem(element_callback::visit, &callback);
    if (callback.thrown != nullptr) std::rethrow_exception(callback.thrown);
    return static_cast<uint64_t>(visits);
}

uint64_t user_ringbuf_drain(uint64_t map_word, uint64_t function, uint64_t context, uint64_t flags,
                            uint64_t) {
    user_ring_buffer *const ring = as_user_ring_buffer(&map_of(map_word));
    const bool is_known = (flags & ~uint64_t{ring_no_wakeup | ring_force_wakeup}) == 0;
    if (ring == nullptr or not is_known) return word_of(-EINVAL);
    scoped_drain drain{*ring, flags};
    return drain.owns() ? static_cast<uint64_t>(drain.run(function, context)) : word_of(-EBUSY);
}

}  // namespace helper

namespace kernel_function {

uint64_t throw_(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) { return r1; }
uint64_t throw_to(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) { return r1; }

}  // namespace kernel_function

}  // namespace bpftime::vm::runtime
