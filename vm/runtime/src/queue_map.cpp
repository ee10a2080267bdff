// bpftime-vm: queues and stacks
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "map_memory.hpp"
#include "map_types.hpp"
#include "robust_lock.hpp"
#include "shared_bytes.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

/// What the memory begins with.
struct queue_control {
    robust_lock lock;
    // Changed under the lock; each store leaves a queue.
    relaxed<uint32_t> oldest;
    relaxed<uint32_t> count;
};
constexpr std::size_t values_at = 64;

class queue_map final : public map {
public:
    queue_map(const map_definition &d, map_memory memory)
        : map{d},
          stride_{round_up(d.value_size, 8)},
          is_stack_{d.type == map_type::stack},
          memory_{std::move(memory)},
          holder_{memory_.holder()},
          state_{*reinterpret_cast<queue_control *>(memory_.data())} {
        share(memory_);
    }

    [[nodiscard]] bool is_sound() const noexcept override {
        return state_.count <= definition().max_entries and
               state_.oldest < definition().max_entries;
    }

    /// With update_exist a full map forgets its oldest value.
    int push_elem(const void *value, uint64_t flags) noexcept override {
        if (flags == update_noexist or flags > update_exist) return -EINVAL;
        const scoped_robust_lock guard{state_.lock, holder_};
        if (state_.count == definition().max_entries) {
            if (flags != update_exist) return -E2BIG;
            state_.count = state_.count - 1;
            state_.oldest = place(1);
        }
        store_shared(at(state_.count), value, definition().value_size);
        state_.count = state_.count + 1;
        return 0;
    }

    int pop_elem(void *value) noexcept override { return get_or_clear(value, true); }
    int peek_elem(void *value) noexcept override { return get_or_clear(value, false); }

private:
    /// Where the value is that `after` others are older than.
    [[nodiscard]] uint32_t place(uint32_t after) const noexcept {
        const uint64_t at = uint64_t{state_.oldest} + after;
        const uint64_t most = definition().max_entries;
        if (at < most) return static_cast<uint32_t>(at);
        // Other processes may write any number.
        return at - most < most ? static_cast<uint32_t>(at - most) : 0;
    }
    [[nodiscard]] uint8_t *at(uint32_t after) const noexcept {
        return memory_.data() + values_at + place(after) * stride_;
    }

    int get(void *value, bool take) noexcept {
        const scoped_robust_lock guard{state_.lock, holder_};
        if (state_.count == 0) return -ENOENT;
        load_shared(value, at(is_stack_ ? state_.count - 1 : 0), definition().value_size);
        if (not take) return 0;
        state_.count = state_.count - 1;
        if (not is_stack_) state_.oldest = place(1);
        return 0;
    }

    /// Programs find zeroes where there is no value.
    int get_or_clear(void *value, bool take) noexcept {
        const int failed = get(value, take);
        if (failed != 0) std::memset(value, 0, definition().value_size);
        return failed;
    }

    int host_lookup(const void * /*key*/, void *value) noexcept override {
        return get(value, false);
    }
    int host_update(const void * /*key*/, const void *value, uint64_t flags) noexcept override {
        return push_elem(value, flags);
    }
    int host_lookup_and_delete(const void * /*key*/, void *value) noexcept override {
        return get(value, true);
    }
    int host_queued_values(std::vector<uint8_t> &values) const override {
        const std::size_t size = definition().value_size;
        values.reserve(size * definition().max_entries);  // not under the lock
        const scoped_robust_lock guard{state_.lock, holder_};
        const uint32_t count = std::min<uint32_t>(state_.count, definition().max_entries);
        values.resize(size * count);
        for (uint32_t i = 0; i < count; ++i) load_shared(&values[size * i], at(i), size);
        return 0;
    }
    int host_next_key(const void * /*key*/, void * /*next*/) const noexcept override {
        return -EINVAL;
    }

    const std::size_t stride_;
    const bool is_stack_;
    const map_memory memory_;
    const lock_holder &holder_;
    queue_control &state_;
};

}  // namespace

std::size_t bytes_of_queue(const map_definition &d) {
    return values_at + round_up(d.value_size, 8) * d.max_entries;
}

map_ptr make_queue(const map_definition &d, map_memory memory) {
    return std::make_shared<queue_map>(d, std::move(memory));
}

}  // namespace bpftime::vm::runtime
