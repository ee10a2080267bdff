// bpftime-vm: packet captures
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "capture.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

namespace bpftime::vm::cli {

namespace {

/// As much as is read at once.
constexpr std::size_t block_bytes = std::size_t{1} << 20;
/// The most that libpcap takes for a packet of any link type.
constexpr std::size_t largest_record = std::size_t{128} << 20;

constexpr std::size_t magic_size = 4;
using magic = std::array<uint8_t, magic_size>;

constexpr magic pcapng = {0x0a, 0x0d, 0x0d, 0x0a};
constexpr auto pcap_in_microseconds =
    std::to_array<magic>({{0xa1, 0xb2, 0xc3, 0xd4}, {0xd4, 0xc3, 0xb2, 0xa1}});
constexpr auto pcap_in_nanoseconds =
    std::to_array<magic>({{0xa1, 0xb2, 0x3c, 0x4d}, {0x4d, 0x3c, 0xb2, 0xa1}});

bool begins_with(std::span<const uint8_t> head, const magic &m) {
    return head.size() >= magic_size and std::ranges::equal(head.first(magic_size), m);
}

bool begins_with_one_of(std::span<const uint8_t> head, std::span<const magic> magics) {
    return std::ranges::any_of(magics, [&](const magic &m) { return begins_with(head, m); });
}

/// Looks at the beginning of `file` without moving it. Pushing back what was just read is safe in
/// the C libraries of Linux, also for pipes.
std::size_t peek(std::FILE *file, magic &head) {
    const std::size_t size = fread(head.data(), 1, head.size(), file);
    for (std::size_t i = size; i-- > 0;) ungetc(head[i], file);
    return size;
}

int64_t size_of(std::FILE *file) {
    struct stat status{};
    return fstat(fileno(file), &status) == 0 and S_ISREG(status.st_mode) ? status.st_size : 0;
}

bool is_same_file(std::FILE *a, const std::string &b) {
    struct stat first{};
    struct stat second{};
    return fstat(fileno(a), &first) == 0 and stat(b.c_str(), &second) == 0 and
           first.st_dev == second.st_dev and first.st_ino == second.st_ino;
}

}  // namespace

bool begins_like_capture(std::FILE *file) {
    magic bytes{};
    const std::span<const uint8_t> head{bytes.data(), peek(file, bytes)};
    return begins_with(head, pcapng) or begins_with_one_of(head, pcap_in_microseconds) or
           begins_with_one_of(head, pcap_in_nanoseconds);
}

outcome<capture_reader> capture_reader::open(file_handle file, std::string name) {
    capture_reader reader;
    reader.file_size_ = size_of(file.get());
    magic head{};
    const std::span<const uint8_t> start{head.data(), peek(file.get(), head)};
    const bool micro = begins_with_one_of(start, pcap_in_microseconds);
    std::array<char, PCAP_ERRBUF_SIZE> message{};
    reader.pcap_.reset(pcap_fopen_offline_with_tstamp_precision(
        file.get(), micro ? PCAP_TSTAMP_PRECISION_MICRO : PCAP_TSTAMP_PRECISION_NANO,
        message.data()));
    if (not reader.pcap_)
        return fail(exit_code::bad_input, "capture '{}': {}", name, message.data());
    static_cast<void>(file.release());  // closed together with pcap_
    reader.name_ = std::move(name);
    // Older versions had lengths the other way round.
    reader.has_plain_records_ = (micro or begins_with_one_of(start, pcap_in_nanoseconds)) and
                                pcap_major_version(reader.pcap_.get()) == 2 and
                                pcap_minor_version(reader.pcap_.get()) == 4;
    reader.is_swapped_ = pcap_is_swapped(reader.pcap_.get()) != 0;
    if (reader.has_plain_records_) reader.block_.resize(block_bytes);
    return reader;
}

outcome<std::optional<packet>> capture_reader::next() {
    return has_plain_records_ ? next_record() : next_by_libpcap();
}

outcome<std::optional<packet>> capture_reader::next_by_libpcap() {
    pcap_pkthdr *header = nullptr;
    const u_char *data = nullptr;
    switch (pcap_next_ex(pcap_.get(), &header, &data)) {
    case 1: ++packets_; return packet{{data, header->caplen}, header->len, header->ts};
    case PCAP_ERROR_BREAK: return std::nullopt;  // the end of the file
    default: return damaged(pcap_geterr(pcap_.get()));
    }
}

std::unexpected<failure> capture_reader::damaged(std::string_view how) const {
    return fail(exit_code::bad_input, "capture '{}' is damaged after {} packets: {}", name_,
                packets_, how);
}

/// Reads on until `bytes` are there; how many are, which is fewer at the end.
std::size_t capture_reader::fill(std::size_t bytes) {
    if (end_ - begin_ >= bytes) return bytes;
    std::copy(block_.begin() + static_cast<std::ptrdiff_t>(begin_),
              block_.begin() + static_cast<std::ptrdiff_t>(end_), block_.begin());
    end_ -= begin_;
    begin_ = 0;
    if (block_.size() < bytes) block_.resize(bytes);
    end_ += fread(block_.data() + end_, 1, block_.size() - end_, pcap_file(pcap_.get()));
    return std::min(end_, bytes);
}

uint32_t capture_reader::word_at(std::size_t offset) const noexcept {
    uint32_t word = 0;
    std::memcpy(&word, block_.data() + begin_ + offset, sizeof word);
    return is_swapped_ ? std::byteswap(word) : word;
}

/// A record is seconds, fractions, captured length, length on the wire, and the packet.
outcome<std::optional<packet>> capture_reader::next_record() {
    constexpr std::size_t header_bytes = 16;
    const std::size_t there = fill(header_bytes);
    if (ferror(pcap_file(pcap_.get())) != 0)
        return damaged(fmt::format("cannot read on: {}", std::strerror(errno)));
    if (there == 0) return std::nullopt;
    if (there < header_bytes) {
        return damaged(
            fmt::format("truncated dump file: {} of a record's {} bytes", there, header_bytes));
    }
    const std::size_t captured = word_at(8);
    if (captured > largest_record)
        return damaged(fmt::format("a packet of {} bytes, more than {}", captured, largest_record));
    if (const std::size_t all = header_bytes + captured; fill(all) < all) {
        return damaged(fmt::format("truncated dump file: {} of a packet's {} bytes",
                                   end_ - begin_ - header_bytes, captured));
    }
    const packet read{{block_.data() + begin_ + header_bytes, captured},
                      word_at(12),
                      {.tv_sec = word_at(0), .tv_usec = word_at(4)}};
    begin_ += header_bytes + captured;
    ++packets_;
    return read;
}

std::string capture_reader::link_type_name() const {
    const char *const name = pcap_datalink_val_to_name(link_type());
    return name == nullptr ? fmt::format("link type {}", link_type()) : name;
}

std::optional<double> capture_reader::progress() const {
    const auto position = ftell(pcap_file(pcap_.get()));
    if (file_size_ == 0 or position < 0) return {};
    return static_cast<double>(position) / static_cast<double>(file_size_);
}

outcome<capture_writer> capture_writer::create(const std::string &path,
                                               const capture_reader &like) {
    if (is_same_file(pcap_file(like.pcap_.get()), path)) {
        return fail(exit_code::usage,
                    "--out '{}' is the capture that is being read: choose another file", path);
    }
    return create(path, like.pcap_.get());
}

outcome<capture_writer> capture_writer::create(const std::string &path) {
    constexpr int longest_packet = 262144;
    const std::unique_ptr<pcap_t, decltype(&pcap_close)> like{
        pcap_open_dead(DLT_EN10MB, longest_packet), pcap_close};
    return create(path, like.get());
}

outcome<capture_writer> capture_writer::create(const std::string &path, pcap_t *like) {
    capture_writer writer;
    writer.path_ = path;
    file_handle file{std::fopen(path.c_str(), "wb")};
    if (not file) return fail(exit_code::io, "cannot write '{}': {}", path, std::strerror(errno));
    // From here on libpcap closes the file; in some of its failures it does so at once.
    // NOLINTNEXTLINE(clang-analyzer-unix.Stream)
    writer.dumper_.reset(pcap_dump_fopen(like, file.release()));
    if (not writer.dumper_)
        return fail(exit_code::io, "cannot write '{}': {}", path, pcap_geterr(like));
    return writer;
}

void capture_writer::write(std::span<const uint8_t> bytes, const packet &original) {
    const auto length = static_cast<uint32_t>(bytes.size());
    const pcap_pkthdr header{original.timestamp, length,
                             std::max(length, original.original_length)};
    pcap_dump(reinterpret_cast<u_char *>(dumper_.get()), &header, bytes.data());
    ++count_;
}

outcome<void> capture_writer::finish() {
    const bool flushed = pcap_dump_flush(dumper_.get()) == 0;
    const int cause = errno;
    if (flushed and ferror(pcap_dump_file(dumper_.get())) == 0) return {};
    return fail(exit_code::io, "cannot write '{}': {}", path_, std::strerror(cause));
}

}  // namespace bpftime::vm::cli
