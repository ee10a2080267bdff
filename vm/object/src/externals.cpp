// bpftime-vm: undefined symbols: what BTF says they are, and the values of kernel configuration
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "maps.hpp"
#include "object/type_name.hpp"
#include "wire.hpp"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

namespace bpftime::vm::object {

namespace {

using maybe_error = std::optional<error>;

constexpr std::string_view kernel_section = ".ksyms";

/// The kernel whose behaviour programs may expect where they ask.
constexpr uint32_t kernel_version = 6U << 16 | 12U << 8;

struct built_in {
    std::string_view name;
    uint32_t value;
};
constexpr auto built_ins = std::to_array<built_in>({
    {"LINUX_KERNEL_VERSION", kernel_version},
    {"LINUX_HAS_BPF_COOKIE", 1},
    {"LINUX_HAS_SYSCALL_WRAPPER", 1},
});

/// What a configuration value can be.
enum class config_kind : uint8_t { unknown, boolean, tristate, character, number, text };

config_kind kind_of(const btf &types, uint32_t type) {
    const btf_type &t = types.type(types.resolve(type));
    if (t.kind == btf_kind::array) {
        const btf_type &element = types.type(types.resolve(t.type));
        const bool character = element.kind == btf_kind::integer and element.size == 1;
        return character and t.extra > 0 ? config_kind::text : config_kind::unknown;
    }
    if (t.is_enum())
        return t.name == "libbpf_tristate" and t.size <= 8 ? config_kind::tristate
                                                           : config_kind::unknown;
    const bool power = t.size == 1 or t.size == 2 or t.size == 4 or t.size == 8;
    if (t.kind != btf_kind::integer or not power) return config_kind::unknown;
    if (t.is_bool()) return config_kind::boolean;
    return t.name == "char" ? config_kind::character : config_kind::number;
}

/// The widest alignment first, then the smallest, then by name: as libbpf lays them out.
struct config_variable {
    uint32_t symbol;
    std::string_view name;
    uint32_t type;
    uint64_t size;
    uint64_t alignment;

    auto order() const { return std::tuple{8 - alignment, size, name}; }
};

class externals_reader {
public:
    explicit externals_reader(image &out) : out_{out} {}

    maybe_error read() && {
        if (out_.types) list_described();
        for (uint32_t i = 1; i < out_.elf.symbols.size(); ++i) {
            const elf_symbol &s = out_.elf.symbols[i];
            if (s.section != SHN_UNDEF or s.name.empty()) continue;
            if (auto e = read_symbol(i, s)) return e;
        }
        if (not configs_.empty()) return lay_out();
        return {};
    }

private:
    struct description {
        external_kind kind;
        uint32_t type;
    };

    void list_described() {
        const btf &types = *out_.types;
        for (const btf_type &section : types.types()) {
            if (section.kind != btf_kind::section) continue;
            const bool config = section.name == config_section;
            if (not config and section.name != kernel_section) continue;
            for (const btf_variable &v : types.variables(section)) {
                const btf_type &t = types.type(v.type);
                const external_kind kind = t.kind == btf_kind::function ? external_kind::function
                                           : config                     ? external_kind::config
                                                                        : external_kind::variable;
                described_.try_emplace(t.name, description{kind, t.type});
            }
        }
    }

    maybe_error read_symbol(uint32_t index, const elf_symbol &s) {
        external e{.weak = s.binding == STB_WEAK};
        const auto found = described_.find(s.name);
        if (found != described_.end()) {
            e.kind = found->second.kind;
            e.type = found->second.type;
        }
        out_.externals[index] = e;
        if (e.kind != external_kind::config) return {};
        const auto size = out_.types->size_of(e.type);
        const config_kind kind = kind_of(*out_.types, e.type);
        if (kind == config_kind::unknown or not size or *size > UINT16_MAX) {
            return make_error(
                error_code::bad_object,
                fmt::format("the external variable '{}' in section '.kconfig' is a {}, "
                            "not a bool, char, int, enum libbpf_tristate or string",
                            printable(s.name), out_.types->describe(out_.types->resolve(e.type))));
        }
        configs_.push_back({index, s.name, e.type, *size, kind == config_kind::text ? 1 : *size});
        return {};
    }

    maybe_error lay_out() {
        std::ranges::sort(configs_, {}, &config_variable::order);
        uint64_t end = 0;
        for (const config_variable &c : configs_) {
            end = (end + c.alignment - 1) / c.alignment * c.alignment;
            out_.externals[c.symbol].offset = static_cast<uint32_t>(end);
            end += c.size;
        }
        if (end > INT32_MAX) {
            return make_error(error_code::limit_exceeded,
                              fmt::format("section '.kconfig' of {} bytes exceeds the limit of {}",
                                          end, INT32_MAX));
        }
        add_map(static_cast<uint32_t>(end));
        return set_built_ins();
    }

