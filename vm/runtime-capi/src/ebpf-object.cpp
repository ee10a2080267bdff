// bpftime-vm: the C API of objects: opened, loaded, their programs, maps and variables
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "ebpf-object.h"

#include "boundary.hpp"
#include "bpftime_vm_compat.hpp"
#include "handles.hpp"
#include "isa/isa.hpp"
#include "runtime/object_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string_view>

using namespace bpftime::vm;
using namespace bpftime::vm::runtime_capi;
using compat::vm_limit;
using object::object_file;
using runtime::loaded_object;

ebpf_object::ebpf_object(object_file opened)
    : file{std::make_shared<object_file>(std::move(opened))},
      license{file->license()},
      globals{file->variables()} {
    for (const object::function_info &f : file->functions()) {
        if (f.is_program) programs.push_back({.owner = this, .info = &f, .autoload = f.type.load});
    }
    for (uint32_t i = 0; i < file->maps().size(); ++i)
        maps.push_back({.made = nullptr, .file = file, .index = i, .owner = this});
}

ebpf_object::~ebpf_object() {
    for (const auto &array : arrays_) {
        const auto there = array.lock();
        runtime::object_map *const programs_of = runtime::as_object_map(there.get());
        if (programs_of == nullptr) continue;
        for (const ebpf_program &p : programs) {
            if (p.vm() != nullptr) programs_of->take_out(p.vm());
        }
    }
}

void ebpf_object::note_array(const std::shared_ptr<runtime::map> &array) {
    const std::lock_guard guard{arrays_lock_};
    std::erase_if(arrays_, [](const auto &known) { return known.expired(); });
    const auto is_it = [&](const auto &known) { return known.lock() == array; };
    if (std::ranges::none_of(arrays_, is_it)) arrays_.emplace_back(array);
}

