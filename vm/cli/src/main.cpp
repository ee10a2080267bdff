// bpftime-vm: bpftime-cli: runs, assembles, disassembles, inspects and compiles eBPF programs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "options.hpp"
#include "output.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <ebpf-vm.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <span>
#include <string>
#include <vector>

namespace bpftime::vm::cli {

namespace {

std::string exit_code_help() {
    std::string text = "Exit codes:\n";
    for (const exit_code_info &row : exit_codes) {
        text += fmt::format("  {}  {}\n", static_cast<int>(row.code), row.meaning);
    }
    return text;
}

void build(CLI::App &app, context &ctx, bool &version, bool &as_json) {
    app.require_subcommand(0, 1);
    app.get_formatter()->column_width(34);
    app.add_flag("-V,--version", version, "Print the version");
    app.add_flag("--json", as_json, "Print JSON instead of text");
    for (const auto add : {add_run, add_asm, add_disasm, add_inspect, add_verify, add_cc, add_map,
                           add_vms, add_completion})
        add(app, ctx);
    app.footer(
        "Without a command, as in `bpftime-cli prog.bin packet.bin`, the command is run.\n\n" +
        exit_code_help());
    ctx.app = &app;
}

bool is_command(const CLI::App &app, const std::string &name) {
    return std::ranges::any_of(app.get_subcommands({}),
                               [&](const CLI::App *c) { return c->get_name() == name; });
}

/// The short form `bpftime-cli PROGRAM [MEMORY]` means `run`; --json may precede the command; what
/// follows the "--" of `cc` goes to clang.
std::vector<std::string> normalise(const CLI::App &app, std::vector<std::string> arguments,
                                   context &ctx) {
    const auto first =
        std::ranges::find_if(arguments, [](const std::string &a) { return a != "--json"; });
    if (first == arguments.end()) return arguments;  // nothing but --json: parsed, and then missed
    const std::string &name = *first;
    if (name == "--help" or name == "-h" or name == "--version" or name == "-V") return arguments;
    if (not is_command(app, name)) {
        arguments.insert(arguments.begin(), "run");
        return arguments;
    }
    std::rotate(arguments.begin(), first, first + 1);
    const auto separator = std::ranges::find(arguments, "--");
    if (arguments.front() == "cc" and separator != arguments.end()) {
        ctx.passthrough.assign(separator + 1, arguments.end());
        arguments.erase(separator, arguments.end());
    }
    return arguments;
}

void print_version(bool as_json) {
    if (as_json)
        print_json({{"bpftime-cli", BPFTIME_VM_VERSION}, {"libbpftime-vm", ebpf_version()}});
    else
        print("bpftime-cli {} (libbpftime-vm {})\n", BPFTIME_VM_VERSION, ebpf_version());
}

void print_usage(const CLI::App &app, std::string_view name) {
    fmt::print(stderr,
               "Usage: {} <path to ebpf instructions> [path to memory for the ebpf program]\n",
               name);
    fmt::print(stderr, "       {} COMMAND ...\n\nCommands:\n", name);
    for (const CLI::App *command : app.get_subcommands({})) {
        fmt::print(stderr, "  {:<12}{}\n", command->get_name(), command->get_description());
    }
    fmt::print(stderr, "\n`{} --help` and `{} COMMAND --help` say more.\n", name, name);
}

/// Parses and runs; everything that goes wrong is a failure.
outcome<exit_code> run(CLI::App &app, std::span<const std::string> arguments) {
    context ctx;
    bool version = false;
    bool as_json = false;
    build(app, ctx, version, as_json);
    if (arguments.empty()) {
        print_usage(app, app.get_name());
        return exit_code::usage;
    }
    auto reversed = normalise(app, {arguments.begin(), arguments.end()}, ctx);
    std::ranges::reverse(reversed);
    try {
        app.parse(std::move(reversed));
    } catch (const CLI::Success &) {
        write_out(app.help());  // of the command, if there is one
        return exit_code::ok;
    } catch (const CLI::ParseError &e) {
        return fail(exit_code::usage, "{} (see --help)", e.what());
    }
    if (version) {
        print_version(as_json);
        return exit_code::ok;
    }
    if (not ctx.action) return fail(exit_code::usage, "--json needs a command (see --help)");
    if (auto done = ctx.action(); not done) return std::unexpected{std::move(done.error())};
    return ctx.status;
}

int finish(const outcome<exit_code> &result) {
    if (not result) report(result.error());
    const auto flushed = finish_output();
    if (not flushed) report(flushed.error());
    const exit_code code = not result ? result.error().code
                           : flushed  ? *result
                                      : flushed.error().code;
    return static_cast<int>(code);
}

}  // namespace

}  // namespace bpftime::vm::cli

int main(int argc, char **argv) {
    using namespace bpftime::vm::cli;
    guard_standard_streams();
    const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
    try {
        CLI::App app{"Runs and examines eBPF programs in user space",
                     argc > 0 ? argv[0] : "bpftime-cli"};
        return finish(run(app, arguments));
    } catch (const std::bad_alloc &) {
        return finish(fail(exit_code::io, "out of memory"));
    } catch (const std::exception &e) {
        return finish(fail(exit_code::internal, "unexpected: {}", e.what()));
    }
}
