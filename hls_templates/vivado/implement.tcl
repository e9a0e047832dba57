# Builds the block design that settings.tcl describes, then synthesises, places and routes it in
# this one process: vivado -mode batch -source implement.tcl, run where it lies. It leaves
# routed.dcp, system.hwh and reports/. Exit code 1: it failed, and stderr says why.

set here [file dirname [file normalize [info script]]]
source [file join $here settings.tcl]

# The newest version of the first IP of these names that this Vivado knows.
proc newest_ip {args} {
  foreach name $args {
    set found [lsort -dictionary [get_ipdefs -all -filter "VLNV =~ xilinx.com:ip:$name:*"]]
    if {[llength $found] > 0} { return [lindex $found end] }
  }
  error "this Vivado has no IP called [join $args { or }]"
}

# Returns whether there are board files of this board, after saying that they be used.
proc use_board {board_part} {
  if {$board_part eq {}} { return 0 }
  set found [lsort -dictionary [get_board_parts -quiet -filter "NAME =~ $board_part:*"]]
  if {[llength $found] == 0} {
    puts "INFO: no board files $board_part here; the PS has the settings of settings.tcl alone"
    return 0
  }
  set_property board_part [lindex $found end] [current_project]
  return 1
}

proc buses {cell mode} {
  set filter "MODE == $mode && VLNV =~ xilinx.com:interface:aximm_rtl:*"
  return [lsort [get_bd_intf_pins -quiet -of_objects $cell -filter $filter]]
}

# Joins masters and slaves, one side of which is a single bus.
proc join_buses {name masters slaves} {
  global interconnect
  set bridge [create_bd_cell -type ip -vlnv [newest_ip $interconnect smartconnect] $name]
  set counts [list CONFIG.NUM_SI [llength $masters] CONFIG.NUM_MI [llength $slaves]]
  set_property -dict $counts $bridge
  set n 0
  foreach master $masters {
    connect_bd_intf_net $master [get_bd_intf_pins $name/[format S%02d_AXI $n]]
    incr n
  }
  set n 0
  foreach slave $slaves {
    connect_bd_intf_net [get_bd_intf_pins $name/[format M%02d_AXI $n]] $slave
    incr n
  }
}

proc make_ps {preset config} {
  global ps_ip ps_external
  set ps [create_bd_cell -type ip -vlnv [newest_ip $ps_ip] ps]
  set options [list apply_board_preset $preset]
  if {[llength $ps_external] > 0} {
    lappend options make_external [join $ps_external {, }] Master Disable Slave Disable
  }
  apply_bd_automation -rule xilinx.com:bd_rule:$ps_ip -config $options $ps
  set settings {}
  foreach {name value} $config { lappend settings CONFIG.$name $value }
  set_property -dict $settings $ps
  return $ps
}

# Without scatter-gather, with lengths of up to 64 MiB; pynq's driver wants both.
proc make_dma {stream_bits memory_bits} {
  set dma [create_bd_cell -type ip -vlnv [newest_ip axi_dma] dma]
  set_property -dict [list \
    CONFIG.c_include_sg 0 CONFIG.c_sg_include_stscntrl_strm 0 CONFIG.c_sg_length_width 26 \
    CONFIG.c_m_axi_mm2s_data_width $memory_bits CONFIG.c_m_axi_s2mm_data_width $memory_bits \
    CONFIG.c_m_axis_mm2s_tdata_width $stream_bits] $dma
  connect_bd_intf_net [get_bd_intf_pins dma/M_AXIS_MM2S] [get_bd_intf_pins accelerator/x]
  connect_bd_intf_net [get_bd_intf_pins accelerator/y] [get_bd_intf_pins dma/S_AXIS_S2MM]
  return $dma
}

