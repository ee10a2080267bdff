// bpftime-vm: the operations on maps that the benchmark measures
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "operations.hpp"

#include "compat/map_probe.hpp"
#include "isa/text.hpp"
#include "runtime/cpu.hpp"
#include "runtime/ring_buffer.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace bpftime::vm::benchmark {

namespace {

using runtime::map;

map_definition define(map_type type, uint32_t key_size, uint32_t max_entries, uint32_t flags = 0) {
    const uint32_t value_size = type == map_type::ringbuf ? 0 : 8;
    return {.name = "bench",
            .type = type,
            .key_size = key_size,
            .value_size = value_size,
            .max_entries = max_entries,
            .flags = flags};
}

// --- keys

void write_number(arguments &a, uint32_t i) { std::memcpy(a.key.data(), &i, sizeof i); }

/// As a prefix of 32 bits.
void write_prefix(arguments &a, uint32_t i) {
    const uint32_t length = 32;
    std::memcpy(a.key.data(), &length, sizeof length);
    std::memcpy(a.key.data() + 4, &i, sizeof i);
}

/// An address of so many bytes, and its length.
template <uint32_t Bytes>
void write_address(arguments &a, uint32_t i) {
    const uint32_t length = Bytes * 8;
    const uint64_t words[] = {(i + 1) * 0x9e37'79b9'7f4a'7c15, (i + 1) * 0xd1b5'4a32'd192'ed03};
    std::memcpy(a.key.data(), &length, sizeof length);
    std::memcpy(a.key.data() + 4, words, Bytes);
}

/// A prefix of it: they have so many lengths, from 0 bits to all.
template <uint32_t Bytes, uint32_t Lengths>
void write_route(arguments &a, uint32_t i) {
    write_address<Bytes>(a, i);
    if constexpr (Lengths > 1) {
        const uint32_t length = i % Lengths * (Bytes * 8) / (Lengths - 1);
        std::memcpy(a.key.data(), &length, sizeof length);
    }
}

/// Far apart, so that many keys are not in one part of memory.
constexpr uint32_t key_step = 0x9e3779b1;

/// The key's number in r1.
std::string number_text(const operation &o) {
    return "mov32 %r1, " + std::to_string(static_cast<int32_t>(key_step)) +
           "\nmul32 %r1, %r6\nadd32 %r1, %r7\nand32 %r1, " + std::to_string(o.keys() - 1) + "\n";
}

constexpr const char *store_number = "stxdw [%r10-16], %r1\nstdw [%r10-8], 0\n";
constexpr const char *store_prefix = "lsh %r1, 32\nor %r1, 32\nstxdw [%r10-16], %r1\n";

// --- what is done

void lookup(map &m, arguments &a) {
    const void *const value = m.lookup_elem(a.key.data());
    uint64_t word = 0;
    if (value != nullptr) std::memcpy(&word, value, sizeof word);
    ::benchmark::DoNotOptimize(word);
}

void update(map &m, arguments &a) {
    ::benchmark::DoNotOptimize(m.update_elem(a.key.data(), &a.value, 0));
}

void add_and_delete(map &m, arguments &a) {
    ::benchmark::DoNotOptimize(m.update_elem(a.key.data(), &a.value, 0));
    ::benchmark::DoNotOptimize(m.delete_elem(a.key.data()));
}

void push_and_pop(map &m, arguments &a) {
    ::benchmark::DoNotOptimize(m.push_elem(&a.value, 0));
    ::benchmark::DoNotOptimize(m.pop_elem(&a.value));
}

void reserve_and_submit(map &m, arguments &a) {
    auto &ring = static_cast<runtime::ring_buffer &>(m);
    void *const record = ring.reserve(8, 0);
    if (record == nullptr) return;
    std::memcpy(record, &a.value, 8);
    ring.submit(record, runtime::ring_no_wakeup);
}

void increment(map &m, arguments &a) {
    auto *const value = static_cast<uint64_t *>(m.lookup_elem(a.key.data()));
    if (value != nullptr) ++*value;
    ::benchmark::DoNotOptimize(value);
}

/// One function, so that nothing is measured besides.
template <auto WriteKey, auto Perform>
void round(map &m, uint32_t from, uint32_t keys) {
    arguments a;
    for (uint32_t i = 0; i < operations_of_round; ++i) {
        WriteKey(a, (from + i * key_step) & (keys - 1));
        Perform(m, a);
    }
}

const std::string key_and_map = "mov %r2, %r10\nadd %r2, -16\nlddw %r1, MAP\n";
const std::string value_and_flags = "mov %r3, %r10\nadd %r3, -24\nmov %r4, 0\n";
const std::string lookup_text =
    key_and_map + "call 1\njeq %r0, 0, +2\nldxdw %r1, [%r0]\nadd %r8, %r1\n";
const std::string increment_text =
    key_and_map + "call 1\njeq %r0, 0, +3\nldxdw %r1, [%r0]\nadd %r1, 1\nstxdw [%r0], %r1\n";
const std::string update_text = key_and_map + value_and_flags + "call 2\n";
const std::string add_and_delete_text = update_text + key_and_map + "call 3\n";
const std::string push_and_pop_text =
    "mov %r2, %r10\nadd %r2, -24\nlddw %r1, MAP\nmov %r3, 0\ncall 87\n"
    "mov %r2, %r10\nadd %r2, -24\nlddw %r1, MAP\ncall 88\n";
const std::string ring_text =
    "lddw %r1, MAP\nmov %r2, 8\nmov %r3, 0\ncall 131\njeq %r0, 0, +4\nstxdw [%r0], %r6\n"
    "mov %r1, %r0\nmov %r2, 1\ncall 132\n";

// --- the same by hand

/// Reads the values: `find(key)` gives each, or null. `Increments`: adds 1 to them instead.
template <bool Increments, typename Find>
uint64_t visit(uint32_t from, uint32_t keys, Find &&find) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < operations_of_round; ++i) {
        uint64_t *const value = find((from + i * key_step) & (keys - 1));
        if (value == nullptr) continue;
        if constexpr (Increments)
            ++*value;
        else
            sum += *value;
    }
    return sum;
}

