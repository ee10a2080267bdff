// bpftime-vm: fuzz target: any bytes as an ELF object: parsed, every function of it linked, what
// links loaded Copyright (c) 2026 The bpftime-vm authors SPDX-License-Identifier: MIT
#include "common.hpp"
#include "invariants.hpp"
#include "object/object.hpp"
#include "object_input.hpp"

#include <algorithm>

using namespace bpftime::vm;
using namespace bpftime::vm::fuzz;

namespace {

tally counts{"fuzz_object"};

// Functions may overlap, so that a few kilobytes of object make megabytes of bytecode: link some,
// not all.
constexpr std::size_t most_links = 8;

void check_refusal(const error &e) {
    require(class_of(e.code) != error_class::internal, "an object is no defect of the library");
    require(not e.message.empty() and
                std::ranges::all_of(e.message, [](char c) { return c >= ' ' and c <= '~'; }),
            "messages can be shown on a terminal");
}

void check_linked(const object::bytecode &linked) {
    require(not linked.code.empty() and linked.code.size() % isa::slot_size == 0,
            "linked code is whole slots");
    uint32_t slot = 0;
    for (const object::linked_function &f : linked.functions) {
        require(f.begin == slot and f.end > f.begin, "linked functions follow each other");
        slot = f.end;
    }
    require(slot == linked.code.size() / isa::slot_size, "linked functions cover the code");
    const auto p = program::load(linked.code);
    if (not p) return check_refusal(p.error());
    counts.count("load");
    check_program(*p, linked.code);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, std::size_t size) {
    counts.count_input();
    const auto file = object::object_file::parse({data, size});
    if (not file) return check_refusal(file.error()), 0;
    counts.count("parse");
    for (const auto &f : file->functions().first(std::min(file->functions().size(), most_links))) {
        const auto linked = file->link(f);
        if (linked)
            check_linked(*linked);
        else
            check_refusal(linked.error());
    }
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(uint8_t *data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
    return mutate_object_input(data, size, max_size, seed);
}
