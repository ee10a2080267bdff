/* bpftime-vm: types that the C API and the C++ interface share
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 */
#ifndef EBPF_TYPES_H
#define EBPF_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Marks what libbpftime-vm exports. */
#if defined(__GNUC__)
#define EBPF_EXPORT __attribute__((visibility("default")))
#else
#define EBPF_EXPORT
#endif

/** Most instruction slots of a program, inclusive, unless ebpf_set_max_insns() says otherwise. */
#ifndef EBPF_MAX_INSTS
#define EBPF_MAX_INSTS 65536
#endif

/** Bytes of one stack frame, unless ebpf_set_stack_size() says otherwise. */
#ifndef EBPF_STACK_SIZE
#define EBPF_STACK_SIZE 512
#endif

/** Most helpers that one VM has registered at a time, unless ebpf_set_max_helpers() says otherwise.
 */
#ifndef EBPF_MAX_EXT_FUNCS
#define EBPF_MAX_EXT_FUNCS 8192
#endif

/** The name that other runtimes use for EBPF_MAX_EXT_FUNCS. */
#ifndef MAX_EXT_FUNCS
#define MAX_EXT_FUNCS EBPF_MAX_EXT_FUNCS
#endif

/** Largest values that the setters of the same name accept. */
#define EBPF_MOST_INSTS (16U << 20)
#define EBPF_MOST_STACK_SIZE (64U << 10)
#define EBPF_MOST_CALL_DEPTH 256U
#define EBPF_MOST_OPTIMIZATION_LEVEL 3U

/** Stack frames of one run, the entry function's included, unless ebpf_set_call_depth() says
 * otherwise. */
#define EBPF_CALL_DEPTH 8U

/** Budget of one run in units of instruction slots, unless ebpf_set_instruction_limit() says
 * otherwise. */
#define EBPF_INSTRUCTION_LIMIT (UINT64_C(1) << 32)

/** The id of the helper that legacy packet loads (RFC 9669, section 5.5) call if it is registered;
 * without it they read the input memory. r1: the offset, a signed number; r2: 1, 2 or 4 bytes. It
 * gives the number there, in host byte order, or a negative one: there is none, and the running
 * function ends with r0 = 0. Its arguments and result are scalars. */
#define EBPF_PACKET_LOAD_HELPER UINT32_C(0xebf00001)

/** How hard optimising backends try, unless ebpf_set_optimization_level() says otherwise. */
#define EBPF_OPTIMIZATION_LEVEL 3U

