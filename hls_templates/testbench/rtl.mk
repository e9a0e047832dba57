# Compiles what Verilator wrote in this folder, and the testbench MAIN, into `simulation`.
#
#   make -f rtl.mk ROOT=... RUNTIME=... MAIN=... CXX=... DEFINES=... LIBRARIES=...
#
# ROOT: Verilator's folder. RUNTIME: a folder that keeps the objects of its library, which are the
# same for every design: they appear whole, so that several may share it at once.
include Vbitfpga_top_classes.mk

INCLUDES = -I. -I$(ROOT)/include -I$(ROOT)/include/vltstd
SETTINGS = -DVERILATOR=1 -DVM_COVERAGE=0 -DVM_SC=0 -DVM_TIMING=0 $(DEFINES)
COMPILE = $(CXX) -std=c++17 -pthread $(SETTINGS) $(INCLUDES)

# What most of the time goes to; the rest and the testbench are compiled as one file, and fast.
FAST = $(addsuffix .o, $(filter-out Vbitfpga_top, $(VM_CLASSES_FAST) $(VM_SUPPORT_FAST)))
REST = $(addsuffix .cpp, Vbitfpga_top $(VM_CLASSES_SLOW) $(VM_SUPPORT_SLOW))
LIBRARY = $(addprefix $(RUNTIME)/, $(addsuffix .o, $(VM_GLOBAL_FAST) $(VM_GLOBAL_SLOW)))

simulation: $(FAST) rest.o $(LIBRARY)
	$(CXX) -pthread -o $@ $^ $(LIBRARIES)

$(FAST): %.o: %.cpp
	$(COMPILE) -O1 -c -o $@ $<

rest.cpp: $(REST) $(MAIN)
	for file in $^; do echo "#include \"$$file\""; done > $@

rest.o: rest.cpp
	$(COMPILE) -O0 -c -o $@ $<

$(LIBRARY): $(RUNTIME)/%.o: $(ROOT)/include/%.cpp
	$(COMPILE) -O1 -c -o $@.$$$$ $< && mv $@.$$$$ $@
