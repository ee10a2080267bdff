// bpftime-vm: `bpftime-cli verify`: what is proven of programs before they run
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/text.hpp"
#include "isa/validate.hpp"
#include "maps.hpp"
#include "options.hpp"
#include "output.hpp"
#include "program/program.hpp"
#include "runner.hpp"

#include <ebpf-vm.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>

namespace bpftime::vm::cli {

namespace {

struct verify_options {
    program_options program;
    runner_options vm;
    std::vector<std::string> sizes;
    bool quick = false;
    bool explains = false;
    bool wants_proof = false;
    bool as_json = false;
};

using report_handle = std::unique_ptr<ebpf_verify_report, decltype(&ebpf_free_verify_report)>;

/// By enum ebpf_safety.
constexpr auto safety_names =
    std::to_array<std::string_view>({"proven safe", "safe with checks", "certainly faults"});
/// By enum ebpf_proof.
constexpr auto proof_names =
    std::to_array<std::string_view>({"", "checked", "covered", "proven", "faults"});

/// One program, and what is known of it or why it cannot run at all.
struct verified {
    std::string title;
    std::string name;
    std::string section;
    outcome<report_handle> report;
    std::vector<uint8_t> code;
    std::shared_ptr<const compat::program_source> source;  ///< null: not known

    [[nodiscard]] compat::instruction_source source_of(uint32_t pc) const {
        return source != nullptr ? source->find(pc) : compat::instruction_source{};
    }
};

outcome<report_handle> verify(ebpf_vm &vm, const verify_options &options) {
    ebpf_verify_report *found = nullptr;
    const int error =
        ebpf_verify(&vm, options.quick ? EBPF_VERIFY_QUICK : EBPF_VERIFY_FULL, &found);
    if (error < 0) return library_failure(error);
    return report_handle{found, ebpf_free_verify_report};
}

verified verify_object(const program_file &file, const object::function_info &f,
                       const map_wishes &wishes, const verify_options &options) {
    verified v{fmt::format("{} ({})", f.name, f.section),
               f.name,
               f.section,
               std::unexpected{failure{}},
               {},
               {}};
    const auto vm = runner::create(options.vm, file, {&f}, wishes);
    if (not vm) {
        v.report = std::unexpected{vm.error()};
        return v;
    }
    const runtime::loaded_program &program = vm->object()->programs().front();
    v.report = verify(*program.vm, options);
    v.code = program.linked.code;
    v.source = program.source;
    return v;
}

outcome<std::vector<verified>> verify_all(const program_file &file, const verify_options &options) {
    std::vector<verified> all;
    if (not file.object) {
        const auto image = select_program(file, options.program);
        if (not image) return std::unexpected{image.error()};
        const auto vm = runner::create(options.vm, image->code);
        if (not vm) return fail(vm.error().code, "{}: {}", file.path, vm.error().message);
        all.push_back(
            {file.path, "", "", verify(vm->programs().front().vm(), options), image->code, {}});
        return all;
    }
    const auto wishes = read_wishes(*file.object, options.sizes, {}, "");
    if (not wishes) return std::unexpected{wishes.error()};
    const bool chooses =
        not options.program.section.empty() or not options.program.programs.empty();
    std::vector<const object::function_info *> chosen;
    if (chooses) {
        auto found = choose_programs(file, options.program);
        if (not found) return std::unexpected{found.error()};
        chosen = std::move(*found);
    } else {
        for (const object::function_info &f : file.object->functions()) {
            if (f.is_program) chosen.push_back(&f);
        }
    }
    for (const object::function_info *const f : chosen)
        all.push_back(verify_object(file, *f, *wishes, options));
    return all;
}

// --- for people

std::string count(uint32_t n, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", n, n == 1 ? one : many);
}

void print_summary(const ebpf_verify_report &r) {
    print("  accesses       {}", r.accesses);
    if (r.accesses != 0) {
        print(": {} proven", r.proven);
        if (r.covered != 0) print(", {} covered by earlier checks", r.covered);
        if (r.checked != 0) print(", {} checked", r.checked);
        if (r.faulting != 0) print(", {} always faulting", r.faulting);
    }
    print("\n");
    if (r.other_checks != 0)
        print("  other checks   {}\n", count(r.other_checks, "call or jump", "calls or jumps"));
    if (r.loops != 0) {
        print("  loops          {}", r.loops);
        if (r.unbounded_loops == 0)
            print(", bounded\n");
        else
            print(": {} ended by the instruction limit alone\n", r.unbounded_loops);
    }
    if (r.is_complete == 0) print("  incomplete     the program is too large for some proofs\n");
}

std::span<const ebpf_verify_note> notes_of(const ebpf_verify_report &r) {
    return {r.notes, r.note_count};
}

colour colour_of(uint32_t proof) {
    switch (proof) {
    case EBPF_PROOF_CHECKED: return colour::yellow;
    case EBPF_PROOF_FAULTS: return colour::red;
    default: return colour::green;
    }
}

/// Calls visit(pc, text) for each instruction.
template <typename Visit>
void for_each_instruction(std::span<const uint8_t> code, Visit &&visit) {
    const auto insns = isa::decode_all(code);
    if (not insns) return;
    for (uint32_t pc = 0; pc < insns->size(); ++pc) {
        const isa::instruction &i = (*insns)[pc];
        if (i.id == isa::insn_id::none) continue;
        const bool wide = isa::is_wide(i.id);
        visit(pc, isa::to_text(i, wide ? (*insns)[pc + 1].imm : 0, isa::syntax::c_like));
    }
}

void print_listing(const verified &v) {
    const std::size_t width = fmt::formatted_size("{}", v.code.size() / isa::slot_size);
    auto notes = notes_of(**v.report);
    std::string shown;
    uint32_t shown_line = 0;
    for_each_instruction(v.code, [&](uint32_t pc, const std::string &text) {
        const auto place = v.source_of(pc);
        if (place.line != 0 and (place.line != shown_line or place.text != shown)) {
            print("  {:{}}; {}:{}: {}\n", "", width + 2, without_controls(place.file), place.line,
                  without_controls(place.text));
            shown = place.text;
            shown_line = place.line;
        }
        print("  {:>{}}: {}\n", pc, width, text);
        for (; not notes.empty() and notes.front().pc <= pc; notes = notes.subspan(1)) {
            print("  {:{}}    {}\n", "", width,
                  paint(colour_of(notes.front().proof), notes.front().text, stdout));
        }
    });
}

void print_text(const verified &v, const verify_options &options) {
    print("{}: {}\n", paint(colour::bold, v.title, stdout),
          v.report ? std::string{(*v.report)->summary} : "cannot run: " + v.report.error().message);
    if (not v.report) return;
    print_summary(**v.report);
    if (options.explains) print_listing(v);
}

// --- for programs

json notes_to_json(const verified &v) {
    json rows = json::array();
    for (const ebpf_verify_note &n : notes_of(**v.report)) {
        json row = {{"pc", n.pc}, {"note", n.text}};
        if (n.proof != EBPF_PROOF_NONE and n.proof < proof_names.size())
            row["proof"] = proof_names[n.proof];
        if (const auto place = v.source_of(n.pc); place.line != 0)
            row["source"] = {{"file", place.file}, {"line", place.line}, {"text", place.text}};
        rows.push_back(std::move(row));
    }
    return rows;
}

json to_json(const verified &v, const verify_options &options) {
    json row = json::object();
    if (not v.name.empty()) row.update({{"name", v.name}, {"section", v.section}});
    if (not v.report) {
        row["error"] = v.report.error().message;
        return row;
    }
    const ebpf_verify_report &r = **v.report;
    row["safety"] = r.safety < safety_names.size() ? safety_names[r.safety] : "unknown";
    row["summary"] = r.summary;
    if (r.safety == EBPF_CERTAINLY_FAULTS) row["fault_pc"] = r.fault_pc;
    row["accesses"] = {{"all", r.accesses},
                       {"proven", r.proven},
                       {"covered", r.covered},
                       {"checked", r.checked},
                       {"faulting", r.faulting}};
    row["other_checks"] = r.other_checks;
    row["loops"] = {{"all", r.loops}, {"unbounded", r.unbounded_loops}};
    row["complete"] = r.is_complete != 0;
    if (options.explains) row["notes"] = notes_to_json(v);
    return row;
}

// --- both

/// What the worst of the programs makes of the command.
exit_code status_of(std::span<const verified> all, const verify_options &options) {
    exit_code worst = exit_code::ok;
    for (const verified &v : all) {
        if (not v.report) return v.report.error().code;
        const uint32_t safety = (*v.report)->safety;
        const bool is_bad =
            safety == EBPF_CERTAINLY_FAULTS or (options.wants_proof and safety != EBPF_PROVEN_SAFE);
        if (is_bad) worst = exit_code::fault;
    }
    return worst;
}

outcome<void> verify(const verify_options &options, context &ctx) {
    const auto file = read_program_file(options.program);
    if (not file) return std::unexpected{file.error()};
    const auto all = verify_all(*file, options);
    if (not all) return std::unexpected{all.error()};
    if (options.as_json) {
        json document = {{"path", file->path}, {"programs", json::array()}};
        for (const verified &v : *all) document["programs"].push_back(to_json(v, options));
        print_json(document);
    } else {
        for (const verified &v : *all) print_text(v, options);
    }
    ctx.status = status_of(*all, options);
    return {};
}

}  // namespace

void add_verify(CLI::App &app, context &ctx) {
    const auto options = std::make_shared<verify_options>();
    options->vm.vm = "ubpf";  // which is ready soonest; all find out the same
    command c{app,
              ctx,
              "verify",
              "Tell what is proven of programs before they run",
              options->as_json,
              [options, &ctx] { return verify(*options, ctx); }};
    c.program(options->program);
    c.flag("-e,--explain", options->explains,
           "Show each instruction with what is known of it, and its line of C");
    c.flag("--quick", options->quick,
           "One pass over each program, which learns nothing where loops begin");
    c.flag("--proven", options->wants_proof,
           "Fail (3) unless every program is proven safe; without, only if one certainly faults");
    std::vector<std::string> types{"auto"};
    for (const type_name &row : type_names) types.emplace_back(row.name);
    c.choice("-t,--type", types,
             "What the program is (auto: what its section says, plain if it is from no object)",
             [options](const std::string &type) { options->vm.type = find_type(type); });
    c.number("--max-insns", 1, EBPF_MOST_INSTS,
             fmt::format("Most instructions of a program (default {})", EBPF_MAX_INSTS),
             [options](uint64_t n) { options->vm.max_insns = static_cast<uint32_t>(n); });
    c.texts("--max-entries", options->sizes, "MAP=NUMBER",
            "Most entries of a map, whatever the object says");
}

}  // namespace bpftime::vm::cli
