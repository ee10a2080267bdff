// bpftime-vm: tells by its exit code whether a backend can be created
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// usage: plugin_probe <backend> [setuid]
// exit codes: 0: it can be created; 1: it cannot; 2: this is no setuid process

#include "ebpf-vm.h"

#include <sys/auxv.h>

int main(int argc, char **argv) {
    if (argc < 2) return 3;
    if (argc > 2 and getauxval(AT_SECURE) == 0) return 2;
    ebpf_vm *const vm = ebpf_create(argv[1]);
    if (vm == nullptr) fprintf(stderr, "%s\n", ebpf_last_error());
    ebpf_destroy(vm);
    return vm == nullptr ? 1 : 0;
}
