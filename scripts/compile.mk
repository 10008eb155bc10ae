# Compiles Darknet and texp, one build a run; the Makefile calls it once the sources are there.
#
#   BUILD=host      what the user asked for by GPU, CUDNN, OPENCV, OPENMP, ONEDNN, NATIVE, DEBUG: ./darknet
#   BUILD=stock     pristine Darknet as its own Makefile builds it, without us; a test must fail on it
#   BUILD=plain     the patched Darknet with the flags of stock, for comparison to the bit
#   BUILD=double    everything with double in place of float: for `texp verify`, and for finite differences
#   BUILD=stock-native  stock Darknet with OPENMP=1 and -march=native
#   BUILD=math      our mathematics alone, without Darknet
#   BUILD=thread    the host build under ThreadSanitizer, without OpenMP, whose barriers that does not know
#   BUILD=fuzz      the patched Darknet under clang's libFuzzer, AddressSanitizer and UBSan; see tests/fuzz/host.h
#
# SANITIZE=1 compiles any of them but stock under AddressSanitizer and UndefinedBehaviorSanitizer, in folders of their own
# whose names end in -sanitize; the program of the host build then stays there.
#
# Goals: program, library, tests (those of TESTS that say they link with this build), link (a program that is not put
# into the root), engine (double alone), fuzzers (fuzz alone), where (prints the folder).
# Each build has a folder under build/ named after its options; another value of another variable recompiles there.

BUILD ?= host
GPU ?= 0
CUDNN ?= 0
OPENCV ?= 0
OPENMP ?= 1
ONEDNN ?= 1
NATIVE ?= 0
DEBUG ?= 0
SANITIZE ?= 0
# 1: a warning is an error, as in CI; a user's compiler may know warnings that ours does not.
WERROR ?= 0

# Stock Darknet as fast as its own options make it: for `make bench`.
ifeq ($(BUILD),stock-native)
override BUILD := stock
AT_BEST := 1
endif

# What the double build shall be made with, whichever build it goes into.
THREADED := $(OPENMP)

ifneq ($(BUILD),host)
override ONEDNN := $(if $(filter thread,$(BUILD)),$(ONEDNN),0)
override GPU := 0
override CUDNN := 0
override OPENCV := 0
override OPENMP := $(if $(filter math,$(BUILD)),1,$(if $(filter double,$(BUILD)),$(THREADED),0))
override NATIVE := 0
override DEBUG := 0
O := build/$(BUILD)$(if $(AT_BEST),-native)$(if $(filter double0,$(BUILD)$(THREADED)),-serial)$(if $(filter 1,$(SANITIZE)),-sanitize)
else
empty :=
names := $(if $(filter 1,$(GPU)),gpu) $(if $(filter 1,$(CUDNN)),cudnn) $(if $(filter 1,$(OPENCV)),opencv) \
         $(if $(filter 1,$(OPENMP)),openmp) $(if $(filter 1,$(ONEDNN)),onednn) $(if $(filter 1,$(NATIVE)),native) \
         $(if $(filter 1,$(DEBUG)),debug) $(if $(filter 1,$(SANITIZE)),sanitize)
O := build/host$(subst $(empty) ,,$(addprefix -,$(names)))
endif

ifeq ($(BUILD),fuzz)
CC := clang
endif
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif
OBJCOPY ?= objcopy
NVCC ?= $(firstword $(shell command -v nvcc) $(wildcard /usr/local/cuda/bin/nvcc) nvcc)

# --- Sources -----------------------------------------------------------------------------------------------------

D := $(if $(filter stock,$(BUILD)),build/darknet-pristine,build/darknet)

# The lists of Darknet's Makefile.
DARKNET_LIBRARY := gemm utils cuda deconvolutional_layer convolutional_layer list image activations im2col col2im \
    blas crop_layer dropout_layer maxpool_layer softmax_layer data matrix network connected_layer cost_layer parser \
    option_list detection_layer route_layer upsample_layer box normalization_layer avgpool_layer layer local_layer \
    shortcut_layer logistic_layer activation_layer rnn_layer gru_layer crnn_layer demo batchnorm_layer region_layer \
    reorg_layer tree lstm_layer l2norm_layer yolo_layer iseg_layer
