// bpftime-vm: one program on packets, in the kernel and here
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "observation.hpp"
#include "subject.hpp"

#include <map>
#include <string>
#include <vector>

namespace bpftime::vm::differential {

enum class outcome {
    agree,              ///< every engine did what the kernel did
    differ,             ///< one did not
    not_loaded,         ///< one of ours refuses the program
    not_in_kernel,      ///< the kernel refuses it, or cannot run it
    not_deterministic,  ///< two runs in the kernel differ
    no_packets,         ///< programs of its type do not run on packets
    not_run,            ///< nobody asked for it
};
[[nodiscard]] std::string_view name_of(outcome o) noexcept;

/// What became of one program.
struct comparison {
    std::string program;
    std::string section;
    object::program_type type = object::program_type::generic;
    bool type_is_guessed = false;  ///< its section does not say it
    std::size_t instructions = 0;
    uint64_t identity = 0;
    std::set<int32_t> helpers;
    std::set<map_type> map_types;
    outcome result = outcome::not_loaded;
    std::string detail;      ///< why, unless they agree
    std::string not_loaded;  ///< why one of our engines refuses it; "": they all take it
    std::string loader;      ///< "libbpf" or "linked": how the kernel got it; "": it did not
    /// Of the kernel, packet by packet, with empty maps and with filled ones.
    std::vector<observation> runs;
    std::vector<observation> runs_filled;
};

/// What is done with a program.
enum class task {
    load_here,  ///< it is loaded and compiled by our engines
    load,       ///< the same, and the kernel is asked whether it takes it
    run,        ///< both run it on packets
};

/// Compares a program of `file`, which `image` holds.
[[nodiscard]] comparison compare(const bytes &image, const object::object_file &file,
                                 const object::function_info &program, const object::btf *target,
                                 task what);

}  // namespace bpftime::vm::differential
