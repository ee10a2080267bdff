// bpftime-vm: finding, loading and refusing plugins, by the shared library's public API
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#include "bpftime_vm_compat.hpp"
#include "ebpf-vm.h"
#include "subprocess.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace {

namespace fs = std::filesystem;
using namespace bpftime::vm::compat;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

const fs::path plugin_folder = PLUGIN_FOLDER;

fs::path file_of(const fs::path &folder, const std::string &name) {
    return folder / ("libbpftime-vm-" + name + ".so");
}

class plugins : public ::testing::Test {
protected:
    plugins() {
        set_path(plugin_folder.string());
        unsetenv("TEST_PLUGIN_LOADED");
        std::string pattern = (fs::temp_directory_path() / "bpftime-vm-plugins-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
    }
    ~plugins() override {
        unsetenv("BPFTIME_VM_PLUGIN_PATH");
        fs::remove_all(folder_);
    }

    static void set_path(const std::string &path) {
        setenv("BPFTIME_VM_PLUGIN_PATH", path.c_str(), 1);
    }

    static bool works(const std::string &name) {
        ebpf_vm *const vm = ebpf_create(name.c_str());
        int64_t result = 0;
        const bool good = vm != nullptr and ebpf_get_vm_name(vm) == name and
                          ebpf_exec(vm, nullptr, 0, &result) == 0 and result == 1234;
        ebpf_destroy(vm);
        return good;
    }

    /// The message with which a backend is refused, the second time as the first.
    static std::string refusal_of(const std::string &name) {
        EXPECT_EQ(ebpf_create(name.c_str()), nullptr);
        const std::string first = ebpf_last_error();
        EXPECT_EQ(ebpf_create(name.c_str()), nullptr) << "the second time it works";
        EXPECT_EQ(ebpf_last_error(), first);
        return first;
    }

    void write(const std::string &name, std::string_view text) {
        std::ofstream{file_of(folder_, name), std::ios::binary} << text;
    }

    void copy(const std::string &from, const fs::path &to) {
        fs::create_directories(to.parent_path());
        fs::copy_file(file_of(plugin_folder, from), to);
    }

    fs::path folder_;
};

// --- plugins that are as they should be

TEST_F(plugins, are_loaded_when_first_asked_for) {
    EXPECT_TRUE(works("test-good")) << ebpf_last_error();
    EXPECT_TRUE(works("test-good"));
}

TEST_F(plugins, are_listed_without_being_loaded) {
    EXPECT_THAT(list_vm_backends(), Contains("test-listed"));
    EXPECT_EQ(getenv("TEST_PLUGIN_LOADED"), nullptr);
    std::vector<const char *> names(ebpf_list_vms(nullptr, 0));
    ebpf_list_vms(names.data(), names.size());
    EXPECT_THAT(names, Contains(::testing::StrEq("test-listed")));
    EXPECT_EQ(getenv("TEST_PLUGIN_LOADED"), nullptr);
    EXPECT_TRUE(works("test-listed")) << ebpf_last_error();
    EXPECT_STREQ(getenv("TEST_PLUGIN_LOADED"), "test-listed");
    EXPECT_EQ(std::ranges::count(list_vm_backends(), "test-listed"), 1)
        << "loaded, it is there once";
}

TEST_F(plugins, share_the_library_with_their_host) {
    ebpf_vm *const vm = ebpf_create("test-good");
    ASSERT_NE(vm, nullptr);
    EXPECT_EQ(ebpf_interrupt(vm), EBPF_ERROR_UNSUPPORTED);
    EXPECT_STREQ(ebpf_last_error(), "interrupt is not supported by backend test-good");
    ebpf_destroy(vm);
}

TEST_F(plugins, that_register_themselves_as_well_are_the_same_backend) {
    EXPECT_TRUE(works("test-both")) << ebpf_last_error();
    EXPECT_EQ(std::ranges::count(list_vm_backends(), "test-both"), 1);
}

TEST_F(plugins, stay_when_the_path_changes) {
    EXPECT_TRUE(works("test-good"));
    set_path("");
    EXPECT_TRUE(works("test-good"));
    EXPECT_THAT(list_vm_backends(), Contains("test-good"));
}

TEST_F(plugins, are_loaded_by_one_of_many_threads) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([] { EXPECT_TRUE(works("test-threads")) << ebpf_last_error(); });
    for (std::thread &t : threads) t.join();
}