DARKNET_PROGRAM := captcha lsd super art tag cifar go rnn segmenter regressor classifier coco yolo detector nightmare \
    instance-segmenter darknet
DARKNET_KERNELS := convolutional_kernels deconvolutional_kernels activation_kernels im2col_kernels col2im_kernels \
    blas_kernels crop_layer_kernels dropout_layer_kernels maxpool_layer_kernels avgpool_layer_kernels

# Ours, by rooms (docs/architecture.md); hooks.c, above them all, is where Darknet enters.
ROOMS_math := base theory data store
ROOMS_host := $(ROOMS_math) net cfg cpu train tools
# The double build has loops of its own instead of the fast backend, and `texp verify`, which works in it alone.
ROOMS_double := $(ROOMS_math) net cfg double train tools
OUR_ROOMS := $(ROOMS_$(if $(filter math double,$(BUILD)),$(BUILD),host))
OUR_SOURCES := $(wildcard $(OUR_ROOMS:%=src/%/*.c)) $(if $(filter math,$(BUILD)),,src/hooks.c)
ifeq ($(BUILD),stock)
OUR_SOURCES :=
endif
ifeq ($(BUILD),double)
DARKNET_LIBRARY := $(filter-out gemm im2col col2im,$(DARKNET_LIBRARY))
endif

LIBRARY := $(OUR_SOURCES:src/%.c=$(O)/texp/%.o)
ifneq ($(BUILD),math)
LIBRARY += $(DARKNET_LIBRARY:%=$(O)/src/%.o)
endif
PROGRAM := $(DARKNET_PROGRAM:%=$(O)/examples/%.o)
# Of ours, what the program alone does, and not whoever links the library.
ifneq ($(filter host,$(BUILD)),)
PROGRAM += $(patsubst src/%.c,$(O)/texp/%.o,$(wildcard src/program/*.c))
endif
ifeq ($(OPENCV),1)
LIBRARY += $(O)/src/image_opencv.o
endif
ifeq ($(GPU),1)
LIBRARY += $(DARKNET_KERNELS:%=$(O)/src/%.o) $(patsubst src/%.cu,$(O)/texp/%.o,$(wildcard src/*/*.cu))
endif

# --- Flags -------------------------------------------------------------------------------------------------------

DEFINES :=
INCLUDES :=
LIBS := -lm -pthread
OPTS := -Ofast
OUR_OPTS := -O3
COMMON := -fPIC

ifneq ($(filter 1,$(OPENMP) $(AT_BEST)),)
COMMON += -fopenmp
endif
ifneq ($(filter 1,$(NATIVE) $(AT_BEST)),)
COMMON += -march=native
endif
ifeq ($(DEBUG),1)
OPTS := -O0 -g
OUR_OPTS := -O0 -g
endif
ifeq ($(ONEDNN),1)
DEFINES += -DONEDNN
LIBS += -ldnnl
endif
ifeq ($(OPENCV),1)
OPENCV_PACKAGE := $(shell pkg-config --exists opencv4 && echo opencv4 || echo opencv)
DEFINES += -DOPENCV
INCLUDES += $(shell pkg-config --cflags $(OPENCV_PACKAGE))
LIBS += $(shell pkg-config --libs $(OPENCV_PACKAGE)) -lstdc++
endif

