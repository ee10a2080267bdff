// bpftime-vm: tests of what objects leave undefined: kernel configuration, functions, variables
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "support.hpp"

#include <gmock/gmock.h>

#include <cstring>

namespace bpftime::vm::object::test {

namespace {

using testing::ElementsAre;
using testing::StartsWith;

constexpr std::string_view configured = R"(
enum libbpf_tristate { TRI_NO = 0, TRI_YES = 1, TRI_MODULE = 2 };
extern int LINUX_KERNEL_VERSION KCONFIG;
extern _Bool LINUX_HAS_SYSCALL_WRAPPER KCONFIG;
extern const int CONFIG_HZ KCONFIG;
extern const signed char CONFIG_SMALL KCONFIG;
extern enum libbpf_tristate CONFIG_NET KCONFIG WEAK;
extern _Bool CONFIG_SMP KCONFIG WEAK;
extern char CONFIG_LETTER KCONFIG WEAK;
extern const char CONFIG_NAME[8] KCONFIG WEAK;
SEC("xdp") int version(void *ctx) { return LINUX_KERNEL_VERSION; }
SEC("xdp") int wrapper(void *ctx) { return LINUX_HAS_SYSCALL_WRAPPER; }
SEC("xdp") int needs(void *ctx) { return CONFIG_HZ + CONFIG_SMALL; }
SEC("xdp") int asks(void *ctx) { return CONFIG_NET + CONFIG_SMP + CONFIG_LETTER + CONFIG_NAME[1]; }
)";

/// The value that `program`'s first lddw of section .kconfig points to.
template <typename T>
T value_of(const object_file &file, const std::string &name) {
    // The names are laid out by width, then by name; each is looked for by its place in the code.
    const bytecode linked = link(file, name);
    const object_map &map = find_map(file, ".kconfig");
    const std::string text = references_in(linked).at(0);
    const auto offset = std::stoul(text.substr(text.rfind('+') + 1));
    T value;
    std::memcpy(&value, map.contents.data() + offset, sizeof value);
    return value;
}

}  // namespace

TEST(externals, built_in_configuration_has_values) {
    const object_file file = parse(configured);
    EXPECT_GE(value_of<int>(file, "version"), 6 << 16);
    EXPECT_TRUE(value_of<bool>(file, "wrapper"));
    const object_map &map = find_map(file, ".kconfig");
    EXPECT_EQ(map.origin, map_origin::config);
    EXPECT_TRUE(map.frozen);
    EXPECT_EQ(map.definition.value_size, map.contents.size());
}

TEST(externals, configuration_without_value_is_refused_by_name) {
    object_file file = parse(configured);
    EXPECT_EQ(
        link_error(file, "needs"),
        "program 'needs' needs the kernel configuration 'CONFIG_HZ', 'CONFIG_SMALL': it has "
        "no value: set it (bpftime-cli run --set CONFIG_HZ=VALUE, ebpf_object_set_kconfig()), "
        "or declare it __weak to read zero");
    EXPECT_TRUE(file.configure("CONFIG_HZ", "250"));
    EXPECT_TRUE(file.configure("CONFIG_SMALL", "-0x80"));
    EXPECT_EQ(value_of<int>(file, "needs"), 250);
    EXPECT_THAT(link(file, "asks").maps, ElementsAre(0)) << "weak ones read zero";
}

TEST(externals, configuration_values_have_types) {
    object_file file = parse(configured);
    EXPECT_TRUE(file.configure("CONFIG_NET", "m"));
    EXPECT_TRUE(file.configure("CONFIG_SMP", "y"));
    EXPECT_TRUE(file.configure("CONFIG_LETTER", "y"));
    EXPECT_TRUE(file.configure("CONFIG_NAME", "\"a long string\""));
    const auto refused = [&](const char *name, const char *value) {
        const auto done = file.configure(name, value);
        return done ? "accepted" : done.error().message;
    };
    EXPECT_THAT(refused("CONFIG_SMP", "m"),
                StartsWith("'m' is no value of 'CONFIG_SMP', which is of type _Bool"));
    EXPECT_THAT(refused("CONFIG_SMP", "1"), StartsWith("'1' is no value"));
    EXPECT_THAT(refused("CONFIG_HZ", "y"), StartsWith("'y' is no value"));
    EXPECT_THAT(refused("CONFIG_HZ", "2147483648"), StartsWith("'2147483648' is no value"));
    EXPECT_THAT(refused("CONFIG_HZ", "12x"), StartsWith("'12x' is no value"));
    EXPECT_THAT(refused("CONFIG_SMALL", "-129"), StartsWith("'-129' is no value"));
    EXPECT_THAT(refused("CONFIG_NAME", "5"), StartsWith("'5' is no value"));
    EXPECT_THAT(refused("CONFIG_OTHER", "5"),
                StartsWith("the object has no external variable 'CONFIG_OTHER'"));
}

TEST(externals, configuration_of_odd_types_is_refused) {
    EXPECT_THAT(parse_error("struct s { int a; }; extern struct s CONFIG_S KCONFIG;"
                            "SEC(\"xdp\") int p(void *c) { return CONFIG_S.a; }"),
                StartsWith("the external variable 'CONFIG_S' in section '.kconfig' is a struct s"));
}

constexpr std::string_view kernel = R"(
extern int strong_function(int) KSYM;
extern int weak_function(int) KSYM WEAK;
extern const int strong_variable KSYM;
extern const int weak_variable KSYM WEAK;
SEC("xdp") int strong(void *ctx) { return strong_function(1) + (long)&strong_variable; }
SEC("xdp") int weak(void *ctx) {
    if (weak_function) return weak_function(3);
    return &weak_variable ? 1 : 2;
}
)";

TEST(externals, weak_kernel_symbols_are_zero) {
    const bytecode linked = link(parse(kernel), "weak");
    EXPECT_THAT(references_in(linked),
                testing::UnorderedElementsAre("lddw %r1, 0x0", "call 2002000000", "lddw %r1, 0x0"));
    ASSERT_EQ(linked.poisoned.size(), 1U);
    EXPECT_EQ(linked.poisoned[0].reason,
              "call of the weak function 'weak_function', which is not there");
}

TEST(externals, strong_kernel_symbols_are_refused_by_name) {
    EXPECT_EQ(link_error(parse(kernel), "strong"),
              "program 'strong' needs the external function 'strong_function' and the external "
              "variable 'strong_variable': the object does not define it, and it is no kernel "
              "function that is "
              "supported; the object does not define it: kernel symbols are not supported");
}

TEST(externals, hosts_have_kernel_symbols) {
    const link_options host{.maps = true,
                            .kernel_functions = {"weak_function", "strong_function"},
                            .kernel_variables = {"weak_variable", "strong_variable"}};
    const object_file file = parse(kernel);
    EXPECT_THAT(references_in(link(file, "strong", host)),
                ElementsAre("call kfunc 1", "lddw %r1, var_addr(1)"));
    const bytecode weak = link(file, "weak", host);
    EXPECT_THAT(references_in(weak), testing::UnorderedElementsAre("lddw %r1, 0x1", "call kfunc 0",
                                                                   "lddw %r1, var_addr(0)"));
    EXPECT_TRUE(weak.poisoned.empty());
}

}  // namespace bpftime::vm::object::test
