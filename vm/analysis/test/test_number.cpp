// bpftime-vm: tests of arithmetic on sets of words: they hold what the words give
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "isa/arithmetic.hpp"
#include "number.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace bpftime::vm::analysis {
namespace {

using isa::operation;
using isa::width;

/// Words near which arithmetic changes its mind.
constexpr auto corners = std::to_array<uint64_t>({
    0,
    1,
    2,
    3,
    7,
    8,
    31,
    32,
    33,
    63,
    64,
    127,
    128,
    255,
    256,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff'ffff,
    0x8000'0000,
    0xffff'fffe,
    0xffff'ffff,
    0x1'0000'0000,
    0x1'0000'0001,
    0x7fff'ffff'ffff'ffff,
    0x8000'0000'0000'0000,
    0x8000'0000'0000'0001,
    0xffff'ffff'0000'0000,
    0xffff'ffff'8000'0000,
    0xffff'ffff'7fff'ffff,
    0xffff'ffff'ffff'ff80,
    0xffff'ffff'ffff'fffe,
    0xffff'ffff'ffff'ffff,
});

class words {
public:
    explicit words(uint64_t seed) : random_{seed} {}

    uint64_t any() {
        switch (random_() % 4) {
        case 0: return any_corner();
        case 1: return any_corner() + random_() % 16 - 8;
        case 2: return random_() >> random_() % 64;
        default: return random_();
        }
    }

    /// A set, and words of it.
    std::pair<number, std::vector<uint64_t>> set() {
        std::vector<uint64_t> members{any()};
        const std::size_t count = random_() % 4;
        // Neighbours, multiples, or anything.
        const uint64_t near = random_() % 3;
        const uint64_t step = uint64_t{1} << random_() % 8;
        for (std::size_t i = 0; i < count; ++i) {
            members.push_back(near == 0   ? members[0] + random_() % 64
                              : near == 1 ? members[0] + step * (random_() % 1024)
                                          : any());
        }
        number n = number::constant(members[0]);
        for (const uint64_t word : members) n = join(n, number::constant(word));
        // Some say less than they could.
        if (random_() % 3 == 0) n = join(n, number::constant(any()));
        return {n, members};
    }

    uint64_t operator()() { return random_(); }

private:
    uint64_t any_corner() { return corners[static_cast<std::size_t>(random_() % corners.size())]; }

