// bpftime-vm: maps against models: any sequence of operations gives what the model says
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "models.hpp"
#include "runtime/read_section.hpp"
#include "support.hpp"

#include <deque>
#include <map>
#include <optional>
#include <set>

namespace bpftime::vm::runtime::test {

namespace {

TEST(model, hash_is_a_bounded_dictionary) {
    constexpr uint32_t most = 8;
    check_steps("hash", [](auto more, auto pick) {
        const auto m = make(map_type::hash, most);
        std::map<uint32_t, uint64_t> model;
        while (more()) {
            const uint32_t k = pick(12);
            switch (pick(3)) {
            case 0: {
                const uint64_t v = pick(1000);
                const bool fits = model.contains(k) or model.size() < most;
                RC_ASSERT(errno_of(m->update(key(k), word(v))) == (fits ? 0 : E2BIG));
                if (fits) model[k] = v;
                break;
            }
            case 1: {
                const auto found = m->lookup(key(k));
                RC_ASSERT(found.has_value() == model.contains(k));
                if (found) RC_ASSERT(*found == word(model[k]));
                break;
            }
            default: RC_ASSERT(errno_of(m->remove(key(k))) == (model.erase(k) == 1 ? 0 : ENOENT));
            }
            RC_ASSERT(keys_of(*m).size() == model.size());
        }
    });
}

TEST(model, lru_hash_forgets_old_entries_alone) {
    static constexpr uint32_t most = 8;
    check_steps("lru hash", [](auto more, auto pick) {
        const auto m = make(map_type::lru_hash, most);
        std::map<uint32_t, uint64_t> written;
        while (more()) {
            const uint32_t k = pick(30);
            const uint64_t v = pick(1000);
            RC_ASSERT(errno_of(m->update(key(k), word(v))) == 0);
            written[k] = v;
            const auto keys = keys_of(*m);
            RC_ASSERT(keys.size() == (written.size() < most ? written.size() : most));
            RC_ASSERT(m->lookup(key(k)).value() == word(v));
            for (const bytes &there : keys)
                RC_ASSERT(m->lookup(there).value() == word(written.at(number_of<uint32_t>(there))));
        }
    });
}

TEST(model, queue_and_stack_are_deques) {
    constexpr uint32_t most = 5;
    for (const map_type type : {map_type::queue, map_type::stack}) {
        check_steps("queue", [&](auto more, auto pick) {
            const auto m = make(type, most);
            std::deque<uint64_t> model;
            while (more()) {
                if (pick(2) == 0) {
                    const uint64_t v = pick(1000);
                    const bool replaces = pick(2) == 0;
                    const bool fits = model.size() < most or replaces;
                    RC_ASSERT(m->push_elem(&v, replaces ? update_exist : update_any) ==
                              (fits ? 0 : -E2BIG));
                    if (fits and model.size() == most) model.pop_front();
                    if (fits) model.push_back(v);
                    continue;
                }
                uint64_t v = 1;
                const bool takes = pick(2) == 0;
                const int failed = takes ? m->pop_elem(&v) : m->peek_elem(&v);
                RC_ASSERT(failed == (model.empty() ? -ENOENT : 0));
                const bool first = type == map_type::queue;
                RC_ASSERT(v == (model.empty() ? 0 : first ? model.front() : model.back()));
                if (takes and not model.empty()) {
                    if (first)
                        model.pop_front();
                    else
                        model.pop_back();
                }
            }
        });
    }
}

TEST(model, lpm_trie_finds_what_trying_every_length_finds) {
    check_steps("lpm trie", [](auto more, auto pick) {
        const auto m = make(map_type::lpm_trie, 100);
        std::map<std::pair<uint32_t, uint32_t>, uint64_t> model;  // by length and leading bits
        const auto make_key = [](uint32_t length, uint32_t bits) {
            bytes k = ::bpftime::vm::runtime::test::key(length);
            for (int shift = 24; shift >= 0; shift -= 8)
                k.push_back(static_cast<uint8_t>(bits >> shift));
            return k;
        };
        const auto leading = [](uint32_t length, uint32_t bits) {
            return length == 0 ? 0 : bits >> (32 - length);
        };
        while (more()) {
            const uint32_t length = pick(33);
            const uint32_t bits = (pick(4) << 30) | (pick(4) << 14) | pick(4);
            const bytes k = make_key(length, bits);
            switch (pick(3)) {
            case 0: {
                const uint64_t v = pick(1000) + 1;
                RC_ASSERT(errno_of(m->update(k, word(v))) == 0);
                model[{length, leading(length, bits)}] = v;
                break;
            }
            case 1:
                RC_ASSERT(errno_of(m->remove(k)) ==
                          (model.erase({length, leading(length, bits)}) == 1 ? 0 : ENOENT));
                break;
            default: {
                std::optional<uint64_t> expected;
                for (uint32_t l = 0; l <= length; ++l) {
                    if (const auto it = model.find({l, leading(l, bits)}); it != model.end())
                        expected = it->second;
                }
                const auto found = m->lookup(k);
                RC_ASSERT(found.has_value() == expected.has_value());
                if (expected) RC_ASSERT(*found == word(*expected));
            }
            }
            RC_ASSERT(keys_of(*m).size() == model.size());
        }
    });
}

TEST(model, ring_buffer_hands_over_what_was_submitted_in_order) {
    check_steps("ring", [](auto more, auto pick) {
        const auto m = make(map_type::ringbuf, 4096);
        ring_buffer &ring = *as_ring_buffer(m.get());
        std::deque<bytes> model;
        const auto take = [&](std::span<const uint8_t> record) {
            RC_ASSERT(not model.empty());
            RC_ASSERT(std::ranges::equal(record, model.front()));
            model.pop_front();
            return true;
        };
        while (more()) {
            const uint32_t size = pick(5) == 0 ? pick(5000) : pick(60);
            const auto fill = static_cast<uint8_t>(pick(256));
            auto *const record = static_cast<uint8_t *>(ring.reserve(size, 0));
            if (record != nullptr) {
                std::memset(record, fill, size);
                if (pick(4) == 0) {
                    ring.discard(record, 0);
                } else {
                    ring.submit(record, 0);
                    model.push_back(bytes(size, fill));
                }
            }
            if (pick(3) == 0) ring.consume(take);
        }
        ring.consume(take);
        RC_ASSERT(model.empty());
        RC_ASSERT(ring.query(0) == 0U);
    });
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
