// bpftime-vm: reading and checking conformance cases
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "case_file.hpp"

#include "isa/text.hpp"
#include "programs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string_view>

namespace bpftime::vm::test {

namespace {

// Sections that the public suite has for its own runner, without meaning for ours.
constexpr std::array<std::string_view, 2> ignored_sections = {"no register offset", "c"};
constexpr std::array<std::string_view, 8> known_sections = {"asm",   "raw",   "mem",       "result",
                                                            "error", "fault", "mem_after", "limit"};

std::string_view trim(std::string_view s) {
    const auto first = s.find_first_not_of(" \t\r\n");
    if (first == s.npos) return {};
    return s.substr(first, s.find_last_not_of(" \t\r\n") - first + 1);
}

using sections = std::map<std::string, std::string, std::less<>>;

std::expected<sections, std::string> split(std::istream &in) {
    sections out;
    std::string *current = nullptr;
    std::string ignored;
    for (std::string line; std::getline(in, line);) {
        if (not line.starts_with("--")) {
            if (current != nullptr) current->append(line).append("\n");
            continue;
        }
        const std::string name{trim(std::string_view{line}.substr(2))};
        if (std::ranges::find(known_sections, name) != known_sections.end()) {
            if (out.contains(name))
                return std::unexpected{fmt::format("section '{}' stands twice", name)};
            current = &out[name];
        } else if (std::ranges::find(ignored_sections, name) != ignored_sections.end()) {
            current = &ignored;
        } else {
            return std::unexpected{fmt::format("Unknown directive '{}'", name)};
        }
    }
    return out;
}

std::string without_comments(const std::string &text) {
    std::istringstream in{text};
    std::string out;
    for (std::string line; std::getline(in, line);)
        out.append(line, 0, line.find('#')).append("\n");
    return out;
}

std::expected<uint64_t, std::string> parse_number(const std::string &text) {
    const std::string clean = without_comments(text);
    std::string_view digits = trim(clean);
    const bool hex = digits.starts_with("0x");
    if (hex) digits.remove_prefix(2);
    uint64_t value = 0;
    const auto [end, code] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
    if (digits.empty() or code != std::errc{} or end != digits.data() + digits.size()) {
        return std::unexpected{fmt::format("'{}' is no number", trim(text))};
    }
    return value;
}

/// Bytes as pairs of hex digits, or whole little-endian slots as 0x numbers.
std::expected<std::vector<uint8_t>, std::string> parse_hex(const std::string &text) {
    std::istringstream in{without_comments(text)};
    std::vector<uint8_t> bytes;
    for (std::string word; in >> word;) {
        if (word.starts_with("0x")) {
            const auto slot = parse_number(word);
            if (not slot) return std::unexpected{slot.error()};
            std::ranges::copy(bytes_of(std::array{*slot}), std::back_inserter(bytes));
            continue;
        }
        if (word.size() % 2 != 0) return std::unexpected{fmt::format("'{}' is no hex byte", word)};
        for (std::size_t i = 0; i < word.size(); i += 2) {
            uint8_t byte = 0;
            const char *const end = word.data() + i + 2;
            if (std::from_chars(word.data() + i, end, byte, 16).ptr != end) {
                return std::unexpected{fmt::format("'{}' is no hex byte", word)};
            }
            bytes.push_back(byte);
        }
    }
    return bytes;
}

/// Parses a section into `to` if it is there; what is wrong with it otherwise.
template <typename Parse, typename To>
std::string take(const sections &s, std::string_view name, Parse parse, To &to) {
    const auto it = s.find(name);
    if (it == s.end()) return {};
    auto value = parse(it->second);
    if (not value) return fmt::format("section {}: {}", name, value.error());
    to = std::move(*value);
    return {};
}

std::string hex(const std::vector<uint8_t> &bytes) {
    return fmt::format("{:02x}", fmt::join(bytes, " "));
}

std::string check_fault(const std::string &wanted, const outcome &o) {
    if (o.code != EBPF_ERROR_FAULT) {
        return fmt::format("expected the fault {}, got {}", wanted,
                           o.error.empty() ? "none" : o.error);
    }
    const std::string kind{compat::name_of(o.fault.kind)};
    const std::string got =
        wanted.find(" pc ") == wanted.npos ? kind : fmt::format("{} pc {}", kind, o.fault.pc);
    return got == wanted ? std::string{}
                         : fmt::format("expected the fault {}, got {}", wanted, o.error);
}

std::string check_error(const std::string &wanted, std::string_view got) {
    if (got.empty()) return fmt::format("expected the error '{}', got none", wanted);
    if (got.find(wanted) == got.npos)
        return fmt::format("expected the error '{}', got '{}'", wanted, got);
    return {};
}

}  // namespace

std::expected<case_file, std::string> read_case(const std::filesystem::path &file) {
    std::ifstream in{file};
    if (not in) return std::unexpected{fmt::format("{} cannot be read", file.string())};
    auto parts = split(in);
    if (not parts) return std::unexpected{parts.error()};
    case_file c;
    c.name = file.stem().string();
    for (std::string why :
         {take(*parts, "raw", parse_hex, c.raw), take(*parts, "mem", parse_hex, c.memory),
          take(*parts, "mem_after", parse_hex, c.memory_after),
          take(*parts, "limit", parse_number, c.limit),
          take(*parts, "result", parse_number, c.result)}) {
        if (not why.empty()) return std::unexpected{std::move(why)};
    }
    if (parts->contains("asm")) c.assembly = (*parts)["asm"];
    if (parts->contains("error")) c.error = trim((*parts)["error"]);
    if (parts->contains("fault")) c.fault = trim((*parts)["fault"]);
    if (not parts->contains("asm") and not c.raw) return std::unexpected{"a case has asm or raw"};
    if (c.result.has_value() + c.error.has_value() + c.fault.has_value() != 1) {
        return std::unexpected{"a case has exactly one of result, error and fault"};
    }
    return c;
}

std::expected<std::vector<uint8_t>, std::string> code_of(const case_file &c) {
    if (c.assembly.empty()) return c.raw.value();
    auto code = isa::assemble(c.assembly);
    if (not code) return std::unexpected{code.error().message};
    if (c.raw and *c.raw != *code)
        return std::unexpected{fmt::format("asm gives {}, not raw", hex(*code))};
    return std::move(*code);
}

std::string check_case(const case_file &c, const engine &e) {
    const auto code = code_of(c);
    if (not code) return c.error ? check_error(*c.error, code.error()) : code.error();
    const outcome o = run(e, *code, c.memory, {.instruction_limit = c.limit});
    if (c.error) return check_error(*c.error, o.error);
    if (c.fault) {
        if (auto why = check_fault(*c.fault, o); not why.empty()) return why;
    } else if (not o.error.empty()) {
        return o.error;
    } else if (o.r0 != *c.result) {
        return fmt::format("expected r0 = {:#x}, got {:#x}", *c.result, o.r0);
    }
    if (c.memory_after and o.memory != *c.memory_after) {
        return fmt::format("expected memory {}, got {}", hex(*c.memory_after), hex(o.memory));
    }
    return {};
}

std::vector<std::filesystem::path> find_cases(const std::filesystem::path &folder) {
    std::vector<std::filesystem::path> files;
    std::error_code ignored;
    for (const auto &file : std::filesystem::recursive_directory_iterator{folder, ignored}) {
        if (file.path().extension() == ".data") files.push_back(file.path());
    }
    std::ranges::sort(files);
    return files;
}

}  // namespace bpftime::vm::test
