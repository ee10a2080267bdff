// bpftime-vm: what a register or stack slot may hold, as far as the context goes
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "context_value.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

namespace bpftime::vm::runtime {

namespace {

constexpr int64_t word_size = 8;
/// Offsets beyond are no use to any program.
constexpr int64_t farthest = int64_t{1} << 31;

context_value with_offset(context_value v, int64_t by) noexcept {
    if (v.offset == any_offset) return v;
    const bool far =
        by > farthest or by < -farthest or v.offset + by > farthest or v.offset + by < -farthest;
    if (not far) {
        v.offset += by;
    } else if (v.from == origin::stack) {
        v.offset = any_offset;
    } else {
        v = {.from = origin::modified};
    }
    return v;
}

context_value join_contexts(const context_value &a, const context_value &b) noexcept {
    const auto is_whole = [](const context_value &v) {
        return v.from == origin::context or v.from == origin::mixed;
    };
    return {.from = is_whole(a) or is_whole(b) ? origin::mixed : origin::modified};
}

context_value join_stacks(context_value a, const context_value &b) noexcept {
    if (b.from != origin::stack) {
        a.perhaps = true;
        return a;
    }
    if (a.function != b.function or a.among != b.among) {
        const auto all_of = [](const context_value &v) {
            return v.function == several_functions ? v.among : context_value::bit_of(v.function);
        };
        a.among = all_of(a) | all_of(b);
        a.function = several_functions;
    }
    if (a.offset != b.offset) a.offset = any_offset;
    a.perhaps = a.perhaps or b.perhaps;
    return a;
}

int64_t word_of(int64_t offset) noexcept { return offset & ~(word_size - 1); }

bool is_null(const context_value &v) noexcept { return v.from == origin::number and v.offset == 0; }

bool is_kept(const context_value &v) noexcept {
    return v.from != origin::other and (v.from != origin::number or is_null(v));
}

void put(frame_words &words, int64_t at, context_value v, bool perhaps) {
    const auto there = words.find(at);
    if (perhaps) v = join(there == words.end() ? context_value{} : there->second, v);
    if (is_kept(v)) {
        words.insert_or_assign(at, v);
    } else if (there != words.end()) {
        words.erase(there);
    }
}

bool merge_words(frame_words &into, const frame_words &from) {
    bool changed = false;
    for (auto &[at, v] : into) {
        const auto there = from.find(at);
        const context_value joined = join(v, there == from.end() ? context_value{} : there->second);
        changed = changed or joined != v;
        v = joined;
    }
    for (const auto &[at, v] : from) {
        if (into.contains(at)) continue;
        const context_value joined = join(context_value{}, v);
        if (not is_kept(joined)) continue;
        into.emplace(at, joined);
        changed = true;
    }
    std::erase_if(into, [](const auto &entry) { return not is_kept(entry.second); });
    return changed;
}

}  // namespace

context_value join(const context_value &a, const context_value &b) noexcept {
    if (a == b) return a;
    if (a.from == origin::context and is_null(b)) return a;
    if (b.from == origin::context and is_null(a)) return b;
    if (a.of_context() or b.of_context()) return join_contexts(a, b);
    if (a.from == origin::stack) return join_stacks(a, b);
    if (b.from == origin::stack) return join_stacks(b, a);
    return {};
}

context_value sum(const context_value &a, const context_value &b, int sign) noexcept {
    const bool adds = sign > 0;
    if (a.from == origin::number and b.from == origin::number) {
        const auto x = static_cast<uint64_t>(a.offset);
        const auto y = static_cast<uint64_t>(b.offset);
        return {.from = origin::number, .offset = static_cast<int64_t>(adds ? x + y : x - y)};
    }
    const bool contexts = a.of_context() or b.of_context();
    const bool stacks = a.from == origin::stack or b.from == origin::stack;
    if (not contexts and not stacks) return {};
    const auto is_base = [](const context_value &v) {
        return v.from == origin::context or v.from == origin::stack;
    };
    if (is_base(a) and b.from == origin::number) {
        const bool far = b.offset > farthest or b.offset < -farthest;
        return with_offset(a, far ? any_offset : adds ? b.offset : -b.offset);
    }
    if (adds and is_base(b) and a.from == origin::number) return with_offset(b, a.offset);
    if (contexts) {
        if (a.of_context() and b.of_context() and not adds) return {};
        const bool is_mixed = a.from == origin::mixed or b.from == origin::mixed;
        return {.from = is_mixed ? origin::mixed : origin::modified};
    }
    if (a.from == origin::stack and b.from == origin::stack) return {};
    if (b.from == origin::stack and not adds) return {};
    context_value moved = a.from == origin::stack ? a : b;
    moved.offset = any_offset;
    return moved;
}

bool context_state::merge(const context_state &arriving) {
    if (not reached) {
        *this = arriving;
        return true;
    }
    bool changed = false;
    for (unsigned r = 0; r < std::size(registers); ++r) {
        const context_value joined = join(registers[r], arriving.registers[r]);
        changed = changed or joined != registers[r];
        registers[r] = joined;
    }
    for (const auto &[function, words] : arriving.frames) {
        const auto [mine, is_new] = frames.try_emplace(function, words);
        changed = (not is_new and merge_words(mine->second, words)) or is_new or changed;
    }
    return changed;
}

context_value context_state::load(const context_value &address) const {
    if (address.from != origin::stack) return {};
    std::optional<context_value> all;
    const auto add = [&all](const context_value &v) { all = all ? join(*all, v) : v; };
    for (const auto &[function, words] : frames) {
        if (not address.may_be_in(function)) continue;
        if (address.offset == any_offset) {
            add({});
            for (const auto &[at, v] : words) add(v);
        } else {
            const auto word = words.find(address.offset);
            add(word == words.end() ? context_value{} : word->second);
        }
    }
    return all.value_or(context_value{});
}

bool context_state::store(const context_value &address, const context_value &value,
                          unsigned width) {
    if (address.from != origin::stack) return true;
    const int64_t at = address.offset;
    if (at < -followed_frame or at >= 0) return not value.of_context();  // any_offset is beyond
    const bool perhaps = address.perhaps or address.function == several_functions;
    const bool is_whole = width == word_size and at == word_of(at);
    bool is_followed = not value.of_context();
    for (auto &[function, words] : frames) {
        if (not address.may_be_in(function)) continue;
        is_followed = true;
        for (int64_t word = word_of(at); word < at + int64_t{width}; word += word_size)
            put(words, word, is_whole ? value : context_value{}, perhaps);
    }
    return is_followed;
}

std::map<uint32_t, frame_words> context_state::frames_of(
    std::span<const context_value> arguments) const {
    std::map<uint32_t, frame_words> found;
    std::vector<context_value> ahead(arguments.begin(), arguments.end());
    while (not ahead.empty()) {
        const context_value v = ahead.back();
        ahead.pop_back();
        if (v.from != origin::stack) continue;
        for (const auto &[function, words] : frames) {
            if (not v.may_be_in(function)) continue;
            if (not found.emplace(function, words).second) continue;
            for (const auto &[at, word] : words) ahead.push_back(word);
        }
    }
    return found;
}

}  // namespace bpftime::vm::runtime
