// bpftime-vm: the code that native code of all programs shares
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "program/region.hpp"

#include <asmjit/core.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace bpftime::vm::ubpf {

/// The code that every chunk of the arena begins with. Most of it gets something in temp_reg, and
/// the pc or the access_site that it is for where the machine has that: machine.hpp tells.
enum class stub : uint8_t {
    enter,    ///< from the host: (code, state, frame) -> whether the function returned
    end_run,  ///< goes back to whoever entered
    read1,    ///< a check: temp = address + minus_input, site; temp = where the access goes
    read2,
    read4,
    read8,
    write1,
    write2,
    write4,
    write8,
    read_group,  ///< the same for a group of this size; temp is free then
    write_group,
    misaligned,   ///< temp = address, site; ends the run
    refill,       ///< temp = units, pc
    call_direct,  ///< temp = a function of the host
    call_helper,  ///< temp = helper_binding, pc; equal flag: the caller shall return
    call_value,   ///< temp = value, pc
    jump_value,   ///< temp = value, pc; jumped to
    load_packet,  ///< temp = offset, pc; equal flag: the caller shall return
    too_deep,     ///< pc; jumped to, ends the run
    unwind,       ///< jumped to, ends the run
    zero_frame,  ///< temp = size of the frame, a multiple of 16; negative where machine.hpp says so
};
inline constexpr std::size_t stub_count = static_cast<std::size_t>(stub::zero_frame) + 1;

inline constexpr std::array<const char *, stub_count> stub_names{
    "enter",       "end_run",  "read1",       "read2",       "read4",      "read8",
    "write1",      "write2",   "write4",      "write8",      "read_group", "write_group",
    "misaligned",  "refill",   "call_direct", "call_helper", "call_value", "jump_value",
    "load_packet", "too_deep", "unwind",      "zero_frame"};

[[nodiscard]] constexpr const char *name_of(stub which) noexcept {
    return stub_names[std::to_underlying(which)];
}

/// What checks an access of 1, 2, 4 or 8 bytes.
[[nodiscard]] constexpr stub check_stub(uint32_t size, permission wanted) noexcept {
    const stub first = allows_write(wanted) ? stub::write1 : stub::read1;
    return static_cast<stub>(std::to_underlying(first) + std::countr_zero(size));
}

/// What checks a group of accesses.
[[nodiscard]] constexpr stub group_stub(permission wanted) noexcept {
    return allows_write(wanted) ? stub::write_group : stub::read_group;
}

/// Makes all stubs. `Maker` derives from this, and has the code of each.
template <typename Maker, typename Assembler, asmjit::Arch Machine>
class stub_maker {
public:
    [[nodiscard]] const std::vector<std::byte> &bytes() const noexcept { return bytes_; }
    [[nodiscard]] uint32_t offset(stub which) const noexcept {
        return offsets_[std::to_underlying(which)];
    }

protected:
    void make_all() {
        Maker &maker = static_cast<Maker &>(*this);
        maker.make_enter();
        for (unsigned size = 0; size < 4; ++size) maker.make_check(stub::read1, size);
        for (unsigned size = 0; size < 4; ++size) maker.make_check(stub::write1, size);
        maker.make_group_check(stub::read_group);
        maker.make_group_check(stub::write_group);
        maker.make_misaligned();
        maker.make_refill();
        maker.make_call_direct();
        maker.make_call_helper();
        maker.make_call_value();
        maker.make_jump_value();
        maker.make_load_packet();
        maker.make_too_deep();
        maker.make_unwind();
        maker.make_zero_frame();
        code_.flatten();
        code_.resolveUnresolvedLinks();
        const asmjit::CodeBuffer &buffer = code_.textSection()->buffer();
        bytes_.resize(buffer.size());
        std::memcpy(bytes_.data(), buffer.data(), buffer.size());
    }

    void begin(stub which) {
        a_.align(asmjit::AlignMode::kCode, 16);
        offsets_[std::to_underlying(which)] = static_cast<uint32_t>(a_.offset());
    }

private:
    friend Maker;
    stub_maker() {
        code_.init(asmjit::Environment{Machine});
        code_.attach(&a_);
        end_run_ = a_.newLabel();
    }

    asmjit::CodeHolder code_;
    Assembler a_;
    asmjit::Label end_run_;
    std::array<uint32_t, stub_count> offsets_{};
    std::vector<std::byte> bytes_;
};

}  // namespace bpftime::vm::ubpf
