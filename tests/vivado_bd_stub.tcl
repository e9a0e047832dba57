# Stands for Vivado where it makes a block design and its bitstream, as far as the scripts ask it:
# `tclsh vivado_bd_stub.tcl SCRIPT LOG KIND [what fails or is missing]`. Commands it does not know are
# errors, and so are pins that do not exist, pins joined twice, and clocks or resets left open.
lassign $argv script logfile coretype failing
set log [open $logfile w]
proc note {text} { puts $::log $text; flush $::log }

set objects {}
proc put {path args} { dict set ::objects $path $args }
proc of {path key} { dict get $::objects $path $key }
proc bus {path mode {vlnv aximm}} { put $path KIND bus MODE $mode VLNV xilinx.com:interface:${vlnv}_rtl:1.0 }
proc pin {path type dir} { put $path KIND pin TYPE $type DIR $dir }

proc matches {path filter} {
  foreach term [split [string map {&& &} $filter] &] {
    lassign $term key operator value
    if {![dict exists $::objects $path $key]} { return 0 }
    set is [of $path $key]
    if {$operator eq "=="} { set good [string equal $is $value] } else { set good [string match $value $is] }
    if {!$good} { return 0 }
  }
  return 1
}

# Objects of a kind: by path, or below cells and by a filter.
proc get {kind arguments} {
  set filter {}
  set cells {}
  set paths {}
  for {set i 0} {$i < [llength $arguments]} {incr i} {
    switch -- [lindex $arguments $i] {
      -quiet {}
      -filter { set filter [lindex $arguments [incr i]] }
      -of_objects { set cells [lindex $arguments [incr i]] }
      default { lappend paths [lindex $arguments $i] }
    }
  }
  set found {}
  foreach path [dict keys $::objects] {
    if {[of $path KIND] ne $kind || ![matches $path $filter]} { continue }
    if {$path in $paths || [lindex [split $path /] 0] in $cells} { lappend found $path }
  }
  if {[llength $paths] > 0 && [llength $found] == 0} { error "no $kind $paths" }
  return $found
}
proc get_bd_pins args { return [get pin $args] }
proc get_bd_intf_pins args { return [get bus $args] }
proc get_bd_cells args { return $::cells }

proc get_ipdefs {all option filter} {
  set known {
    xilinx.com:ip:processing_system7:5.5 xilinx.com:ip:zynq_ultra_ps_e:3.3 xilinx.com:ip:zynq_ultra_ps_e:3.10
    xilinx.com:ip:axi_interconnect:2.1 xilinx.com:ip:smartconnect:1.0 xilinx.com:ip:axi_dma:7.1
    xilinx.com:ip:proc_sys_reset:5.0 bitfpga:hls:small:1.0
  }
  set found {}
  foreach vlnv $known {
    if {$::failing eq [lindex [split $vlnv :] 2]} { continue }
    if {[string match [lindex $filter 2] $vlnv]} { lappend found $vlnv }
  }
  return $found
}
proc get_parts {quiet part} { if {$::failing eq "part"} { return {} } else { return $part } }
proc get_board_parts {quiet option filter} {
  set part [string trimright [lindex $filter 2] *]
  return [expr {$::failing eq "no board files" ? {} : [list ${part}1.10 ${part}1.9]}]
}

set cells {}
proc create_bd_cell {option ip option vlnv name} {
  if {$name in $::cells} { error "two cells $name" }
  note "cell $name $vlnv"
  lappend ::cells $name
  dict set ::types $name [lindex [split $vlnv :] 2]
  switch -- [dict get $::types $name] {
    small {
      bus $name/s_axi_control Slave
      if {$::failing eq "registers"} { dict unset ::objects $name/s_axi_control }
      if {$::coretype eq "axi_dma"} {
        bus $name/x Slave axis
        bus $name/y Master axis
      } elseif {$::failing ne "masters"} {
        bus $name/m_axi_gmem_x Master
        bus $name/m_axi_gmem_y Master
      }
      if {$::coretype eq "m_axi_taps"} { foreach n {taps more} { bus $name/m_axi_gmem_$n Master } }
      pin $name/ap_clk clk I
      pin $name/ap_rst_n rst I
      pin $name/interrupt intr O
    }
    axi_dma {
      bus $name/S_AXI_LITE Slave
      bus $name/M_AXI_MM2S Master
      bus $name/M_AXI_S2MM Master
      bus $name/M_AXIS_MM2S Master axis
      bus $name/S_AXIS_S2MM Slave axis
      foreach clock {s_axi_lite_aclk m_axi_mm2s_aclk m_axi_s2mm_aclk} { pin $name/$clock clk I }
      pin $name/axi_resetn rst I
      pin $name/mm2s_prmry_reset_out_n rst O
    }
    proc_sys_reset {
      pin $name/slowest_sync_clk clk I
      pin $name/ext_reset_in rst I
      pin $name/aux_reset_in rst I
      pin $name/peripheral_aresetn rst O
    }
    smartconnect {
      pin $name/aclk clk I
      pin $name/aresetn rst I
    }
    axi_interconnect {
      pin $name/ACLK clk I
      pin $name/ARESETN rst I
    }
  }
  return $name
}

