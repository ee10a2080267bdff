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
    auto linked = object->link(*entry);
    if (not linked) throw std::runtime_error(fmt::format("{}: {}", path, linked.error().message));
    return std::move(linked->code);
}

bool can_compile(const std::string &backend) {
    constexpr uint8_t leave[] = {0x95, 0, 0, 0, 0, 0, 0, 0};
    const vm_ptr vm{ebpf_create(backend.c_str())};
    return vm != nullptr and ebpf_load(vm.get(), leave, sizeof leave, nullptr) == EBPF_OK and
           ebpf_compile(vm.get(), nullptr) != nullptr;
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

std::vector<contender> find_contenders(const std::vector<std::string> &only) {
    std::vector<const char *> names(ebpf_list_vms(nullptr, 0));
    names.resize(std::min(names.size(), ebpf_list_vms(names.data(), names.size())));
    std::vector<contender> out;
    for (const std::string name : names) {
        if (not only.empty() and std::ranges::find(only, name) == only.end()) continue;
        const bool compiles = can_compile(name);
        out.push_back({name, name, true, compiles});
        out.push_back({name + "-unchecked", name, false, compiles});
    }
    return out;
}

vm_ptr make_vm(const contender &c, const std::vector<uint8_t> &code) {
    vm_ptr vm{ebpf_create(c.backend.c_str())};
    if (vm == nullptr) throw std::runtime_error(ebpf_last_error());
    ebpf_toggle_bounds_check(vm.get(), c.bounds_checks);
    ebpf_set_max_insns(vm.get(), EBPF_MOST_INSTS);
    if (ebpf_load(vm.get(), code.data(), static_cast<uint32_t>(code.size()), nullptr) < 0) {
        throw std::runtime_error(ebpf_last_error());
    }
    return vm;
}

std::string check_answer(std::string_view program,
                         const std::function<bool(void *, size_t, uint64_t &)> &call) {
    const program_input *const wanted = find_program_input(program);
    if (wanted == nullptr) return fmt::format("{} has no input", program);
    std::vector<uint8_t> memory = make_input(program);
    uint64_t r0 = 0;
    if (not call(memory.data(), memory.size(), r0)) return ebpf_last_error();
    if (r0 != wanted->result) return fmt::format("r0 is {:#x}, not {:#x}", r0, wanted->result);
    if (fnv1a64(memory) != wanted->memory_hash) return "the memory differs after the run";
    return {};
}

}  // namespace bpftime::vm::benchmark
