// bpftime-vm: the helpers about sockets, compared with sockets of the kernel
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "kernel_network.hpp"
#include "packet_program.hpp"
#include "programs.hpp"
#include "runtime/network.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <string>
#include <vector>

namespace bpftime::vm::runtime::test {

using object::program_type;
using vm::test::engine;

namespace {

constexpr uint32_t tcp = 6;
constexpr uint32_t udp = 17;
constexpr uint32_t established = 1;
constexpr uint32_t closed = 7;
constexpr uint32_t listens = 10;

// --- the same sockets twice

struct end {
    const char *address;
    uint16_t port;
};

/// Sockets of the kernel, in the network namespace of this thread.
class kernel_sockets {
public:
    kernel_sockets() = default;
    ~kernel_sockets() {
        for (const int fd : all_) close(fd);
    }
    kernel_sockets(const kernel_sockets &) = delete;
    kernel_sockets &operator=(const kernel_sockets &) = delete;

    void listen_at(end local) { EXPECT_EQ(::listen(open(SOCK_STREAM, local), 1), 0); }
    void connect(int type, end local, end remote) {
        const int fd = open(type, local);
        const sockaddr_storage to = address_of(remote);
        EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr *>(&to), size_of(to)), 0);
    }
    void bind_at(end local) { open(SOCK_DGRAM, local); }

private:
    static sockaddr_storage address_of(end e) {
        sockaddr_storage s{};
        auto &v4 = reinterpret_cast<sockaddr_in &>(s);
        auto &v6 = reinterpret_cast<sockaddr_in6 &>(s);
        const bool is_ipv4 = inet_pton(AF_INET, e.address, &v4.sin_addr) == 1;
        if (not is_ipv4) inet_pton(AF_INET6, e.address, &v6.sin6_addr);
        s.ss_family = is_ipv4 ? AF_INET : AF_INET6;
        v4.sin_port = htons(e.port);
        return s;
    }
    static socklen_t size_of(const sockaddr_storage &s) {
        return s.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    }
    int open(int type, end local) {
        const sockaddr_storage s = address_of(local);
        const int fd = socket(s.ss_family, type, 0);
        all_.push_back(fd);
        const int on = 1;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr *>(&s), size_of(s)), 0);
        return fd;
    }

    std::vector<int> all_;
};

network_socket make_socket(uint32_t protocol, uint32_t state, end local, end remote = {"", 0}) {
    network_socket s;
    const ip_address at = ip_address::parse(local.address).value();
    s.view.family = at.is_ipv6() ? AF_INET6 : AF_INET;
    s.view.type = protocol == tcp ? SOCK_STREAM : SOCK_DGRAM;
    s.view.protocol = protocol;
    s.view.state = state;
    s.view.src_port = local.port;
    s.view.dst_port = htons(remote.port);
    const auto put = [](const ip_address &from, uint32_t &ipv4, uint32_t(&ipv6)[4]) {
        if (from.is_ipv6()) {
            std::memcpy(ipv6, from.bytes().data(), sizeof ipv6);
        } else {
            std::memcpy(&ipv4, from.bytes().data(), sizeof ipv4);
        }
    };
    put(at, s.view.src_ip4, s.view.src_ip6);
    if (remote.port != 0)
        put(ip_address::parse(remote.address).value(), s.view.dst_ip4, s.view.dst_ip6);
    return s;
}

constexpr end server{"127.0.0.1", 80};
constexpr end client{"127.0.0.2", 4000};
constexpr end other_end{"127.0.0.3", 81};

void open_all(kernel_sockets &k) {
    k.listen_at(server);
    k.listen_at({"0.0.0.0", 82});
    k.listen_at({"::1", 83});
    k.listen_at({"::", 84});
    k.connect(SOCK_STREAM, client, server);
    k.bind_at({"0.0.0.0", 53});
    k.bind_at({"127.0.0.1", 53});
    k.bind_at({"::1", 54});
    k.connect(SOCK_DGRAM, other_end, {"127.0.0.1", 53});
}

