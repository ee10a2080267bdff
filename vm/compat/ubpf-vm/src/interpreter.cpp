// bpftime-vm: the interpreter of backend "ubpf"
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "interpreter.hpp"

#include "isa/arithmetic.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

namespace bpftime::vm::ubpf {

namespace {

using compat::fault_kind;
using isa::insn_id;
using isa::operation;
using isa::operation_kind;
using isa::width;

/// An instruction with everything resolved that is known before the run.
struct op {
    insn_id id = insn_id::none;
    uint8_t dst = 0;
    uint8_t src = 0;
    int16_t offset = 0;
    int32_t imm = 0;
    uint32_t target = 0;  ///< where the taken jump or the call goes
    uint32_t weight = 0;  ///< budget units that going there costs; 0: none
    union {
        uint64_t wide = 0;  ///< lddw: the value
        /// call: the helper; legacy packet load: the one that does it, or null
        const compat::helper_binding *helper;
    };
};

struct frame {
    uint32_t return_pc;
    uint32_t may_goto_tries;
    std::array<uint64_t, 4> saved;  // r6 to r9
};

template <width W>
struct uint_of;
template <>
struct uint_of<width::w8> {
    using type = uint8_t;
};
template <>
struct uint_of<width::w16> {
    using type = uint16_t;
};
template <>
struct uint_of<width::w32> {
    using type = uint32_t;
};
template <>
struct uint_of<width::w64> {
    using type = uint64_t;
};
template <width W>
using uint_t = typename uint_of<W>::type;

template <width W>
uint64_t load(uint64_t address) noexcept {
    uint_t<W> value;
    std::memcpy(&value, reinterpret_cast<const void *>(address), sizeof value);
    return value;
}

template <width W>
void store(uint64_t address, uint64_t value) noexcept {
    const auto narrow = static_cast<uint_t<W>>(value);
    std::memcpy(reinterpret_cast<void *>(address), &narrow, sizeof narrow);
}

/// The state of one run. step<Id>() is the meaning of instruction Id.
template <bool Checked>
class machine {
public:
    machine(const program &p, const std::vector<op> &code, compat::run &r, frame *frames)
        : p_{p}, code_{code}, run_{r}, frames_{frames} {}

    bool execute(uint64_t &r0) {
        reg_[1] = run_.input().begin;
        reg_[2] = run_.input().len;
        enter_frame();
        go();
        r0 = reg_[0];
        return not has_fault();
    }

    /// Calls a function for a helper that the instruction at `pc` calls.
    bool call_back(uint32_t pc, uint64_t function, const uint64_t arguments[5], uint64_t &r0) {
        pc_ = pc;
        depth_ = run_.memory().live_frames() - 1;
        std::copy_n(arguments, 5, &reg_[1]);
        if (not call_value(function)) return false;
        outermost_ = depth_;
        go();
        r0 = reg_[0];
        return has_returned_;
    }

private:
    /// Until the outermost function returns, or the run ends.
    void go() {
        for (;;) {
            const op &o = code_[pc_];
            switch (o.id) {
#define INSN(id, ...)                         \
    case insn_id::id:                         \
        if (not step<insn_id::id>(o)) return; \
        break;
#include "isa/instructions.def"
#undef INSN
            case insn_id::none: std::unreachable();
            }
        }
    }

    [[nodiscard]] bool has_fault() const noexcept { return run_.fault().kind != fault_kind::none; }

    bool next(uint32_t slots = 1) noexcept {
        pc_ += slots;
        return true;
    }

    bool fail(fault_kind kind) noexcept { return run_.fail(kind, pc_); }

    static uint64_t imm64(const op &o) noexcept { return static_cast<uint64_t>(int64_t{o.imm}); }

    template <insn_id Id>
    uint64_t operand(const op &o) const noexcept {
        constexpr bool is_imm = isa::info(isa::info(Id).shape).imm == isa::imm_role::value;
        return is_imm ? imm64(o) : reg_[o.src];
    }

    // --- control

    bool jump(const op &o) noexcept { return jump(o.target, o.weight); }

    bool jump(uint32_t target, uint32_t weight) noexcept {
        if (weight != 0) {
            if (const auto why = run_.budget().charge(weight); why != fault_kind::none)
                return fail(why);
        }
        pc_ = target;
        return true;
    }

    void enter_frame() noexcept {
        reg_[isa::frame_pointer] = run_.enter_frame(depth_);
        frames_[depth_].may_goto_tries = vm::may_goto_tries;
    }

