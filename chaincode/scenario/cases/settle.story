# A mismatch is settled line by line: every outcome, in parts, and with the regulator as a witness.
include world.story
as dairy
log 1000 KGM of milk/L1
log 100 KGM of milk/L2
log 10 KGM of milk/L3
log 10 KGM of milk/L4
pack 20 KGM of milk/L2 into P1
pack 10 KGM of milk/L2 into P2
a: ship 500 KGM of milk/L1, P1, P2 to cheese
as cheese
receive 400 KGM of milk/L1, 3 KGM of milk/L3, 4 KGM of milk/L4
trace.Settle shipment={a.shipment} item=@milk/L2 outcome=lost                   ! trace/settlement
trace.Settle shipment={a.shipment} item=@milk/L1 outcome=gone                   ! trace/reason
trace.Settle shipment={a.shipment} item=@milk/L1 outcome=kept                   ! trace/settlement
trace.Settle shipment={a.shipment} outcome=kept                                 ! trace/settlement
trace.Settle shipment={a.shipment} item=@milk/L1 amount=101 outcome=lost        ! trace/settlement
trace.Settle shipment={a.shipment} item=@milk/L1 amount=1 unit=LTR outcome=lost ! trace/unit
trace.Settle shipment={a.shipment} item=@milk/L1 amount=40000 unit=GRM outcome=found
as dairy
trace.Escalate shipment={a.shipment}                                            ! trace/not-disputed
trace.Settle shipment={a.shipment} item=@milk/L1 amount=40 outcome=found
? trace.LotStatus lot=@milk/L1
trace.Settle shipment={a.shipment} item=@milk/L1 amount=10 outcome=miscounted
trace.Settle shipment={a.shipment} item=@milk/L1 amount=20 outcome=damaged
as cheese
trace.Settle shipment={a.shipment} item=@milk/L1 amount=20 outcome=damaged
trace.Settle shipment={a.shipment} item=@milk/L1 amount=15 outcome=returned
as dairy
trace.Settle shipment={a.shipment} item=@milk/L1 amount=15 outcome=returned
trace.Settle shipment={a.shipment} item=@P1 outcome=found
as cheese
trace.Settle shipment={a.shipment} item=@P1 outcome=found
trace.Settle shipment={a.shipment} item=@P1 outcome=found                       ! trace/settlement
unpack from P1
# The surplus: one is kept, one goes back.
trace.Settle shipment={a.shipment} item=@milk/L3 outcome=kept
trace.Settle shipment={a.shipment} item=@milk/L4 outcome=sent-back
as dairy
trace.Settle shipment={a.shipment} item=@milk/L3 outcome=kept
trace.Settle shipment={a.shipment} item=@milk/L4 outcome=sent-back
? trace.LotStatus lot=@milk/L3
# They do not agree about the rest: the regulator is asked in.
as regulator
trace.Settle shipment={a.shipment} outcome=lost                                 ! trace/not-your-shipment
as dairy
trace.Settle shipment={a.shipment} item=@P2 outcome=lost
as cheese
trace.Settle shipment={a.shipment} item=@P2 outcome=miscounted
trace.Escalate shipment={a.shipment}
as dairy
trace.Escalate shipment={a.shipment}                                            ! trace/not-disputed
as market
trace.Escalate shipment={a.shipment}                                            ! trace/not-your-shipment
trace.Escalate shipment=none                                                    ! trace/no-mismatch
as regulator
trace.Settle shipment={a.shipment} item=@P2 outcome=miscounted
as dairy
unpack from P2
trace.Settle shipment={a.shipment} outcome=lost
as cheese
trace.Settle shipment={a.shipment} outcome=damaged
as regulator
trace.Settle shipment={a.shipment} outcome=lost
? trace.GetShipment shipment={a.shipment}
? trace.LotStatus lot=@milk/L1
? trace.LotStatus lot=@milk/L2
# What is kept has to have been there, and blocked goods are not found for sale.
as dairy
b: ship 10 KGM of milk/L2, 1 KGM of milk/L1 to cheese
as cheese
receive 5 KGM of milk/L2, 900 KGM of milk/L1
as dairy
trace.Settle shipment={b.shipment} item=@milk/L1 outcome=kept
ship 394 KGM of milk/L1 to market
as cheese
trace.Settle shipment={b.shipment} item=@milk/L1 outcome=kept                   ! trace/not-enough
trace.Settle shipment={b.shipment} item=@milk/L2 outcome=found
as regulator
trace.Recall id=H1 kind=hold lots=[@milk/L2] reason=smell
as dairy
trace.Settle shipment={b.shipment} item=@milk/L2 outcome=found                  ! trace/held
# One side alone asks the regulator in, when three days are over.
later 73h
trace.Escalate shipment={b.shipment}
trace.Settle shipment={b.shipment} outcome=lost
as regulator
trace.Settle shipment={b.shipment} outcome=lost
# Only a surplus: settled in one word.
as dairy
c: ship 1 KGM of milk/L3 to cheese
as cheese
receive 3 KGM of milk/L3
trace.Settle shipment={c.shipment} outcome=kept
as dairy
trace.Settle shipment={c.shipment} outcome=kept
? trace.GetShipment shipment={c.shipment}
? trace.LotStatus lot=@milk/L3
