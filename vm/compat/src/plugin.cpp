// bpftime-vm: finding and loading backends in shared libraries
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "plugin.hpp"

#include "log.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace bpftime::vm::compat {

#ifdef BPFTIME_VM_STATIC_BUILD

std::expected<vm_factory, std::string> load_plugin(const std::string &) {
    return std::unexpected{
        "it is not built in, and this is a static build, which loads no plugins"};
}
std::vector<std::string> find_plugins() { return {}; }

#else

namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "libbpftime-vm-";
constexpr std::string_view suffix = ".so";
/// libbpftime-vm-runtime.so lies beside the library, too, and is no backend.
constexpr std::string_view runtime_name = "runtime";

/// The folder that this library was loaded from; empty if that cannot be told.
fs::path own_folder() {
    Dl_info info{};
    if (dladdr(reinterpret_cast<void *>(&load_plugin), &info) == 0 or info.dli_fname == nullptr)
        return {};
    std::error_code ignored;
    return fs::canonical(info.dli_fname, ignored).parent_path();
}

/// Where plugins are looked for, in this order.
std::vector<fs::path> folders() {
    std::vector<fs::path> out;
    // secure_getenv: a setuid program must not load what its caller chose.
    if (const char *const path = secure_getenv("BPFTIME_VM_PLUGIN_PATH"); path != nullptr) {
        for (std::string_view rest = path; not rest.empty();) {
            const auto end = rest.find(':');
            if (end != 0) out.emplace_back(rest.substr(0, end));
            rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
        }
    }
    if (const fs::path own = own_folder(); not own.empty()) {
        out.push_back(own / BPFTIME_VM_PLUGIN_SUBDIR);
        out.push_back(own);
    }
    return out;
}

fs::path file_of(const fs::path &folder, std::string_view name) {
    return folder / fmt::format("{}{}{}", prefix, name, suffix);
}

/// The backend that a loaded plugin describes, or why it cannot be used.
std::expected<vm_factory, std::string> describe(void *handle, const std::string &name,
                                                const std::string &file) {
    const auto *const descriptor =
        static_cast<const plugin_descriptor *>(dlsym(handle, "bpftime_vm_plugin_descriptor"));
    if (descriptor == nullptr) {
        return std::unexpected{
            fmt::format("{} exports no bpftime_vm_plugin_descriptor (see EBPF_VM_PLUGIN)", file)};
    }
    if (descriptor->abi_version != plugin_abi_version) {
        return std::unexpected{
            fmt::format("{} was built for plugin ABI version {}, this library has {}: rebuild it",
                        file, descriptor->abi_version, plugin_abi_version)};
    }
    if (descriptor->name == nullptr or descriptor->create == nullptr or name != descriptor->name) {
        return std::unexpected{fmt::format("{} brings the backend '{}', not '{}'", file,
                                           descriptor->name == nullptr ? "" : descriptor->name,
                                           name)};
    }
    return [create = descriptor->create] { return std::unique_ptr<bpftime_vm_impl>{create()}; };
}

}  // namespace

std::expected<vm_factory, std::string> load_plugin(const std::string &name) {
    for (const fs::path &folder : folders()) {
        const fs::path file = file_of(folder, name);
        std::error_code ignored;
        if (not fs::exists(file, ignored)) continue;
        // Never closed: code of the plugin may be running, and its types live on in objects.
        void *const handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (handle == nullptr) {
            const char *const reason = dlerror();
            return std::unexpected{fmt::format("its plugin cannot be loaded: {}",
                                               reason == nullptr ? file.string() : reason)};
        }
        log::debug("plugin {} loaded", file.string());
        return describe(handle, name, file.string());
    }
    return std::unexpected{
        fmt::format("it is not built in and there is no plugin {}{}{}", prefix, name, suffix)};
}

std::vector<std::string> find_plugins() {
    std::vector<std::string> names;
    for (const fs::path &folder : folders()) {
        std::error_code ignored;
        for (const auto &file : fs::directory_iterator{folder, ignored}) {
            const std::string name = file.path().filename().string();
            if (not name.starts_with(prefix) or not name.ends_with(suffix)) continue;
            std::string backend =
                name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
            if (backend != runtime_name) names.push_back(std::move(backend));
        }
    }
    return names;
}

#endif

}  // namespace bpftime::vm::compat
