// bpftime-vm: loading what the benchmark measures, and checking its answers
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "measured.hpp"

#include "inputs.hpp"
#include "object/object.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace bpftime::vm::benchmark {

namespace {

std::vector<uint8_t> read_file(const std::string &path) {
    std::ifstream in{path, std::ios::binary};
    if (not in)
        throw std::runtime_error(
            fmt::format("{} cannot be read: build bpftime_vm_bench_objects", path));
    return {std::istreambuf_iterator<char>{in}, {}};
}

std::vector<uint8_t> read_program(std::string_view cpu, const std::string &name) {
    const std::string path = fmt::format("{}/{}/{}.bpf.o", BENCH_OBJECT_DIRECTORY, cpu, name);
    const auto object = object::object_file::parse(read_file(path));
    if (not object) throw std::runtime_error(fmt::format("{}: {}", path, object.error().message));
    const auto entry = std::ranges::find(object->functions(), name, &object::function_info::name);
    if (entry == object->functions().end())
        throw std::runtime_error(fmt::format("{} has no {}", path, name));
    auto linked = object->link(*entry, {.maps = false});
    if (not linked) throw std::runtime_error(fmt::format("{}: {}", path, linked.error().message));
    return std::move(linked->code);
}

}  // namespace

std::vector<bench_program> load_programs(std::string_view cpu) {
    std::vector<bench_program> programs;
    for (const native_program &native : native_programs) {
        const std::string name{native.name};
        programs.push_back({name, read_program(cpu, name), native});
    }
    return programs;
}

std::string judge(std::string_view program, uint64_t r0, std::span<const uint8_t> memory) {
    const program_input *const wanted = find_program_input(program);
    if (wanted == nullptr) return fmt::format("{} has no input", program);
    if (r0 != wanted->result) return fmt::format("r0 is {:#x}, not {:#x}", r0, wanted->result);
    if (fnv1a64(memory) != wanted->memory_hash) return "the memory differs after the run";
    return {};
}

}  // namespace bpftime::vm::benchmark
