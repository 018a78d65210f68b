# A logger is attached to a pallet, the pallet rides in a reusable container; nothing of this moves goods.
include world.story
let logger = https://id.gs1.org/8004/9506000134LOG1
let crate  = https://id.gs1.org/8003/095060001343521001
as dairy
log 100 KGM of milk/L1
pack 40 KGM of milk/L1 into P1
on: attach logger to P1
again: attach logger to P1 time=2026-11-20T08:30:00Z
attach P1 to P1                                     ! trace/attached-to-itself
attach P1 to crate
? trace.AssociationsOf thing=@P1
off: detach logger from P1
detach logger from P1 time=2026-11-20T08:40:00Z
retract on                                          ! trace/too-late-to-undo
retract off
? trace.AssociationsOf thing=@logger
ship P1 to market
as market
receive P1
# The receiver takes the logger off, and whatever else the crate carried.
off2: detach logger from P1
detach from crate
as dairy
back: attach logger to P1
as market
retract off2                                        ! trace/too-late-to-undo
as dairy
retract back
? trace.AssociationsOf thing=@P1
? trace.LotStatus lot=@milk/L1
