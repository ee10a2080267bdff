// bpftime-vm: an object that can run
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/loaded_object.hpp"

#include "isa/isa.hpp"
#include "isa/validate.hpp"
#include "object/value_fields.hpp"
#include "object_helpers.hpp"
#include "object_source.hpp"
#include "program/program.hpp"
#include "runtime/arena.hpp"
#include "runtime/cpu.hpp"
#include "runtime/object_map.hpp"
#include "runtime/packet.hpp"
#include "runtime/read_section.hpp"
#include "timer_helpers.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <stdexcept>

namespace bpftime::vm::runtime {

namespace {

using maybe_error = std::optional<error>;

std::span<const uint8_t> bytes_of(const uint32_t &word) noexcept {
    return {reinterpret_cast<const uint8_t *>(&word), sizeof word};
}

/// What loaders fill in before they ask the kernel.
map_definition complete(map_definition d) {
    const auto page = static_cast<uint32_t>(getpagesize());
    constexpr uint32_t most = uint32_t{1} << 31;
    if (d.type == map_type::perf_event_array) {
        // Objects may declare the type of their records as that of a value.
        d.key_size = d.value_size = sizeof(uint32_t);
        if (d.max_entries == 0) d.max_entries = cpu_count();
    }
    const bool is_ring = d.type == map_type::ringbuf or d.type == map_type::user_ringbuf;
    if (is_ring and d.max_entries != 0 and d.max_entries <= most)
        d.max_entries = std::max(page, std::bit_ceil(d.max_entries));
    return d;
}

/// Of these the number of entries is 0.
bool is_storage(map_type type) noexcept {
    switch (type) {
    case map_type::cgroup_storage:
    case map_type::percpu_cgroup_storage:
    case map_type::sk_storage:
    case map_type::inode_storage:
    case map_type::task_storage:
    case map_type::cgrp_storage: return true;
    default: return false;
    }
}

bool is_poison(uint32_t id) noexcept {
    return id == static_cast<uint32_t>(object::poisoned_helper) or
           id == static_cast<uint32_t>(object::poisoned_kernel_function);
}

/// The kernel functions that a program may call.
struct kernel_functions {
    std::vector<std::string> names;
    std::vector<uint32_t> ids;  ///< of the helper that each is
};

/// The id of the host's kernel function `index`.
uint32_t id_of_host_function(std::size_t index) noexcept {
    constexpr uint32_t most_own = 0x1'0000;
    return first_kernel_function + most_own + static_cast<uint32_t>(index);
}

kernel_functions functions_for(bool takes_packets, std::span<const ebpf_helper> of_host) {
    kernel_functions all;
    for (std::size_t i = 0; i < of_host.size(); ++i) {
        all.names.emplace_back(of_host[i].name == nullptr ? "" : of_host[i].name);
        all.ids.push_back(id_of_host_function(i));
    }
    for (const helper_row &row : kernel_function_table()) {
        if (needs_packet(row) and not takes_packets) continue;
        all.names.push_back(row.declaration.name);
        all.ids.push_back(row.declaration.id);
    }
    return all;
}

/// Makes calls of kernel functions calls of the helpers that they are.
void call_helpers(object::bytecode &linked, std::span<const uint32_t> ids) {
    const std::span code{linked.code};
    for (const uint32_t pc : linked.kernel_calls) {
        isa::slot call = isa::read_slot(code, pc);
        call.src = 0;
        call.imm = static_cast<int32_t>(ids[static_cast<uint32_t>(call.imm)]);
        const std::size_t at = std::size_t{pc} * isa::slot_size;
        isa::write_slot(call, code.subspan(at).first<isa::slot_size>());
    }
}

/// The calls of a program that this host cannot make, each in words. `known`: ids of kernel
/// functions.
std::vector<std::string> missing_calls(const program &p, bool takes_packets,
                                       std::span<const ebpf_helper> more,
                                       std::span<const uint32_t> known) {
    const auto is_there = [&](uint32_t id) {
        const auto is_it = [&](const helper_row &row) {
            return row.declaration.id == id and (takes_packets or not needs_packet(row));
        };
        return is_poison(id) or std::ranges::find(known, id) != known.end() or
               std::ranges::any_of(helper_table(), is_it) or
               std::ranges::find(more, id, &ebpf_helper::id) != more.end();
    };
    std::map<uint32_t, uint32_t> helpers;  // pc of the first call by id
    std::map<uint32_t, uint32_t> functions;
    for (const basic_block &b : p.blocks()) {
        if (not b.reachable) continue;
        for (uint32_t pc = b.begin; pc < b.end; ++pc) {
            const isa::instruction &i = p.insn(pc);
            const auto id = static_cast<uint32_t>(i.imm);
            if (i.id == isa::insn_id::call and not is_there(id)) helpers.try_emplace(id, pc);
            if (i.id == isa::insn_id::call_kfunc) functions.try_emplace(id, pc);
        }
    }
    std::vector<std::string> words;
    for (const auto &[id, pc] : helpers) {
        const std::string_view name = helper_name(id);
        words.push_back(fmt::format("helper {}{} at pc {}", id,
                                    name.empty() ? "" : fmt::format(" ({})", name), pc));
    }
    for (const auto &[id, pc] : functions)
        words.push_back(fmt::format("the kernel function with BTF id {} at pc {}", id, pc));
    return words;
}

/// Programs of the kernel's write r10 where its verifier sees that control never comes.
void poison_writes_of_r10(object::bytecode &linked) {
    constexpr uint8_t lddw = 0x18;
    constexpr uint8_t call = 0x85;
    const std::span code{linked.code};
    for (uint32_t pc = 0; std::size_t{pc} * isa::slot_size < code.size(); ++pc) {
        const auto bytes = code.subspan(std::size_t{pc} * isa::slot_size).first<isa::slot_size>();
        const auto i = isa::decode(code, pc);
        if (i and isa::is_wide(i->id)) ++pc;
        if (i) continue;
        if (i.error().code != error_code::read_only_register or bytes[0] == lddw) break;
        linked.poisoned.push_back({pc, i.error().message});
        isa::write_slot(
            {.opcode = call, .dst = 0, .src = 0, .offset = 0, .imm = object::poisoned_helper},
            bytes);
    }
    std::ranges::sort(linked.poisoned, {}, &object::poisoned_instruction::pc);
}

result<program> load_code(object::bytecode &linked) {
    const auto load = [&linked] {
        return program::load(linked.code,
                             {.max_insns = most_max_insns, .jump_targets = linked.jump_targets});
    };
    auto code = load();
    if (code or code.error().code != error_code::read_only_register) return code;
    poison_writes_of_r10(linked);
    return load();
}

result<std::shared_ptr<ebpf_vm>> make_vm(const std::string &backend) {
    try {
        return std::make_shared<ebpf_vm>(backend);
    } catch (const std::runtime_error &e) {
        return std::unexpected{make_error(error_code::unsupported, e.what())};
    }
}

error vm_error(const ebpf_vm &vm, int code) {
    const bool is_limit = code == EBPF_ERROR_LIMIT_EXCEEDED;
    error e{is_limit ? error_code::limit_exceeded : error_code::bad_object, {}, vm.error_message()};
    if (code == EBPF_ERROR_UNSUPPORTED) e.code = error_code::unsupported;
    return e;
}

maybe_error register_poison(ebpf_vm &vm) {
    for (const int32_t id : {object::poisoned_helper, object::poisoned_kernel_function}) {
        ebpf_helper helper{};
        helper.id = static_cast<uint32_t>(id);
        helper.name = "unavailable";
        helper.fn = [](uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) { return uint64_t{0}; };
        helper.result = EBPF_RESULT_NEVER;
        if (const int e = vm.register_helper(helper); e != EBPF_OK) return vm_error(vm, e);
    }
    return {};
}

}  // namespace

/// One load() in progress.
class object_loader {
public:
    object_loader(const object::object_file &file, const load_options &options)
        : file_{file}, options_{options} {}

