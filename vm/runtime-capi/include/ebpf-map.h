/* bpftime-vm: maps, in C
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 *
 * What programs and their host share, with the kernel's meaning: hosts that know bpf(2) find its
 * commands here, without a kernel and without privileges. Of the library libbpftime-vm-runtime
 * (pkg-config bpftime-vm-runtime, CMake bpftime::vm::runtime).
 *
 * Errors are as in ebpf-vm.h: every function accepts every argument, and what fails gives a
 * negative `enum ebpf_error` (NULL where a pointer is returned) and a message that
 * ebpf_last_error() returns. Besides, errno is then what bpf(2) gives in such a case, or EINVAL
 * where it knows none. Keys and values come with their sizes in bytes, which have to be those of
 * the map; the memory is the caller's and is copied.
 *
 * Threads. Handles are made and closed by one thread at a time. Everything else may be called from
 * any number of threads at once, also while programs use the map.
 *
 * Structs begin with `size`, which the caller sets to the sizeof of the struct: members that are
 * added later are beyond it, and mean "not given" then.
 */
#ifndef EBPF_MAP_H
#define EBPF_MAP_H

#include "ebpf-vm.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A handle of a map. The map itself lives for as long as a handle, an object or another map has
 * it. */
struct ebpf_map;
struct ebpf_program;

/** The types that there are, with the kernel's numbers (enum bpf_map_type of linux/bpf.h). */
enum ebpf_map_type {
    EBPF_MAP_TYPE_HASH = 1,
    EBPF_MAP_TYPE_ARRAY = 2,
    EBPF_MAP_TYPE_PROG_ARRAY = 3,
    EBPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
    EBPF_MAP_TYPE_PERCPU_HASH = 5,
    EBPF_MAP_TYPE_PERCPU_ARRAY = 6,
    EBPF_MAP_TYPE_STACK_TRACE = 7,
    EBPF_MAP_TYPE_CGROUP_ARRAY = 8,
    EBPF_MAP_TYPE_LRU_HASH = 9,
    EBPF_MAP_TYPE_LRU_PERCPU_HASH = 10,
    EBPF_MAP_TYPE_LPM_TRIE = 11,
    EBPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
    EBPF_MAP_TYPE_HASH_OF_MAPS = 13,
    EBPF_MAP_TYPE_DEVMAP = 14,
    EBPF_MAP_TYPE_SOCKMAP = 15,
    EBPF_MAP_TYPE_CPUMAP = 16,
    EBPF_MAP_TYPE_XSKMAP = 17,
    EBPF_MAP_TYPE_SOCKHASH = 18,
    EBPF_MAP_TYPE_CGROUP_STORAGE = 19,
    EBPF_MAP_TYPE_REUSEPORT_SOCKARRAY = 20,
    EBPF_MAP_TYPE_PERCPU_CGROUP_STORAGE = 21,
    EBPF_MAP_TYPE_QUEUE = 22,
    EBPF_MAP_TYPE_STACK = 23,
    EBPF_MAP_TYPE_SK_STORAGE = 24,
    EBPF_MAP_TYPE_DEVMAP_HASH = 25,
    EBPF_MAP_TYPE_RINGBUF = 27,
    EBPF_MAP_TYPE_INODE_STORAGE = 28,
    EBPF_MAP_TYPE_TASK_STORAGE = 29,
    EBPF_MAP_TYPE_BLOOM_FILTER = 30,
    EBPF_MAP_TYPE_USER_RINGBUF = 31,
    EBPF_MAP_TYPE_CGRP_STORAGE = 32,
    EBPF_MAP_TYPE_ARENA = 33,
};

/** How an update treats what is there, with the kernel's numbers. */
enum ebpf_update_flag {
    EBPF_UPDATE_ANY = 0,
    EBPF_UPDATE_NOEXIST = 1, /**< only if there is no such entry */
    EBPF_UPDATE_EXIST = 2,   /**< only if there is one */
    EBPF_UPDATE_LOCK = 4,    /**< while nobody else holds the value's spin lock; lookups too */
};

/** What a map is to be. Zero-initialise it. */
struct ebpf_map_definition {
    size_t size;      /**< sizeof(struct ebpf_map_definition) */
    const char *name; /**< copied; NULL: none */
    uint32_t type;    /**< enum ebpf_map_type */
    uint32_t key_size;
    uint32_t value_size;
    uint32_t max_entries; /**< of a ring buffer: bytes */
    uint32_t flags;       /**< the kernel's BPF_F_* of maps */
    uint32_t numa_node;   /**< with BPF_F_NUMA_NODE */
    uint64_t
        map_extra; /**< of a Bloom filter: its hash functions; of an arena: its address, or 0 */
    /** Of a map of maps: a map that those in it will be like. */
    const struct ebpf_map *inner;
};