ifeq ($(GPU),1)
ifeq ($(shell command -v $(NVCC)),)
$(error GPU=1 needs the CUDA toolkit, and $(NVCC) is not there; add its folder to PATH or set NVCC=/path/to/nvcc)
endif
# The folder above the one of nvcc; nothing to add where that is /usr (Debian's own toolkit).
CUDA ?= $(patsubst %/bin/,%,$(dir $(shell command -v $(NVCC))))
ifneq ($(CUDA),/usr)
INCLUDES += -isystem $(CUDA)/include
LIBS += -L$(CUDA)/lib64
endif
# The stubs stand in for the driver's library where a machine that only compiles has none.
LIBS += $(addprefix -L,$(wildcard $(CUDA)/lib64/stubs /usr/lib/x86_64-linux-gnu/stubs)) \
        -lcuda -lcudart -lcublas -lcurand -lstdc++
DEFINES += -DGPU
ifneq ($(origin ARCH),command line)
# What the toolkit knows: code for the lowest of each generation, which runs on the whole generation, and the highest
# as PTX, which later ones compile for themselves. CUDA 11.0 cannot be asked.
ARCHS := $(shell $(NVCC) --list-gpu-arch 2>/dev/null | sed -n 's/^compute_//p' | sort -n)
ifeq ($(ARCHS),)
ARCHS := 52 60 70 80
endif
FIRSTS := $(shell printf '%s\n' $(ARCHS) | awk '!seen[substr($$0, 1, length - 1)]++')
ARCH := $(foreach a,$(FIRSTS),-gencode arch=compute_$(a),code=sm_$(a)) \
        -gencode arch=compute_$(lastword $(ARCHS)),code=compute_$(lastword $(ARCHS))
endif
endif
ifeq ($(CUDNN),1)
DEFINES += -DCUDNN
LIBS += -lcudnn
endif
ifeq ($(BUILD),double)
# No -Ofast: this build is the yardstick.
OPTS := -O3
OUR_OPTS := -O3
DEFINES += -DTEXP_DOUBLE -D_GNU_SOURCE -include src/double/double.h -Wno-format
endif
ifeq ($(BUILD),stock)
DEFINES += -DSTOCK
endif
ifeq ($(BUILD),fuzz)
# UBSan for our code alone: Darknet's has much that is undefined and harmless, as the end of its walk along anchors=.
OPTS := -O1 -g -w
OUR_OPTS := -O1 -g -w -fsanitize=undefined -fno-sanitize-recover=undefined
DEFINES += -D_GNU_SOURCE
COMMON += -fsanitize=address,fuzzer-no-link -include tests/fuzz/host.h
endif
ifeq ($(BUILD),thread)
OPTS := -O1 -g
OUR_OPTS := -O1 -g
COMMON += -fsanitize=thread
endif
# Stock Darknet alone goes without: what it does wrong there is known. It takes the same -O1, which leaves no freedom in
# how sums are ordered, so that tests can compare it to the bit with an instrumented build.
ifeq ($(SANITIZE),1)
OPTS := -O1 -g
OUR_OPTS := -O1 -g $(filter -W%,$(OUR_OPTS))
ifneq ($(BUILD),stock)
COMMON += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
endif
endif

# What Darknet's own C files are compiled behind; the fuzz build has an exit() of its own.
GUARD := $(if $(filter stock fuzz,$(BUILD)),,-include src/base/guard.h)

# Darknet's own warning flags, less the warnings that its code gives with today's compilers, gcc and clang.
DARKNET_FLAGS := $(COMMON) -Wall -Wno-unused-result -Wno-unknown-pragmas -Wfatal-errors -Wno-stringop-truncation \
    -Wno-unknown-warning-option -Wno-implicit-const-int-float-conversion -Wno-unused-but-set-variable \
    $(OPTS) $(DEFINES) -I$(D)/include -I$(D)/src -Isrc $(INCLUDES)
# Never -ffast-math: our code looks for NaN and infinity. Products and sums are fused where the source says so, and never
# by the compiler's choice (src/cpu/vectors.h).
WARNINGS := -Wall -Wextra -Wno-psabi $(if $(filter 1,$(WERROR)),-Werror)
OUR_FLAGS := $(COMMON) -std=gnu11 $(WARNINGS) -ffp-contract=off $(OUR_OPTS) -fopenmp-simd $(DEFINES) -Isrc $(INCLUDES)
ifneq ($(BUILD),math)
OUR_FLAGS += -isystem $(D)/include -isystem $(D)/src
endif
NVCC_FLAGS := $(ARCH) -w $(DEFINES) -I$(D)/include -I$(D)/src -Isrc $(INCLUDES)

