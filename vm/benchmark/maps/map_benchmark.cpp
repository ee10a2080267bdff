// bpftime-vm: measures operations on maps, ours and the kernel's
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// map_benchmark [options of Google Benchmark]: per_op is what one operation takes
//   ours/...     called from C++, on one thread and on two; time of the CPU
//   pinned/...   likewise, on a map that other processes could open
//   native/...   what programs do of it, in C++ with the map's lookup written out; on one thread
//   BACKEND/...  in a program on a backend of this process, checks and loop included; likewise
//   kernel/...   in the same program in the kernel, on one thread and on two
#include "kernel.hpp"
#include "operations.hpp"
#include "runtime/map_set.hpp"
#include "runtime/read_section.hpp"
#include "runtime/ring_buffer.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bpftime::vm::benchmark {

namespace {

constexpr uint32_t kernel_rounds = 100;
constexpr uint32_t first_key_step = 0x85eb'ca6b;  // odd, so that each round begins elsewhere

std::shared_ptr<runtime::map> fill(result<std::shared_ptr<runtime::map>> made, const operation &o) {
    if (not made) throw std::runtime_error(made.error().message);
    const auto write_entry = o.write_entry != nullptr ? o.write_entry : o.write_key;
    for (uint32_t i = 0; i < o.entries; ++i) {
        arguments a;
        write_entry(a, i);
        if ((*made)->update_elem(a.key.data(), &a.value, 0) != 0)
            throw std::runtime_error("the map takes no entry");
    }
    return *made;
}

std::shared_ptr<runtime::map> make_map(const operation &o) {
    return fill(runtime::map::create(o.map), o);
}

/// The file has no name any more when this returns.
std::shared_ptr<runtime::map> make_pinned_map(const operation &o) {
    const std::filesystem::path shm{"/dev/shm"};
    const auto folder =
        access(shm.c_str(), W_OK) == 0 ? shm : std::filesystem::temp_directory_path();
    const auto path = folder / fmt::format("map_benchmark-{}", getpid());
    auto made = runtime::map::create_pinned(o.map, path);
    if (made) std::filesystem::remove(path);
    return fill(std::move(made), o);
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

void run_ours(::benchmark::State &state, const operation &o, runtime::map &m) {
    for (uint32_t from = 0; state.KeepRunning(); from += first_key_step) {
        const runtime::read_section reading;
        o.round(m, from, o.keys());
        forget_records(m);
    }
    count(state, static_cast<double>(state.iterations()) * operations_of_round, of_cpu_time);
}

void run_native(::benchmark::State &state, const operation &o, const runtime::map &m) {
    for (uint32_t from = 0; state.KeepRunning(); from += first_key_step)
        ::benchmark::DoNotOptimize(o.native(m, from, o.keys()));
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

/// Something that takes time and memory to make: made when the first benchmark needs it.
template <typename T>
class made_when_needed {
public:
    explicit made_when_needed(std::function<std::shared_ptr<T>()> make) : make_{std::move(make)} {}
    T &operator*() {
        std::call_once(once_, [this] { made_ = make_(); });
        return *made_;
    }

private:
    std::once_flag once_;
    std::function<std::shared_ptr<T>()> make_;
    std::shared_ptr<T> made_;
};

/// What cannot be made is the benchmark's error.
template <typename T, typename Measure>
::benchmark::internal::Benchmark *add(const std::string &name,
                                      const std::shared_ptr<made_when_needed<T>> &what,
                                      Measure measure) {
    return ::benchmark::RegisterBenchmark(name.c_str(), [=](::benchmark::State &state) {
        try {
            measure(state, **what);
        } catch (const std::exception &e) {
            state.SkipWithError(e.what());
        }
    });
}

template <typename T>
auto when_needed(std::function<std::shared_ptr<T>()> make) {
    return std::make_shared<made_when_needed<T>>(std::move(make));
}

void add(const operation &o) {
    for (const int threads : {1, 2}) {
        add("ours/" + o.name, when_needed<runtime::map>([&o] { return make_map(o); }),
            [&o](::benchmark::State &state, runtime::map &m) { run_ours(state, o, m); })
            ->Threads(threads);
        if (runtime::map::can_be_pinned(o.map.type)) {
            add("pinned/" + o.name, when_needed<runtime::map>([&o] { return make_pinned_map(o); }),
                [&o](::benchmark::State &state, runtime::map &m) { run_ours(state, o, m); })
                ->Threads(threads);
        }
        if (o.native != nullptr and threads == 1) {
            add("native/" + o.name, when_needed<runtime::map>([&o] { return make_map(o); }),
                [&o](::benchmark::State &state, const runtime::map &m) {
                    run_native(state, o, m);
                });
        }
        if (o.text.empty()) continue;
        for (const std::string &backend : compat::list_vm_backends()) {
            add(backend + "/" + o.name, when_needed<backend_operation>([&o, backend] {
                    return std::make_shared<backend_operation>(o, backend);
                }),
                run_backend)
                ->Threads(threads);
        }
        add("kernel/" + o.name,
            when_needed<kernel_operation>([&o] { return std::make_shared<kernel_operation>(o); }),
            run_kernel)
            ->Threads(threads)
            ->UseManualTime();
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
