// bpftime-vm: `bpftime-cli inspect`: what a program is made of, and what it needs
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/isa.hpp"
#include "object/type_name.hpp"
#include "options.hpp"
#include "output.hpp"
#include "program/program.hpp"
#include "program_hints.hpp"
#include "report.hpp"
#include "runtime/helpers.hpp"
#include "runtime/loaded_object.hpp"
#include "table.hpp"
#include "values.hpp"
#include "verdicts.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

namespace bpftime::vm::cli {

namespace {

struct inspect_options {
    program_options program;
    std::vector<std::string> more;  ///< objects to link
    std::optional<program_type> type;
    bool with_blocks = false;
    bool as_json = false;
};

constexpr auto group_names =
    std::to_array<std::string_view>({"base32", "base64", "divmul32", "divmul64", "atomic32",
                                     "atomic64", "packet", "callx", "post_rfc"});
static_assert(group_names.size() == static_cast<std::size_t>(isa::group::post_rfc) + 1);

/// Lists in the text end here; JSON has all.
constexpr std::size_t most_shown = 32;

struct back_edge {
    uint32_t from;
    uint32_t to;
    uint32_t weight;
};

/// What inspect says about one program.
struct findings {
    uint32_t instructions = 0;
    uint32_t reachable = 0;
    unsigned cpu = 1;
    std::array<uint32_t, group_names.size()> groups{};
    std::map<uint32_t, std::vector<uint32_t>> helpers;  ///< pcs of the calls by helper id
    std::map<uint32_t, std::vector<uint32_t>> kfuncs;   ///< pcs of the calls by BTF id
    std::map<std::string_view, uint32_t> wides;         ///< lddw by kind of source
    std::vector<back_edge> back_edges;
};

std::string_view kind_of_wide(isa::insn_id id) {
    return id == isa::insn_id::lddw ? "imm64" : isa::info(isa::info(id).operation).symbol;
}

void note_instruction(findings &f, const program &p, uint32_t pc) {
    const isa::instruction &insn = p.insn(pc);
    const isa::insn_info &row = isa::info(insn.id);
    ++f.instructions;
    ++f.groups[static_cast<std::size_t>(row.group)];
    f.cpu = std::max<unsigned>(f.cpu, row.cpu_version);
    // Calls of helpers that do not exist are listed as what is unavailable.
    const bool exists =
        insn.imm != object::poisoned_helper and insn.imm != object::poisoned_kernel_function;
    if (insn.id == isa::insn_id::call and exists)
        f.helpers[static_cast<uint32_t>(insn.imm)].push_back(pc);
    if (insn.id == isa::insn_id::call_kfunc)
        f.kfuncs[static_cast<uint32_t>(insn.imm)].push_back(pc);
    if (isa::is_wide(insn.id)) ++f.wides[kind_of_wide(insn.id)];
}

findings examine(const program &p) {
    findings f;
    for (const basic_block &block : p.blocks()) {
        uint32_t last = block.begin;
        const uint32_t before = f.instructions;
        for (uint32_t pc = block.begin; pc < block.end; ++pc) {
            if (p.insn(pc).id == isa::insn_id::none) continue;
            note_instruction(f, p, pc);
            last = pc;
        }
        if (block.reachable) f.reachable += f.instructions - before;
        for (const uint32_t next : p.successors_of(block)) {
            const uint32_t to = p.blocks()[next].begin;
            if (program::is_back_edge(last, to))
                f.back_edges.push_back({last, to, p.loop_weight(to)});
        }
    }
    return f;
}

/// By map_origin.
constexpr auto origin_names = std::to_array<std::string_view>(
    {"declaration", "old declaration", "data", "configuration", "jump tables"});
static_assert(origin_names.size() == static_cast<std::size_t>(object::map_origin::jump_tables) + 1);

struct variable_row {
    std::string name;
    std::string section;
    std::string type;
    json value;
};

/// "__u32" of "const volatile __u32"; "-" if it is not known.
std::string describe(const object::btf *types, uint32_t id) {
    if (types == nullptr or id == 0) return "-";
    for (unsigned steps = 0; steps < object::btf::longest_chain; ++steps) {
        const object::btf_type &t = types->type(id);
        if (t.kind != object::btf_kind::const_ and t.kind != object::btf_kind::volatile_) break;
        id = t.type;
    }
    return object::type_name(*types, id);
}

std::vector<variable_row> variables_of(const object::object_file &object) {
    std::vector<variable_row> rows;
    const object::btf *const types = object.types();
    for (const std::string &name : object.variables()) {
        const auto place = object.global(name);
        const auto value = object.value_of(name);
        if (not place or not value) continue;
        rows.push_back({name, object.maps()[place->map].section, describe(types, place->type),
                        to_json(types, place->type, *value)});
    }
    return rows;
}

/// A program, and what is known of it.
struct inspected {
    program_image image;
    result<program> loaded;
    std::string why_not;  ///< why it cannot run; empty: it can
};

// --- text

/// "3, 17, 20 and 5 more"
std::string list_pcs(std::span<const uint32_t> pcs) {
    const auto shown = pcs.first(std::min(pcs.size(), most_shown));
    const std::string more =
        pcs.size() > shown.size() ? fmt::format(" and {} more", pcs.size() - shown.size()) : "";
    return fmt::format("{}{}", fmt::join(shown, ", "), more);
}

void print_more(std::size_t all) {
    if (all > most_shown) print("    and {} more (see --json)\n", all - most_shown);
}

void print_functions(const program &p, const program_image &image) {
    print("  functions\n");
    table t{{{"name"},
             {"begin", align::right},
             {"end", align::right},
             {"weight", align::right},
             {"blocks", align::right},
             {"reached"},
             {"calls"}}};
    for (const function &f : p.functions().first(std::min(p.functions().size(), most_shown))) {
        std::vector<uint32_t> callees;
        for (const uint32_t callee : p.callees_of(f))
            callees.push_back(p.functions()[callee].begin);
        const std::string_view name = image.function_at(f.begin);
        t.add({std::string{name.empty() ? "-" : name}, fmt::format("{}", f.begin),
               fmt::format("{}", f.end), fmt::format("{}", f.weight),
               fmt::format("{}", f.block_count), f.reachable ? "yes" : "no", list_pcs(callees)});
    }
    t.print(4);
    print_more(p.functions().size());
}

void print_blocks(const program &p) {
    print("  basic blocks\n");
    table t{{{"begin", align::right}, {"end", align::right}, {"reached"}, {"next"}}};
    for (const basic_block &b : p.blocks()) {
        std::vector<uint32_t> next;
        for (const uint32_t n : p.successors_of(b)) next.push_back(p.blocks()[n].begin);
        t.add({fmt::format("{}", b.begin), fmt::format("{}", b.end), b.reachable ? "yes" : "no",
               list_pcs(next)});
    }
    t.print(4);
}

void print_back_edges(const findings &f) {
    if (f.back_edges.empty()) return;
    print("  back edges\n");
    table t{{{"from", align::right}, {"to", align::right}, {"weight", align::right}}};
    for (const back_edge &e :
         std::span{f.back_edges}.first(std::min(f.back_edges.size(), most_shown))) {
        t.add({fmt::format("{}", e.from), fmt::format("{}", e.to), fmt::format("{}", e.weight)});
    }
    t.print(4);
    print_more(f.back_edges.size());
}

std::string list_groups(const findings &f) {
    std::vector<std::string> used;
    for (std::size_t i = 0; i < group_names.size(); ++i) {
        if (f.groups[i] != 0) used.push_back(fmt::format("{} {}", group_names[i], f.groups[i]));
    }
    return fmt::format("{}", fmt::join(used, ", "));
}

/// Of bytecode alone nobody knows what it is: it may be run as any type.
bool is_provided(uint32_t id, const program_image &image) {
    const bool may_take_packets =
        image.name.empty() or runtime::context_layout_of(image.type) != nullptr;
    return std::ranges::any_of(runtime::helper_table(), [&](const runtime::helper_row &row) {
        return row.declaration.id == id and (may_take_packets or not runtime::needs_packet(row));
    });
}

void print_calls(const findings &f, const program_image &image) {
    for (const auto &[id, pcs] : f.helpers) {
        const std::string_view name = runtime::helper_name(id);
        print("  helper         {}{}{}{} at {}\n", id, name.empty() ? "" : " ", name,
              is_provided(id, image) ? "" : " (not provided by bpftime-cli)", list_pcs(pcs));
    }
    for (const auto &[id, pcs] : f.kfuncs) {
        const std::string_view name = image.kernel_function(id);
        print("  kernel func.   {} at {}\n",
              name.empty() ? fmt::format("BTF id {}", id) : std::string{name}, list_pcs(pcs));
    }
    for (const auto &[kind, count] : f.wides) print("  lddw           {} {}\n", kind, count);
}

std::string list_names(const program_image &image, std::span<const object::object_map> maps) {
    std::vector<std::string_view> names;
    names.reserve(image.maps.size());
    for (const uint32_t i : image.maps) names.push_back(maps[i].definition.name);
    return fmt::format("{}", fmt::join(names, ", "));
}

void print_needs(const inspected &i, const program_file &file) {
    if (not i.image.maps.empty())
        print("  maps           {}\n", list_names(i.image, file.object->maps()));
    for (const object::poisoned_instruction &p :
         std::span{i.image.unavailable}.first(std::min(i.image.unavailable.size(), most_shown)))
        print("  unavailable    at {}: {}\n", p.pc, p.reason);
    if (not i.why_not.empty()) print("  cannot run     {}\n", i.why_not);
}

void print_program(const inspected &i, const program_file &file, bool with_blocks) {
    const program &p = *i.loaded;
    const program_image &image = i.image;
    const findings f = examine(p);
    print("  slots          {} ({} bytes)\n", p.size(), uint64_t{p.size()} * isa::slot_size);
    print("  instructions   {}: {} reachable, {} not\n", f.instructions, f.reachable,
          f.instructions - f.reachable);
    print("  lowest -mcpu   v{}\n", f.cpu);
    print("  groups         {}\n", list_groups(f));
    print("  basic blocks   {}\n", p.blocks().size());
    print("  back edges     {}\n", f.back_edges.size());
    print_calls(f, image);
    print_needs(i, file);
    print_functions(p, image);
    if (with_blocks) print_blocks(p);
    print_back_edges(f);
}

void print_maps(const object::object_file &object) {
    table maps{{{"map"},
                {"type"},
                {"key", align::right},
                {"value", align::right},
                {"entries", align::right},
                {"from"},
                {"flags", align::right}}};
    for (const object::object_map &m : object.maps()) {
        const map_definition &d = m.definition;
        maps.add({d.name, std::string{name_of(d.type)}, fmt::format("{}", d.key_size),
                  fmt::format("{}", d.value_size), fmt::format("{}", d.max_entries),
                  std::string{origin_names[static_cast<std::size_t>(m.origin)]},
                  fmt::format("0x{:x}", d.flags)});
    }
    if (maps.empty()) return;
    print("\n");
    maps.print();
}

void print_variables(const object::object_file &object) {
    table variables{{{"variable"}, {"section"}, {"type"}, {"value"}}};
    for (const variable_row &v : variables_of(object))
        variables.add({printable(v.name), v.section, v.type, to_line(v.value)});
    if (variables.empty()) return;
    print("\n");
    variables.print();
}

void print_core_relocations(const object::object_file &object) {
    const auto all = object.core_relocations();
    if (all.empty()) return;
    table t{{{"section"}, {"offset", align::right}, {"asks for"}, {"of"}}};
    for (const object::core_relocation &r :
         std::span{all}.first(std::min(all.size(), most_shown))) {
        t.add({printable(r.section), fmt::format("{}", r.offset), r.kind, printable(r.subject)});
    }
    t.print(2);
    print_more(all.size());
}

void print_object(const program_file &file) {
    table sections{{{"section"}, {"bytes", align::right}, {"code"}}};
    for (const object::section_info &s : file.object->sections()) {
        sections.add(
            {s.name.empty() ? "-" : s.name, fmt::format("{}", s.size), s.executable ? "yes" : ""});
    }
    sections.print();
    print("\n");
    table functions{
        {{"function"}, {"section"}, {"offset", align::right}, {"bytes", align::right}, {"kind"}}};
    for (const object::function_info &f : file.object->functions()) {
        functions.add({f.name, f.section, fmt::format("{}", f.offset), fmt::format("{}", f.size),
                       f.is_program ? "program" : "subprogram"});
    }
    functions.print();
    print_maps(*file.object);
    print_variables(*file.object);
    print("\n");
    const std::string license = file.object->license();
    print("license            {}\n", license.empty() ? "none" : license);
    print("CO-RE relocations  {}\n", file.object->core_relocation_count());
    print_core_relocations(*file.object);
}

// --- JSON

json helpers_to_json(const findings &f, const program_image &image) {
    json rows = json::array();
    for (const auto &[id, pcs] : f.helpers) {
        rows.push_back({{"id", id},
                        {"name", runtime::helper_name(id)},
                        {"provided", is_provided(id, image)},
                        {"pcs", pcs}});
    }
    return rows;
}

/// Those of an object have names, those of bytecode ids in the types of some kernel.
json kernel_functions_to_json(const findings &f, const program_image &image) {
    json rows = json::array();
    for (const auto &[id, pcs] : f.kfuncs) {
        const std::string_view name = image.kernel_function(id);
        json row = name.empty() ? json{{"id", id}} : json{{"name", name}};
        row["pcs"] = pcs;
        rows.push_back(std::move(row));
    }
    return rows;
}

json functions_to_json(const program &p, const program_image &image) {
    json rows = json::array();
    for (const function &f : p.functions()) {
        json callees = json::array();
        for (const uint32_t callee : p.callees_of(f))
            callees.push_back(p.functions()[callee].begin);
        rows.push_back({{"name", image.function_at(f.begin)},
                        {"begin", f.begin},
                        {"end", f.end},
                        {"weight", f.weight},
                        {"blocks", f.block_count},
                        {"reachable", f.reachable},
                        {"calls", std::move(callees)}});
    }
    return rows;
}

json blocks_to_json(const program &p) {
    json rows = json::array();
    for (const basic_block &b : p.blocks()) {
        json next = json::array();
        for (const uint32_t n : p.successors_of(b)) next.push_back(p.blocks()[n].begin);
        rows.push_back({{"begin", b.begin},
                        {"end", b.end},
                        {"function", p.functions()[b.function].begin},
                        {"reachable", b.reachable},
                        {"next", std::move(next)}});
    }
    return rows;
}

json program_to_json(const inspected &found, const program_file &file) {
    const program &p = *found.loaded;
    const program_image &image = found.image;
    const findings f = examine(p);
    json groups = json::object();
    for (std::size_t i = 0; i < group_names.size(); ++i) {
        if (f.groups[i] != 0) groups[std::string{group_names[i]}] = f.groups[i];
    }
    json wides = json::object();
    for (const auto &[kind, count] : f.wides) wides[std::string{kind}] = count;
    json edges = json::array();
    for (const back_edge &e : f.back_edges)
        edges.push_back({{"from", e.from}, {"to", e.to}, {"weight", e.weight}});
    json maps = json::array();
    for (const uint32_t m : image.maps) maps.push_back(file.object->maps()[m].definition.name);
    json unavailable = json::array();
    for (const object::poisoned_instruction &u : image.unavailable)
        unavailable.push_back({{"pc", u.pc}, {"reason", u.reason}});
    json document = {{"name", image.name},
                     {"section", image.section},
                     {"type", name_of(image.type)},
                     {"slots", p.size()},
                     {"instructions", f.instructions},
                     {"reachable", f.reachable},
                     {"unreachable", f.instructions - f.reachable},
                     {"cpu", fmt::format("v{}", f.cpu)},
                     {"groups", std::move(groups)},
                     {"helpers", helpers_to_json(f, image)},
                     {"kfuncs", kernel_functions_to_json(f, image)},
                     {"lddw", std::move(wides)},
                     {"functions", functions_to_json(p, image)},
                     {"blocks", blocks_to_json(p)},
                     {"maps", std::move(maps)},
                     {"unavailable", std::move(unavailable)},
                     {"back_edges", std::move(edges)}};
    if (not found.why_not.empty()) document["cannot_run"] = found.why_not;
    return document;
}

json object_to_json(const object::object_file &object) {
    json sections = json::array();
    for (const object::section_info &s : object.sections()) {
        sections.push_back({{"name", s.name}, {"bytes", s.size}, {"executable", s.executable}});
    }
    json functions = json::array();
    for (const object::function_info &f : object.functions()) {
        functions.push_back({{"name", f.name},
                             {"section", f.section},
                             {"offset", f.offset},
                             {"bytes", f.size},
                             {"global", f.global},
                             {"program", f.is_program}});
    }
    json maps = json::array();
    for (const object::object_map &m : object.maps()) {
        const map_definition &d = m.definition;
        maps.push_back({{"name", d.name},
                        {"type", name_of(d.type)},
                        {"key_size", d.key_size},
                        {"value_size", d.value_size},
                        {"max_entries", d.max_entries},
                        {"flags", d.flags},
                        {"origin", origin_names[static_cast<std::size_t>(m.origin)]},
                        {"frozen", m.frozen}});
    }
    json variables = json::array();
    for (const variable_row &v : variables_of(object))
        variables.push_back(
            {{"name", v.name}, {"section", v.section}, {"type", v.type}, {"value", v.value}});
    json relocations = json::array();
    for (const object::core_relocation &r : object.core_relocations())
        relocations.push_back({{"section", r.section},
                               {"offset", r.offset},
                               {"kind", r.kind},
                               {"subject", r.subject}});
    return {{"sections", std::move(sections)}, {"functions", std::move(functions)},
            {"maps", std::move(maps)},         {"variables", std::move(variables)},
            {"license", object.license()},     {"core_relocations", object.core_relocation_count()},
            {"core", std::move(relocations)}};
}

// --- both

outcome<inspected> load(outcome<program_image> image) {
    if (not image) return std::unexpected{std::move(image.error())};
    auto loaded = program::load(image->code,
                                {.max_insns = most_max_insns, .jump_targets = image->jump_targets});
    if (not loaded) return fail(image->title(), loaded.error());
    return inspected{std::move(*image), std::move(loaded), {}};
}

/// A program of an object, and what is missing to run it.
outcome<inspected> load(const program_file &file, const object::function_info &f,
                        std::optional<program_type> type) {
    auto found = load(link(file, f));
    if (not found) return found;
    found->image.type = type.value_or(found->image.type);
    const auto raise_limit = [](ebpf_vm &vm) -> result<void> {
        vm.set_limit(compat::vm_limit::insns, most_max_insns);
        return {};
    };
    const auto runs = runtime::loaded_object::load(*file.object, {.programs = {&f},
                                                                  .backend = "ubpf",
                                                                  .configure = raise_limit,
                                                                  .target = file.target,
                                                                  .type = type});
    if (not runs) found->why_not = runs.error().message;
    if (not runs and not type and lacks_type(f))
        found->why_not += "; " + hint_of_type(*file.object, f);
    return found;
}

/// A program of the file: itself, or the reason why it cannot be examined.
struct collected {
    std::string name;  ///< empty if it is not from an object
    std::string section;
    outcome<inspected> loaded;
};

json to_json(const collected &program, const program_file &file) {
    if (program.loaded) return program_to_json(*program.loaded, file);
    return {{"name", program.name},
            {"section", program.section},
            {"error", program.loaded.error().message}};
}

std::vector<collected> collect(program_file &file, std::optional<program_type> type) {
    std::vector<collected> programs;
    if (not file.object) {
        programs.push_back(
            {"", "",
             load(program_image{
                 file.path, file.format, "", "", {}, std::move(file.code), {}, {}, {}, {}, {}})});
        return programs;
    }
    for (const object::function_info &f : file.object->functions()) {
        if (f.is_program) programs.push_back({f.name, f.section, load(file, f, type)});
    }
    return programs;
}

outcome<void> inspect_chosen(const program_file &file, const inspect_options &options) {
    const auto chosen = choose_program(file, options.program);
    if (not chosen) return std::unexpected{chosen.error()};
    const auto loaded = load(file, **chosen, options.type);
    if (not loaded) return std::unexpected{loaded.error()};
    if (options.as_json) {
        print_json({{"path", file.path}, {"programs", {program_to_json(*loaded, file)}}});
        return {};
    }
    print("{}\n",
          paint(colour::bold,
                fmt::format("program {} ({})", loaded->image.name, loaded->image.section), stdout));
    print_program(*loaded, file, options.with_blocks);
    return {};
}

outcome<void> inspect_all(program_file &file, const inspect_options &options) {
    const auto programs = collect(file, options.type);
    if (not file.object and not programs.front().loaded)
        return std::unexpected{programs.front().loaded.error()};
    json document = describe(file);
    document["bytes"] = file.size;
    if (file.object) document.update(object_to_json(*file.object));
    document["programs"] = json::array();
    if (not options.as_json) {
        print("{}: {}, {} bytes\n\n", whole_name(file), info(file.format).noun, file.size);
        if (file.object) print_object(file);
    }
    for (const collected &program : programs) {
        const auto &loaded = program.loaded;
        if (options.as_json) {
            document["programs"].push_back(to_json(program, file));
            continue;
        }
        if (file.object) {
            const auto title = fmt::format("program {} ({})", program.name, program.section);
            print("\n{}\n", paint(colour::bold, title, stdout));
        }
        if (loaded)
            print_program(*loaded, file, options.with_blocks);
        else
            print("  cannot run     {}\n", loaded.error().message);
    }
    if (options.as_json) print_json(document);
    return {};
}

outcome<void> inspect(const inspect_options &options) {
    auto file = read_program_file(options.program);
    if (not file) return std::unexpected{std::move(file.error())};
    if (not options.more.empty()) {
        if (auto done = link_objects(*file, options.more, options.program); not done) return done;
    }
    const bool choice = not options.program.section.empty() or not options.program.programs.empty();
    if (not choice) return inspect_all(*file, options);
    if (file->object) return inspect_chosen(*file, options);
    return fail(exit_code::usage, "--section and --program choose from an object, but '{}' is {}",
                file->path, info(file->format).noun);
}

}  // namespace

void add_inspect(CLI::App &app, context &ctx) {
    const auto options = std::make_shared<inspect_options>();
    command c{app,
              ctx,
              "inspect",
              "Show what a program consists of and needs",
              options->as_json,
              [options] { return inspect(*options); }};
    c.program(options->program);
    c.positionals("OBJECT", options->more, "Objects or C files to link to PROGRAM");
    std::vector<std::string> types{"auto"};
    for (const type_name &row : type_names) types.emplace_back(row.name);
    c.choice("-t,--type", types, "What the programs are (auto: what their sections say)",
             [options](const std::string &type) { options->type = find_type(type); });
    c.flag("--blocks", options->with_blocks, "List the basic blocks, too");
}

}  // namespace bpftime::vm::cli