# --- The double build inside the others ----------------------------------------------------------------------------

# All that `texp verify` needs of the double build, linked into one object that shows no name but its entry: a second
# Darknet inside the program, of doubles.
ENGINE := build/double$(if $(filter 0,$(THREADED)),-serial)$(if $(filter 1,$(SANITIZE)),-sanitize)/verify.o
ifneq ($(filter host plain thread fuzz,$(BUILD)),)
LIBRARY += $(ENGINE)
ifeq ($(OPENMP)$(THREADED),01)
LIBS += -fopenmp
endif
endif

# Changes when a compiler or a flag does, and everything with it. Written here and not by a rule, so that `make -q` can
# tell whether there is anything to do.
$(shell mkdir -p $(addprefix $(O)/,$(OUR_ROOMS:%=texp/%) texp/program src examples tests))
$(file >$(O)/flags.new,$(CC) $(CXX) $(GUARD) $(DARKNET_FLAGS) / $(OUR_FLAGS) / $(NVCC) $(NVCC_FLAGS) / $(LIBS))
$(shell cmp -s $(O)/flags.new $(O)/flags && rm $(O)/flags.new || mv $(O)/flags.new $(O)/flags)

# --- Rules -------------------------------------------------------------------------------------------------------

Q := $(if $(V),,@)
DEPENDENCIES = -MD -MP -MF $(@:.o=.d)

.SUFFIXES:
.DELETE_ON_ERROR:
.PHONY: program library engine tests fuzzers link where bench-tools bench-step force

ifeq ($(BUILD)$(filter 1,$(SANITIZE)),host)
program: darknet libdarknet.a libdarknet.so
else
program: $(O)/darknet
endif
engine: $(O)/verify.o
library: $(O)/libdarknet.a
link: $(O)/darknet
where:
	@echo $(O)

# The root has the program and the libraries of the build made last.
darknet libdarknet.a libdarknet.so: %: $(O)/%
	@cp $< $@.new && mv $@.new $@
$(foreach f,darknet libdarknet.a libdarknet.so,$(if $(shell cmp -s $(O)/$f $f || echo differs),$(eval $f: force)))

$(O)/darknet: $(PROGRAM) $(O)/libdarknet.a
	$(Q)$(CC) $(COMMON) $(OPTS) $^ -o $@ $(LIBS)

$(O)/libdarknet.a: $(LIBRARY)
	$(Q)rm -f $@ && $(AR) qcs $@ $^

# Without -Ofast, whose start-up code would set how a foreign program that loads the library rounds small numbers.
$(O)/libdarknet.so: $(LIBRARY)
	$(Q)$(CC) $(COMMON) -shared -Wl,-soname,libdarknet.so -Wl,-z,defs $^ -o $@ $(LIBS)

# Another make has the rules; asked here, so that `make -q` can tell whether it has anything to do.
ifneq ($(filter $(ENGINE),$(LIBRARY)),)
COMPILE_ENGINE = $(MAKE) -f scripts/compile.mk --no-print-directory BUILD=double OPENMP=$(THREADED)
ifneq ($(MAKECMDGOALS),where)
$(ENGINE): $(shell $(COMPILE_ENGINE) -q engine 2>/dev/null || echo force)
	+$(Q)$(COMPILE_ENGINE) engine
endif
endif

ifeq ($(BUILD),double)
$(ENGINE): $(O)/libdarknet.a
	$(Q)$(CC) -r -nostdlib -Wl,-u,texp_verify_main $< -o $@.all
	$(Q)$(OBJCOPY) --keep-global-symbol=texp_verify_main $@.all $@ && rm $@.all
