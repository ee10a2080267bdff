// bpftime-vm: packets, and programs in C that run on them here and in the kernel
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"
#include "engines.hpp"
#include "object/program_type.hpp"
#include "runtime/packet.hpp"
#include "support.hpp"

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace bpftime::vm::runtime::test {

[[nodiscard]] bytes join(std::initializer_list<bytes> parts);

/// Packets of several protocols, whole and cut off.
[[nodiscard]] const std::vector<bytes> &frames();

/// A program of one function in C, after includes of linux/bpf.h and the like.
struct source_program {
    const char *name;
    object::program_type type;
    const char *source;

    friend std::ostream &operator<<(std::ostream &out, const source_program &s) {
        return out << s.name;
    }
};

/// Code of the only program in `source`, as the kernel gets it.
[[nodiscard]] bytes compile(std::string_view source, const std::string &options);
/// The same for our contexts.
[[nodiscard]] bytes rewrite(const bytes &code, object::program_type type);

/// A VM with all helpers that need no maps.
[[nodiscard]] std::unique_ptr<ebpf_vm> load(const vm::test::engine &e, const bytes &code);

/// What a program made of a packet.
struct ran {
    uint32_t verdict = 0;
    bytes frame;
};

/// Runs on a frame on the heap, so that sanitizers see what lies beyond.
[[nodiscard]] ran run(ebpf_vm &vm, object::program_type type, bytes frame);

/// The same with as much room as the kernel's test runs give. What comes back begins with the
/// metadata, or with zeros for the Ethernet header that programs of the type do not see.
using preparation = std::function<void(packet_context &)>;
[[nodiscard]] ran run_with_room(ebpf_vm &vm, object::program_type type, const bytes &frame,
                                const preparation &prepare = {});

/// Runs the program on every engine and each of frames(), and compares verdict and packet with the
/// kernel's. The test is skipped where there are no programs of the kernel.
void compare_with_kernel(const source_program &p, const preparation &prepare = {},
                         const std::function<void(ebpf_vm &)> &configure = {});

}  // namespace bpftime::vm::runtime::test
