// bpftime-vm: native code for a program, put where it can run
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "generate_code.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <memory>

namespace bpftime::vm::ubpf {

namespace {

error why_no_code(asmjit::Error e) {
    const bool no_memory = e == asmjit::kErrorOutOfMemory;
    return make_error(no_memory ? error_code::out_of_memory : error_code::internal,
                      fmt::format("no native code for this program: {}",
                                  no_memory ? "there is not enough memory to make it in"
                                            : asmjit::DebugUtils::errorAsString(e)));
}

}  // namespace

result<native_code> generate_code(generator &maker, machine_features machine,
                                  const compat::build_input &input, const native_program *program) {
    native_code out;
    if (not maker.generate(input, machine, program, out))
        return std::unexpected{why_no_code(maker.code().error())};
    auto memory = code_memory::allocate(maker.code().bytes().size());
    if (not memory) return std::unexpected{std::move(memory.error())};
    maker.copy_to(memory->writable(), memory->shared_code() - memory->code());
    const std::byte *const code = memory->code();
    clear_instruction_cache({code, memory->size()});
    out.memory = std::move(*memory);
    return out;
}

result<native_code> generate_code(const compat::build_input &input, const native_program *program) {
    static thread_local std::unique_ptr<generator> kept;
    if (kept == nullptr) kept = std::make_unique<generator>();
    generator &maker = *kept;
    static const machine_features host = machine_features::of_host();
    // Large programs are rare, and their tables large.
    constexpr uint32_t often = 1U << 17;
    struct forget_large {
        bool is_large;
        std::unique_ptr<generator> &made;
        ~forget_large() {
            if (is_large) made.reset();
        }
    } const when_done{input.code.size() > often, kept};
    return generate_code(maker, host, input, program);
}

}  // namespace bpftime::vm::ubpf