    result<loaded_object> run() && {
        for (const auto step :
             {&object_loader::link_programs, &object_loader::make_maps,
              &object_loader::collect_pointers, &object_loader::fill_maps, &object_loader::make_vms,
              &object_loader::use_program_arrays, &object_loader::fill_program_arrays}) {
            if (auto e = (this->*step)()) return std::unexpected{std::move(*e)};
        }
        return std::move(out_);
    }

private:
    // --- programs

    std::vector<const object::function_info *> chosen() const {
        if (not options_.programs.empty()) return options_.programs;
        std::vector<const object::function_info *> all;
        for (const object::function_info &f : file_.functions()) {
            if (f.is_program and f.type.load) all.push_back(&f);
        }
        return all;
    }

    /// A program that is to be loaded, and what becomes of it.
    struct candidate {
        const object::function_info *function;
        std::optional<loaded_program> linked{};
    };

    maybe_error link_programs() {
        find_given_types();
        std::vector<candidate> all;
        for (const object::function_info *const f : chosen()) all.push_back({f});
        while (candidate *const next = choose_next(all)) {
            if (auto e = link(*next)) return e;
            const auto reached = next->linked->linked.maps;  // `all` grows, and moves it
            if (options_.load_targets) add_targets(reached, all);
        }
        for (candidate &c : all) out_.parts_->programs.push_back(std::move(*c.linked));
        return {};
    }

