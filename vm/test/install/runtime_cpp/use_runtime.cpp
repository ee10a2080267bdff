// bpftime-vm test: an outside C++23 program runs an object on a packet, and reads its map as it is
// and as JSON Copyright (c) 2026 The bpftime-vm authors SPDX-License-Identifier: MIT
//
// USE_OBJECT names the object: vm/example/traffic_count.
#include <nlohmann/json.hpp>
#include <runtime/loaded_object.hpp>
#include <runtime/network.hpp>
#include <runtime/packet.hpp>
#include <runtime_json/maps.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

namespace vm = bpftime::vm;

namespace {

int complain(const std::string &what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    return 1;
}

}  // namespace

int main() {
    const char *const path = std::getenv("USE_OBJECT");
    std::ifstream in{path == nullptr ? "" : path, std::ios::binary};
    const std::vector<char> contents{std::istreambuf_iterator<char>{in}, {}};
    const auto file = vm::object::object_file::parse(
        {reinterpret_cast<const uint8_t *>(contents.data()), contents.size()});
    if (not file) return complain(file.error().message);
    const auto object = vm::runtime::loaded_object::load(*file);
    if (not object) return complain(object.error().message);
    const auto *const program = object->find_program("traffic_count");
    if (program == nullptr) return complain("there is no traffic_count");

    std::vector<uint8_t> frame(34);
    frame[12] = 8;  // IPv4
    frame[23] = 6;  // TCP
    auto packet = vm::runtime::packet_context::create(program->type, frame);
    if (not packet) return complain(packet.error().message);
    vm::runtime::network network;
    network.add(vm::runtime::network_interface{.index = 2});
    packet->set_network(network);
    int64_t verdict = 0;
    if (packet->exec(*program->vm, verdict) != 0) return complain(program->vm->error_message());
    if (verdict != 2) return complain("the verdict is not XDP_PASS");

    const auto map = object->find_map("protocols");
    const std::array<uint8_t, 4> key{6, 0, 0, 0};
    const auto value = map->lookup(key);
    if (not value) return complain(value.error().message);
    if (value->front() != 1) return complain("the packet was not counted");
    const vm::runtime_json::typed_map typed{*map, {}};
    const auto document = typed.to_json();
    if (document["entries"][0]["value"] != 1) return complain("JSON has not counted the packet");
    const auto refused = vm::object::object_file::parse(std::span{key});
    if (refused or refused.error().message.empty()) return complain("anything is an object");
    std::printf("backend %s: %s\n", program->vm->name().c_str(), document.dump().c_str());
    return 0;
}