endif

$(O)/texp/%.o: src/%.c $(O)/flags
	$(Q)$(CC) $(OUR_FLAGS) $(DEPENDENCIES) -c $< -o $@

$(O)/texp/%.o: src/%.cu $(O)/flags
	$(Q)$(NVCC) $(NVCC_FLAGS) --compiler-options "$(COMMON) $(OUR_OPTS)" -MD -MP -MF $(@:.o=.d) -c $< -o $@

# gcc 14 warns that stb_image.h reads a transparent colour of four channels, and does not see that it has refused them.
$(O)/src/image.o: DARKNET_FLAGS += -Wno-stringop-overflow

$(O)/src/%.o: $(D)/src/%.c $(O)/flags
	$(Q)$(CC) $(GUARD) $(DARKNET_FLAGS) $(DEPENDENCIES) -c $< -o $@

$(O)/src/%.o: $(D)/src/%.cpp $(O)/flags
	$(Q)$(CXX) $(DARKNET_FLAGS) $(DEPENDENCIES) -c $< -o $@

$(O)/src/%.o: $(D)/src/%.cu $(O)/flags
	$(Q)$(NVCC) $(NVCC_FLAGS) --compiler-options "$(COMMON) $(OPTS)" -MD -MP -MF $(@:.o=.d) -c $< -o $@

$(O)/examples/%.o: $(D)/examples/%.c $(O)/flags
	$(Q)$(CC) $(GUARD) $(DARKNET_FLAGS) $(DEPENDENCIES) -c $< -o $@

# --- Tests -------------------------------------------------------------------------------------------------------

# A test says what it links with: /* links: math */, float (the host build, also without a word), thread, double, plain
# or stock+plain; scripts/test-builds.sh and tests/run.sh read the same line.
TESTS ?=
C_TESTS := $(filter %.c,$(TESTS))
LINKED := $(if $(C_TESTS),$(shell grep -lE '^/\* links:.*\<$(BUILD:host=float)\>' $(C_TESTS)))
ifeq ($(BUILD),host)
LINKED += $(if $(C_TESTS),$(shell grep -LE '^/\* links:' $(C_TESTS)))
endif
TEST_PROGRAMS := $(LINKED:tests/%.c=$(O)/tests/%)

tests: $(TEST_PROGRAMS)

$(O)/tests/%: tests/%.c $(O)/libdarknet.a $(O)/flags
	$(Q)$(CC) $(OUR_FLAGS) -Itests -DDOUBLE_TWIN='"$(dir $(ENGINE))tests/$*"' -MD -MP -MF $@.d $< $(filter-out tests/%.c %.h $(O)/flags,$^) -o $@ -lcmocka $(LIBS)

# --- Benchmarks ---------------------------------------------------------------------------------------------------

$(O)/tests/bench/%: tests/bench/%.c $(O)/libdarknet.a $(O)/flags
	$(Q)mkdir -p $(@D) && $(CC) $(OUR_FLAGS) $(filter %.c %.a,$^) -o $@ $(LIBS)

build/bench/machine build/bench/alternate: build/bench/%: tests/bench/%.c
	$(Q)mkdir -p $(@D) && $(CC) -std=gnu11 -O3 -fopenmp $(WARNINGS) $< -lm -o $@

bench-tools: $(O)/tests/bench/step $(O)/tests/bench/loader build/bench/machine build/bench/alternate
bench-step: $(O)/tests/bench/step

# --- Fuzzers -----------------------------------------------------------------------------------------------------

fuzzers: $(patsubst tests/fuzz/%.c,$(O)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))

$(O)/tests/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/host.c tests/fuzz/host.h $(O)/libdarknet.a $(O)/flags
	$(Q)$(CC) $(OUR_FLAGS) -Itests/fuzz -fsanitize=fuzzer $(filter %.c %.a,$^) -o $@ $(LIBS)

-include $(wildcard $(O)/*/*.d $(O)/*/*/*.d)
