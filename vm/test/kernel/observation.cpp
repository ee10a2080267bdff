// bpftime-vm: what a program did, on either side
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "observation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

namespace bpftime::vm::differential {

namespace {

bytes number(uint32_t n) {
    bytes all(sizeof n);
    std::memcpy(all.data(), &n, sizeof n);
    return all;
}

std::string hex(const bytes &b) { return fmt::format("{:02x}", fmt::join(b, "")); }

// --- differences

std::string bytes_difference(const bytes &expected, const bytes &got) {
    const auto [e, g] = std::ranges::mismatch(expected, got);
    const auto at = e - expected.begin();
    if (e == expected.end() or g == got.end())
        return fmt::format("{} bytes, not {}", got.size(), expected.size());
    return fmt::format("byte {} is {:#04x}, not {:#04x}", at, *g, *e);
}

std::string marks_difference(const packet_marks &e, const packet_marks &g) {
    if (e.mark != g.mark) return fmt::format("mark {:#x}, not {:#x}", g.mark, e.mark);
    if (e.priority != g.priority)
        return fmt::format("priority {:#x}, not {:#x}", g.priority, e.priority);
    if (e.tstamp != g.tstamp) return fmt::format("tstamp {:#x}, not {:#x}", g.tstamp, e.tstamp);
    return fmt::format("cb [{:#x}], not [{:#x}]", fmt::join(g.cb, ", "), fmt::join(e.cb, ", "));
}

std::string run_difference(const observation &expected, const observation &got) {
    if (not expected.refusal.empty()) return "";
    if (not got.refusal.empty()) return got.refusal;
    if (expected.verdict != got.verdict)
        return fmt::format("verdict {:#x}, not {:#x}", got.verdict, expected.verdict);
    if (expected.packet != got.packet)
        return "packet: " + bytes_difference(expected.packet, got.packet);
    if (expected.marks != got.marks) return marks_difference(*expected.marks, *got.marks);
    return "";
}

std::string contents_difference(const map_contents &expected, const map_contents &got) {
    for (const auto &[key, value] : expected.entries) {
        const auto at = got.entries.find(key);
        if (at == got.entries.end()) return fmt::format("key {} is missing", hex(key));
        if (at->second != value)
            return fmt::format("value of {}: {}", hex(key), bytes_difference(value, at->second));
    }
    for (const auto &[key, value] : got.entries) {
        if (not expected.entries.contains(key))
            return fmt::format("key {} is there, with value {}", hex(key), hex(value));
    }
    if (expected.records.size() != got.records.size())
        return fmt::format("{} records, not {}", got.records.size(), expected.records.size());
    for (std::size_t i = 0; i < got.records.size(); ++i) {
        if (expected.records[i] != got.records[i])
            return fmt::format("record {}: {}", i,
                               bytes_difference(expected.records[i], got.records[i]));
    }
    return "";
}

// --- contents

bool is_array(map_type type) noexcept {
    return type == map_type::array or type == map_type::percpu_array;
}

bool has_records(map_type type) noexcept {
    return type == map_type::queue or type == map_type::stack or type == map_type::ringbuf;
}

bool is_zero(const bytes &value) {
    return std::ranges::all_of(value, [](uint8_t b) { return b == 0; });
}

/// The values that are not zero: arrays are large.
map_contents array_contents(const map_definition &definition, map_view &view) {
    map_contents out;
    for (uint32_t i = 0; i < definition.max_entries; ++i) {
        auto value = view.lookup(number(i));
        if (value and not is_zero(*value)) out.entries.emplace(number(i), std::move(*value));
    }
    return out;
}

// --- filling

/// Bytes of the packets that programs make keys of: addresses of each kind, ports, VLAN tags.
std::vector<bytes> fields_of_packets() {
    struct field {
        std::size_t at;
        std::size_t size;
    };
    constexpr auto fields = std::to_array<field>({{0, 6},
                                                  {6, 6},
                                                  {12, 2},
                                                  {26, 4},
                                                  {30, 4},
                                                  {22, 16},
                                                  {38, 16},
                                                  {34, 2},
                                                  {36, 2},
                                                  {54, 2},
                                                  {56, 2}});
    std::vector<bytes> all;
    for (const named_packet &p : packets()) {
        for (const auto [at, size] : fields) {
            const auto begin = p.frame.begin() + static_cast<std::ptrdiff_t>(at);
            if (at + size <= p.frame.size())
                all.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(size));
        }
    }
    return all;
}

std::vector<bytes> keys_for(const map_definition &definition) {
    const std::size_t size = definition.key_size;
    std::vector<bytes> keys;
    if (definition.type == map_type::lpm_trie) {
        for (const bytes &field : fields_of_packets()) {
            if (field.size() + sizeof(uint32_t) != size) continue;
            bytes key = number(static_cast<uint32_t>(field.size() * 8));
            key.insert(key.end(), field.begin(), field.end());
            keys.push_back(std::move(key));
        }
        return keys;
    }
    for (uint32_t n = 0; n < 8; ++n) {
        bytes key = number(n);
        key.resize(size);
        keys.push_back(std::move(key));
    }
    for (bytes field : fields_of_packets()) {
        if (field.size() > size) continue;
        field.resize(size);
        keys.push_back(std::move(field));
    }
    return keys;
}

bytes value_for(std::size_t size, std::size_t which) {
    bytes value(size);
    for (std::size_t i = 0; i < size; i += sizeof(uint32_t))
        value[i] = static_cast<uint8_t>((which + i / sizeof(uint32_t)) % 4 + 1);
    return value;
}

}  // namespace

