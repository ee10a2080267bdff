// bpftime-vm: one packet, and what a program gets of it
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"
#include "isa/error.hpp"
#include "object/program_type.hpp"
#include "program/region.hpp"
#include "runtime/context.hpp"
#include "runtime/map.hpp"
#include "runtime/network.hpp"
#include "runtime/tunnel.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace bpftime::vm::runtime {

/// Bytes around a packet that belong to it too, for programs that make it longer. As in the kernel,
/// the first 40 are out of their reach.
struct packet_room {
    std::size_t before = 0;
    std::size_t after = 0;
};

/// Where a program redirects a packet to.
struct packet_target {
    /// How it gets there.
    enum class way : uint8_t {
        plain,      ///< as it is
        neighbour,  ///< with the link addresses of the next hop (bpf_redirect_neigh)
        peer,       ///< to the other end of a pair of interfaces (bpf_redirect_peer)
        socket,     ///< to a socket of a map (bpf_sk_redirect_map, bpf_sk_redirect_hash)
    };

    /// That says where; null: an interface. A map that the program found in another one stays for
    /// the run, or for a read_section around it.
    const map *through = nullptr;
    /// Of the map's entry; of a map of sockets, the socket's number; without a map, the interface's
    /// index.
    uint32_t key = 0;
    uint64_t flags = 0;  ///< that the helper got
    way how = way::plain;

    /// BPF_F_BROADCAST: every entry of the map, whatever `key` is.
    [[nodiscard]] bool is_everywhere() const noexcept {
        return through != nullptr and how != way::socket and (flags & 8) != 0;
    }
    /// BPF_F_INGRESS: the receiving side of the interface or socket.
    [[nodiscard]] bool is_ingress() const noexcept {
        return (through == nullptr or how == way::socket) and (flags & 1) != 0;
    }

    friend bool operator==(const packet_target &, const packet_target &) = default;
};

/// Where the headers of a packet begin, as far as the kernel knows. The first may lie before what
/// the program sees.
struct packet_headers {
    uint8_t *link = nullptr;
    uint8_t *network = nullptr;
    uint8_t *transport = nullptr;  ///< null: it does not
};

/// What the kernel knows of a packet's checksums.
struct packet_checksums {
    bool is_verified = false;  ///< somebody found them good,
    uint32_t level = 0;        ///< and so many more inside of the packet, 3 at most
};

/// What programs with a struct __sk_buff get as their input memory.
struct skb_memory {
    skb_context context{};
    socket_view socket{};  ///< of the packet's own socket
};

/// Whether programs of this type see packets from the Ethernet header on; others that get packets
/// see what follows it.
[[nodiscard]] bool sees_ethernet(object::program_type type) noexcept;

/// Tells the VM of a program of this type, which gets packets, what packet_context::exec() gives
/// it: then much of what the program does need not be checked while it runs, and it runs with such
/// input alone. One that only reads its context is kept from writing it, so that nobody else than
/// exec() says where the packet is; one that does not look at it may get any input. Backends that
/// cannot be told anything are fine. Errors: those of ebpf_vm::declare_input().
[[nodiscard]] result<void> declare_context(ebpf_vm &vm, object::program_type type, context_use use);

/// A packet as BPF_PROG_TEST_RUN gives it to programs: it came in on interface 1, the loopback
/// interface, into queue 0.
///
/// The code that runs is what rewrite_context_accesses() made. It gets the context as its input
/// memory, and the packet as memory of the run: it cannot leave the packet, whatever `data_end`
/// says. What it cuts off by helpers it still reaches until the run ends.
class packet_context {
public:
    /// `frame` begins with its Ethernet header, and stays where it is: who may write packets writes
    /// it. Errors: unsupported (programs of this type get no packet), invalid_argument (no room for
    /// an Ethernet header).
    [[nodiscard]] static result<packet_context> create(object::program_type type,
                                                       std::span<uint8_t> frame,
                                                       packet_room room = {});

    /// The same for another packet, and cheaper than a new one. What the old context held is gone.
    result<void> renew(std::span<uint8_t> frame, packet_room room = {});

    /// Of the programs that it is for.
    [[nodiscard]] object::program_type type() const noexcept { return type_; }
    /// The context, to look at and to change between runs; null if it is the other one.
    [[nodiscard]] xdp_context *xdp() noexcept { return std::get_if<xdp_context>(&context_); }
    [[nodiscard]] skb_context *skb() noexcept {
        auto *const memory = std::get_if<skb_memory>(&context_);
        return memory == nullptr ? nullptr : &memory->context;
    }
    /// What the program sees; see sees_ethernet().
    [[nodiscard]] std::span<uint8_t> packet() const noexcept { return packet_; }
    /// What an XDP program has put before it.
    [[nodiscard]] std::span<uint8_t> metadata() const noexcept {
        return {metadata_, static_cast<std::size_t>(packet_.data() - metadata_)};
    }
    [[nodiscard]] const packet_headers &headers() const noexcept { return headers_; }
    /// What the program may do with it.
    [[nodiscard]] permission allowed() const noexcept { return allowed_; }

    /// Runs the program once; `r0` is its verdict. 0 or a negative `enum ebpf_error`.
    int64_t exec(ebpf_vm &vm, int64_t &r0);

    /// The network that its programs ask about, which must outlive them; at first, one with nothing
    /// but the loopback interface.
    void set_network(const runtime::network &net) noexcept { network_ = &net; }
    [[nodiscard]] const runtime::network &network() const noexcept { return *network_; }

