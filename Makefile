# Meşale: `make run` executes the tutorial, `make check` tests everything. Knobs: SAN=address|undefined|thread,
# V=1 (print the commands), PREFIX, PYTHON (the interpreter whose version is embedded), CC, BUILD.

PYTHON  ?= /usr/bin/python3
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
SAN     ?=
V       ?=

B       := $(BUILD)$(if $(SAN),/$(SAN))
Q       := $(if $(V),,@)
SAY      = $(if $(V),@:,@printf '  %-6s %s\n')
VENV    := build/venv
TESTENV := build/venv-test
SOVER   := 0

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.PHONY: all kernel tensor gen python site run check unit deps deps-test bench install uninstall format clean

# --- flags -------------------------------------------------------------------------------------------------------

pkg     = $(shell PKG_CONFIG_PATH=$(PYPC) pkg-config $(1) 2>/dev/null)
PYVER  := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
PYPC   := $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_config_var("LIBPC"))' 2>/dev/null)
PYRPATH := $(filter-out /usr/lib/%,$(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))' 2>/dev/null))

WARN   := -Wall -Wextra -Wshadow -Werror
CFLAGS ?= -O2 -g
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
BASE   := -std=gnu11 $(CFLAGS) $(WARN) -fPIC -fvisibility=hidden -D_GNU_SOURCE $(SANFLAGS) -MMD -MP

KERNEL_CFLAGS := $(BASE) -Ikernel $(call pkg,--cflags libzmq libsodium jansson python-$(PYVER)-embed)
KERNEL_LIBS   := $(call pkg,--libs libzmq libsodium jansson python-$(PYVER)-embed) $(PYRPATH:%=-Wl,-rpath,%) -lpthread -ldl
TENSOR_CFLAGS := $(BASE) -Itensor -I$(B)/gen -fwrapv -fno-math-errno -fno-trapping-math -fopenmp-simd
LOOP_CFLAGS   := -O3 -ffp-contract=off
TENSOR_LIBS   := -lsleefgnuabi -lm -ldl -lpthread
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
GENC    := $(addprefix $(B)/gen/,ops.c nodes.c binding.c loops.c kernels.c)
GENSTAMP := $(B)/gen/.stamp

# loops compiled once for each instruction set; cpu/pick.c chooses one when the library is loaded
ISAS       := baseline avx2 avx512
ISA_baseline :=
ISA_avx2   := -mavx2 -mfma -mf16c
ISA_avx512 := -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512
ISA_SRC    := $(wildcard tensor/cpu/isa/*.c)

TENSOR_SRC := $(wildcard tensor/*.c tensor/cpu/*.c tensor/autograd/*.c)
TENSOR_OBJ := $(TENSOR_SRC:%.c=$(B)/obj/%.o) $(B)/obj/gen/ops.o $(B)/obj/gen/nodes.o $(B)/obj/gen/kernels.o \
              $(foreach i,$(ISAS),$(ISA_SRC:tensor/cpu/isa/%.c=$(B)/obj/tensor/cpu/isa/%.$(i).o))
BINDING_SRC := $(wildcard tensor/python/*.c)
BINDING_OBJ := $(BINDING_SRC:%.c=$(B)/obj/%.o) $(B)/obj/gen/binding.o
LIB        := $(B)/lib/libmesale_tensor.so.$(SOVER)

tensor: $(LIB)
gen: $(GENSTAMP)
$(GENC): $(GENSTAMP)

$(GENSTAMP): $(GENPY) $(DECLS)
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

define ISA_RULE
$(B)/obj/tensor/cpu/isa/%.$(1).o: tensor/cpu/isa/%.c $(GENSTAMP) Makefile
	$$(SAY) CC "$$< ($(1))"
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(TENSOR_CFLAGS) $$(LOOP_CFLAGS) $$(ISA_$(1)) -DISA=$(1) -c -o $$@ $$<
endef
$(foreach i,$(ISAS),$(eval $(call ISA_RULE,$(i))))

$(LIB): $(TENSOR_OBJ)
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANFLAGS) -shared -Wl,-soname,$(@F) -o $@ $^ -fopenmp $(TENSOR_LIBS)
	$(Q)ln -sf $(@F) $(@:.$(SOVER)=)

# --- the Python packages: build/site ------------------------------------------------------------------------------

SITE_PY := $(patsubst tensor/%,$(B)/site/%,$(shell find tensor/torch tensor/mesale -name '*.py' -o -name '*.pyi' -o -name py.typed))
DIST    := $(B)/site/torch-2.13.0+mesale.dist-info

site: $(B)/site/torch/_C.so $(B)/site/torch/_C.pyi $(SITE_PY) $(DIST)/METADATA
python: site

$(B)/site/torch/_C.so: $(BINDING_OBJ) $(LIB)
	$(SAY) LD $@
	@mkdir -p $(B)/site/torch/lib
	$(Q)cp -f $(LIB) $(B)/site/torch/lib/
	$(Q)$(CC) $(SANFLAGS) -shared -o $@ $(BINDING_OBJ) -Wl,-rpath,'$$ORIGIN/lib' $(LIB) -lm

$(B)/site/torch/_C.pyi: $(GENSTAMP)
	@mkdir -p $(@D)
	$(Q)cp $(B)/gen/_C.pyi $@

$(B)/site/%: tensor/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(DIST)/METADATA: tensor/torch/dist-info/METADATA
	@mkdir -p $(@D)
	$(Q)cp tensor/torch/dist-info/* $(@D)/

all: kernel tensor site

include $(wildcard mk/*.mk)
-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
