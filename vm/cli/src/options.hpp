// bpftime-vm: what the commands share of their command lines
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "input.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace bpftime::vm::cli {

/// What main() and the commands have in common.
struct context {
    /// The command that the command line asks for; set while it is parsed.
    std::function<outcome<void>()> action;
    /// Exit status of a command that ended as it should but has bad news, as a fault.
    exit_code status = exit_code::ok;
    /// What follows "--" on the command line of `cc`.
    std::vector<std::string> passthrough;
    /// The application, for completion scripts.
    const CLI::App *app = nullptr;
};

/// Adds the command's --json and hands its action to the context.
void add_common(CLI::App &command, context &ctx, bool &as_json, std::function<outcome<void>()> action);

/// Adds the positional PROGRAM with --format, --section, --program and -mcpu.
void add_program_options(CLI::App &command, program_options &options);

/// Adds an option that takes a decimal or 0x hexadecimal number from `least` to `most`.
void add_number(CLI::App &command, const std::string &names, const std::string &description, uint64_t least,
                uint64_t most, std::function<void(uint64_t)> store);

void add_asm(CLI::App &app, context &ctx);
void add_cc(CLI::App &app, context &ctx);
void add_completion(CLI::App &app, context &ctx);
void add_disasm(CLI::App &app, context &ctx);
void add_inspect(CLI::App &app, context &ctx);
void add_run(CLI::App &app, context &ctx);
void add_vms(CLI::App &app, context &ctx);

}  // namespace bpftime::vm::cli
