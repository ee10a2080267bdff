// bpftime-vm: `bpftime-cli run`: runs programs once, many times, or over packets
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "capture.hpp"
#include "map_file.hpp"
#include "maps.hpp"
#include "memory.hpp"
#include "options.hpp"
#include "output.hpp"
#include "packets.hpp"
#include "program_hints.hpp"
#include "report.hpp"
#include "runner.hpp"
#include "runtime/iterator.hpp"
#include "runtime_json/network.hpp"
#include "statistics.hpp"
#include "table.hpp"
#include "values.hpp"

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
    std::vector<std::string> rest;  ///< objects to link, and the memory
    std::string memory;
    std::string mem_hex;
    std::string network;
    bool no_bounds_check = false;
    bool stats = false;
    std::vector<std::string> variables;
    std::vector<std::string> entries;
    std::vector<std::string> sizes;
    std::string over;
    std::vector<std::string> map_files;
    std::vector<std::string> events;
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

/// Whether it is packets that the programs get, of which there must be some then.
outcome<bool> judges_packets(const runner &vm, const run_options &options) {
    const auto found = std::ranges::find_if(vm.programs(), &runnable::takes_packets);
    if (found == vm.programs().end()) return false;
    if (not options.memory.empty() or not options.mem_hex.empty()) return true;
    return fail(exit_code::usage,
                "{} judges packets ({}): give a capture, a file with one packet, hex:..., or @N "
                "(or --type plain to run it without)",
                found->name().empty() ? "the program" : fmt::format("program '{}'", found->name()),
                name_of(found->type()));
}

json describe(const program_file &file, const runner &vm) {
    json document = describe(file);
    if (vm.programs().size() == 1) document.update(describe(vm.programs().front()));
    return {{"program", std::move(document)}, {"vm", vm.vm_name()}};
}

/// What programs printed, and what is in maps now.
void add_rest(json &document, const runner &vm, const map_report &maps) {
    const trace_log &trace = vm.trace();
    if (trace.count() != 0) document["trace"] = trace.lines();
    if (trace.count() > trace.lines().size()) document["trace_lines"] = trace.count();
    const auto &[ran, faulted] = vm.timers();
    if (ran + faulted != 0) document["timers"] = {{"ran", ran}, {"faulted", faulted}};
    maps.add_to(document, vm);
}

/// All that a command works with once everything is read.
struct session {
    const run_options &options;
    context &ctx;
    const program_file &file;
    runner &vm;
    map_report maps;

    void note_timers() const {
        const auto &[ran, faulted] = vm.timers();
        if (faulted != 0)
            note_fault(fmt::format("timers: {} of {} callbacks faulted", faulted, ran + faulted));
    }
    void note_fault(const std::string &message) const {
        ctx.status = exit_code::fault;
        report({exit_code::fault, message});
    }
};

// --- entries of maps

/// What one program wrote about a map.
struct iteration {
    const runnable &program;
    std::string over;
    outcome<std::string> text;
    fault_values fault{};  ///< if there is none because of one
};

outcome<std::vector<iteration>> iterate(const session &s) {
    std::vector<iteration> all;
    if (s.vm.iterators().empty()) return all;
    const auto index = choose_iterated(*s.file.object, s.options.over);
    if (not index) return std::unexpected{index.error()};
    const auto &over = s.vm.object()->maps()[*index];
    for (const runnable &program : s.vm.iterators()) {
        all.push_back({program, over->definition().name, program.iterate(over)});
        iteration &last = all.back();
        if (not last.text and last.text.error().code == exit_code::fault) last.fault = last_fault();
        s.vm.finish_run();
    }
    return all;
}

json to_json(const iteration &i) {
    json row = describe(i.program);
    row["map"] = i.over;
    if (i.text)
        row["text"] = *i.text;
    else if (i.text.error().code == exit_code::fault)
        row["fault"] = cli::to_json(i.fault, i.text.error().message);
    else
        row["error"] = i.text.error().message;
    return row;
}

void add_iterations(json &document, std::span<const iteration> all) {
    for (const iteration &i : all) document["iterations"].push_back(to_json(i));
}

void print_iterations(std::span<const iteration> all) {
    for (const iteration &i : all) {
        if (i.text) write_out(is_terminal(stdout) ? without_controls(*i.text) : *i.text);
    }
}