network make_sockets() {
    network n;
    n.add(make_socket(tcp, listens, server));
    n.add(make_socket(tcp, listens, {"0.0.0.0", 82}));
    n.add(make_socket(tcp, listens, {"::1", 83}));
    n.add(make_socket(tcp, listens, {"::", 84}));
    n.add(make_socket(tcp, established, client, server));
    n.add(make_socket(tcp, established, server, client));
    n.add(make_socket(udp, closed, {"0.0.0.0", 53}));
    n.add(make_socket(udp, closed, {"127.0.0.1", 53}));
    n.add(make_socket(udp, closed, {"::1", 54}));
    n.add(make_socket(udp, established, other_end, {"127.0.0.1", 53}));
    return n;
}

constexpr std::string_view lookups = R"(
static void *(*find_tcp)(void *, void *, unsigned, unsigned long, unsigned long) = (void *)84;
static void *(*find_udp)(void *, void *, unsigned, unsigned long, unsigned long) = (void *)85;
static void *(*find_any_tcp)(void *, void *, unsigned, unsigned long, unsigned long) = (void *)99;
static long (*release)(void *) = (void *)86;
static void *(*full)(void *) = (void *)95;
static void *(*listener)(void *) = (void *)98;

#define MIX(value) sum = (sum ^ (value)) * 0x01000193u
#define IPV4 MIX(sk->src_ip4); MIX(sk->dst_ip4)
#define IPV6 MIX(sk->src_ip6[0]); MIX(sk->src_ip6[3]); MIX(sk->dst_ip6[3])
#define LOOK(found, addresses)                                                                    \
    do {                                                                                          \
        struct bpf_sock *sk = found;                                                              \
        MIX(sk != 0);                                                                             \
        if (!sk) break;                                                                           \
        MIX(sk->bound_dev_if);                                                                    \
        MIX(sk->family);                                                                          \
        MIX(sk->type);                                                                            \
        MIX(sk->protocol);                                                                        \
        MIX(sk->mark);                                                                            \
        MIX(sk->priority);                                                                        \
        addresses;                                                                                \
        MIX(sk->src_port);                                                                        \
        MIX(sk->dst_port);                                                                        \
        MIX(sk->state);                                                                           \
        release(sk);                                                                              \
    } while (0)

