// bpftime-vm: `bpftime-cli completion`: scripts by which shells complete our command lines
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "options.hpp"
#include "output.hpp"
#include "runner.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>

namespace bpftime::vm::cli {

namespace {

struct completion_options {
    std::string shell;
    bool as_json = false;
};

struct option_words {
    std::vector<std::string> names;  ///< with their dashes
    std::string description;
    std::vector<std::string> values;  ///< what may follow; empty: anything
    bool takes_value = false;
};

struct command_words {
    std::string name;
    std::string description;
    std::vector<option_words> options;
    std::vector<std::string> operands;  ///< values of a positional that takes one of a few words
};

/// The words of a type name such as "TEXT:{raw,hex}".
std::vector<std::string> values_of(const CLI::Option &option) {
    const std::string type = option.get_type_name();
    const auto first = type.find('{');
    const auto last = type.find('}');
    if (first == type.npos or last == type.npos) return {};
    std::vector<std::string> values;
    std::string_view rest = std::string_view{type}.substr(first + 1, last - first - 1);
    while (not rest.empty()) {
        const auto comma = std::min(rest.find(','), rest.size());
        values.emplace_back(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return values;
}

option_words words_of(const CLI::Option &option) {
    option_words words{
        {}, option.get_description(), values_of(option), option.get_items_expected_max() > 0};
    for (const std::string &name : option.get_snames()) words.names.push_back("-" + name);
    for (const std::string &name : option.get_lnames()) words.names.push_back("--" + name);
    if (std::ranges::find(words.names, "--vm") != words.names.end()) words.values = list_vms();
    return words;
}

/// What the application that main() built accepts: the scripts cannot go stale.
std::vector<command_words> all_words(const CLI::App &app) {
    std::vector<command_words> commands;
    for (const CLI::App *command : app.get_subcommands({})) {
        command_words words{command->get_name(), command->get_description(), {}, {}};
        for (const CLI::Option *option : command->get_options()) {
            if (option->nonpositional())
                words.options.push_back(words_of(*option));
            else if (const auto values = values_of(*option); not values.empty())
                words.operands = values;
        }
        commands.push_back(std::move(words));
    }
    return commands;
}

std::string join(const std::vector<std::string> &words, std::string_view separator = " ") {
    return fmt::format("{}", fmt::join(words, separator));
}

std::string names_of(const std::vector<command_words> &commands) {
    std::vector<std::string> names;
    names.reserve(commands.size());
    for (const command_words &c : commands) names.push_back(c.name);
    return join(names);
}

/// `text` between single quotes, for any of the shells.
std::string quote(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? std::string{"'\\''"} : std::string{c};
    return quoted + "'";
}

std::string bash_script(const std::vector<command_words> &commands) {
    std::string values;
    std::string words;
    for (const command_words &c : commands) {
        std::vector<std::string> names;
        for (const option_words &o : c.options) {
            names.insert(names.end(), o.names.begin(), o.names.end());
            if (o.values.empty()) continue;
            for (const std::string &name : o.names) {
                values +=
                    fmt::format("        '{} {}') words='{}' ;;\n", c.name, name, join(o.values));
            }
        }
        words += fmt::format("            {}) words='{}'; operands='{}' ;;\n", c.name, join(names),
                             join(c.operands));
    }
    return fmt::format(R"(# bash completion of bpftime-cli
_bpftime_cli() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} words= operands=
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W '{} --help --version' -- "$current") $(compgen -f -- "$current"))
        return
    fi
    case "${{COMP_WORDS[1]}} $previous" in
{}    esac
    if [[ -z $words ]]; then
        case ${{COMP_WORDS[1]}} in
{}        esac
        [[ $current == -* ]] || words=$operands
    fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _bpftime_cli bpftime-cli
)",
                       names_of(commands), values, words);
}

/// `text` for a description in zsh's _arguments, where brackets and colons have a meaning.
std::string zsh_escape(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '[' or c == ']' or c == ':') escaped += '\\';
        escaped += c;
    }
    return escaped;
}

std::string zsh_script(const std::vector<command_words> &commands) {
    std::string list;
    std::string cases;
    for (const command_words &c : commands) {
        list += fmt::format("        {}\n", quote(c.name + ":" + c.description));
        cases += fmt::format("        {})\n            _arguments", c.name);
        for (const option_words &o : c.options) {
            const std::string value = not o.takes_value ? ""
                                      : o.values.empty()
                                          ? ":value:_files"
                                          : fmt::format(":value:({})", join(o.values));
            for (const std::string &name : o.names) {
                cases += fmt::format(
                    " \\\n                {}",
                    quote(fmt::format("{}[{}]{}", name, zsh_escape(o.description), value)));
            }
        }
        const std::string operand =
            c.operands.empty() ? "*:file:_files" : fmt::format("*:word:({})", join(c.operands));
        cases += fmt::format(" \\\n                {} ;;\n", quote(operand));
    }
    return fmt::format(R"(#compdef bpftime-cli
_bpftime_cli() {{
    local -a commands=(
{}    )
    if ((CURRENT == 2)); then
        _describe command commands
        _files
        return
    fi
    local command=$words[2]
    shift words
    ((CURRENT--))
    case $command in
{}    esac
}}
compdef _bpftime_cli bpftime-cli
)",
                       list, cases);
}

std::string fish_script(const std::vector<command_words> &commands) {
    std::string text = "# fish completion of bpftime-cli\n";
    for (const command_words &c : commands) {
        text += fmt::format("complete -c bpftime-cli -n __fish_use_subcommand -a {} -d {}\n",
                            c.name, quote(c.description));
        const std::string when = quote("__fish_seen_subcommand_from " + c.name);
        for (const option_words &o : c.options) {
            text += fmt::format("complete -c bpftime-cli -n {}", when);
            for (const std::string &name : o.names) {
                text += name.starts_with("--") ? fmt::format(" -l {}", name.substr(2))
                                               : fmt::format(" -s {}", name.substr(1));
            }
            if (o.takes_value)
                text += o.values.empty() ? " -r" : fmt::format(" -x -a {}", quote(join(o.values)));
            text += fmt::format(" -d {}\n", quote(o.description));
        }
        if (not c.operands.empty()) {
            text += fmt::format("complete -c bpftime-cli -f -n {} -a {}\n", when,
                                quote(join(c.operands)));
        }
    }
    return text;
}

struct shell_info {
    std::string_view name;
    std::string (*script)(const std::vector<command_words> &);
};

constexpr auto shells =
    std::to_array<shell_info>({{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}});

outcome<void> complete(const completion_options &options, const context &ctx) {
    const auto shell = std::ranges::find(shells, options.shell, &shell_info::name);
    const std::string script = shell->script(all_words(*ctx.app));
    if (options.as_json)
        print_json({{"shell", options.shell}, {"script", script}});
    else
        write_out(script);
    return {};
}

}  // namespace

void add_completion(CLI::App &app, context &ctx) {
    const auto options = std::make_shared<completion_options>();
    command c{app,
              ctx,
              "completion",
              "Print a completion script for a shell",
              options->as_json,
              [options, &ctx] { return complete(*options, ctx); }};
    std::vector<std::string> names;
    names.reserve(shells.size());
    for (const shell_info &s : shells) names.emplace_back(s.name);
    c.required("SHELL", options->shell, "bash, zsh or fish", names);
    c.footer(
        "To use it now: source <(bpftime-cli completion bash), source <(bpftime-cli completion "
        "zsh),\n"
        "or bpftime-cli completion fish | source");
}

}  // namespace bpftime::vm::cli
