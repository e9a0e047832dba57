# Writes system.bit of the routed design: vivado -mode batch -source bitstream.tcl, run where it
# lies. Exit code 1: it failed, and stderr says why.

proc write_bits {here} {
  open_checkpoint [file join $here routed.dcp]
  write_bitstream -force [file join $here system.bit]
}

set here [file dirname [file normalize [info script]]]
if {[catch {write_bits $here} reason]} { puts stderr "ERROR: $reason"; exit 1 }
