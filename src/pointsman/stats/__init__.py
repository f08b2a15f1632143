"""Pure statistics: numbers in, `Estimate | Unknown` out; no clock, no disk, dice only as a seed."""
