// bpftime-vm: what programs find beside their input and stack: memory, maps, helpers, an arena
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "scene.hpp"

#include "body_texts.hpp"
#include "compat/run.hpp"
#include "guarded_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace bpftime::vm::fuzz {

namespace {

/// 4 GiB of which three small pages are open; a program that knows the map may use the outer two,
/// so that accesses run into one that is not there.
class arena_memory {
public:
    arena_memory() {
        constexpr std::size_t window_bytes = std::size_t{1} << 32;
        void *const mapped = mmap(nullptr, 2 * window_bytes, PROT_NONE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        require(mapped != MAP_FAILED, "there is address space for an arena");
        const auto begin = reinterpret_cast<uintptr_t>(mapped);
        const auto open = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        shape.window = (begin + window_bytes - 1) / window_bytes * window_bytes;
        shape.page_size = page_bytes;
        shape.first_page = static_cast<uint32_t>(open / page_bytes);
        shape.page_count = 3;
        shape.is_there = &is_there_;
        auto *const first = reinterpret_cast<uint8_t *>(shape.window + open);
        bytes_ = {first, std::size_t{shape.page_count} * page_bytes};
        require(mprotect(first, open, PROT_READ | PROT_WRITE) == 0,
                "pages of an arena can be opened");
    }

    /// Shortly before the end of the first page: where programs begin.
    [[nodiscard]] uint64_t address() const noexcept {
        return reinterpret_cast<uintptr_t>(&bytes_[page_bytes - 16]);
    }
    [[nodiscard]] std::span<uint8_t> bytes() const noexcept { return bytes_; }

    ebpf_arena shape{};

private:
    static constexpr uint32_t page_bytes = 64;

    const uint64_t is_there_ = 0b101;
    std::span<uint8_t> bytes_;
};

struct scene {
    guarded_memory map_value{24};
    guarded_memory variable{13};
    guarded_memory read_only{32};
    guarded_memory write_only{17};
    guarded_memory returned{40};
    guarded_memory granted{21};
    guarded_memory constants{24};  ///< written once: code may have what is there
    arena_memory arena;
    std::vector<ebpf_vm *> successors;
    bool leaves_functions = false;

    scene() { refill(constants.bytes(), 99); }

