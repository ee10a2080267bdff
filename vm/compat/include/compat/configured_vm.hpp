// bpftime-vm: the base of our own backends: configuration, loading, preparing once, running
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "bpftime_vm_compat.hpp"
#include "compat/config.hpp"
#include "compat/executable.hpp"
#include "compat/inline_maps.hpp"
#include "compat/run.hpp"

#include <atomic>
#include <expected>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace bpftime::vm::compat {

/// A backend that is one function from a program and its configuration to an executable. Everything
/// else - the program, helpers, regions, limits, compiling once under a lock, faults - is here.
class EBPF_EXPORT configured_vm : public bpftime_vm_impl {
public:
    ~configured_vm() override;

    int load_code(const void *code, size_t code_len) override;
    void unload_code() override;
    int64_t exec(void *mem, size_t mem_len, int64_t &result) override;
    int64_t exec_regions(void *mem, size_t mem_len, const ebpf_region *regions, size_t region_count,
                         int64_t &result) override;
    /// Calls a function that the program has handed to a helper, by its handle, in a run of its own
    /// without input memory. Results are those of exec().
    int64_t call(uint64_t function, const uint64_t arguments[5],
                 std::span<const memory_span> regions, int64_t &result);
    precompiled_ebpf_function compile() override;
    int interrupt() override;

    void register_external_function(size_t index, const std::string &name,
                                    external_function_t fn) override;
    int register_helper(const ebpf_helper &helper) override;
    int register_helper_bitcode(size_t index, const std::string &name,
                                const std::vector<uint8_t> &bitcode) override;
    int unregister_external_function(size_t index) override;
    int set_unwind_function_index(size_t index) override;
    int set_lddw_helpers(const lddw_helpers &helpers) override;
    int set_inline_map(int map_fd, void *map_ptr) override;
    int set_inline_map(int map_fd, void *map_ptr, const ebpf_inline_map &map) override;

    bool toggle_bounds_check(bool enable) override;
    int set_pointer_secret(uint64_t secret) override;
    int set_limit(vm_limit limit, uint64_t value) override;
    int optimize(const ebpf_optimize_options &options) override;
    int register_region(const ebpf_region &region) override;
    int unregister_region(void *ptr) override;
    int set_jump_targets(const uint32_t *pcs, size_t count) override;
    int declare_input(const ebpf_input *input) override;
    int verify(ebpf_verify_level level, verify_report &report) override;
    void set_source(std::shared_ptr<const program_source> source) override;
    int compile_stats(std::vector<compile_stat> &stats) override;

    /// The program ready to run, made so now if need be; the (recorded) error's code if that cannot
    /// be.
    std::expected<const prepared_program *, int64_t> prepare();
    /// The same as native code, which the program then stays: settings that are changed later make
    /// new native code.
    std::expected<const prepared_program *, int64_t> prepare_native();

protected:
    /// Makes the executable. Called under the VM's lock, once per program and configuration.
    virtual result<std::unique_ptr<const executable>> build(const build_input &input) = 0;
    /// The same for programs that are to be native code, if that is something else: its entry() is
    /// not null.
    virtual result<std::unique_ptr<const executable>> build_native(const build_input &input) {
        return build(input);
    }
    /// Programs may call helpers of which bitcode alone is known.
    void compile_bitcode() noexcept { config_.compiles_bitcode = true; }
    /// Whether this can be a helper's body.
    [[nodiscard]] virtual result<void> check_bitcode(const helper_bitcode & /*body*/) const {
        return {};
    }
    /// Whether code for the CPU of this name can be made and can run here.
    [[nodiscard]] virtual result<void> check_cpu(const std::string & /*cpu*/) const { return {}; }
    /// About the most memory that these take for each slot of the program; 0: not known.
    [[nodiscard]] virtual uint64_t build_bytes_per_slot(bool /*native*/) const noexcept {
        return 0;
    }

private:
    int64_t fail(const error &e) const;
    std::expected<const prepared_program *, int64_t> prepare_first();
    template <typename Execute>
    int64_t run_once(run::input_memory input, std::span<const memory_span> regions, int64_t &result,
                     Execute &&execute);
    int64_t run_once(run::input_memory input, std::span<const memory_span> regions,
                     int64_t &result);
    int set_constant_blinding(bool enable);
    int draw_blinding_seed();
    void drop_prepared();
    // Under the lock:
    [[nodiscard]] result<std::unique_ptr<const executable>> build_in_limits(
        const build_input &input, bool native);
    std::expected<std::unique_ptr<const prepared_program>, int64_t> make_prepared(bool native);
    std::expected<const prepared_program *, int64_t> adopt(
        std::expected<std::unique_ptr<const prepared_program>, int64_t> made);

    vm_config config_;
    inline_maps inline_maps_;
    lddw_helpers host_lddw_;  ///< what the inline maps come before
    std::optional<program> program_;
    std::unique_ptr<const prepared_program> prepared_;
    /// Of earlier configurations of this program: somebody may still hold their native entries.
    std::vector<std::unique_ptr<const prepared_program>> retired_;
    std::atomic<const prepared_program *> ready_ = nullptr;
    bool is_native_ = false;  ///< under the lock: what is prepared is to be native code
    /// Whether the host was given the native entry of what is prepared.
    std::atomic<bool> entry_is_out_ = false;
    std::atomic<uint32_t> interrupts_ = 0;
    std::mutex build_lock_;
};

}  // namespace bpftime::vm::compat
