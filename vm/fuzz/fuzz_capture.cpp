// bpftime-vm: fuzz target: any bytes as a packet capture, read by us and by libpcap
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "capture.hpp"
#include "capture_input.hpp"
#include "common.hpp"

#include <algorithm>
#include <array>

using namespace bpftime::vm;
using namespace bpftime::vm::fuzz;

namespace {

tally counts{"fuzz_capture"};

cli::file_handle open_bytes(const uint8_t *data, std::size_t size) {
    return cli::file_handle{fmemopen(const_cast<uint8_t *>(data), size, "rb")};
}

/// A whole capture, as far as it is one.
struct contents {
    std::vector<byte_vector> packets;
    bool is_whole = false;  ///< it ends where a packet does
};

contents read_by_libpcap(const uint8_t *data, std::size_t size) {
    contents all;
    std::array<char, PCAP_ERRBUF_SIZE> message{};
    auto file = open_bytes(data, size);
    pcap_t *const pcap = pcap_fopen_offline(file.get(), message.data());
    if (pcap == nullptr) return all;
    static_cast<void>(file.release());
    pcap_pkthdr *header = nullptr;
    const u_char *bytes = nullptr;
    int more = pcap_next_ex(pcap, &header, &bytes);
    for (; more == 1; more = pcap_next_ex(pcap, &header, &bytes))
        all.packets.emplace_back(bytes, bytes + header->caplen);
    all.is_whole = more == PCAP_ERROR_BREAK;
    pcap_close(pcap);
    return all;
}

void check_refusal(const cli::failure &f) {
    require(f.code == cli::exit_code::bad_input and not f.message.empty(),
            "a damaged capture is bad input");
}

contents read_by_us(cli::capture_reader &reader) {
    contents all;
    for (;;) {
        const auto next = reader.next();
        if (not next) return check_refusal(next.error()), all;
        all.is_whole = not * next;
        if (all.is_whole) return all;
        const auto &packet = **next;
        all.packets.emplace_back(packet.bytes.begin(), packet.bytes.end());
    }
}

/// libpcap may cut packets that are longer than the capture says packets are, and stops at some
/// that we take.
void compare(const contents &ours, const contents &theirs) {
    const std::size_t both = std::min(ours.packets.size(), theirs.packets.size());
    for (std::size_t i = 0; i < both; ++i) {
        const auto &cut = theirs.packets[i];
        require(cut.size() <= ours.packets[i].size() and
                    std::equal(cut.begin(), cut.end(), ours.packets[i].begin()),
                "libpcap reads the same packet");
    }
    require(
        not ours.is_whole or not theirs.is_whole or ours.packets.size() == theirs.packets.size(),
        "libpcap reads as many packets");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, std::size_t size) {
    counts.count_input();
    auto file = open_bytes(data, size);
    if (file == nullptr or not cli::begins_like_capture(file.get())) return 0;
    auto reader = cli::capture_reader::open(std::move(file), "capture");
    if (not reader) return check_refusal(reader.error()), 0;
    counts.count("open");
    const contents ours = read_by_us(*reader);
    if (ours.is_whole) counts.count("whole");
    std::size_t bytes = 0;
    for (const byte_vector &packet : ours.packets) bytes += packet.size();
    require(bytes <= size, "packets are no more than the capture");
    require(not reader->link_type_name().empty(), "link types have names");
    compare(ours, read_by_libpcap(data, size));
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(uint8_t *data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
    return mutate_capture_input(data, size, max_size, seed);
}
