// bpftime-vm: a program in the running kernel
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "kernel_side.hpp"

#include "isa/isa.hpp"
#include "runtime/cpu.hpp"
#include "runtime/map.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <optional>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace bpftime::vm::differential {

using object::function_info;
using object::object_map;

namespace {

/// Options of libbpf's functions, which tell their size.
template <typename Options>
Options sized() {
    Options o;
    std::memset(&o, 0, sizeof o);
    o.sz = sizeof o;
    return o;
}

// --- maps

class kernel_map_view : public map_view {
public:
    kernel_map_view(const map_definition &definition, int fd) : definition_{definition}, fd_{fd} {}

    bytes next_key(const bytes &key) override {
        bytes next(definition_.key_size);
        const void *const from = key.empty() ? nullptr : key.data();
        return bpf_map_get_next_key(fd_, from, next.data()) == 0 ? next : bytes{};
    }
    std::optional<bytes> lookup(const bytes &key) override {
        bytes value(value_size());
        if (bpf_map_lookup_elem(fd_, key.data(), value.data()) != 0) return std::nullopt;
        // The kernel makes a new list in each copy, which has its own address in it.
        for (const value_field &f : definition_.fields) {
            if (f.what == value_field::kind::list_head) std::fill_n(&value[f.offset], f.size, 0);
        }
        return value;
    }
    void update(const bytes &key, const bytes &value) override {
        bpf_map_update_elem(fd_, key.data(), value.data(), BPF_ANY);
    }
    std::vector<bytes> take_records() override {
        if (definition_.type == map_type::ringbuf) return take_ring();
        std::vector<bytes> all;
        bytes value(value_size());
        while (bpf_map_lookup_and_delete_elem(fd_, nullptr, value.data()) == 0)
            all.push_back(value);
        return all;
    }
    std::size_t value_size() const override {
        if (not runtime::is_percpu(definition_.type)) return definition_.value_size;
        const auto cpus = static_cast<std::size_t>(libbpf_num_possible_cpus());
        return (std::size_t{definition_.value_size} + 7) / 8 * 8 * cpus;
    }

private:
    std::vector<bytes> take_ring() const {
        std::vector<bytes> all;
        const auto take = [](void *to, void *data, std::size_t size) {
            const auto *const begin = static_cast<const uint8_t *>(data);
            static_cast<std::vector<bytes> *>(to)->emplace_back(begin, begin + size);
            return 0;
        };
        ring_buffer *const ring = ring_buffer__new(fd_, take, &all, nullptr);
        if (ring == nullptr) return all;
        ring_buffer__consume(ring);
        ring_buffer__free(ring);
        return all;
    }

