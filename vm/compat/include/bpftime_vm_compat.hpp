// bpftime-vm: the C++ interface: backends, their registry, and the VM that wraps one
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "ebpf-types.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

struct ebpf_vm;

namespace bpftime::vm::compat {

/// Native entry point of a compiled program; see ebpf_jit_fn.
using precompiled_ebpf_function = ebpf_jit_fn;
using ::external_function_t;

/// Values of lddw's 64-bit immediates (RFC 9669, section 5.4), each by its own function; empty: not
/// available. The `_size` companions tell how many bytes from that value on the program may read
/// and write; empty or 0: none.
struct lddw_helpers {
    std::function<uint64_t(uint32_t fd)> map_by_fd;
    std::function<uint64_t(uint32_t idx)> map_by_idx;
    std::function<uint64_t(uint64_t map_ptr)> map_val;
    std::function<uint64_t(uint32_t idx)> var_addr;
    std::function<uint64_t(uint32_t idx)> code_addr;

    std::function<uint64_t(uint32_t fd)> map_by_fd_size;
    std::function<uint64_t(uint32_t idx)> map_by_idx_size;
    std::function<uint64_t(uint64_t map_ptr)> map_val_size;
    std::function<uint64_t(uint32_t idx)> var_addr_size;
    std::function<uint64_t(uint32_t idx)> code_addr_size;

    /// What a map that one of these functions, or a helper, gave is like; null: the word is no map.
    /// Helpers that are declared to take keys or values of maps need it. What it points to stays
    /// until the run ends.
    std::function<const ebpf_map_shape *(uint64_t map_ptr)> map_shape;
};

/// Numbers that configure a VM; the setters of ebpf-vm.h say what they mean and which values they
/// take.
enum class vm_limit : uint32_t {
    instructions,
    insns,
    helpers,
    stack_size,
    call_depth,
    optimization_level,
    constant_blinding,     ///< 0 or 1
    check_elimination,     ///< 0 or 1
    speculation_barriers,  ///< 0 or 1
    compile_time,          ///< microseconds; 0: none
    compile_memory         ///< bytes; 0: none
};

/// What verify() found; ebpf_verify_report says what the members mean.
struct verify_report {
    struct note {
        uint32_t pc;
        ebpf_proof proof;
        std::string text;
    };

    ebpf_safety safety = EBPF_SAFE_WITH_CHECKS;
    uint32_t fault_pc = 0;
    uint32_t accesses = 0;
    uint32_t proven = 0;
    uint32_t covered = 0;
    uint32_t checked = 0;
    uint32_t faulting = 0;
    uint32_t other_checks = 0;
    uint32_t loops = 0;
    uint32_t unbounded_loops = 0;
    bool is_complete = true;
    std::string summary;
    std::vector<note> notes;
};

/// Something that compiling did; see ebpf_compile_stat.
struct compile_stat {
    std::string name;
    std::string description;
    uint64_t count = 0;
};

/// Where an instruction comes from, as far as that is known. Texts may hold any bytes.
struct instruction_source {
    std::string function;
    std::string file;
    uint32_t line = 0;  ///< 0: not known, nor file, column and text
    uint32_t column = 0;
    std::string text;  ///< of the line, as it was compiled
    std::string note;  ///< why the instruction cannot run here; empty if it can
};

/// Where the instructions of one program come from, for messages about it. Immutable; its functions
/// may be called on any thread.
class EBPF_EXPORT program_source {
public:
    program_source();
    virtual ~program_source();
    program_source(const program_source &) = delete;
    program_source &operator=(const program_source &) = delete;

    /// Of the instruction at slot `pc`.
    [[nodiscard]] virtual instruction_source find(uint32_t pc) const = 0;
};

/// A backend. Derive from it, override what you support, and register a factory: load_code() and
/// exec() are the least; everything else fails by default with "... is not supported by backend X".
///
/// Functions that return int give 0 or a negative `enum ebpf_error`; the text is in
/// get_error_message(). Arguments have been checked by the caller (ebpf_vm): pointers are not null,
/// sizes are in range. exec(), exec_regions(), compile() and interrupt() must be callable from
/// several threads at once.
class EBPF_EXPORT bpftime_vm_impl {
public:
    bpftime_vm_impl();
    virtual ~bpftime_vm_impl();
    bpftime_vm_impl(const bpftime_vm_impl &) = delete;
    bpftime_vm_impl &operator=(const bpftime_vm_impl &) = delete;

    // --- core operations

    /// Loads bytecode, replacing what was loaded.
    virtual int load_code(const void *code, size_t code_len) = 0;
    /// Runs the program once; `result` is r0. 0 or a negative error.
    virtual int64_t exec(void *mem, size_t mem_len, int64_t &result) = 0;
    /// Compiles the program; null on failure.
    virtual precompiled_ebpf_function compile();
    /// Drops the program and everything compiled from it.
    virtual void unload_code();
    /// Message of the calling thread's last failed call on this VM.
    virtual std::string get_error_message();

    // --- helper management

