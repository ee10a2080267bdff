// bpftime-vm: fuzz target: one program in all engines, which must agree
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "common.hpp"
#include "engines_input.hpp"
#include "engines_set.hpp"

#include <cstdio>

using namespace bpftime::vm;
using namespace bpftime::vm::fuzz;

/// Programs see addresses of their stacks, so these must not be moved.
extern "C" const char *__asan_default_options();
extern "C" [[gnu::visibility("default")]] const char *__asan_default_options() {
    return "detect_stack_use_after_return=0";
}

namespace {

tally counts{"fuzz_engines"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, std::size_t size) {
    static const bool comparable = stacks_agree();
    require(comparable, "stacks lie at one place: set detect_stack_use_after_return=0");
    const engines_input input{{data, size}};
    counts.count_input();
    engine_set engines{input.how};
    if (not engines.load(input.code)) return 0;
    counts.count("load");
    const auto difference = engines.difference();
    if (difference) std::fprintf(stderr, "%s\n", difference->c_str());
    require(not difference, "all engines give the same");
    if (engines.reference().code == EBPF_OK) counts.count("run to the end");
    if (engines.reference().code == EBPF_ERROR_FAULT) counts.count("fault");
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(uint8_t *data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
    return mutate_engines_input(data, size, max_size, seed);
}
