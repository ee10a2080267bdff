// bpftime-vm: tests of the program generator that the fuzz targets are built on
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "generate.hpp"
#include "invariants.hpp"
#include "isa/text.hpp"
#include "playground.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <tuple>

namespace bpftime::vm::fuzz::test {

namespace {

constexpr uint64_t programs = 2000;

generator_options with_helpers(std::span<const uint32_t> ids) {
    generator_options options;
    options.helpers.assign(ids.begin(), ids.end());
    return options;
}

/// A run whose stack frames lie elsewhere.
[[gnu::noinline]] outcome run_further_down(playground &ground) {
    [[maybe_unused]] volatile char in_the_way[4000];
    in_the_way[0] = 1;
    outcome o = ground.run();
    in_the_way[0] = 2;
    return o;
}

std::string text_of(const byte_vector &code) {
    return isa::disassemble(code).value_or("does not decode");
}

}  // namespace

TEST(generator, programs_load) {
    const generator_options options = with_helpers(all_helpers());
    for (uint64_t seed = 0; seed < programs; ++seed) {
        random_source random{seed};
        const bytecode b = lay_out(generate(random, options));
        const auto p = program::load(b.code, {.jump_targets = b.jump_targets});
        ASSERT_TRUE(p) << seed << ": " << p.error().message << '\n' << text_of(b.code);
    }
}

TEST(generator, reaches_every_row_of_the_table) {
    std::set<isa::insn_id> seen;
    for (uint64_t seed = 0; seed < programs; ++seed) {
        random_source random{seed};
        for (const statement &s : generate(random, with_helpers(all_helpers())).statements)
            seen.insert(s.insn.id);
    }
    EXPECT_EQ(seen.size(), isa::insn_count);
}

TEST(generator, same_seed_same_program) {
    random_source a{7};
    random_source b{7};
    EXPECT_EQ(lay_out(generate(a, {})).code, lay_out(generate(b, {})).code);
}

TEST(generator, most_programs_run_and_many_to_their_end) {
    uint64_t refused = 0;
    uint64_t ended = 0;
    for (uint64_t seed = 0; seed < programs; ++seed) {
        random_source random{seed};
        const bytecode b = lay_out(generate(random, with_helpers(all_helpers())));
        const settings how{.jump_targets = b.jump_targets};
        playground ground{how};
        ASSERT_EQ(ground.load(b.code), EBPF_OK);
        const outcome o = ground.run();
        refused += o.code != EBPF_OK and o.code != EBPF_ERROR_FAULT;
        ended += o.code == EBPF_OK;
    }
    EXPECT_LT(refused, programs / 5);
    EXPECT_GT(ended, programs / 5);
}

/// Where memory lies must not matter to programs that engines are compared by: two runs, with the
/// memory elsewground.
TEST(generator, confined_pointers_never_become_data) {
    generator_options options = with_helpers(scalar_helpers());
    options.confine_pointers = true;
    uint64_t ended = 0;
    for (uint64_t seed = 0; seed < programs; ++seed) {
        random_source random{seed};
        const bytecode b = lay_out(generate(random, options));
        const settings how{.jump_targets = b.jump_targets};
        playground ground{how};
        ASSERT_EQ(ground.load(b.code), EBPF_OK);
        const outcome first = ground.run();
        const auto in_the_way = std::make_unique<uint8_t[]>(how.memory_size);
        const outcome second = run_further_down(ground);
        ASSERT_EQ(first.code, second.code) << seed;
        ASSERT_EQ(first.result, second.result) << seed << '\n' << text_of(b.code);
        ASSERT_EQ(first.memory, second.memory) << seed << '\n' << text_of(b.code);
        ASSERT_EQ(
            std::tie(first.fault.kind, first.fault.pc, first.fault.region, first.fault.offset),
            std::tie(second.fault.kind, second.fault.pc, second.fault.region, second.fault.offset))
            << seed << '\n'
            << text_of(b.code);
        ended += first.code == EBPF_OK;
    }
    EXPECT_GT(ended, programs / 5);
}

TEST(draft, bytes_survive_parsing) {
    for (uint64_t seed = 0; seed < programs; ++seed) {
        random_source random{seed};
        const bytecode b = lay_out(generate(random, with_helpers(all_helpers())));
        const bytecode again = lay_out(parse(b.code, b.jump_targets));
        ASSERT_EQ(again.code, b.code) << seed;
        ASSERT_EQ(again.jump_targets, b.jump_targets) << seed;
    }
}

TEST(draft, references_move_with_what_they_refer_to) {
    const auto code = isa::assemble("ja end\nmov %r0, 1\nlddw %r1, 0x500000005\nend: exit").value();
    draft d = parse(code, {});
    d.erase(1);
    d.insert(1, {.insn = {.id = isa::insn_id::neg64, .dst = 3}});
    d.insert(0, {.insn = {.id = isa::insn_id::neg64, .dst = 4}});
    EXPECT_EQ(text_of(lay_out(d).code), "neg %r4\nja +3\nneg %r3\nlddw %r1, 0x500000005\nexit\n");
}

TEST(draft, bytes_that_do_not_decode_are_no_draft) {
    EXPECT_TRUE(parse(byte_vector{1, 2, 3}, {}).statements.empty());
    EXPECT_TRUE(parse(byte_vector(8, 0xff), {}).statements.empty());
}

TEST(random_source, covers_its_range) {
    random_source random{1};
    std::set<uint64_t> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(random.below(10));
    EXPECT_THAT(seen, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

}  // namespace bpftime::vm::fuzz::test
