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

/// What a runtime relies on when it makes maps and writes pointers.
void check_maps(const object::object_file &file, const object::bytecode &linked) {
    const auto maps = file.maps();
    const auto slots = linked.code.size() / isa::slot_size;
    for (const object::object_map &m : maps) {
        require(m.contents.empty() or m.contents.size() == m.definition.value_size,
                "contents are one element");
    }
    for (const uint32_t map : linked.maps) require(map < maps.size(), "maps are of the object");
    for (const object::data_pointer &p : linked.pointers) {
        require(p.map < maps.size() and p.offset + uint64_t{8} <= maps[p.map].definition.value_size,
                "pointers lie in maps");
        require(p.target < (p.kind == object::pointer_target::function ? slots : maps.size()),
                "pointers point somewhere");
    }
    for (const uint32_t target : linked.jump_targets)
        require(target < slots, "jump tables stay in the code");
    for (const object::poisoned_instruction &p : linked.poisoned)
        require(p.pc < slots, "poisoned instructions are in the code");
    for (std::size_t pc = 0; pc < slots; ++pc) (void)linked.lines.find(static_cast<uint32_t>(pc));
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
    program_options options;
    options.jump_targets = linked.jump_targets;
    const auto p = program::load(linked.code, options);
    if (not p) return check_refusal(p.error());
    counts.count("load");
    check_program(*p, linked.code);
}

/// The object twice: whatever is not static clashes, unless it is a map or weak.
void check_combined(std::span<const uint8_t> bytes) {
    std::vector<object::object_file> files;
    files.push_back(std::move(*object::object_file::parse(bytes)));
    const auto alone = object::object_file::combine(files);
    if (not alone) return check_refusal(alone.error());
    counts.count("combine");
    files.push_back(std::move(*object::object_file::parse(bytes)));
    if (const auto twice = object::object_file::combine(files); not twice)
        check_refusal(twice.error());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, std::size_t size) {
    counts.count_input();
    const auto file = object::object_file::parse({data, size});
    if (not file) return check_refusal(file.error()), 0;
    counts.count("parse");
    for (const auto &f : file->functions().first(std::min(file->functions().size(), most_links))) {
        const auto linked = file->link(f);
        if (not linked) {
            check_refusal(linked.error());
            continue;
        }
        check_maps(*file, *linked);
        check_linked(*linked);
    }
    check_combined({data, size});
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(uint8_t *data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
    return mutate_object_input(data, size, max_size, seed);
}
