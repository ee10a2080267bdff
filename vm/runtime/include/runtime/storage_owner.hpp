// bpftime-vm: what maps of local storage keep values for: tasks, inodes, sockets, control groups
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>

namespace bpftime::vm::runtime {

enum class owner_kind : uint8_t { task, inode, socket, cgroup };

/// Something of the host's that programs can keep a value for, in each map of its kind's local
/// storage. Programs name it by a word, as they name the kernel's by address; hosts by a number, as
/// they name the kernel's by file descriptor: the key of map::lookup() and the like. When it goes,
/// its values go.
class storage_owner {
public:
    /// Its word is no address of any machine: programs can pass it on, and read nothing there.
    explicit storage_owner(owner_kind kind);
    /// Its word is the address of what the host shows of it, which is not null. Of two of a kind
    /// with the same address the newer one counts.
    storage_owner(owner_kind kind, const void *shown);
    ~storage_owner();
    storage_owner(const storage_owner &) = delete;
    storage_owner &operator=(const storage_owner &) = delete;

    /// The calling thread, which is there as long as it runs: the word is what
    /// bpf_get_current_task() and bpf_get_current_task_btf() give.
    [[nodiscard]] static const storage_owner &current_task();

    [[nodiscard]] owner_kind kind() const noexcept;
    [[nodiscard]] uint64_t word() const noexcept;
    /// Of no other one that is there at the same time, whatever its kind.
    [[nodiscard]] uint32_t number() const noexcept;

    struct record;  ///< what maps know of it
    [[nodiscard]] const std::shared_ptr<record> &known_as() const noexcept { return record_; }

private:
    std::shared_ptr<record> record_;
};

}  // namespace bpftime::vm::runtime