    /// The first one whose type is known, or else the first one; null: all are linked.
    candidate *choose_next(std::vector<candidate> &all) const {
        candidate *first = nullptr;
        for (candidate &c : all) {
            if (c.linked) continue;
            if (type_of(*c.function)) return &c;
            if (first == nullptr) first = &c;
        }
        return first;
    }

    /// Sections with free names do not say, but arrays are for programs of one type.
    [[nodiscard]] std::optional<object::program_type> type_of(
        const object::function_info &f) const {
        if (options_.type) return options_.type;
        if (f.type.program != object::program_type::generic) return f.type.program;
        for (const auto &[map, type] : array_types_) {
            if (is_in(f, map)) return type;
        }
        return {};
    }

    [[nodiscard]] bool is_in(const object::function_info &f, uint32_t map) const {
        return std::ranges::any_of(file_.maps()[map].slots, [&f](const object::map_slot &slot) {
            return slot.is_program and slot.name == f.name;
        });
    }

    [[nodiscard]] bool is_program_array(uint32_t map) const {
        return file_.maps()[map].definition.type == map_type::prog_array;
    }

    void find_given_types() {
        for (const auto &[map, given] : options_.maps) {
            const object_map *const array = as_object_map(given.get());
            const auto type = array == nullptr ? std::nullopt : array->admitted_type();
            if (type and map < file_.maps().size()) array_types_.try_emplace(map, *type);
        }
    }

    maybe_error link(candidate &c) {
        const auto known_type = type_of(*c.function);
        const object::program_type type = known_type.value_or(object::program_type::generic);
        const kernel_functions known =
            functions_for(context_layout_of(type) != nullptr, options_.kernel_functions);
        auto linked = file_.link(
            *c.function, {.kernel_functions = known.names, .target = options_.target.get()});
        if (not linked) return std::move(linked.error());
        call_helpers(*linked, known.ids);
        c.linked.emplace(*c.function, type, std::move(*linked), context_use::none, nullptr,
                         nullptr);
        if (auto e = finish(*c.linked, known.ids)) return e;
        if (not known_type) return {};
        for (uint32_t i = 0; i < file_.maps().size(); ++i) {
            const bool uses = std::ranges::binary_search(c.linked->linked.maps, i);
            if (is_program_array(i) and (uses or is_in(*c.function, i)))
                array_types_.try_emplace(i, type);
        }
        return {};
    }

    /// What the object puts into the arrays that a program can reach.
    void add_targets(std::span<const uint32_t> maps, std::vector<candidate> &all) const {
        for (const uint32_t i : maps) {
            for (const object::map_slot &slot : file_.maps()[i].slots) {
                const auto *const target = slot.is_program ? find_function(slot.name) : nullptr;
                const bool is_new =
                    std::ranges::find(all, target, &candidate::function) == all.end();
                if (target != nullptr and is_new) all.push_back({target});
            }
        }
    }

