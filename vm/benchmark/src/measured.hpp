// bpftime-vm: what the benchmark measures: programs and the ways to run them
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "ebpf-vm.h"
#include "native.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::benchmark {

struct vm_closer {
    void operator()(ebpf_vm *vm) const noexcept { ebpf_destroy(vm); }
};
using vm_ptr = std::unique_ptr<ebpf_vm, vm_closer>;

/// A benchmark program in one of its forms.
struct bench_program {
    std::string name;
    std::vector<uint8_t> code;  ///< eBPF bytecode
    native_program native;
};

/// Every program as compiled for `cpu` ("v3" or "v4"). Throws std::runtime_error if an object
/// cannot be used.
[[nodiscard]] std::vector<bench_program> load_programs(std::string_view cpu);

/// A way to run programs.
struct contender {
    std::string name;     ///< in benchmark names: "ubpf", "ubpf-unchecked"
    std::string backend;  ///< for ebpf_create()
    bool bounds_checks;
    bool compiles;  ///< whether ebpf_compile() gives native code
};

/// Every backend of this process, with and without memory checks; `only` names backends, empty:
/// all.
[[nodiscard]] std::vector<contender> find_contenders(const std::vector<std::string> &only);

/// A VM with the code loaded; throws std::runtime_error with the VM's message otherwise.
[[nodiscard]] vm_ptr make_vm(const contender &c, const std::vector<uint8_t> &code);

/// Runs `call` once on the program's fixed input; why its answer is wrong, or "".
[[nodiscard]] std::string check_answer(std::string_view program,
                                       const std::function<bool(void *, size_t, uint64_t &)> &call);

}  // namespace bpftime::vm::benchmark