    const map_definition &definition_;
    int fd_;
};

// --- libbpf's messages

thread_local std::string messages;

int keep_message(libbpf_print_level level, const char *format, va_list arguments) {
    if (level == LIBBPF_DEBUG) return 0;
    va_list again;
    va_copy(again, arguments);
    const int size = std::vsnprintf(nullptr, 0, format, again);
    va_end(again);
    const std::size_t before = messages.size();
    messages.resize(before + static_cast<std::size_t>(size) + 1);
    std::vsnprintf(messages.data() + before, static_cast<std::size_t>(size) + 1, format, arguments);
    messages.pop_back();
    return size;
}

/// The last line of a log that says something.
std::string last_words(std::string_view log) {
    constexpr auto statistics =
        std::to_array<std::string_view>({"processed ", "verification time", "stack depth", "-- "});
    std::string last;
    for (std::size_t begin = 0; begin < log.size();) {
        const std::size_t end = std::min(log.find('\n', begin), log.size());
        const std::string_view line = log.substr(begin, end - begin);
        const auto is_start = [line](std::string_view s) { return line.starts_with(s); };
        if (not line.empty() and std::ranges::none_of(statistics, is_start)) last = line;
        begin = end + 1;
    }
    return last;
}

constexpr std::string_view log_begin = "BEGIN PROG LOAD LOG --\n";
constexpr std::string_view log_end = "-- END PROG LOAD LOG";

/// What was wrong: the verifier's last words if it was asked.
std::string reason(int error) {
    const std::string_view all = messages;
    if (const auto at = all.find(log_begin); at != all.npos) {
        const auto log = all.substr(at + log_begin.size());
        return "verifier: " + last_words(log.substr(0, log.find(log_end)));
    }
    const auto first = all.substr(0, all.find('\n'));
    return fmt::format("libbpf: {}", first.empty() ? std::strerror(error) : std::string{first});
}

/// libbpf fills all program arrays, whether they are reached or not.
bool fills_slots(const subject &s, std::string_view program) {
    return std::ranges::any_of(s.file->maps(), [program](const object_map &m) {
        const auto is_it = [program](const object::map_slot &slot) {
            return slot.is_program and slot.name == program;
        };
        return std::ranges::any_of(m.slots, is_it);
    });
}

bool has_programs(const object_map &m) {
    return not m.slots.empty() and m.slots.front().is_program;
}

void choose_programs(bpf_object *object, const subject &s) {
    bpf_program *p = nullptr;
    bpf_object__for_each_program(p, object) {
        const auto is_it = [p](const function_info *f) {
            // libbpf drops the '?' of programs that are only loaded by name.
            std::string_view section = f->section;
            if (section.starts_with('?')) section.remove_prefix(1);
            return f->name == bpf_program__name(p) and section == bpf_program__section_name(p);
        };
        const bool chosen = std::ranges::any_of(s.programs, is_it);
        const bool fills = fills_slots(s, bpf_program__name(p));
        bpf_program__set_autoload(p, chosen or fills);
        const bool is_unknown = bpf_program__type(p) == BPF_PROG_TYPE_UNSPEC;
        if (not chosen and not(fills and is_unknown)) continue;
        bpf_program__set_type(p, static_cast<bpf_prog_type>(s.type));
        bpf_program__set_expected_attach_type(p, static_cast<bpf_attach_type>(s.attach));
    }
}

/// Only those that the program reaches, and none of them from an earlier run. All, if libbpf loads
/// other programs, too.
void choose_maps(bpf_object *object, const subject &s) {
    const auto declared = s.file->maps();
    const bool is_alone = std::ranges::none_of(declared, has_programs);
    bpf_map *m = nullptr;
    bpf_object__for_each_map(m, object) {
        bpf_map__set_pin_path(m, nullptr);
        if (bpf_map__is_internal(m)) continue;
        const auto is_it = [m](const object_map &d) {
            return d.definition.name == bpf_map__name(m);
        };
        const auto at = std::ranges::find_if(declared, is_it);
        const auto index = static_cast<uint32_t>(at - declared.begin());
        if (at == declared.end() or (is_alone and not s.maps.contains(index))) {
            bpf_map__set_autocreate(m, false);
            continue;
        }
        map_definition definition = at->definition;
        adjust(definition);
        bpf_map__set_max_entries(m, definition.max_entries);
        bpf_map__set_value_size(m, definition.value_size);
    }
}

// --- linked code

int make_map(const map_definition &given, int inner) {
    map_definition d = given;
    if (d.type == map_type::perf_event_array and d.max_entries == 0)
        d.max_entries = static_cast<uint32_t>(libbpf_num_possible_cpus());
    auto options = sized<bpf_map_create_opts>();
    options.map_flags = d.flags;
    options.map_extra = d.map_extra;
    if (inner >= 0) options.inner_map_fd = static_cast<uint32_t>(inner);
    return bpf_map_create(static_cast<bpf_map_type>(d.type), nullptr, d.key_size, d.value_size,
                          d.max_entries, &options);
}

/// `lddw` of maps by index become those by descriptor.
void name_maps(std::vector<bpf_insn> &code, const std::map<uint32_t, int> &maps) {
    constexpr uint8_t lddw = 0x18;
    for (std::size_t i = 0; i + 1 < code.size(); ++i) {
        if (code[i].code != lddw) continue;
        const auto at = maps.find(static_cast<uint32_t>(code[i].imm));
        const bool is_map = code[i].src_reg == BPF_PSEUDO_MAP_IDX;
        const bool is_value = code[i].src_reg == BPF_PSEUDO_MAP_IDX_VALUE;
        if ((is_map or is_value) and at != maps.end()) {
            code[i].src_reg = is_map ? BPF_PSEUDO_MAP_FD : BPF_PSEUDO_MAP_VALUE;
            code[i].imm = at->second;
        }
        ++i;
    }
}

std::expected<int, std::string> load_code(const subject &s, const std::vector<bpf_insn> &code) {
    constexpr std::size_t most_log_bytes = 1 << 20;
    std::string log(most_log_bytes, '\0');
    auto options = sized<bpf_prog_load_opts>();
    options.expected_attach_type = static_cast<bpf_attach_type>(s.attach);
    options.log_buf = log.data();
    options.log_size = most_log_bytes;
    options.log_level = 1;
    const std::string license = s.file->license();
    const int fd = bpf_prog_load(static_cast<bpf_prog_type>(s.type), nullptr, license.c_str(),
                                 code.data(), code.size(), &options);
    if (fd >= 0) return fd;
    const int error = errno;
    log.resize(std::strlen(log.c_str()));
    const std::string words = last_words(log);
    return std::unexpected{"verifier: " + (words.empty() ? std::strerror(error) : words)};
}

/// Of an array of programs; those of maps stay empty, as they do here.
void fill_slots(const object_map &map, int fd, const std::map<std::string, int> &programs) {
    for (const object::map_slot &slot : map.slots) {
        const auto at = slot.is_program ? programs.find(slot.name) : programs.end();
        if (at != programs.end()) bpf_map_update_elem(fd, &slot.index, &at->second, BPF_ANY);
    }
}

}  // namespace

