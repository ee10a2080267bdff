// bpftime-vm: what the tests of the C API of objects and maps share
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "ebpf-object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace runtime_c_api {

using bytes = std::vector<uint8_t>;

struct close_handle {
    void operator()(ebpf_object *object) const noexcept { ebpf_object_close(object); }
    void operator()(ebpf_map *map) const noexcept { ebpf_map_close(map); }
    void operator()(char *text) const noexcept { ebpf_free(text); }
};
using object_ptr = std::unique_ptr<ebpf_object, close_handle>;
using map_ptr = std::unique_ptr<ebpf_map, close_handle>;
using text_ptr = std::unique_ptr<char, close_handle>;

/// The object that clang makes of the source behind a prologue like libbpf's headers; each source
/// is compiled once.
[[nodiscard]] const bytes &compiled(std::string_view source);

/// An opened object; the test fails if there is none.
[[nodiscard]] object_ptr open(std::string_view source);

/// A definition with keys of 4 bytes and values of 8.
[[nodiscard]] ebpf_map_definition define(uint32_t type, uint32_t max_entries);
/// A map; the test fails if there is none.
[[nodiscard]] map_ptr create(const ebpf_map_definition &definition);

/// A zeroed struct that tells its size.
template <typename Struct>
[[nodiscard]] Struct sized() {
    Struct s{};
    s.size = sizeof s;
    return s;
}

[[nodiscard]] ebpf_map_info info_of(const ebpf_map *map);
[[nodiscard]] ebpf_program_info info_of(const ebpf_program *program);

/// The value of a key of a map with keys of 4 bytes and values of 8; the test fails if there is
/// none.
[[nodiscard]] uint64_t value_of(ebpf_map *map, uint32_t key);
int update(ebpf_map *map, uint32_t key, uint64_t value, uint64_t flags = EBPF_UPDATE_ANY);

/// A test for each backend of this build.
class on_engines : public testing::TestWithParam<const char *> {
protected:
    [[nodiscard]] static ebpf_object_options options() {
        auto o = sized<ebpf_object_options>();
        o.backend = GetParam();
        return o;
    }
    /// Opened and loaded; the test fails if it is not.
    [[nodiscard]] static object_ptr load(std::string_view source);
    /// r0 of a run that must go well.
    static int64_t run(const object_ptr &object, const char *program);
};
[[nodiscard]] std::vector<const char *> backends();

struct backend_name {
    template <typename Info>
    std::string operator()(const Info &info) const {
        return info.param;
    }
};

#define ON_ENGINES(fixture)                                                                  \
    INSTANTIATE_TEST_SUITE_P(engines, fixture, testing::ValuesIn(runtime_c_api::backends()), \
                             runtime_c_api::backend_name{})

/// What a failed call is: code, errno, message.
#define EXPECT_FAILS(call, code, number, message)                    \
    do {                                                             \
        errno = 0;                                                   \
        EXPECT_EQ(call, code) << ebpf_last_error();                  \
        EXPECT_EQ(errno, number);                                    \
        EXPECT_THAT(ebpf_last_error(), testing::HasSubstr(message)); \
    } while (false)

}  // namespace runtime_c_api
