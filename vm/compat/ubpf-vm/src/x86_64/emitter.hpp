// bpftime-vm: AsmJit's assembler with jumps that we place ourselves
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "code_emitter.hpp"
#include "machine.hpp"

#include <asmjit/x86.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>

namespace bpftime::vm::ubpf {

/// A condition of jcc; its low bit negates it.
enum class condition : uint8_t {
    below = 2,
    not_below = 3,
    equal = 4,
    not_equal = 5,
    not_above = 6,
    above = 7,
    sign = 8,
    less = 12,
    not_less = 13,
    not_greater = 14,
    greater = 15,
};
[[nodiscard]] constexpr condition opposite(condition c) noexcept {
    return static_cast<condition>(static_cast<uint8_t>(c) ^ 1);
}

/// A distance in the code that is not known yet.
struct open_jump {
    uint32_t at;    ///< where the distance is; it counts from behind it
    bool is_short;  ///< one byte, else four
};

class emitter : public code_emitter<x86::Assembler, asmjit::Arch::kX64> {
public:
    emitter() { assembler().addEncodingOptions(asmjit::EncodingOptions::kOptimizedAlign); }

    /// What is appended from now on is listed, too.
    void list_in(listing *l) noexcept { code_emitter::list_in(l, jump_target); }

    /// Appends an instruction with a lock prefix.
    template <typename... Operands>
    void op_locked(x86::Inst::Id id, const Operands &...operands) {
        assembler().lock();
        op(id, operands...);
    }

    // --- jumps

    void jump_back(uint32_t target) {
        const int64_t distance = int64_t{target} - (int64_t{offset()} + 2);
        list_jump("jmp");
        if (distance >= -128) {
            put({0xeb, static_cast<uint8_t>(distance)});
        } else {
            put({0xe9});
            put32(static_cast<uint32_t>(distance - 3));
        }
    }
    void jump_back_if(condition c, uint32_t target) {
        const int64_t distance = int64_t{target} - (int64_t{offset()} + 2);
        list_jump(name_of(c));
        if (distance >= -128) {
            put({short_jcc(c), static_cast<uint8_t>(distance)});
        } else {
            put({0x0f, long_jcc(c)});
            put32(static_cast<uint32_t>(distance - 4));
        }
    }
    [[nodiscard]] open_jump jump(bool is_short) {
        list_jump("jmp");
        put({static_cast<uint8_t>(is_short ? 0xeb : 0xe9)});
        return leave_open(is_short);
    }
    [[nodiscard]] open_jump jump_if(condition c, bool is_short) {
        list_jump(name_of(c));
        if (is_short)
            put({short_jcc(c)});
        else
            put({0x0f, long_jcc(c)});
        return leave_open(is_short);
    }
    /// A call; with distance 0 until it is closed.
    [[nodiscard]] open_jump call() {
        list_jump("call");
        put({0xe8});
        return leave_open(false);
    }
    /// r11 = the address of what it is closed with.
    [[nodiscard]] open_jump lea_r11() {
        list_jump("lea r11,");
        put({0x4c, 0x8d, 0x1d});
        return leave_open(false);
    }
    void push_imm(uint32_t value) {
        if (list() != nullptr) list()->add(offset(), "push imm32");
        put({0x68});
        put32(value);
    }
    void mov_imm32(x86::Gp reg, uint32_t value) {
        if (list() != nullptr) list()->add(offset(), "mov reg32, imm32");
        if (reg.id() >= 8) put({0x41});
        put({static_cast<uint8_t>(0xb8 | (reg.id() & 7))});
        put32(value);
    }

    /// The jump goes to `target`. False if that is too far for it.
    [[nodiscard]] bool close(open_jump j, uint32_t target) noexcept {
        uint8_t *const at = data() + j.at;
        if (j.is_short) {
            const int64_t distance = int64_t{target} - (int64_t{j.at} + 1);
            *at = static_cast<uint8_t>(distance);
            return distance == static_cast<int8_t>(distance);
        }
        const uint32_t distance = target - (j.at + 4);
        std::memcpy(at, &distance, sizeof distance);
        return true;
    }
    /// The jump comes here.
    [[nodiscard]] bool close(open_jump j) noexcept { return close(j, offset()); }

private:
    static int64_t jump_target(std::span<const std::byte> bytes, uint32_t end) {
        if (bytes.size() == 2) return end + int64_t{static_cast<int8_t>(bytes[1])};
        int32_t distance = 0;
        std::memcpy(&distance, bytes.last(4).data(), sizeof distance);
        return end + int64_t{distance};
    }

    static constexpr uint8_t short_jcc(condition c) noexcept {
        return static_cast<uint8_t>(0x70 | static_cast<uint8_t>(c));
    }
    static constexpr uint8_t long_jcc(condition c) noexcept {
        return static_cast<uint8_t>(0x80 | static_cast<uint8_t>(c));
    }

    static constexpr const char *name_of(condition c) noexcept {
        constexpr std::array<const char *, 16> names{"jo",  "jno", "jb",  "jae", "je", "jne",
                                                     "jbe", "ja",  "js",  "jns", "jp", "jnp",
                                                     "jl",  "jge", "jle", "jg"};
        return names[static_cast<std::size_t>(c)];
    }
    void list_jump(const char *mnemonic) {
        if (list() != nullptr) list()->add_jump(offset(), mnemonic);
    }

    open_jump leave_open(bool is_short) {
        const open_jump j{offset(), is_short};
        if (is_short)
            put({0});
        else
            put32(0);
        return j;
    }

    using code_emitter::put;
    void put(std::initializer_list<uint8_t> bytes) { put(bytes.begin(), bytes.size()); }
};

}  // namespace bpftime::vm::ubpf
