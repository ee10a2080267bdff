// bpftime-vm: `bpftime-cli vms`: the backends that there are
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "options.hpp"
#include "output.hpp"
#include "runner.hpp"
#include "table.hpp"

#include <nlohmann/json.hpp>

#include <memory>

namespace bpftime::vm::cli {

namespace {

struct vms_options {
    bool as_json = false;
};

struct backend {
    std::string name;
    std::string problem;  ///< why it does not start here; empty: it does
};

/// All backends, each tried.
std::vector<backend> try_backends() {
    std::vector<backend> backends;
    for (const std::string &name : list_vms()) {
        const std::unique_ptr<ebpf_vm, decltype(&ebpf_destroy)> vm{ebpf_create(name.c_str()),
                                                                   ebpf_destroy};
        backends.push_back({name, vm ? "" : ebpf_last_error()});
    }
    return backends;
}

/// The name that "" stands for.
std::string default_backend() {
    const std::unique_ptr<ebpf_vm, decltype(&ebpf_destroy)> vm{ebpf_create(""), ebpf_destroy};
    return vm ? ebpf_get_vm_name(vm.get()) : "";
}

void print_as_json(const std::vector<backend> &backends, const std::string &chosen) {
    json rows = json::array();
    for (const backend &b : backends) {
        json row = {{"name", b.name}, {"usable", b.problem.empty()}, {"default", b.name == chosen}};
        if (not b.problem.empty()) row["problem"] = b.problem;
        rows.push_back(std::move(row));
    }
    print_json({{"vms", std::move(rows)}});
}

void print_text(const std::vector<backend> &backends, const std::string &chosen) {
    table t{{{"backend"}, {"state"}}};
    for (const backend &b : backends) {
        t.add({b.name, not b.problem.empty() ? "unusable: " + b.problem
                       : b.name == chosen    ? "default"
                                             : "usable"});
    }
    t.print();
}

outcome<void> list(const vms_options &options) {
    const auto backends = try_backends();
    const std::string chosen = default_backend();
    if (options.as_json)
        print_as_json(backends, chosen);
    else
        print_text(backends, chosen);
    if (chosen.empty())
        return fail(exit_code::unsupported, "there is no backend: {}", ebpf_last_error());
    return {};
}

}  // namespace

void add_vms(CLI::App &app, context &ctx) {
    const auto options = std::make_shared<vms_options>();
    command{app, ctx, "vms", "List the backends, best first", options->as_json, [options] {
                return list(*options);
            }};
}

}  // namespace bpftime::vm::cli
