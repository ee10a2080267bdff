// bpftime-vm: runs clang over a source text and collects the object
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compile.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>

namespace bpftime::vm::object::test {

namespace {

std::vector<uint8_t> run_clang(std::string_view source, const std::string &options,
                               std::string_view language) {
    std::string path =
        (std::filesystem::temp_directory_path() / "bpftime-vm-object-XXXXXX").string();
    const int fd = mkstemp(path.data());
    if (fd < 0) throw std::runtime_error{"no temporary file"};
    std::ofstream{path} << source;
    const std::string command =
        fmt::format("{} -target bpf -x {} {} -c {} -o -", BPF_CLANG, language, options, path);
    std::FILE *pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error{"cannot run: " + command};
    std::vector<uint8_t> object;
    std::array<uint8_t, 4096> buffer{};
    while (const std::size_t n = fread(buffer.data(), 1, buffer.size(), pipe)) {
        object.insert(object.end(), buffer.begin(),
                      buffer.begin() + static_cast<std::ptrdiff_t>(n));
    }
    const int status = pclose(pipe);
    std::fclose(fdopen(fd, "r"));
    std::filesystem::remove(path);
    if (status != 0) throw std::runtime_error{"failed: " + command};
    return object;
}

}  // namespace

std::vector<uint8_t> compile(std::string_view source, const std::string &options,
                             std::string_view language) {
    // The same for each engine, and clang takes longer than most tests.
    static std::map<std::array<std::string, 3>, std::vector<uint8_t>> compiled;
    std::vector<uint8_t> &object = compiled[{std::string{source}, options, std::string{language}}];
    if (object.empty()) object = run_clang(source, options, language);
    return object;
}

}  // namespace bpftime::vm::object::test
