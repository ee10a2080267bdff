// bpftime-vm: contenders behind C APIs: this build's, other libraries with the same API, uBPF
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include "ebpf-vm.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace bpftime::vm::benchmark {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) or __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

/// Loads a library for good, into a namespace of its own: it may have the names of this build's
/// library, and its plugins must find it and not this one. Sanitizers allow one namespace only.
void *open_library(const std::string &path) {
    // A path without a slash would be searched for among the system's libraries.
    const std::string file = std::filesystem::absolute(path).string();
    void *const handle = sanitized ? dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)
                                   : dlmopen(LM_ID_NEWLM, file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) throw std::runtime_error(dlerror());
    return handle;
}

template <typename Function>
void find_optional(void *library, const char *name, Function *&function) {
    function = reinterpret_cast<Function *>(dlsym(library, name));
}

template <typename Function>
void find(void *library, const std::string &path, const char *name, Function *&function) {
    find_optional(library, name, function);
    if (function == nullptr)
        throw std::runtime_error(fmt::format("{} does not export {}", path, name));
}

std::string name_of(const library_option &library) {
    if (not library.as.empty()) return library.as;
    const std::string file = std::filesystem::path{library.path}.filename().string();
    return file.substr(0, file.find(".so"));
}

std::string text_of(const char *message, const char *otherwise) {
    return message == nullptr or * message == '\0' ? otherwise : message;
}

using free_fn = void (*)(void *);

/// free() of the C library that a library uses: each namespace has its own.
free_fn find_free(void *library) {
    if (sanitized) return std::free;
    return reinterpret_cast<free_fn>(dlsym(library, "free"));
}

/// Throws the message that a function of a C API left for its caller to free.
[[noreturn]] void fail(free_fn release, char *message, const char *otherwise) {
    const std::runtime_error error{text_of(message, otherwise)};
    release(message);
    throw error;
}

// --- the API of ebpf-vm.h
// -------------------------------------------------------------------------

/// Functions below `exec` may be missing.
struct ebpf_api {
    ebpf_vm *(*create)(const char *);
    void (*destroy)(ebpf_vm *);
    int (*load)(ebpf_vm *, const void *, uint32_t, char **);
    int64_t (*exec)(ebpf_vm *, void *, size_t, int64_t *);
    ebpf_jit_fn (*compile)(ebpf_vm *, char **);
    bool (*toggle_bounds_check)(ebpf_vm *, bool);
    int (*set_max_insns)(ebpf_vm *, uint32_t);
    const char *(*last_error)();
    size_t (*list_vms)(const char **, size_t);
    free_fn free;
};

constexpr ebpf_api own_api{
    ebpf_create,        ebpf_destroy,
    ebpf_load,          static_cast<int64_t (*)(ebpf_vm *, void *, size_t, int64_t *)>(ebpf_exec),
    ebpf_compile,       ebpf_toggle_bounds_check,
    ebpf_set_max_insns, ebpf_last_error,
    ebpf_list_vms,      std::free,
};

ebpf_api find_ebpf_api(const std::string &path) {
    void *const library = open_library(path);
    ebpf_api api{};
    find(library, path, "ebpf_create", api.create);
    find(library, path, "ebpf_destroy", api.destroy);
    find(library, path, "ebpf_load", api.load);
    find(library, path, "ebpf_exec", api.exec);
    find_optional(library, "ebpf_compile", api.compile);
    find_optional(library, "ebpf_toggle_bounds_check", api.toggle_bounds_check);
    find_optional(library, "ebpf_set_max_insns", api.set_max_insns);
    find_optional(library, "ebpf_last_error", api.last_error);
    find_optional(library, "ebpf_list_vms", api.list_vms);
    api.free = find_free(library);
    return api;
}

/// How a backend's machines run programs.
struct ebpf_mode {
    bool checked;
    bool compiles_first;  ///< by ebpf_compile(), where ebpf_exec() alone would not
};

