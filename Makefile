# texp for Darknet: exponential learning rates. `make help` lists the targets.

# What to build in; the first five mean what they mean in Darknet.
GPU ?= 0
CUDNN ?= 0
OPENCV ?= 0
OPENMP ?= 1
DEBUG ?= 0
ONEDNN ?= 1
NATIVE ?= 0
# 1: the tests run under AddressSanitizer and UndefinedBehaviorSanitizer. For what they start, too.
SANITIZE ?= 0
export SANITIZE

# What to train.
DATA ?= fashion-mnist
ifeq ($(DATA),cifar10)
CFG ?= cfg/preresnet32-texp++.cfg
else ifeq ($(DATA),bccd)
CFG ?= cfg/bccd-tiny-texp++.cfg
else
CFG ?= cfg/preresnet32-short-texp++.cfg
endif

# Debian packages that each target needs, installed where they are missing. A compiler that CC names is one where it is
# called gcc or clang, with a version or without; clang has its OpenMP in another package.
COMPILER := $(if $(filter default,$(origin CC)),gcc,$(firstword $(filter-out ccache,$(notdir $(CC)))))
TO_COMPILE := $(filter gcc gcc-% clang clang-%,$(COMPILER)) $(if $(filter 1,$(OPENMP)),$(patsubst clang%,libomp%-dev,$(filter \
    clang clang-%,$(COMPILER))))
TO_BUILD := $(TO_COMPILE) libc6-dev binutils patch xz-utils $(if $(filter 1,$(ONEDNN)),libdnnl-dev) \
    $(if $(filter 1,$(GPU) $(OPENCV)),g++) $(if $(filter 1,$(OPENCV)),pkgconf libopencv-dev)
TO_TEST := libcmocka-dev
TO_TEST_LONG := $(TO_TEST) debootstrap qemu-user
# CI runs on Debian 12, which has the clang-format and shellcheck that test_style asks for.
TO_TEST_CI := $(TO_TEST) clang libomp-dev g++ pkgconf libopencv-dev clang-format-14 shellcheck
TO_TRAIN_fashion-mnist := $(if $(FASHION_MNIST),,dataset-fashion-mnist)
TO_TRAIN_cifar10 := $(if $(CIFAR10)$(wildcard cifar-10-binary.tar.gz data/cifar-10-binary.tar.gz data/cifar10),,curl \
    ca-certificates)
TO_BENCH := $(if $(TORCH),,python3-torch)
TO_FUZZ := clang libclang-rt-dev
# Runs draw charts with it.
RECOMMENDED := gnuplot-nox

# Seconds for each of the fuzzers.
FUZZ_SECONDS ?= 60

# All processors unless -j says otherwise.
# nproc heeds the number of threads that programs shall have, which is none of the compiler's.
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell env -u OMP_NUM_THREADS nproc))
COMPILE = $(MAKE) -f scripts/compile.mk --no-print-directory

# The tests of `make test`, `make test-long`, and those that .ci/run adds to the first; TEST=name leaves one of them.
TEST ?= *
SHORT := $(wildcard tests/test_$(TEST).c tests/test_$(TEST).sh)
LONG := $(wildcard tests/long_$(TEST).c tests/long_$(TEST).sh)
CI := $(wildcard tests/ci_$(TEST).sh)
# Releases of Debian or Ubuntu for `make test-systems`.
SYSTEMS ?= bookworm trixie

.PHONY: all darknet packages sources train data test test-long test-ci mutants test-systems test-programs bench fuzz cfg format help clean distclean
.NOTPARALLEL:

all darknet: sources
	+@if $(COMPILE) -q program 2>/dev/null; then \
	    echo "./darknet is up to date"; \
	else \
	    echo "Compiling Darknet and texp ..." && \
	    $(COMPILE) $(JOBS) program && \
	    echo "Built ./darknet"; \
	fi

# Whoever lacks a package and cannot install it reads of all that the README's commands need.
LATER := $(TO_BUILD) $(TO_TEST) $(TO_TRAIN_$(DATA))

sources:
	@scripts/check-writable.sh build darknet libdarknet.a libdarknet.so
	@scripts/install-packages.sh $(TO_BUILD) $(NEEDS) -- $(LATER)
	@scripts/fetch-darknet.sh
	@scripts/patch-darknet.sh

packages:
	@scripts/install-packages.sh $(LATER)
	@scripts/install-packages.sh $(RECOMMENDED) || echo "Training works without it, and draws no charts"
	@echo "All packages that make, make train and make test need are here"

data: NEEDS = $(TO_TRAIN_$(DATA))
data: all
	@scripts/prepare-$(DATA).sh

train: data
	@scripts/train.sh cfg/$(DATA).data $(CFG)

test: TESTS = $(SHORT)
test-long: TESTS = $(LONG)
test-ci: TESTS = $(SHORT) $(CI)
test: NEEDS = $(TO_TEST)
test-long: NEEDS = $(TO_TEST_LONG)
test-ci: NEEDS = $(TO_TEST_CI)
test test-ci: test-programs
	@tests/run.sh $(TESTS)