// --- where they are looked for

TEST_F(plugins, are_found_in_any_folder_of_the_path) {
    set_path("::/nonexistent:" + folder_.string() + "::" + plugin_folder.string() + ":");
    EXPECT_THAT(list_vm_backends(), Contains("test-listed"));
    EXPECT_TRUE(works("test-good")) << ebpf_last_error();
}

TEST_F(plugins, are_taken_from_the_first_folder_that_has_them) {
    write("test-first", "no ELF file");
    fs::create_directory(folder_ / "second");
    copy("test-listed", file_of(folder_ / "second", "test-first"));
    set_path(folder_.string() + ":" + (folder_ / "second").string());
    EXPECT_THAT(refusal_of("test-first"), HasSubstr(file_of(folder_, "test-first").string()));
}

TEST_F(plugins, that_are_nowhere_are_unknown) {
    set_path(folder_.string());
    EXPECT_THAT(
        refusal_of("test-nowhere"),
        AllOf(HasSubstr("unknown backend 'test-nowhere'"),
              HasSubstr("it is not built in and there is no plugin libbpftime-vm-test-nowhere.so"),
              HasSubstr("there are: ")));
}

TEST_F(plugins, may_come_later) {
    set_path(folder_.string());
    EXPECT_EQ(ebpf_create("test-late"), nullptr);
    copy("test-late", file_of(folder_, "test-late"));
    EXPECT_TRUE(works("test-late")) << ebpf_last_error();
}

TEST_F(plugins, have_names_not_paths) {
    copy("test-good", folder_ / "libbpftime-vm-a" / "b.so");
    set_path(folder_.string() + ":" + plugin_folder.string());
    const std::string names[] = {
        "a/b",         "../" + folder_.filename().string() + "/libbpftime-vm-a/b",
        "./test-good", "/" + (folder_ / "libbpftime-vm-a" / "b.so").string(),
        "test-good\n", "test good"};
    for (const std::string &name : names) {
        EXPECT_THAT(refusal_of(name), HasSubstr("a name has letters, digits")) << name;
    }
}

TEST_F(plugins, of_unusable_names_are_not_listed) {
    for (const char *const name : {"", "a b", ".hidden", "new\nline"}) write(name, "");
    std::ofstream{folder_ / "libbpftime-vm-not-so"};
    std::ofstream{folder_ / "bpftime-vm-no-lib.so"};
    write("fine", "");
    set_path(folder_.string());
    const auto names = list_vm_backends();
    EXPECT_THAT(names, Contains("fine"));
    for (const char *const name : {"", "a b", ".hidden", "new\nline", "not-so", "no-lib"}) {
        EXPECT_THAT(names, Not(Contains(name)));
    }
}

TEST_F(plugins, are_not_looked_for_in_the_environment_of_setuid_processes) {
    const fs::path probe = folder_ / "plugin_probe";
    fs::copy_file(PLUGIN_PROBE, probe);
    const auto run_probe = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), probe.string());
        return test::run_process(arguments, {{"BPFTIME_VM_PLUGIN_PATH", plugin_folder.string()}});
    };
    ASSERT_EQ(run_probe({"test-good"}).exit_code, 0) << "as an ordinary process";
    constexpr uid_t nobody = 65534;
    if (chmod(folder_.c_str(), 0755) != 0 or chown(probe.c_str(), nobody, nobody) != 0 or
        chmod(probe.c_str(), 04755) != 0) {
        GTEST_SKIP() << "only root can make the probe setuid";
    }
    const auto as_setuid = run_probe({"test-good", "setuid"});
    if (as_setuid.exit_code != 1) GTEST_SKIP() << "setuid has no effect here: " << as_setuid.err;
    EXPECT_THAT(as_setuid.err, HasSubstr("there is no plugin libbpftime-vm-test-good.so"));
