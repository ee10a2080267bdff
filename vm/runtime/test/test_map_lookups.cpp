// bpftime-vm: lookups of programs, which native code makes itself where it can, on every engine
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "engines.hpp"
#include "programs.hpp"
#include "runtime/cpu.hpp"
#include "runtime/helpers.hpp"
#include "runtime/map_set.hpp"
#include "support.hpp"
#include "threads.hpp"

#include <array>
#include <atomic>
#include <map>
#include <random>
#include <thread>

namespace bpftime::vm::runtime::test {

using vm::test::engine;

namespace {

constexpr std::size_t place_bytes = 40;  ///< of a key in the input
using place = std::array<uint8_t, place_bytes>;

/// For each key in the input: result = result * 31 + (its value + 1, or 0). The value's address
/// does not leave the function, so that code may find it itself.
constexpr std::string_view sum_of_lookups =
    "mov %r6, %r1\nmov %r7, %r1\nadd %r7, %r2\nmov %r8, 0\n"
    "again: jge %r6, %r7, end\n"
    "ldxdw %r1, [%r6]\nstxdw [%r10-40], %r1\nldxdw %r1, [%r6+8]\nstxdw [%r10-32], %r1\n"
    "ldxdw %r1, [%r6+16]\nstxdw [%r10-24], %r1\nldxdw %r1, [%r6+24]\nstxdw [%r10-16], %r1\n"
    "ldxdw %r1, [%r6+32]\nstxdw [%r10-8], %r1\n"
    "mov %r2, %r10\nadd %r2, -40\nlddw %r1, map_by_idx(0)\ncall 1\n"
    "mul %r8, 31\njeq %r0, 0, next\nldxdw %r1, [%r0]\nadd %r8, %r1\nadd %r8, 1\n"
    "next: add %r6, 40\nja again\n"
    "end: mov %r0, %r8\nexit";

std::atomic<uint64_t> calls;
external_function_t lookup_helper;

uint64_t counting_lookup(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    calls.fetch_add(1, std::memory_order_relaxed);
    return lookup_helper(r1, r2, r3, r4, r5);
}

class map_lookup : public testing::TestWithParam<engine> {
protected:
    void load(const std::shared_ptr<map> &m, std::string_view text) {
        vm_ = vm::test::make_vm(GetParam());
        ASSERT_EQ(vm_->set_pointer_secret(secret_), EBPF_OK);
        maps_ = {};
        maps_.add(m);
        ASSERT_EQ(errno_of(maps_.attach(*vm_)), 0);
        const auto code = vm::test::assemble(text);
        ASSERT_EQ(vm_->load_code(code.data(), code.size()), 0) << vm_->error_message();
    }

    uint64_t run(void *memory, std::size_t size) {
        int64_t r0 = 0;
        EXPECT_EQ(vm_->exec(memory, size, r0), 0) << vm_->error_message();
        return static_cast<uint64_t>(r0);
    }

    /// From now on `calls` says how often the helper was called.
    void count_calls() {
        for (const helper_row &row : helper_table()) {
            if (row.declaration.id != 1) continue;
            lookup_helper = row.function;
            ebpf_helper counted{.id = 1,
                                .name = "map_lookup_elem",
                                .fn = counting_lookup,
                                .ctx_fn = nullptr,
                                .context = nullptr,
                                .arguments = {},
                                .result = EBPF_RESULT_MAP_VALUE_OR_NULL,
                                .result_size = 0,
                                .purity = EBPF_IMPURE};
            counted.arguments[0].kind = EBPF_ARG_MAP;
            counted.arguments[1].kind = EBPF_ARG_MAP_KEY;
            ASSERT_EQ(vm_->register_helper(counted), 0) << vm_->error_message();
        }
        calls = 0;
    }

