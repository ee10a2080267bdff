/* bpftime-vm: eBPF objects, in C: opened, loaded, run
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 *
 * An object as clang makes it (ELF, `clang -target bpf -c`) becomes programs that run in this
 * process, with their maps, variables and CO-RE relocations; no kernel and no privileges are
 * needed. Of the library libbpftime-vm-runtime; errors and structs are as ebpf-map.h says.
 *
 *     struct ebpf_object *object = ebpf_object_open_file("count.bpf.o");
 *     if (object == NULL || ebpf_object_load(object, NULL) < 0) ...ebpf_last_error()...
 *     ebpf_program_run_packet(ebpf_object_find_program(object, "count"), &packet);
 *     ebpf_map_lookup_elem(ebpf_object_find_map(object, "counters"), ...);
 *     ebpf_object_close(object);
 *
 * Threads. An object is for one thread at a time until it is loaded. Then runs, maps and variables
 * may be used from any number of threads at once, until one of them closes the object. Different
 * objects are independent, even if they share maps.
 */
#ifndef EBPF_OBJECT_H
#define EBPF_OBJECT_H

#include "ebpf-map.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An object, and what it became when it was loaded. Its programs and maps are its own: their
 * handles live as long as it does, and the same name gives the same handle. */
struct ebpf_object;
struct ebpf_program;
struct ebpf_network;
struct ebpf_sites;
struct ebpf_tunnel;

/* ----------------------------------------------------------------------------------------------
 * lifecycle */

/** Reads an object; the bytes are copied, and may be hostile. NULL on failure. */
EBPF_EXPORT struct ebpf_object *ebpf_object_open(const void *bytes, size_t size);

/** The same from a file. */
EBPF_EXPORT struct ebpf_object *ebpf_object_open_file(const char *path);

/** A new object of several opened ones, as a static linker makes it: what one leaves undefined
 * another may define, weak definitions give way, maps of one name and definition are one. Values of
 * variables that were set are kept; what handles of programs and maps were told is not. The others
 * stay as they are. NULL: two definitions of one name, or one that is loaded already. */
EBPF_EXPORT struct ebpf_object *ebpf_object_link(struct ebpf_object *const *objects, size_t count);

/** Ends the object: its programs (which leave the arrays that they are in), their VMs, and its maps
 * unless somebody else has them. No run that the host began with this object may be in progress;
 * runs of other objects that came here by a tail call or a timer finish first. NULL is fine. */
EBPF_EXPORT void ebpf_object_close(struct ebpf_object *object);

/** What its section `license` says, "" if there is none. Lives as long as the object. */
EBPF_EXPORT const char *ebpf_object_license(const struct ebpf_object *object);

/** All programs are of no type: they get the host's memory by ebpf_program_run(). */
#define EBPF_PROGRAM_TYPE_PLAIN (-1)

/** Gets what programs print (bpf_trace_printk() and the like), on the threads that run them. The
 * text ends at its size, not at a NUL. */
typedef void (*ebpf_trace_fn)(void *context, const char *text, size_t size);

/** The time of a clock in nanoseconds; `clock`: 0 real time, 1 monotonic, 7 boot time. */
typedef int64_t (*ebpf_clock_fn)(void *context, uint32_t clock);

/** Gets a signal that a program sends to the process that it runs in, or to its thread; 0 or a
 * negative errno, which the program gets. On the thread of the run. */
typedef int (*ebpf_signal_fn)(void *context, int number, bool to_thread);