#ifndef __SANITIZE_ADDRESS__  // LeakSanitizer cannot trace a setuid process, and ends it with an
                              // error
    EXPECT_EQ(run_probe({"ubpf", "setuid"}).exit_code, 0) << "what is built in is there";
#endif
}

// --- plugins that are wrong

TEST_F(plugins, without_descriptor_are_refused) {
    EXPECT_THAT(refusal_of("test-bare"),
                AllOf(HasSubstr("libbpftime-vm-test-bare.so exports no "
                                "bpftime_vm_plugin_descriptor (see EBPF_VM_PLUGIN)")));
}

TEST_F(plugins, of_another_abi_version_are_refused) {
    EXPECT_THAT(refusal_of("test-old-abi"),
                HasSubstr("libbpftime-vm-test-old-abi.so was built for plugin ABI version " +
                          std::to_string(plugin_abi_version + 1) + ", this library has " +
                          std::to_string(plugin_abi_version) + ": rebuild it"));
}

TEST_F(plugins, of_another_name_are_refused) {
    EXPECT_THAT(
        refusal_of("test-misnamed"),
        HasSubstr(
            "libbpftime-vm-test-misnamed.so brings the backend 'other', not 'test-misnamed'"));
    EXPECT_EQ(ebpf_create("other"), nullptr);
}

TEST_F(plugins, without_name_are_refused) {
    EXPECT_THAT(refusal_of("test-unnamed"), HasSubstr("brings the backend '', not 'test-unnamed'"));
}

TEST_F(plugins, that_create_nothing_are_refused) {
    EXPECT_EQ(ebpf_create("test-uncreated"), nullptr);
    EXPECT_THAT(refusal_of("test-null"), HasSubstr("backend 'test-null' cannot start here"));
}

TEST_F(plugins, that_throw_are_refused_with_their_text) {
    EXPECT_EQ(refusal_of("test-throwing"),
              "backend 'test-throwing' cannot start here: this machine is not good enough");
    EXPECT_THROW(create_vm_instance("test-throwing"), std::runtime_error);
}

TEST_F(plugins, that_lack_a_symbol_are_refused) {
    EXPECT_THAT(refusal_of("test-unlinked"),
                AllOf(HasSubstr("its plugin cannot be loaded: "),
                      HasSubstr("bpftime_vm_test_function_that_is_nowhere")));
}

TEST_F(plugins, that_are_no_libraries_are_refused) {
    write("text", "this is no ELF file");
    write("nothing", "");
    write("torn", "\177ELF\2\1\1");
    fs::create_directory(file_of(folder_, "folder"));
    set_path(folder_.string());
    for (const char *const name : {"text", "nothing", "torn", "folder"}) {
        EXPECT_THAT(refusal_of(name),
                    AllOf(HasSubstr("its plugin cannot be loaded: "), HasSubstr(name)))
            << name;
    }
    fs::create_symlink("nowhere", file_of(folder_, "dangling"));
    EXPECT_THAT(refusal_of("dangling"), HasSubstr("there is no plugin"));
}

TEST_F(plugins, that_are_broken_do_not_take_the_place_of_the_best_backend) {
    for (const char *const name : {"tiered", "llvm"}) write(name, "this is no ELF file");
    set_path(folder_.string());
    ebpf_vm *const vm = ebpf_create("");
    ASSERT_NE(vm, nullptr) << ebpf_last_error();
    EXPECT_STREQ(ebpf_get_vm_name(vm), "ubpf");
    ebpf_destroy(vm);
}

}  // namespace
