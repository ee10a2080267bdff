// bpftime-vm: no native code: this build has none for this machine
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "jit.hpp"

#include <fmt/format.h>

namespace bpftime::vm::ubpf {

result<std::unique_ptr<const compat::executable>> make_native_program(const compat::build_input &) {
    return std::unexpected{make_error(
        error_code::unsupported,
        fmt::format("native code is not supported by backend ubpf on this machine ({}); programs "
                    "run in the interpreter, with ebpf_exec()",
                    BPFTIME_VM_UBPF_NO_JIT))};
}

}  // namespace bpftime::vm::ubpf
