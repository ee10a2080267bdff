// bpftime-vm: compares the programs of objects with the running kernel
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "differential.hpp"
#include "kernel_side.hpp"
#include "object/program_name.hpp"
#include "runtime/helpers.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/utsname.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <string_view>

namespace bpftime::vm::differential {

namespace {

constexpr auto usage =
    "usage: kernel_differential [--load|--load-here] OBJECT...\n"
    "Compares each program of the objects with the running kernel, and writes a line of JSON\n"
    "for each. --load: programs are loaded on both sides, and not run; --load-here: by our "
    "engines\n"
    "alone.\n";

bytes read_file(const char *path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

/// As programs know it: 6.1.20 is 0x060114.
uint32_t kernel_version() {
    utsname names{};
    unsigned major = 0;
    unsigned minor = 0;
    unsigned patch = 0;
    uname(&names);
    std::sscanf(names.release, "%u.%u.%u", &major, &minor, &patch);
    return major << 16 | minor << 8 | std::min(patch, 255U);
}

nlohmann::json verdicts(const std::vector<observation> &runs) {
    auto all = nlohmann::json::array();
    for (const observation &o : runs)
        all.push_back(o.refusal.empty() ? nlohmann::json(o.verdict) : nlohmann::json());
    return all;
}

void print(const char *path, const comparison &c) {
    nlohmann::json line{{"object", path},
                        {"program", c.program},
                        {"section", c.section},
                        {"type", object::kernel_name(c.type)},
                        {"type_is_guessed", c.type_is_guessed},
                        {"instructions", c.instructions},
                        {"identity", fmt::format("{:016x}", c.identity)},
                        {"outcome", name_of(c.result)},
                        {"detail", c.detail},
                        {"not_loaded", c.not_loaded},
                        {"loader", c.loader},
                        {"verdicts", verdicts(c.runs)},
                        {"verdicts_filled", verdicts(c.runs_filled)}};
    for (const int32_t id : c.helpers)
        line["helpers"].push_back(std::string{runtime::helper_name(static_cast<uint32_t>(id))});
    for (const map_type type : c.map_types) line["maps"].push_back(std::string{vm::name_of(type)});
    std::printf("%s\n", line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace).c_str());
    std::fflush(stdout);
}

int compare_object(const char *path, const object::btf *target, task what) {
    const bytes image = read_file(path);
    auto file = object::object_file::parse(image);
    if (not file) {
        std::fprintf(stderr, "%s: %s\n", path, file.error().message.c_str());
        return 1;
    }
    // Fails for objects that do not ask for it.
    static_cast<void>(file->configure("LINUX_KERNEL_VERSION", std::to_string(kernel_version())));
    for (const object::function_info &f : file->functions()) {
        if (f.is_program)
            print(path, compare(image, *file, f,
                                file->core_relocation_count() > 0 ? target : nullptr, what));
    }
    return 0;
}

/// The task that the first argument says, which is then taken off.
task take_task(std::span<char *> &arguments) {
    const std::string_view first = arguments.empty() ? "" : arguments.front();
    if (first != "--load" and first != "--load-here") return task::run;
    arguments = arguments.subspan(1);
    return first == "--load" ? task::load : task::load_here;
}

int run(std::span<char *> arguments) {
    const task what = take_task(arguments);
    if (arguments.empty()) {
        std::fputs(usage, stderr);
        return 2;
    }
    if (const auto why = why_no_kernel(); what != task::load_here and not why.empty()) {
        std::fprintf(stderr, "%s\n", why.c_str());
        return 3;
    }
    stay_on_one_cpu();
    const auto target = object::btf::read_file("/sys/kernel/btf/vmlinux");
    int result = 0;
    for (const char *const path : arguments)
        result |= compare_object(path, target ? &*target : nullptr, what);
    return result;
}

}  // namespace

}  // namespace bpftime::vm::differential

int main(int argc, char **argv) {
    try {
        return bpftime::vm::differential::run({argv + 1, static_cast<std::size_t>(argc - 1)});
    } catch (const std::exception &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
}