    std::mt19937_64 random_;
};

template <operation... Ops>
struct operations {
    template <typename Visit>
    static void for_each(Visit &&visit) {
        (visit.template operator()<Ops>(), ...);
    }
};

using alu_operations =
    operations<operation::add, operation::sub, operation::mul, operation::div, operation::sdiv,
               operation::mod, operation::smod, operation::or_, operation::and_, operation::xor_,
               operation::lsh, operation::rsh, operation::arsh, operation::mov>;
using branch_operations =
    operations<operation::jeq, operation::jne, operation::jgt, operation::jge, operation::jlt,
               operation::jle, operation::jset, operation::jsgt, operation::jsge, operation::jslt,
               operation::jsle>;

constexpr int rounds = 20000;

template <operation Op, width W>
void check_alu(words &random) {
    for (int round = 0; round < rounds; ++round) {
        const auto [a, as] = random.set();
        const auto [b, bs] = random.set();
        const number out = alu(Op, W, a, b);
        for (const uint64_t x : as) {
            for (const uint64_t y : bs) {
                const uint64_t word = isa::alu<Op, W>(x, y);
                ASSERT_TRUE(out.holds(word))
                    << isa::info(Op).name << " of " << x << " in " << to_text(a) << " and " << y
                    << " in " << to_text(b) << " is " << word << ", not in " << to_text(out);
            }
        }
    }
}

TEST(number, holds_results_of_arithmetic) {
    words random{1};
    alu_operations::for_each([&]<operation Op> {
        check_alu<Op, width::w64>(random);
        check_alu<Op, width::w32>(random);
    });
}

template <operation Op, width W>
void check_convert(words &random) {
    for (int round = 0; round < rounds; ++round) {
        const auto [a, as] = random.set();
        const number out = convert(Op, W, a);
        for (const uint64_t x : as)
            ASSERT_TRUE(out.holds((isa::convert<Op, W>(x))))
                << isa::info(Op).name << " of " << x << " in " << to_text(a);
    }
}

TEST(number, holds_results_of_conversions) {
    words random{2};
    check_convert<operation::neg, width::w64>(random);
    check_convert<operation::neg, width::w32>(random);
    check_convert<operation::movsx8, width::w64>(random);
    check_convert<operation::movsx8, width::w32>(random);
    check_convert<operation::movsx16, width::w64>(random);
    check_convert<operation::movsx16, width::w32>(random);
    check_convert<operation::movsx32, width::w64>(random);
    check_convert<operation::le, width::w16>(random);
    check_convert<operation::le, width::w32>(random);
    check_convert<operation::le, width::w64>(random);
    check_convert<operation::be, width::w16>(random);
    check_convert<operation::be, width::w32>(random);
    check_convert<operation::be, width::w64>(random);
    check_convert<operation::bswap, width::w16>(random);
    check_convert<operation::bswap, width::w32>(random);
    check_convert<operation::bswap, width::w64>(random);
}

template <operation Op, width W>
void check_branch(words &random) {
    for (int round = 0; round < rounds; ++round) {
        const auto [a, as] = random.set();
        const auto [b, bs] = random.set();
        for (const uint64_t x : as) {
            for (const uint64_t y : bs) {
                number left = a;
                number right = b;
                const bool taken = isa::is_taken<Op, W>(x, y);
                ASSERT_TRUE(refine(Op, W, left, right, taken) and left.holds(x) and right.holds(y))
                    << x << " in " << to_text(a) << " " << isa::info(Op).symbol << " " << y
                    << " in " << to_text(b) << " is " << taken;
            }
        }
    }
}

TEST(number, branches_leave_the_words_that_go_there) {
    words random{3};
    branch_operations::for_each([&]<operation Op> {
        check_branch<Op, width::w64>(random);
        check_branch<Op, width::w32>(random);
    });
}

/// What is left of a set with `word` where the branch goes that compares it.
template <operation Op, width W>
void follow_branch(number &n, uint64_t word, uint64_t with) {
    number c = number::constant(with);
    ASSERT_TRUE(refine(Op, W, n, c, isa::is_taken<Op, W>(word, with)));
}

TEST(number, one_word_is_one_in_all_members) {
    words random{7};
    int found = 0;
    for (int round = 0; round < rounds; ++round) {
        const uint64_t word = random.any();
        number n;
        for (int branches = 0; branches < 5; ++branches) {
            // Signs are told apart by what is far off, words by what is near.
            const uint64_t with = random() % 2 == 0 ? word + random() % 2 : word - random() % 4096;
            switch (random() % 6) {
            case 0: follow_branch<operation::jge, width::w64>(n, word, with); break;
            case 1: follow_branch<operation::jle, width::w64>(n, word, with); break;
            case 2: follow_branch<operation::jsgt, width::w64>(n, word, with); break;
            case 3:
                follow_branch<operation::jslt, width::w64>(n, word, word + random() % 4096);
                break;
            case 4: follow_branch<operation::jgt, width::w32>(n, word, with); break;
            default: follow_branch<operation::jslt, width::w32>(n, word, with); break;
            }
            ASSERT_TRUE(n.holds(word));
            if (not n.is_constant()) continue;
            ++found;
            ASSERT_EQ(n, number::constant(word)) << to_text(n);
        }
    }
    EXPECT_GT(found, rounds / 100);
}

/// Sets that programs come to: hulls of words, ranges, and what is left of them behind branches.
/// Some have no word, which need not be seen.
class made_sets {
public:
    explicit made_sets(uint64_t seed) : words_{seed} {}

    void step() {
        number &n = any();
        number &m = any();
        switch (words_() % 8) {
        case 0: n = words_.set().first; break;
        case 1: n = join(n, m); break;
        case 2: n = widen(n, m, {}); break;
        case 3:
            n = words_() % 2 == 0 ? zero_extend(n, any_width()) : sign_extend(n, any_width());
            break;
        case 4: take(n, m); break;
        case 5: n = calculate(n, m); break;
        default: follow(n, m); break;
        }
    }
    [[nodiscard]] const std::array<number, 3> &all() const { return all_; }

private:
    number &any() { return all_[static_cast<std::size_t>(words_() % all_.size())]; }
    width any_width() {
        constexpr width widths[] = {width::w8, width::w16, width::w32};
        return widths[words_() % 3];
    }
    width any_whole() { return words_() % 2 == 0 ? width::w64 : width::w32; }

