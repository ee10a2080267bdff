// bpftime-vm: contenders behind C APIs: this build's, other libraries with the same API, uBPF
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "machine.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::benchmark {

/// A shared library to measure, as the command line names it: PATH[,vm=NAME][,as=NAME].
struct library_option {
    std::string path;
    std::string vm;  ///< the one backend to measure; empty: all that it lists
    std::string as;  ///< what its contenders' names begin with; empty: the file's name without .so

    /// Throws std::runtime_error if there is no path.
    [[nodiscard]] static library_option parse(std::string_view text);
};

/// Every backend of this build, with and without memory checks; `only` names backends, empty: all.
[[nodiscard]] std::vector<contender> own_contenders(const std::vector<std::string> &only);

/// The backends of another library that exports ebpf_create, ebpf_load, ebpf_exec and ebpf_destroy,
/// named LIBRARY:BACKEND. What else of the API it exports is used. Throws std::runtime_error if it
/// cannot be loaded or lacks a function.
[[nodiscard]] std::vector<contender> library_contenders(const library_option &library);

/// uBPF's interpreter, checked and unchecked, and its compiler: LIBRARY:interpreter,
/// LIBRARY:interpreter-unchecked, LIBRARY:jit. Throws as above.
[[nodiscard]] std::vector<contender> ubpf_contenders(const library_option &library);

}  // namespace bpftime::vm::benchmark
