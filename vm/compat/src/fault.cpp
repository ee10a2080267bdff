// bpftime-vm: faults as messages, and the last one of each thread
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/fault.hpp"

#include "compat/thread_end.hpp"
#include "ebpf-types.h"
#include "fault_of_thread.hpp"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <new>
#include <utility>

namespace bpftime::vm::compat {

namespace {

struct fault_row {
    std::string_view name;
    std::string_view text;
};

constexpr auto fault_table = std::to_array<fault_row>({
#define FAULT(kind, value, text) {#kind, text},
#include "compat/faults.def"
#undef FAULT
});

const fault_row &row(fault_kind kind) noexcept {
    return fault_table[static_cast<std::size_t>(kind)];
}

bool is_about_memory(fault_kind kind) {
    return kind == fault_kind::out_of_bounds_read or kind == fault_kind::out_of_bounds_write or
           kind == fault_kind::read_only_write or kind == fault_kind::misaligned_atomic;
}

/// Whether the access is one of memory that may be written alone.
bool lacks_permission_to_read(const fault &f) {
    return f.kind == fault_kind::out_of_bounds_read and f.offset >= 0 and
           f.size <= f.region_bytes and static_cast<uint64_t>(f.offset) <= f.region_bytes - f.size;
}

/// How far outside the access is.
std::string beyond_region(const fault &f) {
    if (f.offset < 0) return fmt::format(", {} bytes before it", 0 - f.offset);
    const auto begin = static_cast<uint64_t>(f.offset);
    if (begin == f.region_bytes) return ", right behind its end";
    if (begin > f.region_bytes)
        return fmt::format(", {} bytes behind its end", begin - f.region_bytes);
    if (f.size <= f.region_bytes - begin) return "";
    return fmt::format(", {} of them behind its end", begin + f.size - f.region_bytes);
}

std::string region_text(const fault &f) {
    switch (f.region) {
    case region_kind::input: return fmt::format("offset {} of the input memory", f.offset);
    case region_kind::stack:
        return fmt::format("offset {} of stack frame {}", f.offset, f.region_index);
    case region_kind::registered:
        return fmt::format("offset {} of registered region {}", f.offset, f.region_index);
    case region_kind::run:
        return fmt::format("offset {} of region {} of this run{}", f.offset, f.region_index,
                           beyond_region(f));
    case region_kind::granted:
        return fmt::format("offset {} of memory granted by a helper", f.offset);
    case region_kind::none: break;
    }
    return "memory that nobody granted (register it with ebpf_register_region(), give it with "
           "ebpf_exec_regions(), "
           "or grant it in a helper with ebpf_grant())";
}

/// What input memory that was refused is like.
std::string input_text(const fault &f) {
    if (f.region_bytes < f.size)
        return fmt::format(": it has {} bytes, and was said to have at least {}", f.region_bytes,
                           f.size);
    return fmt::format(
        ": it has {} bytes; its address, or the packet that it names, is not as said",
        f.region_bytes);
}

std::string_view remedy(fault_kind kind) {
    switch (kind) {
    case fault_kind::call_depth_exceeded: return ": raise the limit with ebpf_set_call_depth()";
    case fault_kind::instruction_limit:
        return ": raise the limit with ebpf_set_instruction_limit()";
    case fault_kind::bad_input:
        return "; give the run such memory (programs of objects that judge packets: "
               "ebpf_program_run_packet()), or say something else of it";
    default: return "";
    }
}

// --- where it comes from

/// What may be shown on a terminal, of a line.
std::string printable(std::string_view text) {
    constexpr std::size_t most = 160;
    const auto is_blank = [](char c) { return c == ' ' or c == '\t'; };
    while (not text.empty() and is_blank(text.front())) text.remove_prefix(1);
    while (not text.empty() and is_blank(text.back())) text.remove_suffix(1);
    std::string shown;
    for (const char c : text.substr(0, most)) {
        if (c >= ' ' and c <= '~')
            shown += c;
        else
            shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    return text.size() > most ? shown + "..." : shown;
}

std::string source_text(const instruction_source &source) {
    std::string text;
    if (not source.function.empty()) text = " in function " + printable(source.function);
    if (source.line == 0) return text;
    const std::string_view file = source.file;
    text += fmt::format(" ({}:{}", printable(file.substr(file.rfind('/') + 1)), source.line);
    if (const std::string line = printable(source.text); not line.empty())
        text += fmt::format(": `{}`", line);
    return text += ')';
}

}  // namespace

#define FAULT(kind, value, text) static_assert(static_cast<int>(fault_kind::kind) == (value));
#include "compat/faults.def"
#undef FAULT
static_assert(static_cast<int>(fault_kind::bad_input) == EBPF_FAULT_BAD_INPUT);
static_assert(static_cast<int>(fault_kind::instruction_limit) == EBPF_FAULT_INSTRUCTION_LIMIT);

std::string_view name_of(fault_kind kind) noexcept { return row(kind).name; }

std::string to_message(const fault &f, const program &p, const program_source *source) {
    const instruction_source from = source != nullptr ? source->find(f.pc) : instruction_source{};
    const std::string_view what = lacks_permission_to_read(f)
                                      ? "read of memory that the program may only write"
                                      : row(f.kind).text;
    std::string text = fmt::format("{}: {} at pc {} (`{}`){}", row(f.kind).name, what, f.pc,
                                   p.text_at(f.pc), source_text(from));
    if (is_about_memory(f.kind)) {
        text += fmt::format(": {} bytes at {}", f.size, region_text(f));
    }
    if (f.kind == fault_kind::bad_input) text += input_text(f);
    if (not from.note.empty()) text += ": " + from.note;
    return text.append(remedy(f.kind));
}

constinit thread_local fault fault_of_thread;

namespace {

using kept_source = std::shared_ptr<const program_source>;

/// Of the program that had it; null: not known.
constinit thread_local kept_source *source_of_fault = nullptr;

/// Where this thread keeps it; null if there is no memory for that.
kept_source *place_of_source() noexcept {
    static const thread_end when_thread_ends{
        [](void *) { delete std::exchange(source_of_fault, nullptr); }};
    if (source_of_fault != nullptr) return source_of_fault;
    std::unique_ptr<kept_source> made{new (std::nothrow) kept_source};
    if (made != nullptr and when_thread_ends.leave(made.get())) source_of_fault = made.release();
    return source_of_fault;
}

}  // namespace

void keep_fault(const fault &f, const std::shared_ptr<const program_source> &source) noexcept {
    fault_of_thread = f;
    if (source == nullptr and source_of_fault == nullptr) return;
    if (kept_source *const place = place_of_source()) *place = source;
}

const fault &last_fault() noexcept { return fault_of_thread; }

instruction_source last_fault_source() {
    const bool is_known = fault_of_thread.kind != fault_kind::none and
                          source_of_fault != nullptr and source_of_fault->get() != nullptr;
    return is_known ? (*source_of_fault)->find(fault_of_thread.pc) : instruction_source{};
}

void set_last_fault(const fault &f) noexcept { keep_fault(f, nullptr); }
void clear_last_fault() noexcept { forget_fault(); }

}  // namespace bpftime::vm::compat
