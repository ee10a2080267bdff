// bpftime-vm: where the instructions of a program of an object come from
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "object_source.hpp"

#include <algorithm>
#include <utility>

namespace bpftime::vm::runtime {

object_source::object_source(object::bytecode &linked)
    : functions_{linked.functions},
      poisoned_{linked.poisoned},
      lines_{std::exchange(linked.lines, {})} {}

compat::instruction_source object_source::find(uint32_t pc) const {
    compat::instruction_source found;
    const auto holds = [pc](const object::linked_function &f) {
        return f.begin <= pc and pc < f.end;
    };
    if (const auto f = std::ranges::find_if(functions_, holds); f != functions_.end())
        found.function = f->name;
    if (const auto place = lines_.find(pc)) {
        found.file = place->file;
        found.line = place->line;
        found.column = place->column;
        found.text = place->text;
    }
    const auto poison = std::ranges::find(poisoned_, pc, &object::poisoned_instruction::pc);
    if (poison != poisoned_.end()) found.note = poison->reason;
    return found;
}

}  // namespace bpftime::vm::runtime