static NOINLINE unsigned look4(CONTEXT *ctx, unsigned sum, unsigned remote, unsigned local,
                               unsigned ports) {
    struct bpf_sock_tuple t = {.ipv4 = {remote, local, ntohs(ports >> 16), ntohs(ports & 0xffff)}};
    LOOK(find_tcp(ctx, &t, sizeof t.ipv4, -1, 0), IPV4);
    struct bpf_sock *any = find_any_tcp(ctx, &t, sizeof t.ipv4, -1, 0);
    if (any) {
        MIX(any->family);
        MIX(any->state);
        release(any);
    }
    LOOK(find_udp(ctx, &t, sizeof t.ipv4, -1, 0), IPV4);
    return sum;
}
static NOINLINE unsigned look6(CONTEXT *ctx, unsigned sum, unsigned remote, unsigned local,
                               unsigned ports) {
    struct bpf_sock_tuple t = {
        .ipv6 = {{0, 0, 0, remote}, {0, 0, 0, local}, ntohs(ports >> 16), ntohs(ports & 0xffff)}};
    LOOK(find_tcp(ctx, &t, sizeof t.ipv6, -1, 0), IPV6);
    LOOK(find_udp(ctx, &t, sizeof t.ipv6, -1, 0), IPV6);
    return sum;
}
#define AT(last) (127 | last << 24)
#define PORTS(remote, local) ((unsigned)remote << 16 | local)
SEC(NAME) int prog(CONTEXT *ctx) {
    unsigned sum = 7;
    sum = look4(ctx, sum, AT(2), AT(1), PORTS(4000, 80));
    sum = look4(ctx, sum, AT(2), AT(1), PORTS(4001, 80));
    sum = look4(ctx, sum, AT(1), AT(2), PORTS(80, 4000));
    sum = look4(ctx, sum, AT(2), AT(9), PORTS(4000, 80));
    sum = look4(ctx, sum, AT(2), AT(9), PORTS(4000, 82));
    sum = look4(ctx, sum, AT(2), AT(1), PORTS(4000, 83));
    sum = look4(ctx, sum, AT(2), AT(1), PORTS(4000, 84));
    sum = look4(ctx, sum, AT(2), AT(1), PORTS(4000, 53));
    sum = look4(ctx, sum, AT(2), AT(9), PORTS(4000, 53));
    sum = look4(ctx, sum, AT(1), AT(3), PORTS(53, 81));
    sum = look4(ctx, sum, AT(1), AT(3), PORTS(54, 81));
    sum = look6(ctx, sum, 1 << 24, 1 << 24, PORTS(4000, 83));
    sum = look6(ctx, sum, 1 << 24, 2 << 24, PORTS(4000, 83));
    sum = look6(ctx, sum, 1 << 24, 1 << 24, PORTS(4000, 84));
    sum = look6(ctx, sum, 1 << 24, 1 << 24, PORTS(4000, 82));
    sum = look6(ctx, sum, 1 << 24, 1 << 24, PORTS(4000, 54));
    struct bpf_sock_tuple t = {.ipv4 = {AT(2), AT(1), ntohs(4000), ntohs(80)}};
    LOOK(find_tcp(ctx, &t, sizeof t.ipv4 - 4, -1, 0), IPV4);
    LOOK(find_tcp(ctx, &t, sizeof t.ipv4, -1, 1), IPV4);
    LOOK(find_tcp(ctx, &t, sizeof t.ipv4, 5, 0), IPV4);
    return sum & 0x7fffffff;
}
)";

TEST(socket_helpers, find_the_sockets_that_the_kernel_finds) {
    const network net = make_sockets();
    const bool made = in_network_namespace({"ip link set lo up"}, [&] {
        kernel_sockets theirs;
        open_all(theirs);
        for (const auto type : {program_type::xdp, program_type::sched_cls}) {
            const bool is_xdp = type == program_type::xdp;
            const std::string source = std::string{"#define CONTEXT struct "} +
                                       (is_xdp ? "xdp_md" : "__sk_buff") + "\n#define NAME " +
                                       (is_xdp ? "\"xdp\"" : "\"tc\"") + std::string{lookups};
            compare_with_kernel({"sockets", type, source.c_str()},
                                [&](packet_context &p) { p.set_network(net); });
        }
    });
    if (not made) GTEST_SKIP() << "no network can be made here";
}

// --- SYN cookies