proc set_property args {
  note "set_property $args"
  if {[lindex $args 0] ne "-dict"} { return }
  lassign $args option values cell
  foreach {name value} $values { configure $cell $name $value }
}
proc configure {cell name value} {
  set type [dict get $::types $cell]
  if {[regexp {^CONFIG.NUM_(.)I$} $name all side]} {
    for {set n 0} {$n < $value} {incr n} {
      set port [format %s%02d $side $n]
      bus $cell/${port}_AXI [expr {$side eq "S" ? "Slave" : "Master"}]
      if {$type eq "axi_interconnect"} {
        pin $cell/${port}_ACLK clk I
        pin $cell/${port}_ARESETN rst I
      }
    }
  }
  if {$value ne "1"} { return }
  switch -regexp -matchvar found -- $name {
    {^CONFIG.PCW_USE_S_AXI_HP(\d)$} {
      bus $cell/S_AXI_HP[lindex $found 1] Slave
      pin $cell/S_AXI_HP[lindex $found 1]_ACLK clk I
    }
    {^CONFIG.PCW_USE_M_AXI_GP0$} { bus $cell/M_AXI_GP0 Master; pin $cell/M_AXI_GP0_ACLK clk I }
    {^CONFIG.PCW_EN_CLK0_PORT$} { pin $cell/FCLK_CLK0 clk O }
    {^CONFIG.PCW_EN_RST0_PORT$} { pin $cell/FCLK_RESET0_N rst O }
    {^CONFIG.PSU__USE__S_AXI_GP(\d)$} {
      set n [expr {[lindex $found 1] - 2}]
      bus $cell/S_AXI_HP${n}_FPD Slave
      pin $cell/saxihp${n}_fpd_aclk clk I
    }
    {^CONFIG.PSU__USE__M_AXI_GP0$} { bus $cell/M_AXI_HPM0_FPD Master; pin $cell/maxihpm0_fpd_aclk clk I }
    {^CONFIG.PSU__FPGA_PL0_ENABLE$} { pin $cell/pl_clk0 clk O }
    {^CONFIG.PSU__USE__FABRIC__RST$} { pin $cell/pl_resetn0 rst O }
  }
}

set joined {}
proc connect_bd_intf_net {from to} {
  if {[of $from MODE] ne "Master" || [of $to MODE] ne "Slave"} { error "$from to $to" }
  if {[of $from VLNV] ne [of $to VLNV]} { error "$from is no $to" }
  foreach path [list $from $to] {
    if {$path in $::joined} { error "$path is joined twice" }
    lappend ::joined $path
  }
  note "bus $from $to"
}
proc connect_bd_net {from args} {
  if {[of $from DIR] ne "O"} { error "$from drives nothing" }
  foreach to $args {
    if {[of $to DIR] ne "I" || [of $to TYPE] ne [of $from TYPE]} { error "$from to $to" }
    if {$to in $::joined} { error "$to is joined twice" }
    lappend ::joined $to
    note "net $from $to"
  }
}
proc apply_bd_automation {option rule option config cell} { note "automation $rule $config $cell" }
proc validate_bd_design {} {
  dict for {path object} $::objects {
    set open [expr {$path ni $::joined && $path ne "reset/aux_reset_in"}]
    if {$open && [dict get $object KIND] eq "bus"} { error "$path is left open" }
    if {$open && [dict get $object KIND] eq "pin" && [dict get $object DIR] eq "I"} { error "$path is left open" }
  }
  if {$::failing eq "validate"} { error "validation failed" }
  note validate
}

foreach command {
  create_bd_design assign_bd_address save_bd_design update_ip_catalog update_compile_order add_files
  synth_design opt_design place_design phys_opt_design route_design open_checkpoint
} {
  proc $command args "note \[concat $command \$args\]; if {\$::failing eq {$command}} { error {$command failed} }"
}
proc create_project args { note "create_project $args"; set ::project [lindex $args end]; file mkdir $::project }
proc current_project {} { return project }
proc current_fileset {} { return sources_1 }
proc get_files name { return $name }
proc generate_target {what design} {
  set folder [expr {$::failing eq "old place" ? "project.srcs" : "project.gen"}]
  set place [file join $::project $folder sources_1 bd system hw_handoff]
  file mkdir $place
  if {$::failing ne "hwh"} { write [file join $place system.hwh] hand-off }
  note "generate_target $what $design"
}
proc make_wrapper {option design top} { return system_wrapper.v }
proc get_cells {quiet pattern} {
  return [expr {$::failing eq "no cell" ? {} : "system_i/accelerator"}]
}
proc write {path text} {
  set file [open $path w]
  puts -nonewline $file $text
  close $file
}
proc report_utilization args { note "report_utilization $args"; write [lindex $args end] utilization }
proc report_timing_summary args { note "report_timing_summary $args"; write [lindex $args end] timing }
proc write_checkpoint {force path} { write $path checkpoint }
proc write_bitstream {force path} {
  if {$::failing eq "bits"} { error "DRC failed" }
  write $path bits
}
source $script
