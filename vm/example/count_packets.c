/* bpftime-vm: an object of an XDP program inside of your own C program
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 *
 * Usage: count_packets <traffic_count.bpf.o> [backend]
 *
 * Sets a limit, blocks a sender, has two packets judged, and reads what the program counted.
 */
#include <ebpf-object.h>
#include <string.h>

static int complain(const char *what) {
    fprintf(stderr, "%s: %s\n", what, ebpf_last_error());
    return 1;
}

/** An IPv4 packet of `size` bytes from 192.0.2.<sender>. */
static void make_packet(uint8_t *frame, size_t size, uint8_t sender) {
    const uint8_t headers[] = {0,    0, 0, 0,      0,   0,  0,   0, 0,  0,  0, 0,
                               8,    0, /* Ethernet: IPv4 */
                               0x45, 0, 0, 0,      0,   0,  0,   0, 64, 17, 0, 0, /* IPv4: UDP */
                               192,  0, 2, sender, 198, 51, 100, 1};
    memset(frame, 0, size);
    memcpy(frame, headers, sizeof headers);
}

static int print_event(void *context, const void *record, size_t size) {
    uint32_t sender = 0;
    (void)context;
    memcpy(&sender, record, size < sizeof sender ? size : sizeof sender);
    printf("blocked: 0x%08" PRIx32 "\n", sender);
    return 0;
}

static int judge(struct ebpf_program *program, size_t size, uint8_t sender) {
    uint8_t frame[1500];
    struct ebpf_packet packet = {.size = sizeof packet, .frame = frame, .frame_size = size};
    make_packet(frame, size, sender);
    if (ebpf_program_run_packet(program, &packet) < 0) return complain("run");
    printf("%zu bytes from 192.0.2.%u: verdict %" PRIu32 "\n", size, sender, packet.verdict);
    return 0;
}

int main(int argc, char **argv) {
    struct ebpf_object_options options = {.size = sizeof options};
    const uint32_t limit = 500, blocked = 0xc0000207, udp = 17;
    const uint8_t yes = 1;
    uint64_t packets = 0;

    struct ebpf_object *object = ebpf_object_open_file(argc > 1 ? argv[1] : "traffic_count.bpf.o");
    if (object == NULL) return complain("open");
    if (ebpf_object_set_global(object, "limit", &limit, sizeof limit) < 0) return complain("limit");
    options.backend = argc > 2 ? argv[2] : "";
    if (ebpf_object_load(object, &options) < 0) return complain("load");

    struct ebpf_program *program = ebpf_object_find_program(object, "traffic_count");
    struct ebpf_map *senders = ebpf_object_find_map(object, "blocked");
    if (ebpf_map_update_elem(senders, &blocked, sizeof blocked, &yes, sizeof yes, 0) < 0)
        return complain("blocked");

    /* One passes (2), one is too long (1: dropped), one is from the blocked sender. */
    if (judge(program, 60, 1) || judge(program, 600, 1) || judge(program, 60, 7)) return 1;
    if (ebpf_map_consume(ebpf_object_find_map(object, "events"), print_event, NULL) < 0)
        return complain("events");
    if (ebpf_map_lookup_elem(ebpf_object_find_map(object, "protocols"), &udp, sizeof udp, &packets,
                             sizeof packets, 0) < 0)
        return complain("protocols");
    printf("UDP packets: %" PRIu64 "\n", packets);

    char *json = ebpf_map_dump_json(ebpf_object_find_map(object, "flows"));
    printf("%s\n", json == NULL ? ebpf_last_error() : json);
    ebpf_free(json);
    ebpf_object_close(object);
    return 0;
}