/** How an object is loaded. Zero-initialise it: 0 and NULL mean the default. */
struct ebpf_object_options {
    size_t size;         /**< sizeof(struct ebpf_object_options) */
    const char *backend; /**< of the VMs, as ebpf_create() takes it */
    /** What programs are, whatever their sections say: a number of the kernel's enum bpf_prog_type,
     * or EBPF_PROGRAM_TYPE_PLAIN; 0: what their sections say. */
    int32_t program_type;
    uint32_t max_insns;         /**< see ebpf_set_max_insns() */
    uint64_t instruction_limit; /**< budget of one run, see ebpf_set_instruction_limit() */
    /** The types of the target, for CO-RE and bpf_snprintf_btf(): raw BTF, or an ELF file with a
     * section .BTF
     * (/sys/kernel/btf/vmlinux); in memory, or the path of a file. Neither: those of the object. */
    const void *target_btf;
    size_t target_btf_size;
    const char *target_btf_path;
    /** Helpers of the host besides the runtime's, or instead of them. Copied. */
    const struct ebpf_helper *helpers;
    size_t helper_count;
    /** Gets what programs print; must be able to until the object is closed. */
    ebpf_trace_fn trace;
    void *trace_context;
    /** Sets whatever else ebpf-vm.h knows on the VM of each program before it is loaded. 0, or a
     * negative error with which the object is not loaded. */
    int (*configure)(void *context, struct ebpf_vm *vm);
    void *configure_context;
    /** Kernel functions besides the runtime's, or instead of them, by name; their ids do not
     * matter. Copied. */
    const struct ebpf_helper *kernel_functions;
    size_t kernel_function_count;
    /** What timers of programs go by; NULL: the clocks of the system. Programs that ask for the
     * time get the system's. From any thread that runs programs or ebpf_object_run_timers(). */
    ebpf_clock_fn clock;
    void *clock_context;
    /** Decides about signals that programs send; NULL: they may not, -EPERM. */
    ebpf_signal_fn signal;
    void *signal_context;
    /** Where maps that the object declares pinned (LIBBPF_PIN_BY_NAME) are files of their names:
     * those that are there already, with what is in them, or new ones. NULL: no map is pinned. The
     * folder has to be there. */
    const char *pin_folder;
};

/** Makes the maps that the programs can reach, fills them as the object says, and loads each
 * program into a VM of its own. options may be NULL. What a program needs and nobody has is named,
 * all of it, in the message. Once only; after a failure the object is as it was. Programs are
 * compiled when they are first run: ebpf_compile(ebpf_program_vm(program), NULL) does it at once.
 */
EBPF_EXPORT int ebpf_object_load(struct ebpf_object *object,
                                 const struct ebpf_object_options *options);

/* ----------------------------------------------------------------------------------------------
 * programs */

/** The program after `program`, the first if that is NULL; NULL after the last. In the order of the
 * object; of all programs, loaded or not. */
EBPF_EXPORT struct ebpf_program *ebpf_object_next_program(const struct ebpf_object *object,
                                                          const struct ebpf_program *program);

/** The program whose function has this name. */
EBPF_EXPORT struct ebpf_program *ebpf_object_find_program(const struct ebpf_object *object,
                                                          const char *name);

struct ebpf_program_info {
    size_t size;         /**< in: sizeof(struct ebpf_program_info) */
    const char *name;    /**< lives as long as the object, */
    const char *section; /**< and this, too */
    uint32_t type;       /**< the kernel's number (enum bpf_prog_type); 0: none that it knows */
    uint32_t insn_count; /**< of its own function, in slots; when it is loaded: of all its code */
    uint32_t is_loaded;  /**< or, as long as nothing is: whether it will be */
    uint32_t takes_packets; /**< ebpf_program_run_packet() runs it; otherwise ebpf_program_run() */
};

EBPF_EXPORT int ebpf_program_get_info(const struct ebpf_program *program,
                                      struct ebpf_program_info *info);

/** Whether ebpf_object_load() loads it: by default all programs, but those of sections whose name
 * begins with '?'. */
EBPF_EXPORT int ebpf_program_set_autoload(struct ebpf_program *program, bool autoload);

/** The VM of a loaded program, to be configured as ebpf-vm.h says; it belongs to the object. Its
 * code has been changed to use our contexts: packets have to go through
 * ebpf_program_run_packet(). */
EBPF_EXPORT struct ebpf_vm *ebpf_program_vm(struct ebpf_program *program);

/** Why the instruction at `pc` of a loaded program is the fault EBPF_FAULT_UNAVAILABLE: the field,
 * type or function that the target does not have; "" if it is not. Lives as long as the object. */
EBPF_EXPORT const char *ebpf_program_why_unavailable(const struct ebpf_program *program,
                                                     uint32_t pc);

/* ----------------------------------------------------------------------------------------------
 * running
 *
 * EBPF_ERROR_FAULT: the program faulted; ebpf_last_fault() tells where and why. */

