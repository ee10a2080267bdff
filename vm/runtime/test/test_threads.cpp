// bpftime-vm: maps on many threads at once
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "engines.hpp"
#include "programs.hpp"
#include "runtime/cgroup_site.hpp"
#include "runtime/cpu.hpp"
#include "runtime/map_set.hpp"
#include "runtime/read_section.hpp"
#include "runtime/stack_trace_map.hpp"
#include "support.hpp"
#include "threads.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace bpftime::vm::runtime::test {

using vm::test::on_all_threads;
using vm::test::thread_count;

namespace {

constexpr uint32_t rounds = 20'000;

uint64_t read_value(const void *value) {
    return static_cast<const std::atomic<uint64_t> *>(value)->load(std::memory_order_relaxed);
}

/// Each thread owns some keys and checks that others never disturb them; all look at all.
void own_keys(map &m, uint32_t keys_of_thread) {
    on_all_threads([&](unsigned thread) {
        for (uint32_t i = 0; i < rounds; ++i) {
            const uint32_t mine = thread * keys_of_thread + i % keys_of_thread;
            const uint64_t value = uint64_t{mine} << 32 | i;
            ASSERT_EQ(m.update_elem(&mine, &value, update_any), 0);
            const void *const found = m.lookup_elem(&mine);
            ASSERT_NE(found, nullptr);
            ASSERT_EQ(read_value(found), value);
            const uint32_t other = i * 7 % (thread_count * keys_of_thread);
            if (const void *const seen = m.lookup_elem(&other)) static_cast<void>(read_value(seen));
            if (i % 3 == 0) {
                ASSERT_EQ(m.delete_elem(&mine), 0);
                ASSERT_EQ(m.lookup_elem(&mine), nullptr);
            }
        }
    });
}

TEST(threads, share_a_hash) { own_keys(*make(map_type::hash, thread_count * 16), 16); }
TEST(threads, share_a_hash_in_few_chains) { own_keys(*make(map_type::hash, thread_count), 1); }
TEST(threads, share_a_hash_of_long_keys_while_the_host_walks) {
    const auto m = make(map_type::hash, thread_count * 16);
    std::atomic<bool> stop = false;
    std::thread host{[&] {
        while (not stop.load()) {
            for (const bytes &k : keys_of(*m)) static_cast<void>(m->lookup(k));
        }
    }};
    own_keys(*m, 16);
    stop = true;
    host.join();
}

TEST(threads, count_all_entries_of_a_full_hash) {
    const auto m = make(map_type::hash, 64);
    std::atomic<uint32_t> added = 0;
    on_all_threads([&](unsigned thread) {
        for (uint32_t i = 0; i < 64; ++i) {
            const uint32_t k = thread * 64 + i;
            const uint64_t value = k;
            const int failed = m->update_elem(&k, &value, update_noexist);
            ASSERT_TRUE(failed == 0 or failed == -E2BIG);
            if (failed == 0) ++added;
        }
    });
    EXPECT_EQ(added.load(), 64U);
    EXPECT_EQ(keys_of(*m).size(), 64U);
}

TEST(threads, count_up_in_shared_values) {
    for (const map_type type : {map_type::array, map_type::hash}) {
        const auto m = make(type, 1);
        ASSERT_EQ(errno_of(m->update(key(0), word(0))), 0);
        on_all_threads([&](unsigned) {
            const uint32_t k = 0;
            for (uint32_t i = 0; i < rounds; ++i)
                static_cast<std::atomic<uint64_t> *>(m->lookup_elem(&k))->fetch_add(1);
        });
        EXPECT_EQ(program_value(*m, 0), uint64_t{rounds} * thread_count);
    }
}

TEST(threads, share_an_lru_hash) {
    const auto m = make(map_type::lru_hash, 32);
    on_all_threads([&](unsigned thread) {
        for (uint32_t i = 0; i < rounds; ++i) {
            const uint32_t k = (i * 31 + thread) % 200;
            const uint64_t value = k;
            ASSERT_EQ(m->update_elem(&k, &value, update_any), 0);
            const uint32_t other = i % 200;
            if (const void *const seen = m->lookup_elem(&other))
                static_cast<void>(read_value(seen));
            if (i % 5 == 0) m->delete_elem(&other);
        }
    });
    EXPECT_LE(keys_of(*m).size(), 32U);
}

TEST(threads, add_up_in_percpu_maps) {
    for (const map_type type : {map_type::percpu_array, map_type::percpu_hash}) {
        const auto m = make(type, 1);
        ASSERT_EQ(errno_of(m->update(key(0), bytes(m->host_value_size()))), 0);
        on_all_threads([&](unsigned) {
            const uint32_t k = 0;
            for (uint32_t i = 0; i < rounds; ++i)
                static_cast<std::atomic<uint64_t> *>(m->lookup_elem(&k))->fetch_add(1);
        });
        const bytes all = m->lookup(key(0)).value();
        uint64_t sum = 0;
        for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu) sum += number_of(all, cpu * 8);
        EXPECT_EQ(sum, uint64_t{rounds} * thread_count);
    }
}

