// bpftime-vm: maps that are files
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "check_definition.hpp"
#include "map_types.hpp"
#include "shared_bytes.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace bpftime::vm::runtime {

namespace {

struct reason {
    int number;
    error_code code;
    const char *text;
};

/// What errors mean of files; others are the system's.
constexpr reason reasons[] = {
    {EBADMSG, error_code::invalid_argument, "the file is no map, or damaged"},
    {ESTALE, error_code::unsupported,
     "the map was made by another version, or on a machine with other CPUs or pages"},
    {EUSERS, error_code::limit_exceeded, "255 processes have the map open"},
    {EEXIST, error_code::already_exists, "there is a file of this name"},
    {ENOENT, error_code::not_found, "there is no such file"},
    {ENOMEM, error_code::out_of_memory, "there is not enough memory"},
};

std::unexpected<error> refuse(int negative_errno, std::string_view doing, const std::string &path) {
    error_code code = error_code::invalid_argument;
    std::string text = std::strerror(-negative_errno);
    for (const reason &r : reasons) {
        if (r.number != -negative_errno) continue;
        code = r.code;
        text = r.text;
    }
    if (negative_errno == -ENOENT and doing == "making") text = "there is no such folder";
    error e = make_error(code, fmt::format("{} pinned map {}: {}", doing, path, text));
    e.kernel_errno = -negative_errno;
    return std::unexpected{std::move(e)};
}

std::unexpected<error> refuse_definition(const map_definition &d, std::string_view why, int number,
                                         error_code code) {
    error e = make_error(
        code, fmt::format("map {} of type {} cannot be pinned{}", d.name, name_of(d.type), why));
    e.kernel_errno = number;
    return std::unexpected{std::move(e)};
}

result<const pinnable_type *> pinnable(const map_definition &d) {
    const pinnable_type *const type = find_pinnable(d.type);
    if (type == nullptr)
        return refuse_definition(d, " yet", not_supported, error_code::unsupported);
    if (not d.fields.empty()) {
        return refuse_definition(d, ": locks, timers and pointers in values are of one process",
                                 not_supported, error_code::unsupported);
    }
    if (const int failed = check_definition(d)) {
        return refuse_definition(d, fmt::format(": {}", std::strerror(-failed)), -failed,
                                 error_code::invalid_argument);
    }
    return type;
}

struct difference {
    const char *what;
    uint64_t there;
    uint64_t wanted;
};

/// What libbpf compares before it takes a pinned map for a declared one. Empty: they are alike.
std::string differences(const map_definition &there, const map_definition &wanted) {
    std::string text;
    for (const difference &d :
         {difference{"type", static_cast<uint64_t>(there.type), static_cast<uint64_t>(wanted.type)},
          difference{"key_size", there.key_size, wanted.key_size},
          difference{"value_size", there.value_size, wanted.value_size},
          difference{"max_entries", there.max_entries, wanted.max_entries},
          difference{"map_flags", there.flags, wanted.flags},
          difference{"map_extra", there.map_extra, wanted.map_extra}}) {
        if (d.there == d.wanted) continue;
        text += fmt::format("{}{} {}, not {}", text.empty() ? "" : "; ", d.what, d.there, d.wanted);
    }
    return text;
}

}  // namespace

bool map::can_be_pinned(map_type type) noexcept { return find_pinnable(type) != nullptr; }

result<std::shared_ptr<map>> map::create_pinned(const map_definition &definition,
                                                const std::string &path, const filler &fill) {
    const auto type = pinnable(definition);
    if (not type) return std::unexpected{type.error()};
    auto file = std::make_unique<shared_file>();
    int failed = shared_file::create(path, definition, (*type)->bytes(definition), *file);
    if (failed == 0) failed = file->map((*type)->twice(definition));
    if (failed != 0) return refuse(failed, "making", path);
    shared_file &made_in = *file;
    auto made = (*type)->make(definition, map_memory{std::move(file), true});
    if (fill) {
        if (auto filled = fill(*made); not filled)
            return std::unexpected{std::move(filled.error())};
    }
    if (const int late = made_in.publish(path)) return refuse(late, "making", path);
    return made;
}

result<std::shared_ptr<map>> map::open_pinned(const std::string &path) {
    auto file = std::make_unique<shared_file>();
    if (const int failed = shared_file::open(path, *file)) return refuse(failed, "opening", path);
    const map_definition definition = file->definition();
    const auto type = pinnable(definition);
    const auto page = static_cast<std::size_t>(getpagesize());
    if (not type or round_up((*type)->bytes(definition), page) != file->bytes())
        return refuse(-EBADMSG, "opening", path);
    if (const int failed = file->map((*type)->twice(definition)))
        return refuse(failed, "opening", path);
    auto made = (*type)->make(definition, map_memory{std::move(file), false});
    if (not made->is_sound()) return refuse(-EBADMSG, "opening", path);
    return made;
}

result<std::shared_ptr<map>> map::open_or_create_pinned(const map_definition &definition,
                                                        const std::string &path,
                                                        const filler &fill) {
    auto made = create_pinned(definition, path, fill);
    if (made or made.error().kernel_errno != EEXIST) return made;
    auto there = open_pinned(path);
    if (not there) return there;
    const std::string different = differences((*there)->definition(), definition);
    if (different.empty()) return there;
    error e = make_error(error_code::invalid_argument,
                         fmt::format("pinned map {} is not as map {} is declared: {}", path,
                                     definition.name, different));
    e.kernel_errno = EINVAL;
    return std::unexpected{std::move(e)};
}

}  // namespace bpftime::vm::runtime