    bool call_local(uint32_t target, uint32_t weight) noexcept {
        if (const auto why = run_.budget().charge(weight); why != fault_kind::none)
            return fail(why);
        if (depth_ + 1 == run_.config().call_depth) return fail(fault_kind::call_depth_exceeded);
        frame &caller = frames_[depth_];
        caller.return_pc = pc_ + 1;
        std::copy_n(&reg_[6], 4, caller.saved.begin());
        std::fill_n(&reg_[6], 4, 0);
        reg_[0] = 0;
        ++depth_;
        enter_frame();
        pc_ = target;
        return true;
    }

    /// Back to the caller with r0; false when there is none.
    bool leave() noexcept {
        has_returned_ = depth_ == outermost_;
        if (has_returned_) return false;
        --depth_;
        run_.leave_to_frame(depth_);
        const frame &caller = frames_[depth_];
        std::ranges::copy(caller.saved, &reg_[6]);
        reg_[isa::frame_pointer] = run_.frame_top(depth_);
        clear_arguments();
        pc_ = caller.return_pc;
        return true;
    }

    void clear_arguments() noexcept { std::fill_n(&reg_[1], 5, 0); }

    bool call_helper(const compat::helper_binding &helper) {
        switch (run_.call_helper(pc_, helper, &reg_[1], reg_[0])) {
        case compat::after_call::ends: return false;
        case compat::after_call::returns: return leave();
        case compat::after_call::goes_on: break;
        }
        clear_arguments();
        if (reg_[0] == 0 and run_.config().unwind_helper == helper.declaration().id) {
            run_.unwind();
            return false;
        }
        return next();
    }

    bool call_value(uint64_t value) {
        if (p_.is_callable(value)) {
            const uint32_t target = handle_pc(value);
            return call_local(target, p_.functions()[p_.function_at(target)].weight);
        }
        const auto *const helper = run_.callable_helper(value);
        if (helper != nullptr) return call_helper(*helper);
        return run_.fail({.kind = fault_kind::bad_call_target, .pc = pc_, .address = value});
    }

    bool jump_value(uint64_t value) noexcept {
        const uint32_t target = handle_pc(value);
        if (not is_code_handle(value) or
            not std::ranges::binary_search(p_.jump_targets(), target) or
            p_.function_at(target) != p_.function_at(pc_)) {
            return run_.fail({.kind = fault_kind::bad_jump_target, .pc = pc_, .address = value});
        }
        const bool back = program::is_back_edge(pc_, target);
        return jump(target, back ? p_.loop_weight(target) : 0);
    }

    // --- memory

    bool check(uint64_t address, uint64_t size, permission wanted) noexcept {
        if (not Checked or run_.memory().allows(address, size, wanted)) return true;
        return run_.fail(run_.memory().explain(pc_, address, size, wanted));
    }

    template <width W>
    bool check_atomic(uint64_t address, permission wanted) noexcept {
        if (not check(address, isa::bytes_of(W), wanted)) return false;
        if (not Checked or address % isa::bytes_of(W) == 0) return true;
        auto f = run_.memory().explain(pc_, address, isa::bytes_of(W), wanted);
        f.kind = fault_kind::misaligned_atomic;
        return run_.fail(f);
    }

    template <insn_id Id>
    bool step_load(const op &o) noexcept {
        constexpr width W = isa::info(Id).width;
        const uint64_t address = reg_[o.src] + imm_offset(o);
        if (not check(address, isa::bytes_of(W), permission::read)) return false;
        const uint64_t value = load<W>(address);
        reg_[o.dst] =
            isa::info(Id).operation == operation::load_sx ? isa::sign_extend<W>(value) : value;
        return next();
    }

    template <insn_id Id>
    bool step_store(const op &o) noexcept {
        constexpr width W = isa::info(Id).width;
        const uint64_t address = reg_[o.dst] + imm_offset(o);
        if (not check(address, isa::bytes_of(W), permission::write)) return false;
        store<W>(address, operand<Id>(o));
        return next();
    }

    static uint64_t imm_offset(const op &o) noexcept {
        return static_cast<uint64_t>(int64_t{o.offset});
    }