namespace {

// --- opening

constexpr std::size_t largest_object = std::size_t{1} << 30;

error file_error(const char *path, const char *what) {
    const int number = errno;
    error e = make_error(number == ENOENT ? error_code::not_found : error_code::invalid_argument,
                         fmt::format("cannot {} '{}': {}", what, path, std::strerror(number)));
    e.kernel_errno = number;
    return e;
}

result<std::vector<uint8_t>> read_file(const char *path) {
    const std::unique_ptr<std::FILE, decltype(&std::fclose)> file{std::fopen(path, "rbe"),
                                                                  &std::fclose};
    if (file == nullptr) return std::unexpected{file_error(path, "open")};
    std::vector<uint8_t> all;
    constexpr std::size_t step = 65536;
    std::size_t got = step;
    while (got == step) {
        all.resize(all.size() + step);
        got = std::fread(all.data() + all.size() - step, 1, step, file.get());
        all.resize(all.size() - step + got);
        if (all.size() > largest_object) {
            return std::unexpected{
                make_error(error_code::limit_exceeded,
                           fmt::format("'{}' is larger than {} bytes", path, largest_object))};
        }
    }
    if (std::ferror(file.get()) != 0) return std::unexpected{file_error(path, "read")};
    return all;
}

ebpf_object *open(std::span<const uint8_t> bytes) {
    auto file = object_file::parse(bytes);
    return file ? new ebpf_object{std::move(*file)} : failed<ebpf_object *>(file.error());
}

result<object_file> link(std::span<ebpf_object *const> objects) {
    std::vector<const object_file *> files;
    for (const ebpf_object *const o : objects) {
        if (o == nullptr)
            return std::unexpected{make_error(error_code::invalid_argument, "an object is NULL")};
        if (o->is_loaded()) {
            return std::unexpected{
                make_error(error_code::already_exists, "an object is loaded already")};
        }
        files.push_back(o->file.get());
    }
    return object_file::combine(files);
}

// --- loading

result<std::shared_ptr<const object::btf>> read_target(const ebpf_object_options &o) {
    if (o.target_btf == nullptr and o.target_btf_path == nullptr) return nullptr;
    if (o.target_btf != nullptr and o.target_btf_path != nullptr) {
        return std::unexpected{make_error(error_code::invalid_argument,
                                          "target_btf and target_btf_path are both given")};
    }
    auto read = o.target_btf != nullptr ? object::btf::read(bytes(o.target_btf, o.target_btf_size))
                                        : object::btf::read_file(o.target_btf_path);
    if (not read) return std::unexpected{std::move(read.error())};
    return std::make_shared<const object::btf>(std::move(*read));
}

error vm_error(const ebpf_vm &vm) {
    return make_error(error_code::invalid_argument, vm.error_message());
}

result<void> configure(ebpf_vm &vm, const ebpf_object_options &o) {
    if (o.max_insns != 0 and vm.set_limit(vm_limit::insns, o.max_insns) < 0)
        return std::unexpected{vm_error(vm)};
    if (o.instruction_limit != 0 and vm.set_limit(vm_limit::instructions, o.instruction_limit) < 0)
        return std::unexpected{vm_error(vm)};
    if (o.configure == nullptr) return {};
    const int code = o.configure(o.configure_context, &vm);
    if (code >= 0) return {};
    return std::unexpected{make_error(error_code::invalid_argument,
                                      fmt::format("the host's configure() gave {}", code))};
}

result<std::optional<object::program_type>> type_of(const ebpf_object_options &o) {
    constexpr int last = static_cast<int>(object::program_type::netfilter);
    if (o.program_type == 0) return std::optional<object::program_type>{};
    if (o.program_type == EBPF_PROGRAM_TYPE_PLAIN)
        return std::optional{object::program_type::generic};
    if (o.program_type > 0 and o.program_type <= last)
        return std::optional{object::program_type{static_cast<uint8_t>(o.program_type)}};
    return std::unexpected{
        make_error(error_code::invalid_argument,
                   fmt::format("program_type {} is none of the kernel's", o.program_type))};
}

/// What the handles of an object's maps and programs ask for.
void choose(const ebpf_object &object, runtime::load_options &options) {
    for (const ebpf_program &p : object.programs) {
        if (p.autoload) options.programs.push_back(p.info);
    }
    for (const ebpf_map &m : object.maps) {
        if (m.reused != nullptr) options.maps.emplace(m.index, m.reused);
        if (m.autocreate) options.wanted_maps.push_back(m.index);
    }
    options.adjust = [&object](map_definition &d) {
        for (const ebpf_map &m : object.maps) {
            const auto &name = object.file->maps()[m.index].definition.name;
            if (m.max_entries and name == d.name) d.max_entries = *m.max_entries;
        }
    };
}

result<runtime::load_options> options_of(const ebpf_object &object, const ebpf_object_options &o) {
    runtime::load_options options;
    options.backend = o.backend == nullptr ? "" : o.backend;
    if (o.helper_count != 0 and o.helpers == nullptr) {
        return std::unexpected{make_error(error_code::invalid_argument, "helpers is NULL")};
    }
    if (o.helpers != nullptr) options.helpers.assign(o.helpers, o.helpers + o.helper_count);
    if (o.kernel_function_count != 0 and o.kernel_functions == nullptr) {
        return std::unexpected{
            make_error(error_code::invalid_argument, "kernel_functions is NULL")};
    }
    if (o.kernel_functions != nullptr) {
        options.kernel_functions.assign(o.kernel_functions,
                                        o.kernel_functions + o.kernel_function_count);
    }
    if (o.trace != nullptr) {
        options.trace = [trace = o.trace, context = o.trace_context](std::string_view text) {
            trace(context, text.data(), text.size());
        };
    }
    if (o.clock != nullptr) {
        options.clock = [clock = o.clock, context = o.clock_context](runtime::timer_clock which) {
            return clock(context, static_cast<uint32_t>(which));
        };
    }
    if (o.signal != nullptr) {
        options.signals = [signal = o.signal, context = o.signal_context](
                              int number, runtime::signal_target to) {
            return signal(context, number, to == runtime::signal_target::thread);
        };
    }
    if (o.pin_folder != nullptr) options.pin_folder = o.pin_folder;
    options.configure = [&o](ebpf_vm &vm) { return configure(vm, o); };
    auto type = type_of(o);
    if (not type) return std::unexpected{std::move(type.error())};
    options.type = *type;
    choose(object, options);
    return options;
}

result<void> load(ebpf_object &object, const ebpf_object_options &o) {
    auto options = options_of(object, o);
    if (not options) return std::unexpected{std::move(options.error())};
    if (options->programs.empty())
        return std::unexpected{make_error(error_code::not_found, "no program is to be loaded")};
    auto target = read_target(o);
    if (not target) return std::unexpected{std::move(target.error())};
    options->target = std::move(*target);
    auto loaded = loaded_object::load(*object.file, *options);
    if (not loaded) return std::unexpected{std::move(loaded.error())};
    object.loaded = std::move(*loaded);
    auto next = object.loaded->programs().begin();
    for (ebpf_program &p : object.programs) {
        if (p.autoload) p.loaded = &*next++;
    }
    for (ebpf_map &m : object.maps) m.made = object.loaded->maps()[m.index];
    return {};
}

// --- iterating and finding

/// The element after `at` of the vector; the first for null; null after the last, or if `at` is of
/// another object.
template <typename Handle>
Handle *next(const std::vector<Handle> &all, const Handle *at) {
    const Handle *const begin = all.data();
    const bool is_here = at == nullptr or (at >= begin and at < begin + all.size());
    if (not is_here)
        return failed<Handle *>(
            make_error(error_code::invalid_argument, "the handle is of another object"));
    const std::size_t index = at == nullptr ? 0 : static_cast<std::size_t>(at - begin) + 1;
    return index < all.size() ? const_cast<Handle *>(begin + index) : nullptr;
}

template <typename Handle, typename NameOf>
Handle *find(const std::vector<Handle> &all, const char *name, const char *what, NameOf name_of) {
    if (name == nullptr)
        return failed<Handle *>(make_error(error_code::invalid_argument, "name is NULL"));
    const auto at = std::ranges::find(all, std::string_view{name}, name_of);
    if (at != all.end()) return const_cast<Handle *>(&*at);
    return failed<Handle *>(
        make_error(error_code::not_found,
                   fmt::format("the object has no {} '{}'", what, runtime_json::printable(name))));
}

// --- programs

ebpf_program_info info_of(const ebpf_program &p) {
    const object::program_type type = p.loaded ? p.loaded->type : p.info->type.program;
    const std::size_t bytes = p.loaded ? p.loaded->linked.code.size() : p.info->size;
    ebpf_program_info info{};
    info.name = p.info->name.c_str();
    info.section = p.info->section.c_str();
    info.type = static_cast<uint32_t>(type);
    info.insn_count = static_cast<uint32_t>(bytes / isa::slot_size);
    info.is_loaded = p.owner->is_loaded() ? p.loaded != nullptr : p.autoload;
    info.takes_packets = runtime::context_layout_of(type) != nullptr;
    return info;
}

// --- variables

result<object::global_variable> global(const ebpf_object &object, const char *name) {
    if (name == nullptr)
        return std::unexpected{make_error(error_code::invalid_argument, "name is NULL")};
    return object.file->global(name);
}

result<void> get(const ebpf_object &object, const char *name, std::span<uint8_t> to) {
    const auto place = global(object, name);
    if (not place) return std::unexpected{place.error()};
    if (object.loaded) return object.loaded->read(*place, to);
    const auto value = object.file->value_of(name);
    if (not value) return std::unexpected{value.error()};
    if (value->size() != to.size()) {
        return std::unexpected{
            make_error(error_code::invalid_argument,
                       fmt::format("{} bytes, but the variable has {}", to.size(), value->size()))};
    }
    std::ranges::copy(*value, to.begin());
    return {};
}

result<void> set(ebpf_object &object, const char *name, std::span<const uint8_t> value) {
    const auto place = global(object, name);
    if (not place) return std::unexpected{place.error()};
    return object.loaded ? object.loaded->write(*place, value) : object.file->set(name, value);
}

/// For what has to be done before an object is loaded.
int too_late(const char *what) {
    return report(make_error(error_code::already_exists,
                             fmt::format("{}: the object is loaded already", what)));
}

}  // namespace

