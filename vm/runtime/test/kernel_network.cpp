// bpftime-vm: networks of the running kernel, for comparison
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "kernel_network.hpp"

#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>

namespace bpftime::vm::runtime::test {

bool in_network_namespace(const std::vector<const char *> &commands,
                          const std::function<void()> &what) {
    const auto works = [](const char *command) {
        return std::system((std::string{command} + " 2> /dev/null").c_str()) == 0;
    };
    bool made = false;
    std::thread{[&] {
        made = unshare(CLONE_NEWNET) == 0 and std::ranges::all_of(commands, works);
        if (made) what();
    }}.join();
    return made;
}

}  // namespace bpftime::vm::runtime::test