/** Runs a program that gets the host's memory: r1 = mem. 0 and *result = r0 (result may be NULL).
 */
EBPF_EXPORT int ebpf_program_run(struct ebpf_program *program, void *mem, size_t mem_size,
                                 int64_t *result);

enum ebpf_redirect_kind {
    EBPF_REDIRECT_NONE = 0,
    EBPF_REDIRECT_INTERFACE = 1,  /**< `key` is its index */
    EBPF_REDIRECT_MAP = 2,        /**< where the entry `key` of map `map_id` says */
    EBPF_REDIRECT_EVERYWHERE = 3, /**< to every entry of map `map_id` */
    EBPF_REDIRECT_NEIGHBOUR = 4,  /**< interface `key`, with the link addresses of the next hop */
    EBPF_REDIRECT_PEER = 5,   /**< the other end of the pair of interfaces of which one is `key` */
    EBPF_REDIRECT_SOCKET = 6, /**< the socket with number `key` of map `map_id` */
};

/** Where a program wants a packet to go. */
struct ebpf_redirect {
    uint32_t kind; /**< enum ebpf_redirect_kind */
    uint32_t key;
    uint32_t map_id; /**< ebpf_map_info.id; 0: none */
    /** Of an interface: `key`; of the entry of a map of interfaces: what it says when the run ends.
     * 0: nothing. */
    uint32_t ifindex;
    uint64_t flags; /**< that the helper got */
};

/** A packet, and what a program made of it. Zero-initialise it. */
struct ebpf_packet {
    size_t size; /**< sizeof(struct ebpf_packet) */

    /* in */

    /** Begins with an Ethernet header; read and written in place. */
    void *frame;
    size_t frame_size;
    /** Bytes around the frame that belong to it, too, for programs that make it longer; as in the
     * kernel, the first 40 before it are out of their reach. */
    size_t head_room;
    size_t tail_room;
    uint32_t ifindex;  /**< that it came in on; 0: 1, the loopback interface */
    uint32_t rx_queue; /**< of XDP */
    uint32_t mark;     /**< in, out: of types with a struct __sk_buff, which others do not have */
    uint32_t priority; /**< in, out: the same */
    /** Where copies are told (bpf_clone_redirect); may be NULL. */
    struct ebpf_redirect *copies;
    size_t copy_capacity;

    /* out */

    /** Where in the frame or its room the packet is now, as the program sees it: XDP and traffic
     * control from the Ethernet header on, others from what follows it. */
    void *data;
    size_t data_size;
    size_t metadata_size;          /**< bytes before `data` that an XDP program put there */
    uint32_t verdict;              /**< what the program returned */
    struct ebpf_redirect redirect; /**< counts if the verdict says so, too */
    size_t copy_count;             /**< of all copies, also of those beyond copy_capacity */

    /* in, but for what the structs themselves mark as `out` */

    const struct ebpf_network *network; /**< that it is in (ebpf-network.h); NULL: loopback alone */
    struct ebpf_tunnel *tunnel; /**< in, out: that it came out of, or is to go into; may be NULL */
    const struct ebpf_sites *sites; /**< where the run happens (ebpf-host.h); may be NULL */
    /** The kernel's ids of the control groups that its socket is in, the root first; NULL: in the
     * root alone, whose id is 1, as the sockets of BPF_PROG_TEST_RUN are. */
    const uint64_t *control_groups;
    size_t control_group_count;
    /** in, out: a struct xdp_md or struct __sk_buff of linux/bpf.h, or its beginning; may be NULL.
     * Members that are not 0 are what the program sees; all are written afterwards. Addresses, `sk`
     * and `len` are the library's: they have to be 0, and addresses and `sk` stay it. */
    void *context;
    size_t context_size;

    /* out */

    uint32_t socket; /**< number of the socket of its network that it was given to
                      * (bpf_sk_assign()); 0: none, or it has none */
    uint32_t reserved;
};

/** Runs a program that judges packets, as BPF_PROG_TEST_RUN does. 0 and what is marked `out` in
 * *packet, or an error. */
EBPF_EXPORT int ebpf_program_run_packet(struct ebpf_program *program, struct ebpf_packet *packet);

