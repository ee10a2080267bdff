// bpftime-vm: finds clang, and calls it with what eBPF needs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compile.hpp"

#include "log.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>

namespace bpftime::vm::cli {

namespace {

namespace fs = std::filesystem;

constexpr unsigned least_clang = 18;  // the first that knows -mcpu=v4
constexpr auto clang_names = std::to_array<const char *>(
    {"clang-19", "clang-20", "clang-21", "clang-22", "clang-23", "clang-18", "clang"});
constexpr std::string_view remedy =
    "install one (apt-get install clang-19) or name one in the environment variable "
    "BPFTIME_VM_CLANG";

struct finished_process {
    int status = 0;  ///< as waitpid() gives it
    std::vector<uint8_t> output;

    [[nodiscard]] bool succeeded() const { return WIFEXITED(status) and WEXITSTATUS(status) == 0; }
};

/// Reads `fd` to its end and closes it.
std::vector<uint8_t> drain(int fd) {
    std::vector<uint8_t> bytes;
    std::array<uint8_t, 1 << 16> buffer;
    for (;;) {
        const ssize_t n = read(fd, buffer.data(), buffer.size());
        if (n < 0 and errno == EINTR) continue;
        if (n <= 0) break;
        bytes.insert(bytes.end(), buffer.begin(), buffer.begin() + n);
    }
    close(fd);
    return bytes;
}

/// Runs a program found in PATH and collects what it writes to stdout; errno if it cannot be
/// started.
std::expected<finished_process, int> run_process(const std::vector<std::string> &arguments) {
    std::vector<char *> argv;
    argv.reserve(arguments.size() + 1);
    for (const std::string &a : arguments) argv.push_back(const_cast<char *>(a.c_str()));
    argv.push_back(nullptr);

    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return std::unexpected{errno};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    pid_t child = 0;
    const int error = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (error != 0) {
        close(ends[0]);
        return std::unexpected{error};
    }
    finished_process process;
    process.output = drain(ends[0]);
    while (waitpid(child, &process.status, 0) < 0 and errno == EINTR) {
    }
    return process;
}

/// The major version of `clang`; empty if it does not run or is something else.
std::optional<unsigned> version_of(const std::string &clang) {
    const auto process = run_process({clang, "--version"});
    if (not process or not process->succeeded()) return {};
    const std::string_view text{reinterpret_cast<const char *>(process->output.data()),
                                process->output.size()};
    constexpr std::string_view marker = "clang version ";
    const auto at = text.find(marker);
    if (at == text.npos) return {};
    unsigned version = 0;
    const auto digits = text.substr(at + marker.size());
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), version);
    return code == std::errc{} ? std::optional{version} : std::nullopt;
}

outcome<std::string> find_clang() {
    const char *const chosen = std::getenv("BPFTIME_VM_CLANG");
    const bool is_chosen = chosen != nullptr and chosen[0] != '\0';
    const auto candidates =
        is_chosen ? std::vector{chosen} : std::vector(clang_names.begin(), clang_names.end());
    std::string too_old;
    for (const char *const name : candidates) {
        const auto version = version_of(name);
        if (version and *version >= least_clang) return name;
        if (version) too_old = fmt::format("'{}' is version {}", name, *version);
    }
    if (not too_old.empty()) {
        return fail(exit_code::unsupported, "compiling C needs clang {} or later, but {}: {}",
                    least_clang, too_old, remedy);
    }
    if (is_chosen) {
        return fail(exit_code::unsupported,
                    "BPFTIME_VM_CLANG names '{}', which is no clang that runs: {}", chosen, remedy);
    }
    return fail(exit_code::unsupported,
                "compiling C needs clang {} or later, and there is none in PATH: {}", least_clang,
                remedy);
}

std::string machine() {
    utsname names{};
    return uname(&names) == 0 ? names.machine : "";
}

/// The directory with <asm/types.h>, where that is not in /usr/include itself: Debian keeps one for
/// each machine.
std::optional<fs::path> machine_headers() {
    const fs::path root = "/usr/include";
    std::error_code ignored;
    if (fs::exists(root / "asm/types.h", ignored)) return {};
    std::vector<fs::path> found;
    for (const auto &entry : fs::directory_iterator{root, ignored}) {
        if (fs::exists(entry.path() / "asm/types.h", ignored)) found.push_back(entry.path());
    }
    std::ranges::sort(found);
    const auto own = std::ranges::find_if(found, [m = machine()](const fs::path &p) {
        return p.filename().string().starts_with(m + "-");
    });
    if (own != found.end()) return *own;
    return found.empty() ? std::nullopt : std::optional{found.front()};
}

/// The macro by which <bpf/bpf_tracing.h> learns the machine.
std::optional<std::string> target_macro() {
    struct row {
        std::string_view machine;
        std::string_view macro;
    };
    constexpr auto rows = std::to_array<row>({{"x86_64", "x86"},
                                              {"aarch64", "arm64"},
                                              {"riscv64", "riscv"},
                                              {"ppc64le", "powerpc"},
                                              {"s390x", "s390"},
                                              {"loongarch64", "loongarch"}});
    const auto found = std::ranges::find(rows, machine(), &row::machine);
    return found == rows.end() ? std::nullopt
                               : std::optional{fmt::format("-D__TARGET_ARCH_{}", found->macro)};
}

std::vector<std::string> arguments_of(const std::string &clang, const std::string &path,
                                      const compile_options &options) {
    std::vector<std::string> arguments{clang, "-target", "bpf",
                                       "-O2", "-g",      "-mcpu=" + options.cpu};
    if (auto macro = target_macro()) arguments.push_back(std::move(*macro));
    if (const auto headers = machine_headers())
        arguments.insert(arguments.end(), {"-idirafter", headers->string()});
    arguments.insert(arguments.end(), options.extra.begin(), options.extra.end());
    // A name that begins with '-' would be read as an option.
    arguments.insert(arguments.end(),
                     {"-x", "c", "-c", "-o", "-",
                      path == "-" or not path.starts_with('-') ? path : "./" + path});
    return arguments;
}

/// What to install if the headers that most eBPF programs include are not there.
std::string missing_headers() {
    std::error_code ignored;
    const auto has = [&](const char *path) { return fs::exists(path, ignored); };
    std::string hint;
    if (not has("/usr/include/linux/bpf.h"))
        hint += "; <linux/bpf.h> is missing: apt-get install linux-libc-dev";
    if (not has("/usr/include/bpf/bpf_helpers.h") and
        not has("/usr/local/include/bpf/bpf_helpers.h")) {
        hint += "; <bpf/bpf_helpers.h> is missing: apt-get install libbpf-dev";
    }
    return hint;
}

}  // namespace

outcome<std::vector<uint8_t>> compile_c(const std::string &path, const compile_options &options) {
    if (path != "-" and access(path.c_str(), R_OK) != 0)
        return fail(exit_code::io, "cannot read '{}': {}", path, std::strerror(errno));
    const auto clang = find_clang();
    if (not clang) return std::unexpected{clang.error()};
    const auto arguments = arguments_of(*clang, path, options);
    log_debug(fmt::format("running {}", fmt::join(arguments, " ")));
    auto process = run_process(arguments);
    if (not process)
        return fail(exit_code::io, "cannot run '{}': {}", *clang, std::strerror(process.error()));
    if (process->succeeded()) return std::move(process->output);
    return fail(exit_code::bad_input, "{}: '{}' refused it{}",
                path == "-" ? "standard input" : path, *clang, missing_headers());
}

}  // namespace bpftime::vm::cli
