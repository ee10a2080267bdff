// bpftime-vm: the interpreter of backend "ubpf"
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Each instruction is an op whose first word is the address of the code that is its meaning; that
// code ends by jumping to the code of the next op. Where the compiler knows no addresses of labels,
// the first word is a number, and a switch does the same.
#include "interpreter.hpp"

#include "isa/arithmetic.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#if defined(__GNUC__) && !defined(BPFTIME_VM_SWITCH_DISPATCH)
#define DISPATCHES_BY_ADDRESS
#endif

namespace bpftime::vm::ubpf {

namespace {

using compat::fault_kind;
using isa::insn_id;
using isa::operation;
using isa::operation_kind;
using isa::width;

// A row of fusions.def is called by the line it stands in.
#define FUSION_NAME_OF(prefix, line) prefix##line
#define FUSION_NAME_IN(prefix, line) FUSION_NAME_OF(prefix, line)
#define FUSION_NAME(prefix) FUSION_NAME_IN(prefix, __LINE__)

/// What an op can be: an instruction, the same as a jump backwards, which is charged, or the first
/// of several that are done at once.
enum class op_code : uint16_t {
#define INSN(id, ...) id,
#include "isa/instructions.def"
#undef INSN
#define INSN(id, ...) back_##id,
#include "isa/instructions.def"
#undef INSN
#define FUSION(...) FUSION_NAME(fused_),
#include "fusions.def"
#undef FUSION
};

constexpr op_code plain(insn_id id) noexcept { return static_cast<op_code>(id); }
constexpr op_code backwards(insn_id id) noexcept {
    return static_cast<op_code>(static_cast<unsigned>(id) + isa::insn_count);
}

/// An instruction in a sequence that is done at once.
struct part {
    insn_id id;
    bool on;    ///< on the result of the one before it
    bool back;  ///< a jump backwards
};

#define PLAIN(id) \
    part { insn_id::id, false, false }
#define ON(id) \
    part { insn_id::id, true, false }
#define BACK(id) \
    part { insn_id::id, false, true }
#define ON_BACK(id) \
    part { insn_id::id, true, true }

struct fusion {
    op_code code;
    std::array<part, 4> parts;
    std::size_t count;
};

template <part... Parts>
constexpr fusion make_fusion(op_code code) noexcept {
    return {code, {Parts...}, sizeof...(Parts)};
}

constexpr auto fusions = std::to_array<fusion>({
#define FUSION(...) make_fusion<__VA_ARGS__>(op_code::FUSION_NAME(fused_)),
#include "fusions.def"
#undef FUSION
});

/// Where in `fusions` the rows that begin with an instruction are, in order: from first[id] on,
/// then next[row]; the number of rows ends the list.
struct fusion_index {
    std::array<uint8_t, isa::insn_count> first;
    std::array<uint8_t, fusions.size()> next;
};
static_assert(fusions.size() < std::numeric_limits<uint8_t>::max());

constexpr fusion_index index_fusions() noexcept {
    fusion_index index{};
    index.first.fill(fusions.size());
    for (std::size_t row = fusions.size(); row-- > 0;) {
        uint8_t &first = index.first[static_cast<std::size_t>(fusions[row].parts[0].id)];
        index.next[row] = std::exchange(first, static_cast<uint8_t>(row));
    }
    return index;
}
constexpr fusion_index indexed_fusions = index_fusions();

/// An instruction with everything resolved that is known before the run. Op i is slot i.
struct op {
    union {
        const void *handler = nullptr;  ///< the code that is its meaning
        uintptr_t number;               ///< the same as an op_code
        uint64_t wide;                  ///< second slot of lddw: the value
    };
    union {
        struct {
            uint8_t dst;
            uint8_t src;
            int16_t offset;  ///< of memory; of jumps that compare, in ops
        };
        uint32_t weight = 0;  ///< calls of functions: what they cost
    };
    union {
        int32_t imm = 0;
        uint32_t target;  ///< calls of functions and other jumps: where they go; helpers: which
    };
};
static_assert(sizeof(op) == 16);

struct frame {
    const op *return_to;
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

/// Memory that most accesses go to: whether one is inside takes a single comparison.
class near_span {
public:
    void set(const compat::memory_span &span) noexcept {
        begin_ = span.begin;
        for (std::size_t i = 0; i < starts_.size(); ++i) {
            const uint64_t size = uint64_t{1} << i;
            starts_[i] = span.len < size ? 0 : span.len - size + 1;
        }
    }
    template <width W>
    [[nodiscard]] bool holds(uint64_t address) const noexcept {
        return address - begin_ < starts_[std::countr_zero(isa::bytes_of(W))];
    }

private:
    uint64_t begin_ = 0;
    std::array<uint64_t, 4> starts_{};  ///< in how many places an access of 1, 2, 4, 8 bytes begins
};

/// The program as ops, and what they refer to.
struct op_list {
    const program &source;
    std::vector<op> ops;
    std::vector<const compat::helper_binding *> helpers;
    const compat::helper_binding *packet_helper;  ///< does legacy packet loads; null: nobody
};

/// The state of one run. step<Id>() is the meaning of instruction Id.
template <bool Checked>
class machine {
public:
    machine(const op_list &code, compat::run &r, frame *frames)
        : code_{code}, run_{r}, frames_{frames} {
        // One by one: cleared as a whole, they would be cleared by an instruction that is slow to
        // start.
        [this]<std::size_t... I>(std::index_sequence<I...>) {
            ((reg_[I] = 0), ...);
        }(std::make_index_sequence<isa::register_count>{});
        input_.set(run_.input());
    }

