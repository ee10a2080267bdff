// bpftime-vm: vm_benchmark: run time against native code, load time, growth with program size
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Benchmarks are named run/PROGRAM/CONTENDER, load/PROGRAM/CONTENDER,
// load/GENERATOR:SIZE/CONTENDER, compile/... likewise (loading and compiling, for contenders that
// compile), execute/GENERATOR:SIZE/CONTENDER, create/CONTENDER, first/CONTENDER (the first VM of a
// process) and memory/CONTENDER. Every answer is checked before it is timed; a wrong one makes the
// exit status 1. The README of this folder tells how to read the figures.
#include "c_api.hpp"
#include "compare.hpp"
#include "generators.hpp"
#include "inputs.hpp"
#include "kernel.hpp"
#include "machine.hpp"
#include "measured.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>

namespace bpftime::vm::benchmark {

namespace {

using ::benchmark::RegisterBenchmark;
using ::benchmark::State;

constexpr std::array<std::size_t, 5> generated_sizes = {100, 1'000, 10'000, 60'000, 1'000'000};
/// Programs of this size take minutes and gigabytes to compile: only measured when asked for.
constexpr std::size_t large_size = 1'000'000;

constexpr std::string_view kernel_name = "kernel";

struct options {
    std::optional<table_format> compare;
    bool large = false;
    std::string first;  ///< the contender to make ready, and nothing else
    std::string cpu = "v4";
    std::vector<std::string> vms;
    std::vector<library_option> libraries;
    std::vector<library_option> ubpf_libraries;
};

/// Whether a benchmark failed; that the kernel refuses a program is no failure.
bool failed = false;

void fail(State &state, const std::string &why) {
    failed = true;
    state.SkipWithError(why.c_str());
}

/// Runs a benchmark's body; what it throws becomes the benchmark's error.
template <typename Body>
void guard(State &state, const Body &body) {
    try {
        body();
    } catch (const std::exception &e) {
        fail(state, e.what());
    }
}

void count_instructions(State &state, const std::vector<uint8_t> &code) {
    state.counters["insns"] = static_cast<double>(code.size()) / 8;
}

void time_native(State &state, const std::string &name, native_entry native) {
    std::vector<uint8_t> memory = make_input(name);
    const uint64_t r0 = native(memory.data(), memory.size());
    if (const auto why = judge(name, r0, memory); not why.empty()) return fail(state, why);
    for (auto _ : state) ::benchmark::DoNotOptimize(native(memory.data(), memory.size()));
}

void time_runs(State &state, machine &m, std::vector<uint8_t> &memory) {
    uint64_t r0 = 0;
    for (auto _ : state) {
        m.run(memory.data(), memory.size(), r0);
        ::benchmark::DoNotOptimize(r0);
    }
}

/// Runs the machine once in a process of its own: what that process dies of, or "".
std::string crash_of(machine &m, std::vector<uint8_t> memory) {
    const pid_t child = fork();
    if (child < 0) throw std::runtime_error("no process for a trial run can be made");
    if (child == 0) {
        uint64_t r0 = 0;
        m.run(memory.data(), memory.size(), r0);
        _exit(0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 and errno == EINTR) continue;
    return WIFSIGNALED(status) ? fmt::format("crashed: {}", strsignal(WTERMSIG(status))) : "";
}

void time_run(State &state, const bench_program &program, const contender &c) {
    guard(state, [&] {
        const auto m = c.load(program.code);
        std::vector<uint8_t> memory = make_input(program.name);
        uint64_t r0 = 0;
        if (c.foreign) {
            if (const auto why = crash_of(*m, memory); not why.empty()) return fail(state, why);
        }
        if (not m->run(memory.data(), memory.size(), r0)) return fail(state, m->last_error());
        if (const auto why = judge(program.name, r0, memory); not why.empty())
            return fail(state, why);
        time_runs(state, *m, memory);
    });
}

void time_load(State &state, const std::vector<uint8_t> &code, const contender &c) {
    guard(state, [&] {
        const auto m = c.load(code);
        for (auto _ : state) m->load(code);
        count_instructions(state, code);
    });
}

void time_compile(State &state, const std::vector<uint8_t> &code, const contender &c) {
    guard(state, [&] {
        const auto m = c.load(code);
        for (auto _ : state) {
            m->load(code);
            m->compile();
        }
        count_instructions(state, code);
    });
}

void time_execute(State &state, const std::vector<uint8_t> &code, const golden_checksum &wanted,
                  const contender &c) {
    guard(state, [&] {
        const auto m = c.load(code);
        std::vector<uint8_t> memory = generated_input();
        uint64_t r0 = 0;
        if (c.foreign) {
            if (const auto why = crash_of(*m, memory); not why.empty()) return fail(state, why);
        }
        if (not m->run(memory.data(), memory.size(), r0)) return fail(state, m->last_error());
        if (r0 != wanted.result) return fail(state, "r0 is wrong");
        time_runs(state, *m, memory);
        count_instructions(state, code);
    });
}

void time_create(State &state, const contender &c) {
    guard(state, [&] {
        for (auto _ : state) ::benchmark::DoNotOptimize(c.make().get());
    });
}

/// mov r0, 0; exit
const std::vector<uint8_t> smallest_program{0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0};

/// A machine with a program that has run once.
std::unique_ptr<machine> make_ready(const contender &c, const std::vector<uint8_t> &code) {
    auto m = c.load(code);
    if (c.compiles) m->compile();
    std::vector<uint8_t> memory = generated_input();
    uint64_t r0 = 0;
    if (not m->run(memory.data(), memory.size(), r0)) throw std::runtime_error(m->last_error());
    return m;
}

/// Bytes of this process that are in memory.
double resident_bytes() {
    std::ifstream file{"/proc/self/statm"};
    double all = 0;
    double resident = 0;
    file >> all >> resident;
    return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

/// What ready VMs take, code included.
void measure_memory(State &state, const std::vector<uint8_t> &code, const contender &c) {
    constexpr std::size_t vms = 500;
    guard(state, [&] {
        for (auto _ : state) {
            std::vector<std::unique_ptr<machine>> ready;
            ready.reserve(vms);
            for (std::size_t i = 0; i < vms / 10; ++i) ready.push_back(make_ready(c, code));
            const double before = resident_bytes();
            while (ready.size() < vms) ready.push_back(make_ready(c, code));
            state.counters["bytes_per_vm"] =
                (resident_bytes() - before) / static_cast<double>(vms - vms / 10);
        }
        count_instructions(state, code);
    });
}

/// From the start of a process to the end of the first run of a VM in it, and of the process.
void time_first(State &state, const std::string &contender_name) {
    using clock = std::chrono::steady_clock;
    guard(state, [&] {
        std::string self = "/proc/self/exe";
        std::string what = "--first=" + contender_name;
        char *const arguments[] = {self.data(), what.data(), nullptr};
        for (auto _ : state) {
            const auto start = clock::now();
            pid_t child = 0;
            if (posix_spawn(&child, self.c_str(), nullptr, nullptr, arguments, environ) != 0)
                return fail(state, "no process can be made");
            int status = 0;
            while (waitpid(child, &status, 0) < 0 and errno == EINTR) continue;
            if (status != 0) return fail(state, "the process with the first VM failed");
            state.SetIterationTime(std::chrono::duration<double>(clock::now() - start).count());
        }
    });
}

/// The other side of time_first(). Other backends are not looked at: that may take longer.
int make_first(const std::string &name) {
    const std::string backend = name.substr(0, name.find('-'));
    for (const contender &c : own_contenders({backend})) {
        if (c.name != name) continue;
        make_ready(c, smallest_program);
        return 0;
    }
    return 1;
}

/// A program in the kernel: loaded when it is first measured, since the verifier may take a second.
class kernel_case {
public:
    explicit kernel_case(const bench_program &program) : name_{program.name}, code_{program.code} {}

    void time(State &state) {
        guard(state, [&] {
            if (not program_) program_ = kernel_program::load(code_, make_input(name_));
            if (not*program_) {
                const std::string why = "refused by the verifier: " + program_->error();
                return state.SkipWithError(why.c_str());
            }
            time_loaded(state, **program_);
        });
    }

private:
    void time_loaded(State &state, const kernel_program &program) const {
        if (const auto ran = program.run(1); not ran) return fail(state, ran.error());
        if (const auto why = judge(name_, program.r0(), program.memory()); not why.empty())
            return fail(state, why);
        if (program.frozen()) state.SetLabel("verified for this input alone");
        const auto batch = std::min<::benchmark::IterationCount>(state.max_iterations, 1 << 20);
        while (state.KeepRunningBatch(batch)) {
            const auto nanoseconds = program.run(static_cast<uint32_t>(batch));
            if (not nanoseconds) return fail(state, nanoseconds.error());
            state.SetIterationTime(1e-9 * *nanoseconds * static_cast<double>(batch));
        }
    }

    std::string name_;
    std::vector<uint8_t> code_;
    std::optional<std::expected<kernel_program, std::string>> program_;
};

void register_kernel(const std::vector<bench_program> &programs) {
    if (const std::string why = why_no_kernel(); not why.empty()) {
        std::fprintf(stderr, "vm_benchmark: the kernel is not measured: %s\n", why.c_str());
        return;
    }
    for (const bench_program &p : programs) {
        RegisterBenchmark(fmt::format("run/{}/{}", p.name, kernel_name).c_str(),
                          [k = std::make_shared<kernel_case>(p)](State &state) { k->time(state); })
            ->UseManualTime();
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
            if (c.standard) {
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

void register_generated(const std::vector<contender> &contenders, bool large) {
    for (const generator &g : generators()) {
        for (const std::size_t n : generated_sizes) {
            if (n == large_size and not large) continue;
            const golden_checksum *const golden = find_golden(g.name, n);
            if (golden == nullptr) continue;
            const auto code = g.make(n, golden->seed);
            for (const contender &c : contenders) {
                const std::string what = fmt::format("{}:{}/{}", g.name, n, c.name);
                if (c.compiles)
                    RegisterBenchmark(("compile/" + what).c_str(), time_compile, code, c);
                if (not c.standard) continue;
                RegisterBenchmark(("load/" + what).c_str(), time_load, code, c);
                RegisterBenchmark(("execute/" + what).c_str(), time_execute, code, *golden, c);
            }
        }
    }
}

void register_vms(const std::vector<contender> &contenders) {
    constexpr std::size_t usual_size = 100;
    const generator &g = generators().front();
    const auto code = g.make(usual_size, find_golden(g.name, usual_size)->seed);
    for (const contender &c : contenders) {
        if (not c.standard) continue;
        RegisterBenchmark(("create/" + c.name).c_str(), time_create, c);
        RegisterBenchmark(("memory/" + c.name).c_str(), measure_memory, code, c)->Iterations(1);
        if (not c.foreign)
            RegisterBenchmark(("first/" + c.name).c_str(), time_first, c.name)->UseManualTime();
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
        else if (arg == "--large")
            o.large = true;
        else if (arg.starts_with("--first="))
            o.first = value;
        else if (arg.starts_with("--isa="))
            o.cpu = value;
        else if (arg.starts_with("--vm="))
            o.vms.emplace_back(value);
        else if (arg.starts_with("--library="))
            o.libraries.push_back(library_option::parse(value));
        else if (arg.starts_with("--ubpf="))
            o.ubpf_libraries.push_back(library_option::parse(value));
        else
            argv[kept++] = argv[i];
    }
    argc = kept;
    if (o.cpu != "v3" and o.cpu != "v4") throw std::runtime_error("--isa is v3 or v4");
    return o;
}

constexpr const char *further_options =
    "and: --compare[=text|csv|json] (table against the best native code), --isa=v3|v4,\n"
    "     --large (also generated programs of 1,000,000 instructions),\n"
    "     --vm=NAME (a backend of this build, or kernel; repeatable),\n"
    "     --library=PATH[,vm=NAME][,as=NAME] (another library with the API of ebpf-vm.h),\n"
    "     --ubpf=PATH[,as=NAME] (uBPF's shared library)\n";

/// All contenders of this process; names are unique.
std::vector<contender> find_contenders(const options &o) {
    std::vector<contender> all = own_contenders(o.vms);
    const auto add = [&all](const std::vector<contender> &more) {
        all.insert(all.end(), more.begin(), more.end());
    };
    for (const library_option &library : o.libraries) add(library_contenders(library));
    for (const library_option &library : o.ubpf_libraries) add(ubpf_contenders(library));
    for (auto it = all.begin(); it != all.end(); ++it) {
        if (std::find_if(all.begin(), it, [&](const contender &c) { return c.name == it->name; }) !=
            it)
            throw std::runtime_error(fmt::format(
                "two contenders are called {}: name one library with ,as=NAME", it->name));
    }
    return all;
}

int run(int argc, char **argv) {
    const options o = take_options(argc, argv);
    if (not o.first.empty()) return make_first(o.first);
    const auto asks_for_help = [](std::string_view arg) { return arg == "--help"; };
    if (std::any_of(argv + 1, argv + argc, asks_for_help)) std::fputs(further_options, stdout);
    // Interleaved by default: on a shared machine only times of the same minutes compare.
    std::vector<char *> args{argv, argv + argc};
    static char interleave[] = "--benchmark_enable_random_interleaving=true";
    args.insert(args.begin() + 1, interleave);
    int count = static_cast<int>(args.size());
    ::benchmark::Initialize(&count, args.data());
    if (::benchmark::ReportUnrecognizedArguments(count, args.data())) {
        std::fputs(further_options, stderr);
        return 1;
    }
    const auto programs = load_programs(o.cpu);
    const auto contenders = find_contenders(o);
    const bool with_kernel = o.vms.empty() or std::ranges::find(o.vms, kernel_name) != o.vms.end();
    if (contenders.empty() and not with_kernel)
        throw std::runtime_error("no backend of these names");
    register_programs(programs, contenders);
    if (with_kernel) register_kernel(programs);
    register_generated(contenders, o.large);
    register_vms(contenders);
    if (o.compare) {
        comparing_reporter reporter{*o.compare};
        ::benchmark::RunSpecifiedBenchmarks(&reporter);
        reporter.print_table();
    } else {
        ::benchmark::RunSpecifiedBenchmarks();
    }
    return failed ? 1 : 0;
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