std::string why_no_kernel() {
    const bpf_insn code[] = {{.code = 0xb7, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
                             {.code = 0x95, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
    const int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, nullptr, "GPL", code, 2, nullptr);
    if (fd < 0) return std::string{"bpf(2) takes no programs here: "} + std::strerror(errno);
    close(fd);
    return "";
}

void stay_on_one_cpu() {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(0, sizeof one, &one);
}

/// A socket that holds datagrams of the sizes of packets.
taken_memory::taken_memory() {
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, sockets_.data()) != 0) return;
    for (const std::size_t size : {64U, 500U, 1000U, 3000U, 3500U}) {
        const bytes datagram(size);
        // Where there is no room for it, memory is taken already.
        static_cast<void>(send(sockets_[0], datagram.data(), datagram.size(), 0));
    }
}

taken_memory::~taken_memory() {
    for (const int fd : sockets_) close(fd);
}

descriptors::~descriptors() {
    for (const int fd : all_) close(fd);
}

int descriptors::add(int fd) {
    if (fd >= 0) all_.push_back(fd);
    return fd;
}

kernel_side::kernel_side(const subject &s) : subject_{&s}, object_{nullptr, bpf_object__close} {}
kernel_side::kernel_side(kernel_side &&) noexcept = default;
kernel_side::~kernel_side() = default;

std::expected<kernel_side, std::string> kernel_side::load(const subject &s) {
    libbpf_set_print(keep_message);
    messages.clear();
    auto options = sized<bpf_object_open_opts>();
    options.object_name = "subject";
    kernel_side side{s};
    side.object_.reset(bpf_object__open_mem(s.image->data(), s.image->size(), &options));
    if (side.object_ == nullptr) return std::unexpected{reason(errno)};
    choose_programs(side.object_.get(), s);
    choose_maps(side.object_.get(), s);
    if (const int e = bpf_object__load(side.object_.get()); e != 0)
        return std::unexpected{reason(-e)};
    const bpf_program *const p =
        bpf_object__find_program_by_name(side.object_.get(), s.program->name.c_str());
    if (p == nullptr) return std::unexpected{"libbpf: no such program"};
    side.program_ = bpf_program__fd(p);
    side.find_maps();
    return side;
}