    static void take(number &n, const number &m) {
        number both = n;
        if (intersect(both, m)) n = both;
    }
    number calculate(const number &n, const number &m) {
        number out;
        uint64_t which = words_() % 14;
        alu_operations::for_each([&]<operation Op> {
            if (which-- == 0) out = alu(Op, any_whole(), n, m);
        });
        return out;
    }
    void follow(number &n, const number &m) {
        number left = n;
        number right = words_() % 2 == 0 ? m : number::constant(words_.any());
        bool is_possible = false;
        uint64_t which = words_() % 11;
        branch_operations::for_each([&]<operation Op> {
            if (which-- == 0) is_possible = refine(Op, any_whole(), left, right, words_() % 2 == 0);
        });
        if (is_possible) n = left;
    }

    words words_;
    std::array<number, 3> all_;
};

/// Others ask whether a set is one word, or divide by its ends: of any set, whatever it was made
/// of.
TEST(number, is_never_empty_and_one_word_in_all_members_or_none) {
    for (int round = 0; round < rounds; ++round) {
        made_sets sets{static_cast<uint64_t>(round)};
        for (int steps = 0; steps < 30; ++steps) {
            sets.step();
            for (const number &n : sets.all()) {
                ASSERT_TRUE(n.umin <= n.umax and n.smin <= n.smax and n.umin32 <= n.umax32 and
                            n.smin32 <= n.smax32 and (n.bits.value & n.bits.unknown) == 0)
                    << round << " " << to_text(n);
                ASSERT_TRUE(not n.is_constant() or n == number::constant(n.umin))
                    << round << " " << to_text(n);
            }
        }
    }
}

/// A word that is 0 or all ones in its low half, even and above 15: there is none, but no member
/// says so.
TEST(number, divides_by_what_is_no_word) {
    number n = alu(operation::arsh, width::w32, {}, number::constant(31));
    number one = number::constant(1);
    number most = number::constant(15);
    if (not refine(operation::jset, width::w64, n, one, false) or
        not refine(operation::jgt, width::w64, n, most, true))
        return;
    const number none = alu(operation::mul, width::w32, n, number::constant(~uint64_t{0}));
    for (const operation op : {operation::div, operation::sdiv, operation::mod, operation::smod})
        EXPECT_TRUE(alu(op, width::w64, {}, none).holds(0));
}

/// All sets of up to three words near which arithmetic changes its mind.
std::vector<std::pair<number, std::vector<uint64_t>>> sets_of_corners() {
    constexpr auto some = std::to_array<uint64_t>({0, 1, 0x7fff'ffff, 0x8000'0000, 0xffff'ffff,
                                                   0x1'0000'0000, 0x7fff'ffff'ffff'ffff,
                                                   0x8000'0000'0000'0000, 0xffff'ffff'7fff'ffff,
                                                   0xffff'ffff'8000'0000, 0xffff'ffff'ffff'ffff});
    std::vector<std::pair<number, std::vector<uint64_t>>> all;
    for (std::size_t i = 0; i < some.size(); ++i) {
        all.push_back({number::constant(some[i]), {some[i]}});
        for (std::size_t j = i + 1; j < some.size(); ++j) {
            const uint64_t a = some[i];
            const uint64_t b = some[j];
            const uint64_t middle = a + (b - a) / 2;
            all.push_back({join(number::constant(a), number::constant(b)), {a, b}});
            all.push_back({range_of(a, b), {a, middle, b}});
            const auto [least, most] =
                std::minmax({static_cast<int64_t>(a), static_cast<int64_t>(b)});
            all.push_back({signed_range_of(least, most), {a, b}});
        }
    }
    return all;
}

TEST(number, holds_all_results_for_sets_of_corners) {
    const auto sets = sets_of_corners();
    for (const auto &[a, as] : sets) {
        for (const auto &[b, bs] : sets) {
            const auto check = [&]<operation Op, width W> {
                const number out = alu(Op, W, a, b);
                for (const uint64_t x : as) {
                    for (const uint64_t y : bs)
                        ASSERT_TRUE(out.holds(isa::alu<Op, W>(x, y)))
                            << isa::info(Op).name << " of " << x << " in " << to_text(a) << " and "
                            << y << " in " << to_text(b);
                }
            };
            alu_operations::for_each([&]<operation Op> {
                check.template operator()<Op, width::w64>();
                check.template operator()<Op, width::w32>();
            });
        }
    }
}

TEST(number, branches_leave_the_words_for_sets_of_corners) {
    const auto sets = sets_of_corners();
    for (const auto &[a, as] : sets) {
        for (const auto &[b, bs] : sets) {
            const auto check = [&]<operation Op, width W> {
                for (const bool taken : {false, true}) {
                    number left = a;
                    number right = b;
                    const bool is_possible = refine(Op, W, left, right, taken);
                    for (const uint64_t x : as) {
                        for (const uint64_t y : bs)
                            ASSERT_TRUE((isa::is_taken<Op, W>(x, y)) != taken or
                                        (is_possible and left.holds(x) and right.holds(y)))
                                << x << " in " << to_text(a) << " " << isa::info(Op).symbol << " "
                                << y << " in " << to_text(b) << " is " << taken;
                    }
                }
            };
            branch_operations::for_each([&]<operation Op> {
                check.template operator()<Op, width::w64>();
                check.template operator()<Op, width::w32>();
            });
        }
    }
}

TEST(number, joins_and_widening_hold_both) {
    words random{4};
    for (int round = 0; round < rounds; ++round) {
        const auto [a, as] = random.set();
        const auto [b, bs] = random.set();
        const std::vector<int64_t> thresholds{-128, -1, 0, 63, 64, 65, INT32_MAX};
        for (const number &n : {join(a, b), widen(a, b, {}), widen(a, b, thresholds)}) {
            for (const uint64_t word : as) ASSERT_TRUE(n.holds(word)) << word << to_text(n);
            for (const uint64_t word : bs) ASSERT_TRUE(n.holds(word)) << word << to_text(n);
        }
    }
}

TEST(number, widening_ends) {
    words random{5};
    for (int round = 0; round < rounds; ++round) {
        number n = random.set().first;
        int steps = 0;
        for (int i = 0; i < 200; ++i) {
            const number wider = widen(n, random.set().first, {});
            steps += wider != n;
            n = wider;
        }
        // Each bound goes to its end once, low bits are lost one by one at most.
        ASSERT_LE(steps, 8 + 64);
    }
}

TEST(number, intersections_hold_what_both_hold) {
    words random{6};
    for (int round = 0; round < rounds; ++round) {
        const auto [a, as] = random.set();
        number b = random.set().first;
        b = join(b, number::constant(as[0]));
        number both = a;
        ASSERT_TRUE(intersect(both, b));
        ASSERT_TRUE(both.holds(as[0]));
    }
}

/// Every set of words of four bits, by exhaustion: the operations on their low bits are those of
/// words that are small.
TEST(number, is_exact_enough_for_small_words) {
    for (uint64_t least = 0; least < 16; ++least) {
        for (uint64_t most = least; most < 16; ++most) {
            for (uint64_t k = 0; k < 16; ++k) {
                const number n = range_of(least, most);
                const number c = number::constant(k);
                const number sum = alu(operation::add, width::w64, n, c);
                EXPECT_EQ(sum.umin, least + k);
                EXPECT_EQ(sum.umax, most + k);
                for (uint64_t word = least; word <= most; ++word) {
                    alu_operations::for_each([&]<operation Op> {
                        EXPECT_TRUE(
                            alu(Op, width::w64, n, c).holds(isa::alu<Op, width::w64>(word, k)));
                        EXPECT_TRUE(
                            alu(Op, width::w32, c, n).holds(isa::alu<Op, width::w32>(k, word)));
                    });
                }
                number left = n;
                number right = c;
                const bool below = refine(operation::jlt, width::w64, left, right, true);
                EXPECT_EQ(below, least < k);
                if (below) {
                    EXPECT_EQ(left.umax, std::min(most, k - 1));
                }
            }
        }
    }
}

}  // namespace
}  // namespace bpftime::vm::analysis
