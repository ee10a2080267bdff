// bpftime-vm: the same operations in the kernel
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "kernel.hpp"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace bpftime::vm::benchmark {

namespace {

int call(bpf_cmd command, bpf_attr &attr) {
    return static_cast<int>(syscall(SYS_bpf, command, &attr, sizeof attr));
}

}  // namespace

kernel_operation::kernel_operation(const operation &o) {
    bpf_attr attr{};
    attr.map_type = static_cast<uint32_t>(o.map.type);
    attr.key_size = o.map.key_size;
    attr.value_size = o.map.value_size;
    attr.max_entries = o.map.max_entries;
    attr.map_flags = o.map.flags;
    map_ = call(BPF_MAP_CREATE, attr);
    if (map_ < 0) throw std::runtime_error(std::string{"no map: "} + std::strerror(errno));
    fill(o);
    load(o);
    if (o.map.type == map_type::ringbuf) map_ring();
}

kernel_operation::~kernel_operation() {
    if (program_ >= 0) close(program_);
    if (map_ >= 0) close(map_);
}

void kernel_operation::fill(const operation &o) const {
    const auto cpus = static_cast<std::size_t>(sysconf(_SC_NPROCESSORS_CONF));
    const std::vector<uint64_t> values(cpus);
    for (uint32_t i = 0; i < o.entries; ++i) {
        arguments a;
        o.write_key(a, i);
        bpf_attr attr{};
        attr.map_fd = static_cast<uint32_t>(map_);
        attr.key = reinterpret_cast<uint64_t>(a.key.data());
        attr.value = reinterpret_cast<uint64_t>(values.data());
        if (call(BPF_MAP_UPDATE_ELEM, attr) != 0)
            throw std::runtime_error("the map takes no entry");
    }
}

void kernel_operation::load(const operation &o) {
    const std::vector<uint8_t> code = program_of(o, map_);
    std::vector<char> log(1 << 20);
    bpf_attr attr{};
    attr.prog_type = BPF_PROG_TYPE_XDP;
    attr.insns = reinterpret_cast<uint64_t>(code.data());
    attr.insn_cnt = static_cast<uint32_t>(code.size() / 8);
    attr.license = reinterpret_cast<uint64_t>("GPL");
    program_ = call(BPF_PROG_LOAD, attr);
    if (program_ >= 0) return;
    attr.log_buf = reinterpret_cast<uint64_t>(log.data());
    attr.log_size = static_cast<uint32_t>(log.size());
    attr.log_level = 1;
    call(BPF_PROG_LOAD, attr);
    throw std::runtime_error(std::string{"the kernel refuses the program: "} + log.data());
}

void kernel_operation::map_ring() {
    page_ = static_cast<std::size_t>(getpagesize());
    void *const consumer = mmap(nullptr, page_, PROT_READ | PROT_WRITE, MAP_SHARED, map_, 0);
    void *const producer =
        mmap(nullptr, page_, PROT_READ, MAP_SHARED, map_, static_cast<off_t>(page_));
    if (consumer == MAP_FAILED or producer == MAP_FAILED)
        throw std::runtime_error("the ring buffer cannot be mapped");
    consumer_ = static_cast<volatile uint64_t *>(consumer);
    producer_ = static_cast<volatile const uint64_t *>(producer);
}

uint64_t kernel_operation::run(uint32_t rounds) const {
    std::vector<uint8_t> packet(64);
    bpf_attr attr{};
    attr.test.prog_fd = static_cast<uint32_t>(program_);
    attr.test.repeat = rounds;
    attr.test.data_in = reinterpret_cast<uint64_t>(packet.data());
    attr.test.data_size_in = static_cast<uint32_t>(packet.size());
    if (call(BPF_PROG_TEST_RUN, attr) != 0)
        throw std::runtime_error(std::string{"no run: "} + std::strerror(errno));
    if (consumer_ != nullptr) *consumer_ = *producer_;
    return attr.test.duration;
}

}  // namespace bpftime::vm::benchmark
