# Meşale: `make run` executes the tutorial, `make check` tests everything. Knobs: SAN=address|undefined|thread,
# V=1 (print the commands), PREFIX, PYTHON (the interpreter whose version is embedded), CC, BUILD.

PYTHON  ?= /usr/bin/python3
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build
CC      := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
SAN     ?=
V       ?=

B       := $(BUILD)$(if $(SAN),/$(SAN))
Q       := $(if $(V),,@)
SAY      = $(if $(V),@:,@printf '  %-6s %s\n')
VENV    := build/venv
TESTENV := build/venv-test
LABENV  := build/venv-lab
SOVER   := 0

MAKEFLAGS += -rR
.SUFFIXES:
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all kernel tensor gen site run pictures check check-all check-races check-c check-install check-python \
        check-kernel check-library check-site check-browser lab fuzz fuzz-one fuzz-kernel fuzz-kernel-build \
        fuzz-kernel-one unit deps deps-test oracle parity bench install uninstall format clean

# --- flags -------------------------------------------------------------------------------------------------------

pkg     = $(shell PKG_CONFIG_PATH=$(PYPC) pkg-config $(1) 2>/dev/null)
PYVER  := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
PYPC   := $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_config_var("LIBPC"))' 2>/dev/null)
PYRPATH := $(filter-out /usr/lib/%,$(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))' 2>/dev/null))

# (the sanitizers' own code makes gcc warn of what is not there)
WARN   := -Wall -Wextra -Wshadow $(if $(SAN),-Wno-error,-Werror)
CFLAGS ?= $(if $(SAN),-O1,-O2) -g
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
BASE   := -std=gnu11 $(CFLAGS) $(WARN) -fPIC -fvisibility=hidden -D_GNU_SOURCE $(SANFLAGS) -MMD -MP

KERNEL_CFLAGS := -DMESALE_PYTHON='"$(PYTHON)"' $(BASE) -Ikernel $(call pkg,--cflags libzmq libsodium jansson python-$(PYVER)-embed)
KERNEL_LIBS   := $(call pkg,--libs libzmq libsodium jansson python-$(PYVER)-embed) $(PYRPATH:%=-Wl,-rpath,%) -lpthread -ldl -lm
TENSOR_CFLAGS := $(BASE) -Itensor -I$(B)/gen -fwrapv -fno-math-errno -fno-trapping-math -fopenmp-simd
LOOP_CFLAGS   := $(if $(SAN),,-O3) -ffp-contract=off
TENSOR_LIBS   := -lsleef -lm -ldl -lpthread
BINDING_CFLAGS := $(TENSOR_CFLAGS) $(call pkg,--cflags python-$(PYVER))

# --- the kernel --------------------------------------------------------------------------------------------------

