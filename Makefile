# bpftime-vm: short names for the common commands; CMake does the work
# Copyright (c) 2026 The bpftime-vm authors
# SPDX-License-Identifier: MIT

PREFIX  ?= /usr/local
DESTDIR ?=
MINUTES ?= 1
JOBS    ?= $(shell nproc)

sources := find vm -name '*.[ch]' -o -name '*.[ch]pp'

.DEFAULT_GOAL := help
.PHONY: help setup build-llvm build-ubpf release-with-llvm-jit demo test test-aarch64 test-riscv64 \
	test-i386 bench install fuzz coverage format format-check lint clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9 -]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install the Debian packages that are missing
	scripts/setup.sh all

build-llvm: ## Build with the LLVM backend
	$(call build,release,-DBPFTIME_VM_LLVM=ON)

build-ubpf: ## Build with the light backend alone; needs no LLVM
	$(call build,light)

release-with-llvm-jit: ## Build everything, the LLVM backend and the command line tool included
	$(call build,release,-DBPFTIME_VM_LLVM=ON)

demo: ## Run a real XDP program over a real packet capture
	scripts/demo

test: ## Build and run all tests, then once more under ASan and UBSan
	scripts/test

test-aarch64 test-riscv64 test-i386: test-%: ## Build for another machine and run the tests under qemu
	scripts/test $*

bench: ## Build and run the benchmarks
	$(call build,release)
	build/vm/benchmark/vm_benchmark

install: ## Install to PREFIX (default /usr/local), below DESTDIR if given
	cmake --preset release -B build-install -DCMAKE_INSTALL_PREFIX="$(PREFIX)" \
		-DBPFTIME_VM_BUILD_TESTS=OFF -DBPFTIME_VM_BUILD_BENCHMARKS=OFF -DBPFTIME_VM_BUILD_EXAMPLES=OFF
	cmake --build build-install -j $(JOBS)
	DESTDIR="$(DESTDIR)" cmake --install build-install

fuzz: ## Run each fuzz target for MINUTES (default 1)
	scripts/fuzz $(MINUTES)

coverage: ## Show which lines of each engine random programs reach
	scripts/coverage

format: ## Format the C and C++ sources
	$(sources) | xargs clang-format-19 -i

format-check: ## Fail where 'make format' would change a file
	$(sources) | xargs clang-format-19 --dry-run --Werror

lint: ## Run clang-tidy over the library and the tools
	cmake --preset clang --log-level=WARNING
	run-clang-tidy-19 -quiet -p build-clang -j $(JOBS) '/vm/((?!test/).)*\.cpp$$'

clean: ## Remove all build folders
	rm -rf build build-*/

# build(<preset>, <further arguments of cmake>): always into build/, where the documentation points.
define build
	cmake --preset $(1) -B build $(2)
	cmake --build build -j $(JOBS)
endef
