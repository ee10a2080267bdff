// bpftime-vm: the fixed input and the expected answer of every benchmark program
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "inputs.hpp"

#include "fixed_random.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace bpftime::vm::benchmark {
namespace {

using bytes = std::span<std::uint8_t>;

/// Writes little-endian words, whatever the host's order is.
template <typename Word>
void put(bytes memory, std::size_t at, Word value) {
    for (std::size_t i = 0; i < sizeof(Word); i++) {
        memory[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
}

void put16(bytes memory, std::size_t at, std::uint64_t value) {
    put(memory, at, static_cast<std::uint16_t>(value));
}

void put32(bytes memory, std::size_t at, std::uint64_t value) {
    put(memory, at, static_cast<std::uint32_t>(value));
}

/// Writes network byte order.
template <typename Word>
void put_be(bytes memory, std::size_t at, Word value) {
    for (std::size_t i = 0; i < sizeof(Word); i++) {
        memory[at + i] = static_cast<std::uint8_t>(value >> (8 * (sizeof(Word) - 1 - i)));
    }
}

void put_be16(bytes memory, std::size_t at, std::uint64_t value) {
    put_be(memory, at, static_cast<std::uint16_t>(value));
}

void put_text(bytes memory, std::size_t at, std::string_view text) {
    std::copy(text.begin(), text.end(), memory.begin() + static_cast<std::ptrdiff_t>(at));
}

// --- plain data ----------------------------------------------------------------------------------

void random_bytes(bytes memory, std::uint64_t seed) {
    fixed_random random(seed);
    for (auto &byte : memory) {
        byte = random.byte();
    }
}

void random_from(bytes memory, std::size_t start, fixed_random &random) {
    for (auto &byte : memory.subspan(start)) {
        byte = random.byte();
    }
}

/// One cycle through all 64-bit words (Sattolo's shuffle).
void index_cycle(bytes memory, std::uint64_t seed) {
    fixed_random random(seed);
    std::vector<std::uint64_t> next(memory.size() / 8);
    std::iota(next.begin(), next.end(), 0U);
    for (std::size_t i = next.size() - 1; i > 0; i--) {
        std::swap(next[i], next[random.below(i)]);
    }
    for (std::size_t i = 0; i < next.size(); i++) {
        put(memory, 8 * i, next[i]);
    }
}

void linked_records(bytes memory, std::uint64_t seed) {
    fixed_random random(seed);
    const std::size_t records = (memory.size() - 128) / 16;
    std::array<std::uint32_t, 32> heads{};
    std::vector<std::size_t> order(records);
    std::iota(order.begin(), order.end(), 0U);
    for (std::size_t i = records - 1; i > 0; i--) {
        std::swap(order[i], order[random.below(i + 1)]);
    }
    for (const std::size_t record : order) {
        auto &head = heads[random.below(heads.size())];
        const std::size_t at = 128 + 16 * record;
        put32(memory, at, head);
        put32(memory, at + 4, random.next());
        put32(memory, at + 8, random.below(1000));
        put32(memory, at + 12, random.next());
        head = static_cast<std::uint32_t>(record + 1);
    }
    for (std::size_t i = 0; i < heads.size(); i++) {
        put32(memory, 4 * i, heads[i]);
    }
}

void ethernet_types(bytes memory, std::uint64_t seed) {
    constexpr std::array<std::uint16_t, 16> types{0x0800, 0x0806, 0x0842, 0x22f0, 0x6003, 0x8035,
                                                  0x8100, 0x8137, 0x86dd, 0x8808, 0x8847, 0x8863,
                                                  0x888e, 0x88a8, 0x88cc, 0x9100};
    fixed_random random(seed);
    for (std::size_t at = 0; at < memory.size(); at += 2) {
        const std::uint64_t pick = random.below(20);
        put(memory, at,
            pick < types.size() ? types[pick] : static_cast<std::uint16_t>(random.next()));
    }
}

void crc_table(bytes memory, std::uint64_t seed) {
    for (std::uint32_t i = 0; i < 256; i++) {
        std::uint32_t entry = i;
        for (int bit = 0; bit < 8; bit++) {
            entry = (entry >> 1) ^ ((entry & 1) != 0 ? 0xedb88320U : 0);
        }
        put(memory, 4 * std::size_t{i}, entry);
    }
    fixed_random random(seed);
    random_from(memory, 1024, random);
}

void sha256_constants(bytes memory, std::uint64_t seed) {
    constexpr std::array<std::uint32_t, 64> constants{
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
        0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
        0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
        0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
        0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
        0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
        0xc67178f2,
    };
    for (std::size_t i = 0; i < constants.size(); i++) {
        put(memory, 4 * i, constants[i]);
    }
    fixed_random random(seed);
    random_from(memory, 256, random);
}

void base64_alphabet(bytes memory, std::uint64_t seed) {
    put_text(memory, 0, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    fixed_random random(seed);
    random_from(memory, 64, random);
}

void copy_header(bytes memory, std::uint64_t seed) {
    constexpr std::uint64_t words_per_record = 19;
    fixed_random random(seed);
    random_from(memory, 16, random);
    put(memory, 0, words_per_record);
    put(memory, 8, std::uint64_t{(memory.size() - 16) / 16 / words_per_record});
}

/// Records of 64 bytes, each equal to the one before up to a random place.
void similar_records(bytes memory, std::uint64_t seed) {
    fixed_random random(seed);
    random_from(memory.first(64), 0, random);
    for (std::size_t at = 64; at < memory.size(); at += 64) {
        std::copy_n(memory.begin() + static_cast<std::ptrdiff_t>(at) - 64, 64,
                    memory.begin() + static_cast<std::ptrdiff_t>(at));
        if (const std::size_t place = random.below(72); place < 64) {
            memory[at + place] = random.byte();
        }
    }
}

/// Words of 32 small letters, each made from the one before by a few edits.
void similar_words(bytes memory, std::uint64_t seed) {
    fixed_random random(seed);
    for (std::size_t at = 0; at < memory.size(); at++) {
        const bool keep = at >= 32 && random.below(5) != 0;
        const std::size_t shift = random.below(9) == 0 ? 1 : 0;
        memory[at] =
            keep ? memory[at - 32 + shift] : static_cast<std::uint8_t>('a' + random.below(6));
    }
}

// --- tables and keys
// -------------------------------------------------------------------------------

void port_set(bytes memory, std::uint64_t seed) {
    fixed_random random(seed);
    for (std::size_t at = 0; at < 8192; at++) {
        memory[at] = random.byte() & random.byte();
    }
    random_from(memory, 8192, random);
}

void sorted_words(bytes memory, std::uint64_t seed) {
    fixed_random random(seed);
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 1024; i++) {
        word += static_cast<std::uint32_t>(1 + random.below(4'000'000));
        put(memory, 4 * i, word);
    }
    for (std::size_t at = 4096; at < memory.size(); at += 4) {
        put32(memory, at, random.below(word + 1'000'000));
    }
}

void hash_table(bytes memory, std::uint64_t seed) {
    fixed_random random(seed);
    std::array<std::uint32_t, 512> slots{};
    std::vector<std::uint32_t> present;
    while (present.size() < 360) {
        const auto key = static_cast<std::uint32_t>(1 + random.below(1'000'000));
        std::size_t slot = (key * 0x9e3779b1U) >> 23;
        while (slots[slot] != 0 && slots[slot] != key) {
            slot = (slot + 1) & 511;
        }
        if (slots[slot] == 0) {
            slots[slot] = key;
            put(memory, 8 * slot, key);
            put32(memory, 8 * slot + 4, random.next());
            present.push_back(key);
        }
    }
    for (std::size_t at = 4096; at < memory.size(); at += 4) {
        const bool hit = random.below(4) != 0;
        put32(memory, at,
              hit ? present[random.below(present.size())] : 1 + random.below(1'000'000));
    }
}

void prefix_trie(bytes memory, std::uint64_t seed) {
    constexpr std::size_t addresses = 128;
    fixed_random random(seed);
    std::vector<std::array<std::uint32_t, 3>> nodes(1);
    nodes[0][2] = 1;
    std::vector<std::uint32_t> prefixes;
    while (8 + 16 * (nodes.size() + 24) + 4 * addresses <= memory.size()) {
        const auto prefix = static_cast<std::uint32_t>(random.next());
        const std::uint64_t length = 8 + random.below(17);
        std::size_t at = 0;
        for (std::uint64_t depth = 0; depth < length; depth++) {
            const std::size_t bit = prefix >> (31 - depth) & 1;
            if (nodes[at][bit] == 0) {
                nodes[at][bit] = static_cast<std::uint32_t>(nodes.size());
                nodes.emplace_back();
            }
            at = nodes[at][bit];
        }
        prefixes.push_back(prefix);
        nodes[at][2] = static_cast<std::uint32_t>(prefixes.size() + 1);
    }
    put32(memory, 0, nodes.size());
    put32(memory, 4, addresses);
    for (std::size_t i = 0; i < nodes.size(); i++) {
        for (std::size_t field = 0; field < 3; field++) {
            put32(memory, 8 + 16 * i + 4 * field, nodes[i][field]);
        }
    }
    for (std::size_t i = 0; i < addresses; i++) {
        const std::uint32_t prefix = prefixes[random.below(prefixes.size())];
        const std::uint64_t noise = random.next() & 0xffffffff;
        const std::uint64_t address = prefix ^ noise >> random.below(32);
        put32(memory, 8 + 16 * nodes.size() + 4 * i, address);
    }
}

void access_rules(bytes memory, std::uint64_t seed) {
    constexpr std::size_t rules = 48, flows = 64;
    fixed_random random(seed);
    const auto address = [&] { return 0x0a000000 | (random.next() & 0x00070707); };
    const auto mask = [&] { return 0xffffffff << (8 * random.below(4)); };
    put32(memory, 0, rules);
    put32(memory, 4, flows);
    std::size_t at = 8;
    for (std::size_t i = 0; i < rules; i++, at += 32) {
        put32(memory, at, address());
        put32(memory, at + 4, mask());
        put32(memory, at + 8, address());
        put32(memory, at + 12, mask());
        put16(memory, at + 16, random.below(20000));
        put16(memory, at + 18, 20000 + random.below(30000));
        put16(memory, at + 20, random.below(250));
        put16(memory, at + 22, 250 + random.below(500));
        put32(memory, at + 24, std::array{0U, 6U, 17U}[random.below(3)]);
        put32(memory, at + 28, 1 + random.below(3));
    }
    for (std::size_t i = 0; i < flows; i++, at += 16) {
        put32(memory, at, address());
        put32(memory, at + 4, address());
        put16(memory, at + 8, 1024 + random.below(40000));
        put16(memory, at + 10, random.below(500));
        put32(memory, at + 12, random.below(2) == 0 ? 6 : 17);
    }
}

// --- text
// ------------------------------------------------------------------------------------------

constexpr std::array<std::string_view, 24> words{
    "the",    "packet", "of",   "memory", "loads",  "and",   "bytes", "verifier",
    "map",    "in",     "loop", "branch", "return", "value", "stack", "register",
    "kernel", "trace",  "to",   "filter", "socket", "an",    "event", "instruction"};

void prose(bytes memory, std::size_t start, fixed_random &random) {
    for (std::size_t at = start; at < memory.size();) {
        for (const char c : words[random.below(words.size())]) {
            if (at < memory.size()) {
                memory[at++] = static_cast<std::uint8_t>(c);
            }
        }
        if (at < memory.size()) {
            memory[at++] = random.below(12) == 0 ? '\n' : ' ';
        }
    }
}

void needles(bytes memory, std::size_t start, fixed_random &random) {
    constexpr std::array<std::string_view, 4> wanted{"an event", "instruction", "stack to", "er"};
    for (std::size_t i = 0; i < wanted.size(); i++) {
        memory[start + 16 * i] = static_cast<std::uint8_t>(wanted[i].size());
        put_text(memory, start + 16 * i + 1, wanted[i]);
    }
    prose(memory, start + 64, random);
}

void searched_text(bytes memory, std::uint64_t seed) {
    fixed_random random(seed);
    needles(memory, 0, random);
}

void searched_text_after_table(bytes memory, std::uint64_t seed) {
    fixed_random random(seed);
    needles(memory, 256, random);
}

void source_text(bytes memory, std::uint64_t seed) {
    constexpr std::array<std::string_view, 10> pieces{
        " x1 ", "= 42;",  " + ", "\"a \\\" b\"", "# remark\n",
        "3.14", "_name(", ")",   "\n",           "while "};
    fixed_random random(seed);
    for (std::size_t at = 0; at < memory.size();) {
        const std::string_view piece =
            random.below(3) == 0 ? words[random.below(words.size())] : pieces[random.below(10)];
        for (const char c : piece) {
            if (at < memory.size()) {
                memory[at++] = static_cast<std::uint8_t>(c);
            }
        }
    }
}

/// Appends pieces that `next` makes until the next one might not fit, then pads.
template <typename Next>
void text_lines(bytes memory, std::size_t longest, std::uint8_t padding, const Next &next) {
    std::size_t at = 0;
    while (at + longest <= memory.size()) {
        at = next(at);
    }
    std::fill(memory.begin() + static_cast<std::ptrdiff_t>(at), memory.end(), padding);
}

std::size_t put_decimal(bytes memory, std::size_t at, std::uint64_t value) {
    const std::size_t start = at;
    do {
        memory[at++] = static_cast<std::uint8_t>('0' + value % 10);
        value /= 10;
    } while (value != 0);
    std::reverse(memory.begin() + static_cast<std::ptrdiff_t>(start),
                 memory.begin() + static_cast<std::ptrdiff_t>(at));
    return at;
}

void decimal_text(bytes memory, std::uint64_t seed) {
    fixed_random random(seed);
    text_lines(memory, 24, ' ', [&](std::size_t at) {
        if (random.below(3) == 0) {
            memory[at++] = '-';
        }
        at = put_decimal(memory, at, random.next() >> random.below(64));
        memory[at] = random.below(4) == 0 ? '\n' : ',';
        return at + 1;
    });
}

void address_text(bytes memory, std::uint64_t seed) {
    fixed_random random(seed);
    text_lines(memory, 24, '\n', [&](std::size_t at) {
        const std::uint64_t fault = random.below(8);
        const std::uint64_t parts = fault == 0 ? 3 : 4;
        for (std::uint64_t part = 0; part < parts; part++) {
            at = put_decimal(memory, at, random.below(fault == 1 ? 400 : 256));
            memory[at++] = part + 1 == parts ? '\n' : fault == 2 && part == 1 ? ':' : '.';
        }
        return at;
    });
}

void varints(bytes memory, std::uint64_t seed) {
    fixed_random random(seed);
    text_lines(memory, 10, 0, [&](std::size_t at) {
        std::uint64_t value = random.next() >> random.below(64);
        for (; value >= 128; value >>= 7) {
            memory[at++] = static_cast<std::uint8_t>(value | 128);
        }
        memory[at++] = static_cast<std::uint8_t>(value);
        return at;
    });
}

void unicode_text(bytes memory, std::uint64_t seed) {
    constexpr std::array<std::uint32_t, 4> limits{0x80, 0x800, 0x10000, 0x110000};
    fixed_random random(seed);
    text_lines(memory, 4, 'x', [&](std::size_t at) {
        // Three in four are ASCII, and now and then a surrogate comes along, which is an error.
        const std::size_t more = random.below(4) != 0 ? 0 : random.below(4);
        const auto point = static_cast<std::uint32_t>(
            more == 0 ? random.below(0x80)
                      : limits[more - 1] + random.below(limits[more] - limits[more - 1]));
        if (more == 0) {
            memory[at] = static_cast<std::uint8_t>(point);
            return at + 1;
        }
        memory[at] = static_cast<std::uint8_t>(0xff00U >> (more + 1) | point >> (6 * more));
        for (std::size_t i = 1; i <= more; i++) {
            memory[at + i] = static_cast<std::uint8_t>(0x80 | (point >> (6 * (more - i)) & 63));
        }
        if (random.below(40) == 0) {
            memory[at + more] = '!';
        }
        return at + more + 1;
    });
}

void put_dns_name(bytes slot, std::uint64_t number, fixed_random &random) {
    constexpr std::array<std::string_view, 4> domains{"com", "example", "net", "test"};
    std::size_t at = 0;
    const auto label = [&](std::string_view text) {
        slot[at++] = static_cast<std::uint8_t>(text.size());
        for (const char c : text) {
            const bool upper = random.below(4) == 0;
            slot[at++] = static_cast<std::uint8_t>(upper ? c - 'a' + 'A' : c);
        }
    };
    label("service");
    label(words[number % words.size()]);
    label(words[number / words.size() % words.size()]);
    label(domains[number % domains.size()]);
}

void dns_names(bytes memory, std::uint64_t seed) {
    constexpr std::size_t patterns = 12;
    fixed_random random(seed);
    const std::size_t names = (memory.size() - 8) / 64 - patterns;
    put32(memory, 0, patterns);
    put32(memory, 4, names);
    for (std::size_t i = 0; i < patterns + names; i++) {
        const std::uint64_t number = i < patterns ? 5 * i : random.below(5 * patterns);
        put_dns_name(memory.subspan(8 + 64 * i, 64), number, random);
    }
}

void compressed(bytes memory, std::uint64_t seed) {
    constexpr std::size_t capacity = 6000;
    fixed_random random(seed);
    std::size_t at = 8, produced = 0;
    while (produced + 130 < capacity) {
        const std::uint64_t token = produced < 64 ? 63 : random.below(256);
        if (token < 128) {
            const std::size_t literals = token % 24;
            memory[at++] = static_cast<std::uint8_t>(literals);
            for (std::size_t i = 0; i <= literals; i++) {
                memory[at++] = static_cast<std::uint8_t>('a' + random.below(26));
            }
            produced += literals + 1;
        } else {
            memory[at++] = static_cast<std::uint8_t>(token);
            put(memory, at, static_cast<std::uint16_t>(1 + random.below(produced)));
            at += 2;
            produced += token - 125;
        }
    }
    put32(memory, 0, at - 8);
    put32(memory, 4, capacity);
}

// --- packets
// ---------------------------------------------------------------------------------------

/// Writes an index of packets and the packets themselves, with two bytes in front of each so that
/// its network header is aligned to four.
class packet_writer {
public:
    packet_writer(bytes memory, std::size_t packets, std::uint64_t seed)
        : random(seed), memory_(memory), next_(8 + 8 * packets) {
        put32(memory, 0, packets);
    }

    /// Begins a packet of `length` bytes of random payload.
    bytes add(std::size_t length) {
        const std::size_t at = (next_ + 3) / 4 * 4 + 2;
        put32(memory_, index_, at);
        put32(memory_, index_ + 4, length);
        index_ += 8;
        next_ = at + length;
        const bytes packet = memory_.subspan(at, length);
        random_from(packet, 0, random);
        return packet;
    }

    /// The first byte after the last packet, aligned to 8.
    [[nodiscard]] std::size_t end() const { return (next_ + 7) / 8 * 8; }

    fixed_random random;

private:
    bytes memory_;
    std::size_t index_ = 8;
    std::size_t next_;
};

void put_ipv4(bytes ip, std::size_t header, std::uint8_t protocol) {
    ip[0] = static_cast<std::uint8_t>(0x40 | header / 4);
    put_be16(ip, 2, ip.size());
    put_be16(ip, 6, 0x4000);
    ip[8] = 64;
    ip[9] = protocol;
}

void put_ipv6(bytes ip, std::uint8_t next_header) {
    ip[0] = 0x60;
    ip[1] &= 15;
    put_be16(ip, 4, ip.size() - 40);
    ip[6] = next_header;
    ip[7] = 64;
}

void put_tcp(bytes tcp, std::size_t header, std::uint8_t flags) {
    tcp[12] = static_cast<std::uint8_t>(header / 4 << 4);
    tcp[13] = flags;
}

void ipv4_tcp_packets(bytes memory, std::uint64_t seed) {
    packet_writer writer(memory, 256, seed);
    for (std::size_t i = 0; i < 256; i++) {
        const std::uint64_t kind = writer.random.below(16);
        const std::size_t header = kind == 0 ? 24 : 20;
        const bytes packet = writer.add(14 + header + 20 + writer.random.below(40));
        put_be16(packet, 12, kind == 1 ? 0x0806 : 0x0800);
        put_ipv4(packet.subspan(14), header, kind == 2 ? 17 : 6);
        put_tcp(packet.subspan(14 + header), 20, kind < 6 ? 2 : kind < 9 ? 18 : 16);
        if (kind == 3) {
            put_be16(packet, 14 + 6, 0x2000 | writer.random.below(100));
        }
    }
}

void mixed_packets(bytes memory, std::uint64_t seed) {
    packet_writer writer(memory, 256, seed);
    for (std::size_t i = 0; i < 256; i++) {
        const std::uint64_t kind = writer.random.below(8);
        const std::size_t tags = kind < 3 ? 0 : kind < 6 ? 1 : 2;
        const bool six = writer.random.below(2) == 0;
        const std::size_t network = 14 + 4 * tags;
        const bytes packet = writer.add(network + (six ? 40 : 20) + 20 + writer.random.below(30));
        put_be16(packet, 12, tags == 2 ? 0x88a8 : 0x8100);
        put_be16(packet, 16, 0x8100);
        put_be16(packet, network - 2, kind == 0 ? 0x0806 : six ? 0x86dd : 0x0800);
        const std::uint8_t protocol = std::array<std::uint8_t, 3>{6, 17, 1}[writer.random.below(3)];
        if (six) {
            put_ipv6(packet.subspan(network), protocol);
        } else {
            put_ipv4(packet.subspan(network), 20, protocol);
        }
    }
}

void ipv6_extension_packets(bytes memory, std::uint64_t seed) {
    constexpr std::array<std::uint8_t, 5> extensions{0, 43, 60, 44, 51};
    packet_writer writer(memory, 256, seed);
    for (std::size_t i = 0; i < 256; i++) {
        const std::size_t depth = writer.random.below(5);
        const bytes packet = writer.add(14 + 40 + 24 * depth + 20);
        put_be16(packet, 12, 0x86dd);
        put_ipv6(packet.subspan(14), 0);
        std::size_t next = 14 + 6, at = 14 + 40;
        for (std::size_t level = 0; level < depth; level++) {
            const std::uint8_t extension = extensions[writer.random.below(extensions.size())];
            const std::size_t units = extension == 44 ? 0 : 1 + writer.random.below(2);
            packet[next] = extension;
            packet[at + 1] = static_cast<std::uint8_t>(extension == 51 ? 2 * units : units);
            if (writer.random.below(2) == 0) {
                put_be16(packet, at + 2, 1);
            }
            next = at;
            at += 8 * (units + 1);
        }
        packet[next] = writer.random.below(2) == 0 ? 6 : 17;
    }
}

void put_tcp_options(bytes options, fixed_random &random) {
    constexpr std::array<std::array<std::uint8_t, 2>, 6> kinds{
        {{2, 4}, {3, 3}, {4, 2}, {5, 10}, {8, 10}, {1, 1}}};
    std::size_t at = 0;
    while (at < options.size()) {
        const auto [kind, size] = kinds[random.below(kinds.size())];
        if (at + size > options.size()) {
            options[at++] = 1;
            continue;
        }
        options[at] = kind;
        if (size > 1) {
            // Now and then a malformed one, which ends the header's options for its reader.
            options[at + 1] = random.below(24) == 0 ? 0 : size;
        }
        at += size;
    }
}

/// Ethernet, IPv4, TCP with `options` bytes of options; each packet's number is its source port.
void tcp_packets(packet_writer &writer, std::size_t packets, bool with_options) {
    for (std::size_t i = 0; i < packets; i++) {
        const std::size_t options = with_options ? 4 * writer.random.below(11) : 0;
        const bytes packet = writer.add(14 + 20 + 20 + options + writer.random.below(16));
        put_be16(packet, 12, 0x0800);
        put_ipv4(packet.subspan(14), 20, 6);
        put_tcp(packet.subspan(34), 20 + options, 16);
        put_tcp_options(packet.subspan(54, options), writer.random);
    }
}

void tcp_option_packets(bytes memory, std::uint64_t seed) {
    packet_writer writer(memory, 128, seed);
    tcp_packets(writer, 128, true);
}

void nat_packets(bytes memory, std::uint64_t seed) {
    packet_writer writer(memory, 96, seed);
    tcp_packets(writer, 96, false);
    put32(memory, 4, writer.end());
}

// --- the table
// -------------------------------------------------------------------------------------

constexpr std::array program_table{
    program_input{"alu64_chain", 4096, random_bytes, false, 0x6f1138bd74c916b4U,
                  0x3f9123e954840333U},
    program_input{"alu64_parallel", 16384, random_bytes, false, 0x15f8cac09304306eU,
                  0x8d80242ccc06658eU},
    program_input{"alu32_mix", 4096, random_bytes, false, 0xd312ee8742b81982U, 0x3b043f66c7e1cae2U},
    program_input{"alu_mixed_width", 4096, random_bytes, false, 0x79c83a2b0366c8f8U,
                  0x87b375ec8810a2b8U},
    program_input{"div_unsigned", 2048, random_bytes, false, 0x0a5efbedabf339fdU,
                  0x20c491bdb7b7f60fU},
    program_input{"div_signed", 2048, random_bytes, false, 0xdcdcd14a9ddf0bccU,
                  0xc03d6d50fd68b10fU},
    program_input{"div_const", 4096, random_bytes, false, 0x16f182c41064c464U, 0xebd02479387b4800U},
    program_input{"mod_polynomial", 512, random_bytes, false, 0x28893eb71dc9352dU,
                  0x7692da28fde5120bU},
    program_input{"multiply_high", 8192, random_bytes, false, 0xe8ee02c2f020cbbdU,
                  0x7edcfd4eb3dcfd0fU},
    program_input{"bigint_multiply", 1024, random_bytes, false, 0xa3e4641801889063U,
                  0x1f8018e3926c4abeU},
    program_input{"popcount_parallel", 65536, random_bytes, false, 0x0004003700001003U,
                  0xef4253e4a07c6f5fU},
    program_input{"popcount_loop", 1024, random_bytes, false, 0xc17dd5ac985a3defU,
                  0xa17f6c788e1bcbf9U},
    program_input{"bit_reverse", 8192, random_bytes, false, 0xea63e7a66d17d330U,
                  0x90ed38d333a576feU},
    program_input{"byte_swap", 8192, random_bytes, false, 0xc73826df97e0104cU, 0xfdbcf9af06842adfU},
    program_input{"integer_log_sqrt", 1024, random_bytes, false, 0x0db43633d4bbf7e7U,
                  0x2d8bb082d032e71eU},
    program_input{"gcd_euclid", 512, random_bytes, false, 0x74994782858b6644U, 0xff5aa6d4561652c9U},
    program_input{"collatz", 64, random_bytes, false, 0xe9a02ef38ed59ed3U, 0xe27f8e114e78f77eU},
    program_input{"prime_sieve", 8192, random_bytes, true, 0x0000076c00003ffdU,
                  0x1822cc38dac47af4U},
    program_input{"random_lcg", 4096, random_bytes, false, 0x352207ddc55c8005U,
                  0xbd287c43e35458cdU},
    program_input{"random_xorshift", 64, random_bytes, false, 0x1afb75f21029865fU,
                  0x0b893036b7f799deU},
    program_input{"moving_average", 4096, random_bytes, false, 0x5a2098fded0bd610U,
                  0x6b18ad6a8165e9b9U},
    program_input{"fir_filter", 2080, random_bytes, true, 0x4df996cf908d5d32U, 0xf2780187aabecd5dU},
    program_input{"matrix_multiply", 3072, random_bytes, true, 0x9b383503504de190U,
                  0x1c61f143d61d6c3bU},
    program_input{"select_min_max", 32768, random_bytes, false, 0x3fa13d5658069922U,
                  0xf6e596460d6c950fU},
    program_input{"select_network", 8192, random_bytes, false, 0x8c8b6de2f8b8b8d3U,
                  0xcdd8a4cc8fd7fb47U},
    program_input{"switch_dense", 2048, random_bytes, false, 0xeb1a6c2a675255ceU,
                  0xe5c3b06b834fcc2bU},
    program_input{"switch_sparse", 2048, ethernet_types, false, 0x43dc262acd364f44U,
                  0xbd117d0246dd7ee3U},
    program_input{"state_machine", 2048, source_text, false, 0x824a1b58e83b4848U,
                  0xba97ee5e6d2fbbeeU},
    program_input{"loop_simple", 8192, random_bytes, false, 0x2ac5069590e77fdeU,
                  0x1f44c71a7e96c579U},
    program_input{"loop_nested", 256, random_bytes, false, 0x00001ded68e5bbb4U,
                  0xf8bd1549b3fa8b10U},
    program_input{"loop_early_exit", 8192, random_bytes, false, 0xec95e32d9c40bdabU,
                  0xdd892b1a8e6c9729U},
    program_input{"load_bytes", 16384, random_bytes, false, 0x001ff86900003735U,
                  0x133e1280c1a8cfb8U},
    program_input{"load_halves", 32768, random_bytes, false, 0x1fbc4dde24a312d4U,
                  0x16d6f02d1041dcb1U},
    program_input{"load_words", 65536, random_bytes, false, 0x00006035972fbc39U,
                  0xc24fa0174c7f64b0U},
    program_input{"load_dwords", 65536, random_bytes, false, 0x80ea9d5292048ef8U,
                  0x78342dc59ab26599U},
    program_input{"load_signed", 4096, random_bytes, false, 0x39ff9642bc859623U,
                  0xe7568f7bf498f651U},
    program_input{"load_strided", 16384, random_bytes, false, 0xdac94b910aaf0c01U,
                  0xf458006d72e429a2U},
    program_input{"pointer_chase", 16384, index_cycle, false, 0x2d5037f9d93d77d4U,
                  0xd8e6bf9cf1094f71U},
    program_input{"list_walk", 8192, linked_records, false, 0xa10eaae0bae02810U,
                  0xd72d0823b43f5495U},
    program_input{"sum_64k", 65536, random_bytes, false, 0x00000000007fd5eaU, 0x5aae675eccb96d6bU},
    program_input{"memory_copy", 12784, copy_header, true, 0x2df67f38be17df58U,
                  0x89b8b0fbbfe9b5a0U},
    program_input{"memory_set", 32768, random_bytes, true, 0x9bf7edaf015a8fefU,
                  0x2f9f19dcba149095U},
    program_input{"memory_compare", 8192, similar_records, false, 0x2979a21d2f4bc052U,
                  0xfb6c88ba5a2c0de0U},
    program_input{"histogram_stack", 4096, random_bytes, false, 0xbbeef1bcfbe1956cU,
                  0x176f21fc3915c3aaU},
    program_input{"hash_fnv1a", 4096, random_bytes, false, 0x4cb21afc9ae2d5fbU,
                  0x4cb21afc9ae2d5fbU},
    program_input{"hash_murmur3", 8192, random_bytes, false, 0x000000000c8ca911U,
                  0xd9eb2a3f1fa74742U},
    program_input{"hash_one_at_a_time", 2048, random_bytes, false, 0x000000009f33d8c5U,
                  0x5604761e78cd0614U},
    program_input{"hash_lookup3", 6144, random_bytes, false, 0x659e58f9feace1b5U,
                  0x105815040911abddU},
    program_input{"hash_siphash", 4112, random_bytes, false, 0xb0576661ab705a49U,
                  0x570cfbec615c6bb7U},
    program_input{"hash_xxh64", 32768, random_bytes, false, 0x881581f7c3ead860U,
                  0x17ea0891b9f921ecU},
    program_input{"crc32_bitwise", 512, random_bytes, false, 0x00000000cb30dcaaU,
                  0xa4239685e9b65f3eU},
    program_input{"crc32_table", 3072, crc_table, false, 0x00000000451af95dU, 0xd748f01920d0c26bU},
    program_input{"inet_checksum", 60000, random_bytes, false, 0x5a94116283a16239U,
                  0xb6e86aeee9f8d975U},
    program_input{"adler32", 8192, random_bytes, false, 0x00000000af45e1e7U, 0xa3156583d150a68eU},
    program_input{"fletcher32", 8192, random_bytes, false, 0x00000000496dccffU,
                  0x036aa563ede4ebb3U},
    program_input{"toeplitz", 808, random_bytes, false, 0x62817122e65027e4U, 0x5d5b32c7e0d065e5U},
    program_input{"sha256", 1280, sha256_constants, false, 0x962aa884579121f5U,
                  0xb9d7b106e870a164U},
    program_input{"chacha20", 2112, random_bytes, true, 0x1a89e790cdebdc7dU, 0x6fdaccd51d72003bU},
    program_input{"packet_ipv4_tcp", 32768, ipv4_tcp_packets, false, 0x10faf4640b249a67U,
                  0xb731eb02719d5fe2U},
    program_input{"packet_vlan_mixed", 32768, mixed_packets, false, 0x211aeb1bb8104693U,
                  0x4926772c2a43cee3U},
    program_input{"packet_ipv6_extensions", 49152, ipv6_extension_packets, false,
                  0x8350c607efd1695dU, 0x4fb338a36b45a2dcU},
    program_input{"packet_tcp_options", 16384, tcp_option_packets, false, 0x4c8ef641495fcf56U,
                  0xe561ac7d3e37d44aU},
    program_input{"nat_rewrite", 12288, nat_packets, true, 0x6f5686a75673eeaaU,
                  0x36cc3fab584d03ceU},
    program_input{"filter_acl", 2568, access_rules, false, 0x2af6fe6cdce8d12eU,
                  0x962633e4beff497dU},
    program_input{"filter_port_set", 10240, port_set, false, 0x001aff04f79a398bU,
                  0xf45691762606a71cU},
    program_input{"filter_dns_names", 3208, dns_names, false, 0x0b24cda93721d6a9U,
                  0xa9387e2f2de8cf38U},
    program_input{"search_naive", 2048, searched_text, false, 0xce2ce64b9c112c41U,
                  0xe35ec8170a08c68dU},
    program_input{"search_horspool", 4096, searched_text_after_table, true, 0xd9fca54d0ad26b58U,
                  0x7d90c09f0bf77063U},
    program_input{"lpm_lookup", 16384, prefix_trie, false, 0x8028af0b41c4b8e3U,
                  0xf990dd9305908a05U},
    program_input{"table_lookup", 6144, hash_table, false, 0x59c9ad50375d201aU,
                  0x9bd0c424407c9ec1U},
    program_input{"bloom_filter", 3072, random_bytes, true, 0xe994776747d0b745U,
                  0xee1271605c3081acU},
    program_input{"count_min_sketch", 4096, random_bytes, true, 0x43c12b8bae445159U,
                  0x32886728f4ee7a40U},
    program_input{"binary_search", 4608, sorted_words, false, 0x85acc7777689a02eU,
                  0xd472c8695cf48322U},
    program_input{"sort_insertion_stack", 1024, random_bytes, false, 0x2bff6f5bb249043cU,
                  0x14db8387e317f29dU},
    program_input{"sort_bubble", 1024, random_bytes, true, 0x9ac42b6febfbe99eU,
                  0x88ff366fd880baedU},
    program_input{"sort_heap", 4096, random_bytes, true, 0x76b273cb00856984U, 0x203616f8ba1297d1U},
    program_input{"sort_quick", 4096, random_bytes, true, 0x6e9293ddf79896ddU, 0xe3e0779fb705fdc1U},
    program_input{"edit_distance", 256, similar_words, false, 0x0000000198cc0331U,
                  0xbddc457a3105a159U},
    program_input{"encode_base64", 3592, base64_alphabet, true, 0x38d52a1390d4b878U,
                  0x88ecd72e1d584020U},
    program_input{"encode_hex", 3072, random_bytes, true, 0x00000000022d1879U, 0x28898363da9c5eb8U},
    program_input{"lz_decode", 16384, compressed, true, 0x46cb81b0cf5a0f0fU, 0x363adc39337f2326U},
    program_input{"parse_decimal", 2048, decimal_text, false, 0x915627223e1060b8U,
                  0x16adfe72e120d8b1U},
    program_input{"parse_ipv4_text", 2048, address_text, false, 0x66c2eeca228c6607U,
                  0x2752a248a8fd2de0U},
    program_input{"varint_decode", 2048, varints, false, 0x36bd83625f9762afU, 0xe218059c6d3f40c7U},
    program_input{"utf8_validate", 2048, unicode_text, false, 0x575cb691583347e2U,
                  0x2b3e7889d2cd16d5U},
    program_input{"leaky_bucket", 8448, random_bytes, true, 0x59def78b4c57e772U,
                  0xcff8a4503588f17dU},
    program_input{"atomic_counters", 2048, random_bytes, true, 0xc596faeab7cbf012U,
                  0xd4bc409f6482a0b9U},
    program_input{"atomic_exchange", 2144, random_bytes, true, 0x3c8f54de813cb614U,
                  0xf2eabca2883b2c3cU},
    program_input{"call_leaf", 4096, random_bytes, false, 0x138158ecca8b23b0U, 0x5d5cbb7aa53ffa8dU},
    program_input{"call_chain", 4096, random_bytes, false, 0x59797c2fd32ce0aeU,
                  0xe08a016cb0eb5c1cU},
    program_input{"call_arguments", 4096, random_bytes, false, 0x6274c5cd6a0c413aU,
                  0x6120534a35d77f1aU},
    program_input{"call_stack_frames", 2048, random_bytes, false, 0x05132c8900e9cb70U,
                  0xfbce69a6304c3064U},
    program_input{"call_fibonacci", 128, random_bytes, false, 0x99a5835253f98f8aU,
                  0x7d9963cde6538b30U},
    program_input{"spill_heavy", 2240, random_bytes, false, 0x1584370c54dcc553U,
                  0xac421e8c78b4efbcU},
    program_input{"big_straight", 64, random_bytes, false, 0x2a40c7eef7814e67U,
                  0xb38d9f1a8b9ea2a5U},
    program_input{"big_branchy", 512, random_bytes, false, 0xf434ac79c9368779U,
                  0x0e9b797745467305U},
};

}  // namespace

std::span<const program_input> program_inputs() noexcept { return program_table; }

const program_input *find_program_input(std::string_view name) noexcept {
    const auto *found = std::ranges::find(program_table, name, &program_input::name);
    return found == program_table.end() ? nullptr : found;
}

std::vector<std::uint8_t> make_input(std::string_view name) {
    const program_input *input = find_program_input(name);
    if (input == nullptr) {
        return {};
    }
    std::vector<std::uint8_t> memory(input->size);
    const std::vector<std::uint8_t> text(name.begin(), name.end());
    input->fill(memory, fnv1a64(text));
    return memory;
}

}  // namespace bpftime::vm::benchmark
