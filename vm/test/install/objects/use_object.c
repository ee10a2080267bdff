/* bpftime-vm test: an outside C11 program runs an object on a packet and reads its map
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 *
 * USE_OBJECT names the object: vm/example/traffic_count.
 */
#include <ebpf-object.h>
#include <stdlib.h>
#include <string.h>

static int complain(const char *what) {
    fprintf(stderr, "%s: %s\n", what, ebpf_last_error());
    return 1;
}

/** The library lies where backends are looked for, and is none. */
static int is_a_backend(const char *name) {
    const char *names[64];
    size_t count = ebpf_list_vms(names, 64);
    for (size_t i = 0; i < count && i < 64; ++i) {
        if (strcmp(names[i], name) == 0) return 1;
    }
    return 0;
}

int main(void) {
    uint8_t frame[34] = {0};
    struct ebpf_packet packet = {.size = sizeof packet, .frame = frame, .frame_size = sizeof frame};
    const uint32_t protocol = 6;
    uint64_t packets = 0;
    const char *path = getenv("USE_OBJECT");

    struct ebpf_object *object = ebpf_object_open_file(path == NULL ? "" : path);
    if (object == NULL) return complain("ebpf_object_open_file");
    if (ebpf_object_load(object, NULL) < 0) return complain("ebpf_object_load");

    frame[12] = 8; /* IPv4 */
    frame[23] = (uint8_t)protocol;
    struct ebpf_program *program = ebpf_object_find_program(object, "traffic_count");
    if (ebpf_program_run_packet(program, &packet) < 0) return complain("ebpf_program_run_packet");
    if (packet.verdict != 2) return complain("the verdict is not XDP_PASS");

    struct ebpf_map *map = ebpf_object_find_map(object, "protocols");
    if (ebpf_map_lookup_elem(map, &protocol, sizeof protocol, &packets, sizeof packets, 0) < 0)
        return complain("ebpf_map_lookup_elem");
    if (packets != 1) return complain("the packet was not counted");
    printf("bpftime-vm %s, backend %s: counted\n", ebpf_version(),
           ebpf_get_vm_name(ebpf_program_vm(program)));

    if (ebpf_object_open("no object", 9) != NULL || strlen(ebpf_last_error()) == 0)
        return complain("something that is no object was opened");
    if (is_a_backend("runtime") || !is_a_backend("ubpf")) return complain("ebpf_list_vms");
    ebpf_object_close(object);
    return 0;
}
