// bpftime-vm: the helpers that send signals
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "signal_helpers.hpp"

#include "helper_functions.hpp"
#include "helper_words.hpp"
#include "runtime/helpers.hpp"

#include <cerrno>

namespace bpftime::vm::runtime {

namespace {

constexpr uint32_t most_signals = 64;  // _NSIG

template <signal_target To>
uint64_t send(void *sink, uint64_t r1, uint64_t, uint64_t, uint64_t, uint64_t) {
    const auto number = static_cast<uint32_t>(r1);
    if (number > most_signals) return word_of(-EINVAL);
    return word_of((*static_cast<const signal_sink *>(sink))(static_cast<int>(number), To));
}

}  // namespace

uint64_t helper::send_signal(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EPERM);
}
uint64_t helper::send_signal_thread(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    return word_of(-EPERM);
}

ebpf_ctx_helper_fn sending_function(external_function_t function) noexcept {
    if (function == helper::send_signal) return send<signal_target::process>;
    return function == helper::send_signal_thread ? send<signal_target::thread> : nullptr;
}

}  // namespace bpftime::vm::runtime