KERNEL_SRC := $(wildcard kernel/*.c)
KERNEL_OBJ := $(KERNEL_SRC:%.c=$(B)/obj/%.o)
KERNEL_PY  := $(patsubst kernel/python/%,$(B)/lib/mesale/python/%,$(wildcard kernel/python/*.py))

kernel: $(B)/bin/mesale $(KERNEL_PY) $(B)/share/jupyter/kernels/mesale/kernel.json

$(B)/bin/mesale: $(KERNEL_OBJ)
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANFLAGS) -rdynamic -o $@ $^ $(KERNEL_LIBS)

$(B)/obj/kernel/%.o: kernel/%.c Makefile
	$(SAY) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) -c -o $@ $<

$(B)/lib/mesale/python/%.py: kernel/python/%.py
	@mkdir -p $(@D)
	$(Q)cp $< $@
	$(Q)$(PYTHON) -m compileall -q $@

$(B)/share/jupyter/kernels/mesale/kernel.json: kernelspec/install.py $(wildcard kernelspec/*.in kernelspec/*.png kernelspec/*.svg)
	$(Q)$(PYTHON) kernelspec/install.py --program $(abspath $(B)/bin/mesale) --python $(abspath $(VENV))/bin/python $(@D)

# --- the tensor library ------------------------------------------------------------------------------------------

DECLS   := $(wildcard tensor/ops/*.decl)
GENPY   := $(wildcard tensor/gen/*.py)
# the files of the table that have loops: each family is compiled by itself
FAMILIES := $(notdir $(basename $(shell grep -lE '^  (each|fold) ' $(DECLS))))
GENC    := $(addprefix $(B)/gen/,ops.c nodes.c binding.c kernels.c $(FAMILIES:%=loops_%.c))
GENSTAMP := $(B)/gen/.stamp

# loops compiled once for each instruction set; cpu/pick.c chooses one when the library is loaded
ISAS       := baseline avx2 avx512
ISA_baseline :=
ISA_avx2   := -mavx2 -mfma -mf16c
ISA_avx512 := -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512
ISA_SRC    := $(wildcard tensor/cpu/isa/*.c)

TENSOR_SRC := $(wildcard tensor/*.c tensor/cpu/*.c tensor/cuda/*.c tensor/autograd/*.c tensor/view/*.c)
TENSOR_OBJ := $(TENSOR_SRC:%.c=$(B)/obj/%.o) $(B)/obj/gen/ops.o $(B)/obj/gen/nodes.o $(B)/obj/gen/kernels.o \
              $(foreach i,$(ISAS),$(ISA_SRC:tensor/cpu/isa/%.c=$(B)/obj/tensor/cpu/isa/%.$(i).o) $(FAMILIES:%=$(B)/obj/gen/loops_%.$(i).o))
BINDING_SRC := $(wildcard tensor/python/*.c)
BINDING_OBJ := $(BINDING_SRC:%.c=$(B)/obj/%.o) $(B)/obj/gen/binding.o
LIB        := $(B)/lib/libmesale_tensor.so.$(SOVER)

tensor: $(LIB)
gen: $(GENSTAMP)
$(GENC): $(GENSTAMP)

$(GENSTAMP): $(GENPY) $(DECLS) tensor/python/_C.pyi
	$(SAY) GEN $(B)/gen
	@mkdir -p $(@D)
	$(Q)$(PYTHON) -B tensor/gen/read.py --out $(B)/gen $(sort $(DECLS))
	@touch $@

$(B)/obj/tensor/%.o: tensor/%.c Makefile | $(GENSTAMP)
	$(SAY) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(if $(findstring tensor/python/,$<),$(BINDING_CFLAGS),$(TENSOR_CFLAGS)) -c -o $@ $<

$(B)/obj/gen/%.o: $(B)/gen/%.c Makefile
	$(SAY) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(if $(findstring binding,$<),$(BINDING_CFLAGS) -Itensor/python,$(TENSOR_CFLAGS)) -c -o $@ $<
$(B)/gen/%.c: $(GENSTAMP) ;
# without a rule make would look at a header's time before it is written anew, and keep stale objects
$(B)/gen/%.h: $(GENSTAMP) ;

# the one file that opens parallel regions
$(B)/obj/tensor/cpu/threads.o: TENSOR_CFLAGS += -fopenmp
# loops over many numbers
$(B)/obj/tensor/view/survey.o: TENSOR_CFLAGS += $(LOOP_CFLAGS)

# without the list of ops, so that a new one compiles only its family
define ISA_RULE
$(B)/obj/tensor/cpu/isa/%.$(1).o: tensor/cpu/isa/%.c Makefile | $(GENSTAMP)
	$$(SAY) CC "$$< ($(1))"
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ISA_FLAGS) $$(ISA_$(1)) -DISA=$(1) -c -o $$@ $$<

$(B)/obj/gen/%.$(1).o: $(B)/gen/%.c Makefile
	$$(SAY) CC "$$< ($(1))"
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ISA_FLAGS) $$(ISA_$(1)) -DISA=$(1) -c -o $$@ $$<
endef
ISA_FLAGS = $(TENSOR_CFLAGS) $(LOOP_CFLAGS) -DTENSOR_WITHOUT_OPS
$(foreach i,$(ISAS),$(eval $(call ISA_RULE,$(i))))

$(LIB): $(TENSOR_OBJ)
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANFLAGS) -shared $(if $(SAN),,-Wl,-z,defs) -Wl,-Bsymbolic -Wl,-soname,$(@F) -o $@ $^ -fopenmp $(TENSOR_LIBS)
	$(Q)ln -sf $(@F) $(@:.$(SOVER)=)

# --- CUDA --------------------------------------------------------------------------------------------------------

# The plug-in, by nvcc. CUDA_ARCHS: the GPUs it holds code for; of the last one PTX too, for those still to come.
CUDA_ARCHS ?= 75 80 86 89 90 100 120
CUDA_SRC := $(wildcard tensor/cuda/*.cu)
CUDA_GEN := $(patsubst %,$(B)/gen/cuda_%.cu,$(FAMILIES) tables)
CUDA_OBJ := $(CUDA_SRC:%.cu=$(B)/obj/%.nv.o) $(CUDA_GEN:$(B)/gen/%.cu=$(B)/obj/gen/%.nv.o)
CUDA_LIB := $(B)/lib/libmesale_cuda.so
CUDA_INCLUDE := -Itensor -Itensor/cuda -I$(B)/gen -DTENSOR_WITHOUT_OPS
NVCC      = $(firstword $(shell command -v nvcc 2>/dev/null) $(wildcard $(CUDA_HOME:%=%/bin/nvcc) /usr/local/cuda/bin/nvcc))
NVCCFLAGS = -std=c++17 -O3 $(foreach a,$(CUDA_ARCHS),-gencode arch=compute_$a,code=sm_$a) \
            -gencode arch=compute_$(lastword $(CUDA_ARCHS)),code=compute_$(lastword $(CUDA_ARCHS)) \
            -Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra --Werror all-warnings -MMD -MP

.PHONY: cuda cuda-host check-cuda check-cuda-host check-cuda-host-parts

cuda: $(if $(NVCC),$(CUDA_LIB))
	$(if $(NVCC),,@echo 'There is no nvcc in PATH, CUDA_HOME or /usr/local/cuda: the CUDA plug-in is not built.')

$(CUDA_LIB): $(CUDA_OBJ)
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(Q)$(NVCC) -shared -cudart static -Xlinker -z,defs,--exclude-libs,ALL -o $@ $^

$(B)/obj/tensor/cuda/%.nv.o: tensor/cuda/%.cu Makefile | $(GENSTAMP)
	$(SAY) NVCC $<
	@mkdir -p $(@D)
	$(Q)$(NVCC) $(NVCCFLAGS) $(CUDA_INCLUDE) -c -o $@ $<

$(B)/obj/gen/%.nv.o: $(B)/gen/%.cu Makefile
	$(SAY) NVCC $<
	@mkdir -p $(@D)
	$(Q)$(NVCC) $(NVCCFLAGS) $(CUDA_INCLUDE) -c -o $@ $<
$(B)/gen/%.cu: $(GENSTAMP) ;

# The same text by g++, with what tests/cuda_host/ puts in CUDA's place.
CXX       := $(if $(filter default undefined,$(origin CXX)),g++,$(CXX))
CUDA_HOST := $(B)/cuda_host
CUDA_HOST_RUNTIME := $(CUDA_HOST)/libcudart_host.so
CUDA_HOST_BLAS := $(patsubst tests/cuda_host/cublas.cpp,$(CUDA_HOST)/libcublas.so.13,$(wildcard tests/cuda_host/cublas.cpp))
CUDA_HOST_OBJ := $(CUDA_SRC:%.cu=$(B)/obj/%.host.o) $(CUDA_GEN:$(B)/gen/%.cu=$(B)/obj/gen/%.host.o)
CUDA_HOST_RUNTIME_OBJ := $(patsubst %.cpp,$(B)/obj/%.o,$(filter-out %/cublas.cpp $(wildcard tests/cuda_host/test_*.cpp),\
                        $(wildcard tests/cuda_host/*.cpp)))
CUDA_HOST_CXX  = $(CXX) -std=c++17 -O2 -g -fPIC -Wall -Wextra $(if $(SAN),,-Werror) $(SANFLAGS) -D_GNU_SOURCE \
                 -Itests/cuda_host -MMD -MP
# each access of a kernel is checked (checks.cpp); the address sanitizer has hooks of the same names
CUDA_HOST_CHECKS = $(if $(filter address,$(SAN)),,-fsanitize=kernel-address --param asan-instrumentation-with-call-threshold=0 \
                   --param asan-stack=0 --param asan-globals=0 -DCUDA_HOST_CHECKED)
CUDA_HOST_KERNEL_CXX = $(CUDA_HOST_CXX) $(CUDA_HOST_CHECKS) -O1 -Wno-unknown-pragmas -fvisibility=hidden -fwrapv -fno-math-errno \
                       -ffp-contract=off $(CUDA_INCLUDE)
CUDA_HOST_LINK = $(CXX) $(SANFLAGS) -shared $(if $(SAN),,-Wl,-z,defs) -Wl,-rpath,'$$ORIGIN'

cuda-host: $(CUDA_HOST)/libmesale_cuda.so $(CUDA_HOST_BLAS)

$(CUDA_HOST)/libmesale_cuda.so: $(CUDA_HOST_OBJ) $(CUDA_HOST_RUNTIME)
	$(SAY) LD $@
	$(Q)$(CUDA_HOST_LINK) -o $@ $^ -ldl

$(CUDA_HOST_RUNTIME): $(CUDA_HOST_RUNTIME_OBJ)
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(Q)$(CUDA_HOST_LINK) -Wl,-soname,$(@F) -o $@ $^ -ldl

$(CUDA_HOST_BLAS): $(B)/obj/tests/cuda_host/cublas.o $(CUDA_HOST_RUNTIME)
	$(SAY) LD $@
	$(Q)$(CUDA_HOST_LINK) -Wl,-soname,$(@F) -o $@ $^

$(B)/obj/tests/cuda_host/%.o: tests/cuda_host/%.cpp Makefile | $(GENSTAMP)
	$(SAY) CXX $<
	@mkdir -p $(@D)
	$(Q)$(CUDA_HOST_CXX) -Wshadow $(if $(findstring /test_,$<),$(CUDA_HOST_CHECKS) $(CUDA_INCLUDE)) -c -o $@ $<

$(B)/obj/tensor/cuda/%.host.o: tensor/cuda/%.cu Makefile | $(GENSTAMP)
	$(SAY) CXX $<
	@mkdir -p $(@D)
	$(Q)$(CUDA_HOST_KERNEL_CXX) -x c++ -c -o $@ $<

$(B)/obj/gen/%.host.o: $(B)/gen/%.cu Makefile
	$(SAY) CXX $<
	@mkdir -p $(@D)
	$(Q)$(CUDA_HOST_KERNEL_CXX) -x c++ -c -o $@ $<

# Tests of the stand-in itself, and of the plug-in's tables by themselves or beside the CPU's; the loops once more in
# small pieces, as if the tensors were huge.
CUDA_HOST_TESTS := $(addprefix $(CUDA_HOST)/,$(basename $(notdir $(wildcard tests/cuda_host/test_*.c*))) test_loops_in_pieces)
CUDA_HOST_PIECES := loops fold

$(B)/obj/tests/cuda_host/%.o: tests/cuda_host/%.c Makefile | $(GENSTAMP)
	$(SAY) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(TENSOR_CFLAGS) -Itensor/cuda -c -o $@ $<

$(B)/obj/tensor/cuda/%.pieces.o: tensor/cuda/%.cu Makefile | $(GENSTAMP)
	$(SAY) CXX "$< (in pieces)"
	@mkdir -p $(@D)
	$(Q)$(CUDA_HOST_KERNEL_CXX) -DCALL_MOST=128 -DWIDE_FROM=8 -x c++ -c -o $@ $<

CUDA_HOST_TEST = $(CXX) $(SANFLAGS) -Wl,-rpath,'$$ORIGIN' -o $@ $(filter %.o,$^) $(CUDA_HOST_RUNTIME) -fopenmp \
                 $(call pkg,--libs check) $(TENSOR_LIBS)
$(filter-out %_in_pieces,$(CUDA_HOST_TESTS)): $(CUDA_HOST)/%: $(B)/obj/tests/cuda_host/%.o $(CUDA_HOST_OBJ) $(TENSOR_OBJ) $(CUDA_HOST_RUNTIME) $(CUDA_HOST_BLAS)
	$(SAY) LD $@
	$(Q)$(CUDA_HOST_TEST)

$(CUDA_HOST)/test_loops_in_pieces: $(B)/obj/tests/cuda_host/test_loops.o $(CUDA_HOST_PIECES:%=$(B)/obj/tensor/cuda/%.pieces.o) \
        $(filter-out $(CUDA_HOST_PIECES:%=$(B)/obj/tensor/cuda/%.host.o),$(CUDA_HOST_OBJ)) $(TENSOR_OBJ) $(CUDA_HOST_RUNTIME) $(CUDA_HOST_BLAS)
	$(SAY) LD $@
	$(Q)$(CUDA_HOST_TEST)

# The long ones, those beside the CPU's, in one order of threads and whole unless CUDA_DTYPES=all. They open the plug-in,
# which a child of fork may not use.
CUDA_HOST_LONG := test_lines test_loops test_loops_in_pieces
check-cuda-host-parts: $(CUDA_HOST_TESTS)
	@export ASAN_OPTIONS=handle_segv=0; \
	for t in $(filter-out $(CUDA_HOST_LONG:%=$(CUDA_HOST)/%),$^); do \
	    for order in forward backward; do CUDA_HOST_ORDER=$$order $$t || exit 1; done; done; \
	for t in $(if $(filter all,$(CUDA_DTYPES)),$(CUDA_HOST_LONG),test_lines test_loops); do \
	    for order in forward $(if $(filter all,$(CUDA_DTYPES)),backward); do \
	    CK_FORK=no CUDA_HOST_ORDER=$$order $(CUDA_HOST)/$$t || exit 1; done; done

# Everything of tests/cuda on the stand-in: correctness, not speed. CUDA_DTYPES=all: the recorded cases of all dtypes.
CUDA_HOST_ENV = MESALE_CUDA=$(abspath $(CUDA_HOST)/libmesale_cuda.so) MESALE_CUBLAS=$(abspath $(CUDA_HOST)/libcublas.so.13)
check-cuda-host: cuda-host site
	@$(MAKE) --no-print-directory check-cuda-host-parts
	$(Q)$(CUDA_HOST_ENV) $(TESTENV)/bin/python -m pytest -q tests/cuda

# The same tests on a real GPU, and what compute-sanitizer says of the short ones where it is installed.
CUDA_TESTS := tests/cuda/test_training.py tests/cuda/test_products.py
check-cuda: cuda site
	$(Q)MESALE_CUDA=$(abspath $(CUDA_LIB)) $(CUDA_PYTHON) -m pytest -q tests/cuda
	$(Q)if command -v compute-sanitizer >/dev/null; then MESALE_CUDA=$(abspath $(CUDA_LIB)) \
	    compute-sanitizer --error-exitcode 1 $(CUDA_PYTHON) -m pytest -q $(CUDA_TESTS); \
	    else echo 'There is no compute-sanitizer: not run.'; fi
CUDA_PYTHON = $(firstword $(wildcard $(TESTENV)/bin/python) $(PYTHON))

# --- the Python packages: build/site ------------------------------------------------------------------------------

SITE_PY := $(patsubst tensor/%,$(B)/site/%,$(shell find tensor/torch tensor/mesale -name '*.py' -o -name '*.pyi' -o -name py.typed))
DIST    := $(B)/site/torch-2.13.0+mesale.dist-info

# its name tells the Python that it was built for, so that another one can say so
PYEXT   := $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))' 2>/dev/null)
EXT     := $(B)/site/torch/_C$(PYEXT)

STUBS   := $(addprefix $(B)/site/torch/,_C/__init__.pyi _C/_nn.pyi _C/_linalg.pyi _C/_VariableFunctions.pyi return_types.pyi)

site: $(EXT) $(STUBS) $(SITE_PY) $(DIST)/METADATA

# it holds the library itself and binds its names within, so that no other library of the process (libcom_err has an
# error_message too) can take them over
$(EXT): $(BINDING_OBJ) $(TENSOR_OBJ)
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANFLAGS) -shared -Wl,-Bsymbolic -o $@ $^ -fopenmp $(TENSOR_LIBS)

$(STUBS): $(B)/site/torch/%: $(GENSTAMP)
	@mkdir -p $(@D)
	$(Q)cp $(B)/gen/$* $@

$(B)/site/%: tensor/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(DIST)/METADATA: tensor/torch/dist-info/METADATA
	@mkdir -p $(@D)
	$(Q)cp tensor/torch/dist-info/* $(@D)/

all: kernel tensor site

# --- what a fresh Debian 12 needs -----------------------------------------------------------------------------------

APT_RUN  := gcc libc6-dev make pkg-config python3-dev python3-venv libzmq3-dev libsodium-dev libjansson-dev \
            libsleef-dev libopenblas0-openmp
APT_TEST := $(APT_RUN) check clang g++ graphviz libomp-dev locales procps valgrind
APT_BROWSER := chromium fonts-dejavu-core
SUDO     := $(if $(filter 0,$(shell id -u)),,sudo)

# installs the packages of $(1) that are missing; asks for rights only then
define apt
	@missing=$$(for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -n "$$missing" ]; then echo "  APT    $$missing" | tr '\n' ' '; echo; \
	    $(SUDO) apt-get update -qq && \
	    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >build/apt.log 2>&1 \
	    || { tail -20 build/apt.log; exit 1; }; fi
endef

deps: | build
	$(call apt,$(APT_RUN))
	@$(MAKE) --no-print-directory $(VENV)/.stamp

deps-test: | build
	$(call apt,$(APT_TEST))
	@locale -a | grep -qi '^tr_TR.utf-\?8$$' || $(SUDO) localedef -i tr_TR -f UTF-8 tr_TR.UTF-8
	@$(MAKE) --no-print-directory $(VENV)/.stamp $(TESTENV)/.stamp

build:
	@mkdir -p $@

# a virtual environment holding the packages of the listed requirement files
define venv
	$(SAY) VENV $(@D)
	$(Q)test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(Q)$(@D)/bin/python -m pip install -q --disable-pip-version-check $(patsubst %,-r %,$(filter %.txt,$^))
	@touch $@
endef
$(VENV)/.stamp: kernelspec/requirements.txt
	$(venv)
$(TESTENV)/.stamp: kernelspec/requirements.txt tests/requirements.txt
	$(venv)

$(LABENV)/.stamp: kernelspec/requirements.txt kernelspec/lab.txt
	$(venv)
$(LABENV)/.stamp-browser: tests/browser/requirements.txt | $(LABENV)/.stamp
	$(venv)

# --- run -----------------------------------------------------------------------------------------------------------

TUTORIAL := notebooks/no_grad_tr.ipynb notebooks/no_grad_en.ipynb

run: deps
	@$(MAKE) --no-print-directory -j2 all
	@$(B)/bin/mesale run --check $(TUTORIAL)

# JupyterLab with the kernel, on a notebook (LAB=04_network_tr.ipynb) in the language of the locale, the others beside it
LAB     ?= 01_tensors_$(if $(filter tr%,$(LC_ALL) $(LC_MESSAGES) $(LANG)),tr,en).ipynb
LABSPEC := build/lab/kernels/mesale/kernel.json

lab: deps
	@$(MAKE) --no-print-directory -j2 all $(LABENV)/.stamp $(LABSPEC)
	$(Q)JUPYTER_PATH=$(abspath build/lab) $(LABENV)/bin/python -m jupyterlab $(if $(filter 0,$(shell id -u)),--allow-root) \
	    --notebook-dir=notebooks --KernelSpecManager.ensure_native_kernel=False \
	    --KernelSpecManager.allowed_kernelspecs=mesale notebooks/$(LAB)

$(LABSPEC): kernelspec/install.py $(wildcard kernelspec/*.in kernelspec/*.png kernelspec/*.svg)
	$(Q)$(PYTHON) kernelspec/install.py --program $(abspath $(B)/bin/mesale) --python $(abspath $(LABENV))/bin/python $(@D)

# --- tests -----------------------------------------------------------------------------------------------------------

UNIT_TENSOR := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
UNIT_KERNEL := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/kernel/test_*.c))
SANITIZERS  := address,undefined thread
CHECK_LIBS   = $(call pkg,--cflags --libs check)
# libgomp is not built for the thread sanitizer: its barriers would be reported; threads of our own stay
UNIT_ENV    := $(if $(filter thread,$(SAN)),OMP_NUM_THREADS=1 )CK_FORK=no \
               LSAN_OPTIONS=suppressions=tests/lsan.supp:print_suppressions=0 \
               TSAN_OPTIONS=suppressions=tests/tsan.supp:halt_on_error=1 UBSAN_OPTIONS=halt_on_error=1

$(UNIT_TENSOR): $(B)/unit/%: tests/unit/%.c $(TENSOR_OBJ) Makefile
	$(SAY) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(TENSOR_CFLAGS) -MF $(B)/obj/$*.d -Itensor/autograd -o $@ $< $(TENSOR_OBJ) -fopenmp $(CHECK_LIBS) $(TENSOR_LIBS)

$(UNIT_KERNEL): $(B)/unit/%: tests/unit/%.c $(KERNEL_OBJ) Makefile
	$(SAY) CC $<
	@mkdir -p $(@D) $(B)/obj/kernel
	$(Q)$(CC) $(KERNEL_CFLAGS) -MF $(B)/obj/$*.d -o $@ $< $(filter-out %/main.o,$(KERNEL_OBJ)) $(CHECK_LIBS) $(KERNEL_LIBS)

unit: $(UNIT_TENSOR) $(UNIT_KERNEL)
	@for t in $^; do $(UNIT_ENV) $$t || { echo "FAILED: $$t"; exit 1; }; done

check: deps-test
	@$(MAKE) --no-print-directory -j2 all
	@$(MAKE) --no-print-directory check-c
	@$(MAKE) --no-print-directory check-python

check-c:
	@$(MAKE) --no-print-directory -j2 CC=clang BUILD=build/clang all
	@$(MAKE) --no-print-directory -j2 unit
	@for s in $(SANITIZERS); do $(MAKE) --no-print-directory -j2 SAN=$$s unit || exit 1; done
	@$(MAKE) --no-print-directory check-install

# the installed library serves a C program of somebody else's
check-install:
	@rm -rf $(B)/root
	@$(MAKE) --no-print-directory install DESTDIR=$(abspath $(B))/root PREFIX=/usr
	$(Q)cd tests/example && PKG_CONFIG_PATH=$(abspath $(B))/root/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$(abspath $(B))/root \
	    sh -c '$(CC) -std=c11 -Wall -Wextra -Werror -o $(abspath $(B))/example example.c $$(pkg-config --cflags --libs mesale_tensor)'
	$(Q)LD_LIBRARY_PATH=$(B)/root/usr/lib $(B)/example

# the kernel's tests wait half of their time, the library's compute: side by side, each with its output in one piece
check-python:
	@$(MAKE) --no-print-directory -j2 cuda-host
	@$(MAKE) --no-print-directory -j2 -Otarget check-kernel check-library check-cuda-host

# the time limits tell a hang from an answer, not a fast machine from a busy one
PROTOCOL_ENV = TEST_SLOWNESS=$${TEST_SLOWNESS:-4} MESALE=$(abspath $(B)/bin/mesale) JUPYTER_PATH=$(abspath $(B)/share/jupyter)

check-kernel:
	$(Q)$(PROTOCOL_ENV) $(TESTENV)/bin/python -m pytest -q -n 2 --dist loadfile -m "not slow" tests --ignore=tests/binding \
	    --ignore=tests/parity --ignore=tests/cuda --ignore=tests/browser

# parity in a process of its own: warnings that come once are among the recorded answers
check-library:
	$(Q)$(PROTOCOL_ENV) MESALE_CUDA= sh -c '$(TESTENV)/bin/python -m pytest -q tests/binding && $(TESTENV)/bin/python -m pytest -q tests/parity'

# JupyterLab in Debian's Chromium: the notebooks, and what a person does with a cell; pictures go to build/browser
check-browser: deps
	$(call apt,$(APT_BROWSER))
	@$(MAKE) --no-print-directory -j2 all $(LABENV)/.stamp-browser
	$(Q)$(PROTOCOL_ENV) $(LABENV)/bin/python -m pytest -q tests/browser

# the pictures of the README, taken anew
pictures: deps
	$(call apt,$(APT_BROWSER) graphviz)
	@$(MAKE) --no-print-directory -j2 all $(LABENV)/.stamp-browser
	$(Q)BROWSER_SHOTS=$(abspath notebooks/pictures) $(PROTOCOL_ENV) $(LABENV)/bin/python -m pytest -q tests/browser/test_pictures.py

# what takes long: the package under sanitizers, calls and messages at random, a flood of a million messages, a hundred
# thousand graphs of every kind
check-all: check
	@CUDA_DTYPES=all $(MAKE) --no-print-directory check-cuda-host
	@$(MAKE) --no-print-directory check-browser
	@for s in address undefined; do $(MAKE) --no-print-directory -j2 SAN=$$s check-site || exit 1; done
	@$(MAKE) --no-print-directory fuzz
	@$(MAKE) --no-print-directory fuzz-kernel
	$(Q)$(PROTOCOL_ENV) $(TESTENV)/bin/python -m pytest -q --hypothesis-profile random $$(grep -rl 'import.*given' tests/binding tests/protocol)
	$(Q)HOSTILE_MESSAGES=1000000 $(PROTOCOL_ENV) \
	    $(TESTENV)/bin/python -m pytest -q -rP --timeout 1800 tests/protocol/test_hostile.py
	$(Q)LEAK_RUNS=100000 $(TESTENV)/bin/python -m pytest -q tests/binding/test_leaks.py
	$(Q)$(PROTOCOL_ENV) $(TESTENV)/bin/python -m pytest -q -s -m slow tests/protocol
	@$(MAKE) --no-print-directory -j2 SAN=thread check-races

# The kernel under the thread sanitizer: control, shell, capture, subshells. Its reports go to files, for descriptor 2 is
# the cells'. It holds a signal back until the next call that it knows of, which a loop of pure Python never makes.
RACE_TESTS := test_queue test_subshell test_interrupt test_streams test_info test_order test_shutdown test_stdin
RACE_SKIP  := busy or any_moment or many_interrupts or printing_in or mixture or before_the_interrupt or users_handler \
              or torch or loop or twice
check-races: kernel
	@rm -rf $(B)/races && mkdir -p $(B)/races
	$(Q)TSAN_OPTIONS=suppressions=$(abspath tests/tsan.supp):log_path=$(abspath $(B)/races)/log:exitcode=0 TEST_SLOWNESS=10 \
	    MESALE=$(abspath $(B)/bin/mesale) $(TESTENV)/bin/python -m pytest -q --timeout 300 -m "not slow" -k "not ($(RACE_SKIP))" \
	    $(RACE_TESTS:%=tests/protocol/%.py)
	@if ls $(B)/races/log* >/dev/null 2>&1; then cat $(B)/races/log*; exit 1; fi

# Python with an extension that was built with SAN; what leaks is for test_leaks.py to say, and a sanitizer keeps what was
# freed, so memory grows
SANRUN = env TEST_SLOWNESS=10 ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=512 \
         UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 MESALE_SITE=$(abspath $(B)/site) \
         $(if $(filter address,$(SAN)),LD_PRELOAD=$$($(CC) -print-file-name=libasan.so) PYTHONMALLOC=malloc)

check-site: site
	$(Q)$(SANRUN) $(TESTENV)/bin/python -m pytest -q --timeout 600 tests/parity
	$(Q)$(SANRUN) $(TESTENV)/bin/python -m pytest -q --timeout 600 tests/binding \
	    --ignore tests/binding/test_leaks.py --ignore tests/binding/test_stubs.py -k "not growth"

# FUZZ: more arguments of tests/fuzz/ops.py
SECONDS ?= 60
fuzz:
	@for s in address undefined; do \
	    $(MAKE) --no-print-directory -j2 SAN=$$s site && \
	    $(MAKE) --no-print-directory SAN=$$s fuzz-one SECONDS=$$(($(SECONDS) / 2)) || exit 1; done

fuzz-one:
	$(Q)$(VENV)/bin/python tests/fuzz/ops.py --seconds $(SECONDS) $(FUZZ) -- $(SANRUN) $(VENV)/bin/python

# libFuzzer: what strangers and files give the kernel. New inputs are kept in build/fuzz; corpus/ holds the seeds.
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SAN     := address,undefined -fno-sanitize-recover=undefined
FUZZ_ENV     := ASAN_OPTIONS=detect_leaks=$(if $(filter request,$(TARGET)),0,1):allocator_may_return_null=1 PYTHONMALLOC=malloc \
                MESALE_FUZZ_PYTHON=$(abspath $(VENV))/bin/python

fuzz-kernel: $(VENV)/.stamp
	$(call apt,libclang-rt-dev)
	@$(MAKE) --no-print-directory -j2 CC=clang BUILD=build/fuzz CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,$(FUZZ_SAN)' \
	    fuzz-kernel-build
	@for t in $(FUZZ_TARGETS); do $(MAKE) --no-print-directory BUILD=build/fuzz TARGET=$$t fuzz-kernel-one || exit 1; done

fuzz-kernel-build: $(FUZZ_TARGETS:%=$(B)/bin/fuzz_%) $(KERNEL_PY)

$(B)/bin/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/frames.h $(KERNEL_OBJ) Makefile
	$(SAY) CC $<
	@mkdir -p $(@D) $(B)/obj/fuzz
	$(Q)$(CC) $(KERNEL_CFLAGS) -MF $(B)/obj/fuzz/$*.d -fsanitize=fuzzer,$(FUZZ_SAN) -rdynamic -o $@ $< \
	    $(filter-out %/main.o,$(KERNEL_OBJ)) $(KERNEL_LIBS)

fuzz-kernel-one:
	$(SAY) FUZZ "$(TARGET), $(SECONDS) s"
	@mkdir -p $(B)/corpus/$(TARGET)
	$(Q)$(FUZZ_ENV) $(B)/bin/fuzz_$(TARGET) -max_total_time=$(SECONDS) -timeout=20 -rss_limit_mb=4096 -dict=$(abspath tests/fuzz/kernel.dict) -print_final_stats=1 \
	    -artifact_prefix=$(abspath $(B))/ $(abspath $(B)/corpus/$(TARGET) tests/fuzz/corpus/$(TARGET)) >$(B)/$(TARGET).log 2>&1 || \
	    { tail -60 $(B)/$(TARGET).log; exit 1; }
	@grep -E 'number_of_executed|new_units_added' $(B)/$(TARGET).log

# PyTorch, in an environment of its own: what the recorded answers come from, and the peer of the benchmarks
PEER := build/oracle

# records PyTorch's answers again, which `make check` compares ours with: after the table or the samples have grown
oracle: all deps-test $(PEER)/.stamp
	@$(TESTENV)/bin/python tests/parity/record.py

# compares with PyTorch directly, with more samples than are recorded
parity: deps-test $(PEER)/.stamp
	@$(MAKE) --no-print-directory -j2 all
	@$(TESTENV)/bin/python tests/parity/live.py --count 160 --mistakes 60 --programs 1500

bench: all $(PEER)/.stamp
	@$(PEER)/bin/python tests/bench/ops.py --site $(B)/site
	@$(PEER)/bin/python tests/bench/every_op.py --site $(B)/site
	@$(PEER)/bin/python tests/bench/imports.py --site $(B)/site
	@$(PEER)/bin/python tests/bench/kernels.py --mesale $(B)/bin/mesale --path $(B)/share/jupyter
	@$(PEER)/bin/python tests/bench/questions.py --path $(B)/share/jupyter
	@$(PEER)/bin/python tests/bench/notebooks.py --mesale $(B)/bin/mesale --python $(VENV)/bin/python

$(PEER)/.stamp: tests/bench/requirements.txt
	$(venv)

# --- install -----------------------------------------------------------------------------------------------------------

D := $(DESTDIR)$(PREFIX)
HEADERS := tensor/tensor.h tensor/dtype.def $(B)/gen/tensor_ops.h

install: all
	install -d $(D)/bin $(D)/lib/mesale/python $(D)/lib/mesale/site $(D)/lib/pkgconfig $(D)/include/mesale $(D)/share/mesale/kernelspec
	install $(B)/bin/mesale $(D)/bin/mesale
	install -m 644 $(LIB) $(D)/lib/
	ln -sf $(notdir $(LIB)) $(D)/lib/libmesale_tensor.so
	@if [ -e $(CUDA_LIB) ]; then install $(CUDA_LIB) $(D)/lib/ && ln -sf ../$(notdir $(CUDA_LIB)) $(D)/lib/mesale/; fi
	install -m 644 $(HEADERS) $(D)/include/mesale/
	sed 's#@PREFIX@#$(PREFIX)#' tensor/mesale_tensor.pc.in >$(D)/lib/pkgconfig/mesale_tensor.pc
	cp -r $(B)/lib/mesale/python/. $(D)/lib/mesale/python/
	cp -r $(B)/site/. $(D)/lib/mesale/site/
	install -m 644 kernelspec/kernel.json.in kernelspec/*.png kernelspec/*.svg $(D)/share/mesale/kernelspec/

uninstall:
	rm -rf $(D)/bin/mesale $(D)/lib/mesale $(D)/lib/libmesale_tensor.so* $(D)/lib/$(notdir $(CUDA_LIB)) $(D)/lib/pkgconfig/mesale_tensor.pc \
	    $(D)/include/mesale $(D)/share/mesale

# --- upkeep ------------------------------------------------------------------------------------------------------------

format:
	clang-format -i $$(git ls-files '*.c' '*.h' | grep -v '\.def$$')

clean:
	rm -rf $(filter-out $(VENV) $(TESTENV) $(LABENV) build/oracle,$(wildcard build/*)) build/.??*

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