constexpr auto cookie_programs = std::to_array<source_program>({
    {"cookies", program_type::xdp, R"(
        #include <linux/tcp.h>
        static long (*make4)(void *, void *, unsigned) = (void *)204;
        static long (*make6)(void *, void *, unsigned) = (void *)205;
        static long (*check4)(void *, void *) = (void *)206;
        static long (*check6)(void *, void *) = (void *)207;
        #define MIX(value) sum = (sum ^ (unsigned)(value)) * 0x01000193u
        struct tcp_packet { struct tcphdr h; unsigned options[2]; };
        static NOINLINE unsigned try(unsigned sum, unsigned options, unsigned more) {
            struct iphdr ip4 = {.version = 4, .ihl = 5, .protocol = 6, .saddr = 0x01020304, .daddr = 0x05060708};
            struct ipv6hdr ip6 = {.version = 6, .nexthdr = 6, .saddr.s6_addr = {1}, .daddr.s6_addr = {2}};
            struct tcp_packet tcp = {.h = {.source = 77, .dest = 88, .seq = 0x12345678, .doff = 7, .syn = 1},
                                     .options = {__builtin_bswap32(options), __builtin_bswap32(more)}};
            long four = make4(&ip4, &tcp.h, 28), six = make6(&ip6, &tcp.h, 28);
            MIX(four >> 32);
            MIX(six >> 32);
            // The packet that answers.
            tcp.h.syn = 0, tcp.h.ack = 1;
            tcp.h.seq = __builtin_bswap32(__builtin_bswap32(tcp.h.seq) + 1);
            tcp.h.ack_seq = __builtin_bswap32((unsigned)four + 1);
            MIX(check4(&ip4, &tcp.h));
            tcp.h.ack_seq = __builtin_bswap32((unsigned)six + 1);
            MIX(check6(&ip6, &tcp.h));
            tcp.h.ack_seq = __builtin_bswap32((unsigned)six + 1 + (16 << 24));
            MIX(check6(&ip6, &tcp.h));
            tcp.h.ack_seq = __builtin_bswap32((unsigned)four + 1 + (4 << 24));
            MIX(check4(&ip4, &tcp.h));
            tcp.h.ack_seq = __builtin_bswap32((unsigned)four + 1);
            tcp.h.source = 78;
            MIX(check4(&ip4, &tcp.h) == 0);
            MIX(make4(&ip4, &tcp.h, 24));
            MIX(make4(&ip4, &tcp.h, 20));
            MIX(make6(&ip6, &tcp.h, 27));
            tcp.h.doff = 4;
            MIX(make6(&ip6, &tcp.h, 16));
            return sum;
        }
        SEC("xdp") int prog(struct xdp_md *ctx) {
            unsigned sum = 7;
            sum = try(sum, 0x020405b4, 0);
            sum = try(sum, 0x020405b5, 0);
            sum = try(sum, 0x020405b3, 0);
            sum = try(sum, 0x02040218, 0);
            sum = try(sum, 0x02040001, 0);
            sum = try(sum, 0x01010204, 0x04000000);
            sum = try(sum, 0x00020409, 0);
            sum = try(sum, 0x03090204, 0x04000000);
            sum = try(sum, 0x02042329, 0);
            sum = try(sum, 0x03030202, 0x04090000);
            return sum & 0x7fffffff;
        })"},
});

TEST(socket_helpers, make_cookies_that_are_checked_as_in_the_kernel) {
    for (const source_program &p : cookie_programs) compare_with_kernel(p);
}

// --- on every engine

class socket_helper : public testing::TestWithParam<engine> {
protected:
    /// Runs a program of traffic control whose sock_tuple is below r10, with `r6` the context, and
    /// `r7` the socket that listens at port 80.
    int64_t run(std::string_view text) {
        constexpr std::string_view find =
            "mov %r6, %r1\nmov %r3, 0x0200007f\nstxw [%r10-12], %r3\nmov %r3, 0x0100007f\n"
            "stxw [%r10-8], %r3\nmov32 %r3, 0x5000a00f\nstxw [%r10-4], %r3\nmov %r2, %r10\n"
            "add %r2, -12\nmov %r3, 12\nmov %r4, -1\nmov %r5, 0\ncall 84\nmov %r7, %r0\n";
        const auto code = vm::test::assemble(std::string{find} + std::string{text});
        vm_ = load(GetParam(), rewrite(code, program_type::sched_cls));
        context_.set_network(net_);
        int64_t r0 = 0;
        code_ = context_.exec(*vm_, r0);
        return r0;
    }

    network net_ = make_sockets();
    bytes frame_ = frames().front();
    packet_context context_ = *packet_context::create(program_type::sched_cls, frame_);
    std::unique_ptr<ebpf_vm> vm_;
    int64_t code_ = 0;
};

INSTANTIATE_TEST_SUITE_P(engines, socket_helper, testing::ValuesIn(vm::test::engines()),
                         vm::test::engine_name{});