    void add_map(uint32_t size) {
        object_map map;
        map.definition = {.name = std::string{config_section},
                          .type = map_type::array,
                          .key_size = 4,
                          .value_size = size,
                          .max_entries = 1,
                          .flags = map_rdonly_prog | map_mmapable,
                          .map_extra = 0,
                          .numa_node = 0};
        map.origin = map_origin::config;
        map.section = config_section;
        map.contents.resize(size);
        map.frozen = true;
        map.value_type = out_.types->find(config_section, btf_kind::section).value_or(0);
        out_.config_map = static_cast<uint32_t>(out_.maps.size());
        out_.maps.push_back(std::move(map));
    }

    maybe_error set_built_ins() {
        for (const config_variable &c : configs_) {
            const auto known = std::ranges::find(built_ins, c.name, &built_in::name);
            if (known == built_ins.end()) continue;
            const bool flag = kind_of(*out_.types, c.type) == config_kind::boolean;
            if (auto e = configure(out_, c.name, flag ? "y" : std::to_string(known->value)))
                return e;
        }
        return {};
    }

    image &out_;
    std::map<std::string_view, description> described_;
    std::vector<config_variable> configs_;
};

/// One configuration value from the text that a kernel's configuration has for it.
class config_writer {
public:
    config_writer(const btf &types, uint32_t type, std::span<uint8_t> out)
        : kind_{kind_of(types, type)},
          signed_{types.type(types.resolve(type)).is_signed()},
          out_{out} {}

    /// Whether the text is a value of that type.
    bool write(std::string_view text) {
        if (text == "y" or text == "n" or text == "m") return write_choice(text.front());
        if (text.size() >= 2 and text.front() == '"' and text.back() == '"')
            return write_text(text.substr(1, text.size() - 2));
        return write_number(text);
    }

private:
    /// As enum libbpf_tristate numbers them: no, yes, module.
    bool write_choice(char c) {
        const uint64_t value = c == 'n' ? 0 : c == 'y' ? 1 : 2;
        if (kind_ == config_kind::boolean and c == 'm') return false;
        if (kind_ == config_kind::boolean or kind_ == config_kind::tristate) return put(value);
        return kind_ == config_kind::character and put(static_cast<uint64_t>(c));
    }

    bool write_text(std::string_view text) {
        if (kind_ != config_kind::text) return false;
        std::ranges::fill(out_, uint8_t{0});
        text = text.substr(0, out_.size() - 1);
        std::ranges::copy(text, out_.begin());
        return true;
    }

    bool write_number(std::string_view text) {
        const bool negative = text.starts_with('-');
        std::string_view digits = text.substr(negative ? 1 : 0);
        const bool hex = digits.starts_with("0x") or digits.starts_with("0X");
        if (hex) digits.remove_prefix(2);
        uint64_t value = 0;
        const auto end = digits.data() + digits.size();
        const auto [rest, problem] = std::from_chars(digits.data(), end, value, hex ? 16 : 10);
        if (problem != std::errc{} or rest != end) return false;
        if (kind_ != config_kind::number and kind_ != config_kind::character) return false;
        return fits(value, negative) and put(negative ? 0 - value : value);
    }

    bool fits(uint64_t value, bool negative) const {
        const std::size_t bits = 8 * out_.size();
        const uint64_t most = signed_     ? (uint64_t{1} << (bits - 1)) - (negative ? 0 : 1)
                              : bits < 64 ? (uint64_t{1} << bits) - 1
                                          : UINT64_MAX;
        return value <= most and (signed_ or not negative);
    }

    bool put(uint64_t value) {
        std::memcpy(out_.data(), &value, out_.size());
        return true;
    }

    config_kind kind_;
    bool signed_;
    std::span<uint8_t> out_;
};

}  // namespace

std::optional<error> read_externals(image &out) { return externals_reader{out}.read(); }

std::optional<error> configure(image &out, std::string_view name, std::string_view value) {
    const auto found = std::ranges::find_if(out.externals, [&](const auto &entry) {
        return entry.second.kind == external_kind::config and
               out.elf.symbols[entry.first].name == name;
    });
    if (found == out.externals.end()) {
        return make_error(
            error_code::not_found,
            fmt::format("the object has no external variable '{}' in section '.kconfig'",
                        printable(name)));
    }
    external &e = found->second;
    const std::span contents{out.maps[out.config_map].contents};
    const auto place = contents.subspan(e.offset, *out.types->size_of(e.type));
    if (not config_writer{*out.types, e.type, place}.write(value)) {
        return make_error(
            error_code::invalid_argument,
            fmt::format("'{}' is no value of '{}', which is of type {}", printable(value),
                        printable(name), type_name(*out.types, e.type)));
    }
    e.resolved = true;
    return {};
}

}  // namespace bpftime::vm::object