void note_failures(const session &s, std::span<const iteration> all) {
    for (const iteration &i : all) {
        if (i.text) continue;
        s.ctx.status = i.text.error().code;
        report({s.ctx.status, fmt::format("{}: {}", title_of(i.program), i.text.error().message)});
    }
}

/// What comes after the results of programs that ran over memory or packets.
void add_rest(json &document, const session &s, std::span<const iteration> iterations) {
    add_iterations(document, iterations);
    add_rest(document, s.vm, s.maps);
}
void print_rest(const session &s, std::span<const iteration> iterations) {
    print_iterations(iterations);
    s.maps.print(s.vm);
}
void note_rest(const session &s, std::span<const iteration> iterations) {
    note_failures(s, iterations);
    s.note_timers();
}

// --- one memory, or one packet

/// What one program gave.
struct answer {
    const runnable &program;
    const run_result &result;
};

std::string verdict_word(const answer &a) {
    if (verdicts_of(a.program.type()).empty()) return "";
    return verdict_name(a.program.type(), *a.result);
}

void print_answers(std::span<const answer> answers, std::size_t programs) {
    for (const answer &a : answers) {
        if (not a.result) continue;
        const std::string word = verdict_word(a);
        print("{}r0 = {}{}{}\n", programs == 1 ? "" : fmt::format("{}: ", title_of(a.program)),
              format_word(*a.result), word.empty() ? "" : " ", word);
    }
}

json to_json(const answer &a) {
    if (not a.result) {
        const run_fault &f = a.result.error();
        return {{"fault", cli::to_json(f.fault, f.message)}};
    }
    json document = {{"r0", *a.result}, {"r0_hex", fmt::format("0x{:x}", *a.result)}};
    if (const std::string word = verdict_word(a); not word.empty()) document["action"] = word;
    return document;
}

void add_answers(json &document, std::span<const answer> answers, std::size_t programs) {
    for (const answer &a : answers) {
        if (programs == 1) {
            document.update(to_json(a));
            continue;
        }
        json row = describe(a.program);
        row.update(to_json(a));
        document["programs"].push_back(std::move(row));
    }
}

void note_faults(const session &s, std::span<const answer> answers) {
    for (const answer &a : answers) {
        if (not a.result) s.note_fault(a.result.error().message);
    }
}

struct memory_result {
    std::vector<run_result> last;  ///< by program
    histogram times;
};

/// Runs all programs over the same memory again and again, each time as it was at first.
outcome<memory_result> run_repeatedly(const session &s, memory_image &memory) {
    using clock = std::chrono::steady_clock;
    memory_result result;
    for (uint64_t i = 0; i < s.options.packets.repeat; ++i) {
        if (i != 0) memory.restore();
        result.last.clear();
        const auto start = clock::now();
        for (const runnable &program : s.vm.programs()) {
            auto run = program.run(memory.bytes());
            if (not run) return std::unexpected{std::move(run.error())};
            result.last.push_back(std::move(*run));
            if (not result.last.back()) break;
        }
        const auto time = clock::now() - start;
        s.vm.finish_run();
        result.times.add(static_cast<uint64_t>(std::chrono::nanoseconds{time}.count()));
        if (not result.last.back()) break;
    }
    return result;
}

outcome<void> run_memory(const session &s, memory_image &memory) {
    if (not s.options.packets.out.empty() or not s.options.packets.verdicts.empty())
        return fail(exit_code::usage, "--out and --verdicts need packets");
    const auto result = run_repeatedly(s, memory);
    if (not result) return std::unexpected{result.error()};
    const auto iterations = iterate(s);
    if (not iterations) return std::unexpected{iterations.error()};
    std::vector<answer> answers;
    for (std::size_t i = 0; const run_result &last : result->last)
        answers.push_back({s.vm.programs()[i++], last});
    if (s.options.as_json) {
        json document = describe(s.file, s.vm);
        document["memory"] = memory.bytes().size();
        add_answers(document, answers, s.vm.programs().size());
        document["ns"] = to_json(result->times);
        add_rest(document, s, *iterations);
        print_json(document);
    } else {
        print_answers(answers, s.vm.programs().size());
        if (s.options.packets.repeat != 1) print_times(result->times);
        print_rest(s, *iterations);
    }
    note_faults(s, answers);
    note_rest(s, *iterations);
    return {};
}