    /// The tunnel that it came out of, or that a program wants it to go into; none at first.
    [[nodiscard]] std::optional<packet_tunnel> &tunnel() noexcept { return tunnel_; }

    /// The kernel's ids of the control groups that its own socket is in, the root first; at first
    /// the root alone, as of the sockets that BPF_PROG_TEST_RUN makes. Empty: it is in none.
    void set_control_groups(std::vector<uint64_t> groups) noexcept { groups_ = std::move(groups); }
    [[nodiscard]] std::span<const uint64_t> control_groups() const noexcept {
        return groups_ ? std::span<const uint64_t>{*groups_} : root_group;
    }
    static constexpr std::array<uint64_t, 1> root_group{1};

    /// The socket of its network that the last run gave it to (bpf_sk_assign); null: none. One that
    /// the host was asked for stays until the next run, or packet.
    [[nodiscard]] const network_socket *socket() const noexcept { return socket_; }

    /// What the last call of bpf_redirect() or bpf_redirect_map() in the last run asked for, which
    /// counts if the verdict says so, too; empty: nothing.
    [[nodiscard]] const std::optional<packet_target> &target() const noexcept { return target_; }
    /// Where the last run sent copies, in order (bpf_clone_redirect); most_copies at most.
    [[nodiscard]] std::span<const packet_target> copies() const noexcept { return copies_; }
    static constexpr std::size_t most_copies = 1024;

    // --- for helpers, during a run

    /// The packet of the innermost run on this thread; null if that has none.
    [[nodiscard]] static packet_context *running() noexcept;
    /// Whether the word is the address of its context.
    [[nodiscard]] bool owns(uint64_t word) const noexcept;
    /// Index of the interface that it is on.
    [[nodiscard]] uint32_t interface() const noexcept {
        if (const auto *const m = std::get_if<skb_memory>(&context_)) return m->context.ifindex;
        const auto *const c = std::get_if<xdp_context>(&context_);
        return c == nullptr ? 0 : c->ingress_ifindex;
    }
    /// Of XDP: moves the packet's begin, its metadata's begin, or its end. 0 or a negative errno.
    int move_begin(int64_t by);
    int move_metadata(int64_t by);
    int move_end(int64_t by);
    /// Gives it to a socket of its network.
    void set_socket(const network_socket *socket) noexcept;
    /// Its own socket, as BPF_PROG_TEST_RUN makes one for each packet that is no XDP program's: of
    /// no protocol, with the packet's addresses, where programs know it. Null of XDP.
    [[nodiscard]] const socket_view *own_view() const noexcept {
        const auto *const memory = std::get_if<skb_memory>(&context_);
        return memory == nullptr ? nullptr : &memory->socket;
    }
    [[nodiscard]] const network_socket &own_socket();
    /// Keeps a socket that the host found until the next run; null: there are too many already.
    const network_socket *keep(std::shared_ptr<const network_socket> found);
    /// That with the view; null if there is none.
    [[nodiscard]] const network_socket *find_kept(const void *view) const noexcept;
    /// That whose owner has the number.
    [[nodiscard]] const network_socket *find_kept(uint32_t number) const noexcept;
    static constexpr std::size_t most_kept_sockets = 1024;
    void set_target(std::optional<packet_target> target) noexcept { target_ = target; }
    /// 0 or a negative errno.
    int add_copy(const packet_target &target);

    /// Of others. Inserts zeros at an offset, by moving what is before it; -ENOMEM: no room, or the
    /// packet ends before.
    int insert(std::size_t at, std::size_t bytes);
    /// Takes bytes away at an offset, by moving what is before it; -ENOMEM: there are not so many.
    int erase(std::size_t at, std::size_t bytes);
    /// Cuts the packet's end off, or adds zeros there; -ENOMEM: no room.
    int resize(std::size_t bytes);
    [[nodiscard]] packet_headers &headers() noexcept { return headers_; }
    /// All bytes from one of its headers on.
    [[nodiscard]] std::span<uint8_t> from(const uint8_t *header) const noexcept;
    [[nodiscard]] packet_checksums &checksums() noexcept { return checksums_; }
    [[nodiscard]] bool &is_encapsulated() noexcept { return is_encapsulated_; }
    /// The hash of the flow that it belongs to, which is also in its context; none: not known.
    [[nodiscard]] std::optional<uint32_t> hash() const noexcept { return hash_; }
    void set_hash(std::optional<uint32_t> hash) noexcept;

private:
    explicit packet_context(object::program_type type) noexcept : type_{type} {}
    void publish();

    object::program_type type_;
    std::variant<xdp_context, skb_memory> context_;
    std::span<uint8_t> packet_;
    uint8_t *metadata_ = nullptr;  ///< where it begins; where the packet does if there is none
    std::span<uint8_t> whole_;     ///< the packet as it came, and its room
    permission allowed_ = permission::none;
    std::optional<packet_target> target_;
    std::vector<packet_target> copies_;
    packet_headers headers_;
    packet_checksums checksums_;
    bool is_encapsulated_ = false;
    std::optional<uint32_t> hash_;
    std::optional<packet_tunnel> tunnel_;
    std::optional<std::vector<uint64_t>> groups_;  ///< if the host has said any
    const network_socket *socket_ = nullptr;
    std::optional<network_socket> own_socket_;  ///< once somebody asked for it
    std::vector<std::shared_ptr<const network_socket>> kept_;
    const runtime::network *network_ = &runtime::network::loopback_only();
};

}  // namespace bpftime::vm::runtime