    bool execute(uint64_t &r0) {
        reg_[1] = run_.input().begin;
        reg_[2] = run_.input().len;
        enter_frame();
        go(code_.ops.data());
        r0 = reg_[0];
        return not has_fault();
    }

    /// Calls a function for a helper that the instruction at `pc` calls.
    bool call_back(uint32_t pc, uint64_t function, const uint64_t arguments[5], uint64_t &r0) {
        depth_ = run_.memory().live_frames() - 1;
        std::copy_n(arguments, 5, &reg_[1]);
        const op *const ip = call_value(&code_.ops[pc], function);
        if (ip == nullptr) return false;
        outermost_ = depth_;
        go(ip);
        r0 = reg_[0];
        return has_returned_;
    }

    /// What op::handler of each op_code is.
    static const void *const *handlers() {
#ifdef DISPATCHES_BY_ADDRESS
        return dispatch(nullptr, nullptr);
#else
        return nullptr;
#endif
    }

private:
    void go(const op *ip) { dispatch(this, ip); }

    /// Runs from `ip` on until the outermost function returns, or the run ends. Without a machine:
    /// only tells the handlers.
    static const void *const *dispatch(machine *m, const op *ip) {
#ifdef DISPATCHES_BY_ADDRESS
        static constexpr const void *const table[] = {
#define INSN(id, ...) &&do_##id,
#include "isa/instructions.def"
#undef INSN
#define INSN(id, ...) &&do_back_##id,
#include "isa/instructions.def"
#undef INSN
#define FUSION(...) &&FUSION_NAME(do_fused_),
#include "fusions.def"
#undef FUSION
        };
        if (m == nullptr) return table;
        goto * ip->handler;
#define INSN(id, ...)                                 \
    do_##id : ip = m->template step<insn_id::id>(ip); \
    if (ip == nullptr) return nullptr;                \
    goto * ip->handler;
#include "isa/instructions.def"
#undef INSN
#define INSN(id, ...)                                            \
    do_back_##id : ip = m->template step<insn_id::id, true>(ip); \
    if (ip == nullptr) return nullptr;                           \
    goto * ip->handler;
#include "isa/instructions.def"
#undef INSN
#define FUSION(...)                                                   \
    FUSION_NAME(do_fused_) : ip = m->template fused<__VA_ARGS__>(ip); \
    if (ip == nullptr) return nullptr;                                \
    goto * ip->handler;
#include "fusions.def"
#undef FUSION
#else
        while (ip != nullptr) {
            switch (static_cast<op_code>(ip->number)) {
#define INSN(id, ...) \
    case op_code::id: ip = m->template step<insn_id::id>(ip); break;
#include "isa/instructions.def"
#undef INSN
#define INSN(id, ...) \
    case op_code::back_##id: ip = m->template step<insn_id::id, true>(ip); break;
#include "isa/instructions.def"
#undef INSN
#define FUSION(...) \
    case op_code::FUSION_NAME(fused_): ip = m->template fused<__VA_ARGS__>(ip); break;
#include "fusions.def"
#undef FUSION
            }
        }
        return nullptr;
#endif
    }

