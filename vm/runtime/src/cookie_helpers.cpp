// bpftime-vm: the helpers that make and check SYN cookies (RFC 4987)
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helper_functions.hpp"
#include "helper_packets.hpp"
#include "helper_sockets.hpp"
#include "helper_words.hpp"
#include "runtime/network.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <optional>
#include <random>

namespace bpftime::vm::runtime {

namespace {

// --- TCP headers (RFC 9293)

constexpr std::size_t tcp_header_bytes = 20;

class tcp_header {
public:
    /// `bytes`: at least a header without options.
    explicit tcp_header(std::span<const uint8_t> bytes) noexcept : bytes_{bytes} {}

    [[nodiscard]] std::span<const uint8_t> ports() const noexcept { return bytes_.first(4); }
    [[nodiscard]] uint32_t sequence() const noexcept {
        return network_order(number_at<uint32_t>(&bytes_[4]));
    }
    [[nodiscard]] uint32_t acknowledged() const noexcept {
        return network_order(number_at<uint32_t>(&bytes_[8]));
    }
    [[nodiscard]] std::size_t length() const noexcept { return std::size_t{bytes_[12]} >> 4 << 2; }
    [[nodiscard]] bool has(unsigned flags) const noexcept { return (bytes_[13] & flags) != 0; }

    /// The largest segment that the other side takes; 0 if it does not say.
    [[nodiscard]] uint16_t most_segment_bytes() const noexcept {
        constexpr uint8_t end = 0;
        constexpr uint8_t filler = 1;
        constexpr uint8_t segment = 2;
        constexpr std::size_t segment_option_bytes = 4;
        auto options = bytes_.subspan(tcp_header_bytes);
        uint16_t found = 0;
        while (not options.empty() and options[0] != end) {
            const std::size_t size = options[0] == filler ? 1 : options.size() > 1 ? options[1] : 0;
            if (size == 0 or size > options.size() or (options[0] != filler and size < 2)) break;
            if (options[0] == segment and size == segment_option_bytes)
                found = network_order(number_at<uint16_t>(&options[2]));
            options = options.subspan(size);
        }
        return found;
    }

private:
    std::span<const uint8_t> bytes_;
};
enum tcp_flag : unsigned { tcp_fin = 1, tcp_syn = 2, tcp_reset = 4, tcp_ack = 16 };

// --- cookies: a sequence number that says who asked, when, and for how large segments

using segment_table = std::array<uint16_t, 4>;
constexpr segment_table ipv4_segments{536, 1300, 1440, 1460};
constexpr segment_table ipv6_segments{1280 - 60, 1480 - 60, 1500 - 60, 9000 - 60};

constexpr unsigned count_shift = 24;
constexpr uint32_t low_mask = (uint32_t{1} << count_shift) - 1;
constexpr uint32_t oldest = 2;  ///< minutes

uint32_t minutes() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint32_t>(now.tv_sec / 60);
}

/// SipHash-2-4 of words, with a key of this process.
class keyed_hash {
public:
    explicit keyed_hash(uint64_t which) noexcept {
        static const auto key = make_key();
        v_ = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
              key[1] ^ 0x7465646279746573};
        add(which);
    }

    void add(uint64_t word) noexcept {
        v_[3] ^= word;
        round();
        round();
        v_[0] ^= word;
    }
    void add(std::span<const uint8_t> bytes) noexcept {
        for (std::size_t at = 0; at < bytes.size(); at += sizeof(uint64_t)) {
            const auto part = bytes.subspan(at, std::min(sizeof(uint64_t), bytes.size() - at));
            uint64_t word = 0;
            std::memcpy(&word, part.data(), part.size());
            add(word);
        }
    }

    [[nodiscard]] uint32_t finish() noexcept {
        v_[2] ^= 0xff;
        for (int i = 0; i < 4; ++i) round();
        return static_cast<uint32_t>(v_[0] ^ v_[1] ^ v_[2] ^ v_[3]);
    }

private:
    static std::array<uint64_t, 2> make_key() {
        std::random_device random;
        const auto word = [&] { return uint64_t{random()} << 32 | random(); };
        return {word(), word()};
    }

    void round() noexcept {
        auto &[a, b, c, d] = v_;
        a += b;
        b = std::rotl(b, 13) ^ a;
        a = std::rotl(a, 32);
        c += d;
        d = std::rotl(d, 16) ^ c;
        a += d;
        d = std::rotl(d, 21) ^ a;
        c += b;
        b = std::rotl(b, 17) ^ c;
        c = std::rotl(c, 32);
    }

    std::array<uint64_t, 4> v_{};
};

/// Who asks: both addresses, and the header of TCP.
struct asker {
    std::span<const uint8_t> addresses;
    tcp_header tcp;

    [[nodiscard]] const segment_table &segments() const noexcept {
        return addresses.size() == 8 ? ipv4_segments : ipv6_segments;
    }
    [[nodiscard]] uint32_t hash(uint32_t count, bool counts) const noexcept {
        keyed_hash h{counts ? uint64_t{count} << 1 | 1 : 0};
        h.add(addresses);
        h.add(tcp.ports());
        return h.finish();
    }
};

