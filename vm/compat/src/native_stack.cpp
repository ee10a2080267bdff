// bpftime-vm: room on the host's stack for native code whose frames are large
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "compat/native_stack.hpp"

#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>
#include <exception>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define USES_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define USES_ASAN
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define USES_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define USES_TSAN
#endif
#endif
#ifdef USES_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef USES_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace bpftime::vm::compat {

namespace {

/// What helpers, signal handlers and the run itself get besides.
constexpr std::size_t reserve = 256 << 10;

struct bounds {
    uintptr_t low = 0;
    uintptr_t high = 0;
};

/// Of the stack that the system gave the thread.
bounds of_thread() noexcept {
    bounds found;
    pthread_attr_t attributes;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return found;
    void *low = nullptr;
    std::size_t size = 0;
    if (pthread_attr_getstack(&attributes, &low, &size) == 0)
        found = {reinterpret_cast<uintptr_t>(low), reinterpret_cast<uintptr_t>(low) + size};
    pthread_attr_destroy(&attributes);
    return found;
}

/// The stack that this thread is on: its own, or one of ours.
thread_local bounds current;

/// Bytes below the caller; 0 on a stack that nobody knows, as that of a coroutine.
std::size_t room() noexcept {
    if (current.high == 0) current = of_thread();
    const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    return here >= current.low and here < current.high ? here - current.low : 0;
}

/// Memory for a stack, a page that nobody may touch below it.
class mapped_stack {
public:
    explicit mapped_stack(std::size_t bytes) {
        const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        size_ = (bytes + page - 1) / page * page + page;
        base_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (base_ == MAP_FAILED) throw std::bad_alloc{};
        if (mprotect(base_, page, PROT_NONE) != 0) {
            munmap(base_, size_);
            throw std::bad_alloc{};
        }
        low_ = static_cast<std::byte *>(base_) + page;
    }
    ~mapped_stack() { munmap(base_, size_); }
    mapped_stack(const mapped_stack &) = delete;
    mapped_stack &operator=(const mapped_stack &) = delete;

    [[nodiscard]] void *low() const noexcept { return low_; }
    [[nodiscard]] std::size_t size() const noexcept {
        return size_ - static_cast<std::size_t>(low_ - static_cast<std::byte *>(base_));
    }
    [[nodiscard]] bounds limits() const noexcept {
        const auto low = reinterpret_cast<uintptr_t>(low_);
        return {low, low + size()};
    }

private:
    void *base_ = nullptr;
    std::byte *low_ = nullptr;
    std::size_t size_ = 0;
};

/// A call on another stack.
struct crossing {
    void (*body)(void *);
    void *argument;
    std::exception_ptr thrown;
    ucontext_t back;
    ucontext_t there;
    bounds from;
#ifdef USES_TSAN
    void *fiber_back;
#endif
};

/// The first function there. Contexts start with ints, of which two hold the address.
void arrive(unsigned high, unsigned low) {
    auto &c = *reinterpret_cast<crossing *>(uintptr_t{high} << 16 << 16 | low);
#ifdef USES_ASAN
    const void *from = nullptr;
    std::size_t size = 0;
    __sanitizer_finish_switch_fiber(nullptr, &from, &size);
#endif
    try {
        c.body(c.argument);
    } catch (...) {
        c.thrown = std::current_exception();
    }
#ifdef USES_ASAN
    __sanitizer_start_switch_fiber(nullptr, from, size);
#endif
#ifdef USES_TSAN
    __tsan_switch_to_fiber(c.fiber_back, 0);
#endif
    swapcontext(&c.there, &c.back);
}

void cross_to(const mapped_stack &stack, crossing &c) {
    getcontext(&c.there);
    c.there.uc_stack.ss_sp = stack.low();
    c.there.uc_stack.ss_size = stack.size();
    c.there.uc_link = nullptr;
    const auto word = reinterpret_cast<uintptr_t>(&c);
    makecontext(&c.there, reinterpret_cast<void (*)()>(arrive), 2,
                static_cast<unsigned>(word >> 16 >> 16), static_cast<unsigned>(word));
    c.from = current;
    current = stack.limits();
#ifdef USES_TSAN
    c.fiber_back = __tsan_get_current_fiber();
    void *const fiber = __tsan_create_fiber(0);
    __tsan_switch_to_fiber(fiber, 0);
#endif
#ifdef USES_ASAN
    void *fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, stack.low(), stack.size());
#endif
    swapcontext(&c.back, &c.there);
#ifdef USES_ASAN
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
#ifdef USES_TSAN
    __tsan_destroy_fiber(fiber);
#endif
    current = c.from;
}

}  // namespace

void call_with_stack(std::size_t bytes, void (*body)(void *), void *argument) {
    if (room() >= bytes + reserve) return body(argument);
    const mapped_stack stack{bytes + reserve};
    crossing c{};
    c.body = body;
    c.argument = argument;
    cross_to(stack, c);
    if (c.thrown) std::rethrow_exception(c.thrown);
}

}  // namespace bpftime::vm::compat
