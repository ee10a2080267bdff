// bpftime-vm: stdout and stderr of bpftime-cli
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "output.hpp"

#include "runtime_json/values.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace bpftime::vm::cli {

namespace {

exit_code exit_code_of(error_code code) {
    switch (class_of(code)) {
    case error_class::unsupported: return exit_code::unsupported;
    case error_class::fault: return exit_code::fault;
    case error_class::internal: return exit_code::internal;
    default: return exit_code::bad_input;
    }
}

constexpr std::string_view escape_of(colour c) {
    switch (c) {
    case colour::bold: return "\x1b[1m";
    case colour::red: return "\x1b[1;31m";
    case colour::yellow: return "\x1b[1;33m";
    case colour::green: return "\x1b[32m";
    }
    return "";
}

/// errno of the first write to stdout that failed, 0: none.
int lost_output = 0;

void write_bytes(const void *data, std::size_t size) {
    if (fwrite(data, 1, size, stdout) != size and lost_output == 0) lost_output = errno;
}

}  // namespace

std::unexpected<failure> fail(std::string_view subject, const error &e) {
    const std::string prefix = subject.empty() ? "" : fmt::format("{}: ", subject);
    return std::unexpected{failure{exit_code_of(e.code), prefix + e.message}};
}

void guard_standard_streams() {
    // Opened the wrong way round, so that using a closed stream stays an error.
    if (fcntl(STDIN_FILENO, F_GETFD) < 0) open("/dev/null", O_WRONLY);
    if (fcntl(STDOUT_FILENO, F_GETFD) < 0) open("/dev/null", O_RDONLY);
    if (fcntl(STDERR_FILENO, F_GETFD) < 0) open("/dev/null", O_WRONLY);
}

bool is_terminal(std::FILE *stream) {
    const char *const term = std::getenv("TERM");
    return isatty(fileno(stream)) != 0 and term != nullptr and std::string_view{term} != "dumb";
}

bool is_coloured(std::FILE *stream) {
    const char *const no_color = std::getenv("NO_COLOR");
    return is_terminal(stream) and (no_color == nullptr or *no_color == '\0');
}

std::string paint(colour c, std::string_view text, std::FILE *stream) {
    return is_coloured(stream) ? fmt::format("{}{}\x1b[0m", escape_of(c), text) : std::string{text};
}

std::string without_controls(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool is_control = (byte < ' ' and c != '\n' and c != '\t') or byte == 0x7f;
        out += is_control ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
    }
    return out;
}

void write_out(std::string_view text) { write_bytes(text.data(), text.size()); }
void write_out(std::span<const uint8_t> bytes) { write_bytes(bytes.data(), bytes.size()); }

void print_json(const json &document) {
    constexpr int indent = 2;
    write_out(runtime_json::to_text(document, indent));
    write_out("\n");
}

outcome<void> finish_output() {
    if (fflush(stdout) != 0 and lost_output == 0) lost_output = errno;
    if (lost_output == 0) return {};
    return fail(exit_code::io, "cannot write to standard output: {}", std::strerror(lost_output));
}

void report(const failure &f) {
    fmt::print(stderr, "bpftime-cli: {} {}\n", paint(colour::red, "error:", stderr),
               without_controls(f.message));
}

void warn(std::string_view text) {
    fmt::print(stderr, "bpftime-cli: {} {}\n", paint(colour::yellow, "warning:", stderr),
               without_controls(text));
}

outcome<void> write_file(const std::string &path, std::span<const uint8_t> bytes) {
    const auto refuse = [&] {
        return fail(exit_code::io, "cannot write '{}': {}", path, std::strerror(errno));
    };
    std::FILE *const file = std::fopen(path.c_str(), "wb");
    if (file == nullptr) return refuse();
    const bool written = fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
    const int cause = errno;
    if (std::fclose(file) != 0 and written) return refuse();
    errno = cause;
    return written ? outcome<void>{} : refuse();
}

}  // namespace bpftime::vm::cli
