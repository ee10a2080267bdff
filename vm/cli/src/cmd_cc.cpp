// bpftime-vm: `bpftime-cli cc`: C to an eBPF object
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compile.hpp"
#include "object/object.hpp"
#include "options.hpp"
#include "output.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>

namespace bpftime::vm::cli {

namespace {

struct cc_options {
    std::string path;
    std::string out;
    compile_options compile;
    bool as_json = false;
};

/// As C compilers do it: beside the current directory's other files. fw.c and fw.bpf.c become
/// fw.bpf.o.
std::string default_output(const std::string &path) {
    std::string name = std::filesystem::path{path}.filename().string();
    for (const std::string_view ending : {".c", ".bpf"}) {
        if (name.size() > ending.size() and name.ends_with(ending))
            name.resize(name.size() - ending.size());
    }
    return name + ".bpf.o";
}

void print_as_json(const std::string &out, std::span<const uint8_t> bytes) {
    json document = {{"out", out}, {"bytes", bytes.size()}};
    // Further arguments may have made clang write something else than an object.
    if (const auto object = object::object_file::parse(bytes)) {
        json programs = json::array();
        for (const object::function_info &f : object->functions()) {
            if (f.is_program)
                programs.push_back({{"name", f.name}, {"section", f.section}, {"bytes", f.size}});
        }
        document["programs"] = std::move(programs);
    }
    print_json(document);
}

outcome<void> compile(const cc_options &options) {
    if (options.out.empty() and options.path == "-") {
        return fail(exit_code::usage, "the C file is standard input: name the object with -o");
    }
    const auto bytes = compile_c(options.path, options.compile);
    if (not bytes) return std::unexpected{bytes.error()};
    const std::string out = options.out.empty() ? default_output(options.path) : options.out;
    if (out == "-") {
        write_out(*bytes);
        return {};
    }
    if (auto done = write_file(out, *bytes); not done) return done;
    if (options.as_json) print_as_json(out, *bytes);
    return {};
}

}  // namespace

void add_cc(CLI::App &app, context &ctx) {
    const auto options = std::make_shared<cc_options>();
    command c{app,
              ctx,
              "cc",
              "Compile a C file to an eBPF object with clang",
              options->as_json,
              [options, &ctx] {
                  options->compile.extra = ctx.passthrough;
                  return compile(*options);
              }};
    c.required("FILE", options->path, "C file; - for stdin");
    c.text("-o,--out", options->out, "FILE",
           "Object to write (default: FILE with .bpf.o; - for stdout)");
    c.cpu(options->compile);
    c.footer("What follows `--` goes to clang: bpftime-cli cc fw.c -- -DDEBUG -Iinclude");
}

}  // namespace bpftime::vm::cli
