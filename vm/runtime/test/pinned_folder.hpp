// bpftime-vm: a folder with pinned maps, for tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "support.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace bpftime::vm::runtime::test {

/// Those that can be pinned.
inline constexpr auto pinnable_types = std::to_array<map_type>(
    {map_type::hash, map_type::array, map_type::percpu_hash, map_type::percpu_array,
     map_type::lru_hash, map_type::lru_percpu_hash, map_type::lpm_trie, map_type::queue,
     map_type::stack, map_type::bloom_filter, map_type::ringbuf});

/// The key with this number, below 256, of any such map; empty if it has none. Tries have prefixes
/// of three lengths.
[[nodiscard]] inline bytes key_for(const map &m, uint32_t number) {
    if (m.definition().key_size == 0) return {};
    if (m.definition().type != map_type::lpm_trie) return key(number);
    bytes prefix = key(32 - number % 3);
    const bytes bits = key(number);
    prefix.insert(prefix.end(), bits.begin(), bits.end());
    return prefix;
}

/// A folder for the files of one test.
class pinned_maps : public testing::Test {
protected:
    pinned_maps() {
        // In memory if possible: some tests write hundreds of files.
        const std::filesystem::path shm{"/dev/shm"};
        const auto parent =
            access(shm.c_str(), W_OK) == 0 ? shm : std::filesystem::temp_directory_path();
        std::string name = (parent / "pinned-XXXXXX").string();
        folder_ = mkdtemp(name.data());
    }
    ~pinned_maps() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::string path(const std::string &name = "map") const {
        return folder_ + '/' + name;
    }
    [[nodiscard]] std::shared_ptr<map> create(map_type type, uint32_t max_entries,
                                              const std::string &name = "map") const {
        const bool is_ring = type == map_type::ringbuf;
        auto made = map::create_pinned(define(type, is_ring ? 4096 : max_entries), path(name));
        EXPECT_TRUE(made) << made.error().message;
        return made ? *made : nullptr;
    }
    [[nodiscard]] std::shared_ptr<map> open(const std::string &name = "map") const {
        auto there = map::open_pinned(path(name));
        EXPECT_TRUE(there) << there.error().message;
        return there ? *there : nullptr;
    }
    [[nodiscard]] std::vector<char> content() const {
        std::ifstream in{path(), std::ios::binary};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
    void write(const std::vector<char> &content) const {
        std::ofstream out{path(), std::ios::binary | std::ios::trunc};
        out.write(content.data(), static_cast<std::streamsize>(content.size()));
    }

    std::string folder_;
};

/// Another process that does `work` with the map of this file, and fails if that returns false.
inline pid_t start(const std::string &path, const std::function<bool(map &)> &work) {
    const pid_t child = fork();
    if (child != 0) return child;
    const auto there = map::open_pinned(path);
    _exit(there and work(**there) ? 0 : 1);
}

inline bool succeeds(pid_t child) {
    int status = 0;
    return waitpid(child, &status, 0) == child and WIFEXITED(status) and WEXITSTATUS(status) == 0;
}

}  // namespace bpftime::vm::runtime::test
