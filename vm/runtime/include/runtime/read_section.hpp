// bpftime-vm: keeping what readers look at until they have finished
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

namespace bpftime::vm::runtime {

/// While one lives, nothing that its thread finds in a map is freed, whoever deletes it. They nest,
/// and can begin where there is no memory.
/// Programs need none: what they look up stays until their run ends.
class read_section {
public:
    read_section() noexcept;
    ~read_section();
    read_section(const read_section &) = delete;
    read_section &operator=(const read_section &) = delete;
};

/// Makes the run in progress on this thread a read section from now on. Outside of runs it does
/// nothing: then the caller has one of its own.
void read_until_run_ends() noexcept;

/// Destroys an object that no new reader can find once the present ones have finished. Without
/// memory to remember it until then, it is never destroyed.
/// `owner`: what destroy(object, owner) is told, which lives until then.
void retire(void *object, void (*destroy)(void *object, void *owner),
            void *owner = nullptr) noexcept;
template <typename T>
void retire(std::unique_ptr<T> object) noexcept {
    if (object != nullptr)
        retire(object.release(), [](void *o, void *) { delete static_cast<T *>(o); });
}

}  // namespace bpftime::vm::runtime
