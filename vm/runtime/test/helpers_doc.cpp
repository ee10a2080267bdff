// bpftime-vm: writes docs/helpers.md, the page about the helpers, from their table
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
//   helpers_doc > docs/helpers.md         writes the page
//   helpers_doc --check docs/helpers.md   fails if the page is not what would be written
#include "runtime/helpers.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::runtime {

namespace {

/// By argument_kind.
constexpr std::array argument_names{
    "",    "number",  "memory, read", "memory, written",      "memory",  "its bytes", "context",
    "map", "its key", "its value",    "memory for its value", "function"};
static_assert(argument_names.size() == static_cast<std::size_t>(argument_kind::function) + 1);

/// By result_kind.
constexpr std::array result_names{
    "number",        "pointer",         "pointer or 0",    "value of the map or 0",
    "never returns", "0 if it returns", "the run's result"};
static_assert(result_names.size() == static_cast<std::size_t>(result_kind::ends_run) + 1);

std::string name_of(const argument_declaration &a) {
    std::string name{argument_names[static_cast<std::size_t>(a.kind)]};
    if (a.size != 0) name = fmt::format("{} bytes of {}", a.size, name);
    return a.may_be_null ? name + ", or 0" : name;
}

std::string arguments_of(const helper_declaration &d) {
    std::vector<std::string> names;
    for (const argument_declaration &a : d.arguments) {
        if (a.kind != argument_kind::unused) names.push_back(name_of(a));
    }
    return fmt::format("{}", fmt::join(names, "; "));
}

std::string page() {
    std::string text =
        R"(<!-- Made from vm/runtime/src/helpers.def and kernel_functions.def by vm/runtime/test/helpers_doc.cpp: edit those. -->
# Helpers

What `map_set::attach()` registers with a VM, by the kernel's ids and names, and with the kernel's meaning: results are 0
or a negative errno unless the table says otherwise. Arguments are checked before the call: a word that is no map is the
fault `bad_map`, memory that the program does not have an out-of-bounds one.

| id | name | arguments | result | what it does |
|---|---|---|---|---|
)";
    for (const helper_row &row : helper_table()) {
        const helper_declaration &d = row.declaration;
        text += fmt::format("| {} | `{}` | {} | {} | {} |\n", d.id, d.name, arguments_of(d),
                            result_names[static_cast<std::size_t>(d.result)], row.meaning);
    }
    text += R"(
## Kernel functions

What programs of objects call by name (kfuncs). `loaded_object` makes these calls those of helpers with ids of ours, and adds
what the host has of its own (`load_options::kernel_functions`).

| name | arguments | result | what it does |
|---|---|---|---|
)";
    for (const helper_row &row : kernel_function_table()) {
        const helper_declaration &d = row.declaration;
        text += fmt::format("| `{}` | {} | {} | {} |\n", d.name, arguments_of(d),
                            result_names[static_cast<std::size_t>(d.result)], row.meaning);
    }
    return text;
}

int check(const char *program, const char *path) {
    std::ifstream file{path, std::ios::binary};
    const std::string found{std::istreambuf_iterator<char>{file}, {}};
    if (found == page()) return 0;
    fmt::print(stderr, "{}: this is not what the table of helpers gives; to update it: {} > {}\n",
               path, program, path);
    return 1;
}

}  // namespace

int run(int argc, char **argv) {
    if (argc == 1) {
        fmt::print("{}", page());
        return 0;
    }
    if (argc == 3 and std::string_view{argv[1]} == "--check") return check(argv[0], argv[2]);
    fmt::print(stderr,
               "usage: helpers_doc > docs/helpers.md\n       helpers_doc --check "
               "docs/helpers.md\n");
    return 2;
}

}  // namespace bpftime::vm::runtime

int main(int argc, char **argv) { return bpftime::vm::runtime::run(argc, argv); }
