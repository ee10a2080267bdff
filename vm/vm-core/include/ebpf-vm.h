/* bpftime-vm: the C API
 * Copyright (c) 2026 The bpftime-vm authors
 * SPDX-License-Identifier: MIT
 *
 * Every function accepts every argument: what is NULL or out of range gives a negative `enum
 * ebpf_error` (NULL where a pointer is returned, 0 where a count is) and a message that
 * ebpf_last_error() returns. No exception leaves the library.
 *
 * Threads. Functions that configure a VM (everything up to "Running") must not run at the same time
 * as anything else on the same VM. ebpf_compile(), ebpf_exec() and ebpf_exec_regions() may be
 * called from any number of threads at once; ebpf_interrupt() from any thread at any time.
 * Different VMs are independent.
 *
 * C and C++ callers may pass `uint64_t *` for results, `const struct ebpf_vm *` to ebpf_exec(), and
 * helpers as `void *` or as functions of any signature of up to five words: C by macros of the same
 * name at the end of this header, C++ by overloads. On machines of 32 bits, helpers have the one
 * signature of external_function_t; addresses are words with an upper half of 0 there, which is
 * what a cast through uintptr_t gives.
 */
#ifndef EBPF_VM_H
#define EBPF_VM_H

#include "ebpf-types.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C++" { /* even if this header is included inside of extern "C" */
#include <type_traits>
}