json packet_to_json(const session &s, const packet_summary &summary, const packet_stage &stage,
                    std::span<const answer> answers) {
    json document = describe(s.file, s.vm);
    document["memory"] = summary.bytes;
    add_answers(document, answers, s.vm.programs().size());
    document["packet"] = to_hex(stage.frame());
    json redirections = json::array();
    for (const program_summary &p : summary.programs) {
        for (json &row : redirections_to_json(p)) redirections.push_back(std::move(row));
    }
    document["redirections"] = std::move(redirections);
    document["ns"] = to_json(summary.times);
    if (not s.options.packets.out.empty())
        document["out"] = {{"path", s.options.packets.out}, {"packets", summary.written}};
    return document;
}

outcome<void> run_one_packet(const session &s, std::span<const uint8_t> bytes) {
    packet_stage stage{s.vm};
    const auto summary = run_packet(s.vm, stage, bytes, s.options.packets);
    if (not summary) return std::unexpected{summary.error()};
    const auto iterations = iterate(s);
    if (not iterations) return std::unexpected{iterations.error()};
    std::vector<answer> answers;
    for (std::size_t i = 0; const judgement &said : stage.judgements())
        answers.push_back({s.vm.programs()[i++], said.result});
    if (s.options.as_json) {
        json document = packet_to_json(s, *summary, stage, answers);
        add_rest(document, s, *iterations);
        print_json(document);
    } else {
        print_answers(answers, s.vm.programs().size());
        if (s.options.packets.repeat != 1) print_times(summary->times);
        print_redirections(*summary);
        if (not s.options.packets.out.empty())
            print("{} packets written to {}\n", summary->written, s.options.packets.out);
        print_rest(s, *iterations);
    }
    note_faults(s, answers);
    note_rest(s, *iterations);
    if (summary->stopped_by) return std::unexpected{*summary->stopped_by};
    return {};
}

// --- captures

void warn_of_link_type(const capture_reader &capture, const runner &vm) {
    if (capture.link_type() == DLT_EN10MB or
        std::ranges::none_of(vm.programs(), &runnable::takes_packets))
        return;
    warn(fmt::format("capture '{}' holds {} packets, but the programs expect Ethernet frames",
                     capture.name(), capture.link_type_name()));
}

void note_faults(const session &s, const packet_summary &summary) {
    for (std::size_t i = 0; const program_summary &p : summary.programs) {
        const runnable &program = s.vm.programs()[i++];
        if (p.faults.empty()) continue;
        s.note_fault(
            fmt::format("{}{} of {} packets faulted; {}",
                        summary.programs.size() == 1 ? "" : fmt::format("{}: ", title_of(program)),
                        p.faulted(), p.packets, p.first_fault));
    }
}

outcome<void> run_packets(const session &s, capture_reader &capture) {
    warn_of_link_type(capture, s.vm);
    const auto summary = run_capture(s.vm, capture, s.options.packets);
    if (not summary) return std::unexpected{summary.error()};
    const auto iterations = iterate(s);
    if (not iterations) return std::unexpected{iterations.error()};
    if (s.options.as_json) {
        json document = describe(s.file, s.vm);
        document["capture"] = capture.name();
        document.update(to_json(*summary, s.vm, s.options.packets.out));
        add_rest(document, s, *iterations);
        print_json(document);
    } else {
        print_summary(*summary, s.vm, s.options.packets.out);
        print_rest(s, *iterations);
    }
    note_faults(s, *summary);
    note_rest(s, *iterations);
    if (summary->stopped_by) return std::unexpected{*summary->stopped_by};
    return {};
}

/// Nothing but programs that iterate.
outcome<void> run_iterators(const session &s) {
    if (not s.options.memory.empty() or not s.options.mem_hex.empty())
        return fail(exit_code::usage, "programs that iterate over a map get no memory");
    const auto all = iterate(s);
    if (not all) return std::unexpected{all.error()};
    if (s.options.as_json) {
        json document = describe(s.file, s.vm);
        add_iterations(document, *all);
        add_rest(document, s.vm, s.maps);
        print_json(document);
    } else {
        print_iterations(*all);
        if (not s.options.maps.empty()) s.maps.print(s.vm);
    }
    note_failures(s, *all);
    return {};
}

// --- all of it

