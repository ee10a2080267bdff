// bpftime-vm: what the tests of the object loader share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

#include "isa/text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace bpftime::vm::object::test {

object_file parse(std::string_view source, const std::string &options) {
    auto file = object_file::parse(compile(std::string{prologue} + std::string{source}, options));
    if (not file) throw std::runtime_error{file.error().message};
    return std::move(*file);
}

std::string parse_error(std::string_view source, const std::string &options, error_code code) {
    const auto file =
        object_file::parse(compile(std::string{prologue} + std::string{source}, options));
    if (file) return "parsed";
    EXPECT_EQ(file.error().code, code);
    return file.error().message;
}

const function_info &find(const object_file &file, std::string_view name) {
    const auto found = std::ranges::find(file.functions(), name, &function_info::name);
    if (found == file.functions().end())
        throw std::runtime_error{"no function " + std::string{name}};
    return *found;
}

const object_map &find_map(const object_file &file, std::string_view name) {
    const auto found = std::ranges::find_if(
        file.maps(), [&](const object_map &m) { return m.definition.name == name; });
    if (found == file.maps().end()) throw std::runtime_error{"no map " + std::string{name}};
    return *found;
}

bytecode link(const object_file &file, std::string_view name, const link_options &options) {
    auto linked = file.link(find(file, name), options);
    if (not linked) throw std::runtime_error{linked.error().message};
    return std::move(*linked);
}

std::string link_error(const object_file &file, std::string_view name, error_code code,
                       const link_options &options) {
    const auto linked = file.link(find(file, name), options);
    if (linked) return "linked";
    EXPECT_EQ(linked.error().code, code);
    return linked.error().message;
}

std::vector<std::string> references_in(const bytecode &linked) {
    const auto text = isa::disassemble(linked.code);
    if (not text) throw std::runtime_error{text.error().message};
    std::vector<std::string> found;
    std::istringstream lines{*text};
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("lddw") or line.starts_with("call")) found.push_back(line);
    }
    return found;
}

}  // namespace bpftime::vm::object::test
