// bpftime-vm: the elements of hash maps: where they are, and which are free
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "element_pool.hpp"

namespace bpftime::vm::runtime {

element_pool::element_pool(const map_memory &memory, uint8_t *elements, uint32_t count,
                           std::size_t element_bytes, std::atomic<uint32_t> &untouched,
                           stripe *stripes)
    : holder_{memory.holder()},
      elements_{elements},
      count_{count},
      size_{size_for(count)},
      element_bytes_{element_bytes},
      links_{elements, element_bytes, size_},
      untouched_{untouched},
      stripes_{stripes} {}

void element_pool::make_spares() noexcept {
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu)
        stripes_[cpu].spare = links_.link_to(at(count_ + cpu));
}

bool element_pool::is_sound() const noexcept {
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu) {
        const uint64_t spare = stripes_[cpu].spare;
        if (stripes_[cpu].first > size_ or (spare != 0 and not is_sound(spare))) return false;
    }
    return true;
}

bool element_pool::is_sound(uint64_t link) const noexcept {
    return links_.is_element(link) and find(links_.element_of(link)) == links_.element_of(link);
}

uint32_t element_pool::size_for(uint32_t count) noexcept { return count + cpu_count(); }

element *element_pool::take_from(stripe &s) noexcept {
    if (s.first.load(std::memory_order_relaxed) == 0) return nullptr;
    const scoped_robust_lock guard{s.lock, holder_};
    const uint32_t index = s.first.load(std::memory_order_relaxed) - 1;
    // Other processes may write a number that is too large.
    if (index >= size_) return nullptr;
    element *const e = at(index);
    s.first.store(e->hash.load(std::memory_order_relaxed), std::memory_order_relaxed);
    return e;
}

element *element_pool::take() noexcept {
    if (element *const e = take_from(this_stripe())) return e;
    if (untouched_.load(std::memory_order_relaxed) < count_) {
        const uint32_t index = untouched_.fetch_add(1, std::memory_order_relaxed);
        if (index < count_) return at(index);
        untouched_.store(count_, std::memory_order_relaxed);
    }
    for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu) {
        if (element *const e = take_from(stripes_[cpu])) return e;
    }
    return nullptr;
}

void element_pool::give(element *e) noexcept {
    stripe &s = this_stripe();
    const scoped_robust_lock guard{s.lock, holder_};
    e->hash.store(s.first.load(std::memory_order_relaxed), std::memory_order_relaxed);
    s.first.store(index_of(e) + 1, std::memory_order_relaxed);
}

/// If there is one by now, it becomes free.
void element_pool::give_as_spare(stripe &s, element *e) noexcept {
    {
        const scoped_robust_lock guard{s.lock, holder_};
        if (not links_.is_element(s.spare.load(std::memory_order_relaxed))) {
            s.spare.store(links_.link_to(e), std::memory_order_relaxed);
            return;
        }
    }
    give(e);
}

}  // namespace bpftime::vm::runtime