/** Runs a program of section iter/bpf_map_elem once for each entry of a map, which need not be one
 * of its object, and once at the end: *text is what it wrote by bpf_seq_printf() and
 * bpf_seq_write(), with a NUL behind its *size bytes (size may be NULL). Free it with ebpf_free().
 * errno is E2BIG if it wrote more than 32 KiB about one entry or 64 MiB in all, EAGAIN if it
 * returned another number than 0. Of maps of type hash and array, and their LRU and per-CPU forms.
 */
EBPF_EXPORT int ebpf_program_iterate(struct ebpf_program *program, struct ebpf_map *map,
                                     char **text, size_t *size);

/* ----------------------------------------------------------------------------------------------
 * timers of programs (bpf_timer_start()): they run when the host says so */

/** Runs the callbacks of the timers that are due, on this thread; how many. Those that fault count
 * too, and their timers wait no more. Timers that they start wait for the next call. */
EBPF_EXPORT int64_t ebpf_object_run_timers(struct ebpf_object *object);

/** 1 and *nanoseconds until a timer is due (0: one is), 0 if none waits. */
EBPF_EXPORT int ebpf_object_next_timer(const struct ebpf_object *object, uint64_t *nanoseconds);

/* ----------------------------------------------------------------------------------------------
 * maps: ebpf-map.h is about what is in them, once the object is loaded */

/** The map after `map`, the first if that is NULL; NULL after the last. Sections of variables
 * (".data", ".bss", ".rodata") are maps, too. */
EBPF_EXPORT struct ebpf_map *ebpf_object_next_map(const struct ebpf_object *object,
                                                  const struct ebpf_map *map);

EBPF_EXPORT struct ebpf_map *ebpf_object_find_map(const struct ebpf_object *object,
                                                  const char *name);

/** Before an object is loaded: its map is to have room for so many entries, whatever it declares.
 */
EBPF_EXPORT int ebpf_map_set_max_entries(struct ebpf_map *map, uint32_t max_entries);

/** Before an object is loaded: whether its map is made though no program that is loaded reaches it.
 * By default it is not. */
EBPF_EXPORT int ebpf_map_set_autocreate(struct ebpf_map *map, bool autocreate);

/** Before an object is loaded: its map is to be this one, which is as the object declares it; so
 * objects share maps. What is in it stays. NULL: one of its own. */
EBPF_EXPORT int ebpf_map_reuse(struct ebpf_map *map, const struct ebpf_map *other);

/* ----------------------------------------------------------------------------------------------
 * variables
 *
 * Global ones, static ones whose name is there once, and those of section .kconfig. A name may also
 * be that of a part, as C writes it ("config.limits[2]"), where the object has types (clang -g);
 * bit fields have no bytes of their own. */

struct ebpf_global_info {
    size_t size;          /**< in: sizeof(struct ebpf_global_info) */
    const char *section;  /**< the name of its map; lives as long as the object */
    uint32_t value_size;  /**< bytes */
    uint32_t offset;      /**< in the value of its map */
    uint32_t is_constant; /**< 1: once the object is loaded, nobody writes it */
};

/** Writes the names of the variables to names[0..capacity); returns how many there are (which may
 * be more). They live as long as the object. */
EBPF_EXPORT size_t ebpf_object_list_globals(const struct ebpf_object *object, const char **names,
                                            size_t capacity);

EBPF_EXPORT int ebpf_object_get_global_info(const struct ebpf_object *object, const char *name,
                                            struct ebpf_global_info *info);

/** Copies a variable: before the object is loaded, what it begins with. `size`: value_size. */
EBPF_EXPORT int ebpf_object_get_global(const struct ebpf_object *object, const char *name,
                                       void *value, size_t size);

/** Gives a variable other bytes: constants (`const volatile`) too, before the object is loaded;
 * afterwards those that programs can write. */
EBPF_EXPORT int ebpf_object_set_global(struct ebpf_object *object, const char *name,
                                       const void *value, size_t size);

/** Before the object is loaded: gives an external variable of section .kconfig the value that a
 * kernel configuration writes so ("y", "n", "m", a number, a string in quotes). */
EBPF_EXPORT int ebpf_object_set_kconfig(struct ebpf_object *object, const char *name,
                                        const char *value);

#ifdef __cplusplus
}
#endif

#endif