TEST(threads, look_up_in_a_trie_that_changes) {
    const auto m = make(map_type::lpm_trie, 1000);
    on_all_threads([&](unsigned thread) {
        for (uint32_t i = 0; i < rounds / 4; ++i) {
            bytes k = key(thread < 4 ? 8 + i % 25 : 32);
            for (const uint32_t byte : {i % 3, i % 5, i % 7, i % 11})
                k.push_back(static_cast<uint8_t>(byte << 6));
            const uint64_t value = i;
            const read_section reading;
            if (thread >= 4) {
                const void *const found = m->lookup_elem(k.data());
                if (found != nullptr) static_cast<void>(read_value(found));
            } else if (i % 2 == 0) {
                ASSERT_EQ(m->update_elem(k.data(), &value, update_any), 0);
            } else {
                m->delete_elem(k.data());
            }
        }
    });
}

TEST(threads, push_and_pop_everything_once) {
    const auto m = make(map_type::queue, 1000);
    std::atomic<uint64_t> pushed = 0;
    std::atomic<uint64_t> popped = 0;
    on_all_threads([&](unsigned thread) {
        for (uint64_t i = 1; i <= rounds; ++i) {
            uint64_t value = i;
            if (thread % 2 == 0 and m->push_elem(&value, 0) == 0) pushed += i;
            if (thread % 2 == 1 and m->pop_elem(&value) == 0) popped += value;
        }
    });
    for (uint64_t value = 0; m->pop_elem(&value) == 0;) popped += value;
    EXPECT_EQ(pushed.load(), popped.load());
}

TEST(threads, send_records_in_the_order_of_each_thread) {
    const auto m = make(map_type::ringbuf, 1 << 16);
    ring_buffer &ring = *as_ring_buffer(m.get());
    std::atomic<uint64_t> sent = 0;
    std::atomic<unsigned> producing = thread_count - 1;
    uint64_t received = 0;
    std::vector<uint32_t> last(thread_count);
    on_all_threads([&](unsigned thread) {
        if (thread != 0) {
            for (uint32_t i = 1; i <= rounds; ++i) {
                const uint32_t record[2] = {thread, i};
                if (ring.output(record, sizeof record, 0) == 0) ++sent;
            }
            if (--producing == 0) ring.wake();
            return;
        }
        const auto take = [&](std::span<const uint8_t> r) {
            const auto from = number_of<uint32_t>(r);
            const auto i = number_of<uint32_t>(r, 4);
            EXPECT_LT(last[from], i);
            last[from] = i;
            ++received;
            return true;
        };
        while (producing != 0) ring.poll(take, std::chrono::milliseconds{100});
        ring.consume(take);
    });
    EXPECT_EQ(received, sent.load());
}

/// Every walk in batches meets the entries that nobody changes; others may come twice, or not.
TEST(threads, read_batches_while_others_replace_values) {
    const auto m = make(map_type::hash, 64);
    for (uint32_t k = 0; k < 64; ++k) ASSERT_EQ(errno_of(m->update(key(k), word(k))), 0);
    on_all_threads([&](unsigned thread) {
        for (uint32_t i = 0; i < rounds / 100; ++i) {
            if (thread % 2 == 0) {
                ASSERT_EQ(errno_of(m->update(key(i % 32), word(i))), 0);
                continue;
            }
            std::set<uint32_t> unchanged;
            for (bytes from;;) {
                const auto batch = m->lookup_batch(from, 9);
                ASSERT_TRUE(batch) << batch.error().message;
                for (std::size_t at = 0; at < batch->count; ++at) {
                    const auto k = number_of<uint32_t>(batch->keys, at * 4);
                    if (k >= 32) unchanged.insert(k);
                }
                from = batch->next;
                if (from.empty()) break;
            }
            ASSERT_EQ(unchanged.size(), 32U);
        }
    });
}