    [[nodiscard]] bool has_fault() const noexcept { return run_.fault().kind != fault_kind::none; }

    [[nodiscard]] uint32_t pc_of(const op *ip) const noexcept {
        return static_cast<uint32_t>(ip - code_.ops.data());
    }

    [[gnu::noinline, gnu::cold]] const op *fail(fault_kind kind, const op *ip) noexcept {
        return fail({.kind = kind, .pc = pc_of(ip)});
    }
    const op *fail(const compat::fault &f) noexcept {
        run_.fail(f);
        return nullptr;
    }

    static uint64_t imm64(const op &o) noexcept { return static_cast<uint64_t>(int64_t{o.imm}); }

    template <insn_id Id>
    [[gnu::always_inline]] uint64_t operand(const op &o) const noexcept {
        constexpr bool is_imm = isa::info(isa::info(Id).shape).imm == isa::imm_role::value;
        return is_imm ? imm64(o) : reg_[o.src];
    }

    /// What the instruction makes of `first`, the value of the register that it changes.
    template <insn_id Id>
    [[gnu::always_inline]] uint64_t alu(const op &o, uint64_t first) const noexcept {
        return isa::alu<isa::info(Id).operation, isa::info(Id).width>(first, operand<Id>(o));
    }
    template <insn_id Id>
    [[gnu::always_inline]] bool is_taken(const op &o, uint64_t first) const noexcept {
        return isa::is_taken<isa::info(Id).operation, isa::info(Id).width>(first, operand<Id>(o));
    }

    // --- control

    /// To `to`, if the budget pays `weight`.
    [[gnu::always_inline]] const op *go_for(uint32_t weight, const op *ip, const op *to) noexcept {
        const auto why = run_.budget().charge(weight);
        return why == fault_kind::none ? to : fail(why, ip);
    }

    template <bool Back>
    [[gnu::always_inline]] const op *jump(const op *ip, const op *to) noexcept {
        return Back ? go_for(loop_weights_[pc_of(to)], ip, to) : to;
    }

    template <insn_id Id, bool Back>
    [[gnu::always_inline]] const op *jump(const op *ip) noexcept {
        constexpr bool is_far = isa::kind_of(Id) != operation_kind::branch;
        return jump<Back>(ip, is_far ? code_.ops.data() + ip->target : ip + 1 + ip->offset);
    }

    void enter_frame() noexcept {
        reg_[isa::frame_pointer] = run_.enter_frame(depth_);
        frames_[depth_].may_goto_tries = vm::may_goto_tries;
        frame_.set(run_.stack().frame(depth_));
    }

    const op *call_local(const op *ip, uint32_t target, uint32_t weight) noexcept {
        const op *const to = go_for(weight, ip, &code_.ops[target]);
        if (to == nullptr) return nullptr;
        if (depth_ + 1 == run_.config().call_depth)
            return fail(fault_kind::call_depth_exceeded, ip);
        frame &caller = frames_[depth_];
        caller.return_to = ip + 1;
        std::copy_n(&reg_[6], 4, caller.saved.begin());
        std::fill_n(&reg_[6], 4, 0);
        reg_[0] = 0;
        ++depth_;
        enter_frame();
        return to;
    }

    /// Back to the caller with r0; null when there is none.
    const op *leave() noexcept {
        has_returned_ = depth_ == outermost_;
        if (has_returned_) return nullptr;
        --depth_;
        run_.leave_to_frame(depth_);
        const frame &caller = frames_[depth_];
        std::ranges::copy(caller.saved, &reg_[6]);
        reg_[isa::frame_pointer] = run_.frame_top(depth_);
        frame_.set(run_.stack().frame(depth_));
        clear_arguments();
        return caller.return_to;
    }

    void clear_arguments() noexcept { std::fill_n(&reg_[1], 5, 0); }

    const op *call_helper(const op *ip, const compat::helper_binding &helper) {
        switch (run_.call_helper(pc_of(ip), helper, &reg_[1], reg_[0])) {
        case compat::after_call::ends: return nullptr;
        case compat::after_call::returns: return leave();
        case compat::after_call::goes_on: break;
        }
        clear_arguments();
        if (reg_[0] == 0 and run_.config().unwind_helper == helper.declaration().id) {
            run_.unwind();
            return nullptr;
        }
        return ip + 1;
    }

