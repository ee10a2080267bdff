// bpftime-vm: what `bpftime-cli run` says of packets and times
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "report.hpp"

#include "table.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <functional>

namespace bpftime::vm::cli {

namespace {

struct count_row {
    std::string name;
    uint64_t packets;
};

bool has_names(program_type type) { return not verdicts_of(type).empty(); }

/// Verdicts with names in their order (of XDP all, seen or not), then those without; numbers by
/// frequency.
std::vector<count_row> result_rows(const program_summary &s, program_type type) {
    std::vector<count_row> rows;
    const auto known = verdicts_of(type);
    for (const verdict_info &v : known) {
        const auto found = s.results.find(v.value);
        if (found != s.results.end() or type == program_type::xdp)
            rows.push_back({std::string{v.name}, found == s.results.end() ? 0 : found->second});
    }
    for (const auto &[value, count] : s.results) {
        if (std::ranges::find(known, value, &verdict_info::value) == known.end())
            rows.push_back({verdict_name(type, value), count});
    }
    if (not has_names(type))
        std::ranges::stable_sort(rows, std::ranges::greater{}, &count_row::packets);
    return rows;
}

/// A table of packets, with their part of all.
class count_table {
public:
    count_table(const std::string &title, uint64_t all)
        : table_{{{title}, {"packets", align::right}, {"percent", align::right}}},
          all_{static_cast<double>(std::max<uint64_t>(all, 1))} {}
    void add(const std::string &name, uint64_t count) {
        table_.add({name, fmt::format("{}", count),
                    fmt::format("{:.2f}", 100.0 * static_cast<double>(count) / all_)});
    }
    void add_if_any(const std::string &name, uint64_t count) {
        if (count != 0) add(name, count);
    }
    /// The first ones; how many packets the others count.
    [[nodiscard]] uint64_t add_first(const std::vector<count_row> &rows) {
        constexpr std::size_t most_rows = 20;
        uint64_t others = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (i < most_rows)
                add(rows[i].name, rows[i].packets);
            else
                others += rows[i].packets;
        }
        return others;
    }
    void print() const { table_.print(); }

private:
    table table_;
    double all_;
};

void print_results(const program_summary &s, program_type type) {
    count_table t{has_names(type) ? "action" : "result", s.packets};
    const uint64_t others = t.add_first(result_rows(s, type));
    t.add_if_any("other results", others + s.other_results);
    for (const auto &[kind, count] : s.faults)
        t.add(fmt::format("fault {}", fault_name(kind)), count);
    t.add_if_any("too short", s.too_short);
    t.add("total", s.packets);
    t.print();
}

// --- redirections

/// What the map says now of the key: the interface; empty if it says nothing, or is no devmap.
std::optional<uint32_t> interface_of(const runtime::packet_target &target) {
    const map_type type = target.through->definition().type;
    if (type != map_type::devmap and type != map_type::devmap_hash) return {};
    const std::span key{reinterpret_cast<const uint8_t *>(&target.key), sizeof target.key};
    std::vector<uint8_t> value(target.through->host_value_size());
    auto *const m = const_cast<runtime::map *>(target.through);
    if (not m->lookup(key, value) or value.size() < sizeof(uint32_t)) return {};
    uint32_t interface = 0;
    std::memcpy(&interface, value.data(), sizeof interface);
    return interface;
}

std::string describe(const redirection &r) {
    if (not r.target) return "nowhere";
    const runtime::packet_target &t = *r.target;
    std::string text;
    if (t.through == nullptr) {
        text = fmt::format("interface {}", t.key);
        if (t.is_ingress()) text += ", receiving";
    } else if (t.is_everywhere()) {
        text = fmt::format("all of {}", t.through->definition().name);
    } else {
        text = fmt::format("{}[{}]", t.through->definition().name, t.key);
        if (const auto interface = interface_of(t))
            text += fmt::format(" (interface {})", *interface);
    }
    return r.is_copy ? text + ", a copy" : text;
}

json to_json(const redirection &r, uint64_t count) {
    json row = json::object();
    if (r.target and r.target->through != nullptr) {
        row["map"] = r.target->through->definition().name;
        if (r.target->is_everywhere())
            row["all"] = true;
        else
            row["key"] = r.target->key;
        if (const auto interface = interface_of(*r.target); interface and row.contains("key"))
            row["interface"] = *interface;
    } else if (r.target) {
        row["interface"] = r.target->key;
    }
    if (r.target) row["flags"] = r.target->flags;
    row.update({{"copy", r.is_copy}, {"packets", count}});
    return row;
}

void print_redirections(const program_summary &s) {
    if (s.redirections.empty()) return;
    count_table t{"redirected to", s.packets};
    std::vector<count_row> rows;
    rows.reserve(s.redirections.size());
    for (const auto &[r, count] : s.redirections) rows.push_back({describe(r), count});
    const uint64_t others = t.add_first(rows);
    t.add_if_any("elsewhere", others + s.other_redirections);
    print("\n");
    t.print();
}

double seconds(uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e9; }

std::string duration(uint64_t nanoseconds) {
    return format_duration(static_cast<double>(nanoseconds));
}

void print_rate(const packet_summary &s) {
    if (s.runs == 0) return;
    print("{} runs in {}: {} packets/s, reading included; one packet p50 {}, p99 {}{}\n", s.runs,
          duration(s.nanoseconds),
          format_rate(static_cast<double>(s.runs) / std::max(seconds(s.nanoseconds), 1e-9)),
          duration(s.times.percentile(0.5)), duration(s.times.percentile(0.99)),
          s.times.count() == s.runs ? "" : fmt::format(" (of {} timed)", s.times.count()));
}

}  // namespace

