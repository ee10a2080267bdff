// bpftime-vm: error codes, their classes and messages
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/error.hpp"

#include <fmt/format.h>

#include <array>

namespace bpftime::vm {

namespace {

struct error_row {
    std::string_view name;
    error_class class_;
    std::string_view remedy;
};

constexpr auto error_table = std::to_array<error_row>({
#define ERROR(code, class_, remedy) {#code, error_class::class_, remedy},
#include "isa/errors.def"
#undef ERROR
});

const error_row &row(error_code code) noexcept {
    return error_table[static_cast<std::size_t>(code)];
}

std::string with_remedy(error_code code, std::string text) {
    if (const auto remedy = row(code).remedy; not remedy.empty()) {
        text.append(": ").append(remedy);
    }
    return text;
}

}  // namespace

error_class class_of(error_code code) noexcept { return row(code).class_; }

std::string_view name_of(error_code code) noexcept { return row(code).name; }

error make_error(error_code code, std::string_view detail) {
    return {code, std::nullopt, with_remedy(code, std::string{detail})};
}

error make_error(error_code code, uint32_t pc, std::string_view text, std::string_view detail) {
    return {code, pc, with_remedy(code, fmt::format("{} at pc {} (`{}`)", detail, pc, text))};
}

}  // namespace bpftime::vm
