// bpftime-vm: one program on packets, in the kernel and here
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "differential.hpp"

#include "engines.hpp"
#include "isa/isa.hpp"
#include "kernel_side.hpp"
#include "our_side.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <thread>

namespace bpftime::vm::differential {

using object::program_type;

namespace {

constexpr uint64_t most_map_bytes = uint64_t{1} << 31;

template <typename Side>
trace run_all(Side &side, bool filled, auto... where) {
    if (filled) side.fill_maps();
    trace t;
    for (const named_packet &p : packets()) t.runs.push_back(side.run(p.frame, where...));
    t.maps = side.maps();
    return t;
}

/// On another stack and with other memory of the kernel's, so that programs show whether they
/// depend on addresses.
trace run_elsewhere(kernel_side &side, bool filled) {
    const taken_memory taken;
    trace t;
    std::thread{[&] { t = run_all(side, filled); }}.join();
    return t;
}

class comparing {
public:
    comparing(const bytes &image, const object::object_file &file,
              const object::function_info &program, const object::btf *target)
        : image_{image}, file_{file}, program_{program}, target_{target} {}

    comparison run(task what) && {
        out_.program = program_.name;
        out_.section = program_.section;
        auto s = make_subject(image_, file_, program_, target_);
        is_linked_ = s.has_value();
        subject_ = s ? std::move(*s) : make_unlinked_subject(image_, file_, program_, target_);
        const bool asks =
            what == task::load or (what == task::run and runs_on_packets(expected_type()));
        if (is_linked_) describe();
        if (asks) find_loader();
        if (not is_linked_) return end(outcome::not_loaded, s.error().message);
        // Comparing loads it, too.
        if (what != task::run or out_.loader.empty()) load_ours();
        out_.identity = identity_of(code_, subject_.type);
        return judge(what);
    }

private:
    comparison end(outcome result, std::string detail) {
        out_.result = result;
        out_.detail = std::move(detail);
        if (result == outcome::not_loaded) out_.not_loaded = out_.detail;
        out_.type = subject_.type;
        return std::move(out_);
    }

    void describe() {
        const auto linked = link(file_, program_, target_);
        code_ = linked->code;
        out_.instructions = code_.size() / isa::slot_size;
        out_.helpers = called_helpers(code_);
        for (const uint32_t i : linked->maps)
            out_.map_types.insert(file_.maps()[i].definition.type);
    }

    program_type expected_type() const {
        return subject_.type == program_type::generic ? likely_types(program_).front()
                                                      : subject_.type;
    }

    /// The way into the kernel, and the type that it takes if the section says none.
    void find_loader() {
        if (const uint64_t size = map_bytes(); size > most_map_bytes) {
            refusal_ = fmt::format("its maps take {} MiB", size >> 20);
            return;
        }
        if (subject_.type != program_type::generic) {
            try_loaders();
            return;
        }
        out_.type_is_guessed = true;
        for (const program_type type : likely_types(program_)) {
            subject_.type = type;
            if (try_loaders()) return;
        }
        subject_.type = likely_types(program_).front();
    }

    bool try_loaders() {
        const auto by_libbpf = kernel_side::load(subject_);
        if (by_libbpf) {
            out_.loader = "libbpf";
            return true;
        }
        refusal_ = by_libbpf.error();
        // What the verifier refused it refuses in any form. What needs types is left to libbpf.
        if (not is_linked_ or refusal_.starts_with("verifier") or needs_libbpf()) return false;
        if (const auto linked = kernel_side::load_linked(subject_); not linked) {
            refusal_ += "; linked here: " + linked.error();
            return false;
        }
        out_.loader = "linked";
        return true;
    }

    /// For values with parts that only types tell of, and for maps that hold maps from the start.
    bool needs_libbpf() const {
        return std::ranges::any_of(subject_.maps, [this](const auto &i) {
            const auto &slots = file_.maps()[i.first].slots;
            return not i.second.fields.empty() or
                   std::ranges::any_of(slots, [](const auto &s) { return not s.is_program; });
        });
    }

    uint64_t map_bytes() const {
        uint64_t size = 0;
        for (const auto &[i, d] : subject_.maps) {
            size += (uint64_t{d.key_size} + d.value_size + 64) * d.max_entries;
        }
        return size;
    }

    std::expected<kernel_side, std::string> load_kernel() const {
        return out_.loader == "libbpf" ? kernel_side::load(subject_)
                                       : kernel_side::load_linked(subject_);
    }

