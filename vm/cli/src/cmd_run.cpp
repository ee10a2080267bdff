// bpftime-vm: `bpftime-cli run`: runs a program once, many times, or over packets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "capture.hpp"
#include "isa/isa.hpp"
#include "maps.hpp"
#include "memory.hpp"
#include "options.hpp"
#include "output.hpp"
#include "packets.hpp"
#include "runner.hpp"
#include "statistics.hpp"
#include "table.hpp"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <variant>

namespace bpftime::vm::cli {

namespace {

constexpr std::size_t largest_memory_file = std::size_t{1} << 30;

struct run_options {
    program_options program;
    runner_options vm;
    packet_options packets;
    std::string memory;
    std::string mem_hex;
    std::string type = "auto";
    uint64_t repeat = 1;
    bool no_bounds_check = false;
    std::vector<std::string> variables;
    std::vector<std::string> entries;
    std::string maps;
    bool as_json = false;
};

/// What the commands of this file print about the maps of a program, if it is from an object.
struct map_report {
    const object::object_file *file = nullptr;
    map_choice chosen;

    void print(const runner &vm) const {
        if (vm.object() != nullptr) print_maps(*file, *vm.object(), vm.records(), chosen);
    }
    void add_to(json &document, const runner &vm) const {
        if (vm.object() != nullptr)
            document["maps"] = maps_to_json(*file, *vm.object(), vm.records(), chosen);
    }
};

/// The memory argument: bytes, or a capture.
using run_input = std::variant<memory_image, capture_reader>;

outcome<run_input> wrap(outcome<memory_image> memory) {
    if (not memory) return std::unexpected{std::move(memory.error())};
    return run_input{std::move(*memory)};
}

/// Standard input as a stream of its own, to be closed like any other; null if there is none.
std::FILE *open_stdin() {
    const int fd = dup(fileno(stdin));
    return fd < 0 ? nullptr : fdopen(fd, "rb");
}

/// Opens `path` as a capture if it begins like one, otherwise reads it as bytes.
outcome<run_input> read_memory_file(const std::string &path) {
    file_handle file{path == "-" ? open_stdin() : std::fopen(path.c_str(), "rb")};
    const std::string name = path == "-" ? "standard input" : path;
    if (not file) return fail(exit_code::io, "cannot read '{}': {}", name, std::strerror(errno));
    if (begins_like_capture(file.get())) {
        auto capture = capture_reader::open(std::move(file), name);
        if (not capture) return std::unexpected{std::move(capture.error())};
        return run_input{std::move(*capture)};
    }
    auto bytes = read_file(file.get(), name, largest_memory_file);
    if (not bytes) return std::unexpected{std::move(bytes.error())};
    return run_input{memory_image::of(std::move(*bytes))};
}

outcome<run_input> read_memory(const run_options &options) {
    if (not options.mem_hex.empty()) return wrap(parse_memory_literal("hex:" + options.mem_hex));
    if (options.memory.empty()) return run_input{memory_image{}};
    if (is_memory_literal(options.memory)) return wrap(parse_memory_literal(options.memory));
    return read_memory_file(options.memory);
}

outcome<program_type> type_of(const run_options &options, const program_image &program) {
    const bool by_section = program.section == "xdp" or program.section.starts_with("xdp/") or
                            program.section.starts_with("xdp.") or
                            program.section.starts_with("xdp_");
    const bool xdp = options.type == "xdp" or (options.type == "auto" and by_section);
    if (xdp and options.memory.empty() and options.mem_hex.empty()) {
        return fail(exit_code::usage,
                    "an XDP program runs over packets: give a capture, a file with one packet, "
                    "hex:..., or @N "
                    "(or --type plain to run it without)");
    }
    return xdp ? program_type::xdp : program_type::plain;
}

json describe(const program_image &program, program_type type, const std::string &vm) {
    json document = {{"path", program.path}, {"format", info(program.format).name}};
    if (not program.name.empty())
        document.update({{"name", program.name}, {"section", program.section}});
    document["type"] = type == program_type::xdp ? "xdp" : "plain";
    document["slots"] = program.code.size() / isa::slot_size;
    return {{"program", std::move(document)}, {"vm", vm}};
}

json describe(const ebpf_fault &fault, std::string_view message) {
    json document = {{"kind", fault_name(fault.kind)}, {"pc", fault.pc}, {"message", message}};
    if (fault.size != 0) {
        document.update({{"region", region_name(fault.region)},
                         {"region_index", fault.region_index},
                         {"offset", fault.offset},
                         {"size", fault.size}});
    }
    return document;
}

json describe(const histogram &times) {
    return {{"runs", times.count()},        {"total", times.total()},
            {"min", times.least()},         {"mean", times.mean()},
            {"p50", times.percentile(0.5)}, {"p99", times.percentile(0.99)},
            {"max", times.most()}};
}

// --- one memory

struct single_result {
    run_result last;
    histogram times;
};

/// Runs over the same memory again and again, each time as it was at first.
outcome<single_result> run_repeatedly(const run_options &options, runner &vm, memory_image &memory,
                                      program_type type) {
    using clock = std::chrono::steady_clock;
    single_result result;
    packet_stage stage{type};
    for (uint64_t i = 0; i < options.repeat; ++i) {
        if (i != 0) memory.restore();
        if (type == program_type::xdp) {
            if (auto placed = stage.place(memory.bytes()); not placed)
                return std::unexpected{std::move(placed.error())};
        }
        const auto start = clock::now();
        auto run = type == program_type::xdp ? stage.run(vm) : vm.run(memory.bytes());
        const auto time = clock::now() - start;
        vm.take_records();
        if (not run) return std::unexpected{std::move(run.error())};
        result.times.add(static_cast<uint64_t>(std::chrono::nanoseconds{time}.count()));
        result.last = std::move(*run);
        if (not result.last) break;
    }
    return result;
}

void print_single(const single_result &result, program_type type, uint64_t repeat) {
    if (result.last) {
        print("r0 = {}{}\n", format_word(*result.last),
              type == program_type::xdp ? fmt::format(" {}", xdp_action_name(*result.last)) : "");
    }
    if (repeat == 1) return;
    const histogram &t = result.times;
    print("{} runs in {}: mean {}, p50 {}, p99 {}, min {}, max {}\n", t.count(),
          format_duration(static_cast<double>(t.total())), format_duration(t.mean()),
          format_duration(static_cast<double>(t.percentile(0.5))),
          format_duration(static_cast<double>(t.percentile(0.99))),
          format_duration(static_cast<double>(t.least())),
          format_duration(static_cast<double>(t.most())));
}

json to_json(const single_result &result, program_type type) {
    json document;
    if (result.last) {
        document = {{"r0", *result.last}, {"r0_hex", fmt::format("0x{:x}", *result.last)}};
        if (type == program_type::xdp) document["action"] = xdp_action_name(*result.last);
    } else {
        document["fault"] = describe(result.last.error().fault, result.last.error().message);
    }
    document["ns"] = describe(result.times);
    return document;
}

outcome<void> run_single(const run_options &options, context &ctx, runner &vm,
                         const program_image &program, memory_image &memory, program_type type,
                         const map_report &maps) {
    const auto result = run_repeatedly(options, vm, memory, type);
    if (not result) return std::unexpected{result.error()};
    if (options.as_json) {
        json document = describe(program, type, vm.vm_name());
        document["memory"] = memory.bytes().size();
        document.update(to_json(*result, type));
        maps.add_to(document, vm);
        print_json(document);
    } else {
        print_single(*result, type, options.repeat);
        maps.print(vm);
    }
    if (not result->last) {
        ctx.status = exit_code::fault;
        report({exit_code::fault, result->last.error().message});
    }
    return {};
}

// --- captures

struct result_row {
    std::string name;
    uint64_t packets;
};

/// All five XDP actions, whether seen or not, then what is no action; other programs' results by
/// frequency.
std::vector<result_row> result_rows(const packet_summary &s, program_type type) {
    std::vector<result_row> rows;
    if (type == program_type::xdp) {
        for (const std::string_view name : xdp_actions) rows.push_back({std::string{name}, 0});
    }
    for (const auto &[value, count] : s.results) {
        if (type == program_type::xdp and value < xdp_actions.size())
            rows[value].packets = count;
        else
            rows.push_back(
                {type == program_type::xdp ? xdp_action_name(value) : format_word(value), count});
    }
    if (type == program_type::plain)
        std::ranges::stable_sort(rows, std::ranges::greater{}, &result_row::packets);
    return rows;
}

void print_results(const packet_summary &s, program_type type) {
    constexpr std::size_t most_rows = 20;
    table t{{{type == program_type::xdp ? "action" : "result"},
             {"packets", align::right},
             {"percent", align::right}}};
    const auto add = [&](const std::string &name, uint64_t count) {
        const double all = static_cast<double>(std::max<uint64_t>(s.packets, 1));
        t.add({name, fmt::format("{}", count),
               fmt::format("{:.2f}", 100.0 * static_cast<double>(count) / all)});
    };
    auto rows = result_rows(s, type);
    uint64_t other = s.other_results;
    for (std::size_t i = most_rows; i < rows.size(); ++i) other += rows[i].packets;
    rows.resize(std::min(rows.size(), most_rows));
    for (const result_row &row : rows) add(row.name, row.packets);
    if (other != 0) add("other results", other);
    for (const auto &[kind, count] : s.faults)
        add(fmt::format("fault {}", fault_name(kind)), count);
    add("total", s.packets);
    t.print();
}

void print_capture(const packet_summary &s, const run_options &options, program_type type,
                   const std::string &vm) {
    print_results(s, type);
    const histogram &t = s.times;
    const double seconds = static_cast<double>(t.total()) / 1e9;
    print("\n{} packets, {} bytes", s.packets, s.bytes);
    if (s.cut != 0) print(" ({} packets cut when captured)", s.cut);
    print(", backend {}\n", vm);
    if (t.count() != 0) {
        print("{} runs in {}: {} packets/s, per packet p50 {}, p99 {}\n", t.count(),
              format_duration(seconds * 1e9),
              format_rate(static_cast<double>(t.count()) / std::max(seconds, 1e-9)),
              format_duration(static_cast<double>(t.percentile(0.5))),
              format_duration(static_cast<double>(t.percentile(0.99))));
    }
    if (not options.packets.out.empty())
        print("{} packets written to {}\n", s.written, options.packets.out);
}

json to_json(const packet_summary &s, const run_options &options, program_type type) {
    json document = {{"packets", s.packets}, {"bytes", s.bytes}, {"cut_packets", s.cut}};
    json results = json::array();
    if (type == program_type::xdp) {
        results = json::object();
        for (const result_row &row : result_rows(s, type)) results[row.name] = row.packets;
        document["actions"] = std::move(results);
    } else {
        for (const auto &[value, count] : s.results)
            results.push_back({{"r0", value}, {"packets", count}});
        document["results"] = std::move(results);
        document["other_results"] = s.other_results;
    }
    json faults = json::object();
    for (const auto &[kind, count] : s.faults) faults[std::string{fault_name(kind)}] = count;
    document["faults"] = std::move(faults);
    if (not s.faults.empty())
        document["first_fault"] = describe(s.first_fault_values, s.first_fault);
    document["ns"] = describe(s.times);
    const double seconds = static_cast<double>(s.times.total()) / 1e9;
    document["packets_per_second"] =
        seconds == 0 ? 0 : static_cast<double>(s.times.count()) / seconds;
    if (not options.packets.out.empty())
        document["out"] = {{"path", options.packets.out}, {"packets", s.written}};
    if (s.stopped_by) document["stopped_by"] = s.stopped_by->message;
    return document;
}

outcome<void> run_packets(const run_options &options, context &ctx, runner &vm,
                          const program_image &program, capture_reader &capture, program_type type,
                          const map_report &maps) {
    if (type == program_type::xdp and capture.link_type() != DLT_EN10MB) {
        warn(fmt::format("capture '{}' holds {} packets, but XDP programs expect Ethernet frames",
                         capture.name(), capture.link_type_name()));
    }
    packet_options packets = options.packets;
    packets.type = type;
    packets.repeat = options.repeat;
    const auto summary = run_capture(vm, capture, packets);
    if (not summary) return std::unexpected{summary.error()};
    if (options.as_json) {
        json document = describe(program, type, vm.vm_name());
        document["capture"] = capture.name();
        document.update(to_json(*summary, options, type));
        maps.add_to(document, vm);
        print_json(document);
    } else {
        print_capture(*summary, options, type, vm.vm_name());
        maps.print(vm);
    }
    if (not summary->faults.empty()) {
        ctx.status = exit_code::fault;
        report({exit_code::fault, fmt::format("{} of {} packets faulted; {}", summary->faulted(),
                                              summary->packets, summary->first_fault)});
    }
    if (summary->stopped_by) return std::unexpected{*summary->stopped_by};
    return {};
}

outcome<void> check(const run_options &options) {
    if (options.program.path == "-" and options.memory == "-") {
        return fail(exit_code::usage, "program and memory cannot both be standard input");
    }
    if (not options.mem_hex.empty() and not options.memory.empty()) {
        return fail(exit_code::usage, "give the memory once: as an argument or with --mem-hex");
    }
    if (options.packets.out == "-") return fail(exit_code::usage, "--out needs the name of a file");
    return {};
}

/// Sets up what --set asks for.
outcome<void> prepare(program_file &file, const run_options &options) {
    const bool has_maps = file.object.has_value();
    if (not has_maps and
        not(options.variables.empty() and options.entries.empty() and options.maps.empty())) {
        return fail(exit_code::usage, "--set, --map and --maps need an object, but '{}' is {}",
                    file.path, info(file.format).noun);
    }
    return has_maps ? set_variables(*file.object, options.variables) : outcome<void>{};
}

outcome<runner> make_runner(const program_file &file, const program_image &program,
                            const run_options &options) {
    if (not file.object) return runner::create(options.vm, program.code);
    const auto chosen = choose_program(file, options.program);
    if (not chosen) return std::unexpected{chosen.error()};
    return runner::create(options.vm, *file.object, **chosen);
}

outcome<map_report> prepare_maps(const program_file &file, const runner &vm,
                                 const run_options &options) {
    map_report maps;
    if (vm.object() == nullptr) return maps;
    maps.file = &*file.object;
    if (auto done = set_entries(*vm.object(), options.entries); not done)
        return std::unexpected{std::move(done.error())};
    auto chosen = map_choice::of(options.maps, *file.object, *vm.object());
    if (not chosen) return std::unexpected{std::move(chosen.error())};
    maps.chosen = std::move(*chosen);
    return maps;
}

outcome<void> run(run_options &options, context &ctx) {
    if (auto done = check(options); not done) return done;
    options.vm.bounds_check = not options.no_bounds_check;
    auto file = read_program_file(options.program);
    if (not file) return std::unexpected{std::move(file.error())};
    if (auto done = prepare(*file, options); not done) return done;
    const auto program = select_program(*file, options.program);
    if (not program) return std::unexpected{program.error()};
    const auto type = type_of(options, *program);
    if (not type) return std::unexpected{type.error()};
    auto input = read_memory(options);
    if (not input) return std::unexpected{std::move(input.error())};
    auto vm = make_runner(*file, *program, options);
    if (not vm) return fail(vm.error().code, "{}: {}", program->title(), vm.error().message);
    const auto maps = prepare_maps(*file, *vm, options);
    if (not maps) return std::unexpected{maps.error()};
    if (auto *capture = std::get_if<capture_reader>(&*input)) {
        return run_packets(options, ctx, *vm, *program, *capture, *type, *maps);
    }
    if (not options.packets.out.empty() or not options.packets.verdicts.empty()) {
        return fail(exit_code::usage, "--out and --verdicts need a capture as memory");
    }
    return run_single(options, ctx, *vm, *program, std::get<memory_image>(*input), *type, *maps);
}

}  // namespace

void add_run(CLI::App &app, context &ctx) {
    const auto options = std::make_shared<run_options>();
    command c{app,
              ctx,
              "run",
              "Run a program over memory or over the packets of a capture",
              options->as_json,
              [options, &ctx] { return run(*options, ctx); }};
    c.program(options->program);
    c.positional("MEMORY", options->memory,
                 "Memory for the program: a file, a capture (.pcap, .pcapng), hex:BYTES, @N (N "
                 "zero bytes), - for stdin");
    c.text("--mem-hex", options->mem_hex, "BYTES", "Memory as hexadecimal digits");
    c.choice("-t,--type", {"auto", "plain", "xdp"},
             "How the program gets its input (auto: xdp if its section says so)",
             [options](const std::string &type) { options->type = type; });
    c.text("-o,--out", options->packets.out, "FILE", "Write the packets that pass to this .pcap");
    c.text("--verdicts", options->packets.verdicts, "FILE",
           "Write the result for each packet to this text file");
    c.text("--vm", options->vm.vm, "NAME", "Backend (default: the best there is; see `vms`)");
    c.number("-r,--repeat", 1, UINT64_MAX, "Run N times (each packet N times) and print times",
             [options](uint64_t n) { options->repeat = n; });
    c.number("-l,--limit", 0, UINT64_MAX, "Budget of a run in instructions; 0: none (default 2^32)",
             [options](uint64_t n) { options->vm.instruction_limit = n; });
    c.number("--max-insns", 1, EBPF_MOST_INSTS,
             fmt::format("Most instructions of a program (default {})", EBPF_MAX_INSTS),
             [options](uint64_t n) { options->vm.max_insns = static_cast<uint32_t>(n); });
    c.texts("--set", options->variables, "VARIABLE=VALUE",
            "Value of a global variable of the object, also a constant one");
    c.texts("--map", options->entries, "MAP=KEY:VALUE",
            "Entry of a map: numbers, or bytes as x00112233");
    c.text("--maps", options->maps, "NAMES",
           "Maps to show after the run: names with commas, all, none (default: those that programs "
           "write)");
    c.flag("--no-bounds-check", options->no_bounds_check,
           "Trust the program: do not check its memory accesses");
}

}  // namespace bpftime::vm::cli