    [[gnu::noinline]] const op *call_value(const op *ip, uint64_t value) {
        const program &p = code_.source;
        if (p.is_callable(value)) {
            const uint32_t target = handle_pc(value);
            return call_local(ip, target, p.functions()[p.function_at(target)].weight);
        }
        const auto *const helper = run_.callable_helper(value);
        if (helper != nullptr) return call_helper(ip, *helper);
        return fail({.kind = fault_kind::bad_call_target, .pc = pc_of(ip), .address = value});
    }

    [[gnu::noinline]] const op *jump_value(const op *ip, uint64_t value) noexcept {
        const program &p = code_.source;
        const uint32_t pc = pc_of(ip);
        const uint32_t target = handle_pc(value);
        if (not is_code_handle(value) or not std::ranges::binary_search(p.jump_targets(), target) or
            p.function_at(target) != p.function_at(pc)) {
            return fail({.kind = fault_kind::bad_jump_target, .pc = pc, .address = value});
        }
        const op *const to = &code_.ops[target];
        return program::is_back_edge(pc, target) ? jump<true>(ip, to) : jump<false>(ip, to);
    }

    // --- memory

    /// Where an access goes that begins at `address` for the program; `address` becomes 0 on a
    /// fault.
    template <width W>
    [[gnu::always_inline]] bool check(const op *ip, uint64_t &address, permission wanted) noexcept {
        if (not Checked or frame_.holds<W>(address) or input_.holds<W>(address)) return true;
        address = check_far(ip, address, isa::bytes_of(W), wanted);
        return address != 0;
    }

    [[gnu::noinline]] uint64_t check_far(const op *ip, uint64_t address, uint64_t size,
                                         permission wanted) noexcept {
        return run_.place_of_access(pc_of(ip), address, size, wanted);
    }

    template <width W>
    [[gnu::always_inline]] bool check_atomic(const op *ip, uint64_t &address,
                                             permission wanted) noexcept {
        const uint64_t meant = address;
        if (not check<W>(ip, address, wanted)) return false;
        return not Checked or meant % isa::bytes_of(W) == 0 or
               fail_misaligned(ip, meant, isa::bytes_of(W), wanted);
    }

    [[gnu::noinline, gnu::cold]] bool fail_misaligned(const op *ip, uint64_t address, uint64_t size,
                                                      permission wanted) noexcept {
        auto f = run_.memory().explain(pc_of(ip), address, size, wanted);
        f.kind = fault_kind::misaligned_atomic;
        return run_.fail(f);
    }

    static uint64_t imm_offset(const op &o) noexcept {
        return static_cast<uint64_t>(int64_t{o.offset});
    }

    template <insn_id Id>
    [[gnu::always_inline]] const op *step_load(const op *ip, uint64_t base) noexcept {
        constexpr width W = isa::info(Id).width;
        const op &o = *ip;
        uint64_t address = base + imm_offset(o);
        if (not check<W>(ip, address, permission::read)) return nullptr;
        const uint64_t value = load<W>(address);
        reg_[o.dst] =
            isa::info(Id).operation == operation::load_sx ? isa::sign_extend<W>(value) : value;
        return ip + 1;
    }

    template <insn_id Id>
    [[gnu::always_inline]] const op *step_store(const op *ip) noexcept {
        constexpr width W = isa::info(Id).width;
        const op &o = *ip;
        uint64_t address = reg_[o.dst] + imm_offset(o);
        if (not check<W>(ip, address, permission::write)) return nullptr;
        store<W>(address, operand<Id>(o));
        return ip + 1;
    }

    template <insn_id Id>
    [[gnu::always_inline]] const op *step_atomic(const op *ip) noexcept {
        constexpr operation Op = isa::info(Id).operation;
        constexpr width W = isa::info(Id).width;
        using word = uint_t<W>;
        constexpr bool loads = Op == operation::load_acquire;
        constexpr bool stores = Op == operation::store_release;
        const op &o = *ip;
        uint64_t address = reg_[loads ? o.src : o.dst] + imm_offset(o);
        constexpr permission wanted = loads    ? permission::read
                                      : stores ? permission::write
                                               : permission::read_write;
        if (not check_atomic<W>(ip, address, wanted)) return nullptr;
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
        return ip + 1;
    }

