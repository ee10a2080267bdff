// bpftime-vm: vm_benchmark: run time against native code, load time, growth with program size
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Benchmarks are named run/PROGRAM/CONTENDER, load/PROGRAM/CONTENDER,
// load/GENERATOR:SIZE/CONTENDER, compile/... likewise (loading and compiling, for contenders that
// compile), execute/GENERATOR:SIZE/CONTENDER and create/CONTENDER. Every answer is checked before
// it is timed. The README of this folder tells how to read the figures.
#include "compare.hpp"
#include "generators.hpp"
#include "inputs.hpp"
#include "measured.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>

namespace bpftime::vm::benchmark {

namespace {

using ::benchmark::RegisterBenchmark;
using ::benchmark::State;

constexpr std::array<std::size_t, 4> generated_sizes = {100, 1'000, 10'000, 60'000};

struct options {
    std::optional<table_format> compare;
    std::string cpu = "v4";
    std::vector<std::string> vms;
};

void time_native(State &state, const std::string &name, native_entry native) {
    const auto call = [native](void *mem, size_t len, uint64_t &r0) {
        r0 = native(mem, len);
        return true;
    };
    if (const auto why = check_answer(name, call); not why.empty())
        return state.SkipWithError(why.c_str());
    std::vector<uint8_t> memory = make_input(name);
    for (auto _ : state) ::benchmark::DoNotOptimize(native(memory.data(), memory.size()));
}

void time_run(State &state, const bench_program &program, const contender &c) {
    const vm_ptr vm = make_vm(c, program.code);
    const auto call = [&vm](void *mem, size_t len, uint64_t &r0) {
        return ebpf_exec(vm.get(), mem, len, &r0) == EBPF_OK;
    };
    if (const auto why = check_answer(program.name, call); not why.empty())
        return state.SkipWithError(why.c_str());
    std::vector<uint8_t> memory = make_input(program.name);
    int64_t r0 = 0;
    for (auto _ : state) {
        ebpf_exec(vm.get(), memory.data(), memory.size(), &r0);
        ::benchmark::DoNotOptimize(r0);
    }
}

void time_load(State &state, const std::vector<uint8_t> &code, const contender &c) {
    const vm_ptr vm = make_vm(c, code);
    for (auto _ : state) {
        if (ebpf_load(vm.get(), code.data(), static_cast<uint32_t>(code.size()), nullptr) < 0) {
            return state.SkipWithError(ebpf_last_error());
        }
    }
    state.counters["insns"] = static_cast<double>(code.size() / 8);
}

void time_compile(State &state, const std::vector<uint8_t> &code, const contender &c) {
    const vm_ptr vm = make_vm(c, code);
    for (auto _ : state) {
        if (ebpf_load(vm.get(), code.data(), static_cast<uint32_t>(code.size()), nullptr) < 0 or
            ebpf_compile(vm.get(), nullptr) == nullptr) {
            return state.SkipWithError(ebpf_last_error());
        }
    }
    state.counters["insns"] = static_cast<double>(code.size() / 8);
}

void time_execute(State &state, const std::vector<uint8_t> &code, const golden_checksum &wanted,
                  const contender &c) {
    const vm_ptr vm = make_vm(c, code);
    std::vector<uint8_t> memory = generated_input();
    int64_t r0 = 0;
    if (ebpf_exec(vm.get(), memory.data(), memory.size(), &r0) < 0)
        return state.SkipWithError(ebpf_last_error());
    if (static_cast<uint64_t>(r0) != wanted.result) return state.SkipWithError("r0 is wrong");
    for (auto _ : state) {
        ebpf_exec(vm.get(), memory.data(), memory.size(), &r0);
        ::benchmark::DoNotOptimize(r0);
    }
    state.counters["insns"] = static_cast<double>(code.size() / 8);
}

void time_create(State &state, const contender &c) {
    for (auto _ : state) {
        const vm_ptr vm{ebpf_create(c.backend.c_str())};
        ::benchmark::DoNotOptimize(vm.get());
    }
}

void register_programs(const std::vector<bench_program> &programs,
                       const std::vector<contender> &contenders) {
    for (const bench_program &p : programs) {
        RegisterBenchmark(fmt::format("run/{}/native-o2", p.name).c_str(), time_native, p.name,
                          p.native.o2);
        RegisterBenchmark(fmt::format("run/{}/native-o3", p.name).c_str(), time_native, p.name,
                          p.native.o3);
        for (const contender &c : contenders) {
            RegisterBenchmark(fmt::format("run/{}/{}", p.name, c.name).c_str(), time_run, p, c);
            if (c.compiles) {
                RegisterBenchmark(fmt::format("compile/{}/{}", p.name, c.name).c_str(),
                                  time_compile, p.code, c);
            }
            if (c.bounds_checks) {
                RegisterBenchmark(fmt::format("load/{}/{}", p.name, c.name).c_str(), time_load,
                                  p.code, c);
            }
        }
    }
}

const golden_checksum *find_golden(std::string_view generator, std::size_t n) {
    for (const golden_checksum &g : golden_checksums()) {
        if (g.generator == generator and g.n == n) return &g;
    }
    return nullptr;
}

void register_generated(const std::vector<contender> &contenders) {
    for (const generator &g : generators()) {
        for (const std::size_t n : generated_sizes) {
            const golden_checksum *const golden = find_golden(g.name, n);
            if (golden == nullptr) continue;
            const auto code = g.make(n, golden->seed);
            for (const contender &c : contenders) {
                const std::string what = fmt::format("{}:{}/{}", g.name, n, c.name);
                if (c.compiles)
                    RegisterBenchmark(("compile/" + what).c_str(), time_compile, code, c);
                if (not c.bounds_checks) continue;
                RegisterBenchmark(("load/" + what).c_str(), time_load, code, c);
                RegisterBenchmark(("execute/" + what).c_str(), time_execute, code, *golden, c);
            }
        }
    }
}

table_format parse_table_format(std::string_view name) {
    if (name == "text") return table_format::text;
    if (name == "csv") return table_format::csv;
    if (name == "json") return table_format::json;
    throw std::runtime_error("--compare is text, csv or json");
}

options take_options(int &argc, char **argv) {
    options o;
    int kept = 1;
    for (int i = 1; i < argc; ++i) {
        const std::string_view arg = argv[i];
        const std::string_view value = arg.substr(std::min(arg.size(), arg.find('=') + 1));
        if (arg == "--compare")
            o.compare = table_format::text;
        else if (arg.starts_with("--compare="))
            o.compare = parse_table_format(value);
        else if (arg.starts_with("--isa="))
            o.cpu = value;
        else if (arg.starts_with("--vm="))
            o.vms.emplace_back(value);
        else
            argv[kept++] = argv[i];
    }
    argc = kept;
    if (o.cpu != "v3" and o.cpu != "v4") throw std::runtime_error("--isa is v3 or v4");
    return o;
}

int run(int argc, char **argv) {
    const options o = take_options(argc, argv);
    // Interleaved by default: on a shared machine only times of the same minutes compare.
    std::vector<char *> args{argv, argv + argc};
    static char interleave[] = "--benchmark_enable_random_interleaving=true";
    args.insert(args.begin() + 1, interleave);
    int count = static_cast<int>(args.size());
    ::benchmark::Initialize(&count, args.data());
    if (::benchmark::ReportUnrecognizedArguments(count, args.data())) {
        std::fprintf(stderr,
                     "and: --compare[=text|csv|json] (table against the best native code), "
                     "--isa=v3|v4, --vm=NAME (repeatable)\n");
        return 1;
    }
    const auto programs = load_programs(o.cpu);
    const auto contenders = find_contenders(o.vms);
    if (contenders.empty()) throw std::runtime_error("no backend of these names");
    register_programs(programs, contenders);
    register_generated(contenders);
    for (const contender &c : contenders) {
        if (c.bounds_checks) RegisterBenchmark(("create/" + c.name).c_str(), time_create, c);
    }
    if (o.compare) {
        comparing_reporter reporter{*o.compare};
        ::benchmark::RunSpecifiedBenchmarks(&reporter);
        reporter.print_table();
    } else {
        ::benchmark::RunSpecifiedBenchmarks();
    }
    return 0;
}

}  // namespace

}  // namespace bpftime::vm::benchmark

int main(int argc, char **argv) {
    try {
        return bpftime::vm::benchmark::run(argc, argv);
    } catch (const std::exception &e) {
        std::fprintf(stderr, "vm_benchmark: %s\n", e.what());
        return 1;
    }
}