void kernel_side::find_maps() {
    for (const auto &[i, definition] : subject_->maps) {
        const int fd = bpf_object__find_map_fd_by_name(object_.get(), definition.name.c_str());
        if (fd >= 0) maps_[i] = fd;
    }
}

std::expected<kernel_side, std::string> kernel_side::load_linked(const subject &s) {
    kernel_side side{s};
    for (const auto &[i, definition] : s.maps) {
        const object_map &declared = s.file->maps()[i];
        const int inner = declared.inner ? side.owned_.add(make_map(*declared.inner, -1)) : -1;
        const int fd = side.owned_.add(make_map(definition, inner));
        if (fd < 0) {
            return std::unexpected{fmt::format("map {} of type {}: {}", definition.name,
                                               vm::name_of(definition.type), std::strerror(errno))};
        }
        side.maps_[i] = fd;
        const uint32_t first = 0;
        if (not declared.contents.empty())
            bpf_map_update_elem(fd, &first, declared.contents.data(), BPF_ANY);
        if (declared.frozen) bpf_map_freeze(fd);
    }
    std::map<std::string, int> programs;
    for (const function_info *const f : s.programs) {
        const auto linked = s.file->link(*f, {.target = s.target});
        if (not linked) return std::unexpected{linked.error().message};
        std::vector<bpf_insn> code(linked->code.size() / isa::slot_size);
        std::memcpy(code.data(), linked->code.data(), linked->code.size());
        name_maps(code, side.maps_);
        const auto program = load_code(s, code);
        if (not program) return std::unexpected{program.error()};
        programs.emplace(f->name, side.owned_.add(*program));
    }
    side.program_ = programs.at(s.program->name);
    for (const auto &[i, fd] : side.maps_) fill_slots(s.file->maps()[i], fd, programs);
    return side;
}

void kernel_side::fill_maps() {
    for (const auto &[i, fd] : maps_) {
        if (is_internal(subject_->file->maps()[i])) continue;
        kernel_map_view view{subject_->maps.at(i), fd};
        fill(subject_->maps.at(i), view);
    }
}

observation kernel_side::run(const bytes &frame) const {
    constexpr std::size_t room_to_grow = 4096;
    constexpr std::size_t ethernet_bytes = 14;
    observation seen;
    seen.packet.resize(frame.size() + room_to_grow);
    const bool is_xdp = subject_->type == object::program_type::xdp;
    __sk_buff skb{};
    auto options = sized<bpf_test_run_opts>();
    options.data_in = frame.data();
    options.data_size_in = static_cast<uint32_t>(frame.size());
    options.data_out = seen.packet.data();
    options.data_size_out = static_cast<uint32_t>(seen.packet.size());
    if (not is_xdp) {
        options.ctx_out = &skb;
        options.ctx_size_out = sizeof skb;
    }
    if (const int e = bpf_prog_test_run_opts(program_, &options); e != 0)
        return refused(fmt::format("the kernel's test run fails: {}", std::strerror(-e)));
    seen.verdict = options.retval;
    seen.packet.resize(options.data_size_out);
    if (not is_xdp) {
        packet_marks marks{
            .mark = skb.mark, .priority = skb.priority, .cb = {}, .tstamp = skb.tstamp};
        std::ranges::copy(skb.cb, marks.cb.begin());
        seen.marks = marks;
    }
    if (not sees_ethernet(subject_->type)) {
        const auto cut = std::min(ethernet_bytes, seen.packet.size());
        seen.packet.erase(seen.packet.begin(), seen.packet.begin() + static_cast<ptrdiff_t>(cut));
    }
    return seen;
}

std::map<std::string, map_contents> kernel_side::maps() {
    std::map<std::string, map_contents> all;
    for (const auto &[i, fd] : maps_) {
        const map_definition &definition = subject_->maps.at(i);
        if (not is_compared(definition.type)) continue;
        kernel_map_view view{definition, fd};
        all.emplace(definition.name, contents_of(definition, view));
    }
    return all;
}

}  // namespace bpftime::vm::differential