    /// Random keys, of which every second one is there: what the program finds is what a model has.
    void check_lookups(map_definition d) {
        SCOPED_TRACE(testing::Message() << "keys of " << d.key_size << ", " << d.max_entries
                                        << " entries, type " << static_cast<int>(d.type));
        const auto m = make(d);
        load(m, sum_of_lookups);
        std::mt19937_64 random{d.key_size * 1000 + d.max_entries};
        std::vector<place> keys(2 * std::size_t{d.max_entries});
        std::map<bytes, uint64_t> model;
        for (std::size_t i = 0; i < keys.size(); ++i) {
            for (uint8_t &byte : keys[i]) byte = static_cast<uint8_t>(random());
            const bytes k(keys[i].begin(), keys[i].begin() + d.key_size);
            if (i % 2 == 0 and model.size() < d.max_entries) model[k] = random();
        }
        for (const auto &[k, v] : model) {
            bytes values;
            const uint32_t copies = is_percpu(d.type) ? cpu_count() : 1;
            for (uint32_t cpu = 0; cpu < copies; ++cpu) {
                const bytes one = word(v + cpu * (v >> 32));
                values.insert(values.end(), one.begin(), one.end());
            }
            ASSERT_EQ(errno_of(m->update(k, values)), 0);
        }
        uint64_t expected = 0;
        for (const place &p : keys) {
            expected *= 31;
            const auto found = model.find(bytes(p.begin(), p.begin() + d.key_size));
            if (found == model.end()) continue;
            const uint64_t v = found->second;
            expected += 1 + (is_percpu(d.type) ? v + current_cpu() * (v >> 32) : v);
        }
        EXPECT_EQ(run(keys.data(), keys.size() * sizeof(place)), expected);
    }