#ifdef __cplusplus
extern "C" {
#endif

/** What functions return: 0 (or a positive count) on success, one of these negative values
 * otherwise. */
enum ebpf_error {
    EBPF_OK = 0,
    EBPF_ERROR_INVALID_ARGUMENT = -1, /**< an argument is NULL or out of range */
    EBPF_ERROR_INVALID_PROGRAM = -2,  /**< the bytes or the text are no valid program */
    EBPF_ERROR_UNSUPPORTED =
        -3, /**< this backend cannot do it; the message names backend and feature */
    EBPF_ERROR_UNRESOLVED =
        -4, /**< a helper or lddw callback that the program needs is not there */
    EBPF_ERROR_NO_PROGRAM = -5, /**< nothing is loaded */
    EBPF_ERROR_ALREADY_EXISTS = -6,
    EBPF_ERROR_NOT_FOUND = -7,
    EBPF_ERROR_LIMIT_EXCEEDED = -8,
    EBPF_ERROR_OUT_OF_MEMORY = -9,
    EBPF_ERROR_FAULT = -10,    /**< the program faulted: ebpf_last_fault() tells where and why */
    EBPF_ERROR_INTERNAL = -11, /**< a defect of the library */
};

/** Why a run ended early. Every engine reports the same kind at the same pc. */
enum ebpf_fault_kind {
    EBPF_FAULT_NONE = 0,
    EBPF_FAULT_OUT_OF_BOUNDS_READ = 1,  /**< read of memory that the program was not given */
    EBPF_FAULT_OUT_OF_BOUNDS_WRITE = 2, /**< write to memory that the program was not given */
    EBPF_FAULT_READ_ONLY_WRITE = 3,     /**< write to memory that the program may only read */
    EBPF_FAULT_MISALIGNED_ATOMIC =
        4, /**< atomic operation on an address that is not a multiple of its size */
    EBPF_FAULT_CALL_DEPTH_EXCEEDED =
        5,                            /**< a local call that would need one stack frame too many */
    EBPF_FAULT_INSTRUCTION_LIMIT = 6, /**< the budget of the run is spent */
    EBPF_FAULT_INTERRUPTED = 7,       /**< ebpf_interrupt() was called during the run */
    EBPF_FAULT_BAD_CALL_TARGET =
        8, /**< a call of something that is neither a local function nor, by callx, a helper */
    EBPF_FAULT_BAD_JUMP_TARGET =
        9,                   /**< gotox to something that is not in the function's jump tables */
    EBPF_FAULT_BAD_MAP = 10, /**< a helper's map argument is no map */
    EBPF_FAULT_UNAVAILABLE = 11, /**< call of a helper whose result is EBPF_RESULT_NEVER */
    EBPF_FAULT_BAD_INPUT = 12, /**< the input memory is not what ebpf_declare_input() said, or, for
                                    native entry points, can be no memory; pc 0, or that of a tail
                                    call that came back */
};

/** Where memory that a program may touch comes from. */
enum ebpf_region_kind {
    EBPF_REGION_NONE = 0,  /**< the address belongs to no region */
    EBPF_REGION_INPUT = 1, /**< the input memory of the run */
    EBPF_REGION_STACK = 2, /**< a stack frame; region_index: its depth, 0 for the entry function */
    EBPF_REGION_REGISTERED = 3, /**< ebpf_register_region(); region_index: order of registration */
    EBPF_REGION_RUN = 4,        /**< ebpf_exec_regions(); region_index: position in the list */
    EBPF_REGION_GRANTED =
        5, /**< ebpf_grant(), a typed helper's result, or an lddw size companion */
};

/** A fault. All members but `address` are the same in every engine. */
struct ebpf_fault {
    uint32_t kind;   /**< enum ebpf_fault_kind */
    uint32_t pc;     /**< slot of the instruction that faulted */
    uint32_t region; /**< enum ebpf_region_kind: the region that the access began in or narrowly
                        missed */
    uint32_t region_index; /**< which of that kind */
    int64_t offset; /**< of the access from the start of the region, in bytes; 0 if there is none */
    uint64_t size;  /**< of the access, in bytes; 0 if the fault is not about memory */
    uint64_t
        address; /**< of the access in this process; for callx and gotox the register's value */
};

/** What may be done with memory; a bit mask. */
enum ebpf_permission {
    EBPF_PERM_READ = 1,
    EBPF_PERM_WRITE = 2,
    EBPF_PERM_READ_WRITE = 3,
};

/** Memory that a program may touch. The caller keeps it alive while it is registered or while the
 * run lasts. */
struct ebpf_region {
    void *ptr;
    size_t len;          /**< bytes */
    uint32_t permission; /**< enum ebpf_permission */
};

/** No such word of the input memory. */
#define EBPF_NO_OFFSET UINT32_MAX

/** What a host says of the input memory (r1 and r2) of every run of a VM. Zero-initialise it: 0
 * means what holds without it. Runs see to it: those whose input memory is something else end with
 * EBPF_FAULT_BAD_INPUT before they begin. ebpf_verify(), and engines that leave out checks, make
 * use of it. */
struct ebpf_input {
    uint64_t least_size; /**< it has at least so many bytes */
    uint32_t permission; /**< EBPF_PERM_READ, or EBPF_PERM_READ_WRITE, as 0 */
    uint32_t alignment;  /**< its address is a multiple of this power of two, 16 at most */
    /** What the program may do with a packet that the input memory names; 0: it names none. The
     * packet is memory of the run (ebpf_exec_regions(), ebpf_grant()) with this permission, in one
     * piece. Programs may only read the input memory then, and have no other memory to write in
     * which it lies: so these words stay what the host wrote. They change in calls of helpers that
     * take an EBPF_ARG_CONTEXT, or whose arguments are not declared, and in no others. */
    uint32_t packet_permission;
    uint32_t data_offset;      /**< of 8 bytes: the address of the packet's first byte */
    uint32_t data_end_offset;  /**< of 8 bytes: the address behind its last byte */
    uint32_t data_meta_offset; /**< of 8 bytes: the address of metadata, which end at the packet;
                                    EBPF_NO_OFFSET: there are none */
};

/** Native entry point of a compiled program: r1 = mem, r2 = mem_len; returns r0. On a fault it
 * returns UINT64_MAX (also a legal r0): ebpf_last_fault() tells them apart. Valid until its program
 * is unloaded or its VM destroyed. */
typedef uint64_t (*ebpf_jit_fn)(void *mem, size_t mem_len);

/** A helper: gets r1 to r5, its result becomes r0. */
typedef uint64_t (*external_function_t)(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
                                        uint64_t r5);

/** A helper with a host context: `context` is what ebpf_register_ctx() was given. */
typedef uint64_t (*ebpf_ctx_helper_fn)(void *context, uint64_t r1, uint64_t r2, uint64_t r3,
                                       uint64_t r4, uint64_t r5);

/** What one argument of a typed helper is. */
enum ebpf_argument_kind {
    EBPF_ARG_UNUSED = 0,            /**< beyond the helper's arity */
    EBPF_ARG_SCALAR = 1,            /**< any 64-bit word */
    EBPF_ARG_MEMORY_READ = 2,       /**< pointer to memory that the helper reads */
    EBPF_ARG_MEMORY_WRITE = 3,      /**< pointer to memory that the helper writes */
    EBPF_ARG_MEMORY_READ_WRITE = 4, /**< both */
    EBPF_ARG_MEMORY_SIZE = 5,       /**< bytes of the memory argument before it */
    EBPF_ARG_CONTEXT = 6,           /**< the context that the run was entered with */
    EBPF_ARG_MAP = 7,               /**< a map, as an lddw callback gave it */
    EBPF_ARG_MAP_KEY = 8,   /**< pointer to a key of the map argument before it; the helper reads */
    EBPF_ARG_MAP_VALUE = 9, /**< pointer to a value of that map; the helper reads it */
    EBPF_ARG_MAP_VALUE_WRITE = 10, /**< pointer to memory for a value of that map */
    EBPF_ARG_FUNCTION = 11, /**< a function of the program, for ebpf_call_back() in the helper */
};

/** Memory that a program and its host share page by page (the kernel's BPF_MAP_TYPE_ARENA): 4 GiB
 * of addresses, of which some pages are there. A program's pointer into it is known by its low 32
 * bits. Pages that are not there read as zeros, and what is written to them is lost, as in the
 * kernel. */
struct ebpf_arena {
    uint64_t window;     /**< the address of the 4 GiB, a multiple of 4 GiB */
    uint32_t first_page; /**< of those that may be there, counted in pages from `window` */
    uint32_t page_count; /**< how many may be there; they can be read and written all the time */
    uint32_t page_size;  /**< bytes, a power of two */
    const uint64_t *is_there; /**< bit n % 64 of word n / 64: page first_page + n is there. Others
                                 may change it while programs run */
};

struct ebpf_map_probe;

/** What checks of helper calls need to know of a map. */
struct ebpf_map_shape {
    uint32_t key_size;   /**< bytes of an EBPF_ARG_MAP_KEY */
    uint32_t value_size; /**< bytes of an EBPF_ARG_MAP_VALUE or EBPF_ARG_MAP_VALUE_WRITE */
    uint32_t
        result_size; /**< bytes at an EBPF_RESULT_MAP_VALUE_OR_NULL that the program may touch */
    uint32_t permission; /**< enum ebpf_permission: what it may do with them, and with the memory of
                            lddw's map_val callback */
    uint32_t value_stride; /**< from one value to the next in `values` */
    uint32_t index_count;  /**< not 0: keys are the 32-bit indices of so many values. A helper that
                              takes a map and a key alone, and gives a value, gives that of the
                              index, or 0, and need not be called for it */
    uint64_t values;       /**< where they are for as long as the map is there */
    const struct ebpf_arena *arena; /**< what the map is instead of values; NULL: it has none */
    uint32_t is_constant; /**< not 0: nobody changes the memory of lddw's map_val callback, nor
                             `values`, from now on (the kernel's frozen map that programs only
                             read). Programs may be compiled with what is there. It never becomes 0
                             again */
    const struct ebpf_map_probe *probe; /**< how native code finds values of this library's own maps
                                           without calling a helper that takes a map and a key alone
                                           and gives a value; NULL: not at all, as for all others */
};

/** A map of the host's, whose values lie where its programs find them; for ebpf_set_inline_map().
 * Numbers are those of the kernel's uapi/linux/bpf.h. */
struct ebpf_inline_map {
    uint32_t type;        /**< 2 (BPF_MAP_TYPE_ARRAY); others are not supported yet */
    uint32_t key_size;    /**< bytes; of an array 4 */
    uint32_t value_size;  /**< bytes; the values of an array are that far apart, rounded up to 8 */
    uint32_t max_entries; /**< of an array: how many values there are */
    uint32_t flags;       /**< 0, BPF_F_RDONLY_PROG or BPF_F_WRONLY_PROG: what programs may do */
};

/** What r0 holds after a typed helper. */
enum ebpf_result_kind {
    EBPF_RESULT_SCALAR = 0,
    EBPF_RESULT_POINTER = 1, /**< to result_size bytes that the program may then read and write */
    EBPF_RESULT_POINTER_OR_NULL = 2,   /**< the same, or 0 */
    EBPF_RESULT_MAP_VALUE_OR_NULL = 3, /**< to a value of the helper's map argument, or 0 */
    /** The function is not called: the run ends with EBPF_FAULT_UNAVAILABLE. For what a program may
     * contain, but must not reach. */
    EBPF_RESULT_NEVER = 4,
    /** The helper gives a `struct ebpf_vm *`, and the calling function returns what that VM's
     * program gives for the run's input; or NULL: the calling function goes on. The same run goes
     * on with the other program, with its budget and memory: 33 times at most, then the calling
     * function goes on. The VM must stay as it is until the run ends. */
    EBPF_RESULT_TAIL_CALL = 5,
    /** The run ends, however deep the call is, and gives what the helper gives; or, if the helper
     * takes an EBPF_ARG_FUNCTION, what that function then makes of it, called alone. */
    EBPF_RESULT_ENDS_RUN = 6,
};

/** What calling a typed helper can do besides giving its result. Pure ones return, and throw
 * nothing: calls of them may be left out, moved and joined. */
enum ebpf_purity {
    EBPF_IMPURE = 0,        /**< anything */
    EBPF_PURE_READS = 1,    /**< reads memory, writes none */
    EBPF_PURE_CONSTANT = 2, /**< depends on its arguments alone */
};

struct ebpf_argument {
    uint32_t kind; /**< enum ebpf_argument_kind */
    uint32_t size; /**< bytes of a memory argument; 0: the next argument is EBPF_ARG_MEMORY_SIZE */
    uint32_t may_be_null; /**< whether 0 is a legal pointer */
};

/** A helper with its types. Zero-initialise it, so that members added later mean "not declared".
 * Declared memory arguments are checked before every call (unless bounds checks are off); a
 * declared pointer result is granted to the program for the rest of the run. Words beyond the last
 * declared argument are 0; where no argument is declared, the helper gets all five. A helper
 * that takes back memory which a program was granted declares its address as an argument, or no
 * arguments at all: engines that leave out checks believe in memory that no such helper got. */
struct ebpf_helper {
    uint32_t id;
    const char *name;          /**< copied */
    external_function_t fn;    /**< this one, */
    ebpf_ctx_helper_fn ctx_fn; /**< or this one with `context` */
    void *context;
    struct ebpf_argument arguments[5];
    uint32_t result;      /**< enum ebpf_result_kind */
    uint32_t result_size; /**< bytes */
    uint32_t purity;      /**< enum ebpf_purity */
};

/** How much ebpf_verify() finds out. */
enum ebpf_verify_level {
    EBPF_VERIFY_QUICK = 0, /**< one pass over the program: nothing is known where loops begin */
    EBPF_VERIFY_FULL = 1,  /**< as much as the analysis can, in time linear in the program */
};

/** What ebpf_verify() says of a program. */
enum ebpf_safety {
    EBPF_PROVEN_SAFE = 0,      /**< nothing has to be checked while it runs */
    EBPF_SAFE_WITH_CHECKS = 1, /**< what was not proven is checked; where a check fails, the run
                                    ends with a fault */
    EBPF_CERTAINLY_FAULTS = 2, /**< every run that ends, ends with a fault */
};

/** What is known of the check that an instruction may need. */
enum ebpf_proof {
    EBPF_PROOF_NONE = 0,    /**< the note is about something else: a loop, a branch */
    EBPF_PROOF_CHECKED = 1, /**< it is made while the program runs */
    EBPF_PROOF_COVERED = 2, /**< an earlier one on every path covers it */
    EBPF_PROOF_PROVEN = 3,  /**< it would never fail */
    EBPF_PROOF_FAULTS = 4,  /**< it always fails */
};

/** What ebpf_verify() knows of one instruction. */
struct ebpf_verify_note {
    uint32_t pc;
    uint32_t proof;   /**< enum ebpf_proof */
    const char *text; /**< one line for people */
};

/** What ebpf_verify() found. Owned by the caller: ebpf_free_verify_report(). */
struct ebpf_verify_report {
    uint32_t safety;   /**< enum ebpf_safety */
    uint32_t fault_pc; /**< EBPF_CERTAINLY_FAULTS: where the first such fault is */
    uint32_t accesses; /**< loads, stores and atomics that can be reached; the sum of these four: */
    uint32_t proven;
    uint32_t covered;
    uint32_t checked;
    uint32_t faulting;
    uint32_t other_checks;    /**< calls and jumps of which something is checked */
    uint32_t loops;           /**< jumps backwards that can be reached */
    uint32_t unbounded_loops; /**< of them, those that only the instruction limit ends for sure */
    uint32_t is_complete;     /**< 0: the program was too large or too tangled for some proofs */
    const char *summary;      /**< one sentence for people */
    const struct ebpf_verify_note *notes; /**< by pc */
    size_t note_count;
};

/** How backends that optimise do so; for ebpf_optimize(). Begin with EBPF_OPTIMIZE_DEFAULTS. */
struct ebpf_optimize_options {
    uint32_t level;       /**< how hard to try: as ebpf_set_optimization_level() */
    uint32_t prefer_size; /**< not 0: small code, where it would be larger to be fast */
    const char *cpu;      /**< which processor code is for, in LLVM's words ("x86-64-v2", "znver3",
                             "generic"), whose code runs here. Copied. NULL: this machine's */
    uint64_t compile_microseconds; /**< as ebpf_set_compile_time_limit(); 0: no limit */
};

/** What holds without ebpf_optimize(), to initialise a struct ebpf_optimize_options with. */
#define EBPF_OPTIMIZE_DEFAULTS {EBPF_OPTIMIZATION_LEVEL, 0, NULL, 0}

/** Something that compiling a program did, or came to; for ebpf_compile_stats(). */
struct ebpf_compile_stat {
    const char *name;        /**< of lower-case words with '-' between; stays what it is */
    const char *description; /**< what is counted, for people */
    uint64_t count;
};

/** What ebpf_aot_compile() makes. */
enum ebpf_aot_emit {
    EBPF_AOT_OBJECT = 0,   /**< ELF relocatable object */
    EBPF_AOT_ASSEMBLY = 1, /**< text */
    EBPF_AOT_LLVM_IR = 2,  /**< text */
    EBPF_AOT_BITCODE = 3,
    EBPF_AOT_SHARED = 4, /**< shared object */
};

/** How ebpf_aot_compile() compiles. Zero-initialise it: 0 and NULL mean the default. */
struct ebpf_aot_options {
    const char *target;      /**< target triple; NULL: this machine's */
    const char *cpu;         /**< CPU name in LLVM's words; NULL: generic for the target */
    const char *features;    /**< "+avx2,-bmi"; NULL: the CPU's own */
    const char *name;        /**< symbol of the entry; NULL: "bpf_main" */
    int32_t optimization;    /**< 0: default; 1 to 4 stand for -O0 to -O3 */
    uint32_t emit;           /**< enum ebpf_aot_emit */
    uint32_t omit_metadata;  /**< leave the metadata note out */
    const uint8_t *sign_key; /**< Ed25519 secret key of 64 bytes; NULL: unsigned */
    size_t sign_key_len;
};

#ifdef __cplusplus
}
#endif

#endif
