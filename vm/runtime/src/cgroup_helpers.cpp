// bpftime-vm: the helpers of programs that are attached to control groups
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "cgroup_storage.hpp"
#include "helper_functions.hpp"
#include "helper_words.hpp"
#include "run_scope.hpp"
#include "runtime/cgroup_site.hpp"

#include <cerrno>
#include <utility>

namespace bpftime::vm::runtime {

namespace {

thread_local cgroup_site *innermost_cgroup = nullptr;

}  // namespace

scoped_cgroup_site::scoped_cgroup_site(cgroup_site &site) noexcept
    : outer_{std::exchange(innermost_cgroup, &site)} {}
scoped_cgroup_site::~scoped_cgroup_site() { innermost_cgroup = outer_; }
cgroup_site *scoped_cgroup_site::current() noexcept { return innermost_cgroup; }

uint64_t helper::get_local_storage(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    cgroup_storage *const storage = as_cgroup_storage(&map_of(r1));
    run_scope *const scope = run_scope::current();
    if (storage == nullptr or scope == nullptr) return 0;
    return word_of(innermost_cgroup != nullptr
                       ? storage->find_or_add(*innermost_cgroup)
                       : scope->own_words(*storage, storage->value_words()));
}

uint64_t helper::get_retval(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(innermost_cgroup == nullptr ? 0 : innermost_cgroup->result);
}

uint64_t helper::set_retval(uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    if (innermost_cgroup == nullptr) return word_of(-EOPNOTSUPP);
    innermost_cgroup->result = static_cast<int32_t>(r1);
    return 0;
}

}  // namespace bpftime::vm::runtime
