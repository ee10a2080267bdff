// bpftime-vm: runs of a program over packets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "packets.hpp"

#include "output.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <numeric>
#include <ranges>

namespace bpftime::vm::cli {

namespace {

using clock = std::chrono::steady_clock;

/// The context of an XDP program: struct xdp_md of <linux/bpf.h>, in which the packet pointers have
/// 32 bits.
struct xdp_context {
    uint32_t data;
    uint32_t data_end;
    uint32_t data_meta;
    uint32_t ingress_ifindex;
    uint32_t rx_queue_index;
    uint32_t egress_ifindex;
};
static_assert(sizeof(xdp_context) == 24);

constexpr uint32_t ingress_ifindex = 1;
// As much as drivers leave before a packet; programs may not touch it.
constexpr std::size_t headroom = 256;
constexpr std::size_t first_packet_size = 1 << 18;  // the most that captures of Ethernet hold
constexpr std::size_t largest_packet = std::size_t{1}
                                       << 28;  // more than captures of any link type hold

uint32_t low_address(const uint8_t *p) {
    return static_cast<uint32_t>(reinterpret_cast<uint64_t>(p));
}

/// A bar on stderr, if that is a terminal.
class progress_bar {
public:
    explicit progress_bar(const capture_reader &capture)
        : capture_{capture}, shown_{is_terminal(stderr)} {}
    progress_bar(const progress_bar &) = delete;
    progress_bar &operator=(const progress_bar &) = delete;
    ~progress_bar() {
        if (drawn_) fmt::print(stderr, "\r\x1b[K");
    }

    void update(uint64_t packets) {
        constexpr uint64_t look_at_clock_every = 256;
        if (not shown_ or packets % look_at_clock_every != 0 or clock::now() < next_) return;
        next_ = clock::now() + std::chrono::milliseconds{100};
        draw(packets);
    }

private:
    void draw(uint64_t packets) {
        constexpr std::size_t width = 40;
        std::string bar;
        if (const auto part = capture_.progress()) {
            const auto filled = static_cast<std::size_t>(std::clamp(*part, 0.0, 1.0) * width);
            bar = fmt::format("[{}{}] {:3.0f}%  ", std::string(filled, '#'),
                              std::string(width - filled, '.'), *part * 100);
        }
        fmt::print(stderr, "\r\x1b[K{}{} packets", bar, packets);
        drawn_ = true;
    }

    const capture_reader &capture_;
    bool shown_;
    bool drawn_ = false;
    clock::time_point next_ = clock::now();
};

/// One result a line.
class verdict_file {
public:
    outcome<void> open(const std::string &path) {
        path_ = path;
        if (path.empty()) return {};
        file_.reset(std::fopen(path.c_str(), "w"));
        return file_ ? outcome<void>{} : refuse();
    }
    void write(const run_result &result) {
        if (not file_) return;
        if (result)
            fmt::print(file_.get(), "{}\n", *result);
        else
            fmt::print(file_.get(), "fault {}\n", fault_name(result.error().fault.kind));
    }
    outcome<void> finish() {
        const bool lost = file_ and (fflush(file_.get()) != 0 or ferror(file_.get()) != 0);
        return lost ? refuse() : outcome<void>{};
    }

private:
    std::unexpected<failure> refuse() const {
        return fail(exit_code::io, "cannot write '{}': {}", path_, std::strerror(errno));
    }

    std::string path_;
    file_handle file_;
};

/// The loop over the packets of one capture.
class capture_run {
public:
    capture_run(runner &vm, capture_reader &capture, const packet_options &options)
        : vm_{vm}, capture_{capture}, options_{options}, stage_{options.type} {}

    outcome<packet_summary> run() {
        if (auto done = open_outputs(); not done) return std::unexpected{std::move(done.error())};
        progress_bar bar{capture_};
        for (;;) {
            auto next = capture_.next();
            if (not next) summary_.stopped_by = std::move(next.error());
            if (not next or not*next) break;
            if (auto done = take(**next); not done) {
                if (summary_.packets == 0) return std::unexpected{std::move(done.error())};
                summary_.stopped_by = std::move(done.error());
                break;
            }
            bar.update(++summary_.packets);
        }
        close_outputs();
        return std::move(summary_);
    }

private:
    outcome<void> open_outputs() {
        if (auto done = verdicts_.open(options_.verdicts); not done) return done;
        if (options_.out.empty()) return {};
        auto writer = capture_writer::create(options_.out, capture_);
        if (not writer) return std::unexpected{std::move(writer.error())};
        writer_ = std::move(*writer);
        return {};
    }

