// bpftime-vm: the interpreter of backend "ubpf"
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
//
// Each instruction is an op whose first word is the function that is its meaning. That function
// ends by calling the one of the next op, a call that compilers make a jump of where they optimise;
// where they do not, it returns, and a loop calls the next one.
#include "interpreter.hpp"

#include "compat/proofs.hpp"
#include "effort.hpp"
#include "isa/arithmetic.hpp"
#include "program/access.hpp"
#include "ubpf/watcher.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#if defined(BPFTIME_VM_TAIL_CALLS) && defined(__OPTIMIZE__)
#define CALLS_NEXT_OP
#endif

namespace bpftime::vm::ubpf {

namespace {

using compat::fault_kind;
using isa::insn_id;
using isa::operation;
using isa::operation_kind;
using isa::width;

/// Whether there are functions for single registers: thousands, which take compilers minutes to
/// instrument, so not where speed does not matter.
#ifdef CALLS_NEXT_OP
constexpr bool knows_registers = true;
#else
constexpr bool knows_registers = false;
#endif

/// What a single op can be: an instruction, or the same as a jump backwards, which is charged.
constexpr std::size_t plain(insn_id id) noexcept { return static_cast<std::size_t>(id); }
constexpr std::size_t backwards(insn_id id) noexcept { return plain(id) + isa::insn_count; }

/// How an instruction in a sequence uses the result of the one before it.
enum class link : uint8_t {
    none,
    on,  ///< reads it first: its own register, or where its access begins; nothing else is it
    by,  ///< its second operand is it, and nothing else
};

/// An instruction in a sequence that is done at once.
struct part {
    insn_id id;
    ubpf::link link;
    bool back;  ///< a jump backwards
};

#define PLAIN(id) \
    part { insn_id::id, link::none, false }
#define ON(id) \
    part { insn_id::id, link::on, false }
#define BY(id) \
    part { insn_id::id, link::by, false }
#define BACK(id) \
    part { insn_id::id, link::none, true }
#define ON_BACK(id) \
    part { insn_id::id, link::on, true }
#define BY_BACK(id) \
    part { insn_id::id, link::by, true }

constexpr std::size_t most_parts = 4;

struct fusion {
    std::array<part, most_parts> parts;
    std::size_t count;
    /// The first of the last parts that change one register, which the row's functions know;
    /// `count` if there is none.
    std::size_t known;
};

constexpr bool is_alu(const part &p) noexcept { return isa::kind_of(p.id) == operation_kind::alu; }
constexpr bool is_access(insn_id id) noexcept {
    const operation_kind kind = isa::kind_of(id);
    return kind == operation_kind::load or kind == operation_kind::store or
           kind == operation_kind::atomic;
}
constexpr bool gives_result(const part &p) noexcept {
    const operation_kind kind = isa::kind_of(p.id);
    return is_alu(p) or kind == operation_kind::load or kind == operation_kind::wide;
}
constexpr bool has_access(const fusion &f) noexcept {
    return std::ranges::any_of(f.parts.begin(), f.parts.begin() + f.count,
                               [](const part &p) { return is_access(p.id); });
}

template <part... Parts>
consteval fusion make_fusion() {
    fusion f{{Parts...}, sizeof...(Parts), sizeof...(Parts)};
    for (std::size_t i = 0; i < f.count; ++i) {
        if (f.parts[i].link != link::none and not gives_result(f.parts[i - 1]))
            throw "an instruction on the result of one that has none";
        if (knows_registers and is_alu(f.parts[i]) and f.parts[i].link != link::on) f.known = i;
    }
    return f;
}

constexpr auto fusions = std::to_array<fusion>({
#define FUSION(...) make_fusion<__VA_ARGS__>(),
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

class machine;
struct op;

/// Does what the op at `ip` stands for, and what comes after it. Gives null, or where a loop is to
/// go on.
using op_handler = const op *(*)(machine &m, const op *ip);

/// An instruction with everything resolved that is known before the run. Op i is slot i.
struct op {
    union {
        op_handler handler = nullptr;  ///< its meaning
        uint64_t wide;                 ///< second slot of lddw: the value
    };
    union {
        struct {
            uint8_t dst;
            uint8_t src;     ///< branches backwards on an immediate: what they cost, if it fits
            int16_t offset;  ///< of memory; of jumps that compare, in ops
        };
        uint32_t weight = 0;  ///< jumps backwards without condition: what they cost
    };
    union {
        int32_t imm = 0;
        uint32_t cost;    ///< branches backwards on a register
        uint32_t target;  ///< jumps without condition: where they go; calls: of which function or
                          ///< helper
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
            const uint64_t others = (uint64_t{1} << i) - 1;  // bytes, besides the first
            starts_[i] = std::max(span.len, others) - others;
        }
    }
    /// To other memory of the same size.
    void move_to(uint64_t begin) noexcept { begin_ = begin; }
    template <width W>
    [[nodiscard]] bool holds(uint64_t address) const noexcept {
        return address - begin_ < starts_[std::countr_zero(isa::bytes_of(W))];
    }

private:
    uint64_t begin_ = 0;
    std::array<uint64_t, 4> starts_{};  ///< in how many places an access of 1, 2, 4, 8 bytes begins
};

/// A function that can be called.
struct callee {
    const op *entry;
    uint32_t weight;        ///< what a call costs
    uint32_t zeroed_bytes;  ///< of its frame, from the top on: those that it may look at
};

/// The program as ops, and what they refer to.
struct op_list {
    const program &source;
    std::vector<op> ops{};
    std::vector<callee> functions{};  ///< as those of the program
    /// Whether frames are in memory, where the memory map says. If not, no instruction lets the
    /// address of a frame get anywhere.
    bool keeps_frames = false;
    /// Whether the run is asked about each access that is checked: it has the barriers.
    bool asks_always = false;
    /// What all frames are but for their place; empty if they are not in memory, or not near.
    near_span frame{};
    std::vector<const compat::helper_binding *> helpers{};
    const compat::helper_binding *packet_helper;  ///< does legacy packet loads; null: nobody
    watcher *watched_by = nullptr;
    std::vector<op_handler> watched{};  ///< what ops mean whose handler tells the watcher first
};

/// In the place of a register: the op tells which.
constexpr std::size_t any_register = isa::register_count;

/// A row of fusions.def, and the register that it knows.
struct sequence {
    std::size_t row;
    std::size_t reg;
    bool checked;
};

/// The state of one run. handle<Id>() is the meaning of instruction Id.
class machine {
public:
    machine(const op_list &code, compat::run &r, frame *frames)
        : slice_{r.budget().slice()}, frame_{code.frame}, run_{r}, code_{code}, frames_{frames} {
        // One by one: cleared as a whole, they would be cleared by an instruction that is slow to
        // start.
        [this]<std::size_t... I>(std::index_sequence<I...>) {
            ((reg_[I] = 0), ...);
        }(std::make_index_sequence<isa::register_count>{});
        if (not code.asks_always) {
            input_.set(run_.input());
            if (allows_write(run_.input().allowed)) writable_input_.set(run_.input());
        }
        if (not code.keeps_frames) run_.stack().hide_frames();
    }

    bool execute(uint64_t &r0) {
        reg_[1] = run_.input().begin;
        reg_[2] = run_.input().len;
        enter_frame(code_.functions.front().zeroed_bytes);
        go(code_.ops.data());
        r0 = reg_[0];
        return not run_.has_fault();
    }

    /// Calls a function for a helper that the instruction at `pc` calls.
    bool call_back(uint32_t pc, uint64_t function, const uint64_t arguments[5], uint64_t &r0) {
        depth_ = run_.memory().live_frames() - 1;
        std::copy_n(arguments, 5, &reg_[1]);
        const op *const ip = enter_function(&code_.ops[pc], function_of(function));
        if (ip == nullptr) return false;
        outermost_ = depth_;
        go(ip);
        r0 = reg_[0];
        return has_returned_;
    }

    /// Goes on from `pc` on, in the deepest frame, until its function returns or the run ends.
    void go_on_at(uint32_t pc, const std::array<uint64_t, isa::register_count> &registers) {
        reg_ = registers;
        depth_ = outermost_ = run_.memory().live_frames() - 1;
        frame_.move_to(run_.stack().frame(depth_).begin);
        if (code_.keeps_frames) show_frame();
        go(&code_.ops[pc]);
    }

    template <insn_id Id, bool Back, bool Checked>
    static const op *handle(machine &m, const op *ip) {
        return m.step<Id, Back, Checked>(ip);
    }
    template <insn_id Id, std::size_t Dst, std::size_t Src>
    static const op *handle_alu(machine &m, const op *ip) {
        m.reg_[Dst] = m.alu<Id, Src>(*ip, m.reg_[Dst]);
        return m.go_on(ip + 1);
    }
    template <sequence S>
    static const op *handle_fused(machine &m, const op *ip) {
        return m.fused<S, 0>(ip, 0);
    }
    static const op *handle_watched(machine &m, const op *ip) {
        const uint32_t pc = m.pc_of(ip);
        m.code_.watched_by->see({pc, m.depth_, m.reg_, m.run_});
        return m.code_.watched[pc](m, ip);
    }

private:
    /// Runs from `ip` on until the outermost function returns, or the run ends.
    void go(const op *ip) {
        do {
            ip = ip->handler(*this, ip);
        } while (ip != nullptr);
        run_.budget().put_back(slice_);
    }

    [[gnu::always_inline]] const op *go_on(const op *ip) {
#ifdef CALLS_NEXT_OP
        return ip->handler(*this, ip);
#else
        return ip;
#endif
    }
    /// The same, if the run goes on at all.
    [[gnu::always_inline]] const op *go_on_if_any(const op *ip) {
        return ip == nullptr ? nullptr : go_on(ip);
    }

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

    template <insn_id Id, std::size_t Src = any_register>
    [[gnu::always_inline]] uint64_t operand(const op &o) const noexcept {
        constexpr bool is_imm = isa::info(isa::info(Id).shape).imm == isa::imm_role::value;
        return is_imm ? imm64(o) : reg_[Src == any_register ? o.src : Src];
    }

    /// What the instruction makes of `first`, the value of the register that it changes.
    template <insn_id Id, std::size_t Src = any_register>
    [[gnu::always_inline]] uint64_t alu(const op &o, uint64_t first) const noexcept {
        return isa::alu<isa::info(Id).operation, isa::info(Id).width>(first, operand<Id, Src>(o));
    }
    template <insn_id Id>
    [[gnu::always_inline]] bool is_taken(const op &o, uint64_t first) noexcept {
        return isa::is_taken<isa::info(Id).operation, isa::info(Id).width>(first, operand<Id>(o));
    }

    // --- control

    /// Spends `weight` units and goes to `to`.
    [[gnu::always_inline]] const op *go_for(uint32_t weight, const op *ip, const op *to) {
        slice_ -= weight;
        if (slice_ < 0) [[unlikely]]
            return refill(*this, ip, to, weight);
        return go_on(to);
    }
    [[gnu::noinline, gnu::cold]] static const op *refill(machine &m, const op *ip, const op *to,
                                                         uint32_t weight) {
        return m.has_refilled(weight, ip) ? m.go_on(to) : nullptr;
    }
    bool has_refilled(uint32_t weight, const op *ip) noexcept {
        compat::budget &budget = run_.budget();
        const auto why = budget.refill(slice_, weight);
        slice_ = budget.slice();
        return why == fault_kind::none or fail(why, ip) != nullptr;
    }

    /// What a jump backwards to `to` costs.
    [[gnu::always_inline]] uint32_t loop_weight(const op *to) const noexcept {
        return code_.source.loop_weights()[pc_of(to)];
    }

    template <insn_id Id, bool Back>
    [[gnu::always_inline]] const op *jump(const op *ip) {
        constexpr bool is_far = isa::kind_of(Id) != operation_kind::branch;
        const op *const to = is_far ? code_.ops.data() + ip->target : ip + 1 + ip->offset;
        if constexpr (not Back)
            return go_on(to);
        else if constexpr (is_far)
            return go_for(ip->weight, ip, to);
        else if constexpr (isa::info(isa::info(Id).shape).imm != isa::imm_role::value)
            return go_for(ip->cost, ip, to);
        else
            return go_for(ip->src != 0 ? ip->src : loop_weight(to), ip, to);
    }

    void enter_frame(uint32_t zeroed_bytes) noexcept {
        reg_[isa::frame_pointer] = run_.enter_frame(depth_, zeroed_bytes);
        frames_[depth_].may_goto_tries = vm::may_goto_tries;
        frame_.move_to(run_.stack().frame(depth_).begin);
    }

    /// Where the function begins that the instruction calls; null: it cannot.
    [[gnu::always_inline]] const op *enter_function(const op *ip, const callee &to) noexcept {
        slice_ -= to.weight;
        if (slice_ < 0 and not has_refilled(to.weight, ip)) return nullptr;
        if (depth_ + 1 == run_.config().call_depth)
            return fail(fault_kind::call_depth_exceeded, ip);
        frame &caller = frames_[depth_];
        caller.return_to = ip + 1;
        std::copy_n(&reg_[6], 4, caller.saved.begin());
        std::fill_n(&reg_[6], 4, 0);
        reg_[0] = 0;
        ++depth_;
        enter_frame(to.zeroed_bytes);
        return to.entry;
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
        frame_.move_to(run_.stack().frame(depth_).begin);
        clear_arguments();
        return caller.return_to;
    }

    void clear_arguments() noexcept { std::fill_n(&reg_[1], 5, 0); }

    /// Calls a helper with the registers; it may run code of the program, with the same budget.
    compat::after_call call(const op *ip, const compat::helper_binding &helper) {
        run_.budget().put_back(slice_);
        const auto next = run_.call_helper(pc_of(ip), helper, &reg_[1], reg_[0]);
        slice_ = run_.budget().slice();
        return next;
    }

    const op *call_helper(const op *ip, const compat::helper_binding &helper) {
        switch (call(ip, helper)) {
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

    [[nodiscard]] const callee &function_of(uint64_t handle) const noexcept {
        return code_.functions[code_.source.function_at(handle_pc(handle))];
    }

    const op *call_value(const op *ip, uint64_t value) {
        if (code_.source.is_callable(value)) {
            run_.bar_speculation();
            return enter_function(ip, function_of(value));
        }
        const auto *const helper = run_.callable_helper(value);
        if (helper != nullptr) return call_helper(ip, *helper);
        return fail({.kind = fault_kind::bad_call_target, .pc = pc_of(ip), .address = value});
    }

    const op *jump_value(const op *ip, uint64_t value) {
        const program &p = code_.source;
        const uint32_t pc = pc_of(ip);
        const uint32_t target = handle_pc(value);
        if (not is_code_handle(value) or not std::ranges::binary_search(p.jump_targets(), target) or
            p.function_at(target) != p.function_at(pc)) {
            return fail({.kind = fault_kind::bad_jump_target, .pc = pc, .address = value});
        }
        run_.bar_speculation();
        const op *const to = &code_.ops[target];
        return program::is_back_edge(pc, target) ? go_for(loop_weight(to), ip, to) : go_on(to);
    }

    // --- memory

    /// The running function's frame is in the memory map. The code before may have kept it out, for
    /// which accesses of it may be that this code asks about.
    void show_frame() noexcept {
        compat::stack_layout &stack = run_.stack();
        if (stack.is_present(depth_)) return;
        stack.mark_frames(depth_ + 1);
        *stack.mark(depth_) = 1;
        run_.memory().set_live_frames(depth_ + 1);
    }

    /// Whether the access is one that needs no asking.
    template <width W, bool Checked, bool Writes>
    [[gnu::always_inline]] bool is_near(uint64_t address) const noexcept {
        const near_span &input = Writes ? writable_input_ : input_;
        return not Checked or input.holds<W>(address) or frame_.holds<W>(address);
    }

    /// Where an access goes that begins at `address` for the program; 0 on a fault.
    uint64_t place_of(const op *ip, uint64_t address, uint64_t size, permission wanted) noexcept {
        return run_.place_of_access(pc_of(ip), address, size, wanted);
    }

    [[gnu::noinline, gnu::cold]] void fail_misaligned(const op *ip, uint64_t address, uint64_t size,
                                                      permission wanted) noexcept {
        auto f = run_.memory().explain(pc_of(ip), address, size, wanted);
        f.kind = fault_kind::misaligned_atomic;
        run_.fail(f);
    }

    static uint64_t imm_offset(const op &o) noexcept {
        return static_cast<uint64_t>(int64_t{o.offset});
    }

    template <insn_id Id>
    [[gnu::always_inline]] static uint64_t loaded(uint64_t address) noexcept {
        constexpr width W = isa::info(Id).width;
        const uint64_t value = load<W>(address);
        return isa::info(Id).operation == operation::load_sx ? isa::sign_extend<W>(value) : value;
    }

    /// A load from memory that is not near.
    template <insn_id Id>
    [[gnu::noinline]] static const op *load_far(machine &m, const op *ip) {
        const op &o = *ip;
        const uint64_t address = m.place_of(ip, m.reg_[o.src] + imm_offset(o),
                                            isa::bytes_of(isa::info(Id).width), permission::read);
        if (address == 0) return nullptr;
        m.reg_[o.dst] = loaded<Id>(address);
        return m.go_on(ip + 1);
    }
    template <insn_id Id>
    [[gnu::noinline]] static const op *store_far(machine &m, const op *ip) {
        constexpr width W = isa::info(Id).width;
        const op &o = *ip;
        const uint64_t address =
            m.place_of(ip, m.reg_[o.dst] + imm_offset(o), isa::bytes_of(W), permission::write);
        if (address == 0) return nullptr;
        store<W>(address, m.operand<Id>(o));
        return m.go_on(ip + 1);
    }

    template <insn_id Id, bool Checked>
    [[gnu::always_inline]] const op *step_atomic(const op *ip) {
        constexpr operation Op = isa::info(Id).operation;
        constexpr width W = isa::info(Id).width;
        constexpr bool loads = Op == operation::load_acquire;
        const op &o = *ip;
        const uint64_t address = reg_[loads ? o.src : o.dst] + imm_offset(o);
        if (Checked and
            (not is_near<W, Checked, not loads>(address) or address % isa::bytes_of(W) != 0))
            return atomic_far<Id>(*this, ip, address);
        return perform_atomic<Id>(ip, address);
    }
    /// The same at memory that is not near, or not aligned.
    template <insn_id Id>
    [[gnu::noinline]] static const op *atomic_far(machine &m, const op *ip, uint64_t meant) {
        constexpr operation Op = isa::info(Id).operation;
        constexpr uint64_t bytes = isa::bytes_of(isa::info(Id).width);
        constexpr permission wanted = permission_of(Op);
        const uint64_t address = m.place_of(ip, meant, bytes, wanted);
        if (address == 0) return nullptr;
        if (meant % bytes != 0) {
            m.fail_misaligned(ip, meant, bytes, wanted);
            return nullptr;
        }
        return m.perform_atomic<Id>(ip, address);
    }
    template <insn_id Id>
    [[gnu::always_inline]] const op *perform_atomic(const op *ip, uint64_t address) {
        constexpr operation Op = isa::info(Id).operation;
        using word = uint_t<isa::info(Id).width>;
        constexpr bool loads = Op == operation::load_acquire;
        constexpr bool stores = Op == operation::store_release;
        const op &o = *ip;
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
#ifdef __riscv
            // GCC compares 64 bits of a register of which it has made 32 (PR target/114130, mended
            // in GCC 14): those of a word that it has just loaded are right.
            asm volatile("" : "+m"(expected));
#endif
            __atomic_compare_exchange_n(at, &expected, value, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST);
            reg_[0] = expected;
        }
        return go_on(ip + 1);
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
        run_.bar_speculation();
        reg_[0] = isa::swap_bytes<W>(load<W>(address));
        clear_arguments();
        return ip + 1;
    }

    const op *call_packet_load(const op *ip, const compat::helper_binding &helper, int32_t offset,
                               uint64_t bytes) {
        clear_arguments();
        reg_[1] = static_cast<uint64_t>(int64_t{offset});
        reg_[2] = bytes;
        if (call(ip, helper) == compat::after_call::ends) return nullptr;
        if (static_cast<int64_t>(reg_[0]) < 0) {
            reg_[0] = 0;
            return leave();
        }
        clear_arguments();
        return ip + 1;
    }

    // --- meaning

    /// What the instruction at `ip` does, and what comes after it.
    template <insn_id Id, bool Back, bool Checked>
    [[gnu::always_inline]] const op *step(const op *ip) {
        constexpr operation Op = isa::info(Id).operation;
        constexpr operation_kind kind = isa::kind_of(Id);
        constexpr width W = isa::info(Id).width;
        const op &o = *ip;
        if constexpr (Op == operation::may_goto) {
            uint32_t &tries = frames_[depth_].may_goto_tries;
            if (tries == 0) return jump<Id, Back>(ip);
            --tries;
            return go_on(ip + 1);
        } else if constexpr (kind == operation_kind::branch) {
            return is_taken<Id>(o, reg_[o.dst]) ? jump<Id, Back>(ip) : go_on(ip + 1);
        } else if constexpr (Op == operation::ja) {
            return jump<Id, Back>(ip);
        } else if constexpr (Back) {
            std::unreachable();  // only jumps go back
        } else if constexpr (kind == operation_kind::alu) {
            reg_[o.dst] = alu<Id>(o, reg_[o.dst]);
            return go_on(ip + 1);
        } else if constexpr (Op == operation::call_kfunc) {
            std::unreachable();  // linkage refuses programs that reach one
        } else if constexpr (Op == operation::addr_space_cast) {
            reg_[o.dst] = compat::cast_into_arena(run_.linked().arena()->window, reg_[o.src]);
            return go_on(ip + 1);
        } else if constexpr (kind == operation_kind::convert) {
            constexpr bool unary = isa::info(isa::info(Id).shape).src == isa::register_role::none;
            reg_[o.dst] = isa::convert<Op, W>(reg_[unary ? o.dst : o.src]);
            return go_on(ip + 1);
        } else if constexpr (Op == operation::gotox) {
            return jump_value(ip, reg_[o.dst]);
        } else if constexpr (Op == operation::call_helper) {
            return go_on_if_any(call_helper(ip, *code_.helpers[o.target]));
        } else if constexpr (Op == operation::call_local) {
            return go_on_if_any(enter_function(ip, code_.functions[o.target]));
        } else if constexpr (Op == operation::callx) {
            return go_on_if_any(call_value(ip, reg_[o.dst]));
        } else if constexpr (kind == operation_kind::exit) {
            return go_on_if_any(leave());
        } else if constexpr (kind == operation_kind::load) {
            const uint64_t address = reg_[o.src] + imm_offset(o);
            if (not is_near<W, Checked, false>(address)) return load_far<Id>(*this, ip);
            reg_[o.dst] = loaded<Id>(address);
            return go_on(ip + 1);
        } else if constexpr (kind == operation_kind::store) {
            const uint64_t address = reg_[o.dst] + imm_offset(o);
            if (not is_near<W, Checked, true>(address)) return store_far<Id>(*this, ip);
            store<W>(address, operand<Id>(o));
            return go_on(ip + 1);
        } else if constexpr (kind == operation_kind::atomic) {
            return step_atomic<Id, Checked>(ip);
        } else if constexpr (kind == operation_kind::packet) {
            return go_on_if_any(step_packet<Id>(ip));
        } else {
            static_assert(kind == operation_kind::wide, "an instruction without meaning");
            reg_[o.dst] = (&o)[1].wide;
            return go_on(ip + 2);
        }
    }

    // --- several instructions at once

    /// What the instructions of a sequence do from number I on, of which the one before it has
    /// given `v`. If this one changes the same register, that was not written yet.
    template <sequence S, std::size_t I>
    [[gnu::always_inline]] const op *fused(const op *ip, uint64_t v) {
        constexpr fusion all = fusions[S.row];
        if constexpr (I == all.count) {
            return go_on(ip);
        } else {
            constexpr part P = all.parts[I];
            constexpr operation_kind kind = isa::kind_of(P.id);
            constexpr width W = isa::info(P.id).width;
            const op &o = *ip;
            if constexpr (kind == operation_kind::alu) {
                uint64_t &dst = changed<S, I>(o);
                v = isa::alu<isa::info(P.id).operation, W>(first<S, I>(o, v), second<S, I>(o, v));
                if constexpr (not is_rewritten<S, I>()) dst = v;
                return fused<S, I + 1>(ip + 1, v);
            } else if constexpr (kind == operation_kind::load) {
                const uint64_t address = (P.link == link::on ? v : reg_[o.src]) + imm_offset(o);
                if (not is_near<W, S.checked, false>(address)) return load_far<P.id>(*this, ip);
                v = loaded<P.id>(address);
                reg_[o.dst] = v;
                return fused<S, I + 1>(ip + 1, v);
            } else if constexpr (kind == operation_kind::store) {
                const uint64_t address = first<S, I>(o, v) + imm_offset(o);
                if (not is_near<W, S.checked, true>(address)) return store_far<P.id>(*this, ip);
                store<W>(address, second<S, I>(o, v));
                return fused<S, I + 1>(ip + 1, v);
            } else if constexpr (kind == operation_kind::branch) {
                if (isa::is_taken<isa::info(P.id).operation, W>(first<S, I>(o, v),
                                                                second<S, I>(o, v)))
                    return jump<P.id, P.back>(ip);
                return fused<S, I + 1>(ip + 1, v);
            } else if constexpr (kind == operation_kind::jump) {
                return jump<P.id, P.back>(ip);
            } else {
                static_assert(kind == operation_kind::wide);
                v = ip[1].wide;
                reg_[o.dst] = v;
                return fused<S, I + 1>(ip + 2, v);
            }
        }
    }

    /// Whether the next instruction writes the register of this one, too, before anybody reads it.
    template <sequence S, std::size_t I>
    static constexpr bool is_rewritten() noexcept {
        constexpr fusion all = fusions[S.row];
        return I + 1 < all.count and all.parts[I + 1].link == link::on and is_alu(all.parts[I + 1]);
    }
    template <sequence S, std::size_t I>
    [[gnu::always_inline]] uint64_t &changed(const op &o) noexcept {
        constexpr fusion all = fusions[S.row];
        constexpr bool is_known =
            I >= all.known and
            std::ranges::all_of(all.parts.begin() + all.known + 1,
                                all.parts.begin() + std::max(I, all.known) + 1,
                                [](const part &p) { return p.link == link::on; });
        return reg_[is_known ? S.reg : o.dst];
    }
    template <sequence S, std::size_t I>
    [[gnu::always_inline]] uint64_t first(const op &o, uint64_t v) noexcept {
        return fusions[S.row].parts[I].link == link::on ? v : changed<S, I>(o);
    }
    template <sequence S, std::size_t I>
    [[gnu::always_inline]] uint64_t second(const op &o, uint64_t v) noexcept {
        constexpr part P = fusions[S.row].parts[I];
        return P.link == link::by ? v : operand<P.id>(o);
    }

    std::array<uint64_t, isa::register_count> reg_;
    int64_t slice_;  ///< of the budget, while no helper runs
    near_span input_;
    near_span writable_input_;
    near_span frame_;  ///< of the running function
    compat::run &run_;
    const op_list &code_;
    frame *frames_;
    uint32_t depth_ = 0;
    uint32_t outermost_ = 0;  ///< depth of the function that returns to the host
    bool has_returned_ = false;
};

// --- the functions of all ops

/// Of single instructions: by plain(), then by backwards().
template <bool Checked>
constexpr op_handler handlers[] = {
#define INSN(id, ...) machine::handle<insn_id::id, false, Checked and is_access(insn_id::id)>,
#include "isa/instructions.def"
#undef INSN
#define INSN(id, ...) machine::handle<insn_id::id, true, false>,
#include "isa/instructions.def"
#undef INSN
};

/// Registers that can be changed.
constexpr std::size_t writable_registers = isa::frame_pointer;

/// Which registers the functions of an instruction know, one for each choice of them. A register
/// whose place is in the machine code is read and written faster than one whose place is in the op:
/// processors then hand on what was just written. But all that code has to be in the cache, too.
enum class known : uint8_t { none, dst, both };

constexpr known known_registers(insn_id id) noexcept {
    const isa::insn_info &row = isa::info(id);
    if (not knows_registers or isa::kind_of(id) != operation_kind::alu) return known::none;
    const bool is_imm = isa::info(row.shape).imm == isa::imm_role::value;
    switch (row.operation) {
    case operation::mov:
    case operation::add:
    case operation::sub:
    case operation::mul:
    case operation::or_:
    case operation::xor_: return is_imm ? known::dst : known::both;
    case operation::and_: return known::dst;
    case operation::lsh:
    case operation::rsh:
    case operation::arsh: return is_imm ? known::dst : known::none;
    default: return known::none;
    }
}

template <insn_id Id>
constexpr auto make_knowing_handlers() noexcept {
    constexpr known what = known_registers(Id);
    constexpr std::size_t count = what == known::none  ? 0
                                  : what == known::dst ? writable_registers
                                                       : writable_registers * isa::register_count;
    return []<std::size_t... I>(std::index_sequence<I...>) {
        return std::array<op_handler, count>{
            machine::handle_alu < Id, I % writable_registers,
            what == known::both ? I / writable_registers : any_register > ...};
    }(std::make_index_sequence<count>{});
}
template <insn_id Id>
constexpr auto knowing_handlers_of = make_knowing_handlers<Id>();

constexpr const op_handler *knowing_handlers[] = {
#define INSN(id, ...) knowing_handlers_of<insn_id::id>.data(),
#include "isa/instructions.def"
#undef INSN
};

/// Of a row of fusions.def, by the register that it knows.
template <bool Checked, std::size_t Row>
constexpr auto make_fused_handlers() noexcept {
    constexpr fusion row = fusions[Row];
    return []<std::size_t... I>(std::index_sequence<I...>) {
        return std::array<op_handler, sizeof...(I)>{
            machine::handle_fused<sequence{Row, I, Checked and has_access(fusions[Row])}>...};
    }(std::make_index_sequence < row.known == row.count ? 1 : writable_registers > {});
}
template <bool Checked, std::size_t Row>
constexpr auto fused_handlers_of = make_fused_handlers<Checked, Row>();
template <bool Checked>
constexpr auto fused_handlers = []<std::size_t... Row>(std::index_sequence<Row...>) {
    return std::array<const op_handler *, sizeof...(Row)>{
        fused_handlers_of<Checked, Row>.data()...};
}(std::make_index_sequence<fusions.size()>{});

class interpreter final : public compat::executable {
public:
    /// `by`: null: nobody looks on.
    interpreter(const compat::build_input &input, std::unique_ptr<watcher> by)
        : code_{.source = input.code,
                .packet_helper = input.linked.helper(EBPF_PACKET_LOAD_HELPER),
                .watched_by = by.get()},
          watcher_{std::move(by)},
          frame_size_{input.config.stack_size},
          checked_{input.asks_for_places()} {
        const program &p = input.code;
        code_.asks_always = checked_ and input.config.bars_speculation;
        code_.ops.resize(p.size());
        code_.functions.reserve(p.functions().size());
        for (const function &f : p.functions())
            code_.functions.push_back({&code_.ops[f.begin], f.weight, frame_bytes(f)});
        if (code_.keeps_frames and not code_.asks_always)
            code_.frame.set({.begin = 0, .len = frame_size_});
        if (code_.keeps_frames or watcher_ != nullptr) {
            for (callee &f : code_.functions) f.zeroed_bytes = frame_size_;
        }
        const compat::proofs proofs{input, not code_.keeps_frames, effort_for(p)};
        for (uint32_t pc = 0; pc < p.size(); ++pc) {
            if (p.insn(pc).id == insn_id::none) continue;
            decode(pc, input.linked, proofs);
            if (watcher_ == nullptr) fuse(pc, proofs);
        }
        if (watcher_ != nullptr) let_watch();
    }

    bool execute(compat::run &r, uint64_t &r0) const override {
        std::array<frame, EBPF_MOST_CALL_DEPTH> frames;  // filled when entered
        r.set_engine_state(frames.data());
        return machine{code_, r, frames.data()}.execute(r0);
    }

    bool call_back(compat::run &r, uint32_t pc, uint64_t function, const uint64_t arguments[5],
                   uint64_t &r0) const override {
        auto *const frames = static_cast<frame *>(r.engine_state());
        return machine{code_, r, frames}.call_back(pc, function, arguments, r0);
    }

    void run_into_fault(compat::run &r, uint32_t pc,
                        const std::array<uint64_t, isa::register_count> &registers) const {
        std::array<frame, EBPF_MOST_CALL_DEPTH> frames{};
        machine{code_, r, frames.data()}.go_on_at(pc, registers);
    }

    bool call(compat::run &r, uint64_t function, const uint64_t arguments[5],
              uint64_t &r0) const override {
        std::array<frame, EBPF_MOST_CALL_DEPTH> frames;
        r.set_engine_state(frames.data());
        r.enter_frame(0);
        return call_back(r, 0, function, arguments, r0);
    }

private:
    /// Of its frame, how many bytes from the top on the function looks at. Notices if it does
    /// anything else with r10.
    uint32_t frame_bytes(const function &f) noexcept {
        int32_t lowest = 0;
        for (uint32_t pc = f.begin; pc < f.end; ++pc) {
            const isa::instruction &i = code_.source.insn(pc);
            if (i.id == insn_id::none) continue;
            const isa::shape_info &form = isa::info(isa::info(i.id).shape);
            const auto reads = [](isa::register_role role) {
                return role == isa::register_role::read or role == isa::register_role::update;
            };
            int others = (reads(form.dst) and i.dst == isa::frame_pointer) +
                         (reads(form.src) and i.src == isa::frame_pointer);
            if (others == 0) continue;
            if (is_own_access(i)) {
                --others;
                lowest = std::min<int32_t>(lowest, i.offset);
            }
            code_.keeps_frames = code_.keeps_frames or others != 0;
        }
        return static_cast<uint32_t>(-lowest);
    }

    /// Whether the instruction loads from its function's frame, or stores there.
    [[nodiscard]] bool is_own_access(const isa::instruction &i) const noexcept {
        const operation_kind kind = isa::kind_of(i.id);
        if (kind != operation_kind::load and kind != operation_kind::store) return false;
        const uint8_t base = kind == operation_kind::load ? i.src : i.dst;
        const auto bytes = static_cast<int32_t>(isa::bytes_of(isa::info(i.id).width));
        return base == isa::frame_pointer and i.offset <= -bytes and
               i.offset >= -static_cast<int32_t>(frame_size_);
    }

    /// Whether the instruction at `pc` has to be checked as all accesses are.
    [[nodiscard]] bool is_checked(uint32_t pc, const compat::proofs &proofs) const noexcept {
        const isa::instruction &i = code_.source.insn(pc);
        if (not checked_ or not is_access(i.id) or is_own_access(i)) return false;
        // What checks an atomic looks at its alignment, too.
        const bool is_atomic = isa::kind_of(i.id) == operation_kind::atomic;
        return not proofs.is_proven(pc) or (is_atomic and not proofs.is_aligned(pc));
    }

    [[nodiscard]] op_handler single_handler(uint32_t pc, bool back,
                                            const compat::proofs &proofs) const noexcept {
        const isa::instruction &i = code_.source.insn(pc);
        const std::size_t id = plain(i.id);
        switch (known_registers(i.id)) {
        case known::dst: return knowing_handlers[id][i.dst];
        case known::both: return knowing_handlers[id][i.dst + writable_registers * i.src];
        case known::none: break;
        }
        const std::size_t what = back ? backwards(i.id) : id;
        return is_checked(pc, proofs) ? handlers<true>[what] : handlers<false>[what];
    }

    void decode(uint32_t pc, const compat::linkage &linked, const compat::proofs &proofs) {
        const program &p = code_.source;
        const isa::instruction &i = p.insn(pc);
        op &o = code_.ops[pc];
        o.dst = i.dst;
        o.src = i.src;
        o.offset = i.offset;
        o.imm = i.imm;
        bool back = false;
        const isa::shape_info &form = isa::info(isa::info(i.id).shape);
        if (form.offset == isa::offset_role::jump or form.imm == isa::imm_role::jump) {
            const uint32_t target = p.jump_target(pc);
            if (isa::kind_of(i.id) == operation_kind::jump) o.target = target;
            back = program::is_back_edge(pc, target);
            if (back) set_cost(o, i.id, p.loop_weights()[target]);
        } else if (i.id == insn_id::call_local) {
            o.target = p.function_at(p.callee_pc(pc));
        } else if (i.id == insn_id::callx_imm) {
            o.dst = static_cast<uint8_t>(i.imm);
        } else if (i.id == insn_id::call) {
            // Code that nobody can reach may name helpers that nobody has.
            o.target = static_cast<uint32_t>(code_.helpers.size());
            code_.helpers.push_back(linked.helper(static_cast<uint32_t>(i.imm)));
        } else if (isa::is_wide(i.id)) {
            code_.ops[pc + 1].wide = linked.lddw_value(p, pc);
        }
        o.handler = single_handler(pc, back, proofs);
    }

    /// Tells a jump backwards what it costs.
    static void set_cost(op &o, insn_id id, uint32_t weight) noexcept {
        if (isa::kind_of(id) == operation_kind::jump)
            o.weight = weight;
        else if (isa::info(isa::info(id).shape).imm != isa::imm_role::value)
            o.cost = weight;
        else
            o.src =
                weight <= std::numeric_limits<uint8_t>::max() ? static_cast<uint8_t>(weight) : 0;
    }

    /// Whether the instruction at `pc` is such a part of a sequence.
    [[nodiscard]] bool is_part(uint32_t pc, const part &wanted, uint8_t result) const noexcept {
        const program &p = code_.source;
        const isa::instruction &i = p.insn(pc);
        if (i.id != wanted.id) return false;
        const operation_kind kind = isa::kind_of(i.id);
        const bool jumps = kind == operation_kind::branch or kind == operation_kind::jump;
        if (jumps and program::is_back_edge(pc, p.jump_target(pc)) != wanted.back) return false;
        if (wanted.link == link::none) return true;
        if (kind == operation_kind::load) return i.src == result;
        const bool reads_src = isa::info(isa::info(i.id).shape).src == isa::register_role::read;
        const bool is_second = reads_src and i.src == result;
        return wanted.link == link::on ? i.dst == result and not is_second
                                       : i.dst != result and is_second;
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

    /// Makes the op at `pc` the first of a sequence, if there is one. The others stay what they
    /// are: jumps may go there.
    void fuse(uint32_t pc, const compat::proofs &proofs) noexcept {
        const auto id = static_cast<std::size_t>(code_.source.insn(pc).id);
        for (std::size_t row = indexed_fusions.first[id]; row < fusions.size();
             row = indexed_fusions.next[row]) {
            if (not is_sequence(pc, fusions[row])) continue;
            const fusion &f = fusions[row];
            std::size_t accesses = 0;
            std::size_t checked = 0;
            std::size_t reg = 0;
            uint32_t at = pc;
            for (std::size_t n = 0; n < f.count; ++n) {
                const isa::instruction &i = code_.source.insn(at);
                accesses += is_access(i.id);
                checked += is_checked(at, proofs);
                if (n == f.known) reg = i.dst;
                at += isa::is_wide(i.id) ? 2 : 1;
            }
            // A frame that is not in memory passes no check.
            if (checked != 0 and checked != accesses and not code_.keeps_frames) continue;
            const auto &of_rows = checked != 0 ? fused_handlers<true> : fused_handlers<false>;
            code_.ops[pc].handler = of_rows[row][reg];
            return;
        }
    }

    void let_watch() {
        code_.watched.resize(code_.ops.size());
        for (uint32_t pc = 0; pc < code_.source.size(); ++pc) {
            if (code_.source.insn(pc).id == insn_id::none) continue;
            code_.watched[pc] = std::exchange(code_.ops[pc].handler, &machine::handle_watched);
        }
    }

    op_list code_;
    std::unique_ptr<watcher> watcher_;
    uint32_t frame_size_;
    bool checked_;
};

}  // namespace

std::unique_ptr<const compat::executable> make_interpreter(const compat::build_input &input) {
    return std::make_unique<interpreter>(input, nullptr);
}

void run_into_fault(const compat::executable &interpreter, compat::run &r, uint32_t pc,
                    const std::array<uint64_t, isa::register_count> &registers) {
    static_cast<const ubpf::interpreter &>(interpreter).run_into_fault(r, pc, registers);
}

std::unique_ptr<const compat::executable> make_watched_interpreter(const compat::build_input &input,
                                                                   std::unique_ptr<watcher> by) {
    return std::make_unique<interpreter>(input, std::move(by));
}

}  // namespace bpftime::vm::ubpf