class ebpf_machine final : public machine {
public:
    ebpf_machine(const ebpf_api &api, const std::string &backend, ebpf_mode mode)
        : api_{api}, compiles_first_{mode.compiles_first}, vm_{api.create(backend.c_str())} {
        if (vm_ == nullptr)
            throw std::runtime_error(
                text_of(api_.last_error ? api_.last_error() : nullptr, "ebpf_create() gave NULL"));
        if (api_.toggle_bounds_check != nullptr) api_.toggle_bounds_check(vm_, mode.checked);
        if (api_.set_max_insns != nullptr) api_.set_max_insns(vm_, EBPF_MOST_INSTS);
    }
    ~ebpf_machine() override { api_.destroy(vm_); }

    void load(const std::vector<uint8_t> &code) override {
        is_compiled_ = false;
        char *message = nullptr;
        if (api_.load(vm_, code.data(), static_cast<uint32_t>(code.size()), &message) < 0)
            fail(api_.free, message, "ebpf_load() failed");
    }
    void compile() override {
        char *message = nullptr;
        if (api_.compile == nullptr) throw std::runtime_error("there is no ebpf_compile()");
        if (api_.compile(vm_, &message) == nullptr)
            fail(api_.free, message, "ebpf_compile() failed");
        is_compiled_ = true;
    }
    bool run(void *mem, size_t len, uint64_t &r0) override {
        if (compiles_first_ and not is_compiled_) compile();
        return api_.exec(vm_, mem, len, reinterpret_cast<int64_t *>(&r0)) == 0;
    }
    [[nodiscard]] std::string last_error() const override {
        return text_of(api_.last_error ? api_.last_error() : nullptr, "ebpf_exec() failed");
    }

private:
    ebpf_api api_;
    bool compiles_first_;
    bool is_compiled_ = false;
    ebpf_vm *vm_;
};

std::vector<std::string> list_backends(const ebpf_api &api) {
    std::vector<const char *> names(api.list_vms(nullptr, 0));
    names.resize(std::min(names.size(), api.list_vms(names.data(), names.size())));
    return {names.begin(), names.end()};
}

bool can_compile(const ebpf_api &api, const std::string &backend) {
    const std::vector<uint8_t> leave{0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0};
    try {
        ebpf_machine m{api, backend, {.checked = true, .compiles_first = false}};
        m.load(leave);
        m.compile();
        return true;
    } catch (const std::runtime_error &) {
        return false;
    }
}

void add_backend(std::vector<contender> &out, const ebpf_api &api, const std::string &name,
                 const std::string &backend, bool foreign) {
    const bool compiles = can_compile(api, backend);
    const auto add = [&](const std::string &as, bool is_compiler, bool compiles_first) {
        const auto maker = [&](bool checked) {
            const ebpf_mode mode{checked, compiles_first};
            return [=] { return std::make_unique<ebpf_machine>(api, backend, mode); };
        };
        out.push_back({as, true, is_compiler, foreign, maker(true)});
        if (api.toggle_bounds_check != nullptr)
            out.push_back({as + "-unchecked", false, is_compiler, foreign, maker(false)});
    };
    // This one interprets until it is told to compile.
    const bool interprets = backend == "ubpf";
    add(name, compiles and not interprets, false);
    if (interprets and compiles) add(name + "-jit", true, true);
}

// --- uBPF
// -----------------------------------------------------------------------------------------

struct ubpf_vm;

struct ubpf_api {
    using jit_fn = uint64_t (*)(void *, size_t);

    ubpf_vm *(*create)();
    void (*destroy)(ubpf_vm *);
    int (*load)(ubpf_vm *, const void *, uint32_t, char **);
    void (*unload_code)(ubpf_vm *);
    int (*exec)(const ubpf_vm *, void *, size_t, uint64_t *);
    jit_fn (*compile)(ubpf_vm *, char **);
    bool (*toggle_bounds_check)(ubpf_vm *, bool);
    free_fn free;
};

