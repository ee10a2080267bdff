// bpftime-vm: millions of random programs in all engines, and counts of what has run
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Each seed is one program of one of the four kinds in trials.hpp, run over several contents of
// memory. Programs run in processes of their own: one that crashes or hangs costs its process and
// is reported with its seed. `fuzz_campaign --show <seed>` runs one again, here, and prints it with
// as few statements as show what was found.
#include "trials.hpp"

#include <CLI/CLI.hpp>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

using namespace bpftime::vm::fuzz;

/// Programs see addresses of their stacks, so these must not be moved.
extern "C" const char *__asan_default_options();
extern "C" [[gnu::visibility("default")]] const char *__asan_default_options() {
    return "detect_stack_use_after_return=0";
}

namespace {

struct plan {
    uint64_t first = 0;
    uint64_t count = 10'000;
    uint64_t runs = 8;          ///< of each program
    uint64_t llvm_every = 16;   ///< one in so many programs is compiled by LLVM, too, ...
    uint64_t llvm_runs = 64;    ///< ... and run so often
    uint64_t facts_every = 16;  ///< of one in so many programs all facts are asserted
    unsigned jobs = 1;
};

/// Longest time for one program with all its runs: many times what the slowest one takes under a
/// sanitizer. Programs per process: what the process would leak ends with it.
constexpr unsigned seconds_per_program = 120;
constexpr uint64_t programs_per_process = 20'000;
constexpr std::size_t most_jobs = 64;

/// What the processes share.
struct progress {
    std::atomic<uint64_t> next;
    std::atomic<uint64_t> end;
    std::array<std::atomic<uint64_t>, most_jobs> current;  ///< the seed that a process is at
    std::atomic<uint64_t> loaded;
    std::atomic<uint64_t> ended;
    std::atomic<uint64_t> faulted;
    std::array<std::atomic<uint64_t>, engine_set::counted.size()> runs;
    std::atomic<uint64_t> findings;
};
static_assert(std::atomic<uint64_t>::is_always_lock_free);

trial make(const plan &p, uint64_t seed) {
    random_source random{seed};
    trial t = trial_makers[seed % trial_makers.size()](random);
    // Every kind comes to LLVM.
    t.how.has_llvm = seed / trial_makers.size() % p.llvm_every == 0;
    t.how.input_guard = random.chance(50) ? guarded_end::first : guarded_end::last;
    t.how.asserts_facts = (seed / trial_makers.size() + 1) % p.facts_every == 0;
    t.runs = t.how.has_llvm ? p.llvm_runs : t.how.asserts_facts ? 2 : p.runs;
    // A run of a million slots tells no more of a program than one of some thousand.
    if (t.how.how.instruction_limit > uint64_t{1} << 20) t.runs = 1;
    t.first_contents = random.next();
    return t;
}

/// What a process does: seeds until there are no more, or it has done its share.
void work(const plan &p, progress &shared, std::size_t job) {
    require(stacks_agree(), "stacks lie at one place");
    for (uint64_t done = 0; done < programs_per_process; ++done) {
        const uint64_t seed = shared.next.fetch_add(1);
        if (seed >= shared.end) return;
        shared.current[job] = seed;
        alarm(seconds_per_program);
        const verdict v = judge(make(p, seed));
        shared.loaded += v.loaded;
        shared.ended += v.ended;
        shared.faulted += v.faulted;
        for (std::size_t e = 0; e < v.runs.size(); ++e) shared.runs[e] += v.runs[e];
        if (not v.difference) continue;
        ++shared.findings;
        std::fprintf(stderr, "seed %llu: %s\n", static_cast<unsigned long long>(seed),
                     v.difference->c_str());
    }
}

constexpr uint64_t no_seed = ~uint64_t{0};

/// Says what is wrong with a process that has ended, if something is.
void report(int status, uint64_t seed, progress &shared) {
    if (WIFEXITED(status) and WEXITSTATUS(status) == 0) return;
    ++shared.findings;
    if (seed == no_seed) {
        std::fprintf(stderr, "a process ended before its first program: so would all others\n");
        shared.end = 0;
        return;
    }
    const auto number = static_cast<unsigned long long>(seed);
    if (WIFSIGNALED(status)) {
        std::fprintf(stderr, "seed %llu: ended by signal %d (%s)\n", number, WTERMSIG(status),
                     strsignal(WTERMSIG(status)));
    } else {
        std::fprintf(stderr, "seed %llu: exit status %d\n", number, WEXITSTATUS(status));
    }
}

pid_t start_worker(const plan &p, progress &shared, std::size_t job) {
    shared.current[job] = no_seed;
    const pid_t child = fork();
    require(child >= 0, "processes can be made");
    if (child != 0) return child;
    std::signal(SIGTERM, SIG_DFL);
    std::signal(SIGINT, SIG_IGN);
    work(p, shared, job);
    std::exit(0);
}

/// Keeps processes at work until all seeds are taken.
void supervise(const plan &p, progress &shared) {
    std::vector<pid_t> workers;
    for (std::size_t job = 0; job < p.jobs; ++job) workers.push_back(start_worker(p, shared, job));
    for (std::size_t working = p.jobs; working > 0;) {
        int status = 0;
        const pid_t ended = wait(&status);
        if (ended < 0 and errno == EINTR) continue;
        require(ended >= 0, "processes end");
        const auto job =
            static_cast<std::size_t>(std::ranges::find(workers, ended) - workers.begin());
        report(status, shared.current[job], shared);
        if (shared.next < shared.end) {
            workers[job] = start_worker(p, shared, job);
        } else {
            --working;
        }
    }
}

void print(const plan &p, const progress &shared) {
    const auto number = [](uint64_t n) { return static_cast<unsigned long long>(n); };
    std::printf("seeds %llu to %llu: %llu programs load; runs that end %llu, that fault %llu",
                number(p.first), number(std::max<uint64_t>(shared.end, 1)) - 1,
                number(shared.loaded), number(shared.ended), number(shared.faulted));
    uint64_t all = 0;
    for (std::size_t e = 0; e < shared.runs.size(); ++e) {
        std::printf("; %s %llu", engine_set::counted[e], number(shared.runs[e]));
        all += shared.runs[e];
    }
    std::printf("; all engines %llu; findings %llu\n", number(all), number(shared.findings));
}

int show(const plan &p, uint64_t seed) {
    const trial t = make(p, seed);
    if (not judge(t).difference) {
        std::printf("%s\n", describe(t).c_str());
        return 0;
    }
    std::printf("%s\n", describe(shrink(t)).c_str());
    return 1;
}

/// Of this process, for who ends a campaign early: it then tells what it has done.
progress *running = nullptr;

void finish_early(int) {
    uint64_t end = running->end;
    const uint64_t next = running->next;
    while (next < end and not running->end.compare_exchange_weak(end, next)) {
    }
}

int run_campaign(const plan &p) {
    void *const memory =
        mmap(nullptr, sizeof(progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    require(memory != MAP_FAILED, "there is memory");
    auto &shared = *new (memory) progress{};
    shared.next = p.first;
    shared.end = p.first + p.count;
    running = &shared;
    std::signal(SIGINT, finish_early);
    std::signal(SIGTERM, finish_early);
    supervise(p, shared);
    print(p, shared);
    return shared.findings == 0 and shared.loaded > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char **argv) {
    plan p;
    uint64_t seed = 0;
    CLI::App app{"Runs random programs on all engines and compares what they do."};
    app.add_option("--first", p.first, "the first seed");
    app.add_option("--count", p.count, "how many seeds, each one program")
        ->check(CLI::PositiveNumber);
    app.add_option("--runs", p.runs, "runs of each program")->check(CLI::PositiveNumber);
    app.add_option("--llvm-every", p.llvm_every, "one in so many programs is compiled by LLVM, too")
        ->check(CLI::PositiveNumber);
    app.add_option("--llvm-runs", p.llvm_runs, "runs of each of those")->check(CLI::PositiveNumber);
    app.add_option("--facts-every", p.facts_every, "of one in so many all facts are asserted")
        ->check(CLI::PositiveNumber);
    app.add_option("--jobs", p.jobs, "processes at work")
        ->check(CLI::Range(1U, unsigned{most_jobs}));
    const auto *const one = app.add_option("--show", seed, "run one program and print it");
    app.get_formatter()->column_width(28);
    CLI11_PARSE(app, argc, argv);
    return *one ? show(p, seed) : run_campaign(p);
}
