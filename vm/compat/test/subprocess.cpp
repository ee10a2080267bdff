// bpftime-vm: running a program and reading what it wrote, for tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "subprocess.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <sstream>

namespace bpftime::vm::compat::test {

namespace {

/// All that was written to the temporary file.
std::string contents(std::FILE *file) {
    std::string text;
    std::rewind(file);
    std::array<char, 4096> block;
    while (const size_t n = std::fread(block.data(), 1, block.size(), file))
        text.append(block.data(), n);
    std::fclose(file);
    return text;
}

/// What runs the programs of this build, if the system can not: a program and its arguments.
std::vector<std::string> emulator() {
    const char *const line = std::getenv("BPFTIME_VM_TEST_EMULATOR");
    std::istringstream words{line == nullptr ? "" : line};
    return {std::istream_iterator<std::string>{words}, {}};
}

[[noreturn]] void become(const std::vector<std::string> &arguments,
                         const environment_changes &environment, std::FILE *out, std::FILE *err) {
    dup2(fileno(out), STDOUT_FILENO);
    dup2(fileno(err), STDERR_FILENO);
    for (const auto &[name, value] : environment) {
        if (value)
            setenv(name.c_str(), value->c_str(), 1);
        else
            unsetenv(name.c_str());
    }
    std::vector<std::string> words = emulator();
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char *> pointers;
    for (std::string &w : words) pointers.push_back(w.data());
    pointers.push_back(nullptr);
    execvp(pointers[0], pointers.data());
    std::perror(pointers[0]);
    _exit(127);
}

}  // namespace

finished_process run_process(const std::vector<std::string> &arguments,
                             const environment_changes &environment) {
    std::FILE *const out = std::tmpfile();
    std::FILE *const err = std::tmpfile();
    const pid_t child = fork();
    if (child == 0) become(arguments, environment, out, err);
    int status = 0;
    waitpid(child, &status, 0);
    finished_process result;
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.out = contents(out);
    result.err = contents(err);
    return result;
}

}  // namespace bpftime::vm::compat::test