    void close_outputs() {
        auto done = writer_ ? writer_->finish() : outcome<void>{};
        if (done) done = verdicts_.finish();
        if (not done and not summary_.stopped_by) summary_.stopped_by = std::move(done.error());
        if (writer_) summary_.written = writer_->count();
    }

    outcome<void> take(const packet &p) {
        run_result last;
        for (uint64_t i = 0; i < options_.repeat; ++i) {
            if (auto placed = stage_.place(p.bytes); not placed) return placed;
            const auto start = clock::now();
            auto result = stage_.run(vm_);
            const auto time = clock::now() - start;
            vm_.take_records();
            if (not result) return std::unexpected{std::move(result.error())};
            summary_.times.add(static_cast<uint64_t>(std::chrono::nanoseconds{time}.count()));
            last = std::move(*result);
        }
        summary_.bytes += p.bytes.size();
        summary_.cut += p.original_length > p.bytes.size();
        verdicts_.write(last);
        if (last)
            judge(p, *last);
        else
            note_fault(last.error());
        return {};
    }

    void judge(const packet &p, uint64_t verdict) {
        summary_.count(verdict);
        if (writer_ and passes(options_.type, verdict)) writer_->write(stage_.bytes(), p);
    }

    void note_fault(const run_fault &f) {
        if (summary_.faults.empty()) {
            summary_.first_fault = fmt::format("packet {}: {}", summary_.packets + 1, f.message);
            summary_.first_fault_values = f.fault;
        }
        ++summary_.faults[f.fault.kind];
    }

    runner &vm_;
    capture_reader &capture_;
    const packet_options &options_;
    packet_stage stage_;
    std::optional<capture_writer> writer_;
    verdict_file verdicts_;
    packet_summary summary_;
};

}  // namespace

std::string xdp_action_name(uint64_t action) {
    return action < xdp_actions.size() ? std::string{xdp_actions[action]}
                                       : fmt::format("invalid action {}", action);
}

bool passes(program_type type, uint64_t verdict) noexcept {
    if (type == program_type::plain) return verdict != 0;
    return verdict < xdp_actions.size() and
           (xdp_actions[verdict] == "XDP_PASS" or xdp_actions[verdict] == "XDP_TX");
}

outcome<void> packet_stage::place(std::span<const uint8_t> packet) {
    if (type_ == program_type::plain) {
        plain_.assign(packet.begin(), packet.end());
        packet_ = plain_;
        return {};
    }
    if (packet.size() > largest_packet) {
        return fail(exit_code::bad_input, "an XDP packet of {} bytes is larger than {}",
                    packet.size(), largest_packet);
    }
    if (low_.bytes().size() < headroom + packet.size()) {
        auto mapped = low_memory::map(headroom + std::max(packet.size(), first_packet_size));
        if (not mapped) return std::unexpected{std::move(mapped.error())};
        low_ = std::move(*mapped);
    }
    packet_ = low_.bytes().subspan(headroom, packet.size());
    std::ranges::copy(packet, packet_.begin());
    return {};
}

outcome<run_result> packet_stage::run(runner &vm) {
    return type_ == program_type::xdp ? run_xdp(vm) : vm.run(packet_);
}

outcome<run_result> packet_stage::run_xdp(runner &vm) {
    const uint32_t data = low_address(packet_.data());
    xdp_context context{
        data, data + static_cast<uint32_t>(packet_.size()), data, ingress_ifindex, 0, 0};
    const std::span memory{reinterpret_cast<uint8_t *>(&context), sizeof(context)};
    const ebpf_region region{packet_.data(), packet_.size(), EBPF_PERM_READ_WRITE};
    auto result = vm.run(memory, std::span{&region, packet_.empty() ? std::size_t{0} : 1});
    if (result and *result) **result = static_cast<uint32_t>(**result);
    return result;
}

void packet_summary::count(uint64_t result) {
    if (const auto known = results.find(result); known != results.end())
        ++known->second;
    else if (results.size() < most_results)
        results.emplace(result, 1);
    else
        ++other_results;
}

uint64_t packet_summary::faulted() const {
    uint64_t sum = 0;
    for (const auto &[kind, count] : faults) sum += count;
    return sum;
}

outcome<packet_summary> run_capture(runner &vm, capture_reader &capture,
                                    const packet_options &options) {
    return capture_run{vm, capture, options}.run();
}

}  // namespace bpftime::vm::cli
