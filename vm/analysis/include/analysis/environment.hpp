// bpftime-vm: what an analysis is told of the world outside the program
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "program/helper.hpp"
#include "program/region.hpp"

#include <cstdint>
#include <span>

namespace bpftime::vm::analysis {

/// No memory is longer. What says so of itself is not believed to be anywhere.
inline constexpr uint64_t most_bytes = uint64_t{1} << 56;
/// No memory ends behind it, empty memory neither: an address of some memory and up to twice
/// most_bytes is a greater one.
inline constexpr uint64_t last_address = ~uint64_t{0} - (uint64_t{1} << 58);

/// What an lddw gives.
struct wide_value {
    enum class kind : uint8_t {
        constant,  ///< the immediate of the instruction, or the handle of the function (lddw_code)
        unknown,   ///< some word, not known before the program is linked or run
        map,       ///< map number `index`
        memory,    ///< an address in memory number `index`, which is there for the whole run
    };

    kind what = kind::unknown;
    uint32_t index = 0;
    uint64_t size = 0;    ///< memory: its bytes
    uint64_t offset = 0;  ///< memory: how far behind its start the address is
    permission allowed = permission::none;
    uint32_t alignment = 1;  ///< memory: its start is a multiple of this power of two
};

/// What a map is like that an lddw names.
struct map_facts {
    uint32_t key_size = 0;
    uint32_t value_size = 0;
    uint32_t result_size = 0;  ///< bytes that the program may touch at what a lookup gives
    permission allowed = permission::none;  ///< what it may do with them
    uint32_t index_count = 0;               ///< as in ebpf_map_shape
    uint32_t alignment = 1;                 ///< each value's start is a multiple of it
};

/// The memory that r1 and r2 tell: r1 is where it is, r2 its length in bytes.
struct input_facts {
    uint64_t least_size = 0;  ///< it has at least so many bytes; 0: it may not be there
    permission allowed = permission::read_write;
    uint32_t alignment = 1;
};

/// Which end of the packet a field of the input memory holds.
enum class packet_edge : uint8_t { meta, data, end };

/// Eight bytes of the input memory that hold an address of the packet. Believed only if the program
/// may not write the input memory: whoever gives one vouches that no other memory that the program
/// may write has these bytes, and that they change by calls of moves_packet() alone.
struct packet_field {
    uint32_t offset = 0;
    packet_edge edge = packet_edge::data;
};

/// What the program may do with the packet, from its metadata to its end.
struct packet_facts {
    permission allowed = permission::none;
    uint32_t alignment = 1;  ///< of data
};

/// The world as one program sees it; values only. What it says stays true as long as facts are
/// used that were found with it.
class environment {
public:
    environment() = default;
    virtual ~environment() = default;
    environment(const environment &) = delete;
    environment &operator=(const environment &) = delete;

    /// The helper of this id; null: it is not known, and may do anything.
    [[nodiscard]] virtual const helper_declaration *helper(uint32_t id) const noexcept = 0;
    /// What the lddw at `pc` gives.
    [[nodiscard]] virtual wide_value wide(uint32_t pc) const noexcept = 0;
    /// Map number `index` of wide().
    [[nodiscard]] virtual map_facts map(uint32_t index) const noexcept = 0;

    /// Bytes of a stack frame. Frames are at multiples of 8, twice as far from each other.
    [[nodiscard]] virtual uint32_t frame_size() const noexcept = 0;
    [[nodiscard]] virtual input_facts input() const noexcept { return {}; }

    /// Whether a call of this helper may end the run without a fault, whatever it is declared to
    /// give.
    [[nodiscard]] virtual bool unwinds(uint32_t /*helper*/) const noexcept { return false; }

    /// Fields of the input memory that hold addresses of the packet.
    [[nodiscard]] virtual std::span<const packet_field> packet_fields() const noexcept {
        return {};
    }
    [[nodiscard]] virtual packet_facts packet() const noexcept { return {}; }
    /// Whether a call of this helper may move the packet, or change its length.
    [[nodiscard]] virtual bool moves_packet(uint32_t /*helper*/) const noexcept { return true; }

    /// Whether the program has an arena: pages of it come and go while it runs.
    [[nodiscard]] virtual bool has_arena() const noexcept { return false; }
    /// Whether legacy packet loads call a helper of the host.
    [[nodiscard]] virtual bool calls_for_packet_loads() const noexcept { return false; }
};

}  // namespace bpftime::vm::analysis