TEST(threads, share_an_lru_percpu_hash) {
    const auto m = make(map_type::lru_percpu_hash, 32);
    on_all_threads([&](unsigned thread) {
        for (uint32_t i = 0; i < rounds / 4; ++i) {
            const uint32_t k = (i * 31 + thread) % 200;
            const uint64_t value = k;
            ASSERT_EQ(m->update_elem(&k, &value, update_any), 0);
            if (const void *const seen = m->lookup_elem(&k)) static_cast<void>(read_value(seen));
            if (i % 5 == 0) m->delete_elem(&k);
        }
    });
    EXPECT_LE(keys_of(*m).size(), 32U);
}

TEST(threads, push_and_pop_a_stack) {
    const auto m = make(map_type::stack, 1000);
    std::atomic<uint64_t> pushed = 0;
    std::atomic<uint64_t> popped = 0;
    on_all_threads([&](unsigned thread) {
        for (uint64_t i = 1; i <= rounds / 2; ++i) {
            uint64_t value = i;
            if (thread % 2 == 0 and m->push_elem(&value, 0) == 0) pushed += i;
            if (thread % 2 == 1 and m->pop_elem(&value) == 0) popped += value;
        }
    });
    for (uint64_t value = 0; m->pop_elem(&value) == 0;) popped += value;
    EXPECT_EQ(pushed.load(), popped.load());
}