/// Whether an argument behind the program is memory, whatever the program is.
bool is_memory(const std::string &argument) {
    return argument == "-" or is_memory_literal(argument) or not is_object(argument);
}

std::unexpected<failure> memory_twice() {
    return fail(exit_code::usage, "give the memory once: as an argument or with --mem-hex");
}

/// What is wrong with the command line whatever the program is.
outcome<void> check(const run_options &options) {
    const auto memory = std::ranges::find_if(options.rest, is_memory);
    if (memory != options.rest.end()) {
        const auto second = std::find_if(memory + 1, options.rest.end(), is_memory);
        if (second != options.rest.end()) {
            return fail(exit_code::usage,
                        "'{}' and '{}' are both memory: neither is an object to link", *memory,
                        *second);
        }
        if (options.program.path == "-" and *memory == "-")
            return fail(exit_code::usage, "program and memory cannot both be standard input");
        if (not options.mem_hex.empty()) return memory_twice();
    }
    if (options.vm.pin_folder.empty() and not options.vm.pinned_maps.empty())
        return fail(exit_code::usage, "--pin-map needs --pin");
    if (options.packets.out == "-") return fail(exit_code::usage, "--out needs the name of a file");
    return {};
}

/// Which of the arguments behind the program is the memory; the others are objects, and linked to
/// it.
outcome<void> sort_arguments(run_options &options, program_file &file) {
    std::vector<std::string> objects;
    for (const std::string &argument : options.rest) {
        if (file.object and not is_memory(argument)) {
            objects.push_back(argument);
            continue;
        }
        if (not options.memory.empty()) {
            return fail(exit_code::usage,
                        "'{}' and '{}' are both memory: the program is no object that others "
                        "could be linked to",
                        options.memory, argument);
        }
        options.memory = argument;
    }
    if (not options.memory.empty() and not options.mem_hex.empty()) return memory_twice();
    return objects.empty() ? outcome<void>{} : link_objects(file, objects, options.program);
}

/// Sets up what --set and --map-file ask for.
outcome<std::vector<map_file>> prepare(program_file &file, const run_options &options) {
    std::vector<map_file> files;
    const bool asks_for_maps =
        not(options.variables.empty() and options.entries.empty() and options.map_files.empty() and
            options.events.empty() and options.maps.empty() and options.sizes.empty() and
            options.over.empty() and options.vm.pin_folder.empty());
    if (not file.object) {
        if (not asks_for_maps) return files;
        return fail(
            exit_code::usage,
            "--set, --map, --map-file, --max-entries, --over, --event, --maps and --pin need "
            "an object, but '{}' is {}",
            file.path, info(file.format).noun);
    }
    for (const std::string &path : options.map_files) {
        auto read = map_file::read(path);
        if (not read) return std::unexpected{std::move(read.error())};
        if (auto done = read->set_variables(*file.object); not done)
            return std::unexpected{std::move(done.error())};
        files.push_back(std::move(*read));
    }
    if (auto done = set_variables(*file.object, options.variables); not done)
        return std::unexpected{std::move(done.error())};
    return files;
}

outcome<runner> with_path(const program_file &file, outcome<runner> made) {
    if (made) return made;
    return fail(made.error().code, "{}: {}", whole_name(file), made.error().message);
}

/// A program that needs what its section does not say lacks helpers, or others of its array.
outcome<runner> with_hint(const program_file &file,
                          std::span<const object::function_info *const> chosen,
                          const run_options &options, outcome<runner> made) {
    const auto lacking =
        std::ranges::find_if(chosen, [](const object::function_info *f) { return lacks_type(*f); });
    if (made or options.vm.type or lacking == chosen.end()) return made;
    const failure &why = made.error();
    if (why.code != exit_code::unsupported and why.code != exit_code::bad_input) return made;
    return fail(why.code, "{}; {}", why.message, hint_of_type(*file.object, **lacking));
}

/// Programs that look like those for packets, but get plain memory. A failure if they certainly are
/// for packets.
outcome<void> note_types(const program_file &file, const runner &vm, const run_options &options,
                         bool is_capture) {
    if (options.vm.type or not file.object) return {};
    for (const runnable &r : vm.programs()) {
        const auto is_it = [&r](const object::function_info &f) {
            return f.name == r.name() and f.section == r.section();
        };
        const auto found = std::ranges::find_if(file.object->functions(), is_it);
        const bool is_known = found == file.object->functions().end() or not lacks_type(*found) or
                              r.type() != object::program_type::generic;
        if (is_known) continue;
        const std::string hint = hint_of_type(*file.object, *found);
        if (not context_struct(*file.object, *found).empty())
            return fail(exit_code::usage, "{} (--type plain: it gets plain memory)", hint);
        if (is_capture or has_name_for_packets(found->section))
            warn(fmt::format("{}; it gets plain memory, as with --type plain", hint));
    }
    return {};
}