extern "C" {

// --- lifecycle

struct ebpf_object *ebpf_object_open(const void *data, size_t size) {
    return guarded([&]() -> ebpf_object * {
        if (data == nullptr)
            return failed<ebpf_object *>(make_error(error_code::invalid_argument, "bytes is NULL"));
        return open(bytes(data, size));
    });
}

struct ebpf_object *ebpf_object_open_file(const char *path) {
    return guarded([&]() -> ebpf_object * {
        if (path == nullptr)
            return failed<ebpf_object *>(make_error(error_code::invalid_argument, "path is NULL"));
        const auto contents = read_file(path);
        return contents ? open(*contents) : failed<ebpf_object *>(contents.error());
    });
}

struct ebpf_object *ebpf_object_link(struct ebpf_object *const *objects, size_t count) {
    return guarded([&]() -> ebpf_object * {
        const std::span all{objects, objects == nullptr ? 0 : count};
        auto linked = link(all);
        return linked ? new ebpf_object{std::move(*linked)} : failed<ebpf_object *>(linked.error());
    });
}

void ebpf_object_close(struct ebpf_object *object) { delete object; }

const char *ebpf_object_license(const struct ebpf_object *object) {
    return with(object, "object", [](const ebpf_object &o) { return o.license.c_str(); });
}

int ebpf_object_load(struct ebpf_object *object, const struct ebpf_object_options *options) {
    return with(object, "object", [&](ebpf_object &o) -> int {
        if (o.is_loaded()) return too_late("ebpf_object_load()");
        ebpf_object_options given{};
        if (options != nullptr) {
            const auto read = read_struct(options, "options");
            if (not read) return report(read.error());
            given = *read;
        }
        return to_c(load(o, given));
    });
}

// --- programs

struct ebpf_program *ebpf_object_next_program(const struct ebpf_object *object,
                                              const struct ebpf_program *program) {
    return with(object, "object", [&](const ebpf_object &o) { return next(o.programs, program); });
}

struct ebpf_program *ebpf_object_find_program(const struct ebpf_object *object, const char *name) {
    return with(object, "object", [&](const ebpf_object &o) {
        const auto name_of = [](const ebpf_program &p) -> std::string_view { return p.info->name; };
        return find(o.programs, name, "program", name_of);
    });
}

int ebpf_program_get_info(const struct ebpf_program *program, struct ebpf_program_info *info) {
    return with(program, "program",
                [&](const ebpf_program &p) { return fill_struct(info, "info", info_of(p)); });
}

int ebpf_program_set_autoload(struct ebpf_program *program, bool autoload) {
    return with(program, "program", [&](ebpf_program &p) -> int {
        if (p.owner->is_loaded()) return too_late("ebpf_program_set_autoload()");
        p.autoload = autoload;
        return 0;
    });
}

struct ebpf_vm *ebpf_program_vm(struct ebpf_program *program) {
    return with(program, "program", [](ebpf_program &p) -> ebpf_vm * {
        return p.loaded != nullptr ? p.vm() : compat::failed_value<ebpf_vm *>(not_loaded(p));
    });
}

const char *ebpf_program_why_unavailable(const struct ebpf_program *program, uint32_t pc) {
    return with(program, "program", [&](const ebpf_program &p) -> const char * {
        if (p.loaded == nullptr) return compat::failed_value<const char *>(not_loaded(p));
        const std::string_view why = p.loaded->why_unavailable(pc);
        return why.empty() ? "" : why.data();  // all of a string
    });
}

// --- timers

int64_t ebpf_object_run_timers(struct ebpf_object *object) {
    return with(object, "object", [](ebpf_object &o) -> int64_t {
        if (not o.loaded) return refuse("the object is not loaded");
        const runtime::timer_runs runs = o.loaded->run_timers();
        return static_cast<int64_t>(runs.ran + runs.faulted);
    });
}

int ebpf_object_next_timer(const struct ebpf_object *object, uint64_t *nanoseconds) {
    return with(object, "object", [&](const ebpf_object &o) -> int {
        if (not o.loaded) return refuse("the object is not loaded");
        const auto next = o.loaded->next_timer();
        if (next and nanoseconds != nullptr) *nanoseconds = *next;
        return next ? 1 : 0;
    });
}

// --- maps

struct ebpf_map *ebpf_object_next_map(const struct ebpf_object *object,
                                      const struct ebpf_map *map) {
    return with(object, "object", [&](const ebpf_object &o) { return next(o.maps, map); });
}

struct ebpf_map *ebpf_object_find_map(const struct ebpf_object *object, const char *name) {
    return with(object, "object", [&](const ebpf_object &o) {
        const auto name_of = [](const ebpf_map &m) -> std::string_view {
            return m.file->maps()[m.index].definition.name;
        };
        return find(o.maps, name, "map", name_of);
    });
}

int ebpf_map_set_max_entries(struct ebpf_map *map, uint32_t max_entries) {
    return with(map, "map", [&](ebpf_map &m) -> int {
        if (m.owner == nullptr) return refuse("the map is of no object that could be loaded");
        if (m.owner->is_loaded()) return too_late("ebpf_map_set_max_entries()");
        m.max_entries = max_entries;
        return 0;
    });
}

int ebpf_map_set_autocreate(struct ebpf_map *map, bool autocreate) {
    return with(map, "map", [&](ebpf_map &m) -> int {
        if (m.owner == nullptr) return refuse("the map is of no object that could be loaded");
        if (m.owner->is_loaded()) return too_late("ebpf_map_set_autocreate()");
        m.autocreate = autocreate;
        return 0;
    });
}

int ebpf_map_reuse(struct ebpf_map *map, const struct ebpf_map *other) {
    return with(map, "map", [&](ebpf_map &m) -> int {
        if (m.owner == nullptr) return refuse("the map is of no object that could be loaded");
        if (m.owner->is_loaded()) return too_late("ebpf_map_reuse()");
        if (other != nullptr and other->made == nullptr)
            return refuse(fmt::format("map '{}' is not made yet: load its object first",
                                      other->definition().name));
        m.reused = other == nullptr ? nullptr : other->made;
        return 0;
    });
}

// --- variables

size_t ebpf_object_list_globals(const struct ebpf_object *object, const char **names,
                                size_t capacity) {
    return with(object, "object", [&](const ebpf_object &o) -> size_t {
        if (names != nullptr) {
            for (size_t i = 0; i < std::min(capacity, o.globals.size()); ++i)
                names[i] = o.globals[i].c_str();
        }
        return o.globals.size();
    });
}

int ebpf_object_get_global_info(const struct ebpf_object *object, const char *name,
                                struct ebpf_global_info *info) {
    return with(object, "object", [&](const ebpf_object &o) -> int {
        const auto place = global(o, name);
        if (not place) return report(place.error());
        const object::object_map &map = o.file->maps()[place->map];
        ebpf_global_info values{};
        values.section = map.definition.name.c_str();
        values.value_size = place->size;
        values.offset = place->offset;
        values.is_constant = map.frozen;
        return fill_struct(info, "info", values);
    });
}

int ebpf_object_get_global(const struct ebpf_object *object, const char *name, void *value,
                           size_t size) {
    return with(object, "object", [&](const ebpf_object &o) {
        return value == nullptr ? refuse("value is NULL") : to_c(get(o, name, bytes(value, size)));
    });
}

int ebpf_object_set_global(struct ebpf_object *object, const char *name, const void *value,
                           size_t size) {
    return with(object, "object", [&](ebpf_object &o) {
        return value == nullptr ? refuse("value is NULL") : to_c(set(o, name, bytes(value, size)));
    });
}

int ebpf_object_set_kconfig(struct ebpf_object *object, const char *name, const char *value) {
    return with(object, "object", [&](ebpf_object &o) -> int {
        if (name == nullptr or value == nullptr) return refuse("name or value is NULL");
        if (o.is_loaded()) return too_late("ebpf_object_set_kconfig()");
        return to_c(o.file->configure(name, value));
    });
}

}  // extern "C"
