// bpftime-vm: the specification's examples, run
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bpftime_vm_compat.hpp"
#include "ebpf-vm.h"
#include "isa/text.hpp"
#include "spec.hpp"
#include "subprocess.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using bpftime::vm::compat::test::run_process;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

void load(ebpf_vm &vm, std::string_view text) {
    const auto code = bpftime::vm::isa::assemble(text);
    ASSERT_TRUE(code) << code.error().message;
    ASSERT_EQ(vm.load_code(code->data(), code->size()), 0) << vm.error_message();
}

// --- Basic Usage Example

/// The example, which leaves its VM to the end of the process when something fails: no matter for a
/// leak checker.
auto run_example(const char *program,
                 bpftime::vm::compat::test::environment_changes environment = {}) {
    environment.emplace_back("ASAN_OPTIONS", "detect_leaks=0");
    return run_process({program}, environment);
}

TEST(basic_usage, runs_as_it_stands) {
    NEEDS_LLVM();
    const auto example = run_example(BASIC_USAGE);
    EXPECT_EQ(example.exit_code, 0) << example.err;
    EXPECT_EQ(example.out, "Result: 0\n");
}

TEST(basic_usage, says_what_is_missing_without_the_llvm_backend) {
    if (spec::has_backend("llvm")) GTEST_SKIP() << "the LLVM backend is there";
    const auto example = run_example(BASIC_USAGE);
    EXPECT_EQ(example.exit_code, 1)
        << "an example that checks its results ends well, whatever is missing";
    EXPECT_THAT(example.out, IsEmpty());
    EXPECT_THAT(example.err, HasSubstr("Load failed: "));
}

TEST(basic_usage, runs_with_ubpf) {
    const auto example = run_example(BASIC_USAGE_UBPF);
    if (example.exit_code == 1 and
        example.err.find("is not supported by backend ubpf") != example.err.npos) {
        EXPECT_THAT(example.err, HasSubstr("Compile failed: native code is not supported"));
        GTEST_SKIP() << "this build has no JIT for this machine";
    }
    EXPECT_EQ(example.exit_code, 0) << example.err;
    EXPECT_EQ(example.out, "Result: 0\n");
}

TEST(basic_usage, program_runs_with_every_backend) {
    // The example's program, loaded and executed. (It returns 0: its comment promises the packet's
    // length.)
    const uint8_t code[] = {
        0xb7, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // r0 = 0
        0x95, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // exit
    };
    for (const char *const name : {"ubpf", "llvm", "tiered"}) {
        if (not spec::has_backend(name)) continue;
        ebpf_vm vm{name};
        uint8_t packet[64] = {0};
        int64_t result = -1;
        ASSERT_EQ(vm.load_code(code, sizeof code), 0) << vm.error_message();
        EXPECT_EQ(vm.exec(packet, sizeof packet, result), 0) << vm.error_message();
        EXPECT_EQ(result, 0) << name;
    }
}

// --- Integrating with bpftime Runtime

uint64_t map_fd_to_addr(uint32_t fd) { return 0x1000 + fd; }
uint64_t map_idx_to_addr(uint32_t idx) { return 0x2000 + idx; }
long bpf_trace_printk(const char *, uint32_t, ...) { return 5; }
void *bpf_map_lookup_elem(void *map, const void *) { return static_cast<char *>(map) + 1; }

// What the specification leaves out: "... other helpers".
uint64_t map_to_value(uint64_t map) { return map + 0x100; }
uint64_t no_such_thing(uint32_t) { return 0; }

/// A program that needs all that the snippet configures.
void run_integrated(ebpf_vm &vm) {
    load(vm,
         "call 1\nmov %r6, %r0\nlddw %r1, map_by_fd(1)\nmov %r2, 0\ncall 2\nadd %r6, %r0\n"
         "lddw %r1, map_by_idx(2)\nadd %r6, %r1\nlddw %r1, map_val(map_by_fd(3))\nadd %r6, %r1\n"
         "mov %r0, %r6\nexit");
    int64_t result = 0;
    ASSERT_EQ(vm.exec(nullptr, 0, result), 0) << vm.error_message();
    EXPECT_EQ(result, 5 + (0x1001 + 1) + 0x2002 + (0x1003 + 0x100));
}

TEST(runtime_integration, runs_with_llvm) {
    NEEDS_LLVM();
#include "runtime_integration_llvm.inc"
    run_integrated(*vm);
}

TEST(runtime_integration, runs_with_ubpf) {
#include "runtime_integration_ubpf.inc"
    run_integrated(*vm);
}

// --- GPU Execution Support

template <typename Vm>
bool has_ptx(Vm *vm) {
#include "snippets/gpu_execution.cpp"
    return ptx_code.has_value() and not ptx_code->empty();
}

TEST(gpu_execution, gives_ptx_with_llvm) {
    NEEDS_LLVM();
    ebpf_vm vm{"llvm"};
    load(vm, "mov %r0, 1\nexit");
    const bool has = has_ptx(&vm);
    NEEDS_SUPPORT(vm);
    EXPECT_TRUE(has) << vm.error_message();
}

