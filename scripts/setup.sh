#!/usr/bin/env bash
# bpftime-vm: installs the Debian packages that building, testing or developing needs
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT

set -euo pipefail

usage() {
    cat <<'TEXT'
usage: scripts/setup.sh [build|test|all|aarch64|riscv64|i386]

Installs the packages that are missing; says nothing when there are none.
  build   what the library, the command line tool and scripts/demo need
  test    build, and what scripts/test needs
  all     test, and what fuzzing, formatting and linting need (the default)
  aarch64, riscv64, i386
          test, and what building for another machine and running its tests need
TEXT
}

build_packages=(
    g++ cmake ninja-build pkg-config
    libfmt-dev libspdlog-dev                              # formatting and logging, header-only
    libcli11-dev libpcap-dev nlohmann-json3-dev           # the command line tool
    libelf-dev zlib1g-dev                                 # eBPF objects
    clang-19 libbpf-dev linux-libc-dev                    # C to eBPF
    libasmjit-dev                                         # the JIT of backend ubpf
    llvm-19-dev libzstd-dev                               # the LLVM backend
)
test_packages=(
    libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev
    llvm-19                                               # llvm-objdump: a second opinion
    git make python3
)
develop_packages=(
    libclang-rt-19-dev lld-19                             # clang's sanitizers, libFuzzer
    clang-format-19 clang-tidy-19
    ca-certificates
)

cross_packages=(qemu-user-static)                         # runs programs of other machines
aarch64_packages=(g++-aarch64-linux-gnu)
riscv64_packages=(g++-riscv64-linux-gnu googletest)       # Debian 12 has no GoogleTest built for it
i386_packages=(g++-i686-linux-gnu libboost-dev)            # integers of 128 bits, for tests

fail() {
    echo "setup: $*" >&2
    exit 1
}

# Prints those of the given packages that are not installed, one a line.
missing_packages() {
    local installed package
    # dpkg-query fails when it does not know a package, which is what we are here to find out.
    installed=$(dpkg-query -W -f='${db:Status-Abbrev}|${Package}|\n' "$@" 2>/dev/null || true)
    for package in "$@"; do
        [[ $installed == *"ii |$package|"* ]] || echo "$package"
    done
}

main() {
    local packages
    case ${1:-all} in
        build) packages=("${build_packages[@]}") ;;
        test) packages=("${build_packages[@]}" "${test_packages[@]}") ;;
        all) packages=("${build_packages[@]}" "${test_packages[@]}" "${develop_packages[@]}") ;;
        aarch64 | riscv64 | i386)
            local -n compilers=${1}_packages
            packages=("${build_packages[@]}" "${test_packages[@]}" "${cross_packages[@]}" "${compilers[@]}")
            ;;
        -h | --help) usage && return ;;
        *) usage >&2 && fail "unknown group '$1'" ;;
    esac

    command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
        fail "this is no Debian-like system (dpkg and apt-get are missing);" \
            "install the equivalents of: ${packages[*]}"

    local missing
    mapfile -t missing < <(missing_packages "${packages[@]}")
    ((${#missing[@]} > 0)) || return 0

    local as_root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null ||
            fail "these packages are missing, and this user is neither root nor has sudo;" \
                "as root run: apt-get install --no-install-recommends ${missing[*]}"
        as_root=(sudo)
    fi

    echo "setup: installing ${#missing[@]} packages with apt-get: ${missing[*]}"
    local quiet=(DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes)
    local apt=("${as_root[@]}" env "${quiet[@]}" apt-get -qq -o Dpkg::Use-Pty=0)
    "${apt[@]}" update ||
        fail "'apt-get update' failed; check /etc/apt/sources.list and the network"
    "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null ||
        fail "'apt-get install' failed; the packages are those of Debian 12 (bookworm)"
    echo "setup: done"
}

main "$@"
