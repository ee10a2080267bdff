// bpftime-vm: runs of a program over packets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "capture.hpp"
#include "failure.hpp"
#include "low_memory.hpp"
#include "runner.hpp"
#include "statistics.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::cli {

/// How a program expects its input.
enum class program_type : uint8_t {
    plain,  ///< r1 = the bytes, r2 = their number
    xdp,    ///< r1 = struct xdp_md, whose 32-bit members point to the packet
};

/// The actions of an XDP program, by value.
inline constexpr auto xdp_actions = std::to_array<std::string_view>(
    {"XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"});

/// "XDP_PASS", or "invalid action 7".
[[nodiscard]] std::string xdp_action_name(uint64_t action);

/// Whether a packet that got `verdict` goes on: XDP_PASS and XDP_TX, for other programs anything
/// but 0.
[[nodiscard]] bool passes(program_type type, uint64_t verdict) noexcept;

/// Where a packet lies while a program runs over it.
class packet_stage {
public:
    explicit packet_stage(program_type type) : type_{type} {}

    /// Copies a packet to its place.
    [[nodiscard]] outcome<void> place(std::span<const uint8_t> packet);
    /// Runs the program once over the packet in place; an XDP program's r0 is cut to the 32 bits
    /// that it returns.
    [[nodiscard]] outcome<run_result> run(runner &vm);
    /// The packet as the last run left it.
    [[nodiscard]] std::span<uint8_t> bytes() noexcept { return packet_; }

private:
    [[nodiscard]] outcome<run_result> run_xdp(runner &vm);

    program_type type_;
    low_memory low_;
    std::vector<uint8_t> plain_;
    std::span<uint8_t> packet_;
};

/// What happened to the packets of a capture.
struct packet_summary {
    /// Different results that are counted apart; the rest is counted in other_results.
    static constexpr std::size_t most_results = 4096;

    uint64_t packets = 0;
    uint64_t bytes = 0;
    uint64_t cut = 0;  ///< packets of which the capture holds the beginning only
    std::map<uint64_t, uint64_t> results;
    uint64_t other_results = 0;
    std::map<uint32_t, uint64_t> faults;  ///< by enum ebpf_fault_kind
    std::string first_fault;
    ebpf_fault first_fault_values{};
    uint64_t written = 0;
    histogram times;
    std::optional<failure> stopped_by;  ///< why the capture was not read to its end

    void count(uint64_t result);
    [[nodiscard]] uint64_t faulted() const;
};

struct packet_options {
    program_type type = program_type::plain;
    uint64_t repeat = 1;
    std::string out;       ///< capture of the packets that pass; empty: none
    std::string verdicts;  ///< text file with one result a line; empty: none
};

/// Runs the program over every packet of `capture`. A failure means that nothing could be run; what
/// happens later is in the summary.
[[nodiscard]] outcome<packet_summary> run_capture(runner &vm, capture_reader &capture,
                                                  const packet_options &options);

}  // namespace bpftime::vm::cli