template <bool Increments>
uint64_t visit_array(const map &m, uint32_t from, uint32_t keys) {
    auto *const values = reinterpret_cast<uint64_t *>(m.shape().values);
    const uint32_t count = m.shape().index_count;
    return visit<Increments>(from, keys,
                             [=](uint32_t i) { return i < count ? values + i : nullptr; });
}

template <bool Increments>
uint64_t visit_percpu_array(const map &m, uint32_t from, uint32_t keys) {
    const ebpf_map_probe &probe = *m.shape().probe;
    const auto values = reinterpret_cast<char *>(probe.index.values);
    const uint32_t count = probe.index.count;
    const uint64_t stride = probe.cpus.stride;
    return visit<Increments>(from, keys, [=](uint32_t i) {
        return i < count
                   ? reinterpret_cast<uint64_t *>(values + runtime::current_cpu() * stride) + i
                   : nullptr;
    });
}

uint64_t visit_hash(const map &m, uint32_t from, uint32_t keys) {
    __extension__ using wide = unsigned __int128;
    const compat::hash_probe t = m.shape().probe->hash;
    const auto word = [](uint64_t address, std::memory_order order) {
        return reinterpret_cast<const std::atomic<uint64_t> *>(address)->load(order);
    };
    return visit<false>(from, keys, [=](uint32_t key) -> uint64_t * {
        const wide product = static_cast<wide>(t.hash_init ^ key) * t.hash_factor;
        const uint64_t hash = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
        const auto bucket = static_cast<uint32_t>(hash ^ hash >> 32) & t.bucket_mask;
        for (;;) {
            uint64_t link =
                word(t.heads + uint64_t{8} * bucket, std::memory_order_acquire) >> t.head_shift;
            while ((link & 1) == 0 and link != 0) {
                const uint64_t element = t.elements + 4 * link;
                if (word(element + t.key_offset, std::memory_order_relaxed) == key)
                    return reinterpret_cast<uint64_t *>(element + t.value_offset);
                link = word(element + t.next_offset, std::memory_order_acquire);
            }
            if (link == 0 or link == (uint64_t{bucket} << 1 | 1)) return nullptr;
        }
    });
}

using native_round = uint64_t (*)(const map &m, uint32_t from, uint32_t keys);

template <auto Perform>
operation on_numbers(std::string name, const map_definition &d, uint32_t entries,
                     const std::string &text, native_round native = nullptr) {
    return {.name = std::move(name),
            .map = d,
            .entries = entries,
            .write_key = write_number,
            .round = round<write_number, Perform>,
            .native = native,
            .store_key_text = store_number,
            .text = text};
}

template <auto Perform>
operation on_prefixes(std::string name, uint32_t entries, const std::string &text) {
    const uint32_t most = std::max(entries, 1024U);
    return {.name = std::move(name),
            .map = define(map_type::lpm_trie, 8, most, map_no_prealloc),
            .entries = entries,
            .write_key = write_prefix,
            .round = round<write_prefix, Perform>,
            .store_key_text = store_prefix,
            .text = text};
}

/// Lookups of addresses of so many bytes among prefixes of so many lengths.
template <uint32_t Bytes, uint32_t Lengths>
operation among_lengths(std::string name) {
    return {.name = std::move(name),
            .map = define(map_type::lpm_trie, 4 + Bytes, 1024, map_no_prealloc),
            .entries = operation::few_keys,
            .write_key = write_address<Bytes>,
            .write_entry = write_route<Bytes, Lengths>,
            .round = round<write_address<Bytes>, lookup>};
}

