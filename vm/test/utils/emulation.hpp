// bpftime-vm: what emulators of processes leave out, for tests
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>

namespace bpftime::vm::test {

/// Why the kernel does not copy this process's memory for it, as helpers ask it to; null: it does.
[[nodiscard]] inline const char *why_memory_is_not_copied() noexcept {
    char from = 'x';
    char to = 0;
    const iovec local{&to, 1};
    const iovec remote{&from, 1};
    if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1) return nullptr;
    return "process_vm_readv() does not work here, as under qemu";
}

/// Whether ctest has an emulator run the tests.
[[nodiscard]] inline bool is_emulated() noexcept {
    const char *const emulator = std::getenv("BPFTIME_VM_TEST_EMULATOR");
    return emulator != nullptr and * emulator != '\0';
}

}  // namespace bpftime::vm::test