    [[nodiscard]] const object::function_info *find_function(std::string_view name) const {
        const auto is_it = [name](const object::function_info &f) {
            return f.is_program and f.name == name;
        };
        const auto found = std::ranges::find_if(file_.functions(), is_it);
        return found == file_.functions().end() ? nullptr : &*found;
    }

    maybe_error finish(loaded_program &p, std::span<const uint32_t> known) const {
        const auto code = load_code(p.linked);
        if (not code) return code.error();
        if (auto e = check(p, *code, known)) return e;
        auto rewritten = rewrite_context_accesses(p.linked.code, *code, p.type);
        if (not rewritten) {
            error e = std::move(rewritten.error());
            e.message = fmt::format("program '{}': {}", p.info.name, e.message);
            return e;
        }
        p.linked.code = std::move(rewritten->code);
        p.uses_context = rewritten->use;
        return {};
    }

    /// Refuses what could never run, all of it in one message.
    maybe_error check(const loaded_program &p, const program &code,
                      std::span<const uint32_t> known) const {
        std::vector<std::string> missing =
            missing_calls(code, p.takes_packets(), options_.helpers, known);
        for (const uint32_t i : p.linked.maps) {
            const map_definition &d = file_.maps()[i].definition;
            if (not map::is_supported(d.type))
                missing.push_back(fmt::format("map '{}' of type {}", d.name, name_of(d.type)));
        }
        if (missing.empty()) return {};
        return make_error(error_code::unsupported,
                          fmt::format("program '{}' needs what is not supported yet: {}",
                                      p.info.name, fmt::join(missing, ", ")));
    }

    maybe_error make_vms() {
        make_heap();
        out_.parts_->trace = options_.trace;
        out_.parts_->signals = options_.signals;
        out_.parts_->clock = options_.clock ? options_.clock : read_system_clock;
        out_.parts_->types = options_.target != nullptr ? options_.target : file_.shared_types();
        for (loaded_program &p : out_.parts_->programs) {
            auto vm = make_vm(options_.backend);
            if (not vm) return std::move(vm.error());
            p.vm = std::move(*vm);
            if (auto e = prepare(p)) return e;
            const auto &targets = p.linked.jump_targets;
            if (not targets.empty()) p.vm->set_jump_targets(targets.data(), targets.size());
            const auto &code = p.linked.code;
            if (const int e = p.vm->load_code(code.data(), code.size()); e != EBPF_OK)
                return vm_error(*p.vm, e);
            p.source = std::make_shared<const object_source>(p.linked);
            p.vm->set_source(p.source);
        }
        return {};
    }

    /// Whether a program makes objects of types of its own.
    [[nodiscard]] bool makes_objects() const {
        return std::ranges::any_of(out_.parts_->programs, [](const loaded_program &p) {
            return std::ranges::any_of(p.linked.kernel_calls, [&p](uint32_t pc) {
                return is_making_objects(
                    static_cast<uint32_t>(isa::read_slot(p.linked.code, pc).imm));
            });
        });
    }

    /// The structs that programs can name.
    [[nodiscard]] std::vector<object_type> object_types() const {
        const object::btf *const known = file_.types();
        if (known == nullptr or not makes_objects()) return {};
        std::vector<object_type> types(known->size());
        for (uint32_t id = 0; id < known->size(); ++id) {
            if (known->type(id).kind != object::btf_kind::structure) continue;
            const uint64_t size = known->size_of(id).value_or(0);
            if (size <= object_heap::most_object_bytes)
                types[id] = {static_cast<uint32_t>(size), object::find_value_fields(*known, id)};
        }
        return types;
    }

    void make_heap() {
        loaded_object::parts &parts = *out_.parts_;
        parts.objects = std::make_shared<object_heap>(object_types());
        for (uint32_t i = 0; i < parts.maps.size(); ++i) {
            if (parts.maps[i] != nullptr and not parts.maps[i]->definition().fields.empty())
                parts.maps[i]->add_watcher(parts.objects);
        }
    }