std::string difference(const trace &expected, const trace &got) {
    for (std::size_t i = 0; i < expected.runs.size(); ++i) {
        if (const auto d = run_difference(expected.runs[i], got.runs[i]); not d.empty())
            return fmt::format("on {}: {}", packets()[i].name, d);
    }
    for (const auto &[name, contents] : expected.maps) {
        const auto at = got.maps.find(name);
        if (at == got.maps.end()) return fmt::format("map {} is missing", name);
        if (const auto d = contents_difference(contents, at->second); not d.empty())
            return fmt::format("map {}: {}", name, d);
    }
    return "";
}

bool is_compared(map_type type) noexcept {
    switch (type) {
    case map_type::array:
    case map_type::percpu_array:
    case map_type::hash:
    case map_type::percpu_hash:
    case map_type::lru_hash:
    case map_type::lru_percpu_hash:
    case map_type::lpm_trie:
    case map_type::queue:
    case map_type::stack:
    case map_type::ringbuf: return true;
    default: return false;
    }
}

map_contents contents_of(const map_definition &definition, map_view &view) {
    if (has_records(definition.type)) return {.entries = {}, .records = view.take_records()};
    if (is_array(definition.type)) return array_contents(definition, view);
    map_contents out;
    for (bytes key = view.next_key({}); not key.empty(); key = view.next_key(key)) {
        if (auto value = view.lookup(key)) out.entries.emplace(key, std::move(*value));
    }
    return out;
}

void fill(const map_definition &definition, map_view &view) {
    if (not is_compared(definition.type) or has_records(definition.type)) return;
    // The kernel's LRU maps forget before they are full.
    const bool forgets =
        definition.type == map_type::lru_hash or definition.type == map_type::lru_percpu_hash;
    const std::size_t most =
        std::min<std::size_t>(forgets ? definition.max_entries / 64 : definition.max_entries, 128);
    const bool array = is_array(definition.type);
    const auto keys = array ? std::vector<bytes>{} : keys_for(definition);
    for (std::size_t i = 0; i < (array ? most : std::min(most, keys.size())); ++i)
        view.update(array ? number(static_cast<uint32_t>(i)) : keys[i],
                    value_for(view.value_size(), i));
}

}  // namespace bpftime::vm::differential
