# Only the holder acts, nobody acts on more than they hold, and only the addressee receives.
include world.story
as dairy
log 500 KGM of milk/L1
log 1 KGM of cheddar/C9                            ! trace/not-your-prefix
log 10 KGM of foreign/F1
log 10 KGM of milk/L1
log 10 of milk/L1                                  ! trace/unit
log 0 KGM of milk/L1                               ! trace/amount
log some of milk/L1
log 5 KGM of https://id.gs1.org/01/09506000134352
log 1 KGM of milk/L2 time=2026-11-20T23:00:00Z     ! trace/future
log milk#S1
log milk#S1 time=2026-11-20T08:00:30Z              ! trace/not-maker
ship 511 KGM of milk/L1 to cheese                  ! trace/not-enough
ship 1 KGM of milk/unknown to cheese               ! trace/no-lot
ship 1 KGM of milk/L1 to dairy
ship 1 KGM of milk/L1 to urn:example:nobody
receive 1 KGM of milk/L1 from dairy
receive 5 KGM of https://id.gs1.org/01/09506000134352
ship 5 KGM of https://id.gs1.org/01/09506000134352 to cheese
ship 1 KGM of milk/L1 to urn:tallyway:party:hilltop-cheese time=2026-11-20T07:00:00Z doc=urn:x:desadv:1
ship 1 KGM of milk/L1 to urn:tallyway:party:hilltop-cheese time=2026-11-20T06:00:00Z doc=urn:x:desadv:2
as cheese
receive 1 KGM of milk/L1 doc=urn:x:desadv:1
receive 1 KGM of milk/L1
as dairy
gone: ship 2 KGM of milk/L1
retract gone
s1: ship 100 KGM of milk/L1 to cheese
s2: ship 50 KGM of milk/L1 to cheese
as cheese
log 5 KGM of foreign/F1                            ! trace/not-maker
as market
ship 10 KGM of milk/L1 to harbour                  ! trace/not-holder
receive 100 KGM of milk/L1                         ! trace/not-addressed
trace.Decline shipment={s1.shipment} reason=other  ! trace/not-your-shipment
trace.Decline shipment=none reason=other           ! trace/no-shipment
? trace.GetShipment shipment=none                  ! trace/no-shipment
? trace.LotStatus lot=none                         ! trace/no-lot
as cheese
trace.Decline shipment={s1.shipment} reason=moody  ! trace/reason
trace.Decline shipment={s1.shipment} reason=temperature
trace.Decline shipment={s1.shipment} reason=other  ! trace/shipment-done
as dairy
trace.CallBack shipment={s2.shipment}
s3: ship 100 KGM of milk/L1 to cheese carrier=urn:tallyway:party:harbour-logistics
as cheese
receive 100 KGM of milk/L1 step=accepting
as dairy
trace.CallBack shipment={s3.shipment}              ! trace/shipment-done
ship to cheese                                     ! trace/event
# Goods from outside: history is missing, not wrong.
as market
receive 7 KGM of https://id.gs1.org/01/04007630000123/10/X1
log 7 KGM of https://id.gs1.org/01/04007630000123/10/X1 ! trace/not-maker
receive 3 KGM of https://id.gs1.org/01/04007630000123/10/X1
receive urn:example:box:17
receive urn:example:box:17 time=2026-11-20T08:00:30Z ! trace/not-addressed
receive P3
receive P3 time=2026-11-20T08:00:30Z               ! trace/not-addressed
receive 5 KGM of milk/L5
as dairy
log 50 KGM of milk/L5
? trace.LotStatus lot=@milk/L5
# What came from outside may be shipped, packed and sold by who has it; its origin is flagged.
as market
ship 4 KGM of foreign/X7, foreign#S7, urn:epc:id:sscc:4007630.0000000001 to cheese
sell 2 KGM of foreign/X8
pack 2 KGM of foreign/X9 into urn:epc:id:sscc:4007630.0000000002
make 1 KGM of https://id.gs1.org/01/04007630000123/10/J1 from 1 KGM of foreign/X10
ship 4 KGM of foreign/X7 to dairy                  ! trace/not-holder
as cheese
receive 4 KGM of foreign/X7, foreign#S7, urn:epc:id:sscc:4007630.0000000001
? trace.LotStatus lot=@foreign/X7
# A shipment whose receiver the sender forgot is received all the same, with a flag.
as dairy
log 20 KGM of milk/L7
pack 5 KGM of milk/L7 into P1
out: ship 10 KGM of milk/L7, P1 to urn:example:elsewhere
as market
receive 16 KGM of milk/L7                          ! trace/not-addressed
back: receive 10 KGM of milk/L7, P1
as dairy
retract out                                        ! trace/too-late-to-undo
as market
pack P1 into urn:example:tote:1
retract back                                       ! trace/too-late-to-undo
unpack P1 from urn:example:tote:1
retract back
receive 10 KGM of milk/L7, P1
unpack from P1
? trace.LotStatus lot=@milk/L7
# Moved between two sites of one company: nothing changes hands.
as dairy
receive 5 KGM of milk/L5