extern "C" {
#endif

/** A virtual machine: one backend, its configuration and at most one loaded program. */
struct ebpf_vm;

/* ----------------------------------------------------------------------------------------------
 * the library */

/** The version of the library, "major.minor.patch". */
EBPF_EXPORT const char *ebpf_version(void);

/** The message of this thread's last failed call, "" if there was none. Owned by the library, valid
 * until this thread's next call into it. */
EBPF_EXPORT const char *ebpf_last_error(void);

/** The name of an `enum ebpf_error` value, as "invalid program". Never NULL. */
EBPF_EXPORT const char *ebpf_error_name(int error);

/** Writes the names of the backends that ebpf_create() knows, plugins that can be found included,
 * best first, to names[0..capacity); returns how many there are (which may be more). The strings
 * live as long as the process. */
EBPF_EXPORT size_t ebpf_list_vms(const char **names, size_t capacity);

/** Frees what the library handed out (error messages, AOT images); the same as free(). NULL is
 * fine. */
EBPF_EXPORT void ebpf_free(void *ptr);

/* ----------------------------------------------------------------------------------------------
 * lifecycle */

/** A new VM of backend `vm_name`; "" or NULL: the best backend there is. NULL if there is no such
 * backend or it cannot start here. Backends are built in, linked statically, or plugins
 * libbpftime-vm-NAME.so in BPFTIME_VM_PLUGIN_PATH (ignored in setuid processes) or in the library's
 * own plugin directory. */
EBPF_EXPORT struct ebpf_vm *ebpf_create(const char *vm_name);

/** Ends the VM: its program, compiled code and configuration. No run may be in progress. NULL is
 * fine. */
EBPF_EXPORT void ebpf_destroy(struct ebpf_vm *vm);

/** The name of the VM's backend ("ubpf", also if it was created as ""). Lives as long as the VM. */
EBPF_EXPORT const char *ebpf_get_vm_name(const struct ebpf_vm *vm);

/** Hands every error message of this VM also to error_printf(stderr, "%s\n", message). NULL: to
 * nobody (default). */
EBPF_EXPORT void ebpf_set_error_print(struct ebpf_vm *vm,
                                      int (*error_printf)(FILE *stream, const char *format, ...));

/* ----------------------------------------------------------------------------------------------
 * programs */

/** Loads `code_len` bytes of eBPF bytecode (RFC 9669, little-endian slots of 8 bytes), replacing
 * what was loaded; if it fails, what was loaded stays. The bytes are copied. On failure *errmsg (if
 * errmsg is not NULL) is a malloc'ed message for the caller to free; on success it is NULL. Helpers
 * need not be registered yet. */
EBPF_EXPORT int ebpf_load(struct ebpf_vm *vm, const void *code, uint32_t code_len, char **errmsg);

/** Drops the program and everything compiled from it: function pointers from ebpf_compile() die
 * here. */
EBPF_EXPORT void ebpf_unload_code(struct ebpf_vm *vm);

/** The slots that gotox may go to (the entries of the program's jump tables), for programs loaded
 * from now on. */
EBPF_EXPORT int ebpf_set_jump_targets(struct ebpf_vm *vm, const uint32_t *pcs, size_t count);

/* ----------------------------------------------------------------------------------------------
 * helpers */

/** Registers helper `idx` (any 32-bit id), replacing one of the same id; before or after loading.
 * `name` is copied, NULL: none. */
EBPF_EXPORT int ebpf_register(struct ebpf_vm *vm, unsigned int idx, const char *name,
                              external_function_t fn);

/** Registers a helper that is called with a host context before r1 to r5. */
EBPF_EXPORT int ebpf_register_ctx(struct ebpf_vm *vm, unsigned int idx, const char *name,
                                  ebpf_ctx_helper_fn fn, void *context);

/** Registers a helper together with its types; see struct ebpf_helper. */
EBPF_EXPORT int ebpf_register_typed(struct ebpf_vm *vm, const struct ebpf_helper *helper);

/** Gives helper `idx` a body in LLVM bitcode, or in LLVM's textual IR, of `size` bytes, which are
 * copied: of function `name` in it, which takes up to five words or pointers (before them the
 * context, where the helper has one) and gives one. Backend llvm makes the body a part of programs
 * that call the helper, instead of a call of its function; it must do the same. Other engines, and
 * calls that go through callx, through a check of memory arguments or through a declared result,
 * need the function, which is registered as ever, before or after. What the code names and does not
 * define is looked up in the process; it may define no variables but constants, as those of the
 * function would be others. It is native code of the host's: nothing that it does is checked.
 * Errors of backend llvm: EBPF_ERROR_INVALID_ARGUMENT where it is no bitcode, has no such function,
 * or one of another signature, defines variables, or is for another machine. The body stays until
 * the helper is unregistered. */
EBPF_EXPORT int ebpf_register_helper_bitcode(struct ebpf_vm *vm, unsigned int idx, const char *name,
                                             const void *bitcode, size_t size);

/** Unregisters the helper, its function and its body. */
EBPF_EXPORT int ebpf_unregister(struct ebpf_vm *vm, unsigned int idx);

/** Helper `idx` ends the whole run with r0 = 0 when it returns 0 (bpf_tail_call's way to succeed).
 * Runs go on after any other result. */
EBPF_EXPORT int ebpf_set_unwind_function_index(struct ebpf_vm *vm, unsigned int idx);

/** Gives programs access to `len` bytes for the rest of the current run. To be called inside a
 * helper; elsewhere it fails with EBPF_ERROR_INVALID_ARGUMENT. `permission`: enum ebpf_permission.
 */
EBPF_EXPORT int ebpf_grant(void *ptr, size_t len, unsigned int permission);

/** Calls a function of the running program: to be called inside a helper, with the word that it got
 * as an EBPF_ARG_FUNCTION; elsewhere it fails with EBPF_ERROR_INVALID_ARGUMENT, also in helpers
 * that are not declared to take one. `arguments`: r1 to r5. 0 and *result = r0 (result may be
 * NULL); or EBPF_ERROR_FAULT: the run ends, as soon as the helper returns. C++ exceptions of
 * helpers that the function calls pass through. */
EBPF_EXPORT int ebpf_call_back(uint64_t function, const uint64_t arguments[5], uint64_t *result);

/** The functions that give 64-bit immediates (lddw, RFC 9669, section 5.4) their values when the
 * program is first run or compiled; each may be NULL. A program that needs a missing one is refused
 * then. code_addr may be NULL: a function of the program then gives a handle for callx. */
EBPF_EXPORT int ebpf_set_lddw_helpers(struct ebpf_vm *vm, uint64_t (*map_by_fd)(uint32_t),
                                      uint64_t (*map_by_idx)(uint32_t),
                                      uint64_t (*map_val)(uint64_t), uint64_t (*var_addr)(uint32_t),
                                      uint64_t (*code_addr)(uint32_t));

/** Companions of the functions above: how many bytes, from the value on, the program may read and
 * write. 0 or NULL: none. map_val gets the map that map_by_fd or map_by_idx gave, the others the
 * same id. */
EBPF_EXPORT int ebpf_set_lddw_size_helpers(struct ebpf_vm *vm, uint64_t (*map_by_fd)(uint32_t),
                                           uint64_t (*map_by_idx)(uint32_t),
                                           uint64_t (*map_val)(uint64_t),
                                           uint64_t (*var_addr)(uint32_t),
                                           uint64_t (*code_addr)(uint32_t));

/** Tells what a map is like that one of the functions above, or a helper, gave; NULL: the word is
 * no map, and calling a helper with it is a fault. What it returns must stay until the run ends.
 * Helpers with arguments of kind EBPF_ARG_MAP_KEY and the like need it. NULL: maps are not checked
 * (the default). */
EBPF_EXPORT int ebpf_set_map_shape_helper(struct ebpf_vm *vm,
                                          const struct ebpf_map_shape *(*map_shape)(uint64_t map));

/** Makes map `map_fd` of programs (lddw of kinds 1 and 2) the one at `map_ptr`. With `map`, that is
 * where its values are, which the caller keeps there, and programs may touch them. They are looked
 * up by helper 1 (bpf_map_lookup_elem), which is registered if no helper 1 is; one of the host's
 * own must be declared (ebpf_register_typed(): EBPF_ARG_MAP, EBPF_ARG_MAP_KEY,
 * EBPF_RESULT_MAP_VALUE_OR_NULL). Code of backend llvm then has the lookup in it, a test and an
 * address, where it knows the map and the key lies in the program's stack. With NULL, `map_ptr` is
 * what the callback of ebpf_set_map_shape_helper() knows by this word; one that it does not know is
 * EBPF_ERROR_INVALID_ARGUMENT. A map that this process cannot have inline is
 * EBPF_ERROR_UNSUPPORTED. */
EBPF_EXPORT int ebpf_set_inline_map(struct ebpf_vm *vm, int map_fd, void *map_ptr,
                                    const struct ebpf_inline_map *map);

/* ----------------------------------------------------------------------------------------------
 * what a program may do */

/** Switches the memory checks (on by default); returns whether they were on. Off, a program can
 * read and write all of the process: for programs that were verified elsewhere. Budget, interrupt
 * and call depth stay. */
EBPF_EXPORT bool ebpf_toggle_bounds_check(struct ebpf_vm *vm, bool enable);

/** Gives every run of this VM access to `len` bytes at `ptr`, which the caller keeps alive until it
 * is unregistered. */
EBPF_EXPORT int ebpf_register_region(struct ebpf_vm *vm, void *ptr, size_t len,
                                     unsigned int permission);

/** Says what is known of the loaded program before it runs, with the helpers, callbacks and limits
 * that are set now, and with memory checks on: whether it is proven safe, which accesses have to be
 * checked at run time, or that it certainly faults. `level`: enum ebpf_verify_level. 0 and *report,
 * which is the caller's (ebpf_free_verify_report()); or a negative error, and *report is NULL:
 * EBPF_ERROR_UNRESOLVED and EBPF_ERROR_UNSUPPORTED tell what is missing to run it at all. */
EBPF_EXPORT int ebpf_verify(struct ebpf_vm *vm, unsigned int level,
                            struct ebpf_verify_report **report);

EBPF_EXPORT void ebpf_free_verify_report(struct ebpf_verify_report *report);

/** Says what the input memory of every run is; NULL: nothing any more. See struct ebpf_input. */
EBPF_EXPORT int ebpf_declare_input(struct ebpf_vm *vm, const struct ebpf_input *input);

/** Takes back the region that was registered with this `ptr`. */
EBPF_EXPORT int ebpf_unregister_region(struct ebpf_vm *vm, void *ptr);

/** Budget of one run in instruction slots, charged at backward jumps and local calls; 0: none. */
EBPF_EXPORT int ebpf_set_instruction_limit(struct ebpf_vm *vm, uint64_t limit);

/** Most slots of a program, inclusive; 1 to EBPF_MOST_INSTS. */
EBPF_EXPORT int ebpf_set_max_insns(struct ebpf_vm *vm, uint32_t count);

/** Most helpers registered at a time; at least 1. */
EBPF_EXPORT int ebpf_set_max_helpers(struct ebpf_vm *vm, uint32_t count);

/** Bytes of one stack frame; a multiple of 16 from 16 to EBPF_MOST_STACK_SIZE. */
EBPF_EXPORT int ebpf_set_stack_size(struct ebpf_vm *vm, uint32_t bytes);

/** Stack frames of one run, the entry function's included; 1 to EBPF_MOST_CALL_DEPTH. */
EBPF_EXPORT int ebpf_set_call_depth(struct ebpf_vm *vm, uint32_t frames);

/** How hard backends that optimise try, 0 to 3 (default 3); others accept it and do nothing. */
EBPF_EXPORT int ebpf_set_optimization_level(struct ebpf_vm *vm, uint32_t level);

/** Whether native code hides the constants that a program chooses (off by default): immediates, and
 * the values of lddw, are in it combined with numbers that nobody can predict, so that a program
 * cannot put instructions of its choice there for an attacker to jump into. Numbers of instructions
 * (24 bits at most), offsets of accesses (16 bits) and, on the light backend, immediates of one
 * byte stay. Costs some time in every instruction that has one. Interpreters have nothing to hide,
 * nor has the light backend's code for AArch64, whose instructions hold 16 bits of a constant at
 * most and can only be entered where they begin. The numbers are drawn here and for each program:
 * fails if the system gives none. */
EBPF_EXPORT int ebpf_set_constant_blinding(struct ebpf_vm *vm, bool enable);

/** Microseconds after which backends that optimise stop doing so, and make native code of what the
 * program is by then, which takes time by its size; 0: none (default). Others, whose effort goes by
 * the size alone, accept it and do nothing. */
EBPF_EXPORT int ebpf_set_compile_time_limit(struct ebpf_vm *vm, uint64_t microseconds);

/** Says how code is made that is compiled from now on: all that backends which optimise can be told
 * at once, level and time limit of the functions above included. NULL: as by default. Others accept
 * it and do nothing, with any CPU. Backend llvm knows what a CPU has: EBPF_ERROR_INVALID_ARGUMENT
 * where it knows none of this name, EBPF_ERROR_UNSUPPORTED where this machine lacks what code for
 * the CPU may use; the message names it. On an error everything stays as it was. What programs give
 * is the same with all options. */
EBPF_EXPORT int ebpf_optimize(struct ebpf_vm *vm, const struct ebpf_optimize_options *options);

/** Most bytes that making native code of a program may be expected to take, by its size; it is
 * refused with EBPF_ERROR_LIMIT_EXCEEDED if that is more; 0: none (default). Backend "llvm" expects
 * some 6 KiB for each slot, "ubpf" a few hundred bytes. */
EBPF_EXPORT int ebpf_set_compile_memory_limit(struct ebpf_vm *vm, uint64_t bytes);

/** Whether native code leaves out the memory checks that ebpf_verify() says are proven or covered.
 * On, memory safety rests on the analysis besides the checks; what a program gives does not change.
 * On by default where finding out takes little of the time that compiling takes (backend "llvm"),
 * off elsewhere. */
EBPF_EXPORT int ebpf_set_check_elimination(struct ebpf_vm *vm, bool enable);

/** Whether nothing that a check guards is begun before the check is decided (off by default): after
 * each memory check, check of a helper's arguments and of what callx or gotox go to, a barrier
 * keeps the processor from running ahead with what it guesses (Spectre variant 1, CVE-2017-5753).
 * No check is proven away or moved then, and each waits for all that comes before it. Not barred:
 * what a program's own branches guess about memory that it may read, and other ways to speculate:
 * predicted returns and indirect branches, stores that loads overtake. EBPF_ERROR_UNSUPPORTED on
 * machines other than x86-64 and AArch64. */
EBPF_EXPORT int ebpf_set_speculation_barriers(struct ebpf_vm *vm, bool enable);

/** A secret that the code pointers of helpers are kept XORed with, wherever they lie in memory that
 * can be written; 0: none. Who can overwrite such a pointer, or read it, but does not know the
 * secret, cannot choose what is called, or learn where code is. It is no help against who can read
 * all of the process's memory: the secret is there, too. Take a random number. Calls of helpers
 * take longer with it: all go through the host. To be set before a program is loaded. */
EBPF_EXPORT int ebpf_set_pointer_secret(struct ebpf_vm *vm, uint64_t secret);

/* ----------------------------------------------------------------------------------------------
 * running */

/** Runs the program once: r1 = mem, r2 = mem_len (at most 2^56 bytes). 0 and *result = r0 (result
 * may be NULL), or a negative error. */
EBPF_EXPORT int64_t ebpf_exec(struct ebpf_vm *vm, void *mem, size_t mem_len, int64_t *result);

/** The same, with further memory that this run may touch. */
EBPF_EXPORT int64_t ebpf_exec_regions(struct ebpf_vm *vm, void *mem, size_t mem_len,
                                      const struct ebpf_region *regions, size_t region_count,
                                      int64_t *result);

/** Ends every run of this VM that is in progress with EBPF_FAULT_INTERRUPTED, at the latest after
 * 2^20 more budget units; runs that begin later are not affected. Any thread, any time. */
EBPF_EXPORT int ebpf_interrupt(struct ebpf_vm *vm);

/** Copies the fault of the last run on this thread to *fault (which may be NULL): 1 if there was
 * one, 0 if that run ended well. Cleared whenever a run begins on this thread. */
EBPF_EXPORT int ebpf_last_fault(struct ebpf_fault *fault);

/** Where the instruction of that fault comes from, as far as the object says that its program was
 * loaded from (ebpf_object_load()), which may be another one after a tail call. Texts may hold any
 * bytes; "" is what is not known. They are valid until the next call of this function on this
 * thread. */
struct ebpf_fault_source {
    const char *function;
    const char *file;
    const char *text; /**< of the line, as it was compiled */
    const char *note; /**< why the instruction cannot run here (EBPF_FAULT_UNAVAILABLE) */
    uint32_t line;    /**< 0: not known, nor file, column and text */
    uint32_t column;
};

/** 1 and *source (which may be NULL) if something is known of it; 0 if not, or if there was no
 * fault. */
EBPF_EXPORT int ebpf_last_fault_source(struct ebpf_fault_source *source);

/** Compiles the program to native code. NULL and *errmsg (as in ebpf_load()) on failure. */
EBPF_EXPORT ebpf_jit_fn ebpf_compile(struct ebpf_vm *vm, char **errmsg);

/** Writes what compiling did to the program that is loaded, by name, to stats[0..capacity); returns
 * how many entries there are (which may be more), always in the same order. It is about what was
 * compiled last, by ebpf_compile() or the first run: there are none if nothing was since the
 * program or how it is compiled changed, nor of backends that count nothing. May be called while
 * others run and compile, not while others load or set. The strings live as long as the process. */
EBPF_EXPORT int ebpf_compile_stats(struct ebpf_vm *vm, struct ebpf_compile_stat *stats,
                                   size_t capacity);

/** Compiles the program ahead of time. options may be NULL. On success *elf_buffer is malloc'ed:
 * free it. */
EBPF_EXPORT int ebpf_aot_compile(struct ebpf_vm *vm, struct ebpf_aot_options *options,
                                 uint8_t **elf_buffer, size_t *elf_size);

/** Loads an image that ebpf_aot_compile() made as this VM's program; NULL on failure: see
 * ebpf_last_error(). */
EBPF_EXPORT ebpf_jit_fn ebpf_load_aot_object(struct ebpf_vm *vm, const void *buf, size_t buf_len);

#ifdef __cplusplus
} /* extern "C" */

