# What was shipped and what arrived differ: both sides get a case, nothing multiplies.
include world.story
as dairy
log 500 KGM of milk/L1
log 100 KGM of milk/L2
log 100 KGM of milk/L3
log 100 KGM of milk/L4
short: ship 500 KGM of milk/L1 to cheese
as cheese
got: receive 480 KGM of milk/L1
? trace.GetShipment shipment={short.shipment}
? trace.LotStatus lot=@milk/L1
trace.Settle shipment={short.shipment} outcome=maybe      ! trace/reason
trace.Settle shipment={short.shipment} outcome=lost
retract got                                               ! trace/too-late-to-undo
as market
trace.Settle shipment={short.shipment} outcome=lost       ! trace/not-your-shipment
trace.Settle shipment=none outcome=lost                   ! trace/no-mismatch
as dairy
trace.Settle shipment={short.shipment} outcome=returned
trace.Settle shipment={short.shipment} outcome=lost
trace.Settle shipment={short.shipment} outcome=lost       ! trace/no-mismatch
? trace.LotStatus lot=@milk/L1
# More than shipped, and something that was not shipped at all: not credited.
ship 10 KGM of milk/L2 to cheese
as cheese
receive 12 KGM of milk/L2, 3 KGM of milk/L3
? trace.LotStatus lot=@milk/L2
# A pallet that never came is found with the sender.
as dairy
pack 20 KGM of milk/L4 into P1
pack 10 KGM of milk/L4 into P2
two: ship P1, P2, 5 KGM of milk/L4 to cheese
as cheese
receive P1
? trace.LotStatus lot=@milk/L4
receive P2                                                ! trace/not-addressed
trace.Settle shipment={two.shipment} outcome=returned
as dairy
trace.Settle shipment={two.shipment} outcome=returned
? trace.LotStatus lot=@milk/L4
unpack from P2