    template <insn_id Id>
    bool step_atomic(const op &o) noexcept {
        constexpr operation Op = isa::info(Id).operation;
        constexpr width W = isa::info(Id).width;
        using word = uint_t<W>;
        constexpr bool loads = Op == operation::load_acquire;
        constexpr bool stores = Op == operation::store_release;
        const uint64_t address = reg_[loads ? o.src : o.dst] + imm_offset(o);
        constexpr permission wanted = loads    ? permission::read
                                      : stores ? permission::write
                                               : permission::read_write;
        if (not check_atomic<W>(address, wanted)) return false;
        auto *const at = reinterpret_cast<word *>(address);
        const auto value = static_cast<word>(reg_[o.src]);
        // Orders as the kernel's: operations that fetch are full barriers, the others order
        // nothing.
        if constexpr (loads)
            reg_[o.dst] = __atomic_load_n(at, __ATOMIC_ACQUIRE);
        else if constexpr (stores)
            __atomic_store_n(at, value, __ATOMIC_RELEASE);
        else if constexpr (Op == operation::atomic_add)
            __atomic_fetch_add(at, value, __ATOMIC_RELAXED);
        else if constexpr (Op == operation::atomic_or)
            __atomic_fetch_or(at, value, __ATOMIC_RELAXED);
        else if constexpr (Op == operation::atomic_and)
            __atomic_fetch_and(at, value, __ATOMIC_RELAXED);
        else if constexpr (Op == operation::atomic_xor)
            __atomic_fetch_xor(at, value, __ATOMIC_RELAXED);
        else if constexpr (Op == operation::atomic_fetch_add)
            reg_[o.src] = __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);
        else if constexpr (Op == operation::atomic_fetch_or)
            reg_[o.src] = __atomic_fetch_or(at, value, __ATOMIC_SEQ_CST);
        else if constexpr (Op == operation::atomic_fetch_and)
            reg_[o.src] = __atomic_fetch_and(at, value, __ATOMIC_SEQ_CST);
        else if constexpr (Op == operation::atomic_fetch_xor)
            reg_[o.src] = __atomic_fetch_xor(at, value, __ATOMIC_SEQ_CST);
        else if constexpr (Op == operation::atomic_xchg)
            reg_[o.src] = __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);
        else {
            static_assert(Op == operation::atomic_cmpxchg);
            auto expected = static_cast<word>(reg_[0]);
            __atomic_compare_exchange_n(at, &expected, value, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST);
            reg_[0] = expected;
        }
        return next();
    }

    /// Legacy packet access: big-endian data of the input memory, or what a helper gives; out of
    /// range ends the function with r0 = 0.
    template <insn_id Id>
    bool step_packet(const op &o) {
        constexpr width W = isa::info(Id).width;
        constexpr bool indirect = isa::info(Id).shape == isa::shape::packet_ind;
        const auto offset = static_cast<int32_t>(
            (indirect ? static_cast<uint32_t>(reg_[o.src]) : 0) + static_cast<uint32_t>(o.imm));
        if (o.helper != nullptr) return call_packet_load(*o.helper, offset, isa::bytes_of(W));
        const compat::memory_span &packet = run_.input();
        const uint64_t address = packet.begin + static_cast<uint64_t>(int64_t{offset});
        if (offset < 0 or not packet.holds(address, isa::bytes_of(W))) {
            reg_[0] = 0;
            return leave();
        }
        reg_[0] = isa::swap_bytes<W>(load<W>(address));
        clear_arguments();
        return next();
    }

    bool call_packet_load(const compat::helper_binding &helper, int32_t offset, uint64_t bytes) {
        clear_arguments();
        reg_[1] = static_cast<uint64_t>(int64_t{offset});
        reg_[2] = bytes;
        if (run_.call_helper(pc_, helper, &reg_[1], reg_[0]) == compat::after_call::ends)
            return false;
        if (static_cast<int64_t>(reg_[0]) < 0) {
            reg_[0] = 0;
            return leave();
        }
        clear_arguments();
        return next();
    }

    // --- meaning