/** What a map is. */
struct ebpf_map_info {
    size_t size;           /**< in: sizeof(struct ebpf_map_info) */
    const char *name;      /**< in its object if it is of one; lives as long as the handle */
    const char *type_name; /**< "hash", as bpftool says it; lives as long as the process */
    uint32_t id;           /**< no other map of this process has it; 0: the map is not made yet */
    uint32_t type;         /**< enum ebpf_map_type, or another number of the kernel's */
    uint32_t key_size;
    uint32_t value_size; /**< of one value, as programs see it */
    uint32_t max_entries;
    uint32_t flags;
    uint64_t map_extra;
    /** Bytes of a value for the functions below. Of per-CPU maps: those of all ebpf_cpu_count()
     * CPUs, each rounded up to 8 bytes. */
    size_t host_value_size;
    uint32_t is_section; /**< 1: its only value is a section of variables of an object */
};

/* ----------------------------------------------------------------------------------------------
 * lifecycle */

/** How many values a key of a per-CPU map has. */
EBPF_EXPORT uint32_t ebpf_cpu_count(void);

/** Which of them programs use that run on the calling thread, from 0 on: always the same one.
 * Threads that live at the same time have different ones as long as there are enough. */
EBPF_EXPORT uint32_t ebpf_current_cpu(void);

/** A new map, which the caller closes. Refuses what the kernel refuses. */
EBPF_EXPORT struct ebpf_map *ebpf_map_create(const struct ebpf_map_definition *definition);

/** One more handle of the same map, which the caller closes: it outlives the object that the map is
 * from. */
EBPF_EXPORT struct ebpf_map *ebpf_map_dup(const struct ebpf_map *map);

/** A new map that is the file `path`, for all processes that open it; the caller closes it. What it
 * is cannot change later, so a map of one process stays that of one process.
 * EBPF_ERROR_ALREADY_EXISTS if there is a file of this name; EBPF_ERROR_UNSUPPORTED, with the
 * type's name, for types that cannot be pinned. Deleting the file takes its name away, not the map
 * from those who have it. After fork() the child opens its maps anew. */
EBPF_EXPORT struct ebpf_map *ebpf_map_create_pinned(const struct ebpf_map_definition *definition,
                                                    const char *path);

/** The map that is the file `path`, with the definition that it was made with; the caller closes
 * it. Files are untrusted, and so is who else writes to them: at worst a map has other entries than
 * one put in, or makes one wait. EBPF_ERROR_NOT_FOUND if there is no such file. */
EBPF_EXPORT struct ebpf_map *ebpf_map_open_pinned(const char *path);

/** The map that is there, if it is as the definition says, or a new one: whoever comes first makes
 * it. What differs is named in the message. */
EBPF_EXPORT struct ebpf_map *ebpf_map_open_or_create_pinned(
    const struct ebpf_map_definition *definition, const char *path);

/** Closes a handle that ebpf_map_create(), one of those above, ebpf_map_dup() or
 * ebpf_map_collect_events() gave; those of an object are closed with it, and nothing happens. NULL
 * is fine. */
EBPF_EXPORT void ebpf_map_close(struct ebpf_map *map);

/** Fills *info. Of a map of an object that is not loaded yet: what it will be. */
EBPF_EXPORT int ebpf_map_get_info(const struct ebpf_map *map, struct ebpf_map_info *info);

/* ----------------------------------------------------------------------------------------------
 * entries
 *
 * EBPF_ERROR_NOT_FOUND: there is no such entry; EBPF_ERROR_ALREADY_EXISTS;
 * EBPF_ERROR_LIMIT_EXCEEDED: the map is full, or the index too large; EBPF_ERROR_INVALID_ARGUMENT:
 * sizes or flags are wrong, or the map is frozen; EBPF_ERROR_UNSUPPORTED: maps of this type cannot
 * do it. */

/** Copies the value of a key. `value_size`: host_value_size. `flags`: 0 or EBPF_UPDATE_LOCK. Of
 * arrays of programs and of maps: the id of what is there. */
EBPF_EXPORT int ebpf_map_lookup_elem(struct ebpf_map *map, const void *key, size_t key_size,
                                     void *value, size_t value_size, uint64_t flags);

/** Adds or changes an entry. `flags`: enum ebpf_update_flag. */
EBPF_EXPORT int ebpf_map_update_elem(struct ebpf_map *map, const void *key, size_t key_size,
                                     const void *value, size_t value_size, uint64_t flags);

EBPF_EXPORT int ebpf_map_delete_elem(struct ebpf_map *map, const void *key, size_t key_size);