    /// Legacy packet access: big-endian data of the input memory, or what a helper gives; out of
    /// range ends the function with r0 = 0.
    template <insn_id Id>
    const op *step_packet(const op *ip) {
        constexpr width W = isa::info(Id).width;
        constexpr bool indirect = isa::info(Id).shape == isa::shape::packet_ind;
        const op &o = *ip;
        const auto offset = static_cast<int32_t>(
            (indirect ? static_cast<uint32_t>(reg_[o.src]) : 0) + static_cast<uint32_t>(o.imm));
        if (code_.packet_helper != nullptr)
            return call_packet_load(ip, *code_.packet_helper, offset, isa::bytes_of(W));
        const compat::memory_span &packet = run_.input();
        const uint64_t address = packet.begin + static_cast<uint64_t>(int64_t{offset});
        if (offset < 0 or not packet.holds(address, isa::bytes_of(W))) {
            reg_[0] = 0;
            return leave();
        }
        reg_[0] = isa::swap_bytes<W>(load<W>(address));
        clear_arguments();
        return ip + 1;
    }

    const op *call_packet_load(const op *ip, const compat::helper_binding &helper, int32_t offset,
                               uint64_t bytes) {
        clear_arguments();
        reg_[1] = static_cast<uint64_t>(int64_t{offset});
        reg_[2] = bytes;
        if (run_.call_helper(pc_of(ip), helper, &reg_[1], reg_[0]) == compat::after_call::ends)
            return nullptr;
        if (static_cast<int64_t>(reg_[0]) < 0) {
            reg_[0] = 0;
            return leave();
        }
        clear_arguments();
        return ip + 1;
    }

    // --- meaning

    /// What the instruction at `ip` does. Gives where it goes on; null: the run ends.
    template <insn_id Id, bool Back = false>
    [[gnu::always_inline]] const op *step(const op *ip) {
        constexpr operation Op = isa::info(Id).operation;
        constexpr operation_kind kind = isa::kind_of(Id);
        constexpr width W = isa::info(Id).width;
        const op &o = *ip;
        if constexpr (Op == operation::may_goto) {
            uint32_t &tries = frames_[depth_].may_goto_tries;
            if (tries == 0) return jump<Id, Back>(ip);
            --tries;
            return ip + 1;
        } else if constexpr (kind == operation_kind::branch) {
            return is_taken<Id>(o, reg_[o.dst]) ? jump<Id, Back>(ip) : ip + 1;
        } else if constexpr (Op == operation::ja) {
            return jump<Id, Back>(ip);
        } else if constexpr (Back) {
            std::unreachable();  // only jumps go back
        } else if constexpr (kind == operation_kind::alu) {
            reg_[o.dst] = alu<Id>(o, reg_[o.dst]);
            return ip + 1;
        } else if constexpr (Op == operation::call_kfunc) {
            std::unreachable();  // linkage refuses programs that reach one
        } else if constexpr (Op == operation::addr_space_cast) {
            reg_[o.dst] = compat::cast_into_arena(run_.linked().arena()->window, reg_[o.src]);
            return ip + 1;
        } else if constexpr (kind == operation_kind::convert) {
            constexpr bool unary = isa::info(isa::info(Id).shape).src == isa::register_role::none;
            reg_[o.dst] = isa::convert<Op, W>(reg_[unary ? o.dst : o.src]);
            return ip + 1;
        } else if constexpr (Op == operation::gotox) {
            return jump_value(ip, reg_[o.dst]);
        } else if constexpr (Op == operation::call_helper) {
            return call_helper(ip, *code_.helpers[o.target]);
        } else if constexpr (Op == operation::call_local) {
            return call_local(ip, o.target, o.weight);
        } else if constexpr (Op == operation::callx) {
            return call_value(ip, reg_[o.dst]);
        } else if constexpr (kind == operation_kind::exit) {
            return leave();
        } else if constexpr (kind == operation_kind::load) {
            return step_load<Id>(ip, reg_[o.src]);
        } else if constexpr (kind == operation_kind::store) {
            return step_store<Id>(ip);
        } else if constexpr (kind == operation_kind::atomic) {
            return step_atomic<Id>(ip);
        } else if constexpr (kind == operation_kind::packet) {
            return step_packet<Id>(ip);
        } else {
            static_assert(kind == operation_kind::wide, "an instruction without meaning");
            reg_[o.dst] = (&o)[1].wide;
            return ip + 2;
        }
    }

