// bpftime-vm: native code for lesser machines than this one, beside the interpreter
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "generate_code.hpp"
#include "interpreter.hpp"
#include "native_program.hpp"
#include "programs.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <string>
#include <vector>

namespace bpftime::vm::ubpf::test {

namespace {

struct lesser_machine {
    std::string name;
    machine_features features;
};

/// This machine without each of its features. Branches that reach less have the same code for less
/// of a program.
template <typename Features = machine_features>
std::vector<lesser_machine> machines() {
    const Features host = Features::of_host();
    std::vector<lesser_machine> all{{"host", host}};
    Features least = host;
    if constexpr (requires { host.bmi2; }) least.bmi2 = false;
    if constexpr (requires { host.lse; }) least.lse = false;
    all.push_back({"without extensions", least});
    if constexpr (requires { host.reach; }) {
        least.reach = {.test = 2048, .conditional = 8192, .far = 32768};
        all.push_back({"with branches that reach less", least});
    }
    return all;
}

struct outcome {
    bool is_whole = false;
    uint64_t r0 = 0;
    compat::fault fault;
    std::vector<uint8_t> memory;
    std::size_t code_bytes = 0;  ///< of native code
};

class program_under_test {
public:
    explicit program_under_test(const std::string &assembly,
                                std::vector<uint32_t> jump_targets = {})
        : config_{config_with(std::move(jump_targets))},
          code_{
              *program::load(vm::test::assemble(assembly), {.jump_targets = config_.jump_targets})},
          linked_{*compat::linkage::resolve(code_, config_)} {}

    outcome interpret(const std::vector<uint8_t> &memory) const {
        return run(*make_interpreter(input_), memory);
    }
    outcome run_on(machine_features machine, const std::vector<uint8_t> &memory) const {
        generator maker;
        native_program native{input_};
        auto code = generate_code(maker, machine, input_, &native);
        EXPECT_TRUE(code) << code.error().message;
        const std::size_t bytes = code->memory.size();
        native.adopt(std::move(*code));
        outcome out = run(native, memory);
        out.code_bytes = bytes;
        return out;
    }

private:
    static compat::vm_config config_with(std::vector<uint32_t> jump_targets) {
        compat::vm_config config;
        config.jump_targets = std::move(jump_targets);
        return config;
    }
    outcome run(const compat::executable &e, std::vector<uint8_t> memory) const {
        outcome out;
        const compat::stack_layout stack{config_.stack_size, config_.call_depth};
        compat::run r{input_, stack, compat::run::memory_at(memory.data(), memory.size()), {}};
        uint64_t r0 = 0;
        out.is_whole = r.execute(e, r0);
        if (out.is_whole) out.r0 = r0;
        out.fault = r.fault();
        out.memory = std::move(memory);
        return out;
    }

