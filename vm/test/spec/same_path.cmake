# bpftime-vm: fails unless ACTUAL is EXPECTED
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT

if(NOT ACTUAL STREQUAL EXPECTED)
    message(FATAL_ERROR "${ACTUAL}: the specification runs it as ${EXPECTED}")
endif()
