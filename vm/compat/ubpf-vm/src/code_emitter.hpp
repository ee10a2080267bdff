// bpftime-vm: AsmJit's assembler without its labels
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Programs have a label at each instruction. AsmJit's labels would cost more than the instructions,
// so jumps and calls are written here, and their distances when they are known.
#pragma once

#include "listing.hpp"

#include <asmjit/core.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

namespace bpftime::vm::ubpf {

/// What emitters of all machines have in common.
template <typename Assembler, asmjit::Arch Machine>
class code_emitter {
public:
    code_emitter() { prepare(); }

    /// Begins new code in the old code's memory.
    void restart() noexcept {
        constexpr std::size_t kept = std::size_t{1} << 20;
        if (code_.textSection()->buffer().capacity() > kept) {
            code_.reset();
            prepare();
        }
        error_ = asmjit::kErrorOk;
        a_.resetInstOptions();
        if (listing_ != nullptr) listing_->clear();
        a_._bufferPtr = a_._bufferData;
        code_.textSection()->buffer()._size = 0;
    }

    [[nodiscard]] uint32_t offset() const noexcept { return static_cast<uint32_t>(a_.offset()); }
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
        return {reinterpret_cast<const std::byte *>(a_.bufferData()), a_.offset()};
    }
    /// The first error of AsmJit; kErrorOk if there is none. Nothing is appended or changed after
    /// it: places in the code that others were told of may not be there.
    [[nodiscard]] asmjit::Error error() const noexcept { return error_; }
    [[nodiscard]] bool has_error() const noexcept { return error_ != asmjit::kErrorOk; }

    void name_target(const char *name) {
        if (listing_ != nullptr) listing_->name_target(name);
    }

    /// Appends an instruction.
    template <typename... Operands>
    void op(asmjit::InstId id, const Operands &...operands) {
        if (has_error()) [[unlikely]]
            return;
        list_op(id, operands...);
        note(a_.emit(id, operands...));
    }

    void align(unsigned to) {
        if (has_error()) return;
        if (listing_ != nullptr and offset() % to != 0) listing_->add(offset(), "align");
        note(a_.align(asmjit::AlignMode::kCode, to));
    }

    /// Data: `count` words.
    void words(uint32_t count, uint32_t value) {
        if (listing_ != nullptr) listing_->add(offset(), "table");
        for (uint32_t i = 0; i < count; ++i) put32(value);
    }
    void set_word(uint32_t at, uint32_t value) noexcept {
        if (uint8_t *const place = written(at, sizeof value))
            std::memcpy(place, &value, sizeof value);
    }

protected:
    /// What is appended from now on is listed, too.
    void list_in(listing *l, listing::jump_target_function jump_target) noexcept {
        listing_ = l;
        l->set_machine(Machine, jump_target);
    }

    [[nodiscard]] listing *list() const noexcept { return listing_; }
    [[nodiscard]] Assembler &assembler() noexcept { return a_; }
    /// So many bytes of the code, to be changed; null if they were never written, for an error.
    [[nodiscard]] uint8_t *written(uint32_t at, uint32_t bytes) noexcept {
        return has_error() or uint64_t{at} + bytes > a_.offset() ? nullptr : a_.bufferData() + at;
    }

    template <typename... Operands>
    void list_op(asmjit::InstId id, const Operands &...operands) {
        if (listing_ == nullptr) return;
        const asmjit::Operand_ list[] = {operands..., asmjit::Operand{}};
        listing_->add(offset(), asmjit::BaseInst{id, a_.instOptions()},
                      std::span{list}.first(sizeof...(operands)));
    }

    /// Where an instruction of up to 16 bytes is to be written; end_insn() tells how far it was.
    [[nodiscard]] uint8_t *begin_insn() {
        constexpr std::size_t most = 16;
        if (a_.remainingSpace() < most) [[unlikely]] {
            static constexpr uint8_t nothing[most] = {};
            const uint32_t at = offset();
            put(nothing, most);  // makes the buffer larger
            if (has_error()) return no_space_;
            a_._bufferPtr = a_._bufferData + at;
        }
        return a_._bufferPtr;
    }
    void end_insn(uint8_t *end) noexcept {
        if (has_error()) [[unlikely]]
            return;
        a_._bufferPtr = end;
        note_size();
    }

    void put(const uint8_t *bytes, std::size_t n) {
        if (has_error()) [[unlikely]]
            return;
        if (a_.remainingSpace() < n) {
            note(a_.embed(bytes, n));
            return;
        }
        std::memcpy(a_._bufferPtr, bytes, n);
        a_._bufferPtr += n;
        note_size();
    }
    void put32(uint32_t value) {
        uint8_t bytes[4];
        std::memcpy(bytes, &value, sizeof value);
        put(bytes, sizeof bytes);
    }

private:
    void note(asmjit::Error e) noexcept {
        if (e != asmjit::kErrorOk) error_ = e;
    }
    /// AsmJit counts on it when it makes the buffer larger.
    void note_size() noexcept {
        std::size_t &size = a_._section->buffer()._size;
        size = std::max(size, a_.offset());
    }

    void prepare() noexcept {
        code_.init(asmjit::Environment{Machine});
        code_.attach(&a_);
    }

    listing *listing_ = nullptr;
    asmjit::CodeHolder code_;
    Assembler a_;
    asmjit::Error error_ = asmjit::kErrorOk;
    uint8_t no_space_[16] = {};  ///< where instructions go after an error
};

}  // namespace bpftime::vm::ubpf
