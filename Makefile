# texp for Darknet: exponential learning rates. `make help` lists the targets.

GPU ?= 0
CUDNN ?= 0
OPENCV ?= 0
OPENMP ?= 1
ONEDNN ?= 1
NATIVE ?= 0
DEBUG ?= 0
DATA ?= fashion-mnist

ifeq ($(DATA),cifar10)
CFG ?= cfg/preresnet32-texp++.cfg
else
CFG ?= cfg/preresnet32-short-texp++.cfg
endif

TO_BUILD := gcc libc6-dev patch xz-utils $(if $(filter 1,$(ONEDNN)),libdnnl-dev) \
            $(if $(filter 1,$(OPENCV)),g++ pkgconf libopencv-dev) $(if $(filter 1,$(GPU)),g++)
TO_TEST := libcmocka-dev

SH := scripts
JOBS := $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
COMPILE := $(MAKE) -f scripts/compile.mk --no-print-directory

.PHONY: all darknet prepare train data test test-long cfg format help clean distclean
.NOTPARALLEL:

all darknet: prepare
	@$(COMPILE) -q program 2>/dev/null && echo "./darknet is up to date" || { \
	    echo "Compiling Darknet and texp ..." && $(COMPILE) $(JOBS) program && echo "Built ./darknet"; }

prepare:
	@scripts/install-packages.sh $(TO_BUILD)
	@scripts/fetch-darknet.sh
	@scripts/patch-darknet.sh

clean:
	rm -rf build/host* build/stock build/plain build/double build/math darknet libdarknet.a

distclean: clean
	rm -rf build
