// bpftime-vm: the control groups that a thread is in
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "control_group.hpp"

#include <sys/stat.h>

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace bpftime::vm::runtime {

namespace {

/// Where the hierarchy is mounted; "" if nowhere.
std::string find_mount() {
    std::ifstream mounts{"/proc/self/mounts"};
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream words{line};
        std::string device;
        std::string place;
        std::string type;
        if (words >> device >> place >> type and type == "cgroup2") return place;
    }
    return {};
}

/// The thread's group as a path below the mount; "" if it has none.
std::string find_path() {
    constexpr std::string_view version_2 = "0::";
    std::ifstream groups{"/proc/thread-self/cgroup"};
    for (std::string line; std::getline(groups, line);) {
        if (line.starts_with(version_2)) return line.substr(version_2.size());
    }
    return {};
}

}  // namespace

std::vector<uint64_t> current_control_groups() {
    static const std::string mount = find_mount();
    const std::string path = find_path();
    std::vector<uint64_t> ids;
    if (mount.empty() or path.empty()) return ids;
    const auto add = [&ids](const std::string &folder) {
        struct stat status{};  // the id of a group is the inode of its folder
        if (stat(folder.c_str(), &status) == 0) ids.push_back(status.st_ino);
    };
    add(mount);
    for (std::size_t end = path.find('/', 1); path != "/"; end = path.find('/', end + 1)) {
        add(mount + path.substr(0, end));
        if (end == std::string::npos) break;
    }
    return ids;
}

}  // namespace bpftime::vm::runtime