TEST(threads, remember_all_in_a_bloom_filter) {
    const auto m = make(map_type::bloom_filter, 10'000);
    on_all_threads([&](unsigned thread) {
        for (uint64_t i = 0; i < 500; ++i) {
            uint64_t value = thread * 1000 + i;
            ASSERT_EQ(m->push_elem(&value, update_any), 0);
            ASSERT_EQ(m->peek_elem(&value), 0);
        }
    });
    for (uint64_t thread = 0; thread < thread_count; ++thread) {
        for (uint64_t i = 0; i < 500; ++i) {
            uint64_t value = thread * 1000 + i;
            ASSERT_EQ(m->peek_elem(&value), 0);
        }
    }
}

TEST(threads, share_maps_of_interfaces) {
    for (const map_type type : {map_type::devmap, map_type::devmap_hash}) {
        const auto m = make(type, thread_count);
        on_all_threads([&](unsigned thread) {
            for (uint32_t i = 0; i < rounds / 10; ++i) {
                const uint32_t interface = thread + 1;
                ASSERT_EQ(errno_of(m->update(key(thread), bytes_of(interface))), 0);
                const read_section reading;
                const uint32_t other = i % thread_count;
                static_cast<void>(m->lookup_elem(&other));
                ASSERT_EQ(number_of<uint32_t>(m->lookup(key(thread)).value()), interface);
                if (i % 3 == 0) {
                    ASSERT_EQ(errno_of(m->remove(key(thread))), 0);
                }
            }
        });
    }
}

TEST(threads, share_maps_of_sockets) {
    for (const map_type type : {map_type::sockmap, map_type::sockhash}) {
        auto d = define(type, thread_count);
        d.value_size = 8;
        const auto m = make(d);
        on_all_threads([&](unsigned thread) {
            const bytes mine = key(thread);
            for (uint32_t i = 0; i < rounds / 10; ++i) {
                ASSERT_EQ(errno_of(m->update(mine, word(i), i == 0 ? update_noexist : update_any)),
                          0);
                ASSERT_EQ(m->lookup(mine).value(), word(i));
                if (const auto other = m->lookup(key(i % thread_count))) {
                    ASSERT_LT(number_of(*other), rounds);
                }
                if (i % 3 != 0) continue;
                ASSERT_EQ(errno_of(m->remove(mine)), 0);
                ASSERT_FALSE(m->lookup(mine).has_value());
            }
        });
    }
}

/// What a redirection reads is one of the values that were put there, whole.
TEST(threads, share_maps_of_cpus_and_of_their_sockets) {
    for (const map_type type : {map_type::cpumap, map_type::xskmap}) {
        auto d = define(type, 2);
        const bool has_programs = type == map_type::cpumap;
        if (has_programs) d.value_size = 8;
        const auto m = make(d);
        on_all_threads([&](unsigned thread) {
            for (uint32_t i = 0; i < rounds / 4; ++i) {
                const bytes k = key(i % std::min(2U, cpu_count()));
                if (thread % 4 == 0) {
                    const uint32_t target = i % 100 + 1;
                    const auto both = uint64_t{target} << 32 | target;
                    ASSERT_EQ(errno_of(m->update(k, has_programs ? word(both) : key(target))), 0);
                    if (i % 5 == 0) {
                        ASSERT_EQ(errno_of(m->remove(k)), 0);
                    }
                    continue;
                }
                const read_section reading;
                const void *const found = m->lookup_elem(k.data());
                if (found == nullptr) continue;
                const uint64_t value = read_value(found);
                ASSERT_LE(static_cast<uint32_t>(value), 100U);
                if (has_programs) {
                    ASSERT_EQ(value >> 32, static_cast<uint32_t>(value));
                }
            }
        });
    }
}

TEST(threads, count_in_values_of_control_groups) {
    for (const map_type type : {map_type::cgroup_storage, map_type::percpu_cgroup_storage}) {
        const auto vm = vm::test::make_vm(vm::test::engines().front());
        map_set maps{{make(type, 0)}};
        ASSERT_EQ(errno_of(maps.attach(*vm)), 0);
        const auto code = vm::test::assemble(
            "lddw %r1, map_by_idx(0)\nmov %r2, 0\ncall 81\nmov %r1, 1\n"
            "lock add [%r0], %r1\nmov %r0, 0\nexit");
        ASSERT_EQ(vm->load_code(code.data(), code.size()), 0) << vm->error_message();
        constexpr uint32_t groups = 3;
        constexpr uint32_t runs = rounds / 10;
        on_all_threads([&](unsigned thread) {
            for (uint32_t i = 0; i < runs; ++i) {
                cgroup_site site{.group = (i + thread) % groups + 1};
                const scoped_cgroup_site scope{site};
                int64_t r0 = 0;
                ASSERT_EQ(vm->exec(nullptr, 0, r0), 0);
                if (i % 16 == 0) {
                    for (const bytes &k : keys_of(*maps[0])) static_cast<void>(maps[0]->lookup(k));
                }
            }
        });
        uint64_t sum = 0;
        for (const bytes &k : keys_of(*maps[0])) {
            const bytes value = maps[0]->lookup(k).value();
            for (std::size_t at = 0; at < value.size(); at += 8) sum += number_of(value, at);
        }
        EXPECT_EQ(sum, uint64_t{runs} * thread_count);
    }
}

TEST(threads, put_stacks_into_one_map) {
    auto d = define(map_type::stack_trace, 256);
    d.value_size = 4 * 8;
    const auto m = make(d);
    stack_trace_map &stacks = *as_stack_trace_map(m.get());
    on_all_threads([&](unsigned) {
        bytes value(d.value_size);
        for (uint64_t i = 0; i < rounds / 4; ++i) {
            const uint64_t stack[] = {i % 5 + 1, i % 7 + 1, i % 3 + 1};
            const int64_t number = stacks.put(stack, i % 2 == 0 ? uint64_t{stack_replace} : 0);
            ASSERT_TRUE(number >= 0 or number == -EEXIST or number == -ENOMEM) << number;
            if (number < 0) continue;
            const auto k = key(static_cast<uint32_t>(number));
            if (m->lookup(k, value)) {
                ASSERT_LE(number_of(value), 5U) << "a stack is whole";
            }
            if (i % 11 == 0) static_cast<void>(m->remove(k));
        }
    });
}

TEST(threads, exchange_programs_while_others_look) {
    const auto m = make(map_type::prog_array, 4);
    object_map &objects = *as_object_map(m.get());
    on_all_threads([&](unsigned thread) {
        const auto mine = std::make_shared<uint64_t>(thread);
        for (uint32_t i = 0; i < rounds / 10; ++i) {
            const bytes k = key(i % 4);
            if (thread < 4) {
                ASSERT_EQ(errno_of(objects.set_program(k, mine, thread + 1, any_program)), 0);
                if (i % 7 == 0) objects.take_out(mine.get());
                continue;
            }
            const read_section reading;
            if (const void *const found = m->lookup_elem(k.data())) {
                ASSERT_LT(*static_cast<const uint64_t *>(found), 4U);
            }
        }
        objects.take_out(mine.get());
    });
}

TEST(threads, exchange_control_groups_while_others_look) {
    const auto m = make(map_type::cgroup_array, 4);
    object_map &objects = *as_object_map(m.get());
    on_all_threads([&](unsigned thread) {
        const auto mine = std::make_shared<uint64_t>(thread);
        for (uint32_t i = 0; i < rounds / 10; ++i) {
            const bytes k = key(i % 4);
            if (thread < 4) {
                ASSERT_EQ(errno_of(objects.set_object(k, mine, thread + 1)), 0);
                if (i % 5 == 0) static_cast<void>(m->remove(k));
                if (i % 7 == 0) objects.take_out(mine.get());
                continue;
            }
            if (const auto id = objects.object_id(k.data())) {
                ASSERT_GE(*id, 1U);
                ASSERT_LE(*id, 4U);
            }
        }
        objects.take_out(mine.get());
    });
    for (uint32_t i = 0; i < 4; ++i) EXPECT_FALSE(objects.object_id(key(i).data())) << i;
}

TEST(threads, replace_ring_buffers_of_perf_events_while_others_send) {
    const auto m = make(map_type::perf_event_array, 4);
    object_map &objects = *as_object_map(m.get());
    std::array<std::vector<std::shared_ptr<map>>, 2> rings;
    std::atomic<uint64_t> sent = 0;
    std::atomic<std::size_t> replacing = rings.size();
    const auto send = [&](uint32_t to) {
        const read_section reading;
        auto *const found = static_cast<map *>(m->lookup_elem(&to));
        if (found == nullptr) return;
        const uint64_t record = 0x1122334455667788;
        if (as_ring_buffer(found)->output(&record, sizeof record, 0) == 0) ++sent;
    };
    on_all_threads([&](unsigned thread) {
        if (thread >= rings.size()) {
            // However threads take turns, the last round finds what the replacing threads left.
            for (bool is_last = false; not is_last;) {
                is_last = replacing == 0;
                for (uint32_t to = 0; to < 4; ++to) send(to);
            }
            return;
        }
        for (uint32_t i = 0; i < rounds / 40; ++i) {
            const bytes k = key(i % 4);
            if (i % 3 == 0) static_cast<void>(m->remove(k));
            rings[thread].push_back(make(map_type::ringbuf, 1 << 12));
            EXPECT_EQ(errno_of(objects.set_map(k, rings[thread].back())), 0);
        }
        --replacing;
    });
    uint64_t received = 0;
    for (const auto &of_thread : rings) {
        for (const auto &ring : of_thread) {
            received += as_ring_buffer(ring.get())->consume([](auto record) {
                return number_of(record) == 0x1122334455667788;
            });
        }
    }
    EXPECT_EQ(received, sent);
    EXPECT_GT(received, 0U);
}

TEST(threads, replace_inner_maps_while_others_use_them) {
    const auto inner = make(map_type::array, 1);
    for (const map_type type : {map_type::array_of_maps, map_type::hash_of_maps}) {
        const auto outer = make(define(type, 4), inner);
        object_map &objects = *as_object_map(outer.get());
        on_all_threads([&](unsigned thread) {
            for (uint32_t i = 0; i < rounds / 20; ++i) {
                const bytes k = key(i % 4);
                if (thread < 2) {
                    ASSERT_EQ(errno_of(objects.set_map(k, make(map_type::array, 1))), 0);
                    continue;
                }
                const read_section reading;
                auto *const found = static_cast<map *>(outer->lookup_elem(k.data()));
                if (found == nullptr) continue;
                const uint32_t first = 0;
                static_cast<std::atomic<uint64_t> *>(found->lookup_elem(&first))->fetch_add(1);
            }
        });
    }
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
