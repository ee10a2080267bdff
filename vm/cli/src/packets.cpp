// bpftime-vm: runs of programs over packets
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
#include <tuple>

namespace bpftime::vm::cli {

namespace {

using clock = std::chrono::steady_clock;

/// The room that the kernel's test runs give.
constexpr std::size_t headroom = 256;
constexpr std::size_t most_bytes_with_tailroom = 3520;
constexpr std::size_t ethernet_type_offset = 12;
/// More than captures of any link type hold.
constexpr std::size_t largest_packet = std::size_t{1} << 28;

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
    void write(const judgement &said) {
        if (not file_) return;
        if (said.too_short)
            fmt::print(file_.get(), "too short\n");
        else if (said.result)
            fmt::print(file_.get(), "{}\n", *said.result);
        else
            fmt::print(file_.get(), "fault {}\n", fault_name(said.result.error().fault.kind));
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

/// Where packets and verdicts go.
class packet_outputs {
public:
    outcome<void> open(const packet_options &options, const capture_reader *like) {
        if (auto done = verdicts_.open(options.verdicts); not done) return done;
        if (options.out.empty()) return {};
        auto writer = like != nullptr ? capture_writer::create(options.out, *like)
                                      : capture_writer::create(options.out);
        if (not writer) return std::unexpected{std::move(writer.error())};
        writer_ = std::move(*writer);
        return {};
    }

    void take(const packet &p, const packet_stage &stage) {
        verdicts_.write(stage.judgements().back());
        if (writer_ and stage.is_let_through()) writer_->write(stage.frame(), p);
    }

    void close(packet_summary &summary) {
        auto done = writer_ ? writer_->finish() : outcome<void>{};
        if (done) done = verdicts_.finish();
        if (not done and not summary.stopped_by) summary.stopped_by = std::move(done.error());
        if (writer_) summary.written = writer_->count();
    }

private:
    std::optional<capture_writer> writer_;
    verdict_file verdicts_;
};

uint64_t nanoseconds(clock::duration time) {
    return static_cast<uint64_t>(std::chrono::nanoseconds{time}.count());
}

void count_packet(packet_summary &summary, const packet &p, const packet_stage &stage) {
    ++summary.packets;
    summary.bytes += p.bytes.size();
    summary.cut += p.original_length > p.bytes.size();
    for (std::size_t i = 0; const judgement &said : stage.judgements())
        summary.programs[i++].count(said, summary.packets);
}

/// The loop over the packets of one capture.
class capture_run {
public:
    capture_run(runner &vm, capture_reader &capture, const packet_options &options)
        : vm_{vm}, capture_{capture}, options_{options}, stage_{vm} {
        summary_.programs.resize(vm.programs().size());
    }

    outcome<packet_summary> run() {
        if (auto done = outputs_.open(options_, &capture_); not done)
            return std::unexpected{std::move(done.error())};
        const auto start = clock::now();
        if (auto done = take_all(); not done) {
            if (summary_.packets == 0) return std::unexpected{std::move(done.error())};
            summary_.stopped_by = std::move(done.error());
        }
        outputs_.close(summary_);
        summary_.nanoseconds = nanoseconds(clock::now() - start);
        summary_.times = sampled_.times();
        return std::move(summary_);
    }

private:
    outcome<void> take_all() {
        progress_bar bar{capture_};
        for (;;) {
            auto next = capture_.next();
            if (not next) summary_.stopped_by = std::move(next.error());
            if (not next or not*next) return {};
            if (auto done = take(**next); not done) return done;
            bar.update(summary_.packets);
        }
    }

    outcome<void> take(const packet &p) {
        for (uint64_t i = 0; i < options_.repeat; ++i) {
            const bool is_timed = sampled_.wants_next();
            const auto start = is_timed ? clock::now() : clock::time_point{};
            auto done = stage_.run(p.bytes);
            if (is_timed) sampled_.add(nanoseconds(clock::now() - start));
            vm_.finish_run();
            if (not done) return done;
            ++summary_.runs;
        }
        count_packet(summary_, p, stage_);
        outputs_.take(p, stage_);
        return {};
    }

    runner &vm_;
    capture_reader &capture_;
    const packet_options &options_;
    packet_stage stage_;
    packet_outputs outputs_;
    sampler sampled_;
    packet_summary summary_;
};

/// In network order; 0: its context has none.
uint16_t protocol_of(runtime::packet_context &packet) noexcept {
    return packet.skb() == nullptr ? uint16_t{0} : static_cast<uint16_t>(packet.skb()->protocol);
}

using target_key = std::tuple<bool, bool, const runtime::map *, uint32_t, uint64_t>;

target_key key_of(const redirection &r) noexcept {
    const runtime::packet_target target = r.target.value_or(runtime::packet_target{});
    return {r.is_copy, r.target.has_value(), target.through, target.key, target.flags};
}

/// Adds 1 to the count of `key`; false if there are too many already.
template <typename Key>
bool count_one(std::map<Key, uint64_t> &counts, const Key &key) {
    if (const auto known = counts.find(key); known != counts.end())
        ++known->second;
    else if (counts.size() < program_summary::most_results)
        counts.emplace(key, 1);
    else
        return false;
    return true;
}

}  // namespace

bool operator<(const redirection &a, const redirection &b) noexcept {
    return key_of(a) < key_of(b);
}

void program_summary::count(const judgement &said, uint64_t number) {
    ++packets;
    if (said.too_short) {
        ++too_short;
    } else if (said.result) {
        other_results += not count_one(results, *said.result);
    } else {
        const run_fault &f = said.result.error();
        if (faults.empty()) {
            first_fault = fmt::format("packet {}: {}", number, f.message);
            first_fault_values = f.fault;
        }
        ++faults[f.fault.kind];
    }
    for (const redirection &r : said.redirections)
        other_redirections += not count_one(redirections, r);
}

uint64_t program_summary::faulted() const {
    uint64_t sum = 0;
    for (const auto &[kind, count] : faults) sum += count;
    return sum;
}

packet_stage::packet_stage(const runner &vm)
    : programs_{vm.programs()}, network_{vm.network()}, judgements_(programs_.size()) {}

void packet_stage::place(std::span<const uint8_t> packet) {
    const std::size_t needed = headroom + std::max(packet.size(), most_bytes_with_tailroom);
    if (memory_.size() < needed) memory_.resize(needed);
    frame_ = std::span{memory_}.subspan(headroom, packet.size());
    std::ranges::copy(packet, frame_.begin());
    has_context_ = false;
}

/// False if the packet is too short for one.
bool packet_stage::make_context(program_type type) {
    if (frame_.size() < ethernet_header_bytes) return false;
    if (frame_.data() == rebuilt_.data()) place(frame_);
    const auto before = static_cast<std::size_t>(frame_.data() - memory_.data());
    const std::size_t used = before + frame_.size();
    const std::size_t end = headroom + most_bytes_with_tailroom;
    const runtime::packet_room room{.before = before, .after = end > used ? end - used : 0};
    if (context_ and context_->type() == type) {
        if (not context_->renew(frame_, room)) return false;
    } else {
        auto made = runtime::packet_context::create(type, frame_, room);
        if (not made) return false;
        context_.emplace(std::move(*made));
        context_->set_network(network_);
    }
    has_context_ = true;
    std::ranges::copy(frame_.first(ethernet_header_bytes), header_.begin());
    protocol_ = protocol_of(*context_);
    return true;
}

/// Programs that do not see the Ethernet header may have made the packet longer where that was.
void packet_stage::take_packet() {
    const auto seen = context_->packet();
    if (runtime::sees_ethernet(context_->type())) {
        frame_ = seen;
        return;
    }
    const auto behind_header = frame_.subspan(ethernet_header_bytes);
    if (seen.data() == behind_header.data() and seen.size() == behind_header.size()) return;
    rebuilt_.assign(header_.begin(), header_.end());
    if (const uint16_t protocol = protocol_of(*context_); protocol != protocol_)
        std::memcpy(&rebuilt_[ethernet_type_offset], &protocol, sizeof protocol);
    rebuilt_.insert(rebuilt_.end(), seen.begin(), seen.end());
    frame_ = rebuilt_;
}

outcome<void> packet_stage::judge(const runnable &program, judgement &out) {
    out.too_short = false;
    out.then = fate::dropped;
    out.redirections.clear();
    const bool takes_packets = program.takes_packets();
    // What it writes there, a context would not know of.
    if (not takes_packets and frame_.data() == rebuilt_.data()) has_context_ = false;
    if (takes_packets and not(has_context_ and context_->type() == program.type())) {
        out.too_short = not make_context(program.type());
        if (out.too_short) return {};
    }
    auto result = takes_packets ? program.run(*context_) : program.run(frame_);
    if (not result) return std::unexpected{std::move(result.error())};
    out.result = std::move(*result);
    if (not out.result) return {};
    out.then = fate_of(program.type(), *out.result);
    if (not takes_packets) return {};
    take_packet();
    note_redirections(out);
    return {};
}

void packet_stage::note_redirections(judgement &out) const {
    for (const runtime::packet_target &copy : context_->copies())
        out.redirections.push_back({copy, true});
    if (out.then == fate::redirected) out.redirections.push_back({context_->target(), false});
}

outcome<void> packet_stage::run(std::span<const uint8_t> packet) {
    if (packet.size() > largest_packet) {
        return fail(exit_code::bad_input, "a packet of {} bytes is larger than {}", packet.size(),
                    largest_packet);
    }
    place(packet);
    judged_ = 0;
    for (const runnable &program : programs_) {
        judgement &said = judgements_[judged_++];
        if (auto done = judge(program, said); not done) return done;
        if (said.then != fate::passes) break;
    }
    return {};
}

bool packet_stage::is_let_through() const noexcept {
    const judgement &last = judgements().back();
    return last.then == fate::passes or last.then == fate::sent;
}

outcome<packet_summary> run_capture(runner &vm, capture_reader &capture,
                                    const packet_options &options) {
    return capture_run{vm, capture, options}.run();
}

outcome<packet_summary> run_packet(runner &vm, packet_stage &stage, std::span<const uint8_t> bytes,
                                   const packet_options &options) {
    packet_summary summary;
    summary.programs.resize(vm.programs().size());
    packet_outputs outputs;
    if (auto done = outputs.open(options, nullptr); not done)
        return std::unexpected{std::move(done.error())};
    for (uint64_t i = 0; i < options.repeat; ++i) {
        const auto start = clock::now();
        auto done = stage.run(bytes);
        const auto time = clock::now() - start;
        vm.finish_run();
        if (not done) return std::unexpected{std::move(done.error())};
        summary.times.add(nanoseconds(time));
        summary.nanoseconds += nanoseconds(time);
        ++summary.runs;
        const judgement &last = stage.judgements().back();
        if (last.too_short) {
            return fail(exit_code::bad_input,
                        "a packet of {} bytes has no Ethernet header: give at least {}",
                        bytes.size(), ethernet_header_bytes);
        }
        if (not last.result) break;
    }
    const packet p{bytes, static_cast<uint32_t>(bytes.size()), {}};
    count_packet(summary, p, stage);
    outputs.take(p, stage);
    outputs.close(summary);
    return summary;
}

}  // namespace bpftime::vm::cli
