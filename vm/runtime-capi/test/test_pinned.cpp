// bpftime-vm: maps that are files, in C
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace runtime_c_api {

namespace {

constexpr int not_supported = 524;  // the kernel's ENOTSUPP

/// A folder for the files of one test.
class folder {
public:
    folder() {
        std::string name = (std::filesystem::temp_directory_path() / "pinned-XXXXXX").string();
        name_ = mkdtemp(name.data());
    }
    ~folder() { std::filesystem::remove_all(name_); }
    folder(const folder &) = delete;
    folder &operator=(const folder &) = delete;

    [[nodiscard]] const std::string &name() const { return name_; }
    [[nodiscard]] std::string path(const std::string &file) const { return name_ + '/' + file; }

private:
    std::string name_;
};

class pinned_maps : public testing::Test, protected folder {};
class pinned_objects : public on_engines, protected folder {};
ON_ENGINES(pinned_objects);

TEST_F(pinned_maps, are_opened_by_path) {
    const auto definition = define(EBPF_MAP_TYPE_HASH, 8);
    const map_ptr made{ebpf_map_create_pinned(&definition, path("flows").c_str())};
    ASSERT_NE(made, nullptr) << ebpf_last_error();
    ASSERT_EQ(update(made.get(), 1, 10), 0);
    const map_ptr there{ebpf_map_open_pinned(path("flows").c_str())};
    ASSERT_NE(there, nullptr) << ebpf_last_error();
    EXPECT_EQ(value_of(there.get(), 1), 10U);
    EXPECT_EQ(info_of(there.get()).max_entries, 8U);
    EXPECT_FAILS(ebpf_map_create_pinned(&definition, path("flows").c_str()), nullptr, EEXIST,
                 "there is a file of this name");
    const map_ptr same{ebpf_map_open_or_create_pinned(&definition, path("flows").c_str())};
    ASSERT_NE(same, nullptr) << ebpf_last_error();
    EXPECT_EQ(value_of(same.get(), 1), 10U);
}

TEST_F(pinned_maps, are_one_to_several_processes) {
    const auto definition = define(EBPF_MAP_TYPE_HASH, 8);
    const map_ptr made{ebpf_map_create_pinned(&definition, path("flows").c_str())};
    const pid_t child = fork();
    if (child == 0) {
        ebpf_map *const mine = ebpf_map_open_pinned(path("flows").c_str());
        _exit(mine != nullptr and update(mine, 2, 20) == 0 ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status) and WEXITSTATUS(status) == 0);
    EXPECT_EQ(value_of(made.get(), 2), 20U);
}

TEST_F(pinned_maps, that_cannot_be_are_refused) {
    auto definition = define(EBPF_MAP_TYPE_HASH, 8);
    EXPECT_FAILS(ebpf_map_create_pinned(nullptr, path("m").c_str()), nullptr, EINVAL,
                 "definition is NULL");
    EXPECT_FAILS(ebpf_map_create_pinned(&definition, nullptr), nullptr, EINVAL, "path is NULL");
    EXPECT_FAILS(ebpf_map_open_pinned(nullptr), nullptr, EINVAL, "path is NULL");
    EXPECT_FAILS(ebpf_map_open_pinned(path("m").c_str()), nullptr, ENOENT, "there is no such file");
    std::ofstream{path("text")} << "no map";
    EXPECT_FAILS(ebpf_map_open_pinned(path("text").c_str()), nullptr, EBADMSG,
                 "the file is no map, or damaged");
    const map_ptr made{ebpf_map_create_pinned(&definition, path("m").c_str())};
    definition.max_entries = 9;
    EXPECT_FAILS(ebpf_map_open_or_create_pinned(&definition, path("m").c_str()), nullptr, EINVAL,
                 "max_entries 8, not 9");
    definition = define(EBPF_MAP_TYPE_STACK_TRACE, 8);
    EXPECT_FAILS(ebpf_map_create_pinned(&definition, path("stacks").c_str()), nullptr,
                 not_supported, "of type stack_trace cannot be pinned");
}

TEST_F(pinned_maps, of_records_have_no_file_descriptor) {
    auto definition = define(EBPF_MAP_TYPE_RINGBUF, 4096);
    definition.key_size = definition.value_size = 0;
    const map_ptr ring{ebpf_map_create_pinned(&definition, path("ring").c_str())};
    ASSERT_NE(ring, nullptr) << ebpf_last_error();
    EXPECT_FAILS(ebpf_map_event_fd(ring.get()), EBPF_ERROR_UNSUPPORTED, EOPNOTSUPP,
                 "is pinned, and has no file descriptor");
    const auto take = [](void *, const void *, size_t) { return 0; };
    EXPECT_EQ(ebpf_map_consume(ring.get(), take, nullptr), 0);
}

constexpr std::string_view counting = R"(
struct { __uint(type, 1); __uint(max_entries, 8); __type(key, u32); __type(value, u64); __uint(pinning, 1); } seen SEC(".maps");
SEC("raw_tp") int count(u64 *ctx) {
    u32 key = 3;
    u64 one = 1, *value = lookup(&seen, &key);
    if (value) return *value += 1;
    update(&seen, &key, &one, 0);
    return 1;
}
)";

int64_t run_count(const std::string &pins, const char *backend) {
    const object_ptr object = open(counting);
    auto options = sized<ebpf_object_options>();
    options.backend = backend;
    options.pin_folder = pins.empty() ? nullptr : pins.c_str();
    EXPECT_EQ(ebpf_object_load(object.get(), &options), 0) << ebpf_last_error();
    int64_t result = 0;
    uint64_t context = 0;
    EXPECT_EQ(ebpf_program_run(ebpf_object_find_program(object.get(), "count"), &context,
                               sizeof context, &result),
              0)
        << ebpf_last_error();
    return result;
}

TEST_P(pinned_objects, keep_their_maps) {
    EXPECT_EQ(run_count(name(), GetParam()), 1);
    EXPECT_EQ(run_count(name(), GetParam()), 2);
    EXPECT_EQ(run_count("", GetParam()), 1);
    const map_ptr seen{ebpf_map_open_pinned(path("seen").c_str())};
    ASSERT_NE(seen, nullptr) << ebpf_last_error();
    EXPECT_EQ(value_of(seen.get(), 3), 2U);
}

}  // namespace

}  // namespace runtime_c_api