TEST(gpu_execution, gives_none_with_ubpf) {
    ebpf_vm vm{"ubpf"};
    load(vm, "mov %r0, 1\nexit");
    EXPECT_FALSE(has_ptx(&vm));
    EXPECT_EQ(vm.error_message(), "do_get_ptx is not supported by backend ubpf");
}

// --- Ahead-Of-Time (AOT) Compilation

/// Runs the snippet in a folder of its own and gives what is in program.o then.
template <typename Vm>
std::string saved_object(Vm *vm) {
    std::string folder = (fs::temp_directory_path() / "bpftime-vm-spec-XXXXXX").string();
    const fs::path before = fs::current_path();
    fs::current_path(mkdtemp(folder.data()));
    {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include "snippets/aot_compilation.cpp"
#pragma GCC diagnostic pop
    }
    std::ifstream in{"program.o", std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    fs::current_path(before);
    fs::remove_all(folder);
    return bytes;
}

TEST(aot_compilation, saves_an_elf_object_with_llvm) {
    NEEDS_LLVM();
    ebpf_vm vm{"llvm"};
    load(vm, "mov %r0, 1\nexit");
    const std::string object = saved_object(&vm);
    NEEDS_SUPPORT(vm);
    EXPECT_EQ(object.substr(0, 4), "\177ELF") << vm.error_message();
}

TEST(aot_compilation, saves_nothing_with_ubpf) {
    ebpf_vm vm{"ubpf"};
    load(vm, "mov %r0, 1\nexit");
    EXPECT_THAT(saved_object(&vm), IsEmpty());
    EXPECT_EQ(vm.error_message(), "do_aot_compile is not supported by backend ubpf");
}

// --- Inline Map Operations

/// The host's map of eight words.
std::array<uint64_t, 8> words{10, 11, 12, 13, 14, 15, 16, 17};

const ebpf_map_shape *shape_of(uint64_t map) {
    const auto address = reinterpret_cast<uintptr_t>(words.data());
    static const ebpf_map_shape shape{.key_size = 4,
                                      .value_size = 8,
                                      .result_size = 8,
                                      .permission = EBPF_PERM_READ_WRITE,
                                      .value_stride = 8,
                                      .index_count = words.size(),
                                      .values = address,
                                      .arena = nullptr,
                                      .is_constant = 0,
                                      .probe = nullptr};
    return map == address ? &shape : nullptr;
}

void set_inline_map(ebpf_vm *vm) {
    const int map_fd = 3;
    void *const map_ptr = words.data();
#include "snippets/inline_maps.cpp"
}

TEST(inline_maps, are_configured_with_llvm) {
    NEEDS_LLVM();
    ebpf_vm vm{"llvm"};
    ASSERT_EQ(vm.set_map_shape_helper(shape_of), EBPF_OK);
    set_inline_map(&vm);
    // Declared, so that it is not called where the map is known.
    ebpf_helper lookup{};
    lookup.id = 1;
    lookup.name = "bpf_map_lookup_elem";
    lookup.fn = [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) -> uint64_t {
        ADD_FAILURE() << "the lookup was called";
        return 0;
    };
    lookup.arguments[0].kind = EBPF_ARG_MAP;
    lookup.arguments[1].kind = EBPF_ARG_MAP_KEY;
    lookup.result = EBPF_RESULT_MAP_VALUE_OR_NULL;
    ASSERT_EQ(vm.register_helper(lookup), EBPF_OK);
    load(vm, R"(
        stw [%r10-4], 6
        lddw %r1, map_by_fd(3)
        mov %r2, %r10
        add %r2, -4
        call 1
        mov %r1, %r0
        mov %r0, 0
        jeq %r1, 0, end
        ldxdw %r0, [%r1]
        end: exit)");
    int64_t r0 = 0;
    ASSERT_EQ(vm.exec(nullptr, 0, r0), EBPF_OK) << vm.error_message();
    EXPECT_EQ(r0, 16);
}

// --- Debugging

TEST(debugging, log_level_debug_shows_what_is_loaded) {
    const auto example =
        run_example(BASIC_USAGE_UBPF, {{"BPFTIME_LOG_LEVEL", "DEBUG"}, {"LLVM_JIT_DUMP_IR", "1"}});
    EXPECT_THAT(example.err, HasSubstr("ubpf: loaded a program of 2 instructions"));
}

TEST(debugging, llvm_jit_dump_ir_shows_the_ir) {
    NEEDS_LLVM();
    const auto example = run_example(BASIC_USAGE, {{"LLVM_JIT_DUMP_IR", "1"}});
    EXPECT_THAT(example.err, HasSubstr("define "));
    EXPECT_THAT(example.err, HasSubstr("; --- before optimization"));
    EXPECT_THAT(example.err, HasSubstr("; --- after optimization"));
    EXPECT_EQ(example.out, "Result: 0\n");
}

TEST(debugging, llvm_jit_dump_asm_shows_the_code) {
    NEEDS_LLVM();
    const auto example = run_example(BASIC_USAGE, {{"LLVM_JIT_DUMP_ASM", "1"}});
    EXPECT_THAT(example.err, HasSubstr("bpf_main:"));
    EXPECT_THAT(example.err, HasSubstr("ret"));
    EXPECT_EQ(example.out, "Result: 0\n");
}

}  // namespace
