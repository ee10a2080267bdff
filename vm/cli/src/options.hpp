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

/// One command under construction. Alone with main.cpp and completion it knows the command line
/// library, which costs seconds in every source that includes it.
class command {
public:
    /// Adds the command `name` with its --json; `action` is what it does.
    command(CLI::App &app, context &ctx, const std::string &name, const std::string &description,
            bool &as_json, std::function<outcome<void>()> action);

    void positional(const std::string &name, std::string &target, const std::string &description);
    void positionals(const std::string &name, std::vector<std::string> &target,
                     const std::string &description);
    void required(const std::string &name, std::string &target, const std::string &description,
                  const std::vector<std::string> &values = {});
    void flag(const std::string &names, bool &target, const std::string &description);
    /// An option with any text; `kind` stands for it in the help.
    void text(const std::string &names, std::string &target, const std::string &kind,
              const std::string &description);
    /// The same, to be given any number of times.
    void texts(const std::string &names, std::vector<std::string> &target, const std::string &kind,
               const std::string &description);
    /// An option with one of `values`.
    void choice(const std::string &names, const std::vector<std::string> &values,
                const std::string &description,
                const std::function<void(const std::string &)> &store);
    /// An option with a decimal or 0x hexadecimal number from `least` to `most`.
    void number(const std::string &names, uint64_t least, uint64_t most,
                const std::string &description, std::function<void(uint64_t)> store);
    /// -mcpu, the CPU version for C files.
    void cpu(compile_options &options);
    /// The positional PROGRAM with --format, --section, --program and -mcpu.
    void program(program_options &options);
    void footer(const std::string &text);

private:
    CLI::App &app_;
};

void add_asm(CLI::App &app, context &ctx);
void add_cc(CLI::App &app, context &ctx);
void add_completion(CLI::App &app, context &ctx);
void add_disasm(CLI::App &app, context &ctx);
void add_inspect(CLI::App &app, context &ctx);
void add_map(CLI::App &app, context &ctx);
void add_run(CLI::App &app, context &ctx);
void add_verify(CLI::App &app, context &ctx);
void add_vms(CLI::App &app, context &ctx);

}  // namespace bpftime::vm::cli
