/* bpftime-vm test: an outside C11 program uses the C API
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 */
#include <ebpf-vm.h>
#include <string.h>

static const uint8_t packet_length[] = {
    0xbf, 0x20, 0, 0, 0, 0, 0, 0, /* r0 = r2 */
    0x95, 0,    0, 0, 0, 0, 0, 0, /* exit */
};

static const uint8_t twice_the_length[] = {
    0xbf, 0x21, 0, 0, 0, 0, 0, 0, /* r1 = r2 */
    0x85, 0,    0, 0, 9, 0, 0, 0, /* call 9 */
    0x95, 0,    0, 0, 0, 0, 0, 0, /* exit */
};

static const uint8_t falls_off_the_end[] = {
    0xbf, 0x20, 0, 0, 0, 0, 0, 0, /* r0 = r2 */
};

static uint64_t twice(uint64_t value, uint64_t b, uint64_t c, uint64_t d, uint64_t e) {
    (void)b, (void)c, (void)d, (void)e;
    return 2 * value;
}

static int complain(const char *what) {
    fprintf(stderr, "%s: %s\n", what, ebpf_last_error());
    return 1;
}

int main(void) {
    uint8_t packet[64] = {0};
    int64_t result = 0;
    char *message = NULL;

    struct ebpf_vm *vm = ebpf_create("");
    if (vm == NULL) return complain("ebpf_create");
    printf("bpftime-vm %s, backend %s\n", ebpf_version(), ebpf_get_vm_name(vm));

    if (ebpf_load(vm, packet_length, sizeof(packet_length), &message) != 0)
        return complain(message);
    if (ebpf_exec(vm, packet, sizeof(packet), &result) != 0 || result != sizeof(packet))
        return complain("packet_length");

    if (ebpf_register(vm, 9, "twice", twice) != 0) return complain("ebpf_register");
    if (ebpf_load(vm, twice_the_length, sizeof(twice_the_length), &message) != 0)
        return complain(message);
    if (ebpf_exec(vm, packet, sizeof(packet), &result) != 0 || result != 2 * sizeof(packet))
        return complain("twice_the_length");

    if (ebpf_load(vm, falls_off_the_end, sizeof(falls_off_the_end), &message) >= 0)
        return complain("a program without end was loaded");
    if (message == NULL || strlen(message) == 0)
        return complain("a program was refused without a message");
    free(message);

    if (ebpf_create("no-such-backend") != NULL || strlen(ebpf_last_error()) == 0)
        return complain("a backend that does not exist was created");

    ebpf_destroy(vm);
    return 0;
}
