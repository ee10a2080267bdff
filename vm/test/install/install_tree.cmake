# bpftime-vm: installs the build folder BUILD and moves the result to TREE
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT

file(REMOVE_RECURSE "${TREE}" "${TREE}.first")
execute_process(
    COMMAND ${CMAKE_COMMAND} --install "${BUILD}" --prefix "${TREE}.first"
    COMMAND_ERROR_IS_FATAL ANY
)
file(RENAME "${TREE}.first" "${TREE}")