# All of the long tests, and then the mutants.
test-long: test-programs
	@failed=0; \
	tests/run.sh $(TESTS) || failed=1; \
	[ '$(TEST) $(SANITIZE)' != '* 0' ] || tests/mutants.sh || failed=1; \
	exit $$failed

mutants: NEEDS = $(TO_TEST)
mutants: all
	@tests/mutants.sh $(MUTANT)

test-systems:
	@scripts/install-packages.sh debootstrap
	@tests/systems.sh $(SYSTEMS)

# Every build that one of the tests links with or asks for. A shell test test_X.sh may have a C program, X_main.c.
PROGRAMS = $(TESTS) $(wildcard $(patsubst tests/test_%.sh,tests/%_main.c,$(TESTS)))
test-programs: sources
	+@scripts/test-builds.sh $(PROGRAMS) | while read -r build goal; do \
	    $(COMPILE) BUILD=$$build -q $$goal TESTS="$(PROGRAMS)" 2>/dev/null || { \
	        echo "Compiling for the tests: $$build ..."; \
	        $(COMPILE) $(JOBS) BUILD=$$build $$goal TESTS="$(PROGRAMS)" </dev/null || exit; \
	    }; \
	done

bench: NEEDS = $(TO_BENCH) $(TO_TEST)
bench: TESTS = tests/test_gradients.c
bench: all test-programs
	+@for goal in 'host bench-tools' 'stock bench-step' 'stock-native bench-step'; do \
	    $(COMPILE) BUILD=$${goal% *} -q $${goal#* } 2>/dev/null || { \
	        echo "Compiling to compare with: $${goal% *} ..."; \
	        $(COMPILE) $(JOBS) BUILD=$${goal% *} $${goal#* } || exit; \
	    }; \
	done
	@scripts/bench.sh

fuzz: NEEDS = $(TO_FUZZ)
fuzz: sources
	+@$(COMPILE) BUILD=fuzz -q fuzzers 2>/dev/null || { \
	    echo "Compiling the fuzzers ..."; \
	    $(COMPILE) $(JOBS) BUILD=fuzz fuzzers; \
	}
	@scripts/fuzz.sh $(FUZZ_SECONDS)

cfg:
	@scripts/make-cfgs.sh
	@scripts/make-detector-cfgs.sh

format:
	@scripts/format.sh

help:
	@echo 'make              builds ./darknet, Darknet with exponential learning rates, and libdarknet.a and .so'
	@echo 'make train        the same, prepares the images and trains; DATA=fashion-mnist, cifar10 or bccd, CFG=file'
	@echo 'make packages     installs the Debian packages that make, make train and make test need, or names them'
	@echo 'make data         prepares the images alone; CIFAR10=path or BCCD=path says where those are'
	@echo 'make test         runs the tests; TEST=schedule runs that one'
	@echo 'make test-long    runs those that take minutes'
	@echo '                  SANITIZE=1: either, compiled with AddressSanitizer and UBSan; slower, beside the usual builds'
	@echo 'make mutants      breaks the source in one place at a time, and some test must fail; MUTANT=word: only those with it;'
	@echo '                  FROM=40 goes on with the 40th'
	@echo 'make test-systems runs make train and make test in chroots, from nothing; SYSTEMS="bookworm trixie"; as root'
	@echo 'make test-ci      runs the tests, and builds and trains with each option'
	@echo 'make bench        times training against PyTorch and stock Darknet; TORCH=python3 names a Python with PyTorch'
	@echo 'make fuzz         feeds state files, cfgs, lists and label files with bytes at random; FUZZ_SECONDS=60 for each'
	@echo 'make cfg          writes cfg/*.cfg anew from scripts/make-cfgs.sh and make-detector-cfgs.sh'
	@echo 'make format       formats the sources; needs clang-format 14'
	@echo 'make clean        removes what was compiled'
	@echo 'make distclean    removes the sources fetched and the images prepared, too; weights stay'
	@echo
	@echo 'Options: GPU CUDNN OPENCV DEBUG (0), OPENMP ONEDNN (1) and NATIVE (0: any processor of this kind, 1: this one);'
	@echo '         CC=gcc-13 or CC=clang compiles with that one; WERROR=1: warnings are errors'
	@echo 'DARKNET=/path builds with your own checkout of Darknet 61c9d02. ARCH and CUDA are those of nvcc. V=1 shows the commands.'

clean:
	@scripts/check-writable.sh build darknet libdarknet.a libdarknet.so
	@rm -rf $(filter-out build/darknet-pristine build/darknet-origin,$(wildcard build/*)) darknet libdarknet.a libdarknet.so

distclean: clean
	@scripts/check-writable.sh data
	@rm -rf build data/fashion-mnist data/cifar10 data/bccd