/// The name of the map that programs among the chosen ones iterate over; "": none does.
outcome<std::string> iterated_map(const program_file &file,
                                  std::span<const object::function_info *const> chosen,
                                  const run_options &options) {
    const auto iterates = [&](const object::function_info *f) {
        return not options.vm.type and runtime::iterates_over_maps(f->section);
    };
    if (std::ranges::none_of(chosen, iterates)) {
        if (options.over.empty()) return std::string{};
        return fail(exit_code::usage, "--over is for programs of section iter/bpf_map_elem");
    }
    const auto index = choose_iterated(*file.object, options.over);
    if (not index) return std::unexpected{index.error()};
    return file.object->maps()[*index].definition.name;
}

outcome<runner> load_programs(const program_file &file, std::span<const map_file> files,
                              const run_options &options) {
    if (file.object) {
        const auto chosen = choose_programs(file, options.program);
        if (not chosen) return std::unexpected{chosen.error()};
        const auto over = iterated_map(file, *chosen, options);
        if (not over) return std::unexpected{over.error()};
        auto wishes = read_wishes(*file.object, options.sizes, options.entries, *over);
        if (not wishes) return std::unexpected{wishes.error()};
        for (const map_file &f : files) {
            if (auto done = f.add_wishes(*file.object, *wishes); not done)
                return std::unexpected{std::move(done.error())};
        }
        auto made = runner::create(options.vm, file, *chosen, *wishes);
        return with_path(file, with_hint(file, *chosen, options, std::move(made)));
    }
    const auto program = select_program(file, options.program);
    if (not program) return std::unexpected{program.error()};
    return with_path(file, runner::create(options.vm, program->code));
}

outcome<void> read_network(const std::string &path, runtime::network &network) {
    if (path.empty()) return {};
    const auto document = read_json_file(path);
    if (not document) return std::unexpected{document.error()};
    auto done = runtime_json::add_to(network, *document);
    return done ? outcome<void>{} : fail(path, done.error());
}

outcome<map_report> prepare_maps(const program_file &file, std::span<const map_file> files,
                                 runner &vm, const run_options &options) {
    map_report maps;
    if (vm.object() == nullptr) return maps;
    maps.file = &*file.object;
    for (const map_file &f : files) {
        if (auto done = f.fill(*file.object, *vm.object()); not done)
            return std::unexpected{std::move(done.error())};
    }
    if (auto done = vm.set_record_types(*file.object, options.events); not done)
        return std::unexpected{std::move(done.error())};
    if (auto done = set_entries(*file.object, *vm.object(), options.entries); not done)
        return std::unexpected{std::move(done.error())};
    auto chosen = map_choice::of(options.maps, *file.object, *vm.object());
    if (not chosen) return std::unexpected{std::move(chosen.error())};
    maps.chosen = std::move(*chosen);
    return maps;
}

outcome<void> run(run_options &options, context &ctx) {
    options.vm.bounds_check = not options.no_bounds_check;
    options.vm.keep_trace = options.as_json;
    if (auto done = check(options); not done) return done;
    auto file = read_program_file(options.program);
    if (not file) return std::unexpected{std::move(file.error())};
    if (auto done = sort_arguments(options, *file); not done) return done;
    const auto files = prepare(*file, options);
    if (not files) return std::unexpected{files.error()};
    auto vm = load_programs(*file, *files, options);
    if (not vm) return std::unexpected{std::move(vm.error())};
    if (options.stats) print_compile_stats(*vm);
    if (auto done = read_network(options.network, vm->network()); not done) return done;
    const auto judges = judges_packets(*vm, options);
    if (not judges) return std::unexpected{judges.error()};
    auto input = read_memory(options);
    if (not input) return std::unexpected{std::move(input.error())};
    const bool is_capture = std::holds_alternative<capture_reader>(*input);
    if (auto done = note_types(*file, *vm, options, is_capture); not done) return done;
    auto maps = prepare_maps(*file, *files, *vm, options);
    if (not maps) return std::unexpected{std::move(maps.error())};
    const session s{options, ctx, *file, *vm, std::move(*maps)};
    if (vm->programs().empty()) return run_iterators(s);
    if (auto *capture = std::get_if<capture_reader>(&*input)) return run_packets(s, *capture);
    auto &memory = std::get<memory_image>(*input);
    return *judges ? run_one_packet(s, memory.bytes()) : run_memory(s, memory);
}

}  // namespace

