// bpftime-vm: the registry of backends
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bpftime_vm_compat.hpp"
#include "compat/last_error.hpp"
#include "log.hpp"
#include "plugin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <mutex>
#include <ranges>
#include <stdexcept>

namespace bpftime::vm::compat {

namespace {

// What "" means: the first of these that there is, else the backend that registered first.
constexpr std::array<std::string_view, 3> preference = {"tiered", "llvm", "ubpf"};

struct entry {
    std::string name;
    vm_factory factory;
};

/// Backends in the order of their registration. The only process-wide state of the library.
class registry {
public:
    static registry &instance() {
        // Never destroyed: backends may be used by code that runs at exit.
        static auto &r = *new registry;
        return r;
    }

    bool add(const std::string &name, vm_factory factory) {
        const std::lock_guard lock{lock_};
        if (find_locked(name) != nullptr) return false;
        entries_.push_back({name, std::move(factory)});
        return true;
    }

    vm_factory find(std::string_view name) {
        const std::lock_guard lock{lock_};
        const entry *const e = find_locked(name);
        return e == nullptr ? nullptr : e->factory;
    }

    std::vector<std::string> names() {
        const std::lock_guard lock{lock_};
        std::vector<std::string> out;
        out.reserve(entries_.size());
        for (const entry &e : entries_) out.push_back(e.name);
        return out;
    }

private:
    const entry *find_locked(std::string_view name) const {
        const auto it = std::ranges::find(entries_, name, &entry::name);
        return it == entries_.end() ? nullptr : &*it;
    }

    std::mutex lock_;
    std::vector<entry> entries_;
};

bool is_name(std::string_view name) {
    return not name.empty() and name.front() != '.' and
           std::ranges::all_of(name, [](unsigned char c) {
               return std::isalnum(c) != 0 or c == '_' or c == '-' or c == '.';
           });
}

/// Whether this thread is opening a plugin. What the plugin's constructors register meanwhile does
/// not count: nothing has checked the plugin's ABI version yet.
thread_local bool opening_plugin = false;

std::expected<vm_factory, std::string> load_plugin_quietly(const std::string &name) {
    struct reset {
        ~reset() { opening_plugin = false; }
    } const at_the_end;
    opening_plugin = true;
    return load_plugin(name);
}

/// The factory of `name`, loading its plugin if need be; empty if there is none. `why` gets the
/// reason.
vm_factory find_factory(const std::string &name, std::string &why) {
    if (auto factory = registry::instance().find(name)) return factory;
    if (not is_name(name)) {
        why = "a name has letters, digits, '_', '-' and '.' only, and does not begin with '.'";
        return nullptr;
    }
    auto loaded = load_plugin_quietly(name);
    if (not loaded) {
        why = std::move(loaded.error());
        return nullptr;
    }
    // Another thread may have registered it already: the same backend.
    registry::instance().add(name, std::move(*loaded));
    return registry::instance().find(name);
}

std::unique_ptr<bpftime_vm_impl> start(const std::string &name, const vm_factory &factory) {
    std::string why;
    try {
        if (auto instance = factory()) return instance;
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const std::exception &e) {
        why = fmt::format(": {}", e.what());
    } catch (...) {
        why = ": its factory threw something that is no std::exception";
    }
    throw std::runtime_error(fmt::format("backend '{}' cannot start here{}", name, why));
}

/// The best backend that starts: a plugin may be there and still not work on this machine.
std::unique_ptr<bpftime_vm_impl> create_best() {
    std::string why = "no backend is registered and no plugin can be found";
    for (const std::string &name : list_vm_backends()) {
        try {
            return create_vm_instance(name);
        } catch (const std::runtime_error &e) {
            why = e.what();
            log::warn("{}", why);
        }
    }
    throw std::runtime_error(why);
}

}  // namespace

int register_vm_factory(const std::string &vm_name, vm_factory factory) {
    const auto refuse = [&](int code, const std::string &why) {
        set_last_error(fmt::format("backend '{}' cannot be registered: {}", vm_name, why));
        log::warn("{}", last_error());
        return code;
    };
    if (not is_name(vm_name)) {
        return refuse(
            EBPF_ERROR_INVALID_ARGUMENT,
            "a name has letters, digits, '_', '-' and '.' only, and does not begin with '.'");
    }
    if (not factory) return refuse(EBPF_ERROR_INVALID_ARGUMENT, "its factory is empty");
    if (opening_plugin) {
        log::debug("backend '{}' is known by its plugin's descriptor alone", vm_name);
        return EBPF_OK;
    }
    if (not registry::instance().add(vm_name, std::move(factory))) {
        return refuse(EBPF_ERROR_ALREADY_EXISTS, "the name is taken; the first registration stays");
    }
    log::debug("backend '{}' registered", vm_name);
    return EBPF_OK;
}

std::vector<std::string> list_vm_backends() {
    std::vector<std::string> names = registry::instance().names();
    for (std::string &plugin : find_plugins()) {
        if (is_name(plugin) and std::ranges::find(names, plugin) == names.end())
            names.push_back(std::move(plugin));
    }
    for (const std::string_view best : preference | std::views::reverse) {
        const auto it = std::ranges::find(names, best);
        if (it != names.end()) std::rotate(names.begin(), it, it + 1);
    }
    return names;
}

std::unique_ptr<bpftime_vm_impl> create_vm_instance(const std::string &vm_name) {
    if (vm_name.empty()) return create_best();
    std::string why;
    const vm_factory factory = find_factory(vm_name, why);
    if (not factory) {
        throw std::runtime_error(fmt::format("unknown backend '{}': {}; there are: {}",
                                             vm_name.c_str(), why,
                                             fmt::join(list_vm_backends(), ", ")));
    }
    auto instance = start(vm_name, factory);
    instance->backend_name_ = vm_name;
    return instance;
}

}  // namespace bpftime::vm::compat