TEST_P(socket_helper, a_socket_can_be_read_and_not_written) {
    EXPECT_EQ(run("ldxw %r0, [%r7+44]\nexit"), 80);
    EXPECT_EQ(code_, 0);
    run("stw [%r7+44], 81\nexit");
    EXPECT_EQ(code_, EBPF_ERROR_FAULT);
    run("ldxw %r0, [%r7+80]\nexit");
    EXPECT_EQ(code_, EBPF_ERROR_FAULT);
}

TEST_P(socket_helper, a_packet_is_given_to_a_socket) {
    EXPECT_EQ(run("mov %r1, %r6\nmov %r2, %r7\nmov %r3, 0\ncall 124\nexit"), 0);
    ASSERT_NE(context_.socket(), nullptr);
    EXPECT_EQ(context_.socket()->view.state, established);
    EXPECT_EQ(run("mov %r1, %r6\nmov %r2, %r7\nmov %r3, 1\ncall 124\nexit"), -EINVAL);
    EXPECT_EQ(run("mov %r1, %r6\nmov %r2, %r10\nmov %r3, 0\ncall 124\nexit"), -EINVAL);
    EXPECT_EQ(context_.socket(), nullptr);
}

TEST_P(socket_helper, a_packet_has_a_socket_of_its_own) {
    EXPECT_EQ(run("ldxdw %r1, [%r6+168]\nldxw %r0, [%r1+72]\nexit"), closed);
    EXPECT_EQ(run("ldxdw %r1, [%r6+168]\ncall 95\nldxdw %r1, [%r6+168]\nsub %r0, %r1\nexit"), 0);
    const int64_t cookie = run("mov %r1, %r6\ncall 46\nexit");
    EXPECT_NE(cookie, 0);
    EXPECT_EQ(run("mov %r1, %r6\ncall 46\nexit"), cookie);
    // Once it is given to another one, that is its socket, until the run ends.
    constexpr std::string_view given =
        "mov %r1, %r6\nmov %r2, %r7\nmov %r3, 0\ncall 124\nldxdw %r8, [%r6+168]\n";
    EXPECT_EQ(run(std::string{given} + "sub %r8, %r7\nmov %r0, %r8\nexit"), 0);
    EXPECT_NE(run(std::string{given} + "mov %r1, %r6\ncall 46\nexit"), cookie);
    EXPECT_EQ(run("ldxdw %r1, [%r6+168]\nldxw %r0, [%r1+72]\nexit"), closed);
    ASSERT_TRUE(context_.renew(frame_));
    EXPECT_NE(run("mov %r1, %r6\ncall 46\nexit"), 0);
}

// --- sockets that the host finds

TEST_P(socket_helper, the_host_is_asked_first) {
    std::vector<network_connection> asked;
    const auto found =
        std::make_shared<const network_socket>(make_socket(tcp, listens, {"127.0.0.1", 8080}));
    net_.set_socket_lookup([&](const network_connection &c) {
        asked.push_back(c);
        return found;
    });
    EXPECT_EQ(run("ldxw %r0, [%r7+44]\nexit"), 8080);
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0].protocol, tcp);
    EXPECT_EQ(asked[0].local, ip_address::parse("127.0.0.1"));
    EXPECT_EQ(asked[0].remote, ip_address::parse("127.0.0.2"));
    EXPECT_EQ(asked[0].local_port, 80);
    EXPECT_EQ(asked[0].remote_port, 4000);
    EXPECT_EQ(asked[0].interface, 1U);
    EXPECT_EQ(run("mov %r1, %r7\ncall 98\nldxw %r0, [%r0+44]\nexit"), 8080);
    EXPECT_EQ(run("mov %r1, %r6\nmov %r2, %r7\nmov %r3, 0\ncall 124\nexit"), 0);
    EXPECT_EQ(context_.socket(), found.get());
    EXPECT_EQ(run("mov %r1, %r7\ncall 86\nmov %r0, 0\nexit"), 0);
}

TEST_P(socket_helper, those_that_were_added_are_found_where_the_host_finds_none) {
    net_.set_socket_lookup([](const network_connection &) { return nullptr; });
    EXPECT_EQ(run("ldxw %r0, [%r7+44]\nexit"), 80);
    net_ = network{};
    net_.set_socket_lookup([](const network_connection &) { return nullptr; });
    EXPECT_EQ(run("mov %r0, %r7\nexit"), 0);
}

