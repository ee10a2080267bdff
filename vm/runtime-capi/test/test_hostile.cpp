// bpftime-vm: objects that are no objects
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include <random>

namespace runtime_c_api {

namespace {

constexpr std::string_view source = R"(
struct { __uint(type, 1); __uint(max_entries, 8); __type(key, u32); __type(value, u64); } seen SEC(".maps");
const volatile u32 limit = 9;
u64 total;
SEC("raw_tp") int f(void *ctx) {
    u32 key = limit;
    u64 *value = lookup(&seen, &key);
    return value ? *value : total++;
}
)";

/// Does with an object what hosts do; whatever it is, that ends.
void use(const bytes &file, const char *backend) {
    const object_ptr object{ebpf_object_open(file.data(), file.size())};
    if (object == nullptr) {
        EXPECT_STRNE(ebpf_last_error(), "");
        return;
    }
    std::vector<const char *> names(ebpf_object_list_globals(object.get(), nullptr, 0));
    ebpf_object_list_globals(object.get(), names.data(), names.size());
    for (const char *name : names) {
        auto info = sized<ebpf_global_info>();
        EXPECT_EQ(ebpf_object_get_global_info(object.get(), name, &info), 0);
    }
    auto options = sized<ebpf_object_options>();
    options.backend = backend;
    options.instruction_limit = 10'000;
    for (ebpf_map *m = nullptr; (m = ebpf_object_next_map(object.get(), m)) != nullptr;) {
        if (info_of(m).max_entries > 1000) ebpf_map_set_max_entries(m, 1000);
    }
    if (ebpf_object_load(object.get(), &options) < 0) {
        EXPECT_STRNE(ebpf_last_error(), "");
        return;
    }
    for (ebpf_program *p = nullptr; (p = ebpf_object_next_program(object.get(), p)) != nullptr;)
        ebpf_program_run(p, nullptr, 0, nullptr);
    for (ebpf_map *m = nullptr; (m = ebpf_object_next_map(object.get(), m)) != nullptr;)
        const text_ptr text{ebpf_map_dump_json(m)};
}

class hostile : public on_engines {};
ON_ENGINES(hostile);

TEST_P(hostile, truncated_objects_are_refused) {
    const bytes &whole = compiled(source);
    for (std::size_t size = 0; size < whole.size(); size += 1 + size / 40)
        use({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}, GetParam());
}

TEST_P(hostile, changed_objects_do_no_harm) {
    std::mt19937 random{7};
    const bytes &whole = compiled(source);
    for (int i = 0; i < 300; ++i) {
        bytes changed = whole;
        for (int n = 0; n < 1 + i % 4; ++n)
            changed[random() % changed.size()] = static_cast<uint8_t>(random());
        use(changed, GetParam());
    }
}

TEST(hostile_files, are_refused) {
    EXPECT_FAILS(ebpf_object_open("", 0), nullptr, EINVAL, "");
    const std::string text = "no object at all, but long enough for the header of one: .........";
    EXPECT_FAILS(ebpf_object_open(text.data(), text.size()), nullptr, EINVAL, "ELF");
    EXPECT_FAILS(ebpf_object_open_file("/no/such/file"), nullptr, ENOENT,
                 "cannot open '/no/such/file': No such file or directory");
    EXPECT_FAILS(ebpf_object_open_file("/"), nullptr, EISDIR, "cannot read '/'");
    EXPECT_FAILS(ebpf_object_open_file("/dev/null"), nullptr, EINVAL, "");
}

}  // namespace

}  // namespace runtime_c_api