/// The cookie, and above it the size of segments that it stands for.
uint64_t make_cookie(const asker &a) noexcept {
    const segment_table &table = a.segments();
    const uint16_t said = a.tcp.most_segment_bytes();
    const uint16_t wanted = said != 0 ? said : ipv4_segments.front();
    std::size_t index = table.size() - 1;
    while (index != 0 and wanted < table[index]) --index;
    const uint32_t now = minutes();
    const uint32_t low = (a.hash(now, true) + static_cast<uint32_t>(index)) & low_mask;
    const uint32_t cookie = a.hash(0, false) + a.tcp.sequence() + (now << count_shift) + low;
    return uint64_t{table[index]} << 32 | cookie;
}

/// Whether the packet acknowledges a cookie of the last minutes.
bool is_cookie(const asker &a) noexcept {
    const uint32_t now = minutes();
    const uint32_t rest = a.tcp.acknowledged() - 1 - a.hash(0, false) - (a.tcp.sequence() - 1);
    const uint32_t age = (now - (rest >> count_shift)) & (~uint32_t{0} >> count_shift);
    if (age >= oldest) return false;
    return ((rest - a.hash(now - age, true)) & low_mask) < a.segments().size();
}

// --- what helpers get

constexpr std::size_t ipv4_addresses = 12;  ///< where they are in the header
constexpr std::size_t ipv6_addresses = 8;

asker make_asker(const uint8_t *ip, bool is_ipv6, std::span<const uint8_t> tcp) noexcept {
    const std::span<const uint8_t> addresses =
        is_ipv6 ? std::span{ip + ipv6_addresses, 32} : std::span{ip + ipv4_addresses, 8};
    return {addresses, tcp_header{tcp}};
}

uint64_t make_raw(uint64_t ip, bool is_ipv6, std::span<const uint8_t> tcp) noexcept {
    if (tcp.size() < tcp_header_bytes or tcp.size() != tcp_header{tcp}.length())
        return word_of(-EINVAL);
    return make_cookie(make_asker(pointer<const uint8_t>(ip), is_ipv6, tcp));
}

uint64_t check_raw(uint64_t ip, bool is_ipv6, uint64_t tcp) noexcept {
    const auto header = bytes_at(tcp, tcp_header_bytes);
    const asker a = make_asker(pointer<const uint8_t>(ip), is_ipv6, header);
    return word_of(is_cookie(a) ? 0 : -EACCES);
}

/// A listening socket of the network, and the headers of a packet for it.
struct socket_question {
    const network_socket *socket = nullptr;
    std::span<const uint8_t> ip;
    std::span<const uint8_t> tcp;

    [[nodiscard]] bool is_listener() const noexcept {
        return socket != nullptr and socket->view.protocol == ip::tcp and
               socket->view.state == tcp_state::listens;
    }
    [[nodiscard]] std::optional<asker> find_asker() const noexcept {
        const unsigned version = ip.empty() ? 0 : ip[0] >> 4;
        if (version == 4 and ip.size() >= runtime::ip::ipv4_header_bytes)
            return make_asker(ip.data(), false, tcp);
        if (version == 6 and ip.size() >= runtime::ip::ipv6_header_bytes)
            return make_asker(ip.data(), true, tcp);
        return {};
    }
};

socket_question question_of(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
                            uint64_t r5) noexcept {
    const packet_context *const p = packet_context::running();
    return {.socket = p == nullptr ? nullptr : p->network().find_socket(pointer<const void>(r1)),
            .ip = bytes_at(r2, r3),
            .tcp = bytes_at(r4, r5)};
}

}  // namespace

uint64_t helper::tcp_raw_gen_syncookie_ipv4(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t,
                                            uint64_t) {
    return make_raw(r1, false, bytes_at(r2, r3));
}

uint64_t helper::tcp_raw_gen_syncookie_ipv6(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t,
                                            uint64_t) {
    return make_raw(r1, true, bytes_at(r2, r3));
}

uint64_t helper::tcp_raw_check_syncookie_ipv4(uint64_t r1, uint64_t r2, uint64_t, uint64_t,
                                              uint64_t) {
    return check_raw(r1, false, r2);
}

uint64_t helper::tcp_raw_check_syncookie_ipv6(uint64_t r1, uint64_t r2, uint64_t, uint64_t,
                                              uint64_t) {
    return check_raw(r1, true, r2);
}

uint64_t helper::tcp_gen_syncookie(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
                                   uint64_t r5) {
    const socket_question q = question_of(r1, r2, r3, r4, r5);
    const bool is_whole =
        q.tcp.size() >= tcp_header_bytes and q.tcp.size() == tcp_header{q.tcp}.length();
    if (not is_whole or not q.is_listener()) return word_of(-EINVAL);
    const tcp_header tcp{q.tcp};
    if (not tcp.has(tcp_syn) or tcp.has(tcp_ack | tcp_fin | tcp_reset)) return word_of(-EINVAL);
    const auto a = q.find_asker();
    return a ? make_cookie(*a) : word_of(-EINVAL);
}

uint64_t helper::tcp_check_syncookie(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
                                     uint64_t r5) {
    const socket_question q = question_of(r1, r2, r3, r4, r5);
    if (q.tcp.size() < tcp_header_bytes or not q.is_listener()) return word_of(-EINVAL);
    const tcp_header tcp{q.tcp};
    if (not tcp.has(tcp_ack) or tcp.has(tcp_reset | tcp_syn)) return word_of(-ENOENT);
    const auto a = q.find_asker();
    if (not a) return word_of(-EINVAL);
    return word_of(is_cookie(*a) ? 0 : -ENOENT);
}

}  // namespace bpftime::vm::runtime