std::vector<operation> make_operations() {
    using enum map_type;
    constexpr uint32_t most = 1024;
    constexpr uint32_t few = operation::few_keys;
    constexpr uint32_t many = 1U << 20;
    return {
        on_numbers<lookup>("array/lookup", define(array, 4, most), few, lookup_text,
                           visit_array<false>),
        on_numbers<increment>("array/increment", define(array, 4, most), few, increment_text,
                              visit_array<true>),
        on_numbers<lookup>("array/lookup/1M", define(array, 4, many), many, lookup_text),
        on_numbers<update>("array/update", define(array, 4, most), few, update_text),
        on_numbers<lookup>("percpu_array/lookup", define(percpu_array, 4, most), 0, lookup_text,
                           visit_percpu_array<false>),
        on_numbers<increment>("percpu_array/increment", define(percpu_array, 4, most), 0,
                              increment_text, visit_percpu_array<true>),
        on_numbers<lookup>("hash/lookup", define(hash, 4, most), few, lookup_text, visit_hash),
        on_numbers<lookup>("hash/lookup/1M", define(hash, 4, many), many, lookup_text, visit_hash),
        on_numbers<lookup>("hash/lookup_of_16_bytes", define(hash, 16, most), few, lookup_text),
        on_numbers<lookup>("hash/lookup_of_nothing", define(hash, 4, most), 0, lookup_text),
        on_numbers<update>("hash/update", define(hash, 4, most), few, update_text),
        on_numbers<update>("hash/update/1M", define(hash, 4, many), many, update_text),
        on_numbers<add_and_delete>("hash/add_and_delete", define(hash, 4, most), 0,
                                   add_and_delete_text),
        on_numbers<lookup>("percpu_hash/lookup", define(percpu_hash, 4, most), few, lookup_text),
        on_numbers<lookup>("percpu_hash/lookup/1M", define(percpu_hash, 4, many), many,
                           lookup_text),
        on_numbers<update>("percpu_hash/update", define(percpu_hash, 4, most), few, update_text),
        on_numbers<lookup>("lru_hash/lookup", define(lru_hash, 4, most), few, lookup_text),
        on_numbers<lookup>("lru_hash/lookup/1M", define(lru_hash, 4, many), many, lookup_text),
        on_numbers<update>("lru_hash/update", define(lru_hash, 4, most), few, update_text),
        on_numbers<update>("lru_hash/update/1M", define(lru_hash, 4, many), many, update_text),
        on_numbers<update>("lru_hash/update_that_forgets", define(lru_hash, 4, 128), 0,
                           update_text),
        on_prefixes<lookup>("lpm_trie/lookup", few, lookup_text),
        on_prefixes<lookup>("lpm_trie/lookup/1M", many, lookup_text),
        on_prefixes<update>("lpm_trie/update", few, update_text),
        on_prefixes<add_and_delete>("lpm_trie/add_and_delete", 0, add_and_delete_text),
        among_lengths<4, 1>("lpm_trie/lookup/1_length"),
        among_lengths<4, 4>("lpm_trie/lookup/4_lengths"),
        among_lengths<4, 33>("lpm_trie/lookup/33_lengths"),
        among_lengths<16, 129>("lpm_trie/lookup/129_lengths"),
        on_numbers<push_and_pop>("queue/push_and_pop", define(queue, 0, most), 0,
                                 push_and_pop_text),
        on_numbers<reserve_and_submit>("ringbuf/reserve_and_submit", define(ringbuf, 0, 1U << 24),
                                       0, ring_text),
    };
}

std::vector<uint8_t> assemble(const std::string &text) {
    auto code = isa::assemble(text);
    if (not code) throw std::runtime_error(code.error().message);
    return std::move(*code);
}

void replace_all(std::string &text, std::string_view what, const std::string &with) {
    for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += with.size())
        text.replace(at, what.size(), with);
}

}  // namespace

std::vector<uint8_t> program_of(const operation &o, int map) {
    std::string body = number_text(o) + o.store_key_text + o.text;
    replace_all(body, "MAP", "map_by_fd(" + std::to_string(map) + ")");
    const std::size_t slots = assemble(body + "exit").size() / 8 - 1;
    return assemble("call 7\nmov %r7, %r0\nmov %r6, 0\nmov %r8, 0\nstdw [%r10-24], 0\n" + body +
                    "add %r6, 1\njlt %r6, " + std::to_string(operations_of_round) + ", -" +
                    std::to_string(slots + 2) + "\nmov %r0, %r8\nexit");
}

std::span<const operation> operations() {
    static const std::vector<operation> all = make_operations();
    return all;
}

}  // namespace bpftime::vm::benchmark
