// bpftime-vm: runs of programs over packets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "capture.hpp"
#include "failure.hpp"
#include "runner.hpp"
#include "statistics.hpp"
#include "verdicts.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bpftime::vm::cli {

/// Where a packet or a copy of it was redirected to.
struct redirection {
    std::optional<runtime::packet_target> target;  ///< empty: the verdict alone said so
    bool is_copy = false;

    friend bool operator<(const redirection &a, const redirection &b) noexcept;
};

/// What one program said of a packet.
struct judgement {
    run_result result;
    bool too_short = false;  ///< the program did not see it
    fate then = fate::dropped;
    std::vector<redirection> redirections;
};

/// What one program did with the packets that came to it.
struct program_summary {
    /// Different results, and redirections, that are counted apart; the rest is counted together.
    static constexpr std::size_t most_results = 4096;

    uint64_t packets = 0;
    std::map<uint64_t, uint64_t> results;
    uint64_t other_results = 0;
    std::map<redirection, uint64_t> redirections;
    uint64_t other_redirections = 0;
    uint64_t too_short = 0;  ///< packets without an Ethernet header, which it did not see
    std::map<uint32_t, uint64_t> faults;  ///< by enum ebpf_fault_kind
    std::string first_fault;
    fault_values first_fault_values{};

    /// Counts what it said of the packet that is number `number`, from 1 on.
    void count(const judgement &said, uint64_t number);
    [[nodiscard]] uint64_t faulted() const;
};

/// What happened to the packets of a capture.
struct packet_summary {
    uint64_t packets = 0;
    uint64_t bytes = 0;
    uint64_t cut = 0;  ///< packets of which the capture holds the beginning only
    std::vector<program_summary> programs;
    uint64_t written = 0;
    uint64_t runs = 0;                  ///< of each packet through its programs
    uint64_t nanoseconds = 0;           ///< for all of it, reading and writing included
    histogram times;                    ///< of runs that were timed one by one
    std::optional<failure> stopped_by;  ///< why the capture was not read to its end
};

inline constexpr std::size_t ethernet_header_bytes = 14;

/// Where a packet lies while programs run over it, with the room around it that the kernel's test
/// runs give. Each program gets what passed the one before it.
class packet_stage {
public:
    explicit packet_stage(const runner &vm);

    /// Puts a packet there and runs the programs over it once. What the programs said is in
    /// judgements().
    [[nodiscard]] outcome<void> run(std::span<const uint8_t> packet);
    /// One for each program that the packet came to.
    [[nodiscard]] std::span<const judgement> judgements() const noexcept {
        return std::span{judgements_}.first(judged_);
    }
    /// Whether the packet goes on after the last program, or back.
    [[nodiscard]] bool is_let_through() const noexcept;
    /// The packet as the last run left it, from its Ethernet header on: of programs that do not see
    /// that, the one that it came with, and the type there that of what follows it now.
    [[nodiscard]] std::span<const uint8_t> frame() const noexcept { return frame_; }

private:
    void place(std::span<const uint8_t> packet);
    [[nodiscard]] outcome<void> judge(const runnable &program, judgement &out);
    [[nodiscard]] bool make_context(program_type type);
    void take_packet();
    void note_redirections(judgement &out) const;

    std::span<const runnable> programs_;
    const runtime::network &network_;
    std::vector<uint8_t> memory_;
    std::vector<uint8_t> rebuilt_;  ///< a frame of a header and what a program made of the rest
    std::span<uint8_t> frame_;      ///< in one of them
    std::optional<runtime::packet_context> context_;  ///< of this packet or one before it
    bool has_context_ = false;                        ///< of this packet
    // When the context was made:
    std::array<uint8_t, ethernet_header_bytes> header_{};
    uint16_t protocol_ = 0;
    std::vector<judgement> judgements_;
    std::size_t judged_ = 0;
};

struct packet_options {
    uint64_t repeat = 1;
    std::string out;       ///< capture of the packets that pass; empty: none
    std::string verdicts;  ///< text file with one result a line; empty: none
};

/// Runs the programs over every packet of `capture`. A failure means that nothing could be run;
/// what happens later is in the summary.
[[nodiscard]] outcome<packet_summary> run_capture(runner &vm, capture_reader &capture,
                                                  const packet_options &options);

/// Runs the programs over one packet, `options.repeat` times from the same bytes, each run timed.
[[nodiscard]] outcome<packet_summary> run_packet(runner &vm, packet_stage &stage,
                                                 std::span<const uint8_t> bytes,
                                                 const packet_options &options);

}  // namespace bpftime::vm::cli
