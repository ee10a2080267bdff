// bpftime-vm: access_report: what is proven of the accesses that benchmark programs make
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Runs every program once on its fixed input, counts how often each access is executed, and tells
// in parts of a hundred what the analysis has proven of those; then how many comparisons the code
// of backend "llvm" makes for them, whose checks cover several. Counts repeat exactly.
#include "analysis/facts.hpp"
#include "check_counter.hpp"
#include "compat/last_error.hpp"
#include "compat/linked_world.hpp"
#include "inputs.hpp"
#include "measured.hpp"
#include "ubpf/ubpf_vm.hpp"
#include "ubpf/watcher.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace bpftime::vm::benchmark {

namespace {

using analysis::verdict;

struct counts {
    uint64_t proven = 0;
    uint64_t covered = 0;
    uint64_t checked = 0;

    [[nodiscard]] uint64_t all() const noexcept { return proven + covered + checked; }
};

class counter final : public ubpf::watcher {
public:
    explicit counter(const compat::build_input &input) : executed_(input.code.size()) {}

    void see(const ubpf::moment &now) override { ++executed_[now.pc]; }

    [[nodiscard]] counts count(const analysis::facts &known) const {
        counts c;
        for (uint32_t pc = 0; pc < executed_.size(); ++pc) {
            switch (known.access(pc).what) {
            case verdict::unreachable: break;  // no access
            case verdict::proven: c.proven += executed_[pc]; break;
            case verdict::covered: c.covered += executed_[pc]; break;
            case verdict::check:
            case verdict::faults: c.checked += executed_[pc]; break;
            }
        }
        return c;
    }
    [[nodiscard]] uint64_t executed(uint32_t pc) const noexcept { return executed_[pc]; }

private:
    std::vector<uint64_t> executed_;
};

/// Backend "ubpf" with a counter.
class counting_vm final : public ubpf::ubpf_vm {
public:
    /// Of the program that was run; also prints each access that needs a check to `listing`, if
    /// that is not null, with how often it was made.
    [[nodiscard]] counts count(analysis::effort how, std::FILE *listing) const {
        const compat::linked_world world{input_->code, input_->linked, input_->config};
        const auto known = analysis::facts::analyse(input_->code, world, how);
        if (listing != nullptr) list(known, listing);
        return counter_->count(known);
    }

private:
    result<std::unique_ptr<const compat::executable>> build(
        const compat::build_input &input) override {
        auto made = std::make_unique<counter>(input);
        counter_ = made.get();
        input_ = &input;
        return ubpf::make_watched_interpreter(input, std::move(made));
    }

    void list(const analysis::facts &known, std::FILE *listing) const {
        for (uint32_t pc = 0; pc < input_->code.size(); ++pc) {
            if (known.access(pc).what == verdict::check and counter_->executed(pc) != 0)
                fmt::print(listing, "{:12} times at {:5}: {}\n", counter_->executed(pc), pc,
                           known.explain(pc));
        }
    }

    const counter *counter_ = nullptr;
    const compat::build_input *input_ = nullptr;
};

void run_once(compat::configured_vm &vm, const bench_program &program) {
    const auto check = [&](int64_t status) {
        if (status != EBPF_OK) throw std::runtime_error(program.name + ": " + compat::last_error());
    };
    check(vm.load_code(program.code.data(), program.code.size()));
    auto memory = make_input(program.name);
    int64_t r0 = 0;
    check(vm.exec(memory.data(), memory.size(), r0));
    const std::string why = judge(program.name, static_cast<uint64_t>(r0), memory);
    if (not why.empty()) throw std::runtime_error(program.name + ": " + why);
}

/// What one run of the code of "llvm" compares; nothing: it is not in this build.
std::optional<check_counts> count_checks([[maybe_unused]] const bench_program &program,
                                         [[maybe_unused]] bool eliminates) {
#ifdef ACCESS_REPORT_LLVM
    check_counts made;
    const auto vm = make_check_counter(made);
    if (vm->set_limit(compat::vm_limit::check_elimination, eliminates) != EBPF_OK)
        throw std::runtime_error(compat::last_error());
    run_once(*vm, program);
    return made;
#else
    return std::nullopt;
#endif
}

/// What is known of the accesses of a program, or of all.
struct row {
    counts full;
    counts quick;
    std::optional<check_counts> checks = check_counts{};           ///< of "llvm"
    std::optional<check_counts> unproven_checks = check_counts{};  ///< without the proven ones
};

void print(const std::string &name, const row &r) {
    const auto part = [&](uint64_t of) {
        const uint64_t all = r.full.all();
        return all == 0 ? 0 : 100 * static_cast<double>(of) / static_cast<double>(all);
    };
    fmt::print("{:28} {:12} {:8.1f} {:8.1f} {:8.1f} {:8.1f}", name, r.full.all(),
               part(r.full.proven), part(r.full.covered), part(r.full.checked),
               part(r.quick.checked));
    for (const auto &made : {r.checks, r.unproven_checks}) {
        if (made) fmt::print(" {:8.1f} {:8.1f}", part(made->own), part(made->shared));
    }
    fmt::print("\n");
}

void add(counts &to, const counts &more) {
    to.proven += more.proven;
    to.covered += more.covered;
    to.checked += more.checked;
}

void add(std::optional<check_counts> &to, const std::optional<check_counts> &more) {
    if (to and more)
        to = {to->own + more->own, to->shared + more->shared};
    else
        to = std::nullopt;
}

/// `name`: of the program whose checks are to be listed; empty: all programs, without.
void report(const std::string &name) {
    fmt::print("{:50} {:>26} {:>8} {:>17} {:>17}\n", "", "full", "quick", "llvm", "llvm, proofs");
    fmt::print("{:28} {:>12} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}\n", "program",
               "accesses", "proven", "covered", "checked", "checked", "own", "shared", "own",
               "shared");
    row all;
    for (const bench_program &program : load_programs("v4")) {
        if (not name.empty() and program.name != name) continue;
        counting_vm vm;
        run_once(vm, program);
        const row one{.full = vm.count(analysis::effort::full, name.empty() ? nullptr : stdout),
                      .quick = vm.count(analysis::effort::quick, nullptr),
                      .checks = count_checks(program, false),
                      .unproven_checks = count_checks(program, true)};
        print(program.name, one);
        add(all.full, one.full);
        add(all.quick, one.quick);
        add(all.checks, one.checks);
        add(all.unproven_checks, one.unproven_checks);
    }
    print("all", all);
}

}  // namespace

}  // namespace bpftime::vm::benchmark

int main(int argc, char **argv) {
    try {
        bpftime::vm::benchmark::report(argc > 1 ? argv[1] : "");
        return 0;
    } catch (const std::exception &e) {
        std::fprintf(stderr, "access_report: %s\n", e.what());
        return 1;
    }
}