    virtual void register_external_function(size_t index, const std::string &name,
                                            external_function_t fn);
    /// Registers a helper with types or a host context. The default accepts what
    /// register_external_function() can express (no context) and ignores the types.
    virtual int register_helper(const ebpf_helper &helper);
    /// A body for the helper, which engines that compile may take in place of a call; see
    /// ebpf_register_helper_bitcode().
    virtual int register_helper_bitcode(size_t index, const std::string &name,
                                        const std::vector<uint8_t> &bitcode);
    virtual int unregister_external_function(size_t index);
    virtual int set_unwind_function_index(size_t index);
    virtual int set_lddw_helpers(const lddw_helpers &helpers);
    /// A map that lookups need no call for; see ebpf_set_inline_map().
    virtual int set_inline_map(int map_fd, void *map_ptr);
    virtual int set_inline_map(int map_fd, void *map_ptr, const ebpf_inline_map &map);

    // --- what a program may do

    /// Returns whether checks were on before.
    virtual bool toggle_bounds_check(bool enable);
    virtual int set_pointer_secret(uint64_t secret);
    virtual int set_limit(vm_limit limit, uint64_t value);
    /// See ebpf_optimize(). The default accepts it: what programs give does not change.
    virtual int optimize(const ebpf_optimize_options &options);
    virtual int register_region(const ebpf_region &region);
    virtual int unregister_region(void *ptr);
    virtual int set_jump_targets(const uint32_t *pcs, size_t count);
    /// Null: nothing is said any more.
    virtual int declare_input(const ebpf_input *input);
    virtual int64_t exec_regions(void *mem, size_t mem_len, const ebpf_region *regions,
                                 size_t region_count, int64_t &result);
    virtual int interrupt();
    /// What is known of the loaded program before it runs.
    virtual int verify(ebpf_verify_level level, verify_report &report);
    /// Where the loaded program comes from, until it is unloaded: messages of faults may tell. The
    /// default does not.
    virtual void set_source(std::shared_ptr<const program_source> source);
    /// What compiling did; see ebpf_compile_stats(). The default says nothing.
    virtual int compile_stats(std::vector<compile_stat> &stats);

    // --- advanced features

    /// ELF object of the program; empty on failure.
    virtual std::vector<uint8_t> do_aot_compile();
    /// The same with options, which may ask for other kinds of output.
    virtual std::vector<uint8_t> do_aot_compile_with(const ebpf_aot_options &options);
    /// Loads an AOT image as this VM's program; null on failure.
    virtual precompiled_ebpf_function load_aot_object(const std::vector<uint8_t> &image);
    /// PTX modules of the program; empty optional on failure.
    virtual std::optional<std::vector<std::string>> do_get_ptx();

    virtual void register_error_print_callback(int (*fn)(FILE *, const char *, ...));

    /// The name that the backend was created under.
    [[nodiscard]] const std::string &backend_name() const noexcept { return backend_name_; }

protected:
    /// Records the message that get_error_message() returns on this thread, hands it to the error
    /// print callback, and returns `code`.
    int64_t set_error(int64_t code, const std::string &message) const;
    /// Records "FEATURE is not supported by backend X" and returns EBPF_ERROR_UNSUPPORTED.
    int not_supported(const char *feature) const;

private:
    friend struct ::ebpf_vm;
    friend EBPF_EXPORT std::unique_ptr<bpftime_vm_impl> create_vm_instance(const std::string &);
    std::string backend_name_ = "unnamed";
    int (*error_print_)(FILE *, const char *, ...) = nullptr;
};

/// Makes one instance of a backend.
using vm_factory = std::function<std::unique_ptr<bpftime_vm_impl>()>;

/// Makes a backend known by `vm_name`; typically called when its library is loaded. 0, or a
/// negative error if the name is taken (the first registration stays) or not usable: letters,
/// digits, '_', '-' and '.', not beginning with '.'. Thread-safe.
EBPF_EXPORT int register_vm_factory(const std::string &vm_name, vm_factory factory);

/// A new instance of a backend; "" is the best one there is. Throws std::runtime_error, whose text
/// names the backends that exist, if there is none of that name or its factory fails. Thread-safe.
EBPF_EXPORT std::unique_ptr<bpftime_vm_impl> create_vm_instance(const std::string &vm_name);

/// The backends that create_vm_instance() knows, best first: registered ones and plugins that can
/// be found.
EBPF_EXPORT std::vector<std::string> list_vm_backends();

/// What a plugin (libbpftime-vm-NAME.so) exports as `bpftime_vm_plugin_descriptor`.
struct plugin_descriptor {
    uint32_t abi_version;  ///< plugin_abi_version of the headers that it was built with
    const char *name;
    bpftime_vm_impl *(*create)();  ///< a new instance, owned by the caller; null if it cannot start
};

/// Changes whenever bpftime_vm_impl does; a plugin of another version is refused.
inline constexpr uint32_t plugin_abi_version = 7;

}  // namespace bpftime::vm::compat

