// bpftime-vm: measures operations on maps, ours and the kernel's
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// map_benchmark [options of Google Benchmark]: per_op is what one operation takes
//   ours/...     called from C++, on one thread and on two; time of the CPU
//   BACKEND/...  in a program on a backend of this process, checks and loop included
//   kernel/...   in the same program in the kernel, on one thread and on two
#include "kernel.hpp"
#include "operations.hpp"
#include "runtime/map_set.hpp"
#include "runtime/read_section.hpp"
#include "runtime/ring_buffer.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <vector>

namespace bpftime::vm::benchmark {

namespace {

constexpr uint32_t kernel_rounds = 100;

std::shared_ptr<runtime::map> make_map(const operation &o) {
    auto made = runtime::map::create(o.map);
    if (not made) throw std::runtime_error(made.error().message);
    for (uint32_t i = 0; i < o.entries; ++i) {
        arguments a;
        o.write_key(a, i);
        if ((*made)->update_elem(a.key.data(), &a.value, 0) != 0)
            throw std::runtime_error("the map takes no entry");
    }
    return *made;
}

/// Lets the producers have the whole ring again.
void forget_records(runtime::map &m) {
    runtime::ring_buffer *const ring = runtime::as_ring_buffer(&m);
    if (ring == nullptr) return;
    const uint64_t produced = ring->query(3);
    reinterpret_cast<std::atomic<uint64_t> *>(ring->memory().data())->store(produced);
}

using ::benchmark::Counter;

/// CPU time is that of all threads together, other time that of one.
const Counter::Flags of_cpu_time = Counter::kIsRate | Counter::kInvert;
const Counter::Flags of_other_time = Counter::kAvgThreadsRate | Counter::kInvert;

void count(::benchmark::State &state, double operations, Counter::Flags time) {
    state.counters["per_op"] = Counter(operations, time, Counter::OneK::kIs1000);
}

void run_ours(::benchmark::State &state, const operation &o,
              const std::shared_ptr<runtime::map> &m) {
    while (state.KeepRunning()) {
        const runtime::read_section reading;
        o.round(*m);
        forget_records(*m);
    }
    count(state, static_cast<double>(state.iterations()) * operations_of_round, of_cpu_time);
}

void run_kernel(::benchmark::State &state, const kernel_operation &kernel) {
    while (state.KeepRunning()) {
        const uint64_t nanoseconds = kernel.run(kernel_rounds);
        state.SetIterationTime(static_cast<double>(nanoseconds) * kernel_rounds * 1e-9);
    }
    count(state, static_cast<double>(state.iterations()) * operations_of_round * kernel_rounds,
          of_other_time);
}

/// The map and a VM that runs the operation's program on it.
struct backend_operation {
    runtime::map_set maps;
    ebpf_vm vm;

    backend_operation(const operation &o, const std::string &backend) : vm{backend} {
        maps.add(make_map(o));
        const std::vector<uint8_t> code = program_of(o, 0);
        if (not maps.attach(vm) or vm.load_code(code.data(), code.size()) != EBPF_OK)
            throw std::runtime_error(vm.error_message());
    }
};

void run_backend(::benchmark::State &state, backend_operation &b) {
    int64_t r0 = 0;
    while (state.KeepRunning()) {
        if (b.vm.exec(nullptr, 0, r0) != EBPF_OK) {
            state.SkipWithError(b.vm.error_message().c_str());
            break;
        }
        forget_records(*b.maps[0]);
    }
    count(state, static_cast<double>(state.iterations()) * operations_of_round, of_cpu_time);
}

void add_backends(const operation &o) {
    for (const std::string &backend : compat::list_vm_backends()) {
        const auto b = std::make_shared<backend_operation>(o, backend);
        ::benchmark::RegisterBenchmark((backend + "/" + o.name).c_str(),
                                       [b](::benchmark::State &state) { run_backend(state, *b); });
    }
}

void add(const operation &o) {
    for (const int threads : {1, 2}) {
        const auto m = make_map(o);
        ::benchmark::RegisterBenchmark(("ours/" + o.name).c_str(), [&o,
                                                                    m](::benchmark::State &state) {
            run_ours(state, o, m);
        })->Threads(threads);
    }
    add_backends(o);
    try {
        const auto kernel = std::make_shared<kernel_operation>(o);
        for (const int threads : {1, 2}) {
            ::benchmark::RegisterBenchmark(
                ("kernel/" + o.name).c_str(),
                [kernel](::benchmark::State &state) { run_kernel(state, *kernel); })
                ->Threads(threads)
                ->UseManualTime();
        }
    } catch (const std::exception &e) {
        fmt::print(stderr, "map_benchmark: kernel/{} is left out: {}\n", o.name, e.what());
    }
}

}  // namespace

int run(int argc, char **argv) {
    ::benchmark::Initialize(&argc, argv);
    if (::benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    for (const operation &o : operations()) add(o);
    ::benchmark::RunSpecifiedBenchmarks();
    ::benchmark::Shutdown();
    return 0;
}

}  // namespace bpftime::vm::benchmark

int main(int argc, char **argv) {
    try {
        return bpftime::vm::benchmark::run(argc, argv);
    } catch (const std::exception &e) {
        std::fprintf(stderr, "map_benchmark: %s\n", e.what());
        return 1;
    }
}