    // --- several instructions at once

    /// What the instructions from `ip` on do.
    template <part P, part... Rest>
    [[gnu::always_inline]] const op *fused(const op *ip) noexcept {
        if constexpr (isa::kind_of(P.id) == operation_kind::alu)
            return fused_on<Rest...>(ip, alu<P.id>(*ip, reg_[ip->dst]));
        else if constexpr (isa::kind_of(P.id) == operation_kind::branch)
            return is_taken<P.id>(*ip, reg_[ip->dst]) ? jump<P.id, P.back>(ip)
                                                      : fused_rest<Rest...>(ip + 1);
        else
            return fused_rest<Rest...>(step<P.id, P.back>(ip));
    }

    template <part... Rest>
    [[gnu::always_inline]] const op *fused_rest(const op *ip) noexcept {
        if constexpr (sizeof...(Rest) == 0)
            return ip;
        else
            return ip == nullptr ? nullptr : fused<Rest...>(ip);
    }

    /// What the instructions behind `ip` do, which gives its register the value `v`.
    template <part... Rest>
    [[gnu::always_inline]] const op *fused_on(const op *ip, uint64_t v) noexcept {
        if constexpr (not is_on<Rest...>()) {
            reg_[ip->dst] = v;
            return fused_rest<Rest...>(ip + 1);
        } else {
            return fused_on_result<Rest...>(ip, v);
        }
    }

    template <part P, part... Rest>
    [[gnu::always_inline]] const op *fused_on_result(const op *ip, uint64_t v) noexcept {
        constexpr operation_kind kind = isa::kind_of(P.id);
        if constexpr (kind == operation_kind::alu) {
            return fused_on<Rest...>(ip + 1, alu<P.id>(ip[1], v));
        } else {
            static_assert(kind == operation_kind::load or kind == operation_kind::branch);
            reg_[ip->dst] = v;
            if constexpr (kind == operation_kind::load)
                return fused_rest<Rest...>(step_load<P.id>(ip + 1, v));
            else
                return is_taken<P.id>(ip[1], v) ? jump<P.id, P.back>(ip + 1)
                                                : fused_rest<Rest...>(ip + 2);
        }
    }

    template <part... Rest>
    static constexpr bool is_on() noexcept {
        if constexpr (sizeof...(Rest) == 0)
            return false;
        else
            return std::array{Rest...}.front().on;
    }

    const op_list &code_;
    const uint32_t *const loop_weights_ = code_.source.loop_weights().data();
    compat::run &run_;
    std::array<uint64_t, isa::register_count> reg_;
    near_span frame_;  ///< of the running function
    near_span input_;
    uint32_t depth_ = 0;
    uint32_t outermost_ = 0;  ///< depth of the function that returns to the host
    bool has_returned_ = false;
    frame *frames_;
};

class interpreter final : public compat::executable {
public:
    explicit interpreter(const compat::build_input &input)
        : code_{input.code, {}, {}, input.linked.helper(EBPF_PACKET_LOAD_HELPER)},
          handlers_{input.asks_for_places() ? machine<true>::handlers()
                                            : machine<false>::handlers()} {
        const program &p = input.code;
        code_.ops.resize(p.size());
        for (uint32_t pc = 0; pc < p.size(); ++pc) {
            if (p.insn(pc).id == insn_id::none) continue;
            decode(pc, input.linked);
            fuse(pc);
        }
    }

    bool execute(compat::run &r, uint64_t &r0) const override {
        std::array<frame, EBPF_MOST_CALL_DEPTH> frames;  // filled when entered
        r.set_engine_state(frames.data());
        return r.asks_for_places() ? machine<true>{code_, r, frames.data()}.execute(r0)
                                   : machine<false>{code_, r, frames.data()}.execute(r0);
    }