/// Defines the descriptor of a plugin with backend `type` under `name`; at namespace scope, once
/// per plugin.
#define EBPF_VM_PLUGIN(name, type)                                                           \
    extern "C" EBPF_EXPORT const bpftime::vm::compat::plugin_descriptor                      \
        bpftime_vm_plugin_descriptor;                                                        \
    extern "C" const bpftime::vm::compat::plugin_descriptor bpftime_vm_plugin_descriptor = { \
        bpftime::vm::compat::plugin_abi_version, name,                                       \
        []() -> bpftime::vm::compat::bpftime_vm_impl * { return new type(); }}

/// A VM: a backend behind checked arguments. The same object that C callers hold as `struct ebpf_vm
/// *`. Functions return 0 or a negative `enum ebpf_error`; error_message() has the text.
struct EBPF_EXPORT ebpf_vm {
    /// Throws std::runtime_error if there is no backend of that name; "" is the best one there is.
    explicit ebpf_vm(const std::string &vm_name);
    /// Wraps a backend that was made elsewhere; not null.
    explicit ebpf_vm(std::unique_ptr<bpftime::vm::compat::bpftime_vm_impl> impl);
    ~ebpf_vm();

    [[nodiscard]] const std::string &name() const noexcept;
    /// Message of the calling thread's last failed call.
    [[nodiscard]] std::string error_message() const;
    /// Records an error of this VM as its backend does, and returns `code`.
    int64_t fail(int64_t code, const std::string &message) const;
    [[nodiscard]] bpftime::vm::compat::bpftime_vm_impl &impl() noexcept { return *impl_; }

    int load_code(const void *code, size_t code_len);
    void unload_code();
    int64_t exec(void *mem, size_t mem_len, int64_t &result);
    int64_t exec_regions(void *mem, size_t mem_len, const ebpf_region *regions, size_t region_count,
                         int64_t &result);
    bpftime::vm::compat::precompiled_ebpf_function compile();
    int interrupt();

    int register_external_function(size_t index, const std::string &name, external_function_t fn);
    /// `void *`, and functions of other signatures: up to five words in, at most one out.
    template <typename Function, typename = std::enable_if_t<std::is_same_v<Function, void> or
                                                             std::is_function_v<Function>>>
    int register_external_function(size_t index, const std::string &name, Function *fn) {
        return register_external_function(
            index, name, reinterpret_cast<external_function_t>(reinterpret_cast<void *>(fn)));
    }
    int register_helper(const ebpf_helper &helper);
    int register_helper_bitcode(size_t index, const std::string &name,
                                const std::vector<uint8_t> &bitcode);
    int unregister_external_function(size_t index);
    int set_unwind_function_index(size_t index);

    int set_lddw_helpers(const bpftime::vm::compat::lddw_helpers &helpers);
    int set_lddw_helpers(std::function<uint64_t(uint32_t)> map_by_fd,
                         std::function<uint64_t(uint32_t)> map_by_idx = nullptr,
                         std::function<uint64_t(uint64_t)> map_val = nullptr,
                         std::function<uint64_t(uint32_t)> var_addr = nullptr,
                         std::function<uint64_t(uint32_t)> code_addr = nullptr);
    /// The `_size` companions.
    int set_lddw_size_helpers(std::function<uint64_t(uint32_t)> map_by_fd,
                              std::function<uint64_t(uint32_t)> map_by_idx = nullptr,
                              std::function<uint64_t(uint64_t)> map_val = nullptr,
                              std::function<uint64_t(uint32_t)> var_addr = nullptr,
                              std::function<uint64_t(uint32_t)> code_addr = nullptr);
    int set_map_shape_helper(std::function<const ebpf_map_shape *(uint64_t)> map_shape);
    int set_inline_map(int map_fd, void *map_ptr);
    int set_inline_map(int map_fd, void *map_ptr, const ebpf_inline_map &map);

    bool toggle_bounds_check(bool enable);
    int set_pointer_secret(uint64_t secret);
    int set_limit(bpftime::vm::compat::vm_limit limit, uint64_t value);
    /// Null: as by default.
    int optimize(const ebpf_optimize_options *options);
    int register_region(void *ptr, size_t len, unsigned permission);
    int unregister_region(void *ptr);
    int set_jump_targets(const uint32_t *pcs, size_t count);
    /// Null: nothing is said any more.
    int declare_input(const ebpf_input *input);
    int verify(ebpf_verify_level level, bpftime::vm::compat::verify_report &report);
    void set_source(std::shared_ptr<const bpftime::vm::compat::program_source> source);
    int compile_stats(std::vector<bpftime::vm::compat::compile_stat> &stats);

    std::vector<uint8_t> do_aot_compile();
    std::vector<uint8_t> do_aot_compile(const ebpf_aot_options &options);
    bpftime::vm::compat::precompiled_ebpf_function load_aot_object(
        const std::vector<uint8_t> &image);
    std::optional<std::vector<std::string>> do_get_ptx();
    void register_error_print_callback(int (*fn)(FILE *, const char *, ...));

private:
    int refuse(const std::string &message) const;

    std::unique_ptr<bpftime::vm::compat::bpftime_vm_impl> impl_;
    bpftime::vm::compat::lddw_helpers lddw_;
};