    compat::vm_config config_;
    program code_;
    compat::linkage linked_;
    std::atomic<uint32_t> interrupts_ = 0;
    compat::build_input input_{code_,
                               linked_,
                               config_,
                               interrupts_,
                               {config_.regions, linked_.regions(), linked_.arena()}};
};

void expect_the_same(const std::string &assembly, const std::vector<uint8_t> &memory,
                     std::vector<uint32_t> jump_targets = {}) {
    const program_under_test program{assembly, std::move(jump_targets)};
    const outcome expected = program.interpret(memory);
    for (const auto &[name, features] : machines()) {
        const outcome native = program.run_on(features, memory);
        EXPECT_EQ(native.is_whole, expected.is_whole) << name;
        EXPECT_EQ(native.r0, expected.r0) << name;
        EXPECT_EQ(native.fault.kind, expected.fault.kind) << name;
        EXPECT_EQ(native.fault.pc, expected.fault.pc) << name;
        EXPECT_EQ(native.memory, expected.memory) << name;
    }
}

std::vector<uint8_t> some_memory(std::mt19937 &random) {
    std::vector<uint8_t> memory(64);
    for (uint8_t &byte : memory) byte = static_cast<uint8_t>(random());
    return memory;
}

/// Lines whose jumps go over many of them, so that some reach further than branches do, and each
/// function is called from far away.
std::string far_jumps(std::mt19937 &random, unsigned lines, unsigned functions) {
    const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    std::string text = "mov r6, r1\nmov r7, 5\nldxdw r0, [r6]\nldxdw r8, [r6+8]\nagain:\n";
    for (unsigned n = 0; n < lines; ++n) {
        const std::string to = "line" + std::to_string(std::min(n + 1 + pick(lines), lines));
        text += fmt::format("line{}:\n", n);
        switch (pick(16)) {
        case 0: text += fmt::format("jset r0, {}, {}\n", 1U << pick(20), to); break;
        case 1: text += fmt::format("jslt r8, 0, {}\n", to); break;
        case 2: text += fmt::format("jsge32 r0, 0, {}\n", to); break;
        case 3: text += fmt::format("jne r0, {}, {}\n", pick(5), to); break;
        case 4: text += fmt::format("jeq32 r8, 0, {}\n", to); break;
        case 5: text += fmt::format("jgt r0, r8, {}\n", to); break;
        case 6: text += fmt::format("stxdw [r6+{}], r0\n", pick(70)); break;
        case 7: text += fmt::format("ldxw r3, [r6+{}]\nadd r0, r3\n", pick(60)); break;
        case 8: text += fmt::format("ja {}\n", to); break;
        case 9:
            text += fmt::format("mov r1, r6\nmov r2, r8\ncall local function{}\nxor r8, r0\n",
                                pick(functions));
            break;
        case 10: text += fmt::format("stxw [r10-{}], r0\nldxb r4, [r10-{}]\n", 4, 2); break;
        default:
            text += fmt::format("add r0, {}\nmul r8, {}\n", pick(1U << 31), 3 + pick(9));
            break;
        }
    }
    text += fmt::format("line{}:\nsub r7, 1\njne r7, 0, again\nxor r0, r8\nexit\n", lines);
    for (unsigned f = 0; f < functions; ++f) {
        text += fmt::format("function{0}:\nldxw r0, [r1+{0}]\njset r2, 4, end{0}\nadd r0, r2\n", f);
        for (unsigned n = 0; n < lines / functions; ++n) text += "mul r0, 13\nadd r0, 1\n";
        if (f + 1 < functions) text += fmt::format("mov r2, r0\ncall local function{}\n", f + 1);
        text += fmt::format("end{}:\nexit\n", f);
    }
    return text;
}

}  // namespace

TEST(machine_features, far_jumps_and_calls_arrive) {
    std::mt19937 random{11};  // NOLINT: the same each time
    for (const unsigned lines : {20U, 300U, 1000U, 3000U, 10000U}) {
        for (int n = 0; n < 6; ++n) {
            SCOPED_TRACE(fmt::format("{} lines, program {}", lines, n));
            expect_the_same(far_jumps(random, lines, 4), some_memory(random));
        }
    }
}

/// A loop that goes to any of many places by a table, forwards and back; other jumps go over all of
/// them. Now and then the value is none of a place.
TEST(machine_features, jumps_by_tables_of_any_size_arrive) {
    constexpr uint32_t again = 3;
    constexpr uint32_t first_place = again + 12;
    std::mt19937 random{17};  // NOLINT: the same each time
    for (const uint32_t places : {1U, 60U, 600U, 3000U}) {
        std::string text = "ldxdw r7, [r1]\nldxdw r0, [r1+8]\nmov r8, 40\nagain:\nsub r8, 1\n";
        text += "jslt r8, 0, out\njset r0, 0x400, end\njeq r0, 0, end\njeq r0, 77, end\n";
        text += fmt::format("lddw r3, {}\nmov r4, r7\nmod r4, {}\nlsh r4, 2\nadd r3, r4\n",
                            code_handle(again), places + 3);
        text += "gotox r3\n";
        std::vector<uint32_t> targets{again};
        for (uint32_t n = 0; n < places; ++n) {
            targets.push_back(first_place + 4 * n);
            text += fmt::format("add r7, {}\nmul r7, {}\nxor r0, r7\n", random() >> 2, 2 * n + 3);
            text += n % 3 == 0 ? fmt::format("jset r7, {}, end\n", 1U << (n % 31)) : "ja end\n";
        }
        text += "end: add r0, r7\nja again\nout: exit";
        for (int n = 0; n < 20; ++n) {
            SCOPED_TRACE(fmt::format("{} places, run {}", places, n));
            expect_the_same(text, some_memory(random), targets);
        }
    }
}

template <typename Features = machine_features>
void expect_longer_code_for_less_reach(const std::string &assembly) {
    if constexpr (requires(Features f) { f.reach; }) {
        const program_under_test program{assembly};
        const std::vector<uint8_t> memory(64);
        const auto all = machines();
        EXPECT_GT(program.run_on(all.back().features, memory).code_bytes,
                  program.run_on(all.front().features, memory).code_bytes);
    }
}

TEST(machine_features, branches_that_reach_less_go_to_islands) {
    std::mt19937 random{16};  // NOLINT: the same each time
    expect_longer_code_for_less_reach(far_jumps(random, 3000, 4));
}

TEST(machine_features, copies_are_operated_on) {
    std::mt19937 random{14};  // NOLINT: the same each time
    for (const char *const operation :
         {"add", "sub", "mul", "or", "and", "xor", "lsh", "rsh", "arsh", "div", "mod"}) {
        for (const char *const width : {"", "32"}) {
            for (const char *const copy : {"mov", "mov32"}) {
                for (const char *const operand :
                     {"r0", "r3", "r4", "7", "-1", "9", "64", "65536"}) {
                    const std::string text = fmt::format(
                        "ldxdw r3, [r1]\nldxdw r4, [r1+8]\nldxdw r0, [r1+16]\n{} r0, r3\n{}{} r0, "
                        "{}"
                        "\nxor r0, r3\nexit",
                        copy, operation, width, operand);
                    expect_the_same(text, some_memory(random));
                }
            }
        }
    }
}

TEST(machine_features, joined_branches_go_where_each_would) {
    std::mt19937 random{15};  // NOLINT: the same each time
    for (const char *const first : {"r3, 5", "r3, r4", "r3, 0", "r3, 1000", "r3, -5"}) {
        for (const char *const second :
             {"r4, 5", "r4, r5", "r4, 0", "r4, -5", "r4, 32", "r3, 31"}) {
            for (const char *const branch : {"jeq", "jne", "jeq32", "jne32"}) {
                const std::string text = fmt::format(
                    "mov r0, 1\nldxdw r3, [r1]\nldxdw r4, [r1+8]\nldxdw r5, [r1+16]\n{0} {1}, +2\n"
                    "{0} {2}, +1\nmov r0, 2\nexit",
                    branch, first, second);
                for (const uint64_t a : {0ULL, 5ULL, 31ULL, ~4ULL, 1000ULL, 5ULL << 32}) {
                    for (const uint64_t b : {0ULL, 5ULL, 32ULL, ~4ULL, 5ULL | 1ULL << 40}) {
                        const std::array<uint64_t, 3> words{a, b, random() % 2 == 0 ? b : 7};
                        expect_the_same(text, vm::test::bytes_of(words));
                    }
                }
            }
        }
    }
}

TEST(machine_features, every_atomic_operation_is_there_without_them) {
    std::mt19937 random{12};  // NOLINT: the same each time
    for (const char *const operation :
         {"lock add", "lock or", "lock and", "lock xor", "lock fetch add", "lock fetch or",
          "lock fetch and", "lock fetch xor", "lock xchg", "lock cmpxchg"}) {
        for (const char *const width : {"", "32"}) {
            for (const char *const operands :
                 {"[r1], r2", "[r1+8], r2", "[r1+8], r0", "[r1+16], r6", "[r10-8], r3"}) {
                for (int n = 0; n < 4; ++n) {
                    const std::string text = fmt::format(
                        "ldxdw r2, [r1+24]\nldxdw r0, [r1+32]\nldxdw r6, [r1+40]\nmov r3, r2\n"
                        "mov r7, r1\nstxdw [r10-8], r6\n{4}\n{0}{1} {2}\n{0}{1} {2}\n"
                        "stxdw [r7+48], r2\nstxdw [r7+56], r6\nldxdw r4, [r10-8]\nadd r0, r3\n"
                        "add r0, r4\n{3}exit",
                        operation, width, operands, "",
                        n % 2 == 0 ? "ldxdw r0, [r1]" : "mov r4, 0");
                    expect_the_same(text, some_memory(random));
                }
            }
        }
    }
}

TEST(machine_features, misaligned_atomics_fault_without_them) {
    std::mt19937 random{13};  // NOLINT: the same each time
    for (const char *const text :
         {"lock fetch add [r1+4], r2\nexit", "lock add32 [r1+2], r2\nexit",
          "mov r3, r1\nadd r3, 1\nlock cmpxchg [r3+6], r2\nexit", "lock xchg [r10-12], r1\nexit"})
        expect_the_same(text, some_memory(random));
}

}  // namespace bpftime::vm::ubpf::test