    maybe_error prepare(const loaded_program &p) {
        ebpf_vm &vm = *p.vm;
        if (auto done = out_.parts_->maps.attach(vm); not done) return std::move(done.error());
        if (p.takes_packets()) {
            if (auto done = register_packet_helpers(vm); not done) return std::move(done.error());
            if (auto done = declare_context(vm, p.type, p.uses_context); not done)
                return std::move(done.error());
        }
        // The function that throws to a callback takes a frame, which in the kernel it does not.
        if (p.linked.has_exception_callback)
            vm.set_limit(compat::vm_limit::call_depth, EBPF_CALL_DEPTH + 1);
        loaded_object::parts &parts = *out_.parts_;
        if (auto done = register_objects(vm, *parts.objects); not done)
            return std::move(done.error());
        const timer_host &timers =
            *parts.timer_hosts.emplace_back(std::make_unique<const timer_host>(
                std::shared_ptr<ebpf_vm>{parts.alive, &vm}, parts.maps, parts.clock));
        if (auto done = register_timers(vm, timers); not done) return std::move(done.error());
        if (parts.trace) {
            if (auto done = register_trace(vm, parts.trace); not done)
                return std::move(done.error());
        }
        if (parts.types != nullptr) {
            if (auto done = register_types(vm, *parts.types); not done)
                return std::move(done.error());
        }
        if (parts.signals) {
            if (auto done = register_signals(vm, parts.signals); not done)
                return std::move(done.error());
        }
        for (const ebpf_helper &helper : options_.helpers) {
            if (const int e = vm.register_helper(helper); e != EBPF_OK) return vm_error(vm, e);
        }
        for (std::size_t i = 0; i < options_.kernel_functions.size(); ++i) {
            ebpf_helper function = options_.kernel_functions[i];
            function.id = id_of_host_function(i);
            if (const int e = vm.register_helper(function); e != EBPF_OK) return vm_error(vm, e);
        }
        if (auto e = register_poison(vm)) return e;
        if (not options_.configure) return {};
        auto done = options_.configure(vm);
        return done ? maybe_error{} : std::move(done.error());
    }

    // --- maps

    maybe_error make_maps() {
        std::vector<bool> reached(file_.maps().size());
        for (const loaded_program &p : out_.parts_->programs) {
            for (const uint32_t i : p.linked.maps) reached[i] = true;
        }
        for (const uint32_t i : options_.wanted_maps) {
            if (i >= reached.size()) {
                return make_error(error_code::not_found,
                                  fmt::format("the object has no map with index {}", i));
            }
            reached[i] = true;
        }
        for (uint32_t i = 0; i < reached.size(); ++i) {
            if (not reached[i]) {
                out_.parts_->maps.add(nullptr);
                continue;
            }
            const object::object_map &declared = file_.maps()[i];
            const auto given = options_.maps.find(i);
            auto made = given != options_.maps.end() ? use_map(declared, given->second)
                        : is_pinned(declared)        ? make_pinned_map(declared, i)
                                                     : make_map(declared);
            if (not made) return std::move(made.error());
            out_.parts_->maps.add(std::move(*made));
        }
        return {};
    }

    /// The host's map in place of one of the object.
    [[nodiscard]] result<std::shared_ptr<map>> use_map(const object::object_map &declared,
                                                       const std::shared_ptr<map> &given) const {
        const map_definition wanted = adjusted(declared.definition);
        const auto refuse = [&](std::string_view why) {
            return std::unexpected{make_error(
                error_code::invalid_argument,
                fmt::format("map '{}' cannot be what the host gives: {}", wanted.name, why))};
        };
        if (given == nullptr) return refuse("that is null");
        const map_definition &d = given->definition();
        if (d.type != wanted.type)
            return refuse(
                fmt::format("that is a {}, not a {}", name_of(d.type), name_of(wanted.type)));
        if (d.key_size != wanted.key_size or d.value_size != wanted.value_size) {
            return refuse(fmt::format("its keys have {} bytes and its values {}, not {} and {}",
                                      d.key_size, d.value_size, wanted.key_size,
                                      wanted.value_size));
        }
        if (d.max_entries != wanted.max_entries)
            return refuse(
                fmt::format("it takes {} entries, not {}", d.max_entries, wanted.max_entries));
        if (d.map_extra != wanted.map_extra)
            return refuse(
                fmt::format("its map_extra is 0x{:x}, not 0x{:x}", d.map_extra, wanted.map_extra));
        if (d.flags != wanted.flags)
            return refuse(fmt::format("its flags are 0x{:x}, not 0x{:x}", d.flags, wanted.flags));
        if (d.fields != wanted.fields)
            return refuse("its values have locks, timers or pointers at other places");
        return given;
    }

