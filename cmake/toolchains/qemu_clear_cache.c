/* bpftime-vm: makes qemu 7 see code that was written through another mapping
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 *
 * An AArch64 machine sees it after __clear_cache(). qemu keeps what it translated, unless the pages
 * become writable. For cross builds alone. */
#include <stdint.h>
#include <sys/mman.h>

void __real___clear_cache(void *begin, void *end);
void __wrap___clear_cache(void *begin, void *end);

__attribute__((visibility("hidden"))) void __wrap___clear_cache(void *begin, void *end) {
    const uintptr_t page = (uintptr_t)begin & ~(uintptr_t)4095;
    const uintptr_t bytes = (uintptr_t)end - page;
    mprotect((void *)page, bytes, PROT_READ | PROT_WRITE | PROT_EXEC);
    mprotect((void *)page, bytes, PROT_READ | PROT_EXEC);
    __real___clear_cache(begin, end);
}
