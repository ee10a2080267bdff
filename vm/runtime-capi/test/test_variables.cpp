// bpftime-vm: variables of objects in C
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "c_api.hpp"

namespace runtime_c_api {

namespace {

constexpr std::string_view source = R"(
const volatile u32 limit = 9;
u64 total = 5;
static volatile u8 hidden = 3;
struct { u32 limit; unsigned short ports[4]; } config = {.limit = 2};
extern int CONFIG_HZ __attribute__((section(".kconfig")));
SEC("raw_tp") int f(void *ctx) { total += hidden; return limit + CONFIG_HZ + config.limit - 2 + config.ports[1]; }
)";

class variables : public on_engines {
protected:
    object_ptr object_ = open(source);

    void load() {
        const auto o = options();
        ASSERT_EQ(ebpf_object_load(object_.get(), &o), 0) << ebpf_last_error();
    }
    template <typename T>
    T get(const char *name) {
        T value{};
        EXPECT_EQ(ebpf_object_get_global(object_.get(), name, &value, sizeof value), 0)
            << ebpf_last_error();
        return value;
    }
    template <typename T>
    int set(const char *name, T value) {
        return ebpf_object_set_global(object_.get(), name, &value, sizeof value);
    }
};
ON_ENGINES(variables);

TEST_P(variables, are_set_before_and_after_loading) {
    EXPECT_EQ(get<uint32_t>("limit"), 9U);
    ASSERT_EQ(set("limit", uint32_t{500}), 0) << ebpf_last_error();
    ASSERT_EQ(set("total", uint64_t{10}), 0);
    ASSERT_EQ(ebpf_object_set_kconfig(object_.get(), "CONFIG_HZ", "1000"), 0) << ebpf_last_error();
    EXPECT_EQ(get<uint32_t>("limit"), 500U);
    load();
    EXPECT_EQ(run(object_, "f"), 1500);
    EXPECT_EQ(get<uint64_t>("total"), 13U);
    ASSERT_EQ(set("total", uint64_t{100}), 0) << ebpf_last_error();
    ASSERT_EQ(set("hidden", uint8_t{7}), 0) << ebpf_last_error();
    run(object_, "f");
    EXPECT_EQ(get<uint64_t>("total"), 107U);
    EXPECT_EQ(get<uint32_t>("limit"), 500U);
    EXPECT_FAILS(set("limit", uint32_t{1}), EBPF_ERROR_INVALID_ARGUMENT, EPERM, "frozen");
    EXPECT_FAILS(ebpf_object_set_kconfig(object_.get(), "CONFIG_HZ", "1"),
                 EBPF_ERROR_ALREADY_EXISTS, EINVAL, "loaded already");
}

TEST_P(variables, have_parts) {
    EXPECT_EQ(get<uint32_t>("config.limit"), 2U);
    ASSERT_EQ(set("config.limit", uint32_t{5}), 0) << ebpf_last_error();
    ASSERT_EQ(ebpf_object_set_kconfig(object_.get(), "CONFIG_HZ", "1000"), 0);
    load();
    EXPECT_EQ(run(object_, "f"), 1012);
    ASSERT_EQ(set("config.ports[1]", uint16_t{80}), 0) << ebpf_last_error();
    EXPECT_EQ(run(object_, "f"), 1092);
    EXPECT_EQ(get<uint16_t>("config.ports[1]"), 80U);
    EXPECT_FAILS(set("config.ports[4]", uint16_t{80}), EBPF_ERROR_NOT_FOUND, EINVAL,
                 "no variable 'config.ports[4]': 'config.ports' has 4 elements");
    EXPECT_FAILS(set("config.limit", uint16_t{80}), EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "4");
}

TEST_P(variables, have_sizes) {
    for (const bool is_loaded : {false, true}) {
        if (is_loaded) {
            ASSERT_EQ(ebpf_object_set_kconfig(object_.get(), "CONFIG_HZ", "1"), 0);
            load();
        }
        uint32_t small = 0;
        EXPECT_FAILS(ebpf_object_get_global(object_.get(), "total", &small, sizeof small),
                     EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "4 bytes, but the variable has 8");
        EXPECT_FAILS(set("total", uint32_t{1}), EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "8");
        EXPECT_FAILS(set("none", uint32_t{1}), EBPF_ERROR_NOT_FOUND, EINVAL,
                     "the object has no global variable 'none'");
        EXPECT_FAILS(set(nullptr, uint32_t{1}), EBPF_ERROR_INVALID_ARGUMENT, EINVAL,
                     "name is NULL");
        EXPECT_FAILS(ebpf_object_get_global(object_.get(), "total", nullptr, 8),
                     EBPF_ERROR_INVALID_ARGUMENT, EINVAL, "value is NULL");
    }
}

TEST_P(variables, are_listed) {
    std::vector<const char *> names(ebpf_object_list_globals(object_.get(), nullptr, 0));
    EXPECT_EQ(ebpf_object_list_globals(object_.get(), names.data(), names.size()), names.size());
    EXPECT_THAT(names,
                testing::UnorderedElementsAre(testing::StrEq("limit"), testing::StrEq("total"),
                                              testing::StrEq("hidden"), testing::StrEq("config"),
                                              testing::StrEq("CONFIG_HZ")));
    auto info = sized<ebpf_global_info>();
    ASSERT_EQ(ebpf_object_get_global_info(object_.get(), "limit", &info), 0) << ebpf_last_error();
    EXPECT_STREQ(info.section, ".rodata");
    EXPECT_EQ(info.value_size, 4U);
    EXPECT_EQ(info.is_constant, 1U);
    ASSERT_EQ(ebpf_object_get_global_info(object_.get(), "total", &info), 0) << ebpf_last_error();
    EXPECT_STREQ(info.section, ".data");
    EXPECT_EQ(info.is_constant, 0U);
}

}  // namespace

}  // namespace runtime_c_api