ubpf_api find_ubpf_api(const std::string &path) {
    void *const library = open_library(path);
    ubpf_api api{};
    find(library, path, "ubpf_create", api.create);
    find(library, path, "ubpf_destroy", api.destroy);
    find(library, path, "ubpf_load", api.load);
    find(library, path, "ubpf_unload_code", api.unload_code);
    find(library, path, "ubpf_exec", api.exec);
    find(library, path, "ubpf_compile", api.compile);
    find(library, path, "ubpf_toggle_bounds_check", api.toggle_bounds_check);
    api.free = find_free(library);
    return api;
}

enum class ubpf_mode { interpreter, unchecked_interpreter, jit };

class ubpf_machine final : public machine {
public:
    ubpf_machine(const ubpf_api &api, ubpf_mode mode)
        : api_{api}, compiles_{mode == ubpf_mode::jit}, vm_{api.create()} {
        if (vm_ == nullptr) throw std::runtime_error("ubpf_create() gave NULL");
        api_.toggle_bounds_check(vm_, mode == ubpf_mode::interpreter);
    }
    ~ubpf_machine() override { api_.destroy(vm_); }

    void load(const std::vector<uint8_t> &code) override {
        entry_ = nullptr;
        api_.unload_code(vm_);
        char *message = nullptr;
        if (api_.load(vm_, code.data(), static_cast<uint32_t>(code.size()), &message) < 0)
            fail(api_.free, message, "ubpf_load() failed");
    }
    void compile() override {
        char *message = nullptr;
        entry_ = api_.compile(vm_, &message);
        if (entry_ == nullptr) fail(api_.free, message, "ubpf_compile() failed");
    }
    bool run(void *mem, size_t len, uint64_t &r0) override {
        if (not compiles_) return api_.exec(vm_, mem, len, &r0) == 0;
        if (entry_ == nullptr) compile();
        r0 = entry_(mem, len);
        return true;
    }
    [[nodiscard]] std::string last_error() const override { return "ubpf_exec() failed"; }

private:
    ubpf_api api_;
    bool compiles_;
    ubpf_vm *vm_;
    ubpf_api::jit_fn entry_ = nullptr;
};

}  // namespace

library_option library_option::parse(std::string_view text) {
    library_option out;
    for (auto comma = text.rfind(','); comma != text.npos; comma = text.rfind(',')) {
        const std::string_view option = text.substr(comma + 1);
        if (option.starts_with("vm="))
            out.vm = option.substr(3);
        else if (option.starts_with("as="))
            out.as = option.substr(3);
        else
            break;  // a comma of the path
        text = text.substr(0, comma);
    }
    out.path = text;
    if (out.path.empty())
        throw std::runtime_error("a library needs a path: PATH[,vm=NAME][,as=NAME]");
    return out;
}

std::vector<contender> own_contenders(const std::vector<std::string> &only) {
    std::vector<contender> out;
    for (const std::string &name : list_backends(own_api)) {
        if (only.empty() or std::ranges::find(only, name) != only.end())
            add_backend(out, own_api, name, name, false);
    }
    return out;
}

std::vector<contender> library_contenders(const library_option &library) {
    const ebpf_api api = find_ebpf_api(library.path);
    if (library.vm.empty() and api.list_vms == nullptr) {
        throw std::runtime_error(
            fmt::format("{} does not export ebpf_list_vms: name a backend, as in {},vm=llvm",
                        library.path, library.path));
    }
    std::vector<contender> out;
    for (const std::string &backend :
         library.vm.empty() ? list_backends(api) : std::vector{library.vm}) {
        add_backend(out, api, fmt::format("{}:{}", name_of(library), backend), backend, true);
    }
    return out;
}

std::vector<contender> ubpf_contenders(const library_option &library) {
    const ubpf_api api = find_ubpf_api(library.path);
    const auto make = [&](std::string_view name, bool standard, ubpf_mode mode) {
        return contender{fmt::format("{}:{}", name_of(library), name), standard,
                         mode == ubpf_mode::jit, true,
                         [=] { return std::make_unique<ubpf_machine>(api, mode); }};
    };
    return {make("interpreter", true, ubpf_mode::interpreter),
            make("interpreter-unchecked", false, ubpf_mode::unchecked_interpreter),
            make("jit", true, ubpf_mode::jit)};
}

}  // namespace bpftime::vm::benchmark
