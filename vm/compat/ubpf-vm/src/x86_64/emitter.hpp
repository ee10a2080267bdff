// bpftime-vm: AsmJit's assembler with jumps that we place ourselves
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Programs have a label at each instruction. AsmJit's labels would cost more than the instructions,
// so jumps and calls are written here, and their distances when they are known.
#pragma once

#include "listing.hpp"
#include "machine.hpp"

#include <asmjit/x86.h>

#include <algorithm>
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

class emitter {
public:
    emitter() {
        code_.init(asmjit::Environment{asmjit::Arch::kX64});
        code_.attach(&a_);
    }

    /// Begins new code in the old code's memory.
    void restart() noexcept {
        constexpr std::size_t kept = std::size_t{1} << 20;
        asmjit::CodeBuffer &buffer = code_.textSection()->buffer();
        if (buffer.capacity() > kept) {
            code_.reset();
            code_.init(asmjit::Environment{asmjit::Arch::kX64});
            code_.attach(&a_);
        }
        error_ = asmjit::kErrorOk;
        if (listing_ != nullptr) listing_->clear();
        a_._bufferPtr = a_._bufferData;
        code_.textSection()->buffer()._size = 0;
    }

    [[nodiscard]] uint32_t offset() const noexcept { return static_cast<uint32_t>(a_.offset()); }
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
        return {reinterpret_cast<const std::byte *>(a_.bufferData()), a_.offset()};
    }
    /// The first error of AsmJit; kErrorOk if there is none.
    [[nodiscard]] asmjit::Error error() const noexcept { return error_; }

    /// What is appended from now on is listed, too.
    void list_in(listing *l) noexcept {
        listing_ = l;
        l->set_machine(asmjit::Arch::kX64, jump_target);
    }
    void name_target(const char *name) {
        if (listing_ != nullptr) listing_->name_target(name);
    }

    /// Appends an instruction.
    template <typename... Operands>
    void op(x86::Inst::Id id, const Operands &...operands) {
        if (listing_ != nullptr) {
            const asmjit::Operand_ list[] = {operands..., asmjit::Operand{}};
            listing_->add(offset(), asmjit::BaseInst{id, a_.instOptions()},
                          std::span{list}.first(sizeof...(operands)));
        }
        if (const asmjit::Error e = a_.emit(id, operands...); e != asmjit::kErrorOk) error_ = e;
    }

    /// The same with a lock prefix.
    template <typename... Operands>
    void op_locked(x86::Inst::Id id, const Operands &...operands) {
        a_.lock();
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
    void push_imm(uint32_t value) {
        if (listing_ != nullptr) listing_->add(offset(), "push imm32");
        put({0x68});
        put32(value);
    }
    void mov_imm32(x86::Gp reg, uint32_t value) {
        if (listing_ != nullptr) listing_->add(offset(), "mov reg32, imm32");
        if (reg.id() >= 8) put({0x41});
        put({static_cast<uint8_t>(0xb8 | (reg.id() & 7))});
        put32(value);
    }

    /// The jump goes to `target`. False if that is too far for it.
    [[nodiscard]] bool close(open_jump j, uint32_t target) noexcept {
        uint8_t *const at = a_.bufferData() + j.at;
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

    void align(unsigned to) {
        if (listing_ != nullptr and offset() % to != 0) listing_->add(offset(), "align");
        if (a_.align(asmjit::AlignMode::kCode, to) != asmjit::kErrorOk)
            error_ = asmjit::kErrorTooLarge;
    }

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
        if (listing_ != nullptr) listing_->add_jump(offset(), mnemonic);
    }

    open_jump leave_open(bool is_short) {
        const open_jump j{offset(), is_short};
        if (is_short)
            put({0});
        else
            put32(0);
        return j;
    }

    void put(std::initializer_list<uint8_t> bytes) { put(bytes.begin(), bytes.size()); }
    void put32(uint32_t value) {
        uint8_t bytes[4];
        std::memcpy(bytes, &value, sizeof value);
        put(bytes, sizeof bytes);
    }
    void put(const uint8_t *bytes, std::size_t n) {
        if (a_.remainingSpace() < n) {
            if (const asmjit::Error e = a_.embed(bytes, n); e != asmjit::kErrorOk) error_ = e;
            return;
        }
        std::memcpy(a_._bufferPtr, bytes, n);
        a_._bufferPtr += n;
        // AsmJit counts on it when it makes the buffer larger.
        std::size_t &size = a_._section->buffer()._size;
        size = std::max(size, a_.offset());
    }

    listing *listing_ = nullptr;
    asmjit::CodeHolder code_;
    x86::Assembler a_;
    asmjit::Error error_ = asmjit::kErrorOk;
};

}  // namespace bpftime::vm::ubpf