/* Callers written for `uint64_t *` results, `const struct ebpf_vm *` and `void *` helpers.
 * Templates, so that a null pointer constant means the C function. */
extern "C++" {

template <typename Word,
          typename = typename std::enable_if<std::is_same<Word, int64_t>::value ||
                                             std::is_same<Word, uint64_t>::value>::type>
int64_t ebpf_exec(const struct ebpf_vm *vm, void *mem, size_t mem_len, Word *result) {
    return ebpf_exec(const_cast<struct ebpf_vm *>(vm), mem, mem_len,
                     reinterpret_cast<int64_t *>(result));
}

template <typename Vm,
          typename = typename std::enable_if<std::is_same<Vm, const struct ebpf_vm>::value>::type>
int64_t ebpf_exec(Vm *vm, void *mem, size_t mem_len, decltype(nullptr)) {
    return ebpf_exec(const_cast<struct ebpf_vm *>(vm), mem, mem_len,
                     static_cast<int64_t *>(nullptr));
}

template <typename Function,
          typename = typename std::enable_if<std::is_same<Function, void>::value ||
                                             std::is_function<Function>::value>::type>
int ebpf_register(struct ebpf_vm *vm, unsigned int idx, const char *name, Function *fn) {
    return ebpf_register(vm, idx, name,
                         reinterpret_cast<external_function_t>(reinterpret_cast<void *>(fn)));
}

} /* extern "C++" */

#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L

/* The same for C: the macros convert the argument and call the function of their name. */

#define ebpf_exec(vm, mem, mem_len, result)                                                       \
    (ebpf_exec)(                                                                                  \
        _Generic((vm), const struct ebpf_vm *: (struct ebpf_vm *)(uintptr_t)(vm), default: (vm)), \
        (mem), (mem_len),                                                                         \
        _Generic((result), uint64_t *: (int64_t *)(uintptr_t)(result), default: (result)))

#define ebpf_register(vm, idx, name, fn) \
    (ebpf_register)((vm), (idx), (name), (external_function_t)(uintptr_t)(fn))

#endif

#endif
