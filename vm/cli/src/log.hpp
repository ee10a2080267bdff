// bpftime-vm: the log of bpftime-cli: to stderr, level by BPFTIME_LOG_LEVEL as in the library
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace bpftime::vm::cli {

/// What a user sees with BPFTIME_LOG_LEVEL=DEBUG.
void log_debug(std::string_view text);

}  // namespace bpftime::vm::cli