    map_set maps_;
    std::unique_ptr<ebpf_vm> vm_;
    uint64_t secret_ = 0;
};

INSTANTIATE_TEST_SUITE_P(engines, map_lookup, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

/// On a thread that counts as another CPU than this one, if there is another one.
template <typename Body>
void on_another_cpu(Body &&body) {
    const uint32_t own = current_cpu();
    std::thread{[&] {
        EXPECT_TRUE(cpu_count() == 1 or current_cpu() != own);
        body();
    }}.join();
}

map_definition with_keys(map_type type, uint32_t key_size, uint32_t max_entries) {
    map_definition d = define(type, max_entries);
    d.key_size = key_size;
    return d;
}

TEST_P(map_lookup, finds_keys_of_every_size) {
    for (const uint32_t size : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 12U, 13U, 16U, 24U, 32U, 33U, 40U})
        check_lookups(with_keys(map_type::hash, size, 8));
}

TEST_P(map_lookup, finds_keys_in_chains) {
    for (const uint32_t entries : {1U, 2U, 64U, 1000U}) {
        check_lookups(with_keys(map_type::hash, 4, entries));
        check_lookups(with_keys(map_type::hash, 16, entries));
    }
}

TEST_P(map_lookup, finds_the_values_of_the_thread_s_cpu) {
    on_another_cpu([&] {
        for (const uint32_t size : {4U, 8U, 20U})
            check_lookups(with_keys(map_type::percpu_hash, size, 64));
    });
}

TEST_P(map_lookup, finds_what_forgets) {
    check_lookups(with_keys(map_type::lru_hash, 8, 8));
    check_lookups(with_keys(map_type::lru_percpu_hash, 8, 8));
}

TEST_P(map_lookup, finds_values_by_index) {
    const auto check = [&](map_type type) {
        const auto m = make(type, 5);
        load(m, sum_of_lookups);
        std::vector<place> keys;
        uint64_t expected = 0;
        for (const uint32_t index : {0U, 4U, 5U, 1U, 0x8000'0000U, 0xffff'ffffU, 3U}) {
            const bytes k = key(index);
            std::copy(k.begin(), k.end(), keys.emplace_back().begin());
            keys.back().back() = 1;
            expected *= 31;
            if (index >= 5) continue;
            *static_cast<uint64_t *>(m->lookup_elem(&index)) = 100 + index;
            expected += 101 + index;
        }
        EXPECT_EQ(run(keys.data(), keys.size() * sizeof(place)), expected);
    };
    check(map_type::array);
    on_another_cpu([&] { check(map_type::percpu_array); });
}

/// Of maps of this process alone, whose values' addresses stay in the function.
TEST_P(map_lookup, is_a_part_of_code_of_llvm) {
    const bool is_inlined = std::string_view{GetParam().backend} == "llvm" and
                            not GetParam().bars_speculation and cpu_of_threads() != nullptr;
    for (const auto &[type, size] : {std::pair{map_type::hash, 4U},
                                     {map_type::hash, 32U},
                                     {map_type::percpu_hash, 8U},
                                     {map_type::percpu_array, 4U}}) {
        const auto m = make(with_keys(type, size, 4));
        load(m, sum_of_lookups);
        count_calls();
        std::array<place, 3> keys{};
        run(keys.data(), sizeof keys);
        EXPECT_EQ(calls, is_inlined ? 0U : 3U) << static_cast<int>(type);
    }
}

/// Code that holds the map's addresses would give them away.
TEST_P(map_lookup, is_a_call_where_addresses_are_secret) {
    secret_ = 0x1234'5678'90ab'cdef;
    load(make(with_keys(map_type::hash, 4, 4)), sum_of_lookups);
    count_calls();
    std::array<place, 3> keys{};
    run(keys.data(), sizeof keys);
    EXPECT_EQ(calls, 3U);
}

TEST_P(map_lookup, is_a_call_in_small_code) {
    load(make(with_keys(map_type::hash, 4, 4)), sum_of_lookups);
    ebpf_optimize_options options = EBPF_OPTIMIZE_DEFAULTS;
    options.prefer_size = 1;
    ASSERT_EQ(vm_->optimize(&options), EBPF_OK);
    count_calls();
    std::array<place, 3> keys{};
    run(keys.data(), sizeof keys);
    EXPECT_EQ(calls, 3U);
}

TEST_P(map_lookup, counts_on_each_cpu_what_its_threads_do) {
    constexpr uint64_t rounds = 200;
    for (const map_type type : {map_type::percpu_array, map_type::percpu_hash}) {
        const auto m = make(type, 4);
        ASSERT_EQ(errno_of(m->update(key(1), bytes(std::size_t{8} * cpu_count()))), 0);
        // Threads may share a CPU.
        load(m,
             "mov %r1, 1\nstxw [%r10-4], %r1\nmov %r2, %r10\nadd %r2, -4\n"
             "lddw %r1, map_by_idx(0)\ncall 1\njeq %r0, 0, +2\nmov %r1, 1\n"
             "lock add [%r0], %r1\nmov %r0, 0\nexit");
        std::vector<std::atomic<uint64_t>> expected(cpu_count());
        vm::test::on_all_threads([&](unsigned) {
            for (uint64_t n = 0; n < rounds; ++n) run(nullptr, 0);
            expected[current_cpu()] += rounds;
        });
        const auto values = m->lookup(key(1));
        ASSERT_TRUE(values);
        for (uint32_t cpu = 0; cpu < cpu_count(); ++cpu)
            EXPECT_EQ(number_of(*values, cpu * 8), expected[cpu]) << static_cast<int>(type);
    }
}

/// Elements that are deleted and used again lead readers into other chains.
TEST_P(map_lookup, finds_what_stays_while_others_come_and_go) {
    constexpr uint32_t lasting = 16;
    const auto m = make(map_type::hash, 64);
    std::array<place, lasting> keys{};
    uint64_t expected = 0;
    for (uint32_t i = 0; i < lasting; ++i) {
        ASSERT_EQ(errno_of(m->update(key(i), word(i))), 0);
        std::memcpy(keys[i].data(), &i, sizeof i);
        expected = expected * 31 + i + 1;
    }
    load(m, sum_of_lookups);
    vm::test::on_all_threads([&](unsigned thread) {
        if (thread % 2 == 0) {
            for (uint32_t n = 0; n < 300; ++n) {
                auto own = keys;
                EXPECT_EQ(run(own.data(), sizeof own), expected);
            }
            return;
        }
        for (uint32_t n = 0; n < 3000; ++n) {
            const uint32_t other = lasting + (thread * 7 + n * 13) % 1000;
            if (m->update(key(other), word(other))) static_cast<void>(m->remove(key(other)));
        }
    });
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