/** Copies a value and deletes its entry, in one step. */
EBPF_EXPORT int ebpf_map_lookup_and_delete_elem(struct ebpf_map *map, const void *key,
                                                size_t key_size, void *value, size_t value_size,
                                                uint64_t flags);

/** The key after `key`, or the first one if `key` is NULL or not in the map (any more). `next` may
 * be `key`. EBPF_ERROR_NOT_FOUND: there are no more. */
EBPF_EXPORT int ebpf_map_get_next_key(struct ebpf_map *map, const void *key, void *next,
                                      size_t key_size);

/** Of queues and stacks, and to add to a Bloom filter. `flags`: EBPF_UPDATE_ANY, or
 * EBPF_UPDATE_EXIST: a value of a full map makes room. */
EBPF_EXPORT int ebpf_map_push_elem(struct ebpf_map *map, const void *value, size_t value_size,
                                   uint64_t flags);
EBPF_EXPORT int ebpf_map_pop_elem(struct ebpf_map *map, void *value, size_t value_size);
/** Also whether a Bloom filter may have *value: EBPF_ERROR_NOT_FOUND says that it has not. */
EBPF_EXPORT int ebpf_map_peek_elem(struct ebpf_map *map, void *value, size_t value_size);

/** From now on no host can change the map; programs can. */
EBPF_EXPORT int ebpf_map_freeze(struct ebpf_map *map);

/* ----------------------------------------------------------------------------------------------
 * many entries at once: keys and values lie one behind the other
 */

/** Copies up to *count entries, and sets *count to how many. `in_batch`: NULL to begin, later what
 * the call before wrote to `out_batch`; both have the size of a key, and may be the same memory. 1:
 * there may be more; 0: these were the last. Entries that others add or delete meanwhile may be
 * missed, or come twice. */
EBPF_EXPORT int ebpf_map_lookup_batch(struct ebpf_map *map, const void *in_batch, void *out_batch,
                                      void *keys, void *values, size_t *count);

/** Takes up to *count entries out, and sets *count to how many; 0: there were none. */
EBPF_EXPORT int ebpf_map_lookup_and_delete_batch(struct ebpf_map *map, void *keys, void *values,
                                                 size_t *count);

/** One entry after the other; stops at the first error. */
EBPF_EXPORT int ebpf_map_update_batch(struct ebpf_map *map, const void *keys, const void *values,
                                      size_t count, uint64_t flags);
EBPF_EXPORT int ebpf_map_delete_batch(struct ebpf_map *map, const void *keys, size_t count);

/* ----------------------------------------------------------------------------------------------
 * maps of objects */

/** Puts a map into a map of maps (it has to be like its inner map), or a ring buffer into an array
 * of perf events. ebpf_map_delete_elem() takes it out. */
EBPF_EXPORT int ebpf_map_set_map(struct ebpf_map *map, const void *key, size_t key_size,
                                 const struct ebpf_map *value, uint64_t flags);

/** Puts a program of a loaded object into an array of programs, for bpf_tail_call(). An array is
 * for programs of one type, those that use it and those in it: that of the first which is put in or
 * loaded. errno is EINVAL, with both types in the message, for others, also in ebpf_object_load().
 * The program leaves the array when its object is closed. */
EBPF_EXPORT int ebpf_map_set_program(struct ebpf_map *map, uint32_t index,
                                     struct ebpf_program *program);

/** Puts a control group into an array of them: `group` is the kernel's id of it. */
EBPF_EXPORT int ebpf_map_set_cgroup(struct ebpf_map *map, uint32_t index, uint32_t group);

/* ----------------------------------------------------------------------------------------------
 * ring buffers: records from programs to their host
 */

/** Gets one record, which is there until it returns, and must not consume the same map. 0: go on;
 * anything else: no more records for now. */
typedef int (*ebpf_record_fn)(void *context, const void *record, size_t size);

/** Hands over the records that are there; how many, or a negative error. */
EBPF_EXPORT int64_t ebpf_map_consume(struct ebpf_map *map, ebpf_record_fn take, void *context);

/** The same, but waits for the first record: 0 after `timeout_ms` milliseconds (negative: never),
 * or when ebpf_map_wake() is called. */
EBPF_EXPORT int64_t ebpf_map_poll(struct ebpf_map *map, ebpf_record_fn take, void *context,
                                  int64_t timeout_ms);

/** Ends an ebpf_map_poll() that waits. */
EBPF_EXPORT int ebpf_map_wake(struct ebpf_map *map);

/** A file descriptor for poll(2) and epoll(7), which is readable when there is something to consume
 * until ebpf_map_consume() is called; of a user ring buffer, when programs have taken samples,
 * until it is read. The map's own: do not close it. Pinned maps have none (EBPF_ERROR_UNSUPPORTED).
 */
EBPF_EXPORT int ebpf_map_event_fd(struct ebpf_map *map);