    /// Whether what is in the map stays.
    [[nodiscard]] bool is_given(uint32_t index) const {
        return options_.maps.contains(index) or is_pinned(file_.maps()[index]);
    }

    result<std::shared_ptr<map>> make_map(const object::object_map &declared) const {
        std::shared_ptr<map> inner;
        if (declared.inner) {
            auto like = map::create(adjusted(*declared.inner));
            if (not like) return like;
            inner = std::move(*like);
        }
        const map_definition definition = adjusted(declared.definition);
        auto made = map::create(definition, inner);
        const bool lacks_size = not made and made.error().kernel_errno == EINVAL and
                                definition.max_entries == 0 and not is_storage(definition.type);
        if (lacks_size) {
            made.error().message +=
                declared.definition.max_entries != 0
                    ? ": it has to have room for entries"
                    : fmt::format(
                          ": the object leaves the number of its entries to whoever loads "
                          "it (bpftime-cli run --max-entries {}=NUMBER, "
                          "ebpf_map_set_max_entries())",
                          definition.name);
        }
        return made;
    }

    [[nodiscard]] bool is_pinned(const object::object_map &declared) const {
        const auto &names = options_.pinned_maps;
        const bool is_named = std::ranges::find(names, declared.definition.name) != names.end();
        return not options_.pin_folder.empty() and (declared.pinned or is_named);
    }

    /// Nobody else finds a new one before it has its contents.
    result<std::shared_ptr<map>> make_pinned_map(const object::object_map &declared,
                                                 uint32_t index) const {
        const map_definition definition = adjusted(declared.definition);
        const std::string &name = definition.name;
        if (declared.inner or not is_file_name(name) or holds_pointers(index)) {
            return std::unexpected{make_error(
                error_code::unsupported,
                fmt::format("map '{}' cannot be pinned: {}", name,
                            declared.inner           ? "it holds maps"
                            : not is_file_name(name) ? "its name cannot be that of a file"
                                                     : "it holds pointers"))};
        }
        return map::open_or_create_pinned(definition, options_.pin_folder + '/' + name,
                                          [&](map &m) -> result<void> {
                                              if (auto e = fill(m, declared.contents))
                                                  return std::unexpected{std::move(*e)};
                                              return declared.frozen ? m.freeze() : result<void>{};
                                          });
    }

    static bool is_file_name(std::string_view name) noexcept {
        return not name.empty() and name != "." and name != ".." and name.find('/') == name.npos;
    }

    [[nodiscard]] bool holds_pointers(uint32_t index) const {
        return std::ranges::any_of(out_.parts_->programs, [&](const loaded_program &p) {
            const auto &pointers = p.linked.pointers;
            return std::ranges::find(pointers, index, &object::data_pointer::map) != pointers.end();
        });
    }

    [[nodiscard]] map_definition adjusted(map_definition definition) const {
        if (options_.adjust) options_.adjust(definition);
        return complete(std::move(definition));
    }

    // --- what is in them

    [[nodiscard]] map &made(uint32_t index) const { return *out_.parts_->maps[index]; }

    /// Where the variables in a map are.
    static void *data_of(map &m) noexcept {
        if (const arena *const a = as_arena(&m)) return a->address();
        const uint32_t first = 0;
        return m.lookup_elem(&first);
    }