# Clock and reset to every cell: their input pins of these types, the PS's resets excepted.
proc connect_clocks {clock_pin reset_pin} {
  set reset [create_bd_cell -type ip -vlnv [newest_ip proc_sys_reset] reset]
  connect_bd_net [get_bd_pins ps/$reset_pin] [get_bd_pins reset/ext_reset_in]
  set clocks [get_bd_pins -quiet -of_objects [get_bd_cells] -filter {TYPE == clk && DIR == I}]
  connect_bd_net [get_bd_pins ps/$clock_pin] {*}$clocks
  foreach cell [get_bd_cells] {
    if {[string trim $cell /] in {ps reset}} { continue }
    set resets [get_bd_pins -quiet -of_objects $cell -filter {TYPE == rst && DIR == I}]
    foreach pin $resets { connect_bd_net [get_bd_pins reset/peripheral_aresetn] $pin }
  }
}

proc make_design {} {
  global core kind stream_bits memory_bits clock_mhz clock_setting clock_pin reset_pin
  global control_port memory_ports ps_config board_part
  create_bd_design system
  set cells [create_bd_cell -type ip -vlnv $core accelerator]
  if {$kind eq {axi_dma}} { lappend cells [make_dma $stream_bits $memory_bits] }
  set masters {}
  set slaves {}
  foreach cell $cells {
    lappend masters {*}[buses $cell Master]
    lappend slaves {*}[buses $cell Slave]
  }
  if {[llength $masters] == 0} { error "the core $core has no way to memory" }
  if {[llength $slaves] == 0} { error "the core $core has no registers on AXI-Lite" }
  set n_ports [expr {min([llength $masters], [llength $memory_ports])}]
  set used [lrange $memory_ports 0 [expr {$n_ports - 1}]]
  set config [concat $ps_config [list $clock_setting $clock_mhz]]
  foreach port $used { set config [concat $config [lindex $port 1]] }
  make_ps [use_board $board_part] $config
  join_buses control [get_bd_intf_pins ps/$control_port] $slaves
  for {set n 0} {$n < $n_ports} {incr n} {
    set mine {}
    for {set m $n} {$m < [llength $masters]} {incr m $n_ports} { lappend mine [lindex $masters $m] }
    join_buses memory$n $mine [get_bd_intf_pins ps/[lindex $used $n 0]]
  }
  connect_clocks $clock_pin $reset_pin
  assign_bd_address
  validate_bd_design
  save_bd_design
}

proc implement {here} {
  global part core
  if {[llength [get_parts -quiet $part]] == 0} { error "this Vivado does not know the part $part" }
  set reports [file join $here reports]
  file delete -force $reports [file join $here project]
  file mkdir $reports
  create_project -force -part $part project [file join $here project]
  set_property ip_repo_paths [file join $here .. ip] [current_project]
  update_ip_catalog
  if {[llength [get_ipdefs -all -filter "VLNV == $core"]] == 0} { error "no IP $core in ../ip" }
  make_design
  set design [get_files system.bd]
  # One synthesis of all: no runs in processes of their own, which would outlive this one.
  set_property synth_checkpoint_mode None $design
  generate_target all $design
  add_files -norecurse [make_wrapper -files $design -top]
  set_property top system_wrapper [current_fileset]
  update_compile_order -fileset sources_1
  set places [glob -nocomplain -directory [file join $here project] \
    project.{gen,srcs}/sources_1/bd/system/hw_handoff/system.hwh]
  if {[llength $places] == 0} { error "Vivado wrote no hardware hand-off system.hwh" }
  file copy -force [lindex $places 0] [file join $here system.hwh]
  synth_design -top system_wrapper -part $part
  opt_design
  place_design
  phys_opt_design
  route_design
  report_utilization -file [file join $reports utilization.rpt]
  set cells [get_cells -quiet */accelerator]
  if {[llength $cells] == 1} {
    report_utilization -cells $cells -file [file join $reports accelerator_utilization.rpt]
  }
  report_timing_summary -file [file join $reports timing_summary.rpt]
  write_checkpoint -force [file join $here routed.dcp]
}

if {[catch {implement $here} reason]} { puts stderr "ERROR: $reason"; exit 1 }