TEST_P(socket_helper, what_was_found_is_gone_with_the_next_run) {
    net_ = network{};
    std::weak_ptr<const network_socket> last;
    net_.set_socket_lookup([&](const network_connection &) {
        auto made = std::make_shared<const network_socket>(make_socket(tcp, listens, server));
        last = made;
        return made;
    });
    run("mov %r0, 0\nexit");
    EXPECT_FALSE(last.expired());
    context_.set_network(network::loopback_only());
    const auto first = last;
    run("mov %r0, 0\nexit");
    EXPECT_TRUE(first.expired());
}

TEST_P(socket_helper, a_run_finds_so_many_and_no_more) {
    net_ = network{};
    net_.set_socket_lookup([](const network_connection &) {
        return std::make_shared<const network_socket>(make_socket(tcp, listens, server));
    });
    EXPECT_EQ(run("mov %r8, 0\nmov %r9, 0\n"
                  "again: mov %r1, %r6\nmov %r2, %r10\nadd %r2, -12\nmov %r3, 12\n"
                  "mov %r4, -1\nmov %r5, 0\ncall 84\njeq %r0, 0, +1\nadd %r8, 1\n"
                  "add %r9, 1\njlt %r9, 2000, again\nmov %r0, %r8\nexit"),
              packet_context::most_kept_sockets - 1);
}

TEST_P(socket_helper, a_socket_has_what_the_host_gave_it) {
    EXPECT_EQ(run("mov %r1, %r7\ncall 96\nexit"), 0);
    network_socket more = make_socket(tcp, established, server, client);
    more.tcp.emplace();
    more.tcp->snd_cwnd = 10;
    net_ = network{};
    net_.add(more);
    EXPECT_EQ(run("mov %r1, %r7\ncall 96\nldxw %r0, [%r0]\nexit"), 10);
    EXPECT_NE(run("mov %r1, %r7\ncall 95\nexit"), 0);
    EXPECT_EQ(run("mov %r1, %r7\ncall 98\nexit"), 0) << "it does not listen";
    EXPECT_EQ(run("mov %r1, %r10\ncall 95\nexit"), 0) << "it is no socket";
}

TEST_P(socket_helper, cookies_are_for_sockets_that_listen) {
    // IPv4 and TCP headers at r10-40 and r10-20.
    constexpr std::string_view gen =
        "stw [%r10-40], 0x45\nstb [%r10-8], 0x50\nstb [%r10-7], 2\nmov %r1, %r7\nmov %r2, %r10\n"
        "add %r2, -40\nmov %r3, 20\nmov %r4, %r10\nadd %r4, -20\nmov %r5, 20\ncall 110\n";
    EXPECT_EQ(run(std::string{gen} + "exit"), -EINVAL);
    net_ = network{};
    net_.add(make_socket(tcp, listens, server));
    EXPECT_EQ(run(std::string{gen} + "rsh %r0, 32\nexit"), 536);
    const std::string check =
        std::string{gen} +
        "add32 %r0, 1\nbe32 %r0\nstxw [%r10-12], %r0\nstb [%r10-7], 16\nstb [%r10-13], 1\n"
        "mov %r1, %r7\nmov %r2, %r10\nadd %r2, -40\nmov %r3, 20\nmov %r4, %r10\nadd %r4, -20\n"
        "mov %r5, 20\n";
    EXPECT_EQ(run(check + "call 100\nexit"), 0);
    EXPECT_EQ(run(check + "stb [%r10-20], 1\ncall 100\nexit"), -ENOENT);
    EXPECT_EQ(run(check + "stb [%r10-7], 4\ncall 100\nexit"), -ENOENT);
    EXPECT_EQ(run(check + "mov %r5, 19\ncall 100\nexit"), -EINVAL);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