    [[nodiscard]] uint64_t value_of(const object::data_pointer &pointer) const {
        switch (pointer.kind) {
        case object::pointer_target::function: return code_handle(pointer.target);
        case object::pointer_target::map: return reinterpret_cast<uint64_t>(&made(pointer.target));
        case object::pointer_target::data: break;
        }
        return reinterpret_cast<uint64_t>(data_of(made(pointer.target))) + pointer.addend;
    }

    /// Addresses of functions depend on the program; data is there once.
    maybe_error collect_pointers() {
        for (const loaded_program &p : out_.parts_->programs) {
            for (const object::data_pointer &pointer : p.linked.pointers) {
                if (is_given(pointer.map)) return has_pointers(pointer.map);
                const uint64_t value = value_of(pointer);
                const auto [at, fresh] =
                    pointers_.try_emplace({pointer.map, pointer.offset}, value);
                if (fresh or at->second == value) continue;
                return make_error(
                    error_code::unsupported,
                    fmt::format("program '{}' shares pointers to functions in '{}' with another "
                                "one: load them as objects of their own",
                                p.info.name, file_.maps()[pointer.map].definition.name));
            }
        }
        return {};
    }

    [[nodiscard]] error has_pointers(uint32_t index) const {
        return make_error(error_code::unsupported,
                          fmt::format("map '{}' cannot be what the host gives: the object has "
                                      "pointers in it, which are its own",
                                      file_.maps()[index].definition.name));
    }

    maybe_error fill_maps() {
        for (uint32_t i = 0; i < file_.maps().size(); ++i) {
            if (out_.parts_->maps[i] == nullptr or is_given(i)) continue;
            const object::object_map &declared = file_.maps()[i];
            if (auto e = fill(declared, i)) return e;
            if (auto e = fill_slots(declared, made(i))) return e;
            if (not declared.frozen) continue;
            if (auto done = made(i).freeze(); not done) return std::move(done.error());
        }
        return {};
    }

    maybe_error fill(const object::object_map &declared, uint32_t index) const {
        std::vector<uint8_t> value = declared.contents;
        const auto first = pointers_.lower_bound({index, 0});
        const auto last = pointers_.lower_bound({index + 1, 0});
        if (value.empty() and first == last) return {};
        arena *const to_share = as_arena(&made(index));
        if (to_share == nullptr) value.resize(declared.definition.value_size);
        for (auto at = first; at != last; ++at)
            std::memcpy(value.data() + at->first.second, &at->second, sizeof at->second);
        return to_share != nullptr ? fill_arena(declared, *to_share, value)
                                   : fill(made(index), value);
    }

    static maybe_error fill(map &m, std::span<const uint8_t> value) {
        if (value.empty()) return {};
        auto done = m.update(bytes_of(0), value);
        return done ? maybe_error{} : std::move(done.error());
    }

    static maybe_error fill_arena(const object::object_map &declared, arena &to,
                                  std::span<const uint8_t> value) {
        uint8_t *const place = to.touch(0, value.size());
        if (place == nullptr) {
            return make_error(error_code::limit_exceeded,
                              fmt::format("{} bytes of variables exceed the {} of the arena '{}'",
                                          value.size(), to.bytes(), declared.definition.name));
        }
        std::ranges::copy(value, place);
        return {};
    }

    maybe_error fill_slots(const object::object_map &declared, map &m) const {
        for (const object::map_slot &slot : declared.slots) {
            if (slot.is_program) continue;
            const auto inner = out_.parts_->maps.find(slot.name);
            auto *const outer = as_object_map(&m);
            if (outer == nullptr or inner == nullptr) continue;
            if (auto done = outer->set_map(bytes_of(slot.index), inner); not done)
                return std::move(done.error());
        }
        return {};
    }

    /// Programs that call others have to be of their type.
    maybe_error use_program_arrays() {
        for (const loaded_program &p : out_.parts_->programs) {
            for (const uint32_t i : p.linked.maps) {
                auto *const array = as_object_map(out_.parts_->maps[i].get());
                if (array == nullptr) continue;
                if (auto done = array->admit(p.as_user()); not done) return std::move(done.error());
            }
        }
        return {};
    }

