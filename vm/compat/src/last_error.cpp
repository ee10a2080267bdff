// bpftime-vm: the message of each thread's last failed call
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/last_error.hpp"

#include <utility>

namespace bpftime::vm::compat {

namespace {
thread_local std::string message_of_thread;
}  // namespace

const std::string &last_error() noexcept { return message_of_thread; }
void set_last_error(std::string message) noexcept { message_of_thread = std::move(message); }

}  // namespace bpftime::vm::compat