    void load_ours() {
        for (const vm::test::engine &e : vm::test::engines()) {
            const auto ours = our_side::load(subject_, e.backend);
            if (ours) continue;
            out_.not_loaded = ours.error();
            return;
        }
    }

    comparison judge(task what) {
        const bool on_packets = runs_on_packets(subject_.type);
        if (what == task::run and on_packets and out_.loader.empty())
            return end(outcome::not_in_kernel, refusal_);
        if (not out_.not_loaded.empty()) return end(outcome::not_loaded, out_.not_loaded);
        if (what != task::run) return end(outcome::not_run, refusal_);
        if (not on_packets) return end(outcome::no_packets, "");
        for (const bool filled : {false, true}) {
            auto &runs = filled ? out_.runs_filled : out_.runs;
            if (auto ended = compare_runs(filled, runs)) return std::move(*ended);
        }
        return end(outcome::agree, "");
    }

    /// Nothing: they agree.
    std::optional<comparison> compare_runs(bool filled, std::vector<observation> &runs) {
        const std::string_view with = filled ? "with filled maps, " : "";
        auto theirs = load_kernel();
        auto again = load_kernel();
        if (not theirs or not again)
            return end_without_ours(outcome::not_in_kernel, "it does not load twice");
        const trace expected = run_all(*theirs, filled);
        runs = expected.runs;
        if (const auto d = difference(expected, run_elsewhere(*again, filled)); not d.empty())
            return end_without_ours(outcome::not_deterministic, fmt::format("{}{}", with, d));
        if (std::ranges::all_of(runs, [](const auto &r) { return not r.refusal.empty(); }))
            return end_without_ours(outcome::not_in_kernel, runs.front().refusal);
        for (const vm::test::engine &e : vm::test::engines_and_facts()) {
            auto ours = our_side::load(subject_, e.backend);
            if (not ours) return end(outcome::not_loaded, ours.error());
            const trace got = run_all(*ours, filled);
            const auto d = difference(expected, got);
            if (d.empty()) continue;
            if (d.contains(our_side::unavailable)) return end(outcome::not_loaded, d);
            // Time goes on: what was the same twice may have changed since.
            if (const auto later = since(expected, filled); not later.empty())
                return end(outcome::not_deterministic, fmt::format("{}{}", with, later));
            if (shows_addresses(e, filled, got))
                return end(outcome::not_deterministic,
                           fmt::format("{}it shows addresses: {}", with, d));
            return end(outcome::differ, fmt::format("{}: {}{}", e.name, with, d));
        }
        return std::nullopt;
    }

    /// Nobody has asked our engines yet.
    comparison end_without_ours(outcome result, std::string detail) {
        load_ours();
        if (not out_.not_loaded.empty()) return end(outcome::not_loaded, out_.not_loaded);
        return end(result, std::move(detail));
    }

    /// How the kernel's answer has changed; chance may need a few tries.
    std::string since(const trace &expected, bool filled) const {
        constexpr int tries = 8;
        std::string found;
        for (int i = 0; i < tries and found.empty(); ++i) {
            if (auto again = load_kernel())
                found = difference(expected, run_elsewhere(*again, filled));
        }
        return found;
    }

    /// Whether our own answer changes with where the packet and the maps are.
    bool shows_addresses(const vm::test::engine &e, bool filled, const trace &got) const {
        constexpr std::size_t shift = 8;
        auto moved = our_side::load(subject_, e.backend);
        return moved and not difference(got, run_all(*moved, filled, shift)).empty();
    }

    const bytes &image_;
    const object::object_file &file_;
    const object::function_info &program_;
    const object::btf *target_;
    subject subject_;
    bool is_linked_ = false;
    bytes code_;
    std::string refusal_;
    comparison out_;
};

}  // namespace

std::string_view name_of(outcome o) noexcept {
    switch (o) {
    case outcome::agree: return "agree";
    case outcome::differ: return "differ";
    case outcome::not_loaded: return "not loaded";
    case outcome::not_in_kernel: return "not in kernel";
    case outcome::not_deterministic: return "not deterministic";
    case outcome::no_packets: return "no packets";
    case outcome::not_run: return "not run";
    }
    return "";
}

comparison compare(const bytes &image, const object::object_file &file,
                   const object::function_info &program, const object::btf *target, task what) {
    return comparing{image, file, program, target}.run(what);
}

}  // namespace bpftime::vm::differential
