// bpftime-vm: maps of objects: of maps, programs, ring buffers
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "runtime/read_section.hpp"
#include "support.hpp"

namespace bpftime::vm::runtime::test {

namespace {

class map_of_maps : public testing::TestWithParam<map_type> {
protected:
    std::shared_ptr<map> inner_ = make(map_type::array, 2);
    std::shared_ptr<map> outer_ = make(define(GetParam(), 4), inner_);
    object_map &objects() { return *as_object_map(outer_.get()); }
};

TEST_P(map_of_maps, gives_programs_the_inner_map) {
    ASSERT_EQ(errno_of(objects().set_map(key(1), inner_)), 0);
    const read_section reading;
    EXPECT_EQ(outer_->lookup_elem(key(1).data()), inner_.get());
    EXPECT_EQ(outer_->lookup_elem(key(2).data()), nullptr);
}

TEST_P(map_of_maps, gives_the_host_its_id) {
    ASSERT_EQ(errno_of(objects().set_map(key(1), inner_)), 0);
    EXPECT_EQ(outer_->lookup(key(1)).value(), key(inner_->id()));
    EXPECT_EQ(errno_of(outer_->lookup(key(2))), ENOENT);
    EXPECT_EQ(errno_of(outer_->update(key(1), key(inner_->id()))), EBADF);
}

TEST_P(map_of_maps, takes_maps_that_are_like_the_first) {
    EXPECT_EQ(errno_of(objects().set_map(key(1), make(map_type::array, 2))), 0);
    EXPECT_EQ(errno_of(objects().set_map(key(1), make(map_type::array, 3))), EINVAL);
    EXPECT_EQ(errno_of(objects().set_map(key(1), make(map_type::hash, 2))), EINVAL);
    EXPECT_EQ(errno_of(objects().set_map(key(1), nullptr)), EINVAL);
}

TEST_P(map_of_maps, keeps_an_inner_map_until_readers_have_finished) {
    std::weak_ptr<map> watched;
    {
        auto replaced = make(map_type::array, 2);
        watched = replaced;
        ASSERT_EQ(errno_of(objects().set_map(key(1), std::move(replaced))), 0);
    }
    {
        const read_section reading;
        EXPECT_NE(outer_->lookup_elem(key(1).data()), nullptr);
        ASSERT_EQ(errno_of(outer_->remove(key(1))), 0);
        EXPECT_EQ(outer_->lookup_elem(key(1).data()), nullptr);
        EXPECT_FALSE(watched.expired());
    }
    EXPECT_TRUE(watched.expired());
    EXPECT_EQ(errno_of(outer_->remove(key(1))), ENOENT);
}

TEST_P(map_of_maps, needs_an_inner_map_that_holds_none) {
    EXPECT_EQ(errno_of(map::create(define(GetParam(), 4))), EBADF);
    EXPECT_EQ(errno_of(map::create(define(GetParam(), 4), outer_)), EINVAL);
}

INSTANTIATE_TEST_SUITE_P(types, map_of_maps,
                         testing::Values(map_type::array_of_maps, map_type::hash_of_maps),
                         [](const auto &instance) {
                             return std::string{instance.param == map_type::array_of_maps ? "array"
                                                                                          : "hash"};
                         });

TEST(array_of_maps, takes_arrays_of_any_size_if_told_so) {
    const auto inner = make(map_type::array, 2, map_inner_map);
    const auto outer = make(define(map_type::array_of_maps, 4), inner);
    const auto other = make(map_type::array, 5, map_inner_map);
    EXPECT_EQ(errno_of(as_object_map(outer.get())->set_map(key(0), other)), 0);
}

TEST(hash_of_maps, is_full_as_other_hash_maps_are) {
    const auto inner = make(map_type::array, 2);
    const auto outer = make(define(map_type::hash_of_maps, 1), inner);
    object_map &objects = *as_object_map(outer.get());
    EXPECT_EQ(errno_of(objects.set_map(key(1), inner, update_exist)), ENOENT);
    EXPECT_EQ(errno_of(objects.set_map(key(1), inner)), 0);
    EXPECT_EQ(errno_of(objects.set_map(key(1), inner, update_noexist)), EEXIST);
    EXPECT_EQ(errno_of(objects.set_map(key(2), inner)), E2BIG);
    EXPECT_EQ(keys_of(*outer), (std::vector<bytes>{key(1)}));
}

TEST(prog_array, holds_the_host_s_objects) {
    const auto m = make(map_type::prog_array, 2);
    const auto program = std::make_shared<int>(5);
    object_map &objects = *as_object_map(m.get());
    ASSERT_EQ(errno_of(objects.set_program(key(1), program, 42, any_program)), 0);
    EXPECT_EQ(errno_of(objects.set_program(key(2), program, 42, any_program)), E2BIG);
    EXPECT_EQ(m->lookup(key(1)).value(), key(42));
    {
        const read_section reading;
        EXPECT_EQ(m->lookup_elem(key(1).data()), program.get());
        EXPECT_EQ(errno_of(m->remove(key(1))), 0);
    }
    EXPECT_EQ(errno_of(m->remove(key(1))), ENOENT);
    EXPECT_EQ(errno_of(m->remove(key(9))), E2BIG);
    EXPECT_EQ(program.use_count(), 1);
}

TEST(prog_array, is_for_programs_of_the_type_of_the_first) {
    const auto m = make(map_type::prog_array, 2);
    object_map &array = *as_object_map(m.get());
    const auto program = std::make_shared<int>(5);
    const array_user judge{object::program_type::xdp, "judge"};
    const array_user filter{object::program_type::sched_cls, "filter"};
    EXPECT_EQ(errno_of(array.set_program(key(2), program, 1, filter)), E2BIG);
    EXPECT_FALSE(array.admitted_type()) << "what was not put in does not count";
    ASSERT_EQ(errno_of(array.set_program(key(1), program, 1, judge)), 0);
    EXPECT_EQ(array.admitted_type(), object::program_type::xdp);
    const auto refused = array.set_program(key(0), program, 2, filter);
    ASSERT_EQ(errno_of(refused), EINVAL);
    EXPECT_EQ(refused.error().message,
              "program 'filter' is of type sched_cls, but map 'test' is for tail calls between "
              "programs of type xdp, as 'judge' is, its first one (EINVAL)");
    EXPECT_EQ(errno_of(m->lookup(key(0))), ENOENT);
    ASSERT_EQ(errno_of(m->remove(key(1))), 0);
    EXPECT_EQ(errno_of(array.admit(filter)), EINVAL) << "also when it is empty again";
    EXPECT_EQ(errno_of(array.admit(judge)), 0);
    EXPECT_EQ(errno_of(array.set_object(key(0), program, 1)), EINVAL);
}

TEST(prog_array, is_for_programs_of_the_type_of_the_first_that_uses_it) {
    const auto m = make(map_type::prog_array, 2);
    object_map &array = *as_object_map(m.get());
    EXPECT_EQ(errno_of(array.admit({object::program_type::socket_filter, "f"})), 0);
    EXPECT_EQ(errno_of(array.set_program(key(0), std::make_shared<int>(1), 1, any_program)),
              EINVAL);
}

TEST(object_maps, are_for_all_programs_if_they_hold_none) {
    const auto m = make(map_type::cgroup_array, 2);
    object_map &groups = *as_object_map(m.get());
    EXPECT_EQ(errno_of(groups.admit({object::program_type::xdp, "f"})), 0);
    EXPECT_EQ(errno_of(groups.admit({object::program_type::sched_cls, "g"})), 0);
    EXPECT_EQ(errno_of(groups.set_program(key(0), std::make_shared<int>(1), 1, any_program)),
              EINVAL);
}

TEST(perf_event_array, takes_ring_buffers) {
    const auto m = make(map_type::perf_event_array, 2);
    const auto ring = make(map_type::ringbuf, 4096);
    object_map &objects = *as_object_map(m.get());
    EXPECT_EQ(errno_of(objects.set_map(key(0), ring)), 0);
    EXPECT_EQ(errno_of(objects.set_map(key(0), make(map_type::array, 1))), EINVAL);
    EXPECT_EQ(errno_of(m->lookup(key(0))), not_supported);
}

TEST(object_maps, cannot_be_changed_when_they_are_frozen) {
    const auto program = std::make_shared<int>(1);
    const auto programs = make(map_type::prog_array, 2);
    ASSERT_EQ(errno_of(programs->freeze()), 0);
    EXPECT_EQ(errno_of(as_object_map(programs.get())->set_program(key(0), program, 1, any_program)),
              EPERM);
    const auto inner = make(map_type::array, 1);
    const auto outer = make(define(map_type::hash_of_maps, 2), inner);
    ASSERT_EQ(errno_of(outer->freeze()), 0);
    EXPECT_EQ(errno_of(as_object_map(outer.get())->set_map(key(0), inner)), EPERM);
}

TEST(perf_event_array, sends_all_to_one_ring_buffer) {
    const auto m = make(map_type::perf_event_array, 2);
    const auto ring = collect_events(*as_object_map(m.get()), 4096);
    ASSERT_TRUE(ring) << ring.error().message;
    const read_section reading;
    EXPECT_EQ(m->lookup_elem(key(0).data()), ring->get());
    EXPECT_EQ(m->lookup_elem(key(1).data()), ring->get());
    EXPECT_EQ(errno_of(collect_events(*as_object_map(m.get()), 4095)), EINVAL);
    const auto programs = make(map_type::prog_array, 2);
    EXPECT_EQ(errno_of(collect_events(*as_object_map(programs.get()), 4096)), EINVAL);
}

TEST(plain_map, is_no_map_of_objects) {
    EXPECT_EQ(as_object_map(make(map_type::array, 1).get()), nullptr);
    EXPECT_EQ(as_object_map(nullptr), nullptr);
}

}  // namespace

}  // namespace bpftime::vm::runtime::test
