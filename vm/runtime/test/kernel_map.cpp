// bpftime-vm: maps of the running kernel, for comparison
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "kernel_map.hpp"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bpftime::vm::runtime::test {

namespace {

int call(bpf_cmd command, bpf_attr &attr) {
    const long result = syscall(SYS_bpf, command, &attr, sizeof attr);
    return result < 0 ? -errno : static_cast<int>(result);
}

uint64_t address_of(std::span<const uint8_t> bytes) {
    return bytes.empty() ? 0 : reinterpret_cast<uint64_t>(bytes.data());
}

bpf_attr element(int fd, std::span<const uint8_t> key, std::span<const uint8_t> value,
                 uint64_t flags) {
    bpf_attr attr{};
    attr.map_fd = static_cast<uint32_t>(fd);
    attr.key = address_of(key);
    attr.value = address_of(value);
    attr.flags = flags;
    return attr;
}

}  // namespace

kernel_map::~kernel_map() {
    if (fd_ >= 0) close(fd_);
}

std::string kernel_map::why_unavailable() {
    kernel_map probe;
    const int failed = probe.create({.name = "probe",
                                     .type = map_type::lpm_trie,
                                     .key_size = 8,
                                     .value_size = 8,
                                     .max_entries = 1,
                                     .flags = BPF_F_NO_PREALLOC});
    return failed == 0 ? "" : std::string{"bpf(2) makes no maps here: "} + std::strerror(-failed);
}

int kernel_map::create(const map_definition &d) { return create(d, {}); }

int kernel_map::create(const map_definition &d, std::span<const uint8_t> btf) {
    int types = -1;
    if (not btf.empty()) {
        bpf_attr load{};
        load.btf = address_of(btf);
        load.btf_size = static_cast<uint32_t>(btf.size());
        types = call(BPF_BTF_LOAD, load);
        if (types < 0) return types;
    }
    bpf_attr attr{};
    if (types >= 0) {
        attr.btf_fd = static_cast<uint32_t>(types);
        attr.btf_key_type_id = 1;
        attr.btf_value_type_id = 2;
    }
    attr.map_type = static_cast<uint32_t>(d.type);
    attr.key_size = d.key_size;
    attr.value_size = d.value_size;
    attr.max_entries = d.max_entries;
    attr.map_flags = d.flags;
    attr.map_extra = d.map_extra;
    attr.numa_node = d.numa_node;
    std::strncpy(attr.map_name, d.name.c_str(), sizeof attr.map_name - 1);
    const int fd = call(BPF_MAP_CREATE, attr);
    if (types >= 0) close(types);
    if (fd < 0) return fd;
    fd_ = fd;
    return 0;
}

int kernel_map::lookup(std::span<const uint8_t> key, std::span<uint8_t> value,
                       uint64_t flags) const {
    bpf_attr attr = element(fd_, key, value, flags);
    return call(BPF_MAP_LOOKUP_ELEM, attr);
}

int kernel_map::update(std::span<const uint8_t> key, std::span<const uint8_t> value,
                       uint64_t flags) const {
    bpf_attr attr = element(fd_, key, value, flags);
    return call(BPF_MAP_UPDATE_ELEM, attr);
}

int kernel_map::remove(std::span<const uint8_t> key) const {
    bpf_attr attr = element(fd_, key, {}, 0);
    return call(BPF_MAP_DELETE_ELEM, attr);
}

int kernel_map::lookup_and_delete(std::span<const uint8_t> key, std::span<uint8_t> value) const {
    bpf_attr attr = element(fd_, key, value, 0);
    return call(BPF_MAP_LOOKUP_AND_DELETE_ELEM, attr);
}

int kernel_map::next_key(std::span<const uint8_t> key, std::span<uint8_t> next) const {
    bpf_attr attr = element(fd_, key, next, 0);
    return call(BPF_MAP_GET_NEXT_KEY, attr);
}

int kernel_map::freeze() const {
    bpf_attr attr{};
    attr.map_fd = static_cast<uint32_t>(fd_);
    return call(BPF_MAP_FREEZE, attr);
}

}  // namespace bpftime::vm::runtime::test
