// bpftime-vm: the helpers that look at memory of which nothing is known
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "probe_helpers.hpp"

#include "helper_functions.hpp"
#include "helper_words.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace bpftime::vm::runtime {

namespace {

/// What a program reaches.
enum class reach : uint8_t { own_memory, process };

/// Where checks are off the program could follow the address itself, but that might crash.
bool asks_kernel(reach how) noexcept {
    const compat::run *const run = compat::run::current();
    return how == reach::process or (run != nullptr and not run->config().bounds_checks);
}

/// Copies memory that may be anything or nothing; false if it is not all there.
bool copy_in(std::span<uint8_t> to, uint64_t from, reach how) noexcept {
    if (to.empty()) return true;
    if (not asks_kernel(how)) {
        if (not may_touch(from, to.size(), permission::read)) return false;
        std::memmove(to.data(), pointer(from), to.size());
        return true;
    }
    const iovec local{to.data(), to.size()};
    const iovec remote{pointer(from), to.size()};
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == std::ssize(to);
}

bool copy_out(uint64_t to, std::span<const uint8_t> from, reach how) noexcept {
    if (from.empty()) return true;
    if (not asks_kernel(how)) {
        if (not may_touch(to, from.size(), permission::write)) return false;
        std::memmove(pointer(to), from.data(), from.size());
        return true;
    }
    const iovec local{const_cast<uint8_t *>(from.data()), from.size()};
    const iovec remote{pointer(to), from.size()};
    return process_vm_writev(getpid(), &local, 1, &remote, 1, 0) == std::ssize(from);
}

/// Whose memory the program means. It is the same here, but errors differ.
enum class owner : uint8_t { user, kernel };

/// The kernel tells addresses that cannot be its own from those where it has nothing.
int error_of(uint64_t address, owner whose) noexcept {
    constexpr uint64_t user_end = uint64_t{1} << 47;
    return whose == owner::kernel and address < user_end ? -ERANGE : -EFAULT;
}

uint64_t read(std::span<uint8_t> to, uint64_t from, owner whose, reach how) noexcept {
    if (copy_in(to, from, how)) return 0;
    std::ranges::fill(to, uint8_t{0});
    return word_of(error_of(from, whose));
}

/// Bytes from `address` that belong together: a page, or those that were checked at once.
std::size_t piece_of(uint64_t address, std::size_t most, reach how) noexcept {
    constexpr uint64_t page = 4096;
    return asks_kernel(how) ? std::min<uint64_t>(most, page - address % page) : 1;
}

/// Copies a text up to its end; how many bytes it has with that, which is there in any case.
uint64_t read_text(std::span<uint8_t> to, uint64_t from, owner whose, reach how) noexcept {
    if (to.empty()) return 0;
    for (std::size_t at = 0; at < to.size();) {
        const auto piece = to.subspan(at, piece_of(from + at, to.size() - at, how));
        if (not copy_in(piece, from + at, how)) {
            std::ranges::fill(to, uint8_t{0});
            return word_of(error_of(from, whose));
        }
        const auto end = std::ranges::find(piece, uint8_t{0});
        at += static_cast<std::size_t>(end - piece.begin());
        if (end != piece.end()) return at + 1;
    }
    to.back() = 0;
    return to.size();
}

uint64_t write(uint64_t to, std::span<const uint8_t> from, reach how) noexcept {
    return word_of(copy_out(to, from, how) ? 0 : -EFAULT);
}

/// Of another task there is no memory.
uint64_t read_task(std::span<uint8_t> to, uint64_t from, uint64_t task, uint64_t flags,
                   reach how) noexcept {
    if (flags != 0) return word_of(-EINVAL);
    if (is_current_task(task)) return read(to, from, owner::user, how);
    std::ranges::fill(to, uint8_t{0});
    return word_of(-EFAULT);
}

// --- helpers

template <owner Whose, reach How>
uint64_t read_helper(uint64_t r1, uint64_t r2, uint64_t r3) {
    return read(bytes_at(r1, r2), r3, Whose, How);
}
template <owner Whose, reach How>
uint64_t read_text_helper(uint64_t r1, uint64_t r2, uint64_t r3) {
    return read_text(bytes_at(r1, r2), r3, Whose, How);
}

/// The form that is registered for all memory of the process.
template <uint64_t (*Helper)(uint64_t, uint64_t, uint64_t)>
uint64_t for_process(void *, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    return Helper(r1, r2, r3);
}
uint64_t read_task_of_process(void *, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
                              uint64_t r5) {
    return read_task(bytes_at(r1, r2), r3, r4, r5, reach::process);
}
uint64_t write_to_process(void *, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    return write(r1, bytes_at(r2, r3), reach::process);
}

}  // namespace

bool read_own_memory(std::span<uint8_t> to, uint64_t from) noexcept {
    return copy_in(to, from, reach::own_memory);
}

uint64_t helper::probe_read(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    return read_helper<owner::user, reach::own_memory>(r1, r2, r3);
}
uint64_t helper::probe_read_user(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    return read_helper<owner::user, reach::own_memory>(r1, r2, r3);
}
uint64_t helper::probe_read_kernel(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    return read_helper<owner::kernel, reach::own_memory>(r1, r2, r3);
}
uint64_t helper::copy_from_user(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    return read_helper<owner::user, reach::own_memory>(r1, r2, r3);
}
uint64_t helper::copy_from_user_task(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4,
                                     uint64_t r5) {
    return read_task(bytes_at(r1, r2), r3, r4, r5, reach::own_memory);
}

uint64_t helper::probe_read_str(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    return read_text_helper<owner::user, reach::own_memory>(r1, r2, r3);
}
uint64_t helper::probe_read_user_str(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    return read_text_helper<owner::user, reach::own_memory>(r1, r2, r3);
}
uint64_t helper::probe_read_kernel_str(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    return read_text_helper<owner::kernel, reach::own_memory>(r1, r2, r3);
}

uint64_t helper::probe_write_user(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t, uint64_t) {
    return write(r1, bytes_at(r2, r3), reach::own_memory);
}

ebpf_ctx_helper_fn function_for_process(external_function_t function) noexcept {
    struct row {
        external_function_t own;
        ebpf_ctx_helper_fn process;
    };
    constexpr auto user = for_process<read_helper<owner::user, reach::process>>;
    constexpr auto kernel = for_process<read_helper<owner::kernel, reach::process>>;
    constexpr auto user_text = for_process<read_text_helper<owner::user, reach::process>>;
    constexpr auto kernel_text = for_process<read_text_helper<owner::kernel, reach::process>>;
    static constexpr auto rows = std::to_array<row>({
        {helper::probe_read, user},
        {helper::probe_read_user, user},
        {helper::probe_read_kernel, kernel},
        {helper::copy_from_user, user},
        {helper::copy_from_user_task, read_task_of_process},
        {helper::probe_read_str, user_text},
        {helper::probe_read_user_str, user_text},
        {helper::probe_read_kernel_str, kernel_text},
        {helper::probe_write_user, write_to_process},
    });
    const auto at = std::ranges::find(rows, function, &row::own);
    return at == rows.end() ? nullptr : at->process;
}

}  // namespace bpftime::vm::runtime