/** A new ring buffer of `bytes` (a power of two and of whole pages) which gets all that programs
 * send to this array of perf events; the caller closes it. */
EBPF_EXPORT struct ebpf_map *ebpf_map_collect_events(struct ebpf_map *map, uint32_t bytes);

/** Copies a sample to a user ring buffer, for programs that call bpf_user_ringbuf_drain(). errno is
 * ENOSPC if there is no room now, E2BIG if there never will be. */
EBPF_EXPORT int ebpf_map_output(struct ebpf_map *map, const void *sample, size_t size);

/** Room for a sample of `size` bytes in a user ring buffer, which the caller writes and then
 * submits or discards; NULL and the same errno if there is none. From any number of threads. */
EBPF_EXPORT void *ebpf_map_reserve(struct ebpf_map *map, uint32_t size);
/** `sample`: what ebpf_map_reserve() gave, once. */
EBPF_EXPORT int ebpf_map_submit(struct ebpf_map *map, void *sample);
EBPF_EXPORT int ebpf_map_discard(struct ebpf_map *map, void *sample);

/** What a ring buffer tells of itself, with the kernel's numbers, in bytes. */
enum ebpf_ring_query {
    EBPF_RING_AVAILABLE = 0, /**< not consumed yet */
    EBPF_RING_SIZE = 1,
    EBPF_RING_CONSUMER = 2, /**< position up to which records were consumed */
    EBPF_RING_PRODUCER = 3, /**< position up to which there are records */
};

/** *value is what `what` (enum ebpf_ring_query) asks for, as it was when it was looked up. */
EBPF_EXPORT int ebpf_map_ring_query(struct ebpf_map *map, uint32_t what, uint64_t *value);

/** The memory of a ring buffer, of either direction, in the kernel's layout: the page of the
 * consumer's position, the page of the producer's position, the data, once. For those who consume
 * or produce themselves, alone then. Lives as long as the map. */
EBPF_EXPORT int ebpf_map_ring_memory(struct ebpf_map *map, void **memory, size_t *size);

/* ----------------------------------------------------------------------------------------------
 * bytecode that is from no object */

/** Maps that programs name by their index, in `lddw` of kinds 1 and 5 (the map) and 2 and 6 (its
 * first value). */
struct ebpf_map_list;

/** A new list of maps that are made, which stay as long as it does; the caller closes it. */
EBPF_EXPORT struct ebpf_map_list *ebpf_map_list_create(struct ebpf_map *const *maps, size_t count);

/** After all runs of the VMs that have it. NULL is fine. */
EBPF_EXPORT void ebpf_map_list_close(struct ebpf_map_list *list);

/** Gives the programs of a VM these maps, and all helpers of docs/helpers.md but those about
 * packets. Before the VM runs. */
EBPF_EXPORT int ebpf_map_list_attach(const struct ebpf_map_list *list, struct ebpf_vm *vm);

/* ----------------------------------------------------------------------------------------------
 * arenas */

/** Where an arena begins, for as long as the map lives; `*size` (may be NULL) becomes its bytes.
 * Pointers that programs store there are addresses of this process. */
EBPF_EXPORT void *ebpf_map_arena(struct ebpf_map *map, size_t *size);

/** Makes the pages of an arena be there that [offset, offset + size) is in, and gives the address
 * of the first byte: programs read zeros in other pages, and lose what they write there. errno is
 * ENOMEM if a page can not be made. */
EBPF_EXPORT void *ebpf_map_arena_touch(struct ebpf_map *map, size_t offset, size_t size);

/* ----------------------------------------------------------------------------------------------
 * JSON */

/** What is in the map, as its object's types (BTF) say where they are known: {"name": .., "type":
 * .., .., "entries": [{"key": .., "value": ..}]}; per-CPU maps have "values" in entries, one for
 * each CPU; sections of variables have "variables" by name. Of arrays only entries that are not
 * zero; of maps without keys, none. Programs and maps in maps are named if they are of the map's
 * object, otherwise they are numbers. Where the entries are not all, as the host may not read the
 * map or another process has damaged it, "stopped_by" says why; "hidden" says what of maps of its
 * type nobody can read. Free it with ebpf_free(). */
EBPF_EXPORT char *ebpf_map_dump_json(struct ebpf_map *map);

/** Puts entries or variables into the map: what ebpf_map_dump_json() gave, its "entries" alone, or
 * {"key": value, ..}. Of maps of maps and arrays of programs, values are names of maps and programs
 * of its object (a number says that its entry stays); of arrays of control groups, their numbers.
 * Other entries stay. Stops at the first error. */
EBPF_EXPORT int ebpf_map_load_json(struct ebpf_map *map, const char *json);

#ifdef __cplusplus
}
#endif

#endif
