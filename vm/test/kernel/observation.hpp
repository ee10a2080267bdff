// bpftime-vm: what a program did, on either side
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "packets.hpp"
#include "program/map.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bpftime::vm::differential {

/// Fields of a packet that are not in its bytes: of struct __sk_buff, those that programs may write
/// and BPF_PROG_TEST_RUN gives back.
struct packet_marks {
    uint32_t mark = 0;
    uint32_t priority = 0;
    std::array<uint32_t, 5> cb{};
    uint64_t tstamp = 0;

    bool operator==(const packet_marks &) const = default;
};

/// One run.
struct observation {
    std::string refusal;  ///< why there was none; not empty: nothing else counts
    uint32_t verdict = 0;
    bytes packet;  ///< with the metadata before it
    std::optional<packet_marks> marks;

    bool operator==(const observation &) const = default;
};

[[nodiscard]] inline observation refused(std::string why) {
    observation o;
    o.refusal = std::move(why);
    return o;
}

struct by_content {
    bool operator()(const bytes &a, const bytes &b) const {
        return std::ranges::lexicographical_compare(a, b);
    }
};

/// What is in a map after the last run: by key, or records in their order.
struct map_contents {
    std::map<bytes, bytes, by_content> entries;
    std::vector<bytes> records;

    bool operator==(const map_contents &) const = default;
};

/// A program on all packets, one after the other.
struct trace {
    std::vector<observation> runs;
    std::map<std::string, map_contents> maps;  ///< by name
};

/// The first difference of two traces in words; "" if there is none. Packets that `expected` has a
/// refusal for are not compared.
[[nodiscard]] std::string difference(const trace &expected, const trace &got);

/// A map as its host sees it: how it is filled and looked at is the same for both sides.
class map_view {
public:
    virtual ~map_view() = default;
    /// The key after `key` (empty: the first); empty at the end.
    [[nodiscard]] virtual bytes next_key(const bytes &key) = 0;
    [[nodiscard]] virtual std::optional<bytes> lookup(const bytes &key) = 0;
    virtual void update(const bytes &key, const bytes &value) = 0;
    /// Takes what a queue, a stack or a ring buffer holds.
    [[nodiscard]] virtual std::vector<bytes> take_records() = 0;
    /// Bytes of a value, of all CPUs where each has its own.
    [[nodiscard]] virtual std::size_t value_size() const = 0;
};

/// Whether maps of the type hold what programs can change and hosts can list.
[[nodiscard]] bool is_compared(map_type type) noexcept;
[[nodiscard]] map_contents contents_of(const map_definition &definition, map_view &view);
/// Gives the map entries that depend on its definition alone: keys that the packets have fields
/// for, values that are small numbers.
void fill(const map_definition &definition, map_view &view);

}  // namespace bpftime::vm::differential
