// bpftime-vm: ring buffers
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

#include <poll.h>
#include <unistd.h>

#include <thread>

namespace bpftime::vm::runtime::test {

namespace {

class ring : public testing::Test {
protected:
    [[nodiscard]] std::size_t page() const { return static_cast<std::size_t>(getpagesize()); }
    [[nodiscard]] uint32_t header_word(std::size_t position) {
        return number_of<uint32_t>(ring_.memory(), 2 * page() + position);
    }
    std::vector<std::string> consume() {
        std::vector<std::string> records;
        ring_.consume([&](std::span<const uint8_t> r) {
            records.emplace_back(r.begin(), r.end());
            return true;
        });
        return records;
    }
    int output(std::string_view text, uint64_t flags = 0) {
        return ring_.output(text.data(), text.size(), flags);
    }
    [[nodiscard]] bool is_readable(int timeout_ms = 0) {
        pollfd event{ring_.event_fd(), POLLIN, 0};
        return ::poll(&event, 1, timeout_ms) == 1;
    }

    std::shared_ptr<map> map_ = make(map_type::ringbuf, 4096);
    ring_buffer &ring_ = *as_ring_buffer(map_.get());
};

TEST_F(ring, has_the_kernel_s_layout) {
    void *const record = ring_.reserve(5, 0);
    ASSERT_NE(record, nullptr);
    EXPECT_EQ(header_word(0), 5U | ring_buffer::busy_bit);
    EXPECT_EQ(header_word(4), 2U);
    EXPECT_EQ(number_of(ring_.memory(), page()), 16U);
    EXPECT_EQ(number_of(ring_.memory(), 0), 0U);
    std::memcpy(record, "hello", 5);
    ring_.submit(record, 0);
    EXPECT_EQ(header_word(0), 5U);
    EXPECT_EQ(consume(), std::vector<std::string>{"hello"});
    EXPECT_EQ(number_of(ring_.memory(), 0), 16U);
}

TEST_F(ring, keeps_records_behind_a_busy_one) {
    void *const first = ring_.reserve(1, 0);
    ASSERT_EQ(output("second"), 0);
    EXPECT_TRUE(consume().empty());
    ring_.discard(first, 0);
    EXPECT_EQ(header_word(0), 1U | ring_buffer::discard_bit);
    EXPECT_EQ(consume(), std::vector<std::string>{"second"});
}

TEST_F(ring, is_never_quite_full) {
    EXPECT_EQ(ring_.reserve(4096 - 8 + 1, 0), nullptr);
    EXPECT_EQ(ring_.reserve(4096 - 8, 0), nullptr);
    EXPECT_NE(ring_.reserve(4096 - 16, 0), nullptr);
    EXPECT_EQ(output(""), -EAGAIN);
}

TEST_F(ring, refuses_unknown_flags_and_sizes) {
    EXPECT_EQ(ring_.reserve(8, 1), nullptr);
    EXPECT_EQ(ring_.reserve(uint64_t{1} << 40, 0), nullptr);
    EXPECT_EQ(output("x", 4), -EINVAL);
}

TEST_F(ring, wraps_records_around_in_one_piece) {
    const std::string text(1000, 'a');
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(output(text), 0);
        ASSERT_EQ(consume(), std::vector{text});
    }
}

TEST_F(ring, tells_its_positions) {
    ASSERT_EQ(output("12345678"), 0);
    ASSERT_EQ(output("1"), 0);
    EXPECT_EQ(ring_.query(0), 32U);
    EXPECT_EQ(ring_.query(1), 4096U);
    EXPECT_EQ(ring_.query(2), 0U);
    EXPECT_EQ(ring_.query(3), 32U);
    EXPECT_EQ(ring_.query(4), 0U);
}

TEST_F(ring, wakes_the_consumer_for_the_record_that_it_waits_for) {
    EXPECT_FALSE(is_readable());
    ASSERT_EQ(output("x", ring_no_wakeup), 0);
    EXPECT_FALSE(is_readable());
    ASSERT_EQ(output("x"), 0);
    EXPECT_FALSE(is_readable());  // the consumer has not come to the first one
    ASSERT_EQ(output("x", ring_force_wakeup), 0);
    EXPECT_TRUE(is_readable());
}

TEST_F(ring, has_a_file_descriptor_that_is_readable_until_records_are_consumed) {
    ASSERT_EQ(output("x"), 0);
    EXPECT_TRUE(is_readable());
    EXPECT_EQ(consume().size(), 1U);
    EXPECT_FALSE(is_readable());
    ASSERT_EQ(output("y"), 0);
    EXPECT_TRUE(is_readable());
}

TEST_F(ring, lets_a_callback_stop) {
    ASSERT_EQ(output("a"), 0);
    ASSERT_EQ(output("b"), 0);
    EXPECT_EQ(ring_.consume([](auto) { return false; }), 1U);
    EXPECT_EQ(consume(), std::vector<std::string>{"b"});
}

TEST_F(ring, polls_until_a_record_comes_or_time_is_up) {
    const auto take = [](auto) { return true; };
    EXPECT_EQ(ring_.poll(take, std::chrono::milliseconds{1}), 0U);
    std::thread producer{[&] {
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
        EXPECT_EQ(output("x"), 0);
    }};
    EXPECT_EQ(ring_.poll(take, std::chrono::milliseconds{-1}), 1U);
    producer.join();
}

TEST_F(ring, stops_polling_when_woken) {
    std::thread waker{[&] { ring_.wake(); }};
    EXPECT_EQ(ring_.poll([](auto) { return true; }, std::chrono::milliseconds{-1}), 0U);
    waker.join();
}

TEST_F(ring, is_no_dictionary) {
    EXPECT_EQ(errno_of(map_->update({}, {})), not_supported);
    EXPECT_EQ(errno_of(map_->remove({})), not_supported);
    EXPECT_EQ(errno_of(map_->next_key({})), not_supported);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
