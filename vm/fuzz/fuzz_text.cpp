// bpftime-vm: fuzz target: any text through the assembler, any bytes through the disassembler, and
// back Copyright (c) 2026 The bpftime-vm authors SPDX-License-Identifier: MIT
#include "common.hpp"
#include "isa/text.hpp"
#include "text_input.hpp"

#include <algorithm>

using namespace bpftime::vm;
using namespace bpftime::vm::fuzz;

namespace {

tally counts{"fuzz_text"};

/// What disassembles assembles to the same bytes, and the second syntax has as many lines. Whether
/// it disassembles.
bool check_bytes(std::span<const uint8_t> code) {
    for (std::size_t i = 0; i < code.size() / isa::slot_size; ++i) {
        require(not isa::describe(code, i).empty(), "every slot has a description");
    }
    const auto text = isa::disassemble(code);
    const auto c_like = isa::disassemble(code, isa::syntax::c_like);
    require(text.has_value() == c_like.has_value(), "both syntaxes disassemble the same programs");
    if (not text) {
        require(not text.error().message.empty(), "messages say something");
        return false;
    }
    require(std::ranges::count(*text, '\n') == std::ranges::count(*c_like, '\n'),
            "one line an instruction");
    const auto again = isa::assemble(*text);
    require(again.has_value() and std::ranges::equal(*again, code),
            "assemble(disassemble(code)) == code");
    return true;
}

void check_text(std::string_view text) {
    const auto code = isa::assemble(text);
    if (not code)
        return require(code.error().code == error_code::bad_text, "text is refused as text");
    counts.count("text that assembles");
    if (check_bytes(*code)) return;
    require(is_expressible(isa::disassemble(*code).error().code),
            "what assembles has no unknown fields");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, std::size_t size) {
    counts.count_input();
    check_text({reinterpret_cast<const char *>(data), size});
    if (check_bytes({data, size})) counts.count("bytes that disassemble");
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(uint8_t *data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
    return mutate_text_input(data, size, max_size, seed);
}