    [[nodiscard]] std::array<std::span<uint8_t>, 7> all() const {
        return {map_value.bytes(), variable.bytes(), read_only.bytes(), write_only.bytes(),
                returned.bytes(),  granted.bytes(),  arena.bytes()};
    }
};

scene &shared() {
    static auto &all = *new scene;
    return all;
}

// --- maps

constexpr uint64_t first_map = 0x1000;
constexpr uint32_t map_count = 5;
constexpr uint32_t array_map = 0;
constexpr uint32_t keyed_map = 1;
constexpr uint32_t constant_map = 4;
constexpr uint32_t value_bytes = 8;

uint64_t map_of(uint32_t id) { return first_map + id; }
bool is_map(uint64_t map) { return map - first_map < map_count; }

const ebpf_map_shape *map_shape(uint64_t map) {
    static const ebpf_map_shape array{.key_size = 4,
                                      .value_size = value_bytes,
                                      .result_size = value_bytes,
                                      .permission = EBPF_PERM_READ_WRITE,
                                      .value_stride = value_bytes,
                                      .index_count = 3,
                                      .values = shared().map_value.address(),
                                      .arena = nullptr,
                                      .is_constant = 0,
                                      .probe = nullptr};
    static const ebpf_map_shape keyed{.key_size = 8,
                                      .value_size = 16,
                                      .result_size = 16,
                                      .permission = EBPF_PERM_READ,
                                      .value_stride = 0,
                                      .index_count = 0,
                                      .values = 0,
                                      .arena = nullptr,
                                      .is_constant = 0,
                                      .probe = nullptr};
    static const ebpf_map_shape with_arena{.key_size = 0,
                                           .value_size = 0,
                                           .result_size = 0,
                                           .permission = EBPF_PERM_READ_WRITE,
                                           .value_stride = 0,
                                           .index_count = 0,
                                           .values = 0,
                                           .arena = &shared().arena.shape,
                                           .is_constant = 0,
                                           .probe = nullptr};
    static const ebpf_map_shape constant{.key_size = 4,
                                         .value_size = value_bytes,
                                         .result_size = value_bytes,
                                         .permission = EBPF_PERM_READ,
                                         .value_stride = value_bytes,
                                         .index_count = 3,
                                         .values = shared().constants.address(),
                                         .arena = nullptr,
                                         .is_constant = 1,
                                         .probe = nullptr};
    switch (map - first_map) {
    case array_map: return &array;
    case constant_map: return &constant;
    case keyed_map: return &keyed;
    case arena_map: return &with_arena;
    default: return nullptr;
    }
}

uint64_t map_value(uint64_t map) {
    if (map == map_of(arena_map)) return shared().arena.address();
    if (map == map_of(constant_map)) return shared().constants.address();
    return is_map(map) ? shared().map_value.address() : 0;
}
uint64_t map_value_size(uint64_t map) {
    return is_map(map) and map != map_of(arena_map) ? shared().map_value.bytes().size() : 0;
}

uint64_t variable(uint32_t id) {
    const scene &all = shared();
    const std::array blocks{&all.variable, &all.read_only, &all.write_only, &all.granted};
    return id < blocks.size() ? blocks[id]->address() : 0;
}
uint64_t variable_size(uint32_t id) { return id == 0 ? shared().variable.bytes().size() : 0; }

// --- helpers

uint64_t weigh(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5) {
    return r1 + 2 * r2 + 3 * r3 + 4 * r4 + 5 * r5;
}

uint64_t first(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) { return r1; }

uint64_t square(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) { return r1 * r1; }

/// A byte of memory that programs can write through grant() and lddw.
uint64_t peek(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const std::span bytes = shared().granted.bytes();
    return bytes[r1 % bytes.size()];
}

uint64_t give(void *context, uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    return r1 % 4 == 0 ? 0 : static_cast<const scene *>(context)->returned.address();
}

uint64_t grant(void *context, uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const guarded_memory &b = static_cast<const scene *>(context)->granted;
    ebpf_grant(b.bytes().data(), b.bytes().size(), static_cast<unsigned>(r1 % 5));
    return b.address();
}

uint64_t sum(uint64_t address, uint64_t size, uint64_t, uint64_t, uint64_t) {
    const auto *const bytes = reinterpret_cast<const uint8_t *>(address);
    uint64_t total = 0;
    for (uint64_t i = 0; i < size; ++i) total += bytes[i];
    return total;
}

constexpr uint32_t written_size = 16;

uint64_t fill(uint64_t address, uint64_t value, uint64_t, uint64_t, uint64_t) {
    if (address != 0) {
        std::fill_n(reinterpret_cast<uint8_t *>(address), written_size,
                    static_cast<uint8_t>(value));
    }
    return address;
}

/// Calls r2(r3, r4, i, ..) up to three times, as long as it gives even numbers.
uint64_t repeat(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t) {
    uint64_t total = 0;
    for (uint64_t i = 0; i < r1 % 4; ++i) {
        const std::array<uint64_t, 5> arguments{r3, r4, i, 40, 50};
        uint64_t r0 = 0;
        if (ebpf_call_back(r2, arguments.data(), &r0) != EBPF_OK) break;
        total += r0;
        if (r0 % 2 != 0) break;
    }
    return total;
}

uint64_t leave(uint64_t, uint64_t r2, uint64_t, uint64_t, uint64_t) {
    const bool is_in_function = compat::run::current()->memory().live_frames() != 1;
    if (is_in_function and not shared().leaves_functions) return 0;
    const std::vector<ebpf_vm *> &to = shared().successors;
    const uint64_t at = r2 % (to.size() + 1);
    return at == 0 ? 0 : reinterpret_cast<uintptr_t>(to[static_cast<std::size_t>(at - 1)]);
}

/// A value of the map that the checks let through: r1 is a map with a shape, r2 points to a key.
uint8_t *value_at(uint64_t map, uint64_t key) {
    const ebpf_map_shape &shape = *map_shape(map);
    uint32_t index = 0;
    std::memcpy(&index, reinterpret_cast<const void *>(key),
                std::min<std::size_t>(sizeof index, shape.key_size));
    const guarded_memory &memory =
        map == map_of(constant_map) ? shared().constants : shared().map_value;
    uint8_t *const values = memory.bytes().data();
    if (shape.index_count != 0)
        return index < shape.index_count ? values + index * value_bytes : nullptr;
    return shape.value_size != 0 and index % 2 != 0 ? values + value_bytes : nullptr;
}

uint64_t look_up(uint64_t map, uint64_t key, uint64_t, uint64_t, uint64_t) {
    return reinterpret_cast<uintptr_t>(value_at(map, key));
}

uint64_t update(uint64_t map, uint64_t key, uint64_t value, uint64_t, uint64_t) {
    uint8_t *const to = value_at(map, key);
    if (to == nullptr or map == map_of(constant_map)) return ~uint64_t{0};
    std::memcpy(to, reinterpret_cast<const void *>(value), map_shape(map)->value_size);
    return 0;
}

uint64_t read_value(uint64_t map, uint64_t key, uint64_t value, uint64_t, uint64_t) {
    const uint8_t *const from = value_at(map, key);
    if (from == nullptr) return ~uint64_t{0};
    std::memcpy(reinterpret_cast<void *>(value), from, map_shape(map)->value_size);
    return 0;
}

uint64_t complain(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    if (r1 % 4 == 0) throw std::runtime_error{"the helper has had enough"};
    return r1;
}

/// A packet that begins at -5 and ends at 100.
uint64_t load_packet(uint64_t offset, uint64_t bytes, uint64_t r3, uint64_t r4, uint64_t r5) {
    const auto at = static_cast<int64_t>(offset);
    return at < -5 or at >= 100 ? ~uint64_t{13} : (offset + 5) * bytes + (r3 | r4 | r5);
}

struct body {
    uint32_t id;
    const char *function;
    std::string_view code;
};

/// Of helpers of each kind: words, pure, checked memory that is read or written.
constexpr auto bodies = std::to_array<body>({
    {1, "weigh", R"(
        define i64 @weigh(i64 %r1, i64 %r2, i64 %r3, i64 %r4, i64 %r5) noinline optnone {
          %w2 = shl i64 %r2, 1
          %w3 = mul i64 %r3, 3
          %w4 = shl i64 %r4, 2
          %w5 = mul i64 %r5, 5
          %a = add i64 %r1, %w2
          %b = add i64 %a, %w3
          %c = add i64 %b, %w4
          %d = add i64 %c, %w5
          ret i64 %d
        })"},
    {2, "square", R"(
        define i64 @square(i64 %r1) {
          %r = mul i64 %r1, %r1
          ret i64 %r
        })"},
    {8, "sum", test::sum_body},
    {9, "fill", R"(
        @llvm.used = appending global [1 x ptr] [ptr @fill], section "llvm.metadata"
        declare ptr @memset(ptr, i32, i64)
        define i64 @fill(ptr %to, i64 %value) {
        entry:
          %address = ptrtoint ptr %to to i64
          %is_null = icmp eq i64 %address, 0
          br i1 %is_null, label %done, label %write
        write:
          %byte = trunc i64 %value to i32
          %ignored = call ptr @memset(ptr %to, i32 %byte, i64 16)
          br label %done
        done:
          ret i64 %address
        })"},
});

constexpr uint32_t unwind_helper = 5;

ebpf_helper plain(uint32_t id, const char *name, external_function_t fn) {
    ebpf_helper h{};
    h.id = id;
    h.name = name;
    h.fn = fn;
    return h;
}

ebpf_helper pure(uint32_t id, const char *name, external_function_t fn, uint32_t purity) {
    ebpf_helper h = plain(id, name, fn);
    h.arguments[0].kind = EBPF_ARG_SCALAR;
    h.purity = purity;
    return h;
}

ebpf_helper with_scene(uint32_t id, const char *name, ebpf_ctx_helper_fn fn) {
    ebpf_helper h = plain(id, name, nullptr);
    h.ctx_fn = fn;
    h.context = &shared();
    return h;
}

ebpf_helper declared(uint32_t id, const char *name, external_function_t fn,
                     std::initializer_list<ebpf_argument_kind> arguments,
                     ebpf_result_kind result = EBPF_RESULT_SCALAR) {
    ebpf_helper h = plain(id, name, fn);
    for (std::size_t i = 0; const ebpf_argument_kind kind : arguments) h.arguments[i++].kind = kind;
    h.result = result;
    return h;
}

std::vector<ebpf_helper> make_scalar_helpers() {
    return {
        plain(1, "weigh", weigh),
        pure(2, "square", square, EBPF_PURE_CONSTANT),
        pure(3, "peek", peek, EBPF_PURE_READS),
        plain(unwind_helper, "unwind", first),
        declared(10, "repeat", repeat,
                 {EBPF_ARG_SCALAR, EBPF_ARG_FUNCTION, EBPF_ARG_SCALAR, EBPF_ARG_SCALAR}),
        declared(11, "finish", first, {EBPF_ARG_SCALAR}, EBPF_RESULT_ENDS_RUN),
        declared(12, "finish_with", first, {EBPF_ARG_SCALAR, EBPF_ARG_FUNCTION},
                 EBPF_RESULT_ENDS_RUN),
        declared(13, "leave", leave, {EBPF_ARG_CONTEXT, EBPF_ARG_SCALAR}, EBPF_RESULT_TAIL_CALL),
        declared(14, "complain", complain, {EBPF_ARG_SCALAR}),
        declared(15, "never", first, {EBPF_ARG_SCALAR}, EBPF_RESULT_NEVER)};
}

std::vector<ebpf_helper> make_helpers() {
    ebpf_helper gives = with_scene(6, "give", give);
    gives.result = EBPF_RESULT_POINTER_OR_NULL;
    gives.result_size = static_cast<uint32_t>(shared().returned.bytes().size());
    ebpf_helper sums = declared(8, "sum", sum, {EBPF_ARG_MEMORY_READ, EBPF_ARG_MEMORY_SIZE});
    sums.purity = EBPF_PURE_READS;
    ebpf_helper fills = plain(9, "fill", fill);
    fills.arguments[0] = {.kind = EBPF_ARG_MEMORY_WRITE, .size = written_size, .may_be_null = 1};
    fills.arguments[1].kind = EBPF_ARG_SCALAR;
    std::vector<ebpf_helper> all = make_scalar_helpers();
    for (const ebpf_helper &h : {
             gives,
             with_scene(7, "grant", grant),
             sums,
             fills,
             declared(16, "look_up", look_up, {EBPF_ARG_MAP, EBPF_ARG_MAP_KEY},
                      EBPF_RESULT_MAP_VALUE_OR_NULL),
             declared(17, "update", update,
                      {EBPF_ARG_MAP, EBPF_ARG_MAP_KEY, EBPF_ARG_MAP_VALUE, EBPF_ARG_SCALAR}),
             declared(18, "read_value", read_value,
                      {EBPF_ARG_MAP, EBPF_ARG_MAP_KEY, EBPF_ARG_MAP_VALUE_WRITE}),
         })
        all.push_back(h);
    return all;
}

void must(int code) { require(code == EBPF_OK, "the VM can be configured so"); }

}  // namespace

void refill(std::span<uint8_t> bytes, uint64_t contents) {
    if (contents == 0) {
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 37 + 5);
        return;
    }
    random_source random{contents};
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(uint64_t)) {
        const uint64_t word = random.interesting();
        std::memcpy(&bytes[i], &word, std::min(sizeof word, bytes.size() - i));
    }
}

