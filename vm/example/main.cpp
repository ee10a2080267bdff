// bpftime-vm: embedding: a host that judges packets with a program, helps it with a function, and
// survives its faults Copyright (c) 2026 The bpftime-vm authors SPDX-License-Identifier: MIT
//
// Usage: vm_example [backend]
#include <ebpf-vm.h>

#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

namespace {

// r6 = packet; r0 = 0 if it is shorter than an IPv4 header, else report(its protocol, its length)
constexpr uint8_t judge[] = {
    0xbf, 0x16, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // r6 = r1
    0xb7, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // r0 = 0
    0xa5, 0x02, 0x02, 0x00, 0x14, 0x00, 0x00, 0x00,  // if r2 < 20 goto +2
    0x71, 0x61, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00,  // r1 = *(u8 *)(r6 + 9)
    0x85, 0x00, 0x00, 0x00, 0xe8, 0x03, 0x00, 0x00,  // call 1000
    0x95, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // exit
};

// The same without looking at the length first.
constexpr uint8_t careless[] = {
    0x71, 0x10, 0x09, 0x00, 0x00, 0x00, 0x00, 0x00,  // r0 = *(u8 *)(r1 + 9)
    0x95, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // exit
};

struct statistics {
    std::array<unsigned, 256> packets_of_protocol{};
};

// A helper with a host context: counts, and lets TCP (6) and UDP (17) pass.
uint64_t report(void *context, uint64_t protocol, uint64_t, uint64_t, uint64_t, uint64_t) {
    ++static_cast<statistics *>(context)->packets_of_protocol[protocol & 0xff];
    return protocol == 6 or protocol == 17;
}

void fail(const char *what) {
    std::fprintf(stderr, "%s: %s\n", what, ebpf_last_error());
    std::exit(1);
}

void run(ebpf_vm *vm, const char *name, void *packet, size_t len) {
    int64_t verdict = 0;
    if (ebpf_exec(vm, packet, len, &verdict) < 0) {
        ebpf_fault fault{};
        ebpf_last_fault(&fault);
        std::printf("%-16s fault %u at pc %u: %s\n", name, fault.kind, fault.pc, ebpf_last_error());
    } else {
        std::printf("%-16s verdict %" PRId64 "\n", name, verdict);
    }
}

}  // namespace

int main(int argc, char **argv) {
    ebpf_vm *const vm = ebpf_create(argc > 1 ? argv[1] : "");
    if (vm == nullptr) fail("no VM");
    std::printf("bpftime-vm %s, backend %s\n", ebpf_version(), ebpf_get_vm_name(vm));

    statistics counts;
    if (ebpf_register_ctx(vm, 1000, "report", report, &counts) < 0) fail("helper");
    if (ebpf_load(vm, judge, sizeof judge, nullptr) < 0) fail("program");

    std::array<uint8_t, 40> tcp{0x45};
    tcp[9] = 6;
    std::array<uint8_t, 28> icmp{0x45};
    icmp[9] = 1;
    std::array<uint8_t, 4> short_one{};
    run(vm, "TCP packet", tcp.data(), tcp.size());
    run(vm, "ICMP packet", icmp.data(), icmp.size());
    run(vm, "short packet", short_one.data(), short_one.size());
    std::printf("counted: %u TCP, %u ICMP\n", counts.packets_of_protocol[6],
                counts.packets_of_protocol[1]);

    // A program that reads where it must not: an error for the host, not a crash.
    if (ebpf_load(vm, careless, sizeof careless, nullptr) < 0) fail("program");
    run(vm, "careless program", short_one.data(), short_one.size());

    ebpf_destroy(vm);
    return 0;
}