    template <insn_id Id>
    [[gnu::always_inline]] bool step(const op &o) {
        constexpr operation Op = isa::info(Id).operation;
        constexpr operation_kind kind = isa::kind_of(Id);
        constexpr width W = isa::info(Id).width;
        if constexpr (kind == operation_kind::alu) {
            reg_[o.dst] = isa::alu<Op, W>(reg_[o.dst], operand<Id>(o));
            return next();
        } else if constexpr (Op == operation::addr_space_cast or Op == operation::call_kfunc) {
            std::unreachable();  // linkage refuses programs that reach these
        } else if constexpr (kind == operation_kind::convert) {
            constexpr bool unary = isa::info(isa::info(Id).shape).src == isa::register_role::none;
            reg_[o.dst] = isa::convert<Op, W>(reg_[unary ? o.dst : o.src]);
            return next();
        } else if constexpr (Op == operation::may_goto) {
            uint32_t &tries = frames_[depth_].may_goto_tries;
            if (tries == 0) return jump(o);
            --tries;
            return next();
        } else if constexpr (kind == operation_kind::branch) {
            return isa::is_taken<Op, W>(reg_[o.dst], operand<Id>(o)) ? jump(o) : next();
        } else if constexpr (Op == operation::ja) {
            return jump(o);
        } else if constexpr (Op == operation::gotox) {
            return jump_value(reg_[o.dst]);
        } else if constexpr (Op == operation::call_helper) {
            return call_helper(*o.helper);
        } else if constexpr (Op == operation::call_local) {
            return call_local(o.target, o.weight);
        } else if constexpr (Op == operation::callx) {
            return call_value(reg_[o.dst]);
        } else if constexpr (kind == operation_kind::exit) {
            return leave();
        } else if constexpr (kind == operation_kind::load) {
            return step_load<Id>(o);
        } else if constexpr (kind == operation_kind::store) {
            return step_store<Id>(o);
        } else if constexpr (kind == operation_kind::atomic) {
            return step_atomic<Id>(o);
        } else if constexpr (kind == operation_kind::packet) {
            return step_packet<Id>(o);
        } else {
            static_assert(kind == operation_kind::wide, "an instruction without meaning");
            reg_[o.dst] = o.wide;
            return next(2);
        }
    }

    const program &p_;
    const std::vector<op> &code_;
    compat::run &run_;
    uint32_t pc_ = 0;
    uint32_t depth_ = 0;
    uint32_t outermost_ = 0;  ///< depth of the function that returns to the host
    bool has_returned_ = false;
    std::array<uint64_t, isa::register_count> reg_{};
    frame *frames_;
};

class interpreter final : public compat::executable {
public:
    explicit interpreter(const compat::build_input &input) : p_{input.code} {
        code_.reserve(p_.size());
        for (uint32_t pc = 0; pc < p_.size(); ++pc) code_.push_back(decode(pc, input.linked));
    }

    bool execute(compat::run &r, uint64_t &r0) const override {
        std::array<frame, EBPF_MOST_CALL_DEPTH> frames;  // filled when entered
        r.set_engine_state(frames.data());
        return r.config().bounds_checks ? machine<true>{p_, code_, r, frames.data()}.execute(r0)
                                        : machine<false>{p_, code_, r, frames.data()}.execute(r0);
    }

    bool call_back(compat::run &r, uint32_t pc, uint64_t function, const uint64_t arguments[5],
                   uint64_t &r0) const override {
        auto *const frames = static_cast<frame *>(r.engine_state());
        const auto call = [&](auto &&m) { return m.call_back(pc, function, arguments, r0); };
        return r.config().bounds_checks ? call(machine<true>{p_, code_, r, frames})
                                        : call(machine<false>{p_, code_, r, frames});
    }

private:
    op decode(uint32_t pc, const compat::linkage &linked) const {
        const isa::instruction &i = p_.insn(pc);
        op o;
        o.id = i.id;
        o.dst = i.dst;
        o.src = i.src;
        o.offset = i.offset;
        o.imm = i.imm;
        if (i.id == insn_id::none) return o;
        const isa::shape_info &form = isa::info(isa::info(i.id).shape);
        if (form.offset == isa::offset_role::jump or form.imm == isa::imm_role::jump) {
            o.target = p_.jump_target(pc);
            o.weight = program::is_back_edge(pc, o.target) ? p_.loop_weight(o.target) : 0;
        } else if (i.id == insn_id::call_local) {
            o.target = p_.callee_pc(pc);
            o.weight = p_.functions()[p_.function_at(o.target)].weight;
        } else if (i.id == insn_id::callx_imm) {
            o.dst = static_cast<uint8_t>(i.imm);
        } else if (i.id == insn_id::call) {
            o.helper = linked.helper(static_cast<uint32_t>(i.imm));
        } else if (isa::kind_of(i.id) == operation_kind::packet) {
            o.helper = linked.helper(EBPF_PACKET_LOAD_HELPER);
        } else if (isa::is_wide(i.id)) {
            o.wide = linked.lddw_value(p_, pc);
        }
        return o;
    }

    const program &p_;
    std::vector<op> code_;
};

}  // namespace

std::unique_ptr<const compat::executable> make_interpreter(const compat::build_input &input) {
    return std::make_unique<interpreter>(input);
}

}  // namespace bpftime::vm::ubpf