void add_run(CLI::App &app, context &ctx) {
    const auto options = std::make_shared<run_options>();
    command c{app,
              ctx,
              "run",
              "Run programs over memory or over the packets of a capture",
              options->as_json,
              [options, &ctx] { return run(*options, ctx); }};
    c.program(options->program);
    c.positionals("MEMORY", options->rest,
                  "Memory for the program: a file, a capture (.pcap, .pcapng), hex:BYTES, @N (N "
                  "zero bytes), - for stdin; before it, objects to link to PROGRAM");
    c.text("--mem-hex", options->mem_hex, "BYTES", "Memory as hexadecimal digits");
    std::vector<std::string> types{"auto"};
    for (const type_name &row : type_names) types.emplace_back(row.name);
    c.choice("-t,--type", types,
             "What the program is (auto: what its section says, plain if it is from no object)",
             [options](const std::string &type) { options->vm.type = find_type(type); });
    c.text("--network", options->network, "FILE",
           "Interfaces, routes, neighbours and sockets that packets are among, from JSON");
    c.text("-o,--out", options->packets.out, "FILE", "Write the packets that pass to this .pcap");
    c.text("--verdicts", options->packets.verdicts, "FILE",
           "Write the result for each packet to this text file");
    c.text("--vm", options->vm.vm, "NAME", "Backend (default: the best there is; see `vms`)");
    c.number("-r,--repeat", 1, UINT64_MAX, "Run N times (each packet N times) and print times",
             [options](uint64_t n) { options->packets.repeat = n; });
    c.number("-l,--limit", 0, UINT64_MAX, "Budget of a run in instructions; 0: none (default 2^32)",
             [options](uint64_t n) { options->vm.instruction_limit = n; });
    c.number("--max-insns", 1, EBPF_MOST_INSTS,
             fmt::format("Most instructions of a program (default {})", EBPF_MAX_INSTS),
             [options](uint64_t n) { options->vm.max_insns = static_cast<uint32_t>(n); });
    c.texts("--set", options->variables, "VARIABLE=VALUE",
            "Value of a global variable of the object, or of a part of one (config.limits[2])");
    c.texts("--map", options->entries, "MAP=KEY:VALUE",
            "Entry of a map: numbers, bytes as x00112233, JSON; the name of a program or map that "
            "it is to hold");
    c.texts("--max-entries", options->sizes, "MAP=NUMBER",
            "Most entries of a map, whatever the object says");
    c.text("--over", options->over, "MAP",
           "Map that programs of section iter/bpf_map_elem write about");
    c.texts("--map-file", options->map_files, "FILE",
            "Variables and entries of maps from JSON, as --json prints them");
    c.texts("--event", options->events, "MAP=STRUCT",
            "Type of the records that programs send to this map");
    c.text("--maps", options->maps, "NAMES",
           "Maps to show after the run: names with commas, all, none (default: those that programs "
           "write)");
    c.text("--pin", options->vm.pin_folder, "FOLDER",
           "Keep pinned maps of the object as files in this folder, and use those that are there");
    c.texts("--pin-map", options->vm.pinned_maps, "MAP", "Pin this map of the object, too");
    c.text("--cpu", options->vm.cpu, "NAME",
           "Processor that native code is for, in LLVM's words: x86-64-v2, znver3, ... (default: "
           "this machine's)");
    c.choice("--optimize-for", {"speed", "size"}, "What native code is to be (default: speed)",
             [options](const std::string &what) { options->vm.prefers_size = what == "size"; });
    c.flag("--stats", options->stats, "Print to stderr what compiling to native code did");
    c.flag("--no-bounds-check", options->no_bounds_check,
           "Trust the program: do not check its memory accesses");
}

}  // namespace bpftime::vm::cli
