/* bpftime-vm: what programs learn of their host, and decide for it, in C
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 *
 * A host that runs programs at some place of its own tells them where they are: the function that
 * they watch, the control group or the socket that they are attached to; and for whom maps of local
 * storage keep values. Of the library libbpftime-vm-runtime; errors and structs are as ebpf-map.h
 * says.
 *
 *     struct ebpf_probe_site site = {.size = sizeof site, .cookie = 7, .function = address};
 *     struct ebpf_sites here = {.size = sizeof here, .probe = &site};
 *     ebpf_program_run_at(program, &here, registers, sizeof registers, NULL);
 *     if (site.is_overridden) return site.override_result;
 *
 * Sites are for one run, on the thread of that run: structs of the caller, which has to keep them
 * until it ends. Without one, helpers that ask about it fail as docs/helpers.md says.
 */
#ifndef EBPF_HOST_H
#define EBPF_HOST_H

#include "ebpf-object.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ----------------------------------------------------------------------------------------------
 * sites */

/** One call of a function that a program watches. Zero-initialise it. */
struct ebpf_probe_site {
    size_t size; /**< sizeof(struct ebpf_probe_site) */

    /* in */
    uint64_t cookie;           /**< bpf_get_attach_cookie() */
    uint64_t function;         /**< address of the function: bpf_get_func_ip() */
    const uint64_t *arguments; /**< bpf_get_func_arg(); may be NULL */
    size_t argument_count;
    const uint64_t *stack; /**< return addresses of its callers, innermost first: bpf_get_stack() */
    size_t stack_count;
    uint64_t result;     /**< what the function returned, */
    uint32_t has_result; /**< if it has: for programs that watch its end */

    /* out */
    uint32_t is_overridden;   /**< 1: the program wants it not to run (bpf_override_return()), */
    uint64_t override_result; /**< but to return this */
};

/** A control group that a program is attached to, at one event in it. Zero-initialise it. */
struct ebpf_cgroup_site {
    size_t size;    /**< sizeof(struct ebpf_cgroup_site) */
    uint64_t group; /**< in: the kernel's id of it; storage of control groups is kept for it */
    uint32_t attach_type; /**< in: enum bpf_attach_type of linux/bpf.h */
    int32_t result; /**< in, out: what the operation gives (bpf_get_retval(), bpf_set_retval()) */

    /* A sysctl that somebody reads or writes; no name: the event is not about one. */
    const char *sysctl_name;      /**< in: as "net/ipv4/tcp_mem" */
    const char *sysctl_value;     /**< in: that it has; NULL: "" */
    const char *sysctl_new_value; /**< in: that it is to have; NULL: it is read */
    char *changed_value;     /**< out: what the program changed that to, with a NUL; may be NULL */
    size_t changed_capacity; /**< in: bytes there; what is longer is cut */
    uint32_t is_changed;     /**< out: 1: the program has changed it */
    uint32_t reserved;
};

/** What the host does to the socket of a site for a program: 0 or a negative errno. On the thread
 * of the run. */
typedef int (*ebpf_get_option_fn)(void *context, int level, int name, void *value, size_t size);
typedef int (*ebpf_set_option_fn)(void *context, int level, int name, const void *value,
                                  size_t size);
typedef int (*ebpf_bind_fn)(void *context, const void *address, size_t size);

/** A socket, or a message that goes through it, at one event. Zero-initialise it. */
struct ebpf_socket_site {
    size_t size;     /**< sizeof(struct ebpf_socket_site) */
    uint32_t socket; /**< in: the number of its owner; 0: the host does not tell */

    /* out: what the program wants */
    uint32_t chosen_socket; /**< number of the socket that it chose (bpf_msg_redirect_map(),
                             * bpf_sk_select_reuseport(), bpf_sk_assign()); 0: none */
    uint32_t chosen_map_id; /**< ebpf_map_info.id of the map that it found it in; 0: in none */
    uint32_t apply_bytes;   /**< bpf_msg_apply_bytes() */
    uint32_t cork_bytes;    /**< bpf_msg_cork_bytes() */
    uint32_t callbacks;     /**< in, out: BPF_SOCK_OPS_.._CB_FLAG (bpf_sock_ops_cb_flags_set()) */
    uint64_t chosen_flags;  /**< that the helper got */

    /* in: what the host does for it; NULL: the helper fails with -EOPNOTSUPP */
    ebpf_get_option_fn get_option;
    ebpf_set_option_fn set_option;
    ebpf_bind_fn bind;
    void *context; /**< of these functions */
};

/** Where a run happens; each may be NULL. */
struct ebpf_sites {
    size_t size; /**< sizeof(struct ebpf_sites) */
    struct ebpf_probe_site *probe;
    struct ebpf_cgroup_site *cgroup;
    struct ebpf_socket_site *socket;
};

/** ebpf_program_run() at these sites; what is marked `out` in them is written if it went well.
 * Packets have ebpf_packet.sites. */
EBPF_EXPORT int ebpf_program_run_at(struct ebpf_program *program, const struct ebpf_sites *sites,
                                    void *mem, size_t mem_size, int64_t *result);

/** Lets a loaded program read all memory of this process by the helpers that are made for it
 * (bpf_probe_read() and the like) and write it by bpf_probe_write_user(); what cannot be read is
 * -EFAULT. Without it they reach what the program may touch anyway. */
EBPF_EXPORT int ebpf_program_allow_process_memory(struct ebpf_program *program);

/* ----------------------------------------------------------------------------------------------
 * owners of local storage */

enum ebpf_owner_kind {
    EBPF_OWNER_TASK = 0,
    EBPF_OWNER_INODE = 1,
    EBPF_OWNER_SOCKET = 2,
    EBPF_OWNER_CGROUP = 3,
};

/** Something of the host's that programs can keep a value for, in each map of its kind's local
 * storage. From any number of threads. */
struct ebpf_owner;

/** A new owner, which the caller closes. `shown`: the address that programs know it by, as it is in
 * what the host shows them, and of no other owner of the kind; NULL: a word that is no address. */
EBPF_EXPORT struct ebpf_owner *ebpf_owner_create(uint32_t kind, const void *shown);

/** The owner goes, and its values go, unless a network has it, too. NULL is fine. */
EBPF_EXPORT void ebpf_owner_close(struct ebpf_owner *owner);

/** The word that programs pass to bpf_task_storage_get() and the like. 0: owner is NULL. */
EBPF_EXPORT uint64_t ebpf_owner_word(const struct ebpf_owner *owner);

/** How hosts name it: the key of ebpf_map_lookup_elem() and the like, 4 bytes. Of no other one that
 * is there at the same time, whatever its kind. 0: owner is NULL. */
EBPF_EXPORT uint32_t ebpf_owner_number(const struct ebpf_owner *owner);

/** The number of the calling thread, which is an owner of kind EBPF_OWNER_TASK as long as it runs:
 * bpf_get_current_task_btf() gives programs its word. 0: there is no memory for one. */
EBPF_EXPORT uint32_t ebpf_current_task_number(void);

#ifdef __cplusplus
}
#endif

#endif
