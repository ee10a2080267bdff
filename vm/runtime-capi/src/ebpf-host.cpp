// bpftime-vm: the C API of what programs learn of their host
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "ebpf-host.h"

#include "boundary.hpp"
#include "handles.hpp"
#include "runtime/probe.hpp"
#include "runtime/storage_owner.hpp"

#include <fmt/format.h>

using namespace bpftime::vm;
using namespace bpftime::vm::runtime_capi;
using runtime::owner_kind;
using runtime::storage_owner;

static_assert(EBPF_OWNER_TASK == static_cast<int>(owner_kind::task));
static_assert(EBPF_OWNER_INODE == static_cast<int>(owner_kind::inode));
static_assert(EBPF_OWNER_SOCKET == static_cast<int>(owner_kind::socket));
static_assert(EBPF_OWNER_CGROUP == static_cast<int>(owner_kind::cgroup));

extern "C" {

int ebpf_program_allow_process_memory(struct ebpf_program *program) {
    return with(program, "program", [](ebpf_program &p) -> int {
        if (p.loaded == nullptr) return not_loaded(p);
        return to_c(runtime::allow_process_memory(*p.vm()));
    });
}

struct ebpf_owner *ebpf_owner_create(uint32_t kind, const void *shown) {
    return guarded([&]() -> ebpf_owner * {
        if (kind > EBPF_OWNER_CGROUP) {
            return failed<ebpf_owner *>(
                make_error(error_code::invalid_argument, fmt::format("there is no kind {}", kind)));
        }
        const auto what = static_cast<owner_kind>(kind);
        return new ebpf_owner{shown == nullptr
                                  ? std::make_shared<const storage_owner>(what)
                                  : std::make_shared<const storage_owner>(what, shown)};
    });
}

void ebpf_owner_close(struct ebpf_owner *owner) { delete owner; }

uint64_t ebpf_owner_word(const struct ebpf_owner *owner) {
    return owner == nullptr ? 0 : owner->made->word();
}

uint32_t ebpf_owner_number(const struct ebpf_owner *owner) {
    return owner == nullptr ? 0 : owner->made->number();
}

uint32_t ebpf_current_task_number(void) {
    return guarded([] { return storage_owner::current_task().number(); });
}

}  // extern "C"
