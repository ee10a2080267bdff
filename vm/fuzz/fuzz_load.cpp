// bpftime-vm: fuzz target: any bytes, as a program that is loaded and, if it loads, run
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "common.hpp"
#include "invariants.hpp"
#include "load_input.hpp"
#include "playground.hpp"

using namespace bpftime::vm;
using namespace bpftime::vm::fuzz;

namespace {

tally counts{"fuzz_load"};

void check_run(const outcome &o, const program &p, const settings &how) {
    const bool runs = o.code == EBPF_OK or o.code == EBPF_ERROR_FAULT;
    require(runs or o.code == EBPF_ERROR_UNRESOLVED or o.code == EBPF_ERROR_UNSUPPORTED,
            "a program runs or is refused");
    require(o.faulted == (o.code == EBPF_ERROR_FAULT), "there is a fault if the run faulted");
    if (o.faulted) check_fault(o.fault, p, {how.memory_size, how.stack_size, how.call_depth});
    counts.count(runs ? "run" : "refused by the linker");
    if (o.code == EBPF_OK) counts.count("run to the end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, std::size_t size) {
    const load_input input{{data, size}};
    playground ground{input.how};
    const int loaded = ground.load(input.code);
    const auto p = program::load(
        input.code, {.max_insns = input.how.max_insns, .jump_targets = input.how.jump_targets});
    counts.count_input();
    require(p.has_value() == (loaded == EBPF_OK), "ebpf_load and program::load agree");
    require(p.has_value() or loaded == EBPF_ERROR_INVALID_PROGRAM or input.code.data() == nullptr,
            "refused as invalid");
    if (not p) return 0;
    counts.count("load");
    check_program(*p, input.code);
    check_run(ground.run(), *p, input.how);
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(uint8_t *data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
    return mutate_load_input(data, size, max_size, seed);
}
