// bpftime-vm: where a run of a C host happens, for as long as it does
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "sites.hpp"

#include "boundary.hpp"

#include <algorithm>

namespace bpftime::vm::runtime_capi {

namespace {

std::unexpected<error> invalid(std::string_view what) {
    return std::unexpected{make_error(error_code::invalid_argument, what)};
}

result<std::span<const uint64_t>> words(const uint64_t *data, std::size_t count,
                                        std::string_view name) {
    if (data == nullptr and count != 0) return invalid(std::string{name} + " is NULL");
    return std::span{data, count};
}

/// Copies text and a NUL, as much as there is room for.
void copy_text(std::string_view from, char *to, std::size_t capacity) {
    if (to == nullptr or capacity == 0) return;
    const std::size_t bytes = std::min(from.size(), capacity - 1);
    std::ranges::copy(from.substr(0, bytes), to);
    to[bytes] = '\0';
}

}  // namespace

result<void> entered_sites::enter(const ebpf_sites *given) {
    if (given == nullptr) return {};
    const auto read = read_struct(given, "sites");
    if (not read) return std::unexpected{read.error()};
    given_ = *read;
    if (auto done = enter_probe(); not done) return done;
    if (auto done = enter_cgroup(); not done) return done;
    return enter_socket();
}

void entered_sites::give_back() {
    if (in_probe_) {
        probe_values_.is_overridden = probe_.override_result.has_value();
        probe_values_.override_result = probe_.override_result.value_or(0);
        write_struct(given_.probe, probe_values_);
    }
    if (in_cgroup_) {
        cgroup_values_.result = cgroup_.result;
        cgroup_values_.is_changed = sysctl_.is_changed;
        if (sysctl_.is_changed) {
            copy_text(sysctl_.written.value_or(""), cgroup_values_.changed_value,
                      cgroup_values_.changed_capacity);
        }
        write_struct(given_.cgroup, cgroup_values_);
    }
    if (in_socket_) {
        const runtime::chosen_socket chosen = socket_.chosen.value_or(runtime::chosen_socket{});
        socket_values_.chosen_socket = chosen.socket;
        socket_values_.chosen_map_id = chosen.through == nullptr ? 0 : chosen.through->id();
        socket_values_.chosen_flags = chosen.flags;
        socket_values_.apply_bytes = socket_.apply_bytes;
        socket_values_.cork_bytes = socket_.cork_bytes;
        socket_values_.callbacks = socket_.callbacks;
        write_struct(given_.socket, socket_values_);
    }
}

result<void> entered_sites::enter_probe() {
    if (given_.probe == nullptr) return {};
    const auto read = read_struct(given_.probe, "sites->probe");
    if (not read) return std::unexpected{read.error()};
    probe_values_ = *read;
    const auto arguments = words(read->arguments, read->argument_count, "arguments");
    if (not arguments) return std::unexpected{arguments.error()};
    const auto stack = words(read->stack, read->stack_count, "stack");
    if (not stack) return std::unexpected{stack.error()};
    probe_ = {.cookie = read->cookie,
              .function = read->function,
              .arguments = *arguments,
              .stack = *stack};
    if (read->has_result != 0) probe_.result = read->result;
    in_probe_.emplace(probe_);
    return {};
}

result<void> entered_sites::enter_cgroup() {
    if (given_.cgroup == nullptr) return {};
    const auto read = read_struct(given_.cgroup, "sites->cgroup");
    if (not read) return std::unexpected{read.error()};
    cgroup_values_ = *read;
    cgroup_ = {.group = read->group, .attach_type = read->attach_type, .result = read->result};
    if (read->sysctl_name != nullptr) {
        sysctl_.name = read->sysctl_name;
        sysctl_.value = read->sysctl_value == nullptr ? "" : read->sysctl_value;
        if (read->sysctl_new_value != nullptr) sysctl_.written = read->sysctl_new_value;
        cgroup_.sysctl = &sysctl_;
    }
    in_cgroup_.emplace(cgroup_);
    return {};
}

result<void> entered_sites::enter_socket() {
    if (given_.socket == nullptr) return {};
    const auto read = read_struct(given_.socket, "sites->socket");
    if (not read) return std::unexpected{read.error()};
    socket_values_ = *read;
    socket_.socket = read->socket;
    socket_.callbacks = read->callbacks;
    if (read->get_option != nullptr) {
        socket_.get_option = [&v = socket_values_](int level, int name, std::span<uint8_t> value) {
            return v.get_option(v.context, level, name, value.data(), value.size());
        };
    }
    if (read->set_option != nullptr) {
        socket_.set_option = [&v = socket_values_](int level, int name,
                                                   std::span<const uint8_t> value) {
            return v.set_option(v.context, level, name, value.data(), value.size());
        };
    }
    if (read->bind != nullptr) {
        socket_.bind = [&v = socket_values_](std::span<const uint8_t> address) {
            return v.bind(v.context, address.data(), address.size());
        };
    }
    in_socket_.emplace(socket_);
    return {};
}

}  // namespace bpftime::vm::runtime_capi