void refill_scene(uint64_t contents) {
    for (const std::span<uint8_t> bytes : shared().all()) refill(bytes, contents);
}

void append_scene(byte_vector &to) {
    for (const std::span<uint8_t> bytes : shared().all())
        to.insert(to.end(), bytes.begin(), bytes.end());
}

ebpf_region scene_write_only() noexcept {
    const std::span bytes = shared().write_only.bytes();
    return {bytes.data(), bytes.size(), EBPF_PERM_WRITE};
}

ebpf_region scene_read_only() noexcept {
    const std::span bytes = shared().read_only.bytes();
    return {bytes.data(), bytes.size(), EBPF_PERM_READ};
}

std::span<const ebpf_helper> scene_helpers() {
    static const auto all = make_helpers();
    return all;
}

std::span<const ebpf_helper> scalar_scene_helpers() {
    static const auto all = make_scalar_helpers();
    return all;
}

void register_scene_helpers(ebpf_vm *vm) {
    for (const ebpf_helper &h : scene_helpers()) must(ebpf_register_typed(vm, &h));
    must(ebpf_set_unwind_function_index(vm, unwind_helper));
}

void register_scene_bodies(ebpf_vm *vm) {
    for (const auto &[id, function, code] : bodies)
        must(ebpf_register_helper_bitcode(vm, id, function, code.data(), code.size()));
}

void register_packet_load(ebpf_vm *vm) {
    must(ebpf_register(vm, EBPF_PACKET_LOAD_HELPER, "load_packet", load_packet));
}

void set_scene_callbacks(ebpf_vm *vm) {
    must(ebpf_set_lddw_helpers(vm, map_of, map_of, map_value, variable, nullptr));
    must(ebpf_set_lddw_size_helpers(vm, nullptr, nullptr, map_value_size, variable_size, nullptr));
    must(ebpf_set_map_shape_helper(vm, map_shape));
}

void set_successors(std::span<ebpf_vm *const> vms, bool in_functions) {
    shared().successors.assign(vms.begin(), vms.end());
    shared().leaves_functions = in_functions;
}

}  // namespace bpftime::vm::fuzz
