// bpftime-vm: queues and stacks
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "map_types.hpp"
#include "mapped_memory.hpp"
#include "shared_bytes.hpp"
#include "spin_lock.hpp"

#include <cerrno>
#include <mutex>

namespace bpftime::vm::runtime {

namespace {

class queue_map final : public map {
public:
    explicit queue_map(const map_definition &d)
        : map{d},
          stride_{round_up(d.value_size, 8)},
          is_stack_{d.type == map_type::stack},
          memory_{stride_ * d.max_entries} {}

    [[nodiscard]] bool has_memory() const noexcept { return static_cast<bool>(memory_); }

    /// With update_exist a full map forgets its oldest value.
    int push_elem(const void *value, uint64_t flags) noexcept override {
        if (flags == update_noexist or flags > update_exist) return -EINVAL;
        const std::lock_guard guard{lock_};
        if (count_ == definition().max_entries) {
            if (flags != update_exist) return -E2BIG;
            oldest_ = place(1);
            --count_;
        }
        store_shared(at(count_), value, definition().value_size);
        ++count_;
        return 0;
    }

    int pop_elem(void *value) noexcept override { return get_or_clear(value, true); }
    int peek_elem(void *value) noexcept override { return get_or_clear(value, false); }

private:
    /// Where the value is that `after` others are older than.
    [[nodiscard]] uint32_t place(uint32_t after) const noexcept {
        return static_cast<uint32_t>((uint64_t{oldest_} + after) % definition().max_entries);
    }
    [[nodiscard]] uint8_t *at(uint32_t after) const noexcept {
        return memory_.data() + place(after) * stride_;
    }

    int get(void *value, bool take) noexcept {
        const std::lock_guard guard{lock_};
        if (count_ == 0) return -ENOENT;
        load_shared(value, at(is_stack_ ? count_ - 1 : 0), definition().value_size);
        if (not take) return 0;
        if (not is_stack_) oldest_ = place(1);
        --count_;
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
    int host_next_key(const void * /*key*/, void * /*next*/) const noexcept override {
        return -EINVAL;
    }

    const std::size_t stride_;
    const bool is_stack_;
    const mapped_memory memory_;
    spin_lock lock_;
    uint32_t oldest_ = 0;
    uint32_t count_ = 0;
};

}  // namespace

map_ptr make_queue(const map_definition &d) {
    auto made = std::make_shared<queue_map>(d);
    return made->has_memory() ? made : nullptr;
}

}  // namespace bpftime::vm::runtime