    bool call_back(compat::run &r, uint32_t pc, uint64_t function, const uint64_t arguments[5],
                   uint64_t &r0) const override {
        auto *const frames = static_cast<frame *>(r.engine_state());
        const auto call = [&](auto &&m) { return m.call_back(pc, function, arguments, r0); };
        return r.asks_for_places() ? call(machine<true>{code_, r, frames})
                                   : call(machine<false>{code_, r, frames});
    }

    bool call(compat::run &r, uint64_t function, const uint64_t arguments[5],
              uint64_t &r0) const override {
        std::array<frame, EBPF_MOST_CALL_DEPTH> frames;
        r.set_engine_state(frames.data());
        r.enter_frame(0);
        return call_back(r, 0, function, arguments, r0);
    }

private:
    void set_code(op &o, op_code what) const noexcept {
        if (handlers_ == nullptr)
            o.number = static_cast<uintptr_t>(what);
        else
            o.handler = handlers_[static_cast<std::size_t>(what)];
    }

    void decode(uint32_t pc, const compat::linkage &linked) {
        const program &p = code_.source;
        const isa::instruction &i = p.insn(pc);
        op &o = code_.ops[pc];
        o.dst = i.dst;
        o.src = i.src;
        o.offset = i.offset;
        o.imm = i.imm;
        op_code what = plain(i.id);
        const isa::shape_info &form = isa::info(isa::info(i.id).shape);
        if (form.offset == isa::offset_role::jump or form.imm == isa::imm_role::jump) {
            const uint32_t target = p.jump_target(pc);
            if (program::is_back_edge(pc, target)) what = backwards(i.id);
            if (isa::kind_of(i.id) == operation_kind::jump) o.target = target;
        } else if (i.id == insn_id::call_local) {
            o.target = p.callee_pc(pc);
            o.weight = p.functions()[p.function_at(o.target)].weight;
        } else if (i.id == insn_id::callx_imm) {
            o.dst = static_cast<uint8_t>(i.imm);
        } else if (i.id == insn_id::call) {
            // Code that nobody can reach may name helpers that nobody has.
            o.target = static_cast<uint32_t>(code_.helpers.size());
            code_.helpers.push_back(linked.helper(static_cast<uint32_t>(i.imm)));
        } else if (isa::is_wide(i.id)) {
            code_.ops[pc + 1].wide = linked.lddw_value(p, pc);
        }
        set_code(o, what);
    }

    /// Whether the instruction at `pc` is such a part of a sequence.
    [[nodiscard]] bool is_part(uint32_t pc, const part &wanted, uint8_t result) const noexcept {
        const program &p = code_.source;
        const isa::instruction &i = p.insn(pc);
        if (i.id != wanted.id) return false;
        const operation_kind kind = isa::kind_of(i.id);
        const bool jumps = kind == operation_kind::branch or kind == operation_kind::jump;
        if (jumps and program::is_back_edge(pc, p.jump_target(pc)) != wanted.back) return false;
        if (not wanted.on) return true;
        if (kind == operation_kind::load) return i.src == result;
        const bool reads_src = isa::info(isa::info(i.id).shape).src == isa::register_role::read;
        return i.dst == result and not(reads_src and i.src == result);
    }

    /// Whether the instructions from `pc` on are such a sequence.
    [[nodiscard]] bool is_sequence(uint32_t pc, const fusion &wanted) const noexcept {
        const program &p = code_.source;
        uint8_t result = 0;
        for (std::size_t n = 0; n < wanted.count; ++n) {
            if (pc >= p.size() or not is_part(pc, wanted.parts[n], result)) return false;
            result = p.insn(pc).dst;
            pc += isa::is_wide(wanted.parts[n].id) ? 2 : 1;
        }
        return true;
    }

    /// Makes the op at `pc` the first of a sequence, if it is one. The others stay what they are:
    /// jumps may go there.
    void fuse(uint32_t pc) noexcept {
        const auto id = static_cast<std::size_t>(code_.source.insn(pc).id);
        for (std::size_t row = indexed_fusions.first[id]; row < fusions.size();
             row = indexed_fusions.next[row]) {
            if (is_sequence(pc, fusions[row])) return set_code(code_.ops[pc], fusions[row].code);
        }
    }

    op_list code_;
    const void *const *handlers_;
};

}  // namespace

std::unique_ptr<const compat::executable> make_interpreter(const compat::build_input &input) {
    return std::make_unique<interpreter>(input);
}

}  // namespace bpftime::vm::ubpf
