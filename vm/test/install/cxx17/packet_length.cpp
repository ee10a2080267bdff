// bpftime-vm test: an outside C++17 program uses both interfaces
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT

#include <bpftime_vm_compat.hpp>
#include <ebpf-vm.h>

#include <array>
#include <iostream>
#include <stdexcept>

namespace {

constexpr uint8_t packet_length[] = {
    0xbf, 0x20, 0, 0, 0, 0, 0, 0,  // r0 = r2
    0x95, 0,    0, 0, 0, 0, 0, 0,  // exit
};

void require(bool condition, const std::string &what) {
    if (not condition) {
        throw std::runtime_error(what);
    }
}

void use_the_cpp_interface() {
    std::array<uint8_t, 64> packet = {};
    auto vm = std::make_unique<ebpf_vm>("");
    require(vm->load_code(packet_length, sizeof(packet_length)) == 0, vm->error_message());
    int64_t result = 0;
    require(vm->exec(packet.data(), packet.size(), result) == 0, vm->error_message());
    require(result == 64, "the C++ interface gave a wrong packet length");
}

void use_the_c_interface() {
    std::array<uint8_t, 60> packet = {};
    const std::unique_ptr<ebpf_vm, decltype(&ebpf_destroy)> vm(ebpf_create(""), &ebpf_destroy);
    require(vm != nullptr, ebpf_last_error());
    require(ebpf_load(vm.get(), packet_length, sizeof(packet_length), nullptr) == 0,
            ebpf_last_error());
    uint64_t result = 0;
    require(ebpf_exec(vm.get(), packet.data(), packet.size(), &result) == 0, ebpf_last_error());
    require(result == 60, "the C interface gave a wrong packet length");
}

void catch_what_the_library_throws() {
    try {
        ebpf_vm("no-such-backend");
    } catch (const std::runtime_error &) {
        return;
    }
    throw std::runtime_error("a backend that does not exist was created");
}

}  // namespace

int main() try {
    use_the_cpp_interface();
    use_the_c_interface();
    catch_what_the_library_throws();
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
}
