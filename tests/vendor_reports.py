"""Reports as Vitis HLS and Vivado write them, cut to what matters, with counts of our own."""

from __future__ import annotations

CSYNTH = """<?xml version="1.0" encoding="UTF-8" ?>
<profile>
<ReportVersion><Version>{version}</Version></ReportVersion>
<UserAssignments>
  <unit>ns</unit>
  <ProductFamily>zynq</ProductFamily>
  <Part>xc7z020-clg400-1</Part>
  <TopModelName>bitfpga_top</TopModelName>
  <TargetClockPeriod>10.00</TargetClockPeriod>
  <ClockUncertainty>1.25</ClockUncertainty>
</UserAssignments>
<PerformanceEstimates>
  <PipelineType>no</PipelineType>
  <SummaryOfTimingAnalysis>
    <unit>ns</unit>
    <EstimatedClockPeriod>{period}</EstimatedClockPeriod>
  </SummaryOfTimingAnalysis>
  <SummaryOfOverallLatency>
    <unit>clock cycles</unit>
    <Best-caseLatency>{latency}</Best-caseLatency>
    <Average-caseLatency>{latency}</Average-caseLatency>
    <Worst-caseLatency>{latency}</Worst-caseLatency>
    <Interval-min>{latency}</Interval-min>
    <Interval-max>{latency}</Interval-max>
  </SummaryOfOverallLatency>
</PerformanceEstimates>
<AreaEstimates>
  <Resources>
    <BRAM_18K>23</BRAM_18K>
    <FF>7919</FF>
    <LUT>6841</LUT>
    <DSP>3</DSP>
    <URAM>1</URAM>
  </Resources>
  <AvailableResources>
    <BRAM_18K>280</BRAM_18K>
    <DSP>220</DSP>
    <FF>106400</FF>
    <LUT>53200</LUT>
    <URAM>0</URAM>
  </AvailableResources>
</AreaEstimates>
</profile>
"""

COSIM = """
Report time       : Sat Nov 21 10:11:12 UTC 2026.
Solution          : hls.
Simulation tool   : xsim.

+----------+----------+-----------------------------------------------+
|          |          |                 Latency(Clock Cycles)         |
+   RTL    +  Status  +-----------------------------------------------+
|          |          |      min      |      avg      |      max      |
+----------+----------+-----------------------------------------------+
|      VHDL|        NA|             NA|             NA|             NA|
|   Verilog|{verdict:>10}|            611|            613|            619|
+----------+----------+-----------------------------------------------+
"""

UTILIZATION_7 = """Copyright 1986-2022 Xilinx, Inc. All Rights Reserved.
----------------------------------------------------------------------------
| Tool Version : Vivado v.{version} (lin64) Build 4029153 Fri Oct 13 20:13:54 MDT 2023
| Command      : report_utilization -file utilization.rpt
| Design       : system_wrapper
| Device       : xc7z020clg400-1
| Design State : Routed
----------------------------------------------------------------------------

1. Slice Logic
--------------

+----------------------------+-------+-------+------------+-----------+-------+
|          Site Type         |  Used | Fixed | Prohibited | Available | Util% |
+----------------------------+-------+-------+------------+-----------+-------+
| Slice LUTs                 |  5992 |     0 |          0 |     53200 | 11.26 |
|   LUT as Logic             |  5140 |     0 |          0 |     53200 |  9.66 |
|   LUT as Memory            |   852 |     0 |          0 |     17400 |  4.90 |
|     LUT as Distributed RAM |   228 |     0 |            |           |       |
|     LUT as Shift Register  |   624 |     0 |            |           |       |
| Slice Registers            |  8987 |     0 |          0 |    106400 |  8.45 |
|   Register as Flip Flop    |  8984 |     0 |          0 |    106400 |  8.44 |
|   Register as Latch        |     3 |     0 |          0 |    106400 | <0.01 |
| F7 Muxes                   |   560 |     0 |          0 |     26600 |  2.11 |
| F8 Muxes                   |     0 |     0 |          0 |     13300 |  0.00 |
+----------------------------+-------+-------+------------+-----------+-------+

2. Memory
---------

+-------------------+------+-------+------------+-----------+-------+
|     Site Type     | Used | Fixed | Prohibited | Available | Util% |
+-------------------+------+-------+------------+-----------+-------+
| Block RAM Tile    | 11.5 |     0 |          0 |       140 |  8.21 |
|   RAMB36/FIFO*    |    9 |     0 |          0 |       140 |  6.43 |
|     RAMB36E1 only |    9 |       |            |           |       |
|   RAMB18          |    5 |     0 |          0 |       280 |  1.79 |
|     RAMB18E1 only |    5 |       |            |           |       |
+-------------------+------+-------+------------+-----------+-------+

3. DSP
------

+-----------+------+-------+------------+-----------+-------+
| Site Type | Used | Fixed | Prohibited | Available | Util% |
+-----------+------+-------+------------+-----------+-------+
| DSPs      |    2 |     0 |          0 |       220 |  0.91 |
+-----------+------+-------+------------+-----------+-------+
"""

UTILIZATION_PLUS = """| Tool Version : Vivado v.2022.2 (lin64) Build 3671981
| Device       : xck26-sfvc784-2LV-c
| Design State : Routed
+----------------------------+------+-------+------------+-----------+-------+
|          Site Type         | Used | Fixed | Prohibited | Available | Util% |
+----------------------------+------+-------+------------+-----------+-------+
| CLB LUTs                   | 5365 |     0 |          0 |    117120 |  4.58 |
|   LUT as Logic             | 4591 |     0 |          0 |    117120 |  3.92 |
|   LUT as Memory            |  774 |     0 |          0 |     57600 |  1.34 |
|     LUT as Distributed RAM |    0 |     0 |            |           |       |
|     LUT as Shift Register  |  774 |     0 |            |           |       |
| CLB Registers              | 6171 |     0 |          0 |    234240 |  2.63 |
|   Register as Flip Flop    | 6171 |     0 |          0 |    234240 |  2.63 |
|   Register as Latch        |    0 |     0 |          0 |    234240 |  0.00 |
| CARRY8                     |  353 |     0 |          0 |     14640 |  2.41 |
| F7 Muxes                   |    3 |     0 |          0 |     58560 | <0.01 |
| F9 Muxes                   |    1 |     0 |          0 |     14640 |  0.00 |
+----------------------------+------+-------+------------+-----------+-------+
| Block RAM Tile    |    4 |     0 |          0 |       144 |  2.78 |
|   RAMB36/FIFO*    |    4 |     0 |          0 |       144 |  2.78 |
|   RAMB18          |    0 |     0 |          0 |       288 |  0.00 |
| URAM              |    7 |     0 |          0 |        64 | 10.94 |
| DSPs      |    0 |     0 |          0 |      1248 |  0.00 |
"""

TIMING = """
------------------------------------------------------------------------------------------------
| Design Timing Summary
| ---------------------
------------------------------------------------------------------------------------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)  \
THS Failing Endpoints  THS Total Endpoints     WPWS(ns)     TPWS(ns)  TPWS Failing Endpoints
    -------      -------  ---------------------  -------------------      -------      -------  \
---------------------  -------------------     --------     --------  ----------------------
{wns:>11}{tns:>13}                     57                  973{whs:>13}        0.000  \
                    0                  973        2.225        0.000                       0


Timing constraints are not met.
"""
