// bpftime-vm: a few helpers that need neither maps nor a kernel
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "helpers.hpp"

#include <ebpf-vm.h>
#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <random>
#include <span>
#include <string>

namespace bpftime::vm::cli {

namespace {

constexpr uint64_t failed(int cause) { return static_cast<uint64_t>(-int64_t{cause}); }

uint64_t ktime_get_ns(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(std::chrono::nanoseconds{now}.count());
}

uint64_t get_prandom_u32(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    thread_local std::minstd_rand random{std::random_device{}()};
    return static_cast<uint32_t>(random() << 16 ^ (random() & 0xffff));
}

uint64_t get_smp_processor_id(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t) {
    const int cpu = sched_getcpu();
    return cpu < 0 ? 0 : static_cast<uint64_t>(cpu);
}

/// Expands a printk format with up to three words. Pointers are printed, never followed: %s is
/// refused.
class printk_formatter {
public:
    printk_formatter(std::string_view format, std::span<const uint64_t, 3> words)
        : format_{format}, words_{words} {}

    /// Whether the format was legal; the text is in text().
    bool run() {
        while (not format_.empty()) {
            const auto percent = std::min(format_.find('%'), format_.size());
            text_ += format_.substr(0, percent);
            format_.remove_prefix(percent);
            if (not format_.empty() and not conversion()) return false;
        }
        return true;
    }
    const std::string &text() const { return text_; }

private:
    bool conversion() {
        format_.remove_prefix(1);
        unsigned longs = 0;
        for (; format_.starts_with('l') and longs < 2; ++longs) format_.remove_prefix(1);
        if (format_.empty()) return false;
        const char kind = format_.front();
        format_.remove_prefix(1);
        if (kind == '%') {
            text_ += '%';
            return longs == 0;
        }
        if (used_ == words_.size()) return false;
        return append(kind, longs != 0, words_[used_++]);
    }

    bool append(char kind, bool is_long, uint64_t word) {
        const uint64_t bits = is_long ? word : static_cast<uint32_t>(word);
        switch (kind) {
        case 'd':
        case 'i':
            text_ += fmt::format("{}",
                                 is_long ? static_cast<int64_t>(bits) : static_cast<int32_t>(bits));
            break;
        case 'u': text_ += fmt::format("{}", bits); break;
        case 'x': text_ += fmt::format("{:x}", bits); break;
        case 'X': text_ += fmt::format("{:X}", bits); break;
        case 'p': text_ += fmt::format("0x{:x}", word); break;
        case 'c': text_ += static_cast<char>(bits); break;
        default: return false;
        }
        return true;
    }

    std::string_view format_;
    std::span<const uint64_t, 3> words_;
    std::size_t used_ = 0;
    std::string text_;
};

uint64_t trace_printk(uint64_t format, uint64_t size, uint64_t a, uint64_t b, uint64_t c) {
    // The VM has checked that the program may read these bytes.
    const std::string_view bytes{reinterpret_cast<const char *>(format),
                                 static_cast<std::size_t>(size)};
    const auto end = bytes.find('\0');
    if (end == bytes.npos) return failed(EINVAL);
    const std::array words{a, b, c};
    printk_formatter formatter{bytes.substr(0, end), words};
    if (not formatter.run()) return failed(EINVAL);
    fwrite(formatter.text().data(), 1, formatter.text().size(), stderr);
    if (not formatter.text().ends_with('\n')) fputc('\n', stderr);
    return formatter.text().size();
}

struct helper_row {
    uint32_t id;
    std::string_view name;
    external_function_t fn = nullptr;
};

// Linux' helper ids; those with a function are provided here.
constexpr auto helpers = std::to_array<helper_row>({
    {1, "bpf_map_lookup_elem"},
    {2, "bpf_map_update_elem"},
    {3, "bpf_map_delete_elem"},
    {4, "bpf_probe_read"},
    {5, "bpf_ktime_get_ns", ktime_get_ns},
    {6, "bpf_trace_printk", trace_printk},
    {7, "bpf_get_prandom_u32", get_prandom_u32},
    {8, "bpf_get_smp_processor_id", get_smp_processor_id},
    {9, "bpf_skb_store_bytes"},
    {10, "bpf_l3_csum_replace"},
    {11, "bpf_l4_csum_replace"},
    {12, "bpf_tail_call"},
    {13, "bpf_clone_redirect"},
    {14, "bpf_get_current_pid_tgid"},
    {15, "bpf_get_current_uid_gid"},
    {16, "bpf_get_current_comm"},
    {23, "bpf_redirect"},
    {25, "bpf_perf_event_output"},
    {26, "bpf_skb_load_bytes"},
    {28, "bpf_csum_diff"},
    {44, "bpf_xdp_adjust_head"},
    {51, "bpf_redirect_map"},
    {54, "bpf_xdp_adjust_meta"},
    {65, "bpf_xdp_adjust_tail"},
    {69, "bpf_fib_lookup"},
    {112, "bpf_probe_read_user"},
    {113, "bpf_probe_read_kernel"},
    {114, "bpf_probe_read_user_str"},
    {115, "bpf_probe_read_kernel_str"},
    {125, "bpf_ktime_get_boot_ns"},
    {130, "bpf_ringbuf_output"},
    {131, "bpf_ringbuf_reserve"},
    {132, "bpf_ringbuf_submit"},
    {133, "bpf_ringbuf_discard"},
    {164, "bpf_for_each_map_elem"},
    {181, "bpf_loop"},
});

const helper_row *find(uint32_t id) noexcept {
    const auto row = std::ranges::find(helpers, id, &helper_row::id);
    return row == helpers.end() ? nullptr : &*row;
}

ebpf_helper declare(const helper_row &row) {
    ebpf_helper helper{};
    helper.id = row.id;
    helper.name = row.name.data();
    helper.fn = row.fn;
    if (row.fn == trace_printk) {
        helper.arguments[0].kind = EBPF_ARG_MEMORY_READ;
        helper.arguments[1].kind = EBPF_ARG_MEMORY_SIZE;
        for (const int i : {2, 3, 4}) helper.arguments[i].kind = EBPF_ARG_SCALAR;
    }
    return helper;
}

}  // namespace

std::string_view helper_name(uint32_t id) noexcept {
    const helper_row *const row = find(id);
    return row == nullptr ? std::string_view{} : row->name;
}

bool is_provided(uint32_t id) noexcept {
    const helper_row *const row = find(id);
    return row != nullptr and row->fn != nullptr;
}

outcome<void> register_helpers(ebpf_vm *vm) {
    for (const helper_row &row : helpers) {
        if (row.fn == nullptr) continue;
        const ebpf_helper helper = declare(row);
        if (ebpf_register_typed(vm, &helper) < 0) {
            return fail(exit_code::internal, "cannot register helper {}: {}", row.name,
                        ebpf_last_error());
        }
    }
    return {};
}

}  // namespace bpftime::vm::cli