    /// With the programs that were loaded; the slots of others stay empty.
    maybe_error fill_program_arrays() {
        for (uint32_t i = 0; i < file_.maps().size(); ++i) {
            auto *const array = as_object_map(out_.parts_->maps[i].get());
            if (array == nullptr or is_given(i)) continue;
            for (const object::map_slot &slot : file_.maps()[i].slots) {
                const loaded_program *const p =
                    slot.is_program ? out_.find_program(slot.name) : nullptr;
                if (p == nullptr) continue;
                const auto id = static_cast<uint32_t>(p - out_.parts_->programs.data()) + 1;
                if (auto done = array->set_program(bytes_of(slot.index), p->vm, id, p->as_user());
                    not done) {
                    return std::move(done.error());
                }
            }
        }
        return {};
    }

    const object::object_file &file_;
    const load_options &options_;
    std::map<uint32_t, object::program_type> array_types_;        ///< of arrays of programs
    std::map<std::pair<uint32_t, uint32_t>, uint64_t> pointers_;  ///< by map and offset
    loaded_object out_;
};

std::string_view loaded_program::why_unavailable(uint32_t pc) const noexcept {
    const auto at = std::ranges::find(linked.poisoned, pc, &object::poisoned_instruction::pc);
    return at == linked.poisoned.end() ? std::string_view{} : at->reason;
}

loaded_object::loaded_object() : parts_{std::make_unique<parts>()} {}
loaded_object::loaded_object(loaded_object &&) noexcept = default;

loaded_object &loaded_object::operator=(loaded_object &&other) noexcept {
    parts_.swap(other.parts_);
    return *this;
}

/// Others may have an array of its programs, or timers that call them, and may be running one.
loaded_object::~loaded_object() {
    if (parts_ == nullptr) return;
    for (uint32_t i = 0; i < parts_->maps.size(); ++i) {
        auto *const array = as_object_map(parts_->maps[i].get());
        if (array == nullptr or array->definition().type != map_type::prog_array) continue;
        for (const loaded_program &p : parts_->programs) array->take_out(p.vm.get());
    }
    parts_->alive.reset();
    retire(std::move(parts_));
}

timer_runs loaded_object::run_timers() const {
    return runtime::run_timers(parts_->maps, parts_->clock);
}
std::optional<uint64_t> loaded_object::next_timer() const {
    return runtime::next_timer(parts_->maps, parts_->clock);
}

result<loaded_object> loaded_object::load(const object::object_file &file,
                                          const load_options &options) {
    return object_loader{file, options}.run();
}

const loaded_program *loaded_object::find_program(std::string_view name) const noexcept {
    const auto at =
        std::ranges::find_if(parts_->programs, [&](const auto &p) { return p.info.name == name; });
    return at == parts_->programs.end() ? nullptr : &*at;
}

namespace {

error no_such_variable() {
    return make_error(error_code::not_found, "no program that was loaded can reach the variable");
}

error wrong_size(const object::global_variable &variable, std::size_t size) {
    return make_error(error_code::invalid_argument,
                      fmt::format("{} bytes, but the variable has {}", size, variable.size));
}

}  // namespace

result<void> loaded_object::read(const object::global_variable &variable,
                                 std::span<uint8_t> bytes) const {
    if (bytes.size() != variable.size) return std::unexpected{wrong_size(variable, bytes.size())};
    if (variable.map >= parts_->maps.size() or parts_->maps[variable.map] == nullptr)
        return std::unexpected{no_such_variable()};
    return parts_->maps[variable.map]->read_part(bytes_of(0), variable.offset, bytes);
}

result<void> loaded_object::write(const object::global_variable &variable,
                                  std::span<const uint8_t> bytes) const {
    if (bytes.size() != variable.size) return std::unexpected{wrong_size(variable, bytes.size())};
    if (variable.map >= parts_->maps.size() or parts_->maps[variable.map] == nullptr)
        return std::unexpected{no_such_variable()};
    return parts_->maps[variable.map]->write_part(bytes_of(0), variable.offset, bytes);
}

}  // namespace bpftime::vm::runtime
