// bpftime-vm: what the passes and the compiler did to one program, counted
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "counters.hpp"

namespace bpftime::vm::llvm_jit {

namespace {

struct counter_row {
    counter which;
    const char *name;
    const char *description;
};

constexpr auto rows_of_counters = std::to_array<counter_row>({
    {counter::helper_inlining, "helper-inlining", "calls of helpers that became their bodies"},
    {counter::map_operations, "map-operations", "lookups in maps that became code"},
    {counter::check_elimination, "check-elimination",
     "accesses that are not checked because it is proven that they may be"},
    {counter::check_merging, "check-merging",
     "memory checks that one comparison makes for several accesses or all rounds of a loop"},
    {counter::loop_budgets, "loop-budgets", "loops that pay for all their rounds in advance"},
    {counter::stack_promotion, "stack-promotion",
     "functions whose stack frame is in registers and not in the memory map"},
    {counter::dead_context_fields, "dead-context-fields",
     "loads from the input memory that nothing uses and that are gone"},
    {counter::constant_maps, "constant-maps", "loads from frozen maps that became constants"},
    {counter::ir_before, "ir-before", "LLVM instructions before optimisation"},
    {counter::ir_after, "ir-after", "LLVM instructions after optimisation"},
    {counter::code_bytes, "code-bytes", "bytes of machine code"},
});

consteval bool are_in_order() {
    for (std::size_t i = 0; i < rows_of_counters.size(); ++i) {
        if (static_cast<std::size_t>(rows_of_counters[i].which) != i) return false;
    }
    return rows_of_counters.size() == counter_count;
}
static_assert(are_in_order());

}  // namespace

std::vector<compat::compile_stat> counters::rows() const {
    std::vector<compat::compile_stat> rows;
    rows.reserve(counter_count);
    for (const counter_row &row : rows_of_counters)
        rows.push_back({row.name, row.description, of(row.which)});
    return rows;
}

}  // namespace bpftime::vm::llvm_jit
