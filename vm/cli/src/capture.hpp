// bpftime-vm: packet captures, read and written with libpcap
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "failure.hpp"

#include <pcap/pcap.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::cli {

struct close_file {
    void operator()(std::FILE *file) const noexcept { std::fclose(file); }
};
using file_handle = std::unique_ptr<std::FILE, close_file>;

/// Whether `file`, of which nothing has been read yet, begins like a .pcap or .pcapng; leaves it at
/// its beginning.
[[nodiscard]] bool begins_like_capture(std::FILE *file);

struct packet {
    std::span<const uint8_t> bytes;  ///< valid until the next packet is read
    uint32_t original_length = 0;    ///< on the wire; more than bytes.size() if the capture cut it
    timeval timestamp{};  ///< microseconds or, if the capture is so precise, nanoseconds in tv_usec
};

/// The packets of a capture one after the other, in memory that does not grow with it. libpcap
/// opens captures, and reads .pcapng; the records of a .pcap, which are plain, are read in large
/// blocks.
class capture_reader {
public:
    /// Takes over `file`, which stands at its beginning; `name` is for messages.
    [[nodiscard]] static outcome<capture_reader> open(file_handle file, std::string name);

    /// The next packet; empty at the end. A damaged capture is a failure (bad_input).
    [[nodiscard]] outcome<std::optional<packet>> next();

    [[nodiscard]] const std::string &name() const noexcept { return name_; }
    /// DLT_* of its packets.
    [[nodiscard]] int link_type() const noexcept { return pcap_datalink(pcap_.get()); }
    [[nodiscard]] std::string link_type_name() const;
    /// How much of the file has been read, 0 to 1; empty if its size is not known.
    [[nodiscard]] std::optional<double> progress() const;

private:
    friend class capture_writer;
    struct close_pcap {
        void operator()(pcap_t *p) const noexcept { pcap_close(p); }
    };

    [[nodiscard]] outcome<std::optional<packet>> next_record();
    [[nodiscard]] outcome<std::optional<packet>> next_by_libpcap();
    [[nodiscard]] std::size_t fill(std::size_t bytes);
    [[nodiscard]] std::unexpected<failure> damaged(std::string_view how) const;
    [[nodiscard]] uint32_t word_at(std::size_t offset) const noexcept;

    std::unique_ptr<pcap_t, close_pcap> pcap_;
    std::string name_;
    int64_t file_size_ = 0;  ///< 0: not known
    uint64_t packets_ = 0;
    // Of captures whose records we read:
    bool has_plain_records_ = false;
    bool is_swapped_ = false;  ///< of the other byte order
    std::vector<uint8_t> block_;
    std::size_t begin_ = 0;  ///< of what is left of the block
    std::size_t end_ = 0;
};

class capture_writer {
public:
    /// A .pcap with the link type and the time resolution of `like`.
    [[nodiscard]] static outcome<capture_writer> create(const std::string &path,
                                                        const capture_reader &like);
    /// A .pcap of Ethernet frames, with times in microseconds.
    [[nodiscard]] static outcome<capture_writer> create(const std::string &path);

    /// Writes `bytes` with the time of `original`.
    void write(std::span<const uint8_t> bytes, const packet &original);
    [[nodiscard]] uint64_t count() const noexcept { return count_; }
    /// Fails (io) if anything that was written is lost.
    [[nodiscard]] outcome<void> finish();

private:
    [[nodiscard]] static outcome<capture_writer> create(const std::string &path, pcap_t *like);

    struct close_dumper {
        void operator()(pcap_dumper_t *d) const noexcept { pcap_dump_close(d); }
    };

    std::unique_ptr<pcap_dumper_t, close_dumper> dumper_;
    std::string path_;
    uint64_t count_ = 0;
};

}  // namespace bpftime::vm::cli