json describe(const program_file &file) {
    json row = {{"path", file.path}};
    if (not file.linked.empty()) row["linked"] = file.linked;
    row["format"] = info(file.format).name;
    return row;
}

json describe(const runnable &program) {
    json row = json::object();
    if (not program.name().empty())
        row.update({{"name", program.name()}, {"section", program.section()}});
    row.update({{"type", name_of(program.type())}, {"slots", program.slots()}});
    return row;
}

std::string title_of(const runnable &program) {
    return program.name().empty() ? "the program"
                                  : fmt::format("{} ({})", program.name(), program.section());
}

void print_compile_stats(const runner &vm) {
    const bool names_programs = vm.programs().size() + vm.iterators().size() > 1;
    for (const auto &programs : {vm.programs(), vm.iterators()}) {
        for (const runnable &program : programs) {
            const auto stats = program.compile_stats();
            if (names_programs)
                fmt::print(stderr, "{}\n",
                           paint(colour::bold, "program " + title_of(program), stderr));
            if (stats.empty()) {
                fmt::print(stderr, "nothing was counted: backend {} does not, or made no code\n",
                           program.vm().name());
                continue;
            }
            table t{{{"counter"}, {"count", align::right}, {"what is counted"}}};
            for (const compat::compile_stat &stat : stats)
                t.add({stat.name, std::to_string(stat.count), stat.description});
            fmt::print(stderr, "{}", t.text(stderr));
        }
    }
}

void print_redirections(const packet_summary &s) {
    for (const program_summary &p : s.programs) print_redirections(p);
}

void print_summary(const packet_summary &s, const runner &vm, const std::string &out) {
    for (std::size_t i = 0; i < s.programs.size(); ++i) {
        const runnable &program = vm.programs()[i];
        if (s.programs.size() != 1) {
            print("{}{}\n", i == 0 ? "" : "\n",
                  paint(colour::bold, "program " + title_of(program), stdout));
        }
        print_results(s.programs[i], program.type());
        print_redirections(s.programs[i]);
    }
    print("\n{} packets, {} bytes", s.packets, s.bytes);
    if (s.cut != 0) print(" ({} packets cut when captured)", s.cut);
    print(", backend {}\n", vm.vm_name());
    print_rate(s);
    if (not out.empty()) print("{} packets written to {}\n", s.written, out);
}

void print_times(const histogram &times) {
    print("{} runs in {}: mean {}, p50 {}, p99 {}, min {}, max {}\n", times.count(),
          duration(times.total()), format_duration(times.mean()), duration(times.percentile(0.5)),
          duration(times.percentile(0.99)), duration(times.least()), duration(times.most()));
}

json to_json(const fault_values &fault, std::string_view message) {
    json document = {{"kind", fault_name(fault.kind)}, {"pc", fault.pc}, {"message", message}};
    if (not fault.function.empty()) document["function"] = fault.function;
    if (fault.line != 0) {
        document["source"] = {{"file", fault.file}, {"line", fault.line}, {"text", fault.text}};
    }
    if (fault.size != 0) {
        document.update({{"region", region_name(fault.region)},
                         {"region_index", fault.region_index},
                         {"offset", fault.offset},
                         {"size", fault.size}});
    }
    return document;
}

json to_json(const histogram &times) {
    return {{"runs", times.count()},        {"total", times.total()},
            {"min", times.least()},         {"mean", times.mean()},
            {"p50", times.percentile(0.5)}, {"p99", times.percentile(0.99)},
            {"max", times.most()}};
}

json redirections_to_json(const program_summary &s) {
    json rows = json::array();
    for (const auto &[r, count] : s.redirections) rows.push_back(to_json(r, count));
    return rows;
}

json to_json(const program_summary &s, const runnable &program) {
    json document = json::object();
    if (has_names(program.type())) {
        json actions = json::object();
        for (const count_row &row : result_rows(s, program.type())) actions[row.name] = row.packets;
        document["actions"] = std::move(actions);
    } else {
        json results = json::array();
        for (const auto &[value, count] : s.results)
            results.push_back({{"r0", value}, {"packets", count}});
        document["results"] = std::move(results);
    }
    document["other_results"] = s.other_results;
    document["too_short"] = s.too_short;
    json faults = json::object();
    for (const auto &[kind, count] : s.faults) faults[std::string{fault_name(kind)}] = count;
    document["faults"] = std::move(faults);
    if (not s.faults.empty())
        document["first_fault"] = to_json(s.first_fault_values, s.first_fault);
    document["redirections"] = redirections_to_json(s);
    return document;
}

json to_json(const packet_summary &s, const runner &vm, const std::string &out) {
    json document = {{"packets", s.packets}, {"bytes", s.bytes}, {"cut_packets", s.cut}};
    if (s.programs.size() == 1) {
        document.update(to_json(s.programs.front(), vm.programs().front()));
    } else {
        json programs = json::array();
        for (std::size_t i = 0; i < s.programs.size(); ++i) {
            const runnable &program = vm.programs()[i];
            json row = describe(program);
            row["packets"] = s.programs[i].packets;
            row.update(to_json(s.programs[i], program));
            programs.push_back(std::move(row));
        }
        document["programs"] = std::move(programs);
    }
    json times = to_json(s.times);
    times["timed"] = s.times.count();
    times["runs"] = s.runs;
    times["total"] = s.nanoseconds;
    document["ns"] = std::move(times);
    document["packets_per_second"] =
        s.nanoseconds == 0 ? 0 : static_cast<double>(s.runs) / seconds(s.nanoseconds);
    if (not out.empty()) document["out"] = {{"path", out}, {"packets", s.written}};
    if (s.stopped_by) document["stopped_by"] = s.stopped_by->message;
    return document;
}

}  // namespace bpftime::vm::cli
